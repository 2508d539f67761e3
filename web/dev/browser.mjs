/* browser.mjs - a browser and a test double for the checks in this folder. */

import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
];

/* Starts a test double on a free port; answers its address and how to end it. */
export async function startDouble(...args) {
    const script = fileURLToPath(new URL("double.mjs", import.meta.url));
    const child = spawn(process.execPath, [script, "--port", "0", ...args], {
        stdio: ["ignore", "pipe", "inherit"],
    });
    let text = "";
    /* what it says that fits, as soon as it has said it */
    const said = (pattern) =>
        new Promise((done, fail) => {
            const look = () => {
                const found = pattern.exec(text);
                if (found) done(found[0]);
            };
            look();
            child.stdout.on("data", look);
            child.on("exit", () => fail(new Error("the test double ended")));
        });
    child.stdout.on("data", (data) => {
        text += data;
    });
    const url = await said(/http:\/\/\S+/);
    return { url, said, stop: () => child.kill() };
}

export async function startBrowser() {
    const profile = await mkdtemp(join(tmpdir(), "doppel-web-"));
    const browser = await chromium.launch({
        executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
        headless: true,
        args: ARGS,
        env: { ...process.env, HOME: profile },
    });
    return {
        browser,
        stop: async () => {
            await browser.close();
            await rm(profile, { recursive: true, force: true });
        },
    };
}

/* A page with a theme and a size, as a visitor who comes for the first time. */
export async function openPage(browser, { theme = "light", width = 1440, height = 900 } = {}) {
    const context = await browser.newContext({
        viewport: { width, height },
        colorScheme: theme,
        hasTouch: width < 600,
        isMobile: width < 600,
        deviceScaleFactor: 1,
    });
    const page = await context.newPage();
    return { page, context };
}

/* Signs a person of the locked double in, in this context. */
export async function signIn(page, url, email = "ann@example.org") {
    const data = { email, password: "correct horse battery", code: "123456" };
    const answer = await page.request.post(`${url}/api/v1/session`, { data });
    if (!answer.ok()) throw new Error(`not signed in: ${answer.status()}`);
}

/* browser.mjs - Chromium through playwright-core, watched: whatever leaves this host, is refused by
 * the policy of the page or fails in a script fails the test. */

import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { ROOT } from "./spawned.mjs";

export const SHOTS = join(ROOT, "build/screenshots");
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const PROGRAMS = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

export async function launch(t) {
    const executablePath = process.env.DOPPEL_CHROMIUM ?? PROGRAMS.find(existsSync);
    assert.ok(executablePath, "there is no Chromium; apt-get install chromium");
    const args = [
        "--disable-dev-shm-usage",
        "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1 , EXCLUDE localhost",
    ];
    const without = () => chromium.launch({ executablePath, args: [...args, "--no-sandbox"] });
    /* its sandbox is none for root, and cannot be had in every container */
    const browser = await (process.getuid() === 0
        ? without()
        : chromium.launch({ executablePath, chromiumSandbox: true, args }).catch(without));
    t?.after(() => browser.close());
    mkdirSync(SHOTS, { recursive: true });
    return browser;
}

/* A page at this server.  page.watched has what was seen; judge() fails on anything unwanted.
 * offline: true allows requests to fail, for tests that end the server. */
export async function open(
    browser,
    server,
    { path = "/", theme = "light", offline = false, ...more } = {},
) {
    const context = await browser.newContext({
        colorScheme: theme,
        viewport: { width: 1280, height: 800 },
        reducedMotion: "reduce",
        baseURL: server.url,
        ...more,
    });
    const watched = { requests: [], left: [], failed: [], errors: [] };
    const local = new URL(server.url).host;
    context.on("request", (r) => {
        const url = new URL(r.url());
        watched.requests.push(r.url());
        if (!["data:", "blob:"].includes(url.protocol) && url.host !== local)
            watched.left.push(r.url());
    });
    context.on("requestfailed", (r) => {
        if (r.failure()?.errorText !== "net::ERR_ABORTED")
            watched.failed.push(`${r.url()} ${r.failure()?.errorText}`);
    });
    const page = await context.newPage();
    page.on("websocket", (w) => {
        if (new URL(w.url()).host !== local) watched.left.push(w.url());
    });
    page.on("pageerror", (e) => watched.errors.push(String(e.stack ?? e)));
    page.on("console", (m) => {
        if (m.type() === "error" && !(offline && /ERR_|WebSocket|status of 404/.test(m.text())))
            watched.errors.push(m.text());
    });
    page.watched = watched;
    page.judge = () => {
        assert.deepEqual(watched.left, [], "requests that leave the host");
        assert.deepEqual(watched.errors, [], "errors in the page");
        if (!offline) assert.deepEqual(watched.failed, [], "requests that failed");
        assert.ok(watched.requests.length > 0);
    };
    await page.goto(path);
    return page;
}

/* What axe finds against WCAG 2.2 AA and its best practices, as short lines. */
export async function accessibility(page) {
    /* not as a script tag, which the page's policy refuses */
    await page.evaluate(AXE);
    const { violations } = await page.evaluate(() =>
        globalThis.axe.run(document, { resultTypes: ["violations"] }),
    );
    return violations.flatMap((v) =>
        v.nodes.map(
            (n) =>
                `${v.id} (${v.impact}): ${n.target.join(" ")}: ${n.failureSummary?.split("\n").at(-1)?.trim()}`,
        ),
    );
}

export const shot = (page, name) => page.screenshot({ path: join(SHOTS, `${name}.png`) });

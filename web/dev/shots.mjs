#!/usr/bin/env node
/* shots.mjs - pictures of every page against the test double, into .shots/ (npm run shots [NAME…]). */

import { mkdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { ACCESS_SCENES } from "./access-scenes.mjs";
import { openPage, signIn, startBrowser, startDouble } from "./browser.mjs";

const OUT = fileURLToPath(new URL("../.shots", import.meta.url));
const wanted = process.argv.slice(2);

const SCENES = [
    { name: "home", path: "/" },
    { name: "twins", path: "/twins" },
    { name: "twin-overview", path: "/twins/robot" },
    { name: "twin-data", path: "/twins/robot/data?t=live&r=15m" },
    { name: "twin-profile", path: "/twins/robot/profile" },
    {
        name: "twin-edit",
        path: "/twins/robot/profile",
        act: async (page) => {
            await page.getByRole("button", { name: "Edit" }).click();
        },
    },
    { name: "twin-findings", path: "/twins/robot/findings" },
    { name: "graph", path: "/graph" },
    { name: "types", path: "/types" },
    { name: "type", path: "/types/Machine" },
    { name: "connect", path: "/connect" },
    { name: "connect-twin", path: "/connect?twin=robot" },
    { name: "not-found", path: "/nowhere" },
    { name: "help", path: "/", act: (page) => page.keyboard.press("?") },
    ...ACCESS_SCENES,
];

const SIZES = [
    { name: "wide", width: 1440, height: 900 },
    { name: "phone", width: 390, height: 844 },
];

await mkdir(OUT, { recursive: true });
const doubles = {
    main: await startDouble("--noisy"),
    locked: await startDouble("--locked", "--noisy"),
    setup: await startDouble("--setup"),
};
const { browser, stop } = await startBrowser();
try {
    for (const theme of ["light", "dark"]) {
        for (const size of SIZES) {
            for (const scene of SCENES) {
                const name = `${scene.name}-${size.name}-${theme}`;
                if (wanted.length > 0 && !wanted.some((w) => name.startsWith(w))) continue;
                const { page, context } = await openPage(browser, { theme, ...size });
                page.on(
                    "console",
                    (m) => m.type() === "error" && console.log("console:", m.text()),
                );
                page.on("pageerror", (e) => console.log("error:", e.message));
                const double = doubles[scene.of ?? "main"];
                if (scene.as) await signIn(page, double.url, scene.as);
                await page.goto(double.url + scene.path);
                await page.waitForTimeout(scene.of ? 900 : 1800);
                await scene.act?.(page);
                if (scene.act) await page.waitForTimeout(900);
                await page.screenshot({
                    path: `${OUT}/${name}.png`,
                    fullPage: scene.full ?? false,
                });
                console.log(name);
                await context.close();
            }
        }
    }
} finally {
    await stop();
    for (const double of Object.values(doubles)) double.stop();
}

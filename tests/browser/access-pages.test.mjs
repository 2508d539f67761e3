/* Every page behind a locked door: accessible, in both themes, on a phone. */

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { accessibility, launch, open, shot } from "../lib/browser.mjs";
import { shared, until } from "../lib/doppel.mjs";
import { administrator, be } from "../lib/people.mjs";
import { twin } from "../lib/profiles.mjs";

const LOCKED = { access: "locked" };

let browser;
let ada;
const d = shared(LOCKED, async (server) => {
    browser = await launch();
    ada = await administrator(server);
    await ada.must("POST", "/api/v1/twins", { ...twin("pump", { temp: {} }), name: "Water pump" });
});
after(() => browser?.close());

/* A page that somebody is signed in at; nobody gives the door. */
async function at(path, somebody, options = {}) {
    const server = options.server ?? d;
    const page = await open(browser, server, { path: "about:blank", ...options });
    if (somebody) await be(page, somebody);
    await page.goto(path);
    return page;
}

const heading = (page, name) => page.getByRole("heading", { level: 1, name }).waitFor();
const close = (page) => page.context().close();

const PAGES = [
    ["account", "/account"],
    ["organization", "/organization"],
    ["devices", "/devices?twin=pump"],
    ["audit", "/audit"],
    ["shared", "/shared"],
    ["installation", "/installation"],
    ["connect-locked", "/connect?twin=pump"],
    ["twin-locked", "/twins/pump"],
];
const quiet = (page) =>
    until(
        "nothing to be loading",
        async () => (await page.locator("[aria-busy=true]").count()) === 0,
    );

for (const theme of ["light", "dark"])
    test(`accessible, ${theme}: every page behind the door, and the door`, async () => {
        for (const [name, path] of PAGES) {
            const page = await at(path, ada, { theme });
            await page.locator("h1").first().waitFor();
            await quiet(page);
            await shot(page, `${name}-${theme}`);
            assert.deepEqual(await accessibility(page), [], name);
            page.judge();
            await close(page);
        }
        const door = await at("/", null, { theme });
        await heading(door, "Sign in");
        await shot(door, `sign-in-${theme}`);
        assert.deepEqual(await accessibility(door), []);
        door.judge();
        await close(door);
    });

test("at 390 pixels nothing behind the door scrolls sideways", async () => {
    for (const [name, path] of PAGES) {
        const page = await at(path, ada, { viewport: { width: 390, height: 844 } });
        await page.locator("h1").first().waitFor();
        await quiet(page);
        const [inner, content] = await page.evaluate(() => [
            innerWidth,
            document.documentElement.scrollWidth,
        ]);
        await shot(page, `${name}-narrow`);
        assert.ok(content <= inner, `${name}: ${content} of ${inner} pixels`);
        await close(page);
    }
});

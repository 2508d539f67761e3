/* The panel of causes on an alarm's page: what is likely, with its course, and what a person says. */

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { accessibility, launch, open, shot } from "../lib/browser.mjs";
import { shared, until } from "../lib/doppel.mjs";
import { twin } from "../lib/profiles.mjs";

let browser;
let alarm;
const MINUTE = 60_000;
const d = shared({}, async () => {
    browser = await launch();
    await d.create(twin("pump", { temp: { normalRange: [0, 70] }, load: {} }));
    await d.create({
        ...twin("filter", { dp: {} }),
        "doppel:relationships": [{ kind: "feeds", target: "pump" }],
    });
    const end = Math.floor(Date.now() / MINUTE) * MINUTE - MINUTE;
    const pump = [];
    const filter = [];
    for (let i = 0; i < 360; i++) {
        const timestamp = end - (359 - i) * MINUTE;
        const clog = Math.max(0, i - 230) / 130;
        const ripple = ((i * 37) % 17) / 17;
        pump.push({ timestamp, temp: 50 + 19 * clog ** 2 + ripple / 2, load: 50 + ripple });
        filter.push({ timestamp, dp: 0.4 + clog + ripple / 50 });
    }
    pump.push({ timestamp: end + 1000, temp: 75 });
    await d.send("POST", "/api/v1/twins/filter/readings", filter);
    await d.send("POST", "/api/v1/twins/pump/readings", pump);
    await until("the alarm", async () => {
        [alarm] = (await d.get("/api/v1/alarms?twin=pump&severity=warning")).body.alarms;
        return alarm;
    });
});
after(() => browser?.close());

for (const theme of ["light", "dark"])
    test(`causes are shown with their course, in ${theme}`, async () => {
        const page = await open(browser, d, { path: `/alarms/${alarm.id}`, theme });
        const list = page.getByRole("list", { name: "Causes, the likeliest first" });
        const first = list.getByRole("listitem").first();
        await first.getByText("Sensor dp").waitFor();
        await first.getByRole("img", { name: /Sensor dp/ }).waitFor();
        await page.getByText("stays a hypothesis until a person confirms it").waitFor();
        assert.deepEqual(await accessibility(page), []);
        await list.scrollIntoViewIfNeeded();
        await shot(page, `explain-${theme}`);
    });

test("a person confirms a cause", async () => {
    const page = await open(browser, d, { path: `/alarms/${alarm.id}` });
    await page.getByRole("button", { name: "It was this: sensor:filter/dp" }).click();
    await page.getByText(/confirmed 1×/).waitFor();
});

/* Alarms in the page: the inbox, one alarm and what is done with it, where they are sent to. */

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { accessibility, launch, open, shot } from "../lib/browser.mjs";
import { shared } from "../lib/doppel.mjs";
import { twin } from "../lib/profiles.mjs";

let browser;
const RANGES = { normalRange: [0, 50], criticalRange: [80, 100] };
const d = shared({ args: ["--allow-private-fetch", "127.0.0.1"] }, async () => {
    browser = await launch();
    await d.create({
        ...twin("pump-1", { a: RANGES, b: RANGES }),
        "doppel:alarm": { enabled: false } /* its silence is none */,
    });
    await d.send("POST", "/api/v1/twins/pump-1/readings", { a: 90, b: 60 });
});
after(() => browser?.close());

const heading = (page, name) => page.getByRole("heading", { level: 1, name }).waitFor();

for (const theme of ["light", "dark"])
    test(`the inbox shows what is open, live, in ${theme}`, async () => {
        const page = await open(browser, d, { path: "/alarms", theme });
        await heading(page, "Alarms");
        await page.getByRole("link", { name: /Sensor a is 90/ }).waitFor();
        await page.getByTestId("alarm-count").waitFor();
        assert.deepEqual(await accessibility(page), []);
        await shot(page, `alarms-${theme}`);
    });

test("an alarm is looked at, commented and acknowledged; many are with one key", async () => {
    const page = await open(browser, d, { path: "/alarms" });
    await page.getByRole("link", { name: /Sensor a is 90/ }).click();
    await heading(page, /Sensor a is 90/);
    await page.getByText("in its critical range").first().waitFor();
    assert.deepEqual(await accessibility(page), []);
    await shot(page, "alarm");
    await page.getByLabel("Comment or reason").fill("the valve is stuck");
    await page.getByRole("button", { name: "Comment", exact: true }).click();
    await page.getByText("the valve is stuck").waitFor();
    await page.getByRole("button", { name: "Acknowledge", exact: true }).click();
    await page.getByRole("list", { name: "What happened" }).getByText("Acknowledged").waitFor();
    await page.getByRole("link", { name: "All alarms" }).click();
    await page.getByLabel(/Choose Sensor b/).check();
    await page.keyboard.press("a");
    await page.waitForFunction(() => !document.querySelector("[data-testid=alarm-count]"));
    await page.goto("/twins/pump-1/alarms");
    await page.getByRole("link", { name: /Sensor b is 60/ }).waitFor();
    assert.deepEqual(await accessibility(page), []);
});

test("a destination is made, its secret shown once, and what fails is seen", async () => {
    const page = await open(browser, d, { path: "/destinations" });
    await heading(page, "Destinations");
    await page.getByText("Nobody is told of alarms yet.").waitFor();
    await page.getByRole("button", { name: "New destination" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Name").fill("hook");
    await dialog.getByLabel("Address").fill("http://127.0.0.1:9/none");
    await dialog.getByRole("button", { name: "Make it" }).click();
    assert.match(await dialog.getByLabel("The secret").inputValue(), /^whsec_/);
    await dialog.getByRole("button", { name: "Done" }).click();
    await page.getByRole("button", { name: "Send a test" }).click();
    await page.getByLabel("Deliveries", { exact: true }).first().selectOption("waiting");
    await page.getByRole("button", { name: "Discard" }).waitFor();
    assert.deepEqual(await accessibility(page), []);
    await shot(page, "destinations");
});

/* What a twin was, in the page: who changed it and why, in what it differs, and the way back. */

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { accessibility, launch, open, shot } from "../lib/browser.mjs";
import { shared } from "../lib/doppel.mjs";
import { twin } from "../lib/profiles.mjs";

let browser;
const d = shared({}, async () => {
    browser = await launch();
});
after(() => browser?.close());

test("versions are listed with what they changed, and one is restored with a reason", async () => {
    const made = await d.post("/api/v1/twins", twin("pump-1", { temp: { normalRange: [10, 80] } }));
    assert.equal(made.status, 201, made.text);
    const change = (body, reason) =>
        d.send("PATCH", `/api/v1/twins/pump-1?reason=${encodeURIComponent(reason)}`, body);
    assert.equal((await change({ name: "Bilge pump" }, "a better name")).status, 200);
    for (const colorScheme of ["light", "dark"]) {
        const page = await open(browser, d, { path: "/twins/pump-1/versions", colorScheme });
        await page.getByRole("cell", { name: "a better name" }).waitFor();
        await page.getByRole("button", { name: "Version 2, open" }).click();
        const changes = page.getByRole("list", { name: "Differences" });
        await changes.getByText("Twin pump-1").waitFor();
        await changes.getByText("Bilge pump").waitFor();
        assert.deepEqual(await accessibility(page), []);
        await shot(page, `versions-${colorScheme}`);
        page.judge();
        await page.context().close();
    }
    const page = await open(browser, d, { path: "/twins/pump-1/versions" });
    await page.getByRole("button", { name: "Restore version 1" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Why").fill("it is another pump");
    assert.deepEqual(await accessibility(page), []);
    await dialog.getByRole("button", { name: "Restore" }).click();
    await page.getByRole("cell", { name: "it is another pump" }).waitFor();
    await page.getByRole("heading", { level: 1, name: "Twin pump-1" }).waitFor();
    assert.equal((await d.get("/api/v1/twins/pump-1")).body.name, "Twin pump-1");
    page.judge();
    await page.context().close();
});

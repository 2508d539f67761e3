/* Types of twins in the page: made, changed with findings, twins made from them, taken in and given out. */

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, test } from "node:test";
import { accessibility, launch, open, shot } from "../lib/browser.mjs";
import { shared } from "../lib/doppel.mjs";

let browser;
const d = shared({}, async () => {
    browser = await launch();
});
after(() => browser?.close());

const heading = (page, name) => page.getByRole("heading", { level: 1, name }).waitFor();

/* What stands in the editor, wholly replaced. */
async function write(page, text) {
    await page.getByRole("textbox", { name: "Type as JSON" }).click();
    await page.keyboard.press("ControlOrMeta+a");
    await page.keyboard.insertText(text);
}

test("a type is made, written with findings, saved; a twin is made of it; who does not fit is seen", async () => {
    const page = await open(browser, d, { path: "/types" });
    await heading(page, "Types");
    await page.getByText("No type is here yet.").waitFor();
    assert.deepEqual(await accessibility(page), []);
    await page.getByRole("button", { name: "New type" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Name").fill("Pump");
    assert.deepEqual(await accessibility(page), []);
    await dialog.getByRole("button", { name: "Make it" }).click();
    await heading(page, "Pump");

    const save = page.getByRole("button", { name: "Save" });
    await write(page, '{"id": "Pump", "extends": "Machine"}');
    await page.getByText("Machine, which is not there").first().waitFor();
    await page.waitForFunction(() =>
        [...document.querySelectorAll("button")].some(
            (b) => b.textContent === "Save" && b.disabled,
        ),
    );
    const type = {
        id: "Pump",
        name: "Water pump",
        sensors: [{ id: "flow", name: "Flow", type: "flow", unit: "l/min", normalRange: [20, 60] }],
        commands: [{ name: "stop", title: "Stop" }],
        settings: [{ name: "interval", title: "Interval", unit: "s" }],
        relationships: [{ kind: "feeds", min: 0, max: 2 }],
    };
    await write(page, JSON.stringify(type, null, 2));
    await page.getByText("It can be saved").waitFor();
    await save.click();
    await heading(page, "Water pump");
    await page.getByRole("cell", { name: "l/min" }).waitFor();
    await page.getByText("No twin is of this type yet.").waitFor();

    await page.getByRole("button", { name: "Make a twin" }).click();
    await dialog.getByLabel("Id").fill("pump-1");
    await dialog.getByLabel("Name").fill("First pump");
    await dialog.getByRole("button", { name: "Make it" }).click();
    await heading(page, "First pump");
    await page.getByRole("link", { name: "Pump", exact: true }).click();
    await heading(page, "Water pump");
    await page.getByRole("link", { name: "First pump" }).waitFor();
    assert.deepEqual(await accessibility(page), []);
    await shot(page, "type-light");

    type.sensors.push({ id: "vibration", type: "vibration", unit: "mm/s" });
    assert.equal((await d.send("PUT", "/api/v1/types/Pump", type)).status, 200);
    await page.reload();
    const row = page.getByRole("listitem").filter({ hasText: "First pump" });
    await row.getByText("Not as the type says").waitFor();
    await row.getByRole("link", { name: "1 finding" }).click();
    await page.getByText(/has a sensor "vibration"/).waitFor();
    page.judge();
    await page.context().close();
});

test("types come in and go out; what cannot be read is named with its place", async () => {
    const page = await open(browser, d, { path: "/types", theme: "dark" });
    await page.getByRole("button", { name: "Import" }).click();
    const dialog = page.getByRole("dialog");
    const give = (value) =>
        dialog.getByLabel("File").setInputFiles({
            name: "models.json",
            mimeType: "application/json",
            buffer: Buffer.from(JSON.stringify(value)),
        });
    await give([{ "@type": "Interface", "@id": "no dtmi", "@context": "dtmi:dtdl:context;3" }]);
    await dialog.getByRole("button", { name: "Import" }).click();
    await dialog.getByText("Cannot be read").first().waitFor();
    assert.deepEqual(await accessibility(page), []);
    await shot(page, "import-dark");
    await give({
        "@context": "dtmi:dtdl:context;3",
        "@id": "dtmi:com:example:Fan;1",
        "@type": "Interface",
        displayName: "Fan",
        contents: [{ "@type": "Telemetry", name: "speed", schema: "double" }],
    });
    await dialog.getByRole("button", { name: "Only look" }).click();
    await dialog.getByText(/Would be made or changed: 1 type/).waitFor();
    await dialog.getByRole("button", { name: "Import" }).click();
    await dialog.getByText(/Made or changed: 1 type/).waitFor();
    await dialog.getByRole("button", { name: "Done" }).click();
    await page.getByRole("link", { name: "Fan" }).click();
    await heading(page, "Fan");
    await page.getByRole("button", { name: "Export" }).click();
    const [file] = await Promise.all([
        page.waitForEvent("download"),
        dialog.getByRole("button", { name: "Download" }).click(),
    ]);
    const [model] = JSON.parse(await readFile(await file.path(), "utf8"));
    assert.equal(model["@id"], "dtmi:com:example:Fan;1");

    await page.getByRole("button", { name: "Delete the type" }).click();
    await dialog.getByRole("button", { name: "Delete" }).click();
    await heading(page, "Types");
    await page.getByRole("link", { name: "Fan" }).waitFor({ state: "detached" });
    await shot(page, "types-dark");
    assert.deepEqual(await accessibility(page), []);
    await page.context().close();
});

/* The Query page: ask with keys, see a table, a picture and where it is wrong; save, share. */

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { accessibility, launch, open, shot } from "../lib/browser.mjs";
import { shared } from "../lib/doppel.mjs";
import { twin } from "../lib/profiles.mjs";

let browser;
const d = shared({}, async (server) => {
    browser = await launch();
    for (const id of ["pump-1", "pump-2"]) await server.create(twin(id, ["t"]));
    for (let i = 0; i < 5; i++)
        await server.post("/api/v1/twins/pump-1/readings", {
            t: 20 + i,
            timestamp: new Date(Date.UTC(2026, 0, 1, 0, i)).toISOString(),
        });
});
after(() => browser?.close());

const editor = (page) => page.getByRole("textbox", { name: "The question in SQL" });
const rows = (page) => page.getByRole("region", { name: "Rows of the answer" });

async function write(page, sql) {
    await editor(page).click();
    await page.keyboard.press("Control+a");
    await page.keyboard.insertText(sql);
    await page.keyboard.press("Escape");
}

for (const theme of ["light", "dark"])
    test(`a question is asked and answered, ${theme}`, async () => {
        const page = await open(browser, d, { path: "/ask", theme });
        await page.getByRole("heading", { level: 1, name: "Query" }).waitFor();
        await page.getByRole("button", { name: "How are the twins?" }).waitFor();
        assert.deepEqual(await accessibility(page), []);
        await write(page, "SELECT time, value FROM readings WHERE twin = 'pump-1'");
        await page.keyboard.press("Control+Enter");
        await rows(page).getByRole("cell", { name: "2026-01-01T00:04:00Z" }).waitFor();
        assert.deepEqual(await accessibility(page), []);
        await page.getByText("Chart", { exact: true }).click();
        await page.getByRole("img", { name: "Chart of the answer over time" }).waitFor();
        await shot(page, `query-${theme}`);
        assert.match(page.url(), /ask\?q=SELECT/);
        page.judge();
    });

test("a link opens the question; what is wrong is marked; an example helps", async () => {
    const sql = "SELECT id, nam FROM twins";
    const page = await open(browser, d, { path: `/ask?q=${encodeURIComponent(sql)}` });
    await editor(page).getByText("nam").first().waitFor();
    await page.getByRole("button", { name: "Ask" }).click();
    await page
        .getByText(/There is no column nam\. twins has id, name/)
        .first()
        .waitFor();
    await page.locator(".cm-lintRange-error").first().waitFor();
    assert.deepEqual(await accessibility(page), []);
    await page.getByRole("button", { name: "How are the twins?" }).click();
    await rows(page).getByRole("columnheader", { name: "state" }).waitFor();
    await page.getByText("Chart", { exact: true }).click();
    await page.getByRole("list", { name: "Bars of twins" }).waitFor();
});

test("a question is saved, opened again and deleted", async () => {
    const page = await open(browser, d, { path: "/ask?q=SELECT%2042%20AS%20answer" });
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByLabel("Name").fill("The answer");
    await page.getByRole("dialog").getByRole("button", { name: "Save" }).click();
    const saved = page.getByRole("button", { name: "The answer", exact: true });
    await saved.waitFor();
    await saved.click();
    await rows(page).getByRole("cell", { name: "42" }).waitFor();
    await page.getByRole("button", { name: "Delete The answer" }).click();
    await saved.waitFor({ state: "detached" });
    page.judge();
});

test("a long question is cancelled", async () => {
    const forever =
        "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT max(x) FROM c";
    const page = await open(browser, d, { path: `/ask?q=${encodeURIComponent(forever)}` });
    await page.getByRole("button", { name: "Ask" }).click();
    await page.getByRole("button", { name: "Cancel" }).click();
    await page
        .getByText(/cancelled/)
        .first()
        .waitFor();
});

/* The graph in the page: the picture and its list, what stays where it stands, relationships and types
 * made with the mouse and with keys. */

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { accessibility, launch, open, shot } from "../lib/browser.mjs";
import { shared } from "../lib/doppel.mjs";
import { twin } from "../lib/profiles.mjs";

let browser;
const d = shared({}, async (server) => {
    browser = await launch();
    const made = (id, name, relationships) => ({
        ...twin(id, { temp: {} }),
        name,
        "doppel:relationships": relationships,
    });
    await server.create(
        made("plant", "Water plant", [
            { kind: "contains", target: "pump-1" },
            { kind: "contains", target: "pump-2" },
            { kind: "contains", target: "tank" },
        ]),
    );
    await server.create(made("pump-1", "First pump", [{ kind: "feeds", target: "tank" }]));
    await server.create(made("pump-2", "Second pump", [{ kind: "feeds", target: "tank" }]));
    await server.create(made("tank", "High tank", [{ kind: "feeds", target: "nobody" }]));
});
after(() => browser?.close());

const picture = (page) => page.getByRole("img", { name: /twins and .* relationships/ });
const rest = (page) => page.locator("[data-rest]").waitFor();
const places = (page) =>
    page.evaluate(() => JSON.parse(localStorage.getItem("doppel.graph.home") ?? "{}"));

test("the graph is a picture, and a list with the same in it", async () => {
    const page = await open(browser, d, { path: "/graph" });
    await page.getByRole("heading", { level: 1, name: "Graph" }).waitFor();
    await rest(page);
    await page.getByText("4 twins, 6 relationships").waitFor();
    assert.deepEqual(await accessibility(page), []);
    await shot(page, "graph-light");

    const list = page.getByRole("list", { name: "Twins of the graph" });
    await list.getByRole("button", { name: "High tank" }).click();
    const chosen = page.getByTestId("chosen");
    await chosen.waitFor();
    await chosen.getByText("nobody (not there)").waitFor();
    await chosen.getByRole("button", { name: "First pump" }).click();
    await page.getByRole("heading", { level: 2, name: "First pump" }).waitFor();
    assert.deepEqual(await accessibility(page), []);

    await page.getByLabel("Search the graph").fill("second");
    await list.getByRole("button", { name: "High tank" }).waitFor({ state: "detached" });
    await list.getByRole("button", { name: "Second pump" }).focus();
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { level: 2, name: "Second pump" }).waitFor();
    await page.getByRole("link", { name: "Open the twin" }).click();
    await page.getByRole("heading", { level: 1, name: "Second pump" }).waitFor();
    page.judge();
    await page.context().close();
});

test("a click on the picture finds the twin under it; kinds can be left out", async () => {
    const page = await open(browser, d, { path: "/graph", theme: "dark" });
    await rest(page);
    assert.deepEqual(await accessibility(page), []);
    await shot(page, "graph-dark");
    const box = await picture(page).boundingBox();
    const at = await places(page);
    /* the whole is fitted: so places of the graph are places of the picture, scaled */
    const xs = Object.values(at).map(([x]) => x);
    const ys = Object.values(at).map(([, y]) => y);
    const [minX, maxX, minY, maxY] = [
        Math.min(...xs),
        Math.max(...xs),
        Math.min(...ys),
        Math.max(...ys),
    ];
    const scale = Math.min(
        (box.width - 96) / Math.max(1, maxX - minX),
        (box.height - 96) / Math.max(1, maxY - minY),
        1.2,
    );
    await page.mouse.click(
        box.x + box.width / 2 + (at.tank[0] - (minX + maxX) / 2) * scale,
        box.y + box.height / 2 + (at.tank[1] - (minY + maxY) / 2) * scale,
    );
    await page.getByRole("heading", { level: 2, name: "High tank" }).waitFor();
    await page.getByRole("checkbox", { name: /contains/ }).uncheck();
    await page.getByText("3 twins, 3 relationships").waitFor();
    await page.context().close();
});

test("who stands stays where they are when something is added; states come live", async () => {
    const page = await open(browser, d, { path: "/graph" });
    await rest(page);
    const before = await places(page);
    await d.create({
        ...twin("valve", { temp: {} }),
        name: "New valve",
        "doppel:relationships": [{ kind: "feeds", target: "pump-1" }],
    });
    await page.getByRole("button", { name: "New valve" }).waitFor();
    await rest(page);
    await page.waitForFunction(
        () => JSON.parse(localStorage.getItem("doppel.graph.home") ?? "{}").valve,
    );
    const now = await places(page);
    for (const id of Object.keys(before)) assert.deepEqual(now[id], before[id], id);

    const row = page.getByRole("listitem").filter({ hasText: "New valve" });
    await row.getByText("Waiting").waitFor();
    await d.post("/api/v1/twins/valve/readings", { temp: 40 });
    await row.getByText("Live").waitFor();
    await page.context().close();
});

test("the graph as it was: in the address, and by a time that is chosen", async () => {
    const pause = () => new Promise((resolve) => setTimeout(resolve, 5));
    await d.create({
        ...twin("was", { temp: {} }),
        name: "Old filter",
        "doppel:relationships": [{ kind: "cleans", target: "tank" }],
    });
    await pause();
    const then = new Date().toISOString();
    await pause();
    await d.send("DELETE", "/api/v1/twins/was");
    const page = await open(browser, d, { path: `/graph?at=${then}` });
    await page.getByText(/as it was at/).waitFor();
    await page.getByRole("button", { name: "Old filter" }).click();
    await page.getByTestId("chosen").getByText("cleans").waitFor();
    await rest(page);
    assert.deepEqual(await accessibility(page), []);
    await shot(page, "graph-past-light");
    await page.getByRole("link", { name: "As it is now" }).click();
    await page.getByRole("button", { name: "Old filter" }).first().waitFor({ state: "detached" });
    await page.getByLabel("As it was at").fill("2020-01-01T12:00:00");
    await page.getByText("No twin was related to another then.").waitFor();
    assert.deepEqual(await accessibility(page), []);
    page.judge();
    await page.context().close();
});

test("a relationship is added, changed and removed on the twin's page", async () => {
    const page = await open(browser, d, { path: "/twins/pump-2" });
    await page.getByRole("button", { name: "Add a relationship" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Kind").fill("dependsOn");
    await dialog.getByRole("combobox", { name: "The other twin" }).fill("first");
    await dialog.getByRole("option", { name: /First pump/ }).click();
    await dialog.getByLabel("Properties").fill("{");
    await dialog.getByText("This is no JSON object.").waitFor();
    await dialog.getByLabel("Properties").fill('{"why": "power"}');
    assert.deepEqual(await accessibility(page), []);
    await shot(page, "relationship-light");
    await dialog.getByRole("button", { name: "Add", exact: true }).click();
    await dialog.waitFor({ state: "detached" });
    const row = page.getByRole("listitem").filter({ hasText: "dependsOn" });
    await row.getByText("why: power").waitFor();
    const at = "/api/v1/twins/pump-2/relationships/dependsOn:pump-1";
    assert.deepEqual((await d.get(at)).body.properties, { why: "power" });

    await row.getByRole("button", { name: /Change/ }).click();
    await dialog.getByLabel("Properties").fill('{"why": "water"}');
    await dialog.getByRole("button", { name: "Save" }).click();
    await row.getByText("why: water").waitFor();
    assert.deepEqual(await accessibility(page), []);
    await row.getByRole("button", { name: /Remove/ }).click();
    await dialog.getByRole("button", { name: "Remove" }).click();
    await row.waitFor({ state: "detached" });
    assert.equal((await d.get(at)).status, 404);
    page.judge();
    await page.context().close();
});

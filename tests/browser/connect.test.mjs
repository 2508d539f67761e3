/* Connect in Chromium: from nothing to a first message, and what happens to one that is refused. */

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { accessibility, launch, open, shot } from "../lib/browser.mjs";
import { ROOT, run, shared, temporary, until } from "../lib/doppel.mjs";
import { example, twin } from "../lib/profiles.mjs";
import { endGroup } from "../lib/spawned.mjs";

let browser;
const d = shared({}, async () => {
    browser = await launch();
});
after(() => browser?.close());

test("an empty server says what to do, and the way leads to a first message", async () => {
    const page = await open(browser, d);
    await page.getByText("No twin is here yet.").waitFor();
    assert.deepEqual(await accessibility(page), []);
    await shot(page, "home-empty-light");
    await page.getByRole("main").getByRole("link", { name: "Create a twin" }).first().click();
    await page.waitForURL("**/connect*");
    await page.getByLabel("Identifier of the new twin").fill("first-twin");
    await page.getByRole("button", { name: "Create the twin" }).click();
    await page.waitForURL("**/connect?twin=first-twin");
    await page.getByText("Created.", { exact: false }).first().waitFor();
    await page.getByText("Listening…").waitFor();
    await shot(page, "connect-listening-light");

    /* the very line that is shown, run as it stands */
    await page.getByRole("tab", { name: "mosquitto_pub" }).click();
    const line = await page.getByLabel("mosquitto_pub snippet").innerText();
    assert.ok(line.includes(`-p ${d.mqttPort}`), line);
    const r = await run("sh", ["-c", line]);
    assert.equal(r.code, 0, r.output);
    await page.getByText("Receiving").waitFor();
    const sent = /-m (\S+)/.exec(line)[1];
    const shown = page
        .getByTestId("heard")
        .locator("xpath=following::table[1]")
        .locator("[data-testid^=value-]");
    await until("the value that was sent", async () =>
        (await shown.allInnerTexts()).some((v) => Number(v) === Number(sent)),
    );
    assert.deepEqual(await accessibility(page), []);
    await shot(page, "connect-receiving-light");
    page.judge();
    await page.context().close();
});

test("the snippets of curl and JavaScript work as they stand", async (t) => {
    await d.create(twin("snippets", { "temp-1": {} }));
    const page = await open(browser, d, { path: "/connect?twin=snippets" });
    const latest = async () => (await d.get("/api/v1/twins/snippets/sensors/temp-1")).body;

    await page.getByRole("tab", { name: "curl" }).click();
    const curl = await page.getByLabel("curl snippet").innerText();
    const r = await run("sh", ["-c", curl]);
    assert.equal(r.code, 0, r.output);
    assert.equal((await latest()).updates, 1, r.output);

    await page.getByRole("tab", { name: "JavaScript" }).click();
    const script = await page.getByLabel("JavaScript snippet").innerText();
    const dir = temporary(t);
    const { symlinkSync, mkdirSync } = await import("node:fs");
    mkdirSync(join(dir, "node_modules"));
    symlinkSync(join(ROOT, "tests/node_modules/mqtt"), join(dir, "node_modules/mqtt"));
    writeFileSync(join(dir, "snippet.mjs"), script);
    const { spawn } = await import("node:child_process");
    const child = spawn(process.execPath, [join(dir, "snippet.mjs")], {
        detached: true,
        stdio: "ignore",
    });
    t.after(() => endGroup(child.pid));
    await until("its readings", async () => (await latest()).updates >= 3);
    page.judge();
    await page.context().close();
});

test("one reading sent from the page itself", async () => {
    await d.create(twin("by-page", { "temp-1": {} }));
    const page = await open(browser, d, { path: "/connect?twin=by-page" });
    await page.getByRole("button", { name: "Send one from this page" }).click();
    await page.getByText("Receiving").waitFor();
    page.judge();
    await page.context().close();
});

test("a refused message is shown with its reason, and its sensor can be added", async () => {
    await d.create(twin("refusing", { "temp-1": {} }));
    const page = await open(browser, d, { path: "/connect?twin=refusing" });
    await page.getByText("Listening…").waitFor();
    await run("mosquitto_pub", [
        "-h",
        d.mqttHost,
        "-p",
        d.mqttPort,
        "-t",
        "twins/refusing/sensors/humidity",
        "-m",
        "55.5",
        "-q",
        "1",
    ]);
    const refused = page
        .getByRole("list", { name: "Refused readings" })
        .locator("li", { hasText: "humidity" });
    await refused.waitFor();
    assert.match(await refused.innerText(), /No such sensor/);
    assert.match(await refused.innerText(), /mqtt/);
    await shot(page, "connect-refused-light");
    assert.deepEqual(await accessibility(page), []);
    await page.getByRole("button", { name: "Add sensor humidity to refusing" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.waitFor();
    assert.deepEqual(await accessibility(page), []);
    for (const label of ["Unit", "Type"]) {
        const input = dialog.getByLabel(label, { exact: false }).first();
        if ((await input.inputValue()) === "")
            await input.fill(label === "Unit" ? "percent" : "humidity");
    }
    await dialog.getByRole("button", { name: /^Add/ }).click();
    await dialog.waitFor({ state: "detached" });
    await until(
        "the sensor",
        async () => (await d.get("/api/v1/twins/refusing/sensors/humidity")).status === 200,
    );
    await run("mosquitto_pub", [
        "-h",
        d.mqttHost,
        "-p",
        d.mqttPort,
        "-t",
        "twins/refusing/sensors/humidity",
        "-m",
        "56.5",
        "-q",
        "1",
    ]);
    await until(
        "its value",
        async () => (await page.getByTestId("value-humidity").first().innerText()) === "56.5",
    );
    page.judge();
    await page.context().close();
});

test("a profile that is uploaded: its findings as one types, then the twin", async (t) => {
    const file = join(temporary(t), "robot.json");
    const broken = example("uploaded");
    broken.sensors[0].normalRange = [65, 30];
    writeFileSync(file, JSON.stringify(broken, null, 2));
    const page = await open(browser, d, { path: "/connect" });
    await page.getByText("File or text").click();
    await page.locator("input[type=file]").setInputFiles(file);
    await page
        .getByText(/normalRange/)
        .first()
        .waitFor();
    await until("the finding", async () =>
        /sensor\.range/.test(await page.getByRole("main").innerText()),
    );
    await shot(page, "connect-findings-light");
    assert.deepEqual(await accessibility(page), []);
    await page.getByRole("button", { name: "Create the twin" }).click();
    await page.waitForURL("**/connect?twin=uploaded");
    assert.equal((await d.get("/api/v1/twins/uploaded")).status, 200);
    page.judge();
    await page.context().close();
});

test("an id that is taken is said where it was typed", async () => {
    await d.create(twin("taken", ["a"]));
    const page = await open(browser, d, { path: "/connect", offline: true });
    await page.getByLabel("Identifier of the new twin").fill("taken");
    await page.getByRole("button", { name: "Create the twin" }).click();
    const alert = page.getByRole("alert");
    await alert.waitFor();
    assert.match(await alert.innerText(), /Not created/);
    await page.context().close();
});

test("a twin can be deleted, after a question", async () => {
    await d.create({ ...twin("goes", ["a"]), name: "Goes away" });
    const page = await open(browser, d, { path: "/twins/goes", offline: true });
    await page.getByRole("button", { name: "More about this twin" }).click();
    await page.getByRole("menuitem", { name: /Delete/ }).click();
    const dialog = page.getByRole("alertdialog").or(page.getByRole("dialog"));
    await dialog.getByRole("button", { name: "Delete", exact: true }).click();
    await page.waitForURL("**/twins");
    assert.equal((await d.get("/api/v1/twins/goes")).status, 404);
    await page.context().close();
});

#!/usr/bin/env node
/* journeys.mjs - what people do with the page, done in a browser against the test double
 * (npm run journeys [NAME…]).  The product's own scenario tests run against the real server. */

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { openPage, signIn, startBrowser, startDouble } from "./browser.mjs";

const journeys = {};
const wanted = process.argv.slice(2);
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

async function eventually(what, test, ms = 6000) {
    const end = Date.now() + ms;
    for (;;) {
        try {
            if (await test()) return;
        } catch (error) {
            if (Date.now() > end) throw error;
        }
        if (Date.now() > end) assert.fail(`never: ${what}`);
        await sleep(60);
    }
}

/* Frames of the stream, both ways. */
function wiretap(page) {
    const tap = { sent: [], got: 0 };
    page.on("websocket", (ws) => {
        ws.on("framesent", (f) => tap.sent.push(JSON.parse(f.payload)));
        ws.on("framereceived", () => tap.got++);
    });
    return tap;
}

journeys["first value in under a second"] = async ({ page, url }) => {
    const start = Date.now();
    await page.goto(url, { waitUntil: "commit" });
    const value = page.getByTestId("value-temp-1");
    await value.waitFor();
    const first = await value.textContent();
    const took = Date.now() - start;
    await eventually("the value moves", async () => (await value.textContent()) !== first);
    console.log(`    first value after ${took} ms`);
    assert.ok(took < 1000, `${took} ms`);
};

journeys["home counts, and leads to what needs attention"] = async ({ page, url }) => {
    await page.goto(url);
    const health = page.getByTestId("health");
    await eventually("sentence", async () => /3 twins live/.test(await health.textContent()));
    assert.equal(await page.getByRole("article").count(), 3);
    await page.getByRole("link", { name: "Water pump 2" }).click();
    await page.waitForURL("**/twins/pump");
    assert.equal(await page.getByRole("heading", { level: 1 }).textContent(), "Water pump 2");
};

journeys["pause holds values and go live catches up"] = async ({ page, url }) => {
    await page.goto(url);
    const value = page.getByTestId("value-temp-1");
    await value.waitFor();
    await page.keyboard.press("p");
    await page.getByText("Paused at").waitFor();
    const held = await value.textContent();
    /* longer than the lists take to be asked anew */
    await sleep(6500);
    assert.equal(await value.textContent(), held);
    await page.getByRole("button", { name: "Go live" }).first().click();
    await eventually("moves again", async () => (await value.textContent()) !== held);
};

journeys["keys navigate, search finds, keys can be turned off"] = async ({ page, url }) => {
    await page.goto(url);
    await page.getByTestId("value-temp-1").waitFor();
    await page.keyboard.press("g");
    await page.keyboard.press("t");
    await page.waitForURL("**/twins");
    await page.keyboard.press("/");
    await page.keyboard.type("pum");
    await page.getByRole("option", { name: /Water pump 2/ }).waitFor();
    await page.keyboard.press("Enter");
    await page.waitForURL("**/twins/pump");
    await page.keyboard.press("?");
    await page.getByRole("dialog", { name: "Keyboard" }).waitFor();
    await page.getByLabel("Use single-letter keys").click();
    await page.keyboard.press("Escape");
    await page.keyboard.press("g");
    await page.keyboard.press("h");
    await sleep(200);
    assert.match(page.url(), /twins\/pump/);
};

journeys["theme and navigation are remembered"] = async ({ page, url }) => {
    await page.goto(url);
    await page.getByRole("button", { name: "Settings and help" }).click();
    await page.getByRole("menuitemradio", { name: "Dark" }).click();
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "Fold navigation" }).click();
    await page.reload();
    assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), "dark");
    const nav = await page.getByRole("navigation", { name: "Main" }).boundingBox();
    assert.equal(Math.round(nav.width), 56);
};

journeys["zooming writes the time into the URL and back to live clears it"] = async ({
    page,
    url,
}) => {
    await page.goto(`${url}/twins/robot/data?t=live&r=15m`);
    const chart = page.getByRole("group", { name: /Chart of Joint Temperature/ });
    await chart.locator("canvas").waitFor();
    await sleep(600);
    const box = await chart.boundingBox();
    await page.mouse.move(box.x + box.width * 0.4, box.y + 80);
    assert.match(await page.getByTestId("chart-readout").first().textContent(), /°C .*\d\d:\d\d/);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.6, box.y + 90, { steps: 5 });
    await page.mouse.up();
    await page.waitForURL(/t=\d{4}-.*\/\d{4}-/);
    await page.getByTestId("viewing").waitFor();
    const span = new URL(page.url()).searchParams.get("t").split("/").map(Date.parse);
    assert.ok(Math.abs(span[1] - span[0] - 0.2 * 900_000) < 40_000, String(span[1] - span[0]));
    const shared = page.url();
    await page.getByRole("button", { name: "Back to live" }).click();
    await page.waitForURL(/t=live/);
    await page.goto(shared);
    await page.getByTestId("viewing").waitFor();
};

journeys["a session that ends loses no word of what was being written"] = async ({
    page,
    other,
}) => {
    const { url } = await other("--locked");
    await page.goto(`${url}/twins/robot/profile`);
    await page.getByLabel("E-mail").fill("ann@example.org");
    await page.getByLabel("Password").fill("correct horse battery");
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    await page.getByRole("button", { name: "Edit", exact: true }).click();
    const text = page.getByRole("textbox", { name: "Profile" });
    await text.click();
    await page.keyboard.press("Control+Home");
    await page.keyboard.type("unsaved words ");
    await page.request.delete(`${url}/api/v1/session`);
    await page.getByRole("heading", { level: 1, name: "Sign in" }).waitFor();
    assert.equal(await page.getByText("unsaved words").isVisible(), false);
    await page.getByLabel("E-mail").fill("ann@example.org");
    await page.getByLabel("Password").fill("correct horse battery");
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    await text.waitFor();
    assert.match(await text.innerText(), /unsaved words/);
};

journeys["set up, finish later, sign in again"] = async ({ page, other }) => {
    const { url, said } = await other("--setup");
    await page.goto(url);
    await page.getByRole("heading", { level: 1, name: "Set up this Doppel" }).waitFor();
    await page.getByLabel("Set-up link").fill(await said(/\/setup#\S+/));
    await page.getByRole("button", { name: "Open it" }).click();
    const card = page.getByRole("region", { name: /Finish set-up/ });
    await card.getByLabel("Your name").fill("Ada");
    await card.getByLabel("E-mail").fill("ada@example.org");
    await card.getByLabel("Password").fill("correct horse battery");
    await card.getByRole("button", { name: "Finish" }).click();
    await card.waitFor({ state: "detached" });
    assert.equal(new URL(page.url()).hash, "");
};

journeys["what wants a fresh sign-in asks who it is, and then goes on"] = async ({
    page,
    other,
}) => {
    const { url } = await other("--locked");
    await signIn(page, url);
    let refused = 0;
    await page.route(/\/account\/tokens$/, (route) => {
        if (route.request().method() !== "POST" || refused++ > 0) return route.fallback();
        const body = JSON.stringify({
            code: "reauthentication-required",
            detail: "Again, please.",
        });
        return route.fulfill({ status: 403, contentType: "application/problem+json", body });
    });
    await page.goto(`${url}/account`);
    await page.getByRole("button", { name: "New token" }).click();
    await page.getByLabel("What it is for").fill("Report");
    await page.getByRole("button", { name: "Make the token" }).click();
    const dialog = page.getByRole("dialog", { name: "Is it still you?" });
    await dialog.getByLabel("Password").fill("correct horse battery");
    await dialog.getByRole("button", { name: "Confirm" }).click();
    await page.getByLabel("The token", { exact: true }).waitFor();
    assert.equal(refused, 2);
};

journeys["charts read by keyboard, as table, and as CSV"] = async ({ page, url }) => {
    await page.goto(`${url}/twins/robot/data?t=live&r=1m`);
    const chart = page.getByRole("group", { name: /Chart of Joint Temperature/ });
    await chart.locator("canvas").waitFor();
    await sleep(500);
    await chart.focus();
    await page.keyboard.press("ArrowLeft");
    await page.keyboard.press("ArrowLeft");
    await eventually("spoken", async () => (await page.getByText(/°C at \d\d:\d\d/).count()) > 0);
    const saving = page.waitForEvent("download");
    await page.getByRole("button", { name: "CSV Joint Temperature" }).click();
    const file = await saving;
    assert.match(file.suggestedFilename(), /^robot_temp-1_.*\.csv$/);
    const lines = (await readFile(await file.path(), "utf8")).trim().split("\r\n");
    assert.equal(lines[0], "time,unix_ms,value,quality");
    assert.ok(lines.length > 500, `${lines.length} rows`);
    assert.match(lines[1], /^\d{4}-.*Z,\d+(\.\d+)?,[\d.]+,\w+$/);
    await page.getByRole("button", { name: "View as table Joint Temperature" }).click();
    const table = page.getByRole("table", { name: "Values of Joint Temperature" });
    await table.waitFor();
    assert.ok((await table.getByRole("row").count()) > 100);
};

journeys["a bad profile shows findings; a good one is saved; a conflict asks"] = async ({
    page,
    url,
}) => {
    await page.goto(`${url}/twins/building/profile`);
    await page.getByRole("button", { name: "Edit", exact: true }).click();
    const editor = page.getByRole("textbox", { name: "Profile" });
    await editor.waitFor();
    const { text, etag } = await page.evaluate(async () => {
        const r = await fetch("/api/v1/twins/building?live=false");
        return { text: await r.text(), etag: r.headers.get("etag") };
    });
    await editor.fill(text.replace('"Seattle office"', '""'));
    await page.getByText("Give the twin a name.").first().waitFor();
    await page.getByText("The core is wrong").waitFor();
    /* meanwhile somebody else saves */
    await page.evaluate(
        async ([body, match]) =>
            fetch("/api/v1/twins/building", {
                method: "PUT",
                body,
                headers: { "if-match": match },
            }),
        [text.replace('"Seattle office"', '"Their office"'), etag],
    );
    await editor.fill(text.replace('"Seattle office"', '"My office"'));
    await page.getByText("The core is wrong").waitFor({ state: "detached" });
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("Somebody else has changed").waitFor();
    await page.getByRole("button", { name: "Take theirs" }).click();
    await eventually("theirs", async () => /Their office/.test(await editor.textContent()));
    await editor.fill(text.replace('"Seattle office"', '"My office"'));
    await page.getByRole("button", { name: "Save" }).click();
    await eventually("saved", async () =>
        /My office/.test(await page.getByRole("heading", { level: 1 }).textContent()),
    );
};

journeys["findings lead to their line"] = async ({ page, url }) => {
    await page.goto(`${url}/twins/robot/findings`);
    await page.getByRole("list", { name: "Findings" }).getByRole("button").first().click();
    await page.waitForURL(/profile\?at=/);
    await page.locator("[data-marked]").waitFor();
    assert.match(await page.locator("[data-marked]").textContent(), /endpoint/);
};

journeys["a twin is created, hears its first reading, refuses and learns a sensor"] = async ({
    page,
    url,
}) => {
    await page.goto(`${url}/connect`);
    await page.getByRole("textbox", { name: "Identifier of the new twin" }).fill("line-7");
    await page.getByRole("button", { name: "Create the twin" }).click();
    await page.waitForURL(/twin=line-7/);
    await page.getByText("Filled in for you").waitFor();
    await page.getByText("Listening…").waitFor();
    const snippet = await page.getByRole("region", { name: "curl snippet" }).textContent();
    assert.match(snippet, new RegExp(`${url}/api/v1/twins/line-7/readings`));
    for (const [tab, part] of [
        ["mosquitto_pub", "-t twins/line-7/sensors/temp-1"],
        ["Python", 'client.connect("127.0.0.1", 1883)'],
        ["JavaScript", "mqtt://127.0.0.1:1883"],
    ]) {
        await page.getByRole("tab", { name: tab }).click();
        const code = await page.getByRole("region", { name: `${tab} snippet` }).textContent();
        assert.ok(code.includes(part), code);
    }
    const post = (body) =>
        fetch(`${url}/api/v1/twins/line-7/readings`, {
            method: "POST",
            headers: { "content-type": "application/json" },
            body: JSON.stringify(body),
        });
    assert.equal((await post({ "temp-1": 21.5 })).status, 200);
    await page.getByText("Receiving").waitFor({ timeout: 2000 });
    await eventually(
        "value",
        async () => (await page.getByTestId("value-temp-1").textContent()) === "21.5",
    );
    assert.equal((await post({ "oil-temp": { value: 71, unit: "celsius" } })).status, 422);
    await page.getByRole("button", { name: "Add sensor oil-temp to line-7" }).click();
    const dialog = page.getByRole("dialog", { name: "Add a sensor" });
    assert.equal(await dialog.getByLabel("Type").inputValue(), "temperature");
    await dialog.getByRole("button", { name: "Add sensor" }).click();
    await page.getByTestId("value-oil-temp").waitFor();
    assert.equal((await post({ "oil-temp": 72 })).status, 200);
    await eventually(
        "new value",
        async () => (await page.getByTestId("value-oil-temp").textContent()) === "72",
    );
    const kept = await (await fetch(`${url}/api/v1/twins/line-7?live=false`)).json();
    assert.deepEqual(
        kept.sensors.map((s) => s.id),
        ["temp-1", "running", "oil-temp"],
    );
};

journeys["an upload is judged while it is written, and created"] = async ({ page, url }) => {
    await page.goto(`${url}/connect`);
    await page.getByText("File or text").click();
    const sample = await (await fetch(`${url}/api/v1/sample?id=from-file`)).text();
    await page.getByLabel("choose a file").setInputFiles({
        name: "twin.json",
        mimeType: "application/json",
        buffer: Buffer.from(sample),
    });
    await page.getByText("Enough to create it").waitFor();
    await page.getByRole("button", { name: "Create the twin" }).click();
    await page.waitForURL(/twin=from-file/);
};

journeys["a twin is deleted after a question"] = async ({ page, url }) => {
    await page.goto(`${url}/twins`);
    await page.getByRole("button", { name: "Delete Water pump 2" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
    await page.getByRole("link", { name: "Water pump 2" }).waitFor({ state: "detached" });
    assert.equal((await fetch(`${url}/api/v1/twins/pump`)).status, 404);
};

journeys["a lost connection says so, keeps values and comes back"] = async ({ page, url }) => {
    let cut = false;
    const open = new Set();
    await page.routeWebSocket(/stream/, (ws) => {
        if (cut) return ws.close();
        ws.connectToServer();
        open.add(ws);
    });
    await page.goto(url);
    const value = page.getByTestId("value-temp-1");
    await value.waitFor();
    await eventually("connected", async () =>
        /Connected/.test(await page.getByTestId("connection").textContent()),
    );
    cut = true;
    for (const ws of open) await ws.close();
    await page.getByTestId("offline-banner").waitFor({ timeout: 4000 });
    assert.match(await page.getByTestId("connection").textContent(), /Offline/);
    assert.notEqual(await value.textContent(), "–");
    cut = false;
    await page.getByRole("button", { name: "Try now" }).click();
    await page.getByTestId("offline-banner").waitFor({ state: "detached" });
    const held = await value.textContent();
    await eventually("moves again", async () => (await value.textContent()) !== held);
};

journeys["of thousands of twins only what is in sight is asked for"] = async ({ browser }) => {
    const many = await startDouble("--many", "2000");
    const { page, context } = await openPage(browser);
    try {
        const tap = wiretap(page);
        await page.goto(many.url);
        await page.getByText("of 2,003 twins").waitFor();
        await sleep(400);
        const refs = tap.sent.flatMap((m) => m.subscribe ?? []);
        const twins = new Set(refs.map((r) => r.twin));
        assert.ok(twins.size > 3 && twins.size < 24, `${twins.size} twins`);
        await page.getByRole("button", { name: "Show more" }).click();
        await eventually("48", async () => (await page.getByRole("article").count()) === 48);
        await page.evaluate(() => scrollTo(0, 1e6));
        await eventually("unsubscribed", () =>
            tap.sent.some((m) => m.unsubscribe?.some((r) => r.twin === "robot")),
        );
        await page.goto(`${many.url}/twins?name=meter-20`);
        await page.getByText("1 twin", { exact: true }).waitFor();
    } finally {
        await context.close();
        many.stop();
    }
};

/* Script time per 100 ms, once the page has settled. */
async function scriptPerTick(page, ms = 4000) {
    const client = await page.context().newCDPSession(page);
    await client.send("Performance.enable");
    const read = async () => {
        const { metrics } = await client.send("Performance.getMetrics");
        return metrics.find((m) => m.name === "ScriptDuration").value;
    };
    const before = await read();
    await sleep(ms);
    return (((await read()) - before) / ms) * 100_000;
}

journeys["fifty sensors at 10 Hz leave the page responsive"] = async ({ browser }) => {
    const wide = await startDouble("--empty", "--wide", "50");
    const { page, context } = await openPage(browser);
    try {
        await page.goto(`${wide.url}/twins/wide/overview?t=live&r=1m`);
        await page.getByTestId("value-s-50").waitFor();
        await sleep(3000);
        const table = await scriptPerTick(page);
        await page.goto(`${wide.url}/twins/wide/data?t=live&r=1m`);
        while ((await page.getByRole("button", { name: /Show more/ }).count()) > 0) {
            await page.getByRole("button", { name: /Show more/ }).click();
        }
        await sleep(4000);
        const charts = await scriptPerTick(page);
        console.log(
            `    script per 100 ms: ${table.toFixed(1)} ms table, ${charts.toFixed(1)} ms charts`,
        );
        assert.ok(table < 25 && charts < 25, `${table} and ${charts} ms`);
    } finally {
        await context.close();
        wide.stop();
    }
};

let failures = 0;
let passed = 0;
const { browser, stop } = await startBrowser();
for (const [name, run] of Object.entries(journeys)) {
    if (wanted.length > 0 && !wanted.some((w) => name.includes(w))) continue;
    const double = await startDouble();
    const { page, context } = await openPage(browser);
    const thrown = [];
    const others = [];
    const other = async (...args) => {
        others.push(await startDouble(...args));
        return others.at(-1);
    };
    page.on("pageerror", (e) => thrown.push(e.message));
    try {
        await run({ page, url: double.url, browser, other });
        assert.deepEqual(thrown, []);
        passed++;
        console.log(`✓ ${name}`);
    } catch (error) {
        failures++;
        console.log(`✗ ${name}\n    ${error.stack}`);
    }
    await context.close();
    for (const one of [double, ...others]) one.stop();
}
await stop();
console.log(`${passed} passed, ${failures} failed`);
process.exit(failures > 0 ? 1 : 0);

/* The demo: three twins that move as soon as it runs; what is simulated says so, what is measured
 * was measured. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ROOT, start, until } from "../lib/doppel.mjs";

test("three twins move within a second, two are simulated, the building replays measured weather", async (t) => {
    const began = performance.now();
    const d = await start(t, { args: ["--demo"] });
    const items = await until("three live twins", async () => {
        const { body } = await d.get("/api/v1/twins?sensors=50");
        return body.items.length === 3 && body.items.every((i) => i.state === "live") && body.items;
    });
    console.log(
        `# the demo's twins live ${(performance.now() - began).toFixed(0)} ms after the start`,
    );
    const named = (what) => items.find((i) => new RegExp(what, "i").test(`${i.id} ${i.type}`));
    assert.equal(named("robot").simulated, true);
    assert.equal(named("pump").simulated, true);
    const building = named("building");
    assert.equal(building.simulated, false);

    const csv = join(ROOT, "tools/demo-data/node_modules/vega-datasets/data/seattle-weather.csv");
    const days = readFileSync(csv, "utf8")
        .trim()
        .split("\n")
        .slice(1)
        .map((l) => l.split(","));
    const measured = days.map((d) => `${Number(d[2])} ${Number(d[3])} ${Number(d[1])}`).join("\n");
    const column = async (id) => (await d.history(building.id, id, "from=0")).points;
    const ids = Object.fromEntries(
        [
            ["high", /high|max/i],
            ["low", /low|min/i],
            ["rain", /precip|rain/i],
        ].map(([k, r]) => [k, building.sensors.find((s) => r.test(`${s.id} ${s.name}`)).id]),
    );
    await until("five days of weather", async () => (await column(ids.rain)).length >= 5, {
        timeout: 30_000,
    });
    const [high, low, rain] = await Promise.all([ids.high, ids.low, ids.rain].map(column));
    const n = Math.min(high.length, low.length, rain.length);
    const seen = Array.from(
        { length: n },
        (_, i) => `${high[i][1]} ${low[i][1]} ${rain[i][1]}`,
    ).join("\n");
    assert.ok(
        measured.includes(seen),
        `not days that follow each other in the measured table:\n${seen}`,
    );
});

test("the demo takes up again where it stood, and a deleted twin stays deleted", async (t) => {
    const d = await start(t, { args: ["--demo"] });
    await until(
        "three twins",
        async () => (await d.get("/api/v1/twins?state=live")).body.total === 3,
    );
    const [first] = (await d.get("/api/v1/twins")).body.items;
    assert.equal((await d.send("DELETE", `/api/v1/twins/${first.id}`)).status, 204);
    await d.restart();
    await until(
        "the others to move",
        async () => (await d.get("/api/v1/twins?state=live")).body.total === 2,
    );
    assert.equal((await d.get(`/api/v1/twins/${first.id}`)).status, 404);
});

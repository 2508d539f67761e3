/* What a profile says of its history acts, and readings can be taken out of the past for good. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { doppel, start, until } from "../lib/doppel.mjs";
import { twin } from "../lib/profiles.mjs";

const [OK, USAGE, MISSING] = [0, 2, 4];
const HOUR = 3600_000;
const past = (id) => `/api/v1/twins/${id}/sensors/a/history`;

function keeping(id, historicalData) {
    return { ...twin(id, ["a"]), dataStorage: { historicalData } };
}

async function say(d, id, readings) {
    const lines = readings.map(([t, v]) => JSON.stringify({ sensor: "a", value: v, timestamp: t }));
    const r = await d.post(
        `/api/v1/twins/${id}/readings`,
        lines.join("\n"),
        "application/x-ndjson",
    );
    assert.equal(r.status, 200, r.text);
}

const remove = (d, id, from, to) => d.send("DELETE", `${past(id)}?from=${from}&to=${to}`);

test("what was deleted stays away, though the power goes right after the answer", async (t) => {
    const d = await start(t);
    await d.create(twin("gone", ["a"]));
    const now = Date.now() - HOUR;
    const readings = Array.from({ length: 600 }, (_, i) => [now + i * 1000, i]);
    await say(d, "gone", readings);
    const r = await remove(d, "gone", now + 100_000, now + 200_000);
    assert.equal(r.status, 200, r.text);
    assert.deepEqual(r.body, {
        twin: "gone",
        sensor: "a",
        from: now + 100_000,
        to: now + 200_000,
        deleted: 100,
    });
    await d.kill();
    await d.restart();
    const left = readings.filter(([at]) => at < now + 100_000 || at >= now + 200_000);
    assert.deepEqual(await d.allHistory("gone", "a"), left);

    /* what comes later may come there again */
    await say(d, "gone", [[now + 150_000, 7]]);
    const points = (await d.history("gone", "a", `from=${now + 100_000}&to=${now + 200_000}`))
        .points;
    assert.deepEqual(points, [[now + 150_000, 7]]);
});

test("the present is the newest reading that is left", async (t) => {
    const d = await start(t);
    await d.create(twin("now", ["a"]));
    const now = Date.now();
    await say(d, "now", [
        [now - 2000, 1],
        [now - 1000, 9999],
    ]);
    await remove(d, "now", now - 1500, now);
    const sensor = (await d.get("/api/v1/twins/now/sensors/a")).body;
    assert.deepEqual([sensor.value, sensor.t], [1, now - 2000]);
    await remove(d, "now", 0, now);
    const none = (await d.get("/api/v1/twins/now/sensors/a")).body;
    assert.deepEqual([none.value, none.t, none.state], [null, null, "waiting"]);
    await d.restart();
    assert.equal((await d.get("/api/v1/twins/now/sensors/a")).body.value, null);
    await say(d, "now", [[now, 3]]);
    assert.equal((await d.get("/api/v1/twins/now/sensors/a")).body.value, 3);
});

test("deleting asks for both ends and for what there is", async (t) => {
    const d = await start(t);
    await d.create(twin("ask", ["a"]));
    for (const [path, status, code] of [
        [past("ask"), 400, "invalid"],
        [`${past("ask")}?from=0`, 400, "invalid"],
        [`${past("ask")}?to=0`, 400, "invalid"],
        [`${past("ask")}?from=2000&to=1000`, 400, "invalid"],
        [`${past("ask")}?from=yesterday&to=1000`, 422, "bad-time"],
        [`${past("nobody")}?from=0&to=1000`, 404, "unknown-twin"],
    ]) {
        const r = await d.send("DELETE", path);
        assert.deepEqual([r.status, r.body.code], [status, code], path);
    }
    const r = await remove(d, "ask", 0, 1000);
    assert.deepEqual([r.status, r.body.deleted], [200, 0]);
});

test("doppel history --delete wants --yes", async (t) => {
    const d = await start(t);
    await d.create(twin("cli", ["a"]));
    await say(d, "cli", [
        [1_700_000_000_000, 1],
        [1_700_000_060_000, 2],
        [1_700_000_120_000, 3],
    ]);
    const args = ["history", "cli", "a", "--server", d.url, "--delete"];
    const span = ["--from", "1700000060000", "--to", "1700000120000"];
    assert.equal((await doppel([...args, "--yes"])).code, USAGE);
    const asked = await doppel([...args, ...span]);
    assert.equal(asked.code, USAGE);
    assert.match(asked.stderr, /--yes/);
    const done = await doppel([...args, ...span, "--yes"]);
    assert.equal(done.code, OK, done.output);
    assert.match(done.stdout, /deleted 1 reading/);
    const rest = (await d.allHistory("cli", "a")).map(([, v]) => v);
    assert.deepEqual(rest, [1, 3]);
    const nobody = ["history", "nobody", "a", "--server", d.url, "--delete", ...span, "--yes"];
    assert.equal((await doppel(nobody)).code, MISSING);
});

test("readings expire, the present stays, and status tells", async (t) => {
    const d = await start(t);
    await d.create(
        keeping("short", {
            retentionPeriod: "2s",
            samplingRate: "1ms",
            compressionLevel: "high",
        }),
    );
    await d.create(keeping("long", { retentionPeriod: "90d", samplingRate: "1m" }));
    const now = Date.now();
    for (const id of ["short", "long"]) {
        await say(d, id, [
            [now - 1000, 1],
            [now, 2],
        ]);
        await remove(d, id, 0, 1); /* which brings what is in memory to history */
    }
    await until("nothing is left", async () => (await d.allHistory("short", "a")).length === 0, {
        timeout: 60_000,
        every: 500,
    });
    assert.equal((await d.allHistory("long", "a")).length, 2);
    assert.equal((await d.get("/api/v1/twins/short/sensors/a")).body.value, 2);
    assert.equal((await d.get("/api/v1/status")).body.storage.expired, 2);
    assert.match((await d.get("/metrics")).text, /doppel_history_expired_readings_total 2\b/);
});

test("an old recording is not gone a minute later; minutes and hours are made of it", async (t) => {
    const d = await start(t);
    await d.create(keeping("old", { retentionPeriod: "90d", samplingRate: "1m" }));
    const first = Date.UTC(2019, 0, 1);
    const readings = Array.from({ length: 20_000 }, (_, i) => [first + i * 2000, i % 500]);
    for (let i = 0; i < readings.length; i += 5000)
        await say(d, "old", readings.slice(i, i + 5000));
    await remove(d, "old", 0, 1);
    await until(
        "roll-ups",
        async () => (await d.get("/api/v1/status")).body.storage.rollupBytes > 0,
        { timeout: 60_000, every: 200 },
    );
    assert.deepEqual(await d.allHistory("old", "a"), readings);
    const patch = { dataStorage: { historicalData: { "doppel:rawRetention": "100d" } } };
    const r = await d.send(
        "PATCH",
        "/api/v1/twins/old",
        JSON.stringify(patch),
        "application/merge-patch+json",
    );
    assert.equal(r.status, 200, r.text);
    assert.ok(r.body.findings.some((f) => f.pointer.endsWith("doppel:rawRetention")));
});

/* Readings over HTTP: every body of docs/interfaces.md, with curl and fetch. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { run, shared } from "../lib/doppel.mjs";
import { twin } from "../lib/profiles.mjs";

const d = shared();

const SENSORS = {
    "temp-1": {},
    "on-1": { type: "switch", unit: "1" },
    "text-1": { type: "state", unit: "1" },
};

test("telemetry, one object", async () => {
    await d.create(twin("http-1", SENSORS));
    const r = await d.post("/api/v1/twins/http-1/readings", {
        timestamp: 1700000000000.25,
        "temp-1": 42.3,
        "on-1": true,
        "text-1": "grinding",
    });
    assert.equal(r.status, 200, r.text);
    assert.deepEqual(r.body, { accepted: 3 });
    const h = await d.history("http-1", "temp-1");
    assert.deepEqual(h.points, [[1700000000000.25, 42.3]]);
    assert.equal(h.twin, "http-1");
    assert.equal(h.sensor, "temp-1");
    assert.equal(h.unit, "celsius");
    assert.deepEqual((await d.history("http-1", "on-1")).points, [[1700000000000.25, true]]);
    assert.deepEqual((await d.history("http-1", "text-1")).points, [
        [1700000000000.25, "grinding"],
    ]);
});

test("telemetry, an array of objects, values as objects", async () => {
    await d.create(twin("http-2", SENSORS));
    const r = await d.post("/api/v1/twins/http-2/readings", [
        { timestamp: "2024-03-15T14:30:00Z", "temp-1": 1 },
        {
            timestamp: "2024-03-15T14:30:01.000250+00:00",
            "temp-1": { value: 2, quality: "uncertain" },
        },
        { "temp-1": { value: 3, timestamp: "2024-03-15T16:30:02+02:00", quality: "bad" } },
    ]);
    assert.deepEqual(r.body, { accepted: 3 }, r.text);
    const h = await d.history("http-2", "temp-1", "from=0&quality=true");
    assert.deepEqual(h.points, [
        [1710513000000, 1, "good"],
        [1710513001000.25, 2, "uncertain"],
        [1710513002000, 3, "bad"],
    ]);
});

test("readings that name their sensor, one and many, with curl", async () => {
    await d.create(twin("http-3", SENSORS));
    const one = await run("curl", [
        ...["-sS", "--fail-with-body", "-H", "content-type: application/json"],
        ...["-d", '{"sensor":"temp-1","value":7.5,"timestamp":1700000001000}'],
        `${d.url}/api/v1/twins/http-3/readings`,
    ]);
    assert.equal(one.code, 0, one.output);
    assert.deepEqual(JSON.parse(one.stdout), { accepted: 1 });
    const many = await d.post("/api/v1/twins/http-3/readings", [
        { sensor: "temp-1", value: 8.5, timestamp: 1700000002000 },
        { sensor: "on-1", value: false, timestamp: 1700000002000, quality: "good" },
    ]);
    assert.deepEqual(many.body, { accepted: 2 });
    assert.deepEqual((await d.history("http-3", "temp-1")).points, [
        [1700000001000, 7.5],
        [1700000002000, 8.5],
    ]);
    assert.deepEqual((await d.history("http-3", "on-1")).points, [[1700000002000, false]]);
});

test("NDJSON, one object a line, with and without a last newline", async () => {
    await d.create(twin("http-4", SENSORS));
    const lines = Array.from({ length: 500 }, (_, i) =>
        JSON.stringify({ sensor: "temp-1", value: i / 8, timestamp: 1700000000000 + i * 1000 }),
    );
    const path = "/api/v1/twins/http-4/readings";
    const first = await d.post(path, `${lines.slice(0, 250).join("\n")}\n`, "application/x-ndjson");
    assert.deepEqual(first.body, { accepted: 250 }, first.text);
    const rest = await d.post(path, lines.slice(250).join("\r\n"), "application/x-ndjson");
    assert.deepEqual(rest.body, { accepted: 250 }, rest.text);
    const points = await d.allHistory("http-4", "temp-1", undefined, 100);
    assert.deepEqual(
        points,
        Array.from({ length: 500 }, (_, i) => [1700000000000 + i * 1000, i / 8]),
    );
});

test("the sensor's own address takes every form", async () => {
    await d.create(twin("http-5", SENSORS));
    const path = "/api/v1/twins/http-5/sensors/temp-1/readings";
    for (const body of [
        "42.5",
        '{"value":43.5,"timestamp":1700000000000}',
        '[{"value":44.5,"timestamp":1700000001000},{"value":45.5,"timestamp":1700000002000}]',
    ]) {
        const r = await d.post(path, body);
        assert.equal(r.status, 200, r.text);
        assert.equal(r.body.accepted, body[0] === "[" ? 2 : 1);
    }
    const h = await d.history("http-5", "temp-1");
    assert.deepEqual(
        h.points.slice(0, 3).map((p) => p[1]),
        [43.5, 44.5, 45.5],
    );
    assert.equal(h.points[3][1], 42.5);
    assert.ok(Math.abs(h.points[3][0] - Date.now()) < 60_000, "without a time it is now");
});

test("readings without a time get strictly rising ones", async () => {
    await d.create(twin("http-6", SENSORS));
    const r = await d.post(
        "/api/v1/twins/http-6/readings",
        Array.from({ length: 200 }, (_, i) => ({ sensor: "temp-1", value: i })),
    );
    assert.deepEqual(r.body, { accepted: 200 });
    const { points } = await d.history("http-6", "temp-1");
    assert.deepEqual(
        points.map((p) => p[1]),
        Array.from({ length: 200 }, (_, i) => i),
    );
    for (let i = 1; i < points.length; i++) assert.ok(points[i][0] > points[i - 1][0]);
});

test("the same sensor and time again replaces the value", async () => {
    await d.create(twin("http-7", SENSORS));
    for (const value of [1, 2, 3])
        await d.post("/api/v1/twins/http-7/readings", {
            timestamp: 1700000000000,
            "temp-1": value,
        });
    assert.deepEqual((await d.history("http-7", "temp-1")).points, [[1700000000000, 3]]);
});

test("readings may come late and in any order", async () => {
    await d.create(twin("http-8", SENSORS));
    const times = [5, 1, 4, 2, 3].map((n) => 1700000000000 + n * 1000);
    for (const t of times)
        await d.post("/api/v1/twins/http-8/readings", { timestamp: t, "temp-1": t % 100_000 });
    const { points } = await d.history("http-8", "temp-1");
    assert.deepEqual(
        points.map((p) => p[0]),
        [...times].sort(),
    );
    const s = await d.get("/api/v1/twins/http-8/sensors/temp-1");
    assert.equal(s.body.t, 1700000005000, "the last value is the newest by time");
});

test("whole numbers keep their digits", async () => {
    await d.create(twin("http-9", { n: { type: "counter", unit: "1" } }));
    const r = await d.post(
        "/api/v1/twins/http-9/sensors/n/readings",
        '{"value":9007199254740993,"timestamp":1700000000000}',
    );
    assert.equal(r.status, 200, r.text);
    const h = await d.get("/api/v1/twins/http-9/sensors/n/history?from=0");
    assert.match(h.text, /9007199254740993/);
});

test("a reading in another unit is converted when it says so", async () => {
    await d.create(
        twin("units", {
            "temp-1": {},
            "angle-1": { type: "position", unit: "degrees" },
            "pressure-1": { type: "pressure", unit: "psi" },
        }),
    );
    const r = await d.post("/api/v1/twins/units/readings", [
        { sensor: "temp-1", value: 212, unit: "degF", timestamp: 1700000000000 },
        { sensor: "temp-1", value: 273.15, unit: "kelvin", timestamp: 1700000001000 },
        { sensor: "temp-1", value: 50, unit: "fahrenheit", timestamp: 1700000002000 },
        { sensor: "angle-1", value: Math.PI, unit: "rad", timestamp: 1700000000000 },
        { sensor: "pressure-1", value: 1, unit: "bar", timestamp: 1700000000000 },
        { sensor: "pressure-1", value: 3, unit: "psi", timestamp: 1700000001000 },
    ]);
    assert.deepEqual(r.body, { accepted: 6 }, r.text);
    const near = (points, expected) => {
        assert.equal(points.length, expected.length);
        points.forEach(([, v], i) => {
            assert.ok(Math.abs(v - expected[i]) < 1e-6, `${v} is not ${expected[i]}`);
        });
    };
    near((await d.history("units", "temp-1")).points, [100, 0, 10]);
    near((await d.history("units", "angle-1")).points, [180]);
    near((await d.history("units", "pressure-1")).points, [14.503773773, 3]);
});

const T0 = 1_600_000_000_000;

test("megabytes are read in turns, and the answer is of all of it", async () => {
    await d.create(twin("r-huge", { x: {}, on: { format: "BOOLEAN" } }));
    const n = 60_000;
    const rows = Array.from({ length: n }, (_, i) => `{"timestamp":${T0 + i},"x":${i}}`);
    rows[n / 2] = `{"timestamp":${T0},"y":1}`;
    const forms = [
        ["application/x-ndjson", rows.join("\n")],
        ["application/json", `[${rows.join(",\n")}]`],
    ];
    const path = "/api/v1/twins/r-huge/readings";
    for (const [type, body] of forms) {
        const slow = d.send("POST", path, body, type);
        for (let i = 0; i < 3; i++) assert.equal((await d.get("/healthz")).status, 200);
        const r = await slow;
        assert.equal(r.body.code, "unknown-sensor");
        assert.equal(r.body.accepted, n - 1);
        assert.deepEqual(
            r.body.rejected.map((x) => x.index),
            [n / 2],
        );
        const past = await d.allHistory("r-huge", "x", undefined, 50_000);
        assert.equal(past.length, n - 1);
        assert.deepEqual(past.at(-1), [T0 + n - 1, n - 1]);
    }
    const late = rows.map((_, i) => `{"timestamp":${T0 + n + i},"x":${i}}`);
    const broken = await d.send("POST", path, `[${late.join(",")},{]`, "application/json");
    assert.equal(broken.body.code, "malformed");
    assert.equal(broken.body.accepted, 0);
    assert.equal((await d.get("/api/v1/twins/r-huge/sensors/x")).body.value, n - 1);
    const own = late.map((_, i) => `{"t":${T0 + 2 * n + i},"value":${i}}`);
    const sent = await d.send(
        "POST",
        "/api/v1/twins/r-huge/sensors/x/readings",
        `[${own.join(",")}]`,
        "application/json",
    );
    assert.deepEqual(sent.body, { accepted: n });
});

test("a large body in one request", async () => {
    await d.create(twin("http-10", ["a"]));
    const n = 20_000;
    const body = Array.from({ length: n }, (_, i) => ({
        sensor: "a",
        value: i * 0.25,
        timestamp: 1600000000000 + i,
    }));
    const r = await d.post("/api/v1/twins/http-10/readings", body);
    assert.deepEqual(r.body, { accepted: n }, r.text.slice(0, 500));
    assert.equal((await d.allHistory("http-10", "a", undefined, 7000)).length, n);
});

/* What was: raw pages, points thinned on the server, steps; compared with our own computation. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { shared } from "../lib/doppel.mjs";
import { twin } from "../lib/profiles.mjs";

const T0 = 1_700_000_000_000;
const N = 20_000;
const STEP = 250;

/* A slow wave with noise that is the same on every run, and single spikes far outside of it. */
let seed = 12345;
const noise = () => {
    seed = (seed * 1103515245 + 12345) % 2147483648;
    return seed / 2147483648;
};
const series = Array.from({ length: N }, (_, i) => [
    T0 + i * STEP,
    Math.round(1e4 * (20 + 5 * Math.sin(i / 700) + noise())) / 1e4,
]);
const spikes = Array.from({ length: 40 }, (_, k) => 250 + k * 490);
for (const [k, i] of spikes.entries()) series[i][1] = k % 2 ? 90 + k : -60 - k;

const d = shared({}, async (server) => {
    await server.create(
        twin("past", {
            wave: {},
            on: { type: "switch", unit: "1" },
            text: { type: "state", unit: "1" },
            empty: {},
        }),
    );
    for (let i = 0; i < N; i += 5000) {
        const lines = series
            .slice(i, i + 5000)
            .map(([t, v]) => JSON.stringify({ sensor: "wave", value: v, timestamp: t }));
        const r = await server.post(
            "/api/v1/twins/past/readings",
            lines.join("\n"),
            "application/x-ndjson",
        );
        assert.deepEqual(r.body, { accepted: 5000 }, r.text);
    }
});

const END = T0 + N * STEP;
const all = `from=${T0}&to=${END}`;

test("raw, page after page, is what was sent", async () => {
    assert.deepEqual(await d.allHistory("past", "wave", all, 3000), series);
});

test("from is inside, to is outside, both as milliseconds or RFC 3339", async () => {
    const from = T0 + 10 * STEP;
    const to = T0 + 20 * STEP;
    const expected = series.slice(10, 20);
    assert.deepEqual((await d.history("past", "wave", `from=${from}&to=${to}`)).points, expected);
    const iso = (t) => encodeURIComponent(new Date(t).toISOString());
    const h = await d.history("past", "wave", `from=${iso(from)}&to=${iso(to)}`);
    assert.deepEqual(h.points, expected);
    const zone = encodeURIComponent(new Date(from + 7200_000).toISOString().replace("Z", "+02:00"));
    assert.deepEqual((await d.history("past", "wave", `from=${zone}&to=${to}`)).points, expected);
});

test("the limit is told, and the cursor ends with null", async () => {
    const h = await d.history("past", "wave", `${all}&limit=7`);
    assert.equal(h.limit, 7);
    assert.deepEqual(h.points, series.slice(0, 7));
    assert.equal(typeof h.next, "string");
    const rest = await d.history(
        "past",
        "wave",
        `${all}&limit=7&cursor=${encodeURIComponent(h.next)}`,
    );
    assert.deepEqual(rest.points, series.slice(7, 14));
    const whole = await d.history("past", "wave", `${all}&limit=${N}`);
    assert.equal(whole.points.length, N);
    assert.equal(whole.next, null);
    assert.equal((await d.history("past", "wave", all)).limit, 10_000);
});

test("without from and to it is the last hour", async () => {
    const now = Date.now();
    await d.post("/api/v1/twins/past/readings", [
        { sensor: "empty", value: 1, timestamp: now - 3 * 3600_000 },
        { sensor: "empty", value: 2, timestamp: now - 1800_000 },
        { sensor: "empty", value: 3, timestamp: now - 1000 },
    ]);
    const r = await d.get("/api/v1/twins/past/sensors/empty/history");
    assert.deepEqual(
        r.body.points.map((p) => p[1]),
        [2, 3],
    );
    assert.ok(Math.abs(r.body.to - r.body.from - 3600_000) < 1);
    assert.ok(Math.abs(r.body.to - now) < 60_000);
});

for (const points of [100, 500, 2000])
    test(`thinned to ${points}: real readings, the first, the last and every extreme`, async () => {
        const h = await d.history("past", "wave", `${all}&points=${points}`);
        const got = h.points;
        assert.ok(got.length <= points, `${got.length} points`);
        assert.ok(got.length >= points / 4, `only ${got.length} points`);
        const known = new Map(series);
        for (const [t, v] of got) assert.equal(known.get(t), v, "no reading of ours");
        for (let i = 1; i < got.length; i++) assert.ok(got[i][0] > got[i - 1][0]);
        assert.deepEqual(got[0], series[0]);
        assert.deepEqual(got.at(-1), series.at(-1));
        const values = series.map((p) => p[1]);
        assert.equal(Math.max(...got.map((p) => p[1])), Math.max(...values));
        assert.equal(Math.min(...got.map((p) => p[1])), Math.min(...values));
        /* with buckets narrower than their distance, no spike may vanish */
        if (points >= 500) {
            const times = new Set(got.map((p) => p[0]));
            for (const i of spikes) assert.ok(times.has(series[i][0]), `the spike at ${i} is gone`);
        }
    });

test("fewer readings than asked for are given as they are", async () => {
    const h = await d.history("past", "wave", `from=${T0}&to=${T0 + 50 * STEP}&points=100`);
    assert.deepEqual(h.points, series.slice(0, 50));
});

const FUNCTIONS = {
    mean: (v) => v.reduce((a, b) => a + b, 0) / v.length,
    min: (v) => Math.min(...v),
    max: (v) => Math.max(...v),
    first: (v) => v[0],
    last: (v) => v.at(-1),
    count: (v) => v.length,
    sum: (v) => v.reduce((a, b) => a + b, 0),
};

for (const [fn, compute] of Object.entries(FUNCTIONS))
    for (const [every, ms] of [
        ["10s", 10_000],
        ["7m", 420_000],
    ])
        test(`every ${every}: ${fn}`, async () => {
            const steps = new Map();
            for (const [t, v] of series) {
                const start = Math.floor(t / ms) * ms;
                if (!steps.has(start)) steps.set(start, []);
                steps.get(start).push(v);
            }
            const h = await d.history("past", "wave", `${all}&every=${every}&fn=${fn}`);
            assert.deepEqual(
                h.points.map((p) => p[0]),
                [...steps.keys()],
            );
            for (const [t, v] of h.points) {
                const expected = compute(steps.get(t));
                assert.ok(
                    Math.abs(v - expected) <= 1e-9 * Math.max(1, Math.abs(expected)),
                    `${v} is not ${expected}`,
                );
            }
        });

test("empty steps are left out", async () => {
    const t = T0 + 1000;
    await d.create(twin("gaps", ["a"]));
    await d.post(
        "/api/v1/twins/gaps/readings",
        [0, 1, 10].map((s) => ({ sensor: "a", value: s, timestamp: T0 + s * 60_000 })),
    );
    const h = await d.history("gaps", "a", `from=${T0}&to=${t + 3600_000}&every=1m&fn=count`);
    assert.equal(h.points.length, 3);
});

test("booleans and texts have a past as well", async () => {
    await d.post("/api/v1/twins/past/readings", [
        { timestamp: T0, on: true, text: "heating" },
        { timestamp: T0 + 1000, on: false, text: "Kühlung ❄" },
        { timestamp: T0 + 2000, on: true, text: "" },
    ]);
    assert.deepEqual((await d.history("past", "on", all)).points, [
        [T0, true],
        [T0 + 1000, false],
        [T0 + 2000, true],
    ]);
    assert.deepEqual((await d.history("past", "text", all)).points, [
        [T0, "heating"],
        [T0 + 1000, "Kühlung ❄"],
        [T0 + 2000, ""],
    ]);
});

test("the past is the same after a clean restart", async () => {
    const keep = await d.allHistory("past", "wave", all, 100_000);
    await d.restart();
    assert.deepEqual(await d.allHistory("past", "wave", all, 100_000), keep);
    const s = await d.get("/api/v1/twins/past/sensors/wave");
    assert.equal(s.body.t, series.at(-1)[0]);
    assert.equal(s.body.value, series.at(-1)[1]);
});

for (const [what, query] of [
    ["a limit above 100,000", "limit=100001"],
    ["a limit of nothing", "limit=0"],
    ["points below 4", "points=3"],
    ["points above 20,000", "points=20001"],
    ["points that are no number", "points=many"],
    ["a time that cannot be read", "from=noon"],
    ["a step that cannot be read", "every=soon&fn=mean"],
    ["a function that does not exist", "every=10s&fn=median"],
    ["a cursor that was never given", "cursor=%00nonsense"],
])
    test(`refused with a problem: ${what}`, async () => {
        const r = await d.get(`/api/v1/twins/past/sensors/wave/history?${query}`);
        assert.ok([400, 422].includes(r.status), r.text);
        assert.match(r.type, /application\/problem\+json/);
        assert.equal(r.body.status, r.status);
        assert.ok(r.body.detail.length > 5);
    });

test("a cursor of one sensor is refused for many", async () => {
    const one = await d.get("/api/v1/twins/past/sensors/wave/history?from=0&limit=1");
    const r = await d.get(`/api/v1/history?series=past/wave&from=0&cursor=${one.body.next}`);
    assert.deepEqual([r.status, r.body.code], [400, "invalid"], r.text);
    assert.match(r.body.detail, /cursor/);
});

test("an unknown twin or sensor is 404", async () => {
    assert.equal((await d.get("/api/v1/twins/nobody/sensors/a/history")).status, 404);
    assert.equal((await d.get("/api/v1/twins/past/sensors/nothing/history")).status, 404);
});

/* What is not taken is said: to the sender in the words of its protocol, and in /api/v1/rejections. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { shared, until } from "../lib/doppel.mjs";
import { twin } from "../lib/profiles.mjs";
import { connectMqtt, publishMqtt, Stream } from "../lib/streams.mjs";

const d = shared({}, (server) =>
    server.create(twin("bench", { n: {}, pressure: { type: "pressure", unit: "psi" } })),
);

const HOUR = 3600_000;

/* One row a way to be refused: where it is sent, what is sent, what must be answered. */
const REFUSALS = [
    ["an unknown twin", "nobody", "n", "1", "unknown-twin", 404, 0x90],
    ["an unknown sensor", "bench", "nothing", "1", "unknown-sensor", 422, 0x90],
    ["a text for a number", "bench", "n", '"warm"', "wrong-type", 422, 0x99],
    ["a boolean for a number", "bench", "n", "true", "wrong-type", 422, 0x99],
    [
        "a unit that does not convert",
        "bench",
        "n",
        '{"value":1,"unit":"metre"}',
        "bad-unit",
        422,
        0x99,
    ],
    [
        "a unit that nobody knows",
        "bench",
        "n",
        '{"value":1,"unit":"smoots-per-fortnight"}',
        "bad-unit",
        422,
        0x99,
    ],
    [
        "a time that cannot be read",
        "bench",
        "n",
        '{"value":1,"timestamp":"yesterday"}',
        "bad-time",
        422,
        0x99,
    ],
    [
        "a time without an offset",
        "bench",
        "n",
        '{"value":1,"timestamp":"2024-03-15T14:30:00"}',
        "bad-time",
        422,
        0x99,
    ],
    [
        "a time before 1970",
        "bench",
        "n",
        '{"value":1,"timestamp":"1969-12-31T23:59:59Z"}',
        "bad-time",
        422,
        0x99,
    ],
    [
        "a time of tomorrow and more",
        "bench",
        "n",
        () => JSON.stringify({ value: 1, timestamp: Date.now() + 25 * HOUR }),
        "bad-time",
        422,
        0x99,
    ],
    ["an object without a value", "bench", "n", '{"quality":"good"}', "malformed", 400, 0x99],
    [
        "a quality that does not exist",
        "bench",
        "n",
        '{"value":1,"quality":"splendid"}',
        "malformed",
        400,
        0x99,
    ],
    ["an object that breaks off", "bench", "n", '{"value":1', "malformed", 400, 0x99],
];

const body = (payload) => (typeof payload === "function" ? payload() : payload);

async function rejections(query = "") {
    const r = await d.get(`/api/v1/rejections${query}`);
    assert.equal(r.status, 200);
    return r.body;
}

for (const [what, id, sensor, payload, code, status, reason] of REFUSALS) {
    test(`HTTP: ${what}`, async () => {
        const before = (await rejections()).total;
        const r = await d.post(`/api/v1/twins/${id}/sensors/${sensor}/readings`, body(payload));
        assert.equal(r.status, status, r.text);
        assert.match(r.type, /application\/problem\+json/);
        assert.equal(r.body.code, code);
        assert.equal(r.body.status, status);
        assert.equal(r.body.type, `/errors/${code}`);
        assert.ok(r.body.title.length > 3 && r.body.detail.length > 3);
        assert.equal(r.body.accepted ?? 0, 0);
        const after = await rejections();
        assert.equal(after.total, before + 1);
        const [newest] = after.items;
        assert.equal(newest.code, code);
        assert.equal(newest.twin, id);
        assert.equal(newest.source, "http");
        assert.ok(Math.abs(Date.parse(newest.at) - Date.now()) < 60_000);
        assert.ok(newest.detail.length > 3);
        assert.match(newest.peer, /^127\.0\.0\.1:\d+/);
    });

    for (const qos of [1, 2])
        test(`MQTT 5 at QoS ${qos}: ${what}`, async (t) => {
            const before = (await rejections()).total;
            const client = await connectMqtt(t, d);
            const topic = `twins/${id}/sensors/${sensor}`;
            const r = await publishMqtt(client, topic, body(payload), { qos });
            assert.equal(r.code, reason, `reason 0x${r.code.toString(16)} ${r.reason}`);
            assert.ok(r.reason.length > 3, "the reason string says what was wrong");
            const after = await rejections();
            assert.equal(after.total, before + 1);
            assert.equal(after.items[0].code, code);
            assert.equal(after.items[0].source, "mqtt");
            assert.equal(after.items[0].topic, topic);
            assert.ok(client.connected, "a refused reading does not end the connection");
        });
}

for (const [what, id, sensor, payload, code] of REFUSALS)
    test(`MQTT 3.1.1 with mosquitto_pub: ${what} is acknowledged and stands in the rejections`, async () => {
        const before = (await rejections()).total;
        const r = await d.publish(`twins/${id}/sensors/${sensor}`, body(payload), [
            "-V",
            "mqttv311",
            "-q",
            "1",
        ]);
        assert.equal(r.code, 0, r.output);
        const after = await until("the rejection", async () => {
            const now = await rejections();
            return now.total > before && now;
        });
        assert.equal(after.total, before + 1);
        assert.equal(after.items[0].code, code);
    });

test("QoS 0 has no answer, but the rejection stands", async () => {
    const before = (await rejections()).total;
    await d.publish("twins/bench/sensors/nothing", "1", ["-q", "0"]);
    await until("the rejection", async () => (await rejections()).total === before + 1);
});

test("mosquitto_pub of MQTT 5 shows the reason", async () => {
    const r = await d.publish("twins/nobody/sensors/n", "1", ["-V", "mqttv5", "-q", "1", "-d"]);
    assert.match(r.output, /RC:144/);
});

test("good readings of a message are kept, and the answer counts both", async () => {
    await d.create(twin("partly", ["a", "b"]));
    const r = await d.post("/api/v1/twins/partly/readings", [
        { sensor: "a", value: 1, timestamp: 1700000000000 },
        { sensor: "zzz", value: 1, timestamp: 1700000000000 },
        { sensor: "b", value: "text", timestamp: 1700000000000 },
        { sensor: "b", value: 2, timestamp: 1700000000000 },
    ]);
    assert.equal(r.status, 422, r.text);
    assert.equal(r.body.code, "unknown-sensor", "that of the first refusal");
    assert.equal(r.body.accepted, 2);
    assert.deepEqual(
        r.body.rejected.map(({ index, sensor, code }) => ({ index, sensor, code })),
        [
            { index: 1, sensor: "zzz", code: "unknown-sensor" },
            { index: 2, sensor: "b", code: "wrong-type" },
        ],
    );
    assert.deepEqual((await d.history("partly", "a")).points, [[1700000000000, 1]]);
    assert.deepEqual((await d.history("partly", "b")).points, [[1700000000000, 2]]);
});

test("of very many refusals a hundred are told", async () => {
    const readings = Array.from({ length: 250 }, () => ({ sensor: "nothing", value: 1 }));
    const r = await d.post("/api/v1/twins/bench/readings", readings);
    assert.equal(r.status, 422);
    assert.equal(r.body.accepted, 0);
    assert.equal(r.body.rejected.length, 100);
});

test("NDJSON with a broken line", async () => {
    await d.create(twin("lines", ["a"]));
    const text =
        '{"sensor":"a","value":1,"timestamp":1700000000000}\n{"sensor":\n{"sensor":"a","value":2,"timestamp":1700000001000}\n';
    const r = await d.post("/api/v1/twins/lines/readings", text, "application/x-ndjson");
    assert.equal(r.status, 400, r.text);
    assert.equal(r.body.code, "malformed");
    assert.equal(r.body.accepted, 2);
    assert.equal(r.body.rejected[0].index, 1);
    assert.equal((await d.history("lines", "a")).points.length, 2);
});

test("a text over 65,536 bytes, and a body over the limit", async () => {
    await d.create(twin("texts", { s: { type: "state", unit: "1" } }));
    const path = "/api/v1/twins/texts/sensors/s/readings";
    const fits = await d.post(
        path,
        JSON.stringify({ value: "x".repeat(65_536), timestamp: 1700000000000 }),
    );
    assert.equal(fits.status, 200, fits.text);
    const over = await d.post(
        path,
        JSON.stringify({ value: "x".repeat(65_537), timestamp: 1700000001000 }),
    );
    assert.equal(over.status, 413, over.text);
    assert.equal(over.body.code, "too-large");
    assert.equal((await d.history("texts", "s")).points[0][1].length, 65_536);
});

test("WebSocket: refusals are in the list too, and watchers of events hear them", async (t) => {
    const s = await Stream.open(t, d);
    s.say({ events: true });
    await s.ask({ subscribe: [{ twin: "bench" }], id: 1 });
    const answer = await s.ask({ publish: { twin: "bench", readings: { nothing: 1 } }, id: 2 });
    assert.equal(answer.error.code, "unknown-sensor");
    const [newest] = (await rejections()).items;
    assert.equal(newest.source, "websocket");
    const event = await until("the event", () => s.events.find((e) => e.event === "rejection"));
    assert.equal(event.code, "unknown-sensor");
    assert.equal(event.twin, "bench");
    assert.equal(event.sensor, "nothing");
    assert.equal(event.source, "websocket");
});

test("the list filters by twin and time and has a limit, newest first", async () => {
    await d.post("/api/v1/twins/only-here/readings", { a: 1 });
    const mine = await rejections("?twin=only-here");
    assert.equal(mine.items.length, 1);
    assert.equal(mine.items[0].twin, "only-here");
    assert.equal((await rejections("?limit=3")).items.length, 3);
    const all = await rejections("?limit=1000");
    const times = all.items.map((i) => Date.parse(i.at));
    assert.deepEqual(
        times,
        [...times].sort((a, b) => b - a),
    );
    const since = new Date(Date.now() + HOUR).toISOString();
    assert.equal((await rejections(`?since=${encodeURIComponent(since)}`)).items.length, 0);
});

test("the payload of a rejection is what was sent, cut when long", async () => {
    await d.publish("twins/nobody/sensors/n", '{"value":"as sent"}', ["-q", "1"]);
    assert.match((await rejections()).items[0].payload, /as sent/);
    await d.publish("twins/nobody/sensors/n", "z".repeat(20_000), ["-q", "1"]);
    const { payload } = (await rejections()).items[0];
    assert.ok(payload.startsWith("zzz") && payload.length < 5000, String(payload.length));
});

test("/metrics counts what was refused", async () => {
    const { total } = await rejections();
    const { text } = await d.get("/metrics");
    const sum = [...text.matchAll(/^doppel_\w*reject\w*(?:\{[^}]*\})? (\S+)$/gm)].reduce(
        (n, m) => n + Number(m[1]),
        0,
    );
    assert.equal(sum, total, text);
});

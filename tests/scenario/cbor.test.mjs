/* Readings as CBOR (RFC 8949), written by node-cbor: over HTTP, MQTT and WebSocket, one body and
 * sequences of them; and what of CBOR is no reading. */

import assert from "node:assert/strict";
import { test } from "node:test";
import cbor from "cbor";
import { shared, until } from "../lib/doppel.mjs";
import { twin } from "../lib/profiles.mjs";
import { connectMqtt, publishMqtt, Stream } from "../lib/streams.mjs";

const d = shared();
const CBOR = "application/cbor";
const SEQUENCE = "application/cbor-seq";

/* As most programs write it, and with the tag that says "this is CBOR". */
const encode = (v) => cbor.encodeOne(v);
const described = (v) => Buffer.concat([Buffer.from("d9d9f7", "hex"), encode(v)]);
const hex = (text) => Buffer.from(text.replaceAll(" ", ""), "hex");

const SENSORS = {
    "temp-1": {},
    "on-1": { type: "switch", unit: "1" },
    "text-1": { type: "state", unit: "1" },
};

const post = (id, body, type = CBOR) => d.post(`/api/v1/twins/${id}/readings`, body, type);

test("the shapes of JSON bodies, over HTTP", async () => {
    await d.create(twin("c-http", SENSORS));
    const bodies = [
        { timestamp: 1700000000000.25, "temp-1": 42.3, "on-1": true, "text-1": "grinding" },
        [
            { timestamp: "2024-03-15T14:30:00Z", "temp-1": 1 },
            { "temp-1": { value: 293.15, unit: "K", quality: "bad", t: 1710513001000 } },
        ],
        { sensor: "temp-1", value: 3, timestamp: 1710513002000 },
    ];
    const counts = [3, 2, 1];
    for (const [i, body] of bodies.entries()) {
        const r = await post("c-http", encode(body));
        assert.deepEqual([r.status, r.body], [200, { accepted: counts[i] }], r.text);
    }
    const h = await d.history("c-http", "temp-1", "from=0&quality=true");
    assert.deepEqual(h.points, [
        [1700000000000.25, 42.3, "good"],
        [1710513000000, 1, "good"],
        [1710513001000, 20, "bad"],
        [1710513002000, 3, "good"],
    ]);
    const own = await d.post(
        "/api/v1/twins/c-http/sensors/text-1/readings",
        encode(["a", { value: "b", timestamp: 1710513000000 }]),
        CBOR,
    );
    assert.deepEqual(own.body, { accepted: 2 }, own.text);
});

test("times as tags 0 and 1, half floats, open lengths, 64-bit numbers", async () => {
    await d.create(twin("c-forms", SENSORS));
    const time = [
        // {"timestamp": 0("2024-03-15T14:30:00Z"), "temp-1": 1.5 (half)}
        "a2 6974696d657374616d70 c074 323032342d30332d31355431343a33303a30305a 6674656d702d31 f93e00",
        // {_ "timestamp": 1(1710513001.5), "temp-1": 2.5 (single)}
        "bf 6974696d657374616d70 c1fb41d97d16da600000 6674656d702d31 fa40200000 ff",
        // {"timestamp": 1(1710513002), (_ "temp", "-1"): 9007199254740993}
        "a2 6974696d657374616d70 c11a65f45b6a 7f 6474656d70 622d31 ff 1b0020000000000001",
    ];
    for (const text of time) {
        const r = await post("c-forms", hex(text));
        assert.equal(r.status, 200, r.text);
    }
    const path = "/api/v1/twins/c-forms/sensors/temp-1/history?from=0";
    const text = await (await d.fetch(path)).text();
    assert.match(
        text,
        /\[1710513000000,1\.5\],\[1710513001500,2\.5\],\[1710513002000,9007199254740993\]/,
    );
    const date = await post(
        "c-forms",
        encode({ timestamp: new Date(1710513003250), "temp-1": -1 }),
    );
    assert.equal(date.status, 200, date.text);
    const h = await d.history("c-forms", "temp-1", "from=1710513003000");
    assert.deepEqual(h.points, [[1710513003250, -1]]);
});

test("what is no reading is refused with its reason, and shown so that people can read it", async () => {
    await d.create(twin("c-bad", SENSORS));
    const cases = [
        [hex("a1 6674656d702d31 c249010000000000000000"), 422, "wrong-type", /a big number/],
        [hex("a1 6674656d702d31 c48221196ab3"), 422, "wrong-type", /decimal fraction/],
        [hex("a1 6674656d702d31 4101"), 422, "wrong-type", /bytes are no value/],
        [hex("a1 6674656d702d31 f97e00"), 422, "wrong-type", /NaN/],
        [hex("a1 6674656d702d31 f7"), 422, "wrong-type", /null is no value/],
        [encode({ nosuch: 1 }), 422, "unknown-sensor", /no sensor "nosuch"/],
        [encode({ "temp-1": 1, timestamp: "yesterday" }), 422, "bad-time", /RFC 3339/],
        [hex("a1 01 02"), 400, "malformed", /byte 1: a key is not a text/],
        [hex("a1 6674656d702d31"), 400, "malformed", /byte 8: it ends too early/],
        [hex("a0 00"), 400, "malformed", /byte 1: more bytes follow/],
        [hex("9f".repeat(100)), 400, "malformed", /./],
        [hex("9bffffffffffffffff"), 400, "malformed", /it ends too early/],
        [Buffer.alloc(0), 400, "malformed", /it ends too early/],
        [encode(5), 400, "malformed", /a message is an object/],
    ];
    for (const [body, status, code, detail] of cases) {
        const r = await post("c-bad", body);
        assert.equal(r.status, status, r.text);
        assert.equal(r.body.code, code, body.toString("hex"));
        assert.match(r.body.detail, detail);
    }
    const some = await post("c-bad", encode([{ "temp-1": 1 }, { "temp-1": "x" }]));
    assert.deepEqual([some.body.accepted, some.body.refused], [1, 1]);
    assert.equal(some.body.rejected[0].index, 1);
    const { items } = (await d.get("/api/v1/rejections?twin=c-bad")).body;
    assert.equal(items[0].payload, '"x"');
    assert.ok(items.some((i) => i.payload === "2(h'010000000000000000')"));
});

test("sequences (RFC 8742), as NDJSON has lines", async () => {
    await d.create(twin("c-seq", SENSORS));
    const items = [];
    for (let i = 0; i < 500; i++)
        items.push(encode({ sensor: "temp-1", value: i / 2, timestamp: 1700000000000 + i }));
    const all = await post("c-seq", Buffer.concat(items), SEQUENCE);
    assert.deepEqual(all.body, { accepted: 500 }, all.text);
    const h = await d.history("c-seq", "temp-1", "from=0");
    assert.deepEqual(h.points[499], [1700000000499, 249.5]);
    const broken = await post(
        "c-seq",
        Buffer.concat([...items.slice(0, 3), hex("a1ff")]),
        SEQUENCE,
    );
    assert.deepEqual([broken.status, broken.body.accepted, broken.body.refused], [400, 3, 1]);
    const own = await d.post(
        "/api/v1/twins/c-seq/sensors/temp-1/readings",
        Buffer.concat(items),
        SEQUENCE,
    );
    assert.equal(own.status, 415);
});

test("MQTT: by the content type, or by the tag that says so", async (t) => {
    await d.create(twin("c-mqtt", SENSORS));
    for (const protocolVersion of [5, 4]) {
        const client = await connectMqtt(t, d, { protocolVersion });
        const typed = protocolVersion === 5;
        const write = typed ? encode : described;
        const options = { qos: 1, properties: typed ? { contentType: CBOR } : undefined };
        const at = 1700000000000 + protocolVersion;
        const telemetry = { timestamp: at, "temp-1": protocolVersion, "on-1": true };
        const first = await publishMqtt(
            client,
            "twins/c-mqtt/telemetry",
            write(telemetry),
            options,
        );
        assert.equal(first.code, 0, first.reason);
        await publishMqtt(client, "twins/c-mqtt/sensors/text-1", write("möglich"), options);
        const h = await d.history("c-mqtt", "temp-1", `from=${at}&to=${at + 1}`);
        assert.deepEqual(h.points, [[at, protocolVersion]]);
        const text = await d.get("/api/v1/twins/c-mqtt/sensors/text-1");
        assert.equal(text.body.value, "möglich");
        const wrong = await publishMqtt(client, "twins/c-mqtt/telemetry", '{"temp-1":1}', options);
        if (typed) assert.deepEqual([wrong.code, /not CBOR/.test(wrong.reason)], [0x99, true]);
        else assert.equal(wrong.code, 0); // without the tag it is JSON
    }
});

test("a will of CBOR", async (t) => {
    await d.create(twin("c-will", SENSORS));
    const will = {
        topic: "twins/c-will/sensors/on-1",
        payload: encode(false),
        qos: 1,
        properties: { contentType: CBOR },
    };
    const client = await connectMqtt(t, d, { will });
    client.stream.destroy();
    await until("the will to be a reading", async () => {
        const sensor = await d.get("/api/v1/twins/c-will/sensors/on-1");
        return sensor.body.value === false;
    });
});

test("WebSocket: a binary frame publishes", async (t) => {
    await d.create(twin("c-ws", SENSORS));
    const s = await Stream.open(t, d);
    const ask = async (body) => {
        const before = s.answers.length;
        s.socket.send(body);
        return until("an answer", () => s.answers[before]);
    };
    const readings = { "temp-1": 7, nosuch: 1 };
    const bad = await ask(encode({ publish: { twin: "c-ws", readings }, id: "a" }));
    assert.deepEqual(
        [bad.id, bad.accepted, bad.refused, bad.error.code],
        ["a", 1, 1, "unknown-sensor"],
    );
    const good = { id: 7, publish: { twin: "c-ws", readings: [{ "temp-1": 8 }] } };
    assert.deepEqual(await ask(encode(good)), { ack: 7, accepted: 1 });
    assert.equal((await d.get("/api/v1/twins/c-ws/sensors/temp-1")).body.value, 8);
    assert.match((await ask(hex("a1ff00"))).error.detail, /not CBOR at byte 1/);
    assert.match((await ask(encode({ subscribe: [] }))).error.detail, /map of CBOR with "publish"/);
});

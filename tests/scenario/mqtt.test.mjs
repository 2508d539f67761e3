/* MQTT 3.1.1 and 5.0 beyond readings: wills, keep alive, wildcards, retained messages, sessions. */

import assert from "node:assert/strict";
import { once } from "node:events";
import net from "node:net";
import { test } from "node:test";
import { SLOW, shared, start, until } from "../lib/doppel.mjs";
import { twin } from "../lib/profiles.mjs";
import { connectMqtt, publishMqtt } from "../lib/streams.mjs";
import { pause, within } from "../lib/wait.mjs";

const d = shared();
const VERSIONS = [4, 5];
const said = (client) => client.messages.map((m) => `${m.topic} ${m.payload}`);

for (const protocolVersion of VERSIONS) {
    const v = `MQTT ${protocolVersion === 4 ? "3.1.1" : "5.0"}`;
    const open = (t, options) => connectMqtt(t, d, { protocolVersion, ...options });

    test(`${v}: other topics are forwarded as published, at each quality of service`, async (t) => {
        const [from, to] = await Promise.all([open(t), open(t)]);
        for (const qos of [0, 1, 2]) await to.subscribeAsync(`chat/${v}/q${qos}`, { qos });
        const payload = Buffer.from([0, 1, 2, 255, 254]);
        for (const qos of [0, 1, 2]) await from.publishAsync(`chat/${v}/q${qos}`, payload, { qos });
        await until("all three", () => to.messages.length === 3);
        for (const m of to.messages) {
            assert.deepEqual(m.payload, payload);
            assert.equal(m.packet.qos, Number(m.topic.at(-1)));
        }
    });

    test(`${v}: wildcards + and #, and $ topics are not theirs`, async (t) => {
        const [from, plus, hash, all] = await Promise.all([open(t), open(t), open(t), open(t)]);
        await plus.subscribeAsync(`w${v}/+/c`);
        await hash.subscribeAsync(`w${v}/a/#`);
        await all.subscribeAsync("#");
        for (const topic of ["a/b/c", "a/c", "b/c", "a", "a/b", "$secret/a"])
            await from
                .publishAsync(topic.startsWith("$") ? topic : `w${v}/${topic}`, topic, { qos: 1 })
                .catch(() => {});
        await from.publishAsync(`w${v}/last/c`, "last", { qos: 1 });
        await until("the last one", () => said(plus).some((s) => s.endsWith("last")));
        await until("all", () => all.messages.length >= 6);
        assert.deepEqual(
            said(plus).map((s) => s.split(" ").at(-1)),
            ["a/c", "b/c", "last"],
        );
        assert.deepEqual(
            said(hash).map((s) => s.split(" ").at(-1)),
            ["a/b/c", "a/c", "a", "a/b"],
        );
        assert.ok(!said(all).some((s) => s.startsWith("$")));
    });

    test(`${v}: a retained message waits for who subscribes later, an empty one removes it`, async (t) => {
        const from = await open(t);
        const topic = `kept/${v}`;
        await from.publishAsync(topic, "one", { qos: 1, retain: true });
        await from.publishAsync(topic, "two", { qos: 1, retain: true });
        const late = await open(t);
        await late.subscribeAsync(topic);
        await until("it", () => late.messages.length === 1);
        assert.equal(String(late.messages[0].payload), "two");
        assert.equal(late.messages[0].packet.retain, true);
        await from.publishAsync(topic, "", { qos: 1, retain: true });
        const later = await open(t);
        await later.subscribeAsync(topic);
        await from.publishAsync(topic, "fresh", { qos: 1 });
        await until("only the fresh one", () => later.messages.length === 1);
        assert.equal(String(later.messages[0].payload), "fresh");
        assert.equal(later.messages[0].packet.retain, false);
    });

    test(`${v}: the will is published when a client breaks off, not when it says goodbye`, async (t) => {
        const watcher = await open(t);
        await watcher.subscribeAsync(`will/${v}/#`, { qos: 1 });
        const will = (name) => ({
            will: { topic: `will/${v}/${name}`, payload: `${name} is gone`, qos: 1, retain: false },
        });
        const polite = await open(t, will("polite"));
        await polite.endAsync();
        const broken = await open(t, will("broken"));
        broken.stream.destroy();
        await until("the will", () => watcher.messages.length > 0);
        assert.deepEqual(said(watcher), [`will/${v}/broken broken is gone`]);
    });

    test(`${v}: the last words about a twin are its readings`, async (t) => {
        const id = `will-${protocolVersion}`;
        await d.create(twin(id, { state: { type: "state", unit: "1" } }));
        const client = await open(t, {
            will: { topic: `twins/${id}/sensors/state`, payload: "offline", qos: 1, retain: false },
        });
        client.stream.destroy();
        await until(
            "the reading",
            async () => (await d.get(`/api/v1/twins/${id}/sensors/state`)).body.value === "offline",
        );
    });

    test(`${v}: a session is kept while its client is away, and its messages wait`, async (t) => {
        const clientId = `session-${protocolVersion}`;
        const keep = {
            clientId,
            clean: false,
            ...(protocolVersion === 5 ? { properties: { sessionExpiryInterval: 300 } } : {}),
        };
        const first = await open(t, keep);
        assert.equal(first.connack.sessionPresent, false);
        await first.subscribeAsync(`away/${v}`, { qos: 1 });
        await first.endAsync();
        const from = await open(t);
        for (const m of ["1", "2", "3"]) await from.publishAsync(`away/${v}`, m, { qos: 1 });
        const { default: mqtt } = await import("mqtt");
        const again = mqtt.connect(`mqtt://${d.mqtt}`, {
            protocolVersion,
            reconnectPeriod: 0,
            ...keep,
        });
        t.after(() => again.endAsync(true));
        const got = [];
        again.on("message", (_, payload) => got.push(String(payload)));
        const [connack] = await within("CONNACK", once(again, "connect"));
        assert.equal(connack.sessionPresent, true);
        await until("all three", () => got.length === 3);
        assert.deepEqual(got, ["1", "2", "3"]);
        await again.endAsync();
        const clean = await open(t, { clientId, clean: true });
        assert.equal(clean.connack.sessionPresent, false);
    });

    test(`${v}: a client id that comes again takes over`, async (t) => {
        const first = await open(t, { clientId: `twice-${protocolVersion}` });
        const closed = once(first, "close");
        await open(t, { clientId: `twice-${protocolVersion}` });
        await within("the first to be closed", closed);
    });

    test(`${v}: a client that falls silent past its keep alive is ended and its will published`, async (t) => {
        const watcher = await open(t);
        await watcher.subscribeAsync(`silent/${v}`, { qos: 1 });
        const client = await open(t, {
            keepalive: 1,
            will: { topic: `silent/${v}`, payload: "silent", qos: 1, retain: false },
        });
        client.stream.pause();
        client.keepaliveManager?.destroy?.(); /* no more pings from now on */
        await until("the will", () => watcher.messages.length === 1, { timeout: 10_000 });
    });

    test(`${v}: unsubscribing ends it`, async (t) => {
        const client = await open(t);
        await client.subscribeAsync(`ends/${v}`);
        await client.unsubscribeAsync(`ends/${v}`);
        await client.subscribeAsync(`marker/${v}`);
        await client.publishAsync(`ends/${v}`, "no", { qos: 1 });
        await client.publishAsync(`marker/${v}`, "yes", { qos: 1 });
        await until("the marker", () => client.messages.length > 0);
        assert.deepEqual(said(client), [`marker/${v} yes`]);
    });
}

test("MQTT 5: a shared word for versions: 3.1.1 publishes, 5.0 hears", async (t) => {
    const [old, young] = await Promise.all([
        connectMqtt(t, d, { protocolVersion: 4 }),
        connectMqtt(t, d),
    ]);
    await young.subscribeAsync("mixed/#", { qos: 2 });
    await old.publishAsync("mixed/a", "x", { qos: 2 });
    await until("it", () => young.messages.length === 1);
});

test("MQTT 5: no local, retain as published, retain handling", async (t) => {
    const client = await connectMqtt(t, d);
    await client.publishAsync("opts/kept", "old", { qos: 1, retain: true });
    await client.subscribeAsync("opts/#", { qos: 1, nl: true, rap: true, rh: 2 });
    await client.publishAsync("opts/own", "mine", { qos: 1 });
    const other = await connectMqtt(t, d);
    await other.publishAsync("opts/kept", "new", { qos: 1, retain: true });
    await until("the other's", () => client.messages.length > 0);
    assert.deepEqual(
        said(client),
        ["opts/kept new"],
        "neither its own nor what was retained before",
    );
    assert.equal(client.messages[0].packet.retain, true, "as published");
});

test("MQTT 5: user properties, content type and correlation data go through", async (t) => {
    const [from, to] = await Promise.all([connectMqtt(t, d), connectMqtt(t, d)]);
    await to.subscribeAsync("props/a", { qos: 1, properties: { subscriptionIdentifier: 42 } });
    const properties = {
        payloadFormatIndicator: true,
        contentType: "text/plain",
        responseTopic: "props/answer",
        correlationData: Buffer.from("abc"),
        userProperties: { one: "1", two: ["2", "zwei"] },
    };
    await from.publishAsync("props/a", "x", { qos: 1, properties });
    await until("it", () => to.messages.length === 1);
    const got = to.messages[0].packet.properties;
    assert.equal(got.contentType, "text/plain");
    assert.equal(got.responseTopic, "props/answer");
    assert.deepEqual(got.correlationData, Buffer.from("abc"));
    assert.deepEqual({ ...got.userProperties }, properties.userProperties);
    assert.equal(got.subscriptionIdentifier, 42);
});

test("MQTT 5: a message past its expiry is not delivered", async (t) => {
    const keep = { clientId: "expiry", clean: false, properties: { sessionExpiryInterval: 300 } };
    const first = await connectMqtt(t, d, keep);
    await first.subscribeAsync("expires/#", { qos: 1 });
    await first.endAsync();
    const from = await connectMqtt(t, d);
    await from.publishAsync("expires/soon", "soon", {
        qos: 1,
        properties: { messageExpiryInterval: 1 },
    });
    await from.publishAsync("expires/late", "late", {
        qos: 1,
        properties: { messageExpiryInterval: 600 },
    });
    await pause(2100); /* the second is the smallest unit that the protocol has */
    const again = await connectMqtt(t, d, keep);
    again.on("message", () => {});
    await until("the later one", () => again.messages.length > 0, { timeout: 5000 }).catch(
        () => {},
    );
    const topics = again.messages.map((m) => m.topic);
    assert.ok(!topics.includes("expires/soon"), topics.join());
});

test("MQTT 5: the server says what it takes, gives an id to who has none", async (t) => {
    const client = await connectMqtt(t, d, { clientId: "" });
    const { properties } = client.connack;
    assert.ok(properties?.assignedClientIdentifier?.length > 0);
    const refused = await client.subscribeAsync("a/#/b").catch((e) => e);
    assert.ok(refused instanceof Error || refused[0]?.qos >= 0x80);
});

/* Raw bytes to the MQTT port: what came back, and whether the server closed. */
function raw(bytes, limit = 5000 * SLOW) {
    return new Promise((resolve, reject) => {
        const socket = net.connect(Number(d.mqttPort), d.mqttHost, () =>
            socket.write(Buffer.from(bytes)),
        );
        const got = [];
        const timer = setTimeout(() => {
            socket.destroy();
            resolve({ bytes: Buffer.concat(got), closed: false });
        }, limit);
        socket.on("data", (x) => got.push(x));
        socket.on("error", reject);
        socket.on("close", () => {
            clearTimeout(timer);
            resolve({ bytes: Buffer.concat(got), closed: true });
        });
    });
}

const CONNECT4 = [0x10, 13, 0, 4, 77, 81, 84, 84, 4, 2, 0, 60, 0, 1, 120];
const CONNECT5 = [0x10, 14, 0, 4, 77, 81, 84, 84, 5, 2, 0, 60, 0, 0, 1, 121];

for (const [what, bytes] of [
    ["a first packet that is no CONNECT", [0xc0, 0]],
    ["a second CONNECT", [...CONNECT4, ...CONNECT4]],
    ["a packet of a reserved type", [...CONNECT4, 0x00, 0]],
    ["a PUBLISH at QoS 3", [...CONNECT4, 0x36, 5, 0, 1, 97, 0, 1]],
    ["a PUBLISH to a wildcard", [...CONNECT4, 0x30, 4, 0, 1, 35, 120]],
    ["a SUBSCRIBE with wrong flags", [...CONNECT4, 0x80, 6, 0, 1, 0, 1, 97, 0]],
    ["a SUBSCRIBE without a topic", [...CONNECT4, 0x82, 2, 0, 1]],
    ["a remaining length of five bytes", [...CONNECT4, 0x30, 0xff, 0xff, 0xff, 0xff, 0x01]],
    ["a topic that is not UTF-8", [...CONNECT4, 0x30, 5, 0, 2, 0xc3, 0x28, 120]],
    [
        "MQTT 5: a property that stands twice",
        [...CONNECT5, 0x30, 13, 0, 1, 97, 10, 2, 0, 0, 0, 1, 2, 0, 0, 0, 1],
    ],
    ["MQTT 5: a topic alias of nothing", [...CONNECT5, 0x30, 6, 0, 0, 3, 0x23, 0, 0]],
    ["HTTP on the MQTT port", [...Buffer.from("GET / HTTP/1.1\r\nHost: x\r\n\r\n")]],
])
    test(`ended with a word where the protocol has one: ${what}`, async () => {
        const r = await raw(bytes);
        assert.ok(r.closed, "the connection is still open");
        if (what.startsWith("MQTT 5"))
            assert.equal(r.bytes.at(r.bytes[1] + 2), 0xe0, "DISCONNECT after CONNACK");
        assert.equal((await d.get("/healthz")).status, 200);
    });

test("an unknown version of the protocol is told so", async () => {
    const r = await raw([0x10, 13, 0, 4, 77, 81, 84, 84, 9, 2, 0, 60, 0, 1, 120]);
    assert.ok(r.closed);
    if (r.bytes.length > 0) {
        assert.equal(r.bytes[0], 0x20);
        assert.ok([0x01, 0x84].includes(r.bytes[3]), r.bytes.toString("hex"));
    }
});

test("the log and the metrics tell why a client is turned away, and not each time", async (t) => {
    const server = await start(t);
    const refused = async () =>
        Number(
            /^doppel_mqtt_refused_connections_total (\d+)/m.exec(
                (await server.get("/metrics")).text,
            )[1],
        );
    for (let i = 1; i <= 3; i++) {
        const socket = net.connect(Number(server.mqttPort), server.mqttHost, () =>
            socket.write("GET / HTTP/1.1\r\n\r\n"),
        );
        await once(socket.resume(), "close");
        assert.equal(await refused(), i);
    }
    const told = await until("the log", () => server.log.match(/info mqtt: .* ended with .*/g));
    assert.equal(told.length, 1, server.log);
    assert.match(told[0], /ended with 0x81, no packet of MQTT begins like this; 0 others/);
    const old = await connectMqtt(t, server, { clientId: "one" });
    const gone = once(old, "close");
    await connectMqtt(t, server, { clientId: "one" });
    await gone;
    assert.equal(await refused(), 3, "a take-over is nobody's fault");
});

test("a hundred clients at once, each heard", async (t) => {
    await d.create(
        twin(
            "hundred",
            Array.from({ length: 100 }, (_, i) => `s${i}`),
        ),
    );
    const clients = await Promise.all(Array.from({ length: 100 }, () => connectMqtt(t, d)));
    const answers = await Promise.all(
        clients.map((c, i) => publishMqtt(c, `twins/hundred/sensors/s${i}`, String(i))),
    );
    assert.ok(answers.every((a) => a.code === 0));
    const { items } = (await d.get("/api/v1/twins/hundred/sensors")).body;
    assert.deepEqual(
        items.map((s) => s.value),
        Array.from({ length: 100 }, (_, i) => i),
    );
});

/* MQTT over WebSocket at /mqtt: section 6 of both standards, frame by frame and with npm mqtt. */

import assert from "node:assert/strict";
import { once } from "node:events";
import http2 from "node:http2";
import { test } from "node:test";
import packet from "mqtt-packet";
import WebSocket from "ws";
import { shared, until } from "../lib/doppel.mjs";
import { twin } from "../lib/profiles.mjs";
import { connectMqtt } from "../lib/streams.mjs";
import { within } from "../lib/wait.mjs";

const d = shared({ args: ["--https", "127.0.0.1:0", "--tls-self-signed"] });
const url = () => `ws://${d.http}/mqtt`;
const secure = { rejectUnauthorized: false };

const connect = (clientId, protocolVersion = 4) =>
    packet.generate(
        { cmd: "connect", protocolId: "MQTT", protocolVersion, clean: true, clientId },
        { protocolVersion },
    );
const publish = (topic, payload) => packet.generate({ cmd: "publish", topic, payload, qos: 0 });
const subscribe = (topic) =>
    packet.generate({ cmd: "subscribe", messageId: 1, subscriptions: [{ topic, qos: 0 }] });

/* A WebSocket and the packets that came in it. */
async function dial(t, options = {}) {
    const { version = 4, protocols = ["mqtt"], ...rest } = options;
    const socket = new WebSocket(url(), protocols, rest);
    const parser = packet.parser({ protocolVersion: version });
    const client = { socket, packets: [], frames: 0, text: 0 };
    parser.on("packet", (p) => client.packets.push(p));
    socket.on("message", (data, binary) => {
        client.frames++;
        if (!binary) client.text++;
        parser.parse(data);
    });
    client.closed = new Promise((resolve) =>
        socket.on("close", (code, reason) => resolve({ code, reason: String(reason) })),
    );
    t.after(() => socket.terminate());
    await within("the WebSocket to open", once(socket, "open"));
    client.heard = (cmd) => until(cmd, () => client.packets.find((p) => p.cmd === cmd));
    return client;
}

test("a subprotocol is agreed on: mqtt before mqttv3.1, and none is refused", async (t) => {
    /* [MQTT-6.0.0-3], [MQTT-6.0.0-4]; 3.1.1 [MQTT-6.0.0-3], 3.1.1 [MQTT-6.0.0-4] */
    assert.equal((await dial(t)).socket.protocol, "mqtt");
    const old = await dial(t, { protocols: ["mqttv3.1"] });
    assert.equal(old.socket.protocol, "mqttv3.1");
    const both = await dial(t, { protocols: ["mqttv3.1", "chat", "mqtt"] });
    assert.equal(both.socket.protocol, "mqtt");
    for (const protocols of [[], ["chat"]]) {
        const socket = new WebSocket(url(), protocols);
        const [, answer] = await within("the refusal", once(socket, "unexpected-response"));
        assert.equal(answer.statusCode, 400);
        let text = "";
        for await (const piece of answer) text += piece;
        assert.match(text, /Sec-WebSocket-Protocol must offer/);
    }
    assert.equal((await d.fetch("/mqtt")).status, 426);
    assert.equal((await d.fetch("/mqtt", { method: "POST" })).status, 405);
    const foreign = new WebSocket(url(), ["mqtt"], { origin: "http://elsewhere.example" });
    const [, answer] = await within("the refusal", once(foreign, "unexpected-response"));
    assert.equal(answer.statusCode, 403);
    answer.destroy();
});

test("frames are a stream: packets byte by byte, across fragments, many in a frame", async (t) => {
    /* [MQTT-6.0.0-2], 3.1.1 [MQTT-6.0.0-2] */
    const slow = await dial(t);
    for (const byte of connect("byte-by-byte")) slow.socket.send(Buffer.of(byte));
    await slow.heard("connack");
    const parts = subscribe("ws/stream");
    for (let i = 0; i < parts.length; i++ /* one message of many fragments */)
        slow.socket.send(parts.subarray(i, i + 1), { fin: i === parts.length - 1, binary: true });
    await slow.heard("suback");

    const many = await dial(t);
    const ping = packet.generate({ cmd: "pingreq" });
    const list = [connect("many-in-a-frame")];
    for (let i = 0; i < 100; i++) list.push(publish("ws/stream", String(i)));
    list.push(ping, ping.subarray(0, 1));
    many.socket.send(Buffer.concat(list));
    await many.heard("pingresp");
    many.socket.send(ping.subarray(1));
    await until("the second", () => many.packets.filter((p) => p.cmd === "pingresp").length === 2);
    await until("all hundred", () => slow.packets.length === 102);
    assert.deepEqual(
        slow.packets.slice(2).map((p) => Number(p.payload)),
        Array.from({ length: 100 }, (_, i) => i),
    );
    assert.equal(slow.text + many.text, 0); /* [MQTT-6.0.0-1], 3.1.1 [MQTT-6.0.0-1] */
});

test("a text frame ends it with 1003, and what is no MQTT ends it too", async (t) => {
    /* [MQTT-6.0.0-1], 3.1.1 [MQTT-6.0.0-1] */
    const wordy = await dial(t);
    wordy.socket.send(connect("wordy"));
    await wordy.heard("connack");
    wordy.socket.send("text");
    assert.equal((await within("the end", wordy.closed)).code, 1003);

    const wrong = await dial(t, { version: 5 });
    wrong.socket.send(connect("wrong", 5));
    await wrong.heard("connack");
    wrong.socket.send(Buffer.of(0xff, 0));
    const { code, reason } = await within("the end", wrong.closed);
    assert.equal(code, 1000);
    assert.match(reason, /no packet of MQTT/); /* 3.1.1 hears it here alone */
    assert.equal(wrong.packets.at(-1).cmd, "disconnect");
    assert.equal(wrong.packets.at(-1).reasonCode, 0x81);

    const polite = await dial(t);
    polite.socket.send(Buffer.concat([connect("polite"), packet.generate({ cmd: "disconnect" })]));
    assert.equal((await within("the end", polite.closed)).code, 1000);
});

test("the will is due when the WebSocket breaks, and a name is taken over across ways in", async (t) => {
    const watch = await connectMqtt(t, d);
    await watch.subscribeAsync("ws/will");
    const will = { topic: "ws/will", payload: "gone", qos: 0, retain: false };
    const first = await connectMqtt(t, d, { url: url(), clientId: "roamer", will });
    first.stream.destroy();
    await until("the will", () => watch.messages.length === 1);
    const second = await connectMqtt(t, d, { url: url(), clientId: "roamer" });
    const over = once(second, "disconnect");
    await connectMqtt(t, d, { clientId: "roamer" });
    assert.equal((await within("the take-over", over))[0].reasonCode, 0x8e);
});

for (const protocolVersion of [4, 5]) {
    for (const [name, options] of [
        ["ws", () => ({ url: url() })],
        ["wss", () => ({ url: `wss://${d.https}/mqtt`, ...secure })],
        [
            "ws with permessage-deflate",
            () => ({ url: url(), wsOptions: { perMessageDeflate: true } }),
        ],
        ["ws without", () => ({ url: url(), wsOptions: { perMessageDeflate: false } })],
    ])
        test(`npm mqtt, version ${protocolVersion}, ${name}: each QoS, large and many`, async (t) => {
            const c = await connectMqtt(t, d, { protocolVersion, ...options() });
            const topic = `ws/${protocolVersion}/${name}`;
            await c.subscribeAsync(topic, { qos: 2 });
            const large = Buffer.alloc(3 << 20, "a reading and another one; ");
            for (const qos of [0, 1, 2]) await c.publishAsync(topic, `q${qos}`, { qos });
            await c.publishAsync(topic, large, { qos: 1 });
            for (let i = 0; i < 200; i++) c.publish(topic, `${i}`, { qos: 1 });
            await until("all", () => c.messages.length === 204, { timeout: 30_000 });
            assert.deepEqual(c.messages[3].payload, large);
            assert.equal(String(c.messages[203].payload), "199");
            await c.endAsync();
        });
}

test("readings and their updates go over WebSocket as they do over TCP, and are counted", async (t) => {
    await d.create(twin("ws-pump", ["temp-1"]));
    const c = await connectMqtt(t, d, { url: url() });
    const before = Number(
        /^doppel_mqtt_connections (\d+)/m.exec((await d.get("/metrics")).text)?.[1],
    );
    assert.ok(before >= 1);
    await c.subscribeAsync("twins/ws-pump/sensors/+", { qos: 1 });
    await c.publishAsync("twins/ws-pump/sensors/temp-1", "41.5", { qos: 1 });
    await until("the update", () => c.messages.length === 1);
    assert.equal(JSON.parse(c.messages[0].payload).value, 41.5);
    await assert.rejects(
        c.publishAsync("twins/ws-pump/sensors/none", "1", { qos: 1 }),
        (e) => e.code === 0x90 || /not|no such/i.test(String(e)),
    );
});

test("over HTTP/2 as well (RFC 8441)", async (t) => {
    const session = http2.connect(`https://${d.https}`, secure);
    t.after(() => session.destroy());
    await within("the settings", once(session, "remoteSettings"));
    assert.equal(session.remoteSettings.enableConnectProtocol, true);
    const stream = session.request({
        ":method": "CONNECT",
        ":protocol": "websocket",
        ":path": "/mqtt",
        "sec-websocket-version": "13",
        "sec-websocket-protocol": "mqtt",
    });
    const [head] = await within("the answer", once(stream, "response"));
    assert.equal(head[":status"], 200);
    assert.equal(head["sec-websocket-protocol"], "mqtt");
    const bytes = connect("over-h2");
    const mask = Buffer.of(1, 2, 3, 4);
    stream.write(
        Buffer.concat([
            Buffer.of(0x82, 0x80 | bytes.length),
            mask,
            bytes.map((b, i) => b ^ mask[i % 4]),
        ]),
    );
    const [frame] = await within("CONNACK", once(stream, "data"));
    assert.deepEqual([...frame], [0x82, 4, 0x20, 2, 0, 0]);
});

test("a slow reader is not read from, and hears all of it in the end", async (t) => {
    const slow = await dial(t, { perMessageDeflate: false });
    slow.socket.send(connect("slow-ws"));
    await slow.heard("connack");
    slow.socket.send(
        packet.generate({
            cmd: "subscribe",
            messageId: 1,
            subscriptions: [{ topic: "ws/slow", qos: 1 }],
        }),
    );
    await slow.heard("suback");
    slow.socket.pause();
    const from = await connectMqtt(t, d);
    const payload = Buffer.alloc(20_000, "x");
    for (let i = 0; i < 300; i++) await from.publishAsync("ws/slow", payload, { qos: 1 });
    slow.socket.on("message", () => {
        for (const p of slow.packets.splice(0))
            if (p.cmd === "publish") {
                slow.count = (slow.count ?? 0) + 1;
                slow.socket.send(packet.generate({ cmd: "puback", messageId: p.messageId }));
            }
    });
    slow.socket.resume();
    await until("all", () => slow.count === 300, { timeout: 30_000 });
});

test("those who are there hear that the server ends", async (t) => {
    const other = await import("../lib/doppel.mjs");
    const own = await other.start(t);
    const c = await connectMqtt(t, own, { url: `ws://${own.http}/mqtt` });
    const over = once(c, "disconnect");
    await own.stop();
    assert.equal((await within("the goodbye", over))[0].reasonCode, 0x8b);
});

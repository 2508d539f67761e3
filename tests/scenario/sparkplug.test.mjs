/* Sparkplug B with the clients of Eclipse Tahu: births make twins, data by name and by alias becomes
 * readings, deaths make them stale at once, gaps are answered with the wish for a rebirth. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import sparkplugClient from "sparkplug-client";
import sparkplugPayload from "sparkplug-payload";
import { shared, start } from "../lib/doppel.mjs";
import { twin } from "../lib/profiles.mjs";
import { connectMqtt, publishMqtt } from "../lib/streams.mjs";
import { until } from "../lib/wait.mjs";

const d = shared({ args: ["--provision", "mqtt"] });
const { encodePayload, decodePayload } = sparkplugPayload.get("spBv1.0");
const T0 = 1700000000000;

const state = async (id) =>
    (await d.get(`/api/v1/twins?name=${encodeURIComponent(id)}`)).body.items;
const sensor = async (id, name) => (await d.get(`/api/v1/twins/${id}/sensors/${name}`)).body;

/* An edge node by hand: every message as we want it. */
async function node(t, group, name, { server = d, bdSeq = 0, version = 5, url } = {}) {
    const at = (type, device) => `spBv1.0/${group}/${type}/${name}${device ? `/${device}` : ""}`;
    const encode = (metrics, more = {}) => Buffer.from(encodePayload({ metrics, ...more }));
    const death = { name: "bdSeq", type: "UInt64", value: bdSeq };
    const client = await connectMqtt(t, server, {
        protocolVersion: version,
        ...(url && { url }),
        will: { topic: at("NDEATH"), payload: encode([death]), qos: 1, retain: false },
    });
    let seq = 0;
    await client.subscribeAsync(at("NCMD"));
    const say = (type, metrics, { device, skip = 0, timestamp = T0 } = {}) => {
        if (type === "NBIRTH") seq = 0;
        const body = encode(type === "NBIRTH" ? [...metrics, death] : metrics, {
            timestamp,
            seq: (seq + skip) % 256,
        });
        seq = (seq + skip + 1) % 256;
        return publishMqtt(client, at(type, device), body);
    };
    const rebirths = () =>
        client.messages.filter((m) => {
            const [metric] = decodePayload(m.payload).metrics;
            return metric.name === "Node Control/Rebirth" && metric.value === true;
        }).length;
    return { client, say, rebirths, at };
}

const num = (name, value, more = {}) => ({ name, type: "Double", value, ...more });

test("the client of Eclipse Tahu: a node and a device become twins and live as it does", async () => {
    const client = sparkplugClient.newClient({
        serverUrl: `mqtt://${d.mqtt}`,
        username: "",
        password: "",
        groupId: "Plant 1",
        edgeNode: "Line-A",
        clientId: "tahu",
        version: "spBv1.0",
        publishDeath: true,
    });
    await once(client, "birth");
    client.publishNodeBirth({
        timestamp: T0,
        metrics: [
            { name: "Node Control/Rebirth", type: "Boolean", value: false },
            num("Uptime", 5, { properties: { engUnit: { type: "String", value: "s" } } }),
        ],
    });
    client.publishDeviceBirth("Press", {
        timestamp: T0,
        metrics: [
            num("Inputs/Temp", 20.5, {
                alias: 7,
                properties: { engUnit: { type: "String", value: "degC" } },
            }),
            { name: "Running", type: "Boolean", value: true },
            { name: "Batch", type: "String", value: "B-1" },
            { name: "Count", type: "Int64", value: -5 },
            { name: "Level", type: "Int8", value: -7 },
            { name: "Since", type: "DateTime", value: T0 },
        ],
    });
    client.publishDeviceData("Press", {
        timestamp: T0 + 1000,
        metrics: [num("Inputs/Temp", 21), { name: "Running", type: "Boolean", value: false }],
    });
    const press = await until("the press", async () => {
        const [found] = await state("Press");
        return found?.sensors.find((s) => s.id === "Inputs:Temp")?.value === 21 && found;
    });
    assert.match(press.id, /^Plant_1:Line-A:Press:[0-9a-f]{8}$/);
    assert.equal(press.name, "Press");
    assert.equal(press.type, "Sparkplug device");
    assert.equal(press.state, "live");
    const values = Object.fromEntries(press.sensors.map((s) => [s.id, s.value]));
    assert.deepEqual(values, {
        "Inputs:Temp": 21,
        Running: false,
        Batch: "B-1",
        Count: -5,
        Level: -7,
        Since: "2023-11-14T22:13:20Z",
    });
    assert.equal((await sensor(press.id, "Inputs:Temp")).unit, "degC");
    assert.deepEqual((await d.history(press.id, "Inputs:Temp")).points, [
        [T0, 20.5],
        [T0 + 1000, 21],
    ]);
    const [line] = (await state("Line-A")).filter((i) => i.name === "Line-A");
    assert.equal(line.type, "Sparkplug edge node");
    assert.deepEqual(
        line.sensors.map((s) => [s.id, s.value, s.unit]),
        [["Uptime", 5, "s"]],
    );
    client.publishDeviceDeath("Press", { timestamp: T0 + 2000 });
    await until("the device to be dead", async () => (await state("Press"))[0].state === "stale");
    assert.equal((await state("Line-A")).find((i) => i.id === line.id).state, "live");
    client.stop();
    await until("the node to be dead", async () =>
        (await state("Line-A")).every((i) => i.state === "stale"),
    );
});

test("by alias, null, historical, qualities, times; acknowledged when it is safe", async (t) => {
    const n = await node(t, "g", "alias");
    const birth = await n.say("NBIRTH", [
        num("a", 1, { alias: 1 }),
        { name: "i", alias: 2, type: "Int16", value: -300 },
        num("later", null, { alias: 3 }),
    ]);
    assert.equal(birth.code, 0, birth.reason);
    assert.equal((await sensor("g:alias", "i")).value, -300);
    assert.equal((await sensor("g:alias", "later")).value, null);
    const quality = (q) => ({ Quality: { type: "Int32", value: q } });
    const data = await n.say(
        "NDATA",
        [
            { alias: 1, type: "Double", value: 2 },
            { alias: 1, type: "Double", value: 1.5, timestamp: T0 - 5000, isHistorical: true },
            { alias: 1, type: "Double", value: 3, timestamp: T0 + 2000, properties: quality(0) },
            { alias: 2, type: "Int16", value: -1 },
            { alias: 3, type: "Double", value: null },
        ],
        { timestamp: T0 + 1000 },
    );
    assert.equal(data.code, 0, data.reason);
    assert.deepEqual((await d.history("g:alias", "a", "from=0&quality=true")).points, [
        [T0 - 5000, 1.5, "good"],
        [T0, 1, "good"],
        [T0 + 1000, 2, "good"],
        [T0 + 2000, 3, "bad"],
    ]);
    assert.equal((await sensor("g:alias", "i")).value, -1);
    assert.equal(n.rebirths(), 0);
});

test("a gap in the sequence, an unknown alias, data before a birth: a rebirth is asked for", async (t) => {
    const early = await node(t, "g", "early");
    const before = await early.say("NDATA", [num("a", 1)]);
    assert.equal(before.code, 0x90);
    assert.match(before.reason, /not born yet/);
    await until("the wish for a birth", () => early.rebirths() === 1);
    await early.say("NDATA", [num("a", 1)]);
    assert.equal(early.rebirths(), 1, "but not at every message");

    const gap = await node(t, "g", "gap");
    await gap.say("NBIRTH", [num("a", 1)]);
    const device = await gap.say("DBIRTH", [num("b", 1)], { device: "dev" });
    assert.equal(device.code, 0, device.reason);
    assert.equal((await sensor("g:gap:dev", "b")).value, 1);
    const after = await gap.say("NDATA", [num("a", 2)], { skip: 3, timestamp: T0 + 1 });
    assert.equal(after.code, 0, "what came is true all the same");
    await until("the wish for a birth", () => gap.rebirths() === 1);
    await gap.say("NBIRTH", [num("a", 3)]);
    const dead = await gap.say("DDATA", [num("b", 2)], { device: "dev" });
    assert.match(dead.reason, /device was not born/, "a birth of the node ends its devices'");
    await until("the next wish", () => gap.rebirths() === 2);

    const alias = await node(t, "g", "unknown");
    await alias.say("NBIRTH", [num("a", 1, { alias: 1 })]);
    const odd = await alias.say("NDATA", [
        { alias: 9, type: "Double", value: 1 },
        { alias: 1, type: "Double", value: 5, timestamp: T0 + 5 },
    ]);
    assert.match(odd.reason, /1 readings accepted, 1 refused/);
    await until("the wish for a birth", () => alias.rebirths() === 1);
    assert.equal((await sensor("g:unknown", "a")).value, 5);

    const around = await node(t, "g", "around");
    await around.say("NBIRTH", [num("a", 0)]);
    for (let i = 0; i < 300; i++) await around.say("NDATA", [num("a", i)], { timestamp: T0 + i });
    assert.equal(around.rebirths(), 0, "255 is followed by 0");
    assert.equal((await d.history("g:around", "a")).points.length, 300);
});

test("a death of an earlier session is none; the will of the last one is", async (t) => {
    const first = await node(t, "g", "twice", { bdSeq: 0 });
    await first.say("NBIRTH", [num("a", 1)]);
    const second = await node(t, "g", "twice", { bdSeq: 1 });
    await second.say("NBIRTH", [num("a", 2)], { timestamp: T0 + 1 });
    const gone = once(first.client, "close");
    first.client.stream.destroy();
    await gone;
    const watcher = await connectMqtt(t, d);
    await watcher.subscribeAsync("spBv1.0/g/NDEATH/#");
    await second.say("NDATA", [num("a", 3)], { timestamp: T0 + 2 });
    assert.equal((await state("g:twice"))[0].state, "live");
    const connection = async () =>
        (await d.get("/api/v1/twins/g:twice")).body.synchronization.connectionStatus;
    assert.equal(await connection(), "active");
    second.client.stream.destroy();
    await until("the death", async () => (await state("g:twice"))[0].state === "stale");
    assert.equal(await connection(), "stale");
    assert.ok(watcher.messages.length >= 1, "others hear it, too");
});

test("what is not kept is refused by name, and the rest is", async (t) => {
    const n = await node(t, "g", "types");
    const r = await n.say("NBIRTH", [
        num("good", 1),
        num("nan", Number.NaN),
        { name: "bytes", type: "Bytes", value: new Uint8Array([1, 2]) },
        {
            name: "set",
            type: "DataSet",
            value: { numOfColumns: 1, columns: ["c"], types: ["Int32"], rows: [[1]] },
        },
    ]);
    assert.match(r.reason, /1 readings accepted, 3 refused/);
    const { items } = (await d.get("/api/v1/rejections?twin=g:types")).body;
    assert.deepEqual(items.map((i) => [i.sensor, i.code]).sort(), [
        ["bytes", "wrong-type"],
        ["nan", "wrong-type"],
        ["set", "wrong-type"],
    ]);
    const broken = await publishMqtt(n.client, n.at("NDATA"), Buffer.from([0xff, 0xff]));
    assert.equal(broken.code, 0x99);
    assert.match(broken.reason, /no payload of Sparkplug B at byte 0/);
    for (const topic of ["spBv1.0/g", "spBv1.0/g/NDATA/n/d", "spBv1.0/g/DDATA/n", "spBv1.0/g/X/n"])
        assert.equal((await publishMqtt(n.client, topic, "x")).code, 0x90, topic);
    const packed = Buffer.from(
        encodePayload({ uuid: "SPBV1.0_COMPRESSED", body: Buffer.alloc(3) }),
    );
    assert.match((await publishMqtt(n.client, n.at("NDATA"), packed)).reason, /compressed/);
});

test("to others they are ordinary messages; commands go between clients", async (t) => {
    const n = await node(t, "g", "plain", { version: 4 });
    const other = await connectMqtt(t, d);
    await other.subscribeAsync("spBv1.0/#");
    await n.say("NBIRTH", [num("a", 1)]);
    const heard = await until("the birth", () =>
        other.messages.find((m) => m.topic === n.at("NBIRTH")),
    );
    assert.equal(decodePayload(heard.payload).metrics[0].value, 1);
    const command = encodePayload({ metrics: [num("set", 5)] });
    await publishMqtt(other, n.at("NCMD"), Buffer.from(command));
    await until("the command", () =>
        n.client.messages.some((m) => decodePayload(m.payload).metrics[0].name === "set"),
    );
});

test("without leave nothing is made, and twins that are there are filled", async (t) => {
    const server = await start(t, { args: ["--sparkplug-host", "doppel"] });
    await server.create(twin("g:known", { a: {} }));
    const n = await node(t, "g", "known", { server });
    const r = await n.say("NBIRTH", [num("a", 1), num("b", 2)]);
    assert.match(
        r.reason,
        /1 readings accepted, 1 refused.*no sensor "b", and none is made here .--provision/,
    );
    assert.deepEqual((await server.history("g:known", "a")).points, [[T0, 1]]);
    const stranger = await node(t, "g", "stranger", { server });
    assert.match((await stranger.say("NBIRTH", [num("a", 1)])).reason, /no twin "g:stranger"/);

    const watcher = await connectMqtt(t, server);
    await watcher.subscribeAsync("spBv1.0/STATE/+");
    const born = await until("the state", () => watcher.messages[0]);
    const said = JSON.parse(born.payload);
    assert.deepEqual([born.topic, born.packet.retain], ["spBv1.0/STATE/doppel", true]);
    assert.equal(said.online, true);
    for (const payload of ['{"online":false,"timestamp":1}', ""]) {
        const lie = { qos: 1, retain: true };
        const refused = await publishMqtt(watcher, "spBv1.0/STATE/doppel", payload, lie);
        assert.match(refused.reason, /server's own/);
    }
    await assert.rejects(
        connectMqtt(t, server, {
            protocolVersion: 5,
            will: { topic: "spBv1.0/STATE/doppel", payload: "{}", qos: 1, retain: true },
        }),
        /Topic Name invalid|invalid topic/i,
    );
    const other = "spBv1.0/STATE/another";
    await publishMqtt(watcher, other, "{}");
    await until("that of another host", () => watcher.messages[1]?.topic === other);
    const ended = server.stop();
    await until("its end", () => watcher.messages[2]);
    assert.deepEqual(JSON.parse(watcher.messages[2].payload), { ...said, online: false });
    await ended;
});

test("over WebSocket the listener of HTTP says whether something is made", async (t) => {
    for (const [listener, made] of [
        ["http", true],
        ["mqtt", false],
    ]) {
        const server = await start(t, { args: ["--provision", listener] });
        const url = `ws://${server.http}/mqtt`;
        const n = await node(t, "g", "ws", { server, url });
        const r = await n.say("NBIRTH", [num("a", 1)]);
        if (made) assert.equal(r.code, 0, r.reason);
        else assert.match(r.reason, /no twin "g:ws"/);
        const { points } = made ? await server.history("g:ws", "a") : { points: [] };
        assert.deepEqual(points, made ? [[T0, 1]] : []);
        const other = await node(t, "g", "tcp", { server });
        const answer = await other.say("NBIRTH", [num("a", 1)]);
        assert.equal(answer.code === 0, !made, answer.reason);
    }
});

test("what may be made has a limit, which is told", async (t) => {
    const args = ["--provision", "mqtt", "--provision-sensors", "2"];
    const server = await start(t, { args });
    const n = await node(t, "g", "limit", { server });
    const r = await n.say("NBIRTH", [num("a", 1), num("b", 2), num("c", 3)]);
    assert.match(r.reason, /2 readings accepted, 1 refused.*no more than 2 sensors/);
    assert.deepEqual((await server.history("g:limit", "b")).points, [[T0, 2]]);
    const again = await n.say("NBIRTH", [num("a", 4), num("c", 5)], { timestamp: T0 + 1 });
    assert.match(again.reason, /1 readings accepted, 1 refused/);
});

test("what was acknowledged survives kill -9; after it a node is born again", async (t) => {
    const server = await start(t, { args: ["--provision", "mqtt"] });
    const n = await node(t, "g", "crash", { server });
    await n.say("NBIRTH", [num("a", 0, { alias: 1 })]);
    for (let i = 1; i <= 20; i++) {
        const r = await n.say("NDATA", [{ alias: 1, type: "Double", value: i }], {
            timestamp: T0 + i,
        });
        assert.equal(r.code, 0, r.reason);
    }
    await server.kill();
    await server.start();
    const points = Array.from({ length: 21 }, (_, i) => [T0 + i, i]);
    assert.deepEqual((await server.history("g:crash", "a")).points, points);
    const again = await node(t, "g", "crash", { server });
    const early = await again.say("NDATA", [{ alias: 1, type: "Double", value: 99 }]);
    assert.match(early.reason, /not born yet/);
    await until("the wish for a birth", () => again.rebirths() === 1);
});

test("off: ordinary topics and nothing else", async (t) => {
    const server = await start(t, { args: ["--no-sparkplug"] });
    const n = await node(t, "g", "off", { server });
    const r = await n.say("NBIRTH", [num("a", 1)]);
    assert.equal(r.error, null);
    assert.equal((await server.get("/api/v1/twins")).body.total, 0);
    assert.equal((await server.get("/api/v1/rejections")).body.total, 0);
});

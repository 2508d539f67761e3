/* Who may what over MQTT, behind the door: with mosquitto's programs and npm mqtt in both versions. */

import assert from "node:assert/strict";
import { test } from "node:test";
import mqtt from "mqtt";
import { start, until } from "../lib/doppel.mjs";
import { twin } from "../lib/profiles.mjs";
import { person, putRecords, service } from "../lib/records.mjs";
import { connectMqtt } from "../lib/streams.mjs";

/* Ada edits and Cy looks at home, Bo edits acme; a gateway of home sends readings alone. */
const PEOPLE = [
    ["org", "acme", { name: "Acme" }],
    ...person("ada", "home", "editor"),
    ...person("cy", "home", "viewer"),
    ...person("bo", "acme", "editor"),
    ...service("gate", "home", "operator", { scopes: ["data:write"] }),
];

const as = (who) => ({ authorization: `Bearer ${who}` });

async function world(t, args = []) {
    const d = await start(t, { access: "open", args });
    for (const id of ["pump-1", "pump-2"]) await d.create(twin(id, ["temp", "flow"]));
    const made = await d.post("/api/v1/twins/pump-1/credentials", { name: "x" });
    await d.stop();
    await putRecords(d.data, PEOPLE);
    d.options.access = "locked";
    await d.start();
    const r = await d.post("/api/v1/twins", twin("pump-1", ["temp"]), undefined, as("bo"));
    assert.equal(r.status, 201, r.text);
    return { d, token: made.body.token, id: made.body.id };
}

const login = (password) => ({ username: "anything", password });

/* The reason code of a refused CONNECT. */
function refusal(d, options) {
    const client = mqtt.connect(`mqtt://${d.mqtt}`, { reconnectPeriod: 0, ...options });
    return new Promise((resolve, reject) => {
        client.on("connect", () => reject(new Error("it was let in")));
        client.on("error", (e) => {
            client.end(true);
            resolve(e.code);
        });
    });
}

/* What comes of a publish at QoS 1: 0, or the reason code. */
const publish = (client, topic, message, options = {}) =>
    new Promise((resolve) => {
        client.publish(topic, message, { qos: 1, ...options }, (e) => resolve(e ? e.code : 0));
    });

const subscribe = (client, filter, options = {}) =>
    new Promise((resolve) => {
        client.subscribe(filter, { qos: 1, ...options }, (e, granted) => {
            resolve(e ? (e.packet?.granted?.[0] ?? e.code) : granted[0].qos);
        });
    });

const topics = (client) => client.messages.map((m) => m.topic);

for (const protocolVersion of [4, 5]) {
    const v5 = protocolVersion === 5;

    test(`version ${protocolVersion}: who shows nothing, or what is not known`, async (t) => {
        const { d } = await world(t);
        const options = { protocolVersion };
        assert.equal(await refusal(d, options), v5 ? 0x87 : 5);
        assert.equal(await refusal(d, { ...options, ...login("guess") }), v5 ? 0x86 : 4);
        /* whose client it was nobody knows, so none of the organisations is told */
        const ofHome = await d.get("/api/v1/rejections", { headers: as("ada") });
        assert.deepEqual(ofHome.body.items, []);
        const local = d.withToken(d.localToken());
        const { body } = await local.get("/api/v1/rejections");
        const codes = body.items.filter((x) => x.source === "mqtt").map((x) => x.code);
        assert.deepEqual(codes.sort(), ["unauthenticated", "wrong-credentials"]);
        assert.doesNotMatch(d.log + JSON.stringify(body), /guess/);
    });

    test(`version ${protocolVersion}: a device has its twin and nothing else`, async (t) => {
        const { d, token } = await world(t);
        const device = await connectMqtt(t, d, { protocolVersion, ...login(token) });
        const ada = await connectMqtt(t, d, { protocolVersion, ...login("ada") });
        assert.equal(await publish(device, "twins/pump-1/sensors/temp", "42"), 0);
        const refused = v5 ? 0x87 : 0; /* 3.1.1 cannot refuse */
        assert.notEqual(await publish(device, "twins/pump-2/sensors/temp", "43"), v5 ? 0 : 1);
        assert.equal(await publish(device, "twins/pump-2/commands/open", "x"), refused);
        assert.equal(await subscribe(device, "twins/pump-2/#"), v5 ? 0x87 : 0x80);
        assert.equal(await subscribe(device, "twins/pump-1/commands/#"), 1);
        assert.equal(await publish(ada, "twins/pump-1/commands/open", "now"), 0);
        await until("the command", () => topics(device).includes("twins/pump-1/commands/open"));
        const { body } = await d.get("/api/v1/twins/pump-2/sensors/temp", { headers: as("ada") });
        assert.equal(body.value, null);
    });

    test(`version ${protocolVersion}: organisations have topics of their own`, async (t) => {
        const { d } = await world(t);
        const ada = await connectMqtt(t, d, { protocolVersion, clientId: "me", ...login("ada") });
        const bo = await connectMqtt(t, d, { protocolVersion, clientId: "me", ...login("bo") });
        for (const client of [ada, bo]) assert.equal(await subscribe(client, "#"), 1);
        await publish(ada, "hall/door", "open", { retain: true });
        await publish(ada, "twins/pump-1/sensors/temp", "42");
        await publish(bo, "twins/pump-1/sensors/temp", "7");
        await publish(bo, "the/end", "x");
        await until("Bo's own", () => topics(bo).includes("the/end"));
        assert.deepEqual([...new Set(topics(bo))].sort(), ["the/end", "twins/pump-1/sensors/temp"]);
        const temp = bo.messages.find((m) => m.topic.startsWith("twins/"));
        assert.equal(JSON.parse(temp.payload).value, 7);
        assert.equal(JSON.parse(temp.payload).twin, "pump-1");
        await until("Ada's own", () => topics(ada).includes("hall/door"));
        assert.ok(!topics(ada).includes("the/end"));
        assert.equal(await subscribe(bo, "twins/home~pump-1/#"), v5 ? 0x87 : 0x80);
        for (const org of ["home", "nobody"]) {
            /* nothing tells which organisations there are */
            const topic = `twins/${org}~pump-1/commands/open`;
            assert.equal(await publish(bo, topic, "x"), v5 ? 0x87 : 0);
            const will = { topic, payload: "x" };
            const code = await refusal(d, { protocolVersion, will, ...login("bo") });
            assert.equal(code, v5 ? 0x87 : 5);
        }
    });
}

test("mosquitto's programs with a token as password", async (t) => {
    const { d, token } = await world(t);
    const args = (who) => ["-V", "5", "-q", "1", "-u", "x", "-P", who];
    const ok = await d.publish("twins/pump-1/sensors/temp", "42", args(token));
    assert.equal(ok.code, 0, ok.output);
    const viewer = await d.publish("hall/door", "open", args("cy"));
    assert.match(viewer.output, /not authorized/i);
    const nobody = await d.publish("hall/door", "open", ["-V", "5"]);
    assert.match(nobody.output, /not authorized/i);
    const sub = await d.mosquitto("mosquitto_sub", [
        ...["-V", "5", "-u", "x", "-P", "cy", "-t", "twins/+/sensors/#", "-C", "1", "-W", "10"],
    ]);
    assert.match(sub.stdout, /"value":42/);
});

test("what a token may not by its scopes", async (t) => {
    const { d } = await world(t);
    const gate = await connectMqtt(t, d, login("gate"));
    assert.equal(await publish(gate, "twins/pump-2/sensors/temp", "42"), 0);
    assert.equal(await publish(gate, "hall/door", "x"), 0x87);
    assert.equal(await publish(gate, "twins/pump-2/commands/open", "x"), 0x87);
    assert.equal(await subscribe(gate, "hall/door"), 0x87);
});

test("over WebSocket: the principal of the request, or a token in CONNECT", async (t) => {
    const { d, token } = await world(t);
    const url = `ws://${d.http}/mqtt`;
    const byHeader = await connectMqtt(t, d, {
        ...{ url, wsOptions: { headers: as("ada") } },
    });
    assert.equal(await publish(byHeader, "hall/door", "x"), 0);
    const byPassword = await connectMqtt(t, d, { url, ...login(token) });
    assert.equal(await publish(byPassword, "hall/door", "x"), 0x87);
    assert.equal(await refusal({ mqtt: d.mqtt }, { protocolVersion: 5 }), 0x87);
});

test("a session and what waits in it are its owner's, also over a restart", async (t) => {
    const { d, token, id } = await world(t);
    const stay = { clientId: "dev", clean: false, properties: { sessionExpiryInterval: 3600 } };
    const device = await connectMqtt(t, d, { ...stay, ...login(token) });
    assert.equal(await subscribe(device, "twins/pump-1/commands/#"), 1);
    await device.endAsync();
    assert.equal(await refusal(d, { protocolVersion: 5, ...stay, ...login("ada") }), 0x85);
    const ada = await connectMqtt(t, d, login("ada"));
    assert.equal(await publish(ada, "twins/pump-1/commands/open", "now"), 0);
    await ada.endAsync();
    await d.restart();
    assert.equal(await refusal(d, { protocolVersion: 5, ...stay, ...login("ada") }), 0x85);
    /* a new token, and the old one revoked: it is the same device */
    const made = await d.post("/api/v1/twins/pump-1/credentials", {}, undefined, as("ada"));
    const gone = `/api/v1/twins/pump-1/credentials/${id}`;
    assert.equal((await d.send("DELETE", gone, undefined, undefined, as("ada"))).status, 204);
    const again = await connectMqtt(t, d, { ...stay, ...login(made.body.token) });
    await until("what waited", () => topics(again).includes("twins/pump-1/commands/open"));
});

test("a device that is revoked while it is connected is sent away, without its will", async (t) => {
    const { d, token, id } = await world(t);
    const ada = await connectMqtt(t, d, login("ada"));
    assert.equal(await subscribe(ada, "#"), 1);
    const device = await connectMqtt(t, d, {
        ...login(token),
        will: { topic: "twins/pump-1/status/gone", payload: "x", qos: 1 },
    });
    const told = new Promise((resolve) => device.on("disconnect", resolve));
    const gone = `/api/v1/twins/pump-1/credentials/${id}`;
    assert.equal((await d.send("DELETE", gone, undefined, undefined, as("ada"))).status, 204);
    assert.equal((await told).reasonCode, 0x98);
    assert.equal(await publish(ada, "the/end", "x"), 0);
    await until("the end", () => topics(ada).includes("the/end"));
    assert.ok(!topics(ada).includes("twins/pump-1/status/gone"));
});

test("--anonymous-ingest: readings of anybody, and nothing else", async (t) => {
    const { d } = await world(t, ["--anonymous-ingest", "mqtt"]);
    assert.match(d.log, /--anonymous-ingest/);
    const client = await connectMqtt(t, d);
    assert.equal(await publish(client, "twins/pump-1/sensors/temp", "42"), 0);
    assert.notEqual(await publish(client, "twins/acme~pump-1/sensors/temp", "42"), 0);
    assert.equal(await publish(client, "hall/door", "x"), 0x87);
    for (const filter of ["#", "twins/pump-1/sensors/temp", "$SYS/#"])
        assert.equal(await subscribe(client, filter), 0x87);
    /* HTTP was not named */
    const r = await d.post("/api/v1/twins/pump-1/readings", { temp: 1 });
    assert.equal(r.status, 401, r.text);
    await d.stop();
    d.options.args = ["--anonymous-ingest", "http"];
    await d.start();
    assert.equal((await d.post("/api/v1/twins/pump-1/readings", { temp: 1 })).status, 200);
    assert.equal((await d.get("/api/v1/twins/pump-1")).status, 401);
    assert.equal(await refusal(d, { protocolVersion: 5 }), 0x87);
});

/* The broker with clients of others: Python paho, npm mqtt, the programs of mosquitto, and what a
 * small device has on board. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { ROOT, run, SLOW, shared, until } from "../lib/doppel.mjs";
import { twin } from "../lib/profiles.mjs";
import { connectMqtt } from "../lib/streams.mjs";
import { within } from "../lib/wait.mjs";

const d = shared({
    args: ["--https", "127.0.0.1:0", "--mqtts", "127.0.0.1:0", "--tls-self-signed"],
});
const secure = { rejectUnauthorized: false };
const port = (address) => address.split(":").at(-1);

const authority = () => join(d.data, "tls/ca.pem");

/* ---- paho ---- */

for (const version of [4, 5])
    for (const [way, transport, address, isTls] of [
        ["TCP", "tcp", () => d.mqtt, false],
        ["TLS", "tcp", () => d.mqtts, true],
        ["WebSocket", "websockets", () => d.http, false],
        ["WebSocket over TLS", "websockets", () => d.https, true],
    ])
        test(`Python paho, version ${version}, ${way}`, async () => {
            const args = [join(ROOT, "tests/clients/paho_mqtt.py"), "127.0.0.1"];
            args.push(port(address()), String(version), transport);
            if (isTls) args.push(authority());
            const r = await run("/usr/bin/python3", args, { timeout: 60_000 });
            assert.equal(r.code, 0, r.output);
            assert.match(r.stdout, /^done$/m);
        });

/* ---- npm mqtt ---- */

for (const protocolVersion of [4, 5])
    test(`npm mqtt over TLS, version ${protocolVersion}: each QoS, a session, a will`, async (t) => {
        const v = `npm/${protocolVersion}`;
        const url = `mqtts://127.0.0.1:${port(d.mqtts)}`;
        const open = (options) =>
            connectMqtt(t, d, { protocolVersion, url, ...secure, ...options });
        const watch = await open({
            clientId: `${v}-watch`,
            clean: false,
            ...(protocolVersion === 5 ? { properties: { sessionExpiryInterval: 60 } } : {}),
        });
        await watch.subscribeAsync(`${v}/#`, { qos: 2 });
        const from = await open({ will: { topic: `${v}/will`, payload: "gone", qos: 1 } });
        for (const qos of [0, 1, 2]) await from.publishAsync(`${v}/q`, `${qos}`, { qos });
        await until("all three", () => watch.messages.length === 3);
        from.stream.destroy();
        await until("the will too", () => watch.messages.length === 4);
        assert.deepEqual(
            watch.messages.map((m) => [String(m.payload), m.packet.qos]),
            [
                ["0", 0],
                ["1", 1],
                ["2", 2],
                ["gone", 1],
            ],
        );
    });

/* ---- mosquitto ---- */

const mosquitto = (program, ...args) =>
    run(`mosquitto_${program}`, ["-h", "127.0.0.1", "-p", d.mqttPort, ...args], {
        timeout: 20_000 * SLOW,
    });

for (const version of ["mqttv311", "mqttv5"])
    test(`mosquitto_pub and mosquitto_sub, ${version}: retained, persistent, each QoS`, async () => {
        const topic = `mosquitto/${version}`;
        const name = `sub-${version}`;
        const keep = version === "mqttv5" ? ["-x", "300"] : [];
        const pub = (...args) => mosquitto("pub", "-V", version, "-t", topic, ...args);
        assert.equal((await pub("-m", "kept", "-r", "-q", "1")).code, 0);
        const sub = (n) =>
            mosquitto(
                ...["sub", "-V", version, "-i", name, "-c", ...keep, "-q", "2", "-t", topic],
                ...["-C", String(n), "-W", "15"],
            );
        assert.equal((await sub(1)).stdout, "kept\n");
        for (const qos of ["1", "2"])
            assert.equal((await pub("-m", `away ${qos}`, "-q", qos)).code, 0);
        /* what waited comes before the retained message that subscribing again brings */
        assert.equal((await sub(2)).stdout.includes("away 1"), true);
        assert.equal((await pub("-n", "-r")).code, 0);
    });

test("mosquitto_sub in a shared subscription: each job is done once", async (t) => {
    const JOBS = 30;
    const from = await connectMqtt(t, d);
    const workers = [1, 2, 3].map((i) =>
        mosquitto("sub", "-i", `worker-${i}`, "-t", "$share/workers/job/#", "-q", "1", "-C", "10"),
    );
    await until("three workers", async () => {
        const r = await mosquitto("sub", "-t", "$SYS/broker/shared subscriptions/count", "-C", "1");
        return r.stdout.trim() === "3";
    });
    for (let i = 0; i < JOBS; i++) await from.publishAsync(`job/${i}`, `job ${i}`, { qos: 1 });
    const done = (await Promise.all(workers)).map((w) => w.stdout.trim().split("\n"));
    assert.deepEqual(
        done.map((w) => w.length),
        [10, 10, 10],
    );
    assert.equal(new Set(done.flat()).size, JOBS);
});

test("mosquitto_rr asks and is answered", async (t) => {
    const server = await connectMqtt(t, d);
    await server.subscribeAsync("ask/time", { qos: 1 });
    server.on("message", (_topic, payload, { properties }) =>
        server.publish(properties.responseTopic, `${payload} o'clock`, {
            qos: 1,
            properties: { correlationData: properties.correlationData },
        }),
    );
    const r = await mosquitto(
        ...["rr", "-V", "mqttv5", "-t", "ask/time", "-e", "answer/here", "-m", "five"],
        ...["-q", "1", "-W", "15"],
    );
    assert.equal(r.stdout, "five o'clock\n", r.output);
});

/* ---- a small device ---- */

test("a small device: tiny buffers, clean session, nothing but the standard's packets", async (t) => {
    /* 3.1.1 [MQTT-7.0.0-2] */
    await d.create(twin("esp", ["temp-1"]));
    const big = await connectMqtt(t, d);
    const readings = "twins/esp/sensors/temp-1";
    const COMMANDS = 100;
    const lines = [];
    const device = run(
        "/usr/bin/python3",
        [
            join(ROOT, "tests/clients/small_device.py"),
            ...["127.0.0.1", d.mqttPort, "esp-01", readings, "22.5", "esp/cmd"],
        ],
        { timeout: 60_000, onLine: (line) => lines.push(line) },
    );
    await until("it is ready", () => lines.includes("ready"));
    assert.equal((await d.get("/api/v1/twins/esp/sensors/temp-1")).body.value, 22.5);
    /* more than it has room for, and more at a time than its buffers hold */
    await big.publishAsync("esp/cmd", "x".repeat(5000), { qos: 0 });
    const all = [];
    for (let i = 0; i < COMMANDS; i++)
        all.push(big.publishAsync("esp/cmd", `command ${i}`, { qos: 1 }));
    await Promise.all(all);
    await big.publishAsync("esp/cmd", "stop", { qos: 1 });
    const r = await within("its end", device, 60_000);
    assert.equal(r.code, 0, r.output);
    assert.deepEqual(lines, [
        "ready",
        ...Array.from({ length: COMMANDS }, (_, i) => `32 command ${i}`),
        "32 stop",
        "skipped 1",
    ]);
});

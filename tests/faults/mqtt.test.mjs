/* MQTT clients that are many, slow, silent, greedy or mad: the server's memory stays bounded and
 * others are served meanwhile. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import net from "node:net";
import { test } from "node:test";
import packet from "mqtt-packet";
import { start, until } from "../lib/doppel.mjs";
import { twin } from "../lib/profiles.mjs";
import { connectMqtt } from "../lib/streams.mjs";
import { within } from "../lib/wait.mjs";

const residentMb = (d) =>
    Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${d.pid}/status`, "utf8"))[1]) / 1024;

const told = (what, before, after) =>
    console.log(`# ${what}: ${before.toFixed(1)} MB before, ${after.toFixed(1)} MB at most`);

/* The most that is resident while work() is done, in MB, and what it comes to. */
async function highest(d, work) {
    let most = residentMb(d);
    const timer = setInterval(() => {
        most = Math.max(most, residentMb(d));
    }, 20);
    try {
        await work();
    } finally {
        clearInterval(timer);
    }
    return Math.max(most, residentMb(d));
}

const connectBytes = (clientId, more = {}) =>
    packet.generate({
        ...{ cmd: "connect", protocolId: "MQTT", protocolVersion: 4, clean: true, keepalive: 0 },
        ...{ clientId, ...more },
    });

/* A socket with nothing behind it: what comes is read away, or not at all. */
async function socket(t, d, bytes) {
    const s = net.connect({ host: d.mqttHost, port: d.mqttPort });
    s.on("error", () => {});
    t.after(() => s.destroy());
    await within("a connection", once(s, "connect"));
    if (bytes) s.write(bytes);
    return s;
}

async function many(n, at, each) {
    let next = 0;
    const worker = async () => {
        while (next < n) await each(next++);
    };
    await Promise.all(Array.from({ length: at }, worker));
}

/* Others publish a reading, hear it, and ask over HTTP, over and over until stop() is called. */
async function others(t, d) {
    await d.create(twin("other", ["temp-1"]));
    const c = await connectMqtt(t, d, { clientId: "other" });
    await c.subscribeAsync("twins/other/sensors/temp-1", { qos: 1 });
    let go = true;
    let rounds = 0;
    const loop = (async () => {
        while (go) {
            const heard = c.messages.length;
            await within(
                "PUBACK",
                c.publishAsync("twins/other/sensors/temp-1", `${rounds}`, { qos: 1 }),
            );
            await until("the update", () => c.messages.length > heard);
            assert.equal((await d.get("/api/v1/twins/other/sensors/temp-1")).body.value, rounds);
            rounds++;
        }
    })();
    loop.catch(() => {}); /* told by stop() */
    return async () => {
        const before = rounds;
        await until("two more rounds", () => rounds >= before + 2 || Promise.race([loop, false]));
        go = false;
        await loop;
        return rounds;
    };
}

test("ten thousand clients that say nothing", async (t) => {
    const MANY = 10_000;
    const d = await start(t);
    const before = residentMb(d);
    const served = await others(t, d);
    const sockets = [];
    const most = await highest(d, async () => {
        await many(MANY, 100, async (i) => {
            const s = await socket(t, d, connectBytes(`idle-${i}`));
            const [connack] = await within("CONNACK", once(s, "data"), 30_000);
            assert.deepEqual(connack, Buffer.of(0x20, 2, 0, 0));
            sockets.push(s);
        });
        const metrics = (await d.get("/metrics")).text;
        assert.equal(Number(/^doppel_mqtt_connections (\d+)/m.exec(metrics)[1]), MANY + 1);
    });
    await served();
    told(`${MANY} idle clients`, before, most);
    assert.ok((most - before) * 1024 < MANY * 10, "over 10 kB a client");
    for (const s of sockets) s.destroy();
    await until("all gone", async () => {
        const metrics = (await d.get("/metrics")).text;
        return Number(/^doppel_mqtt_connections (\d+)/m.exec(metrics)[1]) === 1;
    });
});

test("five thousand strangers that never say who they are are shown the door", async (t) => {
    const MANY = 5000;
    const d = await start(t);
    const before = residentMb(d);
    const served = await others(t, d);
    let ended = 0;
    const most = await highest(d, async () => {
        await many(MANY, 100, async (i) => {
            const s = await socket(t, d, i % 2 ? connectBytes(`half-${i}`).subarray(0, 9) : null);
            s.on("close", () => ended++);
            s.resume();
        });
        await until("all ended", () => ended === MANY, { timeout: 30_000 });
    });
    await served();
    told(`${MANY} strangers`, before, most);
    assert.ok(most - before < 100);
});

for (const qos of [0, 1])
    test(`a reader that stops reading, QoS ${qos}: 200 MB for it, others get theirs`, async (t) => {
        const MESSAGES = 20_000;
        const d = await start(t);
        const before = residentMb(d);
        const served = await others(t, d);
        const slow = await socket(t, d, connectBytes("slow"));
        await within("CONNACK", once(slow, "data"));
        slow.write(
            packet.generate({
                cmd: "subscribe",
                messageId: 1,
                subscriptions: [{ topic: "flood", qos }],
            }),
        );
        await within("SUBACK", once(slow, "data"));
        slow.pause();
        const good = await connectMqtt(t, d);
        await good.subscribeAsync("flood", { qos: 1 });
        let heard = 0;
        good.on("message", () => heard++);
        good.messages = { push() {} };
        const from = await connectMqtt(t, d);
        const payload = Buffer.alloc(10_000, "x");
        const most = await highest(d, async () => {
            await many(MESSAGES, 50, () => from.publishAsync("flood", payload, { qos: 1 }));
            await until("all of it at the good reader", () => heard === MESSAGES, {
                timeout: 60_000,
            });
        });
        await served();
        told(`a slow reader at QoS ${qos}`, before, most);
        /* a session's queue is 64 MiB; the allocator keeps some of what was freed */
        assert.ok(most - before < (qos ? 140 : 60), `${(most - before).toFixed(1)} MB`);
    });

test("a client that reads and never acknowledges", async (t) => {
    const MESSAGES = 30_000;
    const d = await start(t);
    const before = residentMb(d);
    const served = await others(t, d);
    for (const [qos, name] of [
        [1, "never-1"],
        [2, "never-2"],
    ]) {
        const s = await socket(t, d, connectBytes(name, { clean: false }));
        s.on("data", () => {});
        s.write(
            packet.generate({
                cmd: "subscribe",
                messageId: 1,
                subscriptions: [{ topic: "work", qos }],
            }),
        );
    }
    const from = await connectMqtt(t, d);
    const good = await connectMqtt(t, d);
    await good.subscribeAsync("work", { qos: 2 });
    let heard = 0;
    good.on("message", () => heard++);
    good.messages = { push() {} };
    const payload = Buffer.alloc(2000, "x");
    const most = await highest(d, async () => {
        await many(MESSAGES, 100, () => from.publishAsync("work", payload, { qos: 2 }));
        await until("all at the good one", () => heard === MESSAGES, { timeout: 60_000 });
    });
    await served();
    told("clients that never acknowledge", before, most);
    assert.ok(most - before < 100, `${(most - before).toFixed(1)} MB`);
});

test("a packet of 256 MB, announced or sent, and hundreds of large ones that never end", async (t) => {
    const d = await start(t);
    const before = residentMb(d);
    const served = await others(t, d);
    const most = await highest(d, async () => {
        /* known and unknown: the header alone is enough to end it */
        for (const first of [connectBytes("large"), null]) {
            const s = await socket(t, d, first);
            if (first) await within("CONNACK", once(s, "data"));
            s.resume();
            s.write(Buffer.of(first ? 0x30 : 0x10, 0xff, 0xff, 0xff, 0x7f));
            await within("the end", once(s, "close"));
        }
        /* sixty-four times 16 MB, each but the end of it: a gigabyte in all */
        const block = Buffer.alloc(1 << 20, "x");
        let ended = 0;
        await many(64, 8, async (i) => {
            const s = await socket(t, d, connectBytes(`begun-${i}`));
            await within("CONNACK", once(s, "data"));
            s.on("close", () => ended++);
            s.resume();
            s.write(Buffer.of(0x30, 0xf0, 0xff, 0xff, 0x07, 0, 1, 0x61));
            for (let mb = 0; mb < 15 && !s.destroyed; mb++)
                await new Promise((resolve) => s.write(block, resolve));
        });
        await until("some of them ended", () => ended > 40);
        assert.ok(ended < 64, "and not all");
    });
    await served();
    told("a gigabyte of packets that do not end", before, most);
    assert.ok(most - before < 450, `${(most - before).toFixed(1)} MB`);
});

test("a storm of topics: a million names, more retained ones and filters than are kept", async (t) => {
    const d = await start(t);
    const before = residentMb(d);
    const served = await others(t, d);
    const s = await socket(t, d, connectBytes("storm"));
    await within("CONNACK", once(s, "data"));
    s.resume();
    const say = (bytes) =>
        s.write(bytes) ? undefined : within("the drain", once(s, "drain"), 30_000);
    const storm = async (n, name, retain) => {
        for (let i = 0; i < n; i += 500) {
            const block = Array.from({ length: 500 }, (_, k) =>
                packet.generate({
                    cmd: "publish",
                    topic: name(i + k),
                    payload: "x",
                    qos: 0,
                    retain,
                }),
            );
            await say(Buffer.concat(block));
        }
    };
    const most = await highest(d, async () => {
        await storm(1_000_000, (i) => `storm/${i % 1000}/${i}`, false);
        await storm(150_000, (i) => `kept/${i % 977}/${i}`, true);
        for (let i = 0; i < 12_000; i += 500)
            await say(
                packet.generate({
                    cmd: "subscribe",
                    messageId: 1 + i / 500,
                    subscriptions: Array.from({ length: 500 }, (_, k) => ({
                        topic: `none/+/${i + k}/#`,
                        qos: 0,
                    })),
                }),
            );
        const count = async (name) =>
            Number(
                new RegExp(`^doppel_mqtt_${name} (\\d+)`, "m").exec(
                    (await d.get("/metrics")).text,
                )[1],
            );
        await until(
            "all filters are dealt with",
            async () => (await count("subscriptions")) > 10_000,
            {
                timeout: 30_000,
            },
        );
        assert.equal(await count("subscriptions"), 10_001);
        assert.equal(await count("retained_messages"), 100_000);
    });
    await served();
    told("a storm of topics", before, most);
    assert.ok(most - before < 150, `${(most - before).toFixed(1)} MB`);
});

/* The stream: last values first, then changes; rates, wildcards, slow readers; and the same over MQTT. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { SLOW, shared, until } from "../lib/doppel.mjs";
import { twin } from "../lib/profiles.mjs";
import { connectMqtt, publishMqtt, Stream } from "../lib/streams.mjs";
import { pause } from "../lib/wait.mjs";

const d = shared();
const T0 = 1_700_000_000_000;
const post = (id, body) => d.post(`/api/v1/twins/${id}/readings`, body);

test("the last value of each sensor comes at once, then changes", async (t) => {
    await d.create(twin("s-1", ["a", "b", "silent"]));
    await post("s-1", [
        { timestamp: T0 + 0.25, a: 1 },
        { timestamp: T0 + 1000, a: 2, b: { value: 3, quality: "bad" } },
    ]);
    const s = await Stream.open(t, d);
    const answer = await s.ask({ subscribe: [{ twin: "s-1", sensor: "*" }], id: 1 });
    assert.deepEqual(answer, { subscribed: 1, sensors: 3 });
    await until("the last values", () => s.updates.length >= 2);
    assert.deepEqual(
        s.updates.map(({ at, ...u }) => u).sort((x, y) => (x.sensor < y.sensor ? -1 : 1)),
        [
            { twin: "s-1", sensor: "a", t: T0 + 1000, value: 2, quality: "good" },
            { twin: "s-1", sensor: "b", t: T0 + 1000, value: 3, quality: "bad" },
        ],
    );
    await post("s-1", { timestamp: T0 + 2000.125, a: 4.5, silent: 1 });
    await until("the changes", () => s.updates.length >= 4);
    assert.equal(s.of("s-1", "a").at(-1).value, 4.5);
    assert.equal(s.of("s-1", "a").at(-1).t, T0 + 2000.125);
    assert.equal(s.updates.length, 4, "and nothing else");
});

test("one sensor, one twin or everything", async (t) => {
    await d.create(twin("s-2", ["a", "b"]));
    await d.create(twin("s-3", ["a"]));
    const [one, whole, every] = await Promise.all([0, 1, 2].map(() => Stream.open(t, d)));
    await one.ask({ subscribe: [{ twin: "s-2", sensor: "a" }], id: 1 });
    await whole.ask({ subscribe: [{ twin: "s-2" }], id: 1 });
    await every.ask({ subscribe: [{ twin: "*" }], id: 1 });
    await post("s-2", { timestamp: T0, a: 1, b: 2 });
    await post("s-3", { timestamp: T0, a: 3 });
    await until(
        "all of it",
        () =>
            every.of("s-3", "a").length === 1 &&
            whole.updates.length === 2 &&
            one.updates.length === 1,
    );
    assert.deepEqual(
        one.updates.map((u) => u.value),
        [1],
    );
    assert.equal(every.of("s-2", "a").length + every.of("s-2", "b").length, 2);
    assert.equal(whole.updates.filter((u) => u.twin !== "s-2").length, 0);
});

test("a twin made after the subscription to everything is heard as well", async (t) => {
    const s = await Stream.open(t, d);
    await s.ask({ subscribe: [{ twin: "*" }], id: 1 });
    await d.create(twin("s-late", ["a"]));
    await post("s-late", { a: 1 });
    await until("its value", () => s.of("s-late", "a").length === 1);
});

test("a twin that is subscribed to before it exists is heard once it does", async (t) => {
    const s = await Stream.open(t, d);
    const answer = await s.ask({ subscribe: [{ twin: "s-later", sensor: "a" }], id: 1 });
    assert.deepEqual(answer, { subscribed: 1, sensors: 0 });
    await d.create(twin("s-later", ["a"]));
    await post("s-later", { a: 1 });
    await until("its value", () => s.of("s-later", "a").length === 1);
});

test("whatever way a reading came in, the stream has it", async (t) => {
    await d.create(twin("s-ways", ["a"]));
    const s = await Stream.open(t, d);
    await s.ask({ subscribe: [{ twin: "s-ways" }], id: 1 });
    await post("s-ways", { timestamp: T0, a: 1 });
    await d.publish("twins/s-ways/telemetry", JSON.stringify({ timestamp: T0 + 1, a: 2 }), [
        "-q",
        "1",
    ]);
    await s.ask({ publish: { twin: "s-ways", readings: { timestamp: T0 + 2, a: 3 } }, id: 2 });
    await until("all three", () => s.updates.length === 3);
    assert.deepEqual(
        s.updates.map((u) => u.value),
        [1, 2, 3],
    );
});

test("without a rate every reading comes, in order", async (t) => {
    await d.create(twin("s-every", ["a"]));
    const s = await Stream.open(t, d);
    await s.ask({ subscribe: [{ twin: "s-every" }], id: 1 });
    const client = await connectMqtt(t, d);
    for (let i = 0; i < 50; i++)
        await publishMqtt(
            client,
            "twins/s-every/telemetry",
            Array.from({ length: 20 }, (_, k) => ({ timestamp: T0 + i * 20 + k, a: i * 20 + k })),
        );
    await until("a thousand", () => s.updates.length >= 1000);
    assert.deepEqual(
        s.updates.map((u) => u.value),
        Array.from({ length: 1000 }, (_, i) => i),
    );
});

test("a rate holds for each sensor, and the newest value still comes", async (t) => {
    await d.create(twin("s-rate", ["a", "b"]));
    const s = await Stream.open(t, d);
    await s.ask({ subscribe: [{ twin: "s-rate" }], rate: 5, id: 1 });
    const client = await connectMqtt(t, d);
    const began = performance.now();
    let i = 0;
    while (performance.now() - began < 2000) {
        i++;
        await publishMqtt(client, "twins/s-rate/telemetry", { timestamp: T0 + i, a: i, b: -i });
    }
    await until(
        "the newest of both",
        () => s.of("s-rate", "a").at(-1)?.value === i && s.of("s-rate", "b").at(-1)?.value === -i,
    );
    const seconds = (performance.now() - began) / 1000;
    for (const sensor of ["a", "b"]) {
        const n = s.of("s-rate", sensor).length;
        assert.ok(
            n <= 5 * seconds + 2,
            `${n} updates of ${sensor} in ${seconds.toFixed(1)} s of 5 a second`,
        );
        assert.ok(n >= 4, `only ${n}`);
    }
    assert.ok(i > 20, "the test itself was fast enough to need a limit");
});

test("a reader that is too slow gets the newest value of each sensor, not a growing queue", async (t) => {
    /* without compression, which would make little of the filler */
    await d.create(
        twin("s-slow", { a: { type: "state", unit: "1" }, b: { type: "state", unit: "1" } }),
    );
    const s = await Stream.open(t, d, { perMessageDeflate: false });
    await s.ask({ subscribe: [{ twin: "s-slow" }], id: 1 });
    s.socket.pause(); /* reads nothing from now on */
    const client = await connectMqtt(t, d);
    const filler = "x".repeat(8000);
    const rounds = 3000; /* 48 MB: more than any socket's buffers hold */
    for (let i = 1; i <= rounds; i += 50)
        await Promise.all(
            Array.from({ length: 50 }, (_, k) =>
                publishMqtt(client, "twins/s-slow/telemetry", {
                    timestamp: T0 + i + k,
                    a: `${i + k} ${filler}`,
                    b: `${-i - k} ${filler}`,
                }),
            ),
        );
    const { text } = await d.get("/metrics");
    assert.ok(text.length > 0);
    s.socket.resume();
    const last = (sensor) => Number.parseInt(s.of("s-slow", sensor).at(-1)?.value, 10);
    await until("the newest of both", () => last("a") === rounds && last("b") === -rounds, {
        timeout: 20_000 * SLOW,
    });
    const n = s.updates.length;
    assert.ok(n < 2 * rounds, `all ${n} updates were queued`);
    const values = s.of("s-slow", "a").map((u) => Number.parseInt(u.value, 10));
    for (let i = 1; i < values.length; i++)
        assert.ok(values[i] > values[i - 1], "never older than the one before");
});

test("unsubscribing ends it, by name and altogether", async (t) => {
    await d.create(twin("s-end", ["a", "b"]));
    const s = await Stream.open(t, d);
    await s.ask({
        subscribe: [
            { twin: "s-end", sensor: "a" },
            { twin: "s-end", sensor: "b" },
        ],
        id: 1,
    });
    s.say({ unsubscribe: [{ twin: "s-end", sensor: "a" }] });
    s.say({ publish: { twin: "s-end", readings: { timestamp: T0, a: 1, b: 1 } }, id: 2 });
    await until("b", () => s.of("s-end", "b").length === 1);
    assert.equal(s.of("s-end", "a").length, 0);
    s.say({ unsubscribe: "*" });
    await s.ask({ publish: { twin: "s-end", readings: { timestamp: T0 + 1, a: 2, b: 2 } }, id: 3 });
    await s.ask({ subscribe: [{ twin: "s-end", sensor: "a" }], id: 4 });
    await until("a's last value", () => s.of("s-end", "a").length === 1);
    assert.equal(s.of("s-end", "b").length, 1);
});

test("events tell what happens to twins", async (t) => {
    const s = await Stream.open(t, d);
    s.say({ events: true });
    await s.ask({ subscribe: [], id: 1 }).catch(() => {});
    await d.create(twin("s-event", ["a"]));
    await post("s-event", { a: 1 });
    await d.send(
        "PATCH",
        "/api/v1/twins/s-event",
        { name: "Renamed" },
        "application/merge-patch+json",
    );
    await d.send("DELETE", "/api/v1/twins/s-event");
    const mine = () =>
        s.events
            .filter((e) => e.twin === "s-event")
            .map((e) => (e.state ? `${e.event} ${e.state}` : e.event));
    await until("its end", () => mine().includes("twin-deleted"));
    assert.deepEqual(mine().slice(0, 4), [
        "twin-created",
        "state live",
        "twin-changed",
        "twin-deleted",
    ]);
});

test("a sensor that falls silent turns stale after three intervals", async (t) => {
    await d.create(twin("s-stale", { a: { updateFrequency: 2 } }));
    const s = await Stream.open(t, d);
    s.say({ events: true });
    const state = async () => (await d.get("/api/v1/twins/s-stale/sensors/a")).body.state;
    assert.equal(await state(), "waiting");
    await post("s-stale", { a: 1 });
    assert.equal(await state(), "live");
    await until("stale", async () => (await state()) === "stale", { timeout: 10_000 });
    await until("its event", () =>
        s.events.some((e) => e.twin === "s-stale" && e.state === "stale"),
    );
    await post("s-stale", { a: 1 });
    assert.equal(await state(), "live");
});

for (const [what, message] of [
    ["not JSON", "hello"],
    ["JSON that is no object", "[1,2]"],
    ["an object that asks nothing", '{"hello":1}'],
    ["a subscription that is no list", '{"subscribe":7,"id":5}'],
    ["a rate that makes no sense", '{"subscribe":[{"twin":"s-1"}],"rate":-1,"id":5}'],
])
    test(`an error is told and the connection stays: ${what}`, async (t) => {
        const s = await Stream.open(t, d);
        s.say(message);
        const { error } = await until("an error", () => s.answers.find((a) => a.error));
        assert.ok(error.type && error.title && error.code && error.detail, JSON.stringify(error));
        assert.ok(error.status >= 400);
        const answer = await s.ask({ subscribe: [{ twin: "s-1" }], id: 6 });
        assert.equal(answer.subscribed, 6);
    });

test("MQTT subscribers get the same object, the last value at once as a retained message", async (t) => {
    await d.create(twin("s-mqtt", ["a", "b"]));
    await post("s-mqtt", { timestamp: T0, a: 1, b: 2 });
    const client = await connectMqtt(t, d);
    await client.subscribeAsync("twins/s-mqtt/sensors/a", { qos: 1 });
    const [first] = await until(
        "the retained message",
        () => client.messages.length > 0 && client.messages,
    );
    assert.equal(first.packet.retain, true);
    assert.equal(first.topic, "twins/s-mqtt/sensors/a");
    const expected = { twin: "s-mqtt", sensor: "a", t: T0, value: 1, quality: "good" };
    assert.deepEqual(JSON.parse(first.payload), expected);
    const s = await Stream.open(t, d);
    await s.ask({ subscribe: [{ twin: "s-mqtt", sensor: "a" }], id: 1 });
    await post("s-mqtt", { timestamp: T0 + 1000, a: { value: 7, quality: "uncertain" } });
    await until(
        "the change over both",
        () => client.messages.length === 2 && s.updates.length === 2,
    );
    const { at, ...overStream } = s.updates[1];
    assert.deepEqual(JSON.parse(client.messages[1].payload), overStream);
    assert.equal(client.messages[1].packet.retain, false);
});

for (const version of ["mqttv311", "mqttv5"])
    test(`mosquitto_sub ${version} with wildcards hears readings of every way in`, async () => {
        const id = `s-sub-${version}`;
        await d.create(twin(id, ["a", "b"]));
        await post(id, { timestamp: T0, a: 1, b: 2 });
        const sub = d.mosquitto("mosquitto_sub", [
            "-V",
            version,
            "-q",
            "1",
            "-v",
            "-t",
            `twins/${id}/sensors/+`,
            "-C",
            "4",
            "-W",
            "20",
        ]);
        /* the retained two first; when they were sent cannot be seen from outside, so go on until it has four */
        let done = false;
        sub.then(() => {
            done = true;
        });
        let i = 0;
        while (!done) {
            i++;
            await post(id, { timestamp: T0 + i, a: i });
            await pause(50);
        }
        const r = await sub;
        assert.equal(r.code, 0, r.output);
        const lines = r.stdout.trim().split("\n");
        assert.equal(lines.length, 4);
        for (const line of lines) {
            const [topic, json] = [
                line.slice(0, line.indexOf(" ")),
                line.slice(line.indexOf(" ") + 1),
            ];
            const update = JSON.parse(json);
            assert.equal(topic, `twins/${id}/sensors/${update.sensor}`);
            assert.deepEqual(Object.keys(update), ["twin", "sensor", "t", "value", "quality"]);
        }
    });

test("permessage-deflate is spoken", async (t) => {
    const s = await Stream.open(t, d, { perMessageDeflate: true });
    assert.match(s.socket.extensions, /permessage-deflate/);
    await d.create(twin("s-deflate", ["a"]));
    await s.ask({ subscribe: [{ twin: "s-deflate" }], id: 1 });
    for (let i = 0; i < 100; i++) await post("s-deflate", { timestamp: T0 + i, a: i });
    await until("all", () => s.updates.length === 100);
});

test("a page of another origin may not listen", async (t) => {
    await assert.rejects(Stream.open(t, d, { origin: "http://evil.example" }), /403/);
    await Stream.open(t, d, { origin: d.url });
});

/* The stream where it is pushed: overlaps, changes under way, twins and clients that go, and those
 * who do not read. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { SLOW, shared, start, until } from "../lib/doppel.mjs";
import { twin } from "../lib/profiles.mjs";
import { connectMqtt, publishMqtt, Stream } from "../lib/streams.mjs";
import { pause } from "../lib/wait.mjs";

const d = shared();
const T0 = 1_700_000_000_000;
const post = (id, body) => d.post(`/api/v1/twins/${id}/readings`, body);
const values = (s, id, sensor) => s.of(id, sensor).map((u) => u.value);

test("subscriptions that overlap deliver once, and count each sensor once", async (t) => {
    await d.create(twin("e-over", ["a", "b"]));
    await post("e-over", { timestamp: T0, a: 1, b: 1 });
    const s = await Stream.open(t, d);
    const answer = await s.ask({
        subscribe: [
            { twin: "e-over" },
            { twin: "e-over", sensor: "a" },
            { twin: "e-over", sensor: "a" },
            { twin: "e-over", sensor: "*" },
        ],
    });
    assert.equal(answer.sensors, 2);
    await s.ask({ subscribe: { twin: "*", sensor: "nosuch" } });
    await post("e-over", { timestamp: T0 + 1, a: 2, b: 2 });
    await until("both", () => s.updates.length >= 4);
    await s.ask({ unsubscribe: [{ twin: "e-over" }] }); /* and "a" by its own name goes on */
    await post("e-over", { timestamp: T0 + 2, a: 3, b: 3 });
    await until("the one that is left", () => values(s, "e-over", "a").length >= 3);
    assert.deepEqual(values(s, "e-over", "a"), [1, 2, 3]);
    assert.deepEqual(values(s, "e-over", "b"), [1, 2]);
});

test("who subscribes amid readings gets the last value, then each that follows, once", async (t) => {
    await d.create(twin("e-amid", ["a"]));
    const client = await connectMqtt(t, d);
    const n = 600;
    const sent = (async () => {
        for (let i = 1; i <= n; i += 20)
            await Promise.all(
                Array.from({ length: 20 }, (_, k) =>
                    publishMqtt(client, "twins/e-amid/telemetry", {
                        timestamp: T0 + i + k,
                        a: i + k,
                    }),
                ),
            );
    })();
    const streams = [];
    for (let i = 0; i < 8; i++) {
        const s = await Stream.open(t, d);
        s.say({ subscribe: [{ twin: i % 2 ? "*" : "e-amid", sensor: i % 3 ? "a" : "*" }] });
        streams.push(s);
        await pause(5);
    }
    await sent;
    for (const s of streams) {
        await until("the last", () => values(s, "e-amid", "a").at(-1) === n);
        const got = values(s, "e-amid", "a");
        for (let i = 1; i < got.length; i++)
            assert.equal(got[i], got[i - 1] + 1, "nothing twice, nothing left out");
    }
});

test("a list with a fault in it changes nothing", async (t) => {
    await d.create(twin("e-half", ["a"]));
    const s = await Stream.open(t, d);
    const answer = await s.ask({
        subscribe: [{ twin: "e-half" }, { twin: "e-half", sensor: "no good" }],
    });
    assert.equal(answer.error.code, "invalid");
    await s.ask({ subscribe: [{ twin: "e-none" }] });
    await post("e-half", { timestamp: T0, a: 1 });
    await s.ask({ unsubscribe: "*" });
    assert.equal(s.updates.length, 0);
});

test("all streams together watch so many sensors and no more", async (t) => {
    const own = await start(t, { args: ["--max-watched", "5"] });
    await own.create(twin("w-1", ["a", "b", "c"]));
    await own.create(twin("w-2", ["a", "b", "c"]));
    const one = await Stream.open(t, own);
    const two = await Stream.open(t, own);
    assert.equal((await one.ask({ subscribe: [{ twin: "w-1" }] })).sensors, 3);
    assert.equal((await one.ask({ subscribe: [{ twin: "w-1" }] })).sensors, 3, "once only");
    const refused = await two.ask({ subscribe: [{ twin: "*" }] });
    assert.equal(refused.error.code, "overload", JSON.stringify(refused));
    assert.match(refused.error.detail ?? refused.error.message, /max-watched/);
    assert.equal((await two.ask({ subscribe: [{ twin: "w-2", sensor: "a" }] })).sensors, 1);
    await one.ask({ unsubscribe: "*" });
    assert.equal((await two.ask({ subscribe: [{ twin: "w-2" }] })).sensors, 3);
});

test("10,000 subscriptions are taken, one more is not", async (t) => {
    await d.create(twin("e-many", ["a"]));
    const s = await Stream.open(t, d);
    const list = Array.from({ length: 9999 }, (_, i) => ({ twin: `e-${i}`, sensor: `s-${i}` }));
    list.push({ twin: "e-many", sensor: "a" });
    assert.deepEqual(await s.ask({ subscribe: list, id: "many" }), {
        subscribed: "many",
        sensors: 1,
    });
    assert.equal((await s.ask({ subscribe: [{ twin: "e-x" }] })).error.code, "too-large");
    assert.equal((await s.ask({ subscribe: list })).sensors, 1, "the same again are not more");
    await post("e-many", { timestamp: T0, a: 1 });
    await until("its value", () => values(s, "e-many", "a").at(-1) === 1);
    await s.ask({ unsubscribe: list });
    assert.equal((await s.ask({ subscribe: [{ twin: "e-x" }] })).subscribed !== undefined, true);
});

test("the lowest rate still has the last value at once; asking again changes the rate", async (t) => {
    await d.create(twin("e-low", ["a"]));
    await post("e-low", { timestamp: T0, a: 1 });
    const s = await Stream.open(t, d);
    await s.ask({ subscribe: [{ twin: "e-low" }], rate: 0.00001 });
    await until("the last value", () => s.updates.length === 1);
    await post("e-low", { timestamp: T0 + 1, a: 2 });
    await pause(100);
    assert.equal(s.updates.length, 1);
    await s.ask({ subscribe: [{ twin: "e-low" }] });
    await until("the newest, for it was asked for anew", () => s.updates.length === 2);
    await post("e-low", { timestamp: T0 + 2, a: 3 });
    await post("e-low", { timestamp: T0 + 3, a: 4 });
    await until("every one", () => s.updates.length === 4);
    assert.deepEqual(values(s, "e-low", "a"), [1, 2, 3, 4]);
    assert.equal((await s.ask({ subscribe: [{ twin: "e-low" }], rate: 1e-300 })).error.status, 400);
});

test("a twin may go while its values wait, and come again", async (t) => {
    const s = await Stream.open(t, d);
    await s.ask({ subscribe: [{ twin: "e-again" }, { twin: "*", sensor: "b" }], rate: 2 });
    for (let round = 1; round <= 3; round++) {
        await d.create(twin("e-again", ["a", "b"]));
        for (let i = 0; i < 5; i++) await post("e-again", { a: round * 10 + i, b: i });
        await until("the first at once", () =>
            values(s, "e-again", "a").some((v) => v >= round * 10),
        );
        if (round < 3) assert.equal((await d.send("DELETE", "/api/v1/twins/e-again")).status, 204);
    }
    await until("the newest at last", () => values(s, "e-again", "a").at(-1) === 34);
});

test("a client may go with everything under way", async (t) => {
    await d.create(twin("e-gone", ["a", "b"]));
    for (let round = 0; round < 5; round++) {
        const s = await Stream.open(t, d);
        s.say({ subscribe: [{ twin: "*" }], rate: 3, events: true });
        for (let i = 0; i < 200; i++)
            s.say({ publish: { twin: "e-gone", readings: { a: i, nosuch: 1 } }, id: i });
        await until("it to be under way", () => s.answers.length > 0);
        s.socket.terminate();
    }
    const r = await d.get("/api/v1/status");
    assert.equal(r.status, 200);
    await until(
        "none of them to be left",
        async () => (await d.get("/api/v1/status")).body.connections.stream === 0,
    );
});

test("who does not read its answers is not read from, and gets them all in the end", async (t) => {
    const s = await Stream.open(t, d, { perMessageDeflate: false });
    const n = 200_000; /* answers of 150 bytes: more than kernels hold between us, 4 + 32 MB */
    s.socket.pause();
    for (let i = 0; i < n; i++) s.say({ id: i, filler: "x".repeat(200) });
    await pause(1500 * SLOW);
    const held = s.socket.bufferedAmount;
    assert.ok(held > 1 << 20, `only ${held} bytes are held back`);
    s.socket.resume();
    await until("every answer", () => s.answers.length === n, { timeout: 30_000 * SLOW });
    assert.ok(s.answers.every((a, i) => a.id === i && a.error.code === "invalid"));
});

test("who is too slow for events hears how many it missed", async (t) => {
    await d.create(twin("e-miss", ["a"]));
    const s = await Stream.open(t, d, { perMessageDeflate: false });
    await s.ask({ events: true, subscribe: [] });
    s.socket.pause();
    const bad = Array.from({ length: 1000 }, () => ({ a: "x".repeat(300) }));
    const rounds = 40; /* more than the system's buffers take */
    for (let i = 0; i < rounds; i++)
        assert.equal((await post("e-miss", bad)).body.refused, bad.length);
    s.socket.resume();
    const told = () => s.events.filter((e) => e.event === "rejection").length;
    await until("the end of it", () => s.events.some((e) => e.event === "missed"));
    await until("all accounted for", async () => {
        const missed = s.events.filter((e) => e.event === "missed");
        return told() + missed.reduce((n, e) => n + e.count, 0) === rounds * bad.length;
    });
    s.socket.close();
    await once(s.socket, "close");
});

test("everything is gone through in turns: the answer, each last value once, then what changes", async (t) => {
    const own = await start(t, {});
    const names = Array.from({ length: 1500 }, (_, i) => `s${i}`);
    const values = (v) => Object.fromEntries(names.map((n) => [n, v]));
    const ids = ["w-1", "w-2", "w-3", "w-4"];
    for (const id of ids) {
        await own.create(twin(id, names));
        await own.post(`/api/v1/twins/${id}/readings`, { timestamp: 1000, ...values(1) });
    }
    const s = await Stream.open(t, own);
    s.say({ subscribe: [{ twin: "*" }], id: 1 });
    s.say({ subscribe: [{ twin: "w-1", sensor: "s0" }], id: 2 }); /* waits for the first */
    /* amid the walk, or around it */
    for (let i = 0; i < 8; i++)
        await own.post("/api/v1/twins/w-4/readings", { timestamp: 2000 + i, s7: i });
    const gone = await Stream.open(t, own);
    gone.say({ subscribe: [{ twin: "*" }], id: 1 });
    gone.socket.terminate();
    await until("all", () => s.answers.length === 2 && s.updates.length >= 6001);
    assert.deepEqual(s.answers, [
        { subscribed: 1, sensors: 6000 },
        { subscribed: 2, sensors: 1 },
    ]);
    const keys = s.updates.map((u) => `${u.twin}/${u.sensor}`);
    assert.equal(new Set(keys).size, 6000);
    await until("the newest", () => s.of("w-4", "s7").at(-1).value === 7);
    const course = s.of("w-4", "s7").map((u) => u.t);
    assert.deepEqual(course, [...course].sort());
    assert.equal(s.of("w-1", "s0").length, 2, "asked for twice");

    assert.deepEqual(await s.ask({ unsubscribe: [{ twin: "*" }], id: 3 }), { unsubscribed: 3 });
    const before = s.updates.length;
    await own.post("/api/v1/twins/w-2/readings", { timestamp: 3000, ...values(2) });
    await own.post("/api/v1/twins/w-1/readings", { timestamp: 3000, ...values(3) });
    await until("the one that is wanted by name", () => s.of("w-1", "s0").at(-1).value === 3);
    assert.equal(s.updates.length, before + 1);
});

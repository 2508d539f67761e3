/* The machine's clock is set forwards and backwards under a running server, and between two runs.
 *
 * libfaketime tells the server, and nobody else, another time of day; monotonic time goes on.
 * Nothing may be lost or come twice, readings without a time of their own keep their order, what is
 * live is live, sessions and messages of MQTT end when their seconds have passed, and history does
 * not expire because a clock was wrong for a moment. */

import assert from "node:assert/strict";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import mqtt from "mqtt";
import { Server, temporary, until } from "../lib/doppel.mjs";
import { twin } from "../lib/profiles.mjs";

const LIBRARY = `/usr/lib/${{ x64: "x86_64", arm64: "aarch64" }[process.arch]}-linux-gnu/faketime/libfaketimeMT.so.1`;
const skip = existsSync(LIBRARY) ? false : "libfaketime is not installed";
const HOUR = 3600_000;
const STEPS = ["+400d", "-400d", "+1h", "-10s", "+0"];

/* A server whose clock can be set: clock("+400d") is from the real time. */
async function startWithClock(t, args = []) {
    const data = temporary(t);
    const file = join(temporary(t, "doppel-clock-"), "clock");
    const clock = (offset) => writeFileSync(file, `${offset}\n`);
    clock("+0");
    const env = {
        LD_PRELOAD: LIBRARY,
        FAKETIME_TIMESTAMP_FILE: file,
        FAKETIME_NO_CACHE: "1",
        FAKETIME_DONT_FAKE_MONOTONIC: "1",
    };
    const d = new Server({ data, env, args: ["--flush", "300ms", "--log-level", "warn", ...args] });
    t.after(async () => {
        await d.stop();
        d.judge();
    });
    await d.start();
    return { d, clock };
}

/* What time the server says it is. */
async function serverTime(d) {
    return Date.parse((await d.get("/healthz")).headers.get("date"));
}

const kept = { retentionPeriod: "30d", samplingRate: "1ms" };

async function say(d, readings) {
    const r = await d.post("/api/v1/twins/c/readings", readings);
    assert.equal(r.status, 200, r.text);
    assert.equal(r.body.accepted, readings.length);
}

async function figure(d, name) {
    const { text } = await d.get("/metrics");
    return Number(new RegExp(`^${name} (\\S+)$`, "m").exec(text)[1]);
}

test("a clock that steps loses nothing, doubles nothing, and keeps the order", {
    skip,
    timeout: 120_000,
}, async (t) => {
    const { d, clock } = await startWithClock(t);
    const sensors = { timed: {}, bare: {}, slow: { updateFrequency: 0.01 } };
    await d.create({ ...twin("c", sensors), dataStorage: { historicalData: kept } });
    const began = Date.now() - HOUR;
    const timed = Array.from({ length: 500 }, (_, i) => [began + i * 1000, i]);
    await say(
        d,
        timed.map(([timestamp, value]) => ({ sensor: "timed", value, timestamp })),
    );
    const bare = [];
    const talk = async () => {
        for (let i = 0; i < 20; i++) {
            bare.push(bare.length);
            await say(d, [{ sensor: "bare", value: bare.at(-1) }]);
        }
        await say(d, [{ sensor: "slow", value: bare.length }]);
    };
    const all = async (why) => {
        assert.deepEqual(await d.allHistory("c", "timed"), timed, why);
        const points = await d.allHistory("c", "bare");
        assert.deepEqual(
            points.map(([, v]) => v),
            bare,
            why,
        );
        for (let i = 1; i < points.length; i++) assert.ok(points[i][0] > points[i - 1][0], why);
        assert.equal((await d.get("/api/v1/twins/c/sensors/bare")).body.value, bare.at(-1), why);
    };
    await talk();
    for (const step of STEPS) {
        clock(step);
        const flushes = await figure(d, "doppel_history_flushes_total");
        await talk();
        const { body } = await d.get("/api/v1/twins/c/sensors/slow");
        assert.equal(body.state, "live", step);
        await until("what came is in history", async () => {
            return (await figure(d, "doppel_history_flushes_total")) > flushes;
        });
        await all(step);
    }

    /* the same between two runs */
    for (const step of ["-400d", "+400d", "+0"]) {
        await d.stop();
        clock(step);
        await d.start();
        await all(`restarted, ${step}`);
        await talk();
        await all(`restarted and on, ${step}`);
    }
});

test("history does not expire because the clock is ahead for a moment", {
    skip,
    timeout: 120_000,
}, async (t) => {
    const { d, clock } = await startWithClock(t);
    await d.create({ ...twin("c", ["a"]), dataStorage: { historicalData: kept } });
    const began = Date.now() - HOUR;
    const readings = Array.from({ length: 3000 }, (_, i) => [began + i * 1000, i]);
    await say(
        d,
        readings.map(([timestamp, value]) => ({ sensor: "a", value, timestamp })),
    );
    const visited = async (why) => {
        const rounds = await figure(d, "doppel_history_upkeep_rounds_total");
        await until(
            why,
            async () => (await figure(d, "doppel_history_upkeep_rounds_total")) > rounds,
            {
                timeout: 60_000,
            },
        );
    };
    await until(
        "it is in history",
        async () => (await figure(d, "doppel_history_flushes_total")) > 0,
    );
    clock("+400d");
    assert.ok((await serverTime(d)) > Date.now() + 300 * 24 * HOUR, "the clock is set");
    await visited("everything was visited with a clock that is ahead");
    assert.deepEqual(await d.allHistory("c", "a"), readings);
    await d.restart();
    await until(
        "a round is over",
        async () => (await figure(d, "doppel_history_upkeep_rounds_total")) > 0,
    );
    assert.deepEqual(await d.allHistory("c", "a"), readings);
    clock("+0");
    await d.restart();
    await until(
        "a round is over",
        async () => (await figure(d, "doppel_history_upkeep_rounds_total")) > 0,
    );
    assert.deepEqual(await d.allHistory("c", "a"), readings);
});

/* Connect as this client; answers whether its session was there, and what came of `topic`. */
function connect(d, clientId, sessionExpiryInterval) {
    const client = mqtt.connect(`mqtt://${d.mqtt}`, {
        clientId,
        protocolVersion: 5,
        clean: false,
        reconnectPeriod: 0,
        properties: { sessionExpiryInterval },
    });
    client.heard = [];
    client.on("error", () => {});
    client.on("message", (_, payload) => client.heard.push(String(payload)));
    return new Promise((resolve) => {
        client.once("connect", (ack) => {
            client.present = ack.sessionPresent;
            resolve(client);
        });
    });
}

test("sessions and messages end when their seconds have passed, whatever the clock says", {
    skip,
    timeout: 120_000,
}, async (t) => {
    const { d, clock } = await startWithClock(t);
    const clients = [];
    t.after(() => {
        for (const c of clients) c.end(true);
    });
    const on = async (id, expiry) => {
        const c = await connect(d, id, expiry);
        clients.push(c);
        return c;
    };
    const off = (c) => new Promise((resolve) => c.end(false, {}, resolve));
    const long = await on("long", 3600);
    const brief = await on("brief", 2);
    for (const c of [long, brief]) await c.subscribeAsync("x", { qos: 1 });
    await off(long);
    const sender = await on("sender", 0);
    const send = (text, messageExpiryInterval) =>
        sender.publishAsync("x", text, { qos: 1, properties: { messageExpiryInterval } });
    await send("lasts", 3600);
    await send("ends", 2);
    clock("+400d");
    await off(brief);
    clock("-400d");
    await until("the brief session has ended", async () => {
        const c = await on("brief", 2);
        const { present } = c;
        if (present) {
            await off(c); /* begins its two seconds anew */
            await new Promise((resolve) => setTimeout(resolve, 3000));
        }
        return !present;
    });
    /* the clock ahead again, and a second run with one that is behind */
    clock("+400d");
    let again = await on("long", 3600);
    assert.equal(again.present, true);
    await until("the lasting message came", () => again.heard.includes("lasts"));
    assert.deepEqual(again.heard, ["lasts"]);
    await off(again);
    await send("second", 3600);
    await d.stop();
    clock("-400d");
    await d.start();
    again = await on("long", 3600);
    assert.equal(again.present, true);
    await until("the second message came", () => again.heard.includes("second"));
});

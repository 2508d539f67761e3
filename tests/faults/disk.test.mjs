/* A disk that is full and has room again: whoever sends hears it in the protocol's own word, what was
 * acknowledged is kept, what was refused is not, reading goes on, and nobody has to help. */

import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import mqtt from "mqtt";
import WebSocket from "ws";
import { doppel, start, until } from "../lib/doppel.mjs";
import { Disk, noMounts } from "../lib/mount.mjs";
import { twin } from "../lib/profiles.mjs";

const T0 = 1_700_000_000_000;

const TEXT = { type: "text", unit: "none", currentValue: "x" };
const plain = (n) => n + 0.5;
const long = (n) => `${n}:${"x".repeat(8000)}`; /* fills a disk quickly */

/* Numbered readings; each is acknowledged or refused as a whole message. */
class Ledger {
    constructor(sensor, perMessage, value = plain) {
        this.sensor = sensor;
        this.perMessage = perMessage;
        this.value = value;
        this.next = 0;
        this.acknowledged = [];
        this.refused = 0;
    }

    take() {
        const from = this.next;
        this.next += this.perMessage;
        return Array.from({ length: this.perMessage }, (_, i) => from + i);
    }

    body(numbers) {
        return numbers.map((n) => ({ timestamp: T0 + n, [this.sensor]: this.value(n) }));
    }

    ack(numbers) {
        this.acknowledged.push(...numbers);
    }

    async verify(d) {
        const points = await d.allHistory("disk", this.sensor, undefined, 5000);
        const seen = new Map();
        for (const [t, v] of points) {
            assert.equal(v, this.value(t - T0), `${this.sensor} at ${t}`);
            assert.ok(!seen.has(t), `${this.sensor}: ${t} is there twice`);
            seen.set(t, v);
        }
        for (const n of this.acknowledged)
            assert.ok(seen.has(T0 + n), `${this.sensor}: the acknowledged reading ${n} is missing`);
    }
}

async function postOnce(d, l) {
    const numbers = l.take();
    const r = await d.post("/api/v1/twins/disk/readings", l.body(numbers));
    if (r.status === 200) l.ack(numbers);
    else l.refused++;
    return r;
}

test("a full disk is said, costs nothing that was acknowledged, and is over by itself", {
    skip: noMounts,
}, async (t) => {
    const disk = new Disk(t, 700);
    const data = join(disk.dir, "data");
    mkdirSync(data);
    const d = await start(t, { data });
    await d.create(twin("disk", { http: TEXT, v5: {}, v311: {}, ws: {} }));
    const byHttp = new Ledger("http", 100, long);
    const byV5 = new Ledger("v5", 5);
    const byV311 = new Ledger("v311", 5);
    const byWs = new Ledger("ws", 5);
    const v5 = mqtt.connect(`mqtt://${d.mqtt}`, { protocolVersion: 5, reconnectPeriod: 0 });
    t.after(() => v5.end(true));
    await new Promise((resolve) => v5.on("connect", resolve));
    const socket = new WebSocket(d.ws);
    t.after(() => socket.terminate());
    await new Promise((resolve) => socket.on("open", resolve));
    const answers = new Map();
    socket.on("message", (m) => {
        const a = JSON.parse(m);
        if ("id" in a || "ack" in a) answers.set(a.ack ?? a.id, a);
    });

    const publish = (l) => {
        const numbers = l.take();
        return v5
            .publishAsync("twins/disk/telemetry", JSON.stringify(l.body(numbers)), { qos: 1 })
            .then(() => l.ack(numbers));
    };
    let id = 0;
    const say = async (l) => {
        const numbers = l.take();
        const mine = ++id;
        socket.send(
            JSON.stringify({ id: mine, publish: { twin: "disk", readings: l.body(numbers) } }),
        );
        const a = await until("an answer", () => answers.get(mine));
        if (!a.error) l.ack(numbers);
        return a;
    };
    const publish311 = async (l) => {
        const numbers = l.take();
        const client = mqtt.connect(`mqtt://${d.mqtt}`, { protocolVersion: 4, reconnectPeriod: 0 });
        client.on("error", () => {});
        await new Promise((resolve) => client.on("connect", resolve));
        const closed = new Promise((resolve) => client.on("close", () => resolve("closed")));
        const acked = client
            .publishAsync("twins/disk/telemetry", JSON.stringify(l.body(numbers)), { qos: 1 })
            .then(
                () => "acknowledged",
                () => "closed",
            );
        const outcome = await Promise.race([closed, acked]);
        if (outcome === "acknowledged") l.ack(numbers);
        client.end(true);
        return outcome;
    };

    for (let round = 0; round < 2; round++) {
        /* while there is room everyone is served */
        assert.equal((await postOnce(d, byHttp)).status, 200);
        await publish(byV5);
        assert.equal((await say(byWs)).error, undefined);
        assert.equal(await publish311(byV311), "acknowledged");
        assert.equal((await d.get("/readyz")).status, 200);

        disk.fill();
        const full = await until(
            "a refusal",
            async () => {
                const r = await postOnce(d, byHttp);
                return r.status !== 200 && r;
            },
            { timeout: 120_000, every: 0 },
        );
        assert.equal(full.status, 507, full.text);
        assert.equal(full.body.code, "storage");
        assert.match(full.body.detail, /disk/);
        const refusal = await publish(byV5).then(
            () => null,
            (e) => e,
        );
        assert.equal(refusal?.code, 0x97, String(refusal));
        assert.equal((await say(byWs)).error?.code, "storage");
        assert.equal(await publish311(byV311), "closed", "3.1.1 has no word for it");
        assert.equal((await d.get("/readyz")).status, 503);
        assert.equal((await d.get("/healthz")).status, 200);
        assert.equal((await d.get("/api/v1/twins/disk")).status, 200, "reading goes on");
        await byV5.verify(d);
        const made = await d.post("/api/v1/twins", twin(`another-${round}`, ["a"]));
        assert.ok([201, 507].includes(made.status), made.text);

        disk.empty();
        await until("service again", async () => (await postOnce(d, byHttp)).status === 200, {
            timeout: 30_000,
            every: 100,
        });
        await until("readiness", async () => (await d.get("/readyz")).status === 200, {
            timeout: 30_000,
        });
    }

    for (const l of [byHttp, byV5, byV311, byWs]) await l.verify(d);
    await d.kill();
    await d.start();
    for (const l of [byHttp, byV5, byV311, byWs]) await l.verify(d);
    await d.stop();
    const r = await doppel(["check", data]);
    assert.equal(r.code, 0, r.output);
    t.diagnostic(`${byHttp.acknowledged.length} readings kept, ${byHttp.refused} messages refused`);
});

test("a server that died on a full disk starts on it, shows what it has, and goes on", {
    skip: noMounts,
}, async (t) => {
    const disk = new Disk(t, 700);
    const data = join(disk.dir, "data");
    mkdirSync(data);
    const d = await start(t, { data });
    await d.create(twin("disk", { http: TEXT }));
    const l = new Ledger("http", 100, long);
    for (let i = 0; i < 3; i++) await postOnce(d, l);
    disk.fill();
    await until("a refusal", async () => (await postOnce(d, l)).status === 507, {
        timeout: 120_000,
        every: 0,
    });
    await d.kill();
    disk.fill();
    await d.start();
    await l.verify(d);
    assert.equal((await d.get("/readyz")).status, 503);
    assert.equal((await postOnce(d, l)).status, 507);
    disk.empty();
    await until("service again", async () => (await postOnce(d, l)).status === 200, {
        timeout: 30_000,
        every: 100,
    });
    await l.verify(d);
});

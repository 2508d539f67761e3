/* kill -9 while history is rolled up, expires and is deleted from.
 *
 * One sensor is written to in rising order while ranges behind are deleted: what an answered deletion
 * took out stays away, all else that was acknowledged is there once, and its roll-ups say what its
 * readings say.  Another keeps readings for seconds and roll-ups for good: in every bucket there
 * must be as many as were acknowledged, and at most as many as were sent, whenever they expired. */

import assert from "node:assert/strict";
import http from "node:http";
import { test } from "node:test";
import { doppel, LONG, Server, temporary, until } from "../lib/doppel.mjs";
import { twin } from "../lib/profiles.mjs";
import { pause } from "../lib/wait.mjs";

const ROUNDS = LONG ? 400 : 25;
const BATCH = 50;
const T0 = 1_700_000_000_000;
const SECOND = 1000;

const valueAt = (i) => ((i * 7919) % 1009) / 8;

/* A request over this agent; its status, or 0 when the connection broke. */
function ask(server, agent, method, path, body) {
    return new Promise((resolve) => {
        const text = body === undefined ? "" : JSON.stringify(body);
        const headers = { "content-type": "application/json", "content-length": text.length };
        const request = http.request(server.url + path, { agent, method, headers });
        request.on("response", (r) => {
            r.on("error", () => resolve(0));
            r.on("close", () => resolve(r.complete ? r.statusCode : 0));
            r.resume();
        });
        request.on("error", () => resolve(0));
        request.end(text);
    });
}

/* Readings by number: sent, acknowledged, surely deleted, perhaps deleted. */
class Cut {
    constructor() {
        this.sent = 0;
        this.acknowledged = new Set();
        this.deleted = new Set();
        this.doubtful = new Set();
        this.deletions = 0;
    }

    async write(server, agent) {
        const from = this.sent;
        this.sent += BATCH;
        const list = Array.from({ length: BATCH }, (_, k) => ({
            sensor: "a",
            value: valueAt(from + k),
            timestamp: T0 + from + k,
        }));
        const status = await ask(server, agent, "POST", "/api/v1/twins/cut/readings", list);
        if (status === 200) for (let k = 0; k < BATCH; k++) this.acknowledged.add(from + k);
        return status;
    }

    /* Everything before `settled` was answered, or will never be. */
    async remove(server, agent, settled) {
        const from = Math.floor((settled * ((this.deletions++ * 0.618) % 1)) / 2) * 2;
        const to = Math.min(settled, from + 130);
        const path = `/api/v1/twins/cut/sensors/a/history?from=${T0 + from}&to=${T0 + to}`;
        if (to <= from) return 0; /* nothing yet */
        const status = await ask(server, agent, "DELETE", path);
        for (let i = from; i < to; i++) (status === 200 ? this.deleted : this.doubtful).add(i);
        return status;
    }

    async judge(server) {
        const points = await server.allHistory("cut", "a", "from=0&to=4102444800000", 50_000);
        const seen = new Set();
        const buckets = new Map();
        for (const [t, v] of points) {
            const i = t - T0;
            assert.equal(v, valueAt(i), `number ${i}`);
            assert.ok(i < this.sent && !seen.has(i), `number ${i} once, and sent`);
            assert.ok(!this.deleted.has(i), `number ${i} was deleted`);
            seen.add(i);
            const bucket = Math.floor(t / SECOND) * SECOND;
            buckets.set(bucket, (buckets.get(bucket) ?? 0) + 1);
        }
        for (const i of this.acknowledged)
            if (!this.deleted.has(i) && !this.doubtful.has(i))
                assert.ok(seen.has(i), `number ${i} is gone`);
        const found = await counts(server, "cut", T0, T0 + this.sent + SECOND);
        assert.deepEqual(found, buckets, "roll-ups and readings");
    }
}

/* How many readings there are in each second. */
async function counts(server, id, from, to) {
    const span = `from=${from}&to=${to}&every=1s&fn=count`;
    const points = await server.allHistory(id, "a", span, 50_000);
    return new Map(points.filter(([, n]) => n > 0));
}

/* Readings of now, a microsecond apart at least, counted by the second. */
class Brief {
    constructor() {
        this.last_us = 0;
        this.sent = new Map();
        this.acknowledged = new Map();
    }

    async write(server, agent) {
        const list = [];
        const seconds = [];
        for (let k = 0; k < BATCH; k++) {
            this.last_us = Math.max(this.last_us + 1, Date.now() * 1000);
            seconds.push(Math.floor(this.last_us / 1e6) * SECOND);
            list.push({ sensor: "a", value: 1, timestamp: this.last_us / 1000 });
        }
        const count = (map) => {
            for (const s of seconds) map.set(s, (map.get(s) ?? 0) + 1);
        };
        count(this.sent);
        const status = await ask(server, agent, "POST", "/api/v1/twins/brief/readings", list);
        if (status === 200) count(this.acknowledged);
        return status;
    }

    async judge(server) {
        const found = await counts(
            server,
            "brief",
            this.sent.keys().next().value,
            Date.now() + SECOND,
        );
        for (const [second, n] of this.acknowledged)
            assert.ok((found.get(second) ?? 0) >= n, `${second}: ${found.get(second)} of ${n}`);
        for (const [second, n] of found)
            assert.ok(n <= (this.sent.get(second) ?? 0), `${second}: ${n} are too many`);
    }
}

/* Again and again until the connection breaks. */
async function repeat(what) {
    for (;;) {
        const status = await what();
        if (status === 0) return;
        if (status === 503) await pause(20); /* too much waits for the disk */
        else if (status !== 200) throw new Error(`answered with ${status}`);
    }
}

test(`${ROUNDS} times kill -9 while history is rolled up, expires and is deleted from`, {
    timeout: 3_500_000,
}, async (t) => {
    const data = temporary(t);
    const args = ["--flush", "200ms", "--head-readings", "2000", "--log-level", "warn"];
    const server = new Server({ data, args });
    t.after(() => server.kill());
    const cut = new Cut();
    const brief = new Brief();
    await server.start();
    const keeping = (id, more) =>
        server.create({
            ...twin(id, ["a"]),
            dataStorage: {
                historicalData: { retentionPeriod: "30d", samplingRate: "1s", ...more },
            },
        });
    await keeping("cut", { retentionPeriod: "30y" });
    await keeping("brief", { "doppel:rawRetention": "5s" });
    for (let round = 0; round < ROUNDS; round++) {
        if (round > 0) await server.start();
        const settled = cut.sent; /* of earlier runs */
        const agent = new http.Agent({ keepAlive: true });
        const load = Promise.all([
            repeat(() => cut.write(server, agent)),
            repeat(() => brief.write(server, agent)),
            repeat(() => cut.remove(server, agent, settled)),
        ]);
        await pause(60 + ((round * 137) % 700)); /* another moment each time */
        await server.kill();
        await load;
        agent.destroy();
        server.judge();
        if (round % 8 === 7) {
            await server.start();
            await cut.judge(server);
            await brief.judge(server);
            await server.kill();
        }
    }
    await server.start();
    await until(
        "readings have expired, and roll-ups are there",
        async () => {
            const { text } = await server.get("/metrics");
            const figure = (name) =>
                Number(new RegExp(`^doppel_history_${name} (\\S+)$`, "m").exec(text)[1]);
            return figure("expired_readings_total") > 0 && figure("rolled_up_readings_total") > 0;
        },
        { timeout: 60_000 },
    );
    await cut.judge(server);
    await brief.judge(server);
    await server.stop();
    server.judge();
    const checked = await doppel(["check", data]);
    assert.equal(checked.code, 0, checked.output);
    assert.ok(cut.deleted.size > ROUNDS, `only ${cut.deleted.size} were deleted`);
    console.log(
        `# ${cut.acknowledged.size} readings acknowledged, ${cut.deleted.size} deleted, ` +
            `${[...brief.acknowledged.values()].reduce((a, b) => a + b, 0)} expiring`,
    );
});

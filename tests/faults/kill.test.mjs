/* kill -9, over and over, under load: whatever was acknowledged is there afterwards, once.
 *
 * Writers over MQTT at QoS 1 and 2, HTTP and WebSocket send readings whose time and value are never
 * used twice, and write down what was acknowledged.  The server is killed at a moment that differs
 * from round to round, started again over the same directory, and so on.  In the end the whole
 * history of every sensor is read: each acknowledged reading must be in it with its value, nothing
 * may be there twice, and nothing that was never sent.  What was sent and not acknowledged may be
 * there or not.  A second start of the finished directory must show the same. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import http from "node:http";
import { test } from "node:test";
import mqtt from "mqtt";
import WebSocket from "ws";
import { LONG, Server, temporary } from "../lib/doppel.mjs";
import { twin } from "../lib/profiles.mjs";
import { pause } from "../lib/wait.mjs";

const ROUNDS = LONG ? 1000 : 110;
const T0 = 1_700_000_000_000;
const PER_MESSAGE = 5;

/* What each sensor was sent and what was acknowledged; times are unique within a sensor. */
class Ledger {
    constructor(sensor) {
        this.sensor = sensor;
        this.sent = 0;
        this.acknowledged = new Set();
    }

    /* Readings number from .. from + n - 1 of this sensor. */
    take(n) {
        const from = this.sent;
        this.sent += n;
        return { from, n };
    }

    ack({ from, n }) {
        for (let i = from; i < from + n; i++) this.acknowledged.add(i);
    }
}

/* The value is a function of the number that no other reading has: a mix-up would be seen. */
const valueAt = (i) => ((i * 7919) % 1_000_003) + i / 8;
const readings = (sensor, { from, n }) =>
    Array.from({ length: n }, (_, k) => ({
        sensor,
        value: valueAt(from + k),
        timestamp: T0 + from + k,
    }));
const telemetry = (sensor, { from, n }) =>
    Array.from({ length: n }, (_, k) => ({
        timestamp: T0 + from + k,
        [sensor]: valueAt(from + k),
    }));

function mqttWriter(server, ledger, qos) {
    const client = mqtt.connect(`mqtt://${server.mqtt}`, {
        protocolVersion: qos === 2 ? 5 : 4,
        reconnectPeriod: 0,
    });
    let open = true;
    const send = () => {
        if (!open) return;
        const part = ledger.take(PER_MESSAGE);
        client.publish(
            "twins/killed/telemetry",
            JSON.stringify(telemetry(ledger.sensor, part)),
            { qos },
            (error) => {
                if (error) return;
                ledger.ack(part);
                send();
            },
        );
    };
    client.on("error", () => {});
    client.on("connect", () => {
        for (let i = 0; i < 8; i++) send(); /* several under way at once */
    });
    return () => {
        open = false;
        client.end(true);
    };
}

function httpWriter(server, ledger) {
    const agent = new http.Agent({ keepAlive: true });
    let open = true;
    const send = () => {
        if (!open) return;
        const part = ledger.take(PER_MESSAGE);
        const body = JSON.stringify(readings(ledger.sensor, part));
        const request = http.request(`${server.url}/api/v1/twins/killed/readings`, {
            agent,
            method: "POST",
            headers: {
                "content-type": "application/json",
                "content-length": Buffer.byteLength(body),
            },
        });
        request.on("response", (r) => {
            let text = "";
            r.on("data", (x) => {
                text += x;
            });
            r.on("error", () => {});
            r.on("end", () => {
                if (r.statusCode === 200 && r.complete && JSON.parse(text).accepted === part.n)
                    ledger.ack(part);
                send();
            });
        });
        request.on("error", () => {});
        request.end(body);
    };
    for (let i = 0; i < 4; i++) send();
    return () => {
        open = false;
        agent.destroy();
    };
}

function streamWriter(server, ledger) {
    const socket = new WebSocket(server.ws);
    const under = new Map();
    let id = 0;
    const send = () => {
        const part = ledger.take(PER_MESSAGE);
        under.set(++id, part);
        socket.send(
            JSON.stringify({
                publish: { twin: "killed", readings: readings(ledger.sensor, part) },
                id,
            }),
        );
    };
    socket.on("error", () => {});
    socket.on("open", () => {
        for (let i = 0; i < 8; i++) send();
    });
    socket.on("message", (data) => {
        const m = JSON.parse(data);
        if (m.accepted !== PER_MESSAGE || !under.has(m.ack)) return;
        ledger.ack(under.get(m.ack));
        under.delete(m.ack);
        if (socket.readyState === WebSocket.OPEN) send();
    });
    return () => socket.terminate();
}

/* Every acknowledged reading, once, with its value; nothing that was never sent. */
async function compare(server, ledgers) {
    let kept = 0;
    const digest = createHash("sha256");
    for (const ledger of ledgers) {
        const points = await server.allHistory(
            "killed",
            ledger.sensor,
            "from=0&to=4102444800000",
            50_000,
        );
        const seen = new Set();
        for (const [t, v] of points) {
            const i = t - T0;
            assert.ok(
                Number.isInteger(i) && i >= 0 && i < ledger.sent,
                `${ledger.sensor} has a reading of ${t} that was never sent`,
            );
            assert.equal(v, valueAt(i), `${ledger.sensor} number ${i}`);
            assert.ok(!seen.has(i), `${ledger.sensor} number ${i} is there twice`);
            seen.add(i);
            digest.update(`${ledger.sensor} ${t} ${v}\n`);
        }
        const missing = [...ledger.acknowledged].filter((i) => !seen.has(i));
        assert.deepEqual(
            missing.slice(0, 10),
            [],
            `${missing.length} acknowledged readings of ${ledger.sensor} are gone`,
        );
        kept += points.length;
    }
    return { kept, digest: digest.digest("hex") };
}

test(`${ROUNDS} times kill -9 under load`, { timeout: 3_500_000 }, async (t) => {
    /* flushed often, so that many kills fall into one; few readings in memory for the same reason */
    const args = ["--flush", "300ms", "--head-readings", "2000", "--log-level", "warn"];
    const server = new Server({ data: temporary(t), args });
    t.after(() => server.kill());
    const ledgers = ["mqtt1", "mqtt2", "http", "stream"].map((s) => new Ledger(s));
    const began = performance.now();
    await server.start();
    await server.create(
        twin(
            "killed",
            ledgers.map((l) => l.sensor),
        ),
    );
    let slowest = 0;
    for (let round = 0; round < ROUNDS; round++) {
        if (round > 0) await server.start();
        slowest = Math.max(slowest, server.startedMs);
        const stops = [
            mqttWriter(server, ledgers[0], 1),
            mqttWriter(server, ledgers[1], 2),
            httpWriter(server, ledgers[2]),
            streamWriter(server, ledgers[3]),
        ];
        await pause(
            20 + ((round * 37) % 450),
        ); /* another moment each time: this is no wait for a result */
        await server.kill();
        for (const stop of stops) stop();
        server.judge();
        /* between, a look while the next rounds are still to come */
        if (round % 25 === 24) {
            await server.start();
            await compare(server, ledgers);
            await server.kill();
        }
    }
    await server.start();
    const first = await compare(server, ledgers);
    const total = ledgers.reduce((n, l) => n + l.acknowledged.size, 0);
    for (const l of ledgers)
        assert.ok(
            l.acknowledged.size > ROUNDS * PER_MESSAGE,
            `${l.sensor}: only ${l.acknowledged.size} acknowledged`,
        );
    await server.stop();
    await server.start();
    assert.deepEqual(await compare(server, ledgers), first, "the same after a clean restart");
    await server.stop();
    server.judge();
    console.log(
        `# ${ROUNDS} kills, ${total} readings acknowledged and ${first.kept} kept in ` +
            `${((performance.now() - began) / 1000).toFixed(0)} s; the slowest start took ${slowest.toFixed(0)} ms`,
    );
});

test("twins made, changed and deleted before kill -9 are as the answers said", {
    timeout: 300_000,
}, async (t) => {
    const server = new Server({ data: temporary(t) });
    t.after(() => server.kill());
    const truth = new Map();
    for (let round = 0; round < 20; round++) {
        await server.start();
        for (const [id, name] of truth) {
            const r = await server.get(`/api/v1/twins/${id}`);
            assert.equal(r.status, name === null ? 404 : 200, id);
            if (name !== null) assert.equal(r.body.name, name);
        }
        const id = `t-${round}`;
        await server.create({ ...twin(id, ["a"]), name: `made in ${round}` });
        truth.set(id, `made in ${round}`);
        if (round > 0) {
            const before = `t-${round - 1}`;
            const r = await server.send(
                "PATCH",
                `/api/v1/twins/${before}`,
                { name: `changed in ${round}` },
                "application/merge-patch+json",
            );
            assert.equal(r.status, 200, r.text);
            truth.set(before, `changed in ${round}`);
        }
        if (round % 3 === 2) {
            assert.equal((await server.send("DELETE", `/api/v1/twins/t-${round - 2}`)).status, 204);
            truth.set(`t-${round - 2}`, null);
        }
        await server.kill();
    }
});

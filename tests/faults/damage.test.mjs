/* Bytes that change by themselves, and files that end too early, in a stopped data directory.
 *
 * Of each file one byte is flipped, or the file is cut there, then the server is started over it and
 * everything is read.  It starts, or refuses with a sentence that names the file; it never crashes
 * or hangs.  What is served is what was sent: no reading has another value, whatever the damage.
 * What is missing is told: by `doppel check`, and by the log or the answer.  The rest is served. */

import assert from "node:assert/strict";
import { cpSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import mqtt from "mqtt";
import { doppel, LONG, Server, temporary, until } from "../lib/doppel.mjs";
import { twin } from "../lib/profiles.mjs";
import { within } from "../lib/wait.mjs";

const FLIPS = LONG ? 1500 : 8; /* of each file */
const CUTS = LONG ? 200 : 2;
const T0 = Date.now() - 3 * 3600_000;
const TWINS = ["one", "two", "three"];
const FLUSHED = 3000;
const BATCH = 20;
const MESSAGES = 30;
const WAITING = 600; /* still in the journal */

const valueAt = (i) => ((i * 7919) % 1009) / 8;
const timeAt = (i) => T0 + i * 1000;
const readings = (from, to) =>
    Array.from({ length: to - from }, (_, k) => ({
        sensor: "a",
        value: valueAt(from + k),
        timestamp: timeAt(from + k),
    }));

/* A directory with something in every file, as a kill leaves it. */
async function fill(t, data) {
    const d = new Server({ data, args: ["--flush", "300ms"] });
    t.after(() => d.kill());
    await d.start();
    for (const id of TWINS) {
        const kept = { retentionPeriod: "30d", samplingRate: "1m" };
        await d.create({ ...twin(id, ["a"]), dataStorage: { historicalData: kept } });
        const r = await d.post(`/api/v1/twins/${id}/readings`, readings(0, FLUSHED));
        assert.equal(r.body.accepted, FLUSHED);
    }
    for (let i = 0; i < 40; i++) await d.create(twin(`other-${i}`, ["a", "b"]));
    await until(
        "it is in history, and rolled up",
        async () => {
            const { text } = await d.get("/metrics");
            const figure = (name) =>
                Number(new RegExp(`^doppel_history_${name} (\\S+)$`, "m").exec(text)[1]);
            return figure("flushes_total") > 0 && figure("rollup_bytes") > 0;
        },
        { timeout: 60_000 },
    );
    await d.stop();
    const waits = new Server({ data, args: ["--flush", "1h"] });
    t.after(() => waits.kill());
    await waits.start();
    for (let at = FLUSHED; at < FLUSHED + WAITING; at += BATCH)
        for (const id of TWINS)
            await waits.post(`/api/v1/twins/${id}/readings`, readings(at, at + BATCH));
    for (let i = 0; i < MESSAGES; i++)
        await waits.publish(`kept/${i}`, `message ${i}`, ["-r", "-q", "1"]);
    await waits.kill();
}

/* Where bytes are that say something: pages and segments are mostly zeroes. */
function places(file, flips, cuts) {
    const there = [];
    for (const [at, byte] of readFileSync(file).entries()) if (byte) there.push(at);
    /* all over the file, at no fixed distance: what is in it has one */
    const spread = (count, cut) =>
        Array.from({ length: Math.min(count, there.length) }, (_, i) => {
            const at = ((i + ((i * 0.618 + 0.3) % 1)) * there.length) / count;
            return [there[Math.floor(at) % there.length], cut];
        });
    return [...spread(flips, false), ...spread(cuts, true)];
}

const files = (data) =>
    ["history.db", "catalog.db", "journal", "mqtt"].flatMap((name) =>
        name.endsWith(".db")
            ? [name]
            : readdirSync(join(data, name))
                  .filter((f) => f.startsWith("journal-"))
                  .map((f) => join(name, f)),
    );

/* What is retained under kept/, as topics and texts. */
async function retained(server) {
    const client = mqtt.connect(`mqtt://${server.mqtt}`, { reconnectPeriod: 0 });
    const heard = new Map();
    const end = new Promise((resolve, reject) => {
        client.on("error", reject);
        client.on("close", () => reject(new Error("the broker closed the connection")));
        client.on("message", (topic, payload) =>
            topic === "end" ? resolve() : heard.set(topic, String(payload)),
        );
    });
    await client.subscribeAsync(["kept/#", "end"], { qos: 1 });
    client.publish("end", "", { qos: 1 });
    await within("what is retained came", end);
    client.removeAllListeners("close");
    client.end(true);
    return heard;
}

/* What a server over this directory gives: {started, missing, told}. */
async function look(t, data) {
    const checked = await doppel(["check", data]);
    assert.ok([0, 1, 6].includes(checked.code), `doppel check: ${checked.code}\n${checked.output}`);
    const server = new Server({ data, args: ["--flush", "1h", "--log-level", "warn"] });
    t.after(() => server.kill());
    try {
        await server.start();
    } catch {
        assert.ok(server.exit && server.exit.signal === null, `it ended by itself: ${server.log}`);
        assert.match(server.log, /cannot be opened/);
        assert.notEqual(checked.code, 0, `doppel check: ${checked.output}`);
        return { started: false, log: server.log, checked };
    }
    let missing = 0;
    let damaged = false;
    for (const id of TWINS) {
        const r = await server.get(`/api/v1/twins/${id}/sensors/a/history?from=0&limit=100000`);
        if (r.status === 404) {
            missing += FLUSHED + WAITING;
            continue;
        }
        damaged ||= r.body.damaged === true || r.body.code === "corrupt";
        if (r.body.code === "corrupt") {
            assert.equal(r.status, 500);
            missing += FLUSHED + WAITING;
            continue;
        }
        assert.equal(r.status, 200, r.text);
        for (const [time, value] of r.body.points) {
            const i = (time - T0) / 1000;
            assert.ok(
                Number.isInteger(i) && i >= 0 && i < FLUSHED + WAITING,
                `never sent: ${time}`,
            );
            assert.equal(value, valueAt(i), `number ${i}`);
        }
        assert.equal(new Set(r.body.points.map(([time]) => time)).size, r.body.points.length);
        missing += FLUSHED + WAITING - r.body.points.length;
    }
    const kept = await retained(server);
    for (const [topic, text] of kept)
        assert.equal(
            `kept/${text.replace("message ", "")}`,
            topic,
            "a retained message of another",
        );
    missing += MESSAGES - kept.size;
    const made = await server.post("/api/v1/twins/one/readings", readings(0, 1));
    assert.ok([200, 404].includes(made.status), made.text);
    await server.kill();
    server.judge();
    return { started: true, missing, damaged, log: server.log, checked };
}

function spoil(file, at, cut) {
    if (cut) return truncateSync(file, at);
    const bytes = readFileSync(file);
    bytes[at] ^= 1 << ((at * 5) % 8);
    writeFileSync(file, bytes);
}

test("damage is told, what is damaged is left out, and the rest is served", {
    timeout: 3_500_000,
}, async (t) => {
    const whole = temporary(t);
    await fill(t, whole);
    const data = join(temporary(t), "data");
    let [refused, told, places_n] = [0, 0, 0];
    for (const name of files(whole)) {
        const newest =
            name === files(whole).findLast((f) => f.split("/")[0] === name.split("/")[0]);
        for (const [at, cut] of places(join(whole, name), FLIPS, CUTS)) {
            rmSync(data, { recursive: true, force: true });
            cpSync(whole, data, { recursive: true });
            spoil(join(data, name), at, cut);
            const r = await look(t, data);
            const where = `${name}, ${cut ? "cut at" : "flipped"} byte ${at}`;
            places_n++;
            if (!r.started) refused++;
            if (!r.missing) continue;
            /* Behind the end of the newest segment there may as well have been nothing, and what is
             * last in it may have been on its way. */
            if (name.includes("/") && newest && cut) continue;
            if (/being written/.test(r.checked.output) && r.missing <= BATCH) continue;
            told++;
            assert.notEqual(r.checked.code, 0, `${where}: doppel check: ${r.checked.output}`);
            assert.ok(r.damaged || /damaged|corrupt/.test(r.log), `${where}: ${r.log}`);
        }
    }
    console.log(
        `# ${places_n} places: ${refused} starts refused, ${told} times something was missing`,
    );
});

#!/usr/bin/env node
/* peers.mjs - Doppel beside what people run today, on one machine in one run.
 *
 *   node bench/peers.mjs [--rounds 5] [--seconds 5] [--points 2000000] [--data ../shared/data]
 *                        [--only PART,...] [--markdown FILE]
 *
 * Parts: mqtt1, mqtt20, write, size, year.  Every round runs each contender once, one after the
 * other, on a fresh directory (year: all have the data, and every round asks each five times in
 * turn); printed are medians and ratios.  The peers are Debian's: mosquitto,
 * influxdb (1.6), postgresql-15, and SQLite as a library.  They get what favours them (see the
 * configurations below); what none of them does is wait for the disk before a PUBACK.
 *
 * Needs: ninja -C build/release doppel peers; apt-get install mosquitto influxdb postgresql-15
 * libpq-dev.  Everything listens on loopback, in a temporary folder, and ends with this program. */

import { spawn, spawnSync } from "node:child_process";
import {
    chmodSync,
    existsSync,
    mkdirSync,
    mkdtempSync,
    readdirSync,
    readFileSync,
    rmSync,
    statSync,
    writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { cpus, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..");
const { values: opt } = parseArgs({
    options: {
        rounds: { type: "string", default: "5" },
        seconds: { type: "string", default: "5" },
        points: { type: "string", default: "2000000" },
        data: { type: "string", default: join(ROOT, "../shared/data") },
        only: { type: "string", default: "mqtt1,mqtt20,write,size,year" },
        markdown: { type: "string" },
    },
});
const ROUNDS = Number(opt.rounds);
const POINTS = Number(opt.points);
const build = (name) => join(ROOT, "build/release", name);
const peer = (name) => build(`bench/peer_${name}`);
const work = mkdtempSync(join(tmpdir(), "doppel-peers-"));
chmodSync(work, 0o755);

/* ---- processes ---- */

const running = new Set();

function start(program, args, options = {}) {
    const child = spawn(program, args, {
        stdio: ["pipe", "pipe", "pipe"],
        ...options,
    });
    child.log = "";
    for (const stream of [child.stdout, child.stderr])
        stream.on("data", (d) => {
            child.log = (child.log + d).slice(-20000);
        });
    child.ended = new Promise((resolve) => child.on("exit", resolve));
    running.add(child);
    child.ended.then(() => running.delete(child));
    return child;
}

async function stop(child, signal = "SIGTERM") {
    child.kill(signal);
    await child.ended;
}

for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(1));
process.on("exit", () => {
    for (const child of running) child.kill("SIGKILL");
    rmSync(work, { recursive: true, force: true });
});

const pause = (ms) => new Promise((r) => setTimeout(r, ms));

async function until(what, fn, seconds = 60) {
    for (const end = Date.now() + seconds * 1000; Date.now() < end; await pause(50)) {
        const found = await (async () => fn())().catch(() => undefined);
        if (found) return found;
    }
    throw new Error(`after ${seconds} s still not: ${what}`);
}

function freePort() {
    return new Promise((resolve) => {
        const s = createServer().listen(0, "127.0.0.1", () => {
            const { port } = s.address();
            s.close(() => resolve(port));
        });
    });
}

/* Runs a program to its end; its last line is JSON. */
async function figure(program, args) {
    const child = start(program, args);
    const code = await child.ended;
    if (code) throw new Error(`${program} ended with ${code}: ${child.log}`);
    return JSON.parse(child.log.trim().split("\n").at(-1));
}

function bytesOf(path) {
    if (!existsSync(path)) return 0;
    const s = statSync(path);
    if (!s.isDirectory()) return s.blocks * 512;
    return readdirSync(path).reduce((sum, name) => sum + bytesOf(join(path, name)), 0);
}

let serial = 0;
const fresh = (name) => {
    const dir = join(work, `${name}-${serial++}`);
    mkdirSync(dir);
    return dir;
};

/* ---- the contenders ---- */

async function doppel(extra = []) {
    const dir = fresh("doppel");
    const args = [
        "serve",
        "--access",
        "open",
        "--no-demo",
        "--data",
        dir,
        "--http",
        "127.0.0.1:0",
        "--mqtt",
        "127.0.0.1:0",
    ];
    const child = start(build("doppel"), [...args, ...extra]);
    const [, http, mqtt] = await until("doppel listens", () =>
        /listening http=\S+:(\d+) mqtt=\S+:(\d+)/.exec(child.log),
    );
    const url = `http://127.0.0.1:${http}`;
    return { child, dir, http, mqtt, url };
}

const profile = (id, sensors) => ({
    "@context": { "@vocab": "https://schema.org/", mvmd: "https://mvmd.org/v1/" },
    "@type": "DigitalDocument",
    name: id,
    description: "bench",
    identifier: { "@type": "PropertyValue", propertyID: "MVMD-ID", value: id },
    subjectOf: { "@type": "Thing", name: "Machine" },
    sensors: sensors.map((s) => ({
        id: s,
        name: s,
        type: "measurement",
        unit: "none",
        updateFrequency: 1,
    })),
});

async function makeTwins(d, n, sensors, more = {}) {
    for (let i = 0; i < n; i++) {
        const r = await fetch(`${d.url}/api/v1/twins`, {
            method: "POST",
            headers: { "content-type": "application/json" },
            body: JSON.stringify({ ...profile(`bench-${i}`, sensors), ...more }),
        });
        if (r.status !== 201) throw new Error(`a twin was refused: ${await r.text()}`);
    }
}

const range = (n) => Array.from({ length: n }, (_, i) => i);

async function mosquitto(persistence) {
    const dir = fresh("mosquitto");
    const port = await freePort();
    /* nothing dropped, nothing held back: the defaults drop behind 1,000 messages */
    const config = [
        `listener ${port} 127.0.0.1`,
        "allow_anonymous true",
        "max_queued_messages 0",
        "max_inflight_messages 0",
        "log_type error",
        `persistence ${persistence}`,
        ...(persistence ? [`persistence_location ${dir}/`] : []),
        ...(process.getuid() === 0 ? ["user root"] : []),
    ];
    writeFileSync(join(dir, "mosquitto.conf"), `${config.join("\n")}\n`);
    const child = start("/usr/sbin/mosquitto", ["-c", join(dir, "mosquitto.conf")]);
    await until("mosquitto listens", () =>
        figureOk("mosquitto_pub", ["-p", port, "-t", "a", "-m", "b"]),
    );
    return { child, port, dir };
}

const figureOk = (program, args) => spawnSync(program, args.map(String)).status === 0;

async function influx(config = "") {
    const dir = fresh("influx");
    const [port, rpc] = [await freePort(), await freePort()];
    writeFileSync(
        join(dir, "influxdb.conf"),
        `reporting-disabled = true
bind-address = "127.0.0.1:${rpc}"
[meta]
  dir = "${dir}/meta"
[data]
  dir = "${dir}/data"
  wal-dir = "${dir}/wal"
  max-series-per-database = 0
  max-values-per-tag = 0
  query-log-enabled = false
  ${config}
[http]
  bind-address = "127.0.0.1:${port}"
  log-enabled = false
[monitor]
  store-enabled = false
[logging]
  level = "error"
`,
    );
    const child = start("/usr/bin/influxd", ["-config", join(dir, "influxdb.conf")]);
    const url = `http://127.0.0.1:${port}`;
    await until("influxdb listens", async () => (await fetch(`${url}/ping`)).status === 204);
    await fetch(`${url}/query?q=CREATE+DATABASE+bench`, { method: "POST" });
    return { child, dir, port, url };
}

async function postgres() {
    const dir = fresh("postgres");
    const port = await freePort();
    const bin = "/usr/lib/postgresql/15/bin";
    const as =
        process.getuid() === 0
            ? ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
            : [];
    const sh = (args) => {
        const r = spawnSync([...as, ...args][0], [...as, ...args].slice(1), {
            cwd: dir,
            encoding: "utf8",
        });
        if (r.status) throw new Error(`${args.join(" ")}: ${r.stderr}`);
    };
    if (as.length) spawnSync("chown", ["postgres:postgres", dir]);
    sh([
        `${bin}/initdb`,
        "-D",
        `${dir}/db`,
        "-A",
        "trust",
        "-U",
        "postgres",
        "--locale=C",
        "-E",
        "UTF8",
    ]);
    const args = [
        `${bin}/postgres`,
        "-D",
        `${dir}/db`,
        "-p",
        port,
        "-k",
        dir,
        "-c",
        "listen_addresses=127.0.0.1",
        "-c",
        "shared_buffers=2GB",
        "-c",
        "max_wal_size=8GB",
        "-c",
        "checkpoint_timeout=30min",
        "-c",
        "TimeZone=UTC",
    ];
    const [program, ...rest] = [...as, ...args].map(String);
    const child = start(program, rest, { cwd: dir });
    const conninfo = `host=127.0.0.1 port=${port} user=postgres dbname=postgres`;
    const sql = (text) => {
        const r = spawnSync("psql", [conninfo, "-XqAtc", text], {
            encoding: "utf8",
        });
        if (r.status) throw new Error(r.stderr);
        return r.stdout.trim();
    };
    await until("PostgreSQL listens", () => sql("SELECT 1") === "1");
    return { child, dir, conninfo, sql };
}

/* ---- the parts ---- */

const load = (port, readings) =>
    figure(
        peer("mqtt"),
        ["--port", port, "--readings", readings, "--seconds", opt.seconds, "--data", opt.data].map(
            String,
        ),
    );

const rate = (f) => f.readings / f.seconds;

function mqttPart(readings) {
    const sensors = range(Math.max(10, readings)).map((i) => `s${i}`);
    return {
        async doppel() {
            const d = await doppel();
            await makeTwins(d, 100, sensors);
            const f = await load(d.mqtt, readings);
            await stop(d.child);
            return { "readings/s": rate(f), "ack p99 ms": f.p99_ms };
        },
        async "mosquitto → InfluxDB"() {
            const [m, i] = [await mosquitto(true), await influx()];
            const bridge = start(
                peer("bridge"),
                ["--mqtt", m.port, "--influx", i.port].map(String),
            );
            await until("the bridge listens", () => bridge.log.includes("ready"));
            const f = await load(m.port, readings);
            bridge.stdin.end();
            await bridge.ended;
            const stored = JSON.parse(bridge.log.trim().split("\n").at(-1));
            for (const x of [m, i]) await stop(x.child);
            if (stored.readings !== f.readings)
                console.log(`  (${f.readings} acknowledged, ${stored.readings} stored)`);
            return { "readings/s": rate(stored), "ack p99 ms": f.p99_ms };
        },
        async "mosquitto alone, in memory"() {
            const m = await mosquitto(false);
            const f = await load(m.port, readings);
            await stop(m.child);
            return { "readings/s": rate(f), "ack p99 ms": f.p99_ms };
        },
    };
}

const common = () => ["--points", POINTS, "--data", opt.data].map(String);

async function settledInflux() {
    return influx(
        'cache-snapshot-write-cold-duration = "1s"\n  compact-full-write-cold-duration = "1s"',
    );
}

/* Lines of the load are mN,twin=bench-M value=V; this is how they are named in Doppel. */
const LINE_FLAGS = (process.env.DOPPEL_LINE_FLAGS ?? "").split(" ").filter(Boolean);

async function writtenDoppel(more = {}) {
    const d = await doppel(LINE_FLAGS);
    await makeTwins(
        d,
        74,
        range(10).map((i) => `m${i}`),
        more,
    );
    const f = await figure(peer("write"), [
        "--port",
        d.http,
        "--path",
        "/write?db=bench",
        ...common(),
    ]);
    return { ...d, f };
}

async function writtenInflux(server) {
    const f = await figure(peer("write"), [
        "--port",
        String(server.port),
        "--path",
        "/write?db=bench",
        ...common(),
    ]);
    return { ...server, f };
}

const writePart = {
    async doppel() {
        const d = await writtenDoppel();
        await stop(d.child);
        return { "points/s": rate(d.f) };
    },
    async InfluxDB() {
        const i = await writtenInflux(await influx());
        await stop(i.child);
        return { "points/s": rate(i.f) };
    },
    async "PostgreSQL COPY"() {
        const p = await postgres();
        const f = await figure(peer("copy"), ["--conninfo", p.conninfo, ...common()]);
        await stop(p.child, "SIGINT");
        return { "points/s": rate(f) };
    },
    async SQLite() {
        const f = await figure(peer("sqlite"), [
            "--file",
            join(fresh("sqlite"), "db"),
            ...common(),
        ]);
        return { "points/s": rate(f) };
    },
};

/* Everything in history, and roll-ups made of it; then the file alone. */
async function doppelSize(level, compacted) {
    const d = await writtenDoppel({
        dataStorage: { historicalData: { compressionLevel: level } },
    });
    let before = -1;
    await until(
        "everything is written and rolled up",
        async () => {
            const status = await (await fetch(`${d.url}/api/v1/status`)).json();
            const done = !status.readings.inMemory && status.storage.rolledUp === before;
            before = status.storage.rolledUp;
            await pause(3000);
            return done && before > 0;
        },
        300,
    );
    await stop(d.child);
    if (compacted) {
        const c = spawnSync(build("doppel"), ["compact", "--data", d.dir], {
            encoding: "utf8",
        });
        if (c.status) throw new Error(`doppel compact: ${c.stderr}`);
    }
    const bytes = bytesOf(join(d.dir, "history.db")) + bytesOf(join(d.dir, "history.db-wal"));
    return { "bytes/point": bytes / POINTS };
}

/* What is left on disk when everything has settled, logs that are let go of not counted. */
const sizePart = {
    doppel: () => doppelSize("high", false) /* what a profile says when it is filled in */,
    "doppel, after doppel compact": () => doppelSize("high", true),
    "doppel, level medium, after doppel compact": () => doppelSize("medium", true),
    async InfluxDB() {
        const i = await writtenInflux(await settledInflux());
        let before = -1;
        await until(
            "its compactions have ended",
            async () => {
                const now = bytesOf(join(i.dir, "data"));
                const done = now === before && now > 0 && bytesOf(join(i.dir, "wal")) < 1 << 20;
                before = now;
                await pause(4000);
                return done;
            },
            300,
        );
        await stop(i.child);
        return { "bytes/point": bytesOf(join(i.dir, "data")) / POINTS };
    },
    async PostgreSQL() {
        const p = await postgres();
        await figure(peer("copy"), ["--conninfo", p.conninfo, ...common()]);
        p.sql("VACUUM FULL sample");
        const bytes = Number(p.sql("SELECT pg_total_relation_size('sample')"));
        await stop(p.child, "SIGINT");
        return { "bytes/point": bytes / POINTS };
    },
    async SQLite() {
        const file = join(fresh("sqlite"), "db");
        await figure(peer("sqlite"), ["--file", file, ...common()]);
        return { "bytes/point": bytesOf(file) / POINTS };
    },
};

/* A year of one reading a minute, as 1,000 points for a chart: a measured temperature, again and
 * again, with the digits that its file has. */
const YEAR = 525_600;
const ASKS = 5;
const YEAR_FROM = Date.UTC(2024, 0, 1) / 1000;
function yearPoints() {
    const [head, ...rows] = readFileSync(join(opt.data, "skab/anomaly-free.csv"), "utf8")
        .trim()
        .split("\n");
    const at = head.split(";").indexOf("Temperature");
    const measured = rows.map((row) => row.split(";")[at]);
    return range(YEAR).map((i) => [YEAR_FROM + i * 60, measured[i % measured.length]]);
}

async function timed(ask) {
    const began = performance.now();
    await ask();
    return performance.now() - began;
}

const answered = async (r) => {
    const text = await r.text();
    if (!r.ok || text.length < 5000)
        throw new Error(`no answer of 1,000 points: ${r.status} ${text.slice(0, 300)}`);
};

const yearPart = {
    async doppel() {
        const d = await doppel();
        await makeTwins(d, 1, ["m0"]);
        const points = yearPoints();
        for (let i = 0; i < YEAR; i += 50_000) {
            const body = points
                .slice(i, i + 50_000)
                .map(([t, v]) => `{"timestamp":${t * 1000},"m0":${v}}`);
            const r = await fetch(`${d.url}/api/v1/twins/bench-0/readings`, {
                method: "POST",
                headers: { "content-type": "application/x-ndjson" },
                body: body.join("\n"),
            });
            if (!r.ok) throw new Error(await r.text());
        }
        await stop(d.child); /* the year is in history, as it would be */
        const again = start(build("doppel"), [
            "serve",
            "--access",
            "open",
            "--no-demo",
            "--data",
            d.dir,
            "--http",
            "127.0.0.1:0",
            "--mqtt",
            "127.0.0.1:0",
        ]);
        const [, http] = await until("doppel listens", () =>
            /listening http=\S+:(\d+)/.exec(again.log),
        );
        const url = `http://127.0.0.1:${http}/api/v1/twins/bench-0/sensors/m0/history?from=${YEAR_FROM * 1000}&to=${(YEAR_FROM + YEAR * 60) * 1000}&points=1000`;
        return {
            ask: () => timed(async () => answered(await fetch(url))),
            end: () => stop(again),
        };
    },
    async InfluxDB() {
        const i = await settledInflux();
        const points = yearPoints();
        for (let k = 0; k < YEAR; k += 50_000)
            await fetch(`${i.url}/write?db=bench&precision=s`, {
                method: "POST",
                body: points
                    .slice(k, k + 50_000)
                    .map(([t, v]) => `m0,twin=bench-0 value=${v} ${t}`)
                    .join("\n"),
            });
        await pause(8000); /* its cache becomes files */
        const q = `SELECT min(value),max(value) FROM m0 WHERE twin='bench-0' AND time >= ${YEAR_FROM}s AND time < ${YEAR_FROM + YEAR * 60}s GROUP BY time(${Math.round((YEAR * 60) / 500)}s)`;
        const url = `${i.url}/query?db=bench&epoch=ms&q=${encodeURIComponent(q)}`;
        return {
            ask: () => timed(async () => answered(await fetch(url))),
            end: () => stop(i.child),
        };
    },
    async PostgreSQL() {
        const p = await postgres();
        p.sql(
            "CREATE TABLE sample(series integer, ts timestamptz, value double precision, PRIMARY KEY(series, ts))",
        );
        const rows = yearPoints()
            .map(([t, v]) => `0\t${new Date(t * 1000).toISOString()}\t${v}`)
            .join("\n");
        const copy = spawnSync("psql", [p.conninfo, "-Xqc", "COPY sample FROM STDIN"], {
            input: rows,
            maxBuffer: 1 << 28,
        });
        if (copy.status) throw new Error(String(copy.stderr));
        p.sql("VACUUM ANALYZE sample");
        /* timed by the server, so that starting psql does not count */
        const q = `EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) SELECT width_bucket(extract(epoch from ts), ${YEAR_FROM}, ${YEAR_FROM + YEAR * 60}, 500) AS b, min(value), max(value) FROM sample WHERE series=0 AND ts >= to_timestamp(${YEAR_FROM}) AND ts < to_timestamp(${YEAR_FROM + YEAR * 60}) GROUP BY b ORDER BY b`;
        return {
            ask: () => JSON.parse(p.sql(q))[0]["Execution Time"],
            end: () => stop(p.child, "SIGINT"),
        };
    },
};

const PARTS = {
    mqtt1: {
        title: "MQTT QoS 1, 100 connections, one reading a message",
        run: mqttPart(1),
    },
    mqtt20: {
        title: "MQTT QoS 1, 100 connections, 20 readings a message",
        run: mqttPart(20),
    },
    write: {
        title: "line protocol over HTTP, 5,000 points a request, two connections",
        run: writePart,
    },
    size: {
        title: "bytes a point on disk, recordings of real machines",
        run: sizePart,
        fewer: true,
        less: true,
    },
    year: {
        title: "a year of one reading a minute as 1,000 points",
        run: yearPart,
        asked: true,
        less: true,
    },
};

function median(values) {
    const v = [...values].sort((a, b) => a - b);
    return v.length % 2 ? v[(v.length - 1) / 2] : (v[v.length / 2 - 1] + v[v.length / 2]) / 2;
}

function note(seen, what, who, value) {
    seen[what] ??= {};
    seen[what][who] ??= [];
    seen[what][who].push(value);
}

const short = (x) => (x >= 1000 ? Math.round(x).toLocaleString("en") : x.toPrecision(3));

function clear() {
    rmSync(work, { recursive: true });
    mkdirSync(work, { mode: 0o755 });
}

async function runInTurn(name, part, seen) {
    for (let round = 0; round < (part.fewer ? Math.min(ROUNDS, 2) : ROUNDS); round++)
        for (const [who, run] of Object.entries(part.run)) {
            const f = await run();
            for (const [what, value] of Object.entries(f)) note(seen, what, who, value);
            console.log(
                `  ${name} round ${round + 1}: ${who}: ${Object.entries(f)
                    .map(([k, v]) => `${short(v)} ${k}`)
                    .join(", ")}`,
            );
            clear();
        }
}

/* All are made ready, and then asked one after the other, ASKS times a round. */
async function askInTurn(name, part, seen) {
    const ready = {};
    for (const [who, make] of Object.entries(part.run)) ready[who] = await make();
    for (let round = 0; round < ROUNDS; round++) {
        const took = {};
        for (let i = 0; i < ASKS; i++)
            for (const who of Object.keys(ready)) note(took, "ms", who, await ready[who].ask());
        for (const [who, list] of Object.entries(took.ms)) {
            note(seen, "ms", who, median(list));
            note(seen, "ms, the best", who, Math.min(...list));
            console.log(`  ${name} round ${round + 1}: ${who}: ${short(median(list))} ms`);
        }
    }
    for (const one of Object.values(ready)) await one.end();
    clear();
}

const report = [];
const say = (line = "") => {
    console.log(line);
    report.push(line);
};

say(
    `${cpus().length} × ${cpus()[0].model}; medians of ${ROUNDS} interleaved rounds; ${POINTS.toLocaleString("en")} points`,
);
for (const name of opt.only.split(",")) {
    const part = PARTS[name];
    if (!part)
        throw new Error(`there is no part ${name}; there are ${Object.keys(PARTS).join(", ")}`);
    const seen = {};
    if (part.asked) await askInTurn(name, part, seen);
    else await runInTurn(name, part, seen);
    say();
    say(`### ${part.title}`);
    say();
    const [main] = Object.keys(seen);
    const ours = median(seen[main].doppel);
    const others = Object.keys(seen).slice(1);
    say(`| | ${[main, ...others].join(" | ")} | Doppel is |`);
    say(`| --- |${" ---: |".repeat(Object.keys(seen).length + 1)}`);
    for (const who of Object.keys(part.run)) {
        const value = median(seen[main][who]);
        const ratio =
            who === "doppel"
                ? ""
                : part.less
                  ? `${short(value / ours)} × less`
                  : `${short(ours / value)} × more`;
        say(
            `| ${who} | ${[value, ...others.map((o) => median(seen[o][who]))].map(short).join(" | ")} | ${ratio} |`,
        );
    }
}
if (opt.markdown) writeFileSync(opt.markdown, `${report.join("\n")}\n`);

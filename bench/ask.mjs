#!/usr/bin/env node
/* ask.mjs - the same twins and the same questions in Doppel and in PostgreSQL 15, side by side.
 *
 *   node bench/ask.mjs [--twins 100000] [--rounds 30]
 *
 * Each twin has ten sensors with a value and three relationships to others.  PostgreSQL has them in
 * three tables with the indexes that favour its answers, analysed and in memory.  Both are sent the
 * same text over one connection that stays, and read, plan and answer it: PostgreSQL to psql, which
 * takes the time itself; Doppel as JSON over HTTP to this program, permissions included.  Rounds of both take turns; medians are printed, and the
 * ratio.  That both answer the same is checked first.
 *
 * Needs: ninja -C build/release doppel; apt-get install postgresql-15 */

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import http from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..");
const { values: opt } = parseArgs({
    options: {
        twins: { type: "string", default: "100000" },
        rounds: { type: "string", default: "30" },
        hold: { type: "string" },
    },
});
const N = Number(opt.twins);
const ROUNDS = Number(opt.rounds);
const TYPES = ["Pump", "Motor", "Valve", "Tank", "Fan", "Boiler", "Chiller", "Robot", "Belt", "Press"];
const KINDS = ["feeds", "contains", "dependsOn"];
const SENSORS = ["temp", "pressure", "flow", "power", "speed", "level", "noise", "load", "ph", "age"];

const dir = mkdtempSync(join(tmpdir(), "doppel-ask-"));
const children = [];
process.on("exit", () => {
    for (const c of children) c.kill("SIGKILL");
    rmSync(dir, { recursive: true, force: true });
});

function start(program, args, options = {}) {
    const child = spawn(program, args, { stdio: ["pipe", "pipe", "inherit"], ...options });
    children.push(child);
    return child;
}

async function until(what, check) {
    for (let i = 0; i < 600; i++) {
        try {
            if (await check()) return;
        } catch {
            /* not yet */
        }
        await new Promise((r) => setTimeout(r, 50));
    }
    throw new Error(`never: ${what}`);
}

const freePort = () =>
    new Promise((r) => {
        const s = createServer().listen(0, "127.0.0.1", () => {
            const { port } = s.address();
            s.close(() => r(port));
        });
    });

/* ---- what both hold ---- */

const id = (i) => `t-${String(i).padStart(7, "0")}`;
const value = (i, k) => ((i * 7919 + k * 104729) % 10007) / 100;
const target = (i, k) => (i * (3 + 2 * k) + 17 * (k + 1)) % N;

/* ---- Doppel ---- */

const agent = new http.Agent({ keepAlive: true, maxSockets: 48 });

function call(port, method, path, body, type = "application/json", by = agent) {
    return new Promise((resolve, reject) => {
        const r = http.request({ port, host: "127.0.0.1", method, path, agent: by });
        r.on("error", reject);
        r.on("response", (res) => {
            const parts = [];
            res.on("data", (p) => parts.push(p));
            res.on("end", () => resolve({ status: res.statusCode, text: Buffer.concat(parts).toString() }));
        });
        if (body) r.setHeader("content-type", type);
        r.end(body);
    });
}

async function many(n, fn) {
    let next = 0;
    await Promise.all(
        Array.from({ length: 48 }, async () => {
            while (next < n) await fn(next++);
        }),
    );
}

function profile(sample, i) {
    const sensor = sample.sensors.find((s) => s.type === "temperature") ?? sample.sensors[0];
    return JSON.stringify({
        ...sample,
        identifier: { ...sample.identifier, value: id(i) },
        name: `Twin ${i}`,
        subjectOf: { ...sample.subjectOf, name: TYPES[i % 10] },
        sensors: SENSORS.map((s) => ({ ...sensor, id: s, name: s })),
        "doppel:relationships": KINDS.map((kind, k) => ({ kind, target: id(target(i, k)) })),
    });
}

async function doppel() {
    const child = start(join(ROOT, "build/release/doppel"), [
        "serve",
        ...["--data", join(dir, "doppel"), "--http", "127.0.0.1:0", "--mqtt", "off"],
        ...["--access", "open", "--requests-per-second", "0", "--anonymous-requests-per-second", "0"],
    ]);
    const port = await new Promise((resolve) => {
        let text = "";
        child.stdout.on("data", (b) => {
            text += b;
            const at = /http=127\.0\.0\.1:(\d+)/.exec(text);
            if (at) resolve(Number(at[1]));
        });
    });
    const sample = JSON.parse((await call(port, "GET", "/api/v1/sample?id=x")).text);
    await many(N, async (i) => {
        const r = await call(port, "POST", "/api/v1/twins", profile(sample, i));
        assert.equal(r.status, 201, r.text);
    });
    await many(N, async (i) => {
        const body = Object.fromEntries(SENSORS.map((s, k) => [s, value(i, k)]));
        const r = await call(port, "POST", `/api/v1/twins/${id(i)}/readings`, JSON.stringify(body));
        assert.equal(r.status, 200, r.text);
    });
    const one = new http.Agent({ keepAlive: true, maxSockets: 1 });
    return async (q) => {
        const from = performance.now();
        const r = await call(port, "POST", "/api/v1/query?timeout=60s", q.doppel, "text/plain", one);
        const ms = performance.now() - from;
        assert.equal(r.status, 200, r.text);
        return { ms, rows: JSON.parse(r.text).rows };
    };
}

/* ---- PostgreSQL ---- */

async function postgres() {
    const bin = "/usr/lib/postgresql/15/bin";
    const data = mkdtempSync(join(tmpdir(), "doppel-ask-pg-"));
    const as =
        process.getuid() === 0
            ? ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
            : [];
    process.on("exit", () => rmSync(data, { recursive: true, force: true }));
    if (as.length) spawnSync("chown", ["postgres:postgres", data]);
    const init = [...as, `${bin}/initdb`, "-D", `${data}/db`, "-A", "trust", "-U", "postgres", "--locale=C", "-E", "UTF8"];
    const made = spawnSync(init[0], init.slice(1), { cwd: data, encoding: "utf8" });
    assert.equal(made.status, 0, made.stderr);
    const port = await freePort();
    const serve = [...as, `${bin}/postgres`, "-D", `${data}/db`, "-p", String(port), "-k", data]
        .concat(["-c", "listen_addresses=127.0.0.1", "-c", "shared_buffers=2GB", "-c", "jit=off"])
        .concat(["-c", "max_wal_size=8GB", "-c", "work_mem=256MB", "-c", "log_min_messages=fatal"]);
    start(serve[0], serve.slice(1), { cwd: data, stdio: "ignore" });
    const where = `host=127.0.0.1 port=${port} user=postgres dbname=postgres`;
    const sql = (input) => {
        const r = spawnSync("psql", [where, "-XqAt", "-v", "ON_ERROR_STOP=1"], { input, encoding: "utf8", maxBuffer: 1 << 28 });
        if (r.status) throw new Error(r.stderr);
        return r.stdout;
    };
    await until("PostgreSQL listens", () => sql("SELECT 1").trim() === "1");
    const copy = (table, columns, lines) => `COPY ${table}(${columns}) FROM STDIN;\n${lines.join("\n")}\n\\.\n`;
    const twins = [];
    const edges = [];
    const sensors = [];
    for (let i = 0; i < N; i++) {
        twins.push(`${id(i)}\tTwin ${i}\t${TYPES[i % 10]}`);
        KINDS.forEach((kind, k) => edges.push(`${id(i)}\t${kind}\t${id(target(i, k))}`));
        SENSORS.forEach((s, k) => sensors.push(`${id(i)}\t${s}\t${value(i, k)}`));
    }
    sql(`CREATE TABLE twins(id text PRIMARY KEY, name text, type text);
CREATE TABLE relationships(source text, kind text, target text);
CREATE TABLE sensors(twin text, id text, value double precision, time timestamptz DEFAULT now(), level text DEFAULT 'normal');
${copy("twins", "id, name, type", twins)}${copy("relationships", "source, kind, target", edges)}${copy("sensors", "twin, id, value", sensors)}
CREATE INDEX ON relationships(source, kind) INCLUDE (target);
CREATE INDEX ON relationships(target, kind) INCLUDE (source);
CREATE UNIQUE INDEX ON sensors(twin, id) INCLUDE (value);
CREATE INDEX ON sensors(id) INCLUDE (value);
CREATE INDEX ON twins(type);
VACUUM ANALYZE;`);
    const child = start("psql", [where, "-XqAt", "-F", "\t"]);
    let text = "";
    let wake = () => {};
    child.stdout.on("data", (b) => {
        text += b;
        wake();
    });
    child.stdin.write("\\timing on\n");
    return async (q) => {
        text = "";
        child.stdin.write(`${q.postgres.replaceAll("\n", " ")};\n`);
        while (!/Time: [\d.]+ ms.*\n$/.test(text)) await new Promise((r) => { wake = r; });
        const ms = Number(/Time: ([\d.]+) ms/.exec(text)[1]);
        return { ms, rows: text.split("\n").filter((l) => l && !l.startsWith("Time:")).map((l) => l.split("\t")) };
    };
}

/* ---- the questions ---- */

const hops = (start) => `WITH RECURSIVE down(id, depth) AS (SELECT ${start}, 0 UNION
  SELECT r.target, depth + 1 FROM down JOIN relationships r ON r.source = down.id WHERE depth < 3)
  SELECT DISTINCT s.twin, s.value FROM down JOIN sensors s ON s.twin = down.id AND s.id = 'temp'
  WHERE s.value > 50 ORDER BY s.twin`;
const point = (start) => `SELECT t.name, t.type, s.value FROM twins t JOIN sensors s ON s.twin = t.id
  WHERE t.id = ${start} AND s.id = 'temp'`;
const FLEET = "SELECT count(*), round(avg(value)::numeric, 6), min(value), max(value) FROM sensors WHERE id = 'temp'";
const TYPED = `SELECT t.type, count(*), round(avg(s.value)::numeric, 6) FROM sensors s JOIN twins t ON t.id = s.twin
  WHERE s.id = 'temp' GROUP BY t.type ORDER BY t.type`;
const plain = (s) => s.replaceAll("::numeric", "");
const start_of = (round) => id((round * 7901 + 5) % N);
const QUESTIONS = [
    {
        name: "a point: a twin and one of its values",
        limit: 1,
        of: (round) => ({ doppel: point(`'${start_of(round)}'`), postgres: point(`'${start_of(round)}'`) }),
    },
    {
        name: "three hops, filtered by live values",
        limit: 10,
        of: (round) => ({ doppel: hops(`'${start_of(round)}'`), postgres: hops(`'${start_of(round)}'`) }),
    },
    {
        name: "a fleet: count, mean, extremes of a sensor of every twin",
        limit: 50,
        of: () => ({ doppel: plain(FLEET), postgres: FLEET }),
    },
    {
        name: "a fleet by type of twin, joined and grouped",
        of: () => ({ doppel: plain(TYPED), postgres: TYPED }),
    },
];

const median = (list) => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)];

const pg = await postgres();
const d = await doppel();

const same = (a, b) =>
    assert.deepEqual(
        a.map((r) => r.map((v) => (Number.isNaN(Number(v)) ? v : Number(v)))),
        b.map((r) => r.map((v) => (Number.isNaN(Number(v)) ? v : Number(v)))),
    );
for (const q of QUESTIONS) same((await d(q.of(0))).rows, (await pg(q.of(0))).rows);

console.log(`${N} twins, ${3 * N} relationships, ${10 * N} sensors; medians of ${ROUNDS} rounds, taking turns`);
console.log("question\tDoppel ms\tPostgreSQL ms\tratio\tat most");
for (const q of QUESTIONS) {
    const times = { d: [], pg: [] };
    for (let round = 0; round < ROUNDS + 3; round++) {
        const asked = q.of(round);
        const [a, b] = [(await d(asked)).ms, (await pg(asked)).ms];
        if (round < 3) continue; /* both warm up */
        times.d.push(a);
        times.pg.push(b);
    }
    const [a, b] = [median(times.d), median(times.pg)];
    console.log(`${q.name}\t${a.toFixed(2)}\t${b.toFixed(2)}\t${(a / b).toFixed(2)}\t${q.limit ?? ""}`);
}
if (opt.hold) await new Promise((r) => setTimeout(r, Number(opt.hold) * 1000));
process.exit(0);

/* Questions in SQL: what they answer, in which forms; whose rows; what is refused; limits. */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { doppel, shared, start, until } from "../lib/doppel.mjs";
import { administrator, member } from "../lib/people.mjs";
import { twin } from "../lib/profiles.mjs";

const d = shared();

async function ask(sql, more = {}, as = d) {
    return as.send("POST", "/api/v1/query", { sql, ...more });
}

async function rows(sql, more = {}, as = d) {
    const r = await ask(sql, more, as);
    assert.equal(r.status, 200, r.text);
    return r.body.rows;
}

async function refused(sql, status, detail, more = {}) {
    const r = await ask(sql, more);
    assert.equal(r.status, status, `${sql}: ${r.text}`);
    assert.match(r.body.detail, detail, sql);
    return r.body;
}

async function pumps() {
    for (const id of ["q-1", "q-2", "q-3"]) await d.create(twin(id, ["t", "u"]));
    for (const [source, target] of [
        ["q-1", "q-2"],
        ["q-2", "q-3"],
        ["q-3", "q-1"],
    ])
        await d.post(`/api/v1/twins/${source}/relationships`, { kind: "feeds", target });
    for (let i = 0; i < 10; i++)
        await d.post("/api/v1/twins/q-1/readings", {
            t: 20 + i,
            timestamp: new Date(Date.UTC(2026, 0, 1, 0, i)).toISOString(),
        });
    await d.post("/api/v1/twins/q-2/readings", { t: 5 });
}

let made;
const ready = () => (made ??= pumps());

test("live values, joined with twins, and the graph walked in a loop", async () => {
    await ready();
    assert.deepEqual(
        await rows(
            "SELECT twin, id, value FROM sensors WHERE value IS NOT NULL AND twin LIKE 'q-%'",
        ),
        [
            ["q-1", "t", 29],
            ["q-2", "t", 5],
        ],
    );
    assert.deepEqual(
        await rows(
            `WITH RECURSIVE down(id) AS (SELECT 'q-1' UNION
               SELECT r.target FROM down JOIN relationships r ON r.source = down.id AND r.kind = 'feeds')
             SELECT t.id, s.value FROM down JOIN twins t USING (id)
               LEFT JOIN sensors s ON s.twin = t.id AND s.id = 't' ORDER BY t.id`,
        ),
        [
            ["q-1", 29],
            ["q-2", 5],
            ["q-3", null],
        ],
    );
    assert.deepEqual(await rows("SELECT source, target FROM relationships WHERE target = 'q-1'"), [
        ["q-3", "q-1"],
    ]);
});

test("history by steps, readings by a span of time, and functions", async () => {
    await ready();
    assert.deepEqual(
        await rows(
            `SELECT time, value FROM history('q-1', 't', '2026-01-01', '2026-01-01T00:10Z', '5m', 'max')`,
        ),
        [
            ["2026-01-01T00:00:00Z", 24],
            ["2026-01-01T00:05:00Z", 29],
        ],
    );
    assert.deepEqual(
        await rows(
            `SELECT count(*), min(time), median(value), percentile(value, 90) FROM readings
             WHERE twin = 'q-1' AND sensor = 't' AND time >= '2026-01-01T00:02:00Z' AND time < '2026-01-01T00:07:00Z'`,
        ),
        [[5, "2026-01-01T00:02:00Z", 24, 25.6]],
    );
    const [[f, bucket, diff]] = await rows(
        `SELECT convert(100, 'celsius', 'degF'), time_bucket('15m', '2026-01-01T00:22:00Z'),
           time_diff('2026-01-01T01:00Z', '2026-01-01')`,
    );
    assert.ok(Math.abs(f - 212) < 1e-6);
    assert.equal(bucket, "2026-01-01T00:15:00Z");
    assert.equal(diff, 3600);
});

test("parameters, NDJSON, CSV, a body of text, EXPLAIN", async () => {
    await ready();
    const sql = "SELECT id, name AS id FROM twins WHERE id = :id";
    assert.deepEqual((await rows(sql, { params: { id: "q-2" } }))[0][0], "q-2");
    assert.deepEqual(await rows("SELECT ?1 + ?2", { params: [40, 2] }), [[42]]);
    const nd = await ask(sql, { params: { id: "q-2" }, format: "ndjson" });
    assert.deepEqual(Object.keys(JSON.parse(nd.text)), ["id", "id:1"]);
    const csv = await ask("SELECT '=1+1' AS a, 'x,\"y\"' AS b, NULL AS c, 1.5 AS d", {
        format: "csv",
    });
    assert.equal(csv.text, 'a,b,c,d\n\'=1+1,"x,""y""",,1.5\n');
    const text = await d.send("POST", "/api/v1/query?format=csv", "SELECT 1 AS one", "text/plain");
    assert.equal(text.text, "one\n1\n");
    const plan = await rows("EXPLAIN QUERY PLAN SELECT value FROM sensors WHERE twin = 'q-1'");
    assert.match(plan[0][3], /sensors VIRTUAL TABLE INDEX \d+:twin= /);
});

test("AS OF answers from the state of then: values, profiles, structure", async () => {
    await d.create(twin("then-a", ["t"]));
    await d.create(twin("then-b", ["t"]));
    await d.post("/api/v1/twins/then-a/relationships", { kind: "feeds", target: "then-b" });
    await d.post("/api/v1/twins/then-a/readings", { t: 1 });
    const [[before]] = await rows("SELECT now()");
    await until("the clock moves on", async () => (await rows("SELECT now()"))[0][0] > before);
    await d.post("/api/v1/twins/then-a/readings", { t: 2 });
    const patch = await d.send(
        "PATCH",
        "/api/v1/twins/then-a",
        { name: "Renamed", "doppel:relationships": [] },
        "application/merge-patch+json",
    );
    assert.equal(patch.status, 200, patch.text);
    assert.equal((await d.send("DELETE", "/api/v1/twins/then-b")).status, 204);

    const names = "SELECT id, name FROM twins WHERE id LIKE 'then-%' ORDER BY id";
    const [[, old]] = await rows(`${names} AS OF '${before}'`);
    assert.notEqual(old, "Renamed");
    assert.deepEqual(await rows(names), [["then-a", "Renamed"]]);
    assert.deepEqual(
        (await rows(names, { at: before })).map((r) => r[0]),
        ["then-a", "then-b"],
    );
    const edges = "SELECT source, target, dangling FROM relationships WHERE source = 'then-a'";
    assert.deepEqual(await rows(edges), []);
    assert.deepEqual(await rows(`${edges} AS OF '${before}'`), [["then-a", "then-b", 0]]);
    /* behind one table, which is then joined with the present */
    assert.deepEqual(
        await rows(
            `SELECT now.value, old.value FROM sensors now
             JOIN sensors AS OF '${before}' old ON old.twin = now.twin AND old.id = now.id
             WHERE now.twin = 'then-a'`,
        ),
        [[2, 1]],
    );
    const readings = "SELECT value FROM readings WHERE twin = 'then-a'";
    assert.deepEqual(await rows(readings), [[1], [2]]);
    assert.deepEqual(await rows(readings, { at: before }), [[1]]);
    /* no clause in strings, comments and names */
    assert.deepEqual(await rows(`SELECT ' AS OF ''${before}''' -- AS OF 'x'`), [
        [` AS OF '${before}'`],
    ]);
    assert.deepEqual((await ask("SELECT 1 AS of")).body.columns, ["of"]);
    await refused(`SELECT id AS OF '${before}' FROM twins`, 422, /behind a table/);
});

test("errors say where, and what there is", async () => {
    await ready();
    const e = await refused("SELECT id,\n temprature FROM sensors", 400, /temprature.*unit, value/);
    assert.deepEqual([e.line, e.column], [2, 2]);
    await refused("SELECT * FROM pump", 400, /no table pump; there are twins, sensors/);
    await refused("SELEC 1", 400, /near "SELEC"/i);
    await refused("SELECT nope(1)", 400, /no function nope/);
    await refused("SELECT 1; SELECT 2", 400, /One question at a time/);
    await refused("", 400, /no question/);
    await refused("SELECT :a", 400, /:a has no value/);
    await refused("SELECT 1 AS OF 'whenever'", 422, /AS OF wants a time/);
    await refused("SELECT * FROM history('q-1')", 400, /a twin and a sensor/);
    await refused("SELECT * FROM history('q-1','t','x')", 422, /from and to are times/);
});

test("what does not read is refused", async () => {
    for (const sql of [
        "DELETE FROM twins",
        "UPDATE sensors SET value = 1",
        "INSERT INTO twins(id) VALUES ('x')",
        "CREATE TABLE x(a)",
        "CREATE TEMP TABLE x AS SELECT 1",
        "DROP TABLE twins",
        "ATTACH '/etc/passwd' AS p",
        "DETACH main",
        "PRAGMA table_info(twins)",
        "SELECT * FROM pragma_table_info('twins')",
        "SELECT * FROM sqlite_schema",
        "VACUUM INTO '/tmp/x'",
        "BEGIN",
        "REINDEX",
        "ANALYZE",
        "SELECT load_extension('x')",
        "SELECT readfile('/etc/passwd')",
        "SELECT randomblob(10)",
        "SELECT zeroblob(100000000)",
        "SELECT fts3_tokenizer('x')",
        "SELECT json_patch('{}', '{}')",
        "WITH x AS (SELECT 1) DELETE FROM twins",
        "EXPLAIN DELETE FROM twins",
    ])
        await refused(sql, 400, /./);
});

test("bombs end: in time, in memory, in length", async () => {
    const forever = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c)";
    await refused(`${forever} SELECT count(*) FROM c`, 408, /longer/, { timeout: "200ms" });
    await refused(`${forever} SELECT x FROM c ORDER BY x`, 413, /memory/, { timeout: "60s" });
    await refused(
        "WITH RECURSIVE c(x) AS (SELECT 'aaaa' UNION ALL SELECT x || x FROM c) SELECT max(x) FROM c",
        413,
        /longer|memory/,
    );
    const long = "(SELECT printf('%1000000d', 1))";
    for (const sql of [
        `SELECT trim(${long}, ${long})`,
        `SELECT length(replace(${long}, ' ', printf('%5000d', 1)))`,
        `SELECT instr(${long}, ${long} || '2')`,
        `SELECT ${long} LIKE printf('%%%.*c', 2000, 'a')`,
    ]) {
        const r = await ask(sql, { timeout: "60s" });
        assert.ok([200, 400, 413].includes(r.status), `${sql}: ${r.text}`);
    }
    await refused(`SELECT ${"(".repeat(2000)}1${")".repeat(2000)}`, 400, /./);
    await refused(`SELECT ${"1+".repeat(500)}1`, 400, /depth|deep/i);
    await refused(`SELECT '${"a".repeat(70000)}'`, 413, /64 KiB/);
    const cut = await ask(`${forever} SELECT x FROM c`, { limit: 3 });
    assert.deepEqual(cut.body.rows, [[1], [2], [3]]);
    assert.equal(cut.body.truncated, true);
    assert.equal((await d.get("/healthz")).status, 200);
});

test("a question is cancelled by its id, and by whoever asked alone", async () => {
    const sql =
        "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c";
    const asked = ask(sql, { id: "mine", timeout: "60s" });
    await until(
        "it is cancelled",
        async () => (await d.send("DELETE", "/api/v1/query/mine")).status === 204,
    );
    const r = await asked;
    assert.equal(r.status, 503, r.text);
    assert.match(r.body.detail, /cancelled/);
    assert.equal((await d.send("DELETE", "/api/v1/query/mine")).status, 404);
});

test("everybody sees their own: rows are those of REST", async (t) => {
    const e = await start(t, { access: "locked" });
    const ada = await administrator(e);
    for (const id of ["a", "b", "secret"])
        await ada.must("POST", "/api/v1/twins", twin(id, ["t", "u"]));
    for (const id of ["a", "secret"])
        await ada.must("POST", `/api/v1/twins/${id}/readings`, { t: 1, u: 2 });
    for (const [from, to] of [
        ["a", "b"],
        ["a", "secret"],
        ["secret", "a"],
    ])
        await ada.must("POST", `/api/v1/twins/${from}/relationships`, {
            kind: "feeds",
            target: to,
        });
    await ada.must("PUT", "/api/v1/twins/secret/policy", {
        entries: { x: { subjects: ["role:viewer"], resources: { "/": { revoke: ["read"] } } } },
    });
    await ada.must("PUT", "/api/v1/twins/a/policy", {
        entries: {
            x: { subjects: ["role:viewer"], resources: { "/sensors/u": { revoke: ["read"] } } },
        },
    });
    const vi = await member(ada, "viewer", "Vi Ewer");
    for (const who of [ada, vi]) {
        const twins = (await who.get("/api/v1/twins?sensors=100")).body.items;
        const all = twins.map((w) => w.id);
        assert.deepEqual(
            await rows("SELECT id FROM twins", {}, who),
            all.map((id) => [id]),
        );
        const sensors = [];
        for (const w of twins) for (const s of w.sensors) sensors.push([w.id, s.id, s.value]);
        assert.deepEqual(await rows("SELECT twin, id, value FROM sensors", {}, who), sensors);
        const graph = (await who.get("/api/v1/graph")).body;
        assert.deepEqual(
            await rows("SELECT source, target FROM relationships", {}, who),
            graph.edges.map((x) => [x.source, x.target]),
        );
        const seen = new Set(sensors.filter((s) => s[2] !== null).map((s) => `${s[0]}/${s[1]}`));
        assert.deepEqual(
            new Set((await rows("SELECT twin || '/' || sensor FROM readings", {}, who)).flat()),
            seen,
        );
        for (const w of twins) {
            const profile = (await who.get(`/api/v1/twins/${w.id}?live=false`)).body;
            const [[kept]] = await rows(
                "SELECT profile FROM twins WHERE id = ?",
                { params: [w.id] },
                who,
            );
            assert.deepEqual(JSON.parse(kept), profile);
        }
    }
    assert.deepEqual(await rows("SELECT id FROM twins WHERE id = 'secret'", {}, vi), []);
    assert.deepEqual(await rows("SELECT * FROM history('secret', 't')", {}, vi), []);
    assert.deepEqual(await rows("SELECT count(*) FROM audit", {}, vi), [[0]]);
    assert.ok((await rows("SELECT count(*) FROM audit", {}, ada))[0][0] > 3);

    /* another organisation has twins of the same names, and neither sees the other's */
    await ada.must("POST", "/api/v1/organizations", { id: "acme", name: "Acme" });
    await ada.must("PATCH", "/api/v1/session", { organization: "acme" });
    await ada.must("POST", "/api/v1/twins", twin("a", ["only-here"]));
    assert.deepEqual(await rows("SELECT twin, id FROM sensors", {}, ada), [["a", "only-here"]]);
    assert.deepEqual(await rows("SELECT twin FROM readings", {}, ada), []);
    assert.deepEqual(await rows("SELECT id FROM twins WHERE id = 'home~b'", {}, ada), []);
    assert.equal((await rows("SELECT id FROM sensors WHERE id = 'only-here'", {}, vi)).length, 0);
});

test("doppel query: a table, CSV, standard input, and where it is wrong", async () => {
    await ready();
    const run = (...args) => doppel(["query", "--server", d.url, ...args]);
    const sql = "SELECT id, 1 AS one FROM twins WHERE id = 'q-1'";
    assert.match((await run(sql)).stdout, /^id +one\nq-1 +1\n$/);
    assert.equal((await run(sql, "--format", "csv")).stdout, "id,one\nq-1,1\n");
    assert.deepEqual(JSON.parse((await run(sql, "--format", "json")).stdout).rows, [["q-1", 1]]);
    const read = await doppel(["query", "--server", d.url, "--format", "ndjson"], { input: sql });
    assert.deepEqual(JSON.parse(read.stdout), { id: "q-1", one: 1 });
    const wrong = await run("SELECT id,\n nam FROM twins");
    assert.equal(wrong.code, 5);
    assert.match(wrong.stderr, /no column nam.*\n nam FROM twins\n \^\n/);
    assert.equal((await run(sql, "--at", "whenever")).code, 2);
});

test("alarms and what happened to them are tables", async () => {
    await d.create(twin("q-hot", { t: { normalRange: [0, 50] } }));
    await d.post("/api/v1/twins/q-hot/readings", { t: 60 });
    const alarms =
        "SELECT twin, sensor, source, severity, state, active FROM alarms WHERE twin = 'q-hot'";
    await until("the alarm is kept", async () => (await rows(alarms)).length === 1);
    assert.deepEqual(await rows(alarms), [["q-hot", "t", "range", "warning", "raised", 1]]);
    const [[raised]] = await rows("SELECT raised FROM alarms WHERE twin = 'q-hot'");
    assert.deepEqual(await rows(`${alarms} AND raised > '${raised}'`), []);
    assert.deepEqual(await rows(`${alarms} AS OF '2026-01-01'`), []);
    assert.deepEqual(
        await rows("SELECT twin FROM events WHERE kind = 'alarm.raised' AND twin = 'q-hot'"),
        [["q-hot"]],
    );
});

/* ---- the same rows in plain SQLite ---- */

/* A small generator, so that a failure can be had again. */
function random(seed) {
    let x = seed;
    return (n) => {
        x = (Math.imul(x, 1103515245) + 12345) >>> 0;
        return (x >>> 8) % n;
    };
}

const literal = (v) =>
    v === null ? "NULL" : typeof v === "number" ? String(v) : `'${v.replaceAll("'", "''")}'`;

async function copyOf(tables) {
    const sql = [];
    for (const [table, columns] of Object.entries(tables)) {
        const list = Object.keys(columns);
        sql.push(`CREATE TABLE ${table}(${list.map((c) => `${c} ${columns[c]}`).join(", ")});`);
        for (const row of await rows(`SELECT ${list.join(", ")} FROM ${table}`))
            sql.push(`INSERT INTO ${table} VALUES (${row.map(literal).join(", ")});`);
    }
    return sql.join("\n");
}

test("what narrows a table finds what plain SQLite finds", async () => {
    await ready();
    const tables = {
        twins: { id: "TEXT", name: "TEXT", type: "TEXT", twin_type: "TEXT", version: "INTEGER" },
        sensors: { twin: "TEXT", id: "TEXT", type: "TEXT", level: "TEXT", value: "" },
        relationships: { source: "TEXT", kind: "TEXT", target: "TEXT", dangling: "INTEGER" },
    };
    await d.create(twin("7", ["t", "1"]));
    await d.post("/api/v1/twins/7/relationships", { kind: "feeds", target: "q-1" });
    await d.post("/api/v1/twins/7/relationships?dangling=true", { kind: "to", target: "8" });
    const copy = await copyOf(tables);
    const pick = random(42);
    const one = (list) => list[pick(list.length)];
    const values = [
        "'q-1'",
        "'q-2'",
        "'t'",
        "'7'",
        "7",
        "7.0",
        "1",
        "'feeds'",
        "'normal'",
        "''",
        "NULL",
    ];
    const other = ["x'37'", "'Q-1' COLLATE NOCASE", "'nobody'", "'8'", "8", "'home~q-1'"];
    const any = () => one([...values, ...other]);
    const where = (table) => {
        const column = one(Object.keys(tables[table]));
        return one([
            () => `${column} = ${any()}`,
            () => `${column} IN (${any()}, ${any()}, ${any()})`,
            () => `${column} IS ${any()}`,
            () => `${column} <> ${any()}`,
            () => `${column} BETWEEN ${any()} AND ${any()}`,
        ])();
    };
    const asked = Array.from({ length: 150 }, () => {
        const table = one(Object.keys(tables));
        const list = Object.keys(tables[table]).join(", ");
        const more = one([" AND ", " OR "]);
        return `SELECT ${list} FROM ${table} WHERE ${where(table)}${more}${where(table)} ORDER BY ${list}`;
    });
    for (let i = 0; i < 50; i++)
        asked.push(
            `SELECT r.source, r.kind, t.id, s.id FROM relationships r JOIN twins t ON t.id = r.target
             LEFT JOIN sensors s ON s.twin = t.id AND ${where("sensors").replace(/^(\w+)/, "s.$1")}
             WHERE ${where("relationships").replace(/^(\w+)/, "r.$1")} ORDER BY 1, 2, 3, 4`,
        );
    const script = [copy, ".mode json", ...asked.map((q) => `${q};\n.print ==`)].join("\n");
    const plain = spawnSync("sqlite3", [":memory:"], { input: script, encoding: "utf8" });
    assert.equal(plain.stderr, "");
    const expected = plain.stdout.split("==\n").slice(0, asked.length);
    for (const [i, q] of asked.entries()) {
        const r = await ask(q);
        assert.equal(r.status, 200, `${q}: ${r.text}`);
        const want = expected[i].trim() ? JSON.parse(expected[i]).length : 0;
        assert.equal(r.body.rows.length, want, q);
        if (want && i < 150)
            assert.deepEqual(r.body.rows, JSON.parse(expected[i]).map(Object.values), q);
    }
});

test("commands are a table", async () => {
    const stop = { name: "stop", input: { type: "object" } };
    await d.create({ ...twin("q-told", ["t"]), "doppel:commands": [stop] });
    const sent = await d.post("/api/v1/twins/q-told/commands/stop", {});
    assert.ok(sent.status < 300, sent.text);
    assert.deepEqual(await rows("SELECT twin, name, state FROM commands WHERE twin = 'q-told'"), [
        ["q-told", "stop", "pending"],
    ]);
});

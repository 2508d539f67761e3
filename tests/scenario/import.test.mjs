/* doppel import: tables into history by a mapping file; what is wrong by line; ended and gone on
 * with; a server that is busy, full or away. */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { after, test } from "node:test";
import { gzipSync } from "node:zlib";
import { readTable, seriesOf } from "../lib/csv.mjs";
import { BIN, doppel, shared, temporary } from "../lib/doppel.mjs";
import { noSharedData, SHARED_DATA, twin } from "../lib/profiles.mjs";
import { SANITIZER_ENV } from "../lib/spawned.mjs";
import { until } from "../lib/wait.mjs";

const d = shared();
const dir = temporary({ after }, "doppel-import-");
const T0 = Date.parse("2024-01-01T00:00:00Z");

const run = (args, server = d.url) =>
    doppel(["import", ...args, "--server", server], { timeout: 120_000 });

function write(name, body) {
    const file = join(dir, name);
    const text = typeof body === "string" || Buffer.isBuffer(body) ? body : JSON.stringify(body);
    writeFileSync(file, text);
    return file;
}

/* Rows of a second each. */
function table(n, row) {
    const lines = ["time,a,b"];
    for (let i = 0; i < n; i++) lines.push(`${T0 / 1000 + i},${row(i)}`);
    return `${lines.join("\n")}\n`;
}

const mapping = (id, more = {}) => ({
    twin: id,
    create: true,
    columns: { a: "a", b: "b" },
    ...more,
});

for (const file of ["skab/valve1/0.csv", "nab/machine_temperature_system_failure.csv"])
    test(`a measured table as it is proposed: ${file}`, { skip: noSharedData }, async () => {
        const path = join(SHARED_DATA, file);
        const proposed = await run([path, "--propose"]);
        assert.equal(proposed.code, 0, proposed.output);
        const map = { ...JSON.parse(proposed.stdout), twin: `real-${file.length}` };
        const args = [path, "--map", write("real.json", map), "--state", join(dir, "real.import")];
        const r = await run([...args, "--json"]);
        assert.equal(r.code, 0, r.output);
        const measured = readTable(path);
        assert.equal(JSON.parse(r.stdout).errors, 0);
        for (const [i, name] of measured.columns.slice(1).entries()) {
            const said = map.columns[name];
            const got = await d.allHistory(map.twin, said.sensor ?? said, undefined, 20_000);
            assert.deepEqual(got, seriesOf(measured, i + 1), name);
        }
    });

test("a table of another country as it is proposed: commas, semicolons, dates with points", async () => {
    const rows = [
        "01.03.2024 10:00;1,5;100;a 1,5",
        "02.03.2024 10:00;-1,25;x;b 2",
        "3.3.2024 9:30;2;102;",
    ];
    const file = write("country.csv", `zeit;druck;temp;notiz\n${rows.join("\n")}\n`);
    const proposed = await run([file, "--propose"]);
    assert.equal(proposed.code, 0, proposed.output);
    const map = JSON.parse(proposed.stdout);
    assert.deepEqual(
        [map.separator, map.decimal, map.time],
        [";", ",", { column: "zeit", format: "%d.%m.%Y %H:%M", zone: "UTC" }],
    );
    const r = await run([file, "--map", write("country.json", map), "--json"]);
    assert.deepEqual([r.code, JSON.parse(r.stdout).errors], [1, 1], r.output);
    const values = async (sensor) => (await d.allHistory("country", sensor)).map((p) => p[1]);
    assert.deepEqual(await values("druck"), [1.5, -1.25, 2]);
    assert.deepEqual(await values("temp"), [100, 102]);
    assert.deepEqual(await values("notiz"), ["a 1,5", "b 2"]);
});

test("every form of a mapping: twins and sensors from columns, units, types, zones, commas", async () => {
    const sensors = {
        temp: { unit: "celsius" },
        on: { type: "switch", unit: "1" },
        note: { type: "state", unit: "1" },
    };
    await d.create(twin("pump-7", sensors));
    await d.create(twin("m2", sensors));
    const text = [
        "datum;maschine;kanal;wert;an;bemerkung",
        "01.07.2024 12:00:00;Pump 7;temp;50,5;1;007",
        '02.07.2024 12:00:00;m2;temp;68;0;"a ""b"";c"',
        "03.07.2024 12:00:00;m2;temp;NA;1;",
    ].join("\r\n");
    const map = {
        separator: ";",
        decimal: ",",
        header: true,
        time: { column: "datum", format: "%d.%m.%Y %H:%M:%S", zone: "+02:00" },
        twin: { column: "maschine" },
        columns: {
            wert: { sensor: { column: "kanal" }, unit: "degF" },
            an: { sensor: "on", type: "boolean" },
            6: { sensor: "note", type: "text" },
            datum: null,
        },
    };
    const args = [write("forms.csv", text), "--map", write("forms.json", map)];
    const dry = await run([...args, "--dry-run"]);
    assert.deepEqual([dry.code, dry.stdout], [0, "would import 3 rows, 7 readings\n"], dry.output);
    const r = await run(args);
    assert.equal(r.code, 0, r.output);
    const at = Date.parse("2024-07-01T10:00:00Z");
    const [[t, v]] = await d.allHistory("pump-7", "temp");
    assert.deepEqual([t, Math.round(v * 1e6)], [at, 10277778]);
    assert.deepEqual(await d.allHistory("pump-7", "note"), [[at, "007"]]);
    assert.deepEqual(
        (await d.allHistory("m2", "on")).map((p) => p[1]),
        [false, true],
    );
    assert.deepEqual((await d.allHistory("m2", "note"))[0][1], 'a "b";c');
    assert.equal((await d.allHistory("m2", "temp")).length, 1);
});

test("what is wrong is told with its line, and the rest is there", async () => {
    await d.create(twin("wrong", { a: {}, b: {} }));
    const text = [
        "time,a,b",
        "2024-01-01T00:00:00Z,1,2",
        "yesterday,1,2",
        "2024-01-01T00:00:02Z,1",
        '2024-01-01T00:00:03Z,"1"x,2',
        "2024-01-01T00:00:04Z,5,6",
        "2024-01-01T00:00:05Z,high,2",
        "2124-01-01T00:00:05Z,1,2",
        "2024-01-01T00:00:06Z,1,2",
    ].join("\n");
    const report = join(dir, "wrong.txt");
    const args = [write("wrong.csv", text), "--map", write("wrong.json", mapping("wrong"))];
    const r = await run([...args, "--report", report, "--json"]);
    assert.equal(r.code, 1, r.output);
    const said = JSON.parse(r.stdout);
    assert.deepEqual([said.done, said.accepted, said.errors], [true, 7, 6]);
    const lines = readFileSync(report, "utf8").trim().split("\n");
    const told = lines.map((l) => l.slice(l.indexOf("wrong.csv:") + 10)).sort();
    assert.match(told[0], /^3: "yesterday" is no time$/);
    assert.match(told[1], /^4: the row has 2 fields, the table 3$/);
    assert.match(told[2], /^5: something stands behind a closing quote$/);
    assert.match(told[3], /^7: wrong\/a: a takes a number, not a text \(wrong-type\)$/);
    assert.match(told[4], /^8: wrong\/a: .*24 hours ahead/);
    assert.match(told[5], /^8: wrong\/b: /);
    assert.equal((await d.allHistory("wrong", "b")).length, 4);
    const quiet = await run([...args, "--max-errors", "2"]);
    assert.equal(quiet.code, 1);
    assert.match(quiet.stderr, /more than 2 errors/);
});

test("the hour that comes twice when clocks are set back is two", async () => {
    const rows = [];
    for (const hour of ["01", "02", "02", "03"])
        for (let m = 0; m < 60; m += 10)
            rows.push(`2024-10-27 ${hour}:${m || "00"},${rows.length}`);
    const file = write("clocks.csv", `time,a\n${rows.join("\n")}\n`);
    const map = mapping("clocks", {
        time: { column: "time", zone: "Europe/Berlin" },
        columns: { a: "a" },
    });
    const r = await run([file, "--map", write("clocks.json", map), "--batch", "5"]);
    assert.equal(r.code, 0, r.output);
    const from = Date.parse("2024-10-26T23:00:00Z");
    const wanted = rows.map((_, i) => [from + i * 600_000, i]);
    assert.deepEqual(await d.allHistory("clocks", "a"), wanted);
});

test("a sensor that is made is of what its column mostly has", async () => {
    const text = [
        "time,temp,serial,force",
        "2024-01-01T00:00:00Z,100,A-1,1",
        "2024-01-01T00:00:01Z,ERR,12,broken",
        "2024-01-01T00:00:02Z,102,A-2,dead",
    ].join("\n");
    const columns = { temp: "temp", serial: "serial", force: { sensor: "force", unit: "newton" } };
    const file = write("mostly.csv", text);
    const args = [file, "--map", write("mostly.json", mapping("mostly", { columns }))];
    for (const round of [1, 2]) {
        const r = await run([...args, "--json"]);
        assert.equal(r.code, 1, r.output);
        const said = JSON.parse(r.stdout);
        assert.deepEqual([said.accepted, said.errors], [6, 3], `round ${round}: ${r.output}`);
    }
    const values = async (sensor) => (await d.allHistory("mostly", sensor)).map((p) => p[1]);
    assert.deepEqual(await values("temp"), [100, 102]);
    assert.deepEqual(await values("serial"), ["A-1", "12", "A-2"]);
    assert.deepEqual(await values("force"), [1]);
    const replayed = await doppel(
        ["replay", file, "--twin", "played", "--create", "--speed", "max", "--server", d.url],
        { timeout: 120_000 },
    );
    assert.equal(replayed.code, 1, replayed.output);
    assert.deepEqual(
        (await d.allHistory("played", "serial")).map((p) => p[1]),
        ["A-1", "12", "A-2"],
    );
});

test("what cannot be imported at all: its reason and its exit code", async () => {
    const good = write("good.csv", "time,a\n2024-01-01T00:00:00Z,1\n");
    const cases = [
        [[good], 2, /--map FILE/],
        [[good, "--map", join(dir, "nosuch.json")], 6, /nosuch.json cannot be read/],
        [[good, "--map", write("e1.json", "{")], 2, /e1.json: line 1/],
        [[good, "--map", write("e2.json", mapping("x"))], 2, /no column "b"/],
        [
            [good, "--map", write("e3.json", { twin: "nosuch", columns: { a: "a" } })],
            4,
            /no twin nosuch; "create": true/,
        ],
        [[join(dir, "nosuch.csv"), "--map", write("e4.json", mapping("x"))], 6, /cannot be read/],
        [[write("empty.csv", ""), "--propose"], 2, /the table is empty/],
        [[good, "--map", write("e5.json", mapping("x")), "--in-flight", "0"], 2, /in-flight/],
    ];
    for (const [args, code, why] of cases) {
        const r = await run(args);
        assert.equal(r.code, code, `${args}: ${r.output}`);
        assert.match(r.stderr, why);
    }
    const away = [good, "--map", write("e6.json", { twin: "x", columns: { a: "a" } })];
    assert.equal((await run(away, "http://127.0.0.1:1")).code, 3);
});

test("compressed, and cut off in the middle", async () => {
    const packed = gzipSync(table(20_000, (i) => `${i},${i % 7}`));
    const map = write("gz.json", mapping("gz"));
    const whole = await run([write("gz.csv.gz", packed), "--map", map]);
    assert.equal(whole.code, 0, whole.output);
    assert.equal((await d.allHistory("gz", "a", undefined, 20_000)).length, 20_000);
    const torn = write("torn.csv.gz", packed.subarray(0, packed.length >> 1));
    const r = await run([torn, "--map", map]);
    assert.equal(r.code, 6, r.output);
    assert.match(r.stderr, /ends too early/);
    assert.ok(existsSync(`${torn}.import`), "and it could go on");
    const stump = await run([write("stump.csv.gz", packed.subarray(0, 24)), "--map", map]);
    assert.equal(stump.code, 6, stump.output);
    assert.match(stump.stderr, /ends too early/);
});

test("the last row for a moment wins, however many requests are under way", async () => {
    let text = "time,a,b\n";
    for (let i = 0; i < 5000; i++) text += `${T0 / 1000 + (i % 10)},${i},${i}\n`;
    const args = [
        "--map",
        write("last.json", mapping("last")),
        "--batch",
        "50",
        "--in-flight",
        "8",
    ];
    const r = await run([write("last.csv", text), ...args]);
    assert.equal(r.code, 0, r.output);
    assert.deepEqual(
        (await d.allHistory("last", "a")).map((p) => p[1]),
        Array.from({ length: 10 }, (_, i) => 4990 + i),
    );
});

for (const signal of ["SIGKILL", "SIGINT"])
    test(`ended by ${signal}, it goes on where it was acknowledged`, async () => {
        const id = `ended-${signal.toLowerCase()}`;
        const n = 60_000;
        const file = write(
            `${id}.csv`,
            table(n, (i) => `${i},${-i}`),
        );
        const args = [file, "--map", write(`${id}.json`, mapping(id)), "--server", d.url];
        const state = `${file}.import`;
        const slow = ["--batch", "20", "--in-flight", "1"];
        const child = spawn(BIN, ["import", ...args, ...slow], {
            env: { ...process.env, ...SANITIZER_ENV },
            stdio: "ignore",
        });
        const ended = new Promise((resolve) => child.on("exit", (code) => resolve(code)));
        await until("a state", () => existsSync(state) && JSON.parse(readFileSync(state)).rows > 0);
        child.kill(signal);
        assert.equal(await ended, signal === "SIGINT" ? 1 : null);
        const { rows } = JSON.parse(readFileSync(state));
        assert.ok(rows > 0 && rows < n, `${rows} rows`);
        const r = await doppel(["import", ...args, "--json"], { timeout: 120_000 });
        assert.equal(r.code, 0, r.output);
        const said = JSON.parse(r.stdout);
        assert.deepEqual([said.skipped, said.rows], [rows, n - rows]);
        assert.ok(!existsSync(state), "nothing is left to go on with");
        const points = await d.allHistory(id, "b", undefined, 50_000);
        assert.equal(points.length, n);
        assert.ok(points.every(([t, v], i) => t === T0 + i * 1000 && v === (i ? -i : 0)));
    });

/* A server that says no so many times. */
async function sulking(t, answers) {
    const taken = [];
    const server = createServer((req, res) => {
        let body = "";
        req.on("data", (x) => (body += x));
        req.on("end", () => {
            if (req.method === "GET") return res.writeHead(200).end("{}");
            const status = answers.length ? answers.shift() : 200;
            if (status === 0) return req.socket.destroy();
            const readings = JSON.parse(body).length * 2;
            if (status === 200) taken.push(readings);
            const problem = { status, code: status === 507 ? "storage" : "overload", detail: "no" };
            const said = status === 200 ? { accepted: readings } : { ...problem, accepted: 0 };
            res.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(said));
        });
    });
    await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
    t.after(() => server.close());
    return { url: `http://127.0.0.1:${server.address().port}`, taken };
}

test("a server that is busy, full or away is asked again, until patience ends", async (t) => {
    const file = write(
        "busy.csv",
        table(100, (i) => `${i},1`),
    );
    const args = [file, "--map", write("busy.json", mapping("busy"))];
    const s = await sulking(t, [503, 507, 0, 503]);
    const r = await run([...args, "--json"], s.url);
    assert.equal(r.code, 0, r.output);
    assert.equal(JSON.parse(r.stdout).accepted, 200);
    assert.deepEqual(s.taken, [200]);
    for (const [status, code] of [
        [507, 5],
        [0, 3],
    ]) {
        const never = await sulking(t, new Array(1000).fill(status));
        const gave = await run([...args, "--patience", "1ms"], never.url);
        assert.equal(gave.code, code, gave.output);
        assert.match(gave.stderr, /the same command goes on from here/);
    }
});

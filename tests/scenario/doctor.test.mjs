/* doppel doctor: each thing that is made bad is found, with what to do; what is well is not told. */

import assert from "node:assert/strict";
import {
    appendFileSync,
    chmodSync,
    mkdirSync,
    readFileSync,
    rmSync,
    statSync,
    writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { doppel, run, start, temporary } from "../lib/doppel.mjs";
import { totp } from "../lib/totp.mjs";

const [OK, NO, MISSING] = [0, 1, 4];

async function doctor(data, args = [], options = {}) {
    const r = await doppel(["doctor", "--data", data, "--json", ...args], options);
    const said = JSON.parse(r.stdout);
    for (const f of said.findings) assert.ok(f.what && f.why && f.check && f.severity);
    said.of = (check) => said.findings.filter((f) => f.check === check).map((f) => f.severity);
    said.what = (check) =>
        said.findings
            .filter((f) => f.check === check)
            .map((f) => f.what)
            .join();
    said.code = r.code;
    assert.equal(r.code, said.errors > 0 ? NO : OK, r.output);
    return said;
}

/* A data directory without a server, in a folder that is nobody else's. */
async function stopped(t, args = []) {
    const dir = temporary(t);
    const d = await start(t, { data: join(dir, "data"), args });
    await d.stop();
    return d.data;
}

test("a fresh directory has no errors, and every finding is of a check that is listed", async (t) => {
    const data = await stopped(t);
    const said = await doctor(data);
    assert.equal(said.server, null);
    const machine = ["file-system", "disk-space", "data-parents"]; /* of whoever runs the tests */
    const errors = said.findings.filter(
        (f) => f.severity === "error" && !machine.includes(f.check),
    );
    assert.deepEqual(errors, []);
    const list = (await doppel(["doctor", "--list"])).stdout.trim().split("\n");
    assert.equal(list.length, said.checks);
    const names = list.map((line) => line.split(" ")[0]);
    assert.equal(new Set(names).size, names.length);
    for (const f of said.findings) assert.ok(names.includes(f.check), f.check);
    assert.deepEqual(said.of("backup-age"), ["warning"]);
    const words = await doppel(["doctor", "--data", data]);
    assert.match(words.stdout, /^warning {2}no backup was made .*\[backup-age\]$/m);
    assert.match(words.stdout, new RegExp(`${data}: ${said.checks} checks, .*no server runs`));
    assert.equal((await doppel(["doctor", "--data", data, "--strict"])).code, NO);
    assert.equal((await doppel(["doctor", "--data", join(data, "no")])).code, MISSING);
});

test("what others may read or write is an error", async (t) => {
    const data = await stopped(t, ["--https", "127.0.0.1:0", "--tls-self-signed"]);
    const args = ["--config", join(temporary(t), "doppel.ini")];
    writeFileSync(args[1], "[server]\nhttps = 127.0.0.1:0\n[tls]\nself-signed = true\n");
    const well = await doctor(data, args);
    assert.deepEqual(
        ["data-mode", "data-parents", "data-files", "key-files", "program-files"].flatMap(well.of),
        [],
    );
    assert.match(well.what("certificate"), /signed by this server's own authority/);
    const bad = async (check, file, mode) => {
        const before = statSync(file).mode;
        chmodSync(file, mode);
        const said = await doctor(data, args);
        chmodSync(file, before);
        assert.deepEqual([check, said.of(check)[0]], [check, "error"]);
        return said;
    };
    await bad("data-mode", data, 0o755);
    await bad("data-parents", join(data, ".."), 0o777);
    await bad("data-files", join(data, "catalog.db"), 0o604);
    await bad("data-files", join(data, "tls", "key.pem"), 0o644);
    await bad("program-files", args[1], 0o666);
    const key = await bad("data-files", join(data, "secret.key"), 0o640);
    assert.match(key.findings.find((f) => f.check === "data-files").do, /^chmod 600 /);
});

test("keys: old ones, missing ones, those that still have something under them", async (t) => {
    const data = await stopped(t);
    const file = join(data, "secret.key");
    const word = (year, c) => `doppel-key-v1:${year}-01-01T00:00:00Z:${c.repeat(42)}A\n`;
    writeFileSync(file, word(2020, "A"));
    const old = await doctor(data);
    assert.deepEqual(old.of("key-age"), ["warning"]);
    assert.deepEqual(old.of("key-place"), ["note"]);

    const { keys } = JSON.parse((await doppel(["key", "ls", "--data", data, "--json"])).stdout);
    const python = "import sqlite3,sys; sqlite3.connect(sys.argv[1]).executescript(sys.argv[2])";
    const record = (key) =>
        `CREATE TABLE IF NOT EXISTS test_record(kind TEXT, id TEXT, body TEXT);
         INSERT INTO test_record VALUES('person', 'ada', 'sealed:v1:${key}:AAAA')`;
    await run("python3", ["-c", python, join(data, "catalog.db"), record(keys[0].id)]);
    assert.deepEqual((await doctor(data)).of("key-use"), []);
    appendFileSync(file, word(2021, "B"));
    assert.deepEqual((await doctor(data)).of("key-use"), ["warning"], "under the older one");
    writeFileSync(file, word(2021, "B"));
    const missing = await doctor(data);
    assert.deepEqual(missing.of("key-use"), ["error"]);
    assert.match(missing.what("key-use"), /1 secrets \(person ada\)/);
});

test("backups: none, old ones, in clear, on the same disk, gone, and what they left", async (t) => {
    const data = await stopped(t);
    const to = join(data, "..", "copy");
    await doppel(["backup", to, "--data", data]);
    const clear = await doctor(data);
    assert.deepEqual(clear.of("backup-age"), []);
    assert.deepEqual(clear.of("backup-clear"), ["note"]);
    assert.deepEqual(clear.of("backup-place"), ["warning"]);
    const identity = join(data, "..", "identity");
    const recipient = (await doppel(["key", "pair", identity])).stdout.trim();
    await doppel(["backup", `${to}-2`, "--data", data, "-r", recipient]);
    assert.deepEqual((await doctor(data)).of("backup-clear"), []);
    rmSync(`${to}-2`, { recursive: true });
    assert.deepEqual((await doctor(data)).of("backup-place"), ["unknown"]);
    const note = join(data, ".last-backup");
    const last = JSON.parse(readFileSync(note, "utf8"));
    writeFileSync(note, JSON.stringify({ ...last, made: "2024-01-01T00:00:00Z" }));
    assert.deepEqual((await doctor(data)).of("backup-age"), ["warning"]);
    writeFileSync(join(data, ".backup-999999999"), "");
    assert.deepEqual((await doctor(data)).of("backup-stage"), ["warning"]);
    writeFileSync(join(data, "restoring"), "");
    assert.deepEqual((await doctor(data)).of("half-restored"), ["error"]);
});

test("listeners that others reach, and a door that is open", async (t) => {
    const data = await stopped(t);
    const said = async (text) => {
        writeFileSync(join(data, "doppel.ini"), text, { mode: 0o600 });
        return doctor(data);
    };
    const near = await said("[server]\naccess = open\n");
    assert.deepEqual(near.of("access"), ["warning"]);
    const far = await said(
        "[server]\nhttp = 0.0.0.0:8080\nmqtt = [::]:1883\naccess = open\ninsecure-listen = true\n" +
            "[provision]\nlisteners = mqtt\n",
    );
    assert.deepEqual(far.of("access"), ["error"]);
    assert.deepEqual(far.of("clear-text"), ["error", "error"]);
    assert.deepEqual(far.of("insecure-listen"), ["warning"]);
    assert.deepEqual(far.of("provision"), ["note"]);
});

async function certificate(dir, name, ...args) {
    const [cert, key] = [join(dir, `${name}.pem`), join(dir, `${name}.key`)];
    const common = ["req", "-x509", "-nodes", "-subj", "/CN=x", "-keyout", key, "-out", cert];
    const r = await run("openssl", [...common, ...args]);
    assert.equal(r.code, 0, r.output);
    chmodSync(key, 0o600);
    return [cert, key];
}

test("certificates: dates, strength, names, and the key that belongs to it", async (t) => {
    const data = await stopped(t);
    const dir = temporary(t);
    const good = ["-newkey", "rsa:2048", "-addext", "subjectAltName=DNS:localhost"];
    const said = async ([cert, key]) => {
        const text = `[server]\nhttps = 127.0.0.1:0\n[tls]\ncert = ${cert}\nkey = ${key}\n`;
        writeFileSync(join(data, "doppel.ini"), text, { mode: 0o600 });
        return doctor(data);
    };
    const long = await certificate(dir, "long", ...good, "-days", "300");
    assert.deepEqual((await said(long)).of("certificate"), ["note"]);
    const short = await said(await certificate(dir, "short", ...good, "-days", "3"));
    assert.match(short.what("certificate"), /expires in [23] days/);
    const weak = await said(
        await certificate(dir, "weak", "-newkey", "rsa:1024", ...good.slice(2), "-days", "300"),
    );
    assert.match(weak.what("certificate"), /weak: 1024 bits/);
    const nameless = await said(
        await certificate(dir, "nameless", "-newkey", "rsa:2048", "-days", "300"),
    );
    assert.match(nameless.what("certificate"), /names no host/);
    const mixed = await said([long[0], join(dir, "short.key")]);
    assert.match(mixed.what("certificate"), /is not the key of/);
    chmodSync(long[1], 0o644);
    assert.deepEqual((await said(long)).of("key-files"), ["error"]);
    const none = await said([join(dir, "nowhere.pem"), long[1]]);
    assert.deepEqual(none.of("certificate"), ["error"]);
});

test("a running server is judged by its own command line, and asked whether it is well", async (t) => {
    const dir = temporary(t);
    mkdirSync(join(dir, "data"), { mode: 0o700 });
    const d = await start(t, { data: join(dir, "data"), args: ["--access", "open"] });
    const free = await doctor(d.data);
    assert.equal(free.server, d.pid);
    assert.deepEqual(free.of("access"), ["warning"]);
    assert.deepEqual(free.of("answers"), ["unknown"], "its port is a free one");
    assert.deepEqual(free.of("root"), process.getuid() === 0 ? ["warning"] : []);
    assert.doesNotMatch(free.what("sandbox"), /could gain privileges/);
    const { http, args } = d.options;
    await d.stop();
    d.options = { ...d.options, http: d.http, args: ["--access", "open", "--core-dumps"] };
    await d.start();
    const well = await doctor(d.data);
    assert.deepEqual(well.of("answers"), []);
    assert.deepEqual(well.of("core-dumps"), ["warning"]);
    process.kill(d.pid, "SIGSTOP");
    const stuck = await doctor(d.data).finally(() => process.kill(d.pid, "SIGCONT"));
    assert.deepEqual(stuck.of("answers"), ["error"]);
    d.options = { ...d.options, http, args };
});

test("people and tokens: administrators without a second factor, tokens without an end", async (t) => {
    const dir = temporary(t);
    mkdirSync(join(dir, "data"), { mode: 0o700 });
    const d = await start(t, { data: join(dir, "data"), access: "locked" });
    assert.deepEqual((await doctor(d.data)).of("administrators"), ["note"]);
    const c = await d.setup({ email: "ada@example.org" });
    const one = await doctor(d.data);
    assert.deepEqual(one.of("administrators"), []);
    assert.match(one.what("second-factor"), /1 administrators .*: ada@example\.org/);
    assert.deepEqual(one.of("tokens"), []);
    const made = await c.post("/api/v1/account/tokens", { name: "for-ever" });
    assert.equal(made.status, 201, made.text);
    const expires = new Date(Date.now() + 86_400_000).toISOString();
    await c.post("/api/v1/account/tokens", { name: "for-today", expires });
    const { secret } = (await c.post("/api/v1/account/totp")).body;
    await c.put("/api/v1/account/totp", { code: totp(secret) });
    const two = await doctor(d.data);
    assert.deepEqual(two.of("second-factor"), []);
    assert.match(two.what("tokens"), /^1 API tokens never expire: for-ever$/);
    await c.delete(`/api/v1/account/tokens/${made.body.id}`);
    assert.deepEqual((await doctor(d.data)).of("tokens"), []);
});

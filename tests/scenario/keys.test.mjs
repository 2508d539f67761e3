/* The keys under which secrets are sealed: made at the first start, yours alone, rotated, put back,
 * and told when one is missing.  Values are put into the catalog by hand, in the form that
 * src/crypto/seal.h tells. */

import assert from "node:assert/strict";
import { chmodSync, existsSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Client, doppel, PASSWORD, run, Server, start, temporary, until } from "../lib/doppel.mjs";
import { totp } from "../lib/totp.mjs";

const [OK, NO, USAGE, MISSING, REFUSED, FAILED] = [0, 1, 2, 4, 5, 6];

async function key(args, code = OK, options = {}) {
    const r = await doppel(["key", ...args], options);
    assert.equal(r.code, code, r.output);
    return r;
}

const ls = async (data, code = OK, options = {}) =>
    JSON.parse((await key(["ls", "--data", data, "--json"], code, options)).stdout).keys;

/* A record with a secret under this key, as far as anybody can see. */
async function seal(data, id, name) {
    const statements = [
        "CREATE TABLE IF NOT EXISTS test_record(kind TEXT, id TEXT, body TEXT)",
        `INSERT INTO test_record VALUES('person', '${name}', '{"totp":"sealed:v1:${id}:AAAA"}')`,
    ];
    const program = "import sqlite3, sys; sqlite3.connect(sys.argv[1]).executescript(sys.argv[2])";
    const file = join(data, "catalog.db");
    const r = await run("python3", ["-c", program, file, statements.join(";")]);
    assert.equal(r.code, 0, r.output);
}

test("a first start makes a key that is its owner's alone, and a second keeps it", async (t) => {
    const d = await start(t);
    const file = join(d.data, "secret.key");
    assert.equal(statSync(file).mode & 0o777, 0o600);
    const first = readFileSync(file, "utf8");
    assert.match(first, /^doppel-key-v1:[-0-9T:]+Z:[-_A-Za-z0-9]{43}$/m);
    assert.match(d.log, /info secrets: made the key [0-9a-f]{12}/);
    assert.doesNotMatch(d.log, /doppel-key-v1/);
    await d.restart();
    assert.equal(readFileSync(file, "utf8"), first);
    const [only, ...more] = await ls(d.data);
    assert.deepEqual(more, []);
    assert.deepEqual(
        { seals: only.seals, secrets: only.secrets, from: only.from },
        { seals: true, secrets: 0, from: file },
    );
});

test("keys rotate: the newest seals, what is used stays, what is not can go", async (t) => {
    const d = await start(t);
    const [{ id: first }] = await ls(d.data);
    await seal(d.data, first, "ada");
    await key(["rotate", "--data", d.data]);
    const keys = await ls(d.data);
    assert.deepEqual(
        keys.map((k) => [k.seals, k.secrets]),
        [
            [false, 1],
            [true, 0],
        ],
    );
    const r = await key(["rm", first, "--data", d.data], REFUSED);
    assert.match(r.stderr, /1 secrets are sealed under the key/);
    await key(["rm", first, "--lose", "--data", d.data]);
    await key(["rm", first, "--data", d.data], MISSING);
    assert.deepEqual(
        (await ls(d.data, NO)).map((k) => k.from !== null),
        [true, false],
    );
});

test("a seed is sealed anew at the next start, opens as before, and the old key can go", async (t) => {
    const d = await start(t, { access: "locked" });
    const email = "ada@example.org";
    const c = await d.setup({ email });
    const { secret } = (await c.post("/api/v1/account/totp")).body;
    const done = await c.put("/api/v1/account/totp", { code: totp(secret, -1) });
    assert.equal(done.status, 200, done.text);
    const [{ id: first, secrets }] = await ls(d.data);
    assert.equal(secrets, 1);
    await key(["rotate", "--data", d.data]);
    await key(["rm", first, "--data", d.data], REFUSED);
    await d.restart();
    await until("it is sealed anew", async () => (await ls(d.data))[1].secrets === 1);
    assert.equal((await ls(d.data))[0].secrets, 0);
    await key(["rm", first, "--data", d.data]);
    await d.restart();
    const again = new Client(d);
    const body = { email, password: PASSWORD };
    assert.equal((await again.post("/api/v1/session", body)).body.code, "second-factor-required");
    const signed = await again.post("/api/v1/session", { ...body, code: totp(secret) });
    assert.equal(signed.status, 201, signed.text);

    /* and without its key: the person is named, and a recovery code lets them in */
    await d.stop();
    rmSync(join(d.data, "secret.key"));
    d.log = "";
    await d.start();
    assert.match(d.log, /is not here, so 1 secrets .* \(person p_/);
    const lost = new Client(d);
    const refused = await lost.post("/api/v1/session", { ...body, code: totp(secret, 1) });
    assert.match(refused.text, /key that sealed it is missing/);
    const code = done.body.recoveryCodes[0];
    assert.equal((await lost.post("/api/v1/session", { ...body, code })).status, 201);
});

test("a server without a key that is needed starts, says what it cannot read, and takes it back", async (t) => {
    const d = await start(t);
    const dir = temporary(t);
    const file = join(d.data, "secret.key");
    const copy = join(dir, "copy.key");
    const [{ id }] = await ls(d.data);
    writeFileSync(copy, readFileSync(file), { mode: 0o600 });
    for (const name of ["ada", "bob"]) await seal(d.data, id, name);
    rmSync(file);
    d.log = "";
    await d.restart();
    assert.match(d.log, new RegExp(`error secrets: the key ${id} is not here, so 2 secrets`));
    assert.match(d.log, /\(person ada, person bob\)/);
    assert.match(d.log, /doppel key add FILE --data/);
    const [fresh] = await ls(d.data, NO);

    await key(["add", copy, "--data", d.data]);
    assert.deepEqual(
        (await ls(d.data)).map((k) => [k.id, k.seals]),
        [
            [id, false],
            [fresh.id, true],
        ],
        "the one that seals goes on",
    );
    d.log = "";
    await d.restart();
    assert.doesNotMatch(d.log, /error secrets/);
    await key(["add", join(dir, "nowhere"), "--data", d.data], MISSING);
});

test("a file that others may read, or with no key in it, is refused with what to do", async (t) => {
    const d = await start(t);
    const file = join(d.data, "secret.key");
    await d.stop();
    chmodSync(file, 0o640);
    const open = await doppel(["serve", "--data", d.data, "--http", "127.0.0.1:0"]);
    assert.equal(open.code, FAILED);
    assert.match(open.stderr, /can be read by others \(mode 640\).*chmod 600/s);
    chmodSync(file, 0o600);
    writeFileSync(file, "correct horse battery staple\n");
    const wrong = await doppel(["serve", "--data", d.data, "--http", "127.0.0.1:0"]);
    assert.equal(wrong.code, FAILED);
    assert.match(wrong.stderr, /line 1 has something that is no key/);
    assert.doesNotMatch(wrong.stderr, /battery/);
});

test("a key from elsewhere seals, and those in the data directory still open", async (t) => {
    const d = await start(t);
    const dir = temporary(t);
    const named = join(dir, "named.key");
    await key(["new", named]);
    await key(["new", named], USAGE);
    assert.equal(statSync(named).mode & 0o777, 0o600);
    const word = (await key(["new"])).stdout.trim();
    const options = { env: { DOPPEL_SECRET_KEY: word } };
    const keys = await ls(d.data, OK, options);
    assert.deepEqual(
        keys.map((k) => [k.from, k.seals]),
        [
            [join(d.data, "secret.key"), false],
            ["DOPPEL_SECRET_KEY", true],
        ],
    );
    await key(["rotate", "--data", d.data], REFUSED, options);
    await d.stop();
    const away = temporary(t);
    const other = new Server({
        data: join(away, "data"),
        args: ["--secret-key-file", named],
        env: { DOPPEL_SECRET_KEY: word },
    });
    t.after(() => other.stop());
    await other.start();
    assert.equal(existsSync(join(other.data, "secret.key")), false, "it needs none of its own");
    assert.doesNotMatch(readFileSync(`/proc/${other.pid}/environ`, "latin1"), /doppel-key-v1/);
    await other.stop();
    other.judge();
    const none = await doppel(["serve", "--data", away, "--secret-key-file", join(dir, "no")]);
    assert.match(none.stderr, /make one with: doppel key new/);
    assert.equal(none.code, FAILED);
});

test("a backup leaves the keys out", async (t) => {
    const d = await start(t);
    const dir = temporary(t);
    const to = join(dir, "copy");
    const r = await doppel(["backup", to, "--data", d.data]);
    assert.equal(r.code, OK, r.output);
    assert.equal(existsSync(join(to, "secret.key")), false);
    assert.doesNotMatch(readFileSync(join(to, "backup.json"), "utf8"), /secret\.key/);
    const data = join(dir, "again");
    const back = await doppel(["restore", to, "--data", data]);
    assert.match(back.stderr, /no secret\.key was in it.*doppel key add FILE --data/);
    await key(["add", join(d.data, "secret.key"), "--data", data]);
    assert.equal(statSync(join(data, "secret.key")).mode & 0o777, 0o600);
    assert.deepEqual(
        (await ls(data)).map((k) => k.id),
        (await ls(d.data)).map((k) => k.id),
    );
});

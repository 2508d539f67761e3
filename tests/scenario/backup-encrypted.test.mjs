/* Encrypted backups: who has the identity or the passphrase gets everything back, nobody else learns
 * anything, and whatever is changed, cut, exchanged or missing is found. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import {
    cpSync,
    existsSync,
    readdirSync,
    readFileSync,
    renameSync,
    rmSync,
    statSync,
    truncateSync,
    writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { doppel, start, temporary, until } from "../lib/doppel.mjs";
import { twin } from "../lib/profiles.mjs";

const [OK, NO, USAGE, FAILED] = [0, 1, 2, 6];

async function ok(args, code = OK, options = {}) {
    const r = await doppel(args, options);
    assert.equal(r.code, code, r.output);
    return r;
}

const check = async (dir, args = [], code = OK) =>
    JSON.parse((await ok(["check", dir, "--json", ...args], code)).stdout);

async function pair(dir, name) {
    const identity = join(dir, name);
    const recipient = (await ok(["key", "pair", identity])).stdout.trim();
    assert.match(recipient, /^doppel-recipient-v1:/);
    assert.equal(statSync(identity).mode & 0o777, 0o600);
    return { identity, recipient };
}

/* A server with a past, in which one text is easily found. */
async function server(t) {
    const d = await start(t);
    await d.create(twin("quicksilver-7", ["a"]));
    for (let n = 1; n <= 50; n++)
        await d.post("/api/v1/twins/quicksilver-7/readings", { timestamp: n * 1000, a: n });
    return d;
}

const files = (dir) =>
    readdirSync(dir, { withFileTypes: true }).flatMap((e) =>
        e.isDirectory()
            ? files(join(dir, e.name)).map((f) => join(e.name, f))
            : e.isFile()
              ? [e.name]
              : [],
    );

const sumOf = (file) => createHash("sha256").update(readFileSync(file)).digest("hex");

function flip(file, at) {
    const bytes = readFileSync(file);
    bytes[at < 0 ? bytes.length + at : at] ^= 0x40;
    writeFileSync(file, bytes);
}

test("who has the identity gets everything back, keys too, and nobody else learns a thing", async (t) => {
    const dir = temporary(t);
    const d = await server(t);
    const { identity, recipient } = await pair(dir, "mine");
    const other = await pair(dir, "other");
    const to = join(dir, "copy");
    const r = await ok(["backup", to, "--data", d.data, "-r", recipient]);
    assert.match(r.stdout, /as it was, encrypted/);
    assert.equal(r.stderr, "");
    for (const file of files(to)) {
        const bytes = readFileSync(join(to, file));
        assert.equal(bytes.includes("quicksilver"), false, file);
        if (file !== "backup.json") assert.equal(bytes.subarray(0, 8).toString(), "DPLSTRM1", file);
    }
    assert.deepEqual(
        readdirSync(d.data).filter((f) => f.startsWith(".backup")),
        [],
        "nothing in clear stays behind",
    );

    assert.deepEqual((await check(to)).opened, false);
    assert.deepEqual((await check(to, ["-i", identity])).opened, true);
    const stranger = await ok(["check", to, "-i", other.identity], NO);
    assert.match(stranger.stderr, /does not open it; it is for the identity of doppel-recipient/);
    const closed = await ok(["restore", to, "--data", join(dir, "x")], NO);
    assert.match(closed.stderr, new RegExp(`for the identity of ${recipient}`));
    assert.equal(existsSync(join(dir, "x", "catalog.db")), false);

    const data = join(dir, "again");
    await ok(["restore", to, "--data", data, "-i", identity]);
    assert.deepEqual(
        readFileSync(join(data, "secret.key")),
        readFileSync(join(d.data, "secret.key")),
    );
    assert.equal((await check(data)).errors, 0);
    const again = await start(t, { data });
    assert.deepEqual(
        (await again.allHistory("quicksilver-7", "a")).map(([, v]) => v),
        Array.from({ length: 50 }, (_, i) => i + 1),
    );
});

test("a passphrase opens it, a wrong one does not, and there can be several ways in", async (t) => {
    const dir = temporary(t);
    const d = await server(t);
    const { identity, recipient } = await pair(dir, "mine");
    const phrase = join(dir, "phrase");
    const wrong = join(dir, "wrong");
    writeFileSync(phrase, "correct horse battery staple\n", { mode: 0o600 });
    writeFileSync(wrong, "correct horse battery stable\n", { mode: 0o600 });
    const to = join(dir, "copy");
    await ok(["backup", to, "--data", d.data, "-r", recipient, "--passphrase-file", phrase]);
    assert.equal((await check(to, ["--passphrase-file", phrase])).opened, true);
    await ok(["check", to, "--passphrase-file", wrong], NO);
    assert.equal((await check(to, ["-i", identity])).opened, true);

    const short = join(dir, "short");
    writeFileSync(short, "secret\n", { mode: 0o600 });
    await ok(["backup", join(dir, "b"), "--data", d.data, "--passphrase-file", short], USAGE);
    writeFileSync(join(dir, "open"), "correct horse battery staple\n", { mode: 0o644 });
    const open = await ok(["check", to, "--passphrase-file", join(dir, "open")], FAILED);
    assert.match(open.stderr, /can be read by others/);
    const typo = `${recipient.slice(0, -1)}${recipient.endsWith("A") ? "B" : "A"}`;
    const r = await ok(["backup", join(dir, "b"), "--data", d.data, "-r", typo], USAGE);
    assert.match(r.stderr, /is no recipient/);
    assert.equal(existsSync(join(dir, "b.partial")), false);
});

test("locked anew, a backup opens for those that are named and for nobody else", async (t) => {
    const dir = temporary(t);
    const d = await server(t);
    const [a, b] = [await pair(dir, "a"), await pair(dir, "b")];
    const to = join(dir, "copy");
    await ok(["backup", to, "--data", d.data, "-r", a.recipient]);
    const held = readFileSync(join(to, "catalog.db"));
    await ok(["rekey", to, "-i", b.identity, "-r", b.recipient], NO);
    await ok(["rekey", to, "-i", a.identity], USAGE);
    await ok(["rekey", to, "-i", a.identity, "-r", b.recipient]);
    assert.deepEqual(readFileSync(join(to, "catalog.db")), held, "files stay as they are");
    await ok(["check", to, "-i", a.identity], NO);
    assert.equal((await check(to, ["-i", b.identity])).opened, true);
    assert.equal((await check(to)).errors, 0);
});

test("whatever is changed, cut, exchanged or missing is found, with a key and without", async (t) => {
    const dir = temporary(t);
    const d = await server(t);
    await d.restart(); /* so that there is something in history.db */
    const { identity, recipient } = await pair(dir, "mine");
    const [one, two] = [join(dir, "one"), join(dir, "two")];
    for (const to of [one, two]) await ok(["backup", to, "--data", d.data, "-r", recipient]);
    const outer = (to) => JSON.parse(readFileSync(join(to, "backup.json"), "utf8"));
    const damages = {
        "a bit at the head": (c) => flip(join(c, "catalog.db"), 20),
        "a bit at the end": (c) => flip(join(c, "history.db"), -1),
        "a cut": (c) => truncateSync(join(c, "catalog.db"), 65_536 + 17 + 32),
        "a missing file": (c) => rmSync(join(c, "history.db")),
        "two that changed places": (c) => {
            renameSync(join(c, "catalog.db"), join(c, "swap"));
            renameSync(join(c, "history.db"), join(c, "catalog.db"));
            renameSync(join(c, "swap"), join(c, "history.db"));
        },
        "one of another backup": (c) => cpSync(join(two, "catalog.db"), join(c, "catalog.db")),
        "the manifest of another": (c) =>
            cpSync(join(two, "manifest.sealed"), join(c, "manifest.sealed")),
    };
    for (const [what, damage] of Object.entries(damages)) {
        const c = join(dir, what.replaceAll(" ", "-"));
        cpSync(one, c, { recursive: true });
        damage(c);
        await ok(["check", c], NO);
        await ok(["check", c, "-i", identity], NO);
        await ok(["restore", c, "--data", join(dir, "x"), "-i", identity], NO);
        assert.equal(existsSync(join(dir, "x", "catalog.db")), false);

        /* and when the list in clear was made to fit it */
        if (what === "a missing file" || what === "the manifest of another") continue;
        const m = outer(c);
        for (const f of m.files) {
            const at = join(c, f.path);
            Object.assign(f, { bytes: statSync(at).size, sha256: sumOf(at) });
        }
        writeFileSync(join(c, "backup.json"), JSON.stringify(m));
        await ok(["check", c], OK);
        await ok(["check", c, "-i", identity], NO);
        await ok(["restore", c, "--data", join(dir, "x"), "-i", identity], NO);
    }
});

test("one in clear is not taken for an encrypted one", async (t) => {
    const dir = temporary(t);
    const d = await server(t);
    const { identity } = await pair(dir, "mine");
    const to = join(dir, "copy");
    await ok(["backup", to, "--data", d.data]);
    const r = await ok(["restore", to, "--data", join(dir, "x"), "-i", identity], USAGE);
    assert.match(r.stderr, /is not encrypted, though a key for it was given/);
    await ok(["check", to, "-i", identity], USAGE);
    const none = await ok(["rekey", to, "-i", identity, "-r", "x"], USAGE);
    assert.match(none.stderr, /not encrypted/);
});

test("an encrypted backup under load has all that was acknowledged before it began", async (t) => {
    const dir = temporary(t);
    const d = await start(t);
    await d.create(twin("b-1", ["a"]));
    const { identity, recipient } = await pair(dir, "mine");
    let acked = 0;
    let stopped = false;
    const writing = (async () => {
        for (let n = 1; !stopped; n++) {
            await d.post("/api/v1/twins/b-1/readings", { timestamp: n * 1000, a: n });
            acked = n;
        }
    })();
    await until("some readings", () => acked > 100);
    for (let round = 0; round < 2; round++) {
        const before = acked;
        const to = join(dir, `copy-${round}`);
        const data = join(dir, `data-${round}`);
        await ok(["backup", to, "--data", d.data, "-r", recipient]);
        await ok(["restore", to, "--data", data, "-i", identity]);
        assert.equal((await check(data)).errors, 0);
        const again = await start(t, { data });
        const values = (await again.allHistory("b-1", "a")).map(([, v]) => v);
        assert.deepEqual(
            values.slice(0, before),
            Array.from({ length: before }, (_, i) => i + 1),
        );
        await again.stop();
    }
    stopped = true;
    await writing;
});

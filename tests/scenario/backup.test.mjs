/* backup, restore, check: a copy made under load holds all that was acknowledged before, whatever is
 * damaged is found, and nothing is written where something is. */

import assert from "node:assert/strict";
import {
    cpSync,
    existsSync,
    mkdirSync,
    readdirSync,
    readFileSync,
    statSync,
    writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { doppel, start, temporary, until } from "../lib/doppel.mjs";
import { twin } from "../lib/profiles.mjs";

const [OK, NO, USAGE, MISSING] = [0, 1, 2, 4];

async function ok(args, code = OK) {
    const r = await doppel(args);
    if (code !== null) assert.equal(r.code, code, r.output);
    return r;
}

const check = async (dir, code = OK) =>
    JSON.parse((await ok(["check", dir, "--json"], code)).stdout);

/* Posts numbered readings until it is told to stop; .acked is the last that was acknowledged. */
function writer(d, id) {
    const w = { acked: 0, stopped: false };
    w.done = (async () => {
        for (let n = 1; !w.stopped; n++) {
            const body = Array.from({ length: 20 }, (_, i) => ({
                timestamp: (n * 20 + i) * 1000,
                a: n * 20 + i,
            }));
            const r = await d.post(`/api/v1/twins/${id}/readings`, body);
            assert.equal(r.status, 200, r.text);
            w.acked = n * 20 + 19;
        }
    })();
    return w;
}

test("a backup under load has all that was acknowledged before it began", async (t) => {
    const d = await start(t);
    const dir = temporary(t);
    await d.create(twin("b-1", ["a"]));
    const w = writer(d, "b-1");
    await until("some readings", () => w.acked > 200);
    for (let round = 0; round < 3; round++) {
        const to = join(dir, `backup-${round}`);
        const before = w.acked;
        const r = await ok(["backup", to, "--data", d.data, "--json"]);
        const said = JSON.parse(r.stdout);
        assert.equal(said.backup, to);
        assert.ok(said.files >= 3 && said.bytes > 0);
        assert.equal((await check(to)).errors, 0);

        const data = join(dir, `data-${round}`);
        await ok(["restore", to, "--data", data]);
        assert.equal((await check(data)).errors, 0);
        const again = await start(t, { data });
        const points = await again.allHistory("b-1", "a");
        const values = points.map(([, v]) => v);
        assert.deepEqual(
            values.slice(0, before - 19),
            Array.from({ length: before - 19 }, (_, i) => i + 20),
            "what was acknowledged is there, once",
        );
        assert.equal((await again.post("/api/v1/twins/b-1/readings", { a: 1 })).status, 200);
        await again.stop();
    }
    assert.equal((await check(d.data)).errors, 0, "a directory in use can be checked");
    w.stopped = true;
    await w.done;
});

test("what cannot be is refused, and nothing is left behind", async (t) => {
    const dir = temporary(t);
    const d = await start(t);
    await d.create(twin("b-2", ["a"]));
    await d.post("/api/v1/twins/b-2/readings", { a: 1 });
    const to = join(dir, "one");
    await ok(["backup", to, "--data", d.data]);
    assert.match((await ok(["backup", to, "--data", d.data], USAGE)).stderr, /is there already/);
    assert.match(
        (await ok(["backup", join(dir, "two"), "--data", dir], MISSING)).stderr,
        /catalog\.db/,
    );
    assert.equal(existsSync(join(dir, "two")), false);
    assert.equal(existsSync(join(dir, "two.partial")), false);
    assert.match(
        (await ok(["restore", dir, "--data", join(dir, "x")], MISSING)).stderr,
        /no backup/,
    );
    const full = join(dir, "full");
    mkdirSync(full);
    writeFileSync(join(full, "mine"), "precious");
    assert.match((await ok(["restore", to, "--data", full], USAGE)).stderr, /not empty/);
    assert.equal(readFileSync(join(full, "mine"), "utf8"), "precious");
    const busy = await doppel(["restore", to, "--data", d.data]);
    assert.match(busy.stderr, /in use by process/);
    await ok(["check", join(dir, "nowhere")], MISSING);
    assert.equal(statSync(to).mode & 0o777, 0o700, "nobody else may read it");
});

function flip(file, at) {
    const bytes = readFileSync(file);
    bytes[at] ^= 0x40;
    writeFileSync(file, bytes);
}

test("a damaged backup is not restored, and check says what is damaged", async (t) => {
    const dir = temporary(t);
    const d = await start(t);
    await d.create(twin("b-3", ["a"]));
    for (let n = 1; n <= 30; n++)
        await d.post("/api/v1/twins/b-3/readings", { timestamp: n * 1000, a: n });
    const live = join(dir, "live");
    await ok(["backup", live, "--data", d.data]);
    await d.stop(); /* now all of it is in history */
    const good = join(dir, "good");
    await ok(["backup", good, "--data", d.data]);

    const manifest = JSON.parse(readFileSync(join(good, "backup.json"), "utf8"));
    assert.ok(manifest.files.some((f) => f.path === "history.db"));
    for (const { path, bytes } of manifest.files.filter((f) => f.bytes > 0)) {
        const bad = join(dir, `bad-${path.replace("/", "-")}`);
        cpSync(good, bad, { recursive: true });
        flip(join(bad, path), Math.floor(bytes / 2));
        const r = await check(bad, NO);
        assert.ok(r.findings.some((f) => f.where === "backup.json" && f.message.includes(path)));
        const refused = await ok(["restore", bad, "--data", join(dir, "never")], NO);
        assert.match(refused.stderr, /SHA-256/);
        assert.equal(existsSync(join(dir, "never/catalog.db")), false, "nothing was written");
    }

    /* without a manifest it is a data directory, and its own checks must find it */
    const loose = join(dir, "loose");
    await ok(["restore", live, "--data", loose]);
    const [segment] = readdirSync(join(loose, "journal")).filter((f) => f.startsWith("journal-"));
    flip(join(loose, "journal", segment), 4096 + 60); /* inside the first frame */
    const r = await check(loose, NO);
    assert.ok(
        r.findings.some((f) => f.severity === "error" && f.message.includes(segment)),
        JSON.stringify(r.findings),
    );
    const chunky = join(dir, "chunky");
    await ok(["restore", good, "--data", chunky]);
    const history = readFileSync(join(chunky, "history.db"));
    const used = [...history.keys()].filter((at) => history[at] !== 0);
    let found = 0;
    for (let i = 1; i <= 16; i++) {
        const at = used[Math.floor((used.length * i) / 17)];
        flip(join(chunky, "history.db"), at);
        found += (await check(chunky, null)).errors > 0;
        flip(join(chunky, "history.db"), at);
    }
    assert.ok(found >= 8, `of 16 flipped bytes only ${found} were noticed`);
    assert.equal((await check(chunky)).errors, 0);
});

test("a manifest cannot lead out of its directory", async (t) => {
    const dir = temporary(t);
    const d = await start(t);
    const to = join(dir, "one");
    await ok(["backup", to, "--data", d.data]);
    const manifest = JSON.parse(readFileSync(join(to, "backup.json"), "utf8"));
    for (const path of [
        "../evil",
        "/tmp/evil",
        "a//c",
        "1/2/3/4/5/6/7/8/9/ten",
        "journal/../../x",
        "",
        ".hidden",
        "tls/",
    ]) {
        const files = [...manifest.files, { path, bytes: 1, sha256: "0".repeat(64) }];
        writeFileSync(join(to, "backup.json"), JSON.stringify({ ...manifest, files }));
        const r = await ok(["restore", to, "--data", join(dir, "x")], NO);
        assert.match(r.stderr, /means nothing/);
    }
    writeFileSync(join(to, "backup.json"), JSON.stringify({ ...manifest, format: 99 }));
    assert.match((await ok(["restore", to, "--data", join(dir, "x")], NO)).stderr, /newer Doppel/);
    assert.equal(existsSync(join(dir, "evil")), false);
});

test("folders are copied as deep as they are, private keys only when asked for", async (t) => {
    const dir = temporary(t);
    const d = await start(t);
    const deep = join(d.data, "ca", "issued", "2026");
    mkdirSync(deep, { recursive: true });
    writeFileSync(join(deep, "device-1.pem"), "certificate");
    writeFileSync(join(d.data, "ca", "ca-key.pem"), "private");
    const bare = await ok(["backup", join(dir, "bare"), "--data", d.data]);
    assert.match(bare.stderr, /left out: secret\.key, ca\/ca-key\.pem/);
    assert.equal(existsSync(join(dir, "bare", "ca", "ca-key.pem")), false);
    const full = await ok(["backup", join(dir, "full"), "--data", d.data, "--with-keys"]);
    assert.doesNotMatch(full.stderr, /left out/);
    await ok(["restore", join(dir, "full"), "--data", join(dir, "again")]);
    for (const file of ["ca/issued/2026/device-1.pem", "ca/ca-key.pem", "secret.key"])
        assert.deepEqual(readFileSync(join(dir, "again", file)), readFileSync(join(d.data, file)));
});

test("a backup is not made inside of what it copies, nor with another inside", async (t) => {
    const dir = temporary(t);
    const d = await start(t);
    const within = await ok(["backup", join(d.data, "b"), "--data", d.data], USAGE);
    assert.match(within.stderr, /inside the data directory/);
    mkdirSync(join(d.data, "copies"));
    const deeper = await ok(["backup", join(d.data, "copies", "b"), "--data", d.data], USAGE);
    assert.match(deeper.stderr, /inside the data directory/);
    assert.deepEqual(readdirSync(join(d.data, "copies")), []);
    const one = join(dir, "one");
    await ok(["backup", one, "--data", d.data]);
    const inner = await ok(["backup", join(one, "two"), "--data", d.data], USAGE);
    assert.match(inner.stderr, /inside the backup/);
    cpSync(one, join(d.data, "copies", "one"), { recursive: true });
    const nested = await ok(["backup", join(dir, "two"), "--data", d.data], USAGE);
    assert.match(nested.stderr, /copies\/one is a backup inside the data directory; move it out/);
    assert.equal(existsSync(join(dir, "two.partial")), false);
});

/* compact: the same readings in less room, at any moment the old file or the new one. */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { cpSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { BIN, doppel, start, temporary } from "../lib/doppel.mjs";
import { twin } from "../lib/profiles.mjs";

const [OK, NO, MISSING, FAILED] = [0, 1, 4, 6];

async function ok(args, code = OK) {
    const r = await doppel(args);
    assert.equal(r.code, code, r.output);
    return r;
}

const compact = async (dir, ...more) =>
    JSON.parse((await ok(["compact", "--data", dir, "--json", ...more])).stdout);

const check = async (dir, code = OK) =>
    JSON.parse((await ok(["check", dir, "--json"], code)).stdout);

const size = (dir) => statSync(join(dir, "history.db")).size;

async function put(d, id, points) {
    const body = points.map(([timestamp, more]) => ({ timestamp, ...more }));
    const r = await d.post(`/api/v1/twins/${id}/readings`, body);
    assert.equal(r.status, 200, r.text);
}

/* Everything that can be read, of all kinds. */
async function everything(d, ids) {
    const all = {};
    for (const id of ids)
        for (const sensor of ["a", "word"]) {
            all[`${id}/${sensor}`] = await d.allHistory(id, sensor);
            const hours =
                "from=2024-01-01T00:00:00Z&to=2024-02-01T00:00:00Z&every=1h&fn=mean,count";
            all[`${id}/${sensor}/hours`] =
                sensor === "a" ? (await d.history(id, sensor, hours)).points : null;
        }
    return all;
}

/* Many short visits, each of which leaves chunks; late ones and corrections among them. */
const START = Date.UTC(2024, 0, 1);

async function live(t, data, ids) {
    for (let visit = 0; visit < 6; visit++) {
        const d = await start(t, { data });
        for (const id of ids) {
            if (visit === 0)
                await d.create({
                    ...twin(id, { a: {}, word: { type: "state", unit: "none" } }),
                    dataStorage: {
                        historicalData: { retentionPeriod: "50y", compressionLevel: "high" },
                    },
                });
            const at = (i) => START + (visit * 1500 + i) * 1000;
            const points = Array.from({ length: 1500 }, (_, i) => [
                at(i),
                i % 40 ? { a: (i * 7919) % 100 } : { a: i / 4, word: `w${i % 7}` },
            ]);
            await put(d, id, points);
            await put(
                d,
                id,
                [...Array(200).keys()].map((i) => [START + i * 30_000, { a: visit + i }]),
            );
        }
        await d.stop();
    }
}

test("the same in less room", async (t) => {
    const data = temporary(t);
    const ids = ["c-1", "c-2"];
    await live(t, data, ids);
    let d = await start(t, { data });
    assert.match((await ok(["compact", "--data", data], FAILED)).stderr, /in use by process/);
    await d.create(twin("c-gone", ["a"]));
    await put(
        d,
        "c-gone",
        [...Array(500).keys()].map((i) => [START + i * 1000, { a: i }]),
    );
    const before = await everything(d, ids);
    await d.stop();

    const bytes = size(data);
    const would = await compact(data, "--dry-run");
    assert.equal(size(data), bytes, "a dry run leaves the file");
    assert.deepEqual((await check(data)).findings, []);
    const did = await compact(data);
    assert.equal(size(data), did.after.historyBytes);
    assert.deepEqual(did.after.historyBytes, would.after.historyBytes);
    assert.ok(did.after.historyBytes < did.before.historyBytes, JSON.stringify(did));
    assert.ok(did.after.chunks < did.before.chunks, JSON.stringify(did));
    assert.equal(did.superseded, did.before.points - did.after.points);
    assert.ok(did.superseded > 0, JSON.stringify(did));
    assert.equal(did.damagedSeries + did.orphanSeries, 0);
    assert.deepEqual((await check(data)).findings, []);
    assert.deepEqual(
        readdirSync(data).filter((f) => /history/.test(f)),
        ["history.db"],
    );
    assert.equal(statSync(join(data, "history.db")).mode & 0o777, 0o600);

    d = await start(t, { data });
    assert.deepEqual(await everything(d, ids), before);
    /* and life goes on: new, late and corrected readings find their places */
    await put(d, "c-1", [
        [START + 9_000_000, { a: 1000 }],
        [START + 500, { a: 1001 }],
        [START, { a: 1002 }],
    ]);
    await d.restart();
    const now = await d.allHistory("c-1", "a");
    const want = new Map(before["c-1/a"]);
    for (const [time, value] of [
        [START, 1002],
        [START + 500, 1001],
        [START + 9_000_000, 1000],
    ])
        want.set(time, value);
    assert.deepEqual(
        now,
        [...want].sort((a, b) => a[0] - b[0]),
    );
});

test("what is left of a deleted twin goes, and is said; what has damage stays", async (t) => {
    const data = temporary(t);
    const other = temporary(t);
    const d = await start(t, { data });
    await d.create(twin("c-3", ["a"]));
    await put(
        d,
        "c-3",
        [...Array(3000).keys()].map((i) => [START + i * 1000, { a: i * 1.25 }]),
    );
    await d.create(twin("c-4", ["a"]));
    await put(
        d,
        "c-4",
        [...Array(3000).keys()].map((i) => [START + i * 1000, { a: i / 7 }]),
    );
    await d.stop();
    cpSync(data, other, { recursive: true });
    const e = await start(t, { data });
    assert.equal((await e.send("DELETE", "/api/v1/twins/c-4")).status, 204);
    await e.stop();
    /* as if the power had gone between the two */
    cpSync(join(other, "history.db"), join(data, "history.db"));
    assert.match((await check(data)).findings[0].message, /a deletion was cut short/);
    const r = await ok(["compact", "--data", data]);
    assert.match(r.stderr, /1 series whose twins were deleted \(3000 readings\)/);
    assert.deepEqual((await check(data)).findings, []);

    /* in the other one the bytes of a chunk are flipped */
    const file = join(other, "history.db");
    const bytes = readFileSync(file);
    const before = await check(other);
    let at = bytes.length;
    do {
        bytes[--at] ^= 0x40;
        writeFileSync(file, bytes);
        const said = JSON.parse((await doppel(["check", other, "--json"])).stdout).findings;
        if (
            said.length === 1 &&
            /^chunk \d+ of series \d+: it does not check$/.test(said[0].message)
        )
            break;
        bytes[at] ^= 0x40;
        at -= 499;
    } while (at > 0);
    assert.ok(at > 0, "no byte of a chunk was found");
    const damaged = await ok(["compact", "--data", other], NO);
    assert.match(damaged.stderr, /series \d has something damaged and stays as it is/);
    const after = await check(other, NO);
    assert.equal(after.errors, 1);
    assert.equal(after.points, before.points, "what cannot be read is still there");
});

test("kill -9 in the middle does no harm", async (t) => {
    const data = temporary(t);
    const ids = ["c-5"];
    await live(t, data, ids);
    let d = await start(t, { data });
    const before = await everything(d, ids);
    await d.stop();
    const { chunks } = await check(data);
    for (let round = 0; round < 12; round++) {
        const child = spawn(BIN, ["compact", "--data", data, ...(round % 2 ? ["--dry-run"] : [])]);
        const ended = new Promise((r) => child.on("close", r));
        /* from before it has begun to after its end */
        const far = () => existsSync(join(data, "history.db.compact"));
        for (let i = 0; i < 3000 && !far() && child.exitCode === null; i++)
            await new Promise((r) => setTimeout(r, 1));
        await new Promise((r) => setTimeout(r, round * 3));
        child.kill("SIGKILL");
        await ended;
        assert.deepEqual((await check(data)).findings, []);
    }
    d = await start(t, { data });
    assert.deepEqual(await everything(d, ids), before);
    assert.equal(existsSync(join(data, "history.db.compact")), false, "a start cleans up");
    await d.stop();
    const { after } = await compact(data);
    assert.ok(after.chunks < chunks, `${after.chunks} chunks instead of ${chunks}`);
});

test("what is no data directory is not made one", async (t) => {
    const dir = join(temporary(t), "nothing");
    assert.match((await ok(["compact", "--data", dir], MISSING)).stderr, /no data directory/);
    assert.equal(existsSync(dir), false);
});

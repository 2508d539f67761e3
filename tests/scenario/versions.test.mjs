/* What profiles and documents were: versions with author, time and reason; differences; restore. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { doppel, start } from "../lib/doppel.mjs";
import { twin } from "../lib/profiles.mjs";

const T = "/api/v1/twins";
const TYPES = "/api/v1/types";

const refused = (r, code, sentence) => {
    assert.equal(r.body?.code, code, r.text);
    if (sentence) assert.match(r.body.detail, sentence);
};

async function town(t) {
    const d = await start(t, { access: "locked" });
    const root = await d.setup({ email: "root@example.org" });
    await root.must("PATCH", "/api/v1/account", { name: "Ada" });
    await root.must("POST", "/api/v1/organizations", { id: "acme", name: "Acme" });
    const join = (role, organization) =>
        d.join(root, { role, email: `${role}@${organization}.org`, organization });
    return {
        d,
        root,
        vi: await join("viewer", "home"),
        ed: await join("editor", "home"),
        bo: await join("administrator", "acme"),
    };
}

const patch = (who, path, body, reason) =>
    who.send("PATCH", path, body, "application/merge-patch+json", {
        ...(reason && { "doppel-reason": reason }),
    });

test("every change of a profile is a version with who, when and why", async (t) => {
    const { d, root, vi, ed, bo } = await town(t);
    const before = Date.now();
    assert.equal((await root.post(T, twin("pump-1", { temp: {} }))).status, 201);
    assert.equal((await patch(ed, `${T}/pump-1`, { name: "B" }, "better name")).status, 200);
    assert.equal((await patch(ed, `${T}/pump-1`, { name: "B" })).status, 200, "nothing new");
    assert.equal((await patch(root, `${T}/pump-1?reason=third`, { name: "C" })).status, 200);
    const list = await vi.get(`${T}/pump-1/versions`);
    assert.equal(list.status, 200, list.text);
    assert.deepEqual(
        list.body.versions.map((v) => [v.n, v.by.name, v.reason, v.current, v.gone]),
        [
            [3, "Ada", "third", true, false],
            [2, "editor", "better name", false, false],
            [1, "Ada", "", false, false],
        ],
    );
    for (const v of list.body.versions) assert.ok(Date.parse(v.time) >= before - 1000, v.time);
    const page = await vi.get(`${T}/pump-1/versions?limit=1`);
    assert.deepEqual([page.body.versions.length, page.body.next], [1, 3]);
    const rest = await vi.get(`${T}/pump-1/versions?cursor=3`);
    assert.deepEqual([rest.body.versions[0].n, rest.body.next], [2, null]);
    const first = await vi.get(`${T}/pump-1/versions/1`);
    assert.equal(first.body.document.name, twin("pump-1", {}).name);
    assert.equal((await vi.get(`${T}/pump-1/versions/3`)).body.document.name, "C");
    const diff = await vi.get(`${T}/pump-1/diff?from=2`);
    assert.deepEqual(diff.body, {
        from: 2,
        to: 3,
        changes: [{ pointer: "/name", before: "B", after: "C" }],
    });
    refused(await vi.get(`${T}/pump-1/versions/9`), "not-found", /no such version/);
    refused(await vi.get(`${T}/pump-1/versions/x`), "not-found");
    refused(await vi.get(`${T}/pump-1/diff`), "invalid", /from/);
    refused(await bo.get(`${T}/pump-1/versions`), "unknown-twin");
    refused(await bo.get(`${T}/home~pump-1/versions`), "unknown-twin");
    const log = await root.get("/api/v1/audit?object=twin:pump-1");
    assert.deepEqual(
        log.body.entries.map((e) => e.detail ?? ""),
        ["third", "", "better name", ""],
    );
    const long = await patch(ed, `${T}/pump-1`, { name: "D" }, "x".repeat(501));
    refused(long, "invalid", /reason/);
    await d.restart();
    const again = await vi.get(`${T}/pump-1/versions`);
    assert.deepEqual(again.body, list.body);
});

test("a profile becomes what it was, also when the twin is gone", async (t) => {
    const { root, vi, ed } = await town(t);
    const at = `${T}/pump-1`;
    const restore = (who, version, headers) =>
        who.send("POST", `${at}/restore`, { version, reason: "back" }, "application/json", headers);
    await root.must("POST", T, twin("pump-1", { temp: {}, flow: {} }));
    const kept = (await root.get(`${at}?live=false`)).body;
    await patch(ed, at, { name: "B", sensors: [{ id: "temp" }] });
    refused(await restore(vi, 1), "forbidden");
    refused(await restore(ed, 7), "not-found");
    refused(await ed.post(`${at}/restore`, { version: "1" }), "invalid", /number/);
    refused(await restore(ed, 1, { "if-match": '"x"' }), "precondition");
    const done = await restore(ed, 1);
    assert.equal(done.status, 200, done.text);
    assert.deepEqual((await vi.get(`${at}?live=false`)).body, kept);
    const [newest] = (await vi.get(`${at}/versions`)).body.versions;
    assert.deepEqual([newest.n, newest.reason, newest.by.name], [3, "back", "editor"]);
    assert.equal((await ed.delete(`${at}?reason=sold`)).status, 204);
    refused(await vi.get(`${at}/versions`), "unknown-twin");
    const gone = await ed.get(`${at}/versions`);
    assert.deepEqual(
        gone.body.versions.slice(0, 2).map((v) => [v.n, v.gone, v.current, v.reason]),
        [
            [4, true, false, "sold"],
            [3, false, false, "back"],
        ],
    );
    assert.equal((await ed.get(`${at}/versions/4`)).body.document, null);
    refused(await restore(ed, 4), "conflict", /deleted/);
    const made = await restore(ed, 3);
    assert.equal(made.status, 201, made.text);
    assert.deepEqual((await vi.get(`${at}?live=false`)).body, kept);
    assert.equal((await vi.get(`${at}/versions`)).body.versions[0].n, 5);
});

test("types are documents: made, replaced, patched, deleted, with conditions", async (t) => {
    const { d, root, vi, ed, bo } = await town(t);
    const at = `${TYPES}/Pump`;
    const made = await ed.post(TYPES, { id: "Pump", name: "Pump" });
    assert.equal(made.status, 201, made.text);
    assert.equal(made.headers.get("location"), at);
    refused(await ed.post(TYPES, { id: "Pump" }), "exists");
    refused(await ed.post(TYPES, { id: "not an id" }), "invalid", /"id"/);
    refused(await ed.post(TYPES, [1]), "invalid", /object/);
    refused(await ed.put(at, { id: "Fan" }), "invalid", /cannot be changed/);
    refused(await vi.put(at, { name: "x" }), "forbidden");
    refused(await bo.get(at), "not-found");
    const read = await vi.get(at);
    const etag = read.headers.get("etag");
    const same = await vi.send("GET", at, undefined, undefined, { "if-none-match": etag });
    assert.equal(same.status, 304);
    assert.deepEqual(read.body, { id: "Pump", name: "Pump" });
    const put = (body, headers) => ed.send("PUT", at, body, "application/json", headers);
    assert.equal((await put({ name: "Water pump" }, { "if-match": etag })).status, 200);
    refused(await put({ name: "Other" }, { "if-match": etag }), "precondition");
    refused(await put({ name: "Other" }, { "if-none-match": "*" }), "precondition");
    assert.equal((await patch(ed, at, { description: "Moves" })).status, 200);
    assert.deepEqual(
        (await vi.get(TYPES)).body.types.map((x) => [x.id, x.version]),
        [["Pump", 3]],
    );
    assert.deepEqual((await bo.get(TYPES)).body.types, []);
    const diff = await vi.get(`${at}/diff?from=1&to=3`);
    assert.deepEqual(diff.body.changes, [
        { pointer: "/name", before: "Pump", after: "Water pump" },
        { pointer: "/description", after: "Moves" },
    ]);
    const back = await ed.post(`${at}/restore`, { version: 1 });
    assert.deepEqual(back.body, { id: "Pump", name: "Pump" });
    assert.equal((await ed.delete(at)).status, 204);
    refused(await vi.get(at), "not-found");
    refused(await ed.delete(at), "not-found");
    await d.restart();
    const versions = (await vi.get(`${at}/versions`)).body.versions;
    assert.equal(versions[0].gone, true);
    const second = await vi.get(`${at}?at=${versions.at(-2).time}`);
    assert.equal(second.body.name, "Water pump", second.text);
    refused(await vi.get(`${at}?at=2001-01-01T00:00:00Z`), "not-found", /at that time/);
    refused(await vi.get(`${at}?at=${new Date().toISOString()}`), "not-found");
    assert.equal((await ed.post(`${at}/restore`, { version: 3 })).status, 201);
    const log = await root.get("/api/v1/audit?object=type:Pump");
    assert.equal(log.body.entries.length, 6, log.text);
});

test("the command line lists, compares and restores", async (t) => {
    const d = await start(t);
    const at = ["--server", d.url];
    await d.post(T, twin("pump-1", { temp: {} }));
    await d.send("PATCH", `${T}/pump-1?reason=better`, { name: "B" });
    const list = await doppel(["twin", "versions", "pump-1", ...at]);
    assert.match(list.stdout, /2 .*now +better/);
    const diff = await doppel(["twin", "diff", "pump-1", "1", ...at]);
    assert.match(diff.stdout, /\/name\n {2}- "Twin pump-1"\n {2}\+ "B"/);
    assert.equal((await doppel(["twin", "diff", "pump-1", "x", ...at])).code, 2);
    const back = await doppel(["twin", "restore", "pump-1", "1", "--reason", "no", ...at]);
    assert.equal(back.code, 0, back.stderr);
    assert.equal((await d.get(`${T}/pump-1`)).body.name, "Twin pump-1");
    const same = await doppel(["twin", "diff", "pump-1", "1", "3", ...at]);
    assert.match(same.stdout, /no difference/);
    assert.notEqual((await doppel(["twin", "versions", "none", ...at])).code, 0);
});

test("a twin is read as it was: profile, sensors, values and levels of that time", async (t) => {
    const { d, root, vi, ed, bo } = await town(t);
    const at = `${T}/pump-1`;
    const then = (path, when) => vi.get(`${at}${path}?at=${encodeURIComponent(when)}`);
    const now = () => new Date().toISOString();
    const wait = () => new Promise((r) => setTimeout(r, 20));
    const before = now();
    await wait();
    const sensors = { temp: { normalRange: [10, 80], criticalRange: [90, 120] }, word: {} };
    sensors.word = { type: "text", unit: "text" };
    const edges = [{ kind: "feeds", target: "pump-1", properties: { m: 1 } }];
    await root.must("POST", T, { ...twin("pump-1", sensors), "doppel:relationships": edges });
    const send = (body) => root.must("POST", `${at}/readings`, body);
    await send({ temp: { value: 50, timestamp: now() }, word: "one" });
    await wait();
    const first = now();
    await wait();
    await patch(ed, at, {
        name: "B",
        "doppel:relationships": null,
        sensors: [{ id: "temp", unit: "celsius", normalRange: [10, 40] }],
    });
    await send({ temp: { value: 45, timestamp: now() } });
    await wait();
    const second = now();
    await wait();
    await send({ temp: 95 });
    await d.restart();
    const was = (await then("", first)).body;
    assert.equal(was.name, "Twin pump-1");
    assert.equal(was.sensors[0].currentValue, 50);
    assert.equal(was.sensors[1].currentValue, "one");
    const list = (await then("/sensors", first)).body.items;
    assert.deepEqual(
        list.map((s) => [s.id, s.value, s.level, s.state]),
        [
            ["temp", 50, "normal", "live"],
            ["word", "one", "unknown", "live"],
        ],
    );
    const later = (await then("/sensors", second)).body.items;
    assert.deepEqual(
        later.map((s) => [s.id, s.value, s.level]),
        [["temp", 45, "warning"]],
    );
    assert.equal((await then("/sensors/word", first)).body.value, "one");
    const related = async (when) => {
        const r = await then("/relationships", when);
        assert.equal(r.status, 200, r.text);
        return r.body.items.map((e) => [e.id, e.target, e.properties]);
    };
    assert.deepEqual(await related(first), [["feeds:pump-1", "pump-1", { m: 1 }]]);
    assert.deepEqual(await related(second), []);
    refused(await then("/sensors/word", second), "unknown-sensor", /at that time/);
    refused(await then("", before), "unknown-twin", /at that time/);
    refused(await then("", "2999-01-01T00:00:00Z"), "bad-time", /over/);
    refused(await then("", "yesterday"), "bad-time");
    refused(await bo.get(`${at}?at=${first}`), "unknown-twin");
    assert.equal((await ed.delete(at)).status, 204);
    refused(await then("", first), "unknown-twin");
    const gone = await ed.get(`${at}?at=${first}`);
    assert.equal(gone.body.name, "Twin pump-1", gone.text);
    refused(await ed.get(`${at}?at=${encodeURIComponent(now())}`), "unknown-twin");
});

/* Twins over REST: create, read, replace, patch, delete; tags and conditions; lists. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { run, shared } from "../lib/doppel.mjs";
import { core, twin } from "../lib/profiles.mjs";

const d = shared();
const PATCH = "application/merge-patch+json";

test("create, read, replace, patch, delete", async () => {
    const made = await d.post("/api/v1/twins", twin("rest-1", ["a"]));
    assert.equal(made.status, 201, made.text);
    assert.equal(made.headers.get("location"), "/api/v1/twins/rest-1");
    assert.ok(made.etag);
    assert.equal(made.body.id, "rest-1");
    assert.ok(Array.isArray(made.body.filled) && Array.isArray(made.body.findings));

    const read = await d.get("/api/v1/twins/rest-1?live=false");
    assert.equal(read.status, 200);
    assert.equal(read.etag, made.etag);
    assert.deepEqual(read.body, made.body.profile);

    const replaced = await d.send("PUT", "/api/v1/twins/rest-1", {
        ...twin("rest-1", ["a", "b"]),
        name: "Second",
    });
    assert.ok([200, 204].includes(replaced.status), replaced.text);
    assert.notEqual(replaced.etag, made.etag);

    const patched = await d.send(
        "PATCH",
        "/api/v1/twins/rest-1",
        { name: "Third", colour: "red" },
        PATCH,
    );
    assert.equal(patched.status, 200, patched.text);
    const third = await d.get("/api/v1/twins/rest-1?live=false");
    assert.equal(third.body.name, "Third");
    assert.equal(third.body.colour, "red");
    assert.equal(third.body.sensors.length, 2);
    assert.equal(third.etag, patched.etag);

    const removed = await d.send("PATCH", "/api/v1/twins/rest-1", { colour: null }, PATCH);
    assert.equal(removed.status, 200);
    assert.equal("colour" in (await d.get("/api/v1/twins/rest-1")).body, false);

    const gone = await d.send("DELETE", "/api/v1/twins/rest-1");
    assert.equal(gone.status, 204, gone.text);
    assert.equal((await d.get("/api/v1/twins/rest-1")).status, 404);
    assert.equal((await d.send("DELETE", "/api/v1/twins/rest-1")).status, 404);
});

/* RFC 7396, appendix A: the patch and what must come of it. */
const MERGES = [
    [{ a: "b" }, { a: "c" }, { a: "c" }],
    [{ a: "b" }, { b: "c" }, { a: "b", b: "c" }],
    [{ a: "b" }, { a: null }, {}],
    [{ a: "b", b: "c" }, { a: null }, { b: "c" }],
    [{ a: ["b"] }, { a: "c" }, { a: "c" }],
    [{ a: "c" }, { a: ["b"] }, { a: ["b"] }],
    [{ a: { b: "c" } }, { a: { b: "d", c: null } }, { a: { b: "d" } }],
    [{ a: [{ b: "c" }] }, { a: [1] }, { a: [1] }],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
];

test("merge patches do what RFC 7396 says", async () => {
    for (const [i, [before, patch, after]] of MERGES.entries()) {
        const id = `merge-${i}`;
        await d.create({ ...twin(id, ["s"]), extra: before });
        const r = await d.send("PATCH", `/api/v1/twins/${id}`, { extra: patch }, PATCH);
        assert.equal(r.status, 200, r.text);
        assert.deepEqual((await d.get(`/api/v1/twins/${id}`)).body.extra, after);
    }
});

test("PUT creates when the id is free", async () => {
    const r = await d.send("PUT", "/api/v1/twins/put-1", twin("put-1", ["a"]));
    assert.equal(r.status, 201, r.text);
    assert.equal((await d.get("/api/v1/twins/put-1")).status, 200);
    const other = await d.send("PUT", "/api/v1/twins/put-2", twin("put-other", ["a"]));
    assert.ok(
        other.status >= 400 && other.status < 500,
        "the id of the path and the profile's must agree",
    );
    assert.equal((await d.get("/api/v1/twins/put-2")).status, 404);
});

test("an id that is taken is 409, a profile without its core 422 with findings", async () => {
    await d.create(twin("taken", ["a"]));
    const again = await d.post("/api/v1/twins", twin("taken", ["a"]));
    assert.equal(again.status, 409, again.text);
    assert.match(again.type, /problem\+json/);
    const { name, ...nameless } = core("nameless");
    const r = await d.post("/api/v1/twins", nameless);
    assert.equal(r.status, 422, r.text);
    assert.match(r.type, /problem\+json/);
    const finding = r.body.findings.find((f) => f.rule === "name");
    assert.equal(finding.severity, "error");
    assert.equal((await d.get("/api/v1/twins/nameless")).status, 404);
    for (const broken of ["{", "[]", '"text"', "", '{"a":1,"a":2}'])
        assert.ok([400, 422].includes((await d.post("/api/v1/twins", broken)).status), broken);
});

test("ids of 1 to 128 letters, digits and . _ - : are taken, others are not", async () => {
    for (const id of ["x", "A.b_c-d:e9", "0".repeat(128)]) {
        const r = await d.create(core(id));
        assert.equal(r.headers.get("location"), `/api/v1/twins/${id}`);
        assert.equal((await d.get(`/api/v1/twins/${encodeURIComponent(id)}`)).status, 200);
    }
    for (const id of ["", "a b", "a/b", "ü", "a+b", "#", "x".repeat(129), "../etc"]) {
        const r = await d.post("/api/v1/twins", core(id));
        assert.equal(r.status, 422, `"${id}" was taken`);
        assert.ok(r.body.findings.some((f) => f.rule === "identifier"));
    }
});

test("If-Match: a change on what was changed meanwhile is 412", async () => {
    const made = await d.create(twin("etag", ["a"]));
    const stale = made.etag;
    const fresh = (
        await d.send("PATCH", "/api/v1/twins/etag", { name: "Two" }, PATCH, { "if-match": stale })
    ).etag;
    assert.ok(fresh && fresh !== stale);
    for (const [method, body, type] of [
        ["PUT", twin("etag", ["a"])],
        ["PATCH", { name: "Lost" }, PATCH],
        ["DELETE", undefined],
    ]) {
        const r = await d.send(method, "/api/v1/twins/etag", body, type, { "if-match": stale });
        assert.equal(r.status, 412, `${method}: ${r.text}`);
        assert.match(r.type, /problem\+json/);
    }
    assert.equal((await d.get("/api/v1/twins/etag")).body.name, "Two");
    const any = await d.send("PATCH", "/api/v1/twins/etag", { name: "Three" }, PATCH, {
        "if-match": "*",
    });
    assert.equal(any.status, 200);
    const none = await d.send("PATCH", "/api/v1/twins/not-there", { name: "x" }, PATCH, {
        "if-match": "*",
    });
    assert.ok([404, 412].includes(none.status));
    const last = (await d.get("/api/v1/twins/etag")).etag;
    assert.equal(
        (await d.send("DELETE", "/api/v1/twins/etag", undefined, undefined, { "if-match": last }))
            .status,
        204,
    );
});

test("If-None-Match: 304 without a body while nothing changed", async () => {
    const { etag } = await d.create(twin("cached", ["a"]));
    const url = "/api/v1/twins/cached?live=false";
    const same = await d.get(url, { headers: { "if-none-match": etag } });
    assert.equal(same.status, 304);
    assert.equal(same.text, "");
    assert.equal(same.etag, etag);
    await d.send("PATCH", "/api/v1/twins/cached", { name: "New" }, PATCH);
    assert.equal((await d.get(url, { headers: { "if-none-match": etag } })).status, 200);
});

test("the tag is that of the kept profile: a reading does not change it", async () => {
    const { etag } = await d.create(twin("live-tag", ["a"]));
    await d.post("/api/v1/twins/live-tag/readings", { a: 1 });
    assert.equal((await d.get("/api/v1/twins/live-tag")).etag, etag);
});

test("lists have cursors that reach each twin once", async () => {
    const ids = Array.from({ length: 25 }, (_, i) => `page-${String(i).padStart(2, "0")}`);
    for (const id of ids) await d.create({ ...twin(id, ["a"]), name: `Paged ${id}` });
    const seen = [];
    let path = "/api/v1/twins?name=paged&limit=7";
    for (let pages = 0; path; pages++) {
        const r = await d.get(path);
        assert.equal(r.status, 200, r.text);
        assert.equal(r.body.total, 25);
        assert.ok(r.body.items.length <= 7);
        seen.push(...r.body.items.map((i) => i.id));
        path =
            r.body.next &&
            `/api/v1/twins?name=paged&limit=7&cursor=${encodeURIComponent(r.body.next)}`;
        assert.ok(pages < 10);
    }
    assert.deepEqual(seen.sort(), ids);
});

test("a page does not repeat or miss others when twins come and go between", async () => {
    const first = (await d.get("/api/v1/twins?name=paged&limit=10")).body;
    await d.send("DELETE", `/api/v1/twins/${first.items[0].id}`);
    await d.create({ ...twin("page-zz", ["a"]), name: "Paged last" });
    const seen = first.items.map((i) => i.id);
    for (let next = first.next; next; ) {
        const r = (
            await d.get(`/api/v1/twins?name=paged&limit=10&cursor=${encodeURIComponent(next)}`)
        ).body;
        seen.push(...r.items.map((i) => i.id));
        next = r.next;
    }
    assert.equal(new Set(seen).size, seen.length);
    assert.equal(seen.length, 26);
});

test("lists filter by a part of the name, by type and by state", async () => {
    const make = (id, name, type) =>
        d.create({ ...twin(id, ["a"]), name, subjectOf: { "@type": "Thing", name: type } });
    await make("f-1", "Kiln North", "Kiln");
    await make("f-2", "Kiln South", "Kiln");
    await make("f-3", "Crane", "Portal crane");
    await d.post("/api/v1/twins/f-2/readings", { a: 1 });
    const ids = async (query) =>
        (await d.get(`/api/v1/twins?${query}`)).body.items.map((i) => i.id).sort();
    assert.deepEqual(await ids("name=KILN"), ["f-1", "f-2"]);
    assert.deepEqual(await ids("name=south"), ["f-2"]);
    assert.deepEqual(await ids("type=Portal%20crane"), ["f-3"]);
    assert.deepEqual(await ids("type=Kiln&state=live"), ["f-2"]);
    assert.deepEqual(await ids("type=Kiln&state=waiting"), ["f-1"]);
    assert.deepEqual(await ids("name=100%25"), [], "a percent sign is a letter like any other");
    assert.deepEqual(await ids("name=_iln"), []);
});

test("a summary has what a card shows", async () => {
    await d.create(
        twin(
            "card",
            Object.fromEntries(
                Array.from({ length: 9 }, (_, i) => [
                    `s${i}`,
                    { normalRange: [0, 10], criticalRange: [20, 30] },
                ]),
            ),
        ),
    );
    await d.post("/api/v1/twins/card/readings", { timestamp: Date.now(), s0: 5, s1: 15, s2: 25 });
    const item = (query) =>
        d
            .get(`/api/v1/twins?name=${encodeURIComponent("Twin card")}${query}`)
            .then((r) => r.body.items[0]);
    const card = await item("");
    assert.equal(card.id, "card");
    assert.equal(card.type, "Test bench");
    assert.equal(card.state, "live");
    assert.equal(card.simulated, false);
    assert.ok(Date.parse(card.created) && Date.parse(card.modified) && Date.parse(card.lastSynced));
    assert.equal(card.sensors.length, 6);
    assert.equal((await item("&sensors=9")).sensors.length, 9);
    const levels = card.sensors.map((s) => s.level);
    assert.deepEqual(levels.slice(0, 3), ["normal", "warning", "critical"]);
    const [s0] = card.sensors;
    assert.equal(s0.value, 5);
    assert.equal(s0.state, "live");
    assert.equal(s0.quality, "good");
    assert.equal(s0.interval, 1000);
    assert.deepEqual(s0.normalRange, [0, 10]);
    assert.deepEqual(s0.criticalRange, [20, 30]);
    assert.equal(s0.updates, 1);
    const { value, t, quality, state } = card.sensors[5];
    assert.deepEqual(
        { value, t, quality, state },
        { value: null, t: null, quality: null, state: "waiting" },
    );
});

test("sensors of a twin, all and one", async () => {
    const all = await d.get("/api/v1/twins/card/sensors");
    assert.equal(all.body.items.length, 9);
    const one = await d.get("/api/v1/twins/card/sensors/s1");
    assert.deepEqual(one.body.id, "s1");
    assert.equal(one.body.value, 15);
    const none = await d.get("/api/v1/twins/card/sensors/zzz");
    assert.equal(none.status, 404);
    assert.match(none.type, /problem\+json/);
});

test("a deleted twin takes its readings with it, a new one of its name begins empty", async () => {
    await d.create(twin("again", ["a"]));
    await d.post("/api/v1/twins/again/readings", { timestamp: 1700000000000, a: 1 });
    await d.send("DELETE", "/api/v1/twins/again");
    await d.create(twin("again", ["a"]));
    assert.deepEqual((await d.history("again", "a")).points, []);
    assert.equal((await d.get("/api/v1/twins/again/sensors/a")).body.state, "waiting");
    await d.restart();
    assert.deepEqual((await d.history("again", "a")).points, []);
});

test("a sensor that leaves the profile and comes back has its past", async () => {
    await d.create(twin("leaves", ["a", "b"]));
    await d.post("/api/v1/twins/leaves/readings", { timestamp: 1700000000000, a: 1, b: 2 });
    await d.send("PUT", "/api/v1/twins/leaves", twin("leaves", ["a"]));
    assert.equal((await d.get("/api/v1/twins/leaves/sensors/b")).status, 404);
    assert.equal(
        (await d.post("/api/v1/twins/leaves/readings", { b: 1 })).body.code,
        "unknown-sensor",
    );
    await d.send("PUT", "/api/v1/twins/leaves", twin("leaves", ["a", "b"]));
    assert.deepEqual((await d.history("leaves", "b")).points, [[1700000000000, 2]]);
});

test("twins are there after a restart, as they were", async () => {
    const before = await d.get("/api/v1/twins/cached?live=false");
    const list = (await d.get("/api/v1/twins?limit=100")).body;
    await d.restart();
    const after = await d.get("/api/v1/twins/cached?live=false");
    assert.equal(after.text, before.text);
    assert.equal(after.etag, before.etag);
    assert.deepEqual(
        (await d.get("/api/v1/twins?limit=100")).body.items.map((i) => i.id),
        list.items.map((i) => i.id),
    );
});

test("errors are RFC 9457: unknown paths, methods and types", async () => {
    const nowhere = await d.get("/api/v1/nowhere");
    assert.equal(nowhere.status, 404);
    assert.match(nowhere.type, /problem\+json/);
    assert.equal(nowhere.body.status, 404);
    const method = await d.send("DELETE", "/api/v1/twins");
    assert.equal(method.status, 405);
    assert.match(method.headers.get("allow"), /GET/);
    assert.match(method.headers.get("allow"), /POST/);
    const twinMethod = await d.send("POST", "/api/v1/twins/card", {});
    assert.equal(twinMethod.status, 405);
    for (const m of ["GET", "PUT", "PATCH", "DELETE"])
        assert.match(twinMethod.headers.get("allow"), new RegExp(m));
    const type = await d.send("PATCH", "/api/v1/twins/card", "name: x", "text/yaml");
    assert.equal(type.status, 415);
    const unknown = await d.get("/api/v1/twins/nobody");
    assert.equal(unknown.status, 404);
    assert.equal(unknown.body.code, "unknown-twin");
    assert.equal(unknown.body.type, "/errors/unknown-twin");
});

test("HEAD answers like GET without the body; OPTIONS names the methods", async () => {
    const head = await d.fetch("/api/v1/twins/card", { method: "HEAD" });
    assert.equal(head.status, 200);
    assert.ok(head.headers.get("etag"));
    assert.equal(await head.text(), "");
});

test("what a browser of another site may do is nothing", async () => {
    const r = await run("curl", [
        "-sS",
        "-i",
        "-H",
        "Origin: http://evil.example",
        `${d.url}/api/v1/twins`,
    ]);
    assert.doesNotMatch(r.stdout, /access-control-allow-origin/i);
    const csrf = await run("curl", [
        "-sS",
        "-o",
        "/dev/null",
        "-w",
        "%{http_code}",
        "-H",
        "Origin: http://evil.example",
        "-H",
        "Content-Type: text/plain",
        "-d",
        JSON.stringify(core("evil")),
        `${d.url}/api/v1/twins`,
    ]);
    assert.ok(Number(csrf.stdout) >= 400, `a form of another site made a twin: ${csrf.stdout}`);
});

/* What twins are to each other: relationships over REST and in profiles, the graph, who sees what. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { shared, start } from "../lib/doppel.mjs";
import { administrator, member } from "../lib/people.mjs";
import { twin } from "../lib/profiles.mjs";

const d = shared();

const at = (id, relationship = "") =>
    `/api/v1/twins/${id}/relationships${relationship && `/${relationship}`}`;

async function make(...ids) {
    for (const id of ids) await d.create(twin(id, ["s"]));
}

const profile = async (id) => (await d.get(`/api/v1/twins/${id}?live=false`)).body;
const edges = (answer) => answer.body.items.map((e) => `${e.source} ${e.kind} ${e.target}`);

test("a relationship is made, read, replaced and taken away, and stands in the profile", async () => {
    await make("r-a", "r-b");
    const made = await d.post(at("r-a"), {
        kind: "feeds",
        target: "r-b",
        properties: { pipe: "DN80" },
    });
    assert.equal(made.status, 201, made.text);
    assert.equal(made.headers.get("location"), at("r-a", "feeds:r-b"));
    assert.deepEqual(made.body, {
        id: "feeds:r-b",
        source: "r-a",
        kind: "feeds",
        target: "r-b",
        properties: { pipe: "DN80" },
        dangling: false,
    });
    assert.deepEqual((await profile("r-a"))["doppel:relationships"], [
        { kind: "feeds", target: "r-b", properties: { pipe: "DN80" } },
    ]);
    const read = await d.get(at("r-a", "feeds:r-b"));
    assert.deepEqual(read.body, made.body);
    assert.equal(read.etag, (await d.get("/api/v1/twins/r-a?live=false")).etag);

    const replaced = await d.send("PUT", at("r-a", "feeds:r-b"), { kind: "feeds", target: "r-b" });
    assert.equal(replaced.status, 200, replaced.text);
    assert.deepEqual(replaced.body.properties, {});
    const named = await d.send("PUT", at("r-a", "spare"), {
        kind: "feeds",
        target: "r-b",
        note: 1,
    });
    assert.equal(named.status, 201, named.text);
    assert.equal(named.body.id, "spare");
    assert.deepEqual((await profile("r-a"))["doppel:relationships"], [
        { kind: "feeds", target: "r-b" },
        { kind: "feeds", target: "r-b", note: 1, id: "spare" },
    ]);

    assert.equal((await d.send("DELETE", at("r-a", "feeds:r-b"))).status, 204);
    assert.equal((await d.get(at("r-a", "feeds:r-b"))).status, 404);
    assert.equal((await d.send("DELETE", at("r-a", "spare"))).status, 204);
    assert.equal("doppel:relationships" in (await profile("r-a")), false);
    assert.equal((await d.send("DELETE", at("r-a", "spare"))).status, 404);
});

test("what is wrong is refused with the reason, and changes nothing", async () => {
    await make("w-a", "w-b");
    const before = await profile("w-a");
    const refused = async (status, says, method, path, body, headers) => {
        const r = await d.send(method, path, body, "application/json", headers);
        assert.equal(r.status, status, r.text);
        assert.match(r.body.detail, says);
    };
    await refused(409, /no twin "nobody"/, "POST", at("w-a"), { kind: "feeds", target: "nobody" });
    await refused(400, /kind, target and id/, "POST", at("w-a"), { kind: "feeds" });
    await refused(400, /kind, target and id/, "POST", at("w-a"), { kind: "f f", target: "w-b" });
    await refused(400, /kind, target and id/, "POST", at("w-a"), [1]);
    await refused(400, /properties/, "POST", at("w-a"), {
        kind: "feeds",
        target: "w-b",
        properties: 7,
    });
    await refused(400, /address names/, "PUT", at("w-a", "x"), {
        id: "y",
        kind: "feeds",
        target: "w-b",
    });
    await refused(404, /twin/, "POST", at("w-nobody"), { kind: "feeds", target: "w-b" });
    await refused(400, /direction/, "GET", `${at("w-a")}?direction=up`);
    await refused(400, /dangling/, "POST", `${at("w-a")}?dangling=maybe`, {
        kind: "feeds",
        target: "w-b",
    });
    assert.deepEqual(await profile("w-a"), before);
});

test("two who change at once do not undo each other: If-Match, and 409 for what is there", async () => {
    await make("m-a", "m-b");
    const etag = (await d.get(at("m-a"))).etag;
    const body = { kind: "feeds", target: "m-b" };
    const first = await d.send("POST", at("m-a"), body, "application/json", { "if-match": etag });
    assert.equal(first.status, 201, first.text);
    const second = await d.send("PUT", at("m-a", "late"), body, "application/json", {
        "if-match": etag,
    });
    assert.equal(second.status, 412, second.text);
    assert.equal((await d.post(at("m-a"), body)).status, 409);
    const many = await Promise.all(
        Array.from({ length: 20 }, (_, i) => d.send("PUT", at("m-a", `n${i}`), body)),
    );
    assert.deepEqual([...new Set(many.map((r) => r.status))], [201]);
    assert.equal((await d.get(at("m-a"))).body.total, 21);
});

test("dangling ones are allowed on demand, shown as such, and heal", async () => {
    await make("d-a", "d-b");
    const r = await d.post(`${at("d-a")}?dangling=allow`, { kind: "feeds", target: "d-later" });
    assert.equal(r.status, 201, r.text);
    assert.equal(r.body.dangling, true);
    await make("d-later");
    assert.equal((await d.get(at("d-a", "feeds:d-later"))).body.dangling, false);
    assert.deepEqual(edges(await d.get(`${at("d-later")}?direction=in`)), ["d-a feeds d-later"]);
    await d.send("DELETE", "/api/v1/twins/d-later");
    assert.equal((await d.get(at("d-a", "feeds:d-later"))).body.dangling, true);
    const graph = (await d.get("/api/v1/graph?root=d-a")).body;
    assert.deepEqual(
        graph.nodes.map((n) => n.id),
        ["d-a"],
    );
    assert.deepEqual(
        graph.edges.map((e) => [e.target, e.dangling]),
        [["d-later", true]],
    );
});

test("lists tell both directions, kinds, and pages", async () => {
    await make("l-hub", ...Array.from({ length: 5 }, (_, i) => `l-${i}`));
    for (let i = 0; i < 5; i++) {
        await d.post(at(`l-${i}`), { kind: i % 2 ? "feeds" : "cools", target: "l-hub" });
        await d.post(at("l-hub"), { kind: "contains", target: `l-${i}` });
    }
    await d.post(at("l-hub"), { kind: "watches", target: "l-hub" });
    const both = await d.get(`${at("l-hub")}?direction=both&limit=4`);
    assert.equal(both.body.total, 11); /* the loop once */
    assert.equal(both.body.items.length, 4);
    const all = [...both.body.items];
    for (let { next } = both.body; next; ) {
        const page = await d.get(`${at("l-hub")}?direction=both&limit=4&cursor=${next}`);
        all.push(...page.body.items);
        next = page.body.next;
    }
    assert.equal(new Set(all.map((e) => `${e.source} ${e.id}`)).size, 11);
    const cools = await d.get(`${at("l-hub")}?direction=in&kinds=cools,nothing`);
    assert.deepEqual(
        edges(cools).sort(),
        ["l-0", "l-2", "l-4"].map((id) => `${id} cools l-hub`),
    );
});

test("the graph around a twin, through loops, as deep as is asked", async () => {
    await make("g-0", "g-1", "g-2", "g-3", "g-4");
    for (let i = 0; i < 5; i++)
        await d.post(at(`g-${i}`), { kind: "next", target: `g-${(i + 1) % 5}` });
    const walk = async (query) => {
        const r = await d.get(`/api/v1/graph?${query}`);
        assert.equal(r.status, 200, r.text);
        return r.body;
    };
    const ids = (g) => g.nodes.map((n) => n.id);
    assert.deepEqual(ids(await walk("root=g-0&depth=2")), ["g-0", "g-1", "g-2"]);
    assert.deepEqual(ids(await walk("root=g-0&depth=1&direction=in")), ["g-0", "g-4"]);
    assert.deepEqual(ids(await walk("root=g-0&depth=1&direction=both")), ["g-0", "g-1", "g-4"]);
    const whole = await walk("root=g-0&depth=64");
    assert.equal(whole.nodes.length, 5);
    assert.equal(whole.edges.length, 5);
    assert.equal(whole.truncated, false);
    assert.equal(whole.nodes[0].out, 1);
    assert.equal(whole.nodes[0].state, "waiting");
    const cut = await walk("root=g-0&depth=64&limit=3");
    assert.equal(cut.nodes.length, 3);
    assert.equal(cut.truncated, true);
    assert.deepEqual((await walk("root=g-0,g-2&depth=0&kinds=next")).edges, []);
    assert.equal((await d.get("/api/v1/graph?root=nobody")).status, 404);
    assert.equal((await d.get("/api/v1/graph?depth=99")).status, 400);

    const nodes = [];
    const all = [];
    let next = "";
    do {
        const page = await walk(`linked=true&limit=2${next && `&cursor=${next}`}`);
        nodes.push(...ids(page));
        all.push(...page.edges.map((e) => `${e.source} ${e.id}`));
        next = page.next;
    } while (next);
    assert.equal(new Set(nodes).size, nodes.length);
    assert.equal(new Set(all).size, all.length);
    for (let i = 0; i < 5; i++) assert.ok(all.includes(`g-${i} next:g-${(i + 1) % 5}`));
});

test("findings tell what is wrong with relationships of a profile, which is kept all the same", async () => {
    const made = await d.post("/api/v1/twins", {
        ...twin("f-a", ["s"]),
        "doppel:twinType": "Pump",
        "doppel:relationships": [
            { kind: "feeds", target: "f-a" },
            { kind: "feeds", target: "f-a" },
            { target: "x" },
        ],
    });
    assert.equal(made.status, 201, made.text);
    const rules = made.body.findings
        .filter((f) => f.rule.startsWith("relationship"))
        .map((f) => `${f.rule} ${f.pointer}`);
    assert.deepEqual(rules, [
        "relationship.id /doppel:relationships/1",
        "relationships /doppel:relationships/2",
    ]);
    assert.equal((await d.get(at("f-a"))).body.total, 1);
    const pumps = await d.get("/api/v1/twins?twinType=Pump");
    assert.deepEqual(
        pumps.body.items.map((t) => [t.id, t.twinTypes]),
        [["f-a", ["Pump"]]],
    );
});

test("the graph as it was: changed, deleted and later twins, both directions, relationships of one", async () => {
    const instant = async () => {
        await new Promise((resolve) => setTimeout(resolve, 5));
        const t = new Date().toISOString();
        await new Promise((resolve) => setTimeout(resolve, 5));
        return t;
    };
    const seen = async (query, t) => {
        const r = await d.get(`/api/v1/graph?${query}${t ? `&at=${t}` : ""}`);
        assert.equal(r.status, 200, r.text);
        return {
            nodes: r.body.nodes.map((n) => n.id).sort(),
            edges: r.body.edges
                .map((e) => `${e.source} ${e.kind} ${e.target}${e.dangling ? " !" : ""}`)
                .sort(),
            body: r.body,
        };
    };
    const before = await instant();
    await make("p-a", "p-b", "p-c", "p-still");
    await d.post(at("p-a"), { kind: "feeds", target: "p-b", properties: { n: 1 } });
    await d.post(at("p-b"), { kind: "feeds", target: "p-c" });
    await d.post(at("p-still"), { kind: "cools", target: "p-a" });
    const first = await instant();
    await d.send("DELETE", at("p-a", "feeds:p-b"));
    await d.post(at("p-a"), { kind: "feeds", target: "p-c" });
    await d.send("DELETE", "/api/v1/twins/p-b");
    await make("p-d");
    await d.post(at("p-d"), { kind: "feeds", target: "p-a" });
    await d.send("PUT", "/api/v1/twins/p-still", await profile("p-still")); /* as it was */
    const second = await instant();
    await d.send("DELETE", "/api/v1/twins/p-c");

    const then = await seen("root=p-a&depth=3&direction=both", first);
    assert.deepEqual(then.nodes, ["p-a", "p-b", "p-c", "p-still"]);
    assert.deepEqual(then.edges, ["p-a feeds p-b", "p-b feeds p-c", "p-still cools p-a"]);
    assert.deepEqual(then.body.edges.find((e) => e.source === "p-a").properties, { n: 1 });
    assert.deepEqual(then.body.nodes.map((n) => [n.id, n.out, n.in, n.state]).sort()[0], [
        "p-a",
        1,
        1,
        null,
    ]);
    const later = await seen("root=p-a&depth=3&direction=both", second);
    assert.deepEqual(later.nodes, ["p-a", "p-c", "p-d", "p-still"]);
    assert.deepEqual(later.edges, ["p-a feeds p-c", "p-d feeds p-a", "p-still cools p-a"]);
    assert.deepEqual((await seen("root=p-a&depth=1")).edges, ["p-a feeds p-c !"]);
    assert.equal((await d.get(`/api/v1/graph?root=p-a&at=${before}`)).status, 404);
    assert.equal((await d.get("/api/v1/graph?at=yesterday")).status, 422);

    const all = [];
    let next = "";
    do {
        const page = await seen(`linked=true&limit=2${next && `&cursor=${next}`}`, first);
        all.push(...page.nodes);
        next = page.body.next;
    } while (next);
    assert.equal(new Set(all).size, all.length);
    for (const id of ["p-a", "p-b", "p-c", "p-still"]) assert.ok(all.includes(id), id);
    assert.equal(all.includes("p-d"), false);

    const gone = await d.get(`${at("p-b")}?direction=both&at=${first}`);
    assert.equal(gone.status, 200, gone.text);
    assert.deepEqual(edges(gone), ["p-b feeds p-c", "p-a feeds p-b"]);
    assert.deepEqual(edges(await d.get(`${at("p-a")}?direction=in&kinds=cools&at=${first}`)), [
        "p-still cools p-a",
    ]);
    assert.equal((await d.get(`${at("p-d")}?at=${first}`)).status, 404);
});

test("who may not see a twin sees no edge to it or from it; organisations do not touch", async (t) => {
    const locked = await start(t, { access: "locked" });
    const ada = await administrator(locked);
    for (const id of ["a", "b", "secret"]) await ada.must("POST", "/api/v1/twins", twin(id, ["s"]));
    for (const [from, to] of [
        ["a", "b"],
        ["a", "secret"],
        ["secret", "a"],
    ])
        await ada.must("POST", at(from), { kind: "feeds", target: to });
    const vi = await member(ada, "viewer", "Vi Ewer");
    const before = (await vi.get("/api/v1/graph?root=a&direction=both")).body;
    assert.deepEqual(
        before.nodes.map((n) => n.id),
        ["a", "b", "secret"],
    );
    await ada.must("PUT", "/api/v1/twins/secret/policy", {
        entries: { x: { subjects: ["role:viewer"], resources: { "/": { revoke: ["read"] } } } },
    });
    const graph = (await vi.get("/api/v1/graph?root=a&direction=both")).body;
    assert.deepEqual(
        graph.nodes.map((n) => [n.id, n.out, n.in]),
        [
            ["a", 1, 0],
            ["b", 0, 1],
        ],
    );
    assert.deepEqual(
        graph.edges.map((e) => e.target),
        ["b"],
    );
    assert.deepEqual(edges(await vi.get(`${at("a")}?direction=both`)), ["a feeds b"]);
    assert.equal((await vi.get(at("a", "feeds:secret"))).status, 404);
    assert.equal((await vi.get(at("secret"))).status, 404);
    const hidden = (await vi.get("/api/v1/twins/a")).body["doppel:relationships"];
    assert.deepEqual(hidden, [{ kind: "feeds", target: "b" }]);
    assert.equal((await ada.get("/api/v1/graph")).body.edges.length, 3);
    assert.equal((await vi.get("/api/v1/graph")).body.edges.length, 1);
    await new Promise((resolve) => setTimeout(resolve, 5));
    const now = new Date().toISOString();
    assert.equal((await vi.get(`/api/v1/graph?at=${now}`)).body.edges.length, 1);
    assert.equal((await ada.get(`/api/v1/graph?at=${now}`)).body.edges.length, 3);
    assert.equal((await vi.get(`${at("secret")}?at=${now}`)).status, 404);
    assert.equal((await vi.post(at("a"), { kind: "x", target: "b" })).status, 403);

    await ada.must("POST", "/api/v1/organizations", { id: "acme", name: "Acme" });
    await ada.must("PATCH", "/api/v1/session", { organization: "acme" });
    await ada.must("POST", "/api/v1/twins", twin("c", ["s"]));
    const over = await ada.post(at("c"), { kind: "feeds", target: "a" });
    assert.equal(over.status, 409, over.text); /* a is another organisation's */
    await ada.must("POST", `${at("c")}?dangling=allow`, { kind: "feeds", target: "a" });
    const theirs = (await ada.get("/api/v1/graph?linked=true")).body;
    assert.deepEqual(
        theirs.nodes.map((n) => n.id),
        ["c"],
    );
    assert.deepEqual(
        theirs.edges.map((e) => [e.target, e.dangling]),
        [["a", true]],
    );
});

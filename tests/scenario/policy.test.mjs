/* Policies: what members may do with one twin, narrower or wider than their role. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { start, until } from "../lib/doppel.mjs";
import { twin } from "../lib/profiles.mjs";
import { Stream } from "../lib/streams.mjs";

const AT = "/api/v1/twins/pump-1";

async function town(t, args = []) {
    const d = await start(t, { access: "locked", args });
    const root = await d.setup({ email: "root@example.org" });
    const join = (role, email) => d.join(root, { role, email });
    const people = {
        root,
        vi: await join("viewer", "vi@example.org"),
        op: await join("operator", "op@example.org"),
        ed: await join("editor", "ed@example.org"),
    };
    const r = await people.ed.post("/api/v1/twins", twin("pump-1", ["temp-1", "secret"]));
    assert.equal(r.status, 201, r.text);
    return { d, ...people };
}

const refused = (r, code, sentence) => {
    assert.equal(r.body?.code, code, r.text);
    if (sentence) assert.match(r.body.detail, sentence);
};

const put = (who, entries, headers = {}) =>
    who.send("PUT", `${AT}/policy`, { entries }, "application/json", headers);

test("a policy narrows and widens, sensor by sensor", async (t) => {
    const { root, vi, op, ed } = await town(t);
    const entries = {
        "nobody reads the secret": {
            subjects: ["role:viewer", "role:operator"],
            resources: { "/sensors/secret": { revoke: ["read", "write"] } },
        },
        "vi sends temperatures": {
            subjects: [`person:${vi.id}`],
            resources: { "/sensors/temp-*": { grant: ["write"] } },
        },
    };
    refused(await op.get(`${AT}/policy`), "forbidden");
    refused(await put(op, entries), "forbidden");
    const r = await put(ed, entries);
    assert.equal(r.status, 200, r.text);
    assert.deepEqual((await ed.get(`${AT}/policy`)).body.entries, entries);
    const reads = async (who, sensor) => (await who.get(`${AT}/sensors/${sensor}`)).status;
    const sends = async (who, sensor) =>
        (await who.post(`${AT}/sensors/${sensor}/readings`, { value: 1 })).status;
    assert.equal(await reads(vi, "temp-1"), 200);
    assert.notEqual(await reads(vi, "secret"), 200);
    assert.notEqual(await reads(op, "secret"), 200);
    assert.equal(await reads(ed, "secret"), 200);
    assert.equal(await reads(root, "secret"), 200);
    assert.equal(await sends(vi, "temp-1"), 200);
    assert.notEqual(await sends(vi, "secret"), 200);
    assert.equal(await sends(op, "temp-1"), 200);
    assert.notEqual(await sends(op, "secret"), 200);
    assert.doesNotMatch((await vi.get(`${AT}/sensors`)).text, /"id":"secret"/);
    assert.equal((await ed.delete(`${AT}/policy`)).status, 204);
    assert.equal(await reads(vi, "secret"), 200);
    assert.equal(await sends(vi, "temp-1"), 403);
});

test("the profile is a part like others: not read, changed or grown when it is kept from somebody", async (t) => {
    const { root, ed } = await town(t);
    const entries = {
        x: { subjects: ["role:editor"], resources: { "/profile": { revoke: ["read", "write"] } } },
    };
    assert.equal((await put(root, entries)).status, 200);
    refused(await ed.get(AT), "forbidden", /policy/);
    refused(await ed.get(`${AT}/findings`), "forbidden", /policy/);
    refused(await ed.patch(AT, { name: "mine" }), "forbidden", /policy/);
    refused(await ed.put(AT, twin("pump-1", ["temp-1"])), "forbidden", /policy/);
    assert.equal((await root.patch(AT, { name: "ours" })).status, 200);
});

test("sensors do not make themselves in a twin that is kept from who sends", async (t) => {
    const { root, ed } = await town(t, ["--provision", "http"]);
    const line = "pump,device=pump-1 extra=1";
    const entries = { x: { subjects: ["role:editor"], resources: { "/": { revoke: ["write"] } } } };
    const sensors = async () => (await root.get(`${AT}/sensors`)).body.items.length;
    assert.equal((await put(root, entries)).status, 200);
    assert.equal((await ed.post("/write?db=x", line, "text/plain")).status, 400);
    assert.equal(await sensors(), 2);
    assert.equal((await root.post("/write?db=x", line, "text/plain")).status, 204);
    assert.equal(await sensors(), 3);
});

test("what expires in 1970 is over, and not for ever", async (t) => {
    const { root } = await town(t);
    for (const path of [
        "/api/v1/account/tokens",
        `${AT}/credentials`,
        "/api/v1/provisioning-keys",
    ]) {
        const fleet = path.includes("tokens") ? {} : { twinPattern: "*", limit: 1 };
        const body = { name: "x", ...fleet, expires: "1970-01-01T00:00:00Z" };
        refused(await root.post(path, body), "bad-time");
    }
});

test("who may not send readings of a sensor makes no device that may", async (t) => {
    const { root, ed } = await town(t);
    const first = (await ed.post(`${AT}/credentials`, { name: "one" })).body.id;
    const entries = {
        x: { subjects: ["role:editor"], resources: { "/sensors/secret": { revoke: ["write"] } } },
    };
    assert.equal((await put(root, entries)).status, 200);
    const asked = [
        [`${AT}/credentials`, {}],
        [`${AT}/credentials/${first}/rotate`, {}],
        [`${AT}/claim-codes`, {}],
    ];
    for (const [path, body] of asked) refused(await ed.post(path, body), "forbidden", /policy/);
    assert.equal((await ed.delete(`${AT}/credentials/${first}`)).status, 204);
    assert.equal((await root.post(`${AT}/credentials`, {})).status, 201);
});

test("what was refused of a hidden sensor is hidden, too", async (t) => {
    const { d, root, vi, op, ed } = await town(t);
    const entries = {
        x: { subjects: ["role:viewer"], resources: { "/sensors/secret": { revoke: ["read"] } } },
    };
    assert.equal((await put(root, entries)).status, 200);
    const cookie = [...vi.cookies].map(([k, v]) => `${k}=${v}`).join("; ");
    const heard = await Stream.open(t, d, { headers: { cookie } });
    await heard.ask({ events: true, subscribe: [{ twin: "*" }] });
    for (const body of [{ secret: "hush" }, { "temp-1": "loud" }])
        await op.post(`${AT}/readings`, body);
    await op.post(`${AT}/readings`, '{"secret":"hush", broken');
    const of = async (who) => (await who.get("/api/v1/rejections")).body;
    assert.deepEqual(
        (await of(vi)).items.map((r) => r.sensor),
        ["temp-1"],
    );
    assert.equal((await of(vi)).total, 1);
    assert.equal((await of(ed)).items.length, 3);
    await op.post(`${AT}/readings`, { "temp-1": "last" });
    const events = () => heard.events.filter((e) => e.event === "rejection");
    await until("the last", () => events().length === 2);
    assert.deepEqual(
        events().map((e) => e.sensor),
        ["temp-1", "temp-1"],
    );
});

test("who is narrowed neither changes that nor shares past it; administrators are never locked out", async (t) => {
    const { root, ed } = await town(t);
    const entries = {
        a: {
            subjects: ["role:editor", "role:operator", "everyone"],
            resources: { "/": { revoke: ["write"] }, "/sensors/secret": { revoke: ["read"] } },
        },
    };
    assert.equal((await put(root, entries)).status, 200);
    refused(await put(ed, {}), "forbidden");
    refused(await ed.delete(`${AT}/policy`), "forbidden");
    const grant = { object: "twin:pump-1", to: { kind: "common" }, role: "viewer" };
    refused(await ed.post("/api/v1/grants", grant), "forbidden");
    refused(
        await put(root, {
            a: { subjects: ["role:administrator"], resources: { "/": { revoke: ["write"] } } },
        }),
        "invalid",
        /administrators always may/,
    );
    assert.equal((await root.send("PATCH", AT, { description: "mine" })).status, 200);
    assert.equal((await put(root, {})).status, 200);
    assert.equal((await ed.send("PATCH", AT, { description: "ours" })).status, 200);
});

test("what is sent must be right, and says what is not", async (t) => {
    const { ed } = await town(t);
    const entry = (subjects, resources) => put(ed, { a: { subjects, resources } });
    refused(await put(ed, undefined), "invalid", /"entries" is missing/);
    refused(await entry([], { "/": {} }), "invalid", /neither is empty/);
    refused(await entry(["person:p_none"], { "/": {} }), "invalid", /no subject "person:p_none"/);
    refused(await entry(["everyone"], { "/nothing": {} }), "invalid", /no resource/);
    refused(await entry(["everyone"], { "/sensors/a/b": {} }), "invalid", /no resource/);
    refused(await entry(["everyone"], { "/": { grants: [] } }), "invalid", /"grants"/);
    refused(await entry(["everyone"], { "/": { grant: ["fly"] } }), "invalid", /"fly"/);
    const many = Object.fromEntries(
        Array.from({ length: 501 }, (_, i) => [`/sensors/s-${i}`, { grant: ["read"] }]),
    );
    refused(await entry(["everyone"], many), "invalid", /at most 500 pairs.*501/);
    refused(await ed.get("/api/v1/twins/none/policy"), "unknown-twin");
});

test("changes that cross are refused: If-Match and If-None-Match", async (t) => {
    const { ed } = await town(t);
    const entries = { a: { subjects: ["everyone"], resources: { "/": { grant: ["read"] } } } };
    const first = await put(ed, entries, { "if-none-match": "*" });
    assert.equal(first.status, 200, first.text);
    const etag = first.headers.get("etag");
    assert.ok(etag);
    assert.equal((await ed.get(`${AT}/policy`)).headers.get("etag"), etag);
    refused(await put(ed, entries, { "if-none-match": "*" }), "precondition");
    const second = await put(ed, entries, { "if-match": etag });
    assert.equal(second.status, 200);
    refused(await put(ed, entries, { "if-match": etag }), "precondition", /Read it again/);
    const results = await Promise.all(
        Array.from({ length: 5 }, () =>
            put(ed, entries, { "if-match": second.headers.get("etag") }),
        ),
    );
    assert.equal(results.filter((r) => r.status === 200).length, 1);
});

/* GraphQL over HTTP and WebSocket, as its own clients and auditors use it: what is asked and
 * changed, what is refused and how, limits, persisted documents, subscriptions. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import * as g from "graphql";
import { serverAudits } from "graphql-http";
import { createClient } from "graphql-ws";
import WebSocket from "ws";
import { doppel, shared, start, temporary } from "../lib/doppel.mjs";
import { administrator, member } from "../lib/people.mjs";
import { twin } from "../lib/profiles.mjs";
import { until } from "../lib/wait.mjs";

const d = shared();

const over = (client) => async (query, variables, more) => {
    const r = await client.post("/graphql", { query, variables, ...more });
    return r.body;
};
const ask = over({ post: (...args) => d.post(...args) });

const must = async (query, variables) => {
    const r = await ask(query, variables);
    assert.equal(r.errors, undefined, JSON.stringify(r.errors));
    return r.data;
};

test("GraphQL over HTTP passes the audits of graphql-http", async (t) => {
    for (const audit of serverAudits({ url: `${d.url}/graphql`, fetchFn: fetch }))
        await t.test(`${audit.id} ${audit.name}`, async () => {
            const result = await audit.fn();
            assert.equal(result.status, "ok", result.reason);
        });
});

test("the schema is served as text, is a schema to others, and introspection says the same", async () => {
    const r = await d.get("/api/v1/graphql/schema");
    assert.match(r.headers.get("content-type"), /^text\/plain/);
    const schema = g.buildSchema(r.text);
    assert.deepEqual(g.validateSchema(schema), []);
    const client = g.buildClientSchema(await must(g.getIntrospectionQuery()));
    const names = (s) =>
        Object.keys(s.getTypeMap())
            .filter((n) => !n.startsWith("__"))
            .sort();
    assert.deepEqual(names(client), names(schema));
});

test("a twin, its sensors, their past, and what it is to others", async () => {
    await d.create(twin("g-a", { "temp-1": { normalRange: [10, 30] }, "on-1": {} }));
    await d.create(twin("g-b", ["s"]));
    await d.post("/api/v1/twins/g-a/readings", [
        { "temp-1": 20, timestamp: 1700000000000 },
        { "temp-1": 35.5, timestamp: 1700000060000 },
    ]);
    await d.post("/api/v1/twins/g-a/relationships", { kind: "feeds", target: "g-b" });
    const data = await must(
        `query ($id: ID!) {
            twin(id: $id) {
                id name twinTypes sensorCount profile
                sensors(ids: ["temp-1"]) {
                    twin id unit value t quality level normalRange
                    history(from: "2023-11-14T00:00:00Z", to: "2023-11-15T00:00:00Z") {
                        unit points { t value values }
                    }
                }
                relationships(direction: both) { id kind targetTwin { id relationships(direction: in) { source } } }
                versions { n current }
            }
        }`,
        { id: "g-a" },
    );
    const [sensor] = data.twin.sensors;
    assert.equal(data.twin.sensors.length, 1);
    assert.equal(data.twin.profile.identifier.value ?? data.twin.id, "g-a");
    assert.deepEqual([sensor.twin, sensor.value, sensor.t], ["g-a", 35.5, 1700000060000]);
    assert.deepEqual(
        sensor.history.points.map((p) => [p.t, p.value]),
        [
            [1700000000000, 20],
            [1700000060000, 35.5],
        ],
    );
    assert.deepEqual(data.twin.relationships, [
        {
            id: "feeds:g-b",
            kind: "feeds",
            targetTwin: { id: "g-b", relationships: [{ source: "g-a" }] },
        },
    ]);
    assert.equal(data.twin.versions[0].current, true);
});

test("twins are a connection, page after page", async () => {
    for (const n of [1, 2, 3, 4, 5]) await d.create(twin(`gp-${n}`, ["s"]));
    const seen = [];
    let after = null;
    do {
        const { twins } = await must(
            'query ($after: String) { twins(first: 2, after: $after, name: "gp-") { edges { cursor node { id sensors { id } } } nodes { id } pageInfo { hasNextPage endCursor } totalCount } }',
            { after },
        );
        assert.deepEqual(
            twins.nodes.map((n) => n.id),
            twins.edges.map((e) => e.cursor),
        );
        assert.equal(twins.totalCount, 5);
        seen.push(...twins.edges.map((e) => e.node.id));
        after = twins.pageInfo.hasNextPage ? twins.pageInfo.endCursor : null;
    } while (after);
    assert.deepEqual(seen, ["gp-1", "gp-2", "gp-3", "gp-4", "gp-5"]);
});

test("what is not there is null; what cannot be done says why", async () => {
    assert.deepEqual(await must('{ twin(id: "g-nobody") { id } }'), { twin: null });
    const r = await ask('mutation { a: deleteTwin(id: "g-nobody") b: __typename }');
    assert.equal(r.errors[0].extensions.code, "unknown-twin");
    assert.deepEqual(r.errors[0].path, ["a"]);
    assert.deepEqual(r.data, { a: null, b: "Mutation" });
    const bad = await ask("{ twins(first: 5000) { totalCount } }");
    assert.equal(bad.data, null);
    assert.match(bad.errors[0].message, /limit/);
});

test("mutations go one after another and change what REST shows", async () => {
    const profile = twin("gm-1", ["s"]);
    const data = await must(
        `mutation ($profile: JSON!, $patch: JSON!) {
            createTwin(profile: $profile, reason: "because") { id twin { id name } filled }
            patchTwin(id: "gm-1", patch: $patch) { twin { name } }
            putRelationship(twin: "gm-1", relationship: "self", kind: "feeds", target: "gm-1") { id }
            sendReadings(twin: "gm-1", readings: { s: 5 }) { accepted }
        }`,
        { profile, patch: { name: "renamed" } },
    );
    assert.equal(data.createTwin.id, "gm-1");
    assert.equal(data.patchTwin.twin.name, "renamed");
    assert.equal(data.putRelationship.id, "self");
    assert.equal(data.sendReadings.accepted, 1);
    const { body } = await d.get("/api/v1/twins/gm-1/versions");
    assert.ok(body.versions.some((v) => v.reason === "because"));
    assert.deepEqual(await must('mutation { deleteTwin(id: "gm-1") }'), { deleteTwin: true });
    assert.equal((await d.get("/api/v1/twins/gm-1")).status, 404);
});

test("a change whose condition does not hold is refused", async () => {
    await d.create(twin("gm-2", ["s"]));
    const r = await ask(
        'mutation { patchTwin(id: "gm-2", patch: {name: "x"}, ifMatch: "\\"old\\"") { id } }',
    );
    assert.equal(r.errors[0].extensions.code, "precondition", JSON.stringify(r));
});

test("what is too deep, too wide or too dear is refused before anything is done", async () => {
    let deep = "id";
    for (let i = 0; i < 25; i++) deep = `relationships(first: 1) { targetTwin { ${deep} } }`;
    const say = async (query) => (await ask(query)).errors[0];
    assert.match((await say(`{ twin(id: "g-a") { ${deep} } }`)).message, /levels deep/);
    assert.match(
        (
            await say(
                "{ twins(first: 500) { nodes { relationships(first: 1000) { id targetTwin { id } } } } }",
            )
        ).message,
        /may cost/,
    );
    const many = Array.from({ length: 300 }, (_, i) => `a${i}: __typename`).join(" ");
    assert.match((await say(`{ ${many} }`)).message, /aliases/);
    assert.match((await say(`{ ${"__typename ".repeat(11000)} }`)).message, /tokens/);
    const batch = await d.post("/graphql", [{ query: "{ __typename }" }]);
    assert.equal(batch.status, 400);
    assert.match(batch.body.errors[0].message, /batches/);
});

test("a document by its hash, as Apollo's clients send it", async () => {
    const query = "query Named { __typename }";
    const sha256Hash = createHash("sha256").update(query).digest("hex");
    const extensions = { persistedQuery: { version: 1, sha256Hash } };
    const first = await d.post("/graphql", { extensions });
    assert.equal(first.body.errors[0].message, "PersistedQueryNotFound");
    assert.equal(first.body.errors[0].extensions.code, "PERSISTED_QUERY_NOT_FOUND");
    const second = await d.post("/graphql", { query, extensions });
    assert.deepEqual(second.body, { data: { __typename: "Query" } });
    const third = await d.get(
        `/graphql?extensions=${encodeURIComponent(JSON.stringify(extensions))}`,
    );
    assert.deepEqual(third.body, { data: { __typename: "Query" } });
    const wrong = await d.post("/graphql", { query: "{ x }", extensions });
    assert.match(wrong.body.errors[0].message, /hash/);
});

test("a browser that comes by gets a page that tells where programs ask", async () => {
    const r = await d.get("/graphql", { headers: { accept: "text/html" } });
    assert.equal(r.status, 200);
    assert.match(r.text, /graphql-transport-ws/);
});

test("alarms: listed, told as they happen, acknowledged, commented", async () => {
    await d.create(twin("ga-1", { s: { normalRange: [0, 50] } }));
    const ws = client();
    const steps = collect(
        ws,
        'subscription { alarms(twin: "ga-1") { step alarm { id severity state ofTwin { id } } } }',
    );
    const ready = collect(ws, "{ __typename }");
    await until("it is listened", () => ready.done);
    await d.post("/api/v1/twins/ga-1/readings", { s: 80 });
    await until("it is raised", () => steps.next.length > 0);
    const { step, alarm } = steps.next[0].data.alarms;
    assert.deepEqual([step, alarm.state, alarm.ofTwin.id], ["raised", "raised", "ga-1"]);
    const { twin: t, alarms } = await must(
        '{ twin(id: "ga-1") { alarms(state: open) { id value message steps } } alarms(twin: "ga-1") { alarms { id } next } }',
    );
    assert.equal(t.alarms[0].id, alarm.id);
    assert.equal(t.alarms[0].value, 80);
    assert.equal(t.alarms[0].steps[0].step, "raised");
    assert.equal(alarms.alarms[0].id, alarm.id);
    const done = await must(
        `mutation ($id: ID!) {
            commentAlarm(alarm: $id, text: "I look") { id }
            shelveAlarm(alarm: $id, for: "1h", reason: "repair") { shelvedReason }
            unshelveAlarm(alarm: $id) { shelvedReason }
            acknowledgeAlarm(alarm: $id, comment: "seen") { acknowledged state }
        }`,
        { id: alarm.id },
    );
    assert.equal(done.shelveAlarm.shelvedReason, "repair");
    assert.equal(done.acknowledgeAlarm.acknowledged, true);
    await until("that is told, too", () =>
        steps.next.some((n) => n.data.alarms.step === "acknowledged"),
    );
    await ws.dispose();
});

test("a question in SQL is a field as well", async () => {
    await d.create(twin("gq-1", ["s"]));
    const { query } = await must(
        'query ($p: JSON) { query(sql: "SELECT id, 1 + 1 FROM twins WHERE id = :id", params: $p) { columns rows rowCount truncated } }',
        { p: { id: "gq-1" } },
    );
    assert.deepEqual(query.rows, [["gq-1", 2]]);
    const bad = await ask('{ query(sql: "SELEC") { rows } }');
    assert.equal(bad.data.query, null);
    assert.match(bad.errors[0].message, /SELEC/);
});

test("as it was: sensors, profiles and types at a time", async () => {
    await d.create(twin("gt-1", ["s"]));
    await d.post("/api/v1/twins/gt-1/readings", { s: 1 });
    const then = new Date().toISOString();
    await until("the clock goes on", () => new Date().toISOString() > then);
    await d.send("PATCH", "/api/v1/twins/gt-1", { name: "Later" }, "application/merge-patch+json");
    await d.post("/api/v1/twins/gt-1/readings", { s: 2 });
    const { twin: t } = await must(
        `query ($at: DateTime) {
            twin(id: "gt-1") {
                name profile(at: $at) now: sensors { value }
                sensors(at: $at, ids: ["s"]) { twin id value history(from: 0) { points { value } } }
            }
        }`.replace("from: 0", 'from: "2020-01-01T00:00:00Z"'),
        { at: then },
    );
    assert.equal(t.name, "Later");
    assert.equal(t.profile.name, "Twin gt-1");
    assert.equal(t.now[0].value, 2);
    assert.equal(t.sensors[0].value, 1);
    assert.equal(t.sensors[0].twin, "gt-1");
    assert.equal(t.sensors[0].history.points.length, 2);
});

test("the command line asks, and says what was refused", async () => {
    const r = await doppel(["graphql", "--server", d.url, '{ twin(id: "g-a") { id } }']);
    assert.equal(r.code, 0, r.stderr);
    assert.deepEqual(JSON.parse(r.stdout), { data: { twin: { id: "g-a" } } });
    const with_ = await doppel([
        "graphql",
        "--server",
        d.url,
        "query ($id: ID!) { twin(id: $id) { id } }",
        "--variables",
        '{"id":"g-b"}',
    ]);
    assert.equal(JSON.parse(with_.stdout).data.twin.id, "g-b");
    const bad = await doppel(["graphql", "--server", d.url, "{ nothing }"]);
    assert.notEqual(bad.code, 0);
    assert.match(bad.stderr, /Cannot query field/);
});

/* ---- who may ---- */

test("each part is refused, hidden and written down as REST does it", async (t) => {
    const locked = await start(t, { access: "locked" });
    const ada = await administrator(locked);
    const vera = await member(ada, "viewer", "Vera");
    await ada.must("POST", "/api/v1/twins", twin("w-1", ["open", "secret"]));
    await ada.must("POST", "/api/v1/twins", twin("w-2", ["s"]));

    const asVera = over(vera);
    const seen = await asVera(
        '{ twin(id: "w-1") { id sensors { id } } __schema { queryType { name } } }',
    );
    assert.equal(seen.errors, undefined, JSON.stringify(seen));
    const denied = await asVera('mutation { deleteTwin(id: "w-1") }');
    assert.equal(denied.errors[0].extensions.code, "forbidden");
    assert.equal(denied.errors[0].extensions.role, "editor", JSON.stringify(denied));
    assert.deepEqual(denied.errors[0].path, ["deleteTwin"]);
    await until("the refusal stands in the audit log", async () => {
        const log = await ada.must("GET", "/api/v1/organizations/home/audit?limit=50");
        return log.entries.find(
            (e) =>
                e.operation === "twins:delete" && e.outcome === "refused" && e.who.name === "Vera",
        );
    });

    const nobody = (query) =>
        fetch(`${locked.url}/graphql`, {
            method: "POST",
            headers: { "content-type": "application/json" },
            body: JSON.stringify({ query }),
        });
    const schema = await (await nobody("{ __schema { queryType { name } } }")).json();
    assert.equal(schema.errors[0].extensions.code, "unauthenticated");
    const twins = await (await nobody("{ twins { totalCount } }")).json();
    assert.equal(twins.errors[0].extensions.code, "unauthenticated", JSON.stringify(twins));
    assert.equal(twins.data, null);
    const hidden = await (await nobody('{ twin(id: "w-1") { id } }')).json();
    assert.equal(hidden.data.twin, null);

    /* a cookie alone changes nothing: pages of others have it too */
    const cookie = [...vera.cookies].map(([k, v]) => `${k}=${v}`).join("; ");
    const forged = await fetch(`${locked.url}/graphql`, {
        method: "POST",
        headers: { "content-type": "application/json", cookie },
        body: JSON.stringify({ query: "{ __typename }" }),
    });
    assert.equal(forged.status, 403);
    const wrong = await fetch(`${locked.url}/graphql?query={__typename}`, {
        headers: { authorization: "Bearer dpl_wrong" },
    });
    assert.equal(wrong.status, 401);
});

test("from a list of documents nothing else is answered", async (t) => {
    const file = join(temporary(t), "documents.json");
    writeFileSync(file, JSON.stringify({ Names: "query Names { twins { nodes { name } } }" }));
    const closed = await start(t, { args: ["--graphql-documents", file] });
    const yes = await closed.post("/graphql", {
        query: "query Names { twins { nodes { name } } }",
    });
    assert.equal(yes.body.errors, undefined);
    const no = await closed.post("/graphql", { query: "{ __typename }" });
    assert.match(no.body.errors[0].message, /list/);
});

/* ---- WebSocket ---- */

const client = (server = d, more = {}) =>
    createClient({
        url: `${server.url.replace("http", "ws")}/graphql`,
        webSocketImpl: WebSocket,
        lazy: false,
        retryAttempts: 0,
        onNonLazyError: () => {},
        ...more,
    });

function collect(ws, query, variables) {
    const got = { next: [], error: undefined, done: false };
    got.stop = ws.subscribe(
        { query, variables },
        {
            next: (v) => got.next.push(v),
            error: (e) => {
                got.error = e;
            },
            complete: () => {
                got.done = true;
            },
        },
    );
    return got;
}

test("queries, mutations and errors over graphql-transport-ws", async () => {
    const ws = client();
    const q = collect(ws, "{ __typename twins(first: 1) { totalCount } }");
    await until("q.done", () => q.done);
    assert.equal(q.next[0].data.__typename, "Query");
    const bad = collect(ws, "{ nothing }");
    await until("bad.error", () => bad.error);
    assert.equal(bad.error[0].extensions.rule, "FieldsOnCorrectType");
    await ws.dispose();
});

test("readings and twins as they come, to whoever subscribes", async () => {
    await d.create(twin("gs-1", ["a", "b"]));
    await d.create(twin("gs-2", ["a"]));
    const ws = client();
    const all = collect(ws, "subscription { readings { twin sensor value ofTwin { id name } } }");
    const some = collect(
        ws,
        'subscription ($s: [ID!]) { readings(twin: "gs-1", sensors: $s) { sensor value t } }',
        { s: ["b"] },
    );
    const events = collect(ws, "subscription { twinEvents { event twin } }");
    const ready = collect(ws, "{ __typename }");
    await until("ready.done", () => ready.done);
    for (let i = 0; i < 20; i++) await d.post("/api/v1/twins/gs-1/readings", { a: i, b: -i });
    await d.post("/api/v1/twins/gs-2/readings", { a: 7 });
    await until("all.next.length >= 41", () => all.next.length >= 41);
    assert.deepEqual(
        all.next.filter((n) => n.data.readings.sensor === "b").map((n) => n.data.readings.value),
        Array.from({ length: 20 }, (_, i) => -i || 0),
    );
    assert.equal(all.next[0].data.readings.ofTwin.id, "gs-1");
    assert.equal(all.next[40].data.readings.twin, "gs-2");
    await until("some.next.length === 20", () => some.next.length === 20);
    await d.create(twin("gs-3", ["a"]));
    await until("events.next.some((n) => n.data.twinEvents.twin === gs-3)", () =>
        events.next.some((n) => n.data.twinEvents.twin === "gs-3"),
    );
    all.stop();
    await until("all.done", () => all.done);
    const missing = collect(ws, 'subscription { readings(twin: "gs-no") { value } }');
    await until("missing.error", () => missing.error);
    await ws.dispose();
});

test("whoever does not speak the protocol is told so by its codes", async () => {
    const closed = (messages) =>
        new Promise((resolve, reject) => {
            const ws = new WebSocket(
                `${d.url.replace("http", "ws")}/graphql`,
                "graphql-transport-ws",
            );
            ws.on("open", () => {
                for (const m of messages) ws.send(typeof m === "string" ? m : JSON.stringify(m));
            });
            ws.on("close", (code) => resolve(code));
            ws.on("error", reject);
        });
    const init = { type: "connection_init" };
    const subscribe = {
        type: "subscribe",
        id: "1",
        payload: { query: "subscription { twinEvents { event } }" },
    };
    assert.equal(await closed(["no json"]), 4400);
    assert.equal(await closed([{ type: "what" }]), 4400);
    assert.equal(await closed([init, { ...subscribe, id: undefined }]), 4400);
    assert.equal(await closed([subscribe]), 4401);
    assert.equal(await closed([init, init]), 4429);
    assert.equal(await closed([init, subscribe, subscribe]), 4409);
    assert.equal(await closed([]), 4408);
});

test("over a WebSocket the token may come with connection_init; one that ends takes it along", async (t) => {
    const locked = await start(t, { access: "locked" });
    const ada = await administrator(locked);
    await ada.must("POST", "/api/v1/twins", twin("wt-1", ["s"]));
    const { token, id } = await ada.must("POST", "/api/v1/account/tokens", {
        name: "for a test",
        scopes: ["twins:read", "data:read"],
    });
    const nobody = client(locked);
    const none = collect(nobody, "subscription { readings { value } }");
    await until("none.error", () => none.error);
    await nobody.dispose();

    let code;
    const ws = client(locked, {
        connectionParams: { authorization: `Bearer ${token}` },
        on: {
            closed: (e) => {
                code = e.code;
            },
        },
    });
    const heard = collect(ws, "subscription { readings { twin value } }");
    const ready = collect(ws, '{ twin(id: "wt-1") { id } }');
    await until("ready.done", () => ready.done);
    assert.equal(ready.next[0].data.twin.id, "wt-1");
    await ada.must("POST", "/api/v1/twins/wt-1/readings", { s: 4 });
    await until("heard.next.length === 1", () => heard.next.length === 1);
    await ada.must("DELETE", `/api/v1/account/tokens/${id}`);
    await until("code === 4401", () => code === 4401);
    await ws.dispose();
});

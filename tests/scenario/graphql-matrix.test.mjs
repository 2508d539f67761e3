/* Who may ask which field: every field of Query, Mutation and Subscription times who asks.  A field that
 * has no row here fails. */

import assert from "node:assert/strict";
import { before, test } from "node:test";
import * as g from "graphql";
import { createClient } from "graphql-ws";
import WebSocket from "ws";
import { shared } from "../lib/doppel.mjs";
import { administrator, member } from "../lib/people.mjs";
import { twin } from "../lib/profiles.mjs";
import { until } from "../lib/wait.mjs";

const ROLES = ["nobody", "viewer", "operator", "editor", "administrator"];

/* needs: the least role; hides: who has less gets null, as for what is not there; missing: it is not
 * there, which anybody who is signed in may hear. */
const ROWS = {
    "Query.twin": {
        needs: "viewer",
        ask: '{ twin(id: "m-1") { id sensors { value } } }',
        hides: true,
    },
    "Query.twins": { needs: "viewer", ask: "{ twins(first: 1) { nodes { id } } }" },
    "Query.graph": { needs: "viewer", ask: '{ graph(root: "m-1") { nodes { id } } }' },
    "Query.type": { needs: "viewer", ask: '{ type(id: "no-such") }' },
    "Query.types": { needs: "viewer", ask: "{ types }" },
    "Query.alarms": { needs: "viewer", ask: "{ alarms { alarms { id } } }" },
    "Query.alarm": { needs: "viewer", ask: '{ alarm(id: "a-999999") { id } }' },
    "Query.query": { needs: "viewer", ask: '{ query(sql: "SELECT id FROM twins") { rows } }' },
    "Mutation.acknowledgeAlarm": {
        needs: "operator",
        ask: 'mutation { acknowledgeAlarm(alarm: "a-999999") { id } }',
        missing: true,
    },
    "Mutation.clearAlarm": {
        needs: "operator",
        ask: 'mutation { clearAlarm(alarm: "a-999999") { id } }',
        missing: true,
    },
    "Mutation.assignAlarm": {
        needs: "operator",
        ask: 'mutation { assignAlarm(alarm: "a-999999") { id } }',
        missing: true,
    },
    "Mutation.commentAlarm": {
        needs: "operator",
        ask: 'mutation { commentAlarm(alarm: "a-999999", text: "x") { id } }',
        missing: true,
    },
    "Mutation.shelveAlarm": {
        needs: "operator",
        ask: 'mutation { shelveAlarm(alarm: "a-999999", for: "1h", reason: "x") { id } }',
        missing: true,
    },
    "Mutation.unshelveAlarm": {
        needs: "operator",
        ask: 'mutation { unshelveAlarm(alarm: "a-999999") { id } }',
        missing: true,
    },
    "Subscription.alarms": {
        needs: "viewer",
        ask: 'subscription { alarms(twin: "m-1") { step } }',
    },
    "Mutation.createTwin": { needs: "editor", ask: "mutation { createTwin(profile: {}) { id } }" },
    "Mutation.patchTwin": {
        needs: "editor",
        ask: 'mutation { patchTwin(id: "m-1", patch: {}, ifMatch: "\\"old\\"") { id } }',
    },
    "Mutation.deleteTwin": {
        needs: "editor",
        ask: 'mutation { deleteTwin(id: "m-1", ifMatch: "\\"old\\"") }',
    },
    "Mutation.createRelationship": {
        needs: "editor",
        ask: 'mutation { createRelationship(twin: "m-1", kind: "", target: "m-1") { id } }',
    },
    "Mutation.putRelationship": {
        needs: "editor",
        ask: 'mutation { putRelationship(twin: "m-1", relationship: "r", kind: "", target: "m-1") { id } }',
    },
    "Mutation.deleteRelationship": {
        needs: "editor",
        ask: 'mutation { deleteRelationship(twin: "m-1", relationship: "no") }',
    },
    "Mutation.sendReadings": {
        needs: "operator",
        ask: 'mutation { sendReadings(twin: "m-1", readings: { s: 1 }) { accepted } }',
    },
    "Subscription.readings": {
        needs: "viewer",
        ask: 'subscription { readings(twin: "m-1") { value } }',
    },
    "Subscription.twinEvents": {
        needs: "viewer",
        ask: 'subscription { twinEvents(twin: "m-1") { event } }',
    },
};

const d = shared({ access: "locked" });
const who = {};
let schema;

before(async () => {
    const ada = await administrator(d);
    who.administrator = ada;
    for (const role of ["viewer", "operator", "editor"])
        who[role] = await member(ada, role, `Some ${role}`);
    await ada.must("POST", "/api/v1/twins", twin("m-1", ["s"]));
    schema = g.buildSchema((await ada.get("/api/v1/graphql/schema")).text);
});

const DENIED = new Set(["forbidden", "unauthenticated", "unknown-twin", "not-found"]);

async function answer(role, query) {
    const body = JSON.stringify({ query });
    const headers = { "content-type": "application/json" };
    const options = { method: "POST", headers, body };
    const r = who[role]
        ? await who[role].fetch("/graphql", options)
        : await fetch(`${d.url}/graphql`, options);
    return r.json();
}

/* Over a WebSocket, which is let in and then hears an error, or nothing bad. */
async function listen(role, query) {
    const cookie = [...(who[role]?.cookies ?? [])].map(([k, v]) => `${k}=${v}`).join("; ");
    class Mine extends WebSocket {
        constructor(url, protocols) {
            super(url, protocols, { headers: { cookie, origin: d.url } });
        }
    }
    const ws = createClient({
        url: `${d.url.replace("http", "ws")}/graphql`,
        webSocketImpl: Mine,
        retryAttempts: 0,
    });
    let errors;
    let ready;
    ws.subscribe({ query }, { next() {}, complete() {}, error: (e) => (errors = e) });
    ws.subscribe(
        { query: "{ __typename }" },
        { next: () => (ready = true), complete() {}, error: (e) => (errors = e) },
    );
    await until("it is answered", () => ready);
    await ws.dispose();
    return { errors };
}

const mayAsk = ([r, row]) => ROLES.indexOf(r) >= ROLES.indexOf(row.needs);

test("every field has a row, and every row a field", () => {
    const fields = ["Query", "Mutation", "Subscription"].flatMap((t) =>
        Object.keys(schema.getType(t).getFields()).map((f) => `${t}.${f}`),
    );
    assert.deepEqual(fields.sort(), Object.keys(ROWS).sort());
});

for (const [field, row] of Object.entries(ROWS))
    test(field, async () => {
        for (const role of ROLES) {
            const ask = field.startsWith("Subscription") ? listen : answer;
            const r = await ask(role, row.ask);
            const denied = (r.errors ?? []).some((e) => DENIED.has(e.extensions?.code));
            const about = `${role}: ${JSON.stringify(r)}`;
            if (mayAsk([role, row])) {
                const refused = (r.errors ?? []).some((e) =>
                    ["forbidden", "unauthenticated"].includes(e.extensions?.code),
                );
                assert.ok(!refused, about);
            } else if (row.hides) {
                assert.deepEqual(Object.values(r.data), [null], about);
            } else {
                assert.ok(denied, about);
                assert.ok(!r.data || Object.values(r.data).every((v) => v === null), about);
            }
        }
    });

/* What a policy keeps from somebody is kept at every door: SQL, GraphQL, versions, the past, exports, alarms. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { start, until } from "../lib/doppel.mjs";
import { twin } from "../lib/profiles.mjs";

const TWINS = "/api/v1/twins";
const MARK = /XYZZY/;

const reads = (resource) => ({
    entries: { no: { subjects: ["role:viewer"], resources: { [resource]: { revoke: ["read"] } } } },
});

/* A profile in which everything that is worth hiding has the mark in it. */
function marked(id, more = {}) {
    const p = twin(id, ["open", "hidden"]);
    const hidden = p.sensors.find((s) => s.id === "hidden");
    hidden.name = "XYZZY";
    hidden.normalRange = [0, 10];
    hidden.criticalRange = [-10, 20];
    return { ...p, ...more };
}

async function town(t) {
    const d = await start(t, { access: "locked" });
    const root = await d.setup({ email: "root@example.org" });
    const vi = await d.join(root, { role: "viewer", email: "vi@example.org" });
    const made = async (p) => assert.equal((await root.post(TWINS, p)).status, 201);
    const must = async (method, path, body) => {
        const r = await root.send(method, path, body);
        assert.ok(r.status < 300, `${method} ${path}: ${r.text}`);
        return r;
    };
    return { d, root, vi, made, must };
}

async function doors(who, id, at) {
    const sql = async (text, more = {}) =>
        (await who.send("POST", "/api/v1/query", { sql: text, ...more })).text;
    const ql = async (query) =>
        (await who.send("POST", "/graphql", { query: query.replaceAll("ID", `"${id}"`) })).text;
    const rest = async (path) => (await who.get(path)).text;
    const found = {};
    for (const table of ["twins", "sensors", "relationships", "assets", "audit"]) {
        found[`sql ${table}`] = await sql(`SELECT * FROM ${table}`);
        found[`sql ${table} as of`] = await sql(`SELECT * FROM ${table}`, { at });
        const column = { twins: "id", relationships: "source", audit: "object" }[table] ?? "twin";
        found[`sql ${table} of one`] = await sql(`SELECT * FROM ${table} WHERE ${column} = :id`, {
            params: { id },
        });
        found[`sql ${table} of one as of`] = await sql(
            `SELECT * FROM ${table} WHERE ${column} = :id`,
            { at, params: { id } },
        );
    }
    found["sql readings"] = await sql("SELECT * FROM readings");
    found["sql readings as of"] = await sql("SELECT * FROM readings", { at });
    found["sql history"] = await sql(
        "SELECT :id, value FROM history(:id, 'hidden', '-1d', 'now', '1s', 'max')",
        { params: { id } },
    );
    for (const rows of [
        `${TWINS}/${id}`,
        `${TWINS}/${id}/sensors`,
        `${TWINS}/${id}/relationships`,
        "/api/v1/graph",
        `/api/v1/graph?root=${id}`,
    ]) {
        found[rows] = await rest(rows);
        const then = `${rows}${rows.includes("?") ? "&" : "?"}at=${encodeURIComponent(at)}`;
        found[then] = await rest(then);
    }
    for (const path of [
        "?live=false",
        "/sensors/hidden",
        `/sensors/hidden?at=${encodeURIComponent(at)}`,
        "/sensors/hidden/history",
        "/versions",
        "/versions/1",
        "/versions/2",
        "/diff?from=1",
        "/diff?from=1&to=2",
    ])
        found[path] = await rest(`${TWINS}/${id}${path}`);
    for (const format of ["dtdl", "wot", "ngsi-ld"]) {
        found[format] = await rest(`/api/v1/export/${format}?twin=${id}`);
        found[`${format} of all`] = await rest(`/api/v1/export/${format}`);
    }
    found.alarms = await rest("/api/v1/alarms");
    found["alarms then"] = await rest(`/api/v1/alarms?at=${encodeURIComponent(at)}`);
    for (let n = 1; n < 5; n++) found[`alarm ${n}`] = await rest(`/api/v1/alarms/a-${n}`);
    found.deliveries = await rest("/api/v1/deliveries");
    found["graphql twin"] = await ql(
        `{ twin(id: ID) { id name profile(at: "${at}") sensors { id name value } relationships { kind targetTwin { id } } } }`,
    );
    found["graphql sql"] = await ql(
        `{ query(sql: "SELECT * FROM sensors", at: "${at}") { rows } }`,
    );
    found["graphql alarms"] = await ql("{ alarms { alarms { message sensor value } } }");
    return found;
}

function nothing(found, what = MARK) {
    const leaks = Object.keys(found).filter((k) => what.test(found[k]));
    assert.deepEqual(leaks, [], leaks.map((k) => `${k}: ${found[k].slice(0, 300)}`).join("\n"));
}

const moment = () => new Date(Date.now() - 1).toISOString();
const passes = (ms) => new Promise((go) => setTimeout(go, ms));

test("a sensor", async (t) => {
    const { root, vi, made, must } = await town(t);
    await made(marked("a"));
    await must("POST", `${TWINS}/a/readings`, { hidden: 100, open: 1 });
    await must("PATCH", `${TWINS}/a`, { name: "another" });
    await until(
        "an alarm",
        async () => (await root.get("/api/v1/alarms")).body.alarms.length === 1,
    );
    await passes(20);
    const at = moment();
    assert.ok(Object.values(await doors(root, "a", at)).filter((x) => MARK.test(x)).length > 20);
    await must("PUT", `${TWINS}/a/policy`, reads("/sensors/hidden"));
    nothing(await doors(vi, "a", at));
});

test("a sensor that has left the profile", async (t) => {
    const { vi, made, must } = await town(t);
    await made(marked("a"));
    await must("POST", `${TWINS}/a/readings`, { hidden: 100, open: 1 });
    await passes(20);
    const at = moment();
    await must("PUT", `${TWINS}/a`, twin("a", ["open"]));
    await must("PUT", `${TWINS}/a/policy`, reads("/sensors/hidden"));
    nothing(await doors(vi, "a", at), /XYZZY/);
});

test("a profile", async (t) => {
    const { vi, made, must } = await town(t);
    await made(twin("b", ["t"]));
    /* names, description and sensors are in lists, which are not the profile */
    const media = { "@type": "MediaObject", name: "XYZZY", contentUrl: "https://example.org/x" };
    await made({
        ...twin("a", ["t"]),
        associatedMedia: [media],
        "doppel:relationships": [{ kind: "feeds", target: "b", id: "XYZZY" }],
    });
    await must("PATCH", `${TWINS}/a`, { name: "another" });
    await passes(20);
    const at = moment();
    await must("PUT", `${TWINS}/a/policy`, reads("/profile"));
    nothing(await doors(vi, "a", at));
});

test("a twin, by what points to it", async (t) => {
    const { vi, made, must } = await town(t);
    await made(marked("XYZZY"));
    await made(twin("b", ["t"]));
    await must("POST", `${TWINS}/b/relationships`, { kind: "feeds", target: "XYZZY" });
    await must("PATCH", `${TWINS}/b`, { name: "another" });
    await passes(20);
    const at = moment();
    await must("PUT", `${TWINS}/XYZZY/policy`, reads("/"));
    nothing(await doors(vi, "b", at));
});

test("a twin that is gone, and its policy with it", async (t) => {
    const { root, vi, made, must } = await town(t);
    await made(marked("a"));
    await must("PUT", `${TWINS}/a/policy`, reads("/"));
    await must("POST", `${TWINS}/a/readings`, { hidden: 100, open: 1 });
    await until(
        "an alarm",
        async () => (await root.get("/api/v1/alarms")).body.alarms.length === 1,
    );
    await passes(20);
    const at = moment();
    await must("DELETE", `${TWINS}/a`);
    nothing(await doors(vi, "a", at), /XYZZY|"hidden"/);
    const past = await root.send("POST", "/api/v1/query", { sql: "SELECT id FROM twins", at });
    assert.deepEqual(past.body.rows, [["a"]]);
});

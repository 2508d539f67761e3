/* Every operation, tried by everybody: nobody, another organisation's administrator, the four roles, a
 * device, expired and revoked tokens, and whoever has a link.  The operations are those of the document
 * that the server gives of itself, what they need stands in lib/matrix.mjs. */

import assert from "node:assert/strict";
import { test } from "node:test";
import mqtt from "mqtt";
import { Client, SLOW, shared } from "../lib/doppel.mjs";
import { ROWS, TOPICS } from "../lib/matrix.mjs";
import { administrator, member } from "../lib/people.mjs";
import { twin } from "../lib/profiles.mjs";
import { Stream } from "../lib/streams.mjs";

const ROLES = ["viewer", "operator", "editor", "administrator"];
const who = {}; /* name -> headers that show it */
const token = {}; /* name -> the same as a token, for MQTT and the stream */
let operations = [];

const bearer = (token) => ({ authorization: `Bearer ${token}` });
const cookies = (s) => ({
    cookie: [...s.cookies].map(([k, v]) => `${k}=${v}`).join("; "),
    origin: s.server.url,
});

async function be(name, somebody, organization) {
    who[name] = cookies(somebody);
    const made = await somebody.must("POST", "/api/v1/account/tokens", { name, organization });
    token[name] = made.token;
}

async function people(d) {
    const ada = await administrator(d);
    const pump = twin("pump-1", { "temp-1": { normalRange: [0, 50] } });
    await ada.must("POST", "/api/v1/twins", { ...pump, "doppel:commands": [{ name: "stop" }] });
    await ada.must("POST", "/api/v1/twins/pump-1/commands/stop", {});
    await ada.must("POST", "/api/v1/twins/pump-1/readings", { "temp-1": 80 });
    await ada.must("POST", "/api/v1/organizations", { id: "acme", name: "Acme" });
    await ada.must("POST", "/api/v1/twins", twin("fan-1", ["temp-1"]));
    await be("installation", ada, "home");
    for (const role of ROLES) await be(role, await member(ada, role, `Home ${role}`), "home");
    await ada.must("PATCH", "/api/v1/session", { organization: "acme" });
    await be("stranger", await member(ada, "administrator", "Stranger", "acme"), "acme");
    await ada.must("PATCH", "/api/v1/session", { organization: "home" });
    return ada;
}

async function tokens(d, ada) {
    const base = "/api/v1/organizations/home/services";
    const make = async (id, more) => {
        const service = await ada.must("POST", base, { name: id, role: "administrator" });
        const made = await ada.must("POST", `${base}/${service.id}/tokens`, { name: id, ...more });
        return { ...made, service: service.id };
    };
    const soon = new Date(Date.now() + 300).toISOString();
    token.expired = (await make("late", { expires: soon })).token;
    who.expired = bearer(token.expired);
    const revoked = await make("gone", {});
    token.revoked = revoked.token;
    who.revoked = bearer(revoked.token);
    await ada.must("DELETE", `${base}/${revoked.service}/tokens/${revoked.id}`);
    const device = await ada.must("POST", "/api/v1/twins/pump-1/credentials", {});
    token.device = device.token;
    who.device = bearer(device.token);
    const grant = await ada.must("POST", "/api/v1/grants", {
        object: "twin:pump-1",
        to: { kind: "link" },
        role: "viewer",
    });
    const visitor = new Client(d);
    await visitor.must("POST", "/api/v1/session/link", { token: grant.link.split("#")[1] });
    token.link = grant.link.split("#")[1];
    who.link = cookies(visitor);
    await new Promise((resolve) => setTimeout(resolve, 400 * SLOW));
}

const d = shared({ access: "locked" }, async (server) => {
    const ada = await people(server);
    await tokens(server, ada);
    const document = (await server.get("/api/v1/openapi.json")).body;
    operations = Object.entries(document.paths).flatMap(([path, methods]) =>
        Object.entries(methods).map(([method, o]) => ({
            method: method.toUpperCase(),
            path,
            id: o.operationId,
        })),
    );
});

const NAMES = { id: "pump-1", sensor: "temp-1", org: "home", code: "not-found" };
/* a twin of another organisation has its name in front */
const fill = (text, row, who) =>
    text.replace(/\{(\w+)\}/g, (_, name) => {
        const plain = row.names?.[name] ?? NAMES[name] ?? "none";
        return name === "id" && who === "stranger" && !row.names ? `home~${plain}` : plain;
    });

async function ask(o, row, name) {
    const writes = ["POST", "PUT", "PATCH"].includes(o.method);
    const all = { ...who[name], ...row.headers };
    if (writes) all["content-type"] = row.type ?? "application/json";
    const query = row.query ? `?${row.query}` : "";
    const r = await d.fetch(fill(o.path + query, row, name), {
        method: o.method,
        headers: all,
        body: writes ? fill(row.body ?? '{"no such member":1}', row, name) : undefined,
        redirect: "manual",
    });
    const text = await r.text();
    return { status: r.status, text };
}

/* May they get as far as the request itself being judged? */
function allowed(name, row) {
    if (row.needs === "public") return true;
    if (row.needs === "local") return false;
    if (row.needs === "installation") return name === "installation";
    if (row.needs === "person") return ["installation", "stranger", ...ROLES].includes(name);
    if (name === "installation") return true;
    if (name === "device") return row.device === true;
    if (name === "link") return row.needs === "viewer" && row.linkMay !== false;
    return ROLES.indexOf(name) >= ROLES.indexOf(row.needs);
}

const isAddressed = (o, row) =>
    row.addressed ?? (/\/twins\/\{id\}|\/organizations\/\{org\}/.test(o.path) && !row.names?.org);

function judge(o, row, name, r) {
    const what = `${o.id} by ${name}: ${r.status} ${r.text.slice(0, 300)}`;
    if (row.needs === "public") {
        assert.notEqual(r.status, 403, what);
        return;
    }
    if (["anonymous", "expired", "revoked"].includes(name)) {
        assert.equal(r.status, 401, what);
        if (name !== "anonymous") assert.match(r.text, new RegExp(`token-${name}`), what);
        return;
    }
    if (name === "stranger" && isAddressed(o, row)) {
        assert.equal(r.status, 404, what);
        return;
    }
    if (
        name === "stranger"
            ? allowed("administrator", row) || row.needs === "person"
            : allowed(name, row)
    ) {
        assert.ok(r.status !== 401 && (r.status !== 403 || row.fresh), what);
        assert.ok(r.status < 500 || (r.status === 501 && row.unsupported), what);
        if (r.status === 404) assert.ok(row.missing, what);
        return;
    }
    if (row.later && r.status === 400) return; /* its names are judged one by one */
    /* what a link does not reach is as good as not there */
    assert.ok(r.status === 403 || ((name === "link" || row.hidden) && r.status === 404), what);
}

test("every operation stands in the matrix, and nothing else", () => {
    assert.deepEqual(operations.map((o) => o.id).sort(), Object.keys(ROWS).sort());
});

for (const name of [
    "anonymous",
    "expired",
    "revoked",
    "stranger",
    "device",
    "link",
    ...ROLES,
    "installation",
]) {
    test(`what is allowed to ${name}, and what is not`, async () => {
        const wrong = [];
        for (const o of operations) {
            const row = ROWS[o.id];
            if (!row || (row.destroys && !["anonymous", "expired", "revoked"].includes(name)))
                continue;
            try {
                judge(o, row, name, await ask(o, row, name));
            } catch (e) {
                wrong.push(e.message);
            }
        }
        assert.deepEqual(wrong, []);
    });
}

/* ---- the same over MQTT and the stream ---- */

const EVERYBODY = [
    "anonymous",
    "expired",
    "revoked",
    "stranger",
    "device",
    "link",
    ...ROLES,
    "installation",
];
const OUTSIDE = ["anonymous", "expired", "revoked"];

function connect(name) {
    const client = mqtt.connect(`mqtt://${d.mqtt}`, {
        protocolVersion: 5,
        reconnectPeriod: 0,
        username: "x",
        password: token[name] ?? "",
        clientId: `matrix-${name}`,
    });
    return new Promise((resolve) => {
        client.on("connect", () => resolve({ client }));
        client.on("error", (e) => resolve({ code: e.code }));
    });
}

/* Is it one of those that the table names, or a role above one? */
function mayTopic(name, allowed) {
    if (name === "installation") return true;
    return allowed.some(
        (a) => a === name || (ROLES.includes(a) && ROLES.indexOf(name) >= ROLES.indexOf(a)),
    );
}

/* Reason codes below 0x80 are the good ones. */
const reasonOf = (promise) =>
    promise.then(
        (r) => r?.reasonCode ?? r?.[0]?.qos ?? 0,
        (e) => e.code ?? e.reasonCode ?? 0x80,
    );

for (const name of EVERYBODY) {
    test(`which topics are ${name}'s to say and to hear`, async () => {
        const { client, code } = await connect(name);
        if (OUTSIDE.includes(name)) {
            assert.ok(code === 0x86 || code === 0x87, `${name}: ${code}`);
            return;
        }
        const wrong = [];
        for (const row of TOPICS) {
            const topic =
                name === "stranger" ? row.topic.replace("twins/", "twins/home~") : row.topic;
            const foreign = name === "stranger" && !row.topic.startsWith("twins/");
            for (const [action, allowed] of [
                ["say", row.say],
                ["hear", row.hear],
            ]) {
                if (!allowed || foreign) continue; /* its own organisation has such a topic, too */
                const reason = await reasonOf(
                    action === "say"
                        ? client.publishAsync(topic, row.payload, { qos: 1 })
                        : client.subscribeAsync(topic, { qos: 1 }),
                );
                const may = name !== "stranger" && mayTopic(name, allowed);
                /* npm mqtt tells of a refused filter that it was; what may not be seen is not there */
                if (may ? reason >= 0x80 : ![0x80, 0x87, 0x90].includes(reason))
                    wrong.push(`${name} ${action} ${topic}: 0x${Number(reason).toString(16)}`);
            }
        }
        await client.endAsync(true);
        assert.deepEqual(wrong, []);
    });

    test(`what ${name} hears on the stream`, async (t) => {
        const headers = name === "anonymous" ? {} : bearer(token[name]);
        if (OUTSIDE.includes(name) || name === "device") {
            await assert.rejects(Stream.open(t, d, { headers }), /40[13]/);
            return;
        }
        const s = await Stream.open(t, d, { headers });
        const hears = async (id) => (await s.ask({ subscribe: { twin: id } })).sensors;
        const home = name === "stranger" ? "home~" : "";
        assert.equal(await hears(`${home}pump-1`), name === "stranger" ? 0 : 1);
        assert.equal(await hears(`${home}fan-1`), ["stranger", "link"].includes(name) ? 0 : 1);
        const said = await s.ask({
            publish: { twin: `${home}pump-1`, readings: { "temp-1": 20 } },
        });
        const may = name === "installation" || ROLES.indexOf(name) >= ROLES.indexOf("operator");
        if (may) assert.ok("ack" in said && !said.error, JSON.stringify(said));
        else assert.match(JSON.stringify(said), /forbidden|unknown-twin/);
    });
}

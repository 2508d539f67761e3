/* Every operation, tried by everybody: nobody, another organisation's administrator, the four roles, a
 * device, expired and revoked tokens, and whoever has a link.  The operations are those of the document
 * that the server gives of itself, what they need stands in lib/matrix.mjs. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { SLOW, shared } from "../lib/doppel.mjs";
import { ROWS } from "../lib/matrix.mjs";
import { administrator, member, Somebody } from "../lib/people.mjs";
import { twin } from "../lib/profiles.mjs";

const ROLES = ["viewer", "operator", "editor", "administrator"];
const who = {}; /* name -> headers that show it */
let operations = [];

const bearer = (token) => ({ authorization: `Bearer ${token}` });
const cookies = (s) => ({
    cookie: [...s.cookies].map(([k, v]) => `${k}=${v}`).join("; "),
    origin: s.server.url,
});

async function people(d) {
    const ada = await administrator(d);
    await ada.must("POST", "/api/v1/twins", twin("pump-1", ["temp-1"]));
    await ada.must("POST", "/api/v1/organizations", { id: "acme", name: "Acme" });
    who.installation = cookies(ada);
    for (const role of ROLES) who[role] = cookies(await member(ada, role, `Home ${role}`));
    await ada.must("PATCH", "/api/v1/session", { organization: "acme" });
    who.stranger = cookies(await member(ada, "administrator", "Stranger", "acme"));
    await ada.must("PATCH", "/api/v1/session", { organization: "home" });
    return ada;
}

async function tokens(d, ada) {
    const base = "/api/v1/organizations/home/services";
    const make = async (id, more) => {
        const service = await ada.must("POST", base, { name: id, role: "administrator" });
        const token = await ada.must("POST", `${base}/${service.id}/tokens`, { name: id, ...more });
        return { ...token, service: service.id };
    };
    const soon = new Date(Date.now() + 300).toISOString();
    who.expired = bearer((await make("late", { expires: soon })).token);
    const revoked = await make("gone", {});
    who.revoked = bearer(revoked.token);
    await ada.must("DELETE", `${base}/${revoked.service}/tokens/${revoked.id}`);
    const device = await ada.must("POST", "/api/v1/twins/pump-1/credentials", {});
    who.device = bearer(device.token);
    const grant = await ada.must("POST", "/api/v1/grants", {
        object: "twin:pump-1",
        to: { kind: "link" },
        role: "viewer",
    });
    const visitor = new Somebody(d);
    await visitor.must("POST", "/api/v1/session/link", { token: grant.link.split("#")[1] });
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

/* /api/v1/openapi.json: a document of OpenAPI 3.1 to which every answer conforms.
 *
 * Every operation it lists is called here, in good and in bad, and each answer is held against the
 * schema that stands for its status and type.  An operation without a call fails the last test. */

import assert from "node:assert/strict";
import { test } from "node:test";
import Ajv2020 from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { Client, PASSWORD, shared, start, until } from "../lib/doppel.mjs";
import { lyingProvider } from "../lib/identity.mjs";
import { Authenticator } from "../lib/passkey.mjs";
import { core, example, twin } from "../lib/profiles.mjs";
import { totp } from "../lib/totp.mjs";

const METHODS = ["get", "put", "post", "delete", "patch", "head", "options"];
let api;
let ajv;
const called = new Map(); /* "get /path" -> the statuses that were seen */

const d = shared({ args: ["--allow-private-fetch", "127.0.0.1"] }, async (server) => {
    const r = await server.get("/api/v1/openapi.json");
    assert.equal(r.status, 200);
    api = r.body;
    ajv = new Ajv2020({ strict: false, allErrors: true, validateFormats: true });
    addFormats(ajv);
    for (const format of ["int64", "int32", "double", "float"]) ajv.addFormat(format, true);
    ajv.addSchema(api, "api");
});

const operations = () =>
    Object.entries(api.paths).flatMap(([path, item]) =>
        METHODS.filter((m) => item[m]).map((m) => `${m} ${path}`),
    );

/* The template of a path, the one with the most fixed parts first. */
function template(path) {
    const parts = path.split("/");
    const fits = Object.keys(api.paths).filter((t) => {
        const want = t.split("/");
        return (
            want.length === parts.length &&
            want.every((w, i) => w === parts[i] || /^\{.+\}$/.test(w))
        );
    });
    return fits.sort((a, b) => (a.match(/\{/g) ?? []).length - (b.match(/\{/g) ?? []).length)[0];
}

const pointer = (...steps) =>
    `api#/${steps.map((s) => encodeURIComponent(s.replaceAll("~", "~0").replaceAll("/", "~1"))).join("/")}`;

function follow(node, ...steps) {
    let where = steps;
    let n = node;
    while (n?.$ref) {
        where = n.$ref
            .slice(2)
            .split("/")
            .map((s) => s.replaceAll("~1", "/").replaceAll("~0", "~"));
        n = where.reduce((x, s) => x?.[s], api);
    }
    return { node: n, where };
}

/* What changes nothing that the audit log is for, and why. */
const WITHOUT_LINE = {
    "post /api/v1/expressions/check": "it changes nothing",
    "post /api/v1/rules/test": "the same",
    "post /api/v1/validate": "looks at a profile",
    "post /api/v1/validate/type": "looks at a type",
    "post /api/v1/history": "a question",
    "post /graphql": "what its fields change has lines of its own",
    "post /api/v1/twins/{id}/readings": "readings are the history itself",
    "post /api/v1/twins/{id}/sensors/{sensor}/readings": "the same",
    "post /api/v1/query": "it reads",
    "post /api/v1/queries/{id}/run": "the same",
    "delete /api/v1/query/{id}": "the same",
    "post /write": "the same",
    "post /api/v2/write": "the same",
    "post /query": "a question",
    "post /api/v1/session/passkey/challenge": "a challenge that nobody has answered yet",
    "post /api/v1/account/passkeys/challenge": "the same",
    "post /api/v1/invitations/inspect": "a question",
    "post /api/v1/account/totp": "a seed that nothing asks for before it was confirmed",
    "patch /api/v1/session": "which organisation is meant: every line says that",
};
const withLine = new Set();

/* Whatever changed something has a line in the audit log, with the request's own id.  What found
 * nothing to change has none: so it is enough when one call of each operation has. */
async function lookForLine(on, name, r) {
    const server = on.server ?? on;
    const id = r.headers.get("doppel-request-id");
    const everybody = (await server.get("/api/v1/audit?limit=1")).status === 200;
    const reader = everybody ? server : server.withToken(server.localToken());
    for (let tries = 0; tries < 20 && !withLine.has(name); tries++) {
        const log = await reader.get("/api/v1/audit?limit=200");
        assert.equal(log.status, 200, log.text);
        if (log.body.entries.some((e) => e.request === id)) withLine.add(name);
        else await new Promise((resolve) => setTimeout(resolve, 25));
    }
}

/* Send, and hold what comes back against the document. */
async function call(method, path, options = {}) {
    const { on = d, body, type = "application/json", headers = {}, expect } = options;
    const r = await on.send(method, path, body, type, headers);
    const tpl = template(new URL(path, d.url).pathname);
    assert.ok(tpl, `${path} is in no path of the document`);
    const m = method.toLowerCase();
    const name = `${m} ${tpl}`;
    if (!called.has(name)) called.set(name, new Set());
    called.get(name).add(r.status);
    const op = api.paths[tpl][m];
    assert.ok(op, `${name} is not in the document`);
    if (expect) assert.equal(r.status, expect, r.text);
    if (m !== "get" && r.status < 300 && !WITHOUT_LINE[name]) await lookForLine(on, name, r);
    const status = op.responses[r.status] ? String(r.status) : "default";
    assert.ok(op.responses[status], `${name} says nothing of ${r.status}`);
    const { node, where } = follow(op.responses[status], "paths", tpl, m, "responses", status);
    const media = r.type.split(";")[0].trim();
    if (r.text === "") {
        if (![204, 304].includes(r.status))
            assert.ok(!node.content, `${name} ${r.status} has a body in the document`);
        return r;
    }
    assert.ok(
        node.content?.[media],
        `${name} ${r.status} is ${media}, the document says ${Object.keys(node.content ?? {})}`,
    );
    if (!/json/.test(media)) return r;
    const check = ajv.getSchema(pointer(...where, "content", media, "schema"));
    assert.ok(check, `${name} ${r.status} has no schema`);
    assert.ok(
        check(r.body),
        `${name} ${r.status}: ${ajv.errorsText(check.errors)}\n${r.text.slice(0, 1000)}`,
    );
    for (const [h, spec] of Object.entries(node.headers ?? {}))
        if (follow(spec).node?.required)
            assert.ok(r.headers.get(h), `${name} ${r.status} has no ${h}`);
    return r;
}

test("it is OpenAPI 3.1: what must be there is, references lead somewhere, schemas compile", async () => {
    assert.match(api.openapi, /^3\.1\.\d+$/);
    assert.ok(api.info.title && api.info.version);
    assert.ok(operations().length >= 18, operations().join("\n"));
    const ids = new Set();
    for (const [path, item] of Object.entries(api.paths)) {
        assert.match(path, /^\//);
        for (const m of METHODS.filter((x) => item[x])) {
            const op = item[m];
            const name = `${m} ${path}`;
            assert.ok(op.operationId && !ids.has(op.operationId), `${name}: operationId`);
            ids.add(op.operationId);
            assert.ok(op.summary?.length > 3 || op.description?.length > 3, `${name} says nothing`);
            assert.ok(Object.keys(op.responses).length > 0);
            const parameters = [...(item.parameters ?? []), ...(op.parameters ?? [])].map(
                (p) => follow(p).node,
            );
            const inPath = [...path.matchAll(/\{(\w+)\}/g)].map((x) => x[1]);
            assert.deepEqual(
                parameters
                    .filter((p) => p.in === "path")
                    .map((p) => p.name)
                    .sort(),
                inPath.sort(),
                name,
            );
            for (const p of parameters) {
                assert.ok(p.schema, `${name}: ${p.name} has no schema`);
                if (p.in === "path") assert.equal(p.required, true);
                ajv.compile(p.schema.$ref ? { $ref: `api${p.schema.$ref}` } : p.schema);
            }
            for (const [status, response] of Object.entries(op.responses)) {
                assert.match(status, /^([1-5]\d\d|[1-5]XX|default)$/);
                const { node } = follow(response);
                assert.ok(node?.description, `${name} ${status} has no description`);
            }
        }
    }
    const refs = [];
    JSON.stringify(api, (k, v) => {
        if (k === "$ref") refs.push(v);
        return v;
    });
    for (const ref of refs)
        assert.ok(follow({ $ref: ref }).node !== undefined, `${ref} leads nowhere`);
    for (const name of Object.keys(api.components?.schemas ?? {}))
        assert.ok(ajv.getSchema(`api#/components/schemas/${name}`), name);
});

const T = "/api/v1/twins";
const PATCH = "application/merge-patch+json";

test("twins, in good and in bad", async () => {
    await call("POST", T, { body: example("oa-1"), expect: 201 });
    await call("POST", T, { body: twin("oa-2", ["a", "b"]), expect: 201 });
    await call("POST", T, { body: example("oa-1"), expect: 409 });
    await call("POST", T, { body: { ...core("x"), name: "" }, expect: 422 });
    await call("POST", T, { body: "{", expect: undefined });
    await call("GET", `${T}?limit=1`, { expect: 200 });
    await call("GET", `${T}?name=robot&type=Industrial%20Robot%20Arm&state=waiting&sensors=1`, {
        expect: 200,
    });
    await call("GET", `${T}?limit=nonsense`, { expect: 400 });
    await call("GET", `${T}?state=asleep`, { expect: 400 });
    const { etag } = await call("GET", `${T}/oa-1`, { expect: 200 });
    await call("GET", `${T}/oa-1?live=false`, {
        expect: 200,
        headers: { "if-none-match": '"other"' },
    });
    await call("GET", `${T}/oa-1?live=false`, { expect: 304, headers: { "if-none-match": etag } });
    await call("GET", `${T}/nobody`, { expect: 404 });
    await call("PUT", `${T}/oa-2`, { body: twin("oa-2", ["a", "b", "c"]), expect: 200 });
    await call("PUT", `${T}/oa-3`, { body: twin("oa-3", ["a"]), expect: 201 });
    await call("PUT", `${T}/oa-3`, {
        body: twin("oa-3", ["a"]),
        headers: { "if-match": '"old"' },
        expect: 412,
    });
    await call("PUT", `${T}/oa-3`, { body: { hello: 1 }, expect: 422 });
    await call("PATCH", `${T}/oa-3`, { body: { name: "New" }, type: PATCH, expect: 200 });
    await call("PATCH", `${T}/oa-3`, { body: { name: null }, type: PATCH, expect: 422 });
    await call("PATCH", `${T}/nobody`, { body: { name: "x" }, type: PATCH, expect: 404 });
    await call("PATCH", `${T}/oa-3`, { body: "x", type: "text/plain", expect: 415 });
    await call("DELETE", `${T}/oa-3`, { headers: { "if-match": '"old"' }, expect: 412 });
    await call("DELETE", `${T}/oa-3`, { expect: 204 });
    await call("DELETE", `${T}/oa-3`, { expect: 404 });
    await call("GET", `${T}/oa-2/findings`, { expect: 200 });
    await call("GET", `${T}/nobody/findings`, { expect: 404 });
    await call("GET", `${T}/oa-1/sensors`, { expect: 200 });
    await call("GET", `${T}/nobody/sensors`, { expect: 404 });
    await call("GET", `${T}/oa-1/sensors/temp-1`, { expect: 200 });
    await call("GET", `${T}/oa-1/sensors/none`, { expect: 404 });
});

test("readings and history, in good and in bad", async () => {
    await call("POST", `${T}/oa-1/readings`, {
        body: { "temp-1": 80, "motion-1": 1 },
        expect: 200,
    });
    await call("POST", `${T}/oa-1/readings`, {
        body: '{"sensor":"temp-1","value":1}\n',
        type: "application/x-ndjson",
        expect: 200,
    });
    await call("POST", `${T}/oa-1/sensors/temp-1/readings`, {
        body: Buffer.from("f94d00", "hex"),
        type: "application/cbor",
        expect: 200,
    });
    await call("POST", `${T}/oa-1/readings`, { body: { none: 1, "temp-1": 2 }, expect: 422 });
    await call("POST", `${T}/oa-1/readings`, { body: "{", expect: 400 });
    await call("POST", `${T}/nobody/readings`, { body: { a: 1 }, expect: 404 });
    await call("POST", `${T}/oa-1/sensors/temp-1/readings`, { body: "41", expect: 200 });
    await call("POST", `${T}/oa-1/sensors/temp-1/readings`, { body: '"hot"', expect: 422 });
    await call("POST", `${T}/oa-1/sensors/none/readings`, { body: "1", expect: 422 });
    const h = `${T}/oa-1/sensors/temp-1/history`;
    for (const q of [
        "",
        "?limit=1",
        "?points=10",
        "?every=1s&fn=mean",
        "?every=1m&fn=count",
        "?quality=true",
        "?points=10&fn=lttb",
        "?every=1d&fn=min,max,mean&tz=Europe/Berlin&fill=null&before=true",
        "?format=ndjson",
        "?format=csv",
    ])
        await call("GET", h + q, { expect: 200 });
    await call("GET", `${h}?from=x`, { expect: 422 });
    for (const q of ["?limit=0", "?points=1", "?every=x", "?every=1s&fn=nonsense"])
        await call("GET", h + q, { expect: 400 });
    await call("GET", `${T}/oa-1/sensors/none/history`, { expect: 404 });
    await call("DELETE", `${h}?from=0&to=1000`, { expect: 200 });
    await call("DELETE", h, { expect: 400 });
    await call("DELETE", `${h}?from=x&to=1`, { expect: 422 });
    await call("DELETE", `${T}/oa-1/sensors/none/history?from=0&to=1`, { expect: 404 });
    const many = "/api/v1/history";
    await call("GET", `${many}?series=oa-1/*&before=true`, { expect: 200 });
    await call("GET", `${many}?series=oa-1/*&format=csv`, { expect: 200 });
    await call("GET", `${many}?series=oa-1/none`, { expect: 404 });
    await call("GET", many, { expect: 400 });
    await call("POST", many, { body: { series: ["oa-1/temp-1"], every: "1m" }, expect: 200 });
    await call("POST", many, { body: "[]", expect: 400 });
    await call("GET", "/api/v1/rejections", { expect: 200 });
    await call("GET", "/api/v1/rejections?twin=oa-1&limit=2&since=0", { expect: 200 });
    await call("GET", "/api/v1/rejections?limit=many", { expect: 400 });
    await call("GET", `${T}/oa-1`, { expect: 200 });
    await call("GET", `${T}?sensors=50`, { expect: 200 });
});

test("line protocol, in good and in bad", async () => {
    const type = "text/plain";
    for (const path of ["/write?db=x", "/api/v2/write?bucket=x"]) {
        await call("POST", `${path}&precision=ms`, { body: "", type, expect: 204 });
        await call("POST", path, { body: "m,host=nobody f=1\nm", type });
        await call("POST", path, { body: "m f=", type, expect: 400 });
        await call("POST", path.split("?")[0], { body: "m f=1", type, expect: 400 });
        const headers = { "content-encoding": "br" };
        await call("POST", path, { body: "m f=1", type, headers, expect: 415 });
    }
    await call("GET", "/query?q=SHOW%20DATABASES", { expect: 200 });
    await call("GET", "/query", { expect: 400 });
    const form = "application/x-www-form-urlencoded";
    await call("POST", "/query", { body: "q=CREATE+DATABASE+x", type: form, expect: 200 });
    await call("GET", "/ping", { expect: 204 });
    await call("GET", "/ping?verbose=true", { expect: 200 });
    await call("GET", "/health", { expect: 200 });
});

test("sessions and accounts, in good and in bad", async (t) => {
    const locked = await start(t, { access: "locked" });
    const nobody = new Client(locked);
    const on = new Client(locked);
    const S = "/api/v1/session";
    const A = "/api/v1/account";
    await call("GET", S, { on: nobody, expect: 200 });
    await call("POST", "/api/v1/setup", { on, body: { token: "dop_setup_x" }, expect: 401 });
    const token = await locked.setupToken();
    await call("POST", "/api/v1/setup", { on, body: { token }, expect: 201 });
    await call("GET", S, { on, expect: 200 });
    await call("GET", A, { on: nobody, expect: 401 });
    await call("GET", A, { on, expect: 200 });
    const email = "ada@example.org";
    await call("PATCH", A, { on, body: { name: "Ada", email }, expect: 200 });
    await call("PATCH", A, { on, body: { email: "none" }, expect: 400 });
    await call("PATCH", A, { on, body: { role: "administrator" }, expect: 400 });
    await call("PUT", `${A}/password`, { on, body: { password: "12345678" }, expect: 400 });
    await call("PUT", `${A}/password`, { on, body: { password: PASSWORD }, expect: 204 });
    const other = new Client(locked);
    await call("POST", S, { on: other, body: { email, password: "wrong one" }, expect: 401 });
    await call("POST", S, { on: other, body: { email }, expect: 400 });
    await call("POST", S, { on: other, body: { email, password: PASSWORD }, expect: 201 });
    await call("POST", `${S}/confirm`, { on, body: { password: PASSWORD }, expect: 204 });
    await call("POST", `${S}/confirm`, { on, body: { password: "wrong one" }, expect: 401 });
    await call("PATCH", S, { on, body: { organization: "home" }, expect: 200 });
    await call("PATCH", S, { on, body: { organization: "nowhere" }, expect: 404 });
    const { sessions } = (await call("GET", `${A}/sessions`, { on, expect: 200 })).body;
    const theirs = sessions.find((s) => !s.current).id;
    await call("DELETE", `${A}/sessions/${theirs}`, { on, expect: 204 });
    await call("DELETE", `${A}/sessions/${theirs}`, { on, expect: 404 });
    await call("DELETE", `${A}/sessions`, { on, expect: 204 });
    const seed = (await call("POST", `${A}/totp`, { on, expect: 200 })).body.secret;
    await call("PUT", `${A}/totp`, { on, body: { code: "000000" }, expect: 401 });
    await call("PUT", `${A}/totp`, { on, body: { code: totp(seed) }, expect: 200 });
    await call("POST", S, { on: other, body: { email, password: PASSWORD }, expect: 401 });
    await call("POST", `${A}/recovery-codes`, { on, expect: 200 });
    await call("DELETE", `${A}/totp`, { on, expect: 204 });
    await call("DELETE", `${A}/totp`, { on, expect: 404 });
    const named = new Client(locked, { host: "localhost" });
    named.cookies = new Map(on.cookies);
    const key = new Authenticator(named.url);
    const K = `${A}/passkeys`;
    await call("POST", `${K}/challenge`, { on, expect: 501 });
    const toMake = (await call("POST", `${K}/challenge`, { on: named, expect: 200 })).body;
    const body = { ...key.create(toMake), name: "A key" };
    const { id } = (await call("POST", K, { on: named, body, expect: 201 })).body;
    await call("POST", K, { on: named, body, expect: 412 });
    const by = new Client(locked, { host: "localhost" });
    const toShow = (await call("POST", `${S}/passkey/challenge`, { on: by, expect: 200 })).body;
    await call("POST", `${S}/passkey`, { on: by, body: key.get(toShow), expect: 201 });
    await call("POST", `${S}/passkey`, { on: by, body: key.get(toShow), expect: 401 });
    await call("GET", K, { on, expect: 200 });
    await call("PATCH", `${K}/${id}`, { on, body: { name: "Blue" }, expect: 204 });
    await call("DELETE", `${K}/${id}`, { on, expect: 204 });
    await call("DELETE", `${K}/${id}`, { on, expect: 404 });
    const wanted = { name: "a program", scopes: ["data:read"], expires: "2099-01-01T00:00:00Z" };
    const made = await call("POST", `${A}/tokens`, { on, body: wanted, expect: 201 });
    await call("POST", `${A}/tokens`, { on, body: { name: "x", scopes: ["all"] }, expect: 400 });
    await call("POST", `${A}/tokens`, { on, body: { name: "x", expires: "soon" }, expect: 422 });
    await call("GET", `${A}/tokens`, { on, expect: 200 });
    await call("DELETE", `${A}/tokens/${made.body.id}`, { on, expect: 204 });
    await call("DELETE", `${A}/tokens/${made.body.id}`, { on, expect: 404 });
    await call("GET", `${A}/identities`, { on, expect: 200 });
    await call("POST", `${A}/identities`, { on, body: {}, expect: 400 });
    await call("POST", `${A}/identities`, { on, body: { provider: "no" }, expect: 404 });
    await call("DELETE", `${A}/identities/0123456789abcdef`, { on, expect: 404 });
    await call("GET", `${A}/export`, { on, expect: 200 });
    await call("DELETE", A, { on, expect: 409 });
    await call("POST", "/api/v1/setup/link", { on, expect: 403 });
    const local = locked.withToken(locked.localToken());
    await call("POST", "/api/v1/setup/link", { on: local, body: { email }, expect: 201 });
    await call("POST", "/api/v1/setup/link", { on: local, body: { email: "x" }, expect: 404 });
    await call("GET", A, { on: local, expect: 403 });
    await call("DELETE", S, { on, expect: 204 });
});

test("identity providers, and signing in by one", async (t) => {
    const liar = await lyingProvider(t);
    const P = "/api/v1/identity-providers";
    await call("POST", P, { body: liar.settings, expect: 201 });
    await call("POST", P, { body: liar.settings, expect: 409 });
    await call("POST", P, { body: { ...liar.settings, id: "X" }, expect: 400 });
    const inside = { ...liar.settings, id: "x", issuer: "https://10.0.0.1" };
    await call("POST", P, { body: inside, expect: 422 });
    await call("GET", P, { expect: 200 });
    const groups = [{ group: "a", role: "editor", organization: "home" }];
    const change = { groupsClaim: "groups", groups, clientSecret: "x" };
    await call("PATCH", `${P}/liar`, { body: change, expect: 200 });
    await call("PATCH", `${P}/nobody`, { body: {}, expect: 404 });

    const A = "/api/v1/auth/oidc/liar";
    let cookie = "";
    const on = {
        send: (_method, path) => d.get(path, { redirect: "manual", headers: { cookie } }),
    };
    const start = await call("GET", `${A}/start?then=/x`, { on, expect: 303 });
    await call("GET", `${A}/start?then=//x`, { on, expect: 400 });
    await call("GET", "/api/v1/auth/oidc/nobody/start", { on, expect: 404 });
    cookie = start.headers.getSetCookie()[0].split(";")[0];
    const asked = await fetch(start.headers.get("location"), { redirect: "manual" });
    const back = asked.headers.get("location").slice(d.url.length);
    await call("GET", back, { on, expect: 303 });
    await call("GET", back, { on, expect: 400 });
    liar.lie.metadata = () => "nonsense";
    const form = async (claims) => ({
        body: `logout_token=${await liar.sign({ iss: liar.issuer, aud: "doppel", ...claims })}`,
        type: "application/x-www-form-urlencoded",
    });
    const now = Math.floor(Date.now() / 1000);
    const events = { "http://schemas.openid.net/event/backchannel-logout": {} };
    const good = { iat: now, exp: now + 60, jti: "1", sub: "1", events };
    await call("POST", `${A}/backchannel-logout`, { ...(await form(good)), expect: 200 });
    await call("POST", `${A}/backchannel-logout`, { ...(await form({})), expect: 400 });
    await call("POST", `${A}/backchannel-logout`, { body: {}, expect: 415 });
    await call("DELETE", `${P}/liar`, { expect: 204 });
    await call("DELETE", `${P}/liar`, { expect: 404 });
});

test("the rest", async () => {
    await call("POST", "/api/v1/validate", { body: example("x"), expect: 200 });
    await call("POST", "/api/v1/validate", { body: "{", expect: 200 });
    for (const path of [
        "/api/v1/status",
        "/api/v1/sample",
        "/api/v1/sample?id=me",
        "/api/v1/openapi.json",
        "/schemas/twin-profile.json",
        "/metrics",
        "/healthz",
        "/readyz",
    ])
        await call("GET", path, { expect: 200 });
    await call("GET", "/errors/unknown-twin", { expect: 200 });
    await call("GET", "/errors/no-such-error", { expect: 404 });
    await call("GET", "/api/v1/sample?id=not%20an%20id", { expect: 400 });
    for (const o of webSockets) await call("GET", o.slice(4), {});
});

test("versions and documents, in good and in bad", async () => {
    const at = "/api/v1/twins/versioned-1";
    await call("POST", "/api/v1/twins", { body: twin("versioned-1", ["s"]), expect: 201 });
    await call("GET", `${at}/versions`, { expect: 200 });
    await call("GET", `${at}/versions/1`, { expect: 200 });
    await call("GET", `${at}/versions/2`, { expect: 404 });
    await call("GET", `${at}/diff?from=1`, { expect: 200 });
    await call("GET", `${at}/diff`, { expect: 400 });
    await call("POST", `${at}/restore`, { body: { version: 1 }, expect: 200 });
    await call("POST", `${at}/restore`, { body: {}, expect: 400 });
    await call("GET", `${at}/sensors/s/value`, { expect: 200 });
    await call("GET", `${at}/sensors/none/value`, { expect: 404 });
    await call("POST", "/api/v1/import/wot", { body: [1], expect: 422 });
    await call("GET", "/api/v1/export/owl?twins=versioned-1", { expect: 404 });
    const [entity] = (
        await call("GET", "/api/v1/export/ngsi-ld?twins=versioned-1", { expect: 200 })
    ).body;
    await call("POST", "/api/v1/import/ngsi-ld", { body: entity, expect: 200 });
    await call("DELETE", at, { expect: 204 });
    for (const [many, one] of [
        ["types", { id: "Thing", name: "Thing" }],
        ["rules", { id: "Thing", name: "Thing", when: "temp > 1", on: { twins: ["none"] } }],
        ["destinations", { id: "Thing", name: "Thing", kind: "mqtt", topic: "out" }],
        ["queries", { id: "count", name: "How many", sql: "SELECT count(*) FROM twins" }],
    ]) {
        const list = `/api/v1/${many}`;
        const document = `${list}/${one.id}`;
        await call("POST", list, { body: one, expect: 201 });
        await call("POST", list, { body: one, expect: 409 });
        await call("GET", list, { expect: 200 });
        await call("GET", document, { expect: 200 });
        await call("GET", `${list}/none`, { expect: 404 });
        await call("PUT", document, { body: { ...one, description: "another" }, expect: 200 });
        await call("PATCH", document, { body: { description: "a third" }, expect: 200 });
        await call("GET", `${document}/versions`, { expect: 200 });
        await call("GET", `${document}/versions/1`, { expect: 200 });
        await call("GET", `${document}/diff?from=1`, { expect: 200 });
        await call("POST", `${document}/restore`, { body: { version: 1 }, expect: 200 });
        await call("DELETE", document, { expect: 204 });
    }
});

test("expressions, in good and in bad", async () => {
    const check = "/api/v1/expressions/check";
    await call("POST", check, { body: { expression: "1 + 1" }, expect: 200 });
    await call("POST", check, { body: { expression: "1 +" }, expect: 200 });
    await call("POST", check, { body: { expression: 1 }, expect: 400 });
    await call("POST", check, { body: { expression: "1", twin: "none" }, expect: 404 });
    await call("GET", "/api/v1/expressions/functions", { expect: 200 });
    const rule = { when: "s > 1", on: { twins: ["expressed"] } };
    await call("POST", "/api/v1/twins", { body: twin("expressed", { s: {} }), expect: 201 });
    await call("POST", "/api/v1/rules/test", { body: { rule, twin: "expressed" }, expect: 200 });
    await call("POST", "/api/v1/rules/test", { body: { rule }, expect: 400 });
    await call("POST", "/api/v1/rules/test", { body: { rule: "none", twin: "x" }, expect: 404 });
    await call("DELETE", "/api/v1/twins/expressed", { expect: 204 });
});

const ORGS = "/api/v1/organizations";

test("organisations and sharing, in good and in bad", async () => {
    const make = async (path, body) => (await call("POST", path, { body, expect: 201 })).body;
    await call("GET", "/api/v1/operations", { expect: 200 });
    await call("GET", "/api/v1/people?query=a", { expect: 200 });
    await call("GET", "/api/v1/administrators", { expect: 200 });
    await call("PUT", "/api/v1/administrators/nobody", { expect: 404 });
    await call("DELETE", "/api/v1/administrators/nobody", { expect: 404 });
    await make(ORGS, { id: "acme", name: "Acme" });
    await call("POST", ORGS, { body: { id: "acme" }, expect: 409 });
    await call("POST", ORGS, { body: { id: "beta", first: true }, expect: 400 });
    await call("GET", ORGS, { expect: 200 });
    await call("GET", `${ORGS}/acme`, { expect: 200 });
    await call("GET", `${ORGS}/nobody`, { expect: 404 });
    await call("PATCH", `${ORGS}/acme`, { body: { name: "Acme & Co" }, expect: 200 });
    await call("PUT", `${ORGS}/acme/quotas`, { body: { twins: 10 }, expect: 200 });
    await call("PUT", `${ORGS}/acme/quotas`, { body: { twins: "ten" }, expect: 400 });
    await call("GET", `${ORGS}/acme/usage`, { expect: 200 });
    await call("GET", `${ORGS}/acme/audit?limit=5`, { expect: 200 });
    await call("GET", "/api/v1/audit?limit=5", { expect: 200 });
    await call("GET", "/api/v1/audit?limit=none", { expect: 400 });
    await call("GET", `${ORGS}/acme/members`, { expect: 200 });
    const team = await make(`${ORGS}/acme/teams`, { name: "Night" });
    await call("GET", `${ORGS}/acme/teams`, { expect: 200 });
    await call("PATCH", `${ORGS}/acme/teams/${team.id}`, { body: { name: "Day" }, expect: 200 });
    const service = await make(`${ORGS}/acme/services`, { name: "Gate", role: "operator" });
    const at = `${ORGS}/acme/services/${service.id}`;
    await call("PATCH", at, { body: { role: "viewer" }, expect: 200 });
    await call("GET", `${ORGS}/acme/services`, { expect: 200 });
    const token = await make(`${at}/tokens`, { name: "one", scopes: ["data:read"] });
    await call("POST", `${at}/tokens`, { body: { name: "one", scopes: ["all"] }, expect: 400 });
    await call("GET", `${at}/tokens`, { expect: 200 });
    await call("DELETE", `${at}/tokens/${token.id}`, { expect: 204 });
    await call("DELETE", at, { expect: 204 });
    const invitation = await make(`${ORGS}/acme/invitations`, { role: "viewer" });
    await call("GET", `${ORGS}/acme/invitations`, { expect: 200 });
    const secret = invitation.link.split("#")[1];
    const inspect = "/api/v1/invitations/inspect";
    await call("POST", inspect, { body: { token: secret }, expect: 200 });
    await call("POST", inspect, { body: { token: "none" }, expect: 404 });
    await call("DELETE", `${ORGS}/acme/invitations/${invitation.id}`, { expect: 204 });
    await call("GET", `${ORGS}/acme/requests`, { expect: 200 });
    await call("DELETE", `${ORGS}/acme/teams/${team.id}`, { expect: 204 });

    await call("POST", "/api/v1/twins", { body: twin("shared-1", [{ id: "s" }]), expect: 201 });
    const object = "twin:shared-1";
    const grant = await make("/api/v1/grants", { object, to: { kind: "link" } });
    await call("POST", "/api/v1/grants", { body: { object, to: { kind: "all" } }, expect: 400 });
    await call("GET", `/api/v1/grants?object=${object}`, { expect: 200 });
    await call("GET", "/api/v1/grants?object=twin:none", { expect: 404 });
    await call("PATCH", `/api/v1/grants/${grant.id}`, {
        body: { parts: ["/sensors/s"] },
        expect: 200,
    });
    await call("DELETE", `/api/v1/grants/${grant.id}`, { expect: 204 });
    await call("GET", "/api/v1/shared", { expect: 200 });
    const policy = {
        entries: { a: { subjects: ["everyone"], resources: { "/": { revoke: ["write"] } } } },
    };
    await call("PUT", "/api/v1/twins/shared-1/policy", { body: policy, expect: 200 });
    await call("GET", "/api/v1/twins/shared-1/policy", { expect: 200 });
    await call("PUT", "/api/v1/twins/shared-1/policy", {
        body: policy,
        headers: { "if-match": '"other"' },
        expect: 412,
    });
    await call("DELETE", "/api/v1/twins/shared-1/policy", { expect: 204 });
    for (const o of withPeople) {
        const [method, path] = o.split(" ");
        const real = path.replace("{org}", "acme").replace(/\{\w+\}/g, "nobody");
        await call(method.toUpperCase(), real, { body: method === "delete" ? undefined : {} });
    }
    const accept = "/api/v1/invitations/accept";
    const { link } = await make(`${ORGS}/acme/invitations`, { role: "viewer" });
    const ask = { token: link.split("#")[1], name: "Somebody" };
    await call("POST", accept, { body: { token: "none" }, expect: 404 });
    await call("POST", accept, { body: ask, expect: 201 });
    const show = await make("/api/v1/grants", { object, to: { kind: "link" } });
    const enter = "/api/v1/session/link";
    await call("POST", enter, { body: { token: "none" }, expect: 401 });
    await call("POST", enter, { body: { token: show.link.split("#")[1] }, expect: 201 });
    await call("DELETE", `${ORGS}/acme`, { expect: 204 });
});

/* Somebody must be there whom they are about: organizations.test.mjs and oidc.test.mjs call them in
 * good. */
const withPeople = [
    "post /api/v1/account/identities",
    "delete /api/v1/account/identities/{identity}",
    `patch ${ORGS}/{org}/members/{person}`,
    `delete ${ORGS}/{org}/members/{person}`,
    `put ${ORGS}/{org}/teams/{team}/members/{person}`,
    `delete ${ORGS}/{org}/teams/{team}/members/{person}`,
    `post ${ORGS}/{org}/requests`,
    `post ${ORGS}/{org}/requests/{request}`,
    "put /api/v1/administrators/{person}",
    "delete /api/v1/administrators/{person}",
];

/* Without an upgrade they say what they speak; other tests open them. */
const webSockets = ["get /api/v1/stream", "get /mqtt"];

test("devices, in good and in bad", async () => {
    const make = async (path, body) => (await call("POST", path, { body, expect: 201 })).body;
    await call("POST", "/api/v1/twins", { body: twin("device-1", [{ id: "s" }]), expect: 201 });
    const at = "/api/v1/twins/device-1/credentials";
    const made = await make(at, { name: "one" });
    await call("POST", at, { body: { kind: "key" }, expect: 400 });
    await call("GET", at, { expect: 200 });
    await call("GET", "/api/v1/twins/none/credentials", { expect: 404 });
    const turn = (id, expect) =>
        call("POST", `${at}/${id}/rotate`, { body: { overlap: "PT1H" }, expect });
    await turn(made.id, 201);
    await turn("none", 404);
    await call("DELETE", `${at}/${made.id}`, { expect: 204 });
    await call("DELETE", `${at}/${made.id}`, { expect: 404 });
    const { code } = await make("/api/v1/twins/device-1/claim-codes", {});
    await make("/api/v1/claim", { code });
    await call("POST", "/api/v1/claim", { body: { code }, expect: 401 });
    const keys = "/api/v1/provisioning-keys";
    const key = await make(keys, { name: "all", twinPattern: "made-*", limit: 3 });
    await call("POST", keys, { body: { twinPattern: "a b" }, expect: 400 });
    await call("GET", keys, { expect: 200 });
    await make("/api/v1/provision", { key: key.key, twin: "made-1" });
    await call("POST", "/api/v1/provision", {
        body: { key: key.key, twin: "made-1" },
        expect: 409,
    });
    await call("DELETE", `${keys}/${key.id}`, { expect: 204 });
    await call("GET", "/api/v1/devices", { expect: 200 });
    await call("GET", "/api/v1/devices?limit=x", { expect: 400 });
});

test("the graph", async () => {
    for (const id of ["graph-a", "graph-b"]) await d.create(twin(id, ["s"]));
    const at = "/api/v1/twins/graph-a/relationships";
    const body = { kind: "feeds", target: "graph-b", properties: { n: 1 } };
    await call("POST", at, { body, expect: 201 });
    await call("POST", at, { body, expect: 409 });
    await call("POST", at, { body: { kind: "feeds" }, expect: 400 });
    await call("GET", at, { expect: 200 });
    await call("GET", `${at}?direction=up`, { expect: 400 });
    await call("PUT", `${at}/second`, { body, expect: 201 });
    await call("PUT", `${at}/second`, { body, expect: 200 });
    await call("GET", `${at}/second`, { expect: 200 });
    await call("GET", "/api/v1/graph?root=graph-a", { expect: 200 });
    await call("GET", "/api/v1/graph", { expect: 200 });
    await call("GET", "/api/v1/graph?root=nobody", { expect: 404 });
    const now = new Date().toISOString();
    await call("GET", `/api/v1/graph?at=${now}`, { expect: 200 });
    await call("GET", `/api/v1/graph?root=nobody&at=${now}`, { expect: 404 });
    await call("GET", `${at}?at=${now}`, { expect: 200 });
    await call("DELETE", `${at}/second`, { expect: 204 });
    await call("DELETE", `${at}/second`, { expect: 404 });
});

test("questions in SQL", async () => {
    const at = "/api/v1/query";
    await call("POST", at, { body: { sql: "SELECT id, name FROM twins" }, expect: 200 });
    await call("POST", at, { body: { sql: "SELECT nam FROM twins" }, expect: 400 });
    await call("POST", at, { body: { sql: "SELECT 1 AS OF 'then'" }, expect: 422 });
    await call("POST", at, {
        body: { sql: "SELECT zeroblob(1), printf('%9000000d', 1) || 'a'" },
        expect: 400,
    });
    await call("GET", `${at}/schema`, { expect: 200 });
    await call("DELETE", `${at}/none`, { expect: 404 });
    const saved = { id: "of-one", sql: "SELECT :id AS id" };
    await call("POST", "/api/v1/queries", { body: saved, expect: 201 });
    const run = "/api/v1/queries/of-one/run";
    await call("POST", run, { body: { params: { id: "pump-1" } }, expect: 200 });
    await call("POST", run, { body: { params: {} }, expect: 400 });
    await call("POST", "/api/v1/queries/none/run", { body: {}, expect: 404 });
    await call("POST", "/api/v1/queries", { body: { id: "bad" }, expect: 400 });
    const forever =
        "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT max(x) FROM c";
    const asked = call("POST", at, {
        body: { sql: forever, id: "more", timeout: "60s" },
        expect: 503,
    });
    await until("it is known", async () => {
        const r = await d.post(at, { sql: "SELECT 1", id: "more" });
        return r.status === 409;
    });
    await call("DELETE", `${at}/more`, { expect: 204 });
    await asked;
});

test("types of twins, beside being documents", async () => {
    const type = { id: "Graphed", sensors: [{ id: "t", type: "temperature", unit: "celsius" }] };
    await call("POST", "/api/v1/types", { body: type, expect: 201 });
    await call("GET", "/api/v1/types/Graphed?resolved=true", { expect: 200 });
    await call("GET", "/api/v1/types/Graphed/use", { expect: 200 });
    await call("GET", "/api/v1/types/none/use", { expect: 404 });
    const twins = "/api/v1/types/Graphed/twins";
    await call("POST", twins, { body: { id: "graphed-1" }, expect: 201 });
    await call("POST", twins, { body: { id: "graphed-1" }, expect: 409 });
    await call("POST", twins, { body: {}, expect: 400 });
    await call("GET", "/api/v1/twins?twinType=Graphed&fits=true", { expect: 200 });
    await call("POST", "/api/v1/validate/type", { body: type, expect: 200 });
    await call("POST", "/api/v1/validate/type", { body: { id: "a b" }, expect: 200 });
    await call("DELETE", "/api/v1/types/Graphed", { expect: 409 });
});

test("alarms", async () => {
    await d.create(twin("alarmed", { s: { normalRange: [0, 50] } }));
    await call("POST", "/api/v1/twins/alarmed/readings", { body: { s: 80 }, expect: 200 });
    const open = "/api/v1/alarms?twin=alarmed&state=open";
    await until("an alarm", async () => (await d.get(open)).body.alarms.length === 1);
    const alarm = (await call("GET", open, { expect: 200 })).body.alarms[0];
    const at = `/api/v1/alarms/${alarm.id}`;
    await call("GET", "/api/v1/alarms?state=odd", { expect: 400 });
    await call("GET", "/api/v1/alarms/summary", { expect: 200 });
    await call("GET", at, { expect: 200 });
    await call("GET", "/api/v1/alarms/a-999999", { expect: 404 });
    await call("GET", `${at}/explanation?window=1h`, { expect: 200 });
    await call("GET", `${at}/explanation?window=1s`, { expect: 400 });
    const cause = { cause: "sensor:alarmed/s", verdict: "rejected", comment: "no" };
    await call("POST", `${at}/causes`, { body: cause, expect: 204 });
    await call("POST", `${at}/causes`, { body: { cause: "s" }, expect: 400 });
    await call("POST", `${at}/comment`, { body: { text: "looking" }, expect: 200 });
    await call("POST", `${at}/comment`, { body: {}, expect: 400 });
    await call("POST", `${at}/assign`, { body: { assignee: "person:nobody" }, expect: 400 });
    await call("POST", `${at}/shelve`, { body: { for: "1h", reason: "repair" }, expect: 200 });
    await call("POST", `${at}/unshelve`, { body: { comment: "done" }, expect: 200 });
    await call("POST", `${at}/acknowledge`, { body: { comment: "seen" }, expect: 200 });
    const made = await call("POST", `${ORGS}/home/teams`, { body: { name: "Shift" }, expect: 201 });
    const assignee = `team:${made.body.id}`;
    await call("POST", `${at}/assign`, { body: { assignee }, expect: 200 });
    await call("POST", `${at}/clear`, { body: {}, expect: 200 });
    await call("POST", `${at}/clear`, { body: {}, expect: 409 });
});

test("commands", async () => {
    const stop = { name: "stop", input: { type: "object", maxProperties: 0 } };
    await d.create({ ...twin("ordered", { s: {} }), "doppel:commands": [stop] });
    const at = "/api/v1/twins/ordered/commands";
    await call("GET", `${at}/next`, { expect: 204 });
    const sent = (await call("POST", `${at}/stop`, { body: {}, expect: 202 })).body;
    await call("POST", `${at}/stop`, { body: { input: { a: 1 } }, expect: 400 });
    await call("POST", `${at}/jump`, { body: {}, expect: 404 });
    await call("GET", `${at}/next?wait=1s`, { expect: 200 });
    await call("GET", `${at}/next?wait=1d`, { expect: 400 });
    const one = `/api/v1/commands/${sent.id}`;
    await call("POST", `${one}/accept`, { body: {}, expect: 200 });
    await call("DELETE", one, { expect: 409 });
    await call("POST", `${one}/result`, { body: { output: 1, error: "x" }, expect: 400 });
    await call("POST", `${one}/result`, { body: { output: 1 }, expect: 200 });
    await call("GET", one, { expect: 200 });
    await call("GET", "/api/v1/commands/c-999999", { expect: 404 });
    await call("GET", `${at}?state=done&limit=1`, { expect: 200 });
    await call("GET", `${at}?state=odd`, { expect: 400 });
    const next = (await call("POST", `${at}/stop?wait=0`, { body: {}, expect: 202 })).body;
    await call("DELETE", `/api/v1/commands/${next.id}`, { expect: 200 });
});

test("GraphQL", async () => {
    const query = "{ __typename }";
    await call("GET", `/graphql?query=${encodeURIComponent(query)}`, { expect: 200 });
    await call("GET", "/graphql", { expect: 400 });
    await call("GET", "/graphql?query=mutation{__typename}", { expect: 405 });
    await call("POST", "/graphql", { body: { query }, expect: 200 });
    await call("POST", "/graphql", { body: [{ query }], expect: 400 });
    await call("GET", "/api/v1/graphql/schema", { expect: 200 });
});

test("what is sent of alarms", async () => {
    const hook = { id: "hook", kind: "webhook", url: "https://127.0.0.1:1/no-one" };
    await call("POST", "/api/v1/destinations", { body: hook, expect: 201 });
    const made = await call("POST", "/api/v1/destinations/hook/secret", { expect: 200 });
    assert.match(made.body.secret, /^whsec_/);
    await call("POST", "/api/v1/destinations/none/secret", { expect: 404 });
    const sent = await call("POST", "/api/v1/destinations/hook/test", { expect: 202 });
    await call("POST", "/api/v1/destinations/none/test", { expect: 404 });
    const at = `/api/v1/deliveries/${sent.body.delivery}`;
    await until("it fails", async () => {
        const { body } = await call("GET", "/api/v1/deliveries?destination=hook", { expect: 200 });
        return body.deliveries[0]?.why;
    });
    await call("GET", "/api/v1/deliveries?state=odd", { expect: 400 });
    await call("POST", `${at}/retry`, { expect: 204 });
    await call("POST", "/api/v1/deliveries/d-999/retry", { expect: 404 });
    await until(
        "it is discarded",
        async () => (await call("POST", `${at}/discard`)).status === 204,
    );
    await call("POST", `${at}/discard`, { expect: 409 });
});

test("every operation of the document was called, each in good", () => {
    const never = operations().filter((o) => !called.has(o));
    assert.deepEqual(never, []);
    const onlyBad = operations().filter(
        (o) =>
            ![...called.get(o)].some((s) => s < 400) &&
            ![...webSockets, ...withPeople].includes(o) &&
            o !== "delete /api/v1/account" /* which wants a second person: account.test.mjs */,
    );
    assert.deepEqual(onlyBad, []);
});

const audited = ["delete /api/v1/account", "delete /api/v1/account/sessions"];

test("every operation that changes something leaves a line in the audit log", () => {
    const missing = operations().filter(
        (o) =>
            !o.startsWith("get ") &&
            ![...withPeople, ...audited].includes(o) /* audit.test.mjs, oidc.test.mjs */ &&
            !WITHOUT_LINE[o] &&
            !withLine.has(o),
    );
    assert.deepEqual(missing, []);
});

test("what the interface promises is in the document", () => {
    const promised = [
        "get /api/v1/twins",
        "post /api/v1/twins",
        "get /api/v1/twins/{id}",
        "put /api/v1/twins/{id}",
        "patch /api/v1/twins/{id}",
        "delete /api/v1/twins/{id}",
        "post /api/v1/validate",
        "get /api/v1/twins/{id}/findings",
        "get /api/v1/twins/{id}/sensors",
        "get /api/v1/twins/{id}/sensors/{sensor}",
        "get /api/v1/twins/{id}/sensors/{sensor}/history",
        "post /api/v1/twins/{id}/readings",
        "post /api/v1/twins/{id}/sensors/{sensor}/readings",
        "get /api/v1/rejections",
        "get /api/v1/status",
        "get /api/v1/sample",
        "get /api/v1/openapi.json",
        "get /schemas/twin-profile.json",
        "get /metrics",
        "get /healthz",
        "get /readyz",
    ];
    const plain = new Set(operations().map((o) => o.replace(/\{[^}]+\}/g, "{}")));
    assert.deepEqual(
        promised.filter((p) => !plain.has(p.replace(/\{[^}]+\}/g, "{}"))),
        [],
    );
});

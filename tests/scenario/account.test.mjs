/* Signing in and what people have for that: passwords, codes, sessions, tokens. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Client, PASSWORD, run, start } from "../lib/doppel.mjs";
import { totp } from "../lib/totp.mjs";

const LOCKED = { access: "locked" };
const email = "ada@example.org";
const A = "/api/v1/account";
const S = "/api/v1/session";

async function ada(t) {
    const d = await start(t, LOCKED);
    return { d, c: await d.setup({ email }) };
}

test("whether there is an account is told by nothing", async (t) => {
    const { d } = await ada(t);
    const answers = [];
    for (const [who, what] of [
        [email, "wrong"],
        ["nobody@example.org", "wrong"],
        ["x", "wrong"],
    ]) {
        const r = await new Client(d).signIn(who, what);
        answers.push([r.status, r.text, r.headers.get("set-cookie")]);
    }
    assert.equal(answers[0][0], 401);
    assert.match(answers[0][1], /e-mail address or the password is not right/);
    assert.deepEqual(answers[1], answers[0]);
    assert.deepEqual(answers[2], answers[0]);
});

/* Wrong, until even the right password is told to wait. */
async function slowedDown(d, who) {
    for (let turn = 0; turn < 5; turn++) {
        for (let i = 0; i < 5; i++) await new Client(d).signIn(who, `no ${i}`);
        const r = await new Client(d).signIn(who);
        if (r.status === 429) return r;
    }
    assert.fail("it never had to wait");
}

test("guesses slow down, and a browser that was used before gets in", async (t) => {
    const { d } = await ada(t);
    const known = new Client(d);
    assert.equal((await known.signIn(email)).status, 201);
    assert.ok(known.cookies.get("doppel-browser"));
    await known.delete(S);
    const r = await slowedDown(d, email);
    assert.equal(r.body.code, "too-many-requests");
    assert.ok(Number(r.headers.get("retry-after")) >= 1);
    assert.equal((await known.signIn(email)).status, 201);
});

test("many at once are no way around the count", async (t) => {
    const { d } = await ada(t);
    const tries = Array.from({ length: 20 }, (_, i) => new Client(d).signIn(email, `no ${i}`));
    const statuses = (await Promise.all(tries)).map((r) => r.status);
    const judged = statuses.filter((s) => s === 401).length;
    assert.ok(judged >= 5 && judged < 10, statuses.join(" "));
    assert.equal(statuses.filter((s) => s === 429).length, 20 - judged);
});

test("passwords: which are taken, and that a change ends the other sessions", async (t) => {
    const { d, c } = await ada(t);
    for (const [password, why] of [
        ["short", /8 characters/],
        ["password1", /./],
        ["ada@example.org", /./],
        ["12345678", /./],
    ]) {
        const r = await c.put(`${A}/password`, { password });
        assert.equal(r.status, 400, password);
        assert.match(r.body.detail, why);
    }
    const other = new Client(d);
    await other.signIn(email);
    const wrong = await c.put(`${A}/password`, { password: `${PASSWORD}!`, current: "no" });
    assert.equal(wrong.status, 401);
    const r = await c.put(`${A}/password`, { password: `${PASSWORD}!`, current: PASSWORD });
    assert.equal(r.status, 204, r.text);
    assert.equal((await c.get(A)).status, 200);
    assert.equal((await other.get(A)).status, 401);
    assert.equal((await other.signIn(email)).status, 401);
    assert.equal((await other.signIn(email, `${PASSWORD}!`)).status, 201);
});

test("every sign-in is a new session, and ends the one the browser had", async (t) => {
    const { d } = await ada(t);
    const c = new Client(d);
    c.cookies.set("doppel-session", "dop_ses_planted");
    await c.signIn(email);
    const first = c.cookies.get("doppel-session");
    assert.notEqual(first, "dop_ses_planted");
    await c.signIn(email);
    assert.notEqual(c.cookies.get("doppel-session"), first);
    const old = new Client(d);
    old.cookies.set("doppel-session", first);
    assert.equal((await old.get(A)).status, 401);
});

test("sessions are listed and can be ended", async (t) => {
    const { d, c } = await ada(t);
    const other = new Client(d, { headers: { "user-agent": "Firefox" } });
    await other.signIn(email);
    const { sessions } = (await c.get(`${A}/sessions`)).body;
    assert.equal(sessions.length, 2);
    const theirs = sessions.find((s) => !s.current);
    assert.equal(theirs.agent, "Firefox");
    assert.equal(theirs.address, "127.0.0.1");
    assert.equal(theirs.how, "password");
    const idle = Date.parse(theirs.expires) - Date.parse(theirs.seen);
    assert.equal(idle, 12 * 3600 * 1000);
    assert.equal((await c.delete(`${A}/sessions/${theirs.id}`)).status, 204);
    assert.equal((await other.get(A)).status, 401);
    assert.equal((await c.delete(S)).status, 204);
    assert.equal((await c.get(S)).body.signedIn, false);
});

test("with a cookie nothing changes without our own Origin", async (t) => {
    const { d, c } = await ada(t);
    const cookie = [...c.cookies].map(([k, v]) => `${k}=${v}`).join("; ");
    const json = { cookie, "content-type": "application/json" };
    const body = '{"name":"Mallory"}';
    for (const origin of [undefined, "https://evil.example", "null", `${d.url}0`]) {
        const headers = origin ? { ...json, origin } : json;
        const r = await d.fetch(A, { method: "PATCH", headers, body });
        assert.equal(r.status, 403, origin);
        assert.equal((await r.json()).code, "foreign-origin");
    }
    assert.equal((await c.get(A)).body.name, "Administrator");
});

test("what is not known of a person's own is refused by its name", async (t) => {
    const { c } = await ada(t);
    const r = await c.patch(A, { name: "Ada", installation: true });
    assert.equal(r.status, 400);
    assert.match(r.body.detail, /"installation" is not known here/);
    assert.equal((await c.get(A)).body.name, "Administrator");
});

test("one-time codes: enrolled, asked for, used once", async (t) => {
    const { d, c } = await ada(t);
    const begun = await c.post(`${A}/totp`);
    assert.match(begun.body.uri, /^otpauth:\/\/totp\/Doppel/);
    const { secret } = begun.body;
    assert.equal((await c.put(`${A}/totp`, { code: "000000" })).status, 401);
    const done = await c.put(`${A}/totp`, { code: totp(secret) });
    assert.equal(done.status, 200, done.text);
    assert.equal(done.body.recoveryCodes.length, 10);
    assert.equal((await c.get(S)).body.person.secondFactor, true);
    const other = new Client(d);
    const asked = await other.signIn(email);
    assert.equal(asked.status, 401);
    assert.equal(asked.body.code, "second-factor-required");
    assert.deepEqual(asked.body.methods, ["totp", "recovery"]);
    assert.equal(other.cookies.size, 0);
    const code = totp(secret, 1); /* that of now has enrolled */
    assert.equal((await other.signIn(email, PASSWORD, "123")).status, 401);
    const r = await other.signIn(email, PASSWORD, code);
    assert.equal(r.status, 201, r.text);
    const again = await new Client(d).signIn(email, PASSWORD, code);
    assert.equal(again.status, 401, "a code works once");
    assert.equal((await new Client(d).signIn(email, "wrong", totp(secret, 1))).status, 401);
});

test("a recovery code works once, and new ones make the old ones void", async (t) => {
    const { d, c } = await ada(t);
    const { secret } = (await c.post(`${A}/totp`)).body;
    const [first, second] = (await c.put(`${A}/totp`, { code: totp(secret) })).body.recoveryCodes;
    assert.match(first, /^[A-Z2-7]{4}(-[A-Z2-7]{4}){3}$/);
    const typed = first.toLowerCase().replaceAll("-", " ");
    assert.equal((await new Client(d).signIn(email, PASSWORD, typed)).status, 201);
    assert.equal((await new Client(d).signIn(email, PASSWORD, first)).status, 401);
    assert.equal((await c.get(A)).body.recoveryCodes, 9);
    const fresh = (await c.post(`${A}/recovery-codes`)).body.recoveryCodes;
    assert.equal((await new Client(d).signIn(email, PASSWORD, second)).status, 401);
    assert.equal((await new Client(d).signIn(email, PASSWORD, fresh[0])).status, 201);
    assert.equal((await c.delete(`${A}/totp`)).status, 204);
    assert.equal((await new Client(d).signIn(email)).status, 201);
});

test("codes cannot be guessed by who knows the password", async (t) => {
    const { d, c } = await ada(t);
    const { secret } = (await c.post(`${A}/totp`)).body;
    await c.put(`${A}/totp`, { code: totp(secret) });
    const statuses = [];
    while (statuses.length < 20 && statuses.at(-1) !== 429)
        statuses.push((await new Client(d).signIn(email, PASSWORD, "000000")).status);
    assert.equal(statuses.at(-1), 429);
    assert.ok(statuses.length > 5);
    assert.ok(statuses.slice(0, -1).every((s) => s === 401));
});

test("who they are can be shown once more", async (t) => {
    const { c } = await ada(t);
    assert.equal((await c.post(`${S}/confirm`, { password: "wrong" })).status, 401);
    assert.equal((await c.post(`${S}/confirm`, {})).status, 400);
    const before = (await c.get(S)).body.authenticated;
    assert.equal((await c.post(`${S}/confirm`, { password: PASSWORD })).status, 204);
    assert.ok((await c.get(S)).body.authenticated > before);
});

test("API tokens: scopes, an end, shown once, revoked", async (t) => {
    const { d, c } = await ada(t);
    const made = await c.post(`${A}/tokens`, { name: "reader", scopes: ["twins:read"] });
    assert.equal(made.status, 201, made.text);
    assert.match(made.body.token, /^dop_pat_[0-9A-Za-z]{49}$/);
    const program = d.withToken(made.body.token);
    assert.equal((await program.get("/api/v1/twins")).status, 200);
    const refused = await program.post("/api/v1/twins", {});
    assert.equal(refused.status, 403);
    assert.match(refused.body.detail, /scopes/);
    assert.equal((await program.get(A)).status, 403);
    const { tokens } = (await c.get(`${A}/tokens`)).body;
    assert.ok(!JSON.stringify(tokens).includes(made.body.token));
    assert.equal(tokens[0].organization, "home");
    const whole = d.withToken((await c.post(`${A}/tokens`, { name: "all" })).body.token);
    const another = await whole.post(`${A}/tokens`, { name: "more" });
    assert.equal(another.status, 403, "a token makes no tokens");
    assert.equal(another.body.code, "reauthentication-required");
    assert.equal((await whole.put(`${A}/password`, { password: PASSWORD })).status, 401);
    assert.equal((await c.delete(`${A}/tokens/${made.body.id}`)).status, 204);
    assert.equal((await program.get("/api/v1/twins")).body.code, "token-revoked");
    const over = await c.post(`${A}/tokens`, { name: "x", expires: "2020-01-01T00:00:00Z" });
    assert.equal(over.status, 400);
});

test("sessions, tokens and codes outlive a start", async (t) => {
    const { d, c } = await ada(t);
    const { secret } = (await c.post(`${A}/totp`)).body;
    await c.put(`${A}/totp`, { code: totp(secret) });
    const { token } = (await c.post(`${A}/tokens`, { name: "x" })).body;
    await d.restart();
    assert.equal((await c.get(A)).body.totp, true);
    assert.equal((await d.withToken(token).get("/api/v1/twins")).status, 200);
    assert.equal((await new Client(d).signIn(email, PASSWORD, totp(secret, 1))).status, 201);
});

test("everything about somebody can be taken along, without a secret", async (t) => {
    const { c } = await ada(t);
    const { secret } = (await c.post(`${A}/totp`)).body;
    await c.put(`${A}/totp`, { code: totp(secret) });
    const { token } = (await c.post(`${A}/tokens`, { name: "x" })).body;
    const r = await c.get(`${A}/export`);
    assert.equal(r.status, 200);
    assert.equal(r.body.email, email);
    assert.equal(r.body.sessions.length, 1);
    assert.equal(r.body.tokens.length, 1);
    assert.deepEqual(r.body.memberships[0].organization, "home");
    assert.ok(r.body.audit.some((line) => line.operation === "account:totp"));
    const cookie = c.cookies.get("doppel-session");
    for (const hidden of ["argon2", "sealed:", secret, token, cookie])
        assert.ok(!r.text.includes(hidden), hidden);
});

/* Somebody else, who was invited. */
async function invited(d, admin, address, name) {
    const made = await admin.post("/api/v1/organizations/home/invitations", {
        email: address,
        role: "viewer",
    });
    assert.equal(made.status, 201, made.text);
    const c = new Client(d);
    const r = await c.post("/api/v1/invitations/accept", {
        token: made.body.link.split("#")[1],
        name,
        email: address,
        password: PASSWORD,
    });
    assert.equal(r.status, 201, r.text);
    return c;
}

test("who goes is gone, and the audit log keeps a pseudonym", async (t) => {
    const { d, c } = await ada(t);
    const bo = await invited(d, c, "bo@example.org", "Bo Lindqvist");
    const { id } = (await bo.get(S)).body.person;
    const { token } = (await bo.post(`${A}/tokens`, { name: "x" })).body;
    await bo.patch(A, { name: "Bo K. Lindqvist" });
    const r = await bo.delete(A);
    assert.equal(r.status, 204, r.text);
    assert.equal(bo.cookies.has("doppel-session"), false);
    assert.equal((await d.withToken(token).get("/api/v1/twins")).status, 401);
    assert.equal((await new Client(d).signIn("bo@example.org")).status, 401);
    const audit = await c.get("/api/v1/audit?limit=1000");
    assert.ok(audit.text.includes(id));
    for (const word of ["bo@example.org", "Lindqvist"]) assert.ok(!audit.text.includes(word), word);
    const { members } = (await c.get("/api/v1/organizations/home/members")).body;
    assert.equal(members.length, 1);
});

test("an address that another account has is not taken", async (t) => {
    const { d, c } = await ada(t);
    const bo = await invited(d, c, "bo@example.org", "Bo");
    const r = await bo.patch(A, { email: "ADA@example.org" });
    assert.equal(r.status, 409);
    assert.equal((await bo.get(A)).body.email, "bo@example.org");
});

test("one means one organisation at a time, and a request may mean another", async (t) => {
    const { c } = await ada(t);
    const made = await c.post("/api/v1/organizations", { id: "acme", name: "Acme" });
    assert.equal(made.status, 201, made.text);
    const before = await c.get(S);
    assert.equal(before.body.organization.id, "home");
    assert.deepEqual(before.body.organizations.map((o) => o.id).sort(), ["acme", "home"]);
    const r = await c.patch(S, { organization: "acme" });
    assert.equal(r.status, 200, r.text);
    assert.equal(r.body.organization.id, "acme");
    assert.equal((await c.get(S)).body.organization.id, "acme");
    const other = await c.get(S, { headers: { "doppel-organization": "home" } });
    assert.equal(other.body.organization.id, "home");
    const none = await c.get("/api/v1/twins", { headers: { "doppel-organization": "nowhere" } });
    assert.equal(none.status, 403);
});

test("the last administrator cannot go", async (t) => {
    const { c } = await ada(t);
    const r = await c.delete(A);
    assert.equal(r.status, 409);
    assert.match(r.body.detail, /only administrator/);
});

test("over TLS the cookies are bound to this host and to TLS", async (t) => {
    const d = await start(t, { ...LOCKED, args: ["--https", "127.0.0.1:0", "--tls-self-signed"] });
    await d.setup({ email });
    const body = JSON.stringify({ email, password: PASSWORD });
    const json = ["-H", "content-type: application/json"];
    const r = await run("curl", ["-ski", ...json, "-d", body, `${d.tlsUrl}${S}`]);
    const cookies = [...r.stdout.matchAll(/^set-cookie: (.*)$/gim)].map((m) => m[1].trim());
    assert.equal(cookies.length, 2, r.output);
    assert.match(cookies[0], /^__Host-doppel=dop_ses_\w+; Path=\/; Max-Age=2592000; Secure; /);
    assert.match(cookies[1], /^__Host-doppel-browser=[\w-]{43}; Path=\/; Max-Age=31536000; Sec/);
    for (const one of cookies) assert.match(one, /; Secure; HttpOnly; SameSite=Strict$/);
    const known = await run("curl", ["-sk", "-b", cookies[0].split(";")[0], `${d.tlsUrl}${A}`]);
    assert.equal(JSON.parse(known.stdout).email, email);
});

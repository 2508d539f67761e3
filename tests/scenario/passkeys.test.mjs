/* Passkeys, with an authenticator in software. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Client, start } from "../lib/doppel.mjs";
import { Authenticator } from "../lib/passkey.mjs";

const email = "ada@example.org";
const P = "/api/v1/account/passkeys";
const S = "/api/v1/session";

/* A passkey belongs to a name: everybody comes by localhost. */
const browser = (d) => new Client(d, { host: "localhost" });

async function withPasskey(t, options) {
    const d = await start(t, { access: "locked" });
    const c = browser(d);
    const set = await c.post("/api/v1/setup", { token: await d.setupToken() });
    assert.equal(set.status, 201, set.text);
    const key = new Authenticator(c.url, options);
    const asked = await c.post(`${P}/challenge`);
    assert.equal(asked.status, 200, asked.text);
    const made = await c.post(P, { ...key.create(asked.body), name: "My key" });
    return { d, c, key, made };
}

async function signIn(c, key, options) {
    const asked = await c.post(`${S}/passkey/challenge`, {});
    assert.equal(asked.status, 200, asked.text);
    return c.post(`${S}/passkey`, key.get(asked.body, options));
}

test("a passkey is enough to sign in again, without a password", async (t) => {
    const { d, c, key, made } = await withPasskey(t);
    assert.equal(made.status, 201, made.text);
    assert.equal(made.body.name, "My key");
    const me = (await c.get(S)).body.person;
    assert.equal(me.provisional, false);
    const other = browser(d);
    const r = await signIn(other, key);
    assert.equal(r.status, 201, r.text);
    assert.equal(r.body.person.id, me.id);
    const { passkeys } = (await other.get(P)).body;
    assert.equal(passkeys.length, 1);
    assert.ok(passkeys[0].used);
    await d.restart();
    key.origin = other.url;
    assert.equal((await signIn(browser(d), key)).status, 201, "also after a start");
});

test("an answer is taken once, and from the browser that was asked", async (t) => {
    const { d, key } = await withPasskey(t);
    const c = browser(d);
    const asked = (await c.post(`${S}/passkey/challenge`, {})).body;
    const challenge = c.cookies.get("doppel-challenge");
    const answer = key.get(asked);
    assert.equal((await browser(d).post(`${S}/passkey`, answer)).status, 401, "another browser");
    assert.equal((await c.post(`${S}/passkey`, answer)).status, 201);
    c.cookies.set("doppel-challenge", challenge);
    assert.equal((await c.post(`${S}/passkey`, answer)).status, 401, "again");
});

test("what does not fit is refused, each with its sentence", async (t) => {
    const { d, key } = await withPasskey(t);
    const wrongOrigin = await signIn(browser(d), key, { origin: "https://evil.example" });
    assert.equal(wrongOrigin.status, 401);
    assert.match(wrongOrigin.body.detail, /passkey was not taken/);
    const stranger = new Authenticator(key.origin);
    stranger.handle = key.handle;
    assert.equal((await signIn(browser(d), stranger)).status, 401);
    const copied = new Authenticator(key.origin);
    Object.assign(copied, { id: key.id, handle: key.handle });
    assert.equal((await signIn(browser(d), copied)).status, 401, "another key");
    assert.equal((await signIn(browser(d), key)).status, 201);
    key.count = 0;
    assert.equal((await signIn(browser(d), key)).status, 401, "a counter that goes back");
    const c = browser(d);
    await c.post(`${S}/passkey/challenge`, {});
    assert.equal((await c.post(`${S}/passkey`, { rawId: "AA" })).status, 400);
});

test("an authenticator that does not verify who holds it is not taken", async (t) => {
    const { made } = await withPasskey(t, { verified: false });
    assert.equal(made.status, 400);
    assert.match(made.body.detail, /not taken/);
});

test("a passkey confirms who one is, and is named and removed", async (t) => {
    const { d, c, key } = await withPasskey(t);
    const asked = (await c.post(`${S}/passkey/challenge`, {})).body;
    assert.equal((await c.post(`${S}/confirm`, key.get(asked))).status, 204);
    const [{ id }] = (await c.get(P)).body.passkeys;
    assert.equal((await c.patch(`${P}/${id}`, { name: "Blue key" })).status, 204);
    assert.equal((await c.get(P)).body.passkeys[0].name, "Blue key");
    const only = await c.delete(`${P}/${id}`);
    assert.equal(only.status, 409, "the only way to sign in stays");
    await c.become({ email });
    assert.equal((await c.delete(`${P}/${id}`)).status, 204);
    assert.equal((await signIn(browser(d), key)).status, 401);
    assert.equal((await c.patch(`${P}/${id}`, { name: "x" })).status, 404);
});

test("guesses at a password stand in no passkey's way", async (t) => {
    const { d, c, key } = await withPasskey(t);
    await c.become({ email });
    const guesser = browser(d);
    const statuses = [];
    while (statuses.length < 20 && statuses.at(-1) !== 429)
        statuses.push((await guesser.signIn(email, "no")).status);
    assert.equal(statuses.at(-1), 429);
    assert.equal((await signIn(guesser, key)).status, 201);
});

test("by an address there is no passkey, and it is said why", async (t) => {
    const d = await start(t, { access: "locked" });
    const c = await d.setup();
    for (const path of [`${P}/challenge`, `${S}/passkey/challenge`]) {
        const r = await c.post(path);
        assert.equal(r.status, 501);
        assert.match(r.body.detail, /belong to a name/);
    }
});

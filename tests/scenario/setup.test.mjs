/* The first start: a locked door, a link that works once, and the first administrator. */

import assert from "node:assert/strict";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Client, doppel, PASSWORD, start, temporary } from "../lib/doppel.mjs";

const LOCKED = { access: "locked" };

test("nobody gets in before it is set up, and the page is told so", async (t) => {
    const d = await start(t, LOCKED);
    assert.equal((await d.get("/api/v1/twins")).status, 401);
    const r = await d.get("/api/v1/session");
    assert.equal(r.status, 200);
    assert.deepEqual(r.body, { signedIn: false, access: "locked", setup: true, providers: [] });
});

test("the link makes the first administrator, once", async (t) => {
    const d = await start(t, LOCKED);
    const token = await d.setupToken();
    const c = new Client(d);
    assert.equal((await c.post("/api/v1/setup", { token: "dop_setup_x" })).status, 401);
    const r = await c.post("/api/v1/setup", { token });
    assert.equal(r.status, 201, r.text);
    assert.equal(r.body.signedIn, true);
    assert.equal(r.body.setup, false);
    assert.equal(r.body.role, "administrator");
    assert.deepEqual(r.body.organization, { id: "home", name: "Home" });
    assert.equal(r.body.person.name, "Administrator");
    assert.equal(r.body.person.provisional, true);
    assert.equal(r.body.person.installation, true);
    assert.ok(r.body.operations.includes("installation:manage"));
    const again = await new Client(d).post("/api/v1/setup", { token });
    assert.equal(again.status, 401);
    assert.equal(again.body.code, "wrong-credentials");
    assert.equal((await c.get("/api/v1/twins")).status, 200);
    assert.equal((await d.get("/api/v1/session")).body.setup, false);
});

test("the cookie is as safe as a cookie can be", async (t) => {
    const d = await start(t, LOCKED);
    const r = await new Client(d).post("/api/v1/setup", { token: await d.setupToken() });
    const cookie = r.headers.getSetCookie()[0];
    assert.match(
        cookie,
        /^doppel-session=dop_ses_\w+; Path=\/; Max-Age=2592000; HttpOnly; SameSite=Strict$/,
    );
});

test("who is provisional gives themselves a password, and signs in with it", async (t) => {
    const d = await start(t, LOCKED);
    const c = await d.setup();
    const early = await c.put("/api/v1/account/password", { password: PASSWORD });
    assert.equal(early.status, 400);
    assert.match(early.body.detail, /e-mail address first/);
    await c.become({ email: "Ada@Example.org " });
    const me = await c.get("/api/v1/session");
    assert.equal(me.body.person.email, "ada@example.org");
    assert.equal(me.body.person.provisional, false);
    const other = new Client(d);
    const r = await other.signIn("ada@example.ORG");
    assert.equal(r.status, 201, r.text);
    assert.equal(r.body.person.id, me.body.person.id);
});

test("a start prints a link while no administrator can sign in again, and then no more", async (t) => {
    const d = await start(t, LOCKED);
    const lost = await d.setup();
    const { person } = (await lost.get("/api/v1/session")).body;
    await d.restart();
    const c = new Client(d);
    const r = await c.post("/api/v1/setup", { token: await d.setupToken() });
    assert.equal(r.body.person.id, person.id, "it is the same administrator, not a second one");
    await c.become({ email: "ada@example.org" });
    await d.restart();
    assert.doesNotMatch(d.said, /set-up link/);
    assert.equal((await c.get("/api/v1/session")).body.signedIn, true, "sessions outlive a start");
});

test("no other machine gets at a server without an administrator", async (t) => {
    const args = ["serve", "--data", temporary(t), "--http", "off", "--mqtt", "off"];
    const r = await doppel([...args, "--https", "0.0.0.0:0", "--tls-self-signed"]);
    assert.equal(r.code, 2, r.output);
    assert.match(r.stderr, /no administrator yet.*--insecure-listen/s);
});

test("the token of the command line is the user's alone, and goes with the server", async (t) => {
    const d = await start(t, LOCKED);
    const dir = join(process.env.XDG_RUNTIME_DIR, "doppel");
    const file = join(dir, `${d.http}.token`);
    assert.equal(statSync(dir).mode & 0o777, 0o700);
    assert.equal(statSync(file).mode & 0o777, 0o600);
    await d.stop();
    assert.ok(!readdirSync(dir).includes(`${d.http}.token`));
});

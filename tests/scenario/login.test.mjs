/* The command line against a locked server: beside it, and from elsewhere with a token. */

import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Client, doppel, PASSWORD, start, temporary } from "../lib/doppel.mjs";
import { twin } from "../lib/profiles.mjs";
import { totp } from "../lib/totp.mjs";

const LOCKED = { access: "locked" };
const email = "ada@example.org";

/* As another user of the machine would: without the token that the server wrote. */
function elsewhere(t) {
    const dir = temporary(t);
    return { XDG_RUNTIME_DIR: join(dir, "run"), XDG_STATE_HOME: dir, XDG_CONFIG_HOME: dir };
}

const ok = async (promise) => {
    const r = await promise;
    assert.equal(r.code, 0, r.output);
    return r.stdout;
};

test("beside the server every command works without a sign-in", async (t) => {
    const d = await start(t, LOCKED);
    const at = ["--server", d.url];
    const profile = join(d.data, "pump.json");
    const table = join(d.data, "pump.csv");
    writeFileSync(profile, JSON.stringify(twin("pump-1", ["temp-1"])));
    writeFileSync(table, "time,temp-1\n2026-01-01T00:00:00Z,4\n2026-01-01T00:00:01Z,5\n");
    await ok(doppel(["twin", "apply", profile, ...at]));
    await ok(doppel(["send", "pump-1", "temp-1=42", ...at]));
    assert.match(await ok(doppel(["twin", "ls", ...at])), /pump-1/);
    assert.match(await ok(doppel(["status", ...at])), /version/);
    assert.match(await ok(doppel(["history", "pump-1", "temp-1", ...at])), /42/);
    await ok(doppel(["replay", table, "--twin", "pump-1", "--speed", "max", ...at]));
    const mqtt = ["--mqtt", d.mqtt, "--speed", "max"];
    await ok(doppel(["replay", table, "--twin", "pump-1", ...mqtt, ...at]));
    const map = await ok(doppel(["import", table, "--propose"]));
    assert.match(map, /temp-1/);
    writeFileSync(join(d.data, "map.json"), map.replaceAll(/"twin": *"[^"]*"/g, '"twin":"pump-1"'));
    await ok(doppel(["import", table, "--map", join(d.data, "map.json"), ...at]));
    const watch = doppel(["watch", "--json", "--count", "1", ...at]);
    const sending = setInterval(() => doppel(["send", "pump-1", "temp-1=43", ...at]), 300);
    try {
        assert.match(await ok(watch), /temp-1/);
    } finally {
        clearInterval(sending);
    }
    const named = ["--server", d.url.replace("127.0.0.1", "localhost")];
    assert.match(await ok(doppel(["twin", "ls", ...named])), /pump-1/);
});

test("elsewhere nobody gets in, and is told how", async (t) => {
    const d = await start(t, LOCKED);
    const env = elsewhere(t);
    for (const args of [
        ["twin", "ls"],
        ["send", "pump-1", "a=1"],
        ["watch", "--count", "1"],
    ]) {
        const r = await doppel([...args, "--server", d.url], { env });
        assert.notEqual(r.code, 0, args.join(" "));
    }
    const r = await doppel(["twin", "ls", "--server", d.url], { env });
    assert.equal(r.code, 5);
    assert.match(r.stderr, /doppel login/);
});

test("login keeps a token of its own, logout revokes it", async (t) => {
    const d = await start(t, LOCKED);
    const c = await d.setup({ email });
    const env = elsewhere(t);
    const wrong = await doppel(["login", d.url, "--email", email], { env, input: "not it\n" });
    assert.equal(wrong.code, 5, wrong.output);
    assert.match(wrong.stderr, /not right/);
    const said = await ok(doppel(["login", d.url], { env, input: `${email}\n${PASSWORD}\n` }));
    assert.match(said, /signed in at .* as ada@example.org/);
    const [name] = readdirSync(join(env.XDG_CONFIG_HOME, "doppel/logins"));
    const file = join(env.XDG_CONFIG_HOME, "doppel/logins", name);
    assert.equal(statSync(file).mode & 0o777, 0o600);
    const token = readFileSync(file, "utf8");
    assert.match(token, /^dop_pat_/);
    await ok(doppel(["twin", "ls", "--server", d.url], { env }));
    const { tokens } = (await c.get("/api/v1/account/tokens")).body;
    assert.equal(tokens.length, 1);
    assert.match(tokens[0].name, /^doppel on /);
    const { sessions } = (await c.get("/api/v1/account/sessions")).body;
    assert.equal(sessions.length, 1, "the session of the sign-in has ended");
    await ok(doppel(["logout", d.url], { env }));
    assert.ok(!existsSync(file));
    assert.equal((await d.withToken(token).get("/api/v1/twins")).body.code, "token-revoked");
    const again = await doppel(["logout", d.url], { env });
    assert.equal(again.code, 1, again.output);
});

test("login asks for the second factor where there is one", async (t) => {
    const d = await start(t, LOCKED);
    const c = await d.setup({ email });
    const { secret } = (await c.post("/api/v1/account/totp")).body;
    const done = await c.put("/api/v1/account/totp", { code: totp(secret) });
    assert.equal(done.status, 200, done.text);
    const env = elsewhere(t);
    const lines = `${PASSWORD}\n${done.body.recoveryCodes[0]}\n`;
    await ok(doppel(["login", d.url, "--email", email], { env, input: lines }));
    await ok(doppel(["twin", "ls", "--server", d.url], { env }));
});

test("a token goes by --token and DOPPEL_TOKEN", async (t) => {
    const d = await start(t, LOCKED);
    const c = await d.setup({ email });
    const made = await c.post("/api/v1/account/tokens", { name: "script" });
    const env = elsewhere(t);
    const at = ["twin", "ls", "--server", d.url];
    await ok(doppel([...at, "--token", made.body.token], { env }));
    await ok(doppel(at, { env: { ...env, DOPPEL_TOKEN: made.body.token } }));
    const none = await doppel([...at, "--token", "dop_pat_none"], { env });
    assert.equal(none.code, 5);
    assert.match(none.stderr, /not known/);
});

test("a set-up link from the command line lets the administrator in again", async (t) => {
    const d = await start(t, LOCKED);
    const first = await d.setup({ email });
    const { person } = (await first.get("/api/v1/session")).body;
    const link = (await ok(doppel(["setup-link", "--server", d.url]))).trim();
    assert.ok(link.startsWith(`${d.url}/setup#dop_setup_`), link);
    const c = new Client(d);
    const r = await c.post("/api/v1/setup", { token: link.split("#")[1] });
    assert.equal(r.body.person.id, person.id);
    const set = await c.put("/api/v1/account/password", { password: `${PASSWORD} again` });
    assert.equal(set.status, 204, "who came by the link needs not the password that is lost");
    assert.equal((await first.get("/api/v1/session")).body.signedIn, false);
    const none = await doppel(["setup-link", "--email", "x@y.z", "--server", d.url]);
    assert.equal(none.code, 4, none.output);
    const other = await doppel(["setup-link", "--server", d.url], { env: elsewhere(t) });
    assert.equal(other.code, 5, other.output);
});

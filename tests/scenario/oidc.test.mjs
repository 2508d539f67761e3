/* Sign-in by OpenID Connect with a real provider (npm oidc-provider): whole ways through it, who may
 * come, what they may then, and goodbye at both sides. */

import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Client, doppel, start, temporary, until } from "../lib/doppel.mjs";
import { Browser, realProvider } from "../lib/identity.mjs";

const AUTH = "/api/v1/auth/oidc";
const ADA = { name: "Ada Lovelace", email: "Ada@Example.org", email_verified: true };

/* A provider and a server that know each other. */
async function both(t, accounts, settings = {}, more = {}) {
    const idp = await realProvider(t, accounts, more);
    const file = join(temporary(t), "providers.json");
    const providers = [{ ...idp.settings, create: true, ...settings }];
    writeFileSync(file, JSON.stringify({ providers }));
    const args = ["--identity-providers", file, "--allow-private-fetch", "127.0.0.1"];
    const d = await start(t, { access: "locked", args });
    idp.open(d.url);
    return { idp, d };
}

const codeOf = (page) => /<code>([^<]+)<\/code>/.exec(page.text)?.[1];

/* The whole way; answers what the server said in the end. */
async function signIn(idp, d, login, browser = new Browser(), query = "?then=/twins") {
    const page = await browser.go(`${d.url}${AUTH}/real/start${query}`);
    const end = await idp.signIn(browser, page, login);
    assert.deepEqual(idp.errors, []);
    return { browser, end, code: codeOf(end) };
}

const cookieOf = (d, browser) => browser.cookie(d.url, "doppel-session")?.value ?? "";

const session = (d, browser, cookie = cookieOf(d, browser)) =>
    d.get("/api/v1/session", { headers: { cookie: `doppel-session=${cookie}` } });

for (const conformIdTokenClaims of [true, false])
    test(`a person signs in, and again (${conformIdTokenClaims ? "UserInfo" : "ID token"} tells who)`, async (t) => {
        const { idp, d } = await both(
            t,
            { ada: ADA },
            { role: "operator" },
            { config: { conformIdTokenClaims } },
        );
        const { browser, end } = await signIn(idp, d, "ada");
        assert.equal(new URL(end.url).href, `${d.url}/twins`);
        const cookie = browser.cookie(d.url, "doppel-session");
        assert.match(cookie.line, /HttpOnly/);
        assert.match(cookie.line, /SameSite=Strict/);
        const first = (await session(d, browser)).body;
        assert.equal(first.signedIn, true);
        assert.equal(first.person.name, "Ada Lovelace");
        assert.equal(first.person.email, "ada@example.org");
        assert.equal(first.person.provisional, false);
        assert.equal(first.person.installation, false);
        assert.equal(first.role, "operator");

        const again = await signIn(idp, d, "ada");
        const second = (await session(d, again.browser)).body;
        assert.equal(second.person.id, first.person.id);
        assert.notEqual(again.browser.cookie(d.url, "doppel-session").value, cookie.value);

        /* known by the subject, whatever becomes of the address */
        idp.accounts.ada = { name: "Ada", email: "countess@example.org", email_verified: false };
        const third = await signIn(idp, d, "ada");
        assert.equal((await session(d, third.browser)).body.person.id, first.person.id);
        /* and it survives a restart */
        await d.restart();
        assert.equal((await session(d, browser, cookie.value)).body.person.id, first.person.id);
    });

test("who may not come", async (t) => {
    const accounts = {
        mallory: { name: "Mallory", email: "ada@example.org", email_verified: false },
        nobody: { name: "Nobody" },
        ada: ADA,
    };
    const { idp, d } = await both(t, accounts);
    assert.equal((await signIn(idp, d, "nobody")).code, "oidc-no-email");
    assert.equal((await signIn(idp, d, "mallory")).code, "oidc-email-unverified");
    const { browser } = await signIn(idp, d, "ada");
    assert.equal((await session(d, browser)).body.signedIn, true);
    const again = await signIn(idp, d, "mallory");
    assert.equal(again.code, "oidc-email-unverified");
    assert.equal((await session(d, again.browser)).body.signedIn, false);

    await t.test("who changes their mind", async () => {
        const b = new Browser();
        const page = await b.go(`${d.url}${AUTH}/real/start`);
        const abort = /href="([^"]+\/abort)"/.exec(page.text)[1];
        const end = await b.go(new URL(abort, page.url).href);
        assert.match(end.text, /<code>oidc-denied<\/code>/);
    });
    await t.test("a stranger, where nobody is made", async (t) => {
        const closed = await both(t, { ada: ADA }, { create: false });
        const r = await signIn(closed.idp, closed.d, "ada");
        assert.equal(r.code, "oidc-not-invited");
        assert.equal(r.end.status, 403);
    });
    await t.test("a client that the provider does not know", async (t) => {
        const closed = await both(t, { ada: ADA }, { clientSecret: "a wrong one" });
        const r = await signIn(closed.idp, closed.d, "ada");
        assert.equal(r.code, "oidc-exchange");
        assert.match(closed.d.log, /invalid_client/);
    });
});

test("groups are roles, and follow the provider", async (t) => {
    const accounts = { ada: { ...ADA, groups: ["people", "ops"] } };
    const { idp, d } = await both(t, accounts, {
        groups: [
            { group: "ops", role: "operator" },
            { group: "makers", role: "editor" },
        ],
    });
    const role = async () => {
        const { browser } = await signIn(idp, d, "ada");
        return (await session(d, browser)).body.role;
    };
    assert.equal(await role(), "operator");
    accounts.ada.groups = ["makers", "ops"];
    assert.equal(await role(), "editor");
    accounts.ada.groups = [];
    assert.equal(await role(), "viewer", "what everybody from there is");

    await t.test("who is in no group has no role, where nobody gives one", async (t) => {
        const accounts = { ada: { ...ADA, groups: ["ops"] } };
        const closed = await both(t, accounts, { groups: [{ group: "ops", role: "operator" }] });
        const { browser } = await signIn(closed.idp, closed.d, "ada");
        assert.equal((await session(closed.d, browser)).body.role, "operator");
    });
});

test("an account that is there is linked by who has it, and never taken over", async (t) => {
    const { idp, d } = await both(t, {
        ada: ADA,
        eve: { email: "eve@example.org", email_verified: true },
    });
    const admin = await d.setup({ email: "ada@example.org" });
    const me = (await admin.get("/api/v1/session")).body.person.id;
    const taken = await signIn(idp, d, "ada");
    assert.equal(taken.code, "oidc-email-taken");
    assert.match(taken.end.text, /Sign in to it in another way, then link it/);

    const I = "/api/v1/account/identities";
    assert.deepEqual((await admin.get(I)).body.identities, []);
    const then = "/account";
    const ask = { provider: "real", then };
    assert.equal((await d.post(I, ask)).status, 401);
    assert.equal((await d.withToken(d.localToken()).post(I, ask)).status, 403);
    assert.equal(
        (await admin.post(I, '{"provider":"real","then":"//evil"}')).body.code,
        "oidc-then",
    );
    assert.equal((await admin.post(I, { provider: "nobody" })).status, 404);
    const link = async (client, browser) => {
        const { body } = await client.post(I, ask);
        for (const [name, value] of client.cookies)
            browser.put(d.url, name, value, name === "doppel-session");
        const page = await browser.go(body.location);
        const end = await idp.signIn(browser, page, "ada");
        return { end, code: codeOf(end) };
    };
    const browser = new Browser();
    const linked = await link(admin, browser);
    assert.equal(linked.end.url, `${d.url}/account`);
    assert.equal(cookieOf(d, browser), admin.cookies.get("doppel-session"), "the same session");
    /* whoever lures somebody else's browser to the end of it gains nothing */
    const { location } = (await admin.post(I, ask)).body;
    const lured = new Browser();
    const page = await idp.signIn(lured, await lured.go(location), "ada");
    assert.equal(codeOf(page), "oidc-browser");
    const [identity] = (await admin.get(I)).body.identities;
    assert.equal(identity.provider, "real");
    assert.equal(identity.issuer, idp.issuer);

    const again = await signIn(idp, d, "ada");
    assert.equal((await session(d, again.browser)).body.person.id, me);
    assert.equal((await session(d, again.browser)).body.person.installation, true);

    await t.test("nobody else can link it", async () => {
        const eve = await signIn(idp, d, "eve");
        const client = new Client(d);
        client.cookies.set("doppel-session", cookieOf(d, eve.browser));
        assert.equal((await link(client, new Browser())).code, "oidc-linked");
        const cookie = `doppel-session=${cookieOf(d, eve.browser)}`;
        const [own] = (await d.get(I, { headers: { cookie } })).body.identities;
        const last = await d.send("DELETE", `${I}/${own.id}`, undefined, undefined, {
            cookie,
            origin: d.url,
        });
        assert.equal(last.status, 409, "the only way to sign in");
    });
    await t.test("and it is unlinked", async () => {
        assert.equal((await admin.delete(`${I}/${identity.id}`)).status, 204);
        assert.equal((await admin.delete(`${I}/${identity.id}`)).status, 404);
        /* that address is verified now: whoever has it there is who has it here */
        const r = await signIn(idp, d, "ada");
        assert.equal((await session(d, r.browser)).body.person.id, me);
    });
});

test("who was invited by their address comes by the provider", async (t) => {
    const { idp, d } = await both(t, { ada: ADA }, { create: false });
    const admin = await d.setup({ email: "admin@example.org" });
    assert.equal((await signIn(idp, d, "ada")).code, "oidc-not-invited");
    const made = await admin.post("/api/v1/organizations/home/invitations", {
        email: "ada@example.org",
        role: "editor",
    });
    assert.equal(made.status, 201, made.text);
    const { browser } = await signIn(idp, d, "ada");
    const { body } = await session(d, browser);
    assert.equal(body.role, "editor");
    assert.equal(body.organization.id, "home");
    const left = await admin.get("/api/v1/organizations/home/invitations");
    assert.deepEqual(left.body.invitations, []);
    const audit = (await d.withToken(d.localToken()).get("/api/v1/audit")).body?.entries;
    if (audit) assert.ok(audit.some((e) => e.operation === "session:start"));
});

test("goodbye: the provider ends the session here", async (t) => {
    const { idp, d } = await both(
        t,
        { ada: ADA, bob: { ...ADA, email: "bob@example.org" } },
        { logout: true },
    );
    const ada = await signIn(idp, d, "ada");
    const elsewhere = await signIn(idp, d, "ada");
    const bob = await signIn(idp, d, "bob");
    /* at the provider, by its own page */
    let page = await ada.browser.go(`${idp.issuer}/session/end`);
    const xsrf = /name="xsrf" value="([^"]+)"/.exec(page.text)[1];
    page = await ada.browser.submit(`${idp.issuer}/session/end/confirm`, { xsrf, logout: "yes" });
    await until(
        "the session has ended",
        async () => (await session(d, ada.browser)).body.signedIn === false,
    );
    assert.deepEqual(idp.errors, []);
    assert.equal(
        (await session(d, elsewhere.browser)).body.signedIn,
        true,
        "another session there",
    );
    assert.equal((await session(d, bob.browser)).body.signedIn, true, "another person");
});

test("goodbye: signing out here leads to the provider's page, and back", async (t) => {
    const { idp, d } = await both(t, { ada: ADA }, { logout: true });
    const { browser } = await signIn(idp, d, "ada");
    const cookie = `doppel-session=${browser.cookie(d.url, "doppel-session").value}`;
    const r = await d.send("DELETE", "/api/v1/session", undefined, undefined, {
        cookie,
        origin: d.url,
    });
    assert.equal(r.status, 200, r.text);
    const url = new URL(r.body.logout);
    assert.equal(url.origin, idp.issuer);
    assert.equal((await session(d, browser)).body.signedIn, false);
    const page = await browser.go(url.href);
    const xsrf = /name="xsrf" value="([^"]+)"/.exec(page.text)[1];
    const end = await browser.submit(`${idp.issuer}/session/end/confirm`, { xsrf, logout: "yes" });
    assert.equal(end.url, `${d.url}/`);
    /* the provider asks who it is again */
    const next = await browser.go(`${d.url}${AUTH}/real/start`);
    assert.match(next.text, /name="prompt" value="login"/);
});

test("an administrator sets a provider up, changes it and takes it away", async (t) => {
    const idp = await realProvider(t, { ada: ADA });
    const d = await start(t, { args: ["--allow-private-fetch", "127.0.0.1"] });
    idp.open(d.url);
    const path = "/api/v1/identity-providers";
    const made = await d.post(path, { ...idp.settings, create: true });
    assert.equal(made.status, 201, made.text);
    assert.equal(made.body.hasSecret, true);
    assert.equal(made.body.clientSecret, undefined);
    assert.equal((await d.post(path, idp.settings)).body.code, "exists");
    const list = (await d.get(path)).body.identityProviders;
    assert.deepEqual(list, [made.body]);
    for (const file of ["catalog.db", "catalog.db-wal"]) {
        const bytes = existsSync(join(d.data, file)) ? readFileSync(join(d.data, file)) : "";
        assert.ok(!bytes.includes(idp.settings.clientSecret), "the secret is sealed");
    }
    assert.ok(!JSON.stringify(list).includes("a secret"));

    await t.test("it works, and after a restart", async () => {
        assert.equal((await signIn(idp, d, "ada")).end.url, `${d.url}/twins`);
        await d.restart();
        const { http } = d;
        d.url = `http://${http}`;
        idp.open(d.url);
        assert.equal((await signIn(idp, d, "ada")).end.url, `${d.url}/twins`);
    });
    await t.test("a wrong secret, and the right one again", async () => {
        const change = (body) =>
            d.send("PATCH", `${path}/real`, body, "application/merge-patch+json");
        assert.equal((await change({ clientSecret: "wrong" })).status, 200);
        assert.equal((await signIn(idp, d, "ada")).code, "oidc-exchange");
        const public_ = await change({ clientSecret: null });
        assert.equal(public_.body.hasSecret, false);
        const right = await change({
            clientSecret: idp.settings.clientSecret,
            name: "Another name",
        });
        assert.equal(right.body.name, "Another name");
        assert.equal((await signIn(idp, d, "ada")).end.url, `${d.url}/twins`);
        assert.equal((await change({ name: "kept" })).body.hasSecret, true);
        assert.equal((await signIn(idp, d, "ada")).end.url, `${d.url}/twins`);
        assert.equal((await change({ id: "other" })).status, 400);
    });
    await t.test("what cannot be one", async () => {
        const good = { id: "x", issuer: "https://idp.example", clientId: "c" };
        const rows = [
            [400, { ...good, id: "../x" }, /id has to be/],
            [400, { ...good, issuer: "idp.example" }, /issuer has to be/],
            [400, { ...good, issuer: "file:///etc/passwd" }, /issuer has to be/],
            [400, { ...good, clientId: undefined }, /clientId is missing/],
            [400, { ...good, installation: true }, /has no "installation"/],
            [400, { ...good, fixed: true }, /has no "fixed"/],
            [400, { ...good, role: "root" }, /role has to be/],
            [400, { ...good, organization: "nowhere" }, /no organisation "nowhere"/],
            [400, { ...good, scopes: "email" }, /openid/],
            [400, [good], /JSON object/],
            [
                422,
                { ...good, issuer: "https://10.0.0.1/realm" },
                /private address.*--allow-private-fetch/,
            ],
            [422, { ...good, issuer: "https://169.254.169.254/" }, /link-local/],
            [422, { ...good, issuer: "https://[::1]:8443/" }, /loopback/],
            [422, { ...good, issuer: "http://1.1.1.1/" }, /https alone/],
        ];
        for (const [status, body, text] of rows) {
            const r = await d.post(path, body);
            assert.equal(r.status, status, r.text);
            assert.match(r.body.detail, text);
        }
        assert.equal((await d.post(path, "{")).status, 400);
        assert.equal((await d.post(path, good, "application/xml")).status, 415);
        assert.equal((await d.send("PATCH", `${path}/nobody`, {})).status, 404);
    });
    await t.test("taken away", async () => {
        assert.equal((await d.fetch(`${path}/real`, { method: "DELETE" })).status, 204);
        assert.equal((await d.fetch(`${path}/real`, { method: "DELETE" })).status, 404);
        assert.equal((await signIn(idp, d, "ada")).code, "oidc-no-provider");
    });
});

test("a file of providers that cannot be is told with its place, and nothing starts", async (t) => {
    const dir = temporary(t);
    const file = join(dir, "providers.json");
    const good = { id: "x", issuer: "https://idp.example", clientId: "c" };
    const rows = [
        ['{"providers":[', /line 1, column/],
        ["[]", /has to be \{"providers"/],
        [{ providers: [good, { ...good, id: "X" }] }, /provider 2: id has to be/],
        [{ providers: [good, good] }, /two of the id x/],
        [{ providers: [{ ...good, clientSecretFile: "nowhere" }] }, /nowhere cannot be read/],
    ];
    for (const [content, said] of rows) {
        writeFileSync(file, typeof content === "string" ? content : JSON.stringify(content));
        const r = await doppel([
            "serve",
            "--data",
            join(dir, "data"),
            "--http",
            "127.0.0.1:0",
            "--mqtt",
            "off",
            "--identity-providers",
            file,
        ]);
        assert.notEqual(r.code, 0);
        assert.match(r.stderr, said);
        assert.match(r.stderr, /providers\.json/);
    }
    for (const flag of [
        "--allow-private-fetch=10.0.0.0/99",
        "--fetch-ca=/nowhere.pem",
        "--public-url=twins",
    ]) {
        const r = await doppel([
            "serve",
            "--data",
            join(dir, "data"),
            "--http",
            "127.0.0.1:0",
            "--mqtt",
            "off",
            ...flag.split("="),
        ]);
        assert.notEqual(r.code, 0, flag);
    }
});

test("a secret in a file of its own, and the address behind a proxy", async (t) => {
    const idp = await realProvider(t, { ada: ADA });
    const dir = temporary(t);
    writeFileSync(join(dir, "secret"), `${idp.settings.clientSecret}\n`);
    const { clientSecret, ...rest } = idp.settings;
    assert.ok(clientSecret);
    const providers = [{ ...rest, create: true, clientSecretFile: "secret" }];
    writeFileSync(join(dir, "providers.json"), JSON.stringify({ providers }));
    const args = [
        "--identity-providers",
        join(dir, "providers.json"),
        "--allow-private-fetch",
        "127.0.0.1",
    ];
    const d = await start(t, { args });
    idp.open(d.url);
    assert.equal((await signIn(idp, d, "ada")).end.url, `${d.url}/twins`);
    const fixed = (await d.get("/api/v1/identity-providers")).body.identityProviders[0];
    assert.equal(fixed.fixed, true);
    const r = await d.send("PATCH", "/api/v1/identity-providers/real", { name: "x" });
    assert.equal(r.status, 409);
    assert.match(r.body.detail, /configuration/);

    const behind = await start(t, {
        args: [...args, "--public-url", "https://twins.example.org/"],
    });
    const to = await behind.fetch(`${AUTH}/real/start`, { redirect: "manual" });
    const asked = new URL(to.headers.get("location")).searchParams.get("redirect_uri");
    assert.equal(asked, `https://twins.example.org${AUTH}/real/callback`);
});

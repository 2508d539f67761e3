/* Sign-in by OpenID Connect, against providers that lie and browsers that cheat: nobody gets in, and
 * each is told why by a code of its own. */

import assert from "node:assert/strict";
import { createHash, createHmac, createPublicKey } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import * as jose from "jose";
import { start, temporary } from "../lib/doppel.mjs";
import { Browser, listen, lyingProvider } from "../lib/identity.mjs";

const AUTH = "/api/v1/auth/oidc";

function providersFile(t, providers) {
    const path = join(temporary(t), "providers.json");
    writeFileSync(path, JSON.stringify({ providers }));
    return path;
}

const ALLOWED = ["--allow-private-fetch", "127.0.0.1"];

/* A server, and as many liars as that, each of a name of its own. */
async function many(t, count, settings = {}) {
    const ids = Array.from({ length: count }, (_, i) => (i ? `liar-${i}` : "liar"));
    const liars = await Promise.all(ids.map((id) => lyingProvider(t, id)));
    const file = providersFile(
        t,
        liars.map((l) => ({ ...l.settings, ...settings })),
    );
    const d = await start(t, {
        access: "locked",
        args: ["--identity-providers", file, ...ALLOWED],
    });
    return { liars, d };
}

async function both(t, settings) {
    const { liars, d } = await many(t, 1, settings);
    return { liar: liars[0], d };
}

/* The whole way; what the last answer was. */
const signIn = (d, browser = new Browser(), query = "?then=/twins", id = "liar") =>
    browser.go(`${d.url}${AUTH}/${id}/start${query}`, {}, (url) =>
        url.startsWith(`${d.url}/twins`),
    );

async function refused(d, code, status, id = "liar") {
    const browser = new Browser();
    const r = await signIn(d, browser, "?then=/twins", id);
    assert.match(r.text, new RegExp(`<code>${code}</code>`), `${r.status} ${r.text} ${r.location}`);
    assert.equal(r.status, status);
    assert.equal(browser.cookie(d.url, "doppel-session"), undefined, "no session");
    return r;
}

test("what a token must not be", async (t) => {
    const { liar, d } = await both(t);
    const es = await liar.newKey("ES256");
    await liar.newKey("EdDSA");
    const rs = liar.keys[0];
    const pem = createPublicKey({ key: rs.jwk, format: "jwk" }).export({
        type: "spki",
        format: "pem",
    });
    const hs256 = (secret) => (claims) => {
        const text = liar.raw({ alg: "HS256", kid: rs.kid }, claims).slice(0, -1);
        return `${text}.${createHmac("sha256", secret).update(text).digest("base64url")}`;
    };
    const change = (more) => (c) => ({ ...c, ...more });
    const without = (name) => (c) => ({ ...c, [name]: undefined });
    const now = () => Math.floor(Date.now() / 1000);
    const stranger = await jose.generateKeyPair("RS256");
    const rows = {
        "the issuer of somebody else": [
            "jwt-issuer",
            { claims: change({ iss: "https://evil.example" }) },
        ],
        "the issuer with a slash more": [
            "jwt-issuer",
            { claims: (c) => ({ ...c, iss: `${c.iss}/` }) },
        ],
        "no issuer": ["jwt-claims", { claims: without("iss") }],
        "another audience": ["jwt-audience", { claims: change({ aud: "another" }) }],
        "several audiences, no azp": ["jwt-audience", { claims: change({ aud: ["doppel", "x"] }) }],
        "another azp": ["jwt-audience", { claims: change({ aud: ["doppel", "x"], azp: "x" }) }],
        "another nonce": ["jwt-nonce", { claims: change({ nonce: "of another sign-in" }) }],
        "no nonce": ["jwt-nonce", { claims: without("nonce") }],
        expired: [
            "jwt-expired",
            { claims: () => ({ ...base(), exp: now() - 61, iat: now() - 400 }) },
        ],
        "of the future": ["jwt-not-yet", { claims: () => ({ ...base(), iat: now() + 120 }) }],
        "not yet": ["jwt-not-yet", { claims: () => ({ ...base(), nbf: now() + 120 }) }],
        "no end": ["jwt-claims", { claims: without("exp") }],
        "nobody's": ["oidc-subject", { claims: without("sub") }],
        "at_hash of another token": [
            "jwt-at-hash",
            { claims: change({ at_hash: "AAAAAAAAAAAAAAAAAAAAAA" }) },
        ],
        "alg none": ["jwt-algorithm", { sign: (c) => liar.raw({ alg: "none" }, c) }],
        "alg none with a kid": [
            "jwt-algorithm",
            { sign: (c) => liar.raw({ alg: "None", kid: rs.kid }, c, "AA") },
        ],
        "HS256 by the public key": ["jwt-algorithm", { sign: hs256(pem) }],
        "HS256 by the client's id": ["jwt-algorithm", { sign: hs256("doppel") }],
        "RS256 said to be ES256": [
            "jwt-signature",
            {
                sign: async (c) => {
                    const [, body, sig] = (await liar.sign(c, liar, rs)).split(".");
                    return `${Buffer.from(JSON.stringify({ alg: "ES256", kid: es.kid })).toString("base64url")}.${body}.${sig}`;
                },
            },
        ],
        "RS256 said to be ES256, by the RSA key": [
            "jwt-unknown-key",
            { sign: async (c) => liar.raw({ alg: "ES256", kid: rs.kid }, c, "AA") },
        ],
        "an algorithm that it did not announce": [
            "jwt-algorithm",
            { sign: async (c) => liar.raw({ alg: "PS256", kid: rs.kid }, c, "AA") },
        ],
        "signed by a stranger": [
            "jwt-signature",
            { sign: (c) => liar.sign(c, liar, { ...rs, privateKey: stranger.privateKey }) },
        ],
        "signed by a key in its own header": [
            "jwt-signature",
            {
                sign: async (c) =>
                    liar.sign(
                        c,
                        liar,
                        { ...rs, privateKey: stranger.privateKey },
                        {
                            jwk: await jose.exportJWK(stranger.publicKey),
                        },
                    ),
            },
        ],
        "claims changed behind the signature": [
            "jwt-signature",
            {
                sign: async (c) => {
                    const [head, , sig] = (await liar.sign(c, liar, rs)).split(".");
                    return `${head}.${Buffer.from(JSON.stringify({ ...c, sub: "admin" })).toString("base64url")}.${sig}`;
                },
            },
        ],
        "a critical extension": [
            "jwt-critical",
            {
                sign: (c) =>
                    liar.raw({ alg: "RS256", kid: rs.kid, crit: ["exp"], exp: 1 }, c, "AA"),
            },
        ],
        "no token at all": ["jwt-malformed", { sign: () => "not.a" }],
    };
    const base = () => ({ ...good, nonce: liar.nonce });
    let good;
    liar.lie = { claims: (c) => (good = c) };
    await signIn(d);
    for (const [name, [code, lie]] of Object.entries(rows))
        await t.test(name, async () => {
            liar.lie = lie;
            await refused(d, code, 403);
        });
});

test("what the description, the keys and the answers must not be", async (t) => {
    const rows = {
        "another issuer": [
            "oidc-metadata",
            502,
            { metadata: (m) => ({ ...m, issuer: "https://evil.example" }) },
        ],
        "no issuer": ["oidc-metadata", 502, { metadata: (m) => ({ ...m, issuer: undefined }) }],
        "no JSON": ["oidc-metadata", 502, { metadata: () => "<html>" }],
        "no place for tokens": [
            "oidc-metadata",
            502,
            { metadata: (m) => ({ ...m, token_endpoint: undefined }) },
        ],
        "a script for a place": [
            "oidc-metadata",
            502,
            { metadata: (m) => ({ ...m, authorization_endpoint: "javascript:alert(1)" }) },
        ],
        "secrets as keys": [
            "oidc-metadata",
            502,
            {
                metadata: (m) => ({
                    ...m,
                    id_token_signing_alg_values_supported: ["none", "HS256"],
                }),
            },
        ],
        "no PKCE": [
            "oidc-metadata",
            502,
            { metadata: (m) => ({ ...m, code_challenge_methods_supported: ["plain"] }) },
        ],
        "no description": ["oidc-unreachable", 502, { metadata: () => ({ error: "gone" }) }],
        "too much": ["oidc-unreachable", 502, { metadata: () => "x".repeat(300_000) }],
        "keys that are none": ["oidc-keys", 502, { jwks: () => "keys" }],
        "no keys": ["jwt-unknown-key", 403, { jwks: () => ({ keys: [] }) }],
        "no token for the code": [
            "oidc-exchange",
            502,
            { token: () => ({ error: "invalid_grant" }) },
        ],
        "an answer without an ID token": [
            "oidc-exchange",
            502,
            { token: (a) => ({ ...a, id_token: undefined }) },
        ],
        "an answer that is no JSON": ["oidc-exchange", 502, { token: () => "<html>" }],
        "UserInfo about somebody else": [
            "oidc-userinfo",
            502,
            {
                claims: (c) => ({ ...c, email: undefined }),
                userinfo: () => ({ sub: "2", email: "ada@example.org", email_verified: true }),
            },
        ],
    };
    const { liars, d } = await many(t, Object.keys(rows).length);
    for (const [name, [code, status, lie]] of Object.entries(rows))
        await t.test(name, async () => {
            const liar = liars.pop();
            liar.lie = lie;
            await refused(d, code, status, liar.settings.id);
        });
});

test("whom it names, but not well enough", async (t) => {
    const { liar, d } = await both(t);
    const userinfo = () => ({ sub: "1" });
    const rows = {
        "no address": ["oidc-no-email", { claims: (c) => ({ ...c, email: undefined }), userinfo }],
        "an address that nobody verified": [
            "oidc-email-unverified",
            { claims: (c) => ({ ...c, email_verified: false }) },
        ],
        "an address and silence": [
            "oidc-email-unverified",
            { claims: (c) => ({ ...c, email_verified: undefined }) },
        ],
    };
    for (const [name, [code, lie]] of Object.entries(rows))
        await t.test(name, async () => {
            liar.lie = lie;
            await refused(d, code, 403);
        });
    await t.test("a stranger, where nobody is made", async (t) => {
        const { liar, d } = await both(t, { create: false });
        liar.lie = {};
        const r = await refused(d, "oidc-not-invited", 403);
        assert.match(r.text, /invitation/);
    });
});

test("the way back: state, cookie, issuer, once", async (t) => {
    const { liar, d } = await both(t);
    const callback = `${d.url}${AUTH}/liar/callback`;
    const begin = async (browser) =>
        (
            await browser.go(`${d.url}${AUTH}/liar/start?then=/twins`, {}, (u) =>
                u.startsWith(callback),
            )
        ).next;
    const code = (r) => /<code>([^<]+)<\/code>/.exec(r.text)?.[1];
    const browser = new Browser();
    const back = await begin(browser);

    const binding = browser.cookie(d.url, "doppel-oidc").line;
    assert.match(binding, /HttpOnly/);
    assert.match(binding, /SameSite=Lax/);
    assert.match(binding, /Max-Age=600/);

    await t.test("another browser", async () => {
        const r = await new Browser().once(await begin(new Browser()));
        assert.equal(code(r), "oidc-browser");
        const other = new Browser();
        await begin(other); /* it has a cookie, but of another attempt */
        assert.equal(code(await other.once(await begin(new Browser()))), "oidc-browser");
    });
    await t.test("a state that nobody gave", async () => {
        for (const state of ["x", "A".repeat(43), "a".repeat(5000)])
            assert.equal(
                code(await browser.once(`${callback}?code=x&state=${state}`)),
                "oidc-state",
                state,
            );
        assert.equal(code(await browser.once(`${callback}?code=x`)), "oidc-request");
    });
    await t.test("a second time, and in two tabs", async () => {
        const tab = await begin(browser);
        const first = await browser.once(back);
        assert.equal(first.status, 303, first.text);
        assert.equal(first.location, "/twins");
        assert.equal(code(await browser.once(back)), "oidc-state");
        assert.notEqual(
            new URL(tab).searchParams.get("state"),
            new URL(back).searchParams.get("state"),
        );
    });
    await t.test("no code, an error, access denied", async () => {
        const b = new Browser();
        const params = async (change) => {
            const url = new URL(await begin(b));
            change(url.searchParams);
            return code(await b.once(url.href));
        };
        assert.equal(await params((p) => p.delete("code")), "oidc-request");
        assert.equal(await params((p) => p.set("error", "access_denied")), "oidc-denied");
        assert.equal(await params((p) => p.set("error", "<script>")), "oidc-answer");
        assert.equal(await params((p) => p.set("iss", "https://evil.example")), "oidc-mixed-up");
    });
    await t.test("an answer of another provider's", async (t) => {
        const second = await lyingProvider(t);
        const file = providersFile(t, [liar.settings, { ...second.settings, id: "second" }]);
        const d = await start(t, {
            access: "locked",
            args: ["--identity-providers", file, "--allow-private-fetch", "127.0.0.1"],
        });
        const b = new Browser();
        const mine = `${d.url}${AUTH}/liar/callback`;
        const { next } = await b.go(`${d.url}${AUTH}/liar/start`, {}, (u) => u.startsWith(mine));
        assert.equal(code(await b.once(next.replace("/liar/", "/second/"))), "oidc-mixed-up");
        assert.equal(
            second.asked.filter((a) => a.path === "/token").length,
            0,
            "no code was shown to it",
        );
    });
    await t.test("a provider that promises to say who it is, and does not", async (t) => {
        const { liar, d } = await both(t);
        liar.lie = {
            metadata: (m) => ({ ...m, authorization_response_iss_parameter_supported: true }),
        };
        await refused(d, "oidc-mixed-up", 400);
        liar.lie.callback = (p) => ({ ...p, iss: liar.issuer });
        assert.equal((await signIn(d)).status, 303);
    });
    await t.test("a program gets a problem document", async () => {
        const r = await d.get(`${AUTH}/liar/callback?state=x&code=y`);
        assert.equal(r.status, 400);
        assert.match(r.type, /problem\+json/);
        assert.equal(r.body.code, "oidc-state");
        const kind = await d.get(r.body.type);
        assert.equal(kind.status, 200);
        assert.equal((await d.get("/errors/jwt-signature")).status, 200);
        assert.equal((await d.get(`${AUTH}/nobody/start`)).body.code, "oidc-no-provider");
    });
});

test("what is asked: PKCE, a code once, and a secret where there is one", async (t) => {
    const { liar, d } = await both(t, { clientSecret: "s e:cret%/+", scopes: "openid email" });
    assert.equal((await signIn(d, new Browser(), "?then=/twins?x=1")).next, `${d.url}/twins?x=1`);
    const authorize = liar.asked.find((a) => a.path === "/authorize").query;
    const token = liar.asked.find((a) => a.path === "/token");
    const form = new URLSearchParams(token.body);
    assert.equal(authorize.get("response_type"), "code");
    assert.equal(authorize.get("scope"), "openid email");
    assert.equal(authorize.get("client_id"), "doppel");
    assert.equal(authorize.get("code_challenge_method"), "S256");
    assert.equal(
        createHash("sha256").update(form.get("code_verifier")).digest("base64url"),
        authorize.get("code_challenge"),
    );
    assert.equal(form.get("code"), "code-0");
    assert.equal(form.get("redirect_uri"), authorize.get("redirect_uri"));
    assert.equal(form.get("client_secret"), null);
    const basic = Buffer.from(token.headers.authorization.slice(6), "base64").toString();
    assert.deepEqual(basic.split(":").map(decodeURIComponent), ["doppel", "s e:cret%/+"]);
    assert.doesNotMatch(d.log, /cret%|code_verifier|an-access-token|eyJ/, "no secret in the log");
});

test("keys that change are fetched again, but not for everybody who names one", async (t) => {
    const { liar, d } = await both(t);
    assert.equal((await signIn(d)).status, 303);
    const old = liar.keys.pop();
    await liar.newKey();
    assert.equal((await signIn(d)).status, 303, "with the new key");
    const fetched = () => liar.asked.filter((a) => a.path === "/jwks").length;
    assert.equal(fetched(), 2);
    liar.lie = { sign: (c) => liar.sign(c, liar, { ...old, kid: "made-up" }) };
    for (let i = 0; i < 8; i++) await refused(d, "jwt-unknown-key", 403);
    assert.equal(fetched(), 5, "four a minute");
    liar.lie = {};
    assert.equal((await signIn(d)).status, 303);
});

test("what a logout token must not be", async (t) => {
    const { liar, d } = await both(t);
    const browser = new Browser();
    liar.lie = { claims: (c) => ({ ...c, sid: "a-session" }) };
    await signIn(d, browser);
    const cookie = `doppel-session=${browser.cookie(d.url, "doppel-session").value}`;
    const signedIn = async () =>
        (await d.get("/api/v1/session", { headers: { cookie } })).body.signedIn;
    assert.equal(await signedIn(), true);
    const events = { "http://schemas.openid.net/event/backchannel-logout": {} };
    const good = () => {
        const now = Math.floor(Date.now() / 1000);
        const who = { sub: "1", sid: "a-session" };
        const jti = `${Math.random()}`;
        return { iss: liar.issuer, aud: "doppel", iat: now, exp: now + 120, jti, events, ...who };
    };
    const tell = (token, more = {}) =>
        d.send(
            "POST",
            `${AUTH}/liar/backchannel-logout`,
            new URLSearchParams({ logout_token: token, ...more }).toString(),
            "application/x-www-form-urlencoded",
        );
    const sign = (change, header = { typ: "logout+jwt" }) =>
        liar.sign({ ...good(), ...change }, liar, liar.keys[0], header);
    const old = Math.floor(Date.now() / 1000) - 1000;
    const stranger = await jose.generateKeyPair("RS256");
    const rows = {
        nothing: ["oidc-logout", ""],
        "no token": ["jwt-malformed", "x.y.z"],
        "alg none": ["jwt-algorithm", liar.raw({ alg: "none" }, good())],
        "a stranger's": [
            "jwt-signature",
            await liar.sign(good(), liar, { ...liar.keys[0], privateKey: stranger.privateKey }),
        ],
        "of another issuer": ["jwt-issuer", await sign({ iss: "https://evil.example" })],
        "for somebody else": ["jwt-audience", await sign({ aud: "another" })],
        expired: ["jwt-expired", await sign({ exp: old + 10, iat: old })],
        "kept for long": ["jwt-expired", await sign({ iat: old })],
        "without an end": ["jwt-claims", await sign({ exp: undefined })],
        "an ID token": ["oidc-logout", await sign({ events: undefined, nonce: "x" }, {})],
        "with a nonce": ["oidc-logout", await sign({ nonce: "x" })],
        "of another event": ["oidc-logout", await sign({ events: { x: {} } })],
        "an event that is no object": [
            "oidc-logout",
            await sign({ events: { [Object.keys(events)[0]]: 1 } }),
        ],
        "of another type": ["oidc-logout", await sign({}, { typ: "at+jwt" })],
        "without a jti": ["oidc-logout", await sign({ jti: undefined })],
        "about nobody": ["oidc-logout", await sign({ sub: undefined, sid: undefined })],
    };
    for (const [name, [code, token]] of Object.entries(rows))
        await t.test(name, async () => {
            const r = await tell(token);
            assert.equal(r.status, 400, r.text);
            assert.deepEqual(r.body, { error: "invalid_request", error_description: code });
            assert.equal(await signedIn(), true);
        });
    await t.test("about others", async () => {
        assert.equal((await tell(await sign({ sub: "2", sid: undefined }))).status, 200);
        assert.equal((await tell(await sign({ sid: "another" }))).status, 200);
        assert.equal(await signedIn(), true);
    });
    await t.test("a good one, once", async () => {
        const token = await sign({ sub: undefined });
        assert.equal((await tell(token)).status, 200);
        assert.equal(await signedIn(), false);
        assert.equal((await tell(token)).body.error_description, "oidc-replayed");
    });
});

test("then leads nowhere else", async (t) => {
    const { d } = await both(t);
    const bad = [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/%09/evil.example",
        "/%0a/evil.example",
        "javascript:alert(1)",
        "%2f%2fevil.example",
        "/a%0d%0aSet-Cookie:x=y",
        "twins",
        "///evil.example",
        "/%5cevil.example",
        "%20//evil.example",
    ];
    for (const then of bad) {
        const r = await d.get(`${AUTH}/liar/start?then=${then}`, { redirect: "manual" });
        assert.equal(r.status, 400, `${then}: ${r.status} ${r.headers.get("location")}`);
        /* a backslash is in no address, and goes no further than the parser */
        if (!/cannot be read/.test(r.text))
            assert.equal(r.body.code, "oidc-then", `${then}: ${r.text}`);
    }
});

test("the server goes to no address that is not public", async (t) => {
    const settings = { name: "Inside", clientId: "doppel", create: true };
    const inside = await listen(t, (_req, res) => res.end("secret"));
    const port = new URL(inside).port;
    const hosts = [
        "127.0.0.1",
        "localhost",
        "0.0.0.0",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "2130706433",
        "0x7f.1",
        "169.254.169.254",
        "10.0.0.1",
        "192.168.0.1",
        "172.16.0.1",
        "100.64.0.1",
        "[fe80::1]",
        "[fd00:ec2::254]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::1]",
        "224.0.0.1",
        "168.63.129.16",
    ];
    const issuers = hosts.flatMap((h) => [`http://${h}:${port}`, `https://${h}:${port}`]);
    const file = providersFile(
        t,
        issuers.slice(0, 32).map((issuer, i) => ({ ...settings, id: `p${i}`, issuer })),
    );
    const d = await start(t, { access: "locked", args: ["--identity-providers", file] });
    for (let i = 0; i < 32; i++) {
        const r = await d.get(`${AUTH}/p${i}/start`, { redirect: "manual" });
        assert.equal(r.body.code, "oidc-unreachable", issuers[i]);
    }
    assert.equal(d.log.match(/--allow-private-fetch/g).length, 32, d.log);

    await t.test("nor where an allowed one leads it", async (t) => {
        const places = [
            `http://0.0.0.0:${port}/`,
            "http://169.254.169.254/",
            "file:///etc/passwd",
            `http://[::1]:${port}/`,
            `gopher://127.0.0.1:${port}/`,
        ];
        const { liars, d } = await many(t, 3 * places.length);
        for (const to of places) {
            const nowhere = /^(file|gopher)/.test(to) ? "oidc-metadata" : "oidc-unreachable";
            const lies = {
                redirect: [() => ({ redirect: to }), "oidc-unreachable"],
                jwks: [(m) => ({ ...m, jwks_uri: to }), nowhere],
                token: [(m) => ({ ...m, token_endpoint: to }), nowhere],
            };
            for (const [metadata, code] of Object.values(lies)) {
                const liar = liars.pop();
                liar.lie = { metadata };
                await refused(d, code, 502, liar.settings.id);
            }
        }
    });
});

/* identity.mjs - identity providers for tests, in this process, and a browser that keeps cookies.
 *
 *   const idp = await realProvider(t, accounts);    npm oidc-provider: certified, honest
 *   const liar = await lyingProvider(t);            says what the test wants it to
 *   const b = new Browser(); await b.go(url)        follows redirects from server to server */

import { createServer } from "node:http";
import * as jose from "jose";
import Provider from "oidc-provider";

export async function listen(t, handler) {
    const server = createServer((req, res) => handler(req, res));
    await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
    t.after(() => {
        server.closeAllConnections();
        server.close();
    });
    return `http://127.0.0.1:${server.address().port}`;
}

/* Cookies by origin, as a browser would hold them; SameSite is looked at where it matters here: what
 * is Strict does not go along when another site has sent the browser. */
export class Browser {
    constructor() {
        this.jar = new Map();
    }

    cookie(url, name) {
        return this.jar.get(new URL(url).host)?.get(name);
    }

    /* One that came to it in another way. */
    put(url, name, value, strict) {
        const host = new URL(url).host;
        if (!this.jar.has(host)) this.jar.set(host, new Map());
        this.jar.get(host).set(name, { value, strict, path: "/", line: "" });
    }

    #keep(url, response) {
        const host = new URL(url).host;
        if (!this.jar.has(host)) this.jar.set(host, new Map());
        for (const line of response.headers.getSetCookie()) {
            const [pair, ...attributes] = line.split(/; */);
            const at = pair.indexOf("=");
            const flags = attributes.map((a) => a.toLowerCase());
            const name = pair.slice(0, at);
            if (flags.includes("max-age=0") || /^expires=thu, 01 jan 1970/.test(flags.join()))
                this.jar.get(host).delete(name);
            else
                this.jar.get(host).set(name, {
                    value: pair.slice(at + 1),
                    strict: flags.includes("samesite=strict"),
                    path: attributes.find((a) => /^path=/i.test(a))?.slice(5) ?? "/",
                    line,
                });
        }
    }

    async once(url, { from, ...options } = {}) {
        const to = new URL(url);
        const foreign = from && new URL(from).host !== to.host;
        const cookies = [...(this.jar.get(to.host) ?? [])]
            .filter(([, c]) => !(foreign && c.strict) && to.pathname.startsWith(c.path))
            .map(([name, c]) => `${name}=${c.value}`)
            .join("; ");
        const r = await fetch(url, {
            redirect: "manual",
            ...options,
            headers: {
                accept: "text/html,*/*",
                ...(cookies ? { cookie: cookies } : {}),
                ...options.headers,
            },
        });
        this.#keep(url, r);
        const text = await r.text();
        return {
            url,
            status: r.status,
            headers: r.headers,
            text,
            location: r.headers.get("location"),
        };
    }

    /* Follow redirects until there is a page, or until(url) says that it is far enough. */
    async go(url, options = {}, until = () => false) {
        let r = await this.once(url, options);
        let from = options.from;
        for (let hops = 0; r.location && hops < 20; hops++) {
            const next = new URL(r.location, r.url).href;
            if (until(next)) return { ...r, next };
            from = from ?? (new URL(next).host === new URL(r.url).host ? undefined : r.url);
            r = await this.once(next, { from });
        }
        return r;
    }

    submit(url, fields, until) {
        return this.go(
            url,
            {
                method: "POST",
                headers: {
                    "content-type": "application/x-www-form-urlencoded",
                    origin: new URL(url).origin,
                },
                body: new URLSearchParams(fields).toString(),
            },
            until,
        );
    }
}

/* ---- an honest one ---- */

/* accounts: {login: claims}.  It is ready once open(doppel's address) was called, since it has to
 * know where its client is. */
export async function realProvider(t, accounts, more = {}) {
    const idp = { provider: null, accounts };
    idp.issuer = await listen(t, (req, res) => idp.provider.callback()(req, res));
    if (more.host) idp.issuer = idp.issuer.replace("127.0.0.1", more.host);
    idp.settings = {
        id: "real",
        name: "A real one",
        issuer: idp.issuer,
        clientId: "doppel",
        clientSecret: "a secret: with / and %",
        scopes: "openid email profile groups",
        groupsClaim: "groups",
    };
    idp.open = (base) => {
        const back = `${base}/api/v1/auth/oidc/real`;
        idp.provider = new Provider(idp.issuer, {
            clients: [
                {
                    client_id: idp.settings.clientId,
                    client_secret: idp.settings.clientSecret,
                    redirect_uris: [`${back}/callback`],
                    post_logout_redirect_uris: [`${base}/`],
                    backchannel_logout_uri: `${back}/backchannel-logout`,
                    backchannel_logout_session_required: true,
                    ...more.client,
                },
            ],
            claims: {
                openid: ["sub"],
                email: ["email", "email_verified"],
                profile: ["name"],
                groups: ["groups"],
            },
            features: {
                devInteractions: { enabled: true },
                rpInitiatedLogout: { enabled: true },
                backchannelLogout: { enabled: true },
            },
            cookies: { keys: ["of a test"] },
            /* without its own guard, which keeps it from loopback */
            fetch: (url, { dispatcher: _guard, ...options }) => fetch(url, options),
            findAccount: (_ctx, id) => ({
                accountId: id,
                claims: () => ({ sub: id, ...accounts[id] }),
            }),
            ...more.config,
        });
        idp.errors = [];
        for (const event of ["server_error", "backchannel.error"])
            idp.provider.on(event, (...args) =>
                idp.errors.push(args.find((a) => a instanceof Error)),
            );
    };
    /* From a page of it to where it sends the browser in the end. */
    idp.signIn = async (browser, page, login) => {
        for (let n = 0; n < 4 && /\/interaction\//.test(page.url); n++) {
            if (!/<form/.test(page.text))
                throw new Error(`${page.status} ${page.url}: ${page.text}`);
            const action = /<form[^>]*action="([^"]+)"/.exec(page.text)[1];
            const prompt = /name="prompt" value="([^"]+)"/.exec(page.text)[1];
            const fields = prompt === "login" ? { prompt, login, password: "x" } : { prompt };
            page = await browser.submit(new URL(action, page.url).href, fields);
        }
        return page;
    };
    return idp;
}

/* ---- one that lies ---- */

const b64 = (v) => Buffer.from(typeof v === "string" ? v : JSON.stringify(v)).toString("base64url");

/* Each answer can be changed: lie.metadata(m), lie.claims(c), lie.token(answer), lie.callback(params),
 * lie.jwks(set), lie.sign(claims, liar) instead of the proper signature. */
export async function lyingProvider(t, id = "liar") {
    const liar = { asked: [], lie: {}, keys: [], made: 0, nonces: new Map() };
    const answers = {
        "/.well-known/openid-configuration": () => liar.lie.metadata?.(metadata()) ?? metadata(),
        "/jwks": () => {
            const set = { keys: liar.keys.map((k) => k.jwk) };
            return liar.lie.jwks?.(set) ?? set;
        },
        "/userinfo": () => liar.lie.userinfo?.() ?? { sub: "1" },
        "/token": async (body) => {
            liar.nonce = liar.nonces.get(new URLSearchParams(body).get("code"));
            const claims = liar.lie.claims?.(goodClaims()) ?? goodClaims();
            const answer = {
                access_token: "an-access-token",
                token_type: "Bearer",
                id_token: await (liar.lie.sign ?? liar.sign)(claims, liar),
            };
            return liar.lie.token?.(answer) ?? answer;
        },
    };
    const metadata = () => ({
        issuer: liar.issuer,
        authorization_endpoint: `${liar.issuer}/authorize`,
        token_endpoint: `${liar.issuer}/token`,
        jwks_uri: `${liar.issuer}/jwks`,
        userinfo_endpoint: `${liar.issuer}/userinfo`,
        id_token_signing_alg_values_supported: ["RS256", "ES256", "EdDSA"],
        response_types_supported: ["code"],
    });
    const goodClaims = () => {
        const now = Math.floor(Date.now() / 1000);
        return {
            iss: liar.issuer,
            aud: "doppel",
            sub: "1",
            email: "eve@example.org",
            email_verified: true,
            nonce: liar.nonce,
            iat: now,
            exp: now + 300,
        };
    };
    liar.newKey = async (alg = "RS256") => {
        const pair = await jose.generateKeyPair(alg, { extractable: true });
        const kid = `${alg}-${liar.made++}`;
        const jwk = { ...(await jose.exportJWK(pair.publicKey)), kid, alg, use: "sig" };
        const key = { alg, kid, jwk, privateKey: pair.privateKey };
        liar.keys.push(key);
        return key;
    };
    liar.sign = (claims, _liar, key = liar.keys.at(-1), header = {}) =>
        new jose.SignJWT(claims)
            .setProtectedHeader({ alg: key.alg, kid: key.kid, ...header })
            .sign(key.privateKey);
    liar.raw = (header, claims, signature = "") => `${b64(header)}.${b64(claims)}.${signature}`;
    liar.issuer = await listen(t, async (req, res) => {
        const url = new URL(req.url, liar.issuer);
        let body = "";
        for await (const chunk of req) body += chunk;
        liar.asked.push({
            path: url.pathname,
            query: url.searchParams,
            body,
            headers: req.headers,
        });
        if (url.pathname === "/authorize") {
            const code = `code-${liar.nonces.size}`;
            liar.nonces.set(code, url.searchParams.get("nonce"));
            const params = { code, state: url.searchParams.get("state") };
            const back = new URL(url.searchParams.get("redirect_uri"));
            for (const [k, v] of Object.entries(liar.lie.callback?.(params) ?? params))
                back.searchParams.set(k, v);
            res.writeHead(302, { location: back.href }).end();
            return;
        }
        const answer = await answers[url.pathname]?.(body);
        if (answer?.redirect) res.writeHead(302, { location: answer.redirect }).end();
        else if (typeof answer === "string") res.writeHead(200).end(answer);
        else if (answer)
            res.writeHead(answer.error ? 400 : 200, { "content-type": "application/json" }).end(
                JSON.stringify(answer),
            );
        else res.writeHead(404).end();
    });
    liar.settings = {
        id,
        name: "A liar",
        issuer: liar.issuer,
        clientId: "doppel",
        create: true,
    };
    await liar.newKey();
    return liar;
}

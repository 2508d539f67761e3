/* What people try at a door: in every parameter of every path, with every changing route, as somebody who
 * is signed in and with the browser of somebody who is.  Attacks that belong to one part stand beside it:
 * smuggled, slow and packed requests in edge-http, tokens of others in oidc, topics in mqtt-access. */

import assert from "node:assert/strict";
import { connect } from "node:net";
import { test } from "node:test";
import { Client, shared } from "../lib/doppel.mjs";
import { administrator } from "../lib/people.mjs";
import { twin } from "../lib/profiles.mjs";

let ada;
let operations = [];
const d = shared({ access: "locked" }, async (server) => {
    ada = await administrator(server);
    await ada.must("POST", "/api/v1/twins", twin("pump-1", ["temp-1"]));
    const document = (await server.get("/api/v1/openapi.json")).body;
    operations = Object.entries(document.paths).flatMap(([path, methods]) =>
        Object.entries(methods).map(([method, o]) => ({
            method: method.toUpperCase(),
            path,
            ...o,
        })),
    );
});

/* The bytes of an answer to exactly these bytes: fetch would tidy a path up. */
function raw(text) {
    return new Promise((resolve, reject) => {
        const [host, port] = d.http.split(":");
        const socket = connect(Number(port), host, () => socket.end(text));
        let answer = "";
        socket.setEncoding("latin1").on("data", (c) => {
            answer += c;
        });
        socket.on("end", () => resolve(answer));
        socket.on("error", reject);
    });
}

const cookie = () => [...ada.cookies].map(([k, v]) => `${k}=${v}`).join("; ");
const changes = (o) => o.method !== "GET";

function request(o, path, { origin = d.url, headers = "", body = "{}" } = {}) {
    const own = origin ? `Origin: ${origin}\r\n` : "";
    const sent = changes(o) ? body : "";
    return raw(
        `${o.method} ${path} HTTP/1.1\r\nHost: ${d.http}\r\nConnection: close\r\nCookie: ${cookie()}\r\n` +
            `${own}${headers}Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(sent)}` +
            `\r\n\r\n${sent}`,
    );
}

const statusOf = (answer) => Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1]);

const PARTS = [
    "..%2f..%2f..%2fetc%2fpasswd",
    "%2e%2e%2f%2e%2e%2fsecret.key",
    "..\\..\\catalog.db",
    "....//....//etc/passwd",
    "%00",
    "a%0d%0aSet-Cookie:%20x=1",
    "%0aX-Injected:1",
    "'%20OR%20'1'='1",
    "x';DROP%20TABLE%20record;--",
    '"%20UNION%20SELECT%20doc%20FROM%20record--',
    "%ff%fe",
    "%c0%ae%c0%ae",
    "<script>alert(1)</script>".replaceAll("/", "%2f"),
    "$%7B7*7%7D",
    "%25n%25s%25x",
    "a".repeat(5000),
];
test("no part of a path reaches a file, a statement or a header", async () => {
    const wrong = [];
    for (const o of operations.filter((x) => x.path.includes("{"))) {
        for (const part of PARTS) {
            const path = o.path.replace(/\{\w+\}/g, part);
            const answer = await request(o, path);
            const status = statusOf(answer);
            const head = answer.split("\r\n\r\n")[0];
            const bad =
                !(status >= 400 && status < 500) ||
                /root:x:0|doppel-key-v1|SQLite/.test(answer) ||
                /^(set-cookie: x|x-injected)/im.test(head);
            if (bad) wrong.push(`${o.method} ${path.slice(0, 120)}: ${answer.slice(0, 200)}`);
        }
    }
    assert.deepEqual(wrong, []);
    assert.equal((await d.get("/healthz")).status, 200);
    assert.equal((await ada.send("GET", "/api/v1/twins/pump-1")).status, 200);
});

test("no parameter of a query is more than text", async () => {
    const wrong = [];
    for (const o of operations.filter((x) => x.method === "GET" && x.parameters?.length)) {
        const path = o.path
            .replace("{id}", "pump-1")
            .replace("{sensor}", "temp-1")
            .replace("{org}", "home");
        if (path.includes("{") || o.operationId === "openStream") continue;
        for (const p of o.parameters.filter((x) => x.in === "query"))
            for (const part of PARTS) {
                const value = part
                    .replaceAll("<", "%3C")
                    .replaceAll('"', "%22")
                    .replaceAll("\\", "%5C");
                const answer = await request(
                    o,
                    `${path}?${p.name}=${value.replaceAll("'", "%27")}`,
                );
                const status = statusOf(answer);
                const head = answer.split("\r\n\r\n")[0];
                if (!(status < 500) || /^(set-cookie: x|x-injected)/im.test(head))
                    wrong.push(`${path}?${p.name}=${value.slice(0, 60)}: ${answer.slice(0, 200)}`);
                if (/text\/html/i.test(head) && answer.includes("<script>alert"))
                    wrong.push(`${path}?${p.name} is given back as a page`);
            }
    }
    assert.deepEqual(wrong, []);
});

test("another site's page changes nothing through the browser of who is signed in", async () => {
    const wrong = [];
    const origins = [
        "https://evil.example",
        "null",
        "http://127.0.0.1:1",
        `${d.url}.evil.example`,
        "",
    ];
    for (const o of operations.filter(changes)) {
        if (o["x-doppel-operation"] === "public") continue;
        const path = o.path.replace("{id}", "pump-1").replace(/\{\w+\}/g, "none");
        for (const origin of origins) {
            const status = statusOf(await request(o, path, { origin }));
            if (status !== 403) wrong.push(`${o.method} ${path} from "${origin}": ${status}`);
        }
    }
    assert.deepEqual(wrong, []);
    assert.equal((await ada.send("GET", "/api/v1/twins/pump-1")).status, 200);
});

test("a form of another site cannot sign its victim in as somebody else", async () => {
    const r = await d.fetch("/api/v1/session", {
        method: "POST",
        headers: { origin: "https://evil.example", "content-type": "text/plain" },
        body: JSON.stringify({ email: ada.email, password: "x" }),
    });
    assert.equal(r.status, 403);
    assert.equal(r.headers.getSetCookie().length, 0);
});

test("a session that somebody else chose is not the one that a sign-in gives", async () => {
    const chosen = "dop_ses_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    const c = new Client(d);
    c.cookies.set("doppel-session", chosen);
    const r = await c.post("/api/v1/session", {
        email: "ada@example.org",
        password: "a pump hums in hall three",
    });
    assert.equal(r.status, 201, r.text);
    assert.notEqual(c.cookies.get("doppel-session"), chosen);
    const old = new Client(d);
    old.cookies.set("doppel-session", chosen);
    assert.equal((await old.get("/api/v1/twins")).status, 401);
});

test("the page and every answer can be framed, sniffed and embedded by nobody else", async () => {
    for (const path of ["/", "/api/v1/session", "/nothing/here", "/api/v1/twins"]) {
        const r = await d.fetch(path);
        const csp = r.headers.get("content-security-policy") ?? "";
        assert.match(csp, /frame-ancestors 'self'/, path);
        assert.match(csp, /object-src 'none'/, path);
        assert.match(csp, /base-uri 'none'/, path);
        assert.doesNotMatch(csp, /script-src[^;]*'unsafe-(inline|eval)'/, path);
        assert.equal(r.headers.get("x-content-type-options"), "nosniff", path);
        assert.equal(r.headers.get("x-frame-options"), "SAMEORIGIN", path);
        assert.equal(r.headers.get("cross-origin-resource-policy"), "same-origin", path);
        assert.equal(r.headers.get("access-control-allow-origin"), null, path);
        assert.equal(r.headers.get("server"), null, path);
    }
});

test("a foreign name that points here reads nothing", async () => {
    for (const host of [
        "evil.example",
        "127.0.0.1.evil.example",
        "localhost.evil.example:80",
        "a@127.0.0.1",
    ]) {
        const answer = await raw(
            `GET /api/v1/session HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`,
        );
        assert.ok([400, 421].includes(statusOf(answer)), `${host}: ${answer.slice(0, 100)}`);
    }
    for (const host of [d.http, "localhost", "[::1]:80", "127.0.0.1"]) {
        const answer = await raw(
            `GET /api/v1/session HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`,
        );
        assert.equal(statusOf(answer), 200, host);
    }
});

test("what is sent beyond what is known is refused by name, and never kept", async () => {
    const tries = [
        ["PATCH", "/api/v1/account", { name: "Ada", installation: true }],
        ["PATCH", "/api/v1/account", { name: "Ada", emailVerified: true }],
        ["PATCH", "/api/v1/session", { organization: "home", role: "administrator" }],
        [
            "POST",
            "/api/v1/account/tokens",
            { name: "x", organization: "home", hash: "00", person: "p" },
        ],
        ["POST", "/api/v1/organizations", { id: "evil", name: "x", first: true }],
        ["PATCH", "/api/v1/organizations/home", { quotas: { twins: 0 } }],
    ];
    for (const [method, path, body] of tries) {
        const r = await ada.send(method, path, body);
        assert.ok(r.status >= 400 && r.status < 500, `${method} ${path}: ${r.status} ${r.text}`);
    }
    const me = (await ada.send("GET", "/api/v1/account")).body;
    assert.equal(me.name, "Ada Byron");
});

test("nobody learns from the answer whether an account exists", async () => {
    const c = new Client(d);
    const known = await c.signIn("ada@example.org", "certainly not it");
    const unknown = await c.signIn("nobody@example.org", "certainly not it");
    const strip = (r) => ({ ...r.body, detail: r.body.detail });
    assert.equal(known.status, unknown.status);
    assert.deepEqual(strip(known), strip(unknown));
});

test("tokens in an address are no tokens", async () => {
    const made = await ada.must("POST", "/api/v1/account/tokens", {
        name: "t",
        organization: "home",
    });
    assert.equal((await d.get(`/api/v1/twins?access_token=${made.token}`)).status, 401);
    assert.equal((await d.get(`/api/v1/twins?token=${made.token}`)).status, 401);
    const r = await d.withToken(made.token).get("/api/v1/twins");
    assert.equal(r.status, 200);
    assert.doesNotMatch(d.log, new RegExp(made.token));
});

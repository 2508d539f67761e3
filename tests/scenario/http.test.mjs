/* HTTP/1.1 and HTTP/2, compression, TLS, limits; with curl, nghttp and h2load. */

import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, statSync } from "node:fs";
import net from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import tls from "node:tls";
import { gunzipSync } from "node:zlib";
import { run, Server, shared, start, temporary } from "../lib/doppel.mjs";
import { twin } from "../lib/profiles.mjs";
import { Stream } from "../lib/streams.mjs";

let cert;
const d = shared(
    { args: ["--https", "127.0.0.1:0", "--mqtts", "127.0.0.1:0", "--tls-self-signed"] },
    async (server) => {
        await server.create(twin("h", ["a"]));
        const lines = Array.from({ length: 3000 }, (_, i) =>
            JSON.stringify({ sensor: "a", value: i, timestamp: 1700000000000 + i * 1000 }),
        );
        await server.post("/api/v1/twins/h/readings", lines.join("\n"), "application/x-ndjson");
        cert = join(server.data, "tls/ca.pem");
    },
);

const HISTORY = "/api/v1/twins/h/sensors/a/history?from=0&to=4102444800000";

test("curl over HTTP/1.1 and over HTTP/2 by prior knowledge says the same", async () => {
    const one = await run("curl", ["-sS", "--http1.1", "-w", "\n%{http_version}", d.url + HISTORY]);
    const two = await run("curl", [
        "-sS",
        "--http2-prior-knowledge",
        "-w",
        "\n%{http_version}",
        d.url + HISTORY,
    ]);
    assert.equal(one.code, 0, one.output);
    assert.equal(two.code, 0, two.output);
    assert.match(one.stdout, /\n1\.1$/);
    assert.match(two.stdout, /\n2$/);
    assert.equal(two.stdout.replace(/\n2$/, ""), one.stdout.replace(/\n1\.1$/, ""));
    assert.equal(JSON.parse(one.stdout.replace(/\n1\.1$/, "")).points.length, 3000);
});

test("a POST over HTTP/2", async () => {
    const r = await run("curl", [
        "-sS",
        "--http2-prior-knowledge",
        "-H",
        "content-type: application/json",
        "-d",
        '{"a":1}',
        `${d.url}/api/v1/twins/h/readings`,
    ]);
    assert.deepEqual(JSON.parse(r.stdout), { accepted: 1 });
});

test("nghttp: many requests on one connection, each answered with 200", async () => {
    const urls = Array.from({ length: 10 }, () => d.url + HISTORY);
    const r = await run("nghttp", ["-ns", ...urls, "-m", "3"]);
    assert.equal(r.code, 0, r.output);
    const rows = r.stdout.split("\n").filter((l) => / 200 /.test(l));
    assert.ok(rows.length >= 10, r.stdout);
});

test("h2load: 20,000 streams on four connections, no failure", async () => {
    const r = await run(
        "h2load",
        ["-n", "20000", "-c", "4", "-m", "32", `${d.url}/api/v1/twins/h/sensors/a`],
        { timeout: 120_000 },
    );
    assert.match(r.stdout, /20000 succeeded, 0 failed, 0 errored, 0 timeout/, r.output);
    assert.match(r.stdout, /status codes: 20000 2xx/);
});

test("h2load over TLS agrees on h2", async () => {
    const r = await run(
        "h2load",
        ["-n", "500", "-c", "2", "-m", "10", `https://${d.https}/api/v1/twins/h/sensors/a`],
        { timeout: 60_000 },
    );
    assert.match(r.stdout, /Application protocol: h2/);
    assert.match(r.stdout, /500 succeeded, 0 failed/, r.output);
});

for (const version of ["--http1.1", "--http2-prior-knowledge"])
    test(`compression when the client takes it (${version})`, async () => {
        const plain = await run("curl", ["-sS", version, d.url + HISTORY]);
        const packed = await run("curl", [
            "-sS",
            version,
            "-D",
            "-",
            "-o",
            "-",
            "-H",
            "accept-encoding: gzip",
            d.url + HISTORY,
        ]);
        const split = packed.stdoutBytes.indexOf("\r\n\r\n");
        const head = packed.stdoutBytes.subarray(0, split).toString();
        assert.match(head, /content-encoding: gzip/i);
        assert.match(head, /vary: .*accept-encoding/i);
        const body = packed.stdoutBytes.subarray(split + 4);
        assert.equal(gunzipSync(body).toString(), plain.stdout);
        assert.ok(
            body.length < plain.stdout.length / 2,
            `${body.length} of ${plain.stdout.length}`,
        );
        const none = await run("curl", [
            "-sS",
            version,
            "-D",
            "-",
            "-o",
            "/dev/null",
            "-H",
            "accept-encoding: gzip;q=0",
            d.url + HISTORY,
        ]);
        assert.doesNotMatch(none.stdout, /content-encoding/i);
    });

test("the certificate of one's own authority is good for localhost and 127.0.0.1, and verified", async () => {
    const port = d.https.split(":")[1];
    for (const host of ["localhost", "127.0.0.1"]) {
        const r = await run("curl", [
            "-sS",
            "--cacert",
            cert,
            `https://${host}:${port}/healthz`,
            "-w",
            " %{http_code} %{http_version}",
        ]);
        assert.equal(r.code, 0, r.output);
        assert.match(r.stdout, / 200 2$/);
    }
    const stranger = await run("curl", ["-sS", `https://localhost:${port}/healthz`]);
    assert.equal(stranger.code, 60, "curl does not trust it without --cacert");
    const one = await run("curl", [
        "-sS",
        "--http1.1",
        "--cacert",
        cert,
        `https://localhost:${port}/healthz`,
        "-w",
        " %{http_version}",
    ]);
    assert.match(one.stdout, / 1\.1$/);
});

test("the certificate is kept over a restart and its key is private", async () => {
    const fingerprint = async () => {
        const socket = tls.connect({
            host: "127.0.0.1",
            port: Number(d.https.split(":")[1]),
            rejectUnauthorized: false,
        });
        await new Promise((ok, no) => socket.once("secureConnect", ok).once("error", no));
        const f = socket.getPeerCertificate().fingerprint256;
        socket.destroy();
        return f;
    };
    const before = await fingerprint();
    await d.restart();
    assert.equal(await fingerprint(), before);
    const r = await run("grep", ["-rlZ", "PRIVATE KEY", d.data]);
    const keys = r.stdout.split("\0").filter(Boolean);
    assert.ok(keys.length >= 1, "the key is in the data directory");
    for (const k of keys) assert.equal(statSync(k).mode & 0o77, 0, `${k} can be read by others`);
});

test("TLS 1.2 and 1.3 only", async () => {
    const port = d.https.split(":")[1];
    const old = await run("openssl", [
        "s_client",
        "-connect",
        `127.0.0.1:${port}`,
        "-tls1_1",
        "-cipher",
        "ALL@SECLEVEL=0",
    ]);
    assert.notEqual(old.code, 0);
    for (const v of ["-tls1_2", "-tls1_3"]) {
        const r = await run("openssl", ["s_client", "-connect", `127.0.0.1:${port}`, v]);
        assert.equal(r.code, 0, r.output);
    }
});

test("a certificate of one's own", async (t) => {
    const dir = temporary(t);
    const made = await run("openssl", [
        ...[
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "2",
        ],
        ...["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"],
        ...["-keyout", join(dir, "key.pem"), "-out", join(dir, "cert.pem")],
    ]);
    assert.equal(made.code, 0, made.output);
    const args = [
        "--https",
        "127.0.0.1:0",
        "--tls-cert",
        join(dir, "cert.pem"),
        "--tls-key",
        join(dir, "key.pem"),
    ];
    const own = await start(t, { args });
    const r = await run("curl", [
        "-sS",
        "--cacert",
        join(dir, "cert.pem"),
        `${own.tlsUrl}/healthz`,
    ]);
    assert.equal(r.code, 0, r.output);
});

test("MQTT over TLS with mosquitto_pub --cafile", async () => {
    const [host, port] = d.mqtts.split(":");
    const args = (v) => [
        "-h",
        host,
        "-p",
        port,
        "--cafile",
        cert,
        "-V",
        v,
        "-q",
        "1",
        "-t",
        "twins/h/sensors/a",
    ];
    for (const [i, v] of ["mqttv311", "mqttv5"].entries()) {
        const r = await run("mosquitto_pub", [...args(v), "-m", String(7000 + i)]);
        assert.equal(r.code, 0, r.output);
        assert.equal((await d.get("/api/v1/twins/h/sensors/a")).body.value, 7000 + i);
    }
    const stranger = await run("mosquitto_pub", [
        "-h",
        host,
        "-p",
        port,
        "--cafile",
        "/etc/ssl/certs/ca-certificates.crt",
        "-t",
        "x",
        "-m",
        "1",
    ]);
    assert.notEqual(stranger.code, 0);
});

test("the stream over TLS", async (t) => {
    const s = await Stream.open(t, d, {
        url: `wss://${d.https}/api/v1/stream`,
        ca: readFileSync(cert),
    });
    assert.equal((await s.ask({ subscribe: [{ twin: "h" }], id: 1 })).subscribed, 1);
});

/* Bytes as they are, and what comes back until the peer closes or nothing comes for a while. */
function talk(bytes, { quiet = 500 } = {}) {
    return new Promise((resolve, reject) => {
        const [host, port] = d.http.split(":");
        const socket = net.connect(Number(port), host, () => socket.write(bytes));
        let said = "";
        socket.setTimeout(quiet, () => socket.destroy());
        socket.on("data", (x) => {
            said += x;
        });
        socket.on("error", reject);
        socket.on("close", () => resolve(said));
    });
}

test("requests that came together are answered in order (pipelining)", async () => {
    const one = (p) => `GET ${p} HTTP/1.1\r\nHost: ${d.http}\r\n\r\n`;
    const said = await talk(one("/healthz") + one("/api/v1/nowhere") + one("/readyz"));
    const codes = [...said.matchAll(/HTTP\/1\.1 (\d+)/g)].map((m) => m[1]);
    assert.deepEqual(codes, ["200", "404", "200"]);
});

test("what is no HTTP is refused with 400 and closed", async () => {
    for (const bytes of [
        "hello\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n",
        "GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    ])
        assert.match(await talk(bytes), /^HTTP\/1\.1 (400|505)/, bytes);
});

test("headers over the limit are 431", async () => {
    const said = await talk(
        `GET / HTTP/1.1\r\nHost: ${d.http}\r\nX-Long: ${"x".repeat(200_000)}\r\n\r\n`,
    ).catch((e) => e.code);
    assert.match(said, /^HTTP\/1\.1 431|ECONNRESET|EPIPE/);
});

test("Expect: 100-continue is answered before the body", async () => {
    const r = await run("curl", [
        "-sS",
        "-i",
        "-H",
        "Expect: 100-continue",
        "-H",
        "content-type: application/json",
        "-d",
        '{"a":2}',
        `${d.url}/api/v1/twins/h/readings`,
    ]);
    assert.match(r.stdout, /^HTTP\/1\.1 100/);
    assert.match(r.stdout, /\{"accepted":1\}/);
});

test("answers carry the headers that protect a browser", async () => {
    const r = await d.get("/");
    assert.match(r.headers.get("content-security-policy") ?? "", /default-src 'self'/);
    assert.equal(r.headers.get("x-content-type-options"), "nosniff");
});

test("the page's files: found, cached, compressed; its own paths fall back to it", async () => {
    const page = await d.get("/");
    assert.equal(page.status, 200);
    assert.match(page.type, /text\/html/);
    for (const path of ["/connect", "/twins/h"]) assert.equal((await d.get(path)).text, page.text);
    const [, script] = /<script[^>]+src="(\/assets\/[^"]+\.js)"/.exec(page.text);
    const asset = await d.fetch(script);
    assert.equal(asset.status, 200);
    assert.match(asset.headers.get("content-type"), /javascript/);
    assert.match(asset.headers.get("cache-control") ?? "", /immutable|max-age=\d{5,}/);
    assert.equal((await d.get("/assets/none.js")).status, 404);
    for (const path of [
        "/../../etc/passwd",
        "/assets/..%2f..%2f..%2fetc%2fpasswd",
        "/%2e%2e/%2e%2e/etc/passwd",
    ]) {
        const r = await run("curl", ["-sS", "--path-as-is", d.url + path]);
        assert.doesNotMatch(r.stdout, /root:/);
    }
});

test("a file's validator is of its bytes: compressed it has another, and both are understood", async () => {
    const ask = async (headers) => {
        const h = Object.entries(headers).flatMap(([k, v]) => ["-H", `${k}: ${v}`]);
        const r = await run("curl", ["-sS", "-D", "-", "-o", "/dev/null", ...h, d.url]);
        const etag = /^etag: (.*?)\r$/im.exec(r.stdout)?.[1];
        return { status: Number(r.stdout.split(" ")[1]), etag, text: r.stdout };
    };
    const plain = await ask({ "accept-encoding": "identity" });
    const packed = await ask({ "accept-encoding": "gzip;q=0.5, identity;q=0.1" });
    assert.doesNotMatch(plain.text, /content-encoding/i);
    assert.match(packed.text, /content-encoding: gzip/i);
    assert.match(plain.etag, /^"[^"]+"$/);
    assert.equal(packed.etag, `${plain.etag.slice(0, -1)}-gzip"`);
    for (const { etag } of [plain, packed]) {
        const same = await ask({ "if-none-match": etag, "accept-encoding": "gzip" });
        assert.equal(same.status, 304);
        assert.equal(same.etag, etag, "the one that the client has");
    }
    assert.equal((await ask({ "if-none-match": '"other-gzip"' })).status, 200);
});

test("a listener beyond loopback is refused, and started when the risk is named", async (t) => {
    const s = new Server({ data: temporary(t), http: "0.0.0.0:0" });
    t.after(() => s.kill());
    await assert.rejects(s.start(), /insecure-listen/);
    const named = await start(t, { http: "0.0.0.0:0", args: ["--insecure-listen"] });
    assert.match(named.http, /^0\.0\.0\.0:\d+$/);
});

test("two servers do not share a data directory", async (t) => {
    const second = new Server({ data: d.data });
    t.after(() => second.kill());
    await assert.rejects(second.start(), /ended with/);
    assert.equal((await d.get("/healthz")).status, 200);
    t.diagnostic(second.log.trim().split("\n").at(-1) ?? "");
});

test("an empty directory is a complete system", async (t) => {
    const data = join(temporary(t), "made", "for", "it");
    assert.equal(existsSync(data), false);
    mkdirSync(join(data, ".."), { recursive: true });
    const fresh = await start(t, { data });
    assert.equal((await fresh.get("/readyz")).status, 200);
    assert.equal((await fresh.get("/api/v1/twins")).body.total, 0);
});

/* TLS as users and devices meet it: certificates that are made, replaced and asked for; with openssl,
 * curl, mosquitto_pub, node's tls and npm mqtt. */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, existsSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import tls from "node:tls";
import { BIN, doppel, run, Server, start, temporary, until } from "../lib/doppel.mjs";
import { twin } from "../lib/profiles.mjs";
import { SANITIZER_ENV, sanitizerPrefix } from "../lib/spawned.mjs";
import { connectMqtt, publishMqtt, Stream } from "../lib/streams.mjs";
import { within } from "../lib/wait.mjs";

const OWN = ["--https", "127.0.0.1:0", "--mqtts", "127.0.0.1:0", "--tls-self-signed"];
const port = (address) => address.split(":").at(-1);
const text = (file) => readFileSync(file, "utf8");
const mode = (file) => statSync(file).mode & 0o777;

async function ok(args, options) {
    const r = await doppel(args, options);
    assert.equal(r.code, 0, r.output);
    return r.stdout;
}

async function refused(args, code, why, options) {
    const r = await doppel(args, options);
    assert.equal(r.code, code, r.output);
    assert.match(r.stderr, why);
}

async function openssl(...args) {
    const r = await run("openssl", args);
    assert.equal(r.code, 0, r.output);
    return r.stdout;
}

/* A handshake by node: the socket, or the error's code when it fails or is ended by an alert. */
async function handshake(address, options) {
    const socket = tls.connect({ host: "127.0.0.1", port: port(address), ...options });
    const end = new Promise((resolve) => {
        socket.once("error", (e) => resolve(e.code ?? e.message));
        socket.once("close", () => resolve("closed"));
    });
    const begun = once(socket, "secureConnect").then(
        () => socket,
        () => end,
    );
    return { socket, end, result: await within("the handshake", begun) };
}

async function fingerprint(address, ca) {
    const { socket, result } = await handshake(address, {
        ca: readFileSync(ca),
        servername: "localhost",
    });
    assert.equal(result, socket, `handshake: ${result}`);
    const print = socket.getPeerCertificate().fingerprint256;
    socket.destroy();
    return print;
}

/* ---- doppel tls init ---- */

test("tls init: a certificate that curl, node and openssl take once the authority is trusted", async (t) => {
    const data = temporary(t);
    const said = await ok(["tls", "init", "--data", data, "--name", "twins.lan"]);
    assert.match(said, /twins\.lan/);
    assert.match(said, /update-ca-certificates/);
    const ca = join(data, "tls/ca.pem");
    const cert = join(data, "tls/cert.pem");
    for (const f of ["key.pem", "ca-key.pem"]) assert.equal(mode(join(data, "tls", f)), 0o600);
    await openssl("verify", "-x509_strict", "-CAfile", ca, cert);
    for (const host of ["twins.lan", "localhost"])
        await openssl("verify", "-CAfile", ca, "-verify_hostname", host, cert);
    for (const ip of ["127.0.0.1", "::1"])
        await openssl("verify", "-CAfile", ca, "-verify_ip", ip, cert);

    const d = await start(t, { data, args: OWN });
    for (const host of ["localhost", "127.0.0.1"]) {
        const r = await run("curl", [
            "-sS",
            "--cacert",
            ca,
            `https://${host}:${port(d.https)}/healthz`,
        ]);
        assert.equal(r.code, 0, r.output);
    }
    const old = ["-sS", "--http1.0", "--cacert", ca, `https://localhost:${port(d.https)}/healthz`];
    assert.equal((await run("curl", old)).code, 0, "an old client's http/1.0 by ALPN");
    const odd = { ca: readFileSync(ca), servername: "localhost", ALPNProtocols: ["x-none"] };
    for (const address of [d.https, d.mqtts])
        assert.match((await handshake(address, odd)).result, /NO_APPLICATION_PROTOCOL/);
    const named = ["--resolve", `twins.lan:${port(d.https)}:127.0.0.1`];
    const url = `https://twins.lan:${port(d.https)}/healthz`;
    assert.equal((await run("curl", ["-sS", "--cacert", ca, ...named, url])).code, 0);
    await fingerprint(d.mqtts, ca);
});

test("tls init overwrites nothing, keeps its authority, and that keeps to its names", async (t) => {
    const data = temporary(t);
    const init = (...more) => ["tls", "init", "--data", data, ...more];
    await ok(init());
    const first = text(join(data, "tls/cert.pem"));
    const authority = text(join(data, "tls/ca.pem"));
    await refused(init(), 2, /there is a certificate already.*--force/);
    await refused(init("--new-ca"), 2, /there is a certificate already/);
    await refused(init("--force", "--name", "a b"), 2, /"a b" is no name of a host/);
    await refused(init("--force", "--name", "bank.example"), 1, /may not issue.*--new-ca/);
    assert.equal(text(join(data, "tls/cert.pem")), first);
    const made = JSON.parse(await ok(init("--force", "--json", "--name", "shop.lan")));
    assert.notEqual(text(join(data, "tls/cert.pem")), first);
    assert.equal(text(join(data, "tls/ca.pem")), authority);
    assert.equal(made.authorityIsNew, false);
    assert.ok(made.names.includes("shop.lan") && made.names.includes("localhost"));
    const other = JSON.parse(
        await ok(
            init("--force", "--new-ca", "--json", "--name", "bank.example", "--name", "192.0.2.9"),
        ),
    );
    assert.equal(other.authorityIsNew, true);
    assert.notEqual(text(join(data, "tls/ca.pem")), authority);
    const ca = join(data, "tls/ca.pem");
    const cert = join(data, "tls/cert.pem");
    await openssl("verify", "-CAfile", ca, "-verify_hostname", "bank.example", cert);
    await openssl("verify", "-CAfile", ca, "-verify_ip", "192.0.2.9", cert);
});

test("a key that does not fit, as after a crash, is replaced at the start", async (t) => {
    const d = await start(t, { args: OWN });
    await d.stop();
    const key = join(d.data, "tls/key.pem");
    copyFileSync(join(d.data, "tls/ca-key.pem"), key);
    await d.start();
    await fingerprint(d.https, join(d.data, "tls/ca.pem"));
});

/* ---- replacing ---- */

/* A self-signed certificate for localhost, in the place of what the server has. */
async function replace(dir, name = "localhost", days = "2") {
    await openssl(
        ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"],
        ...["-days", days, "-subj", `/CN=${name}`, "-addext", `subjectAltName=DNS:${name}`],
        ...["-keyout", join(dir, "key.pem"), "-out", join(dir, "cert.pem")],
    );
}

const named = (dir) => ["--tls-cert", join(dir, "cert.pem"), "--tls-key", join(dir, "key.pem")];

test("a new certificate is for new connections, and the open ones go on", async (t) => {
    const dir = temporary(t);
    await replace(dir);
    const d = await start(t, { args: [...OWN.slice(0, 4), ...named(dir)] });
    await d.create(twin("w", ["a"]));
    const ca = readFileSync(join(dir, "cert.pem"));
    const before = await fingerprint(d.https, join(dir, "cert.pem"));
    const stream = await Stream.open(t, d, {
        url: `wss://localhost:${port(d.https)}/api/v1/stream`,
        ca,
    });
    const client = await connectMqtt(t, d, { url: `mqtts://localhost:${port(d.mqtts)}`, ca });
    await replace(dir);
    await until("the new certificate is shown", async () => {
        const now = await fingerprint(d.https, join(dir, "cert.pem")).catch(() => before);
        return now !== before && (await fingerprint(d.mqtts, join(dir, "cert.pem"))) === now;
    });
    assert.equal((await stream.ask({ subscribe: [{ twin: "w" }], id: 1 })).subscribed, 1);
    await client.publishAsync("twins/w/sensors/a", "1", { qos: 1 });
    assert.equal((await d.get("/api/v1/twins/w/sensors/a")).body.value, 1);
    assert.equal(d.log.match(/is good until|expires on/g).length, 2, d.log);
});

test("what cannot be used is told, once, and the old certificate stays", async (t) => {
    const dir = temporary(t);
    await replace(dir);
    const d = await start(t, { args: [...OWN.slice(0, 4), ...named(dir)] });
    const trusted = join(dir, "trusted.pem");
    copyFileSync(join(dir, "cert.pem"), trusted);
    const key = text(join(dir, "key.pem"));
    const before = await fingerprint(d.https, trusted);
    for (const [what, spoil] of [
        ["no certificate in it", () => writeFileSync(join(dir, "cert.pem"), "nonsense")],
        ["it is gone", () => rmSync(join(dir, "cert.pem"))],
        [
            "another's key",
            async () => {
                await replace(dir);
                writeFileSync(join(dir, "key.pem"), key);
            },
        ],
    ]) {
        const seen = d.log.length;
        await spoil();
        await until(`${what}: told`, () =>
            d.log.slice(seen).includes("what was loaded before stays"),
        );
        assert.equal(await fingerprint(d.https, trusted), before);
    }
    assert.equal(d.log.match(/what was loaded before stays/g).length, 3, d.log);
    await replace(dir);
    await until(
        "the good one is shown",
        async () => (await fingerprint(d.https, join(dir, "cert.pem")).catch(() => null)) !== null,
    );
});

test("SIGUSR1 loads again, and so does SIGHUP to a server without a terminal", async (t) => {
    const dir = temporary(t);
    const flags = ["--data", join(dir, "data"), "--http", "127.0.0.1:0", "--mqtt", "off"];
    const [command, ...rest] = [
        ...[...sanitizerPrefix(), BIN, "serve", ...flags],
        ...["--https", "127.0.0.1:0", "--tls-self-signed"],
    ];
    const child = spawn(command, rest, {
        detached: true /* a session of its own has no terminal */,
        env: { ...process.env, ...SANITIZER_ENV },
        stdio: ["ignore", "pipe", "pipe"],
    });
    t.after(() => child.kill("SIGKILL"));
    let log = "";
    for (const stream of [child.stdout, child.stderr])
        stream.setEncoding("utf8").on("data", (x) => {
            log += x;
        });
    const loads = () => log.match(/is good until/g)?.length ?? 0;
    await until("it listens", () => log.includes("listening "), { timeout: 30_000 });
    assert.equal(loads(), 1);
    for (const [i, signal] of ["SIGHUP", "SIGUSR1"].entries()) {
        child.kill(signal);
        await until(`${signal} loads`, () => loads() === i + 2);
    }
    child.kill("SIGTERM");
    const [code] = await within("its end", once(child, "exit"), 30_000);
    assert.equal(code, 0, log);
});

/* ---- certificates of devices ---- */

/* A server that takes certificates of its own authority, and that authority. */
async function withAuthority(t, more = []) {
    const data = temporary(t);
    await ok(["ca", "init", "--data", data]);
    const ca = join(data, "ca/ca.pem");
    const crl = join(data, "ca/crl.pem");
    const d = await start(t, {
        data,
        args: [...OWN, "--client-ca", ca, "--client-crl", crl, ...more],
    });
    await d.create(twin("pump-1", ["a"]));
    const out = temporary(t);
    const issue = async (id, ...args) =>
        JSON.parse(await ok(["ca", "issue", id, "--data", data, "--out", out, "--json", ...args]));
    const server = join(data, "tls/ca.pem");
    const files = (id) => ({
        ca: readFileSync(server),
        servername: "localhost",
        cert: readFileSync(join(out, `${id}.cert.pem`)),
        key: readFileSync(join(out, `${id}.key.pem`)),
    });
    const publish = (...args) =>
        run("mosquitto_pub", [
            ...["-h", "localhost", "-p", port(d.mqtts), "--cafile", server, "-q", "1"],
            ...["-t", "twins/pump-1/sensors/a", "-m", "7", ...args],
        ]);
    const pair = (id) => [
        "--cert",
        join(out, `${id}.cert.pem`),
        "--key",
        join(out, `${id}.key.pem`),
    ];
    return { d, data, out, issue, files, publish, pair, server, crl };
}

test("a device with a certificate sends, one whose certificate is revoked or expired does not", async (t) => {
    const { d, data, out, issue, files, publish, pair, server } = await withAuthority(t);
    const made = await issue("pump-1");
    assert.equal(mode(made.key), 0o600);
    await issue("pump-2", "--valid", "1s");
    const r = await publish(...pair("pump-1"));
    assert.equal(r.code, 0, r.output);
    assert.equal((await d.get("/api/v1/twins/pump-1/sensors/a")).body.value, 7);
    assert.equal((await publish()).code, 0, "nobody has to show one");
    const curl = (...more) =>
        run("curl", [
            "-sS",
            "--cacert",
            server,
            ...more,
            `https://localhost:${port(d.https)}/healthz`,
        ]);
    assert.equal((await curl(...pair("pump-1"))).code, 0);
    assert.equal((await curl()).code, 0);

    await until("pump-2's has expired", async () => (await publish(...pair("pump-2"))).code !== 0);
    const late = await handshake(d.https, { ...files("pump-2"), maxVersion: "TLSv1.2" });
    assert.match(late.result, /EXPIRED/);

    const client = await connectMqtt(t, d, {
        url: `mqtts://localhost:${port(d.mqtts)}`,
        ...files("pump-1"),
    });
    const browser = await handshake(d.https, { ...files("pump-1"), ALPNProtocols: ["http/1.1"] });
    const other = await handshake(d.https, { ca: readFileSync(server), servername: "localhost" });
    const ended = once(client, "disconnect");
    await ok(["ca", "revoke", "pump-1", "--data", data, "--reason", "key-compromise"]);
    const [packet] = await within("DISCONNECT", ended);
    assert.equal(packet.reasonCode, 0x87);
    assert.match(packet.properties.reasonString, /not trusted any more/);
    await within("the end of the other connection", browser.end);
    const again = await handshake(d.mqtts, { ...files("pump-1"), maxVersion: "TLSv1.2" });
    assert.match(again.result, /REVOKED/);
    assert.notEqual((await publish(...pair("pump-1"))).code, 0);
    await until("the log says why", () =>
        /its certificate was refused: certificate (revoked|has expired)/.test(d.log),
    );
    other.socket.write("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await within("an answer on the connection without one", once(other.socket, "data"));
    other.socket.destroy();

    rmSync(out, { recursive: true });
    await issue("pump-1");
    assert.equal((await publish(...pair("pump-1"))).code, 0, "the twin's next certificate is good");
});

test("a stranger's certificate is refused, one for servers too, with the alert that says so", async (t) => {
    const { d, data, files, issue, server } = await withAuthority(t);
    await issue("pump-1");
    const dir = temporary(t);
    await replace(dir, "pump-1");
    const stranger = {
        ...files("pump-1"),
        cert: readFileSync(join(dir, "cert.pem")),
        key: readFileSync(join(dir, "key.pem")),
    };
    const ours = {
        ...files("pump-1"),
        cert: readFileSync(join(data, "tls/cert.pem")),
        key: readFileSync(join(data, "tls/key.pem")),
    };
    for (const address of [d.https, d.mqtts])
        for (const maxVersion of ["TLSv1.2", "TLSv1.3"])
            for (const who of [stranger, ours]) {
                const { result, socket, end } = await handshake(address, { ...who, maxVersion });
                const code = result === socket ? await within("the alert", end) : result;
                assert.match(code, /UNKNOWN_CA/);
            }
    assert.ok(existsSync(server));
});

test("--require-client-cert: mqtts takes nobody without one, https does", async (t) => {
    const { d, issue, publish, pair, server } = await withAuthority(t, ["--require-client-cert"]);
    await issue("pump-1");
    assert.equal((await publish(...pair("pump-1"))).code, 0);
    assert.notEqual((await publish()).code, 0);
    const { result, socket, end } = await handshake(d.mqtts, {
        ca: readFileSync(server),
        servername: "localhost",
    });
    const code = result === socket ? await within("the alert", end) : result;
    assert.match(code, /CERTIFICATE_REQUIRED/);
    const r = await run("curl", [
        "-sS",
        "--cacert",
        server,
        `https://localhost:${port(d.https)}/healthz`,
    ]);
    assert.equal(r.code, 0, r.output);
});

test("a request by openssl: the key stays with the device", async (t) => {
    const { d, data, out, issue, publish } = await withAuthority(t);
    const dir = temporary(t);
    const key = join(dir, "key.pem");
    const csr = join(dir, "csr.pem");
    await openssl(
        ...["req", "-new", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=root/O=everything"],
        ...["-keyout", key, "-out", csr],
    );
    const made = await issue("pump-1", "--csr", csr, "--valid", "90d");
    assert.equal(made.key, undefined);
    assert.equal(existsSync(join(out, "pump-1.key.pem")), false);
    const about = await openssl("x509", "-in", made.certificate, "-noout", "-text");
    assert.match(about, /Subject: O = home, CN = pump-1/);
    assert.match(about, /URI:urn:doppel:twin:home:pump-1/);
    assert.match(about, /TLS Web Client Authentication/);
    const r = await publish("--cert", made.certificate, "--key", key);
    assert.equal(r.code, 0, r.output);
    const weak = join(dir, "weak.pem");
    await openssl(
        ...[
            "req",
            "-new",
            "-newkey",
            "rsa:1024",
            "-nodes",
            "-subj",
            "/CN=x",
            "-keyout",
            key,
            "-out",
            weak,
        ],
    );
    const to = temporary(t);
    await refused(
        ["ca", "issue", "pump-2", "--data", data, "--out", to, "--csr", weak],
        2,
        /RSA of 2048/,
    );
    await refused(
        ["ca", "issue", "pump-2", "--data", data, "--out", to, "--csr", key],
        2,
        /no certificate request/,
    );
    assert.equal(JSON.parse(await ok(["ca", "list", "--data", data, "--json"])).length, 1);
    assert.match(d.log, /listening|good until/);
});

test("locked, a certificate is who its twin's device is, over MQTT, WebSocket and HTTP", async (t) => {
    const { d, issue, files, publish, pair, server } = await withAuthority(t);
    await d.create(twin("pump-2", ["a"]));
    await issue("pump-1");
    await issue("elsewhere", "--org", "acme");
    await d.stop();
    d.options.access = "locked";
    await d.start();
    assert.equal((await publish(...pair("pump-1"))).code, 0, d.log);
    assert.notEqual((await publish()).code, 0, "nobody is nobody");
    assert.notEqual((await publish(...pair("acme~elsewhere"))).code, 0, "of no organisation here");
    const secure = files("pump-1");
    for (const url of [
        `mqtts://localhost:${port(d.mqtts)}`,
        `wss://localhost:${port(d.https)}/mqtt`,
    ]) {
        const client = await connectMqtt(t, d, { url, ...secure, wsOptions: secure });
        const own = await publishMqtt(client, "twins/pump-1/sensors/a", "8");
        assert.ok(!own.code, own.reason);
        const other = await publishMqtt(client, "twins/pump-2/sensors/a", "8");
        assert.ok(other.code >= 0x80, "another's twin");
    }
    const send = async (id, ...more) => {
        const at = `https://localhost:${port(d.https)}/api/v1/twins/${id}/readings`;
        const json = ["-H", "content-type: application/json", "-d", '{"a":9}'];
        const code = ["-o", "/dev/null", "-w", "%{http_code}"];
        return (await run("curl", ["-sS", "--cacert", server, ...code, ...json, ...more, at]))
            .stdout;
    };
    assert.equal(await send("pump-1", ...pair("pump-1")), "200");
    assert.match(await send("pump-2", ...pair("pump-1")), /^40[34]$/);
    assert.equal(await send("pump-1"), "401");
    const foreign = ["-H", "origin: https://evil.example"];
    assert.equal(await send("pump-1", ...pair("pump-1"), ...foreign), "403");
});

/* ---- doppel ca ---- */

test("ca: init, issue, list, revoke and crl say what they did, and what is wrong", async (t) => {
    const data = temporary(t);
    const out = temporary(t);
    const ca = (verb, ...args) => ["ca", verb, ...args, "--data", data];
    await refused(ca("list"), 4, /no authority.*doppel ca init/);
    await refused(ca("issue", "a"), 4, /no authority/);
    assert.match(
        await ok(ca("init", "--name", "Shop floor")),
        /--client-ca .*ca\.pem --client-crl/,
    );
    await refused(ca("init"), 2, /not overwritten/);
    await openssl(
        "verify",
        "-x509_strict",
        "-CAfile",
        join(data, "ca/ca.pem"),
        join(data, "ca/ca.pem"),
    );
    await ok(ca("issue", "pump-1", "--out", out));
    await refused(ca("issue", "pump-1", "--out", out), 2, /there already; --force/);
    await ok(ca("issue", "pump-1", "--out", out, "--force"));
    await ok(ca("issue", "pump-1", "--out", out, "--org", "acme"));
    assert.ok(existsSync(join(out, "acme~pump-1.key.pem")));
    await refused(ca("issue", "../x", "--out", out), 2, /cannot be a twin/);
    await refused(ca("issue", "x", "--org", "a:b", "--out", out), 2, /cannot be a twin/);
    await refused(ca("issue", "x", "--valid", "soon", "--out", out), 2, /--valid takes a time/);
    const list = async (...args) => JSON.parse(await ok(ca("list", "--json", ...args)));
    const [first, second, third] = await list();
    assert.deepEqual(
        [first, second, third].map((e) => [e.organization, e.twin, e.state]),
        [
            ["home", "pump-1", "good"],
            ["home", "pump-1", "good"],
            ["acme", "pump-1", "good"],
        ],
    );
    await ok(ca("revoke", "--serial", first.serial, "--reason", "superseded"));
    await refused(ca("revoke", "--serial", first.serial), 2, /revoked already/);
    await refused(ca("revoke", "--serial", "00ff"), 4, /no certificate was issued/);
    await refused(ca("revoke"), 2, /either a TWIN, or --serial/);
    await refused(
        ca("revoke", "pump-1", "--reason", "spite"),
        2,
        /there are unspecified key-compromise/,
    );
    await ok(ca("revoke", "pump-1"));
    await refused(ca("revoke", "pump-1"), 4, /no certificate that is good/);
    assert.deepEqual(
        (await list()).map((e) => e.organization),
        ["acme"],
    );
    assert.deepEqual(
        (await list("--all")).map((e) => e.state),
        ["revoked", "revoked", "good"],
    );
    await ok(ca("crl", "--valid", "7d"));
    const crl = await openssl(
        ...["crl", "-in", join(data, "ca/crl.pem"), "-noout", "-text"],
        ...["-CAfile", join(data, "ca/ca.pem")],
    );
    assert.ok(
        crl.includes(first.serial.toUpperCase()) && crl.includes(second.serial.toUpperCase()),
    );
    assert.match(crl, /Superseded/);
    assert.ok(!crl.includes(third.serial.toUpperCase()));
});

test("ca: a passphrase guards the key, from a file, standard input or the environment", async (t) => {
    const data = temporary(t);
    const words = join(data, "words");
    writeFileSync(words, "correct horse battery\nsecond line\n");
    const ca = (verb, ...args) => ["ca", verb, ...args, "--data", data];
    await ok(ca("init", "--passphrase-file", words));
    assert.match(text(join(data, "ca/ca-key.pem")), /BEGIN ENCRYPTED PRIVATE KEY/);
    const issue = ca("issue", "a", "--out", data, "--force");
    await refused(issue, 6, /under a passphrase.*DOPPEL_CA_PASSPHRASE/);
    await refused(issue, 6, /is not that of the key/, { env: { DOPPEL_CA_PASSPHRASE: "wrong" } });
    await ok(issue, { env: { DOPPEL_CA_PASSPHRASE: "correct horse battery" } });
    await ok([...issue, "--passphrase-file", "-"], { input: "correct horse battery\n" });
    await refused([...issue, "--passphrase-file", join(data, "none")], 6, /cannot be read/);
    assert.match(await ok(ca("list")), /good/);
});

test("what does not go together is said before anything is opened", async (t) => {
    const data = temporary(t);
    const serve = (...args) => ["serve", "--data", data, "--http", "127.0.0.1:0", ...args];
    await refused(serve("--client-crl", "x"), 2, /--client-crl goes with --client-ca/);
    await refused(serve("--require-client-cert"), 2, /--require-client-cert needs --client-ca/);
    const files = [...OWN, "--client-ca", join(data, "none.pem")];
    await refused(serve("--mqtt", "off", ...files), 6, /TLS cannot be set up: .*none\.pem/);
});

/* ---- HTTP over TLS ---- */

test("HSTS: with a certificate that was named, for names, over TLS alone, unless it is off", async (t) => {
    const dir = temporary(t);
    await replace(dir, "twins.example");
    const d = new Server({ data: temporary(t), args: ["--https", "127.0.0.1:0", ...named(dir)] });
    t.after(async () => {
        await d.stop();
        d.judge();
    });
    await d.start();
    const head = async (host, ...more) => {
        const to = ["--resolve", `${host}:${port(d.https)}:127.0.0.1`];
        const r = await run("curl", [
            "-sSik",
            ...to,
            ...more,
            `https://${host}:${port(d.https)}/healthz`,
        ]);
        assert.equal(r.code, 0, r.output);
        return r.stdout;
    };
    const said = /^strict-transport-security: max-age=31536000\r$/im;
    assert.match(await head("twins.example"), said);
    assert.match(await head("twins.example", "--http1.1"), said);
    for (const host of ["localhost", "x.localhost", "127.0.0.1"])
        assert.doesNotMatch(await head(host), /strict-transport/i);
    const plain = await run("curl", ["-sSi", "-H", "host: twins.example", `${d.url}/healthz`]);
    assert.doesNotMatch(plain.stdout, /strict-transport/i);
    await d.stop();
    d.options.args = [...d.options.args, "--no-hsts"];
    await d.start();
    assert.doesNotMatch(await head("twins.example"), /strict-transport/i);
    await d.stop();
    d.options.args = OWN;
    await d.start();
    assert.doesNotMatch(await head("twins.example"), /strict-transport/i);
});

test("what a page of others asks for is not compressed over TLS, since its length would tell", async (t) => {
    const d = await start(t, { args: OWN });
    const url = `https://localhost:${port(d.https)}/api/v1/openapi.json`;
    const packed = async (...headers) => {
        const more = headers.flatMap((h) => ["-H", h]);
        const ask = ["-sS", "-k", "-o", "/dev/null", "-D", "-", "-H", "accept-encoding: gzip"];
        return /content-encoding: gzip/i.test((await run("curl", [...ask, ...more, url])).stdout);
    };
    const here = `https://localhost:${port(d.https)}`;
    assert.equal(await packed(), true);
    assert.equal(await packed(`referer: ${here}/twins/a`), true);
    assert.equal(await packed(`origin: ${here}`, "sec-fetch-site: same-origin"), true);
    assert.equal(await packed("referer: https://evil.example/"), false);
    assert.equal(await packed("origin: null"), false);
    assert.equal(await packed("sec-fetch-site: cross-site"), false);
});

/* ---- behind a proxy ---- */

test("a trusted proxy says who asks and how, and nobody else does", async (t) => {
    const behind = async (args, headers) => {
        const d = await start(t, { args });
        await d.create(twin("p", ["a"]));
        const r = await d.post("/api/v1/twins/p/readings", '{"nonsense":1}', undefined, headers);
        assert.equal(r.status, 422, r.text);
        const [rejection] = (await d.get("/api/v1/rejections")).body.items;
        /* over TLS, and there alone, what a foreign page asks for is not compressed */
        const ask = ["-sS", "-o", "/dev/null", "-D", "-", "-H", "accept-encoding: gzip"];
        const more = Object.entries({ ...headers, referer: "https://evil.example/" }).flatMap(
            ([name, value]) => ["-H", `${name}: ${value}`],
        );
        const said = await run("curl", [...ask, ...more, `${d.url}/api/v1/openapi.json`]);
        const packed = /content-encoding: gzip/i.test(said.stdout);
        return { peer: rejection.peer.replace(/:\d+$/, ""), tls: !packed };
    };
    const headers = { "x-forwarded-for": "6.6.6.6, 203.0.113.7", "x-forwarded-proto": "https" };
    const trusted = ["--trusted-proxies", "127.0.0.1, 10.0.0.0/8"];
    assert.deepEqual(await behind([], headers), { peer: "127.0.0.1", tls: false });
    assert.deepEqual(await behind(["--trusted-proxies", "10.0.0.0/8"], headers), {
        peer: "127.0.0.1",
        tls: false,
    });
    assert.deepEqual(await behind(trusted, headers), { peer: "203.0.113.7", tls: true });
    assert.deepEqual(
        await behind(trusted, { ...headers, "x-forwarded-for": "203.0.113.7, 10.2.3.4" }),
        { peer: "203.0.113.7", tls: true },
    );
    assert.deepEqual(await behind(trusted, {}), { peer: "127.0.0.1", tls: false });
    await refused(["serve", "--trusted-proxies", "127.0.0.1, localhost"], 2, /not "localhost"/);
});

/* testssl.sh, which looks for what is weak or broken in TLS, against both listeners: nothing above
 * "low". */

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { run, start, temporary } from "../lib/doppel.mjs";

const LISTENERS = ["--https", "127.0.0.1:0", "--mqtts", "127.0.0.1:0"];
const port = (address) => address.split(":").at(-1);

async function openssl(...args) {
    const r = await run("openssl", args);
    assert.equal(r.code, 0, r.output);
}

/* An authority, and a certificate for localhost that has what one of a public authority has: a place
 * where the list of the revoked is. */
async function certificate(dir) {
    const at = (name) => join(dir, name);
    const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
    writeFileSync(
        at("extensions"),
        [
            "basicConstraints=critical,CA:FALSE",
            "keyUsage=critical,digitalSignature",
            "extendedKeyUsage=serverAuth",
            "subjectAltName=DNS:localhost",
            "crlDistributionPoints=URI:http://localhost/crl.pem",
        ].join("\n"),
    );
    await openssl(
        ...["req", "-x509", ...key, "-days", "300", "-subj", "/CN=Authority"],
        ...["-addext", "keyUsage=critical,keyCertSign,cRLSign"],
        ...["-keyout", at("ca-key.pem"), "-out", at("ca.pem")],
    );
    const subject = ["-subj", "/CN=localhost", "-keyout", at("key.pem"), "-out", at("csr.pem")];
    await openssl("req", "-new", ...key, ...subject);
    await openssl(
        ...["x509", "-req", "-in", at("csr.pem"), "-CA", at("ca.pem"), "-CAkey", at("ca-key.pem")],
        ...["-days", "200", "-set_serial", "0x5eed5eed5eed5eed5eed5eed5eed5eed"],
        ...["-extfile", at("extensions"), "-out", at("cert.pem")],
    );
    return ["--tls-cert", at("cert.pem"), "--tls-key", at("key.pem")];
}

/* What it found that is no "ok" and no mere information, as [id, severity, finding]. */
async function scan(t, url, ca, parts, least) {
    const file = join(temporary(t), "found.json");
    const r = await run(
        "testssl",
        [
            ...["--quiet", "--warnings", "off", "--color", "0", "--ip", "127.0.0.1", "-n", "none"],
            ...["--add-ca", ca, "--jsonfile", file, ...parts, url],
        ],
        { timeout: 400_000 },
    );
    assert.equal(r.timedOut, false, r.output);
    const found = JSON.parse(readFileSync(file, "utf8"));
    assert.ok(found.length >= least, `only ${found.length} findings:\n${r.output}`);
    const trust = found.find((f) => /^cert_chain_of_trust/.test(f.id));
    assert.match(trust.finding, /passed/, r.output);
    return (
        found
            .filter((f) => !["OK", "INFO", "LOW"].includes(f.severity))
            .filter((f) => f.id !== "service") /* "no HTTP": MQTT is nothing that it knows */
            /* it asks to resume with a ticket that its client may have left without waiting for */
            .filter((f) => !(f.id === "sessionresumption_ticket" && f.severity === "WARN"))
            .map((f) => [f.id, f.severity, f.finding])
    );
}

/* Protocols, ciphers, key exchange, the certificate, whose order decides. */
const BASIC = ["-p", "-s", "-f", "-S", "-P"];

test("testssl.sh finds nothing above low in https", { timeout: 600_000 }, async (t) => {
    const dir = temporary(t);
    const d = await start(t, { args: [...LISTENERS, ...(await certificate(dir))] });
    const url = `https://localhost:${port(d.https)}`;
    assert.deepEqual(await scan(t, url, join(dir, "ca.pem"), [...BASIC, "-U", "-h"], 80), []);
});

test("testssl.sh finds nothing above low in mqtts", { timeout: 600_000 }, async (t) => {
    const dir = temporary(t);
    const d = await start(t, { args: [...LISTENERS, ...(await certificate(dir))] });
    const url = `localhost:${port(d.mqtts)}`;
    assert.deepEqual(await scan(t, url, join(dir, "ca.pem"), BASIC, 40), []);
});

/* Of the own certificate it misses a list of the revoked: it is replaced, and never revoked. */
test("testssl.sh misses one thing in the own certificate", { timeout: 300_000 }, async (t) => {
    const d = await start(t, { args: [...LISTENERS, "--tls-self-signed"] });
    const found = await scan(t, d.tlsUrl, join(d.data, "tls/ca.pem"), ["-S"], 20);
    assert.deepEqual(found, [["cert_revocation", "HIGH", "Neither CRL nor OCSP URI provided"]]);
});

/* What devices show and how they come by it: credentials, claim codes, provisioning keys.  An open
 * server makes them, since everybody is an administrator there; a locked one judges. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { run, start, temporary, until } from "../lib/doppel.mjs";
import { twin } from "../lib/profiles.mjs";
import { person, putRecords } from "../lib/records.mjs";

const TOKEN = /^dop_dev_[0-9A-Za-z]{49}$/;
const later = (ms) => new Date(Date.now() + ms).toISOString();

/* An open server with twins, to be locked with lock(). */
async function world(t, ...ids) {
    const d = await start(t, { access: "open" });
    for (const id of ids) await d.create(twin(id, ["temp"]));
    return d;
}

/* The same data behind the door; Ada edits, Cy looks. */
async function lock(d) {
    await d.stop();
    await putRecords(d.data, [
        ...person("ada", "home", "editor"),
        ...person("cy", "home", "viewer"),
    ]);
    d.options.access = "locked";
    await d.start();
}

const as = (who) => ({ authorization: `Bearer ${who}` });
const credentials = (id) => `/api/v1/twins/${id}/credentials`;

async function newToken(d, id, more = {}) {
    const r = await d.post(credentials(id), more);
    assert.equal(r.status, 201, r.text);
    assert.match(r.body.token, TOKEN);
    return r.body;
}

/* mosquitto_pub with a token: does the server take the reading? */
async function publishes(d, token, id = "pump-1", value = "42") {
    const r = await d.publish(`twins/${id}/sensors/temp`, value, [
        ...["-V", "5", "-q", "1", "-u", "device", "-P", token],
    ]);
    return r.code === 0;
}

test("a token of a twin opens MQTT and HTTP for it", async (t) => {
    const d = await world(t, "pump-1", "pump-2");
    const made = await newToken(d, "pump-1", { name: "in the hall" });
    assert.equal(made.name, "in the hall");
    assert.equal(made.kind, "token");
    await lock(d);
    assert.ok(await publishes(d, made.token));
    const mistyped = `${made.token.slice(0, -1)}${made.token.endsWith("x") ? "y" : "x"}`;
    assert.ok(!(await publishes(d, mistyped)));
    const seen = await d.get("/api/v1/devices", { headers: as("ada") });
    assert.equal(seen.status, 200, seen.text);
    const [device] = seen.body.devices;
    assert.equal(device.twin, "pump-1");
    assert.equal(device.credentials, 1);
    assert.ok(Date.parse(device.seen) > Date.now() - 60_000);
    const list = await d.get(credentials("pump-1"), { headers: as("ada") });
    assert.equal(list.body.credentials[0].id, made.id);
    assert.doesNotMatch(list.text + seen.text + d.log, new RegExp(made.token));
});

test("who looks, and who is a device, manages no devices", async (t) => {
    const d = await world(t, "pump-1");
    const made = await newToken(d, "pump-1");
    await lock(d);
    for (const [who, status] of [
        ["cy", 403],
        [made.token, 403],
        ["nobody", 401],
    ]) {
        const r = await d.post(credentials("pump-1"), {}, undefined, as(who));
        assert.equal(r.status, status, `${who}: ${r.text}`);
    }
    const r = await d.get("/api/v1/devices", { headers: as("cy") });
    assert.equal(r.status, 403);
    assert.equal(r.body.role, "editor");
});

test("a token that is revoked ends the connection, and is seen to be refused", async (t) => {
    const d = await world(t, "pump-1");
    const made = await newToken(d, "pump-1");
    await lock(d);
    const sub = d.mosquitto("mosquitto_sub", [
        ...["-V", "5", "-u", "x", "-P", made.token, "-i", "dev", "-t", "twins/pump-1/commands/#"],
        ...["-d", "-W", "30"],
    ]);
    const connected = async () => {
        const r = await d.get("/api/v1/devices", { headers: as("ada") });
        return r.body.devices[0].connected;
    };
    await until("the device to be connected", connected);
    const r = await d.send(
        "DELETE",
        `${credentials("pump-1")}/${made.id}`,
        undefined,
        undefined,
        as("ada"),
    );
    assert.equal(r.status, 204, r.text);
    const ended = await sub;
    assert.match(ended.output, /DISCONNECT|lost|Administrative|reconnect/i);
    assert.ok(!(await publishes(d, made.token)));
    const seen = await d.get("/api/v1/devices", { headers: as("ada") });
    assert.equal(seen.body.devices[0].lastRefused.why, "The token was revoked");
    assert.equal(seen.body.devices[0].connected, false);
    const list = await d.get(credentials("pump-1"), { headers: as("ada") });
    assert.deepEqual(list.body.credentials, []);
});

test("an expired token says so where the device is looked after", async (t) => {
    const d = await world(t, "pump-1");
    const made = await newToken(d, "pump-1", { expires: later(1500) });
    await lock(d);
    await until("the token to expire", async () => !(await publishes(d, made.token)));
    const r = await d.get("/api/v1/devices", { headers: as("ada") });
    const [device] = r.body.devices;
    assert.equal(device.credentials, 0);
    assert.equal(device.lastRefused.why, "The token has expired");
    assert.equal(device.lastRefused.address, "127.0.0.1");
    const refused = await d.get("/api/v1/rejections", { headers: as("ada") });
    assert.ok(refused.body.items.some((x) => x.code === "token-expired" && x.source === "mqtt"));
});

test("rotation: the new token and the old one, for a while", async (t) => {
    const d = await world(t, "pump-1");
    const old = await newToken(d, "pump-1", { name: "main" });
    const turn = (id, body) => d.post(`${credentials("pump-1")}/${id}/rotate`, body);
    const next = await turn(old.id, { overlap: "PT1H" });
    assert.equal(next.status, 201, next.text);
    assert.match(next.body.token, TOKEN);
    assert.equal(next.body.name, "main");
    const last = await turn(next.body.id, { overlap: "PT0S" });
    assert.equal(last.status, 201, last.text);
    assert.equal((await turn(next.body.id, {})).status, 401); /* it ended just now */
    assert.equal((await turn(old.id, { overlap: "P400D" })).status, 400);
    assert.equal((await turn("0123456789abcdef", {})).status, 404);
    const { credentials: list } = (await d.get(credentials("pump-1"))).body;
    const until1 = Date.parse(list.find((c) => c.id === old.id).expires);
    assert.ok(until1 > Date.now() + 3_000_000 && until1 <= Date.now() + 3_600_000);
    await lock(d);
    assert.ok(await publishes(d, old.token));
    assert.ok(!(await publishes(d, next.body.token)));
    assert.ok(await publishes(d, last.body.token));
});

test("a claim code is typed once, however it is typed", async (t) => {
    const d = await world(t, "pump-1");
    const code = async () => (await d.post("/api/v1/twins/pump-1/claim-codes", {})).body;
    const first = await code();
    assert.match(first.code, /^[A-Z2-7]{4}(-[A-Z2-7]{4}){2}$/);
    assert.ok(Date.parse(first.expires) <= Date.now() + 3_600_000);
    const second = await code();
    await lock(d);
    const claim = (text) => d.post("/api/v1/claim", { code: text });
    assert.equal((await claim(first.code)).status, 401); /* the newer one took its place */
    const r = await claim(` ${second.code.toLowerCase().replaceAll("-", "")}`.trim());
    assert.equal(r.status, 201, r.text);
    assert.equal(r.body.twin, "pump-1");
    assert.equal(r.body.organization, "home");
    assert.equal(r.body.mqtt, `mqtt://${d.mqtt}`);
    assert.equal(r.body.http, d.url);
    assert.ok(await publishes(d, r.body.token));
    assert.equal((await claim(second.code)).status, 401);
    assert.equal((await claim("")).status, 400);
});

test("who tries claim codes has to wait", async (t) => {
    const d = await world(t, "pump-1");
    let r;
    for (let i = 0; i < 25; i++) {
        r = await d.post("/api/v1/claim", { code: "ABCD-EFGH-IJKL" });
        if (r.status !== 401) break;
    }
    assert.equal(r.status, 429);
    assert.equal(r.body.code, "too-many-requests");
    assert.ok(Number(r.headers.get("retry-after")) > 0);
    /* also with the right one: it is the trying that is slowed down */
    const made = await d.post("/api/v1/twins/pump-1/claim-codes", {});
    assert.equal((await d.post("/api/v1/claim", { code: made.body.code })).status, 429);
});

test("a provisioning key makes twins of its pattern, up to its limit", async (t) => {
    const d = await world(t, "pump-1");
    await newToken(d, "pump-1");
    const key = await d.post("/api/v1/provisioning-keys", {
        ...{ name: "pumps of 2026", twinPattern: "pump-*", limit: 2 },
    });
    assert.equal(key.status, 201, key.text);
    assert.match(key.body.key, /^dop_prov_/);
    await lock(d);
    const provision = (id, name) =>
        d.post("/api/v1/provision", { key: key.body.key, twin: id, name });
    const r = await provision("pump-7", "The seventh");
    assert.equal(r.status, 201, r.text);
    assert.match(r.body.token, TOKEN);
    const made = await d.get("/api/v1/twins/pump-7", { headers: as("ada") });
    assert.equal(made.body.name, "The seventh");
    assert.equal((await provision("pump-7")).status, 409); /* it has a token */
    assert.equal((await provision("pump-1")).status, 409);
    assert.equal((await provision("fan-1")).status, 403);
    assert.equal((await provision("a/b")).status, 400);
    assert.equal((await provision("pump-8")).status, 201);
    const over = await provision("pump-9");
    assert.equal(over.status, 403);
    assert.equal(over.body.code, "quota-exceeded");
    assert.equal((await d.get("/api/v1/twins/pump-9", { headers: as("ada") })).status, 404);
    const list = await d.get("/api/v1/provisioning-keys", { headers: as("ada") });
    assert.equal(list.body.provisioningKeys[0].used, 2);
    assert.doesNotMatch(list.text, /dop_prov_|hash/);
    const gone = await d.send(
        "DELETE",
        `/api/v1/provisioning-keys/${key.body.id}`,
        undefined,
        undefined,
        as("ada"),
    );
    assert.equal(gone.status, 204);
    assert.equal((await provision("pump-8")).status, 401);
});

test("a provisioning key makes no more twins than the organisation may have", async (t) => {
    const d = await world(t, "pump-1");
    const key = await d.post("/api/v1/provisioning-keys", { twinPattern: "pump-*" });
    await d.stop();
    const home = { name: "Home", first: true, quotas: { twins: 2 } };
    await putRecords(d.data, [["org", "home", home]]);
    await d.start();
    const provision = (id) => d.post("/api/v1/provision", { key: key.body.key, twin: id });
    assert.equal((await provision("pump-2")).status, 201);
    const r = await provision("pump-3");
    assert.equal(r.status, 403, r.text);
    assert.equal(r.body.code, "quota-exceeded");
    assert.equal((await provision("pump-1")).status, 201); /* it is there */
});

test("devices of an organisation are its own, also where ids are the same", async (t) => {
    const d = await world(t, "pump-1");
    const home = await newToken(d, "pump-1");
    await d.stop();
    await putRecords(d.data, [
        ["org", "acme", { name: "Acme" }],
        ...person("bo", "acme", "editor"),
    ]);
    await d.start();
    await lock(d);
    const bo = (method, path, body) => d.send(method, path, body, undefined, as("bo"));
    assert.deepEqual((await bo("GET", "/api/v1/devices")).body.devices, []);
    assert.equal((await bo("GET", credentials("home~pump-1"))).status, 404);
    assert.equal((await bo("POST", credentials("home~pump-1"), {})).status, 404);
    const key = await bo("POST", "/api/v1/provisioning-keys", { twinPattern: "pump-*" });
    assert.equal(key.status, 201, key.text);
    const r = await d.post("/api/v1/provision", { key: key.body.key, twin: "pump-1" });
    assert.equal(r.status, 201, r.text);
    assert.equal(r.body.organization, "acme");
    assert.equal(r.body.twin, "pump-1");
    const made = { ...twin("pump-1", ["temp"]), name: "Bo's" };
    assert.equal((await bo("PUT", "/api/v1/twins/pump-1", made)).status, 200);
    assert.ok(await publishes(d, r.body.token, "pump-1", "7"));
    assert.ok(await publishes(d, home.token, "pump-1", "42"));
    const value = async (who) => {
        const at = "/api/v1/twins/pump-1/sensors/temp";
        return (await d.get(at, { headers: as(who) })).body.value;
    };
    assert.equal(await value("bo"), 7);
    assert.equal(await value("ada"), 42);
    const list = (await bo("GET", "/api/v1/devices")).body.devices;
    assert.deepEqual(
        list.map((x) => x.twin),
        ["pump-1"],
    );
    /* Ada's list and keys are home's, and Bo's key is none of hers */
    const keys = await d.get("/api/v1/provisioning-keys", { headers: as("ada") });
    assert.deepEqual(keys.body.provisioningKeys, []);
    const gone = `/api/v1/provisioning-keys/${key.body.id}`;
    assert.equal((await d.send("DELETE", gone, undefined, undefined, as("ada"))).status, 404);
});

test("a later twin of the same id has nothing of the one before", async (t) => {
    const d = await world(t, "pump-1");
    const made = await newToken(d, "pump-1");
    const { body } = await d.post("/api/v1/twins/pump-1/claim-codes", {});
    await d.send("DELETE", "/api/v1/twins/pump-1");
    await d.create(twin("pump-1", ["temp"]));
    await until("the credentials to go", async () => {
        return (await d.get(credentials("pump-1"))).body.credentials.length === 0;
    });
    assert.equal((await d.post("/api/v1/claim", { code: body.code })).status, 401);
    await lock(d);
    assert.ok(!(await publishes(d, made.token)));
});

test("a server that was killed between a twin's end and its credentials' forgets them at the start", async (t) => {
    const d = await world(t, "pump-1");
    await lock(d);
    await d.stop();
    const hash = createHash("sha256").update("left over").digest("hex");
    const { putRecords: put, KINDS } = await import("../lib/records.mjs");
    KINDS.credential = 8;
    await put(d.data, [["credential", "0000000000000001", { twin: "gone-1", hash }]]);
    await d.start();
    const r = await d.post("/api/v1/twins", twin("gone-1", ["temp"]), undefined, as("ada"));
    assert.equal(r.status, 201, r.text);
    assert.ok(!(await publishes(d, "left over", "gone-1")));
});

test("a client certificate stands for a twin, by its name or its fingerprint", async (t) => {
    const dir = temporary(t);
    const openssl = async (...args) => {
        const r = await run("openssl", args, { cwd: dir });
        assert.equal(r.code, 0, r.output);
    };
    const sign = async (name, ext) => {
        await openssl(
            "req",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-keyout",
            `${name}.key`,
            "-out",
            `${name}.csr`,
            "-subj",
            `/CN=${name}`,
            ...(ext ? ["-addext", `subjectAltName=URI:${ext}`] : []),
        );
        await openssl(
            "x509",
            "-req",
            "-in",
            `${name}.csr`,
            "-CA",
            "ca.pem",
            "-CAkey",
            "ca.key",
            "-CAcreateserial",
            "-out",
            `${name}.pem`,
            "-days",
            "2",
            "-copy_extensions",
            "copy",
        );
    };
    await openssl(
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-keyout",
        "ca.key",
        "-out",
        "ca.pem",
        "-days",
        "2",
        "-subj",
        "/CN=devices",
    );
    await sign("named", "urn:doppel:twin:home:pump-1");
    await sign("other", "urn:doppel:twin:nobody:pump-1");
    await sign("plain");
    const d = await start(t, {
        access: "open",
        args: ["--mqtts", "127.0.0.1:0", "--tls-self-signed", "--client-ca", join(dir, "ca.pem")],
    });
    await d.create(twin("pump-1", ["temp"]));
    await d.create(twin("pump-2", ["temp"]));
    const pem = readFileSync(join(dir, "plain.pem"), "utf8");
    const made = await d.post(credentials("pump-2"), { kind: "certificate", certificate: pem });
    assert.equal(made.status, 201, made.text);
    assert.match(made.body.fingerprint, /^[0-9a-f]{64}$/);
    const again = await d.post(credentials("pump-1"), {
        kind: "certificate",
        fingerprint: made.body.fingerprint,
    });
    assert.equal(again.status, 409);
    for (const bad of [{}, { certificate: "hello" }, { fingerprint: "12" }])
        assert.equal(
            (await d.post(credentials("pump-1"), { kind: "certificate", ...bad })).status,
            400,
        );
    await lock(d);
    const [host, port] = d.mqtts.split(":");
    const publish = async (name, id) => {
        const r = await run("mosquitto_pub", [
            ...["-h", host, "-p", port, "--cafile", join(d.data, "tls", "ca.pem"), "--insecure"],
            ...["--cert", join(dir, `${name}.pem`), "--key", join(dir, `${name}.key`)],
            ...["-V", "5", "-q", "1", "-t", `twins/${id}/sensors/temp`, "-m", "21"],
        ]);
        return r.code === 0;
    };
    assert.ok(await publish("named", "pump-1"));
    assert.ok(await publish("plain", "pump-2"));
    assert.ok(!(await publish("other", "pump-1")));
    const gone = await d.send(
        "DELETE",
        `${credentials("pump-2")}/${made.body.id}`,
        undefined,
        undefined,
        as("ada"),
    );
    assert.equal(gone.status, 204);
    assert.ok(!(await publish("plain", "pump-2")));
});

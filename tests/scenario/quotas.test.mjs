/* What an organisation may use: twins, series, readings a second, bytes of history. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { start, until } from "../lib/doppel.mjs";
import { twin } from "../lib/profiles.mjs";

const ORG = "/api/v1/organizations/home";

async function limit(d, quotas) {
    const r = await d.put(`${ORG}/quotas`, quotas);
    assert.equal(r.status, 200, r.text);
}

const usage = async (d, org = ORG) => (await d.get(`${org}/usage`)).body;

async function locked(t, options = {}) {
    const d = await start(t, { access: "locked", ...options });
    return [d, await d.setup({ email: "ada@example.org" })];
}

test("twins and series: no more than there may be, also when many are made at once", async (t) => {
    const [, ada] = await locked(t);
    await limit(ada, { twins: 3, series: 7 });
    const made = await Promise.all(
        Array.from({ length: 8 }, (_, i) => ada.post("/api/v1/twins", twin(`p-${i}`, ["a", "b"]))),
    );
    const by = (status) => made.filter((r) => r.status === status);
    assert.equal(by(201).length, 3, made.map((r) => r.text).join("\n"));
    assert.equal(by(403).length, 5);
    assert.equal(by(403)[0].body.code, "quota-exceeded");
    await until("the refusal is in the audit log", async () => {
        const log = await ada.get(`${ORG}/audit?object=quota&outcome=refused`);
        return log.body.entries.some((e) => e.operation === "twins:create");
    });
    assert.deepEqual((await usage(ada)).twins, { used: 3, limit: 3 });
    assert.deepEqual((await usage(ada)).series, { used: 6, limit: 7 });
    const [{ body }] = by(201);
    const grow = (sensors) => ada.put(`/api/v1/twins/${body.id}`, twin(body.id, sensors));
    const over = await grow(["a", "b", "c", "d"]);
    assert.equal(over.status, 403, over.text);
    assert.match(over.body.detail, /home may have 7 series and has 6; this would add 2/);
    assert.equal((await grow(["a", "b", "c"])).status, 200);
    assert.equal((await ada.delete(`/api/v1/twins/${body.id}`)).status, 204);
    assert.equal((await ada.post("/api/v1/twins", twin("next", ["a", "b"]))).status, 201);
});

test("readings a second: 429 with the time to wait, and nothing of what was acknowledged is lost", async (t) => {
    const [d, ada] = await locked(t);
    await ada.post("/api/v1/twins", twin("pump", ["a"]));
    await limit(ada, { readingsPerSecond: 20 });
    let sent = 0;
    let refused;
    for (let i = 0; i < 200 && !refused; i++) {
        const r = await ada.post("/api/v1/twins/pump/sensors/a/readings", [
            { value: i, timestamp: 1_700_000_000_000 + 10 * i },
            { value: i, timestamp: 1_700_000_000_005 + 10 * i },
        ]);
        if (r.status === 200) sent += 2;
        else refused = r;
    }
    assert.equal(refused.status, 429, refused.text);
    assert.equal(refused.body.code, "too-many-requests");
    assert.ok(Number(refused.headers.get("retry-after")) >= 1);
    const line = await ada.post("/write?db=x", "pump a=1", "text/plain");
    assert.equal(line.status, 429, line.text);
    assert.ok(Number(line.headers.get("retry-after")) >= 1);
    const h = await ada.get("/api/v1/twins/pump/sensors/a/history?from=0&limit=10000");
    assert.equal(h.body.points.length, sent);
    await until("it is its turn again", async () => {
        const r = await ada.post("/api/v1/twins/pump/sensors/a/readings", { value: 1 });
        return r.status === 200;
    });
    await until("what is used is shown", async () => {
        const u = (await usage(ada)).readingsPerSecond;
        return u.limit === 20 && u.used > 0;
    });
    assert.equal(d.exit, null);
});

test("bytes of history: counted, and refused when they are used up", async (t) => {
    const [d, ada] = await locked(t, { args: ["--flush", "100ms"] });
    await ada.post("/api/v1/twins", twin("pump", ["a"]));
    const send = (value) => ada.post("/api/v1/twins/pump/sensors/a/readings", { value });
    for (let i = 0; i < 20; i++) assert.equal((await send(i * 1.1)).status, 200);
    await d.restart(); /* the first count comes at once */
    const again = await ada.signIn("ada@example.org");
    assert.equal(again.status, 201, again.text);
    await until("bytes are counted", async () => (await usage(ada)).storageBytes.used > 0);
    await limit(ada, { storageBytes: 1 });
    const refused = await send(1);
    assert.equal(refused.status, 403, refused.text);
    assert.equal(refused.body.code, "quota-exceeded");
    assert.match(refused.body.detail, /home has used up its 1 bytes of history/);
    const h = await ada.get("/api/v1/twins/pump/sensors/a/history?from=0");
    assert.equal(h.body.points.length, 20);
    await limit(ada, {});
    assert.equal((await send(2)).status, 200);
});

test("what new organisations get is a setting", async (t) => {
    const [, ada] = await locked(t, {
        args: ["--quota-twins", "2", "--quota-readings-per-second", "100", "--quota-storage", "1G"],
    });
    const made = await ada.post("/api/v1/organizations", { id: "acme", name: "Acme" });
    assert.equal(made.status, 201, made.text);
    const u = await usage(ada, "/api/v1/organizations/acme");
    assert.equal(u.twins.limit, 2);
    assert.equal(u.series.limit, null);
    assert.equal(u.readingsPerSecond.limit, 100);
    assert.equal(u.storageBytes.limit, 1 << 30);
    assert.equal((await usage(ada)).twins.limit, null);
});

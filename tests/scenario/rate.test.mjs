/* How often somebody may ask, and how often nobody. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { start, until } from "../lib/doppel.mjs";

const metric = async (who, name) =>
    Number(new RegExp(`^${name} (\\d+)`, "m").exec((await who.get("/metrics")).text)?.[1]);

async function many(who, n, path = "/api/v1/twins") {
    const all = [];
    for (let i = 0; i < n; i += 50)
        all.push(...(await Promise.all(Array.from({ length: 50 }, () => who.get(path)))));
    return { all, limited: all.filter((r) => r.status === 429) };
}

test("an account has its requests per second, however many tokens it has", async (t) => {
    const d = await start(t, { access: "locked", args: ["--requests-per-second", "20"] });
    const ada = await d.setup({ email: "ada@example.org" });
    const bo = await d.join(ada, { role: "viewer", name: "Bo" });
    const make = async () => {
        const body = { name: "script", organization: "home" };
        const r = await ada.post("/api/v1/account/tokens", body);
        assert.equal(r.status, 201, r.text);
        return d.withToken(r.body.token);
    };
    const [one, two] = [await make(), await make()];
    const { limited } = await many(one, 300);
    assert.ok(limited.length > 100, `${limited.length} of 300`);
    const r = limited[0];
    assert.equal(r.body.code, "too-many-requests");
    assert.ok(Number(r.headers.get("retry-after")) >= 1);
    assert.ok((await many(two, 50)).limited.length > 0); /* the same person */
    assert.equal((await many(bo, 50)).limited.length, 0); /* somebody else */
    await until(
        "it is their turn again",
        async () => (await one.get("/api/v1/twins")).status === 200,
    );
    const local = d.withToken(d.localToken());
    assert.equal((await many(local, 300)).limited.length, 0); /* they could read the directory */
    assert.ok((await metric(local, "doppel_http_limited_requests_total")) >= limited.length);
    assert.ok((await metric(local, "doppel_access_refusals_total")) >= limited.length);
});

test("an address from which nobody is signed in has its own", async (t) => {
    const d = await start(t, { access: "locked", args: ["--anonymous-requests-per-second", "10"] });
    const ada = await d.setup({ email: "ada@example.org" });
    const { limited } = await many(d, 200, "/api/v1/session");
    assert.ok(limited.length > 50, `${limited.length} of 200`);
    assert.equal(
        (await ada.get("/api/v1/twins")).status,
        200,
    ); /* who is signed in is not held up */
});

test("tokens cannot be tried one after the other, and one that holds is never asked to wait", async (t) => {
    const d = await start(t, { access: "locked" });
    const ada = await d.setup({ email: "ada@example.org" });
    assert.equal((await ada.signIn("ada@example.org")).status, 201);
    const statuses = [];
    for (let i = 0; i < 40; i++)
        statuses.push((await d.withToken(`dop_pat_${i}`).get("/api/v1/twins")).status);
    assert.equal(statuses[0], 401);
    assert.equal(statuses.at(-1), 429);
    assert.equal((await ada.get("/api/v1/twins")).status, 200);
    const local = d.withToken(d.localToken());
    assert.equal((await local.get("/api/v1/twins")).status, 200);
    assert.ok((await metric(local, "doppel_access_failed_sign_ins_total")) >= 20);
    assert.equal(await metric(local, "doppel_access_sign_ins_total"), 1);
});

test("with an open door there is no limit, unless one is wanted", async (t) => {
    const free = await start(t);
    assert.equal((await many(free, 1000)).limited.length, 0);
    const held = await start(t, { args: ["--anonymous-requests-per-second", "10"] });
    assert.ok((await many(held, 200)).limited.length > 50);
});

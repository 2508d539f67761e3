/* Commands from those who send them to devices and back: over REST, through a kill -9. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { shared, start, until } from "../lib/doppel.mjs";
import { twin } from "../lib/profiles.mjs";

const d = shared();

const COMMANDS = [
    {
        name: "set-speed",
        title: "Set the speed",
        input: {
            type: "object",
            required: ["rpm"],
            properties: { rpm: { type: "number", minimum: 0, maximum: 3000 } },
            additionalProperties: false,
        },
        timeout: "20s",
        expires: "1h",
    },
    { name: "stop" },
    { name: "quick", timeout: "100ms" },
    { name: "soon", expires: "100ms" },
];

const make = (server, id) => server.create({ ...twin(id, { t: {} }), "doppel:commands": COMMANDS });
const send = (server, id, name, body = {}, more = "") =>
    server.send("POST", `/api/v1/twins/${id}/commands/${name}${more}`, body);
const read = async (server, id) => (await server.get(`/api/v1/commands/${id}`)).body;
const next = (server, id, more = "") => server.get(`/api/v1/twins/${id}/commands/next${more}`);
const states = (command) => command.steps.map((s) => s.state);

test("a command is delivered, accepted and answered, and every step is kept", async () => {
    await make(d, "way-1");
    const sent = await send(d, "way-1", "set-speed", { input: { rpm: 1200 } });
    assert.equal(sent.status, 202, sent.text);
    assert.equal(sent.body.state, "pending");
    assert.equal(sent.body.timeout, 20);
    const got = await next(d, "way-1");
    assert.equal(got.status, 200, got.text);
    assert.equal(got.body.id, sent.body.id);
    assert.deepEqual(got.body.input, { rpm: 1200 });
    assert.equal((await read(d, sent.body.id)).state, "delivered");
    /* not accepted yet, so it comes again, as the same */
    assert.equal((await next(d, "way-1")).body.id, sent.body.id);
    const accepted = await d.send("POST", `/api/v1/commands/${sent.body.id}/accept`, {});
    assert.equal(accepted.body.state, "accepted", accepted.text);
    assert.equal((await next(d, "way-1")).status, 204);
    const result = { output: { rpm: 1198.5 } };
    const done = await d.send("POST", `/api/v1/commands/${sent.body.id}/result`, result);
    assert.equal(done.body.state, "done", done.text);
    const again = await d.send("POST", `/api/v1/commands/${sent.body.id}/result`, result);
    assert.equal(again.status, 200, again.text);
    const one = await read(d, sent.body.id);
    assert.deepEqual(states(one), ["pending", "delivered", "accepted", "done"]);
    assert.deepEqual(one.output, { rpm: 1198.5 });
    const cancel = await d.send("DELETE", `/api/v1/commands/${sent.body.id}`);
    assert.equal(cancel.status, 409, cancel.text);
});

test("a failure is told to who waits for the result", async () => {
    await make(d, "wait-1");
    const waiting = send(d, "wait-1", "stop", {}, "?wait=30s");
    const got = await next(d, "wait-1", "?wait=30s");
    assert.equal(got.status, 200, got.text);
    const said = { error: "The door is open." };
    await d.send("POST", `/api/v1/commands/${got.body.id}/result`, said);
    const r = await waiting;
    assert.equal(r.status, 200, r.text);
    assert.equal(r.body.state, "failed");
    assert.equal(r.body.error, "The door is open.");
});

test("what does not fit is refused with a reason", async () => {
    await make(d, "bad-1");
    const cases = [
        ["bad-1", "set-speed", { input: { rpm: 4000 } }, 400, /\/rpm.*at most 3000/],
        ["bad-1", "set-speed", {}, 400, /member rpm/],
        ["bad-1", "set-speed", { inputs: {} }, 400, /no member "inputs"/],
        ["bad-1", "stop", { timeout: "soon" }, 400, /timeout is a duration/],
        ["bad-1", "jump", {}, 404, /no command "jump"/],
        ["nobody", "stop", {}, 404, /no twin/],
    ];
    for (const [id, name, body, status, words] of cases) {
        const r = await send(d, id, name, body);
        assert.equal(r.status, status, r.text);
        assert.match(r.body.detail, words);
    }
    assert.equal((await d.get("/api/v1/twins/bad-1/commands")).body.commands.length, 0);
});

test("a device that does not answer, or does not come, is waited for only so long", async () => {
    await make(d, "slow-1");
    const quick = (await send(d, "slow-1", "quick")).body.id;
    const soon = (await send(d, "slow-1", "soon")).body.id;
    assert.equal((await next(d, "slow-1")).body.id, quick);
    await until("both have ended", async () => {
        const both = [await read(d, quick), await read(d, soon)];
        return both[0].state === "timed-out" && both[1].state === "expired";
    });
    const late = await d.send("POST", `/api/v1/commands/${quick}/result`, { output: 7 });
    assert.equal(late.status, 200, late.text);
    assert.equal(late.body.state, "timed-out");
    assert.equal(late.body.late, true);
    assert.equal((await read(d, quick)).output, 7);
    const never = await d.send("POST", `/api/v1/commands/${soon}/accept`, {});
    assert.equal(never.status, 409, never.text);
});

test("commands are cancelled by people, and with their twin", async () => {
    await make(d, "gone-1");
    const first = (await send(d, "gone-1", "stop")).body.id;
    const second = (await send(d, "gone-1", "stop")).body.id;
    assert.equal((await d.send("DELETE", `/api/v1/commands/${first}`)).body.state, "cancelled");
    const { commands } = (await d.get("/api/v1/twins/gone-1/commands?state=pending")).body;
    assert.deepEqual(
        commands.map((c) => c.id),
        [second],
    );
    await d.send("DELETE", "/api/v1/twins/gone-1");
    await make(d, "gone-1");
    await until("it went with its twin", async () => {
        return (await read(d, second)).state === "cancelled";
    });
    assert.equal((await next(d, "gone-1")).status, 204);
});

test("a list comes in pages", async () => {
    await make(d, "many-1");
    const ids = [];
    for (let i = 0; i < 5; i++) ids.unshift((await send(d, "many-1", "stop")).body.id);
    const met = [];
    for (let cursor = ""; ; ) {
        const { body } = await d.get(`/api/v1/twins/many-1/commands?limit=2${cursor}`);
        met.push(...body.commands.map((c) => c.id));
        if (!body.next) break;
        cursor = `&cursor=${body.next}`;
    }
    assert.deepEqual(met, ids);
});

test("kill -9 leaves each command where it was", async (t) => {
    const one = await start(t);
    await make(one, "hard-1");
    const ids = [];
    for (let i = 0; i < 4; i++) ids.push((await send(one, "hard-1", "stop")).body.id);
    const step = (id, what, body = {}) => one.send("POST", `/api/v1/commands/${id}/${what}`, body);
    await next(one, "hard-1");
    await step(ids[1], "accept");
    await step(ids[2], "result", { output: null });
    await one.kill();
    await one.restart();
    const stand = [];
    for (const id of ids) stand.push((await read(one, id)).state);
    assert.deepEqual(stand, ["delivered", "accepted", "done", "pending"]);
    assert.equal((await next(one, "hard-1")).body.id, ids[0]);
    await step(ids[0], "result", { output: 1 });
    assert.equal((await next(one, "hard-1")).body.id, ids[3]);
    assert.equal((await step(ids[1], "result")).body.state, "done");
});

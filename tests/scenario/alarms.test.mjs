/* Alarms from readings, through people's hands, to their end; and what a kill -9 leaves of them. */

import assert from "node:assert/strict";
import { test } from "node:test";
import WebSocket from "ws";
import { doppel, shared, start, until } from "../lib/doppel.mjs";
import { twin } from "../lib/profiles.mjs";

const d = shared();
const RANGES = { normalRange: [0, 50], criticalRange: [80, 100] };

async function alarmsOf(server, id, more = "") {
    const r = await server.get(`/api/v1/alarms?twin=${id}${more}`);
    assert.equal(r.status, 200, r.text);
    return r.body.alarms;
}

const say = async (server, id, body) => {
    const r = await server.send("POST", `/api/v1/twins/${id}/readings`, body);
    assert.equal(r.status, 200, r.text);
};

async function alarm(server, id, fits) {
    let found;
    await until("an alarm as is wanted", async () => {
        [found] = await alarmsOf(server, id);
        return found && fits(found);
    });
    return found;
}

test("a sensor out of its range raises one alarm, which follows it", async () => {
    await d.create(twin("pump-1", { t: RANGES }));
    await say(d, "pump-1", { t: 60 });
    const raised = await alarm(d, "pump-1", (a) => a.active);
    assert.equal(raised.severity, "warning");
    assert.equal(raised.source, "range");
    assert.equal(raised.state, "raised");
    assert.equal(raised.value, 60);
    assert.deepEqual(raised.limit, { above: 50 });
    assert.equal(raised.readings[0].value, 60);
    await say(d, "pump-1", { t: 90 });
    const worse = await alarm(d, "pump-1", (a) => a.severity === "critical");
    assert.equal(worse.id, raised.id);
    const r = await d.send("POST", `/api/v1/alarms/${raised.id}/acknowledge`, { comment: "seen" });
    assert.equal(r.status, 200, r.text);
    assert.equal(r.body.state, "acknowledged");
    await say(d, "pump-1", { t: 20 });
    const over = await alarm(d, "pump-1", (a) => !a.active);
    assert.equal(over.open, false);
    assert.equal(over.peak, 90);
    const one = (await d.get(`/api/v1/alarms/${raised.id}`)).body;
    assert.deepEqual(
        one.steps.map((s) => s.step),
        ["raised", "escalated", "acknowledged", "cleared"],
    );
    assert.equal(one.steps[2].text, "seen");
    const then = await d.get(`/api/v1/alarms/${raised.id}?at=${one.steps[0].at}`);
    assert.equal(then.body.state, "raised");
    assert.equal(then.body.severity, "warning");
    const late = await d.send("POST", `/api/v1/alarms/${raised.id}/acknowledge`, {});
    assert.equal(late.status, 409, late.text);
});

test("hysteresis and delays keep an alarm from fluttering", async () => {
    const still = { ...RANGES, "doppel:alarm": { hysteresis: 5, severity: "major" } };
    const slow = { ...RANGES, "doppel:alarm": { delay: "1h" } };
    const off = { ...RANGES, "doppel:alarm": { enabled: false } };
    await d.create(twin("still-1", { still, slow, off }));
    for (const v of [60, 48, 60, 47]) await say(d, "still-1", { still: v, slow: v, off: v });
    const one = await alarm(d, "still-1", (a) => a.active);
    assert.equal(one.severity, "major");
    await say(d, "still-1", { still: 44, slow: 60, off: 60 });
    await alarm(d, "still-1", (a) => !a.active && a.count === 1);
    assert.equal((await alarmsOf(d, "still-1")).length, 1);
});

test("the live profile tells of the same alarms", async () => {
    await d.create(twin("told-1", { t: RANGES }));
    await say(d, "told-1", { t: 90 });
    await alarm(d, "told-1", (a) => a.active);
    const { body } = await d.get("/api/v1/twins/told-1");
    assert.equal(body.performance.alerts.length, 1);
    assert.equal(body.performance.alerts[0].type, "critical");
    assert.equal(body.performance.alerts[0].source, "t");
});

test("an alarm is shelved with a reason and comes back by itself", async () => {
    await d.create(twin("shelf-1", { t: RANGES }));
    await say(d, "shelf-1", { t: 90 });
    const { id } = await alarm(d, "shelf-1", (a) => a.active);
    const at = `/api/v1/alarms/${id}/shelve`;
    assert.equal((await d.send("POST", at, { for: "1h" })).status, 400);
    assert.equal((await d.send("POST", at, { for: "1s", reason: "repair" })).status, 200);
    assert.deepEqual(await alarmsOf(d, "shelf-1", "&state=open"), []);
    assert.equal((await alarmsOf(d, "shelf-1", "&state=shelved"))[0].shelvedReason, "repair");
    await until("it is back", async () => (await alarmsOf(d, "shelf-1", "&state=open")).length);
});

test("the command line lists alarms and handles them", async () => {
    await d.create(twin("shell-1", { t: RANGES }));
    await say(d, "shell-1", { t: 90 });
    const { id } = await alarm(d, "shell-1", (a) => a.active);
    const run = async (...args) => {
        const r = await doppel([...args, "--server", d.url]);
        assert.equal(r.code, 0, r.output);
        return r.stdout;
    };
    assert.match(
        await run("alarm", "ls", "--twin", "shell-1"),
        new RegExp(`${id} +critical +raised`),
    );
    await run("alarm", "comment", id, "the valve is stuck");
    await run("alarm", "ack", id, "--comment", "seen");
    await run("alarm", "shelve", id, "--for", "2h", "--reason", "repair");
    const shown = await run("alarm", "show", id);
    assert.match(shown, /the valve is stuck/);
    assert.match(shown, /because +repair/);
    await run("alarm", "unshelve", id);
    await run("alarm", "clear", id);
    const r = await doppel(["alarm", "ack", id, "--server", d.url]);
    assert.notEqual(r.code, 0);
});

test("filters and pages", async () => {
    const sensors = Object.fromEntries(["a", "b", "c"].map((s) => [s, RANGES]));
    await d.create(twin("many-1", sensors));
    await say(d, "many-1", { a: 60, b: 60, c: 90 });
    await until("three", async () => (await alarmsOf(d, "many-1")).length === 3);
    assert.equal((await alarmsOf(d, "many-1", "&severity=critical")).length, 1);
    assert.equal((await alarmsOf(d, "many-1", "&severity=critical,warning")).length, 3);
    assert.equal((await alarmsOf(d, "many-1", "&sensor=a")).length, 1);
    const seen = [];
    for (let cursor = ""; cursor !== undefined; ) {
        const r = await d.get(`/api/v1/alarms?twin=many-1&limit=1${cursor}`);
        seen.push(...r.body.alarms.map((a) => a.sensor));
        cursor = r.body.next && `&cursor=${r.body.next}`;
    }
    assert.deepEqual(seen.sort(), ["a", "b", "c"]);
    const wrong = await d.get("/api/v1/alarms?severity=bad");
    assert.equal(wrong.status, 400);
    assert.match(wrong.body.detail, /info, warning, major or critical/);
});

test("the stream tells of every step", async () => {
    await d.create(twin("live-1", { t: RANGES }));
    const heard = [];
    const ws = new WebSocket(d.ws);
    ws.onmessage = (m) => heard.push(JSON.parse(m.data));
    await new Promise((resolve) => {
        ws.onopen = resolve;
    });
    ws.send(JSON.stringify({ alarms: true }));
    await until("it is heard", async () => {
        await say(d, "live-1", { t: heard.length ? 90 : 60 });
        return heard.some((m) => m.event === "alarm" && m.alarm.twin === "live-1");
    });
    await say(d, "live-1", { t: 10 });
    await until("its end too", () => heard.some((m) => m.step === "cleared"));
    ws.close();
});

test("a storm is told as one alarm, with its number", async (t) => {
    const server = await start(t, { args: ["--alarm-flood-twin", "5"] });
    const sensors = Object.fromEntries([...Array(12).keys()].map((i) => [`s${i}`, RANGES]));
    await server.create(twin("storm-1", sensors));
    await say(server, "storm-1", Object.fromEntries(Object.keys(sensors).map((s) => [s, 90])));
    await until("thirteen", async () => (await alarmsOf(server, "storm-1")).length === 13);
    const told = await alarmsOf(server, "storm-1", "&grouped=false");
    assert.equal(told.length, 6);
    const flood = told.find((a) => a.source === "flood");
    await until("its number", async () =>
        /7 more alarms/.test((await server.get(`/api/v1/alarms/${flood.id}`)).body.message),
    );
});

test("kill -9 loses and doubles no alarm", async (t) => {
    const server = await start(t, { args: ["--alarm-flood-twin", "1000"] });
    const names = [...Array(8).keys()].map((i) => `s${i}`);
    const sensors = Object.fromEntries(names.map((s) => [s, RANGES]));
    await server.create(twin("hard-1", sensors));
    for (let round = 0; round < 4; round++) {
        const value = round % 2 ? 10 : 90;
        await Promise.all(names.map((s) => say(server, "hard-1", { [s]: value })));
        await server.kill();
        await server.restart();
        await until(`round ${round}`, async () => {
            const all = await alarmsOf(server, "hard-1", "&source=range");
            return all.length === names.length && all.every((a) => a.active === (value === 90));
        });
    }
    for (const a of await alarmsOf(server, "hard-1", "&source=range")) {
        assert.equal(a.count, 2, "once a round, not less and not more");
        const { steps } = (await server.get(`/api/v1/alarms/${a.id}`)).body;
        assert.deepEqual(
            steps.map((s) => s.step),
            ["raised", "cleared", "repeated", "cleared"],
        );
    }
});

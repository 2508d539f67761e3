/* Rules: expressions over sensors and neighbours that raise and clear alarms, as readings come and as
 * time passes. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { shared, start, until } from "../lib/doppel.mjs";
import { twin } from "../lib/profiles.mjs";

const d = shared();

const make = async (server, rule) => {
    const r = await server.post("/api/v1/rules", rule);
    assert.equal(r.status, 201, r.text);
};
const say = async (server, id, body) => {
    const r = await server.send("POST", `/api/v1/twins/${id}/readings`, body);
    assert.equal(r.status, 200, r.text);
};
const at = (s, v) => ({ t: { value: v, timestamp: new Date(Date.now() - 60000 + s * 1000) } });

async function alarm(server, id, fits) {
    let found;
    await until("an alarm as is wanted", async () => {
        const r = await server.get(`/api/v1/alarms?twin=${id}`);
        assert.equal(r.status, 200, r.text);
        [found] = r.body.alarms;
        return found && fits(found);
    });
    return found;
}

test("a rule raises an alarm with its message and readings, and clears it", async () => {
    await d.create(twin("r-1", { t: {} }));
    await make(d, {
        id: "hot",
        when: "avg_over(t, '10s') > 80",
        clear: "t < 70",
        on: { twins: ["r-1"] },
        severity: "major",
        message: "{twin.name}: {round(t, 1)} degrees",
    });
    await say(d, "r-1", at(0, 90));
    const raised = await alarm(d, "r-1", (a) => a.active);
    assert.equal(raised.source, "rule");
    assert.equal(raised.rule, "hot");
    assert.equal(raised.ruleVersion, 1);
    assert.equal(raised.severity, "major");
    assert.match(raised.message, /: 90 degrees$/);
    assert.equal(raised.readings[0].sensor, "t");
    assert.equal(raised.readings[0].value, 90);
    await say(d, "r-1", at(1, 75));
    await say(d, "r-1", at(2, 60));
    await alarm(d, "r-1", (a) => !a.active);
    /* what comes late does not fire */
    await say(d, "r-1", at(1.5, 500));
    await say(d, "r-1", at(13, 20));
    assert.equal((await d.get("/api/v1/alarms?twin=r-1")).body.alarms[0].count, 1);
});

test("FOR by the readings' own time, and a rule that is switched off clears", async () => {
    await d.create(twin("r-2", { t: {} }));
    await make(d, { id: "long", when: "t > 10", for: "20s", on: { twins: ["r-2"] } });
    await say(d, "r-2", at(0, 11));
    await say(d, "r-2", at(10, 12));
    assert.deepEqual((await d.get("/api/v1/alarms?twin=r-2")).body.alarms, []);
    await say(d, "r-2", at(21, 12));
    const raised = await alarm(d, "r-2", (a) => a.active);
    assert.equal(raised.message, "t > 10");
    const r = await d.send("PATCH", "/api/v1/rules/long", { enabled: false });
    assert.equal(r.status, 200, r.text);
    await alarm(d, "r-2", (a) => !a.active);
});

test("time alone: FOR runs out, and what is absent is missed", async () => {
    await d.create(twin("r-3", { t: {} }));
    await make(d, { id: "lasts", when: "t > 10", for: "1s", on: { twins: ["r-3"] } });
    await say(d, "r-3", { t: 11 });
    await alarm(d, "r-3", (a) => a.active && a.rule === "lasts");
    await d.create(twin("r-4", { t: {} }));
    await make(d, { id: "gone", when: "absent(t, '1s')", on: { twins: ["r-4"] } });
    await say(d, "r-4", { t: 1 });
    await alarm(d, "r-4", (a) => a.active && a.rule === "gone");
    await say(d, "r-4", { t: 2 });
    await alarm(d, "r-4", (a) => a.count >= 1 && a.cleared);
});

test("neighbours, by relationships that may change", async () => {
    for (const [id, target] of [
        ["r-5", "r-8"],
        ["r-6", "r-8"],
        ["r-7", "r-9"],
    ]) {
        const profile = twin(id, { t: {} });
        profile["doppel:relationships"] = [{ kind: "feeds", target }];
        await d.create(profile);
    }
    await d.create(twin("r-8", { t: {} }));
    await make(d, {
        id: "differs",
        when: "abs(t - avg(at(^feeds, t))) > 5 AND count(at(^feeds, t)) = 3",
        on: { twins: ["r-8"] },
        message: "{t} and {avg(at(^feeds, t))}",
    });
    for (const [id, v] of [
        ["r-5", 10],
        ["r-6", 20],
        ["r-7", 30],
        ["r-8", 50],
    ])
        await say(d, id, { t: v });
    assert.deepEqual((await d.get("/api/v1/alarms?twin=r-8")).body.alarms, []);
    const r = await d.send("PATCH", "/api/v1/twins/r-7", {
        "doppel:relationships": [{ kind: "feeds", target: "r-8" }],
    });
    assert.equal(r.status, 200, r.text);
    const raised = await alarm(d, "r-8", (a) => a.active);
    assert.equal(raised.message, "50 and 20");
    await d.send("DELETE", "/api/v1/twins/r-5");
    await alarm(d, "r-8", (a) => !a.active);
});

test("faults are told with their place and what to do", async () => {
    await d.create(twin("r-10", { temp: {} }));
    const refused = async (rule, wanted) => {
        const r = await d.post("/api/v1/rules", { id: "bad", on: { twins: ["r-10"] }, ...rule });
        assert.equal(r.status, 400, r.text);
        assert.match(r.body.detail, wanted);
    };
    await refused({}, /"when" is the condition/);
    await refused({ when: "temp >" }, /ends where a value should stand.*line 1, column 7.*\/when/);
    await refused({ when: "tmep > 1" }, /no sensor tmep, but temp/);
    await refused({ when: "temp > 1", message: "{avg_ove(temp)}" }, /no function avg_ove/);
    await refused({ when: "temp > 1", for: "long" }, /duration/);
    await refused({ when: "temp > 1", severity: "bad" }, /info, warning, major or critical/);
    await refused({ when: "temp > 1", on: {} }, /of which twins/);
    await refused({ when: "temp > 1", colour: "red" }, /no member "colour"/);
});

test("an expression is checked, and worked out for a twin", async () => {
    await d.create(twin("r-11", { temp: {} }));
    await say(d, "r-11", { temp: 21 });
    const check = (body) => d.post("/api/v1/expressions/check", body);
    const good = await check({ expression: "temp * 2", twin: "r-11" });
    assert.equal(good.status, 200, good.text);
    assert.equal(good.body.value, 42);
    assert.deepEqual(
        good.body.reads.map((s) => [s.twin, s.sensor]),
        [["r-11", "temp"]],
    );
    const bad = await check({ expression: "temp *\n * 2" });
    assert.deepEqual([bad.body.valid, bad.body.error.line, bad.body.error.column], [false, 2, 2]);
    const functions = (await d.get("/api/v1/expressions/functions")).body.functions;
    assert.ok(functions.some((f) => f.name === "avg_over"));
});

test("a backtest says what live evaluation said of the same readings", async () => {
    await d.create(twin("r-12", { t: {}, u: {} }));
    const begin = Date.now() - 3_600_000;
    const time = (s) => new Date(begin + s * 1000).toISOString();
    const rule = {
        id: "tested",
        when: "avg_over(t, '20s') > 50 AND u < 5",
        for: "10s",
        clearFor: "5s",
        on: { twins: ["r-12"] },
    };
    await make(d, rule);
    let seed = 7;
    const draw = (n) => {
        seed = (seed * 48271) % 2147483647;
        return seed % n;
    };
    for (let s = 0; s < 600; s += 1 + draw(6)) {
        const one = { [draw(3) ? "t" : "u"]: 0 };
        for (const key of Object.keys(one))
            one[key] = { value: key === "t" ? draw(100) : draw(7), timestamp: time(s) };
        await say(d, "r-12", one);
    }
    const span = { from: time(0), to: time(601) };
    const body = { rule, twin: "r-12", ...span };
    const tested = await d.post("/api/v1/rules/test", body);
    assert.equal(tested.status, 200, tested.text);
    const byId = await d.post("/api/v1/rules/test", { ...body, rule: "tested" });
    assert.deepEqual(byId.body, tested.body);
    assert.ok(tested.body.fired > 1, tested.text);
    const [{ count }] = (await d.get("/api/v1/alarms?twin=r-12")).body.alarms;
    assert.equal(count, tested.body.fired);
    const bad = await d.post("/api/v1/rules/test", { ...body, rule: { ...rule, when: "v > 1" } });
    assert.equal(bad.status, 400, bad.text);
    assert.match(bad.body.detail, /no sensor v/);
});

test("rules are at work again after a restart, and know what stands", async (t) => {
    const server = await start(t);
    await server.create(twin("again", { t: {} }));
    await make(server, { id: "high", when: "t > 5", on: { twins: ["again"] } });
    await say(server, "again", { t: 6 });
    const { id } = await alarm(server, "again", (a) => a.active);
    await server.kill();
    await server.start();
    await say(server, "again", { t: 7 });
    const still = await alarm(server, "again", (a) => a.active);
    assert.deepEqual([still.id, still.count], [id, 1]);
    await say(server, "again", { t: 1 });
    await alarm(server, "again", (a) => !a.active);
});

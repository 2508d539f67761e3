/* Explain an alarm: a filter clogs, the pump that it feeds grows hot, among things that have nothing
 * to do with it; what a person says counts the next time, also after a restart. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { start, until } from "../lib/doppel.mjs";
import { twin } from "../lib/profiles.mjs";

let d;
const MINUTE = 60_000;
const STEPS = 360;

/* Noise that is the same in every run. */
let state = 12345;
function noise() {
    let sum = -6;
    for (let i = 0; i < 12; i++) {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        sum += state / 2 ** 32;
    }
    return sum;
}

const feeds = (target) => ({ "doppel:relationships": [{ kind: "feeds", target }] });

async function incident() {
    await d.create(twin("pump", { temp: { normalRange: [0, 70] }, flow: {}, load: {} }));
    await d.create({ ...twin("filter", { dp: {}, humidity: {} }), ...feeds("pump") });
    await d.create({ ...twin("tank", { level: {} }), ...feeds("filter") });
    await d.create(twin("elsewhere", { dp: {} })); /* nothing leads there */
    const end = Math.floor(Date.now() / MINUTE) * MINUTE - MINUTE;
    const rows = { pump: [], filter: [], tank: [], elsewhere: [] };
    let heat = 0;
    for (let i = 0; i < STEPS; i++) {
        const timestamp = end - (STEPS - 1 - i) * MINUTE;
        const clog = Math.max(0, (i - 230) / 100);
        heat += (20 * clog - heat) / 30;
        rows.pump.push({
            timestamp,
            temp: i === STEPS - 1 ? 75 : Math.min(69.9, 50 + heat + 0.5 * noise()),
            flow: 32 - 8 * clog + 0.5 * noise(),
            load: 50 + 5 * Math.sin(i / 8) + 2 * noise(),
        });
        rows.filter.push({
            timestamp,
            dp: 0.4 + 0.5 * clog + 0.02 * noise(),
            humidity: 40 + noise(),
        });
        rows.tank.push({ timestamp, level: 2.5 + 0.02 * noise() });
        rows.elsewhere.push({ timestamp, dp: 0.4 + 0.5 * clog });
    }
    for (const [id, list] of Object.entries(rows)) {
        const r = await d.send("POST", `/api/v1/twins/${id}/readings`, list);
        assert.equal(r.status, 200, r.text);
    }
    let found;
    await until("the alarm", async () => {
        [found] = (await d.get("/api/v1/alarms?twin=pump")).body.alarms;
        return found;
    });
    return found;
}

const explain = async (id) => {
    const r = await d.get(`/api/v1/alarms/${id}/explanation`);
    assert.equal(r.status, 200, r.text);
    return r.body;
};
const rank = (e, cause) => e.causes.findIndex((c) => c.cause === cause) + 1;

async function refusals(alarm) {
    assert.equal((await d.get("/api/v1/alarms/a-999999/explanation")).status, 404);
    assert.equal((await d.get("/api/v1/alarms/x/explanation")).status, 404);
    for (const window of ["", "1s", "400d", "soon"])
        assert.equal(
            (await d.get(`/api/v1/alarms/${alarm.id}/explanation?window=${window}`)).status,
            400,
        );
    const say = (body) => d.send("POST", `/api/v1/alarms/${alarm.id}/causes`, body);
    for (const body of [
        {},
        { cause: "dp", verdict: "confirmed" },
        { cause: "sensor:a/b", verdict: "maybe" },
        { cause: "sensor:a/b", verdict: "rejected", more: 1 },
        { cause: "sensor:a/b", verdict: "rejected", comment: "x".repeat(2001) },
    ])
        assert.equal((await say(body)).status, 400, JSON.stringify(body));
}

test("the true cause stands in the first three, and what people say of it counts", async (t) => {
    d = await start(t);
    const alarm = await incident();
    const e = await explain(alarm.id);
    assert.equal(e.effect.sensor, "temp");
    const at = rank(e, "sensor:filter/dp");
    assert.ok(at >= 1 && at <= 3, JSON.stringify(e.causes.map((c) => [c.cause, c.score])));
    const cause = e.causes[at - 1];
    assert.equal(cause.hops, 1);
    assert.ok(cause.onset.jump > 3 && cause.correlation > 0.8 && cause.leadSeconds > 3600);
    assert.equal(cause.points.length, 240);
    assert.equal(rank(e, "sensor:elsewhere/dp"), 0);

    /* what people say is kept, and counts */
    const say = (body) => d.send("POST", `/api/v1/alarms/${alarm.id}/causes`, body);
    let r = await say({ cause: "sensor:filter/dp", verdict: "confirmed", comment: "was clogged" });
    assert.equal(r.status, 204, r.text);
    r = await say({ cause: "sensor:pump/flow", verdict: "rejected" });
    assert.equal(r.status, 204, r.text);
    const check = async () => {
        const again = await explain(alarm.id);
        assert.equal(rank(again, "sensor:filter/dp"), 1);
        assert.equal(again.causes[0].confirmed, 1);
        assert.ok(again.causes[0].score > cause.score);
        assert.equal(again.causes.find((c) => c.cause === "sensor:pump/flow").rejected, 1);
        assert.deepEqual(again.said.map((s) => s.verdict).sort(), ["confirmed", "rejected"]);
    };
    await check();
    await d.kill();
    await d.restart();
    await check();
    await refusals(alarm);
    const audit = (await d.get("/api/v1/audit?limit=5")).text;
    assert.match(audit, /alarms:cause/);
});

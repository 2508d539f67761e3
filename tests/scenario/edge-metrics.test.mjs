/* /metrics against the grammar of both its forms: Prometheus text 0.0.4 and OpenMetrics 1.0. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { shared } from "../lib/doppel.mjs";
import { twin } from "../lib/profiles.mjs";

const d = shared({}, async (server) => {
    await server.create(twin("m-1", ["a"]));
    await server.post("/api/v1/twins/m-1/readings", { a: 1, nosuch: 2 });
    await server.post("/api/v1/twins/m-1/readings", "{");
});

const SAMPLE =
    /^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{(?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\"n])*",?)*\})? (\S+)$/;
const NUMBER = /^(?:[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?|[+-]Inf|NaN)$/;

/* Families in order: {name: {type, unit, help, samples}}; fails on what the grammar does not have. */
function parse(text, open) {
    assert.ok(text.endsWith("\n"));
    const families = new Map();
    const lines = text.slice(0, -1).split("\n");
    if (open) assert.equal(lines.pop(), "# EOF");
    let family;
    for (const line of lines) {
        const head = /^# (HELP|TYPE|UNIT) (\S+) (.+)$/.exec(line);
        if (head) {
            const [, what, name, value] = head;
            if (family?.name !== name) {
                assert.ok(!families.has(name), `${name} stands together`);
                family = { name, samples: [] };
                families.set(name, family);
            }
            assert.equal(family.samples.length, 0, `${what} before the samples`);
            assert.ok(open || what !== "UNIT");
            assert.ok(!(what in family), `${name} has one ${what}`);
            family[what] = value;
            continue;
        }
        const sample = SAMPLE.exec(line);
        assert.ok(sample, `a sample: ${line}`);
        const [, name, labels, value] = sample;
        assert.match(value, NUMBER);
        const suffix = open && { counter: "_total", info: "_info" }[family.TYPE];
        assert.equal(name, family.name + (suffix || ""));
        family.samples.push({ labels, value: Number(value) });
    }
    for (const f of families.values()) {
        assert.ok(f.TYPE && f.HELP, `${f.name} is told about`);
        if (f.UNIT) assert.ok(f.name.endsWith(`_${f.UNIT}`));
        const labels = f.samples.map((s) => s.labels);
        assert.equal(new Set(labels).size, labels.length, "each sample once");
        if (f.TYPE === "counter")
            for (const s of f.samples) assert.ok(s.value >= 0 && Number.isFinite(s.value));
        if (f.TYPE === "counter" && !open) assert.match(f.name, /_total$/);
    }
    return families;
}

test("Prometheus text", async () => {
    const r = await d.get("/metrics");
    assert.equal(r.type, "text/plain; version=0.0.4; charset=utf-8");
    const families = parse(r.text, false);
    assert.equal(families.get("doppel_readings_total").samples[0].value, 1);
    const refused = families.get("doppel_rejections_total").samples;
    assert.deepEqual(
        refused.map((s) => [s.labels, s.value]),
        [
            ['{code="malformed"}', 1],
            ['{code="unknown-sensor"}', 1],
        ],
    );
    assert.match(families.get("doppel_build_info").samples[0].labels, /version="\d+\.\d+/);
});

test("OpenMetrics, for those who accept it", async () => {
    const accept = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5";
    const r = await d.get("/metrics", { headers: { accept } });
    assert.equal(r.type, "application/openmetrics-text; version=1.0.0; charset=utf-8");
    const families = parse(r.text, true);
    assert.equal(families.get("doppel_build").TYPE, "info");
    assert.equal(families.get("doppel_readings").TYPE, "counter");
    assert.equal(families.get("doppel_uptime_seconds").UNIT, "seconds");
});

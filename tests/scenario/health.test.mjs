/* /healthz, /readyz, /metrics, /api/v1/status, /api/v1/sample; and the end of a server. */

import assert from "node:assert/strict";
import { statfsSync } from "node:fs";
import { test } from "node:test";
import { run, SLOW, shared, start } from "../lib/doppel.mjs";
import { core, twin } from "../lib/profiles.mjs";
import { connectMqtt, Stream } from "../lib/streams.mjs";
import { within } from "../lib/wait.mjs";

const d = shared();

/* The text format of Prometheus, read strictly: {name: {type, help, samples: [{labels, value}]}}. */
function parseMetrics(text) {
    assert.ok(text.endsWith("\n"), "the last line has an end");
    const families = new Map();
    const seen = new Set();
    let current;
    for (const line of text.slice(0, -1).split("\n")) {
        if (line === "# EOF") continue;
        const meta = /^# (HELP|TYPE|UNIT) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+)$/.exec(line);
        if (meta) {
            const [, kind, name, rest] = meta;
            if (!families.has(name)) families.set(name, { samples: [] });
            current = families.get(name);
            assert.equal(kind.toLowerCase() in current, false, `${kind} of ${name} stands twice`);
            current[kind.toLowerCase()] = rest;
            current.name = name;
            continue;
        }
        const sample = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{(.*)\})? (\S+)( \d+)?$/.exec(line);
        assert.ok(sample, `no sample: ${line}`);
        const [, name, , labelText = "", value] = sample;
        assert.ok(current && name.startsWith(current.name), `${name} stands outside of its family`);
        assert.match(labelText, /^([a-zA-Z_]\w*="([^"\\\n]|\\[\\n"])*"(,(?!$)|$))*$/);
        assert.ok(!Number.isNaN(Number(value)) || /^[+-]?(Inf|NaN)$/.test(value), line);
        assert.equal(seen.has(name + labelText), false, `${line} stands twice`);
        seen.add(name + labelText);
        current.samples.push({ name, labels: labelText, value: Number(value) });
    }
    return families;
}

test("/metrics is Prometheus text: every family has help, a type and samples", async () => {
    await d.create(twin("m", ["a"]));
    const before = parseMetrics((await d.get("/metrics")).text);
    await d.post(
        "/api/v1/twins/m/readings",
        Array.from({ length: 40 }, (_, i) => ({ sensor: "a", value: i })),
    );
    const r = await d.get("/metrics");
    assert.match(r.type, /^(text\/plain; version=0\.0\.4|application\/openmetrics-text)/);
    const after = parseMetrics(r.text);
    assert.ok(after.size >= 10, [...after.keys()].join());
    /* one that has a label may have nothing to count yet */
    const empty = [...after].filter(([, f]) => f.samples.length === 0).map(([name]) => name);
    assert.ok(empty.length <= 1, empty.join());
    for (const [name, f] of after) {
        assert.match(name, /^(doppel|process)_/);
        assert.ok(f.help?.length > 5, `${name} has no help`);
        assert.match(f.type ?? "", /^(counter|gauge|histogram|summary)$/, name);
        if (f.type === "counter") for (const s of f.samples) assert.match(s.name, /_total$/);
    }
    const sum = (families) =>
        [...families.values()]
            .filter(
                (f) =>
                    f.type === "counter" && /reading/.test(f.name) && !/reject|refus/.test(f.name),
            )
            .flatMap((f) => f.samples)
            .reduce((n, s) => n + s.value, 0);
    assert.ok(sum(after) - sum(before) >= 40, "the forty readings are counted");
});

test("/healthz and /readyz", async () => {
    for (const path of ["/healthz", "/readyz"]) {
        const r = await d.get(path);
        assert.equal(r.status, 200, r.text);
    }
});

test("/api/v1/status tells what runs", async () => {
    const { body } = await d.get("/api/v1/status");
    assert.match(body.version, /^\d+\.\d+\.\d+/);
    assert.equal(body.twins, 1);
    assert.equal(typeof body.uptime, "number");
    assert.ok(body.series >= 1);
    assert.ok("readings" in body && "connections" in body);
    const { storage } = body;
    assert.ok(storage.ok && storage.readings >= 0);
    const fs = statfsSync(d.data);
    const free = fs.bavail * fs.bsize;
    assert.ok(Math.abs(storage.freeBytes - free) < 0.5 * free, `${storage.freeBytes} of ${free}`);
    const { text } = await d.get("/metrics");
    assert.match(text, /^doppel_storage_free_bytes [1-9]/m);
    assert.match(text, /^doppel_history_readings \d/m);
    assert.equal(body.addresses.http, d.http);
    assert.equal(body.addresses.mqtt, d.mqtt);
});

test("the sample can be posted as it is", async () => {
    const sample = await d.get("/api/v1/sample?id=from-sample");
    assert.equal(sample.status, 200);
    assert.equal(sample.body.identifier.value, "from-sample");
    const verdict = await d.post("/api/v1/validate", sample.text);
    assert.equal(verdict.body.core, true);
    assert.deepEqual(
        verdict.body.findings.filter((f) => f.severity === "error"),
        [],
    );
    assert.equal((await d.post("/api/v1/twins", sample.text)).status, 201);
});

test("SIGTERM ends it cleanly within two seconds, with clients connected and readings under way", async (t) => {
    const s = await start(t);
    await s.create(core("busy"));
    await s.send("PUT", "/api/v1/twins/busy", twin("busy", ["a"]));
    const clients = await Promise.all(Array.from({ length: 20 }, () => connectMqtt(t, s)));
    const streams = await Promise.all(Array.from({ length: 5 }, () => Stream.open(t, s)));
    for (const w of streams) await w.ask({ subscribe: [{ twin: "*" }], id: 1 });
    let i = 0;
    const acknowledged = [];
    const pump = (c) => {
        const value = ++i;
        c.publish(
            "twins/busy/sensors/a",
            JSON.stringify({ value, timestamp: 1700000000000 + value }),
            { qos: 1 },
            (e) => {
                if (e) return;
                acknowledged.push([1700000000000 + value, value]);
                if (!c.disconnecting && c.connected) pump(c);
            },
        );
    };
    for (const c of clients) pump(c);
    await within(
        "some traffic",
        (async () => {
            while (acknowledged.length < 500) await new Promise((r) => setTimeout(r, 10));
        })(),
        20_000,
    );
    const ms = await s.stop("SIGTERM");
    assert.deepEqual(s.exit, { code: 0, signal: null }, s.log);
    assert.ok(ms < 2000 * (SLOW > 1 ? 2 : 1), `${ms.toFixed(0)} ms`);
    await s.start();
    const kept = new Map(await s.allHistory("busy", "a"));
    for (const [time, value] of acknowledged) assert.equal(kept.get(time), value);
});

test("SIGINT ends it as well", async (t) => {
    const s = await start(t);
    await s.stop("SIGINT");
    assert.deepEqual(s.exit, { code: 0, signal: null });
});

test("an address in use is said, and is an error", async () => {
    const r = await run(
        process.env.DOPPEL_BIN ?? "build/release/doppel",
        [
            "serve",
            "--data",
            `${d.data}/../${Date.now()}-other`,
            "--http",
            d.http,
            "--mqtt",
            "127.0.0.1:0",
        ],
        { timeout: 20_000 * SLOW },
    );
    assert.notEqual(r.code, 0);
    assert.match(r.stderr, new RegExp(d.http.replaceAll(".", "\\.")));
});

/* Profiles: what is kept and given back, what is filled in, what is found; the schema that agrees. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import Ajv2020 from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { doppel, ROOT, shared } from "../lib/doppel.mjs";
import { core, EXAMPLE_FILE, example, exampleText, profileCases, twin } from "../lib/profiles.mjs";
import { at, raw } from "../lib/rawjson.mjs";

const d = shared();
const errors = (findings) => findings.filter((f) => f.severity === "error");
const validate = async (text) => {
    const r = await d.post("/api/v1/validate", text);
    assert.equal(r.status, 200, r.text);
    return r.body;
};

test("the specification's complete example has no error, over HTTP and on the command line", async () => {
    const verdict = await validate(exampleText());
    assert.equal(verdict.complete, true);
    assert.equal(verdict.core, true);
    assert.deepEqual(errors(verdict.findings), []);
    const r = await doppel(["validate", EXAMPLE_FILE]);
    assert.equal(r.code, 0, r.output);
});

test("what was posted is what is kept: unknown members, their order, the digits of numbers", async () => {
    const text = exampleText()
        .replace(
            '"name": "Manufacturing Robot Digital Twin"',
            '"zeta": 12.50, "alpha": [1E5, -0.0, 1.0e-7], "name": "Manufacturing Robot Digital Twin"',
        )
        .replace(
            '"productionLine"',
            '"big": 9007199254740993, "unknown": {"b": null, "a": {"deep": [true, {}]}}, "productionLine"',
        )
        .replace('"twin-2024-001"', '"kept"');
    const made = await d.post("/api/v1/twins", text);
    assert.equal(made.status, 201, made.text);
    const sent = raw(text);
    const kept = raw((await d.get("/api/v1/twins/kept?live=false")).text);
    assert.deepEqual(kept, sent);
    assert.deepEqual(at(kept, "zeta"), { digits: "12.50" });
    assert.deepEqual(at(kept, "subjectOf", "big"), { digits: "9007199254740993" });
    const live = raw((await d.get("/api/v1/twins/kept")).text);
    assert.deepEqual(
        live.object.map(([k]) => k),
        sent.object.map(([k]) => k),
    );
    assert.deepEqual(at(live, "alpha"), [
        { digits: "1E5" },
        { digits: "-0.0" },
        { digits: "1.0e-7" },
    ]);
});

test("a merge patch leaves the digits and the order of the rest alone", async () => {
    const r = await d.send(
        "PATCH",
        "/api/v1/twins/kept",
        '{"description":"new","added":3.10}',
        "application/merge-patch+json",
    );
    assert.equal(r.status, 200, r.text);
    const kept = raw((await d.get("/api/v1/twins/kept?live=false")).text);
    assert.deepEqual(at(kept, "zeta"), { digits: "12.50" });
    assert.deepEqual(at(kept, "added"), { digits: "3.10" });
    assert.equal(kept.object.at(-1)[0], "added");
});

test("from the core alone a twin is made, what was missing is filled and shown, and it is complete", async () => {
    const made = await d.post("/api/v1/twins", twin("newcomer", ["temp-1"]));
    assert.equal(made.status, 201, made.text);
    for (const pointer of ["/synchronization", "/dataStorage", "/maintenance"])
        assert.ok(
            made.body.filled.some((p) => p === pointer || p.startsWith(`${pointer}/`)),
            `${pointer} in ${made.body.filled}`,
        );
    assert.deepEqual(errors(made.body.findings), []);
    const { synchronization, dataStorage, maintenance } = made.body.profile;
    assert.equal(synchronization.mechanism, "MQTT");
    assert.match(synchronization.endpoint, new RegExp(`^mqtt://.*:${d.mqttPort}/.*newcomer`));
    assert.ok(dataStorage.historicalData.retentionPeriod);
    assert.equal(typeof maintenance, "object");
    const findings = await d.get("/api/v1/twins/newcomer/findings");
    assert.equal(findings.body.complete, true, findings.text);
});

test("five lines without a sensor make a twin as well", async () => {
    const made = await d.post("/api/v1/twins", core("bare"));
    assert.equal(made.status, 201, made.text);
    assert.ok(made.body.filled.length > 0);
});

test("a finding has a rule, a severity, a pointer, the line and column, and says what to do", async () => {
    const text = exampleText();
    const lines = text.split("\n");
    const line = lines.findIndex((l) => l.includes('"criticalRange": [75, 90]'));
    lines[line] = lines[line].replace("[75, 90]", "[90, 75]");
    const verdict = await validate(lines.join("\n"));
    assert.equal(verdict.complete, false);
    const [finding, ...others] = errors(verdict.findings);
    assert.deepEqual(others, []);
    assert.equal(finding.rule, "sensor.range");
    assert.match(finding.pointer, /^\/sensors\/0\/criticalRange/);
    assert.equal(finding.line, line + 1);
    const column = lines[line].indexOf("[90, 75]") + 1;
    assert.ok(Math.abs(finding.column - column) <= 1, `column ${finding.column}, not ${column}`);
    assert.ok(finding.message.split(" ").length >= 4, finding.message);
});

test("columns count characters, also behind umlauts and emoji", async () => {
    const { text, column } = (() => {
        const line = '"note": "Fräse 🦾", "sensors": 7, "description": "x",';
        const t = JSON.stringify(core("u")).replace(
            '"description":"a twin of a test",',
            `\n${line}\n`,
        );
        return { text: t, column: [...line.slice(0, line.indexOf("7"))].length + 1 };
    })();
    const finding = errors((await validate(text)).findings).find((f) => f.rule === "sensors");
    assert.equal(finding.line, 2);
    assert.equal(finding.column, column);
});

test("what is no JSON is a finding with its place", async () => {
    for (const [text, line] of [
        ['{\n  "a": 1,\n  oops\n}', 3],
        ["", 1],
        ['{"a":1}\n{}', 2],
        ['{"a":1,\n"a":2}', 2],
    ]) {
        const verdict = await validate(text);
        assert.equal(verdict.core, false);
        const [finding] = errors(verdict.findings);
        assert.equal(finding.rule, "json");
        assert.equal(finding.line, line, JSON.stringify(finding));
    }
});

test("each case of a rule finds what it says and nothing else", async () => {
    const wrong = [];
    for (const c of profileCases()) {
        const { findings } = await validate(c.text);
        const found = findings.map(
            ({ rule, severity, pointer }) => `${severity} ${rule} ${pointer}`,
        );
        const wanted = c.finds.map(({ severity, pointer }) => `${severity} ${c.rule} ${pointer}`);
        if (found.join("\n") !== wanted.join("\n"))
            wrong.push({ case: `${c.rule}: ${c.name}`, found, wanted });
    }
    assert.deepEqual(wrong, []);
});

test("the schema is served, is one, and takes and refuses what the validator does", async () => {
    const served = await d.get("/schemas/twin-profile.json");
    assert.equal(served.status, 200);
    assert.match(served.type, /application\/(schema\+)?json/);
    assert.match(served.body.$schema, /2020-12/);
    const ajv = new Ajv2020({
        strict: true,
        allowUnionTypes: true,
        strictTuples: false,
        strictTypes: false,
        strictRequired: false,
        allErrors: true,
    });
    addFormats(ajv);
    const check = ajv.compile(served.body);
    const good = ["complete.json", "perfect.json"].map((f) => ({
        name: f,
        rule: "none",
        text: readFileSync(join(ROOT, "tests/profiles", f), "utf8"),
    }));
    const cases = [...good, ...profileCases()];
    assert.ok(cases.length > 200, `only ${cases.length} cases`);
    const disagree = [];
    let held = 0;
    for (const c of cases) {
        const { complete } = await validate(c.text);
        if (c.schema) {
            /* what a schema cannot say; the case tells why */
            assert.equal(complete, false, c.name);
            continue;
        }
        held++;
        const valid = check(JSON.parse(c.text));
        if (valid !== complete)
            disagree.push(
                `${c.rule}: ${c.name}: the validator says ${complete}, the schema ${valid} ${valid ? "" : ajv.errorsText(check.errors)}`,
            );
    }
    assert.deepEqual(disagree, []);
    assert.ok(
        held > 0.9 * cases.length,
        `only ${held} of ${cases.length} cases are held against the schema`,
    );
});

test("every example in the schema is valid where it stands", async () => {
    const { body: schema } = await d.get("/schemas/twin-profile.json");
    const ajv = new Ajv2020({ strict: false });
    addFormats(ajv);
    let examples = 0;
    const walk = (part) => {
        if (typeof part !== "object" || part === null) return;
        for (const one of part.examples ?? []) {
            const check = ajv.compile({ ...part, $id: undefined, $defs: schema.$defs });
            assert.ok(check(one), `${JSON.stringify(one)}: ${ajv.errorsText(check.errors)}`);
            examples++;
        }
        for (const [key, value] of Object.entries(part)) if (key !== "examples") walk(value);
    };
    walk(schema);
    assert.ok(examples > 30, `only ${examples}`);
});

test("on reading a twin back the live parts are live", async () => {
    const profile = example("alive");
    profile.dataStorage.analytics.alertThresholds.temperature = 70;
    await d.create(profile);
    const before = (await d.get("/api/v1/twins/alive")).body;
    const sensor = (p, id) => p.sensors.find((s) => s.id === id);
    const now = Date.now();
    await d.post("/api/v1/twins/alive/readings", {
        timestamp: now,
        "temp-1": 80.5,
        "motion-1": 12.25,
    });
    const after = (await d.get("/api/v1/twins/alive")).body;
    assert.equal(sensor(after, "temp-1").currentValue, 80.5);
    assert.equal(Date.parse(sensor(after, "temp-1").timestamp), now);
    assert.equal(sensor(after, "motion-1").currentValue, 12.25);
    assert.equal(Date.parse(after.synchronization.lastSynced), now);
    assert.notEqual(
        after.synchronization.connectionStatus,
        before.synchronization.connectionStatus,
    );
    assert.equal(typeof after.synchronization.latency, "number");
    assert.ok(after.synchronization.latency >= 0 && after.synchronization.latency < 60_000);
    assert.match(String(after.performance.uptime), /^\d+(\.\d+)?%?$/);
    const alert = after.performance.alerts.find(
        (a) => a.source === "temp-1" && Date.parse(a.date) >= now - 1000,
    );
    assert.ok(alert, JSON.stringify(after.performance.alerts));
    assert.equal(alert.value, 80.5);
    const kept = (await d.get("/api/v1/twins/alive?live=false")).body;
    assert.deepEqual(kept, profile);
    assert.equal(
        (await d.post("/api/v1/validate", JSON.stringify(after))).body.complete,
        true,
        "and still complete",
    );
});

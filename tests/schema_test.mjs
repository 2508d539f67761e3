// The JSON Schema of a profile and the validator agree on every case of tests/profiles; the oracle is ajv.
//
// usage: node --test tests/schema_test.mjs
// The schema is the file that DOPPEL_SCHEMA names; without it, the newest profile_test under build/ writes one.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import test from "node:test";
import { fileURLToPath } from "node:url";
import Ajv2020 from "ajv/dist/2020.js";
import addFormats from "ajv-formats";

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), "..");
const profiles = path.join(root, "tests", "profiles");
const readText = (name) => readFileSync(path.join(profiles, name), "utf8");

function newestProgram() {
    const build = path.join(root, "build");
    const programs = existsSync(build)
        ? readdirSync(build)
              .map((preset) => path.join(build, preset, "profile_test"))
              .filter((file) => existsSync(file))
        : [];
    programs.sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs);
    assert.ok(programs.length > 0, "build profile_test first, or name a schema in DOPPEL_SCHEMA");
    return programs[0];
}

function readSchema() {
    if (process.env.DOPPEL_SCHEMA)
        return JSON.parse(readFileSync(process.env.DOPPEL_SCHEMA, "utf8"));
    const dir = mkdtempSync(path.join(tmpdir(), "doppel-schema-"));
    const file = path.join(dir, "schema.json");
    try {
        spawnSync(newestProgram(), {
            cwd: root,
            env: { ...process.env, DOPPEL_WRITE_SCHEMA: file },
        });
        return JSON.parse(readFileSync(file, "utf8"));
    } finally {
        rmSync(dir, { recursive: true });
    }
}

// Where a JSON Pointer leads: the object or list, and the key or index in it.
function place(document, pointer) {
    const steps = pointer
        .split("/")
        .slice(1)
        .map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));
    const last = steps.pop();
    return { home: steps.reduce((value, step) => value[step], document), last };
}

function edited(base, edits) {
    const document = JSON.parse(base);
    for (const edit of edits) {
        const { home, last } = place(document, edit.at);
        if (!("set" in edit)) delete home[last];
        else if (last === "-") home.push(edit.set);
        else home[last] = edit.set;
    }
    return document;
}

function parsed(text) {
    try {
        return { value: JSON.parse(text) };
    } catch {
        return undefined;
    }
}

const schema = readSchema();
const ajv = new Ajv2020({
    allErrors: true,
    strict: true,
    strictTypes: false,
    strictRequired: false,
});
addFormats(ajv);
const validate = ajv.compile(schema);
const base = readText("perfect.json");
const cases = JSON.parse(readText("cases.json"));

test("the schema is a schema of draft 2020-12", () => {
    assert.equal(schema.$schema, "https://json-schema.org/draft/2020-12/schema");
    assert.ok(ajv.validateSchema(schema), ajv.errorsText(ajv.errors));
});

test("the complete example and the perfect one are valid", () => {
    for (const name of ["complete.json", "perfect.json"]) {
        assert.ok(
            validate(JSON.parse(readText(name))),
            `${name}: ${ajv.errorsText(validate.errors)}`,
        );
    }
});

test("every example in the schema is valid where it stands", () => {
    let examples = 0;
    const walk = (part) => {
        if (typeof part !== "object" || part === null) return;
        for (const example of part.examples ?? []) {
            const alone = ajv.compile({ ...part, $defs: schema.$defs });
            assert.ok(
                alone(example),
                `${JSON.stringify(example)}: ${ajv.errorsText(alone.errors)}`,
            );
            examples++;
        }
        for (const [key, value] of Object.entries(part)) if (key !== "examples") walk(value);
    };
    walk(schema);
    assert.ok(examples > 30);
});

for (const c of cases) {
    test(`${c.rule}: ${c.name}`, () => {
        const document = "text" in c ? parsed(c.text) : { value: edited(base, c.edit) };
        if (!document) {
            assert.ok(c.schema, "a text that is no JSON says so under schema");
            return;
        }
        const hasError = c.finds.some((finding) => finding.severity === "error");
        const valid = validate(document.value);
        assert.equal(valid, !hasError || Boolean(c.schema), ajv.errorsText(validate.errors));
        if (c.schema) assert.ok(hasError, "an exception is an error");
    });
}

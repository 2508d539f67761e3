/* What a command's JSON Schema takes, against ajv: the same schemas and values, made at random. */

import assert from "node:assert/strict";
import { test } from "node:test";
import Ajv2020 from "ajv/dist/2020.js";
import { shared } from "../lib/doppel.mjs";
import { twin } from "../lib/profiles.mjs";

const d = shared({ args: ["--command-queue", "10000"] });
const SCHEMAS = 60;
const VALUES = 12;

let seed = 20260;
const below = (n) => {
    seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
    return (seed >> 12) % n;
};
const one = (...of) => of[below(of.length)];
const times = (n, make) => Array.from({ length: n }, make);

function value(depth) {
    const plain = [null, true, false, 0, 1, -2, 2.5, 12, "", "a", "ab", "äöü", "😀"];
    if (depth === 0 || below(2)) return one(...plain);
    if (below(2)) return times(below(4), () => value(depth - 1));
    return Object.fromEntries(times(below(4), () => [one("a", "b", "c"), value(depth - 1)]));
}

const KEYWORDS = {
    type: () => {
        const all = ["null", "boolean", "integer", "number", "string", "array", "object"];
        return below(2) ? one(...all) : [...new Set([one(...all), one(...all)])];
    },
    enum: () => times(1 + below(3), () => value(1)),
    const: () => value(1),
    minimum: () => one(0, 1, 2.5),
    maximum: () => one(1, 2.5, 12),
    exclusiveMinimum: () => one(0, 1),
    exclusiveMaximum: () => one(1, 12),
    multipleOf: () => one(1, 2, 0.5),
    minLength: () => below(3),
    maxLength: () => below(4),
    prefixItems: (depth) => times(1 + below(2), () => schema(depth - 1)),
    items: (depth) => schema(depth - 1),
    minItems: () => below(3),
    maxItems: () => below(4),
    uniqueItems: () => one(true, false),
    properties: (depth) =>
        Object.fromEntries(times(1 + below(2), () => [one("a", "b"), schema(depth - 1)])),
    additionalProperties: (depth) => one(false, schema(depth - 1)),
    required: () => [...new Set(times(below(3), () => one("a", "b", "c")))],
    minProperties: () => below(3),
    maxProperties: () => below(4),
    allOf: (depth) => times(1 + below(2), () => schema(depth - 1)),
    anyOf: (depth) => times(1 + below(2), () => schema(depth - 1)),
    oneOf: (depth) => times(1 + below(3), () => schema(depth - 1)),
    not: (depth) => schema(depth - 1),
};

function schema(depth) {
    if (depth <= 0) return one(true, { type: KEYWORDS.type() }, { minimum: 1 }, {});
    const names = Object.keys(KEYWORDS);
    return Object.fromEntries(
        times(1 + below(3), () => {
            const name = one(...names);
            return [name, KEYWORDS[name](depth)];
        }),
    );
}

test("the same values are taken and refused", async () => {
    const ajv = new Ajv2020({ strict: false });
    const schemas = times(SCHEMAS, () => schema(3));
    const commands = schemas.map((input, i) => ({ name: `c${i}`, input }));
    await d.create({ ...twin("judged", { t: {} }), "doppel:commands": commands });
    let taken = 0;
    for (const [i, input] of schemas.entries()) {
        const fits = ajv.compile(input);
        for (const sent of times(VALUES, () => value(3))) {
            const r = await d.send("POST", `/api/v1/twins/judged/commands/c${i}`, { input: sent });
            const what = `${JSON.stringify(sent)} by ${JSON.stringify(input)}: ${r.text}`;
            assert.equal(r.status, fits(sent) ? 202 : 400, what);
            taken += r.status === 202;
        }
    }
    assert.ok(taken > 50 && taken < SCHEMAS * VALUES - 50, `${taken} were taken`);
});

test("a schema that would not be held to is said to be at fault", async () => {
    const commands = [{ name: "odd", input: { properties: { a: { pattern: "^a" } } } }];
    await d.create({ ...twin("odd", { t: {} }), "doppel:commands": commands });
    const r = await d.send("POST", "/api/v1/twins/odd/commands/odd", { input: {} });
    assert.equal(r.status, 400, r.text);
    assert.match(r.body.detail, /\/properties\/a\/pattern.*not understood/);
});

/* Our parser, printer, validator and executor beside npm's graphql: the same documents, valid ones
 * and broken ones, must be accepted, refused for the same reasons at the same places, and answered
 * alike.  Ours speaks through graphql_run_test --peer, which the build makes beside the program. */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import * as g from "graphql";
import { BIN } from "../lib/doppel.mjs";
import { chance, documentOf, mutate, SDL } from "../lib/graphql.mjs";
import { SANITIZER_ENV } from "../lib/spawned.mjs";

const SEED = Number(process.env.GRAPHQL_SEED ?? 1);
const DOCUMENTS = Number(process.env.GRAPHQL_DOCUMENTS ?? 1500);
const schema = g.buildSchema(SDL);

let peer;
const waiting = [];
const ask = (request) =>
    new Promise((resolve) => {
        waiting.push(resolve);
        peer.stdin.write(`${JSON.stringify(request)}\n`);
    });

before(async () => {
    peer = spawn(join(dirname(BIN), "graphql_run_test"), ["--peer"], {
        stdio: ["pipe", "pipe", "inherit"],
        env: { ...process.env, ...SANITIZER_ENV },
    });
    createInterface({ input: peer.stdout }).on("line", (line) => {
        let answer;
        try {
            answer = JSON.parse(line);
        } catch {
            answer = { noJson: line };
        }
        waiting.shift()?.(answer);
    });
    peer.on("exit", () => {
        for (const resolve of waiting) resolve({ gone: true });
    });
    assert.deepEqual(await ask({ schema: SDL }), { errors: [] });
});

after(async () => {
    const ended = new Promise((resolve) => peer.on("exit", resolve));
    peer.stdin.end();
    assert.equal(await ended, 0, "the peer ended as it should");
});

const RULES = [...g.specifiedRules, ...g.recommendedRules].filter(
    (rule, i, all) => all.indexOf(rule) === i,
);
const place = (l) => `${l.line}:${l.column}`;
const line = (rule, locations) => `${rule} ${(locations ?? []).map(place).join(" ")}`;

/* What npm's graphql says, as lines of rule and places. */
function theirs(text) {
    let doc;
    try {
        doc = g.parse(text);
    } catch (e) {
        return { lines: [line("Syntax", e.locations)], why: e.message };
    }
    const lines = [];
    for (const rule of RULES) {
        try {
            for (const e of g.validate(schema, doc, [rule], { maxErrors: 1000 }))
                lines.push(line(rule.name.replace(/Rule$/, ""), e.locations));
        } catch (e) {
            /* it has no variables when it looks at a subscription's @skip, and throws */
            assert.equal(rule, g.SingleFieldSubscriptionsRule, e);
            return { doc, broken: true };
        }
    }
    return { doc, lines: lines.sort() };
}

const executable = (doc) =>
    doc.definitions.every((d) =>
        [g.Kind.OPERATION_DEFINITION, g.Kind.FRAGMENT_DEFINITION].includes(d.kind),
    );

/* Where a document defines types as well it is refused for that; what else is said of such
 * definitions is nobody's concern. */
const essence = (lines) => lines.filter((l) => l.startsWith("ExecutableDefinitions"));

async function same(text) {
    const them = theirs(text);
    const us = await ask({ do: "validate", query: text });
    if (them.broken) return { lines: ["broken"] };
    assert.ok(us.errors, JSON.stringify(us));
    let [a, b] = [us.errors.map((e) => line(e.rule, e.locations)).sort(), them.lines];
    if (them.doc && !executable(them.doc)) [a, b] = [essence(a), essence(b)];
    if (us.errors.some((e) => e.rule === null)) {
        assert.ok(b.length > 100, "it said that there are more, and there are");
        return them;
    }
    assert.deepEqual(a, b, `${JSON.stringify(text)}\n${them.why ?? ""}`);
    return them;
}

/* A tree of theirs without what printing may change. */
const bare = (doc) =>
    JSON.parse(JSON.stringify(doc, (k, v) => (k === "loc" || k === "block" ? undefined : v)));

async function printedAlike(text) {
    const { printed } = await ask({ do: "parse", query: text });
    assert.ok(printed !== undefined, text);
    assert.deepEqual(bare(g.parse(printed)), bare(g.parse(text)), printed);
}

test("documents that are mostly valid: the same rules at the same places", async () => {
    const counts = { valid: 0, refused: 0 };
    for (let i = 0; i < DOCUMENTS; i++) {
        const c = chance(SEED * 100000 + i);
        const text = documentOf(c, schema, g, i % 3 ? 0.03 : 0);
        const { doc, lines } = await same(text);
        counts[lines.length ? "refused" : "valid"]++;
        if (doc && i % 5 === 0) await printedAlike(text);
    }
    assert.ok(counts.valid > DOCUMENTS / 20 && counts.refused > DOCUMENTS / 20, counts);
});

test("documents with tokens out of place: the same", async () => {
    for (let i = 0; i < DOCUMENTS; i++) {
        const c = chance(SEED * 900000 + i);
        await same(mutate(c, documentOf(c, schema, g)));
    }
});

test("what the rules say of documents written to meet them", async () => {
    for (const text of CASES) await same(text);
});

test("schemas are read and printed alike, also with tokens out of place", async () => {
    await printedAlike(SDL);
    for (let i = 0; i < DOCUMENTS / 10; i++) {
        const text = mutate(chance(SEED * 700000 + i), SDL);
        let error;
        try {
            g.parse(text);
        } catch (e) {
            error = line("Syntax", e.locations);
        }
        const us = await ask({ do: "parse", query: text });
        assert.equal(us.errors && line("Syntax", us.errors[0].locations), error, text);
    }
});

test("introspection tells the same of a schema", async () => {
    const query = g.getIntrospectionQuery({
        descriptions: true,
        specifiedByUrl: true,
        directiveIsRepeatable: true,
        schemaDescription: true,
        inputValueDeprecation: true,
        oneOf: true,
    });
    const us = await ask({ do: "run", query });
    const byName = (list) => list?.toSorted((a, b) => (a.name < b.name ? -1 : 1));
    const ours = (list) => byName(list.filter((t) => !isStandard(t.name)));
    const sorted = ({ __schema: s }) => ({
        ...s,
        types: ours(s.types).map((t) => ({ ...t, possibleTypes: byName(t.possibleTypes) ?? null })),
        directives: ours(s.directives),
    });
    /* what is every schema's, without its descriptions: they may have more than the standard */
    const shape = (list) =>
        Object.fromEntries(
            list
                .filter((t) => isStandard(t.name))
                .flatMap((t) => [
                    [t.name, t.kind],
                    ...(t.args ?? []).map((a) => [`${t.name}.${a.name}`, [a.type, a.defaultValue]]),
                    ...(t.fields ?? []).map((f) => [`${t.name}.${f.name}`, f.type]),
                    ...(t.enumValues ?? []).map((v) => [`${t.name}.${v.name}`, true]),
                ]),
        );
    const them = g.executeSync({ schema, document: g.parse(query) });
    assert.deepEqual(us.errors, undefined);
    assert.deepEqual(sorted(us.data), JSON.parse(JSON.stringify(sorted(them.data))));
    const { types, directives } = JSON.parse(JSON.stringify(them.data)).__schema;
    const [a, b] = [
        shape([...us.data.__schema.types, ...us.data.__schema.directives]),
        shape([...types, ...directives]),
    ];
    for (const [name, what] of Object.entries(a)) assert.deepEqual(what, b[name], name);
    const more = Object.keys(b).filter((name) => !(name in a));
    for (const name of more) assert.match(name, /^__Directive/, "of an experiment of theirs");
    g.buildClientSchema(us.data); /* throws when it is none */
});
const STANDARD = "Int Float String Boolean ID skip include deprecated specifiedBy oneOf".split(" ");
const isStandard = (name) => name.startsWith("__") || STANDARD.includes(name);

/* ---- answers ---- */

/* A value for a type, sometimes none, sometimes an error. */
function world(c, type, depth) {
    if (g.isNonNullType(type)) {
        if (c.may(0.02)) return null;
        return world({ ...c, may: (p) => p > 0.03 && c.may(p) }, type.ofType, depth);
    }
    if (c.may(0.03)) return null;
    if (c.may(0.021)) return { __error: "it broke" };
    if (g.isListType(type))
        return Array.from({ length: c.int(3) }, () => world(c, type.ofType, depth + 1));
    if (g.isEnumType(type)) return c.one(type.getValues()).name;
    if (g.isAbstractType(type)) return world(c, c.one(schema.getPossibleTypes(type)), depth);
    if (!g.isObjectType(type))
        return (
            { Int: 5, Float: 1.25, String: "text \u00e9", Boolean: true, ID: "id-1" }[
                type.name
            ] ?? [{ any: 1 }]
        );
    const object = { __typename: type.name };
    for (const f of Object.values(type.getFields()))
        if (f.name !== "echo" && depth < 5) object[f.name] = world(c, f.type, depth + 1);
    return object;
}

const fieldResolver = (source, args, _context, info) => {
    if (info.fieldName === "echo") return JSON.stringify(args);
    const v = source?.[info.fieldName];
    if (v?.__error) throw new Error(v.__error);
    return Array.isArray(v) ? v.map((x) => (x?.__error ? new Error(x.__error) : x)) : v;
};

const echoed = (data) =>
    JSON.parse(
        JSON.stringify(data ?? null, (_k, v) =>
            typeof v === "string" && v.startsWith("{") ? JSON.parse(v) : v,
        ),
    );

function variablesFor(c, doc) {
    const values = {};
    const pick = () =>
        c.one([
            1,
            0,
            "x",
            "A",
            true,
            null,
            1.5,
            2.0,
            1e20,
            [],
            [1, 2],
            ["A"],
            { kind: "B" },
            { x: 1, y: [[1]] },
            { a: 1 },
            { b: null },
            { nothing: 1 },
            { kind: "B", not: { must: null } },
            "RPM",
        ]);
    const fit = (t) => {
        /* a null for @skip is where we differ: docs/graphql.md */
        if (c.may(0.2) && t.name?.value !== "Boolean") return pick();
        if (t.kind === g.Kind.NON_NULL_TYPE) return fit(t.type);
        if (t.kind === g.Kind.LIST_TYPE) return [fit(t.type)];
        return (
            {
                Int: 3,
                Float: 2.5,
                String: "s",
                ID: 7,
                Boolean: c.may(0.5),
                Kind: "B",
                Unit: "HZ",
                Need: { x: 1 },
                Choice: { a: 1 },
                Where: { low: 1, must: 2 },
            }[t.name.value] ?? pick()
        );
    };
    for (const d of doc.definitions)
        for (const v of d.variableDefinitions ?? [])
            if (c.may(0.85)) values[v.variable.name.value] = fit(v.type);
    return values;
}

test("answers: the same data, and errors where there are any", async () => {
    let ran = 0;
    for (let i = 0; i < DOCUMENTS * 2; i++) {
        const c = chance(SEED * 300000 + i);
        const text = documentOf(c, schema, g, 0.002);
        const { doc: document, lines } = theirs(text);
        if (!document || lines?.length !== 0) continue;
        const kind = document.definitions[0].operation;
        const root = world(
            c,
            {
                query: schema.getQueryType(),
                mutation: schema.getMutationType(),
                subscription: schema.getSubscriptionType(),
            }[kind],
            0,
        );
        if (root === null || root.__error) continue;
        const variables = variablesFor(c, document);
        const slow = (...args) =>
            new Promise((resolve, reject) => {
                setImmediate(() => {
                    try {
                        resolve(fieldResolver(...args));
                    } catch (e) {
                        reject(e);
                    }
                });
            });
        const operationName =
            document.definitions.filter((d) => d.kind === g.Kind.OPERATION_DEFINITION).length > 1
                ? "Q"
                : undefined;
        const them = await g.execute({
            schema,
            document,
            rootValue: root,
            variableValues: variables,
            fieldResolver: slow,
            operationName,
        });
        for (const slowly of [false, true]) {
            const us = await ask({
                do: "run",
                query: text,
                root,
                variables,
                slowly,
                operationName,
            });
            const about = `${text}\n${JSON.stringify({ root, variables, us, them }, null, 1)}`;
            assert.deepEqual(echoed(us.data), echoed(them.data), about);
            assert.equal(Boolean(us.errors), Boolean(them.errors), about);
            const paths = new Set(them.errors?.map((e) => JSON.stringify(e.path ?? null)));
            for (const e of us.errors ?? [])
                assert.ok(
                    paths.has(JSON.stringify(e.path ?? null)),
                    `${JSON.stringify(e)}\n${about}`,
                );
            if (them.errors?.[0].path === undefined)
                assert.deepEqual(
                    us.errors
                        ?.map((e) => e.locations[0])
                        .filter(Boolean)
                        .slice(0, 1),
                    them.errors
                        ?.map((e) => e.locations?.[0])
                        .filter(Boolean)
                        .slice(0, 1),
                    about,
                );
        }
        ran++;
    }
    assert.ok(ran > DOCUMENTS / 10, `${ran} documents were carried out`);
});

const CASES = [
    "{ a: __typename a: must }",
    "{ things { ... on Pump { size } ... on Tank { size } } }",
    "{ things { ... on Pump { shape } ... on Tank { shape } } }",
    "{ node(id: 1) { id } node(id: 2) { id } }",
    "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A must }",
    "fragment A on Query { ...A }",
    "{ ...A ...A } fragment A on Query { must }",
    "subscription { ticks readings { id } }",
    "subscription { ...A } fragment A on Subscription { ticks __typename }",
    "subscription { __typename }",
    "subscription { ticks @skip(if: true) readings { id } }",
    "{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }",
    "{ __schema { ...T } } fragment T on __Schema { types { fields { type { ...U } } } } fragment U on __Type { fields { type { fields { name } } } }",
    "query ($c: Choice) { choose(choice: $c) }",
    "query ($a: Int) { choose(choice: { a: $a }) }",
    "query ($a: Int!) { choose(choice: { a: $a }) }",
    '{ choose(choice: {}) b: choose(choice: { a: 1, b: "x" }) c: choose(choice: { a: null }) }',
    "query ($a: Int) { choose(choices: [{ a: $a }]) }",
    "query ($i: Int) { need(need: { x: $i }) }",
    "query ($i: Int = 5) { need(need: { x: $i }) }",
    "query ($i: Int = null) { need(need: { x: $i }) }",
    "query ($l: [Int]) { echo(l: $l) }",
    "query ($l: [Int!]) { echo(l: $l) }",
    "query ($l: Int!) { echo(l: $l) }",
    "{ echo(w: [1]) }",
    "{ echo(w: 1, l: {a: 1}, a: {a: [$x]}) }",
    "query A { must } query A { must } { must }",
    "query ($a: Pump, $b: Nothing, $a: Int) { must }",
    "{ pump(id: 1, id: 2) { id(x: 1) } }",
    "{ must @skip }",
    "{ must @skip(if: null) @include(if: 1) @include(if: true) }",
    "query Q @need(x: 1) { must }",
    "query @on { must }",
    "{ must { a } tank named { } }",
    "{ must { a } tank named }",
    "fragment F on Int { a } { ...F ... on Boolean { b } ... on Kind { c } ... on Where { d } ... on Nope { e } }",
    "{ tank { ... on Pump { id } ...P ... on Thing { __typename } } } fragment P on Pump { id }",
    "extend type Query { a: Int } { must }",
    "schema { query: Query } directive @a on FIELD",
    'mutation { set(id: 1, where: { kind: A, kind: B, low: "x", nothing: 1 }) { id } }',
    "{ must }\r\r\n{ must }",
    '{ echo(s: """\n\n   a\n     b\r\n   c\\"""\n  """) }',
    "\ufeff{ must }",
    "{ \ud83d\ude00 }",
    '{ echo(s: "\ud83d\ude00") nothing }',
    '"a" { must }',
    '"a" query { must }',
    "query ($x: Int = $y) { must }",
    "query ($x: Int = [$]) { must }",
    "{ a(b: 1.) }",
    "{ a(b: -) }",
    "{ a(b: 1e) }",
    "{ a(b: 01) }",
    "{ a(b: 1x) }",
    "{ a(b: .5) }",
    '{ a(b: "\\u{110000}") }',
    '{ a(b: "\\u{}") }',
    '{ a(b: "\\ud800") }',
    '{ a(b: "\\uZZZZ") }',
    '{ a(b: "\n") }',
    '{ a(b: """',
    "fragment on on Query { must }",
    "{ ...on }",
    "{ ... on Query { must } ... { must } ... @include(if: true) { must } }",
    "query Q($x: [Int!]! = [1] @var) { echo(l: $x) }",
    "",
    "{}",
    "query",
    "query {",
    "{ a: }",
    "{ a b: c(d: $e f: {g: [h, $i]}) @j(k: 1) }",
];

// Documents of GraphQL for tests, made at random from a seed: mostly valid ones against a schema, and
// what becomes of them when they are broken a little.

/** Numbers from a seed (mulberry32), so that what failed can be had again. */
export function chance(seed) {
    let a = seed >>> 0;
    const next = () => {
        a = (a + 0x6d2b79f5) >>> 0;
        let t = a;
        t = Math.imul(t ^ (t >>> 15), t | 1);
        t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
        return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
    };
    return {
        real: next,
        int: (n) => Math.floor(next() * n),
        one: (list) => list[Math.floor(next() * list.length)],
        may: (p) => next() < p,
    };
}

// A schema in which every kind of thing stands, and things that overlap.
export const SDL = `
"A schema for tests" schema { query: Query mutation: Mutation subscription: Subscription }
directive @on(what: Kind, n: Int! = 1) repeatable on FIELD | FRAGMENT_SPREAD | INLINE_FRAGMENT | QUERY
directive @var on VARIABLE_DEFINITION
directive @need(x: Int!) on FIELD | FRAGMENT_DEFINITION
interface Node { id: ID! }
interface Named implements Node { id: ID! name(short: Boolean = false): String friends(first: Int): [Named!] }
"A pump" type Pump implements Node & Named {
  id: ID!
  name(short: Boolean = false): String
  friends(first: Int): [Named!]
  "how fast" speed(unit: Unit! = RPM): Float!
  level: Int @deprecated(reason: "use \\"speed\\"")
  parts(where: Where, kinds: [Kind!]): [Part]
  tags: [[String!]!]
  size: Int
  shape: String
}
type Tank implements Node & Named {
  id: ID!
  name(short: Boolean = false): String
  friends(first: Int): [Named!]
  level: Float!
  size: Float
  shape: [String]
  pump: Pump!
}
type Part { id: ID! of: Thing! weight: Float kind: Kind! data: Any }
union Thing = Pump | Tank
enum Unit { RPM HZ OLD @deprecated }
enum Kind { A B C }
scalar Any @specifiedBy(url: "https://example.org/any")
input Where { kind: Kind = A, low: Float, high: Float, not: Where, ids: [ID!], must: Int! = 5, any: Any }
input Need { x: Int!, y: [[Int!]] }
input Choice @oneOf { a: Int b: String c: Where }
type Query {
  node(id: ID!): Node
  pump(id: ID!, where: Where): Pump
  tank: Tank
  things(of: [Kind], first: Int = 10): [Thing!]!
  named: Named
  need(need: Need!): Int
  choose(choice: Choice, choices: [Choice!]): String
  echo(i: Int, f: Float, s: String, b: Boolean, d: ID, k: Kind, l: [Int!], ll: [[Int]], w: Where, a: Any, c: Choice, old: Int @deprecated): String
  must: Int!
}
type Mutation { set(id: ID!, where: Where!): Pump  touch(n: Int! = 3): Int! }
type Subscription { readings(twin: ID): Part  ticks: Int! }
`;

const SCALARS = {
    Int: (c) => c.one(["0", "1", "-5", "2147483647", "2147483648", "1.5", '"1"']),
    Float: (c) => c.one(["0", "1.5", "-2e3", "1e400", "0.0", "true"]),
    String: (c) => c.one(['"x"', '""', '"""block\n  two"""', '"\\u00e9\\n"', "5", '"\\u{1F600}"']),
    Boolean: (c) => c.one(["true", "false", "1", "TRUE"]),
    ID: (c) => c.one(['"a"', "7", "1.5", "-3", "true"]),
    Kind: (c) => c.one(["A", "B", "C", "D", '"A"']),
    Unit: (c) => c.one(["RPM", "OLD", "NO"]),
    Any: (c) => c.one(["{a: [1, $v0]}", '"x"', "5", "E", "[]"]),
};

/** A document against the schema of npm's graphql; wild: how often something is not as it should. */
export function documentOf(c, schema, g, wild = 0.03) {
    const variables = new Map();
    const fragments = [];
    const composites = Object.values(schema.getTypeMap()).filter(
        (t) => g.isCompositeType(t) && !t.name.startsWith("__"),
    );

    function value(type, depth, constant) {
        if (!constant && c.may(0.15)) {
            const name = `v${c.int(4)}`;
            if (!variables.has(name)) variables.set(name, c.may(1 - wild) ? String(type) : "Int");
            return `$${name}`;
        }
        if (c.may(0.05)) return "null";
        if (g.isNonNullType(type)) return value(type.ofType, depth, constant);
        if (g.isListType(type)) {
            if (c.may(0.2)) return value(type.ofType, depth, constant);
            return `[${Array.from({ length: c.int(3) }, () => value(type.ofType, depth + 1, constant)).join(", ")}]`;
        }
        if (g.isInputObjectType(type)) {
            const fields = Object.values(type.getFields()).filter(
                (f) => g.isRequiredInputField(f) || (depth < 3 && c.may(0.3)),
            );
            if (c.may(wild)) return "5";
            const text = fields.map((f) => `${f.name}: ${value(f.type, depth + 1, constant)}`);
            if (c.may(wild)) text.push("nothing: 1");
            if (c.may(wild) && text.length) text.push(text[0]);
            return `{${text.join(", ")}}`;
        }
        const make = SCALARS[type.name];
        if (c.may(wild)) return make(c);
        for (;;) {
            const text = make(c);
            if (constant && text.includes("$")) continue;
            try {
                if (type.parseLiteral(g.parseValue(text), {}) !== undefined) return text;
            } catch {}
        }
    }

    function args(defs) {
        const text = defs
            .filter((a) => (g.isRequiredArgument(a) ? !c.may(wild) : c.may(0.4)))
            .map((a) => `${a.name}: ${value(a.type, 0, false)}`);
        if (c.may(wild)) text.push("nothing: 1");
        if (c.may(wild) && text.length) text.push(text[0]);
        return text.length ? `(${text.join(", ")})` : "";
    }

    function directives() {
        let text = "";
        if (c.may(0.05)) text += ` @skip(if: ${value(g.GraphQLBoolean, 0, false)})`;
        if (c.may(0.05)) text += ` @include(if: ${value(g.GraphQLBoolean, 0, false)})`;
        if (c.may(0.04)) text += " @on @on(what: B)";
        if (c.may(wild))
            text += c.one([
                " @nothing",
                " @need",
                " @var",
                " @skip",
                " @on(n: null)",
                " @need(x: 1) @need(x: 2)",
            ]);
        return text;
    }

    function field(type, depth) {
        const fields = g.isUnionType(type) ? [] : Object.values(type.getFields());
        if (!fields.length || c.may(0.06))
            return c.one(["__typename", "__typename", "t: __typename", "alias: __typename"]);
        const f = c.one(fields);
        const alias = c.may(0.12) ? `${c.one(["x", "y", "name", "size", "id"])}: ` : "";
        const named = g.getNamedType(f.type);
        const name = c.may(wild) ? "nothing" : f.name;
        let below = g.isCompositeType(named) ? ` ${selections(named, depth + 1)}` : "";
        if (c.may(wild)) below = below ? "" : " { id }";
        return `${alias}${name}${args(f.args)}${directives()}${below}`;
    }

    function inline(type, depth) {
        const on = c.may(wild)
            ? c.one([...composites, { name: "Int" }, { name: "Nothing" }])
            : near(type);
        const inside = g.isCompositeType(on) ? on : type;
        const condition = c.may(0.15) ? "" : ` on ${on.name}`;
        return `...${condition}${directives()} ${selections(condition ? inside : type, depth + 1)}`;
    }

    function near(type) {
        const fit = composites.filter((t) => g.doTypesOverlap(schema, t, type));
        return c.one(fit);
    }

    function spread(type, depth) {
        const usable = fragments.filter((f) => g.doTypesOverlap(schema, f.on, type));
        if (c.may(wild)) return "...Nothing";
        if (usable.length && c.may(0.6)) return `...${c.one(usable).name}${directives()}`;
        if (fragments.length > 5) return "__typename";
        const on = near(type);
        const f = { name: `F${fragments.length}`, on, text: "" };
        if (c.may(wild * 3)) fragments.push(f); // may come to itself
        const body = selections(on, depth + 1);
        if (!fragments.includes(f)) {
            f.name = `F${fragments.length}`;
            fragments.push(f);
        }
        f.text = `fragment ${c.may(wild) ? "F0" : f.name} on ${on.name}${c.may(wild) ? " @need" : ""} ${body}`;
        return `...${f.name}${directives()}`;
    }

    function selections(type, depth) {
        const n = 1 + c.int(depth > 4 ? 1 : 4);
        const list = Array.from({ length: n }, () => {
            if (depth > 5) return "__typename";
            if (c.may(0.15)) return inline(type, depth);
            if (c.may(0.15)) return spread(type, depth);
            return field(type, depth);
        });
        return `{ ${list.join(c.one([" ", ", ", "\n  ", "\r\n", " # c\n"]))} }`;
    }

    function operation(name) {
        const kind = c.may(0.85) ? "query" : c.one(["mutation", "subscription"]);
        const root = {
            query: schema.getQueryType(),
            mutation: schema.getMutationType(),
            subscription: schema.getSubscriptionType(),
        }[kind];
        variables.clear();
        const body = selections(root, 0);
        if (c.may(wild)) variables.set("unused", "Int");
        if (c.may(wild)) variables.set("wrong", "Pump");
        const defs = [...variables].map(([v, t]) => {
            const shown = c.may(wild) ? "Nothing" : t;
            const type = schema.getType(t.replace(/[[\]!]/g, ""));
            const simple = type && g.isLeafType(type) && !t.includes("[");
            const value0 = simple && c.may(0.15) ? ` = ${value(type, 0, true)}` : "";
            return `${c.may(0.05) ? '"about" ' : ""}$${v}: ${shown}${value0}${c.may(0.1) ? " @var" : ""}`;
        });
        if (c.may(wild) && defs.length) defs.push(defs[0]);
        if (kind === "query" && !defs.length && name === "" && c.may(0.5)) return body;
        return `${c.may(0.05) ? '"""about\n  it""" ' : ""}${kind} ${name}${defs.length ? `(${defs.join(" ")})` : ""}${c.may(wild) ? " @need(x: 1)" : ""} ${body}`;
    }

    const texts = c.may(0.85)
        ? [operation(c.one(["", "Q"]))]
        : [operation("Q"), operation(c.may(wild) ? "" : "R")];
    if (c.may(wild)) texts.push("type X { a: Int }");
    return [...texts, ...fragments.map((f) => f.text)].join("\n");
}

/** A few bytes or tokens taken out, doubled, swapped or put in. */
export function mutate(c, text) {
    const tokens =
        text.match(/"(?:[^"\\\n]|\\.)*"|[_A-Za-z]\w*|-?\d[\d.eE+-]*|\s+|\.\.\.|./gs) ?? [];
    for (let i = 1 + c.int(3); i > 0 && tokens.length; i--) {
        const at = c.int(tokens.length);
        const kind = c.int(5);
        if (kind === 0) tokens.splice(at, 1);
        else if (kind === 1) tokens.splice(at, 0, tokens[c.int(tokens.length)]);
        else if (kind === 2) tokens[at] = tokens[c.int(tokens.length)];
        else if (kind === 3)
            tokens.splice(
                at,
                0,
                c.one([
                    "{",
                    "}",
                    "(",
                    ")",
                    "$",
                    "@",
                    "!",
                    '"',
                    '"""',
                    "\\",
                    "...",
                    ".",
                    "0",
                    "00",
                    "-",
                    "1e",
                    "\u00e9",
                    "\ufeff",
                    "\u0007",
                    "\ud83d\ude00",
                    ":",
                    "=",
                    "|",
                    "&",
                    "[",
                    "]",
                    "on",
                    "fragment",
                    "query",
                    "null",
                    "1a",
                    "#",
                    "extend",
                    '"\\u12"',
                    '"\\ud83d\\ude00"',
                    '"\\x"',
                ]),
            );
        else tokens[at] = tokens[at].split("").reverse().join("");
    }
    return tokens.join("").toWellFormed();
}

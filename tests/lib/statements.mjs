/* statements.mjs - which tests name which normative statements of MQTT.
 *
 * The statements are those of tests/mqtt-statements.txt.  A test names those that it holds us to in
 * comments inside it:
 *
 *     static void pings_are_answered(void **state)
 *     {
 *         ...
 *         expect(&t, MQTT_PINGRESP); // [MQTT-3.12.4-1]; 3.1.1 [MQTT-3.12.4-1]
 *
 * The two standards number their statements apart: "3.1.1" stands before those of 3.1.1 and holds
 * for all that follow without a gap ("3.1.1 [MQTT-a], [MQTT-b]"); without it they are 5.0's. */

import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { ROOT } from "./spawned.mjs";

/* [{version, number, whom, text}] */
export function readStatements(text) {
    const all = [];
    let version;
    for (const [i, line] of text.split("\n").entries()) {
        if (line === "" || line.startsWith("#")) continue;
        const head = /^MQTT (3\.1\.1|5\.0)$/.exec(line);
        const row = /^([\d.]+-\d+) +(server|client|both|bridge) +(\S.*)$/.exec(line);
        if (head) version = head[1];
        else if (!row || !version) throw new Error(`line ${i + 1} cannot be read: ${line}`);
        else all.push({ version, number: row[1], whom: row[2], text: row[3] });
    }
    return all;
}

export const keyOf = ({ version, number }) => `${version} ${number}`;

/* The keys of the statements that a text names. */
export function namedIn(text) {
    const keys = new Set();
    for (const [, old, list] of text.matchAll(/(3\.1\.1\s+)?((?:\[MQTT-[\d.]+-\d+\][,\s*/]*)+)/g))
        for (const [, number] of list.matchAll(/\[MQTT-([\d.]+-\d+)\]/g))
            keys.add(`${old ? "3.1.1" : "5.0"} ${number}`);
    return keys;
}

/* The tests of a C file, as cmocka calls them: [{name, body}] */
function testsOfC(text) {
    return [...text.matchAll(/^static void (\w+)\(void \*\*state\)([\s\S]*?)^}$/gm)].map(
        ([, name, body]) => ({ name, body }),
    );
}

/* Those of a scenario.  What a name has in ${} is known when it runs: RegExp. */
function testsOfNode(text) {
    const begins = [...text.matchAll(/^ *test\(\s*(["'`])((?:\\.|(?!\1).)*)\1/gm)];
    return begins.map((m, i) => ({
        name: new RegExp(
            `^${m[2]
                .split(/\$\{[^}]*\}/)
                .map((s) => s.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"))
                .join(".*")}$`,
        ),
        body: text.slice(m.index, begins[i + 1]?.index),
    }));
}

const list = (dir, pattern) =>
    readdirSync(join(ROOT, dir))
        .filter((f) => pattern.test(f))
        .map((f) => join(dir, f));

/* [{file, suite, name, is(row), keys}]: every test that names a statement.  suite and is() find it
 * among what ran. */
export function namingTests() {
    const tests = [];
    const sources = [
        ...list("src/codec", /^mqtt.*_test\.c$/),
        ...list("src/mqtt", /_test\.c$/),
        ...list("tests/scenario", /^mqtt.*\.test\.mjs$/),
    ];
    for (const file of sources) {
        const text = readFileSync(join(ROOT, file), "utf8");
        const isC = file.endsWith(".c");
        const short = basename(file, isC ? ".c" : ".test.mjs");
        for (const { name, body } of isC ? testsOfC(text) : testsOfNode(text)) {
            const keys = namedIn(body);
            if (keys.size === 0) continue;
            const is = isC
                ? (row) => row === `${short}: ${name}`
                : (row) => row.startsWith(`${short}: `) && name.test(row.slice(short.length + 2));
            tests.push({ file, short, suite: isC ? "unit" : "scenario", name, is, keys });
        }
    }
    return tests;
}

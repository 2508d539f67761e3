/* run.mjs - runs the suites and adds up; called by ./test, which has built what they need.
 *
 *   node tests/run.mjs [--list] [--needs] [--long] [--broken NEED]... [NAME...]
 *
 * A suite is a row of the table in suites.mjs.  A NAME chooses the suites that are called so, else
 * the suites and tests that have it in their name.  Every test counts once for each program that it
 * ran against. */

import { parseArgs } from "node:util";
import { Report } from "./lib/report.mjs";
import { SUITES } from "./suites.mjs";

const { values: options, positionals: names } = parseArgs({
    allowPositionals: true,
    options: {
        list: { type: "boolean", default: false },
        needs: { type: "boolean", default: false },
        long: { type: "boolean", default: false },
        broken: { type: "string", multiple: true, default: [] },
    },
});

/* The suites to run, each with the names that choose among its tests ([] takes them all). */
function choose() {
    if (names.length === 0)
        return SUITES.filter((s) => !s.onRequest).map((suite) => ({ suite, filter: [] }));
    const chosen = [];
    for (const suite of SUITES) {
        const whole = names.some((n) => n === suite.name || n === suite.name.split(" ")[0]);
        const filter = names.filter((n) => !SUITES.some((s) => s.name.split(" ")[0] === n));
        if (whole) chosen.push({ suite, filter: [] });
        else if (!suite.onRequest && filter.length > 0 && suite.list(filter).length > 0)
            chosen.push({ suite, filter });
    }
    return chosen;
}

const chosen = choose();
if (chosen.length === 0) {
    console.error(`no suite, file or test is called ${names.join(" or ")}; see ./test --list`);
    process.exit(2);
}

if (options.needs) {
    /* the presets last: the program embeds the page */
    const needs = new Set(chosen.flatMap(({ suite }) => suite.needs));
    const isPreset = (need) => need.startsWith("preset:");
    console.log([...needs].sort((a, b) => isPreset(a) - isPreset(b)).join("\n"));
    process.exit(0);
}

if (options.list) {
    for (const { suite, filter } of chosen) {
        console.log(`${suite.name}${suite.onRequest ? " (only when named)" : ""}: ${suite.what}`);
        for (const test of suite.list(filter)) console.log(`    ${test}`);
    }
    process.exit(0);
}

const report = new Report();
for (const need of options.broken) report.fail("build", need, `could not be made; see build/log`);
for (const { suite, filter } of chosen) {
    const missing = suite.needs.filter((n) => options.broken.includes(n));
    report.begin(suite.name);
    if (missing.length > 0)
        report.fail(suite.name, "(all)", `not run: ${missing.join(", ")} could not be made`);
    else
        try {
            await suite.run({ report, filter, long: options.long });
        } catch (e) {
            report.fail(suite.name, "(the suite itself)", e.stack ?? String(e));
        }
    report.end(suite.name);
}
process.exit(report.finish() ? 0 : 1);

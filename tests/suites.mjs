/* suites.mjs - the table of suites: what each is, what it needs built, how it runs.
 *
 * needs: "preset:NAME" (a CMake preset), "modules:DIR" (npm), "web" (the built page); ./test makes
 * them.  list(filter) names tests without running any. */

import {
    existsSync,
    mkdirSync,
    mkdtempSync,
    readdirSync,
    readFileSync,
    rmSync,
    writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, relative } from "node:path";
import { readUnit } from "./lib/ctest.mjs";
import { ROOT, run, SANITIZER_ENV, SANITIZER_REPORT, sanitizerPrefix } from "./lib/spawned.mjs";
import { keyOf, namingTests, readStatements } from "./lib/statements.mjs";

const JOBS = process.env.DOPPEL_JOBS ?? "2";
const at = (...parts) => join(ROOT, ...parts);
const matches = (filter, name) => filter.length === 0 || filter.some((f) => name.includes(f));

function files(dir, pattern) {
    if (!existsSync(dir)) return [];
    return readdirSync(dir, { recursive: true })
        .map(String)
        .filter((f) => pattern.test(f))
        .map((f) => join(dir, f))
        .sort();
}

const cSources = () => [
    ...files(at("src"), /\.[ch]$/),
    ...files(at("bench"), /\.[ch]$/),
    at("tests/fuzz_main.c"),
];

/* One command that is right or wrong as a whole. */
async function command(report, suite, name, program, args, options) {
    const r = await run(program, args, { timeout: 900_000, ...options });
    if (r.code === 0) report.pass(suite, name);
    else report.fail(suite, name, r.timedOut ? `no end after ${r.ms} ms\n${r.output}` : r.output);
    return r;
}

const HOUSE = {
    "includes go down only": ["tools/check-includes", () => [at("src")]],
    "docs/security.md names tests that are there": ["node", () => [at("tools/check-security.mjs")]],
    "clang-format": ["clang-format", () => ["--dry-run", "-Werror", ...cSources()]],
    "lock files name no registry": [
        "grep",
        () => ["-L", '"resolved"', ...lockFiles()],
        noneHasResolved,
    ],
};

const lockFiles = () =>
    ["web", "tests", "tools/node", "tools/demo-data", "tools/passwords"]
        .map((d) => at(d, "package-lock.json"))
        .filter(existsSync);

/* grep -L prints the files without a match; all of them must be printed */
function noneHasResolved(r) {
    const missing = lockFiles().filter((f) => !r.stdout.split("\n").includes(f));
    return missing.length === 0 ? "" : `"resolved" stands in ${missing.join(", ")}`;
}

const house = {
    name: "house",
    what: "the rules that hold for every file",
    needs: [],
    list: (filter) => Object.keys(HOUSE).filter((n) => matches(filter, n)),
    async run({ report, filter }) {
        for (const name of this.list(filter)) {
            const [program, args, judge] = HOUSE[name];
            const path = program.includes("/") ? at(program) : program;
            if (!judge) await command(report, "house", name, path, args());
            else {
                const wrong = judge(await run(path, args()));
                wrong ? report.fail("house", name, wrong) : report.pass("house", name);
            }
        }
    },
};

const tidy = {
    name: "tidy",
    what: "clang-tidy over the C files of the program",
    needs: ["preset:fuzz"],
    onRequest: true,
    list: (filter) =>
        cSources()
            .map((f) => relative(ROOT, f))
            .filter((f) => f.startsWith("src/") && /(?<!_test|_fuzz)\.c$/.test(f))
            .filter((f) => matches(filter, f)),
    async run({ report, filter }) {
        const known = new Set(
            JSON.parse(readFileSync(at("build/fuzz/compile_commands.json"), "utf8")).map(
                (c) => c.file,
            ),
        );
        const queue = this.list(filter).filter((f) => known.has(at(f)));
        const worker = async () => {
            for (let f = queue.shift(); f; f = queue.shift())
                await command(report, "tidy", f, "clang-tidy", [
                    "--quiet",
                    "-p",
                    at("build/fuzz"),
                    at(f),
                ]);
        };
        await Promise.all(Array.from({ length: Number(JOBS) }, worker));
    },
};

/* name: folder, program of web/, arguments */
const WEB = {
    biome: ["web", "biome", "check", "."],
    "type check": ["web", "tsc", "--noEmit"],
    "biome over the tests": ["tests", "biome", "check", "."],
};

const webTool = (tool) => at("web/node_modules/.bin", tool);
const nodeFirst = { ...process.env, PATH: `${join(process.execPath, "..")}:${process.env.PATH}` };

const web = {
    name: "web",
    what: "the page: lint, types, unit tests",
    needs: ["modules:web"],
    list: (filter) =>
        [
            ...Object.keys(WEB),
            ...files(at("web/src"), /\.test\.tsx?$/).map((f) => relative(ROOT, f)),
        ].filter((n) => matches(filter, n)),
    async run({ report, filter }) {
        const env = nodeFirst;
        const chosen = this.list(filter);
        for (const name of Object.keys(WEB).filter((n) => chosen.includes(n))) {
            const [dir, tool, ...args] = WEB[name];
            await command(report, "web", name, webTool(tool), args, { cwd: at(dir), env });
        }
        const unit = chosen.filter((n) => n.startsWith("web/")).map((n) => n.slice(4));
        if (unit.length > 0) await vitest(report, unit, { cwd: at("web"), env });
    },
};

async function vitest(report, unit, options) {
    const out = join(mkdtempSync(join(tmpdir(), "doppel-vitest-")), "result.json");
    const r = await run(
        webTool("vitest"),
        ["run", "--reporter=json", `--outputFile=${out}`, ...unit],
        { timeout: 600_000, ...options },
    );
    if (!existsSync(out)) return report.fail("web", "vitest", r.output);
    const result = JSON.parse(readFileSync(out, "utf8"));
    rmSync(join(out, ".."), { recursive: true });
    for (const file of result.testResults) {
        const name = relative(at("web"), file.name);
        for (const t of file.assertionResults)
            if (t.status === "passed") report.pass("web", t.fullName);
            else if (t.status === "failed")
                report.fail("web", `${name}: ${t.fullName}`, t.failureMessages.join("\n"));
            else report.skip("web", `${name}: ${t.fullName}`, t.status);
        if (file.assertionResults.length === 0) report.fail("web", name, file.message);
    }
}

const sanitizerNames = { asan: "ASan+UBSan", tsan: "TSan" };

function unit(preset) {
    const name = `unit ${preset}`;
    const env = { ...process.env, ...SANITIZER_ENV };
    return {
        name,
        what: `the C tests of every room under ${sanitizerNames[preset]}`,
        needs: [`preset:${preset}`],
        list: (filter) =>
            files(at("src"), /_(test|fuzz)\.c$/)
                .map((f) => basename(f, ".c"))
                .filter((n) => matches(filter, n)),
        async run({ report, filter }) {
            const xml = at("build", preset, "ctest.xml");
            rmSync(xml, { force: true });
            const args = [
                "--test-dir",
                at("build", preset),
                "-j",
                JOBS,
                "--output-junit",
                xml,
                "--timeout",
                "300",
            ];
            args.push(
                "--test-output-size-passed",
                "1048576",
                "--test-output-size-failed",
                "1048576",
            );
            if (filter.length > 0)
                args.push(
                    "-R",
                    this.list(filter)
                        .map((n) => `^${n}$`)
                        .join("|"),
                );
            const [program, ...rest] = [...sanitizerPrefix(), "ctest", ...args];
            const r = await run(program, rest, { timeout: 1800_000, env });
            if (!existsSync(xml)) return report.fail(name, "ctest", r.output);
            for (const t of readUnit(readFileSync(xml, "utf8")))
                if (t.skipped) report.skip(name, t.name, "ctest did not run it");
                else if (t.ok) report.pass(name, t.name);
                else report.fail(name, t.name, t.output);
        },
    };
}

/* The readers of outside bytes that must each have a target. */
const FUZZED = ["json", "cbor", "sparkplug", "mqtt", "http", "profile"];

const fuzzSources = () => files(at("src"), /_fuzz\.c$/).map((f) => basename(f, ".c"));

const fuzz = {
    name: "fuzz",
    what: "libFuzzer targets, seconds each (minutes with --long), under ASan+UBSan",
    needs: ["preset:fuzz"],
    list: (filter) =>
        [...fuzzSources(), ...FUZZED.map((n) => `there is a target for ${n}`)].filter((n) =>
            matches(filter, n),
        ),
    async run({ report, filter, long }) {
        for (const n of FUZZED) {
            const name = `there is a target for ${n}`;
            if (!matches(filter, name)) continue;
            if (fuzzSources().some((t) => t.includes(n))) report.pass("fuzz", name);
            else report.fail("fuzz", name, `no src/*/*${n}*_fuzz.c`);
        }
        const queue = fuzzSources().filter((n) => matches(filter, n));
        const worker = async () => {
            for (let t = queue.shift(); t; t = queue.shift())
                await fuzzOne(report, t, long ? 300 : 6);
        };
        await Promise.all(Array.from({ length: Number(JOBS) }, worker));
    },
};

async function fuzzOne(report, target, seconds) {
    const work = mkdtempSync(
        join(tmpdir(), "doppel-fuzz-"),
    ); /* what it finds stays out of the checkout */
    const artifacts = at("build/fuzz-artifacts", target);
    mkdirSync(artifacts, { recursive: true });
    const corpus = [at("tests/corpus", target)].filter(existsSync);
    const dict = [at("tests/corpus", `${target}.dict`)].filter(existsSync).map((f) => `-dict=${f}`);
    const args = [
        ...dict,
        `-max_total_time=${seconds}`,
        "-rss_limit_mb=2048",
        "-timeout=10",
        "-print_final_stats=1",
    ];
    args.push(`-artifact_prefix=${artifacts}/`, work, ...corpus);
    const [program, ...rest] = [...sanitizerPrefix(), at("build/fuzz", target), ...args];
    const r = await run(program, rest, {
        timeout: (seconds + 120) * 1000,
        env: { ...process.env, ...SANITIZER_ENV },
    });
    rmSync(work, { recursive: true });
    writeFileSync(at("build/log", `${target}.log`), r.output);
    const runs = /stat::number_of_executed_units:\s+(\d+)/.exec(r.output)?.[1];
    if (r.code === 0 && Number(runs) > 0) {
        report.pass("fuzz", target);
        console.log(`  ${target}: ${runs} inputs`);
    } else report.fail("fuzz", target, r.output);
}

/* Files of node --test, against the program of one preset. */
function nodeSuite({ name, what, dir, preset, needs = [], jobs = JOBS, timeout = 120_000 }) {
    const all = () => files(at("tests", dir), /\.test\.mjs$/);
    return {
        name,
        what,
        needs: [`preset:${preset}`, "modules:tests", ...needs],
        list: (filter) =>
            all()
                .map((f) => relative(ROOT, f))
                .filter((f) => matches(filter, f)),
        async run({ report, filter, long }) {
            const chosen = this.list(filter).map((f) => at(f));
            const env = {
                ...process.env,
                ...SANITIZER_ENV,
                DOPPEL_BIN: at("build", preset, "doppel"),
                DOPPEL_PRESET: preset,
            };
            delete env.NODE_TEST_CONTEXT;
            if (long) env.DOPPEL_LONG = "1";
            const reporter = `--test-reporter=${at("tests/lib/reporter.mjs")}`;
            const args = [
                "--test",
                reporter,
                `--test-concurrency=${jobs}`,
                `--test-timeout=${timeout}`,
                ...chosen,
            ];
            const onLine = (line) => tell(report, name, line);
            const r = await run(process.execPath, args, { timeout: 3600_000, env, onLine });
            if (r.timedOut) report.fail(name, "(the suite itself)", "no end after an hour");
        },
    };
}

function tell(report, suite, line) {
    let said;
    try {
        said = JSON.parse(line);
    } catch {
        return;
    }
    const name = said.file ? `${basename(said.file, ".test.mjs")}: ${said.name}` : said.name;
    if (said.kind === "pass") report.pass(suite, name);
    else if (said.kind === "skip") report.skip(suite, name, said.why || "skipped");
    else if (said.kind === "fail") report.fail(suite, name, said.why);
    else if (said.kind === "said")
        for (const line of said.text.split("\n"))
            if (line.startsWith("# ")) console.log(`  ${line.slice(2)}`);
}

/* The normative statements of MQTT.  A test counts when it ran and passed; those that did not run in
 * this call of ./test are run here. */
const statements = {
    name: "statements",
    what: "every normative statement of MQTT 3.1.1 and 5.0 that binds a server has a test",
    needs: ["preset:asan", "modules:tests", "web"],
    list: (filter) =>
        ["3.1.1", "5.0"]
            .map((v) => `MQTT ${v}: every statement has its test`)
            .filter((n) => matches(filter, n)),
    async run({ report }) {
        const all = readStatements(readFileSync(at("tests/mqtt-statements.txt"), "utf8"));
        const tests = namingTests();
        for (const [suite, runner] of [
            ["unit", unit("asan")],
            ["scenario", scenario("asan")],
        ]) {
            const { passed, failed } = report.ran(suite);
            const missing = tests.filter(
                (t) => t.suite === suite && ![...passed, ...failed].some(t.is),
            );
            const filter = [...new Set(missing.map((t) => t.short))];
            if (filter.length > 0) await runner.run({ report, filter });
        }
        judgeStatements(report, all, tests);
    },
};

function judgeStatements(report, all, tests) {
    const known = new Set(all.map(keyOf));
    const wrong = tests.flatMap((t) =>
        [...t.keys].filter((k) => !known.has(k)).map((k) => `${t.file}: no statement ${k}`),
    );
    const held = new Map(all.map((s) => [keyOf(s), []]));
    for (const t of tests)
        if (report.ran(t.suite).passed.some(t.is))
            for (const k of t.keys) held.get(k)?.push(`${t.short}: ${t.name.source ?? t.name}`);
    const told = [];
    for (const version of ["3.1.1", "5.0"]) {
        const name = `MQTT ${version}: every statement has its test`;
        const ours = all.filter((s) => s.version === version && /server|both/.test(s.whom));
        const open = ours.filter((s) => held.get(keyOf(s)).length === 0);
        told.push(`MQTT ${version}: ${ours.length - open.length} of ${ours.length}`);
        const why = [
            ...open.map((s) => `no test that passed names [MQTT-${s.number}]: ${s.text}`),
            ...wrong.filter((w) => w.includes(`statement ${version} `)),
        ];
        if (why.length === 0) report.pass("statements", name);
        else report.fail("statements", name, why.join("\n"));
    }
    console.log(`  normative statements that bind a server, each with a test: ${told.join(", ")}`);
    mkdirSync(at("build/log"), { recursive: true });
    writeFileSync(
        at("build/log/mqtt-statements.txt"),
        all
            .map((s) =>
                [`${keyOf(s)} (${s.whom}): ${s.text}`, ...held.get(keyOf(s))].join("\n    "),
            )
            .join("\n"),
    );
}

const scenario = (preset, more = {}) =>
    nodeSuite({
        name: `scenario ${preset}`,
        what: `the program as its users meet it, with clients of others, under ${sanitizerNames[preset]}`,
        dir: "scenario",
        preset,
        needs: ["web"],
        ...more,
    });

export const SUITES = [
    house,
    tidy,
    web,
    unit("asan"),
    unit("tsan"),
    fuzz,
    scenario("asan"),
    scenario("tsan", { timeout: 240_000 }),
    statements,
    nodeSuite({
        name: "product",
        what: "what holds for the program that people run: ./run, memory, the demo, whole files replayed",
        dir: "product",
        preset: "release",
        needs: ["web"],
    }),
    nodeSuite({
        name: "faults",
        what: "kill -9, over and over: whatever was acknowledged is there, once; damaged files, clocks that step; mad and slow MQTT clients",
        dir: "faults",
        preset: "release",
        jobs: "1",
        timeout: 1800_000,
    }),
    nodeSuite({
        name: "browser",
        what: "the page in Chromium",
        dir: "browser",
        preset: "release",
        needs: ["web"],
        jobs: "1",
        timeout: 300_000,
    }),
];

export { SANITIZER_REPORT };

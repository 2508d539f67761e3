/* The program on the command line: every subcommand, --json, exit codes, help, completion. */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { BIN, doppel, ROOT, run, shared, temporary, until } from "../lib/doppel.mjs";
import { EXAMPLE_FILE, example, exampleText, twin } from "../lib/profiles.mjs";
import { SANITIZER_ENV, sanitizerPrefix } from "../lib/spawned.mjs";

const d = shared({}, (server) =>
    server.create(twin("cli", { a: {}, b: { type: "state", unit: "1" } })),
);
const OK = 0;
const NO = 1;
const USAGE = 2;
const REACH = 3;
const MISSING = 4;
const REFUSED = 5;
const FAILED = 6;

const COMMANDS = [
    ...["serve", "validate", "twin ls", "twin get", "twin apply", "twin rm", "send", "watch"],
    ...[
        "history",
        "status",
        "version",
        "replay",
        "backup",
        "restore",
        "check",
        "completion",
        "help",
    ],
];

/* A command that talks to the server of this file. */
const client = (args, options) =>
    doppel(args, { ...options, env: { DOPPEL_SERVER: d.url, ...options?.env } });
const json = async (args, code = OK) => {
    const r = await client([...args, "--json"]);
    assert.equal(r.code, code, r.output);
    return JSON.parse(r.stdout);
};

const dir = temporary({ after }, "doppel-cli-");

test("help names every subcommand, and each tells about itself", async () => {
    const overview = await doppel(["help"]);
    assert.equal(overview.code, OK);
    for (const command of COMMANDS) {
        assert.ok(overview.stdout.includes(command), `${command} is not in the overview`);
        const r = await doppel([...command.split(" "), "--help"]);
        assert.equal(r.code, OK, r.output);
        assert.match(r.stdout, new RegExp(`doppel ${command}`));
        assert.match(r.stdout, /--help/);
        const same = await doppel(["help", ...command.split(" ")]);
        assert.equal(same.stdout, r.stdout);
    }
    assert.equal((await doppel(["--help"])).stdout, overview.stdout);
});

test("exit codes stand in the help, the readme's documents are what the tables say", async () => {
    const markdown = await doppel(["help", "--markdown"]);
    assert.equal(markdown.code, OK);
    for (const code of [OK, NO, USAGE, REACH, MISSING, REFUSED, FAILED])
        assert.match(markdown.stdout, new RegExp(`\\b${code}\\b`));
    assert.equal(
        readFileSync(join(ROOT, "docs/cli.md"), "utf8"),
        markdown.stdout,
        "docs/cli.md: doppel help --markdown > docs/cli.md",
    );
});

test("what is not understood is a usage error with a way out", async () => {
    for (const [args, says] of [
        [["serv"], /did you mean "serve"/],
        [["twin"], /twin ls/],
        [["twin", "list"], /twin ls/],
        [["history", "x"], /missing/],
        [["status", "--jsn"], /--json/],
        [["status", "more"], /too many/],
        [["serve", "--http", "nowhere"], /nowhere/],
        [["serve", "--max-body", "many"], /many/],
        [["send", "cli", "novalue"], /SENSOR=VALUE/],
        [[], /serve/],
    ]) {
        const r = await client(args);
        assert.equal(r.code, USAGE, `${args.join(" ")}: ${r.output}`);
        assert.match(r.stderr, says, args.join(" "));
        assert.equal(r.stdout, "");
    }
});

test("version, plainly and in JSON", async () => {
    const r = await doppel(["version"]);
    assert.match(r.stdout, /\d+\.\d+\.\d+/);
    const version = JSON.parse((await doppel(["version", "--json"])).stdout);
    assert.match(version.version, /^\d+\.\d+\.\d+/);
    assert.ok((await doppel(["--version"])).stdout.includes(version.version));
});

test("validate: 0 for complete, 1 for incomplete, 6 for what cannot be read; lines as compilers write them", async () => {
    const good = await doppel(["validate", EXAMPLE_FILE]);
    assert.equal(good.code, OK, good.output);
    const broken = join(dir, "broken.json");
    const text = exampleText().replace(
        '"endpoint": "mqtt://example.com/twins/robot-42"',
        '"endpoint": "robot-42"',
    );
    writeFileSync(broken, text);
    const line = text.split("\n").findIndex((l) => l.includes('"endpoint": "robot-42"')) + 1;
    const bad = await doppel(["validate", broken]);
    assert.equal(bad.code, NO);
    assert.match(
        bad.stdout,
        new RegExp(
            `^${broken}:${line}:\\d+: error \\[sync\\.endpoint\\] .+ \\(/synchronization/endpoint\\)$`,
            "m",
        ),
    );
    const both = await doppel(["validate", "--json", EXAMPLE_FILE, broken]);
    assert.equal(both.code, NO);
    const [first, second] = JSON.parse(both.stdout);
    assert.equal(first.complete, true);
    assert.equal(second.complete, false);
    assert.equal(second.findings.find((f) => f.severity === "error").rule, "sync.endpoint");
    assert.equal((await doppel(["validate", join(dir, "none.json")])).code, FAILED);
    const piped = await doppel(["validate", "-"], { input: exampleText() });
    assert.equal(piped.code, OK, piped.output);
    assert.equal(
        (await doppel(["validate", "--strict", EXAMPLE_FILE])).code,
        NO,
        "it has warnings",
    );
});

test("twin apply, ls, get, rm", async () => {
    const file = join(dir, "robot.json");
    writeFileSync(file, JSON.stringify(example("cli-robot")));
    const made = await client(["twin", "apply", file]);
    assert.equal(made.code, OK, made.output);
    assert.match(made.stdout, /cli-robot/);
    const again = await client(["twin", "apply", file]);
    assert.equal(again.code, OK, "a second time changes nothing and is well");
    const list = await client(["twin", "ls"]);
    assert.match(list.stdout, /cli-robot/);
    assert.deepEqual((await client(["twin", "ls", "--ids"])).stdout.trim().split("\n").sort(), [
        "cli",
        "cli-robot",
    ]);
    const items = await json(["twin", "ls", "--name", "ROBOT"]);
    assert.deepEqual(
        (items.items ?? items).map((i) => i.id),
        ["cli-robot"],
    );
    const kept = await client(["twin", "get", "cli-robot", "--kept"]);
    assert.deepEqual(JSON.parse(kept.stdout), example("cli-robot"));
    assert.equal((await json(["twin", "get", "cli-robot"])).identifier.value, "cli-robot");
    assert.ok(
        Array.isArray(
            (await json(["twin", "get", "cli-robot", "--findings"])).findings ??
                (await json(["twin", "get", "cli-robot", "--findings"])),
        ),
    );
    const roundTrip = await client(["twin", "apply", "-"], { input: kept.stdout });
    assert.equal(roundTrip.code, OK, roundTrip.output);
    const removed = await client(["twin", "rm", "cli-robot"]);
    assert.equal(removed.code, OK, removed.output);
    for (const args of [
        ["twin", "get", "cli-robot"],
        ["twin", "rm", "cli-robot"],
    ]) {
        const r = await client(args);
        assert.equal(r.code, MISSING, r.output);
        assert.match(r.stderr, /cli-robot/);
    }
    writeFileSync(file, "{}");
    const refused = await client(["twin", "apply", file]);
    assert.equal(refused.code, NO, refused.output);
    assert.match(refused.output, /identifier/);
});

test("twin apply of many files: told in their order, the last of one twin stays", async () => {
    const files = [];
    const add = (name, text) => {
        files.push(join(dir, `${name}.json`));
        writeFileSync(files.at(-1), text);
    };
    const ids = Array.from({ length: 30 }, (_, i) => `many-${i}`);
    for (const id of ids) add(id, JSON.stringify(example(id)));
    add("broken", "{}");
    for (let i = 0; i < 5; i++)
        add(`again-${i}`, JSON.stringify({ ...example("many-7"), name: `Name ${i}` }));
    files.push(join(dir, "nosuch.json"));
    const r = await client(["twin", "apply", ...files]);
    assert.equal(r.code, FAILED, r.output);
    const told = r.stdout.trim().split("\n");
    assert.deepEqual(
        told.map((line) => /^(created|changed) (many-\d+)/.exec(line)?.slice(1)),
        [...ids.map((id) => ["created", id]), ...Array(5).fill(["changed", "many-7"])],
    );
    assert.match(r.stderr, /broken\.json[\s\S]*nosuch\.json cannot be read/);
    assert.equal((await json(["twin", "get", "many-7"])).name, "Name 4");
    const gone = await client(["twin", "rm", ...ids]);
    assert.equal(gone.code, OK, gone.output);
});

test("send: values, times, units, texts, lines; 1 when something was refused", async () => {
    assert.equal((await client(["send", "cli", "a=42.5", "b=ready"])).code, OK);
    const sensor = async (s) => (await d.get(`/api/v1/twins/cli/sensors/${s}`)).body;
    assert.equal((await sensor("a")).value, 42.5);
    assert.equal((await sensor("b")).value, "ready");
    assert.equal(
        (await client(["send", "cli", "a=212", "--unit", "degF", "--at", "2024-03-15T14:30:00Z"]))
            .code,
        OK,
    );
    const [[t, v]] = (
        await d.history("cli", "a", "from=2024-03-15T00:00:00Z&to=2024-03-16T00:00:00Z")
    ).points;
    assert.equal(t, 1710513000000);
    assert.ok(Math.abs(v - 100) < 1e-6);
    assert.equal((await client(["send", "cli", "b=12", "--text"])).code, OK);
    assert.equal((await sensor("b")).value, "12");
    const lines = Array.from({ length: 2500 }, (_, i) =>
        JSON.stringify({ sensor: "a", value: i, timestamp: 1500000000000 + i }),
    );
    const piped = await client(["send", "cli", "-"], { input: `${lines.join("\n")}\n` });
    assert.equal(piped.code, OK, piped.output);
    assert.equal(
        (await d.allHistory("cli", "a", "from=1500000000000&to=1500000010000")).length,
        2500,
    );
    const wrong = await client(["send", "cli", "zzz=1", "a=1"]);
    assert.equal(wrong.code, NO, wrong.output);
    assert.match(wrong.output, /zzz/);
    const answer = JSON.parse((await client(["send", "cli", "a=1", "--json"])).stdout);
    assert.equal(answer.accepted, 1);
    assert.equal((await client(["send", "nobody", "a=1"])).code, MISSING);
});

test("history: as a table, CSV and JSON; thinned and in steps", async () => {
    const range = ["--from", "1500000000000", "--to", "1500000010000"];
    const csv = await client(["history", "cli", "a", ...range, "--csv"]);
    const rows = csv.stdout.trim().split("\n");
    assert.equal(rows.length, 2501);
    assert.match(rows[0], /time/i);
    assert.match(rows[1], /^2017-07-14T02:40:00(\.000)?Z,0$/);
    const all = await json(["history", "cli", "a", ...range]);
    assert.equal(all.points.length, 2500);
    assert.ok(
        (await json(["history", "cli", "a", ...range, "--points", "50"])).points.length <= 50,
    );
    const steps = await json(["history", "cli", "a", ...range, "--every", "1s", "--fn", "count"]);
    assert.deepEqual(
        steps.points.map((p) => p[1]),
        [1000, 1000, 500],
    );
    const table = await client(["history", "cli", "a", ...range, "-n", "3"]);
    assert.equal(table.code, OK);
    assert.ok(table.stdout.trim().split("\n").length >= 3);
    assert.equal((await client(["history", "cli", "zzz"])).code, MISSING);
});

test("history: by the calendar, gaps filled, many sensors, as it comes", async () => {
    const range = ["--from", "1500000000000", "--to", "1500000010000"];
    const days = await json(
        ["history", "cli", "a", ...range, "--every", "1d", "--tz", "Europe/Berlin"].concat([
            "--fn",
            "count,min,max",
            "--before",
        ]),
    );
    assert.deepEqual(days.points, [[1499983200000, 2500, 0, 2499]]);
    assert.equal(days.before, null);
    const table = await client([
        "history",
        "cli",
        "a",
        ...range,
        "--every",
        "1s",
        "--fn",
        "count,last",
        "--fill",
        "0",
    ]);
    assert.match(table.stdout, /1000 {2}999\n/);
    assert.equal(table.stdout.trim().split("\n").length, 10);
    const lines = await client(["history", "cli/a", "c*/a", ...range, "--ndjson"]);
    assert.equal(lines.code, OK, lines.output);
    const rows = lines.stdout.trim().split("\n").map(JSON.parse);
    assert.equal(rows.length, 2500);
    assert.deepEqual(rows[7], { twin: "cli", sensor: "a", timestamp: 1500000000007, value: 7 });
    const csv = await client(["history", "cli/a", ...range, "--csv", "--every", "5s"]);
    assert.match(csv.stdout, /^twin,sensor,time,value\ncli,a,2017-07-14T02:40:00Z,1249.5\n/);
    const newest = await client(["history", "cli", "a", ...range, "--csv", "-n", "2"]);
    assert.match(newest.stdout, /^time,value\n2017\S+,2498\n2017\S+,2499\n$/);
    assert.equal((await client(["history", "cli/zzz", "--csv"])).code, MISSING);
    for (const [args, says] of [
        [["cli/a"], /--csv, --ndjson or --json/],
        [["cli", "a", "b"], /TWIN\/SENSOR/],
        [["cli/a", "a"], /TWIN\/SENSOR/],
        [["cli/a", "--csv", "-n", "3"], /--limit/],
        [["cli", "a", "--fn", "max"], /--every/],
    ]) {
        const r = await client(["history", ...args]);
        assert.equal(r.code, USAGE, r.output);
        assert.match(r.stderr, says);
    }
    const zone = await client(["history", "cli", "a", "--every", "1d", "--tz", "Nowhere"]);
    assert.equal(zone.code, REFUSED);
    assert.match(zone.stderr, /no time zone "Nowhere"/);
});

test("watch: prints readings as they come, ends after a count, as JSON lines", async () => {
    const [command, ...rest] = [
        ...sanitizerPrefix(),
        BIN,
        "watch",
        "--json",
        "--count",
        "5",
        "cli/a",
    ];
    const child = spawn(command, rest, {
        env: { ...process.env, ...SANITIZER_ENV, DOPPEL_SERVER: d.url },
    });
    let out = "";
    child.stdout.on("data", (x) => {
        out += x;
    });
    let code = null;
    child.on("close", (c) => {
        code = c;
    });
    let i = 0;
    await until(
        "its end",
        async () => {
            await d.post("/api/v1/twins/cli/readings", { a: 1000 + i++ });
            return code !== null;
        },
        { timeout: 60_000 },
    );
    assert.equal(code, OK);
    const lines = out
        .trim()
        .split("\n")
        .map((l) => JSON.parse(l));
    assert.equal(lines.length, 5);
    for (const l of lines) {
        assert.equal(l.twin, "cli");
        assert.equal(l.sensor, "a");
    }
    const timed = await client(["watch", "--for", "1s"]);
    assert.equal(timed.code, OK, timed.output);
});

test("status, plainly and in JSON", async () => {
    const r = await client(["status"]);
    assert.equal(r.code, OK, r.output);
    assert.ok(r.stdout.includes(d.http));
    assert.equal((await json(["status"])).addresses.mqtt, d.mqtt);
});

test("a server that is not there is 3, with its address", async () => {
    for (const args of [
        ["status"],
        ["twin", "ls"],
        ["send", "x", "a=1"],
        ["history", "x", "a"],
        ["watch"],
        ["twin", "rm", "x"],
    ]) {
        const r = await doppel([...args, "--server", "http://127.0.0.1:9"]);
        assert.equal(r.code, REACH, `${args.join(" ")}: ${r.output}`);
        assert.match(r.stderr, /127\.0\.0\.1:9/);
    }
});

test("completion for bash and zsh can be read by them and knows the subcommands", async (t) => {
    for (const shell of ["bash", "zsh", "fish"]) {
        const r = await doppel(["completion", shell]);
        assert.equal(r.code, OK);
        for (const word of ["serve", "validate", "history"])
            assert.ok(r.stdout.includes(word), shell);
        writeFileSync(join(dir, shell), r.stdout);
    }
    const complete = `
        source ${join(dir, "bash")}
        COMP_WORDS=(doppel va); COMP_CWORD=1; COMP_LINE="doppel va"; COMP_POINT=9
        f=$(complete -p doppel | sed 's/.*-F \\([^ ]*\\).*/\\1/')
        $f doppel va doppel
        echo "\${COMPREPLY[@]}"`;
    const r = await run("bash", ["-c", complete]);
    assert.equal(r.stdout.trim(), "validate", r.output);
    if (!existsSync("/usr/bin/zsh")) t.diagnostic("no zsh here");
    else assert.equal((await run("zsh", ["-n", join(dir, "zsh")])).code, 0);
    assert.equal((await doppel(["completion", "csh"])).code, USAGE);
});

test("nothing is coloured when it is no terminal", async () => {
    for (const args of [["twin", "ls"], ["status"], ["help"]])
        assert.ok(!(await client(args)).stdout.includes("\u001b"));
});

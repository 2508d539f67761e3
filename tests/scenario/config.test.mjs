/* Settings: one table behind the file, the environment, the flags and --print-config. */

import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { doppel, ROOT, start, temporary } from "../lib/doppel.mjs";

/* Lines "key = value" of --print-config by section. */
function settings(text) {
    const found = {};
    let section = "";
    for (const line of text.split("\n")) {
        const head = /^\[(.+)\]$/.exec(line.trim());
        if (head) section = head[1];
        const pair = /^([\w-]+)\s*=\s*(.*?)\s*(?:[#;].*)?$/.exec(line.trim());
        if (pair) found[`${section}.${pair[1]}`] = pair[2].replace(/^"(.*)"$/, "$1");
    }
    return found;
}

test("--print-config tells every setting, and is itself a file of settings", async (t) => {
    const dir = temporary(t);
    const printed = await doppel(["serve", "--print-config"], { cwd: dir });
    assert.equal(printed.code, 0, printed.output);
    const all = settings(printed.stdout);
    assert.equal(all["server.http"], "127.0.0.1:8080");
    assert.equal(all["server.mqtt"], "127.0.0.1:1883");
    assert.ok(Object.keys(all).length >= 15, printed.stdout);
    const file = join(dir, "all.ini");
    writeFileSync(file, printed.stdout);
    const again = await doppel(["serve", "--config", file, "--print-config"], { cwd: dir });
    assert.equal(again.code, 0, again.output);
    assert.deepEqual(settings(again.stdout), all);
});

test("a flag wins over the environment, that over the file, that over the default", async (t) => {
    const dir = temporary(t);
    const file = join(dir, "doppel.ini");
    writeFileSync(
        file,
        "[server]\nhttp = 127.0.0.1:7001\nmqtt = 127.0.0.1:7002\n[limits]\nmax-body = 2M\n",
    );
    const env = { DOPPEL_MQTT: "127.0.0.1:7003", DOPPEL_MAX_BODY: "3M" };
    const r = await doppel(["serve", "--config", file, "--max-body", "4M", "--print-config"], {
        env,
    });
    assert.equal(r.code, 0, r.output);
    const all = settings(r.stdout);
    assert.equal(all["server.http"], "127.0.0.1:7001");
    assert.equal(all["server.mqtt"], "127.0.0.1:7003");
    assert.equal(all["limits.max-body"], "4M");
});

test("a file in the data directory is found, and works", async (t) => {
    const data = temporary(t);
    writeFileSync(join(data, "doppel.ini"), "[limits]\nmax-body = 2k\n");
    const d = await start(t, { data });
    const r = await d.post("/api/v1/validate", JSON.stringify({ x: "y".repeat(3000) }));
    assert.equal(r.status, 413, r.text);
});

test("a mistake in a file is told with its line and a suggestion", async (t) => {
    const dir = temporary(t);
    const file = join(dir, "wrong.ini");
    for (const [text, says] of [
        ["[server]\nhtpp = 127.0.0.1:1\n", /wrong\.ini:2.*http/s],
        ["[sever]\nhttp = 127.0.0.1:1\n", /wrong\.ini:[12].*\[server\]/],
        ["[server]\nhttp = nonsense\n", /wrong\.ini:2/],
        ["[server\n", /wrong\.ini:1/],
    ]) {
        writeFileSync(file, text);
        const r = await doppel(["serve", "--config", file, "--data", join(dir, "d")]);
        assert.equal(r.code, 2, r.output);
        assert.match(r.stderr, says);
    }
    assert.equal((await doppel(["serve", "--config", join(dir, "none.ini")])).code, 2);
    const wrongEnv = await doppel(["serve", "--print-config"], {
        env: { DOPPEL_HTTP: "nonsense" },
    });
    assert.equal(wrongEnv.code, 2);
    assert.match(wrongEnv.stderr, /DOPPEL_HTTP/);
});

test("a data directory that cannot be used is said", async (t) => {
    const dir = temporary(t);
    writeFileSync(join(dir, "file"), "");
    const r = await doppel([
        "serve",
        "--data",
        join(dir, "file"),
        "--http",
        "127.0.0.1:0",
        "--mqtt",
        "127.0.0.1:0",
    ]);
    assert.equal(r.code, 6, r.output);
    assert.match(r.stderr, /file/);
});

test("MQTT can be switched off", async (t) => {
    const data = join(temporary(t), "d");
    mkdirSync(data);
    const r = await doppel(["serve", "--data", data, "--mqtt", "off", "--print-config"]);
    assert.equal(settings(r.stdout)["server.mqtt"], "off");
});

test("the documents say what the table says", async () => {
    const r = await doppel(["help", "configuration", "--markdown"]);
    assert.equal(r.code, 0, r.output);
    assert.equal(
        readFileSync(join(ROOT, "docs/configuration.md"), "utf8"),
        r.stdout,
        "docs/configuration.md: doppel help configuration --markdown > docs/configuration.md",
    );
});

/* ./run: help, build only, and from a call to a listening server with the demo. */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ROOT, run, temporary, until } from "../lib/doppel.mjs";
import { endGroup } from "../lib/spawned.mjs";

const RUN = join(ROOT, "run");

test("./run --help tells its flags", async () => {
    const r = await run(RUN, ["--help"]);
    assert.equal(r.code, 0);
    for (const flag of ["--build-only", "--no-demo", "--http", "--mqtt", "--data"])
        assert.ok(r.stdout.includes(flag), flag);
});

test("./run --build-only stops after the build", async () => {
    const r = await run(RUN, ["--build-only"], { timeout: 900_000 });
    assert.equal(r.code, 0, r.output);
    assert.ok(existsSync(join(ROOT, "build/release/doppel")));
    assert.match(r.stdout, /built build\/release\/doppel/);
});

/* Start ./run, and how long until it said its link. */
async function startRun(t, args) {
    const began = performance.now();
    const child = spawn(RUN, args, { cwd: "/", detached: true, stdio: ["ignore", "pipe", "pipe"] });
    let said = "";
    child.stdout.on("data", (x) => {
        said += x;
    });
    child.stderr.on("data", (x) => {
        said += x;
    });
    const ended = new Promise((resolve) =>
        child.on("close", (code, signal) => resolve({ code, signal })),
    );
    t.after(() => endGroup(child.pid));
    const link = await until("the link", () => /Open\s+(http:\/\/\S+)/.exec(said)?.[1], {
        timeout: 60_000,
        every: 5,
    });
    return { child, link, ms: performance.now() - began, said: () => said, ended };
}

/* The door is locked, so as the command line of the server's user. */
async function twinsOf({ link }) {
    const { host } = new URL(link);
    const file = join(process.env.XDG_RUNTIME_DIR, "doppel", `${host}.token`);
    const headers = { authorization: `Bearer ${readFileSync(file, "utf8")}` };
    const r = await fetch(`http://${host}/api/v1/twins`, { headers });
    assert.equal(r.status, 200);
    return r.json();
}

test("./run with nothing changed listens within three seconds, prints the link, shows the demo", async (t) => {
    const args = ["--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0", "--data", temporary(t)];
    let best = Number.POSITIVE_INFINITY;
    for (let i = 0; i < 3; i++) {
        const r = await startRun(t, args);
        best = Math.min(best, r.ms);
        assert.match(r.said(), /^listening http=127\.0\.0\.1:\d+ mqtt=127\.0\.0\.1:\d+/m);
        const page = await fetch(r.link);
        assert.equal(page.status, 200);
        assert.match(await page.text(), /<title>/);
        assert.equal((await twinsOf(r)).total, 3);
        r.child.kill("SIGTERM");
        assert.deepEqual(await r.ended, { code: 0, signal: null });
    }
    console.log(`# ./run listens after ${best.toFixed(0)} ms when nothing changed`);
    assert.ok(best < 3000, `${best.toFixed(0)} ms`);
});

test("./run --no-demo starts empty", async (t) => {
    const r = await startRun(t, [
        "--no-demo",
        "--http=127.0.0.1:0",
        "--mqtt=127.0.0.1:0",
        "--data",
        temporary(t),
    ]);
    assert.equal((await twinsOf(r)).total, 0);
    r.child.kill("SIGTERM");
    await r.ended;
});

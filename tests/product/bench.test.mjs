/* The benchmark that the README names is there, compiles and measures. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { ROOT, run } from "../lib/doppel.mjs";

test("the benchmark of ingest runs for a second and says what it measured", async () => {
    const build = join(ROOT, "build/release");
    const made = await run("ninja", ["-C", build, "ingest_bench", "json_bench"], {
        timeout: 300_000,
    });
    assert.equal(made.code, 0, made.output);
    const args = ["--connections", "10", "--twins", "4", "--rounds", "1", "--seconds", "1"];
    const r = await run(
        join(build, "bench/ingest_bench"),
        ["--doppel", join(build, "doppel"), ...args],
        {
            timeout: 120_000,
        },
    );
    assert.equal(r.code, 0, r.output);
    assert.match(r.stdout, /readings\/s/);
    assert.match(r.stdout, /p99/);
    for (const line of r.stdout.trim().split("\n")) console.log(`# bench: ${line.trim()}`);
});

/* The benchmarks that the README names are there, compile and measure. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ROOT, run, temporary } from "../lib/doppel.mjs";

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

test("what twins cost is measured and drawn", async (t) => {
    const made = await run("ninja", ["-C", join(ROOT, "build/release"), "doppel", "scale_bench"], {
        timeout: 300_000,
    });
    assert.equal(made.code, 0, made.output);
    const folder = temporary(t);
    const [table, picture] = [join(folder, "scale.tsv"), join(folder, "scale.svg")];
    const scale = (...args) =>
        run("node", [join(ROOT, "bench/scale.mjs"), ...args], { timeout: 120_000 });
    const measured = await scale("measure", "--twins", "5,50", "--seconds", "1", "--out", table);
    assert.equal(measured.code, 0, measured.output);
    const [head, ...rows] = readFileSync(table, "utf8").trim().split("\n");
    assert.equal(rows.length, 2);
    const at = head.split("\t").indexOf("series");
    assert.deepEqual(
        rows.map((row) => row.split("\t")[at]),
        ["50", "500"],
    );
    const drawn = await scale("draw", "--out", table, "--svg", picture);
    assert.equal(drawn.code, 0, drawn.output);
    assert.match(readFileSync(picture, "utf8"), /<svg[\s\S]*Resident memory/);
});

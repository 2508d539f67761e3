/* The house: presets, the direction of includes, one program that needs nothing beside it. */

import assert from "node:assert/strict";
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { BIN, ROOT, run, start, temporary } from "../lib/doppel.mjs";

test("the presets are dev, asan, tsan, release and fuzz", async () => {
    const r = await run("cmake", ["--list-presets"]);
    assert.equal(r.code, 0, r.output);
    for (const preset of ["dev", "asan", "tsan", "release", "fuzz"])
        assert.match(r.stdout, new RegExp(`"${preset}"`));
});

test("an include that goes up, or to a room that is none, fails the check of every build", async (t) => {
    const src = join(temporary(t), "src");
    for (const room of ["base", "os", "core", "attic"])
        mkdirSync(join(src, room), { recursive: true });
    const check = () => run(join(ROOT, "tools/check-includes"), [src]);
    writeFileSync(join(src, "core/a.c"), '#include "base/a.h"\n#include "core/b.h"\n');
    assert.equal((await check()).code, 0);
    writeFileSync(join(src, "os/up.c"), '#include "base/a.h"\n#include "core/a.h"\n');
    const up = await check();
    assert.notEqual(up.code, 0);
    assert.match(up.output, /os\/up\.c:2: os may not include core/);
    writeFileSync(join(src, "os/up.c"), "");
    writeFileSync(join(src, "attic/a.c"), "");
    assert.match((await check()).output, /attic/);
});

test("the program alone, elsewhere, is a complete system with the page", async (t) => {
    const dir = temporary(t);
    const bin = join(dir, "doppel");
    copyFileSync(BIN, bin);
    const d = await start(t, { bin, cwd: dir, data: join(dir, "data") });
    const page = await d.get("/");
    assert.equal(page.status, 200);
    const [, script] = /<script[^>]+src="([^"]+\.js)"/.exec(page.text);
    assert.equal((await d.get(script)).status, 200);
});

test("shell scripts parse and programs are executable", async () => {
    for (const file of [
        "run",
        "test",
        ".ci/run",
        "tools/lib.sh",
        "tools/fresh-machine",
        "tools/screenshot",
    ]) {
        const r = await run("bash", ["-n", join(ROOT, file)]);
        assert.equal(r.code, 0, r.output);
        if (file !== "tools/lib.sh")
            assert.equal((await run("test", ["-x", join(ROOT, file)])).code, 0, file);
    }
});

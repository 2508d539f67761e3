/* What an idle server costs. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { start } from "../lib/doppel.mjs";
import { pause } from "../lib/wait.mjs";

const residentMb = (pid) =>
    Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))[1]) / 1024;
const ticks = (pid) =>
    readFileSync(`/proc/${pid}/stat`, "utf8")
        .split(") ")[1]
        .split(" ")
        .slice(11, 13)
        .reduce((n, x) => n + Number(x), 0);

test("an idle server stays under 30 MB and does next to nothing", async (t) => {
    const d = await start(t);
    await d.get("/");
    await d.get("/api/v1/twins");
    const before = ticks(d.pid);
    await pause(3000); /* the span that is measured */
    const mb = residentMb(d.pid);
    const busy = (ticks(d.pid) - before) / 3; /* hundredths of a second a second: per cent */
    console.log(`# idle: ${mb.toFixed(1)} MB resident, ${busy.toFixed(1)} % of a core`);
    assert.ok(mb < 30, `${mb.toFixed(1)} MB`);
    assert.ok(busy < 3, `${busy.toFixed(1)} % of a core`);
});

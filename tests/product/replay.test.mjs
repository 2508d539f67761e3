/* The measured machines as they are, whole, through MQTT: value by value what was measured. */

import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { readTable, seriesOf } from "../lib/csv.mjs";
import { doppel, shared } from "../lib/doppel.mjs";
import { noSharedData, SHARED_DATA, twin } from "../lib/profiles.mjs";

const d = shared();

const FILES = existsSync(SHARED_DATA)
    ? readdirSync(SHARED_DATA, { recursive: true })
          .map(String)
          .filter((f) => f.endsWith(".csv"))
          .sort()
    : ["(all)"];

for (const [n, file] of FILES.entries())
    test(`replayed: ${file}`, { skip: noSharedData }, async () => {
        const table = readTable(join(SHARED_DATA, file));
        const names = table.columns.slice(1);
        const id = `machine-${n}`;
        const sensors = names.map((name, i) => [`c${i}`, { name, type: "measured", unit: "1" }]);
        await d.create(twin(id, Object.fromEntries(sensors)));
        const map = names.map((_, i) => `${i + 2}=c${i}`).join(",");
        const args = ["--twin", id, "--map", map, "--mqtt", d.mqtt, "--speed", "max"];
        const r = await doppel(["replay", join(SHARED_DATA, file), ...args, "--server", d.url], {
            timeout: 120_000,
        });
        assert.equal(r.code, 0, r.output);
        for (const [i, name] of names.entries()) {
            const expected = seriesOf(table, i + 1);
            const got = await d.allHistory(id, `c${i}`, undefined, 20_000);
            assert.equal(got.length, expected.length, name);
            for (const [k, [t, v]] of expected.entries())
                if (got[k][0] !== t || got[k][1] !== v)
                    assert.fail(`${name}: ${got[k]} came back for ${[t, v]}`);
        }
    });

test("and the same after a restart, out of the chunks", { skip: noSharedData }, async () => {
    await d.restart();
    const table = readTable(join(SHARED_DATA, FILES[0]));
    assert.deepEqual(await d.allHistory("machine-0", "c0", undefined, 20_000), seriesOf(table, 1));
});

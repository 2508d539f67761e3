/* doppel replay: a table into a twin, over HTTP and MQTT, at speed, with columns by name or number. */

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { readTable, seriesOf } from "../lib/csv.mjs";
import { doppel, shared, temporary } from "../lib/doppel.mjs";
import { noSharedData, SHARED_DATA, twin } from "../lib/profiles.mjs";
import { connectMqtt } from "../lib/streams.mjs";
import { until } from "../lib/wait.mjs";

const d = shared();
const dir = temporary({ after }, "doppel-replay-");
const T0 = Date.parse("2024-01-01T00:00:00Z");

const replay = (args) => doppel(["replay", ...args, "--server", d.url], { timeout: 120_000 });

function table(name, text) {
    const file = join(dir, name);
    writeFileSync(file, text);
    return file;
}

const CSV = `time,speed,on,label\n${Array.from({ length: 300 }, (_, i) => `${new Date(T0 + i * 1000).toISOString()},${i / 4},${i % 2 === 0},part ${i % 7}`).join("\n")}\n`;

for (const way of ["http", "mqtt"])
    test(`a table with numbers, booleans and texts over ${way}, its times kept`, async () => {
        const id = `replay-${way}`;
        await d.create(
            twin(id, {
                speed: { type: "speed", unit: "m/s" },
                running: { type: "switch", unit: "1" },
                label: { type: "state", unit: "1" },
            }),
        );
        const args = [
            table(`${way}.csv`, CSV),
            "--twin",
            id,
            "--map",
            "speed=speed,on=running",
            "--map",
            "4=label",
            "--speed",
            "max",
        ];
        const r = await replay(way === "mqtt" ? [...args, "--mqtt", d.mqtt] : args);
        assert.equal(r.code, 0, r.output);
        assert.deepEqual(
            await d.allHistory(id, "speed"),
            Array.from({ length: 300 }, (_, i) => [T0 + i * 1000, i / 4]),
        );
        assert.deepEqual(
            (await d.allHistory(id, "running")).map((p) => p[1]),
            Array.from({ length: 300 }, (_, i) => i % 2 === 0),
        );
        assert.equal((await d.allHistory(id, "label"))[8][1], "part 1");
        const again = await replay(way === "mqtt" ? [...args, "--mqtt", d.mqtt] : args);
        assert.equal(again.code, 0, "playing it twice changes nothing");
        assert.equal((await d.allHistory(id, "speed")).length, 300);
    });

test("--create makes the twin from the columns", async () => {
    const r = await replay([
        table("create.csv", "timestamp;a;b\n2024-01-01 00:00:00;1;2\n2024-01-01 00:00:01;3;4\n"),
        "--twin",
        "made",
        "--create",
        "--speed",
        "max",
    ]);
    assert.equal(r.code, 0, r.output);
    assert.deepEqual(await d.allHistory("made", "b"), [
        [T0, 2],
        [T0 + 1000, 4],
    ]);
});

test("at a speed: ten times as fast takes a tenth of the time", async () => {
    await d.create(twin("paced", ["a"]));
    const file = table(
        "paced.csv",
        `time,a\n${Array.from({ length: 21 }, (_, i) => `${new Date(T0 + i * 1000).toISOString()},${i}`).join("\n")}\n`,
    );
    const began = performance.now();
    const r = await replay([file, "--twin", "paced", "--speed", "10"]);
    const seconds = (performance.now() - began) / 1000;
    assert.equal(r.code, 0, r.output);
    assert.ok(seconds > 1.7, `${seconds} s: too fast`);
    assert.ok(seconds < 10, `${seconds} s: too slow`);
    assert.equal((await d.allHistory("paced", "a")).length, 21);
});

test("--shift now plays as if it happened now", async () => {
    await d.create(twin("shifted", ["a"]));
    const began = Date.now();
    const r = await replay([
        table("shift.csv", "time,a\n2020-01-01T00:00:00Z,1\n2020-01-01T00:00:01Z,2\n"),
        "--twin",
        "shifted",
        "--shift",
        "now",
    ]);
    assert.equal(r.code, 0, r.output);
    const points = await d.allHistory("shifted", "a");
    assert.deepEqual(
        points.map((p) => p[1]),
        [1, 2],
    );
    for (const [t] of points) assert.ok(t >= began - 1000 && t <= Date.now() + 1000);
});

test("gaps stay gaps, times in other forms are read", async () => {
    await d.create(twin("forms", ["a", "b"]));
    const file = table(
        "forms.csv",
        "when,a,b\n01.02.2024 12:00:00,1,\n01.02.2024 12:00:01,NaN,5\n",
    );
    const r = await replay([
        file,
        "--twin",
        "forms",
        "--time",
        "when",
        "--time-format",
        "%d.%m.%Y %H:%M:%S",
        "--tz",
        "+01:00",
        "--speed",
        "max",
    ]);
    assert.equal(r.code, 0, r.output);
    assert.deepEqual(await d.allHistory("forms", "a"), [[Date.parse("2024-02-01T11:00:00Z"), 1]]);
    assert.deepEqual(await d.allHistory("forms", "b"), [[Date.parse("2024-02-01T11:00:01Z"), 5]]);
});

test("a twin or column that is not there, a file that cannot be read", async () => {
    const file = table("none.csv", "time,a\n2024-01-01T00:00:00Z,1\n");
    assert.equal((await replay([file, "--twin", "nobody", "--speed", "max"])).code, 4);
    await d.create(twin("columns", ["a"]));
    assert.notEqual(
        (await replay([file, "--twin", "columns", "--map", "zzz=a", "--speed", "max"])).code,
        0,
    );
    assert.notEqual((await replay([join(dir, "no-file.csv"), "--twin", "columns"])).code, 0);
});

test("a measured pump through MQTT: what comes back is what was measured, and was streamed", {
    skip: noSharedData,
}, async (t) => {
    const file = join(SHARED_DATA, "skab/valve1/0.csv");
    const { columns, rows } = readTable(file);
    const names = columns.slice(1, -2);
    await d.create(
        twin(
            "skab",
            Object.fromEntries(
                names.map((n, i) => [`s${i}`, { name: n, type: "measured", unit: "1" }]),
            ),
        ),
    );
    const watcher = await connectMqtt(t, d);
    await watcher.subscribeAsync("twins/skab/sensors/#", { qos: 1 });
    const map = names.map((_, i) => `${i + 2}=s${i}`).join(",");
    const r = await replay([
        file,
        "--twin",
        "skab",
        "--map",
        map,
        "--mqtt",
        d.mqtt,
        "--speed",
        "max",
    ]);
    assert.equal(r.code, 0, r.output);
    const table0 = { columns, rows };
    for (const [i, name] of names.entries())
        assert.deepEqual(await d.allHistory("skab", `s${i}`), seriesOf(table0, i + 1), name);
    await until(
        "every reading at the subscriber",
        () => watcher.messages.length >= rows.length * names.length,
    );
});

/* alarms.mjs - from a reading's POST to its alarm at a WebSocket.
 *
 *   node bench/alarms.mjs [build/release/doppel]
 *
 * 2,000 alarms of as many sensors, one every 5 ms; each reading crosses its limit, is journalled, judged, its
 * alarm written to the catalog (with a sync) and told.  Prints the median, p99 and the longest. */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";

const WebSocket = createRequire(new URL("../tests/package.json", import.meta.url))("ws");
const program = process.argv[2] ?? "build/release/doppel";
const data = mkdtempSync(join(tmpdir(), "doppel-bench-"));
const flags = ["--access", "open", "--alarm-flood-twin", "1000000", "--alarm-flood", "1000000"];
const child = spawn(program, [
    ...["serve", "--data", data, "--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0", ...flags],
]);
const address = await new Promise((resolve) => {
    child.stdout.on("data", (d) => {
        const found = /http=(\S+)/.exec(d);
        if (found) resolve(found[1]);
    });
});
const post = (path, body) =>
    fetch(`http://${address}${path}`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
    }).then((r) => r.text());
const TWINS = 40;
const SENSORS = 50;
for (let i = 0; i < TWINS; i++)
    await post("/api/v1/twins", {
        "@context": { "@vocab": "https://schema.org/", mvmd: "https://mvmd.org/v1/" },
        "@type": "DigitalDocument",
        name: `t-${i}`,
        description: "x",
        identifier: { "@type": "PropertyValue", propertyID: "MVMD-ID", value: `t-${i}` },
        subjectOf: { "@type": "Thing", name: "x" },
        sensors: [...Array(SENSORS).keys()].map((s) => ({
            id: `s-${s}`,
            name: `s ${s}`,
            type: "temperature",
            unit: "celsius",
            normalRange: [0, 50],
        })),
    });
const sent = new Map();
const took = [];
const ws = new WebSocket(`ws://${address}/api/v1/stream`);
await new Promise((resolve) => ws.on("open", resolve));
ws.on("message", (m) => {
    const { alarm } = JSON.parse(m);
    const began = alarm && sent.get(`${alarm.twin}/${alarm.sensor}`);
    if (began) took.push(performance.now() - began);
});
ws.send(JSON.stringify({ alarms: true }));
await new Promise((resolve) => setTimeout(resolve, 300));
for (let i = 0; i < TWINS * SENSORS; i++) {
    const [twin, sensor] = [`t-${i % TWINS}`, `s-${Math.floor(i / TWINS)}`];
    sent.set(`${twin}/${sensor}`, performance.now());
    void post(`/api/v1/twins/${twin}/readings`, { [sensor]: 80 });
    await new Promise((resolve) => setTimeout(resolve, 5));
}
await new Promise((resolve) => setTimeout(resolve, 1000));
took.sort((a, b) => a - b);
const at = (q) => took[Math.min(took.length - 1, Math.floor(q * took.length))]?.toFixed(2);
console.log(`${took.length} alarms: median ${at(0.5)} ms, p99 ${at(0.99)} ms, longest ${at(1)} ms`);
ws.close();
child.kill();
await new Promise((resolve) => child.on("exit", resolve));
rmSync(data, { recursive: true });

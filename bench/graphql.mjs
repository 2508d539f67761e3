/* graphql.mjs - a small query in GraphQL against the same answer by REST, both from one server in one
 * run, one after the other and again: what it costs to ask in GraphQL.
 *
 *   node bench/graphql.mjs [seconds]      needs build/release/doppel and h2load */

import { execFile, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..");
const BIN = process.env.DOPPEL_BIN ?? join(ROOT, "build/release/doppel");
const SECONDS = Number(process.argv[2] ?? 3);
const ROUNDS = 3;
const run = promisify(execFile);

const dir = mkdtempSync(join(tmpdir(), "doppel-bench-"));
const args = ["serve", "--data", join(dir, "data"), "--access", "open", "--http", "127.0.0.1:0"];
const server = spawn(BIN, [...args, "--mqtt", "off"], { stdio: ["ignore", "pipe", "pipe"] });
let said = "";
const url = await new Promise((resolve, reject) => {
    const look = (chunk) => {
        said += chunk;
        const found = /listening http=(\S+)/.exec(said);
        if (found) resolve(`http://${found[1]}`);
    };
    server.stdout.on("data", look);
    server.stderr.on("data", look);
    server.on("exit", () => reject(new Error(said)));
});

const sensors = Array.from({ length: 6 }, (_, i) => ({
    id: `s${i}`,
    name: `Sensor ${i}`,
    type: "temperature",
    unit: "celsius",
}));
const profile = {
    "@context": { "@vocab": "https://schema.org/", mvmd: "https://mvmd.org/v1/" },
    "@type": "DigitalDocument",
    name: "Pump",
    description: "a pump",
    identifier: { "@type": "PropertyValue", propertyID: "MVMD-ID", value: "pump-1" },
    subjectOf: { "@type": "Thing", name: "Hall" },
    sensors,
};
const post = (path, body) =>
    fetch(url + path, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
    });
await post("/api/v1/twins", profile);
await post("/api/v1/twins/pump-1/readings", { s0: 1, s1: 2, s2: 3, s3: 4, s4: 5, s5: 6 });

const all = "id name type unit value t quality state level interval updates";
const CASES = {
    "six sensors of a twin": {
        rest: "/api/v1/twins/pump-1/sensors",
        query: `{ twin(id: "pump-1") { sensors { ${all} } } }`,
    },
    "a page of twins": {
        rest: "/api/v1/twins?limit=10&sensors=0",
        query: "{ twins(first: 10, sensors: 0) { nodes { id name description type twinTypes misfits state simulated demo created modified lastSynced sensorCount } totalCount } }",
    },
    "a number of a twin": {
        rest: "/api/v1/twins/pump-1/sensors/s0",
        query: `{ twin(id: "pump-1") { sensors(ids: ["s0"]) { ${all} } } }`,
    },
};

async function rate(path, body) {
    const more = body ? ["-d", body, "-H", "content-type: application/json"] : [];
    const flags = ["--h1", "-c", "8", "-t", "1", "-D", String(SECONDS), "--warm-up-time", "1"];
    const { stdout } = await run("h2load", [...flags, ...more, url + path]);
    const failed = Number(/(\d+) failed/.exec(stdout)?.[1] ?? 1);
    const bad = Number(/(\d+) 4xx/.exec(stdout)?.[1] ?? 0);
    if (failed || bad) throw new Error(stdout);
    return Number(/finished in [^,]+, ([\d.]+) req\/s/.exec(stdout)[1]);
}

for (const [name, c] of Object.entries(CASES)) {
    const body = join(dir, "body.json");
    writeFileSync(body, JSON.stringify({ query: c.query }));
    const answer = await (await post("/graphql", { query: c.query })).json();
    if (answer.errors) throw new Error(JSON.stringify(answer.errors));
    const rest = [];
    const graphql = [];
    for (let i = 0; i < ROUNDS; i++) {
        rest.push(await rate(c.rest));
        graphql.push(await rate("/graphql", body));
    }
    const median = (list) => list.toSorted((a, b) => a - b)[list.length >> 1];
    const [r, q] = [median(rest), median(graphql)];
    console.log(
        `${name.padEnd(24)} REST ${Math.round(r)}/s   GraphQL ${Math.round(q)}/s   ${(r / q).toFixed(2)} times`,
    );
}
server.kill("SIGTERM");
await new Promise((resolve) => server.on("exit", resolve));
rmSync(dir, { recursive: true, force: true });

/* doppel graph, twin relate, type: the graph and types from the command line. */

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { doppel, shared, temporary } from "../lib/doppel.mjs";
import { twin } from "../lib/profiles.mjs";

const d = shared();
const [OK, USAGE, MISSING, REFUSED] = [0, 2, 4, 5];

const client = (...args) => doppel(args, { env: { DOPPEL_SERVER: d.url } });
const run = async (...args) => {
    const r = await client(...args);
    assert.equal(r.code, OK, r.output);
    return r.stdout;
};

test("twins are related, listed, and related no more", async () => {
    for (const id of ["a", "b", "c"]) await d.create(twin(id, ["s"]));
    assert.match(await run("twin", "relate", "a", "feeds", "b"), /created a feeds b/);
    assert.match(
        await run("twin", "relate", "a", "feeds", "b", "--properties", '{"pipe":"DN80"}'),
        /changed/,
    );
    await run("twin", "relate", "b", "feeds", "c", "--id", "main");
    const table = await run("graph");
    assert.match(table, /a +feeds +b +\{"pipe":"DN80"\}/);
    assert.match(table, /b +feeds +c/);
    assert.doesNotMatch(await run("graph", "a", "--depth", "1"), /b +feeds +c/);
    const graph = JSON.parse(
        await run("graph", "c", "--direction", "in", "--depth", "5", "--json"),
    );
    assert.deepEqual(
        graph.nodes.map((n) => n.id),
        ["c", "b", "a"],
    );
    const refused = await client("twin", "relate", "a", "feeds", "nobody");
    assert.equal(refused.code, REFUSED, refused.output);
    assert.match(refused.stderr, /no twin "nobody"/);
    await run("twin", "relate", "a", "feeds", "nobody", "--dangling");
    assert.match(await run("graph", "a"), /nobody \(not there\)/);
    assert.match(
        await run("twin", "relate", "b", "feeds", "c", "--id", "main", "--remove"),
        /removed/,
    );
    assert.doesNotMatch(await run("graph"), /b +feeds/);
    assert.equal((await client("graph", "none")).code, MISSING);
    assert.equal((await client("twin", "relate", "a", "b", "c", "--properties", "[")).code, USAGE);
});

test("types are applied, read, listed and removed", async (t) => {
    const dir = temporary(t);
    const file = (name, value) => {
        writeFileSync(join(dir, name), JSON.stringify(value));
        return join(dir, name);
    };
    const machine = file("machine.json", { id: "Machine", sensors: [{ id: "temp" }] });
    const pump = file("pump.json", { id: "Pump", name: "A pump", extends: "Machine" });
    assert.match(await run("type", "apply", machine, pump), /created Machine\n.*created Pump/);
    assert.match(await run("type", "apply", pump), /changed Pump/);
    assert.match(await run("type", "ls"), /Pump +1 +Machine +0 +0 +0 +A pump/);
    const whole = JSON.parse(await run("type", "get", "Pump", "--resolved"));
    assert.deepEqual(whole.sensors, [{ id: "temp" }]);
    assert.equal(JSON.parse(await run("type", "get", "Machine", "--use")).extendedBy[0], "Pump");
    const kept = await client("type", "rm", "Machine");
    assert.equal(kept.code, REFUSED, kept.output);
    assert.match(kept.stderr, /Pump extends Machine/);
    await run("type", "rm", "Pump", "Machine");
    assert.equal((await client("type", "get", "Pump")).code, MISSING);
    const broken = await client("type", "apply", file("bad.json", { name: "x" }));
    assert.notEqual(broken.code, OK);
    assert.match(broken.stderr, /has no "id"/);
});

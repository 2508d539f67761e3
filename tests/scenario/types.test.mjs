/* Types of twins: what they have from each other, what a twin gets from them, who is not as they say. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { shared, start, until } from "../lib/doppel.mjs";
import { administrator, member } from "../lib/people.mjs";
import { twin } from "../lib/profiles.mjs";

const d = shared();
const TYPES = "/api/v1/types";

const machine = (id = "Machine") => ({
    id,
    name: "Machine",
    sensors: [{ id: "temp", name: "Temperature", type: "temperature", unit: "celsius" }],
    commands: [{ name: "stop", title: "Stop" }],
    settings: [{ name: "interval", unit: "s", default: 10 }],
    defaults: { subjectOf: { manufacturer: "Acme" }, maintenance: { schedule: {} } },
});

async function make(...types) {
    for (const type of types) {
        const r = await d.post(TYPES, type);
        assert.equal(r.status, 201, r.text);
    }
}

const rules = (answer) =>
    answer.body.findings.filter((f) => f.rule.startsWith("type.")).map((f) => f.rule);

test("a type extends another: it has what that has, and its own words over it", async () => {
    await make(machine(), {
        id: "Pump",
        extends: "Machine",
        sensors: [
            { id: "flow", type: "flow", unit: "l/min" },
            { id: "temp", normalRange: [10, 60] },
        ],
    });
    assert.deepEqual((await d.get(`${TYPES}/Pump`)).body.sensors.length, 2);
    const whole = await d.get(`${TYPES}/Pump?resolved=true`);
    assert.equal(whole.status, 200, whole.text);
    assert.deepEqual(whole.body.sensors[0], {
        id: "temp",
        name: "Temperature",
        type: "temperature",
        unit: "celsius",
        normalRange: [10, 60],
    });
    assert.deepEqual(whole.body.commands, machine().commands);
    const use = (await d.get(`${TYPES}/Machine/use`)).body;
    assert.deepEqual([use.twins, use.extendedBy, use.problem], [0, ["Pump"], null]);
});

test("what cannot be is refused, with the place and the reason", async () => {
    await make(machine("W-Machine"), {
        id: "W-Pump",
        extends: "W-Machine",
        sensors: [{ id: "temp", unit: "degF" }],
    });
    const refused = async (status, says, type, method = "POST", path = TYPES) => {
        const r = await d.send(method, path, type);
        assert.equal(r.status, status, r.text);
        assert.match(r.body.detail, says);
    };
    await refused(400, /sensors\[0\].*"id".*at "\/sensors\/0"/s, { id: "W-A", sensors: [{}] });
    await refused(409, /Nobody, which is not there.*at "\/extends"/s, {
        id: "W-A",
        extends: "Nobody",
    });
    await refused(
        409,
        /leads back to it/,
        { ...machine("W-Machine"), extends: "W-Pump" },
        "PUT",
        `${TYPES}/W-Machine`,
    );
    await refused(409, /unit "kg" here, and "celsius"/, {
        id: "W-A",
        extends: "W-Machine",
        sensors: [{ id: "temp", unit: "kg" }],
    });
    await make({ id: "W-Scale", sensors: [{ id: "temp", unit: "kg" }] });
    await refused(409, /do not agree about unit of temp/, {
        id: "W-A",
        extends: ["W-Machine", "W-Scale"],
    });
    await refused(
        409,
        /would break the type W-Pump/,
        { id: "W-Machine", sensors: [{ id: "temp", unit: "kg" }] },
        "PUT",
        `${TYPES}/W-Machine`,
    );
    await refused(409, /W-Pump extends W-Machine/, undefined, "DELETE", `${TYPES}/W-Machine`);
    assert.equal((await d.get(`${TYPES}/W-A`)).status, 404);

    const judged = await d.send(
        "POST",
        "/api/v1/validate/type",
        '{"id":"W-A",\n "extends": "Nobody"}',
    );
    assert.equal(judged.status, 200, judged.text);
    assert.deepEqual(
        judged.body.findings.map((f) => [f.rule, f.pointer, f.line]),
        [["type.extends", "/extends", 2]],
    );
    const broken = await d.send("POST", "/api/v1/validate/type", '{"id":');
    assert.equal(broken.body.complete, false);
});

test("a twin is made from a type, and what the type gives is told", async () => {
    await make(machine("M-Machine"));
    const r = await d.post(`${TYPES}/M-Machine/twins`, { id: "m-1", name: "First" });
    assert.equal(r.status, 201, r.text);
    assert.equal(r.headers.get("location"), "/api/v1/twins/m-1");
    assert.ok(r.body.filled.includes("/sensors/0"), r.body.filled);
    assert.equal(r.body.profile.name, "First");
    assert.equal(r.body.profile["doppel:twinType"], "M-Machine");
    assert.equal(r.body.profile.subjectOf.manufacturer, "Acme");
    assert.deepEqual(r.body.profile["doppel:commands"], machine().commands);
    assert.deepEqual(rules(r), []);
    assert.equal((await d.post(`${TYPES}/M-Machine/twins`, { id: "m-1" })).status, 409);
    assert.equal((await d.post(`${TYPES}/M-Machine/twins`, {})).status, 400);
    assert.equal((await d.post(`${TYPES}/Nobody/twins`, { id: "x" })).status, 404);

    const bare = await d.post("/api/v1/twins", {
        ...twin("m-2", ["own"]),
        "doppel:twinType": "M-Machine",
        subjectOf: { name: "Lathe", manufacturer: "Other" },
    });
    assert.equal(bare.status, 201, bare.text);
    assert.deepEqual(
        bare.body.profile.sensors.map((s) => s.id),
        ["own", "temp"],
    );
    assert.equal(bare.body.profile.subjectOf.manufacturer, "Other"); /* what is there stays */
    /* later changes are theirs who make them: nothing is filled in again */
    const less = await d.send(
        "PATCH",
        "/api/v1/twins/m-2",
        { sensors: [] },
        "application/merge-patch+json",
    );
    assert.deepEqual(less.body.profile.sensors, []);
    assert.deepEqual(rules(less), ["type.sensor"]);
});

test("a change of a type judges its twins anew; a type that is used stays", async () => {
    await make(machine("C-Machine"), { id: "C-Lathe", extends: "C-Machine" });
    await d.post(`${TYPES}/C-Lathe/twins`, { id: "c-1" });
    await d.post(`${TYPES}/C-Machine/twins`, { id: "c-2" });
    const fits = async (yes, type) =>
        (await d.get(`/api/v1/twins?twinType=${type}&fits=${yes}`)).body.items.map((t) => t.id);
    assert.deepEqual(await fits(true, "C-Machine"), ["c-1", "c-2"]);
    const changed = machine("C-Machine");
    changed.sensors.push({ id: "vibration", type: "vibration", unit: "mm/s" });
    changed.sensors[0].unit = "hPa";
    changed.sensors[0].type = "pressure";
    assert.equal((await d.send("PUT", `${TYPES}/C-Machine`, changed)).status, 200);
    await until("judged anew", async () => (await fits(false, "C-Machine")).length === 2);
    const use = (await d.get(`${TYPES}/C-Machine/use`)).body;
    assert.deepEqual([use.twins, use.direct, use.misfits], [2, 1, 2]);
    const found = await d.get("/api/v1/twins/c-1/findings");
    assert.deepEqual(rules(found).sort(), ["type.sensor", "type.sensor.type", "type.sensor.unit"]);
    assert.equal((await d.get("/api/v1/twins/c-1")).status, 200); /* it lives all the same */

    const kept = await d.send("DELETE", `${TYPES}/C-Lathe`);
    assert.equal(kept.status, 409, kept.text);
    assert.match(kept.body.detail, /1 twin is of the type C-Lathe/);
    await d.send("DELETE", "/api/v1/twins/c-1");
    assert.equal((await d.send("DELETE", `${TYPES}/C-Lathe`)).status, 204);
    assert.equal((await d.send("PUT", `${TYPES}/C-Machine`, machine("C-Machine"))).status, 200);
    await until("judged anew", async () => (await fits(false, "C-Machine")).length === 0);
});

test("relationships are as the type says: how many, and to whom", async () => {
    await make(machine("R-Tank"), {
        id: "R-Pump",
        relationships: [{ kind: "feeds", target: "R-Tank", min: 1, max: 1 }],
    });
    for (const id of ["r-tank", "r-tank2"]) await d.post(`${TYPES}/R-Tank/twins`, { id });
    await d.create(twin("r-lamp", ["s"]));
    await d.post(`${TYPES}/R-Pump/twins`, { id: "r-pump" });
    const at = "/api/v1/twins/r-pump/relationships";
    const found = async () => rules(await d.get("/api/v1/twins/r-pump/findings"));
    const misfits = async () =>
        (await d.get("/api/v1/twins?twinType=R-Pump")).body.items[0].misfits;
    assert.deepEqual(await found(), ["type.relationship"]); /* too few */
    assert.equal(await misfits(), 1);
    await d.post(at, { kind: "feeds", target: "r-tank" });
    assert.deepEqual(await found(), []);
    assert.equal(await misfits(), 0);
    await d.post(at, { kind: "feeds", target: "r-lamp" });
    assert.deepEqual(await found(), ["type.relationship"]); /* to none of the type */
    await d.send("DELETE", `${at}/feeds:r-lamp`);
    await d.post(at, { kind: "feeds", target: "r-tank2" });
    assert.equal(await misfits(), 1); /* too many */
});

test("a twin of a type that is not there is told so, and lives", async () => {
    const r = await d.post("/api/v1/twins", { ...twin("u-1", ["s"]), "doppel:twinType": "Later" });
    assert.equal(r.status, 201, r.text);
    await make({ id: "Other" });
    assert.deepEqual(rules(await d.get("/api/v1/twins/u-1/findings")), ["type.unknown"]);
    await make({ id: "Later", sensors: [{ id: "t" }] });
    assert.deepEqual(rules(await d.get("/api/v1/twins/u-1/findings")), ["type.sensor"]);
});

test("types outlive a restart, and belong to their organisation; viewers look, editors write", async (t) => {
    const locked = await start(t, { access: "locked" });
    const ada = await administrator(locked);
    await ada.must("POST", TYPES, machine());
    await ada.must("POST", `${TYPES}/Machine/twins`, { id: "a-1" });
    const vi = await member(ada, "viewer", "Vi Ewer");
    assert.equal((await vi.get(`${TYPES}/Machine?resolved=true`)).status, 200);
    assert.equal((await vi.get(`${TYPES}/Machine/use`)).body.twins, 1);
    assert.equal((await vi.post(TYPES, machine("Mine"))).status, 403);
    assert.equal((await vi.post(`${TYPES}/Machine/twins`, { id: "v-1" })).status, 403);
    await ada.must("POST", "/api/v1/organizations", { id: "acme", name: "Acme" });
    await ada.must("PATCH", "/api/v1/session", { organization: "acme" });
    assert.equal((await ada.get(`${TYPES}/Machine`)).status, 404);
    assert.equal((await ada.post(`${TYPES}/Machine/twins`, { id: "b-1" })).status, 404);
    await ada.must("PATCH", "/api/v1/session", { organization: "home" });
    await locked.restart();
    const use = (await ada.get(`${TYPES}/Machine/use`)).body;
    assert.deepEqual([use.twins, use.misfits], [1, 0]);
});

/* Types and twins in the words of others: DTDL, Thing Descriptions, NGSI-LD; in, out, and round. */

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { doppel, start, temporary } from "../lib/doppel.mjs";
import { administrator, member } from "../lib/people.mjs";
import { twin } from "../lib/profiles.mjs";

const CONTEXT = ["dtmi:dtdl:context;3", "dtmi:dtdl:extension:quantitativeTypes;1"];
const MODELS = [
    {
        "@context": CONTEXT,
        "@id": "dtmi:com:example:Room;1",
        "@type": "Interface",
        displayName: { en: "Room", de: "Raum" },
        contents: [
            {
                "@type": ["Telemetry", "Temperature"],
                name: "temp",
                schema: "double",
                unit: "degreeCelsius",
                comment: "of the air",
            },
            { "@type": "Property", name: "setPoint", schema: "double", writable: true },
            { "@type": "Relationship", name: "contains", target: "dtmi:com:example:Room;1" },
        ],
    },
    {
        "@context": "dtmi:dtdl:context;3",
        "@id": "dtmi:com:example:Hall;1",
        "@type": "Interface",
        extends: "dtmi:com:example:Room;1",
    },
];
const ENTITY = {
    id: "urn:ngsi-ld:Pump:001",
    type: "Pump",
    name: { type: "Property", value: "Pump one" },
    pressure: {
        type: "Property",
        value: 4.2,
        unitCode: "BAR",
        observedAt: "2025-11-02T14:00:00Z",
        accuracy: { type: "Property", value: 0.1 },
    },
    colour: { type: "Property", value: "red" },
    feeds: { type: "Relationship", object: "urn:ngsi-ld:Tank:7" },
    "@context": ["https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context.jsonld"],
};

test("interfaces become types, and come back as they were", async (t) => {
    const d = await start(t);
    const dry = await d.post("/api/v1/import/dtdl?dry=true", MODELS);
    assert.equal(dry.status, 200, dry.text);
    assert.deepEqual(
        dry.body.types.map((x) => x.id),
        ["com:example:Room.1", "com:example:Hall.1"],
    );
    assert.deepEqual((await d.get("/api/v1/types")).body.types, []);
    const made = await d.post("/api/v1/import/dtdl", MODELS);
    assert.equal(made.body.refused, 0, made.text);
    assert.deepEqual(made.body.types[0], { id: "com:example:Room.1", created: true, version: 1 });
    const room = await d.get("/api/v1/types/com:example:Room.1");
    assert.equal(room.body.sensors[0].unit, "celsius");
    assert.equal(room.body.settings[0].name, "setPoint");
    const out = await d.get("/api/v1/export/dtdl?types=com:example:Room.1,com:example:Hall.1");
    assert.deepEqual(out.body, MODELS);
    room.body.sensors[0].unit = "kelvin";
    const put = await d.send("PUT", "/api/v1/types/com:example:Room.1", room.body);
    assert.equal(put.status, 200, put.text);
    const changed = await d.get("/api/v1/export/dtdl?types=com:example:Room.1&strict=true");
    const wanted = structuredClone(MODELS[0]);
    wanted.contents[0].unit = "kelvin";
    assert.deepEqual(changed.body, [wanted]);
});

test("what cannot be read makes nothing, and is told all at once", async (t) => {
    const d = await start(t);
    const bad = structuredClone(MODELS);
    bad[0].contents[0].name = "1st";
    delete bad[1]["@context"];
    const r = await d.post("/api/v1/import/dtdl", bad);
    assert.equal(r.status, 422, r.text);
    assert.deepEqual(
        r.body.notes.filter((n) => n.error).map((n) => n.pointer),
        ["/0/contents/0", "/1"],
    );
    assert.deepEqual((await d.get("/api/v1/types")).body.types, []);
    assert.equal((await d.post("/api/v1/import/owl", MODELS)).status, 404);
    assert.equal((await d.get("/api/v1/export/dtdl")).body.code, "invalid");
    assert.equal((await d.get("/api/v1/export/dtdl?types=none")).body.code, "not-found");
    assert.equal((await d.get("/api/v1/export/wot?twins=none")).body.code, "unknown-twin");
});

test("entities become twins with their values' units, and come back as they were", async (t) => {
    const d = await start(t);
    const made = await d.post("/api/v1/import/ngsi-ld", ENTITY, "application/ld+json");
    assert.equal(made.body.refused, 0, made.text);
    assert.deepEqual(made.body.twins, [{ id: ENTITY.id, created: true, version: 1 }]);
    assert.equal(made.body.notes.length, 1, "the colour is kept aside");
    const out = await d.get(`/api/v1/export/ngsi-ld?twins=${ENTITY.id}`);
    const [entity] = out.body;
    assert.match(out.headers.get("content-type"), /ld\+json/);
    assert.deepEqual(entity, ENTITY);
    const sent = await d.post(`/api/v1/twins/${ENTITY.id}/readings`, { pressure: 5 });
    assert.equal(sent.status, 200, sent.text);
    const [later] = (await d.get(`/api/v1/export/ngsi-ld?twins=${ENTITY.id}`)).body;
    assert.equal(later.pressure.value, 5);
    assert.deepEqual(later.pressure.accuracy, ENTITY.pressure.accuracy);
    assert.deepEqual(later.colour, ENTITY.colour);
    const [flat] = (await d.get(`/api/v1/export/ngsi-ld?twins=${ENTITY.id}&concise=true`)).body;
    assert.ok(flat.pressure);
});

test("a twin is a Thing that can be asked by its forms", async (t) => {
    const d = await start(t);
    await d.post("/api/v1/twins", {
        ...twin("pump-1", { temp: { normalRange: [10, 80] } }),
        "doppel:relationships": [{ kind: "feeds", target: "pump-1", properties: { via: "a" } }],
    });
    const empty = await d.get("/api/v1/twins/pump-1/sensors/temp/value");
    assert.deepEqual([empty.status, empty.body], [200, null]);
    await d.post("/api/v1/twins/pump-1/readings", { temp: 21.5 });
    const thing = (await d.get("/api/v1/export/wot?twins=pump-1")).body;
    assert.equal(thing.title, "Twin pump-1");
    assert.equal(thing.properties.temp.unit, "celsius");
    const value = await d.get(thing.properties.temp.forms[0].href);
    assert.equal(value.body, 21.5);
    assert.deepEqual(thing.links[0].href, "urn:doppel:pump-1");
    const before = (await d.get("/api/v1/twins/pump-1?live=false")).body;
    assert.equal((await d.send("DELETE", "/api/v1/twins/pump-1")).status, 204);
    const back = await d.post("/api/v1/import/wot", thing);
    assert.equal(back.body.refused, 0, back.text);
    const after = (await d.get("/api/v1/twins/pump-1?live=false")).body;
    assert.equal(after["doppel:relationships"][0].properties.via, "a");
    assert.deepEqual(after.sensors[0].normalRange, before.sensors[0].normalRange);
    assert.equal(after["doppel:source"], undefined);
});

test("the command line takes in and gives out", async (t) => {
    const d = await start(t);
    const dir = temporary(t);
    const file = join(dir, "models.json");
    writeFileSync(file, JSON.stringify(MODELS));
    const at = ["--server", d.url];
    const dry = await doppel(["twin", "import", "dtdl", file, "--dry", ...at]);
    assert.match(dry.stdout, /would make type com:example:Room\.1/);
    const made = await doppel(["twin", "import", "dtdl", file, ...at]);
    assert.equal(made.code, 0, made.stderr);
    assert.match(made.stdout, /created type com:example:Hall\.1/);
    const out = await doppel(["twin", "export", "dtdl", "--types", "*", ...at]);
    assert.deepEqual(
        JSON.parse(out.stdout).map((m) => m["@id"]),
        MODELS.map((m) => m["@id"]).sort(),
    );
    writeFileSync(file, '[{"@type":"Interface"}]');
    const bad = await doppel(["twin", "import", "dtdl", file, ...at]);
    assert.notEqual(bad.code, 0);
    assert.match(bad.stderr, /error \/0: .*@context/);
    assert.match((await doppel(["twin", "import", "owl", file, ...at])).stderr, /owl is none/);
});

test("types come in whatever order; those that contradict each other are refused by name", async (t) => {
    const d = await start(t);
    const r = await d.post("/api/v1/import/dtdl", [...MODELS].reverse());
    assert.equal(r.status, 200, r.text);
    const hall = await d.get("/api/v1/types/com:example:Hall.1?resolved=true");
    assert.equal(hall.status, 200, hall.text);
    assert.deepEqual(
        hall.body.sensors.map((s) => s.id),
        ["temp"],
    );
    const circle = MODELS.map((m) => ({ ...m, extends: MODELS.find((o) => o !== m)["@id"] }));
    const refused = await d.post("/api/v1/import/dtdl", circle);
    assert.match(refused.text, /leads back to it|there is a circle|not there/);
});

test("an import changes no twin that a policy keeps from who imports", async (t) => {
    const d = await start(t, { access: "locked" });
    const ada = await administrator(d);
    const ed = await member(ada, "editor", "Ed Itor");
    const first = await ada.post("/api/v1/import/ngsi-ld", ENTITY);
    const [{ id }] = first.body.twins;
    await ada.must("PUT", `/api/v1/twins/${id}/policy`, {
        entries: {
            x: { subjects: ["role:editor"], resources: { "/": { revoke: ["write"] } } },
        },
    });
    const before = (await ada.get(`/api/v1/twins/${id}?live=false`)).body;
    const again = await ed.post("/api/v1/import/ngsi-ld", {
        ...ENTITY,
        name: { type: "Property", value: "Mine now" },
    });
    assert.equal(again.body.refused, 1, again.text);
    assert.deepEqual((await ada.get(`/api/v1/twins/${id}?live=false`)).body, before);
});

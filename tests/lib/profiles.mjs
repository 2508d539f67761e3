/* profiles.mjs - profiles for tests: the specification's complete example, and small ones. */

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./spawned.mjs";

/* The complete example, as text: its layout matters to tests of lines and columns. */
export const EXAMPLE_FILE = join(ROOT, "tests/profiles/complete.json");
export const exampleText = () => readFileSync(EXAMPLE_FILE, "utf8");

export function example(id = "twin-2024-001") {
    const profile = JSON.parse(exampleText());
    profile.identifier.value = id;
    return profile;
}

/* The five things without which no twin can be made. */
export function core(id) {
    return {
        "@context": { "@vocab": "https://schema.org/", mvmd: "https://mvmd.org/v1/" },
        "@type": "DigitalDocument",
        name: `Twin ${id}`,
        description: "a twin of a test",
        identifier: { "@type": "PropertyValue", propertyID: "MVMD-ID", value: id },
        subjectOf: { "@type": "Thing", name: "Test bench" },
    };
}

/* A core with sensors: {id: {type, unit, ...}} or a list of ids. */
export function twin(id, sensors) {
    const table = Array.isArray(sensors)
        ? Object.fromEntries(sensors.map((s) => [s, {}]))
        : sensors;
    return {
        ...core(id),
        sensors: Object.entries(table).map(([sensor, more]) => ({
            id: sensor,
            name: `Sensor ${sensor}`,
            type: "temperature",
            unit: "celsius",
            updateFrequency: 1,
            ...more,
        })),
    };
}

export const SHARED_DATA = join(ROOT, "../shared/data");
export const noSharedData = existsSync(SHARED_DATA)
    ? false
    : "the measured machines are not here: no folder ../shared/data";

/* The cases of tests/profiles/cases.json as texts: {name, rule, finds, schema, text}.  An edit sets
 * or removes what stands at a JSON Pointer of perfect.json; "-" appends. */
export function profileCases() {
    const read = (f) => readFileSync(join(ROOT, "tests/profiles", f), "utf8");
    const base = read("perfect.json");
    return JSON.parse(read("cases.json")).map((c) => ({
        ...c,
        text: c.text ?? edited(base, c.edit),
    }));
}

function edited(base, edits) {
    const document = JSON.parse(base);
    for (const { at, set, remove } of edits) {
        const steps = at
            .split("/")
            .slice(1)
            .map((s) => s.replaceAll("~1", "/").replaceAll("~0", "~"));
        const key = steps.pop();
        const home = steps.reduce((node, step) => node[step], document);
        if (remove && Array.isArray(home)) home.splice(Number(key), 1);
        else if (remove) delete home[key];
        else if (key === "-") home.push(set);
        else home[key] = set;
    }
    return JSON.stringify(document, null, 2);
}

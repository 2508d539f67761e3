/* double-profile.mjs - the test double's idea of a profile: parse with positions, judge, fill in.
 *
 * A development tool.  It knows enough of the rules to show every kind of finding in the page; the
 * server's own validator is the authority. */

const UNITS = new Set(
    "celsius,fahrenheit,kelvin,degC,degF,K,degrees,degree,rad,psi,bar,Pa,kPa,MPa,percent,%,V,A,W,kW,Hz,rpm,m,mm,cm,m/s,mm/s,m/s2,m3/h,L/min,s,ms,kg,g,N,Nm,lux,dB,ppm,1".split(
        ",",
    ),
);
const ID = /^[A-Za-z0-9._:-]{1,128}$/;

/* Where each value stands, by JSON Pointer: {offset}.  Only called for text that JSON.parse took. */
export function positions(text) {
    const found = new Map();
    let i = 0;
    const space = () => {
        while (" \t\r\n".includes(text[i]) && i < text.length) i++;
    };
    const string = () => {
        const start = i++;
        while (text[i] !== '"') i += text[i] === "\\" ? 2 : 1;
        i++;
        return JSON.parse(text.slice(start, i));
    };
    const value = (pointer) => {
        space();
        found.set(pointer, i);
        if (text[i] === "{" || text[i] === "[") {
            const object = text[i] === "{";
            i++;
            space();
            let index = 0;
            while (text[i] !== "}" && text[i] !== "]") {
                let step = String(index++);
                if (object) {
                    step = string().replaceAll("~", "~0").replaceAll("/", "~1");
                    space();
                    i++;
                }
                value(`${pointer}/${step}`);
                space();
                if (text[i] === ",") i++;
                space();
            }
            i++;
        } else if (text[i] === '"') string();
        else while (i < text.length && !" \t\r\n,]}".includes(text[i])) i++;
    };
    value("");
    return found;
}

export function lineColumn(text, offset) {
    const before = text.slice(0, offset).split("\n");
    return { line: before.length, column: before.at(-1).length + 1 };
}

const filled = (v) => typeof v === "string" && v.trim() !== "";
const plain = (v) => typeof v === "object" && v !== null && !Array.isArray(v);

/* text → {doc, core, complete, findings} */
export function judge(text) {
    let doc;
    try {
        doc = JSON.parse(text);
    } catch (error) {
        const at = /position (\d+)/.exec(error.message);
        const where = lineColumn(text, at ? Number(at[1]) : text.length);
        const finding = { rule: "json", severity: "error", pointer: "", ...where };
        finding.message = `This is not JSON: ${error.message}. Correct the text there.`;
        return { doc: undefined, core: false, complete: false, findings: [finding] };
    }
    const places = positions(text);
    const findings = [];
    let core = true;
    const place = (pointer) => {
        let p = pointer;
        while (!places.has(p)) p = p.slice(0, p.lastIndexOf("/"));
        return lineColumn(text, places.get(p));
    };
    const say = (rule, severity, pointer, message, isCore = false) => {
        if (isCore && severity === "error") core = false;
        findings.push({ rule, severity, pointer, ...place(pointer), message });
    };
    if (!plain(doc)) {
        say("json", "error", "", "A profile is a JSON object: put everything inside { }.", true);
        return { doc, core, complete: false, findings };
    }
    judgeCore(doc, say);
    judgeSync(doc, say);
    judgeSensors(doc, say);
    if (!doc.dataStorage)
        say(
            "storage",
            "error",
            "/dataStorage",
            "Say how long history is kept: dataStorage.historicalData with retentionPeriod and samplingRate.",
        );
    else if (!doc.dataStorage.privacy)
        say(
            "storage.privacy",
            "warning",
            "/dataStorage",
            "Say who may see the data, in dataStorage.privacy.",
        );
    if (!doc.maintenance)
        say("maintenance", "error", "/maintenance", "Add maintenance; an empty object is enough.");
    return { doc, core, complete: !findings.some((f) => f.severity === "error"), findings };
}

function judgeCore(doc, say) {
    const context = JSON.stringify(doc["@context"] ?? "");
    if (!context.includes("schema.org") || !context.includes("mvmd")) {
        say(
            "context",
            "error",
            "/@context",
            "Name https://schema.org/ and bind mvmd to https://mvmd.org/v1/.",
            true,
        );
    }
    if (!doc["@type"]) say("type", "error", "/@type", 'Add "@type": "DigitalDocument".', true);
    for (const member of ["name", "description"]) {
        if (!filled(doc[member]))
            say(member, "error", `/${member}`, `Give the twin a ${member}.`, true);
    }
    const id = doc.identifier;
    if (!plain(id) || id.propertyID !== "MVMD-ID" || typeof id.value !== "string") {
        say(
            "identifier",
            "error",
            "/identifier",
            'Add an identifier with propertyID "MVMD-ID" and a value.',
            true,
        );
    } else if (!ID.test(id.value)) {
        say(
            "identifier",
            "error",
            "/identifier/value",
            "Use letters, digits, . _ - : for the identifier, 1 to 128 of them.",
            true,
        );
    }
    const subject = doc.subjectOf;
    if (!plain(subject) || !filled(subject.name)) {
        say(
            "subject",
            "error",
            "/subjectOf",
            "Say what the twin mirrors: subjectOf with a name.",
            true,
        );
        return;
    }
    const missing = ["manufacturer", "model", "serialNumber"].filter((m) => !subject[m]);
    if (missing.length > 0) {
        say(
            "subject.identity",
            "warning",
            "/subjectOf",
            `Complete the identification: ${missing.join(", ")}.`,
        );
    }
    if (!subject.location)
        say(
            "subject.location",
            "warning",
            "/subjectOf",
            "Say where it stands, in subjectOf.location.",
        );
}

function judgeSync(doc, say) {
    const sync = doc.synchronization;
    if (!plain(sync)) {
        say(
            "sync",
            "error",
            "/synchronization",
            "Say how it is kept in step: mechanism, endpoint and updateFrequency.",
        );
        return;
    }
    if (!sync.mechanism)
        say(
            "sync.mechanism",
            "error",
            "/synchronization",
            "Add synchronization.mechanism, such as MQTT.",
        );
    if (!/^[a-z]+:\/\//.test(sync.endpoint ?? "")) {
        say(
            "sync.endpoint",
            "error",
            "/synchronization/endpoint",
            "Give the endpoint as an absolute URL, such as mqtt://host:1883.",
        );
    } else if (!/^(mqtts|https|wss|amqps):/.test(sync.endpoint)) {
        say(
            "sync.endpoint.secure",
            "warning",
            "/synchronization/endpoint",
            "Use an encrypted scheme, such as mqtts.",
        );
    }
    if (sync.updateFrequency === undefined)
        say(
            "sync.frequency",
            "error",
            "/synchronization",
            'Add updateFrequency: "realtime", hertz, or a duration such as "10s".',
        );
}

function judgeSensors(doc, say) {
    if (!Array.isArray(doc.sensors) || doc.sensors.length === 0) {
        say("sensors", "error", "/sensors", "List at least one sensor.");
        return;
    }
    const seen = new Set();
    doc.sensors.forEach((sensor, i) => {
        const at = `/sensors/${i}`;
        if (!plain(sensor)) {
            say("sensors", "error", at, "A sensor is an object.");
            return;
        }
        if (!ID.test(sensor.id ?? ""))
            say(
                "sensor.id",
                "error",
                `${at}/id`,
                "Give the sensor an id of letters, digits, . _ - :",
            );
        else if (seen.has(sensor.id))
            say("sensor.id", "error", `${at}/id`, `The id ${sensor.id} is used twice.`);
        seen.add(sensor.id);
        for (const member of ["name", "type", "unit"]) {
            if (!filled(sensor[member]))
                say(`sensor.${member}`, "error", `${at}/${member}`, `Give the sensor a ${member}.`);
        }
        if (filled(sensor.unit) && !UNITS.has(sensor.unit)) {
            say(
                "sensor.unit",
                "warning",
                `${at}/unit`,
                `The unit "${sensor.unit}" is not known; readings are kept, not converted.`,
            );
        }
        for (const member of ["normalRange", "criticalRange"]) {
            const r = sensor[member];
            if (r !== undefined && !(Array.isArray(r) && r.length === 2 && r[0] < r[1])) {
                say(
                    "sensor.range",
                    "error",
                    `${at}/${member}`,
                    "Write the range as [low, high] with low below high.",
                );
            }
        }
        if (!sensor.normalRange && !["boolean", "state", "text"].includes(sensor.type)) {
            say(
                "sensor.range.missing",
                "warning",
                at,
                "Give a normal and a critical range, so that the page can judge the value.",
            );
        }
    });
}

/* What the core leaves out is filled in; answers the document and the pointers that were added. */
export function fillIn(doc) {
    const pointers = [];
    const out = { ...doc };
    const add = (member, value) => {
        if (out[member] !== undefined) return;
        out[member] = value;
        pointers.push(`/${member}`);
    };
    add("synchronization", {
        mechanism: "MQTT",
        endpoint: "mqtt://127.0.0.1:1883",
        updateFrequency: "realtime",
    });
    add("dataStorage", {
        historicalData: { retentionPeriod: "90d", samplingRate: "1m", compressionLevel: "high" },
    });
    add("maintenance", {});
    return { doc: out, pointers };
}

export function sample(id) {
    return {
        "@context": { "@vocab": "https://schema.org/", mvmd: "https://mvmd.org/v1/" },
        "@type": "DigitalDocument",
        name: "My first twin",
        description: "A machine of mine with a temperature and a switch",
        identifier: { "@type": "PropertyValue", propertyID: "MVMD-ID", value: id },
        subjectOf: { "@type": "Thing", name: "Machine", manufacturer: "Unknown" },
        sensors: [
            {
                id: "temp-1",
                name: "Temperature",
                type: "temperature",
                unit: "celsius",
                updateFrequency: 1,
                normalRange: [10, 60],
                criticalRange: [80, 120],
            },
            { id: "running", name: "Running", type: "boolean", unit: "1", updateFrequency: "10s" },
        ],
    };
}

/* "realtime" → null, hertz → ms, "10s" → ms */
export function intervalOf(frequency) {
    if (typeof frequency === "number" && frequency > 0) return 1000 / frequency;
    const found = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(frequency ?? "");
    if (!found) return null;
    return Number(found[1]) * { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }[found[2]];
}

/* double-data.mjs - three moving twins for the test double, and their invented past. */

const DAY = 86_400_000;

const context = { "@vocab": "https://schema.org/", mvmd: "https://mvmd.org/v1/" };
const document = (id, name, description, subjectOf, sensors) => ({
    "@context": context,
    "@type": "DigitalDocument",
    name,
    description,
    identifier: { "@type": "PropertyValue", propertyID: "MVMD-ID", value: id },
    subjectOf: { "@type": "Thing", ...subjectOf },
    synchronization: {
        mechanism: "MQTT",
        endpoint: "mqtt://127.0.0.1:1883",
        updateFrequency: "realtime",
    },
    sensors,
    dataStorage: {
        historicalData: { retentionPeriod: "90d", samplingRate: "1s", compressionLevel: "high" },
    },
    maintenance: {
        schedule: { nextMaintenance: "2030-04-15", type: "scheduled", description: "Inspection" },
    },
});

/* A noise that is the same for the same time, so that the past does not change on reading. */
function noise(t, seed) {
    const x = Math.sin(t * 0.000123 + seed * 78.233) * 43758.5453;
    return (x - Math.floor(x)) * 2 - 1;
}
const wave = (t, periodMs, phase = 0) => Math.sin((t / periodMs + phase) * 2 * Math.PI);
const round = (v, digits) => Number(v.toFixed(digits));

const MODES = ["pick", "move", "place", "return"];

/* sensor → {every: ms, at(t): value} */
export const SIGNALS = {
    robot: {
        "temp-1": {
            every: 100,
            at: (t) =>
                round(47 + 6 * wave(t, 240_000) + 1.5 * wave(t, 9_000) + 0.35 * noise(t, 1), 2),
        },
        "motion-1": {
            every: 20,
            at: (t) => round(90 * wave(t, 6_000) * (0.8 + 0.2 * wave(t, 41_000)), 1),
        },
        "pressure-1": {
            every: 200,
            at: (t) => round(1260 + 90 * wave(t, 12_000) + 12 * noise(t, 2), 0),
        },
        gripper: { every: 1500, at: (t) => wave(t, 6_000, 0.1) > 0 },
        mode: { every: 1500, at: (t) => MODES[Math.floor(t / 1500) % 4] },
    },
    pump: {
        "bearing-temp": {
            every: 500,
            at: (t) => round(74 + 5 * wave(t, 95_000) + 0.6 * noise(t, 3), 1),
        },
        flow: { every: 500, at: (t) => round(31.5 + 1.4 * wave(t, 17_000) + 0.3 * noise(t, 4), 2) },
        "outlet-pressure": {
            every: 500,
            at: (t) => round(4.21 + 0.18 * wave(t, 11_000) + 0.03 * noise(t, 5), 3),
        },
        vibration: {
            every: 100,
            at: (t) => round(2.4 + 0.8 * Math.abs(noise(t, 6)) + 0.5 * wave(t, 60_000), 2),
        },
        current: {
            every: 1000,
            at: (t) => round(12.8 + 0.5 * wave(t, 17_000) + 0.1 * noise(t, 7), 2),
        },
        running: { every: 5000, at: () => true },
    },
    building: {
        temperature: {
            every: 1000,
            at: (t) => round(11.4 + 6.2 * wave(t, 180_000) + 0.2 * noise(t, 8), 1),
        },
        wind: {
            every: 1000,
            at: (t) => round(Math.max(0, 3.6 + 2 * wave(t, 70_000) + 0.6 * noise(t, 9)), 1),
        },
        precipitation: {
            every: 1000,
            at: (t) => round(Math.max(0, 4 * wave(t, 300_000) - 2 + 0.4 * noise(t, 10)), 1),
        },
    },
};

const sensor = (id, name, type, unit, updateFrequency, more = {}) => ({
    id,
    name,
    type,
    unit,
    updateFrequency,
    ...more,
});

export const PROFILES = [
    {
        simulated: true,
        doc: document(
            "robot",
            "Manufacturing robot",
            "Industrial robot arm of assembly line 3, driven by a small physical model.",
            {
                name: "Industrial Robot Arm",
                manufacturer: "Industrial Robotics Inc.",
                model: "PrecisionArm X7",
                serialNumber: "IR-2024-X7-42",
                productionDate: "2024-01-10",
                installDate: "2024-01-15",
                location: { "@type": "Place", name: "Factory Floor - Section B" },
            },
            [
                sensor("temp-1", "Joint Temperature", "temperature", "celsius", 10, {
                    location: "main_joint",
                    normalRange: [30, 65],
                    criticalRange: [75, 90],
                }),
                sensor("motion-1", "Arm Position", "position", "degrees", 50, {
                    location: "arm_angle",
                    accuracy: 0.1,
                }),
                sensor("pressure-1", "Hydraulic Pressure", "pressure", "psi", 5, {
                    normalRange: [1000, 1500],
                    criticalRange: [1800, 2000],
                }),
                sensor("gripper", "Gripper Closed", "boolean", "1", "2s"),
                sensor("mode", "Mode", "text", "1", "2s"),
            ],
        ),
    },
    {
        simulated: true,
        doc: document(
            "pump",
            "Water pump 2",
            "Centrifugal pump with a bearing that wears.",
            {
                name: "Centrifugal Pump",
                manufacturer: "Fluidics",
                model: "CP-40",
                serialNumber: "CP40-0117",
                location: { "@type": "Place", name: "Pump house" },
            },
            [
                sensor("bearing-temp", "Bearing Temperature", "temperature", "celsius", 2, {
                    normalRange: [20, 70],
                    criticalRange: [85, 120],
                }),
                sensor("flow", "Flow", "flow", "m3/h", 2, {
                    normalRange: [25, 38],
                    criticalRange: [0, 15],
                }),
                sensor("outlet-pressure", "Outlet Pressure", "pressure", "bar", 2, {
                    normalRange: [3.5, 5],
                    criticalRange: [6, 8],
                }),
                sensor("vibration", "Vibration", "vibration", "mm/s", 10, {
                    normalRange: [0, 4.5],
                    criticalRange: [7.1, 20],
                }),
                sensor("current", "Motor Current", "current", "A", 1, {
                    normalRange: [8, 16],
                    criticalRange: [20, 40],
                }),
                sensor("running", "Running", "boolean", "1", "5s"),
            ],
        ),
    },
    {
        simulated: false,
        doc: document(
            "building",
            "Seattle office",
            "A building under measured weather, replayed.",
            { name: "Office Building", location: { "@type": "Place", name: "Seattle" } },
            [
                sensor("temperature", "Outdoor Temperature", "temperature", "celsius", 1, {
                    normalRange: [-5, 32],
                    criticalRange: [38, 50],
                }),
                sensor("wind", "Wind", "wind", "m/s", 1, {
                    normalRange: [0, 14],
                    criticalRange: [24, 60],
                }),
                sensor("precipitation", "Precipitation", "precipitation", "mm", 1),
            ],
        ),
    },
];

/* Times of an invented past: dense lately, thin long ago, with two holes. */
export function pastTimes(now, every) {
    const times = [];
    const run = (from, to, step) => {
        for (let t = from; t < to; t += step) {
            const ago = now - t;
            if (ago > 38 * 60_000 && ago < 45 * 60_000) continue;
            if (ago > 3 * DAY && ago < 3.2 * DAY) continue;
            times.push(Math.floor(t));
        }
    };
    run(now - 7 * DAY, now - DAY, 300_000);
    run(now - DAY, now - 3_600_000, 30_000);
    run(now - 3_600_000, now - 120_000, Math.max(every, 1000));
    run(now - 120_000, now, Math.max(every, 100));
    return times;
}

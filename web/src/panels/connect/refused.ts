/* refused.ts - rejections gathered by what they have in common, newest first. */

import type { Rejection } from "../../base/wire";

export interface Refused {
    key: string;
    count: number;
    at: number;
    latest: Rejection;
}

export function rejectionTime(r: Rejection): number {
    return typeof r.at === "number" ? r.at : Date.parse(r.at);
}

export function gather(list: Rejection[]): Refused[] {
    const groups = new Map<string, Refused>();
    for (const r of list) {
        const key = [r.code, r.source, r.twin, r.sensor, r.topic].join("\n");
        const at = rejectionTime(r);
        const group = groups.get(key);
        if (!group) {
            groups.set(key, { key, count: 1, at, latest: r });
        } else {
            group.count++;
            if (at > group.at) {
                group.at = at;
                group.latest = r;
            }
        }
    }
    return [...groups.values()].sort((a, b) => b.at - a.at);
}

/* What the payload of a refused reading suggests for a new sensor. */
export function guessSensor(r: Rejection): { type: string; unit: string } {
    let value: unknown = r.payload;
    let unit = "";
    try {
        value = JSON.parse(r.payload ?? "");
    } catch {
        /* text without quotes */
    }
    if (typeof value === "object" && value !== null) {
        const object = value as Record<string, unknown>;
        const inner = r.sensor && r.sensor in object ? object[r.sensor] : object;
        if (typeof inner === "object" && inner !== null) {
            const reading = inner as Record<string, unknown>;
            if (typeof reading.unit === "string") unit = reading.unit;
            value = reading.value;
        } else value = inner;
    }
    const name = (r.sensor ?? "").toLowerCase();
    if (typeof value === "boolean") return { type: "boolean", unit: "1" };
    if (typeof value === "string") return { type: "text", unit: "1" };
    for (const [part, type, usual] of KNOWN) {
        if (name.includes(part)) return { type, unit: unit || usual };
    }
    return { type: "measurement", unit: unit || "1" };
}

const KNOWN: [part: string, type: string, unit: string][] = [
    ["temp", "temperature", "celsius"],
    ["press", "pressure", "bar"],
    ["humid", "humidity", "percent"],
    ["flow", "flow", "m3/h"],
    ["vibr", "vibration", "mm/s"],
    ["speed", "speed", "m/s"],
    ["rpm", "rotation", "rpm"],
    ["volt", "voltage", "V"],
    ["current", "current", "A"],
    ["power", "power", "W"],
    ["level", "level", "percent"],
];

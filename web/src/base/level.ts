/* level.ts - what a value means for its sensor, judged in the page for values that arrive live.
 *
 * Critical is inside the critical range or past it, on the side away from the normal range: a
 * bearing with normal 30..65 and critical 75..90 is critical at 95 too. */

import type { Level, Quality, Range, Sensor, State, Value } from "./wire";

export interface Limits {
    normalRange?: Range;
    criticalRange?: Range;
    threshold?: number;
}

/* A threshold warns on its far side: away from the normal range, else towards the critical one,
 * else upwards. */
function isBeyond(value: number, { normalRange, criticalRange, threshold }: Limits): boolean {
    if (threshold === undefined) return false;
    const down = normalRange
        ? threshold <= normalRange[0]
        : criticalRange !== undefined && threshold >= criticalRange[1];
    return down ? value < threshold : value > threshold;
}

export function levelOf(value: Value | null, limits: Limits): Level {
    const { normalRange: normal, criticalRange: critical, threshold } = limits;
    const judged = normal || critical || threshold !== undefined;
    if (typeof value !== "number" || Number.isNaN(value) || !judged) return "unknown";
    if (critical) {
        const [low, high] = critical;
        if (value >= low && value <= high) return "critical";
        if (normal && low >= normal[1] && value > high) return "critical";
        if (normal && high <= normal[0] && value < low) return "critical";
    }
    if (normal && (value < normal[0] || value > normal[1])) return "warning";
    return isBeyond(value, limits) ? "warning" : "normal";
}

/* Frames are gathered and travel, so a fast sensor is not called stale between two of them. */
const FASTEST_STALE_MS = 2_000;
const DEFAULT_STALE_MS = 10_000;

/* After how long without a reading a sensor is stale: three expected intervals. */
export function staleAfter(interval: number | null): number {
    if (interval === null || !(interval > 0)) return DEFAULT_STALE_MS;
    return Math.max(FASTEST_STALE_MS, 3 * interval);
}

export function stateOf(t: number | null, interval: number | null, now: number): State {
    if (t === null) return "waiting";
    return now - t > staleAfter(interval) ? "stale" : "live";
}

const ORDER: Level[] = ["unknown", "normal", "warning", "critical"];

export function worstLevel(levels: Iterable<Level>): Level {
    let worst: Level = "unknown";
    for (const level of levels) {
        if (ORDER.indexOf(level) > ORDER.indexOf(worst)) worst = level;
    }
    return worst;
}

export interface Reading {
    value: Value | null;
    t: number | null;
    quality: Quality | null;
}

/* A twin's state from its sensors, as the server says it: live when any is, else stale. */
export function twinState(sensors: Pick<Sensor, "t" | "interval">[], now: number): State {
    let state: State = "waiting";
    for (const s of sensors) {
        const one = stateOf(s.t, s.interval, now);
        if (one === "live") return "live";
        if (one === "stale") state = "stale";
    }
    return state;
}

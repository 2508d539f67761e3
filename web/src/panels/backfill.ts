/* backfill.ts - the minute before a sparkline came into sight.
 *
 * A few questions at a time, so that a page of fifty cards does not hold up anything else. */

import { useEffect } from "react";
import { readHistory } from "../api/calls";
import type { Sensor } from "../base/wire";
import { SPARK_MS } from "../kit/Sparkline";
import { clock, store } from "../live/live";
import { seriesKey } from "../live/store";

const AT_ONCE = 4;
const FRESH_MS = 20_000;
const POINTS = 120;

const queue: { twin: string; sensor: string }[] = [];
const filledAt = new Map<string, number>();
let running = 0;

async function next(): Promise<void> {
    const job = running < AT_ONCE ? queue.shift() : undefined;
    if (!job) return;
    running++;
    try {
        const to = clock.present();
        const ask = { from: to - SPARK_MS, to: to + 1_000, points: POINTS };
        const past = await readHistory(job.twin, job.sensor, ask);
        store.fill(
            job.twin,
            job.sensor,
            past.points.map(([t, v]) => [t, v]),
        );
    } catch {
        /* the sparkline starts empty and fills by itself; next time in sight is another try */
        filledAt.delete(seriesKey(job.twin, job.sensor));
    } finally {
        running--;
        void next();
    }
}

export function useBackfill(twin: string, sensors: Sensor[], visible: boolean): void {
    const key = sensors
        .filter((s) => typeof s.value !== "string" && s.t !== null)
        .map((s) => s.id)
        .join("\n");
    useEffect(() => {
        if (!visible || key === "") return;
        const now = clock.present();
        for (const sensor of key.split("\n")) {
            const name = seriesKey(twin, sensor);
            if (now - (filledAt.get(name) ?? Number.NEGATIVE_INFINITY) < FRESH_MS) continue;
            filledAt.set(name, now);
            queue.push({ twin, sensor });
            void next();
        }
    }, [twin, key, visible]);
}

/* store.ts - the last value and the recent past of every sensor that is being watched.
 *
 * Updates go into typed arrays and touch no component.  What is shown changes a few times a second
 * (`showEveryMs`, digits that change faster cannot be read), only for the sensors that changed, and
 * not at all while paused.  Charts and sparklines read the rings themselves when they paint. */

import { decimalsOf, type Value } from "../base/format";
import type { Reading } from "../base/level";
import type { Sensor, Update } from "../base/wire";
import type { Clock } from "./clock";
import { Ring } from "./ring";

export interface Series {
    ring: Ring;
    latest: Reading;
    /* what components see; replaced, never changed, so that identity tells a change */
    shown: Reading;
    /* the finest digits this sensor has spoken */
    decimals: number;
    updates: number;
}

type Listener = () => void;
type Tap = (update: Update) => void;

const NOTHING: Reading = { value: null, t: null, quality: null };
/* Above this many sensors, those that nobody watches are forgotten. */
const KEEP_UNWATCHED = 600;

export function seriesKey(twin: string, sensor: string): string {
    return `${twin}/${sensor}`;
}

export function asNumber(value: Value | null): number {
    if (typeof value === "number") return value;
    if (typeof value === "boolean") return value ? 1 : 0;
    return Number.NaN;
}

export interface StoreOptions {
    clock: Clock;
    showEveryMs?: number;
    later?: (run: () => void, ms: number) => void;
}

export class LiveStore {
    private readonly all = new Map<string, Series>();
    private readonly listeners = new Map<string, Set<Listener>>();
    private readonly taps = new Set<Tap>();
    private readonly dirty = new Set<string>();
    private readonly clock: Clock;
    private readonly showEveryMs: number;
    private readonly later: (run: () => void, ms: number) => void;
    private showing = false;
    private lastShown = Number.NEGATIVE_INFINITY;

    constructor(options: StoreOptions) {
        this.clock = options.clock;
        this.showEveryMs = options.showEveryMs ?? 200;
        this.later = options.later ?? ((run, ms) => void setTimeout(run, ms));
        this.clock.subscribe(() => {
            if (this.clock.pausedAt === null) this.show();
        });
    }

    series(twin: string, sensor: string): Series {
        const key = seriesKey(twin, sensor);
        let series = this.all.get(key);
        if (!series) {
            series = {
                ring: new Ring(),
                latest: NOTHING,
                shown: NOTHING,
                decimals: 0,
                updates: 0,
            };
            this.all.set(key, series);
        }
        return series;
    }

    /* Readings as they arrive on the stream. */
    take(updates: Update[]): void {
        for (const update of updates) {
            const series = this.series(update.twin, update.sensor);
            this.put(series, update);
            series.updates++;
            this.dirty.add(seriesKey(update.twin, update.sensor));
            for (const tap of this.taps) tap(update);
        }
        this.scheduleShow();
    }

    /* The last values that a REST answer brought along. */
    seed(twin: string, sensors: Sensor[]): void {
        for (const s of sensors) {
            if (s.t === null || s.value === null) continue;
            const series = this.series(twin, s.id);
            if (series.latest.t !== null && series.latest.t >= s.t) continue;
            this.put(series, { t: s.t, value: s.value, quality: s.quality ?? "good" });
            this.dirty.add(seriesKey(twin, s.id));
        }
        this.scheduleShow();
    }

    /* Past readings for a sparkline, oldest first. */
    fill(twin: string, sensor: string, points: [number, Value | null][]): void {
        const series = this.series(twin, sensor);
        for (const [t, value] of points) {
            series.ring.push(t, asNumber(value));
            if (typeof value === "number") this.learnDecimals(series, value);
        }
    }

    shown(twin: string, sensor: string): Reading {
        return this.all.get(seriesKey(twin, sensor))?.shown ?? NOTHING;
    }

    subscribe(twin: string, sensor: string, listener: Listener): () => void {
        const key = seriesKey(twin, sensor);
        let set = this.listeners.get(key);
        if (!set) {
            set = new Set();
            this.listeners.set(key, set);
        }
        set.add(listener);
        return () => {
            set.delete(listener);
            if (set.size > 0) return;
            this.listeners.delete(key);
            if (this.all.size > KEEP_UNWATCHED) this.all.delete(key);
        };
    }

    /* Every single update, for those who count or list them. */
    tap(tap: Tap): () => void {
        this.taps.add(tap);
        return () => this.taps.delete(tap);
    }

    forget(twin: string): void {
        for (const key of [...this.all.keys()]) {
            if (key.startsWith(`${twin}/`)) this.all.delete(key);
        }
    }

    private put(series: Series, reading: { t: number; value: Value } & Reading): void {
        series.ring.push(reading.t, asNumber(reading.value));
        if (typeof reading.value === "number") this.learnDecimals(series, reading.value);
        if (series.latest.t === null || reading.t >= series.latest.t) {
            series.latest = { value: reading.value, t: reading.t, quality: reading.quality };
        }
    }

    private learnDecimals(series: Series, value: number): void {
        const decimals = decimalsOf(value);
        if (decimals > series.decimals) series.decimals = decimals;
    }

    private scheduleShow(): void {
        if (this.showing || this.dirty.size === 0 || this.clock.pausedAt !== null) return;
        this.showing = true;
        const wait = Math.max(0, this.lastShown + this.showEveryMs - this.clock.present());
        this.later(() => this.show(), wait);
    }

    private show(): void {
        this.showing = false;
        if (this.clock.pausedAt !== null) return;
        this.lastShown = this.clock.present();
        const changed = [...this.dirty];
        this.dirty.clear();
        for (const key of changed) {
            const series = this.all.get(key);
            if (series) series.shown = series.latest;
        }
        for (const key of changed) {
            for (const listener of [...(this.listeners.get(key) ?? [])]) listener();
        }
    }
}

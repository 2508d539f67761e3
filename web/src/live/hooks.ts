/* hooks.ts - how components look at what is live. */

import { useCallback, useEffect, useSyncExternalStore } from "react";
import { formatAge } from "../base/format";
import { levelOf, type Reading, stateOf } from "../base/level";
import type { Level, Sensor, SensorRef, State, TwinEvent, Update } from "../base/wire";
import { clock, store, stream, ticker } from "./live";
import type { Link } from "./stream";

/* Ask for sensors while the component is there.  key stands for refs' content. */
export function useSubscription(refs: SensorRef[], wanted = true): void {
    const key = JSON.stringify(refs);
    useEffect(() => {
        if (!wanted) return;
        const asked = JSON.parse(key) as SensorRef[];
        return asked.length > 0 ? stream.subscribe(asked) : undefined;
    }, [key, wanted]);
}

export function useReading(twin: string, sensor: string): Reading {
    const subscribe = useCallback(
        (changed: () => void) => store.subscribe(twin, sensor, changed),
        [twin, sensor],
    );
    return useSyncExternalStore(subscribe, () => store.shown(twin, sensor));
}

/* Changes when the shown time moves; `read` must give a plain value, and only another value
 * renders the component again. */
export function useTicking<T extends string | number | boolean | null>(read: () => T): T {
    const subscribe = useCallback((changed: () => void) => {
        const one = ticker.subscribe(changed);
        const two = clock.subscribe(changed);
        return () => {
            one();
            two();
        };
    }, []);
    return useSyncExternalStore(subscribe, read);
}

export function useAge(t: number | null): string | null {
    return useTicking(() => (t === null ? null : formatAge(clock.now() - t)));
}

/* What REST said counts until the stream has spoken, and where it is newer; not while paused, when
 * what is shown stands still. */
export function newerOf(sensor: Sensor, live: Reading): Reading {
    if (live.t === null) return sensor;
    const newer = sensor.t !== null && sensor.t > live.t && clock.pausedAt === null;
    return newer ? sensor : live;
}

export function useSensorReading(twin: string, sensor: Sensor): Reading {
    return newerOf(sensor, useReading(twin, sensor.id));
}

export function useSensorState(sensor: Sensor, t: number | null): State {
    return useTicking(() => stateOf(t, sensor.interval, clock.now()));
}

export function useSensorLevel(twin: string, sensor: Sensor): Level {
    const reading = useSensorReading(twin, sensor);
    return levelOf(reading.value, sensor);
}

export function useLink(): Link {
    return useSyncExternalStore(stream.onLink, stream.status);
}

/* True once the server has not been reachable for longer than a blink. */
export function useOffline(afterMs = 2_000): boolean {
    const link = useLink();
    const there = link.state === "open" || link.state === "refused";
    return useTicking(() => !there && Date.now() - link.since >= afterMs);
}

export function usePaused(): number | null {
    return useSyncExternalStore(clock.subscribe, () => clock.pausedAt);
}

export function useTwinEvents(listener: (event: TwinEvent) => void): void {
    useEffect(() => stream.onEvent(listener), [listener]);
}

export function useTap(listener: (update: Update) => void): void {
    useEffect(() => store.tap(listener), [listener]);
}

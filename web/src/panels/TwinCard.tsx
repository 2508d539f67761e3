/* TwinCard.tsx - one twin at a glance: its state and three values that matter. */

import { Link } from "wouter";
import { levelOf, stateOf, twinState, worstLevel } from "../base/level";
import type { Level, Sensor, State, TwinSummary } from "../base/wire";
import { OriginBadges, TwinBadge } from "../kit/Badge";
import { useVisible } from "../kit/useVisible";
import { newerOf, useSubscription, useTicking } from "../live/hooks";
import { clock, store, stream } from "../live/live";
import { useBackfill } from "./backfill";
import { AgeCell, CardLevel, SparkCell, ValueCell } from "./SensorCells";
import style from "./TwinCard.module.css";

/* What REST said of a sensor, overtaken by what the stream said since. */
export function freshest(twin: string, sensor: Sensor): Sensor {
    const reading = newerOf(sensor, store.shown(twin, sensor.id));
    if (reading === sensor) return sensor;
    const { value, t, quality } = reading;
    return { ...sensor, value, t, quality, level: levelOf(value, sensor) };
}

/* A twin's state and worst level now.  Where the summary leaves sensors out, the server may know of
 * one that lives. */
export function judgeTwin(twin: TwinSummary): { state: State; level: Level } {
    const now = clock.now();
    const sensors = twin.sensors.map((s) => freshest(twin.id, s));
    const seen = twinState(sensors, now);
    const knowsAll = twin.sensors.length >= (twin.sensorCount ?? Number.POSITIVE_INFINITY);
    const living = sensors.filter((s) => stateOf(s.t, s.interval, now) === "live");
    return {
        /* what the server knew is old when the stream is gone */
        state: seen === "live" || knowsAll || stream.status().state === "lost" ? seen : twin.state,
        level: worstLevel(living.map((s) => s.level)),
    };
}

const SHOWN = 3;

/* The first three, but what is wrong comes before what is well. */
export function keySensors(sensors: Sensor[]): Sensor[] {
    const urgent = (s: Sensor) => (s.level === "critical" ? 2 : s.level === "warning" ? 1 : 0);
    const chosen = [...sensors].sort((a, b) => urgent(b) - urgent(a)).slice(0, SHOWN);
    return sensors.filter((s) => chosen.includes(s));
}

export function TwinCard({ twin }: { twin: TwinSummary }) {
    const [ref, visible] = useVisible<HTMLElement>();
    const shown = keySensors(twin.sensors);
    useSubscription(
        twin.sensors.map((s) => ({ twin: twin.id, sensor: s.id })),
        visible,
    );
    useBackfill(twin.id, shown, visible);
    const judged = useTicking(() => {
        const { state, level } = judgeTwin(twin);
        return `${state} ${level}`;
    });
    const [state, level] = judged.split(" ") as [State, Level];
    return (
        <article ref={ref} className={style.card} aria-labelledby={`twin-${twin.id}`}>
            <div className={style.head}>
                <div>
                    <h2>
                        <Link
                            id={`twin-${twin.id}`}
                            href={`/twins/${encodeURIComponent(twin.id)}`}
                            className={style.name ?? ""}
                        >
                            {twin.name}
                        </Link>
                    </h2>
                    <div className={style.sub}>
                        <span>{twin.type}</span>
                        <OriginBadges twin={twin} />
                    </div>
                </div>
                <TwinBadge state={state} level={level} />
            </div>
            {shown.length === 0 ? (
                <p className={style.none}>This twin has no sensors yet.</p>
            ) : (
                <div className={style.rows}>
                    {shown.map((sensor) => (
                        <div key={sensor.id} className={style.row}>
                            <div>
                                <div className={style.label}>
                                    <span title={sensor.name}>{sensor.name}</span>
                                    <AgeCell twin={twin.id} sensor={sensor} />
                                </div>
                                <div className={style.reading}>
                                    <ValueCell twin={twin.id} sensor={sensor} large />
                                    <CardLevel twin={twin.id} sensor={sensor} />
                                </div>
                            </div>
                            {visible && (
                                <SparkCell twin={twin.id} sensor={sensor} width={112} height={36} />
                            )}
                        </div>
                    ))}
                </div>
            )}
        </article>
    );
}

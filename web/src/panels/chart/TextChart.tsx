/* TextChart.tsx - a sensor that speaks words: a band of states over time, and a table. */

import { useQuery } from "@tanstack/react-query";
import { useCallback, useEffect, useRef, useState } from "react";
import { readHistory } from "../../api/calls";
import { formatAge, formatCount, formatValue } from "../../base/format";
import { preciseTime, spanText } from "../../base/time";
import type { Sensor, Update, Value } from "../../base/wire";
import { Panel } from "../../kit/Panel";
import { panelState } from "../../kit/panelState";
import { useSensorReading, useSensorState, useTap } from "../../live/hooks";
import { clock } from "../../live/live";
import { ChartActions } from "./ChartActions";
import { gapAfter } from "./model";
import { type SensorChartProps, usePlotWidth } from "./SensorChart";
import style from "./SensorChart.module.css";
import { type Episode, episodes } from "./states";
import { windowOf } from "./useView";
import { Rows } from "./ValueTable";

const MOST = 20_000;
const HEIGHT = 44;
const RENEW_MS = 1_000;

type Point = [number, Value];

/* The past from the server and what came since, renewed once a second. */
function usePoints({ twin, sensor, view }: SensorChartProps) {
    const past = useQuery({
        queryKey: [
            "history",
            twin,
            sensor.id,
            view.mode === "live" ? view.spanMs : [view.from, view.to],
            "raw",
        ],
        queryFn: async ({ signal }) => {
            const [from, to] = windowOf(view);
            const ask = { from, to: to + (view.mode === "live" ? 1_000 : 0), limit: MOST };
            return readHistory(twin, sensor.id, ask, signal);
        },
        refetchInterval: view.mode === "live" ? 60_000 : false,
    });
    const tail = useRef<Point[]>([]);
    const [, renew] = useState(0);
    useTap(
        useCallback(
            (update: Update) => {
                if (update.twin !== twin || update.sensor !== sensor.id) return;
                tail.current.push([update.t, update.value]);
                if (tail.current.length > 5_000) tail.current.splice(0, 1_000);
            },
            [twin, sensor.id],
        ),
    );
    useEffect(() => {
        if (view.mode !== "live") return;
        const timer = setInterval(() => {
            if (clock.pausedAt === null) renew((n) => n + 1);
        }, RENEW_MS);
        return () => clearInterval(timer);
    }, [view.mode]);
    const points: Point[] = (past.data?.points ?? [])
        .filter(([, v]) => v !== null)
        .map(([t, v]) => [t, v as Value]);
    const last = points.at(-1)?.[0] ?? Number.NEGATIVE_INFINITY;
    if (view.mode === "live") points.push(...tail.current.filter(([t]) => t > last));
    return { past, points };
}

const COLOURS = 8;

/* With more values than colours a colour would mean nothing: then they only alternate. */
function colourOf(value: string, known: string[]): string {
    const at = known.indexOf(value);
    if (known.length > COLOURS) return at % 2 ? "var(--series-7)" : "var(--series-1)";
    return `var(--series-${(at % 8) + 1})`;
}

function Band({
    list,
    from,
    to,
    width,
}: {
    list: Episode[];
    from: number;
    to: number;
    width: number;
}) {
    const known = [...new Set(list.map((e) => e.value))].sort();
    if (list.length > width / 3) {
        return (
            <p className={style.dense}>
                {formatCount(list.length)} changes, too many to tell apart here. Zoom in, or view
                them as a table.
            </p>
        );
    }
    const x = (t: number) => ((Math.max(from, Math.min(to, t)) - from) / (to - from)) * width;
    return (
        <>
            <svg
                className={style.states}
                width={width}
                height={HEIGHT}
                role="img"
                aria-label={`States over time: ${known.join(", ") || "none"}`}
            >
                {list.map((e) => {
                    const wide = Math.max(1, x(e.to) - x(e.from) - 1);
                    return (
                        <g key={e.from}>
                            <title>
                                {`${e.value}, ${preciseTime(e.from)}, for ${formatAge(e.to - e.from)}`}
                            </title>
                            <rect
                                x={x(e.from)}
                                width={wide}
                                y={4}
                                height={HEIGHT - 8}
                                rx={Math.min(3, wide / 3)}
                                fill={colourOf(e.value, known)}
                            />
                        </g>
                    );
                })}
            </svg>
            <ul className={style.names}>
                {known.length > COLOURS ? (
                    <li>{formatCount(known.length)} different values</li>
                ) : (
                    known.map((value) => (
                        <li key={value}>
                            <span
                                style={{ background: colourOf(value, known) }}
                                aria-hidden="true"
                            />
                            {value}
                        </li>
                    ))
                )}
            </ul>
        </>
    );
}

export function TextChart(props: SensorChartProps) {
    const { twin, sensor, view } = props;
    const [ref, width] = usePlotWidth();
    const [table, setTable] = useState(false);
    const { past, points } = usePoints(props);
    const reading = useSensorReading(twin, sensor);
    const sensorState = useSensorState(sensor, reading.t);
    const [from, to] = windowOf(view);
    const gap = gapAfter(sensor.interval, points);
    const list = episodes(points, from, to, gap);
    const state = panelState({
        error: past.error,
        retry: () => void past.refetch(),
        hasData: past.data !== undefined,
        loading: past.data === undefined,
        empty:
            past.data && list.length === 0
                ? reading.t === null
                    ? { why: "never", text: "This sensor has never sent a reading." }
                    : { why: "range", text: "No reading in this range." }
                : null,
        stale: view.mode === "live" && sensorState === "stale" ? reading.t : null,
    });
    const inWindow = points.filter(([t]) => t >= from && t <= to).reverse();
    return (
        <div ref={ref}>
            <Panel
                title={sensor.name}
                state={state}
                actions={<ChartActions {...{ twin, sensor, view, table, setTable }} />}
            >
                {table ? (
                    <Rows twin={twin} sensor={sensor as Sensor} rows={inWindow} />
                ) : (
                    <>
                        <div className={style.readout}>
                            {view.mode === "live" ? (
                                <strong>{formatValue(reading.value)}</strong>
                            ) : (
                                spanText(from, to, clock.now())
                            )}
                        </div>
                        <Band list={list} from={from} to={to} width={width} />
                    </>
                )}
                {past.data?.next && (
                    <p className={style.foot}>
                        Only the first {MOST} readings of the range are shown.
                    </p>
                )}
            </Panel>
        </div>
    );
}

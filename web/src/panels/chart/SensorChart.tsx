/* SensorChart.tsx - live and past values of one numeric or boolean sensor. */

import { useQuery } from "@tanstack/react-query";
import { useEffect, useMemo, useRef, useState } from "react";
import { readHistory } from "../../api/calls";
import { unitSign } from "../../base/format";
import type { TimeView } from "../../base/time";
import type { Sensor } from "../../base/wire";
import { Panel } from "../../kit/Panel";
import { panelState } from "../../kit/panelState";
import { useVisible } from "../../kit/useVisible";
import { useSensorReading, useSensorState } from "../../live/hooks";
import { clock } from "../../live/live";
import { ChartActions } from "./ChartActions";
import { ChartModel, gapAfter } from "./model";
import { Plot } from "./Plot";
import { windowOf } from "./useView";
import { ValueTable } from "./ValueTable";

export interface SensorChartProps {
    twin: string;
    sensor: Sensor;
    view: TimeView;
    height?: number;
    onZoom: (from: number, to: number) => void;
}

/* How often the past is asked for again while live. */
function refreshEvery(view: TimeView): number | false {
    if (view.mode !== "live") return false;
    return Math.min(30 * 60_000, Math.max(30_000, view.spanMs / 20));
}

function usePast({ twin, sensor, view }: SensorChartProps, points: number) {
    return useQuery({
        queryKey: [
            "history",
            twin,
            sensor.id,
            view.mode === "live" ? view.spanMs : [view.from, view.to],
            points,
        ],
        queryFn: ({ signal }) => {
            const [from, end] = windowOf(view);
            /* a reading that arrives while the question travels belongs to the answer */
            const to = view.mode === "live" ? end + 1_000 : end;
            return readHistory(twin, sensor.id, { from, to, points }, signal);
        },
        enabled: points > 0,
        staleTime: view.mode === "live" ? 0 : 60_000,
        refetchInterval: refreshEvery(view),
        refetchOnWindowFocus: view.mode === "live",
    });
}

const PADDING = 26;

/* The width that a plot has inside a panel of this box, whatever state the panel is in. */
export function usePlotWidth() {
    const ref = useRef<HTMLDivElement>(null);
    const [width, setWidth] = useState(0);
    useEffect(() => {
        if (!ref.current) return;
        const observer = new ResizeObserver(([entry]) => {
            if (entry) setWidth(Math.max(120, Math.floor(entry.contentRect.width) - PADDING));
        });
        observer.observe(ref.current);
        return () => observer.disconnect();
    }, []);
    return [ref, width] as const;
}

export function SensorChart(props: SensorChartProps) {
    const { twin, sensor, view, height = 220 } = props;
    const [ref, width] = usePlotWidth();
    const [seen, visible] = useVisible<HTMLDivElement>();
    const [table, setTable] = useState(false);
    /* in steps, so that dragging a window's border does not ask the server at every pixel */
    const points = width > 0 ? Math.ceil(width / 100) * 100 : 0;
    const past = usePast(props, points);
    const reading = useSensorReading(twin, sensor);
    const sensorState = useSensorState(sensor, reading.t);
    const model = useMemo(
        () => new ChartModel(view.spanMs, Math.max(100, points)),
        [view.spanMs, points],
    );
    const known = past.data;
    const gap = useMemo(
        () => gapAfter(sensor.interval, known?.points ?? []),
        [sensor.interval, known],
    );
    const loaded = useMemo(() => {
        if (known) model.setPast(known.points);
        return known;
    }, [known, model]);
    const moving = view.mode === "live" && (reading.t ?? 0) > clock.now() - view.spanMs;
    const state = panelState({
        error: past.error,
        retry: () => void past.refetch(),
        hasData: loaded !== undefined,
        loading: loaded === undefined,
        empty:
            loaded && loaded.points.length === 0 && !moving
                ? reading.t === null
                    ? { why: "never", text: "This sensor has never sent a reading." }
                    : { why: "range", text: "No reading in this range." }
                : null,
        stale: view.mode === "live" && sensorState === "stale" ? reading.t : null,
    });
    const shared = { twin, sensor, view, model, gap };
    return (
        <div
            ref={(element) => {
                ref.current = element;
                seen.current = element;
            }}
        >
            <Panel
                title={sensor.name}
                note={unitSign(sensor.unit)}
                state={state}
                minHeight={height + 24}
                actions={<ChartActions {...{ twin, sensor, view, table, setTable }} />}
            >
                {table ? (
                    <ValueTable {...shared} />
                ) : (
                    <Plot
                        {...shared}
                        key={sensor.id}
                        past={loaded}
                        visible={visible}
                        width={width}
                        height={height}
                        onZoom={props.onZoom}
                        onMissed={() => void past.refetch()}
                    />
                )}
            </Panel>
        </div>
    );
}

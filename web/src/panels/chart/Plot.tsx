/* Plot.tsx - the moving picture of a chart.  After mounting it does not render: the painter feeds
 * uPlot, and the readout above it is written straight into the page. */

import { type KeyboardEvent, useEffect, useRef } from "react";
import type uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { formatNumber, formatValue, unitSign } from "../../base/format";
import { dateTime, preciseTime, RANGES, spanText, type TimeView } from "../../base/time";
import type { History, Range, Sensor } from "../../base/wire";
import { AgeText } from "../../kit/Age";
import { useSensorReading } from "../../live/hooks";
import { clock, painter, store } from "../../live/live";
import type { ChartModel } from "./model";
import { makePlot } from "./plotting";
import style from "./SensorChart.module.css";
import { windowOf } from "./useView";

export interface PlotProps {
    twin: string;
    sensor: Sensor;
    view: TimeView;
    model: ChartModel;
    gap: number;
    past: History | undefined;
    /* out of sight nothing is drawn */
    visible: boolean;
    width: number;
    height: number;
    onZoom: (from: number, to: number) => void;
    /* readings passed by unseen (the page slept): the past is needed again */
    onMissed: () => void;
}

/* One pixel's worth of time, within what the eye needs and the machine can give. */
function paintEvery(view: TimeView, width: number): number {
    if (view.mode !== "live") return 3_600_000;
    return Math.min(2_000, Math.max(100, view.spanMs / Math.max(1, width)));
}

function describe(sensor: Sensor, view: TimeView): string {
    const range = RANGES.find((r) => r.ms === view.spanMs)?.label ?? "";
    const span =
        view.mode === "live" ? `the last ${range}` : spanText(view.from, view.to, clock.now());
    return `Chart of ${sensor.name}, ${span}. Arrow keys read values; the table has them all.`;
}

function readout(sensor: Sensor, value: number, decimals: number): string {
    const shown = isBoolean(sensor) ? value !== 0 : value;
    const text = formatValue(shown, decimals > 0 ? decimals : undefined);
    return `${text} ${unitSign(sensor.unit)}`.trim();
}

function rangeText([low, high]: Range): string {
    return `${formatNumber(low)} to ${formatNumber(high)}`;
}

export function isBoolean(sensor: Sensor): boolean {
    return typeof sensor.value === "boolean" || sensor.type === "boolean";
}

export function Plot(props: PlotProps) {
    const { twin, sensor, view, model, past, visible, width, height } = props;
    const root = useRef<HTMLDivElement>(null);
    const at = useRef<HTMLSpanElement>(null);
    const now = useRef<HTMLSpanElement>(null);
    const spoken = useRef<HTMLSpanElement>(null);
    const plot = useRef<uPlot | null>(null);
    const redraw = useRef<() => void>(() => {});
    const latest = useRef(props);
    latest.current = props;
    const boolean = isBoolean(sensor);
    const ranges = JSON.stringify([sensor.normalRange, sensor.criticalRange]);

    useEffect(() => {
        const element = root.current;
        if (!element) return;
        const [normalRange, criticalRange] = JSON.parse(ranges);
        const u = makePlot(element, {
            width: 300,
            height: 200,
            boolean,
            normalRange: normalRange ?? undefined,
            criticalRange: criticalRange ?? undefined,
            syncKey: `twin ${twin}`,
            window: () => windowOf(latest.current.view),
            onCursor: (index) => showReadout(index),
            onSelect: (from, to) => latest.current.onZoom(from, to),
        });
        plot.current = u;
        const showReadout = (index: number | null) => {
            const t = index === null ? undefined : u.data[0][index];
            const v = index === null ? undefined : u.data[1]?.[index];
            if (!at.current || !now.current) return;
            const reads = t != null && v != null;
            at.current.hidden = !reads;
            now.current.hidden = reads;
            if (!reads) return;
            const { sensor: s, view: shown } = latest.current;
            const decimals = store.series(twin, s.id).decimals;
            const when = shown.spanMs > 12 * 3_600_000 ? dateTime(t) : preciseTime(t);
            const strong = document.createElement("strong");
            strong.textContent = readout(s, v, decimals);
            at.current.replaceChildren(strong, ` ${when}`);
        };
        const paint = () => {
            const p = latest.current;
            if (!p.visible) return;
            if (p.view.mode === "live") {
                const { ring } = store.series(p.twin, p.sensor.id);
                if (p.model.missed(ring)) p.onMissed();
                p.model.absorb(ring);
            }
            const [from, to] = windowOf(p.view);
            const data = p.model.build(from, to, p.gap);
            u.setData([data.t, data.v]);
        };
        const job = painter.add({
            get every() {
                return paintEvery(latest.current.view, latest.current.width);
            },
            paint,
        });
        redraw.current = job.redraw;
        return () => {
            job.remove();
            u.destroy();
            plot.current = null;
        };
    }, [twin, boolean, ranges]);

    useEffect(() => {
        if (width > 0) plot.current?.setSize({ width, height });
    }, [width, height]);

    // biome-ignore lint/correctness/useExhaustiveDependencies: each of these changes the picture
    useEffect(() => redraw.current(), [view, model, past, visible]);

    const key = (event: KeyboardEvent) => {
        const u = plot.current;
        const step = { ArrowLeft: -1, ArrowRight: 1, Home: -1e9, End: 1e9 }[event.key];
        if (!u || step === undefined) return;
        event.preventDefault();
        const times = u.data[0];
        const values = u.data[1] ?? [];
        let i = (u.cursor.idx ?? times.length) + step;
        i = Math.max(0, Math.min(times.length - 1, i));
        while (values[i] == null && values[i + Math.sign(step)] !== undefined) i += Math.sign(step);
        const t = times[i];
        const v = values[i];
        if (t === undefined || v == null) return;
        u.setCursor({ left: u.valToPos(t, "x"), top: u.valToPos(v, "y") });
        if (spoken.current) {
            const decimals = store.series(twin, sensor.id).decimals;
            spoken.current.textContent = `${readout(sensor, v, decimals)} at ${preciseTime(t)}`;
        }
    };
    return (
        <>
            <div className={style.readout}>
                <span ref={at} hidden data-testid="chart-readout" />
                <span ref={now}>
                    <Now twin={twin} sensor={sensor} view={view} />
                </span>
                {(sensor.normalRange || sensor.criticalRange) && (
                    <span className={style.legend}>
                        {sensor.normalRange && (
                            <span className={style.range}>
                                <span className={style.swatch} aria-hidden="true" />
                                normal {rangeText(sensor.normalRange)}
                            </span>
                        )}
                        {sensor.criticalRange && (
                            <span className={style.range}>
                                <span
                                    className={style.swatch}
                                    data-kind="critical"
                                    aria-hidden="true"
                                />
                                critical {rangeText(sensor.criticalRange)}
                            </span>
                        )}
                    </span>
                )}
            </div>
            {/* biome-ignore lint/a11y/useSemanticElements: a fieldset is for forms */}
            <div
                ref={root}
                className={style.plot}
                style={{ height }}
                role="group"
                aria-roledescription="chart"
                aria-label={describe(sensor, view)}
                // biome-ignore lint/a11y/noNoninteractiveTabindex: its values are read with keys
                tabIndex={0}
                onKeyDown={key}
            />
            <span ref={spoken} className="sr-only" aria-live="polite" />
        </>
    );
}

function Now({ twin, sensor, view }: { twin: string; sensor: Sensor; view: TimeView }) {
    const reading = useSensorReading(twin, sensor);
    if (view.mode === "fixed") return <>{spanText(view.from, view.to, clock.now())}</>;
    const { decimals } = store.series(twin, sensor.id);
    const text = formatValue(
        reading.value,
        typeof reading.value === "number" && decimals > 0 ? decimals : undefined,
    );
    return (
        <>
            <strong>
                {text} {reading.value === null ? "" : unitSign(sensor.unit)}
            </strong>{" "}
            {reading.t !== null && (
                <>
                    <AgeText t={reading.t} /> ago
                </>
            )}
        </>
    );
}

/* plot.ts - uPlot dressed as ours: tokens for colours, bands for ranges, a cursor that reads. */

import uPlot from "uplot";
import { decimalsOf, formatNumber } from "../../base/format";
import type { Range } from "../../base/wire";

export interface PlotOptions {
    width: number;
    height: number;
    boolean: boolean;
    normalRange?: Range | undefined;
    criticalRange?: Range | undefined;
    /* plots of the same key share their cursor */
    syncKey: string;
    window: () => [number, number];
    onCursor: (index: number | null) => void;
    onSelect: (from: number, to: number) => void;
}

function token(name: string): string {
    return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/* Fill a range of values across the plot, behind everything. */
function band(u: uPlot, range: Range | undefined, colour: string, edge: string): void {
    const scale = u.scales.y;
    if (!range || scale?.min == null || scale.max == null) return;
    const low = Math.max(range[0], scale.min);
    const high = Math.min(range[1], scale.max);
    if (low >= high) return;
    const top = u.valToPos(high, "y", true);
    const bottom = u.valToPos(low, "y", true);
    u.ctx.save();
    u.ctx.fillStyle = colour;
    u.ctx.fillRect(u.bbox.left, top, u.bbox.width, bottom - top);
    /* an edge where the range ends inside the picture */
    u.ctx.fillStyle = edge;
    if (high < scale.max) u.ctx.fillRect(u.bbox.left, Math.round(top), u.bbox.width, 1);
    if (low > scale.min) u.ctx.fillRect(u.bbox.left, Math.round(bottom), u.bbox.width, 1);
    u.ctx.restore();
}

const TICKS: uPlot.Axis.Values = [
    [86_400_000, "{DD} {MMM}", null, null, null, null, null, null, 1],
    [3_600_000, "{HH}:{mm}", "\n{DD} {MMM}", null, "\n{DD} {MMM}", null, null, null, 1],
    [60_000, "{HH}:{mm}", null, null, null, null, null, null, 1],
    [1_000, "{HH}:{mm}:{ss}", null, null, null, null, null, null, 1],
    [1, "{mm}:{ss}.{fff}", null, null, null, null, null, null, 1],
];

function yValues(_u: uPlot, splits: number[]): string[] {
    const step = splits.length > 1 ? (splits[1] as number) - (splits[0] as number) : 1;
    const decimals = decimalsOf(Number(step.toPrecision(6)));
    return splits.map((v) => formatNumber(v, decimals));
}

function yRange(_u: uPlot, low: number | null, high: number | null): uPlot.Range.MinMax {
    if (low === null || high === null) return [0, 1];
    const least = Math.max(Math.abs(high), Math.abs(low)) * 0.004 || 1;
    const room = Math.max((high - low) * 0.12, least);
    return [low - room, high + room];
}

const Y_WIDTH = 52;

/* Where hours are marked, the days stand in a second line. */
function timeAxisHeight(o: PlotOptions): number {
    const [from, to] = o.window();
    const hours = (to - from) / 3_600_000;
    return hours > 3 && hours < 96 ? 40 : 26;
}

export function makePlot(root: HTMLElement, o: PlotOptions): uPlot {
    const axis = {
        stroke: () => token("--text-3"),
        grid: { stroke: () => token("--divider"), width: 0.5 },
        ticks: { show: false },
        font: "12px system-ui, sans-serif",
    };
    const line = () => token("--series-1");
    const options: uPlot.Options = {
        width: o.width,
        height: o.height,
        ms: 1,
        legend: { show: false },
        padding: [10, 20, 0, 0],
        cursor: {
            sync: {
                key: o.syncKey,
                setSeries: false,
                /* by time, since each plot has readings of its own */
                scales: ["x", null],
                filters: { pub: (type) => type === "mousemove" || type === "mouseleave" },
            },
            drag: { x: true, y: false, setScale: false, dist: 6 },
            points: { size: 7, fill: line, stroke: line, width: 0 },
            y: false,
        },
        scales: {
            x: { time: true, range: () => o.window() },
            y: { range: o.boolean ? [-0.15, 1.15] : yRange },
        },
        axes: [
            { ...axis, values: TICKS, space: 74, gap: 6, size: () => timeAxisHeight(o) },
            o.boolean
                ? { ...axis, size: Y_WIDTH, splits: () => [0, 1], values: () => ["false", "true"] }
                : { ...axis, size: Y_WIDTH, values: yValues, space: 34 },
        ],
        series: [
            {},
            {
                stroke: line,
                width: 1.5,
                spanGaps: false,
                paths: (o.boolean
                    ? uPlot.paths.stepped?.({ align: 1 })
                    : uPlot.paths.linear?.()) as uPlot.Series.PathBuilder,
                points: { size: 4, fill: line, filter: lonely },
            },
        ],
        hooks: {
            drawClear: [
                (u) => {
                    band(u, o.normalRange, token("--band-ok"), token("--ok"));
                    band(u, o.criticalRange, token("--band-crit"), token("--crit"));
                },
            ],
            setCursor: [(u) => o.onCursor(u.cursor.idx ?? null)],
            setSelect: [
                (u) => {
                    if (u.select.width < 6) return;
                    const from = u.posToVal(u.select.left, "x");
                    const to = u.posToVal(u.select.left + u.select.width, "x");
                    u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
                    o.onSelect(from, to);
                },
            ],
        },
    };
    return new uPlot(options, [[], []], root);
}

/* A reading between two gaps has no line; it gets a dot.  Few readings all get one. */
function lonely(u: uPlot, seriesIndex: number, show: boolean): number[] | null {
    const values = u.data[seriesIndex];
    if (!values) return null;
    if (show && values.length < 40) return null;
    const out: number[] = [];
    for (let i = 0; i < values.length; i++) {
        if (values[i] == null) continue;
        if (values[i - 1] == null && values[i + 1] == null) out.push(i);
    }
    return out;
}

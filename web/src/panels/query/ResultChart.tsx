/* ResultChart.tsx - an answer as a picture: lines over time, or bars. */

import { useEffect, useRef } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import type { QueryResult } from "../../api/query";
import { formatNumber } from "../../base/format";
import style from "./Result.module.css";
import { numbersOf, timeColumn } from "./shape";

const BARS_MAX = 60;
const HEIGHT = 320;
const COLOURS = ["--accent", "--sim", "--warn", "--crit", "--ok"];

function token(name: string): string {
    return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function Lines({ result, time }: { result: QueryResult; time: number }) {
    const root = useRef<HTMLDivElement>(null);
    useEffect(() => {
        const element = root.current;
        if (!element) return;
        const rows = result.rows
            .map((row) => ({ t: Date.parse(String(row[time])) / 1000, row }))
            .filter((r) => Number.isFinite(r.t))
            .sort((a, b) => a.t - b.t);
        const columns = numbersOf(result);
        const data: uPlot.AlignedData = [
            rows.map((r) => r.t),
            ...columns.map((c) =>
                rows.map(({ row }) => (typeof row[c] === "number" ? row[c] : null)),
            ),
        ];
        const axis = { stroke: token("--text-3"), grid: { stroke: token("--divider"), width: 1 } };
        const plot = new uPlot(
            {
                width: element.clientWidth,
                height: HEIGHT,
                series: [
                    {},
                    ...columns.map((c, i) => ({
                        label: result.columns[c] ?? "",
                        stroke: token(COLOURS[i % COLOURS.length] as string),
                        width: 1.5,
                    })),
                ],
                axes: [axis, axis],
            },
            data,
            element,
        );
        const resized = new ResizeObserver(() =>
            plot.setSize({ width: element.clientWidth, height: HEIGHT }),
        );
        resized.observe(element);
        return () => {
            resized.disconnect();
            plot.destroy();
        };
    }, [result, time]);
    return (
        <div
            ref={root}
            className={style.lines}
            role="img"
            aria-label="Chart of the answer over time"
        />
    );
}

function Bars({ result }: { result: QueryResult }) {
    const [value] = numbersOf(result);
    if (value === undefined) return <p className={style.none}>There is no column of numbers.</p>;
    const label = result.columns.findIndex((_, i) => i !== value);
    const rows = result.rows.slice(0, BARS_MAX);
    const most = Math.max(...rows.map((r) => Math.abs(Number(r[value]) || 0)), 1e-300);
    return (
        <ul className={style.bars} aria-label={`Bars of ${result.columns[value]}`}>
            {rows.map((row, i) => (
                <li key={String(i)}>
                    <span>{label < 0 ? i + 1 : String(row[label] ?? "NULL")}</span>
                    <span
                        className={style.bar}
                        style={{ width: `${(100 * Math.abs(Number(row[value]) || 0)) / most}%` }}
                    />
                    <span className={style.number}>{formatNumber(Number(row[value]) || 0)}</span>
                </li>
            ))}
            {result.rows.length > BARS_MAX && (
                <li className={style.none}>The first {BARS_MAX} rows are shown.</li>
            )}
        </ul>
    );
}

export function ResultChart({ result }: { result: QueryResult }) {
    const time = timeColumn(result);
    return time >= 0 && numbersOf(result).length > 0 ? (
        <Lines result={result} time={time} />
    ) : (
        <Bars result={result} />
    );
}

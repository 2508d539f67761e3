/* ValueTable.tsx - what a chart shows, as a table: newest first, renewed while live. */

import { useEffect, useState } from "react";
import { formatCount, formatValue, unitSign } from "../../base/format";
import { dateTime, type TimeView } from "../../base/time";
import type { Sensor, Value } from "../../base/wire";
import { Table, tableStyle } from "../../kit/Table";
import { clock, store } from "../../live/live";
import type { ChartModel } from "./model";
import { isBoolean } from "./Plot";
import style from "./SensorChart.module.css";
import { windowOf } from "./useView";

const MOST = 500;
const RENEW_MS = 2_000;

export interface ValueTableProps {
    twin: string;
    sensor: Sensor;
    view: TimeView;
    model: ChartModel;
    gap: number;
}

type Row = [t: number, value: Value];

function rowsOf({ twin, sensor, view, model, gap }: ValueTableProps): Row[] {
    const [from, to] = windowOf(view);
    if (view.mode === "live") model.absorb(store.series(twin, sensor.id).ring);
    const data = model.build(from, to, gap);
    const boolean = isBoolean(sensor);
    const rows: Row[] = [];
    for (let i = data.t.length - 1; i >= 0; i--) {
        const t = data.t[i] as number;
        const v = data.v[i];
        if (v == null || t < from || t > to) continue;
        rows.push([t, boolean ? v !== 0 : v]);
    }
    return rows;
}

export function ValueTable(props: ValueTableProps) {
    const { twin, sensor, view } = props;
    const [rows, setRows] = useState<Row[]>(() => rowsOf(props));
    // biome-ignore lint/correctness/useExhaustiveDependencies: props are read anew each time
    useEffect(() => {
        setRows(rowsOf(props));
        if (view.mode !== "live") return;
        const timer = setInterval(() => {
            if (clock.pausedAt === null) setRows(rowsOf(props));
        }, RENEW_MS);
        return () => clearInterval(timer);
    }, [view, props.model, props.gap]);
    return <Rows twin={twin} sensor={sensor} rows={rows} thinned />;
}

export interface RowsProps {
    twin: string;
    sensor: Sensor;
    rows: Row[];
    thinned?: boolean;
}

export function Rows({ twin, sensor, rows, thinned }: RowsProps) {
    const { decimals } = store.series(twin, sensor.id);
    const sign = unitSign(sensor.unit);
    return (
        <>
            <div className={style.table}>
                <Table
                    caption={`Values of ${sensor.name}`}
                    head={
                        <>
                            <th scope="col">Time</th>
                            <th scope="col" className={tableStyle.num}>
                                Value{sign && ` (${sign})`}
                            </th>
                        </>
                    }
                >
                    {rows.slice(0, MOST).map(([t, value]) => (
                        <tr key={t}>
                            <td>
                                <time dateTime={new Date(t).toISOString()}>
                                    {dateTime(t)}.{String(Math.floor(t % 1000)).padStart(3, "0")}
                                </time>
                            </td>
                            <td className={tableStyle.num}>
                                {formatValue(
                                    value,
                                    typeof value === "number" && decimals > 0
                                        ? decimals
                                        : undefined,
                                )}
                            </td>
                        </tr>
                    ))}
                </Table>
            </div>
            <p className={style.foot} style={{ paddingTop: 18 }}>
                {rows.length > MOST
                    ? `The newest ${MOST} of ${formatCount(rows.length)} values shown.`
                    : `${formatCount(rows.length)} values.`}
                {thinned && " The chart keeps extremes; the CSV has every reading."}
            </p>
        </>
    );
}

import { useEffect, useRef, useState } from "react";
import { formatCount } from "../../base/format";
import type { TimeView } from "../../base/time";
import type { Sensor } from "../../base/wire";
import { Button, ServerButton } from "../../kit/Button";
import { download } from "../../kit/download";
import { announce } from "../../kit/toast";
import { fileName, readCsv } from "./csv";
import { windowOf } from "./useView";

export interface ChartActionsProps {
    twin: string;
    sensor: Sensor;
    view: TimeView;
    table: boolean;
    setTable: (table: boolean) => void;
}

export function ChartActions({ twin, sensor, view, table, setTable }: ChartActionsProps) {
    const [rows, setRows] = useState<number | null>(null);
    const abort = useRef<AbortController | null>(null);
    useEffect(() => () => abort.current?.abort(), []);

    const save = async () => {
        if (abort.current) {
            abort.current.abort();
            return;
        }
        const control = new AbortController();
        abort.current = control;
        const [from, to] = windowOf(view);
        setRows(0);
        try {
            const blob = await readCsv({
                twin,
                sensor: sensor.id,
                from,
                to,
                onProgress: setRows,
                signal: control.signal,
            });
            download(blob, fileName(twin, sensor.id, from, to));
        } catch (error) {
            const text = error instanceof Error ? error.message : String(error);
            announce(control.signal.aborted ? "Download cancelled" : `No download: ${text}`);
        } finally {
            abort.current = null;
            setRows(null);
        }
    };
    return (
        <>
            <Button
                small
                look="ghost"
                icon={table ? "chart" : "table"}
                onClick={() => setTable(!table)}
            >
                {table ? "View as chart" : "View as table"}
                <span className="sr-only"> {sensor.name}</span>
            </Button>
            <ServerButton
                small
                look="ghost"
                icon={rows === null ? "download" : "close"}
                title={rows === null ? "Download every reading of the range" : "Cancel"}
                onClick={save}
            >
                {rows === null ? "CSV" : `${formatCount(rows)} rows`}
                <span className="sr-only">
                    {" "}
                    {rows === null ? sensor.name : `cancel ${sensor.name}`}
                </span>
            </ServerButton>
        </>
    );
}

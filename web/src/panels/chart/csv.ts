/* csv.ts - every reading of a range as a file, page by page. */

import { readHistory } from "../../api/calls";
import type { HistoryPoint } from "../../base/wire";

const PAGE = 50_000;

function field(value: unknown): string {
    const text = String(value ?? "");
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

export function csvLines(points: HistoryPoint[]): string {
    let out = "";
    for (const [t, value, quality] of points) {
        out += `${new Date(t).toISOString()},${t},${field(value)},${quality ?? ""}\r\n`;
    }
    return out;
}

export interface CsvAsk {
    twin: string;
    sensor: string;
    from: number;
    to: number;
    onProgress: (rows: number) => void;
    signal: AbortSignal;
}

export async function readCsv(ask: CsvAsk): Promise<Blob> {
    const parts: string[] = ["time,unix_ms,value,quality\r\n"];
    let cursor: string | null = null;
    let rows = 0;
    do {
        const page: Awaited<ReturnType<typeof readHistory>> = await readHistory(
            ask.twin,
            ask.sensor,
            { from: ask.from, to: ask.to, limit: PAGE, cursor, quality: true },
            ask.signal,
        );
        parts.push(csvLines(page.points));
        rows += page.points.length;
        ask.onProgress(rows);
        cursor = page.next ?? null;
    } while (cursor !== null);
    return new Blob(parts, { type: "text/csv" });
}

export function fileName(twin: string, sensor: string, from: number, to: number): string {
    const stamp = (ms: number) => new Date(ms).toISOString().slice(0, 19).replaceAll(":", "");
    return `${twin}_${sensor}_${stamp(from)}_${stamp(to)}.csv`.replace(/[^A-Za-z0-9._-]/g, "-");
}

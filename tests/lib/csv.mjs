/* csv.mjs - the measured machines of ../shared/data, read by ourselves and independent of the
 * program: {columns: [name], rows: [[t, ...numbers]]}; times without an offset are UTC. */

import { readFileSync } from "node:fs";

export function readTable(file) {
    const [head, ...lines] = readFileSync(file, "utf8").trim().split(/\r?\n/);
    const separator = head.includes(";") ? ";" : ",";
    const columns = head.split(separator);
    const rows = lines.map((line) => {
        const [time, ...values] = line.split(separator);
        return [Date.parse(`${time.replace(" ", "T")}Z`), ...values.map(Number)];
    });
    return { columns, rows };
}

/* What a series of column n must be: in order of time, of equal times the last. */
export function seriesOf(table, n) {
    const last = new Map();
    for (const row of table.rows) last.set(row[0], row[n]);
    return [...last].sort((a, b) => a[0] - b[0]);
}

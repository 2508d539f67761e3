/* shape.ts - what an answer can be drawn as. */

import type { QueryResult } from "../../api/query";

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d/;
const LOOKED = 50;

/* The first column whose values are times; -1: none. */
export function timeColumn(result: QueryResult): number {
    return result.columns.findIndex((_, i) => {
        const cells = result.rows.slice(0, LOOKED).map((row) => row[i]);
        const there = cells.filter((c) => c !== null);
        return there.length > 0 && there.every((c) => typeof c === "string" && TIME.test(c));
    });
}

/* Columns of numbers. */
export function numbersOf(result: QueryResult): number[] {
    return result.columns.flatMap((_, i) => {
        const there = result.rows.slice(0, LOOKED).filter((row) => row[i] !== null);
        return there.length > 0 && there.every((row) => typeof row[i] === "number") ? [i] : [];
    });
}

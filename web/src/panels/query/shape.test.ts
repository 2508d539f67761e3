import { describe, expect, it } from "vitest";
import type { Cell, QueryResult } from "../../api/query";
import { numbersOf, timeColumn } from "./shape";

const result = (columns: string[], rows: Cell[][]): QueryResult => ({
    columns,
    rows,
    rowCount: rows.length,
    truncated: false,
    damaged: false,
    took: 1,
});

describe("what an answer can be drawn as", () => {
    it("finds times and numbers, whatever is NULL", () => {
        const r = result(
            ["twin", "time", "value"],
            [
                ["a", null, null],
                ["a", "2026-01-01T00:00:00Z", 1],
            ],
        );
        expect(timeColumn(r)).toBe(1);
        expect(numbersOf(r)).toEqual([2]);
    });
    it("takes nothing for a time that is none", () => {
        const r = result(["a", "n"], [["2026", 1]]);
        expect(timeColumn(r)).toBe(-1);
        expect(timeColumn(result([], []))).toBe(-1);
        expect(numbersOf(result(["x"], []))).toEqual([]);
    });
});

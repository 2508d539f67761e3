import { describe, expect, it } from "vitest";
import { csvLines, fileName } from "./csv";
import { episodes } from "./states";

describe("episodes", () => {
    it("joins equal readings and ends with another value", () => {
        const list = episodes(
            [
                [0, "a"],
                [10, "a"],
                [20, "b"],
            ],
            0,
            30,
            100,
        );
        expect(list).toEqual([
            { value: "a", from: 0, to: 20 },
            { value: "b", from: 20, to: 30 },
        ]);
    });
    it("leaves a gap where nothing came, and cuts at the window", () => {
        const list = episodes(
            [
                [0, "a"],
                [100, "a"],
                [250, "c"],
            ],
            90,
            200,
            20,
        );
        expect(list).toEqual([{ value: "a", from: 100, to: 120 }]);
    });
    it("is empty without readings", () => {
        expect(episodes([], 0, 10, 1)).toEqual([]);
    });
});

describe("CSV", () => {
    it("writes times, exact milliseconds and quoted texts", () => {
        expect(
            csvLines([
                [1700000000000.25, 42.3, "good"],
                [1700000001000, 'a "b", c', "bad"],
            ]),
        ).toBe(
            '2023-11-14T22:13:20.000Z,1700000000000.25,42.3,good\r\n2023-11-14T22:13:21.000Z,1700000001000,"a ""b"", c",bad\r\n',
        );
    });
    it("names the file after what is in it, safely", () => {
        expect(fileName("line:1", "temp-1", 0, 60_000)).toBe(
            "line-1_temp-1_1970-01-01T000000_1970-01-01T000100.csv",
        );
    });
});

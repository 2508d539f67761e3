import { describe, expect, it } from "vitest";
import { fromLocalInput, parseInstant, parseTimeView, toLocalInput, writeTimeView } from "./time";

const FROM = Date.parse("2024-03-15T14:00:00Z");
const TO = Date.parse("2024-03-15T14:30:00Z");

describe("parseTimeView", () => {
    it("is live with the default range when nothing is said", () => {
        expect(parseTimeView("")).toEqual({ mode: "live", range: "15m", spanMs: 900_000 });
        expect(parseTimeView("?t=live&r=1h")).toEqual({ mode: "live", range: "1h", spanMs: 3.6e6 });
    });
    it("reads an interval", () => {
        expect(parseTimeView("?t=2024-03-15T14:00:00Z/2024-03-15T14:30:00Z")).toEqual({
            mode: "fixed",
            range: "15m",
            spanMs: 1_800_000,
            from: FROM,
            to: TO,
        });
    });
    it("reads an instant as the end of the range", () => {
        const view = parseTimeView("?t=2024-03-15T14:30:00Z&r=1m");
        expect(view).toMatchObject({ mode: "fixed", from: TO - 60_000, to: TO });
    });
    it("reads an offset whose plus was not escaped", () => {
        const view = parseTimeView("?t=2024-03-15T16:00:00+02:00/2024-03-15T16:30:00+02:00");
        expect(view).toMatchObject({ mode: "fixed", from: FROM, to: TO });
    });
    it("falls back to live for whatever cannot be read", () => {
        for (const t of [
            "yesterday",
            "2024-03-15",
            "2024-03-15T14:30:00",
            "2024-03-15T14:30:00Z/2024-03-15T14:00:00Z",
            "2024-03-15T14:00:00Z/2024-03-15T14:10:00Z/2024-03-15T14:30:00Z",
            "2024-13-45T14:00:00Z",
        ]) {
            expect(parseTimeView(`?t=${encodeURIComponent(t)}`).mode).toBe("live");
        }
        expect(parseTimeView("?r=9y").range).toBe("15m");
    });
});

describe("writeTimeView", () => {
    it("reads back what it wrote and keeps other parameters", () => {
        const search = writeTimeView("?sensor=temp-1", { from: FROM, to: TO, range: "1h" });
        expect(search).toContain("sensor=temp-1");
        expect(search).toContain("t=2024-03-15T14:00:00.000Z/2024-03-15T14:30:00.000Z");
        expect(parseTimeView(`?${search}`)).toMatchObject({ range: "1h", from: FROM, to: TO });
        expect(parseTimeView(`?${writeTimeView(search, { range: "1m" })}`).mode).toBe("live");
    });
});

describe("instants and inputs", () => {
    it("asks for an offset", () => {
        expect(parseInstant("2024-03-15T14:00Z")).toBe(FROM);
        expect(parseInstant("2024-03-15T14:00:00.500-01:00")).toBe(FROM + 3_600_500);
        expect(parseInstant("2024-03-15 14:00:00Z")).toBeNull();
    });
    it("brings local input back to the same instant", () => {
        expect(fromLocalInput(toLocalInput(FROM))).toBe(FROM);
        expect(fromLocalInput("")).toBeNull();
    });
});

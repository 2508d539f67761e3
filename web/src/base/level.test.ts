import { describe, expect, it } from "vitest";
import { type Limits, levelOf, staleAfter, stateOf, twinState, worstLevel } from "./level";

describe("levelOf", () => {
    it("judges by both ranges", () => {
        const at = (v: number) => levelOf(v, { normalRange: [30, 65], criticalRange: [75, 90] });
        expect(at(42)).toBe("normal");
        expect(at(65)).toBe("normal");
        expect(at(70)).toBe("warning");
        expect(at(20)).toBe("warning");
        expect(at(75)).toBe("critical");
        expect(at(95)).toBe("critical");
    });
    it("takes what lies past a low critical range for critical", () => {
        const limits: Limits = { normalRange: [40, 80], criticalRange: [0, 20] };
        expect(levelOf(-3, limits)).toBe("critical");
        expect(levelOf(30, limits)).toBe("warning");
        expect(levelOf(95, limits)).toBe("warning");
    });
    it("works with one range and knows nothing without", () => {
        expect(levelOf(5, { normalRange: [0, 10] })).toBe("normal");
        expect(levelOf(15, { normalRange: [0, 10] })).toBe("warning");
        expect(levelOf(5, { criticalRange: [8, 10] })).toBe("normal");
        expect(levelOf(9, { criticalRange: [8, 10] })).toBe("critical");
        expect(levelOf(5, {})).toBe("unknown");
        expect(levelOf("open", { normalRange: [0, 1] })).toBe("unknown");
        expect(levelOf(Number.NaN, { normalRange: [0, 1] })).toBe("unknown");
    });
    it("warns on the far side of a threshold", () => {
        const high: Limits = { normalRange: [0, 100], threshold: 70 };
        expect(levelOf(69, high)).toBe("normal");
        expect(levelOf(71, high)).toBe("warning");
        expect(levelOf(5, { threshold: 3 })).toBe("warning");
        const low: Limits = { criticalRange: [0, 10], threshold: 20 };
        expect(levelOf(15, low)).toBe("warning");
        expect(levelOf(25, low)).toBe("normal");
    });
});

describe("staleness", () => {
    it("is three expected intervals, ten seconds when none is known", () => {
        expect(staleAfter(60_000)).toBe(180_000);
        expect(staleAfter(null)).toBe(10_000);
        expect(staleAfter(20)).toBe(2_000);
    });
    it("tells waiting, live and stale", () => {
        expect(stateOf(null, 1000, 0)).toBe("waiting");
        expect(stateOf(0, 1000, 3000)).toBe("live");
        expect(stateOf(0, 1000, 3001)).toBe("stale");
    });
    it("makes a twin live when any sensor is", () => {
        const now = 100_000;
        expect(twinState([], now)).toBe("waiting");
        expect(twinState([{ t: null, interval: null }], now)).toBe("waiting");
        expect(
            twinState(
                [
                    { t: 0, interval: 1000 },
                    { t: null, interval: 1 },
                ],
                now,
            ),
        ).toBe("stale");
        expect(
            twinState(
                [
                    { t: 0, interval: 1000 },
                    { t: now, interval: 1 },
                ],
                now,
            ),
        ).toBe("live");
    });
});

describe("worstLevel", () => {
    it("picks the worst", () => {
        expect(worstLevel(["normal", "critical", "warning"])).toBe("critical");
        expect(worstLevel(["unknown", "normal"])).toBe("normal");
        expect(worstLevel([])).toBe("unknown");
    });
});

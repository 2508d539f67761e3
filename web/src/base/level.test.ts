import { describe, expect, it } from "vitest";
import { levelOf, staleAfter, stateOf, twinState, worstLevel } from "./level";

describe("levelOf", () => {
    it("judges by both ranges", () => {
        const at = (v: number) => levelOf(v, [30, 65], [75, 90]);
        expect(at(42)).toBe("normal");
        expect(at(65)).toBe("normal");
        expect(at(70)).toBe("warning");
        expect(at(20)).toBe("warning");
        expect(at(75)).toBe("critical");
        expect(at(95)).toBe("critical");
    });
    it("takes what lies past a low critical range for critical", () => {
        expect(levelOf(-3, [40, 80], [0, 20])).toBe("critical");
        expect(levelOf(30, [40, 80], [0, 20])).toBe("warning");
        expect(levelOf(95, [40, 80], [0, 20])).toBe("warning");
    });
    it("works with one range and knows nothing without", () => {
        expect(levelOf(5, [0, 10])).toBe("normal");
        expect(levelOf(15, [0, 10])).toBe("warning");
        expect(levelOf(5, undefined, [8, 10])).toBe("normal");
        expect(levelOf(9, undefined, [8, 10])).toBe("critical");
        expect(levelOf(5)).toBe("unknown");
        expect(levelOf("open", [0, 1])).toBe("unknown");
        expect(levelOf(Number.NaN, [0, 1])).toBe("unknown");
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

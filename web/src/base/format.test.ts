import { describe, expect, it } from "vitest";
import {
    decimalsOf,
    formatAge,
    formatInterval,
    formatNumber,
    formatValue,
    humanise,
    plural,
    unitSign,
} from "./format";

describe("formatNumber", () => {
    it("shows as many digits as its size makes useful", () => {
        expect(formatNumber(42.31789)).toBe("42.32");
        expect(formatNumber(123.456)).toBe("123.5");
        expect(formatNumber(12345.678)).toBe("12,346");
        expect(formatNumber(0.123456)).toBe("0.123");
        expect(formatNumber(0.0123456)).toBe("0.0123");
    });
    it("adds no digits that the sensor does not speak", () => {
        expect(formatNumber(1200)).toBe("1,200");
        expect(formatNumber(42.3)).toBe("42.3");
        expect(formatNumber(0)).toBe("0");
    });
    it("keeps a steady width when the sensor's fineness is known", () => {
        expect(formatNumber(42, 1)).toBe("42.0");
        expect(formatNumber(42.3, 1)).toBe("42.3");
        expect(formatNumber(42, 6)).toBe("42.00");
    });
    it("writes huge and tiny numbers with an exponent", () => {
        expect(formatNumber(1.5e12)).toBe("1.500e12");
        expect(formatNumber(0.00001234)).toBe("1.234e−5");
    });
    it("uses a real minus and has no minus zero", () => {
        expect(formatNumber(-5.25)).toBe("−5.25");
        expect(formatNumber(-0)).toBe("0");
        expect(formatNumber(-0.001, 1)).toBe("0.0");
    });
    it("names what is no number", () => {
        expect(formatNumber(Number.NaN)).toBe("not a number");
        expect(formatNumber(Number.NEGATIVE_INFINITY)).toBe("−∞");
    });
});

describe("decimalsOf", () => {
    it("counts what is spoken, bounded", () => {
        expect(decimalsOf(42)).toBe(0);
        expect(decimalsOf(42.3)).toBe(1);
        expect(decimalsOf(0.1 + 0.2)).toBe(6);
        expect(decimalsOf(1e-9)).toBe(6);
    });
});

describe("formatValue", () => {
    it("writes booleans, texts and nothing", () => {
        expect(formatValue(true)).toBe("true");
        expect(formatValue("open")).toBe("open");
        expect(formatValue("")).toBe("(empty text)");
        expect(formatValue(null)).toBe("–");
    });
});

describe("formatAge", () => {
    it("says ages as people do", () => {
        expect(formatAge(440)).toBe("0.4 s");
        expect(formatAge(999)).toBe("0.9 s");
        expect(formatAge(12_900)).toBe("12 s");
        expect(formatAge(59_999)).toBe("59 s");
        expect(formatAge(60_000)).toBe("1 min");
        expect(formatAge(5 * 3_600_000)).toBe("5 h");
        expect(formatAge(9 * 86_400_000)).toBe("9 d");
        expect(formatAge(3 * 365.25 * 86_400_000)).toBe("3 y");
    });
    it("takes a clock that runs ahead for now", () => {
        expect(formatAge(-50)).toBe("0.0 s");
    });
});

describe("words", () => {
    it("writes units, intervals and counts", () => {
        expect(unitSign("celsius")).toBe("°C");
        expect(unitSign("psi")).toBe("psi");
        expect(unitSign(null)).toBe("");
        expect(formatInterval(100)).toBe("10 a second");
        expect(formatInterval(60_000)).toBe("every 1 min");
        expect(formatInterval(null)).toBe("as it comes");
        expect(plural(1, "twin")).toBe("1 twin");
        expect(plural(1240, "twin")).toBe("1,240 twins");
        expect(humanise("main_joint")).toBe("Main joint");
    });
});

import { describe, expect, it } from "vitest";
import type { HistoryPoint } from "../../base/wire";
import { Ring } from "../../live/ring";
import { ChartModel, gapAfter } from "./model";

const past = (from: number, to: number, step: number): HistoryPoint[] => {
    const out: HistoryPoint[] = [];
    for (let t = from; t < to; t += step) out.push([t, t]);
    return out;
};

describe("ChartModel", () => {
    it("puts the live tail after the past, each reading once", () => {
        const model = new ChartModel(1000, 1000);
        const ring = new Ring();
        for (let t = 50; t < 150; t += 10) ring.push(t, t);
        model.setPast(past(0, 100, 10));
        model.absorb(ring);
        model.absorb(ring);
        expect(model.build(0, 1000, 100).t).toEqual([
            0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 110, 120, 130, 140,
        ]);
    });
    it("breaks the line where nothing came for too long", () => {
        const model = new ChartModel(100, 1000);
        model.setPast([...past(0, 30, 10), ...past(100, 120, 10)]);
        const { t, v } = model.build(0, 200, 30);
        expect(t).toEqual([0, 10, 20, 60, 100, 110]);
        expect(v).toEqual([0, 10, 20, null, 100, 110]);
    });
    it("keeps one reading beyond each edge, unless a gap lies between", () => {
        const model = new ChartModel(100, 1000);
        model.setPast(past(0, 100, 10));
        expect(model.build(35, 55, 30).t).toEqual([30, 40, 50, 60]);
        model.setPast([
            [0, 0],
            [500, 5],
            [900, 9],
        ]);
        expect(model.build(400, 600, 100).t).toEqual([500]);
    });
    it("takes late and replaced readings of the ring over", () => {
        const model = new ChartModel(1000, 100_000);
        const ring = new Ring();
        model.setPast([[0, 0]]);
        ring.push(10, 1);
        ring.push(30, 3);
        model.absorb(ring);
        ring.push(20, 2);
        ring.push(30, 33);
        model.absorb(ring);
        const { t, v } = model.build(0, 100, 50);
        expect(t).toEqual([0, 10, 20, 30]);
        expect(v).toEqual([0, 1, 2, 33]);
    });
    it("stays small however long it listens", () => {
        const model = new ChartModel(60_000, 100);
        const ring = new Ring();
        model.setPast([]);
        for (let t = 0; t < 60_000; t += 10) {
            ring.push(t, Math.sin(t / 500));
            if (t % 1000 === 0) model.absorb(ring);
        }
        model.absorb(ring);
        const n = model.build(0, 60_000, 1000).t.length;
        expect(n).toBeGreaterThan(50);
        expect(n).toBeLessThanOrEqual(204);
    });
    it("notices that the ring has lost something it never saw", () => {
        const model = new ChartModel(1000, 1000);
        const ring = new Ring(4);
        model.setPast([[10, 1]]);
        for (let t = 20; t < 200; t += 20) ring.push(t, t);
        expect(model.missed(ring)).toBe(true);
        model.absorb(ring);
        expect(model.missed(ring)).toBe(false);
    });
    it("is empty until something came", () => {
        const model = new ChartModel(1000, 100);
        expect(model.empty).toBe(true);
        const ring = new Ring();
        ring.push(5, 5);
        model.absorb(ring);
        expect(model.empty).toBe(false);
    });
});

describe("gapAfter", () => {
    it("is three intervals, or five usual steps when none is stated", () => {
        expect(gapAfter(60_000, [])).toBe(180_000);
        expect(gapAfter(20, [])).toBe(1_000);
        expect(gapAfter(null, past(0, 1_000_000, 60_000))).toBe(300_000);
        expect(gapAfter(null, [])).toBe(10_000);
    });
});

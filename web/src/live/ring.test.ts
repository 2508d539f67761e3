import { describe, expect, it } from "vitest";
import { Ring } from "./ring";

function dump(ring: Ring): [number, number][] {
    return Array.from({ length: ring.length }, (_, i) => [ring.timeAt(i), ring.valueAt(i)]);
}

describe("Ring", () => {
    it("keeps the newest readings in order and forgets the oldest", () => {
        const ring = new Ring(4);
        for (let t = 1; t <= 6; t++) ring.push(t, t * 10);
        expect(dump(ring)).toEqual([
            [3, 30],
            [4, 40],
            [5, 50],
            [6, 60],
        ]);
        expect(ring.oldest).toBe(3);
        expect(ring.newest).toBe(6);
        expect(ring.edits).toBe(0);
    });
    it("replaces a reading of the same time", () => {
        const ring = new Ring(4);
        ring.push(1, 10);
        ring.push(2, 20);
        ring.push(1, 11);
        ring.push(2, 22);
        expect(dump(ring)).toEqual([
            [1, 11],
            [2, 22],
        ]);
        expect(ring.edits).toBe(2);
    });
    it("puts a late reading where it belongs", () => {
        const ring = new Ring(8);
        for (const t of [1, 5, 9]) ring.push(t, t);
        ring.push(3, 3);
        ring.push(0, 0);
        expect(dump(ring).map(([t]) => t)).toEqual([0, 1, 3, 5, 9]);
    });
    it("does so in a full ring that has wrapped", () => {
        const ring = new Ring(4);
        for (const t of [10, 20, 30, 40, 50]) ring.push(t, t);
        ring.push(35, 35);
        expect(dump(ring).map(([t]) => t)).toEqual([30, 35, 40, 50]);
        ring.push(1, 1);
        expect(dump(ring).map(([t]) => t)).toEqual([30, 35, 40, 50]);
        ring.push(31, 31);
        expect(dump(ring).map(([t]) => t)).toEqual([31, 35, 40, 50]);
    });
    it("grows from small to its capacity without losing anything", () => {
        const ring = new Ring(1000);
        for (let t = 0; t < 1000; t++) ring.push(t, -t);
        expect(ring.length).toBe(1000);
        expect(ring.timeAt(0)).toBe(0);
        expect(ring.valueAt(999)).toBe(-999);
    });
    it("agrees with a sorted list on any order of arrival", () => {
        let seed = 7;
        const random = () => {
            seed = (seed * 1103515245 + 12345) % 2147483648;
            return seed / 2147483648;
        };
        const ring = new Ring(64);
        let kept: [number, number][] = [];
        for (let i = 0; i < 2000; i++) {
            const t = Math.floor(i / 2 + random() * 40);
            const v = Math.floor(random() * 100);
            ring.push(t, v);
            const full = kept.length === 64;
            const same = kept.find(([k]) => k === t);
            if (same) same[1] = v;
            else if (!(full && t < (kept[0] as [number, number])[0])) kept.push([t, v]);
            kept = kept.sort((a, b) => a[0] - b[0]).slice(-64);
            if (i % 97 === 0) expect(dump(ring)).toEqual(kept);
        }
        expect(dump(ring)).toEqual(kept);
    });
    it("finds where a time begins", () => {
        const ring = new Ring(4);
        for (const t of [1, 2, 3, 4, 5, 6]) ring.push(t, t);
        expect(ring.firstFrom(4)).toBe(1);
        expect(ring.firstFrom(4.5)).toBe(2);
        expect(ring.firstFrom(0)).toBe(0);
        expect(ring.firstFrom(99)).toBe(4);
    });
});

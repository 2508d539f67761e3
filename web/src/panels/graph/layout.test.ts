import { describe, expect, it } from "vitest";
import { Forces, place } from "./layout";

const settle = (forces: Forces) => {
    let steps = 0;
    while (forces.step()) steps++;
    return steps;
};

const chain = (n: number) =>
    Uint32Array.from({ length: (n - 1) * 2 }, (_, i) => (i >> 1) + (i & 1));

describe("layout", () => {
    it("comes to rest, with twins apart and neighbours near", () => {
        const edges = chain(50);
        const forces = new Forces(
            place(50, edges, () => undefined),
            edges,
        );
        expect(settle(forces)).toBeGreaterThan(100);
        const { x, y } = forces.layout;
        const far = (a: number, b: number) =>
            Math.hypot((x[a] as number) - (x[b] as number), (y[a] as number) - (y[b] as number));
        for (let i = 0; i < 50; i++) {
            expect(Number.isFinite(x[i])).toBe(true);
            for (let j = 0; j < i; j++) expect(far(i, j)).toBeGreaterThan(8);
        }
        for (let i = 1; i < 50; i++) expect(far(i - 1, i)).toBeLessThan(300);
    });

    it("makes the same picture of the same graph", () => {
        const run = () => {
            const edges = chain(30);
            const forces = new Forces(
                place(30, edges, () => undefined),
                edges,
            );
            settle(forces);
            return [...forces.layout.x, ...forces.layout.y];
        };
        expect(run()).toEqual(run());
    });

    it("leaves those where they are that stand already, and puts the new beside them", () => {
        const edges = Uint32Array.from([0, 1, 1, 2]);
        const known: [number, number][] = [
            [100, 100],
            [200, 100],
        ];
        const layout = place(3, edges, (i) => known[i]);
        const forces = new Forces(layout, edges);
        settle(forces);
        expect([layout.x[0], layout.y[0], layout.x[1], layout.y[1]]).toEqual([100, 100, 200, 100]);
        expect(
            Math.hypot((layout.x[2] as number) - 200, (layout.y[2] as number) - 100),
        ).toBeLessThan(300);
    });

    it("parts those that stand in one place, and takes loops and no twins at all", () => {
        const edges = Uint32Array.from([0, 0]);
        const layout = place(40, edges, () => undefined);
        layout.x.fill(0);
        layout.y.fill(0);
        settle(new Forces(layout, edges));
        const places = new Set(Array.from(layout.x, (x, i) => `${x} ${layout.y[i]}`));
        expect(places.size).toBe(40);
        const none = new Uint32Array(0);
        expect(
            new Forces(
                place(0, none, () => undefined),
                none,
            ).step(),
        ).toBe(false);
    });
});

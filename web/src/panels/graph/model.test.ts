import { describe, expect, it } from "vitest";
import type { GraphEdge, GraphNode } from "../../base/wire";
import { fits, kindsOf, pairs, together, unseen, without } from "./model";

const node = (id: string, more: Partial<GraphNode> = {}): GraphNode => ({
    id,
    name: id.toUpperCase(),
    type: "",
    twinTypes: [],
    state: "live",
    level: "normal",
    out: 1,
    in: 1,
    ...more,
});
const edge = (source: string, kind: string, target: string): GraphEdge => ({
    id: `${kind}:${target}`,
    source,
    kind,
    target,
    properties: {},
    dangling: false,
});

describe("the graph of the page", () => {
    const one = { nodes: [node("a"), node("b")], edges: [edge("a", "feeds", "b")] };
    const two = {
        nodes: [node("b", { state: "stale" }), node("c")],
        edges: [edge("a", "feeds", "b"), edge("b", "cools", "c"), edge("c", "feeds", "gone")],
    };

    it("has each twin and edge once, the newest", () => {
        const graph = together([one, two]);
        expect(graph.nodes.map((n) => `${n.id} ${n.state}`)).toEqual([
            "a live",
            "b stale",
            "c live",
        ]);
        expect(graph.edges).toHaveLength(3);
        expect(kindsOf(graph)).toEqual([
            { kind: "feeds", count: 2 },
            { kind: "cools", count: 1 },
        ]);
        expect([...pairs(graph).ends]).toEqual([0, 1, 1, 2]);
    });

    it("leaves out kinds, and twins that only they linked", () => {
        const all = together([one, two, { nodes: [node("alone")], edges: [] }]);
        const graph = without(all, new Set(["cools", "nothing"]));
        expect(graph.nodes.map((n) => n.id)).toEqual(["a", "b", "c", "alone"]);
        expect(without(all, new Set(["feeds"])).nodes.map((n) => n.id)).toEqual([
            "b",
            "c",
            "alone",
        ]);
    });

    it("knows what it does not show, and what is looked for", () => {
        expect(unseen(node("b", { out: 2, in: 1 }), together([one, two]))).toBe(1);
        expect(fits(node("pump-1", { twinTypes: ["Machine"] }), " mach ")).toBe(true);
        expect(fits(node("pump-1"), "fan")).toBe(false);
    });
});

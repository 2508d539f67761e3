/* model.ts - the graph as the page has it: what REST said, put together and filtered. */

import type { GraphEdge, GraphNode, GraphPage } from "../../base/wire";

export interface Graph {
    nodes: GraphNode[];
    edges: GraphEdge[];
}

export const edgeKey = (e: GraphEdge) => `${e.source}\n${e.id}`;

/* Nodes and edges of several answers, each once; what came later is newer. */
export function together(pages: Graph[]): Graph {
    const nodes = new Map<string, GraphNode>();
    const edges = new Map<string, GraphEdge>();
    for (const page of pages) {
        for (const node of page.nodes) nodes.set(node.id, node);
        for (const edge of page.edges) edges.set(edgeKey(edge), edge);
    }
    return { nodes: [...nodes.values()], edges: [...edges.values()] };
}

/* How many edges are of each kind, the most frequent first. */
export function kindsOf(graph: Graph): { kind: string; count: number }[] {
    const counts = new Map<string, number>();
    for (const e of graph.edges) counts.set(e.kind, (counts.get(e.kind) ?? 0) + 1);
    return [...counts]
        .map(([kind, count]) => ({ kind, count }))
        .sort((a, b) => b.count - a.count || a.kind.localeCompare(b.kind));
}

/* Without the edges of hidden kinds, and the twins that then stand alone. */
export function without(graph: Graph, hidden: ReadonlySet<string>): Graph {
    if (hidden.size === 0) return graph;
    const edges = graph.edges.filter((e) => !hidden.has(e.kind));
    const linked = new Set(edges.flatMap((e) => [e.source, e.target]));
    const before = new Set(graph.edges.flatMap((e) => [e.source, e.target]));
    return { edges, nodes: graph.nodes.filter((n) => linked.has(n.id) || !before.has(n.id)) };
}

/* Edges as pairs of places in the list of nodes; those that lead out of it are left out. */
export function pairs(graph: Graph): { ends: Uint32Array; edges: GraphEdge[] } {
    const at = new Map(graph.nodes.map((n, i) => [n.id, i]));
    const edges = graph.edges.filter((e) => at.has(e.source) && at.has(e.target));
    const ends = new Uint32Array(edges.length * 2);
    edges.forEach((e, i) => {
        ends[2 * i] = at.get(e.source) as number;
        ends[2 * i + 1] = at.get(e.target) as number;
    });
    return { ends, edges };
}

/* How many of a twin's edges are not in the picture. */
export function unseen(node: GraphNode, graph: Graph): number {
    const seen = graph.edges.filter((e) => e.source === node.id || e.target === node.id);
    const loops = seen.filter((e) => e.source === e.target).length;
    return Math.max(0, node.out + node.in - seen.length - loops);
}

export function fits(node: GraphNode, text: string): boolean {
    const wanted = text.trim().toLowerCase();
    return (
        wanted === "" ||
        node.name.toLowerCase().includes(wanted) ||
        node.id.toLowerCase().includes(wanted) ||
        node.twinTypes.some((t) => t.toLowerCase().includes(wanted))
    );
}

export const asGraph = (page: GraphPage): Graph => ({ nodes: page.nodes, edges: page.edges });

/* double-graph.mjs - relationships and types of the test double: each twin feeds the next, and the
 * first contains all of the first twenty. */

const TYPE = {
    id: "Machine",
    name: "Machine",
    sensors: [{ id: "temp-1", name: "Temperature", type: "temperature", unit: "celsius" }],
    commands: [{ name: "stop", title: "Stop" }],
    settings: [{ name: "interval", title: "Interval", unit: "s" }],
    relationships: [{ kind: "feeds", min: 0, max: 2 }],
};
const ROW = { version: 1, created: "2026-01-01T00:00:00Z", modified: "2026-01-01T00:00:00Z" };

const edge = (source, kind, target) => ({
    id: `${kind}:${target}`,
    source,
    kind,
    target,
    properties: {},
    dangling: false,
});

function edgesOf(twins) {
    const ids = [...twins.keys()];
    return [
        ...ids.slice(1).map((id, i) => edge(ids[i], "feeds", id)),
        ...ids.slice(1, 20).map((id) => edge(ids[0], "contains", id)),
    ];
}

function graph(twins, stateOf) {
    const edges = edgesOf(twins);
    const nodes = [...twins.values()].map((t) => ({
        id: t.id,
        name: t.doc.name,
        type: t.doc.subjectOf.name,
        twinTypes: [],
        state: stateOf(t),
        level: "normal",
        out: edges.filter((e) => e.source === t.id).length,
        in: edges.filter((e) => e.target === t.id).length,
    }));
    return { nodes, edges, next: null, truncated: false };
}

/* The body of a GET; undefined: another's. */
export function answerGraph(path, twins, stateOf) {
    if (path === "/api/v1/graph") return graph(twins, stateOf);
    if (path === "/api/v1/types") return { types: [{ id: TYPE.id, ...ROW, document: TYPE }] };
    if (path === "/api/v1/types/Machine") return TYPE;
    if (path === "/api/v1/types/Machine/use") {
        return { twins: 0, direct: 0, misfits: 0, extends: [], extendedBy: [], problem: null };
    }
    const found = /^\/api\/v1\/twins\/([^/]+)\/relationships$/.exec(path);
    if (!found) return undefined;
    const id = decodeURIComponent(found[1]);
    const items = edgesOf(twins).filter((e) => e.source === id || e.target === id);
    return { items, next: null, total: items.length };
}

/* Graph.tsx - what twins are to each other, as a picture, and as a list with the same in it. */

import { useQueries } from "@tanstack/react-query";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { Link, useLocation, useSearch } from "wouter";
import { useOrg } from "../api/accessQueries";
import { type GraphAsk, readGraph, useGraph } from "../api/graph";
import { queryClient } from "../api/queries";
import { formatCount, plural } from "../base/format";
import { dateTime, fromLocalInput, toLocalInput } from "../base/time";
import type { GraphEdge, GraphNode, State, TwinEvent } from "../base/wire";
import { TwinBadge } from "../kit/Badge";
import { Button, buttonClass } from "../kit/Button";
import { Input } from "../kit/Field";
import { Icon } from "../kit/Icon";
import { Item, Items } from "../kit/Items";
import { Panel } from "../kit/Panel";
import { panelState } from "../kit/panelState";
import { useDelayed } from "../kit/useDelayed";
import { useTitle } from "../kit/useTitle";
import { useTwinEvents } from "../live/hooks";
import { FindTwin } from "../panels/FindTwin";
import { type CanvasHandle, GraphCanvas } from "../panels/graph/GraphCanvas";
import {
    asGraph,
    fits,
    type Graph,
    kindsOf,
    together,
    unseen,
    without,
} from "../panels/graph/model";
import { useLayout } from "../panels/graph/useLayout";
import style from "./Graph.module.css";

const MOST = 5_000;
const GATHER_MS = 1_500;
const SHOW_MS = 300;

/* States as the stream tells them, over what REST said; changes of structure are asked anew. */
function useLiveStates(): ReadonlyMap<string, State> {
    const states = useRef(new Map<string, State>());
    const [shown, setShown] = useState<ReadonlyMap<string, State>>(new Map());
    const show = useRef<ReturnType<typeof setTimeout> | null>(null);
    const ask = useRef<ReturnType<typeof setTimeout> | null>(null);
    useTwinEvents(
        useCallback((event: TwinEvent) => {
            if (event.event === "state") {
                states.current.set(event.twin, event.state);
                show.current ??= setTimeout(() => {
                    show.current = null;
                    setShown(new Map(states.current));
                }, SHOW_MS);
            } else if (event.event !== "rejection") {
                ask.current ??= setTimeout(() => {
                    ask.current = null;
                    void queryClient.invalidateQueries({ queryKey: ["graph"] });
                }, GATHER_MS);
            }
        }, []),
    );
    useEffect(
        () => () => {
            if (show.current) clearTimeout(show.current);
            if (ask.current) clearTimeout(ask.current);
        },
        [],
    );
    return shown;
}

function useExpanded(roots: string[], at: string | undefined): Graph[] {
    return useQueries({
        queries: roots.map((root) => {
            const ask: GraphAsk = { root, depth: 1, direction: "both", limit: 500, at };
            return {
                queryKey: ["graph", ask],
                queryFn: ({ signal }: { signal: AbortSignal }) => readGraph(ask, signal),
                refetchInterval: at ? (false as const) : 30_000,
            };
        }),
        combine: (all) => all.flatMap((one) => (one.data ? [asGraph(one.data)] : [])),
    });
}

function Neighbour({
    edge,
    own,
    choose,
    names,
}: {
    edge: GraphEdge;
    own: string;
    choose: (id: string) => void;
    names: ReadonlyMap<string, string>;
}) {
    const out = edge.source === own;
    const other = out ? edge.target : edge.source;
    return (
        <li>
            <span className={style.kind}>{out ? edge.kind : `← ${edge.kind}`}</span>
            {edge.dangling ? (
                <span className={style.gone}>{other} (not there)</span>
            ) : (
                <button type="button" className={style.go} onClick={() => choose(other)}>
                    {names.get(other) ?? other}
                </button>
            )}
        </li>
    );
}

interface ChosenProps {
    node: GraphNode;
    graph: Graph;
    names: ReadonlyMap<string, string>;
    choose: (id: string | null) => void;
    expand: (id: string) => void;
    at: string | undefined;
}

/* One twin of the picture: what it is, and to whom. */
function Chosen({ node, graph, names, choose, expand, at }: ChosenProps) {
    const edges = graph.edges.filter((e) => e.source === node.id || e.target === node.id);
    const more = unseen(node, graph);
    return (
        <Panel
            title={node.name}
            actions={
                <Button
                    small
                    look="ghost"
                    icon="close"
                    label="Close"
                    onClick={() => choose(null)}
                />
            }
        >
            <div className={style.chosen} data-testid="chosen">
                <p className={style.facts}>
                    {node.state && <TwinBadge state={node.state} level={node.level ?? "unknown"} />}
                    <code>{node.id}</code>
                    <span>{node.twinTypes.join(", ") || node.type}</span>
                </p>
                <div className={style.buttons}>
                    <Link
                        href={`/twins/${encodeURIComponent(node.id)}`}
                        className={buttonClass("primary")}
                    >
                        Open the twin
                    </Link>
                    {more > 0 && (
                        <Button icon="plus" onClick={() => expand(node.id)}>
                            Expand ({formatCount(more)} more)
                        </Button>
                    )}
                    <Link href={graphPath(node.id, at)} className={buttonClass()}>
                        Only around it
                    </Link>
                </div>
                <ul className={style.edges} aria-label={`Relationships of ${node.name}`}>
                    {edges.slice(0, 100).map((edge) => (
                        <Neighbour
                            key={`${edge.source} ${edge.id}`}
                            edge={edge}
                            own={node.id}
                            choose={choose}
                            names={names}
                        />
                    ))}
                </ul>
                {edges.length > 100 && <p>and {formatCount(edges.length - 100)} more</p>}
            </div>
        </Panel>
    );
}

/* The same as the picture, for keys and ears. */
function NodeList(props: {
    nodes: GraphNode[];
    chosen: string | null;
    choose: (id: string) => void;
}) {
    return (
        <Items label="Twins of the graph" most={50}>
            {props.nodes.map((node) => (
                <Item
                    key={node.id}
                    title={
                        <button
                            type="button"
                            className={style.go}
                            aria-pressed={node.id === props.chosen}
                            onClick={() => props.choose(node.id)}
                        >
                            {node.name}
                        </button>
                    }
                    badges={
                        node.state && (
                            <TwinBadge state={node.state} level={node.level ?? "unknown"} />
                        )
                    }
                    facts={[node.twinTypes[0] ?? node.type, `${node.out} out, ${node.in} in`]}
                />
            ))}
        </Items>
    );
}

function Kinds(props: {
    kinds: { kind: string; count: number }[];
    hidden: ReadonlySet<string>;
    toggle: (kind: string) => void;
}) {
    if (props.kinds.length === 0) return null;
    return (
        <fieldset className={style.kinds}>
            <legend className="sr-only">Kinds of relationships that are shown</legend>
            {props.kinds.slice(0, 12).map(({ kind, count }) => (
                <label key={kind} className={style.check}>
                    <input
                        type="checkbox"
                        checked={!props.hidden.has(kind)}
                        onChange={() => props.toggle(kind)}
                    />
                    {kind} <small>{formatCount(count)}</small>
                </label>
            ))}
        </fieldset>
    );
}

/* Which graph: around a twin, as of a time; in the URL, so that it can be sent to somebody. */
function graphPath(root: string | null, at: string | undefined): string {
    const params = new URLSearchParams();
    if (root) params.set("root", root);
    if (at) params.set("at", at);
    const tail = params.toString();
    return tail ? `/graph?${tail}` : "/graph";
}

function Head({ root, at, note }: { root: string | null; at: string | undefined; note: string }) {
    const [, navigate] = useLocation();
    const asOf = (text: string) => {
        const t = fromLocalInput(text);
        navigate(graphPath(root, t === null ? undefined : new Date(t).toISOString()));
    };
    return (
        <div className={style.head}>
            <div>
                <h1>Graph</h1>
                <p className={style.note}>{note}</p>
            </div>
            <div className={style.around}>
                {root && (
                    <Link href={graphPath(null, at)} className={buttonClass()}>
                        <Icon name="graph" />
                        All twins
                    </Link>
                )}
                {at && (
                    <Link href={graphPath(root, undefined)} className={buttonClass()}>
                        <Icon name="live" />
                        As it is now
                    </Link>
                )}
                <Input
                    label="As it was at"
                    hideLabel
                    title="The graph as it was at a time"
                    type="datetime-local"
                    step={1}
                    value={at ? toLocalInput(Date.parse(at)) : ""}
                    onChange={(e) => asOf(e.target.value)}
                />
                <FindTwin
                    label="See what is around a twin"
                    placeholder="Around a twin…"
                    take={(twin) => navigate(graphPath(twin, at))}
                />
            </div>
        </div>
    );
}

function useShownGraph(root: string | null, at: string | undefined) {
    const ask = useMemo<GraphAsk>(
        () =>
            root
                ? { root, depth: 3, direction: "both", limit: 1_000, at }
                : { linked: true, limit: MOST, at },
        [root, at],
    );
    const base = useGraph(ask);
    const [roots, setRoots] = useState<string[]>([]);
    const expanded = useExpanded(roots, at);
    const states = useLiveStates();
    const graph = useMemo(() => {
        const all = together([...(base.data ? [asGraph(base.data)] : []), ...expanded]);
        const nodes = all.nodes.map((n) => {
            const state = states.get(n.id);
            return state && n.state && state !== n.state ? { ...n, state } : n;
        });
        return { ...all, nodes };
    }, [base.data, expanded, states]);
    const expand = useCallback(
        (id: string) => setRoots((before) => [...new Set([...before, id])]),
        [],
    );
    return { base, graph, expand };
}

export default function GraphPage() {
    useTitle("Graph");
    const [, navigate] = useLocation();
    const params = new URLSearchParams(useSearch());
    const root = params.get("root");
    const at = params.get("at") ?? undefined;
    const org = useOrg();
    const { base, graph, expand } = useShownGraph(root, at);
    const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set());
    const [text, setText] = useState("");
    const [chosen, setChosen] = useState<string | null>(root);
    const wanted = useDelayed(text, 150);
    const canvas = useRef<CanvasHandle>(null);
    const shown = useMemo(() => without(graph, hidden), [graph, hidden]);
    const layout = useLayout(shown, `graph.${org}`);
    const kinds = useMemo(() => kindsOf(graph), [graph]);
    const found = useMemo(() => shown.nodes.filter((n) => fits(n, wanted)), [shown, wanted]);
    const marked = useMemo(
        () => new Set(wanted.trim() ? found.map((n) => n.id) : []),
        [found, wanted],
    );
    const names = useMemo(() => new Map(graph.nodes.map((n) => [n.id, n.name])), [graph]);
    useEffect(() => setChosen(root), [root]);

    const choose = (id: string | null) => {
        setChosen(id);
        if (id) canvas.current?.seek(id);
    };
    const toggle = (kind: string) => {
        const next = new Set(hidden);
        if (!next.delete(kind)) next.add(kind);
        setHidden(next);
    };
    const state = panelState({
        error: base.error,
        retry: () => void base.refetch(),
        hasData: base.data !== undefined,
        loading: base.isPending,
        empty:
            base.data && graph.nodes.length === 0
                ? {
                      why: "never",
                      text: at
                          ? "No twin was related to another then."
                          : "No twin is related to another yet. Relate two of them on a twin's page.",
                  }
                : null,
    });
    const node = shown.nodes.find((n) => n.id === chosen);
    const cut = base.data?.next
        ? `the first ${formatCount(MOST)} of more; look around one to see the rest`
        : base.data?.truncated
          ? "cut; expand twins to see more"
          : null;
    const note = base.data
        ? [
              plural(shown.nodes.length, "twin"),
              plural(shown.edges.length, "relationship"),
              cut,
              at && `as it was at ${dateTime(Date.parse(at))}`,
          ]
              .filter(Boolean)
              .join(", ")
        : "";
    return (
        <div className={style.page}>
            <Head root={root} at={at} note={note} />
            {state.kind === "live" ? (
                <div className={style.split}>
                    <section className={style.picture} aria-label="Picture of the graph">
                        <Kinds kinds={kinds} hidden={hidden} toggle={toggle} />
                        <GraphCanvas
                            ref={canvas}
                            graph={shown}
                            layout={layout}
                            chosen={chosen}
                            marked={marked}
                            choose={choose}
                            open={(id) => navigate(`/twins/${encodeURIComponent(id)}`)}
                        />
                    </section>
                    <div className={style.side}>
                        {node && (
                            <Chosen
                                node={node}
                                graph={shown}
                                names={names}
                                choose={choose}
                                expand={expand}
                                at={at}
                            />
                        )}
                        <Panel title="Twins" note={formatCount(found.length)} flush>
                            <div className={style.search}>
                                <Input
                                    label="Search the graph"
                                    hideLabel
                                    placeholder="Name, id or type…"
                                    type="search"
                                    value={text}
                                    onChange={(e) => setText(e.target.value)}
                                />
                            </div>
                            <NodeList nodes={found} chosen={chosen} choose={choose} />
                            {found.length === 0 && (
                                <p className={style.none}>No twin of the graph fits that.</p>
                            )}
                        </Panel>
                    </div>
                </div>
            ) : (
                <Panel
                    title="Relationships"
                    state={state}
                    minHeight={320}
                    action={
                        <Link href="/twins" className={buttonClass("primary")}>
                            See the twins
                        </Link>
                    }
                />
            )}
        </div>
    );
}

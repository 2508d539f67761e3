/* useLayout.ts - places of twins, from the worker; they stay from visit to visit of this browser. */

import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { recall, remember } from "../../base/storage";
import { place } from "./layout";
import type { Places, Task } from "./layout.worker";
import { type Graph, pairs } from "./model";

type Spots = Map<string, readonly [number, number]>;

const KEEP_MOST = 5_000;

function load(key: string): Spots {
    try {
        const kept = JSON.parse(recall(key) ?? "{}") as Record<string, [number, number]>;
        return new Map(Object.entries(kept));
    } catch {
        return new Map();
    }
}

function save(key: string, spots: Spots): void {
    const newest = [...spots].slice(-KEEP_MOST);
    const kept = newest.map(([id, [x, y]]) => [id, [Math.round(x), Math.round(y)]]);
    remember(key, JSON.stringify(Object.fromEntries(kept)));
}

export interface Standing {
    x: Float32Array;
    y: Float32Array;
    rest: boolean;
}

export interface LayoutOf extends ReturnType<typeof pairs> {
    /* told with each new set of places */
    listen: (listener: (places: Standing) => void) => () => void;
    rest: boolean;
    /* forget where everybody stands */
    again: () => void;
}

/* key: whose picture it is.  Only who is new moves. */
export function useLayout(graph: Graph, key: string): LayoutOf {
    const spots = useRef<Spots | null>(null);
    const worker = useRef<Worker | null>(null);
    const run = useRef(0);
    const last = useRef<Standing | null>(null);
    const listeners = useRef(new Set<(places: Standing) => void>());
    const [rest, setRest] = useState(false);
    const [round, setRound] = useState(0);
    /* the same twins and ends: nothing is to be moved, whatever else has changed */
    const shape = useMemo(
        () =>
            `${graph.nodes.map((n) => n.id).join()}\n${graph.edges.map((e) => `${e.source}>${e.target}`).join()}`,
        [graph],
    );
    const linked = useMemo(() => pairs(graph), [graph]);
    const now = useRef({ graph, ends: linked.ends });
    now.current = { graph, ends: linked.ends };

    // biome-ignore lint/correctness/useExhaustiveDependencies: shape and round say when, the rest is read then
    useEffect(() => {
        const { graph, ends } = now.current;
        const ids = graph.nodes.map((n) => n.id);
        spots.current ??= load(key);
        const known = spots.current;
        const layout = place(ids.length, ends, (i) => known.get(ids[i] as string));
        const tell = (places: Standing) => {
            last.current = places;
            for (const listener of listeners.current) listener(places);
        };
        tell({ x: layout.x.slice(), y: layout.y.slice(), rest: false });
        setRest(false);
        worker.current ??= new Worker(new URL("./layout.worker.ts", import.meta.url), {
            type: "module",
        });
        run.current++;
        worker.current.onmessage = (event: MessageEvent<Places>) => {
            if (event.data.run !== run.current) return;
            const { x, y } = event.data;
            ids.forEach((id, i) => {
                known.set(id, [x[i] as number, y[i] as number]);
            });
            tell(event.data);
            if (!event.data.rest) return;
            setRest(true);
            save(key, known);
        };
        const task: Task = { run: run.current, layout, edges: ends };
        worker.current.postMessage(task);
    }, [shape, round, key]);

    useEffect(
        () => () => {
            worker.current?.terminate();
            worker.current = null;
        },
        [],
    );

    const listen = useCallback((listener: (places: Standing) => void) => {
        listeners.current.add(listener);
        if (last.current) listener(last.current);
        return () => {
            listeners.current.delete(listener);
        };
    }, []);
    const again = useCallback(() => {
        spots.current = new Map();
        setRound((n) => n + 1);
    }, []);
    return { ...linked, listen, rest, again };
}

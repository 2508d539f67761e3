/* graph.ts - what twins are to each other: the calls, and the questions as react-query knows them. */

import { keepPreviousData, useInfiniteQuery, useQuery } from "@tanstack/react-query";
import type { GraphEdge, GraphPage, Page, Relationship } from "../base/wire";
import { apiPath, request } from "./client";
import { queryClient } from "./queries";

export interface GraphAsk {
    root?: string | undefined;
    depth?: number;
    direction?: "out" | "in" | "both";
    linked?: boolean;
    /* as it was then */
    at?: string | undefined;
    limit?: number;
    cursor?: string | null;
}

export async function readGraph(ask: GraphAsk, signal?: AbortSignal): Promise<GraphPage> {
    return (await request<GraphPage>(apiPath(["graph"], { ...ask }), { signal, timeoutMs: 60_000 }))
        .data;
}

export function useGraph(ask: GraphAsk) {
    return useQuery({
        queryKey: ["graph", ask],
        queryFn: ({ signal }) => readGraph(ask, signal),
        /* states come by the stream; levels and counts by asking again */
        refetchInterval: (query) =>
            ask.at ? false : (query.state.data?.nodes.length ?? 0) > 500 ? 30_000 : 5_000,
        placeholderData: keepPreviousData,
    });
}

const at = (twin: string, ...more: string[]) => ["twins", twin, "relationships", ...more];

export function useRelationships(twin: string) {
    return useInfiniteQuery({
        queryKey: ["twin", twin, "relationships"],
        queryFn: async ({ pageParam, signal }) => {
            const path = apiPath(at(twin), { direction: "both", limit: 200, cursor: pageParam });
            return (await request<Page<GraphEdge>>(path, { signal })).data;
        },
        initialPageParam: null as string | null,
        getNextPageParam: (last) => last.next,
    });
}

async function changed(edge: { source: string; target: string }): Promise<void> {
    await Promise.all([
        queryClient.invalidateQueries({ queryKey: ["twin", edge.source] }),
        queryClient.invalidateQueries({ queryKey: ["twin", edge.target] }),
        queryClient.invalidateQueries({ queryKey: ["graph"] }),
    ]);
}

export async function addRelationship(source: string, one: Relationship): Promise<void> {
    await request(apiPath(at(source)), { method: "POST", body: JSON.stringify(one) });
    await changed({ source, target: one.target });
}

/* Under the id that it has: kind and target may change, the id stays. */
export async function saveRelationship(
    source: string,
    id: string,
    one: Relationship,
): Promise<void> {
    await request(apiPath(at(source, id)), { method: "PUT", body: JSON.stringify(one) });
    await changed({ source, target: one.target });
}

export async function removeRelationship(edge: GraphEdge): Promise<void> {
    await request(apiPath(at(edge.source, edge.id)), { method: "DELETE" });
    await changed(edge);
}

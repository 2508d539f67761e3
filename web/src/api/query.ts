/* query.ts - questions in SQL, and those that are saved. */

import { useQuery } from "@tanstack/react-query";
import { apiPath, request } from "./client";
import { queryClient } from "./queries";

export type Cell = string | number | null;

export interface QueryResult {
    columns: string[];
    rows: Cell[][];
    rowCount: number;
    truncated: boolean;
    damaged: boolean;
    took: number;
}

export interface QueryAsk {
    sql: string;
    /* by which it can be cancelled */
    id: string;
    at?: string | undefined;
    limit?: number;
}

export async function ask(question: QueryAsk): Promise<QueryResult> {
    const body = JSON.stringify({ timeout: "60s", ...question });
    return (
        await request<QueryResult>(apiPath(["query"]), { method: "POST", body, timeoutMs: 90_000 })
    ).data;
}

export async function cancel(id: string): Promise<void> {
    await request(apiPath(["query", id]), { method: "DELETE" });
}

/* The whole answer, as long as it is. */
export async function askCsv(sql: string, at: string | undefined): Promise<Blob> {
    const { text } = await request<never>(apiPath(["query"], { format: "csv", at }), {
        method: "POST",
        body: sql,
        contentType: "text/plain",
        accept: "text/csv",
        timeoutMs: 600_000,
        asText: true,
    });
    return new Blob([text], { type: "text/csv" });
}

export interface QuerySchema {
    tables: {
        name: string;
        text: string;
        columns: { name: string; type: string; text: string }[];
    }[];
    functions: { name: string; arguments: string; text: string }[];
}

export function useQuerySchema() {
    return useQuery({
        queryKey: ["query", "schema"],
        queryFn: async ({ signal }) =>
            (await request<QuerySchema>(apiPath(["query", "schema"]), { signal })).data,
        staleTime: Number.POSITIVE_INFINITY,
    });
}

/* ---- saved ones ---- */

export interface SavedQuery {
    id: string;
    name?: string;
    sql: string;
    chart?: { kind: string } | null;
}

export interface SavedRow {
    id: string;
    version: number;
    modified: string;
    document: SavedQuery;
}

export function useSaved() {
    return useQuery({
        queryKey: ["queries"],
        queryFn: async ({ signal }) =>
            (await request<{ queries: SavedRow[] }>(apiPath(["queries"]), { signal })).data.queries,
    });
}

const refresh = () => queryClient.invalidateQueries({ queryKey: ["queries"] });

export async function save(one: SavedQuery): Promise<void> {
    await request(apiPath(["queries", one.id]), { method: "PUT", body: JSON.stringify(one) });
    await refresh();
}

export async function forget(id: string): Promise<void> {
    await request(apiPath(["queries", id]), { method: "DELETE" });
    await refresh();
}

/* types.ts - types of twins: the calls, and the questions as react-query knows them. */

import { keepPreviousData, useInfiniteQuery, useQuery } from "@tanstack/react-query";
import type { Created, Verdict } from "../base/wire";
import { type Answer, apiPath, fetchFile, request } from "./client";
import { queryClient } from "./queries";

export interface TypeSensor {
    id: string;
    name?: string;
    type?: string;
    unit?: string;
    normalRange?: [number, number];
}

export interface TypeDocument {
    id: string;
    name?: string;
    description?: string;
    extends?: string | string[];
    sensors?: TypeSensor[];
    commands?: { name: string; title?: string }[];
    settings?: { name: string; title?: string; unit?: string; default?: unknown }[];
    relationships?: { kind: string; target?: string; min?: number; max?: number }[];
}

export interface TypeRow {
    id: string;
    version: number;
    modified: string;
    document: TypeDocument;
}

export interface TypeUse {
    twins: number;
    direct: number;
    misfits: number;
    extends: string[];
    extendedBy: string[];
    problem: string | null;
}

export function useTypes() {
    return useInfiniteQuery({
        queryKey: ["types", "list"],
        queryFn: async ({ pageParam, signal }) => {
            const path = apiPath(["types"], { limit: 200, cursor: pageParam });
            return (await request<{ types: TypeRow[]; next?: string }>(path, { signal })).data;
        },
        initialPageParam: null as string | null,
        getNextPageParam: (last) => last.next ?? null,
    });
}

/* The document as text, so that digits and order survive an edit. */
export function useType(id: string) {
    return useQuery({
        queryKey: ["types", id, "document"],
        queryFn: ({ signal }) => request<TypeDocument>(apiPath(["types", id]), { signal }),
    });
}

export function useResolvedType(id: string) {
    return useQuery({
        queryKey: ["types", id, "resolved"],
        queryFn: async ({ signal }) =>
            (await request<TypeDocument>(apiPath(["types", id], { resolved: true }), { signal }))
                .data,
    });
}

export function useTypeUse(id: string) {
    return useQuery({
        queryKey: ["types", id, "use"],
        queryFn: async ({ signal }) =>
            (await request<TypeUse>(apiPath(["types", id, "use"]), { signal })).data,
        refetchInterval: 10_000,
    });
}

export function useTypeVerdict(text: string) {
    return useQuery({
        queryKey: ["validate", "type", text],
        queryFn: async ({ signal }) =>
            (
                await request<Verdict>(apiPath(["validate", "type"]), {
                    method: "POST",
                    body: text,
                    signal,
                })
            ).data,
        enabled: text.trim() !== "",
        placeholderData: keepPreviousData,
        staleTime: 10_000,
        gcTime: 60_000,
    });
}

export const refreshTypes = () => queryClient.invalidateQueries({ queryKey: ["types"] });

export async function createType(text: string): Promise<Answer<TypeDocument>> {
    return request<TypeDocument>(apiPath(["types"]), { method: "POST", body: text });
}

export async function saveType(
    id: string,
    text: string,
    ifMatch: string | null,
): Promise<Answer<TypeDocument>> {
    return request<TypeDocument>(apiPath(["types", id]), { method: "PUT", body: text, ifMatch });
}

export async function deleteType(id: string): Promise<void> {
    await request<void>(apiPath(["types", id]), { method: "DELETE" });
}

export async function makeTwinOfType(id: string, twin: string, name: string): Promise<Created> {
    const body = JSON.stringify(name.trim() ? { id: twin, name: name.trim() } : { id: twin });
    return (await request<Created>(apiPath(["types", id, "twins"]), { method: "POST", body })).data;
}

/* ---- in the words of others ---- */

export const FORMATS = [
    { value: "dtdl", label: "DTDL (Azure Digital Twins)", ending: "dtdl.json" },
    { value: "wot", label: "W3C WoT Thing Description", ending: "td.json" },
    { value: "ngsi-ld", label: "NGSI-LD entities", ending: "jsonld" },
] as const;
export type Format = (typeof FORMATS)[number]["value"];

export interface ImportedItem {
    id: string;
    created?: boolean;
    version?: number;
    problem?: { detail?: string; title?: string };
}

export interface ImportNote {
    error: boolean;
    pointer: string;
    message: string;
}

export interface Imported {
    dry: boolean;
    types: ImportedItem[];
    twins: ImportedItem[];
    refused: number;
    notes: ImportNote[];
}

export async function importModels(format: Format, text: string, dry: boolean): Promise<Imported> {
    const path = apiPath(["import", format], { dry });
    return (await request<Imported>(path, { method: "POST", body: text, timeoutMs: 120_000 })).data;
}

export const exportTypes = (format: Format, types: string): Promise<Blob> =>
    fetchFile(apiPath(["export", format], { types, strict: true }), "*/*");

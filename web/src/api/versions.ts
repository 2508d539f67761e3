/* versions.ts - what profiles and documents were: the calls, and the questions as react-query knows
 * them. */

import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import type { Change } from "../base/diff";
import { apiPath, request } from "./client";
import { queryClient } from "./queries";

/* Of what: ["twins", "pump-1"], ["types", "Pump"]. */
export type Versioned = readonly ["twins" | "types", string];

export interface Version {
    n: number;
    time: string;
    by: { kind: string; id: string; name: string } | null;
    reason: string;
    gone: boolean;
    current: boolean;
}

interface Difference {
    from: number;
    to: number;
    changes: { pointer: string; before?: unknown; after?: unknown }[];
}

const key = (of: Versioned) => [of[0] === "twins" ? "twin" : "type", of[1], "versions"];

export function useVersions(of: Versioned) {
    return useInfiniteQuery({
        queryKey: key(of),
        queryFn: async ({ pageParam, signal }) => {
            const path = apiPath([...of, "versions"], { limit: 50, cursor: pageParam });
            const page = await request<{ versions: Version[]; next: number | null }>(path, {
                signal,
            });
            return page.data;
        },
        initialPageParam: null as number | null,
        getNextPageParam: (last) => last.next,
    });
}

/* "/sensors/0/unit" as people read it. */
function asChange(one: Difference["changes"][number]): Change {
    const path = one.pointer
        .split("/")
        .slice(1)
        .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"))
        .join(" › ");
    if (!("before" in one)) return { kind: "added", path, after: one.after };
    if (!("after" in one)) return { kind: "removed", path, before: one.before };
    return { kind: "changed", path, before: one.before, after: one.after };
}

/* What version n made of the one before it. */
export function useChangesOf(of: Versioned, n: number) {
    return useQuery({
        queryKey: [...key(of), "changes", n],
        queryFn: async ({ signal }) => {
            const path = apiPath([...of, "diff"], { from: n - 1, to: n });
            return (await request<Difference>(path, { signal })).data.changes.map(asChange);
        },
        enabled: n > 1,
        staleTime: Number.POSITIVE_INFINITY,
    });
}

export async function restoreVersion(of: Versioned, n: number, reason: string): Promise<void> {
    const body = JSON.stringify({ version: n, ...(reason.trim() && { reason: reason.trim() }) });
    await request(apiPath([...of, "restore"]), { method: "POST", body });
    await Promise.all([
        queryClient.invalidateQueries({ queryKey: key(of).slice(0, 2) }),
        queryClient.invalidateQueries({ queryKey: [of[0]] }),
    ]);
}

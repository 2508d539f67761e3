/* explain.ts - what changed before an alarm, and what people say of that. */

import { useQuery } from "@tanstack/react-query";
import { apiPath, request } from "./client";
import { queryClient } from "./queries";

export interface Course {
    twin: string;
    sensor: string | null;
    name?: string;
    unit?: string | null;
    onset?: { at: string; before: number; after: number } | null;
    points?: (number | null)[];
}

export interface Cause extends Course {
    cause: string;
    what?: string;
    score: number;
    parts: Record<string, number>;
    hops: number;
    confirmed: number;
    rejected: number;
    changed: string | null;
    leadSeconds: number;
    correlation?: number | null;
    lagSeconds?: number;
    followedSeconds?: number | null;
}

export interface Explanation {
    alarm: string;
    from: string;
    to: string;
    effect: Course | null;
    causes: Cause[];
    candidates: number;
    truncated: boolean;
    said: { alarm: string; cause: string; verdict: string; at: string; comment: string }[];
}

const key = (alarm: string) => ["explanation", alarm];

export function useExplanation(alarm: string, window: string) {
    return useQuery({
        queryKey: [...key(alarm), window],
        queryFn: async ({ signal }) =>
            (
                await request<Explanation>(apiPath(["alarms", alarm, "explanation"], { window }), {
                    signal,
                })
            ).data,
        staleTime: 60_000,
    });
}

export async function judgeCause(
    alarm: string,
    cause: string,
    verdict: "confirmed" | "rejected",
): Promise<void> {
    await request(apiPath(["alarms", alarm, "causes"]), {
        method: "POST",
        body: JSON.stringify({ cause, verdict }),
    });
    await queryClient.invalidateQueries({ queryKey: key(alarm) });
}

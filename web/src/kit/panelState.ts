/* panelState.ts - the one state a panel is in.
 *
 * Whatever is true of a panel at once, the first of this order is shown: denied, error,
 * misconfigured, loading, empty, stale, live. */

import { ApiError } from "../api/client";

export interface EmptyWords {
    /* nothing ever came, or nothing in the range that is looked at */
    why: "never" | "range" | "filter";
    text: string;
}

/* What a refusal names: what was asked, the least role that may, and where. */
export interface Denial {
    role: string | null;
    operation: string | null;
    organization: string | null;
}

export function denialOf(error: ApiError): Denial {
    const { role = null, operation = null, organization = null } = error.problem;
    return { role, operation, organization };
}

export type PanelState =
    | ({ kind: "denied" } & Denial)
    | { kind: "error"; cause: string; id: string; code: string; retry?: () => void }
    | { kind: "misconfigured"; text: string }
    | { kind: "loading" }
    | ({ kind: "empty" } & EmptyWords)
    | { kind: "stale"; since: number }
    | { kind: "live" };

export interface PanelFacts {
    error?: unknown;
    retry?: () => void;
    /* data from before is still there, so an error of the next reading hides nothing */
    hasData?: boolean;
    misconfigured?: string | null | undefined;
    loading?: boolean;
    empty?: EmptyWords | null | undefined;
    /* since when, where it is stale */
    stale?: number | null | undefined;
}

export function panelState(facts: PanelFacts): PanelState {
    const { error, retry } = facts;
    if (error instanceof ApiError && error.denied) {
        return { kind: "denied", ...denialOf(error) };
    }
    if (error && !facts.hasData) {
        const known = error instanceof ApiError;
        const state = {
            kind: "error" as const,
            cause: error instanceof Error ? error.message : String(error),
            id: known ? error.id : "page",
            code: known ? error.code : "page",
        };
        return retry ? { ...state, retry } : state;
    }
    if (facts.misconfigured) return { kind: "misconfigured", text: facts.misconfigured };
    if (facts.loading) return { kind: "loading" };
    if (facts.empty) return { kind: "empty", ...facts.empty };
    if (typeof facts.stale === "number") return { kind: "stale", since: facts.stale };
    return { kind: "live" };
}

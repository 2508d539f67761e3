import { type PanelState, panelState } from "../../kit/panelState";

interface Listing {
    error: unknown;
    data: unknown[] | undefined;
    refetch: () => unknown;
}

/* The state of a panel that lists what a question answered; empty says so in one sentence. */
export function listState(query: Listing, empty: string): PanelState {
    return panelState({
        error: query.error,
        retry: () => void query.refetch(),
        hasData: query.data !== undefined,
        loading: query.data === undefined,
        empty: query.data?.length === 0 ? { why: "never", text: empty } : null,
    });
}

/* A time that the server wrote, in milliseconds, or null. */
export function timeOf(text: string | null | undefined): number | null {
    const t = text ? Date.parse(text) : Number.NaN;
    return Number.isFinite(t) ? t : null;
}

/* queries.ts - the calls as react-query knows them, and what makes them old. */

import {
    type InfiniteData,
    keepPreviousData,
    QueryClient,
    useInfiniteQuery,
    useQuery,
    useQueryClient,
} from "@tanstack/react-query";
import { useCallback, useEffect, useRef } from "react";
import type { Page, State, TwinEvent, TwinSummary } from "../base/wire";
import { useTwinEvents } from "../live/hooks";
import { store, stream } from "../live/live";
import * as calls from "./calls";
import { ApiError } from "./client";

export const queryClient = new QueryClient({
    defaultOptions: {
        queries: {
            staleTime: 5_000,
            refetchOnWindowFocus: true,
            /* an answer is an answer; only silence and overload are worth another try */
            retry: (count, error) =>
                count < 2 && error instanceof ApiError && [0, 502, 503, 504].includes(error.status),
            retryDelay: (attempt) => 400 * 2 ** attempt,
            /* loopback works without a network */
            networkMode: "always",
        },
        mutations: { networkMode: "always", retry: false },
    },
});

export function useTwinList(filter: calls.TwinFilter, limit: number, sensors: number) {
    return useInfiniteQuery({
        queryKey: ["twins", "list", filter, limit, sensors],
        queryFn: async ({ pageParam, signal }) => {
            const page = await calls.listTwins(
                filter,
                { limit, sensors, cursor: pageParam },
                signal,
            );
            for (const twin of page.items) store.seed(twin.id, twin.sensors);
            return page;
        },
        initialPageParam: null as string | null,
        getNextPageParam: (last) => last.next,
        /* a long list is asked for page by page, so less often */
        refetchInterval: (query) => {
            const pages = query.state.data?.pages.length ?? 0;
            return pages > 8 ? 60_000 : pages > 2 ? 20_000 : 5_000;
        },
        placeholderData: keepPreviousData,
    });
}

/* What a list already said of a twin, so that its page starts with its name. */
export function knownSummary(twin: string): TwinSummary | undefined {
    const lists = queryClient.getQueriesData<InfiniteData<Page<TwinSummary>>>({
        queryKey: ["twins", "list"],
    });
    for (const [, data] of lists) {
        for (const page of data?.pages ?? []) {
            const found = page.items.find((t) => t.id === twin);
            if (found) return found;
        }
    }
    return undefined;
}

export function useTwinSearch(name: string) {
    return useQuery({
        queryKey: ["twins", "search", name],
        queryFn: ({ signal }) => calls.listTwins({ name }, { limit: 8, sensors: 0 }, signal),
        enabled: name.trim() !== "",
        placeholderData: keepPreviousData,
    });
}

const STATES: State[] = ["live", "stale", "waiting"];

/* How many twins are in each state, whatever their number. */
export function useStateCounts() {
    return useQuery({
        queryKey: ["twins", "counts"],
        queryFn: async ({ signal }) => {
            const pages = await Promise.all(
                STATES.map((state) => calls.listTwins({ state }, { limit: 1, sensors: 0 }, signal)),
            );
            const [live = 0, stale = 0, waiting = 0] = pages.map((p) => p.total);
            return { live, stale, waiting, total: live + stale + waiting };
        },
        refetchInterval: 15_000,
    });
}

export function useTwinSensors(twin: string) {
    return useQuery({
        queryKey: ["twin", twin, "sensors"],
        queryFn: async ({ signal }) => {
            const sensors = await calls.listSensors(twin, signal);
            store.seed(twin, sensors);
            return sensors;
        },
        refetchInterval: 30_000,
        enabled: twin !== "",
    });
}

export function useProfile(twin: string, live: boolean, refetchMs: number | false) {
    return useQuery({
        queryKey: ["twin", twin, "profile", live],
        queryFn: ({ signal }) => calls.readProfile(twin, live, signal),
        refetchInterval: refetchMs,
        enabled: twin !== "",
    });
}

export function useFindings(twin: string) {
    return useQuery({
        queryKey: ["twin", twin, "findings"],
        queryFn: ({ signal }) => calls.readFindings(twin, signal),
    });
}

export function useValidation(text: string) {
    return useQuery({
        queryKey: ["validate", text],
        queryFn: ({ signal }) => calls.validate(text, signal),
        enabled: text.trim() !== "",
        placeholderData: keepPreviousData,
        staleTime: 60_000,
        gcTime: 60_000,
    });
}

export function useRejections(ask: { twin?: string; sinceMs?: number; limit: number }) {
    return useQuery({
        queryKey: ["rejections", ask],
        queryFn: ({ signal }) => {
            const { sinceMs, ...rest } = ask;
            return calls.listRejections(
                sinceMs === undefined ? rest : { ...rest, since: Date.now() - sinceMs },
                signal,
            );
        },
        refetchInterval: 15_000,
    });
}

export function useStatus() {
    return useQuery({
        queryKey: ["status"],
        queryFn: ({ signal }) => calls.readStatus(signal),
        staleTime: 60_000,
    });
}

export function useSample(id: string, wanted: boolean) {
    return useQuery({
        queryKey: ["sample", id],
        queryFn: ({ signal }) => calls.readSample(id, signal),
        enabled: wanted && id !== "",
        placeholderData: keepPreviousData,
        staleTime: 60_000,
    });
}

/* A thousand twins may change at once: gather what the stream says before asking anew. */
const GATHER_MS = 1_500;
const GATHER_NEW_MS = 250;

/* What happened while the connection was lost is not told again: everything in use is asked anew. */
function useCatchUp(): void {
    const client = useQueryClient();
    useEffect(() => {
        let lost = false;
        return stream.onLink(() => {
            const { state } = stream.status();
            if (state === "lost") lost = true;
            if (state !== "open" || !lost) return;
            lost = false;
            void client.invalidateQueries();
        });
    }, [client]);
}

/* Keeps the lists true to what the stream tells; used once, by the shell. */
export function useFreshness(): void {
    const client = useQueryClient();
    const timer = useRef<ReturnType<typeof setTimeout> | null>(null);
    const twins = useRef(new Set<string>());
    const rejected = useRef(false);
    useCatchUp();

    const flush = useCallback(() => {
        timer.current = null;
        if (twins.current.size > 0) void client.invalidateQueries({ queryKey: ["twins"] });
        for (const twin of twins.current) {
            void client.invalidateQueries({ queryKey: ["twin", twin] });
        }
        twins.current.clear();
        if (rejected.current) void client.invalidateQueries({ queryKey: ["rejections"] });
        rejected.current = false;
    }, [client]);

    useTwinEvents(
        useCallback(
            (event: TwinEvent) => {
                if (event.event === "missed") {
                    void client.invalidateQueries(); /* nobody knows what it was */
                    return;
                }
                if (event.event === "alarm") return; /* alarms.ts looks after those */
                if (event.event === "rejection") rejected.current = true;
                else twins.current.add(event.twin);
                const soon = event.event === "twin-created" || event.event === "twin-deleted";
                const wait = soon ? GATHER_NEW_MS : GATHER_MS;
                timer.current ??= setTimeout(flush, wait);
            },
            [client, flush],
        ),
    );
    useEffect(
        () => () => {
            if (timer.current) clearTimeout(timer.current);
        },
        [],
    );
}

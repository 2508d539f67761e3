/* alarms.ts - alarms, destinations and what was sent: the calls, and the questions as react-query
 * knows them. */

import { keepPreviousData, useInfiniteQuery, useQuery } from "@tanstack/react-query";
import type { Value } from "../base/wire";
import { stream } from "../live/live";
import { apiPath, request } from "./client";
import { queryClient } from "./queries";
import { useMay } from "./session";

export type Severity = "critical" | "major" | "warning" | "info";
export const SEVERITIES: Severity[] = ["critical", "major", "warning", "info"];

export interface Alarm {
    id: string;
    twin: string | null;
    twinName: string | null;
    sensor: string | null;
    sensorName: string | null;
    unit: string | null;
    source: string;
    rule: string | null;
    ruleVersion?: number;
    profileVersion?: number;
    severity: Severity;
    state: "raised" | "acknowledged" | "cleared";
    active: boolean;
    acknowledged: boolean;
    open: boolean;
    message: string | null;
    value: Value | null;
    peak: Value | null;
    count: number;
    raised: string;
    changed: string;
    cleared: string | null;
    assignee: string | null;
    shelvedUntil: string | null;
    shelvedReason: string | null;
    limit: Record<string, number> | null;
    readings: { sensor: string; t: string; value: Value }[] | null;
    group: string | null;
}

export interface AlarmStep {
    at: string;
    step: string;
    who?: string;
    whoName?: string;
    text?: string;
    severity: Severity;
    message?: string;
}

export interface Delivery {
    id: string;
    alarm: string | null;
    destination: string | null;
    command: { name?: string } | null;
    on: string | null;
    why: string | null;
    state: "waiting" | "sent" | "dead" | "discarded";
    tries: number;
    made: string;
    next: string | null;
}

export interface AlarmDetail extends Alarm {
    steps: AlarmStep[];
    deliveries: Delivery[];
}

type Counts = Record<Severity, number>;
export interface AlarmSummary {
    active: Counts;
    unacknowledged: Counts;
    shelved: number;
}

export interface AlarmFilter {
    state?: string | undefined;
    severity?: string | undefined;
    twin?: string | undefined;
    assignee?: string | undefined;
    from?: string | undefined;
}

/* Every step that is told makes what is shown old; a storm of them asks once a second. */
let asked: ReturnType<typeof setTimeout> | null = null;
stream.onEvent((event) => {
    if (event.event !== "alarm" || asked) return;
    asked = setTimeout(() => {
        asked = null;
        void refreshAlarms();
    }, 300);
});

export function refreshAlarms() {
    return queryClient.invalidateQueries({ queryKey: ["alarms"] });
}

export function useAlarms(filter: AlarmFilter) {
    return useInfiniteQuery({
        queryKey: ["alarms", "list", filter],
        queryFn: async ({ pageParam, signal }) => {
            const path = apiPath(["alarms"], {
                ...filter,
                grouped: filter.twin ? undefined : false,
                limit: 100,
                cursor: pageParam,
            });
            return (await request<{ alarms: Alarm[]; next?: string }>(path, { signal })).data;
        },
        initialPageParam: null as string | null,
        getNextPageParam: (last) => last.next ?? null,
        placeholderData: keepPreviousData,
        refetchInterval: 30_000,
    });
}

export function useAlarm(id: string) {
    return useQuery({
        queryKey: ["alarms", "one", id],
        queryFn: async ({ signal }) =>
            (await request<AlarmDetail>(apiPath(["alarms", id]), { signal })).data,
        refetchInterval: 30_000,
    });
}

export function useAlarmSummary() {
    const may = useMay("alarms:read");
    return useQuery({
        queryKey: ["alarms", "summary"],
        queryFn: async ({ signal }) =>
            (await request<AlarmSummary>(apiPath(["alarms", "summary"]), { signal })).data,
        enabled: may,
        refetchInterval: 30_000,
    });
}

export function actOn(id: string, deed: string, body: unknown = {}) {
    return request<Alarm>(apiPath(["alarms", id, deed]), {
        method: "POST",
        body: JSON.stringify(body),
    });
}

/* ---- destinations ---- */

export interface Destination {
    id: string;
    kind: "webhook" | "email" | "mqtt";
    name?: string;
    url?: string;
    to?: string[];
    topic?: string;
    alarms?: { severity?: Severity; after?: string };
}

interface DestinationRow {
    id: string;
    document: Destination;
}

export function useDestinations() {
    return useQuery({
        queryKey: ["destinations"],
        queryFn: async ({ signal }) =>
            (
                await request<{ destinations: DestinationRow[] }>(apiPath(["destinations"]), {
                    signal,
                })
            ).data.destinations.map((row) => row.document),
    });
}

export const refreshDestinations = () =>
    queryClient.invalidateQueries({ queryKey: ["destinations"] });

export function createDestination(document: Destination) {
    return request(apiPath(["destinations"]), { method: "POST", body: JSON.stringify(document) });
}

export function deleteDestination(id: string) {
    return request(apiPath(["destinations", id]), { method: "DELETE" });
}

export async function makeSecret(id: string): Promise<string> {
    const path = apiPath(["destinations", id, "secret"]);
    return (await request<{ secret: string }>(path, { method: "POST" })).data.secret;
}

export function testDestination(id: string) {
    return request(apiPath(["destinations", id, "test"]), { method: "POST" });
}

export function useDeliveries(state: string) {
    return useQuery({
        queryKey: ["deliveries", state],
        queryFn: async ({ signal }) =>
            (
                await request<{ deliveries: Delivery[] }>(
                    apiPath(["deliveries"], { state: state || undefined, limit: 100 }),
                    { signal },
                )
            ).data.deliveries,
        refetchInterval: 5_000,
    });
}

export async function changeDelivery(id: string, how: "retry" | "discard") {
    await request(apiPath(["deliveries", id, how]), { method: "POST" });
    await queryClient.invalidateQueries({ queryKey: ["deliveries"] });
}

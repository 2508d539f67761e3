/* wire.ts - the shapes that travel between the page and the server (docs/interfaces.md). */

import type { Value } from "./format";

export type { Value };
export type State = "live" | "stale" | "waiting";
export type Level = "normal" | "warning" | "critical" | "unknown";
export type Quality = "good" | "uncertain" | "bad";
export type Range = [number, number];

export interface Sensor {
    id: string;
    name: string;
    type: string;
    unit: string;
    value: Value | null;
    t: number | null;
    quality: Quality | null;
    state: State;
    level: Level;
    interval: number | null;
    normalRange?: Range;
    criticalRange?: Range;
    /* an alert threshold of the profile that names this sensor */
    threshold?: number;
    updates: number;
}

export interface TwinSummary {
    id: string;
    name: string;
    description: string;
    type: string;
    twinTypes?: string[];
    /* in how much it is not as its types say */
    misfits?: number;
    state: State;
    simulated: boolean;
    demo?: boolean;
    sensorCount?: number;
    created: string;
    modified: string;
    lastSynced: string | null;
    sensors: Sensor[];
}

export interface Relationship {
    kind: string;
    target: string;
    id?: string;
    properties?: Record<string, unknown>;
}

/* A relationship as it is told: whose it is, and whether its target is there. */
export interface GraphEdge {
    id: string;
    source: string;
    kind: string;
    target: string;
    properties: Record<string, unknown>;
    dangling: boolean;
}

export interface GraphNode {
    id: string;
    name: string;
    type: string;
    twinTypes: string[];
    /* null in the past: what it was stands in the history of its sensors */
    state: State | null;
    level: Level | null;
    out: number;
    in: number;
}

export interface GraphPage {
    nodes: GraphNode[];
    edges: GraphEdge[];
    next: string | null;
    truncated: boolean;
}

export interface Page<T> {
    items: T[];
    next: string | null;
    total: number;
}

export interface Finding {
    rule: string;
    severity: "error" | "warning";
    pointer: string;
    line: number;
    column: number;
    message: string;
}

export interface Verdict {
    complete: boolean;
    core: boolean;
    findings: Finding[];
}

export interface Created {
    id: string;
    profile: unknown;
    filled: string[];
    findings: Finding[];
}

export interface Rejection {
    at: string | number;
    source: string;
    peer: string | null;
    topic: string | null;
    twin: string | null;
    sensor: string | null;
    code: string;
    detail: string;
    payload: string | null;
}

export interface History {
    twin: string;
    sensor: string;
    unit: string;
    from: number;
    to: number;
    points: HistoryPoint[];
    limit?: number;
    next?: string | null;
}

export type HistoryPoint = [t: number, value: Value | null, quality?: Quality];

export interface Status {
    version?: string;
    addresses?: Partial<Record<"http" | "https" | "mqtt" | "mqtts", string | null>>;
}

/* RFC 9457, with our members. */
export interface Problem {
    type?: string;
    title?: string;
    status?: number;
    detail?: string;
    code?: string;
    instance?: string;
    role?: string;
    operation?: string;
    organization?: string;
    methods?: string[];
    accepted?: number;
    rejected?: { index: number; sensor: string; code: string; detail: string }[];
    findings?: Finding[];
}

export interface Update {
    twin: string;
    sensor: string;
    t: number;
    value: Value;
    quality: Quality;
}

export interface SensorRef {
    twin: string;
    sensor?: string;
}

export type TwinEvent =
    | { event: "twin-created" | "twin-changed" | "twin-deleted"; twin: string }
    | { event: "state"; twin: string; state: State }
    | { event: "alarm"; step: string }
    | { event: "missed"; count: number }
    | ({ event: "rejection" } & Rejection);

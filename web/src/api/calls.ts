/* calls.ts - each question to the server, once. */

import { appendTo, cut } from "../base/jsontext";
import type {
    Created,
    History,
    Page,
    Rejection,
    Sensor,
    State,
    Status,
    TwinSummary,
    Verdict,
} from "../base/wire";
import { type Answer, apiPath, request } from "./client";

export interface TwinFilter {
    name?: string | undefined;
    type?: string | undefined;
    twinType?: string | undefined;
    fits?: boolean | undefined;
    state?: State | undefined;
}

type Signal = AbortSignal | undefined;

export async function listTwins(
    filter: TwinFilter,
    page: { limit: number; cursor?: string | null; sensors?: number },
    signal?: Signal,
): Promise<Page<TwinSummary>> {
    const path = apiPath(["twins"], { ...filter, ...page });
    return (await request<Page<TwinSummary>>(path, { signal })).data;
}

export interface ProfileText {
    text: string;
    etag: string | null;
}

/* The profile as text: what JSON.parse would lose is still there. */
export async function readProfile(
    twin: string,
    live: boolean,
    signal?: Signal,
): Promise<ProfileText> {
    const path = apiPath(["twins", twin], live ? {} : { live: false });
    const answer = await request<unknown>(path, { signal });
    return { text: answer.text, etag: answer.etag };
}

export async function listSensors(twin: string, signal?: Signal): Promise<Sensor[]> {
    const path = apiPath(["twins", twin, "sensors"]);
    return (await request<{ items: Sensor[] }>(path, { signal })).data.items;
}

export async function readFindings(twin: string, signal?: Signal): Promise<Verdict> {
    return (await request<Verdict>(apiPath(["twins", twin, "findings"]), { signal })).data;
}

export async function validate(text: string, signal?: Signal): Promise<Verdict> {
    const path = apiPath(["validate"]);
    return (await request<Verdict>(path, { method: "POST", body: text, signal })).data;
}

export async function createTwin(text: string): Promise<Created> {
    const path = apiPath(["twins"]);
    return (await request<Created>(path, { method: "POST", body: text })).data;
}

export async function saveProfile(
    twin: string,
    text: string,
    ifMatch: string | null,
): Promise<Answer<Created>> {
    return request<Created>(apiPath(["twins", twin]), { method: "PUT", body: text, ifMatch });
}

export async function deleteTwin(twin: string): Promise<void> {
    await request<void>(apiPath(["twins", twin]), { method: "DELETE" });
}

export interface NewSensor {
    id: string;
    name: string;
    type: string;
    unit: string;
    updateFrequency?: string | number;
}

/* Adds a sensor with a merge patch; the sensors that are there are sent back digit by digit. */
export async function addSensor(twin: string, sensor: NewSensor): Promise<void> {
    const profile = await readProfile(twin, false);
    const sensors = appendTo(cut(profile.text, "/sensors"), sensor);
    await request<unknown>(apiPath(["twins", twin]), {
        method: "PATCH",
        body: `{"sensors":${sensors}}`,
        contentType: "application/merge-patch+json",
        ifMatch: profile.etag,
    });
}

export interface HistoryAsk {
    from: number;
    to: number;
    points?: number;
    limit?: number;
    cursor?: string | null;
    quality?: boolean;
}

export async function readHistory(
    twin: string,
    sensor: string,
    ask: HistoryAsk,
    signal?: Signal,
): Promise<History> {
    const path = apiPath(["twins", twin, "sensors", sensor, "history"], { ...ask });
    return (await request<History>(path, { signal })).data;
}

export async function listRejections(
    ask: { twin?: string; since?: number; limit?: number },
    signal?: Signal,
): Promise<{ total: number; items: Rejection[] }> {
    const path = apiPath(["rejections"], ask);
    return (await request<{ total: number; items: Rejection[] }>(path, { signal })).data;
}

export async function readStatus(signal?: Signal): Promise<Status> {
    return (await request<Status>(apiPath(["status"]), { signal })).data;
}

export async function readSample(id: string, signal?: Signal): Promise<string> {
    return (await request<unknown>(apiPath(["sample"], { id }), { signal })).text;
}

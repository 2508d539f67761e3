/* client.ts - REST as the page needs it: text kept as text, problems as errors. */

import type { Problem } from "../base/wire";
import { clock } from "../live/live";

const TIMEOUT_MS = 15_000;
const LONG_MS = 600_000;

/* The 401 that end a session; the others answer an attempt to sign in. */
const ENDED = new Set(["unauthenticated", "token-expired", "token-revoked", "http-401"]);

const endings = new Set<() => void>();

/* Told whenever an answer says that nobody is signed in. */
export function onUnauthenticated(listener: () => void): () => void {
    endings.add(listener);
    return () => endings.delete(listener);
}

/* An id that a person can quote: from the server when it gave one, else made here. */
function newId(): string {
    const bytes = crypto.getRandomValues(new Uint8Array(5));
    return `page-${Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("")}`;
}

export class ApiError extends Error {
    /* 0 when there was no answer at all */
    readonly status: number;
    readonly code: string;
    readonly problem: Problem;
    readonly id: string;

    constructor(status: number, problem: Problem) {
        super(problem.detail ?? problem.title ?? `The server answered ${status}.`);
        this.name = "ApiError";
        this.status = status;
        this.code = problem.code ?? (status === 0 ? "unreachable" : `http-${status}`);
        this.problem = problem;
        this.id = problem.instance ?? newId();
    }

    get denied(): boolean {
        return this.status === 401 || this.status === 403;
    }

    /* nobody is signed in any more, or never was */
    get unauthenticated(): boolean {
        return this.status === 401 && ENDED.has(this.code);
    }

    get missing(): boolean {
        return this.status === 404;
    }
}

export interface Answer<T> {
    data: T;
    text: string;
    etag: string | null;
    status: number;
}

export interface Ask {
    method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
    body?: string;
    contentType?: string;
    ifMatch?: string | null;
    accept?: string;
    timeoutMs?: number;
    signal?: AbortSignal | undefined;
    /* the answer is no JSON: take its text */
    asText?: boolean;
}

async function send(path: string, ask: Ask): Promise<Response> {
    const headers: Record<string, string> = { accept: ask.accept ?? "application/json" };
    if (ask.body !== undefined) headers["content-type"] = ask.contentType ?? "application/json";
    if (ask.ifMatch) headers["if-match"] = ask.ifMatch;
    const timeout = AbortSignal.timeout(ask.timeoutMs ?? TIMEOUT_MS);
    const init: RequestInit = {
        method: ask.method ?? "GET",
        headers,
        signal: ask.signal ? AbortSignal.any([ask.signal, timeout]) : timeout,
    };
    if (ask.body !== undefined) init.body = ask.body;
    try {
        return await fetch(path, init);
    } catch (error) {
        if (ask.signal?.aborted) throw error;
        const late = error instanceof DOMException && error.name === "TimeoutError";
        throw new ApiError(0, {
            title: "No answer",
            detail: late ? "The server did not answer in time." : "The server cannot be reached.",
        });
    }
}

function parseProblem(response: Response, text: string): Problem {
    try {
        const problem = JSON.parse(text) as unknown;
        if (typeof problem === "object" && problem !== null) return problem as Problem;
    } catch {
        /* a proxy's page, or nothing */
    }
    return { title: response.statusText || `Status ${response.status}` };
}

function refusal(response: Response, text: string): ApiError {
    const error = new ApiError(response.status, parseProblem(response, text));
    if (error.unauthenticated) for (const listener of [...endings]) listener();
    return error;
}

/* An answer that is a file: kept as bytes, however long it takes. */
export async function fetchFile(path: string, accept: string): Promise<Blob> {
    const response = await send(path, { accept, timeoutMs: LONG_MS });
    if (!response.ok) throw refusal(response, await response.text());
    return response.blob();
}

export async function request<T>(path: string, ask: Ask = {}): Promise<Answer<T>> {
    const response = await send(path, ask);
    const date = response.headers.get("date");
    if (date && !response.headers.get("age")) clock.learn(Date.parse(date));
    let text: string;
    try {
        text = await response.text();
    } catch (error) {
        if (ask.signal?.aborted) throw error;
        throw new ApiError(0, { title: "Broken answer", detail: "The answer broke off." });
    }
    if (!response.ok) throw refusal(response, text);
    let data: unknown;
    if (text !== "" && !ask.asText) {
        try {
            data = JSON.parse(text);
        } catch {
            throw new ApiError(response.status, {
                title: "Unreadable answer",
                detail: "The server's answer is not JSON.",
            });
        }
    }
    return { data: data as T, text, etag: response.headers.get("etag"), status: response.status };
}

/* /api/v1/twins/{id}/… with every part escaped; query members that are undefined are left out. */
export function apiPath(
    parts: string[],
    query: Record<string, string | number | boolean | undefined | null> = {},
): string {
    const params = new URLSearchParams();
    for (const [key, value] of Object.entries(query)) {
        if (value !== undefined && value !== null && value !== "") params.set(key, String(value));
    }
    const tail = params.toString();
    return `/api/v1/${parts.map(encodeURIComponent).join("/")}${tail ? `?${tail}` : ""}`;
}

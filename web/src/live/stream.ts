/* stream.ts - the one WebSocket of the page (/api/v1/stream).
 *
 * Components ask for sensors and give the returned function back when they no longer need them.
 * Wishes are counted, gathered for one turn of the event loop, and reduced: a sensor that a
 * wildcard already brings is not asked for twice.  After a loss everything is asked for again.
 * A close with a code of refusal is no loss: nothing is tried until somebody asks.
 * Reconnecting backs off from 0.5 to 10 seconds, with jitter so that a fleet of pages does not
 * return at the same instant. */

import type { Problem, SensorRef, TwinEvent, Update } from "../base/wire";

export type Link =
    | { state: "connecting"; since: number; attempt: number }
    | { state: "open"; since: number }
    | { state: "lost"; since: number; attempt: number; retryAt: number }
    /* the server has closed it for good: whoever looks on may not, or no longer */
    | { state: "refused"; since: number; code: number; reason: string };

/* The part of WebSocket that is used; tests bring their own. */
export interface Socket {
    readyState: number;
    onopen: (() => void) | null;
    onclose: ((event: { code: number; reason: string }) => void) | null;
    onerror: (() => void) | null;
    onmessage: ((event: { data: unknown }) => void) | null;
    send(data: string): void;
    close(): void;
}

export interface StreamOptions {
    url: () => string;
    open?: (url: string) => Socket;
    now?: () => number;
    random?: () => number;
    later?: (run: () => void, ms: number) => unknown;
    cancel?: (timer: unknown) => void;
    /* resolves when the server answers; asked when the stream has been silent for long */
    probe?: () => Promise<unknown>;
    rate?: number;
}

const BACKOFF_FIRST_MS = 500;
const BACKOFF_LAST_MS = 10_000;
/* A connection that held this long was a good one: the next loss starts over at the first wait. */
const SETTLED_MS = 5_000;
const SILENCE_MS = 15_000;
const OPEN_TIMEOUT_MS = 10_000;
const OPEN = 1;
/* Close codes of the server: nobody is signed in (any more); signed in, and may not. */
export const UNAUTHENTICATED = 4401;
export const FORBIDDEN = 4403;

export function backoff(attempt: number, random: number): number {
    const full = Math.min(BACKOFF_LAST_MS, BACKOFF_FIRST_MS * 2 ** attempt);
    return Math.max(BACKOFF_FIRST_MS, full * (0.5 + 0.5 * random));
}

function refKey(ref: SensorRef): string {
    return ref.sensor === undefined || ref.sensor === "*" ? ref.twin : `${ref.twin}/${ref.sensor}`;
}

function keyRef(key: string): SensorRef {
    const slash = key.indexOf("/");
    return slash < 0 ? { twin: key } : { twin: key.slice(0, slash), sensor: key.slice(slash + 1) };
}

/* The wishes that no wider wish covers. */
export function reduceWishes(keys: Iterable<string>): Set<string> {
    const all = new Set(keys);
    if (all.has("*")) return new Set(["*"]);
    const kept = new Set<string>();
    for (const key of all) {
        const slash = key.indexOf("/");
        if (slash < 0 || !all.has(key.slice(0, slash))) kept.add(key);
    }
    return kept;
}

/* What to send to come from one set of subscriptions to another.  Whether a server counts
 * overlapping subscriptions apart is not promised, so what overlaps a dropped one is asked anew. */
export function planChange(
    sent: Set<string>,
    wanted: Set<string>,
): { drop: string[]; add: string[] } {
    const drop = [...sent].filter((key) => !wanted.has(key));
    const dropsAll = drop.includes("*");
    const touched = new Set(drop.filter((key) => !key.includes("/")));
    const add = [...wanted].filter((key) => {
        if (!sent.has(key) || dropsAll) return true;
        return key.includes("/") && touched.has(key.slice(0, key.indexOf("/")));
    });
    return { drop, add };
}

export class StreamClient {
    private link: Link;
    private socket: Socket | null = null;
    private started = false;
    private attempt = 0;
    private lastFrame = 0;
    private probing = false;
    private readonly wishes = new Map<string, number>();
    private sent = new Set<string>();
    private pending = false;
    private retryTimer: unknown;
    private watchTimer: unknown;
    private readonly linkListeners = new Set<() => void>();
    private readonly updateListeners = new Set<(updates: Update[]) => void>();
    private readonly eventListeners = new Set<(event: TwinEvent) => void>();
    private readonly errorListeners = new Set<(problem: Problem) => void>();
    private readonly o: Required<Omit<StreamOptions, "probe">> & Pick<StreamOptions, "probe">;

    constructor(options: StreamOptions) {
        this.o = {
            open: (url) => new WebSocket(url) as unknown as Socket,
            now: Date.now,
            random: Math.random,
            later: (run, ms) => setTimeout(run, ms),
            cancel: (timer) => clearTimeout(timer as number),
            rate: 10,
            ...options,
        };
        this.link = { state: "connecting", since: this.o.now(), attempt: 0 };
    }

    start(): void {
        if (this.started) return;
        this.started = true;
        this.connect();
        this.watch();
    }

    stop(): void {
        this.started = false;
        this.o.cancel(this.retryTimer);
        this.o.cancel(this.watchTimer);
        this.discard();
    }

    /* Now, not after the wait: the network came back or somebody pressed the button. */
    retryNow(): void {
        if (!this.started || this.link.state === "open") return;
        this.o.cancel(this.retryTimer);
        this.discard();
        this.connect();
    }

    /* The network is known to be gone. */
    drop(): void {
        if (this.started && this.socket) this.lose();
    }

    status = (): Link => this.link;

    onLink = (listener: () => void): (() => void) => {
        this.linkListeners.add(listener);
        return () => this.linkListeners.delete(listener);
    };

    onUpdates(listener: (updates: Update[]) => void): () => void {
        this.updateListeners.add(listener);
        return () => this.updateListeners.delete(listener);
    }

    onEvent(listener: (event: TwinEvent) => void): () => void {
        this.eventListeners.add(listener);
        return () => this.eventListeners.delete(listener);
    }

    onError(listener: (problem: Problem) => void): () => void {
        this.errorListeners.add(listener);
        return () => this.errorListeners.delete(listener);
    }

    subscribe(refs: SensorRef[]): () => void {
        const keys = refs.map(refKey);
        for (const key of keys) this.wishes.set(key, (this.wishes.get(key) ?? 0) + 1);
        this.reconcileSoon();
        let given = true;
        return () => {
            if (!given) return;
            given = false;
            for (const key of keys) {
                const left = (this.wishes.get(key) ?? 1) - 1;
                if (left > 0) this.wishes.set(key, left);
                else this.wishes.delete(key);
            }
            this.reconcileSoon();
        };
    }

    private connect(): void {
        this.setLink({
            state: "connecting",
            since: this.link.state === "open" ? this.o.now() : this.link.since,
            attempt: this.attempt,
        });
        let socket: Socket;
        try {
            socket = this.o.open(this.o.url());
        } catch {
            this.lose();
            return;
        }
        this.socket = socket;
        socket.onopen = () => this.opened();
        socket.onmessage = (event) => this.receive(event.data);
        socket.onclose = ({ code, reason }) => {
            if (code === UNAUTHENTICATED || code === FORBIDDEN) this.refuse(code, reason);
            else this.lose();
        };
        socket.onerror = () => {};
        this.retryTimer = this.o.later(() => {
            if (this.socket === socket && this.link.state !== "open") this.lose();
        }, OPEN_TIMEOUT_MS);
    }

    private opened(): void {
        this.o.cancel(this.retryTimer);
        this.lastFrame = this.o.now();
        this.sent = new Set();
        this.setLink({ state: "open", since: this.o.now() });
        this.send({ events: true, alarms: true });
        this.reconcile();
    }

    private lose(): void {
        const held = this.link.state === "open" ? this.o.now() - this.link.since : 0;
        /* the loss began when it was first seen, however many attempts fail after it */
        const since = this.link.state === "open" ? this.o.now() : this.link.since;
        this.o.cancel(this.retryTimer);
        this.discard();
        if (held >= SETTLED_MS) this.attempt = 0;
        const wait = backoff(this.attempt++, this.o.random());
        this.setLink({
            state: "lost",
            since,
            attempt: this.attempt,
            retryAt: this.o.now() + wait,
        });
        if (this.started) this.retryTimer = this.o.later(() => this.connect(), wait);
    }

    /* Another attempt would end the same way; retryNow() makes one when something has changed. */
    private refuse(code: number, reason: string): void {
        this.o.cancel(this.retryTimer);
        this.discard();
        this.setLink({ state: "refused", since: this.o.now(), code, reason });
    }

    private discard(): void {
        const socket = this.socket;
        this.socket = null;
        this.sent = new Set();
        if (!socket) return;
        socket.onopen = socket.onclose = socket.onerror = socket.onmessage = null;
        try {
            socket.close();
        } catch {
            /* it is gone anyway */
        }
    }

    /* TCP does not say when the other machine vanished: after a silence, ask. */
    private watch(): void {
        this.watchTimer = this.o.later(() => {
            if (!this.started) return;
            this.watch();
            const silent = this.o.now() - this.lastFrame;
            if (this.link.state !== "open" || silent < SILENCE_MS || this.probing) return;
            if (!this.o.probe) return;
            const socket = this.socket;
            this.probing = true;
            this.o
                .probe()
                .catch(() => {
                    if (this.socket === socket && this.started) this.lose();
                })
                .finally(() => {
                    this.probing = false;
                });
        }, SILENCE_MS / 3);
    }

    private receive(data: unknown): void {
        this.lastFrame = this.o.now();
        if (typeof data !== "string") return;
        let frame: unknown;
        try {
            frame = JSON.parse(data);
        } catch {
            return;
        }
        const updates: Update[] = [];
        for (const one of Array.isArray(frame) ? frame : [frame]) this.sort(one, updates);
        if (updates.length > 0) for (const listener of this.updateListeners) listener(updates);
    }

    private sort(one: unknown, updates: Update[]): void {
        if (typeof one !== "object" || one === null) return;
        if ("event" in one) {
            for (const listener of this.eventListeners) listener(one as TwinEvent);
        } else if ("error" in one) {
            for (const listener of this.errorListeners) listener(one.error as Problem);
        } else if ("sensor" in one && "t" in one && typeof one.t === "number") {
            updates.push(one as Update);
        }
    }

    private reconcileSoon(): void {
        if (this.pending) return;
        this.pending = true;
        queueMicrotask(() => {
            this.pending = false;
            this.reconcile();
        });
    }

    private reconcile(): void {
        if (this.socket?.readyState !== OPEN || this.link.state !== "open") return;
        const wanted = reduceWishes(this.wishes.keys());
        const { drop, add } = planChange(this.sent, wanted);
        if (drop.length > 0) this.send({ unsubscribe: drop.map(keyRef) });
        if (add.length > 0) this.send({ subscribe: add.map(keyRef), rate: this.o.rate });
        this.sent = wanted;
    }

    private send(message: unknown): void {
        if (this.socket?.readyState === OPEN) this.socket.send(JSON.stringify(message));
    }

    private setLink(link: Link): void {
        this.link = link;
        for (const listener of [...this.linkListeners]) listener();
    }
}

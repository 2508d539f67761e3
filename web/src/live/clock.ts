/* clock.ts - the time that the page shows.
 *
 * One clock for every age, sparkline and chart.  It follows the server's clock when this machine's
 * is off, and stands still while live motion is paused; readings keep arriving meanwhile. */

type Listener = () => void;

/* A difference below this is the resolution of the Date header and the way, not a wrong clock. */
const TOLERANCE_MS = 2_000;

export class Clock {
    private offset = 0;
    private stopped: number | null = null;
    private listeners = new Set<Listener>();
    private readonly read: () => number;

    constructor(read: () => number = Date.now) {
        this.read = read;
    }

    /* The true present, paused or not. */
    present(): number {
        return this.read() + this.offset;
    }

    /* The present as shown. */
    now(): number {
        return this.stopped ?? this.present();
    }

    get pausedAt(): number | null {
        return this.stopped;
    }

    pause(): void {
        if (this.stopped !== null) return;
        this.stopped = this.present();
        this.tell();
    }

    resume(): void {
        if (this.stopped === null) return;
        this.stopped = null;
        this.tell();
    }

    /* The server said it is serverMs; the header has whole seconds. */
    learn(serverMs: number): void {
        if (!Number.isFinite(serverMs)) return;
        const difference = serverMs + 500 - this.read();
        this.offset = Math.abs(difference) > TOLERANCE_MS ? difference : 0;
    }

    subscribe = (listener: Listener): (() => void) => {
        this.listeners.add(listener);
        return () => this.listeners.delete(listener);
    };

    private tell(): void {
        for (const listener of [...this.listeners]) listener();
    }
}

/* Calls its listeners every `everyMs` while there are any. */
export class Ticker {
    private listeners = new Set<Listener>();
    private timer: ReturnType<typeof setInterval> | undefined;
    private readonly everyMs: number;

    constructor(everyMs: number) {
        this.everyMs = everyMs;
    }

    subscribe = (listener: Listener): (() => void) => {
        this.listeners.add(listener);
        this.timer ??= setInterval(() => {
            for (const one of [...this.listeners]) one();
        }, this.everyMs);
        return () => {
            this.listeners.delete(listener);
            if (this.listeners.size === 0) {
                clearInterval(this.timer);
                this.timer = undefined;
            }
        };
    };
}

/* live.ts - the live parts of this page, wired together once. */

import { Clock, Ticker } from "./clock";
import { Painter } from "./painter";
import { LiveStore } from "./store";
import { StreamClient } from "./stream";

function streamUrl(): string {
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    return `${scheme}//${location.host}/api/v1/stream`;
}

async function probe(): Promise<void> {
    await fetch("/healthz", { cache: "no-store", signal: AbortSignal.timeout(5_000) });
}

export const clock = new Clock();
export const store = new LiveStore({ clock });
export const stream = new StreamClient({ url: streamUrl, probe });
export const ticker = new Ticker(500);

const reducedMotion =
    typeof matchMedia === "function" ? matchMedia("(prefers-reduced-motion: reduce)") : null;

export const painter = new Painter({
    paused: () => clock.pausedAt !== null,
    calm: () => reducedMotion?.matches ?? false,
});

let wired = false;

function wire(): void {
    if (wired) return;
    wired = true;
    stream.onUpdates((updates) => store.take(updates));
    stream.onEvent((event) => {
        if (event.event === "twin-deleted") store.forget(event.twin);
    });
    clock.subscribe(() => painter.redrawAll());
    addEventListener("online", () => stream.retryNow());
    addEventListener("offline", () => stream.drop());
}

export function startLive(): void {
    wire();
    stream.start();
}

/* While nobody is signed in there is nothing to listen to. */
export function stopLive(): void {
    stream.stop();
}

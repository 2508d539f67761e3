/* model.ts - what one chart draws: the past as the server thinned it, and the live tail after it.
 *
 * Times are Unix milliseconds.  The server's part is replaced now and then; the tail takes from the
 * sensor's ring what came after, thinned by the same rule, so that a chart of a week does not grow
 * with every reading.  Gaps stay gaps: a null is put where no reading came for too long. */

import type { HistoryPoint } from "../../base/wire";
import type { Ring } from "../../live/ring";
import { asNumber } from "../../live/store";
import { Thinner } from "../../live/thin";

export interface Drawn {
    t: number[];
    v: (number | null)[];
}

export class ChartModel {
    private past: [number, number][] = [];
    private pastEnd = Number.NEGATIVE_INFINITY;
    private tail: Thinner;
    private taken = Number.NEGATIVE_INFINITY;
    private edits = -1;
    private readonly stepMs: number;

    /* spanMs over `points` is how finely the past is thinned. */
    constructor(spanMs: number, points: number) {
        this.stepMs = spanMs / Math.max(1, points / 2);
        this.tail = new Thinner(this.stepMs);
    }

    /* The server's answer; the tail starts over behind its last reading. */
    setPast(points: HistoryPoint[]): void {
        this.past = points.map(([t, v]) => [t, asNumber(v)]);
        this.pastEnd = this.past.at(-1)?.[0] ?? Number.NEGATIVE_INFINITY;
        this.restart();
    }

    /* Take over what the ring has that is newer. */
    absorb(ring: Ring): void {
        if (ring.edits !== this.edits) {
            /* something before the newest changed: what the ring still holds is taken again */
            this.edits = ring.edits;
            this.tail.dropFrom(ring.oldest);
            this.taken = Math.max(this.pastEnd, this.tail.newest);
        }
        for (let i = ring.firstFrom(this.taken); i < ring.length; i++) {
            const t = ring.timeAt(i);
            if (t <= this.taken) continue;
            this.tail.push(t, ring.valueAt(i));
            this.taken = t;
        }
    }

    /* True when the ring has lost readings that the tail has not seen. */
    missed(ring: Ring): boolean {
        return ring.length > 0 && this.taken > 0 && ring.oldest > this.taken + this.stepMs;
    }

    get empty(): boolean {
        return this.past.length === 0 && this.tail.newest === Number.NEGATIVE_INFINITY;
    }

    /* What lies in [from, to], with one reading beyond each end so that lines reach the edge. */
    build(from: number, to: number, gapMs: number): Drawn {
        const out: Drawn = { t: [], v: [] };
        const gap = Math.max(gapMs, this.stepMs * 3);
        let before: [number, number] | null = null;
        let ended = false;
        const add = (t: number, v: number) => {
            if (ended) return;
            if (t < from) {
                before = [t, v];
                return;
            }
            if (before) {
                const held: [number, number] = before;
                before = null;
                if (t - held[0] <= gap) join(out, held[0], held[1], gap);
            }
            ended = t > to;
            if (ended && out.t.length > 0 && t - (out.t.at(-1) as number) > gap) return;
            if (ended && out.t.length === 0) return;
            join(out, t, v, gap);
        };
        for (const [t, v] of this.past) add(t, v);
        this.tail.visit(add);
        return out;
    }

    private restart(): void {
        this.tail = new Thinner(this.stepMs);
        this.taken = this.pastEnd;
        this.edits = -1;
    }
}

function join(out: Drawn, t: number, v: number, gap: number): void {
    const last = out.t.at(-1);
    if (last !== undefined && t - last > gap) {
        out.t.push(last + (t - last) / 2);
        out.v.push(null);
    }
    out.t.push(t);
    out.v.push(Number.isNaN(v) ? null : v);
}

/* After how long without a reading a line is broken.  A sensor without a stated interval is judged
 * by its own habit. */
export function gapAfter(intervalMs: number | null, points: HistoryPoint[]): number {
    if (intervalMs !== null && intervalMs > 0) return Math.max(3 * intervalMs, 1_000);
    const steps: number[] = [];
    for (let i = 1; i < points.length; i++) {
        steps.push((points[i] as HistoryPoint)[0] - (points[i - 1] as HistoryPoint)[0]);
    }
    steps.sort((a, b) => a - b);
    const middle = steps[Math.floor(steps.length / 2)] ?? 0;
    return Math.max(10_000, 5 * middle);
}

/* states.ts - a text sensor's readings as episodes of one value. */

import type { Value } from "../../base/wire";

export interface Episode {
    value: string;
    from: number;
    to: number;
}

/* points in time order; an episode ends where another value begins, or where nothing came for
 * longer than gap. */
export function episodes(
    points: [number, Value][],
    from: number,
    to: number,
    gap: number,
): Episode[] {
    const out: Episode[] = [];
    let open: Episode | null = null;
    let last = Number.NEGATIVE_INFINITY;
    const close = (t: number) => {
        if (!open) return;
        open.to = Math.min(t, last + gap, to);
        if (open.to > from) out.push(open);
        open = null;
    };
    for (const [t, v] of points) {
        if (t > to) break;
        const value = String(v);
        const current: Episode | null = open;
        if (!current || (current as Episode).value !== value || t - last > gap) {
            close(t);
            open = { value, from: Math.max(t, from), to: t };
        }
        last = t;
    }
    close(to);
    return out;
}

/* time.ts - the view's time, as it stands in the URL.
 *
 *   ?t=live            the last `r` until now, moving (what is taken when there is no t)
 *   ?t=FROM/TO         an ISO 8601 interval
 *   ?t=INSTANT         the `r` that ends at that instant
 *   ?r=1m|15m|1h|24h|7d  how much is shown
 *
 * Anything that cannot be read falls back to live, so a mangled link still opens. */

export const RANGES = [
    { key: "1m", label: "1 min", ms: 60_000 },
    { key: "15m", label: "15 min", ms: 15 * 60_000 },
    { key: "1h", label: "1 h", ms: 3_600_000 },
    { key: "24h", label: "24 h", ms: 24 * 3_600_000 },
    { key: "7d", label: "7 d", ms: 7 * 24 * 3_600_000 },
] as const;

export type RangeKey = (typeof RANGES)[number]["key"];
export const DEFAULT_RANGE: RangeKey = "15m";

export type TimeView =
    | { mode: "live"; range: RangeKey; spanMs: number }
    | { mode: "fixed"; range: RangeKey; spanMs: number; from: number; to: number };

export function rangeMs(key: RangeKey): number {
    return RANGES.find((r) => r.key === key)?.ms ?? 15 * 60_000;
}

function asRange(text: string | null): RangeKey {
    return RANGES.find((r) => r.key === text)?.key ?? DEFAULT_RANGE;
}

/* RFC 3339 (an offset is asked for, a bare date or a local time is not taken) → Unix ms or null. */
export function parseInstant(text: string): number | null {
    if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)$/i.test(text)) return null;
    const ms = Date.parse(text);
    return Number.isFinite(ms) ? ms : null;
}

export function parseTimeView(search: string): TimeView {
    const params = new URLSearchParams(search);
    const range = asRange(params.get("r"));
    const live: TimeView = { mode: "live", range, spanMs: rangeMs(range) };
    /* a "+" of an offset that was not escaped arrives as a space */
    const t = params.get("t")?.trim().replaceAll(" ", "+");
    if (!t || t === "live") return live;
    const parts = t.split("/");
    if (parts.length === 1) {
        const to = parseInstant(t);
        if (to === null) return live;
        return { mode: "fixed", range, spanMs: rangeMs(range), from: to - rangeMs(range), to };
    }
    const from = parseInstant(parts[0] ?? "");
    const to = parseInstant(parts[1] ?? "");
    if (parts.length !== 2 || from === null || to === null || from >= to) return live;
    return { mode: "fixed", range, spanMs: to - from, from, to };
}

export function isoInstant(ms: number): string {
    return new Date(Math.round(ms)).toISOString();
}

/* The same search string with the view's time in it; other parameters stay. */
export function writeTimeView(
    search: string,
    view: { range?: RangeKey; from?: number; to?: number },
): string {
    const params = new URLSearchParams(search);
    if (view.range) params.set("r", view.range);
    if (view.from !== undefined && view.to !== undefined) {
        params.set("t", `${isoInstant(view.from)}/${isoInstant(view.to)}`);
    } else {
        params.set("t", "live");
    }
    /* slashes and colons are readable and allowed in a query */
    return params.toString().replaceAll("%2F", "/").replaceAll("%3A", ":");
}

const clockFormat = new Intl.DateTimeFormat("en-GB", {
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
});
const minuteFormat = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const dayFormat = new Intl.DateTimeFormat("en-GB", {
    year: "numeric",
    month: "short",
    day: "numeric",
});

export function clockTime(ms: number): string {
    return clockFormat.format(ms);
}

/* With milliseconds, for readouts where two readings stand close together. */
export function preciseTime(ms: number): string {
    const part = Math.floor(((ms % 1000) + 1000) % 1000);
    return `${clockFormat.format(ms)}.${String(part).padStart(3, "0")}`;
}

export function dateTime(ms: number): string {
    return `${dayFormat.format(ms)}, ${clockFormat.format(ms)}`;
}

function sameDay(a: number, b: number): boolean {
    return dayFormat.format(a) === dayFormat.format(b);
}

/* "14:02 – 14:12" today, with the day when it is another one. */
export function spanText(from: number, to: number, now: number): string {
    const clock = to - from < 10 * 60_000 ? clockFormat : minuteFormat;
    if (sameDay(from, to)) {
        const day = sameDay(from, now) ? "" : `${dayFormat.format(from)}, `;
        return `${day}${clock.format(from)} – ${clock.format(to)}`;
    }
    return `${dayFormat.format(from)}, ${clock.format(from)} – ${dayFormat.format(to)}, ${clock.format(to)}`;
}

/* <input type="datetime-local"> speaks local time without an offset. */
export function toLocalInput(ms: number): string {
    const d = new Date(ms - new Date(ms).getTimezoneOffset() * 60_000);
    return d.toISOString().slice(0, 19);
}

export function fromLocalInput(text: string): number | null {
    const ms = Date.parse(text);
    return text && Number.isFinite(ms) ? ms : null;
}

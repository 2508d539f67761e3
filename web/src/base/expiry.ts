/* expiry.ts - when something ends: chosen from a few, told as people say it. */

const DAY = 86_400_000;

export const EXPIRIES = [
    { value: "1", label: "a day" },
    { value: "7", label: "a week" },
    { value: "30", label: "30 days" },
    { value: "90", label: "90 days" },
    { value: "365", label: "a year" },
    { value: "", label: "no end" },
] as const;

/* Days from now as RFC 3339, or undefined for no end. */
export function expiryOf(days: string, now = Date.now()): string | undefined {
    const n = Number(days);
    return days !== "" && n > 0 ? new Date(now + n * DAY).toISOString() : undefined;
}

/* "in 5 d", "ended", "never" */
export function expiresIn(expires: string | null | undefined, now = Date.now()): string {
    if (!expires) return "never";
    const left = Date.parse(expires) - now;
    if (!Number.isFinite(left)) return "unknown";
    if (left <= 0) return "ended";
    const minutes = left / 60_000;
    if (minutes < 1) return "in less than a minute";
    if (minutes < 120) return `in ${Math.round(minutes)} min`;
    if (left < 2 * DAY) return `in ${Math.round(minutes / 60)} h`;
    return `in ${Math.round(left / DAY)} d`;
}

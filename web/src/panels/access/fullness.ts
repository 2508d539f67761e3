import type { Use } from "../../base/access";

/* How full, and whether that is worth a word; null without a limit. */
export function fullness(use: Use): { share: number; tone: "ok" | "warn" | "crit" } | null {
    if (use.limit === null || use.limit === undefined || use.limit <= 0) return null;
    const share = Math.min(1, use.used / use.limit);
    return { share, tone: share >= 1 ? "crit" : share >= 0.8 ? "warn" : "ok" };
}

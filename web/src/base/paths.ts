/* paths.ts - addresses that came from outside: where to go after signing in, secrets in a fragment. */

/* A path of this page, or "/": never another host, however it is spelt ("//evil", "/\evil",
 * "javascript:"), and no control characters that a browser would leave out. */
export function ownPath(text: string | null | undefined): string {
    if (!text?.startsWith("/") || text.length > 2_000) return "/";
    if (/[\\\p{Cc}]/u.test(text)) return "/";
    const base = "http://here.invalid";
    try {
        const url = new URL(text, base);
        if (url.origin !== base) return "/";
        const path = url.pathname + url.search + url.hash;
        return path.startsWith("//") || /^\/(api|sign-in)(\/|\?|$)/.test(path) ? "/" : path;
    } catch {
        return "/";
    }
}

/* The secret of a kind in what somebody pasted: a link with a fragment, or the secret alone. */
export function secretIn(text: string, kind: "setup" | "inv" | "link"): string | null {
    return new RegExp(`dop_${kind}_[A-Za-z0-9_-]{1,200}`).exec(text)?.[0] ?? null;
}

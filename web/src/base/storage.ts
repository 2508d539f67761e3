/* storage.ts - small preferences of this browser.
 *
 * Storage can be denied (private windows, policies); then a preference lives as long as the page. */

const memory = new Map<string, string>();

export function remember(key: string, value: string): void {
    memory.set(key, value);
    try {
        localStorage.setItem(`doppel.${key}`, value);
    } catch {
        /* kept in memory only */
    }
}

export function recall(key: string): string | null {
    const kept = memory.get(key);
    if (kept !== undefined) return kept;
    try {
        return localStorage.getItem(`doppel.${key}`);
    } catch {
        return null;
    }
}

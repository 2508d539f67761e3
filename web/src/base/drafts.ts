/* drafts.ts - what somebody was writing, kept in this tab until it is saved or given up.
 *
 * It outlives a reload and the way to an identity provider and back.  Drafts belong to who wrote
 * them: the tab remembers whose it is, and when somebody else comes in they go. */

const PREFIX = "doppel.draft.";
const OWNER = "doppel.owner";
const LARGEST = 1_000_000;

function storage(): Storage | null {
    try {
        return sessionStorage ?? null;
    } catch {
        return null;
    }
}

function names(): string[] {
    const kept = storage();
    return kept ? Object.keys(kept).filter((k) => k.startsWith(PREFIX)) : [];
}

export function keepDraft(name: string, text: string): void {
    try {
        if (text.length <= LARGEST) storage()?.setItem(PREFIX + name, text);
    } catch {
        /* full: the text lives as long as the page */
    }
}

export function draftOf(name: string): string | null {
    return storage()?.getItem(PREFIX + name) ?? null;
}

export function dropDraft(name: string): void {
    storage()?.removeItem(PREFIX + name);
}

export function hasDrafts(): boolean {
    return names().length > 0;
}

export function tabOwner(): string | null {
    return storage()?.getItem(OWNER) ?? null;
}

/* Says whose tab this is now; the drafts of another go. */
export function ownTab(identity: string): void {
    const kept = storage();
    const before = tabOwner();
    if (before !== null && before !== identity) for (const name of names()) kept?.removeItem(name);
    try {
        kept?.setItem(OWNER, identity);
    } catch {
        /* as above */
    }
}

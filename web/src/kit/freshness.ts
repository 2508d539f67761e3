/* freshness.ts - what wants a sign-in of the last minutes: ask who it is, then do it.
 *
 * The dialog is one for the whole page (Reauthenticate.tsx); an action waits here for its outcome. */

import { ApiError } from "../api/client";

export interface Wanted {
    /* true when the person has shown who they are, false when they left it */
    settle: (done: boolean) => void;
}

let wanted: Wanted | null = null;
const listeners = new Set<() => void>();

function set(next: Wanted | null): void {
    wanted = next;
    for (const listener of [...listeners]) listener();
}

export function subscribeWanted(listener: () => void): () => void {
    listeners.add(listener);
    return () => listeners.delete(listener);
}

export function currentWanted(): Wanted | null {
    return wanted;
}

function askWhoItIs(): Promise<boolean> {
    wanted?.settle(false);
    return new Promise((done) =>
        set({
            settle: (ok) => {
                set(null);
                done(ok);
            },
        }),
    );
}

/* Runs it; where the server wants to know again who it is, asks, and runs it once more. */
export async function freshly<T>(run: () => Promise<T>): Promise<T> {
    try {
        return await run();
    } catch (error) {
        const stale = error instanceof ApiError && error.code === "reauthentication-required";
        if (!stale || !(await askWhoItIs())) throw error;
        return run();
    }
}

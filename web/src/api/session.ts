/* session.ts - who is here, as the server says it, and what that opens.
 *
 * The answer of GET /api/v1/session decides whether the page or the sign-in stands in the window.
 * This browser remembers whether the door was open last time, so that a page that will be let in
 * need not wait for the answer; a guess that was wrong costs a 401 and nothing else. */

import { useQuery } from "@tanstack/react-query";
import type { Session } from "../base/access";
import { recall, remember } from "../base/storage";
import { apiPath, request } from "./client";
import { queryClient } from "./queries";

export const SESSION = ["session"] as const;

export function isInside(session: Session): boolean {
    return session.access === "open" || session.signedIn;
}

/* Whether the page may be shown before the answer is here. */
export function likelyInside(): boolean {
    return recall("inside") === "yes";
}

function learn(session: Session): Session {
    remember("inside", isInside(session) ? "yes" : "no");
    return session;
}

async function readSession(signal?: AbortSignal): Promise<Session> {
    return learn((await request<Session>(apiPath(["session"]), { signal })).data);
}

export function useSession() {
    return useQuery({
        queryKey: SESSION,
        queryFn: ({ signal }) => readSession(signal),
        staleTime: 60_000,
    });
}

/* The session that a sign-in answered with; whatever was asked before is asked anew. */
export function enter(session: Session): void {
    queryClient.setQueryData(SESSION, learn(session));
    void queryClient.invalidateQueries({ predicate: (q) => q.queryKey[0] !== SESSION[0] });
}

/* The same for a link that brought its own right: nothing of who was here before is left. */
export function enterAt(session: Session, path: string): void {
    learn(session);
    location.replace(path);
}

/* Whoever has signed out is not taken for inside when the page is loaded anew. */
export function leaveTo(path: string): void {
    remember("inside", "no");
    location.assign(path);
}

export function askSession(): Promise<void> {
    return queryClient.invalidateQueries({ queryKey: SESSION });
}

/* Who is here, or undefined with an open door or before the answer. */
export function usePerson() {
    return useSession().data?.person;
}

/* An open door has no accounts, no members and no credentials to show. */
export function useLocked(): boolean {
    return useSession().data?.access === "locked";
}

/* Whether an operation is likely to be allowed, to leave out what would be refused.  The server
 * decides; before its answer, nothing is left out. */
export function useMay(operation: string): boolean {
    const session = useSession().data;
    if (!session || session.access === "open") return true;
    return session.operations?.includes(operation) ?? false;
}

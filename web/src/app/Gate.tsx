/* Gate.tsx - the page for those who may enter, the sign-in for the others.
 *
 * When a session ends in the middle of something, the page stays where it is, hidden, and so does
 * what somebody was typing; the sign-in stands in its place until they are back.  When another
 * person, or the same for another organisation, comes in, everything is loaded anew: nothing of the
 * one before is left. */

import { useQueryClient } from "@tanstack/react-query";
import { Activity, lazy, type ReactNode, Suspense, useEffect, useState } from "react";
import { useLocation, useSearch } from "wouter";
import { onUnauthenticated } from "../api/client";
import { askSession, isInside, likelyInside, useSession } from "../api/session";
import type { Session } from "../base/access";
import { hasDrafts, ownTab, tabOwner } from "../base/drafts";
import { ownPath } from "../base/paths";
import { Door } from "../kit/Door";
import { Refusal } from "../kit/Refusal";
import { startLive, stopLive, stream } from "../live/live";
import { UNAUTHENTICATED } from "../live/stream";

const SignIn = lazy(() => import("../pages/SignIn"));

/* A stream that is refused although the session holds is tried again, but not in a hurry. */
const REFUSED_MS = 5_000;

function identityOf(session: Session): string {
    return `${session.principal?.kind} ${session.principal?.id} ${session.organization?.id}`;
}

/* Whatever hints that the session has ended: ask. */
function useWatch(): void {
    useEffect(() => onUnauthenticated(() => void askSession()), []);
    useEffect(() => {
        let timer: ReturnType<typeof setTimeout>;
        const off = stream.onLink(() => {
            const link = stream.status();
            if (link.state === "lost") void askSession();
            if (link.state !== "refused" || link.code !== UNAUTHENTICATED) return;
            void askSession();
            clearTimeout(timer);
            timer = setTimeout(() => {
                if (stream.status().state === "refused") stream.retryNow();
            }, REFUSED_MS);
        });
        return () => {
            clearTimeout(timer);
            off();
        };
    }, []);
}

/* Whether this is another identity than the one that this tab was for; then it starts over. */
function useStranger(session: Session | undefined): boolean {
    const [known, setKnown] = useState(() => (hasDrafts() ? tabOwner() : null));
    const identity = session && isInside(session) ? identityOf(session) : null;
    if (identity !== null && known === null) setKnown(identity);
    const stranger = identity !== null && known !== null && identity !== known;
    useEffect(() => {
        if (identity !== null) ownTab(identity);
        if (stranger) location.reload();
    }, [identity, stranger]);
    return stranger;
}

export function Gate({ children }: { children: ReactNode }) {
    const session = useSession();
    const client = useQueryClient();
    const { data } = session;
    /* a draft may be another's: first it must be known who is here */
    const inside = data ? isInside(data) : likelyInside() && !hasDrafts();
    const [entered, setEntered] = useState(inside);
    if (inside && !entered) setEntered(true);
    const [known, setKnown] = useState(false);
    if (data && inside && !known) setKnown(true);
    useWatch();
    const stranger = useStranger(data);
    useEffect(() => {
        if (inside) startLive();
        else {
            stopLive();
            /* nobody asks while nobody may */
            void client.cancelQueries({ predicate: (q) => q.queryKey[0] !== "session" });
        }
    }, [inside, client]);
    if (stranger) return null;
    if (!data && !inside) {
        return session.error ? (
            <Door title="Doppel cannot be reached">
                <Refusal error={session.error} />
            </Door>
        ) : null;
    }
    return (
        <>
            {entered && (
                <Activity mode={inside ? "visible" : "hidden"}>
                    <Arrived>{children}</Arrived>
                </Activity>
            )}
            {!inside && data && (
                <Suspense fallback={null}>
                    <SignIn session={data} ended={known} />
                </Suspense>
            )}
        </>
    );
}

/* Whoever is inside has nothing to do at /sign-in: on to where they wanted to go. */
function Arrived({ children }: { children: ReactNode }) {
    const [path, navigate] = useLocation();
    const then = ownPath(new URLSearchParams(useSearch()).get("then"));
    const waiting = path === "/sign-in";
    useEffect(() => {
        if (waiting) navigate(then, { replace: true });
    }, [waiting, then, navigate]);
    return waiting ? null : children;
}

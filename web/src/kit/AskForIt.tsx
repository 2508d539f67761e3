/* AskForIt.tsx - one button that asks an organisation's administrators for the role that is missing. */

import { useState } from "react";
import { askForRole } from "../api/access";
import { ApiError } from "../api/client";
import { useSession } from "../api/session";
import { Button } from "./Button";
import { Icon } from "./Icon";
import type { Denial } from "./panelState";

/* The twin of another organisation whose page this is: who is no member there asks about it alone. */
function twinHere(): { org: string; object: string } | null {
    const id = decodeURIComponent(/^\/twins\/([^/]+)/.exec(location.pathname)?.[1] ?? "");
    const at = id.indexOf("~");
    return at > 0 ? { org: id.slice(0, at), object: `twin:${id}` } : null;
}

export function AskForIt({ operation, organization }: Denial) {
    const session = useSession().data;
    const [asked, setAsked] = useState<"no" | "busy" | "yes">("no");
    const [bad, setBad] = useState<string | null>(null);
    const about = twinHere();
    const where = about?.org ?? organization ?? session?.organization?.id;
    /* a link or a service is nobody who could be given a role; an installation asks nobody */
    if (!operation || !where || !session?.person || operation === "installation:manage")
        return null;
    const ask = async () => {
        setAsked("busy");
        setBad(null);
        try {
            await askForRole(where, { operation, object: about?.object });
            setAsked("yes");
        } catch (error) {
            /* the same question waits already: that is as good */
            const again = error instanceof ApiError && error.status === 409;
            setAsked(again ? "yes" : "no");
            if (!again) setBad((error as Error).message);
        }
    };
    return (
        <span role="status" style={{ display: "inline-flex", alignItems: "center", gap: 8 }}>
            {asked === "yes" ? (
                <>
                    <Icon name="check" /> Asked. The administrators of {where} decide.
                </>
            ) : (
                <Button small disabled={asked === "busy"} onClick={ask}>
                    {asked === "busy" ? "Asking…" : "Ask for it"}
                </Button>
            )}
            {bad && <span style={{ color: "var(--crit)" }}>Could not ask: {bad}</span>}
        </span>
    );
}

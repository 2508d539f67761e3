/* ShareLink.tsx - a share link: what it opens is shown, without an account. */

import { useEffect, useRef } from "react";
import { useLocation } from "wouter";
import { listShared, signInByLink } from "../api/access";
import { enterAt } from "../api/session";
import { Button } from "../kit/Button";
import { Door, doorStyle } from "../kit/Door";
import { Refusal } from "../kit/Refusal";
import { useAct } from "../kit/useAct";
import { useFragment } from "../kit/useFragment";
import { useTitle } from "../kit/useTitle";

export default function ShareLink() {
    useTitle("Shared with you");
    const token = useFragment("link");
    const [, navigate] = useLocation();
    const { run, error } = useAct();
    const tried = useRef(false);
    useEffect(() => {
        if (!token || tried.current) return;
        tried.current = true;
        void run(async () => {
            const session = await signInByLink(token);
            const { twins } = await listShared();
            const only = twins.length === 1 ? twins[0] : undefined;
            const path = only ? `/twins/${encodeURIComponent(only.id)}` : "/shared";
            enterAt(session, path);
        });
    }, [token, run]);
    if (token && !error) {
        return (
            <Door title="Opening…">
                <p className={doorStyle.note} role="status">
                    One moment.
                </p>
            </Door>
        );
    }
    return (
        <Door title="This link does not work">
            <div className={doorStyle.form}>
                <Refusal error={error ?? "The address holds no share link."} />
                <p className={doorStyle.note}>
                    Links end, and can be withdrawn. Ask whoever sent it for a new one.
                </p>
                <Button look="primary" onClick={() => navigate("/")}>
                    Go to the page
                </Button>
            </div>
        </Door>
    );
}

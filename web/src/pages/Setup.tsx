/* Setup.tsx - the set-up link: whoever opens it is the first administrator, at once. */

import { useEffect, useRef } from "react";
import { useLocation } from "wouter";
import { setUp } from "../api/access";
import { enterAt } from "../api/session";
import { Button } from "../kit/Button";
import { Door, doorStyle } from "../kit/Door";
import { Refusal } from "../kit/Refusal";
import { useAct } from "../kit/useAct";
import { useFragment } from "../kit/useFragment";
import { useTitle } from "../kit/useTitle";

export default function Setup() {
    useTitle("Set up");
    const token = useFragment("setup");
    const [, navigate] = useLocation();
    const { run, error } = useAct();
    const tried = useRef(false);
    useEffect(() => {
        /* it works once, so it is tried once */
        if (!token || tried.current) return;
        tried.current = true;
        void run(async () => {
            enterAt(await setUp(token), "/");
        });
    }, [token, run]);
    if (token && !error) {
        return (
            <Door title="Setting up…">
                <p className={doorStyle.note} role="status">
                    One moment.
                </p>
            </Door>
        );
    }
    return (
        <Door title="This link does not work">
            <div className={doorStyle.form}>
                <Refusal error={error ?? "The address holds no set-up link."} />
                <p className={doorStyle.note}>
                    A set-up link works once and for an hour. On the server's machine, a new one is
                    printed by
                </p>
                <code className={doorStyle.code}>doppel setup-link</code>
                <Button look="primary" onClick={() => navigate("/")}>
                    Go to the page
                </Button>
            </div>
        </Door>
    );
}

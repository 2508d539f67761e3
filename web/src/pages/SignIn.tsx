/* SignIn.tsx - the door.  It stands in place of the page that was asked for, whose address stays, so
 * that whoever has signed in is where they wanted to be. */

import { useState } from "react";
import { useLocation, useSearch } from "wouter";
import { enter } from "../api/session";
import type { Session } from "../base/access";
import { ownPath, secretIn } from "../base/paths";
import { Button } from "../kit/Button";
import { Door, doorStyle } from "../kit/Door";
import { Input } from "../kit/Field";
import { useTitle } from "../kit/useTitle";
import { SignInForm } from "../panels/access/SignInForm";

export interface SignInProps {
    session: Session;
    /* somebody was inside a moment ago */
    ended: boolean;
}

export default function SignIn({ session, ended }: SignInProps) {
    const [path] = useLocation();
    const search = useSearch();
    const params = new URLSearchParams(search);
    const here = path + (search ? `?${search}` : "") + location.hash;
    const then = path === "/sign-in" ? ownPath(params.get("then")) : ownPath(here);
    useTitle(session.setup ? "Set up" : "Sign in");
    if (session.setup) return <NotSetUp />;
    return (
        <Door title="Sign in">
            {ended && (
                <p className={doorStyle.lead} role="status">
                    Your session has ended. What you were typing is still there when you are back.
                </p>
            )}
            <SignInForm providers={session.providers ?? []} then={then} done={enter} />
            <details className={doorStyle.lost}>
                <summary>You cannot get in?</summary>
                <p>
                    Whoever runs this server can print a link that lets you in once, to set what you
                    have lost:
                </p>
                <code className={doorStyle.code}>doppel setup-link --email you@…</code>
            </details>
        </Door>
    );
}

/* Nobody is administrator yet: the console has a link for that. */
function NotSetUp() {
    const [, navigate] = useLocation();
    const [text, setText] = useState("");
    const token = secretIn(text, "setup");
    return (
        <Door title="Set up this Doppel">
            <div className={doorStyle.form}>
                <p className={doorStyle.note}>
                    Nobody can sign in yet. Open the set-up link that the server printed when it
                    started; it makes you the administrator. On the server's machine, a new one is
                    printed by
                </p>
                <code className={doorStyle.code}>doppel setup-link</code>
                <form
                    className={doorStyle.form}
                    onSubmit={(event) => {
                        event.preventDefault();
                        if (token) navigate(`/setup#${token}`);
                    }}
                >
                    <Input
                        label="Set-up link"
                        autoComplete="off"
                        spellCheck={false}
                        placeholder="Paste it here"
                        value={text}
                        bad={text && !token ? "That is no set-up link." : null}
                        onChange={(e) => setText(e.target.value)}
                    />
                    <Button look="primary" type="submit" disabled={!token}>
                        Open it
                    </Button>
                </form>
            </div>
        </Door>
    );
}

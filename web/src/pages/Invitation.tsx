/* Invitation.tsx - what somebody is invited to, and the two ways to take it: as who is signed in, or
 * with a new account. */

import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useLocation } from "wouter";
import { acceptInvitation, inspectInvitation } from "../api/access";
import { enterAt, useSession } from "../api/session";
import { type Invited, nameOf, ROLE_WORDS, withArticle } from "../base/access";
import { expiresIn } from "../base/expiry";
import { Button } from "../kit/Button";
import { Door, doorStyle } from "../kit/Door";
import { Input } from "../kit/Field";
import { Skeleton } from "../kit/Panel";
import { PASSWORD_HINT } from "../kit/password";
import { Refusal } from "../kit/Refusal";
import { useAct } from "../kit/useAct";
import { useFragment } from "../kit/useFragment";
import { useTitle } from "../kit/useTitle";

export default function Invitation() {
    useTitle("Invitation");
    const token = useFragment("inv");
    const [, navigate] = useLocation();
    const found = useQuery({
        queryKey: ["invitation", token],
        queryFn: () => inspectInvitation(token ?? ""),
        enabled: token !== null,
        staleTime: Number.POSITIVE_INFINITY,
    });
    if (!token || found.error) {
        return (
            <Door title="This invitation does not work">
                <div className={doorStyle.form}>
                    <Refusal error={found.error ?? "The address holds no invitation."} />
                    <p className={doorStyle.note}>Ask whoever invited you for a new one.</p>
                    <Button look="primary" onClick={() => navigate("/")}>
                        Go to the page
                    </Button>
                </div>
            </Door>
        );
    }
    if (!found.data) {
        return (
            <Door title="Invitation">
                <Skeleton lines={3} />
            </Door>
        );
    }
    return <Accept token={token} invited={found.data} />;
}

function Accept({ token, invited }: { token: string; invited: Invited }) {
    const session = useSession().data;
    const act = useAct();
    const person = session?.signedIn ? session.person : undefined;
    const [asNew, setAsNew] = useState(false);
    const accept = (more: { name?: string; email?: string; password?: string }) =>
        act.run(async () => enterAt(await acceptInvitation({ token, ...more }), "/"));
    return (
        <Door title={`Join ${nameOf(invited.organization)}`}>
            <p className={doorStyle.lead}>
                {nameOf(invited.invitedBy) || "Somebody"} invites you as{" "}
                <strong>{withArticle(invited.role)}</strong>, who {ROLE_WORDS[invited.role]}. The
                invitation ends {expiresIn(invited.expires)}.
            </p>
            {person && !asNew ? (
                <div className={doorStyle.form}>
                    <Refusal error={act.error} />
                    <Button look="primary" disabled={act.busy} onClick={() => void accept({})}>
                        Join as {person.name || person.email || "who is signed in"}
                    </Button>
                    <Button look="ghost" onClick={() => setAsNew(true)}>
                        That is not me
                    </Button>
                </div>
            ) : (
                <NewAccount email={invited.email} act={act} accept={accept} />
            )}
        </Door>
    );
}

function NewAccount(props: {
    email: string | null;
    act: ReturnType<typeof useAct>;
    accept: (more: { name: string; email: string; password: string }) => void;
}) {
    const [name, setName] = useState("");
    const [email, setEmail] = useState(props.email ?? "");
    const [password, setPassword] = useState("");
    return (
        <form
            className={doorStyle.form}
            onSubmit={(event) => {
                event.preventDefault();
                props.accept({ name: name.trim(), email: email.trim(), password });
            }}
        >
            <Input
                label="Your name"
                autoComplete="name"
                required
                value={name}
                onChange={(e) => setName(e.target.value)}
            />
            <Input
                label="E-mail"
                type="email"
                autoComplete="username"
                required
                readOnly={props.email !== null}
                value={email}
                onChange={(e) => setEmail(e.target.value)}
            />
            <Input
                label="Password"
                type="password"
                autoComplete="new-password"
                required
                hint={PASSWORD_HINT}
                value={password}
                onChange={(e) => setPassword(e.target.value)}
            />
            <Refusal error={props.act.error} />
            <Button look="primary" type="submit" disabled={props.act.busy}>
                {props.act.busy ? "Joining…" : "Make my account and join"}
            </Button>
        </form>
    );
}

/* SignInForm.tsx - a password and, where it is wanted, a second factor; a passkey; or an identity
 * provider.  The way in ends with the new session. */

import { useState } from "react";
import * as ask from "../../api/access";
import { ApiError } from "../../api/client";
import { askPasskey, passkeyFault } from "../../api/webauthn";
import type { Named, Session } from "../../base/access";
import { Button, buttonClass } from "../../kit/Button";
import { doorStyle } from "../../kit/Door";
import { Input } from "../../kit/Field";
import { Refusal } from "../../kit/Refusal";
import { useAct } from "../../kit/useAct";

export interface SignInFormProps {
    providers: Named[];
    /* where an identity provider sends back to */
    then: string;
    done: (session: Session) => void;
}

export function SignInForm({ providers, then, done }: SignInFormProps) {
    const [email, setEmail] = useState("");
    const [password, setPassword] = useState("");
    const [methods, setMethods] = useState<string[] | null>(null);
    const act = useAct();
    const submit = (code?: string) =>
        act.run(async () => {
            try {
                done(
                    await ask.signIn({ email: email.trim(), password, ...(code ? { code } : {}) }),
                );
            } catch (error) {
                if (!(error instanceof ApiError)) throw error;
                if (error.code !== "second-factor-required") throw error;
                setMethods(error.problem.methods ?? ["totp", "recovery"]);
            }
        });
    const byPasskey = () =>
        act.run(async () => {
            const challenge = await ask.passkeyChallenge(email.trim() || undefined);
            done(await ask.signInByPasskey(await askPasskey(challenge)));
        });
    if (methods) {
        return (
            <SecondFactor
                methods={methods}
                busy={act.busy}
                error={act.error}
                submit={submit}
                byPasskey={byPasskey}
                back={() => {
                    act.clear();
                    setPassword("");
                    setMethods(null);
                }}
            />
        );
    }
    return (
        <>
            <form
                className={doorStyle.form}
                onSubmit={(event) => {
                    event.preventDefault();
                    void submit();
                }}
            >
                <Input
                    label="E-mail"
                    type="email"
                    name="email"
                    autoComplete="username"
                    required
                    value={email}
                    onChange={(e) => setEmail(e.target.value)}
                />
                <Input
                    label="Password"
                    type="password"
                    name="password"
                    autoComplete="current-password"
                    required
                    value={password}
                    onChange={(e) => setPassword(e.target.value)}
                />
                <Refusal error={act.error} />
                <Button look="primary" type="submit" disabled={act.busy}>
                    {act.busy ? "Signing in…" : "Sign in"}
                </Button>
            </form>
            <OtherWays {...{ providers, then, byPasskey, busy: act.busy }} />
        </>
    );
}

function OtherWays(props: {
    providers: Named[];
    then: string;
    busy: boolean;
    byPasskey: () => void;
}) {
    const fault = passkeyFault();
    if (fault && props.providers.length === 0) return null;
    return (
        <>
            <div className={doorStyle.or}>or</div>
            <div className={doorStyle.ways}>
                {!fault && (
                    <Button icon="key" disabled={props.busy} onClick={props.byPasskey}>
                        Use a passkey
                    </Button>
                )}
                {props.providers.map((provider) => (
                    <a
                        key={provider.id}
                        className={buttonClass()}
                        href={ask.providerPath(provider.id, props.then)}
                    >
                        Sign in with {provider.name}
                    </a>
                ))}
            </div>
        </>
    );
}

function SecondFactor(props: {
    methods: string[];
    busy: boolean;
    error: unknown;
    submit: (code: string) => void;
    byPasskey: () => void;
    back: () => void;
}) {
    const { methods } = props;
    const [recovery, setRecovery] = useState(!methods.includes("totp"));
    const [code, setCode] = useState("");
    const byCode = methods.includes("totp") || methods.includes("recovery");
    return (
        <form
            className={doorStyle.form}
            onSubmit={(event) => {
                event.preventDefault();
                if (code.trim()) props.submit(code.trim());
            }}
        >
            <p className={doorStyle.note}>
                {recovery
                    ? "Type one of the recovery codes that you kept. It works once."
                    : "Your password is right. Now the code that your app shows."}
            </p>
            {byCode && (
                <Input
                    key={recovery ? "recovery" : "totp"}
                    label={recovery ? "Recovery code" : "Code"}
                    inputMode={recovery ? "text" : "numeric"}
                    autoComplete={recovery ? "off" : "one-time-code"}
                    autoFocus
                    spellCheck={false}
                    value={code}
                    onChange={(e) => setCode(e.target.value)}
                />
            )}
            <Refusal error={props.error} />
            {byCode && (
                <Button look="primary" type="submit" disabled={props.busy || !code.trim()}>
                    {props.busy ? "Signing in…" : "Sign in"}
                </Button>
            )}
            {methods.includes("passkey") && !passkeyFault() && (
                <Button icon="key" disabled={props.busy} onClick={props.byPasskey}>
                    Use a passkey instead
                </Button>
            )}
            {methods.includes("totp") && methods.includes("recovery") && (
                <Button
                    look="ghost"
                    onClick={() => {
                        setCode("");
                        setRecovery(!recovery);
                    }}
                >
                    {recovery ? "Use the code of my app" : "Use a recovery code"}
                </Button>
            )}
            <Button look="ghost" onClick={props.back}>
                Back
            </Button>
        </form>
    );
}

/* FinishSetup.tsx - the card on Home that stays until whoever set up this server can come back: a name,
 * an e-mail, and a password or passkey.  It cannot be dismissed: without it, the door would close
 * behind them. */

import { useState } from "react";
import { changeAccount, setPassword } from "../../api/access";
import { refresh } from "../../api/accessQueries";
import { useSession } from "../../api/session";
import { passkeyFault } from "../../api/webauthn";
import type { Person } from "../../base/access";
import { ServerButton } from "../../kit/Button";
import { Input } from "../../kit/Field";
import { Panel } from "../../kit/Panel";
import { PASSWORD_HINT } from "../../kit/password";
import { Refusal } from "../../kit/Refusal";
import { sectionsStyle as style } from "../../kit/Sections";
import { useAct } from "../../kit/useAct";
import { thisDevice } from "./device";
import { usePasskeyMaker } from "./PasskeysPanel";

export function FinishSetup() {
    const person = useSession().data?.person;
    if (!person?.provisional) return null;
    return <Card person={person} />;
}

function Card({ person }: { person: Person }) {
    const [name, setName] = useState(person.name);
    const [email, setEmail] = useState(person.email ?? "");
    const [password, setNext] = useState("");
    const act = useAct();
    const passkey = usePasskeyMaker();
    const fault = passkeyFault();
    const known = name.trim() !== "" && email.trim() !== "";
    const introduce = () => changeAccount({ name: name.trim(), email: email.trim() });
    const save = () =>
        act.run(async () => {
            await introduce();
            await setPassword({ password });
            await refresh("session");
        }, "Your account is complete");
    const byPasskey = async () => {
        if (await act.run(introduce)) await passkey.make(thisDevice());
    };
    return (
        <Panel title="Finish set-up" note="You are the administrator, but cannot sign in again yet">
            <form
                className={style.form}
                onSubmit={(event) => {
                    event.preventDefault();
                    if (known && password) void save();
                }}
            >
                <div className={style.pair}>
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
                        value={email}
                        onChange={(e) => setEmail(e.target.value)}
                    />
                    <Input
                        label="Password"
                        type="password"
                        autoComplete="new-password"
                        hint={PASSWORD_HINT}
                        value={password}
                        onChange={(e) => setNext(e.target.value)}
                    />
                </div>
                <Refusal error={act.error ?? passkey.error} />
                <div className={style.buttons}>
                    <ServerButton
                        look="primary"
                        type="submit"
                        disabled={act.busy || !known || password === ""}
                    >
                        {act.busy ? "Saving…" : "Finish"}
                    </ServerButton>
                    {!fault && (
                        <ServerButton
                            icon="key"
                            disabled={act.busy || passkey.busy || !known}
                            onClick={() => void byPasskey()}
                        >
                            Use a passkey instead
                        </ServerButton>
                    )}
                </div>
            </form>
        </Panel>
    );
}

import { useState } from "react";
import { changeAccount, setPassword } from "../../api/access";
import { refresh, useAccount } from "../../api/accessQueries";
import type { Person } from "../../base/access";
import { ServerButton } from "../../kit/Button";
import { Input } from "../../kit/Field";
import { Panel } from "../../kit/Panel";
import { PASSWORD_HINT } from "../../kit/password";
import { Refusal } from "../../kit/Refusal";
import { sectionsStyle as style } from "../../kit/Sections";
import { useAct } from "../../kit/useAct";

export function ProfileForm({ person }: { person: Person }) {
    const [name, setName] = useState(person.name);
    const [email, setEmail] = useState(person.email ?? "");
    const act = useAct();
    const change = {
        ...(name.trim() === person.name ? {} : { name: name.trim() }),
        ...(email.trim() === (person.email ?? "") ? {} : { email: email.trim() }),
    };
    const changed = Object.keys(change).length > 0;
    const save = () =>
        act.run(async () => {
            await changeAccount(change);
            await refresh("session");
        }, "Saved");
    return (
        <Panel title="Profile">
            <form
                className={style.form}
                onSubmit={(event) => {
                    event.preventDefault();
                    if (changed) void save();
                }}
            >
                <div className={style.pair}>
                    <Input
                        label="Name"
                        autoComplete="name"
                        value={name}
                        onChange={(e) => setName(e.target.value)}
                    />
                    <Input
                        label="E-mail"
                        type="email"
                        autoComplete="email"
                        value={email}
                        onChange={(e) => setEmail(e.target.value)}
                    />
                </div>
                <Refusal error={act.error} what="Not saved" />
                <div>
                    <ServerButton type="submit" disabled={act.busy || !changed}>
                        {act.busy ? "Saving…" : "Save"}
                    </ServerButton>
                </div>
            </form>
        </Panel>
    );
}

export function PasswordForm({ person }: { person: Person }) {
    const [current, setCurrent] = useState("");
    const [password, setNext] = useState("");
    const account = useAccount();
    const has = account.data?.password ?? !person.provisional;
    const act = useAct();
    const save = async () => {
        const done = await act.run(async () => {
            await setPassword({ password, ...(current ? { current } : {}) });
            await refresh("session", "sessions", "account");
        }, "Password set");
        if (!done) return;
        setCurrent("");
        setNext("");
    };
    return (
        <Panel title="Password">
            <form
                className={style.form}
                onSubmit={(event) => {
                    event.preventDefault();
                    void save();
                }}
            >
                <input type="hidden" autoComplete="username" value={person.email ?? ""} readOnly />
                <div className={style.pair}>
                    {has && (
                        <Input
                            label="Current password"
                            type="password"
                            autoComplete="current-password"
                            required
                            value={current}
                            onChange={(e) => setCurrent(e.target.value)}
                        />
                    )}
                    <Input
                        label="New password"
                        type="password"
                        autoComplete="new-password"
                        required
                        hint={PASSWORD_HINT}
                        value={password}
                        onChange={(e) => setNext(e.target.value)}
                    />
                </div>
                <Refusal error={act.error} what="Not set" />
                <div className={style.buttons}>
                    <ServerButton type="submit" disabled={act.busy || password === ""}>
                        {act.busy ? "Saving…" : has ? "Change the password" : "Set a password"}
                    </ServerButton>
                    <span className={style.note}>It ends your other sessions.</span>
                </div>
            </form>
        </Panel>
    );
}

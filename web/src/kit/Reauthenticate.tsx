/* Reauthenticate.tsx - "is it still you?", asked before what matters. */

import { useState, useSyncExternalStore } from "react";
import { confirmSession, passkeyChallenge } from "../api/access";
import { useSession } from "../api/session";
import { askPasskey, passkeyFault } from "../api/webauthn";
import { Button } from "./Button";
import { Dialog, DialogButtons } from "./Dialog";
import { Input } from "./Field";
import { currentWanted, subscribeWanted, type Wanted } from "./freshness";
import { Refusal } from "./Refusal";

export function Reauthenticate() {
    const wanted = useSyncExternalStore(subscribeWanted, currentWanted);
    return wanted && <Ask wanted={wanted} />;
}

function Ask({ wanted }: { wanted: Wanted }) {
    const person = useSession().data?.person;
    const [password, setPassword] = useState("");
    const [code, setCode] = useState("");
    const [busy, setBusy] = useState(false);
    const [error, setError] = useState<unknown>(null);
    const prove = async (proof: () => Promise<unknown>) => {
        setBusy(true);
        setError(null);
        try {
            await confirmSession(await proof());
            wanted.settle(true);
        } catch (failure) {
            setError(failure);
            setBusy(false);
        }
    };
    const byPasskey = () =>
        prove(async () => askPasskey(await passkeyChallenge(person?.email ?? undefined)));
    const ready = password !== "" || code.trim() !== "";
    return (
        <Dialog
            open
            onOpenChange={(open) => !open && wanted.settle(false)}
            title="Is it still you?"
            description="This change asks again who you are, because you signed in a while ago."
        >
            <form
                style={{ display: "flex", flexDirection: "column", gap: 12, marginTop: 12 }}
                onSubmit={(event) => {
                    event.preventDefault();
                    if (ready && !busy) {
                        void prove(async () => (password ? { password } : { code: code.trim() }));
                    }
                }}
            >
                <input type="hidden" autoComplete="username" value={person?.email ?? ""} readOnly />
                <Input
                    label="Password"
                    type="password"
                    autoComplete="current-password"
                    value={password}
                    onChange={(e) => setPassword(e.target.value)}
                />
                {person?.secondFactor && (
                    <Input
                        label="Or the code of your app"
                        inputMode="numeric"
                        autoComplete="one-time-code"
                        value={code}
                        onChange={(e) => setCode(e.target.value)}
                    />
                )}
                <Refusal error={error} />
                <DialogButtons>
                    <Button onClick={() => wanted.settle(false)}>Cancel</Button>
                    {!passkeyFault() && (
                        <Button icon="key" disabled={busy} onClick={byPasskey}>
                            Use a passkey
                        </Button>
                    )}
                    <Button look="primary" type="submit" disabled={busy || !ready}>
                        {busy ? "Checking…" : "Confirm"}
                    </Button>
                </DialogButtons>
            </form>
        </Dialog>
    );
}

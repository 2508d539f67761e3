import { useState } from "react";
import { addPasskey, newPasskeyChallenge, removePasskey, renamePasskey } from "../../api/access";
import { refresh, usePasskeys } from "../../api/accessQueries";
import { createPasskey, passkeyFault } from "../../api/webauthn";
import type { Passkey } from "../../base/access";
import { Button, ServerButton } from "../../kit/Button";
import { Confirm, Dialog, DialogButtons } from "../../kit/Dialog";
import { Input } from "../../kit/Field";
import { freshly } from "../../kit/freshness";
import { Item, Items } from "../../kit/Items";
import { Panel } from "../../kit/Panel";
import { Refusal } from "../../kit/Refusal";
import { sectionsStyle as style } from "../../kit/Sections";
import { useAct } from "../../kit/useAct";
import { thisDevice } from "./device";
import { listState } from "./lists";
import { Since } from "./Since";

export function usePasskeyMaker() {
    const act = useAct();
    const make = (name: string) =>
        act.run(async () => {
            const credential = await createPasskey(await newPasskeyChallenge());
            await addPasskey({ ...credential, name });
            await refresh("passkeys", "session", "account");
        }, "Passkey added");
    return { ...act, make };
}

export function PasskeysPanel() {
    const passkeys = usePasskeys();
    const { make, busy, error } = usePasskeyMaker();
    const [renaming, setRenaming] = useState<Passkey | null>(null);
    const [doomed, setDoomed] = useState<Passkey | null>(null);
    const fault = passkeyFault();
    return (
        <>
            <Panel
                title="Passkeys"
                state={listState(
                    passkeys,
                    fault ??
                        "A passkey signs you in with your fingerprint, face or PIN, and cannot be phished.",
                )}
                flush
                actions={
                    !fault && (
                        <ServerButton
                            small
                            icon="plus"
                            disabled={busy}
                            onClick={() => void make(thisDevice())}
                        >
                            {busy ? "Waiting for your device…" : "Add a passkey"}
                        </ServerButton>
                    )
                }
                action={<Refusal error={error} />}
            >
                {(error !== null || fault) && (
                    <div className={style.padded}>
                        {fault ? <p className={style.note}>{fault}</p> : <Refusal error={error} />}
                    </div>
                )}
                <Items label="Passkeys">
                    {passkeys.data?.map((one) => (
                        <Item
                            key={one.id}
                            title={one.name || "Passkey"}
                            facts={[
                                <Since key="m" word="added" t={one.created} never="" />,
                                <Since key="u" word="used" t={one.used} never="not used yet" />,
                            ]}
                            actions={
                                <>
                                    <Button
                                        small
                                        look="ghost"
                                        icon="edit"
                                        label={`Rename ${one.name}`}
                                        onClick={() => setRenaming(one)}
                                    />
                                    <Button
                                        small
                                        look="ghost"
                                        icon="trash"
                                        label={`Remove ${one.name}`}
                                        onClick={() => setDoomed(one)}
                                    />
                                </>
                            }
                        />
                    ))}
                </Items>
            </Panel>
            {renaming && <Rename passkey={renaming} close={() => setRenaming(null)} />}
            <Confirm
                open={doomed !== null}
                onOpenChange={(open) => !open && setDoomed(null)}
                title={`Remove ${doomed?.name ?? ""}?`}
                text="This passkey no longer signs you in. Your device may still list it."
                verb="Remove"
                run={async () => {
                    await freshly(() => removePasskey(doomed?.id ?? ""));
                    await refresh("passkeys", "session", "account");
                }}
            />
        </>
    );
}

function Rename({ passkey, close }: { passkey: Passkey; close: () => void }) {
    const [name, setName] = useState(passkey.name);
    const act = useAct();
    const save = async () => {
        const done = await act.run(async () => {
            await renamePasskey(passkey.id, name.trim());
            await refresh("passkeys");
        });
        if (done) close();
    };
    return (
        <Dialog open onOpenChange={(open) => !open && close()} title="Rename the passkey">
            <form
                className={style.form}
                onSubmit={(event) => {
                    event.preventDefault();
                    void save();
                }}
            >
                <Input label="Name" value={name} onChange={(e) => setName(e.target.value)} />
                <Refusal error={act.error} />
                <DialogButtons>
                    <Button onClick={close}>Cancel</Button>
                    <ServerButton look="primary" type="submit" disabled={act.busy || !name.trim()}>
                        Rename
                    </ServerButton>
                </DialogButtons>
            </form>
        </Dialog>
    );
}

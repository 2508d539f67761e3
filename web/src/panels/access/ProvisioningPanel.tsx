import { useState } from "react";
import { makeProvisioningKey, removeProvisioningKey } from "../../api/access";
import { refresh, useProvisioningKeys } from "../../api/accessQueries";
import { useMay } from "../../api/session";
import type { ProvisioningKey } from "../../base/access";
import { EXPIRIES, expiresIn, expiryOf } from "../../base/expiry";
import { formatCount } from "../../base/format";
import { Button, ServerButton } from "../../kit/Button";
import { Confirm, Dialog, DialogButtons } from "../../kit/Dialog";
import { Input, Select } from "../../kit/Field";
import { freshly } from "../../kit/freshness";
import { Item, Items } from "../../kit/Items";
import { Panel } from "../../kit/Panel";
import { Refusal } from "../../kit/Refusal";
import { sectionsStyle as style } from "../../kit/Sections";
import { useAct } from "../../kit/useAct";
import { listState } from "./lists";
import { MadeSecret } from "./MadeSecret";

/* "12 of 100 devices" */
function howMany(key: ProvisioningKey): string {
    const used = key.used === undefined ? "" : `${formatCount(key.used)} of `;
    return key.limit ? `${used}${formatCount(key.limit)} devices` : "any number of devices";
}

export function ProvisioningPanel() {
    const keys = useProvisioningKeys();
    const may = useMay("devices:manage");
    const [making, setMaking] = useState(false);
    const [doomed, setDoomed] = useState<ProvisioningKey | null>(null);
    return (
        <>
            <Panel
                title="Provisioning keys"
                state={listState(
                    keys,
                    "A key that a whole fleet carries: each device exchanges it for a token of its own.",
                )}
                flush
                actions={
                    may && (
                        <Button small icon="plus" onClick={() => setMaking(true)}>
                            New key
                        </Button>
                    )
                }
            >
                <Items label="Provisioning keys">
                    {keys.data?.map((one) => (
                        <Item
                            key={one.id}
                            title={one.name}
                            facts={[
                                <code key="p">{one.twinPattern}</code>,
                                howMany(one),
                                `ends ${expiresIn(one.expires)}`,
                            ]}
                            actions={
                                <Button
                                    small
                                    look="ghost"
                                    icon="trash"
                                    label={`Revoke ${one.name}`}
                                    onClick={() => setDoomed(one)}
                                />
                            }
                        />
                    ))}
                </Items>
            </Panel>
            {making && <NewKey close={() => setMaking(false)} />}
            <Confirm
                open={doomed !== null}
                onOpenChange={(on) => !on && setDoomed(null)}
                title={`Revoke ${doomed?.name ?? ""}?`}
                text="No further device gets in with it. Those that have a token keep it."
                verb="Revoke"
                run={async () => {
                    await freshly(() => removeProvisioningKey(doomed?.id ?? ""));
                    await refresh("provisioning-keys");
                }}
            />
        </>
    );
}

function NewKey({ close }: { close: () => void }) {
    const [name, setName] = useState("");
    const [pattern, setPattern] = useState("");
    const [limit, setLimit] = useState("100");
    const [days, setDays] = useState("30");
    const [secret, setSecret] = useState<string | null>(null);
    const act = useAct();
    const wrongLimit = /^\d{0,7}$/.test(limit.trim()) ? null : "A whole number.";
    const ready = name.trim() !== "" && pattern.trim() !== "" && !wrongLimit;
    const submit = () =>
        act.run(async () => {
            const made = await makeProvisioningKey({
                name: name.trim(),
                twinPattern: pattern.trim(),
                limit: limit.trim() === "" ? undefined : Number(limit),
                expires: expiryOf(days),
            });
            setSecret(made.key);
            await refresh("provisioning-keys");
        });
    return (
        <Dialog
            open
            onOpenChange={(open) => !open && close()}
            title="New provisioning key"
            width={520}
        >
            {secret !== null ? (
                <MadeSecret close={close} what="the key" secret={secret}>
                    A device posts it with its twin's id to <code>/api/v1/provision</code> and gets
                    its own token.
                </MadeSecret>
            ) : (
                <form
                    className={style.form}
                    onSubmit={(event) => {
                        event.preventDefault();
                        if (ready) void submit();
                    }}
                >
                    <div className={style.pair}>
                        <Input
                            label="Name"
                            placeholder="Pumps of 2025"
                            required
                            value={name}
                            onChange={(e) => setName(e.target.value)}
                        />
                        <Input
                            label="For twins called"
                            placeholder="pump-*"
                            required
                            spellCheck={false}
                            value={pattern}
                            onChange={(e) => setPattern(e.target.value)}
                        />
                        <Input
                            label="At most this many"
                            inputMode="numeric"
                            value={limit}
                            bad={wrongLimit}
                            onChange={(e) => setLimit(e.target.value)}
                        />
                        <Select
                            label="Works for"
                            value={days}
                            onChange={(e) => setDays(e.target.value)}
                            options={[...EXPIRIES]}
                        />
                    </div>
                    <Refusal error={act.error} />
                    <DialogButtons>
                        <Button onClick={close}>Cancel</Button>
                        <ServerButton look="primary" type="submit" disabled={act.busy || !ready}>
                            {act.busy ? "Making…" : "Make the key"}
                        </ServerButton>
                    </DialogButtons>
                </form>
            )}
        </Dialog>
    );
}

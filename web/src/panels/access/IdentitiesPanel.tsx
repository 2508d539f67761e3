/* IdentitiesPanel.tsx - accounts of identity providers that one can sign in with. */

import { useState } from "react";
import { linkIdentity, removeIdentity } from "../../api/access";
import { refresh, useIdentities } from "../../api/accessQueries";
import { useSession } from "../../api/session";
import type { Identity } from "../../base/access";
import { Button, ServerButton } from "../../kit/Button";
import { Confirm } from "../../kit/Dialog";
import { freshly } from "../../kit/freshness";
import { Item, Items } from "../../kit/Items";
import { Panel } from "../../kit/Panel";
import { Refusal } from "../../kit/Refusal";
import { useAct } from "../../kit/useAct";
import { listState } from "./lists";
import { Since } from "./Since";

const nameOf = (one: Identity | null) => one?.name ?? one?.provider ?? "";

export function IdentitiesPanel() {
    const identities = useIdentities();
    const providers = useSession().data?.providers ?? [];
    const act = useAct();
    const [doomed, setDoomed] = useState<Identity | null>(null);
    if (providers.length === 0 && !identities.data?.length) return null;
    const link = (provider: string) =>
        act.run(async () => {
            const { location } = await freshly(() => linkIdentity(provider, "/account"));
            window.location.assign(location);
        });
    const unlinked = providers.filter((p) => !identities.data?.some((i) => i.provider === p.id));
    return (
        <>
            <Panel
                title="Identity providers"
                state={listState(
                    identities,
                    "Link an account that you have elsewhere, and sign in with it.",
                )}
                flush
                actions={unlinked.map((provider) => (
                    <ServerButton
                        key={provider.id}
                        small
                        icon="plus"
                        disabled={act.busy}
                        onClick={() => void link(provider.id)}
                    >
                        Link {provider.name}
                    </ServerButton>
                ))}
                action={<Refusal error={act.error} />}
            >
                <Items label="Identity providers">
                    {identities.data?.map((one) => (
                        <Item
                            key={one.id}
                            title={nameOf(one)}
                            facts={[
                                one.issuer,
                                <Since key="l" word="linked" t={one.linked} never="linked" />,
                            ]}
                            actions={
                                <Button
                                    small
                                    look="ghost"
                                    icon="trash"
                                    label={`Unlink ${nameOf(one)}`}
                                    onClick={() => setDoomed(one)}
                                />
                            }
                        />
                    ))}
                </Items>
            </Panel>
            <Confirm
                open={doomed !== null}
                onOpenChange={(open) => !open && setDoomed(null)}
                title={`Unlink ${nameOf(doomed)}?`}
                text="You cannot sign in with it any more. You need another way to sign in."
                verb="Unlink"
                run={async () => {
                    await freshly(() => removeIdentity(doomed?.id ?? ""));
                    await refresh("identities");
                }}
            />
        </>
    );
}

/* ServicesPanel.tsx - service accounts: programs with a role of their own, and their tokens. */

import { useState } from "react";
import {
    changeService,
    makeService,
    makeServiceToken,
    removeService,
    removeServiceToken,
} from "../../api/access";
import { refresh, useOrg, useServices, useServiceTokens } from "../../api/accessQueries";
import { useSession } from "../../api/session";
import { ROLE_OPTIONS, type Role, type Service } from "../../base/access";
import { plural } from "../../base/format";
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
import { roleOptions } from "./MembersPanel";
import { TokenDialog } from "./TokenDialog";
import { TokenItems } from "./TokensPanel";

export function ServicesPanel() {
    const services = useServices();
    const org = useOrg();
    const operations = useSession().data?.operations;
    const [making, setMaking] = useState(false);
    const [open, setOpen] = useState<string | null>(null);
    const [forToken, setForToken] = useState<Service | null>(null);
    const [doomed, setDoomed] = useState<Service | null>(null);
    const act = useAct();
    const change = (one: Service, role: Role) =>
        act.run(async () => {
            await changeService(org, one.id, { role });
            await refresh("services");
        }, `${one.name} is ${role} now`);
    return (
        <>
            <Panel
                title="Service accounts"
                state={listState(
                    services,
                    "A program that is nobody's: with a role of its own, and tokens that outlast people.",
                )}
                flush
                actions={
                    <Button small icon="plus" onClick={() => setMaking(true)}>
                        New service
                    </Button>
                }
            >
                {act.error !== null && (
                    <div className={style.padded}>
                        <Refusal error={act.error} what="Not changed" />
                    </div>
                )}
                <Items label="Service accounts">
                    {services.data?.map((one) => (
                        <Item
                            key={one.id}
                            title={one.name}
                            facts={[plural(one.tokens, "token")]}
                            actions={
                                <>
                                    <Select
                                        label={`Role of ${one.name}`}
                                        hideLabel
                                        value={one.role}
                                        disabled={act.busy}
                                        onChange={(e) => void change(one, e.target.value as Role)}
                                        options={roleOptions}
                                    />
                                    <Button
                                        small
                                        aria-label={`New token for ${one.name}`}
                                        onClick={() => setForToken(one)}
                                    >
                                        New token
                                    </Button>
                                    <Button
                                        small
                                        look="ghost"
                                        aria-expanded={open === one.id}
                                        aria-label={`Tokens of ${one.name}`}
                                        onClick={() => setOpen(open === one.id ? null : one.id)}
                                    >
                                        Tokens
                                    </Button>
                                    <Button
                                        small
                                        look="ghost"
                                        icon="trash"
                                        label={`Delete ${one.name}`}
                                        onClick={() => setDoomed(one)}
                                    />
                                </>
                            }
                        >
                            {open === one.id && <Tokens service={one} />}
                        </Item>
                    ))}
                </Items>
            </Panel>
            {making && <NewService close={() => setMaking(false)} made={setForToken} />}
            {forToken && (
                <TokenDialog
                    title={`New token for ${forToken.name}`}
                    operations={operations}
                    make={(ask) => makeServiceToken(org, forToken.id, ask)}
                    close={() => {
                        setForToken(null);
                        void refresh("services");
                    }}
                />
            )}
            <Confirm
                open={doomed !== null}
                onOpenChange={(on) => !on && setDoomed(null)}
                title={`Delete ${doomed?.name ?? ""}?`}
                text={`Its ${plural(doomed?.tokens ?? 0, "token")} no longer work.`}
                verb="Delete"
                run={async () => {
                    await freshly(() => removeService(org, doomed?.id ?? ""));
                    await refresh("services");
                }}
            />
        </>
    );
}

function Tokens({ service }: { service: Service }) {
    const org = useOrg();
    const tokens = useServiceTokens(service.id);
    const act = useAct();
    if (tokens.error) return <Refusal error={tokens.error} />;
    if (!tokens.data) return <p className={style.note}>Loading…</p>;
    if (tokens.data.length === 0) return <p className={style.note}>It has no token.</p>;
    return (
        <>
            <Refusal error={act.error} />
            <TokenItems
                tokens={tokens.data}
                remove={(token) =>
                    void act.run(async () => {
                        await removeServiceToken(org, service.id, token.id);
                        await refresh("services");
                    }, "Token revoked")
                }
            />
        </>
    );
}

function NewService({ close, made }: { close: () => void; made: (service: Service) => void }) {
    const org = useOrg();
    const [name, setName] = useState("");
    const [role, setRole] = useState<Role>("operator");
    const act = useAct();
    const submit = () =>
        act.run(async () => {
            const service = await makeService(org, { name: name.trim(), role });
            await refresh("services");
            close();
            made({ ...service, name: service.name ?? name.trim() });
        });
    return (
        <Dialog open onOpenChange={(open) => !open && close()} title="New service account">
            <form
                className={style.form}
                onSubmit={(event) => {
                    event.preventDefault();
                    if (name.trim()) void submit();
                }}
            >
                <Input
                    label="Name"
                    placeholder="Telegraf in hall 3"
                    required
                    value={name}
                    onChange={(e) => setName(e.target.value)}
                />
                <Select
                    label="Role"
                    value={role}
                    onChange={(e) => setRole(e.target.value as Role)}
                    options={ROLE_OPTIONS}
                />
                <Refusal error={act.error} />
                <DialogButtons>
                    <Button onClick={close}>Cancel</Button>
                    <ServerButton look="primary" type="submit" disabled={act.busy || !name.trim()}>
                        Make it, then a token
                    </ServerButton>
                </DialogButtons>
            </form>
        </Dialog>
    );
}

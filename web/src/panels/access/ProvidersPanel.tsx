/* ProvidersPanel.tsx - identity providers (OpenID Connect) that people may sign in with. */

import { useState } from "react";
import { changeProvider, makeProvider, removeProvider } from "../../api/access";
import { refresh, useOrganizations, useProviders } from "../../api/accessQueries";
import type { Provider, Role } from "../../base/access";
import { Badge } from "../../kit/Badge";
import { Button, ServerButton } from "../../kit/Button";
import { Check } from "../../kit/Checks";
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

export function ProvidersPanel() {
    const providers = useProviders();
    const [open, setOpen] = useState<Provider | "new" | null>(null);
    const [doomed, setDoomed] = useState<Provider | null>(null);
    return (
        <>
            <Panel
                title="Identity providers"
                state={listState(
                    providers,
                    "People sign in with a password or passkey. GitLab, Keycloak, Google and others can do it, too.",
                )}
                flush
                actions={
                    <Button small icon="plus" onClick={() => setOpen("new")}>
                        New provider
                    </Button>
                }
            >
                <Items label="Identity providers">
                    {providers.data?.map((one) => (
                        <Item
                            key={one.id}
                            title={one.name}
                            badges={
                                one.create && (
                                    <Badge tone="info" filled>
                                        makes accounts
                                    </Badge>
                                )
                            }
                            facts={[one.issuer, `as ${one.role} of ${one.organization}`]}
                            actions={
                                <>
                                    <Button
                                        small
                                        aria-label={`Change ${one.name}`}
                                        onClick={() => setOpen(one)}
                                    >
                                        Change
                                    </Button>
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
            {open && (
                <ProviderDialog
                    provider={open === "new" ? null : open}
                    close={() => setOpen(null)}
                />
            )}
            <Confirm
                open={doomed !== null}
                onOpenChange={(on) => !on && setDoomed(null)}
                title={`Remove ${doomed?.name ?? ""}?`}
                text="Nobody signs in with it any more. Accounts stay; those without a password or passkey cannot be entered."
                verb="Remove"
                run={async () => {
                    await freshly(() => removeProvider(doomed?.id ?? ""));
                    await refresh("providers", "session");
                }}
            />
        </>
    );
}

interface Draft {
    id: string;
    name: string;
    issuer: string;
    clientId: string;
    clientSecret: string;
    scopes: string;
    create: boolean;
    role: Role;
    organization: string;
    groupsClaim: string;
    groups: Provider["groups"];
    logout: boolean;
}

function draftOf(p: Provider | null): Draft {
    const scopes = p?.scopes ?? "openid email profile";
    return {
        id: p?.id ?? "",
        name: p?.name ?? "",
        issuer: p?.issuer ?? "",
        clientId: p?.clientId ?? "",
        clientSecret: "",
        scopes: Array.isArray(scopes) ? scopes.join(" ") : scopes,
        create: p?.create ?? false,
        role: p?.role ?? "viewer",
        organization: p?.organization ?? "home",
        groupsClaim: p?.groupsClaim ?? "",
        groups: p?.groups ?? [],
        logout: p?.logout ?? false,
    };
}

function ProviderDialog({ provider, close }: { provider: Provider | null; close: () => void }) {
    const [draft, setDraft] = useState(() => draftOf(provider));
    const act = useAct();
    const set = (change: Partial<Draft>) => setDraft({ ...draft, ...change });
    const text = (
        field: "id" | "name" | "issuer" | "clientId" | "clientSecret" | "scopes" | "groupsClaim",
    ) => ({
        value: draft[field],
        onChange: (e: { target: { value: string } }) => set({ [field]: e.target.value }),
    });
    const ready = [draft.id, draft.name, draft.issuer, draft.clientId].every((t) => t.trim());
    const submit = async () => {
        const { id, clientSecret, groupsClaim, scopes, groups, ...rest } = draft;
        const ask: Partial<Provider> = {
            ...rest,
            scopes: Array.isArray(provider?.scopes) ? scopes.split(/\s+/) : scopes.trim(),
            groupsClaim: groupsClaim.trim() || null,
            groups: groups.filter((g) => g.group.trim() !== ""),
        };
        /* an empty field keeps the secret that is there */
        if (clientSecret) ask.clientSecret = clientSecret;
        const done = await act.run(async () => {
            if (provider) await changeProvider(provider.id, ask);
            else await makeProvider({ id: id.trim(), ...ask });
            await refresh("providers", "session");
        }, "Saved");
        if (done) close();
    };
    return (
        <Dialog
            open
            onOpenChange={(open) => !open && close()}
            title={provider ? `Change ${provider.name}` : "New identity provider"}
            width={620}
        >
            <form
                className={style.form}
                onSubmit={(event) => {
                    event.preventDefault();
                    if (ready) void submit();
                }}
            >
                <div className={style.pair}>
                    <Input
                        label="Name on the button"
                        placeholder="GitLab"
                        required
                        {...text("name")}
                    />
                    <Input
                        label="Short name"
                        placeholder="gitlab"
                        required
                        readOnly={provider !== null}
                        spellCheck={false}
                        {...text("id")}
                    />
                </div>
                <Input
                    label="Issuer"
                    type="url"
                    placeholder="https://gitlab.com"
                    required
                    {...text("issuer")}
                />
                <div className={style.pair}>
                    <Input label="Client id" required spellCheck={false} {...text("clientId")} />
                    <Input
                        label="Client secret"
                        type="password"
                        autoComplete="off"
                        hint={provider ? "Empty keeps the one that is there." : undefined}
                        {...text("clientSecret")}
                    />
                </div>
                <p className={style.note}>
                    Give the provider this address to return to:{" "}
                    <code style={{ overflowWrap: "anywhere" }}>
                        {location.origin}/api/v1/auth/oidc/{draft.id || "…"}/callback
                    </code>
                </p>
                <div className={style.pair}>
                    <Input label="Scopes" spellCheck={false} {...text("scopes")} />
                    <Input
                        label="Claim with the groups"
                        placeholder="groups"
                        spellCheck={false}
                        {...text("groupsClaim")}
                    />
                </div>
                <Newcomers draft={draft} set={set} />
                {draft.groupsClaim.trim() !== "" && <Groups draft={draft} set={set} />}
                <Check
                    label="Signing out here signs out there, too"
                    checked={draft.logout}
                    onChange={(logout) => set({ logout })}
                />
                <Refusal error={act.error} what="Not saved" />
                <DialogButtons>
                    <Button onClick={close}>Cancel</Button>
                    <ServerButton look="primary" type="submit" disabled={act.busy || !ready}>
                        {act.busy ? "Saving…" : "Save"}
                    </ServerButton>
                </DialogButtons>
            </form>
        </Dialog>
    );
}

interface PartProps {
    draft: Draft;
    set: (change: Partial<Draft>) => void;
}

function useOrgOptions() {
    const organizations = useOrganizations();
    const known = (organizations.data ?? []).map((o) => ({ value: o.id, label: o.name }));
    return known.length > 0 ? known : [{ value: "home", label: "home" }];
}

/* What becomes of somebody who comes for the first time. */
function Newcomers({ draft, set }: PartProps) {
    const options = useOrgOptions();
    return (
        <>
            <Check
                label="Whoever comes for the first time gets an account"
                hint="Otherwise only those with an account of the same verified e-mail may enter."
                checked={draft.create}
                onChange={(create) => set({ create })}
            />
            <div className={style.pair}>
                <Select
                    label="In the organization"
                    value={draft.organization}
                    onChange={(e) => set({ organization: e.target.value })}
                    options={options}
                />
                <Select
                    label="As"
                    value={draft.role}
                    onChange={(e) => set({ role: e.target.value as Role })}
                    options={roleOptions}
                />
            </div>
        </>
    );
}

function Groups({ draft, set }: PartProps) {
    const options = useOrgOptions();
    const change = (i: number, more: Partial<Provider["groups"][number]>) =>
        set({ groups: draft.groups.map((g, at) => (at === i ? { ...g, ...more } : g)) });
    return (
        <fieldset style={{ border: 0, padding: 0, margin: 0, minWidth: 0 }}>
            <legend className={style.note}>Groups of the provider, and what they become</legend>
            {draft.groups.map((g, i) => (
                <div key={String(i)} className={style.pair} style={{ marginTop: 8 }}>
                    <Input
                        label="Group"
                        value={g.group}
                        onChange={(e) => change(i, { group: e.target.value })}
                    />
                    <Select
                        label="Organization"
                        value={g.organization}
                        onChange={(e) => change(i, { organization: e.target.value })}
                        options={options}
                    />
                    <Select
                        label="Role"
                        value={g.role}
                        onChange={(e) => change(i, { role: e.target.value as Role })}
                        options={roleOptions}
                    />
                </div>
            ))}
            <Button
                small
                icon="plus"
                style={{ marginTop: 8 }}
                onClick={() =>
                    set({
                        groups: [
                            ...draft.groups,
                            { group: "", organization: draft.organization, role: "viewer" },
                        ],
                    })
                }
            >
                Add a group
            </Button>
        </fieldset>
    );
}

import { useState } from "react";
import { makeOrganization, removeOrganization } from "../../api/access";
import { refresh, useOrganizations, useUsage } from "../../api/accessQueries";
import type { Organization } from "../../base/access";
import { plural } from "../../base/format";
import { Badge } from "../../kit/Badge";
import { Button, ServerButton } from "../../kit/Button";
import { Confirm, Dialog, DialogButtons } from "../../kit/Dialog";
import { Input } from "../../kit/Field";
import { freshly } from "../../kit/freshness";
import { Item, Items } from "../../kit/Items";
import { Panel } from "../../kit/Panel";
import { Refusal } from "../../kit/Refusal";
import { sectionsStyle as style } from "../../kit/Sections";
import { useAct } from "../../kit/useAct";
import { listState } from "./lists";
import { QuotasDialog } from "./UsagePanel";

export function OrganizationsPanel() {
    const organizations = useOrganizations();
    const [making, setMaking] = useState(false);
    const [quotas, setQuotas] = useState<string | null>(null);
    const [doomed, setDoomed] = useState<Organization | null>(null);
    return (
        <>
            <Panel
                title="Organizations"
                note={organizations.data && plural(organizations.data.length, "organization")}
                state={listState(organizations, "There is no organization.")}
                flush
                actions={
                    <Button small icon="plus" onClick={() => setMaking(true)}>
                        New organization
                    </Button>
                }
            >
                <Items label="Organizations">
                    {organizations.data?.map((one) => (
                        <Item
                            key={one.id}
                            title={one.name}
                            badges={one.role && <Badge tone="mute">{one.role}</Badge>}
                            facts={[
                                <code key="i">{one.id}</code>,
                                plural(one.members ?? 0, "member"),
                                plural(one.twins ?? 0, "twin"),
                            ]}
                            actions={
                                <>
                                    <Button
                                        small
                                        aria-label={`Quotas of ${one.name}`}
                                        onClick={() => setQuotas(one.id)}
                                    >
                                        Quotas
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
                        />
                    ))}
                </Items>
            </Panel>
            {making && <NewOrganization close={() => setMaking(false)} />}
            {quotas !== null && <Quotas org={quotas} close={() => setQuotas(null)} />}
            <Confirm
                open={doomed !== null}
                onOpenChange={(on) => !on && setDoomed(null)}
                title={`Delete ${doomed?.name ?? ""}?`}
                text="Only an empty organization goes: its twins have to be deleted first. This cannot be undone."
                verb="Delete"
                run={async () => {
                    await freshly(() => removeOrganization(doomed?.id ?? ""));
                    await refresh("organizations", "session");
                }}
            />
        </>
    );
}

function Quotas({ org, close }: { org: string; close: () => void }) {
    const usage = useUsage(org);
    if (usage.data) return <QuotasDialog org={org} usage={usage.data} close={close} />;
    return (
        <Dialog open onOpenChange={(open) => !open && close()} title={`Quotas of ${org}`}>
            {usage.error ? <Refusal error={usage.error} /> : <p>Loading…</p>}
        </Dialog>
    );
}

const SLUG = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

function slugOf(name: string): string {
    return name
        .toLowerCase()
        .normalize("NFKD")
        .replace(/[^a-z0-9]+/g, "-")
        .replace(/^-+|-+$/g, "")
        .slice(0, 40);
}

function NewOrganization({ close }: { close: () => void }) {
    const [name, setName] = useState("");
    const [slug, setSlug] = useState<string | null>(null);
    const act = useAct();
    const id = slug ?? slugOf(name);
    const wrong = id === "" || SLUG.test(id) ? null : "Small letters, digits and hyphens.";
    const ready = name.trim() !== "" && id !== "" && !wrong;
    const submit = async () => {
        const done = await act.run(async () => {
            await makeOrganization({ id, name: name.trim() });
            await refresh("organizations", "session");
        }, `Made ${name.trim()}`);
        if (done) close();
    };
    return (
        <Dialog open onOpenChange={(open) => !open && close()} title="New organization">
            <form
                className={style.form}
                onSubmit={(event) => {
                    event.preventDefault();
                    if (ready) void submit();
                }}
            >
                <Input
                    label="Name"
                    placeholder="Acme Pumps"
                    required
                    value={name}
                    onChange={(e) => setName(e.target.value)}
                />
                <Input
                    label="Short name"
                    hint="It stands in addresses and never changes."
                    required
                    spellCheck={false}
                    value={id}
                    bad={wrong}
                    onChange={(e) => setSlug(e.target.value)}
                />
                <Refusal error={act.error} />
                <DialogButtons>
                    <Button onClick={close}>Cancel</Button>
                    <ServerButton look="primary" type="submit" disabled={act.busy || !ready}>
                        {act.busy ? "Making…" : "Make it"}
                    </ServerButton>
                </DialogButtons>
            </form>
        </Dialog>
    );
}

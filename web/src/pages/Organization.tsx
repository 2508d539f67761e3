/* Organization.tsx - the organisation of this session: its people, its programs, what it uses. */

import { useState } from "react";
import { changeOrganization } from "../api/access";
import { refresh, useOrg } from "../api/accessQueries";
import { useMay, useSession } from "../api/session";
import { Button, ServerButton } from "../kit/Button";
import { Dialog, DialogButtons } from "../kit/Dialog";
import { Input } from "../kit/Field";
import { Refusal } from "../kit/Refusal";
import { Column, Sections, sectionsStyle as style } from "../kit/Sections";
import { useAct } from "../kit/useAct";
import { useTitle } from "../kit/useTitle";
import { InvitationsPanel, InviteDialog } from "../panels/access/InvitationsPanel";
import { MembersPanel } from "../panels/access/MembersPanel";
import { RequestsPanel } from "../panels/access/RequestsPanel";
import { ServicesPanel } from "../panels/access/ServicesPanel";
import { TeamsPanel } from "../panels/access/TeamsPanel";
import { UsagePanel } from "../panels/access/UsagePanel";

export default function Organization() {
    const session = useSession().data;
    const org = useOrg();
    const manages = useMay("members:manage");
    const services = useMay("services:manage");
    const settings = useMay("organization:manage");
    const [open, setOpen] = useState<"invite" | "rename" | null>(null);
    const name = session?.organization?.name ?? org;
    useTitle(name);
    return (
        <>
            <Sections
                title={name}
                lead={
                    <>
                        Organization <code>{org}</code>
                        {session?.role && `, you are ${session.role}`}
                    </>
                }
                actions={
                    <>
                        {settings && <Button onClick={() => setOpen("rename")}>Rename</Button>}
                        {manages && (
                            <Button look="primary" icon="plus" onClick={() => setOpen("invite")}>
                                Invite
                            </Button>
                        )}
                    </>
                }
            >
                <Column>
                    <RequestsPanel />
                    <MembersPanel />
                    {manages && <InvitationsPanel />}
                </Column>
                <Column>
                    <TeamsPanel />
                    {services && <ServicesPanel />}
                    <UsagePanel org={org} quotas={session?.person?.installation ?? false} />
                </Column>
            </Sections>
            {open === "invite" && <InviteDialog close={() => setOpen(null)} />}
            {open === "rename" && <Rename org={org} name={name} close={() => setOpen(null)} />}
        </>
    );
}

function Rename(props: { org: string; name: string; close: () => void }) {
    const [name, setName] = useState(props.name);
    const act = useAct();
    const save = async () => {
        const done = await act.run(async () => {
            await changeOrganization(props.org, { name: name.trim() });
            await refresh("session", "organizations");
        }, "Renamed");
        if (done) props.close();
    };
    return (
        <Dialog
            open
            onOpenChange={(open) => !open && props.close()}
            title="Rename the organization"
            description={`Its name is for people; addresses keep “${props.org}”.`}
        >
            <form
                className={style.form}
                style={{ marginTop: 12 }}
                onSubmit={(event) => {
                    event.preventDefault();
                    if (name.trim()) void save();
                }}
            >
                <Input label="Name" value={name} onChange={(e) => setName(e.target.value)} />
                <Refusal error={act.error} />
                <DialogButtons>
                    <Button onClick={props.close}>Cancel</Button>
                    <ServerButton look="primary" type="submit" disabled={act.busy || !name.trim()}>
                        Save
                    </ServerButton>
                </DialogButtons>
            </form>
        </Dialog>
    );
}

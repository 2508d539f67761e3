/* InvitationsPanel.tsx - who is invited; a new invitation is a link to hand over. */

import { useState } from "react";
import { invite, withdrawInvitation } from "../../api/access";
import { refresh, useInvitations, useOrg, useTeams } from "../../api/accessQueries";
import { ROLE_OPTIONS, type Role } from "../../base/access";
import { EXPIRIES, expiresIn, expiryOf } from "../../base/expiry";
import { Badge } from "../../kit/Badge";
import { Button, ServerButton } from "../../kit/Button";
import { Checks } from "../../kit/Checks";
import { Dialog, DialogButtons } from "../../kit/Dialog";
import { Input, Select } from "../../kit/Field";
import { Item, Items } from "../../kit/Items";
import { Panel } from "../../kit/Panel";
import { Refusal } from "../../kit/Refusal";
import { Secret } from "../../kit/Secret";
import { sectionsStyle as style } from "../../kit/Sections";
import { useAct } from "../../kit/useAct";
import { listState } from "./lists";

/* What the server gives is a path of this page, or a whole address. */
export function wholeLink(link: string): string {
    return new URL(link, location.origin).href;
}

export function InvitationsPanel() {
    const invitations = useInvitations();
    const org = useOrg();
    const act = useAct();
    return (
        <Panel
            title="Invitations"
            state={listState(invitations, "Nobody is invited at the moment.")}
            flush
        >
            {act.error !== null && (
                <div className={style.padded}>
                    <Refusal error={act.error} />
                </div>
            )}
            <Items label="Invitations">
                {invitations.data?.map((one) => (
                    <Item
                        key={one.id}
                        title={one.email || "Whoever has the link"}
                        badges={<Badge tone="mute">{one.role}</Badge>}
                        facts={[`ends ${expiresIn(one.expires)}`]}
                        actions={
                            <ServerButton
                                small
                                disabled={act.busy}
                                aria-label={`Withdraw the invitation of ${one.email || "whoever has the link"}`}
                                onClick={() =>
                                    void act.run(async () => {
                                        await withdrawInvitation(org, one.id);
                                        await refresh("invitations");
                                    }, "Invitation withdrawn")
                                }
                            >
                                Withdraw
                            </ServerButton>
                        }
                    />
                ))}
            </Items>
        </Panel>
    );
}

export function InviteDialog({ close }: { close: () => void }) {
    const org = useOrg();
    const teams = useTeams();
    const [email, setEmail] = useState("");
    const [role, setRole] = useState<Role>("viewer");
    const [days, setDays] = useState("7");
    const [chosen, setChosen] = useState<string[]>([]);
    const [link, setLink] = useState<string | null>(null);
    const act = useAct();
    const submit = () =>
        act.run(async () => {
            const made = await invite(org, {
                role,
                email: email.trim() || undefined,
                teams: chosen.length > 0 ? chosen : undefined,
                expires: expiryOf(days),
            });
            setLink(wholeLink(made.link ?? ""));
            await refresh("invitations");
        });
    return (
        <Dialog
            open
            onOpenChange={(open) => !open && close()}
            title={link ? "Send them this link" : "Invite somebody"}
            width={520}
        >
            {link ? (
                <div className={style.form}>
                    <Secret what="the link" secret={link}>
                        Whoever opens it becomes {role === "viewer" ? "a viewer" : `an ${role}`}; it
                        works once.
                    </Secret>
                    <DialogButtons>
                        <Button onClick={close}>Done</Button>
                    </DialogButtons>
                </div>
            ) : (
                <form
                    className={style.form}
                    onSubmit={(event) => {
                        event.preventDefault();
                        void submit();
                    }}
                >
                    <Input
                        label="Their e-mail, if only they may use the link"
                        type="email"
                        autoComplete="off"
                        value={email}
                        onChange={(e) => setEmail(e.target.value)}
                    />
                    <Select
                        label="Role"
                        value={role}
                        onChange={(e) => setRole(e.target.value as Role)}
                        options={ROLE_OPTIONS}
                    />
                    <Select
                        label="The link works for"
                        value={days}
                        onChange={(e) => setDays(e.target.value)}
                        options={EXPIRIES.filter((o) => o.value !== "" && o.value !== "365")}
                    />
                    {teams.data && teams.data.length > 0 && (
                        <Checks
                            legend="Teams"
                            columns
                            options={teams.data.map((t) => ({ value: t.id, label: t.name }))}
                            chosen={chosen}
                            onChange={setChosen}
                        />
                    )}
                    <Refusal error={act.error} />
                    <DialogButtons>
                        <Button onClick={close}>Cancel</Button>
                        <ServerButton look="primary" type="submit" disabled={act.busy}>
                            {act.busy ? "Making…" : "Make the link"}
                        </ServerButton>
                    </DialogButtons>
                </form>
            )}
        </Dialog>
    );
}

import { useState } from "react";
import { joinTeam, leaveTeam, makeTeam, removeTeam, renameTeam } from "../../api/access";
import { refresh, useMembers, useOrg, useTeams } from "../../api/accessQueries";
import { useMay } from "../../api/session";
import type { Team } from "../../base/access";
import { plural } from "../../base/format";
import { Button, ServerButton } from "../../kit/Button";
import { Check } from "../../kit/Checks";
import { Confirm, Dialog, DialogButtons } from "../../kit/Dialog";
import { Input } from "../../kit/Field";
import { freshly } from "../../kit/freshness";
import { Item, Items } from "../../kit/Items";
import { Panel } from "../../kit/Panel";
import { Refusal } from "../../kit/Refusal";
import { sectionsStyle as style } from "../../kit/Sections";
import { useAct } from "../../kit/useAct";
import { listState } from "./lists";

export function TeamsPanel() {
    const teams = useTeams();
    const members = useMembers();
    const org = useOrg();
    const may = useMay("members:manage");
    const [open, setOpen] = useState<string | null>(null);
    const [doomed, setDoomed] = useState<Team | null>(null);
    const nameOfMember = (id: string) => {
        const one = members.data?.find((m) => m.id === id);
        return one ? one.name || one.email || "without a name" : "somebody";
    };
    const chosen = open === "" ? null : teams.data?.find((t) => t.id === open);
    return (
        <>
            <Panel
                title="Teams"
                state={listState(teams, "A team is people that twins can be shared with at once.")}
                flush
                actions={
                    may && (
                        <Button small icon="plus" onClick={() => setOpen("")}>
                            New team
                        </Button>
                    )
                }
            >
                <Items label="Teams">
                    {teams.data?.map((team) => (
                        <Item
                            key={team.id}
                            title={team.name}
                            facts={[
                                team.members.length === 0
                                    ? "nobody yet"
                                    : team.members.slice(0, 4).map(nameOfMember).join(", "),
                                team.members.length > 4 && `and ${team.members.length - 4} more`,
                            ]}
                            actions={
                                may && (
                                    <>
                                        <Button
                                            small
                                            aria-label={`Change ${team.name}`}
                                            onClick={() => setOpen(team.id)}
                                        >
                                            Change
                                        </Button>
                                        <Button
                                            small
                                            look="ghost"
                                            icon="trash"
                                            label={`Delete ${team.name}`}
                                            onClick={() => setDoomed(team)}
                                        />
                                    </>
                                )
                            }
                        />
                    ))}
                </Items>
            </Panel>
            {open !== null && (open === "" || chosen) && (
                <TeamDialog team={chosen ?? null} close={() => setOpen(null)} made={setOpen} />
            )}
            <Confirm
                open={doomed !== null}
                onOpenChange={(on) => !on && setDoomed(null)}
                title={`Delete ${doomed?.name ?? ""}?`}
                text={`What is shared with this team is no longer shared with its ${plural(doomed?.members.length ?? 0, "member")}.`}
                verb="Delete"
                run={async () => {
                    await freshly(() => removeTeam(org, doomed?.id ?? ""));
                    await refresh("teams");
                }}
            />
        </>
    );
}

interface TeamDialogProps {
    team: Team | null;
    close: () => void;
    made: (id: string) => void;
}

function TeamDialog({ team, close, made }: TeamDialogProps) {
    const org = useOrg();
    const members = useMembers();
    const [name, setName] = useState(team?.name ?? "");
    const act = useAct();
    const save = () =>
        act.run(async () => {
            if (team) await renameTeam(org, team.id, name.trim());
            const id = team?.id ?? (await makeTeam(org, name.trim())).id;
            await refresh("teams");
            if (team) close();
            else made(id);
        });
    const join = (person: string, on: boolean) =>
        act.run(async () => {
            if (!team) return;
            await (on ? joinTeam(org, team.id, person) : leaveTeam(org, team.id, person));
            await refresh("teams");
        });
    return (
        <Dialog
            open
            onOpenChange={(open) => !open && close()}
            title={team ? `Team ${team.name}` : "New team"}
        >
            <form
                className={style.form}
                onSubmit={(event) => {
                    event.preventDefault();
                    if (name.trim()) void save();
                }}
            >
                <Input
                    label="Name"
                    required
                    value={name}
                    onChange={(e) => setName(e.target.value)}
                />
                {team && (
                    <div>
                        <p className={style.note}>Members, as soon as they are ticked:</p>
                        {members.data?.map((m) => (
                            <Check
                                key={m.id}
                                label={m.name || m.email || "Without a name"}
                                checked={team.members.includes(m.id)}
                                disabled={act.busy}
                                onChange={(on) => void join(m.id, on)}
                            />
                        ))}
                    </div>
                )}
                <Refusal error={act.error} />
                <DialogButtons>
                    <Button onClick={close}>{team ? "Close" : "Cancel"}</Button>
                    <ServerButton
                        look="primary"
                        type="submit"
                        disabled={act.busy || !name.trim() || name.trim() === team?.name}
                    >
                        {team ? "Rename" : "Make the team"}
                    </ServerButton>
                </DialogButtons>
            </form>
        </Dialog>
    );
}

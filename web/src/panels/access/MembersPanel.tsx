import { useState } from "react";
import { changeMember, removeMember } from "../../api/access";
import { refresh, useMembers, useOrg } from "../../api/accessQueries";
import { useMay, usePerson } from "../../api/session";
import { type Member, ROLES, type Role } from "../../base/access";
import { plural } from "../../base/format";
import { Badge } from "../../kit/Badge";
import { Button } from "../../kit/Button";
import { Confirm } from "../../kit/Dialog";
import { Select } from "../../kit/Field";
import { freshly } from "../../kit/freshness";
import { Item, Items } from "../../kit/Items";
import { Panel } from "../../kit/Panel";
import { Refusal } from "../../kit/Refusal";
import { sectionsStyle as style } from "../../kit/Sections";
import { useAct } from "../../kit/useAct";
import { listState } from "./lists";
import { Since } from "./Since";

export const roleOptions = ROLES.map((role) => ({ value: role, label: role }));

export function MembersPanel() {
    const members = useMembers();
    const org = useOrg();
    const me = usePerson();
    const may = useMay("members:manage");
    const act = useAct();
    const [doomed, setDoomed] = useState<Member | null>(null);
    const change = (one: Member, role: Role) =>
        act.run(
            async () => {
                await changeMember(org, one.id, role);
                await refresh("members", "session");
            },
            `${one.name || "The member"} is ${role} now`,
        );
    return (
        <>
            <Panel
                title="Members"
                note={members.data && plural(members.data.length, "person", "people")}
                state={listState(members, "Nobody is a member.")}
                flush
            >
                {act.error !== null && (
                    <div className={style.padded}>
                        <Refusal error={act.error} what="Not changed" />
                    </div>
                )}
                <Items label="Members">
                    {members.data?.map((one) => (
                        <Item
                            key={one.id}
                            title={one.name || one.email || "Without a name"}
                            badges={
                                <>
                                    {one.id === me?.id && (
                                        <Badge tone="info" filled>
                                            you
                                        </Badge>
                                    )}
                                    {!may && <Badge tone="mute">{one.role}</Badge>}
                                </>
                            }
                            facts={[
                                one.email,
                                one.secondFactor ? "with a second factor" : "password alone",
                                <Since key="s" word="seen" t={one.seen} never="never seen" />,
                            ]}
                            actions={
                                may && (
                                    <>
                                        <Select
                                            label={`Role of ${one.name || one.email}`}
                                            hideLabel
                                            value={one.role}
                                            disabled={act.busy}
                                            onChange={(e) =>
                                                void change(one, e.target.value as Role)
                                            }
                                            options={roleOptions}
                                        />
                                        <Button
                                            look="ghost"
                                            icon="trash"
                                            label={`Remove ${one.name || one.email}`}
                                            onClick={() => setDoomed(one)}
                                        />
                                    </>
                                )
                            }
                        />
                    ))}
                </Items>
            </Panel>
            <Confirm
                open={doomed !== null}
                onOpenChange={(open) => !open && setDoomed(null)}
                title={`Remove ${doomed?.name || doomed?.email || "this member"}?`}
                text="They see nothing of this organization any more, and their tokens for it end. Their account stays."
                verb="Remove"
                run={async () => {
                    await freshly(() => removeMember(org, doomed?.id ?? ""));
                    await refresh("members", "teams", "session");
                }}
            />
        </>
    );
}

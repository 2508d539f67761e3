import { useState } from "react";
import { type Administrator, addAdministrator, removeAdministrator } from "../../api/access";
import { refresh, useAdministrators } from "../../api/accessQueries";
import { usePerson } from "../../api/session";
import { plural } from "../../base/format";
import { Badge } from "../../kit/Badge";
import { Button, ServerButton } from "../../kit/Button";
import { Confirm, Dialog, DialogButtons } from "../../kit/Dialog";
import { type Chosen, FindPeople } from "../../kit/FindPeople";
import { freshly } from "../../kit/freshness";
import { Item, Items } from "../../kit/Items";
import { Panel } from "../../kit/Panel";
import { Refusal } from "../../kit/Refusal";
import { sectionsStyle as style } from "../../kit/Sections";
import { useAct } from "../../kit/useAct";
import { listState } from "./lists";

export function AdministratorsPanel() {
    const administrators = useAdministrators();
    const me = usePerson();
    const [adding, setAdding] = useState(false);
    const [doomed, setDoomed] = useState<Administrator | null>(null);
    return (
        <>
            <Panel
                title="Administrators"
                note={administrators.data && plural(administrators.data.length, "person", "people")}
                state={listState(administrators, "Nobody looks after this installation.")}
                flush
                actions={
                    <Button small icon="plus" onClick={() => setAdding(true)}>
                        Add
                    </Button>
                }
            >
                <Items label="Administrators">
                    {administrators.data?.map((one) => (
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
                                    {one.disabled && <Badge tone="mute">account off</Badge>}
                                </>
                            }
                            facts={[one.email]}
                            actions={
                                <Button
                                    small
                                    look="ghost"
                                    icon="trash"
                                    label={`Remove ${one.name || one.email}`}
                                    onClick={() => setDoomed(one)}
                                />
                            }
                        />
                    ))}
                </Items>
            </Panel>
            {adding && <AddAdministrator close={() => setAdding(false)} />}
            <Confirm
                open={doomed !== null}
                onOpenChange={(open) => !open && setDoomed(null)}
                title={`Is ${doomed?.name || doomed?.email || "this person"} no administrator any more?`}
                text="They look after this server no more. What they are in their organizations stays."
                verb="Remove"
                run={async () => {
                    await freshly(() => removeAdministrator(doomed?.id ?? ""));
                    await refresh("administrators", "session");
                }}
            />
        </>
    );
}

function AddAdministrator({ close }: { close: () => void }) {
    const [chosen, setChosen] = useState<Chosen | null>(null);
    const act = useAct();
    const wrong =
        chosen && chosen.kind !== "person"
            ? "Only a person of this organization can be one; invite them first."
            : null;
    const submit = async () => {
        const done = await act.run(async () => {
            await freshly(() => addAdministrator(chosen?.id ?? ""));
            await refresh("administrators");
        }, `${chosen?.name} looks after this server now`);
        if (done) close();
    };
    return (
        <Dialog open onOpenChange={(open) => !open && close()} title="Add an administrator">
            <form
                className={style.form}
                onSubmit={(event) => {
                    event.preventDefault();
                    if (chosen && !wrong) void submit();
                }}
            >
                <p>They may do everything here: organizations, quotas, sign-in, all twins.</p>
                <FindPeople label="Person" chosen={chosen} choose={setChosen} />
                {wrong && <p role="alert">{wrong}</p>}
                <Refusal error={act.error} />
                <DialogButtons>
                    <Button onClick={close}>Cancel</Button>
                    <ServerButton
                        look="primary"
                        type="submit"
                        disabled={act.busy || !chosen || wrong !== null}
                    >
                        {act.busy ? "Adding…" : "Add"}
                    </ServerButton>
                </DialogButtons>
            </form>
        </Dialog>
    );
}

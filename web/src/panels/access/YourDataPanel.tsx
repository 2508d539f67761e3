import { useState } from "react";
import { eraseAccount, exportAccount } from "../../api/access";
import { leaveTo } from "../../api/session";
import type { Person } from "../../base/access";
import { Button, ServerButton } from "../../kit/Button";
import { Dialog, DialogButtons } from "../../kit/Dialog";
import { download } from "../../kit/download";
import { Input } from "../../kit/Field";
import { Panel } from "../../kit/Panel";
import { Refusal } from "../../kit/Refusal";
import { sectionsStyle as style } from "../../kit/Sections";
import { useAct } from "../../kit/useAct";

export function YourDataPanel({ person }: { person: Person }) {
    const act = useAct();
    const [erasing, setErasing] = useState(false);
    const save = () =>
        act.run(async () => download(await exportAccount(), "doppel-my-data.json"), "Saved");
    return (
        <Panel title="Your data">
            <div className={style.form}>
                <p className={style.note}>
                    Everything that is kept about you, as a file; or all of it erased. Twins and
                    their history belong to the organization and stay.
                </p>
                <Refusal error={act.error} />
                <div className={style.buttons}>
                    <ServerButton icon="download" disabled={act.busy} onClick={save}>
                        Export my data
                    </ServerButton>
                    <Button look="danger" icon="trash" onClick={() => setErasing(true)}>
                        Erase my account…
                    </Button>
                </div>
            </div>
            {erasing && <Erase person={person} close={() => setErasing(false)} />}
        </Panel>
    );
}

function Erase({ person, close }: { person: Person; close: () => void }) {
    const [typed, setTyped] = useState("");
    const act = useAct();
    const word = person.email || person.name || "erase";
    const erase = () =>
        act.run(async () => {
            await eraseAccount();
            leaveTo("/");
        });
    return (
        <Dialog
            open
            onOpenChange={(open) => !open && close()}
            title="Erase your account?"
            description="Your name, e-mail, sessions, tokens, passkeys and memberships go, at once and for good. The audit log keeps what you did under a number that names nobody."
        >
            <form
                className={style.form}
                style={{ marginTop: 12 }}
                onSubmit={(event) => {
                    event.preventDefault();
                    if (typed.trim() === word) void erase();
                }}
            >
                <Input
                    label={`Type ${word} to go on`}
                    autoComplete="off"
                    spellCheck={false}
                    value={typed}
                    onChange={(e) => setTyped(e.target.value)}
                />
                <Refusal error={act.error} what="Not erased" />
                <DialogButtons>
                    <Button onClick={close}>Keep it</Button>
                    <ServerButton
                        look="danger"
                        type="submit"
                        disabled={act.busy || typed.trim() !== word}
                    >
                        {act.busy ? "Erasing…" : "Erase my account"}
                    </ServerButton>
                </DialogButtons>
            </form>
        </Dialog>
    );
}

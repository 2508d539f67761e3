/* TokenDialog.tsx - a new API token: its name, how long, what it may; then the token, once. */

import { useState } from "react";
import type { MadeToken, NewToken } from "../../api/access";
import { operationWords, SCOPES } from "../../base/access";
import { EXPIRIES, expiryOf } from "../../base/expiry";
import { Button, ServerButton } from "../../kit/Button";
import { Checks } from "../../kit/Checks";
import { Dialog, DialogButtons } from "../../kit/Dialog";
import { Input, Select } from "../../kit/Field";
import { Refusal } from "../../kit/Refusal";
import { sectionsStyle as style } from "../../kit/Sections";
import { useAct } from "../../kit/useAct";
import { MadeSecret } from "./MadeSecret";

export interface TokenDialogProps {
    title: string;
    /* what whoever it belongs to may do: a token can do no more */
    operations: string[] | undefined;
    make: (ask: NewToken) => Promise<MadeToken>;
    close: () => void;
}

export function TokenDialog({ title, operations, make, close }: TokenDialogProps) {
    const [name, setName] = useState("");
    const [days, setDays] = useState("90");
    const [narrow, setNarrow] = useState(false);
    const [scopes, setScopes] = useState<string[]>(["twins:read", "data:read", "history:read"]);
    const [made, setMade] = useState<string | null>(null);
    const act = useAct();
    const known = SCOPES.filter((s) => operations?.includes(s) ?? true);
    const ready = name.trim() !== "" && (!narrow || scopes.length > 0);
    const submit = () =>
        act.run(async () => {
            const ask: NewToken = { name: name.trim(), expires: expiryOf(days) };
            if (narrow) ask.scopes = scopes;
            setMade((await make(ask)).token);
        });
    if (made) {
        return (
            <Dialog open onOpenChange={(open) => !open && close()} title={title} width={560}>
                <MadeSecret close={close} what="the token" secret={made}>
                    Send it as <code>Authorization: Bearer TOKEN</code>, as the password over MQTT,
                    or to the command line in <code>DOPPEL_TOKEN</code>.
                </MadeSecret>
            </Dialog>
        );
    }
    return (
        <Dialog open onOpenChange={(open) => !open && close()} title={title} width={560}>
            <form
                className={style.form}
                onSubmit={(event) => {
                    event.preventDefault();
                    if (ready) void submit();
                }}
            >
                <div className={style.pair}>
                    <Input
                        label="What it is for"
                        placeholder="Nightly report"
                        required
                        value={name}
                        onChange={(e) => setName(e.target.value)}
                    />
                    <Select
                        label="Works for"
                        value={days}
                        onChange={(e) => setDays(e.target.value)}
                        options={[...EXPIRIES]}
                    />
                </div>
                <Select
                    label="What it may do"
                    value={narrow ? "some" : "all"}
                    onChange={(e) => setNarrow(e.target.value === "some")}
                    options={[
                        { value: "all", label: "Everything that its owner may" },
                        { value: "some", label: "Only what is chosen here" },
                    ]}
                />
                {narrow && (
                    <Checks
                        legend="It may"
                        columns
                        options={known.map((s) => ({ value: s, label: operationWords(s) }))}
                        chosen={scopes}
                        onChange={setScopes}
                    />
                )}
                <Refusal error={act.error} />
                <DialogButtons>
                    <Button onClick={close}>Cancel</Button>
                    <ServerButton look="primary" type="submit" disabled={act.busy || !ready}>
                        {act.busy ? "Making…" : "Make the token"}
                    </ServerButton>
                </DialogButtons>
            </form>
        </Dialog>
    );
}

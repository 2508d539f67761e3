/* RefusedPanel.tsx - what did not get in, why, and what can be done about it. */

import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { addSensor } from "../../api/calls";
import { ApiError } from "../../api/client";
import { useRejections } from "../../api/queries";
import { formatCount, humanise } from "../../base/format";
import { isJson } from "../../base/jsontext";
import type { Rejection } from "../../base/wire";
import { AgeText } from "../../kit/Age";
import { Button, ServerButton } from "../../kit/Button";
import { Dialog, DialogButtons } from "../../kit/Dialog";
import { Input } from "../../kit/Field";
import { Panel } from "../../kit/Panel";
import { panelState } from "../../kit/panelState";
import { Refusal } from "../../kit/Refusal";
import { announce } from "../../kit/toast";
import style from "./Connect.module.css";
import { gather, guessSensor, type Refused } from "./refused";

const LIMIT = 200;
const SHOWN = 8;

const WHY: Record<string, string> = {
    "unknown-twin": "No such twin",
    "unknown-sensor": "No such sensor",
    "wrong-type": "Wrong type of value",
    "bad-unit": "Unit does not fit",
    "bad-time": "Time does not fit",
    malformed: "Cannot be read",
    "too-large": "Too large",
    storage: "Could not be kept",
    overload: "Too much at once",
};

function One(props: { refused: Refused; add: () => void; create: () => void }) {
    const { latest, count, at } = props.refused;
    return (
        <li className={style.refusal} data-code={latest.code}>
            <div>
                <p>
                    <strong>{WHY[latest.code] ?? humanise(latest.code)}</strong>
                    {count > 1 && (
                        <>
                            {" "}
                            <span className={style.times}>×{formatCount(count)}</span>
                        </>
                    )}
                    . {latest.detail}
                </p>
                <div className={style.what}>
                    <span>
                        <AgeText t={at} /> ago
                    </span>
                    <span>
                        {latest.source}
                        {latest.peer && ` from ${latest.peer}`}
                    </span>
                    {latest.topic && <code>{latest.topic}</code>}
                </div>
            </div>
            {latest.code === "unknown-sensor" && latest.twin && latest.sensor && (
                <ServerButton
                    small
                    icon="plus"
                    className={style.fix}
                    aria-label={`Add sensor ${latest.sensor} to ${latest.twin}`}
                    onClick={props.add}
                >
                    Add sensor
                </ServerButton>
            )}
            {latest.code === "unknown-twin" && latest.twin && (
                <Button
                    small
                    icon="plus"
                    className={style.fix}
                    aria-label={`Create twin ${latest.twin}`}
                    onClick={props.create}
                >
                    Create twin
                </Button>
            )}
            {latest.payload && (
                <code className={style.payload} title={latest.payload}>
                    {latest.payload}
                </code>
            )}
        </li>
    );
}

export interface RefusedPanelProps {
    /* somebody wants the twin that a refused reading was for */
    create: (twin: string) => void;
}

export function RefusedPanel({ create }: RefusedPanelProps) {
    const rejections = useRejections({ limit: LIMIT });
    const [adding, setAdding] = useState<Rejection | null>(null);
    const [all, setAll] = useState(false);
    const groups = gather(rejections.data?.items ?? []);
    const state = panelState({
        error: rejections.error,
        retry: () => void rejections.refetch(),
        hasData: rejections.data !== undefined,
        loading: rejections.data === undefined,
        empty:
            groups.length === 0
                ? {
                      why: "never",
                      text: "Nothing has been refused. Readings that are will show up here with their reason.",
                  }
                : null,
    });
    return (
        <div id="refused">
            <Panel
                title="Refused readings"
                note={rejections.data?.total ? formatCount(rejections.data.total) : undefined}
                state={state}
                flush
            >
                <ul aria-label="Refused readings" aria-live="polite">
                    {groups.slice(0, all ? undefined : SHOWN).map((refused) => (
                        <One
                            key={refused.key}
                            refused={refused}
                            add={() => setAdding(refused.latest)}
                            create={() => create(refused.latest.twin ?? "")}
                        />
                    ))}
                </ul>
                {groups.length > SHOWN && !all && (
                    <div style={{ padding: 12, textAlign: "center" }}>
                        <Button small onClick={() => setAll(true)}>
                            Show {groups.length - SHOWN} more
                        </Button>
                    </div>
                )}
            </Panel>
            {adding && <AddSensor rejection={adding} close={() => setAdding(null)} />}
        </div>
    );
}

function AddSensor({ rejection, close }: { rejection: Rejection; close: () => void }) {
    const client = useQueryClient();
    const guess = guessSensor(rejection);
    const [id, setId] = useState(rejection.sensor ?? "");
    const [name, setName] = useState(humanise(rejection.sensor ?? ""));
    const [type, setType] = useState(guess.type);
    const [unit, setUnit] = useState(guess.unit);
    const [busy, setBusy] = useState(false);
    const [bad, setBad] = useState<unknown>(null);
    const twin = rejection.twin ?? "";
    const ready = [id, name, type, unit].every((word) => word.trim() !== "");
    const add = async () => {
        setBusy(true);
        setBad(null);
        try {
            await addSensor(twin, {
                id: id.trim(),
                name: name.trim(),
                type: type.trim(),
                unit: unit.trim(),
            });
            void client.invalidateQueries({ queryKey: ["twin", twin] });
            void client.invalidateQueries({ queryKey: ["twins"] });
            announce(`Added ${name} to ${twin}`);
            close();
        } catch (error) {
            const changed = error instanceof ApiError && error.status === 412;
            setBad(
                changed ? "The profile was changed by somebody else just now. Try again." : error,
            );
        } finally {
            setBusy(false);
        }
    };
    return (
        <Dialog
            open
            onOpenChange={(open) => !open && close()}
            title="Add a sensor"
            description={`The twin ${twin} gets this sensor; the next reading for it is taken.`}
        >
            <form
                onSubmit={(event) => {
                    event.preventDefault();
                    if (ready && !busy) void add();
                }}
            >
                <div className={style.grid}>
                    <Input label="Id" value={id} required onChange={(e) => setId(e.target.value)} />
                    <Input
                        label="Name"
                        value={name}
                        required
                        onChange={(e) => setName(e.target.value)}
                    />
                    <Input
                        label="Type"
                        value={type}
                        required
                        hint="temperature, boolean, text…"
                        onChange={(e) => setType(e.target.value)}
                    />
                    <Input
                        label="Unit"
                        value={unit}
                        required
                        hint="celsius, bar, percent; 1 for none"
                        onChange={(e) => setUnit(e.target.value)}
                    />
                </div>
                {rejection.payload && (
                    <p className={style.mute} style={{ marginTop: 12, overflowWrap: "anywhere" }}>
                        Seen{isJson(rejection.payload) ? "" : " as text"}:{" "}
                        <code>{rejection.payload.slice(0, 160)}</code>
                    </p>
                )}
                <Refusal error={bad} what="Not added" />
                <DialogButtons>
                    <Button onClick={close}>Cancel</Button>
                    <ServerButton look="primary" type="submit" disabled={busy || !ready}>
                        {busy ? "Adding…" : "Add sensor"}
                    </ServerButton>
                </DialogButtons>
            </form>
        </Dialog>
    );
}

/* RelationshipsPanel.tsx - what a twin is to others and others to it: seen, added, changed, removed. */

import { useState } from "react";
import { Link } from "wouter";
import { useMayOn } from "../api/accessQueries";
import {
    addRelationship,
    removeRelationship,
    saveRelationship,
    useRelationships,
} from "../api/graph";
import type { GraphEdge, Relationship } from "../base/wire";
import { Badge } from "../kit/Badge";
import { Button, buttonClass, ServerButton } from "../kit/Button";
import { Confirm, Dialog, DialogButtons } from "../kit/Dialog";
import { Input, TextArea } from "../kit/Field";
import { Item, Items } from "../kit/Items";
import { Panel } from "../kit/Panel";
import { panelState } from "../kit/panelState";
import { Refusal } from "../kit/Refusal";
import { announce } from "../kit/toast";
import { useAct } from "../kit/useAct";
import { FindTwin } from "./FindTwin";
import style from "./RelationshipsPanel.module.css";

const USUAL = ["contains", "feeds", "dependsOn"];

/* The properties as they are typed; null: they are no object. */
function asProperties(text: string): Record<string, unknown> | null {
    if (text.trim() === "") return {};
    try {
        const value = JSON.parse(text) as unknown;
        if (typeof value !== "object" || value === null || Array.isArray(value)) return null;
        return value as Record<string, unknown>;
    } catch {
        return null;
    }
}

interface EditProps {
    twin: string;
    /* the one that is changed; null: a new one */
    edge: GraphEdge | null;
    close: () => void;
}

function Edit({ twin, edge, close }: EditProps) {
    const [kind, setKind] = useState(edge?.kind ?? "");
    const [target, setTarget] = useState(edge?.target ?? "");
    const [text, setText] = useState(
        edge && Object.keys(edge.properties).length > 0
            ? JSON.stringify(edge.properties, null, 2)
            : "",
    );
    const act = useAct();
    const properties = asProperties(text);
    const ready = kind.trim() !== "" && target !== "" && properties !== null;
    const save = async () => {
        const one: Relationship = { kind: kind.trim(), target };
        if (properties && Object.keys(properties).length > 0) one.properties = properties;
        const done = await act.run(() =>
            edge
                ? saveRelationship(twin, edge.id, { ...one, id: edge.id })
                : addRelationship(twin, one),
        );
        if (!done) return;
        announce(edge ? "Relationship changed" : `Related to ${target}`);
        close();
    };
    return (
        <Dialog
            open
            onOpenChange={(open) => !open && close()}
            title={edge ? "Change the relationship" : "Relate to another twin"}
        >
            <div className={style.form}>
                <Refusal error={act.error} />
                <Input
                    label="Kind"
                    value={kind}
                    list="relationship-kinds"
                    placeholder="feeds"
                    hint="contains, feeds, dependsOn, or a word of your own"
                    onChange={(e) => setKind(e.target.value)}
                />
                <datalist id="relationship-kinds">
                    {USUAL.map((one) => (
                        <option key={one} value={one} />
                    ))}
                </datalist>
                <div>
                    <FindTwin
                        label="The other twin"
                        placeholder={target || "The other twin…"}
                        take={setTarget}
                    />
                    {target && (
                        <p className={style.target}>
                            To <code>{target}</code>
                        </p>
                    )}
                </div>
                <TextArea
                    label="Properties"
                    rows={4}
                    value={text}
                    placeholder='{"pipe": "DN80"}'
                    bad={properties === null ? "This is no JSON object." : null}
                    onChange={(e) => setText(e.target.value)}
                />
            </div>
            <DialogButtons>
                <Button onClick={close}>Cancel</Button>
                <ServerButton look="primary" disabled={!ready || act.busy} onClick={save}>
                    {edge ? "Save" : "Add"}
                </ServerButton>
            </DialogButtons>
        </Dialog>
    );
}

interface RowProps {
    twin: string;
    edge: GraphEdge;
    change: (() => void) | null;
    remove: (() => void) | null;
}

function Row({ twin, edge, change, remove }: RowProps) {
    const out = edge.source === twin;
    const other = out ? edge.target : edge.source;
    const told = Object.entries(edge.properties).slice(0, 4);
    return (
        <Item
            title={
                out ? (
                    <>
                        {edge.kind}{" "}
                        {edge.dangling ? (
                            <code>{other}</code>
                        ) : (
                            <Link href={`/twins/${encodeURIComponent(other)}`}>{other}</Link>
                        )}
                    </>
                ) : (
                    <>
                        <Link href={`/twins/${encodeURIComponent(other)}`}>{other}</Link>{" "}
                        {edge.kind} it
                    </>
                )
            }
            badges={
                edge.dangling && (
                    <Badge tone="warn" icon="warn">
                        Not there
                    </Badge>
                )
            }
            facts={told.map(([k, v]) => `${k}: ${typeof v === "object" ? JSON.stringify(v) : v}`)}
            actions={
                out &&
                change &&
                remove && (
                    <>
                        <Button
                            small
                            look="ghost"
                            icon="edit"
                            label={`Change ${edge.id}`}
                            onClick={change}
                        />
                        <Button
                            small
                            look="ghost"
                            icon="trash"
                            label={`Remove ${edge.id}`}
                            onClick={remove}
                        />
                    </>
                )
            }
        />
    );
}

export function RelationshipsPanel({ twin }: { twin: string }) {
    const list = useRelationships(twin);
    const may = useMayOn(twin, "twins:write");
    const [edited, setEdited] = useState<GraphEdge | "new" | null>(null);
    const [doomed, setDoomed] = useState<GraphEdge | null>(null);
    const edges = list.data?.pages.flatMap((p) => p.items) ?? [];
    const state = panelState({
        error: list.error,
        retry: () => void list.refetch(),
        hasData: list.data !== undefined,
        loading: list.isPending,
        empty:
            list.data && edges.length === 0
                ? { why: "never", text: "This twin is related to no other." }
                : null,
    });
    const add = may && (
        <Button small icon="plus" onClick={() => setEdited("new")}>
            Add a relationship
        </Button>
    );
    return (
        <Panel
            title="Relationships"
            note={edges.length > 0 ? String(list.data?.pages.at(-1)?.total ?? "") : undefined}
            state={state}
            flush
            action={add}
            actions={
                edges.length > 0 && (
                    <>
                        <Link
                            href={`/graph?root=${encodeURIComponent(twin)}`}
                            className={buttonClass("secondary", true)}
                        >
                            In the graph
                        </Link>
                        {add}
                    </>
                )
            }
        >
            <Items label="Relationships" most={20}>
                {edges.map((edge) => (
                    <Row
                        key={`${edge.source} ${edge.id}`}
                        twin={twin}
                        edge={edge}
                        change={may ? () => setEdited(edge) : null}
                        remove={may ? () => setDoomed(edge) : null}
                    />
                ))}
            </Items>
            {list.hasNextPage && (
                <div className={style.more}>
                    <Button onClick={() => void list.fetchNextPage()}>Show more</Button>
                </div>
            )}
            {edited && (
                <Edit
                    twin={twin}
                    edge={edited === "new" ? null : edited}
                    close={() => setEdited(null)}
                />
            )}
            <Confirm
                open={doomed !== null}
                onOpenChange={(open) => !open && setDoomed(null)}
                title="Remove the relationship?"
                text={`${twin} no longer ${doomed?.kind ?? ""} ${doomed?.target ?? ""}. The twins stay as they are.`}
                verb="Remove"
                run={async () => {
                    if (doomed) await removeRelationship(doomed);
                    announce("Relationship removed");
                }}
            />
        </Panel>
    );
}

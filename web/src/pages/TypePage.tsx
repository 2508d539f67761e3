/* TypePage.tsx - one type of twins: what its twins have, who they are, and its text to be changed. */

import { useState } from "react";
import { Link, useLocation, useSearch } from "wouter";
import { ApiError } from "../api/client";
import { useTwinList } from "../api/queries";
import { useMay } from "../api/session";
import {
    deleteType,
    makeTwinOfType,
    refreshTypes,
    saveType,
    type TypeDocument,
    useResolvedType,
    useType,
    useTypeUse,
    useTypeVerdict,
} from "../api/types";
import { plural } from "../base/format";
import { readable } from "../base/jsontext";
import type { TwinSummary } from "../base/wire";
import { Badge, StateBadge } from "../kit/Badge";
import { Button, buttonClass, ServerButton } from "../kit/Button";
import { Confirm, Dialog, DialogButtons } from "../kit/Dialog";
import { Editor } from "../kit/editor/Editor";
import type { Spot } from "../kit/editor/types";
import { Input } from "../kit/Field";
import { Item, Items } from "../kit/Items";
import { JsonView } from "../kit/JsonView";
import { Panel } from "../kit/Panel";
import { panelState } from "../kit/panelState";
import { Refusal } from "../kit/Refusal";
import { Table, tableStyle } from "../kit/Table";
import { announce } from "../kit/toast";
import { useAct } from "../kit/useAct";
import { useDelayed } from "../kit/useDelayed";
import { useTitle } from "../kit/useTitle";
import { FindingsList } from "../panels/FindingsList";
import { VersionsPanel } from "../panels/VersionsPanel";
import { ExportDialog } from "./Types";
import style from "./Types.module.css";

const nothing = (text: string) => panelState({ empty: { why: "never", text } });

function Sensors({ type }: { type: TypeDocument }) {
    const sensors = type.sensors ?? [];
    return (
        <Panel
            title="Sensors"
            note={String(sensors.length)}
            flush
            state={sensors.length > 0 ? panelState({}) : nothing("Its twins need no sensor.")}
        >
            <Table
                caption="Sensors"
                head={
                    <>
                        <th scope="col">Id</th>
                        <th scope="col">Name</th>
                        <th scope="col">Measures</th>
                        <th scope="col">Unit</th>
                        <th scope="col" className={tableStyle.num}>
                            Normal
                        </th>
                    </>
                }
            >
                {sensors.map((s) => (
                    <tr key={s.id}>
                        <td>
                            <code>{s.id}</code>
                        </td>
                        <td>{s.name ?? "–"}</td>
                        <td>{s.type ?? "anything"}</td>
                        <td>{s.unit ?? "any"}</td>
                        <td className={tableStyle.num}>
                            {s.normalRange ? s.normalRange.join(" to ") : "–"}
                        </td>
                    </tr>
                ))}
            </Table>
        </Panel>
    );
}

function Words({ title, none, rows }: { title: string; none: string; rows: [string, string][] }) {
    return (
        <Panel
            title={title}
            note={String(rows.length)}
            flush
            state={rows.length > 0 ? panelState({}) : nothing(none)}
        >
            <Items label={title} most={20}>
                {rows.map(([name, fact]) => (
                    <Item key={`${name} ${fact}`} title={name} facts={[fact]} />
                ))}
            </Items>
        </Panel>
    );
}

const countWords = (min?: number, max?: number) =>
    min === undefined && max === undefined
        ? "any number"
        : max === undefined
          ? `at least ${min}`
          : `${min ?? 0} to ${max}`;

function Parts({ type }: { type: TypeDocument }) {
    return (
        <>
            <Sensors type={type} />
            <div className={style.words}>
                <Words
                    title="Commands"
                    none="Its twins take no command."
                    rows={(type.commands ?? []).map((c) => [c.title ?? c.name, c.name])}
                />
                <Words
                    title="Settings"
                    none="Its twins have no setting."
                    rows={(type.settings ?? []).map((s) => [
                        s.title ?? s.name,
                        [s.name, s.unit].filter(Boolean).join(", "),
                    ])}
                />
                <Words
                    title="Relationships"
                    none="It asks for no relationship."
                    rows={(type.relationships ?? []).map((r) => [
                        `${r.kind} ${r.target ?? "any twin"}`,
                        countWords(r.min, r.max),
                    ])}
                />
            </div>
        </>
    );
}

function NewTwin({ type, close }: { type: string; close: () => void }) {
    const [id, setId] = useState("");
    const [name, setName] = useState("");
    const [, navigate] = useLocation();
    const act = useAct();
    const make = async () => {
        const done = await act.run(() => makeTwinOfType(type, id.trim(), name), `Made ${id}`);
        if (!done) return;
        void refreshTypes();
        navigate(`/twins/${encodeURIComponent(id.trim())}`);
    };
    return (
        <Dialog
            open
            onOpenChange={(open) => !open && close()}
            title={`A new twin of ${type}`}
            description="It gets the sensors, commands, settings and defaults of the type."
        >
            <div className={style.form}>
                <Refusal error={act.error} />
                <Input
                    label="Id"
                    value={id}
                    placeholder="pump-7"
                    onChange={(e) => setId(e.target.value)}
                />
                <Input
                    label="Name"
                    value={name}
                    placeholder="Pump in hall three"
                    onChange={(e) => setName(e.target.value)}
                />
            </div>
            <DialogButtons>
                <Button onClick={close}>Cancel</Button>
                <ServerButton look="primary" disabled={id.trim() === "" || act.busy} onClick={make}>
                    Make it
                </ServerButton>
            </DialogButtons>
        </Dialog>
    );
}

function TwinItem({ twin }: { twin: TwinSummary }) {
    const misfits = twin.misfits ?? 0;
    const at = `/twins/${encodeURIComponent(twin.id)}`;
    return (
        <Item
            title={<Link href={at}>{twin.name}</Link>}
            badges={
                <>
                    <StateBadge state={twin.state} />
                    {misfits > 0 && (
                        <Badge tone="warn" icon="warn">
                            Not as the type says
                        </Badge>
                    )}
                </>
            }
            facts={[
                <code key="id">{twin.id}</code>,
                misfits > 0 && (
                    <Link key="why" href={`${at}/findings`}>
                        {plural(misfits, "finding")}
                    </Link>
                ),
            ]}
        />
    );
}

function Twins({ type, make }: { type: string; make: (() => void) | null }) {
    const list = useTwinList({ twinType: type }, 20, 0);
    const twins = list.data?.pages.flatMap((p) => p.items) ?? [];
    const state = panelState({
        error: list.error,
        retry: () => void list.refetch(),
        hasData: list.data !== undefined,
        loading: list.isPending,
        empty:
            list.data && twins.length === 0
                ? { why: "never", text: "No twin is of this type yet." }
                : null,
    });
    const button = make && (
        <Button small icon="plus" onClick={make}>
            Make a twin
        </Button>
    );
    return (
        <Panel
            title="Twins"
            note={list.data ? String(list.data.pages.at(-1)?.total ?? "") : undefined}
            flush
            state={state}
            action={button}
            actions={twins.length > 0 && button}
        >
            <Items label="Twins of the type">
                {twins.map((twin) => (
                    <TwinItem key={twin.id} twin={twin} />
                ))}
            </Items>
            {list.hasNextPage && (
                <div className={style.foot}>
                    <Button onClick={() => void list.fetchNextPage()}>Show more</Button>
                </div>
            )}
        </Panel>
    );
}

interface EditProps {
    id: string;
    start: string;
    etag: string | null;
    close: () => void;
}

function Edit({ id, start, etag, close }: EditProps) {
    const [text, setText] = useState(start);
    const [spot, setSpot] = useState<Spot | null>(null);
    const act = useAct();
    const verdict = useTypeVerdict(useDelayed(text, 300));
    const findings = verdict.data?.findings ?? [];
    const save = async () => {
        const done = await act.run(() => saveType(id, text, etag), "Type saved");
        if (!done) return;
        await refreshTypes();
        close();
    };
    return (
        <Panel
            title="The type as text"
            actions={
                <>
                    <Button onClick={close}>Cancel</Button>
                    <ServerButton
                        look="primary"
                        disabled={text === start || findings.length > 0 || act.busy}
                        onClick={save}
                    >
                        Save
                    </ServerButton>
                </>
            }
        >
            <Refusal error={act.error} />
            <Editor
                value={text}
                onChange={setText}
                label="Type as JSON"
                findings={findings}
                goTo={spot}
            />
            <div className={style.under}>
                {findings.length === 0 ? (
                    <Badge tone="ok" icon="check">
                        It can be saved
                    </Badge>
                ) : (
                    <FindingsList
                        label="What is wrong with the type"
                        findings={findings}
                        onPick={(f) => setSpot({ line: f.line, column: f.column })}
                    />
                )}
            </div>
        </Panel>
    );
}

function Missing({ id }: { id: string }) {
    return (
        <>
            <h1 className="sr-only">Type not found</h1>
            <Panel
                title={id}
                minHeight={240}
                state={nothing(`There is no type “${id}”. It may have been deleted.`)}
                action={
                    <Link href="/types" className={buttonClass("primary")}>
                        See all types
                    </Link>
                }
            />
        </>
    );
}

function Links({ label, ids }: { label: string; ids: string[] }) {
    if (ids.length === 0) return null;
    return (
        <span>
            {label}{" "}
            {ids.map((id, i) => (
                <span key={id}>
                    {i > 0 && ", "}
                    <Link href={`/types/${encodeURIComponent(id)}`}>{id}</Link>
                </span>
            ))}
        </span>
    );
}

type Asking = "twin" | "export" | "delete" | null;

export default function TypePage({ id }: { id: string }) {
    const edits = new URLSearchParams(useSearch()).has("edit");
    const [, navigate] = useLocation();
    const type = useType(id);
    const whole = useResolvedType(id);
    const use = useTypeUse(id);
    const may = useMay("types:write");
    const makes = useMay("twins:create");
    const [asking, setAsking] = useState<Asking>(null);
    const close = () => setAsking(null);
    const here = `/types/${encodeURIComponent(id)}`;
    const name = type.data?.data.name ?? id;
    useTitle(name);
    if (type.error instanceof ApiError && type.error.missing) return <Missing id={id} />;
    const text = type.data ? readable(type.data.text) : "";
    const state = panelState({
        error: type.error ?? whole.error,
        retry: () => void type.refetch(),
        hasData: whole.data !== undefined && type.data !== undefined,
        loading: whole.isPending,
    });
    return (
        <>
            <div className={style.head}>
                <div>
                    <h1>{name}</h1>
                    <p className={style.sub}>
                        <code>{id}</code>
                        {use.data && <span>{plural(use.data.twins, "twin")}</span>}
                        {use.data && use.data.misfits > 0 && (
                            <span>{use.data.misfits} not as it says</span>
                        )}
                        <Links label="Extends" ids={use.data?.extends ?? []} />
                        <Links label="Extended by" ids={use.data?.extendedBy ?? []} />
                    </p>
                </div>
                <div className={style.actions}>
                    <Button icon="download" onClick={() => setAsking("export")}>
                        Export
                    </Button>
                    {may && !edits && (
                        <Button icon="edit" onClick={() => navigate(`${here}?edit`)}>
                            Edit
                        </Button>
                    )}
                    {may && (
                        <Button
                            icon="trash"
                            label="Delete the type"
                            onClick={() => setAsking("delete")}
                        />
                    )}
                </div>
            </div>
            {edits && may && type.data ? (
                <Edit
                    key={type.data.etag ?? ""}
                    id={id}
                    start={text}
                    etag={type.data.etag}
                    close={() => navigate(here)}
                />
            ) : state.kind === "live" && whole.data ? (
                <>
                    <Parts type={whole.data} />
                    <div className={style.grid}>
                        <Twins type={id} make={makes ? () => setAsking("twin") : null} />
                        <Panel title="As text" flush>
                            <JsonView text={text} label="Type as JSON" />
                        </Panel>
                    </div>
                    <VersionsPanel of={["types", id]} mayRestore={may} />
                </>
            ) : (
                <Panel title="Sensors" state={state} minHeight={240} />
            )}
            {asking === "twin" && <NewTwin type={id} close={close} />}
            {asking === "export" && <ExportDialog types={id} close={close} />}
            <Confirm
                open={asking === "delete"}
                onOpenChange={(open) => !open && close()}
                title={`Delete the type ${name}?`}
                text="Its versions stay. It is refused while twins or other types are of it."
                verb="Delete"
                run={async () => {
                    await deleteType(id);
                    announce(`Deleted the type ${name}`);
                    navigate("/types");
                    await refreshTypes();
                }}
            />
        </>
    );
}

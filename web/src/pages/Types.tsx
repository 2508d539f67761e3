/* Types.tsx - types of twins: which there are, made, taken in and given out. */

import { useState } from "react";
import { Link, useLocation } from "wouter";
import { ApiError } from "../api/client";
import { useMay } from "../api/session";
import {
    createType,
    exportTypes,
    FORMATS,
    type Format,
    type Imported,
    type ImportNote,
    importModels,
    refreshTypes,
    type TypeRow,
    useTypes,
} from "../api/types";
import { plural } from "../base/format";
import { Badge } from "../kit/Badge";
import { Button, ServerButton } from "../kit/Button";
import { Dialog, DialogButtons } from "../kit/Dialog";
import { download } from "../kit/download";
import { Input, Select } from "../kit/Field";
import { Panel } from "../kit/Panel";
import { panelState } from "../kit/panelState";
import { Refusal } from "../kit/Refusal";
import { Table, tableStyle } from "../kit/Table";
import { useAct } from "../kit/useAct";
import { useTitle } from "../kit/useTitle";
import style from "./Types.module.css";

function NewType({ close }: { close: () => void }) {
    const [id, setId] = useState("");
    const [parent, setParent] = useState("");
    const [, navigate] = useLocation();
    const types = useTypes();
    const act = useAct();
    const known = types.data?.pages.flatMap((p) => p.types) ?? [];
    const make = async () => {
        const type = { id: id.trim(), name: id.trim(), ...(parent && { extends: parent }) };
        const done = await act.run(
            () => createType(JSON.stringify(type, null, 2)),
            `Made the type ${id}`,
        );
        if (!done) return;
        await refreshTypes();
        close();
        navigate(`/types/${encodeURIComponent(id.trim())}?edit`);
    };
    return (
        <Dialog open onOpenChange={(open) => !open && close()} title="A new type of twins">
            <div className={style.form}>
                <Refusal error={act.error} />
                <Input
                    label="Name"
                    value={id}
                    placeholder="Pump"
                    hint="Letters, digits, . _ - and : — twins say that they are of it by this name."
                    onChange={(e) => setId(e.target.value)}
                />
                <Select
                    label="Extends"
                    value={parent}
                    onChange={(e) => setParent(e.target.value)}
                    options={[
                        { value: "", label: "Nothing" },
                        ...known.map((t) => ({ value: t.id, label: t.document.name ?? t.id })),
                    ]}
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

function FormatChoice({ value, onChange }: { value: Format; onChange: (f: Format) => void }) {
    return (
        <Select
            label="Format"
            value={value}
            onChange={(e) => onChange(e.target.value as Format)}
            options={FORMATS.map(({ value, label }) => ({ value, label }))}
        />
    );
}

function Notes({ notes }: { notes: ImportNote[] }) {
    if (notes.length === 0) return null;
    return (
        <ul className={style.notes} aria-label="What was found">
            {notes.map((note) => (
                <li key={`${note.pointer} ${note.message}`}>
                    <Badge tone={note.error ? "crit" : "mute"} icon={note.error ? "crit" : "check"}>
                        {note.error ? "Cannot be read" : "Kept aside"}
                    </Badge>
                    <span>{note.message}</span>
                    <code>{note.pointer || "/"}</code>
                </li>
            ))}
        </ul>
    );
}

function Outcome({ result }: { result: Imported }) {
    const items = [...result.types, ...result.twins];
    const refused = items.filter((one) => one.problem);
    return (
        <div className={style.outcome} role="status">
            <p>
                {result.dry ? "Would be made or changed: " : "Made or changed: "}
                {plural(result.types.length, "type")}, {plural(result.twins.length, "twin")}
                {refused.length > 0 && `; ${refused.length} of them refused`}
            </p>
            <ul className={style.notes}>
                {refused.map((one) => (
                    <li key={one.id}>
                        <Badge tone="crit" icon="crit">
                            Refused
                        </Badge>
                        <code>{one.id}</code>
                        <span>{one.problem?.detail ?? one.problem?.title}</span>
                    </li>
                ))}
            </ul>
            <Notes notes={result.notes} />
        </div>
    );
}

/* What of a refused import is wrong, all of it. */
function notesOf(error: unknown): ImportNote[] {
    const problem = error instanceof ApiError ? (error.problem as { notes?: ImportNote[] }) : {};
    return problem.notes ?? [];
}

function ImportDialog({ close }: { close: () => void }) {
    const [format, setFormat] = useState<Format>("dtdl");
    const [file, setFile] = useState<File | null>(null);
    const [result, setResult] = useState<Imported | null>(null);
    const act = useAct();
    const run = async (dry: boolean) => {
        if (!file) return;
        setResult(null);
        await act.run(async () => {
            setResult(await importModels(format, await file.text(), dry));
        });
        if (!dry) await refreshTypes();
    };
    return (
        <Dialog
            open
            onOpenChange={(open) => !open && close()}
            title="Import types and twins"
            width={560}
        >
            <div className={style.form}>
                <FormatChoice value={format} onChange={setFormat} />
                <Input
                    label="File"
                    type="file"
                    accept=".json,.jsonld,application/json"
                    onChange={(e) => {
                        setFile(e.target.files?.[0] ?? null);
                        setResult(null);
                        act.clear();
                    }}
                />
                <Refusal error={act.error} />
                <Notes notes={notesOf(act.error)} />
                {result && <Outcome result={result} />}
            </div>
            <DialogButtons>
                <Button onClick={close}>{result && !result.dry ? "Done" : "Cancel"}</Button>
                <ServerButton disabled={!file || act.busy} onClick={() => run(true)}>
                    Only look
                </ServerButton>
                <ServerButton
                    look="primary"
                    disabled={!file || act.busy}
                    onClick={() => run(false)}
                >
                    Import
                </ServerButton>
            </DialogButtons>
        </Dialog>
    );
}

export function ExportDialog({ types, close }: { types: string; close: () => void }) {
    const [format, setFormat] = useState<Format>("dtdl");
    const act = useAct();
    const run = async () => {
        const ending = FORMATS.find((f) => f.value === format)?.ending ?? "json";
        const name = types === "*" ? "types" : types.replace(/[^A-Za-z0-9._-]/g, "-");
        const done = await act.run(async () =>
            download(await exportTypes(format, types), `${name}.${ending}`),
        );
        if (done) close();
    };
    return (
        <Dialog
            open
            onOpenChange={(open) => !open && close()}
            title={types === "*" ? "Export all types" : `Export ${types}`}
        >
            <div className={style.form}>
                <Refusal error={act.error} />
                <FormatChoice value={format} onChange={setFormat} />
            </div>
            <DialogButtons>
                <Button onClick={close}>Cancel</Button>
                <ServerButton look="primary" icon="download" disabled={act.busy} onClick={run}>
                    Download
                </ServerButton>
            </DialogButtons>
        </Dialog>
    );
}

const listed = (value: string | string[] | undefined) =>
    (Array.isArray(value) ? value : value ? [value] : []).join(", ");

function Row({ type }: { type: TypeRow }) {
    const doc = type.document;
    return (
        <tr>
            <td>
                <Link href={`/types/${encodeURIComponent(type.id)}`} className={style.name ?? ""}>
                    {doc.name ?? type.id}
                </Link>
                <code className={style.id}>{type.id}</code>
            </td>
            <td>{listed(doc.extends) || "–"}</td>
            <td className={tableStyle.num}>{doc.sensors?.length ?? 0}</td>
            <td className={tableStyle.num}>{doc.commands?.length ?? 0}</td>
            <td className={tableStyle.num}>{doc.settings?.length ?? 0}</td>
            <td>
                <Link href={`/twins?twinType=${encodeURIComponent(type.id)}`}>Its twins</Link>
            </td>
        </tr>
    );
}

type Asking = "new" | "import" | "export" | null;

export default function Types() {
    useTitle("Types");
    const list = useTypes();
    const may = useMay("types:write");
    const imports = useMay("twins:create") && may;
    const [asking, setAsking] = useState<Asking>(null);
    const types = list.data?.pages.flatMap((p) => p.types) ?? [];
    const close = () => setAsking(null);
    const state = panelState({
        error: list.error,
        retry: () => void list.refetch(),
        hasData: list.data !== undefined,
        loading: list.isPending,
        empty:
            list.data && types.length === 0
                ? {
                      why: "never",
                      text: "No type is here yet. A type says what twins of a kind have in common: sensors, commands, settings.",
                  }
                : null,
    });
    const make = may && (
        <Button look="primary" icon="plus" onClick={() => setAsking("new")}>
            New type
        </Button>
    );
    return (
        <>
            <div className={style.head}>
                <h1>Types</h1>
                <div className={style.actions}>
                    {imports && (
                        <Button icon="upload" onClick={() => setAsking("import")}>
                            Import
                        </Button>
                    )}
                    {types.length > 0 && (
                        <Button icon="download" onClick={() => setAsking("export")}>
                            Export
                        </Button>
                    )}
                    {types.length > 0 && make}
                </div>
            </div>
            <Panel
                title="Types of twins"
                note={types.length > 0 ? String(types.length) : undefined}
                state={state}
                flush
                minHeight={240}
                action={make}
            >
                <Table
                    caption="Types of twins"
                    hover
                    head={
                        <>
                            <th scope="col">Name</th>
                            <th scope="col">Extends</th>
                            <th scope="col" className={tableStyle.num}>
                                Sensors
                            </th>
                            <th scope="col" className={tableStyle.num}>
                                Commands
                            </th>
                            <th scope="col" className={tableStyle.num}>
                                Settings
                            </th>
                            <th scope="col">Twins</th>
                        </>
                    }
                >
                    {types.map((type) => (
                        <Row key={type.id} type={type} />
                    ))}
                </Table>
                {list.hasNextPage && (
                    <div className={style.foot}>
                        <Button onClick={() => void list.fetchNextPage()}>Show more</Button>
                    </div>
                )}
            </Panel>
            {asking === "new" && <NewType close={close} />}
            {asking === "import" && <ImportDialog close={close} />}
            {asking === "export" && <ExportDialog types="*" close={close} />}
        </>
    );
}

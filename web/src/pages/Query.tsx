/* Query.tsx - one question in SQL, at /ask (/query is InfluxDB's): written with completion, answered as a table or a picture, saved
 * and shared.  The question stands in the address, so a link to it is the page's own. */

import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { useLocation, useSearch } from "wouter";
import { ApiError } from "../api/client";
import { readGraph } from "../api/graph";
import {
    ask,
    askCsv,
    cancel,
    forget,
    type QueryResult,
    type SavedQuery,
    type SavedRow,
    save,
    useQuerySchema,
    useSaved,
} from "../api/query";
import { useMay } from "../api/session";
import { formatNumber, plural } from "../base/format";
import type { Finding } from "../base/wire";
import { Button, ServerButton } from "../kit/Button";
import { CopyButton } from "../kit/Copy";
import { Dialog, DialogButtons } from "../kit/Dialog";
import { download } from "../kit/download";
import { Editor } from "../kit/editor/Editor";
import type { SqlWords } from "../kit/editor/types";
import { Input, Segments } from "../kit/Field";
import { Panel } from "../kit/Panel";
import { Refusal } from "../kit/Refusal";
import { useAct } from "../kit/useAct";
import { useTitle } from "../kit/useTitle";
import { ResultChart } from "../panels/query/ResultChart";
import { ResultTable } from "../panels/query/ResultTable";
import style from "./Query.module.css";

const EXAMPLES = [
    {
        name: "How are the twins?",
        sql: "SELECT state, count(*) AS twins\nFROM twins\nGROUP BY state",
    },
    {
        name: "What is out of its range?",
        sql: "SELECT twin, id, value, unit, level, time\nFROM sensors\nWHERE level IN ('warning', 'critical')\nORDER BY level, twin",
    },
    {
        name: "Who feeds whom, three steps far?",
        sql: "WITH RECURSIVE down(id, depth) AS (\n  SELECT id, 0 FROM twins\n  UNION\n  SELECT r.target, depth + 1\n  FROM down JOIN relationships r ON r.source = down.id\n  WHERE r.kind = 'feeds' AND depth < 3)\nSELECT id, max(depth) AS steps FROM down GROUP BY id ORDER BY steps DESC",
    },
    {
        name: "The last hour, minute by minute",
        sql: "SELECT h.time, h.value\nFROM sensors s, history(s.twin, s.id, '-1h', 'now', '1m') h\nWHERE s.type = 'temperature'\nORDER BY h.time",
    },
    {
        name: "An hour ago and now",
        sql: "SELECT now.twin, now.id, old.value AS then, now.value AS now\nFROM sensors now\nJOIN sensors AS OF '-1h' old ON old.twin = now.twin AND old.id = now.id",
    },
];

const IDS_MAX = 1_000;

function useWords(): SqlWords | undefined {
    const schema = useQuerySchema();
    const [ids, setIds] = useState<string[]>([]);
    useEffect(() => {
        readGraph({ limit: IDS_MAX }).then(
            (page) => setIds(page.nodes.map((n) => n.id)),
            () => {} /* completion does without */,
        );
    }, []);
    return useMemo(
        () =>
            schema.data && {
                tables: Object.fromEntries(
                    schema.data.tables.map((t) => [t.name, t.columns.map((c) => c.name)]),
                ),
                functions: schema.data.functions.map((f) => f.name),
                ids,
            },
        [schema.data, ids],
    );
}

/* Where the problem says that the question is wrong. */
function findingsOf(error: unknown): Finding[] {
    if (!(error instanceof ApiError)) return [];
    const { line, column } = error.problem as { line?: number; column?: number };
    if (!line) return [];
    return [
        {
            rule: "sql",
            severity: "error",
            pointer: "",
            line,
            column: column ?? 1,
            message: error.message,
        } as Finding,
    ];
}

interface Asking {
    id: string;
    since: number;
}

function useQuestion() {
    const [result, setResult] = useState<QueryResult | null>(null);
    const [error, setError] = useState<unknown>(null);
    const [asking, setAsking] = useState<Asking | null>(null);
    const current = useRef<string | null>(null);
    const run = useCallback(async (sql: string) => {
        const id = `page-${crypto.randomUUID()}`;
        if (current.current) void cancel(current.current).catch(() => {});
        current.current = id;
        setAsking({ id, since: Date.now() });
        setError(null);
        try {
            const answer = await ask({ sql, id });
            if (current.current === id) setResult(answer);
        } catch (failure) {
            if (current.current === id) {
                setResult(null);
                setError(failure);
            }
        }
        if (current.current === id) {
            current.current = null;
            setAsking(null);
        }
    }, []);
    const stop = useCallback(() => {
        if (current.current) void cancel(current.current).catch(() => {});
    }, []);
    useEffect(() => stop, [stop]); /* who leaves the page wants no answer */
    return { result, error, asking, run, stop };
}

function Answer({ result, sql }: { result: QueryResult; sql: string }) {
    const [view, setView] = useState<"table" | "chart">("table");
    const act = useAct();
    const csv = () =>
        act.run(async () => download(await askCsv(sql, undefined), "answer.csv"), "Exported");
    const says = [
        plural(result.rowCount, "row"),
        `${formatNumber(result.took, 1)} ms`,
        ...(result.truncated ? ["cut: export has all of them"] : []),
        ...(result.damaged ? ["some of the past is damaged and left out"] : []),
    ];
    return (
        <Panel
            title="Answer"
            note={says.join(" · ")}
            flush={view === "table"}
            actions={
                <>
                    <Segments
                        legend="Show as"
                        value={view}
                        onChange={(v) => setView(v as "table" | "chart")}
                        options={[
                            { value: "table", label: "Table" },
                            { value: "chart", label: "Chart" },
                        ]}
                    />
                    <ServerButton small icon="download" disabled={act.busy} onClick={csv}>
                        CSV
                    </ServerButton>
                </>
            }
        >
            <Refusal error={act.error} />
            {view === "table" ? <ResultTable result={result} /> : <ResultChart result={result} />}
        </Panel>
    );
}

function SaveDialog({ sql, close }: { sql: string; close: (saved?: string) => void }) {
    const [name, setName] = useState("");
    const act = useAct();
    const id = name
        .toLowerCase()
        .replace(/[^a-z0-9._:-]+/g, "-")
        .replace(/^-|-$/g, "")
        .slice(0, 100);
    const keep = async () => {
        if (await act.run(() => save({ id, name: name.trim(), sql }), "Saved")) close(id);
    };
    return (
        <Dialog open onOpenChange={(open) => !open && close()} title="Save the question">
            <div className={style.form}>
                <Refusal error={act.error} />
                <Input
                    label="Name"
                    value={name}
                    placeholder="What is hot"
                    hint={id && `It goes by the id ${id}; the same id replaces what was saved.`}
                    onChange={(e) => setName(e.target.value)}
                />
            </div>
            <DialogButtons>
                <Button onClick={() => close()}>Cancel</Button>
                <ServerButton look="primary" disabled={!id || act.busy} onClick={keep}>
                    Save
                </ServerButton>
            </DialogButtons>
        </Dialog>
    );
}

function Saved({ open }: { open: (one: SavedQuery) => void }) {
    const saved = useSaved();
    const mayChange = useMay("rules:write");
    const act = useAct();
    const rows = saved.data ?? [];
    if (rows.length === 0) return null;
    const drop = (row: SavedRow) => act.run(() => forget(row.id), "Deleted");
    return (
        <Panel title="Saved questions">
            <Refusal error={act.error} />
            <ul className={style.saved}>
                {rows.map((row) => (
                    <li key={row.id}>
                        <Button look="ghost" onClick={() => open(row.document)}>
                            {row.document.name ?? row.id}
                        </Button>
                        <span className={style.version}>version {row.version}</span>
                        {mayChange && (
                            <ServerButton
                                small
                                look="ghost"
                                icon="trash"
                                label={`Delete ${row.document.name ?? row.id}`}
                                disabled={act.busy}
                                onClick={() => drop(row)}
                            />
                        )}
                    </li>
                ))}
            </ul>
        </Panel>
    );
}

function Examples({ open }: { open: (sql: string) => void }) {
    return (
        <Panel title="Examples">
            <ul className={style.saved}>
                {EXAMPLES.map((one) => (
                    <li key={one.name}>
                        <Button look="ghost" onClick={() => open(one.sql)}>
                            {one.name}
                        </Button>
                    </li>
                ))}
            </ul>
        </Panel>
    );
}

export default function Query() {
    useTitle("Query");
    const search = useSearch();
    const [, navigate] = useLocation();
    const [sql, setSql] = useState(() => new URLSearchParams(search).get("q") ?? "");
    const [saving, setSaving] = useState(false);
    const words = useWords();
    const mayChange = useMay("rules:write");
    const question = useQuestion();
    const findings = useMemo(() => findingsOf(question.error), [question.error]);
    const run = (text: string) => {
        if (text.trim() === "") return;
        navigate(`/ask?q=${encodeURIComponent(text)}`, { replace: true });
        void question.run(text);
    };
    const open = (text: string) => {
        setSql(text);
        run(text);
    };
    return (
        <>
            <div className={style.head}>
                <div>
                    <h1>Query</h1>
                    <p className={style.sub}>
                        Live values, history and the graph in one SQL. Ctrl+Enter asks.
                    </p>
                </div>
                <div className={style.actions}>
                    {question.asking ? (
                        <Button icon="close" onClick={question.stop}>
                            Cancel
                        </Button>
                    ) : (
                        <ServerButton
                            look="primary"
                            icon="play"
                            disabled={sql.trim() === ""}
                            onClick={() => run(sql)}
                        >
                            Ask
                        </ServerButton>
                    )}
                    {mayChange && (
                        <ServerButton disabled={sql.trim() === ""} onClick={() => setSaving(true)}>
                            Save
                        </ServerButton>
                    )}
                    <CopyButton
                        text={`${window.location.origin}/ask?q=${encodeURIComponent(sql)}`}
                        what="the link"
                    >
                        Copy link
                    </CopyButton>
                </div>
            </div>
            <div className={style.page}>
                <Panel title="Question" flush>
                    <Editor
                        label="The question in SQL"
                        value={sql}
                        onChange={setSql}
                        findings={findings}
                        sql={words ?? NO_WORDS}
                        onRun={() => run(sql)}
                        height={220}
                    />
                </Panel>
                <Refusal error={question.error} />
                <p className="sr-only" role="status">
                    {question.asking ? "Asking" : ""}
                </p>
                {question.result && <Answer result={question.result} sql={sql} />}
                <div className={style.lists}>
                    <Saved open={(one) => open(one.sql)} />
                    {!question.result && <Examples open={open} />}
                </div>
            </div>
            {saving && <SaveDialog sql={sql} close={() => setSaving(false)} />}
        </>
    );
}

const NO_WORDS: SqlWords = { tables: {}, functions: [], ids: [] };

/* Audit.tsx - the audit log: filtered, with what each entry changed, to take away as a file. */

import { useState } from "react";
import { useLocation, useSearch } from "wouter";
import { type AuditFilter, exportAudit } from "../api/access";
import { useAudit, useOrg } from "../api/accessQueries";
import { usePerson } from "../api/session";
import { Button, ServerButton } from "../kit/Button";
import { download } from "../kit/download";
import { Input, Segments, Select } from "../kit/Field";
import { Panel } from "../kit/Panel";
import { panelState } from "../kit/panelState";
import { Refusal } from "../kit/Refusal";
import { Sections, sectionsStyle } from "../kit/Sections";
import { useAct } from "../kit/useAct";
import { useDelayed } from "../kit/useDelayed";
import { useTitle } from "../kit/useTitle";
import style from "../panels/access/Audit.module.css";
import { AuditList, HowToVerify } from "../panels/access/AuditList";

const FIELDS = ["who", "operation", "object", "outcome", "from", "to"] as const;
type Fields = Record<(typeof FIELDS)[number], string>;

const OUTCOMES = [
    { value: "", label: "Any outcome" },
    { value: "done", label: "Done" },
    { value: "refused", label: "Refused" },
    { value: "failed", label: "Failed" },
];

/* A day or minute of the form, in the zone of whoever reads, as the server takes it. */
function instant(text: string): string | undefined {
    const t = text === "" ? Number.NaN : new Date(text).getTime();
    return Number.isFinite(t) ? new Date(t).toISOString() : undefined;
}

function asFilter(fields: Fields): AuditFilter {
    const word = (text: string) => text.trim() || undefined;
    return {
        who: word(fields.who),
        operation: word(fields.operation),
        object: word(fields.object),
        outcome: word(fields.outcome),
        from: instant(fields.from),
        to: instant(fields.to),
    };
}

export default function Audit() {
    useTitle("Audit log");
    const params = new URLSearchParams(useSearch());
    const [, navigate] = useLocation();
    const org = useOrg();
    const installation = usePerson()?.installation ?? false;
    const everything = installation && params.get("of") === "everything";
    const [fields, setFields] = useState<Fields>(
        () => Object.fromEntries(FIELDS.map((f) => [f, params.get(f) ?? ""])) as Fields,
    );
    const rested = useDelayed(JSON.stringify(fields), 250);
    const filter = asFilter(JSON.parse(rested) as Fields);
    const of = everything ? null : org;
    const log = useAudit(of, filter);
    const entries = log.data?.pages.flatMap((p) => p.entries) ?? [];
    const filtered = Object.values(filter).some((v) => v !== undefined);
    const state = panelState({
        error: log.error,
        retry: () => void log.refetch(),
        hasData: log.data !== undefined,
        loading: log.data === undefined,
        empty:
            log.data && entries.length === 0
                ? filtered
                    ? { why: "filter", text: "No entry fits this filter." }
                    : { why: "never", text: "Nothing has been done yet." }
                : null,
    });
    const set = (field: keyof Fields) => (event: { target: { value: string } }) =>
        setFields({ ...fields, [field]: event.target.value });
    return (
        <Sections
            title="Audit log"
            lead="Every change and every refusal: who, from where, what, before and after. Nothing in it can be changed without being seen."
            actions={<Export of={of} filter={filter} />}
        >
            <div className={sectionsStyle.wide}>
                {installation && (
                    <div style={{ marginBottom: 12 }}>
                        <Segments
                            legend="Whose log"
                            value={everything ? "everything" : "org"}
                            onChange={(v) =>
                                navigate(v === "org" ? "/audit" : "/audit?of=everything", {
                                    replace: true,
                                })
                            }
                            options={[
                                { value: "org", label: "This organization" },
                                { value: "everything", label: "The whole installation" },
                            ]}
                        />
                    </div>
                )}
                <search className={style.filters} aria-label="Filter the audit log">
                    <Input label="Who" type="search" value={fields.who} onChange={set("who")} />
                    <Input
                        label="Operation"
                        type="search"
                        placeholder="twins:write"
                        spellCheck={false}
                        value={fields.operation}
                        onChange={set("operation")}
                    />
                    <Input
                        label="Object"
                        type="search"
                        placeholder="twin:pump-1"
                        spellCheck={false}
                        value={fields.object}
                        onChange={set("object")}
                    />
                    <Select
                        label="Outcome"
                        value={fields.outcome}
                        onChange={set("outcome")}
                        options={OUTCOMES}
                    />
                    <Input
                        label="From"
                        type="datetime-local"
                        value={fields.from}
                        onChange={set("from")}
                    />
                    <Input
                        label="To"
                        type="datetime-local"
                        value={fields.to}
                        onChange={set("to")}
                    />
                </search>
                <Panel title="Entries" state={state} flush minHeight={240}>
                    <AuditList entries={entries} />
                    {log.hasNextPage && (
                        <div className={style.foot}>
                            <Button
                                disabled={log.isFetchingNextPage}
                                onClick={() => void log.fetchNextPage()}
                            >
                                {log.isFetchingNextPage ? "Loading…" : "Show more"}
                            </Button>
                        </div>
                    )}
                </Panel>
                {!filtered && <HowToVerify newest={entries[0]} />}
            </div>
        </Sections>
    );
}

const FILES = [
    { type: "application/x-ndjson", ending: "ndjson", word: "NDJSON" },
    { type: "text/csv", ending: "csv", word: "CSV" },
];

function Export({ of, filter }: { of: string | null; filter: AuditFilter }) {
    const act = useAct();
    return (
        <>
            <Refusal error={act.error} />
            {FILES.map(({ type, ending, word }) => (
                <ServerButton
                    key={ending}
                    icon="download"
                    disabled={act.busy}
                    onClick={() =>
                        void act.run(async () =>
                            download(await exportAudit(of, filter, type), `doppel-audit.${ending}`),
                        )
                    }
                >
                    {word}
                </ServerButton>
            ))}
        </>
    );
}

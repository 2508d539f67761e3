/* PolicyEditor.tsx - what members may do with a twin, as rules: who, on what, and for each permission
 * whether it is allowed or refused.  The rule for the longest part decides; a refusal wins. */

import { useId, useState } from "react";
import { removePolicy, savePolicy } from "../../api/access";
import { refresh, useMembers, usePolicy, useServices, useTeams } from "../../api/accessQueries";
import { ApiError } from "../../api/client";
import { useTwinSensors } from "../../api/queries";
import { useMay } from "../../api/session";
import { ROLES } from "../../base/access";
import {
    faultOf,
    fromRows,
    PERMISSIONS,
    type PolicyRow,
    type Say,
    toRows,
} from "../../base/policy";
import { Button, ServerButton } from "../../kit/Button";
import { Select } from "../../kit/Field";
import { Skeleton } from "../../kit/Panel";
import { Refusal } from "../../kit/Refusal";
import { sectionsStyle as style } from "../../kit/Sections";
import { useAct } from "../../kit/useAct";
import { partName, partsOf } from "./parts";
import share from "./Share.module.css";

export function PolicyEditor({ twin }: { twin: string }) {
    const policy = usePolicy(twin);
    const none = policy.error instanceof ApiError && policy.error.missing;
    if (policy.error && !none) return <Refusal error={policy.error} />;
    if (!policy.data && !none) return <Skeleton />;
    const rows = policy.data ? toRows(policy.data.data) : [];
    return (
        <Rules
            key={policy.data?.text ?? ""}
            twin={twin}
            start={rows}
            etag={policy.data?.etag ?? null}
        />
    );
}

/* Rows have no key of their own; a number that only grows tells them apart. */
interface Row extends PolicyRow {
    key: number;
}

let keys = 0;

function Rules({ twin, start, etag }: { twin: string; start: PolicyRow[]; etag: string | null }) {
    const [rows, setRows] = useState<Row[]>(() => start.map((r) => ({ ...r, key: ++keys })));
    const act = useAct();
    const plain = rows.map(({ key: _, ...row }) => row);
    const changed = JSON.stringify(plain) !== JSON.stringify(start);
    const fault = faultOf(plain);
    const add = () => {
        const row = { label: `rule-${rows.length + 1}`, subjects: ["role:viewer"], resource: "/" };
        setRows([...rows, { ...row, says: { read: "grant" }, key: ++keys }]);
    };
    const set = (key: number, change: Partial<PolicyRow>) =>
        setRows(rows.map((r) => (r.key === key ? { ...r, ...change } : r)));
    const save = () =>
        act.run(async () => {
            if (rows.length === 0) await removePolicy(twin);
            else await savePolicy(twin, fromRows(plain), etag);
            await refresh("policy");
        }, "Policy saved");
    return (
        <div className={style.form}>
            <p className={style.note}>
                {rows.length === 0
                    ? "There is no policy: members may do what their role allows."
                    : "The rule for the most exact part decides; where two speak of the same, a refusal wins."}
            </p>
            {rows.map((row, i) => (
                <Rule
                    key={row.key}
                    n={i + 1}
                    row={row}
                    twin={twin}
                    change={(change) => set(row.key, change)}
                    remove={() => setRows(rows.filter((r) => r.key !== row.key))}
                />
            ))}
            {changed && fault && (
                <p role="status" style={{ color: "var(--crit)" }}>
                    {fault}
                </p>
            )}
            <Refusal error={act.error} what="Not saved" />
            <div className={style.buttons}>
                <Button icon="plus" onClick={add}>
                    Add a rule
                </Button>
                <ServerButton
                    look="primary"
                    disabled={act.busy || !changed || fault !== null}
                    onClick={() => void save()}
                >
                    {act.busy ? "Saving…" : "Save the policy"}
                </ServerButton>
            </div>
        </div>
    );
}

/* Everybody that a rule can be for; a rule for several at once stays one choice. */
function useSubjects(own: string[]): { value: string; label: string }[] {
    const members = useMembers();
    const teams = useTeams();
    const services = useServices();
    const seesServices = useMay("services:manage");
    const options = [
        ...ROLES.map((r) => ({ value: `role:${r}`, label: `Every ${r}` })),
        ...(teams.data ?? []).map((t) => ({ value: `team:${t.id}`, label: `Team ${t.name}` })),
        ...(members.data ?? []).map((m) => ({
            value: `person:${m.id}`,
            label: m.name || m.email || m.id,
        })),
        ...((seesServices && services.data) || []).map((s) => ({
            value: `service:${s.id}`,
            label: `Service ${s.name}`,
        })),
    ];
    const value = own.join(",");
    if (value && !options.some((o) => o.value === value)) {
        const label = own.map((s) => options.find((o) => o.value === s)?.label ?? s).join(", ");
        options.push({ value, label });
    }
    return options;
}

interface RuleProps {
    n: number;
    row: PolicyRow;
    twin: string;
    change: (change: Partial<PolicyRow>) => void;
    remove: () => void;
}

const SAYS = [
    { value: "", label: "as elsewhere" },
    { value: "grant", label: "allowed" },
    { value: "revoke", label: "refused" },
];

function Rule({ n, row, twin, change, remove }: RuleProps) {
    const subjects = useSubjects(row.subjects);
    const parts = partsOf(useTwinSensors(twin).data);
    const resources = [{ value: "/", label: "The whole twin" }, ...parts];
    if (!resources.some((r) => r.value === row.resource)) {
        resources.push({ value: row.resource, label: partName(row.resource, parts) });
    }
    const name = useId();
    return (
        <fieldset
            aria-labelledby={name}
            className={share.rule}
            style={{ border: 0, borderTop: "1px solid var(--divider)", margin: 0, minWidth: 0 }}
        >
            <legend id={name} className="sr-only">
                Rule {n}
            </legend>
            <Select
                label="For"
                value={row.subjects.join(",")}
                onChange={(e) => change({ subjects: e.target.value.split(",") })}
                options={subjects}
            />
            <Select
                label="On"
                value={row.resource}
                onChange={(e) => change({ resource: e.target.value })}
                options={resources}
            />
            <Button look="ghost" icon="trash" label={`Remove rule ${n}`} onClick={remove} />
            <div className={share.says}>
                {PERMISSIONS.map((p) => (
                    <Select
                        key={p}
                        label={{ read: "Reading", write: "Writing", execute: "Commands" }[p]}
                        value={row.says[p] ?? ""}
                        onChange={(e) =>
                            change({ says: { ...row.says, [p]: e.target.value as Say } })
                        }
                        options={SAYS}
                    />
                ))}
            </div>
        </fieldset>
    );
}

import { plural } from "../base/format";
import type { Finding, Verdict } from "../base/wire";
import { Badge } from "../kit/Badge";
import style from "./FindingsList.module.css";

export function SeverityBadge({ severity }: { severity: Finding["severity"] }) {
    return severity === "error" ? (
        <Badge tone="crit" icon="crit">
            Error
        </Badge>
    ) : (
        <Badge tone="warn" icon="warn">
            Warning
        </Badge>
    );
}

/* In one line: is it enough to create a twin, is it complete, how much is found. */
export function VerdictLine({ verdict, text }: { verdict: Verdict; text?: string }) {
    const errors = verdict.findings.filter((f) => f.severity === "error").length;
    const warnings = verdict.findings.length - errors;
    return (
        <p className={style.sum}>
            {verdict.complete ? (
                <Badge tone="ok" icon="check">
                    Complete
                </Badge>
            ) : verdict.core ? (
                <Badge tone="warn" icon="warn">
                    {text ?? "Incomplete"}
                </Badge>
            ) : (
                <Badge tone="crit" icon="crit">
                    The core is wrong
                </Badge>
            )}
            {verdict.findings.length > 0 && (
                <span>
                    {[
                        errors > 0 && plural(errors, "error"),
                        warnings > 0 && plural(warnings, "warning"),
                    ]
                        .filter(Boolean)
                        .join(", ")}
                </span>
            )}
        </p>
    );
}

export interface FindingsListProps {
    label: string;
    findings: Finding[];
    /* where the place stands in the text that is shown; without it the finding's own line */
    lineOf?: (finding: Finding) => number;
    onPick?: (finding: Finding) => void;
}

export function FindingsList({ label, findings, lineOf, onPick }: FindingsListProps) {
    const sorted = [...findings].sort(
        (a, b) => Number(a.severity !== "error") - Number(b.severity !== "error"),
    );
    return (
        <ul className={style.list} aria-label={label}>
            {sorted.map((f, i) => {
                const line = lineOf ? lineOf(f) : f.line;
                return (
                    <li key={`${f.rule} ${f.pointer} ${String(i)}`} className={style.item}>
                        <SeverityBadge severity={f.severity} />
                        <div>
                            {f.message}
                            <div className={style.meta}>
                                <code>{f.rule}</code>
                                <code>{f.pointer || "(whole document)"}</code>
                            </div>
                        </div>
                        {onPick ? (
                            <button type="button" className={style.go} onClick={() => onPick(f)}>
                                line {line}
                            </button>
                        ) : (
                            <span className={style.meta}>line {line}</span>
                        )}
                    </li>
                );
            })}
        </ul>
    );
}

/* AuditList.tsx - what was done and what was refused, newest first; each entry opens to what it
 * changed. */

import { useState } from "react";
import { type AuditEntry, nameOf, type Outcome } from "../../base/access";
import { diff } from "../../base/diff";
import { dateTime } from "../../base/time";
import { Badge } from "../../kit/Badge";
import { CopyButton } from "../../kit/Copy";
import { Icon, type IconName } from "../../kit/Icon";
import { Table } from "../../kit/Table";
import { Changes } from "../Changes";
import style from "./Audit.module.css";
import { timeOf } from "./lists";

const OUTCOMES: Record<Outcome, { tone: "ok" | "warn" | "crit"; icon: IconName; word: string }> = {
    done: { tone: "ok", icon: "check", word: "Done" },
    refused: { tone: "warn", icon: "lock", word: "Refused" },
    failed: { tone: "crit", icon: "crit", word: "Failed" },
};

export function OutcomeBadge({ outcome }: { outcome: Outcome }) {
    const face = OUTCOMES[outcome] ?? OUTCOMES.failed;
    return (
        <Badge tone={face.tone} icon={face.icon}>
            {face.word}
        </Badge>
    );
}

export function AuditList({ entries }: { entries: AuditEntry[] }) {
    const [open, setOpen] = useState<number | null>(null);
    return (
        <Table
            caption="Audit log"
            head={
                <>
                    <th scope="col">When</th>
                    <th scope="col">Who</th>
                    <th scope="col">What</th>
                    <th scope="col">Outcome</th>
                </>
            }
        >
            {entries.map((entry) => (
                <Entry
                    key={entry.n}
                    entry={entry}
                    open={open === entry.n}
                    toggle={() => setOpen(open === entry.n ? null : entry.n)}
                />
            ))}
        </Table>
    );
}

function Entry(props: { entry: AuditEntry; open: boolean; toggle: () => void }) {
    const { entry, open } = props;
    const at = timeOf(entry.time);
    return (
        <>
            <tr className={style.entry}>
                <td className={style.when}>
                    <button
                        type="button"
                        className={style.toggle}
                        aria-expanded={open}
                        aria-label={`Entry ${entry.n}, ${open ? "close" : "open"}`}
                        onClick={props.toggle}
                    >
                        <Icon name={open ? "down" : "right"} size={14} />
                    </button>
                    <time dateTime={entry.time}>{at === null ? entry.time : dateTime(at)}</time>
                </td>
                <td>{nameOf(entry.who) || "nobody"}</td>
                <td>
                    <span className={style.what}>{entry.operation}</span>{" "}
                    {entry.object && <code className={style.object}>{entry.object}</code>}
                </td>
                <td>
                    <OutcomeBadge outcome={entry.outcome} />
                </td>
            </tr>
            {open && (
                <tr>
                    <td colSpan={4} className={style.more}>
                        <Details entry={entry} />
                    </td>
                </tr>
            )}
        </>
    );
}

function Details({ entry }: { entry: AuditEntry }) {
    const facts: [string, string | null | undefined][] = [
        ["Entry", String(entry.n)],
        ["Who", entry.who && `${entry.who.kind} ${entry.who.id}`],
        ["From", entry.address],
        ["Over", entry.via],
        ["Request", entry.request],
        ["Why", entry.detail],
    ];
    const changes = diff(entry.before, entry.after);
    return (
        <div className={style.details}>
            <dl className={style.facts}>
                {facts.map(
                    ([label, text]) =>
                        text && (
                            <div key={label}>
                                <dt>{label}</dt>
                                <dd>{text}</dd>
                            </div>
                        ),
                )}
                <div>
                    <dt>Hash</dt>
                    <dd className={style.hash}>
                        <code>{entry.hash?.slice(0, 16)}…</code>
                        <CopyButton
                            small
                            look="ghost"
                            text={`${entry.n}:${entry.hash}`}
                            what="the hash"
                        />
                    </dd>
                </div>
            </dl>
            {changes.length > 0 ? (
                <Changes changes={changes} />
            ) : (
                <p className={style.mute}>Nothing was changed.</p>
            )}
        </div>
    );
}

/* How to be sure of it: what a browser shows could be changed by whoever runs the server. */
export function HowToVerify({ newest }: { newest: AuditEntry | undefined }) {
    if (!newest?.hash) return null;
    const command = `doppel audit verify --head ${newest.n}:${newest.hash}`;
    return (
        <p className={style.verify}>
            <span>
                Each entry carries a hash of itself and of the one before. Keep the newest one
                elsewhere: on the server's machine this tells whether every entry still is what was
                written, and none was taken off the end.
            </span>
            <code className={style.command}>{command}</code>
            <CopyButton small text={command} what="the command">
                Copy
            </CopyButton>
        </p>
    );
}

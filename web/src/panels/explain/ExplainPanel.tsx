/* ExplainPanel.tsx - what may have caused an alarm: ranked candidates with what speaks for them, and
 * what people say of them. */

import { useState } from "react";
import { Link } from "wouter";
import { type Cause, type Course, judgeCause, useExplanation } from "../../api/explain";
import { formatAge, formatNumber, humanise, plural, unitSign } from "../../base/format";
import { dateTime } from "../../base/time";
import { ServerButton } from "../../kit/Button";
import { Select } from "../../kit/Field";
import { Panel } from "../../kit/Panel";
import { panelState } from "../../kit/panelState";
import { Refusal } from "../../kit/Refusal";
import { useAct } from "../../kit/useAct";
import style from "./Explain.module.css";

const WIDTH = 480;
const HEIGHT = 64;

/* The course before the alarm, with a line where it began to change. */
function CourseChart({ course, from, to }: { course: Course; from: number; to: number }) {
    const points = course.points ?? [];
    const known = points.filter((v): v is number => v !== null);
    if (known.length < 2) return null;
    const low = Math.min(...known);
    const high = Math.max(...known);
    const y = (v: number) => HEIGHT - 4 - ((v - low) / (high - low || 1)) * (HEIGHT - 8);
    let line = "";
    points.forEach((v, i) => {
        const begins = i === 0 || points[i - 1] === null;
        if (v !== null)
            line += `${begins ? "M" : "L"}${((i / points.length) * WIDTH).toFixed(1)} ${y(v).toFixed(1)}`;
    });
    const at = course.onset ? (Date.parse(course.onset.at) - from) / (to - from) : null;
    const unit = unitSign(course.unit ?? null);
    return (
        <svg
            className={style.course}
            viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
            preserveAspectRatio="none"
            role="img"
            aria-label={`${course.name ?? course.sensor}, from ${formatNumber(low)} to ${formatNumber(high)} ${unit}`}
        >
            <path d={line} fill="none" stroke="currentColor" vectorEffect="non-scaling-stroke" />
            {at !== null && (
                <line
                    className={style.onset}
                    x1={at * WIDTH}
                    x2={at * WIDTH}
                    y1={0}
                    y2={HEIGHT}
                    vectorEffect="non-scaling-stroke"
                />
            )}
        </svg>
    );
}

function evidence(cause: Cause): string {
    const parts: string[] = [];
    if (cause.changed)
        parts.push(
            `changed ${dateTime(Date.parse(cause.changed))}, ${formatAge(cause.leadSeconds * 1000)} before the alarm`,
        );
    else parts.push("no change was found");
    if (cause.onset)
        parts.push(
            `from ${formatNumber(cause.onset.before)} to ${formatNumber(cause.onset.after)} ${unitSign(cause.unit ?? null)}`.trim(),
        );
    if (typeof cause.correlation === "number")
        parts.push(`correlation ${cause.correlation.toFixed(2)}`);
    parts.push(cause.hops ? `${plural(cause.hops, "step")} away` : "of this twin");
    if (cause.confirmed) parts.push(`confirmed ${cause.confirmed}×`);
    if (cause.rejected) parts.push(`rejected ${cause.rejected}×`);
    return parts.join("; ");
}

function CauseRow({
    alarm,
    cause,
    may,
    from,
    to,
}: {
    alarm: string;
    cause: Cause;
    may: boolean;
    from: number;
    to: number;
}) {
    const act = useAct();
    const kind = cause.cause.split(":")[0] ?? "";
    const judge = (verdict: "confirmed" | "rejected") =>
        act.run(() => judgeCause(alarm, cause.cause, verdict), humanise(verdict));
    return (
        <li className={style.cause}>
            <div>
                <Link href={`/twins/${encodeURIComponent(cause.twin)}`}>{cause.twin}</Link>{" "}
                <strong>{cause.name ?? `${humanise(kind)} changed`}</strong>{" "}
                <span className={style.sub}>{cause.score.toFixed(2)}</span>
            </div>
            <CourseChart course={cause} from={from} to={to} />
            <div className={style.sub}>{evidence(cause)}</div>
            {cause.what && <div>{cause.what}</div>}
            <Refusal error={act.error} />
            {may && (
                <div className={style.actions}>
                    <ServerButton
                        disabled={act.busy}
                        aria-label={`It was this: ${cause.cause}`}
                        onClick={() => void judge("confirmed")}
                    >
                        It was this
                    </ServerButton>
                    <ServerButton
                        disabled={act.busy}
                        aria-label={`It was not: ${cause.cause}`}
                        onClick={() => void judge("rejected")}
                    >
                        It was not
                    </ServerButton>
                </div>
            )}
        </li>
    );
}

export function ExplainPanel({ alarm, may }: { alarm: string; may: boolean }) {
    const [window, setWindow] = useState("6h");
    const [most, setMost] = useState(3);
    const found = useExplanation(alarm, window);
    const e = found.data;
    const state = panelState({
        error: found.error,
        retry: () => void found.refetch(),
        hasData: e !== undefined,
        loading: found.isPending,
        empty: null,
    });
    return (
        <Panel title="What may have caused it" state={state} minHeight={160}>
            <p className={style.sub}>A cause stays a hypothesis until a person confirms it.</p>
            <Select
                label="Looked at before the alarm"
                value={window}
                onChange={(event) => setWindow(event.target.value)}
                options={["1h", "6h", "2d", "14d"].map((v) => ({ value: v, label: v }))}
            />
            {e && e.causes.length === 0 && <p>There are no other sensors that lead here.</p>}
            {e && (
                <ol className={style.list} aria-label="Causes, the likeliest first">
                    {e.causes.slice(0, most).map((cause) => (
                        <CauseRow
                            key={`${cause.cause} ${cause.changed}`}
                            alarm={alarm}
                            cause={cause}
                            may={may}
                            from={Date.parse(e.from)}
                            to={Date.parse(e.to)}
                        />
                    ))}
                </ol>
            )}
            {e && e.causes.length > most && (
                <ServerButton onClick={() => setMost(most + 10)}>Show more</ServerButton>
            )}
        </Panel>
    );
}

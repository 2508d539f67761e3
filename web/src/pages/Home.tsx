/* Home.tsx - how everything is, in a sentence, and the twins behind it. */

import { Link, useSearch } from "wouter";
import { SEVERITIES, useAlarmSummary } from "../api/alarms";
import { useRejections, useStateCounts, useTwinList } from "../api/queries";
import { useMay } from "../api/session";
import { formatCount, plural } from "../base/format";
import type { TwinSummary } from "../base/wire";
import { Button } from "../kit/Button";
import { cx } from "../kit/cx";
import { Icon } from "../kit/Icon";
import { Panel } from "../kit/Panel";
import { panelState } from "../kit/panelState";
import { useTitle } from "../kit/useTitle";
import { useTicking } from "../live/hooks";
import { FinishSetup } from "../panels/access/FinishSetup";
import { FirstTwin } from "../panels/FirstTwin";
import { dismissSteps, type Step, useSteps } from "../panels/progress";
import { judgeTwin, TwinCard } from "../panels/TwinCard";
import style from "./Home.module.css";

const PAGE = 24;
const SENSORS = 6;
const HOUR_MS = 3_600_000;
const REFUSED = 100;

/* The twins of the list that are not well; a string, so that only a change renders. */
function useAttention(twins: TwinSummary[]): string[] {
    const text = useTicking(() =>
        twins
            .filter((twin) => {
                const { state, level } = judgeTwin(twin);
                if (state === "stale") return true;
                return state === "live" && (level === "warning" || level === "critical");
            })
            .map((twin) => twin.id)
            .join("\n"),
    );
    return text === "" ? [] : text.split("\n");
}

interface HealthProps {
    counts: { live: number; stale: number; waiting: number; total: number };
    attention: string[];
    /* stale twins that the list has not come to */
    staleBeyond: number;
}

/* Alarms that nobody has taken note of. */
function AlarmsWaiting() {
    const summary = useAlarmSummary().data;
    const n = summary ? SEVERITIES.reduce((sum, s) => sum + summary.unacknowledged[s], 0) : 0;
    if (n === 0) return null;
    return (
        <>
            {", "}
            <Link href="/alarms">
                {formatCount(n)} {n === 1 ? "alarm waits" : "alarms wait"}
            </Link>
        </>
    );
}

function Health({ counts, attention, staleBeyond }: HealthProps) {
    const worrying = attention.length + staleBeyond;
    const target =
        attention.length === 1 && staleBeyond === 0
            ? `/twins/${encodeURIComponent(attention[0] ?? "")}`
            : attention.length === 0
              ? "/twins?state=stale"
              : "/?show=attention";
    return (
        <>
            {plural(counts.live, "twin")} live
            {worrying > 0 ? (
                <span className={style.warn}>
                    {", "}
                    <Link href={target}>
                        {formatCount(worrying)} {worrying === 1 ? "needs" : "need"} attention
                    </Link>
                </span>
            ) : (
                counts.live > 0 && ", none needs attention"
            )}
            {counts.waiting > 0 && `, ${formatCount(counts.waiting)} waiting`}
            <AlarmsWaiting />
        </>
    );
}

const STEPS: { step: Step; title: string; text: string; link: string; go: string }[] = [
    {
        step: "opened",
        title: "Watch a twin move",
        text: "Open one to see its values and charts.",
        link: "/twins",
        go: "See twins",
    },
    {
        step: "created",
        title: "Create your own",
        text: "From a sample or a profile you have.",
        link: "/connect",
        go: "Create a twin",
    },
    {
        step: "heard",
        title: "Send its first reading",
        text: "With curl, MQTT, Python or JavaScript.",
        link: "/connect",
        go: "Connect",
    },
];

function Checklist() {
    const { dismissed, done } = useSteps();
    const creates = useMay("twins:create");
    /* whoever only looks has nothing to create */
    if (!creates || dismissed || done.size === STEPS.length) return null;
    return (
        <section className={style.steps} aria-label="First steps">
            <ol>
                {STEPS.map((s, i) => (
                    <li key={s.step} className={cx(style.step, done.has(s.step) && style.done)}>
                        <span className={style.tick} aria-hidden="true">
                            {done.has(s.step) ? <Icon name="check" size={14} /> : i + 1}
                        </span>
                        <div>
                            <strong>
                                {s.title}
                                {done.has(s.step) && <span className="sr-only"> (done)</span>}
                            </strong>
                            <span>{s.text} </span>
                            {!done.has(s.step) && <Link href={s.link}>{s.go}</Link>}
                        </div>
                    </li>
                ))}
            </ol>
            <Button
                look="ghost"
                small
                icon="close"
                label="Dismiss these steps"
                onClick={dismissSteps}
            />
        </section>
    );
}

function Refused() {
    const rejections = useRejections({ sinceMs: HOUR_MS, limit: REFUSED });
    const latest = rejections.data?.items[0];
    if (!latest || !rejections.data) return null;
    const many = rejections.data.items.length;
    const count = `${formatCount(many)}${many === REFUSED ? " or more" : ""}`;
    return (
        <section className={style.strip} aria-label="Refused readings">
            <Icon name="warn" />
            <span>
                <strong>{many > 1 ? `${count} readings were` : "A reading was"} refused</strong>
                {" in the last hour"}
                {many > 1 ? "; the latest: " : ": "}
                {latest.detail}
            </span>
            <Link href="/connect#refused">See why</Link>
        </section>
    );
}

export function Home() {
    useTitle("Home");
    const only = new URLSearchParams(useSearch()).get("show") === "attention";
    const list = useTwinList({}, PAGE, SENSORS);
    const counts = useStateCounts();
    const twins = list.data?.pages.flatMap((p) => p.items) ?? [];
    const total = list.data?.pages.at(-1)?.total ?? 0;
    const attention = useAttention(twins);
    const shown = only ? twins.filter((t) => attention.includes(t.id)) : twins;
    const staleListed = twins.filter((t) => judgeTwin(t).state === "stale").length;
    const staleBeyond = list.hasNextPage ? Math.max(0, (counts.data?.stale ?? 0) - staleListed) : 0;
    const state = panelState({
        error: list.error,
        retry: () => void list.refetch(),
        hasData: list.data !== undefined,
        loading: list.isPending,
        empty: list.data && total === 0 ? { why: "never", text: "No twin is here yet." } : null,
    });
    return (
        <div className={style.stack}>
            <div>
                <h1 className={style.sentence} data-testid="health">
                    {total === 0 || !counts.data ? (
                        list.data && total === 0 ? (
                            "Nothing to watch yet"
                        ) : (
                            "Your twins"
                        )
                    ) : (
                        <Health
                            counts={counts.data}
                            attention={attention}
                            staleBeyond={staleBeyond}
                        />
                    )}
                </h1>
                {only && (
                    <p className={style.note}>
                        Only what needs attention. <Link href="/">Show all</Link>
                    </p>
                )}
            </div>
            <FinishSetup />
            <Refused />
            {state.kind === "live" ? (
                <>
                    <div className={style.cards}>
                        {shown.map((twin) => (
                            <TwinCard key={twin.id} twin={twin} />
                        ))}
                    </div>
                    {list.hasNextPage && (
                        <div className={style.more}>
                            <span>
                                {formatCount(twins.length)} of {formatCount(total)} twins
                            </span>
                            <Button
                                onClick={() => void list.fetchNextPage()}
                                disabled={list.isFetchingNextPage}
                            >
                                {list.isFetchingNextPage ? "Loading…" : "Show more"}
                            </Button>
                        </div>
                    )}
                    <Checklist />
                </>
            ) : (
                <Panel title="Twins" state={state} minHeight={240} action={<FirstTwin />} />
            )}
        </div>
    );
}

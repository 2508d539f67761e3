/* AlarmPage.tsx - one alarm: what happened around its onset, what was done, and what can be. */

import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "wouter";
import { type AlarmDetail, actOn, refreshAlarms, useAlarm } from "../api/alarms";
import { listSensors } from "../api/calls";
import { useMay } from "../api/session";
import { formatValue, humanise, unitSign } from "../base/format";
import { dateTime, preciseTime } from "../base/time";
import { Badge } from "../kit/Badge";
import { ServerButton } from "../kit/Button";
import { Input, Select } from "../kit/Field";
import { Panel } from "../kit/Panel";
import { panelState } from "../kit/panelState";
import { Refusal } from "../kit/Refusal";
import { Sections, sectionsStyle } from "../kit/Sections";
import { useAct } from "../kit/useAct";
import { useTitle } from "../kit/useTitle";
import { SeverityBadge, stateWord } from "../panels/alarms/AlarmBadges";
import style from "../panels/alarms/Alarms.module.css";
import { SensorChart } from "../panels/chart/SensorChart";
import { ExplainPanel } from "../panels/explain/ExplainPanel";

const BEFORE_MS = 10 * 60_000;
const AFTER_MS = 10 * 60_000;

function Onset({ alarm }: { alarm: AlarmDetail }) {
    const twin = alarm.twin ?? "";
    const sensors = useQuery({
        queryKey: ["twin", twin, "sensors"],
        queryFn: ({ signal }) => listSensors(twin, signal),
        enabled: twin !== "",
    });
    const at = Date.parse(alarm.raised);
    const [span, setSpan] = useState<[number, number]>([at - BEFORE_MS, at + AFTER_MS]);
    const sensor = sensors.data?.find((s) => s.id === alarm.sensor);
    if (!sensor) return null;
    return (
        <SensorChart
            twin={twin}
            sensor={sensor}
            view={{
                mode: "fixed",
                range: "15m",
                spanMs: span[1] - span[0],
                from: span[0],
                to: span[1],
            }}
            onZoom={(from, to) => setSpan([from, to])}
        />
    );
}

function Facts({ alarm }: { alarm: AlarmDetail }) {
    const unit = unitSign(alarm.unit);
    const limit = Object.entries(alarm.limit ?? {})
        .map(([word, at]) => `${word} ${at}`)
        .join(", ");
    const rows: [string, React.ReactNode][] = [
        ["State", stateWord(alarm)],
        [
            "Twin",
            alarm.twin && (
                <Link href={`/twins/${encodeURIComponent(alarm.twin)}`}>
                    {alarm.twinName ?? alarm.twin}
                </Link>
            ),
        ],
        ["Sensor", alarm.sensorName],
        ["Raised", dateTime(Date.parse(alarm.raised))],
        ["Cleared", alarm.cleared && dateTime(Date.parse(alarm.cleared))],
        ["Value", alarm.value !== null && `${formatValue(alarm.value)} ${unit}`],
        ["Furthest", alarm.peak !== null && `${formatValue(alarm.peak)} ${unit}`],
        ["Limit", limit],
        ["Times", alarm.count > 1 && String(alarm.count)],
        ["From", alarm.rule ? `rule ${alarm.rule}, version ${alarm.ruleVersion}` : alarm.source],
        ["Assigned to", alarm.assignee],
        [
            "Shelved",
            alarm.shelvedUntil &&
                `until ${dateTime(Date.parse(alarm.shelvedUntil))}: ${alarm.shelvedReason}`,
        ],
    ];
    return (
        <dl className={style.facts}>
            {rows
                .filter(([, value]) => value)
                .map(([word, value]) => (
                    <div key={word} style={{ display: "contents" }}>
                        <dt>{word}</dt>
                        <dd>{value}</dd>
                    </div>
                ))}
        </dl>
    );
}

function Steps({ alarm }: { alarm: AlarmDetail }) {
    return (
        <ol className={style.steps} aria-label="What happened">
            {alarm.steps.map((step, i) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: steps are only ever added
                <li key={i}>
                    <strong>{humanise(step.step)}</strong> {preciseTime(Date.parse(step.at))}
                    {step.whoName && ` by ${step.whoName}`}
                    {step.text && <span className={style.sub}>{step.text}</span>}
                </li>
            ))}
        </ol>
    );
}

function Sent({ alarm }: { alarm: AlarmDetail }) {
    if (alarm.deliveries.length === 0) return <p>Nobody was told of it.</p>;
    return (
        <ul className={style.steps} aria-label="What was sent">
            {alarm.deliveries.map((one) => (
                <li key={one.id}>
                    <Badge
                        tone={one.state === "sent" ? "ok" : one.state === "dead" ? "crit" : "mute"}
                    >
                        {humanise(one.state)}
                    </Badge>{" "}
                    {one.destination ?? `command ${one.command?.name ?? ""}`}, {one.on}
                    {one.why && <span className={style.sub}>{one.why}</span>}
                </li>
            ))}
        </ul>
    );
}

function Handle({ alarm }: { alarm: AlarmDetail }) {
    const act = useAct();
    const [text, setText] = useState("");
    const [length, setLength] = useState("8h");
    const run = (deed: string, body: unknown, said: string) =>
        act.run(async () => {
            await actOn(alarm.id, deed, body);
            setText("");
            await refreshAlarms();
        }, said);
    const comment = text.trim() ? { comment: text.trim() } : {};
    return (
        <div className={style.stack}>
            <Refusal error={act.error} />
            <Input
                label="Comment or reason"
                value={text}
                maxLength={2000}
                onChange={(e) => setText(e.target.value)}
            />
            <div className={style.actions}>
                <ServerButton
                    look="primary"
                    disabled={act.busy || alarm.acknowledged}
                    onClick={() => void run("acknowledge", comment, "Acknowledged")}
                >
                    Acknowledge
                </ServerButton>
                <ServerButton
                    disabled={act.busy || !text.trim()}
                    onClick={() => void run("comment", { text: text.trim() }, "Written")}
                >
                    Comment
                </ServerButton>
                <ServerButton
                    disabled={act.busy}
                    onClick={() => void run("clear", comment, "Ended")}
                >
                    End by hand
                </ServerButton>
            </div>
            <div className={style.actions}>
                <Select
                    label="Out of service for"
                    value={length}
                    onChange={(e) => setLength(e.target.value)}
                    options={["1h", "8h", "1d", "7d"].map((v) => ({ value: v, label: v }))}
                />
                {alarm.shelvedUntil ? (
                    <ServerButton
                        disabled={act.busy}
                        onClick={() => void run("unshelve", comment, "Back in service")}
                    >
                        Unshelve
                    </ServerButton>
                ) : (
                    <ServerButton
                        disabled={act.busy || !text.trim()}
                        title={text.trim() ? undefined : "Say why, above"}
                        onClick={() =>
                            void run("shelve", { for: length, reason: text.trim() }, "Shelved")
                        }
                    >
                        Shelve
                    </ServerButton>
                )}
            </div>
        </div>
    );
}

export default function AlarmPage({ id }: { id: string }) {
    const found = useAlarm(id);
    const may = useMay("alarms:handle");
    const alarm = found.data;
    useTitle(alarm?.message ?? "Alarm");
    const state = panelState({
        error: found.error,
        retry: () => void found.refetch(),
        hasData: alarm !== undefined,
        loading: found.isPending,
        empty: null,
    });
    return (
        <Sections
            title={alarm?.message ?? `Alarm ${id}`}
            lead={alarm && <SeverityBadge severity={alarm.severity} />}
            actions={<Link href="/alarms">All alarms</Link>}
        >
            <div className={sectionsStyle.wide}>
                <div className={style.stack}>
                    {alarm?.sensor && <Onset alarm={alarm} />}
                    <Panel title="What it is" state={state} minHeight={160}>
                        {alarm && <Facts alarm={alarm} />}
                    </Panel>
                    {alarm?.open && may && (
                        <Panel title="What you can do">
                            <Handle alarm={alarm} />
                        </Panel>
                    )}
                    {alarm?.twin && <ExplainPanel alarm={alarm.id} may={may} />}
                    {alarm && (
                        <Panel title="What happened">
                            <Steps alarm={alarm} />
                        </Panel>
                    )}
                    {alarm && (
                        <Panel title="Who was told">
                            <Sent alarm={alarm} />
                        </Panel>
                    )}
                </div>
            </div>
        </Sections>
    );
}

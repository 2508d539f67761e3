/* Alarms.tsx - the inbox: what is open, by how bad it is; many acknowledged at once. */

import { useEffect, useState } from "react";
import { Link, useLocation, useSearch } from "wouter";
import { actOn, refreshAlarms, SEVERITIES, useAlarmSummary, useAlarms } from "../api/alarms";
import { useMay } from "../api/session";
import { plural } from "../base/format";
import { Button, ServerButton } from "../kit/Button";
import { Input, Select } from "../kit/Field";
import { Panel } from "../kit/Panel";
import { panelState } from "../kit/panelState";
import { Refusal } from "../kit/Refusal";
import { Sections, sectionsStyle } from "../kit/Sections";
import { useAct } from "../kit/useAct";
import { useDelayed } from "../kit/useDelayed";
import { useTitle } from "../kit/useTitle";
import style from "../panels/alarms/Alarms.module.css";
import { AlarmTable } from "../panels/alarms/AlarmTable";

const STATES = [
    { value: "open", label: "Open" },
    { value: "raised", label: "Raised" },
    { value: "acknowledged", label: "Acknowledged" },
    { value: "cleared", label: "Cleared, not acknowledged" },
    { value: "shelved", label: "Shelved" },
    { value: "settled", label: "Settled" },
    { value: "all", label: "All" },
];

const FIELDS = ["severity", "twin", "assignee"] as const;

function Lead() {
    const summary = useAlarmSummary().data;
    if (!summary) return null;
    const waiting = SEVERITIES.reduce((n, s) => n + summary.unacknowledged[s], 0);
    const active = SEVERITIES.reduce((n, s) => n + summary.active[s], 0);
    return (
        <>
            {plural(active, "alarm")} active, {waiting} to be acknowledged, {summary.shelved}{" "}
            shelved.
        </>
    );
}

export default function Alarms() {
    useTitle("Alarms");
    const params = new URLSearchParams(useSearch());
    const [, navigate] = useLocation();
    const may = useMay("alarms:handle");
    const admin = useMay("destinations:manage");
    const act = useAct();
    const [chosen, setChosen] = useState(new Set<string>());
    const state = params.get("state") ?? "open";
    const [twin, setTwin] = useState(params.get("twin") ?? "");
    const filter = {
        state,
        ...Object.fromEntries(
            FIELDS.filter((f) => f !== "twin").map((f) => [f, params.get(f) || undefined]),
        ),
        twin: useDelayed(twin.trim(), 250) || undefined,
    };
    const list = useAlarms(filter);
    const alarms = list.data?.pages.flatMap((p) => p.alarms) ?? [];
    const set = (name: string, value: string) => {
        const next = new URLSearchParams(params);
        if (value) next.set(name, value);
        else next.delete(name);
        navigate(`/alarms?${next}`, { replace: true });
    };
    const acknowledge = () =>
        act.run(
            async () => {
                for (const id of chosen) await actOn(id, "acknowledge");
                setChosen(new Set());
                await refreshAlarms();
            },
            `Acknowledged ${plural(chosen.size, "alarm")}`,
        );
    useEffect(() => {
        const onKey = (e: KeyboardEvent) => {
            const typing = (e.target as HTMLElement).closest(
                "input:not([type=checkbox]),textarea,select",
            );
            if (e.key === "a" && !e.ctrlKey && !e.metaKey && !typing && chosen.size > 0 && may)
                void acknowledge();
        };
        addEventListener("keydown", onKey);
        return () => removeEventListener("keydown", onKey);
    });
    const shown = panelState({
        error: list.error,
        retry: () => void list.refetch(),
        hasData: list.data !== undefined,
        loading: list.isPending,
        empty:
            list.data && alarms.length === 0
                ? state === "open" && !filter.twin
                    ? { why: "never", text: "No alarm is open." }
                    : { why: "filter", text: "No alarm fits this filter." }
                : null,
    });
    return (
        <Sections
            title="Alarms"
            lead={<Lead />}
            actions={admin && <Link href="/destinations">Destinations</Link>}
        >
            <div className={sectionsStyle.wide}>
                <search className={style.filters} aria-label="Filter the alarms">
                    <Select
                        label="State"
                        value={state}
                        onChange={(e) => set("state", e.target.value)}
                        options={STATES}
                    />
                    <Select
                        label="Severity"
                        value={params.get("severity") ?? ""}
                        onChange={(e) => set("severity", e.target.value)}
                        options={[
                            { value: "", label: "Any" },
                            { value: "critical", label: "Critical" },
                            { value: "critical,major", label: "Major and worse" },
                            { value: "critical,major,warning", label: "Warning and worse" },
                        ]}
                    />
                    <Input
                        label="Twin"
                        type="search"
                        placeholder="pump-1"
                        spellCheck={false}
                        value={twin}
                        onChange={(e) => setTwin(e.target.value)}
                    />
                    <Select
                        label="Assigned"
                        value={params.get("assignee") ?? ""}
                        onChange={(e) => set("assignee", e.target.value)}
                        options={[
                            { value: "", label: "To anybody" },
                            { value: "none", label: "To nobody" },
                        ]}
                    />
                </search>
                <Refusal error={act.error} />
                <Panel
                    title="Inbox"
                    note={alarms.length > 0 ? String(alarms.length) : undefined}
                    actions={
                        may && (
                            <ServerButton
                                small
                                disabled={chosen.size === 0 || act.busy}
                                title="Acknowledge the chosen ones (a)"
                                onClick={() => void acknowledge()}
                            >
                                Acknowledge {chosen.size > 0 ? chosen.size : "chosen"}
                            </ServerButton>
                        )
                    }
                    state={shown}
                    flush
                    minHeight={240}
                >
                    <AlarmTable
                        alarms={alarms}
                        twins
                        chosen={may ? chosen : null}
                        choose={(id, on) => {
                            const next = new Set(chosen);
                            if (on) next.add(id);
                            else next.delete(id);
                            setChosen(next);
                        }}
                    />
                    {list.hasNextPage && (
                        <div className={style.foot}>
                            <Button onClick={() => void list.fetchNextPage()}>Show more</Button>
                        </div>
                    )}
                </Panel>
            </div>
        </Sections>
    );
}

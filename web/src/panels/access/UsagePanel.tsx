import { useState } from "react";
import { setQuotas } from "../../api/access";
import { refresh, useUsage } from "../../api/accessQueries";
import { QUOTAS, type Quota, type Usage, type Use } from "../../base/access";
import { formatBytes, formatCount } from "../../base/format";
import { Button, ServerButton } from "../../kit/Button";
import { Dialog, DialogButtons } from "../../kit/Dialog";
import { Input } from "../../kit/Field";
import { Panel } from "../../kit/Panel";
import { panelState } from "../../kit/panelState";
import { Refusal } from "../../kit/Refusal";
import { sectionsStyle } from "../../kit/Sections";
import { useAct } from "../../kit/useAct";
import { fullness } from "./fullness";
import style from "./Usage.module.css";

const WORDS: Record<Quota, { label: string; write: (n: number) => string }> = {
    twins: { label: "Twins", write: formatCount },
    series: { label: "Series", write: formatCount },
    readingsPerSecond: { label: "Readings a second", write: (n) => formatCount(Math.round(n)) },
    storageBytes: { label: "Storage", write: formatBytes },
};

const TONE_WORDS = { ok: "", warn: "nearly full", crit: "full" };

function Gauge({ quota, use }: { quota: Quota; use: Use }) {
    const { label, write } = WORDS[quota];
    const full = fullness(use);
    return (
        <div className={style.gauge}>
            <div className={style.words}>
                <span>{label}</span>
                <span>
                    <strong>{write(use.used)}</strong>
                    {full ? ` of ${write(use.limit ?? 0)}` : ", no limit"}
                    {full && full.tone !== "ok" && (
                        <span className={style[full.tone]}>, {TONE_WORDS[full.tone]}</span>
                    )}
                </span>
            </div>
            <div className={style.bar} aria-hidden="true">
                {full && (
                    <div
                        className={style[full.tone]}
                        style={{ width: `${Math.max(full.share * 100, use.used > 0 ? 1 : 0)}%` }}
                    />
                )}
            </div>
        </div>
    );
}

export function UsagePanel({ org, quotas }: { org: string; quotas: boolean }) {
    const usage = useUsage(org);
    const [changing, setChanging] = useState(false);
    const state = panelState({
        error: usage.error,
        retry: () => void usage.refetch(),
        hasData: usage.data !== undefined,
        loading: usage.data === undefined,
    });
    return (
        <Panel
            title="Use and quotas"
            state={state}
            actions={
                quotas && (
                    <Button small onClick={() => setChanging(true)}>
                        Change quotas
                    </Button>
                )
            }
        >
            <div className={style.gauges}>
                {QUOTAS.map((quota) => {
                    const use = usage.data?.[quota];
                    return use && <Gauge key={quota} quota={quota} use={use} />;
                })}
            </div>
            {changing && usage.data && (
                <QuotasDialog org={org} usage={usage.data} close={() => setChanging(false)} />
            )}
        </Panel>
    );
}

export function QuotasDialog(props: { org: string; usage: Usage; close: () => void }) {
    const { org, usage, close } = props;
    const [limits, setLimits] = useState<Record<Quota, string>>(
        () =>
            Object.fromEntries(QUOTAS.map((q) => [q, String(usage[q]?.limit ?? "")])) as Record<
                Quota,
                string
            >,
    );
    const act = useAct();
    const wrong = (text: string) => (/^\d{0,15}$/.test(text.trim()) ? null : "A whole number.");
    const ready = QUOTAS.every((q) => wrong(limits[q]) === null);
    const save = async () => {
        const next = Object.fromEntries(
            QUOTAS.map((q) => [q, limits[q].trim() === "" ? null : Number(limits[q])]),
        );
        const done = await act.run(async () => {
            await setQuotas(org, next);
            await refresh("usage");
        }, "Quotas changed");
        if (done) close();
    };
    return (
        <Dialog
            open
            onOpenChange={(open) => !open && close()}
            title={`Quotas of ${org}`}
            description="Empty means no limit. What is above a new limit stays; nothing more is taken."
        >
            <form
                className={sectionsStyle.form}
                style={{ marginTop: 12 }}
                onSubmit={(event) => {
                    event.preventDefault();
                    if (ready) void save();
                }}
            >
                <div className={sectionsStyle.pair}>
                    {QUOTAS.map((q) => (
                        <Input
                            key={q}
                            label={q === "storageBytes" ? "Storage (bytes)" : WORDS[q].label}
                            inputMode="numeric"
                            value={limits[q]}
                            bad={wrong(limits[q])}
                            onChange={(e) => setLimits({ ...limits, [q]: e.target.value })}
                        />
                    ))}
                </div>
                <Refusal error={act.error} />
                <DialogButtons>
                    <Button onClick={close}>Cancel</Button>
                    <ServerButton look="primary" type="submit" disabled={act.busy || !ready}>
                        Save
                    </ServerButton>
                </DialogButtons>
            </form>
        </Dialog>
    );
}

import { useMemo } from "react";
import { useLocation } from "wouter";
import { useFindings, useProfile } from "../api/queries";
import { lineOf, readable } from "../base/jsontext";
import type { Finding } from "../base/wire";
import { Icon } from "../kit/Icon";
import { Panel } from "../kit/Panel";
import { panelState } from "../kit/panelState";
import { FindingsList, VerdictLine } from "./FindingsList";
import style from "./FindingsPanel.module.css";

/* What the validator says of a kept twin; each finding leads to its line in the profile. */
export function FindingsPanel({ twin }: { twin: string }) {
    const [, navigate] = useLocation();
    const findings = useFindings(twin);
    const profile = useProfile(twin, false, false);
    const text = useMemo(() => (profile.data ? readable(profile.data.text) : null), [profile.data]);
    const state = panelState({
        error: findings.error,
        retry: () => void findings.refetch(),
        hasData: findings.data !== undefined,
        loading: findings.data === undefined,
    });
    const verdict = findings.data;
    const pick = (f: Finding) =>
        navigate(`/twins/${encodeURIComponent(twin)}/profile?at=${encodeURIComponent(f.pointer)}`);
    return (
        <Panel
            title="Findings"
            state={state}
            flush
            actions={verdict && <VerdictLine verdict={verdict} />}
        >
            {verdict?.findings.length === 0 ? (
                <p className={style.fine}>
                    <Icon name="check" />
                    Nothing is missing and nothing is wrong.
                </p>
            ) : (
                verdict && (
                    <FindingsList
                        label="Findings"
                        findings={verdict.findings}
                        {...(text === null
                            ? {}
                            : { lineOf: (f: Finding) => lineOf(text, f.pointer) })}
                        onPick={pick}
                    />
                )
            )}
        </Panel>
    );
}

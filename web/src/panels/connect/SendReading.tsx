/* SendReading.tsx - step two: lines to copy that send a reading, or one sent from this page. */

import { useState } from "react";
import { request } from "../../api/client";
import { useStatus } from "../../api/queries";
import type { Sensor } from "../../base/wire";
import { ServerButton } from "../../kit/Button";
import { Select } from "../../kit/Field";
import { Panel } from "../../kit/Panel";
import { type PanelState, panelState } from "../../kit/panelState";
import { Tabs } from "../../kit/Tabs";
import { announce } from "../../kit/toast";
import { CodeBlock } from "./CodeBlock";
import style from "./Connect.module.css";
import { exampleValue, mqttTarget, snippets } from "./snippets";

export interface SendReadingProps {
    twin: string | null;
    sensors: Sensor[] | undefined;
    error: unknown;
    retry: () => void;
}

function stateOf(p: SendReadingProps): PanelState {
    return panelState({
        error: p.error,
        retry: p.retry,
        hasData: p.sensors !== undefined,
        misconfigured: p.twin === null ? "Choose or create a twin first." : null,
        loading: p.sensors === undefined,
        empty:
            p.sensors?.length === 0
                ? { why: "never", text: "This twin has no sensors to send to." }
                : null,
    });
}

export function SendReading(props: SendReadingProps) {
    const { twin, sensors } = props;
    const status = useStatus();
    const [chosen, setChosen] = useState<string | null>(null);
    const [way, setWay] = useState("curl");
    const [busy, setBusy] = useState(false);
    const sensor = sensors?.find((s) => s.id === chosen) ?? sensors?.[0];
    const list =
        twin && sensor
            ? snippets({
                  origin: location.origin,
                  mqtt: mqttTarget(status.data?.addresses, location.hostname),
                  twin,
                  sensor: sensor.id,
                  example: exampleValue(sensor),
              })
            : [];
    const snippet = list.find((s) => s.key === way) ?? list[0];
    const send = async () => {
        if (!twin || !sensor) return;
        setBusy(true);
        try {
            await request(
                `/api/v1/twins/${encodeURIComponent(twin)}/sensors/${encodeURIComponent(sensor.id)}/readings`,
                { method: "POST", body: JSON.stringify({ value: exampleValue(sensor) }) },
            );
            announce(`Sent ${String(exampleValue(sensor))} to ${sensor.name}`);
        } catch (error) {
            announce(`Not taken: ${(error as Error).message}`);
        } finally {
            setBusy(false);
        }
    };
    return (
        <Panel title="2. Send a reading" state={stateOf(props)}>
            {sensor && snippet && (
                <>
                    <div className={style.tools}>
                        <Select
                            label="Sensor"
                            value={sensor.id}
                            onChange={(e) => setChosen(e.target.value)}
                            options={(sensors ?? []).map((s) => ({
                                value: s.id,
                                label: `${s.name} (${s.id})`,
                            }))}
                        />
                        <ServerButton disabled={busy} onClick={send}>
                            Send one from this page
                        </ServerButton>
                    </div>
                    <Tabs
                        label="Ways to send"
                        value={snippet.key}
                        onChange={setWay}
                        tabs={list.map((s) => ({ value: s.key, label: s.label }))}
                    >
                        <div className={style.snippet}>
                            <CodeBlock
                                code={snippet.code}
                                label={`${snippet.label} snippet`}
                                note={
                                    snippet.needs ? (
                                        <>
                                            Needs <code>{snippet.needs}</code>
                                        </>
                                    ) : (
                                        "In a terminal"
                                    )
                                }
                            />
                            {list.length === 1 && (
                                <p className={style.mute}>
                                    {status.isPending
                                        ? "Looking for the MQTT address…"
                                        : "This server listens for no MQTT."}
                                </p>
                            )}
                        </div>
                    </Tabs>
                </>
            )}
        </Panel>
    );
}

/* SendReading.tsx - step two: lines to copy that send a reading, or one sent from this page. */

import { useState } from "react";
import { makeCredential } from "../../api/access";
import { refresh } from "../../api/accessQueries";
import { apiPath, request } from "../../api/client";
import { useStatus } from "../../api/queries";
import { useLocked, useMay } from "../../api/session";
import type { Sensor } from "../../base/wire";
import { ServerButton } from "../../kit/Button";
import { Select } from "../../kit/Field";
import { Icon } from "../../kit/Icon";
import { Panel } from "../../kit/Panel";
import { type PanelState, panelState } from "../../kit/panelState";
import { Refusal } from "../../kit/Refusal";
import { Tabs } from "../../kit/Tabs";
import { useAct } from "../../kit/useAct";
import { CodeBlock } from "./CodeBlock";
import style from "./Connect.module.css";
import { exampleValue, mqttTarget, PLACEHOLDER, snippets } from "./snippets";

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
    const sending = useAct();
    const locked = useLocked();
    const [made, setMade] = useState<{ twin: string; token: string } | null>(null);
    const token = made?.twin === twin ? made.token : null;
    const sensor = sensors?.find((s) => s.id === chosen) ?? sensors?.[0];
    const list =
        twin && sensor
            ? snippets({
                  origin: location.origin,
                  mqtt: mqttTarget(status.data?.addresses, location.hostname),
                  twin,
                  sensor: sensor.id,
                  example: exampleValue(sensor),
                  token: locked ? (token ?? PLACEHOLDER) : null,
              })
            : [];
    const snippet = list.find((s) => s.key === way) ?? list[0];
    const send = () => {
        if (!twin || !sensor) return;
        const value = exampleValue(sensor);
        const path = apiPath(["twins", twin, "sensors", sensor.id, "readings"]);
        const ask = { method: "POST" as const, body: JSON.stringify({ value }) };
        void sending.run(() => request(path, ask), `Sent ${String(value)} to ${sensor.name}`);
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
                        <ServerButton disabled={sending.busy} onClick={send}>
                            Send one from this page
                        </ServerButton>
                    </div>
                    <Refusal error={sending.error} what="Not taken" />
                    {locked && twin && (
                        <DeviceToken
                            key={twin}
                            twin={twin}
                            token={token}
                            made={(token) => setMade({ twin, token })}
                        />
                    )}
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

/* Behind a locked door the lines need a token: made when asked for, and then in every one of them. */
function DeviceToken(props: { twin: string; token: string | null; made: (token: string) => void }) {
    const may = useMay("devices:manage");
    const act = useAct();
    if (props.token) {
        return (
            <p className={style.filled} role="status" style={{ margin: "0 0 12px" }}>
                <Icon name="key" />
                <span>
                    The lines below carry a new token of this device. Copy them now: it is shown
                    this once.
                </span>
            </p>
        );
    }
    const make = () =>
        act.run(async () => {
            const made = await makeCredential(props.twin, { kind: "token", name: "From Connect" });
            props.made(made.token ?? "");
            await refresh("credentials", "devices");
        }, "Made a token");
    return (
        <div className={style.form} style={{ marginBottom: 12 }}>
            <div className={style.tools} style={{ marginBottom: 0, alignItems: "center" }}>
                <p className={style.mute}>
                    The device has to show a token, where these lines say <code>{PLACEHOLDER}</code>
                    .
                </p>
                {may && (
                    <ServerButton icon="key" disabled={act.busy} onClick={() => void make()}>
                        {act.busy ? "Making…" : "Make a token"}
                    </ServerButton>
                )}
            </div>
            <Refusal error={act.error} />
        </div>
    );
}

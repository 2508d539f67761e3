/* Listening.tsx - step three: waits for the first reading and shows what arrives. */

import { useCallback, useEffect, useRef, useState } from "react";
import { Link } from "wouter";
import { plural } from "../../base/format";
import type { Sensor, Update } from "../../base/wire";
import { Badge } from "../../kit/Badge";
import { buttonClass } from "../../kit/Button";
import { cx } from "../../kit/cx";
import { Icon } from "../../kit/Icon";
import { Panel } from "../../kit/Panel";
import { panelState } from "../../kit/panelState";
import { useOffline, usePaused, useSubscription, useTap, useTicking } from "../../live/hooks";
import { store } from "../../live/live";
import { PropertyTable } from "../PropertyTable";
import { finishStep } from "../progress";
import style from "./Connect.module.css";

export interface ListeningProps {
    twin: string;
    sensors: Sensor[] | undefined;
    error: unknown;
    retry: () => void;
}

/* Counts readings that came after those the server already had when this was opened. */
function useCount(twin: string, sensors: Sensor[] | undefined): number {
    const known = useRef<Map<string, number> | null>(null);
    const count = useRef(0);
    const [shown, setShown] = useState(0);
    if (known.current === null && sensors) {
        known.current = new Map(sensors.map((s) => [s.id, s.t ?? Number.NEGATIVE_INFINITY]));
    }
    useTap(
        useCallback(
            (update: Update) => {
                if (update.twin !== twin || known.current === null) return;
                if (update.t <= (known.current.get(update.sensor) ?? Number.NEGATIVE_INFINITY)) {
                    return;
                }
                count.current++;
            },
            [twin],
        ),
    );
    useEffect(() => {
        const timer = setInterval(() => setShown(count.current), 250);
        return () => clearInterval(timer);
    }, []);
    return shown;
}

function Waiting({ twin }: { twin: string }) {
    const still = usePaused() !== null;
    const offline = useOffline();
    return (
        <div className={cx(style.listening, (still || offline) && style.still)} role="status">
            <span className={style.pulse}>
                <Icon name={offline ? "offline" : "live"} size={24} />
            </span>
            <p>
                <strong>{offline ? "Not connected" : "Listening…"}</strong>
                <br />
                The first reading appears here by itself.
            </p>
            <code className={style.topic}>twins/{twin}/sensors/…</code>
        </div>
    );
}

export function Listening({ twin, sensors, error, retry }: ListeningProps) {
    useSubscription([{ twin }]);
    const count = useCount(twin, sensors);
    const heard = useTicking(
        () => sensors?.some((s) => s.t !== null || store.shown(twin, s.id).t !== null) ?? false,
    );
    useEffect(() => {
        if (heard) finishStep("heard");
    }, [heard]);
    const state = panelState({
        error,
        retry,
        hasData: sensors !== undefined,
        loading: sensors === undefined,
    });
    return (
        <Panel title="3. See it arrive" state={state} flush minHeight={220}>
            {sensors && heard ? (
                <>
                    <div className={style.heard} role="status" data-testid="heard">
                        {count > 0 ? (
                            <Badge tone="ok" icon="live" filled>
                                Receiving
                            </Badge>
                        ) : (
                            <Badge tone="mute" icon="clock" filled>
                                Heard before
                            </Badge>
                        )}
                        <span>
                            {count > 0
                                ? `${plural(count, "reading")} since you opened this`
                                : "Listening for the next reading"}
                        </span>
                        <Link
                            href={`/twins/${encodeURIComponent(twin)}`}
                            className={buttonClass("secondary", true)}
                            style={{ marginLeft: "auto" }}
                        >
                            Open the twin
                        </Link>
                    </div>
                    <PropertyTable twin={twin} sensors={sensors} />
                </>
            ) : (
                <Waiting twin={twin} />
            )}
        </Panel>
    );
}

import { useState } from "react";
import { endOtherSessions, endSession } from "../../api/access";
import { refresh, useSessions } from "../../api/accessQueries";
import type { SessionRecord } from "../../base/access";
import { expiresIn } from "../../base/expiry";
import { Badge } from "../../kit/Badge";
import { ServerButton } from "../../kit/Button";
import { Item, Items } from "../../kit/Items";
import { Panel } from "../../kit/Panel";
import { Refusal } from "../../kit/Refusal";
import { sectionsStyle as style } from "../../kit/Sections";
import { useAct } from "../../kit/useAct";
import { thisDevice } from "./device";
import { listState } from "./lists";
import { Since } from "./Since";

const HOW: Record<string, string> = {
    password: "password",
    totp: "password and code",
    "password+totp": "password and code",
    recovery: "recovery code",
    passkey: "passkey",
    oidc: "identity provider",
    setup: "set-up link",
    invitation: "invitation",
    link: "share link",
};

/* This one first, then those that were seen last. */
function inOrder(sessions: SessionRecord[]): SessionRecord[] {
    return [...sessions].sort(
        (a, b) => Number(b.current) - Number(a.current) || (b.seen > a.seen ? 1 : -1),
    );
}

export function SessionsPanel() {
    const sessions = useSessions();
    const act = useAct();
    const [ending, setEnding] = useState("");
    const end = (one: SessionRecord) => {
        setEnding(one.id);
        return act.run(async () => {
            await endSession(one.id);
            await refresh(one.current ? "session" : "sessions");
        }, "Session ended");
    };
    const others = sessions.data?.filter((s) => !s.current).length ?? 0;
    return (
        <Panel
            title="Sessions"
            state={listState(sessions, "There is no session.")}
            flush
            actions={
                others > 0 && (
                    <ServerButton
                        small
                        disabled={act.busy}
                        onClick={() =>
                            void act.run(async () => {
                                await endOtherSessions();
                                await refresh("sessions");
                            }, "The other sessions have ended")
                        }
                    >
                        End all others
                    </ServerButton>
                )
            }
        >
            {act.error !== null && (
                <div className={style.padded}>
                    <Refusal error={act.error} />
                </div>
            )}
            <Items label="Sessions" most={6}>
                {inOrder(sessions.data ?? []).map((one) => (
                    <Item
                        key={one.id}
                        title={thisDevice(one.agent)}
                        badges={
                            one.current && (
                                <Badge tone="info" filled>
                                    this one
                                </Badge>
                            )
                        }
                        facts={[
                            one.address,
                            HOW[one.how.split(":")[0] ?? ""] ?? one.how,
                            <Since key="s" word="seen" t={one.seen} never="" />,
                            `ends ${expiresIn(one.expires)}`,
                        ]}
                        actions={
                            <ServerButton
                                small
                                disabled={act.busy && ending === one.id}
                                aria-label={`End the session of ${thisDevice(one.agent)}${one.current ? ", this one" : ""}`}
                                onClick={() => void end(one)}
                            >
                                End
                            </ServerButton>
                        }
                    />
                ))}
            </Items>
        </Panel>
    );
}

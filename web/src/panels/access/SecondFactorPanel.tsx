/* SecondFactorPanel.tsx - codes of an app (TOTP), and the recovery codes for when it is lost. */

import { useState } from "react";
import { finishTotp, newRecoveryCodes, removeTotp, startTotp } from "../../api/access";
import { refresh, useAccount } from "../../api/accessQueries";
import { plural } from "../../base/format";
import { Badge } from "../../kit/Badge";
import { Button, ServerButton } from "../../kit/Button";
import { Confirm, Dialog, DialogButtons } from "../../kit/Dialog";
import { Input } from "../../kit/Field";
import { freshly } from "../../kit/freshness";
import { Panel } from "../../kit/Panel";
import { panelState } from "../../kit/panelState";
import { Qr } from "../../kit/Qr";
import { RecoveryCodes } from "../../kit/RecoveryCodes";
import { Refusal } from "../../kit/Refusal";
import { sectionsStyle as style } from "../../kit/Sections";
import { useAct } from "../../kit/useAct";

export function SecondFactorPanel() {
    const account = useAccount();
    const on = account.data?.totp ?? false;
    const left = account.data?.recoveryCodes ?? 0;
    const [enrolment, setEnrolment] = useState<{ secret: string; uri: string } | null>(null);
    const [codes, setCodes] = useState<string[] | null>(null);
    const [leaving, setLeaving] = useState(false);
    const act = useAct();
    const begin = () => act.run(async () => setEnrolment(await startTotp()));
    const renew = () =>
        act.run(async () => {
            setCodes((await newRecoveryCodes()).recoveryCodes);
            await refresh("account");
        });
    return (
        <Panel
            title="Codes of an app"
            state={panelState({
                error: account.error,
                retry: () => void account.refetch(),
                hasData: account.data !== undefined,
                loading: account.data === undefined,
            })}
            actions={
                on ? (
                    <Badge tone="ok" icon="check" filled>
                        On
                    </Badge>
                ) : (
                    <Badge tone="mute" icon="wait" filled>
                        Off
                    </Badge>
                )
            }
        >
            <div className={style.form}>
                <p className={style.note}>
                    {on
                        ? `Signing in with your password also asks for the code that your app shows. You have ${plural(left, "recovery code")} left.`
                        : "An authenticator app shows a code that is asked for beside your password, so that a password alone opens nothing."}
                </p>
                {codes && <RecoveryCodes codes={codes} />}
                <Refusal error={act.error} />
                <div className={style.buttons}>
                    {on ? (
                        <>
                            <ServerButton disabled={act.busy} onClick={renew}>
                                New recovery codes
                            </ServerButton>
                            <Button look="danger" onClick={() => setLeaving(true)}>
                                Turn off
                            </Button>
                        </>
                    ) : (
                        <ServerButton disabled={act.busy} onClick={begin}>
                            Turn on
                        </ServerButton>
                    )}
                </div>
            </div>
            {enrolment && (
                <Enrol
                    {...enrolment}
                    close={() => setEnrolment(null)}
                    done={(made) => {
                        setEnrolment(null);
                        setCodes(made);
                        void refresh("session", "account");
                    }}
                />
            )}
            <Confirm
                open={leaving}
                onOpenChange={setLeaving}
                title="Turn off the codes?"
                text="Your password alone will sign you in, and the recovery codes no longer work."
                verb="Turn off"
                run={async () => {
                    await freshly(removeTotp);
                    setCodes(null);
                    await refresh("session", "account");
                }}
            />
        </Panel>
    );
}

interface EnrolProps {
    secret: string;
    uri: string;
    close: () => void;
    done: (recoveryCodes: string[]) => void;
}

function Enrol({ secret, uri, close, done }: EnrolProps) {
    const [code, setCode] = useState("");
    const act = useAct();
    const digits = code.replace(/\s/g, "");
    return (
        <Dialog
            open
            onOpenChange={(open) => !open && close()}
            title="Codes of an app"
            description="Scan this with your authenticator app, then type the code that it shows."
        >
            <form
                className={style.form}
                style={{ marginTop: 12 }}
                onSubmit={(event) => {
                    event.preventDefault();
                    void act.run(async () => done((await finishTotp(digits)).recoveryCodes));
                }}
            >
                <div style={{ display: "flex", justifyContent: "center" }}>
                    <Qr text={uri} label="QR code for your authenticator app" />
                </div>
                <p className={style.note}>
                    It cannot scan? Type this key:{" "}
                    <code data-testid="totp-secret" style={{ overflowWrap: "anywhere" }}>
                        {secret.replace(/(.{4})(?=.)/g, "$1 ")}
                    </code>
                </p>
                <Input
                    label="Code"
                    inputMode="numeric"
                    autoComplete="one-time-code"
                    placeholder="123 456"
                    value={code}
                    onChange={(e) => setCode(e.target.value)}
                />
                <Refusal error={act.error} />
                <DialogButtons>
                    <Button onClick={close}>Cancel</Button>
                    <ServerButton
                        look="primary"
                        type="submit"
                        disabled={act.busy || !/^\d{6,8}$/.test(digits)}
                    >
                        {act.busy ? "Checking…" : "Turn on"}
                    </ServerButton>
                </DialogButtons>
            </form>
        </Dialog>
    );
}

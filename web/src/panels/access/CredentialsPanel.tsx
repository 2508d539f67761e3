/* CredentialsPanel.tsx - what a device shows to be let in: made, exchanged with an overlap, revoked;
 * or a claim code, which the device turns into a credential itself. */

import { useState } from "react";
import {
    makeClaimCode,
    makeCredential,
    removeCredential,
    rotateCredential,
} from "../../api/access";
import { refresh, useCredentials } from "../../api/accessQueries";
import { useMay } from "../../api/session";
import type { Credential } from "../../base/access";
import { EXPIRIES, expiresIn, expiryOf } from "../../base/expiry";
import { Badge } from "../../kit/Badge";
import { Button, ServerButton } from "../../kit/Button";
import { Confirm, Dialog, DialogButtons } from "../../kit/Dialog";
import { Input, Select, TextArea } from "../../kit/Field";
import { freshly } from "../../kit/freshness";
import { Item, Items } from "../../kit/Items";
import { Panel } from "../../kit/Panel";
import { Refusal } from "../../kit/Refusal";
import { Secret } from "../../kit/Secret";
import { sectionsStyle as style } from "../../kit/Sections";
import { useAct } from "../../kit/useAct";
import { listState } from "./lists";
import { MadeSecret } from "./MadeSecret";
import { Since } from "./Since";

export function CredentialsPanel({ twin, name }: { twin: string; name: string }) {
    const credentials = useCredentials(twin);
    const may = useMay("devices:manage");
    const [open, setOpen] = useState<"new" | "claim" | null>(null);
    const [rotating, setRotating] = useState<Credential | null>(null);
    const [doomed, setDoomed] = useState<Credential | null>(null);
    return (
        <>
            <Panel
                title={`Credentials of ${name}`}
                state={listState(
                    credentials,
                    "This device has nothing to show yet, so it is refused.",
                )}
                flush
                actions={
                    may && (
                        <>
                            <Button small onClick={() => setOpen("claim")}>
                                Claim code
                            </Button>
                            <Button small look="primary" icon="plus" onClick={() => setOpen("new")}>
                                New credential
                            </Button>
                        </>
                    )
                }
            >
                <Items label={`Credentials of ${name}`}>
                    {credentials.data?.map((one) => (
                        <One
                            key={one.id}
                            credential={one}
                            rotate={() => setRotating(one)}
                            remove={() => setDoomed(one)}
                        />
                    ))}
                </Items>
            </Panel>
            {open === "new" && <NewCredentialDialog twin={twin} close={() => setOpen(null)} />}
            {open === "claim" && <ClaimDialog twin={twin} close={() => setOpen(null)} />}
            {rotating && (
                <RotateDialog twin={twin} credential={rotating} close={() => setRotating(null)} />
            )}
            <Confirm
                open={doomed !== null}
                onOpenChange={(on) => !on && setDoomed(null)}
                title={`Revoke ${doomed?.name || "this credential"}?`}
                text="A device that uses it is disconnected and refused from now on. This cannot be undone."
                verb="Revoke"
                run={async () => {
                    await freshly(() => removeCredential(twin, doomed?.id ?? ""));
                    await refresh("credentials", "devices");
                }}
            />
        </>
    );
}

function One(props: { credential: Credential; rotate: () => void; remove: () => void }) {
    const { credential: one } = props;
    const name = one.name || `${one.kind} ${one.id}`;
    const ended = expiresIn(one.expires) === "ended";
    return (
        <Item
            title={name}
            faint={ended}
            badges={
                <Badge tone="mute" filled={ended}>
                    {ended ? "ended" : one.kind}
                </Badge>
            }
            facts={[
                `ends ${expiresIn(one.expires)}`,
                <Since key="c" word="made" t={one.created} never="" />,
                one.used !== undefined && (
                    <Since key="u" word="used" t={one.used} never="never used" />
                ),
            ]}
            actions={
                <>
                    {one.kind === "token" && !ended && (
                        <Button small aria-label={`Exchange ${name}`} onClick={props.rotate}>
                            Exchange
                        </Button>
                    )}
                    <Button
                        small
                        look="ghost"
                        icon="trash"
                        label={`Revoke ${name}`}
                        onClick={props.remove}
                    />
                </>
            }
        />
    );
}

function TokenSecret({ secret, close }: { secret: string; close: () => void }) {
    return (
        <MadeSecret what="the token" secret={secret} close={close}>
            Over MQTT it is the password (any user name); over HTTP send it as{" "}
            <code>Authorization: Bearer TOKEN</code>. It writes this twin and reads its commands,
            nothing else.
        </MadeSecret>
    );
}

function NewCredentialDialog({ twin, close }: { twin: string; close: () => void }) {
    const [name, setName] = useState("");
    const [kind, setKind] = useState<Credential["kind"]>("token");
    const [pem, setPem] = useState("");
    const [days, setDays] = useState("");
    const [secret, setSecret] = useState<string | null>(null);
    const act = useAct();
    const token = kind === "token";
    const submit = () =>
        act.run(async () => {
            const made = await makeCredential(twin, {
                kind,
                name: name.trim() || undefined,
                certificate: token ? undefined : pem.trim(),
                expires: expiryOf(days),
            });
            await refresh("credentials", "devices");
            if (made.token) setSecret(made.token);
            else close();
        });
    return (
        <Dialog
            open
            onOpenChange={(open) => !open && close()}
            title={`New credential for ${twin}`}
            width={520}
        >
            {secret !== null ? (
                <TokenSecret secret={secret} close={close} />
            ) : (
                <form
                    className={style.form}
                    onSubmit={(event) => {
                        event.preventDefault();
                        void submit();
                    }}
                >
                    <div className={style.pair}>
                        <Input
                            label="Name"
                            placeholder="Gateway in hall 3"
                            value={name}
                            onChange={(e) => setName(e.target.value)}
                        />
                        <Select
                            label="Works for"
                            value={days}
                            onChange={(e) => setDays(e.target.value)}
                            options={[...EXPIRIES]}
                        />
                    </div>
                    <Select
                        label="What it shows"
                        value={kind}
                        onChange={(e) => setKind(e.target.value as Credential["kind"])}
                        options={[
                            { value: "token", label: "A token, made here" },
                            { value: "certificate", label: "A client certificate that it has" },
                        ]}
                    />
                    {!token && (
                        <TextArea
                            label="Certificate (PEM)"
                            rows={5}
                            required
                            spellCheck={false}
                            placeholder="-----BEGIN CERTIFICATE-----"
                            hint="Issued by an authority that the server trusts; doppel ca issue makes one."
                            value={pem}
                            onChange={(e) => setPem(e.target.value)}
                        />
                    )}
                    <Refusal error={act.error} />
                    <DialogButtons>
                        <Button onClick={close}>Cancel</Button>
                        <ServerButton look="primary" type="submit" disabled={act.busy}>
                            {act.busy ? "Making…" : token ? "Make the token" : "Let it in"}
                        </ServerButton>
                    </DialogButtons>
                </form>
            )}
        </Dialog>
    );
}

const OVERLAPS = [
    { value: "PT0S", label: "not at all: it ends now" },
    { value: "PT1H", label: "an hour" },
    { value: "P1D", label: "a day" },
    { value: "P7D", label: "a week" },
];

function RotateDialog(props: { twin: string; credential: Credential; close: () => void }) {
    const { twin, credential, close } = props;
    const [overlap, setOverlap] = useState("P1D");
    const [secret, setSecret] = useState<string | null>(null);
    const act = useAct();
    const submit = () =>
        act.run(async () => {
            setSecret((await rotateCredential(twin, credential.id, overlap)).token ?? "");
            await refresh("credentials", "devices");
        });
    return (
        <Dialog
            open
            onOpenChange={(open) => !open && close()}
            title={`Exchange ${credential.name || "the token"}`}
            width={520}
        >
            {secret !== null ? (
                <TokenSecret secret={secret} close={close} />
            ) : (
                <form
                    className={style.form}
                    onSubmit={(event) => {
                        event.preventDefault();
                        void submit();
                    }}
                >
                    <p className={style.note}>
                        A new token is made; the old one goes on for a while, so that the device
                        misses nothing.
                    </p>
                    <Select
                        label="The old one goes on for"
                        value={overlap}
                        onChange={(e) => setOverlap(e.target.value)}
                        options={OVERLAPS}
                    />
                    <Refusal error={act.error} />
                    <DialogButtons>
                        <Button onClick={close}>Cancel</Button>
                        <ServerButton look="primary" type="submit" disabled={act.busy}>
                            Make the new token
                        </ServerButton>
                    </DialogButtons>
                </form>
            )}
        </Dialog>
    );
}

function ClaimDialog({ twin, close }: { twin: string; close: () => void }) {
    const [code, setCode] = useState<{ code: string; expires: string } | null>(null);
    const act = useAct();
    const make = () => act.run(async () => setCode(await makeClaimCode(twin)));
    return (
        <Dialog
            open
            onOpenChange={(open) => !open && close()}
            title={`Claim code for ${twin}`}
            description="Type the code into the device: it asks for its own token with it, once."
            width={520}
        >
            <div className={style.form} style={{ marginTop: 12 }}>
                {code && (
                    <Secret what="the claim code" secret={code.code}>
                        It ends {expiresIn(code.expires)}. The device posts it to{" "}
                        <code>/api/v1/claim</code>.
                    </Secret>
                )}
                <Refusal error={act.error} />
                <DialogButtons>
                    <Button onClick={close}>{code ? "Done" : "Cancel"}</Button>
                    {!code && (
                        <ServerButton
                            look="primary"
                            disabled={act.busy}
                            onClick={() => void make()}
                        >
                            Make a code
                        </ServerButton>
                    )}
                </DialogButtons>
            </div>
        </Dialog>
    );
}

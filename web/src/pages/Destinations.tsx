/* Destinations.tsx - where alarms are sent to; made, tried; what could not be delivered. */

import { useState } from "react";
import { Link } from "wouter";
import {
    changeDelivery,
    createDestination,
    type Destination,
    deleteDestination,
    makeSecret,
    refreshDestinations,
    SEVERITIES,
    type Severity,
    testDestination,
    useDeliveries,
    useDestinations,
} from "../api/alarms";
import { humanise } from "../base/format";
import { dateTime } from "../base/time";
import { Badge } from "../kit/Badge";
import { Button, ServerButton } from "../kit/Button";
import { Dialog, DialogButtons } from "../kit/Dialog";
import { Input, Select } from "../kit/Field";
import { Panel } from "../kit/Panel";
import { panelState } from "../kit/panelState";
import { Refusal } from "../kit/Refusal";
import { Secret } from "../kit/Secret";
import { Sections, sectionsStyle } from "../kit/Sections";
import { Table } from "../kit/Table";
import { useAct } from "../kit/useAct";
import { useTitle } from "../kit/useTitle";
import style from "../panels/alarms/Alarms.module.css";

const KINDS = {
    webhook: { label: "Webhook", field: "Address", hint: "https://example.org/alarms" },
    email: { label: "E-mail", field: "To", hint: "ops@example.org, night@example.org" },
    mqtt: { label: "MQTT topic", field: "Topic", hint: "plant/alarms/{alarm.twin}" },
} as const;

const where = (d: Destination) => d.url ?? d.topic ?? d.to?.join(", ") ?? "";

function New({ close }: { close: () => void }) {
    const [kind, setKind] = useState<Destination["kind"]>("webhook");
    const [id, setId] = useState("");
    const [to, setTo] = useState("");
    const [severity, setSeverity] = useState<Severity | "">("warning");
    const [secret, setSecret] = useState("");
    const act = useAct();
    const make = () =>
        act.run(async () => {
            const address =
                kind === "webhook"
                    ? { url: to.trim() }
                    : kind === "mqtt"
                      ? { topic: to.trim() }
                      : { to: to.split(",").map((one) => one.trim()) };
            const alarms = severity ? { alarms: { severity } } : {};
            await createDestination({ id: id.trim(), kind, ...address, ...alarms });
            await refreshDestinations();
            if (kind === "webhook") setSecret(await makeSecret(id.trim()));
            else close();
        });
    return (
        <Dialog open onOpenChange={(open) => !open && close()} title="A new destination">
            {secret ? (
                <Secret what="the secret" secret={secret}>
                    The receiver checks with it that what comes is from here.
                </Secret>
            ) : (
                <div className={style.form}>
                    <Refusal error={act.error} />
                    <Select
                        label="Kind"
                        value={kind}
                        onChange={(e) => setKind(e.target.value as Destination["kind"])}
                        options={Object.entries(KINDS).map(([value, k]) => ({
                            value,
                            label: k.label,
                        }))}
                    />
                    <Input label="Name" value={id} onChange={(e) => setId(e.target.value)} />
                    <Input
                        label={KINDS[kind].field}
                        value={to}
                        placeholder={KINDS[kind].hint}
                        onChange={(e) => setTo(e.target.value)}
                    />
                    <Select
                        label="Is told of"
                        value={severity}
                        onChange={(e) => setSeverity(e.target.value as Severity | "")}
                        options={[
                            ...SEVERITIES.map((s) => ({
                                value: s,
                                label:
                                    s === "critical"
                                        ? "Critical alarms"
                                        : `${humanise(s)} and worse`,
                            })),
                            { value: "", label: "What rules say" },
                        ]}
                    />
                </div>
            )}
            <DialogButtons>
                <Button onClick={close}>{secret ? "Done" : "Cancel"}</Button>
                {!secret && (
                    <ServerButton
                        look="primary"
                        disabled={act.busy || !id.trim() || !to.trim()}
                        onClick={() => void make()}
                    >
                        Make it
                    </ServerButton>
                )}
            </DialogButtons>
        </Dialog>
    );
}

function Row({ destination }: { destination: Destination }) {
    const act = useAct();
    return (
        <tr>
            <td>{destination.id}</td>
            <td>{KINDS[destination.kind].label}</td>
            <td>
                {where(destination)}
                <Refusal error={act.error} />
            </td>
            <td>
                <div className={style.actions}>
                    <ServerButton
                        small
                        disabled={act.busy}
                        onClick={() =>
                            void act.run(
                                () => testDestination(destination.id),
                                "A test is on its way",
                            )
                        }
                    >
                        Send a test
                    </ServerButton>
                    <ServerButton
                        small
                        look="danger"
                        disabled={act.busy}
                        label={`Delete ${destination.id}`}
                        onClick={() =>
                            void act.run(async () => {
                                await deleteDestination(destination.id);
                                await refreshDestinations();
                            }, `Deleted ${destination.id}`)
                        }
                    >
                        Delete
                    </ServerButton>
                </div>
            </td>
        </tr>
    );
}

function Deliveries() {
    const [state, setState] = useState("dead");
    const list = useDeliveries(state);
    const act = useAct();
    const shown = panelState({
        error: list.error,
        retry: () => void list.refetch(),
        hasData: list.data !== undefined,
        loading: list.isPending,
        empty: list.data?.length === 0 ? { why: "filter", text: "Nothing of that kind." } : null,
    });
    return (
        <>
            <div className={style.filters}>
                <Select
                    label="Deliveries"
                    value={state}
                    onChange={(e) => setState(e.target.value)}
                    options={[
                        { value: "dead", label: "Given up" },
                        { value: "waiting", label: "Waiting" },
                        { value: "sent", label: "Sent" },
                        { value: "discarded", label: "Discarded" },
                    ]}
                />
            </div>
            <Refusal error={act.error} />
            <Panel title="Deliveries" state={shown} flush minHeight={120}>
                <Table
                    caption="List of deliveries"
                    head={
                        <>
                            <th scope="col">Where to</th>
                            <th scope="col">Alarm</th>
                            <th scope="col">Made</th>
                            <th scope="col">Tries</th>
                            <th scope="col">Why not</th>
                            <th scope="col">What can be done</th>
                        </>
                    }
                >
                    {list.data?.map((one) => (
                        <tr key={one.id}>
                            <td>{one.destination ?? `command ${one.command?.name ?? ""}`}</td>
                            <td>
                                {one.alarm ? (
                                    <Link href={`/alarms/${one.alarm}`}>{one.alarm}</Link>
                                ) : (
                                    <Badge tone="info">Test</Badge>
                                )}
                            </td>
                            <td>{dateTime(Date.parse(one.made))}</td>
                            <td>{one.tries}</td>
                            <td>{one.why}</td>
                            <td>
                                {one.state !== "sent" && (
                                    <div className={style.actions}>
                                        <ServerButton
                                            small
                                            onClick={() =>
                                                void act.run(() => changeDelivery(one.id, "retry"))
                                            }
                                        >
                                            Try again
                                        </ServerButton>
                                        <ServerButton
                                            small
                                            onClick={() =>
                                                void act.run(() =>
                                                    changeDelivery(one.id, "discard"),
                                                )
                                            }
                                        >
                                            Discard
                                        </ServerButton>
                                    </div>
                                )}
                            </td>
                        </tr>
                    ))}
                </Table>
            </Panel>
        </>
    );
}

export default function Destinations() {
    useTitle("Destinations");
    const list = useDestinations();
    const [making, setMaking] = useState(false);
    const make = (
        <Button look="primary" icon="plus" onClick={() => setMaking(true)}>
            New destination
        </Button>
    );
    const state = panelState({
        error: list.error,
        retry: () => void list.refetch(),
        hasData: list.data !== undefined,
        loading: list.isPending,
        empty:
            list.data?.length === 0
                ? { why: "never", text: "Nobody is told of alarms yet." }
                : null,
    });
    return (
        <Sections
            title="Destinations"
            lead="Where alarms are sent to: a webhook, e-mail, a topic of MQTT."
            actions={list.data && list.data.length > 0 && make}
        >
            <div className={sectionsStyle.wide}>
                <Panel title="Destinations" state={state} flush minHeight={160} action={make}>
                    <Table
                        caption="List of destinations"
                        head={
                            <>
                                <th scope="col">Name</th>
                                <th scope="col">Kind</th>
                                <th scope="col">Where to</th>
                                <th scope="col">What can be done</th>
                            </>
                        }
                    >
                        {list.data?.map((d) => (
                            <Row key={d.id} destination={d} />
                        ))}
                    </Table>
                </Panel>
                <div style={{ marginTop: 16 }}>
                    <Deliveries />
                </div>
            </div>
            {making && <New close={() => setMaking(false)} />}
        </Sections>
    );
}

/* VersionsPanel.tsx - what something was: who changed it, when and why, and the way back. */

import { useState } from "react";
import {
    restoreVersion,
    useChangesOf,
    useVersions,
    type Version,
    type Versioned,
} from "../api/versions";
import { dateTime } from "../base/time";
import { Badge } from "../kit/Badge";
import { Button, ServerButton } from "../kit/Button";
import { Dialog, DialogButtons } from "../kit/Dialog";
import { Input } from "../kit/Field";
import { Icon } from "../kit/Icon";
import { Panel } from "../kit/Panel";
import { panelState } from "../kit/panelState";
import { Refusal } from "../kit/Refusal";
import { Table } from "../kit/Table";
import { useAct } from "../kit/useAct";
import { Changes } from "./Changes";
import style from "./VersionsPanel.module.css";

export interface VersionsPanelProps {
    of: Versioned;
    /* may who looks take it back? */
    mayRestore: boolean;
}

export function VersionsPanel({ of, mayRestore }: VersionsPanelProps) {
    const versions = useVersions(of);
    const [open, setOpen] = useState<number | null>(null);
    const [back, setBack] = useState<Version | null>(null);
    const list = versions.data?.pages.flatMap((page) => page.versions);
    return (
        <Panel
            title="Versions"
            note={list && String(list.length)}
            flush
            minHeight={200}
            state={panelState({
                error: versions.error,
                retry: () => void versions.refetch(),
                hasData: list !== undefined,
                loading: versions.isPending,
            })}
        >
            <Table
                caption="Versions, newest first"
                head={
                    <>
                        <th scope="col">When</th>
                        <th scope="col">Who</th>
                        <th scope="col">Why</th>
                        <th scope="col">
                            <span className="sr-only">Actions</span>
                        </th>
                    </>
                }
            >
                {list?.map((one) => (
                    <Row
                        key={one.n}
                        of={of}
                        one={one}
                        open={open === one.n}
                        toggle={() => setOpen(open === one.n ? null : one.n)}
                        restore={
                            mayRestore && !one.current && !one.gone ? () => setBack(one) : null
                        }
                    />
                ))}
            </Table>
            {versions.hasNextPage && (
                <div className={style.foot}>
                    <Button
                        disabled={versions.isFetchingNextPage}
                        onClick={() => void versions.fetchNextPage()}
                    >
                        Show older ones
                    </Button>
                </div>
            )}
            {back && <Restore of={of} one={back} close={() => setBack(null)} />}
        </Panel>
    );
}

interface RowProps {
    of: Versioned;
    one: Version;
    open: boolean;
    toggle: () => void;
    restore: (() => void) | null;
}

function Row({ of, one, open, toggle, restore }: RowProps) {
    return (
        <>
            <tr>
                <td className={style.when}>
                    <button
                        type="button"
                        className={style.toggle}
                        aria-expanded={open}
                        aria-label={`Version ${one.n}, ${open ? "close" : "open"}`}
                        onClick={toggle}
                    >
                        <Icon name={open ? "down" : "right"} size={14} />
                    </button>
                    <time dateTime={one.time}>{dateTime(Date.parse(one.time))}</time>
                    {one.current && (
                        <Badge tone="info" filled>
                            now
                        </Badge>
                    )}
                    {one.gone && <Badge tone="mute">deleted</Badge>}
                </td>
                <td>{one.by ? one.by.name || one.by.kind : "not known"}</td>
                <td>{one.reason || <span className={style.mute}>no reason given</span>}</td>
                <td className={style.act}>
                    {restore && (
                        <Button small aria-label={`Restore version ${one.n}`} onClick={restore}>
                            Restore
                        </Button>
                    )}
                </td>
            </tr>
            {open && (
                <tr>
                    <td colSpan={4} className={style.more}>
                        <WhatChanged of={of} one={one} />
                    </td>
                </tr>
            )}
        </>
    );
}

function WhatChanged({ of, one }: { of: Versioned; one: Version }) {
    const changes = useChangesOf(of, one.n);
    if (one.n === 1) return <p className={style.mute}>It was made.</p>;
    if (one.gone) return <p className={style.mute}>It was deleted.</p>;
    if (changes.error) return <Refusal error={changes.error} what="Not compared" />;
    if (!changes.data) return <p className={style.mute}>Comparing…</p>;
    if (changes.data.length === 0) return <p className={style.mute}>Nothing differs.</p>;
    return <Changes changes={changes.data} />;
}

function Restore({ of, one, close }: { of: Versioned; one: Version; close: () => void }) {
    const [reason, setReason] = useState("");
    const act = useAct();
    const submit = async () => {
        const done = await act.run(
            () => restoreVersion(of, one.n, reason),
            `It is again as it was in version ${one.n}`,
        );
        if (done) close();
    };
    return (
        <Dialog open onOpenChange={(open) => !open && close()} title={`Restore version ${one.n}?`}>
            <form
                className={style.form}
                onSubmit={(event) => {
                    event.preventDefault();
                    void submit();
                }}
            >
                <p>
                    It becomes what it was on {dateTime(Date.parse(one.time))}, as a new version:
                    nothing is lost.
                </p>
                <Input
                    label="Why"
                    hint="Kept with the version; may stay empty."
                    maxLength={200}
                    value={reason}
                    onChange={(e) => setReason(e.target.value)}
                />
                <Refusal error={act.error} />
                <DialogButtons>
                    <Button onClick={close}>Cancel</Button>
                    <ServerButton look="primary" type="submit" disabled={act.busy}>
                        {act.busy ? "Restoring…" : "Restore"}
                    </ServerButton>
                </DialogButtons>
            </form>
        </Dialog>
    );
}

/* ProfilePanel.tsx - a twin's profile: read it with its live parts, or change it. */

import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useMemo, useState } from "react";
import { useMayOn } from "../api/accessQueries";
import { readProfile, saveProfile } from "../api/calls";
import { ApiError } from "../api/client";
import { useProfile, useValidation } from "../api/queries";
import { draftOf, dropDraft, keepDraft } from "../base/drafts";
import { lineOf, readable } from "../base/jsontext";
import type { Finding } from "../base/wire";
import { Button, ServerButton } from "../kit/Button";
import { CopyButton } from "../kit/Copy";
import { download } from "../kit/download";
import { Editor } from "../kit/editor/Editor";
import type { Spot } from "../kit/editor/types";
import { Segments } from "../kit/Field";
import { Icon } from "../kit/Icon";
import { JsonView } from "../kit/JsonView";
import { NeedsRole } from "../kit/NeedsRole";
import { Panel } from "../kit/Panel";
import { panelState } from "../kit/panelState";
import { Refusal } from "../kit/Refusal";
import { announce } from "../kit/toast";
import { useDelayed } from "../kit/useDelayed";
import { usePaused } from "../live/hooks";
import { FindingsList, VerdictLine } from "./FindingsList";
import style from "./ProfilePanel.module.css";

const LIVE_MS = 2_000;

export function ProfilePanel({ twin, at }: { twin: string; at: string | null }) {
    const name = `profile ${twin}`;
    const [draft, setDraft] = useState<Draft | null>(() => keptDraft(name));
    const close = () => {
        dropDraft(name);
        setDraft(null);
    };
    if (draft) return <ProfileEditor twin={twin} name={name} start={draft} close={close} />;
    return <ProfileReader twin={twin} at={at} edit={setDraft} />;
}

interface Draft {
    text: string;
    etag: string | null;
    /* what was written before the page was left */
    written?: string;
}

function keptDraft(name: string): Draft | null {
    try {
        return JSON.parse(draftOf(name) ?? "null") as Draft | null;
    } catch {
        return null;
    }
}

async function freshDraft(twin: string): Promise<Draft> {
    const { text, etag } = await readProfile(twin, false);
    return { text: readable(text), etag };
}

function ProfileReader(props: { twin: string; at: string | null; edit: (draft: Draft) => void }) {
    const { twin, at } = props;
    const [live, setLive] = useState(at === null);
    const may = useMayOn(twin, "twins:write");
    const paused = usePaused() !== null;
    const profile = useProfile(twin, live, live && !paused ? LIVE_MS : false);
    const text = useMemo(() => (profile.data ? readable(profile.data.text) : ""), [profile.data]);
    const mark = at !== null && text ? lineOf(text, at) : undefined;
    const state = panelState({
        error: profile.error,
        retry: () => void profile.refetch(),
        hasData: profile.data !== undefined,
        loading: profile.data === undefined,
    });
    const edit = async () => {
        try {
            props.edit(await freshDraft(twin));
        } catch (error) {
            announce(`Could not open the profile: ${(error as Error).message}`);
        }
    };
    return (
        <Panel
            title="Profile"
            state={state}
            flush
            minHeight={360}
            actions={
                <>
                    <Segments
                        legend="Which values"
                        value={live ? "live" : "kept"}
                        onChange={(v) => setLive(v === "live")}
                        options={[
                            { value: "live", label: "Live values" },
                            { value: "kept", label: "As kept" },
                        ]}
                    />
                    <CopyButton look="ghost" text={text} what="the profile" />
                    <Button
                        look="ghost"
                        icon="download"
                        label="Download the profile"
                        onClick={() =>
                            download(
                                new Blob([text], { type: "application/ld+json" }),
                                `${twin}.jsonld`.replace(/[^A-Za-z0-9._-]/g, "-"),
                            )
                        }
                    />
                    {may ? (
                        <ServerButton icon="edit" onClick={edit}>
                            Edit
                        </ServerButton>
                    ) : (
                        <NeedsRole operation="twins:write" />
                    )}
                </>
            }
        >
            <JsonView
                text={text}
                label="Profile as JSON"
                {...(mark === undefined ? {} : { mark })}
            />
        </Panel>
    );
}

function useLeaveGuard(dirty: boolean): void {
    useEffect(() => {
        if (!dirty) return;
        const ask = (event: BeforeUnloadEvent) => event.preventDefault();
        addEventListener("beforeunload", ask);
        return () => removeEventListener("beforeunload", ask);
    }, [dirty]);
}

interface ProfileEditorProps {
    twin: string;
    /* of the draft */
    name: string;
    start: Draft;
    close: () => void;
}

function ProfileEditor({ twin, name, start, close }: ProfileEditorProps) {
    const client = useQueryClient();
    const [base, setBase] = useState(start);
    const [text, setText] = useState(start.written ?? start.text);
    const [spot, setSpot] = useState<Spot | null>(null);
    const [busy, setBusy] = useState(false);
    const [conflict, setConflict] = useState(false);
    const [refused, setRefused] = useState<ApiError | null>(null);
    const verdict = useValidation(useDelayed(text, 300));
    const dirty = text !== base.text;
    useLeaveGuard(dirty);
    useEffect(() => {
        if (dirty) keepDraft(name, JSON.stringify({ ...base, written: text }));
        else dropDraft(name);
    }, [dirty, name, base, text]);

    const save = async (etag: string | null) => {
        setBusy(true);
        setRefused(null);
        try {
            await saveProfile(twin, text, etag);
            setConflict(false);
            announce("Profile saved");
            void client.invalidateQueries({ queryKey: ["twin", twin] });
            void client.invalidateQueries({ queryKey: ["twins"] });
            close();
        } catch (error) {
            if (!(error instanceof ApiError)) throw error;
            if (error.status === 412) setConflict(true);
            else setRefused(error);
        } finally {
            setBusy(false);
        }
    };
    /* the other's version is overwritten, but only the one that was just looked at */
    const keepMine = async () => {
        try {
            const theirs = await readProfile(twin, false);
            await save(theirs.etag);
        } catch (error) {
            announce(`Could not save: ${(error as Error).message}`);
        }
    };
    const takeTheirs = async () => {
        try {
            const theirs = await freshDraft(twin);
            setBase(theirs);
            setText(theirs.text);
            setConflict(false);
            announce("Loaded the other version");
        } catch (error) {
            announce(`Could not load: ${(error as Error).message}`);
        }
    };
    const pick = (f: Finding) => setSpot({ line: f.line, column: f.column });
    const found = refused?.problem.findings ?? verdict.data?.findings ?? [];
    return (
        <Panel
            title="Edit the profile"
            note={dirty ? "changed" : undefined}
            actions={
                <>
                    <Button onClick={close}>Cancel</Button>
                    <ServerButton
                        look="primary"
                        disabled={busy || !dirty}
                        onClick={() => save(base.etag)}
                    >
                        {busy ? "Saving…" : "Save"}
                    </ServerButton>
                </>
            }
        >
            {conflict && (
                <div className={style.conflict} role="alert">
                    <Icon name="warn" />
                    <span>
                        Somebody else has changed this profile since you opened it. Your text is
                        still here.
                    </span>
                    <ServerButton small disabled={busy} onClick={keepMine}>
                        Keep mine
                    </ServerButton>
                    <ServerButton small disabled={busy} onClick={takeTheirs}>
                        Take theirs
                    </ServerButton>
                </div>
            )}
            <Refusal error={refused} what="Not saved" />
            <Editor
                value={text}
                onChange={setText}
                label="Profile"
                findings={found}
                goTo={spot}
                height={520}
            />
            <div className={style.under}>
                {verdict.data ? (
                    <VerdictLine verdict={verdict.data} />
                ) : (
                    <span>{verdict.error ? "The profile could not be judged." : "Judging…"}</span>
                )}
            </div>
            {found.length > 0 && (
                <div className={style.findings}>
                    <FindingsList label="Findings" findings={found} onPick={pick} />
                </div>
            )}
        </Panel>
    );
}

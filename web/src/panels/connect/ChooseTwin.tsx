/* ChooseTwin.tsx - step one: a twin from the sample, from a file or text, or one that is there. */

import { useQueryClient } from "@tanstack/react-query";
import { type DragEvent, useEffect, useId, useState } from "react";
import { Link } from "wouter";
import { createTwin } from "../../api/calls";
import { ApiError } from "../../api/client";
import { useProfile, useSample, useTwinList, useValidation } from "../../api/queries";
import { draftOf, dropDraft, keepDraft } from "../../base/drafts";
import { readable } from "../../base/jsontext";
import type { Created, Finding } from "../../base/wire";
import { StateBadge } from "../../kit/Badge";
import { Button, ServerButton } from "../../kit/Button";
import { cx } from "../../kit/cx";
import { Editor } from "../../kit/editor/Editor";
import type { Spot } from "../../kit/editor/types";
import { Input, Segments } from "../../kit/Field";
import { Icon } from "../../kit/Icon";
import { Panel } from "../../kit/Panel";
import { Refusal } from "../../kit/Refusal";
import { announce } from "../../kit/toast";
import { useDelayed } from "../../kit/useDelayed";
import { FindingsList, VerdictLine } from "../FindingsList";
import { finishStep } from "../progress";
import style from "./Connect.module.css";

type Way = "sample" | "own" | "there";

export interface ChooseTwinProps {
    twin: string | null;
    /* the id that a new twin should get, where somebody came for it */
    wanted: string | null;
    choose: (twin: string | null) => void;
}

export function ChooseTwin({ twin, wanted, choose }: ChooseTwinProps) {
    const [way, setWay] = useState<Way>(() => (draftOf(NEW) ? "own" : "sample"));
    const [created, setCreated] = useState<Created | null>(null);
    if (twin) {
        return (
            <Chosen
                twin={twin}
                created={created?.id === twin ? created : null}
                change={() => choose(null)}
            />
        );
    }
    const done = (result: Created) => {
        setCreated(result);
        finishStep("created");
        announce(`Created ${result.id}`);
        choose(result.id);
    };
    return (
        <Panel title="1. A twin to send to">
            <div className={style.form}>
                <div>
                    <Segments
                        legend="Where the twin comes from"
                        value={way}
                        onChange={setWay}
                        options={[
                            { value: "sample", label: "From a sample" },
                            { value: "own", label: "File or text" },
                            { value: "there", label: "One that is here" },
                        ]}
                    />
                </div>
                {way === "sample" && <FromSample key={wanted ?? ""} wanted={wanted} done={done} />}
                {way === "own" && <FromText done={done} />}
                {way === "there" && <OneThatIsHere choose={choose} />}
            </div>
        </Panel>
    );
}

function Chosen(props: { twin: string; created: Created | null; change: () => void }) {
    const profile = useProfile(props.twin, false, false);
    let name = props.twin;
    try {
        name = (JSON.parse(profile.data?.text ?? "{}") as { name?: string }).name ?? props.twin;
    } catch {
        /* the id will do */
    }
    const filled = props.created?.filled ?? [];
    return (
        <Panel title="1. A twin to send to">
            <div className={style.chosen}>
                <div>
                    <Link
                        href={`/twins/${encodeURIComponent(props.twin)}`}
                        className={style.name ?? ""}
                    >
                        {name}
                    </Link>
                    <code className={style.mute}>{props.twin}</code>
                </div>
                <Button small onClick={props.change}>
                    Choose another
                </Button>
            </div>
            {props.created && (
                <p className={style.filled} role="status">
                    <Icon name="check" />
                    <span>
                        Created.{" "}
                        {filled.length === 0
                            ? "Its profile was complete as it is."
                            : `Filled in for you: ${filled.map((p) => p.slice(1).replaceAll("/", " › ")).join(", ")}.`}
                    </span>
                </p>
            )}
        </Panel>
    );
}

const ID = /^[A-Za-z0-9._:-]{1,128}$/;

/* Create, and say why when it is refused. */
function useCreate(done: (result: Created) => void) {
    const client = useQueryClient();
    const [busy, setBusy] = useState(false);
    const [refused, setRefused] = useState<ApiError | null>(null);
    const create = async (text: string) => {
        setBusy(true);
        setRefused(null);
        try {
            const result = await createTwin(text);
            void client.invalidateQueries({ queryKey: ["twins"] });
            done(result);
        } catch (error) {
            if (!(error instanceof ApiError)) throw error;
            setRefused(error);
        } finally {
            setBusy(false);
        }
    };
    return { busy, refused, create };
}

function NotCreated({ error }: { error: ApiError | null }) {
    const taken = error?.status === 409;
    return (
        <>
            <Refusal error={error} what="Not created" />
            {taken && <p className={style.mute}>Choose another identifier, or use that twin.</p>}
        </>
    );
}

function FromSample({ wanted, done }: { wanted: string | null; done: (result: Created) => void }) {
    const [id, setId] = useState(wanted ?? "my-twin");
    const [edited, setEdited] = useState<string | null>(null);
    const [open, setOpen] = useState(false);
    const wrong = ID.test(id) ? null : "Letters, digits and . _ - : only, 1 to 128 of them.";
    const rested = useDelayed(wrong ? "" : id, 250);
    const sample = useSample(rested, true);
    const { busy, refused, create } = useCreate(done);
    const text = edited ?? (sample.data ? readable(sample.data) : "");
    const fresh = rested === id && sample.data !== undefined && !sample.isPlaceholderData;
    return (
        <form
            className={style.form}
            onSubmit={(event) => {
                event.preventDefault();
                if (text && !wrong) void create(text);
            }}
        >
            <div className={style.line}>
                <Input
                    label="Identifier of the new twin"
                    value={id}
                    spellCheck={false}
                    autoComplete="off"
                    disabled={edited !== null}
                    bad={wrong}
                    onChange={(e) => setId(e.target.value)}
                />
                <ServerButton
                    look="primary"
                    type="submit"
                    disabled={busy || wrong !== null || (edited === null && !fresh)}
                >
                    {busy ? "Creating…" : "Create the twin"}
                </ServerButton>
            </div>
            {sample.error && (
                <p role="alert" className={style.bad}>
                    The sample could not be loaded: {sample.error.message}
                </p>
            )}
            <NotCreated error={refused} />
            <details className={style.edit} onToggle={(event) => setOpen(event.currentTarget.open)}>
                <summary>See and change its profile</summary>
                {open && text && (
                    <ProfileDraft
                        text={text}
                        refused={refused}
                        change={(next) => {
                            if (next !== text) setEdited(next);
                        }}
                    />
                )}
            </details>
        </form>
    );
}

/* The draft of a profile that is pasted or written here. */
const NEW = "new twin";

function FromText({ done }: { done: (result: Created) => void }) {
    const [text, setText] = useState(() => draftOf(NEW) ?? "");
    useEffect(() => (text ? keepDraft(NEW, text) : dropDraft(NEW)), [text]);
    const { busy, refused, create } = useCreate((result) => {
        dropDraft(NEW);
        done(result);
    });
    const verdict = useValidation(useDelayed(text, 300));
    const core = text.trim() !== "" && (verdict.data?.core ?? true);
    return (
        <form
            className={style.form}
            onSubmit={(event) => {
                event.preventDefault();
                if (core) void create(text);
            }}
        >
            <DropFile take={setText} />
            <ProfileDraft text={text} refused={refused} change={setText} />
            <NotCreated error={refused} />
            <div>
                <ServerButton look="primary" type="submit" disabled={busy || !core}>
                    {busy ? "Creating…" : "Create the twin"}
                </ServerButton>
            </div>
        </form>
    );
}

const LARGEST = 4_000_000;

function DropFile({ take }: { take: (text: string) => void }) {
    const id = useId();
    const [over, setOver] = useState(false);
    const [bad, setBad] = useState<string | null>(null);
    const read = async (file: File | undefined) => {
        setOver(false);
        setBad(null);
        if (!file) return;
        if (file.size > LARGEST) {
            setBad(`${file.name} is larger than a profile may be.`);
            return;
        }
        take(await file.text());
    };
    const drop = (event: DragEvent) => {
        event.preventDefault();
        void read(event.dataTransfer.files[0]);
    };
    return (
        // biome-ignore lint/a11y/noStaticElementInteractions: the input inside does the same by keyboard
        <div
            className={cx(style.drop, over && style.over)}
            onDragOver={(event) => {
                event.preventDefault();
                setOver(true);
            }}
            onDragLeave={() => setOver(false)}
            onDrop={drop}
        >
            <Icon name="upload" />
            <span>
                Drop a profile here, <label htmlFor={id}>choose a file</label>, or paste it below.
            </span>
            <input
                id={id}
                type="file"
                className="sr-only"
                accept=".json,.jsonld,application/json,application/ld+json"
                onChange={(e) => {
                    void read(e.target.files?.[0]);
                    e.target.value = "";
                }}
            />
            {bad && (
                <p role="alert" className={style.bad}>
                    {bad}
                </p>
            )}
        </div>
    );
}

/* The text of a profile to be, judged while it is written. */
function ProfileDraft(props: {
    text: string;
    refused: ApiError | null;
    change: (text: string) => void;
}) {
    const [spot, setSpot] = useState<Spot | null>(null);
    const verdict = useValidation(useDelayed(props.text, 300));
    const found = props.refused?.problem.findings ?? verdict.data?.findings ?? [];
    const shown = props.text.trim() === "" ? [] : found;
    const pick = (f: Finding) => setSpot({ line: f.line, column: f.column });
    return (
        <div className={style.form}>
            <Editor
                value={props.text}
                onChange={props.change}
                label="Profile of the new twin"
                findings={shown}
                goTo={spot}
                height={300}
            />
            {props.text.trim() !== "" && verdict.data && (
                <VerdictLine
                    verdict={verdict.data}
                    text="Enough to create it; the rest is filled in"
                />
            )}
            {shown.length > 0 && (
                <div className={style.findings}>
                    <FindingsList label="Findings" findings={shown} onPick={pick} />
                </div>
            )}
        </div>
    );
}

function OneThatIsHere({ choose }: { choose: (twin: string) => void }) {
    const [name, setName] = useState("");
    const rested = useDelayed(name.trim(), 200);
    const list = useTwinList({ name: rested || undefined }, 20, 0);
    const twins = list.data?.pages.flatMap((p) => p.items) ?? [];
    const [slow, setSlow] = useState(false);
    useEffect(() => {
        const timer = setTimeout(() => setSlow(true), 150);
        return () => clearTimeout(timer);
    }, []);
    return (
        <div className={style.form}>
            <Input
                label="Name of the twin"
                type="search"
                placeholder="Name contains…"
                value={name}
                onChange={(e) => setName(e.target.value)}
            />
            {twins.length > 0 ? (
                <ul className={style.found} aria-label="Twins found">
                    {twins.map((twin) => (
                        <li key={twin.id}>
                            <button type="button" onClick={() => choose(twin.id)}>
                                <span>
                                    {twin.name}
                                    <small>{twin.id}</small>
                                </span>
                                <StateBadge state={twin.state} />
                            </button>
                        </li>
                    ))}
                </ul>
            ) : (
                <p className={style.mute}>
                    {list.isError
                        ? `The twins could not be listed: ${list.error.message}`
                        : list.isPending
                          ? slow && "Loading…"
                          : "No twin fits."}
                </p>
            )}
        </div>
    );
}

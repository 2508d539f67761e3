/* Twin.tsx - one twin: what it is now, what it was, how it is described, what is wrong with it. */

import { useQuery } from "@tanstack/react-query";
import { lazy, Suspense, useEffect, useMemo, useState } from "react";
import { Link, useLocation, useSearch } from "wouter";
import { useMayOn } from "../api/accessQueries";
import { deleteTwin, listTwins } from "../api/calls";
import { ApiError } from "../api/client";
import { knownSummary, queryClient, useFindings, useProfile, useTwinSensors } from "../api/queries";
import { useLocked, useMay } from "../api/session";
import { formatAge } from "../base/format";
import { stateOf, twinState, worstLevel } from "../base/level";
import type { Level, Sensor, State } from "../base/wire";
import { OriginBadges, TwinBadge } from "../kit/Badge";
import { Button, buttonClass } from "../kit/Button";
import { Confirm } from "../kit/Dialog";
import { Icon } from "../kit/Icon";
import { Menu, MenuItem } from "../kit/Menu";
import { Panel } from "../kit/Panel";
import { panelState } from "../kit/panelState";
import { Tabs } from "../kit/Tabs";
import { announce } from "../kit/toast";
import { useTitle } from "../kit/useTitle";
import { useSubscription, useTicking } from "../live/hooks";
import { clock } from "../live/live";
import { About } from "../panels/About";
import { TwinAlarms } from "../panels/alarms/TwinAlarms";
import { SensorChart } from "../panels/chart/SensorChart";
import { TextChart } from "../panels/chart/TextChart";
import { useView } from "../panels/chart/useView";
import { FindingsPanel } from "../panels/FindingsPanel";
import { ProfilePanel } from "../panels/ProfilePanel";
import { PropertyTable } from "../panels/PropertyTable";
import { finishStep } from "../panels/progress";
import { RelationshipsPanel } from "../panels/RelationshipsPanel";
import { TimeBar } from "../panels/TimeBar";
import { freshest } from "../panels/TwinCard";
import { VersionsPanel } from "../panels/VersionsPanel";
import style from "./Twin.module.css";

const ShareDialog = lazy(() => import("../panels/access/ShareDialog"));

const TABS = ["overview", "data", "alarms", "profile", "findings", "versions"] as const;
type Tab = (typeof TABS)[number];

function asTab(text: string | undefined): Tab {
    return TABS.find((t) => t === text) ?? "overview";
}

interface Origin {
    simulated?: boolean;
    demo?: boolean;
}

/* Where its readings come from stands in the list only. */
function useOrigin(twin: string, name: string | null): Origin {
    const found = useQuery({
        queryKey: ["twin", twin, "summary", name],
        queryFn: ({ signal }) =>
            listTwins({ name: name ?? "" }, { limit: 100, sensors: 0 }, signal),
        enabled: name !== null,
        staleTime: 60_000,
    });
    return found.data?.items.find((t) => t.id === twin) ?? {};
}

/* State, level and age of the whole twin, as one string so that only changes render. */
function Pulse({ twin, sensors }: { twin: string; sensors: Sensor[] }) {
    const judged = useTicking(() => {
        const now = clock.now();
        const fresh = sensors.map((s) => freshest(twin, s));
        const living = fresh.filter((s) => stateOf(s.t, s.interval, now) === "live");
        return `${twinState(fresh, now)} ${worstLevel(living.map((s) => s.level))}`;
    });
    const [state, level] = judged.split(" ") as [State, Level];
    return <TwinBadge state={state} level={level} />;
}

function Updated({ twin, sensors }: { twin: string; sensors: Sensor[] }) {
    const text = useTicking(() => {
        const newest = Math.max(...sensors.map((s) => freshest(twin, s).t ?? -1), -1);
        return newest < 0 ? "no reading yet" : `updated ${formatAge(clock.now() - newest)} ago`;
    });
    return <span data-testid="updated">{text}</span>;
}

interface HeadProps {
    id: string;
    name: string | null;
    type: string | null;
    twinTypes: string[];
    origin: Origin | undefined;
    sensors: Sensor[];
}

/* "Pump" or ["Pump", "Asset"]: the types that it says it is of. */
function typesOf(doc: Record<string, unknown> | null): string[] {
    const said = doc?.["doppel:twinType"];
    return (Array.isArray(said) ? said : [said]).filter((t) => typeof t === "string");
}

function Head(props: HeadProps) {
    const { id, name, sensors } = props;
    const [, navigate] = useLocation();
    const [asking, setAsking] = useState(false);
    const [sharing, setSharing] = useState(false);
    const locked = useLocked();
    const own = !id.includes("~");
    const share = useMay("twins:share") && locked && own;
    const devices = useMay("devices:manage") && locked && own;
    const sends = useMayOn(id, "data:write");
    const deletes = useMayOn(id, "twins:delete");
    const found = useOrigin(id, props.origin === undefined ? name : null);
    const remove = async () => {
        await deleteTwin(id);
        announce(`Deleted ${name ?? id}`);
        navigate("/twins");
        queryClient.removeQueries({ queryKey: ["twin", id] });
        void queryClient.invalidateQueries({ queryKey: ["twins"] });
    };
    return (
        <div className={style.head}>
            <div>
                <div className={style.title}>
                    <h1>{name ?? id}</h1>
                    {sensors.length > 0 && <Pulse twin={id} sensors={sensors} />}
                    <OriginBadges twin={props.origin ?? found} />
                </div>
                <div className={style.sub}>
                    {props.type && <span>{props.type}</span>}
                    {props.twinTypes.map((type) => (
                        <Link key={type} href={`/types/${encodeURIComponent(type)}`}>
                            {type}
                        </Link>
                    ))}
                    <code>{id}</code>
                    {sensors.length > 0 && <Updated twin={id} sensors={sensors} />}
                </div>
            </div>
            <div className={style.actions}>
                {share && (
                    <Button
                        icon="share"
                        aria-label="Share this twin"
                        onClick={() => setSharing(true)}
                    >
                        <span className={style.wide}>Share</span>
                    </Button>
                )}
                {sends && (
                    <Link
                        href={`/connect?twin=${encodeURIComponent(id)}`}
                        className={buttonClass("secondary")}
                    >
                        <Icon name="connect" />
                        <span className={style.wide}>Send readings</span>
                        <span className="sr-only"> to this twin</span>
                    </Link>
                )}
                {(deletes || devices) && (
                    <Menu trigger={<Button icon="more" label="More about this twin" />}>
                        {devices && (
                            <MenuItem
                                icon="device"
                                onSelect={() => navigate(`/devices?twin=${encodeURIComponent(id)}`)}
                            >
                                Credentials of its device
                            </MenuItem>
                        )}
                        {deletes && (
                            <MenuItem icon="trash" danger onSelect={() => setAsking(true)}>
                                Delete this twin…
                            </MenuItem>
                        )}
                    </Menu>
                )}
            </div>
            {sharing && (
                <Suspense fallback={null}>
                    <ShareDialog twin={id} name={name ?? id} close={() => setSharing(false)} />
                </Suspense>
            )}
            <Confirm
                open={asking}
                onOpenChange={setAsking}
                title={`Delete ${name ?? id}?`}
                text="Its profile and everything it remembers are deleted. This cannot be undone."
                verb="Delete"
                run={remove}
            />
        </div>
    );
}

const isText = (s: Sensor) => typeof s.value === "string" || s.type === "text";

function Chart({ twin, sensor, height }: { twin: string; sensor: Sensor; height: number }) {
    const { view, fixed } = useView();
    const One = isText(sensor) ? TextChart : SensorChart;
    return <One twin={twin} sensor={sensor} view={view} height={height} onZoom={fixed} />;
}

function Overview({ id, sensors, profile }: { id: string; sensors: Sensor[]; profile: unknown }) {
    const [path, navigate] = useLocation();
    const search = useSearch();
    const asked = new URLSearchParams(search).get("sensor");
    const chosen =
        sensors.find((s) => s.id === asked) ?? sensors.find((s) => !isText(s)) ?? sensors[0];
    const choose = (sensor: string) => {
        const params = new URLSearchParams(search);
        params.set("sensor", sensor);
        navigate(`${path}?${params}`, { replace: true });
    };
    return (
        <>
            <TimeBar />
            <div className={style.overview}>
                <div className={style.left}>
                    {chosen && <Chart key={chosen.id} twin={id} sensor={chosen} height={300} />}
                    <RelationshipsPanel twin={id} />
                    <About profile={profile} />
                </div>
                <Panel
                    title="Properties"
                    note={String(sensors.length)}
                    flush
                    state={panelState({
                        empty:
                            sensors.length === 0
                                ? { why: "never", text: "This twin has no sensors." }
                                : null,
                    })}
                    action={
                        <Link
                            href={`/twins/${encodeURIComponent(id)}/profile`}
                            className={buttonClass()}
                        >
                            Add them in the profile
                        </Link>
                    }
                >
                    <PropertyTable
                        twin={id}
                        sensors={sensors}
                        chosen={chosen?.id}
                        choose={choose}
                    />
                </Panel>
            </div>
        </>
    );
}

const CHARTS = 8;

function Data({ id, sensors }: { id: string; sensors: Sensor[] }) {
    const [count, setCount] = useState(CHARTS);
    if (sensors.length === 0) {
        return (
            <Panel
                title="Data"
                state={{ kind: "empty", why: "never", text: "This twin has no sensors." }}
            />
        );
    }
    return (
        <>
            <TimeBar />
            <div className={style.charts}>
                {sensors.slice(0, count).map((sensor) => (
                    <Chart key={sensor.id} twin={id} sensor={sensor} height={200} />
                ))}
            </div>
            {sensors.length > count && (
                <div className={style.more}>
                    <Button onClick={() => setCount(count + CHARTS)}>
                        Show more ({sensors.length - count} left)
                    </Button>
                </div>
            )}
        </>
    );
}

function Missing({ id }: { id: string }) {
    return (
        <>
            <h1 className="sr-only">Twin not found</h1>
            <Panel
                title={id}
                minHeight={240}
                state={{
                    kind: "empty",
                    why: "never",
                    text: `There is no twin “${id}”. It may have been deleted.`,
                }}
                action={
                    <>
                        <Link href="/twins" className={buttonClass("primary")}>
                            See all twins
                        </Link>
                        <Link
                            href={`/connect?new=${encodeURIComponent(id)}`}
                            className={buttonClass()}
                        >
                            Create it
                        </Link>
                    </>
                }
            />
        </>
    );
}

export default function Twin({ id, tab: asked }: { id: string; tab: string | undefined }) {
    const tab = asTab(asked);
    const [, navigate] = useLocation();
    const search = useSearch();
    const sensors = useTwinSensors(id);
    const profile = useProfile(id, false, false);
    const findings = useFindings(id);
    useSubscription([{ twin: id }]);
    useEffect(() => finishStep("opened"), []);

    const doc = useMemo(() => {
        try {
            return profile.data ? (JSON.parse(profile.data.text) as Record<string, unknown>) : null;
        } catch {
            return null;
        }
    }, [profile.data]);
    const writes = useMayOn(id, "twins:write");
    const [known] = useState(() => knownSummary(id));
    const name = typeof doc?.name === "string" ? doc.name : (known?.name ?? null);
    const subject = doc?.subjectOf as { name?: unknown } | undefined;
    useTitle(name ?? id);

    const gone = sensors.error instanceof ApiError && sensors.error.missing;
    if (gone) return <Missing id={id} />;
    const state = panelState({
        error: sensors.error,
        retry: () => void sensors.refetch(),
        hasData: sensors.data !== undefined,
        loading: sensors.data === undefined,
    });
    const list = sensors.data ?? [];
    const change = (next: string) => {
        /* the time stays in the URL from tab to tab; a marked line does not */
        const params = new URLSearchParams(search);
        params.delete("at");
        const tail = params.toString();
        const path = `/twins/${encodeURIComponent(id)}/${next}`;
        navigate(tail ? `${path}?${tail}` : path);
    };
    return (
        <>
            <Head
                id={id}
                name={name}
                sensors={list}
                type={typeof subject?.name === "string" ? subject.name : (known?.type ?? null)}
                twinTypes={typesOf(doc)}
                origin={known}
            />
            <Tabs
                label="Parts of this twin"
                value={tab}
                onChange={change}
                tabs={[
                    { value: "overview", label: "Overview" },
                    { value: "data", label: "Data" },
                    { value: "alarms", label: "Alarms" },
                    { value: "profile", label: "Profile" },
                    {
                        value: "findings",
                        label: "Findings",
                        count: findings.data?.findings.length,
                    },
                    { value: "versions", label: "Versions" },
                ]}
            >
                {tab === "alarms" ? (
                    <TwinAlarms twin={id} />
                ) : tab === "profile" ? (
                    <ProfilePanel twin={id} at={new URLSearchParams(search).get("at")} />
                ) : tab === "findings" ? (
                    <FindingsPanel twin={id} />
                ) : tab === "versions" ? (
                    <VersionsPanel of={["twins", id]} mayRestore={writes} />
                ) : state.kind === "live" ? (
                    tab === "data" ? (
                        <Data id={id} sensors={list} />
                    ) : (
                        <Overview id={id} sensors={list} profile={doc} />
                    )
                ) : (
                    <Panel title="Properties" state={state} minHeight={300} />
                )}
            </Tabs>
        </>
    );
}

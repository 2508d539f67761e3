/* Twins.tsx - all twins, to find one among thousands. */

import { useEffect, useState } from "react";
import { Link, useLocation, useSearch } from "wouter";
import { deleteTwin, type TwinFilter } from "../api/calls";
import { queryClient, useTwinList } from "../api/queries";
import { useMay } from "../api/session";
import { formatCount, plural } from "../base/format";
import type { State, TwinSummary } from "../base/wire";
import { AgeText } from "../kit/Age";
import { OriginBadges, StateBadge } from "../kit/Badge";
import { Button, buttonClass } from "../kit/Button";
import { Confirm } from "../kit/Dialog";
import { Input, Select } from "../kit/Field";
import { Icon } from "../kit/Icon";
import { Panel } from "../kit/Panel";
import { panelState } from "../kit/panelState";
import { Table, tableStyle } from "../kit/Table";
import { announce } from "../kit/toast";
import { useDelayed } from "../kit/useDelayed";
import { useTitle } from "../kit/useTitle";
import { FirstTwin } from "../panels/FirstTwin";
import style from "./Twins.module.css";

const PAGE = 50;

const STATES: { value: State | ""; label: string }[] = [
    { value: "", label: "Any state" },
    { value: "live", label: "Live" },
    { value: "stale", label: "Stale" },
    { value: "waiting", label: "Waiting" },
];

function asState(text: string | null): State | undefined {
    return text === "live" || text === "stale" || text === "waiting" ? text : undefined;
}

/* The filter stands in the URL; what is being typed gets there when it rests. */
function useFilter() {
    const search = useSearch();
    const [, navigate] = useLocation();
    const params = new URLSearchParams(search);
    const [name, setName] = useState(params.get("name") ?? "");
    const [type, setType] = useState(params.get("type") ?? "");
    const state = asState(params.get("state"));
    const twinType = params.get("twinType");
    const rested = useDelayed(`${name.trim()}\n${type.trim()}`, 250);
    useEffect(() => {
        const [restedName = "", restedType = ""] = rested.split("\n");
        const next = new URLSearchParams();
        if (restedName) next.set("name", restedName);
        if (restedType) next.set("type", restedType);
        if (state) next.set("state", state);
        if (twinType) next.set("twinType", twinType);
        const tail = next.toString();
        navigate(tail ? `/twins?${tail}` : "/twins", { replace: true });
    }, [rested, state, twinType, navigate]);
    const setState = (value: string) => {
        const next = new URLSearchParams(search);
        if (value) next.set("state", value);
        else next.delete("state");
        navigate(`/twins?${next}`, { replace: true });
    };
    const filter: TwinFilter = {
        name: params.get("name") ?? undefined,
        type: params.get("type") ?? undefined,
        twinType: twinType ?? undefined,
        state,
    };
    return { filter, name, setName, type, setType, state: state ?? "", setState };
}

function Row({ twin, remove }: { twin: TwinSummary; remove: (() => void) | null }) {
    const synced = twin.lastSynced ? Date.parse(twin.lastSynced) : null;
    return (
        <tr>
            <td>
                <Link href={`/twins/${encodeURIComponent(twin.id)}`} className={style.name ?? ""}>
                    {twin.name}
                </Link>
                <code className={style.id}>{twin.id}</code>
            </td>
            <td>
                <span className={style.badges}>
                    <StateBadge state={twin.state} />
                    <OriginBadges twin={twin} />
                </span>
            </td>
            <td className={`${style.optional} ${style.mute}`}>{twin.type}</td>
            <td className={`${style.optional} ${style.mute} ${tableStyle.num}`}>
                {twin.sensorCount ?? "–"}
            </td>
            <td className={`${style.optional} ${style.mute}`}>
                <AgeText t={synced} none="never" />
            </td>
            <td className={style.act}>
                {remove && (
                    <Button
                        small
                        look="ghost"
                        icon="trash"
                        label={`Delete ${twin.name}`}
                        onClick={remove}
                    />
                )}
            </td>
        </tr>
    );
}

export default function Twins() {
    useTitle("Twins");
    const f = useFilter();
    const list = useTwinList(f.filter, PAGE, 0);
    const creates = useMay("twins:create");
    const deletes = useMay("twins:delete");
    const [doomed, setDoomed] = useState<TwinSummary | null>(null);
    const twins = list.data?.pages.flatMap((p) => p.items) ?? [];
    const total = list.data?.pages.at(-1)?.total ?? 0;
    const filtered = Boolean(f.filter.name || f.filter.type || f.filter.twinType || f.filter.state);
    const state = panelState({
        error: list.error,
        retry: () => void list.refetch(),
        hasData: list.data !== undefined,
        loading: list.isPending,
        empty:
            list.data && twins.length === 0
                ? filtered
                    ? { why: "filter", text: "No twin fits this filter." }
                    : { why: "never", text: "No twin is here yet." }
                : null,
    });
    const remove = async () => {
        if (!doomed) return;
        await deleteTwin(doomed.id);
        announce(`Deleted ${doomed.name}`);
        await queryClient.invalidateQueries({ queryKey: ["twins"] });
    };
    return (
        <>
            <div className={style.head}>
                <h1>Twins</h1>
                {creates && (
                    <Link href="/connect" className={buttonClass("primary")}>
                        <Icon name="plus" />
                        Create a twin
                    </Link>
                )}
            </div>
            <search className={style.filters} aria-label="Filter twins">
                <Input
                    label="Name"
                    hideLabel
                    placeholder="Name contains…"
                    type="search"
                    value={f.name}
                    onChange={(e) => f.setName(e.target.value)}
                />
                <Input
                    label="Type"
                    hideLabel
                    placeholder="Type…"
                    type="search"
                    value={f.type}
                    onChange={(e) => f.setType(e.target.value)}
                />
                <Select
                    label="State"
                    hideLabel
                    value={f.state}
                    onChange={(e) => f.setState(e.target.value)}
                    options={STATES}
                />
            </search>
            <Panel
                title={f.filter.twinType ? `Twins of type ${f.filter.twinType}` : "All twins"}
                note={list.data ? plural(total, "twin") : undefined}
                actions={
                    f.filter.twinType && (
                        <Link
                            href={`/types/${encodeURIComponent(f.filter.twinType)}`}
                            className={buttonClass()}
                        >
                            The type
                        </Link>
                    )
                }
                state={state}
                flush
                minHeight={240}
                action={
                    f.filter.twinType ? (
                        <Link href="/twins" className={buttonClass()}>
                            See all twins
                        </Link>
                    ) : filtered ? (
                        <Button
                            onClick={() => {
                                f.setName("");
                                f.setType("");
                                f.setState("");
                            }}
                        >
                            Clear the filter
                        </Button>
                    ) : (
                        <FirstTwin />
                    )
                }
            >
                <Table
                    caption="Twins"
                    hover
                    head={
                        <>
                            <th scope="col">Name</th>
                            <th scope="col">State</th>
                            <th scope="col" className={style.optional}>
                                Type
                            </th>
                            <th scope="col" className={`${style.optional} ${tableStyle.num}`}>
                                Sensors
                            </th>
                            <th scope="col" className={style.optional}>
                                Last reading
                            </th>
                            <th scope="col">
                                <span className="sr-only">Actions</span>
                            </th>
                        </>
                    }
                >
                    {twins.map((twin) => (
                        <Row
                            key={twin.id}
                            twin={twin}
                            remove={deletes ? () => setDoomed(twin) : null}
                        />
                    ))}
                </Table>
                {list.hasNextPage && (
                    <div className={style.foot}>
                        <span>
                            {formatCount(twins.length)} of {formatCount(total)}
                        </span>
                        <Button
                            onClick={() => void list.fetchNextPage()}
                            disabled={list.isFetchingNextPage}
                        >
                            {list.isFetchingNextPage ? "Loading…" : "Show more"}
                        </Button>
                    </div>
                )}
            </Panel>
            <Confirm
                open={doomed !== null}
                onOpenChange={(open) => !open && setDoomed(null)}
                title={`Delete ${doomed?.name ?? ""}?`}
                text="Its profile and everything it remembers are deleted. This cannot be undone."
                verb="Delete"
                run={remove}
            />
        </>
    );
}

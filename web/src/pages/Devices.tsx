/* Devices.tsx - the twins that send something, what lets them in, and who was turned away. */

import { type ReactNode, useEffect, useRef } from "react";
import { Link, useLocation, useSearch } from "wouter";
import { useDevices } from "../api/accessQueries";
import type { Device } from "../base/access";
import { plural } from "../base/format";
import { AgeText } from "../kit/Age";
import { Badge } from "../kit/Badge";
import { Button, buttonClass } from "../kit/Button";
import { Item, Items } from "../kit/Items";
import { Panel } from "../kit/Panel";
import { Column, Sections, sectionsStyle as style } from "../kit/Sections";
import { useTitle } from "../kit/useTitle";
import { CredentialsPanel } from "../panels/access/CredentialsPanel";
import { listState, timeOf } from "../panels/access/lists";
import { ProvisioningPanel } from "../panels/access/ProvisioningPanel";
import { Since } from "../panels/access/Since";
import { FindTwin } from "../panels/FindTwin";

export default function Devices() {
    useTitle("Devices");
    const devices = useDevices();
    const [, navigate] = useLocation();
    const asked = new URLSearchParams(useSearch()).get("twin");
    const all = devices.data?.pages.flatMap((p) => p.devices) ?? [];
    const chosen = asked === null ? null : (all.find((d) => d.twin === asked)?.name ?? asked);
    const choose = (twin: string) =>
        navigate(twin === asked ? "/devices" : `/devices?twin=${encodeURIComponent(twin)}`, {
            replace: true,
        });
    return (
        <Sections
            title="Devices"
            lead="What sends to your twins, and what lets it in. A device may write its own twin and nothing else."
        >
            <Column>
                <FindTwin
                    label="Find a twin"
                    placeholder="Let the device of a twin in: its name…"
                    take={(twin) =>
                        navigate(`/devices?twin=${encodeURIComponent(twin)}`, { replace: true })
                    }
                />
                <Panel
                    title="Devices"
                    note={
                        devices.data &&
                        `${plural(all.length, "device")}${devices.hasNextPage ? " and more" : ""}`
                    }
                    state={listState(
                        { ...devices, data: devices.data && all },
                        "No device has a credential yet. Find its twin above, or connect a new one.",
                    )}
                    flush
                    minHeight={200}
                    action={
                        <Link href="/connect" className={buttonClass()}>
                            Connect a device
                        </Link>
                    }
                >
                    <Items label="Devices" most={1000}>
                        {all.map((device) => (
                            <One
                                key={device.twin}
                                device={device}
                                open={device.twin === asked}
                                choose={() => choose(device.twin)}
                            />
                        ))}
                    </Items>
                    {devices.hasNextPage && (
                        <div className={style.more}>
                            <Button
                                disabled={devices.isFetchingNextPage}
                                onClick={() => void devices.fetchNextPage()}
                            >
                                {devices.isFetchingNextPage ? "Loading…" : "Show more"}
                            </Button>
                        </div>
                    )}
                </Panel>
            </Column>
            <Column>
                {asked !== null && (
                    <InSight key={asked}>
                        <CredentialsPanel twin={asked} name={chosen ?? asked} />
                    </InSight>
                )}
                <ProvisioningPanel />
            </Column>
        </Sections>
    );
}

/* Where the columns stand below each other, what was asked for is scrolled to. */
function InSight({ children }: { children: ReactNode }) {
    const ref = useRef<HTMLDivElement>(null);
    useEffect(() => ref.current?.scrollIntoView({ block: "nearest" }), []);
    return <div ref={ref}>{children}</div>;
}

function One(props: { device: Device; open: boolean; choose: () => void }) {
    const { device } = props;
    const refused = device.lastRefused;
    return (
        <Item
            title={
                <Link href={`/twins/${encodeURIComponent(device.twin)}`}>
                    {device.name || device.twin}
                </Link>
            }
            badges={
                device.connected ? (
                    <Badge tone="ok" icon="live">
                        Connected
                    </Badge>
                ) : null
            }
            facts={[
                <code key="t">{device.twin}</code>,
                device.credentials === 0
                    ? "no credential"
                    : plural(device.credentials, "credential"),
                <Since key="s" word="seen" t={device.seen} never="never seen" />,
            ]}
            actions={
                <Button
                    small
                    aria-expanded={props.open}
                    aria-label={`Credentials of ${device.name || device.twin}`}
                    onClick={props.choose}
                >
                    Credentials
                </Button>
            }
        >
            {refused && (
                <p className={style.note} style={{ paddingBottom: 4 }}>
                    <Badge tone="warn" icon="warn">
                        Refused
                    </Badge>{" "}
                    <AgeText t={timeOf(refused.time)} /> ago
                    {refused.address && ` from ${refused.address}`}: {refused.why}
                </p>
            )}
        </Item>
    );
}

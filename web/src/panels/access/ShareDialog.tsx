/* ShareDialog.tsx - who else sees a twin: share it anew, and see with whom it is shared.  What members
 * of the organisation may do with it is narrowed by its policy, in the second tab. */

import { lazy, Suspense, useState } from "react";
import { changeGrant, makeGrant, type NewGrant, removeGrant } from "../../api/access";
import { refresh, useGrants } from "../../api/accessQueries";
import { useTwinSensors } from "../../api/queries";
import { type Grant, type Receiver, ROLE_WORDS, type Role } from "../../base/access";
import { EXPIRIES, expiresIn, expiryOf } from "../../base/expiry";
import { Badge } from "../../kit/Badge";
import { Button, ServerButton } from "../../kit/Button";
import { Checks } from "../../kit/Checks";
import { Dialog } from "../../kit/Dialog";
import { Input, Select } from "../../kit/Field";
import { type Chosen, FindPeople } from "../../kit/FindPeople";
import { Icon, type IconName } from "../../kit/Icon";
import { Item, Items } from "../../kit/Items";
import { Skeleton } from "../../kit/Panel";
import { Refusal } from "../../kit/Refusal";
import { Secret } from "../../kit/Secret";
import { sectionsStyle as style } from "../../kit/Sections";
import { Tabs } from "../../kit/Tabs";
import { useAct } from "../../kit/useAct";
import { wholeLink } from "./InvitationsPanel";
import { roleOptions } from "./MembersPanel";
import { partName, partsOf } from "./parts";
import share from "./Share.module.css";

const PolicyEditor = lazy(() =>
    import("./PolicyEditor").then((m) => ({ default: m.PolicyEditor })),
);

export interface ShareDialogProps {
    twin: string;
    name: string;
    close: () => void;
}

export default function ShareDialog({ twin, name, close }: ShareDialogProps) {
    const [tab, setTab] = useState("share");
    return (
        <Dialog open onOpenChange={(open) => !open && close()} title={`Share ${name}`} width={620}>
            <Tabs
                label="Who may do what"
                value={tab}
                onChange={setTab}
                tabs={[
                    { value: "share", label: "Shared with" },
                    { value: "policy", label: "What members may" },
                ]}
            >
                {tab === "policy" ? (
                    <Suspense fallback={<Skeleton />}>
                        <PolicyEditor twin={twin} />
                    </Suspense>
                ) : (
                    <div className={style.form}>
                        <NewShare twin={twin} />
                        <Shared twin={twin} />
                    </div>
                )}
            </Tabs>
        </Dialog>
    );
}

type Way = "people" | "common" | "link" | "organization";

const WAYS: { value: Way; label: string }[] = [
    { value: "people", label: "A person or team" },
    { value: "common", label: "Everyone signed in" },
    { value: "link", label: "Whoever has a link (to look at)" },
    { value: "organization", label: "Another organization" },
];

function receiver(way: Way, chosen: Chosen | null, org: string): NewGrant["to"] | null {
    if (way === "common" || way === "link") return { kind: way };
    if (way === "organization") return org.trim() ? { kind: way, id: org.trim() } : null;
    if (!chosen) return null;
    if (chosen.kind === "email") return { kind: "person", email: chosen.email };
    return { kind: chosen.kind, id: chosen.id };
}

function NewShare({ twin }: { twin: string }) {
    const [way, setWay] = useState<Way>("people");
    const [chosen, setChosen] = useState<Chosen | null>(null);
    const [org, setOrg] = useState("");
    const [role, setRole] = useState<Role>("viewer");
    const [days, setDays] = useState("");
    const [some, setSome] = useState(false);
    const [parts, setParts] = useState<string[]>([]);
    const [link, setLink] = useState<string | null>(null);
    const sensors = useTwinSensors(twin);
    const act = useAct();
    const to = receiver(way, chosen, org);
    const ready = to !== null && (!some || parts.length > 0);
    const submit = () =>
        act.run(
            async () => {
                if (!to) return;
                const made = await makeGrant({
                    object: `twin:${twin}`,
                    to,
                    role: way === "link" ? "viewer" : role,
                    parts: some ? parts : undefined,
                    expires: expiryOf(days),
                });
                setLink(made.link ? wholeLink(made.link) : null);
                setChosen(null);
                await refresh("grants");
            },
            way === "link" ? "Link made" : "Shared",
        );
    const changeWay = (next: Way) => {
        setWay(next);
        setLink(null);
        /* a link that nobody thinks of any more should end by itself */
        setDays(next === "link" ? "7" : "");
    };
    return (
        <form
            className={style.form}
            onSubmit={(event) => {
                event.preventDefault();
                if (ready) void submit();
            }}
        >
            <div className={style.pair}>
                <Select
                    label="Share with"
                    value={way}
                    onChange={(e) => changeWay(e.target.value as Way)}
                    options={WAYS}
                />
                {way === "people" && <FindPeople label="Who" chosen={chosen} choose={setChosen} />}
                {way === "organization" && (
                    <Input
                        label="Its short name"
                        placeholder="acme"
                        autoComplete="off"
                        spellCheck={false}
                        value={org}
                        onChange={(e) => setOrg(e.target.value)}
                    />
                )}
            </div>
            <div className={style.pair}>
                {way !== "link" && (
                    <Select
                        label="As"
                        value={role}
                        hint={`A ${role} ${ROLE_WORDS[role]}.`.replace(/^A (e|o|a)/, "An $1")}
                        onChange={(e) => setRole(e.target.value as Role)}
                        options={roleOptions.filter((o) => o.value !== "administrator")}
                    />
                )}
                <Select
                    label="For"
                    value={days}
                    onChange={(e) => setDays(e.target.value)}
                    options={EXPIRIES.filter((o) => way !== "link" || o.value !== "")}
                />
                <Select
                    label="What of it"
                    value={some ? "some" : "all"}
                    onChange={(e) => setSome(e.target.value === "some")}
                    options={[
                        { value: "all", label: "The whole twin" },
                        { value: "some", label: "Only some parts" },
                    ]}
                />
            </div>
            {some && (
                <Checks
                    legend="Parts"
                    columns
                    options={partsOf(sensors.data)}
                    chosen={parts}
                    onChange={setParts}
                />
            )}
            <Refusal error={act.error} what="Not shared" />
            {link && (
                <Secret what="the link" secret={link}>
                    Whoever opens it may look, without an account, until it ends.
                </Secret>
            )}
            <div>
                <ServerButton look="primary" type="submit" disabled={act.busy || !ready}>
                    {act.busy ? "Sharing…" : way === "link" ? "Make a link" : "Share"}
                </ServerButton>
            </div>
        </form>
    );
}

const FACES: Record<Receiver, { icon: IconName; word: string }> = {
    person: { icon: "person", word: "Somebody" },
    team: { icon: "people", word: "A team" },
    organization: { icon: "building", word: "An organization" },
    common: { icon: "globe", word: "Everyone signed in" },
    link: { icon: "link", word: "Whoever has the link" },
};

function Shared({ twin }: { twin: string }) {
    const object = `twin:${twin}`;
    const grants = useGrants(object);
    return (
        <section aria-label="Shared already" className={share.shared}>
            <h3>Shared already</h3>
            {grants.error && <Refusal error={grants.error} />}
            {!grants.data && !grants.error && <Skeleton lines={2} />}
            {grants.data?.length === 0 && (
                <p className={style.note}>
                    With nobody beyond the members of the organization, who see it by their role.
                </p>
            )}
            {grants.data && grants.data.length > 0 && (
                <Items label="Shared with">
                    {grants.data.map((grant) => (
                        <One key={grant.id} grant={grant} twin={twin} />
                    ))}
                </Items>
            )}
        </section>
    );
}

function One({ grant, twin }: { grant: Grant; twin: string }) {
    const act = useAct();
    const parts = partsOf(useTwinSensors(twin).data);
    const { to } = grant;
    const face = FACES[to.kind];
    const name =
        to.kind === "common" || to.kind === "link"
            ? face.word
            : to.name || to.email || to.id || face.word;
    const whole = !grant.parts?.length;
    return (
        <Item
            title={
                <span className={share.who}>
                    <Icon name={face.icon} /> {name}
                </span>
            }
            badges={to.kind === "link" && <Badge tone="mute">viewer</Badge>}
            facts={[
                to.email !== name && to.email,
                grant.object.startsWith("space:") && "everything of the organization",
                whole
                    ? "the whole twin"
                    : `only ${grant.parts?.map((p) => partName(p, parts)).join(", ")}`,
                grant.expires ? `ends ${expiresIn(grant.expires)}` : "until it is withdrawn",
            ]}
            actions={
                <>
                    {to.kind !== "link" && (
                        <Select
                            label={`Role of ${name}`}
                            hideLabel
                            value={grant.role}
                            disabled={act.busy}
                            onChange={(e) =>
                                void act.run(async () => {
                                    await changeGrant(grant.id, { role: e.target.value as Role });
                                    await refresh("grants");
                                }, "Changed")
                            }
                            options={roleOptions}
                        />
                    )}
                    <Button
                        look="ghost"
                        icon="trash"
                        disabled={act.busy}
                        label={`Stop sharing with ${name}`}
                        onClick={() =>
                            void act.run(async () => {
                                await removeGrant(grant.id);
                                await refresh("grants");
                            }, "No longer shared")
                        }
                    />
                </>
            }
        >
            <Refusal error={act.error} />
        </Item>
    );
}

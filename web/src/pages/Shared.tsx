/* Shared.tsx - the twins that others have shared with whoever is here. */

import { Link } from "wouter";
import { useShared } from "../api/accessQueries";
import { nameOf } from "../base/access";
import { expiresIn } from "../base/expiry";
import { Badge } from "../kit/Badge";
import { Item, Items } from "../kit/Items";
import { Panel } from "../kit/Panel";
import { Sections, sectionsStyle as style } from "../kit/Sections";
import { useTitle } from "../kit/useTitle";
import { listState } from "../panels/access/lists";

export default function Shared() {
    useTitle("Shared with me");
    const shared = useShared();
    return (
        <Sections
            title="Shared with me"
            lead="Twins of other organizations, and those that somebody has given to you or your team."
        >
            <div className={style.wide}>
                <Panel
                    title="Twins"
                    flush
                    minHeight={200}
                    state={listState(shared, "Nobody has shared a twin with you yet.")}
                >
                    <Items label="Shared twins">
                        {shared.data?.map((twin) => (
                            <Item
                                key={twin.id}
                                title={
                                    <Link href={`/twins/${encodeURIComponent(twin.id)}`}>
                                        {twin.name || twin.id}
                                    </Link>
                                }
                                badges={<Badge tone="mute">{twin.role}</Badge>}
                                facts={[
                                    <code key="id">{twin.id}</code>,
                                    `from ${nameOf(twin.organization)}`,
                                    twin.expires && `ends ${expiresIn(twin.expires)}`,
                                ]}
                            />
                        ))}
                    </Items>
                </Panel>
            </div>
        </Sections>
    );
}

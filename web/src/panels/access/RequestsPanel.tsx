/* RequestsPanel.tsx - who asks for a role, and why; the answer is one click. */

import { useState } from "react";
import { decideRequest } from "../../api/access";
import { refresh, useLeastRole, useOrg, useRequests } from "../../api/accessQueries";
import { useMay } from "../../api/session";
import { nameOf, operationWords, type Request, type Role } from "../../base/access";
import { ServerButton } from "../../kit/Button";
import { Select } from "../../kit/Field";
import { Item, Items } from "../../kit/Items";
import { Panel } from "../../kit/Panel";
import { Refusal } from "../../kit/Refusal";
import { sectionsStyle as style } from "../../kit/Sections";
import { useAct } from "../../kit/useAct";
import { listState } from "./lists";
import { roleOptions } from "./MembersPanel";
import { Since } from "./Since";

export function RequestsPanel() {
    const may = useMay("members:manage");
    const requests = useRequests(may);
    if (!may) return null;
    const open = requests.data?.filter((r) => (r.state ?? "open") === "open");
    return (
        <Panel
            title="Requests"
            state={listState(
                { ...requests, data: open } as typeof requests,
                "Nobody asks for anything.",
            )}
            flush
        >
            <Items label="Requests">
                {open?.map((one) => (
                    <One key={one.id} request={one} />
                ))}
            </Items>
        </Panel>
    );
}

function One({ request }: { request: Request }) {
    const org = useOrg();
    const act = useAct();
    const least = useLeastRole(request.operation);
    const [chosen, setRole] = useState<Role | null>(null);
    const role = chosen ?? request.role ?? least ?? "operator";
    const who = nameOf(request.who) || request.who.email || "Somebody";
    const decide = (decision: "approve" | "deny") =>
        act.run(
            async () => {
                const approve = decision === "approve";
                await decideRequest(org, request.id, approve ? { decision, role } : { decision });
                await refresh("requests", "members");
            },
            decision === "approve" ? `${who} is ${role} now` : "Request denied",
        );
    return (
        <Item
            title={`${who} wants to ${operationWords(request.operation)}`}
            facts={[
                request.object,
                request.message && `“${request.message}”`,
                <Since key="c" word="asked" t={request.created} never="" />,
            ]}
            actions={
                <>
                    <Select
                        label={`Role for ${who}`}
                        hideLabel
                        value={role}
                        onChange={(e) => setRole(e.target.value as Role)}
                        options={roleOptions}
                    />
                    <ServerButton
                        look="primary"
                        disabled={act.busy}
                        aria-label={`Approve the request of ${who}`}
                        onClick={() => void decide("approve")}
                    >
                        Approve
                    </ServerButton>
                    <ServerButton
                        disabled={act.busy}
                        aria-label={`Deny the request of ${who}`}
                        onClick={() => void decide("deny")}
                    >
                        Deny
                    </ServerButton>
                </>
            }
        >
            {act.error !== null && (
                <div className={style.form}>
                    <Refusal error={act.error} />
                </div>
            )}
        </Item>
    );
}

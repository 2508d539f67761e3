import { useState } from "react";
import { makeToken, removeToken } from "../../api/access";
import { refresh, useOrg, useTokens } from "../../api/accessQueries";
import { useSession } from "../../api/session";
import type { Token } from "../../base/access";
import { expiresIn } from "../../base/expiry";
import { plural } from "../../base/format";
import { Badge } from "../../kit/Badge";
import { Button } from "../../kit/Button";
import { Confirm } from "../../kit/Dialog";
import { freshly } from "../../kit/freshness";
import { Item, Items } from "../../kit/Items";
import { Panel } from "../../kit/Panel";
import { listState } from "./lists";
import { Since } from "./Since";
import { TokenDialog } from "./TokenDialog";

export function TokenItems(props: { tokens: Token[]; remove: (token: Token) => void }) {
    return (
        <Items label="Tokens">
            {props.tokens.map((one) => (
                <Item
                    key={one.id}
                    title={one.name}
                    faint={expiresIn(one.expires) === "ended"}
                    badges={
                        expiresIn(one.expires) === "ended" && (
                            <Badge tone="mute" filled icon="clock">
                                ended
                            </Badge>
                        )
                    }
                    facts={[
                        one.scopes?.length
                            ? `may do ${plural(one.scopes.length, "thing")}: ${one.scopes.slice(0, 3).join(", ")}${one.scopes.length > 3 ? "…" : ""}`
                            : "may do what its owner may",
                        `ends ${expiresIn(one.expires)}`,
                        <Since key="u" word="used" t={one.used} never="never used" />,
                    ]}
                    actions={
                        <Button
                            small
                            look="ghost"
                            icon="trash"
                            label={`Revoke ${one.name}`}
                            onClick={() => props.remove(one)}
                        />
                    }
                />
            ))}
        </Items>
    );
}

export function TokensPanel() {
    const tokens = useTokens();
    const session = useSession().data;
    const org = useOrg();
    const [making, setMaking] = useState(false);
    const [doomed, setDoomed] = useState<Token | null>(null);
    return (
        <>
            <Panel
                title="API tokens"
                state={listState(
                    tokens,
                    "A token lets a program do what you may, or a part of it.",
                )}
                flush
                actions={
                    <Button small icon="plus" onClick={() => setMaking(true)}>
                        New token
                    </Button>
                }
            >
                <TokenItems tokens={tokens.data ?? []} remove={setDoomed} />
            </Panel>

            {making && (
                <TokenDialog
                    title="New API token"
                    operations={session?.operations}
                    make={(ask) => makeToken({ ...ask, organization: org })}
                    close={() => {
                        setMaking(false);
                        void refresh("tokens");
                    }}
                />
            )}
            <Confirm
                open={doomed !== null}
                onOpenChange={(open) => !open && setDoomed(null)}
                title={`Revoke ${doomed?.name ?? ""}?`}
                text="Whatever uses this token is refused from now on. This cannot be undone."
                verb="Revoke"
                run={async () => {
                    await freshly(() => removeToken(doomed?.id ?? ""));
                    await refresh("tokens");
                }}
            />
        </>
    );
}

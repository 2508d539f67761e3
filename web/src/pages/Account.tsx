/* Account.tsx - a person's own: who they are, how they sign in, where they are signed in, and what
 * signs in for them. */

import { useSession } from "../api/session";
import { Panel } from "../kit/Panel";
import { panelState } from "../kit/panelState";
import { Column, Sections } from "../kit/Sections";
import { useTitle } from "../kit/useTitle";
import { IdentitiesPanel } from "../panels/access/IdentitiesPanel";
import { PasskeysPanel } from "../panels/access/PasskeysPanel";
import { PasswordForm, ProfileForm } from "../panels/access/ProfileForm";
import { SecondFactorPanel } from "../panels/access/SecondFactorPanel";
import { SessionsPanel } from "../panels/access/SessionsPanel";
import { TokensPanel } from "../panels/access/TokensPanel";
import { YourDataPanel } from "../panels/access/YourDataPanel";

export default function Account() {
    useTitle("Account");
    const session = useSession();
    const person = session.data?.person;
    if (!person) {
        const state = panelState({
            error: session.error,
            retry: () => void session.refetch(),
            loading: session.isPending,
            empty: { why: "never", text: "You came without an account, so there is none to show." },
        });
        return (
            <>
                <h1 className="sr-only">Account</h1>
                <Panel title="Account" state={state} />
            </>
        );
    }
    return (
        <Sections title="Account" lead={person.email ?? "You have no way to sign in again yet."}>
            <Column>
                <ProfileForm key={`${person.name}\n${person.email}`} person={person} />
                <PasswordForm person={person} />
                <SecondFactorPanel />
                <PasskeysPanel />
                <IdentitiesPanel />
            </Column>
            <Column>
                <SessionsPanel />
                <TokensPanel />
                <YourDataPanel person={person} />
            </Column>
        </Sections>
    );
}

/* Installation.tsx - for the administrators of the installation: organisations, identity providers. */

import { Link } from "wouter";
import { useSession } from "../api/session";
import { buttonClass } from "../kit/Button";
import { Panel } from "../kit/Panel";
import { type PanelState, panelState } from "../kit/panelState";
import { Column, Sections } from "../kit/Sections";
import { useTitle } from "../kit/useTitle";
import { AdministratorsPanel } from "../panels/access/AdministratorsPanel";
import { OrganizationsPanel } from "../panels/access/OrganizationsPanel";
import { ProvidersPanel } from "../panels/access/ProvidersPanel";

export default function Installation() {
    useTitle("Installation");
    const session = useSession();
    if (session.data?.person?.installation !== true) {
        const state: PanelState = session.data
            ? {
                  kind: "denied",
                  operation: "installation:manage",
                  role: null,
                  organization: null,
              }
            : panelState({ error: session.error, loading: session.isPending });
        return (
            <>
                <h1 className="sr-only">Installation</h1>
                <Panel title="Installation" state={state} minHeight={200} />
            </>
        );
    }
    return (
        <Sections
            title="Installation"
            lead="What stands above the organizations of this server."
            actions={
                <Link href="/audit?of=everything" className={buttonClass()}>
                    Audit log of everything
                </Link>
            }
        >
            <Column>
                <OrganizationsPanel />
            </Column>
            <Column>
                <AdministratorsPanel />
                <ProvidersPanel />
            </Column>
        </Sections>
    );
}

/* Installation.tsx - for the administrators of the installation: organisations, identity providers. */

import { Link } from "wouter";
import { buttonClass } from "../kit/Button";
import { Column, Sections } from "../kit/Sections";
import { useTitle } from "../kit/useTitle";
import { OrganizationsPanel } from "../panels/access/OrganizationsPanel";
import { ProvidersPanel } from "../panels/access/ProvidersPanel";

export default function Installation() {
    useTitle("Installation");
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
                <ProvidersPanel />
            </Column>
        </Sections>
    );
}

import { Link } from "wouter";
import { useMay } from "../api/session";
import { buttonClass } from "../kit/Button";
import { NeedsRole } from "../kit/NeedsRole";

/* What can be done where there is no twin yet. */
export function FirstTwin() {
    if (!useMay("twins:create")) return <NeedsRole operation="twins:create" />;
    return (
        <Link href="/connect" className={buttonClass("primary")}>
            Create a twin
        </Link>
    );
}

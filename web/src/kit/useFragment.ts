import { useEffect, useState } from "react";
import { secretIn } from "../base/paths";

/* The secret in the address's fragment, taken out of the address bar and the history at once. */
export function useFragment(kind: "setup" | "inv" | "link"): string | null {
    const [secret] = useState(() => secretIn(location.hash, kind));
    useEffect(() => {
        if (location.hash) history.replaceState(history.state, "", location.pathname);
    }, []);
    return secret;
}

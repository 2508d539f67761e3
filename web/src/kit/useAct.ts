import { useCallback, useRef, useState } from "react";
import { freshly } from "./freshness";
import { announce } from "./toast";

export interface Act {
    busy: boolean;
    error: unknown;
    clear: () => void;
    /* true when it was done; a failure is kept in error */
    run: (work: () => Promise<unknown>, said?: string) => Promise<boolean>;
}

/* One action of a form or a row: busy while it runs, its refusal kept to be shown, and who it is
 * asked again where that is wanted. */
export function useAct(): Act {
    const [busy, setBusy] = useState(false);
    const [error, setError] = useState<unknown>(null);
    const running = useRef(false);
    const run = useCallback(async (work: () => Promise<unknown>, said?: string) => {
        if (running.current) return false;
        running.current = true;
        setBusy(true);
        setError(null);
        try {
            await freshly(work);
            if (said) announce(said);
            return true;
        } catch (failure) {
            setError(failure);
            return false;
        } finally {
            running.current = false;
            setBusy(false);
        }
    }, []);
    return { busy, error, clear: useCallback(() => setError(null), []), run };
}

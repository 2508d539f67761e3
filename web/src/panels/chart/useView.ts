/* useView.ts - the view's time from the URL and back into it. */

import { useCallback, useMemo } from "react";
import { useLocation, useSearch } from "wouter";
import { parseTimeView, type RangeKey, type TimeView, writeTimeView } from "../../base/time";
import { clock } from "../../live/live";

export interface View {
    view: TimeView;
    live: (range?: RangeKey) => void;
    fixed: (from: number, to: number) => void;
}

export function useView(): View {
    const search = useSearch();
    const [path, navigate] = useLocation();
    const view = useMemo(() => parseTimeView(search), [search]);
    const live = useCallback(
        (range?: RangeKey) => {
            const key = range ?? parseTimeView(search).range;
            navigate(`${path}?${writeTimeView(search, { range: key })}`);
        },
        [path, search, navigate],
    );
    const fixed = useCallback(
        (from: number, to: number) => {
            navigate(`${path}?${writeTimeView(search, { from, to })}`);
        },
        [path, search, navigate],
    );
    return { view, live, fixed };
}

/* The shown window now. */
export function windowOf(view: TimeView): [number, number] {
    if (view.mode === "fixed") return [view.from, view.to];
    const now = clock.now();
    return [now - view.spanMs, now];
}

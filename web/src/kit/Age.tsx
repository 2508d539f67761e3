import { dateTime } from "../base/time";
import { useAge } from "../live/hooks";

/* How long ago, ticking; the exact time on hover. */
export function AgeText({ t, none = "–" }: { t: number | null; none?: string }) {
    const age = useAge(t);
    if (t === null || age === null) return <span>{none}</span>;
    return (
        <time dateTime={new Date(t).toISOString()} title={dateTime(t)}>
            {age}
        </time>
    );
}

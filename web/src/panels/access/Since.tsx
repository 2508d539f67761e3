import { AgeText } from "../../kit/Age";
import { timeOf } from "./lists";

/* "seen 5 min ago", or that it never was. */
export function Since({ word, t, never }: { word: string; t: string | null; never: string }) {
    const at = timeOf(t);
    if (at === null) return <>{never}</>;
    return (
        <>
            {word} <AgeText t={at} /> ago
        </>
    );
}

/* About.tsx - what the twin mirrors, from the parts of its profile that people ask for first. */

import { useMemo } from "react";
import { Panel } from "../kit/Panel";
import style from "./About.module.css";

type Json = unknown;

function at(doc: Json, path: string): Json {
    let here: Json = doc;
    for (const step of path.split(".")) {
        if (typeof here !== "object" || here === null) return undefined;
        here = (here as Record<string, Json>)[step];
    }
    return here;
}

/* A text, a number, or the name of a thing. */
function wordOf(value: Json): string | null {
    if (typeof value === "string") {
        return /^(|not applicable|n\/a|unknown|none)$/i.test(value.trim()) ? null : value;
    }
    if (typeof value === "number" || typeof value === "boolean") return String(value);
    if (typeof value === "object" && value !== null && "name" in value) {
        return wordOf((value as { name: Json }).name);
    }
    return null;
}

const ROWS: [label: string, path: string][] = [
    ["Mirrors", "subjectOf.name"],
    ["Manufacturer", "subjectOf.manufacturer"],
    ["Model", "subjectOf.model"],
    ["Serial number", "subjectOf.serialNumber"],
    ["Produced", "subjectOf.productionDate"],
    ["Installed", "subjectOf.installDate"],
    ["Place", "subjectOf.location"],
    ["Kept in step by", "synchronization.mechanism"],
    ["Endpoint", "synchronization.endpoint"],
    ["Updates", "synchronization.updateFrequency"],
    ["History is kept for", "dataStorage.historicalData.retentionPeriod"],
    ["Next maintenance", "maintenance.schedule.nextMaintenance"],
];

export function About({ profile }: { profile: Json }) {
    const rows = useMemo(
        () =>
            ROWS.flatMap(([label, path]) => {
                const word = wordOf(at(profile, path));
                return word === null ? [] : [{ label, word }];
            }),
        [profile],
    );
    const description = wordOf(at(profile, "description"));
    return (
        <Panel title="About">
            {description && <p className={style.description}>{description}</p>}
            <dl className={style.list}>
                {rows.map((row) => (
                    <div key={row.label}>
                        <dt>{row.label}</dt>
                        <dd>{row.word}</dd>
                    </div>
                ))}
            </dl>
        </Panel>
    );
}

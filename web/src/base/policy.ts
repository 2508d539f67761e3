/* policy.ts - a policy as rows: who, on what, and for each permission whether it is given or taken.
 *
 * An entry of several resources becomes several rows of the same label; rows of one label become one
 * entry again.  What the form does not know (unknown permissions) is kept in its row. */

import type { Policy, PolicyEntry } from "./access";

export const PERMISSIONS = ["read", "write", "execute"] as const;
export type Permission = (typeof PERMISSIONS)[number];
export type Say = "grant" | "revoke" | "";

export interface PolicyRow {
    label: string;
    subjects: string[];
    resource: string;
    says: Record<string, Say>;
}

function says(rule: { grant?: string[]; revoke?: string[] }): Record<string, Say> {
    const out: Record<string, Say> = {};
    for (const word of rule.grant ?? []) out[word] = "grant";
    for (const word of rule.revoke ?? []) out[word] = "revoke";
    return out;
}

export function toRows(policy: Policy): PolicyRow[] {
    return Object.entries(policy.entries).flatMap(([label, entry]) =>
        Object.entries(entry.resources).map(([resource, rule]) => ({
            label,
            subjects: [...entry.subjects],
            resource,
            says: says(rule),
        })),
    );
}

const picked = (row: PolicyRow, say: Say) =>
    Object.keys(row.says).filter((word) => row.says[word] === say);

/* Rows of one label have the subjects of the first; a label with other subjects gets a number. */
export function fromRows(rows: PolicyRow[]): Policy {
    const entries: Record<string, PolicyEntry> = {};
    for (const row of rows) {
        const subjects = [...row.subjects];
        const label = freeLabel(entries, row.label || "rule", subjects);
        entries[label] ??= { subjects, resources: {} };
        const rule: { grant?: string[]; revoke?: string[] } = {};
        const given = picked(row, "grant");
        const taken = picked(row, "revoke");
        if (given.length > 0) rule.grant = given;
        if (taken.length > 0) rule.revoke = taken;
        entries[label].resources[row.resource] = rule;
    }
    return { entries };
}

function freeLabel(entries: Policy["entries"], label: string, subjects: string[]): string {
    const fits = (one: string) => {
        const there = entries[one];
        return !there || there.subjects.join("\n") === subjects.join("\n");
    };
    let free = label;
    for (let i = 2; !fits(free); i++) free = `${label}-${i}`;
    return free;
}

export const RESOURCE = /^\/$|^(\/[A-Za-z0-9._:*-]+){1,4}$/;

/* Why the rows cannot be kept, or null. */
export function faultOf(rows: PolicyRow[]): string | null {
    for (const [i, row] of rows.entries()) {
        const which = `Rule ${i + 1}`;
        if (row.subjects.length === 0) return `${which}: choose whom it is for.`;
        if (!RESOURCE.test(row.resource))
            return `${which}: “${row.resource}” is no part of a twin.`;
        if (Object.values(row.says).every((s) => s === "")) {
            return `${which}: say what is allowed or refused.`;
        }
        const twice = rows.findIndex(
            (r) => r.resource === row.resource && r.subjects.join() === row.subjects.join(),
        );
        if (twice !== i) return `${which} speaks of the same as rule ${twice + 1}; join them.`;
    }
    return null;
}

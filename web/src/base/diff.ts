/* diff.ts - what changed between two JSON values, as a list of places.
 *
 * Arrays whose items have an id are compared by id, so that one new sensor is one line and not a
 * shift of all that follow. */

export type Change =
    | { kind: "added"; path: string; after: unknown }
    | { kind: "removed"; path: string; before: unknown }
    | { kind: "changed"; path: string; before: unknown; after: unknown };

type Fields = Map<string, unknown>;

const LARGEST = 400;

function fieldsOf(value: unknown): Fields | null {
    if (typeof value !== "object" || value === null) return null;
    if (!Array.isArray(value)) return new Map(Object.entries(value));
    const keyed = value.every(
        (v) =>
            typeof v === "object" && v !== null && typeof (v as { id?: unknown }).id === "string",
    );
    return new Map(value.map((v, i) => [keyed ? (v as { id: string }).id : String(i), v]));
}

/* "sensors › temp-1 › unit" */
function join(path: string, key: string): string {
    return path === "" ? key : `${path} › ${key}`;
}

function walk(path: string, before: unknown, after: unknown, out: Change[]): void {
    if (out.length >= LARGEST || Object.is(before, after)) return;
    if (before === undefined || before === null) {
        if (after === undefined || after === null) return;
        out.push({ kind: "added", path, after });
        return;
    }
    if (after === undefined || after === null) {
        out.push({ kind: "removed", path, before });
        return;
    }
    const a = fieldsOf(before);
    const b = fieldsOf(after);
    if (!a || !b || Array.isArray(before) !== Array.isArray(after)) {
        out.push({ kind: "changed", path, before, after });
        return;
    }
    for (const key of new Set([...a.keys(), ...b.keys()])) {
        walk(join(path, key), a.get(key), b.get(key), out);
    }
}

/* The changes from before to after; where there was nothing before, each field of what is new. */
export function diff(before: unknown, after: unknown): Change[] {
    const out: Change[] = [];
    const bothPlain = fieldsOf(before ?? {}) !== null && fieldsOf(after ?? {}) !== null;
    if (bothPlain && !Array.isArray(before ?? after)) walk("", before ?? {}, after ?? {}, out);
    else walk("", before, after, out);
    return out;
}

export function shortly(value: unknown, longest = 160): string {
    const text = typeof value === "string" ? value : (JSON.stringify(value) ?? "");
    return text.length > longest ? `${text.slice(0, longest - 1)}…` : text;
}

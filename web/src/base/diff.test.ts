import { describe, expect, it } from "vitest";
import { diff, shortly } from "./diff";

describe("diff", () => {
    it("names what was added, removed and changed, and nothing else", () => {
        const before = { name: "Pump", role: "viewer", gone: 1, same: { a: [1, 2] } };
        const after = { name: "Pump 2", role: "viewer", fresh: true, same: { a: [1, 2] } };
        expect(diff(before, after)).toEqual([
            { kind: "changed", path: "name", before: "Pump", after: "Pump 2" },
            { kind: "removed", path: "gone", before: 1 },
            { kind: "added", path: "fresh", after: true },
        ]);
    });
    it("compares things with an id by their id", () => {
        const before = { sensors: [{ id: "a", unit: "V" }, { id: "b" }] };
        const after = { sensors: [{ id: "new" }, { id: "a", unit: "mV" }, { id: "b" }] };
        expect(diff(before, after)).toEqual([
            { kind: "changed", path: "sensors › a › unit", before: "V", after: "mV" },
            { kind: "added", path: "sensors › new", after: { id: "new" } },
        ]);
    });
    it("lists the fields of what is new or gone", () => {
        expect(diff(null, { role: "editor" })).toEqual([
            { kind: "added", path: "role", after: "editor" },
        ]);
        expect(diff({ role: "editor" }, undefined)).toEqual([
            { kind: "removed", path: "role", before: "editor" },
        ]);
        expect(diff(null, null)).toEqual([]);
    });
    it("does not mistake a list for an object, nor stop at another kind of value", () => {
        expect(diff({ a: [1] }, { a: { 0: 1 } })).toHaveLength(1);
        expect(diff("x", "y")).toEqual([{ kind: "changed", path: "", before: "x", after: "y" }]);
        expect(diff({ a: 1 }, { a: [1] })).toHaveLength(1);
    });
    it("stays short, whatever was changed", () => {
        const many = Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [i, i]));
        expect(diff({}, many).length).toBe(400);
        expect(shortly("x".repeat(500))).toHaveLength(160);
        expect(shortly({ a: 1 })).toBe('{"a":1}');
        expect(shortly(undefined)).toBe("");
    });
});

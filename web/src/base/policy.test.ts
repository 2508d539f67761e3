import { describe, expect, it } from "vitest";
import { faultOf, fromRows, type PolicyRow, toRows } from "./policy";

const policy = {
    entries: {
        operators: {
            subjects: ["role:operator"],
            resources: {
                "/sensors/temp-1": { grant: ["read"], revoke: ["write"] },
                "/commands": { grant: ["execute"] },
            },
        },
        ann: { subjects: ["person:p1"], resources: { "/": { grant: ["read", "odd"] } } },
    },
};
const row = (more: Partial<PolicyRow>): PolicyRow => ({
    label: "a",
    subjects: ["role:viewer"],
    resource: "/",
    says: { read: "grant" },
    ...more,
});

describe("policy rows", () => {
    it("go there and back without a loss, with permissions that the form does not know", () => {
        expect(toRows(policy)).toHaveLength(3);
        expect(fromRows(toRows(policy))).toEqual(policy);
    });
    it("of one label with other subjects do not swallow each other", () => {
        const kept = fromRows([row({}), row({ subjects: ["team:t"], resource: "/history" })]);
        expect(kept.entries.a?.subjects).toEqual(["role:viewer"]);
        expect(kept.entries["a-2"]?.subjects).toEqual(["team:t"]);
        expect(toRows(kept)).toHaveLength(2);
    });
    it("leave out what is neither given nor taken", () => {
        const kept = fromRows([row({ says: { read: "grant", write: "" } })]);
        expect(kept.entries.a?.resources["/"]).toEqual({ grant: ["read"] });
    });
});

describe("faultOf", () => {
    it("says which rule is wrong and why", () => {
        expect(faultOf([row({})])).toBeNull();
        expect(faultOf([row({}), row({ subjects: [] })])).toMatch(/Rule 2.*whom/);
        expect(faultOf([row({ resource: "sensors" })])).toMatch(/no part/);
        expect(faultOf([row({ says: { read: "" } })])).toMatch(/allowed or refused/);
        expect(faultOf([row({}), row({})])).toMatch(/Rule 2.*rule 1/);
    });
});

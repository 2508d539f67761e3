import { beforeEach, describe, expect, it, vi } from "vitest";
import { draftOf, dropDraft, hasDrafts, keepDraft, ownTab, tabOwner } from "./drafts";

/* The part of Storage that is used, with its keys as own properties. */
function fakeStorage(): Storage {
    const store: Record<string, unknown> = Object.create({
        getItem: (k: string) => (store[k] as string) ?? null,
        setItem: (k: string, v: string) => {
            store[k] = v;
        },
        removeItem: (k: string) => {
            delete store[k];
        },
    });
    return store as unknown as Storage;
}

beforeEach(() => vi.stubGlobal("sessionStorage", fakeStorage()));

describe("drafts", () => {
    it("stay until they are given up", () => {
        expect(hasDrafts()).toBe(false);
        keepDraft("profile pump", "words");
        expect(draftOf("profile pump")).toBe("words");
        expect(hasDrafts()).toBe(true);
        dropDraft("profile pump");
        expect(draftOf("profile pump")).toBeNull();
    });
    it("go when somebody else comes into the tab, and only then", () => {
        ownTab("person ann home");
        keepDraft("a", "ann's words");
        ownTab("person ann home");
        expect(draftOf("a")).toBe("ann's words");
        ownTab("person ben home");
        expect(draftOf("a")).toBeNull();
        expect(tabOwner()).toBe("person ben home");
    });
    it("are not kept where there is no storage, nor without bounds", () => {
        keepDraft("long", "x".repeat(1_000_001));
        expect(draftOf("long")).toBeNull();
        vi.stubGlobal("sessionStorage", undefined);
        keepDraft("a", "b");
        expect(draftOf("a")).toBeNull();
        ownTab("x");
        expect(tabOwner()).toBeNull();
    });
});

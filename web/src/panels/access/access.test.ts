import { describe, expect, it } from "vitest";
import { initials, withArticle } from "../../base/access";
import { thisDevice } from "./device";
import { fullness } from "./fullness";
import { timeOf } from "./lists";
import { partName, partsOf } from "./parts";

describe("names", () => {
    it("become initials, whatever they are", () => {
        expect(initials("Ann Keller")).toBe("AK");
        expect(initials("ada@example.org")).toBe("AO");
        expect(initials("Ada")).toBe("A");
        expect(initials("Ján van der Berg")).toBe("JB");
        expect(initials("😀")).toBe("😀");
        expect(initials("")).toBe("");
    });
    it("of roles have their article", () => {
        expect(withArticle("viewer")).toBe("a viewer");
        expect(withArticle("operator")).toBe("an operator");
        expect(withArticle("administrator")).toBe("an administrator");
    });
});

describe("thisDevice", () => {
    it("names browser and system, or that it is a browser", () => {
        const chrome =
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/126.0 Safari/537.36";
        expect(thisDevice(chrome)).toBe("Chrome on Linux");
        expect(thisDevice(`${chrome} Edg/126.0`)).toBe("Edge on Linux");
        expect(
            thisDevice("Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) Safari/604.1"),
        ).toBe("Safari on iOS");
        expect(thisDevice("curl/7.88.1")).toBe("Browser");
    });
});

describe("fullness", () => {
    it("warns before a quota is full, and has nothing to say without one", () => {
        expect(fullness({ used: 5, limit: null })).toBeNull();
        expect(fullness({ used: 5, limit: 10 })).toEqual({ share: 0.5, tone: "ok" });
        expect(fullness({ used: 8, limit: 10 })?.tone).toBe("warn");
        expect(fullness({ used: 25, limit: 10 })).toEqual({ share: 1, tone: "crit" });
    });
});

describe("parts and times", () => {
    it("have names where they are known", () => {
        const sensors = [{ id: "temp-1", name: "Bearing" }] as Parameters<typeof partsOf>[0];
        const parts = partsOf(sensors);
        expect(partName("/", parts)).toBe("The whole twin");
        expect(partName("/sensors/temp-1", parts)).toBe("Bearing");
        expect(partName("/sensors/odd-*", parts)).toBe("/sensors/odd-*");
        expect(timeOf("2024-01-01T00:00:00Z")).toBe(1_704_067_200_000);
        expect(timeOf("yesterday")).toBeNull();
        expect(timeOf(null)).toBeNull();
    });
});

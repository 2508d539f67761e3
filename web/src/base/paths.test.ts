import { describe, expect, it } from "vitest";
import { ownPath, secretIn } from "./paths";

describe("ownPath", () => {
    it("keeps a path of this page, with its question and fragment", () => {
        expect(ownPath("/twins/robot?t=live#a")).toBe("/twins/robot?t=live#a");
        expect(ownPath("/")).toBe("/");
    });
    it("goes home for every other host, however it is spelt", () => {
        for (const bad of [
            "https://evil.example/",
            "//evil.example",
            "/\\evil.example",
            "/\t/evil.example",
            "/\n/evil.example",
            "\\\\evil.example",
            "javascript:alert(1)",
            "/./../..//evil.example",
            "/x/..//evil.example",
            "twins",
            "",
            null,
            undefined,
            `/${"x".repeat(3000)}`,
        ]) {
            expect(ownPath(bad)).toBe("/");
        }
    });
    it("does not lead back to the sign-in page, nor to the server's own addresses", () => {
        expect(ownPath("/sign-in?then=/twins")).toBe("/");
        expect(ownPath("/api/v1/session")).toBe("/");
        expect(ownPath("/apiary")).toBe("/apiary");
    });
});

describe("secretIn", () => {
    it("finds the secret of its kind in a link or alone", () => {
        expect(secretIn("http://127.0.0.1:8080/setup#dop_setup_AbC-1_x", "setup")).toBe(
            "dop_setup_AbC-1_x",
        );
        expect(secretIn("  dop_inv_abc ", "inv")).toBe("dop_inv_abc");
        expect(secretIn("#dop_link_abc", "inv")).toBeNull();
        expect(secretIn("", "setup")).toBeNull();
    });
});

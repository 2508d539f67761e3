import { describe, expect, it } from "vitest";
import { ApiError } from "../api/client";
import { type PanelFacts, panelState } from "./panelState";

const everything: PanelFacts = {
    error: new ApiError(403, { role: "operator", operation: "data:write", organization: "home" }),
    misconfigured: "no such sensor",
    loading: true,
    empty: { why: "never", text: "Nothing yet." },
    stale: 5,
};

describe("panelState", () => {
    it("shows the first of the order, whatever else is true", () => {
        const facts = { ...everything };
        expect(panelState(facts)).toEqual({
            kind: "denied",
            role: "operator",
            operation: "data:write",
            organization: "home",
        });
        facts.error = new ApiError(500, { detail: "Broken.", instance: "/requests/7" });
        expect(panelState(facts)).toMatchObject({
            kind: "error",
            cause: "Broken.",
            id: "/requests/7",
        });
        facts.error = null;
        expect(panelState(facts).kind).toBe("misconfigured");
        facts.misconfigured = null;
        expect(panelState(facts).kind).toBe("loading");
        facts.loading = false;
        expect(panelState(facts)).toEqual({ kind: "empty", why: "never", text: "Nothing yet." });
        facts.empty = null;
        expect(panelState(facts)).toEqual({ kind: "stale", since: 5 });
        facts.stale = null;
        expect(panelState(facts)).toEqual({ kind: "live" });
    });
    it("keeps showing what it has when the next reading fails, but not when it is denied", () => {
        const error = new ApiError(0, {});
        expect(panelState({ error, hasData: true }).kind).toBe("live");
        expect(panelState({ error, hasData: false }).kind).toBe("error");
        expect(panelState({ error: new ApiError(401, {}), hasData: true }).kind).toBe("denied");
    });
    it("gives an error that is not the server's an id too", () => {
        expect(panelState({ error: new Error("oops") })).toMatchObject({
            cause: "oops",
            id: "page",
        });
        expect(new ApiError(500, {}).id).toMatch(/^page-[0-9a-f]{10}$/);
    });
});

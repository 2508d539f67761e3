import { describe, expect, it } from "vitest";
import { ApiError } from "../api/client";
import { currentWanted, freshly } from "./freshness";

const stale = () => new ApiError(403, { code: "reauthentication-required" });
const turn = () => new Promise<void>((done) => setTimeout(done, 0));

describe("freshly", () => {
    it("runs once more when the person has shown who they are", async () => {
        let runs = 0;
        const done = freshly(async () => {
            if (++runs === 1) throw stale();
            return "done";
        });
        await turn();
        currentWanted()?.settle(true);
        expect(await done).toBe("done");
        expect(runs).toBe(2);
        expect(currentWanted()).toBeNull();
    });
    it("fails with the refusal when they leave it, or when another action asks", async () => {
        const first = freshly(() => Promise.reject(stale()));
        first.catch(() => {});
        await turn();
        const second = freshly(() => Promise.reject(stale()));
        second.catch(() => {});
        await expect(first).rejects.toMatchObject({ code: "reauthentication-required" });
        await turn();
        currentWanted()?.settle(false);
        await expect(second).rejects.toMatchObject({ status: 403 });
    });
    it("asks nobody for other errors", async () => {
        await expect(freshly(() => Promise.reject(new ApiError(403, {})))).rejects.toThrow();
        expect(currentWanted()).toBeNull();
    });
});

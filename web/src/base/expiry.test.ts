import { describe, expect, it } from "vitest";
import { fromBase64url, toBase64url } from "./base64url";
import { expiresIn, expiryOf } from "./expiry";

describe("expiry", () => {
    it("is days from now, or none", () => {
        expect(expiryOf("7", 0)).toBe("1970-01-08T00:00:00.000Z");
        expect(expiryOf("", 0)).toBeUndefined();
        expect(expiryOf("x", 0)).toBeUndefined();
    });
    it("is told as people say it", () => {
        const at = (ms: number) => expiresIn(new Date(ms).toISOString(), 0);
        expect(expiresIn(null)).toBe("never");
        expect(at(-1)).toBe("ended");
        expect(at(30_000)).toBe("in less than a minute");
        expect(at(3_600_000)).toBe("in 60 min");
        expect(at(36 * 3_600_000)).toBe("in 36 h");
        expect(at(30 * 86_400_000)).toBe("in 30 d");
    });
});

describe("base64url", () => {
    it("goes there and back for every length, without padding", () => {
        for (let n = 0; n < 70; n++) {
            const bytes = Uint8Array.from({ length: n }, (_, i) => (i * 91 + n) & 255);
            const text = toBase64url(bytes);
            expect(text).toMatch(/^[A-Za-z0-9_-]*$/);
            expect([...fromBase64url(text)]).toEqual([...bytes]);
        }
        expect(toBase64url(new Uint8Array([251, 255]).buffer)).toBe("-_8");
        expect([...fromBase64url("-_8=")]).toEqual([251, 255]);
    });
});

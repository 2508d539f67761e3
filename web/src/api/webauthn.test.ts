import { describe, expect, it } from "vitest";
import { toBase64url } from "../base/base64url";
import { creationOptions, credentialJson, requestOptions } from "./webauthn";

const bytes = (...list: number[]) => new Uint8Array(list).buffer;

describe("where the browser reads no JSON", () => {
    it("challenge, user and credentials become bytes, the rest stays", () => {
        const made = creationOptions({
            challenge: "AQID",
            rp: { id: "localhost", name: "Doppel" },
            user: { id: "_-8", name: "ann", displayName: "Ann" },
            pubKeyCredParams: [{ type: "public-key", alg: -7 }],
            excludeCredentials: [{ type: "public-key", id: "BAU" }],
        });
        expect([...(made.challenge as Uint8Array)]).toEqual([1, 2, 3]);
        expect([...(made.user.id as Uint8Array)]).toEqual([255, 239]);
        const [excluded] = made.excludeCredentials ?? [];
        expect(excluded?.id).toEqual(new Uint8Array([4, 5]));
        expect(made.rp).toEqual({ id: "localhost", name: "Doppel" });
        const asked = requestOptions({ challenge: "AQID", rpId: "localhost" });
        expect([...(asked.challenge as Uint8Array)]).toEqual([1, 2, 3]);
        expect(asked.allowCredentials).toEqual([]);
    });
    it("an answer becomes the JSON that others write themselves", () => {
        const credential = {
            id: "BAU",
            rawId: bytes(4, 5),
            type: "public-key",
            authenticatorAttachment: null,
            getClientExtensionResults: () => ({}),
            response: {
                clientDataJSON: bytes(1),
                authenticatorData: bytes(2),
                signature: bytes(3),
                userHandle: null,
            },
        } as unknown as PublicKeyCredential;
        expect(credentialJson(credential)).toEqual({
            id: "BAU",
            rawId: toBase64url(bytes(4, 5)),
            type: "public-key",
            authenticatorAttachment: undefined,
            clientExtensionResults: {},
            response: { clientDataJSON: "AQ", authenticatorData: "Ag", signature: "Aw" },
        });
    });
});

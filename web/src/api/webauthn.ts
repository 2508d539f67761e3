/* webauthn.ts - passkeys: what the server asks, as the browser takes it, and back.
 *
 * Browsers that can, read and write the JSON forms themselves (WebAuthn level 3); for the others the
 * few members that hold bytes are translated here. */

import { fromBase64url, toBase64url } from "../base/base64url";

type Json = Record<string, unknown>;

interface Parsers {
    parseCreationOptionsFromJSON?: (json: unknown) => PublicKeyCredentialCreationOptions;
    parseRequestOptionsFromJSON?: (json: unknown) => PublicKeyCredentialRequestOptions;
}

function parsers(): Parsers {
    return typeof PublicKeyCredential === "undefined"
        ? {}
        : (PublicKeyCredential as unknown as Parsers);
}

/* Why there can be no passkey here, or null. */
export function passkeyFault(): string | null {
    if (!isSecureContext) return "Passkeys need HTTPS, or an address on this machine.";
    if (typeof PublicKeyCredential === "undefined") return "This browser has no passkeys.";
    /* a passkey belongs to a name: https://www.w3.org/TR/webauthn-3/#rp-id */
    if (/^[\d.]+$|^\[/.test(location.hostname)) {
        return "Passkeys need a name instead of an IP address: open this page by its name, or as localhost.";
    }
    return null;
}

const descriptors = (list: unknown) =>
    Array.isArray(list)
        ? list.map((one: Json) => ({ ...one, id: fromBase64url(String(one.id)) }))
        : [];

export function creationOptions(json: Json): PublicKeyCredentialCreationOptions {
    const user = json.user as Json;
    return {
        ...json,
        challenge: fromBase64url(String(json.challenge)),
        user: { ...user, id: fromBase64url(String(user.id)) },
        excludeCredentials: descriptors(json.excludeCredentials),
    } as unknown as PublicKeyCredentialCreationOptions;
}

export function requestOptions(json: Json): PublicKeyCredentialRequestOptions {
    return {
        ...json,
        challenge: fromBase64url(String(json.challenge)),
        allowCredentials: descriptors(json.allowCredentials),
    } as unknown as PublicKeyCredentialRequestOptions;
}

/* An answer of the authenticator: every buffer of its response as text. */
export function credentialJson(credential: PublicKeyCredential): Json {
    const toJSON = (credential as unknown as { toJSON?: () => Json }).toJSON;
    if (toJSON) return toJSON.call(credential);
    const { response } = credential;
    const out: Json = { clientDataJSON: toBase64url(response.clientDataJSON) };
    for (const name of ["attestationObject", "authenticatorData", "signature", "userHandle"]) {
        const bytes = (response as unknown as Json)[name];
        if (bytes instanceof ArrayBuffer) out[name] = toBase64url(bytes);
    }
    const attestation = response as AuthenticatorAttestationResponse;
    if (typeof attestation.getTransports === "function") {
        out.transports = attestation.getTransports();
    }
    return {
        id: credential.id,
        rawId: toBase64url(credential.rawId),
        type: credential.type,
        authenticatorAttachment: credential.authenticatorAttachment ?? undefined,
        clientExtensionResults: credential.getClientExtensionResults(),
        response: out,
    };
}

/* Said instead of the browser's own words, which name a specification. */
function plainly(error: unknown): Error {
    const name = error instanceof DOMException ? error.name : "";
    const said: Record<string, string> = {
        NotAllowedError: "The passkey was not used: it was cancelled, or none of yours fits.",
        InvalidStateError: "This device has a passkey for this account already.",
        SecurityError: "Passkeys do not work at this address of the page.",
        AbortError: "The passkey was cancelled.",
        NotSupportedError: "This device can make no passkey that the server takes.",
    };
    const text = said[name];
    return text ? new Error(text) : error instanceof Error ? error : new Error(String(error));
}

export async function createPasskey(challenge: { publicKey: unknown }): Promise<Json> {
    const json = challenge.publicKey as Json;
    const publicKey = parsers().parseCreationOptionsFromJSON?.(json) ?? creationOptions(json);
    try {
        const made = await navigator.credentials.create({ publicKey });
        if (!made) throw new Error("No passkey was made.");
        return credentialJson(made as PublicKeyCredential);
    } catch (error) {
        throw plainly(error);
    }
}

export async function askPasskey(challenge: { publicKey: unknown }): Promise<Json> {
    const json = challenge.publicKey as Json;
    const publicKey = parsers().parseRequestOptionsFromJSON?.(json) ?? requestOptions(json);
    try {
        const got = await navigator.credentials.get({ publicKey });
        if (!got) throw new Error("No passkey was used.");
        return credentialJson(got as PublicKeyCredential);
    } catch (error) {
        throw plainly(error);
    }
}

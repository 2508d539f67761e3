/* base64url.ts - bytes as WebAuthn writes them in JSON (RFC 4648, section 5, no padding). */

export function fromBase64url(text: string): Uint8Array<ArrayBuffer> {
    const plain = text.replaceAll("-", "+").replaceAll("_", "/").replace(/=+$/, "");
    const bytes = atob(plain);
    return Uint8Array.from(bytes, (c) => c.charCodeAt(0));
}

export function toBase64url(bytes: ArrayBuffer | Uint8Array): string {
    const view = bytes instanceof Uint8Array ? bytes : new Uint8Array(bytes);
    let text = "";
    for (const byte of view) text += String.fromCharCode(byte);
    return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

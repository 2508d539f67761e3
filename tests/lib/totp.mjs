/* totp.mjs - an authenticator app: RFC 6238 with SHA-1, six digits, 30 seconds. */

import { createHmac } from "node:crypto";

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

function base32(text) {
    let bits = 0n;
    for (const c of text) bits = (bits << 5n) | BigInt(ALPHABET.indexOf(c));
    const bytes = Math.floor((text.length * 5) / 8);
    bits >>= BigInt(text.length * 5 - bytes * 8);
    return Buffer.from(bits.toString(16).padStart(bytes * 2, "0"), "hex");
}

/* The code of now, or of so many steps from now.  The server takes one step to both sides; those of
 * now and of the next step hold also when a step ends meanwhile. */
export function totp(secret, steps = 0, now = Date.now()) {
    const counter = Buffer.alloc(8);
    counter.writeBigUInt64BE(BigInt(Math.floor(now / 30_000) + steps));
    const hash = createHmac("sha1", base32(secret)).update(counter).digest();
    const at = hash[19] & 15;
    return String((hash.readUInt32BE(at) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}

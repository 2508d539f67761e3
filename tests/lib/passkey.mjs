/* passkey.mjs - an authenticator in software (Web Authentication Level 3): P-256, no attestation,
 * the user always verified.  It answers the JSON of options with the JSON that browsers send. */

import { createHash, createSign, generateKeyPairSync, randomBytes } from "node:crypto";

const sha256 = (bytes) => createHash("sha256").update(bytes).digest();
const b64 = (bytes) => Buffer.from(bytes).toString("base64url");

/* Just the CBOR (RFC 8949) that is needed: small integers, bytes, texts, maps in order. */
function head(major, n) {
    if (n < 24) return Buffer.from([(major << 5) | n]);
    if (n < 256) return Buffer.from([(major << 5) | 24, n]);
    return Buffer.from([(major << 5) | 25, n >> 8, n & 255]);
}

function cbor(v) {
    if (typeof v === "number") return v < 0 ? head(1, -1 - v) : head(0, v);
    if (typeof v === "string")
        return Buffer.concat([head(3, Buffer.byteLength(v)), Buffer.from(v)]);
    if (Buffer.isBuffer(v)) return Buffer.concat([head(2, v.length), v]);
    const members = [...v].flatMap(([k, x]) => [cbor(k), cbor(x)]);
    return Buffer.concat([head(5, v.size), ...members]);
}

const PRESENT = 1;
const VERIFIED = 4;
const ATTESTED = 64;

export class Authenticator {
    constructor(origin, { verified = true } = {}) {
        this.origin = origin;
        this.flags = PRESENT | (verified ? VERIFIED : 0);
        this.id = randomBytes(32);
        this.count = 0;
        const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
        this.key = privateKey;
        const { x, y } = publicKey.export({ format: "jwk" });
        const point = [x, y].map((part) => Buffer.from(part, "base64url"));
        this.cose = cbor(
            new Map([
                [1, 2],
                [3, -7],
                [-1, 1],
                [-2, point[0]],
                [-3, point[1]],
            ]),
        );
    }

    #clientData(type, challenge, origin = this.origin) {
        return Buffer.from(JSON.stringify({ type, challenge, origin, crossOrigin: false }));
    }

    #data(rpId, flags, rest = Buffer.alloc(0)) {
        const count = Buffer.alloc(4);
        count.writeUInt32BE(this.count);
        return Buffer.concat([sha256(rpId), Buffer.from([flags]), count, rest]);
    }

    #credential(response) {
        return { id: b64(this.id), rawId: b64(this.id), type: "public-key", response };
    }

    create({ publicKey }) {
        this.handle = publicKey.user.id;
        const length = Buffer.from([0, this.id.length]);
        const attested = Buffer.concat([Buffer.alloc(16), length, this.id, this.cose]);
        const authData = this.#data(publicKey.rp.id, this.flags | ATTESTED, attested);
        const object = new Map([
            ["fmt", "none"],
            ["attStmt", new Map()],
            ["authData", authData],
        ]);
        return this.#credential({
            clientDataJSON: b64(this.#clientData("webauthn.create", publicKey.challenge)),
            attestationObject: b64(cbor(object)),
        });
    }

    get({ publicKey }, { origin } = {}) {
        this.count++;
        const data = this.#data(publicKey.rpId, this.flags);
        const client = this.#clientData("webauthn.get", publicKey.challenge, origin);
        const signer = createSign("sha256").update(Buffer.concat([data, sha256(client)]));
        return this.#credential({
            clientDataJSON: b64(client),
            authenticatorData: b64(data),
            signature: b64(signer.sign(this.key)),
            userHandle: this.handle,
        });
    }
}

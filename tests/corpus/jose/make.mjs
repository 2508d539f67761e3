/* make.mjs - writes tokens.json: keys and tokens by npm jose, good ones and attacks, each with what
 * must be said of it (src/crypto/jose_test.c).
 *
 *   node tests/corpus/jose/make.mjs
 *
 * Keys are new each time, so the whole file changes; the private ones are thrown away. */

import { createHmac, createPublicKey, generateKeyPairSync, sign } from "node:crypto";
import { writeFileSync } from "node:fs";
import * as jose from "jose";

const ALGS = "RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA Ed25519".split(" ");
const CLAIMS = {
    iss: "https://idp.example",
    aud: "doppel",
    sub: "248289761001",
    nonce: "n-0S6_WzA2Mj",
    iat: 1700000000,
    exp: 1700000600,
};
const b64 = (v) => Buffer.from(typeof v === "string" ? v : JSON.stringify(v)).toString("base64url");

const keys = [];
const privates = {};
for (const alg of ALGS) {
    const pair = await jose.generateKeyPair(alg, { extractable: true });
    const jwk = await jose.exportJWK(pair.publicKey);
    keys.push({ ...jwk, kid: alg.toLowerCase(), alg, use: "sig" });
    privates[alg] = pair.privateKey;
}
const key = (kid) => keys.find((k) => k.kid === kid);
const pem = (kid) => createPublicKey({ key: key(kid), format: "jwk" }).export({ type: "spki", format: "pem" });
const jwt = (alg, header = {}, claims = CLAIMS, kid = alg.toLowerCase()) =>
    new jose.SignJWT(claims).setProtectedHeader({ alg, kid, ...header }).sign(privates[alg]);
const hmac = (alg, secret, header = {}) => {
    const text = `${b64({ alg, ...header })}.${b64(CLAIMS)}`;
    return `${text}.${createHmac(`sha${alg.slice(2)}`, secret).update(text).digest("base64url")}`;
};

/* Text under RS256, whatever it says: what no library lets one make. */
const RS = jose.exportPKCS8 && (await jose.exportPKCS8(privates.RS256));
const rsSigned = (header, payload, encode = b64) => {
    const text = `${encode(header)}.${encode(payload)}`;
    return `${text}.${sign("sha256", Buffer.from(text), RS).toString("base64url")}`;
};

const rs256 = await jwt("RS256");
const es256 = await jwt("ES256");
const [head, body, signature] = rs256.split(".");
const [esHead, esBody, esSignature] = es256.split(".");
const rsKid = { kid: "rs256" };
const tokens = [];
const add = (name, expect, token, more = {}) => tokens.push({ name, expect, token, ...more });

/* an ES256 signature as ASN.1 instead of r and s */
const esPair = generateKeyPairSync("ec", { namedCurve: "P-256" });
keys.push({ ...esPair.publicKey.export({ format: "jwk" }), kid: "der", alg: "ES256" });
const derText = `${b64({ alg: "ES256", kid: "der" })}.${b64(CLAIMS)}`;
const der = sign("sha256", Buffer.from(derText), esPair.privateKey).toString("base64url");
const raw = sign("sha256", Buffer.from(derText), {
    key: esPair.privateKey,
    dsaEncoding: "ieee-p1363",
}).toString("base64url");

/* keys that must not be used */
async function odd(kid, alg, change, options) {
    const pair = await jose.generateKeyPair(alg, { extractable: true, ...options });
    const jwk = await jose.exportJWK(change === "private" ? pair.privateKey : pair.publicKey);
    keys.push({ ...jwk, kid, ...(change === "private" ? {} : change) });
    return new jose.SignJWT(CLAIMS).setProtectedHeader({ alg, kid }).sign(pair.privateKey);
}
const rsa1024 = generateKeyPairSync("rsa", { modulusLength: 1024 });
keys.push({ ...rsa1024.publicKey.export({ format: "jwk" }), kid: "weak" });
const weakText = `${b64({ alg: "RS256", kid: "weak" })}.${b64(CLAIMS)}`;
const weak = `${weakText}.${sign("sha256", Buffer.from(weakText), rsa1024.privateKey).toString("base64url")}`;

for (const alg of ALGS) add(`${alg}, good`, "ok", await jwt(alg));
add("ES256, good, by hand", "ok", `${derText}.${raw}`);
add("typ is kept", "ok", await jwt("RS256", { typ: "logout+jwt" }));
add("members that nobody knows", "ok", await jwt("ES256", { "https://x/": { a: [1] } }));

for (const none of ["none", "None", "nOnE", "NONE", ""]) {
    add(`alg ${none}, no signature`, "jwt-algorithm", `${b64({ alg: none })}.${b64(CLAIMS)}.`);
    add(`alg ${none}, a signature`, "jwt-algorithm", `${b64({ alg: none })}.${body}.${signature}`);
}
add("alg none by jose", "jwt-algorithm", new jose.UnsecuredJWT(CLAIMS).encode());
for (const hs of ["HS256", "HS384", "HS512"]) {
    add(`${hs} by the public key as PEM`, "jwt-algorithm", hmac(hs, pem("rs256"), rsKid));
    add(`${hs} by the public key as PEM, trimmed`, "jwt-algorithm", hmac(hs, pem("rs256").trim(), rsKid));
    add(`${hs} by the public key as JWK`, "jwt-algorithm", hmac(hs, JSON.stringify(key("rs256")), rsKid));
    add(`${hs} by the modulus`, "jwt-algorithm", hmac(hs, Buffer.from(key("rs256").n, "base64url"), rsKid));
    add(`${hs} by nothing`, "jwt-algorithm", hmac(hs, "", rsKid));
}
add("RS256 where PS256 alone is taken", "jwt-algorithm", rs256, { allowed: ["PS256", "ES256"] });
add("no alg", "jwt-malformed", `${b64(rsKid)}.${body}.${signature}`);
add("alg a number", "jwt-malformed", rsSigned({ alg: 256, ...rsKid }, CLAIMS));
add("alg a list", "jwt-malformed", rsSigned({ alg: ["RS256"], ...rsKid }, CLAIMS));

const swapped = (alg, kid) => `${b64({ alg, kid })}.${body}.${signature}`;
add("RS256 said to be PS256, same key", "jwt-unknown-key", swapped("PS256", "rs256"));
add("RS256 said to be RS512, same key", "jwt-unknown-key", swapped("RS512", "rs256"));
add("RS256 said to be ES256, same key", "jwt-unknown-key", swapped("ES256", "rs256"));
add("RS256 said to be ES256, a key of that", "jwt-signature", swapped("ES256", "es256"));
add("ES256 by the RSA key's name", "jwt-unknown-key", await jwt("ES256", {}, CLAIMS, "rs256"));
add("another's key, our kid", "jwt-signature", await jwt("PS256", {}, CLAIMS, "ps256").then((t) => t.replace(/[^.]*$/, signature)));
add("unknown kid", "jwt-unknown-key", await jwt("RS256", {}, CLAIMS, "nobody"));
add("empty kid", "jwt-unknown-key", await jwt("RS256", {}, CLAIMS, ""));
add("no kid among many", "jwt-unknown-key", rsSigned({ alg: "ES256" }, CLAIMS));
add("no kid, one key of that kind", "ok", rsSigned({ alg: "RS256" }, CLAIMS));
add("kid a number", "jwt-malformed", rsSigned({ alg: "RS256", kid: 1 }, CLAIMS));
add("kid a path", "jwt-unknown-key", rsSigned({ alg: "RS256", kid: "../../../dev/null" }, CLAIMS));

const stranger = await jose.generateKeyPair("RS256", { extractable: true });
const strangerJwk = await jose.exportJWK(stranger.publicKey);
const byStranger = (header) =>
    new jose.SignJWT(CLAIMS).setProtectedHeader({ alg: "RS256", ...header }).sign(stranger.privateKey);
add("a key of its own in jwk", "jwt-signature", await byStranger({ ...rsKid, jwk: strangerJwk }));
add("a key of its own in jwk, no kid", "jwt-signature", await byStranger({ jwk: strangerJwk }));
add("a key of its own at jku", "jwt-signature", await byStranger({ ...rsKid, jku: "https://evil.example/jwks" }));
add("a key of its own at x5u", "jwt-signature", await byStranger({ ...rsKid, x5u: "https://evil.example/x" }));

add("crit b64", "jwt-critical", rsSigned({ alg: "RS256", ...rsKid, b64: false, crit: ["b64"] }, CLAIMS));
add("crit of nothing", "jwt-critical", rsSigned({ alg: "RS256", ...rsKid, crit: [] }, CLAIMS));
add("crit null", "jwt-critical", rsSigned({ alg: "RS256", ...rsKid, crit: null }, CLAIMS));

add("zeroes for r and s", "jwt-signature", `${esHead}.${esBody}.${b64("\0".repeat(64))}`);
add("no signature", "jwt-signature", `${head}.${body}.`);
add("a signature as ASN.1", "jwt-signature", `${derText}.${der}`);
add("half a signature", "jwt-signature", `${esHead}.${esBody}.${esSignature.slice(0, 43)}`.replace(/.$/, "A"));
add("a longer signature", "jwt-signature", `${head}.${body}.${signature.slice(0, -2)}AAAA`);
add("other claims", "jwt-signature", `${head}.${b64({ ...CLAIMS, sub: "admin" })}.${signature}`);
add("another header", "jwt-signature", `${b64({ alg: "RS256", ...rsKid, x: 1 })}.${body}.${signature}`);

add("empty", "jwt-malformed", "");
add("two parts", "jwt-malformed", `${head}.${body}`);
add("four parts", "jwt-malformed", `${rs256}.x`);
add("a dot behind", "jwt-malformed", `${rs256}.`);
add("five parts", "jwt-malformed", `${rs256}.x.y`);
add("a blank before", "jwt-malformed", ` ${rs256}`);
add("a line end behind", "jwt-malformed", `${rs256}\n`);
add("padded", "jwt-malformed", `${rs256}==`);
add("the other alphabet", "jwt-malformed", `${head}.${body}.${signature.replace(/^./, "+")}`);
add("bits left over", "jwt-malformed", `${head}.${body}.${signature.replace(/.$/, (c) => ({ A: "B", Q: "R", g: "h", w: "x" })[c])}`);
add("header no JSON", "jwt-malformed", rsSigned("{alg:RS256}", CLAIMS));
add("header a list", "jwt-malformed", rsSigned(["RS256"], CLAIMS));
add("alg twice", "jwt-malformed", rsSigned('{"alg":"RS256","kid":"rs256","alg":"none"}', CLAIMS));
add("a claim twice", "jwt-malformed", rsSigned({ alg: "RS256", ...rsKid }, '{"sub":"a","sub":"admin"}'));
add("claims no object", "jwt-malformed", rsSigned({ alg: "RS256", ...rsKid }, "[1]"));
add("claims no JSON", "jwt-malformed", rsSigned({ alg: "RS256", ...rsKid }, "sub"));
add("claims not UTF-8", "jwt-malformed", rsSigned({ alg: "RS256", ...rsKid }, CLAIMS, (v) => (v === CLAIMS ? Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]).toString("base64url") : b64(v))));

add("a key for encryption", "jwt-unknown-key", await odd("enc", "RS256", { use: "enc" }));
add("a key that signs alone", "jwt-unknown-key", await odd("ops", "ES256", { key_ops: ["sign"] }));
add("a key that verifies", "ok", await odd("verify", "ES256", { key_ops: ["verify"] }));
add("a key for another algorithm", "jwt-unknown-key", await odd("other-alg", "RS256", { alg: "RS384" }));
add("a key that says what it is not", "jwt-unknown-key", await odd("lie", "RS256", { alg: "ES256" }));
add("a key whose private part is public", "jwt-unknown-key", await odd("leaked", "ES256", "private"));
add("a weak key", "jwt-unknown-key", weak);
add("a point that is on no curve", "jwt-unknown-key", await odd("off", "ES256", { x: b64("\x01".repeat(32)) }));
add("an exponent of one", "jwt-unknown-key", await odd("one", "RS256", { e: "AQ" }));
keys.push({ kty: "oct", k: b64("secret"), kid: "oct", alg: "HS256" });
keys.push({ kty: "XYZ", kid: "xyz" }, { kty: "RSA", kid: "empty" }, "nonsense", null);
add("a shared secret in the set", "jwt-algorithm", hmac("HS256", "secret", { kid: "oct" }));

writeFileSync(
    new URL("tokens.json", import.meta.url),
    `${JSON.stringify({ jwks: { keys }, good: rs256, tokens }, null, 1)}\n`,
);

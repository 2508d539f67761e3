/* jose.h - tokens that others have signed: JWK sets, JWS, the claims of a JWT.
 *
 * RFC 7515, 7517, 7518, 7519, 8037, and the advice of RFC 8725.  We verify, with public keys alone,
 * and sign nothing.  What has gone wrong in others' readers is shut out by how this one is made:
 *
 * - The caller says which algorithms it takes.  "none" and those with a shared secret (HS256 ..)
 * are not in the table at all, so a public key cannot be used as a secret.
 * - A key says what it is for: its kty, curve, use, key_ops and alg must fit the token's algorithm.
 *   The token chooses among the caller's keys by kid and brings none of its own: jwk, jku, x5c and
 *   x5u in a header are never looked at.
 * - A header with crit is refused, since no extension is known here (b64 is one).
 * - A member that stands twice, anything behind the end, base64url that has another spelling:
 * refused.
 * - Sizes are limited before anything is read.
 *
 * Pure and thread-safe; nothing blocks.  A signature takes 0.05 to 0.5 ms. */
#ifndef CRYPTO_JOSE_H
#define CRYPTO_JOSE_H

#include "codec/json.h"

enum {
    JOSE_TOKEN_MAX = 64 << 10,
    JOSE_JWKS_MAX = 256 << 10,
    JOSE_KEYS_MAX = 64,
    JOSE_LEEWAY_S = 60, /* clocks differ */
};

/* clang-format off: name in JWS, kind of key, curve, digest, bytes of a signature (0: the key's) */
#define JOSE_ALG_TABLE(X)                                                                          \
    X(JOSE_RS256, "RS256", KEY_RSA, "SHA256", 0)                                                   \
    X(JOSE_RS384, "RS384", KEY_RSA, "SHA384", 0)                                                   \
    X(JOSE_RS512, "RS512", KEY_RSA, "SHA512", 0)                                                   \
    X(JOSE_PS256, "PS256", KEY_RSA, "SHA256", 0)                                                   \
    X(JOSE_PS384, "PS384", KEY_RSA, "SHA384", 0)                                                   \
    X(JOSE_PS512, "PS512", KEY_RSA, "SHA512", 0)                                                   \
    X(JOSE_ES256, "ES256", KEY_P256, "SHA256", 64)                                                 \
    X(JOSE_ES384, "ES384", KEY_P384, "SHA384", 96)                                                 \
    X(JOSE_ES512, "ES512", KEY_P521, "SHA512", 132)                                                \
    X(JOSE_EDDSA, "EdDSA", KEY_ED25519, NULL, 64)                                                  \
    X(JOSE_ED25519, "Ed25519", KEY_ED25519, NULL, 64)
/* clang-format on */

enum jose_alg {
#define X(name, ...) name,
    JOSE_ALG_TABLE(X)
#undef X
        JOSE_ALGS
};

/* Sets of algorithms, as bits. */
#define JOSE_BIT(alg) (1u << (alg))
#define JOSE_ALL (JOSE_BIT(JOSE_ALGS) - 1)

/* Why a token is refused: a code that stays, and a sentence. */
/* clang-format off */
#define JOSE_FAULT_TABLE(X)                                                                        \
    X(JOSE_OK, "ok", "The token is good")                                                          \
    X(JOSE_NOMEM, "out-of-memory", "The server is out of memory")                                  \
    X(JOSE_MALFORMED, "jwt-malformed", "The token cannot be read")                               \
    X(JOSE_ALGORITHM, "jwt-algorithm", "The token is signed by an algorithm that is not taken")  \
    X(JOSE_CRITICAL, "jwt-critical", "The token wants an extension that is not known")           \
    X(JOSE_UNKNOWN_KEY, "jwt-unknown-key", "The token is signed by a key that is not known")     \
    X(JOSE_SIGNATURE, "jwt-signature", "The signature of the token is wrong")                    \
    X(JOSE_ISSUER, "jwt-issuer", "The token was issued by somebody else")                        \
    X(JOSE_AUDIENCE, "jwt-audience", "The token was issued for somebody else")                   \
    X(JOSE_EXPIRED, "jwt-expired", "The token has expired")                                      \
    X(JOSE_NOT_YET, "jwt-not-yet", "The token is of the future: one of the clocks is wrong")     \
    X(JOSE_NONCE, "jwt-nonce", "The token answers another question")                             \
    X(JOSE_CLAIMS, "jwt-claims", "The token lacks a claim, or one is of the wrong kind")         \
    X(JOSE_AT_HASH, "jwt-at-hash", "The token belongs to another access token")
/* clang-format on */

enum jose_fault {
#define X(name, ...) name,
    JOSE_FAULT_TABLE(X)
#undef X
        JOSE_FAULTS
};
const char *jose_fault_code(enum jose_fault f);
const char *jose_fault_text(enum jose_fault f);

/* The algorithm of that name, or -1. */
int jose_alg_of(struct slice name);
const char *jose_alg_name(enum jose_alg alg);

/* ---- public keys ---- */

struct jwks; /* opaque */

/* Read a JWK set, {"keys":[...]}.  Keys of a kind that is not known here, for encryption, too weak
 * or faulty are left out, as RFC 7517 (section 5) wants it; what is left may be none.
 * ERR_MALFORMED (*ret_why: a sentence, static), ERR_TOO_LARGE, ERR_NOMEM. */
int jwks_parse(struct slice text, struct jwks **ret, const char **ret_why);
void jwks_free(struct jwks *s);
size_t jwks_count(const struct jwks *s);

/* ---- tokens ---- */

struct jwt {
    enum jose_alg alg;
    struct slice kid, typ;     /* p NULL: none */
    const struct jval *claims; /* an object */
};

/* Read a token in the compact form and verify its signature; it lives in the arena and points into
 * text.  allowed: JOSE_BIT(..).  *ret is untouched unless it is good.  The claims are not looked
 * at. */
enum jose_fault jwt_verify(struct arena *a, struct slice text, const struct jwks *keys,
                           unsigned allowed, struct jwt *ret);

/* What a token of OpenID Connect must say (Core 1.0, section 3.1.3.7). */
struct jwt_expect {
    struct slice issuer, audience;
    struct slice nonce;        /* p NULL: not looked at */
    struct slice access_token; /* p NULL: at_hash is not looked at; else it may be there */
    int64_t now_s;
    int64_t max_age_s; /* since it was issued; 0: any */
};
enum jose_fault jwt_check(const struct jwt *t, const struct jwt_expect *e);

#endif

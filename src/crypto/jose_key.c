/* jose_key.c - JWK sets (RFC 7517; 7518 section 6; 8037): what may sign, and is strong enough. */
#include "base/err.h"
#include "crypto/encode.h"
#include "crypto/jose_internal.h"
#include "crypto/pubkey.h"

#include <openssl/err.h>
#include <stdlib.h>

enum {
    NUMBER_MOST = 2 * PUBKEY_RSA_BITS_MAX / 8, /* characters */
    KID_MOST = 512,
};

static const struct curve {
    const char *crv;
    enum jose_key_kind kind;
    enum pubkey_curve curve;
} curves[] = {
    {"P-256", KEY_P256, PUBKEY_P256},
    {"P-384", KEY_P384, PUBKEY_P384},
    {"P-521", KEY_P521, PUBKEY_P521},
};

static struct slice text_of(const struct jval *jwk, const char *name)
{
    const struct jval *v = jval_get(jwk, name);
    return v ? jval_string(v) : slice_of(NULL, 0);
}

/* The bytes of a number in base64url, most significant first; empty when there are none. */
static struct buf number_of(const struct jval *jwk, const char *name)
{
    struct buf b = {0};
    struct slice text = text_of(jwk, name);
    if (text.n > NUMBER_MOST || decode_add(&b, ENCODE_BASE64URL, text) != 0)
        buf_clear(&b);
    return b;
}

static EVP_PKEY *read_rsa(const struct jval *jwk)
{
    EVP_PKEY *key = NULL;
    struct buf n = number_of(jwk, "n"), e = number_of(jwk, "e");
    int err = pubkey_rsa(buf_slice(&n), buf_slice(&e), &key);
    buf_release(&n);
    buf_release(&e);
    return err ? NULL : key;
}

static EVP_PKEY *read_ec(const struct jval *jwk, const struct curve *c)
{
    EVP_PKEY *key = NULL;
    struct buf x = number_of(jwk, "x"), y = number_of(jwk, "y");
    int err = pubkey_ec(c->curve, buf_slice(&x), buf_slice(&y), &key);
    buf_release(&x);
    buf_release(&y);
    return err ? NULL : key;
}

static EVP_PKEY *read_ed25519(const struct jval *jwk)
{
    EVP_PKEY *key = NULL;
    struct buf x = number_of(jwk, "x");
    int err = pubkey_ed25519(buf_slice(&x), &key);
    buf_release(&x);
    return err ? NULL : key;
}

static EVP_PKEY *read_material(const struct jval *jwk, enum jose_key_kind *ret_kind)
{
    struct slice kty = text_of(jwk, "kty"), crv = text_of(jwk, "crv");
    if (slice_is(kty, "RSA")) {
        *ret_kind = KEY_RSA;
        return read_rsa(jwk);
    }
    if (slice_is(kty, "OKP") && slice_is(crv, "Ed25519")) {
        *ret_kind = KEY_ED25519;
        return read_ed25519(jwk);
    }
    for (size_t i = 0; slice_is(kty, "EC") && i < sizeof curves / sizeof curves[0]; i++) {
        if (slice_is(crv, curves[i].crv)) {
            *ret_kind = curves[i].kind;
            return read_ec(jwk, &curves[i]);
        }
    }
    return NULL;
}

/* Is the key there to verify what others sign?  A private one in a public place is nobody's. */
static bool may_verify(const struct jval *jwk)
{
    const struct jval *use = jval_get(jwk, "use"), *ops = jval_get(jwk, "key_ops");
    if (jval_get(jwk, "d") || jval_get(jwk, "k"))
        return false;
    if (use && !slice_is(jval_string(use), "sig"))
        return false;
    if (!ops)
        return true;
    for (const struct jval *op = ops->type == J_ARRAY ? ops->first : NULL; op; op = op->next) {
        if (slice_is(jval_string(op), "verify"))
            return true;
    }
    return false;
}

/* False: memory ran out. */
static bool add_key(struct jwks *s, const struct jval *jwk)
{
    struct jose_key k = {.alg = -1};
    const struct jval *alg = jval_get(jwk, "alg"), *kid = jval_get(jwk, "kid");
    if (jwk->type != J_OBJECT || !may_verify(jwk))
        return true;
    if (kid && (kid->type != J_STRING || kid->text.n > KID_MOST))
        return true;
    if (alg && (k.alg = jose_alg_of(jval_string(alg))) < 0)
        return true;
    if (!(k.key = read_material(jwk, &k.kind)))
        return true;
    if (k.alg >= 0 && jose_algs[k.alg].kind != k.kind) {
        EVP_PKEY_free(k.key);
        return true;
    }
    if (kid && !(k.kid = strndup(kid->text.p ? kid->text.p : "", kid->text.n))) {
        EVP_PKEY_free(k.key);
        return false;
    }
    k.kid_n = kid ? kid->text.n : 0;
    s->keys[s->n++] = k;
    return true;
}

static int read_set(struct arena *a, struct slice text, struct jwks *s, const char **ret_why)
{
    struct jval *root;
    int err = jdoc_parse(a, text, &root, NULL);
    if (err) {
        *ret_why = "it is no JSON";
        return err;
    }
    const struct jval *keys = root->type == J_OBJECT ? jval_get(root, "keys") : NULL;
    if (!keys || keys->type != J_ARRAY) {
        *ret_why = "it has no list of keys";
        return ERR_MALFORMED;
    }
    if (keys->count > JOSE_KEYS_MAX) {
        *ret_why = "it has too many keys";
        return ERR_TOO_LARGE;
    }
    for (const struct jval *k = keys->first; k; k = k->next) {
        if (!add_key(s, k))
            return ERR_NOMEM;
    }
    return 0;
}

int jwks_parse(struct slice text, struct jwks **ret, const char **ret_why)
{
    *ret_why = "the server is out of memory";
    if (text.n > JOSE_JWKS_MAX) {
        *ret_why = "it is too large";
        return ERR_TOO_LARGE;
    }
    struct arena *a = arena_new();
    struct jwks *s = calloc(1, sizeof *s);
    int err = a && s ? read_set(a, text, s, ret_why) : ERR_NOMEM;
    arena_free(a);
    ERR_clear_error(); /* what OpenSSL thinks of keys that were left out */
    if (err) {
        jwks_free(s);
        return err;
    }
    *ret = s;
    return 0;
}

void jwks_free(struct jwks *s)
{
    for (size_t i = 0; s && i < s->n; i++) {
        free(s->keys[i].kid);
        EVP_PKEY_free(s->keys[i].key);
    }
    free(s);
}

size_t jwks_count(const struct jwks *s)
{
    return s->n;
}

/* jose_key.c - JWK sets (RFC 7517; 7518 section 6; 8037): what may sign, and is strong enough. */
#include "base/err.h"
#include "crypto/encode.h"
#include "crypto/jose_internal.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <stdlib.h>

enum {
    RSA_LEAST = 2048, /* bits */
    RSA_MOST = 8192,
    EXPONENT_MOST = 8, /* bytes */
    COORDINATE_MOST = 66,
    KID_MOST = 512,
};

static const struct curve {
    const char *crv, *group;
    enum jose_key_kind kind;
    size_t bytes; /* of a coordinate: all of them are there (RFC 7518, 6.2.1.2) */
} curves[] = {
    {"P-256", "P-256", KEY_P256, 32},
    {"P-384", "P-384", KEY_P384, 48},
    {"P-521", "P-521", KEY_P521, 66},
};

static struct slice text_of(const struct jval *jwk, const char *name)
{
    const struct jval *v = jval_get(jwk, name);
    return v ? jval_string(v) : slice_of(NULL, 0);
}

/* A number in base64url, most significant first. */
static BIGNUM *number_of(const struct jval *jwk, const char *name, size_t most)
{
    struct buf b = {0};
    BIGNUM *n = NULL;
    struct slice text = text_of(jwk, name);
    if (text.p && text.n <= most * 2 && decode_add(&b, ENCODE_BASE64URL, text) == 0 && b.n > 0 &&
        b.n <= most)
        n = BN_bin2bn((const unsigned char *)b.p, (int)b.n, NULL);
    buf_release(&b);
    return n;
}

static EVP_PKEY *key_from(const char *type, OSSL_PARAM_BLD *build)
{
    EVP_PKEY *key = NULL;
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    if (!params || !ctx || EVP_PKEY_fromdata_init(ctx) != 1 ||
        EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
        key = NULL;
    EVP_PKEY_CTX_free(ctx);
    OSSL_PARAM_free(params);
    return key;
}

static EVP_PKEY *read_rsa(const struct jval *jwk)
{
    EVP_PKEY *key = NULL;
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    BIGNUM *n = number_of(jwk, "n", RSA_MOST / 8), *e = number_of(jwk, "e", EXPONENT_MOST);
    if (build && n && e && BN_num_bits(n) >= RSA_LEAST && BN_is_odd(n) && BN_is_odd(e) &&
        !BN_is_one(e) && OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e) == 1)
        key = key_from("RSA", build);
    OSSL_PARAM_BLD_free(build);
    BN_free(n);
    BN_free(e);
    return key;
}

/* The point, not packed; OpenSSL sees to it that it lies on the curve. */
static EVP_PKEY *read_ec(const struct jval *jwk, const struct curve *c)
{
    unsigned char point[1 + 2 * COORDINATE_MOST] = {4};
    struct slice x = text_of(jwk, "x"), y = text_of(jwk, "y");
    if (!x.p || !y.p || decode_exact(point + 1, c->bytes, ENCODE_BASE64URL, x) != 0 ||
        decode_exact(point + 1 + c->bytes, c->bytes, ENCODE_BASE64URL, y) != 0)
        return NULL;
    EVP_PKEY *key = NULL;
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    if (build &&
        OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, c->group, 0) == 1 &&
        OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point, 1 + 2 * c->bytes) ==
            1)
        key = key_from("EC", build);
    OSSL_PARAM_BLD_free(build);
    EVP_PKEY_CTX *check = key ? EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL) : NULL;
    if (key && (!check || EVP_PKEY_public_check(check) != 1)) {
        EVP_PKEY_free(key);
        key = NULL;
    }
    EVP_PKEY_CTX_free(check);
    return key;
}

static EVP_PKEY *read_ed25519(const struct jval *jwk)
{
    unsigned char x[32];
    struct slice text = text_of(jwk, "x");
    if (!text.p || decode_exact(x, sizeof x, ENCODE_BASE64URL, text) != 0)
        return NULL;
    return EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, x, sizeof x);
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

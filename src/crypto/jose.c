#include "crypto/jose.h"

#include "base/err.h"
#include "crypto/encode.h"
#include "crypto/jose_internal.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/rsa.h>

const struct jose_alg_row jose_algs[JOSE_ALGS] = {
#define X(alg, name, kind, digest, bytes) [alg] = {name, kind, digest, bytes},
    JOSE_ALG_TABLE(X)
#undef X
};

static const struct {
    const char *code, *text;
} faults[] = {
#define X(fault, code, text) [fault] = {code, text},
    JOSE_FAULT_TABLE(X)
#undef X
};

const char *jose_fault_code(enum jose_fault f)
{
    return faults[f].code;
}

const char *jose_fault_text(enum jose_fault f)
{
    return faults[f].text;
}

int jose_alg_of(struct slice name)
{
    for (int i = 0; i < JOSE_ALGS; i++) {
        if (slice_is(name, jose_algs[i].name))
            return i;
    }
    return -1;
}

const char *jose_alg_name(enum jose_alg alg)
{
    return jose_algs[alg].name;
}

/* ---- signatures ---- */

/* r and s side by side (RFC 7518, 3.4) as the DER that OpenSSL takes; its length, 0 when it cannot
 * be.  *ret is to be given back with OPENSSL_free(). */
static int ecdsa_der(struct slice signature, unsigned char **ret)
{
    const unsigned char *p = (const unsigned char *)signature.p;
    int half = (int)(signature.n / 2), n = 0;
    ECDSA_SIG *sig = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(p, half, NULL), *s = BN_bin2bn(p + half, half, NULL);
    *ret = NULL;
    if (sig && r && s && ECDSA_SIG_set0(sig, r, s) == 1) {
        r = s = NULL; /* the signature's now */
        n = i2d_ECDSA_SIG(sig, ret);
    }
    BN_free(r);
    BN_free(s);
    ECDSA_SIG_free(sig);
    return n > 0 ? n : 0;
}

static bool set_padding(EVP_PKEY_CTX *ctx, enum jose_alg alg)
{
    if (jose_algs[alg].kind != KEY_RSA)
        return true;
    if (jose_algs[alg].name[0] == 'R')
        return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1;
    return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) == 1 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) == 1;
}

static bool verifies(EVP_PKEY *key, enum jose_alg alg, struct slice signed_part,
                     struct slice signature)
{
    const struct jose_alg_row *row = &jose_algs[alg];
    unsigned char *der = NULL;
    EVP_PKEY_CTX *ctx = NULL;
    if (row->bytes && signature.n != row->bytes)
        return false;
    const unsigned char *sig = (const unsigned char *)signature.p;
    size_t n = signature.n;
    if (row->bytes && row->kind != KEY_ED25519) {
        n = (size_t)ecdsa_der(signature, &der);
        sig = der;
    }
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    bool good =
        md && sig && EVP_DigestVerifyInit_ex(md, &ctx, row->digest, NULL, NULL, key, NULL) == 1 &&
        set_padding(ctx, alg) &&
        EVP_DigestVerify(md, sig, n, (const unsigned char *)signed_part.p, signed_part.n) == 1;
    EVP_MD_CTX_free(md);
    OPENSSL_free(der);
    return good;
}

static bool fits(const struct jose_key *k, enum jose_alg alg, struct slice kid)
{
    if (k->kind != jose_algs[alg].kind || (k->alg >= 0 && k->alg != (int)alg))
        return false;
    return !kid.p || (k->kid && slice_eq(slice_of(k->kid, k->kid_n), kid));
}

/* With a kid, the keys of that name that fit; without one the only key that fits (a set of several
 * wants a kid: OpenID Connect Core, 10.1). */
static enum jose_fault verify_with(const struct jwks *keys, const struct jwt *t,
                                   struct slice signed_part, struct slice signature)
{
    size_t n = 0;
    bool good = false;
    for (size_t i = 0; i < keys->n; i++)
        n += fits(&keys->keys[i], t->alg, t->kid);
    if (n == 0 || (n > 1 && !t->kid.p))
        return JOSE_UNKNOWN_KEY;
    for (size_t i = 0; i < keys->n && !good; i++) {
        const struct jose_key *k = &keys->keys[i];
        good = fits(k, t->alg, t->kid) && verifies(k->key, t->alg, signed_part, signature);
    }
    ERR_clear_error();
    return good ? JOSE_OK : JOSE_SIGNATURE;
}

/* ---- the compact form ---- */

static enum jose_fault decoded(struct arena *a, struct slice text, struct slice *ret)
{
    struct buf b = {0};
    int err = decode_add(&b, ENCODE_BASE64URL, text);
    struct slice copy = err ? slice_of(NULL, 0) : arena_dup(a, buf_slice(&b));
    buf_release(&b);
    if (err)
        return err == ERR_NOMEM ? JOSE_NOMEM : JOSE_MALFORMED;
    *ret = copy;
    return copy.p ? JOSE_OK : JOSE_NOMEM;
}

static enum jose_fault decoded_object(struct arena *a, struct slice text, struct jval **ret)
{
    struct slice json;
    struct jval *v;
    enum jose_fault f = decoded(a, text, &json);
    if (f)
        return f;
    int err = jdoc_parse(a, json, &v, NULL);
    if (err || v->type != J_OBJECT)
        return err == ERR_NOMEM ? JOSE_NOMEM : JOSE_MALFORMED;
    *ret = v;
    return JOSE_OK;
}

/* A member that is a string or not there. */
static bool optional_text(const struct jval *object, const char *name, struct slice *ret)
{
    const struct jval *v = jval_get(object, name);
    *ret = v ? jval_string(v) : slice_of(NULL, 0);
    return !v || v->type == J_STRING;
}

static enum jose_fault read_header(const struct jval *header, unsigned allowed, struct jwt *t)
{
    struct slice name;
    if (!optional_text(header, "alg", &name) || !optional_text(header, "kid", &t->kid) ||
        !optional_text(header, "typ", &t->typ) || !name.p)
        return JOSE_MALFORMED;
    if (t->kid.p == NULL && jval_get(header, "kid"))
        t->kid = SLICE_LIT("");
    int alg = jose_alg_of(name);
    if (alg < 0 || !(allowed & JOSE_BIT(alg)))
        return JOSE_ALGORITHM;
    t->alg = (enum jose_alg)alg;
    return jval_get(header, "crit") ? JOSE_CRITICAL : JOSE_OK;
}

enum jose_fault jwt_verify(struct arena *a, struct slice text, const struct jwks *keys,
                           unsigned allowed, struct jwt *ret)
{
    struct slice rest = text, parts[3], signature;
    struct jval *header, *claims;
    struct jwt t = {0};
    if (text.n == 0 || text.n > JOSE_TOKEN_MAX)
        return JOSE_MALFORMED;
    for (size_t i = 0; i < 3; i++) {
        if (!slice_cut(&rest, '.', &parts[i]))
            return JOSE_MALFORMED;
    }
    if (rest.p) /* more than three: an encrypted one, or none at all */
        return JOSE_MALFORMED;
    enum jose_fault f = decoded_object(a, parts[0], &header);
    if (!f)
        f = read_header(header, allowed, &t);
    if (!f)
        f = decoded(a, parts[2], &signature);
    if (!f)
        f = verify_with(keys, &t, slice_of(text.p, parts[0].n + 1 + parts[1].n), signature);
    if (!f) /* nothing is read that is not signed */
        f = decoded_object(a, parts[1], &claims);
    if (f)
        return f;
    t.claims = claims;
    *ret = t;
    return JOSE_OK;
}

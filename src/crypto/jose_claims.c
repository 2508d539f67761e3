/* jose_claims.c - what an ID token and its kind must say (OpenID Connect Core 1.0, 3.1.3.7). */
#include "crypto/digest.h"
#include "crypto/encode.h"
#include "crypto/jose_internal.h"

#include <math.h>

static bool is_text(const struct jval *v, struct slice expected)
{
    return v && v->type == J_STRING && digest_equal(v->text, expected);
}

/* Seconds since 1970, as large as anything sane; false: not there or no such number. */
static bool seconds(const struct jval *claims, const char *name, double *ret)
{
    const struct jval *v = jval_get(claims, name);
    return v && jval_number(v, ret) && isfinite(*ret) && *ret >= 0 && *ret < 1e12;
}

/* aud is one text or a list of them; where it names others too, azp says who asked. */
static bool audience_fits(const struct jval *claims, struct slice me)
{
    const struct jval *aud = jval_get(claims, "aud"), *azp = jval_get(claims, "azp");
    bool named = is_text(aud, me);
    size_t n = 1;
    if (aud && aud->type == J_ARRAY) {
        n = aud->count;
        for (const struct jval *v = aud->first; v; v = v->next) {
            if (v->type != J_STRING)
                return false;
            named = named || is_text(v, me);
        }
    }
    if (n > 1 && !azp)
        return false;
    return named && (!azp || is_text(azp, me));
}

static enum jose_fault times_fit(const struct jval *claims, const struct jwt_expect *e)
{
    double exp, iat, nbf = 0, now = (double)e->now_s;
    if (!seconds(claims, "exp", &exp) || !seconds(claims, "iat", &iat))
        return JOSE_CLAIMS;
    if (jval_get(claims, "nbf") && !seconds(claims, "nbf", &nbf))
        return JOSE_CLAIMS;
    if (exp <= now - JOSE_LEEWAY_S)
        return JOSE_EXPIRED;
    if (iat > now + JOSE_LEEWAY_S || nbf > now + JOSE_LEEWAY_S)
        return JOSE_NOT_YET;
    if (e->max_age_s && iat < now - JOSE_LEEWAY_S - (double)e->max_age_s)
        return JOSE_EXPIRED;
    return JOSE_OK;
}

/* The left half of the access token's digest, by the digest of the signature; EdDSA has none that
 * the standard names, and Ed25519 is taken with SHA-512 as others do. */
static bool at_hash_fits(const struct jwt *t, const struct jval *at_hash, struct slice access_token)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    size_t n = 0;
    struct buf b = {0};
    const char *name = jose_algs[t->alg].digest;
    if (EVP_Q_digest(NULL, name ? name : "SHA512", NULL, access_token.p, access_token.n, digest,
                     &n) != 1)
        return false;
    encode_add(&b, ENCODE_BASE64URL, slice_of((const char *)digest, n / 2));
    bool fits = !b.failed && is_text(at_hash, buf_slice(&b));
    buf_release(&b);
    return fits;
}

enum jose_fault jwt_check(const struct jwt *t, const struct jwt_expect *e)
{
    const struct jval *at_hash = jval_get(t->claims, "at_hash");
    if (!jval_get(t->claims, "iss") || !jval_get(t->claims, "aud"))
        return JOSE_CLAIMS;
    if (!is_text(jval_get(t->claims, "iss"), e->issuer))
        return JOSE_ISSUER;
    if (!audience_fits(t->claims, e->audience))
        return JOSE_AUDIENCE;
    enum jose_fault f = times_fit(t->claims, e);
    if (f)
        return f;
    if (e->nonce.p && !is_text(jval_get(t->claims, "nonce"), e->nonce))
        return JOSE_NONCE;
    if (e->access_token.p && at_hash && !at_hash_fits(t, at_hash, e->access_token))
        return JOSE_AT_HASH;
    return JOSE_OK;
}

#include "crypto/pubkey.h"

#include "base/err.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

enum { COORDINATE_MAX = 66, ED25519_BYTES = 32, RSA_EXPONENT_BYTES_MAX = 8 };

static const unsigned char *bytes_of(struct slice s)
{
    return (const unsigned char *)s.p;
}

/* A key of the type (as OpenSSL calls it) with these parameters. */
static int from_params(const char *type, OSSL_PARAM *params, EVP_PKEY **ret)
{
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *make = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    int err = ERR_NOMEM;
    if (make && EVP_PKEY_fromdata_init(make) == 1)
        err = EVP_PKEY_fromdata(make, &key, EVP_PKEY_PUBLIC_KEY, params) == 1 ? 0 : ERR_INVALID;
    if (!err)
        *ret = key;
    ERR_clear_error();
    EVP_PKEY_CTX_free(make);
    return err;
}

/* On the curve, in the field, not infinity? */
static bool is_on_curve(EVP_PKEY *key)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    bool ok = ctx && EVP_PKEY_public_check(ctx) == 1;
    ERR_clear_error();
    EVP_PKEY_CTX_free(ctx);
    return ok;
}

int pubkey_ec(enum pubkey_curve curve, struct slice x, struct slice y, EVP_PKEY **ret)
{
    static const struct curve {
        char group[8];
        size_t bytes; /* of a coordinate */
    } curves[] = {[PUBKEY_P256] = {"P-256", 32},
                  [PUBKEY_P384] = {"P-384", 48},
                  [PUBKEY_P521] = {"P-521", COORDINATE_MAX}};
    unsigned char point[1 + 2 * COORDINATE_MAX] = {POINT_CONVERSION_UNCOMPRESSED};
    struct curve c = curves[curve]; /* a copy: parameters are not constant */
    size_t n = c.bytes;
    if (x.n != n || y.n != n)
        return ERR_INVALID;
    memcpy(point + 1, x.p, n);
    memcpy(point + 1 + n, y.p, n);
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, c.group, 0),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, 1 + 2 * n),
        OSSL_PARAM_construct_end(),
    };
    EVP_PKEY *key;
    int err = from_params("EC", params, &key);
    if (err)
        return err;
    if (!is_on_curve(key)) {
        EVP_PKEY_free(key);
        return ERR_INVALID;
    }
    *ret = key;
    return 0;
}

int pubkey_ed25519(struct slice x, EVP_PKEY **ret)
{
    if (x.n != ED25519_BYTES)
        return ERR_INVALID;
    EVP_PKEY *key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, bytes_of(x), x.n);
    ERR_clear_error();
    if (!key)
        return ERR_NOMEM;
    *ret = key;
    return 0;
}

/* OpenSSL's own check of such a key takes tens of milliseconds, to see that the modulus is no
 * prime; who sends one that is harms nobody else. */
static bool is_rsa(const BIGNUM *modulus, const BIGNUM *exponent)
{
    int bits = BN_num_bits(modulus);
    return bits >= PUBKEY_RSA_BITS_MIN && bits <= PUBKEY_RSA_BITS_MAX && BN_is_odd(modulus) &&
           BN_is_odd(exponent) && !BN_is_one(exponent);
}

int pubkey_rsa(struct slice modulus, struct slice exponent, EVP_PKEY **ret)
{
    /* a zero in front is what some put there to keep the number positive */
    if (modulus.n > PUBKEY_RSA_BITS_MAX / 8 + 1 || exponent.n > RSA_EXPONENT_BYTES_MAX)
        return ERR_INVALID;
    BIGNUM *n = BN_bin2bn(bytes_of(modulus), (int)modulus.n, NULL);
    BIGNUM *e = BN_bin2bn(bytes_of(exponent), (int)exponent.n, NULL);
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    OSSL_PARAM *params = NULL;
    int err = ERR_NOMEM;
    if (!n || !e || !build)
        goto fail;
    err = ERR_INVALID;
    if (!is_rsa(n, e))
        goto fail;
    err = ERR_NOMEM;
    if (OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) != 1 ||
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e) != 1 ||
        !(params = OSSL_PARAM_BLD_to_param(build)))
        goto fail;
    err = from_params("RSA", params, ret);
fail:
    ERR_clear_error();
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(build);
    BN_free(n);
    BN_free(e);
    return err;
}

int pubkey_verify(EVP_PKEY *key, const EVP_MD *digest, struct slice bytes, struct slice signature)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    int err = ERR_NOMEM;
    if (ctx && EVP_DigestVerifyInit(ctx, NULL, digest, NULL, key) == 1)
        err = EVP_DigestVerify(ctx, bytes_of(signature), signature.n, bytes_of(bytes), bytes.n) == 1
                  ? 0
                  : ERR_INVALID;
    ERR_clear_error();
    EVP_MD_CTX_free(ctx);
    return err;
}

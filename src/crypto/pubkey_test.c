/* Tests of keys out of numbers: those of keys that OpenSSL makes, and what is no key. */
#include "crypto/pubkey.h"

#include "base/err.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct slice message = {"what was signed", 15};

/* The number of a key, n bytes long (0: as long as it is). */
static struct slice number(const EVP_PKEY *key, const char *name, unsigned char *out, size_t n)
{
    BIGNUM *bn = NULL;
    assert_int_equal(EVP_PKEY_get_bn_param(key, name, &bn), 1);
    if (!n)
        n = (size_t)BN_num_bytes(bn);
    assert_int_equal(BN_bn2binpad(bn, out, (int)n), n);
    BN_free(bn);
    return slice_of((char *)out, n);
}

static void sign_and_verify(EVP_PKEY *key, EVP_PKEY *known, const EVP_MD *digest)
{
    unsigned char signature[1024];
    size_t n = sizeof signature;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    assert_int_equal(EVP_DigestSignInit(ctx, NULL, digest, NULL, key), 1);
    assert_int_equal(
        EVP_DigestSign(ctx, signature, &n, (const unsigned char *)message.p, message.n), 1);
    EVP_MD_CTX_free(ctx);
    struct slice s = slice_of((char *)signature, n);
    assert_int_equal(pubkey_verify(known, digest, message, s), 0);
    assert_int_equal(pubkey_verify(known, digest, SLICE_LIT("what was not"), s), ERR_INVALID);
    assert_int_equal(pubkey_verify(known, digest, message, slice_of(s.p, n - 1)), ERR_INVALID);
    assert_int_equal(pubkey_verify(known, digest, message, SLICE_LIT("")), ERR_INVALID);
    signature[n / 2] ^= 1;
    assert_int_equal(pubkey_verify(known, digest, message, s), ERR_INVALID);
}

static void curves(void **state)
{
    (void)state;
    static const struct {
        const char *group;
        size_t n;
        enum pubkey_curve curve;
    } rows[] = {{"P-256", 32, PUBKEY_P256}, {"P-384", 48, PUBKEY_P384}, {"P-521", 66, PUBKEY_P521}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        unsigned char bytes[2][66];
        EVP_PKEY *key = EVP_EC_gen(rows[i].group), *known = NULL;
        struct slice x = number(key, OSSL_PKEY_PARAM_EC_PUB_X, bytes[0], rows[i].n);
        struct slice y = number(key, OSSL_PKEY_PARAM_EC_PUB_Y, bytes[1], rows[i].n);
        assert_int_equal(pubkey_ec(rows[i].curve, x, y, &known), 0);
        sign_and_verify(key, known, EVP_sha256());
        EVP_PKEY_free(known);
        known = NULL;
        assert_int_equal(pubkey_ec(rows[i].curve, y, x, &known),
                         ERR_INVALID); /* not on the curve */
        assert_int_equal(pubkey_ec(rows[i].curve, slice_skip(x, 1), y, &known), ERR_INVALID);
        assert_int_equal(pubkey_ec(rows[i].curve, x, (struct slice){0}, &known), ERR_INVALID);
        bytes[1][rows[i].n - 1] ^= 1;
        assert_int_equal(pubkey_ec(rows[i].curve, x, y, &known), ERR_INVALID);
        memset(bytes, 0, sizeof bytes); /* nor is infinity written so */
        assert_int_equal(pubkey_ec(rows[i].curve, x, y, &known), ERR_INVALID);
        memset(bytes, 0xff, sizeof bytes); /* beyond the field */
        assert_int_equal(pubkey_ec(rows[i].curve, x, y, &known), ERR_INVALID);
        assert_null(known);
        EVP_PKEY_free(key);
    }
}

static void ed25519(void **state)
{
    (void)state;
    unsigned char raw[32];
    size_t n = sizeof raw;
    EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), *known = NULL;
    assert_int_equal(EVP_PKEY_get_raw_public_key(key, raw, &n), 1);
    assert_int_equal(pubkey_ed25519(slice_of((char *)raw, 31), &known), ERR_INVALID);
    assert_int_equal(pubkey_ed25519(slice_of((char *)raw, 32), &known), 0);
    sign_and_verify(key, known, NULL);
    EVP_PKEY_free(key);
    EVP_PKEY_free(known);
}

static void rsa(void **state)
{
    (void)state;
    unsigned char bytes[2][1100];
    EVP_PKEY *key = EVP_RSA_gen(2048), *known = NULL, *short_one = EVP_RSA_gen(1024);
    struct slice n = number(key, OSSL_PKEY_PARAM_RSA_N, bytes[0], 257); /* a zero in front */
    struct slice e = number(key, OSSL_PKEY_PARAM_RSA_E, bytes[1], 0);
    assert_int_equal(pubkey_rsa(n, e, &known), 0);
    sign_and_verify(key, known, EVP_sha256());
    EVP_PKEY_free(known);
    known = NULL;
    assert_int_equal(pubkey_rsa(n, SLICE_LIT("\x01"), &known), ERR_INVALID);
    assert_int_equal(pubkey_rsa(n, SLICE_LIT("\x04"), &known), ERR_INVALID);
    assert_int_equal(pubkey_rsa(n, SLICE_LIT(""), &known), ERR_INVALID);
    assert_int_equal(pubkey_rsa(n, SLICE_LIT("\1\0\0\0\0\0\0\0\1"), &known), ERR_INVALID);
    assert_int_equal(pubkey_rsa((struct slice){0}, e, &known), ERR_INVALID);
    bytes[0][256] &= 0xfe;
    assert_int_equal(pubkey_rsa(n, e, &known), ERR_INVALID);
    n = number(short_one, OSSL_PKEY_PARAM_RSA_N, bytes[0], 0);
    assert_int_equal(pubkey_rsa(n, e, &known), ERR_INVALID);
    memset(bytes[0], 0xff, sizeof bytes[0]);
    assert_int_equal(pubkey_rsa(slice_of((char *)bytes[0], 1025), e, &known), ERR_INVALID);
    assert_int_equal(pubkey_rsa(slice_of((char *)bytes[0], 1100), e, &known), ERR_INVALID);
    assert_null(known);
    EVP_PKEY_free(key);
    EVP_PKEY_free(short_one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(curves),
        cmocka_unit_test(ed25519),
        cmocka_unit_test(rsa),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

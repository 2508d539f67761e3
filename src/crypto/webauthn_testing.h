/* webauthn_testing.h - an authenticator and a browser in software, for tests: what a passkey and
 * the page around it would send.  Every part can be changed before it is signed. */
#ifndef CRYPTO_WEBAUTHN_TESTING_H
#define CRYPTO_WEBAUTHN_TESTING_H

#include "base/buf.h"
#include "crypto/digest.h"
#include "crypto/encode.h"
#include "crypto/webauthn.h"
#include "crypto/webauthn_internal.h"

#include <assert.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

struct soft_key {
    int algorithm; /* of COSE */
    EVP_PKEY *key;
    struct buf cose;
};

enum soft_major { SOFT_UINT, SOFT_NEGATIVE, SOFT_BYTES, SOFT_TEXT, SOFT_ARRAY, SOFT_MAP };

static void soft_head(struct buf *b, enum soft_major major, uint64_t n)
{
    unsigned char first = (unsigned char)(major << 5);
    if (n < 24) {
        buf_add_byte(b, (unsigned char)(first | n));
    } else if (n < 256) {
        buf_add_byte(b, first | 24);
        buf_add_byte(b, (unsigned char)n);
    } else {
        buf_add_byte(b, first | 25);
        buf_add_byte(b, (unsigned char)(n >> 8));
        buf_add_byte(b, (unsigned char)n);
    }
}

static void soft_int(struct buf *b, int64_t v)
{
    soft_head(b, v < 0 ? SOFT_NEGATIVE : SOFT_UINT, (uint64_t)(v < 0 ? -1 - v : v));
}

static void soft_string(struct buf *b, enum soft_major major, struct slice s)
{
    soft_head(b, major, s.n);
    buf_add_slice(b, s);
}

/* A number of the key as bytes: label and string. */
static void soft_number(struct soft_key *k, int label, const char *name, int n)
{
    unsigned char bytes[512];
    BIGNUM *bn = NULL;
    int got = EVP_PKEY_get_bn_param(k->key, name, &bn);
    assert(got == 1);
    n = BN_bn2binpad(bn, bytes, n ? n : BN_num_bytes(bn));
    BN_free(bn);
    soft_int(&k->cose, label);
    soft_string(&k->cose, SOFT_BYTES, slice_of((char *)bytes, (size_t)n));
}

static void soft_header(struct soft_key *k, uint64_t members, int type, int curve)
{
    soft_head(&k->cose, SOFT_MAP, members);
    soft_int(&k->cose, 1);
    soft_int(&k->cose, type);
    soft_int(&k->cose, 3);
    soft_int(&k->cose, k->algorithm);
    if (curve) {
        soft_int(&k->cose, -1);
        soft_int(&k->cose, curve);
    }
}

static struct soft_key soft_key_new(int algorithm)
{
    struct soft_key k = {.algorithm = algorithm};
    if (algorithm == -7) {
        k.key = EVP_EC_gen("P-256");
        soft_header(&k, 5, 2, 1);
        soft_number(&k, -2, OSSL_PKEY_PARAM_EC_PUB_X, 32);
        soft_number(&k, -3, OSSL_PKEY_PARAM_EC_PUB_Y, 32);
    } else if (algorithm == -8) {
        unsigned char raw[32];
        size_t n = sizeof raw;
        k.key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
        int got = EVP_PKEY_get_raw_public_key(k.key, raw, &n);
        assert(got == 1);
        soft_header(&k, 4, 1, 6);
        soft_int(&k.cose, -2);
        soft_string(&k.cose, SOFT_BYTES, slice_of((char *)raw, n));
    } else {
        k.key = EVP_RSA_gen(2048);
        soft_header(&k, 4, 3, 0);
        soft_number(&k, -1, OSSL_PKEY_PARAM_RSA_N, 0);
        soft_number(&k, -2, OSSL_PKEY_PARAM_RSA_E, 0);
    }
    return k;
}

static void soft_key_release(struct soft_key *k)
{
    EVP_PKEY_free(k->key);
    buf_release(&k->cose);
}

/* What is said; a test changes what it is about. */
struct soft_saying {
    const char *type, *origin, *party, *more; /* more: further members of the client data */
    struct slice challenge, id, aaguid;
    uint8_t flags;
    uint32_t count;
    struct slice key;        /* COSE */
    struct slice extensions; /* CBOR */
    struct slice behind;     /* bytes that do not belong there */
};

static void soft_client(struct buf *b, const struct soft_saying *s)
{
    buf_addf(b, "{\"type\":\"%s\",\"challenge\":\"", s->type);
    encode_add(b, ENCODE_BASE64URL, s->challenge);
    buf_addf(b, "\",\"origin\":\"%s\"%s}", s->origin, s->more ? s->more : "");
}

static void soft_data(struct buf *b, const struct soft_saying *s)
{
    unsigned char hash[SHA256_BYTES];
    digest_sha256(slice_str(s->party), hash);
    buf_add(b, hash, sizeof hash);
    buf_add_byte(b, s->flags);
    for (int shift = 24; shift >= 0; shift -= 8)
        buf_add_byte(b, (unsigned char)(s->count >> shift));
    if (s->flags & WEBAUTHN_CREDENTIAL) {
        buf_add_slice(b, s->aaguid);
        buf_add_byte(b, (unsigned char)(s->id.n >> 8));
        buf_add_byte(b, (unsigned char)s->id.n);
        buf_add_slice(b, s->id);
        buf_add_slice(b, s->key);
    }
    buf_add_slice(b, s->extensions);
    buf_add_slice(b, s->behind);
}

/* statement: a map of CBOR */
static void soft_attestation(struct buf *b, const char *format, struct slice statement,
                             struct slice data)
{
    soft_head(b, SOFT_MAP, 3);
    soft_string(b, SOFT_TEXT, SLICE_LIT("fmt"));
    soft_string(b, SOFT_TEXT, slice_str(format));
    soft_string(b, SOFT_TEXT, SLICE_LIT("attStmt"));
    buf_add_slice(b, statement);
    soft_string(b, SOFT_TEXT, SLICE_LIT("authData"));
    soft_string(b, SOFT_BYTES, data);
}

static void soft_sign(struct buf *signature, const struct soft_key *k, struct slice data,
                      struct slice client)
{
    unsigned char hash[SHA256_BYTES];
    struct buf text = {0};
    size_t n = 512;
    digest_sha256(client, hash);
    buf_add_slice(&text, data);
    buf_add(&text, hash, sizeof hash);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    const EVP_MD *digest = k->algorithm == -8 ? NULL : EVP_sha256();
    unsigned char *to = (unsigned char *)buf_reserve(signature, n);
    int ok = EVP_DigestSignInit(ctx, NULL, digest, NULL, k->key) == 1 &&
             EVP_DigestSign(ctx, to, &n, (unsigned char *)text.p, text.n) == 1;
    assert(ok);
    signature->n += n;
    EVP_MD_CTX_free(ctx);
    buf_release(&text);
}

#endif

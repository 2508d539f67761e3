/* tls_testing.h - keys, certificates and lists of the revoked for the tests of this room, which
 * stands below the one that makes real ones (crypto/authority.h). */
#ifndef OS_TLS_TESTING_H
#define OS_TLS_TESTING_H

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

struct test_cert {
    EVP_PKEY *key;
    X509 *x;
};

static inline void test_extend(X509 *x, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx_nodb(&ctx);
    X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    assert_non_null(e);
    assert_int_equal(X509_add_ext(x, e, -1), 1);
    X509_EXTENSION_free(e);
}

/* Good from so many seconds on to so many; by an issuer, or by itself (NULL), and then it may issue
 * as well.  alt: "DNS:localhost,URI:..." or NULL. */
static inline struct test_cert test_cert_make(const struct test_cert *issuer, const char *name,
                                              const char *alt, long from_s, long until_s)
{
    static long serial = 0x1000;
    struct test_cert c = {EVP_EC_gen("P-256"), X509_new()};
    assert_non_null(c.key);
    assert_non_null(c.x);
    X509_set_version(c.x, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(c.x), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(c.x), from_s);
    X509_gmtime_adj(X509_getm_notAfter(c.x), until_s);
    X509_set_pubkey(c.x, c.key);
    X509_NAME_add_entry_by_NID(X509_get_subject_name(c.x), NID_commonName, MBSTRING_UTF8,
                               (const unsigned char *)name, -1, -1, 0);
    X509 *by = issuer ? issuer->x : c.x;
    X509_set_issuer_name(c.x, X509_get_subject_name(by));
    test_extend(c.x, by, NID_basic_constraints, issuer ? "critical,CA:FALSE" : "critical,CA:TRUE");
    if (alt)
        test_extend(c.x, by, NID_subject_alt_name, alt);
    assert_true(X509_sign(c.x, issuer ? issuer->key : c.key, EVP_sha256()) > 0);
    return c;
}

static inline void test_cert_free(struct test_cert *c)
{
    EVP_PKEY_free(c->key);
    X509_free(c->x);
}

/* Either path may be NULL. */
static inline void test_cert_write(const struct test_cert *c, const char *cert_path,
                                   const char *key_path)
{
    FILE *f = cert_path ? fopen(cert_path, "w") : NULL;
    if (f) {
        assert_int_equal(PEM_write_X509(f, c->x), 1);
        assert_int_equal(fclose(f), 0);
    }
    f = key_path ? fopen(key_path, "w") : NULL;
    if (f) {
        assert_int_equal(PEM_write_PKCS8PrivateKey(f, c->key, NULL, NULL, 0, NULL, NULL), 1);
        assert_int_equal(fclose(f), 0);
    }
}

/* A list of the revoked with this one in it (NULL: empty). */
static inline void test_crl_write(const struct test_cert *issuer, const struct test_cert *revoked,
                                  long until_s, const char *path)
{
    X509_CRL *crl = X509_CRL_new();
    ASN1_TIME *from = X509_gmtime_adj(NULL, -7200), *until = X509_gmtime_adj(NULL, until_s);
    X509_CRL_set_version(crl, X509_CRL_VERSION_2);
    X509_CRL_set_issuer_name(crl, X509_get_subject_name(issuer->x));
    X509_CRL_set1_lastUpdate(crl, from);
    X509_CRL_set1_nextUpdate(crl, until);
    if (revoked) {
        X509_REVOKED *r = X509_REVOKED_new();
        X509_REVOKED_set_serialNumber(r, X509_get_serialNumber(revoked->x));
        X509_REVOKED_set_revocationDate(r, from);
        assert_int_equal(X509_CRL_add0_revoked(crl, r), 1);
    }
    assert_true(X509_CRL_sign(crl, issuer->key, EVP_sha256()) > 0);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(PEM_write_X509_CRL(f, crl), 1);
    assert_int_equal(fclose(f), 0);
    ASN1_TIME_free(from);
    ASN1_TIME_free(until);
    X509_CRL_free(crl);
}

/* One that is its own authority, for localhost. */
static inline void test_self_signed(const char *cert_path, const char *key_path)
{
    struct test_cert c =
        test_cert_make(NULL, "localhost", "DNS:localhost,IP:127.0.0.1", -3600, 86400);
    test_cert_write(&c, cert_path, key_path);
    test_cert_free(&c);
}

#endif

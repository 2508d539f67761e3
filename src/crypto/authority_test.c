/* authority_test.c - certificates of servers, and an authority that is kept to some names. */
#include "crypto/authority.h"

#include "base/clock.h"
#include "base/err.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define DAY_US INT64_C(86400000000)

static struct authority *authority(const char *constraints)
{
    struct authority *a = NULL;
    const struct authority_opts o = {.common_name = "Test",
                                     .until_us = clock_now_us() + 100 * DAY_US,
                                     .constraints = constraints};
    assert_int_equal(authority_new(&o, &a), 0);
    return a;
}

static X509 *read_cert(const struct buf *pem)
{
    BIO *b = BIO_new_mem_buf(pem->p, (int)pem->n);
    X509 *x = PEM_read_bio_X509(b, NULL, NULL, NULL);
    BIO_free(b);
    assert_non_null(x);
    return x;
}

/* What OpenSSL says to a server's certificate by this authority. */
static int verify(const struct authority *a, const struct buf *pem)
{
    struct buf ca_pem = {0};
    assert_int_equal(authority_cert(a, &ca_pem), 0);
    X509 *ca = read_cert(&ca_pem), *x = read_cert(pem);
    X509_STORE *store = X509_STORE_new();
    X509_STORE_add_cert(store, ca);
    X509_STORE_set_flags(store, X509_V_FLAG_X509_STRICT);
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    X509_STORE_CTX_init(ctx, store, x, NULL);
    X509_STORE_CTX_set_default(ctx, "ssl_server");
    X509_verify_cert(ctx);
    int result = X509_STORE_CTX_get_error(ctx);
    X509_STORE_CTX_free(ctx);
    X509_STORE_free(store);
    X509_free(ca);
    X509_free(x);
    buf_release(&ca_pem);
    return result;
}

static int issue(const struct authority *a, const struct cert_name *names, size_t n,
                 struct cert_issued *ret)
{
    const char *why = "";
    const struct cert_order o = {.use = CERT_SERVER,
                                 .common_name = "Test",
                                 .names = names,
                                 .names_n = n,
                                 .until_us = clock_now_us() + DAY_US};
    return authority_issue(a, &o, ret, &why);
}

static void a_servers_certificate_is_good_for_its_names(void **state)
{
    (void)state;
    struct authority *a = authority(NULL);
    struct cert_issued i = {0};
    static const struct cert_name names[] = {
        {CERT_DNS, "twins.example"}, {CERT_IP, "192.0.2.1"}, {CERT_IP, "2001:db8::1"}};
    assert_int_equal(issue(a, names, 3, &i), 0);
    assert_int_equal(verify(a, &i.cert), X509_V_OK);
    X509 *x = read_cert(&i.cert);
    assert_int_equal(X509_check_host(x, "twins.example", 0, 0, NULL), 1);
    assert_int_equal(X509_check_host(x, "other.example", 0, 0, NULL), 0);
    assert_int_equal(X509_check_ip_asc(x, "192.0.2.1", 0), 1);
    assert_int_equal(X509_check_ip_asc(x, "2001:db8::1", 0), 1);
    assert_int_equal(X509_check_purpose(x, X509_PURPOSE_SSL_CLIENT, 0), 0);
    X509_free(x);
    cert_issued_release(&i);
    authority_free(a);
}

static void what_cannot_be_a_name_is_refused(void **state)
{
    (void)state;
    struct authority *a = authority(NULL);
    struct cert_issued i = {0};
    static const struct cert_name bad[] = {
        {CERT_IP, "not.an.address"}, {CERT_DNS, "a b"}, {CERT_DNS, "a\nb"}, {CERT_URI, "\xc3\xa4"}};
    for (size_t n = 0; n < sizeof bad / sizeof bad[0]; n++)
        assert_int_equal(issue(a, &bad[n], 1, &i), ERR_INVALID);
    authority_free(a);
}

static void it_keeps_to_the_names_it_was_made_for(void **state)
{
    (void)state;
    struct authority *a = authority("critical,permitted;DNS:lan,permitted;IP:10.0.0.0/255.0.0.0");
    struct cert_issued i = {0};
    static const struct cert_name good[] = {
        {CERT_DNS, "twins.lan"}, {CERT_DNS, "lan"}, {CERT_IP, "10.1.2.3"}};
    static const struct cert_name bad[] = {{CERT_DNS, "bank.example"},
                                           {CERT_DNS, "lan.example"},
                                           {CERT_IP, "11.0.0.1"},
                                           {CERT_IP, "::1"}};
    for (size_t n = 0; n < sizeof bad / sizeof bad[0]; n++) {
        const struct cert_name both[] = {good[0], bad[n]};
        assert_false(authority_permits(a, &bad[n]));
        assert_int_equal(issue(a, both, 2, &i), ERR_FOREIGN);
    }
    for (size_t n = 0; n < sizeof good / sizeof good[0]; n++)
        assert_true(authority_permits(a, &good[n]));
    assert_int_equal(issue(a, good, 3, &i), 0);
    assert_int_equal(verify(a, &i.cert), X509_V_OK);
    cert_issued_release(&i);
    authority_free(a);
}

static void it_is_read_back_and_only_with_its_own_key(void **state)
{
    (void)state;
    struct authority *a = authority(NULL), *b = authority(NULL), *c = NULL;
    struct buf cert = {0}, key = {0}, other = {0};
    struct cert_issued i = {0};
    const char *why = NULL;
    struct slice none = slice_of(NULL, 0);
    static const struct cert_name name = {CERT_DNS, "a.example"};
    assert_int_equal(authority_cert(a, &cert), 0);
    assert_int_equal(authority_key(a, none, &key), 0);
    assert_int_equal(authority_key(b, none, &other), 0);
    assert_int_equal(authority_read(buf_slice(&cert), buf_slice(&other), none, &c, &why),
                     ERR_INVALID);
    assert_non_null(strstr(why, "do not belong"));
    assert_int_equal(authority_read(buf_slice(&cert), none, none, &c, &why), ERR_INVALID);
    assert_int_equal(authority_read(none, buf_slice(&key), none, &c, &why), ERR_INVALID);
    assert_int_equal(authority_read(buf_slice(&cert), buf_slice(&key), none, &c, &why), 0);
    assert_int_equal(issue(c, &name, 1, &i), 0);
    assert_int_equal(verify(a, &i.cert), X509_V_OK);
    authority_free(c);
    /* what was issued issues nothing */
    assert_int_equal(authority_read(buf_slice(&i.cert), buf_slice(&i.key), none, &c, &why),
                     ERR_INVALID);
    cert_issued_release(&i);
    authority_free(a);
    authority_free(b);
    buf_release(&cert);
    buf_release(&key);
    buf_release(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_servers_certificate_is_good_for_its_names),
        cmocka_unit_test(what_cannot_be_a_name_is_refused),
        cmocka_unit_test(it_keeps_to_the_names_it_was_made_for),
        cmocka_unit_test(it_is_read_back_and_only_with_its_own_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

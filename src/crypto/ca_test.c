/* ca_test.c - an authority in a folder; what it issues is judged by OpenSSL's own verification. */
#include "crypto/ca.h"

#include "base/clock.h"
#include "base/err.h"
#include "crypto/key_ring.h"
#include "os/file.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define DAY_US INT64_C(86400000000)

struct fixture {
    char dir[64];
    struct buf why;
};

static const char *in(const struct fixture *f, const char *name)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", f->dir, name);
    return path;
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    if (!f)
        return -1;
    snprintf(f->dir, sizeof f->dir, "/tmp/doppel-ca-XXXXXX");
    *state = f;
    return mkdtemp(f->dir) ? 0 : -1;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    static const char *const names[] = {"ca.pem", "ca-key.pem", "crl.pem", "index"};
    for (size_t i = 0; i < 4; i++)
        unlink(in(f, names[i]));
    rmdir(f->dir);
    buf_release(&f->why);
    free(f);
    return 0;
}

static bool said(struct fixture *f, const char *text)
{
    buf_add_byte(&f->why, 0);
    bool found = !f->why.failed && strstr(f->why.p, text);
    if (!found)
        print_error("said: %s\n", f->why.p);
    buf_clear(&f->why);
    return found;
}

static void make(struct fixture *f, const char *passphrase)
{
    const struct authority_opts o = {.common_name = "Test devices",
                                     .until_us = clock_now_us() + 3650 * DAY_US};
    assert_int_equal(ca_make(f->dir, &o, slice_str(passphrase), &f->why), 0);
}

static struct ca *open_ca(struct fixture *f, const char *passphrase)
{
    struct ca *c = NULL;
    assert_int_equal(ca_open(f->dir, slice_str(passphrase), &c, &f->why), 0);
    return c;
}

static void issue(struct fixture *f, struct ca *c, const char *twin, struct cert_issued *ret)
{
    const struct ca_order o = {
        .org = "home", .twin = twin, .until_us = clock_now_us() + 30 * DAY_US};
    assert_int_equal(ca_issue(c, &o, ret, &f->why), 0);
}

static X509 *read_cert(struct slice pem)
{
    BIO *b = BIO_new_mem_buf(pem.p, (int)pem.n);
    X509 *x = PEM_read_bio_X509(b, NULL, NULL, NULL);
    BIO_free(b);
    assert_non_null(x);
    return x;
}

/* What OpenSSL says to a client's certificate by the files of the folder: X509_V_... */
static int verify(struct fixture *f, struct slice pem)
{
    struct buf text = {0};
    assert_int_equal(file_read(in(f, "ca.pem"), 65536, &text), 0);
    X509 *ca = read_cert(buf_slice(&text)), *x = read_cert(pem);
    buf_clear(&text);
    assert_int_equal(file_read(in(f, "crl.pem"), 1 << 20, &text), 0);
    BIO *b = BIO_new_mem_buf(text.p, (int)text.n);
    X509_CRL *crl = PEM_read_bio_X509_CRL(b, NULL, NULL, NULL);
    assert_non_null(crl);
    X509_STORE *store = X509_STORE_new();
    X509_STORE_add_cert(store, ca);
    X509_STORE_add_crl(store, crl);
    X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_X509_STRICT);
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    X509_STORE_CTX_init(ctx, store, x, NULL);
    X509_STORE_CTX_set_default(ctx, "ssl_client");
    X509_verify_cert(ctx);
    int result = X509_STORE_CTX_get_error(ctx);
    X509_STORE_CTX_free(ctx);
    X509_STORE_free(store);
    X509_CRL_free(crl);
    BIO_free(b);
    X509_free(ca);
    X509_free(x);
    buf_release(&text);
    return result;
}

static unsigned mode_of(const char *path)
{
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    return st.st_mode & 0777;
}

static void what_is_issued_is_good_until_it_is_revoked(void **state)
{
    struct fixture *f = *state;
    struct cert_issued one = {0}, two = {0};
    make(f, NULL);
    assert_int_equal(mode_of(in(f, "ca-key.pem")), 0600);
    struct ca *c = open_ca(f, NULL);
    issue(f, c, "pump-1", &one);
    issue(f, c, "pump-1", &two);
    assert_string_not_equal(one.serial, two.serial);
    assert_true(strlen(one.serial) > 24);
    assert_int_equal(verify(f, buf_slice(&one.cert)), X509_V_OK);
    assert_int_equal(ca_revoke(c, slice_str(one.serial), CERT_KEY_COMPROMISE, &f->why), 0);
    assert_int_equal(verify(f, buf_slice(&one.cert)), X509_V_ERR_CERT_REVOKED);
    assert_int_equal(verify(f, buf_slice(&two.cert)), X509_V_OK);
    assert_int_equal(ca_revoke(c, slice_str(one.serial), CERT_SUPERSEDED, &f->why), ERR_EXISTS);
    assert_int_equal(ca_revoke(c, SLICE_LIT("ab"), CERT_SUPERSEDED, &f->why), ERR_NOT_FOUND);
    ca_close(c);
    cert_issued_release(&one);
    cert_issued_release(&two);
}

static void it_names_its_twin_and_is_for_clients_alone(void **state)
{
    struct fixture *f = *state;
    struct cert_issued i = {0};
    char text[256] = "";
    make(f, NULL);
    struct ca *c = open_ca(f, NULL);
    issue(f, c, "pump:1", &i);
    X509 *x = read_cert(buf_slice(&i.cert));
    GENERAL_NAMES *names = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
    assert_int_equal(sk_GENERAL_NAME_num(names), 1);
    const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, 0);
    assert_int_equal(name->type, GEN_URI);
    assert_string_equal(ASN1_STRING_get0_data(name->d.uniformResourceIdentifier),
                        "urn:doppel:twin:home:pump:1");
    X509_NAME_oneline(X509_get_subject_name(x), text, sizeof text);
    assert_string_equal(text, "/O=home/CN=pump:1");
    assert_int_equal(X509_check_purpose(x, X509_PURPOSE_SSL_CLIENT, 0), 1);
    assert_int_equal(X509_check_purpose(x, X509_PURPOSE_SSL_SERVER, 0), 0);
    assert_int_equal(X509_check_ca(x), 0);
    GENERAL_NAMES_free(names);
    X509_free(x);
    ca_close(c);
    cert_issued_release(&i);
}

static void ids_of_any_length_and_none_that_are_none(void **state)
{
    struct fixture *f = *state;
    struct cert_issued i = {0};
    char longest[130];
    memset(longest, 'x', sizeof longest);
    longest[128] = 0;
    make(f, NULL);
    struct ca *c = open_ca(f, NULL);
    issue(f, c, longest, &i);
    assert_int_equal(verify(f, buf_slice(&i.cert)), X509_V_OK);
    cert_issued_release(&i);
    longest[128] = 'x';
    longest[129] = 0;
    static const char *const bad[][2] = {
        {"home", ""},         {"home", "a b"}, {"home", "a,URI:urn:doppel:twin:home:b"},
        {"home:x", "pump-1"}, {"", "pump-1"},  {"home", "a\tb"}};
    for (size_t n = 0; n < sizeof bad / sizeof bad[0]; n++) {
        const struct ca_order o = {
            .org = bad[n][0], .twin = bad[n][1], .until_us = clock_now_us() + DAY_US};
        assert_int_equal(ca_issue(c, &o, &i, &f->why), ERR_INVALID);
    }
    const struct ca_order o = {.org = "home", .twin = longest, .until_us = clock_now_us() + DAY_US};
    assert_int_equal(ca_issue(c, &o, &i, &f->why), ERR_INVALID);
    const struct ca_order past = {.org = "home", .twin = "a", .until_us = clock_now_us() - 1};
    assert_int_equal(ca_issue(c, &past, &i, &f->why), ERR_INVALID);
    assert_int_equal(ca_count(c), 1);
    ca_close(c);
}

static void the_index_outlives_the_process(void **state)
{
    struct fixture *f = *state;
    struct cert_issued one = {0}, two = {0};
    make(f, NULL);
    struct ca *c = open_ca(f, NULL);
    issue(f, c, "pump-1", &one);
    issue(f, c, "pump-2", &two);
    assert_int_equal(ca_revoke(c, slice_str(two.serial), CERT_WITHDRAWN, &f->why), 0);
    ca_close(c);
    assert_int_equal(ca_look(f->dir, &c, &f->why), 0);
    assert_int_equal(ca_count(c), 2);
    const struct ca_entry *e = ca_at(c, 0);
    assert_string_equal(e->serial, one.serial);
    assert_string_equal(e->fingerprint, one.fingerprint);
    assert_string_equal(e->twin, "pump-1");
    assert_int_equal(e->until_us, one.until_us);
    assert_int_equal(e->revoked_us, 0);
    assert_true(ca_at(c, 1)->revoked_us > 0);
    assert_int_equal(ca_at(c, 1)->reason, CERT_WITHDRAWN);
    ca_close(c);
    cert_issued_release(&one);
    cert_issued_release(&two);
}

static void add_to_index(struct fixture *f, const char *text)
{
    FILE *index = fopen(in(f, "index"), "a");
    assert_non_null(index);
    fputs(text, index);
    assert_int_equal(fclose(index), 0);
}

/* A crash in the middle of a line, and one between a line and crl.pem. */
static void after_a_crash(void **state)
{
    struct fixture *f = *state;
    struct cert_issued i = {0}, other = {0};
    char line[128];
    make(f, NULL);
    struct ca *c = open_ca(f, NULL);
    issue(f, c, "pump-1", &i);
    ca_close(c);
    snprintf(line, sizeof line, "revoked\t%s\t1700000000\tsuperseded\nissued\tabc", i.serial);
    add_to_index(f, line);
    assert_int_equal(verify(f, buf_slice(&i.cert)), X509_V_OK);
    c = open_ca(f, NULL);
    assert_int_equal(ca_count(c), 1);
    assert_int_equal(verify(f, buf_slice(&i.cert)), X509_V_ERR_CERT_REVOKED);
    issue(f, c, "pump-2", &other);
    ca_close(c);
    c = open_ca(f, NULL);
    assert_int_equal(ca_count(c), 2);
    ca_close(c);
    cert_issued_release(&i);
    cert_issued_release(&other);
}

static void a_damaged_index_stops_everything(void **state)
{
    struct fixture *f = *state;
    struct ca *c = NULL;
    make(f, NULL);
    add_to_index(f, "issued\tnonsense\n");
    assert_int_equal(ca_open(f->dir, slice_of(NULL, 0), &c, &f->why), ERR_CORRUPT);
    assert_true(said(f, "line 2"));
}

static void the_key_may_be_under_a_passphrase(void **state)
{
    struct fixture *f = *state;
    struct cert_issued i = {0};
    struct ca *c = NULL;
    struct buf key = {0};
    make(f, "correct horse");
    assert_int_equal(file_read(in(f, "ca-key.pem"), 65536, &key), 0);
    assert_non_null(memmem(key.p, key.n, "BEGIN ENCRYPTED PRIVATE KEY", 27));
    assert_int_equal(ca_open(f->dir, slice_of(NULL, 0), &c, &f->why), ERR_FOREIGN);
    assert_true(said(f, "under a passphrase"));
    assert_int_equal(ca_open(f->dir, slice_str("correct donkey"), &c, &f->why), ERR_FOREIGN);
    assert_true(said(f, "is not that of the key"));
    assert_int_equal(ca_look(f->dir, &c, &f->why), 0);
    ca_close(c);
    c = open_ca(f, "correct horse");
    issue(f, c, "pump-1", &i);
    assert_int_equal(verify(f, buf_slice(&i.cert)), X509_V_OK);
    ca_close(c);
    cert_issued_release(&i);
    buf_release(&key);
}

static void nothing_is_overwritten_and_a_key_that_others_read_is_not_used(void **state)
{
    struct fixture *f = *state;
    struct ca *c = NULL;
    const struct authority_opts o = {.common_name = "x", .until_us = clock_now_us() + DAY_US};
    assert_int_equal(ca_open(f->dir, slice_of(NULL, 0), &c, &f->why), ERR_NOT_FOUND);
    assert_true(said(f, "doppel ca init"));
    make(f, NULL);
    assert_int_equal(ca_make(f->dir, &o, slice_of(NULL, 0), &f->why), ERR_EXISTS);
    assert_int_equal(chmod(in(f, "ca-key.pem"), 0644), 0);
    assert_int_equal(ca_open(f->dir, slice_of(NULL, 0), &c, &f->why), ERR_FOREIGN);
    assert_true(said(f, "others can read it"));
}

static void no_certificate_outlives_its_authority(void **state)
{
    struct fixture *f = *state;
    struct cert_issued i = {0};
    make(f, NULL);
    struct ca *c = open_ca(f, NULL);
    const struct ca_order o = {
        .org = "home", .twin = "a", .until_us = clock_now_us() + 36500 * DAY_US};
    assert_int_equal(ca_issue(c, &o, &i, &f->why), 0);
    assert_int_equal(i.until_us, ca_until_us(c));
    ca_close(c);
    cert_issued_release(&i);
}

/* ---- requests ---- */

static void request_of(EVP_PKEY *key, struct buf *out)
{
    X509_REQ *r = X509_REQ_new();
    BIO *b = BIO_new(BIO_s_mem());
    char *p = NULL;
    X509_NAME_add_entry_by_NID(X509_REQ_get_subject_name(r), NID_commonName, MBSTRING_ASC,
                               (const unsigned char *)"somebody else", -1, -1, 0);
    assert_int_equal(X509_REQ_set_pubkey(r, key), 1);
    assert_true(X509_REQ_sign(r, key, EVP_sha256()) > 0);
    assert_int_equal(PEM_write_bio_X509_REQ(b, r), 1);
    long n = BIO_get_mem_data(b, &p);
    buf_add(out, p, (size_t)n);
    BIO_free(b);
    X509_REQ_free(r);
}

static void a_request_gives_its_key_and_nothing_else(void **state)
{
    struct fixture *f = *state;
    struct cert_issued i = {0};
    struct buf pem = {0};
    EVP_PKEY *key = EVP_EC_gen("P-256");
    char text[256];
    make(f, NULL);
    struct ca *c = open_ca(f, NULL);
    request_of(key, &pem);
    struct ca_order o = {.org = "acme",
                         .twin = "pump-1",
                         .until_us = clock_now_us() + DAY_US,
                         .request = buf_slice(&pem)};
    assert_int_equal(ca_issue(c, &o, &i, &f->why), 0);
    assert_int_equal(i.key.n, 0);
    X509 *x = read_cert(buf_slice(&i.cert));
    assert_int_equal(X509_check_private_key(x, key), 1);
    X509_NAME_oneline(X509_get_subject_name(x), text, sizeof text);
    assert_string_equal(text, "/O=acme/CN=pump-1");
    assert_int_equal(verify(f, buf_slice(&i.cert)), X509_V_OK);
    cert_issued_release(&i);
    X509_free(x);

    char *at = memmem(pem.p, pem.n, "\n", 1); /* another byte, and the signature is wrong */
    at[90] = at[90] == 'A' ? 'B' : 'A';
    assert_int_equal(ca_issue(c, &o, &i, &f->why), ERR_INVALID);
    assert_true(said(f, "the request: "));
    o.request = SLICE_LIT("-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n");
    assert_int_equal(ca_issue(c, &o, &i, &f->why), ERR_INVALID);
    assert_true(said(f, "no certificate request"));
    assert_int_equal(ca_count(c), 1);
    ca_close(c);
    EVP_PKEY_free(key);
    buf_release(&pem);
}

static void weak_keys_are_refused(void **state)
{
    struct fixture *f = *state;
    struct cert_issued i = {0};
    make(f, NULL);
    struct ca *c = open_ca(f, NULL);
    EVP_PKEY *weak[] = {EVP_RSA_gen(1024), EVP_EC_gen("secp256k1"), EVP_EC_gen("P-224")};
    for (size_t n = 0; n < sizeof weak / sizeof weak[0]; n++) {
        struct buf pem = {0};
        assert_non_null(weak[n]);
        request_of(weak[n], &pem);
        const struct ca_order o = {.org = "home",
                                   .twin = "a",
                                   .until_us = clock_now_us() + DAY_US,
                                   .request = buf_slice(&pem)};
        assert_int_equal(ca_issue(c, &o, &i, &f->why), ERR_INVALID);
        assert_true(said(f, "its key must be"));
        EVP_PKEY_free(weak[n]);
        buf_release(&pem);
    }
    ca_close(c);
}

static void reasons_have_names(void **state)
{
    (void)state;
    enum cert_reason r = CERT_UNSPECIFIED;
    assert_int_equal(cert_reason_parse(SLICE_LIT("key-compromise"), &r), 0);
    assert_int_equal(r, CERT_KEY_COMPROMISE);
    assert_string_equal(cert_reason_text(CERT_WITHDRAWN), "privilege-withdrawn");
    assert_int_equal(cert_reason_parse(SLICE_LIT("removeFromCRL"), &r), ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_issued_is_good_until_it_is_revoked, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(it_names_its_twin_and_is_for_clients_alone, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(ids_of_any_length_and_none_that_are_none, setup, teardown),
        cmocka_unit_test_setup_teardown(the_index_outlives_the_process, setup, teardown),
        cmocka_unit_test_setup_teardown(after_a_crash, setup, teardown),
        cmocka_unit_test_setup_teardown(a_damaged_index_stops_everything, setup, teardown),
        cmocka_unit_test_setup_teardown(the_key_may_be_under_a_passphrase, setup, teardown),
        cmocka_unit_test_setup_teardown(
            nothing_is_overwritten_and_a_key_that_others_read_is_not_used, setup, teardown),
        cmocka_unit_test_setup_teardown(no_certificate_outlives_its_authority, setup, teardown),
        cmocka_unit_test_setup_teardown(a_request_gives_its_key_and_nothing_else, setup, teardown),
        cmocka_unit_test_setup_teardown(weak_keys_are_refused, setup, teardown),
        cmocka_unit_test(reasons_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

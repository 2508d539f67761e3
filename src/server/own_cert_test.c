/* own_cert_test.c - the data directory's own certificate, made and kept. */
#include "server/own_cert.h"

#include "base/clock.h"
#include "base/err.h"
#include "os/file.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define DAY_US INT64_C(86400000000)

struct fixture {
    char dir[64];
    struct buf why, text;
};

static const char *in(const struct fixture *f, const char *name)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/tls/%s", f->dir, name);
    return path;
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    if (!f)
        return -1;
    snprintf(f->dir, sizeof f->dir, "/tmp/doppel-own-XXXXXX");
    *state = f;
    return mkdtemp(f->dir) ? 0 : -1;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    static const char *const names[] = {"ca.pem", "ca-key.pem", "cert.pem", "key.pem"};
    clock_real();
    for (size_t i = 0; i < 4; i++)
        unlink(in(f, names[i]));
    rmdir(in(f, ""));
    rmdir(f->dir);
    buf_release(&f->why);
    buf_release(&f->text);
    free(f);
    return 0;
}

/* What is in a file now; the bytes live until the next call. */
static struct slice content(struct fixture *f, const char *name)
{
    buf_clear(&f->text);
    assert_int_equal(file_read(in(f, name), 65536, &f->text), 0);
    return buf_slice(&f->text);
}

static bool keep(struct fixture *f)
{
    bool changed = false;
    assert_int_equal(own_cert_keep(f->dir, &changed, &f->why), 0);
    return changed;
}

static bool names_host(struct fixture *f, const char *host)
{
    struct slice pem = content(f, "cert.pem");
    BIO *b = BIO_new_mem_buf(pem.p, (int)pem.n);
    X509 *x = PEM_read_bio_X509(b, NULL, NULL, NULL);
    bool found = x && X509_check_host(x, host, 0, 0, NULL) == 1;
    X509_free(x);
    BIO_free(b);
    return found;
}

static void it_is_made_once_and_anew_before_it_expires(void **state)
{
    struct fixture *f = *state;
    assert_true(keep(f));
    struct slice before = content(f, "ca.pem");
    char *ca = strndup(before.p, before.n);
    assert_false(keep(f));
    clock_set(clock_now_us() + 700 * DAY_US);
    assert_false(keep(f));
    clock_set(clock_now_us() + 100 * DAY_US);
    assert_true(keep(f));
    assert_false(keep(f));
    assert_true(slice_is(content(f, "ca.pem"), ca)); /* nobody has to trust anything anew */
    free(ca);
}

static void what_was_asked_for_stays_when_it_is_made_anew(void **state)
{
    struct fixture *f = *state;
    struct own_cert made = {0};
    const char *const names[] = {"shop.example", "203.0.113.9"};
    const struct own_cert_opts o = {.names = names, .names_n = 2};
    assert_int_equal(own_cert_make(f->dir, &o, &made, &f->why), 0);
    assert_non_null(memmem(made.names.p, made.names.n, "shop.example", 13));
    own_cert_release(&made);
    assert_int_equal(own_cert_make(f->dir, &o, &made, &f->why), ERR_EXISTS);
    assert_false(keep(f));
    clock_set(clock_now_us() + 810 * DAY_US);
    assert_true(keep(f));
    assert_true(names_host(f, "shop.example"));
    assert_true(names_host(f, "localhost"));
    assert_false(names_host(f, "other.example"));
    const struct own_cert_opts again = {.names = names, .names_n = 2, .force = true};
    assert_int_equal(own_cert_make(f->dir, &again, &made, &f->why), 0);
    assert_false(made.ca_is_new);
    own_cert_release(&made);
}

static void a_key_that_does_not_fit_is_replaced(void **state)
{
    struct fixture *f = *state;
    assert_true(keep(f));
    content(f, "ca-key.pem");
    assert_int_equal(file_write(in(f, "key.pem"), buf_slice(&f->text), 0600), 0);
    assert_true(keep(f));
    assert_int_equal(file_write(in(f, "cert.pem"), SLICE_LIT("nonsense"), 0644), 0);
    assert_true(keep(f));
    assert_false(keep(f));
}

/* Somebody keeps the authority's key elsewhere: it is not replaced behind their back. */
static void an_authority_without_its_key_is_not_replaced(void **state)
{
    struct fixture *f = *state;
    bool changed = false;
    assert_true(keep(f));
    assert_int_equal(unlink(in(f, "ca-key.pem")), 0);
    assert_false(keep(f));
    clock_set(clock_now_us() + 810 * DAY_US);
    assert_int_equal(own_cert_keep(f->dir, &changed, &f->why), ERR_IO);
    assert_non_null(memmem(f->why.p, f->why.n, "--new-ca", 8));
    assert_true(own_cert_is_there(f->dir));
}

static void names_are_checked(void **state)
{
    struct fixture *f = *state;
    struct own_cert made = {0};
    static const char *const bad[] = {"", "a b", "-x", "a,b", "a/b", "*.*.lan", "http://a", "a\n"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const struct own_cert_opts o = {.names = &bad[i], .names_n = 1};
        assert_int_equal(own_cert_make(f->dir, &o, &made, &f->why), ERR_INVALID);
    }
    const char *many[40];
    char text[40][16];
    for (size_t i = 0; i < 40; i++) {
        snprintf(text[i], sizeof text[i], "n%zu.lan", i);
        many[i] = text[i];
    }
    const struct own_cert_opts o = {.names = many, .names_n = 40};
    assert_int_equal(own_cert_make(f->dir, &o, &made, &f->why), ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_is_made_once_and_anew_before_it_expires, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_was_asked_for_stays_when_it_is_made_anew, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_key_that_does_not_fit_is_replaced, setup, teardown),
        cmocka_unit_test_setup_teardown(an_authority_without_its_key_is_not_replaced, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(names_are_checked, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

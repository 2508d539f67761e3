/* Tests of envelopes: any one of the locks opens, nothing else does, and what is wrong with a word
 * or a lock is told. */
#include "crypto/envelope.h"

#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const unsigned char key[ENVELOPE_KEY] = "what is locked: thirty-two bytes";
static const struct envelope_cost cheap = {1, 8192};

struct pair {
    char identity[ENVELOPE_WORD_MAX], recipient[ENVELOPE_WORD_MAX];
};

static struct pair pair(void)
{
    struct pair p;
    assert_int_equal(envelope_identity(p.identity, p.recipient), 0);
    return p;
}

static char *locked_for(const char *recipient, const char *passphrase)
{
    struct buf out = {0}, why = {0};
    struct json_writer w;
    json_writer_init(&w, &out, 0);
    const struct envelope_locks locks = {.recipients = &recipient,
                                         .recipients_n = recipient != NULL,
                                         .passphrase = slice_str(passphrase),
                                         .cost = cheap};
    assert_int_equal(envelope_lock(&w, key, &locks, &why), 0);
    return buf_take(&out);
}

static int opens(const char *text, const char *identities, const char *passphrase, struct buf *why)
{
    struct arena *a = arena_new();
    struct jval *locks = NULL;
    unsigned char got[ENVELOPE_KEY] = {0};
    const struct envelope_means means = {slice_str(identities), slice_str(passphrase)};
    assert_int_equal(jdoc_parse(a, slice_str(text), &locks, NULL), 0);
    int err = envelope_open(locks, &means, got, why);
    assert_int_equal(memcmp(got, key, sizeof key) == 0, err == 0);
    arena_free(a);
    return err;
}

static void any_lock_opens_and_nothing_else(void **state)
{
    (void)state;
    struct pair a = pair(), b = pair();
    struct buf why = {0};
    char *text = locked_for(a.recipient, "correct horse battery staple"), both[300];
    assert_int_equal(opens(text, a.identity, NULL, &why), 0);
    assert_int_equal(opens(text, NULL, "correct horse battery staple", &why), 0);
    snprintf(both, sizeof both, "# mine\n%s # old\n\n %s\n", b.identity, a.identity);
    assert_int_equal(opens(text, both, NULL, &why), 0);
    assert_int_equal(opens(text, b.identity, "correct horse battery staple", &why), 0);
    assert_int_equal(why.n, 0);
    assert_int_equal(opens(text, b.identity, NULL, &why), ERR_FOREIGN);
    assert_non_null(memmem(why.p, why.n, a.recipient, strlen(a.recipient)));
    assert_non_null(memmem(why.p, why.n, "its passphrase", 14));
    assert_int_equal(opens(text, NULL, "correct horse battery stable", &why), ERR_FOREIGN);
    assert_int_equal(opens(text, NULL, NULL, &why), ERR_FOREIGN);
    assert_int_equal(opens(text, a.recipient, NULL, &why), ERR_FOREIGN);
    buf_release(&why);
    free(text);
}

static void a_lock_that_was_changed_does_not_open(void **state)
{
    (void)state;
    struct pair a = pair(), b = pair();
    struct buf why = {0};
    char *texts[] = {locked_for(a.recipient, NULL),
                     locked_for(NULL, "correct horse battery staple")};
    for (size_t i = 0; i < 2; i++) {
        char *sealed = strstr(texts[i], "\"sealed\":\"") + 10;
        for (char *p = sealed; *p != '"'; p++) {
            char was = *p;
            *p = was == 'A' ? 'B' : 'A';
            assert_int_not_equal(opens(texts[i], a.identity, "correct horse battery staple", &why),
                                 0);
            *p = was;
        }
        assert_int_equal(opens(texts[i], a.identity, "correct horse battery staple", &why), 0);
    }
    /* a lock that says it is for another */
    memcpy(strstr(texts[0], a.recipient), b.recipient, strlen(b.recipient));
    assert_int_equal(opens(texts[0], a.identity, NULL, &why), ERR_FOREIGN);
    assert_int_equal(opens(texts[0], b.identity, NULL, &why), ERR_FOREIGN);
    free(texts[0]);
    free(texts[1]);
    buf_release(&why);
}

static void what_is_no_lock_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int err;
    } rows[] = {
        {"{}", ERR_MALFORMED},
        {"[]", ERR_MALFORMED},
        {"[1]", ERR_MALFORMED},
        {"[{\"type\":\"recipient\"}]", ERR_MALFORMED},
        {"[{\"type\":\"passphrase\",\"operations\":-1}]", ERR_MALFORMED},
        {"[{\"type\":\"of tomorrow\"}]", ERR_FOREIGN},
        {"[{\"type\":\"passphrase\",\"operations\":1,\"memory\":99999999999,"
         "\"salt\":\"AAAAAAAAAAAAAAAAAAAAAA\",\"sealed\":"
         "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
         "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}]",
         ERR_UNSUPPORTED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buf why = {0};
        assert_int_equal(opens(rows[i].text, NULL, "correct horse battery staple", &why),
                         rows[i].err);
        buf_release(&why);
    }
}

static int locks(const char *recipient, const char *passphrase, struct buf *why)
{
    struct buf out = {0};
    struct json_writer w;
    json_writer_init(&w, &out, 0);
    const struct envelope_locks l = {.recipients = &recipient,
                                     .recipients_n = recipient != NULL,
                                     .passphrase = slice_str(passphrase),
                                     .cost = cheap};
    int err = envelope_lock(&w, key, &l, why);
    buf_release(&out);
    return err;
}

static void what_locks_nothing_is_told(void **state)
{
    (void)state;
    struct pair a = pair();
    struct buf why = {0};
    char typo[ENVELOPE_WORD_MAX];
    assert_int_equal(locks(NULL, NULL, &why), ERR_INVALID);
    assert_int_equal(locks(NULL, "too short", &why), ERR_INVALID);
    assert_int_equal(locks("nobody", NULL, &why), ERR_INVALID);
    buf_clear(&why);
    assert_int_equal(locks(a.identity, NULL, &why), ERR_INVALID);
    assert_null(memmem(why.p, why.n, a.identity, strlen(a.identity))); /* it is a secret */
    for (size_t i = strlen("doppel-recipient-v1:"); a.recipient[i]; i++) {
        snprintf(typo, sizeof typo, "%s", a.recipient);
        typo[i] = typo[i] == 'a' ? 'b' : 'a';
        assert_int_equal(locks(typo, NULL, &why), ERR_INVALID);
    }
    assert_int_equal(envelope_check_identities(slice_str(a.identity), &why), 0);
    assert_int_equal(envelope_check_identities(slice_str(a.recipient), &why), ERR_INVALID);
    assert_int_equal(envelope_check_identities(slice_str("# nothing\n"), &why), ERR_INVALID);
    buf_release(&why);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_lock_opens_and_nothing_else),
        cmocka_unit_test(a_lock_that_was_changed_does_not_open),
        cmocka_unit_test(what_is_no_lock_is_refused),
        cmocka_unit_test(what_locks_nothing_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

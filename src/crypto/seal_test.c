/* Tests of sealing and of the ring of keys: what is sealed opens where it belongs and nowhere else,
 * keys rotate, and files that others may read are refused. */
#include "crypto/seal.h"

#include "base/clock.h"
#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define NOON 1793188800000000 /* 2026-10-28T12:00:00Z */
#define WORD "doppel-key-v1:2026-10-28T12:00:00Z:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

static char dir[] = "/tmp/doppel-seal-XXXXXX";

static struct key_ring *ring_of(int keys)
{
    struct key_ring *r = key_ring_new();
    assert_non_null(r);
    for (int i = 0; i < keys; i++)
        assert_int_equal(key_ring_make(r, NOON + i), 0);
    return r;
}

static char *sealed_by(const struct key_ring *r, const char *kind, const char *id,
                       struct slice secret)
{
    struct buf b = {0};
    assert_int_equal(seal_add(&b, r, slice_str(kind), slice_str(id), secret), 0);
    return buf_take(&b);
}

static int opens(const struct key_ring *r, const char *kind, const char *id, const char *sealed)
{
    struct buf b = {0};
    int err = seal_open(r, slice_str(kind), slice_str(id), slice_str(sealed), &b);
    secret_release(&b);
    return err;
}

static void a_secret_comes_back(void **state)
{
    (void)state;
    struct key_ring *r = ring_of(1);
    char *bytes = calloc(1, SEAL_SECRET_MAX + 1);
    static const size_t sizes[] = {0, 1, 20, 31, 32, 33, 4096, SEAL_SECRET_MAX};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct buf b = {0};
        memset(bytes, (int)i, sizes[i]);
        char *text = sealed_by(r, "person", "ada", slice_of(bytes, sizes[i]));
        assert_true(seal_is_sealed(slice_str(text)));
        assert_int_equal(seal_open(r, SLICE_LIT("person"), SLICE_LIT("ada"), slice_str(text), &b),
                         0);
        assert_true(slice_eq(buf_slice(&b), slice_of(bytes, sizes[i])));
        secret_release(&b);
        free(text);
    }
    struct buf b = {0};
    assert_int_equal(
        seal_add(&b, r, SLICE_LIT("a"), SLICE_LIT("b"), slice_of(bytes, SEAL_SECRET_MAX + 1)),
        ERR_TOO_LARGE);
    assert_int_equal(seal_add(&b, r, slice_of("a\0b", 3), SLICE_LIT("c"), SLICE_LIT("x")),
                     ERR_INVALID);
    free(bytes);
    key_ring_free(r);
}

static void lengths_and_repetition_tell_little(void **state)
{
    (void)state;
    struct key_ring *r = ring_of(1);
    char *a = sealed_by(r, "person", "ada", SLICE_LIT("short"));
    char *b = sealed_by(r, "person", "ada", SLICE_LIT("a good deal longer than that"));
    char *c = sealed_by(r, "person", "ada", SLICE_LIT("short"));
    assert_int_equal(strlen(a), strlen(b));
    assert_string_not_equal(a, c);
    free(a);
    free(b);
    free(c);
    key_ring_free(r);
}

static void it_opens_nowhere_else(void **state)
{
    (void)state;
    struct key_ring *r = ring_of(1), *other = ring_of(1);
    char *text = sealed_by(r, "person", "ada", SLICE_LIT("seed"));
    assert_int_equal(opens(r, "person", "ada", text), 0);
    assert_int_equal(opens(r, "person", "bob", text), ERR_CORRUPT);
    assert_int_equal(opens(r, "connector", "ada", text), ERR_CORRUPT);
    assert_int_equal(opens(r, "perso", "nada", text), ERR_CORRUPT);
    assert_int_equal(opens(other, "person", "ada", text), ERR_NOT_FOUND);
    free(text);
    key_ring_free(r);
    key_ring_free(other);
}

static void whatever_is_changed_is_noticed(void **state)
{
    (void)state;
    struct key_ring *r = ring_of(2);
    char *text = sealed_by(r, "person", "ada", SLICE_LIT("seed"));
    size_t n = strlen(text);
    for (size_t i = 0; i < n; i++) {
        for (int bit = 0; bit < 8; bit++) {
            text[i] ^= (char)(1 << bit);
            if (text[i])
                assert_int_not_equal(opens(r, "person", "ada", text), 0);
            text[i] ^= (char)(1 << bit);
        }
    }
    for (size_t cut = 1; cut <= n; cut++) {
        struct buf b = {0};
        assert_int_not_equal(
            seal_open(r, SLICE_LIT("person"), SLICE_LIT("ada"), slice_of(text, n - cut), &b), 0);
        assert_null(b.p);
    }
    free(text);
    key_ring_free(r);
}

static void keys_rotate(void **state)
{
    (void)state;
    struct key_ring *r = ring_of(1);
    struct key_about first, second;
    char *old = sealed_by(r, "person", "ada", SLICE_LIT("seed"));
    assert_false(seal_needs_renewal(r, slice_str(old)));
    assert_int_equal(key_ring_make(r, NOON), 0);
    assert_true(key_ring_at(r, 0, &first) && key_ring_at(r, 1, &second));
    assert_string_not_equal(first.id, second.id);
    assert_int_equal(opens(r, "person", "ada", old), 0);
    assert_true(seal_needs_renewal(r, slice_str(old)));
    assert_true(slice_is(seal_key_of(slice_str(old)), first.id));
    char *fresh = sealed_by(r, "person", "ada", SLICE_LIT("seed"));
    assert_true(slice_is(seal_key_of(slice_str(fresh)), second.id));
    assert_true(key_ring_remove(r, first.id));
    assert_false(key_ring_remove(r, first.id));
    assert_int_equal(opens(r, "person", "ada", old), ERR_NOT_FOUND);
    assert_false(seal_needs_renewal(r, slice_str(old))); /* it cannot be */
    assert_int_equal(opens(r, "person", "ada", fresh), 0);
    assert_int_equal(key_ring_count(r), 1);
    free(old);
    free(fresh);
    key_ring_free(r);
}

static void a_ring_without_a_key_seals_nothing(void **state)
{
    (void)state;
    struct key_ring *r = ring_of(0);
    struct buf b = {0};
    assert_int_equal(seal_add(&b, r, SLICE_LIT("a"), SLICE_LIT("b"), SLICE_LIT("c")),
                     ERR_NOT_FOUND);
    assert_int_equal(b.n, 0);
    key_ring_free(r);
    key_ring_free(NULL);
}

static void keys_are_words(void **state)
{
    (void)state;
    struct key_ring *r = ring_of(3), *again = ring_of(0);
    struct buf text = {0}, why = {0};
    struct key_about a, b;
    key_ring_write(r, &text);
    assert_int_equal(key_ring_read(again, buf_slice(&text), &why), 0);
    assert_int_equal(key_ring_count(again), 3);
    for (size_t i = 0; i < 3; i++) {
        assert_true(key_ring_at(r, i, &a) && key_ring_at(again, i, &b));
        assert_string_equal(a.id, b.id);
        assert_int_equal(b.made_us, NOON);
    }
    /* one that comes again is the newest then */
    key_ring_at(r, 0, &a);
    text.n = text.n / 3;
    assert_int_equal(key_ring_read(again, buf_slice(&text), &why), 0);
    assert_int_equal(key_ring_count(again), 3);
    assert_true(key_ring_at(again, 2, &b));
    assert_string_equal(a.id, b.id);
    secret_release(&text);
    key_ring_free(r);
    key_ring_free(again);
}

static void what_is_no_key_is_refused_with_its_line(void **state)
{
    (void)state;
    static const char *const good[] = {"", "\n\n# nothing\n", WORD, "  " WORD " # why\n",
                                       WORD "," WORD ";\t" WORD "\r\n"};
    static const char *const bad[] = {
        "hello",
        WORD "A",
        "doppel-key-v1:2026-10-28T12:00:00Z:AAAA",
        "doppel-key-v1:yesterday:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "doppel-key-v1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "doppel-key-v2:2026-10-28T12:00:00Z:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "doppel-key-v1:2026-10-28T12:00:00Z:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        "doppel-key-v1:2026-10-28T12:00:00Z:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB",
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct key_ring *r = ring_of(0);
        struct buf why = {0};
        assert_int_equal(key_ring_read(r, slice_str(good[i]), &why), 0);
        assert_int_equal(key_ring_count(r), i > 1);
        key_ring_free(r);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct key_ring *r = ring_of(0);
        struct buf why = {0};
        char text[256];
        snprintf(text, sizeof text, "\n%s\n", bad[i]);
        assert_int_equal(key_ring_read(r, slice_str(text), &why), ERR_MALFORMED);
        assert_true(slice_starts(buf_slice(&why), "line 2 has something that is no key"));
        buf_release(&why);
        key_ring_free(r);
    }
}

static void there_is_an_end_to_keys(void **state)
{
    (void)state;
    struct key_ring *r = ring_of(KEY_RING_MAX);
    struct buf text = {0}, why = {0};
    struct key_about a;
    assert_int_equal(key_ring_make(r, NOON), ERR_TOO_LARGE);
    assert_int_equal(key_ring_read(r, SLICE_LIT(WORD), &why), ERR_TOO_LARGE);
    assert_int_equal(key_ring_count(r), KEY_RING_MAX);
    assert_true(key_ring_at(r, KEY_RING_MAX - 1, &a));
    assert_false(key_ring_at(r, KEY_RING_MAX, &a));
    buf_release(&why);
    buf_release(&text);
    key_ring_free(r);
}

static void files_are_their_owners_alone(void **state)
{
    (void)state;
    struct key_ring *r = ring_of(2), *again = ring_of(0);
    struct buf why = {0};
    struct stat st;
    char path[80], nowhere[80];
    snprintf(path, sizeof path, "%s/secret.key", dir);
    snprintf(nowhere, sizeof nowhere, "%s/none/secret.key", dir);
    assert_int_equal(key_ring_load(again, path, &why), ERR_NOT_FOUND);
    assert_int_equal(key_ring_save(r, path, &why), 0);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(key_ring_load(again, path, &why), 0);
    assert_int_equal(key_ring_count(again), 2);
    assert_int_equal(why.n, 0);
    assert_int_equal(key_ring_save(r, nowhere, &why), ERR_IO);
    buf_clear(&why);

    static const mode_t open_modes[] = {0640, 0604, 0660, 0602};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(chmod(path, open_modes[i]), 0);
        assert_int_equal(key_ring_load(again, path, &why), ERR_FOREIGN);
        assert_true(memmem(why.p, why.n, "chmod 600", 9));
        buf_clear(&why);
    }
    assert_int_equal(chmod(path, 0440), 0);
    assert_int_equal(setenv("CREDENTIALS_DIRECTORY", dir, 1), 0);
    assert_int_equal(key_ring_load(again, path, &why), 0);
    unsetenv("CREDENTIALS_DIRECTORY");
    assert_int_equal(key_ring_load(again, dir, &why), ERR_IO);
    buf_release(&why);
    unlink(path);
    key_ring_free(r);
    key_ring_free(again);
}

int main(void)
{
    if (!mkdtemp(dir))
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_secret_comes_back),
        cmocka_unit_test(lengths_and_repetition_tell_little),
        cmocka_unit_test(it_opens_nowhere_else),
        cmocka_unit_test(whatever_is_changed_is_noticed),
        cmocka_unit_test(keys_rotate),
        cmocka_unit_test(a_ring_without_a_key_seals_nothing),
        cmocka_unit_test(keys_are_words),
        cmocka_unit_test(what_is_no_key_is_refused_with_its_line),
        cmocka_unit_test(there_is_an_end_to_keys),
        cmocka_unit_test(files_are_their_owners_alone),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    rmdir(dir);
    return failed;
}

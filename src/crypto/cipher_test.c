/* Tests of encrypted streams: what went in comes out, and whatever was changed, cut, moved or
 * exchanged does not. */
#include "crypto/cipher.h"

#include "base/buf.h"
#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static const unsigned char key[CIPHER_KEY] = "a key of thirty-two bytes, as is";
static const unsigned char other_key[CIPHER_KEY] = "another key of thirty-two bytes.";

static int keep(void *arg, const void *p, size_t n)
{
    buf_add(arg, p, n);
    return 0;
}

static int refuse(void *arg, const void *p, size_t n)
{
    (void)arg, (void)p, (void)n;
    return ERR_STORAGE;
}

static struct slice text_of(size_t n)
{
    static char *text;
    enum { MOST = 4 * CIPHER_CHUNK };
    if (!text && (text = malloc(MOST)))
        for (size_t i = 0; i < MOST; i++)
            text[i] = (char)(i * 31 + i / 251);
    assert_true(text && n <= MOST);
    return slice_of(text, n);
}

static int pass(struct cipher *s, struct slice bytes, size_t step)
{
    int err = 0;
    assert_non_null(s);
    while (bytes.n && !err) {
        size_t n = bytes.n < step ? bytes.n : step;
        err = cipher_feed(s, bytes.p, n);
        bytes = slice_skip(bytes, n);
    }
    if (!err)
        err = cipher_end(s);
    cipher_free(s);
    return err;
}

static struct buf sealed_as(const char *name, struct slice text, size_t step)
{
    struct buf out = {0};
    assert_int_equal(pass(cipher_writer_new(key, slice_str(name), keep, &out), text, step), 0);
    assert_int_equal(out.n, cipher_sealed_bytes(text.n));
    return out;
}

static int opens(const unsigned char *with, const char *name, struct slice bytes)
{
    struct buf out = {0};
    int err = pass(cipher_reader_new(with, slice_str(name), keep, &out), bytes, 100000);
    buf_release(&out);
    return err;
}

static void what_goes_in_comes_out(void **state)
{
    (void)state;
    static const size_t sizes[] = {0,
                                   1,
                                   CIPHER_CHUNK - 1,
                                   CIPHER_CHUNK,
                                   CIPHER_CHUNK + 1,
                                   2 * CIPHER_CHUNK,
                                   3 * CIPHER_CHUNK + 77};
    static const size_t steps[] = {1000, CIPHER_CHUNK, 4 * CIPHER_CHUNK + 100, 17};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        for (size_t k = 0; k < sizeof steps / sizeof steps[0]; k++) {
            struct slice text = text_of(sizes[i]);
            struct buf bytes = sealed_as("a", text, steps[k]), out = {0};
            struct cipher *r = cipher_reader_new(key, SLICE_LIT("a"), keep, &out);
            assert_int_equal(pass(r, buf_slice(&bytes), steps[3 - k]), 0);
            assert_true(slice_eq(buf_slice(&out), text));
            buf_release(&bytes);
            buf_release(&out);
        }
}

static void only_with_its_key_and_name(void **state)
{
    (void)state;
    struct buf bytes = sealed_as("journal/1", text_of(1000), 1000);
    assert_int_equal(opens(key, "journal/1", buf_slice(&bytes)), 0);
    assert_int_equal(opens(other_key, "journal/1", buf_slice(&bytes)), ERR_CORRUPT);
    assert_int_equal(opens(key, "journal/2", buf_slice(&bytes)), ERR_CORRUPT);
    assert_int_equal(opens(key, "", buf_slice(&bytes)), ERR_CORRUPT);
    buf_release(&bytes);
}

static void every_change_is_noticed(void **state)
{
    (void)state;
    struct buf bytes = sealed_as("a", text_of(CIPHER_CHUNK + 20), 5000);
    for (size_t at = 0; at < bytes.n; at += at < 100 || at > bytes.n - 100 ? 1 : 997) {
        bytes.p[at] ^= 4;
        assert_int_equal(opens(key, "a", buf_slice(&bytes)), ERR_CORRUPT);
        bytes.p[at] ^= 4;
    }
    assert_int_equal(opens(key, "a", buf_slice(&bytes)), 0);
    buf_release(&bytes);
}

static void every_cut_is_noticed(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 20, CIPHER_CHUNK, 2 * CIPHER_CHUNK};
    for (size_t i = 0; i < 4; i++) {
        struct buf bytes = sealed_as("a", text_of(sizes[i]), 5000);
        for (size_t n = 0; n < bytes.n;
             n += n < 100 || bytes.n - n < 100 || n % CIPHER_CHUNK < 100 ? 1 : 97)
            assert_int_equal(opens(key, "a", slice_of(bytes.p, n)), ERR_CORRUPT);
        buf_add_byte(&bytes, 0);
        assert_int_equal(opens(key, "a", buf_slice(&bytes)), ERR_CORRUPT); /* and what is added */
        buf_release(&bytes);
    }
}

static void chunks_stay_in_their_place(void **state)
{
    (void)state;
    enum { WHOLE = CIPHER_CHUNK + CIPHER_CHUNK_MORE };
    struct buf a = sealed_as("a", text_of(3 * CIPHER_CHUNK), 5000), mixed = {0};
    struct buf b = sealed_as("a", text_of(3 * CIPHER_CHUNK), 5000);
    static const int orders[][4] = {{1, 0, 2, -1}, {0, 0, 1, 2}, {0, 2, -1, -1}, {0, 1, 1, 2}};
    for (size_t i = 0; i < 4; i++) {
        buf_clear(&mixed);
        buf_add(&mixed, a.p, CIPHER_HEAD);
        for (size_t k = 0; k < 4 && orders[i][k] >= 0; k++)
            buf_add(&mixed, a.p + CIPHER_HEAD + orders[i][k] * WHOLE, WHOLE);
        assert_int_equal(opens(key, "a", buf_slice(&mixed)), ERR_CORRUPT);
    }
    memcpy(b.p + CIPHER_HEAD + WHOLE, a.p + CIPHER_HEAD + WHOLE, WHOLE); /* of another stream */
    assert_int_equal(opens(key, "a", buf_slice(&b)), ERR_CORRUPT);
    buf_release(&a);
    buf_release(&b);
    buf_release(&mixed);
}

static void a_sink_that_fails_ends_it(void **state)
{
    (void)state;
    struct buf bytes = sealed_as("a", text_of(2 * CIPHER_CHUNK), 5000);
    struct cipher *w = cipher_writer_new(key, SLICE_LIT("a"), refuse, NULL);
    assert_int_equal(pass(w, text_of(2 * CIPHER_CHUNK), 1000), ERR_STORAGE);
    struct cipher *r = cipher_reader_new(key, SLICE_LIT("a"), refuse, NULL);
    assert_int_equal(pass(r, buf_slice(&bytes), 1000), ERR_STORAGE);
    assert_null(cipher_writer_new(key, text_of(1025), keep, &bytes)); /* too long a name */
    cipher_free(NULL);
    buf_release(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_goes_in_comes_out),     cmocka_unit_test(only_with_its_key_and_name),
        cmocka_unit_test(every_change_is_noticed),    cmocka_unit_test(every_cut_is_noticed),
        cmocka_unit_test(chunks_stay_in_their_place), cmocka_unit_test(a_sink_that_fails_ends_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "crypto/token.h"

#include "base/err.h"
#include "crypto/encode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

/* The secret of all zeroes, so that the checksum can be compared with that of another program:
 * python3 -c "import zlib; print(zlib.crc32(b'dop_pat_' + b'0' * 43))" is 2590077291, which
 * in base 62 is 2pHhQB. */
#define FIXED "dop_pat_0000000000000000000000000000000000000000000"

static void each_kind_is_read_back(void **state)
{
    (void)state;
    for (enum token_kind kind = 0; kind < TOKEN_KINDS; kind++) {
        char text[TOKEN_CHARACTERS_MAX + 1], again[TOKEN_CHARACTERS_MAX + 1];
        struct token made, read, other;
        token_make(kind, text, &made);
        token_make(kind, again, &other);
        assert_string_not_equal(text, again);
        assert_true(slice_starts(slice_str(text), token_prefix(kind)));
        assert_int_equal(strlen(text), strlen(token_prefix(kind)) + 49);
        assert_int_equal(token_read(slice_str(text), &read), 0);
        assert_int_equal(read.kind, kind);
        assert_memory_equal(read.hash, made.hash, SHA256_BYTES);
        assert_string_equal(read.id, made.id);
        assert_int_equal(strlen(read.id), TOKEN_ID_CHARACTERS);
    }
}

static void the_checksum_is_that_of_zlib(void **state)
{
    (void)state;
    struct token t;
    unsigned char hash[SHA256_BYTES];
    struct buf hex = {0};
    assert_int_equal(token_read(SLICE_LIT(FIXED "2pHhQB"), &t), 0);
    digest_sha256(SLICE_LIT(FIXED "2pHhQB"), hash);
    assert_memory_equal(t.hash, hash, sizeof hash);
    encode_add(&hex, ENCODE_HEX, slice_of((char *)hash, TOKEN_ID_CHARACTERS / 2));
    assert_true(slice_is(buf_slice(&hex), t.id));
    buf_release(&hex);
}

/* A token that one character was changed, lost or doubled in. */
static void one_wrong_character_is_seen(void **state)
{
    (void)state;
    char text[TOKEN_CHARACTERS_MAX + 1], wrong[TOKEN_CHARACTERS_MAX + 2];
    struct token t;
    token_make(TOKEN_DEVICE, text, &t);
    size_t n = strlen(text);
    for (size_t i = 0; i < n; i++)
        for (int c = 0; c < 256; c++) {
            memcpy(wrong, text, n);
            wrong[i] = (char)c;
            if (wrong[i] != text[i])
                assert_int_equal(token_read(slice_of(wrong, n), &t), ERR_MALFORMED);
        }
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(token_read(slice_of(text, i), &t), ERR_MALFORMED);
        snprintf(wrong, sizeof wrong, "%.*s%s", (int)i + 1, text, text + i);
        assert_int_equal(token_read(slice_str(wrong), &t), ERR_MALFORMED);
    }
    assert_int_equal(token_read((struct slice){0}, &t), ERR_MALFORMED);
    /* another kind's prefix */
    memcpy(wrong, text, n + 1);
    memcpy(wrong, token_prefix(TOKEN_PERSON), strlen(token_prefix(TOKEN_PERSON)));
    assert_int_equal(token_read(slice_str(wrong), &t), ERR_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_is_read_back),
        cmocka_unit_test(the_checksum_is_that_of_zlib),
        cmocka_unit_test(one_wrong_character_is_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

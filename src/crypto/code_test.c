#include "crypto/code.h"

#include "base/err.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static void codes_are_groups_of_base32(void **state)
{
    (void)state;
    char text[CODE_CHARACTERS_MAX + 1];
    unsigned char made[SHA256_BYTES], read[SHA256_BYTES];
    for (unsigned groups = 1; groups <= CODE_GROUPS_MAX; groups++) {
        code_make(groups, text, made);
        assert_int_equal(strlen(text), groups * 5 - 1);
        for (size_t i = 0; text[i]; i++)
            assert_non_null(strchr(i % 5 == 4 ? "-" : "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", text[i]));
        assert_int_equal(code_read(slice_str(text), groups, read), 0);
        assert_memory_equal(made, read, SHA256_BYTES);
    }
}

static void they_may_be_typed_as_people_type(void **state)
{
    (void)state;
    static const char *const same[] = {"OIB2-cdef-GHJK", "oib2cdefghjk", " 018 2CD EFG HJK ",
                                       "OI82--CDEF GHJK", "0IB2-CDEF-GHJK"};
    unsigned char first[SHA256_BYTES], hash[SHA256_BYTES];
    assert_int_equal(code_read(SLICE_LIT("OIB2-CDEF-GHJK"), 3, first), 0);
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
        assert_int_equal(code_read(slice_str(same[i]), 3, hash), 0);
        assert_memory_equal(hash, first, SHA256_BYTES);
    }
    static const char *const bad[] = {"",
                                      "OIB2-CDEF-GHJ",
                                      "OIB2-CDEF-GHJKL",
                                      "OIB9-CDEF-GHJK",
                                      "OIB2_CDEF_GHJK",
                                      "OIB2-CDEF-GHJ\xc3",
                                      "- - - - - - - - - - - - - - - - - - - - - - - - - - -"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(code_read(slice_str(bad[i]), 3, hash), ERR_MALFORMED);
    assert_int_equal(code_read(slice_of("OIB2\0CDEFGHJ", 12), 3, hash), ERR_MALFORMED);
}

static void each_is_found_among_the_others(void **state)
{
    (void)state;
    char text[RECOVERY_CODES][CODE_CHARACTERS_MAX + 1], other[CODE_CHARACTERS_MAX + 1];
    unsigned char hashes[RECOVERY_CODES][SHA256_BYTES], hash[SHA256_BYTES];
    for (int i = 0; i < RECOVERY_CODES; i++)
        code_make(RECOVERY_GROUPS, text[i], hashes[i]);
    for (int i = 0; i < RECOVERY_CODES; i++) {
        assert_int_equal(code_read(slice_str(text[i]), RECOVERY_GROUPS, hash), 0);
        assert_int_equal(code_find(hash, hashes, RECOVERY_CODES), i);
    }
    assert_int_equal(code_find(hash, hashes, RECOVERY_CODES - 1), -1); /* the last was used up */
    code_make(RECOVERY_GROUPS, other, hash);
    assert_int_equal(code_find(hash, hashes, RECOVERY_CODES), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes_are_groups_of_base32),
        cmocka_unit_test(they_may_be_typed_as_people_type),
        cmocka_unit_test(each_is_found_among_the_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

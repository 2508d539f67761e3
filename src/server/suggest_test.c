/* Tests of "did you mean". */
#include "server/suggest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const char *nearest(const char *wanted)
{
    static const char *const names[] = {"serve", "send", "status", "history", "twin ls", "http"};
    struct suggestion s;
    suggest_begin(&s, wanted);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        suggest_offer(&s, names[i]);
    return s.best;
}

static void slips_are_understood(void **state)
{
    (void)state;
    assert_string_equal(nearest("sevre"), "serve");
    assert_string_equal(nearest("sned"), "send");
    assert_string_equal(nearest("hist"), "history");
    assert_string_equal(nearest("histroy"), "history");
    assert_string_equal(nearest("twin lst"), "twin ls");
    assert_string_equal(nearest("htp"), "http");
}

static void what_is_far_is_not_guessed(void **state)
{
    (void)state;
    assert_null(nearest("banana"));
    assert_null(nearest("x"));
    assert_null(nearest(""));
}

static void distances_are_those_of_the_definition(void **state)
{
    (void)state;
    assert_int_equal(suggest_distance("", ""), 0);
    assert_int_equal(suggest_distance("", "abc"), 3);
    assert_int_equal(suggest_distance("kitten", "sitting"), 3);
    assert_int_equal(suggest_distance("ab", "ba"), 1);
    assert_int_equal(suggest_distance("ca", "abc"), 3);
    assert_true(
        suggest_distance("0123456789012345678901234567890123456789012345678901234567890123456",
                         "a") == SIZE_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slips_are_understood),
        cmocka_unit_test(what_is_far_is_not_guessed),
        cmocka_unit_test(distances_are_those_of_the_definition),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

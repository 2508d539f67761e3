/* Tests of ids that are made of words. */
#include "core/made_id.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static struct slice made(struct arena *a, const char *word, enum made_id_colons how)
{
    struct made_id id = {0};
    made_id_part(&id, slice_str(word), how);
    struct slice s = made_id_end(&id, a);
    assert_true(slice_is_id(s));
    return s;
}

/* Does it end in the digits of a checksum, behind this? */
static bool is_marked(struct slice s, const char *before)
{
    size_t n = strlen(before);
    return s.n == n + 9 && slice_starts(s, before) && s.p[n] == ':';
}

static void words_that_fit_stay(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    char longest[MADE_ID_MAX + 1] = {0};
    memset(longest, 'x', MADE_ID_MAX);
    assert_true(slice_is(made(a, "Web-1.a_b", MADE_ID_PART), "Web-1.a_b"));
    assert_true(slice_is(made(a, "a:b", MADE_ID_WHOLE), "a:b"));
    assert_true(slice_is(made(a, "Inputs/Temp", MADE_ID_FOLDERS), "Inputs:Temp"));
    assert_true(slice_is(made(a, "...", MADE_ID_PART), "..."));
    assert_true(slice_is(made(a, longest, MADE_ID_PART), longest));
    arena_free(a);
}

static void what_is_lost_is_marked(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    char longer[MADE_ID_MAX + 2] = {0};
    memset(longer, 'x', MADE_ID_MAX + 1);
    assert_true(is_marked(made(a, "a b", MADE_ID_PART), "a_b"));
    assert_true(is_marked(made(a, "a:b", MADE_ID_PART), "a:b"));
    assert_true(is_marked(made(a, "a:b", MADE_ID_FOLDERS), "a:b"));
    assert_true(is_marked(made(a, "a/b", MADE_ID_WHOLE), "a_b"));
    assert_true(is_marked(made(a, "", MADE_ID_PART), "_"));
    assert_int_equal(made(a, longer, MADE_ID_PART).n, MADE_ID_MAX);
    assert_false(slice_eq(made(a, "a b", MADE_ID_PART), made(a, "a/b", MADE_ID_PART)));
    arena_free(a);
}

/* twins/.. is another address for whoever resolves it */
static void dots_are_no_id_of_their_own(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    assert_true(is_marked(made(a, ".", MADE_ID_WHOLE), "."));
    assert_true(is_marked(made(a, "..", MADE_ID_WHOLE), ".."));
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_that_fit_stay),
        cmocka_unit_test(what_is_lost_is_marked),
        cmocka_unit_test(dots_are_no_id_of_their_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

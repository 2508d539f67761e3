/* Tests of relations: what of a profile becomes edges and types, there and back. */
#include "twin/relations.h"

#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static struct jval *parse(struct arena *a, const char *text)
{
    struct jval *root = NULL;
    assert_int_equal(jdoc_parse(a, slice_str(text), &root, NULL), 0);
    return root;
}

static const char profile[] =
    "{\"doppel:twinType\": [\"Pump\", \"no type\", \"Asset\"], \"doppel:relationships\": ["
    "{\"kind\": \"feeds\", \"target\": \"b\"},"
    "{\"kind\": \"feeds\", \"target\": \"b\"}," /* the second of its name */
    "{\"id\": \"spare\", \"kind\": \"feeds\", \"target\": \"b\", \"properties\": {\"n\": 1.50}},"
    "{\"kind\": \"feeds\"}, 7, {\"kind\": \"feeds\", \"target\": \"a b\"},"
    "{\"id\": 1, \"kind\": \"feeds\", \"target\": \"c\"},"
    "{\"kind\": \"k\", \"target\": \"c\", \"properties\": []},"
    "{\"id\": \"x:y\", \"kind\": \"k\", \"target\": \"z\"},"
    "{\"kind\": \"x\", \"target\": \"y\"}," /* taken by the one before */
    "{\"kind\": \"contains\", \"target\": \"b\", \"properties\": {}}]}";

static void what_is_usable_is_read(void **state)
{
    (void)state;
    static const char *const wanted[][3] = {{"feeds:b", "b", ""},
                                            {"spare", "b", "{\"n\":1.50}"},
                                            {"x:y", "z", ""},
                                            {"contains:b", "b", ""}};
    struct arena *a = arena_new();
    struct slice packed;
    struct relation r;
    size_t n = 0;
    const struct jval *root = parse(a, profile);
    assert_int_equal(relations_read(a, root, &packed), 0);
    assert_true(relations_sound(packed));
    for (; relations_next(&packed, &r); n++) {
        assert_true(n < 4);
        assert_true(slice_is(relation_id(a, &r), wanted[n][0]));
        assert_true(slice_is(r.target, wanted[n][1]) && slice_is(r.properties, wanted[n][2]));
        assert_int_equal(r.properties.p[r.properties.n], 0);
        assert_non_null(relation_find(root, slice_str(wanted[n][0])));
    }
    assert_int_equal(n, 4);
    assert_int_equal(packed.n, 0);
    assert_null(relation_find(root, SLICE_LIT("feeds:c")));
    arena_free(a);
}

static void types_are_read(void **state)
{
    (void)state;
    static const char *const texts[] = {"{\"doppel:twinType\": \"Pump\"}", profile, "{}"};
    static const size_t counts[] = {1, 2, 0};
    struct arena *a = arena_new();
    for (size_t i = 0; i < 3; i++) {
        struct slice packed, type;
        size_t n = 0;
        assert_int_equal(twin_types_read(a, parse(a, texts[i]), &packed), 0);
        while (twin_types_next(&packed, &type))
            assert_true(slice_is(type, n++ ? "Asset" : "Pump"));
        assert_int_equal(n, counts[i]);
    }
    arena_free(a);
}

static void too_many_are_cut(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct buf b = {0};
    struct slice packed;
    buf_add_str(&b, "{\"doppel:relationships\":[");
    for (int i = 0; i <= RELATIONS_MAX; i++)
        buf_addf(&b, "%s{\"kind\":\"k\",\"target\":\"t%d\"}", i ? "," : "", i);
    buf_add(&b, "]}", 3);
    struct relation r;
    size_t n = 0;
    assert_int_equal(relations_read(a, parse(a, b.p), &packed), 0);
    while (relations_next(&packed, &r))
        n++;
    assert_int_equal(n, RELATIONS_MAX);
    buf_release(&b);
    arena_free(a);
}

static void what_is_damaged_is_told(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct slice packed;
    struct relation r;
    assert_int_equal(relations_read(a, parse(a, profile), &packed), 0);
    for (size_t n = 1; n < packed.n; n++) {
        struct slice cut = slice_of(packed.p, n);
        size_t whole = 0;
        while (relations_next(&cut, &r))
            whole++;
        assert_true(whole < 4);
        assert_true(relations_sound(slice_of(packed.p, n)) == (cut.n == 0));
    }
    assert_false(relations_sound(SLICE_LIT("\0\0\0\0\0\0\0\0"))); /* names nothing */
    assert_false(relations_sound(SLICE_LIT("\xff\xff\xff\xff\xff\xff")));
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_usable_is_read),
        cmocka_unit_test(types_are_read),
        cmocka_unit_test(too_many_are_cut),
        cmocka_unit_test(what_is_damaged_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

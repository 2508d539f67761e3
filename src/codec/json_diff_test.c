#include "codec/json_diff.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static struct jval *parse(struct arena *a, const char *json)
{
    struct jval *v = NULL;
    if (json)
        assert_int_equal(jdoc_parse(a, slice_str(json), &v, NULL), 0);
    return v;
}

static void test_differences(void **state)
{
    static const struct {
        const char *before, *after, *changes;
    } cases[] = {
        {"1", "1.0", "[]"},
        {"{\"a\":1,\"b\":[1,2]}", "{\"b\":[1,2],\"a\":1}", "[]"},
        {NULL, NULL, "[]"},
        {NULL, "{}", "[{\"pointer\":\"\",\"after\":{}}]"},
        {"{\"a\":1}", "{\"a\":\"1\"}", "[{\"pointer\":\"/a\",\"before\":1,\"after\":\"1\"}]"},
        {"{\"a/b\":{\"~\":1}}", "{\"a/b\":{}}", "[{\"pointer\":\"/a~1b/~0\",\"before\":1}]"},
        {"[1,2,3]", "[1,5]",
         "[{\"pointer\":\"/1\",\"before\":2,\"after\":5},{\"pointer\":\"/2\",\"before\":3}]"},
        /* by their names, not by their places */
        {"[{\"id\":\"a\",\"v\":1},{\"id\":\"b\",\"v\":2}]",
         "[{\"id\":\"b\",\"v\":2},{\"id\":\"a\",\"v\":3},{\"id\":\"c\"}]",
         "[{\"pointer\":\"/1/v\",\"before\":1,\"after\":3},"
         "{\"pointer\":\"/2\",\"after\":{\"id\":\"c\"}}]"},
        {"[{\"id\":\"a\"},{\"id\":\"b\"}]", "[{\"id\":\"b\"}]",
         "[{\"pointer\":\"/0\",\"before\":{\"id\":\"a\"}}]"},
        /* two of a name: by place */
        {"[{\"id\":\"a\",\"v\":1},{\"id\":\"a\",\"v\":2}]",
         "[{\"id\":\"a\",\"v\":1},{\"id\":\"a\",\"v\":3}]",
         "[{\"pointer\":\"/1/v\",\"before\":2,\"after\":3}]"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct arena *a = arena_new();
        struct buf b = {0};
        struct json_writer w;
        json_writer_init(&w, &b, 0);
        size_t n = json_diff(&w, parse(a, cases[i].before), parse(a, cases[i].after));
        buf_add_byte(&b, 0);
        assert_string_equal(b.p, cases[i].changes);
        assert_int_equal(n == 0, strcmp(cases[i].changes, "[]") == 0);
        buf_release(&b);
        arena_free(a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_differences)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

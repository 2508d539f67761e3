#include "codec/json_schema.h"

#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static struct arena *arena;

static int set_up(void **state)
{
    (void)state;
    arena = arena_new();
    return arena ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

static struct jval *parse(const char *json)
{
    struct jval *v;
    assert_int_equal(jdoc_parse(arena, slice_str(json), &v, NULL), 0);
    return v;
}

static void test_values(void **state)
{
    static const struct {
        const char *schema, *value;
        const char *pointer, *message; /* NULL: it is good */
    } cases[] = {
        {"{}", "1", NULL, NULL},
        {"true", "1", NULL, NULL},
        {"false", "1", "", "nothing"},
        {"{\"type\":\"integer\"}", "1.0", NULL, NULL},
        {"{\"type\":\"integer\"}", "1.5", "", "type integer"},
        {"{\"type\":[\"null\",\"string\"]}", "null", NULL, NULL},
        {"{\"type\":[\"null\",\"string\"]}", "[]", "", "none of the types"},
        {"{\"enum\":[1,\"a\"]}", "1.00", NULL, NULL},
        {"{\"enum\":[1,\"a\"]}", "true", "", "one of the values"},
        {"{\"const\":{\"a\":1}}", "{\"a\":2}", "", "one value"},
        {"{\"minimum\":0,\"maximum\":10}", "10", NULL, NULL},
        {"{\"minimum\":0}", "-1", "", "at least 0"},
        {"{\"maximum\":10}", "10.1", "", "at most 10"},
        {"{\"exclusiveMinimum\":0}", "0", "", "more than 0"},
        {"{\"exclusiveMaximum\":1}", "1", "", "less than 1"},
        {"{\"minimum\":5}", "\"1\"", NULL, NULL},
        {"{\"multipleOf\":0.1}", "0.3", NULL, NULL},
        {"{\"multipleOf\":2}", "3", "", "multiple of 2"},
        {"{\"minLength\":2,\"maxLength\":2}", "\"\xc3\xa4\xc3\xb6\"", NULL, NULL},
        {"{\"maxLength\":1}", "\"ab\"", "", "at most 1 char"},
        {"{\"minLength\":1}", "\"\"", "", "at least 1 char"},
        {"{\"items\":{\"type\":\"number\"}}", "[1,\"a\"]", "/1", "type number"},
        {"{\"prefixItems\":[{\"type\":\"string\"}],\"items\":false}", "[\"a\"]", NULL, NULL},
        {"{\"prefixItems\":[{\"type\":\"string\"}],\"items\":false}", "[\"a\",1]", "/1", "nothing"},
        {"{\"minItems\":1}", "[]", "", "at least 1 item"},
        {"{\"maxItems\":1}", "[1,2]", "", "at most 1 item"},
        {"{\"uniqueItems\":true}", "[{\"a\":1},{\"a\":1.0}]", "/1", "twice"},
        {"{\"uniqueItems\":false}", "[1,1]", NULL, NULL},
        {"{\"properties\":{\"a~/b\":{\"type\":\"string\"}}}", "{\"a~/b\":1}", "/a~0~1b", "string"},
        {"{\"properties\":{\"a\":true},\"additionalProperties\":false}", "{\"a\":1,\"b\":2}", "/b",
         "take it out"},
        {"{\"additionalProperties\":{\"type\":\"null\"}}", "{\"b\":2}", "/b", "type null"},
        {"{\"required\":[\"a\"]}", "{}", "", "a member a"},
        {"{\"required\":[\"a\"]}", "3", NULL, NULL},
        {"{\"minProperties\":1}", "{}", "", "at least 1 member"},
        {"{\"maxProperties\":0}", "{\"a\":1}", "", "at most 0 member"},
        {"{\"allOf\":[{\"minimum\":1},{\"maximum\":3}]}", "4", "", "at most 3"},
        {"{\"anyOf\":[{\"type\":\"null\"},{\"minimum\":3}]}", "4", NULL, NULL},
        {"{\"anyOf\":[{\"type\":\"null\"},{\"minimum\":3}]}", "2", "", "anyOf"},
        {"{\"oneOf\":[{\"minimum\":1},{\"minimum\":3}]}", "2", NULL, NULL},
        {"{\"oneOf\":[{\"minimum\":1},{\"minimum\":3}]}", "4", "", "more than one"},
        {"{\"not\":{\"type\":\"null\"}}", "null", "", "must not"},
        {"{\"not\":{\"not\":{\"type\":\"null\"}}}", "null", NULL, NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct json_schema_error e;
        struct jval *schema = parse(cases[i].schema);
        assert_int_equal(json_schema_check(arena, schema, &e), 0);
        int err = json_schema_judge(arena, schema, parse(cases[i].value), &e);
        if (!!err != !!cases[i].message)
            fail_msg("%s of %s: %d %s", cases[i].value, cases[i].schema, err, e.message);
        if (!err)
            continue;
        assert_int_equal(err, ERR_INVALID);
        assert_string_equal(e.pointer, cases[i].pointer);
        assert_non_null(strstr(e.message, cases[i].message));
    }
}

static void test_schemas(void **state)
{
    static const struct {
        const char *schema, *pointer, *message; /* NULL: it is good */
    } cases[] = {
        {"{\"title\":\"a\",\"default\":[],\"examples\":[1],\"doppel:danger\":{\"type\":7}}", NULL,
         NULL},
        {"3", "", "a schema"},
        {"{\"type\":\"int\"}", "/type", "null, boolean"},
        {"{\"type\":[]}", "/type", "null, boolean"},
        {"{\"type\":[\"null\",\"null\"]}", "/type", "null, boolean"},
        {"{\"enum\":[]}", "/enum", "something in it"},
        {"{\"minimum\":\"1\"}", "/minimum", "a number"},
        {"{\"multipleOf\":0}", "/multipleOf", "above 0"},
        {"{\"minItems\":-1}", "/minItems", "from 0"},
        {"{\"minItems\":1.5}", "/minItems", "from 0"},
        {"{\"required\":[\"a\",\"a\"]}", "/required", "different"},
        {"{\"properties\":{\"a\":{\"items\":[]}}}", "/properties/a/items", "a schema"},
        {"{\"allOf\":[]}", "/allOf", "something in it"},
        {"{\"pattern\":\"a\"}", "/pattern", "not understood"},
        {"{\"items\":{\"$ref\":\"#\"}}", "/items/$ref", "not understood"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct json_schema_error e;
        int err = json_schema_check(arena, parse(cases[i].schema), &e);
        if (!!err != !!cases[i].message)
            fail_msg("%s: %d %s", cases[i].schema, err, e.message);
        if (!err)
            continue;
        assert_string_equal(e.pointer, cases[i].pointer);
        assert_non_null(strstr(e.message, cases[i].message));
    }
}

static void test_limits(void **state)
{
    struct json_schema_error e;
    struct buf b = {0};
    (void)state;
    for (int i = 0; i < JSON_SCHEMA_DEPTH; i++)
        buf_add_str(&b, "{\"not\":");
    buf_add_str(&b, "{}");
    for (int i = 0; i < JSON_SCHEMA_DEPTH; i++)
        buf_add_str(&b, "}");
    buf_add_byte(&b, 0);
    assert_int_equal(json_schema_check(arena, parse(b.p), &e), ERR_TOO_LARGE);
    buf_clear(&b);
    buf_add_byte(&b, '[');
    for (int i = 0; i < 3000; i++)
        buf_addf(&b, "%d,", i);
    buf_add_str(&b, "0.5]");
    buf_add_byte(&b, 0);
    struct jval *many = parse(b.p);
    assert_int_equal(json_schema_judge(arena, parse("{\"uniqueItems\":true}"), many, &e),
                     ERR_TOO_LARGE);
    assert_int_equal(json_schema_judge(arena, parse("{\"not\":{\"uniqueItems\":true}}"), many, &e),
                     ERR_TOO_LARGE);
    assert_non_null(strstr(e.message, "too long"));
    assert_int_equal(json_schema_judge(arena, parse("{\"items\":{\"type\":\"number\"}}"), many, &e),
                     0);
    buf_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_values, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_schemas, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_limits, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

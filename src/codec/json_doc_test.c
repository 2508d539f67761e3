/* Tests of the JSON document: parsing, looking up, changing, comparing. */
#include "base/err.h"
#include "codec/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static int set_up(void **state)
{
    *state = arena_new();
    return *state ? 0 : -1;
}

static int tear_down(void **state)
{
    arena_free(*state);
    return 0;
}

static struct jval *parse(struct arena *a, const char *text)
{
    struct jval *v = NULL;
    struct json_error e;
    if (jdoc_parse(a, slice_str(text), &v, &e))
        fail_msg("%s: %d:%d %s", text, e.line, e.column, e.message);
    return v;
}

static void assert_json(const struct jval *v, const char *expected)
{
    struct buf b = {0};
    struct json_writer w;
    json_writer_init(&w, &b, 0);
    jval_write(&w, v);
    buf_add_byte(&b, 0);
    assert_string_equal(b.p, expected);
    buf_release(&b);
}

static void a_document_keeps_what_people_wrote(void **state)
{
    static const char text[] =
        "{ \"z\": 1.50, \"a\" :[1E2 ,{},\"\\u00e9\\/\"],\n\"\":true, \"n\":null}";
    struct jval *v = parse(*state, text);
    assert_json(v, "{\"z\":1.50,\"a\":[1E2,{},\"\xc3\xa9/\"],\"\":true,\"n\":null}");
    assert_int_equal(v->count, 4);
    assert_int_equal(v->offset, 0);
    assert_true(v->key_offset == SIZE_MAX);
    struct jval *array = jval_get(v, "a");
    assert_int_equal(array->key_offset, strstr(text, "\"a\"") - text);
    assert_int_equal(array->offset, strchr(text, '[') - text);
    assert_int_equal(jval_at(array, 0)->offset, strstr(text, "1E2") - text);
    assert_int_equal(jval_at(array, 2)->offset, strstr(text, "\"\\u") - text);
    assert_int_equal(jval_get(v, "")->offset, strstr(text, "true") - text);
    assert_int_equal(jval_get(v, "n")->offset, strstr(text, "null") - text);
    assert_null(jval_at(array, 3));
    assert_null(jval_at(v, 0));
    assert_null(jval_get(array, "a"));
    assert_null(jval_get(NULL, "a"));
    assert_ptr_equal(array->prev, jval_get(v, "z"));
    double d;
    assert_true(jval_number(jval_get(v, "z"), &d) && d == 1.5);
    assert_false(jval_number(array, &d));
    assert_false(jval_number(parse(*state, "1e999"), &d));
    assert_true(slice_is(jval_string(jval_at(array, 2)), "\xc3\xa9/"));
    assert_non_null(jval_string(parse(*state, "\"\"")).p);
    assert_null(jval_string(array).p);
}

static void errors_say_where_and_what(void **state)
{
    static const struct {
        const char *text;
        int line, column;
        const char *pointer, *message;
    } rows[] = {
        {"", 1, 1, "", "the text ends where a value should be"},
        {"{\n  \"a\": [1,\n   tru]}", 3, 4, "/a/1",
         "this is not a value; the only words are true, false and null"},
        {"{\"\xc3\xa9\xe2\x82\xac\": x}", 1, 8, "/\xc3\xa9\xe2\x82\xac", "this is not a value"},
        {"[1,\r\n2\r3 4]", 3, 1, "", "a comma or ] is missing here"},
        {"[{\"a\":{\"b\":1 \"c\":2}}]", 1, 14, "/0/a", "a comma or } is missing here"},
        {"[0,{\"a/b~\":[[]", 1, 15, "/1/a~1b~0", "the text ends inside an array"},
        {"[1,2,]", 1, 6, "/2", "a value is missing here"},
        {"{\"a\":1,}", 1, 8, "", "a member's name in quotes is missing here"},
        {"{} {}", 1, 4, "", "there is more behind the value"},
        {"{\"a\":1,\"b\":{},\n\"a\" : 2}", 2, 1, "/a",
         "the member \"a\" is here a second time; the first is at 1:2"},
        {"[{\"a\":{\"x\":0,\"\\u0078\":1}}]", 1, 14, "/0/a/x",
         "the member \"x\" is here a second time; the first is at 1:8"},
        {"{\"\\u0000\\n\":1,\"\\u0000\\n\":1}", 1, 15, "/",
         "the member \"\\u0000\\n\" is here a second time; the first is at 1:2"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct json_error e = {0};
        struct jval *untouched = NULL;
        assert_int_equal(jdoc_parse(*state, slice_str(rows[i].text), &untouched, &e),
                         ERR_MALFORMED);
        assert_int_equal(jdoc_parse(*state, slice_str(rows[i].text), &untouched, NULL),
                         ERR_MALFORMED);
        assert_null(untouched);
        assert_string_equal(e.message, rows[i].message);
        if (e.line != rows[i].line || e.column != rows[i].column)
            fail_msg("%s: %d:%d", rows[i].text, e.line, e.column);
        assert_string_equal(e.pointer, rows[i].pointer);
    }
}

static void long_names_are_cut_between_characters(void **state)
{
    struct buf b = {0};
    struct json_error e;
    struct jval *v;
    buf_add_str(&b, "{\"");
    for (int i = 0; i < 200; i++)
        buf_add_str(&b, "\xe2\x82\xac");
    buf_add_str(&b, "\":?");
    assert_int_equal(jdoc_parse(*state, buf_slice(&b), &v, &e), ERR_MALFORMED);
    assert_int_equal(strlen(e.pointer), 1 + 84 * 3);
    assert_int_equal(e.column, 205);
    buf_release(&b);
}

/* {"m0":0,"m1":1,...}; twice: m0 stands at the end again. */
static void many_members(struct buf *b, size_t n, bool twice)
{
    buf_clear(b);
    for (size_t i = 0; i < n; i++)
        buf_addf(b, "%c\"m%zu\":%zu", i ? ',' : '{', i, i);
    buf_add_str(b, twice ? ",\"m0\":0}" : "}");
}

static void duplicates_are_found_among_few_and_many(void **state)
{
    struct buf b = {0};
    for (size_t n = 1; n < 300; n += n < 40 ? 1 : 50) {
        struct jval *v;
        struct json_error e;
        many_members(&b, n, false);
        assert_int_equal(jdoc_parse(*state, buf_slice(&b), &v, &e), 0);
        assert_int_equal(v->count, n);
        many_members(&b, n, true);
        assert_int_equal(jdoc_parse(*state, buf_slice(&b), &v, &e), ERR_MALFORMED);
        assert_string_equal(e.pointer, "/m0");
        assert_int_equal(e.offset, b.n - strlen("\"m0\":0}"));
    }
    buf_release(&b);
}

/* With anything quadratic this takes hours. */
static void large_objects_take_no_longer_than_they_must(void **state)
{
    enum { MANY = 200000 };
    struct buf b = {0};
    struct jval *v, *same, *patch, *nulls;
    many_members(&b, MANY, false);
    assert_int_equal(jdoc_parse(*state, buf_slice(&b), &v, NULL), 0);
    same = jval_new(*state, J_OBJECT);
    /* the same members the other way round, made by patching an empty object */
    struct buf back = {0};
    for (size_t i = MANY; i-- > 0;)
        buf_addf(&back, "%c\"m%zu\":%zu", i == MANY - 1 ? '{' : ',', i, i);
    buf_add_str(&back, "}");
    assert_int_equal(jdoc_parse(*state, buf_slice(&back), &patch, NULL), 0);
    same = jval_merge_patch(*state, same, patch);
    assert_int_equal(same->count, MANY);
    assert_true(jval_equal(v, same));
    assert_ptr_equal(jval_merge_patch(*state, v, patch), v);
    assert_true(jval_equal(v, same));
    assert_true(slice_is(v->first->key, "m0"));
    buf_clear(&back);
    for (size_t i = MANY; i-- > 1;)
        buf_addf(&back, "%c\"m%zu\":null", i == MANY - 1 ? '{' : ',', i);
    buf_add_str(&back, "}");
    assert_int_equal(jdoc_parse(*state, buf_slice(&back), &nulls, NULL), 0);
    assert_json(jval_merge_patch(*state, v, nulls), "{\"m0\":0}");
    assert_false(jval_equal(v, same));
    buf_release(&b);
    buf_release(&back);
}

static void depth_has_a_limit(void **state)
{
    char text[2 * JSON_DEPTH + 4];
    struct jval *v;
    struct json_error e;
    memset(text, '[', JSON_DEPTH);
    memset(text + JSON_DEPTH, ']', JSON_DEPTH);
    assert_int_equal(jdoc_parse(*state, slice_of(text, 2 * JSON_DEPTH), &v, &e), 0);
    memset(text, '[', JSON_DEPTH + 1);
    assert_int_equal(jdoc_parse(*state, slice_of(text, 2 * JSON_DEPTH), &v, &e), ERR_MALFORMED);
    assert_int_equal(e.column, JSON_DEPTH + 1);
    assert_int_equal(strlen(e.pointer), 2 * JSON_DEPTH < 255 ? 2 * JSON_DEPTH : 255);
}

/* The examples of RFC 6901, section 5, and what is no pointer. */
static void pointers_lead_to_values_and_back(void **state)
{
    struct jval *v =
        parse(*state, "{\"foo\":[\"bar\",\"baz\"],\"\":0,\"a/b\":1,\"c%d\":2,\"e^f\":3,"
                      "\"g|h\":4,\"i\\\\j\":5,\"k\\\"l\":6,\" \":7,\"m~n\":8,"
                      "\"o\":{\"\":{\"~1\":9}}}");
    static const struct {
        const char *pointer, *json;
    } rows[] = {
        {"/foo", "[\"bar\",\"baz\"]"},
        {"/foo/0", "\"bar\""},
        {"/", "0"},
        {"/a~1b", "1"},
        {"/c%d", "2"},
        {"/e^f", "3"},
        {"/g|h", "4"},
        {"/i\\j", "5"},
        {"/k\"l", "6"},
        {"/ ", "7"},
        {"/m~0n", "8"},
        {"/o//~01", "9"},
    };
    assert_ptr_equal(jval_pointer(v, ""), v);
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct buf path = {0};
        struct jval *at = jval_pointer(v, rows[i].pointer);
        assert_non_null(at);
        assert_json(at, rows[i].json);
        jval_path(&path, at);
        assert_true(slice_is(buf_slice(&path), rows[i].pointer));
        buf_release(&path);
    }
    static const char *const none[] = {
        "foo",     "/foo/2",  "/foo/-",  "/foo/01", "/foo/",
        "/foo/+1", "/foo/0/", "/foo/0x", "/bar",    "/m~n",
        "/m~",     "/m~2n",   "/a/b",    "//",      "/foo/18446744073709551616"};
    for (size_t i = 0; i < COUNT(none); i++)
        assert_null(jval_pointer(v, none[i]));
}

static void members_are_replaced_in_place(void **state)
{
    struct arena *a = *state;
    struct jval *v = parse(a, "{\"a\":1,\"b\":2,\"c\":3}");
    char key[] = "d";
    struct jval *added = jval_set(a, v, slice_str(key), jval_new_bool(a, true));
    key[0] = 'x'; /* the key was copied */
    assert_true(added->parent == v && added->key_offset == SIZE_MAX);
    assert_non_null(jval_set(a, v, SLICE_LIT("a"), jval_new_string(a, SLICE_LIT("one"))));
    assert_non_null(jval_set(a, v, SLICE_LIT("d"), jval_new_number(a, 0.5)));
    assert_non_null(jval_set(a, v, SLICE_LIT("b"), jval_new(a, J_ARRAY)));
    assert_non_null(jval_append(jval_get(v, "b"), jval_new_raw_number(a, SLICE_LIT("1.00"))));
    assert_non_null(jval_append(jval_get(v, "b"), jval_new_number(a, 1.0 / 0.0)));
    assert_json(v, "{\"a\":\"one\",\"b\":[1.00,null],\"c\":3,\"d\":0.5}");
    assert_ptr_equal(jval_set(a, v, SLICE_LIT("c"), jval_get(v, "c")), jval_get(v, "c"));
    assert_int_equal(v->count, 4);
    assert_true(jval_remove(v, SLICE_LIT("b")));
    assert_false(jval_remove(v, SLICE_LIT("b")));
    assert_json(v, "{\"a\":\"one\",\"c\":3,\"d\":0.5}");
    assert_true(jval_remove(v, SLICE_LIT("d")));
    assert_non_null(jval_set(a, v, SLICE_LIT("e"), jval_new(a, J_NUMBER)));
    assert_true(jval_remove(v, SLICE_LIT("a")));
    assert_json(v, "{\"c\":3,\"e\":0}");
    assert_true(jval_remove(v, SLICE_LIT("c")) && jval_remove(v, SLICE_LIT("e")));
    assert_true(!v->first && !v->last && !v->count);
    assert_null(jval_set(a, v, SLICE_LIT("a"), NULL));
    assert_null(jval_set(a, jval_new(a, J_ARRAY), SLICE_LIT("a"), jval_new(a, J_NULL)));
    assert_null(jval_append(v, jval_new(a, J_NULL)));
    assert_null(jval_new_raw_number(a, SLICE_LIT("01")));
    assert_null(jval_new_raw_number(a, SLICE_LIT("")));
    assert_json(jval_new(a, J_STRING), "\"\"");
}

static void copies_share_nothing(void **state)
{
    struct arena *b = arena_new();
    char text[] = "{\"a\":[1,\"x\",{\"\":null}],\"t\":true}";
    struct jval *v = parse(b, text), *copy = jval_copy(*state, v);
    assert_true(jval_equal(v, copy));
    assert_true(copy->offset == SIZE_MAX);
    arena_free(b);
    memset(text, '?', sizeof text - 1);
    assert_json(copy, "{\"a\":[1,\"x\",{\"\":null}],\"t\":true}");
}

/* The first rows are those of RFC 7396, appendix A. */
static void merge_patches_follow_the_standard(void **state)
{
    static const struct {
        const char *target, *patch, *result;
    } rows[] = {
        {"{\"a\":\"b\"}", "{\"a\":\"c\"}", "{\"a\":\"c\"}"},
        {"{\"a\":\"b\"}", "{\"b\":\"c\"}", "{\"a\":\"b\",\"b\":\"c\"}"},
        {"{\"a\":\"b\"}", "{\"a\":null}", "{}"},
        {"{\"a\":\"b\",\"b\":\"c\"}", "{\"a\":null}", "{\"b\":\"c\"}"},
        {"{\"a\":[\"b\"]}", "{\"a\":\"c\"}", "{\"a\":\"c\"}"},
        {"{\"a\":\"c\"}", "{\"a\":[\"b\"]}", "{\"a\":[\"b\"]}"},
        {"{\"a\":{\"b\":\"c\"}}", "{\"a\":{\"b\":\"d\",\"c\":null}}", "{\"a\":{\"b\":\"d\"}}"},
        {"{\"a\":[{\"b\":\"c\"}]}", "{\"a\":[1]}", "{\"a\":[1]}"},
        {"[\"a\",\"b\"]", "[\"c\",\"d\"]", "[\"c\",\"d\"]"},
        {"{\"a\":\"b\"}", "[\"c\"]", "[\"c\"]"},
        {"{\"a\":\"foo\"}", "null", "null"},
        {"{\"a\":\"foo\"}", "\"bar\"", "\"bar\""},
        {"{\"e\":null}", "{\"a\":1}", "{\"e\":null,\"a\":1}"},
        {"[1,2]", "{\"a\":\"b\",\"c\":null}", "{\"a\":\"b\"}"},
        {"{}", "{\"a\":{\"bb\":{\"ccc\":null}}}", "{\"a\":{\"bb\":{}}}"},
        {"{\"x\":1,\"y\":{\"z\":2},\"w\":3}", "{\"y\":{\"z\":null,\"q\":1.0},\"x\":{}}",
         "{\"x\":{},\"y\":{\"q\":1.0},\"w\":3}"},
        {"{\"a\":1}", "{\"b\":[null,{\"c\":null}]}", "{\"a\":1,\"b\":[null,{\"c\":null}]}"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct arena *short_lived = arena_new();
        struct jval *target = parse(*state, rows[i].target);
        struct jval *patch = parse(short_lived, rows[i].patch);
        struct jval *result = jval_merge_patch(*state, target, patch);
        arena_free(short_lived);
        assert_json(result, rows[i].result);
    }
    assert_json(jval_merge_patch(*state, NULL, parse(*state, "{\"a\":null,\"b\":1}")), "{\"b\":1}");
}

static void values_are_equal_by_what_they_mean(void **state)
{
    static const struct {
        const char *a, *b;
        bool equal;
    } rows[] = {
        {"1.0", "1", true},
        {"1e2", "100", true},
        {"100e-2", "1", true},
        {"0.001", "1E-3", true},
        {"-0", "0.0e5", true},
        {"0e99999999999999999999", "0", true},
        {"123.4500", "12345e-2", true},
        {"9007199254740993", "9007199254740992", false},
        {"0.1", "0.10000000000000000001", false},
        {"1", "-1", false},
        {"1", "10", false},
        {"1", "0", false},
        {"1", "1.1", false},
        {"1e99999999999999999999", "1e99999999999999999998", false},
        {"1e99999999999999999999", "1e99999999999999999999", true},
        {"1", "\"1\"", false},
        {"0", "null", false},
        {"true", "false", false},
        {"\"\\u0061\"", "\"a\"", true},
        {"\"a\"", "\"a\\u0000\"", false},
        {"[]", "{}", false},
        {"[1,2]", "[1.0,2e0]", true},
        {"[1,2]", "[2,1]", false},
        {"[1]", "[1,1]", false},
        {"{\"a\":1,\"b\":[{}],\"c\":0}", "{\"c\":0,\"b\":[{}],\"a\":1}", true},
        {"{\"a\":1,\"b\":2}", "{\"a\":1,\"c\":2}", false},
        {"{\"a\":1,\"b\":2}", "{\"b\":1,\"a\":2}", false},
        {"{\"a\":null}", "{}", false},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct jval *a = parse(*state, rows[i].a), *b = parse(*state, rows[i].b);
        if (jval_equal(a, b) != rows[i].equal || jval_equal(b, a) != rows[i].equal)
            fail_msg("%s and %s", rows[i].a, rows[i].b);
    }
    assert_true(jval_equal(NULL, NULL));
    assert_false(jval_equal(NULL, parse(*state, "null")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_document_keeps_what_people_wrote, set_up, tear_down),
        cmocka_unit_test_setup_teardown(errors_say_where_and_what, set_up, tear_down),
        cmocka_unit_test_setup_teardown(long_names_are_cut_between_characters, set_up, tear_down),
        cmocka_unit_test_setup_teardown(duplicates_are_found_among_few_and_many, set_up, tear_down),
        cmocka_unit_test_setup_teardown(large_objects_take_no_longer_than_they_must, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(depth_has_a_limit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(pointers_lead_to_values_and_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(members_are_replaced_in_place, set_up, tear_down),
        cmocka_unit_test_setup_teardown(copies_share_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(merge_patches_follow_the_standard, set_up, tear_down),
        cmocka_unit_test_setup_teardown(values_are_equal_by_what_they_mean, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Tests of the JSON writer. */
#include "codec/json.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static void assert_text(struct buf *b, const char *expected)
{
    buf_add_byte(b, 0);
    assert_false(b->failed);
    assert_string_equal(b->p, expected);
    buf_clear(b);
}

static void write_sample(struct json_writer *w)
{
    json_open(w, '{');
    json_key(w, "id");
    json_put_cstr(w, "pump-1");
    json_key_slice(w, SLICE_LIT("q\"k"));
    json_open(w, '[');
    json_put_int(w, INT64_MIN);
    json_put_uint(w, UINT64_MAX);
    json_put_double(w, 42.3);
    json_put_bool(w, true);
    json_put_bool(w, false);
    json_put_null(w);
    json_put_cstr(w, NULL);
    json_open(w, '{');
    json_close(w, '}');
    json_open(w, '[');
    json_open(w, '[');
    json_close(w, ']');
    json_close(w, ']');
    json_close(w, ']');
    json_key(w, "raw");
    json_put_raw(w, SLICE_LIT("1.50"));
    json_key(w, "t");
    json_put_time(w, INT64_C(1710513000250000));
    json_key(w, "ms");
    json_put_time_ms(w, INT64_C(1710513000250500));
    json_close(w, '}');
}

static void commas_and_lines_are_put_where_they_belong(void **state)
{
    (void)state;
    struct buf b = {0};
    struct json_writer w;
    json_writer_init(&w, &b, 0);
    write_sample(&w);
    assert_text(&b, "{\"id\":\"pump-1\",\"q\\\"k\":[-9223372036854775808,18446744073709551615,42.3,"
                    "true,false,null,null,{},[[]]],\"raw\":1.50,\"t\":\"2024-03-15T14:30:00.250Z\","
                    "\"ms\":1710513000250.5}");
    json_writer_init(&w, &b, 2);
    write_sample(&w);
    assert_text(&b, "{\n"
                    "  \"id\": \"pump-1\",\n"
                    "  \"q\\\"k\": [\n"
                    "    -9223372036854775808,\n"
                    "    18446744073709551615,\n"
                    "    42.3,\n"
                    "    true,\n"
                    "    false,\n"
                    "    null,\n"
                    "    null,\n"
                    "    {},\n"
                    "    [\n"
                    "      []\n"
                    "    ]\n"
                    "  ],\n"
                    "  \"raw\": 1.50,\n"
                    "  \"t\": \"2024-03-15T14:30:00.250Z\",\n"
                    "  \"ms\": 1710513000250.5\n"
                    "}");
    buf_release(&b);
}

static void nothing_stands_between_values_of_the_top_level(void **state)
{
    (void)state;
    struct buf b = {0};
    struct json_writer w;
    json_writer_init(&w, &b, 0);
    json_open(&w, '[');
    json_close(&w, ']');
    buf_add_byte(&b, '\n');
    json_put_int(&w, 1);
    buf_add_byte(&b, '\n');
    json_open(&w, '{');
    json_close(&w, '}');
    assert_text(&b, "[]\n1\n{}");
    buf_release(&b);
}

static void strings_are_escaped_as_little_as_possible(void **state)
{
    (void)state;
    static const struct {
        struct slice in;
        const char *out;
    } rows[] = {
        {SLICE_LIT(""), "\"\""},
        {{NULL, 0}, "\"\""},
        {SLICE_LIT("a/b\x7f\xe2\x80\xa8"), "\"a/b\x7f\xe2\x80\xa8\""},
        {SLICE_LIT("\"\\\b\f\n\r\t"), "\"\\\"\\\\\\b\\f\\n\\r\\t\""},
        {SLICE_LIT("\0\x01\x1f "), "\"\\u0000\\u0001\\u001f \""},
        {SLICE_LIT("\xc3\xa9\xf0\x9f\x98\x80"), "\"\xc3\xa9\xf0\x9f\x98\x80\""},
        {SLICE_LIT("a\xff\xc3"), "\"a\xef\xbf\xbd\xef\xbf\xbd\""},
        {SLICE_LIT("0123456789\n0123456789\"x"), "\"0123456789\\n0123456789\\\"x\""},
    };
    struct buf b = {0};
    for (size_t i = 0; i < COUNT(rows); i++) {
        json_quote(&b, rows[i].in);
        assert_text(&b, rows[i].out);
    }
    buf_release(&b);
}

static void values_are_written_by_their_type(void **state)
{
    (void)state;
    struct buf b = {0};
    struct json_writer w;
    json_writer_init(&w, &b, 0);
    json_open(&w, '[');
    json_put_value(&w, value_double(-0.125));
    json_put_value(&w, value_double(NAN));
    json_put_value(&w, value_double(-INFINITY));
    json_put_value(&w, (struct value){VALUE_INT, {.i = INT64_C(9007199254740993)}});
    json_put_value(&w, (struct value){VALUE_BOOL, {.b = true}});
    json_put_value(&w, (struct value){VALUE_TEXT, {.text = SLICE_LIT("on\n")}});
    json_put_value(&w, (struct value){0});
    json_close(&w, ']');
    assert_text(&b, "[-0.125,null,null,9007199254740993,true,\"on\\n\",null]");
    buf_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commas_and_lines_are_put_where_they_belong),
        cmocka_unit_test(nothing_stands_between_values_of_the_top_level),
        cmocka_unit_test(strings_are_escaped_as_little_as_possible),
        cmocka_unit_test(values_are_written_by_their_type),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Tests of the pull reader and of JSON numbers. */
#include "base/err.h"
#include "codec/json.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* Reads to the end; the result of the last step, with the reader as it is then. */
static int read_all(struct json_reader *r, struct slice text)
{
    enum json_event event;
    int rc;
    json_reader_init(r, text);
    do {
        rc = json_next(r, &event);
    } while (!rc && event != JSON_END);
    return rc;
}

static void events_come_in_order(void **state)
{
    (void)state;
    static const char text[] =
        " { \"a\" : [ 1 , \"x\\n\" ,true,false , null,[],{} ] ,\t\"b\":-0.5e+3\r\n} ";
    static const struct {
        enum json_event event;
        const char *text;
    } expected[] = {
        {JSON_OBJECT, NULL},     {JSON_KEY, "a"},       {JSON_ARRAY, NULL},
        {JSON_NUMBER, "1"},      {JSON_STRING, "x\\n"}, {JSON_TRUE, NULL},
        {JSON_FALSE, NULL},      {JSON_NULL, NULL},     {JSON_ARRAY, NULL},
        {JSON_ARRAY_END, NULL},  {JSON_OBJECT, NULL},   {JSON_OBJECT_END, NULL},
        {JSON_ARRAY_END, NULL},  {JSON_KEY, "b"},       {JSON_NUMBER, "-0.5e+3"},
        {JSON_OBJECT_END, NULL}, {JSON_END, NULL},      {JSON_END, NULL},
    };
    struct json_reader r;
    json_reader_init(&r, slice_str(text));
    for (size_t i = 0; i < COUNT(expected); i++) {
        enum json_event event;
        assert_int_equal(json_next(&r, &event), 0);
        assert_int_equal(event, expected[i].event);
        if (expected[i].text)
            assert_true(slice_is(r.text, expected[i].text));
        if (event == JSON_STRING)
            assert_true(r.escaped);
        if (event == JSON_KEY)
            assert_false(r.escaped);
    }
    assert_null(r.error);
}

static void what_the_standard_allows_is_accepted(void **state)
{
    (void)state;
    static const char *const good[] = {
        "0",
        "-0",
        "1",
        "-1.5E-10",
        "1e999",
        "-1e-999",
        "0e0",
        "0.00",
        "\"\"",
        "true",
        " null ",
        "\t[\r\n]\n",
        "{}",
        "{\"\":0}",
        "[[[]]]",
        "[1,2]",
        "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
        "\"\\u0000\\u001f\\uffff\\uFFFE\"",
        "\"\\ud83d\\ude00\\uDBFF\\uDFFF\"",
        "\"\x7f\"",
        "\"\xc2\x80\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\"",
        "\"\xe2\x80\xa8\xef\xbb\xbf\"",
        "{\"a\":1,\"a\":2}",
        "123456789012345678901234567890",
        "\"0123456789012345678901234567890 \xc3\xa9 0123456789\"",
        "[1 ,\n2\t,\r3 ]",
    };
    for (size_t i = 0; i < COUNT(good); i++) {
        struct json_reader r;
        if (read_all(&r, slice_str(good[i])))
            fail_msg("%s: %s at %zu", good[i], r.error, r.at);
        assert_int_equal(r.at, strlen(good[i]));
    }
}

/* Each with the place of the fault, in bytes. */
static void all_else_is_refused_where_it_goes_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t at;
    } bad[] = {
        {"", 0},
        {"  ", 2},
        {"tru", 0},
        {"True", 0},
        {"nul", 0},
        {"truex", 4},
        {"NaN", 0},
        {"Infinity", 0},
        {"-Infinity", 1},
        {"-", 1},
        {"+1", 0},
        {"01", 0},
        {"-012", 1},
        {"1.", 2},
        {".5", 0},
        {"1.e1", 2},
        {"1e", 2},
        {"1e+", 3},
        {"1ex", 2},
        {"0x10", 1},
        {"1_000", 1},
        {"0.1.2", 3},
        {"1 2", 2},
        {"[", 1},
        {"[1", 2},
        {"[1,", 3},
        {"[1,]", 3},
        {"[,1]", 1},
        {"[1 2]", 3},
        {"[1}", 2},
        {"]", 0},
        {"[]]", 2},
        {"{", 1},
        {"{\"a\"", 4},
        {"{\"a\":", 5},
        {"{\"a\":1", 6},
        {"{\"a\":1,", 7},
        {"{\"a\":1,}", 7},
        {"{,}", 1},
        {"{\"a\" 1}", 5},
        {"{\"a\",1}", 4},
        {"{a:1}", 1},
        {"{1:1}", 1},
        {"{'a':1}", 1},
        {"{\"a\":1]", 6},
        {"{\"a\":}", 5},
        {"{\"a\"::1}", 5},
        {"{\"a\":1 \"b\":2}", 7},
        {"'a'", 0},
        {"\"", 1},
        {"\"abc", 4},
        {"\"\\\"", 3},
        {"\"\\", 2},
        {"\"\\x\"", 1},
        {"\"\\'\"", 1},
        {"\"\\u12\"", 1},
        {"\"\\u12g4\"", 1},
        {"\"\\U0041\"", 1},
        {"\"\\ud800\"", 1},
        {"\"a\\udc00\"", 2},
        {"\"\\ud800\\u0041\"", 1},
        {"\"\\ud800\\ud800\"", 1},
        {"\"\\ud800x\"", 1},
        {"\"\\ud800\\n\"", 1},
        {"\"a\nb\"", 2},
        {"\"01234567\tb\"", 9},
        {"\"\x1f\"", 1},
        {"\"\x80\"", 1},
        {"\"\xc0\x80\"", 1},
        {"\"\xc3\"", 1},
        {"\"ab\xe0\x80\x80\"", 3},
        {"\"\xed\xa0\x80\"", 1},
        {"\"\xf4\x90\x80\x80\"", 1},
        {"\"\xff\"", 1},
        {"\"\xe2\x82\"", 1},
        {"\xef\xbb\xbf{}", 0},
        {"[] // no", 3},
        {"[/**/]", 1},
        {"[1]\x0c", 3},
        {"\xc2\xa0[]", 0},
        {"[\xe2\x81\xa0]", 1},
        {"{\"a\":1}#", 7},
        {"[1]x", 3},
        {"\"\"\"", 2},
        {"\"a\"b", 3},
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct json_reader r;
        enum json_event event;
        if (read_all(&r, slice_str(bad[i].text)) != ERR_MALFORMED || r.at != bad[i].at)
            fail_msg("%s: %s at %zu", bad[i].text, r.error ? r.error : "accepted", r.at);
        assert_non_null(r.error);
        assert_int_equal(json_next(&r, &event), ERR_MALFORMED); /* for good */
        assert_int_equal(r.at, bad[i].at);
    }
    struct json_reader r;
    assert_int_equal(read_all(&r, slice_of("[1]\0", 4)), ERR_MALFORMED);
    assert_int_equal(read_all(&r, slice_of("\"a\0\"", 4)), ERR_MALFORMED);
    assert_int_equal(read_all(&r, slice_of("\0", 1)), ERR_MALFORMED);
    assert_int_equal(read_all(&r, slice_of(NULL, 0)), ERR_MALFORMED);
}

/* Whatever the place in a word of eight bytes. */
static void strings_are_checked_at_every_offset(void **state)
{
    (void)state;
    for (size_t n = 0; n < 40; n++) {
        for (size_t fault = 0; fault < n; fault++) {
            char text[64];
            struct json_reader r;
            memset(text, 'x', sizeof text);
            text[0] = text[n + 1] = '"';
            assert_int_equal(read_all(&r, slice_of(text, n + 2)), 0);
            static const char bytes[] = {0x1f, '\n', '"', '\\', (char)0x80, (char)0xff, 0};
            for (size_t i = 0; i < sizeof bytes; i++) {
                text[fault + 1] = bytes[i];
                assert_int_equal(read_all(&r, slice_of(text, n + 2)), ERR_MALFORMED);
                bool quoted = bytes[i] == '\\' && fault == n - 1; /* the closing quote */
                assert_int_equal(r.at, quoted ? n + 2 : fault + 1 + (bytes[i] == '"'));
            }
            text[fault + 1] = 0x20;
            assert_int_equal(read_all(&r, slice_of(text, n + 2)), 0);
        }
    }
}

static void depth_has_a_limit(void **state)
{
    (void)state;
    enum { MANY = 100000 };
    char *text = malloc(MANY);
    struct json_reader r;
    assert_non_null(text);
    memset(text, '[', MANY);
    assert_int_equal(read_all(&r, slice_of(text, MANY)), ERR_MALFORMED);
    assert_int_equal(r.at, JSON_DEPTH);
    memset(text + JSON_DEPTH, ']', JSON_DEPTH);
    assert_int_equal(read_all(&r, slice_of(text, 2 * JSON_DEPTH)), 0);
    for (int i = 0; i < JSON_DEPTH; i += 2) /* the kinds are kept apart on every level */
        memcpy(text + 6 * (i / 2), "[{\"\":", 5), text[6 * (i / 2) + 5] = ' ';
    size_t n = 6 * JSON_DEPTH / 2;
    text[n++] = '0';
    for (int i = 0; i < JSON_DEPTH; i++)
        text[n++] = i % 2 ? ']' : '}';
    assert_int_equal(read_all(&r, slice_of(text, n)), 0);
    text[n - 1] = '}';
    assert_int_equal(read_all(&r, slice_of(text, n)), ERR_MALFORMED);
    assert_int_equal(r.at, n - 1);
    free(text);
}

static void skipping_ends_behind_what_was_opened(void **state)
{
    (void)state;
    struct json_reader r;
    enum json_event event;
    json_reader_init(&r, SLICE_LIT("{\"a\":{\"b\":[1,{}],\"c\":2},\"d\":7,\"e\":[}"));
    assert_int_equal(json_next(&r, &event), 0);
    assert_int_equal(json_next(&r, &event), 0);
    assert_int_equal(json_skip(&r, event), 0); /* a key: nothing */
    assert_int_equal(json_next(&r, &event), 0);
    assert_int_equal(json_skip(&r, event), 0);
    assert_int_equal(json_next(&r, &event), 0);
    assert_true(event == JSON_KEY && slice_is(r.text, "d"));
    assert_int_equal(json_next(&r, &event), 0);
    assert_int_equal(json_skip(&r, event), 0); /* a number: nothing */
    assert_int_equal(json_next(&r, &event), 0);
    assert_true(event == JSON_KEY && slice_is(r.text, "e"));
    assert_int_equal(json_next(&r, &event), 0);
    assert_int_equal(json_skip(&r, event), ERR_MALFORMED);
}

static void escapes_are_resolved(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct slice plain = SLICE_LIT("plain"), s = json_unescape(a, plain, false);
    assert_ptr_equal(s.p, plain.p);
    s = json_unescape(a, SLICE_LIT("\\\"\\\\\\/\\b\\f\\n\\r\\t"), true);
    assert_true(slice_is(s, "\"\\/\b\f\n\r\t"));
    s = json_unescape(a, SLICE_LIT("a\\u00e9\xc3\xa9\\u20AC\\ud83d\\ude00z"), true);
    assert_true(slice_is(s, "a\xc3\xa9\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z"));
    s = json_unescape(a, SLICE_LIT("a\\u0000b"), true);
    assert_true(slice_eq(s, slice_of("a\0b", 3)));
    static const char *const odd[] = {"\\", "\\u", "\\u12", "\\ud800", "\\ud800\\u", "x\\q"};
    for (size_t i = 0; i < COUNT(odd); i++) /* no reader gives these: kept, not read past */
        assert_true(slice_is(json_unescape(a, slice_str(odd[i]), true), odd[i]));
    arena_free(a);
}

static void numbers_are_doubles_or_exact_integers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t i; /* 0: a double */
    } rows[] = {
        {"0", 0},
        {"-0", 0},
        {"42.3", 0},
        {"9007199254740991", 0},
        {"9007199254740992", 0},
        {"9007199254740993", INT64_C(9007199254740993)},
        {"9007199254740994", 0},
        {"-9007199254740993", -INT64_C(9007199254740993)},
        {"9007199254740993.0", INT64_C(9007199254740993)},
        {"9007199254740993.00000000000000000000", INT64_C(9007199254740993)},
        {"9.007199254740993e15", INT64_C(9007199254740993)},
        {"90071992547409930E-1", INT64_C(9007199254740993)},
        {"9007199254740993.5", 0},
        {"9223372036854775807", INT64_MAX},
        {"-9223372036854775807", -INT64_MAX},
        {"9223372036854775808", 0},
        {"-9223372036854775808", 0},
        {"18446744073709551615", 0},
        {"18446744073709551616", 0},
        {"123456789012345678e1", INT64_C(1234567890123456780)},
        {"1e18", 0},
        {"1e22", 0},
        {"1e23", 0},
        {"0e999999999999999999999", 0},
        {"-0.0e-5", 0},
        {"1e-999", 0},
        {"1.7976931348623157e308", 0},
        {"5e-324", 0},
        {"2.2250738585072011e-308", 0},
        {"0.000000000000000000000000000000000000123", 0},
        {"123456789.123456789", 0},
        {"100000000000000000000000000000000000000e-38", 0},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct value v;
        if (json_number(slice_str(rows[i].text), &v))
            fail_msg("%s", rows[i].text);
        double expected = strtod(rows[i].text, NULL);
        if (rows[i].i ? v.type != VALUE_INT || v.as.i != rows[i].i
                      : v.type != VALUE_DOUBLE || memcmp(&v.as.d, &expected, sizeof expected) != 0)
            fail_msg("%s: type %d, %.17g, %lld", rows[i].text, (int)v.type, value_as_double(v),
                     (long long)v.as.i);
    }
    static const char *const bad[] = {"",
                                      "-",
                                      "+1",
                                      ".5",
                                      "1.",
                                      "01",
                                      "-00",
                                      "1e",
                                      "1e-",
                                      "1 ",
                                      " 1",
                                      "0x1",
                                      "nan",
                                      "1e999",
                                      "-1e309",
                                      "1,2",
                                      "1.e2",
                                      "1.2.3",
                                      "12345678901234567890e999"};
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct value v = value_double(7);
        assert_int_equal(json_number(slice_str(bad[i]), &v), ERR_INVALID);
        assert_true(v.as.d == 7); /* untouched */
    }
}

/* Every way through json_number() against the C library. */
static void numbers_round_as_the_c_library_does(void **state)
{
    (void)state;
    uint64_t x = 88172645463325252u;
    for (int i = 0; i < 400000; i++) {
        x ^= x << 13, x ^= x >> 7, x ^= x << 17;
        char text[64];
        int digits = (int)(x % 20) + 1, exponent = (int)((x >> 8) % 50) - 25;
        uint64_t m = x * UINT64_C(0x9e3779b97f4a7c15);
        if (i % 3 == 0) { /* what JSON.stringify() of a random double looks like */
            double d;
            uint64_t bits = (m & (UINT64_MAX >> 12)) | (1013 + x % 21) << 52;
            memcpy(&d, &bits, sizeof d);
            snprintf(text, sizeof text, "%.*g", 15 + (int)(x >> 40) % 3, d);
        } else if (i % 3 == 1) {
            int n = snprintf(text, sizeof text, "%llu", (unsigned long long)m);
            snprintf(text + (n > digits ? digits : n), 8, "e%d", exponent);
        } else {
            snprintf(text, sizeof text, "%llu.%0*llu", (unsigned long long)(m >> 40),
                     digits % 9 + 1, (unsigned long long)(m & 0xff));
        }
        struct value v;
        assert_int_equal(json_number(slice_str(text), &v), 0);
        if (value_as_double(v) != strtod(text, NULL))
            fail_msg("%s: %.17g", text, value_as_double(v));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_come_in_order),
        cmocka_unit_test(what_the_standard_allows_is_accepted),
        cmocka_unit_test(all_else_is_refused_where_it_goes_wrong),
        cmocka_unit_test(strings_are_checked_at_every_offset),
        cmocka_unit_test(depth_has_a_limit),
        cmocka_unit_test(skipping_ends_behind_what_was_opened),
        cmocka_unit_test(escapes_are_resolved),
        cmocka_unit_test(numbers_are_doubles_or_exact_integers),
        cmocka_unit_test(numbers_round_as_the_c_library_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

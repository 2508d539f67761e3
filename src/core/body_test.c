/* Tests of body.c: the same bodies in JSON and CBOR are the same events and values. */
#include "core/body.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static struct slice unhex(const char *hex, char *into)
{
    size_t n = strlen(hex) / 2;
    for (size_t i = 0; i < n; i++) {
        char pair[3] = {hex[2 * i], hex[2 * i + 1], 0};
        into[i] = (char)strtoul(pair, NULL, 16);
    }
    return slice_of(into, n);
}

/* Events with what they carry, as one line. */
static void tell(struct buf *out, enum body_format format, struct slice input)
{
    struct arena *a = arena_new();
    struct body b;
    enum body_event e;
    struct value v;
    int err;
    body_init(&b, format, input);
    while (!(err = body_next(&b, &e)) && e != BODY_END) {
        buf_addf(out, "%d", (int)e);
        if (e == BODY_KEY || e == BODY_STRING)
            buf_add_slice(out, body_text(&b, a));
        if (e == BODY_NUMBER && body_number(&b, &v) == 0)
            buf_addf(out, v.type == VALUE_INT ? "i%.0f" : "%g", value_as_double(v));
        buf_add_byte(out, ' ');
    }
    if (err)
        buf_addf(out, "%s", body_error(&b) ? body_error(&b) : "it ends too early");
    buf_add_byte(out, 0);
    arena_free(a);
}

static void both_say_the_same(void **state)
{
    (void)state;
    static const struct {
        const char *json, *cbor;
    } cases[] = {
        {"{}", "a0"},
        {"[1,-2,1.5,9007199254740993,-9223372036854775808]",
         "850121f93e001b00200000000000013b7fffffffffffffff"},
        {"[18446744073709551615,-18446744073709551616]", "821bffffffffffffffff3bffffffffffffffff"},
        {"{\"a\":{\"b\":[true,false,null]},\"c\":\"d\"}", "a26161a1616283f5f4f661636164"},
        {"{\"ab\":\"cd\"}", "bf7f61616162ff7f61636164ffff"}, /* in chunks */
        {"[\"2024-03-15T14:30:00Z\",1]", "82c074323032342d30332d31355431343a33303a30305ac101"},
        {"[[1],2]", "82d9d9f78101c602"}, /* tags that are left aside */
        {"[1", "8201"},
        {"", ""},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char bytes[128];
        struct buf json = {0}, cbor = {0};
        tell(&json, BODY_JSON, slice_str(cases[i].json));
        tell(&cbor, BODY_CBOR, unhex(cases[i].cbor, bytes));
        if (cases[i].json[0] && strcmp(cases[i].json, "[1") != 0)
            assert_string_equal(cbor.p, json.p);
        else
            assert_non_null(strstr(cbor.p, "it ends too early"));
        buf_release(&json);
        buf_release(&cbor);
    }
}

static void what_only_cbor_has(void **state)
{
    (void)state;
    static const struct {
        const char *hex, *why;
    } cases[] = {
        {"c24101", "a big number"}, {"c4820101", "a decimal fraction"},
        {"c5820101", "big float"},  {"4101", "bytes are no"},
        {"f0", "a simple value"},   {"c2820102", "a big number"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char bytes[32];
        struct body b;
        enum body_event e;
        body_init(&b, BODY_CBOR, unhex(cases[i].hex, bytes));
        assert_int_equal(body_next(&b, &e), 0);
        assert_int_equal(e, BODY_OTHER);
        assert_non_null(strstr(b.why, cases[i].why));
        assert_int_equal(body_next(&b, &e), 0);
        assert_int_equal(e, BODY_END);
    }
    struct body b;
    enum body_event e;
    body_init(&b, BODY_CBOR, SLICE_LIT("\xa1\x01\x02"));
    assert_int_equal(body_next(&b, &e), 0);
    assert_int_equal(body_next(&b, &e), ERR_MALFORMED);
    assert_string_equal(body_error(&b), "a key is not a text");
    assert_int_equal(body_at(&b), 1);
}

static void times_and_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        int err;
        int64_t t_us;
    } times[] = {
        {"1b0000018bcfe56800", 0, INT64_C(1700000000000000)}, /* milliseconds */
        {"c11a6553f100", 0, INT64_C(1700000000000000)},       /* seconds */
        {"c1fb41d954fc40200000", 0, INT64_C(1700000000500000)},
        {"20", 0, -1000},
        {"f97e00", ERR_INVALID, 0},
        {"1bffffffffffffffff", ERR_INVALID, 0},
        {"c11bffffffffffffffff", ERR_INVALID, 0},
    };
    for (size_t i = 0; i < COUNT(times); i++) {
        char bytes[32];
        struct body b;
        enum body_event e;
        int64_t t = 0;
        body_init(&b, BODY_CBOR, unhex(times[i].hex, bytes));
        assert_int_equal(body_next(&b, &e), 0);
        assert_int_equal(body_time(&b, &t), times[i].err);
        assert_true(t == times[i].t_us);
    }
}

static void the_format_of_a_body(void **state)
{
    (void)state;
    struct slice none = {0}, tagged = SLICE_LIT("\xd9\xd9\xf7\xa0"), json = SLICE_LIT("{}");
    assert_int_equal(body_format_of(none, json), BODY_JSON);
    assert_int_equal(body_format_of(none, none), BODY_JSON);
    assert_int_equal(body_format_of(none, tagged), BODY_CBOR);
    assert_int_equal(body_format_of(SLICE_LIT("application/json"), tagged), BODY_CBOR);
    assert_int_equal(body_format_of(SLICE_LIT("Application/CBOR; x=y"), json), BODY_CBOR);
    assert_int_equal(body_format_of(SLICE_LIT("application/cbor-seq"), json), BODY_CBOR);
    assert_int_equal(body_format_of(SLICE_LIT("application/cborish"), json), BODY_JSON);
}

/* What stood there, for those who are told that it was refused. */
static void raw_pieces(void **state)
{
    (void)state;
    struct body b, copy;
    enum body_event e;
    body_init(&b, BODY_JSON, SLICE_LIT("[ 1 , {\"a\":2} ]"));
    body_next(&b, &e);
    body_next(&b, &e);
    body_next(&b, &e);
    body_copy(&copy, &b);
    size_t from = copy.from;
    assert_int_equal(body_skip(&copy, e), 0);
    assert_true(slice_is(body_raw(&copy, from), "{\"a\":2}"));
    assert_int_equal(body_next(&b, &e), 0);
    assert_int_equal(e, BODY_KEY); /* the copy alone moved */
    body_init(&b, BODY_CBOR, SLICE_LIT("\x82\x01\xa1\x61\x61\x02"));
    for (int i = 0; i < 3; i++)
        assert_int_equal(body_next(&b, &e), 0);
    body_copy(&copy, &b);
    from = copy.from;
    assert_int_equal(body_skip(&copy, e), 0);
    assert_true(slice_is(body_raw(&copy, from), "\xa1\x61\x61\x02"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_say_the_same), cmocka_unit_test(what_only_cbor_has),
        cmocka_unit_test(times_and_numbers), cmocka_unit_test(the_format_of_a_body),
        cmocka_unit_test(raw_pieces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

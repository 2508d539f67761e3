/* Tests of payloads of Sparkplug B; the bytes were written by the payload library of Eclipse Tahu
 * for JavaScript. */
#include "base/err.h"
#include "codec/sparkplug.h"

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

static const char whole[] =
    "0880d095ffbc31120e0a0269381001200150fbffffff0f120d0a0369333220035090ddfbff0f12100a0375363420"
    "0858ffffffffffffff0f120a0a01662009650000c03f120e0a0164200a6900000000000002c012070a0162200b70"
    "01120a0a0173200c7a0368c3a9120d0a026474200d58fbd095ffbc3112070a016e200a3801120b0a026279201182"
    "01020102123a0a016518e8d795ffbc31200a4a230a07656e67556e69740a075175616c6974791208080c42046465"
    "67431205080318c0016900000000000008401807";

static void metrics_of_every_type(void **state)
{
    (void)state;
    static const struct {
        const char *name, *text; /* text NULL: d */
        double d;
        int err;
    } expected[] = {{"i8", NULL, -5, 0},
                    {"i32", NULL, -70000, 0},
                    {"u64", NULL, 9007199254740991, 0},
                    {"f", NULL, 1.5, 0},
                    {"d", NULL, -2.25, 0},
                    {"b", NULL, 1, 0},
                    {"s", "h\u00e9", 0, 0},
                    {"dt", "2023-11-14T22:13:20.123Z", 0, 0},
                    {"n", NULL, 0, ERR_WRONG_TYPE},
                    {"by", NULL, 0, ERR_WRONG_TYPE},
                    {"e", NULL, 3, 0}};
    char bytes[512], room[SPB_ROOM];
    struct spb_payload p;
    struct spb_metric m = {0};
    struct value v;
    const char *why;
    size_t at = 0, fault;
    assert_int_equal(spb_read(unhex(whole, bytes), &p, &fault, &why), 0);
    assert_true(p.has_timestamp && p.timestamp == 1700000000000 && p.has_seq && p.seq == 7);
    assert_int_equal(p.metrics, COUNT(expected));
    for (size_t i = 0; i < COUNT(expected); i++) {
        assert_true(spb_next(&p, &at, &m));
        assert_true(slice_is(m.name, expected[i].name));
        assert_int_equal(spb_value(&m, m.type, room, &v, &why), expected[i].err);
        if (expected[i].text)
            assert_true(slice_is(v.as.text, expected[i].text));
        else if (!expected[i].err && v.type == VALUE_BOOL)
            assert_true(v.as.b);
        else if (!expected[i].err)
            assert_true(v.type == VALUE_DOUBLE && v.as.d == expected[i].d);
        assert_int_equal(m.is_null, i == 8);
        assert_int_equal(m.has_alias, i == 0);
    }
    assert_false(spb_next(&p, &at, &m));
    assert_true(m.has_timestamp && m.timestamp == 1700000001000);
    int32_t quality = 0;
    assert_true(slice_is(spb_property_text(m.properties, "engUnit"), "degC"));
    assert_null(spb_property_text(m.properties, "nosuch").p);
    assert_null(spb_property_text(m.properties, "Quality").p);
    assert_true(spb_property_number(m.properties, "Quality", &quality) && quality == 192);
    assert_false(spb_property_number(m.properties, "engUnit", &quality));
}

static void whole_numbers_of_each_width(void **state)
{
    (void)state;
    static const struct {
        enum spb_member member;
        uint64_t type, bits;
        double d;
    } cases[] = {
        {SPB_INT_VALUE, SPB_INT8, 0xff, -1},
        {SPB_INT_VALUE, SPB_INT8, 0xffffffff, -1},
        {SPB_INT_VALUE, SPB_INT16, 0x8000, -32768},
        {SPB_LONG_VALUE, SPB_INT32, UINT64_MAX, -1},
        {SPB_LONG_VALUE, SPB_INT64, UINT64_MAX, -1},
        {SPB_INT_VALUE, SPB_UINT8, 255, 255},
        {SPB_INT_VALUE, SPB_UINT16, 65535, 65535},
        {SPB_LONG_VALUE, SPB_UINT32, 0xffffffff, 4294967295},
        {SPB_LONG_VALUE, SPB_UINT64, UINT64_MAX, 18446744073709551615.0},
        {SPB_INT_VALUE, SPB_INT64, 5, 5},
    };
    char room[SPB_ROOM];
    struct value v;
    const char *why;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct spb_metric m = {.member = cases[i].member, .bits = cases[i].bits};
        assert_int_equal(spb_value(&m, cases[i].type, room, &v, &why), 0);
        assert_true(v.type == VALUE_DOUBLE && v.as.d == cases[i].d);
    }
    struct spb_metric big = {.member = SPB_LONG_VALUE, .bits = 9007199254740993};
    assert_int_equal(spb_value(&big, SPB_INT64, room, &v, &why), 0);
    assert_true(v.type == VALUE_INT && v.as.i == 9007199254740993);
    big.member = SPB_DOUBLE_VALUE;
    assert_int_equal(spb_value(&big, SPB_INT64, room, &v, &why), ERR_WRONG_TYPE);
    big.bits = UINT64_C(0x7ff0000000000000);
    assert_int_equal(spb_value(&big, SPB_DOUBLE, room, &v, &why), ERR_WRONG_TYPE);
    assert_string_equal(why, "NaN and infinity are no values");
    assert_int_equal(spb_value(&big, 99, room, &v, &why), ERR_WRONG_TYPE);
    big.member = SPB_LONG_VALUE;
    assert_int_equal(spb_value(&big, SPB_DATETIME, room, &v, &why), ERR_WRONG_TYPE);
}

static void what_is_no_payload_says_where(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        size_t at;
        const char *why;
    } cases[] = {
        {"08", 0, "it ends too early"},
        {"0801120a0a01", 2, "it ends too early"},
        {"08ffffffffffffffffff7f", 0, "a number has more than 64 bits"},
        {"0801001200", 2, "a field has the number 0"},
        {"0b", 0, "a field has a wire type that is none"},
        {"0d01020304", 0, "a field of the payload is of another kind than it should be"},
        {"12020801", 0, "a field of a metric is of another kind than it should be"},
        {"1204"
         "0a02c328",
         0, "a text is not UTF-8"},
        {"1203"
         "0a0100",
         0, "a text is not UTF-8"},
        {"1205"
         "7a03616200",
         0, "a text is not UTF-8"},
        {"120355"
         "0102",
         0, "it ends too early"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char bytes[64];
        struct spb_payload p;
        size_t at = 99;
        const char *why = "";
        int err = spb_read(unhex(cases[i].hex, bytes), &p, &at, &why);
        assert_int_equal(err, ERR_MALFORMED);
        assert_string_equal(why, cases[i].why);
        assert_int_equal(at, cases[i].at);
    }
}

static void empty_and_unknown_fields(void **state)
{
    (void)state;
    char bytes[64];
    struct spb_payload p;
    struct spb_metric m;
    size_t at = 0;
    const char *why;
    assert_int_equal(spb_read((struct slice){0}, &p, &at, &why), 0);
    at = 0;
    assert_false(spb_next(&p, &at, &m));
    /* fields 6 and 1000, then a metric with a field 20 */
    struct slice odd = unhex("3201ff"
                             "c03e05"
                             "1206"
                             "0a0161a20100",
                             bytes);
    assert_int_equal(spb_read(odd, &p, &at, &why), 0);
    at = 0;
    assert_true(spb_next(&p, &at, &m) && slice_is(m.name, "a") && m.member == SPB_NOTHING);
    assert_false(spb_next(&p, &at, &m));
}

static void a_rebirth_reads_back(void **state)
{
    (void)state;
    struct buf b = {0};
    struct spb_payload p;
    struct spb_metric m;
    size_t at = 0;
    const char *why;
    spb_write_rebirth(&b, 1700000000000);
    assert_int_equal(spb_read(buf_slice(&b), &p, &at, &why), 0);
    at = 0;
    assert_true(p.timestamp == 1700000000000 && spb_next(&p, &at, &m));
    assert_true(slice_is(m.name, "Node Control/Rebirth") && m.type == SPB_BOOLEAN);
    assert_true(m.member == SPB_BOOLEAN_VALUE && m.bits == 1);
    buf_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(metrics_of_every_type),
        cmocka_unit_test(whole_numbers_of_each_width),
        cmocka_unit_test(what_is_no_payload_says_where),
        cmocka_unit_test(empty_and_unknown_fields),
        cmocka_unit_test(a_rebirth_reads_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

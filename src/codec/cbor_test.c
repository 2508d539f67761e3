/* Tests of the CBOR reader: the examples of RFC 8949, appendix A, and what is not well-formed. */
#include "base/err.h"
#include "codec/cbor.h"

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

/* As in the appendix, but for big numbers, which stay what they are: tagged bytes; floats have
 * their shortest form. */
static const struct {
    const char *hex, *text;
} examples[] = {
    {"00", "0"},
    {"01", "1"},
    {"0a", "10"},
    {"17", "23"},
    {"1818", "24"},
    {"1819", "25"},
    {"1864", "100"},
    {"1903e8", "1000"},
    {"1a000f4240", "1000000"},
    {"1b000000e8d4a51000", "1000000000000"},
    {"1bffffffffffffffff", "18446744073709551615"},
    {"c249010000000000000000", "2(h'010000000000000000')"},
    {"3bffffffffffffffff", "-18446744073709551616"},
    {"c349010000000000000000", "3(h'010000000000000000')"},
    {"20", "-1"},
    {"29", "-10"},
    {"3863", "-100"},
    {"3903e7", "-1000"},
    {"f90000", "0.0"},
    {"f98000", "-0.0"},
    {"f93c00", "1.0"},
    {"fb3ff199999999999a", "1.1"},
    {"f93e00", "1.5"},
    {"f97bff", "65504.0"},
    {"fa47c35000", "100000.0"},
    {"fa7f7fffff", "3.4028234663852886e+38"},
    {"fb7e37e43c8800759c", "1e+300"},
    {"f90001", "5.9604644775390625e-08"},
    {"f90400", "6.103515625e-05"},
    {"f9c400", "-4.0"},
    {"fbc010666666666666", "-4.1"},
    {"f97c00", "Infinity"},
    {"f97e00", "NaN"},
    {"f9fc00", "-Infinity"},
    {"fa7f800000", "Infinity"},
    {"fa7fc00000", "NaN"},
    {"faff800000", "-Infinity"},
    {"fb7ff0000000000000", "Infinity"},
    {"fb7ff8000000000000", "NaN"},
    {"fbfff0000000000000", "-Infinity"},
    {"f4", "false"},
    {"f5", "true"},
    {"f6", "null"},
    {"f7", "undefined"},
    {"f0", "simple(16)"},
    {"f8ff", "simple(255)"},
    {"c074323031332d30332d32315432303a30343a30305a", "0(\"2013-03-21T20:04:00Z\")"},
    {"c11a514b67b0", "1(1363896240)"},
    {"c1fb41d452d9ec200000", "1(1363896240.5)"},
    {"d74401020304", "23(h'01020304')"},
    {"d818456449455446", "24(h'6449455446')"},
    {"d82076687474703a2f2f7777772e6578616d706c652e636f6d", "32(\"http://www.example.com\")"},
    {"40", "h''"},
    {"4401020304", "h'01020304'"},
    {"60", "\"\""},
    {"6161", "\"a\""},
    {"6449455446", "\"IETF\""},
    {"62225c", "\"\\\"\\\\\""},
    {"62c3bc", "\"\u00fc\""},
    {"63e6b0b4", "\"\u6c34\""},
    {"64f0908591", "\"\U00010151\""},
    {"80", "[]"},
    {"83010203", "[1, 2, 3]"},
    {"8301820203820405", "[1, [2, 3], [4, 5]]"},
    {"98190102030405060708090a0b0c0d0e0f101112131415161718181819",
     "[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25]"},
    {"a0", "{}"},
    {"a201020304", "{1: 2, 3: 4}"},
    {"a26161016162820203", "{\"a\": 1, \"b\": [2, 3]}"},
    {"826161a161626163", "[\"a\", {\"b\": \"c\"}]"},
    {"a56161614161626142616361436164614461656145",
     "{\"a\": \"A\", \"b\": \"B\", \"c\": \"C\", \"d\": \"D\", \"e\": \"E\"}"},
    {"5f42010243030405ff", "(_ h'0102', h'030405')"},
    {"7f657374726561646d696e67ff", "(_ \"strea\", \"ming\")"},
    {"9fff", "[_ ]"},
    {"9f018202039f0405ffff", "[_ 1, [2, 3], [_ 4, 5]]"},
    {"9f01820203820405ff", "[_ 1, [2, 3], [4, 5]]"},
    {"83018202039f0405ff", "[1, [2, 3], [_ 4, 5]]"},
    {"83019f0203ff820405", "[1, [_ 2, 3], [4, 5]]"},
    {"9f0102030405060708090a0b0c0d0e0f101112131415161718181819ff",
     "[_ 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, "
     "25]"},
    {"bf61610161629f0203ffff", "{_ \"a\": 1, \"b\": [_ 2, 3]}"},
    {"826161bf61626163ff", "[\"a\", {_ \"b\": \"c\"}]"},
    {"bf6346756ef563416d7421ff", "{_ \"Fun\": true, \"Amt\": -2}"},
    /* and what the appendix has not: tags in maps and of containers, two tags, a sequence */
    {"a1c1016161", "{1(1): \"a\"}"},
    {"a16161c101", "{\"a\": 1(1)}"},
    {"83c18101c2c30101", "[1([1]), 2(3(1)), 1]"},
    {"d9d9f7a16161c1a10102", "55799({\"a\": 1({1: 2})})"},
    {"0102f5", "1, 2, true"},
};

static void the_examples_of_the_standard_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(examples); i++) {
        char bytes[128];
        struct buf b = {0};
        cbor_diagnose(&b, unhex(examples[i].hex, bytes), 1024);
        buf_add_byte(&b, 0);
        assert_string_equal(b.p, examples[i].text);
        buf_release(&b);
    }
}

static int read_all(struct cbor_reader *r, struct slice input)
{
    enum cbor_event e;
    int err;
    cbor_reader_init(r, input);
    do {
        err = cbor_next(r, &e);
    } while (!err && e != CBOR_END);
    return err;
}

/* Every way in which bytes are no item (RFC 8949, appendix F), with where and why. */
static const struct {
    const char *hex;
    size_t at;
    const char *why;
} broken[] = {
    {"", 0, "it ends too early"},
    {"18", 0, "it ends too early"},
    {"1b01020304050607", 0, "it ends too early"},
    {"4301", 0, "it ends too early"},
    {"5bffffffffffffffff00", 0, "it ends too early"},
    {"9bffffffffffffffff00", 0, "it ends too early"},
    {"bb800000000000000000", 0, "it ends too early"},
    {"8201", 0, "it ends too early"},
    {"820180", 3, NULL},
    {"a101", 0, "it ends too early"},
    {"9f01", 2, "it ends too early"},
    {"c1", 1, "it ends too early"},
    {"7f6161", 3, "it ends too early"},
    {"1c", 0, "no item begins with this byte"},
    {"1f", 0, "no item begins with this byte"},
    {"3f", 0, "no item begins with this byte"},
    {"df", 0, "no item begins with this byte"},
    {"fc", 0, "no item begins with this byte"},
    {"fd", 0, "no item begins with this byte"},
    {"ff", 0, "a break stands where an item is due"},
    {"81ff", 1, "a break stands where an item is due"},
    {"9fc1ff", 2, "a break stands where an item is due"},
    {"bf6161ff", 3, "a break stands where an item is due"},
    {"f81f", 0, "a simple value under 32 has one byte, not two"},
    {"f800", 0, "a simple value under 32 has one byte, not two"},
    {"5f6161ff", 1, "a chunk of a string is not a string of its kind"},
    {"7f7f6161ffff", 1, "a chunk of a string is not a string of its kind"},
    {"5f00ff", 1, "a chunk of a string is not a string of its kind"},
    {"61ff", 0, "the text is not UTF-8"},
    {"7f61c361bcff", 1, "the text is not UTF-8"},
    {"0000", 1, "more bytes follow the item"},
};

static void what_is_not_well_formed_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(broken); i++) {
        char bytes[64];
        struct cbor_reader r;
        int err = read_all(&r, unhex(broken[i].hex, bytes));
        assert_int_equal(err, broken[i].why ? ERR_MALFORMED : 0);
        if (!broken[i].why)
            continue;
        assert_string_equal(r.error, broken[i].why);
        assert_int_equal(r.at, broken[i].at);
        enum cbor_event e;
        assert_int_equal(cbor_next(&r, &e), ERR_MALFORMED); /* and stays so */
    }
}

static void depth_has_a_limit(void **state)
{
    (void)state;
    char deep[CBOR_DEPTH + 2];
    struct cbor_reader r;
    memset(deep, 0x81, sizeof deep);
    deep[CBOR_DEPTH] = 0;
    assert_int_equal(read_all(&r, slice_of(deep, CBOR_DEPTH + 1)), 0);
    deep[CBOR_DEPTH] = (char)0x81;
    deep[CBOR_DEPTH + 1] = 0;
    assert_int_equal(read_all(&r, slice_of(deep, CBOR_DEPTH + 2)), ERR_MALFORMED);
    assert_string_equal(r.error, "it is nested too deeply");
    assert_int_equal(r.at, CBOR_DEPTH);
}

static void keys_chunks_and_items_are_told_apart(void **state)
{
    (void)state;
    char bytes[64];
    struct cbor_reader r;
    enum cbor_event e;
    struct arena *a = arena_new();
    /* {"a": {"b": 1}, (_ "c", "d"): 2} 7 */
    struct slice input = unhex("a26161a16162017f61636164ff0207", bytes);
    static const bool keys[] = {false, true, false, true, false, false, true, false, false};
    static const enum cbor_event events[] = {CBOR_MAP,  CBOR_TEXT, CBOR_MAP,
                                             CBOR_TEXT, CBOR_UINT, CBOR_MAP_END,
                                             CBOR_TEXT, CBOR_UINT, CBOR_MAP_END};
    size_t n = 0;
    assert_int_equal(cbor_item_size(input, &n), 0);
    assert_int_equal(n, input.n - 1);
    cbor_reader_init(&r, slice_of(input.p, n));
    for (size_t i = 0; i < COUNT(events); i++) {
        assert_int_equal(cbor_next(&r, &e), 0);
        assert_int_equal(e, events[i]);
        if (e != CBOR_MAP_END)
            assert_int_equal(r.is_key, keys[i]);
        if (i == 6) {
            assert_true(r.chunked);
            assert_true(slice_is(cbor_text(a, r.text, true), "cd"));
        }
    }
    assert_int_equal(cbor_next(&r, &e), 0);
    assert_int_equal(e, CBOR_END);
    arena_free(a);
}

static void what_is_unreadable_is_shown_in_digits(void **state)
{
    (void)state;
    struct buf b = {0};
    cbor_diagnose(&b, SLICE_LIT("\x82\x01\xff"), 100);
    buf_add_byte(&b, 0);
    assert_string_equal(b.p, "[1 h'ff'");
    buf_clear(&b);
    char zeros[1000] = {0};
    zeros[0] = (char)0x9f;
    cbor_diagnose(&b, slice_of(zeros, sizeof zeros), 20);
    assert_true(b.n < 30);
    buf_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_examples_of_the_standard_read),
        cmocka_unit_test(what_is_not_well_formed_is_refused),
        cmocka_unit_test(depth_has_a_limit),
        cmocka_unit_test(keys_chunks_and_items_are_told_apart),
        cmocka_unit_test(what_is_unreadable_is_shown_in_digits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

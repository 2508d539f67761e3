/* Tests of base: slices, buffers, maps, clocks, arenas, UTF-8. */
#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/map.h"
#include "base/utf8.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void numbers_are_read_exactly(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "0",       "-0",      "42.3", "1e308", "0.1", "9007199254740993", "123456789.123456789",
        "-2.5e-3", "4.9e-324"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        double v;
        assert_int_equal(slice_to_double(slice_str(texts[i]), &v), 0);
        assert_true(v == strtod(texts[i], NULL));
        assert_int_equal(signbit(v) != 0, texts[i][0] == '-');
    }
    static const char *const bad[] = {"",     "-",   ".5",  "1.", "01",   "1e",
                                      "0x10", "inf", "nan", "1 ", "1e999"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        double v;
        assert_int_equal(slice_to_double(slice_str(bad[i]), &v), ERR_INVALID);
    }
    int64_t i64;
    assert_int_equal(slice_to_i64(SLICE_LIT("-9223372036854775808"), &i64), 0);
    assert_true(i64 == INT64_MIN);
    assert_int_equal(slice_to_i64(SLICE_LIT("9223372036854775808"), &i64), ERR_INVALID);
}

static void doubles_print_shortest_and_read_back(void **state)
{
    (void)state;
    struct buf b = {0};
    buf_add_double(&b, 42.3);
    buf_add_byte(&b, ' ');
    buf_add_double(&b, -0.0);
    buf_add_byte(&b, ' ');
    buf_add_double(&b, 0.1 + 0.2);
    buf_add_byte(&b, ' ');
    buf_add_double(&b, 1e21);
    buf_add_byte(&b, 0);
    assert_string_equal(b.p, "42.3 -0 0.30000000000000004 1e+21");
    srand(7);
    for (int i = 0; i < 200000; i++) {
        double v =
            i % 2 ? (rand() % 2000000 - 1000000) / 1000.0 : ldexp(rand() - 1e9, rand() % 200 - 100);
        buf_clear(&b);
        buf_add_double(&b, v);
        double back;
        assert_int_equal(slice_to_double(buf_slice(&b), &back), 0);
        assert_true(back == v);
    }
    buf_release(&b);
}

struct item {
    char key[16];
    int n;
};

static void a_map_with_room_does_not_grow(void **state)
{
    (void)state;
    char keys[1000][8];
    struct map m = {0};
    assert_int_equal(map_reserve(&m, 1000), 0);
    size_t cap = m.cap;
    for (size_t i = 0; i < 1000; i++) {
        snprintf(keys[i], sizeof keys[i], "%zu", i);
        assert_int_equal(map_put(&m, slice_str(keys[i]), keys[i], NULL), 0);
    }
    assert_int_equal(m.cap, cap);
    assert_int_equal(map_reserve(&m, 10), 0);
    assert_int_equal(m.cap, cap);
    assert_ptr_equal(map_get(&m, SLICE_LIT("999")), keys[999]);
    map_release(&m);
}

static void patterns_fit(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *text;
        bool fits;
    } cases[] = {{"", "", true},
                 {"", "a", false},
                 {"*", "", true},
                 {"a*c", "abbc", true},
                 {"a*c", "acb", false},
                 {"*a*a*", "xaxax", true},
                 {"*ab", "aab", true},
                 {"a?c", "abc", true},
                 {"a?c", "ac", false},
                 {"pump-*", "p", false},
                 {"**", "anything", true},
                 {"?*", "", false},
                 {"*.*.z", "a.b.z.c.z", true},
                 {"*a", "aaaaaab", false}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (slice_like(slice_str(cases[i].pattern), slice_str(cases[i].text)) != cases[i].fits)
            fail_msg("%s, %s", cases[i].pattern, cases[i].text);
}

static void a_map_finds_what_is_in_it(void **state)
{
    (void)state;
    enum { N = 5000 };
    struct item *items = calloc(N, sizeof *items);
    struct map m = {0};
    for (int i = 0; i < N; i++) {
        snprintf(items[i].key, sizeof items[i].key, "key-%d", i);
        assert_int_equal(map_put(&m, slice_str(items[i].key), &items[i], NULL), 0);
    }
    for (int i = 0; i < N; i += 2)
        assert_ptr_equal(map_remove(&m, slice_str(items[i].key)), &items[i]);
    for (int i = 0; i < N; i++)
        assert_ptr_equal(map_get(&m, slice_str(items[i].key)), i % 2 ? &items[i] : NULL);
    size_t at = 0, seen = 0;
    while (map_next(&m, &at))
        seen++;
    assert_int_equal(seen, N / 2);
    map_release(&m);
    free(items);
}

static void check_time(const char *text, const char *expected)
{
    int64_t t;
    struct buf b = {0};
    int err = clock_parse(slice_str(text), &t);
    if (!expected) {
        assert_int_equal(err, ERR_BAD_TIME);
        return;
    }
    assert_int_equal(err, 0);
    clock_format(&b, t);
    buf_add_byte(&b, 0);
    assert_string_equal(b.p, expected);
    buf_release(&b);
}

static void times_follow_rfc_3339(void **state)
{
    (void)state;
    check_time("2024-03-15T14:30:00Z", "2024-03-15T14:30:00Z");
    check_time("2024-02-29t23:59:60z", "2024-03-01T00:00:00Z");
    check_time("1985-04-12T23:20:50.52Z", "1985-04-12T23:20:50.520Z");
    check_time("1996-12-19T16:39:57-08:00", "1996-12-20T00:39:57Z");
    check_time("1937-01-01T12:00:27.873512345+00:20", "1937-01-01T11:40:27.873512Z");
    check_time("0000-01-01T00:00:00Z", "0000-01-01T00:00:00Z");
    static const char *const bad[] = {"2023-02-29T00:00:00Z",  "2024-13-01T00:00:00Z",
                                      "2024-03-15T14:30:00",   "2024-03-15",
                                      "2024-03-15T24:00:00Z",  "2024-03-15T14:30:00+0100",
                                      "2024-03-15T14:30:00.Z", "2024-03-15T14:30:00Z "};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        check_time(bad[i], NULL);
}

static void durations_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t us;
    } good[] = {{"10s", 10000000},
                {"1m", 60000000},
                {"90d", INT64_C(7776000000000)},
                {"250ms", 250000},
                {"1.5h", INT64_C(5400000000)},
                {"PT10S", 10000000},
                {"P1DT12H", INT64_C(129600000000)},
                {"P90D", INT64_C(7776000000000)}};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        int64_t us;
        assert_int_equal(clock_parse_duration(slice_str(good[i].text), &us), 0);
        assert_true(us == good[i].us);
    }
    static const char *const bad[] = {"",  "10", "s",    "-1s", "0s",
                                      "P", "PT", "1m30", "1x",  "99999999999999999y"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        int64_t us;
        assert_int_equal(clock_parse_duration(slice_str(bad[i]), &us), ERR_INVALID);
    }
}

static void milliseconds_keep_microseconds(void **state)
{
    (void)state;
    struct buf b = {0};
    clock_format_ms(&b, INT64_C(1700000000000250));
    buf_add_byte(&b, ' ');
    clock_format_ms(&b, -1500);
    buf_add_byte(&b, 0);
    assert_string_equal(b.p, "1700000000000.25 -1.5");
    buf_release(&b);
}

static void utf8_is_checked_as_rfc_3629_says(void **state)
{
    (void)state;
    static const char *const good[] = {
        "", "plain ascii text", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xf4\x8f\xbf\xbf"};
    static const char *const bad[] = {
        "\x80",     "\xc0\xaf",     "\xed\xa0\x80",        "\xf4\x90\x80\x80",
        "\xe2\x82", "12345678\xff", "\xf8\x88\x80\x80\x80"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(utf8_valid(slice_str(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(utf8_valid(slice_str(bad[i])));
    static const uint32_t points[] = {0x41, 0xe9, 0x20ac, 0x1f600};
    char out[4];
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(utf8_encode(points[i], out), i + 1);
        assert_true(utf8_valid(slice_of(out, i + 1)));
    }
}

static void an_arena_gives_aligned_pieces(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    for (size_t i = 0; i < 2000; i++) {
        char *p = arena_alloc(a, i);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % _Alignof(max_align_t), 0);
        memset(p, 0xab, i);
    }
    arena_reset(a);
    assert_string_equal(arena_printf(a, "%d-%s", 7, "x"), "7-x");
    arena_free(a);
}

static void every_error_has_its_row(void **state)
{
    (void)state;
    const struct err_info *row;
    for (int i = 0; (row = err_at(i)); i++) {
        assert_ptr_equal(err_info(row->number), row);
        assert_in_range(row->http, 400, 599);
        assert_true(row->mqtt >= 0x80);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_read_exactly),
        cmocka_unit_test(doubles_print_shortest_and_read_back),
        cmocka_unit_test(patterns_fit),
        cmocka_unit_test(a_map_finds_what_is_in_it),
        cmocka_unit_test(a_map_with_room_does_not_grow),
        cmocka_unit_test(times_follow_rfc_3339),
        cmocka_unit_test(durations_are_read),
        cmocka_unit_test(milliseconds_keep_microseconds),
        cmocka_unit_test(utf8_is_checked_as_rfc_3629_says),
        cmocka_unit_test(an_arena_gives_aligned_pieces),
        cmocka_unit_test(every_error_has_its_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

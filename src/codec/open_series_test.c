/* Tests of open_series: what went in comes out, in order, bit by bit; and how small it is. */
#include "codec/open_series.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { MINUTE = 60 * 1000000 };

static struct value whole(int64_t i)
{
    return (struct value){VALUE_INT, {.i = i}};
}

static struct value text(const char *s)
{
    return (struct value){VALUE_TEXT, {.text = slice_str(s)}};
}

static struct value boolean(bool b)
{
    return (struct value){VALUE_BOOL, {.b = b}};
}

static void check(const struct open_point *points, size_t n)
{
    struct open_series *s = NULL;
    struct open_reader r;
    struct open_point p;
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(open_series_add(&s, points[i].t_us, points[i].value, points[i].quality),
                         0);
        assert_int_equal(open_series_count(s), i + 1);
    }
    open_reader_init(&r, s);
    for (size_t i = 0; i < n; i++) {
        assert_true(open_reader_next(&r, &p));
        assert_true(p.t_us == points[i].t_us);
        assert_int_equal(p.quality, points[i].quality);
        assert_true(value_eq(p.value, points[i].value));
    }
    assert_false(open_reader_next(&r, &p));
    open_series_free(s);
}

static void an_empty_one(void **state)
{
    (void)state;
    struct open_reader r;
    struct open_point p;
    assert_int_equal(open_series_count(NULL), 0);
    assert_int_equal(open_series_bytes(NULL), 0);
    open_reader_init(&r, NULL);
    assert_false(open_reader_next(&r, &p));
    open_series_free(NULL);
}

static void every_kind_behind_every_other(void **state)
{
    (void)state;
    const struct value values[] = {
        value_double(0.0),
        value_double(-0.0),
        value_double(23.4),
        value_double(23.41),
        value_double(-1e300),
        value_double(5e-324),
        value_double(INFINITY),
        value_double(-INFINITY),
        value_double(0.1 + 0.2),
        value_double(1.0 / 3),
        value_double(9007199254740991.0),
        value_double(9007199254740993.0 * 4),
        whole(INT64_MAX),
        whole(INT64_MIN),
        whole(0),
        boolean(true),
        boolean(false),
        text(""),
        text("running"),
        text("stopped"),
        {.type = VALUE_NONE},
        value_double(NAN),
    };
    enum { N = sizeof values / sizeof values[0] };
    struct open_point points[2 * N * N];
    size_t n = 0;
    for (size_t i = 0; i < N; i++) {
        for (size_t k = 0; k < N; k++) {
            points[n] = (struct open_point){(int64_t)n * 1000, values[i], (uint8_t)(n % 3)};
            n++;
            points[n] = (struct open_point){(int64_t)n * 1000, values[k], (uint8_t)(n % 3)};
            n++;
        }
    }
    check(points, n);
}

static void times_of_any_kind_and_order(void **state)
{
    (void)state;
    const int64_t times[] = {0,         1,         INT64_MAX, INT64_MIN, -1,        1000,
                             2000,      3000,      3001,      2000,      2000,      INT64_MIN,
                             INT64_MAX, INT64_MIN, 0,         INT64_MAX, INT64_MAX, 5};
    struct open_point points[sizeof times / sizeof times[0]];
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++)
        points[i] = (struct open_point){times[i], value_double((double)i / 10), 0};
    check(points, sizeof times / sizeof times[0]);
}

static void a_long_text_among_numbers(void **state)
{
    (void)state;
    char *large = malloc(VALUE_TEXT_MAX);
    memset(large, 'x', VALUE_TEXT_MAX);
    struct value v = {VALUE_TEXT, {.text = slice_of(large, VALUE_TEXT_MAX)}};
    const struct open_point points[] = {{1, value_double(1), 0}, {2, v, 1}, {3, v, 2},
                                        {4, text("y"), 0},       {5, v, 0}, {6, whole(7), 0}};
    check(points, sizeof points / sizeof points[0]);
    free(large);
}

/* A thermometer with one decimal place, and one that jitters. */
static void an_ordinary_sensor_is_small(void **state)
{
    (void)state;
    struct open_series *s = NULL;
    uint32_t seed = 1;
    int64_t t = INT64_C(1700000000000000);
    for (int i = 0; i < 1000; i++) {
        seed = seed * 1664525 + 1013904223;
        t += 10 * 1000000 + (seed >> 20) % 64 * 1000;
        assert_int_equal(
            open_series_add(&s, t, value_double((200 + (double)(seed >> 24) / 8) / 10), 0), 0);
    }
    assert_true(open_series_bytes(s) < (size_t)1000 * 9); /* all that is held, spare room too */
    open_series_free(s);
    s = NULL;
    for (int i = 0; i < 1000; i++)
        assert_int_equal(open_series_add(&s, (int64_t)i * MINUTE, value_double(21.5), 0), 0);
    assert_true(open_series_bytes(s) < 2000);
    open_series_free(s);
}

static void who_holds_it_keeps_it(void **state)
{
    (void)state;
    struct open_series *s = NULL;
    struct open_reader r;
    struct open_point p;
    assert_int_equal(open_series_add(&s, MINUTE, whole(7), 0), 0);
    struct open_series *held = open_series_hold(s), *again = open_series_hold(s), *copy = NULL;
    assert_int_equal(open_series_copy(s, &copy), 0);
    open_series_free(s);
    open_series_free(again);
    open_reader_init(&r, held);
    assert_true(open_reader_next(&r, &p));
    assert_true(value_eq(p.value, whole(7)));
    open_series_free(held);
    assert_int_equal(open_series_add(&copy, 2 * MINUTE, whole(8), 0),
                     0); /* a copy is its owner's */
    assert_int_equal(open_series_count(copy), 2);
    open_series_free(copy);
    assert_null(open_series_hold(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_one),
        cmocka_unit_test(every_kind_behind_every_other),
        cmocka_unit_test(times_of_any_kind_and_order),
        cmocka_unit_test(a_long_text_among_numbers),
        cmocka_unit_test(an_ordinary_sensor_is_small),
        cmocka_unit_test(who_holds_it_keeps_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

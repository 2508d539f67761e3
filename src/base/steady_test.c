/* Tests of the time for those who throw away. */
#include "base/steady.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define SECOND INT64_C(1000000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define YEAR (365 * 24 * HOUR)
#define T (50 * YEAR)

static void goes_with_the_clock(void **state)
{
    (void)state;
    struct steady s;
    steady_begin(&s, 0, T, 5);
    for (int64_t d = 0; d < 400 * 24 * HOUR; d += HOUR) /* which may run a little fast or slow */
        assert_int_equal(steady_now(&s, T + d + d / 1000, 5 + d), T + d + d / 1000);
    for (int64_t d = 0; d < 30 * SECOND; d += SECOND)
        assert_int_equal(steady_now(&s, 2 * T - d, 5 + 2 * T), 2 * T - d);
}

static void a_step_forward_counts_when_it_has_stood_for_an_hour(void **state)
{
    (void)state;
    struct steady s;
    steady_begin(&s, 0, T, 0);
    for (int64_t d = MINUTE; d <= HOUR; d += MINUTE)
        assert_int_equal(steady_now(&s, T + YEAR + d, d), T + d);
    assert_int_equal(steady_now(&s, T + YEAR + HOUR + MINUTE, HOUR + MINUTE),
                     T + YEAR + HOUR + MINUTE);
}

static void a_step_for_a_moment_is_forgotten(void **state)
{
    (void)state;
    struct steady s;
    steady_begin(&s, 0, T, 0);
    for (int64_t d = MINUTE; d < 100 * HOUR; d += 50 * MINUTE) {
        assert_int_equal(steady_now(&s, T + YEAR + d, d), T + d);
        assert_int_equal(steady_now(&s, T + d, d), T + d);
    }
}

/* Every step has its own hour. */
static void steps_in_a_row_are_not_one(void **state)
{
    (void)state;
    struct steady s;
    steady_begin(&s, 0, T, 0);
    for (int64_t d = MINUTE; d < 10 * HOUR; d += 50 * MINUTE)
        assert_int_equal(steady_now(&s, T + YEAR + 3 * d, d), T + d);
}

static void a_step_back_counts_at_once(void **state)
{
    (void)state;
    struct steady s;
    steady_begin(&s, 0, T, 0);
    assert_int_equal(steady_now(&s, T - YEAR, SECOND), T - YEAR);
    assert_int_equal(steady_now(&s, T, 2 * SECOND), T - YEAR + SECOND);
}

static void what_was_known_before_counts(void **state)
{
    (void)state;
    struct steady s;
    steady_begin(&s, T, T + 30 * SECOND, 0);
    assert_int_equal(steady_now(&s, T + 31 * SECOND, SECOND), T + 31 * SECOND);
    steady_begin(&s, T, T + YEAR, 0);
    assert_int_equal(steady_now(&s, T + YEAR + SECOND, SECOND), T + SECOND);
    assert_int_equal(steady_now(&s, T + YEAR + HOUR, HOUR), T + YEAR + HOUR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(goes_with_the_clock),
        cmocka_unit_test(a_step_forward_counts_when_it_has_stood_for_an_hour),
        cmocka_unit_test(a_step_for_a_moment_is_forgotten),
        cmocka_unit_test(steps_in_a_row_are_not_one),
        cmocka_unit_test(a_step_back_counts_at_once),
        cmocka_unit_test(what_was_known_before_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

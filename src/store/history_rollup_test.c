/* Tests of roll-ups, upkeep and deletion on real files: whatever order readings, corrections,
 * deletions, flushes and upkeep come in, a bucket says what a model of the readings says. */
#include "store/history_testing.h"

static void any_order(int64_t step, int late_of, int64_t sampling, int rounds)
{
    enum { MOST = 4000 };
    static struct point p[MOST];
    struct series s = {.h = open_history(), .now = START + 1, .policy.sampling_us = sampling};
    for (int round = 0; round < rounds; round++) {
        size_t n = some_readings(&s, p, 1 + draw() % (draw() % 4 ? 100 : MOST), step, late_of);
        bool in_memory = draw() % 4 == 0;
        if (!in_memory)
            flush(&s, p, n);
        else
            n = points_sort(p, n);
        if (draw() % 8 == 0 && !in_memory) {
            int64_t a = START + (int64_t)(draw() % (uint64_t)(s.now - START)),
                    b = a + (int64_t)(draw() % (uint64_t)(3 * HOUR));
            delete_range(&s, a, b);
        }
        if (draw() % 2)
            upkeep(&s, draw() % 2);
        int64_t a = draw() % 2 ? 0 : START + (int64_t)(draw() % (uint64_t)(s.now - START));
        int64_t b = draw() % 2 ? s.now + DAY : a + (int64_t)(draw() % (uint64_t)(2 * DAY));
        for (int tier = 0; tier < ROLLUP_TIERS; tier++)
            check_tier(s.h, &s.m, tier, a, b, in_memory ? p : NULL, in_memory ? n : 0);
        if (in_memory)
            flush(&s, p, n);
    }
    upkeep(&s, true);
    assert_int_equal(ask_file("SELECT count(*) FROM dirty"), 0);
    for (int tier = 0; tier < ROLLUP_TIERS; tier++)
        check_tier(s.h, &s.m, tier, 0, s.now + DAY, NULL, 0);
    check_totals(s.h);
    assert_true(ask_file("SELECT count(*) FROM rollup") > 0);
    history_close(s.h);
    free(s.m.p);
}

static void in_order(void **state)
{
    (void)state;
    any_order(SECOND / 10, 0, SECOND, 60);
}

static void late_and_corrected(void **state)
{
    (void)state;
    any_order(SECOND / 5, 3, SECOND, 60);
}

static void late_now_and_then(void **state)
{
    (void)state;
    any_order(10 * SECOND, 200, MINUTE, 120);
}

static void slow(void **state)
{
    (void)state;
    any_order(HOUR / 7, 50, HOUR, 40);
}

/* A range that reaches over the gap between two covers the gap. */
static void dirty_ranges_are_joined(void **state)
{
    (void)state;
    struct history *h = open_history();
    static const struct history_range ranges[] = {{0, 10}, {20, 30}, {5, 25}, {7, 9}, {40, 50}};
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++)
        assert_int_equal(history_mark_dirty(h, 1, ranges[i].from, ranges[i].to), 0);
    assert_int_equal(ask_file("SELECT count(*) FROM dirty"), 2);
    assert_int_equal(ask_file("SELECT t_to FROM dirty WHERE t_from=0"), 30);
    history_close(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(in_order), TEST(late_and_corrected),      TEST(late_now_and_then),
        TEST(slow),     TEST(dirty_ranges_are_joined),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

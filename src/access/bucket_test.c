/* Buckets fill, are emptied, go into debt; names are bounded in number. */
#include "access/bucket.h"

#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

enum { SECOND = 1000000 };

static void a_bucket_fills_at_its_rate(void **state)
{
    (void)state;
    struct bucket b = {0};
    int64_t wait = 0, t = 5 * SECOND;
    for (int i = 0; i < 20; i++)
        assert_true(bucket_take(&b, 10, 20, 1, t, &wait));
    assert_false(bucket_take(&b, 10, 20, 1, t, &wait));
    assert_in_range(wait, 1, SECOND / 10 + 1);
    assert_true(bucket_take(&b, 10, 20, 1, t + SECOND / 10 + 1, &wait));
    assert_false(bucket_take(&b, 10, 20, 1, t + SECOND / 10 + 1, &wait));
    t += 1000 * (int64_t)SECOND; /* no more than the burst gathers */
    for (int i = 0; i < 20; i++)
        assert_true(bucket_take(&b, 10, 20, 1, t, &wait));
    assert_false(bucket_take(&b, 10, 20, 1, t, &wait));
}

static void a_large_one_passes_and_is_paid_for(void **state)
{
    (void)state;
    struct bucket b = {0};
    int64_t wait = 0, t = 5 * SECOND;
    assert_true(bucket_take(&b, 100, 200, 1200, t, &wait));
    assert_false(bucket_take(&b, 100, 200, 1, t, &wait));
    assert_in_range(wait, 10 * SECOND, 11 * SECOND);
    assert_false(bucket_take(&b, 100, 200, 1, t + 9 * SECOND, &wait));
    assert_true(bucket_take(&b, 100, 200, 1, t + 11 * SECOND, &wait));
}

static void names_are_bounded(void **state)
{
    (void)state;
    struct buckets *b = buckets_new(100);
    int64_t wait = 0;
    assert_non_null(b);
    assert_true(buckets_take(b, SLICE_LIT("ada"), 0.001, 1, &wait));
    assert_false(buckets_take(b, SLICE_LIT("ada"), 0.001, 1, &wait));
    assert_true(buckets_take(b, SLICE_LIT("bo"), 0.001, 1, &wait));
    for (int i = 0; i < 1000; i++) {
        char name[16];
        int n = snprintf(name, sizeof name, "n%d", i);
        assert_true(buckets_take(b, slice_of(name, (size_t)n), 0.001, 1, &wait));
        assert_false(buckets_take(b, SLICE_LIT("ada"), 0.001, 1, &wait)); /* in use: remembered */
    }
    assert_int_equal(buckets_count(b), 100);
    assert_true(buckets_take(b, SLICE_LIT("bo"), 0.001, 1, &wait)); /* forgotten */
    buckets_free(b);
    buckets_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bucket_fills_at_its_rate),
        cmocka_unit_test(a_large_one_passes_and_is_paid_for),
        cmocka_unit_test(names_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

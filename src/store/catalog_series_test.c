/* Tests of the packed series: there and back, and damage is told. */
#include "store/catalog_series.h"

#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct catalog_series series[] = {
    {1, SLICE_LIT("a"), VALUE_DOUBLE, false},  {2, SLICE_LIT("temp-1"), VALUE_NONE, true},
    {300, SLICE_LIT("x"), VALUE_TEXT, false},  {UINT32_MAX, SLICE_LIT("last"), VALUE_BOOL, true},
    {7, SLICE_LIT("falls"), VALUE_INT, false},
};
enum { N = sizeof series / sizeof series[0] };

static void series_come_back(void **state)
{
    (void)state;
    for (size_t n = 0; n <= N; n++) {
        struct arena *a = arena_new();
        struct buf b = {0};
        const struct catalog_series *got;
        size_t got_n;
        catalog_series_pack(&b, series, n);
        assert_int_equal(catalog_series_unpack(buf_slice(&b), a, &got, &got_n), 0);
        assert_int_equal(got_n, n);
        for (size_t i = 0; i < n; i++) {
            assert_int_equal(got[i].series, series[i].series);
            assert_true(slice_eq(got[i].sensor, series[i].sensor));
            assert_int_equal(got[i].kind, series[i].kind);
            assert_int_equal(got[i].retired, series[i].retired);
        }
        buf_release(&b);
        arena_free(a);
    }
}

static void damage_is_told(void **state)
{
    (void)state;
    static const struct {
        struct slice bytes;
        int err;
    } cases[] = {
        {SLICE_LIT(""), ERR_CORRUPT},
        {SLICE_LIT("\2"), ERR_UNSUPPORTED},
        {SLICE_LIT("\1\1"), ERR_CORRUPT},                        /* no kind */
        {SLICE_LIT("\1\1\7\1a"), ERR_CORRUPT},                   /* no such kind */
        {SLICE_LIT("\1\1\1\5a"), ERR_CORRUPT},                   /* an id that is cut */
        {SLICE_LIT("\1\xff\xff\xff\xff\xff\1\1a"), ERR_CORRUPT}, /* too large a number */
    };
    struct arena *a = arena_new();
    const struct catalog_series *got;
    size_t n;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(catalog_series_unpack(cases[i].bytes, a, &got, &n), cases[i].err);
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(series_come_back),
        cmocka_unit_test(damage_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The numerics against values that were worked out by hand; the arithmetic stands beside them. */
#include "analysis/charts.h"
#include "analysis/forest.h"
#include "analysis/series.h"
#include "analysis/together.h"
#include "analysis/window.h"
#include "base/err.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define NEAR(a, b, within) assert_true(fabs((a) - (b)) <= (within))
#define CLOSE(a, b) NEAR(a, b, 1e-9)
#define COUNT(x) (sizeof(x) / sizeof *(x))

static uint64_t seed;

static double uniform(void) /* 0 <= .. < 1; Knuth's MMIX */
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (double)(seed >> 11) * 0x1p-53;
}

static double normal(void)
{
    double sum = -6;
    for (int i = 0; i < 12; i++)
        sum += uniform();
    return sum;
}

static void window_by_hand(void **state)
{
    (void)state;
    struct window w;
    assert_int_equal(window_init(&w, 1, true), ERR_INVALID);
    assert_int_equal(window_init(&w, 5, true), 0);
    assert_true(isnan(window_mean(&w)) && isnan(window_median(&w)) && isnan(window_z(&w, 1)));
    static const double x[] = {100, 1, 2, NAN, 3, 4, 10}; /* 100 is gone, NAN never came */
    for (size_t i = 0; i < COUNT(x); i++)
        window_push(&w, x[i]);
    CLOSE(window_mean(&w), 4);
    CLOSE(window_deviation(&w), sqrt(12.5)); /* (9 + 4 + 1 + 0 + 36) / 4 */
    CLOSE(window_median(&w), 3);
    CLOSE(window_mad(&w), 1); /* of 2 1 0 1 7 */
    CLOSE(window_robust_z(&w, 10), 0.6745 * 7);
    CLOSE(window_z(&w, 4 + sqrt(12.5)), 1);
    window_drop(&w, 2); /* 3 4 10 */
    CLOSE(window_median(&w), 4);
    CLOSE(window_mean(&w), 17.0 / 3);
    window_push(&w, 20); /* 3 4 10 20: of 4 3 3 13 the middle of 3 and 4 */
    CLOSE(window_median(&w), 7);
    CLOSE(window_mad(&w), 3.5);
    window_clear(&w);
    for (int i = 0; i < 4; i++)
        window_push(&w, 5);
    window_push(&w, 6); /* median 5, MAD 0, mean absolute deviation 0.2 */
    CLOSE(window_robust_z(&w, 6), 1 / (1.2533 * 0.2));
    window_release(&w);
}

/* Against sorting and summing anew, over numbers that are large and come again. */
static void window_over_a_long_time(void **state)
{
    (void)state;
    struct window w;
    double all[3000], copy[50];
    seed = 7;
    assert_int_equal(window_init(&w, 50, true), 0);
    for (size_t i = 0; i < COUNT(all); i++) {
        all[i] = 1e6 + floor(uniform() * 20);
        window_push(&w, all[i]);
        size_t n = i + 1 < 50 ? i + 1 : 50;
        double m = 0, ss = 0;
        for (size_t k = 0; k < n; k++)
            m += (copy[k] = all[i + 1 - n + k]) / (double)n;
        for (size_t k = 0; k < n; k++)
            ss += (copy[k] - m) * (copy[k] - m);
        double median = median_of(copy, n);
        for (size_t k = 0; k < n; k++)
            copy[k] = fabs(copy[k] - median);
        NEAR(window_mean(&w), m, 1e-6);
        CLOSE(window_median(&w), median);
        CLOSE(window_mad(&w), median_of(copy, n));
        if (n > 1)
            NEAR(window_deviation(&w), sqrt(ss / (double)(n - 1)), 1e-6);
    }
    window_release(&w);
}

static void ewma_by_hand(void **state)
{
    (void)state;
    struct ewma e;
    ewma_init(&e, 0.5, 2);
    baseline_given(&e.base, 10, 2);
    CLOSE(ewma_step(&e, 14), 2 / (2 * sqrt(1.0 / 3 * 0.75))); /* z = 12 */
    CLOSE(ewma_step(&e, 8), 0);                               /* z = 10 */
    assert_true(isnan(ewma_step(&e, NAN)));
    CLOSE(ewma_step(&e, 6), -2 / (2 * sqrt(1.0 / 3 * (1 - 1.0 / 64))));
    ewma_init(&e, 0.2, 3); /* learns 1 2 3: mean 2, deviation 1 */
    for (double x = 1; x <= 3; x++)
        assert_true(isnan(ewma_step(&e, x)));
    CLOSE(ewma_step(&e, 4), 0.4 / sqrt(0.2 / 1.8 * (1 - 0.64)));
}

static void cusum_by_hand(void **state)
{
    (void)state;
    struct cusum c;
    cusum_init(&c, 0.5, 2);
    baseline_given(&c.base, 0, 1);
    CLOSE(cusum_step(&c, 0.2), 0);
    CLOSE(cusum_step(&c, 2), 1.5);
    CLOSE(cusum_step(&c, 2), 3);
    assert_int_equal(c.up_since, 2);
    CLOSE(cusum_step(&c, -4), -3.5); /* up is 0 again */
    assert_int_equal(c.down_since, 1);
    cusum_reset(&c);
    CLOSE(cusum_step(&c, -1), -0.5);
}

static void page_hinkley_by_hand(void **state)
{
    (void)state;
    struct page_hinkley p;
    page_hinkley_init(&p, 0.5);
    /* up: 0 - 0 - 0.5 = -0.5, its least; then mean 2: 4 - 2 - 0.5 more; then mean 3: 5 - 3 - 0.5 */
    CLOSE(page_hinkley_step(&p, 0), 0);
    CLOSE(page_hinkley_step(&p, 4), 1.5);
    CLOSE(page_hinkley_step(&p, 5), 3);
    page_hinkley_init(&p, 0.5);
    page_hinkley_step(&p, 0);
    CLOSE(page_hinkley_step(&p, -4), -1.5);
}

/* A season of three with a trend is forecast without error; what comes then is off by so much. */
static void holt_winters_by_hand(void **state)
{
    (void)state;
    struct holt_winters h;
    static const double season[] = {1, -3, 2};
    assert_int_equal(holt_winters_init(&h, 0, .1, .1, .1), ERR_INVALID);
    assert_int_equal(holt_winters_init(&h, 3, 0, .1, .1), ERR_INVALID);
    assert_int_equal(holt_winters_init(&h, 3, .2, .1, .3), 0);
    for (size_t i = 0; i < 30; i++) {
        double x = 10 + 0.5 * (double)i + season[i % 3];
        if (i >= 6)
            CLOSE(holt_winters_forecast(&h), x);
        holt_winters_step(&h, x);
    }
    holt_winters_release(&h);
    /* noise of one deviation: scores are of about one; and a jump of ten stands out */
    seed = 3;
    assert_int_equal(holt_winters_init(&h, 24, .1, .01, .1), 0);
    double squares = 0;
    for (size_t i = 0; i < 2048; i++) {
        double s = holt_winters_step(&h, 5 * sin((double)i * 2 * 3.14159265358979 / 24) + normal());
        if (i >= 1048)
            squares += s * s;
    }
    NEAR(sqrt(squares / 1000), 1, 0.1);
    assert_true(holt_winters_step(&h, 5 * sin(2048 * 2 * 3.14159265358979 / 24) + 10) > 6);
    holt_winters_release(&h);
}

static void forest_tells_what_is_odd(void **state)
{
    (void)state;
    struct forest *f, *g;
    struct forest_opts o = {.sensors = 2, .learn = 500, .seed = 5};
    assert_int_equal(forest_new(&(struct forest_opts){.sensors = 0, .learn = 9}, &f), ERR_INVALID);
    assert_int_equal(forest_new(&o, &f), 0);
    assert_int_equal(forest_new(&o, &g), 0);
    seed = 11;
    for (int i = 0; i < 500; i++) {
        double row[2] = {normal(), normal()};
        assert_true(isnan(forest_step(f, row)));
        forest_step(g, row);
    }
    double middle[2] = {0, 0}, far[2] = {8, -8}, bad[2] = {NAN, 0};
    assert_true(forest_step(f, middle) < 0.5);
    assert_true(forest_step(f, far) > 0.7);
    assert_true(isnan(forest_step(f, bad)));
    assert_true(forest_step(f, far) == forest_step(g, far)); /* the seed decides */
    forest_free(f);
    forest_free(g);
    /* rows that are all the same cannot be told apart */
    assert_int_equal(forest_new(&o, &f), 0);
    for (int i = 0; i < 500; i++)
        forest_step(f, middle);
    NEAR(forest_step(f, middle), 0.5, 1e-9);
    forest_free(f);
}

/* y = 2x + noise: a row that breaks this is out by Q, one that goes on along it by T-squared. */
static void together_tells_what_does_not_go_together(void **state)
{
    (void)state;
    struct together *t;
    struct together_opts o = {.sensors = 2, .learn = 400, .explained = 0.9};
    assert_int_equal(together_new(&(struct together_opts){.sensors = 2, .learn = 15}, &t),
                     ERR_INVALID);
    assert_int_equal(together_new(&o, &t), 0);
    seed = 2;
    for (int i = 0; i < 400; i++) {
        double x = normal(), row[2] = {x, 2 * x + 0.1 * normal()};
        assert_true(isnan(together_step(t, row)));
    }
    int out = 0;
    for (int i = 0; i < 1000; i++) {
        double x = normal(), row[2] = {x, 2 * x + 0.1 * normal()};
        out += together_step(t, row) > 1;
    }
    assert_in_range(out, 3, 50);
    assert_int_equal(together_parts(t).components, 1);
    together_step(t, (double[]){1, -1});
    assert_true(together_parts(t).q > 1 && together_parts(t).t2 < 1);
    together_step(t, (double[]){6, 12});
    assert_true(together_parts(t).q < 1 && together_parts(t).t2 > 1);
    together_free(t);
}

static void resampling(void **state)
{
    (void)state;
    static const int64_t t[] = {5, 12, 14, 31, 33};
    static const double v[] = {1, 2, 4, 6, NAN};
    double r[5];
    resample(&(struct grid){10, 10, 18, 5}, t, v, 5, r);
    CLOSE(r[0], 3);
    CLOSE(r[1], 4); /* at 30 it is 16 old */
    CLOSE(r[2], 6);
    assert_true(isnan(r[3])); /* at 50, what came at 31 is too old */
    assert_true(isnan(r[4]));
}

static void correlations(void **state)
{
    (void)state;
    double x[200], y[200];
    seed = 9;
    for (size_t i = 0; i < 200; i++)
        x[i] = normal();
    for (size_t i = 0; i < 200; i++)
        y[i] = i < 7 ? 0 : -3 * x[i - 7] + 100;
    struct correlation c = correlation_best(x, y, 200, -20, 20);
    assert_int_equal(c.lag, 7); /* x is ahead */
    CLOSE(c.r, -1);
    static const double a[] = {1, 2, 3, 4}, b[] = {1, 3, 2, 5}; /* 5.5 / sqrt(5 * 8.75) */
    CLOSE(correlation_at(a, b, 4, 0), 5.5 / sqrt(5 * 8.75));
    static const double flat[] = {1, 1, 1, 1};
    assert_true(isnan(correlation_at(a, flat, 4, 0)));
    assert_true(isnan(correlation_at(a, b, 4, 9)));
}

static void onsets(void **state)
{
    (void)state;
    double x[600], scratch[600];
    struct onset_opts o = {.quiet = 300};
    for (seed = 1; seed < 4000; seed += 100) {
        uint64_t began = seed;
        for (size_t i = 0; i < 600; i++)
            x[i] = 20 + 0.5 * normal() + (i >= 450 ? 2 : 0);
        struct onset s = onset_find(x, 600, &o, scratch);
        assert_true(s.found);
        assert_in_range(s.at, 445, 453);
        NEAR(s.size, 4, 1);
        for (size_t i = 450; i < 600; i++) /* falls slowly */
            x[i] -= 2 + 0.05 * (double)(i - 450);
        s = onset_find(x, 600, &o, scratch);
        assert_true(s.found && s.size < 0);
        assert_in_range(s.at, 440, 500);
        for (size_t i = 450; i < 600; i++)
            x[i] = 20 + 0.5 * normal();
        x[500] = 1000; /* one outlier is no change */
        assert_false(onset_find(x, 600, &o, scratch).found);
        seed = began;
    }
    assert_false(onset_find(x, 2, &o, scratch).found);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(window_by_hand),
        cmocka_unit_test(window_over_a_long_time),
        cmocka_unit_test(ewma_by_hand),
        cmocka_unit_test(cusum_by_hand),
        cmocka_unit_test(page_hinkley_by_hand),
        cmocka_unit_test(holt_winters_by_hand),
        cmocka_unit_test(forest_tells_what_is_odd),
        cmocka_unit_test(together_tells_what_does_not_go_together),
        cmocka_unit_test(resampling),
        cmocka_unit_test(correlations),
        cmocka_unit_test(onsets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

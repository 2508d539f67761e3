/* Tests of the folds: random series, given as points, columns and sums, in runs of any length, with
 * turns that end anywhere, compared with a computation that has all points before it. */
#include "core/past.h"

#include "base/err.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#define SECOND INT64_C(1000000)
#define HOUR (3600 * SECOND)
#define DAY (24 * HOUR)

enum { MANY = 5000, ROWS = 40000 };

static uint64_t seed = 88172645463325252u;

static uint64_t draw(void) /* xorshift */
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

/* Times that rise from near `from`, with gaps now and then; doubles that add up exactly. */
static size_t random_series(struct point *p, size_t n, int64_t from, int64_t step)
{
    int64_t t = from + (int64_t)(draw() % (uint64_t)step);
    for (size_t i = 0; i < n; i++) {
        p[i] = (struct point){.t_us = t, .type = VALUE_DOUBLE};
        p[i].as.d = (double)(int64_t)(draw() % 20000 - 10000) / 64;
        t += 1 + (int64_t)(draw() % (uint64_t)step) * (draw() % 50 ? 1 : 40);
    }
    return n;
}

/* ---- rows that came out ---- */

struct row {
    int64_t t_us;
    struct value v[FN_N];
};

struct rows {
    struct row *row;
    size_t n;
    bool interrupts;
    int turns;
};

static bool on_row(void *arg, const struct history_row *row)
{
    struct rows *r = arg;
    assert_true(r->n < ROWS);
    assert_true(r->n == 0 || row->t_us > r->row[r->n - 1].t_us);
    r->row[r->n].t_us = row->t_us;
    for (size_t i = 0; i < row->n; i++)
        r->row[r->n].v[i] = row->values[i];
    r->n++;
    return r->interrupts && draw() % 5 == 0;
}

enum form { POINTS = 1, COLUMNS = 2, SUMS = 4 };

static struct history_sum sum_of(const struct point *p, size_t n)
{
    struct history_sum s = {.t_min = p[0].t_us,
                            .t_max = p[n - 1].t_us,
                            .n = n,
                            .least = p[0].as.d,
                            .greatest = p[0].as.d,
                            .first = p[0].as.d,
                            .last = p[n - 1].as.d,
                            .t_least = p[0].t_us,
                            .t_greatest = p[0].t_us};
    for (size_t i = 0; i < n; i++) {
        s.t_least = p[i].as.d < s.least ? p[i].t_us : s.t_least;
        s.t_greatest = p[i].as.d > s.greatest ? p[i].t_us : s.t_greatest;
        s.least = fmin(s.least, p[i].as.d);
        s.greatest = fmax(s.greatest, p[i].as.d);
        s.sum += p[i].as.d;
    }
    return s;
}

/* Up to its end, in sums as a scan gives them.  Whatever the fold wants to know of later points. */
static int give_sums(struct fold *f, const struct point *p, size_t n)
{
    int code = 0;
    for (size_t i = 0, to; i < n && !code; i = to) {
        int64_t end = f->kind->until(f, p[i].t_us, p[n - 1].t_us);
        assert_true(end > p[i].t_us);
        for (to = i; to < n && p[to].t_us < end;)
            to++;
        struct history_sum sum = sum_of(p + i, to - i);
        code = f->kind->take(f, &(struct history_run){.n = sum.n, .sum = &sum});
    }
    return code;
}

static int give(struct fold *f, const struct point *p, size_t n, unsigned forms)
{
    static int64_t times[MANY];
    static double numbers[MANY];
    struct history_run run = {.n = n};
    unsigned form = 1u << draw() % 3;
    bool doubles = true;
    for (size_t i = 0; i < n; i++)
        doubles &= p[i].type == VALUE_DOUBLE;
    if (doubles && (forms & form & SUMS) && f->kind->until &&
        f->kind->until(f, p[0].t_us, p[n - 1].t_us) > p[0].t_us)
        return give_sums(f, p, n);
    if (doubles && (forms & form & COLUMNS) && f->kind->columns) {
        for (size_t i = 0; i < n; i++) {
            times[i] = p[i].t_us;
            numbers[i] = p[i].as.d;
        }
        run.times = times;
        run.numbers = numbers;
    } else {
        run.points = p;
    }
    return f->kind->take(f, &run);
}

/* As past.c goes on: behind what was taken. */
static void run_fold(const struct history_query *q, const struct point *p, size_t n, unsigned forms,
                     struct rows *ret)
{
    struct fold *f = fold_new(q, on_row, ret);
    assert_non_null(f);
    int code = 0;
    ret->n = 0;
    for (size_t i = 0; i < n && !f->ended;) {
        size_t length = 1 + draw() % 300;
        length = length > n - i ? n - i : length;
        code = give(f, p + i, length, forms);
        if (code != FOLD_FULL) {
            assert_int_equal(code, 0);
            i += length;
            continue;
        }
        ret->turns++;
        while (i < n && p[i].t_us < f->resume_us)
            i++;
    }
    while ((code = f->kind->end(f)) == FOLD_FULL)
        ret->turns++;
    assert_int_equal(code, 0);
    fold_free(f);
}

static bool near(struct value a, double b)
{
    return fabs(value_as_double(a) - b) <= 1e-9 * fmax(1, fabs(b));
}

/* ---- steps ---- */

/* The beginning of a step in UTC, by the C library's calendar. */
static int64_t reference_start(const struct step *s, int64_t t_us)
{
    time_t t = (time_t)floor((double)t_us / 1e6);
    struct tm tm;
    gmtime_r(&t, &tm);
    tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
    if (s->unit == STEP_US)
        return (int64_t)floor((double)t_us / (double)s->n) * s->n;
    if (s->unit == STEP_WEEK)
        tm.tm_mday -= (tm.tm_wday + 6) % 7;
    if (s->unit == STEP_MONTH || s->unit == STEP_YEAR)
        tm.tm_mday = 1;
    if (s->unit == STEP_YEAR)
        tm.tm_mon = 0;
    return timegm(&tm) * SECOND;
}

struct reference {
    int64_t start;
    double v[FN_N];
};

static size_t reference_steps(const struct step *s, const struct point *p, size_t n,
                              struct reference *out)
{
    size_t steps = 0;
    for (size_t i = 0, to; i < n; i = to) {
        struct reference *r = &out[steps++];
        r->start = reference_start(s, p[i].t_us);
        for (to = i; to < n && reference_start(s, p[to].t_us) == r->start;)
            to++;
        struct history_sum sum = sum_of(p + i, to - i);
        double count = (double)(to - i);
        *r = (struct reference){r->start,
                                {[FN_MEAN] = sum.sum / count,
                                 [FN_MIN] = sum.least,
                                 [FN_MAX] = sum.greatest,
                                 [FN_FIRST] = sum.first,
                                 [FN_LAST] = sum.last,
                                 [FN_COUNT] = count,
                                 [FN_SUM] = sum.sum}};
    }
    return steps;
}

static const struct step tried_steps[] = {
    {.n = 7 * SECOND},   {.n = 60 * SECOND},   {.n = HOUR},           {.n = 6 * HOUR},
    {1, STEP_DAY, NULL}, {1, STEP_WEEK, NULL}, {1, STEP_MONTH, NULL}, {1, STEP_YEAR, NULL},
};
enum { TRIED = sizeof tried_steps / sizeof tried_steps[0] };

static struct history_query steps_query(const struct step *s, const struct point *p, size_t n)
{
    struct history_query q = {.from_us = p[0].t_us,
                              .to_us = p[n - 1].t_us + 1,
                              .how = PAST_STEPS,
                              .every = *s,
                              .fns_n = FN_N};
    for (size_t i = 0; i < FN_N; i++)
        q.fns[i] = (enum history_fn)i;
    return q;
}

static void steps_are_what_all_points_come_to(void **state)
{
    (void)state;
    struct point *p = malloc(MANY * sizeof *p);
    struct reference *expected = malloc(MANY * sizeof *expected);
    struct rows got = {.row = malloc(ROWS * sizeof *got.row)};
    for (unsigned round = 0; round < 60; round++) {
        const struct step *s = &tried_steps[round % TRIED];
        int64_t length = s->unit == STEP_US ? s->n : 40 * DAY;
        size_t n = random_series(p, 1 + draw() % MANY,
                                 (int64_t)(draw() % 40000) * DAY - 20000 * DAY, 1 + length / 20);
        struct history_query q = steps_query(s, p, n);
        got.interrupts = round % 2;
        run_fold(&q, p, n, round % 8, &got);
        size_t steps = reference_steps(s, p, n, expected);
        assert_int_equal(got.n, steps);
        for (size_t i = 0; i < steps; i++) {
            assert_int_equal(got.row[i].t_us, expected[i].start);
            for (size_t k = 0; k < FN_N; k++)
                assert_true(near(got.row[i].v[k], expected[i].v[k]));
        }
    }
    assert_true(got.turns > 100); /* they were interrupted */
    free(p);
    free(expected);
    free(got.row);
}

/* Each step from that of `from` to that of the last moment, what is empty by the rule. */
static void check_filled(const struct history_query *q, const struct rows *got,
                         const struct reference *expected, size_t steps)
{
    size_t at = 0, row = 0;
    for (int64_t t = reference_start(&q->every, q->from_us); t < q->to_us; t += q->every.n, row++) {
        assert_true(row < got->n);
        assert_int_equal(got->row[row].t_us, t);
        struct value v = got->row[row].v[0];
        if (at < steps && expected[at].start == t) {
            assert_true(near(v, expected[at++].v[FN_MEAN]));
        } else if (q->fill == FILL_NUMBER) {
            assert_true(v.as.d == q->fill_number);
        } else if (q->fill == FILL_NULL || !at || (q->fill == FILL_LINEAR && at == steps)) {
            assert_int_equal(v.type, VALUE_NONE);
        } else {
            const struct reference *a = &expected[at - 1];
            double share = (double)(t - a->start) / (double)(expected[at].start - a->start);
            assert_true(
                near(v, q->fill == FILL_PREVIOUS
                            ? a->v[FN_MEAN]
                            : a->v[FN_MEAN] + (expected[at].v[FN_MEAN] - a->v[FN_MEAN]) * share));
        }
    }
    assert_int_equal(row, got->n);
}

static void gaps_are_filled_by_the_rule(void **state)
{
    (void)state;
    struct point *p = malloc(MANY * sizeof *p);
    struct reference *expected = calloc(MANY + 1, sizeof *expected);
    struct rows got = {.row = malloc(ROWS * sizeof *got.row)};
    static const enum history_fill fills[] = {FILL_NULL, FILL_PREVIOUS, FILL_LINEAR, FILL_NUMBER};
    for (unsigned round = 0; round < 40; round++) {
        size_t n = random_series(p, 1 + draw() % 500, 1700000000 * SECOND, 20 * SECOND);
        const struct step s = {.n = 7 * SECOND};
        struct history_query q = steps_query(&s, p, n);
        q.fns_n = 1;
        q.fill = fills[round % 4];
        q.fill_number = -7.5;
        q.from_us -= (int64_t)(draw() % 100) * SECOND;
        q.to_us += (int64_t)(draw() % 100) * SECOND;
        got.interrupts = round / 4 % 2;
        run_fold(&q, p, n, round % 8, &got);
        check_filled(&q, &got, expected, reference_steps(&s, p, n, expected));
    }
    struct history_query q = steps_query(&tried_steps[0], &(struct point){.t_us = 0}, 1);
    q.to_us = 70 * SECOND;
    q.fill = FILL_NULL;
    run_fold(&q, NULL, 0, POINTS, &got); /* nothing at all */
    assert_int_equal(got.n, 10);
    free(p);
    free(expected);
    free(got.row);
}

static struct point text_point(int64_t t, const char *text)
{
    struct point p;
    assert_int_equal(point_make(t, (struct value){VALUE_TEXT, {.text = slice_str(text)}}, 0, &p),
                     0);
    return p;
}

/* The texts of rows must be looked at while they live. */
static bool on_text(void *arg, const struct history_row *row)
{
    char *out = arg;
    for (size_t i = 0; i < row->n; i++) {
        const struct value *v = &row->values[i];
        if (v->type == VALUE_TEXT)
            sprintf(out + strlen(out), "%.*s ", SLICE_ARG(v->as.text));
        else if (v->type == VALUE_BOOL)
            sprintf(out + strlen(out), "%s ", v->as.b ? "true" : "false");
        else if (v->type == VALUE_NONE)
            strcat(out, "- ");
        else
            sprintf(out + strlen(out), "%g ", value_as_double(*v));
    }
    strcat(out, "; ");
    return false;
}

static void texts_and_booleans_in_steps(void **state)
{
    (void)state;
    struct point texts[] = {text_point(1, "a"), text_point(2, "b"), text_point(SECOND + 1, "c")};
    struct point flags[] = {{.t_us = 1, .type = VALUE_BOOL, .as.b = true},
                            {.t_us = 2, .type = VALUE_BOOL, .as.b = false},
                            {.t_us = 3, .type = VALUE_BOOL, .as.b = true}};
    struct history_query q = {.to_us = 3 * SECOND,
                              .how = PAST_STEPS,
                              .every = {.n = SECOND},
                              .fns = {FN_FIRST, FN_LAST, FN_COUNT, FN_MEAN},
                              .fns_n = 4,
                              .fill = FILL_PREVIOUS};
    char out[256] = "";
    struct fold *f = fold_new(&q, on_text, out);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(f->kind->take(f, &(struct history_run){.n = 1, .points = &texts[i]}), 0);
    assert_int_equal(f->kind->end(f), 0);
    fold_free(f);
    assert_string_equal(out, "a b 2 - ; c c 1 - ; c c 1 - ; ");
    strcpy(out, "");
    q.fns[0] = FN_MIN;
    q.fns[1] = FN_MAX;
    q.fill = FILL_NONE;
    f = fold_new(&q, on_text, out);
    assert_int_equal(f->kind->take(f, &(struct history_run){.n = 3, .points = flags}), 0);
    assert_int_equal(f->kind->end(f), 0);
    fold_free(f);
    assert_string_equal(out, "false true 3 0.666667 ; ");
    for (size_t i = 0; i < 3; i++)
        point_release(&texts[i]);
}

/* ---- thinned ---- */

static bool has(const struct rows *r, const struct point *p)
{
    for (size_t i = 0; i < r->n; i++)
        if (r->row[i].t_us == p->t_us)
            return r->row[i].v[0].as.d == p->as.d;
    return false;
}

static void check_thinned(const struct rows *got, const struct point *p, size_t n, size_t limit,
                          bool extremes)
{
    size_t at = 0, low = 0, high = 0;
    assert_true(got->n <= limit);
    if (n <= limit)
        assert_int_equal(got->n, n);
    for (size_t i = 0; i < got->n; i++, at++) { /* real ones, in order */
        while (at < n && p[at].t_us < got->row[i].t_us)
            at++;
        assert_true(at < n && p[at].t_us == got->row[i].t_us &&
                    p[at].as.d == got->row[i].v[0].as.d);
    }
    for (size_t i = 0; i < n; i++) {
        low = p[i].as.d < p[low].as.d ? i : low;
        high = p[i].as.d > p[high].as.d ? i : high;
    }
    assert_true(has(got, &p[0]) && has(got, &p[n - 1]));
    if (extremes)
        assert_true(has(got, &p[low]) && has(got, &p[high]));
}

static void thinning_gives_real_points_with_extremes(void **state)
{
    (void)state;
    struct point *p = malloc(MANY * sizeof *p);
    struct rows one = {.row = malloc(ROWS * sizeof *one.row)};
    struct rows other = {.row = malloc(ROWS * sizeof *other.row), .interrupts = true};
    for (unsigned round = 0; round < 60; round++) {
        size_t n = random_series(p, 1 + draw() % MANY, -5 * DAY, 1 + (int64_t)(draw() % 100000));
        struct history_query q = {
            .from_us = INT64_MIN, .to_us = INT64_MAX, .how = PAST_THIN, .limit = 4 + draw() % 1000};
        run_fold(&q, p, n, POINTS, &one);
        check_thinned(&one, p, n, q.limit, true);
        run_fold(&q, p, n, POINTS | COLUMNS | SUMS, &other); /* the same, however it comes */
        assert_int_equal(one.n, other.n);
        for (size_t i = 0; i < one.n; i++)
            assert_int_equal(one.row[i].t_us, other.row[i].t_us);
        q.how = PAST_LTTB;
        run_fold(&q, p, n, POINTS | COLUMNS | SUMS, &one);
        check_thinned(&one, p, n, q.limit, false);
        assert_true(one.n <= q.limit && (n < 4 * q.limit || one.n == q.limit));
    }
    free(p);
    free(one.row);
    free(other.row);
}

static void thinning_the_whole_of_time(void **state)
{
    (void)state;
    struct rows got = {.row = malloc(ROWS * sizeof *got.row)};
    struct point p[12];
    for (size_t i = 0; i < 12; i++)
        p[i] = (struct point){.t_us = i < 6 ? INT64_MIN + (int64_t)i : INT64_MAX - 12 + (int64_t)i,
                              .type = VALUE_DOUBLE,
                              .as.d = (double)(i * 7 % 12)};
    struct history_query q = {
        .from_us = INT64_MIN, .to_us = INT64_MAX, .how = PAST_THIN, .limit = 4};
    run_fold(&q, p, 12, POINTS | COLUMNS | SUMS, &got);
    check_thinned(&got, p, 12, 4, false);
    free(got.row);
}

static void largest_triangles_keep_a_spike(void **state)
{
    (void)state;
    struct point p[1000];
    for (size_t i = 0; i < 1000; i++)
        p[i] = (struct point){.t_us = (int64_t)i, .type = VALUE_DOUBLE, .as.d = i == 437 ? 50 : 0};
    size_t n = lttb(p, 1000, 20);
    assert_int_equal(n, 20);
    assert_true(p[0].t_us == 0 && p[19].t_us == 999);
    double most = 0;
    for (size_t i = 0; i < n; i++)
        most = fmax(most, p[i].as.d);
    assert_true(most == 50);
}

static void raw_is_what_it_was_up_to_the_limit(void **state)
{
    (void)state;
    struct point *p = malloc(MANY * sizeof *p);
    struct rows got = {.row = malloc(ROWS * sizeof *got.row), .interrupts = true};
    size_t n = random_series(p, 3000, 0, 1000);
    struct history_query q = {.to_us = INT64_MAX, .how = PAST_RAW};
    run_fold(&q, p, n, POINTS, &got);
    assert_int_equal(got.n, n);
    q.limit = 1234;
    run_fold(&q, p, n, POINTS, &got);
    assert_int_equal(got.n, 1234);
    for (size_t i = 0; i < got.n; i++)
        assert_true(got.row[i].t_us == p[i].t_us && got.row[i].v[0].as.d == p[i].as.d);
    free(p);
    free(got.row);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_are_what_all_points_come_to),
        cmocka_unit_test(gaps_are_filled_by_the_rule),
        cmocka_unit_test(texts_and_booleans_in_steps),
        cmocka_unit_test(thinning_gives_real_points_with_extremes),
        cmocka_unit_test(thinning_the_whole_of_time),
        cmocka_unit_test(largest_triangles_keep_a_spike),
        cmocka_unit_test(raw_is_what_it_was_up_to_the_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Tests of what questions are answered from: the same answers from readings and from roll-ups, and
 * the best there is when readings have expired. */
#include "core/core_testing.h"
#include "core/internal.h"

#define SECOND INT64_C(1000000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

enum { N = 3 * 8640 }; /* three days, a reading every ten seconds */

static double value_at(int i)
{
    return (double)(i * 7919 % 1000) / 4;
}

static int64_t time_at(int i)
{
    return NOW - 3 * DAY + i * 10 * SECOND;
}

static void on_erase(void *arg, const struct erase_result *r)
{
    struct world *w = arg;
    assert_int_equal(r->err, 0);
    loop_stop(w->loop);
}

static void make_past(struct world *w)
{
    clock_set(NOW);
    w->core->upkeep_due_us = INT64_MAX; /* it is done here, when it is wanted */
    assert_int_equal(put(w, TWIN_CREATE, profile, 0).err, 0);
    struct ingest_source src = {"test", "peer", SLICE_LIT("topic"), BODY_JSON,
                                core_system(w->core).who};
    struct ingest *in = ingest_begin(w->core, &src);
    for (int i = 0; i < N; i++)
        ingest_value(in, sensor_of(w, "temp"), time_at(i), value_double(value_at(i)), QUALITY_GOOD);
    assert_int_equal(commit(w, in).accepted, N);
    core_erase(w->core, (const struct asker[]){core_system(w->core)}, sensor_of(w, "temp"), 0, 1,
               on_erase, w); /* and so into history */
    loop_run(w->loop);
}

static void look_after(struct world *w, struct history_policy policy)
{
    struct history_care care = {sensor_of(w, "temp")->series, policy};
    bool more = true;
    while (more) {
        size_t done = 0;
        assert_int_equal(history_upkeep(w->core->history, &care, 1, &done, 1000000, &more), 0);
    }
}

static const struct history_policy quarter = {.keep_us = 90 * DAY, .sampling_us = MINUTE};

static struct history_query steps(int64_t from, int64_t to, int64_t every, enum history_fn fn)
{
    return (struct history_query){.from_us = from,
                                  .to_us = to,
                                  .how = PAST_STEPS,
                                  .every = {.n = every, .unit = STEP_US},
                                  .fns = {fn},
                                  .fns_n = 1};
}

static void same_rows(const struct past *a, const struct past *b)
{
    assert_int_equal(a->n, b->n);
    for (size_t i = 0; i < a->n && i < 5000; i++) {
        assert_true(a->points[i].t_us == b->points[i].t_us);
        double x = value_as_double(point_value(&a->points[i]));
        double y = value_as_double(point_value(&b->points[i]));
        assert_true(fabs(x - y) <= 1e-9 * (1 + fabs(x)));
    }
}

static void roll_ups_say_what_readings_say(void **state)
{
    struct world *w = *state;
    static const int64_t every[] = {MINUTE, 7 * MINUTE, HOUR, 5 * HOUR, DAY, 90 * SECOND};
    static const int64_t widths[] = {MINUTE, MINUTE, HOUR, HOUR, DAY, 0};
    static const int64_t from[] = {NOW - 3 * DAY, NOW - 2 * DAY - 12345678, NOW - DAY + 1};
    enum { EVERY = 6, FROM = 3 };
    struct past *before[EVERY][FROM][FN_N];
    make_past(w);
    for (int e = 0; e < EVERY; e++)
        for (int f = 0; f < FROM; f++)
            for (enum history_fn fn = 0; fn < FN_N; fn++)
                before[e][f][fn] = ask(w, "temp", steps(from[f], NOW - 77, every[e], fn));
    look_after(w, quarter);
    struct history_stats stats;
    assert_int_equal(history_stats(w->core->history, &stats), 0);
    assert_true(stats.rollup_rows > 0);
    for (int e = 0; e < EVERY; e++) {
        for (int f = 0; f < FROM; f++) {
            for (enum history_fn fn = 0; fn < FN_N; fn++) {
                struct past *p = ask(w, "temp", steps(from[f], NOW - 77, every[e], fn));
                same_rows(before[e][f][fn], p);
                assert_true(f > 0 || p->width_us == widths[e]);
                free(before[e][f][fn]);
                free(p);
            }
        }
    }
}

/* A correction and a deletion are in the next answer. */
static void corrections_are_in_it(void **state)
{
    struct world *w = *state;
    make_past(w);
    look_after(w, quarter);
    int64_t at = rollup_floor(NOW - 2 * DAY, HOUR);
    struct history_query q = steps(at, at + HOUR, HOUR, FN_MAX);
    struct ingest_source src = {"test", "peer", SLICE_LIT("topic"), BODY_JSON,
                                core_system(w->core).who};
    struct ingest *in = ingest_begin(w->core, &src);
    ingest_value(in, sensor_of(w, "temp"), at + MINUTE, value_double(5000), QUALITY_GOOD);
    assert_int_equal(commit(w, in).accepted, 1);
    struct past *p = ask(w, "temp", q); /* it is in memory */
    assert_true(p->points[0].as.d == 5000 && p->width_us == HOUR);
    free(p);
    core_erase(w->core, (const struct asker[]){core_system(w->core)}, sensor_of(w, "temp"),
               at + MINUTE, at + MINUTE + 1, on_erase, w);
    loop_run(w->loop);
    p = ask(w, "temp", q); /* it is in history, and gone again */
    assert_true(p->points[0].as.d < 250);
    free(p);
}

static void what_is_gone_is_told_by_roll_ups(void **state)
{
    struct world *w = *state;
    make_past(w);
    look_after(w, quarter);
    clock_set(NOW + 31 * DAY);
    look_after(w, quarter);
    struct history_query raw = {.from_us = 0, .to_us = NOW + DAY, .how = PAST_RAW, .limit = 10};
    struct past *p = ask(w, "temp", raw);
    assert_int_equal(p->n, 0);
    assert_true(p->raw_from_us > NOW - DAY && p->width_us == 0);
    free(p);

    double total = 0, most = 0;
    int64_t from = rollup_ceil(time_at(0), MINUTE), to = rollup_floor(time_at(N - 1), MINUTE);
    for (int i = 0; i < N; i++) {
        total += time_at(i) >= from && time_at(i) < to;
        most = value_at(i) > most ? value_at(i) : most;
    }
    static const int64_t every[] = {10 * SECOND, MINUTE, 90 * SECOND, HOUR, DAY};
    for (int e = 0; e < 5; e++) { /* whole or not, every reading is counted once */
        p = ask(w, "temp", steps(from, to, every[e], FN_COUNT));
        double count = 0;
        for (size_t i = 0; i < p->n && i < 5000; i++)
            count += p->points[i].as.d;
        assert_true(count == total && p->width_us >= MINUTE);
        free(p);
    }
    static const enum history_how hows[] = {PAST_THIN, PAST_LTTB};
    for (int i = 0; i < 2; i++) {
        struct history_query q = {.from_us = 0, .to_us = NOW + DAY, .how = hows[i], .limit = 100};
        double high = 0;
        p = ask(w, "temp", q);
        assert_true(p->n > 50 && p->n <= 100 && p->width_us > 0);
        for (size_t k = 0; k < p->n; k++) { /* real readings at their own times */
            const struct point *at = &p->points[k];
            int index = (int)((at->t_us - time_at(0)) / (10 * SECOND));
            assert_true(time_at(index) == at->t_us && value_at(index) == at->as.d);
            high = at->as.d > high ? at->as.d : high;
        }
        assert_true(high == most);
        free(p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(roll_ups_say_what_readings_say),
        TEST(corrections_are_in_it),
        TEST(what_is_gone_is_told_by_roll_ups),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

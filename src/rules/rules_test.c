/* Tests of rules*.c: machines fed by hand, and rules at work on a real core. */
#include "access/state.h"
#include "core/core_testing.h"
#include "rules/rules.h"

/* ---- machines ---- */

struct fed {
    struct program *p;
    struct arena *texts;
    struct machine *m;
    const struct expr *e;
};

static struct expr_value no_word(void *arg, struct slice member)
{
    (void)arg, (void)member;
    return expr_text(SLICE_LIT("Pump"));
}

static struct fed feed_of(const char *text)
{
    static const struct machine_words words = {no_word, NULL};
    static const size_t counts[PROGRAM_INPUTS_MAX] = {1, 1, 1, 1};
    struct fed f = {.p = program_new(), .texts = arena_new()};
    struct expr_error error;
    if (program_add(f.p, slice_str(text), &f.e, &error))
        fail_msg("%s: %s", text, error.message);
    f.m = machine_new(f.p, counts, &words, f.texts);
    assert_non_null(f.m);
    return f;
}

static void end_feed(struct fed *f)
{
    machine_free(f->m);
    program_free(f->p);
    arena_free(f->texts);
}

/* Readings of input 0, one a second from 1 s on; what the expression is worth after the last. */
static double after(const char *text, const double *v, size_t n)
{
    struct fed f = feed_of(text);
    for (size_t i = 0; i < n; i++)
        assert_true(machine_put(f.m, 0, 0, (int64_t)(i + 1) * 1000000, value_double(v[i]), 0));
    double r = expr_as_double(machine_eval(f.m, f.e));
    end_feed(&f);
    return r;
}

static void test_windows(void **state)
{
    static const double v[] = {1, 5, 2, 4, 9};
    (void)state;
    assert_float_equal(after("avg_over(x, '3s')", v, 5), 5, 1e-12);
    assert_float_equal(after("min_over(x, '3s')", v, 5), 2, 0);
    assert_float_equal(after("max_over(x, '1m')", v, 4), 5, 0);
    assert_float_equal(after("sum_over(x, '2s')", v, 5), 13, 0);
    assert_float_equal(after("count_over(x, '1m')", v, 5), 5, 0);
    assert_float_equal(after("stddev_over(x, '3s')", v, 5), sqrt(13), 1e-9);
    assert_float_equal(after("delta(x, '3s')", v, 5), 7, 0);
    assert_float_equal(after("rate(x)", v, 5), 5, 0);
    assert_float_equal(after("rate(x, '1m')", v, 5), 2, 0);
    assert_float_equal(after("lag(x)", v, 5), 4, 0);
    assert_float_equal(after("lag(x, 3)", v, 5), 5, 0);
    assert_true(isnan(after("lag(x, 5)", v, 5)));
    assert_float_equal(after("avg_over(x * 2 + 1, '3s')", v, 5), 11, 1e-12);
    assert_float_equal(after("max_over(rate(x), '1m')", v, 5), 5, 0);
}

static void test_for_and_late(void **state)
{
    struct fed f = feed_of("x > 10 FOR '2s'");
    (void)state;
    machine_put(f.m, 0, 0, 1000000, value_double(11), 0);
    assert_int_equal(expr_truth(machine_eval(f.m, f.e)), 0);
    assert_int_equal(machine_due(f.m), 3000000);
    assert_false(machine_put(f.m, 0, 0, 500000, value_double(1), 0)); /* late */
    machine_pass(f.m, 3000000);
    assert_int_equal(expr_truth(machine_eval(f.m, f.e)), 1);
    machine_put(f.m, 0, 0, 4000000, value_double(9), 0);
    assert_int_equal(expr_truth(machine_eval(f.m, f.e)), 0);
    end_feed(&f);
    f = feed_of("absent(x, '10s') OR twin.name = 'other'");
    machine_put(f.m, 0, 0, 1000000, value_double(9), 0);
    assert_int_equal(expr_truth(machine_eval(f.m, f.e)), 0);
    assert_int_equal(machine_due(f.m), 11000000);
    machine_pass(f.m, 11000000);
    assert_int_equal(expr_truth(machine_eval(f.m, f.e)), 1);
    end_feed(&f);
}

static void refused(const char *text, const char *part)
{
    struct program *p = program_new();
    const struct expr *e;
    struct expr_error error;
    assert_int_equal(program_add(p, slice_str(text), &e, &error), ERR_INVALID);
    if (!strstr(error.message, part))
        fail_msg("%s: %s", text, error.message);
    program_free(p);
}

static void test_faults(void **state)
{
    (void)state;
    refused("averge(x)", "There is no function averge");
    refused("avg_over(x)", "avg_over(x, 'span')");
    refused("avg_over(x, 5)", "duration in single quotes");
    refused("avg_over(x, '99y')", "a year at most");
    refused("zscore(x, 1)", "whole number from 2");
    refused("since(x + 1)", "is of a sensor");
    refused("avg(avg_over(at(feeds, x), '5m'))", "cannot stand inside");
    refused("x > 1 for 'long'", "duration such as '2m'");
    refused("pump.name", "Only twin.name");
    refused("at(feeds, 3)", "at(path, sensor)");
}

/* ---- at work ---- */

struct place {
    struct world w;
    struct alarms *alarms;
    struct rules *rules;
};

static struct place *begin(void)
{
    static const struct alarms_opts opts = {0};
    struct place *p = calloc(1, sizeof *p);
    strcpy(p->w.dir, "/tmp/doppel-rules-XXXXXX");
    assert_non_null(mkdtemp(p->w.dir));
    clock_real();
    world_open(&p->w);
    assert_int_equal(alarms_new(p->w.loop, p->w.core, &opts, &p->alarms), 0);
    assert_int_equal(rules_new(p->w.loop, p->w.core, p->alarms, &p->rules), 0);
    return p;
}

static void finish(struct place *p)
{
    rules_free(p->rules);
    alarms_stop(p->alarms);
    core_stop(p->w.core);
    alarms_free(p->alarms);
    world_close(&p->w);
    nftw(p->w.dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(p);
}

static void test_check(void **state)
{
    struct place *p = begin();
    struct rules_check check;
    struct arena *a = arena_new();
    struct kept k = {.w = &p->w};
    (void)state;
    core_twin_put(p->w.core, (const struct asker[]){core_system(p->w.core)}, TWIN_CREATE,
                  slice_of("", 0), slice_str(profile), 0, false, on_twin, &k);
    loop_run(p->w.loop);
    struct twin *t = core_twin(p->w.core, SLICE_LIT("pump"));
    assert_non_null(t);
    rules_check(p->rules, t, SLICE_LIT("temperature > 3 AND mode = 'x'"), a, &check);
    assert_int_equal(check.err, 0);
    assert_int_equal(check.reads_n, 2);
    assert_string_equal(check.reads[0]->id, "temp");
    free(check.reads);
    program_free(check.program);
    rules_check(p->rules, t, SLICE_LIT("1 +\n tepm"), a, &check);
    assert_int_equal(check.err, ERR_INVALID);
    assert_string_equal(check.error.message,
                        "The twin pump has no sensor tepm, but temp, mode, on.");
    assert_int_equal(check.error.line, 2);
    assert_int_equal(check.error.column, 2);
    program_free(check.program);
    arena_free(a);
    finish(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_windows),
        cmocka_unit_test(test_for_and_late),
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_check),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

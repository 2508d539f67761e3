/* Tests of what a replay makes of a table's columns. */
#include "server/replay_plan.h"

#include "base/buf.h"
#include "base/err.h"
#include "twin/profile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { ROWS = 8, FIELDS = 8 };

/* Rows of text, fields separated by |, as a sample. */
static size_t rows_of(const char *text, struct slice fields[ROWS][FIELDS],
                      struct plan_row rows[ROWS])
{
    struct slice rest = slice_str(text), line, field;
    size_t n = 0;
    while (n < ROWS && slice_cut(&rest, '\n', &line)) {
        size_t k = 0;
        while (k < FIELDS && slice_cut(&line, '|', &field))
            fields[n][k++] = field;
        rows[n] = (struct plan_row){fields[n], k, n + 1};
        n++;
    }
    return n;
}

static int make(struct arena *a, const char *text, const struct plan_opts *opts, struct plan *p,
                const char **why)
{
    static struct slice fields[ROWS][FIELDS];
    static struct plan_row rows[ROWS];
    static const struct plan_opts none = {0};
    return plan_make(a, rows, rows_of(text, fields, rows), opts ? opts : &none, p, why);
}

static void columns_find_their_meaning(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct plan p = {0};
    const char *why;
    assert_int_equal(make(a,
                          "datetime|Pressure [bar]|Volume Flow RateRMS|State|Open\n"
                          "2020-02-08 13:30:47|0.38|122|on|true\n"
                          "2020-02-08 13:30:48|NaN|-1e-3|off|FALSE",
                          NULL, &p, &why),
                     0);
    assert_true(p.header);
    assert_int_equal(p.time, 0);
    assert_null(p.columns[0].sensor.p);
    assert_true(slice_is(p.columns[1].sensor, "pressure") && slice_is(p.columns[1].unit, "bar"));
    assert_true(slice_is(p.columns[2].sensor, "volume-flow-raterms"));
    assert_int_equal(p.columns[1].kind, VALUE_DOUBLE);
    assert_int_equal(p.columns[2].kind, VALUE_DOUBLE);
    assert_int_equal(p.columns[3].kind, VALUE_TEXT);
    assert_int_equal(p.columns[4].kind, VALUE_BOOL);
    arena_free(a);
}

static void what_is_mostly_numbers_is_a_number(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct plan p = {0};
    const char *why;
    assert_int_equal(make(a,
                          "time|temp|serial|open|mixed\n"
                          "2020-01-01|100|A-1|true|1\n2020-01-02|ERR|12|1|x\n"
                          "2020-01-03|101|A-2|false|true",
                          NULL, &p, &why),
                     0);
    assert_int_equal(p.time, 0);
    assert_int_equal(p.columns[1].kind, VALUE_DOUBLE);
    assert_int_equal(p.columns[2].kind, VALUE_TEXT);
    assert_int_equal(p.columns[3].kind, VALUE_TEXT);
    assert_int_equal(p.columns[4].kind, VALUE_TEXT);
    arena_free(a);
}

static void a_table_without_a_header_has_numbers(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct plan p = {0};
    const char *why;
    const char *const maps[] = {"2=temp-1", "3=flow", NULL};
    const struct plan_opts opts = {.maps = maps};
    assert_int_equal(make(a, "2020-02-08T13:30:47Z|1|2\n2020-02-08T13:30:48Z|3|4", &opts, &p, &why),
                     0);
    assert_false(p.header);
    assert_int_equal(p.time, 0);
    assert_true(slice_is(p.columns[1].sensor, "temp-1") && slice_is(p.columns[2].sensor, "flow"));
    arena_free(a);
}

static void a_map_names_what_is_played(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct plan p = {0};
    const char *why, *const maps[] = {"B=b-1, c=c-1", NULL}, *const none[] = {"x=y", NULL};
    const char *const bad[] = {"a=two words", NULL}, *const twice[] = {"a=s,b=s", NULL};
    struct plan_opts opts = {.maps = maps, .time = "when"};
    const char *text = "a|b|C|when\n1|2|3|1583756076\n4|5|6|1583756077";
    assert_int_equal(make(a, text, &opts, &p, &why), 0);
    assert_null(p.columns[0].sensor.p);
    assert_true(slice_is(p.columns[1].sensor, "b-1") && slice_is(p.columns[2].sensor, "c-1"));
    assert_int_equal(p.time, 3);
    opts.maps = none;
    assert_int_equal(make(a, text, &opts, &p, &why), ERR_INVALID);
    assert_string_equal(why, "the table has no column \"x\"");
    opts.maps = bad;
    assert_int_equal(make(a, text, &opts, &p, &why), ERR_INVALID);
    opts.maps = twice;
    assert_int_equal(make(a, text, &opts, &p, &why), ERR_INVALID);
    opts = (struct plan_opts){.time = "nope"};
    assert_int_equal(make(a, text, &opts, &p, &why), ERR_INVALID);
    /* a bare number is no time unless a name says so */
    opts = (struct plan_opts){0};
    assert_int_equal(make(a, "a|b\n1|2\n3|4", &opts, &p, &why), 0);
    assert_int_equal(p.time, p.n);
    assert_int_equal(plan_make(a, NULL, 0, &opts, &p, &why), ERR_INVALID);
    arena_free(a);
}

static void values_become_json(void **state)
{
    (void)state;
    static const char *const cases[][2] = {{"1.50", "1.50"},
                                           {" 42 ", "42"},
                                           {"+1", "1"},
                                           {".5", "0.5"},
                                           {"5.", "5"},
                                           {"1e3", "1e3"},
                                           {"TRUE", "true"},
                                           {"False", "false"},
                                           {"on", "\"on\""},
                                           {"1,5", "\"1,5\""},
                                           {"0x10", "\"0x10\""},
                                           {"9007199254740993", "9007199254740993"},
                                           {"a\"b", "\"a\\\"b\""},
                                           {"1e999", "\"1e999\""},
                                           {"-", NULL},
                                           {"", NULL},
                                           {"n/a", NULL},
                                           {"NaN", NULL},
                                           {"1-2", "\"1-2\""},
                                           {"-.5e1", "-5"}};
    struct plan p = {.decimal = '.'};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf b = {0};
        int rc = plan_value(&p, slice_str(cases[i][0]), &b);
        assert_int_equal(rc, cases[i][1] ? 0 : 1);
        if (cases[i][1] && !slice_is(buf_slice(&b), cases[i][1]))
            fail_msg("%s became %.*s", cases[i][0], SLICE_ARG(buf_slice(&b)));
        buf_release(&b);
    }
    struct buf b = {0};
    p.decimal = ',';
    assert_int_equal(plan_value(&p, SLICE_LIT("-1,50"), &b), 0);
    assert_true(slice_is(buf_slice(&b), "-1.50"));
    buf_release(&b);
}

static void a_made_profile_makes_a_twin(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct plan p = {0};
    const char *why, *const *filled;
    struct buf text = {0};
    struct findings f = {0};
    struct jval *root = NULL;
    struct profile_view view = {0};
    const struct profile_defaults defaults = {.mqtt_endpoint = "mqtt://127.0.0.1:1883/twins/"};
    assert_int_equal(make(a,
                          "time|T (\xC2\xB0"
                          "C)|mode|open\n2020-01-01|1.5|a|true\n2020-01-02|2.5|b|false",
                          NULL, &p, &why),
                     0);
    plan_profile(&p, "bench", "run \"1\".csv", 250000, &text);
    assert_int_equal(profile_check(a, buf_slice(&text), &root, &f), 0);
    assert_int_equal(f.core_errors, 0);
    assert_int_equal(profile_fill(a, root, &defaults, &filled), 0);
    assert_int_equal(profile_check_doc(a, root, buf_slice(&text), &f), 0);
    assert_int_equal(f.errors, 0);
    assert_int_equal(profile_read(a, root, &view), 0);
    assert_int_equal(view.sensors_n, 3);
    assert_true(slice_is(view.sensors[0].id, "t"));
    assert_int_equal(view.sensors[0].kind, VALUE_DOUBLE);
    assert_int_equal(view.sensors[0].interval_us, 250000);
    assert_int_equal(view.sensors[1].kind, VALUE_TEXT);
    assert_int_equal(view.sensors[2].kind, VALUE_BOOL);
    buf_release(&text);
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_find_their_meaning),
        cmocka_unit_test(what_is_mostly_numbers_is_a_number),
        cmocka_unit_test(a_table_without_a_header_has_numbers),
        cmocka_unit_test(a_map_names_what_is_played),
        cmocka_unit_test(values_become_json),
        cmocka_unit_test(a_made_profile_makes_a_twin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

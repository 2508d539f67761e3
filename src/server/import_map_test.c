/* Tests of the mapping file of doppel import. */
#include "server/import_map.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static struct plan_row rows[3];

/* A table with a header, in slices that live as long as the program. */
static void make_rows(void)
{
    static const struct slice cells[3][5] = {
        {{"when", 4}, {"machine", 7}, {"Temp [degF]", 11}, {"on", 2}, {"note", 4}},
        {{"1.2.2024", 8}, {"m1", 2}, {"1,5", 3}, {"1", 1}, {"x", 1}},
        {{"2.2.2024", 8}, {"m2", 2}, {"2,5", 3}, {"0", 1}, {"y", 1}}};
    for (size_t i = 0; i < 3; i++)
        rows[i] = (struct plan_row){cells[i], 5, i + 1};
}

static int bind(struct arena *a, const char *text, struct import_map *map, struct plan *plan,
                const char **why)
{
    int err = import_map_read(a, slice_str(text), map, why);
    if (!err)
        err = plan_look(a, rows, 3, &map->opts, plan, why);
    return err ? err : import_map_bind(a, map, plan, why);
}

static void every_member_has_its_meaning(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct import_map map;
    struct plan plan;
    const char *why = "";
    int64_t t;
    int err = bind(a,
                   "{\"separator\":\"tab\",\"decimal\":\",\",\"header\":true,"
                   "\"time\":{\"column\":\"when\",\"format\":\"%d.%m.%Y\",\"zone\":\"+01:00\"},"
                   "\"twin\":{\"column\":\"machine\"},\"create\":true,"
                   "\"columns\":{\"Temp [degF]\":{\"sensor\":\"t\",\"unit\":\"degF\"},"
                   "\"4\":{\"sensor\":\"on\",\"type\":\"boolean\",\"twin\":\"other\"},"
                   "\"NOTE\":{\"sensor\":{\"column\":\"machine\"},\"type\":\"text\"},"
                   "\"when\":null}}",
                   &map, &plan, &why);
    if (err)
        fail_msg("%s", why);
    assert_int_equal(map.separator, '\t');
    assert_true(map.create && plan.header && plan.decimal == ',');
    assert_int_equal(map.time_at, 0);
    assert_int_equal(map.twin_at, 1);
    assert_int_equal(map.columns_n, 3);
    assert_true(slice_is(map.columns[0].sensor, "t") && slice_is(map.columns[0].unit, "degF"));
    assert_int_equal(map.columns[1].at, 3);
    assert_int_equal(map.columns[1].as, VALUE_BOOL);
    assert_true(slice_is(map.columns[1].twin, "other"));
    assert_int_equal(map.columns[2].sensor_at, 1);
    assert_int_equal(time_form_parse(&plan.form, SLICE_LIT("1.2.2024"), &t), 0);
    assert_true(t == INT64_C(1706742000000000));
    arena_free(a);
}

static void what_is_wrong_is_told_with_its_line(void **state)
{
    (void)state;
    static const struct {
        const char *text, *why;
    } cases[] = {
        {"{", "line 1, column 2: "},
        {"[]", "line 1: a mapping is an object"},
        {"{}", "line 1: a mapping has \"columns\": which column is which sensor"},
        {"{\n\"colums\":{}}", "line 2: a mapping has no member \"colums\""},
        {"{\"columns\":{},\n\"separator\":\"ab\"}",
         "line 2: separator is one character, or \"tab\""},
        {"{\"columns\":{},\"decimal\":5}", "line 1: decimal is \",\" or \".\""},
        {"{\"columns\":{},\"header\":1}", "line 1: header is true or false"},
        {"{\"columns\":{},\"create\":1}", "line 1: create is true or false"},
        {"{\"columns\":{},\"twin\":\"a b\"}", "line 1: \"a b\" cannot be the id of a twin"},
        {"{\"columns\":{},\"twin\":{\"colum\":1}}", "line 1: twin is an id, or {\"column\": NAME}"},
        {"{\"columns\":{},\"time\":{\"form\":\"\"}}", "line 1: time has no member \"form\""},
        {"{\"columns\":{},\"time\":{\"column\":\"when\",\"format\":\"day\"}}",
         "line 1: the time format is "},
        {"{\"time\":\"nosuch\",\"twin\":\"t\",\"columns\":{\"on\":\"a\"}}",
         "the table has no column \"nosuch\""},
        {"{\"twin\":\"t\",\"columns\":{\"on\":\"a\"}}",
         "line 1: no column has times that are understood"},
        {"{\"time\":\"when\",\"columns\":{\"on\":\"a\"}}", "line 1: into which twin?"},
        {"{\"time\":\"when\",\"twin\":{\"column\":\"nosuch\"},\"columns\":{}}",
         "line 1: the table has no column \"nosuch\""},
        {"{\"time\":\"when\",\"twin\":\"t\",\"columns\":{}}", "line 1: no column is taken"},
        {"{\"time\":\"when\",\"twin\":\"t\",\"columns\":{\n\"nosuch\":\"a\"}}",
         "line 2: the table has no column \"nosuch\""},
        {"{\"time\":\"when\",\"twin\":\"t\",\"columns\":{\"on\":\"a b\"}}",
         "line 1: \"a b\" cannot be the id of a sensor"},
        {"{\"time\":\"when\",\"twin\":\"t\",\"columns\":{\"on\":\"timestamp\"}}",
         "line 1: a sensor called timestamp is not reached by an import"},
        {"{\"time\":\"when\",\"twin\":\"t\",\"columns\":{\"on\":7}}",
         "line 1: a column is a sensor's id, {\"sensor\": ...} or null"},
        {"{\"time\":\"when\",\"twin\":\"t\",\"columns\":{\"on\":{\"unit\":\"m\"}}}",
         "line 1: a column that is taken has a \"sensor\""},
        {"{\"time\":\"when\",\"twin\":\"t\",\"columns\":{\"on\":{\"sensor\":\"a\",\"type\":\"x\"}}"
         "}",
         "line 1: type is \"number\", \"text\" or \"boolean\""},
        {"{\"time\":\"when\",\"twin\":\"t\",\"columns\":{\"on\":{\"sensor\":\"a\",\"x\":1}}}",
         "line 1: a column has no member \"x\""},
        {"{\"time\":\"when\",\"twin\":\"t\",\"columns\":{\"on\":\"a\",\"note\":\"a\"}}",
         "line 1: two columns are the sensor \"a\""},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct arena *a = arena_new();
        struct import_map map;
        struct plan plan;
        const char *why = "";
        assert_true(bind(a, cases[i].text, &map, &plan, &why) != 0);
        if (strncmp(why, cases[i].why, strlen(cases[i].why)) != 0)
            fail_msg("%s: %s", cases[i].text, why);
        arena_free(a);
    }
}

static void what_is_proposed_is_a_mapping(void **state)
{
    (void)state;
    static const struct slice cells[2][4] = {
        {{"time", 4}, {"P [bar]", 7}, {"empty", 5}, {"p", 1}},
        {{"2024-01-01T00:00:00Z", 20}, {"1.5", 3}, {"", 0}, {"2", 1}}};
    struct plan_row table[2] = {{cells[0], 4, 1}, {cells[1], 4, 2}};
    struct arena *a = arena_new();
    struct buf out = {0};
    struct import_map map = {0};
    struct plan plan;
    const char *why = "";
    assert_int_equal(plan_look(a, table, 2, &map.opts, &plan, &why), 0);
    import_map_propose(&plan, ',', "pump", a, &out);
    assert_int_equal(import_map_read(a, buf_slice(&out), &map, &why), 0);
    assert_int_equal(import_map_bind(a, &map, &plan, &why), 0);
    assert_true(slice_is(map.twin, "pump"));
    assert_int_equal(map.columns_n, 1); /* the second p has its name already, nothing is empty's */
    assert_true(slice_is(map.columns[0].sensor, "p") && slice_is(map.columns[0].unit, "bar"));
    buf_release(&out);
    arena_free(a);
}

int main(void)
{
    make_rows();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_member_has_its_meaning),
        cmocka_unit_test(what_is_wrong_is_told_with_its_line),
        cmocka_unit_test(what_is_proposed_is_a_mapping),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

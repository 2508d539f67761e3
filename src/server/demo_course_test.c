/* Tests of the demo's courses: any moment is found again, and the blueprints fit them. */
#include "server/demo_course.h"

#include "base/buf.h"
#include "base/err.h"
#include "server/assets.h"
#include "twin/profile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define MADE INT64_C(1700000000123456)
#define SECOND INT64_C(1000000)

static const char table[] = "date,precipitation,temp_max,temp_min,wind,weather\n"
                            "2012-01-01,0.0,12.8,5.0,4.7,drizzle\n"
                            "2012-01-02,10.9,10.6,2.8,4.5,rain\n"
                            "2012-01-03,,11.7,7.2,2.3,rain\n"
                            "2012-01-04,20.3,12.2,5.6,4.7,rain\n";

struct told {
    struct buf text;
    size_t n;
    int64_t first_us, last_us;
};

static void tell(void *arg, const struct course_series *s, int64_t t_us, struct value v)
{
    struct told *t = arg;
    assert_int_equal(v.type, s->type);
    assert_true(t_us > 0 && t_us >= t->last_us);
    if (!t->n++)
        t->first_us = t_us;
    t->last_us = t_us;
    buf_addf(&t->text, "%s %lld ", s->sensor, (long long)t_us);
    if (v.type == VALUE_TEXT)
        buf_add_slice(&t->text, v.as.text);
    else
        buf_add_double(&t->text, v.as.d);
    buf_add_byte(&t->text, '\n');
}

static struct weather days(struct arena *a)
{
    struct weather w = {0};
    assert_int_equal(weather_read(a, SLICE_LIT(table), &w), 0);
    return w;
}

static void weather_is_read(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct weather w = days(a);
    assert_int_equal(w.n, 3); /* a day without its rain is left out */
    assert_true(w.days[1].precipitation_mm == 10.9 && w.days[2].temp_min_c == 5.6);
    assert_true(slice_is(w.days[0].weather, "drizzle") && slice_is(w.days[2].date, "2012-01-04"));
    assert_int_equal(weather_read(a, SLICE_LIT("a,b\n1,2\n"), &w), ERR_MALFORMED);
    assert_int_equal(weather_read(a, SLICE_LIT(""), &w), ERR_MALFORMED);
    assert_int_equal(w.n, 3);
    arena_free(a);
}

/* Started later, a course goes on as the one that ran all the time. */
static void a_restart_changes_nothing(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct weather w = days(a);
    for (const struct course_kind *k = course_kinds; k->twin; k++) {
        struct course whole, late;
        struct told all = {0}, rest = {0}, none = {0};
        int64_t life_us = (k->life_steps ? k->life_steps : (int64_t)w.n) * k->step_us;
        int64_t repair_us = MADE - k->lead_steps * k->step_us + life_us;
        int64_t from = (repair_us > MADE ? repair_us : MADE + 20 * SECOND) - 5 * SECOND;
        int64_t to = from + 40 * SECOND;
        course_start(&whole, k, &w, MADE, MADE);
        course_run(&whole, course_step_at(&whole, from), tell, &none);
        course_run(&whole, course_step_at(&whole, to), tell, &all);
        course_start(&late, k, &w, MADE, from);
        course_run(&late, course_step_at(&late, to), tell, &rest);
        assert_true(all.n > 0);
        assert_true(slice_eq(buf_slice(&all.text), buf_slice(&rest.text)));
        assert_true(all.first_us > from && all.last_us <= to && to - all.last_us < 2 * SECOND);
        /* and back again */
        course_seek(&whole, course_step_at(&whole, from));
        buf_clear(&rest.text);
        rest.last_us = 0;
        course_run(&whole, course_step_at(&whole, to), tell, &rest);
        assert_true(slice_eq(buf_slice(&all.text), buf_slice(&rest.text)));
        buf_release(&all.text);
        buf_release(&rest.text);
        buf_release(&none.text);
    }
    arena_free(a);
}

static void readings_come_as_often_as_the_profile_says(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct weather w = days(a);
    for (const struct course_kind *k = course_kinds; k->twin; k++) {
        struct course c;
        struct told told = {0};
        size_t want = 0;
        course_start(&c, k, &w, MADE, MADE);
        course_run(&c, c.at + 100 * SECOND / k->step_us, tell, &told);
        for (const struct course_series *s = k->series; s->sensor; s++)
            want += (size_t)(100 * SECOND / k->step_us / s->every);
        assert_int_equal(told.n, want);
        buf_release(&told.text);
    }
    arena_free(a);
}

static struct slice blueprint(const char *name)
{
    for (size_t i = 0; i < embedded_files_n; i++) {
        if (strcmp(embedded_files[i].name, name) == 0)
            return embedded_files[i].bytes;
    }
    fail_msg("%s is not embedded", name);
    return (struct slice){0};
}

static void the_blueprints_fit(void **state)
{
    (void)state;
    const struct profile_defaults defaults = {.mqtt_endpoint = "mqtt://127.0.0.1:1883/twins/"};
    for (const struct course_kind *k = course_kinds; k->twin; k++) {
        struct arena *a = arena_new();
        struct slice text = blueprint(k->blueprint);
        struct findings f = {0};
        struct jval *root = NULL;
        const char *const *filled;
        struct profile_view view = {0};
        assert_int_equal(profile_check(a, text, &root, &f), 0);
        assert_non_null(root);
        assert_int_equal(profile_fill(a, root, &defaults, &filled), 0);
        assert_int_equal(profile_check_doc(a, root, text, &f), 0);
        for (size_t i = 0; i < f.n; i++) {
            if (f.items[i].severity == SEVERITY_ERROR)
                fail_msg("%s: %s", k->blueprint, f.items[i].message);
        }
        assert_int_equal(profile_read(a, root, &view), 0);
        assert_true(slice_is(view.id, k->twin));
        assert_int_equal(view.simulated, k->life_steps > 0); /* the weather was measured */
        size_t n = 0;
        for (const struct course_series *s = k->series; s->sensor; s++, n++) {
            assert_true(n < view.sensors_n);
            const struct sensor_spec *spec = &view.sensors[n];
            assert_true(slice_is(spec->id, s->sensor) && slice_is(spec->unit, s->unit));
            assert_int_equal(spec->kind, s->type);
            assert_int_equal(spec->interval_us, s->every * k->step_us);
        }
        assert_int_equal(n, view.sensors_n);
        arena_free(a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weather_is_read),
        cmocka_unit_test(a_restart_changes_nothing),
        cmocka_unit_test(readings_come_as_often_as_the_profile_says),
        cmocka_unit_test(the_blueprints_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

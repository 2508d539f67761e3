/* Tests of provision.c: what is made, once, and how much. */
#include "core/core_testing.h"
#include "core/provision.h"

struct asked {
    struct world *w;
    bool called;
};

static void on_done(void *arg, struct provision *p)
{
    struct asked *a = arg;
    (void)p;
    assert_false(a->called); /* exactly once */
    a->called = true;
    loop_stop(a->w->loop);
}

static void make(struct world *w, struct provision *p)
{
    struct asked a = {.w = w};
    provision_commit(p, on_done, &a);
    if (!a.called)
        loop_run(w->loop);
    assert_true(a.called);
}

static struct provision_grant plenty(void)
{
    return (struct provision_grant){.limits = {1000, 1000, 1000, 1000}};
}

static void want(struct provision *p, const char *twin, const char *sensor, enum value_type kind)
{
    struct provision_twin t = {.id = slice_str(twin)};
    struct provision_sensor s = {.id = slice_str(sensor), .kind = kind};
    provision_want(p, &t, sensor ? &s : NULL);
}

static int why(struct provision *p, const char *twin, const char *sensor)
{
    const char *detail = NULL;
    int err = provision_why(p, slice_str(twin), slice_str(sensor), &detail);
    if (err)
        assert_non_null(detail);
    return err;
}

static struct sensor *find(struct world *w, const char *twin, const char *sensor)
{
    const struct twin *t = core_twin(w->core, slice_str(twin));
    return t ? core_sensor(t, slice_str(sensor)) : NULL;
}

static void what_is_wanted_is_made_complete(void **state)
{
    struct world *w = *state;
    struct provision_grant g = plenty();
    struct provision *p =
        provision_begin(w->core, (const struct asker[]){core_system(w->core)}, &g);
    struct provision_twin t = {
        .id = SLICE_LIT("web-1"), .name = SLICE_LIT("Web \"1\""), .type = SLICE_LIT("Host")};
    struct provision_sensor cpu = {.id = SLICE_LIT("cpu"), .unit = SLICE_LIT("percent")};
    struct provision_sensor on = {.id = SLICE_LIT("on"), .kind = VALUE_BOOL};
    struct provision_sensor os = {.id = SLICE_LIT("os"), .kind = VALUE_TEXT};
    struct provision_sensor any = {.id = SLICE_LIT("any"), .kind = VALUE_DOUBLE};
    provision_want(p, &t, &cpu);
    provision_want(p, &t, &on);
    provision_want(p, &t, &os);
    provision_want(p, &t, &any);
    provision_want(p, &t, &cpu); /* twice is once */
    assert_int_equal(provision_wants(p), 4);
    make(w, p);
    assert_int_equal(why(p, "web-1", "cpu"), 0);
    provision_free(p);
    const struct twin *made = core_twin(w->core, SLICE_LIT("web-1"));
    assert_non_null(made);
    assert_string_equal(made->name, "Web \"1\"");
    assert_string_equal(made->type, "Host");
    assert_int_equal(made->sensors_n, 4);
    assert_int_equal(find(w, "web-1", "cpu")->kind, VALUE_DOUBLE);
    assert_int_equal(find(w, "web-1", "on")->kind, VALUE_BOOL);
    assert_int_equal(find(w, "web-1", "os")->kind, VALUE_TEXT);
    assert_int_equal(find(w, "web-1", "any")->kind, VALUE_NONE);
    assert_int_equal(g.twins, 1);
    assert_int_equal(g.sensors, 4);
}

static void a_twin_that_is_there_gets_what_it_lacks(void **state)
{
    struct world *w = *state;
    struct provision_grant g = plenty();
    put(w, TWIN_CREATE, profile, 0);
    struct provision *p =
        provision_begin(w->core, (const struct asker[]){core_system(w->core)}, &g);
    want(p, "pump", "temp", VALUE_DOUBLE);
    want(p, "pump", "extra", VALUE_DOUBLE);
    make(w, p);
    provision_free(p);
    struct twin *t = core_twin(w->core, SLICE_LIT("pump"));
    assert_int_equal(t->sensors_n, 4);
    assert_int_equal(t->version, 2);
    assert_true(find(w, "pump", "temp")->spec->has_normal); /* what a person wrote stands */
    assert_int_equal(g.twins, 0);
    assert_int_equal(g.sensors, 1);
    struct kept k = {.w = w};
    core_twin_get(w->core, (const struct asker[]){core_system(w->core)}, SLICE_LIT("pump"), on_twin,
                  &k);
    loop_run(w->loop);
    assert_non_null(strstr(k.profile, "12.50")); /* with its digits */
    p = provision_begin(w->core, (const struct asker[]){core_system(w->core)}, &g);
    want(p, "pump", "extra", VALUE_DOUBLE);
    make(w, p);
    provision_free(p);
    assert_int_equal(t->version, 2);
    assert_int_equal(g.sensors, 1);
}

static void two_at_once_make_it_once(void **state)
{
    struct world *w = *state;
    struct provision_grant g = plenty(), other = plenty();
    struct provision *p =
                         provision_begin(w->core, (const struct asker[]){core_system(w->core)}, &g),
                     *q = provision_begin(w->core, (const struct asker[]){core_system(w->core)},
                                          &other);
    struct asked a = {.w = w}, b = {.w = w};
    want(p, "new", "x", VALUE_DOUBLE);
    want(p, "new", "y", VALUE_DOUBLE);
    want(q, "new", "y", VALUE_DOUBLE);
    want(q, "new", "z", VALUE_DOUBLE);
    provision_commit(p, on_done, &a);
    provision_commit(q, on_done, &b);
    while (!a.called || !b.called)
        loop_run(w->loop);
    assert_int_equal(why(p, "new", "y") | why(q, "new", "y") | why(q, "new", "z"), 0);
    provision_free(p);
    provision_free(q);
    assert_int_equal(core_twin(w->core, SLICE_LIT("new"))->sensors_n, 3);
    assert_int_equal(g.twins, 1);
    assert_int_equal(g.sensors, 2);
    assert_int_equal(other.twins, 0); /* given back */
    assert_int_equal(other.minute_twins, 0);
    assert_int_equal(other.sensors, 1);
}

static void a_grant_has_an_end(void **state)
{
    struct world *w = *state;
    struct provision_grant g = {.limits = {2, 3, 3, 5}};
    struct provision *p =
        provision_begin(w->core, (const struct asker[]){core_system(w->core)}, &g);
    want(p, "a", "1", VALUE_DOUBLE);
    want(p, "b", "1", VALUE_DOUBLE);
    want(p, "c", "1", VALUE_DOUBLE); /* a third twin in a minute */
    want(p, "a", "2", VALUE_DOUBLE);
    want(p, "a", "3", VALUE_DOUBLE); /* with a's the fourth sensor */
    make(w, p);
    assert_int_equal(why(p, "a", "1"), 0);
    assert_int_equal(why(p, "c", "1"), ERR_OVERLOAD);
    assert_int_equal(why(p, "b", "1"), ERR_OVERLOAD);
    assert_null(core_twin(w->core, SLICE_LIT("b"))); /* none is made for no sensor */
    assert_null(core_twin(w->core, SLICE_LIT("c")));
    provision_free(p);
    assert_int_equal(g.twins, 1);
    g.minute_us -= INT64_C(61000000);
    p = provision_begin(w->core, (const struct asker[]){core_system(w->core)}, &g);
    want(p, "b", "1", VALUE_DOUBLE);
    want(p, "c", "1", VALUE_DOUBLE);
    want(p, "a", "5", VALUE_DOUBLE);
    want(p, "a", "6", VALUE_DOUBLE);
    make(w, p);
    assert_int_equal(why(p, "b", "1") | why(p, "c", "1"), 0);
    assert_int_equal(why(p, "a", "6"), ERR_UNKNOWN_SENSOR); /* five in all */
    provision_free(p);
    g.minute_us -= INT64_C(61000000);
    p = provision_begin(w->core, (const struct asker[]){core_system(w->core)}, &g);
    want(p, "d", "1", VALUE_DOUBLE);
    make(w, p);
    assert_int_equal(why(p, "d", "1"), ERR_UNKNOWN_TWIN);
    provision_free(p);
}

static void what_can_be_no_id_is_refused(void **state)
{
    struct world *w = *state;
    struct provision_grant g = plenty();
    struct provision *p =
        provision_begin(w->core, (const struct asker[]){core_system(w->core)}, &g);
    want(p, "a b", "x", VALUE_DOUBLE);
    want(p, "good", "x/y", VALUE_DOUBLE);
    want(p, "good", "x", VALUE_DOUBLE);
    want(p, "alone", NULL, VALUE_NONE);
    make(w, p);
    assert_int_equal(why(p, "a b", "x"), ERR_INVALID);
    assert_int_equal(why(p, "good", "x/y"), ERR_INVALID);
    assert_int_equal(why(p, "good", "x"), 0);
    assert_int_equal(why(p, "alone", ""), 0);
    assert_int_equal(why(p, "never-asked", "x"), 0);
    assert_non_null(find(w, "alone", "status")); /* the sensor that every profile gets */
    provision_free(p);
    assert_int_equal(g.twins, 2);
}

static void names_are_words_of_some_length(void **state)
{
    struct world *w = *state;
    struct provision_grant g = plenty();
    struct provision *p =
        provision_begin(w->core, (const struct asker[]){core_system(w->core)}, &g);
    char name[1001];
    for (size_t i = 0; i + 1 < sizeof name; i += 2)
        memcpy(name + i, i ? "\xc3\xa4" : "ab", 2);
    name[1000] = 0;
    memmove(name, name + 1, 1000); /* a character stands across the limit */
    struct provision_twin blank = {.id = SLICE_LIT("blank"), .name = SLICE_LIT(" \t")};
    struct provision_twin large = {.id = SLICE_LIT("large"), .name = slice_str(name)};
    struct provision_sensor s = {.id = SLICE_LIT("s")};
    provision_want(p, &blank, &s);
    provision_want(p, &large, &s);
    make(w, p);
    assert_int_equal(why(p, "blank", "s") | why(p, "large", "s"), 0);
    provision_free(p);
    assert_string_equal(core_twin(w->core, SLICE_LIT("blank"))->name, "blank");
    name[255] = 0;
    assert_string_equal(core_twin(w->core, SLICE_LIT("large"))->name, name);
}

static void a_twin_gets_as_many_as_it_can_have(void **state)
{
    struct world *w = *state;
    struct provision_grant g = {.limits = {10, 20000, 10, 20000}};
    struct provision *p =
        provision_begin(w->core, (const struct asker[]){core_system(w->core)}, &g);
    char id[32];
    for (int i = 0; i < TWIN_SENSORS_MAX + 5; i++) {
        snprintf(id, sizeof id, "s%d", i);
        want(p, "many", id, VALUE_DOUBLE);
    }
    make(w, p);
    assert_int_equal(why(p, "many", "s0"), 0);
    assert_int_equal(why(p, "many", "s9999"), 0);
    assert_int_equal(why(p, "many", "s10000"), ERR_TOO_LARGE);
    provision_free(p);
    assert_int_equal(core_twin(w->core, SLICE_LIT("many"))->sensors_n, TWIN_SENSORS_MAX);
    assert_int_equal(g.sensors, TWIN_SENSORS_MAX);
}

static void an_end_answers_and_gives_back(void **state)
{
    struct world *w = *state;
    struct provision_grant g = plenty();
    core_stop(w->core);
    struct provision *p =
        provision_begin(w->core, (const struct asker[]){core_system(w->core)}, &g);
    want(p, "late", "x", VALUE_DOUBLE);
    make(w, p);
    assert_int_equal(why(p, "late", "x"), ERR_CANCELLED);
    provision_free(p);
    assert_int_equal(g.twins, 0);
    assert_int_equal(g.sensors, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_wanted_is_made_complete),    TEST(a_twin_that_is_there_gets_what_it_lacks),
        TEST(two_at_once_make_it_once),           TEST(a_grant_has_an_end),
        TEST(what_can_be_no_id_is_refused),       TEST(names_are_words_of_some_length),
        TEST(a_twin_gets_as_many_as_it_can_have), TEST(an_end_answers_and_gives_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

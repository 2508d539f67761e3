/* Tests of types in the core: they follow their documents, twins are made and judged by them. */
#include "core/core_testing.h"
#include "core/types_keep.h"

#include "access/documents.h"

struct kept_type {
    struct ask ask; /* first: what prepare() gets */
    struct world *w;
    int err;
    char detail[512];
};

static void on_type(struct change *ch)
{
    struct kept_type *k = ch->arg;
    k->err = ch->err;
    snprintf(k->detail, sizeof k->detail, "%s", ch->detail ? ch->detail : "");
    loop_stop(k->w->loop);
}

/* body NULL: remove it. */
static struct kept_type keep_type(struct world *w, const char *id, const char *body)
{
    struct arena *a = arena_new();
    struct jval *doc = NULL;
    struct asker by = core_system(w->core);
    struct principal who = *by.who;
    who.org = access_first_org(core_access(w->core));
    struct kept_type k = {.w = w};
    assert_true(!body || jdoc_parse(a, slice_str(body), &doc, NULL) == 0);
    k.ask =
        (struct ask){.kind = DOCUMENT_TYPE, .id = slice_str(id), .body = doc, .if_created_us = -1};
    who.refs = 2; /* lives on this stack */
    access_change(core_access(w->core),
                  &(struct change_plan){.who = &who,
                                        .from = by.from,
                                        .prepare = body ? document_put : document_remove,
                                        .done = on_type,
                                        .arg = &k.ask});
    loop_run(w->loop);
    arena_free(a);
    return k;
}

#define CORE                                                                                       \
    "{\"@context\":{\"@vocab\":\"https://schema.org/\",\"mvmd\":\"https://mvmd.org/v1/\"},"        \
    "\"@type\":\"DigitalDocument\",\"name\":\"n\",\"description\":\"d\",\"identifier\":{"          \
    "\"@type\":\"PropertyValue\",\"propertyID\":\"MVMD-ID\",\"value\":\"%s\"},\"subjectOf\":{"     \
    "\"name\":\"t\"},\"doppel:twinType\":\"%s\"}"

static struct twin *make(struct world *w, const char *id, const char *type)
{
    char text[1024];
    snprintf(text, sizeof text, CORE, id, type);
    struct kept k = put(w, TWIN_CREATE, text, 0);
    assert_int_equal(k.err, 0);
    return core_twin(w->core, slice_str(id));
}

static void stop(void *arg)
{
    loop_stop(arg);
}

/* Until all that are to be judged have been. */
static void settle(struct world *w)
{
    struct loop_timer *timer;
    assert_int_equal(loop_timer_new(w->loop, stop, w->loop, &timer), 0);
    types_turn(w->core);
    loop_timer_start(timer, 1, 0);
    loop_run(w->loop);
    loop_timer_free(timer);
}

static void twins_are_made_and_judged_by_their_types(void **state)
{
    struct world *w = *state;
    assert_int_equal(keep_type(w, "Machine",
                               "{\"id\":\"Machine\",\"sensors\":[{\"id\":\"temp\",\"unit\":"
                               "\"celsius\",\"type\":\"temperature\"}]}")
                         .err,
                     0);
    assert_int_equal(keep_type(w, "Pump", "{\"id\":\"Pump\",\"extends\":\"Machine\"}").err, 0);
    struct twin *t = make(w, "p", "Pump");
    assert_non_null(core_sensor(t, SLICE_LIT("temp"))); /* the type gave it */
    assert_int_equal(t->misfits, 0);
    assert_true(core_twin_is(w->core, t, SLICE_LIT("Machine")));
    assert_false(core_twin_is(w->core, t, SLICE_LIT("Fan")));
    assert_int_equal(core_twin_id_is(w->core, t, SLICE_LIT("nobody"), SLICE_LIT("Pump")), -1);

    assert_int_equal(keep_type(w, "Machine",
                               "{\"id\":\"Machine\",\"sensors\":[{\"id\":\"temp\","
                               "\"unit\":\"kPa\"},{\"id\":\"x\"}]}")
                         .err,
                     0);
    settle(w);
    assert_int_equal(t->misfits, 2);
    struct type_use use;
    core_type_use(w->core, t->org, SLICE_LIT("Machine"), &use);
    assert_int_equal(use.twins, 1);
    assert_int_equal(use.direct, 0);
    assert_int_equal(use.misfits, 1);

    world_close(w);
    world_open(w);
    settle(w);
    t = core_twin(w->core, SLICE_LIT("p"));
    assert_int_equal(t->misfits, 2);
    assert_true(core_twin_is(w->core, t, SLICE_LIT("Machine")));
}

static void what_would_break_others_is_refused(void **state)
{
    struct world *w = *state;
    assert_int_equal(
        keep_type(w, "A", "{\"id\":\"A\",\"sensors\":[{\"id\":\"s\",\"unit\":\"m\"}]}").err, 0);
    assert_int_equal(keep_type(w, "B",
                               "{\"id\":\"B\",\"extends\":\"A\",\"sensors\":[{\"id\":\"s\","
                               "\"unit\":\"mm\"}]}")
                         .err,
                     0);
    static const struct {
        const char *id, *body, *says;
    } wrong[] = {
        {"A", "{\"id\":\"A\",\"sensors\":[{\"id\":\"s\",\"unit\":\"kg\"}]}", "break the type B"},
        {"A", "{\"id\":\"A\",\"extends\":\"B\"}", "leads back to it"},
        {"C", "{\"id\":\"C\",\"extends\":\"D\"}", "not there"},
        {"C", "{\"id\":\"C\",\"sensors\":7}", "a list of objects"},
        {"A", NULL, "The type B extends A"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct kept_type k = keep_type(w, wrong[i].id, wrong[i].body);
        assert_int_not_equal(k.err, 0);
        if (!strstr(k.detail, wrong[i].says))
            fail_msg("%s: %s", wrong[i].says, k.detail);
    }
    make(w, "b", "B");
    struct kept_type k = keep_type(w, "B", NULL);
    assert_int_equal(k.err, ERR_CONFLICT);
    assert_non_null(strstr(k.detail, "1 twin is of the type B"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(twins_are_made_and_judged_by_their_types, setup, teardown),
        cmocka_unit_test_setup_teardown(what_would_break_others_is_refused, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

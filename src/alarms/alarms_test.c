/* Tests of alarms on a real core: their lives, and that a restart loses and doubles nothing. */
#include "alarms/alarms.h"
#include "core/core_testing.h"
#include "store/events.h"

struct place {
    struct world w;
    struct alarms *alarms;
    struct alarms_watch watch;
    enum alarm_step steps[256];
    size_t steps_n, wanted;
    struct alarm last; /* its numbers; texts are gone */
    char message[256];
    struct alarms_opts opts;
};

static void on_step(void *arg, const struct alarm *alarm, enum alarm_step step)
{
    struct place *p = arg;
    if (p->steps_n < 256)
        p->steps[p->steps_n++] = step;
    p->last = *alarm;
    snprintf(p->message, sizeof p->message, "%.*s", SLICE_ARG(alarm->message));
    if (p->wanted && p->steps_n >= p->wanted)
        loop_stop(p->w.loop);
}

static void begin(struct place *p)
{
    assert_int_equal(alarms_new(p->w.loop, p->w.core, &p->opts, &p->alarms), 0);
    p->watch = (struct alarms_watch){.on_step = on_step, .arg = p};
    alarms_watch_add(p->alarms, &p->watch);
}

static void end(struct place *p)
{
    alarms_stop(p->alarms);
    core_stop(p->w.core);
    alarms_free(p->alarms);
}

static void restart(struct place *p)
{
    end(p);
    world_close(&p->w);
    world_open(&p->w);
    begin(p);
}

static void wait_for(struct place *p, size_t n)
{
    p->wanted = n;
    if (p->steps_n < n)
        loop_run(p->w.loop);
    p->wanted = 0; /* others wait with the same loop */
    assert_int_equal(p->steps_n, n);
}

static int set_up(void **state)
{
    struct place *p = calloc(1, sizeof *p);
    strcpy(p->w.dir, "/tmp/doppel-alarms-XXXXXX");
    assert_non_null(mkdtemp(p->w.dir));
    clock_real();
    world_open(&p->w);
    begin(p);
    *state = p;
    return 0;
}

static int tear_down(void **state)
{
    struct place *p = *state;
    end(p);
    world_close(&p->w);
    nftw(p->w.dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(p);
    return 0;
}

static struct twin *pump(struct place *p)
{
    return core_twin(p->w.core, SLICE_LIT("pump"));
}

struct answer {
    struct place *p;
    int err;
    bool done, waits;
    char why[128];
};

static void on_done(void *arg, int err, const char *why, const struct alarm *alarm)
{
    struct answer *r = arg;
    (void)alarm;
    r->err = err;
    r->done = true;
    snprintf(r->why, sizeof r->why, "%s", why ? why : "");
    if (r->waits)
        loop_stop(r->p->w.loop);
}

static struct answer act(struct place *p, struct alarm_ask ask)
{
    struct answer r = {.p = p};
    const struct asker by = core_system(p->w.core);
    alarms_do(p->alarms, &by, &ask, on_done, &r);
    r.waits = true;
    if (!r.done)
        loop_run(p->w.loop);
    assert_true(r.done);
    return r;
}

static size_t count_open(struct place *p)
{
    size_t at = 0, n = 0;
    while (alarms_next(p->alarms, &at))
        n++;
    return n;
}

static int count_one(void *arg, const struct alarm *alarm)
{
    (void)alarm;
    ++*(size_t *)arg;
    return 0;
}

static size_t count_kept(struct place *p)
{
    const struct alarm_query q = {0};
    size_t n = 0;
    assert_int_equal(catalog_alarm_each(core_catalog(p->w.core), &q, count_one, &n), 0);
    return n;
}

static void an_alarm_is_raised_acknowledged_and_settled(void **state)
{
    struct place *p = *state;
    put(&p->w, TWIN_CREATE, profile, 0);
    say_sensor(&p->w, "temp", "50");
    say_sensor(&p->w, "temp", "70");
    wait_for(p, 1);
    assert_int_equal(p->steps[0], ALARM_RAISED);
    assert_int_equal(p->last.severity, ALARM_WARNING);
    assert_string_equal(p->message,
                        "Temperature is 70 celsius, above its normal range, which ends at 65");
    say_sensor(&p->w, "temp", "80"); /* more severe: the same alarm */
    wait_for(p, 2);
    assert_int_equal(p->steps[1], ALARM_ESCALATED);
    assert_int_equal(p->last.n, 1);
    assert_int_equal(p->last.severity, ALARM_CRITICAL);
    say_sensor(&p->w, "temp", "85");
    assert_int_equal(act(p, (struct alarm_ask){.deed = DEED_ACKNOWLEDGE, .n = 1}).err, 0);
    assert_string_equal(alarm_state(alarms_find(p->alarms, 1)), "acknowledged");
    assert_true(slice_is(alarms_find(p->alarms, 1)->peak, "85"));
    say_sensor(&p->w, "temp", "50");
    wait_for(p, 4);
    assert_int_equal(p->steps[3], ALARM_CLEARED);
    assert_null(alarms_find(p->alarms, 1)); /* neither active nor to be acknowledged */
    assert_int_equal(
        act(p, (struct alarm_ask){.deed = DEED_COMMENT, .n = 1, .text = SLICE_LIT("x")}).err,
        ERR_NOT_FOUND);
    assert_int_equal(count_kept(p), 1);
}

static void one_that_is_not_acknowledged_counts_up(void **state)
{
    struct place *p = *state;
    put(&p->w, TWIN_CREATE, profile, 0);
    say_sensor(&p->w, "temp", "70");
    say_sensor(&p->w, "temp", "50");
    say_sensor(&p->w, "temp", "20");
    wait_for(p, 3);
    assert_int_equal(p->steps[1], ALARM_CLEARED);
    assert_int_equal(p->steps[2], ALARM_REPEATED);
    assert_int_equal(p->last.count, 2);
    assert_int_equal(count_kept(p), 1);
}

static void a_restart_loses_and_doubles_nothing(void **state)
{
    struct place *p = *state;
    put(&p->w, TWIN_CREATE, profile, 0);
    say_sensor(&p->w, "temp", "80");
    wait_for(p, 1);
    assert_int_equal(
        act(p, (struct alarm_ask){.deed = DEED_ASSIGN, .n = 1, .assignee = SLICE_LIT("team:no")})
            .err,
        ERR_INVALID);
    assert_int_equal(
        act(p, (struct alarm_ask){.deed = DEED_COMMENT, .n = 1, .text = SLICE_LIT("looking")}).err,
        0);
    restart(p);
    assert_int_equal(count_open(p), 1);
    const struct alarm *a = alarms_find(p->alarms, 1);
    assert_non_null(a);
    assert_true(a->active && !a->acknowledged && a->severity == ALARM_CRITICAL);
    say_sensor(&p->w, "temp", "81");
    say_sensor(&p->w, "temp", "50");
    wait_for(p, 3);
    assert_int_equal(p->steps[2], ALARM_CLEARED);
    restart(p);
    assert_int_equal(count_open(p), 1); /* to be acknowledged */
    assert_int_equal(count_kept(p), 1);
}

static void what_came_while_no_alarms_were_there_is_judged_at_the_start(void **state)
{
    struct place *p = *state;
    put(&p->w, TWIN_CREATE, profile, 0);
    say_sensor(&p->w, "temp", "70");
    wait_for(p, 1);
    end(p); /* as if the program had ended between the journal and the catalog */
    world_close(&p->w);
    world_open(&p->w);
    say_sensor(&p->w, "temp", "50");
    say_sensor(&p->w, "temp", "80");
    say_sensor(&p->w, "temp", "40");
    char command[256]; /* what is on the disk now, as a crash would leave it */
    snprintf(command, sizeof command, "cp -a %s %s.crash", p->w.dir, p->w.dir);
    assert_int_equal(system(command), 0);
    world_close(&p->w);
    nftw(p->w.dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    snprintf(command, sizeof command, "%s.crash", p->w.dir);
    assert_int_equal(rename(command, p->w.dir), 0);
    world_open(&p->w);
    p->steps_n = 0;
    begin(p);
    wait_for(p, 3);
    assert_int_equal(p->steps[0], ALARM_CLEARED);
    assert_int_equal(p->steps[1], ALARM_REPEATED);
    assert_int_equal(p->steps[2], ALARM_CLEARED);
    assert_int_equal(p->last.severity, ALARM_CRITICAL);
    assert_int_equal(p->last.count, 2);
    restart(p);
    assert_int_equal(p->steps_n, 3); /* and once */
}

static void shelving_takes_a_reason_and_a_time(void **state)
{
    struct place *p = *state;
    struct alarm_counts counts;
    put(&p->w, TWIN_CREATE, profile, 0);
    say_sensor(&p->w, "temp", "80");
    wait_for(p, 1);
    struct alarm_ask ask = {.deed = DEED_SHELVE, .n = 1, .until_us = clock_now_us() + 3600000000};
    assert_int_equal(act(p, ask).err, ERR_INVALID);
    ask.text = SLICE_LIT("pump is being repaired");
    ask.until_us = clock_now_us() - 1;
    assert_int_equal(act(p, ask).err, ERR_INVALID);
    ask.until_us = clock_now_us() + 300000;
    assert_int_equal(act(p, ask).err, 0);
    alarms_count(p->alarms, pump(p)->org, NULL, &counts);
    assert_int_equal(counts.shelved, 1);
    assert_int_equal(counts.active[ALARM_CRITICAL], 0);
    wait_for(p, 3); /* its time is up */
    assert_int_equal(p->steps[2], ALARM_UNSHELVED);
    alarms_count(p->alarms, pump(p)->org, pump(p), &counts);
    assert_int_equal(counts.unacknowledged[ALARM_CRITICAL], 1);
}

static void a_rule_has_one_alarm_a_twin(void **state)
{
    struct place *p = *state;
    put(&p->w, TWIN_CREATE, profile, 0);
    const struct alarm_reading readings[] = {{SLICE_LIT("temp"), NOW, value_double(81.5)}};
    const struct alarm_raise what = {.twin = pump(p),
                                     .rule = SLICE_LIT("hot"),
                                     .rule_version = 3,
                                     .severity = ALARM_MAJOR,
                                     .message = SLICE_LIT("Pump: 81.5"),
                                     .value = value_double(81.5),
                                     .readings = readings,
                                     .readings_n = 1};
    assert_int_equal(alarms_raise(p->alarms, &what), 0);
    assert_int_equal(alarms_raise(p->alarms, &what), 0);
    wait_for(p, 1);
    assert_true(alarms_is_active(p->alarms, pump(p), SLICE_LIT("hot")));
    assert_true(slice_is(alarms_find(p->alarms, 1)->readings,
                         "[{\"sensor\":\"temp\",\"t\":\"2023-11-14T22:13:20Z\",\"value\":81.5}]"));
    restart(p);
    assert_true(alarms_is_active(p->alarms, pump(p), SLICE_LIT("hot")));
    assert_int_equal(alarms_find(p->alarms, 1)->rule_version, 3);
    alarms_clear_rule(p->alarms, pump(p)->org, SLICE_LIT("hot"));
    assert_false(alarms_is_active(p->alarms, pump(p), SLICE_LIT("hot")));
    wait_for(p, 2);
    assert_int_equal(p->steps[1], ALARM_CLEARED);
}

static void a_storm_is_told_as_one(void **state)
{
    struct place *p = *state;
    put(&p->w, TWIN_CREATE, profile, 0);
    for (int i = 0; i < 30; i++) {
        char rule[16];
        snprintf(rule, sizeof rule, "r-%d", i);
        alarms_raise(p->alarms, &(struct alarm_raise){.twin = pump(p),
                                                      .rule = slice_str(rule),
                                                      .severity = ALARM_WARNING,
                                                      .message = SLICE_LIT("x")});
    }
    wait_for(p, 31);
    size_t at = 0, grouped = 0;
    const struct alarm *flood = NULL;
    for (const struct alarm *a; (a = alarms_next(p->alarms, &at));) {
        grouped += a->group != 0;
        if (a->source == ALARM_FLOOD)
            flood = a;
    }
    assert_non_null(flood);
    assert_int_equal(grouped, 10);
    assert_int_equal(flood->count, 10);
    assert_non_null(strstr(flood->message.p, "10 more alarms of twin pump"));
}

static void a_twin_that_goes_takes_its_alarms_along(void **state)
{
    struct place *p = *state;
    put(&p->w, TWIN_CREATE, profile, 0);
    say_sensor(&p->w, "temp", "80");
    wait_for(p, 1);
    struct kept k = {.w = &p->w};
    core_twin_remove(p->w.core, (const struct asker[]){core_system(p->w.core)}, SLICE_LIT("pump"),
                     0, on_twin, &k);
    loop_run(p->w.loop);
    wait_for(p, 2);
    assert_int_equal(p->steps[1], ALARM_CLEARED);
    assert_int_equal(count_open(p), 0);
}

static int keep_event(void *arg, const struct event *e)
{
    buf_addf(arg, "%.*s ", SLICE_ARG(e->kind));
    return 0;
}

static void what_happened_can_be_read(void **state)
{
    struct place *p = *state;
    struct buf b = {0};
    put(&p->w, TWIN_CREATE, profile, 0);
    say_sensor(&p->w, "temp", "80");
    wait_for(p, 1);
    const struct event_query q = {.twin = SLICE_LIT("pump")};
    assert_int_equal(catalog_event_each(core_catalog(p->w.core), &q, keep_event, &b), 0);
    buf_add_byte(&b, 0);
    assert_non_null(strstr(b.p, "alarm.raised "));
    assert_non_null(strstr(b.p, "twin.state "));
    assert_non_null(strstr(b.p, "twin.created "));
    buf_release(&b);
}

static int keep_state(void *arg, const struct alarm *alarm)
{
    snprintf(arg, 32, "%s", alarm_state(alarm));
    return 0;
}

static void an_alarm_can_be_seen_as_it_stood(void **state)
{
    struct place *p = *state;
    char was[32] = "";
    put(&p->w, TWIN_CREATE, profile, 0);
    say_sensor(&p->w, "temp", "80");
    wait_for(p, 1);
    int64_t then = p->last.changed_us;
    say_sensor(&p->w, "temp", "50");
    wait_for(p, 2);
    struct alarm_query q = {.at_us = then};
    assert_int_equal(catalog_alarm_each(core_catalog(p->w.core), &q, keep_state, was), 0);
    assert_string_equal(was, "raised");
    q.at_us = 0;
    assert_int_equal(catalog_alarm_each(core_catalog(p->w.core), &q, keep_state, was), 0);
    assert_string_equal(was, "cleared");
    was[0] = 0;
    q.at_us = then - 1000000;
    assert_int_equal(catalog_alarm_each(core_catalog(p->w.core), &q, keep_state, was), 0);
    assert_string_equal(was, "");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(an_alarm_is_raised_acknowledged_and_settled),
        T(one_that_is_not_acknowledged_counts_up),
        T(a_restart_loses_and_doubles_nothing),
        T(what_came_while_no_alarms_were_there_is_judged_at_the_start),
        T(shelving_takes_a_reason_and_a_time),
        T(a_rule_has_one_alarm_a_twin),
        T(a_storm_is_told_as_one),
        T(a_twin_that_goes_takes_its_alarms_along),
        T(what_happened_can_be_read),
        T(an_alarm_can_be_seen_as_it_stood),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

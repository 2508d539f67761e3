/* Tests of the core on real stores in a temporary folder: ingest, refusals, live state, history,
 * restart. */
#include "core/core_testing.h"

static void a_twin_is_made_changed_and_deleted(void **state)
{
    struct world *w = *state;
    struct kept k = put(w, TWIN_CREATE, profile, 0);
    assert_int_equal(k.err, 0);
    assert_true(k.created);
    assert_int_equal(k.version, 1);
    assert_true(k.filled > 0); /* synchronization, dataStorage, maintenance */
    assert_non_null(strstr(k.profile, "12.50"));
    assert_int_equal(core_twin(w->core, SLICE_LIT("pump"))->sensors_n, 3);

    assert_int_equal(put(w, TWIN_CREATE, profile, 0).err, ERR_EXISTS);
    assert_int_equal(put(w, TWIN_REPLACE, profile, 7).err, ERR_PRECONDITION);
    k = put(w, TWIN_REPLACE, profile, 1);
    assert_int_equal(k.err, 0);
    assert_int_equal(k.version, 2);
    assert_false(k.created);
    assert_int_equal(put(w, TWIN_CREATE, "{\"name\":1}", 0).err, ERR_PROFILE);
    assert_int_equal(put(w, TWIN_CREATE, "{", 0).err, ERR_PROFILE);

    struct kept patched = {.w = w};
    core_twin_patch(w->core, (const struct asker[]){core_system(w->core)}, SLICE_LIT("pump"),
                    SLICE_LIT("{\"name\":\"Big pump\"}"), 2, on_twin, &patched);
    loop_run(w->loop);
    assert_int_equal(patched.err, 0);
    assert_string_equal(core_twin(w->core, SLICE_LIT("pump"))->name, "Big pump");

    struct kept gone = {.w = w};
    core_twin_remove(w->core, (const struct asker[]){core_system(w->core)}, SLICE_LIT("pump"), 0,
                     on_twin, &gone);
    loop_run(w->loop);
    assert_int_equal(gone.err, 0);
    assert_null(core_twin(w->core, SLICE_LIT("pump")));
    assert_int_equal(core_twin_count(w->core), 0);
}

static void readings_come_in_by_every_body(void **state)
{
    struct world *w = *state;
    put(w, TWIN_CREATE, profile, 0);
    static const struct {
        body_fn *body;
        const char *payload;
        size_t accepted;
    } good[] = {
        {ingest_telemetry, "{\"temp\":42.3,\"on\":true,\"mode\":\"eco\"}", 3},
        {ingest_telemetry, "{\"temp\":{\"value\":108,\"unit\":\"degF\",\"quality\":\"uncertain\"}}",
         1},
        {ingest_telemetry,
         "[{\"temp\":1,\"timestamp\":1000},{\"temp\":2,\"timestamp\":\"1970-01-01T00:00:02Z\"}]",
         2},
        {ingest_readings, "{\"sensor\":\"temp\",\"value\":7}", 1},
        {ingest_readings, "[{\"value\":8,\"sensor\":\"temp\"},{\"temp\":9}]", 2},
        {ingest_sequence, "{\"temp\":1}\n\n{\"sensor\":\"on\",\"value\":false}\r\n", 2},
        {ingest_telemetry, "{}", 0},
        {ingest_telemetry, "[]", 0},
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct heard h = say(w, good[i].body, good[i].payload);
        assert_int_equal(h.err, 0);
        assert_int_equal(h.accepted, good[i].accepted);
        assert_int_equal(h.rejected, 0);
    }
    assert_int_equal(say_sensor(w, "temp", " 42.5 ").accepted, 1);
    assert_true(sensor_of(w, "temp")->last.as.d == 42.5);
    assert_int_equal(say_sensor(w, "on", "false").accepted, 1);
    assert_int_equal(say_sensor(w, "mode", "plain words").accepted, 1);
    assert_int_equal(sensor_of(w, "mode")->last.as.text->n, 11);
    assert_int_equal(say_sensor(w, "mode", "\"\\u00e9\"").accepted, 1);
    assert_memory_equal(sensor_of(w, "mode")->last.as.text->bytes, "\xc3\xa9", 2);
    assert_int_equal(say_sensor(w, "temp", "{\"value\":1,\"timestamp\":1700000000000.25}").accepted,
                     1);
    assert_int_equal(say_sensor(w, "temp", "9007199254740993").accepted, 1);
    assert_int_equal(sensor_of(w, "temp")->last.type, VALUE_INT);
    assert_true(sensor_of(w, "temp")->last.as.i == INT64_C(9007199254740993));
}

static void what_cannot_be_is_refused_with_its_reason(void **state)
{
    struct world *w = *state;
    put(w, TWIN_CREATE, profile, 0);
    static const struct {
        const char *payload;
        int err;
        size_t accepted, rejected;
    } bad[] = {
        {"{\"temp\":\"warm\"}", ERR_WRONG_TYPE, 0, 1},
        {"{\"on\":1}", ERR_WRONG_TYPE, 0, 1},
        {"{\"temp\":null}", ERR_WRONG_TYPE, 0, 1},
        {"{\"temp\":[1]}", ERR_WRONG_TYPE, 0, 1},
        {"{\"temp\":1e999}", ERR_WRONG_TYPE, 0, 1},
        {"{\"nope\":1,\"temp\":2}", ERR_UNKNOWN_SENSOR, 1, 1},
        {"{\"temp\":{\"value\":1,\"unit\":\"kg\"}}", ERR_BAD_UNIT, 0, 1},
        {"{\"temp\":{\"quality\":\"good\"}}", ERR_MALFORMED, 0, 1},
        {"{\"timestamp\":\"yesterday\",\"temp\":1,\"on\":true}", ERR_BAD_TIME, 0, 2},
        {"{\"timestamp\":-5,\"temp\":1}", ERR_BAD_TIME, 0, 1},
        {"{\"timestamp\":9e12,\"temp\":1}", ERR_BAD_TIME, 0, 1},
        {"{\"temp\":1", ERR_MALFORMED, 0, 1},
        {"{\"temp\":1}}", ERR_MALFORMED, 0, 1},
        {"[{\"temp\":1},5]", ERR_MALFORMED, 0, 1},
        {"", ERR_MALFORMED, 0, 1},
        {"7", ERR_MALFORMED, 0, 1},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        uint64_t before = core_rejection_total(w->core);
        struct heard h = say(w, ingest_telemetry, bad[i].payload);
        assert_int_equal(h.err, bad[i].err);
        assert_int_equal(h.accepted, bad[i].accepted);
        assert_int_equal(h.rejected, bad[i].rejected);
        assert_true(strlen(h.detail) > 8);
        assert_int_equal(core_rejection_total(w->core), before + bad[i].rejected);
        assert_int_equal(core_rejection(w->core, 0)->err, bad[i].err);
    }
    struct ingest_source src = {"test", "peer", SLICE_LIT("topic"), BODY_JSON,
                                core_system(w->core).who};
    struct ingest *in = ingest_begin(w->core, &src);
    ingest_telemetry(in, SLICE_LIT("nobody"), SLICE_LIT("{\"temp\":1}"));
    assert_int_equal(commit(w, in).err, ERR_UNKNOWN_TWIN);
    assert_int_equal(say_sensor(w, "temp", "warm").err, ERR_WRONG_TYPE);
    assert_int_equal(say_sensor(w, "temp", "").err, ERR_MALFORMED);
    assert_int_equal(say_sensor(w, "mode", "\xff\xfe").err, ERR_MALFORMED);
    struct heard lines = say(w, ingest_sequence, "{\"temp\":1}\n{broken\n{\"temp\":2}");
    assert_int_equal(lines.accepted, 2);
    assert_int_equal(lines.rejected, 1);
    assert_int_equal(lines.err, ERR_MALFORMED);
}

static void units_are_converted_when_said(void **state)
{
    struct world *w = *state;
    put(w, TWIN_CREATE, profile, 0);
    assert_int_equal(say_sensor(w, "temp", "{\"value\":212,\"unit\":\"degF\"}").accepted, 1);
    assert_true(fabs(sensor_of(w, "temp")->last.as.d - 100) < 1e-9);
}

static void levels_follow_the_ranges(void **state)
{
    struct world *w = *state;
    put(w, TWIN_CREATE, profile, 0);
    static const struct {
        const char *value;
        int level;
    } steps[] = {
        {"50", LEVEL_NORMAL}, {"70", LEVEL_WARNING}, {"80", LEVEL_CRITICAL}, {"40", LEVEL_NORMAL}};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        say_sensor(w, "temp", steps[i].value);
        assert_int_equal(sensor_of(w, "temp")->level, steps[i].level);
    }
}

static void a_late_reading_is_history_not_the_present(void **state)
{
    struct world *w = *state;
    put(w, TWIN_CREATE, profile, 0);
    say(w, ingest_telemetry, "{\"timestamp\":2000,\"temp\":2}");
    say(w, ingest_telemetry, "{\"timestamp\":1000,\"temp\":1}");
    say(w, ingest_telemetry, "{\"timestamp\":2000,\"temp\":22}"); /* corrected */
    assert_true(sensor_of(w, "temp")->last.as.d == 22);
    struct past *p =
        ask(w, "temp", (struct history_query){.to_us = 10000000, .how = PAST_RAW, .limit = 100});
    assert_int_equal(p->n, 2);
    assert_true(p->points[0].t_us == 1000000 && p->points[0].as.d == 1);
    assert_true(p->points[1].t_us == 2000000 && p->points[1].as.d == 22);
    free(p);
}

static void times_given_by_the_server_rise(void **state)
{
    struct world *w = *state;
    put(w, TWIN_CREATE, profile, 0);
    assert_int_equal(say(w, ingest_readings, "[{\"temp\":1},{\"temp\":2},{\"temp\":3}]").accepted,
                     3);
    struct past *p =
        ask(w, "temp", (struct history_query){.to_us = INT64_MAX, .how = PAST_RAW, .limit = 100});
    assert_int_equal(p->n, 3);
    assert_true(p->points[0].t_us < p->points[1].t_us && p->points[1].t_us < p->points[2].t_us);
    free(p);
}

static void everything_is_there_after_a_restart(void **state)
{
    struct world *w = *state;
    put(w, TWIN_CREATE, profile, 0);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 50; i++) {
            char payload[96];
            snprintf(payload, sizeof payload, "{\"timestamp\":%d,\"temp\":%d,\"mode\":\"m%d\"}",
                     1000 * (round * 50 + i), i, i);
            assert_int_equal(say(w, ingest_telemetry, payload).accepted, 2);
        }
        world_close(w);
        world_open(w);
        struct past *p = ask(
            w, "temp", (struct history_query){.to_us = INT64_MAX, .how = PAST_RAW, .limit = 1000});
        assert_int_equal(p->n, 50 * (round + 1));
        for (size_t i = 0; i < p->n; i++)
            assert_true(p->points[i].t_us == (int64_t)i * 1000000 &&
                        p->points[i].as.d == (double)(i % 50));
        free(p);
        assert_true(sensor_of(w, "temp")->has_value);
        assert_true(sensor_of(w, "temp")->last.as.d == 49);
        assert_int_equal(sensor_state(sensor_of(w, "temp")), LIVE_STALE);
        assert_memory_equal(sensor_of(w, "mode")->last.as.text->bytes, "m49", 3);
    }
    assert_int_equal(put(w, TWIN_REPLACE, profile, 1).version, 2);
}

static void what_spoke_just_before_a_restart_is_live(void **state)
{
    struct world *w = *state;
    put(w, TWIN_CREATE, profile, 0);
    say(w, ingest_telemetry, "{\"temp\":1}");
    world_close(w);
    world_open(w);
    assert_int_equal(sensor_state(sensor_of(w, "temp")), LIVE_LIVE);
    assert_int_equal(core_twin(w->core, SLICE_LIT("pump"))->state, LIVE_LIVE);
}

static void a_lost_catalog_gives_no_new_twin_an_old_past(void **state)
{
    struct world *w = *state;
    put(w, TWIN_CREATE, profile, 0);
    say(w, ingest_telemetry, "{\"temp\":1,\"timestamp\":1000}");
    world_close(w);
    static const char *const files[] = {"catalog.db", "catalog.db-wal", "catalog.db-shm"};
    for (size_t i = 0; i < 3; i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/%s", w->dir, files[i]);
        unlink(path);
    }
    world_open(w);
    assert_int_equal(core_twin_count(w->core), 0);
    put(w, TWIN_CREATE, profile, 0);
    struct past *p =
        ask(w, "temp", (struct history_query){.to_us = 10000000, .how = PAST_RAW, .limit = 100});
    assert_int_equal(p->n, 0);
    assert_false(sensor_of(w, "temp")->has_value);
    free(p);
}

static void fill(struct world *w, int n)
{
    struct ingest_source src = {"test", "peer", SLICE_LIT("topic"), BODY_JSON,
                                core_system(w->core).who};
    struct ingest *in = ingest_begin(w->core, &src);
    for (int i = 0; i < n; i++)
        ingest_value(in, sensor_of(w, "temp"), NOW + i * INT64_C(1000000),
                     value_double(i % 977 == 500  ? 1e6 + i
                                  : i % 1000 == 3 ? -1e6 - i
                                                  : sin(i / 50.0)),
                     QUALITY_GOOD);
    assert_int_equal(commit(w, in).accepted, n);
}

static void thinning_keeps_extremes(void **state)
{
    struct world *w = *state;
    put(w, TWIN_CREATE, profile, 0);
    fill(w, 20000);
    struct past *p = ask(
        w, "temp",
        (struct history_query){
            .from_us = NOW, .to_us = NOW + INT64_C(20000000000), .how = PAST_THIN, .limit = 400});
    assert_in_range(p->n, 200, 400);
    double least = 0, most = 0;
    for (size_t i = 0; i < p->n; i++) {
        least = p->points[i].as.d < least ? p->points[i].as.d : least;
        most = p->points[i].as.d > most ? p->points[i].as.d : most;
        if (i)
            assert_true(p->points[i].t_us > p->points[i - 1].t_us);
    }
    assert_true(least == -1e6 - 19003 && most == 1e6 + 19063);
    assert_true(p->points[0].t_us == NOW);
    assert_true(p->points[p->n - 1].t_us == NOW + INT64_C(19999000000));
    free(p);
    p = ask(w, "temp",
            (struct history_query){
                .from_us = NOW, .to_us = NOW + INT64_C(100000000), .how = PAST_THIN, .limit = 400});
    assert_int_equal(p->n, 100); /* few enough to be left as they are */
    free(p);
}

static void raw_goes_on_behind_its_limit(void **state)
{
    struct world *w = *state;
    put(w, TWIN_CREATE, profile, 0);
    fill(w, 2500);
    struct history_query q = {
        .from_us = NOW, .to_us = NOW + INT64_C(2500000000), .how = PAST_RAW, .limit = 1000};
    size_t n = 0;
    bool more = true;
    while (more) {
        struct past *p = ask(w, "temp", q);
        n += p->n;
        more = p->more;
        q.from_us = p->next_us;
        free(p);
    }
    assert_int_equal(n, 2500);
}

static void steps_add_up(void **state)
{
    struct world *w = *state;
    put(w, TWIN_CREATE, profile, 0);
    for (int i = 0; i < 30; i++) {
        char payload[64];
        snprintf(payload, sizeof payload, "{\"timestamp\":%d,\"temp\":%d}", i * 1000, i);
        say(w, ingest_telemetry, payload);
    }
    static const struct {
        enum history_fn fn;
        double first, last;
    } expected[] = {{FN_MEAN, 4.5, 24.5}, {FN_MIN, 0, 20},    {FN_MAX, 9, 29},  {FN_FIRST, 0, 20},
                    {FN_LAST, 9, 29},     {FN_COUNT, 10, 10}, {FN_SUM, 45, 245}};
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        struct past *p = ask(w, "temp",
                             (struct history_query){.to_us = 60000000,
                                                    .how = PAST_STEPS,
                                                    .every = {.n = 10000000},
                                                    .fns = {expected[i].fn},
                                                    .fns_n = 1});
        assert_int_equal(p->n, 3);
        assert_true(p->points[0].as.d == expected[i].first &&
                    p->points[2].as.d == expected[i].last);
        assert_true(p->points[1].t_us == 10000000);
        free(p);
    }
}

struct seen {
    size_t readings, states, created;
};

static void count_reading(void *arg, struct sensor *s, const struct reading *r)
{
    struct seen *seen = arg;
    seen->readings += s->series == r->series;
}

static void count_event(void *arg, const struct core_event *e)
{
    struct seen *seen = arg;
    seen->states += e->kind == EVENT_STATE;
    seen->created += e->kind == EVENT_TWIN_CREATED;
}

static void whoever_looks_on_is_told(void **state)
{
    struct world *w = *state;
    struct seen seen = {0};
    struct core_tap tap = {.on_reading = count_reading, .on_event = count_event, .arg = &seen};
    core_tap_add(w->core, &tap);
    put(w, TWIN_CREATE, profile, 0);
    say(w, ingest_telemetry, "{\"temp\":1,\"on\":true}");
    core_tap_remove(w->core, &tap);
    say(w, ingest_telemetry, "{\"temp\":1,\"on\":true}");
    assert_int_equal(seen.readings, 2);
    assert_int_equal(seen.states, 1);
    assert_int_equal(seen.created, 1);
}

static void the_live_profile_is_live(void **state)
{
    struct world *w = *state;
    struct kept k = put(w, TWIN_CREATE, profile, 0);
    say(w, ingest_telemetry, "{\"temp\":80,\"timestamp\":1700000000000}");
    struct arena *a = arena_new();
    struct buf out = {0};
    struct jval *root;
    double v;
    assert_int_equal(core_live_profile(w->core, core_system(w->core).who,
                                       core_twin(w->core, SLICE_LIT("pump")), a,
                                       slice_str(k.profile), &out),
                     0);
    assert_int_equal(jdoc_parse(a, buf_slice(&out), &root, NULL), 0);
    assert_true(jval_number(jval_pointer(root, "/sensors/0/currentValue"), &v) && v == 80);
    assert_true(
        slice_is(jval_string(jval_pointer(root, "/sensors/0/timestamp")), "2023-11-14T22:13:20Z"));
    assert_true(
        slice_is(jval_string(jval_pointer(root, "/synchronization/connectionStatus")), "active"));
    assert_true(slice_is(jval_string(jval_pointer(root, "/synchronization/lastSynced")),
                         "2023-11-14T22:13:20Z"));
    assert_non_null(jval_pointer(root, "/performance/alerts"));
    assert_true(slice_ends(jval_string(jval_pointer(root, "/performance/uptime")), "%"));
    assert_non_null(memmem(out.p, out.n, "12.50", 5));
    buf_release(&out);
    arena_free(a);
}

static void stop_when_stale(void *arg)
{
    struct world *w = arg;
    if (core_twin(w->core, SLICE_LIT("pump"))->state == LIVE_STALE)
        loop_stop(w->loop);
}

static void silence_becomes_stale(void **state)
{
    struct world *w = *state;
    struct loop_timer *timer;
    put(w, TWIN_CREATE, profile, 0);
    say(w, ingest_telemetry, "{\"temp\":1}");
    assert_int_equal(core_twin(w->core, SLICE_LIT("pump"))->state, LIVE_LIVE);
    assert_int_equal(loop_timer_new(w->loop, stop_when_stale, w, &timer), 0);
    loop_timer_start(timer, 50, 50);
    loop_run(w->loop); /* three intervals of one second */
    loop_timer_free(timer);
    assert_int_equal(sensor_state(sensor_of(w, "temp")), LIVE_STALE);
    assert_int_equal(sensor_state(sensor_of(w, "on")), LIVE_WAITING);
}

/* The monotonic clock counts from the machine's start: the wheel may not look behind that. */
static void silence_is_noticed_on_a_machine_just_started(void **state)
{
    struct world *w = *state;
    struct loop_timer *timer;
    world_close(w);
    clock_set(INT64_C(3000000));
    world_open(w);
    put(w, TWIN_CREATE, profile, 0);
    say(w, ingest_telemetry, "{\"temp\":1}");
    assert_int_equal(sensor_state(sensor_of(w, "temp")), LIVE_LIVE);
    clock_set(INT64_C(20000000));
    assert_int_equal(loop_timer_new(w->loop, stop_when_stale, w, &timer), 0);
    loop_timer_start(timer, 50, 50);
    loop_run(w->loop);
    loop_timer_free(timer);
    assert_int_equal(sensor_state(sensor_of(w, "temp")), LIVE_STALE);
}

static void a_sensor_that_returns_has_its_past(void **state)
{
    struct world *w = *state;
    put(w, TWIN_CREATE, profile, 0);
    say(w, ingest_telemetry, "{\"temp\":1,\"timestamp\":1000}");
    struct kept patched = {.w = w};
    core_twin_patch(w->core, (const struct asker[]){core_system(w->core)}, SLICE_LIT("pump"),
                    SLICE_LIT("{\"sensors\":[{\"id\":\"on\",\"name\":\"Running\",\"type\":"
                              "\"boolean\",\"unit\":\"none\"}]}"),
                    0, on_twin, &patched);
    loop_run(w->loop);
    assert_int_equal(patched.err, 0);
    assert_null(sensor_of(w, "temp"));
    assert_int_equal(say(w, ingest_telemetry, "{\"temp\":2}").err, ERR_UNKNOWN_SENSOR);
    put(w, TWIN_REPLACE, profile, 0);
    struct past *p =
        ask(w, "temp", (struct history_query){.to_us = 10000000, .how = PAST_RAW, .limit = 100});
    assert_int_equal(p->n, 1);
    free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_twin_is_made_changed_and_deleted),
        TEST(readings_come_in_by_every_body),
        TEST(what_cannot_be_is_refused_with_its_reason),
        TEST(units_are_converted_when_said),
        TEST(levels_follow_the_ranges),
        TEST(a_late_reading_is_history_not_the_present),
        TEST(times_given_by_the_server_rise),
        TEST(everything_is_there_after_a_restart),
        TEST(what_spoke_just_before_a_restart_is_live),
        TEST(a_lost_catalog_gives_no_new_twin_an_old_past),
        TEST(thinning_keeps_extremes),
        TEST(raw_goes_on_behind_its_limit),
        TEST(steps_add_up),
        TEST(whoever_looks_on_is_told),
        TEST(the_live_profile_is_live),
        TEST(silence_becomes_stale),
        TEST(silence_is_noticed_on_a_machine_just_started),
        TEST(a_sensor_that_returns_has_its_past),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

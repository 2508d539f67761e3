/* Tests of the core where things go wrong or meet: what is refused as a whole, profiles that change
 * under readings, ends that come while something is under way. */
#include "core/core_testing.h"

#include <sqlite3.h>

static struct ingest *begin(struct world *w)
{
    struct ingest_source src = {"test", "peer", SLICE_LIT("topic"), BODY_JSON,
                                core_system(w->core).who};
    return ingest_begin(w->core, &src);
}

static void patch(struct world *w, const char *text)
{
    struct kept k = {.w = w};
    core_twin_patch(w->core, (const struct asker[]){core_system(w->core)}, SLICE_LIT("pump"),
                    slice_str(text), 0, on_twin, &k);
    loop_run(w->loop);
    assert_int_equal(k.err, 0);
}

static void without_temp(struct world *w)
{
    patch(w, "{\"sensors\":[{\"id\":\"on\",\"name\":\"Running\",\"type\":\"boolean\",\"unit\":"
             "\"none\",\"currentValue\":true}]}");
}

static struct twin *pump(struct world *w)
{
    return core_twin(w->core, SLICE_LIT("pump"));
}

/* ---- what a message says ---- */

static void names_may_be_escaped(void **state)
{
    struct world *w = *state;
    put(w, TWIN_CREATE, profile, 0);
    assert_int_equal(say(w, ingest_telemetry, "{\"t\\u0065mp\":{\"v\\u0061lue\":5}}").accepted, 1);
    assert_int_equal(
        say(w, ingest_readings, "{\"sens\\u006fr\":\"\\u0074emp\",\"v\\u0061lue\":6}").accepted, 1);
    assert_true(sensor_of(w, "temp")->last.as.d == 6);
    assert_int_equal(say_sensor(w, "temp", "{\"value\":1,\"un\\u0069t\":\"\\u0064egF\"}").accepted,
                     1);
    assert_true(sensor_of(w, "temp")->last.as.d < 0);
}

static void a_text_that_breaks_off_is_refused_for_that_alone(void **state)
{
    struct world *w = *state;
    put(w, TWIN_CREATE, profile, 0);
    struct heard h = say(w, ingest_telemetry, "[{\"nosuch\":1,\"temp\":\"x\"},{bad");
    assert_int_equal(h.err, ERR_MALFORMED);
    assert_int_equal(h.accepted, 0);
    assert_int_equal(h.rejected, 1);
    assert_int_equal(h.rejects_n, 1);
    assert_int_equal(h.first.index, 0);
    h = say(w, ingest_sequence, "{\"temp\":1}\n{\"nosuch\":1}\n[{\"temp\":3},{\"temp\":4},\n{}");
    assert_int_equal(h.err, ERR_UNKNOWN_SENSOR); /* the lines before and after stand */
    assert_int_equal(h.accepted, 1);
    assert_int_equal(h.rejected, 2);
}

/* [{"temp":0},{"temp":1},...] */
static void write_many(struct buf *b, size_t n, const char *end)
{
    for (size_t i = 0; i < n; i++)
        buf_addf(b, "%s{\"temp\":%zu}", i ? "," : "[", i);
    buf_addf(b, "%s", end);
    assert_false(b->failed);
}

static void say_large(struct world *w, const struct buf *b, struct heard *h)
{
    *h = (struct heard){.w = w};
    ingest_large(begin(w),
                 &(struct ingest_body){.twin = SLICE_LIT("pump"), .payload = buf_slice(b)},
                 on_heard, h);
}

static void wait_for(struct heard *h)
{
    h->waiting = true;
    while (!h->called) /* others end it too */
        loop_run(h->w->loop);
}

static void a_large_body_lets_others_through(void **state)
{
    struct world *w = *state;
    enum { MANY = 40000 };
    struct buf good = {0}, bad = {0};
    struct heard first, second;
    put(w, TWIN_CREATE, profile, 0);
    write_many(&good, MANY, "]");
    write_many(&bad, MANY, ",{]");
    say_large(w, &good, &first);
    say_large(w, &bad, &second);
    struct heard small = say(w, ingest_telemetry, "{\"on\":true}");
    assert_int_equal(small.accepted, 1);
    assert_false(first.called || second.called);
    wait_for(&second);
    assert_int_equal(second.err, ERR_MALFORMED); /* at its end, so none of it is kept */
    assert_int_equal(second.accepted, 0);
    assert_int_equal(second.rejected, 1);
    wait_for(&first);
    assert_int_equal(first.err, 0);
    assert_int_equal(first.accepted, MANY);
    assert_int_equal(sensor_of(w, "temp")->updates, MANY);
    assert_true(point_value(&sensor_of(w, "temp")->last).as.d == MANY - 1);

    say_large(w, &good, &first); /* the end comes before it is read */
    core_stop(w->core);
    assert_true(first.called);
    assert_int_equal(first.err, ERR_CANCELLED);
    assert_int_equal(first.accepted, 0);
    buf_release(&good);
    buf_release(&bad);
}

static void a_large_body_may_outlive_its_twin(void **state)
{
    struct world *w = *state;
    struct buf body = {0};
    struct heard h;
    struct kept gone = {.w = w};
    put(w, TWIN_CREATE, profile, 0);
    write_many(&body, 200000, "]");
    say_large(w, &body, &h);
    core_twin_remove(w->core, (const struct asker[]){core_system(w->core)}, SLICE_LIT("pump"), 0,
                     on_twin, &gone);
    wait_for(&h);
    assert_true(h.err == ERR_UNKNOWN_TWIN || h.accepted == 200000);
    buf_release(&body);
}

static void a_rejection_shows_the_value(void **state)
{
    static const struct {
        body_fn *body; /* NULL: to the sensor itself */
        const char *payload, *shown;
    } rows[] = {
        {NULL, "[1, \"x\",2]", "\"x\""},
        {NULL, "[ true ,1]", "true"},
        {NULL, "[1,{\"value\":null} ]", "{\"value\":null}"},
        {ingest_telemetry, "{\"on\":true,\"temp\": \"x\" }", "\"x\""},
        {ingest_telemetry, "[{\"on\":true},{\"temp\":{\"value\":[1,2]}}]", "{\"value\":[1,2]}"},
        {ingest_readings, "[{\"on\":true}, {\"sensor\":\"temp\",\"value\":\"x\"}]",
         "{\"sensor\":\"temp\",\"value\":\"x\"}"},
    };
    struct world *w = *state;
    put(w, TWIN_CREATE, profile, 0);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct heard h = rows[i].body ? say(w, rows[i].body, rows[i].payload)
                                      : say_sensor(w, "temp", rows[i].payload);
        assert_int_equal(h.rejected, 1);
        assert_string_equal(core_rejection(w->core, 0)->payload, rows[i].shown);
    }
}

static void a_flood_of_refusals_is_counted_and_bounded(void **state)
{
    enum { N = 50000 };
    struct world *w = *state;
    struct core_stats before, after;
    put(w, TWIN_CREATE, profile, 0);
    struct buf b = {0};
    for (int i = 0; i < N; i++)
        buf_add_str(&b, i ? ",{\"nosuch\":1}" : "[{\"nosuch\":1}");
    buf_add_str(&b, "]");
    buf_add_byte(&b, 0);
    core_stats(w->core, &before);
    struct heard h = say(w, ingest_telemetry, b.p);
    core_stats(w->core, &after);
    assert_int_equal(h.rejected, N);
    assert_int_equal(h.rejects_n, 100);
    assert_int_equal(after.rejected - before.rejected, N);
    assert_int_equal(after.rejected_by[-ERR_UNKNOWN_SENSOR], N);
    assert_int_equal(core_rejection_total(w->core), N);
    assert_non_null(core_rejection(w->core, 999));
    assert_null(core_rejection(w->core, 1000));
    buf_release(&b);
}

/* ---- a sensor whose kind the first reading decides ---- */

static void only_a_kept_reading_decides_the_kind(void **state)
{
    struct world *w = *state;
    put(w, TWIN_CREATE, profile, 0);
    patch(w, "{\"sensors\":[{\"id\":\"any\",\"name\":\"Any\",\"type\":\"custom\",\"unit\":"
             "\"none\"}]}");
    struct sensor *s = sensor_of(w, "any");
    assert_int_equal(s->kind, VALUE_NONE);
    assert_int_equal(say(w, ingest_telemetry, "[{\"any\":1},{").err, ERR_MALFORMED);
    assert_int_equal(s->kind, VALUE_NONE);
    struct ingest *in = begin(w), *other = begin(w);
    ingest_telemetry(in, SLICE_LIT("pump"), SLICE_LIT("{\"any\":1}"));
    ingest_telemetry(other, SLICE_LIT("pump"), SLICE_LIT("{\"any\":2}"));
    assert_int_equal(s->kind, VALUE_DOUBLE);
    ingest_drop(in);
    assert_int_equal(s->kind, VALUE_DOUBLE); /* the other one still says so */
    ingest_drop(other);
    assert_int_equal(s->kind, VALUE_NONE);
    assert_int_equal(say_sensor(w, "any", "\"words\"").accepted, 1);
    assert_int_equal(s->kind, VALUE_TEXT);
    in = begin(w);
    ingest_telemetry(in, SLICE_LIT("pump"), SLICE_LIT("{\"any\":\"more\"}"));
    ingest_drop(in);
    assert_int_equal(s->kind, VALUE_TEXT);
}

/* ---- what cannot be kept ---- */

static void what_the_journal_refuses_leaves_no_trace(void **state)
{
    enum { N = 1100 }; /* 65,536 bytes each: more than may wait for the disk at once */
    struct world *w = *state;
    struct core_stats stats;
    put(w, TWIN_CREATE, profile, 0);
    static char text[65536];
    memset(text, 'x', sizeof text);
    struct ingest *in = begin(w);
    ingest_telemetry(in, SLICE_LIT("pump"), SLICE_LIT("{\"nosuch\":1}"));
    for (int i = 0; i < N; i++)
        ingest_value(in, sensor_of(w, "mode"), 0,
                     (struct value){VALUE_TEXT, {.text = slice_of(text, sizeof text)}},
                     QUALITY_GOOD);
    struct heard h = commit(w, in);
    assert_int_equal(h.err, ERR_TOO_LARGE); /* which counts more than the wrong name */
    assert_int_equal(h.accepted, 0);
    assert_int_equal(h.rejected, N + 1);
    core_stats(w->core, &stats);
    assert_int_equal(stats.readings, 0);
    assert_int_equal(stats.head_readings, 0);
    assert_int_equal(stats.rejected, N + 1);
    assert_int_equal(stats.rejected_by[-ERR_TOO_LARGE], N);
    assert_false(sensor_of(w, "mode")->has_value);
    assert_int_equal(pump(w)->state, LIVE_WAITING);
    assert_int_equal(say_sensor(w, "mode", "still here").accepted, 1);
}

/* ---- profiles that change ---- */

static void a_reading_under_way_may_outlive_its_sensor(void **state)
{
    struct world *w = *state;
    put(w, TWIN_CREATE, profile, 0);
    for (int round = 0; round < 2; round++) {
        struct ingest *in = begin(w);
        ingest_value(in, sensor_of(w, "temp"), NOW + round, value_double(80), QUALITY_GOOD);
        without_temp(w);
        assert_int_equal(commit(w, in).accepted, 1);
        assert_int_equal(pump(w)->live_n, 0);
        assert_int_equal(pump(w)->state, LIVE_WAITING); /* nothing in the profile has spoken */
        assert_int_equal(put(w, TWIN_REPLACE, profile, 0).err, 0);
        assert_int_equal(sensor_state(sensor_of(w, "temp")), LIVE_STALE);
        assert_int_equal(pump(w)->state, LIVE_STALE);
        assert_int_equal(pump(w)->live_n, 0);
    }
    say(w, ingest_telemetry, "{\"temp\":50}");
    assert_int_equal(pump(w)->live_n, 1);
    assert_int_equal(pump(w)->state, LIVE_LIVE);
    without_temp(w);
    assert_int_equal(pump(w)->live_n, 0);
    assert_int_equal(pump(w)->state, LIVE_WAITING);
}

static void a_retired_sensor_has_no_level(void **state)
{
    struct world *w = *state;
    put(w, TWIN_CREATE, profile, 0);
    say(w, ingest_telemetry, "{\"temp\":80}");
    assert_int_equal(sensor_of(w, "temp")->alarm, LEVEL_CRITICAL);
    struct sensor *temp = sensor_of(w, "temp");
    without_temp(w);
    assert_int_equal(temp->alarm, LEVEL_UNKNOWN);
    put(w, TWIN_REPLACE, profile, 0); /* and when it is back it is as it was */
    assert_int_equal(sensor_of(w, "temp")->level, LEVEL_CRITICAL);
    world_close(w);
    world_open(w);
    assert_int_equal(sensor_of(w, "temp")->level, LEVEL_CRITICAL);
}

static void a_retired_sensor_does_not_speak_for_its_twin_after_a_restart(void **state)
{
    struct world *w = *state;
    put(w, TWIN_CREATE, profile, 0);
    say(w, ingest_telemetry, "{\"temp\":80}");
    without_temp(w);
    world_close(w);
    world_open(w);
    assert_int_equal(pump(w)->state, LIVE_WAITING);
}

static void stop_when_quiet(void *arg)
{
    struct world *w = arg;
    if (pump(w)->state == LIVE_STALE)
        loop_stop(w->loop);
}

static void a_shorter_interval_counts_at_once(void **state)
{
    struct world *w = *state;
    struct loop_timer *timer;
    char slow[sizeof profile + 8];
    snprintf(slow, sizeof slow, "%s", profile);
    memcpy(strstr(slow, "\"updateFrequency\":1,") + 18, "0.001", 5); /* a thousandth of a hertz */
    char *tail = strstr(slow, "0.001") + 5;
    snprintf(tail, sizeof slow - (size_t)(tail - slow), "%s",
             strstr(profile, "\"updateFrequency\":1,") + 19);
    assert_int_equal(put(w, TWIN_CREATE, slow, 0).err, 0);
    assert_true(sensor_of(w, "temp")->spec->interval_us > 60000000);
    say(w, ingest_telemetry, "{\"temp\":1}");
    assert_int_equal(put(w, TWIN_REPLACE, profile, 0).err, 0);
    assert_int_equal(pump(w)->state, LIVE_LIVE);
    int64_t began = clock_mono_us();
    assert_int_equal(loop_timer_new(w->loop, stop_when_quiet, w, &timer), 0);
    loop_timer_start(timer, 50, 50);
    loop_run(w->loop);
    loop_timer_free(timer);
    assert_true(clock_mono_us() - began < 20000000);
}

/* Many sensors, several to a slot of the wheel: each is counted live once and stale once. */
static void many_fall_silent_together(void **state)
{
    enum { N = 3000 };
    struct world *w = *state;
    struct loop_timer *timer;
    struct buf text = {0}, values = {0};
    const char *list = strstr(profile, "\"sensors\":[") + 11;
    buf_add(&text, profile, (size_t)(list - profile));
    for (int i = 0; i < N; i++) {
        buf_addf(&text,
                 "%s{\"id\":\"s%d\",\"name\":\"S\",\"type\":\"temperature\",\"unit\":\"celsius\","
                 "\"updateFrequency\":1}",
                 i ? "," : "", i);
        buf_addf(&values, "%c\"s%d\":%d", i ? ',' : '{', i, i);
    }
    buf_add_str(&text, "]}");
    buf_add_byte(&text, 0);
    buf_add_str(&values, "}");
    buf_add_byte(&values, 0);
    assert_int_equal(put(w, TWIN_CREATE, text.p, 0).err, 0);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(say(w, ingest_telemetry, values.p).accepted, N);
        assert_int_equal(pump(w)->live_n, N);
        assert_int_equal(say(w, ingest_telemetry, values.p).accepted, N);
        assert_int_equal(pump(w)->live_n, N);
        assert_int_equal(loop_timer_new(w->loop, stop_when_quiet, w, &timer), 0);
        loop_timer_start(timer, 50, 50);
        loop_run(w->loop);
        loop_timer_free(timer);
        assert_int_equal(pump(w)->live_n, 0);
        for (size_t i = 0; i < N; i++)
            assert_int_equal(sensor_state(pump(w)->sensors[i]), LIVE_STALE);
    }
    buf_release(&text);
    buf_release(&values);
}

/* ---- twins that go while their readings are in memory ---- */

static void a_twin_goes_with_what_is_in_memory(void **state)
{
    enum { TWINS = 20 };
    struct world *w = *state;
    struct core_stats stats;
    char text[2048], id[16];
    for (int i = 0; i < TWINS; i++) {
        snprintf(text, sizeof text, "%s", profile);
        char *at = strstr(text, "\"pump\"");
        snprintf(id, sizeof id, "\"p%03d\"", i);
        memcpy(at, id, 6);
        assert_int_equal(put(w, TWIN_CREATE, text, 0).err, 0);
        struct ingest *in = begin(w);
        snprintf(id, sizeof id, "p%03d", i);
        ingest_telemetry(in, slice_str(id),
                         SLICE_LIT("{\"temp\":1,\"on\":true,\"mode\":\"words\"}"));
        assert_int_equal(commit(w, in).accepted, 3);
    }
    size_t n;
    core_twins(w->core, &n);
    for (int i = 0; i < TWINS; i += 2) {
        struct kept k = {.w = w};
        snprintf(id, sizeof id, "p%03d", (i * 7) % TWINS);
        core_twin_remove(w->core, (const struct asker[]){core_system(w->core)}, slice_str(id), 0,
                         on_twin, &k);
        loop_run(w->loop);
        assert_int_equal(k.err, 0);
        core_stats(w->core, &stats);
        assert_int_equal(stats.head_readings, 3 * (TWINS - i / 2 - 1));
    }
    world_close(w);
    world_open(w);
    struct twin *const *all = core_twins(w->core, &n);
    assert_int_equal(n, TWINS / 2);
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < 3; k++)
            assert_true(all[i]->sensors[k]->has_value);
}

/* ---- the end ---- */

static bool no_row(void *arg, const struct history_row *row)
{
    (void)arg, (void)row;
    return false;
}

static void on_past_end(void *arg, const struct history_turn *turn)
{
    assert_true(turn->ended);
    ((int *)arg)[turn->err == ERR_CANCELLED]++;
}

static void everyone_hears_before_the_end(void **state)
{
    struct world *w = *state;
    put(w, TWIN_CREATE, profile, 0);
    struct heard heard[50];
    struct kept kept = {.w = w}, late = {.w = w};
    int pasts[2] = {0}, cancelled[2] = {0};
    static const struct history_taker_fns fns = {no_row, on_past_end};
    struct history_query q = {.to_us = INT64_MAX, .how = PAST_RAW, .limit = 10};
    for (size_t i = 0; i < 50; i++) {
        heard[i] = (struct heard){.w = w};
        struct ingest *in = begin(w);
        ingest_telemetry(in, SLICE_LIT("pump"), SLICE_LIT("{\"temp\":1}"));
        ingest_commit(in, on_heard, &heard[i]);
    }
    core_twin_put(w->core, (const struct asker[]){core_system(w->core)}, TWIN_PUT, SLICE_LIT(""),
                  slice_str(profile), 0, false, on_twin, &kept);
    assert_non_null(core_history(w->core, sensor_of(w, "temp"), &q, &fns, pasts));
    history_cancel(core_history(w->core, sensor_of(w, "temp"), &q, &fns, cancelled));
    core_stop(w->core);
    for (size_t i = 0; i < 50; i++)
        assert_true(heard[i].called && (heard[i].accepted == 1 || heard[i].err));
    assert_int_equal(kept.version, 2);
    assert_int_equal(pasts[0], 1);
    assert_int_equal(cancelled[1], 1);

    struct heard after = say(w, ingest_telemetry, "{\"temp\":1}");
    assert_int_equal(after.err, ERR_CANCELLED);
    core_twin_put(w->core, (const struct asker[]){core_system(w->core)}, TWIN_PUT, SLICE_LIT(""),
                  slice_str(profile), 0, false, on_twin, &late);
    assert_int_equal(late.err, ERR_CANCELLED);
    assert_null(core_history(w->core, sensor_of(w, "temp"), &q, &fns, pasts));
    struct core_stats stats;
    core_stats(w->core, &stats);
    assert_false(core_ready(w->core));
    core_stop(w->core); /* twice is once */
}

static void twins_are_in_order_whenever_they_came(void **state)
{
    struct world *w = *state;
    static const char *const ids[] = {"m", "b", "zz", "a", "z", "n", "B", "m.1", "0"};
    char text[sizeof profile + 16];
    const char *id = strstr(profile, "\"value\":\"pump\"") + 9;
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        snprintf(text, sizeof text, "%.*s%s%s", (int)(id - profile), profile, ids[i], id + 4);
        assert_int_equal(put(w, TWIN_CREATE, text, 0).err, 0);
        if (i % 3)
            continue; /* several are new at once */
        size_t n;
        struct twin *const *all = core_twins(w->core, &n);
        assert_int_equal(n, i + 1);
        for (size_t k = 1; k < n; k++)
            assert_true(strcmp(all[k - 1]->id, all[k]->id) < 0);
    }
    size_t n;
    struct twin *const *all = core_twins(w->core, &n);
    assert_int_equal(n, sizeof ids / sizeof ids[0]);
    assert_string_equal(all[0]->id, "0");
    assert_string_equal(all[n - 1]->id, "zz");
    assert_ptr_equal(all[0]->layout, all[n - 1]->layout); /* the same sensors are kept once */
}

/* What the catalog has packed of a twin may be missing, as after an older version, or of another
 * one: the profile has it all, and the next start has it packed again. */
static void what_is_packed_is_made_anew_when_it_is_missing(void **state)
{
    struct world *w = *state;
    static const char *const damages[] = {
        "UPDATE twin SET view=NULL",
        "UPDATE twin SET view=x'7f'",
        "UPDATE twin SET layout=NULL",
        "UPDATE layout SET sensors=x'0105ff'",
    };
    char path[128];
    snprintf(path, sizeof path, "%s/catalog.db", w->dir);
    assert_int_equal(put(w, TWIN_CREATE, profile, 0).err, 0);
    uint32_t series = sensor_of(w, "temp")->series;
    for (size_t i = 0; i < sizeof damages / sizeof damages[0]; i++) {
        sqlite3 *db;
        world_close(w);
        assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
        assert_int_equal(sqlite3_exec(db, damages[i], NULL, NULL, NULL), SQLITE_OK);
        sqlite3_close(db);
        for (int k = 0; k < 2; k++) { /* made anew, then as it was kept */
            world_open(w);
            assert_int_equal(pump(w)->sensors_n, 3);
            assert_string_equal(pump(w)->name, "Pump");
            assert_int_equal(sensor_of(w, "temp")->series, series);
            assert_true(sensor_of(w, "temp")->spec->has_critical);
            assert_int_equal(pump(w)->version, 1);
            if (!k)
                world_close(w);
        }
    }
}

/* However much of it came to history, all of it is there afterwards, once. */
static void a_short_end_loses_nothing(void **state)
{
    struct world *w = *state;
    put(w, TWIN_CREATE, profile, 0);
    world_close(w);
    w->end_ms = 1;
    for (int i = 0; i < 5; i++) {
        struct buf b = {0};
        world_open(w);
        for (int k = 0; k < 3000; k++)
            buf_addf(&b, "%s{\"temp\":%d,\"timestamp\":%d}", k ? "," : "[", k,
                     1000000 + 3000 * i + k);
        buf_addf(&b, "]");
        buf_add_byte(&b, 0);
        assert_int_equal(say(w, ingest_telemetry, b.p).accepted, 3000);
        buf_release(&b);
        world_close(w);
    }
    world_open(w);
    struct history_query q = {.to_us = INT64_MAX, .how = PAST_RAW};
    struct past *p = ask(w, "temp", q);
    assert_int_equal(p->n, 15000);
    free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(twins_are_in_order_whenever_they_came),
        TEST(what_is_packed_is_made_anew_when_it_is_missing),
        TEST(names_may_be_escaped),
        TEST(a_text_that_breaks_off_is_refused_for_that_alone),
        TEST(a_large_body_lets_others_through),
        TEST(a_large_body_may_outlive_its_twin),
        TEST(a_rejection_shows_the_value),
        TEST(a_flood_of_refusals_is_counted_and_bounded),
        TEST(only_a_kept_reading_decides_the_kind),
        TEST(what_the_journal_refuses_leaves_no_trace),
        TEST(a_reading_under_way_may_outlive_its_sensor),
        TEST(a_retired_sensor_has_no_level),
        TEST(a_retired_sensor_does_not_speak_for_its_twin_after_a_restart),
        TEST(a_shorter_interval_counts_at_once),
        TEST(many_fall_silent_together),
        TEST(a_twin_goes_with_what_is_in_memory),
        TEST(everyone_hears_before_the_end),
        TEST(a_short_end_loses_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

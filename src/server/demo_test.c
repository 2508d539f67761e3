/* Tests of the demo on a real core: it comes up with a past, stays deleted, comes back when asked.
 */
#include "server/demo.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[] = "/tmp/doppel-demo-XXXXXX";

struct house {
    struct loop *loop;
    struct core *core;
    struct demo *demo;
    struct loop_timer *end;
};

static void stop(void *arg)
{
    loop_stop(arg);
}

static void open_house(struct house *h, bool demo, bool restore)
{
    const struct core_opts opts = {.dir = dir, .mqtt_endpoint = "mqtt://127.0.0.1:1883/twins/"};
    const char *why = NULL;
    *h = (struct house){0};
    assert_int_equal(loop_new(&h->loop), 0);
    assert_int_equal(core_open(h->loop, &opts, &h->core, &why), 0);
    assert_int_equal(loop_timer_new(h->loop, stop, h->loop, &h->end), 0);
    if (demo)
        assert_int_equal(demo_start(h->loop, h->core, dir, restore, &h->demo), 0);
}

static void live_for(struct house *h, unsigned ms)
{
    loop_timer_start(h->end, ms, 0);
    assert_int_equal(loop_run(h->loop), 0);
}

static struct sensor *sensor(struct house *h, const char *twin, const char *id)
{
    struct twin *t = core_twin(h->core, slice_str(twin));
    return t ? core_sensor(t, slice_str(id)) : NULL;
}

/* Until a sensor has had so many readings in this house; ten seconds at most. */
static void live_until(struct house *h, const char *twin, const char *id, uint64_t updates)
{
    for (int i = 0; i < 200; i++) {
        struct sensor *s = sensor(h, twin, id);
        if (s && s->updates >= updates)
            return;
        live_for(h, 50);
    }
    fail_msg("%s/%s did not get %d readings", twin, id, (int)updates);
}

static void close_house(struct house *h)
{
    demo_stop(h->demo);
    core_close(h->core);
    loop_timer_free(h->end);
    loop_free(h->loop);
}

struct past {
    size_t n;
    int64_t first_us, last_us;
    struct loop *loop;
    struct history_job *job;
};

static bool on_row(void *arg, const struct history_row *row)
{
    struct past *p = arg;
    if (!p->n++)
        p->first_us = row->t_us;
    p->last_us = row->t_us;
    return false;
}

static void on_turn(void *arg, const struct history_turn *turn)
{
    struct past *p = arg;
    assert_int_equal(turn->err, 0);
    if (turn->ended)
        loop_stop(p->loop);
    else
        history_go(p->job);
}

static struct past past_of(struct house *h, const char *twin, const char *id)
{
    struct past p = {.loop = h->loop};
    const struct history_query q = {.to_us = clock_now_us(), .limit = 100000};
    static const struct history_taker_fns fns = {on_row, on_turn};
    p.job = core_history(h->core, sensor(h, twin, id), &q, &fns, &p);
    assert_int_equal(loop_run(h->loop), 0);
    return p;
}

static void it_comes_up_with_a_past_and_goes_on(void **state)
{
    (void)state;
    struct house h;
    open_house(&h, true, false);
    live_until(&h, "robot-arm", "motion-1", 6010);
    live_until(&h, "water-pump", "vibration-1", 3005);
    struct sensor *v = sensor(&h, "water-pump", "vibration-1");
    assert_true(v && v->has_value && v->twin->demo && v->twin->simulated);
    assert_int_equal(v->twin->state, LIVE_LIVE);
    assert_true(v->last.as.d > 0.5 && v->last.as.d < 4.5); /* healthy when it is first seen */
    struct past p = past_of(&h, "water-pump", "vibration-1");
    assert_true(p.n > 2990 && p.n < 3200); /* ten minutes at 5 Hz and what came since */
    assert_true(p.last_us - p.first_us > INT64_C(590) * 1000000);
    assert_true(clock_now_us() - p.last_us < 3000000);
    close_house(&h);
}

static void a_restart_fills_the_gap_only(void **state)
{
    (void)state;
    struct house h;
    open_house(&h, true, false);
    live_until(&h, "water-pump", "vibration-1", 2);
    struct past p = past_of(&h, "water-pump", "vibration-1");
    /* no moment stands twice and none is missing since the first start */
    size_t want = (size_t)((p.last_us - p.first_us) / 200000) + 1;
    assert_int_equal(p.n, want);
    assert_true(sensor(&h, "water-pump", "vibration-1")->updates < 100);
    close_house(&h);
}

static void on_removed(void *arg, const struct twin_result *r)
{
    assert_int_equal(r->err, 0);
    loop_stop(arg);
}

static void what_was_deleted_stays_deleted(void **state)
{
    (void)state;
    struct house h;
    open_house(&h, true, false);
    core_twin_remove(h.core, (const struct asker[]){core_system(h.core)}, SLICE_LIT("robot-arm"), 0,
                     on_removed, h.loop);
    assert_int_equal(loop_run(h.loop), 0);
    live_until(&h, "water-pump", "flow-1", 3);
    assert_null(core_twin(h.core, SLICE_LIT("robot-arm")));
    close_house(&h);
    open_house(&h, true, false);
    live_until(&h, "water-pump", "flow-1", 3);
    assert_null(core_twin(h.core, SLICE_LIT("robot-arm")));
    close_house(&h);
    open_house(&h, true, true);
    live_until(&h, "robot-arm", "temp-1", 1);
    close_house(&h);
}

static void on_put(void *arg, const struct twin_result *r)
{
    assert_int_equal(r->err, 0);
    loop_stop(arg);
}

static void somebody_elses_twin_is_left_alone(void **state)
{
    (void)state;
    static const char profile[] =
        "{\"@context\":{\"@vocab\":\"https://schema.org/\",\"mvmd\":\"https://mvmd.org/v1/\"},"
        "\"@type\":\"DigitalDocument\",\"name\":\"mine\",\"description\":\"mine\","
        "\"identifier\":{\"@type\":\"PropertyValue\",\"propertyID\":\"MVMD-ID\",\"value\":"
        "\"water-pump\"},\"subjectOf\":{\"@type\":\"Thing\",\"name\":\"my "
        "pump\"},\"sensors\":[{\"id\":"
        "\"flow-1\",\"name\":\"Flow\",\"type\":\"flow\",\"unit\":\"m3/h\"}]}";
    struct house h;
    open_house(&h, false, false);
    core_twin_remove(h.core, (const struct asker[]){core_system(h.core)}, SLICE_LIT("water-pump"),
                     0, on_removed, h.loop);
    assert_int_equal(loop_run(h.loop), 0);
    core_twin_put(h.core, (const struct asker[]){core_system(h.core)}, TWIN_CREATE,
                  SLICE_LIT("water-pump"), SLICE_LIT(profile), 0, false, on_put, h.loop);
    assert_int_equal(loop_run(h.loop), 0);
    close_house(&h);
    open_house(&h, true, true);
    live_until(&h, "robot-arm", "temp-1", 3);
    struct sensor *flow = sensor(&h, "water-pump", "flow-1");
    assert_true(flow && !flow->has_value && flow->updates == 0);
    assert_true(sensor(&h, "robot-arm", "temp-1")->has_value);
    close_house(&h);
}

static void stopping_at_once_loses_nothing(void **state)
{
    (void)state;
    struct house h;
    open_house(&h, true, true);
    close_house(&h); /* before anything was answered */
    open_house(&h, false, false);
    close_house(&h);
}

static int make_dir(void **state)
{
    (void)state;
    log_set_level(LOG_WARN);
    return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
    (void)state;
    pid_t pid = fork();
    if (pid == 0) {
        execlp("rm", "rm", "-rf", dir, (char *)NULL);
        _exit(1);
    }
    return waitpid(pid, NULL, 0) == pid ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_comes_up_with_a_past_and_goes_on),
        cmocka_unit_test(a_restart_fills_the_gap_only),
        cmocka_unit_test(what_was_deleted_stays_deleted),
        cmocka_unit_test(somebody_elses_twin_is_left_alone),
        cmocka_unit_test(stopping_at_once_loses_nothing),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}

/* core_testing.h - a core on real stores in a temporary folder, and what the tests say to it and
 * wait for.  Included by tests only. */
#ifndef CORE_CORE_TESTING_H
#define CORE_CORE_TESTING_H

#include "base/clock.h"
#include "base/err.h"
#include "core/core.h"

#include <ftw.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define TESTING __attribute__((unused)) static
#define NOW INT64_C(1700000000000000)

struct world {
    char dir[64];
    struct loop *loop;
    struct core *core;
    unsigned end_ms;
};

TESTING const char profile[] =
    "{\"@context\":{\"@vocab\":\"https://schema.org/\",\"mvmd\":\"https://mvmd.org/v1/\"},"
    "\"@type\":\"DigitalDocument\",\"name\":\"Pump\",\"description\":\"A pump\",\"identifier\":"
    "{\"@type\":\"PropertyValue\",\"propertyID\":\"MVMD-ID\",\"value\":\"pump\"},\"subjectOf\":"
    "{\"@type\":\"Thing\",\"name\":\"Water pump\"},\"x-digits\":12.50,\"sensors\":["
    "{\"id\":\"temp\",\"name\":\"Temperature\",\"type\":\"temperature\",\"unit\":\"celsius\","
    "\"updateFrequency\":1,\"normalRange\":[30,65],\"criticalRange\":[75,90]},"
    "{\"id\":\"on\",\"name\":\"Running\",\"type\":\"boolean\",\"unit\":\"none\",\"currentValue\":"
    "true},"
    "{\"id\":\"mode\",\"name\":\"Mode\",\"type\":\"text\",\"unit\":\"none\",\"currentValue\":"
    "\"auto\"}]}";

TESTING void world_open(struct world *w)
{
    struct core_opts opts = {
        .dir = w->dir, .mqtt_endpoint = "mqtt://127.0.0.1:1883/twins/", .end_ms = w->end_ms};
    const char *why = NULL;
    assert_int_equal(loop_new(&w->loop), 0);
    assert_int_equal(core_open(w->loop, &opts, &w->core, &why), 0);
}

TESTING void world_close(struct world *w)
{
    core_close(w->core);
    loop_free(w->loop);
}

TESTING int remove_one(const char *path, const struct stat *st, int type, struct FTW *walk)
{
    (void)st, (void)type, (void)walk;
    return remove(path);
}

TESTING int setup(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    strcpy(w->dir, "/tmp/doppel-core-XXXXXX");
    assert_non_null(mkdtemp(w->dir));
    clock_real();
    world_open(w);
    *state = w;
    return 0;
}

TESTING int teardown(void **state)
{
    struct world *w = *state;
    world_close(w);
    clock_real();
    nftw(w->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(w);
    return 0;
}

/* ---- waiting for answers ---- */

struct kept {
    struct world *w;
    int err;
    uint64_t version;
    bool created;
    size_t filled;
    char profile[8192], detail[512];
};

TESTING void on_twin(void *arg, const struct twin_result *r)
{
    struct kept *k = arg;
    k->err = r->err;
    k->version = r->version;
    k->created = r->created;
    for (const char *const *f = r->filled; f && *f; f++)
        k->filled++;
    snprintf(k->profile, sizeof k->profile, "%.*s", SLICE_ARG(r->profile));
    snprintf(k->detail, sizeof k->detail, "%s", r->detail ? r->detail : "");
    loop_stop(k->w->loop);
}

TESTING struct kept put(struct world *w, enum twin_put how, const char *text, uint64_t version)
{
    struct kept k = {.w = w};
    core_twin_put(w->core, (const struct asker[]){core_system(w->core)}, how, SLICE_LIT(""),
                  slice_str(text), version, false, on_twin, &k);
    loop_run(w->loop);
    return k;
}

struct heard {
    struct world *w;
    size_t accepted, rejected, rejects_n;
    int err;
    char detail[512];
    struct ingest_reject first;
    bool called, waiting;
};

TESTING void on_heard(void *arg, const struct ingest_result *r)
{
    struct heard *h = arg;
    assert_false(h->called); /* exactly once */
    h->called = true;
    h->accepted = r->accepted;
    h->rejected = r->rejected;
    h->rejects_n = r->rejects_n;
    h->err = r->err;
    if (r->rejects_n)
        h->first = r->rejects[0];
    snprintf(h->detail, sizeof h->detail, "%s", r->detail ? r->detail : "");
    if (h->waiting)
        loop_stop(h->w->loop);
}

typedef void body_fn(struct ingest *in, struct slice twin, struct slice payload);

TESTING struct heard commit(struct world *w, struct ingest *in)
{
    struct heard h = {.w = w};
    ingest_commit(in, on_heard, &h);
    h.waiting = true;
    if (!h.called)
        loop_run(w->loop);
    assert_true(h.called);
    return h;
}

TESTING struct heard say(struct world *w, body_fn *body, const char *payload)
{
    struct ingest_source src = {"test", "peer", SLICE_LIT("topic"), BODY_JSON,
                                core_system(w->core).who};
    struct ingest *in = ingest_begin(w->core, &src);
    body(in, SLICE_LIT("pump"), slice_str(payload));
    return commit(w, in);
}

TESTING struct heard say_sensor(struct world *w, const char *sensor, const char *payload)
{
    struct ingest_source src = {"test", "peer", SLICE_LIT("topic"), BODY_JSON,
                                core_system(w->core).who};
    struct ingest *in = ingest_begin(w->core, &src);
    ingest_sensor(in, SLICE_LIT("pump"), slice_str(sensor), slice_str(payload));
    return commit(w, in);
}

struct past {
    struct world *w;
    struct history_job *job;
    int err, turns;
    size_t n, befores;
    bool more;
    int64_t next_us, width_us, raw_from_us;
    struct point points[5000];
};

TESTING bool on_row(void *arg, const struct history_row *row)
{
    struct past *p = arg;
    p->befores += row->before;
    if (p->n < 5000) /* numbers and their first column only */
        point_make(row->t_us, row->values[0], row->quality, &p->points[p->n]);
    return ++p->n % 700 == 0;
}

TESTING void on_turn(void *arg, const struct history_turn *turn)
{
    struct past *p = arg;
    p->turns++;
    if (!turn->ended) {
        history_go(p->job);
        return;
    }
    p->err = turn->err;
    p->more = turn->more;
    p->next_us = turn->next_us;
    p->width_us = turn->width_us;
    p->raw_from_us = turn->raw_from_us;
    loop_stop(p->w->loop);
}

TESTING const struct history_taker_fns past_fns = {on_row, on_turn};

TESTING struct past *ask(struct world *w, const char *sensor, struct history_query q)
{
    struct past *p = calloc(1, sizeof *p);
    p->w = w;
    struct sensor *s = core_sensor(core_twin(w->core, SLICE_LIT("pump")), slice_str(sensor));
    assert_non_null(p->job = core_history(w->core, s, &q, &past_fns, p));
    loop_run(w->loop);
    assert_int_equal(p->err, 0);
    return p;
}

TESTING struct sensor *sensor_of(struct world *w, const char *id)
{
    return core_sensor(core_twin(w->core, SLICE_LIT("pump")), slice_str(id));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif

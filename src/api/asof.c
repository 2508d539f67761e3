#include "api/asof.h"

#include "api/versions.h"
#include "base/clock.h"
#include "base/err.h"

#include <stdlib.h>

bool call_asks_then(struct call *call, int64_t *ret_at_us, bool *ret_answered)
{
    *ret_answered = false;
    if (!call_param(call, "at").p)
        return false;
    *ret_at_us = 0;
    if (!call_time(call, "at", ret_at_us)) {
        *ret_answered = true;
    } else if (*ret_at_us > clock_now_us()) {
        call_problem(call, ERR_BAD_TIME, "at is a time that is over.");
        *ret_answered = true;
    }
    return true;
}

/* ---- values ---- */

static void go_on(struct asof *a);

static bool on_row(void *arg, const struct history_row *row)
{
    struct asof *a = arg;
    struct sensor *s = &a->sensors[a->at];
    if (!row->before)
        return false;
    point_release(&s->last);
    s->has_value = point_make(row->t_us, row->values[0], row->quality, &s->last) == 0;
    return false;
}

static void release(struct asof *a)
{
    for (size_t i = 0; i < a->view.sensors_n; i++)
        point_release(&a->sensors[i].last);
}

static void on_turn(void *arg, const struct history_turn *turn)
{
    struct asof *a = arg;
    struct call *call = a->call;
    if (turn->ended)
        a->job = NULL;
    if (call->gone) {
        if (turn->ended) {
            release(a);
            http_release(call->req);
        }
        return;
    }
    if (turn->err && turn->err != ERR_NOT_FOUND) {
        release(a);
        call_problem(call, turn->err, NULL);
        return;
    }
    if (!turn->ended) {
        history_go(a->job);
        return;
    }
    a->at++;
    go_on(a);
}

static void on_gone(struct call *call)
{
    struct asof *a = call->data;
    if (a->job) { /* its last turn releases */
        history_cancel(a->job);
        return;
    }
    release(a);
    http_release(call->req);
}

/* The series of a sensor, which may have left the profile since. */
static struct sensor *series_of(struct core *c, const struct asof *a, struct slice id)
{
    struct twin *t = core_twin(c, a->key);
    for (size_t i = 0; t && i < t->all_n; i++)
        if (slice_is(id, t->all[i]->id))
            return t->all[i];
    return NULL;
}

static void judge(struct asof *a, struct sensor *s)
{
    int64_t interval = s->spec->interval_us ? s->spec->interval_us : a->view.interval_us;
    int64_t patience = interval && interval < INT64_MAX / 8 ? 3 * interval : INT64_C(10000000);
    s->level = s->has_value ? (int8_t)sensor_level(s->spec, point_value(&s->last)) : -1;
    s->stale = s->has_value && a->at_us - s->last.t_us > patience;
}

/* The request ends with its answer, and a with it: the values are let go of after. */
static void answer(struct asof *a)
{
    size_t n = a->view.sensors_n;
    struct point *values = malloc((n + 1) * sizeof *values);
    if (!values) {
        release(a);
        call_problem(a->call, ERR_NOMEM, NULL);
        return;
    }
    for (size_t i = 0; i < n; i++)
        values[i] = a->sensors[i].last;
    a->then(a);
    for (size_t i = 0; i < n; i++)
        point_release(&values[i]);
    free(values);
}

static void finish(struct asof *a)
{
    struct jval *list = jval_get(a->root, "sensors");
    for (size_t i = 0; i < a->view.sensors_n; i++) {
        struct sensor *s = &a->sensors[i];
        struct jval *o = list && list->type == J_ARRAY ? jval_at(list, s->spec->index) : NULL;
        struct buf b = {0};
        struct json_writer w;
        struct jval *v = NULL;
        judge(a, s);
        if (!o || o->type != J_OBJECT || !s->has_value)
            continue;
        json_writer_init(&w, &b, 0);
        json_put_value(&w, point_value(&s->last));
        struct slice text = arena_dup(a->call->arena, buf_slice(&b));
        if (text.p && !jdoc_parse(a->call->arena, text, &v, NULL))
            jval_set(a->call->arena, o, SLICE_LIT("currentValue"), v);
        buf_clear(&b);
        clock_format(&b, s->last.t_us);
        v = jval_new_string(a->call->arena, buf_slice(&b));
        if (v)
            jval_set(a->call->arena, o, SLICE_LIT("timestamp"), v);
        buf_release(&b);
    }
    answer(a);
}

/* Sensors one after the other: what is asked of the past takes its turns. */
static void go_on(struct asof *a)
{
    static const struct history_taker_fns fns = {on_row, on_turn};
    const struct history_query query = {
        .from_us = a->at_us + 1, .to_us = a->at_us + 1, .before = true};
    struct call *call = a->call;
    for (; a->at < a->view.sensors_n; a->at++) {
        const struct sensor *s = series_of(call->core, a, a->sensors[a->at].spec->id);
        a->seen[a->at] = !s || core_may(call->core, call->who, OP_DATA_READ, s);
        if (!s || !a->seen[a->at] || !core_may(call->core, call->who, OP_HISTORY_READ, s))
            continue;
        a->job = core_history(call->core, s, &query, &fns, a);
        if (a->job)
            return;
    }
    finish(a);
}

/* ---- the profile ---- */

static void on_body(struct call *call, struct jval *body)
{
    struct asof *a = call->data;
    struct twin *t = core_twin(call->core, a->key);
    if (!body) {
        call_problem(call, ERR_UNKNOWN_TWIN, "There was no such twin at that time.");
        return;
    }
    if (t)
        core_hide_sensors(call->core, call->who, t, body);
    a->root = body;
    if (profile_read(call->arena, body, &a->view)) {
        call_problem(call, ERR_NOMEM, NULL);
        return;
    }
    a->sensors = arena_zalloc(call->arena, (a->view.sensors_n + 1) * sizeof *a->sensors);
    a->seen = arena_zalloc(call->arena, (a->view.sensors_n + 1) * sizeof *a->seen);
    if (!a->sensors || !a->seen) {
        call_problem(call, ERR_NOMEM, NULL);
        return;
    }
    a->twin.interval_us = a->view.interval_us;
    for (size_t i = 0; i < a->view.sensors_n; i++)
        a->sensors[i] = (struct sensor){.twin = &a->twin, .spec = &a->view.sensors[i]};
    call_wait(call, on_gone);
    call->data = a;
    go_on(a);
}

static void on_version(void *arg, const struct versions_read *r)
{
    struct asof *a = arg;
    struct call *call = a->call;
    struct jval *body = NULL;
    if (!call_alive(call))
        return;
    call->data = a;
    if (r->err && r->err != ERR_NOT_FOUND) {
        call_problem(call, r->err, NULL);
        return;
    }
    const struct version *v = r->err ? NULL : &r->list[0];
    if (!v || v->gone) {
        on_body(call, NULL);
        return;
    }
    if (!v->body.p) {
        twin_version_now(call, on_body);
        return;
    }
    struct slice text = arena_dup(call->arena, v->body);
    if (!text.p || jdoc_parse(call->arena, text, &body, NULL))
        call_problem(call, text.p ? ERR_CORRUPT : ERR_NOMEM, NULL);
    else
        on_body(call, body);
}

void call_then(struct call *call, int64_t at_us, void (*fn)(struct asof *a))
{
    struct versions_of of;
    struct asof *a = arena_zalloc(call->arena, sizeof *a);
    if (!a) {
        call_problem(call, ERR_NOMEM, NULL);
        return;
    }
    if (!twin_versions_of(call, &of))
        return;
    *a = (struct asof){.call = call, .at_us = at_us, .key = of.id, .then = fn};
    call_wait(call, NULL);
    versions_get(core_access(call->core), VERSION_TWIN, of.id, 0, at_us, on_version, a);
}

/* explain.c - the way of an explanation: read the alarm, walk the graph, read the past of one
 * candidate after the other, then rank on a thread of readers, and write. */
#include "alarms/explain.h"

#include "access/audit.h"
#include "alarms/internal.h"
#include "base/clock.h"
#include "base/err.h"
#include "core/graph.h"
#include "store/causes.h"
#include "store/versions.h"

#include <math.h>
#include <stdlib.h>

struct candidate {
    struct slice id; /* "sensor:filter-1/dp" */
    struct slice twin, sensor, name, unit, what;
    double *cells;
};

struct stop {
    struct twin *twin; /* while the loop does not turn */
    struct slice key, id, name;
    unsigned hops;
};

struct job {
    struct alarms *alarms;
    struct arena *arena; /* the job too */
    struct explain_ask ask;
    struct pool_job pool;
    int err;
    struct alarm alarm;
    struct cause_grid grid;
    struct stop stops[EXPLAIN_TWINS_MAX];
    size_t stops_n;
    struct candidate candidates[EXPLAIN_SENSORS_MAX + EXPLAIN_CHANGES_MAX];
    struct cause causes[EXPLAIN_SENSORS_MAX + EXPLAIN_CHANGES_MAX];
    size_t n, sensors_n, at; /* at: of the one that is read; sensors_n: the effect */
    size_t changes_n;
    bool truncated;
    struct candidate effect;
    double *filling;
    struct history_job *reading;
    struct onset onset; /* of the effect */
    struct slice signature;
    struct buf incidents; /* rows of JSON */
    double scratch[EXPLAIN_CELLS];
};

static struct slice keep(struct job *j, struct slice s)
{
    struct slice copy = arena_dup(j->arena, s);
    if (!copy.p)
        j->err = ERR_NOMEM;
    return copy;
}

static struct slice made(struct job *j, const char *text)
{
    if (!text)
        j->err = ERR_NOMEM;
    return slice_str(text);
}

static struct slice signature_of(struct arena *a, const struct alarm *alarm)
{
    return slice_str(arena_printf(a, "%.*s|%s|%.*s|%.*s", SLICE_ARG(alarm->twin),
                                  alarm_source_name(alarm->source), SLICE_ARG(alarm->sensor),
                                  SLICE_ARG(alarm->rule)));
}

static void finish(struct job *j, struct slice body)
{
    const struct explained e = {.err = j->err, .alarm = &j->alarm, .body = body};
    j->ask.fn(j->ask.arg, &e);
    buf_release(&j->incidents);
    arena_free(j->arena);
}

/* ---- the walk ---- */

static bool has_been(const struct job *j, const struct twin *t)
{
    for (size_t i = 0; i < j->stops_n; i++)
        if (j->stops[i].twin == t)
            return true;
    return false;
}

static void come_to(struct job *j, struct twin *t, unsigned hops)
{
    if (has_been(j, t))
        return;
    if (j->stops_n == EXPLAIN_TWINS_MAX) {
        j->truncated = true;
        return;
    }
    j->stops[j->stops_n++] = (struct stop){.twin = t,
                                           .key = keep(j, slice_str(t->key)),
                                           .id = keep(j, slice_str(t->id)),
                                           .name = keep(j, slice_str(t->name)),
                                           .hops = hops};
}

/* Which way causes come from along an edge of a kind, and how far that is. */
static const struct upstream {
    const char *kind;
    enum graph_direction direction;
    unsigned hops;
} upstream[] = {
    {"feeds", GRAPH_IN, 1},
    {"dependsOn", GRAPH_OUT, 1},
    {"contains", GRAPH_OUT, 0},
    {"contains", GRAPH_IN, 1},
};

static void walk(struct job *j, const struct principal *who, struct twin *from)
{
    const struct core *core = j->alarms->core;
    come_to(j, from, 0);
    for (size_t at = 0; at < j->stops_n; at++) {
        const struct stop *s = &j->stops[at];
        for (size_t k = 0; k < sizeof upstream / sizeof *upstream; k++) {
            const struct upstream *u = &upstream[k];
            const struct edge_kind *kind = graph_kind(core, slice_str(u->kind));
            if (!kind || s->hops + u->hops > EXPLAIN_HOPS)
                continue;
            for (const struct edge *e = graph_first(s->twin, u->direction, kind); e;
                 e = graph_next(e, u->direction, kind)) {
                struct node *to = u->direction == GRAPH_OUT ? e->target : e->source;
                if (to->twin && graph_shows(core, who, e))
                    come_to(j, to->twin, s->hops + u->hops);
            }
        }
    }
}

static struct candidate sensor_candidate(struct job *j, const struct stop *s,
                                         const struct sensor *sensor)
{
    struct candidate c = {.twin = s->id,
                          .sensor = keep(j, slice_str(sensor->id)),
                          .name = keep(j, sensor->spec->name),
                          .unit = keep(j, sensor->spec->unit)};
    c.id =
        made(j, arena_printf(j->arena, "sensor:%.*s/%.*s", SLICE_ARG(c.twin), SLICE_ARG(c.sensor)));
    c.cells = arena_alloc(j->arena, EXPLAIN_CELLS * sizeof *c.cells);
    if (!c.cells)
        j->err = ERR_NOMEM;
    for (size_t i = 0; i < EXPLAIN_CELLS && c.cells; i++)
        c.cells[i] = NAN;
    return c;
}

static void add_sensors(struct job *j, const struct principal *who, size_t at)
{
    const struct stop *s = &j->stops[at];
    for (size_t i = 0; i < s->twin->sensors_n && !j->err; i++) {
        const struct sensor *sensor = s->twin->sensors[i];
        bool numbers =
            sensor->kind == VALUE_DOUBLE || sensor->kind == VALUE_INT || sensor->kind == VALUE_BOOL;
        if (!numbers || !core_may(j->alarms->core, who, OP_HISTORY_READ, sensor))
            continue;
        if (at == 0 && slice_eq(slice_str(sensor->id), j->alarm.sensor)) {
            j->effect = sensor_candidate(j, s, sensor);
            continue;
        }
        if (j->n == EXPLAIN_SENSORS_MAX) {
            j->truncated = true;
            return;
        }
        j->candidates[j->n] = sensor_candidate(j, s, sensor);
        j->causes[j->n] = (struct cause){.cells = j->candidates[j->n].cells,
                                         .twin = at,
                                         .hops = s->hops,
                                         .owner = &j->candidates[j->n]};
        j->n++;
    }
}

/* ---- the past, a sensor after the other ---- */

static void read_next(struct job *j);
static void rank(struct job *j);

static bool on_row(void *arg, const struct history_row *row)
{
    struct job *j = arg;
    int64_t cell = (row->t_us - j->grid.from_us) / j->grid.step_us;
    const struct value *v = row->values;
    if (row->before || row->n < 1 || row->t_us < j->grid.from_us || cell >= EXPLAIN_CELLS)
        return false;
    if (value_is_number(*v))
        j->filling[cell] = value_as_double(*v);
    else if (v->type == VALUE_BOOL)
        j->filling[cell] = v->as.b;
    return false;
}

static void on_turn(void *arg, const struct history_turn *turn)
{
    struct job *j = arg;
    struct principal *who = j->ask.alive(j->ask.arg);
    if (!turn->ended && who) {
        history_go(j->reading);
        return;
    }
    if (!turn->ended) {
        history_cancel(j->reading);
        return;
    }
    j->reading = NULL;
    if (!who || j->alarms->stopped)
        j->err = ERR_CANCELLED;
    else if (turn->err && turn->err != ERR_NOT_FOUND)
        j->err = turn->err;
    if (j->err)
        finish(j, (struct slice){0});
    else
        read_next(j);
}

/* What may be read was asked at the walk, and is asked again. */
static struct sensor *still_there(struct job *j, const struct principal *who,
                                  const struct candidate *c, size_t twin)
{
    struct twin *t = core_twin(j->alarms->core, j->stops[twin].key);
    struct sensor *s = t ? core_sensor(t, c->sensor) : NULL;
    return s && core_may(j->alarms->core, who, OP_HISTORY_READ, s) ? s : NULL;
}

static void read_next(struct job *j)
{
    static const struct history_taker_fns fns = {on_row, on_turn};
    const struct history_query q = {
        .from_us = j->grid.from_us,
        .to_us = j->grid.from_us + EXPLAIN_CELLS * j->grid.step_us,
        .how = PAST_STEPS,
        .every = {.n = j->grid.step_us, .unit = STEP_US},
        .fns = {FN_MEAN},
        .fns_n = 1,
        .fill = FILL_PREVIOUS,
    };
    const struct principal *who = j->ask.alive(j->ask.arg);
    while (who && j->at <= j->sensors_n) {
        size_t at = j->at++;
        const struct candidate *c = at < j->sensors_n ? &j->candidates[at] : &j->effect;
        size_t twin = at < j->sensors_n ? j->causes[at].twin : 0;
        struct sensor *s = c->cells ? still_there(j, who, c, twin) : NULL;
        if (!s)
            continue;
        j->filling = c->cells;
        j->reading = core_history(j->alarms->core, s, &q, &fns, j);
        if (j->reading)
            return;
        j->err = ERR_NOMEM;
        finish(j, (struct slice){0});
        return;
    }
    if (who) {
        rank(j);
        return;
    }
    j->err = ERR_CANCELLED;
    finish(j, (struct slice){0});
}

/* ---- changes that somebody made, and what people said; on a thread of readers ---- */

static void add_change(struct job *j, size_t twin, const char *kind, struct slice what,
                       int64_t at_us)
{
    if (j->changes_n == EXPLAIN_CHANGES_MAX) {
        j->truncated = true;
        return;
    }
    struct candidate *c = &j->candidates[j->n];
    const struct stop *s = &j->stops[twin];
    *c = (struct candidate){.twin = s->id, .what = keep(j, what)};
    c->id = made(j, arena_printf(j->arena, "%s:%.*s", kind, SLICE_ARG(s->id)));
    j->causes[j->n] = (struct cause){.at_us = at_us, .twin = twin, .hops = s->hops, .owner = c};
    j->n++;
    j->changes_n++;
}

struct of_twin {
    struct job *j;
    size_t twin;
};

static bool is_in_time(const struct job *j, int64_t at_us)
{
    return at_us >= j->grid.from_us + EXPLAIN_QUIET * j->grid.step_us &&
           at_us < j->grid.from_us + EXPLAIN_CELLS * j->grid.step_us;
}

static int on_version(void *arg, const struct version *v)
{
    struct of_twin *o = arg;
    if (is_in_time(o->j, v->at_us) && v->n > 1)
        add_change(o->j, o->twin, "profile", v->reason, v->at_us);
    return o->j->err;
}

static int on_event(void *arg, const struct event *e)
{
    struct of_twin *o = arg;
    if (slice_starts(e->kind, "setting"))
        add_change(o->j, o->twin, "setting", e->what, e->at_us);
    else if (slice_is(e->kind, "command.delivered")) /* of its states, the one that acts */
        add_change(o->j, o->twin, "command", e->what, e->at_us);
    return o->j->err;
}

static int on_verdict(void *arg, const struct cause_verdict *v)
{
    struct job *j = arg;
    struct json_writer w;
    for (size_t i = 0; i < j->n; i++) {
        const struct candidate *c = j->causes[i].owner;
        if (slice_eq(c->id, v->cause))
            (*(v->confirmed ? &j->causes[i].confirmed : &j->causes[i].rejected))++;
    }
    if (j->incidents.n)
        buf_add_byte(&j->incidents, ',');
    json_writer_init(&w, &j->incidents, 0);
    json_open(&w, '{');
    json_key(&w, "alarm");
    struct buf id = {0};
    alarm_put_id(&id, v->alarm);
    json_put_string(&w, buf_slice(&id));
    buf_release(&id);
    json_key(&w, "cause");
    json_put_string(&w, v->cause);
    json_key(&w, "verdict");
    json_put_cstr(&w, v->confirmed ? "confirmed" : "rejected");
    json_key(&w, "at");
    json_put_time(&w, v->at_us);
    json_key(&w, "comment");
    json_put_string(&w, v->comment);
    json_close(&w, '}');
    return 0;
}

static void rank_work(void *arg)
{
    struct job *j = arg;
    struct catalog *c = core_catalog(j->alarms->core);
    if (!c) {
        j->err = ERR_CANCELLED;
        return;
    }
    for (size_t i = 0; i < j->stops_n && !j->err; i++) {
        struct of_twin of = {j, i};
        const struct event_query q = {.org = j->alarm.org,
                                      .twin = j->stops[i].key,
                                      .from_us = j->grid.from_us + EXPLAIN_QUIET * j->grid.step_us,
                                      .to_us = j->alarm.raised_us};
        j->err = catalog_versions(c, VERSION_TWIN, j->stops[i].key, 0, 50, on_version, &of);
        if (!j->err)
            j->err = catalog_event_each(c, &q, on_event, &of);
    }
    if (!j->err)
        j->err = catalog_cause_each(c, j->alarm.org, j->signature, 200, on_verdict, j);
    if (!j->err)
        causes_rank(&j->grid, j->effect.cells, 0, j->causes, j->n, &j->onset, j->scratch);
}

/* ---- the answer ---- */

static void put_onset(struct json_writer *w, const struct job *j, const struct onset *o)
{
    json_key(w, "onset");
    if (!o->found) {
        json_put_null(w);
        return;
    }
    json_open(w, '{');
    json_key(w, "at");
    json_put_time(w, j->grid.from_us + (int64_t)o->at * j->grid.step_us);
    json_key(w, "before");
    json_put_double(w, o->before);
    json_key(w, "after");
    json_put_double(w, o->after);
    json_key(w, "deviations");
    json_put_double(w, o->size);
    json_key(w, "jump");
    json_put_double(w, o->jump);
    json_key(w, "evidence");
    json_put_double(w, o->evidence);
    json_close(w, '}');
}

/* Every second cell is enough for a small chart. */
static void put_points(struct json_writer *w, const double *cells)
{
    json_key(w, "points");
    json_open(w, '[');
    for (size_t i = 0; i < EXPLAIN_CELLS; i += 2)
        json_put_double(w, isfinite(cells[i]) ? cells[i] : cells[i + 1]);
    json_close(w, ']');
}

static void put_candidate(struct json_writer *w, const struct candidate *c)
{
    json_key(w, "cause");
    json_put_string(w, c->id);
    json_key(w, "twin");
    json_put_string(w, c->twin);
    json_key(w, "sensor");
    if (c->sensor.n)
        json_put_string(w, c->sensor);
    else
        json_put_null(w);
    if (c->sensor.n) {
        json_key(w, "name");
        json_put_string(w, c->name);
        json_key(w, "unit");
        json_put_string(w, c->unit);
    } else {
        json_key(w, "what");
        json_put_string(w, c->what);
    }
}

static void put_cause(struct json_writer *w, const struct job *j, const struct cause *c, bool chart)
{
    json_open(w, '{');
    put_candidate(w, c->owner);
    json_key(w, "score");
    json_put_double(w, c->score);
    json_key(w, "parts");
    json_open(w, '{');
    for (size_t p = 0; p < CAUSE_PARTS; p++) {
        json_key(w, cause_part_names[p]);
        json_put_double(w, c->part[p]);
    }
    json_key(w, "people");
    json_put_double(w, c->people);
    json_close(w, '}');
    json_key(w, "hops");
    json_put_uint(w, c->hops);
    json_key(w, "confirmed");
    json_put_uint(w, c->confirmed);
    json_key(w, "rejected");
    json_put_uint(w, c->rejected);
    json_key(w, "changed");
    if (c->onset_us)
        json_put_time(w, c->onset_us);
    else
        json_put_null(w);
    json_key(w, "leadSeconds");
    json_put_double(w, (double)c->lead_us / 1e6);
    if (c->cells) {
        put_onset(w, j, &c->onset);
        json_key(w, "correlation");
        json_put_double(w, c->best.r);
        json_key(w, "lagSeconds");
        json_put_double(w, (double)c->best.lag * (double)j->grid.step_us / 1e6);
        if (chart)
            put_points(w, c->cells);
    } else {
        json_key(w, "followedSeconds");
        json_put_double(w, c->followed_us < 0 ? NAN : (double)c->followed_us / 1e6);
    }
    json_close(w, '}');
}

enum { WRITTEN_MAX = 30, CHARTED_MAX = 10 };

static void write(struct job *j, struct buf *out)
{
    struct json_writer w;
    struct buf id = {0};
    json_writer_init(&w, out, 0);
    json_open(&w, '{');
    json_key(&w, "alarm");
    alarm_put_id(&id, j->alarm.n);
    json_put_string(&w, buf_slice(&id));
    buf_release(&id);
    json_key(&w, "from");
    json_put_time(&w, j->grid.from_us);
    json_key(&w, "to");
    json_put_time(&w, j->grid.from_us + EXPLAIN_CELLS * j->grid.step_us);
    json_key(&w, "pointSeconds");
    json_put_double(&w, 2 * (double)j->grid.step_us / 1e6);
    json_key(&w, "effect");
    if (j->effect.cells) {
        json_open(&w, '{');
        put_candidate(&w, &j->effect);
        put_onset(&w, j, &j->onset);
        put_points(&w, j->effect.cells);
        json_close(&w, '}');
    } else {
        json_put_null(&w);
    }
    json_key(&w, "causes");
    json_open(&w, '[');
    for (size_t i = 0; i < j->n && i < WRITTEN_MAX; i++)
        put_cause(&w, j, &j->causes[i], i < CHARTED_MAX);
    json_close(&w, ']');
    json_key(&w, "candidates");
    json_put_uint(&w, j->n);
    json_key(&w, "truncated");
    json_put_bool(&w, j->truncated);
    json_key(&w, "said");
    json_open(&w, '[');
    json_close(&w, ']');
    json_close(&w, '}');
    if (j->incidents.n && out->n >= 2) { /* rows into the last array */
        out->n -= 2;
        buf_add_slice(out, buf_slice(&j->incidents));
        buf_add_str(out, "]}");
    }
}

static void rank_done(void *arg)
{
    struct job *j = arg;
    struct buf out = {0};
    if (j->alarms->stopped || !j->ask.alive(j->ask.arg))
        j->err = ERR_CANCELLED;
    if (!j->err)
        write(j, &out);
    if (out.failed || j->incidents.failed)
        j->err = ERR_NOMEM;
    finish(j, buf_slice(&out));
    buf_release(&out);
}

static void rank(struct job *j)
{
    j->pool = (struct pool_job){.work = rank_work, .done = rank_done, .arg = j};
    struct pool *reads = core_reads(j->alarms->core);
    if (reads) {
        pool_submit(reads, &j->pool);
        return;
    }
    j->err = ERR_CANCELLED;
    finish(j, (struct slice){0});
}

/* ---- the beginning ---- */

static void read_work(void *arg)
{
    struct job *j = arg;
    struct catalog *c = core_catalog(j->alarms->core);
    j->err = c ? catalog_alarm_get(c, j->ask.n, 0, j->arena, &j->alarm) : ERR_CANCELLED;
}

static void read_done(void *arg)
{
    struct job *j = arg;
    const struct principal *who = j->alarms->stopped ? NULL : j->ask.alive(j->ask.arg);
    if (!who)
        j->err = ERR_CANCELLED;
    if (!j->err && !alarm_may(j->alarms, who, OP_ALARMS_READ, &j->alarm))
        j->err = ERR_NOT_FOUND;
    struct twin *t = j->err ? NULL : core_twin(j->alarms->core, j->alarm.twin);
    if (!j->err) {
        j->grid = (struct cause_grid){.step_us = j->ask.window_us / EXPLAIN_CELLS,
                                      .count = EXPLAIN_CELLS,
                                      .quiet = EXPLAIN_QUIET};
        /* steps begin at multiples of their length */
        int64_t end = j->alarm.raised_us / j->grid.step_us + 1;
        j->grid.from_us = (end - EXPLAIN_CELLS) * j->grid.step_us;
        j->signature = signature_of(j->arena, &j->alarm);
        if (t)
            walk(j, who, t);
        for (size_t i = 0; i < j->stops_n; i++)
            add_sensors(j, who, i);
        j->sensors_n = j->n;
    }
    if (j->err)
        finish(j, (struct slice){0});
    else
        read_next(j);
}

int explain_begin(struct alarms *a, const struct explain_ask *ask)
{
    struct pool *reads = a->stopped ? NULL : core_reads(a->core);
    if (!reads)
        return ERR_CANCELLED;
    struct arena *arena = arena_new();
    struct job *j = arena ? arena_zalloc(arena, sizeof *j) : NULL;
    if (!j) {
        arena_free(arena);
        return ERR_NOMEM;
    }
    j->alarms = a;
    j->arena = arena;
    j->ask = *ask;
    j->pool = (struct pool_job){.work = read_work, .done = read_done, .arg = j};
    pool_submit(reads, &j->pool);
    return 0;
}

/* ---- what people say ---- */

struct saying {
    struct alarms *alarms;
    struct arena *arena; /* the saying too */
    struct pool_job job;
    struct cause_verdict verdict;
    struct audit_entry audit;
    explain_said_fn *done;
    void *arg;
    int err;
};

static void say_work(void *arg)
{
    struct saying *s = arg;
    struct catalog *c = core_catalog(s->alarms->core);
    int err = c ? catalog_begin(c) : ERR_CANCELLED;
    s->err = err;
    if (err)
        return;
    err = catalog_cause_put(c, &s->verdict);
    if (!err)
        err = catalog_audit_add(c, &s->audit);
    if (err)
        catalog_fail(c, err);
    s->err = catalog_commit(c);
}

static void say_done(void *arg)
{
    struct saying *s = arg;
    s->done(s->arg, s->err);
    arena_free(s->arena);
}

static int fill_saying(struct saying *s, const struct asker *by, const struct alarm *alarm,
                       struct slice cause, bool confirmed, struct slice comment)
{
    struct arena *a = s->arena;
    struct buf who = {0};
    access_put_subject(by->who, &who);
    s->verdict = (struct cause_verdict){.alarm = alarm->n,
                                        .org = arena_dup(a, alarm->org),
                                        .signature = signature_of(a, alarm),
                                        .cause = arena_dup(a, cause),
                                        .confirmed = confirmed,
                                        .at_us = clock_now_us(),
                                        .who = arena_dup(a, buf_slice(&who)),
                                        .comment = arena_dup(a, comment)};
    buf_release(&who);
    access_audit_by(&s->audit, by, life_org(s->alarms, alarm));
    struct audit_entry *e = &s->audit;
    struct slice *const texts[] = {&e->org,     &e->who_kind, &e->who,    &e->who_name,
                                   &e->address, &e->via,      &e->request};
    for (size_t t = 0; t < sizeof texts / sizeof texts[0]; t++)
        *texts[t] = arena_dup(a, *texts[t]);
    e->operation = SLICE_LIT("alarms:cause");
    e->object = slice_str(arena_printf(a, "alarm:a-%lld", (long long)alarm->n));
    e->detail = slice_str(
        arena_printf(a, "%s %.*s", confirmed ? "confirmed" : "rejected", SLICE_ARG(cause)));
    return s->verdict.org.p && s->verdict.signature.p && s->verdict.cause.p && s->verdict.who.p &&
                   s->verdict.comment.p && e->object.p && e->detail.p
               ? 0
               : ERR_NOMEM;
}

int explain_say(struct alarms *a, const struct asker *by, const struct alarm *alarm,
                struct slice cause, bool confirmed, struct slice comment, explain_said_fn *done,
                void *arg)
{
    struct pool *writes = a->stopped ? NULL : core_writes(a->core);
    if (!writes)
        return ERR_CANCELLED;
    struct arena *arena = arena_new();
    struct saying *s = arena ? arena_zalloc(arena, sizeof *s) : NULL;
    if (s) {
        *s = (struct saying){.alarms = a, .arena = arena, .done = done, .arg = arg};
        s->job = (struct pool_job){.work = say_work, .done = say_done, .arg = s};
    }
    if (!s || fill_saying(s, by, alarm, cause, confirmed, comment)) {
        arena_free(arena);
        return ERR_NOMEM;
    }
    pool_submit(writes, &s->job);
    return 0;
}

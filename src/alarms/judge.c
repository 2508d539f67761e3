/* judge.c - what the profile promises: levels of sensors, a twin's connection, a sensor's
 * frequency.
 *
 * The hot path hears nothing of this: core/live.c compares a reading with its limits as ever, and
 * tells only what changes, and the readings of sensors that are beyond a limit.
 *
 * A twin that says how often its readings come (updateFrequency, its own or a sensor's), or whose
 * session ends, is alarmed of when all of it has gone quiet; a sensor alone, when the twin is still
 * heard a while after.  Who promises nothing breaks no promise. */
#include "alarms/internal.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { QUIET_GRACE_US = 5000000, START_GRACE_US = 30000000 };

/* ---- conditions that must last ---- */

static void pending_free(struct alarms *a, struct pending *p)
{
    map_remove(&a->pending, slice_str(p->key));
    free(p->key);
    free(p);
}

static void drop_pending(struct alarms *a, const char *key)
{
    struct pending *p = map_get(&a->pending, slice_str(key));
    if (p)
        pending_free(a, p);
}

static void wait_for(struct alarms *a, const char *key, const struct pending *what,
                     int64_t delay_us)
{
    if (map_get(&a->pending, slice_str(key)))
        return;
    struct pending *p = malloc(sizeof *p);
    if (!p)
        return;
    *p = *what;
    p->due_us = clock_mono_us() + delay_us;
    p->key = strdup(key);
    if (p->key && map_put(&a->pending, slice_str(p->key), p, NULL) == 0)
        return;
    free(p->key);
    free(p);
}

/* ---- levels ---- */

static enum alarm_severity severity_of(const struct sensor *s)
{
    const struct alarm_spec *spec = &s->spec->alarm;
    if (s->alarm == LEVEL_CRITICAL)
        return ALARM_CRITICAL;
    return spec->severity >= 0 ? (enum alarm_severity)spec->severity : ALARM_WARNING;
}

static void put_reading(struct buf *out, const struct sensor *s, int64_t t_us, struct value v)
{
    buf_addf(out, "[{\"sensor\":\"%s\",\"t\":\"", s->id);
    clock_format(out, t_us);
    buf_addf(out, "\",\"value\":");
    put_value(out, v);
    buf_addf(out, "}]");
}

static void put_message(struct buf *out, const struct sensor *s, double v, struct sensor_limit l)
{
    bool critical = s->alarm == LEVEL_CRITICAL;
    buf_addf(out, "%.*s is ", SLICE_ARG(s->spec->name));
    buf_add_double(out, v);
    if (s->spec->unit.n)
        buf_addf(out, " %.*s", SLICE_ARG(s->spec->unit));
    buf_addf(out, ", %s ",
             l.threshold ? (l.above ? "above its threshold" : "below its threshold")
             : critical  ? (l.above ? "in its critical range, from" : "in its critical range, to")
             : l.above   ? "above its normal range, which ends at"
                         : "below its normal range, which begins at");
    buf_add_double(out, l.at);
}

static void raise_level(struct alarms *a, struct sensor *s, const char *key, int64_t at_us)
{
    struct value v = point_value(&s->last);
    double number = value_as_double(v);
    struct sensor_limit l = sensor_limit(s->spec, number, s->alarm);
    struct buf message = {0}, value = {0}, readings = {0}, limit = {0};
    put_message(&message, s, number, l);
    put_value(&value, v);
    put_reading(&readings, s, s->last.t_us, v);
    buf_addf(&limit, "{\"%s\":", l.above ? "above" : "below");
    buf_add_double(&limit, l.at);
    if (s->spec->alarm.hysteresis > 0) {
        buf_addf(&limit, ",\"hysteresis\":");
        buf_add_double(&limit, s->spec->alarm.hysteresis);
    }
    buf_add_byte(&limit, '}');
    if (!message.failed && !value.failed && !readings.failed && !limit.failed)
        life_raise(a, &(struct raising){.key = slice_str(key),
                                        .org = s->twin->org,
                                        .twin = s->twin->key,
                                        .sensor = slice_str(s->id),
                                        .version = s->twin->version,
                                        .source = l.threshold ? ALARM_THRESHOLD : ALARM_RANGE,
                                        .severity = severity_of(s),
                                        .message = buf_slice(&message),
                                        .value = buf_slice(&value),
                                        .readings = buf_slice(&readings),
                                        .limit = buf_slice(&limit),
                                        .at_us = at_us,
                                        .number = number,
                                        .numeric = true,
                                        .upwards = l.above});
    buf_release(&message);
    buf_release(&value);
    buf_release(&readings);
    buf_release(&limit);
}

static void note_peak(struct item *i, const struct sensor *s)
{
    double v = value_as_double(point_value(&s->last));
    if (!i->numeric || !s->has_value || (i->upwards ? v <= i->peak : v >= i->peak))
        return;
    char text[40];
    struct buf b = {0};
    i->peak = v;
    buf_add_double(&b, v);
    snprintf(text, sizeof text, "%.*s", SLICE_ARG(buf_slice(&b)));
    life_set_text(&i->a.peak, slice_str(text));
    buf_release(&b);
}

/* The condition does not hold any more. */
static void over(struct alarms *a, struct item *i, int64_t at_us, int64_t delay_us)
{
    if (!i || !i->a.active || i->clear_due_us)
        return;
    if (!delay_us) {
        life_clear(a, i, at_us, NULL);
        return;
    }
    i->clear_at_us = at_us;
    i->clear_due_us = clock_mono_us() + delay_us;
}

void judge_level(void *arg, struct sensor *s, int before, int64_t at_us)
{
    struct alarms *a = arg;
    const struct alarm_spec *spec = &s->spec->alarm;
    char *key = life_key(a, s->twin->key, "level", slice_str(s->id));
    struct item *i = key ? life_of(a, key) : NULL;
    bool bad = s->alarm > LEVEL_NORMAL && !spec->off && !s->retired;
    (void)before;
    if (!key)
        return;
    if (!bad) {
        drop_pending(a, key);
        over(a, i, at_us, spec->off || s->retired ? 0 : spec->clear_delay_us);
    } else if (i && i->a.active) {
        i->clear_due_us = 0;
        note_peak(i, s);
        if (severity_of(s) > i->a.severity)
            raise_level(a, s, key, at_us);
    } else if (spec->delay_us) {
        wait_for(a, key, &(struct pending){.twin = s->twin, .sensor = s, .since_us = at_us},
                 spec->delay_us);
    } else {
        raise_level(a, s, key, at_us);
    }
    free(key);
}

/* ---- silence ---- */

static bool promises(const struct twin *t)
{
    if (t->alarm.off)
        return false;
    if (t->interval_us || t->alarm.said)
        return true;
    for (size_t i = 0; i < t->sensors_n; i++)
        if (t->sensors[i]->spec->interval_us)
            return true;
    return false;
}

static void raise_silence(struct alarms *a, const struct twin *t, const struct sensor *s,
                          const char *key)
{
    struct buf message = {0};
    const struct alarm_spec *spec = s ? &s->spec->alarm : &t->alarm;
    int64_t last_us = s ? s->last.t_us : t->synced_us;
    if (s)
        buf_addf(&message, "%.*s has sent nothing since ", SLICE_ARG(s->spec->name));
    else
        buf_addf(&message, "%s has sent nothing since ", t->name[0] ? t->name : t->id);
    clock_format(&message, last_us);
    if (!message.failed)
        life_raise(a, &(struct raising){.key = slice_str(key),
                                        .org = t->org,
                                        .twin = t->key,
                                        .sensor = slice_str(s ? s->id : ""),
                                        .version = t->version,
                                        .source = s ? ALARM_FREQUENCY : ALARM_CONNECTION,
                                        .severity = spec->severity >= 0
                                                        ? (enum alarm_severity)spec->severity
                                                        : ALARM_WARNING,
                                        .message = buf_slice(&message)});
    buf_release(&message);
}

void judge_quiet(void *arg, struct sensor *s)
{
    struct alarms *a = arg;
    if (!s->spec->interval_us || s->spec->alarm.off)
        return;
    char *key = life_key(a, s->twin->key, "frequency", slice_str(s->id));
    if (!key)
        return;
    if (s->stale && !s->retired) {
        int64_t delay = s->spec->alarm.delay_us;
        wait_for(a, key, &(struct pending){.twin = s->twin, .sensor = s, .quiet = true},
                 delay > QUIET_GRACE_US ? delay : QUIET_GRACE_US);
    } else {
        drop_pending(a, key);
        over(a, life_of(a, key), 0, s->spec->alarm.clear_delay_us);
    }
    free(key);
}

static void judge_connection(struct alarms *a, struct twin *t, int64_t least_us)
{
    char *key = life_key(a, t->key, "connection", SLICE_LIT(""));
    struct item *i = key ? life_of(a, key) : NULL;
    if (!key)
        return;
    if (t->state == LIVE_STALE && promises(t)) {
        int64_t delay = t->alarm.delay_us > least_us ? t->alarm.delay_us : least_us;
        if (i && i->a.active)
            i->clear_due_us = 0;
        else if (delay)
            wait_for(a, key, &(struct pending){.twin = t}, delay);
        else
            raise_silence(a, t, NULL, key);
    } else {
        drop_pending(a, key);
        over(a, i, 0, t->alarm.off ? 0 : t->alarm.clear_delay_us);
    }
    free(key);
}

static void note_state(struct alarms *a, const struct twin *t)
{
    static const char *const states[] = {"{\"state\":\"waiting\"}", "{\"state\":\"live\"}",
                                         "{\"state\":\"stale\"}"};
    alarms_note_event(a, t->org, t, "twin.state", 0, slice_str(states[t->state]));
}

/* ---- twins that change and go ---- */

static void rejudge(struct alarms *a, struct twin *t)
{
    for (size_t i = 0; i < t->all_n; i++) {
        struct sensor *s = t->all[i];
        struct crowd *c = map_get(&a->crowds, slice_str(t->key));
        if (s->alarm > LEVEL_NORMAL || (c && c->items))
            judge_level(a, s, s->alarm, clock_now_us());
        if (s->stale && s->has_value && t->state == LIVE_LIVE)
            judge_quiet(a, s);
        else if (c && c->items && (s->retired || s->spec->alarm.off)) {
            char *key = life_key(a, t->key, "frequency", slice_str(s->id));
            if (key)
                over(a, life_of(a, key), 0, 0);
            free(key);
        }
    }
    judge_connection(a, t, 0);
}

static void forget(struct alarms *a, const struct twin *t)
{
    struct crowd *c = map_get(&a->crowds, slice_str(t->key));
    size_t at = 0;
    for (struct item *i = c ? c->items : NULL, *next; i; i = next) {
        next = i->next;
        i->a.active = false;
        i->a.acknowledged = true;
        i->a.shelved_until_us = 0;
        i->a.cleared_us = i->a.cleared_us ? i->a.cleared_us : clock_now_us();
        life_step(a, i, ALARM_CLEARED, "the twin was deleted");
        life_end(a, i);
    }
    struct pending *gone = NULL;
    for (struct pending *p; (p = map_next(&a->pending, &at));) {
        if (p->twin == t) {
            p->next = gone;
            gone = p;
        }
    }
    for (struct pending *next; gone; gone = next) {
        next = gone->next;
        pending_free(a, gone);
    }
}

void judge_event(void *arg, const struct core_event *e)
{
    struct alarms *a = arg;
    switch (e->kind) {
    case EVENT_STATE:
        note_state(a, e->twin);
        judge_connection(a, e->twin, 0);
        for (size_t i = 0; e->twin->state == LIVE_LIVE && i < e->twin->sensors_n; i++)
            if (e->twin->sensors[i]->stale && e->twin->sensors[i]->has_value)
                judge_quiet(a, e->twin->sensors[i]);
        break;
    case EVENT_TWIN_CREATED:
        alarms_note_event(a, e->twin->org, e->twin, "twin.created", 0, SLICE_LIT("{}"));
        break;
    case EVENT_TWIN_CHANGED: {
        char what[48];
        snprintf(what, sizeof what, "{\"version\":%llu}", (unsigned long long)e->twin->version);
        alarms_note_event(a, e->twin->org, e->twin, "twin.changed", 0, slice_str(what));
        rejudge(a, e->twin);
        break;
    }
    case EVENT_TWIN_DELETED:
        alarms_note_event(a, e->twin->org, e->twin, "twin.deleted", 0, SLICE_LIT("{}"));
        forget(a, e->twin);
        break;
    case EVENT_REJECTION:
        break;
    }
}

/* ---- as time passes ---- */

static void ripe(struct alarms *a, struct pending *p)
{
    if (!p->sensor) {
        if (p->twin->state == LIVE_STALE && promises(p->twin))
            raise_silence(a, p->twin, NULL, p->key);
    } else if (p->quiet) {
        if (p->sensor->stale && p->twin->state == LIVE_LIVE)
            raise_silence(a, p->twin, p->sensor, p->key);
    } else if (p->sensor->alarm > LEVEL_NORMAL) {
        raise_level(a, p->sensor, p->key, p->since_us);
    }
}

void judge_tick(struct alarms *a, int64_t mono_us)
{
    struct pending *due = NULL;
    size_t at = 0;
    for (struct pending *p; (p = map_next(&a->pending, &at));) {
        if (mono_us < p->due_us)
            continue;
        p->next = due;
        due = p;
    }
    for (struct pending *next; due; due = next) {
        next = due->next;
        ripe(a, due);
        pending_free(a, due);
    }
}

/* ---- the start ---- */

static bool is_of_profile(const struct alarm *a)
{
    return a->source == ALARM_RANGE || a->source == ALARM_THRESHOLD;
}

/* A reading that was acknowledged, and maybe not judged before the end. */
static void on_replayed(void *arg, uint64_t batch, struct sensor *s, const struct reading *r)
{
    struct alarms *a = arg;
    (void)batch;
    if (!(s->spec->has_normal || s->spec->has_critical || s->spec->has_threshold))
        return;
    char *key = life_key(a, s->twin->key, "level", slice_str(s->id));
    struct item *i = key ? life_of(a, key) : NULL;
    bool known = i && r->t_us <= (i->a.cleared_us ? i->a.cleared_us : i->a.raised_us);
    free(key);
    if (known) /* of a message that was judged in part */
        return;
    struct point last = s->last;
    int8_t now = s->alarm;
    int before = i && i->a.active ? (i->a.severity == ALARM_CRITICAL ? 2 : 1) : 0;
    if (point_make(r->t_us, r->value, r->quality, &s->last)) {
        s->last = last;
        return;
    }
    s->alarm = (int8_t)sensor_alarm_level(s->spec, r->value, before);
    judge_level(a, s, before, r->t_us);
    point_release(&s->last);
    s->last = last;
    s->alarm = now;
}

/* What is so now, of one sensor. */
static void judge_now(struct alarms *a, struct sensor *s)
{
    char *key = life_key(a, s->twin->key, "level", slice_str(s->id));
    struct item *i = key ? life_of(a, key) : NULL;
    if (i && i->a.active && s->has_value && !s->retired)
        s->alarm = (int8_t)sensor_alarm_level(s->spec, point_value(&s->last),
                                              i->a.severity == ALARM_CRITICAL ? 2 : 1);
    free(key);
    judge_level(a, s, s->alarm, s->has_value ? s->last.t_us : 0);
}

static void judge_loaded(struct alarms *a, struct item *i)
{
    struct twin *t = core_twin(a->core, i->a.twin);
    if (i->a.twin.n && !t) {
        i->a.active = false;
        i->a.acknowledged = true;
        i->a.shelved_until_us = 0;
        life_step(a, i, ALARM_CLEARED, "the twin is there no more");
        life_end(a, i);
    } else if (t && is_of_profile(&i->a) && i->a.active) {
        struct sensor *s = core_sensor(t, i->a.sensor);
        if (s)
            judge_now(a, s);
        else
            life_clear(a, i, 0, "the sensor is there no more");
    } else if (t && i->a.source == ALARM_FREQUENCY && i->a.active && !core_sensor(t, i->a.sensor)) {
        life_clear(a, i, 0, "the sensor is there no more");
    }
}

void judge_start(struct alarms *a)
{
    struct arena *arena = arena_new();
    struct slice mark;
    uint64_t applied = UINT64_MAX;
    if (arena && catalog_meta_get(core_catalog(a->core), "alarms.applied", arena, &mark) == 0)
        slice_to_u64(mark, &applied);
    arena_free(arena);
    if (applied != UINT64_MAX) /* else there were no alarms before: the present is enough */
        core_replayed(a->core, applied, on_replayed, a);
    for (size_t k = a->items_n; k-- > 0;)
        if (k < a->items_n)
            judge_loaded(a, a->by_n[k]);
    for (uint32_t n = 0, end = core_series_end(a->core); n < end; n++) {
        struct sensor *s = core_series(a->core, n);
        if (s && !s->retired && s->alarm > LEVEL_NORMAL)
            judge_now(a, s);
    }
    size_t twins_n;
    struct twin *const *twins = core_twins(a->core, &twins_n);
    for (size_t i = 0; i < twins_n; i++)
        if (twins[i]->state == LIVE_STALE)
            judge_connection(a, twins[i], START_GRACE_US);
}

void judge_free(struct alarms *a)
{
    size_t at = 0;
    for (struct pending *p; (p = map_next(&a->pending, &at));) {
        free(p->key);
        free(p);
    }
    map_release(&a->pending);
}

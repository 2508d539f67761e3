/* alarms.c - beginning and end, what rules say, who may see what, and those that are open. */
#include "access/state.h"
#include "alarms/deliver.h"
#include "alarms/internal.h"
#include "base/clock.h"
#include "base/err.h"

#include <stdlib.h>

/* ---- rules ---- */

static void put_readings(struct buf *out, const struct alarm_raise *what)
{
    struct json_writer w;
    json_writer_init(&w, out, 0);
    json_open(&w, '[');
    for (size_t i = 0; i < what->readings_n && i < ALARM_READINGS_MAX; i++) {
        const struct alarm_reading *r = &what->readings[i];
        json_open(&w, '{');
        json_key(&w, "sensor");
        json_put_string(&w, r->sensor);
        json_key(&w, "t");
        json_put_time(&w, r->t_us);
        json_key(&w, "value");
        json_put_value(&w, r->value);
        json_close(&w, '}');
    }
    json_close(&w, ']');
}

int alarms_raise(struct alarms *a, const struct alarm_raise *what)
{
    struct buf value = {0}, readings = {0};
    char *key = life_key(a, what->twin->key, "rule", what->rule);
    struct raising r = {
        .key = slice_str(key),
        .org = what->twin->org,
        .twin = what->twin->key,
        .sensor = what->sensor,
        .rule = what->rule,
        .version = what->rule_version,
        .source = ALARM_RULE,
        .severity = what->severity,
        .message =
            slice_of(what->message.p, what->message.n > TEXT_MAX ? TEXT_MAX : what->message.n),
        .limit = what->limit,
        .actions = what->actions,
        .escalate = what->escalate,
        .at_us = what->at_us};
    int err = key ? 0 : ERR_NOMEM;
    if (what->value.type != VALUE_NONE)
        put_value(&value, what->value);
    if (what->readings_n)
        put_readings(&readings, what);
    r.value = buf_slice(&value);
    r.readings = buf_slice(&readings);
    if (!err && (value.failed || readings.failed))
        err = ERR_NOMEM;
    if (!err)
        err = life_raise(a, &r);
    buf_release(&value);
    buf_release(&readings);
    free(key);
    return err;
}

static struct item *of_rule(const struct alarms *a, const struct twin *t, struct slice rule)
{
    char *key = life_key(a, t->key, "rule", rule);
    struct item *i = key ? life_of(a, key) : NULL;
    free(key);
    return i;
}

void alarms_clear(struct alarms *a, const struct twin *t, struct slice rule, int64_t at_us)
{
    struct item *i = of_rule(a, t, rule);
    if (i)
        life_clear(a, i, at_us, NULL);
}

void alarms_clear_rule(struct alarms *a, const struct org *org, struct slice rule)
{
    for (size_t k = a->items_n; k-- > 0;) {
        struct item *i = k < a->items_n ? a->by_n[k] : NULL;
        if (i && i->a.source == ALARM_RULE && i->crowd->org == org && slice_eq(i->a.rule, rule))
            life_clear(a, i, 0, "the rule does not apply any more");
    }
}

bool alarms_is_active(const struct alarms *a, const struct twin *t, struct slice rule)
{
    const struct item *i = of_rule(a, t, rule);
    return i && i->a.active;
}

/* ---- those that are open ---- */

const struct alarm *alarms_next(const struct alarms *a, size_t *at)
{
    return *at < a->items_n ? &a->by_n[(*at)++]->a : NULL;
}

const struct alarm *alarms_find(const struct alarms *a, int64_t n)
{
    const struct item *i = life_find(a, n);
    return i ? &i->a : NULL;
}

static void count(const struct alarm *a, struct alarm_counts *ret)
{
    if (a->shelved_until_us) {
        ret->shelved++;
        return;
    }
    ret->active[a->severity] += a->active;
    ret->unacknowledged[a->severity] += !a->acknowledged;
}

void alarms_count(const struct alarms *a, const struct org *org, const struct twin *t,
                  struct alarm_counts *ret)
{
    *ret = (struct alarm_counts){0};
    const struct crowd *c = t ? map_get(&a->crowds, slice_str(t->key)) : NULL;
    if (t) {
        for (const struct item *i = c ? c->items : NULL; i; i = i->next)
            count(&i->a, ret);
        return;
    }
    for (size_t k = 0; k < a->items_n; k++)
        if (a->by_n[k]->crowd->org == org)
            count(&a->by_n[k]->a, ret);
}

void alarms_count_for(const struct alarms *a, const struct principal *who, const struct org *org,
                      struct alarm_counts *ret)
{
    *ret = (struct alarm_counts){0};
    for (size_t k = 0; k < a->items_n; k++)
        if (a->by_n[k]->crowd->org == org && alarm_may(a, who, OP_ALARMS_READ, &a->by_n[k]->a))
            count(&a->by_n[k]->a, ret);
}

bool alarm_may(const struct alarms *a, const struct principal *who, enum access_op op,
               const struct alarm *alarm)
{
    const struct access_object o = {.org = access_org(a->access, alarm->org),
                                    .twin = alarm->twin,
                                    .part = alarm->sensor.n ? PART_SENSOR : PART_WHOLE,
                                    .name = alarm->sensor};
    if (!o.org || !access_may(a->access, who, op, &o))
        return false;
    /* the policy of a twin that is gone went with it: what is left is for who may make twins */
    const struct access_object any = {.org = o.org};
    return !alarm->twin.n || core_twin(a->core, alarm->twin) ||
           access_may(a->access, who, OP_TWIN_CREATE, &any);
}

void alarms_get_stats(const struct alarms *a, struct alarms_stats *ret)
{
    *ret = (struct alarms_stats){.raised = a->raised_total,
                                 .steps = a->steps_total,
                                 .suppressed = a->suppressed_total,
                                 .open = a->items_n,
                                 .pending = a->pending.count};
    for (size_t k = 0; k < a->items_n; k++)
        ret->active[a->by_n[k]->a.severity] += a->by_n[k]->a.active;
    deliver_stats(a->deliverer, ret);
}

/* ---- who looks on ---- */

void alarms_watch_add(struct alarms *a, struct alarms_watch *w)
{
    w->next = a->watches;
    a->watches = w;
}

void alarms_watch_remove(struct alarms *a, struct alarms_watch *w)
{
    for (struct alarms_watch **at = &a->watches; *at; at = &(*at)->next) {
        if (*at == w) {
            *at = w->next;
            return;
        }
    }
}

/* ---- life ---- */

static void on_tick(void *arg)
{
    struct alarms *a = arg;
    int64_t mono = clock_mono_us();
    judge_tick(a, mono);
    life_tick(a, mono);
    keep_tick(a);
    deliver_tick(a->deliverer, mono);
}

static int on_loaded(void *arg, const struct alarm *alarm)
{
    life_load(arg, alarm);
    return 0;
}

static int load(struct alarms *a)
{
    struct catalog *c = core_catalog(a->core);
    const struct alarm_query q = {.open = 1};
    a->last_n = catalog_alarm_last(c);
    a->last_delivery = catalog_delivery_last(c);
    return catalog_alarm_each(c, &q, on_loaded, a);
}

int alarms_new(struct loop *l, struct core *c, const struct alarms_opts *opts, struct alarms **ret)
{
    struct alarms *a = calloc(1, sizeof *a);
    if (!a)
        return ERR_NOMEM;
    a->loop = l;
    a->core = c;
    a->access = core_access(c);
    a->opts = *opts;
    if (!a->opts.twin_flood)
        a->opts.twin_flood = TWIN_FLOOD;
    if (!a->opts.org_flood)
        a->opts.org_flood = ORG_FLOOD;
    a->flush = (struct loop_hook){.fn = keep_flush, .arg = a};
    a->starting = true;
    int err = loop_timer_new(l, on_tick, a, &a->tick);
    if (!err)
        err = load(a);
    if (!err && opts->deliver)
        err = deliver_new(a, opts->deliver, &a->deliverer);
    if (err) {
        alarms_free(a);
        return err;
    }
    judge_start(a);
    a->starting = false;
    a->tap = (struct core_tap){
        .on_event = judge_event, .on_level = judge_level, .on_quiet = judge_quiet, .arg = a};
    core_tap_add(c, &a->tap);
    core_set_alerts(c, alarms_of_profile, a);
    loop_timer_start(a->tick, TICK_MS, TICK_MS);
    if (a->next)
        loop_at_end(l, &a->flush);
    *ret = a;
    return 0;
}

void alarms_stop(struct alarms *a)
{
    if (!a || a->stopped)
        return;
    loop_timer_stop(a->tick);
    if (a->tap.arg)
        core_tap_remove(a->core, &a->tap);
    core_set_alerts(a->core, NULL, NULL);
    deliver_stop(a->deliverer);
    keep_stop(a);
}

void alarms_free(struct alarms *a)
{
    if (!a)
        return;
    loop_disarm(a->loop, &a->flush);
    loop_timer_free(a->tick);
    deliver_free(a->deliverer);
    keep_free(a);
    judge_free(a);
    life_free(a);
    free(a);
}

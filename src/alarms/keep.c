/* keep.c - what goes to the catalog, and who hears when it is there.
 *
 * What is to be written in a turn of the loop becomes a batch, which is one transaction; while one
 * is under way the next collects.  A batch that fails (a full disk) is tried again each second,
 * with all that has come since behind it, in order.
 *
 * With each batch goes the number of the last batch of readings that was judged before it
 * ("alarms.applied" in meta).  What the journal has behind that is judged again at a start, so a
 * reading that was acknowledged is judged once, whenever the program ends. */
#include "alarms/deliver.h"
#include "alarms/internal.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"

#include <stdio.h>
#include <stdlib.h>

enum { RETRY_US = 1000000, EXPIRE_EVERY_S = 600, EXPIRE_ROWS = 2000 };

static struct batch *next_batch(struct alarms *a)
{
    if (a->next)
        return a->next;
    struct arena *arena = arena_new();
    struct batch *b = arena ? arena_zalloc(arena, sizeof *b) : NULL;
    if (!b) {
        arena_free(arena);
        return NULL;
    }
    b->alarms = a;
    b->arena = arena;
    return a->next = b;
}

struct op *keep_op(struct alarms *a, enum op_kind kind)
{
    struct batch *b = a->stopped ? NULL : next_batch(a);
    struct op *op = b ? arena_zalloc(b->arena, sizeof *op) : NULL;
    if (!op) {
        if (!a->stopped)
            log_error("alarms", "out of memory: a step of an alarm is not kept");
        return NULL;
    }
    op->kind = kind;
    if (b->last)
        b->last->next = op;
    else
        b->first = op;
    b->last = op;
    if (!a->running && !a->starting)
        loop_at_end(a->loop, &a->flush);
    return op;
}

struct slice keep_text(struct alarms *a, struct slice s)
{
    struct slice copy = arena_dup(a->next->arena, s);
    return copy.p ? copy : SLICE_LIT("");
}

struct op *keep_step(struct alarms *a, const struct item *i, enum alarm_step step, struct slice who,
                     struct slice who_name, struct slice text)
{
    struct op *op = keep_op(a, KEEP_STEP);
    if (!op)
        return NULL;
    op->alarm = i->a;
    op->step = step;
    struct alarm *c = &op->alarm;
    struct slice *const texts[] = {&c->org,      &c->twin,       &c->sensor,  &c->rule,
                                   &c->readings, &c->limit,      &c->actions, &c->escalate,
                                   &c->message,  &c->value,      &c->peak,    &c->acknowledged_by,
                                   &c->assignee, &c->shelved_why};
    for (size_t t = 0; t < sizeof texts / sizeof texts[0]; t++)
        *texts[t] = keep_text(a, *texts[t]);
    op->who = keep_text(a, who);
    op->who_name = keep_text(a, who_name);
    op->text = keep_text(a, text);
    a->steps_total++;
    return op;
}

void alarms_note_event(struct alarms *a, const struct org *org, const struct twin *t,
                       const char *kind, int64_t at_us, struct slice what)
{
    struct batch *b = a->stopped ? NULL : next_batch(a);
    if (!b)
        return;
    if (b->events >= EVENTS_MAX) {
        b->events_lost++;
        return;
    }
    struct op *op = keep_op(a, KEEP_EVENT);
    if (!op)
        return;
    b->events++;
    op->event = (struct event){.at_us = at_us ? at_us : clock_now_us(),
                               .org = keep_text(a, slice_str(org ? org_slug(org) : "")),
                               .twin = keep_text(a, slice_str(t ? t->key : "")),
                               .kind = slice_str(kind),
                               .what = keep_text(a, what)};
}

/* ---- on the catalog's thread ---- */

static int write_event_of_step(struct catalog *c, const struct op *op)
{
    char kind[32], what[64];
    snprintf(kind, sizeof kind, "alarm.%s", alarm_step_name(op->step));
    snprintf(what, sizeof what, "{\"alarm\":\"a-%lld\",\"severity\":\"%s\"}",
             (long long)op->alarm.n, alarm_severity_name(op->alarm.severity));
    const struct event e = {.at_us = op->alarm.changed_us,
                            .org = op->alarm.org,
                            .twin = op->alarm.twin,
                            .kind = slice_str(kind),
                            .what = slice_str(what)};
    return catalog_event_add(c, &e);
}

static int write_step(struct catalog *c, const struct op *op)
{
    int err = catalog_alarm_step(c, &op->alarm, op->step, op->who, op->who_name, op->text);
    if (!err && op->step != ALARM_COUNTED)
        err = write_event_of_step(c, op);
    if (!err && op->audited)
        err = catalog_audit_add(c, &op->audit);
    return err;
}

static int write_op(struct catalog *c, const struct op *op)
{
    switch (op->kind) {
    case KEEP_STEP:
        return write_step(c, op);
    case KEEP_EVENT:
        return catalog_event_add(c, &op->event);
    case KEEP_DELIVERY:
        return catalog_delivery_add(c, &op->delivery);
    case KEEP_RESULT: {
        int err = catalog_delivery_set(c, &op->delivery);
        return err || !op->audited ? err : catalog_audit_add(c, &op->audit);
    }
    }
    return 0;
}

static int write_lost(struct catalog *c, const struct batch *b)
{
    char what[48];
    snprintf(what, sizeof what, "{\"events\":%zu}", b->events_lost);
    const struct event e = {.at_us = clock_now_us(),
                            .org = SLICE_LIT(""),
                            .twin = SLICE_LIT(""),
                            .kind = SLICE_LIT("events.skipped"),
                            .what = slice_str(what)};
    return b->events_lost ? catalog_event_add(c, &e) : 0;
}

static int write_mark(struct catalog *c, const struct batch *b)
{
    char text[24];
    snprintf(text, sizeof text, "%llu", (unsigned long long)b->applied);
    return catalog_meta_set(c, "alarms.applied", slice_str(text));
}

static void write_work(void *arg)
{
    struct batch *b = arg;
    struct catalog *c = core_catalog(b->alarms->core);
    int err = c ? catalog_begin(c) : ERR_CANCELLED;
    b->err = err;
    if (err)
        return;
    for (const struct op *op = b->first; op && !err; op = op->next)
        err = write_op(c, op);
    if (!err)
        err = write_lost(c, b);
    if (!err)
        err = write_mark(c, b);
    if (err)
        catalog_fail(c, err);
    b->err = catalog_commit(c);
}

/* ---- and back ---- */

static void tell(struct alarms *a, const struct op *op)
{
    if (op->kind == KEEP_DELIVERY)
        deliver_made(a->deliverer, &op->delivery);
    if (op->kind != KEEP_STEP)
        return;
    for (struct alarms_watch *w = a->watches, *next; w; w = next) {
        next = w->next;
        w->on_step(w->arg, &op->alarm, op->step);
    }
    if (op->done)
        op->done(op->arg, 0, NULL, &op->alarm);
}

static void write_done(void *arg);

static void submit(struct alarms *a, struct batch *b)
{
    b->job = (struct pool_job){.work = write_work, .done = write_done, .arg = b};
    a->out++;
    pool_submit(core_writes(a->core), &b->job);
}

static void write_done(void *arg)
{
    struct batch *b = arg;
    struct alarms *a = b->alarms;
    a->out--;
    if (b->err && !a->stopped) {
        if (!a->failing)
            log_error("alarms",
                      "what became of alarms cannot be written, and is tried again each "
                      "second: %s",
                      err_info(b->err)->text);
        a->failing = true;
        a->retry_us = clock_mono_us() + RETRY_US;
        return;
    }
    if (a->failing && !b->err)
        log_info("alarms", "what became of alarms can be written again");
    a->failing = false;
    for (const struct op *op = b->first; op; op = op->next) {
        if (!b->err)
            tell(a, op);
        else if (op->done)
            op->done(op->arg, b->err, NULL, NULL);
    }
    if (a->running == b)
        a->running = NULL;
    arena_free(b->arena);
    if (a->next && !a->running && !a->stopped)
        loop_at_end(a->loop, &a->flush);
}

void keep_flush(void *arg)
{
    struct alarms *a = arg;
    if (a->running || !a->next || !core_writes(a->core))
        return;
    struct batch *b = a->running = a->next;
    a->next = NULL;
    b->applied = core_applied_all(a->core);
    submit(a, b);
}

/* ---- what expires ---- */

struct expiry {
    struct pool_job job;
    struct alarms *alarms;
    int64_t before_us;
    size_t n;
    int err;
};

static void expire_work(void *arg)
{
    struct expiry *e = arg;
    struct catalog *c = core_catalog(e->alarms->core);
    size_t n[3] = {0};
    int err = c ? catalog_begin(c) : ERR_CANCELLED;
    e->err = err;
    if (err)
        return;
    err = catalog_alarm_expire(c, e->before_us, EXPIRE_ROWS, &n[0]);
    if (!err)
        err = catalog_event_expire(c, e->before_us, EXPIRE_ROWS, &n[1]);
    if (!err)
        err = catalog_delivery_expire(c, e->before_us, EXPIRE_ROWS, &n[2]);
    if (err)
        catalog_fail(c, err);
    e->err = catalog_commit(c);
    for (size_t i = 0; i < 3; i++)
        e->n = n[i] > e->n ? n[i] : e->n;
}

static void expire_done(void *arg)
{
    struct expiry *e = arg;
    struct alarms *a = e->alarms;
    a->expiring = false;
    a->out--;
    a->expire_us = clock_mono_us() +
                   (e->n == EXPIRE_ROWS && !e->err ? 1000000 : EXPIRE_EVERY_S * INT64_C(1000000));
    free(e);
}

static void expire_if_due(struct alarms *a, int64_t mono_us)
{
    if (!a->opts.retention_us || a->expiring || mono_us < a->expire_us || !core_writes(a->core))
        return;
    struct expiry *e = calloc(1, sizeof *e);
    if (!e)
        return;
    e->alarms = a;
    e->before_us = clock_now_us() - a->opts.retention_us;
    e->job = (struct pool_job){.work = expire_work, .done = expire_done, .arg = e};
    a->expiring = true;
    a->out++;
    pool_submit(core_writes(a->core), &e->job);
}

void keep_tick(struct alarms *a)
{
    int64_t mono = clock_mono_us();
    if (a->failing && a->running && mono >= a->retry_us) {
        a->retry_us = INT64_MAX; /* until it has ended */
        submit(a, a->running);
    }
    expire_if_due(a, mono);
}

void keep_stop(struct alarms *a)
{
    struct batch *last = a->next;
    loop_disarm(a->loop, &a->flush);
    a->stopped = true;
    a->next = NULL;
    if (!core_writes(a->core))
        a->failing = false;
    if (a->failing && a->running && a->retry_us != INT64_MAX)
        submit(a, a->running);
    if (!last)
        return;
    last->applied = core_applied_all(a->core);
    submit(a, last); /* behind the one that is under way: the pool keeps the order */
}

void keep_free(struct alarms *a)
{
    if (a->next)
        arena_free(a->next->arena);
    if (a->running) /* it failed, and the end came before it could be tried again */
        arena_free(a->running->arena);
}

/* erase.c - taking readings out of the past.
 *
 * What was acknowledged before is to be gone for good, also after a crash.  So the journal must
 * have let go of it first: whoever asks waits until a flush has taken everything that had been
 * applied by then into history (the checkpoint is in the flush's last transaction), and only then,
 * on the same thread, it is taken out of there.  What comes meanwhile is younger, and stays. */
#include "base/clock.h"
#include "base/err.h"
#include "codec/open_series.h"
#include "core/internal.h"

#include <stdlib.h>

struct erase {
    struct core *core;
    struct pool_job job;
    struct erase *next;
    uint32_t series;
    int64_t from_us, to_us;
    uint64_t seq; /* history must be so far */
    uint64_t readings;
    struct point newest; /* that is left in history */
    int err;
    erase_done_fn *done;
    void *arg;
    struct arena *arena; /* of it all */
    struct audit_entry audit;
};

static void erase_work(void *arg)
{
    struct erase *e = arg;
    e->err =
        history_delete(e->core->history, e->series, e->from_us, e->to_us, &e->readings, &e->newest);
}

static int take_newer(struct point *best, const struct open_series *head)
{
    struct open_reader r;
    struct open_point p;
    open_reader_init(&r, head);
    while (open_reader_next(&r, &p)) {
        if (best->type != VALUE_NONE && p.t_us < best->t_us)
            continue;
        struct point copy;
        if (point_make(p.t_us, p.value, p.quality, &copy))
            return ERR_NOMEM;
        point_release(best);
        *best = copy;
    }
    return 0;
}

/* What the sensor says now may have been among it. */
static void fall_back(struct erase *e)
{
    struct sensor *s = core_series(e->core, e->series);
    if (!s || !s->has_value || s->last.t_us < e->from_us || s->last.t_us >= e->to_us)
        return;
    if (take_newer(&e->newest, s->frozen) || take_newer(&e->newest, s->head))
        return;
    if (e->newest.type == VALUE_NONE || e->newest.t_us != s->last.t_us)
        live_fall_back(e->core, s, &e->newest);
}

static void answer(struct erase *e)
{
    struct erase_result r = {.err = e->err, .readings = e->readings};
    struct buf detail = {0};
    clock_format(&detail, e->from_us);
    buf_add_str(&detail, " to ");
    clock_format(&detail, e->to_us);
    buf_addf(&detail, ", %llu readings", (unsigned long long)e->readings);
    e->audit.at_us = clock_now_us();
    e->audit.detail = e->err ? slice_str(err_info(e->err)->text) : buf_slice(&detail);
    e->audit.outcome = slice_str(e->err ? "failed" : "done");
    access_audit(e->core->access, &e->audit);
    buf_release(&detail);
    e->done(e->arg, &r);
    point_release(&e->newest);
    arena_free(e->arena);
}

/* Its words, which outlive who asked. */
static bool keep_audit(struct erase *e, const struct asker *by, const struct sensor *s)
{
    struct audit_entry *a = &e->audit;
    struct slice *const texts[] = {&a->org,     &a->who_kind, &a->who,    &a->who_name,
                                   &a->address, &a->via,      &a->request};
    access_audit_by(a, by, s->twin->org);
    a->operation = slice_str(op_info(OP_HISTORY_ERASE)->name);
    a->object = slice_str(arena_printf(e->arena, "twin:%s/sensors/%s", s->twin->key, s->id));
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        *texts[i] = arena_dup(e->arena, *texts[i]);
        if (!texts[i]->p)
            return false;
    }
    return a->object.p;
}

static void erase_done(void *arg)
{
    struct erase *e = arg;
    if (!e->err)
        fall_back(e);
    answer(e);
}

static void submit(struct erase *e)
{
    e->job = (struct pool_job){.work = erase_work, .done = erase_done, .arg = e};
    pool_submit(e->core->flushes, &e->job);
}

static bool is_ready(const struct erase *e)
{
    const struct core *c = e->core;
    bool none_in_memory = !c->flush && !c->head_readings;
    return none_in_memory || history_checkpoint(c->history) >= e->seq;
}

void core_erase(struct core *c, const struct asker *by, struct sensor *s, int64_t from_us,
                int64_t to_us, erase_done_fn *done, void *arg)
{
    int err = !c->flushes                                 ? ERR_CANCELLED
              : core_may(c, by->who, OP_HISTORY_ERASE, s) ? 0
                                                          : ERR_FORBIDDEN;
    struct arena *arena = err ? NULL : arena_new();
    struct erase *e = arena ? arena_zalloc(arena, sizeof *e) : NULL;
    if (e)
        e->arena = arena;
    if (!e || !keep_audit(e, by, s)) {
        arena_free(arena);
        done(arg, &(struct erase_result){.err = err ? err : ERR_NOMEM});
        return;
    }
    *e = (struct erase){.core = c,
                        .arena = arena,
                        .audit = e->audit,
                        .series = s->series,
                        .from_us = from_us,
                        .to_us = to_us,
                        .seq = s->head || s->frozen ? c->applied_seq : 0,
                        .done = done,
                        .arg = arg};
    if (is_ready(e)) {
        submit(e);
        return;
    }
    if (c->erases_last)
        c->erases_last->next = e;
    else
        c->erases_first = e;
    c->erases_last = e;
    flush_if_due(c, true);
}

void erase_settle(struct core *c, int err)
{
    while (c->erases_first && (err || is_ready(c->erases_first))) {
        struct erase *e = c->erases_first;
        c->erases_first = e->next;
        if (!c->erases_first)
            c->erases_last = NULL;
        e->err = err ? err : c->flushes ? 0 : ERR_CANCELLED;
        if (e->err)
            answer(e);
        else
            submit(e);
    }
    if (c->erases_first)
        flush_if_due(c, true); /* one that was under way when they came did not have all */
}

void erase_cancel_all(struct core *c)
{
    if (c->erases_first)
        erase_settle(c, ERR_CANCELLED);
}

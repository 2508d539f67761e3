/* flush.c - from memory into history.
 *
 * A flush freezes the heads of all series that have any: each head, sorted, becomes an array that
 * belongs to the flush, the series starts an empty one and keeps a look at the frozen one for
 * queries. Everything applied up to a sequence number of the journal is then in frozen heads or in
 * history, so when the transaction is through, with that number as checkpoint, the journal may
 * forget it.  A flush that fails is tried again with the same arrays; nothing is let go before it
 * is written. */
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "core/internal.h"

#include <stdlib.h>

struct flush {
    struct core *core;
    struct pool_job job;
    struct history_flush_series *list;
    size_t n;
    uint64_t seq;
    int err;
    int64_t retry_at_us;
    bool running;
};

int head_add(struct core *c, struct sensor *s, const struct reading *r)
{
    if (s->head_n == s->head_cap) {
        uint32_t cap = s->head_cap ? s->head_cap * 2 : 8;
        struct point *head = realloc(s->head, cap * sizeof *head);
        if (!head)
            return ERR_NOMEM;
        s->head = head;
        s->head_cap = cap;
    }
    if (!s->dirty_at) {
        if (c->dirty_n == c->dirty_cap) {
            size_t cap = c->dirty_cap ? c->dirty_cap * 2 : 256;
            struct sensor **dirty = realloc(c->dirty, cap * sizeof(struct sensor *));
            if (!dirty)
                return ERR_NOMEM;
            c->dirty = dirty;
            c->dirty_cap = cap;
        }
        c->dirty[c->dirty_n++] = s;
        s->dirty_at = (uint32_t)c->dirty_n;
    }
    if (point_make(r->t_us, r->value, r->quality, &s->head[s->head_n]))
        return ERR_NOMEM;
    s->head_n++;
    if (!c->head_readings++)
        c->head_since_us = clock_mono_us();
    return 0;
}

static void flush_free(struct flush *f)
{
    struct core *c = f->core;
    for (size_t i = 0; i < f->n; i++) {
        struct history_flush_series *one = &f->list[i];
        struct sensor *s = one->series < c->by_series_n ? c->by_series[one->series] : NULL;
        if (s && s->frozen == one->points) {
            s->frozen = NULL;
            s->frozen_n = 0;
        }
        for (size_t k = 0; k < one->n; k++)
            point_release(&one->points[k]);
        free(one->points);
    }
    free(f->list);
    free(f);
    c->flush = NULL;
}

static struct flush *freeze(struct core *c)
{
    struct flush *f = calloc(1, sizeof *f);
    if (!f || !(f->list = calloc(c->dirty_n ? c->dirty_n : 1, sizeof *f->list))) {
        free(f);
        return NULL;
    }
    f->core = c;
    f->seq = c->applied_seq;
    for (size_t i = 0; i < c->dirty_n; i++) {
        struct sensor *s = c->dirty[i];
        s->dirty_at = 0;
        size_t n = points_sort(s->head, s->head_n);
        f->list[f->n++] = (struct history_flush_series){s->series, s->head, n};
        s->frozen = s->head;
        s->frozen_n = n;
        s->head = NULL;
        s->head_n = s->head_cap = 0;
    }
    c->dirty_n = 0;
    c->head_readings = 0;
    c->head_since_us = 0;
    return f;
}

static void flush_work(void *arg)
{
    struct flush *f = arg;
    f->err = history_flush(f->core->history, f->list, f->n, f->seq);
}

static void flush_settle(struct flush *f)
{
    struct core *c = f->core;
    f->running = false;
    if (f->err) {
        if (c->storage_ok)
            log_error("core", "history cannot be written (%s); trying again every second",
                      err_info(f->err)->text);
        c->storage_ok = false;
        f->retry_at_us = clock_mono_us() + 1000000;
        return;
    }
    if (!c->storage_ok)
        log_info("core", "history can be written again");
    c->storage_ok = true;
    c->stats.flushes++;
    if (c->journal)
        journal_trim(c->journal, f->seq);
    flush_free(f);
}

static void flush_done(void *arg)
{
    flush_settle(arg);
}

static void flush_submit(struct flush *f)
{
    f->running = true;
    f->job = (struct pool_job){.work = flush_work, .done = flush_done, .arg = f};
    pool_submit(f->core->flushes, &f->job);
}

void flush_if_due(struct core *c, bool now)
{
    int64_t mono = clock_mono_us();
    if (!c->flushes)
        return;
    if (c->flush) {
        if (!c->flush->running && mono >= c->flush->retry_at_us)
            flush_submit(c->flush);
        return;
    }
    bool due = c->head_readings >= c->head_limit ||
               (c->head_readings && mono - c->head_since_us >= (int64_t)c->flush_ms * 1000);
    if (!due && !(now && c->head_readings))
        return;
    if ((c->flush = freeze(c)))
        flush_submit(c->flush);
}

int flush_blocking(struct core *c)
{
    int err = 0;
    if (c->flush) { /* one that failed before; its pool has ended */
        flush_work(c->flush);
        err = c->flush->err;
        flush_settle(c->flush);
    }
    if (!err && c->head_readings && (c->flush = freeze(c))) {
        flush_work(c->flush);
        err = c->flush->err;
        flush_settle(c->flush);
    }
    if (c->flush)
        flush_free(c->flush); /* the journal still has it */
    return err;
}

/* ---- series that are gone ---- */

struct forget {
    struct core *core;
    struct pool_job job;
    size_t n;
    int err;
    uint32_t series[];
};

static void forget_work(void *arg)
{
    struct forget *f = arg;
    f->err = history_drop(f->core->history, f->series, f->n);
}

static void forget_done(void *arg)
{
    struct forget *f = arg;
    if (f->err) /* it stays, and the next start tells of it */
        log_warn("core", "the past of a deleted twin could not be removed yet (%s)",
                 err_info(f->err)->text);
    free(f);
}

void history_forget(struct core *c, const uint32_t *series, size_t n)
{
    struct forget *f = n ? malloc(sizeof *f + n * sizeof series[0]) : NULL;
    if (!f)
        return;
    f->core = c;
    f->n = n;
    memcpy(f->series, series, n * sizeof series[0]);
    f->job = (struct pool_job){.work = forget_work, .done = forget_done, .arg = f};
    pool_submit(c->flushes, &f->job); /* behind any flush that still writes them */
}

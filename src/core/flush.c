/* flush.c - from memory into history.
 *
 * A flush freezes the heads of all series that have any: each head becomes the flush's, the series
 * starts an empty one and keeps a look at the frozen one for queries.  Everything applied up to a
 * sequence number of the journal is then in frozen heads or in history.  They are written piece by
 * piece, so that only a piece at a time is unpacked; the last piece, in its transaction, sets that
 * number as checkpoint, and then the journal may forget it.  After a crash in between, the journal
 * is read from the old checkpoint on, but for what the pieces wrote (history_has()): they come in
 * order of series, so that a number tells which these are.  A flush that fails goes on with the
 * same piece a second later; nothing is let go before it is written.  So does one that the end of
 * the program cuts short: the next start reads the rest from the journal.
 *
 * A flush costs by the series, not by the reading.  So that a million slow series do not keep a
 * core busy, the next one comes when the oldest reading has waited for flush_ms, but not before ten
 * times the last flush's duration (ten minutes at most); memory that fills up does not wait for
 * that. */
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "core/internal.h"
#include "store/reserve.h"

#include <stdlib.h>

#define WAIT_MAX_US INT64_C(600000000)

enum { PIECE_SERIES = 4096, PIECE_POINTS = 1 << 18, FLUSH_SHARE = 10 };

struct frozen {
    uint32_t series;
    uint32_t old_s; /* as the twin's profile has it now, and: */
    uint8_t level;
    struct open_series *points;
};

struct flush {
    struct core *core;
    struct pool_job job;
    struct frozen *list;
    size_t n, at; /* those before at are in history */
    uint64_t seq;
    int err;
    int64_t took_us, retry_at_us;
    bool running;
};

static void free_points(void *arg)
{
    struct flush *f = arg;
    for (size_t i = 0; i < f->n; i++)
        open_series_free(f->list[i].points);
    free(f->list);
}

/* Nobody looks at what is frozen any more.  Freeing a million heads is for the flush's thread. */
static void flush_end(struct flush *f)
{
    struct core *c = f->core;
    for (size_t i = 0; i < f->n; i++) {
        struct sensor *s = core_series(c, f->list[i].series);
        if (s && s->frozen == f->list[i].points)
            s->frozen = NULL;
    }
    c->flush = NULL;
    if (c->flushes && f->n > PIECE_SERIES) {
        f->job = (struct pool_job){.work = free_points, .done = free, .arg = f};
        pool_submit(c->flushes, &f->job);
    } else {
        free_points(f);
        free(f);
    }
}

static int by_series(const void *a, const void *b)
{
    const struct frozen *x = a, *y = b;
    return (x->series > y->series) - (x->series < y->series);
}

static struct flush *freeze(struct core *c)
{
    struct flush *f = calloc(1, sizeof *f);
    if (!f || !(f->list = malloc((c->dirty_n ? c->dirty_n : 1) * sizeof *f->list))) {
        free(f);
        return NULL;
    }
    f->core = c;
    f->seq = c->applied_seq;
    for (size_t i = 0; i < c->dirty_n; i++) {
        struct sensor *s = c->dirty[i];
        struct open_series *points = head_take(s);
        s->frozen = points;
        f->list[f->n++] = (struct frozen){.series = s->series,
                                          .old_s = history_old_s(&s->twin->policy),
                                          .level = s->twin->policy.level,
                                          .points = points};
    }
    c->dirty_n = 0;
    c->head_readings = 0;
    c->head_bytes = 0;
    c->head_since_us = 0;
    return f;
}

/* Unpack as many as make a piece. */
static int fill_piece(const struct flush *f, struct history_flush_series *list, size_t *ret_n)
{
    size_t n = 0, total = 0;
    for (size_t i = f->at; i < f->n && n < PIECE_SERIES && total < PIECE_POINTS; i++) {
        struct history_flush_series *one = &list[n++];
        size_t count = open_series_count(f->list[i].points);
        *one = (struct history_flush_series){
            .series = f->list[i].series,
            .level = f->list[i].level,
            .old_s = f->list[i].old_s,
            .points = malloc((count ? count : 1) * sizeof *one->points),
        };
        *ret_n = n;
        if (!one->points ||
            open_series_points(f->list[i].points, INT64_MIN, INT64_MAX, one->points, &one->n))
            return ERR_NOMEM;
        one->n = points_sort(one->points, one->n);
        total += count;
    }
    return 0;
}

static int write_piece(struct flush *f, struct history_flush_series *list)
{
    size_t n = 0;
    int err = fill_piece(f, list, &n);
    bool last = f->at + n == f->n;
    if (!err)
        err = history_flush(f->core->history, list, n, f->seq, last);
    for (size_t i = 0; i < n; i++)
        points_free(list[i].points, list[i].n);
    if (!err)
        f->at += n;
    return err;
}

static bool is_late(const struct core *c)
{
    return c->end_by_us && clock_mono_us() >= c->end_by_us;
}

static void flush_work(void *arg)
{
    struct flush *f = arg;
    int64_t began = clock_mono_us();
    struct history_flush_series *list = malloc(PIECE_SERIES * sizeof *list);
    f->err = list ? 0 : ERR_NOMEM;
    if (!f->at)
        qsort(f->list, f->n, sizeof *f->list, by_series);
    while (!f->err && f->at < f->n)
        f->err = is_late(f->core) ? ERR_CANCELLED : write_piece(f, list);
    free(list);
    f->took_us += clock_mono_us() - began;
}

static void flush_settle(struct flush *f)
{
    struct core *c = f->core;
    f->running = false;
    if (f->err == ERR_CANCELLED) {
        erase_settle(c, f->err);
        return;
    }
    if (f->err) {
        if (c->storage_ok)
            log_error("core", "history cannot be written (%s); trying again every second",
                      err_info(f->err)->text);
        c->storage_ok = false;
        f->retry_at_us = clock_mono_us() + 1000000;
        erase_settle(c, f->err);
        return;
    }
    if (!c->storage_ok) {
        log_info("core", "history can be written again");
        reserve_keep(c->dir);
    }
    c->storage_ok = true;
    c->stats.flushes++;
    c->flush_took_us = f->took_us;
    if (c->journal)
        journal_trim(c->journal, f->seq);
    flush_end(f);
    erase_settle(c, 0);
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

static int64_t patience(const struct core *c)
{
    int64_t asked = (int64_t)c->flush_ms * 1000, fair = FLUSH_SHARE * c->flush_took_us;
    if (fair > WAIT_MAX_US)
        fair = WAIT_MAX_US;
    return asked > fair ? asked : fair;
}

void flush_if_due(struct core *c, bool now)
{
    int64_t mono = clock_mono_us();
    if (!c->flushes || c->half_applied) /* history holds whole batches */
        return;
    if (c->flush) {
        if (!c->flush->running && mono >= c->flush->retry_at_us)
            flush_submit(c->flush);
        return;
    }
    bool due = heads_are(c, 1) || (c->head_readings && mono - c->head_since_us >= patience(c));
    if (!due && !(now && c->head_readings))
        return;
    if ((c->flush = freeze(c)))
        flush_submit(c->flush);
}

int flush_blocking(struct core *c)
{
    int err = 0;
    if (is_late(c))
        return c->flush || c->head_readings ? ERR_CANCELLED : 0;
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
    return err;
}

void flush_abandon(struct core *c)
{
    if (c->flush)
        flush_end(c->flush);
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

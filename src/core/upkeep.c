/* upkeep.c - the background's visits to the past of every series (store/history_upkeep.c).
 *
 * A slice is a list of series with what their profiles want now, made on the loop's thread and
 * worked off on that of `flushes`, where it takes turns with flushes.  One slice at a time, at most
 * four a second, each a twelfth of that: so upkeep never takes more than a small share of a core,
 * and a flush waits for it no longer than for a commit.  A round is all series once. */
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "core/internal.h"

#include <stdlib.h>

enum { SLICE_SERIES = 4096, SLICE_LOOKS = 1 << 16, SLICE_US = 20000 };

#define ROUND_US INT64_C(10000000)

struct upkeep {
    struct core *core;
    struct pool_job job;
    size_t n, done, end; /* end: where the next slice begins when all is done */
    bool more;
    int err;
    struct history_care list[SLICE_SERIES];
};

static void upkeep_work(void *arg)
{
    struct upkeep *u = arg;
    u->err = history_upkeep(u->core->history, u->list, u->n, &u->done, SLICE_US, &u->more);
}

static void upkeep_done(void *arg)
{
    struct upkeep *u = arg;
    struct core *c = u->core;
    c->upkeep = NULL;
    c->upkeep_at = u->done < u->n ? u->list[u->done].series : u->end;
    if (u->err && !c->upkeep_failed)
        log_error("core", "the upkeep of history does not get on (%s); it is tried again",
                  err_info(u->err)->text);
    c->upkeep_failed = u->err != 0;
    if (u->err)
        c->upkeep_due_us = clock_mono_us() + ROUND_US;
    free(u);
}

/* The next series that have a past. */
static void gather(struct core *c, struct upkeep *u)
{
    size_t at = c->upkeep_at, last = at + SLICE_LOOKS;
    for (; at < c->by_series_n && at < last && u->n < SLICE_SERIES; at++) {
        const struct sensor *s = c->by_series[at];
        if (s && s->has_value)
            u->list[u->n++] = (struct history_care){s->series, s->twin->policy};
    }
    u->end = at;
}

void upkeep_if_due(struct core *c)
{
    int64_t mono = clock_mono_us();
    if (!c->flushes || c->upkeep || mono < c->upkeep_due_us)
        return;
    struct upkeep *u = malloc(sizeof *u);
    if (!u)
        return;
    *u = (struct upkeep){.core = c};
    gather(c, u);
    if (!u->n) {
        c->upkeep_at = u->end;
        free(u);
    } else {
        c->upkeep = u;
        u->job = (struct pool_job){.work = upkeep_work, .done = upkeep_done, .arg = u};
        pool_submit(c->flushes, &u->job);
    }
    if (c->upkeep_at >= c->by_series_n && !c->upkeep) {
        c->stats.rounds++;
        c->upkeep_at = 0;
        c->upkeep_due_us = mono + ROUND_US;
    }
}

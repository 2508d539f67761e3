/* usage.c - how many bytes of history each organisation has.
 *
 * A pass looks at every series once, a slice of 20 ms each second on a thread of readers, so it
 * costs little however large the history is; the sums are shown when the pass has ended, and the
 * next begins some minutes later.  What is deleted or comes meanwhile is seen by the next pass: a
 * quota of bytes is held to that. */
#include "access/state.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "core/internal.h"

#include <stdlib.h>

enum { SLICE_SERIES = 2048, SLICE_US = 20000 };

#define PAUSE_US INT64_C(1000000) /* between two slices */
#define PASS_US INT64_C(60000000) /* between two passes */

struct usage {
    struct core *core;
    struct pool_job job;
    size_t n, done, end;
    int err;
    uint32_t series[SLICE_SERIES];
    uint64_t bytes[SLICE_SERIES];
};

static void usage_work(void *arg)
{
    struct usage *u = arg;
    u->err = history_series_bytes(u->core->history, u->series, u->n, u->bytes, SLICE_US, &u->done);
}

static void begin_pass(struct core *c)
{
    struct org *o;
    size_t at = 0;
    c->usage_at = 0;
    while ((o = map_next(&c->access->kinds[RECORD_ORG], &at)))
        o->storage_counted = 0;
}

static void end_pass(struct core *c)
{
    struct org *o;
    size_t at = 0;
    while ((o = map_next(&c->access->kinds[RECORD_ORG], &at)))
        o->storage_bytes = o->storage_counted;
    c->usage_due_us = clock_mono_us() + PASS_US;
    begin_pass(c);
}

static void usage_done(void *arg)
{
    struct usage *u = arg;
    struct core *c = u->core;
    c->usage = NULL;
    c->usage_due_us = clock_mono_us() + PAUSE_US;
    for (size_t i = 0; i < u->done; i++) {
        const struct sensor *s = core_series(c, u->series[i]);
        if (s)
            s->twin->org->storage_counted += u->bytes[i];
    }
    c->usage_at = u->done < u->n ? u->series[u->done] : u->end;
    if (u->err) {
        log_warn("core", "what organisations use of the disk cannot be counted: %s",
                 err_info(u->err)->text);
        c->usage_due_us = clock_mono_us() + PASS_US;
        begin_pass(c);
    } else if (c->usage_at >= c->by_series_n) {
        end_pass(c);
    }
    free(u);
}

void usage_if_due(struct core *c)
{
    if (!c->reads || c->usage || clock_mono_us() < c->usage_due_us)
        return;
    struct usage *u = malloc(sizeof *u);
    if (!u)
        return;
    *u = (struct usage){.core = c};
    size_t at = c->usage_at;
    for (; at < c->by_series_n && u->n < SLICE_SERIES; at++)
        if (c->by_series[at])
            u->series[u->n++] = (uint32_t)at;
    u->end = at;
    c->usage = u;
    u->job = (struct pool_job){.work = usage_work, .done = usage_done, .arg = u};
    pool_submit(c->reads, &u->job);
}

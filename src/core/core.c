/* core.c - opening, closing and counting. */
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "core/internal.h"
#include "core/registry.h"
#include "core/types_keep.h"
#include "store/reserve.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { HEAD_READINGS = 16000000, FLUSH_MS = 30000, READERS = 2 };

static int on_last(void *arg, const struct reading *r)
{
    struct core *c = arg;
    struct sensor *s = core_series(c, r->series);
    if (s)
        live_restore(c, s, r);
    else
        c->orphans++;
    if (r->series > c->last_series) /* a number that has a past is never given again */
        c->last_series = r->series;
    return 0;
}

static int on_replay(void *arg, uint64_t seq, const struct reading *readings, size_t n)
{
    struct core *c = arg;
    c->applied_seq = c->applying_seq = seq;
    for (size_t i = 0; i < n; i++) {
        struct sensor *s = core_series(c, readings[i].series);
        if (s && (!s->has_value || readings[i].t_us >= s->last.t_us))
            replayed_note(c, seq, &readings[i]);
        if (!s || history_has(c->history, seq, readings[i].series))
            continue; /* its twin is gone; or a flush was cut short, and this was through */
        if (head_add(c, s, &readings[i]))
            return ERR_NOMEM;
        live_restore(c, s, &readings[i]);
        /* what fits is written while we serve; on a full disk it all stays in memory: it was
         * bounded when it came */
        if (heads_are(c, 2 * MEMORY_FULL) && c->storage_ok) {
            int err = flush_blocking(c);
            if (err && err != ERR_STORAGE)
                return err;
        }
    }
    return 0;
}

static void on_tick(void *arg)
{
    struct core *c = arg;
    live_turn_wheel(c);
    types_turn(c);
    replayed_release(c); /* whoever wanted them has had them */
    flush_if_due(c, false);
    upkeep_if_due(c);
    usage_if_due(c);
}

static char *path_of(const char *dir, const char *name)
{
    struct buf b = {0};
    buf_addf(&b, "%s/%s", dir, name);
    return buf_take(&b);
}

static int open_databases(struct core *c, const char **ret_why)
{
    char *catalog = path_of(c->dir, "catalog.db"), *history = path_of(c->dir, "history.db");
    int err = catalog && history ? 0 : ERR_NOMEM;
    if (!err) {
        *ret_why = "the catalog (catalog.db) cannot be opened";
        err = catalog_open(catalog, &c->catalog);
    }
    if (!err) {
        *ret_why = "the history (history.db) cannot be opened";
        err = history_open(history, &c->history);
    }
    free(catalog);
    free(history);
    return err;
}

static int64_t when_made(void *arg, struct slice key)
{
    const struct twin *t = core_twin(arg, key);
    return t ? t->created_us : 0;
}

static int open_stores(struct core *c, const char **ret_why)
{
    int err = open_databases(c, ret_why);
    if (err == ERR_STORAGE && reserve_release(c->dir)) {
        log_warn("core", "the disk is full; the room kept aside for this day is used to start");
        catalog_close(c->catalog);
        c->catalog = NULL;
        err = open_databases(c, ret_why);
    }
    if (err)
        return err;
    *ret_why = "the catalog cannot be read";
    const struct access_opts access = {.open = c->access_open,
                                       .keys = c->keys,
                                       .reads = c->reads,
                                       .audit_retention_us = c->audit_retention_us,
                                       .quotas = c->quotas};
    err = access_new(c->loop, c->catalog, c->writes, &access, &c->access);
    if (err || (err = types_open(c)) || (err = twins_load(c)))
        return err;
    access_set_twins(c->access, when_made, c);
    *ret_why = "the history cannot be read";
    err = history_each_last(c->history, on_last, c);
    if (c->orphans) /* kept: a catalog from a backup must not cost the past of what it lacks */
        log_warn("core",
                 "history.db has the past of %zu series that catalog.db does not know: a deletion "
                 "was cut short, or the two files do not belong together",
                 c->orphans);
    return err;
}

static int open_journal(struct core *c)
{
    char *path = path_of(c->dir, "journal");
    struct journal_opts opts = {.from = history_checkpoint(c->history),
                                .on_replay = on_replay,
                                .on_synced = ingest_on_synced,
                                .arg = c};
    c->applied_seq = c->applying_seq = opts.from;
    int err = path ? journal_open(path, &opts, &c->journal) : ERR_NOMEM;
    free(path);
    return err;
}

static int open_pools(struct core *c)
{
    int err = pool_new(c->loop, "catalog", 1, &c->writes);
    if (!err)
        err = pool_new(c->loop, "history", 1, &c->flushes);
    if (!err)
        err = pool_new(c->loop, "reader", READERS, &c->reads);
    if (!err)
        err = loop_timer_new(c->loop, on_tick, c, &c->tick);
    return err;
}

int core_open(struct loop *l, const struct core_opts *opts, struct core **ret, const char **ret_why)
{
    struct core *c = calloc(1, sizeof *c);
    int err = ERR_NOMEM;
    *ret_why = "out of memory";
    if (!c)
        return err;
    pthread_mutex_init(&c->synced_lock, NULL);
    c->loop = l;
    c->storage_ok = true;
    c->stats.started_us = clock_now_us();
    c->head_limit = opts->head_readings ? opts->head_readings : HEAD_READINGS;
    c->flush_ms = opts->flush_ms ? opts->flush_ms : FLUSH_MS;
    c->end_ms = opts->end_ms;
    c->leave_memory = opts->leave_memory;
    c->access_open = opts->access_open;
    c->keys = opts->keys;
    c->audit_retention_us = opts->audit_retention_us;
    c->quotas = opts->quotas;
    c->mqtt_endpoint = strdup(opts->mqtt_endpoint ? opts->mqtt_endpoint : "");
    c->dir = strdup(opts->dir);
    if (!c->mqtt_endpoint || !c->dir || (err = open_pools(c)))
        goto fail;
    *ret_why = "the data directory cannot be made";
    err = ERR_IO;
    if (mkdir(opts->dir, 0700) && errno != EEXIST)
        goto fail;
    if ((err = open_stores(c, ret_why)))
        goto fail;
    *ret_why = "the journal cannot be read";
    if ((err = open_journal(c)))
        goto fail;
    reserve_keep(c->dir);
    live_wake(c);
    loop_timer_start(c->tick, WHEEL_TICK_MS, WHEEL_TICK_MS);
    c->ready = true;
    *ret = c;
    return 0;
fail:
    core_close(c);
    return err;
}

/* Whoever hears in here that something has ended may ask for more: it is not taken any more. */
static void end_pool(struct pool **pool)
{
    struct pool *ending = *pool;
    *pool = NULL;
    pool_free(ending);
}

void core_stop(struct core *c)
{
    c->ready = false;
    if (c->end_ms && !c->end_by_us)
        c->end_by_us = clock_mono_us() + (int64_t)c->end_ms * 1000;
    loop_timer_free(c->tick);
    c->tick = NULL;
    if (c->writes)
        twins_next(c, true);
    access_stop(c->access);
    end_pool(&c->writes);
    end_pool(&c->reads);
    end_pool(&c->flushes); /* a flush under way has ended after this */
    journal_close(c->journal);
    c->journal = NULL;
    ingest_end_turns(c);
    ingest_drain(c);
    ingest_cancel_all(c);
    erase_cancel_all(c);
}

void core_close(struct core *c)
{
    if (!c)
        return;
    core_stop(c);
    int err = c->history && c->catalog ? flush_blocking(c) : 0;
    if (err == ERR_CANCELLED)
        log_info("core", "the newest readings of many sensors stay in the journal: writing them to "
                         "history would take too long, and the next start reads them there");
    else if (err)
        log_warn("core", "history could not be written; the journal has the readings");
    history_close(c->history);
    access_written(c->access);
    catalog_close(c->catalog);
    types_close(c);
    if (c->leave_memory) {
        access_free(c->access);
        return;
    }
    flush_abandon(c);
    registry_release(c);
    access_free(c->access); /* organisations count their twins */
    rejections_release(c);
    ingest_release(c);
    replayed_release(c);
    free(c->dirty);
    free(c->mqtt_endpoint);
    free(c->dir);
    pthread_mutex_destroy(&c->synced_lock);
    free(c);
}

struct catalog *core_catalog(struct core *c)
{
    return c->catalog;
}

struct access *core_access(struct core *c)
{
    return c->access;
}

struct pool *core_writes(struct core *c)
{
    return c->writes;
}

struct pool *core_reads(struct core *c)
{
    return c->reads;
}

void core_set_alerts(struct core *c, core_alerts_fn *fn, void *arg)
{
    c->alerts = fn;
    c->alerts_arg = arg;
}

void core_set_endpoint(struct core *c, const char *mqtt_endpoint)
{
    char *copy = strdup(mqtt_endpoint);
    if (!copy)
        return;
    free(c->mqtt_endpoint);
    c->mqtt_endpoint = copy;
}

bool core_ready(const struct core *c)
{
    struct journal_stats journal = {0};
    if (c->journal)
        journal_stats(c->journal, &journal);
    return c->ready && c->storage_ok && !journal.last_error;
}

void core_stats(struct core *c, struct core_stats *ret)
{
    struct journal_stats journal = {0};
    struct history_stats history;
    if (c->journal)
        journal_stats(c->journal, &journal);
    *ret = c->stats;
    ret->twins = c->twins_n;
    ret->series = c->series_n;
    ret->head_readings = c->head_readings;
    ret->journal_syncs = journal.syncs;
    ret->journal_bytes = journal.segment_bytes;
    ret->journal_segments = journal.segments;
    ret->journal_failures = journal.failures;
    ret->storage_ok = c->storage_ok && !journal.last_error;
    if (history_stats(c->history, &history) == 0) {
        ret->chunks = history.chunks;
        ret->stored = history.points;
        ret->disk_free_bytes = history.free_bytes;
        ret->chunk_bytes = history.chunk_bytes;
        ret->rollup_bytes = history.rollup_bytes;
        ret->rolled = history.rolled;
        ret->expired = history.expired;
        ret->history_file_bytes = history.file_bytes;
    }
}

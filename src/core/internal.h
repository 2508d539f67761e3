/* internal.h - what the files of this room share; nobody outside includes it.
 *
 * All state belongs to the loop's thread.  Three pools take what blocks: `writes` (one thread, in
 * order: catalog), `flushes` (one thread, in order: history), `reads` (history scans, profiles). */
#ifndef CORE_INTERNAL_H
#define CORE_INTERNAL_H

#include "access/state.h"
#include "base/map.h"
#include "codec/open_series.h"
#include "core/core.h"
#include "store/catalog.h"
#include "store/journal.h"

#include <pthread.h>

enum {
    REJECTIONS_KEPT = 1000,
    REJECTS_TOLD = 100,
    WHEEL_SLOTS = 1024,
    WHEEL_TICK_MS = 250,
    HEAD_BYTES = 256 << 20, /* of heads before a flush, whatever their readings */
    MEMORY_FULL = 4,        /* times the limits of a flush: then nothing more is taken */
};

/* What the journal's thread reports, until the loop takes it. */
struct synced {
    uint64_t seq;
    int err;
};

/* Something large that is read in turns of the loop, embedded in its owner. */
struct ingest_turn {
    struct loop_hook hook;
    struct ingest_turn *next, **link;
    struct core *core;
    loop_fn *fn;
    void *arg;
};

struct flush;
struct twin_job;
struct types;
struct upkeep;
struct usage;
struct erase;

struct core {
    struct loop *loop;
    struct pool *writes, *flushes, *reads;
    struct catalog *catalog;
    struct access *access;
    bool access_open;
    const struct key_ring *keys;
    int64_t audit_retention_us;
    struct quotas quotas;
    struct journal *journal;
    struct history *history;
    char *dir, *mqtt_endpoint;

    struct map twins_by_id;
    struct map layouts; /* core/layouts.h */
    struct {
        struct map nodes, kinds;
        size_t edges;
    } graph;             /* core/graph.h */
    struct types *types; /* core/types.h */
    struct twin **twins; /* sorted up to twins_sorted, the rest in order of making */
    size_t twins_n, twins_cap, twins_sorted;
    struct sensor **by_series; /* NULL: gone */
    size_t by_series_n;
    struct twin_job *jobs_first, *jobs_last; /* that wait for the next batch */
    size_t batches;                          /* under way */
    size_t repacked;                         /* twins whose packed form had to be made anew */
    uint32_t last_series; /* the highest ever given; the thread of `writes` alone has it */
    size_t series_n;
    size_t orphans; /* series that history knows and the catalog does not */

    struct core_tap *taps;
    core_alerts_fn *alerts;
    void *alerts_arg;

    /* messages under way, in order of their sequence numbers */
    struct ingest *waiting_first, *waiting_last, *spare;
    size_t waiting_readings, spare_bytes;
    struct ingest_turn *turns; /* that are to come */
    pthread_mutex_t synced_lock;
    struct synced *synced; /* under the lock, with n and cap */
    size_t synced_n, synced_cap;
    uint64_t synced_posted_seq;
    bool synced_posted;
    struct loop_hook drain_hook; /* the next turn of applying */
    bool half_applied;           /* the first that waits has come to the heads in part */
    uint64_t applied_seq;
    uint64_t applying_seq; /* the batch that is being applied, or was the last */
    struct replayed *replayed;
    int64_t apply_now_us, apply_mono_us; /* the time of the present round of applying */

    /* readings in memory */
    size_t head_readings, head_limit, head_bytes;
    int64_t head_since_us; /* monotonic time of the oldest; 0: none */
    unsigned flush_ms, end_ms;
    bool leave_memory;
    _Atomic int64_t end_by_us; /* when a flush stops between two pieces; 0: never */
    int64_t flush_took_us;     /* the last one */
    struct sensor **dirty;
    size_t dirty_n, dirty_cap;
    struct flush *flush; /* the one under way, or NULL */
    bool storage_ok;
    struct erase *erases_first, *erases_last; /* that wait for a flush */

    struct upkeep *upkeep; /* the slice under way, or NULL */
    size_t upkeep_at;      /* the series to look at next */
    int64_t upkeep_due_us; /* when the next round begins */
    bool upkeep_failed;    /* and that was said */

    struct usage *usage; /* usage.c: the slice under way, or NULL */
    size_t usage_at;     /* the series to look at next */
    int64_t usage_due_us;

    struct loop_timer *tick;
    struct sensor *wheel[WHEEL_SLOTS];
    int64_t wheel_at; /* the tick up to which it was turned */

    struct rejection *rejections[REJECTIONS_KEPT];
    uint64_t rejections_n; /* listed, ever: the place of the next one */

    struct core_stats stats;
    bool ready;
};

/* twins.c */
int twins_load(struct core *c);
void twins_next(struct core *c, bool all); /* begin the next batch; all: whatever waits */

/* live.c */
void live_apply(struct core *c, struct sensor *s, const struct reading *r, bool replay);
void live_restore(struct core *c, struct sensor *s, const struct reading *r);
void live_wake(struct core *c); /* at start: what spoke just before the restart is not stale */
void live_turn_wheel(struct core *c);
void live_drop(struct sensor *s); /* before it is freed, with its twin */
/* The newest reading was taken out: the present is this one, or none (VALUE_NONE). */
void live_fall_back(struct core *c, struct sensor *s, const struct point *newest);
/* The profile changed: its ranges, its interval, whether it is in there at all. */
void live_revise(struct core *c, struct sensor *s, bool retired);
void live_recount(struct core *c, struct twin *t); /* after that: the twin's state */
void core_tell(struct core *c, enum core_event_kind kind, struct twin *t,
               const struct rejection *r);

/* head.c */
bool heads_are(const struct core *c, size_t times); /* past their limit, so many times over */
int head_add(struct core *c, struct sensor *s, const struct reading *r);
struct open_series *head_take(struct sensor *s); /* the caller's now; NULL: empty */
void head_drop(struct core *c, struct sensor *s);
/* The points of a head with from <= t < to as they came, behind the *n points that are there; there
 * is room for all.  points_free() them. */
int open_series_points(const struct open_series *s, int64_t from, int64_t to, struct point *points,
                       size_t *n);
void points_free(struct point *points, size_t n);

/* flush.c */
void flush_if_due(struct core *c, bool now);
int flush_blocking(struct core *c); /* on failure what is left stays, to be tried again */
void flush_abandon(struct core *c); /* at the end: the journal still has it */
void history_forget(struct core *c, const uint32_t *series, size_t n);

/* upkeep.c */
void upkeep_if_due(struct core *c);

/* usage.c */
void usage_if_due(struct core *c);

/* erase.c */
void erase_settle(struct core *c, int err); /* after a flush: it went well, or not */
void erase_cancel_all(struct core *c);

/* ingest.c */
void ingest_on_synced(void *arg, uint64_t seq, int err); /* the journal's thread */
void ingest_drain(struct core *c);
void ingest_end_turns(struct core *c);
void ingest_cancel_all(struct core *c);
void ingest_release(struct core *c);

/* replayed.c */
void replayed_note(struct core *c, uint64_t batch, const struct reading *r);
void replayed_release(struct core *c);

/* rejections.c */
void rejection_add(struct core *c, int err, const struct ingest_source *src, struct slice twin,
                   struct slice sensor, const char *detail, struct slice payload);
void rejection_count(struct core *c, int err, size_t n); /* without listing them */
void rejections_release(struct core *c);

#endif

/* history_internal.h - what history.c, history_flush.c and history_scan.c share.  The tables are
 * told at the top of history.c. */
#ifndef STORE_HISTORY_INTERNAL_H
#define STORE_HISTORY_INTERNAL_H

#include "base/steady.h"
#include "store/db.h"
#include "store/history.h"

#include <pthread.h>

#define HISTORY_COMPACT_END ".compact" /* of the name of the file that compact.c writes */

enum {
    HISTORY_READERS = 4,
    HISTORY_SPANS = 17, /* classes of a chunk's length in time; see history_span() */
};

enum {
    SQL_META_GET,
    SQL_META_SET,
    SQL_LAST_ALL,
    SQL_LAST_GET,
    SQL_LAST_SET,
    SQL_EDGE_SET,
    SQL_STATE_SET,
    SQL_OPEN_OF_LINE,
    SQL_DATA,
    SQL_INSERT,
    SQL_DELETE,
    SQL_CLOSE,
    SQL_HIGHEST_ID,
    SQL_SUM_OPEN,
    SQL_SUM_DONE,
    SQL_DROP_OPEN,
    SQL_DROP_DONE,
    SQL_DROP_LAST,
    SQL_DROP_DIRTY,
    SQL_DROP_ROLLUPS,
    SQL_SUM_ROLLUPS,
    SQL_DIRTY_TOUCHING,
    SQL_DIRTY_REMOVE,
    SQL_DIRTY_PUT,
    SQL_DIRTY_LIST,
    SQL_ROLLUP_LIST,
    SQL_ROLLUP_BEFORE,
    SQL_ROLLUP_PUT,
    SQL_ROLLUP_REMOVE,
    SQL_ROLLUP_SPAN,
    SQL_CHUNKS_OF,
    SQL_CHUNK_SET,
    SQL_NEWEST,
    SQL_ANY_BEFORE,
    SQL_PAGES,
    SQL_FREE_PAGES,
    SQL_SCAN_OPEN,
    SQL_NEXT_SPAN,
    SQL_BEFORE_OPEN,
    SQL_BEFORE_SPAN,
    SQL_SCAN_SPAN,
    SQL_COUNT = SQL_SCAN_SPAN + HISTORY_SPANS
};

/* What meta keeps, and a transaction changes as a whole. */
struct history_totals {
    int64_t checkpoint, chunks, points, bytes;
    int64_t partial_seq, partial_series; /* a flush that is partly through; see history_flush.c */
    int64_t rollup_rows, rollup_bytes;
    int64_t known_us; /* a time that has been; see history_now() */
};

/* What is known of a series, beside its newest point. */
struct history_state {
    bool known, has_edge, is_rolled;
    int64_t t;         /* of the newest point */
    int64_t edge;      /* see the top of history.c */
    int64_t rolled;    /* roll-ups are made of what lies before, but for what is dirty */
    int64_t raw_from;  /* readings before have expired; INT64_MIN: none have */
    int64_t kept_from; /* the same of roll-ups */
    int tiers;         /* those that are kept, a bit each */
    int64_t late_from, late_at, late_since; /* see history_upkeep.c; late_at 0: nothing came late */
};
int history_state_read(struct db *db, uint32_t series, struct history_state *ret);
int history_state_write(struct history *h, uint32_t series, const struct history_state *s);

struct history {
    struct db writer;
    struct db_pool *readers;
    char *path;
    int64_t next_id; /* the writer's own */
    struct steady clock;
    struct buf encoded;
    pthread_mutex_t lock; /* for what follows */
    struct history_totals totals;
    uint64_t flushes;
    uint64_t rolled, expired; /* points made roll-ups of, points let go of; since start */
};

/* Class of a length in time: the least k with t_max - t_min < 16^k. */
int history_span(int64_t t_min, int64_t t_max);

struct history_totals history_totals(const struct history *h);
/* Commit what the writer's transaction changed, these totals with it. */
int history_commit(struct history *h, const struct history_totals *totals);

/* What time it is.  What is let go of goes by `sure` (base/steady.h), what is kept by the later of
 * the two. */
struct history_time {
    int64_t sure, latest;
};
struct history_time history_now(struct history *h);

/* Is each time behind the one before? */
bool points_rise(const struct point *p, size_t n);

/* What history_scan() does, on a connection of the caller's, whose state of the file it sees. */
struct history_ask {
    uint32_t series;
    int64_t from, to;
    const struct point *head;
    size_t head_n;
    const struct history_taker *taker;
    const _Atomic(bool) *cancel;
};
int history_scan_on(struct db *db, const struct history_ask *ask);

/* NULL: there is none any more. */
int history_write_last(struct history *h, uint32_t series, const struct point *newest);

/* The row of a chunk: bytes, extents and numbers of n points, into columns from at on. */
int history_bind_chunk(struct history *h, sqlite3_stmt *s, int at, const struct point *p, size_t n,
                       enum chunk_level level);

enum { LINE_FRESH, LINE_LATE };
struct history_place {
    uint32_t series;
    int line;
    bool open;
};
/* A new chunk, younger than all others. */
int history_insert_chunk(struct history *h, const struct history_place *at, const struct point *p,
                         size_t n, enum chunk_level level, struct history_totals *totals);
size_t history_cut(const struct point *p, size_t n);   /* how many of them the next chunk gets */
bool history_is_done(const struct point *p, size_t n); /* large enough to be finished */

/* Take the points with from <= t < to out of the chunks of a series. */
int history_raw_cut(struct history *h, uint32_t series, int64_t from, int64_t to,
                    struct history_totals *totals);

/* Remember that roll-ups of from <= t < to do not say any more what the readings say. */
int history_mark_dirty(struct history *h, uint32_t series, int64_t from, int64_t to);

/* ---- roll-ups ---- */

struct history_range {
    int64_t from, to;
};

/* Readings and roll-ups of one series, seen from one connection.  What lies in a range is not
 * taken from stored roll-ups but made of what is finer.  The last range begins at state.rolled and
 * has no end.  They rise and do not overlap. */
struct history_view {
    struct db *db;
    uint32_t series;
    struct history_state state;
    const struct point *head;
    size_t head_n;
    const _Atomic(bool) *cancel;
    struct history_range *ranges;
    size_t ranges_n, ranges_cap;
    bool corrupt; /* met something damaged */
};
/* The dirty ranges of from <= t < to, what of the head lies before state.rolled, and the last one;
 * state, head and db must be set. */
int history_view_ranges(struct history_view *v, int64_t from, int64_t to);
int history_view_add(struct history_view *v, int64_t from, int64_t to); /* in rising order */
void history_view_release(struct history_view *v);

typedef int history_rollup_fn(void *arg, const struct rollup *b);
/* Buckets of the tier, with from <= t < to (both multiples of its width), in rising order, from
 * what is stored where it holds, else made. */
int history_read_rollups(struct history_view *v, int tier, int64_t from, int64_t to,
                         history_rollup_fn *fn, void *arg);
/* The same, made of the next finer tier that is kept, or of readings. */
int history_make_rollups(struct history_view *v, int tier, int64_t from, int64_t to,
                         history_rollup_fn *fn, void *arg);
/* Made of readings alone. */
int history_fold(struct history_view *v, int tier, int64_t from, int64_t to, history_rollup_fn *fn,
                 void *arg);
/* Where the stored buckets of a tier begin; INT64_MAX: there are none. */
int history_first_rollup(struct db *db, uint32_t series, int tier, int64_t *ret);
/* Stored buckets alone. */
int history_stored_rollups(struct history_view *v, int tier, int64_t from, int64_t to,
                           history_rollup_fn *fn, void *arg);

/* How buckets of a tier come about that are not stored or do not hold.  Before `low` what is stored
 * is all: the tier began later than coarser ones.  Before `split` readings are added to what is
 * stored; behind it buckets are made of what is finer. */
struct history_zones {
    int64_t low, split;
};
int history_zones(struct history_view *v, int tier, struct history_zones *ret);

/* Stored buckets, and added to them the readings of the range alone. */
int history_add_rollups(struct history_view *v, int tier, int64_t from, int64_t to,
                        const struct history_range *of, history_rollup_fn *fn, void *arg);

/* Put these buckets in the place of all that are stored with from <= t < to. */
int history_put_rollups(struct history *h, uint32_t series, int tier, int64_t from, int64_t to,
                        const struct rollups *list, struct history_totals *totals);

/* points_sort(), releasing what it drops or not. */
size_t points_sort_keep(struct point *points, size_t n, bool release);

#endif

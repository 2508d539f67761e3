/* history.h - the past of every series: compressed chunks in SQLite (history.db).
 *
 * A chunk holds points of one series and one value type over a span of time.  Chunks may overlap;
 * of two points of one time the one written later wins.  Writing happens on one thread
 * (history_flush, history_drop), reading on any (each history_scan borrows a read connection). Both
 * block.  The tables and the chunk format are told at the top of history.c and codec/chunk.c. */
#ifndef STORE_HISTORY_H
#define STORE_HISTORY_H

#include "codec/chunk.h" /* struct point */
#include "store/rollup.h"

struct history; /* opaque */

int point_make(int64_t t_us, struct value v, uint8_t quality, struct point *ret); /* ERR_NOMEM */
struct value point_value(const struct point *p); /* a text points into the point's own */
void point_release(struct point *p);

struct history_flush_series {
    uint32_t series;
    struct point *points; /* as points_sort() leaves them; only read, not released */
    size_t n;
    uint8_t level;  /* enum chunk_level of chunks that are finished */
    uint32_t old_s; /* readings older than this when they come are old; see history_old_s() */
};

int history_open(const char *path, struct history **ret);
void history_close(struct history *h);

/* Up to this sequence number of the journal everything is in here (0 in a new file). */
uint64_t history_checkpoint(const struct history *h);

/* Is a reading of this number and series in here?  True for some that the checkpoint does not
 * cover, when the program ended in the middle of a flush. */
bool history_has(const struct history *h, uint64_t seq, uint32_t series);

/* Write a piece of a flush, in one durable transaction: all or nothing.  The pieces of a flush come
 * in rising order of series; with the last, seq becomes the checkpoint.  A short last chunk of a
 * series is taken up again instead of leaving many small ones. */
int history_flush(struct history *h, struct history_flush_series *list, size_t n, uint64_t seq,
                  bool last);

/* Forget series for good, in one transaction. */
int history_drop(struct history *h, const uint32_t *series, size_t n);

/* Take out everything of a series with from <= t < to, in one durable transaction; how many
 * readings went, and the newest that is left (VALUE_NONE: none; the caller's to release).  Where
 * readings have expired, buckets of roll-ups that the range cuts go as a whole, unless a finer tier
 * has the rest; the readings that they spoke of count too. */
int history_delete(struct history *h, uint32_t series, int64_t from, int64_t to, uint64_t *ret_n,
                   struct point *ret_newest);

/* What a profile's dataStorage.historicalData asks for (docs/history.md); 0: not said. */
struct history_policy {
    int64_t keep_us;     /* retentionPeriod; 0: for ever */
    int64_t raw_us;      /* doppel:rawRetention */
    int64_t sampling_us; /* samplingRate */
    uint8_t level;       /* compressionLevel: enum chunk_level */
};

/* From which age on, in seconds, readings count from when they came instead of from their time,
 * which would soon be over; 0: never. */
uint32_t history_old_s(const struct history_policy *policy);

struct history_care {
    uint32_t series;
    struct history_policy policy;
};

/* Roll up what has come, let go of what has had its time, and give space back, for list[*done] on,
 * for about budget_us; *done moves.  *ret_more: there was more to do than could be done.  Call it
 * again and again; it is told in history_upkeep.c. */
int history_upkeep(struct history *h, const struct history_care *list, size_t n, size_t *done,
                   int64_t budget_us, bool *ret_more);

/* The bytes of chunks and roll-ups of series[0..n), as many of them as about budget_us allow; at
 * least one.  *ret_done: of how many. */
int history_series_bytes(struct history *h, const uint32_t *series, size_t n, uint64_t *bytes,
                         int64_t budget_us, size_t *ret_done);

/* The newest reading of each series by time, as of the last flush, at start.  One that is damaged
 * is logged and left out. */
int history_each_last(struct history *h, int (*fn)(void *arg, const struct reading *r), void *arg);

/* What points come to, all of them doubles and none NaN. */
struct history_sum {
    int64_t t_min, t_max; /* of the first point and the last */
    size_t n;
    double least, greatest, sum, first, last;
    int64_t t_least, t_greatest; /* of the first of them; only for a taker who wants them placed */
};

/* A piece of a series in rising order of time, in one of four forms; it lives until the taker
 * returns.  history_scan() gives the first three. */
struct history_run {
    size_t n;
    const struct point *points;    /* n of them; or */
    const int64_t *times;          /* of n doubles of good quality, and */
    const double *numbers;         /* what they are; or */
    const struct history_sum *sum; /* what n points come to; or */
    const struct rollup *rollup;   /* the same, of a bucket */
};

/* Who reads. */
struct history_taker {
    int (*run)(void *arg, const struct history_run *run); /* non-zero ends the scan */
    /* From t on, up to which time (excluded) would it do to know what the points come to, instead
     * of the points?  t: nothing would do.  The points in question go up to t_max, which is not
     * before t.  NULL: never.  Asked of chunks that overlap nothing. */
    int64_t (*until)(void *arg, int64_t t, int64_t t_max);
    /* Only sums of points of good quality will do, and they must tell when the extremes were: what
     * is stored about chunks does not. */
    bool placed;
    bool columns; /* takes columns as well as points */
    void *arg;
    bool *damaged; /* set when damage was passed over, however the scan ends; may be NULL */
};

/* Points of one series with from <= t < to in rising order of time, each time once; head (sorted,
 * each time once; may be empty) are newer writes that win over chunks.  What the taker returned
 * when that is not 0 is returned.  *cancel, when not NULL and set by another thread, ends it with
 * ERR_CANCELLED.  ERR_CORRUPT names a damaged chunk in the log and goes on with the rest, answering
 * ERR_CORRUPT at the end. */
int history_scan(struct history *h, uint32_t series, int64_t from, int64_t to,
                 const struct point *head, size_t head_n, const struct history_taker *taker,
                 const _Atomic(bool) *cancel);

/* The greatest beginning before `before` of any chunk of a series: its newest point before that
 * time is there or later.  ERR_NOT_FOUND: there is nothing. */
int history_start_before(struct history *h, uint32_t series, int64_t before, int64_t *ret_t_us);

/* ---- roll-ups (what they are and where they hold: history_rollup.c) ---- */

/* Buckets of a tier (rollup_width_us) with from <= t < to, both widened to whole buckets, in rising
 * order.  They are exactly what the readings say, those in the head too, except where readings have
 * expired; there they are what was kept.  fn, head, cancel and errors are as in history_scan(). */
struct history_rollup_ask {
    uint32_t series;
    int tier;
    int64_t from, to;
    const struct point *head;
    size_t head_n;
    int (*fn)(void *arg, const struct rollup *b);
    void *arg;
    const _Atomic(bool) *cancel;
};
int history_rollup_scan(struct history *h, const struct history_rollup_ask *ask);

/* What there is of a series.  A tier that is not kept can still be asked for where there are
 * readings. */
struct history_spans {
    int64_t newest;                  /* time of the newest reading */
    int64_t raw_from;                /* readings before have expired; INT64_MIN: none have */
    int tiers;                       /* those that are kept, a bit each */
    int64_t tier_from[ROLLUP_TIERS]; /* stored buckets begin here; INT64_MAX: none yet */
};
int history_spans(struct history *h, uint32_t series, struct history_spans *ret);

struct history_stats {
    uint64_t chunks, points, chunk_bytes, file_bytes, flushes;
    uint64_t rollup_rows, rollup_bytes;
    uint64_t free_bytes;      /* what the file system has left for the file */
    uint64_t rolled, expired; /* points that became roll-ups, points let go of; since start */
};
int history_stats(struct history *h, struct history_stats *ret);

/* Sort by time, keep the last written of each time; the new count.  Releases what it drops. */
size_t points_sort(struct point *points, size_t n);

#endif

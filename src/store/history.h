/* history.h - the past of every series: compressed chunks in SQLite (history.db).
 *
 * A chunk holds points of one series and one value type over a span of time.  Chunks may overlap;
 * of two points of one time the one written later wins.  Writing happens on one thread
 * (history_flush, history_drop), reading on any (each history_scan borrows a read connection). Both
 * block.  The tables and the chunk format are told at the top of history.c and codec/chunk.c. */
#ifndef STORE_HISTORY_H
#define STORE_HISTORY_H

#include "codec/chunk.h" /* struct point */

struct history; /* opaque */

int point_make(int64_t t_us, struct value v, uint8_t quality, struct point *ret); /* ERR_NOMEM */
struct value point_value(const struct point *p); /* a text points into the point's own */
void point_release(struct point *p);

struct history_flush_series {
    uint32_t series;
    struct point *points; /* as points_sort() leaves them; only read, not released */
    size_t n;
};

int history_open(const char *path, struct history **ret);
void history_close(struct history *h);

/* Up to this sequence number of the journal everything is in here (0 in a new file). */
uint64_t history_checkpoint(const struct history *h);

/* Write the points of many series and the checkpoint in one durable transaction: all or nothing.
 * A short last chunk of a series is taken up again instead of leaving many small ones. */
int history_flush(struct history *h, struct history_flush_series *list, size_t n, uint64_t seq);

/* Forget series for good, in one transaction. */
int history_drop(struct history *h, const uint32_t *series, size_t n);

/* The newest reading of each series by time, as of the last flush, at start.  One that is damaged
 * is logged and left out. */
int history_each_last(struct history *h, int (*fn)(void *arg, const struct reading *r), void *arg);

/* What is stored about a chunk as a whole.  The numbers are of its numeric points alone. */
struct history_sum {
    int64_t t_min, t_max; /* of the first point and the last */
    size_t n;             /* points; as many of them are numbers */
    double least, greatest, sum, first, last;
};

/* A piece of a series in rising order of time, in one of two forms; it lives until the taker
 * returns. */
struct history_run {
    size_t n;
    const struct point *points;    /* n of them; NULL: */
    const struct history_sum *sum; /* what they come to */
};

/* Who reads. */
struct history_taker {
    int (*run)(void *arg, const struct history_run *run); /* non-zero ends the scan */
    /* Would it do to know what the points between these times (both included) come to, instead of
     * the points?  NULL: never.  Asked of chunks that lie inside the span and overlap nothing. */
    bool (*sums)(void *arg, int64_t t_min, int64_t t_max);
    void *arg;
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

struct history_stats {
    uint64_t chunks, points, chunk_bytes, file_bytes, flushes;
};
int history_stats(struct history *h, struct history_stats *ret);

/* Sort by time, keep the last written of each time; the new count.  Releases what it drops. */
size_t points_sort(struct point *points, size_t n);

#endif

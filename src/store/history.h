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

/* Points of one series with from <= t < to in rising order of time, each time once; head (sorted,
 * each time once; may be empty) are newer writes that win over chunks.  fn gets runs of points,
 * which live until it returns; non-zero ends the scan and is returned.  *cancel, when not NULL and
 * set by another thread, ends it with ERR_CANCELLED.  ERR_CORRUPT names a damaged chunk in the log
 * and goes on with the rest, answering ERR_CORRUPT at the end. */
int history_scan(struct history *h, uint32_t series, int64_t from, int64_t to,
                 const struct point *head, size_t head_n,
                 int (*fn)(void *arg, const struct point *points, size_t n), void *arg,
                 const _Atomic(bool) *cancel);

struct history_stats {
    uint64_t chunks, points, chunk_bytes, file_bytes, flushes;
};
int history_stats(struct history *h, struct history_stats *ret);

/* Sort by time, keep the last written of each time; the new count.  Releases what it drops. */
size_t points_sort(struct point *points, size_t n);

#endif

/* history_internal.h - what history.c, history_flush.c and history_scan.c share.  The tables are
 * told at the top of history.c. */
#ifndef STORE_HISTORY_INTERNAL_H
#define STORE_HISTORY_INTERNAL_H

#include "store/db.h"
#include "store/history.h"

#include <pthread.h>

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
};

struct history {
    struct db writer;
    struct db_pool *readers;
    char *path;
    int64_t next_id; /* the writer's own */
    struct buf encoded;
    pthread_mutex_t lock; /* for what follows */
    struct history_totals totals;
    uint64_t flushes;
};

/* Class of a length in time: the least k with t_max - t_min < 16^k. */
int history_span(int64_t t_min, int64_t t_max);

struct history_totals history_totals(const struct history *h);
int history_put_totals(struct history *h, const struct history_totals *totals);

/* Is each time behind the one before? */
bool points_rise(const struct point *p, size_t n);

/* points_sort(), releasing what it drops or not. */
size_t points_sort_keep(struct point *points, size_t n, bool release);

#endif

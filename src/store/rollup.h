/* rollup.h - what is left of many readings: count, sum, extremes, first and last of a bucket of
 * time.
 *
 * Pure: no clock, no files, any thread.  A bucket of a tier begins at a multiple of the tier's
 * width since 1970; its end is not included.  How rows of buckets are written is told at the top of
 * rollup.c. */
#ifndef STORE_ROLLUP_H
#define STORE_ROLLUP_H

#include "codec/chunk.h" /* struct point */

enum {
    ROLLUP_TIERS = 4, /* 1 s, 1 min, 1 h, 1 d */
    ROLLUP_ROW_MAX = 256,
};
extern const int64_t rollup_width_us[ROLLUP_TIERS];

/* One bucket.  Numbers are whatever is no text: true counts as 1.  low and high are real readings,
 * with their times; of first and last the time is not kept (it is the bucket's). */
struct rollup {
    int64_t t_us;        /* where it begins */
    uint64_t n, numbers; /* readings, and how many of them are numbers */
    double sum, lost;    /* of the numbers; lost: what sum could not hold while it was added up */
    struct point low, high, first, last; /* VALUE_NONE where there is none; texts are its own */
};

struct rollups {
    struct rollup *items;
    size_t n, cap;
};

int64_t rollup_floor(int64_t t_us, int64_t width_us); /* both saturate */
int64_t rollup_ceil(int64_t t_us, int64_t width_us);

/* Add what comes later in time.  ERR_NOMEM, and then nothing was added. */
int rollup_add_point(struct rollup *to, const struct point *p);
int rollup_add(struct rollup *to, const struct rollup *from);
int rollup_copy(struct rollup *to, const struct rollup *from);
void rollup_release(struct rollup *b);

/* A place at the end; all zeroes but its time.  NULL: out of memory. */
struct rollup *rollups_push(struct rollups *list, int64_t t_us);
int rollups_push_copy(struct rollups *list, const struct rollup *b);
void rollups_clear(struct rollups *list); /* keeps the memory */
void rollups_release(struct rollups *list);

/* Append the row of 1 to ROLLUP_ROW_MAX buckets, whose times rise strictly. */
int rollup_encode(const struct rollup *b, size_t n, struct buf *out);

/* Append the buckets of a row.  ERR_CORRUPT, ERR_UNSUPPORTED (of a newer version): and then the
 * list is as it was. */
int rollup_decode(struct slice row, struct rollups *ret);

#endif

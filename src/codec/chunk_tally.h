/* chunk_tally.h - what the numbers of stretches of a column come to, while they are being unpacked.
 * Private to chunk*.c. */
#ifndef CODEC_CHUNK_TALLY_H
#define CODEC_CHUNK_TALLY_H

#include "codec/chunk.h"
#include "codec/chunk_lanes.h"

/* A double that is not its decimal. */
struct fix {
    size_t at; /* in the block */
    double v;
};

/* A stretch.  NaN is passed over, and -0.0 counts as 0.0. */
struct column_sum {
    size_t end; /* asked: the place behind its last; it begins where the one before ends */
    struct chunk_numbers numbers;
    size_t least_at, greatest_at; /* the places of the first of them, if placed */
};

struct column_sums {
    size_t from; /* the place where the first begins */
    struct column_sum *list;
    size_t n; /* not 0 */
    bool placed;
};

/* Where the least and the greatest of some numbers are in the column. */
struct places {
    size_t least, greatest;
};

struct tally {
    bool any, placed;
    double first, last;
    struct lane_range decimals; /* of those that are decimals */
    size_t decimals_n;
    struct lane_fold doubles; /* of all others */
    /* placed: */
    struct places decimals_at, doubles_at;
    double least, greatest; /* of the others, as far as their places are known; NaN: not at all */
};

struct sum_walk {
    struct column_sums *ask;
    size_t k;    /* the stretch that is under way */
    size_t from; /* where what is not tallied yet begins */
    double divisor;
    struct tally t;
};

/* divisor: of decimals what makes them of their whole numbers. */
struct sum_walk sum_walk_begin(struct column_sums *ask, double divisor);
size_t sum_walk_end(const struct sum_walk *w); /* the place behind which nothing is asked for */

/* The next block, of n numbers (LANE_BLOCK at most), begins at place start.  m is changed where
 * fixes are. */
void sum_walk_doubles(struct sum_walk *w, const double *v, size_t n, size_t start);
void sum_walk_decimals(struct sum_walk *w, int64_t *m, size_t n, size_t start,
                       const struct fix *fixes, size_t fixes_n);

void sum_walk_finish(
    struct sum_walk *w); /* there are no more blocks: the stretches hold what they come to */

#endif

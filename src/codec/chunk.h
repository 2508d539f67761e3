/* chunk.h - points of one series as few bytes.
 *
 * Pure: no clock, no files, any thread.  The format is told at the top of chunk.c.  A chunk begins
 * with its version and ends where its bytes end.  Every version that was ever written is read. */
#ifndef CODEC_CHUNK_H
#define CODEC_CHUNK_H

#include "base/buf.h"
#include "base/value.h"

/* A point at rest: 24 bytes.  A text is a heap string of its own, owned by whoever owns the point.
 */
struct point {
    int64_t t_us;
    union {
        double d;
        int64_t i;
        bool b;
        struct point_text *text;
    } as;
    uint8_t type;    /* enum value_type */
    uint8_t quality; /* enum quality */
};

struct point_text {
    uint32_t n;
    char bytes[];
};

enum { CHUNK_VERSION = 2, CHUNK_POINTS_MAX = 4096 };

/* How hard to try: none only packs bits; low takes differences, scales and decimals; medium also
 * sets outliers aside, makes dictionaries and cuts real numbers; high also codes what repeats,
 * which is read at a third of the speed.  docs/chunks.md has figures. */
enum chunk_level { CHUNK_NONE, CHUNK_LOW, CHUNK_MEDIUM, CHUNK_HIGH };

/* Append the chunk of 1 to CHUNK_POINTS_MAX points, whose times rise strictly.  ERR_NOMEM, and then
 * out is as it was. */
int chunk_encode_at(const struct point *points, size_t n, enum chunk_level level, struct buf *out);
int chunk_encode(const struct point *points, size_t n, struct buf *out); /* CHUNK_MEDIUM */

/* Of all that read: ERR_CORRUPT: damaged; ERR_UNSUPPORTED: intact as far as can be known, of a
 * newer version; ERR_NOMEM. */

/* Points of a chunk; their texts belong to it, not to the points.  All zeroes is empty.  Can be
 * decoded into again and again, which saves allocations. */
struct chunk_points {
    struct point *points;
    size_t n, cap;
    int64_t *numbers; /* scratch */
    void *texts;
};

int chunk_decode(struct slice bytes, struct chunk_points *ret);
void chunk_points_release(struct chunk_points *c);

/* Doubles and whole numbers, in order of time; NaN is passed over.  All 0 when n is.  The sum is
 * the same on every machine; that of decimals is rounded once only. */
struct chunk_numbers {
    uint32_t n;
    double least, greatest, sum, first, last;
};

/* What the first bytes of a chunk tell; nothing is decoded unless the chunk is of version 1. */
struct chunk_summary {
    uint32_t n;
    uint8_t type;      /* enum value_type of all points, 0 when they differ */
    uint8_t qualities; /* 1 << enum quality for each that occurs */
    int64_t t_first, t_last;
    struct chunk_numbers numbers;
};

int chunk_summarize(struct slice bytes, struct chunk_summary *ret);

/* The numbers of a chunk as columns: points that are texts or booleans are left out.  NaN is not.
 * All zeroes is empty; can be used again and again. */
struct chunk_run {
    uint32_t n;      /* so many rows have it */
    uint8_t quality; /* enum quality */
};

struct chunk_columns {
    size_t n, cap;
    int64_t *times;
    double *numbers;
    struct chunk_run *runs; /* qualities, of n rows in all */
    size_t runs_n;
    struct chunk_points points; /* scratch */
};

int chunk_to_columns(struct slice bytes, struct chunk_columns *ret);

/* The same of the numbers with from_us <= time < to_us, without making columns; when these are all,
 * what the summary has. */
int chunk_sum(struct slice bytes, int64_t from_us, int64_t to_us, struct chunk_columns *scratch,
              struct chunk_numbers *ret);

/* A stretch of a chunk, what its numbers come to and when. */
struct chunk_stretch {
    int64_t to_us;                /* asked: it ends before; the next begins there */
    size_t n;                     /* points in it; 0: the times say nothing */
    int64_t t_first, t_last;      /* of the first of them and the last */
    struct chunk_numbers numbers; /* with NaN among them, fewer than n */
    int64_t t_least, t_greatest;  /* of equal ones the first; numbers.n is not 0 */
};

enum { CHUNK_STRETCHES_MAX = 64 };

/* What chunk_sum() tells, of 1 to CHUNK_STRETCHES_MAX stretches side by side.  ERR_INVALID: the
 * points are neither all doubles nor all whole numbers, or the chunk is of version 1.  Every point
 * of theirs is decoded.  *ret_about: as of chunk_summarize(), but for its numbers. */
struct chunk_stretches {
    int64_t from_us; /* where the first begins */
    bool placed;     /* t_least and t_greatest are asked for, too */
    size_t n;
    struct chunk_stretch list[CHUNK_STRETCHES_MAX];
};
int chunk_sum_stretches(struct slice bytes, struct chunk_stretches *io,
                        struct chunk_columns *scratch, struct chunk_summary *ret_about);

void chunk_columns_release(struct chunk_columns *c);

#endif

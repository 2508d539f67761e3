/* chunk.h - points of one series as few bytes.
 *
 * Pure: no clock, no files, any thread.  The format is told at the top of chunk.c.  A chunk begins
 * with its version and ends where its bytes end. */
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

enum { CHUNK_VERSION = 1, CHUNK_POINTS_MAX = 4096 };

/* Append the chunk of 1 to CHUNK_POINTS_MAX points, whose times rise strictly.  ERR_NOMEM, and then
 * out is as it was. */
int chunk_encode(const struct point *points, size_t n, struct buf *out);

/* Points of a chunk; their texts belong to it, not to the points.  All zeroes is empty.  Can be
 * decoded into again and again, which saves allocations. */
struct chunk_points {
    struct point *points;
    size_t n, cap;
    int64_t *numbers; /* scratch */
    void *texts;
};

/* ERR_CORRUPT: damaged; ERR_UNSUPPORTED: intact as far as can be known, of a newer version. */
int chunk_decode(struct slice bytes, struct chunk_points *ret);
void chunk_points_release(struct chunk_points *c);

#endif

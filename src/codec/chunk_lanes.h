/* chunk_lanes.h - what chunks do to many numbers at once, in three ways: for every machine, with
 * AVX2 and with AVX-512.  All three give the same, bit for bit; which is taken is decided at run
 * time.  For chunk*.c, its tests and benchmark, and whoever folds the columns.  Any thread. */
#ifndef CODEC_CHUNK_LANES_H
#define CODEC_CHUNK_LANES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LANES = 8, LANE_ROWS = 32, LANE_BLOCK = LANES * LANE_ROWS, LANE_WIDTH_MAX = 32 };

/* Of whole numbers seen; to begin with INT64_MAX, INT64_MIN and 0. */
struct lane_range {
    int64_t least, greatest;
    uint64_t sum; /* modulo 2^64 */
};

/* Of doubles seen, number i in lane i % 8, so that the order of additions is the same everywhere.
 * NaN is passed over.  To begin with 0, infinity and minus infinity. */
struct lane_fold {
    double sum[LANES], least[LANES], greatest[LANES];
    size_t n; /* without NaN */
};

struct chunk_lanes {
    const char *name;

    /* The 256 numbers of words, LANES streams of LANE_ROWS numbers of width bits (1 to 32), and
     * base.  high: instead they are the bits from 32 up of what out has already.  Reads 32 * width
     * bytes. */
    void (*unpack)(const char *words, unsigned width, int64_t base, bool high, int64_t *out);

    /* In place, modulo 2^64: times scale and offset more; running totals on top of last, which
     * becomes the last of them; add more, and then whether each is greater than the one before. */
    void (*scale)(int64_t *v, size_t n, uint64_t scale, uint64_t offset);
    uint64_t (*total)(int64_t *v, size_t n, uint64_t last);
    bool (*rise)(int64_t *v, size_t n, uint64_t add);

    void (*range)(const int64_t *v, size_t n, struct lane_range *io);

    /* out[i] = m[i] / power, rounded as IEEE 754 says; out may be m's own memory. */
    void (*divide)(const int64_t *m, size_t n, double power, double *out);

    /* v[0] belongs to lane 0. */
    void (*fold)(const double *v, size_t n, struct lane_fold *io);
};

/* What this machine can do, best first; the last is the portable one. */
size_t chunk_lanes_all(const struct chunk_lanes *ret[3]);

/* The one in use: the best, unless a test or a benchmark asked for another. */
const struct chunk_lanes *chunk_lanes(void);
void chunk_lanes_use(const struct chunk_lanes *lanes); /* NULL: the best again */

#endif

/* chunk_head.h - the beginning of a chunk, read and checked.  Private to chunk*.c; the format is
 * told at the top of chunk.c. */
#ifndef CODEC_CHUNK_HEAD_H
#define CODEC_CHUNK_HEAD_H

#include "codec/chunk.h"

enum { CHUNK_RUN_VALUES = 8 };

struct chunk_head {
    int version;
    uint8_t type, qualities;
    size_t n;
    int64_t t_first; /* since version 2, and so on */
    uint64_t span;   /* t_last - t_first */
    struct chunk_numbers numbers;
    struct slice times; /* where the times are; version 1: all that comes */
    struct slice rest;  /* what comes behind them */
};

/* ERR_CORRUPT: also when the checksum is not right. */
int chunk_open(struct slice bytes, struct chunk_head *ret);

/* Times of version 2, rising strictly from t_first on. */
bool chunk_times(const struct chunk_head *h, int64_t *times);

/* Numbers among points, in order. */
void chunk_sum_points(const struct point *points, size_t n, struct chunk_numbers *ret);

#endif

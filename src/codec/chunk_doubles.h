/* chunk_doubles.h - doubles as few bytes, and what they add up to.  Private to chunk*.c; the format
 * is told at the top of chunk.c. */
#ifndef CODEC_CHUNK_DOUBLES_H
#define CODEC_CHUNK_DOUBLES_H

#include "codec/chunk_pack.h"
#include "codec/chunk_tally.h"

/* Write n > 0 doubles.  numbers: room for n more.  Running out of memory shows in out->failed. */
void pack_doubles(struct buf *out, const double *v, size_t n, enum chunk_level level,
                  int64_t *numbers, const struct pack_scratch *scratch);

/* One number as a decimal or eight bytes. */
void pack_double(struct buf *out, double v);
bool unpack_double(struct slice *in, double *ret);

bool unpack_doubles(struct slice *in, double *v, size_t n);

/* Of the doubles, or the whole numbers, of a column of n. */
bool sum_doubles(struct slice *in, size_t n, struct column_sums *ask);
bool sum_whole(struct slice *in, size_t n, struct column_sums *ask);

#endif

/* chunk_column.h - the values of one type in a chunk.  Private to chunk*.c; the format is told at
 * the top of chunk.c.
 *
 * Each function takes the points of its type out of all points; count says how many there are, and
 * is not 0. */
#ifndef CODEC_CHUNK_COLUMN_H
#define CODEC_CHUNK_COLUMN_H

#include "codec/chunk_pack.h"

/* Memory for as many numbers as there are points. */
struct column_scratch {
    int64_t *numbers;
    double *doubles;
    struct pack_scratch pack;
};

/* ERR_NOMEM; running out of memory for out itself shows in out->failed. */
int column_encode(uint8_t type, const struct point *points, size_t n, size_t count,
                  enum chunk_level level, const struct column_scratch *scratch, struct buf *out);

/* Fills the values of the points whose type is type.  numbers: room for count.  *ret_texts: what
 * the texts live in, untouched when there are none.  ERR_CORRUPT, ERR_NOMEM. */
int column_decode(int version, uint8_t type, struct slice *in, struct point *points, size_t n,
                  size_t count, int64_t *numbers, void **ret_texts);

/* Whole numbers of any sequence, as the version has them. */
bool column_numbers(int version, struct slice *in, int64_t *v, size_t n);

#endif

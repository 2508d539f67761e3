/* chunk_column.h - the values of one type in a chunk.  Private to chunk*.c; the format is told at
 * the top of chunk.c.
 *
 * Each function takes the points of its type out of all points; count says how many there are, and
 * is not 0.  scratch has room for CHUNK_POINTS_MAX numbers. */
#ifndef CODEC_CHUNK_COLUMN_H
#define CODEC_CHUNK_COLUMN_H

#include "codec/chunk.h"

/* ERR_NOMEM; running out of memory for out itself shows in out->failed. */
int column_encode(uint8_t type, const struct point *points, size_t n, size_t count,
                  int64_t *scratch, struct buf *out);

/* Fills the values of the points whose type is type.  *ret_texts: what the texts live in, NULL when
 * there are none.  ERR_CORRUPT, ERR_NOMEM. */
int column_decode(uint8_t type, struct slice *in, struct point *points, size_t n, size_t count,
                  int64_t *scratch, void **ret_texts);

#endif

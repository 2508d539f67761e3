/* chunk_v1.h - what is read in chunks of version 1 only.  Private to chunk*.c; the format is told
 * at the top of chunk.c. */
#ifndef CODEC_CHUNK_V1_H
#define CODEC_CHUNK_V1_H

#include "base/slice.h"

bool v1_numbers(struct slice *in, int64_t *v, size_t n);
bool v1_doubles(struct slice *in, double *v, size_t n);

#endif

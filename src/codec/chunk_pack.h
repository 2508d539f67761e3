/* chunk_pack.h - whole numbers as few bytes: varints and packed sequences.  Private to chunk*.c;
 * the format is told at the top of chunk.c. */
#ifndef CODEC_CHUNK_PACK_H
#define CODEC_CHUNK_PACK_H

#include "base/buf.h"

void pack_varint(struct buf *out, uint64_t v);
bool unpack_varint(struct slice *in, uint64_t *ret);

/* How a sequence is best written, and in how many bytes. */
struct pack_plan {
    unsigned order;
    bool constant;
    size_t bytes;
};

struct pack_plan pack_plan(const int64_t *v, size_t n); /* n > 0 */
void pack_numbers(struct buf *out, const int64_t *v, size_t n, struct pack_plan plan);
bool unpack_numbers(struct slice *in, int64_t *v, size_t n);

#endif

/* chunk_pack.h - whole numbers as few bytes: varints and packed sequences.  Private to chunk*.c;
 * the format is told at the top of chunk.c. */
#ifndef CODEC_CHUNK_PACK_H
#define CODEC_CHUNK_PACK_H

#include "codec/chunk.h"
#include "codec/chunk_code.h"

enum {
    PACK_BLOCK = 256,
    PACK_DICTIONARY_MAX = 1024,

    /* the byte before a sequence */
    PACK_ORDERS = 3,
    PACK_DICTIONARY = 3,
    PACK_MODE_MASK = 3,
    PACK_CODED = 1 << 5,
    PACK_SCALED = 1 << 6,
    PACK_CONSTANT = 1 << 7,

    PACK_ESCAPE = CODE_SYMBOLS - 1,

    /* in the byte of a block's width */
    PACK_PATCHED = 1 << 7,
};

void pack_varint(struct buf *out, uint64_t v);
void pack_zigzag(struct buf *out, int64_t v);
size_t pack_varint_bytes(uint64_t v);
bool unpack_varint(struct slice *in, uint64_t *ret);
bool unpack_zigzag(struct slice *in, int64_t *ret);

static inline uint64_t zigzag(int64_t v)
{
    return (uint64_t)v << 1 ^ (v < 0 ? UINT64_MAX : 0);
}

static inline int64_t unzigzag(uint64_t v)
{
    return (int64_t)(v >> 1 ^ (v & 1 ? UINT64_MAX : 0));
}

static inline uint64_t mask_of(unsigned width) /* 0 to 64 */
{
    return width == 64 ? UINT64_MAX : (UINT64_C(1) << width) - 1;
}

static inline uint64_t get_le64(const char *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    v = __builtin_bswap64(v);
#endif
    return v;
}

/* The 256 and fewer numbers of a tail: width bits each, lowest first, in (n * width + 7) / 8 bytes
 * of which in has them all.  base is added. */
void unpack_bits(struct slice in, unsigned width, int64_t base, int64_t *v, size_t n);

/* Memory that writing a sequence needs, for as many numbers as it has. */
struct pack_scratch {
    int64_t *residuals, *places;
};

/* Write n > 0 numbers.  Running out of memory shows in out->failed. */
void pack_numbers(struct buf *out, const int64_t *v, size_t n, enum chunk_level level,
                  const struct pack_scratch *scratch);

/* Of what was written from first on and again from second on, only the shorter stays. */
void pack_keep_shorter(struct buf *out, size_t first, size_t second);

/* Reading block after block: each call of pack_next() gives 256 numbers, the last the rest. */
struct pack_reader {
    struct slice *in;
    size_t left; /* numbers to come */
    unsigned order;
    bool constant;
    uint64_t offset, scale, last, step;
    bool coded;
    unsigned width; /* coded: of what is not in the symbols */
    int64_t base;
    struct slice escapes; /* to come */
    size_t dictionary_n;  /* 0: none */
    int64_t dictionary[PACK_DICTIONARY_MAX];
    struct code_reader code;
};

bool pack_open(struct pack_reader *r, struct slice *in, size_t n);
size_t pack_next(struct pack_reader *r, int64_t *out); /* 0: damaged, or at the end */
bool unpack_numbers(struct slice *in, int64_t *v, size_t n);

#endif

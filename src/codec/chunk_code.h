/* chunk_code.h - symbols as few bits: the more often one comes, the fewer.  Private to chunk*.c;
 * the format is told at the top of chunk.c. */
#ifndef CODEC_CHUNK_CODE_H
#define CODEC_CHUNK_CODE_H

#include "base/buf.h"

enum { CODE_SYMBOLS = 64, CODE_BITS = 11, CODE_SLOTS = 1 << CODE_BITS, CODE_LANES = 4 };

/* How often each comes, in CODE_SLOTS; their sum is that. */
struct code_model {
    uint32_t often[CODE_SYMBOLS];
};

/* From counts, n in all and not 0; what comes at all has at least 1. */
void code_model_make(const uint32_t counts[CODE_SYMBOLS], size_t n, struct code_model *ret);
double code_bits(const struct code_model *m, const uint32_t counts[CODE_SYMBOLS]);

/* Model and symbols.  Running out of memory shows in out->failed. */
void code_write(struct buf *out, const struct code_model *m, const uint8_t *symbols, size_t n);

struct code_reader {
    struct slice words;
    uint32_t state[CODE_LANES];
    uint32_t slots[CODE_SLOTS]; /* symbol, how often, how far from its first slot */
};

bool code_open(struct code_reader *r, struct slice *in);
/* The next n; n is a multiple of CODE_LANES in all calls but the last. */
bool code_symbols(struct code_reader *r, uint8_t *symbols, size_t n);
bool code_at_end(const struct code_reader *r);

#endif

/* Asymmetric numeral systems with ranges (rANS; Duda 2013), four states in turn, so that one need
 * not wait for the other.  A state is 32 bits, of which 16 are moved at once.  Writing goes from
 * the last symbol to the first, reading forward. */
#include "codec/chunk_code.h"

#include "codec/chunk_pack.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

enum { STATE_MIN = 1 << 16, OFTEN_SHIFT = 6, FAR_SHIFT = 18 };

void code_model_make(const uint32_t counts[CODE_SYMBOLS], size_t n, struct code_model *ret)
{
    uint32_t sum = 0;
    unsigned most = 0;
    assert(n);
    for (unsigned i = 0; i < CODE_SYMBOLS; i++) {
        uint64_t scaled = ((uint64_t)counts[i] * CODE_SLOTS + n / 2) / n;
        ret->often[i] = counts[i] && !scaled ? 1 : (uint32_t)scaled;
        sum += ret->often[i];
    }
    while (sum != CODE_SLOTS) { /* rounding is made good where it matters least */
        for (unsigned i = 0; i < CODE_SYMBOLS; i++)
            most = ret->often[i] > ret->often[most] ? i : most;
        ret->often[most] += sum < CODE_SLOTS ? 1 : UINT32_MAX;
        sum += sum < CODE_SLOTS ? 1 : UINT32_MAX;
    }
}

double code_bits(const struct code_model *m, const uint32_t counts[CODE_SYMBOLS])
{
    double bits = 8.0 * 4 * CODE_LANES;
    for (unsigned i = 0; i < CODE_SYMBOLS; i++) {
        if (counts[i])
            bits += counts[i] * (CODE_BITS - log2(m->often[i]));
        bits += m->often[i] < 128 ? 8 : 16;
    }
    return bits;
}

static void put_model(struct buf *out, const struct code_model *m)
{
    unsigned n = CODE_SYMBOLS;
    while (n && !m->often[n - 1])
        n--;
    pack_varint(out, n);
    for (unsigned i = 0; i < n; i++)
        pack_varint(out, m->often[i]);
}

static void put_le(struct buf *out, uint32_t v, int bytes)
{
    for (int i = 0; i < bytes; i++)
        buf_add_byte(out, (unsigned char)(v >> 8 * i));
}

void code_write(struct buf *out, const struct code_model *m, const uint8_t *symbols, size_t n)
{
    uint32_t first[CODE_SYMBOLS], at = 0;
    uint32_t state[CODE_LANES] = {STATE_MIN, STATE_MIN, STATE_MIN, STATE_MIN};
    uint16_t words[CHUNK_POINTS_MAX];
    size_t words_n = 0;
    assert(n <= CHUNK_POINTS_MAX);
    for (unsigned i = 0; i < CODE_SYMBOLS; at += m->often[i++])
        first[i] = at;
    for (size_t i = n; i-- > 0;) {
        uint32_t often = m->often[symbols[i]], *s = &state[i % CODE_LANES];
        if (*s >= (uint64_t)often << (32 - CODE_BITS)) {
            words[words_n++] = (uint16_t)*s;
            *s >>= 16;
        }
        *s = (*s / often << CODE_BITS) + *s % often + first[symbols[i]];
    }
    put_model(out, m);
    pack_varint(out, words_n);
    for (int i = 0; i < CODE_LANES; i++)
        put_le(out, state[i], 4);
    while (words_n)
        put_le(out, words[--words_n], 2);
}

static bool get_model(struct code_reader *r, struct slice *in)
{
    uint64_t n, often;
    size_t at = 0;
    if (!unpack_varint(in, &n) || n > CODE_SYMBOLS)
        return false;
    for (uint32_t symbol = 0; symbol < n; symbol++) {
        if (!unpack_varint(in, &often) || often > CODE_SLOTS - at)
            return false;
        for (uint32_t far = 0; far < often; far++)
            r->slots[at++] = symbol | (uint32_t)often << OFTEN_SHIFT | far << FAR_SHIFT;
    }
    return at == CODE_SLOTS;
}

static uint32_t get_le16(const char *p)
{
    return (unsigned char)p[0] | (uint32_t)(unsigned char)p[1] << 8;
}

bool code_open(struct code_reader *r, struct slice *in)
{
    uint64_t words;
    if (!get_model(r, in) || !unpack_varint(in, &words) || words > CHUNK_POINTS_MAX ||
        in->n < 4 * CODE_LANES + 2 * words)
        return false;
    for (int i = 0; i < CODE_LANES; i++)
        r->state[i] = get_le16(in->p + 4 * i) | get_le16(in->p + 4 * i + 2) << 16;
    *in = slice_skip(*in, 4 * CODE_LANES);
    r->words = slice_of(in->p, 2 * (size_t)words);
    *in = slice_skip(*in, 2 * (size_t)words);
    return true;
}

/* Nothing here is a branch: where the next word is depends on whether one was taken, and that is as
 * good as random. */
static inline uint8_t take(const uint32_t slots[CODE_SLOTS], uint32_t *state, const char **p)
{
    uint32_t slot = slots[*state % CODE_SLOTS];
    uint32_t x =
        (slot >> OFTEN_SHIFT) % (2 * CODE_SLOTS) * (*state >> CODE_BITS) + (slot >> FAR_SHIFT);
    uint32_t low = x < STATE_MIN; /* arithmetic, which no compiler makes a branch of */
    *state = x << 16 * low | (get_le16(*p) & (0 - low));
    *p += 2 * low;
    return slot % CODE_SYMBOLS;
}

/* The same with an end. */
static bool take_last(struct code_reader *r, size_t lane, uint8_t *ret)
{
    char word[2] = {0};
    const char *p = word;
    memcpy(word, r->words.p, r->words.n < 2 ? 0 : 2);
    *ret = take(r->slots, &r->state[lane], &p);
    if (p == word)
        return true;
    bool there = r->words.n >= 2;
    r->words = slice_skip(r->words, there ? 2 : 0);
    return there;
}

bool code_symbols(struct code_reader *r, uint8_t *symbols, size_t n)
{
    uint32_t a = r->state[0], b = r->state[1], c = r->state[2], d = r->state[3];
    const char *p = r->words.p, *end = p + r->words.n;
    size_t i = 0;
    for (; i + CODE_LANES <= n && end - p >= 2 * CODE_LANES; i += CODE_LANES) {
        symbols[i] = take(r->slots, &a, &p);
        symbols[i + 1] = take(r->slots, &b, &p);
        symbols[i + 2] = take(r->slots, &c, &p);
        symbols[i + 3] = take(r->slots, &d, &p);
    }
    r->words = slice_of(p, (size_t)(end - p));
    r->state[0] = a;
    r->state[1] = b;
    r->state[2] = c;
    r->state[3] = d;
    for (; i < n; i++)
        if (!take_last(r, i % CODE_LANES, &symbols[i]))
            return false;
    return true;
}

bool code_at_end(const struct code_reader *r)
{
    bool ok = r->words.n == 0;
    for (int i = 0; i < CODE_LANES; i++)
        ok &= r->state[i] == STATE_MIN;
    return ok;
}

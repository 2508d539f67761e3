/* Writing sequences: several ways are tried and the shortest is taken.  See chunk.c for the format.
 * What is written does not depend on the lanes that are in use. */
#include "codec/chunk_lanes.h"
#include "codec/chunk_pack.h"

#include <stdlib.h>

enum { BLOCKS_MAX = CHUNK_POINTS_MAX / PACK_BLOCK };

/* ---- planning ---- */

/* Numbers of a block are base and width bits more; those that are not are patched. */
struct block {
    int64_t base;
    unsigned width;
};

struct plan {
    unsigned order;
    bool constant, coded;
    int64_t last, step;     /* before the first number */
    uint64_t offset, scale; /* scale 0: none */
    size_t bits;
    struct block blocks[BLOCKS_MAX];
};

static unsigned width_of(uint64_t range)
{
    return range ? 64 - (unsigned)__builtin_clzll(range) : 0;
}

static struct lane_range range_of(const int64_t *v, size_t n)
{
    struct lane_range range = {INT64_MAX, INT64_MIN, 0};
    chunk_lanes()->range(v, n, &range);
    return range;
}

/* The differences of the order, in r, and what stands before the first number.  As many at the
 * beginning as the order says are free to choose; they repeat the one behind them. */
static void differentiate(const int64_t *v, size_t n, struct plan *p, int64_t *r)
{
    const uint64_t *u = (const uint64_t *)v;
    if (p->order == 0) {
        memcpy(r, v, n * sizeof *r);
    } else if (p->order == 1) {
        for (size_t i = 1; i < n; i++)
            r[i] = (int64_t)(u[i] - u[i - 1]);
        r[0] = r[1];
        p->last = (int64_t)(u[0] - (uint64_t)r[0]);
    } else {
        for (size_t i = 2; i < n; i++)
            r[i] = (int64_t)(u[i] - 2 * u[i - 1] + u[i - 2]);
        r[0] = r[1] = r[2];
        uint64_t step = u[1] - u[0] - (uint64_t)r[1]; /* to the first number */
        p->last = (int64_t)(u[0] - step);
        p->step = (int64_t)(step - (uint64_t)r[0]);
    }
}

static uint64_t gcd(uint64_t a, uint64_t b)
{
    while (b) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* Division that leaves no rest is multiplication modulo 2^64 by the inverse of the odd part. */
struct divisor {
    uint64_t inverse, limit; /* no quotient is greater */
    unsigned zeros;          /* at its end */
};

static struct divisor divisor_of(uint64_t by)
{
    struct divisor d = {.limit = UINT64_MAX / by, .zeros = (unsigned)__builtin_ctzll(by)};
    uint64_t odd = by >> d.zeros;
    d.inverse = odd; /* right in three bits; each step doubles them */
    for (int i = 0; i < 5; i++)
        d.inverse *= 2 - odd * d.inverse;
    return d;
}

static uint64_t divide(struct divisor d, uint64_t x)
{
    return (x >> d.zeros) * d.inverse;
}

static bool divides(struct divisor d, uint64_t x)
{
    return (x >> d.zeros << d.zeros) == x && divide(d, x) <= d.limit;
}

/* The greatest number that divides all differences from the least; 0: there are none. */
static uint64_t common_scale(const int64_t *r, size_t n, int64_t least)
{
    uint64_t scale = 0;
    struct divisor d = {0};
    for (size_t i = 0; i < n && scale != 1; i++) {
        uint64_t x = (uint64_t)r[i] - (uint64_t)least;
        if (x == 0 || (scale && divides(d, x)))
            continue;
        scale = gcd(x, scale);
        d = divisor_of(scale);
    }
    return scale;
}

/* Differences that are multiples of something above the least are divided by it: times in
 * microseconds of a sensor that counts seconds, decimals that end in 0 or 5. */
static void scale_down(struct plan *p, int64_t *r, size_t n)
{
    int64_t least = range_of(r, n).least;
    uint64_t scale = common_scale(r, n, least);
    p->offset = (uint64_t)least;
    p->constant = scale == 0;
    if (scale <= 1)
        return;
    p->scale = scale;
    struct divisor d = divisor_of(scale);
    for (size_t i = 0; i < n; i++)
        r[i] = (int64_t)divide(d, (uint64_t)r[i] - (uint64_t)least);
}

enum { PARTS_BITS = 6, PARTS = 1 << PARTS_BITS, PATCH_BITS = 18, PATCH_MIN = 12 };

/* How many numbers are in the parts of 2^shift from the base on below each. */
static void count_parts(const int64_t *r, size_t n, const struct block *b, unsigned shift,
                        uint32_t below[PARTS + 1])
{
    enum { TURNS = 4 }; /* counting in one place again and again is slow: in turns */
    uint16_t counts[TURNS][PARTS] = {{0}};
    uint64_t top = mask_of(b->width), base = (uint64_t)b->base;
    for (size_t i = 0; i < n; i++) {
        uint64_t x = (uint64_t)r[i] - base;
        if (x <= top)
            counts[i % TURNS][x >> shift]++;
    }
    below[0] = 0;
    for (size_t i = 0; i < PARTS; i++)
        below[i + 1] =
            below[i] + (uint32_t)(counts[0][i] + counts[1][i] + counts[2][i] + counts[3][i]);
}

/* One step closer: of equal parts of the block b, 64 or fewer when it has few numbers, some
 * neighbours, a power of two of them, such that the bits of all numbers and the patches of those
 * outside are the fewest.  False when that is no gain. */
static bool narrow(const int64_t *r, size_t n, struct block *b, size_t *bits)
{
    unsigned most_whole = n >= PACK_BLOCK / 2 ? PARTS_BITS : PARTS_BITS - 2;
    unsigned whole = b->width < most_whole ? b->width : most_whole; /* log2 of the parts */
    unsigned shift = b->width - whole;
    uint64_t base = (uint64_t)b->base;
    uint32_t below[PARTS + 1];
    bool gain = false;
    count_parts(r, n, b, shift, below);
    for (unsigned k = 0; k < whole; k++) {
        size_t parts = (size_t)1 << k;
        uint32_t most = 0; /* how many, and in the lower bits from where: no branch is guessed */
        for (uint32_t i = 0; i + parts <= (size_t)1 << whole; i++) {
            uint32_t covered = (below[i + parts] - below[i]) << PARTS_BITS | i;
            most = covered > most ? covered : most;
        }
        uint64_t at = most % PARTS;
        size_t cost = n * (shift + k) + (n - (most >> PARTS_BITS)) * PATCH_BITS + 8;
        if (cost < *bits) {
            *bits = cost;
            *b = (struct block){(int64_t)(base + (at << shift)), shift + k};
            gain = true;
        }
    }
    return gain;
}

/* The bits that the block takes.  Another step is worth its time while the last one gained well. */
static size_t plan_block(const int64_t *r, size_t n, bool patches, struct block *ret)
{
    struct lane_range range = range_of(r, n);
    *ret = (struct block){range.least, width_of((uint64_t)range.greatest - (uint64_t)range.least)};
    size_t bits = n * ret->width, before = SIZE_MAX;
    while (patches && n >= PATCH_MIN && before - bits > n / 2) {
        before = bits;
        if (!narrow(r, n, ret, &bits))
            break;
    }
    return bits + 8 + 8 * pack_varint_bytes(zigzag(ret->base));
}

/* Leaves in r what is to be written. */
static void make_plan(const int64_t *v, size_t n, unsigned order, enum chunk_level level,
                      int64_t *r, struct plan *ret)
{
    *ret = (struct plan){.order = order, .bits = 8};
    differentiate(v, n, ret, r);
    if (level > CHUNK_NONE)
        scale_down(ret, r, n);
    if (order)
        ret->bits += 8 * pack_varint_bytes(zigzag(ret->last));
    if (order > 1)
        ret->bits += 8 * pack_varint_bytes(zigzag(ret->step));
    if (ret->scale)
        ret->bits += 8 * pack_varint_bytes(ret->scale);
    if (ret->constant || ret->scale)
        ret->bits += 8 * pack_varint_bytes(zigzag((int64_t)ret->offset));
    for (size_t from = 0; from < n && !ret->constant; from += PACK_BLOCK) {
        size_t m = n - from < PACK_BLOCK ? n - from : PACK_BLOCK;
        ret->bits +=
            plan_block(r + from, m, level >= CHUNK_MEDIUM, &ret->blocks[from / PACK_BLOCK]);
    }
}

/* A higher order is tried while it helps. */
static unsigned best_order(const int64_t *v, size_t n, enum chunk_level level, int64_t *r)
{
    unsigned best = 0;
    size_t bits = SIZE_MAX;
    for (unsigned order = 0; order < PACK_ORDERS && order < n && level > CHUNK_NONE; order++) {
        struct plan plan;
        make_plan(v, n, order, level, r, &plan);
        if (plan.bits < bits) {
            bits = plan.bits;
            best = order;
        } else if (level < CHUNK_HIGH) {
            break;
        }
        if (plan.constant)
            break;
    }
    return best;
}

/* Many numbers are judged by some of them, from the middle. */
static void best_plan(const int64_t *v, size_t n, enum chunk_level level, int64_t *r,
                      struct plan *ret)
{
    enum { SOME = 3 * PACK_BLOCK };
    bool some = n > 2 * SOME && level < CHUNK_HIGH;
    unsigned order = best_order(some ? v + (n - SOME) / 2 : v, some ? SOME : n, level, r);
    make_plan(v, n, order, level, r, ret);
}

/* ---- writing ---- */

static void put_le32(char *p, uint32_t v)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    v = __builtin_bswap32(v);
#endif
    memcpy(p, &v, sizeof v);
}

static void put_le64(char *p, uint64_t v)
{
    put_le32(p, (uint32_t)v);
    put_le32(p + 4, (uint32_t)(v >> 32));
}

/* Bits from..from + width - 1 of 256 numbers, as chunk_lanes.unpack reads them. */
static void put_lanes(struct buf *out, const uint64_t *x, unsigned from, unsigned width)
{
    uint64_t words[LANE_WIDTH_MAX + 1][LANES] = {0}; /* only the lower halves are written */
    for (size_t i = 0; i < LANE_BLOCK; i++) {
        size_t bit = i / LANES * width, k = bit / 32, lane = i % LANES;
        uint64_t bits = (x[i] >> from & mask_of(width)) << bit % 32;
        words[k][lane] |= bits;
        words[k + 1][lane] |= bits >> 32;
    }
    char *p = buf_reserve(out, (size_t)width * LANES * 4);
    if (!p)
        return;
    for (size_t k = 0; k < width; k++)
        for (size_t lane = 0; lane < LANES; lane++)
            put_le32(p + (k * LANES + lane) * 4, (uint32_t)words[k][lane]);
    out->n += (size_t)width * LANES * 4;
}

static void put_rest(struct buf *out, const uint64_t *x, size_t n, unsigned width)
{
    char bytes[PACK_BLOCK * 8 + 8];
    uint64_t word = 0;
    unsigned used = 0;
    size_t at = 0;
    for (size_t i = 0; i < n; i++) {
        word |= x[i] << used;
        used += width;
        if (used >= 64) {
            put_le64(bytes + at, word);
            at += 8;
            used -= 64;
            word = used ? x[i] >> (width - used) : 0;
        }
    }
    put_le64(bytes + at, word);
    buf_add(out, bytes, (n * width + 7) / 8);
}

/* n numbers below 2^width. */
static void put_bits(struct buf *out, const uint64_t *x, size_t n, unsigned width)
{
    if (width == 0)
        return;
    if (n < PACK_BLOCK) {
        put_rest(out, x, n, width);
    } else if (width <= LANE_WIDTH_MAX) {
        put_lanes(out, x, 0, width);
    } else {
        put_lanes(out, x, 0, LANE_WIDTH_MAX);
        put_lanes(out, x, LANE_WIDTH_MAX, width - LANE_WIDTH_MAX);
    }
}

static void put_patches(struct buf *out, const uint64_t *x, size_t n, unsigned width,
                        size_t patches)
{
    buf_add_byte(out, (unsigned char)(patches - 1));
    for (size_t i = 0; i < n; i++)
        if (x[i] > mask_of(width)) {
            buf_add_byte(out, (unsigned char)i);
            pack_zigzag(out, (int64_t)x[i] >> width);
        }
}

static void put_block(struct buf *out, const int64_t *r, size_t n, const struct block *b)
{
    uint64_t x[PACK_BLOCK], low[PACK_BLOCK];
    size_t patches = 0;
    for (size_t i = 0; i < n; i++) {
        x[i] = (uint64_t)r[i] - (uint64_t)b->base;
        low[i] = x[i] & mask_of(b->width);
        patches += low[i] != x[i];
    }
    buf_add_byte(out, (unsigned char)(b->width | (patches ? PACK_PATCHED : 0)));
    pack_zigzag(out, b->base);
    put_bits(out, low, n, b->width);
    if (patches)
        put_patches(out, x, n, b->width, patches);
}

static void put_head(struct buf *out, const struct plan *p)
{
    unsigned mode = p->order | (p->constant ? PACK_CONSTANT : 0) | (p->scale ? PACK_SCALED : 0) |
                    (p->coded ? PACK_CODED : 0);
    buf_add_byte(out, (unsigned char)mode);
    if (p->order)
        pack_zigzag(out, p->last);
    if (p->order > 1)
        pack_zigzag(out, p->step);
    if (p->constant || p->scale)
        pack_zigzag(out, (int64_t)p->offset);
    if (p->scale)
        pack_varint(out, p->scale);
}

static void put_plan(struct buf *out, size_t n, const struct plan *p, const int64_t *r)
{
    put_head(out, p);
    for (size_t from = 0; from < n && !p->constant; from += PACK_BLOCK)
        put_block(out, r + from, n - from < PACK_BLOCK ? n - from : PACK_BLOCK,
                  &p->blocks[from / PACK_BLOCK]);
}

/* ---- coded sequences ---- */

static int by_size(const void *a, const void *b)
{
    int64_t x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return (x > y) - (x < y);
}

/* Where nearly all of a sample lie, and half as much on both sides, in less than 63 steps of a
 * power of two. */
static struct block code_window(const int64_t *r, size_t n)
{
    enum { SAMPLE = 256, BEYOND = 4 };
    int64_t sample[SAMPLE];
    size_t m = n < SAMPLE ? n : SAMPLE;
    for (size_t i = 0; i < m; i++)
        sample[i] = r[i * n / m];
    qsort(sample, m, sizeof sample[0], by_size);
    uint64_t low = (uint64_t)sample[m / 64], size = (uint64_t)sample[m - 1 - m / 64] - low;
    struct block b = {(int64_t)(low - size / BEYOND), 0};
    while ((size >> b.width) + 2 * (size / BEYOND >> b.width) > PACK_ESCAPE - 3)
        b.width++;
    return b;
}

struct coding {
    struct block window;
    struct code_model model;
    uint8_t symbols[CHUNK_POINTS_MAX];
    size_t bits;
};

static void make_coding(const int64_t *r, size_t n, struct coding *ret)
{
    uint32_t counts[CODE_SYMBOLS] = {0};
    ret->window = code_window(r, n);
    size_t bits = n * ret->window.width;
    for (size_t i = 0; i < n; i++) {
        uint64_t x = (uint64_t)r[i] - (uint64_t)ret->window.base;
        int64_t high = (int64_t)x >> ret->window.width;
        bool told = high < 0 || high >= PACK_ESCAPE;
        ret->symbols[i] = told ? PACK_ESCAPE : (uint8_t)high;
        counts[ret->symbols[i]]++;
        bits += told ? 8 * pack_varint_bytes(zigzag(high)) : 0;
    }
    code_model_make(counts, n, &ret->model);
    ret->bits = bits + (size_t)code_bits(&ret->model, counts) + 64;
}

static void put_coding(struct buf *out, const int64_t *r, size_t n, const struct coding *c)
{
    struct buf escapes = {0};
    uint64_t low[CHUNK_POINTS_MAX];
    for (size_t i = 0; i < n; i++) {
        uint64_t x = (uint64_t)r[i] - (uint64_t)c->window.base;
        low[i] = x & mask_of(c->window.width);
        if (c->symbols[i] == PACK_ESCAPE)
            pack_zigzag(&escapes, (int64_t)x >> c->window.width);
    }
    pack_zigzag(out, c->window.base);
    buf_add_byte(out, (unsigned char)c->window.width);
    pack_varint(out, escapes.n);
    buf_add_slice(out, buf_slice(&escapes));
    code_write(out, &c->model, c->symbols, n);
    for (size_t from = 0; from < n; from += PACK_BLOCK)
        put_bits(out, low + from, n - from < PACK_BLOCK ? n - from : PACK_BLOCK, c->window.width);
    out->failed = out->failed || escapes.failed;
    buf_release(&escapes);
}

/* False: it would hardly take less than bits, and reading it takes several times as long. */
static bool put_coded(struct buf *out, const int64_t *v, size_t n, size_t bits, int64_t *r)
{
    struct coding coding, best = {.bits = bits};
    struct plan plan, best_plan = {0};
    for (unsigned order = 0; order < PACK_ORDERS && order < n; order++) {
        make_plan(v, n, order, CHUNK_LOW, r, &plan);
        if (plan.constant)
            return false;
        make_coding(r, n, &coding);
        if (coding.bits < best.bits) {
            best = coding;
            best_plan = plan;
        }
    }
    if (best.bits == bits)
        return false;
    make_plan(v, n, best_plan.order, CHUNK_LOW, r, &plan);
    plan.coded = true;
    put_head(out, &plan);
    put_coding(out, r, n, &best);
    return true;
}

static void put_plain(struct buf *out, const int64_t *v, size_t n, enum chunk_level level,
                      int64_t *r)
{
    struct plan plan;
    best_plan(v, n, level, r, &plan);
    if (level == CHUNK_HIGH) {
        if (put_coded(out, v, n, plan.bits - plan.bits / 8, r))
            return;
        make_plan(v, n, plan.order, level, r, &plan); /* what is in r was overwritten */
    }
    put_plan(out, n, &plan, r);
}

/* ---- dictionaries ---- */

enum { SLOTS = 4 * PACK_DICTIONARY_MAX, FREE = 0xffff };

struct dictionary {
    size_t n;
    int64_t numbers[PACK_DICTIONARY_MAX];
    uint16_t slots[SLOTS]; /* places in numbers */
};

static uint16_t *find(struct dictionary *d, int64_t v)
{
    size_t at = ((uint64_t)v * UINT64_C(0x9e3779b97f4a7c15)) >> 52;
    while (d->slots[at] != FREE && d->numbers[d->slots[at]] != v)
        at = (at + 1) % SLOTS;
    return &d->slots[at];
}

/* False: there are too many different ones for that to be worth it. */
static bool collect(struct dictionary *d, const int64_t *v, size_t n)
{
    enum { EARLY = 256 };
    size_t most = n / 4 < PACK_DICTIONARY_MAX ? n / 4 : PACK_DICTIONARY_MAX;
    d->n = 0;
    memset(d->slots, 0xff, sizeof d->slots);
    for (size_t i = 0; i < n; i++) {
        uint16_t *slot = find(d, v[i]);
        if (*slot != FREE)
            continue;
        if (d->n == most || (i < EARLY && d->n > EARLY * 3 / 4))
            return false;
        *slot = (uint16_t)d->n;
        d->numbers[d->n++] = v[i];
    }
    return true;
}

/* Sorted, so that they are cheap to write; and the place of each of v in places. */
static void look_up(struct dictionary *d, const int64_t *v, size_t n, int64_t *places)
{
    qsort(d->numbers, d->n, sizeof d->numbers[0], by_size);
    memset(d->slots, 0xff, sizeof d->slots);
    for (size_t i = 0; i < d->n; i++)
        *find(d, d->numbers[i]) = (uint16_t)i;
    for (size_t i = 0; i < n; i++)
        places[i] = *find(d, v[i]);
}

static void put_dictionary(struct buf *out, struct dictionary *d, const int64_t *v, size_t n,
                           enum chunk_level level, const struct pack_scratch *scratch)
{
    look_up(d, v, n, scratch->places);
    buf_add_byte(out, PACK_DICTIONARY);
    pack_varint(out, d->n);
    put_plain(out, d->numbers, d->n, level, scratch->residuals);
    put_plain(out, scratch->places, n, level, scratch->residuals);
}

void pack_keep_shorter(struct buf *out, size_t first, size_t second)
{
    if (out->failed)
        return;
    size_t a = second - first, b = out->n - second;
    if (b < a)
        memmove(out->p + first, out->p + second, b);
    out->n = first + (b < a ? b : a);
}

void pack_numbers(struct buf *out, const int64_t *v, size_t n, enum chunk_level level,
                  const struct pack_scratch *scratch)
{
    enum { DICTIONARY_MIN = 64 };
    struct dictionary d;
    size_t first = out->n;
    bool few = level >= CHUNK_MEDIUM && n >= DICTIONARY_MIN && collect(&d, v, n);
    if (few)
        put_dictionary(out, &d, v, n, level, scratch);
    size_t second = out->n;
    put_plain(out, v, n, level, scratch->residuals);
    if (few)
        pack_keep_shorter(out, first, second);
}

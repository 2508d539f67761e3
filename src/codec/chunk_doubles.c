/* Doubles as decimals: most measured numbers were decimals with few digits once, and a double made
 * from the decimal m / 10^e with |m| < 2^51 and e <= 22 comes back exactly from that division,
 * because both operands are exact and IEEE 754 rounds the quotient correctly.  (ALP as published
 * multiplies by 10^-e, which is faster by little here and misses more.)  A number that was computed
 * from decimals is often the neighbour of one, so what does not come back is told as its distance
 * from the nearest: two bytes instead of ten.  Bits are compared, so -0.0, infinities and NaN are
 * never taken for decimals. */
#include "codec/chunk_doubles.h"

#include "codec/chunk_lanes.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

enum {
    EXPONENT_MAX = 22,
    FORM_BITS = 64,  /* the doubles' bits as whole numbers */
    FORM_REAL = 65,  /* ALP-RD: the upper bits apart from the lower ones */
    FORM_EIGHT = 66, /* of a single double: its eight bytes */
};

static const double power[EXPONENT_MAX + 1] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                               1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                               1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

static int64_t bits_of(double d)
{
    int64_t bits;
    memcpy(&bits, &d, sizeof bits);
    return bits;
}

static double double_of(int64_t bits)
{
    double d;
    memcpy(&d, &bits, sizeof d);
    return d;
}

/* The m for which m / 10^e is nearest.  False: it is too large, and *ret_m as it was. */
static inline bool scale_up(double d, unsigned e, int64_t *ret_m)
{
    const double magic = 6755399441055744.0; /* 1.5 * 2^52: adding it rounds to a whole number */
    double scaled = d * power[e];
    if (!(fabs(scaled) < 2251799813685247.0))
        return false;
    *ret_m = bits_of(scaled + magic) - bits_of(magic);
    return true;
}

/* What the bits of d are more than those of its decimal. */
static inline int64_t off_by(double d, double decimal)
{
    return (int64_t)((uint64_t)bits_of(d) - (uint64_t)bits_of(decimal));
}

/* ---- writing ---- */

enum { SAMPLE = 64, NO_EXPONENT = EXPONENT_MAX + 1 };

/* The exponent that should give the fewest bytes, from a sample: a decimal more costs each number
 * log2(10) bits.  NO_EXPONENT when most have no decimal form. */
static unsigned choose_exponent(const double *v, size_t n)
{
    size_t sample = n < SAMPLE ? n : SAMPLE;
    unsigned best = NO_EXPONENT;
    double best_cost = HUGE_VAL;
    for (unsigned e = 0; e <= EXPONENT_MAX; e++) {
        double cost = 3.33 * e * (double)sample;
        size_t fixes = 0, far = 0;
        for (size_t i = 0; i < sample; i++) {
            double d = v[i * n / sample];
            int64_t m, off = INT64_MIN;
            if (scale_up(d, e, &m))
                off = off_by(d, (double)m / power[e]);
            if (off) {
                size_t bytes = pack_varint_bytes(zigzag(off));
                cost += 8 + 8 * (double)bytes;
                far += bytes > 4;
                fixes++;
            }
        }
        if (cost < best_cost && far * 4 <= sample * 3) {
            best_cost = cost;
            best = e;
        }
        if (fixes == 0)
            break; /* all are decimals: more digits only cost */
    }
    return best;
}

/* A number that has no m is told from the m before it, which is the cheapest to write. */
static void put_decimals(struct buf *out, const double *v, size_t n, unsigned e,
                         enum chunk_level level, int64_t *numbers,
                         const struct pack_scratch *scratch)
{
    int64_t *offs = scratch->residuals, *places = scratch->places, m = 0;
    size_t fixes = 0;
    for (size_t from = 0; from < n; from += PACK_BLOCK) {
        size_t to = n - from < PACK_BLOCK ? n : from + PACK_BLOCK;
        double decimals[PACK_BLOCK];
        for (size_t i = from; i < to; i++) {
            scale_up(v[i], e, &m);
            numbers[i] = m;
        }
        chunk_lanes()->divide(numbers + from, to - from, power[e], decimals);
        for (size_t i = from; i < to; i++) {
            int64_t off = off_by(v[i], decimals[i - from]);
            if (off) {
                places[fixes] = (int64_t)i;
                offs[fixes++] = off;
            }
        }
    }
    buf_add_byte(out, (unsigned char)e);
    pack_varint(out, fixes);
    int64_t next = 0;
    for (size_t k = 0; k < fixes; k++) {
        pack_varint(out, (uint64_t)(places[k] - next));
        pack_zigzag(out, offs[k]);
        next = places[k] + 1;
    }
    pack_numbers(out, numbers, n, level, scratch);
}

/* How many bits lie right of the cut.  Each bit further left is one less on the right, and on the
 * left it is free as long as it makes no more different values. */
static unsigned choose_cut(const double *v, size_t n)
{
    enum { LOW = 40, HIGH = 56, REAL_SAMPLE = 512, TABLE_BITS = 12 };
    size_t sample = n < REAL_SAMPLE ? n : REAL_SAMPLE;
    unsigned best = HIGH, best_cost = UINT32_MAX;
    for (unsigned cut = HIGH; cut >= LOW; cut--) {
        bool seen[1 << TABLE_BITS] = {false};
        unsigned different = 0;
        for (size_t i = 0; i < sample; i++) {
            uint64_t left = (uint64_t)bits_of(v[i * n / sample]) >> cut;
            bool *at = &seen[(left * UINT64_C(0x9e3779b97f4a7c15)) >> (64 - TABLE_BITS)];
            different += !*at;
            *at = true;
        }
        unsigned cost = cut + (different > 1 ? 32 - (unsigned)__builtin_clz(different - 1) : 0);
        if (different * 4 > sample && best_cost < UINT32_MAX)
            break; /* the sample tells no more */
        if (cost < best_cost) {
            best_cost = cost;
            best = cut;
        }
    }
    return best;
}

static void put_bits(struct buf *out, const double *v, size_t n, enum chunk_level level,
                     int64_t *numbers, const struct pack_scratch *scratch)
{
    for (size_t i = 0; i < n; i++)
        numbers[i] = bits_of(v[i]);
    buf_add_byte(out, FORM_BITS);
    pack_numbers(out, numbers, n, level, scratch);
}

static void put_real(struct buf *out, const double *v, size_t n, enum chunk_level level,
                     int64_t *numbers, const struct pack_scratch *scratch)
{
    unsigned cut = choose_cut(v, n);
    buf_add_byte(out, FORM_REAL);
    buf_add_byte(out, (unsigned char)cut);
    for (size_t i = 0; i < n; i++)
        numbers[i] = (int64_t)((uint64_t)bits_of(v[i]) >> cut);
    pack_numbers(out, numbers, n, level, scratch);
    for (size_t i = 0; i < n; i++)
        numbers[i] = bits_of(v[i]) & (int64_t)((UINT64_C(1) << cut) - 1);
    pack_numbers(out, numbers, n, CHUNK_LOW, scratch);
}

void pack_doubles(struct buf *out, const double *v, size_t n, enum chunk_level level,
                  int64_t *numbers, const struct pack_scratch *scratch)
{
    size_t first = out->n;
    unsigned e = level == CHUNK_NONE ? NO_EXPONENT : choose_exponent(v, n);
    if (e == NO_EXPONENT) {
        put_bits(out, v, n, level, numbers, scratch);
    } else {
        put_decimals(out, v, n, e, level, numbers, scratch);
        if (out->n - first <= n * 5)
            return; /* the other forms take more */
        size_t second = out->n;
        put_bits(out, v, n, level, numbers, scratch);
        pack_keep_shorter(out, first, second);
    }
    if (level > CHUNK_LOW) {
        size_t second = out->n;
        put_real(out, v, n, level, numbers, scratch);
        pack_keep_shorter(out, first, second);
    }
}

void pack_double(struct buf *out, double v)
{
    int64_t m;
    for (unsigned e = 0; e <= EXPONENT_MAX; e++)
        if (scale_up(v, e, &m) && off_by(v, (double)m / power[e]) == 0 &&
            pack_varint_bytes(zigzag(m)) < 8) {
            buf_add_byte(out, (unsigned char)e);
            pack_zigzag(out, m);
            return;
        }
    buf_add_byte(out, FORM_EIGHT);
    for (int i = 0; i < 8; i++)
        buf_add_byte(out, (unsigned char)((uint64_t)bits_of(v) >> 8 * i));
}

bool unpack_double(struct slice *in, double *ret)
{
    if (in->n < 1)
        return false;
    unsigned form = (unsigned char)*in->p;
    int64_t m;
    *in = slice_skip(*in, 1);
    if (form <= EXPONENT_MAX && unpack_zigzag(in, &m)) {
        *ret = (double)m / power[form];
        return true;
    }
    if (form != FORM_EIGHT || in->n < 8)
        return false;
    *ret = double_of((int64_t)get_le64(in->p));
    *in = slice_skip(*in, 8);
    return true;
}

/* ---- reading, block after block ---- */

struct reader {
    unsigned form, cut;
    struct slice fixes;         /* to come */
    size_t fixes_n, fix_at, at; /* places in the column: of the next fix, of the next block */
    int64_t fix_off;
    struct pack_reader main;
    int64_t lefts[CHUNK_POINTS_MAX]; /* FORM_REAL */
};

static bool take_fix(struct slice *in, size_t *at, size_t n, int64_t *off)
{
    uint64_t gap;
    if (!unpack_varint(in, &gap) || *at > n || gap >= n - *at || !unpack_zigzag(in, off))
        return false;
    *at += (size_t)gap;
    return true;
}

/* The fixes stand before the numbers: they are walked over once here, and read block by block. */
static bool open_decimals(struct reader *r, struct slice *in, size_t n)
{
    uint64_t fixes;
    size_t at = 0;
    int64_t off;
    if (!unpack_varint(in, &fixes) || fixes > n)
        return false;
    r->fixes = *in;
    r->fixes_n = (size_t)fixes;
    for (uint64_t i = 0; i < fixes; i++, at++)
        if (!take_fix(in, &at, n, &off))
            return false;
    r->fix_at = 0;
    if (r->fixes_n)
        take_fix(&r->fixes, &r->fix_at, n, &r->fix_off);
    return pack_open(&r->main, in, n);
}

static bool open_real(struct reader *r, struct slice *in, size_t n)
{
    if (in->n < 1)
        return false;
    r->cut = (unsigned char)*in->p;
    *in = slice_skip(*in, 1);
    return r->cut > 0 && r->cut < 64 && unpack_numbers(in, r->lefts, n) &&
           pack_open(&r->main, in, n);
}

static bool open_doubles(struct reader *r, struct slice *in, size_t n)
{
    if (in->n < 1)
        return false;
    r->form = (unsigned char)*in->p;
    r->fixes_n = r->at = 0;
    *in = slice_skip(*in, 1);
    if (r->form <= EXPONENT_MAX)
        return open_decimals(r, in, n);
    if (r->form == FORM_REAL)
        return open_real(r, in, n);
    return r->form == FORM_BITS && pack_open(&r->main, in, n);
}

/* The next block: m of decimals, else bits of doubles.  0: damaged. */
static size_t next_block(struct reader *r, int64_t *m)
{
    size_t n = pack_next(&r->main, m);
    for (size_t i = 0; i < n && r->form == FORM_REAL; i++)
        m[i] = (int64_t)((uint64_t)r->lefts[r->at + i] << r->cut | (uint64_t)m[i]);
    r->at += n;
    return n;
}

/* The fixes of the block that next_block() gave, in order of their places; how many. */
static size_t next_fixes(struct reader *r, const int64_t *m, size_t n, struct fix *fixes)
{
    size_t found = 0, start = r->at - n;
    while (r->fixes_n && r->fix_at < r->at) {
        size_t at = r->fix_at - start;
        int64_t bits = bits_of((double)m[at] / power[r->form]);
        fixes[found++] =
            (struct fix){at, double_of((int64_t)((uint64_t)bits + (uint64_t)r->fix_off))};
        r->fix_at++;
        if (--r->fixes_n)
            take_fix(&r->fixes, &r->fix_at, SIZE_MAX, &r->fix_off);
    }
    return found;
}

static void block_to_doubles(struct reader *r, const int64_t *m, size_t n, double *out)
{
    if (r->form > EXPONENT_MAX) {
        memcpy(out, m, n * sizeof *out);
        return;
    }
    struct fix fixes[PACK_BLOCK];
    chunk_lanes()->divide(m, n, power[r->form], out);
    size_t found = next_fixes(r, m, n, fixes);
    for (size_t i = 0; i < found; i++)
        out[fixes[i].at] = fixes[i].v;
}

bool unpack_doubles(struct slice *in, double *v, size_t n)
{
    struct reader r;
    if (!open_doubles(&r, in, n))
        return false;
    for (size_t at = 0, got; at < n; at += got) {
        int64_t m[PACK_BLOCK];
        got = next_block(&r, m);
        if (!got)
            return false;
        block_to_doubles(&r, m, got, v + at);
    }
    return true;
}

/* ---- summing ---- */

static void walk_block(struct sum_walk *w, struct reader *r, int64_t *m, size_t n, size_t start)
{
    if (r->form <= EXPONENT_MAX) {
        struct fix fixes[PACK_BLOCK];
        size_t found = next_fixes(r, m, n, fixes);
        sum_walk_decimals(w, m, n, start, fixes, found);
    } else {
        double v[PACK_BLOCK];
        memcpy(v, m, n * sizeof *v);
        sum_walk_doubles(w, v, n, start);
    }
}

bool sum_doubles(struct slice *in, size_t n, struct column_sums *ask)
{
    struct reader r;
    if (!open_doubles(&r, in, n))
        return false;
    struct sum_walk w = sum_walk_begin(ask, r.form <= EXPONENT_MAX ? power[r.form] : 1);
    for (size_t at = 0, got; at < sum_walk_end(&w); at += got) {
        int64_t m[PACK_BLOCK];
        got = next_block(&r, m);
        if (!got)
            return false;
        walk_block(&w, &r, m, got, at);
    }
    sum_walk_finish(&w);
    return true;
}

bool sum_whole(struct slice *in, size_t n, struct column_sums *ask)
{
    struct pack_reader r;
    if (!pack_open(&r, in, n))
        return false;
    struct sum_walk w = sum_walk_begin(ask, 1);
    for (size_t at = 0, got; at < sum_walk_end(&w); at += got) {
        int64_t m[PACK_BLOCK];
        double v[PACK_BLOCK];
        got = pack_next(&r, m);
        if (!got)
            return false;
        chunk_lanes()->divide(m, got, 1, v);
        sum_walk_doubles(&w, v, got, at);
    }
    sum_walk_finish(&w);
    return true;
}

/* See chunk.c for the format.  Differences are taken modulo 2^64, so that every sequence of 64-bit
 * numbers comes back, whatever is in it. */
#include "codec/chunk_pack.h"

enum { BLOCK = 128, ORDER_MASK = 3, CONSTANT = 1 << 7, ORDERS = 3 };

void pack_varint(struct buf *out, uint64_t v)
{
    unsigned char bytes[10];
    size_t n = 0;
    while (v >= 0x80) {
        bytes[n++] = (unsigned char)(v | 0x80);
        v >>= 7;
    }
    bytes[n++] = (unsigned char)v;
    buf_add(out, bytes, n);
}

static size_t varint_bytes(uint64_t v)
{
    size_t n = 1;
    while (v >>= 7)
        n++;
    return n;
}

bool unpack_varint(struct slice *in, uint64_t *ret)
{
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 64 && in->n; shift += 7) {
        unsigned char c = (unsigned char)*in->p;
        *in = slice_skip(*in, 1);
        if (shift == 63 && c > 1)
            return false;
        v |= (uint64_t)(c & 0x7f) << shift;
        if (c < 0x80) {
            *ret = v;
            return true;
        }
    }
    return false;
}

static uint64_t zigzag(int64_t v)
{
    return (uint64_t)v << 1 ^ (v < 0 ? UINT64_MAX : 0);
}

static int64_t unzigzag(uint64_t v)
{
    return (int64_t)(v >> 1 ^ (v & 1 ? UINT64_MAX : 0));
}

/* What is written for v[i], i >= order: the number, its difference, the difference's difference. */
static int64_t residual(const int64_t *v, size_t i, unsigned order)
{
    uint64_t x = (uint64_t)v[i];
    if (order >= 1)
        x -= (uint64_t)v[i - 1];
    if (order == 2)
        x -= (uint64_t)v[i - 1] - (uint64_t)v[i - 2];
    return (int64_t)x;
}

static unsigned width_of(uint64_t range)
{
    return range ? 64 - (unsigned)__builtin_clzll(range) : 0;
}

struct block {
    int64_t base;
    unsigned width;
};

static struct block measure(const int64_t *v, size_t from, size_t to, unsigned order)
{
    int64_t low = residual(v, from, order), high = low;
    for (size_t i = from + 1; i < to; i++) {
        int64_t x = residual(v, i, order);
        low = x < low ? x : low;
        high = x > high ? x : high;
    }
    return (struct block){low, width_of((uint64_t)high - (uint64_t)low)};
}

static struct pack_plan plan_of(const int64_t *v, size_t n, unsigned order)
{
    struct pack_plan plan = {.order = order, .bytes = 1};
    for (unsigned i = 0; i < order; i++)
        plan.bytes += varint_bytes(zigzag(residual(v, i, i)));
    struct block all = measure(v, order, n, order);
    if (all.width == 0) {
        plan.constant = true;
        plan.bytes += varint_bytes(zigzag(all.base));
        return plan;
    }
    for (size_t from = order; from < n; from += BLOCK) {
        size_t to = from + BLOCK < n ? from + BLOCK : n;
        struct block b = measure(v, from, to, order);
        plan.bytes += varint_bytes(zigzag(b.base)) + 1 + ((to - from) * b.width + 7) / 8;
    }
    return plan;
}

struct pack_plan pack_plan(const int64_t *v, size_t n)
{
    struct pack_plan best = plan_of(v, n, 0);
    for (unsigned order = 1; order < ORDERS && order < n && !best.constant; order++) {
        struct pack_plan plan = plan_of(v, n, order);
        if (plan.bytes < best.bytes)
            best = plan;
    }
    return best;
}

static void put_le64(char *p, uint64_t v)
{
    for (int i = 0; i < 8; i++)
        p[i] = (char)(unsigned char)(v >> 8 * i);
}

static uint64_t get_le64(const char *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    v = __builtin_bswap64(v);
#endif
    return v;
}

static void pack_block(struct buf *out, const int64_t *v, size_t from, size_t to, unsigned order)
{
    struct block b = measure(v, from, to, order);
    pack_varint(out, zigzag(b.base));
    buf_add_byte(out, (unsigned char)b.width);
    if (b.width == 0)
        return;
    char bytes[BLOCK * 8 + 8];
    uint64_t word = 0;
    unsigned used = 0;
    size_t at = 0;
    for (size_t i = from; i < to; i++) {
        uint64_t x = (uint64_t)residual(v, i, order) - (uint64_t)b.base;
        word |= x << used;
        used += b.width;
        if (used >= 64) {
            put_le64(bytes + at, word);
            at += 8;
            used -= 64;
            word = used ? x >> (b.width - used) : 0;
        }
    }
    put_le64(bytes + at, word);
    buf_add(out, bytes, ((to - from) * b.width + 7) / 8);
}

void pack_numbers(struct buf *out, const int64_t *v, size_t n, struct pack_plan plan)
{
    buf_add_byte(out, (unsigned char)(plan.order | (plan.constant ? CONSTANT : 0)));
    for (unsigned i = 0; i < plan.order; i++)
        pack_varint(out, zigzag(residual(v, i, i)));
    if (plan.constant) {
        pack_varint(out, zigzag(residual(v, plan.order, plan.order)));
        return;
    }
    for (size_t from = plan.order; from < n; from += BLOCK)
        pack_block(out, v, from, from + BLOCK < n ? from + BLOCK : n, plan.order);
}

/* n numbers of width bits; p has eight bytes to spare behind them. */
static void unpack_bits(const char *p, unsigned width, int64_t base, int64_t *v, size_t n)
{
    uint64_t mask = width == 64 ? UINT64_MAX : (UINT64_C(1) << width) - 1;
    for (size_t i = 0; i < n; i++) {
        size_t bit = i * width;
        unsigned shift = bit % 8;
        uint64_t x = get_le64(p + bit / 8) >> shift;
        if (shift + width > 64)
            x |= (uint64_t)(unsigned char)p[bit / 8 + 8] << (64 - shift);
        v[i] = (int64_t)((x & mask) + (uint64_t)base);
    }
}

static bool unpack_block(struct slice *in, int64_t *v, size_t n)
{
    uint64_t base;
    if (!unpack_varint(in, &base) || in->n < 1)
        return false;
    unsigned width = (unsigned char)*in->p;
    *in = slice_skip(*in, 1);
    size_t bytes = (n * width + 7) / 8;
    if (width > 64 || in->n < bytes)
        return false;
    if (width == 0) {
        for (size_t i = 0; i < n; i++)
            v[i] = unzigzag(base);
    } else if (in->n >= bytes + 8) {
        unpack_bits(in->p, width, unzigzag(base), v, n);
    } else {
        char copy[BLOCK * 8 + 8] = {0};
        memcpy(copy, in->p, bytes);
        unpack_bits(copy, width, unzigzag(base), v, n);
    }
    *in = slice_skip(*in, bytes);
    return true;
}

/* From differences back to numbers, in place. */
static void integrate(int64_t *v, size_t n, unsigned order)
{
    if (order == 1) {
        for (size_t i = 1; i < n; i++)
            v[i] = (int64_t)((uint64_t)v[i] + (uint64_t)v[i - 1]);
    } else if (order == 2) {
        uint64_t step = (uint64_t)v[1], x = (uint64_t)v[0];
        v[1] = (int64_t)(x += step);
        for (size_t i = 2; i < n; i++) {
            step += (uint64_t)v[i];
            v[i] = (int64_t)(x += step);
        }
    }
}

bool unpack_numbers(struct slice *in, int64_t *v, size_t n)
{
    if (in->n < 1)
        return false;
    unsigned mode = (unsigned char)*in->p, order = mode & ORDER_MASK;
    *in = slice_skip(*in, 1);
    if (mode & ~(unsigned)(ORDER_MASK | CONSTANT) || order >= ORDERS || order >= n)
        return false;
    uint64_t x;
    for (unsigned i = 0; i < order; i++) {
        if (!unpack_varint(in, &x))
            return false;
        v[i] = unzigzag(x);
    }
    if (mode & CONSTANT) {
        if (!unpack_varint(in, &x))
            return false;
        for (size_t i = order; i < n; i++)
            v[i] = unzigzag(x);
    } else {
        for (size_t from = order; from < n; from += BLOCK)
            if (!unpack_block(in, v + from, from + BLOCK < n ? BLOCK : n - from))
                return false;
    }
    integrate(v, n, order);
    return true;
}

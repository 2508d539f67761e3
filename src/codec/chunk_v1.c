/* Version 1 was written before roll-ups; its reader stays.  See chunk.c for the format. */
#include "codec/chunk_v1.h"

#include "codec/chunk_pack.h"

enum {
    BLOCK = 128,
    ORDERS = 3,
    ORDER_MASK = 3,
    CONSTANT = 1 << 7,
    EXPONENT_MAX = 17,
    DOUBLES_AS_BITS = 64
};

static const double power[EXPONENT_MAX + 1] = {1e0, 1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,
                                               1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17};

static bool get_block(struct slice *in, int64_t *v, size_t n)
{
    int64_t base;
    if (!unpack_zigzag(in, &base) || in->n < 1)
        return false;
    unsigned width = (unsigned char)*in->p;
    *in = slice_skip(*in, 1);
    size_t bytes = (n * width + 7) / 8;
    if (width > 64 || in->n < bytes)
        return false;
    unpack_bits(*in, width, base, v, n);
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

bool v1_numbers(struct slice *in, int64_t *v, size_t n)
{
    if (in->n < 1)
        return false;
    unsigned mode = (unsigned char)*in->p, order = mode & ORDER_MASK;
    int64_t x;
    *in = slice_skip(*in, 1);
    if (mode & ~(unsigned)(ORDER_MASK | CONSTANT) || order >= ORDERS || order >= n)
        return false;
    for (unsigned i = 0; i < order; i++)
        if (!unpack_zigzag(in, &v[i]))
            return false;
    if (mode & CONSTANT) {
        if (!unpack_zigzag(in, &x))
            return false;
        for (size_t i = order; i < n; i++)
            v[i] = x;
    } else {
        for (size_t from = order; from < n; from += BLOCK)
            if (!get_block(in, v + from, from + BLOCK < n ? BLOCK : n - from))
                return false;
    }
    integrate(v, n, order);
    return true;
}

static bool get_exceptions(struct slice *in, double *v, size_t n)
{
    uint64_t exceptions, gap;
    if (!unpack_varint(in, &exceptions) || exceptions > n)
        return false;
    for (size_t at = 0; exceptions; exceptions--, at++) {
        if (!unpack_varint(in, &gap) || gap >= n - at || in->n < 8)
            return false;
        at += (size_t)gap;
        uint64_t bits = get_le64(in->p);
        memcpy(v + at, &bits, sizeof bits);
        *in = slice_skip(*in, 8);
    }
    return true;
}

bool v1_doubles(struct slice *in, double *v, size_t n)
{
    if (in->n < 1)
        return false;
    unsigned form = (unsigned char)*in->p;
    *in = slice_skip(*in, 1);
    if (form > EXPONENT_MAX && form != DOUBLES_AS_BITS)
        return false;
    int64_t *m = (int64_t *)(void *)v; /* the same memory, number by number */
    if (!v1_numbers(in, m, n))
        return false;
    if (form == DOUBLES_AS_BITS)
        return true;
    for (size_t i = 0; i < n; i++) {
        int64_t x;
        memcpy(&x, v + i, sizeof x);
        double d = (double)x / power[form];
        memcpy(v + i, &d, sizeof d);
    }
    return get_exceptions(in, v, n);
}

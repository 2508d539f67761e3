/* Reading sequences; chunk_plan.c writes them.  See chunk.c for the format.  Everything is modulo
 * 2^64, so that every sequence of 64-bit numbers comes back, whatever is in it. */
#include "codec/chunk_pack.h"

#include "codec/chunk_lanes.h"

#include <assert.h>

_Static_assert((int)PACK_BLOCK == (int)LANE_BLOCK, "blocks are what the lanes take");

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

void pack_zigzag(struct buf *out, int64_t v)
{
    pack_varint(out, zigzag(v));
}

size_t pack_varint_bytes(uint64_t v)
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

bool unpack_zigzag(struct slice *in, int64_t *ret)
{
    uint64_t v;
    if (!unpack_varint(in, &v))
        return false;
    *ret = unzigzag(v);
    return true;
}

void unpack_bits(struct slice in, unsigned width, int64_t base, int64_t *v, size_t n)
{
    enum { SPARE = 8 }; /* bytes behind that may be read */
    char copy[PACK_BLOCK * 8 + SPARE];
    size_t bytes = (n * width + 7) / 8;
    const char *p = in.p;
    assert(n <= PACK_BLOCK && bytes <= in.n);
    if (in.n < bytes + SPARE) {
        memcpy(copy, in.p, bytes);
        memset(copy + bytes, 0, SPARE);
        p = copy;
    }
    uint64_t mask = mask_of(width);
    for (size_t i = 0; i < n; i++) {
        size_t bit = i * width;
        unsigned shift = bit % 8;
        uint64_t x = get_le64(p + bit / 8) >> shift;
        if (shift + width > 64)
            x |= (uint64_t)(unsigned char)p[bit / 8 + 8] << (64 - shift);
        v[i] = (int64_t)((x & mask) + (uint64_t)base);
    }
}

static void fill(int64_t *v, size_t n, int64_t with)
{
    for (size_t i = 0; i < n; i++)
        v[i] = with;
}

static bool get_patches(struct slice *in, unsigned width, int64_t *v, size_t n)
{
    if (width > 63 || in->n < 1)
        return false;
    size_t patches = (size_t)(unsigned char)*in->p + 1;
    *in = slice_skip(*in, 1);
    while (patches--) {
        if (in->n < 1)
            return false;
        size_t at = (unsigned char)*in->p;
        int64_t high;
        *in = slice_skip(*in, 1);
        if (at >= n || !unpack_zigzag(in, &high))
            return false;
        v[at] = (int64_t)((uint64_t)v[at] + ((uint64_t)high << width));
    }
    return true;
}

/* n numbers of width bits, and base. */
static bool get_bits(struct slice *in, unsigned width, int64_t base, int64_t *v, size_t n)
{
    size_t bytes = (n * width + 7) / 8;
    if (width > 64 || in->n < bytes)
        return false;
    if (n < PACK_BLOCK) {
        unpack_bits(*in, width, base, v, n);
    } else {
        unsigned low = width < LANE_WIDTH_MAX ? width : LANE_WIDTH_MAX;
        if (low)
            chunk_lanes()->unpack(in->p, low, base, false, v);
        else
            fill(v, PACK_BLOCK, base);
        if (width > low)
            chunk_lanes()->unpack(in->p + (size_t)low * LANES * 4, width - low, 0, true, v);
    }
    *in = slice_skip(*in, bytes);
    return true;
}

static bool get_block(struct slice *in, int64_t *v, size_t n)
{
    if (in->n < 1)
        return false;
    unsigned byte = (unsigned char)*in->p, width = byte & ~(unsigned)PACK_PATCHED;
    int64_t base;
    *in = slice_skip(*in, 1);
    if (!unpack_zigzag(in, &base) || !get_bits(in, width, base, v, n))
        return false;
    return !(byte & PACK_PATCHED) || get_patches(in, width, v, n);
}

/* Coded: the symbols are what is above the other bits; the last symbol says that it is told apart.
 */
static bool get_coded(struct pack_reader *r, int64_t *v, size_t n)
{
    uint8_t symbols[PACK_BLOCK];
    if (!get_bits(r->in, r->width, r->base, v, n) || !code_symbols(&r->code, symbols, n))
        return false;
    unsigned width = r->width;
    for (size_t i = 0; i < n; i++)
        v[i] = (int64_t)((uint64_t)v[i] + ((uint64_t)symbols[i] << width));
    for (uint8_t *at = symbols; (at = memchr(at, PACK_ESCAPE, n - (size_t)(at - symbols))); at++) {
        int64_t *x = &v[at - symbols], high;
        if (!unpack_zigzag(&r->escapes, &high))
            return false;
        *x = (int64_t)((uint64_t)*x + (((uint64_t)high - PACK_ESCAPE) << width));
    }
    return r->left > n || (code_at_end(&r->code) && r->escapes.n == 0);
}

static bool open_coded(struct pack_reader *r, struct slice *in)
{
    uint64_t escapes;
    if (!unpack_zigzag(in, &r->base) || in->n < 1)
        return false;
    r->width = (unsigned char)*in->p;
    *in = slice_skip(*in, 1);
    if (r->width > 63 || !unpack_varint(in, &escapes) || escapes > in->n)
        return false;
    r->escapes = slice_of(in->p, (size_t)escapes);
    *in = slice_skip(*in, (size_t)escapes);
    return code_open(&r->code, in);
}

static bool get_head(struct pack_reader *r, struct slice *in, size_t n)
{
    unsigned mode = (unsigned char)*in->p;
    *in = slice_skip(*in, 1);
    r->in = in;
    r->left = n;
    r->order = mode & PACK_MODE_MASK;
    r->constant = mode & PACK_CONSTANT;
    r->coded = mode & PACK_CODED;
    if (mode & ~(unsigned)(PACK_MODE_MASK | PACK_CODED | PACK_CONSTANT | PACK_SCALED) ||
        r->order >= PACK_ORDERS || (mode & PACK_CONSTANT && mode & (PACK_CODED | PACK_SCALED)))
        return false;
    int64_t last = 0, step = 0, offset = 0;
    r->scale = 1;
    if ((r->order > 0 && !unpack_zigzag(in, &last)) ||
        (r->order > 1 && !unpack_zigzag(in, &step)) ||
        (mode & (PACK_CONSTANT | PACK_SCALED) && !unpack_zigzag(in, &offset)) ||
        (mode & PACK_SCALED && !unpack_varint(in, &r->scale)))
        return false;
    r->last = (uint64_t)last;
    r->step = (uint64_t)step;
    r->offset = (uint64_t)offset;
    return !r->coded || open_coded(r, in);
}

static bool get_all(struct pack_reader *r, int64_t *v)
{
    while (r->left) {
        size_t got = pack_next(r, v);
        if (!got)
            return false;
        v += got;
    }
    return true;
}

bool pack_open(struct pack_reader *r, struct slice *in, size_t n)
{
    r->dictionary_n = 0;
    if (in->n < 1)
        return false;
    if (*in->p != PACK_DICTIONARY)
        return get_head(r, in, n);
    struct pack_reader numbers;
    uint64_t different;
    *in = slice_skip(*in, 1);
    numbers.dictionary_n = 0;
    if (!unpack_varint(in, &different) || different == 0 || different > PACK_DICTIONARY_MAX ||
        in->n < 1 || !get_head(&numbers, in, (size_t)different) ||
        !get_all(&numbers, r->dictionary) || in->n < 1 || !get_head(r, in, n))
        return false;
    r->dictionary_n = (size_t)different;
    return true;
}

/* From differences back to numbers, in place. */
static void integrate(struct pack_reader *r, int64_t *v, size_t n)
{
    if (r->order == 2)
        r->step = chunk_lanes()->total(v, n, r->step);
    if (r->order >= 1)
        r->last = chunk_lanes()->total(v, n, r->last);
}

static bool translate(const struct pack_reader *r, int64_t *v, size_t n)
{
    bool ok = true;
    for (size_t i = 0; i < n; i++) {
        uint64_t place = (uint64_t)v[i];
        ok &= place < r->dictionary_n;
        v[i] = r->dictionary[place % PACK_DICTIONARY_MAX];
    }
    return ok;
}

size_t pack_next(struct pack_reader *r, int64_t *out)
{
    size_t n = r->left < PACK_BLOCK ? r->left : PACK_BLOCK;
    if (r->constant)
        fill(out, n, 0);
    else if (!(r->coded ? get_coded(r, out, n) : get_block(r->in, out, n)))
        return 0;
    if (r->scale != 1 || r->offset != 0)
        chunk_lanes()->scale(out, n, r->scale, r->offset);
    integrate(r, out, n);
    if (r->dictionary_n && !translate(r, out, n))
        return 0;
    r->left -= n;
    return n;
}

bool unpack_numbers(struct slice *in, int64_t *v, size_t n)
{
    struct pack_reader r;
    return pack_open(&r, in, n) && get_all(&r, v);
}

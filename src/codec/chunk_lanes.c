/* Whole numbers become doubles and are divided, both rounded once and so the same on every machine;
 * nothing here multiplies and adds in one expression, which a compiler might fuse. */
#include "codec/chunk_lanes.h"

#include <stdatomic.h>
#include <string.h>

static uint32_t get_le32(const char *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    v = __builtin_bswap32(v);
#endif
    return v;
}

/* Where a row's numbers are: in word k of each stream from bit shift on, and the rest in word
 * next, which is k again when there is no rest. */
struct row {
    size_t k, next;
    unsigned shift;
};

static inline struct row row_at(unsigned r, unsigned width)
{
    unsigned bit = r * width, k = bit / 32;
    return (struct row){k, k + 1 < width ? k + 1 : k, bit % 32};
}

static inline void unpack_plain(const char *words, unsigned width, uint64_t base, bool high,
                                int64_t *out)
{
    uint64_t mask = (UINT64_C(1) << width) - 1;
    for (unsigned r = 0; r < LANE_ROWS; r++, out += LANES) {
        struct row row = row_at(r, width);
        const char *here = words + row.k * LANES * 4, *next = words + row.next * LANES * 4;
        for (unsigned i = 0; i < LANES; i++) {
            uint64_t x = get_le32(here + 4 * i) | (uint64_t)get_le32(next + 4 * i) << 32;
            x = x >> row.shift & mask;
            out[i] = (int64_t)(high ? (uint64_t)out[i] + (x << 32) : base + x);
        }
    }
}

static void unpack_portable(const char *words, unsigned width, int64_t base, bool high,
                            int64_t *out)
{
    if (high) /* asked once, not for each number */
        unpack_plain(words, width, 0, true, out);
    else
        unpack_plain(words, width, (uint64_t)base, false, out);
}

static void scale_portable(int64_t *v, size_t n, uint64_t scale, uint64_t offset)
{
    for (size_t i = 0; i < n; i++)
        v[i] = (int64_t)((uint64_t)v[i] * scale + offset);
}

static uint64_t total_portable(int64_t *v, size_t n, uint64_t last)
{
    for (size_t i = 0; i < n; i++)
        v[i] = (int64_t)(last += (uint64_t)v[i]);
    return last;
}

static bool rise_portable(int64_t *v, size_t n, uint64_t add)
{
    bool ok = true;
    for (size_t i = 0; i < n; i++) {
        v[i] = (int64_t)((uint64_t)v[i] + add);
        ok &= i == 0 || v[i] > v[i - 1];
    }
    return ok;
}

static void widen_range(struct lane_range *io, int64_t least, int64_t greatest)
{
    io->least = least < io->least ? least : io->least;
    io->greatest = greatest > io->greatest ? greatest : io->greatest;
}

/* Two at a time, so that one comparison need not wait for the other. */
static void range_portable(const int64_t *v, size_t n, struct lane_range *io)
{
    struct lane_range a = *io, b = *io;
    size_t i = 0;
    b.sum = 0;
    for (; i + 2 <= n; i += 2) {
        widen_range(&a, v[i], v[i]);
        widen_range(&b, v[i + 1], v[i + 1]);
        a.sum += (uint64_t)v[i];
        b.sum += (uint64_t)v[i + 1];
    }
    if (i < n) {
        widen_range(&a, v[i], v[i]);
        a.sum += (uint64_t)v[i];
    }
    widen_range(&a, b.least, b.greatest);
    a.sum += b.sum;
    *io = a;
}

static void divide_portable(const int64_t *m, size_t n, double power, double *out)
{
    for (size_t i = 0; i < n; i++) {
        int64_t x;
        memcpy(&x, m + i, sizeof x); /* out may be the same memory */
        double d = (double)x / power;
        memcpy(out + i, &d, sizeof d);
    }
}

static void fold_portable(const double *v, size_t n, struct lane_fold *io)
{
    for (size_t i = 0; i < n; i++) {
        double d = v[i];
        size_t lane = i % LANES;
        io->n += d == d;
        io->sum[lane] += d == d ? d : 0;
        io->least[lane] = d < io->least[lane] ? d : io->least[lane];
        io->greatest[lane] = d > io->greatest[lane] ? d : io->greatest[lane];
    }
}

static const struct chunk_lanes portable = {"portable",      unpack_portable, scale_portable,
                                            total_portable,  rise_portable,   range_portable,
                                            divide_portable, fold_portable};

#if defined(__x86_64__)
#include <immintrin.h>

#define AVX2 __attribute__((target("avx2")))
#define AVX512 __attribute__((target("avx512f,avx512dq")))

AVX2 static __m256i load2(const int64_t *v)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)v);
}

AVX2 static void store2(int64_t *v, __m256i x)
{
    _mm256_storeu_si256((__m256i *)(void *)v, x);
}

/* A row in words of 32 bits; a shift by 32 gives 0. */
AVX2 static void unpack_avx2(const char *words, unsigned width, int64_t base, bool high,
                             int64_t *out)
{
    const __m256i mask = _mm256_set1_epi32((int)((UINT64_C(1) << width) - 1));
    const __m256i bases = _mm256_set1_epi64x(base);
    for (unsigned r = 0; r < LANE_ROWS; r++, out += LANES) {
        struct row row = row_at(r, width);
        const void *here = words + row.k * LANES * 4, *next = words + row.next * LANES * 4;
        __m128i down = _mm_cvtsi32_si128((int)row.shift);
        __m128i up = _mm_cvtsi32_si128(32 - (int)row.shift);
        __m256i x = _mm256_srl_epi32(_mm256_loadu_si256((const __m256i *)here), down);
        __m256i y = _mm256_sll_epi32(_mm256_loadu_si256((const __m256i *)next), up);
        x = _mm256_and_si256(_mm256_or_si256(x, y), mask);
        __m256i a = _mm256_cvtepu32_epi64(_mm256_castsi256_si128(x));
        __m256i b = _mm256_cvtepu32_epi64(_mm256_extracti128_si256(x, 1));
        if (high) {
            a = _mm256_slli_epi64(a, 32);
            b = _mm256_slli_epi64(b, 32);
        }
        store2(out, _mm256_add_epi64(a, high ? load2(out) : bases));
        store2(out + 4, _mm256_add_epi64(b, high ? load2(out + 4) : bases));
    }
}

/* Only the lower 64 bits: three products of halves. */
AVX2 static void scale_avx2(int64_t *v, size_t n, uint64_t scale, uint64_t offset)
{
    const __m256i low = _mm256_set1_epi64x((int64_t)(scale & UINT32_MAX));
    const __m256i top = _mm256_set1_epi64x((int64_t)(scale >> 32));
    const __m256i offsets = _mm256_set1_epi64x((int64_t)offset);
    size_t i = 0;
    for (; i + 4 <= n; i += 4) {
        __m256i x = load2(v + i);
        __m256i cross = _mm256_add_epi64(_mm256_mul_epu32(_mm256_srli_epi64(x, 32), low),
                                         _mm256_mul_epu32(x, top));
        x = _mm256_add_epi64(_mm256_mul_epu32(x, low), _mm256_slli_epi64(cross, 32));
        store2(v + i, _mm256_add_epi64(x, offsets));
    }
    scale_portable(v + i, n - i, scale, offset);
}

/* Each adds the one before it, then the lower two's total is added to the upper two. */
AVX2 static uint64_t total_avx2(int64_t *v, size_t n, uint64_t last)
{
    const __m256i zero = _mm256_setzero_si256();
    __m256i lasts = _mm256_set1_epi64x((int64_t)last);
    size_t i = 0;
    for (; i + 4 <= n; i += 4) {
        __m256i x = load2(v + i);
        x = _mm256_add_epi64(x, _mm256_slli_si256(x, 8));
        x = _mm256_add_epi64(x, _mm256_blend_epi32(zero, _mm256_permute4x64_epi64(x, 0x50), 0xf0));
        __m256i ends = _mm256_permute4x64_epi64(x, 0xff); /* off the path from group to group */
        store2(v + i, _mm256_add_epi64(x, lasts));
        lasts = _mm256_add_epi64(lasts, ends);
    }
    if (i)
        last = (uint64_t)v[i - 1];
    return total_portable(v + i, n - i, last);
}

AVX2 static bool rise_avx2(int64_t *v, size_t n, uint64_t add)
{
    const __m256i adds = _mm256_set1_epi64x((int64_t)add);
    __m256i before = _mm256_setzero_si256(), ok = _mm256_set1_epi64x(-1);
    size_t i = 0;
    for (; i + 4 <= n; i += 4) {
        __m256i x = _mm256_add_epi64(load2(v + i), adds);
        __m256i turned = _mm256_permute4x64_epi64(x, 0x93); /* the last comes first */
        __m256i rises = _mm256_cmpgt_epi64(x, _mm256_blend_epi32(turned, before, 3));
        if (i == 0) /* nothing is before the first */
            rises = _mm256_or_si256(rises, _mm256_setr_epi64x(-1, 0, 0, 0));
        ok = _mm256_and_si256(ok, rises);
        before = turned;
        store2(v + i, x);
    }
    bool rest = rise_portable(v + i, n - i, add);
    return _mm256_movemask_epi8(ok) == -1 && rest && (i == 0 || i == n || v[i] > v[i - 1]);
}

struct range_avx2 {
    __m256i least, greatest, sum;
};

AVX2 static inline struct range_avx2 widen_avx2(struct range_avx2 r, __m256i x)
{
    r.least = _mm256_blendv_epi8(r.least, x, _mm256_cmpgt_epi64(r.least, x));
    r.greatest = _mm256_blendv_epi8(r.greatest, x, _mm256_cmpgt_epi64(x, r.greatest));
    r.sum = _mm256_add_epi64(r.sum, x);
    return r;
}

AVX2 static void range_avx2(const int64_t *v, size_t n, struct lane_range *io)
{
    struct range_avx2 a = {_mm256_set1_epi64x(io->least), _mm256_set1_epi64x(io->greatest),
                           _mm256_setzero_si256()};
    struct range_avx2 b = a;
    int64_t low[8], high[8], sums[8];
    size_t i = 0;
    for (; i + 8 <= n; i += 8) { /* two, so that one comparison need not wait for the other */
        a = widen_avx2(a, load2(v + i));
        b = widen_avx2(b, load2(v + i + 4));
    }
    store2(low, a.least);
    store2(low + 4, b.least);
    store2(high, a.greatest);
    store2(high + 4, b.greatest);
    store2(sums, a.sum);
    store2(sums + 4, b.sum);
    for (int k = 0; k < 8; k++) {
        widen_range(io, low[k], high[k]);
        io->sum += (uint64_t)sums[k];
    }
    range_portable(v + i, n - i, io);
}

/* A whole number as its upper half, an int, times 2^32 and its lower half put into the digits of
 * 2^52: both exact, so that the one addition rounds. */
AVX2 static void divide_avx2(const int64_t *m, size_t n, double power, double *out)
{
    const __m256d divisor = _mm256_set1_pd(power), two32 = _mm256_set1_pd(4294967296.0);
    const __m256i two52 = _mm256_set1_epi64x(0x4330000000000000);
    const __m256i odd = _mm256_setr_epi32(1, 3, 5, 7, 1, 3, 5, 7);
    size_t i = 0;
    for (; i + 4 <= n; i += 4) {
        __m256i x = load2(m + i);
        __m256i tops = _mm256_permutevar8x32_epi32(x, odd);
        __m256d high = _mm256_cvtepi32_pd(_mm256_castsi256_si128(tops));
        __m256d low = _mm256_castsi256_pd(_mm256_blend_epi32(x, two52, 0xaa));
        low = _mm256_sub_pd(low, _mm256_castsi256_pd(two52));
        high = _mm256_mul_pd(high, two32);
        _mm256_storeu_pd(out + i, _mm256_div_pd(_mm256_add_pd(high, low), divisor));
    }
    divide_portable(m + i, n - i, power, out + i);
}

struct fold_avx2 {
    __m256d sum, least, greatest;
    __m256i n;
};

AVX2 static inline struct fold_avx2 load_fold(const struct lane_fold *io, int from)
{
    return (struct fold_avx2){_mm256_loadu_pd(io->sum + from), _mm256_loadu_pd(io->least + from),
                              _mm256_loadu_pd(io->greatest + from), _mm256_setzero_si256()};
}

AVX2 static inline void store_fold(struct fold_avx2 f, struct lane_fold *io, int from)
{
    int64_t counts[4];
    _mm256_storeu_pd(io->sum + from, f.sum);
    _mm256_storeu_pd(io->least + from, f.least);
    _mm256_storeu_pd(io->greatest + from, f.greatest);
    store2(counts, f.n);
    for (int k = 0; k < 4; k++)
        io->n += (size_t)counts[k];
}

AVX2 static inline struct fold_avx2 add_fold(struct fold_avx2 f, __m256d x)
{
    __m256d is = _mm256_cmp_pd(x, x, _CMP_EQ_OQ);
    f.n = _mm256_sub_epi64(f.n, _mm256_castpd_si256(is));
    f.sum = _mm256_add_pd(f.sum, _mm256_and_pd(x, is));
    f.least = _mm256_min_pd(x, f.least); /* the second when one is NaN */
    f.greatest = _mm256_max_pd(x, f.greatest);
    return f;
}

AVX2 static void fold_avx2(const double *v, size_t n, struct lane_fold *io)
{
    struct fold_avx2 a = load_fold(io, 0), b = load_fold(io, 4);
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        a = add_fold(a, _mm256_loadu_pd(v + i));
        b = add_fold(b, _mm256_loadu_pd(v + i + 4));
    }
    store_fold(a, io, 0);
    store_fold(b, io, 4);
    fold_portable(v + i, n - i, io);
}

AVX512 static void unpack_avx512(const char *words, unsigned width, int64_t base, bool high,
                                 int64_t *out)
{
    __m512i mask = _mm512_set1_epi64((int64_t)((UINT64_C(1) << width) - 1));
    __m512i bases = _mm512_set1_epi64(base);
    for (unsigned r = 0; r < LANE_ROWS; r++, out += LANES) {
        struct row row = row_at(r, width);
        const void *here = words + row.k * LANES * 4, *next = words + row.next * LANES * 4;
        __m512i x = _mm512_cvtepu32_epi64(_mm256_loadu_si256((const __m256i *)here));
        __m512i y = _mm512_cvtepu32_epi64(_mm256_loadu_si256((const __m256i *)next));
        x = _mm512_or_si512(x, _mm512_slli_epi64(y, 32));
        x = _mm512_srl_epi64(x, _mm_cvtsi32_si128((int)row.shift));
        x = _mm512_and_si512(x, mask);
        if (high)
            x = _mm512_add_epi64(_mm512_loadu_si512(out), _mm512_slli_epi64(x, 32));
        else
            x = _mm512_add_epi64(bases, x);
        _mm512_storeu_si512(out, x);
    }
}

AVX512 static void scale_avx512(int64_t *v, size_t n, uint64_t scale, uint64_t offset)
{
    const __m512i scales = _mm512_set1_epi64((int64_t)scale);
    const __m512i offsets = _mm512_set1_epi64((int64_t)offset);
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        __m512i x = _mm512_mullo_epi64(_mm512_loadu_si512(v + i), scales);
        _mm512_storeu_si512(v + i, _mm512_add_epi64(x, offsets));
    }
    scale_portable(v + i, n - i, scale, offset);
}

/* Each adds the one before it, then the sum of two before that, then of four. */
AVX512 static uint64_t total_avx512(int64_t *v, size_t n, uint64_t last)
{
    const __m512i zero = _mm512_setzero_si512(), seven = _mm512_set1_epi64(7);
    __m512i lasts = _mm512_set1_epi64((int64_t)last);
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        __m512i x = _mm512_loadu_si512(v + i);
        x = _mm512_add_epi64(x, _mm512_alignr_epi64(x, zero, 7));
        x = _mm512_add_epi64(x, _mm512_alignr_epi64(x, zero, 6));
        x = _mm512_add_epi64(x, _mm512_alignr_epi64(x, zero, 4));
        __m512i ends = _mm512_permutexvar_epi64(seven, x); /* off the path from group to group */
        _mm512_storeu_si512(v + i, _mm512_add_epi64(x, lasts));
        lasts = _mm512_add_epi64(lasts, ends);
    }
    if (i)
        last = (uint64_t)v[i - 1];
    return total_portable(v + i, n - i, last);
}

AVX512 static bool rise_avx512(int64_t *v, size_t n, uint64_t add)
{
    const __m512i adds = _mm512_set1_epi64((int64_t)add);
    __m512i before = _mm512_setzero_si512();
    __mmask8 ok = 0xff;
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        __m512i x = _mm512_add_epi64(_mm512_loadu_si512(v + i), adds);
        __mmask8 rises = _mm512_cmpgt_epi64_mask(x, _mm512_alignr_epi64(x, before, 7));
        ok &= (__mmask8)(rises | (i == 0)); /* nothing is before the first */
        before = x;
        _mm512_storeu_si512(v + i, x);
    }
    bool rest = rise_portable(v + i, n - i, add);
    return ok == 0xff && rest && (i == 0 || i == n || v[i] > v[i - 1]);
}

AVX512 static void range_avx512(const int64_t *v, size_t n, struct lane_range *io)
{
    __m512i least = _mm512_set1_epi64(io->least), greatest = _mm512_set1_epi64(io->greatest);
    __m512i sum = _mm512_setzero_si512();
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        __m512i x = _mm512_loadu_si512(v + i);
        least = _mm512_min_epi64(least, x);
        greatest = _mm512_max_epi64(greatest, x);
        sum = _mm512_add_epi64(sum, x);
    }
    io->least = _mm512_reduce_min_epi64(least);
    io->greatest = _mm512_reduce_max_epi64(greatest);
    /* by halves: an array of 64 bytes on ASan's own stack is not aligned as GCC 12 thinks it is */
    uint64_t sums[4];
    __m256i low = _mm512_castsi512_si256(sum), high = _mm512_extracti64x4_epi64(sum, 1);
    _mm256_storeu_si256((__m256i *)sums, _mm256_add_epi64(low, high));
    for (int k = 0; k < 4; k++)
        io->sum += sums[k];
    range_portable(v + i, n - i, io);
}

AVX512 static void divide_avx512(const int64_t *m, size_t n, double power, double *out)
{
    const __m512d divisor = _mm512_set1_pd(power);
    size_t i = 0;
    for (; i + 8 <= n; i += 8)
        _mm512_storeu_pd(out + i,
                         _mm512_div_pd(_mm512_cvtepi64_pd(_mm512_loadu_si512(m + i)), divisor));
    divide_portable(m + i, n - i, power, out + i);
}

AVX512 static void fold_avx512(const double *v, size_t n, struct lane_fold *io)
{
    __m512d sum = _mm512_loadu_pd(io->sum), least = _mm512_loadu_pd(io->least);
    __m512d greatest = _mm512_loadu_pd(io->greatest);
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        __m512d x = _mm512_loadu_pd(v + i);
        __mmask8 is = _mm512_cmp_pd_mask(x, x, _CMP_EQ_OQ);
        io->n += (size_t)__builtin_popcount(is);
        sum = _mm512_add_pd(sum, _mm512_maskz_mov_pd(is, x));
        least = _mm512_min_pd(x, least); /* the second when one is NaN */
        greatest = _mm512_max_pd(x, greatest);
    }
    _mm512_storeu_pd(io->sum, sum);
    _mm512_storeu_pd(io->least, least);
    _mm512_storeu_pd(io->greatest, greatest);
    fold_portable(v + i, n - i, io);
}

static const struct chunk_lanes avx2 = {"avx2",    unpack_avx2, scale_avx2,  total_avx2,
                                        rise_avx2, range_avx2,  divide_avx2, fold_avx2};
static const struct chunk_lanes avx512 = {"avx512",    unpack_avx512, scale_avx512,  total_avx512,
                                          rise_avx512, range_avx512,  divide_avx512, fold_avx512};
#endif

size_t chunk_lanes_all(const struct chunk_lanes *ret[3])
{
    size_t n = 0;
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq"))
        ret[n++] = &avx512;
    if (__builtin_cpu_supports("avx2"))
        ret[n++] = &avx2;
#endif
    ret[n++] = &portable;
    return n;
}

static _Atomic(const struct chunk_lanes *) in_use; /* NULL: not asked yet */

const struct chunk_lanes *chunk_lanes(void)
{
    const struct chunk_lanes *lanes = atomic_load_explicit(&in_use, memory_order_relaxed);
    if (!lanes) {
        const struct chunk_lanes *all[3];
        chunk_lanes_all(all);
        lanes = all[0];
        atomic_store_explicit(&in_use, lanes, memory_order_relaxed);
    }
    return lanes;
}

void chunk_lanes_use(const struct chunk_lanes *lanes)
{
    atomic_store_explicit(&in_use, lanes, memory_order_relaxed);
}

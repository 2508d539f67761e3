/* The table way takes eight bytes a step with eight tables ("slicing by eight", Kounavis and
 * Berry 2005): table[k][b] is what byte b does to the checksum when k more bytes follow it.  The
 * tables are made at first use from the reflected polynomial 0x82f63b78.
 *
 * The instruction takes three cycles but can begin anew every cycle, so three stretches are summed
 * side by side.  What a sum becomes when STRETCH zeroes follow is linear in its bits: skip[k][b] is
 * what its byte k, being b, does to that. */
#include "base/crc32c.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

enum { STRETCH = 512 };

static uint32_t table[8][256];
static uint32_t skip[4][256];
static pthread_once_t table_once = PTHREAD_ONCE_INIT;

static void make_skip(void)
{
    uint32_t bit[32];
    for (int i = 0; i < 32; i++) {
        bit[i] = UINT32_C(1) << i;
        for (int k = 0; k < STRETCH; k++)
            bit[i] = bit[i] >> 8 ^ table[0][bit[i] & 0xff];
    }
    for (int k = 0; k < 4; k++)
        for (uint32_t b = 0; b < 256; b++)
            for (int i = 0; i < 8; i++)
                skip[k][b] ^= b >> i & 1 ? bit[8 * k + i] : 0;
}

static void make_table(void)
{
    for (uint32_t b = 0; b < 256; b++) {
        uint32_t c = b;
        for (int i = 0; i < 8; i++)
            c = c >> 1 ^ (c & 1 ? UINT32_C(0x82f63b78) : 0);
        table[0][b] = c;
    }
    for (uint32_t b = 0; b < 256; b++)
        for (int k = 1; k < 8; k++)
            table[k][b] = table[k - 1][b] >> 8 ^ table[0][table[k - 1][b] & 0xff];
    make_skip();
}

static uint32_t read_le32(const unsigned char *p)
{
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

uint32_t crc32c_portable(uint32_t crc, const void *bytes, size_t n)
{
    pthread_once(&table_once, make_table);
    const unsigned char *p = bytes;
    uint32_t c = ~crc;
    for (; n >= 8; p += 8, n -= 8) {
        uint32_t a = c ^ read_le32(p), b = read_le32(p + 4);
        c = table[7][a & 0xff] ^ table[6][a >> 8 & 0xff] ^ table[5][a >> 16 & 0xff] ^
            table[4][a >> 24] ^ table[3][b & 0xff] ^ table[2][b >> 8 & 0xff] ^
            table[1][b >> 16 & 0xff] ^ table[0][b >> 24];
    }
    for (; n; p++, n--)
        c = c >> 8 ^ table[0][(c ^ *p) & 0xff];
    return ~c;
}

#if defined(__x86_64__)
#include <nmmintrin.h>

static inline uint64_t read_u64(const unsigned char *p)
{
    uint64_t word;
    memcpy(&word, p, sizeof word);
    return word;
}

static uint32_t skipped(uint64_t c)
{
    return skip[0][c & 0xff] ^ skip[1][c >> 8 & 0xff] ^ skip[2][c >> 16 & 0xff] ^
           skip[3][c >> 24 & 0xff];
}

__attribute__((target("sse4.2"))) static uint32_t by_instruction(uint32_t crc, const void *bytes,
                                                                 size_t n)
{
    const unsigned char *p = bytes;
    uint64_t c = (uint32_t)~crc;
    for (; n >= 3 * STRETCH; p += 3 * STRETCH, n -= 3 * STRETCH) {
        uint64_t second = 0, third = 0;
        for (size_t i = 0; i < STRETCH; i += 8) {
            c = _mm_crc32_u64(c, read_u64(p + i));
            second = _mm_crc32_u64(second, read_u64(p + STRETCH + i));
            third = _mm_crc32_u64(third, read_u64(p + 2 * STRETCH + i));
        }
        c = skipped(skipped(c) ^ second) ^ third;
    }
    for (; n >= 8; p += 8, n -= 8)
        c = _mm_crc32_u64(c, read_u64(p));
    for (; n; p++, n--)
        c = _mm_crc32_u8((uint32_t)c, *p);
    return ~(uint32_t)c;
}

uint32_t crc32c(uint32_t crc, const void *p, size_t n)
{
    static atomic_int has;                                        /* 0: not asked yet */
    int known = atomic_load_explicit(&has, memory_order_acquire); /* with the tables */
    if (!known) {
        pthread_once(&table_once, make_table);
        known = __builtin_cpu_supports("sse4.2") ? 1 : 2;
        atomic_store_explicit(&has, known, memory_order_release);
    }
    return known == 1 ? by_instruction(crc, p, n) : crc32c_portable(crc, p, n);
}
#else
uint32_t crc32c(uint32_t crc, const void *p, size_t n)
{
    return crc32c_portable(crc, p, n);
}
#endif

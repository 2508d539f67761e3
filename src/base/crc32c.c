/* The table way takes eight bytes a step with eight tables ("slicing by eight", Kounavis and
 * Berry 2005): table[k][b] is what byte b does to the checksum when k more bytes follow it.  The
 * tables are made at first use from the reflected polynomial 0x82f63b78. */
#include "base/crc32c.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

static uint32_t table[8][256];
static pthread_once_t table_once = PTHREAD_ONCE_INIT;

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

__attribute__((target("sse4.2"))) static uint32_t by_instruction(uint32_t crc, const void *bytes,
                                                                 size_t n)
{
    const unsigned char *p = bytes;
    uint64_t c = ~crc;
    for (; n >= 8; p += 8, n -= 8) {
        uint64_t word;
        memcpy(&word, p, sizeof word);
        c = _mm_crc32_u64(c, word);
    }
    for (; n; p++, n--)
        c = _mm_crc32_u8((uint32_t)c, *p);
    return ~(uint32_t)c;
}

uint32_t crc32c(uint32_t crc, const void *p, size_t n)
{
    static atomic_int has; /* 0: not asked yet */
    int known = atomic_load_explicit(&has, memory_order_relaxed);
    if (!known) {
        known = __builtin_cpu_supports("sse4.2") ? 1 : 2;
        atomic_store_explicit(&has, known, memory_order_relaxed);
    }
    return known == 1 ? by_instruction(crc, p, n) : crc32c_portable(crc, p, n);
}
#else
uint32_t crc32c(uint32_t crc, const void *p, size_t n)
{
    return crc32c_portable(crc, p, n);
}
#endif

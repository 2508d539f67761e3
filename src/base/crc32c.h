/* crc32c.h - the checksum of everything at rest: CRC-32C (Castagnoli), as in RFC 3720 B.4.
 *
 * Uses the processor's instruction where there is one, a table where not; both give the same.
 * Thread-safe. */
#ifndef BASE_CRC32C_H
#define BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* The checksum of n bytes after those that gave crc; 0 for the first.  crc32c(0, "123456789", 9)
 * is 0xe3069283. */
uint32_t crc32c(uint32_t crc, const void *p, size_t n);

/* The same by table, whatever the processor; for tests. */
uint32_t crc32c_portable(uint32_t crc, const void *p, size_t n);

#endif

/* digest.h - digests, authentication codes, comparison and chance.
 *
 * Pure but for random_bytes(); thread-safe; nothing blocks. */
#ifndef CRYPTO_DIGEST_H
#define CRYPTO_DIGEST_H

#include "base/slice.h"

enum { SHA1_BYTES = 20, SHA256_BYTES = 32 };

/* FIPS 180-4. */
void digest_sha256(struct slice bytes, unsigned char out[static SHA256_BYTES]);

/* RFC 2104 with SHA-256; keys of any length. */
void digest_hmac_sha256(struct slice key, struct slice bytes,
                        unsigned char out[static SHA256_BYTES]);

/* The same with SHA-1, which one-time codes are made with and nothing new should be. */
int digest_hmac_sha1(struct slice key, struct slice bytes, unsigned char out[static SHA1_BYTES]);

/* Are they the same?  The time says nothing about where they differ, only that lengths do. */
bool digest_equal(struct slice a, struct slice b);

/* n bytes that nobody can guess.  Never fails: without the system's source the program ends.
 * Tests put a source of their own in with libsodium's randombytes_set_implementation(). */
void random_bytes(void *out, size_t n);

/* One of 0 .. n-1, each as likely as another; n > 0. */
uint32_t random_below(uint32_t n);

#endif

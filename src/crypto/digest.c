#include "crypto/digest.h"

#include "base/err.h"

#include <assert.h>
#include <limits.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sodium.h>

static const unsigned char *bytes_of(struct slice s)
{
    return (const unsigned char *)(s.n ? s.p : "");
}

void digest_sha256(struct slice bytes, unsigned char out[static SHA256_BYTES])
{
    crypto_hash_sha256(out, bytes_of(bytes), bytes.n);
}

void digest_hmac_sha256(struct slice key, struct slice bytes,
                        unsigned char out[static SHA256_BYTES])
{
    crypto_auth_hmacsha256_state state;
    crypto_auth_hmacsha256_init(&state, bytes_of(key), key.n);
    crypto_auth_hmacsha256_update(&state, bytes_of(bytes), bytes.n);
    crypto_auth_hmacsha256_final(&state, out);
    sodium_memzero(&state, sizeof state);
}

int digest_hmac_sha1(struct slice key, struct slice bytes, unsigned char out[static SHA1_BYTES])
{
    unsigned n;
    assert(key.n <= INT_MAX);
    /* the key is never NULL, which would stand for the one before */
    return HMAC(EVP_sha1(), bytes_of(key), (int)key.n, bytes_of(bytes), bytes.n, out, &n)
               ? 0
               : ERR_NOMEM;
}

bool digest_equal(struct slice a, struct slice b)
{
    return a.n == b.n && sodium_memcmp(bytes_of(a), bytes_of(b), a.n) == 0;
}

void random_bytes(void *out, size_t n)
{
    int rc = sodium_init(); /* the first opens the source; no thread must do that beside another */
    assert(rc >= 0);
    randombytes_buf(out, n);
}

uint32_t random_below(uint32_t n)
{
    int rc = sodium_init();
    assert(rc >= 0);
    return randombytes_uniform(n);
}

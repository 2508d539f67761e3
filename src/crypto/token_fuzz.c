/* Any bytes as a token, as a code and as a one-time code that was typed: what is taken says what it
 * is. */
#include "crypto/code.h"
#include "crypto/token.h"
#include "crypto/totp.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct slice input = slice_of((const char *)data, n);
    struct token t;
    unsigned char hash[SHA256_BYTES];
    if (token_read(input, &t) == 0) {
        assert(slice_starts(input, token_prefix(t.kind)) && n <= TOKEN_CHARACTERS_MAX);
        digest_sha256(input, hash);
        assert(memcmp(hash, t.hash, sizeof hash) == 0);
    }
    if (code_read(input, 4, hash) == 0)
        assert(n >= 16);
    uint64_t step = 0;
    if (totp_verify(SLICE_LIT("12345678901234567890"), input, 90000000, 0, &step))
        assert(n >= TOTP_DIGITS && step >= 2 && step <= 4);
    return 0;
}

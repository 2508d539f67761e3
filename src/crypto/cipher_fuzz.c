/* Fuzz target: any bytes as an encrypted stream, in pieces whose sizes come out of them too.  The
 * first byte chooses: as they are, or as text that is encrypted, changed at one place, and read. */
#include "crypto/cipher.h"

#include "base/buf.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const unsigned char key[CIPHER_KEY] = "a key of thirty-two bytes, as is";

static int keep(void *arg, const void *p, size_t n)
{
    assert(n > 0 && n <= CIPHER_CHUNK + CIPHER_CHUNK_MORE);
    buf_add(arg, p, n);
    return 0;
}

static int pass(struct cipher *s, struct slice bytes, unsigned seed)
{
    int err = 0;
    assert(s);
    while (bytes.n && !err) {
        size_t n = 1 + (seed = seed * 1103515245U + 12345U) / 65536U % 40000U;
        if (n > bytes.n)
            n = bytes.n;
        err = cipher_feed(s, bytes.p, n);
        bytes = slice_skip(bytes, n);
    }
    err = err ? err : cipher_end(s);
    cipher_free(s);
    return err;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 4)
        return 0;
    struct slice input = slice_of((const char *)data + 4, size - 4), name = SLICE_LIT("a");
    struct buf sealed = {0}, out = {0};
    if (data[0] % 2) {
        /* nobody without the key can have made what opens */
        assert(pass(cipher_reader_new(key, name, keep, &out), input, data[1]) != 0);
    } else {
        assert(pass(cipher_writer_new(key, name, keep, &sealed), input, data[1]) == 0);
        size_t at = (data[2] * 256U + data[3]) % sealed.n;
        assert(pass(cipher_reader_new(key, name, keep, &out), buf_slice(&sealed), data[2]) == 0);
        assert(slice_eq(buf_slice(&out), input));
        sealed.p[at] ^= 1;
        buf_clear(&out);
        assert(pass(cipher_reader_new(key, name, keep, &out), buf_slice(&sealed), data[3]) != 0);
    }
    buf_release(&sealed);
    buf_release(&out);
    return 0;
}

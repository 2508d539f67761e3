/* Fuzz target: any text as a sealed one, and as a file of keys.  The first byte chooses. */
#include "crypto/seal.h"

#include "base/err.h"

#include <assert.h>

#define WORD "doppel-key-v1:2026-10-28T12:00:00Z:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct key_ring *ring(void)
{
    static struct key_ring *r;
    struct buf why = {0};
    if (!r) {
        r = key_ring_new();
        assert(r && key_ring_read(r, SLICE_LIT(WORD), &why) == 0);
    }
    return r;
}

/* What opens was sealed: sealed again it opens to the same. */
static void open_it(struct slice text)
{
    struct slice kind = SLICE_LIT("person"), id = SLICE_LIT("ada");
    struct buf secret = {0}, fresh = {0}, again = {0};
    int err = seal_open(ring(), kind, id, text, &secret);
    assert(!err || !secret.p);
    assert(seal_is_sealed(text) == (seal_key_of(text).p != NULL));
    assert(err == 0 || !seal_needs_renewal(ring(), text));
    if (!err) {
        assert(seal_add(&fresh, ring(), kind, id, buf_slice(&secret)) == 0);
        assert(seal_open(ring(), kind, id, buf_slice(&fresh), &again) == 0);
        assert(slice_eq(buf_slice(&secret), buf_slice(&again)));
    }
    secret_release(&secret);
    secret_release(&again);
    buf_release(&fresh);
}

/* What is read is written, and read as the same. */
static void read_keys(struct slice text)
{
    struct key_ring *r = key_ring_new(), *again = key_ring_new();
    struct buf why = {0}, written = {0};
    struct key_about a, b;
    assert(r && again);
    int err = key_ring_read(r, text, &why);
    assert(!err == !why.n);
    if (!err) {
        key_ring_write(r, &written);
        assert(key_ring_read(again, buf_slice(&written), &why) == 0);
        assert(key_ring_count(again) == key_ring_count(r));
        for (size_t i = 0; key_ring_at(r, i, &a); i++)
            assert(key_ring_at(again, i, &b) && strcmp(a.id, b.id) == 0);
    }
    buf_release(&why);
    secret_release(&written);
    key_ring_free(r);
    key_ring_free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size)
        return 0;
    struct slice text = slice_of((const char *)data + 1, size - 1);
    if (data[0] % 2)
        open_it(text);
    else
        read_keys(text);
    return 0;
}

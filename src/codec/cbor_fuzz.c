/* Fuzz target: any bytes as CBOR, through the reader, skipping and the diagnostic notation. */
#include "codec/cbor.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int read_item(struct slice input, size_t *ret_n)
{
    struct cbor_reader r;
    enum cbor_event e;
    size_t before = 0;
    int err;
    cbor_reader_init(&r, input);
    r.sequence = false;
    do {
        err = cbor_next(&r, &e);
        assert(r.at <= input.n && r.depth <= CBOR_DEPTH);
        if (err)
            return err;
        assert(r.at >= before);
        before = r.at;
        if ((e == CBOR_TEXT || e == CBOR_BYTES) && r.text.n)
            assert(r.text.p >= input.p && r.text.p + r.text.n <= input.p + r.at);
    } while (r.depth || r.tagged);
    *ret_n = r.at;
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = slice_of((const char *)data, size);
    size_t read = 0, skipped = 0;
    int err = read_item(input, &read);
    assert(cbor_item_size(input, &skipped) == err && skipped == read);
    struct buf out = {0};
    cbor_diagnose(&out, input, 4096);
    assert(!out.failed);
    buf_release(&out);
    return 0;
}

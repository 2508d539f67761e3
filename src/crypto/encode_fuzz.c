/* Any bytes as text in each form: what is taken is the one spelling of its bytes. */
#include "crypto/encode.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct slice input = slice_of((const char *)data, n);
    struct buf text = {0}, bytes = {0};
    for (enum encoding as = ENCODE_HEX; as <= ENCODE_BASE64URL; as++) {
        buf_clear(&text);
        buf_clear(&bytes);
        if (decode_add(&bytes, as, input) == 0) {
            encode_add(&text, as, buf_slice(&bytes));
            assert(slice_eq(buf_slice(&text), input));
        }
        buf_clear(&text);
        buf_clear(&bytes);
        encode_add(&text, as, input);
        assert(decode_add(&bytes, as, buf_slice(&text)) == 0);
        assert(slice_eq(buf_slice(&bytes), input));
    }
    buf_release(&text);
    buf_release(&bytes);
    return 0;
}

/* ca_fuzz.c - any bytes as the index of an authority. */
#include "base/err.h"
#include "crypto/ca.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ca *c = NULL;
    struct buf why = {0};
    int err = ca_read_index(slice_of((const char *)data, size), &c, &why);
    assert(err == 0 || err == ERR_CORRUPT);
    assert((err == 0) == (why.n == 0));
    for (size_t i = 0; c && i < ca_count(c); i++) {
        const struct ca_entry *e = ca_at(c, i);
        assert(slice_is_id(slice_str(e->org)) && slice_is_id(slice_str(e->twin)));
        assert(*e->serial && e->revoked_us >= 0);
    }
    ca_close(c);
    buf_release(&why);
    return 0;
}

/* Documents of others, whatever they are: read, and what came of them written and read again.
 * Without a change the second writing is the first, byte for byte. */
#include "exchange/exchange.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct slice text_of(struct arena *a, const struct jval *v)
{
    struct buf b = {0};
    struct json_writer w;
    json_writer_init(&w, &b, 0);
    jval_write(&w, v);
    struct slice text = arena_dup(a, buf_slice(&b));
    buf_release(&b);
    return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    enum exchange_format f = (enum exchange_format)(data[0] % EXCHANGE_FORMATS);
    const struct exchange_opts opts = {
        .base = "https://localhost", .strict = data[0] & 16, .concise = data[0] & 32};
    struct arena *a = arena_new();
    struct jval *root, *first, *second;
    struct exchange x, y, w;
    if (jdoc_parse(a, slice_of((const char *)data + 1, size - 1), &root, NULL) == 0 &&
        exchange_read(a, f, root, &x) == 0 &&
        exchange_write(a, f, x.types, x.twins, &opts, &w, &first) == 0 && !opts.concise) {
        struct slice one = text_of(a, first);
        if (exchange_read(a, f, first, &y) || y.types->count != x.types->count ||
            y.twins->count != x.twins->count)
            abort();
        if (exchange_write(a, f, y.types, y.twins, &opts, &w, &second) ||
            !slice_eq(one, text_of(a, second)))
            abort();
    }
    arena_free(a);
    return 0;
}

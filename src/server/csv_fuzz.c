/* csv_fuzz.c - any bytes are rows or errors, and the same whatever the pieces they come in. */
#include "server/csv.h"

#include "base/buf.h"
#include "base/err.h"
#include "server/timearg.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct text {
    struct slice rest;
    size_t piece;
};

static ptrdiff_t fill(void *arg, char *into, size_t cap)
{
    struct text *t = arg;
    size_t n = t->rest.n < cap ? t->rest.n : cap;
    if (n > t->piece)
        n = t->piece;
    if (n)
        memcpy(into, t->rest.p, n);
    t->rest = slice_skip(t->rest, n);
    return (ptrdiff_t)n;
}

static void read_all(const uint8_t *data, size_t size, size_t piece, struct buf *out)
{
    static const struct time_form form = {0};
    struct text t = {slice_of((const char *)data, size), piece};
    struct csv *c = NULL;
    const struct slice *fields;
    size_t n;
    int r;
    if (csv_new(fill, &t, 0, &c))
        return;
    while ((r = csv_next(c, &fields, &n)) == 1 || r == ERR_MALFORMED) {
        buf_addf(out, "%zu %d", csv_line(c), r);
        for (size_t i = 0; r == 1 && i < n; i++) {
            int64_t at = 0;
            buf_addf(out, "[%zu:", fields[i].n);
            buf_add_slice(out, fields[i]);
            if (time_form_parse(&form, fields[i], &at) == 0)
                buf_add_i64(out, at);
        }
    }
    csv_free(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf whole = {0}, pieces = {0};
    read_all(data, size, SIZE_MAX, &whole);
    read_all(data, size, 3, &pieces);
    /* the separator is guessed from what fits the first look, which both see whole if it is short
     */
    if (size < 16384 && !slice_eq(buf_slice(&whole), buf_slice(&pieces)))
        abort();
    buf_release(&whole);
    buf_release(&pieces);
    return 0;
}

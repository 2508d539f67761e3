/* line_fuzz.c - any bytes as line protocol: what is said of a line points into it, and a line read
 * alone says the same again. */
#include "codec/line.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void need(bool holds)
{
    if (!holds)
        abort();
}

static bool inside(struct slice whole, struct slice part)
{
    return part.p >= whole.p && part.p + part.n <= whole.p + whole.n;
}

static void check_names(const struct line *l)
{
    static struct line_key k;
    struct arena *a = arena_new();
    if (!line_key_read(l->key, &k)) {
        need(inside(l->key, k.measurement) && k.measurement.n);
        line_name(a, k.measurement);
        for (size_t i = 0; i < k.n; i++) {
            need(inside(l->key, k.tags[i].key) && k.tags[i].key.n);
            need(inside(l->key, k.tags[i].value) && k.tags[i].value.n);
            struct slice value = line_name(a, k.tags[i].value);
            need(value.n && value.n <= k.tags[i].value.n);
        }
    }
    for (size_t i = 0; i < l->fields_n; i++) {
        const struct line_field *f = &l->fields[i];
        need(inside(l->raw, f->key) && inside(l->raw, f->raw) && f->key.n && f->raw.n);
        if (f->value.type == VALUE_TEXT)
            need(inside(f->raw, f->value.as.text) &&
                 line_text(a, f->value.as.text).n <= f->value.as.text.n);
    }
    arena_free(a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int64_t units[] = {-1000, 1, 1000, 1000000};
    struct line_reader r = {0}, again = {0};
    struct line l, same;
    struct slice input = slice_of((const char *)data, size);
    int64_t unit = units[size % 4];
    const char *before = input.p;
    line_reader_init(&r, input, unit);
    while (line_next(&r, &l)) {
        need(inside(input, l.raw) && l.raw.n && l.raw.p >= before &&
             (l.error || inside(l.raw, l.key)));
        before = l.raw.p + l.raw.n;
        line_reader_init(&again, l.raw, unit);
        need(line_next(&again, &same) && !same.error == !l.error && slice_eq(same.key, l.key));
        need(same.fields_n == l.fields_n && same.has_time == l.has_time && same.t_us == l.t_us);
        if (!l.error)
            check_names(&l);
        need(!line_next(&again, &same));
    }
    line_reader_release(&r);
    line_reader_release(&again);
    return 0;
}

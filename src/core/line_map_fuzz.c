/* line_map_fuzz.c - any rules, a NUL, any lines: a name is an id, and the same each time. */
#include "base/err.h"
#include "core/line_map.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void need(bool holds)
{
    if (!holds)
        abort();
}

static void name_line(const struct line_map *m, const struct line *l)
{
    static struct line_key k;
    struct line_names n, again;
    struct arena *a = arena_new();
    if (l->error || line_key_read(l->key, &k)) {
        arena_free(a);
        return;
    }
    for (size_t i = 0; i < k.n; i++)
        k.tags[i] = (struct line_tag){line_name(a, k.tags[i].key), line_name(a, k.tags[i].value)};
    struct line_origin o = {.database = SLICE_LIT("db"),
                            .measurement = line_name(a, k.measurement),
                            .tags = k.tags,
                            .tags_n = k.n};
    for (size_t i = 0; i < l->fields_n && i < 16; i++) {
        o.field = line_name(a, l->fields[i].key);
        need(line_map_names(m, a, &o, &n) == 0 && line_map_names(m, a, &o, &again) == 0);
        need(slice_is_id(n.twin) && slice_is_id(n.sensor));
        need(slice_eq(n.twin, again.twin) && slice_eq(n.sensor, again.sensor));
    }
    arena_free(a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice lines = slice_of((const char *)data, size), rules;
    struct line_map *m = NULL;
    struct buf why = {0};
    struct line_reader r = {0};
    struct line l;
    slice_cut(&lines, 0, &rules);
    int err = line_map_new(rules, SLICE_LIT("host,twin"), &m, &why);
    need(!err == !why.n || err == ERR_NOMEM);
    buf_release(&why);
    line_reader_init(&r, lines, 1);
    while (m && line_next(&r, &l))
        name_line(m, &l);
    line_reader_release(&r);
    line_map_free(m);
    return 0;
}

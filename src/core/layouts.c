#include "core/layouts.h"

#include "base/err.h"
#include "twin/packed.h"

#include <stdlib.h>

enum { FEW_SENSORS = 16 }; /* so many are found by looking at each */

static int index_specs(struct layout *l)
{
    for (size_t i = 0; l->n > FEW_SENSORS && i < l->n; i++)
        if (map_put(&l->by_id, l->specs[i].id, &l->specs[i], NULL))
            return ERR_NOMEM;
    return 0;
}

static void layout_free(struct layout *l)
{
    map_release(&l->by_id);
    free(l->specs);
    free(l);
}

int layout_get(struct map *layouts, struct slice bytes, struct layout **ret)
{
    struct layout *l = map_get(layouts, bytes);
    if (l) {
        l->refs++;
        *ret = l;
        return 0;
    }
    if (!(l = malloc(sizeof *l + bytes.n)))
        return ERR_NOMEM;
    *l = (struct layout){.home = layouts, .refs = 1, .bytes = slice_of((char *)(l + 1), bytes.n)};
    if (bytes.n)
        memcpy(l + 1, bytes.p, bytes.n);
    int err = sensors_unpack(l->bytes, &l->specs, &l->n);
    if (!err)
        err = index_specs(l);
    if (!err)
        err = map_put(layouts, l->bytes, l, NULL);
    if (err) {
        layout_free(l);
        return err;
    }
    *ret = l;
    return 0;
}

int layout_get_of(struct map *layouts, const struct sensor_spec *specs, size_t n,
                  struct layout **ret)
{
    struct buf b = {0};
    sensors_pack(&b, specs, n);
    int err = b.failed ? ERR_NOMEM : layout_get(layouts, buf_slice(&b), ret);
    buf_release(&b);
    return err;
}

void layout_unref(struct layout *l)
{
    if (!l || --l->refs)
        return;
    map_remove(l->home, l->bytes);
    layout_free(l);
}

const struct sensor_spec *layout_find(const struct layout *l, struct slice id)
{
    if (l->by_id.count)
        return map_get(&l->by_id, id);
    for (size_t i = 0; i < l->n; i++)
        if (slice_eq(id, l->specs[i].id))
            return &l->specs[i];
    return NULL;
}

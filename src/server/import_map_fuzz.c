/* Fuzz target: any bytes as a mapping file, bound to a table. */
#include "server/import_map.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct slice cells[2][4] = {
        {{"time", 4}, {"a", 1}, {"b", 1}, {"c", 1}},
        {{"2024-01-01T00:00:00Z", 20}, {"1.5", 3}, {"x", 1}, {"2", 1}}};
    static const struct plan_row table[2] = {{cells[0], 4, 1}, {cells[1], 4, 2}};
    struct arena *a = arena_new();
    struct import_map map;
    struct plan plan;
    const char *why = NULL;
    int err = import_map_read(a, slice_of((const char *)data, size), &map, &why);
    if (!err)
        err = plan_look(a, table, 2, &map.opts, &plan, &why);
    if (!err)
        err = import_map_bind(a, &map, &plan, &why);
    assert(err ? why && *why : map.columns_n > 0);
    for (size_t i = 0; !err && i < map.columns_n; i++)
        assert(map.columns[i].at < plan.n &&
               (map.columns[i].sensor_at < plan.n || slice_is_id(map.columns[i].sensor)));
    arena_free(a);
    return 0;
}

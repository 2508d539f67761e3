/* Fuzz target: any bytes as a packed view and as packed sensors; what is accepted and packed again
 * reads as the same. */
#include "twin/packed.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_sensors(struct slice bytes)
{
    struct sensor_spec *once, *twice;
    size_t n, m;
    if (sensors_unpack(bytes, &once, &n))
        return;
    struct buf b = {0}, again = {0};
    sensors_pack(&b, once, n);
    int err = sensors_unpack(buf_slice(&b), &twice, &m);
    assert(!err && n == m);
    sensors_pack(&again, twice, m);
    assert(slice_eq(buf_slice(&b), buf_slice(&again)));
    for (size_t i = 0; i < n; i++)
        assert(slice_eq(once[i].id, twice[i].id) && once[i].kind == twice[i].kind);
    free(once);
    free(twice);
    buf_release(&b);
    buf_release(&again);
}

static void check_view(struct slice bytes)
{
    struct profile_view once, twice;
    if (view_unpack(bytes, &once))
        return;
    struct buf b = {0};
    view_pack(&b, &once);
    int err = view_unpack(buf_slice(&b), &twice);
    assert(!err && slice_eq(once.name, twice.name) && once.interval_us == twice.interval_us);
    assert(slice_eq(once.types, twice.types) && slice_eq(once.relations, twice.relations));
    buf_release(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice bytes = slice_of((const char *)data, size);
    check_sensors(bytes);
    check_view(bytes);
    return 0;
}

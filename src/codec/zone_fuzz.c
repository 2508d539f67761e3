/* Any bytes as a file of a time zone: what is taken answers every question without contradiction.
 */
#include "codec/zone.h"

#include <assert.h>
#include <stddef.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void ask(const struct zone *z, int64_t t)
{
    struct zone_span span = zone_span(z, t);
    assert(span.from <= t && t < span.until);
    int64_t wall = t + span.offset, instant = zone_instant(z, wall);
    assert(instant <= t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct zone *z = NULL;
    if (zone_parse(slice_of((const char *)data, n), &z))
        return 0;
    for (int64_t t = -5000000000; t < 9000000000; t += 123456789)
        ask(z, t);
    ask(z, INT64_C(-9223372036854));
    ask(z, INT64_C(9223372036854));
    zone_free(z);
    return 0;
}

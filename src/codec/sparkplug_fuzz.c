/* Fuzz target: any bytes as a payload of Sparkplug B. */
#include "base/err.h"
#include "base/utf8.h"
#include "codec/sparkplug.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look_at(const struct spb_metric *m)
{
    char room[SPB_ROOM];
    struct value v;
    const char *why;
    int32_t number;
    assert(utf8_valid(m->name));
    struct slice unit = spb_property_text(m->properties, "engUnit");
    assert(utf8_valid(unit));
    spb_property_number(m->properties, "Quality", &number);
    for (uint64_t type = 0; type <= SPB_TYPES; type++) {
        int err = spb_value(m, type, room, &v, &why);
        assert(err ? err == ERR_WRONG_TYPE && *why : spb_kind(type) != VALUE_NONE);
        if (!err && v.type == VALUE_TEXT)
            assert(utf8_valid(v.as.text));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct spb_payload p;
    struct spb_metric m;
    size_t at = 0, n = 0;
    const char *why = NULL;
    int err = spb_read(slice_of((const char *)data, size), &p, &at, &why);
    assert(at <= size);
    if (err) {
        assert(err == ERR_MALFORMED && why);
        return 0;
    }
    for (at = 0; spb_next(&p, &at, &m); n++)
        look_at(&m);
    assert(n == p.metrics);
    return 0;
}

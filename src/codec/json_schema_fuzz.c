/* Fuzz target: a schema, a line feed, a value.  What was found good can be judged by, and the same
 * answer comes twice. */
#include "codec/json_schema.h"

#include "base/err.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice rest = slice_of((const char *)data, size), first;
    struct jval *schema, *value;
    struct json_schema_error e;
    struct arena *a = arena_new();
    slice_cut(&rest, '\n', &first);
    if (!jdoc_parse(a, first, &schema, NULL) && !json_schema_check(a, schema, &e) &&
        !jdoc_parse(a, rest, &value, NULL)) {
        int err = json_schema_judge(a, schema, value, &e);
        assert(!err || err == ERR_INVALID || err == ERR_TOO_LARGE);
        assert(!err || (e.message[0] && e.pointer));
        assert(json_schema_judge(a, schema, value, &e) == err);
    }
    arena_free(a);
    return 0;
}

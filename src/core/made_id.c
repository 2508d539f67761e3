#include "core/made_id.h"

#include "base/crc32c.h"

#include <stdio.h>

enum { SUFFIX = 9 };

void made_id_byte(struct made_id *id, char c)
{
    if (id->n < MADE_ID_MAX)
        id->text[id->n++] = c;
    else
        id->lossy = true;
}

void made_id_part(struct made_id *id, struct slice part, enum made_id_colons how)
{
    for (size_t i = 0; i < part.n; i++) {
        char c = part.p[i];
        bool fits = slice_is_id(slice_of(&c, 1)), folder = how == MADE_ID_FOLDERS && c == '/';
        id->lossy |= (!fits && !folder) || (c == ':' && how != MADE_ID_WHOLE);
        made_id_byte(id, folder ? ':' : fits ? c : '_');
    }
    id->sum = crc32c(id->sum, part.p ? part.p : "", part.n);
    id->sum = crc32c(id->sum, "", 1); /* its NUL: where the part ends */
}

struct slice made_id_end(struct made_id *id, struct arena *a)
{
    char suffix[SUFFIX + 1];
    struct slice text = slice_of(id->text, id->n);
    if (!id->n)
        made_id_byte(id, '_');
    if (!text.n || slice_is(text, ".") || slice_is(text, ".."))
        id->lossy = true;
    if (id->lossy) {
        if (id->n > MADE_ID_MAX - SUFFIX)
            id->n = MADE_ID_MAX - SUFFIX;
        snprintf(suffix, sizeof suffix, ":%08x", id->sum);
        memcpy(id->text + id->n, suffix, SUFFIX);
        id->n += SUFFIX;
    }
    return arena_dup(a, slice_of(id->text, id->n));
}

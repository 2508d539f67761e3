#include "base/err.h"

#include <stddef.h>

static const struct err_info table[] = {
#define X(name, number, http, mqtt, code, text) {number, http, mqtt, #name, code, text},
    ERR_TABLE(X)
#undef X
};

enum { ROWS = sizeof table / sizeof table[0] };

const struct err_info *err_info(int err)
{
    for (int i = 0; i < ROWS; i++)
        if (table[i].number == err)
            return &table[i];
    return err_info(ERR_IO);
}

const struct err_info *err_at(int index)
{
    return index >= 0 && index < ROWS ? &table[index] : NULL;
}

/* define.c - commands as a profile lists them. */
#include "base/clock.h"
#include "base/err.h"
#include "control/internal.h"

enum { DEFAULT_TIMEOUT_S = 30, DEFAULT_EXPIRES_S = 86400 };

static int64_t duration(const struct jval *v, int64_t other_s)
{
    int64_t us;
    struct slice text = jval_string(v);
    return text.p && !clock_parse_duration(text, &us) ? us : other_s * 1000000;
}

int control_define(const struct jval *profile, struct slice name, struct definition *ret)
{
    const struct jval *list = jval_get(profile, "doppel:commands");
    for (const struct jval *v = list && list->type == J_ARRAY ? list->first : NULL; v;
         v = v->next) {
        struct slice is = jval_string(jval_get(v, "name"));
        if (!is.p || !slice_eq(is, name))
            continue;
        *ret =
            (struct definition){.input = jval_get(v, "input"),
                                .output = jval_get(v, "output"),
                                .timeout_us = duration(jval_get(v, "timeout"), DEFAULT_TIMEOUT_S),
                                .expires_us = duration(jval_get(v, "expires"), DEFAULT_EXPIRES_S)};
        return 0;
    }
    return ERR_NOT_FOUND;
}

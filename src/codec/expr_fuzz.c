/* expr_fuzz.c - any bytes as an expression: it is read or refused with a place inside it, what was
 * read stands inside the text, and it can be worked out. */
#include "codec/expr.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void need(bool holds)
{
    if (!holds)
        abort();
}

static struct expr_value leaf(struct expr_env *env, const struct expr *e)
{
    (void)env;
    return e->at % 3 == 0 ? expr_null() : e->at % 3 == 1 ? expr_real(1.5) : expr_text(e->name);
}

static void check(const struct expr *e, size_t size)
{
    need(e->at <= e->end && e->end <= size);
    for (size_t i = 0; e->kind != EXPR_PATH && i < e->n; i++)
        check(e->args[i], size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new(), *texts = arena_new();
    struct slice text = slice_of((const char *)data, size);
    struct expr_env env = {leaf, texts};
    struct expr_error error;
    struct expr *e;
    if (expr_parse(a, text, &e, &error)) {
        need(error.at <= error.end && error.end <= size && error.line >= 1 && error.column >= 1);
        need(error.message && *error.message);
    } else {
        check(e, size);
        struct expr_value v = expr_eval(e, &env);
        need(v.type <= EXPR_TEXT && !(v.type == EXPR_REAL && isnan(v.as.d)));
    }
    arena_free(texts);
    arena_free(a);
    return 0;
}

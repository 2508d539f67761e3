/* saved.c - saved questions: what a document of kind `query` must have. */
#include "access/documents.h"
#include "ask/internal.h"
#include "base/err.h"

#include <stdlib.h>

enum { NAME_MAX_BYTES = 256, DESCRIPTION_MAX = 4096 };

static int check_text(struct change *ch, const struct jval *body, const char *key, size_t most)
{
    const struct jval *v = jval_get(body, key);
    if (!v || (v->type == J_STRING && v->text.n <= most))
        return 0;
    return change_refuse(ch, ERR_INVALID, "%s is a text of at most %zu bytes (at \"/%s\").", key,
                         most, key);
}

static int check(void *arg, struct change *ch, struct org *org, struct slice id,
                 const struct jval *body)
{
    (void)arg, (void)org, (void)id;
    if (!body) /* it may always go */
        return 0;
    const struct jval *sql = jval_get(body, "sql"), *chart = jval_get(body, "chart");
    if (!sql || sql->type != J_STRING || !sql->text.n || sql->text.n > ASK_SQL_BYTES)
        return change_refuse(ch, ERR_INVALID,
                             "sql is the question, a text of at most %d bytes (at \"/sql\").",
                             ASK_SQL_BYTES);
    if (chart && chart->type != J_OBJECT && chart->type != J_NULL)
        return change_refuse(ch, ERR_INVALID, "chart is an object (at \"/chart\").");
    int err = check_text(ch, body, "name", NAME_MAX_BYTES);
    return err ? err : check_text(ch, body, "description", DESCRIPTION_MAX);
}

void saved_watch(struct document_watch *w, struct access *a)
{
    *w = (struct document_watch){.kind = DOCUMENT_QUERY, .check = check};
    documents_watch(a, w);
}

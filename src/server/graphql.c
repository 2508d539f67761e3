/* graphql.c - doppel graphql: an operation, and what it comes to. */
#include "os/file.h"
#include "server/client.h"
#include "server/run.h"
#include "server/term.h"

#include <stdlib.h>
#include <string.h>

enum { DOCUMENT_MAX = 1 << 20 };

/* The argument is the document; "-": standard input, "@FILE": a file. */
static int read_document(const struct invocation *in, struct buf *out)
{
    const char *text = in->args[0];
    bool file = text[0] == '@' || strcmp(text, "-") == 0;
    int err = file ? file_read(text[0] == '@' ? text + 1 : text, DOCUMENT_MAX, out) : 0;
    if (!file)
        buf_add_str(out, text);
    if (err)
        term_problem("%s cannot be read: %s", text[0] == '@' ? text + 1 : "standard input",
                     file_why(err));
    return err ? CODE_FAILED : CODE_OK;
}

static int write_request(const struct invocation *in, struct slice document, struct buf *out)
{
    const char *variables = option_value(in, "variables");
    const char *operation = option_value(in, "operation");
    struct arena *a = arena_new();
    struct jval *given = NULL;
    struct json_writer w;
    int code = CODE_OK;
    if (variables &&
        (!a || jdoc_parse(a, slice_str(variables), &given, NULL) || given->type != J_OBJECT))
        code = command_usage(in->command, "--variables is a JSON object such as '%s'",
                             "{\"id\": \"pump-1\"}");
    json_writer_init(&w, out, 0);
    json_open(&w, '{');
    json_key(&w, "query");
    json_put_string(&w, document);
    if (operation) {
        json_key(&w, "operationName");
        json_put_cstr(&w, operation);
    }
    if (given) {
        json_key(&w, "variables");
        jval_write(&w, given);
    }
    json_close(&w, '}');
    arena_free(a);
    return code;
}

/* The whole answer on standard output; each error is a line on standard error, too. */
static int tell(const struct answer *a)
{
    const struct jval *errors = jval_get(a->json, "errors");
    struct buf b = {0};
    struct json_writer w;
    if (!a->json || (!errors && !jval_get(a->json, "data")))
        return client_problem(a, "ask");
    json_writer_init(&w, &b, 2);
    jval_write(&w, a->json);
    client_json(true, buf_slice(&b));
    buf_release(&b);
    for (const struct jval *e = errors ? errors->first : NULL; e; e = e->next)
        term_problem("%.*s", SLICE_ARG(member(e, "message")));
    return errors ? CODE_REFUSED : CODE_OK;
}

int graphql_run(const struct invocation *in)
{
    struct buf document = {0}, body = {0};
    struct client *c = NULL;
    struct answer a = {0};
    int code = read_document(in, &document);
    if (code == CODE_OK)
        code = write_request(in, buf_slice(&document), &body);
    if (code == CODE_OK)
        code = document.failed || body.failed ? CODE_FAILED : client_open(in, &c);
    if (code == CODE_OK)
        code = client_call(c, "POST", "/graphql", "application/json", buf_slice(&body), &a);
    if (code == CODE_OK)
        code = tell(&a);
    client_close(c);
    buf_release(&document);
    buf_release(&body);
    return code;
}

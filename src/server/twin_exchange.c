/* twin_exchange.c - doppel twin import, export: types and twins in the words of others. */
#include "os/file.h"
#include "server/client.h"
#include "server/run.h"
#include "server/term.h"

#include <string.h>

enum { DOCUMENT_MAX = 64 << 20 };

static int add_format(const struct invocation *in, struct buf *path)
{
    static const char *const formats[] = {"dtdl", "wot", "ngsi-ld"};
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++)
        if (strcmp(in->args[0], formats[i]) == 0) {
            buf_add_str(path, formats[i]);
            return CODE_OK;
        }
    return command_usage(in->command, "%s is none of the formats dtdl, wot and ngsi-ld",
                         in->args[0]);
}

/* ---- in ---- */

static void print_notes(const struct jval *answer)
{
    const struct jval *notes = jval_get(answer, "notes");
    for (const struct jval *n = notes ? notes->first : NULL; n; n = n->next) {
        const struct jval *error = jval_get(n, "error");
        bool wrong = error && error->type == J_BOOL && error->boolean;
        struct slice pointer = member(n, "pointer"), message = member(n, "message");
        fprintf(stderr, "%s%s%s %.*s: %.*s\n", term_style(stderr, wrong ? STYLE_BAD : STYLE_WARN),
                wrong ? "error" : "note", term_end(stderr), pointer.n ? (int)pointer.n : 1,
                pointer.n ? pointer.p : "/", SLICE_ARG(message));
    }
}

static void print_items(const struct jval *answer, const char *key, const char *one, bool dry)
{
    const struct jval *list = jval_get(answer, key);
    for (const struct jval *v = list ? list->first : NULL; v; v = v->next) {
        const struct jval *problem = jval_get(v, "problem"), *created = jval_get(v, "created");
        struct slice id = member(v, "id"), detail = member(problem, "detail");
        if (problem)
            fprintf(stderr, "%srefused%s %s %.*s: %.*s\n", term_style(stderr, STYLE_BAD),
                    term_end(stderr), one, SLICE_ARG(id), SLICE_ARG(detail));
        else
            printf("%s%s%s %s %.*s\n", term_style(stdout, STYLE_OK),
                   dry                           ? "would make"
                   : created && created->boolean ? "created"
                                                 : "changed",
                   term_end(stdout), one, SLICE_ARG(id));
    }
}

static int tell(const struct invocation *in, const struct answer *a)
{
    if (option_on(in, "json"))
        client_json(true, a->body);
    if (a->status != 200) {
        if (!option_on(in, "json"))
            print_notes(a->json);
        return client_problem(a, "the import");
    }
    if (!option_on(in, "json")) {
        print_items(a->json, "types", "type", option_on(in, "dry"));
        print_items(a->json, "twins", "twin", option_on(in, "dry"));
        print_notes(a->json);
    }
    return member_number(a->json, "refused", 0) > 0 ? CODE_REFUSED : CODE_OK;
}

int twin_import_run(const struct invocation *in)
{
    struct buf path = {0}, text = {0};
    struct client *c = NULL;
    struct answer a = {0};
    buf_add_str(&path, "/api/v1/import/");
    int code = add_format(in, &path);
    if (option_on(in, "dry"))
        buf_add_str(&path, "?dry=true");
    buf_add_byte(&path, 0);
    int err = code == CODE_OK ? file_read(in->args[1], DOCUMENT_MAX, &text) : 0;
    if (err) {
        term_problem("%s cannot be read: %s", in->args[1], file_why(err));
        code = CODE_FAILED;
    }
    if (code == CODE_OK)
        code = client_open(in, &c);
    if (code == CODE_OK)
        code = client_call(c, "POST", path.p, "application/json", buf_slice(&text), &a);
    if (code == CODE_OK)
        code = tell(in, &a);
    client_close(c);
    buf_release(&path);
    buf_release(&text);
    return code;
}

/* ---- out ---- */

static void add_ids(struct buf *path, const char *key, const char *const *ids, size_t n)
{
    buf_addf(path, "%s=", key);
    for (size_t i = 0; i < n; i++) {
        if (i)
            buf_add_byte(path, ',');
        client_escape(path, slice_str(ids[i]));
    }
}

int twin_export_run(const struct invocation *in)
{
    struct buf path = {0};
    struct client *c = NULL;
    const char *types = option_value(in, "types");
    buf_add_str(&path, "/api/v1/export/");
    int code = add_format(in, &path);
    buf_add_byte(&path, '?');
    if (types)
        add_ids(&path, "types", &types, 1);
    if (in->args_n > 1)
        add_ids(&path, types ? "&twins" : "twins", in->args + 1, in->args_n - 1);
    if (option_on(in, "strict"))
        buf_add_str(&path, "&strict=true");
    if (option_on(in, "concise"))
        buf_add_str(&path, "&concise=true");
    buf_add_str(&path, "&limit=1000");
    buf_add_byte(&path, 0);
    if (code == CODE_OK && !types && in->args_n < 2)
        code = command_usage(in->command, "name twins, or types with --types; '*' is all of them");
    if (code == CODE_OK)
        code = client_open(in, &c);
    if (code == CODE_OK)
        code = client_stream(c, path.p, stdout);
    client_close(c);
    buf_release(&path);
    return code;
}

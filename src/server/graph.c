/* graph.c - doppel graph, twin relate: what twins are to each other. */
#include "server/client.h"
#include "server/run.h"
#include "server/term.h"

#include <stdlib.h>
#include <string.h>

/* ---- graph ---- */

static void add_query(struct buf *path, const char *key, const char *value)
{
    if (!value)
        return;
    buf_addf(path, "%c%s=", memchr(path->p, '?', path->n) ? '&' : '?', key);
    client_escape(path, slice_str(value));
}

static int print_edges(const struct jval *edges)
{
    static const char *const headings[] = {"SOURCE", "KIND", "TARGET", "PROPERTIES"};
    struct table *t = table_new(headings, 4);
    if (!t)
        return CODE_FAILED;
    for (const struct jval *e = edges ? edges->first : NULL; e; e = e->next) {
        const struct jval *dangling = jval_get(e, "dangling");
        const struct jval *properties = jval_get(e, "properties");
        bool gone = dangling && dangling->type == J_BOOL && dangling->boolean;
        struct buf b = {0};
        struct json_writer w;
        table_cell(t, STYLE_PLAIN, member(e, "source"));
        table_cell(t, STYLE_PLAIN, member(e, "kind"));
        table_cellf(t, gone ? STYLE_WARN : STYLE_PLAIN, "%.*s%s", SLICE_ARG(member(e, "target")),
                    gone ? " (not there)" : "");
        json_writer_init(&w, &b, 0);
        if (properties && properties->count)
            jval_write(&w, properties);
        table_cell(t, STYLE_PLAIN, buf_slice(&b));
        buf_release(&b);
    }
    table_print(t, stdout);
    table_free(t);
    return CODE_OK;
}

static void print_whole(const struct answer *a)
{
    struct buf b = {0};
    struct json_writer w;
    json_writer_init(&w, &b, 2);
    jval_write(&w, a->json);
    client_json(true, buf_slice(&b));
    buf_release(&b);
}

static int tell_graph(const struct invocation *in, const struct answer *a)
{
    const struct jval *truncated = jval_get(a->json, "truncated");
    if (option_on(in, "json")) {
        print_whole(a);
        return CODE_OK;
    }
    int code = print_edges(jval_get(a->json, "edges"));
    if (member(a->json, "next").p || (truncated && truncated->boolean))
        fprintf(stderr, "there is more: name twins to begin from, or fewer steps\n");
    return code;
}

int graph_run(const struct invocation *in)
{
    struct buf path = {0};
    struct client *c = NULL;
    struct answer a = {0};
    buf_add_str(&path, "/api/v1/graph");
    for (size_t i = 0; i < in->args_n; i++) {
        buf_add_str(&path, i ? "," : "?root=");
        client_escape(&path, slice_str(in->args[i]));
    }
    add_query(&path, "depth", option_value(in, "depth"));
    add_query(&path, "direction", option_value(in, "direction"));
    add_query(&path, "kinds", option_value(in, "kinds"));
    add_query(&path, "linked", in->args_n ? NULL : "true");
    add_query(&path, "limit", "10000");
    buf_add_byte(&path, 0);
    int code = path.failed ? CODE_FAILED : client_open(in, &c);
    if (code == CODE_OK)
        code = client_get(c, path.p, &a);
    if (code == CODE_OK)
        code = tell_graph(in, &a);
    client_close(c);
    buf_release(&path);
    return code;
}

/* ---- twin relate ---- */

/* {"kind", "target", "id", "properties"} */
static int relation_body(const struct invocation *in, struct buf *out)
{
    const char *id = option_value(in, "id"), *properties = option_value(in, "properties");
    struct arena *a = arena_new();
    struct jval *given = NULL;
    struct json_writer w;
    int code = CODE_OK;
    if (properties &&
        (!a || jdoc_parse(a, slice_str(properties), &given, NULL) || given->type != J_OBJECT))
        code = command_usage(in->command, "--properties is a JSON object such as '%s'",
                             "{\"pipe\": \"DN80\"}");
    json_writer_init(&w, out, 0);
    json_open(&w, '{');
    json_key(&w, "kind");
    json_put_cstr(&w, in->args[1]);
    json_key(&w, "target");
    json_put_cstr(&w, in->args[2]);
    if (id) {
        json_key(&w, "id");
        json_put_cstr(&w, id);
    }
    if (given && code == CODE_OK) {
        json_key(&w, "properties");
        jval_write(&w, given);
    }
    json_close(&w, '}');
    arena_free(a);
    return code;
}

static char *relation_address(const struct invocation *in)
{
    const char *id = option_value(in, "id");
    struct buf b = {0};
    buf_add_str(&b, "/relationships/");
    if (id) {
        client_escape(&b, slice_str(id));
    } else {
        client_escape(&b, slice_str(in->args[1]));
        buf_add_str(&b, ":");
        client_escape(&b, slice_str(in->args[2]));
    }
    if (option_on(in, "dangling"))
        buf_add_str(&b, "?dangling=allow");
    buf_add_byte(&b, 0);
    char *path = b.failed ? NULL : twin_address(in->args[0], b.p);
    buf_release(&b);
    return path;
}

int twin_relate_run(const struct invocation *in)
{
    struct client *c = NULL;
    struct answer a = {0};
    struct buf body = {0};
    bool removes = option_on(in, "remove");
    char *path = relation_address(in);
    int code = path ? relation_body(in, &body) : CODE_FAILED;
    if (code == CODE_OK)
        code = client_open(in, &c);
    if (code == CODE_OK && removes)
        code = client_call(c, "DELETE", path, NULL, (struct slice){0}, &a);
    else if (code == CODE_OK)
        code = client_call(c, "PUT", path, "application/json", buf_slice(&body), &a);
    if (code == CODE_OK && a.status / 100 != 2)
        code = client_problem(&a, in->args[0]);
    else if (code == CODE_OK)
        printf("%s%s%s %s %s %s\n", term_style(stdout, STYLE_OK),
               removes           ? "removed"
               : a.status == 201 ? "created"
                                 : "changed",
               term_end(stdout), in->args[0], in->args[1], in->args[2]);
    client_close(c);
    buf_release(&body);
    free(path);
    return code;
}

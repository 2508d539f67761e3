/* type.c - doppel type ls, get, apply, rm: types of twins. */
#include "os/file.h"
#include "server/client.h"
#include "server/run.h"
#include "server/term.h"

#include <stdlib.h>
#include <string.h>

enum { TYPE_MAX = 1 << 20, PAGE = 1000 };

static char *address(struct slice id, const char *behind)
{
    struct buf b = {0};
    buf_add_str(&b, "/api/v1/types/");
    client_escape(&b, id);
    buf_add_str(&b, behind);
    char *path = buf_take(&b);
    if (!path)
        term_problem("out of memory");
    return path;
}

/* ---- ls ---- */

static void put_list(struct table *t, const struct jval *v)
{
    struct buf b = {0};
    const struct jval *one = v && v->type == J_ARRAY ? v->first : v;
    for (; one; one = one == v ? NULL : one->next) {
        buf_add_str(&b, b.n ? ", " : "");
        buf_add_slice(&b, jval_string(one));
    }
    table_cell(t, STYLE_PLAIN, buf_slice(&b));
    buf_release(&b);
}

static void put_count(struct table *t, const struct jval *list)
{
    table_cellf(t, STYLE_PLAIN, "%zu", list ? list->count : 0);
}

static void add_rows(struct table *t, const struct jval *types)
{
    for (const struct jval *v = types ? types->first : NULL; v; v = v->next) {
        const struct jval *doc = jval_get(v, "document");
        table_cell(t, STYLE_PLAIN, member(v, "id"));
        table_cell(t, STYLE_PLAIN, member(v, "version"));
        put_list(t, jval_get(doc, "extends"));
        put_count(t, jval_get(doc, "sensors"));
        put_count(t, jval_get(doc, "commands"));
        put_count(t, jval_get(doc, "settings"));
        table_cell(t, STYLE_PLAIN, member(doc, "name"));
    }
}

/* Page after page into the table, or as they come. */
static int list(const struct invocation *in, struct client *c, struct table *t)
{
    struct buf path = {0}, cursor = {0};
    int code = CODE_OK;
    do {
        struct answer a = {0};
        buf_clear(&path);
        buf_addf(&path, "/api/v1/types?limit=%d", PAGE);
        if (cursor.n) {
            buf_add_str(&path, "&cursor=");
            client_escape(&path, buf_slice(&cursor));
        }
        buf_add_byte(&path, 0);
        code = client_get(c, path.p, &a);
        if (code != CODE_OK)
            break;
        client_json(option_on(in, "json"), a.body);
        add_rows(t, jval_get(a.json, "types"));
        buf_clear(&cursor);
        buf_add_slice(&cursor, member(a.json, "next"));
    } while (cursor.n);
    buf_release(&path);
    buf_release(&cursor);
    return code;
}

int type_ls_run(const struct invocation *in)
{
    static const char *const headings[] = {"ID",       "VERSION",  "EXTENDS", "SENSORS",
                                           "COMMANDS", "SETTINGS", "NAME"};
    struct table *t = table_new(headings, 7);
    struct client *c = NULL;
    int code = t ? client_open(in, &c) : CODE_FAILED;
    if (code == CODE_OK) {
        for (size_t column = 3; column < 6; column++)
            table_align_right(t, column);
        table_align_right(t, 1);
        code = list(in, c, t);
    }
    if (code == CODE_OK && !option_on(in, "json"))
        table_print(t, stdout);
    client_close(c);
    table_free(t);
    return code;
}

/* ---- get ---- */

int type_get_run(const struct invocation *in)
{
    char *path = address(slice_str(in->args[0]), option_on(in, "resolved") ? "?resolved=true"
                                                 : option_on(in, "use")    ? "/use"
                                                                           : "");
    struct client *c = NULL;
    struct answer a = {0};
    int code = path ? client_open(in, &c) : CODE_FAILED;
    if (code == CODE_OK)
        code = client_get(c, path, &a);
    if (code == CODE_OK) {
        struct buf b = {0};
        struct json_writer w;
        json_writer_init(&w, &b, 2);
        jval_write(&w, a.json);
        client_json(true, buf_slice(&b));
        buf_release(&b);
    }
    client_close(c);
    free(path);
    return code;
}

/* ---- apply ---- */

/* The id of the type in a file; p NULL: told why there is none. */
static struct slice id_of(struct arena *a, const char *file, struct slice text)
{
    struct json_error where = {.message = ""};
    struct jval *root;
    if (jdoc_parse(a, text, &root, &where)) {
        term_problem("%s is not JSON: line %d, column %d: %s", file, where.line, where.column,
                     where.message);
        return slice_of(NULL, 0);
    }
    struct slice id = jval_string(jval_get(root, "id"));
    if (!slice_is_id(id))
        term_problem("%s has no \"id\", by which twins say that they are of the type", file);
    return slice_is_id(id) ? id : slice_of(NULL, 0);
}

static int apply_one(struct client *c, const char *file)
{
    struct buf text = {0};
    struct arena *arena = arena_new();
    struct answer a = {0};
    int err = file_read(file, TYPE_MAX, &text), code = CODE_FAILED;
    struct slice id = {0};
    if (err)
        term_problem("%s cannot be read: %s", file, file_why(err));
    else if (arena)
        id = id_of(arena, file, buf_slice(&text));
    char *path = id.p ? address(id, "") : NULL;
    if (path)
        code = client_call(c, "PUT", path, "application/json", buf_slice(&text), &a);
    if (path && code == CODE_OK && a.status != 200 && a.status != 201)
        code = client_problem(&a, file);
    else if (path && code == CODE_OK)
        printf("%s%s%s %.*s\n", term_style(stdout, STYLE_OK),
               a.status == 201 ? "created" : "changed", term_end(stdout), SLICE_ARG(id));
    free(path);
    arena_free(arena);
    buf_release(&text);
    return code;
}

int type_apply_run(const struct invocation *in)
{
    struct client *c = NULL;
    int worst = client_open(in, &c);
    if (worst != CODE_OK)
        return worst;
    for (size_t i = 0; i < in->args_n && worst != CODE_REACH; i++) {
        int code = apply_one(c, in->args[i]);
        worst = code > worst || code == CODE_REACH ? code : worst;
    }
    client_close(c);
    return worst;
}

/* ---- rm ---- */

int type_rm_run(const struct invocation *in)
{
    struct client *c = NULL;
    struct answer a;
    int worst = client_open(in, &c);
    if (worst != CODE_OK)
        return worst;
    for (size_t i = 0; i < in->args_n && worst != CODE_REACH; i++) {
        char *path = address(slice_str(in->args[i]), "");
        int code = path ? client_call(c, "DELETE", path, NULL, (struct slice){0}, &a) : CODE_FAILED;
        free(path);
        if (code == CODE_OK && a.status / 100 == 2)
            printf("%sremoved%s %s\n", term_style(stdout, STYLE_OK), term_end(stdout), in->args[i]);
        else if (code == CODE_OK)
            code = client_problem(&a, in->args[i]);
        worst = code > worst || code == CODE_REACH ? code : worst;
    }
    client_close(c);
    return worst;
}

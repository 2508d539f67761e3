/* twin.c - doppel twin get, apply, rm. */
#include "base/err.h"
#include "server/client.h"
#include "server/file.h"
#include "server/run.h"
#include "server/term.h"

#include <stdlib.h>
#include <string.h>

enum { PROFILE_MAX = 16 << 20 };

static char *twin_path(const char *id, const char *behind)
{
    struct buf b = {0};
    buf_add_str(&b, "/api/v1/twins/");
    client_escape(&b, slice_str(id));
    buf_add_str(&b, behind);
    char *path = buf_take(&b);
    if (!path)
        term_problem("out of memory");
    return path;
}

/* ---- get ---- */

static void print_document(const struct answer *a, bool raw)
{
    struct buf b = {0};
    struct json_writer w;
    if (raw) {
        client_json(true, a->body);
        return;
    }
    json_writer_init(&w, &b, 2);
    jval_write(&w, a->json);
    client_json(true, buf_slice(&b));
    buf_release(&b);
}

int twin_get_run(const struct invocation *in)
{
    const char *behind = option_on(in, "findings") ? "/findings"
                         : option_on(in, "kept")   ? "?live=false"
                                                   : "";
    char *path = twin_path(in->args[0], behind);
    struct client *c = NULL;
    struct answer a = {0};
    int code = path ? client_open(in, &c) : CODE_FAILED;
    if (code == CODE_OK) {
        code = client_get(c, path, &a);
        if (code == CODE_OK)
            print_document(&a, option_on(in, "json"));
        else
            client_json(option_on(in, "json"), a.body);
    }
    client_close(c);
    free(path);
    return code;
}

/* ---- apply ---- */

static void print_applied(const char *id, const struct answer *a)
{
    const struct jval *filled = jval_get(a->json, "filled");
    bool created = a->status == 201;
    printf("%s%s%s %s", term_style(stdout, STYLE_OK), created ? "created" : "changed",
           term_end(stdout), id);
    if (filled && filled->count) {
        fputs("; filled with defaults:", stdout);
        for (const struct jval *f = filled->first; f; f = f->next)
            printf(" %.*s", SLICE_ARG(f->text));
    }
    putchar('\n');
}

/* PUT one profile under its own id. */
static int put_profile(const struct invocation *in, struct client *c, const char *id,
                       struct slice text)
{
    struct answer a = {0};
    char *path = twin_path(id, "");
    if (!path)
        return CODE_FAILED;
    int code = client_call(c, "PUT", path, "application/json", text, &a);
    free(path);
    if (code != CODE_OK)
        return code;
    client_json(option_on(in, "json"), a.body);
    if (a.status != 200 && a.status != 201)
        return client_problem(&a, id);
    if (!option_on(in, "json"))
        print_applied(id, &a);
    return CODE_OK;
}

static int apply_one(const struct invocation *in, struct client *c, const char *path)
{
    const char *name = strcmp(path, "-") == 0 ? "standard input" : path;
    struct buf text = {0};
    struct findings f = {0};
    struct jval *root = NULL;
    struct profile_view view = {0};
    struct arena *a = arena_new();
    char *id = NULL;
    int code = CODE_FAILED, err = file_read(path, PROFILE_MAX, &text);
    if (err) {
        term_problem("%s cannot be read: %s", name, file_why(err));
        goto done;
    }
    /* looked at here first: only here are the lines of the file known */
    if (!a || profile_check(a, buf_slice(&text), &root, &f))
        goto nomem;
    findings_print(stderr, name, &f, option_on(in, "warnings"));
    if (f.core_errors || !root) {
        term_problem("%s: no twin can be made of this before its errors are mended", name);
        code = CODE_NO;
        goto done;
    }
    if (profile_read(a, root, &view) || !(id = arena_strndup(a, view.id.p, view.id.n)))
        goto nomem;
    code = put_profile(in, c, id, buf_slice(&text));
    goto done;
nomem:
    term_problem("out of memory");
done:
    arena_free(a);
    buf_release(&text);
    return code;
}

int twin_apply_run(const struct invocation *in)
{
    struct client *c = NULL;
    int worst = client_open(in, &c);
    if (worst != CODE_OK)
        return worst;
    for (size_t i = 0; i < in->args_n && worst != CODE_REACH; i++) {
        int code = apply_one(in, c, in->args[i]);
        worst = code > worst || code == CODE_REACH ? code : worst;
    }
    client_close(c);
    return worst;
}

/* ---- rm ---- */

int twin_rm_run(const struct invocation *in)
{
    struct client *c = NULL;
    struct answer a;
    int worst = client_open(in, &c);
    if (worst != CODE_OK)
        return worst;
    for (size_t i = 0; i < in->args_n; i++) {
        char *path = twin_path(in->args[i], "");
        int code = path ? client_call(c, "DELETE", path, NULL, (struct slice){0}, &a) : CODE_FAILED;
        free(path);
        if (code == CODE_OK && a.status / 100 == 2)
            printf("%sremoved%s %s\n", term_style(stdout, STYLE_OK), term_end(stdout), in->args[i]);
        else if (code == CODE_OK)
            code = client_problem(&a, in->args[i]);
        worst = code > worst ? code : worst;
        if (code == CODE_REACH)
            break;
    }
    client_close(c);
    return worst;
}

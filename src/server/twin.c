/* twin.c - doppel twin get, rm. */
#include "base/err.h"
#include "server/client.h"
#include "server/run.h"
#include "server/term.h"

#include <stdlib.h>
#include <string.h>

char *twin_address(const char *id, const char *behind)
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
    char *path = twin_address(in->args[0], behind);
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

/* ---- rm ---- */

int twin_rm_run(const struct invocation *in)
{
    struct client *c = NULL;
    struct answer a;
    int worst = client_open(in, &c);
    if (worst != CODE_OK)
        return worst;
    for (size_t i = 0; i < in->args_n; i++) {
        char *path = twin_address(in->args[i], "");
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

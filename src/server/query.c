/* query.c - doppel query: one question in SQL, as a table, CSV, JSON or NDJSON. */
#include "base/clock.h"
#include "base/err.h"
#include "server/client.h"
#include "server/run.h"
#include "server/term.h"
#include "server/timearg.h"

#include <stdlib.h>
#include <string.h>

enum { SQL_MAX = 64 << 10, COLUMNS_SHOWN = 64 };

static int read_question(const struct invocation *in, struct buf *out)
{
    char piece[4096];
    size_t n;
    if (in->args_n && strcmp(in->args[0], "-") != 0) {
        buf_add_str(out, in->args[0]);
        return CODE_OK;
    }
    while (out->n <= SQL_MAX && (n = fread(piece, 1, sizeof piece, stdin)) > 0)
        buf_add(out, piece, n);
    if (out->n <= SQL_MAX && !out->failed)
        return CODE_OK;
    term_problem("a question has at most %d KiB", SQL_MAX >> 10);
    return CODE_FAILED;
}

static int add_at(const struct invocation *in, struct buf *path)
{
    const char *at = option_value(in, "at");
    int64_t t;
    if (!at)
        return CODE_OK;
    if (timearg_parse(slice_str(at), clock_now_us(), &t))
        return command_usage(in->command,
                             "\"%s\" is no time; write 2024-03-15T14:30:00Z, 2024-03-15, Unix "
                             "milliseconds, or how long ago, such as -1h",
                             at);
    buf_add_str(path, "&at=");
    clock_format_ms(path, t);
    return CODE_OK;
}

static int make_path(const struct invocation *in, const char *format, struct buf *path)
{
    static const char *const passed_on[][2] = {{"limit", "limit"}, {"within", "timeout"}};
    buf_addf(path, "/api/v1/query?format=%s", format);
    int code = add_at(in, path);
    for (size_t i = 0; i < sizeof passed_on / sizeof *passed_on && code == CODE_OK; i++) {
        const char *value = option_value(in, passed_on[i][0]);
        if (!value)
            continue;
        buf_addf(path, "&%s=", passed_on[i][1]);
        client_escape(path, slice_str(value));
    }
    buf_add_byte(path, 0);
    return code == CODE_OK && path->failed ? CODE_FAILED : code;
}

/* ---- a table for the eye ---- */

static int print_rows(const struct jval *root)
{
    const struct jval *columns = jval_get(root, "columns"), *rows = jval_get(root, "rows");
    const struct jval *truncated = jval_get(root, "truncated");
    const char *headings[COLUMNS_SHOWN];
    size_t n = 0;
    for (const struct jval *c = columns ? columns->first : NULL; c && n < COLUMNS_SHOWN;
         c = c->next)
        headings[n++] = strndup(c->text.p ? c->text.p : "", c->text.n);
    struct table *t = n ? table_new(headings, n) : NULL;
    for (const struct jval *row = rows ? rows->first : NULL; row && t; row = row->next) {
        size_t i = 0;
        for (const struct jval *v = row->first; v && i < n; v = v->next, i++) {
            struct buf b = {0};
            value_words(&b, v, 17);
            table_cell(t, STYLE_PLAIN, buf_slice(&b));
            buf_release(&b);
        }
    }
    if (t)
        table_print(t, stdout);
    if (t && truncated && truncated->boolean)
        fprintf(stderr, "there is more: --limit takes more rows, --format csv all of them\n");
    table_free(t);
    for (size_t i = 0; i < n; i++)
        free((void *)(uintptr_t)headings[i]);
    return t ? CODE_OK : CODE_FAILED;
}

/* What is wrong, and the line of the question where, with a mark under it. */
static void show_place(const struct answer *a, struct slice sql)
{
    double line = member_number(a->json, "line", 0), column = member_number(a->json, "column", 0);
    struct slice text = {0};
    for (double at = 1; at <= line && slice_cut(&sql, '\n', &text); at++)
        ;
    if (line < 1 || !text.n || text.n > 300)
        return;
    struct buf b = {0};
    term_clean(&b, text, 300);
    fprintf(stderr, "%.*s\n%*s\n", SLICE_ARG(buf_slice(&b)), (int)column, "^");
    buf_release(&b);
}

static int ask(struct client *c, const char *path, struct slice sql, bool json)
{
    struct answer a;
    int code = client_call(c, "POST", path, "text/plain", sql, &a);
    if (code != CODE_OK)
        return code;
    if (a.status != 200) {
        code = client_problem(&a, NULL);
        show_place(&a, sql);
        return code;
    }
    if (!json)
        return print_rows(a.json);
    client_json(true, a.body);
    return CODE_OK;
}

int query_run(const struct invocation *in)
{
    const char *said = option_value(in, "format"), *format = said ? said : "table";
    bool table = strcmp(format, "table") == 0, json = strcmp(format, "json") == 0;
    bool stream = strcmp(format, "csv") == 0 || strcmp(format, "ndjson") == 0;
    struct buf sql = {0}, path = {0};
    struct client *c = NULL;
    if (!table && !json && !stream)
        return command_usage(in->command, "--format is table, csv, json or ndjson");
    int code = read_question(in, &sql);
    if (code == CODE_OK)
        code = make_path(in, stream ? format : "json", &path);
    if (code == CODE_OK)
        code = client_open(in, &c);
    if (code == CODE_OK)
        code = stream ? client_stream_post(c, path.p, "Content-Type: text/plain", buf_slice(&sql),
                                           stdout)
                      : ask(c, path.p, buf_slice(&sql), json);
    client_close(c);
    buf_release(&sql);
    buf_release(&path);
    return code;
}

/* twin_versions.c - doppel twin versions, diff, restore: what a profile was. */
#include "server/manage.h"
#include "server/run.h"
#include "server/term.h"

#include <stdlib.h>

static int refuse_number(const struct invocation *in, const char *text)
{
    return command_usage(in->command,
                         "%s is no number of a version; doppel twin versions lists them", text);
}

static bool is_number(const char *text)
{
    uint64_t n;
    return slice_to_u64(slice_str(text), &n) == 0 && n > 0;
}

/* ---- versions ---- */

static void add_version(struct table *t, const struct jval *v)
{
    const struct jval *gone = jval_get(v, "gone"), *current = jval_get(v, "current");
    struct slice name = member(jval_get(v, "by"), "name"), kind = member(jval_get(v, "by"), "kind");
    struct buf b = {0};
    table_cell(t, STYLE_BOLD, member(v, "n"));
    table_cell(t, STYLE_PLAIN, member(v, "time"));
    term_clean(&b, name.n ? name : kind.n ? kind : SLICE_LIT("not known"), 24);
    table_cell(t, STYLE_PLAIN, buf_slice(&b));
    buf_clear(&b);
    if (gone && gone->boolean)
        buf_add_str(&b, "deleted  ");
    else if (current && current->boolean)
        buf_add_str(&b, "now  ");
    term_clean(&b, member(v, "reason"), 60);
    table_cell(t, STYLE_PLAIN, buf_slice(&b));
    buf_release(&b);
}

int twin_versions_run(const struct invocation *in)
{
    static const char *const headings[] = {"N", "TIME", "BY", "WHY"};
    struct manage m;
    int code = manage_begin(&m, in, false);
    if (code == CODE_OK)
        code = manage_get(&m, "/api/v1/twins/%s/versions?limit=1000", in->args[0]);
    if (code == CODE_OK && !option_on(in, "json")) {
        struct table *t = table_new(headings, 4);
        const struct jval *list = jval_get(m.answer.json, "versions");
        for (const struct jval *v = list ? list->first : NULL; v && t; v = v->next)
            add_version(t, v);
        if (t)
            table_print(t, stdout);
        table_free(t);
    }
    manage_end(&m);
    return code;
}

/* ---- diff ---- */

static void print_side(const char *sign, enum style style, const struct jval *v)
{
    struct buf b = {0};
    struct json_writer w;
    if (!v)
        return;
    json_writer_init(&w, &b, 0);
    jval_write(&w, v);
    printf("  %s%s %.*s%s\n", term_style(stdout, style), sign, (int)b.n, b.n ? b.p : "",
           term_end(stdout));
    buf_release(&b);
}

int twin_diff_run(const struct invocation *in)
{
    struct manage m;
    for (size_t i = 1; i < in->args_n; i++)
        if (!is_number(in->args[i]))
            return refuse_number(in, in->args[i]);
    int code = manage_begin(&m, in, false);
    if (code == CODE_OK && in->args_n > 2)
        code = manage_get(&m, "/api/v1/twins/%s/diff?from=%s&to=%s", in->args[0], in->args[1],
                          in->args[2]);
    else if (code == CODE_OK)
        code = manage_get(&m, "/api/v1/twins/%s/diff?from=%s", in->args[0], in->args[1]);
    if (code == CODE_OK && !option_on(in, "json")) {
        const struct jval *list = jval_get(m.answer.json, "changes");
        for (const struct jval *c = list ? list->first : NULL; c; c = c->next) {
            struct slice pointer = member(c, "pointer");
            printf("%.*s\n", pointer.n ? (int)pointer.n : 1, pointer.n ? pointer.p : "/");
            print_side("-", STYLE_BAD, jval_get(c, "before"));
            print_side("+", STYLE_OK, jval_get(c, "after"));
        }
        if (list && !list->count)
            puts("no difference");
    }
    manage_end(&m);
    return code;
}

/* ---- restore ---- */

int twin_restore_run(const struct invocation *in)
{
    const char *reason = option_value(in, "reason");
    struct buf body = {0};
    struct json_writer w;
    struct manage m;
    if (!is_number(in->args[1]))
        return refuse_number(in, in->args[1]);
    int code = manage_begin(&m, in, false);
    json_writer_init(&w, &body, 0);
    json_open(&w, '{');
    json_key(&w, "version");
    json_put_raw(&w, slice_str(in->args[1]));
    if (reason) {
        json_key(&w, "reason");
        json_put_cstr(&w, reason);
    }
    json_close(&w, '}');
    if (code == CODE_OK)
        code = manage_do(&m, "POST", &body, in->args[0], "/api/v1/twins/%s/restore", in->args[0]);
    if (code == CODE_OK && !option_on(in, "json"))
        printf("%srestored%s %s as it was in version %s\n", term_style(stdout, STYLE_OK),
               term_end(stdout), in->args[0], in->args[1]);
    buf_release(&body);
    manage_end(&m);
    return code;
}

#include "server/manage.h"

#include "base/clock.h"
#include "base/err.h"
#include "server/term.h"

#include <stdlib.h>

int manage_begin(struct manage *m, const struct invocation *in, bool with_org)
{
    *m = (struct manage){.in = in};
    int code = client_open(in, &m->client);
    const char *named = with_org && code == CODE_OK ? option_value(in, "org") : NULL;
    if (named)
        snprintf(m->org, sizeof m->org, "%s", named);
    if (code != CODE_OK || !with_org || named)
        return code;
    code = client_get(m->client, "/api/v1/session", &m->answer);
    if (code != CODE_OK)
        return code;
    struct slice id = member(jval_get(m->answer.json, "organization"), "id");
    if (!id.n) {
        term_problem("nobody is signed in, or belongs to no organisation: doppel login, or name "
                     "one with --org");
        return CODE_REFUSED;
    }
    snprintf(m->org, sizeof m->org, "%.*s", SLICE_ARG(id));
    return CODE_OK;
}

void manage_end(struct manage *m)
{
    client_close(m->client);
}

/* ---- calls ---- */

/* Only %s, each escaped. */
static void write_path(struct buf *path, const char *format, va_list args)
{
    for (const char *p = format; *p; p++) {
        if (p[0] != '%' || p[1] != 's') {
            buf_add_byte(path, (unsigned char)*p);
            continue;
        }
        client_escape(path, slice_str(va_arg(args, const char *)));
        p++;
    }
    buf_add_byte(path, 0);
}

int manage_get(struct manage *m, const char *format, ...)
{
    struct buf path = {0};
    va_list args;
    va_start(args, format);
    write_path(&path, format, args);
    va_end(args);
    int code = path.failed ? CODE_FAILED : client_get(m->client, path.p, &m->answer);
    buf_release(&path);
    if (code != CODE_REACH && code != CODE_FAILED)
        client_json(option_on(m->in, "json"), m->answer.body);
    return code;
}

int manage_do(struct manage *m, const char *method, const struct buf *body, const char *doing,
              const char *format, ...)
{
    struct buf path = {0};
    va_list args;
    va_start(args, format);
    write_path(&path, format, args);
    va_end(args);
    struct slice text = body ? buf_slice(body) : slice_of(NULL, 0);
    int code = CODE_FAILED;
    if (path.failed || (body && body->failed))
        term_problem("out of memory");
    else
        code = client_call(m->client, method, path.p, body ? "application/json" : NULL, text,
                           &m->answer);
    buf_release(&path);
    if (code != CODE_OK)
        return code;
    if (m->answer.body.n)
        client_json(option_on(m->in, "json"), m->answer.body);
    return m->answer.status / 100 == 2 ? CODE_OK : client_problem(&m->answer, doing);
}

/* ---- bodies ---- */

void form_begin(struct json_writer *w, struct buf *out)
{
    json_writer_init(w, out, 0);
    json_open(w, '{');
}

void form_text(struct json_writer *w, const char *key, const char *text)
{
    if (!text)
        return;
    json_key(w, key);
    json_put_cstr(w, text);
}

void form_expires(struct json_writer *w, int64_t from_now_us)
{
    if (!from_now_us)
        return;
    json_key(w, "expires");
    json_put_time(w, clock_now_us() + from_now_us);
}

int manage_for(const struct invocation *in, int64_t *ret_us)
{
    const char *text = option_value(in, "for");
    *ret_us = 0;
    if (!text || clock_parse_duration(slice_str(text), ret_us) == 0)
        return CODE_OK;
    return command_usage(in->command, "--for is a duration such as 12h, 7d or 1y, not \"%s\"",
                         text);
}

/* ---- tables ---- */

static const struct jval *at_path(const struct jval *v, struct slice path)
{
    struct slice one;
    while (v && slice_cut(&path, '.', &one))
        v = jval_get_slice(v, one);
    return v && v->type != J_NULL ? v : NULL;
}

static void write_cell(struct buf *out, const struct jval *row, const char *members)
{
    struct slice rest = slice_str(members), one;
    const struct jval *v = NULL;
    while (!v && slice_cut(&rest, '|', &one))
        v = at_path(row, one);
    if (v && v->type == J_ARRAY) {
        for (const struct jval *e = v->first; e; e = e->next) {
            term_clean(out, jval_string(e), 40);
            if (e->next)
                buf_add_byte(out, ' ');
        }
    } else if (v && v->type == J_BOOL) {
        buf_add_str(out, v->boolean ? "yes" : "no");
    } else if (v) {
        term_clean(out, v->text, 60);
    } else {
        buf_add_byte(out, '-');
    }
}

void manage_table(const struct manage *m, const char *array, const struct manage_column *columns,
                  size_t n, const char *none)
{
    const char *headings[8];
    const struct jval *list = jval_get(m->answer.json, array);
    if (option_on(m->in, "json"))
        return; /* printed already */
    if (!list || !list->first) {
        puts(none);
        return;
    }
    for (size_t i = 0; i < n; i++)
        headings[i] = columns[i].heading;
    struct table *t = table_new(headings, n);
    for (const struct jval *row = t ? list->first : NULL; row; row = row->next) {
        for (size_t i = 0; i < n; i++) {
            struct buf cell = {0};
            write_cell(&cell, row, columns[i].members);
            table_cell(t, i ? STYLE_PLAIN : STYLE_BOLD, buf_slice(&cell));
            buf_release(&cell);
        }
    }
    if (t)
        table_print(t, stdout);
    table_free(t);
    if (member(m->answer.json, "next").n)
        puts("... and more: --json, or the page, has them all");
}

/* ---- members ---- */

int manage_find_member(struct manage *m, const char *who, struct buf *ret_id)
{
    struct buf path = {0};
    const struct jval *found = NULL;
    size_t n = 0;
    buf_add_str(&path, "/api/v1/organizations/");
    client_escape(&path, slice_str(m->org));
    buf_add_str(&path, "/members");
    buf_add_byte(&path, 0);
    int code = path.failed ? CODE_FAILED : client_get(m->client, path.p, &m->answer);
    buf_release(&path);
    const struct jval *list = code == CODE_OK ? jval_get(m->answer.json, "members") : NULL;
    for (const struct jval *p = list ? list->first : NULL; p; p = p->next) {
        bool exact = slice_is(member(p, "id"), who) || slice_is_nocase(member(p, "email"), who);
        if (!exact && !slice_is_nocase(member(p, "name"), who))
            continue;
        found = p;
        n = exact ? 1 : n + 1;
        if (exact)
            break;
    }
    if (code == CODE_OK && n != 1) {
        term_problem(n ? "%s has several members called \"%s\": name one by e-mail address"
                       : "%s has no member \"%s\"",
                     m->org, who);
        return CODE_MISSING;
    }
    if (found)
        buf_add_slice(ret_id, member(found, "id"));
    buf_add_byte(ret_id, 0);
    return code;
}

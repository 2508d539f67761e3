/* twin_ls.c - doppel twin ls: the twins of a server, their state and newest values. */
#include "base/clock.h"
#include "server/client.h"
#include "server/run.h"
#include "server/term.h"

#include <string.h>

static void add_query(struct buf *path, const char *name, const char *value)
{
    if (!value)
        return;
    buf_addf(path, "&%s=", name);
    client_escape(path, slice_str(value));
}

static enum style style_of(const struct jval *twin)
{
    struct slice state = member(twin, "state");
    return slice_is(state, "live") ? STYLE_OK : slice_is(state, "stale") ? STYLE_WARN : STYLE_DIM;
}

/* The newest values in one line, and how bad the worst of them is. */
static enum style write_values(struct buf *b, const struct jval *twin)
{
    enum style worst = STYLE_PLAIN;
    const struct jval *sensors = jval_get(twin, "sensors");
    for (const struct jval *s = sensors ? sensors->first : NULL; s; s = s->next) {
        struct slice level = member(s, "level"), unit = member(s, "unit");
        if (b->n)
            buf_add_str(b, "  ");
        buf_add_slice(b, member(s, "id"));
        buf_add_byte(b, ' ');
        value_words(b, jval_get(s, "value"), 5);
        if (unit.n && !slice_is(unit, "1")) {
            buf_add_byte(b, ' ');
            buf_add_slice(b, unit);
        }
        if (slice_is(level, "critical")) {
            buf_add_str(b, " (critical)");
            worst = STYLE_BAD;
        } else if (slice_is(level, "warning")) {
            buf_add_str(b, " (warning)");
            worst = worst == STYLE_BAD ? worst : STYLE_WARN;
        }
    }
    return worst;
}

static void add_row(struct table *t, const struct jval *twin, int64_t now_us)
{
    struct buf b = {0};
    int64_t synced;
    table_cell(t, STYLE_BOLD, member(twin, "id"));
    table_cell(t, style_of(twin), member(twin, "state"));
    if (clock_parse(member(twin, "lastSynced"), &synced) == 0)
        age_words(&b, (double)(now_us - synced) / 1e6);
    else
        buf_add_str(&b, "never");
    table_cell(t, STYLE_PLAIN, buf_slice(&b));
    buf_clear(&b);
    term_clean(&b, member(twin, "name"), 24);
    table_cell(t, STYLE_PLAIN, buf_slice(&b));
    buf_clear(&b);
    enum style worst = write_values(&b, twin);
    table_cell(t, worst, buf_slice(&b));
    buf_release(&b);
}

struct listing {
    const struct invocation *in;
    struct table *table;
    struct json_writer *json;
    int64_t now_us;
    size_t n;
};

static void take_page(struct listing *l, const struct jval *items)
{
    for (const struct jval *t = items ? items->first : NULL; t; t = t->next, l->n++) {
        if (l->json)
            jval_write(l->json, t);
        else if (l->table)
            add_row(l->table, t, l->now_us);
        else
            printf("%.*s\n", SLICE_ARG(member(t, "id")));
    }
}

/* All pages, one after the other. */
static int list_all(struct client *c, struct listing *l)
{
    struct buf path = {0}, cursor = {0};
    struct answer a;
    int code;
    do {
        buf_clear(&path);
        buf_addf(&path, "/api/v1/twins?limit=500&sensors=%s",
                 option_on(l->in, "ids") ? "0"
                 : l->json               ? "10000"
                                         : "4");
        add_query(&path, "name", option_value(l->in, "name"));
        add_query(&path, "type", option_value(l->in, "type"));
        add_query(&path, "state", option_value(l->in, "state"));
        if (cursor.n) {
            buf_add_byte(&cursor, 0);
            add_query(&path, "cursor", cursor.p);
        }
        buf_add_byte(&path, 0);
        if (path.failed || cursor.failed) {
            term_problem("out of memory");
            code = CODE_FAILED;
            break;
        }
        code = client_get(c, path.p, &a);
        if (code != CODE_OK) {
            client_json(l->json && code != CODE_REACH, a.body);
            break;
        }
        take_page(l, jval_get(a.json, "items"));
        buf_clear(&cursor);
        buf_add_slice(&cursor, member(a.json, "next"));
    } while (cursor.n);
    buf_release(&path);
    buf_release(&cursor);
    return code;
}

int twin_ls_run(const struct invocation *in)
{
    static const char *const headings[] = {"TWIN", "STATE", "AGE", "NAME", "VALUES"};
    struct listing l = {.in = in, .now_us = clock_now_us()};
    struct client *c = NULL;
    struct buf out = {0};
    struct json_writer w;
    int code = client_open(in, &c);
    if (code != CODE_OK)
        return code;
    if (option_on(in, "json")) {
        json_writer_init(&w, &out, 0);
        l.json = &w;
        json_open(&w, '{');
        json_key(&w, "items");
        json_open(&w, '[');
    } else if (!option_on(in, "ids")) {
        l.table = table_new(headings, 5);
    }
    code = list_all(c, &l);
    if (l.json && code == CODE_OK) {
        json_close(&w, ']');
        json_key(&w, "total");
        json_put_uint(&w, l.n);
        json_close(&w, '}');
        client_json(true, buf_slice(&out));
    } else if (l.table && code == CODE_OK) {
        if (l.n)
            table_print(l.table, stdout);
        else
            puts("no twins");
    }
    table_free(l.table);
    buf_release(&out);
    client_close(c);
    return code;
}

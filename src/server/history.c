/* history.c - doppel history: what a sensor was, as a table, CSV or JSON. */
#include "base/clock.h"
#include "base/err.h"
#include "server/client.h"
#include "server/run.h"
#include "server/term.h"
#include "server/timearg.h"

#include <stdlib.h>
#include <string.h>

enum form { FORM_TABLE, FORM_CSV, FORM_JSON };

struct past {
    const struct invocation *in;
    struct client *client;
    enum form form;
    bool quality;
    long left; /* points still wanted; 0: all */
    size_t n;  /* printed */
    bool cut;  /* there are more than were wanted */
    struct buf out;
    struct json_writer json;
    struct buf unit;
};

static int add_time(struct past *p, struct buf *path, char before, const char *name)
{
    const char *text = option_value(p->in, name);
    int64_t t;
    if (timearg_parse(slice_str(text), clock_now_us(), &t))
        return command_usage(p->in->command,
                             "\"%s\" is no time; write 2024-03-15T14:30:00Z, 2024-03-15, Unix "
                             "milliseconds, or how long ago, such as -1h",
                             text);
    buf_addf(path, "%c%s=", before, name);
    clock_format_ms(path, t);
    return CODE_OK;
}

static int make_path(struct past *p, struct buf *path)
{
    const struct invocation *in = p->in;
    const char *points = option_value(in, "points"), *every = option_value(in, "every");
    int code;
    buf_add_str(path, "/api/v1/twins/");
    client_escape(path, slice_str(in->args[0]));
    buf_add_str(path, "/sensors/");
    client_escape(path, slice_str(in->args[1]));
    buf_add_str(path, "/history");
    if ((code = add_time(p, path, '?', "from")) != CODE_OK ||
        (code = add_time(p, path, '&', "to")) != CODE_OK)
        return code;
    if (points && every)
        return command_usage(in->command, "choose either --points or --every");
    if (option_value(in, "fn") && !every)
        return command_usage(in->command, "--fn needs the step: --every DURATION");
    if (points) {
        buf_add_str(path, "&points=");
        client_escape(path, slice_str(points));
    } else if (every) {
        buf_add_str(path, "&every=");
        client_escape(path, slice_str(every));
        buf_add_str(path, "&fn=");
        client_escape(path, slice_str(option_value(in, "fn") ? option_value(in, "fn") : "mean"));
    } else if (p->quality) {
        buf_add_str(path, "&quality=true");
    }
    return path->failed ? CODE_FAILED : CODE_OK;
}

/* ---- points out ---- */

static void put_csv_text(struct buf *b, struct slice s)
{
    bool plain = slice_find(s, ',') < 0 && slice_find(s, '"') < 0 && slice_find(s, '\n') < 0 &&
                 slice_find(s, '\r') < 0;
    if (plain) {
        buf_add_slice(b, s);
        return;
    }
    buf_add_byte(b, '"');
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '"')
            buf_add_byte(b, '"');
        buf_add_byte(b, (unsigned char)s.p[i]);
    }
    buf_add_byte(b, '"');
}

static void print_point(struct past *p, const struct jval *point)
{
    const struct jval *t = jval_at(point, 0), *v = jval_at(point, 1), *q = jval_at(point, 2);
    struct buf *b = &p->out;
    double ms = 0;
    jval_number(t, &ms);
    if (p->form == FORM_CSV) {
        clock_format(b, (int64_t)(ms * 1000 + 0.5));
        buf_add_byte(b, ',');
        if (v && v->type == J_STRING)
            put_csv_text(b, v->text);
        else
            value_words(b, v, 0);
        if (q)
            buf_addf(b, ",%.*s", SLICE_ARG(q->text));
    } else {
        time_words(b, ms);
        buf_add_str(b, "  ");
        value_words(b, v, 0);
        if (q && !slice_is(q->text, "good"))
            buf_addf(b, "  %.*s", SLICE_ARG(q->text));
    }
    buf_add_byte(b, '\n');
    if (b->n > 65536) {
        fwrite(b->p, 1, b->n, stdout);
        buf_clear(b);
    }
}

/* The head of the document once, its points page by page. */
static void begin_json(struct past *p, const struct jval *answer)
{
    json_writer_init(&p->json, &p->out, 0);
    json_open(&p->json, '{');
    for (const struct jval *m = answer->first; m; m = m->next) {
        if (slice_is(m->key, "points") || slice_is(m->key, "next") || slice_is(m->key, "limit"))
            continue;
        json_key_slice(&p->json, m->key);
        jval_write(&p->json, m);
    }
    json_key(&p->json, "points");
    json_open(&p->json, '[');
}

static void take_points(struct past *p, const struct jval *answer)
{
    const struct jval *points = jval_get(answer, "points");
    for (const struct jval *point = points ? points->first : NULL; point; point = point->next) {
        if (p->left && p->n == (size_t)p->left) {
            p->cut = true;
            return;
        }
        if (p->form == FORM_JSON)
            jval_write(&p->json, point);
        else
            print_point(p, point);
        p->n++;
    }
}

static int read_pages(struct past *p, struct buf *path)
{
    struct buf cursor = {0}, page = {0};
    struct answer a = {0};
    int code;
    for (;;) {
        buf_clear(&page);
        buf_add_slice(&page, buf_slice(path));
        bool raw = !option_value(p->in, "points") && !option_value(p->in, "every");
        if (raw) {
            size_t rest = p->left ? (size_t)p->left - p->n + 1 : 100000;
            buf_addf(&page, "&limit=%zu", rest < 100000 ? rest : 100000);
        }
        if (cursor.n) {
            buf_add_str(&page, "&cursor=");
            client_escape(&page, buf_slice(&cursor));
        }
        buf_add_byte(&page, 0);
        code = page.failed ? CODE_FAILED : client_get(p->client, page.p, &a);
        if (code != CODE_OK) {
            client_json(p->form == FORM_JSON, a.body);
            break;
        }
        if (p->n == 0 && !cursor.n && p->form == FORM_JSON)
            begin_json(p, a.json);
        buf_clear(&p->unit);
        buf_add_slice(&p->unit, member(a.json, "unit"));
        take_points(p, a.json);
        buf_clear(&cursor);
        const struct jval *next = jval_get(a.json, "next");
        if (p->cut || !next || next->type == J_NULL)
            break;
        buf_add_slice(&cursor, next->text);
    }
    buf_release(&cursor);
    buf_release(&page);
    return code;
}

int history_run(const struct invocation *in)
{
    struct past p = {.in = in, .quality = option_on(in, "quality")};
    struct buf path = {0};
    p.form = option_on(in, "json") ? FORM_JSON : option_on(in, "csv") ? FORM_CSV : FORM_TABLE;
    int code = option_count(in, "limit", 0, 1000000000, &p.left);
    if (code == CODE_OK && !option_value(in, "limit"))
        p.left = p.form == FORM_TABLE ? 1000 : 0;
    if (code == CODE_OK)
        code = make_path(&p, &path);
    if (code == CODE_OK)
        code = client_open(in, &p.client);
    if (code == CODE_OK) {
        if (p.form == FORM_CSV)
            buf_addf(&p.out, "time,value%s\n", p.quality ? ",quality" : "");
        code = read_pages(&p, &path);
    }
    if (code == CODE_OK && p.form == FORM_JSON) {
        json_close(&p.json, ']');
        json_close(&p.json, '}');
        buf_add_byte(&p.out, '\n');
    }
    if (code == CODE_OK)
        fwrite(p.out.p ? p.out.p : "", 1, p.out.n, stdout);
    if (code == CODE_OK && p.form == FORM_TABLE) {
        fflush(stdout);
        fprintf(stderr, "%s%zu point%s%s%.*s%s%s\n", term_style(stderr, STYLE_DIM), p.n,
                p.n == 1 ? "" : "s", p.unit.n ? " in " : "", SLICE_ARG(buf_slice(&p.unit)),
                p.cut ? "; there are more: --limit N, --points N or --every DURATION" : "",
                term_end(stderr));
    }
    client_close(p.client);
    buf_release(&path);
    buf_release(&p.out);
    buf_release(&p.unit);
    return code;
}

/* history.c - doppel history: what a sensor was, as a table, CSV or JSON. */
#include "server/history.h"
#include "base/clock.h"
#include "base/err.h"
#include "server/client.h"
#include "server/run.h"
#include "server/term.h"
#include "server/timearg.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum form { FORM_TABLE, FORM_CSV, FORM_JSON };

struct past {
    const struct invocation *in;
    struct client *client;
    enum form form;
    bool quality;
    long limit;    /* the newest so many; 0: all */
    char **newest; /* a ring of them, each as it will be printed */
    size_t n;      /* points met */
    struct buf out;
    struct json_writer json;
    struct buf unit;
};

static int add_time(const struct invocation *in, struct buf *path, char before, const char *name)
{
    const char *text = option_value(in, name);
    int64_t t;
    if (timearg_parse(slice_str(text), clock_now_us(), &t))
        return command_usage(in->command,
                             "\"%s\" is no time; write 2024-03-15T14:30:00Z, 2024-03-15, Unix "
                             "milliseconds, or how long ago, such as -1h",
                             text);
    buf_addf(path, "%c%s=", before, name);
    clock_format_ms(path, t);
    return CODE_OK;
}

int history_path(const struct invocation *in, struct buf *path)
{
    buf_add_str(path, "/api/v1/twins/");
    client_escape(path, slice_str(in->args[0]));
    buf_add_str(path, "/sensors/");
    client_escape(path, slice_str(in->args[1]));
    buf_add_str(path, "/history");
    int code = add_time(in, path, '?', "from");
    if (code == CODE_OK)
        code = add_time(in, path, '&', "to");
    buf_add_byte(path, 0);
    path->n -= !path->failed;
    return code == CODE_OK && path->failed ? CODE_FAILED : code;
}

static int make_path(struct past *p, struct buf *path)
{
    const struct invocation *in = p->in;
    const char *points = option_value(in, "points"), *every = option_value(in, "every");
    int code = history_path(in, path);
    if (code != CODE_OK)
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

static void write_point(struct past *p, struct buf *b, const struct jval *point)
{
    const struct jval *t = jval_at(point, 0), *v = jval_at(point, 1), *q = jval_at(point, 2);
    double ms = 0;
    jval_number(t, &ms);
    if (p->form == FORM_JSON) {
        struct json_writer w;
        json_writer_init(&w, b, 0);
        jval_write(&w, point);
    } else if (p->form == FORM_CSV) {
        clock_format(b, llround(ms * 1000));
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
}

static void print_text(struct past *p, const char *text, size_t n)
{
    if (p->form == FORM_JSON) {
        json_put_raw(&p->json, slice_of(text, n));
    } else {
        buf_add(&p->out, text, n);
        buf_add_byte(&p->out, '\n');
    }
    if (p->out.n > 65536) {
        fwrite(p->out.p, 1, p->out.n, stdout);
        buf_clear(&p->out);
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

static int take_points(struct past *p, const struct jval *answer)
{
    const struct jval *points = jval_get(answer, "points");
    struct buf b = {0};
    for (const struct jval *point = points ? points->first : NULL; point; point = point->next) {
        buf_clear(&b);
        write_point(p, &b, point);
        if (!p->limit) {
            print_text(p, b.p, b.n);
        } else {
            char **place = &p->newest[p->n % (size_t)p->limit];
            free(*place);
            struct buf copy = {0};
            buf_add(&copy, b.p, b.n);
            *place = buf_take(&copy);
            b.failed |= !*place;
        }
        p->n++;
        if (b.failed)
            break;
    }
    bool failed = b.failed;
    buf_release(&b);
    if (failed)
        term_problem("out of memory");
    return failed ? CODE_FAILED : CODE_OK;
}

/* What the ring holds, the oldest first. */
static void print_newest(struct past *p)
{
    size_t limit = (size_t)p->limit, from = p->n > limit ? p->n - limit : 0;
    for (size_t i = from; limit && i < p->n; i++)
        print_text(p, p->newest[i % limit], strlen(p->newest[i % limit]));
}

static int read_pages(struct past *p, struct buf *path)
{
    struct buf cursor = {0}, page = {0};
    struct answer a = {0};
    int code;
    for (;;) {
        buf_clear(&page);
        buf_add_slice(&page, buf_slice(path));
        if (!option_value(p->in, "points") && !option_value(p->in, "every"))
            buf_add_str(&page, "&limit=100000");
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
        code = take_points(p, a.json);
        buf_clear(&cursor);
        const struct jval *next = jval_get(a.json, "next");
        if (code != CODE_OK || !next || next->type == J_NULL)
            break;
        buf_add_slice(&cursor, next->text);
    }
    buf_release(&cursor);
    buf_release(&page);
    return code;
}

static void print_footer(const struct past *p)
{
    struct slice unit = buf_slice(&p->unit);
    bool named = unit.n && !slice_is(unit, "1");
    fflush(stdout);
    fprintf(stderr, "%s%zu point%s%s%.*s", term_style(stderr, STYLE_DIM), p->n,
            p->n == 1 ? "" : "s", named ? " in " : "", named ? (int)unit.n : 0,
            named ? unit.p : "");
    if (p->limit && p->n > (size_t)p->limit)
        fprintf(stderr, ", the newest %ld shown (--limit N, --points N, --every DURATION)",
                p->limit);
    fprintf(stderr, "%s\n", term_end(stderr));
}

static int read_limit(struct past *p)
{
    int code = option_count(p->in, "limit", 0, 10000000, &p->limit);
    if (code == CODE_OK && !option_value(p->in, "limit"))
        p->limit = p->form == FORM_TABLE ? 1000 : 0;
    if (code == CODE_OK && p->limit && !(p->newest = calloc((size_t)p->limit, sizeof *p->newest))) {
        term_problem("out of memory");
        return CODE_FAILED;
    }
    return code;
}

static int print_past(struct past *p, struct buf *path)
{
    if (p->form == FORM_CSV)
        buf_addf(&p->out, "time,value%s\n", p->quality ? ",quality" : "");
    int code = read_pages(p, path);
    if (code != CODE_OK)
        return code;
    print_newest(p);
    if (p->form == FORM_JSON) {
        json_close(&p->json, ']');
        json_close(&p->json, '}');
        buf_add_byte(&p->out, '\n');
    }
    fwrite(p->out.p ? p->out.p : "", 1, p->out.n, stdout);
    if (p->form == FORM_TABLE)
        print_footer(p);
    return CODE_OK;
}

int history_run(const struct invocation *in)
{
    if (option_on(in, "delete"))
        return history_delete_run(in);
    struct past p = {.in = in, .quality = option_on(in, "quality")};
    struct buf path = {0};
    p.form = option_on(in, "json") ? FORM_JSON : option_on(in, "csv") ? FORM_CSV : FORM_TABLE;
    int code = read_limit(&p);
    if (code == CODE_OK)
        code = make_path(&p, &path);
    if (code == CODE_OK)
        code = client_open(in, &p.client);
    if (code == CODE_OK)
        code = print_past(&p, &path);
    for (long i = 0; p.newest && i < p.limit; i++)
        free(p.newest[i]);
    free(p.newest);
    client_close(p.client);
    buf_release(&path);
    buf_release(&p.out);
    buf_release(&p.unit);
    return code;
}

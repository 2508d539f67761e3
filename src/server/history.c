/* history.c - doppel history: what a sensor was, as a table, CSV or JSON.
 *
 * CSV, NDJSON and many sensors go to standard output as the server sends them; a table, JSON, and
 * the newest N are put together here, page by page. */
#include "server/history.h"
#include "base/clock.h"
#include "base/err.h"
#include "codec/csv_text.h"
#include "server/client.h"
#include "server/run.h"
#include "server/term.h"
#include "server/timearg.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum form { FORM_TABLE, FORM_CSV, FORM_JSON, FORM_NDJSON };

struct past {
    const struct invocation *in;
    struct client *client;
    enum form form;
    bool many; /* TWIN/SENSOR... instead of TWIN SENSOR */
    bool quality;
    long limit;    /* the newest so many; 0: all */
    char **newest; /* a ring of them, each as it will be printed */
    size_t n;      /* points met */
    struct buf out;
    struct json_writer json;
    struct buf unit;
};

static int add_time(const struct invocation *in, struct buf *path, const char *name)
{
    const char *text = option_value(in, name);
    int64_t t;
    if (timearg_parse(slice_str(text), clock_now_us(), &t))
        return command_usage(in->command,
                             "\"%s\" is no time; write 2024-03-15T14:30:00Z, 2024-03-15, Unix "
                             "milliseconds, or how long ago, such as -1h",
                             text);
    buf_addf(path, "%s=", name);
    clock_format_ms(path, t);
    return CODE_OK;
}

static int add_span(const struct invocation *in, struct buf *path)
{
    int code = add_time(in, path, "from");
    if (code != CODE_OK)
        return code;
    buf_add_byte(path, '&');
    return add_time(in, path, "to");
}

static void add_sensor(const struct invocation *in, struct buf *path)
{
    buf_add_str(path, "/api/v1/twins/");
    client_escape(path, slice_str(in->args[0]));
    buf_add_str(path, "/sensors/");
    client_escape(path, slice_str(in->args[1]));
    buf_add_str(path, "/history?");
}

int history_path(const struct invocation *in, struct buf *path)
{
    add_sensor(in, path);
    int code = add_span(in, path);
    buf_add_byte(path, 0);
    path->n -= !path->failed;
    return code == CODE_OK && path->failed ? CODE_FAILED : code;
}

static void add_option(const struct invocation *in, struct buf *path, const char *name)
{
    const char *value = option_value(in, name);
    if (!value)
        return;
    buf_addf(path, "&%s=", name);
    client_escape(path, slice_str(value));
}

static void add_names(const struct past *p, struct buf *path)
{
    const struct invocation *in = p->in;
    if (!p->many) {
        add_sensor(in, path);
        return;
    }
    buf_add_str(path, "/api/v1/history?series=");
    for (size_t i = 0; i < in->args_n; i++) {
        if (i)
            buf_add_byte(path, ',');
        client_escape(path, slice_str(in->args[i]));
    }
    buf_add_byte(path, '&');
}

static int make_path(struct past *p, struct buf *path)
{
    static const char *const passed_on[] = {"points", "every", "fn", "tz", "fill"};
    const struct invocation *in = p->in;
    int code;
    if (option_value(in, "points") && option_value(in, "every"))
        return command_usage(in->command, "choose either --points or --every");
    if (option_value(in, "fn") && !option_value(in, "every") && !option_value(in, "points"))
        return command_usage(in->command, "--fn needs the step: --every STEP, or --points N");
    add_names(p, path);
    if ((code = add_span(in, path)) != CODE_OK)
        return code;
    for (size_t i = 0; i < sizeof passed_on / sizeof passed_on[0]; i++)
        add_option(in, path, passed_on[i]);
    if (p->quality)
        buf_add_str(path, "&quality=true");
    if (option_on(in, "before"))
        buf_add_str(path, "&before=true");
    return path->failed ? CODE_FAILED : CODE_OK;
}

/* TWIN SENSOR, or every argument with a slash; and a form that can show it. */
static int read_names(struct past *p)
{
    const struct invocation *in = p->in;
    size_t slashes = 0;
    for (size_t i = 0; i < in->args_n; i++)
        slashes += strchr(in->args[i], '/') != NULL;
    p->many = slashes == in->args_n;
    if (!p->many && (slashes || in->args_n != 2))
        return command_usage(in->command, in->args_n < 2
                                              ? "SENSOR is missing: TWIN SENSOR, or TWIN/SENSOR"
                                              : "several sensors are named TWIN/SENSOR");
    if (p->many && p->form == FORM_TABLE)
        return command_usage(in->command, "several sensors go with --csv, --ndjson or --json");
    bool newest = option_value(in, "limit") && p->limit;
    if (newest && (p->many || p->form == FORM_NDJSON))
        return command_usage(in->command,
                             "--limit goes with one sensor, as a table, --csv or --json");
    return CODE_OK;
}

/* ---- points out ---- */

/* A value that is not the first of its line. */
static void write_value(const struct past *p, struct buf *b, const struct jval *v, bool is_quality)
{
    bool csv = p->form == FORM_CSV;
    if (!csv && is_quality && slice_is(v->text, "good"))
        return;
    buf_add_str(b, csv ? "," : "  ");
    if (csv && v->type == J_STRING)
        csv_put_text(b, v->text);
    else if (!csv || v->type != J_NULL)
        value_words(b, v, 0);
}

static void write_point(struct past *p, struct buf *b, const struct jval *point)
{
    const struct jval *t = jval_at(point, 0);
    double ms = 0;
    jval_number(t, &ms);
    if (p->form == FORM_JSON) {
        struct json_writer w;
        json_writer_init(&w, b, 0);
        jval_write(&w, point);
        return;
    }
    if (p->form == FORM_CSV)
        clock_format(b, llround(ms * 1000));
    else
        time_words(b, ms);
    for (const struct jval *v = t ? t->next : NULL; v; v = v->next)
        write_value(p, b, v, p->quality && !v->next);
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

static void take_point(struct past *p, struct buf *b, const struct jval *point)
{
    buf_clear(b);
    write_point(p, b, point);
    if (!p->limit) {
        print_text(p, b->p, b->n);
    } else {
        char **place = &p->newest[p->n % (size_t)p->limit];
        free(*place);
        struct buf copy = {0};
        buf_add(&copy, b->p, b->n);
        *place = buf_take(&copy);
        b->failed |= !*place;
    }
    p->n++;
}

static int take_points(struct past *p, const struct jval *answer)
{
    const struct jval *points = jval_get(answer, "points"), *before = jval_get(answer, "before");
    struct buf b = {0};
    if (!p->n && before && before->type == J_ARRAY && p->form != FORM_JSON)
        take_point(p, &b, before);
    for (const struct jval *point = points ? points->first : NULL; point && !b.failed;
         point = point->next)
        take_point(p, &b, point);
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

/* The server's own form, as it comes. */
static int stream_past(struct past *p, struct buf *path)
{
    static const char *const forms[] = {
        [FORM_CSV] = "csv", [FORM_JSON] = "json", [FORM_NDJSON] = "ndjson"};
    buf_addf(path, "&format=%s", forms[p->form]);
    buf_add_byte(path, 0);
    if (path->failed) {
        term_problem("out of memory");
        return CODE_FAILED;
    }
    int code = client_stream(p->client, path->p, stdout);
    if (code == CODE_OK && p->form == FORM_JSON)
        putchar('\n');
    return code;
}

static int print_past(struct past *p, struct buf *path)
{
    if (p->many || p->form == FORM_NDJSON || (p->form == FORM_CSV && !p->limit))
        return stream_past(p, path);
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
    if (option_on(in, "delete") && in->args_n != 2)
        return command_usage(in->command, "--delete takes one sensor: TWIN SENSOR");
    if (option_on(in, "delete"))
        return history_delete_run(in);
    struct past p = {.in = in, .quality = option_on(in, "quality")};
    struct buf path = {0};
    p.form = option_on(in, "json")     ? FORM_JSON
             : option_on(in, "csv")    ? FORM_CSV
             : option_on(in, "ndjson") ? FORM_NDJSON
                                       : FORM_TABLE;
    int code = read_limit(&p);
    if (code == CODE_OK)
        code = read_names(&p);
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

/* send.c - doppel send: readings from the command line or, line by line, from standard input. */
#include "base/clock.h"
#include "base/err.h"
#include "server/client.h"
#include "server/run.h"
#include "server/term.h"
#include "server/timearg.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BATCH_LINES = 1000, BATCH_BYTES = 256 * 1024, LINE_MAX_BYTES = 1 << 20, PAUSE_MS = 50 };

static char *readings_path(const char *twin)
{
    struct buf b = {0};
    buf_add_str(&b, "/api/v1/twins/");
    client_escape(&b, slice_str(twin));
    buf_add_str(&b, "/readings");
    char *path = buf_take(&b);
    if (!path)
        term_problem("out of memory");
    return path;
}

/* ---- from the arguments ---- */

/* What stands behind the = as JSON: a number, true, false, a text in quotes; all else is a text. */
static void put_value(struct json_writer *w, struct slice text, bool as_text)
{
    struct json_reader r;
    enum json_event first, end;
    double number;
    json_reader_init(&r, text);
    if (!as_text && slice_to_double(text, &number) == 0)
        json_put_raw(w, text);
    else if (!as_text && (slice_is(text, "true") || slice_is(text, "false")))
        json_put_raw(w, text);
    else if (!as_text && text.n && text.p[0] == '"' && json_next(&r, &first) == 0 &&
             first == JSON_STRING && json_next(&r, &end) == 0 && end == JSON_END)
        json_put_raw(w, text);
    else
        json_put_string(w, text);
}

static int write_readings(const struct invocation *in, struct buf *body)
{
    struct json_writer w;
    const char *at = option_value(in, "at");
    int64_t t_us = 0;
    if (at && timearg_parse(slice_str(at), clock_now_us(), &t_us))
        return command_usage(in->command,
                             "\"%s\" is no time; write 2024-03-15T14:30:00Z, Unix milliseconds or "
                             "how long ago, such as -5m",
                             at);
    json_writer_init(&w, body, 0);
    json_open(&w, '[');
    for (size_t i = 1; i < in->args_n; i++) {
        struct slice value = slice_str(in->args[i]), sensor;
        if (slice_find(value, '=') < 1)
            return command_usage(in->command, "\"%s\" is not SENSOR=VALUE", in->args[i]);
        slice_cut(&value, '=', &sensor);
        json_open(&w, '{');
        json_key(&w, "sensor");
        json_put_string(&w, sensor);
        json_key(&w, "value");
        put_value(&w, value, option_on(in, "text"));
        if (at) {
            json_key(&w, "timestamp");
            json_put_time_ms(&w, t_us);
        }
        if (option_value(in, "unit")) {
            json_key(&w, "unit");
            json_put_cstr(&w, option_value(in, "unit"));
        }
        if (option_value(in, "quality")) {
            json_key(&w, "quality");
            json_put_cstr(&w, option_value(in, "quality"));
        }
        json_close(&w, '}');
    }
    json_close(&w, ']');
    return CODE_OK;
}

/* The code for an answer to readings: refusals are a no, but for a twin that is not there. */
static int judge(const struct answer *a)
{
    if (a->status == 200)
        return CODE_OK;
    return slice_is(member(a->json, "code"), "unknown-twin")          ? CODE_MISSING
           : a->status == 400 || a->status == 413 || a->status == 422 ? CODE_NO
                                                                      : CODE_REFUSED;
}

/* The number of the line with the reading of this index: empty lines have none. */
static size_t line_of(struct slice lines, size_t first_line, double index)
{
    struct slice line;
    for (; slice_cut(&lines, '\n', &line); first_line++) {
        if (slice_trim(line).n && index-- < 1)
            break;
    }
    return first_line;
}

/* lines: what was sent, when it was lines; the first of them has the number first_line. */
static void print_refusals(const struct jval *rejected, struct slice lines, size_t first_line)
{
    for (const struct jval *r = rejected ? rejected->first : NULL; r; r = r->next) {
        struct buf b = {0};
        struct slice sensor = member(r, "sensor");
        if (lines.p)
            buf_addf(&b, "line %zu: ", line_of(lines, first_line, member_number(r, "index", 0)));
        term_clean(&b, sensor, 200);
        buf_addf(&b, "%s%.*s (%.*s)", sensor.n ? ": " : "", SLICE_ARG(member(r, "detail")),
                 SLICE_ARG(member(r, "code")));
        term_problem("%.*s", SLICE_ARG(buf_slice(&b)));
        buf_release(&b);
    }
}

static int send_arguments(const struct invocation *in, struct client *c, const char *path)
{
    struct buf body = {0};
    struct answer a;
    int code = write_readings(in, &body);
    if (code == CODE_OK)
        code = client_call(c, "POST", path, "application/json", buf_slice(&body), &a);
    buf_release(&body);
    if (code != CODE_OK)
        return code;
    client_json(option_on(in, "json"), a.body);
    code = judge(&a);
    const struct jval *rejected = a.json ? jval_get(a.json, "rejected") : NULL;
    if (code == CODE_NO && rejected && rejected->count)
        print_refusals(rejected, (struct slice){0}, 0);
    else if (code != CODE_OK)
        client_problem(&a, NULL);
    if (!option_on(in, "json") && (code == CODE_OK || code == CODE_NO))
        printf("accepted %.0f\n", member_number(a.json, "accepted", 0));
    return code;
}

/* ---- from standard input ---- */

struct stream {
    const struct invocation *in;
    struct client *client;
    const char *path;
    struct buf bytes;  /* read, not yet sent */
    size_t whole;      /* how many of them are whole lines */
    size_t lines;      /* how many those are */
    size_t first_line; /* number of the first */
    bool ended;
    double accepted, refused;
};

/* Readings that came within a short pause go together. */
static int read_some(struct stream *s)
{
    struct pollfd p = {.fd = STDIN_FILENO, .events = POLLIN};
    while (!s->ended && s->lines < BATCH_LINES && s->bytes.n < BATCH_BYTES) {
        if (s->lines > 0 && poll(&p, 1, PAUSE_MS) == 0)
            return CODE_OK;
        char *into = buf_reserve(&s->bytes, 65536);
        if (!into) {
            term_problem("out of memory");
            return CODE_FAILED;
        }
        ssize_t n = read(STDIN_FILENO, into, 65536);
        if (n < 0 && errno == EINTR)
            continue;
        s->ended = n <= 0;
        for (ssize_t i = 0; i < n; i++) {
            if (into[i] == '\n') {
                s->lines++;
                s->whole = s->bytes.n + (size_t)i + 1;
            }
        }
        s->bytes.n += n > 0 ? (size_t)n : 0;
        if (s->bytes.n - s->whole > LINE_MAX_BYTES) {
            term_problem("line %zu has more than 1 MiB", s->first_line + s->lines);
            return CODE_NO;
        }
    }
    if (s->ended && s->bytes.n > s->whole) { /* a last line without its end */
        s->whole = s->bytes.n;
        s->lines++;
    }
    return CODE_OK;
}

static int send_lines(struct stream *s)
{
    struct answer a;
    size_t sent = s->lines;
    int code = client_call(s->client, "POST", s->path, "application/x-ndjson",
                           slice_of(s->bytes.p, s->whole), &a);
    if (code != CODE_OK)
        return code;
    code = judge(&a);
    const struct jval *rejected = a.json ? jval_get(a.json, "rejected") : NULL;
    if (option_on(s->in, "json"))
        client_json(true, a.body);
    if (code == CODE_NO && rejected && rejected->count)
        print_refusals(rejected, slice_of(s->bytes.p, s->whole), s->first_line);
    else if (code != CODE_OK)
        client_problem(&a, NULL);
    s->accepted += member_number(a.json, "accepted", 0);
    s->refused += member_number(a.json, "refused", 0);
    s->first_line += sent;
    buf_drop(&s->bytes, s->whole);
    s->whole = s->lines = 0;
    return code;
}

static int send_stream(const struct invocation *in, struct client *c, const char *path)
{
    struct stream s = {.in = in, .client = c, .path = path, .first_line = 1};
    int worst = CODE_OK;
    while (!s.ended || s.whole) {
        int code = read_some(&s);
        if (code == CODE_OK && s.whole)
            code = send_lines(&s);
        worst = code > worst ? code : worst;
        if (code > CODE_NO) /* what is refused now is refused next time too */
            break;
    }
    buf_release(&s.bytes);
    if (!option_on(in, "json") && worst != CODE_REACH && worst != CODE_MISSING)
        printf("accepted %.0f%s", s.accepted, s.refused > 0 ? "" : "\n");
    if (!option_on(in, "json") && s.refused > 0 && worst != CODE_REACH && worst != CODE_MISSING)
        printf(", refused %.0f\n", s.refused);
    return worst;
}

int send_run(const struct invocation *in)
{
    struct client *c = NULL;
    bool from_input = in->args_n == 2 && strcmp(in->args[1], "-") == 0;
    char *path = readings_path(in->args[0]);
    int code = path ? client_open(in, &c) : CODE_FAILED;
    if (code == CODE_OK)
        code = from_input ? send_stream(in, c, path) : send_arguments(in, c, path);
    client_close(c);
    free(path);
    return code;
}

/* watch.c - doppel watch: readings as they come. */
#include "base/clock.h"
#include "base/err.h"
#include "server/client.h"
#include "server/run.h"
#include "server/term.h"
#include "server/ws_client.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum { DONE = 1 };

static volatile sig_atomic_t interrupted;

static void on_interrupt(int number)
{
    (void)number;
    interrupted = 1;
}

struct watch {
    bool json;
    long left; /* lines until the end; 0: no end */
    int code;
    struct arena *arena;
    struct buf line;
};

/* ---- what comes ---- */

static void print_line(struct watch *w)
{
    buf_add_byte(&w->line, '\n');
    fwrite(w->line.p, 1, w->line.n, stdout);
    fflush(stdout);
    if (ferror(stdout)) /* the pipe is closed: nobody wants more */
        w->code = CODE_FAILED;
    buf_clear(&w->line);
}

static void write_update(struct watch *w, const struct jval *u)
{
    struct buf *b = &w->line, name = {0};
    struct slice quality = member(u, "quality");
    time_words(b, member_number(u, "t", 0));
    term_clean(&name, member(u, "twin"), 60);
    buf_add_byte(&name, '/');
    term_clean(&name, member(u, "sensor"), 60);
    buf_addf(b, "  %-32.*s  ", SLICE_ARG(buf_slice(&name)));
    value_words(b, jval_get(u, "value"), 0);
    if (quality.n && !slice_is(quality, "good")) {
        buf_add_str(b, "  ");
        term_clean(b, quality, 20);
    }
    buf_release(&name);
}

static void write_event(struct watch *w, const struct jval *e)
{
    static const char *const keys[] = {"twin",   "sensor", "state", "code",
                                       "detail", "source", "topic"};
    double now = (double)clock_now_us() / 1000;
    time_words(&w->line, now);
    buf_addf(&w->line, "  %s", term_style(stdout, STYLE_DIM));
    term_clean(&w->line, member(e, "event"), 40);
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        struct slice text = member(e, keys[i]);
        if (!text.n)
            continue;
        buf_addf(&w->line, "  %s=", keys[i]);
        term_clean(&w->line, text, 200);
    }
    buf_add_str(&w->line, term_end(stdout));
}

static int take_error(struct watch *w, const struct jval *error)
{
    struct buf b = {0};
    term_clean(&b, member(error, "detail"), 1000);
    if (!b.n)
        term_clean(&b, member(error, "title"), 1000);
    term_problem("%.*s", SLICE_ARG(buf_slice(&b)));
    buf_release(&b);
    w->code = member_number(error, "status", 0) == 404 ? CODE_MISSING : CODE_REFUSED;
    return DONE;
}

static int take_one(struct watch *w, const struct jval *m)
{
    bool update = jval_get(m, "t") && jval_get(m, "sensor"), event = jval_get(m, "event");
    const struct jval *error = jval_get(m, "error");
    if (error)
        return take_error(w, error);
    if (jval_get(m, "subscribed")) {
        if (member_number(m, "sensors", 1) == 0)
            term_problem("there is nothing of that name yet; waiting for it");
        return 0;
    }
    if (!update && !event)
        return 0;
    if (w->json) {
        struct json_writer writer;
        json_writer_init(&writer, &w->line, 0);
        jval_write(&writer, m);
    } else if (update) {
        write_update(w, m);
    } else {
        write_event(w, m);
    }
    print_line(w);
    if (w->code != CODE_OK)
        return DONE;
    return w->left > 0 && --w->left == 0 ? DONE : 0;
}

static int on_message(void *arg, struct slice message)
{
    struct watch *w = arg;
    struct jval *m = NULL;
    int result = 0;
    arena_reset(w->arena);
    if (jdoc_parse(w->arena, message, &m, NULL))
        return 0;
    if (m->type != J_ARRAY)
        return take_one(w, m);
    for (struct jval *one = m->first; one && !result; one = one->next)
        result = take_one(w, one);
    return result;
}

/* ---- what is asked for ---- */

static int write_subscription(const struct invocation *in, struct buf *b)
{
    struct json_writer w;
    const char *rate = option_value(in, "rate");
    double hertz = 0;
    if (rate && (slice_to_double(slice_str(rate), &hertz) || hertz <= 0))
        return command_usage(in->command, "--rate takes updates a second, such as 2");
    json_writer_init(&w, b, 0);
    json_open(&w, '{');
    json_key(&w, "subscribe");
    json_open(&w, '[');
    for (size_t i = 0; i < in->args_n || i == 0; i++) {
        struct slice sensor = i < in->args_n ? slice_str(in->args[i]) : SLICE_LIT("*"), twin;
        slice_cut(&sensor, '/', &twin);
        json_open(&w, '{');
        json_key(&w, "twin");
        json_put_string(&w, twin);
        if (sensor.n) {
            json_key(&w, "sensor");
            json_put_string(&w, sensor);
        }
        json_close(&w, '}');
    }
    json_close(&w, ']');
    if (rate) {
        json_key(&w, "rate");
        json_put_double(&w, hertz);
    }
    if (option_on(in, "events")) {
        json_key(&w, "events");
        json_put_bool(&w, true);
    }
    json_key(&w, "id");
    json_put_int(&w, 1);
    json_close(&w, '}');
    return CODE_OK;
}

static int listen_on(struct watch *w, struct ws_client *ws, int64_t until_us)
{
    while (!interrupted) {
        int64_t left = until_us ? until_us - clock_mono_us() : 1000000;
        if (left <= 0)
            return CODE_OK;
        int result =
            ws_client_read(ws, left < 1000000 ? (int)(left / 1000) + 1 : 1000, on_message, w);
        if (result == DONE)
            return w->code;
        /* a connection that an interrupt found asleep has ended for nobody's fault */
        if (result && !interrupted) {
            term_problem("the server has ended the connection");
            return CODE_REACH;
        }
    }
    return CODE_OK;
}

int watch_run(const struct invocation *in)
{
    struct watch w = {.json = option_on(in, "json"), .arena = arena_new()};
    struct buf subscription = {0};
    struct client *c = NULL;
    struct ws_client *ws = NULL;
    const char *duration = option_value(in, "for");
    int64_t for_us = 0;
    int code = option_count(in, "count", 1, 1000000000, &w.left);
    if (code == CODE_OK && duration && clock_parse_duration(slice_str(duration), &for_us))
        code = command_usage(in->command, "--for takes a duration such as 10s");
    if (code == CODE_OK)
        code = write_subscription(in, &subscription);
    if (code == CODE_OK)
        code = client_open(in, &c);
    if (code == CODE_OK)
        code = ws_client_open(c, "/api/v1/stream", &ws);
    if (code == CODE_OK) {
        struct sigaction action = {.sa_handler = on_interrupt};
        sigaction(SIGINT, &action, NULL);
        sigaction(SIGTERM, &action, NULL);
        if (ws_client_send(ws, buf_slice(&subscription))) {
            term_problem("the server has ended the connection");
            code = CODE_REACH;
        } else {
            code = listen_on(&w, ws, for_us ? clock_mono_us() + for_us : 0);
        }
    }
    ws_client_close(ws);
    client_close(c);
    buf_release(&subscription);
    buf_release(&w.line);
    arena_free(w.arena);
    return code;
}

/* http_fuzz.h - what the fuzz targets of this room share: a server without sockets, whose
 * handler answers in one of several ways, and a record of what it was asked. */
#ifndef HTTP_FUZZ_H
#define HTTP_FUZZ_H

#include "base/clock.h"
#include "base/map.h"
#include "http/http_internal.h"

#include <stdlib.h>
#include <uv.h>

enum { FUZZ_PENDING = 64 };

static struct loop *fuzz_loop;
static struct http_server *fuzz_server;
static uint64_t fuzz_seen; /* a running hash of requests and messages */
static struct http_req *fuzz_pending[FUZZ_PENDING];
static int fuzz_pending_count;

static inline void fuzz_note(struct slice s)
{
    fuzz_seen = fuzz_seen * 1099511628211u + map_hash(s.p, s.n) + s.n;
}

/* As a stream: how it is cut must not matter, so each byte counts by itself. */
static void fuzz_ws_piece(void *arg, bool text, struct slice piece)
{
    struct ws **w = arg;
    if (text || !piece.n)
        abort();
    for (size_t i = 0; i < piece.n; i++)
        fuzz_note(slice_of(piece.p + i, 1));
    if (piece.p[piece.n - 1] == 'P') {
        ws_pause(*w);
        ws_resume(*w);
    }
}

static void fuzz_ws_message(void *arg, bool text, struct slice message)
{
    struct ws **w = arg;
    fuzz_note(message);
    if (message.n && message.p[0] == 'P') {
        ws_pause(*w);
        ws_resume(*w);
    }
    if (message.n && message.p[0] == 'C')
        ws_close(*w, 1001, "bye");
    else
        ws_send(*w, text, message);
}

static void fuzz_ws_closed(void *arg, int code)
{
    (void)code;
    free(arg);
}

static const struct ws_events fuzz_ws_events = {.on_message = fuzz_ws_message,
                                                .on_close = fuzz_ws_closed};
static const struct ws_events fuzz_ws_stream_events = {.on_message = fuzz_ws_piece,
                                                       .on_close = fuzz_ws_closed};

static void fuzz_gone(struct http_req *r, void *data)
{
    (void)data;
    for (int i = 0; i < fuzz_pending_count; i++)
        if (fuzz_pending[i] == r)
            fuzz_pending[i] = fuzz_pending[--fuzz_pending_count];
    http_release(r);
}

static void fuzz_stream_gone(struct http_req *r, void *data)
{
    (void)data;
    http_release(r);
}

static void fuzz_request(void *arg, struct http_req *r)
{
    (void)arg;
    fuzz_note(http_method(r));
    fuzz_note(http_path(r));
    fuzz_note(http_query(r, "a"));
    fuzz_note(http_header(r, "host"));
    fuzz_note(http_header(r, "cookie"));
    fuzz_note(http_body(r));
    struct slice content;
    if (http_content(r, &content) == 0)
        fuzz_note(content);
    struct slice raw = http_raw_path(r);
    char kind = raw.n > 1 ? raw.p[1] : 0;
    if (kind == 'w' || kind == 'm') {
        static const char *const protocols[] = {"mqtt", NULL};
        const struct ws_opts opts = {.max_message = kind == 'w' ? 4096 : 8 << 20,
                                     .check_origin = true,
                                     .stream = kind == 'm',
                                     .need_protocol = kind == 'm',
                                     .protocols = protocols};
        const struct ws_events *events = kind == 'w' ? &fuzz_ws_events : &fuzz_ws_stream_events;
        struct ws **w = calloc(1, sizeof(struct ws *));
        if (!w)
            abort();
        if (!ws_accept(r, &opts, events, w, w))
            free(w);
    } else if (kind == 'l' && fuzz_pending_count < FUZZ_PENDING) {
        http_set_data(r, NULL, fuzz_gone);
        fuzz_pending[fuzz_pending_count++] = r;
    } else if (kind == 's') {
        http_set_data(r, NULL, fuzz_stream_gone);
        http_respond_start(r, 200, "text/plain", NULL);
        http_respond_write(r, http_body(r));
        http_respond_write(r, raw);
        if (raw.n > 2 && raw.p[2] == 'a')
            http_respond_abort(r);
        else
            http_respond_end(r);
    } else {
        http_add_header(r, "X-Path", arena_strndup(http_arena(r), raw.p, raw.n));
        http_respond(r, 200, "text/plain", http_body(r));
    }
}

static inline void fuzz_setup(void)
{
    if (fuzz_loop)
        return;
    clock_set(INT64_C(1700000000000000));
    struct http_opts opts = http_defaults;
    opts.max_header = 2048;
    opts.max_body = 4096;
    opts.on_request = fuzz_request;
    opts.security_headers = "X-Content-Type-Options: nosniff\r\n";
    if (loop_new(&fuzz_loop) != 0 || http_server_new(fuzz_loop, &opts, &fuzz_server) != 0)
        abort();
}

static inline void fuzz_turn(void)
{
    uv_run(loop_uv(fuzz_loop), UV_RUN_NOWAIT);
}

static inline void fuzz_answer_pending(void)
{
    while (fuzz_pending_count) {
        struct http_req *r = fuzz_pending[--fuzz_pending_count];
        http_respond(r, 200, "text/plain", SLICE_LIT("late"));
    }
}

/* Feed, let everything pending be answered, and end; the output is appended to *out. */
static inline void fuzz_feed(struct slice bytes, size_t piece, struct buf *out)
{
    struct http_conn *c = http_memory_conn(fuzz_server);
    if (!c)
        abort();
    conn_enter(c);
    do {
        size_t n = piece && piece < bytes.n ? piece : bytes.n;
        /* a block of its own, so that reading past its end is seen */
        char *copy = malloc(n ? n : 1);
        if (!copy)
            abort();
        memcpy(copy, bytes.n ? bytes.p : "", n);
        if (c->mode != CONN_DEAD)
            conn_input(c, slice_of(copy, n));
        free(copy);
        bytes = slice_skip(bytes, n);
    } while (bytes.n);
    for (int i = 0; i < 3; i++) {
        fuzz_turn();
        fuzz_answer_pending();
    }
    fuzz_turn();
    if (out && c->mode != CONN_DEAD)
        buf_add_slice(out, buf_slice(&c->memory));
    conn_end(c, true);
    conn_leave(c);
    fuzz_turn();
    if (http_connections(fuzz_server) != 0 || fuzz_server->live != 0)
        abort(); /* something was not given back */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif

/* ws.c - one WebSocket: frames to messages, control frames, the closing handshake.
 *
 * wslay takes the frames apart; what they mean is decided here, as the bytes come: a message is
 * decompressed and its text checked piece by piece, so that a bomb or a wrong character ends the
 * connection where it stands and not when the message is complete.
 *
 * A WebSocket ends in ws_end() alone, or in ws_gone() when its connection went first.  Both call
 * on_close() once; the memory goes when no input of it is being worked on any more. */
#include "base/err.h"
#include "base/utf8.h"
#include "http/ws_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <uv.h>
#include <wslay/wslay.h>

enum {
    CLOSE_MS = 5000,      /* for the peer's answer to our close */
    DEFLATE_FROM = 128,   /* smaller messages are sent as they are */
    PONG_LIMIT = 1 << 20, /* queued bytes from which pings are not answered */
    KEEP_MESSAGE = 4096,  /* a larger buffer is not kept between messages */
};

enum { NORMAL = 1000, GOING_AWAY = 1001, PROTOCOL = 1002, NO_STATUS = 1005, ABNORMAL = 1006 };
enum { UNSUPPORTED = 1003, BAD_DATA = 1007, TOO_BIG = 1009, INTERNAL = 1011 };

enum { CONTINUATION, TEXT, BINARY, CLOSE = 8, PING, PONG };

struct ws {
    struct http_conn *conn;   /* NULL: gone */
    struct h2_stream *stream; /* over HTTP/2 */
    struct http_server *server;
    const struct ws_events *events;
    void *arg;
    const char *protocol;
    char peer[FORWARDED_TEXT]; /* the client's address, maybe behind a proxy */
    size_t max_message;
    bool as_stream;
    unsigned ping_ms;
    struct ws_deflate *deflate; /* NULL: not agreed on */

    wslay_frame_context_ptr frames;
    struct slice in;   /* what wslay reads from */
    uint64_t frame_at; /* bytes of this frame that were seen */
    bool in_message, text, compressed;
    struct ws_utf8 utf8;
    struct buf message;
    unsigned char control[125];
    size_t control_n;

    int depth; /* input is being worked on */
    bool closing, ended, paused, awaiting_pong;
    struct buf held; /* came while it was paused */
    struct loop_hook hook;
    struct loop_timer *timer;
    uint64_t heard_at; /* ms */
};

static uint64_t now_ms(const struct ws *w)
{
    return uv_now(loop_uv(w->server->loop));
}

/* ---- output ---- */

static struct buf *out(struct ws *w)
{
    return w->stream ? h2_out(w->stream) : conn_out(w->conn);
}

static void flush(struct ws *w)
{
    if (w->stream)
        h2_out_flush(w->stream);
    else
        conn_flush(w->conn);
}

static void send_frame(struct ws *w, int opcode, bool compressed, struct slice payload)
{
    unsigned char head[10] = {(unsigned char)(0x80 | (compressed ? 0x40 : 0) | opcode)};
    size_t n = 2;
    if (payload.n < 126) {
        head[1] = (unsigned char)payload.n;
    } else {
        int bytes = payload.n < 65536 ? 2 : 8;
        head[1] = bytes == 2 ? 126 : 127;
        for (int i = bytes - 1; i >= 0; i--)
            head[n++] = (unsigned char)((uint64_t)payload.n >> (8 * i));
    }
    struct buf *b = out(w);
    buf_add(b, head, n);
    buf_add_slice(b, payload);
    flush(w);
}

static void send_close(struct ws *w, int code, const char *reason)
{
    char payload[125];
    size_t n = 0;
    w->closing = true;
    if (code != NO_STATUS) {
        payload[0] = (char)(code >> 8);
        payload[1] = (char)code;
        n = strlen(reason);
        n = n > 123 ? 123 : n;
        while (n && !utf8_valid(slice_of(reason, n)))
            n--; /* not half a character */
        memcpy(payload + 2, reason, n);
        n += 2;
    }
    send_frame(w, CLOSE, false, slice_of(payload, n));
}

/* ---- the end ---- */

static void destroy(struct ws *w)
{
    loop_disarm(w->server->loop, &w->hook);
    loop_timer_free(w->timer);
    ws_deflate_free(w->deflate);
    if (w->frames)
        wslay_frame_context_free(w->frames);
    buf_release(&w->message);
    buf_release(&w->held);
    free(w);
}

static void finish(struct ws *w, int code)
{
    w->ended = true;
    w->conn = NULL;
    w->stream = NULL;
    loop_disarm(w->server->loop, &w->hook);
    loop_timer_stop(w->timer);
    w->events->on_close(w->arg, code);
    if (!w->depth)
        destroy(w);
}

/* Send what is queued, end the transport, tell the owner. */
static void ws_end(struct ws *w, int code, bool send)
{
    struct http_conn *c = w->conn;
    struct h2_stream *s = w->stream;
    if (w->ended)
        return;
    w->ended = true; /* ws_gone() has nothing to tell any more */
    if (s) {
        s->ws = NULL;
        h2_out_end(s);
    } else {
        conn_end(c, send);
    }
    finish(w, code);
}

void ws_gone(struct ws *w)
{
    if (!w->ended)
        finish(w, ABNORMAL);
}

static void fail(struct ws *w, int code, const char *reason)
{
    if (w->ended)
        return;
    if (!w->closing)
        send_close(w, code, reason);
    ws_end(w, code, true);
}

/* ---- frames ---- */

/* What is wrong with the head of this frame, or NULL. */
static const char *check_frame(const struct ws *w, const struct wslay_frame_iocb *f)
{
    bool control = f->opcode & 8;
    if (!f->mask)
        return "a client's frames are masked";
    if (f->opcode > PONG || (f->opcode > BINARY && f->opcode < CLOSE))
        return "reserved opcode";
    if ((f->rsv & ~WSLAY_RSV1_BIT) ||
        (f->rsv && (control || f->opcode == CONTINUATION || !w->deflate)))
        return "reserved bit";
    if (control)
        return f->fin && f->payload_length <= sizeof w->control ? NULL : "control frame too long";
    if ((f->opcode == CONTINUATION) != w->in_message)
        return w->in_message ? "a message inside a message" : "nothing to continue";
    return NULL;
}

/* Never with a NULL pointer, also when it is empty. */
static struct slice content(const struct ws *w)
{
    return w->message.p ? buf_slice(&w->message) : SLICE_LIT("");
}

static void deliver(struct ws *w)
{
    w->in_message = false;
    if (!w->closing)
        w->events->on_message(w->arg, w->text, content(w));
    if (w->message.cap > KEEP_MESSAGE)
        buf_release(&w->message);
    buf_clear(&w->message);
}

/* The bytes go on at once; what a handler does may end w, but its memory stays (depth). */
static void deliver_piece(struct ws *w, bool last)
{
    if (last)
        w->in_message = false;
    if (w->message.n && !w->closing)
        w->events->on_message(w->arg, false, content(w));
    if (w->message.cap > KEEP_MESSAGE)
        buf_release(&w->message);
    buf_clear(&w->message);
}

/* What came is in message from `from` on. */
static void check_new(struct ws *w, size_t from, bool last)
{
    struct slice fresh = slice_skip(content(w), from);
    if (w->message.failed)
        fail(w, INTERNAL, "out of memory");
    else if (w->as_stream)
        deliver_piece(w, last);
    else if (w->text && ((fresh.n && !ws_utf8_add(&w->utf8, fresh)) || (last && w->utf8.missing)))
        fail(w, BAD_DATA, "not UTF-8");
    else if (last)
        deliver(w);
}

static void take_content(struct ws *w, struct slice bytes, bool last)
{
    size_t from = w->message.n;
    if (!w->compressed) {
        if (!w->as_stream && bytes.n > w->max_message - from) {
            fail(w, TOO_BIG, "the message is too big");
            return;
        }
        buf_add_slice(&w->message, bytes);
        check_new(w, from, last);
        return;
    }
    int rc = ws_inflate(w->deflate, bytes, last, w->max_message, &w->message);
    if (rc == ERR_TOO_LARGE)
        fail(w, TOO_BIG, "the message is too big");
    else if (rc == ERR_NOMEM)
        fail(w, INTERNAL, "out of memory");
    else if (rc != 0)
        fail(w, BAD_DATA, "not compressed as agreed");
    else
        check_new(w, from, last);
}

static bool code_valid(int code)
{
    return (code >= 1000 && code <= 1014 && code != 1004 && code != NO_STATUS &&
            code != ABNORMAL) ||
           (code >= 3000 && code <= 4999);
}

static void take_close(struct ws *w)
{
    int code = NO_STATUS;
    if (w->control_n == 1) {
        fail(w, PROTOCOL, "half a close code");
        return;
    }
    if (w->control_n) {
        code = w->control[0] << 8 | w->control[1];
        if (!code_valid(code)) {
            fail(w, PROTOCOL, "no such close code");
            return;
        }
        if (!utf8_valid(slice_of((const char *)w->control + 2, w->control_n - 2))) {
            fail(w, BAD_DATA, "not UTF-8");
            return;
        }
    }
    if (!w->closing)
        send_close(w, code, "");
    ws_end(w, code, true);
}

static void take_control(struct ws *w, int opcode)
{
    struct slice payload = slice_of((const char *)w->control, w->control_n);
    if (opcode == CLOSE)
        take_close(w);
    else if (opcode == PING && !w->closing && ws_queued(w) < PONG_LIMIT)
        send_frame(w, PONG, false, payload);
    w->control_n = 0;
}

static void begin_frame(struct ws *w, const struct wslay_frame_iocb *f)
{
    const char *wrong = check_frame(w, f);
    if (wrong) {
        fail(w, PROTOCOL, wrong);
        return;
    }
    if (f->opcode == TEXT || f->opcode == BINARY) {
        w->in_message = true;
        w->text = f->opcode == TEXT;
        w->compressed = f->rsv != 0;
        w->utf8 = (struct ws_utf8){0};
    }
    if (w->as_stream && f->opcode == TEXT)
        fail(w, UNSUPPORTED, "binary frames are spoken here");
    else if (!(f->opcode & 8) && !w->compressed && !w->as_stream &&
             f->payload_length > w->max_message - w->message.n)
        fail(w, TOO_BIG, "the message is too big");
}

/* A frame, or a piece of one. */
static void take_frame(struct ws *w, const struct wslay_frame_iocb *f)
{
    if (w->frame_at == 0)
        begin_frame(w, f);
    if (w->ended)
        return;
    w->frame_at += f->data_length;
    bool end = w->frame_at >= f->payload_length;
    if (end)
        w->frame_at = 0;
    if (f->opcode & 8) {
        memcpy(w->control + w->control_n, f->data_length ? f->data : (const uint8_t *)"",
               f->data_length);
        w->control_n += f->data_length;
        if (end)
            take_control(w, f->opcode);
        return;
    }
    take_content(w, slice_of((const char *)f->data, f->data_length), end && f->fin);
}

static ssize_t give_input(uint8_t *p, size_t n, int flags, void *arg)
{
    struct ws *w = arg;
    (void)flags;
    if (!w->in.n)
        return -1;
    if (n > w->in.n)
        n = w->in.n;
    memcpy(p, w->in.p, n);
    w->in = slice_skip(w->in, n);
    return (ssize_t)n;
}

static void work(struct ws *w, struct slice bytes)
{
    w->depth++;
    w->in = bytes;
    while (!w->ended && !w->paused) {
        struct wslay_frame_iocb f = {0};
        ssize_t n = wslay_frame_recv(w->frames, &f);
        if (n == WSLAY_ERR_WANT_READ)
            break;
        if (n < 0)
            fail(w, PROTOCOL, "broken frame");
        else
            take_frame(w, &f);
    }
    if (!w->ended && w->in.n)
        buf_add_slice(&w->held, w->in);
    w->in = slice_of(NULL, 0);
    if (--w->depth == 0 && w->ended)
        destroy(w);
}

void ws_input(struct ws *w, struct slice bytes)
{
    w->heard_at = now_ms(w);
    w->awaiting_pong = false;
    if (w->paused || w->held.n || w->depth) {
        buf_add_slice(&w->held, bytes);
        if (!w->paused)
            loop_at_end(w->server->loop, &w->hook);
        if (w->held.failed)
            fail(w, INTERNAL, "out of memory");
    } else {
        work(w, bytes);
    }
}

static void resumed(void *arg)
{
    struct ws *w = arg;
    if (w->paused)
        return;
    struct buf held = w->held;
    struct http_conn *c = w->conn;
    w->held = (struct buf){0};
    conn_enter(c);
    work(w, buf_slice(&held));
    conn_leave(c);
    buf_release(&held);
}

void ws_drained(struct ws *w)
{
    if (!w->ended && w->events->on_drain)
        w->events->on_drain(w->arg);
}

void ws_peer_ended(struct ws *w)
{
    ws_end(w, ABNORMAL, true);
}

/* ---- timers ---- */

static void timer_fired(void *arg)
{
    struct ws *w = arg;
    uint64_t silent = now_ms(w) - w->heard_at;
    if (w->closing) {
        ws_end(w, ABNORMAL, false);
    } else if (silent < w->ping_ms) {
        loop_timer_start(w->timer, w->ping_ms - silent, 0);
    } else if (w->awaiting_pong) {
        ws_end(w, ABNORMAL, false);
    } else {
        w->awaiting_pong = true;
        w->heard_at = now_ms(w);
        send_frame(w, PING, false, slice_of(NULL, 0));
        loop_timer_start(w->timer, w->ping_ms, 0);
    }
}

/* ---- the owner's side ---- */

struct ws *ws_new(struct http_conn *c, struct h2_stream *s, const struct ws_opts *opts,
                  const struct ws_deflate_terms *terms, const struct ws_events *events, void *arg,
                  const char *protocol, const char *peer)
{
    struct ws *w = calloc(1, sizeof *w);
    if (!w)
        return NULL;
    w->conn = c;
    w->stream = s;
    w->server = c->server;
    w->events = events;
    w->arg = arg;
    w->protocol = protocol;
    snprintf(w->peer, sizeof w->peer, "%s", peer);
    w->max_message = opts->max_message;
    w->as_stream = opts->stream;
    w->ping_ms = opts->ping_ms;
    w->hook = (struct loop_hook){.fn = resumed, .arg = w};
    w->heard_at = now_ms(w);
    const struct wslay_frame_callbacks callbacks = {.recv_callback = give_input};
    if (wslay_frame_context_init(&w->frames, &callbacks, w) != 0 ||
        loop_timer_new(w->server->loop, timer_fired, w, &w->timer) != 0 ||
        (terms->on && !(w->deflate = ws_deflate_new(terms)))) {
        destroy(w);
        return NULL;
    }
    return w;
}

void ws_discard(struct ws *w)
{
    if (w)
        destroy(w);
}

void ws_begin(struct ws *w)
{
    if (w->ping_ms)
        loop_timer_start(w->timer, w->ping_ms, 0);
}

void ws_send(struct ws *w, bool text, struct slice message)
{
    if (w->ended || w->closing)
        return;
    int opcode = text ? TEXT : BINARY;
    if (!w->deflate || message.n < DEFLATE_FROM) {
        send_frame(w, opcode, false, message);
        return;
    }
    struct buf *scratch = &w->server->scratch;
    buf_clear(scratch);
    if (ws_deflate_message(w->deflate, message, scratch) == 0)
        send_frame(w, opcode, true, buf_slice(scratch));
    else
        ws_close(w, INTERNAL, "out of memory"); /* what the peer's decompressor knows is unclear */
    if (scratch->cap > 1u << 20)
        buf_release(scratch);
}

size_t ws_queued(const struct ws *w)
{
    if (w->ended)
        return 0;
    return w->stream ? h2_out_queued(w->stream) : conn_queued(w->conn);
}

void ws_close(struct ws *w, int code, const char *reason)
{
    if (w->ended || w->closing)
        return;
    send_close(w, code, reason ? reason : "");
    loop_timer_start(w->timer, CLOSE_MS, 0);
    ws_resume(w); /* the peer's close must be seen */
}

void ws_shutdown(struct ws *w)
{
    if (!w->closing)
        send_close(w, GOING_AWAY, "");
}

void ws_pause(struct ws *w)
{
    if (w->ended || w->paused || w->closing)
        return;
    w->paused = true;
    if (w->stream)
        h2_pause(w->stream, true);
    else
        conn_pause(w->conn, true);
}

void ws_resume(struct ws *w)
{
    if (w->ended || !w->paused)
        return;
    w->paused = false;
    if (w->stream)
        h2_pause(w->stream, false);
    else
        conn_pause(w->conn, false);
    loop_at_end(w->server->loop, &w->hook);
}

const char *ws_peer(const struct ws *w)
{
    return w->peer;
}

const struct net_cert *ws_peer_cert(const struct ws *w)
{
    return w->conn ? conn_cert(w->conn) : NULL;
}

struct slice ws_protocol(const struct ws *w)
{
    return slice_str(w->protocol);
}

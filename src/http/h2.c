/* h2.c - HTTP/2 (RFC 9113) by nghttp2: the session, and requests out of it.
 *
 * nghttp2 keeps the states, the flow control windows and HPACK, and answers most violations.
 * Added here: limits on heads and bodies, one body budget for the whole connection, timeouts, and
 * a limit on streams that are reset, since opening and resetting them costs an attacker less than
 * us.
 *
 * Everything runs inside of nghttp2_session_mem_recv() and _mem_send(); a session must not be
 * deleted in there, so h2_gone() leaves that to whoever made `busy` nonzero. */
#include "base/err.h"
#include "http/http_internal.h"

#include <nghttp2/nghttp2.h>
#include <stdlib.h>
#include <uv.h>

enum {
    STREAM_WINDOW = 1 << 18,
    CONN_WINDOW = 1 << 20,
    RESETS = 200,         /* tolerated at once */
    RESETS_A_SECOND = 50, /* and in the long run */
    BODY_BUDGET = 4,      /* times max_body, for all streams together */
    DISCARD = 64 << 20,   /* bytes of a body that nobody wants */
};

/* ---- streams ---- */

static struct h2_stream *stream_new(struct h2 *h, int32_t id)
{
    struct h2_stream *s = calloc(1, sizeof *s);
    struct http_req *r = s ? req_new(h->conn) : NULL;
    if (!r) {
        free(s);
        return NULL;
    }
    s->h2 = h;
    s->id = id;
    s->req = r;
    r->stream = s;
    r->version = 20;
    r->keep_alive = true;
    s->next = h->streams;
    if (s->next)
        s->next->prev = s;
    h->streams = s;
    return s;
}

static void forget_body(struct h2_stream *s)
{
    s->h2->buffered -= s->body_bytes;
    s->body_bytes = 0;
}

static void stream_free(struct h2_stream *s)
{
    struct h2 *h = s->h2;
    forget_body(s);
    if (s->prev)
        s->prev->next = s->next;
    else
        h->streams = s->next;
    if (s->next)
        s->next->prev = s->prev;
    struct http_req *r = s->req;
    struct ws *w = s->ws;
    s->req = NULL;
    s->ws = NULL;
    if (r)
        req_peer_gone(r);
    if (w)
        ws_gone(w);
    buf_release(&s->out);
    free(s);
}

static struct h2_stream *stream_of(nghttp2_session *session, int32_t id)
{
    return nghttp2_session_get_stream_user_data(session, id);
}

void h2_answered(struct http_req *r)
{
    struct h2_stream *s = r->stream;
    s->req = NULL;
    forget_body(s);
    req_free(r);
}

void h2_abort(struct http_req *r)
{
    struct h2_stream *s = r->stream;
    s->ended = true;
    nghttp2_submit_rst_stream(s->h2->session, NGHTTP2_FLAG_NONE, s->id, NGHTTP2_INTERNAL_ERROR);
    h2_flush_later(s->h2);
    h2_answered(r);
}

/* ---- limits ---- */

/* A stream was reset, by the peer or because it broke the rules. */
static void count_reset(struct h2 *h)
{
    uint64_t now = uv_now(loop_uv(h->conn->server->loop));
    h->calm += (double)(now - h->calm_at) * RESETS_A_SECOND / 1000;
    h->calm_at = now;
    if (h->calm > RESETS)
        h->calm = RESETS;
    h->calm -= 1;
    if (h->calm < 0)
        nghttp2_session_terminate_session(h->session, NGHTTP2_ENHANCE_YOUR_CALM);
}

/* What the connection waits for, as far as timeouts are concerned. */
static void set_wait(struct h2 *h)
{
    enum wait_kind kind = h->streams ? WAIT_NONE : WAIT_IDLE;
    for (struct h2_stream *s = h->streams; s && kind != WAIT_STALL; s = s->next) {
        if (s->out.n > s->out_at)
            kind = WAIT_STALL; /* the peer's window is closed, or its socket is full */
        else if (!s->all_read && !s->ws && (!s->req || s->req->state == REQ_READING))
            kind = WAIT_BODY;
    }
    if (kind == WAIT_STALL && h->conn->wait == WAIT_STALL && h->sent == h->sent_at_wait)
        return; /* no progress: the clock goes on */
    h->sent_at_wait = h->sent;
    server_wait(h->conn, kind);
}

/* ---- requests ---- */

static void refuse(struct h2_stream *s, int status, const char *detail)
{
    s->req->state = REQ_HANDLING;
    respond_problem(s->req, status, detail);
}

static int check_head(struct http_req *r)
{
    struct slice host = http_header(r, "host");
    if (host.p && !uri_host_valid(host))
        return 400;
    if (slice_is(r->method, "CONNECT") && r->protocol.p) { /* RFC 8441 */
        struct slice method = r->method;
        if (!slice_is(r->protocol, "websocket"))
            return 501;
        r->method = SLICE_LIT("GET"); /* so it is routed like a WebSocket of HTTP/1 */
        int status = uri_parse_target(r);
        r->method = status ? method : r->method;
        return status;
    }
    r->is_head = slice_is(r->method, "HEAD");
    return uri_parse_target(r);
}

static void whole(struct h2_stream *s)
{
    s->all_read = true;
    if (s->ws)
        ws_peer_ended(s->ws);
    else if (s->req && s->req->state == REQ_READING)
        conn_dispatch(s->req);
}

static void head_is_here(struct h2_stream *s, bool end)
{
    struct http_req *r = s->req;
    struct http_server *server = r->server;
    uint64_t length = 0;
    s->all_read = end;
    int status = s->too_large ? 431 : check_head(r);
    if (status != 0) {
        refuse(s, status, status == 431 ? NULL : "the head of the request is not usable");
        return;
    }
    if (end || r->protocol.p) {
        conn_dispatch(r);
        return;
    }
    struct slice expect = http_header(r, "expect"), text = http_header(r, "content-length");
    if (expect.p && !slice_is_nocase(expect, "100-continue")) {
        refuse(s, 417, "only the expectation 100-continue is known");
        return;
    }
    if (text.p && (slice_to_u64(text, &length) != 0 || length > server->opts.max_body)) {
        refuse(s, 413, NULL);
        return;
    }
    if (expect.p) {
        uint8_t name[] = ":status", value[] = "100";
        nghttp2_nv nv = {name, value, 7, 3, NGHTTP2_NV_FLAG_NONE};
        nghttp2_submit_headers(s->h2->session, NGHTTP2_FLAG_NONE, s->id, NULL, &nv, 1, NULL);
    }
}

/* ---- nghttp2's callbacks ---- */

/* A stream whose number was passed over is closed for ever (RFC 9113 section 5.1.1); nghttp2 only
 * ignores it.  The last few gaps are remembered. */
static int on_begin_frame(nghttp2_session *session, const nghttp2_frame_hd *hd, void *arg)
{
    struct h2 *h = arg;
    if (hd->type != NGHTTP2_HEADERS || hd->stream_id <= 0)
        return 0;
    if (hd->stream_id > h->last_id) {
        if (hd->stream_id > h->last_id + 2) {
            struct h2_gap *gap = &h->gaps[h->gap_at++ % H2_GAPS];
            *gap = (struct h2_gap){h->last_id + 1, hd->stream_id - 1};
        }
        h->last_id = hd->stream_id;
        return 0;
    }
    for (int i = 0; i < H2_GAPS; i++)
        if (hd->stream_id >= h->gaps[i].first && hd->stream_id <= h->gaps[i].last)
            nghttp2_session_terminate_session(session, NGHTTP2_PROTOCOL_ERROR);
    return 0;
}

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
    struct h2 *h = arg;
    if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST)
        return 0;
    struct h2_stream *s = stream_new(h, frame->hd.stream_id);
    if (!s)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    nghttp2_session_set_stream_user_data(session, s->id, s);
    return 0;
}

static struct slice *pseudo(struct http_req *r, struct slice name)
{
    if (slice_is(name, ":method"))
        return &r->method;
    if (slice_is(name, ":path"))
        return &r->target;
    if (slice_is(name, ":authority"))
        return &r->authority;
    if (slice_is(name, ":protocol"))
        return &r->protocol;
    return NULL;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags,
                     void *arg)
{
    (void)arg;
    (void)flags;
    struct h2_stream *s = stream_of(session, frame->hd.stream_id);
    if (!s || !s->req || frame->headers.cat != NGHTTP2_HCAT_REQUEST)
        return 0; /* trailers are read over */
    struct http_req *r = s->req;
    s->head_bytes += name_len + value_len + 32;
    if (s->head_bytes > r->server->opts.max_header || r->fields.n >= HTTP_MAX_FIELDS)
        s->too_large = true;
    if (s->too_large)
        return 0;
    struct slice n = arena_dup(r->arena, slice_of((const char *)name, name_len));
    struct slice v = arena_dup(r->arena, slice_of((const char *)value, value_len));
    if (!n.p || !v.p)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    if (n.n && n.p[0] == ':') {
        struct slice *to = pseudo(r, n);
        if (to)
            *to = v;
        return 0;
    }
    return fields_add(&r->fields, r->arena, n, slice_trim(v)) == 0
               ? 0
               : NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

/* nghttp2 would leave a broken field out; such a request is not understood the same by everyone. */
static int on_invalid_header(nghttp2_session *session, const nghttp2_frame *frame,
                             const uint8_t *name, size_t name_len, const uint8_t *value,
                             size_t value_len, uint8_t flags, void *arg)
{
    (void)session, (void)frame, (void)name, (void)name_len, (void)value, (void)value_len;
    (void)flags, (void)arg;
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
    struct h2 *h = arg;
    if (!h->conn)
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    if (frame->hd.type == NGHTTP2_RST_STREAM) {
        count_reset(h);
        return 0;
    }
    if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA)
        return 0;
    struct h2_stream *s = stream_of(session, frame->hd.stream_id);
    bool end = frame->hd.flags & NGHTTP2_FLAG_END_STREAM;
    if (!s)
        return 0;
    if (frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST)
        head_is_here(s, end);
    else if (end)
        whole(s);
    return 0;
}

static void take_body(struct h2_stream *s, struct slice bytes)
{
    struct http_req *r = s->req;
    struct h2 *h = s->h2;
    size_t max = r->server->opts.max_body;
    if (bytes.n > max - r->body.n) {
        refuse(s, 413, NULL);
        return;
    }
    if (h->buffered + bytes.n > BODY_BUDGET * max) {
        refuse(s, 503, "too much is being sent at once");
        return;
    }
    buf_add_slice(&r->body, bytes);
    s->body_bytes += bytes.n;
    h->buffered += bytes.n;
    if (r->body.failed)
        refuse(s, 503, "out of memory");
}

/* The answer is complete, the rest of the request is not wanted.  RFC 9113 would have the stream
 * reset with NO_ERROR at once, but clients in wide use lose the answer by that; so it is read and
 * thrown away for a while, as when a connection of HTTP/1 is closed. */
static void discard(struct h2_stream *s, size_t n)
{
    s->discarded += n;
    if (s->discarded > DISCARD && s->discarded - n <= DISCARD)
        nghttp2_submit_rst_stream(s->h2->session, NGHTTP2_FLAG_NONE, s->id, NGHTTP2_NO_ERROR);
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *p, size_t n,
                   void *arg)
{
    struct h2 *h = arg;
    (void)flags;
    struct h2_stream *s = stream_of(session, id);
    struct slice bytes = slice_of((const char *)p, n);
    nghttp2_session_consume_connection(session, n);
    if (!s)
        return 0;
    if (s->ws && s->paused)
        s->unconsumed += n;
    else
        nghttp2_session_consume_stream(session, id, n);
    if (s->ws)
        ws_input(s->ws, bytes);
    else if (s->req && s->req->state == REQ_READING)
        take_body(s, bytes);
    else if (!s->req)
        discard(s, n);
    return h->conn ? 0 : NGHTTP2_ERR_CALLBACK_FAILURE;
}

static int on_stream_close(nghttp2_session *session, int32_t id, uint32_t error, void *arg)
{
    struct h2 *h = arg;
    struct h2_stream *s = stream_of(session, id);
    if (s)
        stream_free(s);
    (void)h;
    (void)error;
    return 0;
}

static int on_frame_sent(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
    struct h2 *h = arg;
    uint8_t type = frame->hd.type;
    if (type == NGHTTP2_RST_STREAM && frame->rst_stream.error_code != NGHTTP2_NO_ERROR && h->conn)
        count_reset(h); /* the peer made us do it */
    (void)session;
    return 0;
}

static nghttp2_session_callbacks *make_callbacks(void)
{
    nghttp2_session_callbacks *cb;
    if (nghttp2_session_callbacks_new(&cb) != 0)
        return NULL;
    nghttp2_session_callbacks_set_on_begin_frame_callback(cb, on_begin_frame);
    nghttp2_session_callbacks_set_on_begin_headers_callback(cb, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(cb, on_header);
    nghttp2_session_callbacks_set_on_invalid_header_callback(cb, on_invalid_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(cb, on_frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(cb, on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(cb, on_stream_close);
    nghttp2_session_callbacks_set_on_frame_send_callback(cb, on_frame_sent);
    return cb;
}

/* ---- the session ---- */

static void h2_free(struct h2 *h)
{
    nghttp2_session_del(h->session);
    free(h);
}

static int open_session(struct h2 *h, const struct http_opts *opts)
{
    nghttp2_session_callbacks *cb = make_callbacks();
    nghttp2_option *option = NULL;
    int rc = ERR_NOMEM;
    if (!cb || nghttp2_option_new(&option) != 0)
        goto fail;
    nghttp2_option_set_no_auto_window_update(option, 1);
    nghttp2_option_set_max_outbound_ack(option, 256);
    if (nghttp2_session_server_new2(&h->session, cb, h, option) != 0)
        goto fail;
    uint32_t list = opts->max_header > UINT32_MAX ? UINT32_MAX : (uint32_t)opts->max_header;
    const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, HTTP_H2_STREAMS},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, STREAM_WINDOW},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, list},
        {NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1},
    };
    if (nghttp2_submit_settings(h->session, NGHTTP2_FLAG_NONE, settings,
                                sizeof settings / sizeof settings[0]) == 0 &&
        nghttp2_session_set_local_window_size(h->session, NGHTTP2_FLAG_NONE, 0, CONN_WINDOW) == 0)
        rc = 0;
fail:
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(cb);
    return rc;
}

int h2_start(struct http_conn *c)
{
    struct h2 *h = calloc(1, sizeof *h);
    if (!h)
        return ERR_NOMEM;
    h->calm = RESETS;
    h->calm_at = uv_now(loop_uv(c->server->loop));
    if (open_session(h, &c->server->opts) != 0) {
        h2_free(h);
        return ERR_NOMEM;
    }
    h->conn = c;
    c->h2 = h;
    c->mode = CONN_H2;
    h2_flush_later(h);
    return 0;
}

void h2_flush_later(struct h2 *h)
{
    if (!h->conn)
        return;
    conn_again(h->conn);
    conn_flush(h->conn); /* in this order, so the socket is written in the same turn */
}

static bool leave(struct h2 *h)
{
    if (--h->busy == 0 && !h->conn) {
        h2_free(h);
        return false;
    }
    return h->conn != NULL;
}

static void call_ready(struct h2 *h)
{
    h->busy++; /* a handler may end the connection */
    for (struct h2_stream *s = h->streams, *next; s && h->conn; s = next) {
        next = s->next;
        if (s->out.n > s->out_at)
            continue;
        if (s->ws && s->was_full) {
            s->was_full = false;
            ws_drained(s->ws);
        } else if (s->req) {
            respond_ready(s->req);
        }
    }
    leave(h);
}

void h2_flush(struct http_conn *c)
{
    struct h2 *h = c->h2;
    if (h->busy)
        return; /* whoever works flushes behind it */
    const uint8_t *p;
    ssize_t n = 0;
    bool any = false;
    h->busy++;
    while (conn_queued(c) < HTTP_BLOCKED && (n = nghttp2_session_mem_send(h->session, &p)) > 0) {
        buf_add(conn_out(c), p, (size_t)n);
        any = true;
        if (!h->conn)
            break;
    }
    if (!leave(h))
        return;
    if (any)
        conn_flush(c);
    bool over = !nghttp2_session_want_read(h->session) && !nghttp2_session_want_write(h->session);
    if (n < 0 || over) {
        conn_end(c, true);
        return;
    }
    set_wait(h);
    call_ready(h);
}

void h2_drained(struct http_conn *c)
{
    h2_flush(c);
}

void h2_input(struct http_conn *c, struct slice bytes)
{
    struct h2 *h = c->h2;
    h->busy++;
    ssize_t n = nghttp2_session_mem_recv(h->session, (const uint8_t *)bytes.p, bytes.n);
    if (!leave(h))
        return;
    if (n < 0) { /* the preface is wrong, a flood, or memory ran out */
        nghttp2_session_terminate_session(h->session, n == NGHTTP2_ERR_FLOODED
                                                          ? NGHTTP2_ENHANCE_YOUR_CALM
                                                          : NGHTTP2_PROTOCOL_ERROR);
        h2_flush(c);
        conn_end(c, true);
        return;
    }
    h2_flush(c);
}

void h2_timeout(struct http_conn *c, enum wait_kind kind)
{
    struct h2 *h = c->h2;
    if (kind == WAIT_BODY) {
        for (struct h2_stream *s = h->streams, *next; s; s = next) {
            next = s->next;
            if (s->req && s->req->state == REQ_READING)
                refuse(s, 408, NULL);
            else if (!s->req && !s->ws && !s->all_read)
                nghttp2_submit_rst_stream(h->session, NGHTTP2_FLAG_NONE, s->id, NGHTTP2_NO_ERROR);
        }
        h2_flush(c);
        return;
    }
    nghttp2_session_terminate_session(h->session, NGHTTP2_NO_ERROR);
    h2_flush(c);
    conn_end(c, true);
}

void h2_shutdown(struct http_conn *c)
{
    nghttp2_session_terminate_session(c->h2->session, NGHTTP2_NO_ERROR);
    h2_flush(c);
}

void h2_gone(struct http_conn *c)
{
    struct h2 *h = c->h2;
    c->h2 = NULL;
    while (h->streams) {
        struct h2_stream *s = h->streams;
        nghttp2_session_set_stream_user_data(h->session, s->id, NULL);
        stream_free(s);
    }
    h->conn = NULL;
    if (!h->busy)
        h2_free(h);
}

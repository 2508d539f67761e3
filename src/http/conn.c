/* conn.c - one connection: what is spoken on it, and its beginning and end.
 *
 * Without TLS the first bytes decide: the 24 bytes of HTTP/2's preface, or anything else for
 * HTTP/1.  A connection may end deep inside of its own input (a handler answers with "close", a
 * frame breaks the rules), so whoever works on one brackets that with conn_enter() and
 * conn_leave(), and the memory goes with the last of these. */
#include "base/err.h"
#include "http/http_internal.h"

#include <stdlib.h>

static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
enum { PREFACE = sizeof preface - 1 };

void conn_enter(struct http_conn *c)
{
    c->depth++;
}

bool conn_leave(struct http_conn *c)
{
    bool alive = c->mode != CONN_DEAD;
    if (--c->depth == 0 && !alive)
        free(c);
    return alive;
}

/* ---- input ---- */

static void detect(struct http_conn *c, struct slice bytes)
{
    buf_add_slice(&c->held, bytes);
    size_t n = c->held.n < PREFACE ? c->held.n : PREFACE;
    if (c->held.failed) {
        conn_end(c, false);
        return;
    }
    if (!n)
        return;
    bool h2 = memcmp(c->held.p, preface, n) == 0;
    if (h2 && n < PREFACE)
        return;
    struct buf held = c->held;
    c->held = (struct buf){0};
    if (!h2)
        c->mode = CONN_H1;
    else if (h2_start(c) != 0)
        conn_end(c, false);
    if (c->mode != CONN_DEAD)
        conn_input(c, buf_slice(&held));
    buf_release(&held);
}

static void feed_held(struct http_conn *c)
{
    struct buf held = c->held;
    c->held = (struct buf){0};
    if (held.failed)
        conn_end(c, false);
    else if (held.n)
        ws_input(c->ws, buf_slice(&held));
    buf_release(&held);
    if (c->half && c->mode == CONN_WS)
        ws_peer_ended(c->ws);
}

void conn_input(struct http_conn *c, struct slice bytes)
{
    conn_enter(c);
    if (c->mode == CONN_DETECT && bytes.n && c->held.n == 0 && bytes.p[0] != 'P')
        c->mode = CONN_H1; /* the usual case, without a copy */
    switch (c->mode) {
    case CONN_DETECT:
        detect(c, bytes);
        break;
    case CONN_H1:
        h1_input(c, bytes);
        break;
    case CONN_H2:
        h2_input(c, bytes);
        break;
    case CONN_WS:
        if (c->held.n) { /* what came with the upgrade goes first */
            buf_add_slice(&c->held, bytes);
            feed_held(c);
        } else {
            ws_input(c->ws, bytes);
        }
        break;
    case CONN_DEAD:
        break;
    }
    conn_leave(c);
}

static void on_data(void *arg, struct slice bytes)
{
    conn_input(arg, bytes);
}

static void on_drain(void *arg)
{
    struct http_conn *c = arg;
    conn_enter(c);
    if (c->mode == CONN_H2) {
        h2_drained(c);
    } else if (c->mode == CONN_WS) {
        ws_drained(c->ws);
    } else {
        c->stopped = false;
        if (c->h1.req && c->h1.state == H1_HANDLING)
            respond_ready(c->h1.req);
        else if (c->mode == CONN_H1)
            conn_again(c);
    }
    conn_leave(c);
}

static void on_close(void *arg, int err)
{
    (void)err;
    struct http_conn *c = arg;
    conn_enter(c);
    conn_end(c, false);
    conn_leave(c);
}

static void on_end(void *arg)
{
    struct http_conn *c = arg;
    conn_enter(c);
    c->half = true;
    if (c->mode == CONN_H1 || c->mode == CONN_DETECT)
        h1_half_closed(c);
    else if (c->mode == CONN_WS)
        ws_peer_ended(c->ws);
    else
        conn_end(c, true);
    conn_leave(c);
}

static void on_untrusted(void *arg)
{
    conn_goodbye(arg);
}

static const struct net_events events = {.on_data = on_data,
                                         .on_drain = on_drain,
                                         .on_close = on_close,
                                         .on_end = on_end,
                                         .on_untrusted = on_untrusted};

/* The end of a turn: what could not be used when it came. */
static void at_end(void *arg)
{
    struct http_conn *c = arg;
    conn_enter(c);
    if (c->mode == CONN_H2) {
        h2_flush(c);
    } else if (c->mode == CONN_WS) {
        feed_held(c);
    } else if (c->mode == CONN_H1) {
        h1_continue(c);
    }
    conn_leave(c);
}

/* ---- output ---- */

struct buf *conn_out(struct http_conn *c)
{
    return c->net ? net_out(c->net) : &c->memory;
}

void conn_flush(struct http_conn *c)
{
    if (c->net)
        net_flush_later(c->net);
}

size_t conn_queued(const struct http_conn *c)
{
    return c->net ? net_queued(c->net) : 0;
}

void conn_pause(struct http_conn *c, bool pause)
{
    if (c->paused == pause)
        return;
    c->paused = pause;
    if (!c->net)
        return;
    if (pause)
        net_pause(c->net);
    else
        net_resume(c->net);
}

void conn_again(struct http_conn *c)
{
    if (c->mode != CONN_DEAD) /* while it ends, handlers may still answer its other streams */
        loop_at_end(c->server->loop, &c->hook);
}

const char *conn_peer(const struct http_conn *c)
{
    return c->net ? net_peer(c->net) : "memory";
}

const struct net_cert *conn_cert(const struct http_conn *c)
{
    return c->net ? net_peer_cert(c->net) : NULL;
}

/* ---- beginning and end ---- */

struct http_conn *conn_new(struct http_server *s, struct net_conn *net)
{
    struct http_conn *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->server = s;
    c->net = net;
    c->hook = (struct loop_hook){.fn = at_end, .arg = c};
    c->next = s->conns;
    if (c->next)
        c->next->prev = c;
    s->conns = c;
    s->count++;
    server_wait(c, WAIT_HEAD);
    return c;
}

void conn_end(struct http_conn *c, bool flush)
{
    if (c->mode == CONN_DEAD)
        return;
    struct http_server *s = c->server;
    enum conn_mode mode = c->mode;
    c->mode = CONN_DEAD;
    server_wait(c, WAIT_NONE);
    loop_disarm(s->loop, &c->hook);
    conn_enter(c);
    if (mode == CONN_H2)
        h2_gone(c);
    else if (mode == CONN_WS)
        ws_gone(c->ws);
    else
        h1_gone(c);
    if (c->net && flush)
        net_close(c->net);
    else if (c->net)
        net_abort(c->net);
    c->net = NULL;
    buf_release(&c->held);
    buf_release(&c->memory);
    if (c->prev)
        c->prev->next = c->next;
    else
        s->conns = c->next;
    if (c->next)
        c->next->prev = c->prev;
    s->count--;
    conn_leave(c);
}

void conn_goodbye(struct http_conn *c)
{
    conn_enter(c);
    if (c->mode == CONN_H2)
        h2_shutdown(c);
    else if (c->mode == CONN_WS)
        ws_shutdown(c->ws);
    conn_end(c, true);
    conn_leave(c);
}

void http_accept(void *arg, struct net_conn *net)
{
    struct http_server *s = arg;
    struct http_conn *c = conn_new(s, net);
    if (!c)
        return; /* without events it is closed */
    net_set_events(net, &events, c);
    bool too_many = s->opts.max_connections > 0 && s->count > (size_t)s->opts.max_connections;
    conn_enter(c);
    if (slice_is(net_alpn(net), "h2")) {
        if (h2_start(c) != 0) {
            conn_end(c, false);
        } else if (too_many) {
            h2_shutdown(c);
            conn_end(c, true);
        }
    } else if (too_many) {
        c->mode = CONN_H1;
        h1_refuse(c, 503, "too many connections are open");
    }
    conn_leave(c);
}

struct http_conn *http_memory_conn(struct http_server *s)
{
    return conn_new(s, NULL);
}

/* A name that others may know another service by: never this machine's own for itself, whose every
 * port would be meant; nor an address, for which browsers take no notice of it. */
static bool is_public_name(struct slice host)
{
    struct slice rest = host, name, label, last = {0};
    if (slice_starts(host, "[") || !slice_cut(&rest, ':', &name))
        return false;
    while (name.p && slice_cut(&name, '.', &label))
        last = label.n ? label : last;
    return last.n && !slice_is_nocase(last, "localhost") && (last.p[0] < '0' || last.p[0] > '9');
}

void conn_dispatch(struct http_req *r)
{
    struct http_opts *opts = &r->server->opts;
    r->state = REQ_HANDLING;
    req_look_behind_proxy(r);
    if (opts->hsts && r->is_tls && is_public_name(http_header(r, "host")))
        http_add_header(r, "Strict-Transport-Security", "max-age=31536000");
    opts->on_request(opts->arg, r);
}

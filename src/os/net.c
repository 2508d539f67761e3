/* net.c - one connection: reading, the output buffer, deadlines and the ways to end.
 *
 * Writing.  What the owner writes gathers in `out` until the hook at the end of the turn; then it
 * is encrypted (TLS), tried with one write(), and what the system does not take is handed to
 * libuv as `sending`.  While that is under way `out` gathers on.
 *
 * Ending.  After an error or the peer's end the owner is told once and calls net_close() or
 * net_abort().  net_close() sends what is queued, shuts the sending side down and then still
 * reads and throws away for a while: closing a socket with unread bytes would make the system
 * send a reset, which can destroy the last answer on its way.  The memory goes in libuv's close
 * callback, never earlier, so that a callback may close its own connection. */
#include "base/err.h"
#include "base/log.h"
#include "os/net_internal.h"

#include <netinet/tcp.h>
#include <stdlib.h>
#include <unistd.h>

static void flush(struct net_conn *c);
static void end_of_turn(void *arg);

/* ---- deadlines ---- */

static void unset_deadline(struct net_conn *c)
{
    if (c->deadline_kind == NET_TIMELESS)
        return;
    c->deadline_kind = NET_TIMELESS;
    if (c->timed_prev)
        c->timed_prev->timed_next = c->timed_next;
    else
        c->net->timed = c->timed_next;
    if (c->timed_next)
        c->timed_next->timed_prev = c->timed_prev;
    c->timed_next = c->timed_prev = NULL;
}

static void drop(struct net_conn *c);
static void fail(struct net_conn *c, int err);

static void tick(uv_timer_t *handle)
{
    struct net *n = handle->data;
    loop_wake(n->loop);
    uint64_t now = uv_now(&n->loop->uv);
    struct net_conn *next;
    for (struct net_conn *c = n->timed; c; c = next) {
        next = c->timed_next;
        size_t queued = uv_stream_get_write_queue_size((uv_stream_t *)&c->tcp);
        if (c->deadline_kind == NET_STALLED && queued != c->last_queued) {
            c->last_queued = queued;
            c->deadline_ms = now + c->write_ms;
        }
        if (now < c->deadline_ms)
            continue;
        if (c->deadline_kind == NET_STALLED) {
            fail(c, ERR_TIMEOUT);
            next = n->timed; /* the owner may have closed others */
        } else {
            drop(c);
        }
    }
    if (!n->timed)
        uv_timer_stop(&n->tick);
}

static void set_deadline(struct net_conn *c, enum net_deadline kind, uint64_t ms)
{
    struct net *n = c->net;
    unset_deadline(c);
    c->deadline_kind = kind;
    c->deadline_ms = uv_now(&n->loop->uv) + ms;
    c->last_queued = uv_stream_get_write_queue_size((uv_stream_t *)&c->tcp);
    c->timed_next = n->timed;
    if (c->timed_next)
        c->timed_next->timed_prev = c;
    n->timed = c;
    if (!uv_is_active((uv_handle_t *)&n->tick))
        uv_timer_start(&n->tick, tick, NET_TICK_MS, NET_TICK_MS);
}

/* ---- buffers ---- */

static void take_buffer(struct net *n, struct buf *b)
{
    if (b->p || !n->spare_count)
        return;
    *b = (struct buf){.p = n->spare[--n->spare_count], .cap = NET_OUT};
}

static void give_buffer(struct net *n, struct buf *b)
{
    if (b->p && b->cap == NET_OUT && n->spare_count < NET_SPARE) {
        n->spare[n->spare_count++] = b->p;
        *b = (struct buf){0};
    } else {
        buf_release(b);
    }
}

/* ---- the end ---- */

static void closed(uv_handle_t *handle)
{
    struct net_conn *c = handle->data;
    loop_wake(c->net->loop);
    give_buffer(c->net, &c->out);
    buf_release(&c->cipher);
    buf_release(&c->sending);
    buf_release(&c->held);
    tls_free(c->tls);
    free(c->cert);
    free(c);
}

/* Close now, whatever is queued. */
static void drop(struct net_conn *c)
{
    if (c->gone)
        return;
    c->gone = c->closing = c->failed = true;
    c->events = NULL;
    unset_deadline(c);
    loop_disarm(c->net->loop, &c->hook);
    if (c->prev)
        c->prev->next = c->next;
    else
        c->net->conns = c->next;
    if (c->next)
        c->next->prev = c->prev;
    uv_close((uv_handle_t *)&c->tcp, closed);
}

/* Nothing can be read or written any more; the owner learns of it. */
static void fail(struct net_conn *c, int err)
{
    if (c->failed)
        return;
    if (c->closing || c->accept) { /* it has no owner any more, or none yet */
        drop(c);
        return;
    }
    c->failed = true;
    unset_deadline(c);
    uv_read_stop((uv_stream_t *)&c->tcp);
    give_buffer(c->net, &c->out);
    buf_release(&c->held);
    const struct net_events *events = c->events;
    c->events = NULL;
    if (events) /* else its owner has heard of the peer's end already */
        events->on_close(c->arg, err);
}

static void shut(uv_shutdown_t *req, int status)
{
    struct net_conn *c = req->data;
    loop_wake(c->net->loop);
    if (status != 0 || c->ended)
        drop(c);
}

static void read_on(struct net_conn *c);

/* Everything is sent: end our side and wait for the peer's end. */
static void linger(struct net_conn *c)
{
    c->req.shutdown.data = c;
    if (uv_shutdown(&c->req.shutdown, (uv_stream_t *)&c->tcp, shut) != 0) {
        drop(c);
        return;
    }
    if (!c->ended)
        read_on(c);
}

/* ---- writing ---- */

static void sent_all(struct net_conn *c)
{
    if (c->deadline_kind == NET_STALLED)
        unset_deadline(c);
    if (c->closing) {
        linger(c);
        return;
    }
    if (c->was_full) {
        c->was_full = false;
        if (c->events && c->events->on_drain)
            c->events->on_drain(c->arg);
    }
}

static void written(uv_write_t *req, int status)
{
    struct net_conn *c = req->data;
    loop_wake(c->net->loop);
    c->writing = false;
    if (c->gone)
        return; /* uv_close() cancelled it */
    give_buffer(c->net, &c->sending);
    if (status != 0)
        fail(c, ERR_IO);
    else
        flush(c);
}

static void hand_to_libuv(struct net_conn *c, struct buf *wire, size_t offset)
{
    c->sending = *wire;
    *wire = (struct buf){0};
    uv_buf_t rest =
        uv_buf_init(c->sending.p + offset, (unsigned)(c->sending.n - offset)); /* < 4 GB, flush() */
    c->req.write.data = c;
    if (uv_write(&c->req.write, (uv_stream_t *)&c->tcp, &rest, 1, written) != 0) {
        fail(c, ERR_IO);
        return;
    }
    c->writing = true;
    if (c->deadline_kind == NET_TIMELESS && c->write_ms)
        set_deadline(c, NET_STALLED, c->write_ms);
}

static void flush(struct net_conn *c)
{
    if (c->writing || c->failed)
        return;
    struct buf *wire = &c->out;
    if (c->tls) {
        take_buffer(c->net, &c->cipher);
        if (c->out.n && !c->out.failed && tls_write(c->tls, c->out.p, c->out.n) != 0) {
            fail(c, ERR_IO);
            return;
        }
        c->out.n = 0;
        give_buffer(c->net, &c->out);
        if (c->closing)
            tls_say_bye(c->tls);
        wire = &c->cipher;
    }
    if (c->out.failed || c->cipher.failed || wire->n > UINT32_MAX / 2) {
        fail(c, ERR_NOMEM);
        return;
    }
    if (wire->n) {
        uv_buf_t all = uv_buf_init(wire->p, (unsigned)wire->n);
        int n = uv_try_write((uv_stream_t *)&c->tcp, &all, 1);
        if (n < 0 && n != UV_EAGAIN) {
            fail(c, ERR_IO);
            return;
        }
        if (n < 0 || (size_t)n < wire->n) {
            hand_to_libuv(c, wire, n < 0 ? 0 : (size_t)n);
            return;
        }
    }
    wire->n = 0;
    give_buffer(c->net, &c->out);
    give_buffer(c->net, &c->cipher);
    sent_all(c);
}

size_t net_queued(const struct net_conn *c)
{
    return c->out.n + c->cipher.n + uv_stream_get_write_queue_size((const uv_stream_t *)&c->tcp);
}

struct buf *net_out(struct net_conn *c)
{
    take_buffer(c->net, &c->out);
    if (!c->out.p)
        buf_reserve(&c->out, NET_OUT);
    return &c->out;
}

void net_flush_later(struct net_conn *c)
{
    if (c->failed) {
        c->out.n = 0;
        return;
    }
    if (net_queued(c) > NET_FULL)
        c->was_full = true;
    loop_at_end(c->net->loop, &c->hook);
}

void net_write(struct net_conn *c, const void *p, size_t n)
{
    if (c->failed)
        return;
    buf_add(net_out(c), p, n);
    net_flush_later(c);
}

void net_set_write_timeout(struct net_conn *c, unsigned ms)
{
    c->write_ms = ms;
    if (c->deadline_kind == NET_STALLED) {
        unset_deadline(c);
        if (ms)
            set_deadline(c, NET_STALLED, ms);
    }
}

/* ---- reading ---- */

static void give_memory(uv_handle_t *handle, size_t suggested, uv_buf_t *ret)
{
    struct net_conn *c = handle->data;
    (void)suggested;
    *ret = uv_buf_init(c->net->read, NET_READ);
}

static void peer_ended(struct net_conn *c)
{
    c->ended = true;
    uv_read_stop((uv_stream_t *)&c->tcp);
    if (c->closing) {
        if (!c->writing && !net_queued(c))
            drop(c);
        return;
    }
    const struct net_events *events = c->events;
    if (!events) { /* in the middle of the handshake */
        drop(c);
    } else if (events->on_end) {
        events->on_end(c->arg);
    } else { /* what is queued can still be sent by net_close() */
        c->events = NULL;
        events->on_close(c->arg, 0);
    }
}

/* The handshake is over: the connection gets its owner. */
static void hand_over(struct net_conn *c)
{
    unset_deadline(c);
    net_accept_fn *fn = c->accept;
    c->accept = NULL;
    fn(c->accept_arg, c);
    if (!c->events && !c->closing)
        net_close(c);
}

/* The peer broke the protocol: the alert goes out, if the system takes it at once. */
static void tls_broken(struct net_conn *c)
{
    flush(c);
    fail(c, ERR_IO);
}

/* Whoever asks why a device cannot connect finds it in the log, once a minute at most. */
static void tell_refused(struct net_conn *c)
{
    struct net *n = c->net;
    const char *why = tls_peer_refused(c->tls);
    uint64_t now = uv_now(&n->loop->uv);
    if (!why)
        return;
    n->refused++;
    if (n->refused > 1 && now - n->told_refused < NET_TELL_MS)
        return;
    log_info("tls", "%s: its certificate was refused: %s; %llu in all", c->peer, why,
             (unsigned long long)n->refused);
    n->told_refused = now;
}

static void tls_take(struct net_conn *c)
{
    if (c->accept) {
        int rc = tls_handshake(c->tls);
        if (c->cipher.n)
            flush(c);
        if (rc == ERR_AGAIN || c->gone)
            return;
        if (rc == 0)
            rc = tls_peer_cert(c->tls, &c->cert);
        if (rc != 0) {
            tell_refused(c);
            net_close(c); /* the alert is sent by that */
            return;
        }
        hand_over(c);
    }
    while (c->events && !c->paused && !c->failed) {
        ptrdiff_t n = tls_read(c->tls, c->net->plain, sizeof c->net->plain);
        if (n > 0) {
            c->events->on_data(c->arg, slice_of(c->net->plain, (size_t)n));
            continue;
        }
        if (c->cipher.n) /* an alert or the answer to a key update */
            loop_at_end(c->net->loop, &c->hook);
        if (n == 0)
            peer_ended(c);
        else if (n != ERR_AGAIN)
            tls_broken(c);
        break;
    }
}

static void tls_came(struct net_conn *c, struct slice bytes)
{
    tls_input(c->tls, bytes);
    tls_take(c);
    if (c->gone)
        return;
    struct slice rest = tls_rest(c->tls);
    if (rest.n && !c->failed && !c->closing)
        buf_add_slice(&c->held, rest); /* it was paused half way; reading has stopped by that */
    tls_input(c->tls, slice_of(NULL, 0));
}

static void came(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct net_conn *c = stream->data;
    loop_wake(c->net->loop);
    if (n == 0)
        return;
    if (n < 0) {
        if (n == UV_EOF)
            peer_ended(c);
        else
            fail(c, ERR_IO);
        return;
    }
    if (!c->events && !c->accept)
        return; /* thrown away: it lingers, or its owner was told of the end */
    struct slice bytes = slice_of(buf->base, (size_t)n);
    if (c->tls)
        tls_came(c, bytes);
    else
        c->events->on_data(c->arg, bytes);
}

static void read_on(struct net_conn *c)
{
    int rc = uv_read_start((uv_stream_t *)&c->tcp, give_memory, came);
    if (rc != 0 && rc != UV_EALREADY)
        fail(c, ERR_IO);
}

void net_pause(struct net_conn *c)
{
    if (c->paused || c->closing)
        return;
    c->paused = true;
    if (!c->ended && !c->failed)
        uv_read_stop((uv_stream_t *)&c->tcp);
}

void net_resume(struct net_conn *c)
{
    if (!c->paused || c->closing)
        return;
    c->paused = false;
    if (c->failed || c->ended)
        return;
    if (c->tls) { /* what was held goes first, out of the hook */
        c->resuming = true;
        loop_at_end(c->net->loop, &c->hook);
    } else {
        read_on(c);
    }
}

static void resume_tls(struct net_conn *c)
{
    c->resuming = false;
    struct buf held = c->held;
    c->held = (struct buf){0};
    if (held.failed)
        fail(c, ERR_NOMEM);
    else
        tls_came(c, buf_slice(&held));
    buf_release(&held);
    if (!c->paused && !c->failed && !c->ended && !c->closing)
        read_on(c);
}

static void end_of_turn(void *arg)
{
    struct net_conn *c = arg;
    if (c->resuming && !c->paused && !c->failed && !c->closing)
        resume_tls(c);
    if (!c->gone)
        flush(c);
}

/* ---- the owner's side ---- */

void net_set_events(struct net_conn *c, const struct net_events *events, void *arg)
{
    c->events = events;
    c->arg = arg;
}

const char *net_peer(const struct net_conn *c)
{
    return c->peer;
}

bool net_is_tls(const struct net_conn *c)
{
    return c->tls != NULL;
}

struct slice net_alpn(const struct net_conn *c)
{
    return c->tls ? tls_alpn(c->tls) : slice_of(NULL, 0);
}

const struct net_cert *net_peer_cert(const struct net_conn *c)
{
    return c->cert;
}

static void untrusted(struct net_conn *c)
{
    if (!c->events)
        drop(c); /* it lingers, or its owner was told of the end */
    else if (c->events->on_untrusted)
        c->events->on_untrusted(c->arg);
    else
        fail(c, ERR_FOREIGN);
}

/* Whoever is told may close others as well: their memory stays until the loop's next turn. */
size_t net_tls_sweep(struct loop *l, const struct net_tls *t)
{
    struct net *n = l->net;
    struct net_conn *next;
    size_t swept = 0;
    for (struct net_conn *c = n ? n->conns : NULL; c; c = next) {
        next = c->next;
        if (c->gone || !c->cert || !tls_is_of(c->tls, t) || tls_peer_trusted(c->tls))
            continue;
        swept++;
        untrusted(c);
    }
    return swept;
}

void net_close(struct net_conn *c)
{
    if (c->closing)
        return;
    c->closing = true;
    c->events = NULL;
    if (c->failed) {
        drop(c);
        return;
    }
    loop_disarm(c->net->loop, &c->hook);
    set_deadline(c, NET_CLOSING, NET_CLOSE_MS);
    flush(c);
}

void net_abort(struct net_conn *c)
{
    drop(c);
}

/* ---- beginning ---- */

void net_adopt(struct net *n, int fd, struct net_tls *tls, net_accept_fn *fn, void *arg)
{
    struct net_conn *c = calloc(1, sizeof *c);
    if (!c || uv_tcp_init(&n->loop->uv, &c->tcp) != 0) {
        free(c);
        close(fd);
        return;
    }
    c->net = n;
    c->tcp.data = c;
    c->hook = (struct loop_hook){.fn = end_of_turn, .arg = c};
    c->write_ms = NET_WRITE_MS;
    c->accept = fn;
    c->accept_arg = arg;
    c->next = n->conns;
    if (c->next)
        c->next->prev = c;
    n->conns = c;
    struct sockaddr_storage a = {0};
    int len = sizeof a;
    if (uv_tcp_open(&c->tcp, fd) != 0) {
        close(fd);
        drop(c);
        return;
    }
    if (uv_tcp_getpeername(&c->tcp, (struct sockaddr *)&a, &len) != 0 ||
        (tls && tls_new(tls, &c->cipher, &c->tls) != 0)) {
        drop(c);
        return;
    }
    address_format((struct sockaddr *)&a, c->peer);
    uv_tcp_nodelay(&c->tcp, 1);
    uv_tcp_keepalive(&c->tcp, 1, 60);
    if (c->tls)
        set_deadline(c, NET_HANDSHAKE, NET_HANDSHAKE_MS);
    else
        hand_over(c);
    if (!c->closing && !c->paused)
        read_on(c);
}

static void net_stop(void *arg)
{
    struct net *n = arg;
    while (n->listeners)
        net_listener_stop(n->listeners);
    while (n->conns)
        drop(n->conns);
    uv_close((uv_handle_t *)&n->tick, NULL);
}

static void net_free(void *arg)
{
    struct net *n = arg;
    while (n->spare_count)
        free(n->spare[--n->spare_count]);
    free(n);
}

struct net *net_of(struct loop *l)
{
    if (!l->net) {
        struct net *n = calloc(1, sizeof *n);
        if (!n)
            return NULL;
        n->loop = l;
        uv_timer_init(&l->uv, &n->tick);
        n->tick.data = n;
        l->net = n;
        l->net_stop = net_stop;
        l->net_free = net_free;
    }
    return l->net;
}

/* http_test_server.h - a server on a loop in a thread, and a plain blocking client, for the tests
 * of this room. */
#ifndef HTTP_TEST_SERVER_H
#define HTTP_TEST_SERVER_H

#include "base/err.h"
#include "http/http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

struct test_server {
    struct loop *loop;
    struct net_listener *listener;
    struct http_server *http;
    pthread_t thread;
    atomic_int requests, gone, ws_code, pauses;
    struct ws_opts ws_opts;
    struct http_req *pair; /* of /pair, the first one */
};

/* ---- handlers ---- */

/* The second request of a pair, on its end, answers the first one. */
static void test_pair_gone(struct http_req *r, void *data)
{
    struct test_server *ts = data;
    atomic_fetch_add(&ts->gone, 1);
    http_respond(ts->pair, 200, "text/plain", SLICE_LIT("the other one is gone"));
    http_release(r);
}

static void test_pair(struct test_server *ts, struct http_req *r)
{
    if (ts->pair)
        http_set_data(r, ts, test_pair_gone);
    else
        ts->pair = r;
}

struct test_later {
    struct test_server *ts;
    struct http_req *r;
    struct loop_timer *timer;
    bool gone;
};

static void test_later_gone(struct http_req *r, void *data)
{
    struct test_later *l = data;
    (void)r;
    l->gone = true;
    atomic_fetch_add(&l->ts->gone, 1);
}

static void test_later_fired(void *arg)
{
    struct test_later *l = arg;
    loop_timer_free(l->timer);
    if (l->gone)
        http_release(l->r);
    else
        http_respond(l->r, 200, "text/plain", http_path(l->r));
    free(l);
}

static size_t test_number(struct http_req *r, const char *name, size_t otherwise)
{
    uint64_t v;
    struct slice text = http_query(r, name);
    return text.p && slice_to_u64(text, &v) == 0 ? (size_t)v : otherwise;
}

struct test_producer {
    struct test_server *ts;
    size_t at, end;
};

static void test_produce(struct http_req *r, void *data)
{
    struct test_producer *p = data;
    char block[1000];
    while (p->at < p->end) {
        size_t n = p->end - p->at < sizeof block ? p->end - p->at : sizeof block;
        for (size_t i = 0; i < n; i++)
            block[i] = (char)('a' + (p->at + i) % 26);
        p->at += n;
        if (!http_respond_write(r, slice_of(block, n)) && p->at < p->end) {
            atomic_fetch_add(&p->ts->pauses, 1);
            return;
        }
    }
    free(p);
    http_respond_end(r);
}

static void test_producer_gone(struct http_req *r, void *data)
{
    struct test_producer *p = data;
    atomic_fetch_add(&p->ts->gone, 1);
    free(p);
    http_release(r);
}

struct test_ws {
    struct test_server *ts;
    struct ws *ws;
};

static void test_ws_message(void *arg, bool text, struct slice message)
{
    struct test_ws *t = arg;
    if (slice_is(message, "close please"))
        ws_close(t->ws, 4001, "as asked");
    else
        ws_send(t->ws, text, message);
}

static void test_ws_closed(void *arg, int code)
{
    struct test_ws *t = arg;
    atomic_store(&t->ts->ws_code, code);
    free(t);
}

static const struct ws_events test_ws_events = {.on_message = test_ws_message,
                                                .on_close = test_ws_closed};

static void test_accept_ws(struct test_server *ts, struct http_req *r)
{
    struct test_ws *t = calloc(1, sizeof *t);
    if (!t)
        abort();
    t->ts = ts;
    if (!ws_accept(r, &ts->ws_opts, &test_ws_events, t, &t->ws))
        free(t);
}

static void test_big(struct http_req *r)
{
    size_t n = test_number(r, "n", 5000);
    char *text = arena_alloc(http_arena(r), n + 1);
    if (!text)
        abort();
    for (size_t i = 0; i < n; i++)
        text[i] = "{\"value\":12.5}"[i % 14];
    http_respond(r, 200, "application/json", slice_of(text, n));
}

/* /echo, /content, /later?ms=, /stream?n=, /big?n=, /ws, /204, /header; else what was asked. */
static void test_request(void *arg, struct http_req *r)
{
    struct test_server *ts = arg;
    struct slice path = http_path(r);
    atomic_fetch_add(&ts->requests, 1);
    if (slice_is(path, "/echo")) {
        http_respond(r, 200, "application/octet-stream", http_body(r));
    } else if (slice_is(path, "/content")) {
        struct slice content = {0};
        int err = http_content(r, &content);
        http_respond(r, err ? err_info(err)->http : 200, "application/octet-stream", content);
    } else if (slice_starts(path, "/later")) {
        struct test_later *l = calloc(1, sizeof *l);
        if (!l || loop_timer_new(ts->loop, test_later_fired, l, &l->timer) != 0)
            abort();
        l->ts = ts;
        l->r = r;
        http_set_data(r, l, test_later_gone);
        loop_timer_start(l->timer, test_number(r, "ms", 50), 0);
    } else if (slice_is(path, "/stream")) {
        struct test_producer *p = calloc(1, sizeof *p);
        if (!p)
            abort();
        p->ts = ts;
        p->end = test_number(r, "n", 100000);
        http_set_data(r, p, test_producer_gone);
        http_respond_start(r, 200, "text/plain", test_produce);
        test_produce(r, p);
    } else if (slice_is(path, "/big")) {
        test_big(r);
    } else if (slice_is(path, "/ws")) {
        test_accept_ws(ts, r);
    } else if (slice_is(path, "/pair")) {
        test_pair(ts, r);
    } else if (slice_is(path, "/204")) {
        http_respond(r, 204, NULL, slice_of(NULL, 0));
    } else if (slice_is(path, "/header")) {
        http_add_header(r, "X-Bad\r\nName", "one\r\nInjected: yes");
        http_add_headerf(r, "X-Number", "%d", 42);
        http_respond(r, 200, "text/plain", http_header(r, "x-many"));
    } else {
        char *text =
            arena_printf(http_arena(r), "%.*s %.*s ?%.*s a=%.*s host=%.*s",
                         SLICE_ARG(http_method(r)), SLICE_ARG(path), SLICE_ARG(http_query_text(r)),
                         SLICE_ARG(http_query(r, "a")), SLICE_ARG(http_header(r, "Host")));
        http_respond(r, 200, "text/plain", slice_str(text));
    }
}

/* ---- the server ---- */

static void *test_run(void *arg)
{
    struct test_server *ts = arg;
    loop_run(ts->loop);
    return NULL;
}

static inline void test_start(struct test_server *ts, const struct http_opts *base)
{
    const char *why = "";
    struct http_opts opts = base ? *base : http_defaults;
    opts.on_request = test_request;
    opts.arg = ts;
    opts.security_headers = "X-Content-Type-Options: nosniff\r\n";
    if (!ts->ws_opts.max_message)
        ts->ws_opts.max_message = 1 << 20;
    assert_int_equal(loop_new(&ts->loop), 0);
    assert_int_equal(http_server_new(ts->loop, &opts, &ts->http), 0);
    assert_int_equal(
        net_listen(ts->loop, "127.0.0.1:0", NULL, http_accept, ts->http, &ts->listener, &why), 0);
    assert_int_equal(pthread_create(&ts->thread, NULL, test_run, ts), 0);
}

static inline void test_stop(struct test_server *ts)
{
    loop_stop(ts->loop);
    pthread_join(ts->thread, NULL);
    net_listener_free(ts->listener);
    http_server_free(ts->http);
    loop_free(ts->loop);
}

/* ---- the client ---- */

static inline int test_dial(const struct test_server *ts)
{
    const char *colon = strrchr(net_address(ts->listener), ':');
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                            .sin_port = htons((uint16_t)atoi(colon + 1))};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
    struct timeval limit = {.tv_sec = 20};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    return fd;
}

static inline void test_send(int fd, const void *p, size_t n)
{
    const char *at = p;
    while (n) {
        ssize_t done = send(fd, at, n, MSG_NOSIGNAL);
        if (done <= 0) /* it was refused and closed; what it answered is looked at */
            return;
        at += done;
        n -= (size_t)done;
    }
}

/* Everything until the peer's end, NUL-ended; the caller frees.  A reset fails the test. */
static inline char *test_read_all(int fd, size_t *ret_n)
{
    struct buf b = {0};
    for (;;) {
        char *p = buf_reserve(&b, 65537);
        assert_non_null(p);
        ssize_t n = read(fd, p, 65536);
        if (n < 0)
            fail_msg("read: %s", strerror(errno));
        if (n <= 0)
            break;
        b.n += (size_t)n;
    }
    if (ret_n)
        *ret_n = b.n;
    return buf_take(&b);
}

static inline void test_read(int fd, void *p, size_t n)
{
    char *at = p;
    while (n) {
        ssize_t done = read(fd, at, n);
        assert_true(done > 0);
        at += done;
        n -= (size_t)done;
    }
}

static inline bool test_soon(atomic_int *what, int value)
{
    for (int i = 0; i < 500; i++) {
        if (atomic_load(what) == value)
            return true;
        usleep(10000);
    }
    return false;
}

#endif

/* net_test.c - real listeners on a loop in a thread, talked to with plain blocking sockets. */
#include "base/clock.h"
#include "base/err.h"
#include "os/net.h"
#include "os/tls_testing.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

enum { PRODUCE = 16 << 20 };

struct server {
    struct loop *loop;
    struct net_listener *listener;
    struct net_tls *tls;
    pthread_t thread;
    const struct net_events *events;
    unsigned write_ms;
    struct client *clients;
    atomic_int closes, drains, ends, last_err;
    atomic_size_t got;
    char alpn[16];
};

/* The server's side of one connection. */
struct client {
    struct server *s;
    struct net_conn *conn;
    struct client *next;
    struct loop_timer *timer;
    size_t produced;
};

static void *run(void *arg)
{
    struct server *s = arg;
    loop_run(s->loop);
    return NULL;
}

static void accepted(void *arg, struct net_conn *c)
{
    struct server *s = arg;
    struct client *p = calloc(1, sizeof *p);
    if (!p)
        abort();
    *p = (struct client){.s = s, .conn = c, .next = s->clients};
    s->clients = p;
    if (s->write_ms)
        net_set_write_timeout(c, s->write_ms);
    snprintf(s->alpn, sizeof s->alpn, "%.*s", SLICE_ARG(net_alpn(c)));
    net_set_events(c, s->events, p);
}

static void start(struct server *s, const struct net_events *events)
{
    const char *why = "";
    s->events = events;
    assert_int_equal(loop_new(&s->loop), 0);
    assert_int_equal(net_listen(s->loop, "127.0.0.1:0", s->tls, accepted, s, &s->listener, &why),
                     0);
    assert_int_equal(pthread_create(&s->thread, NULL, run, s), 0);
}

static void stop(struct server *s)
{
    loop_stop(s->loop);
    pthread_join(s->thread, NULL);
    while (s->clients) {
        struct client *p = s->clients;
        s->clients = p->next;
        loop_timer_free(p->timer);
        free(p);
    }
    net_listener_free(s->listener);
    net_tls_unref(s->tls);
    loop_free(s->loop);
}

static int dial(const struct server *s)
{
    const char *colon = strrchr(net_address(s->listener), ':');
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

static void send_all(int fd, const char *p, size_t n)
{
    while (n) {
        ssize_t done = send(fd, p, n, MSG_NOSIGNAL);
        assert_true(done > 0);
        p += done;
        n -= (size_t)done;
    }
}

static void read_all(int fd, char *p, size_t n)
{
    while (n) {
        ssize_t done = read(fd, p, n);
        assert_true(done > 0);
        p += done;
        n -= (size_t)done;
    }
}

static bool soon(atomic_int *what, int value)
{
    for (int i = 0; i < 500; i++) {
        if (atomic_load(what) == value)
            return true;
        usleep(10000);
    }
    return false;
}

/* ---- servers ---- */

static void echo(void *arg, struct slice bytes)
{
    struct client *p = arg;
    net_write(p->conn, bytes.p, bytes.n);
}

static void gone(void *arg, int err)
{
    struct client *p = arg;
    atomic_store(&p->s->last_err, err);
    atomic_fetch_add(&p->s->closes, 1);
    net_close(p->conn);
}

static const struct net_events echo_events = {.on_data = echo, .on_close = gone};

static void echo_and_close(void *arg, struct slice bytes)
{
    struct client *p = arg;
    char *big = calloc(1, 1 << 20);
    if (!big)
        abort();
    net_write(p->conn, bytes.p, bytes.n);
    net_write(p->conn, big, 1 << 20);
    net_close(p->conn);
    free(big);
}

static const struct net_events closing_events = {.on_data = echo_and_close, .on_close = gone};

static void produce(struct client *p)
{
    static char block[8192];
    while (p->produced < PRODUCE && net_queued(p->conn) <= 65536) {
        for (size_t i = 0; i < sizeof block; i++)
            block[i] = (char)((p->produced + i) * 7 >> 3);
        net_write(p->conn, block, sizeof block);
        p->produced += sizeof block;
    }
    if (p->produced >= PRODUCE)
        net_close(p->conn);
}

static void begin_producing(void *arg, struct slice bytes)
{
    (void)bytes;
    produce(arg);
}

static void go_on_producing(void *arg)
{
    struct client *p = arg;
    atomic_fetch_add(&p->s->drains, 1);
    produce(p);
}

static const struct net_events producing_events = {
    .on_data = begin_producing, .on_drain = go_on_producing, .on_close = gone};

static void flood(void *arg, struct slice bytes)
{
    struct client *p = arg;
    char *big = calloc(1, 32 << 20);
    (void)bytes;
    if (!big)
        abort();
    net_write(p->conn, big, 32 << 20);
    free(big);
}

static const struct net_events flooding_events = {.on_data = flood, .on_close = gone};

static void half_closed(void *arg)
{
    struct client *p = arg;
    atomic_fetch_add(&p->s->ends, 1);
    net_write(p->conn, "after", 5);
    net_close(p->conn);
}

static const struct net_events half_events = {
    .on_data = echo, .on_close = gone, .on_end = half_closed};

static void resume_later(void *arg)
{
    struct client *p = arg;
    net_resume(p->conn);
}

/* Reads one piece, pauses for 10 ms, and so on. */
static void sip(void *arg, struct slice bytes)
{
    struct client *p = arg;
    atomic_fetch_add(&p->s->got, bytes.n);
    net_write(p->conn, bytes.p, bytes.n);
    net_pause(p->conn);
    if (!p->timer && loop_timer_new(p->s->loop, resume_later, p, &p->timer) != 0)
        abort();
    loop_timer_start(p->timer, 2, 0);
}

static const struct net_events sipping_events = {.on_data = sip, .on_close = gone};

/* ---- tests ---- */

static void echoes_and_tells_the_end(void **state)
{
    (void)state;
    struct server s = {0};
    start(&s, &echo_events);
    int fd = dial(&s);
    char back[5];
    send_all(fd, "hello", 5);
    read_all(fd, back, 5);
    assert_memory_equal(back, "hello", 5);
    close(fd);
    assert_true(soon(&s.closes, 1));
    assert_int_equal(s.last_err, 0);
    stop(&s);
}

static void many_connections_at_once(void **state)
{
    (void)state;
    struct server s = {0};
    start(&s, &closing_events);
    enum { N = 200 };
    int fd[N];
    for (int i = 0; i < N; i++)
        fd[i] = dial(&s);
    for (int i = 0; i < N; i++)
        close(fd[i]);
    assert_true(soon(&s.closes, N));
    stop(&s);
}

/* The peer sends far more than is read: it must get the whole answer and no reset. */
static void close_sends_everything_and_lets_the_peer_read_it(void **state)
{
    (void)state;
    struct server s = {0};
    start(&s, &closing_events);
    int fd = dial(&s);
    static char junk[300000], back[5 + (1 << 20)];
    memcpy(junk, "first", 5);
    send_all(fd, junk, 5);
    usleep(50000);
    send_all(fd, junk, sizeof junk);
    usleep(50000);
    read_all(fd, back, sizeof back);
    assert_memory_equal(back, "first", 5);
    assert_int_equal(read(fd, back, 1), 0);
    close(fd);
    stop(&s);
    assert_int_equal(s.closes, 0);
}

static void slow_reader_holds_the_writer_back(void **state)
{
    (void)state;
    struct server s = {0};
    start(&s, &producing_events);
    int fd = dial(&s);
    send_all(fd, "go", 2);
    usleep(100000);
    static char back[PRODUCE];
    read_all(fd, back, sizeof back);
    for (size_t i = 0; i < sizeof back; i++)
        if (back[i] != (char)(i * 7 >> 3))
            fail_msg("byte %zu differs", i);
    assert_int_equal(read(fd, back, 1), 0);
    assert_true(s.drains > 3);
    close(fd);
    stop(&s);
}

static void peer_that_never_reads_times_out(void **state)
{
    (void)state;
    struct server s = {.write_ms = 300};
    start(&s, &flooding_events);
    int fd = dial(&s);
    send_all(fd, "go", 2);
    assert_true(soon(&s.closes, 1));
    assert_int_equal(s.last_err, ERR_TIMEOUT);
    close(fd);
    stop(&s);
}

static void half_closed_peer_still_gets_its_answer(void **state)
{
    (void)state;
    struct server s = {0};
    start(&s, &half_events);
    int fd = dial(&s);
    char back[9];
    send_all(fd, "four", 4);
    shutdown(fd, SHUT_WR);
    read_all(fd, back, 9);
    assert_memory_equal(back, "fourafter", 9);
    assert_int_equal(read(fd, back, 1), 0);
    assert_int_equal(s.ends, 1);
    assert_int_equal(s.closes, 0);
    close(fd);
    stop(&s);
}

static void pause_holds_the_peer_back_and_loses_nothing(void **state)
{
    (void)state;
    struct server s = {0};
    start(&s, &sipping_events);
    int fd = dial(&s);
    static char bytes[500000], back[500000];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)(i * 31 >> 4);
    send_all(fd, bytes, sizeof bytes);
    read_all(fd, back, sizeof back);
    assert_memory_equal(back, bytes, sizeof bytes);
    close(fd);
    stop(&s);
}

static void addresses(void **state)
{
    (void)state;
    struct loop *l;
    struct net_listener *a, *b;
    const char *why = NULL;
    assert_int_equal(loop_new(&l), 0);
    static const char *const bad[] = {"",      "8080",   "127.0.0.1",       "127.0.0.1:x",
                                      "[::1]", "::1:80", "127.0.0.1:70000", "no such host:1"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(net_listen(l, bad[i], NULL, accepted, NULL, &a, &why), ERR_INVALID);
    assert_int_equal(net_listen(l, "localhost:0", NULL, accepted, NULL, &a, &why), 0);
    assert_true(strncmp(net_address(a), "127.0.0.1:", 10) == 0);
    assert_int_equal(net_listen(l, net_address(a), NULL, accepted, NULL, &b, &why), ERR_BUSY);
    assert_non_null(why);
    assert_int_equal(net_listen(l, "192.0.2.1:0", NULL, accepted, NULL, &b, &why), ERR_IO);
    assert_int_equal(net_listen(l, "*:0", NULL, accepted, NULL, &b, &why), 0);
    net_listener_free(a);
    net_listener_free(b);
    loop_free(l);

    static const char *const near[] = {"127.0.0.1:1", "127.8.9.1:80", "localhost:0", "[::1]:443",
                                       "[::ffff:127.0.0.1]:1"};
    static const char *const far[] = {"0.0.0.0:1", "[::]:1",           ":80",
                                      "*:80",      "10.0.0.1:1",       "example.org:80",
                                      "127.0.0.1", "localhost.evil:1", ""};
    for (size_t i = 0; i < sizeof near / sizeof near[0]; i++)
        assert_true(net_is_loopback(near[i]));
    for (size_t i = 0; i < sizeof far / sizeof far[0]; i++)
        assert_false(net_is_loopback(far[i]));
}

/* With no descriptor left the loop must neither spin nor drop; the waiting peer is served later. */
static void out_of_descriptors_pauses_accepting(void **state)
{
    (void)state;
    struct server s = {0};
    start(&s, &echo_events);
    int fd = dial(&s), second;
    char back[1];
    send_all(fd, "a", 1);
    read_all(fd, back, 1);
    struct rlimit before, none;
    getrlimit(RLIMIT_NOFILE, &before);
    second = socket(AF_INET, SOCK_STREAM, 0);
    none = before;
    none.rlim_cur = 3;
    setrlimit(RLIMIT_NOFILE, &none);
    const char *colon = strrchr(net_address(s.listener), ':');
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                            .sin_port = htons((uint16_t)atoi(colon + 1))};
    assert_int_equal(connect(second, (struct sockaddr *)&a, sizeof a), 0);
    struct timespec cpu1, cpu2;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu1);
    usleep(350000);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu2);
    setrlimit(RLIMIT_NOFILE, &before);
    int64_t spent = (cpu2.tv_sec - cpu1.tv_sec) * 1000000 + (cpu2.tv_nsec - cpu1.tv_nsec) / 1000;
    assert_true(spent < 100000);
    send_all(second, "b", 1);
    read_all(second, back, 1);
    assert_int_equal(back[0], 'b');
    close(fd);
    close(second);
    stop(&s);
}

/* ---- TLS ---- */

static char folder[] = "/tmp/doppel_net_XXXXXX";
static char cert[64], key[64];

static int make_certificate(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    snprintf(cert, sizeof cert, "%s/cert.pem", folder);
    snprintf(key, sizeof key, "%s/key.pem", folder);
    test_self_signed(cert, key);
    return 0;
}

static int remove_certificate(void **state)
{
    (void)state;
    unlink(cert);
    unlink(key);
    return rmdir(folder);
}

static void start_tls(struct server *s, const struct net_events *events)
{
    const char *why = "";
    const struct net_tls_opts o = {.cert_file = cert, .key_file = key, .alpn = "h2,http/1.1"};
    assert_int_equal(net_tls_new(&o, &s->tls, &why), 0);
    start(s, events);
}

static SSL_CTX *client_context(void)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    assert_non_null(ctx);
    assert_int_equal(SSL_CTX_load_verify_locations(ctx, cert, NULL), 1);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    return ctx;
}

static SSL *dial_tls(const struct server *s, SSL_CTX *ctx)
{
    SSL *ssl = SSL_new(ctx);
    assert_non_null(ssl);
    SSL_set1_host(ssl, "localhost");
    static const unsigned char alpn[] = "\x08http/1.1\x02h2";
    SSL_set_alpn_protos(ssl, alpn, sizeof alpn - 1);
    SSL_set_fd(ssl, dial(s));
    return ssl;
}

static void hang_up(SSL *ssl)
{
    close(SSL_get_fd(ssl));
    SSL_free(ssl);
}

static void tls_echo(int version)
{
    struct server s = {0};
    start_tls(&s, &sipping_events);
    SSL_CTX *ctx = client_context();
    SSL_CTX_set_min_proto_version(ctx, version);
    SSL_CTX_set_max_proto_version(ctx, version);
    SSL *ssl = dial_tls(&s, ctx);
    assert_int_equal(SSL_connect(ssl), 1);
    static char bytes[200000], back[200000];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)(i * 31 >> 4);
    assert_int_equal(SSL_write(ssl, bytes, sizeof bytes), sizeof bytes);
    for (size_t n = 0; n < sizeof back;) {
        int got = SSL_read(ssl, back + n, (int)(sizeof back - n));
        assert_true(got > 0);
        n += (size_t)got;
    }
    assert_memory_equal(back, bytes, sizeof bytes);
    SSL_shutdown(ssl);
    assert_true(soon(&s.closes, 1));
    assert_int_equal(s.last_err, 0);
    hang_up(ssl);
    SSL_CTX_free(ctx);
    stop(&s);
    assert_string_equal(s.alpn, "h2"); /* our order decides */
}

static void tls_1_2(void **state)
{
    (void)state;
    tls_echo(TLS1_2_VERSION);
}

static void tls_1_3(void **state)
{
    (void)state;
    tls_echo(TLS1_3_VERSION);
}

static void tls_close_sends_everything(void **state)
{
    (void)state;
    struct server s = {0};
    start_tls(&s, &closing_events);
    SSL_CTX *ctx = client_context();
    SSL *ssl = dial_tls(&s, ctx);
    assert_int_equal(SSL_connect(ssl), 1);
    assert_int_equal(SSL_write(ssl, "first", 5), 5);
    static char back[5 + (1 << 20)];
    for (size_t n = 0; n < sizeof back;) {
        int got = SSL_read(ssl, back + n, (int)(sizeof back - n));
        assert_true(got > 0);
        n += (size_t)got;
    }
    int end = SSL_read(ssl, back, 1);
    assert_int_equal(SSL_get_error(ssl, end), SSL_ERROR_ZERO_RETURN); /* close_notify came */
    hang_up(ssl);
    SSL_CTX_free(ctx);
    stop(&s);
}

static void tls_refuses_what_is_weak(void **state)
{
    (void)state;
    struct server s = {0};
    start_tls(&s, &echo_events);
    static const char *const weak[] = {"AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA256",
                                       "DHE-RSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-CCM8"};
    for (size_t i = 0; i < sizeof weak / sizeof weak[0]; i++) {
        SSL_CTX *ctx = client_context();
        SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION);
        assert_int_equal(SSL_CTX_set_cipher_list(ctx, weak[i]), 1);
        SSL *ssl = dial_tls(&s, ctx);
        assert_int_not_equal(SSL_connect(ssl), 1);
        hang_up(ssl);
        SSL_CTX_free(ctx);
    }
    SSL_CTX *ctx = client_context();
    SSL_CTX_set_min_proto_version(ctx, TLS1_VERSION);
    SSL_CTX_set_max_proto_version(ctx, TLS1_1_VERSION);
    SSL_CTX_set_cipher_list(ctx, "ALL:@SECLEVEL=0");
    SSL *ssl = dial_tls(&s, ctx);
    assert_int_not_equal(SSL_connect(ssl), 1);
    hang_up(ssl);
    SSL_CTX_free(ctx);
    stop(&s);
    assert_int_equal(s.closes, 0); /* none of them had an owner */
}

static void tls_rejects_garbage_and_goes_on(void **state)
{
    (void)state;
    struct server s = {0};
    start_tls(&s, &echo_events);
    int fd = dial(&s);
    char back[64];
    send_all(fd, "GET / HTTP/1.1\r\n\r\n", 18);
    while (read(fd, back, sizeof back) > 0)
        ;
    close(fd);
    SSL_CTX *ctx = client_context();
    SSL *ssl = dial_tls(&s, ctx);
    assert_int_equal(SSL_connect(ssl), 1);
    hang_up(ssl);
    SSL_CTX_free(ctx);
    stop(&s);
}

static void tls_files(void **state)
{
    (void)state;
    struct net_tls *t;
    const char *why = NULL;
    struct net_tls_opts o = {.cert_file = "/nowhere/cert", .key_file = key};
    assert_int_equal(net_tls_new(&o, &t, &why), ERR_INVALID);
    assert_non_null(strstr(why, "certificate"));
    o.cert_file = o.key_file = cert;
    assert_int_equal(net_tls_new(&o, &t, &why), ERR_INVALID);
    assert_non_null(strstr(why, "key"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(echoes_and_tells_the_end),
        cmocka_unit_test(many_connections_at_once),
        cmocka_unit_test(close_sends_everything_and_lets_the_peer_read_it),
        cmocka_unit_test(slow_reader_holds_the_writer_back),
        cmocka_unit_test(peer_that_never_reads_times_out),
        cmocka_unit_test(half_closed_peer_still_gets_its_answer),
        cmocka_unit_test(pause_holds_the_peer_back_and_loses_nothing),
        cmocka_unit_test(addresses),
        cmocka_unit_test(out_of_descriptors_pauses_accepting),
        cmocka_unit_test(tls_1_2),
        cmocka_unit_test(tls_1_3),
        cmocka_unit_test(tls_close_sends_everything),
        cmocka_unit_test(tls_refuses_what_is_weak),
        cmocka_unit_test(tls_rejects_garbage_and_goes_on),
        cmocka_unit_test(tls_files),
    };
    return cmocka_run_group_tests(tests, make_certificate, remove_certificate);
}

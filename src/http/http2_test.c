/* http2_test.c - HTTP/2 frame by frame over a real socket, in the clear with prior knowledge. */
#include "http/http_internal.h"
#include "http/http_test_server.h"

enum { DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH, PING, GOAWAY, WINDOW_UPDATE };
enum { END_STREAM = 1, ACK = 1, END_HEADERS = 4 };

static struct test_server server;

static int setup(void **state)
{
    (void)state;
    server = (struct test_server){0};
    struct http_opts opts = http_defaults;
    opts.max_body = 1 << 20;
    opts.body_timeout_ms = 300;
    opts.idle_timeout_ms = 300;
    test_start(&server, &opts);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    test_stop(&server);
    return 0;
}

/* ---- frames ---- */

struct frame {
    int type, flags, stream;
    struct buf payload;
};

static void add_frame(struct buf *b, int type, int flags, int stream, const void *p, size_t n)
{
    const unsigned char head[9] = {
        (unsigned char)(n >> 16),      (unsigned char)(n >> 8),      (unsigned char)n,
        (unsigned char)type,           (unsigned char)flags,         (unsigned char)(stream >> 24),
        (unsigned char)(stream >> 16), (unsigned char)(stream >> 8), (unsigned char)stream};
    buf_add(b, head, sizeof head);
    buf_add(b, p, n);
}

static void send_frame(int fd, int type, int flags, int stream, const void *p, size_t n)
{
    struct buf b = {0};
    add_frame(&b, type, flags, stream, p, n);
    test_send(fd, b.p, b.n);
    buf_release(&b);
}

static bool read_frame(int fd, struct frame *f)
{
    unsigned char head[9];
    size_t got = 0;
    while (got < sizeof head) {
        ssize_t n = read(fd, head + got, sizeof head - got);
        if (n <= 0)
            return false;
        got += (size_t)n;
    }
    size_t n = (size_t)head[0] << 16 | (size_t)head[1] << 8 | head[2];
    f->type = head[3];
    f->flags = head[4];
    f->stream = head[5] << 24 | head[6] << 16 | head[7] << 8 | head[8];
    buf_clear(&f->payload);
    char *p = buf_reserve(&f->payload, n + 1);
    assert_non_null(p);
    test_read(fd, p, n);
    p[n] = 0;
    f->payload.n = n;
    return true;
}

static uint32_t number(const struct buf *b, size_t at)
{
    const unsigned char *p = (const unsigned char *)b->p + at;
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* Read until such a frame of the stream; false at the end of the connection. */
static bool read_until(int fd, struct frame *f, int type, int stream)
{
    while (read_frame(fd, f))
        if (f->type == type && f->stream == stream)
            return true;
    return false;
}

static void expect_goaway(int fd, unsigned code)
{
    struct frame f = {0};
    assert_true(read_until(fd, &f, GOAWAY, 0));
    assert_int_equal(number(&f.payload, 4), code);
    while (read_frame(fd, &f))
        ;
    buf_release(&f.payload);
    close(fd);
}

static void expect_reset(int fd, int stream, unsigned code)
{
    struct frame f = {0};
    assert_true(read_until(fd, &f, RST_STREAM, stream));
    assert_int_equal(number(&f.payload, 0), code);
    buf_release(&f.payload);
    close(fd);
}

static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

static int connect_h2(void)
{
    int fd = test_dial(&server);
    test_send(fd, preface, 24);
    send_frame(fd, SETTINGS, 0, 0, "\0\x01\0\0\0\0",
               6); /* no table: status_of() reads it plainly */
    return fd;
}

/* A field without Huffman or tables. */
static void add_field(struct buf *b, const char *name, const char *value)
{
    size_t n = strlen(name), v = strlen(value);
    buf_add_byte(b, 0);
    buf_add_byte(b, (unsigned char)n);
    buf_add(b, name, n);
    if (v < 127) {
        buf_add_byte(b, (unsigned char)v);
    } else {
        buf_add_byte(b, 127);
        for (v -= 127; v >= 128; v >>= 7)
            buf_add_byte(b, (unsigned char)(v | 128));
        buf_add_byte(b, (unsigned char)v);
        v = strlen(value);
    }
    buf_add(b, value, v);
}

static void add_request(struct buf *b, const char *method, const char *path)
{
    add_field(b, ":method", method);
    add_field(b, ":scheme", "http");
    add_field(b, ":authority", "localhost");
    add_field(b, ":path", path);
}

static void request(int fd, int stream, const char *method, const char *path, bool end)
{
    struct buf b = {0};
    add_request(&b, method, path);
    send_frame(fd, HEADERS, END_HEADERS | (end ? END_STREAM : 0), stream, b.p, b.n);
    buf_release(&b);
}

/* The status of a head of ours: the static table's index, or a literal with index 8. */
static int status_of(const struct frame *f)
{
    static const int indexed[] = {200, 204, 206, 304, 400, 404, 500};
    const unsigned char *p = (const unsigned char *)f->payload.p;
    while ((p[0] & 0xe0) == 0x20) /* the size of the table */
        p++;
    if (p[0] >= 0x88 && p[0] <= 0x8e)
        return indexed[p[0] - 0x88];
    if ((p[0] == 0x48 || p[0] == 0x08) && p[1] == 3)
        return atoi((const char *)p + 2);
    if ((p[0] == 0x48 || p[0] == 0x08) && p[1] == 0x82) { /* Huffman: digits 0 1 2 have 5 bits */
        unsigned bits = (unsigned)p[2] << 8 | p[3];
        int value = 0, left = 16;
        for (int i = 0; i < 3; i++) {
            unsigned five = bits >> (left - 5) & 31, six = bits >> (left - 6) & 63;
            if (five <= 2) {
                value = value * 10 + (int)five;
                left -= 5;
            } else {
                value = value * 10 + (int)(six - 0x19) + 3;
                left -= 6;
            }
        }
        return value;
    }
    return 0;
}

/* The answer of a stream; returns its status, with all of its content. */
static int answer(int fd, int stream, struct buf *content)
{
    struct frame f = {0};
    int status = 0;
    buf_clear(content);
    do {
        if (!read_frame(fd, &f))
            fail_msg("the connection ended");
        if (f.stream != stream)
            continue;
        assert_int_not_equal(f.type, RST_STREAM);
        if (f.type == HEADERS)
            status = status_of(&f);
        else if (f.type == DATA)
            buf_add_slice(content, buf_slice(&f.payload));
    } while (f.stream != stream || !(f.flags & END_STREAM) || f.type > HEADERS);
    buf_add_byte(content, 0);
    content->n--;
    buf_release(&f.payload);
    return status;
}

static void send_window(int fd, int stream, uint32_t n)
{
    const unsigned char bytes[4] = {(unsigned char)(n >> 24), (unsigned char)(n >> 16),
                                    (unsigned char)(n >> 8), (unsigned char)n};
    send_frame(fd, WINDOW_UPDATE, 0, stream, bytes, 4);
}

/* ---- tests ---- */

static void simple_requests(void **state)
{
    (void)state;
    struct buf b = {0};
    int fd = connect_h2();
    request(fd, 1, "GET", "/a%20b?a=1", true);
    assert_int_equal(answer(fd, 1, &b), 200);
    assert_string_equal(b.p, "GET /a b ?a=1 a=1 host=localhost");
    request(fd, 3, "HEAD", "/big", true);
    assert_int_equal(answer(fd, 3, &b), 200);
    assert_int_equal(b.n, 0);
    request(fd, 5, "GET", "/204", true);
    assert_int_equal(answer(fd, 5, &b), 204);
    request(fd, 7, "OPTIONS", "*", true);
    assert_int_equal(answer(fd, 7, &b), 200);
    request(fd, 9, "GET", "/a%00", true);
    assert_int_equal(answer(fd, 9, &b), 400);
    request(fd, 11, "POST", "/echo", false);
    send_frame(fd, DATA, 0, 11, "hel", 3);
    send_frame(fd, DATA, END_STREAM, 11, "lo", 2);
    assert_int_equal(answer(fd, 11, &b), 200);
    assert_string_equal(b.p, "hello");
    close(fd);
    buf_release(&b);
}

static void preface_in_pieces(void **state)
{
    (void)state;
    struct buf b = {0}, out = {0};
    int fd = test_dial(&server);
    buf_add(&b, preface, 24);
    add_frame(&b, SETTINGS, 0, 0, NULL, 0);
    struct buf head = {0};
    add_request(&head, "GET", "/x");
    add_frame(&b, HEADERS, END_HEADERS | END_STREAM, 1, head.p, head.n);
    for (size_t i = 0; i < b.n; i++) {
        test_send(fd, b.p + i, 1);
        usleep(500);
    }
    assert_int_equal(answer(fd, 1, &out), 200);
    close(fd);
    buf_release(&b);
    buf_release(&out);
    buf_release(&head);
}

static void streams_answer_out_of_order(void **state)
{
    (void)state;
    struct buf b = {0};
    struct frame f = {0};
    int fd = connect_h2(), first = 0;
    request(fd, 1, "GET", "/later?ms=100", true);
    request(fd, 3, "GET", "/now", true);
    while (!first && read_frame(fd, &f))
        if (f.type == HEADERS)
            first = f.stream;
    assert_int_equal(first, 3);
    assert_int_equal(answer(fd, 1, &b), 200);
    close(fd);
    buf_release(&b);
    buf_release(&f.payload);
}

/* 200 kB through the first windows of 64 kB: nothing more comes until they are opened. */
static void content_waits_for_the_window(void **state)
{
    (void)state;
    struct frame f = {0};
    size_t got = 0;
    int fd = connect_h2();
    request(fd, 1, "GET", "/stream?n=200000", true);
    while (got < 65535 && read_frame(fd, &f))
        if (f.type == DATA)
            got += f.payload.n;
    assert_int_equal(got, 65535);
    send_window(fd, 0, 1000000);
    send_window(fd, 1, 100000);
    while (got < 165535 && read_frame(fd, &f))
        if (f.type == DATA)
            got += f.payload.n;
    assert_int_equal(got, 165535);
    send_window(fd, 1, 100000);
    bool end = false;
    while (!end && read_frame(fd, &f)) {
        if (f.type == DATA) {
            got += f.payload.n;
            end = f.flags & END_STREAM;
        }
    }
    assert_int_equal(got, 200000);
    close(fd);
    buf_release(&f.payload);
}

/* Whoever never opens its window is not waited for for ever. */
static void closed_window_times_out(void **state)
{
    (void)state;
    int fd = connect_h2();
    request(fd, 1, "GET", "/stream?n=10000000", true);
    expect_goaway(fd, 0);
    assert_true(test_soon(&server.gone, 1));
}

static void idle_connection_is_ended(void **state)
{
    (void)state;
    expect_goaway(connect_h2(), 0);
}

static void unfinished_request_times_out(void **state)
{
    (void)state;
    struct buf b = {0};
    int fd = connect_h2();
    request(fd, 1, "POST", "/echo", false);
    assert_int_equal(answer(fd, 1, &b), 408);
    close(fd);
    buf_release(&b);
}

static void limits(void **state)
{
    (void)state;
    struct buf b = {0}, head = {0};
    static char block[16384];
    int fd = connect_h2();
    add_request(&head, "POST", "/echo");
    add_field(&head, "content-length", "1048577");
    send_frame(fd, HEADERS, END_HEADERS, 1, head.p, head.n);
    assert_int_equal(answer(fd, 1, &b), 413);
    request(fd, 3, "POST", "/echo", false);
    for (int i = 0; i < 64; i++)
        send_frame(fd, DATA, 0, 3, block, sizeof block);
    send_frame(fd, DATA, 0, 3, block, 1);
    assert_int_equal(answer(fd, 3, &b), 413);
    assert_true(strstr(b.p, "Content Too Large") != NULL);
    buf_clear(&head);
    add_request(&head, "GET", "/");
    memset(block, 'a', sizeof block);
    block[9000] = 0;
    add_field(&head, "x-one", block);
    add_field(&head, "x-two", block);
    struct buf out = {0};
    add_frame(&out, HEADERS, END_STREAM, 5, head.p, 16000);
    add_frame(&out, 9, END_HEADERS, 5, head.p + 16000, head.n - 16000);
    test_send(fd, out.p, out.n);
    assert_int_equal(answer(fd, 5, &b), 431);
    close(fd);
    buf_release(&b);
    buf_release(&out);
    buf_release(&head);
}

static void whole_body_through_the_windows(void **state)
{
    (void)state;
    static char block[16384];
    struct frame f = {0};
    struct buf b = {0};
    int fd = connect_h2();
    long window = 65535;
    request(fd, 1, "POST", "/later?ms=1", false);
    for (int i = 0; i < 60; i++) {
        while (window < (long)sizeof block && read_frame(fd, &f))
            if (f.type == WINDOW_UPDATE && f.stream == 1)
                window += number(&f.payload, 0);
            else if (f.type == SETTINGS && !(f.flags & ACK))
                window += 262144 - 65535;
        send_frame(fd, DATA, i == 59 ? END_STREAM : 0, 1, block, sizeof block);
        window -= (long)sizeof block;
    }
    assert_int_equal(answer(fd, 1, &b), 200);
    close(fd);
    buf_release(&b);
    buf_release(&f.payload);
}

static void reset_streams_tell_the_handler(void **state)
{
    (void)state;
    int fd = connect_h2();
    request(fd, 1, "GET", "/later?ms=150", true);
    assert_true(test_soon(&server.requests, 1));
    send_frame(fd, RST_STREAM, 0, 1, "\0\0\0\x08", 4);
    assert_true(test_soon(&server.gone, 1));
    usleep(200000);
    close(fd);
}

/* One stream's handler answers another stream: while it lives, and while all of them end. */
static void streams_answer_each_other(void **state)
{
    (void)state;
    struct buf b = {0};
    int fd = connect_h2();
    request(fd, 1, "GET", "/pair", true);
    request(fd, 3, "GET", "/pair", true);
    assert_true(test_soon(&server.requests, 2));
    send_frame(fd, RST_STREAM, 0, 3, "\0\0\0\x08", 4);
    assert_int_equal(answer(fd, 1, &b), 200);
    close(fd);
    buf_release(&b);
    server.pair = NULL;
    fd = connect_h2();
    request(fd, 1, "GET", "/pair", true);
    request(fd, 3, "GET", "/pair", true);
    assert_true(test_soon(&server.requests, 4));
    close(fd);
    assert_true(test_soon(&server.gone, 2));
    usleep(20000);
}

static void rapid_reset_is_stopped(void **state)
{
    (void)state;
    int fd = connect_h2();
    for (int i = 0; i < 1000; i++) {
        request(fd, 1 + 2 * i, "GET", "/later?ms=10", true);
        send_frame(fd, RST_STREAM, 0, 1 + 2 * i, "\0\0\0\x08", 4);
    }
    expect_goaway(fd, 0xb); /* ENHANCE_YOUR_CALM */
    assert_true(server.requests < 300);
    usleep(50000);
}

static void continuation_flood_is_stopped(void **state)
{
    (void)state;
    struct frame f = {0};
    struct buf head = {0};
    int fd = connect_h2();
    add_request(&head, "GET", "/");
    send_frame(fd, HEADERS, END_STREAM, 1, head.p, head.n);
    buf_clear(&head);
    add_field(&head, "x", "y");
    for (int i = 0; i < 1000; i++)
        send_frame(fd, 9, 0, 1, head.p, head.n);
    shutdown(fd, SHUT_WR);
    bool goaway = false;
    while (read_frame(fd, &f))
        goaway = goaway || f.type == GOAWAY;
    assert_true(goaway);
    assert_int_equal(server.requests, 0);
    close(fd);
    buf_release(&head);
    buf_release(&f.payload);
}

static void violations(void **state)
{
    (void)state;
    struct buf head = {0};
    int fd = connect_h2();
    send_frame(fd, DATA, 0, 1, "x", 1); /* no such stream */
    expect_goaway(fd, 1);
    fd = connect_h2();
    request(fd, 2, "GET", "/", true); /* an even number */
    expect_goaway(fd, 1);
    fd = connect_h2();
    request(fd, 5, "GET", "/", true);
    request(fd, 3, "GET", "/", true); /* passed over */
    expect_goaway(fd, 1);
    fd = connect_h2();
    send_frame(fd, PING, 0, 0, "short", 5);
    expect_goaway(fd, 6);
    fd = connect_h2();
    send_window(fd, 0, 0x7fffffff);
    expect_goaway(fd, 3);
    fd = connect_h2();
    send_frame(fd, HEADERS, END_HEADERS | END_STREAM, 1, "\xff\xff\xff\xff\xff\xff", 6);
    expect_goaway(fd, 9);

    static const struct {
        const char *name, *value;
    } fields[] = {
        {"X-Upper", "a"}, {"connection", "close"},
        {"te", "gzip"},   {":late", "a"},
        {"x-lf", "a\nb"}, {"x y", "a"},
        {"", "a"},        {"transfer-encoding", "chunked"},
    };
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        fd = connect_h2();
        buf_clear(&head);
        add_request(&head, "GET", "/");
        add_field(&head, fields[i].name, fields[i].value);
        send_frame(fd, HEADERS, END_HEADERS | END_STREAM, 1, head.p, head.n);
        expect_reset(fd, 1, 1);
    }
    fd = connect_h2();
    buf_clear(&head);
    add_request(&head, "POST", "/echo");
    add_field(&head, "content-length", "3");
    send_frame(fd, HEADERS, END_HEADERS, 1, head.p, head.n);
    send_frame(fd, DATA, END_STREAM, 1, "four", 4);
    expect_reset(fd, 1, 1);
    assert_true(server.requests <= 1);
    buf_release(&head);
}

/* RFC 8441: a WebSocket in a stream. */
static void websocket_over_a_stream(void **state)
{
    (void)state;
    struct buf head = {0}, echo = {0};
    struct frame f = {0};
    int fd = connect_h2();
    atomic_store(&server.ws_code, -1);
    add_field(&head, ":method", "CONNECT");
    add_field(&head, ":protocol", "websocket");
    add_field(&head, ":scheme", "http");
    add_field(&head, ":path", "/ws");
    add_field(&head, ":authority", "localhost");
    add_field(&head, "sec-websocket-version", "13");
    send_frame(fd, HEADERS, END_HEADERS, 1, head.p, head.n);
    assert_true(read_until(fd, &f, HEADERS, 1));
    assert_int_equal(status_of(&f), 200);
    assert_false(f.flags & END_STREAM);
    send_frame(fd, DATA, 0, 1, "\x81\x82\0\0\0\0hi", 8);
    while (echo.n < 4 && read_until(fd, &f, DATA, 1))
        buf_add_slice(&echo, buf_slice(&f.payload));
    assert_true(slice_is(buf_slice(&echo), "\x81\x02hi"));
    request(fd, 3, "GET", "/other", true); /* beside it */
    assert_int_equal(answer(fd, 3, &echo), 200);
    send_frame(fd, DATA, 0, 1, "\x88\x82\0\0\0\0\x03\xe8", 8);
    assert_true(read_until(fd, &f, DATA, 1));
    assert_memory_equal(f.payload.p, "\x88\x02\x03\xe8", 4);
    assert_true(test_soon(&server.ws_code, 1000));
    close(fd);
    buf_release(&head);
    buf_release(&echo);
    buf_release(&f.payload);
}

static void free_on_loop(void *arg)
{
    struct test_server *ts = arg;
    net_listener_free(ts->listener); /* it holds the server as its argument */
    ts->listener = NULL;
    http_server_free(ts->http);
    ts->http = NULL;
}

static void server_says_goaway(void **state)
{
    (void)state;
    struct buf b = {0};
    int fd = connect_h2();
    request(fd, 1, "GET", "/", true);
    assert_int_equal(answer(fd, 1, &b), 200);
    assert_int_equal(loop_post(server.loop, free_on_loop, &server), 0);
    expect_goaway(fd, 0);
    buf_release(&b);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(simple_requests),
        T(preface_in_pieces),
        T(streams_answer_out_of_order),
        T(content_waits_for_the_window),
        T(closed_window_times_out),
        T(idle_connection_is_ended),
        T(unfinished_request_times_out),
        T(limits),
        T(whole_body_through_the_windows),
        T(reset_streams_tell_the_handler),
        T(streams_answer_each_other),
        T(rapid_reset_is_stopped),
        T(continuation_flood_is_stopped),
        T(violations),
        T(websocket_over_a_stream),
        T(server_says_goaway),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

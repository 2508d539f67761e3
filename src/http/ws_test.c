/* ws_test.c - WebSocket frame by frame over a real socket, and permessage-deflate by itself. */
#include "http/http_test_server.h"
#include "http/ws_internal.h"

static struct test_server server;

static const char *const protocols[] = {"doppel.v1", "chat", NULL};

static int setup(void **state)
{
    (void)state;
    server = (struct test_server){.ws_opts = {.max_message = 100000, .protocols = protocols}};
    atomic_store(&server.ws_code, -1);
    test_start(&server, NULL);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    test_stop(&server);
    return 0;
}

#define KEY "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define VERSION "Sec-WebSocket-Version: 13\r\n"
#define UPGRADE "Connection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n"
#define GET "GET /ws HTTP/1.1\r\nHost: localhost:80\r\n"

/* The head of the answer, NUL-ended. */
static void read_head(int fd, char *text, size_t max)
{
    size_t n = 0;
    do {
        assert_true(n + 1 < max);
        test_read(fd, text + n, 1);
        text[++n] = 0;
    } while (n < 4 || strcmp(text + n - 4, "\r\n\r\n") != 0);
}

static int handshake(const char *request, char *head)
{
    char text[1024];
    int fd = test_dial(&server), status = 0;
    test_send(fd, request, strlen(request));
    read_head(fd, head ? head : text, sizeof text);
    assert_int_equal(sscanf(head ? head : text, "HTTP/1.1 %d ", &status), 1);
    if (status == 101)
        return fd;
    close(fd);
    return -status;
}

static int connect_ws(void)
{
    int fd = handshake(GET UPGRADE KEY VERSION "\r\n", NULL);
    assert_true(fd >= 0);
    return fd;
}

/* ---- frames of a client ---- */

static void add_frame(struct buf *b, unsigned first, const void *p, size_t n)
{
    static const unsigned char mask[4] = {0x12, 0x34, 0x56, 0x78};
    buf_add_byte(b, (unsigned char)first);
    if (n < 126) {
        buf_add_byte(b, (unsigned char)(0x80 | n));
    } else if (n < 65536) {
        buf_add_byte(b, 0x80 | 126);
        buf_add_byte(b, (unsigned char)(n >> 8));
        buf_add_byte(b, (unsigned char)n);
    } else {
        buf_add_byte(b, 0x80 | 127);
        for (int i = 7; i >= 0; i--)
            buf_add_byte(b, (unsigned char)((uint64_t)n >> (8 * i)));
    }
    buf_add(b, mask, 4);
    for (size_t i = 0; i < n; i++)
        buf_add_byte(b, ((const unsigned char *)p)[i] ^ mask[i & 3]);
}

static void send_frame(int fd, unsigned first, const void *p, size_t n)
{
    struct buf b = {0};
    add_frame(&b, first, p, n);
    test_send(fd, b.p, b.n);
    buf_release(&b);
}

/* One frame of the server; returns its first byte. */
static int read_frame(int fd, struct buf *payload)
{
    unsigned char head[2], more[8];
    test_read(fd, head, 2);
    uint64_t n = head[1];
    int bytes = n == 126 ? 2 : n == 127 ? 8 : 0;
    assert_false(head[1] & 0x80);
    test_read(fd, more, (size_t)bytes);
    if (bytes)
        n = 0;
    for (int i = 0; i < bytes; i++)
        n = n << 8 | more[i];
    buf_clear(payload);
    char *p = buf_reserve(payload, n + 1);
    assert_non_null(p);
    test_read(fd, p, n);
    payload->n = n;
    p[n] = 0;
    return head[0];
}

static void expect_frame(int fd, int first, const char *text)
{
    struct buf b = {0};
    assert_int_equal(read_frame(fd, &b), first);
    assert_int_equal(b.n, strlen(text));
    assert_memory_equal(b.p, text, b.n);
    buf_release(&b);
}

/* The server's close frame with this code (0: none), then the end of the connection. */
static void expect_close(int fd, int code)
{
    struct buf b = {0};
    char byte;
    assert_int_equal(read_frame(fd, &b), 0x88);
    if (code == 0) {
        assert_int_equal(b.n, 0);
    } else {
        assert_true(b.n >= 2);
        assert_int_equal((unsigned char)b.p[0] << 8 | (unsigned char)b.p[1], code);
    }
    buf_release(&b);
    assert_int_equal(read(fd, &byte, 1), 0);
    close(fd);
}

/* ---- the handshake ---- */

static void handshakes(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *request;
    } cases[] = {
        {101, GET UPGRADE KEY VERSION "\r\n"},
        {101, GET "Connection: upgrade\r\nUpgrade: h2c, websocket\r\n" KEY VERSION "\r\n"},
        {426, GET UPGRADE KEY "Sec-WebSocket-Version: 8\r\n\r\n"},
        {426, GET UPGRADE KEY "\r\n"},
        {400, GET UPGRADE VERSION "\r\n"},
        {400, GET UPGRADE VERSION "Sec-WebSocket-Key: short\r\n\r\n"},
        {400, GET UPGRADE VERSION "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=a\r\n\r\n"},
        {400, GET UPGRADE VERSION "Sec-WebSocket-Key: dGhl*HNhbXBsZSBub25jZQ==\r\n\r\n"},
        {426, GET "Upgrade: websocket\r\n" KEY VERSION "\r\n"},
        {426, GET "Connection: Upgrade\r\n" KEY VERSION "\r\n"},
        {426, GET KEY VERSION "\r\n"},
        {426, "POST /ws HTTP/1.1\r\nHost: localhost\r\n" UPGRADE KEY VERSION "\r\n"},
        {426, "GET /ws HTTP/1.0\r\nHost: localhost\r\n" UPGRADE KEY VERSION "\r\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char head[1024];
        int fd = handshake(cases[i].request, head);
        if ((fd < 0 ? -fd : 101) != cases[i].status)
            fail_msg("%s\ngot %s", cases[i].request, head);
        if (fd >= 0)
            close(fd);
    }
    char head[1024];
    int fd = handshake(GET UPGRADE KEY VERSION "Sec-WebSocket-Protocol: x, chat,doppel.v1\r\n\r\n",
                       head);
    assert_true(fd >= 0);
    close(fd);
    assert_non_null(strstr(head, "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
    assert_non_null(strstr(head, "Sec-WebSocket-Protocol: doppel.v1\r\n"));
    assert_non_null(strstr(head, "Connection: Upgrade\r\n"));
    assert_null(strstr(head, "Content-Length"));
    assert_null(strstr(head, "Extensions"));
}

static void origins(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *origin;
    } cases[] = {
        {101, "http://localhost"},      {101, "http://LOCALHOST:80"}, {101, "http://localhost:80"},
        {403, "https://localhost"},     {403, "http://localhost:81"}, {403, "null"},
        {403, "http://localhost.evil"}, {403, "http://evil"},         {403, ""},
    };
    server.ws_opts.check_origin = true;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char request[1024];
        snprintf(request, sizeof request, GET UPGRADE KEY VERSION "Origin: %s\r\n\r\n",
                 cases[i].origin);
        int fd = handshake(request, NULL);
        if ((fd < 0 ? -fd : 101) != cases[i].status)
            fail_msg("origin %s: %d", cases[i].origin, fd);
        if (fd >= 0)
            close(fd);
    }
}

/* ---- messages ---- */

static void echo_of_every_length(void **state)
{
    (void)state;
    int fd = connect_ws();
    static const size_t lengths[] = {0, 1, 125, 126, 127, 4000, 4096, 5000, 65535, 65536, 100000};
    static char bytes[100000];
    struct buf b = {0};
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)(i * 7 >> 2);
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        send_frame(fd, 0x82, bytes, lengths[i]);
        assert_int_equal(read_frame(fd, &b), 0x82);
        assert_int_equal(b.n, lengths[i]);
        assert_memory_equal(b.p, bytes, b.n);
    }
    buf_release(&b);
    send_frame(fd, 0x88, "\x03\xe8", 2);
    expect_close(fd, 1000);
    assert_true(test_soon(&server.ws_code, 1000));
}

static void fragments_with_pings_between(void **state)
{
    (void)state;
    int fd = connect_ws();
    send_frame(fd, 0x01, "Hel", 3);
    send_frame(fd, 0x89, "ping!", 5);
    send_frame(fd, 0x00, "", 0);
    send_frame(fd, 0x8a, "unasked", 7);
    send_frame(fd, 0x80, "lo", 2);
    expect_frame(fd, 0x8a, "ping!");
    expect_frame(fd, 0x81, "Hello");
    send_frame(fd, 0x01, "\xce", 1); /* a character over two frames */
    send_frame(fd, 0x80, "\xba", 1);
    expect_frame(fd, 0x81, "\xce\xba");
    send_frame(fd, 0x88, "", 0);
    expect_close(fd, 0);
    assert_true(test_soon(&server.ws_code, 1005));
}

static void byte_by_byte(void **state)
{
    (void)state;
    struct buf b = {0};
    int fd = test_dial(&server);
    static const char head[] = GET UPGRADE KEY VERSION "\r\n";
    buf_add(&b, head, sizeof head - 1); /* frames come with the request */
    add_frame(&b, 0x81, "one", 3);
    add_frame(&b, 0x01, "tw", 2);
    add_frame(&b, 0x80, "o", 1);
    for (size_t i = 0; i < b.n; i++) {
        test_send(fd, b.p + i, 1);
        usleep(500);
    }
    char text[1024];
    read_head(fd, text, sizeof text);
    expect_frame(fd, 0x81, "one");
    expect_frame(fd, 0x81, "two");
    close(fd);
    fd = test_dial(&server);
    test_send(fd, b.p, b.n);
    read_head(fd, text, sizeof text);
    expect_frame(fd, 0x81, "one");
    expect_frame(fd, 0x81, "two");
    close(fd);
    buf_release(&b);
    assert_true(test_soon(&server.ws_code, 1006));
}

static void violations_are_answered_with_their_code(void **state)
{
    (void)state;
    static const struct {
        int code;
        unsigned first;
        const char *payload;
        size_t n;
    } cases[] = {
        {1002, 0x83, "", 0}, /* reserved opcodes */
        {1002, 0x87, "", 0},
        {1002, 0x8b, "", 0},
        {1002, 0x8f, "", 0},
        {1002, 0xc1, "a", 1}, /* reserved bits, nothing agreed on */
        {1002, 0xa1, "a", 1},
        {1002, 0x91, "a", 1},
        {1002, 0xc9, "a", 1},
        {1002, 0x80, "a", 1}, /* nothing to continue */
        {1002, 0x00, "a", 1},
        {1002, 0x09, "a", 1},                /* a control frame in pieces */
        {1002, 0x88, "\x03", 1},             /* half a code */
        {1002, 0x88, "\x03\xe7", 2},         /* 999 */
        {1002, 0x88, "\x03\xec", 2},         /* 1004 */
        {1002, 0x88, "\x03\xed", 2},         /* 1005 */
        {1002, 0x88, "\x03\xee", 2},         /* 1006 */
        {1002, 0x88, "\x03\xf7", 2},         /* 1015 */
        {1002, 0x88, "\x07\xd0", 2},         /* 2000 */
        {1002, 0x88, "\x13\x88", 2},         /* 5000 */
        {1002, 0x88, "\x00\x00", 2},         /* 0 */
        {1007, 0x88, "\x03\xe8\xff", 3},     /* reason */
        {1007, 0x81, "\xc0\xaf", 2},         /* overlong */
        {1007, 0x81, "\xed\xa0\x80", 3},     /* surrogate */
        {1007, 0x81, "\xf4\x90\x80\x80", 4}, /* too large */
        {1007, 0x81, "\xce", 1},             /* incomplete */
        {1007, 0x01, "ok\xf8", 3},           /* wrong before the end: at once */
        {3000, 0x88, "\x0b\xb8", 2},         /* good ones are echoed */
        {4999, 0x88, "\x13\x87xyz", 5},
        {1000, 0x88, "\x03\xe8\xe2\x82\xac", 5},
        {1014, 0x88, "\x03\xf6", 2},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int fd = connect_ws();
        atomic_store(&server.ws_code, -1);
        send_frame(fd, cases[i].first, cases[i].payload, cases[i].n);
        expect_close(fd, cases[i].code);
        assert_true(test_soon(&server.ws_code, cases[i].code));
    }
    static const struct {
        int code;
        const char *bytes;
        size_t n;
    } raw[] = {
        {1002, "\x81\x01x", 3},                             /* not masked */
        {1002, "\x89\xfe\x00\x7e\0\0\0\0", 8},              /* a ping of 126 bytes */
        {1002, "\x81\xfe\x00\x7d\0\0\0\0", 8},              /* a length that is too long */
        {1002, "\x81\xff\0\0\0\0\0\0\xff\xff\0\0\0\0", 14}, /* another one */
        {1002, "\x81\xff\x80\0\0\0\0\0\0\0\0\0\0\0", 14},   /* the highest bit */
    };
    for (size_t i = 0; i < sizeof raw / sizeof raw[0]; i++) {
        int fd = connect_ws();
        test_send(fd, raw[i].bytes, raw[i].n);
        test_send(fd, "zzzzzzzz", 8);
        expect_close(fd, raw[i].code);
    }
    int fd = connect_ws();
    send_frame(fd, 0x01, "a", 1);
    send_frame(fd, 0x81, "b", 1); /* a message inside a message */
    expect_close(fd, 1002);
}

static void messages_over_the_limit(void **state)
{
    (void)state;
    static char bytes[100001];
    int fd = connect_ws();
    send_frame(fd, 0x82, bytes, sizeof bytes);
    expect_close(fd, 1009);
    fd = connect_ws();
    send_frame(fd, 0x02, bytes, 60000);
    send_frame(fd, 0x80, bytes, 60000);
    expect_close(fd, 1009);
}

static void server_closes(void **state)
{
    (void)state;
    int fd = connect_ws();
    struct buf b = {0};
    send_frame(fd, 0x81, "close please", 12);
    assert_int_equal(read_frame(fd, &b), 0x88);
    assert_int_equal(b.n, 10);
    assert_memory_equal(b.p,
                        "\x0f\xa1"
                        "as asked",
                        10);
    send_frame(fd, 0x81, "ignored", 7);
    send_frame(fd, 0x88, b.p, b.n);
    char byte;
    assert_int_equal(read(fd, &byte, 1), 0);
    assert_true(test_soon(&server.ws_code, 4001));
    close(fd);
    buf_release(&b);
}

static int setup_ping(void **state)
{
    (void)state;
    server = (struct test_server){.ws_opts = {.max_message = 1000, .ping_ms = 100}};
    atomic_store(&server.ws_code, -1);
    test_start(&server, NULL);
    return 0;
}

static void silence_is_pinged_and_then_ended(void **state)
{
    (void)state;
    int fd = connect_ws();
    for (int i = 0; i < 3; i++) {
        expect_frame(fd, 0x89, "");
        send_frame(fd, 0x8a, "", 0);
    }
    expect_frame(fd, 0x89, "");
    assert_true(test_soon(&server.ws_code, 1006)); /* no pong came */
    close(fd);
}

/* ---- permessage-deflate ---- */

static void negotiation(void **state)
{
    (void)state;
    static const struct {
        const char *offer, *answer; /* NULL: declined */
    } cases[] = {
        {"permessage-deflate", "permessage-deflate"},
        {"permessage-deflate; client_max_window_bits", "permessage-deflate"},
        {"x, permessage-deflate ; server_no_context_takeover",
         "permessage-deflate; server_no_context_takeover"},
        {"permessage-deflate; client_no_context_takeover; server_max_window_bits=10; "
         "client_max_window_bits=\"11\"",
         "permessage-deflate; client_no_context_takeover; server_max_window_bits=10; "
         "client_max_window_bits=11"},
        {"permessage-deflate; server_max_window_bits=8",
         "permessage-deflate; server_max_window_bits=8"},
        {"permessage-deflate; server_max_window_bits=7", NULL},
        {"permessage-deflate; server_max_window_bits=16", NULL},
        {"permessage-deflate; server_max_window_bits=08", NULL},
        {"permessage-deflate; server_max_window_bits", NULL},
        {"permessage-deflate; client_max_window_bits=", NULL},
        {"permessage-deflate; server_no_context_takeover=1", NULL},
        {"permessage-deflate; server_no_context_takeover; server_no_context_takeover", NULL},
        {"permessage-deflate; unknown", NULL},
        {"permessage-deflate; unknown=1, permessage-deflate", "permessage-deflate"},
        {"x-webkit-deflate-frame", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ws_deflate_terms terms;
        struct buf b = {0};
        ws_deflate_negotiate(slice_str(cases[i].offer), &terms);
        assert_int_equal(terms.on, cases[i].answer != NULL);
        if (terms.on)
            ws_deflate_answer(&terms, &b);
        assert_true(slice_is(buf_slice(&b), cases[i].answer ? cases[i].answer : ""));
        buf_release(&b);
    }
}

/* Both directions with every window and either takeover, message after message. */
static void round_trips(void **state)
{
    (void)state;
    for (int bits = 8; bits <= 15; bits++) {
        for (int takeover = 0; takeover < 2; takeover++) {
            struct ws_deflate_terms terms = {.on = true,
                                             .server_no_takeover = !takeover,
                                             .client_no_takeover = !takeover,
                                             .server_bits = bits,
                                             .client_bits = bits};
            struct ws_deflate *a = ws_deflate_new(&terms), *b = ws_deflate_new(&terms);
            struct buf small = {0}, back = {0};
            for (int i = 0; i < 50; i++) {
                struct buf m = {0};
                for (int j = 0; j < i * 40; j++)
                    buf_addf(&m, "%c%d", 'a' + (i * j) % 26, j * i % 997);
                buf_clear(&small);
                buf_clear(&back);
                assert_int_equal(ws_deflate_message(a, buf_slice(&m), &small), 0);
                size_t half = small.n / 2;
                assert_int_equal(ws_inflate(b, slice_of(small.p, half), false, m.n, &back), 0);
                assert_int_equal(
                    ws_inflate(b, slice_of(small.p + half, small.n - half), true, m.n, &back), 0);
                assert_true(slice_eq(buf_slice(&back), buf_slice(&m)));
                buf_release(&m);
            }
            buf_release(&small);
            buf_release(&back);
            ws_deflate_free(a);
            ws_deflate_free(b);
        }
    }
}

static void examples_of_the_standard(void **state)
{
    (void)state;
    struct ws_deflate_terms terms = {.on = true, .server_bits = 15, .client_bits = 15};
    struct ws_deflate *d = ws_deflate_new(&terms);
    struct buf b = {0};
    static const struct {
        const char *bytes;
        size_t n;
    } cases[] = {
        {"\xf2\x48\xcd\xc9\xc9\x07\x00", 7}, /* RFC 7692 section 7.2.3.1 */
        {"\xf2\x00\x11\x00\x00", 5},         /* 7.2.3.2, with the window of before */
        {"\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00", 11},         /* 7.2.3.3 */
        {"\xf3\x48\xcd\xc9\xc9\x07\x00\x00", 8},                      /* 7.2.3.4, a last block */
        {"\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00", 13}, /* 7.2.3.5 */
        {"\xf3\x48\xcd\xc9\xc9\x07\x00", 7}, /* a last block and nothing behind it */
        {"\xf2\x48\xcd\xc9\xc9\x07\x00", 7}, /* and the next message */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        buf_clear(&b);
        int rc = ws_inflate(d, slice_of(cases[i].bytes, cases[i].n), true, 100, &b);
        if (rc != 0 || !slice_is(buf_slice(&b), "Hello"))
            fail_msg("case %zu: %d, %.*s", i, rc, (int)b.n, b.p);
    }
    buf_clear(&b);
    assert_int_equal(ws_inflate(d, SLICE_LIT("\xf2\x48\xcd\xc9\xc9\x07\x00"), true, 4, &b),
                     ERR_TOO_LARGE);
    buf_clear(&b);
    ws_deflate_free(d);
    d = ws_deflate_new(&terms);
    assert_int_equal(ws_inflate(d, SLICE_LIT("\xff\xff\xff\xff"), true, 100, &b), ERR_MALFORMED);
    ws_deflate_free(d);
    buf_release(&b);
}

static void compressed_messages(void **state)
{
    (void)state;
    char head[1024];
    struct ws_deflate_terms terms = {.on = true, .server_bits = 15, .client_bits = 15};
    int fd =
        handshake(GET UPGRADE KEY VERSION
                  "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n",
                  head);
    assert_true(fd >= 0);
    assert_non_null(strstr(head, "Sec-WebSocket-Extensions: permessage-deflate\r\n"));
    send_frame(fd, 0xc1, "\xf2\x48\xcd\xc9\xc9\x07\x00", 7);
    expect_frame(fd, 0x81, "Hello"); /* too short to be worth it on the way back */
    send_frame(fd, 0x41, "\xf2\x48\xcd", 3);
    send_frame(fd, 0x80, "\xc9\xc9\x07\x00", 4);
    expect_frame(fd, 0x81, "Hello");
    send_frame(fd, 0x81, "plain", 5);
    expect_frame(fd, 0x81, "plain");

    struct ws_deflate *d = ws_deflate_new(&terms);
    struct buf text = {0}, small = {0}, back = {0};
    for (int i = 0; i < 3; i++) {
        buf_clear(&text);
        buf_clear(&small);
        for (int j = 0; j < 3000; j++)
            buf_addf(&text, "{\"v\":%d}", j * i);
        struct ws_deflate *mine = ws_deflate_new(&terms);
        assert_int_equal(ws_deflate_message(mine, buf_slice(&text), &small), 0);
        ws_deflate_free(mine);
        send_frame(fd, 0xc1, small.p, small.n);
        assert_int_equal(read_frame(fd, &small), 0xc1);
        assert_true(small.n < text.n / 4);
        buf_clear(&back);
        assert_int_equal(ws_inflate(d, buf_slice(&small), true, 100000, &back), 0);
        assert_true(slice_eq(buf_slice(&back), buf_slice(&text)));
    }
    send_frame(fd, 0xc2, "\xff\xff\xff\xff", 4);
    expect_close(fd, 1007);

    /* a bomb: a little that becomes more than a message may be */
    fd = handshake(GET UPGRADE KEY VERSION "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n",
                   head);
    assert_true(fd >= 0);
    buf_clear(&text);
    buf_clear(&small);
    for (int j = 0; j < 3000000; j++)
        buf_add_byte(&text, 'a');
    struct ws_deflate *mine = ws_deflate_new(&terms);
    assert_int_equal(ws_deflate_message(mine, buf_slice(&text), &small), 0);
    ws_deflate_free(mine);
    send_frame(fd, 0xc2, small.p, small.n);
    expect_close(fd, 1009);

    /* wrong text, compressed and in pieces */
    fd = handshake(GET UPGRADE KEY VERSION "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n",
                   head);
    assert_true(fd >= 0);
    buf_clear(&small);
    mine = ws_deflate_new(&terms);
    assert_int_equal(ws_deflate_message(mine, SLICE_LIT("\xff\xfe"), &small), 0);
    ws_deflate_free(mine);
    send_frame(fd, 0x41, small.p, small.n);
    expect_close(fd, 1007);
    ws_deflate_free(d);
    buf_release(&text);
    buf_release(&small);
    buf_release(&back);
}

static int setup_stream(void **state)
{
    (void)state;
    server = (struct test_server){
        .ws_opts = {
            .max_message = 1000, .protocols = protocols, .need_protocol = true, .stream = true}};
    atomic_store(&server.ws_code, -1);
    test_start(&server, NULL);
    return 0;
}

#define CHAT "Sec-WebSocket-Protocol: chat\r\n"

/* Pieces come back as they came, one frame each; frames and their ends mean nothing. */
static void as_a_stream(void **state)
{
    (void)state;
    unsigned char frame[16] = {0x02, 0x80 | 10, 0, 0, 0, 0};
    char got[32];
    assert_int_equal(handshake(GET UPGRADE KEY VERSION "\r\n", NULL), -400);
    assert_int_equal(handshake(GET UPGRADE KEY VERSION "Sec-WebSocket-Protocol: x\r\n\r\n", NULL),
                     -400);
    int fd = handshake(GET UPGRADE KEY VERSION CHAT "\r\n", NULL);
    assert_true(fd >= 0);
    memcpy(frame + 6, "0123456789", 10); /* not the end of its message */
    test_send(fd, frame, 9);
    test_read(fd, got, 2 + 3);
    assert_memory_equal(got,
                        "\x82\3"
                        "012",
                        5);
    test_send(fd, frame + 9, 7);
    test_read(fd, got, 2 + 7);
    assert_memory_equal(got,
                        "\x82\7"
                        "3456789",
                        9);
    /* a frame far longer than max_message is just more of it */
    unsigned char large[4 + 4 + 5000] = {0x80, 0x80 | 126, 5000 >> 8, 5000 & 0xff};
    test_send(fd, large, sizeof large);
    for (size_t n = 0; n < 5000;) {
        test_read(fd, got, 2);
        size_t piece = (unsigned char)got[1];
        if (piece == 126) {
            test_read(fd, got, 2);
            piece = (size_t)((unsigned char)got[0] << 8 | (unsigned char)got[1]);
        }
        assert_in_range(piece, 1, 5000 - n);
        for (size_t i = 0; i < piece; i++)
            test_read(fd, got, 1);
        n += piece;
    }
    test_send(fd, "\x81\x81\0\0\0\0x", 7); /* text */
    test_read(fd, got, 4);
    assert_int_equal((unsigned char)got[0], 0x88);
    assert_int_equal((unsigned char)got[2] << 8 | (unsigned char)got[3], 1003);
    close(fd);
    assert_true(test_soon(&server.ws_code, 1003));
}

static void utf8_in_pieces(void **state)
{
    (void)state;
    static const char good[] =
        "a\xc2\xa9\xe2\x82\xac\xf0\x9f\x98\x80\xed\x9f\xbf\xee\x80\x80z12345678";
    for (size_t cut = 0; cut < sizeof good; cut++) {
        struct ws_utf8 u = {0};
        assert_true(ws_utf8_add(&u, slice_of(good, cut)));
        assert_true(ws_utf8_add(&u, slice_of(good + cut, sizeof good - 1 - cut)));
        assert_int_equal(u.missing, 0);
    }
    static const char *const bad[] = {"\x80",         "\xc1\x81",         "\xe0\x9f\xbf",
                                      "\xed\xa0\x80", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80",
                                      "\xf5",         "a\xc2z",           "12345678\xff"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct ws_utf8 u = {0};
        assert_false(ws_utf8_add(&u, slice_str(bad[i])));
    }
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(handshakes),
        T(origins),
        T(echo_of_every_length),
        T(fragments_with_pings_between),
        T(byte_by_byte),
        T(violations_are_answered_with_their_code),
        T(messages_over_the_limit),
        T(server_closes),
        cmocka_unit_test_setup_teardown(silence_is_pinged_and_then_ended, setup_ping, teardown),
        cmocka_unit_test(negotiation),
        cmocka_unit_test(round_trips),
        cmocka_unit_test(examples_of_the_standard),
        T(compressed_messages),
        cmocka_unit_test_setup_teardown(as_a_stream, setup_stream, teardown),
        cmocka_unit_test(utf8_in_pieces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

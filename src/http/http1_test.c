/* http1_test.c - HTTP/1.1 over a real socket, byte by byte where it matters. */
#include "http/http_test_server.h"

#include <zlib.h>

static struct test_server server;

static int setup(void **state)
{
    (void)state;
    server = (struct test_server){0};
    test_start(&server, NULL);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    test_stop(&server);
    return 0;
}

/* Send, end our side, and get all that comes back. */
static char *talk_n(const char *p, size_t n, size_t *ret_n)
{
    int fd = test_dial(&server);
    test_send(fd, p, n);
    shutdown(fd, SHUT_WR);
    char *answer = test_read_all(fd, ret_n);
    close(fd);
    assert_non_null(answer);
    return answer;
}

static char *talk(const char *text)
{
    return talk_n(text, strlen(text), NULL);
}

static int status_of(const char *answer)
{
    int status = 0;
    return sscanf(answer, "HTTP/1.1 %d ", &status) == 1 ? status : 0;
}

static void expect_status(const char *request, int status)
{
    char *answer = talk(request);
    if (status_of(answer) != status)
        fail_msg("%s\ngot, instead of %d: %s", request, status, answer);
    free(answer);
}

static int count(const char *text, const char *part)
{
    int n = 0;
    for (const char *at = text; (at = strstr(at, part)); at += strlen(part))
        n++;
    return n;
}

#define HOST "Host: localhost\r\n"

static void simple_get(void **state)
{
    (void)state;
    char *answer = talk("GET /a%20b?a=1+2%263&b HTTP/1.1\r\n" HOST "\r\n");
    assert_int_equal(status_of(answer), 200);
    assert_non_null(strstr(answer, "\r\nDate: "));
    assert_non_null(strstr(answer, "\r\nX-Content-Type-Options: nosniff\r\n"));
    assert_non_null(strstr(answer, "\r\nContent-Length: 44\r\n"));
    assert_non_null(strstr(answer, "\r\n\r\nGET /a b ?a=1+2%263&b a=1 2&3 host=localhost"));
    free(answer);
}

/* What two readers could understand differently, or what is broken. */
static void bad_heads_are_refused(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *request;
    } cases[] = {
        {400, "GET / HTTP/1.1\r\n\r\n"},                        /* no Host */
        {400, "GET / HTTP/1.1\r\n" HOST HOST "\r\n"},           /* two */
        {400, "GET / HTTP/1.1\r\nHost: a b\r\n\r\n"},           /* a bad one */
        {400, "GET / HTTP/1.1\r\nHost: user@host\r\n\r\n"},     /* no userinfo */
        {400, "GET / HTTP/1.1\r\nHost: a:b\r\n\r\n"},           /* port */
        {400, "GET / HTTP/1.1\nHost: localhost\r\n\r\n"},       /* bare LF */
        {400, "GET / HTTP/1.1\r\nHost: localhost\n\r\n"},       /* bare LF */
        {400, "GET / HTTP/1.1\r\n" HOST "X: a\rb\r\n\r\n"},     /* bare CR */
        {400, "GET / HTTP/1.1\r\n" HOST "X: a\r\n b\r\n\r\n"},  /* folded */
        {400, "GET / HTTP/1.1\r\n X: a\r\n" HOST "\r\n"},       /* white space first */
        {400, "GET / HTTP/1.1\r\n" HOST "X : a\r\n\r\n"},       /* space before colon */
        {400, "GET / HTTP/1.1\r\n" HOST ": a\r\n\r\n"},         /* no name */
        {400, "GET / HTTP/1.1\r\n" HOST "X\r\n\r\n"},           /* no colon */
        {400, "GET / HTTP/1.1\r\n" HOST "X(y): a\r\n\r\n"},     /* no token */
        {400, "GET / HTTP/1.1\r\n" HOST "X: a\x01\r\n\r\n"},    /* control */
        {400, "GET / HTTP/1.1\r\n" HOST "X: a\x7f\r\n\r\n"},    /* control */
        {400, "GET  / HTTP/1.1\r\n" HOST "\r\n"},               /* two spaces */
        {400, "GET /\r\n" HOST "\r\n"},                         /* HTTP/0.9 */
        {400, "GET / HTTP/1\r\n" HOST "\r\n"},                  /* version */
        {400, "GET / HTTP/11\r\n" HOST "\r\n"},                 /* version */
        {400, "GET / http/1.1\r\n" HOST "\r\n"},                /* version */
        {400, "GET /a b HTTP/1.1\r\n" HOST "\r\n"},             /* space in target */
        {400, "GET a HTTP/1.1\r\n" HOST "\r\n"},                /* no form */
        {400, "GET * HTTP/1.1\r\n" HOST "\r\n"},                /* OPTIONS alone */
        {400, "GET ftp://localhost/ HTTP/1.1\r\n" HOST "\r\n"}, /* scheme */
        {400, "GET /a%2 HTTP/1.1\r\n" HOST "\r\n"},             /* percent */
        {400, "GET /a%zz HTTP/1.1\r\n" HOST "\r\n"},            /* percent */
        {400, "GET /a%00 HTTP/1.1\r\n" HOST "\r\n"},            /* NUL */
        {400, "GET /?a=%00 HTTP/1.1\r\n" HOST "\r\n"},          /* NUL */
        {400, "GET /a#b HTTP/1.1\r\n" HOST "\r\n"},             /* fragment */
        {400, "GET /\xc3\xa9 HTTP/1.1\r\n" HOST "\r\n"},        /* not ASCII */
        {501, "FOO / HTTP/1.1\r\n" HOST "\r\n"},                /* method */
        {501, "get / HTTP/1.1\r\n" HOST "\r\n"},                /* case */
        {400, "G@T / HTTP/1.1\r\n" HOST "\r\n"},                /* no token */
        {501, "CONNECT localhost:80 HTTP/1.1\r\n" HOST "\r\n"}, /* no proxy */
        {505, "GET / HTTP/2.0\r\n" HOST "\r\n"},
        {505, "GET / HTTP/0.9\r\n" HOST "\r\n"},
        {417, "POST /echo HTTP/1.1\r\n" HOST "Expect: tea\r\nContent-Length: 1\r\n\r\na"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        expect_status(cases[i].request, cases[i].status);
    static const char nul[] = "GET / HTTP/1.1\r\n" HOST "X: a\0b\r\n\r\n";
    char *answer = talk_n(nul, sizeof nul - 1, NULL);
    assert_int_equal(status_of(answer), 400);
    assert_non_null(strstr(answer, "application/problem+json"));
    assert_non_null(strstr(answer, "Connection: close"));
    free(answer);
    assert_int_equal(server.requests, 0);
}

static void bodies_that_could_smuggle_are_refused(void **state)
{
    (void)state;
#define POST "POST /echo HTTP/1.1\r\n" HOST
    static const struct {
        int status;
        const char *request;
    } cases[] = {
        {400, POST "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
        {400, POST "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n0\r\n\r\n"},
        {400, POST "Content-Length: 1\r\nContent-Length: 1\r\n\r\na"},
        {400, POST "Content-Length: 1, 1\r\n\r\na"},
        {400, POST "Content-Length: +1\r\n\r\na"},
        {400, POST "Content-Length: -1\r\n\r\na"},
        {400, POST "Content-Length: 0x1\r\n\r\na"},
        {400, POST "Content-Length: 1 1\r\n\r\na"},
        {400, POST "Content-Length:\r\n\r\n"},
        {400, POST "Content-Length: 99999999999999999999\r\n\r\na"},
        {400, POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
        {400, POST "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n"},
        {400, POST "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"},
        {400, POST "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n"},
        {501, POST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"},
        {400, "POST /echo HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
        {413, POST "Content-Length: 16777217\r\n\r\n"},
        {413, POST "Transfer-Encoding: chunked\r\n\r\n1000001\r\n"},
#define CHUNKED POST "Transfer-Encoding: chunked\r\n\r\n"
        {400, CHUNKED "g\r\n"},
        {400, CHUNKED "\r\n"},
        {400, CHUNKED "0x1\r\na\r\n0\r\n\r\n"},
        {400, CHUNKED "1\na\r\n0\r\n\r\n"},
        {400, CHUNKED "1\r\na\n0\r\n\r\n"},
        {400, CHUNKED "1\r\nab\r\n0\r\n\r\n"},
        {400, CHUNKED "1 \r\na\r\n0\r\n\r\n"},
        {400, CHUNKED "-1\r\na\r\n0\r\n\r\n"},
        {400, CHUNKED "1;a\nb\r\na\r\n0\r\n\r\n"},
        {400, CHUNKED "10000000000000001\r\na\r\n0\r\n\r\n"},
        {400, CHUNKED "0\r\nX: a\n\r\n"},
        {400, CHUNKED "0\r\nX : a\r\n\r\n"},
        {400, CHUNKED "0\r\nX: a\r\n b\r\n\r\n"},
        {400, CHUNKED "0\r\n\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        expect_status(cases[i].request, cases[i].status);
    assert_int_equal(server.requests, 0);
}

static void good_bodies(void **state)
{
    (void)state;
    static const struct {
        const char *request, *body;
    } cases[] = {
        {POST "Content-Length: 5\r\n\r\nhello", "hello"},
        {POST "Content-Length: 0\r\n\r\n", ""},
        {POST "\r\n", ""},
        {POST "X:\r\nY: \t \r\nContent-Length: \t 2 \r\nZ:a\r\n\r\nok", "ok"},
        {"\r\n\r\n" POST "Content-Length: 2\r\n\r\nok", "ok"},
        {CHUNKED "5\r\nhello\r\n0\r\n\r\n", "hello"},
        {CHUNKED "5;a=b;c=\"d e\"\r\nhello\r\n00\r\n\r\n", "hello"},
        {CHUNKED "2 ;x\r\nhe\r\n003\r\nllo\r\n0\r\nX-Sum: 1\r\nY:\r\n\r\n", "hello"},
        {CHUNKED "A\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n", "01234567890123456789"},
        {POST "Transfer-Encoding: CHUNKED\r\n\r\n0\r\n\r\n", ""},
        {POST "Expect: 100-continue\r\nContent-Length: 2\r\n\r\nok", "ok"},
        {"POST http://other/echo HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\nok", "ok"},
        {"POST /echo HTTP/1.0\r\nExpect: x\r\nContent-Length: 2\r\n\r\nok", "ok"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *answer = talk(cases[i].request), *body = strstr(answer, "\r\n\r\n");
        if (status_of(answer) != 200 || !body || strcmp(body + 4, cases[i].body) != 0)
            fail_msg("%s\ngot %s", cases[i].request, answer);
        free(answer);
    }
}

/* Every split of a request into two sends gives the same answer. */
static void every_split(void **state)
{
    (void)state;
    static const char request[] = "\r\n" CHUNKED "3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nT: 1\r\n\r\n";
    for (size_t cut = 1; cut < sizeof request - 1; cut++) {
        int fd = test_dial(&server);
        test_send(fd, request, cut);
        usleep(1500);
        test_send(fd, request + cut, sizeof request - 1 - cut);
        shutdown(fd, SHUT_WR);
        char *answer = test_read_all(fd, NULL);
        close(fd);
        if (status_of(answer) != 200 || !strstr(answer, "\r\n\r\nabcde"))
            fail_msg("cut at %zu: %s", cut, answer);
        free(answer);
    }
}

static void limits(void **state)
{
    (void)state;
    struct buf b = {0};
    buf_add_str(&b, "GET /");
    for (int i = 0; i < 9000; i++)
        buf_add_byte(&b, 'a');
    buf_add_str(&b, " HTTP/1.1\r\n" HOST "\r\n");
    char *answer = talk_n(b.p, b.n, NULL);
    assert_int_equal(status_of(answer), 414);
    free(answer);
    buf_clear(&b);
    buf_add_str(&b, "GET / HTTP/1.1\r\n" HOST "X: ");
    for (int i = 0; i < 17000; i++)
        buf_add_byte(&b, 'a');
    buf_add_str(&b, "\r\n\r\n");
    answer = talk_n(b.p, b.n, NULL);
    assert_int_equal(status_of(answer), 431);
    free(answer);
    buf_clear(&b);
    buf_add_str(&b, "GET / HTTP/1.1\r\n" HOST);
    for (int i = 0; i < 200; i++)
        buf_add_str(&b, "X: 1\r\n");
    buf_add_str(&b, "\r\n");
    answer = talk_n(b.p, b.n, NULL);
    assert_int_equal(status_of(answer), 431);
    free(answer);
    buf_clear(&b);
    buf_add_str(&b, CHUNKED "1;");
    for (int i = 0; i < 20000; i++)
        buf_add_byte(&b, 'a');
    answer = talk_n(b.p, b.n, NULL);
    assert_int_equal(status_of(answer), 400);
    free(answer);
    buf_release(&b);
}

/* The client is still sending its far too long body; it must get the answer, not a reset. */
static void too_long_body_gets_its_answer(void **state)
{
    (void)state;
    int fd = test_dial(&server);
    static char junk[1 << 20];
    const char *head = POST "Content-Length: 100000000\r\n\r\n";
    test_send(fd, head, strlen(head));
    for (int i = 0; i < 30; i++)
        test_send(fd, junk, sizeof junk);
    shutdown(fd, SHUT_WR);
    char *answer = test_read_all(fd, NULL);
    assert_int_equal(status_of(answer), 413);
    free(answer);
    close(fd);
}

static void pipelined_answers_keep_their_order(void **state)
{
    (void)state;
    char *answer = talk("GET /later/1?ms=80 HTTP/1.1\r\n" HOST "\r\n"
                        "GET /now/2 HTTP/1.1\r\n" HOST "\r\n"
                        "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nthree"
                        "GET /later/4?ms=1 HTTP/1.1\r\n" HOST "\r\n"
                        "GET /last/5 HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n"
                        "GET /never/6 HTTP/1.1\r\n" HOST "\r\n");
    assert_int_equal(count(answer, "HTTP/1.1 200 OK"), 5);
    char *one = strstr(answer, "/later/1"), *two = strstr(answer, "/now/2"),
         *three = strstr(answer, "three"), *four = strstr(answer, "/later/4"),
         *five = strstr(answer, "/last/5");
    assert_true(one && two && three && four && five);
    assert_true(one < two && two < three && three < four && four < five);
    assert_null(strstr(answer, "never"));
    free(answer);
}

static void a_thousand_pipelined(void **state)
{
    (void)state;
    struct buf b = {0};
    for (int i = 0; i < 3000; i++)
        buf_add_str(&b, "GET /big?n=1000 HTTP/1.1\r\n" HOST "\r\n");
    int fd = test_dial(&server);
    test_send(fd, b.p, b.n / 2);
    usleep(50000); /* answers pile up: reading must stop and go on */
    char *answer = NULL;
    test_send(fd, b.p + b.n / 2, b.n - b.n / 2);
    shutdown(fd, SHUT_WR);
    answer = test_read_all(fd, NULL);
    assert_int_equal(count(answer, "HTTP/1.1 200 OK"), 3000);
    free(answer);
    close(fd);
    buf_release(&b);
}

static void keep_alive_and_close(void **state)
{
    (void)state;
    static const struct {
        const char *request;
        int answers;
        const char *connection;
    } cases[] = {
        {"GET / HTTP/1.0\r\n\r\nGET / HTTP/1.0\r\n\r\n", 1, "Connection: close"},
        {"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\nGET / HTTP/1.0\r\n\r\n", 2,
         "Connection: keep-alive"},
        {"GET / HTTP/1.1\r\n" HOST "Connection: x, Close\r\n\r\nGET / HTTP/1.1\r\n" HOST "\r\n", 1,
         "Connection: close"},
        {"GET / HTTP/1.2\r\n" HOST "\r\nGET / HTTP/1.1\r\n" HOST "\r\n", 2, "HTTP/1.1 200"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *answer = talk(cases[i].request);
        if (count(answer, "HTTP/1.1 200") != cases[i].answers ||
            !strstr(answer, cases[i].connection))
            fail_msg("%s\ngot %s", cases[i].request, answer);
        free(answer);
    }
}

static void head_options_and_empty_answers(void **state)
{
    (void)state;
    char *answer = talk("HEAD /big?n=500 HTTP/1.1\r\n" HOST "\r\n");
    assert_non_null(strstr(answer, "Content-Length: 500\r\n"));
    assert_string_equal(strstr(answer, "\r\n\r\n"), "\r\n\r\n");
    free(answer);
    answer = talk("HEAD /stream HTTP/1.1\r\n" HOST "\r\n");
    assert_int_equal(status_of(answer), 200);
    assert_string_equal(strstr(answer, "\r\n\r\n"), "\r\n\r\n");
    free(answer);
    answer = talk("OPTIONS * HTTP/1.1\r\n" HOST "\r\n");
    assert_non_null(strstr(answer, "OPTIONS * ?"));
    free(answer);
    answer = talk("GET /204 HTTP/1.1\r\n" HOST "\r\n");
    assert_int_equal(status_of(answer), 204);
    assert_null(strstr(answer, "Content-Length"));
    assert_null(strstr(answer, "Transfer-Encoding"));
    free(answer);
    answer = talk("GET http://example.org:81/x?y HTTP/1.1\r\n" HOST "\r\n");
    assert_non_null(strstr(answer, "GET /x ?y a= host=example.org:81"));
    free(answer);
    answer = talk("GET /header HTTP/1.1\r\n" HOST "X-Many: a\r\nx-many:  b \r\n\r\n");
    assert_non_null(strstr(answer, "\r\n\r\na, b"));
    assert_non_null(strstr(answer, "X-Bad__Name: one  Injected: yes\r\n"));
    assert_non_null(strstr(answer, "X-Number: 42\r\n"));
    free(answer);
}

static void continue_is_said_before_the_body(void **state)
{
    (void)state;
    int fd = test_dial(&server);
    const char *head = POST "Expect: 100-Continue\r\nContent-Length: 4\r\n\r\n";
    char line[25];
    test_send(fd, head, strlen(head));
    test_read(fd, line, sizeof line);
    assert_memory_equal(line, "HTTP/1.1 100 Continue\r\n\r\n", 25);
    test_send(fd, "body", 4);
    shutdown(fd, SHUT_WR);
    char *answer = test_read_all(fd, NULL);
    assert_int_equal(status_of(answer), 200);
    assert_non_null(strstr(answer, "\r\n\r\nbody"));
    free(answer);
    close(fd);
    answer = talk(POST "Expect: 100-continue\r\nContent-Length: 100000000\r\n\r\n");
    assert_int_equal(status_of(answer), 413);
    free(answer);
}

/* ---- answers in pieces and compressed ones ---- */

static size_t unchunk(char *body)
{
    char *from = body, *to = body;
    for (;;) {
        char *end;
        size_t n = strtoul(from, &end, 16);
        assert_memory_equal(end, "\r\n", 2);
        if (!n) {
            assert_memory_equal(end, "\r\n\r\n", 4);
            return (size_t)(to - body);
        }
        memmove(to, end + 2, n);
        to += n;
        from = end + 2 + n;
        assert_memory_equal(from, "\r\n", 2);
        from += 2;
    }
}

static char *gunzip(const char *p, size_t n, size_t max, size_t *ret_n)
{
    z_stream z = {.next_in = (z_const Bytef *)(uintptr_t)p, .avail_in = (uInt)n};
    char *out = malloc(max + 1);
    assert_non_null(out);
    z.next_out = (Bytef *)out;
    z.avail_out = (uInt)max;
    assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
    assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
    *ret_n = max - z.avail_out;
    out[*ret_n] = 0;
    inflateEnd(&z);
    return out;
}

static void check_alphabet(const char *p, size_t n, size_t want)
{
    assert_int_equal(n, want);
    for (size_t i = 0; i < n; i++)
        if (p[i] != (char)('a' + i % 26))
            fail_msg("byte %zu differs", i);
}

static void streams(void **state)
{
    (void)state;
    char *answer = talk("GET /stream?n=3000000 HTTP/1.1\r\n" HOST "\r\n");
    assert_non_null(strstr(answer, "Transfer-Encoding: chunked\r\n"));
    char *body = strstr(answer, "\r\n\r\n") + 4;
    check_alphabet(body, unchunk(body), 3000000);
    free(answer);

    size_t n;
    const char *old = "GET /stream?n=100000 HTTP/1.0\r\n\r\n";
    answer = talk_n(old, strlen(old), &n);
    assert_null(strstr(answer, "chunked"));
    body = strstr(answer, "\r\n\r\n") + 4;
    check_alphabet(body, n - (size_t)(body - answer), 100000);
    free(answer);

    answer = talk("GET /stream?n=500000 HTTP/1.1\r\n" HOST "Accept-Encoding: gzip\r\n\r\n");
    assert_non_null(strstr(answer, "Content-Encoding: gzip\r\n"));
    body = strstr(answer, "\r\n\r\n") + 4;
    char *plain = gunzip(body, unchunk(body), 600000, &n);
    check_alphabet(plain, n, 500000);
    free(plain);
    free(answer);
}

/* A client that does not read holds the producer back; when it goes, the producer is told. */
static void slow_client(void **state)
{
    (void)state;
    int fd = test_dial(&server);
    const char *head = "GET /stream?n=50000000 HTTP/1.1\r\n" HOST "\r\n";
    test_send(fd, head, strlen(head));
    /* it comes to rest: the same at several looks in a row */
    int seen = 0, same = 0;
    for (int looks = 0; looks < 300 && same < 5; looks++) {
        int now = server.pauses;
        same = now >= 1 && now == seen ? same + 1 : 0;
        seen = now;
        usleep(50000);
    }
    assert_int_equal(same, 5);
    char some[100000];
    test_read(fd, some, sizeof some);
    close(fd);
    assert_true(test_soon(&server.gone, 1));
}

static void compression(void **state)
{
    (void)state;
    static const struct {
        const char *accept;
        bool gzip;
    } cases[] = {
        {"gzip", true},
        {"GZIP;q=0.5", true},
        {"x-gzip", true},
        {"*", true},
        {"br, deflate, gzip;q=0.8, *;q=0", true},
        {"gzip;q=0", false},
        {"gzip;q=0.000", false},
        {"*;q=0", false},
        {"identity", false},
        {"br", false},
        {"gzip;q=0.5, identity", false},
        {"gzip;q=1.5", false},
        {"gzip;q=abc", false},
        {"identity;q=0, gzip;q=0.1", true},
        {"", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char request[256];
        size_t n, plain_n;
        snprintf(request, sizeof request,
                 "GET /big?n=5000 HTTP/1.1\r\n" HOST "Accept-Encoding: %s\r\n\r\n",
                 cases[i].accept);
        char *answer = talk_n(request, strlen(request), &n);
        char *body = strstr(answer, "\r\n\r\n") + 4;
        n -= (size_t)(body - answer);
        assert_non_null(strstr(answer, "Vary: Accept-Encoding\r\n"));
        if (!!strstr(answer, "Content-Encoding: gzip") != cases[i].gzip)
            fail_msg("%s: %.*s", cases[i].accept, (int)(body - answer), answer);
        if (cases[i].gzip) {
            char *plain = gunzip(body, n, 6000, &plain_n);
            assert_int_equal(plain_n, 5000);
            assert_memory_equal(plain, "{\"value\":12.5}{", 15);
            free(plain);
        } else {
            assert_int_equal(n, 5000);
        }
        free(answer);
    }
    char *small = talk("GET /big?n=900 HTTP/1.1\r\n" HOST "Accept-Encoding: gzip\r\n\r\n");
    assert_null(strstr(small, "Content-Encoding"));
    free(small);
    small = talk("GET /big?n=90 HTTP/1.1\r\n" HOST "Accept-Encoding: gzip, *;q=0\r\n\r\n");
    assert_non_null(strstr(small, "Content-Encoding: gzip"));
    free(small);
}

/* ---- time and numbers ---- */

static void peer_that_goes_is_told(void **state)
{
    (void)state;
    int fd = test_dial(&server);
    const char *head = "GET /later?ms=200 HTTP/1.1\r\n" HOST "\r\n";
    test_send(fd, head, strlen(head));
    assert_true(test_soon(&server.requests, 1));
    struct linger reset = {.l_onoff = 1};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    close(fd);
    assert_true(test_soon(&server.gone, 1));
    usleep(250000); /* its timer fires and gives it back */
}

static int setup_short(void **state)
{
    (void)state;
    server = (struct test_server){0};
    struct http_opts opts = http_defaults;
    opts.header_timeout_ms = 200;
    opts.body_timeout_ms = 200;
    opts.idle_timeout_ms = 200;
    opts.max_connections = 2;
    test_start(&server, &opts);
    return 0;
}

static void expect_end(const char *request, int status)
{
    int fd = test_dial(&server);
    test_send(fd, request, strlen(request));
    char *answer = test_read_all(fd, NULL); /* the server ends it */
    assert_int_equal(status_of(answer), status);
    free(answer);
    close(fd);
}

static void timeouts(void **state)
{
    (void)state;
    expect_end("", 0);                                                   /* never began */
    expect_end("GET / HTTP/1.1\r\nHost:", 408);                          /* half a head */
    expect_end(POST "Content-Length: 10\r\n\r\nabc", 408);               /* half a body */
    expect_end(CHUNKED "5\r\nab", 408);                                  /* half a chunk */
    expect_end("GET / HTTP/1.1\r\n" HOST "\r\n", 200);                   /* idle afterwards */
    expect_end("GET / HTTP/1.1\r\n" HOST "\r\nGET / HTTP/1.1\r\n", 200); /* and half a head */

    int fd = test_dial(&server); /* a byte now and then does not help */
    static const char drip[] = "GET / HTTP/1.1\r\nX: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    for (size_t i = 0; i < sizeof drip - 1; i++) {
        if (send(fd, drip + i, 1, MSG_NOSIGNAL) < 0)
            break;
        usleep(10000);
    }
    char *answer = test_read_all(fd, NULL);
    assert_int_equal(status_of(answer), 408);
    free(answer);
    close(fd);
}

static void too_many_connections(void **state)
{
    (void)state;
    int a = test_dial(&server), b = test_dial(&server);
    usleep(50000);
    expect_end("GET / HTTP/1.1\r\n" HOST "\r\n", 503);
    close(a);
    close(b);
    usleep(100000);
    expect_end("GET / HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n", 200);
}

static void not_http_at_all_is_closed(void **state)
{
    (void)state;
    char *answer = talk("INVALID CONNECTION PREFACE\r\n\r\n");
    assert_string_equal(answer, "");
    free(answer);
    expect_status("PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n", 505);
}

/* The members of text, compressed one by one; window 15: zlib, with 16 more: gzip. */
static size_t pack(const char *text, size_t n, int window, char *to, size_t room)
{
    z_stream z = {.next_in = (z_const Bytef *)(uintptr_t)text, .avail_in = (uInt)n};
    z.next_out = (Bytef *)to;
    z.avail_out = (uInt)room;
    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    deflateEnd(&z);
    return room - z.avail_out;
}

/* What the handler saw of a body, or the status. */
static int content_of(const char *coding, const char *body, size_t n, const char *wanted)
{
    struct buf b = {0};
    size_t got_n = 0;
    buf_addf(
        &b, "POST /content HTTP/1.1\r\n" HOST "Content-Encoding: %s\r\nContent-Length: %zu\r\n\r\n",
        coding, n);
    buf_add(&b, body, n);
    char *answer = talk_n(b.p, b.n, &got_n);
    int status = status_of(answer);
    const char *end = strstr(answer, "\r\n\r\n");
    assert_non_null(end);
    if (status == 200 && wanted)
        assert_string_equal(end + 4, wanted);
    free(answer);
    buf_release(&b);
    return status;
}

static void compressed_bodies(void **state)
{
    static char packed[100000], zeros[20 << 20];
    (void)state;
    size_t n = pack("hello", 5, 31, packed, sizeof packed);
    assert_int_equal(content_of("gzip", packed, n, "hello"), 200);
    assert_int_equal(content_of("X-GZip", packed, n, "hello"), 200);
    assert_int_equal(content_of("identity, gzip", packed, n, "hello"), 200);
    assert_int_equal(content_of("identity", "hello", 5, "hello"), 200);
    assert_int_equal(content_of("gzip", "", 0, ""), 200);
    for (size_t cut = 1; cut < n; cut++)
        assert_int_equal(content_of("gzip", packed, cut, NULL), 400);
    assert_int_equal(content_of("gzip", "hello", 5, NULL), 400);
    assert_int_equal(content_of("gzip, gzip", packed, n, NULL), 415);
    assert_int_equal(content_of("br", packed, n, NULL), 415);
    size_t two = n + pack(" you", 4, 31, packed + n, sizeof packed - n);
    assert_int_equal(content_of("gzip", packed, two, "hello you"), 200);
    packed[two] = 'x'; /* what stands behind the last is none */
    assert_int_equal(content_of("gzip", packed, two + 1, NULL), 400);
    n = pack("hello", 5, 15, packed, sizeof packed);
    assert_int_equal(content_of("deflate", packed, n, "hello"), 200);
    n = pack(zeros, sizeof zeros, 31, packed, sizeof packed); /* a bomb */
    assert_int_equal(content_of("gzip", packed, n, NULL), 413);
    n = pack(zeros, http_defaults.max_body, 31, packed, sizeof packed); /* as much as may be */
    assert_int_equal(content_of("gzip", packed, n, NULL), 200);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define T_SHORT(name) cmocka_unit_test_setup_teardown(name, setup_short, teardown)
    const struct CMUnitTest tests[] = {
        T(simple_get),
        T(bad_heads_are_refused),
        T(bodies_that_could_smuggle_are_refused),
        T(good_bodies),
        T(every_split),
        T(limits),
        T(too_long_body_gets_its_answer),
        T(pipelined_answers_keep_their_order),
        T(a_thousand_pipelined),
        T(keep_alive_and_close),
        T(head_options_and_empty_answers),
        T(continue_is_said_before_the_body),
        T(streams),
        T(slow_client),
        T(compression),
        T(compressed_bodies),
        T(peer_that_goes_is_told),
        T(not_http_at_all_is_closed),
        T_SHORT(timeouts),
        T_SHORT(too_many_connections),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* fetch_test.c - transfers against a server on the same loop, which is honest, slow, huge or sly.
 */
#include "base/err.h"
#include "os/fetch.h"
#include "os/net.h"
#include "os/tls_testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <uv.h>

#include <cmocka.h>

enum { BOMB = 16 << 20 };

struct fixture {
    struct loop *l;
    struct net_listener *plain, *secure;
    struct net_tls *tls;
    struct fetch *f;
    int conns;
    struct buf last; /* the last request */
    char dir[64], cert[128], key[128];
    struct buf bomb;
    const char *names[4]; /* what the resolver says, one after the other, the last for ever */
    int asked;

    /* the outcome */
    int called, err, status;
    struct buf body, why, url, type;
};

/* ---- the server ---- */

struct peer {
    struct fixture *f;
    struct net_conn *c;
    struct buf in;
};

static void answer(struct peer *p, const char *head, struct slice body)
{
    struct buf b = {0};
    buf_addf(&b, "HTTP/1.1 %s\r\nContent-Length: %zu\r\n\r\n", head, body.n);
    buf_add_slice(&b, body);
    net_write(p->c, b.p, b.n);
    buf_release(&b);
}

static void endless(struct peer *p, const char *begin, const char *unit)
{
    struct buf b = {0};
    buf_add_str(&b, begin);
    while (b.n < 1 << 20)
        buf_add_str(&b, unit);
    net_write(p->c, b.p, b.n);
    buf_release(&b);
}

static void respond(struct peer *p)
{
    char path[4096] = "", head[4200];
    sscanf(buf_slice(&p->in).p, "%*s %4095s", path);
    if (strncmp(path, "/to?", 4) == 0) {
        snprintf(head, sizeof head, "302 Found\r\nLocation: %s", path + 4);
        answer(p, head, SLICE_LIT("moved"));
    } else if (strcmp(path, "/bomb") == 0) {
        answer(p, "200 OK\r\nContent-Encoding: gzip", buf_slice(&p->f->bomb));
    } else if (strcmp(path, "/big") == 0) {
        endless(p, "HTTP/1.1 200 OK\r\n\r\n", "big and bigger ");
    } else if (strcmp(path, "/headers") == 0) {
        endless(p, "HTTP/1.1 200 OK\r\n", "X-More: and more\r\n");
    } else if (strcmp(path, "/half") == 0) {
        net_write(p->c, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", 42);
    } else if (strcmp(path, "/garbage") == 0) {
        net_write(p->c, "SSH-2.0-OpenSSH_9.2\r\n", 21);
        net_close(p->c);
        p->c = NULL;
    } else if (strcmp(path, "/silent") != 0) {
        answer(p, "200 OK\r\nContent-Type: text/plain", slice_str(path));
    }
}

static void on_data(void *arg, struct slice bytes)
{
    struct peer *p = arg;
    buf_add_slice(&p->in, bytes);
    buf_add_byte(&p->in, 0);
    p->in.n--;
    if (!strstr(p->in.p, "\r\n\r\n"))
        return;
    buf_clear(&p->f->last);
    buf_add_slice(&p->f->last, buf_slice(&p->in));
    buf_add_byte(&p->f->last, 0);
    respond(p);
    if (p->c)
        buf_clear(&p->in);
    else
        buf_release(&p->in), free(p);
}

static void on_close(void *arg, int err)
{
    struct peer *p = arg;
    (void)err;
    net_close(p->c);
    buf_release(&p->in);
    free(p);
}

static void on_accept(void *arg, struct net_conn *c)
{
    static const struct net_events events = {.on_data = on_data, .on_close = on_close};
    struct peer *p = calloc(1, sizeof *p);
    assert_non_null(p);
    p->f = arg;
    p->c = c;
    p->f->conns++;
    net_set_events(c, &events, p);
}

/* ---- the fixture ---- */

static const char *resolve(void *arg, const char *host)
{
    struct fixture *f = arg;
    if (strcmp(host, "127.0.0.1") == 0 || !f->names[0])
        return NULL;
    const char *now = f->names[f->asked];
    if (f->asked < 3 && f->names[f->asked + 1])
        f->asked++;
    return now;
}

static void fetch_with(struct fixture *f, const char *allow)
{
    struct buf why = {0};
    const struct fetch_opts opts = {.allow_private = allow,
                                    .ca_file = f->cert,
                                    .user_agent = "Doppel/test",
                                    .max_active = 2,
                                    .max_waiting = 4,
                                    .resolve = resolve,
                                    .resolve_arg = f};
    fetch_free(f->f);
    assert_int_equal(fetch_new(f->l, &opts, &f->f, &why), 0);
}

static void make_bomb(struct buf *b)
{
    char command[64];
    snprintf(command, sizeof command, "head -c %d /dev/zero | gzip -9", BOMB);
    FILE *p = popen(command, "r");
    size_t n;
    assert_non_null(p);
    do {
        char *to = buf_reserve(b, 65536);
        n = fread(to, 1, 65536, p);
        b->n += n;
    } while (n);
    assert_int_equal(pclose(p), 0);
    assert_true(b->n > 1000 && b->n < BOMB / 100);
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    const char *why = "";
    assert_non_null(f);
    snprintf(f->dir, sizeof f->dir, "/tmp/doppel-fetch-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    snprintf(f->cert, sizeof f->cert, "%s/cert.pem", f->dir);
    snprintf(f->key, sizeof f->key, "%s/key.pem", f->dir);
    test_self_signed(f->cert, f->key);
    const struct net_tls_opts o = {.cert_file = f->cert, .key_file = f->key};
    assert_int_equal(net_tls_new(&o, &f->tls, &why), 0);
    assert_int_equal(loop_new(&f->l), 0);
    assert_int_equal(net_listen(f->l, "127.0.0.1:0", NULL, on_accept, f, &f->plain, &why), 0);
    assert_int_equal(net_listen(f->l, "127.0.0.1:0", f->tls, on_accept, f, &f->secure, &why), 0);
    fetch_with(f, "127.0.0.1");
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    fetch_free(f->f);
    net_listener_free(f->plain);
    net_listener_free(f->secure);
    loop_free(f->l);
    net_tls_unref(f->tls);
    unlink(f->cert);
    unlink(f->key);
    rmdir(f->dir);
    struct buf *bufs[] = {&f->last, &f->bomb, &f->body, &f->why, &f->url, &f->type};
    for (size_t i = 0; i < sizeof bufs / sizeof bufs[0]; i++)
        buf_release(bufs[i]);
    free(f);
    return 0;
}

static void keep(struct buf *b, struct slice s)
{
    buf_clear(b);
    buf_add_slice(b, s);
    buf_add_byte(b, 0);
}

static void outcome(void *arg, const struct fetch_answer *a)
{
    struct fixture *f = arg;
    f->called++;
    f->err = a->err;
    f->status = a->status;
    keep(&f->body, a->body);
    keep(&f->why, slice_str(a->why));
    keep(&f->url, slice_str(a->url));
    keep(&f->type, fetch_header(a, "content-type"));
    loop_stop(f->l);
}

/* "http://127.0.0.1:PORT/path" */
static const char *at(const struct fixture *f, const char *scheme, const char *host,
                      const char *path)
{
    static char text[2][8192];
    static int which;
    const struct net_listener *l = strcmp(scheme, "https") == 0 ? f->secure : f->plain;
    char *s = text[which ^= 1];
    snprintf(s, sizeof text[0], "%s://%s%s%s", scheme, host, strrchr(net_address(l), ':'), path);
    return s;
}

static void ask(struct fixture *f, const struct fetch_ask *what)
{
    struct buf why = {0};
    f->called = 0;
    f->conns = 0;
    f->asked = 0;
    buf_clear(&f->last);
    buf_add_byte(&f->last, 0);
    int err = fetch_start(f->f, what, outcome, f, NULL, &why);
    if (err) {
        f->err = err;
        keep(&f->why, buf_slice(&why));
    } else {
        loop_run(f->l);
        assert_int_equal(f->called, 1);
    }
    buf_release(&why);
}

static void get(struct fixture *f, const char *url)
{
    ask(f, &(struct fetch_ask){.url = url, .max_redirects = 3});
}

static void expect(const struct fixture *f, int err, const char *part)
{
    if (f->err != err || !strstr(f->why.p, part))
        fail_msg("%d \"%s\" instead of %d \"%s\"", f->err, f->why.p, err, part);
}

/* ---- the tests ---- */

static void gets_and_posts(void **state)
{
    struct fixture *f = *state;
    static const char *const headers[] = {"Content-Type: application/x-www-form-urlencoded",
                                          "Authorization: Basic eDp5", NULL};
    get(f, at(f, "http", "127.0.0.1", "/hello?x=1#fragment"));
    assert_int_equal(f->err, 0);
    assert_int_equal(f->status, 200);
    assert_string_equal(f->body.p, "/hello?x=1");
    assert_string_equal(f->type.p, "text/plain");
    assert_non_null(strstr(f->last.p, "\r\nUser-Agent: Doppel/test\r\n"));
    ask(f, &(struct fetch_ask){.method = "POST",
                               .url = at(f, "https", "127.0.0.1", "/token"),
                               .headers = headers,
                               .body = SLICE_LIT("a=b")});
    assert_int_equal(f->err, 0);
    assert_int_equal(strncmp(f->last.p, "POST /token HTTP/1.1\r\n", 22), 0);
    assert_non_null(strstr(f->last.p, "\r\nAuthorization: Basic eDp5\r\n"));
    assert_non_null(strstr(f->last.p, "\r\n\r\na=b"));
    ask(f, &(struct fetch_ask){.method = "POST",
                               .url = at(f, "https", "127.0.0.1", "/empty"),
                               .body = SLICE_LIT("")});
    assert_non_null(strstr(f->last.p, "\r\nContent-Length: 0\r\n"));
}

static void environment_changes_nothing(void **state)
{
    struct fixture *f = *state;
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    setenv("https_proxy", "http://127.0.0.1:1", 1);
    setenv("ALL_PROXY", "socks5://127.0.0.1:1", 1);
    get(f, at(f, "http", "127.0.0.1", "/a"));
    assert_int_equal(f->err, 0);
    get(f, at(f, "https", "127.0.0.1", "/a"));
    assert_int_equal(f->err, 0);
    unsetenv("http_proxy");
    unsetenv("https_proxy");
    unsetenv("ALL_PROXY");
}

static void private_addresses_are_refused(void **state)
{
    struct fixture *f = *state;
    static const char *const hosts[] = {
        "127.0.0.1",
        "localhost",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "127.1",
        "0.0.0.0",
        "0",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
    };
    fetch_with(f, "192.0.2.1");
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        for (int tls = 0; tls < 2; tls++) {
            get(f, at(f, tls ? "https" : "http", hosts[i], "/secret"));
            if (f->err != ERR_ADDRESS || f->conns)
                fail_msg("%s: %d %s, %d connections", hosts[i], f->err, f->why.p, f->conns);
        }
    }
    expect(f, ERR_ADDRESS, "--allow-private-fetch");
}

static void names_are_judged_by_their_address(void **state)
{
    struct fixture *f = *state;
    static const char *const addresses[] = {
        "127.0.0.1", "10.0.0.1",      "169.254.169.254",  "100.64.0.1",        "::1",
        "fe80::1",   "fd00:ec2::254", "::ffff:127.0.0.1", "64:ff9b::7f00:1",   "2002:7f00:1::1",
        "224.0.0.1", "0.0.0.0",       "168.63.129.16",    "127.0.0.1,10.0.0.1"};
    fetch_with(f, NULL);
    for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++) {
        f->names[0] = addresses[i];
        get(f, at(f, "https", "idp.example", "/"));
        if (f->err != ERR_ADDRESS || f->conns)
            fail_msg("%s: %d %s", addresses[i], f->err, f->why.p);
    }
    f->names[0] = "127.0.0.1";
    fetch_with(f, "Idp.Example");
    get(f, at(f, "http", "idp.example", "/by-name"));
    assert_int_equal(f->err, 0);
    get(f, at(f, "http", "other.example", "/"));
    assert_int_equal(f->err, ERR_ADDRESS);
}

/* The name was public when it was checked, and is private when it is used, or at a redirect. */
static void names_that_change_gain_nothing(void **state)
{
    struct fixture *f = *state;
    fetch_with(f, "127.0.0.1");
    f->names[0] = "127.0.0.1";
    f->names[1] = "127.0.0.2"; /* not on the list */
    get(f, at(f, "http", "rebind.example", "/first"));
    assert_int_equal(f->err, 0);
    assert_int_equal(f->conns, 1);
    char path[300];
    snprintf(path, sizeof path, "/to?%s", at(f, "http", "rebind.example", "/second"));
    get(f, at(f, "http", "rebind.example", path));
    expect(f, ERR_ADDRESS, "rebind.example is a loopback address (127.0.0.2:");
    assert_int_equal(f->conns, 1);
    assert_null(strstr(f->last.p, "GET /second"));
}

static void plain_http_is_for_the_list_alone(void **state)
{
    struct fixture *f = *state;
    f->names[0] = "93.184.216.34"; /* never connected to */
    get(f, "http://public.example/");
    expect(f, ERR_ADDRESS, "https alone");
}

static void redirects(void **state)
{
    struct fixture *f = *state;
    get(f, at(f, "http", "127.0.0.1", "/to?/there"));
    assert_int_equal(f->err, 0);
    assert_string_equal(f->body.p, "/there");
    assert_string_equal(f->url.p, at(f, "http", "127.0.0.1", "/there"));
    assert_int_equal(f->conns, 2);
    get(f, at(f, "http", "127.0.0.1", "/to?/to?/to?/to?/far"));
    expect(f, ERR_UNREACHABLE, "on and on");
    static const char *const bad[] = {"file:///etc/passwd",
                                      "ftp://127.0.0.1/",
                                      "gopher://127.0.0.1:6379/_x",
                                      "https://u:p@127.0.0.1/",
                                      "https://127.0.0.2/",
                                      "https://169.254.169.254/latest/",
                                      "//10.0.0.1/",
                                      "https://[::1]/",
                                      "http://0/",
                                      "https://[::ffff:a9fe:a9fe]/"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char path[200];
        snprintf(path, sizeof path, "/to?%s", bad[i]);
        get(f, at(f, "http", "127.0.0.1", path));
        if (f->err != ERR_ADDRESS || f->conns != 1)
            fail_msg("%s: %d %s, %d connections", bad[i], f->err, f->why.p, f->conns);
    }
    /* nothing is sent again, and nothing told to whom it was not meant for */
    ask(f, &(struct fetch_ask){.url = at(f, "http", "127.0.0.1", "/to?/there"),
                               .method = "POST",
                               .body = SLICE_LIT("secret"),
                               .max_redirects = 3});
    assert_int_equal(f->status, 302);
    ask(f, &(struct fetch_ask){.url = at(f, "http", "127.0.0.1", "/to?/there")});
    assert_int_equal(f->status, 302);
    char path[200];
    snprintf(path, sizeof path, "/to?%s", at(f, "http", "127.0.0.1", "/"));
    get(f, at(f, "https", "127.0.0.1", path));
    expect(f, ERR_ADDRESS, "from https to http");
}

static void secrets_stay_with_their_origin(void **state)
{
    struct fixture *f = *state;
    static const char *const headers[] = {"Authorization: Bearer secret", "cookie: c=1",
                                          "Accept: text/html", NULL};
    char path[200];
    snprintf(path, sizeof path, "/to?%s", at(f, "https", "127.0.0.1", "/other"));
    ask(f, &(struct fetch_ask){
               .url = at(f, "http", "127.0.0.1", path), .headers = headers, .max_redirects = 3});
    assert_string_equal(f->body.p, "/other");
    assert_null(strstr(f->last.p, "secret"));
    assert_null(strstr(f->last.p, "c=1"));
    assert_non_null(strstr(f->last.p, "Accept: text/html"));
    ask(f, &(struct fetch_ask){.url = at(f, "http", "127.0.0.1", "/to?/same"),
                               .headers = headers,
                               .max_redirects = 3});
    assert_string_equal(f->body.p, "/same");
    assert_non_null(strstr(f->last.p, "Bearer secret"));
}

static void faulty_questions_are_never_sent(void **state)
{
    struct fixture *f = *state;
    static const char *const urls[] = {
        "",
        "nonsense",
        "/path",
        "file:///etc/passwd",
        "ftp://127.0.0.1/",
        "gopher://127.0.0.1/",
        "javascript:alert(1)",
        "https://",
        "https://user@127.0.0.1/",
        "https://user:pass@127.0.0.1/",
        "https://:@127.0.0.1/",
        "https://127.0.0.1/a b",
        "https://127.0.0.1/a\r\nX-Injected: 1",
        "https://127.0.0.1/a\tb",
        "https://127.0.0.1\\@evil.example/",
        "https://127.0.0.1:99999/",
        "https://127.0.0.1:x/",
        "https://ex\xc3\xa4mple.org/",
        "https://exa%00mple.org/",
        "https://[::1/",
        "https://[zz]/",
    };
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        get(f, urls[i]);
        if (f->err != ERR_INVALID || f->called)
            fail_msg("\"%s\": %d", urls[i], f->err);
        struct buf why = {0};
        assert_int_equal(fetch_check_url(f->f, urls[i], &why), ERR_INVALID);
        assert_true(why.n > 0);
        buf_release(&why);
    }
    static const char *const lines[] = {"X: a\r\nY: b", "X: a\nY", "X\r\n: a", "No colon",
                                        ": x",          "X y: z",  "X: \x01",  NULL};
    for (size_t i = 0; lines[i]; i++) {
        const char *const headers[] = {lines[i], NULL};
        ask(f, &(struct fetch_ask){.url = at(f, "http", "127.0.0.1", "/"), .headers = headers});
        assert_int_equal(f->err, ERR_INVALID);
    }
    ask(f, &(struct fetch_ask){.url = at(f, "http", "127.0.0.1", "/"),
                               .method = "GET / HTTP/1.1\r\n"});
    assert_int_equal(f->err, ERR_INVALID);
}

static void urls_can_be_checked_before(void **state)
{
    struct fixture *f = *state;
    struct buf why = {0};
    assert_int_equal(fetch_check_url(f->f, "https://idp.example/x", &why), 0);
    assert_int_equal(fetch_check_url(f->f, "http://127.0.0.1/", &why), 0);
    assert_int_equal(why.n, 0);
    assert_int_equal(fetch_check_url(f->f, "https://0x7f.2/", &why), ERR_ADDRESS);
    assert_true(why.n > 0);
    assert_int_equal(fetch_check_url(f->f, "https://[::ffff:10.0.0.1]/", NULL), ERR_ADDRESS);
    assert_int_equal(fetch_check_url(f->f, "http://1.1.1.1/", NULL), ERR_ADDRESS);
    assert_int_equal(fetch_check_url(f->f, "https://1.1.1.1/", NULL), 0);
    buf_release(&why);
}

static void answers_have_limits(void **state)
{
    struct fixture *f = *state;
    make_bomb(&f->bomb);
    get(f, at(f, "http", "127.0.0.1", "/bomb"));
    expect(f, ERR_TOO_LARGE, "1048576");
    ask(f, &(struct fetch_ask){.url = at(f, "http", "127.0.0.1", "/bomb"), .max_body = BOMB});
    assert_int_equal(f->err, 0);
    assert_int_equal(f->body.n, BOMB + 1);
    ask(f, &(struct fetch_ask){.url = at(f, "http", "127.0.0.1", "/bomb"), .max_body = BOMB - 1});
    assert_int_equal(f->err, ERR_TOO_LARGE);
    ask(f, &(struct fetch_ask){.url = at(f, "http", "127.0.0.1", "/big"), .max_body = 100000});
    assert_int_equal(f->err, ERR_TOO_LARGE);
    get(f, at(f, "http", "127.0.0.1", "/headers"));
    expect(f, ERR_TOO_LARGE, "65536");
}

static void time_is_limited(void **state)
{
    struct fixture *f = *state;
    static const char *const paths[] = {"/silent", "/half", "/to?/silent"};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        ask(f, &(struct fetch_ask){.url = at(f, "http", "127.0.0.1", paths[i]),
                                   .timeout_ms = 200,
                                   .max_redirects = 1});
        expect(f, ERR_TIMEOUT, "did not answer in time");
    }
}

static void failures_are_told(void **state)
{
    struct fixture *f = *state;
    get(f, at(f, "http", "127.0.0.1", "/garbage"));
    assert_int_equal(f->err, ERR_UNREACHABLE);
    get(f, "http://127.0.0.1:1/");
    expect(f, ERR_UNREACHABLE, "127.0.0.1 cannot be reached");
    /* the certificate is for others */
    f->names[0] = "127.0.0.1";
    get(f, at(f, "https", "idp.example", "/"));
    expect(f, ERR_UNREACHABLE, "idp.example");
}

struct counted {
    struct fixture *f;
    int good, cancelled;
};

static void count(void *arg, const struct fetch_answer *a)
{
    struct counted *n = arg;
    n->good += !a->err;
    n->cancelled += a->err == ERR_CANCELLED;
    if (n->good == 6)
        loop_stop(n->f->l);
}

static void others_wait_and_too_many_are_refused(void **state)
{
    struct fixture *f = *state;
    struct counted n = {.f = f};
    const struct fetch_ask what = {.url = at(f, "http", "127.0.0.1", "/x")};
    for (int i = 0; i < 6; i++)
        assert_int_equal(fetch_start(f->f, &what, count, &n, NULL, NULL), 0);
    assert_int_equal(fetch_start(f->f, &what, count, &n, NULL, NULL), ERR_OVERLOAD);
    loop_run(f->l);
    assert_int_equal(n.good, 6);
    assert_int_equal(fetch_start(f->f, &what, outcome, f, NULL, NULL), 0);
    loop_run(f->l);
    assert_int_equal(f->err, 0);
}

static void calls_can_be_cancelled(void **state)
{
    struct fixture *f = *state;
    struct counted n = {.f = f};
    struct fetch_call *calls[6];
    const struct fetch_ask silent = {.url = at(f, "http", "127.0.0.1", "/silent")};
    for (int i = 0; i < 6; i++)
        assert_int_equal(fetch_start(f->f, &silent, count, &n, &calls[i], NULL), 0);
    for (int i = 0; i < 6; i++)
        fetch_cancel(calls[i]);
    const struct fetch_ask what = {.url = at(f, "http", "127.0.0.1", "/x"), .timeout_ms = 60000};
    while (fetch_start(f->f, &what, outcome, f, NULL, NULL) == ERR_OVERLOAD)
        uv_run(loop_uv(f->l), UV_RUN_ONCE);
    loop_run(f->l);
    assert_int_equal(f->err, 0);
    assert_int_equal(n.good + n.cancelled, 0);
}

static void the_end_cancels_what_is_under_way(void **state)
{
    struct fixture *f = *state;
    struct counted n = {.f = f};
    const struct fetch_ask what = {.url = at(f, "http", "127.0.0.1", "/silent")};
    for (int i = 0; i < 5; i++)
        assert_int_equal(fetch_start(f->f, &what, count, &n, NULL, NULL), 0);
    fetch_free(f->f);
    f->f = NULL;
    assert_int_equal(n.cancelled, 5);
}

static void options_are_checked(void **state)
{
    struct fixture *f = *state;
    struct fetch *other;
    struct buf why = {0};
    struct fetch_opts opts = {.ca_file = "/nowhere/ca.pem"};
    assert_int_equal(fetch_new(f->l, &opts, &other, &why), ERR_INVALID);
    opts = (struct fetch_opts){.allow_private = "10.0.0.0/99"};
    assert_int_equal(fetch_new(f->l, &opts, &other, &why), ERR_INVALID);
    assert_true(why.n > 0);
    buf_release(&why);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(gets_and_posts),
        TEST(environment_changes_nothing),
        TEST(private_addresses_are_refused),
        TEST(names_are_judged_by_their_address),
        TEST(names_that_change_gain_nothing),
        TEST(plain_http_is_for_the_list_alone),
        TEST(redirects),
        TEST(secrets_stay_with_their_origin),
        TEST(faulty_questions_are_never_sent),
        TEST(urls_can_be_checked_before),
        TEST(answers_have_limits),
        TEST(time_is_limited),
        TEST(failures_are_told),
        TEST(others_wait_and_too_many_are_refused),
        TEST(calls_can_be_cancelled),
        TEST(the_end_cancels_what_is_under_way),
        TEST(options_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

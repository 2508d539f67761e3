#include "server/client.h"

#include "base/clock.h"
#include "base/err.h"
#include "crypto/key_ring.h"
#include "server/client_curl.h"
#include "server/login.h"
#include "server/term.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <time.h>

enum { ANSWER_MAX = 1 << 30 };

struct client {
    CURL *curl;
    char *base, *host; /* "http://127.0.0.1:8080", "127.0.0.1:8080" */
    char *token;       /* NULL: none */
    bool local, tls, browser;
    long timeout_ms;
    const char *cacert;
    bool insecure;
    struct buf body, etag, cookies; /* cookies: "name=value; ...", of a browser */
    struct arena *arena;
    char why[CURL_ERROR_SIZE];
};

const char *client_base(const struct client *c)
{
    return c->base;
}

static size_t on_body(char *p, size_t one, size_t n, void *arg)
{
    struct client *c = arg;
    if (c->body.n + n * one > ANSWER_MAX)
        return 0;
    buf_add(&c->body, p, n * one);
    return c->body.failed ? 0 : n * one;
}

static size_t on_header(char *p, size_t one, size_t n, void *arg)
{
    struct client *c = arg;
    struct slice line = slice_of(p, n * one), name;
    if (!slice_cut(&line, ':', &name) || !line.p)
        return n * one;
    if (slice_is_nocase(name, "etag")) {
        buf_clear(&c->etag);
        buf_add_slice(&c->etag, slice_trim(line));
    } else if (c->browser && slice_is_nocase(name, "set-cookie")) {
        slice_cut(&line, ';', &name);
        if (c->cookies.n)
            buf_add_str(&c->cookies, "; ");
        buf_add_slice(&c->cookies, slice_trim(name));
    }
    return n * one;
}

/* "HOST:PORT" of the base; is it this machine? */
static bool split_base(struct client *c)
{
    const char *host = strstr(c->base, "://");
    if (!host)
        return false;
    host += 3;
    c->tls = strncmp(c->base, "https://", 8) == 0;
    if (!c->tls && strncmp(c->base, "http://", 7) != 0)
        return false;
    if (!*host || strpbrk(host, "/?#@ "))
        return false;
    c->host = strdup(host);
    size_t n = *host == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":");
    struct slice name = slice_of(host, n);
    c->local = slice_is(name, "localhost") || slice_is(name, "[::1]") || slice_starts(name, "127.");
    return c->host != NULL;
}

static int set_base(struct client *c, const struct invocation *in, const char *given)
{
    const char *env = getenv("DOPPEL_SERVER");
    for (size_t i = 0; i < in->given_n && !given; i++) {
        if (strcmp(in->given[i].option->name, "server") == 0)
            given = in->given[i].value;
    }
    const char *text = given ? given : env && *env ? env : "http://127.0.0.1:8080";
    struct buf b = {0};
    if (!strstr(text, "://"))
        buf_add_str(&b, "http://");
    buf_add_str(&b, text);
    while (b.n && b.p[b.n - 1] == '/')
        b.n--;
    c->base = buf_take(&b);
    if (!c->base || !split_base(c))
        return command_usage(in->command,
                             "\"%s\" is no address of a server; write http://HOST:PORT", text);
    return CODE_OK;
}

int client_open(const struct invocation *in, struct client **ret)
{
    return client_open_at(in, NULL, ret);
}

int client_open_at(const struct invocation *in, const char *url, struct client **ret)
{
    struct client *c = calloc(1, sizeof *c);
    int64_t timeout_us;
    int code = CODE_FAILED;
    if (!c)
        goto nomem;
    code = set_base(c, in, url);
    if (code != CODE_OK)
        goto fail;
    c->token = token_for(in, c->base, c->host);
    if (clock_parse_duration(slice_str(option_value(in, "timeout")), &timeout_us)) {
        code = command_usage(in->command, "--timeout takes a duration such as 10s");
        goto fail;
    }
    c->timeout_ms = (long)(timeout_us / 1000) + 1;
    c->cacert = option_value(in, "cacert");
    c->insecure = option_on(in, "insecure");
    c->curl = curl_easy_init();
    c->arena = arena_new();
    if (!c->curl || !c->arena)
        goto nomem;
    *ret = c;
    return CODE_OK;
nomem:
    code = CODE_FAILED;
    term_problem("out of memory");
fail:
    client_close(c);
    return code;
}

void client_close(struct client *c)
{
    if (!c)
        return;
    curl_easy_cleanup(c->curl);
    arena_free(c->arena);
    buf_release(&c->body);
    buf_release(&c->etag);
    secret_release(&c->cookies);
    token_forget(c->token);
    free(c->base);
    free(c->host);
    free(c);
}

const char *client_token(const struct client *c)
{
    return c->token;
}

void client_set_token(struct client *c, struct slice token)
{
    token_forget(c->token);
    c->token = strndup(token.p ? token.p : "", token.n);
}

void client_be_browser(struct client *c)
{
    token_forget(c->token);
    c->token = NULL;
    c->browser = true;
}

bool client_is_private(const struct client *c)
{
    return c->tls || c->local;
}

void client_common(const struct client *c, CURL *curl, char *why)
{
    curl_easy_reset(curl);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, why);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "doppel/" DOPPEL_VERSION);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, c->timeout_ms);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, c->timeout_ms);
    if (c->token) {
        curl_easy_setopt(curl, CURLOPT_HTTPAUTH, (long)CURLAUTH_BEARER);
        curl_easy_setopt(curl, CURLOPT_XOAUTH2_BEARER, c->token);
    }
    if (c->local) /* whatever proxy the environment names, it is not for this machine */
        curl_easy_setopt(curl, CURLOPT_PROXY, "");
    if (c->cacert)
        curl_easy_setopt(curl, CURLOPT_CAINFO, c->cacert);
    if (c->insecure) {
        curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L);
        curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
    }
    why[0] = 0;
}

static int unreachable(const struct client *c, CURLcode result)
{
    const char *why = c->why[0] ? c->why : curl_easy_strerror(result);
    switch (result) {
    case CURLE_COULDNT_CONNECT:
        term_problem("nobody answers at %s; is the server running?  (doppel serve)", c->base);
        break;
    case CURLE_OPERATION_TIMEDOUT:
        term_problem("the server at %s did not answer within %.1f s", c->base,
                     (double)c->timeout_ms / 1000);
        break;
    case CURLE_PEER_FAILED_VERIFICATION:
        term_problem(
            "the certificate of %s is not trusted: %s.  Name the one that signed it with "
            "--cacert FILE (a server with --tls-self-signed keeps it as tls/cert.pem in its "
            "data directory), or do without the check with --insecure",
            c->base, why);
        break;
    case CURLE_OUT_OF_MEMORY:
    case CURLE_WRITE_ERROR:
        term_problem("the answer of %s is too large for this machine", c->base);
        return CODE_FAILED;
    default:
        term_problem("cannot talk to %s: %s", c->base, why);
    }
    return CODE_REACH;
}

int client_call(struct client *c, const char *method, const char *path, const char *type,
                struct slice body, struct answer *ret)
{
    struct buf url = {0}, header = {0}, origin = {0};
    struct curl_slist *headers = NULL;
    char *kept = NULL;
    client_common(c, c->curl, c->why);
    buf_clear(&c->body);
    buf_clear(&c->etag);
    arena_reset(c->arena);
    buf_addf(&url, "%s%s", c->base, path);
    buf_add_byte(&url, 0);
    buf_addf(&header, "Content-Type: %s", type ? type : "");
    buf_add_byte(&header, 0);
    curl_easy_setopt(c->curl, CURLOPT_URL, url.p);
    curl_easy_setopt(c->curl, CURLOPT_ACCEPT_ENCODING, "");
    curl_easy_setopt(c->curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(c->curl, CURLOPT_WRITEDATA, c);
    curl_easy_setopt(c->curl, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(c->curl, CURLOPT_HEADERDATA, c);
    if (body.p) {
        curl_easy_setopt(c->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.n);
        curl_easy_setopt(c->curl, CURLOPT_POSTFIELDS, body.p);
        headers = curl_slist_append(headers, header.p);
        headers = curl_slist_append(headers, "Expect:"); /* no round trip before large bodies */
    }
    if (c->browser) {
        buf_addf(&origin, "Origin: %s", c->base);
        buf_add_byte(&origin, 0);
        headers = origin.failed ? headers : curl_slist_append(headers, origin.p);
        kept = c->cookies.n ? strndup(c->cookies.p, c->cookies.n) : NULL;
        curl_easy_setopt(c->curl, CURLOPT_COOKIE, kept);
    }
    curl_easy_setopt(c->curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(c->curl, CURLOPT_CUSTOMREQUEST, method);
    CURLcode result =
        url.failed || header.failed ? CURLE_OUT_OF_MEMORY : curl_easy_perform(c->curl);
    curl_slist_free_all(headers);
    buf_release(&url);
    buf_release(&header);
    buf_release(&origin);
    token_forget(kept);
    if (result != CURLE_OK)
        return unreachable(c, result);
    struct jval *json = NULL;
    *ret = (struct answer){.body = buf_slice(&c->body), .etag = buf_slice(&c->etag)};
    curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, &ret->status);
    if (jdoc_parse(c->arena, ret->body, &json, NULL) == 0)
        ret->json = json;
    return CODE_OK;
}

int client_get(struct client *c, const char *path, struct answer *ret)
{
    int code = client_call(c, "GET", path, NULL, (struct slice){0}, ret);
    if (code != CODE_OK)
        return code;
    if (ret->status != 200)
        return client_problem(ret, NULL);
    if (!ret->json) {
        term_problem("%s answers, but not like a Doppel server", c->base);
        return CODE_REFUSED;
    }
    return CODE_OK;
}

/* ---- answers of any length ---- */

struct streaming {
    struct client *client;
    FILE *out;
    long status;
};

static size_t on_piece(char *p, size_t one, size_t n, void *arg)
{
    struct streaming *s = arg;
    curl_easy_getinfo(s->client->curl, CURLINFO_RESPONSE_CODE, &s->status);
    return s->status == 200 ? fwrite(p, one, n, s->out) * one : on_body(p, one, n, s->client);
}

static int broke_off(const struct client *c, FILE *out, CURLcode result)
{
    if (ferror(out)) {
        term_problem("the answer could not be written: %s", strerror(errno));
        return CODE_FAILED;
    }
    if (result != CURLE_PARTIAL_FILE && result != CURLE_RECV_ERROR && result != CURLE_HTTP2_STREAM)
        return unreachable(c, result);
    term_problem("the answer broke off: what was printed is not all; the server's log says why");
    return CODE_REFUSED;
}

int client_stream(struct client *c, const char *path, FILE *out)
{
    return client_stream_post(c, path, NULL, (struct slice){0}, out);
}

int client_stream_post(struct client *c, const char *path, const char *type, struct slice body,
                       FILE *out)
{
    struct streaming s = {.client = c, .out = out};
    struct buf url = {0};
    struct curl_slist *headers = NULL;
    client_common(c, c->curl, c->why);
    buf_clear(&c->body);
    arena_reset(c->arena);
    buf_addf(&url, "%s%s", c->base, path);
    buf_add_byte(&url, 0);
    curl_easy_setopt(c->curl, CURLOPT_URL, url.p);
    curl_easy_setopt(c->curl, CURLOPT_ACCEPT_ENCODING, "");
    curl_easy_setopt(c->curl, CURLOPT_WRITEFUNCTION, on_piece);
    curl_easy_setopt(c->curl, CURLOPT_WRITEDATA, &s);
    curl_easy_setopt(c->curl, CURLOPT_TIMEOUT_MS, 0L); /* as long as something comes */
    curl_easy_setopt(c->curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(c->curl, CURLOPT_LOW_SPEED_TIME, c->timeout_ms / 1000 + 1);
    if (body.p) {
        curl_easy_setopt(c->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.n);
        curl_easy_setopt(c->curl, CURLOPT_POSTFIELDS, body.p);
        headers = curl_slist_append(headers, type);
        curl_easy_setopt(c->curl, CURLOPT_HTTPHEADER, headers);
    }
    CURLcode result = url.failed ? CURLE_OUT_OF_MEMORY : curl_easy_perform(c->curl);
    curl_slist_free_all(headers);
    buf_release(&url);
    if (result != CURLE_OK)
        return broke_off(c, out, result);
    if (s.status == 200)
        return CODE_OK;
    struct jval *json = NULL;
    struct answer a = {.status = s.status, .body = buf_slice(&c->body)};
    if (jdoc_parse(c->arena, a.body, &json, NULL) == 0)
        a.json = json;
    return client_problem(&a, NULL);
}

int client_problem(const struct answer *a, const char *doing)
{
    struct buf b = {0};
    struct slice detail = member(a->json, "detail"), title = member(a->json, "title");
    if (doing)
        buf_addf(&b, "%s: ", doing);
    if (detail.n || title.n)
        term_clean(&b, detail.n ? detail : title, 1000);
    else
        buf_addf(&b, "the server answered with HTTP status %ld", a->status);
    struct slice code = member(a->json, "code");
    if (code.n) {
        buf_add_str(&b, " (");
        term_clean(&b, code, 80);
        buf_add_str(&b, ")");
    }
    if (slice_is(code, "unauthenticated"))
        buf_add_str(&b, ".  doppel login signs in; the server's own user on its machine need not");
    term_problem("%.*s", SLICE_ARG(buf_slice(&b)));
    buf_release(&b);
    return a->status == 404 ? CODE_MISSING : CODE_REFUSED;
}

void client_json(bool wanted, struct slice body)
{
    if (!wanted)
        return;
    fwrite(body.p ? body.p : "", 1, body.n, stdout);
    if (body.n && body.p[body.n - 1] != '\n')
        putchar('\n');
}

void client_escape(struct buf *out, struct slice text)
{
    for (size_t i = 0; i < text.n; i++) {
        unsigned char b = (unsigned char)text.p[i];
        if ((b >= 'a' && b <= 'z') || (b >= 'A' && b <= 'Z') || (b >= '0' && b <= '9') ||
            (b && strchr("-._~:", b)))
            buf_add_byte(out, b);
        else
            buf_addf(out, "%%%02X", b);
    }
}

/* ---- the raw connection ---- */

int client_raw(struct client *c, const char **ret_host)
{
    client_common(c, c->curl, c->why);
    curl_easy_setopt(c->curl, CURLOPT_TIMEOUT_MS, 0L); /* it stays open */
    curl_easy_setopt(c->curl, CURLOPT_URL, c->base);
    curl_easy_setopt(c->curl, CURLOPT_CONNECT_ONLY, 1L);
    curl_easy_setopt(c->curl, CURLOPT_SSL_ENABLE_ALPN, 0L); /* HTTP/1.1 is what upgrades */
    CURLcode result = curl_easy_perform(c->curl);
    if (result != CURLE_OK)
        return unreachable(c, result);
    *ret_host = c->host;
    return CODE_OK;
}

static bool wait_for(struct client *c, short events, int timeout_ms)
{
    curl_socket_t fd = CURL_SOCKET_BAD;
    curl_easy_getinfo(c->curl, CURLINFO_ACTIVESOCKET, &fd);
    struct pollfd p = {.fd = (int)fd, .events = events};
    return poll(&p, 1, timeout_ms) > 0;
}

ptrdiff_t client_recv(struct client *c, void *into, size_t cap, int timeout_ms)
{
    size_t n = 0;
    CURLcode result = curl_easy_recv(c->curl, into, cap, &n);
    if (result == CURLE_AGAIN) {
        if (!wait_for(c, POLLIN, timeout_ms))
            return 0;
        result = curl_easy_recv(c->curl, into, cap, &n);
        if (result == CURLE_AGAIN) /* a piece of a TLS record */
            return 0;
    }
    return result == CURLE_OK && n > 0 ? (ptrdiff_t)n : -1;
}

int client_send(struct client *c, const void *p, size_t n)
{
    const char *at = p;
    while (n > 0) {
        size_t sent = 0;
        CURLcode result = curl_easy_send(c->curl, at, n, &sent);
        if (result == CURLE_AGAIN) {
            if (!wait_for(c, POLLOUT, (int)c->timeout_ms))
                return ERR_IO;
            continue;
        }
        if (result != CURLE_OK)
            return ERR_IO;
        at += sent;
        n -= sent;
    }
    return 0;
}

/* ---- words ---- */

struct slice member(const struct jval *object, const char *key)
{
    const struct jval *v = object ? jval_get(object, key) : NULL;
    return v && (v->type == J_STRING || v->type == J_NUMBER) ? v->text : (struct slice){0};
}

double member_number(const struct jval *object, const char *key, double fallback)
{
    double n;
    const struct jval *v = object ? jval_get(object, key) : NULL;
    return v && jval_number(v, &n) ? n : fallback;
}

void value_words(struct buf *out, const struct jval *v, int digits)
{
    double n;
    if (v && v->type == J_BOOL)
        buf_add_str(out, v->boolean ? "true" : "false");
    else if (v && v->type == J_STRING)
        term_clean(out, v->text, 0);
    else if (v && digits > 0 && jval_number(v, &n))
        buf_addf(out, "%.*g", digits, n);
    else if (v && v->type == J_NUMBER)
        buf_add_slice(out, v->text);
    else
        buf_add_str(out, "-");
}

void age_words(struct buf *out, double s)
{
    if (s < 0)
        s = 0;
    if (s < 10)
        buf_addf(out, "%.1f s", s);
    else if (s < 120)
        buf_addf(out, "%.0f s", s);
    else if (s < 7200)
        buf_addf(out, "%.0f min", s / 60);
    else if (s < 172800)
        buf_addf(out, "%.0f h", s / 3600);
    else
        buf_addf(out, "%.0f d", s / 86400);
}

void time_words(struct buf *out, double ms)
{
    time_t s = (time_t)(ms / 1000);
    int rest = (int)(ms - (double)s * 1000);
    if (rest < 0) {
        rest += 1000;
        s--;
    }
    struct tm tm;
    char text[64];
    localtime_r(&s, &tm);
    strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &tm);
    buf_addf(out, "%s.%03d", text, rest);
}

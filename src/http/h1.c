/* h1.c - HTTP/1.0 and 1.1 (RFC 9112): from bytes to requests.
 *
 * A head is taken only when the whole of it is there.  Until then scan_head() looks at every byte
 * once and refuses what could be read in two ways: line ends that are not CR LF, control
 * characters, folded lines; it also keeps the limits.  The whole head is then copied to the
 * request's arena and parsed by llhttp, and the framing of the body is decided here, once more
 * and strictly.
 *
 * One request is handled at a time.  What a client sends ahead (pipelining) is held until the
 * answer is complete, and beyond 64 kB reading stops; so answers keep the order of the requests,
 * whenever the handlers finish. */
#include "base/err.h"
#include "http/http_internal.h"

#include <llhttp.h>

/* ---- the head ---- */

/* 1: a whole head of *ret_n bytes is there; 0: not yet; else a status to refuse it with. */
static int scan_head(struct http_conn *c, struct slice in, size_t *ret_n)
{
    struct h1 *h = &c->h1;
    size_t max = c->server->opts.max_header;
    for (size_t i = h->scanned; i < in.n; i++) {
        char byte = in.p[i], before = i ? in.p[i - 1] : 0;
        if (before == '\r' && byte != '\n')
            return 400;
        if (byte == '\n') {
            if (before != '\r')
                return 400;
            h->lines++;
            if (i >= 3 && in.p[i - 2] == '\n') {
                *ret_n = i + 1;
                return 1;
            }
            if (h->lines > HTTP_MAX_FIELDS + 1)
                return 431;
        } else if (byte == ' ' || byte == '\t') {
            if (before == '\n') /* a folded line, or white space before the first field */
                return 400;
        } else if (byte != '\r' && !char_is(byte, CHAR_VALUE)) {
            return 400;
        } else if (byte == ':' && before == '\n') { /* a field without a name */
            return 400;
        }
        if (h->lines == 0 && i >= HTTP_MAX_LINE)
            return 414;
        if (i >= max)
            return h->lines ? 431 : 414;
    }
    h->scanned = in.n;
    return 0;
}

static int on_url(llhttp_t *p, const char *at, size_t n)
{
    struct http_req *r = p->data;
    if (!r->target.p)
        r->target.p = at;
    r->target.n += n;
    return 0;
}

static int on_field(llhttp_t *p, const char *at, size_t n)
{
    struct http_req *r = p->data;
    struct field *last = r->fields.n ? &r->fields.at[r->fields.n - 1] : NULL;
    if (last && !last->value.p) { /* more of the same name */
        last->name.n += n;
        return 0;
    }
    return fields_add(&r->fields, r->arena, slice_of(at, n), slice_of(NULL, 0)) ? HPE_USER : 0;
}

static int on_value(llhttp_t *p, const char *at, size_t n)
{
    struct http_req *r = p->data;
    struct field *last = &r->fields.at[r->fields.n - 1];
    if (!last->value.p)
        last->value.p = at;
    last->value.n += n;
    return 0;
}

static int on_value_end(llhttp_t *p)
{
    struct http_req *r = p->data;
    struct field *last = &r->fields.at[r->fields.n - 1];
    if (!last->value.p)
        last->value.p = "";
    last->value = slice_trim(last->value);
    return 0;
}

static int on_head(llhttp_t *p)
{
    (void)p;
    return HPE_PAUSED; /* the body is read here */
}

static const llhttp_settings_t settings = {
    .on_url = on_url,
    .on_header_field = on_field,
    .on_header_value = on_value,
    .on_header_value_complete = on_value_end,
    .on_headers_complete = on_head,
};

enum { NOT_HTTP = -1 };

static bool is_common(struct slice method)
{
    static const char *const names[] = {"GET",     "HEAD",  "POST",    "PUT",  "DELETE",
                                        "OPTIONS", "PATCH", "CONNECT", "TRACE"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (slice_is(method, names[i]))
            return true;
    return false;
}

/* Method and version out of the request line, so that what llhttp does not know gets the right
 * status: 0 or one of these.  NOT_HTTP: neither is there, so this is no request of any version and
 * an answer would be for nobody (a broken preface of HTTP/2, another protocol). */
static int parse_line(struct http_req *r, struct slice head)
{
    struct slice line = slice_of(head.p, (size_t)slice_find(head, '\r')), version = line;
    ptrdiff_t space = slice_find(line, ' ');
    int spaces = 0;
    if (space <= 0)
        return 400;
    r->method = slice_of(line.p, (size_t)space);
    for (ptrdiff_t at; (at = slice_find(version, ' ')) >= 0; spaces++)
        version = slice_skip(version, (size_t)at + 1);
    if (!slice_starts(version, "HTTP") && !is_common(r->method))
        return NOT_HTTP;
    if (spaces != 2 || !chars_all(r->method, CHAR_TOKEN) || version.n != 8 ||
        !slice_starts(version, "HTTP/") || version.p[5] < '0' || version.p[5] > '9' ||
        version.p[6] != '.' || version.p[7] < '0' || version.p[7] > '9')
        return 400;
    if (version.p[5] != '1')
        return 505;
    r->version = version.p[7] == '0' ? 10 : 11; /* a later 1.x is answered as 1.1 */
    r->is_head = slice_is(r->method, "HEAD");
    return 0;
}

static int parse_head(struct http_req *r, struct slice head)
{
    int status = parse_line(r, head);
    if (status != 0)
        return status;
    llhttp_t parser;
    llhttp_init(&parser, HTTP_REQUEST, &settings);
    parser.lenient_flags |= LENIENT_VERSION; /* parse_line() has looked at it */
    parser.data = r;
    switch (llhttp_execute(&parser, head.p, head.n)) {
    case HPE_PAUSED:
        return 0;
    case HPE_INVALID_METHOD:
        return 501;
    case HPE_USER:
        return 503;
    default:
        return 400;
    }
}

/* How long the body is; 0 or a status.  CHUNKED is told by *ret_chunked. */
static int parse_framing(const struct http_req *r, uint64_t *ret_length, bool *ret_chunked)
{
    const struct field *length = NULL, *coding = NULL;
    for (unsigned i = 0; i < r->fields.n; i++) {
        const struct field *f = &r->fields.at[i];
        const struct field **which = slice_is_nocase(f->name, "content-length")      ? &length
                                     : slice_is_nocase(f->name, "transfer-encoding") ? &coding
                                                                                     : NULL;
        if (which && *which) /* twice: two readers might each believe another one */
            return 400;
        if (which)
            *which = f;
    }
    *ret_chunked = coding != NULL;
    *ret_length = 0;
    if (coding && (length || r->version < 11))
        return 400;
    if (coding) {
        struct slice last = coding->value;
        ptrdiff_t comma;
        while ((comma = slice_find(last, ',')) >= 0)
            last = slice_skip(last, (size_t)comma + 1);
        if (!slice_is_nocase(slice_trim(last), "chunked"))
            return 400; /* its end cannot be known */
        return last.p == coding->value.p ? 0 : 501;
    }
    return length && slice_to_u64(length->value, ret_length) != 0 ? 400 : 0;
}

static int check_host(const struct http_req *r)
{
    const struct field *host = NULL;
    for (unsigned i = 0; i < r->fields.n; i++) {
        if (!slice_is_nocase(r->fields.at[i].name, "host"))
            continue;
        if (host)
            return 400;
        host = &r->fields.at[i];
    }
    if (!host)
        return r->version < 11 ? 0 : 400;
    return uri_host_valid(host->value) ? 0 : 400;
}

static bool wants_keep_alive(const struct http_req *r)
{
    if (r->server->ending || req_has_token(r, "connection", "close"))
        return false;
    return r->version >= 11 || req_has_token(r, "connection", "keep-alive");
}

/* ---- the body ---- */

static void whole(struct http_conn *c, size_t unread)
{
    c->h1.unread = unread;
    c->h1.state = H1_HANDLING;
    server_wait(c, WAIT_NONE);
    conn_dispatch(c->h1.req);
}

static const char *const expect_detail = "only the expectation 100-continue is known";

/* The request's head is good: go on to its body.  more: the bytes that came behind the head. */
static void begin_body(struct http_conn *c, size_t more)
{
    struct http_req *r = c->h1.req;
    uint64_t length;
    bool chunked;
    int status = parse_framing(r, &length, &chunked);
    if (status != 0) {
        h1_refuse(c, status, "the length of the body is not clear");
        return;
    }
    struct slice expect = http_header(r, "expect");
    bool waits = expect.p && r->version >= 11;
    if (waits && !slice_is_nocase(expect, "100-continue")) {
        h1_refuse(c, 417, expect_detail);
        return;
    }
    if (length > c->server->opts.max_body) {
        h1_refuse(c, 413, NULL);
        return;
    }
    if (!length && !chunked) {
        whole(c, more);
        return;
    }
    if (waits && !more) {
        buf_add_str(conn_out(c), "HTTP/1.1 100 Continue\r\n\r\n");
        conn_flush(c);
    }
    c->h1.state = chunked ? H1_CHUNKED : H1_BODY;
    c->h1.body_left = length;
    c->h1.chunked = (struct chunked){0};
    if (length && length <= HTTP_KEEP_BODY)
        buf_reserve(&r->body, (size_t)length);
    server_wait(c, WAIT_BODY);
}

static void take_head(struct http_conn *c, struct slice head, size_t more)
{
    struct http_req *r = req_new(c);
    struct slice copy = {0};
    c->h1.req = r;
    c->h1.scanned = 0;
    c->h1.lines = 0;
    if (!r || !(copy = arena_dup(r->arena, head)).p) {
        h1_refuse(c, 503, "out of memory");
        return;
    }
    r->version = 11;
    int status = parse_head(r, copy);
    if (status == NOT_HTTP) {
        conn_end(c, true);
        return;
    }
    if (status != 0) {
        h1_refuse(c, status,
                  status == 501 ? "this method is not known" : "the head cannot be read");
        return;
    }
    if (check_host(r) != 0) {
        h1_refuse(c, 400, "exactly one good Host is needed");
        return;
    }
    status = uri_parse_target(r);
    if (status != 0) {
        h1_refuse(c, status, status == 501 ? "this is no proxy" : "the target cannot be read");
        return;
    }
    r->keep_alive = wants_keep_alive(r);
    begin_body(c, more);
}

/* ---- input ---- */

/* CR LF in front of a request line is to be ignored (RFC 9112 section 2.2). */
static bool skip_empty_lines(struct http_conn *c, struct slice *in)
{
    while (c->h1.scanned == 0 && in->n >= 2 && in->p[0] == '\r' && in->p[1] == '\n')
        *in = slice_skip(*in, 2);
    return in->n && !(c->h1.scanned == 0 && in->n == 1 && in->p[0] == '\r');
}

static bool step_head(struct http_conn *c, struct slice *in)
{
    size_t n = 0;
    if (!skip_empty_lines(c, in))
        return false;
    if (c->wait != WAIT_HEAD) /* idle until now */
        server_wait(c, WAIT_HEAD);
    int rc = scan_head(c, *in, &n);
    if (rc == 0)
        return false;
    if (rc != 1) {
        h1_refuse(c, rc, rc == 400 ? "the head cannot be read" : NULL);
        return false;
    }
    struct slice head = slice_of(in->p, n);
    *in = slice_skip(*in, n);
    take_head(c, head, in->n);
    return true;
}

static void step_body(struct http_conn *c, struct slice *in)
{
    struct http_req *r = c->h1.req;
    int rc = 0;
    if (c->h1.state == H1_BODY) {
        size_t n = c->h1.body_left < in->n ? (size_t)c->h1.body_left : in->n;
        buf_add(&r->body, in->p, n);
        *in = slice_skip(*in, n);
        c->h1.body_left -= n;
        rc = c->h1.body_left == 0;
    } else {
        const struct http_opts *opts = &c->server->opts;
        rc = chunked_take(&c->h1.chunked, in, &r->body, opts->max_body, opts->max_header);
    }
    if (r->body.failed)
        h1_refuse(c, 503, "out of memory");
    else if (rc < 0)
        h1_refuse(c, -rc, rc == -400 ? "the chunked body cannot be read" : NULL);
    else if (rc == 1)
        whole(c, in->n);
    else
        server_wait(c, WAIT_BODY);
}

/* Use as much of the bytes as can be used now; the rest is returned. */
static struct slice process(struct http_conn *c, struct slice in)
{
    while (c->mode == CONN_H1) {
        if (c->h1.state == H1_HANDLING || !in.n)
            break;
        if (c->h1.state != H1_HEAD) {
            step_body(c, &in);
            continue;
        }
        if (conn_queued(c) > HTTP_BLOCKED) { /* it does not read its answers */
            c->stopped = true;
            break;
        }
        if (!step_head(c, &in))
            break;
    }
    c->h1.unread = 0;
    return in;
}

static void after_input(struct http_conn *c)
{
    if (c->mode == CONN_WS && c->held.n) {
        conn_again(c); /* the first frames came with the request */
        return;
    }
    if (c->mode != CONN_H1)
        return;
    if (c->held.failed) {
        conn_end(c, false);
        return;
    }
    if (!c->held.n)
        buf_release(&c->held);
    bool busy = c->h1.state == H1_HANDLING || c->stopped;
    conn_pause(c, busy && c->held.n > HTTP_HELD);
    if (c->half && !busy && (c->h1.req || c->held.n))
        h1_refuse(c, 400, "the request ended too early");
    else if (c->half && !busy)
        conn_end(c, true);
    else if (c->h1.state == H1_HEAD && !busy && !c->held.n && c->wait == WAIT_NONE)
        server_wait(c, WAIT_IDLE);
}

static void work(struct http_conn *c, struct slice fresh)
{
    if (c->held.n) {
        buf_add_slice(&c->held, fresh);
        if (c->held.failed) {
            conn_end(c, false);
            return;
        }
        struct buf held = c->held; /* a handler may end the connection */
        c->held = (struct buf){0};
        struct slice rest = process(c, buf_slice(&held));
        if (c->mode == CONN_DEAD) {
            buf_release(&held);
            return;
        }
        buf_drop(&held, held.n - rest.n);
        c->held = held;
    } else {
        struct slice rest = process(c, fresh);
        if (c->mode == CONN_DEAD)
            return;
        buf_add_slice(&c->held, rest);
    }
    after_input(c);
}

void h1_input(struct http_conn *c, struct slice bytes)
{
    work(c, bytes);
}

void h1_continue(struct http_conn *c)
{
    if (!c->stopped && c->h1.state != H1_HANDLING)
        work(c, slice_of(NULL, 0));
}

void h1_answered(struct http_req *r)
{
    struct http_conn *c = r->conn;
    bool go_on = r->keep_alive;
    req_free(r);
    c->h1.req = NULL;
    c->h1.state = H1_HEAD;
    conn_flush(c);
    if (!go_on) {
        conn_end(c, true);
        return;
    }
    if (c->held.n)
        server_wait(c, WAIT_HEAD);
    else
        server_wait(c, WAIT_IDLE);
    if (c->held.n || c->half || c->paused)
        conn_again(c);
}

/* ---- ends ---- */

void h1_half_closed(struct http_conn *c)
{
    c->mode = CONN_H1;
    h1_continue(c); /* whole requests that wait are still answered */
}

void h1_timeout(struct http_conn *c, enum wait_kind kind)
{
    if (kind == WAIT_IDLE || (kind == WAIT_HEAD && !c->held.n))
        conn_end(c, true);
    else
        h1_refuse(c, 408, NULL);
}

void h1_gone(struct http_conn *c)
{
    struct http_req *r = c->h1.req;
    c->h1.req = NULL;
    if (r)
        req_peer_gone(r);
}

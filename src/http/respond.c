/* respond.c - answers, whatever the version.
 *
 * An answer whose peer is gone goes nowhere; sending it then only ends the request. */
#include "base/err.h"
#include "http/http_internal.h"

#include <stdio.h>

const char *status_text(int status)
{
    /* clang-format off */
    static const struct { int status; const char *text; } table[] = {
        {100, "Continue"}, {101, "Switching Protocols"},
        {200, "OK"}, {201, "Created"}, {202, "Accepted"}, {204, "No Content"},
        {205, "Reset Content"}, {206, "Partial Content"}, {207, "Multi-Status"},
        {301, "Moved Permanently"}, {302, "Found"}, {303, "See Other"}, {304, "Not Modified"},
        {307, "Temporary Redirect"}, {308, "Permanent Redirect"},
        {400, "Bad Request"}, {401, "Unauthorized"}, {403, "Forbidden"}, {404, "Not Found"},
        {405, "Method Not Allowed"}, {406, "Not Acceptable"}, {408, "Request Timeout"},
        {409, "Conflict"}, {410, "Gone"}, {411, "Length Required"}, {412, "Precondition Failed"},
        {413, "Content Too Large"}, {414, "URI Too Long"}, {415, "Unsupported Media Type"},
        {416, "Range Not Satisfiable"}, {417, "Expectation Failed"}, {421, "Misdirected Request"},
        {422, "Unprocessable Content"}, {426, "Upgrade Required"}, {428, "Precondition Required"},
        {429, "Too Many Requests"}, {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"}, {501, "Not Implemented"}, {502, "Bad Gateway"},
        {503, "Service Unavailable"}, {504, "Gateway Timeout"},
        {505, "HTTP Version Not Supported"}, {507, "Insufficient Storage"},
    };
    /* clang-format on */
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (table[i].status == status)
            return table[i].text;
    return "Unknown";
}

void problem_text(struct buf *b, int status, const char *detail)
{
    buf_addf(b, "{\"type\":\"about:blank\",\"title\":\"%s\",\"status\":%d", status_text(status),
             status);
    if (detail) /* ours, plain ASCII */
        buf_addf(b, ",\"detail\":\"%s\"", detail);
    buf_add_byte(b, '}');
}

void respond_problem(struct http_req *r, int status, const char *detail)
{
    struct buf text = {0};
    problem_text(&text, status, detail);
    http_respond(r, status, "application/problem+json", buf_slice(&text));
    buf_release(&text);
}

/* ---- headers ---- */

/* Nothing that a handler passes on can end a header and begin another one. */
static struct slice clean_copy(struct arena *a, const char *text, int kind)
{
    char *copy = arena_strndup(a, text, strlen(text));
    if (!copy)
        return slice_of(NULL, 0);
    for (char *p = copy; *p; p++)
        if (!char_is(*p, kind))
            *p = kind == CHAR_TOKEN ? '_' : ' ';
    return slice_str(copy);
}

void http_add_header(struct http_req *r, const char *name, const char *value)
{
    struct slice n = clean_copy(r->arena, name, CHAR_TOKEN);
    struct slice v = clean_copy(r->arena, value, CHAR_VALUE);
    if (n.p && n.n && v.p)
        fields_add(&r->answer, r->arena, n, slice_trim(v));
}

void http_add_headerf(struct http_req *r, const char *name, const char *format, ...)
{
    struct buf b = {0};
    va_list args;
    va_start(args, format);
    buf_vaddf(&b, format, args);
    va_end(args);
    buf_add_byte(&b, 0);
    if (!b.failed)
        http_add_header(r, name, b.p);
    buf_release(&b);
}

/* ---- the whole answer ---- */

static bool bodyless(int status)
{
    return status < 200 || status == 204 || status == 304;
}

/* May the answer be compressed at all?  Then caches must know that it depends on the request. */
static bool negotiable(const struct http_req *r, int status, const char *type)
{
    return !bodyless(status) && status != 206 && gzip_worth(type) &&
           !fields_find(&r->answer, "content-encoding");
}

/* True when there is nobody to answer any more; the request is dealt with then. */
static bool nobody(struct http_req *r)
{
    if (r->conn)
        return false;
    if (!r->told_gone)
        req_free(r);
    return true;
}

/* A strong validator is of the bytes as they are sent: "x" compressed is "x-gzip". */
static void mark_etag(struct http_req *r)
{
    struct field *etag = NULL;
    for (unsigned i = 0; i < r->answer.n; i++)
        if (slice_is_nocase(r->answer.at[i].name, "etag"))
            etag = &r->answer.at[i];
    if (!etag || etag->value.n < 2 || etag->value.p[0] != '"')
        return;
    struct slice bare = slice_of(etag->value.p, etag->value.n - 1);
    char *marked = arena_printf(r->arena, "%.*s-gzip\"", SLICE_ARG(bare));
    if (marked)
        etag->value = slice_str(marked);
}

void http_set_gzip(struct http_req *r)
{
    http_add_header(r, "Content-Encoding", "gzip");
    http_add_header(r, "Vary", "Accept-Encoding");
    mark_etag(r);
}

bool http_wants_gzip(const struct http_req *r)
{
    return gzip_wanted(r) != GZIP_NO;
}

/* The validator of the answer that a 304 stands for: the one that the client named. */
static void choose_etag(struct http_req *r)
{
    const struct field *etag = fields_find(&r->answer, "etag");
    struct slice have = etag ? etag->value : slice_of(NULL, 0);
    struct slice named = http_header(r, "if-none-match");
    if (have.n < 2 || !named.p || memmem(named.p, named.n, have.p, have.n))
        return;
    if (memmem(named.p, named.n, have.p, have.n - 1))
        mark_etag(r);
}

/* The body as it will be sent; what is compressed lives in the server's scratch buffer. */
static struct slice maybe_gzip(const struct http_req *r, struct answer *a, struct slice body)
{
    struct buf *scratch = &r->server->scratch;
    if (!body.n || !negotiable(r, a->status, a->type))
        return body;
    enum gzip_wish wish = gzip_wanted(r);
    bool small = body.n < HTTP_GZIP_FROM;
    a->vary = !small;
    if (wish == GZIP_NO || (small && wish != GZIP_MUST))
        return body;
    buf_clear(scratch);
    if (!gzip_whole(r->server, body, scratch) || (scratch->n >= body.n && wish != GZIP_MUST))
        return body;
    a->gzip = a->vary = true;
    return buf_slice(scratch);
}

void http_respond(struct http_req *r, int status, const char *type, struct slice body)
{
    if (r->inner) {
        inner_respond(r, status, body);
        return;
    }
    if (nobody(r))
        return;
    struct http_server *server = r->server;
    struct answer a = {.status = status, .type = type, .has_length = true};
    if (bodyless(status) || status == 205)
        body.n = 0;
    else
        body = maybe_gzip(r, &a, body);
    if (status == 304)
        choose_etag(r);
    a.vary = a.vary || status == 304; /* as the answer would have it that it stands for */
    a.length = body.n;
    r->no_body = r->is_head || bodyless(status);
    if (r->stream) {
        bool empty = r->no_body || !body.n;
        h2_send_head(r, &a, empty);
        if (!empty)
            h2_send_data(r, body, true);
        h2_answered(r);
    } else {
        h1_send_head(r, &a);
        if (!r->no_body)
            buf_add_slice(conn_out(r->conn), body);
        h1_answered(r);
    }
    if (server->scratch.cap > 1u << 20)
        buf_release(&server->scratch);
}

/* ---- in pieces ---- */

static void send_piece(struct http_req *r, struct slice bytes)
{
    if (r->stream)
        h2_send_data(r, bytes, false);
    else
        h1_send_chunk(r, bytes);
}

/* End of the turn: what the compressor holds goes out. */
static void sync_gzip(void *arg)
{
    struct http_req *r = arg;
    struct buf out = {0};
    if (!r->conn || !r->gzip)
        return;
    gzip_add(r->gzip, slice_of(NULL, 0), GZIP_SYNC, &out);
    send_piece(r, buf_slice(&out));
    buf_release(&out);
}

void http_respond_start(struct http_req *r, int status, const char *type,
                        void (*on_ready)(struct http_req *r, void *data))
{
    r->state = REQ_STREAMING;
    r->on_ready = on_ready;
    if (r->inner)
        inner_start(r, status);
    if (!r->conn)
        return;
    struct answer a = {.status = status, .type = type};
    a.vary = negotiable(r, status, type);
    if (a.vary && gzip_wanted(r) != GZIP_NO && (r->gzip = gzip_new()))
        a.gzip = true;
    r->gzip_hook = (struct loop_hook){.fn = sync_gzip, .arg = r};
    r->no_body = r->is_head || bodyless(status);
    if (r->stream) {
        h2_send_head(r, &a, r->no_body);
    } else {
        h1_send_head(r, &a);
        conn_flush(r->conn);
    }
}

static size_t queued(const struct http_req *r)
{
    return r->stream ? h2_queued(r) : conn_queued(r->conn);
}

bool http_respond_write(struct http_req *r, struct slice bytes)
{
    if (r->inner)
        return inner_write(r, bytes);
    if (!r->conn)
        return true; /* into nothing, as fast as one likes */
    if (!r->no_body && r->gzip) {
        struct buf out = {0};
        gzip_add(r->gzip, bytes, GZIP_MORE, &out);
        send_piece(r, buf_slice(&out));
        buf_release(&out);
        loop_at_end(r->server->loop, &r->gzip_hook);
    } else if (!r->no_body) {
        send_piece(r, bytes);
    }
    r->want_ready = queued(r) > HTTP_FULL;
    return !r->want_ready;
}

void http_respond_end(struct http_req *r)
{
    if (r->inner) {
        inner_end(r, false);
        return;
    }
    if (nobody(r))
        return;
    struct buf last = {0};
    r->on_ready = NULL;
    r->on_gone = NULL;
    if (r->gzip && !r->no_body)
        gzip_add(r->gzip, slice_of(NULL, 0), GZIP_END, &last);
    if (r->stream) {
        if (!r->no_body)
            h2_send_data(r, buf_slice(&last), true);
        h2_answered(r);
    } else {
        if (!r->no_body)
            h1_send_chunk(r, buf_slice(&last));
        h1_send_end(r);
        h1_answered(r);
    }
    buf_release(&last);
}

void http_respond_abort(struct http_req *r)
{
    if (r->inner) {
        inner_end(r, true);
        return;
    }
    if (nobody(r))
        return;
    r->on_gone = NULL;
    if (r->stream) {
        h2_abort(r);
    } else {
        struct http_conn *c = r->conn;
        c->h1.req = NULL;
        req_free(r);
        conn_enter(c);
        conn_end(c, true);
        conn_leave(c);
    }
}

void respond_ready(struct http_req *r)
{
    if (!r->want_ready || r->state != REQ_STREAMING)
        return;
    r->want_ready = false;
    if (r->on_ready)
        r->on_ready(r, r->data);
}

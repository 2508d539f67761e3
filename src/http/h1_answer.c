/* h1_answer.c - answers in the form of HTTP/1.1. */
#include "http/http_internal.h"

#include <stdio.h>

static void add_line(struct buf *b, const char *name, const char *value)
{
    buf_add_str(b, name);
    buf_add(b, ": ", 2);
    buf_add_str(b, value);
    buf_add(b, "\r\n", 2);
}

/* Status line and what every answer has. */
static void begin(struct buf *b, struct http_server *s, int status)
{
    buf_reserve(b, 512 + s->security_len);
    buf_add(b, "HTTP/1.1 ", 9);
    buf_add_u64(b, (uint64_t)status);
    buf_add_byte(b, ' ');
    buf_add_str(b, status_text(status));
    buf_add(b, "\r\nDate: ", 8);
    buf_add_str(b, server_date(s));
    buf_add(b, "\r\n", 2);
    buf_add(b, s->opts.security_headers, s->security_len);
}

void h1_send_head(struct http_req *r, const struct answer *a)
{
    struct http_conn *c = r->conn;
    struct buf *b = conn_out(c);
    if (c->half && !c->held.n && !c->h1.unread)
        r->keep_alive = false; /* nothing can come any more */
    bool bodyless = a->status < 200 || a->status == 204 || a->status == 304;
    r->has_length = a->has_length || bodyless;
    if (!r->has_length && r->version < 11)
        r->keep_alive = false; /* the end of the connection ends the body */
    begin(b, c->server, a->status);
    if (a->type && !bodyless)
        add_line(b, "Content-Type", a->type);
    if (a->gzip)
        add_line(b, "Content-Encoding", "gzip");
    if (a->vary)
        add_line(b, "Vary", "Accept-Encoding");
    for (unsigned i = 0; i < r->answer.n; i++) {
        buf_add_slice(b, r->answer.at[i].name);
        buf_add(b, ": ", 2);
        buf_add_slice(b, r->answer.at[i].value);
        buf_add(b, "\r\n", 2);
    }
    if (a->has_length && !bodyless) {
        buf_add(b, "Content-Length: ", 16);
        buf_add_u64(b, a->length);
        buf_add(b, "\r\n", 2);
    } else if (!r->has_length && r->version >= 11) {
        add_line(b, "Transfer-Encoding", "chunked");
    }
    if (a->status == 101)
        add_line(b, "Connection", "Upgrade");
    else if (!r->keep_alive)
        add_line(b, "Connection", "close");
    else if (r->version < 11)
        add_line(b, "Connection", "keep-alive");
    buf_add(b, "\r\n", 2);
}

void h1_send_chunk(struct http_req *r, struct slice bytes)
{
    struct buf *b = conn_out(r->conn);
    if (!bytes.n)
        return; /* an empty chunk would be the end */
    bool chunked = !r->has_length && r->version >= 11;
    if (chunked) {
        char size[20];
        int n = snprintf(size, sizeof size, "%zx\r\n", bytes.n);
        buf_add(b, size, (size_t)n);
    }
    buf_add_slice(b, bytes);
    if (chunked)
        buf_add(b, "\r\n", 2);
    conn_flush(r->conn);
}

void h1_send_end(struct http_req *r)
{
    if (!r->has_length && r->version >= 11 && !r->no_body)
        buf_add_str(conn_out(r->conn), "0\r\n\r\n");
}

void h1_refuse(struct http_conn *c, int status, const char *detail)
{
    struct buf text = {0};
    struct buf *b = conn_out(c);
    problem_text(&text, status, detail);
    begin(b, c->server, status);
    add_line(b, "Content-Type", "application/problem+json");
    buf_addf(b, "Content-Length: %zu\r\n", text.n);
    add_line(b, "Connection", "close");
    buf_add(b, "\r\n", 2);
    if (!c->h1.req || !c->h1.req->is_head)
        buf_add_slice(b, buf_slice(&text));
    buf_release(&text);
    conn_flush(c);
    conn_end(c, true);
}

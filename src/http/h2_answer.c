/* h2_answer.c - answers in the form of HTTP/2.
 *
 * Content waits in the stream's own buffer until nghttp2 asks for it, as the peer's windows
 * allow. */
#include "http/http_internal.h"

#include <ctype.h>
#include <nghttp2/nghttp2.h>
#include <stdio.h>

static ssize_t give_content(nghttp2_session *session, int32_t id, uint8_t *p, size_t n,
                            uint32_t *flags, nghttp2_data_source *source, void *arg)
{
    struct h2_stream *s = source->ptr;
    (void)session, (void)id, (void)arg;
    size_t left = s->out.n - s->out_at;
    if (n > left)
        n = left;
    if (n)
        memcpy(p, s->out.p + s->out_at, n);
    s->out_at += n;
    s->h2->sent += n;
    if (n < left)
        return (ssize_t)n;
    s->out_at = 0;
    buf_release(&s->out);
    if (s->ended) {
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    } else if (n == 0) {
        s->deferred = true;
        return NGHTTP2_ERR_DEFERRED;
    }
    return (ssize_t)n;
}

/* A head under construction. */
struct head {
    nghttp2_nv *nv;
    size_t n;
};

static void add(struct head *h, const char *name, size_t name_len, const char *value,
                size_t value_len)
{
    h->nv[h->n++] = (nghttp2_nv){(uint8_t *)(uintptr_t)name, (uint8_t *)(uintptr_t)value, name_len,
                                 value_len, NGHTTP2_NV_FLAG_NONE}; /* nghttp2 copies them */
}

static void add_str(struct head *h, const char *name, const char *value)
{
    add(h, name, strlen(name), value, strlen(value));
}

/* What belongs to a connection of HTTP/1 must not stand in HTTP/2 (RFC 9113 section 8.2.2). */
static bool of_connection(struct slice name)
{
    return slice_is_nocase(name, "connection") || slice_is_nocase(name, "keep-alive") ||
           slice_is_nocase(name, "transfer-encoding") || slice_is_nocase(name, "upgrade");
}

static void add_lower(struct head *h, struct arena *a, const struct field *f)
{
    char *name = arena_strndup(a, f->name.p, f->name.n);
    if (!name || of_connection(f->name))
        return;
    for (size_t i = 0; i < f->name.n; i++)
        name[i] = (char)tolower((unsigned char)name[i]);
    add(h, name, f->name.n, f->value.p, f->value.n);
}

void h2_send_head(struct http_req *r, const struct answer *a, bool end)
{
    struct h2_stream *s = r->stream;
    struct http_server *server = r->server;
    char status[12], length[24];
    bool bodyless = a->status < 200 || a->status == 204 || a->status == 304;
    struct head h = {
        .nv = arena_alloc(r->arena, (8 + r->answer.n + server->security.n) * sizeof *h.nv)};
    s->ended = end;
    if (!h.nv) {
        nghttp2_submit_rst_stream(s->h2->session, NGHTTP2_FLAG_NONE, s->id, NGHTTP2_INTERNAL_ERROR);
        h2_flush_later(s->h2);
        return;
    }
    snprintf(status, sizeof status, "%d", a->status);
    add_str(&h, ":status", status);
    add_str(&h, "date", server_date(server));
    for (unsigned i = 0; i < server->security.n; i++) {
        const struct field *f = &server->security.at[i];
        add(&h, f->name.p, f->name.n, f->value.p, f->value.n);
    }
    if (a->type && !bodyless)
        add_str(&h, "content-type", a->type);
    if (a->gzip)
        add_str(&h, "content-encoding", "gzip");
    if (a->vary)
        add_str(&h, "vary", "accept-encoding");
    for (unsigned i = 0; i < r->answer.n; i++)
        add_lower(&h, r->arena, &r->answer.at[i]);
    if (a->has_length && !bodyless) {
        snprintf(length, sizeof length, "%zu", a->length);
        add_str(&h, "content-length", length);
    }
    nghttp2_data_provider provider = {.source.ptr = s, .read_callback = give_content};
    nghttp2_submit_response(s->h2->session, s->id, h.nv, h.n, end ? NULL : &provider);
    h2_flush_later(s->h2);
}

struct buf *h2_out(struct h2_stream *s)
{
    if (s->out_at > s->out.n / 2) {
        buf_drop(&s->out, s->out_at);
        s->out_at = 0;
    }
    return &s->out;
}

void h2_out_flush(struct h2_stream *s)
{
    if (h2_out_queued(s) > HTTP_FULL)
        s->was_full = true;
    if (s->deferred && (s->out.n > s->out_at || s->ended)) {
        s->deferred = false;
        nghttp2_session_resume_data(s->h2->session, s->id);
    }
    h2_flush_later(s->h2);
}

void h2_out_end(struct h2_stream *s)
{
    s->ended = true;
    h2_out_flush(s);
}

size_t h2_out_queued(const struct h2_stream *s)
{
    return s->out.n - s->out_at;
}

void h2_send_data(struct http_req *r, struct slice bytes, bool end)
{
    struct h2_stream *s = r->stream;
    struct buf *out = h2_out(s);
    buf_add_slice(out, bytes);
    if (out->failed) { /* an incomplete answer must not look complete */
        nghttp2_submit_rst_stream(s->h2->session, NGHTTP2_FLAG_NONE, s->id, NGHTTP2_INTERNAL_ERROR);
        h2_flush_later(s->h2);
        return;
    }
    s->ended = s->ended || end;
    h2_out_flush(s);
}

size_t h2_queued(const struct http_req *r)
{
    return h2_out_queued(r->stream);
}

void h2_pause(struct h2_stream *s, bool pause)
{
    s->paused = pause;
    if (pause || !s->unconsumed)
        return;
    nghttp2_session_consume_stream(s->h2->session, s->id, s->unconsumed);
    s->unconsumed = 0;
    h2_flush_later(s->h2);
}

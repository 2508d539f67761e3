/* request.c - one request: its memory and what a handler can ask it. */
#include "base/err.h"
#include "http/http_internal.h"

#include <stdlib.h>

static void end_gzip(struct http_req *r)
{
    if (!r->gzip)
        return;
    loop_disarm(r->server->loop, &r->gzip_hook);
    gzip_free(r->gzip);
    r->gzip = NULL;
}

struct http_req *req_new_of(struct http_server *s)
{
    struct http_req *r = s->spare;
    if (r) {
        s->spare = r->next;
        s->spare_count--;
        struct arena *arena = r->arena;
        struct buf body = r->body;
        *r = (struct http_req){.arena = arena, .body = body};
    } else {
        r = calloc(1, sizeof *r);
        if (!r || !(r->arena = arena_new())) {
            free(r);
            return NULL;
        }
    }
    s->live++;
    r->server = s;
    return r;
}

struct http_req *req_new(struct http_conn *c)
{
    struct http_req *r = req_new_of(c->server);
    if (r) {
        r->conn = c;
        r->is_tls = r->tls_here = c->net && net_is_tls(c->net);
    }
    return r;
}

int http_content(struct http_req *r, struct slice *ret)
{
    struct slice rest = http_header(r, "content-encoding"), coding, body = http_body(r);
    bool packed = false;
    while (rest.p && slice_cut(&rest, ',', &coding)) {
        coding = slice_trim(coding);
        if (!coding.n || slice_is_nocase(coding, "identity"))
            continue;
        if (packed || !(slice_is_nocase(coding, "gzip") || slice_is_nocase(coding, "x-gzip") ||
                        slice_is_nocase(coding, "deflate")))
            return ERR_MEDIA_TYPE;
        packed = true;
    }
    if (packed && !r->content.p) {
        int err = gunzip(body, r->server->opts.max_body, &r->content);
        if (err) {
            buf_release(&r->content);
            return err;
        }
    }
    *ret = packed ? buf_slice(&r->content) : body;
    return 0;
}

static void destroy(struct http_req *r)
{
    buf_release(&r->body);
    arena_free(r->arena);
    free(r);
}

void req_free(struct http_req *r)
{
    struct http_server *s = r->server;
    end_gzip(r);
    inner_free(r);
    buf_release(&r->content);
    s->live--;
    if (s->ending || s->spare_count >= HTTP_SPARE_REQS) {
        destroy(r);
    } else {
        arena_reset(r->arena);
        if (r->body.cap > HTTP_KEEP_BODY)
            buf_release(&r->body);
        buf_clear(&r->body);
        r->next = s->spare;
        s->spare = r;
        s->spare_count++;
    }
    server_free_if_unused(s);
}

void req_free_spare(struct http_server *s)
{
    while (s->spare) {
        struct http_req *r = s->spare;
        s->spare = r->next;
        destroy(r);
    }
    s->spare_count = 0;
}

void req_peer_gone(struct http_req *r)
{
    if (r->state == REQ_READING) {
        req_free(r);
        return;
    }
    end_gzip(r);
    if (!r->peer)
        r->peer = arena_printf(r->arena, "%s", conn_peer(r->conn));
    r->conn = NULL;
    r->stream = NULL;
    if (r->on_gone) {
        r->told_gone = true;
        r->on_gone(r, r->data);
    } /* else the handler will answer, into nothing, and that frees it */
}

int fields_add(struct fields *f, struct arena *a, struct slice name, struct slice value)
{
    if (f->n == f->cap) {
        unsigned cap = f->cap ? f->cap * 2 : 16;
        struct field *at = arena_alloc(a, cap * sizeof *at);
        if (!at)
            return ERR_NOMEM;
        if (f->n)
            memcpy(at, f->at, f->n * sizeof *at);
        f->at = at;
        f->cap = cap;
    }
    f->at[f->n++] = (struct field){name, value};
    return 0;
}

const struct field *fields_find(const struct fields *f, const char *name)
{
    for (unsigned i = 0; i < f->n; i++)
        if (slice_is_nocase(f->at[i].name, name))
            return &f->at[i];
    return NULL;
}

bool req_has_token(const struct http_req *r, const char *header, const char *token)
{
    struct slice rest = http_header(r, header), item;
    while (rest.p && slice_cut(&rest, ',', &item))
        if (slice_is_nocase(slice_trim(item), token))
            return true;
    return false;
}

/* The last of a list: what the nearest proxy has said. */
static struct slice last_of(struct slice list)
{
    const char *comma = list.n ? memrchr(list.p, ',', list.n) : NULL;
    return slice_trim(comma ? slice_skip(list, (size_t)(comma - list.p) + 1) : list);
}

void req_look_behind_proxy(struct http_req *r)
{
    const struct proxies *p = r->server->proxies;
    char client[FORWARDED_TEXT];
    if (!p || !proxies_have(p, conn_peer(r->conn)))
        return;
    if (proxies_client(p, conn_peer(r->conn), http_header(r, "x-forwarded-for"), client))
        r->peer = arena_printf(r->arena, "%s", client);
    struct slice proto = last_of(http_header(r, "x-forwarded-proto"));
    if (slice_is_nocase(proto, "https") || slice_is_nocase(proto, "wss"))
        r->is_tls = true;
    else if (proto.n)
        r->is_tls = false;
}

/* The host and port of an origin, or what is left of the whole text. */
static struct slice without_scheme(struct slice origin, const char **ret_port)
{
    *ret_port = NULL;
    if (origin.n > 7 && strncasecmp(origin.p, "http://", 7) == 0) {
        *ret_port = ":80";
        return slice_skip(origin, 7);
    }
    if (origin.n > 8 && strncasecmp(origin.p, "https://", 8) == 0) {
        *ret_port = ":443";
        return slice_skip(origin, 8);
    }
    return slice_of(NULL, 0);
}

static bool same_host(struct slice a, struct slice b)
{
    return a.n == b.n && a.n && strncasecmp(a.p, b.p, a.n) == 0;
}

bool req_is_from_here(const struct http_req *r, const char *header)
{
    struct slice from = http_header(r, header), host = http_header(r, "host"), origin;
    const char *port;
    if (!from.p)
        return true;
    from = without_scheme(from, &port);
    if (!slice_cut(&from, '/', &origin) || !origin.n)
        return false; /* "null", files, other schemes */
    if (port && slice_ends(host, port))
        host.n -= strlen(port);
    if (port && slice_ends(origin, port))
        origin.n -= strlen(port);
    return same_host(origin, host);
}

/* ---- what a handler asks ---- */

struct arena *http_arena(struct http_req *r)
{
    return r->arena;
}

struct slice http_method(const struct http_req *r)
{
    return r->method;
}

struct slice http_path(const struct http_req *r)
{
    return r->path;
}

struct slice http_raw_path(const struct http_req *r)
{
    return r->raw_path;
}

struct slice http_query_text(const struct http_req *r)
{
    return r->query;
}

struct slice http_body(const struct http_req *r)
{
    return buf_slice(&r->body);
}

struct slice http_header(const struct http_req *r, const char *name)
{
    const struct field *first = fields_find(&r->fields, name);
    if (!first) /* HTTP/2 says it otherwise, and an absolute target overrules it */
        return strcasecmp(name, "host") == 0 && r->authority.p ? r->authority : slice_of(NULL, 0);
    if (r->authority.p && strcasecmp(name, "host") == 0)
        return r->authority;
    const struct field *end = r->fields.at + r->fields.n;
    size_t n = first->value.n, count = 1;
    for (const struct field *f = first + 1; f < end; f++) {
        if (slice_is_nocase(f->name, name)) {
            n += f->value.n + 2;
            count++;
        }
    }
    if (count == 1)
        return first->value;
    char *joined = arena_alloc(r->arena, n + 1), *p = joined;
    if (!joined)
        return first->value;
    const char *between = strcasecmp(name, "cookie") == 0 ? "; " : ", ";
    for (const struct field *f = first; f < end; f++) {
        if (!slice_is_nocase(f->name, name))
            continue;
        if (p != joined) {
            memcpy(p, between, 2);
            p += 2;
        }
        if (f->value.n)
            memcpy(p, f->value.p, f->value.n);
        p += f->value.n;
    }
    *p = 0;
    return slice_of(joined, n);
}

struct slice http_query(const struct http_req *r, const char *name)
{
    return http_form(r, r->query, name);
}

struct slice http_form(const struct http_req *r, struct slice form, const char *name)
{
    struct slice rest = form, pair, key, value;
    while (rest.p && slice_cut(&rest, '&', &pair)) {
        value = pair;
        if (!slice_cut(&value, '=', &key))
            continue;
        if (uri_decode(r->arena, key, true, &key) != 0 || !slice_is(key, name))
            continue;
        if (!value.p)
            value = SLICE_LIT("");
        return uri_decode(r->arena, value, true, &value) == 0 ? value : slice_of(NULL, 0);
    }
    return slice_of(NULL, 0);
}

const char *http_peer(const struct http_req *r)
{
    if (r->peer)
        return r->peer;
    return r->conn ? conn_peer(r->conn) : "";
}

const struct net_cert *http_peer_cert(const struct http_req *r)
{
    return r->conn ? conn_cert(r->conn) : NULL;
}

bool http_is_tls(const struct http_req *r)
{
    return r->is_tls;
}

bool http_is_tls_listener(const struct http_req *r)
{
    return r->tls_here;
}

int http_version(const struct http_req *r)
{
    return r->version;
}

void http_set_data(struct http_req *r, void *data, void (*on_gone)(struct http_req *r, void *data))
{
    r->data = data;
    r->on_gone = on_gone;
}

void *http_data(const struct http_req *r)
{
    return r->data;
}

void http_release(struct http_req *r)
{
    if (r->told_gone)
        req_free(r);
}

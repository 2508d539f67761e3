/* inner.c - requests that come from inside: a handler answers them as any other, and what it says
 * goes to whoever asked instead of onto a wire.
 *
 * The answer is gathered in memory.  One that grows too large is not taken any further: at the end
 * of the turn its handler hears that the peer is gone, as it would of one that hung up. */
#include "base/err.h"
#include "http/http_internal.h"

#include <stdlib.h>

struct inner {
    struct http_req *req;
    size_t max;
    void (*done)(void *arg, int status, struct slice body); /* NULL: nobody waits any more */
    void *arg;
    int status;
    struct buf answer;
    struct loop_hook hook;
};

struct http_server *http_server_of(const struct http_req *r)
{
    return r->server;
}

static void tell(struct inner *n, int status, struct slice body)
{
    void (*done)(void *arg, int code, struct slice text) = n->done;
    n->done = NULL;
    if (done)
        done(n->arg, status, body);
}

/* As req_peer_gone() does it. */
static void go(struct http_req *r)
{
    if (r->told_gone || !r->on_gone)
        return; /* its handler answers into nothing, and that frees it */
    r->told_gone = true;
    r->on_gone(r, r->data);
}

static void too_large(void *arg)
{
    struct inner *n = arg;
    struct http_req *r = n->req;
    tell(n, 0, slice_of(NULL, 0));
    go(r);
}

void inner_respond(struct http_req *r, int status, struct slice body)
{
    struct inner *n = r->inner;
    if (body.n > n->max)
        tell(n, 0, slice_of(NULL, 0));
    else
        tell(n, status, body);
    if (!r->told_gone)
        req_free(r);
}

void inner_start(struct http_req *r, int status)
{
    r->inner->status = status;
}

bool inner_write(struct http_req *r, struct slice bytes)
{
    struct inner *n = r->inner;
    if (!n->done)
        return true;
    buf_add_slice(&n->answer, bytes);
    if (n->answer.n <= n->max && !n->answer.failed)
        return true;
    loop_at_end(r->server->loop, &n->hook);
    return false;
}

void inner_end(struct http_req *r, bool broken)
{
    struct inner *n = r->inner;
    bool whole = !broken && n->answer.n <= n->max && !n->answer.failed;
    r->on_ready = NULL;
    r->on_gone = NULL;
    tell(n, whole ? n->status : 0, whole ? buf_slice(&n->answer) : slice_of(NULL, 0));
    if (!r->told_gone)
        req_free(r);
}

void inner_free(struct http_req *r)
{
    struct inner *n = r->inner;
    if (!n)
        return;
    loop_disarm(r->server->loop, &n->hook);
    buf_release(&n->answer);
    free(n);
    r->inner = NULL;
}

void http_inner_stop(struct http_req *r)
{
    r->inner->done = NULL;
    go(r);
}

void http_inner_header(struct http_req *r, const char *name, struct slice value)
{
    struct slice kept = arena_dup(r->arena, value);
    struct slice key = slice_str(arena_printf(r->arena, "%s", name));
    if (kept.p && key.p && chars_all(kept, CHAR_VALUE))
        fields_add(&r->fields, r->arena, key, kept);
}

struct http_req *http_inner_new(struct http_server *s, const struct http_inner *what)
{
    struct http_req *r = req_new_of(s);
    struct inner *n = r ? calloc(1, sizeof *n) : NULL;
    if (!n) {
        if (r)
            req_free(r);
        return NULL;
    }
    *n = (struct inner){.req = r, .max = what->max_answer, .done = what->done, .arg = what->arg};
    n->hook = (struct loop_hook){.fn = too_large, .arg = n};
    r->inner = n;
    r->state = REQ_HANDLING;
    r->version = 11;
    r->is_tls = what->is_tls;
    r->method = slice_str(arena_printf(r->arena, "%s", what->method));
    r->target = arena_dup(r->arena, what->target);
    r->peer = arena_printf(r->arena, "%s", what->peer ? what->peer : "");
    if (what->body.n)
        buf_add_slice(&r->body, what->body);
    if (what->type)
        http_inner_header(r, "content-type", slice_str(what->type));
    bool kept = r->method.p && r->target.p && r->peer && !r->body.failed;
    if (!kept || uri_parse_target(r)) {
        n->done = NULL;
        req_free(r);
        return NULL;
    }
    return r;
}

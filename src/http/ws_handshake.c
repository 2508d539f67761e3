/* ws_handshake.c - how a request becomes a WebSocket: RFC 6455 section 4.2 over HTTP/1.1, and
 * RFC 8441 over HTTP/2. */
#include "base/err.h"
#include "http/ws_internal.h"

#include <openssl/evp.h>

static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/* 16 bytes in base64. */
static bool key_valid(struct slice key)
{
    unsigned char bytes[18];
    if (key.n != 24 || !slice_ends(key, "==") || key.p[21] == '=')
        return false;
    return EVP_DecodeBlock(bytes, (const unsigned char *)key.p, 24) == 18;
}

static bool add_accept(struct http_req *r, struct slice key)
{
    unsigned char digest[EVP_MAX_MD_SIZE], text[64];
    unsigned n = 0;
    char *both = arena_printf(r->arena, "%.*s%s", SLICE_ARG(key), guid);
    if (!both || EVP_Digest(both, strlen(both), digest, &n, EVP_sha1(), NULL) != 1)
        return false;
    EVP_EncodeBlock(text, digest, (int)n);
    http_add_header(r, "Sec-WebSocket-Accept", (const char *)text);
    return true;
}

static const char *choose_protocol(const struct http_req *r, const struct ws_opts *opts)
{
    struct slice offered = http_header(r, "sec-websocket-protocol"), name;
    for (const char *const *p = opts->protocols; p && *p; p++) {
        struct slice rest = offered;
        while (rest.p && slice_cut(&rest, ',', &name))
            if (slice_is(slice_trim(name), *p))
                return *p;
    }
    return NULL;
}

/* Is it a WebSocket request at all, and a good one?  Answers it when it is not. */
static bool check(struct http_req *r, const struct ws_opts *opts)
{
    if (!r->protocol.p) {
        if (!slice_is(r->method, "GET") || r->version < 11 ||
            !req_has_token(r, "upgrade", "websocket") ||
            !req_has_token(r, "connection", "upgrade")) {
            http_add_header(r, "Upgrade", "websocket");
            http_add_header(r, "Connection", "Upgrade");
            respond_problem(r, 426, "this address speaks WebSocket");
            return false;
        }
        if (!key_valid(http_header(r, "sec-websocket-key"))) {
            respond_problem(r, 400, "Sec-WebSocket-Key must be 16 bytes in base64");
            return false;
        }
    }
    if (!slice_is(http_header(r, "sec-websocket-version"), "13")) {
        http_add_header(r, "Sec-WebSocket-Version", "13");
        respond_problem(r, 426, "version 13 of WebSocket is spoken here");
        return false;
    }
    if (opts->check_origin && !req_is_from_here(r, "origin")) {
        respond_problem(r, 403, "a page of another origin may not connect");
        return false;
    }
    if (opts->need_protocol && !choose_protocol(r, opts)) {
        respond_problem(
            r, 400,
            arena_printf(r->arena, "Sec-WebSocket-Protocol must offer \"%s\"", opts->protocols[0]));
        return false;
    }
    return true;
}

static bool answer(struct http_req *r, const struct ws_deflate_terms *terms, const char *protocol)
{
    struct buf extension = {0};
    if (protocol)
        http_add_header(r, "Sec-WebSocket-Protocol", protocol);
    if (terms->on) {
        ws_deflate_answer(terms, &extension);
        buf_add_byte(&extension, 0);
        if (!extension.failed)
            http_add_header(r, "Sec-WebSocket-Extensions", extension.p);
        buf_release(&extension);
    }
    struct answer a = {.status = r->stream ? 200 : 101};
    if (r->stream) {
        h2_send_head(r, &a, false);
        return true;
    }
    http_add_header(r, "Upgrade", "websocket");
    if (!add_accept(r, http_header(r, "sec-websocket-key")))
        return false;
    r->keep_alive = true;
    h1_send_head(r, &a);
    conn_flush(r->conn);
    return true;
}

bool ws_accept(struct http_req *r, const struct ws_opts *opts, const struct ws_events *events,
               void *arg, struct ws **ret)
{
    struct ws_deflate_terms terms;
    if (!r->conn) {
        respond_problem(r, 400, NULL); /* nobody is there: it only ends the request */
        return false;
    }
    if (!check(r, opts))
        return false;
    const char *protocol = choose_protocol(r, opts);
    ws_deflate_negotiate(http_header(r, "sec-websocket-extensions"), &terms);
    struct ws *w = ws_new(r->conn, r->stream, opts, &terms, events, arg, protocol, http_peer(r));
    if (!w || !answer(r, &terms, protocol)) {
        ws_discard(w);
        respond_problem(r, 503, "out of memory");
        return false;
    }
    ws_begin(w);
    struct http_conn *c = r->conn;
    if (r->stream) {
        r->stream->ws = w;
        h2_answered(r);
    } else {
        c->h1.req = NULL;
        c->h1.state = H1_HEAD;
        c->mode = CONN_WS;
        c->ws = w;
        req_free(r);
        server_wait(c, WAIT_NONE);
        conn_pause(c, false);
        if (c->held.n)
            conn_again(c);
    }
    *ret = w;
    return true;
}

/* http.h - an HTTP/1.1 and HTTP/2 server (llhttp, nghttp2) and WebSocket (wslay); knows no twins.
 *
 * One request is one struct http_req, whatever the version; it lives until its answer is sent or
 * the peer is gone, and everything in it lives in its arena.  All on the loop's thread. */
#ifndef HTTP_HTTP_H
#define HTTP_HTTP_H

#include "base/arena.h"
#include "base/buf.h"
#include "os/net.h"

struct http_server; /* opaque */
struct http_req;    /* opaque */
struct ws;          /* opaque */

struct http_opts {
    size_t max_header;          /* bytes; 431 above */
    size_t max_body;            /* bytes; 413 above */
    unsigned header_timeout_ms; /* from accept or the last answer's next byte to the end of the
                                   headers */
    unsigned body_timeout_ms;   /* without a byte of the body */
    unsigned idle_timeout_ms;   /* kept alive without a request */
    int max_connections;        /* more are answered with 503 and closed */
    /* A whole request is here.  It is answered now or later, exactly once, by http_respond() or
     * http_respond_start() .. http_respond_end(). */
    void (*on_request)(void *arg, struct http_req *r);
    void *arg;
    const char *security_headers; /* "Name: value\r\n"... added to every answer */
    /* Networks of proxies ("10.0.0.0/8, ::1") whose X-Forwarded-For and -Proto are believed; NULL:
     * nobody's are.  http_server_new() answers ERR_INVALID when it is none. */
    const char *trusted_proxies;
    bool hsts; /* tell browsers for a year to come over TLS alone, in answers over TLS (RFC 6797) */
};
extern const struct http_opts http_defaults;

int http_server_new(struct loop *l, const struct http_opts *opts, struct http_server **ret);
/* Closes every connection (not out of a handler).  Free the listeners first. */
void http_server_free(struct http_server *s);
net_accept_fn http_accept; /* arg: the server */
size_t http_connections(const struct http_server *s);

struct arena *http_arena(struct http_req *r);
struct slice http_method(const struct http_req *r); /* never CONNECT: that is refused before; a
                                                       WebSocket over HTTP/2 looks like GET */
struct slice
http_path(const struct http_req *r); /* percent-decoded once, never with NUL; "/" first, or the
                                        "*" of OPTIONS; may hold "..", may not be UTF-8 */
struct slice http_raw_path(const struct http_req *r);   /* as sent, without the query */
struct slice http_query_text(const struct http_req *r); /* as sent, without "?" */
struct slice http_body(const struct http_req *r);       /* as sent */
/* The body without its Content-Encoding (identity, gzip, deflate), as large as a body may be; lives
 * as long as the request.  ERR_MEDIA_TYPE: another coding, ERR_MALFORMED, ERR_TOO_LARGE, ERR_NOMEM.
 */
int http_content(struct http_req *r, struct slice *ret);
struct slice http_header(const struct http_req *r,
                         const char *name); /* any case; joined by ", "; p NULL: none */
/* A query parameter, decoded; p NULL: none.  The first when it stands twice. */
struct slice http_query(const struct http_req *r, const char *name);
struct slice http_form(const struct http_req *r, struct slice form,
                       const char *name); /* the same in a body of that form */
/* The client's address, "127.0.0.1:52611"; behind a trusted proxy "203.0.113.7:0". */
const char *http_peer(const struct http_req *r);
bool http_is_tls(
    const struct http_req *r); /* does the client speak TLS: to us, or to that proxy? */
bool http_is_tls_listener(const struct http_req *r); /* did it, or the proxy, to us? */
/* The certificate that the client has shown, which was verified; NULL: none, or the client is gone
 * already: whoever wants it asks before the handler returns. */
const struct net_cert *http_peer_cert(const struct http_req *r);
int http_version(const struct http_req *r); /* 10, 11 or 20 */

/* Request-scoped data of the handler, and how it learns that the peer went away before the
 * answer: on_gone is called once, then the request must not be answered; it stays readable until
 * http_release() is called by whoever got on_gone. */
void http_set_data(struct http_req *r, void *data, void (*on_gone)(struct http_req *r, void *data));
void *http_data(const struct http_req *r);
void http_release(struct http_req *r); /* only after on_gone */

/* Header of the answer, before http_respond*(); name and value are copied. */
void http_add_header(struct http_req *r, const char *name, const char *value);
void http_add_headerf(struct http_req *r, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* For those who have their body compressed already: does the client take gzip; and: the body of the
 * answer is gzip (after its headers; an ETag "x" becomes "x-gzip", since a strong validator is of
 * the bytes, RFC 9110 section 8.8.3.3). */
bool http_wants_gzip(const struct http_req *r);
void http_set_gzip(struct http_req *r);

/* The whole answer.  The body is copied, compressed (gzip) when the client takes it, the type is
 * text or JSON and it is over 1 kB.  HEAD is answered without the body by itself. */
void http_respond(struct http_req *r, int status, const char *type, struct slice body);

/* An answer in pieces: chunked or DATA frames, compressed like above.  http_respond_write() says
 * false when the peer is too slow: wait for on_ready then.  http_respond_end() ends it. */
void http_respond_start(struct http_req *r, int status, const char *type,
                        void (*on_ready)(struct http_req *r, void *data));
bool http_respond_write(struct http_req *r, struct slice bytes);
void http_respond_end(struct http_req *r);
/* The rest cannot be sent: instead of http_respond_end(); the peer sees an incomplete answer. */
void http_respond_abort(struct http_req *r);

/* ---- a request without a peer: somebody inside asks what others ask over the network ---- */

struct http_inner {
    const char *method;
    struct slice target; /* "/api/v1/twins?limit=5" */
    const char *type;    /* of the body; NULL: there is none */
    struct slice body;
    const char *peer; /* in whose name */
    bool is_tls;
    size_t max_answer; /* bytes */
    /* Once, maybe out of the handler, unless http_inner_stop() came before; the request is gone
     * after it.  status 0: the answer was too large or broke off. */
    void (*done)(void *arg, int status, struct slice body);
    void *arg;
};

struct http_server *http_server_of(const struct http_req *r);
/* All is copied.  NULL: out of memory, or the target is none.  It is for whoever has it to give to
 * a handler, such as on_request(). */
struct http_req *http_inner_new(struct http_server *s, const struct http_inner *what);
void http_inner_header(struct http_req *r, const char *name, struct slice value); /* of it */
/* The peer is gone, as a handler sees it. */
void http_inner_stop(struct http_req *r);

/* ---- WebSocket (RFC 6455, RFC 7692 permessage-deflate; over HTTP/1.1, and RFC 8441 over HTTP/2)
 * ---- */

struct ws_events {
    void (*on_message)(void *arg, bool text, struct slice message); /* whole; text is valid UTF-8 */
    void (*on_drain)(void *arg);                                    /* as in net.h; may be NULL */
    void (*on_close)(void *arg, int code); /* once, at the end; the pointer is dead after it */
};

struct ws_opts {
    size_t max_message;           /* 1009 above */
    const char *const *protocols; /* those we speak, by preference, NULL-ended, or NULL; they
                                     outlive the WebSocket */
    bool need_protocol;           /* refuse (400) who offers none of them */
    bool stream;       /* binary only (1003 for text), handed on piece by piece as it comes: frames
                          and messages mean nothing, max_message limits what a piece inflates to */
    unsigned ping_ms;  /* a ping after so long in silence; the pong must come within it */
    bool check_origin; /* refuse (403) an Origin whose host is not the Host */
};

/* Answer the request with an upgrade.  False: it was no proper upgrade request and has been
 * answered with an error. */
bool ws_accept(struct http_req *r, const struct ws_opts *opts, const struct ws_events *events,
               void *arg, struct ws **ret);
void ws_send(struct ws *w, bool text, struct slice message);
size_t ws_queued(const struct ws *w);
void ws_close(struct ws *w, int code, const char *reason); /* on_close still comes */
void ws_pause(struct ws *w);
void ws_resume(struct ws *w);
const char *ws_peer(const struct ws *w);
const struct net_cert *ws_peer_cert(const struct ws *w); /* as http_peer_cert() */
struct slice ws_protocol(const struct ws *w);            /* the chosen one or empty */

#endif

/* http_internal.h - the room from the inside.
 *
 * http_conn (conn.c) is one connection, whatever is spoken on it: it finds out the protocol from
 * ALPN or the first bytes and hands what comes to h1.c, h2.c or ws.c.  http_req (request.c) is one
 * request; respond.c makes its answer and leaves the form on the wire to h1_answer.c or h2.c.
 * server.c owns the lists and the timeouts.
 *
 * A connection can also be without a socket (conn_new with net NULL): then its output stays in
 * `memory`, and http_feed() gives it input.  The fuzz targets work that way. */
#ifndef HTTP_INTERNAL_H
#define HTTP_INTERNAL_H

#include "http/forwarded.h"
#include "http/http.h"

enum {
    HTTP_MAX_FIELDS = 128,  /* in a head; 431 above */
    HTTP_MAX_LINE = 8192,   /* the request line; 414 above */
    HTTP_FULL = 65536,      /* queued bytes from which a producer is told to wait */
    HTTP_BLOCKED = 262144,  /* queued bytes from which no further request is taken up */
    HTTP_HELD = 65536,      /* bytes kept of what a client sends ahead of its answers */
    HTTP_SPARE_REQS = 64,   /* requests kept for reuse, with their arenas */
    HTTP_KEEP_BODY = 16384, /* a larger body buffer is not kept with them */
    HTTP_GZIP_FROM = 1024,  /* smaller bodies are not compressed */
    HTTP_H2_STREAMS = 128,  /* at once on one connection */
};

struct field {
    struct slice name, value;
};

/* A list that grows in an arena. */
struct fields {
    struct field *at;
    unsigned n, cap;
};

enum req_state {
    REQ_READING,   /* not yet the handler's */
    REQ_HANDLING,  /* the handler has it, no answer yet */
    REQ_STREAMING, /* between http_respond_start() and _end() */
};

struct gzip;
struct h2_stream;
struct inner;

struct http_req {
    struct http_server *server;
    struct http_conn *conn;   /* NULL when the peer is gone */
    struct h2_stream *stream; /* HTTP/2 only */
    struct inner *inner;      /* inner.c: there is no connection, and never was */
    struct http_req *next;    /* among the spare ones */
    struct arena *arena;
    enum req_state state;
    int version;     /* 10, 11, 20 */
    bool is_tls;     /* the client's own, maybe to a proxy */
    bool tls_here;   /* this connection's */
    bool is_head;    /* the answer has no body */
    bool keep_alive; /* HTTP/1: the connection goes on after the answer */
    bool told_gone;  /* on_gone was called: http_release() is the end of it */

    struct slice method, target, raw_path, query, path, authority;
    struct slice protocol; /* RFC 8441's :protocol */
    struct fields fields;
    struct buf body;
    struct buf content; /* the body decoded, where it was encoded and somebody asked */
    const char *peer;   /* behind a proxy, and once conn is NULL */

    struct fields answer; /* what the handler added */
    bool has_length;      /* the answer's length was in its head (HTTP/1) */
    bool no_body;         /* nothing of what the handler writes is sent */
    bool want_ready;
    struct gzip *gzip; /* a streaming answer that is compressed */
    struct loop_hook gzip_hook;
    void (*on_ready)(struct http_req *r, void *data);
    void *data;
    void (*on_gone)(struct http_req *r, void *data);
};

/* ---- chars.c: what a byte may be part of ---- */

enum { CHAR_TOKEN = 1, CHAR_VALUE = 2, CHAR_URI = 4 };
extern const unsigned char http_chars[256];

static inline bool char_is(char c, int kind)
{
    return http_chars[(unsigned char)c] & kind;
}

bool chars_all(struct slice s, int kind);

/* ---- request.c ---- */

struct http_req *req_new(struct http_conn *c);      /* NULL when memory ran out */
struct http_req *req_new_of(struct http_server *s); /* of no connection */
void req_free(struct http_req *r);                  /* to the spare ones */
void req_free_spare(struct http_server *s);
void req_peer_gone(struct http_req *r); /* its connection or stream is no more */
int fields_add(struct fields *f, struct arena *a, struct slice name, struct slice value);
const struct field *fields_find(const struct fields *f, const char *name);
/* Does a comma-separated header have this token, any case? */
bool req_has_token(const struct http_req *r, const char *header, const char *token);

/* Who asks, and how, when it is a trusted proxy that asks. */
void req_look_behind_proxy(struct http_req *r);
/* Is the host in Origin or Referer the one that was asked, or no browser's page behind it at all?
 */
bool req_is_from_here(const struct http_req *r, const char *header);

/* ---- inner.c: what respond.c does for a request of ours ---- */

void inner_respond(struct http_req *r, int status, struct slice body);
void inner_start(struct http_req *r, int status);
bool inner_write(struct http_req *r, struct slice bytes);
void inner_end(struct http_req *r, bool broken);
void inner_free(struct http_req *r);

/* ---- uri.c ---- */

/* Fill method-independent parts of the request from its target; 0, or the status to refuse it. */
int uri_parse_target(struct http_req *r);
/* Decode %XX (and + as a space, in a query) into the arena.  ERR_INVALID, ERR_NOMEM. */
int uri_decode(struct arena *a, struct slice text, bool query, struct slice *ret);
bool uri_host_valid(struct slice host); /* "host", "host:port", "[v6]:port" */

/* ---- respond.c ---- */

/* An error of this room's own, as problem+json.  detail may be NULL. */
void respond_problem(struct http_req *r, int status, const char *detail);
void problem_text(struct buf *b, int status, const char *detail);
const char *status_text(int status);
/* The peer takes bytes again. */
void respond_ready(struct http_req *r);

/* What an answer is, for those who put it on the wire. */
struct answer {
    int status;
    const char *type; /* may be NULL */
    bool gzip, vary;  /* Content-Encoding: gzip; Vary: Accept-Encoding */
    bool has_length;
    size_t length; /* of the body as sent, also for HEAD */
};

/* ---- gzip.c ---- */

/* What Accept-Encoding says; MUST: and nothing else is acceptable. */
enum gzip_wish { GZIP_NO, GZIP_YES, GZIP_MUST };
enum gzip_wish gzip_wanted(const struct http_req *r);
bool gzip_worth(const char *type); /* text, JSON and the like */
/* The whole body into *out; false when memory ran out. */
bool gzip_whole(struct http_server *s, struct slice body, struct buf *out);
/* Gzip (its members one after the other) or zlib, at most so many bytes: ERR_TOO_LARGE,
 * ERR_MALFORMED, ERR_NOMEM. */
int gunzip(struct slice packed, size_t max, struct buf *out);
struct gzip *gzip_new(void);
void gzip_free(struct gzip *g);
enum gzip_flush { GZIP_MORE, GZIP_SYNC, GZIP_END };
int gzip_add(struct gzip *g, struct slice bytes, enum gzip_flush flush, struct buf *out);

/* ---- server.c ---- */

enum wait_kind { WAIT_NONE, WAIT_HEAD, WAIT_BODY, WAIT_IDLE, WAIT_STALL, WAIT_KINDS };

struct wait_list {
    struct http_conn *first, *last;
    unsigned ms;
};

struct http_server {
    struct loop *loop;
    struct http_opts opts;
    struct proxies *proxies; /* NULL: none is trusted */
    size_t security_len;
    struct http_conn *conns;
    size_t count;
    struct wait_list waits[WAIT_KINDS]; /* each in the order of its deadlines */
    struct loop_timer *timer;
    uint64_t timer_at; /* when it will fire, 0: not set */
    struct fields
        security;        /* opts.security_headers, in lower case; names and values are one block */
    struct arena *arena; /* of these */
    struct http_req *spare;
    int spare_count;
    size_t live;         /* requests that are not spare; the server outlives them */
    struct buf scratch;  /* for a compressed body */
    struct gzip *gzip;   /* for whole bodies */
    int64_t date_second; /* of date */
    char date[40];       /* "Sun, 06 Nov 1994 08:49:37 GMT" */
    bool ending;
};

const char *server_date(struct http_server *s);
/* The connection waits for something from now on (again: from now anew). */
void server_wait(struct http_conn *c, enum wait_kind kind);
void server_free_if_unused(struct http_server *s);

/* ---- conn.c ---- */

enum conn_mode { CONN_DETECT, CONN_H1, CONN_H2, CONN_WS, CONN_DEAD };

struct h1 {
    enum { H1_HEAD, H1_BODY, H1_CHUNKED, H1_HANDLING } state;
    struct http_req *req;
    size_t scanned;     /* bytes of the head looked at */
    unsigned lines;     /* line ends in these */
    size_t unread;      /* while the handler is called: bytes behind the request */
    uint64_t body_left; /* H1_BODY */
    struct chunked {
        unsigned char state;
        unsigned char digits;
        uint64_t left;   /* bytes of this chunk */
        size_t overhead; /* bytes of extensions and trailers */
    } chunked;
};

struct http_conn {
    struct http_server *server;
    struct net_conn *net; /* NULL: without a socket */
    struct http_conn *next, *prev;
    struct http_conn *wait_next, *wait_prev;
    enum wait_kind wait;
    uint64_t wait_until;
    enum conn_mode mode;
    int depth;       /* how many of our callbacks are inside; it is freed at 0 */
    bool half;       /* the peer sends no more but may read */
    bool stopped;    /* no further request is taken up until the output has drained */
    bool paused;     /* reading */
    struct buf held; /* bytes that came and could not be used yet */
    struct loop_hook hook;
    struct h1 h1;
    struct h2 *h2;
    struct ws *ws;
    struct buf memory; /* the output, without a socket */
};

struct http_conn *conn_new(struct http_server *s, struct net_conn *net);
void conn_input(struct http_conn *c, struct slice bytes);
void conn_end(struct http_conn *c, bool flush); /* the owner of whatever is pending is told */
struct buf *conn_out(struct http_conn *c);
void conn_flush(struct http_conn *c);
size_t conn_queued(const struct http_conn *c);
void conn_pause(struct http_conn *c, bool pause);
void conn_again(struct http_conn *c); /* look at `held` at the end of this turn */
const char *conn_peer(const struct http_conn *c);
const struct net_cert *conn_cert(const struct http_conn *c);
/* Say goodbye in the words of what is spoken, and end. */
void conn_goodbye(struct http_conn *c);
/* Between these two a connection may end but stays allocated; leave says whether it still is
 * alive. */
void conn_enter(struct http_conn *c);
bool conn_leave(struct http_conn *c);
/* Give a whole request to the handler. */
void conn_dispatch(struct http_req *r);

/* ---- h1.c, h1_answer.c ---- */

void h1_input(struct http_conn *c, struct slice bytes);
void h1_refuse(struct http_conn *c, int status, const char *detail); /* and end the connection */
void h1_timeout(struct http_conn *c, enum wait_kind kind);
void h1_half_closed(struct http_conn *c);
void h1_continue(struct http_conn *c); /* with what is held */
void h1_gone(struct http_conn *c);
void h1_answered(struct http_req *r); /* the answer is complete; the request is freed */
void h1_send_head(struct http_req *r, const struct answer *a);
void h1_send_chunk(struct http_req *r, struct slice bytes);
void h1_send_end(struct http_req *r);

/* chunked.c: take bytes off *in; what is content is appended to out.  1 at the end of the body,
 * 0 when more is needed, or a negative HTTP status. */
int chunked_take(struct chunked *c, struct slice *in, struct buf *out, size_t max_body,
                 size_t max_overhead);

/* ---- h2.c, h2_answer.c ---- */

typedef struct nghttp2_session nghttp2_session;

struct h2_stream {
    struct h2 *h2;
    int32_t id;
    struct http_req *req; /* NULL once its answer is complete */
    struct ws *ws;
    struct h2_stream *next, *prev;
    size_t head_bytes; /* as HTTP/2 counts them */
    size_t discarded;  /* bytes of a body that came behind the answer */
    size_t body_bytes; /* that count in h2->buffered */
    struct buf out;    /* content on its way to the peer */
    size_t out_at;     /* of which so much is sent */
    size_t unconsumed; /* bytes not yet given back to the peer's window (a paused WebSocket) */
    bool paused;
    bool too_large; /* the head is over the limit */
    bool all_read;  /* the peer has sent its end */
    bool ended;     /* nothing will be added to out */
    bool deferred;  /* nghttp2 waits for nghttp2_session_resume_data() */
    bool was_full;  /* the WebSocket is owed on_drain */
};

enum { H2_GAPS = 8 };

struct h2 {
    nghttp2_session *session;
    struct http_conn *conn; /* NULL: gone, to be freed when `busy` is 0 */
    struct h2_stream *streams;
    int busy;        /* nghttp2 is working: it must not be freed, nor entered again */
    size_t buffered; /* bytes of request bodies */
    uint64_t sent;   /* content bytes, to see progress */
    uint64_t sent_at_wait;
    double calm;      /* resets that are still tolerated */
    uint64_t calm_at; /* when that was counted, in ms */
    int32_t last_id;
    unsigned gap_at;
    struct h2_gap {
        int32_t first, last; /* stream numbers that were passed over */
    } gaps[H2_GAPS];
};

int h2_start(struct http_conn *c);
void h2_input(struct http_conn *c, struct slice bytes);
void h2_drained(struct http_conn *c);
void h2_timeout(struct http_conn *c, enum wait_kind kind);
void h2_flush(struct http_conn *c);
void h2_flush_later(struct h2 *h);
void h2_shutdown(struct http_conn *c);
void h2_gone(struct http_conn *c);
void h2_send_head(struct http_req *r, const struct answer *a, bool end);
void h2_send_data(struct http_req *r, struct slice bytes, bool end);
void h2_answered(struct http_req *r); /* the answer is complete; the request is freed */
void h2_abort(struct http_req *r);
size_t h2_queued(const struct http_req *r);

/* A stream that carries a WebSocket. */
struct buf *h2_out(struct h2_stream *s);
void h2_out_flush(struct h2_stream *s);
void h2_out_end(struct h2_stream *s);
size_t h2_out_queued(const struct h2_stream *s);
void h2_pause(struct h2_stream *s, bool pause);

/* ---- ws.c and its helpers ---- */

void ws_input(struct ws *w, struct slice bytes);
void ws_drained(struct ws *w);
void ws_gone(struct ws *w);     /* the transport is no more */
void ws_shutdown(struct ws *w); /* 1001 */
void ws_peer_ended(struct ws *w);

/* ---- for the fuzz targets ---- */

struct http_conn *http_memory_conn(struct http_server *s);

#endif

/* ws_internal.h - WebSocket from the inside: ws.c (the session), ws_handshake.c (how it begins),
 * ws_deflate.c (permessage-deflate). */
#ifndef HTTP_WS_INTERNAL_H
#define HTTP_WS_INTERNAL_H

#include "http/http_internal.h"

/* ---- ws_deflate.c ---- */

struct ws_deflate; /* opaque: the two compressors of one connection, made when first used */

/* What both sides agreed on (RFC 7692). */
struct ws_deflate_terms {
    bool on;
    bool server_no_takeover, client_no_takeover;
    int server_bits, client_bits;
    bool server_bits_asked, client_bits_asked;
};

/* The first of the client's offers that we can take; terms->on is false when there is none. */
void ws_deflate_negotiate(struct slice offers, struct ws_deflate_terms *terms);
void ws_deflate_answer(const struct ws_deflate_terms *terms, struct buf *out);

struct ws_deflate *ws_deflate_new(const struct ws_deflate_terms *terms);
void ws_deflate_free(struct ws_deflate *d);
/* Append the compressed message, without the four bytes at its end. */
int ws_deflate_message(struct ws_deflate *d, struct slice message, struct buf *out);
/* Append what these compressed bytes hold; last: the message ends with them.  ERR_TOO_LARGE when
 * out would get longer than max, ERR_MALFORMED when it is no such data. */
int ws_inflate(struct ws_deflate *d, struct slice bytes, bool last, size_t max, struct buf *out);

/* ---- ws_utf8.c ---- */

/* UTF-8 that comes in pieces: how many bytes of the character are missing, and between which the
 * next one must be.  All zeroes at the start. */
struct ws_utf8 {
    unsigned char missing, low, high;
};

bool ws_utf8_add(struct ws_utf8 *u, struct slice bytes); /* false: it can no longer be UTF-8 */

/* ---- ws.c ---- */

/* The session of an accepted upgrade over this connection, or this stream of it. */
struct ws *ws_new(struct http_conn *c, struct h2_stream *s, const struct ws_opts *opts,
                  const struct ws_deflate_terms *terms, const struct ws_events *events, void *arg,
                  const char *protocol, const char *peer);
void ws_discard(struct ws *w); /* it was not begun; NULL allowed */
void ws_begin(struct ws *w);

#endif

/* tls_internal.h - what tls.c (a session), tls_context.c (what the sessions of a listener share)
 * and tls_peer.c (the certificate of the other side) know of each other. */
#ifndef OS_TLS_INTERNAL_H
#define OS_TLS_INTERNAL_H

#include "os/internal.h"

#include <openssl/ssl.h>

enum { TLS_ALPN_MAX = 128 };
enum { TLS_CERT, TLS_KEY, TLS_CLIENT_CA, TLS_CLIENT_CRL, TLS_FILES };

struct net_tls {
    int refs;
    SSL_CTX *ctx; /* of new sessions; a session under way keeps the one it began with */
    char *files[TLS_FILES];
    bool cert_required;               /* of clients */
    unsigned char alpn[TLS_ALPN_MAX]; /* each name behind its length, in order of preference */
    unsigned alpn_len;
    int64_t tickets_us; /* when the keys of the tickets were drawn; monotonic */
};

/* A session for this context, its tickets' keys drawn anew when they are old. */
SSL *context_session(struct net_tls *t);

/* What the peer has shown and was verified; *ret NULL when it has shown nothing.  ERR_NOMEM. */
int peer_read(SSL *ssl, struct net_cert **ret);

/* Would what this session's peer has shown be taken now, by this context?  Costs no signature: the
 * chain was verified when the session began, and what can change since are the clock, the anchors
 * and the list of the revoked. */
bool peer_trusted(SSL *ssl, SSL_CTX *now);

#endif

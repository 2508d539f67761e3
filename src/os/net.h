/* net.h - listeners and connections, over TCP or TLS (OpenSSL), on the loop's thread.
 *
 * A connection calls its owner back; bytes to send are copied into one output buffer and leave at
 * the end of the turn, so many small writes are one system call.  The owner looks at net_queued()
 * and stops producing when it is high; on_drain tells when the buffer is empty again. */
#ifndef OS_NET_H
#define OS_NET_H

#include "base/buf.h"
#include "os/loop.h"

struct net_conn;     /* opaque */
struct net_listener; /* opaque */
struct net_tls;      /* opaque, reference counted: a certificate, its key and the options */

struct net_events {
    /* Bytes came; all of them are used up by the callee (it keeps what it needs). */
    void (*on_data)(void *arg, struct slice bytes);
    /* The output buffer, full before (over 64 kB), is empty again.  May be NULL. */
    void (*on_drain)(void *arg);
    /* The peer will send no more, or the connection failed (err: ERR_IO, ERR_TIMEOUT, 0 for a
     * clean end).  Called at most once, never out of net_close(); the owner calls net_close(). */
    void (*on_close)(void *arg, int err);
    /* May be NULL.  Else it is called instead of on_close for a clean end of the peer's sending
     * side, for those who want to write on; on_close may still follow with an error. */
    void (*on_end)(void *arg);
    /* The certificate that the peer has shown is revoked, has expired or its authority is trusted
     * no more: say so in the protocol's words and net_close().  NULL: on_close with ERR_FOREIGN. */
    void (*on_untrusted)(void *arg);
};

/* The owner sets its callbacks in here with net_set_events(); a connection that comes out of it
 * without any is closed. */
typedef void net_accept_fn(void *arg, struct net_conn *c);

/* "HOST:PORT", "[::1]:0"; port 0 picks a free one; net_address() tells.  Listening is not begun
 * before loop_run().  ERR_INVALID for an address that cannot be read, ERR_BUSY when in use,
 * ERR_IO else; *ret_why then has a sentence (static or valid until the next call). */
int net_listen(struct loop *l, const char *address, struct net_tls *tls, net_accept_fn *fn,
               void *arg, struct net_listener **ret, const char **ret_why);
const char *net_address(const struct net_listener *l); /* "127.0.0.1:8080", with the chosen port */
void net_listener_free(struct net_listener *l);
bool net_is_loopback(const char *address); /* does "HOST:PORT" name this machine alone? */

void net_set_events(struct net_conn *c, const struct net_events *events, void *arg);
const char *net_peer(const struct net_conn *c); /* "127.0.0.1:52611" */
bool net_is_tls(const struct net_conn *c);
struct slice net_alpn(const struct net_conn *c); /* "h2", "http/1.1", "mqtt" or empty */

/* Copy bytes to the output buffer.  After an error nothing happens (on_close is on its way). */
void net_write(struct net_conn *c, const void *p, size_t n);
size_t net_queued(const struct net_conn *c); /* bytes not yet taken by the system */
/* For those who encode in place: append to this buffer, then call net_flush_later(). */
struct buf *net_out(struct net_conn *c);
void net_flush_later(struct net_conn *c);
void net_pause(struct net_conn *c);  /* stop reading */
void net_resume(struct net_conn *c); /* read again; never calls on_data from in here */
/* Bytes that stay unsent for so long end the connection with ERR_TIMEOUT (0: never; 30 s at first).
 */
void net_set_write_timeout(struct net_conn *c, unsigned ms);

/* Send what is queued (5 s at most), then close; no callback after this.  The pointer is dead. */
void net_close(struct net_conn *c);
void net_abort(struct net_conn *c); /* without sending */

/* ---- TLS 1.2 and 1.3, ephemeral keys and AEAD only (tls_context.c) ---- */

struct net_tls_opts {
    const char *cert_file, *key_file; /* PEM: the certificate and its chain, and its key */
    const char *alpn;                 /* names by comma, in order of preference; NULL: none */
    /* Clients are asked for a certificate, and one that is shown must be by an authority of this
     * file, else the handshake fails; NULL: they are not asked. */
    const char *client_ca_file;
    const char *client_crl_file; /* a list of the revoked of each that issues; NULL: none */
    bool client_cert_required;   /* who shows none is refused, too */
};

/* ERR_INVALID: *ret_why tells what is wrong with the files (valid until the next call). */
int net_tls_new(const struct net_tls_opts *opts, struct net_tls **ret, const char **ret_why);
void net_tls_unref(struct net_tls *t);

/* Read its files again.  New connections see what is in them now, those that are open go on as
 * they are; when something is wrong with them, or the certificate has expired, nothing changes. */
int net_tls_reload(struct net_tls *t, const char **ret_why);

/* The same in two halves, for lists that take their time: the first reads, on any thread, the
 * second puts in place what was read, on the loop's.  What is not used is given back. */
struct net_tls_fresh; /* opaque */
int net_tls_read(const struct net_tls *t, struct net_tls_fresh **ret, const char **ret_why);
void net_tls_use(struct net_tls *t, struct net_tls_fresh *fresh);
void net_tls_fresh_free(struct net_tls_fresh *fresh); /* NULL allowed */

int64_t net_tls_expires_us(const struct net_tls *t); /* when its certificate does */

/* To be called after a reload, and now and then because certificates expire: connections of this
 * loop whose certificate would not be taken any more hear on_untrusted().  Answers how many. */
size_t net_tls_sweep(struct loop *l, const struct net_tls *t);

/* The certificate of a client, verified. */
struct net_cert {
    char org[65], twin[129]; /* of its only URI urn:doppel:twin:ORG:TWIN; else both empty */
    char subject[256];       /* as in RFC 2253, "CN=pump-1,O=home"; cut when it is longer */
    char serial[43];         /* small hexadecimal digits */
    char fingerprint[65];    /* SHA-256 of all of it, the same */
    int64_t expires_us;
};
/* NULL: the peer has shown none.  As long as the connection. */
const struct net_cert *net_peer_cert(const struct net_conn *c);

#endif

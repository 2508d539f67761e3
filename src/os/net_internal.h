/* net_internal.h - connections from the inside, for net.c and listen.c. */
#ifndef OS_NET_INTERNAL_H
#define OS_NET_INTERNAL_H

#include "os/internal.h"

enum {
    NET_READ = 65536,       /* the buffer all connections of a loop read into */
    NET_PLAIN = 16384 + 64, /* a TLS record */
    NET_FULL = 65536,       /* queued bytes from which on_drain will be called */
    NET_OUT = 16384,        /* a fresh output buffer; these are kept and reused */
    NET_SPARE = 64,         /* so many of them */
    NET_TICK_MS = 100,
    NET_HANDSHAKE_MS = 10000,
    NET_CLOSE_MS = 5000,
    NET_WRITE_MS = 30000,
    NET_TELL_MS = 60000,
};

/* What the connections of one loop share. */
struct net {
    struct loop *loop;
    struct net_conn *conns;         /* all of them, also those that linger */
    struct net_listener *listeners; /* all of them */
    struct net_conn *timed;         /* those with a deadline */
    uv_timer_t tick;                /* active while `timed` is not empty */
    uint64_t refused;               /* certificates of clients */
    uint64_t told_refused;          /* when that was logged, in the loop's time */
    int spare_count;
    char *spare[NET_SPARE];
    char read[NET_READ];
    char plain[NET_PLAIN];
};

enum net_deadline { NET_TIMELESS, NET_HANDSHAKE, NET_STALLED, NET_CLOSING };

struct net_conn {
    uv_tcp_t tcp;
    union {
        uv_write_t write;
        uv_shutdown_t shutdown;
    } req;
    struct net *net;
    struct net_conn *next, *prev;             /* net->conns */
    struct net_conn *timed_next, *timed_prev; /* net->timed */
    enum net_deadline deadline_kind;
    uint64_t deadline_ms; /* in the loop's time */
    size_t last_queued;   /* to see progress of a stalled write */
    unsigned write_ms;

    const struct net_events *events;
    void *arg;
    struct loop_hook hook;
    struct buf out;     /* what the owner wrote and is not yet on its way */
    struct buf cipher;  /* the same, encrypted (TLS) */
    struct buf sending; /* in the hands of libuv */
    struct buf held;    /* TLS: bytes that came and were not decrypted because of a pause */
    struct tls *tls;
    struct net_cert *cert; /* TLS: what the peer has shown */
    net_accept_fn *accept; /* TLS: to be called after the handshake */
    void *accept_arg;
    char peer[ADDRESS_TEXT];

    bool writing;  /* an uv_write is under way */
    bool was_full; /* on_drain is owed */
    bool paused;
    bool resuming; /* held bytes wait for the hook */
    bool ended;    /* the peer sends no more */
    bool failed;   /* reading and writing are over */
    bool closing;  /* net_close() was called: nobody owns it any more */
    bool gone;     /* uv_close() was called */
};

/* The net of a loop, made at first use; NULL when memory ran out. */
struct net *net_of(struct loop *l);

/* A connection out of an accepted socket; takes the fd in any case. */
void net_adopt(struct net *n, int fd, struct net_tls *tls, net_accept_fn *fn, void *arg);

void net_listener_stop(struct net_listener *l); /* out of the list, handles closed, memory freed */

#endif

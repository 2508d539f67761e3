/* broker.h - MQTT 3.1.1 and 5.0: sessions, subscriptions, retained messages.
 *
 * The loop's thread.  Blocks: broker_new() while it reads what was kept, broker_free().  Topics
 * under twins/ are the twins': what is published there becomes readings through the core, and
 * subscribers there hear the core's updates; all other topics are forwarded between clients. */
#ifndef MQTT_BROKER_H
#define MQTT_BROKER_H

#include "core/core.h"
#include "os/net.h"

struct broker;          /* opaque */
struct provision_grant; /* core/provision.h */

struct broker_opts {
    const char *dir;            /* for sessions and messages that survive; NULL: none do */
    size_t max_packet;          /* 0: 16 MiB */
    size_t max_queued;          /* messages waiting for one session; 0: 10,000 */
    int max_connections;        /* 0: 20,000 */
    unsigned connect_ms;        /* from accept to CONNECT; 0: 10 s */
    uint16_t keep_alive_max_s;  /* a 5.0 client that asks for longer is told this; 0: 60 s */
    bool sparkplug;             /* what is published under spBv1.0/ becomes readings, too */
    const char *sparkplug_host; /* host id under which our STATE is told; NULL: it is not */
    /* What births of Sparkplug may have made that come by a socket; NULL: nothing. */
    struct provision_grant *grant, *grant_tls;
    bool anonymous, anonymous_tls; /* do the listeners take readings from anybody? */
};

struct broker_stats {
    uint64_t connections, connections_max, connected_total;
    uint64_t turned_away; /* connections that were ended for what the client did */
    uint64_t sessions, sessions_away, sessions_expired, subscriptions, shared;
    uint64_t retained, retained_bytes;
    uint64_t messages_in, messages_out, dropped; /* PUBLISH */
    uint64_t payload_in, payload_out;            /* bytes of their payloads */
    uint64_t packets_in, packets_out, bytes_in, bytes_out;
};

/* Messages at QoS 1 and 2 on their way to sessions; goes through all of them. */
struct broker_waiting {
    uint64_t in_flight, queued, queued_bytes;
};

int broker_new(struct loop *l, struct core *c, const struct broker_opts *opts, struct broker **ret);
void broker_free(
    struct broker *b); /* says goodbye (5.0: DISCONNECT 0x8B) and closes every connection */
void broker_goodbye(struct broker *b); /* the first half of it: before the carriers go */
net_accept_fn broker_accept;           /* arg: the broker */

/* A client whose bytes come another way than from a socket of their own, such as a WebSocket.
 * Whoever carries them gives this table; frames of the carrier mean nothing, as in TCP. */
struct broker_carrier {
    const char *(*peer)(void *arg);               /* "127.0.0.1:52611" */
    const struct net_cert *(*cert)(void *arg);    /* that the client has shown; NULL: none.
                                                     The slot may be NULL, too */
    void (*send)(void *arg, struct slice bytes);  /* they are copied */
    size_t (*queued)(void *arg);                  /* bytes not yet taken by the system */
    void (*pause)(void *arg);                     /* no more broker_carried() until: */
    void (*resume)(void *arg);                    /* never calls broker_carried() from in here */
    void (*close)(void *arg, const char *reason); /* send what is queued, then end.  The client is
                                                     dead with it: nothing is called after */
};
struct conn; /* opaque */

/* What the carrier knows of the client. */
struct broker_guest {
    struct provision_grant *grant; /* of the listener by which it came; NULL: nothing is made */
    struct principal *who;         /* who asked for it; NULL: nobody.  Not taken */
    bool anonymous;                /* the listener takes readings from anybody */
};
int broker_join(struct broker *b, const struct broker_carrier *carrier, void *arg,
                const struct broker_guest *guest, struct conn **ret);
void broker_carried(struct conn *c, struct slice bytes); /* c may be dead after each of the three */
void broker_carrier_drained(struct conn *c);
void broker_carrier_gone(struct conn *c);

/* The server's own word to the clients of an organisation, at QoS 1; it is as if a client had
 * published it.  ERR_NOMEM. */
int broker_tell(struct broker *b, const struct org *org, struct slice topic, struct slice payload);

void broker_stats(const struct broker *b, struct broker_stats *ret);
void broker_waiting(const struct broker *b, struct broker_waiting *ret);

#endif

/* internal.h - what the files of this room share; nobody outside includes it.
 *
 * Everything lives on the loop's thread.  Who owns what:
 *
 *   broker ─ sessions ─ subscriptions, messages waiting or in flight, the will, who it is
 *          ├ conns    ─ what dies with the network connection: buffers, aliases, quotas
 *          ├ spaces   ─ an organisation's topics, each with
 *          │   tree   ─ one node a level: subscriptions and the retained message of that topic
 *          └ persist  ─ the journal of what survives, and the answers that wait for it (persist.h)
 *
 * A session outlives its connection, a connection belongs to at most one session.  A message is
 * counted by reference.  Sending never closes a connection, so whoever walks sessions and sends
 * need not fear that one vanishes; what closes is said at mqtt_conn_close(). */
#ifndef MQTT_INTERNAL_H
#define MQTT_INTERNAL_H

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/map.h"
#include "codec/mqtt.h"
#include "mqtt/broker.h"

enum {
    MAX_PACKET = 16 << 20,
    MAX_CONNECT_PACKET = 1 << 20, /* before CONNECT a peer is a stranger */
    MAX_QUEUED = 10000,
    MAX_QUEUED_BYTES = 64 << 20, /* of one session */
    MAX_BEGUN_BYTES = 256 << 20, /* of packets that are not whole yet, of all connections */
    MAX_CONNECTIONS = 20000,
    MAX_SESSIONS = 100000,
    MAX_SUBS_SESSION = 10000,
    MAX_SUBS = 1000000,
    MAX_NODES = 1000000,
    MAX_LEVELS = 128,
    MAX_RETAINED = 100000,
    MAX_RETAINED_BYTES = 256 << 20,
    MAX_STORED_BYTES = 1 << 30, /* of all messages that are kept on the disk */
    CONNECT_MS = 10000,
    KEEP_ALIVE_MAX_S = 60,
    TICK_MS = 200,
    SYS_EVERY_US = 10000000,
    RECEIVE_MAXIMUM = 16384, /* what we let a client have in flight */
    UNKEPT_MAX = 1000, /* deliveries of one session that are over, which the disk has not yet */
    WINDOW = 1000,     /* what we have in flight at a client, at most */
    ALIASES_IN = 64,
    ALIASES_OUT = 1024,
    OUT_HIGH = 256 << 10,    /* unsent bytes from which a reader is slow; over net.h's 64 kB */
    ACKS_HIGH = 20000,       /* publishes of one connection waiting for the disk */
    REPLAY_SLICE = 64 << 10, /* bytes of retained messages a turn */
};

struct session;
struct conn;

/* Properties of a message that its subscribers get unchanged. */
#define PASS_THROUGH                                                                               \
    (MQTT_BIT(MQTT_PAYLOAD_FORMAT) | MQTT_BIT(MQTT_CONTENT_TYPE) | MQTT_BIT(MQTT_RESPONSE_TOPIC) | \
     MQTT_BIT(MQTT_CORRELATION_DATA) | MQTT_BIT(MQTT_USER_PROPERTY))

/* ---- message.c ---- */

struct message {
    uint32_t refs;
    uint8_t qos;         /* as published */
    bool retain;         /* as published */
    int64_t expires_us;  /* monotonic; 0: never */
    struct space *space; /* whose topic it is; NULL: the first organisation's */
    uint64_t seq;        /* the record that has it; 0: none */
    size_t *account;     /* then: where its bytes are counted */
    struct slice topic;
    struct slice props; /* encoded: those that pass through, without the expiry */
    struct slice payload;
};

/* All three are copied.  NULL when memory ran out.  One reference is the caller's. */
struct message *message_new(struct slice topic, struct slice props, struct slice payload);
struct message *message_ref(struct message *m);
void message_unref(struct message *m); /* NULL allowed */
bool message_expired(const struct message *m);
size_t message_size(const struct message *m);

/* Packet identifiers; 0 is none. */
struct idset {
    uint16_t *slots;
    uint32_t cap, count;
};
bool idset_has(const struct idset *s, uint16_t id);
int idset_add(struct idset *s, uint16_t id);
void idset_remove(struct idset *s, uint16_t id);
void idset_release(struct idset *s);

/* ---- tree.c ---- */

struct sub {
    struct session *session;
    struct tree_node *node;
    struct share *share;       /* NULL: not shared */
    struct sub *next, *prev;   /* at the node, or in the share */
    struct slice filter;       /* as asked for, with $share/ */
    struct slice topic_filter; /* without */
    uint32_t id;               /* subscription identifier; 0: none */
    uint8_t qos;
    bool no_local, retain_as_published;
};

struct share {
    struct share *next;
    struct tree_node *node;
    struct sub *subs, *last; /* the next in turn is at the front */
    struct slice group;
};

struct tree_node {
    struct tree_node *parent;
    struct slice name; /* the bytes are the node's own */
    struct map children;
    struct tree_node *plus, *hash; /* the levels + and # */
    struct sub *subs;
    struct share *shares;
    struct message *retained;
    struct tree_node *retained_next, *retained_prev; /* in the order of their records */
};

struct tree {
    struct tree_node root;
    size_t nodes;
};

/* The node of a filter or topic, made when missing; NULL past MAX_NODES or without memory. */
struct tree_node *tree_make(struct tree *t, struct slice filter);
struct tree_node *tree_find(struct tree *t, struct slice filter);
void tree_prune(struct tree *t, struct tree_node *n); /* away with it and its parents when empty */
void tree_release(struct tree *t);

typedef void tree_fn(void *arg, struct tree_node *n);
/* Every node whose filter matches the topic. */
void tree_match(struct tree *t, struct slice topic, tree_fn *fn, void *arg);
/* Every node of a retained message whose topic matches the filter; fn must not change the tree. */
void tree_retained(struct tree *t, struct slice filter, tree_fn *fn, void *arg);
void tree_retained_all(struct tree *t, tree_fn *fn, void *arg);

/* ---- space.c: the topics of an organisation ---- */

struct space {
    struct org *org;   /* NULL: there is no access control, or it has gone */
    struct slice slug; /* the bytes are its own; empty: the first organisation */
    struct tree tree;
    size_t twin_filters; /* subscriptions that could match an update of a twin */
    size_t twin_words;   /* or that begin with twins/, or a wildcard */
};

/* NULL: there is no such organisation, or no memory.  Both make it when it is missing. */
struct space *space_of_slug(struct broker *b, struct slice slug);
struct space *space_of_org(struct broker *b, const struct org *org);
struct space *space_of_twin(struct broker *b, const struct twin *t); /* NULL: nobody is there */
struct space *space_of_message(struct broker *b, const struct message *m);
void spaces_judge(struct broker *b); /* organisations may have gone */
void spaces_release(struct broker *b);

/* ---- rights.c: who may publish and hear what ---- */

enum about_kind {
    ABOUT_MESSAGES, /* nothing that is known here */
    ABOUT_SERVER,   /* $SYS */
    ABOUT_READING,  /* from here to ABOUT_SPARK_ORDERS: of a twin */
    ABOUT_TELEMETRY,
    ABOUT_ORDERS,
    ABOUT_SETTINGS,
    ABOUT_SPARK_DATA,
    ABOUT_SPARK_ORDERS,
    ABOUT_SPARK_STATE,
};

/* What a topic is about.  Not to be copied once it was asked about. */
struct about {
    enum about_kind kind;
    bool worked_out; /* the object is */
    struct space *space;
    struct slice topic, twin, name; /* as they stand in the topic */
    struct access_object object;
    char key[200];
};

void about_topic(struct broker *b, struct space *space, struct slice topic, struct about *ret);
void about_sensor(struct broker *b, const struct sensor *s, struct about *ret);
/* who NULL: not known since the start; then nothing may be said, and what may be heard is judged
 * when the client comes back. */
bool may_hear(struct broker *b, const struct principal *who, struct about *a);
bool may_say(struct broker *b, const struct principal *who, struct about *a);
enum access_op op_to_say(const struct about *a); /* for who may not */
/* Could the filter match something that they may hear? */
bool may_subscribe(struct broker *b, struct space *space, const struct principal *who,
                   struct slice filter);
/* twins/acme~pump-1/... is twins/pump-1/... in the space of acme: then both change, and the topic
 * lives in scratch.  False: there is no such organisation. */
bool space_of_topic(struct broker *b, struct space **space, struct slice *topic,
                    struct buf *scratch);

/* ---- enter.c: who a client is, and whether they still are ---- */

/* From CONNECT: c->who.  0, or with which reason and text it is refused. */
uint8_t enter(struct conn *c, const struct mqtt_connect *m);
/* May c->who have this session?  It is theirs from now on, when it was nobody's.  *ret_new: so. */
bool session_suits(struct session *s, const struct principal *who, bool *ret_new);
void session_own(struct session *s, struct principal *who); /* takes a reference of its own */
void session_set_subject(struct session *s, struct slice subject);
void session_left(const struct session *s); /* its client has gone */
void enter_watch(struct broker *b);
void enter_unwatch(struct broker *b);
void enter_tick(struct broker *b); /* judge all again, when something has changed */
/* Somebody was refused: for the rejections, and the audit log. */
void tell_refusal(struct conn *c, enum access_op op, struct slice topic, int err,
                  const char *detail, struct slice payload);

/* ---- sessions: session.c, deliver.c ---- */

enum delivery_state { DELIVERY_QUEUED, DELIVERY_SENT, DELIVERY_RELEASED /* PUBREC has come */ };

struct delivery {
    struct delivery *next, *prev;
    struct delivery *same_hash;
    struct message *message; /* NULL once PUBREC has come */
    uint64_t no;             /* within the session, rising; 0 at QoS 0 */
    uint64_t seq;            /* not sent before this record is kept */
    uint16_t packet_id;      /* follows from no */
    uint8_t qos, state;
    bool retain;
    bool resend;  /* was sent on a connection that is gone */
    bool counted; /* against the quota of this connection */
    size_t ids_n;
    char ids[]; /* encoded subscription identifiers */
};

struct delivery_list {
    struct delivery *first, *last;
    size_t n;
};

struct will {
    struct message *message;
    uint32_t delay_s;
};

struct session {
    struct broker *broker;
    struct space *space;
    struct slice key;      /* in the broker's map; the bytes are the session's own */
    struct slice id;       /* the client identifier, at the end of the key */
    char *subject;         /* whose it is, see access_put_subject(); NULL: anybody's */
    struct principal *who; /* NULL: not known since the start, or without access control */
    uint64_t no;           /* under which it is kept on the disk; 0: it is not */
    struct session *kept_next, *kept_prev;
    struct session *wait_next, *wait_prev; /* those with something that waits for the disk */
    uint64_t wait_seq;                     /* until this is kept; 0: not among them */
    struct conn *conn;                     /* NULL: offline */
    uint32_t expiry_s;                     /* UINT32_MAX: never */
    int64_t ends_us, will_us;              /* offline: when; 0: not at all */
    struct session *next, *prev;           /* the offline ones */
    struct will *will;
    struct map subs; /* by filter */
    struct delivery_list flight, queue;
    struct delivery *resend; /* the first in flight that must be sent again */
    struct delivery **by_id; /* those in flight, hashed by packet identifier */
    size_t by_id_cap, queue_bytes;
    size_t queued0;     /* of those in the queue, at QoS 0 */
    uint64_t last_no;   /* of its deliveries */
    uint64_t gone_mark; /* put_seq at some time */
    uint32_t gone_n,
        gone_before;       /* deliveries that were over since then, and since the mark before */
    struct idset received; /* QoS 2 publishes of the client that wait for PUBREL */
    struct idset received_kept; /* of these, those that are on the disk */
    struct pending *pending;
    uint64_t match_round; /* route.c: where this session stands in the targets of this round */
    size_t match_at;
    int64_t told_us; /* when losses were logged */
    uint64_t lost;   /* since then */
};

/* Offline; NULL: no memory. */
struct session *session_new(struct broker *b, struct space *space, struct slice id);
struct session *session_alloc(struct broker *b, struct space *space, struct slice id);
struct session *session_find(struct broker *b, const struct space *space, struct slice id);
void session_end(struct session *s);                     /* publishes a will that waits; frees */
void session_offline(struct session *s, bool with_will); /* its connection has gone */
void session_online(struct session *s, struct conn *c);
void sessions_tick(struct broker *b, int64_t now_us);
void will_free(struct will *w);
void session_lost(struct session *s, uint64_t n); /* count and tell */

/* Hand a message to a subscriber: now, later or, when it must be, not at all. */
struct copy {
    uint8_t qos;
    bool retain;
    struct slice ids; /* encoded subscription identifiers */
    uint64_t no;      /* of the delivery, where it was recorded; 0: not yet given */
    uint64_t seq;     /* not before this is kept */
};
void session_deliver(struct session *s, struct message *m, const struct copy *how);
/* For the next delivery; its packet identifier is not in flight [MQTT-2.2.1-4]. */
uint64_t session_number(struct session *s);
void session_drop_qos0(struct session *s);    /* what waits in the queue at QoS 0 */
void session_drop_unheard(struct session *s); /* what it may not hear (any more) */
/* What waits for records after `from` up to `to`, which are lost, is not delivered. */
void session_drop_lost(struct session *s, uint64_t from, uint64_t to);
void session_load(struct session *s, struct delivery *d);          /* into the queue */
void session_unqueue(struct session *s, struct delivery *d);       /* and forget it */
void session_load_released(struct session *s, struct delivery *d); /* PUBREC had come */
void session_load_end(struct session *s); /* what was sent before goes from there into flight */
void session_pump(struct session *s);     /* send what may be sent */
void session_resume(struct session *s);   /* send again what was in flight */
void session_forget(struct session *s);   /* free all that waits and is in flight */
/* Acknowledgements by the client; false: it is none of ours. */
enum ack_result { ACK_OK, ACK_UNKNOWN, ACK_WRONG, ACK_LOST /* it cannot be kept */ };
enum ack_result session_acked(struct session *s, enum mqtt_type type, uint16_t id, uint8_t reason,
                              uint64_t *ret_seq); /* set when the answer must wait for it */

/* ---- connections: conn.c ---- */

struct alias_out {
    struct slice topic;
    uint16_t alias;
};

struct conn {
    struct broker *broker;
    struct net_conn *net; /* NULL: output gathers in `memory`, and */
    struct buf memory;
    const struct broker_carrier *carrier; /* takes it at the end of the turn; NULL: it stays */
    void *carrier_arg;
    struct provision_grant *grant; /* of the listener by which it came; NULL: nothing is made */
    struct principal *who;         /* of its carrier, and from CONNECT on its own */
    bool anonymous;                /* the listener takes readings from anybody */
    struct loop_hook flush;
    struct conn *next, *prev;
    struct session *session; /* NULL before CONNECT */
    enum mqtt_version version;
    bool closed;  /* mqtt_conn_close() was called; the memory goes when nobody is busy with it */
    bool normal;  /* DISCONNECT came */
    bool waiting; /* not read from until the core has room or the acks are out */
    bool full;    /* not read from until the output is drained */
    bool hold;    /* CONNACK waits for the disk: nothing is read and nothing sent before */
    bool feeds;   /* has published into the core */
    bool paced;   /* more than its organisation's quota, and it could not be told: it waits */
    int busy;
    struct conn *wait_next, *wait_prev;
    struct buf in;   /* the start of a packet, or what came while waiting */
    size_t in_count; /* what of it the broker's begun_bytes have */
    int64_t since_us, last_in_us, keep_alive_us; /* 0: off */
    bool request_problem;
    uint32_t max_packet;       /* the client's */
    uint16_t quota, quota_max; /* QoS > 0 publishes that may be sent; Receive Maximum */
    uint16_t alias_max;
    struct map aliases_out;
    char *aliases_in[ALIASES_IN]; /* NUL-ended topics; [alias - 1] */
    uint32_t unacked;             /* QoS 1 publishes of the client that wait for PUBACK */
    struct pending *acks_first, *acks_last;
    size_t acks_n;
    char *peer; /* "127.0.0.1:4711 client-id" */
    struct replay *replays, *replays_last;
    struct behind *behind; /* twins_out.c: series whose newest value is owed */
};

struct conn *mqtt_conn_new(struct broker *b, struct net_conn *net);
void mqtt_conn_feed(struct conn *c, struct slice bytes);
/* End it: the reason is told to 5.0 clients unless it is MQTT_SUCCESS.  c may be dead after. */
void mqtt_conn_close(struct conn *c, uint8_t reason, const char *text);
void mqtt_conn_drained(struct conn *c);
void mqtt_conn_hold(struct conn *c); /* its memory stays, even when it is closed, until: */
void mqtt_conn_let_go(struct conn *c);
void mqtt_conn_continue(struct conn *c); /* read on after waiting */
bool mqtt_conn_paced(struct conn *c);    /* does it (still) wait for its organisation's quota? */
void mqtt_conn_read_on(struct conn *c);  /* if nothing forbids it */
size_t mqtt_conn_queued(const struct conn *c);
const char *mqtt_conn_address(const struct conn *c);         /* of the peer */
const struct net_cert *mqtt_conn_cert(const struct conn *c); /* that it has shown; NULL: none */
struct buf *mqtt_conn_out(struct conn *c);                   /* append, then: */
void mqtt_conn_sent(struct conn *c, size_t before);          /* before: what .n was */
bool mqtt_conn_send(struct conn *c, const struct mqtt_packet *p); /* false: more than it takes */
void mqtt_conn_send_ack(struct conn *c, enum mqtt_type type, uint16_t id, uint8_t reason,
                        const char *detail);

struct outgoing {
    const struct message *message;
    uint8_t qos;
    bool retain, dup;
    uint16_t packet_id;
    struct slice ids;
};
/* False: larger than the client takes [MQTT-3.1.2-24]; nothing was sent. */
bool mqtt_conn_send_publish(struct conn *c, const struct outgoing *o);

/* Handlers, one a packet.  0, or the reason to end the connection (with c->broker->why). */
typedef uint8_t handler(struct conn *c, const struct mqtt_packet *p);
handler handle_connect, handle_publish, handle_puback, handle_pubrel, handle_subscribe,
    handle_unsubscribe;
void connect_refuse(struct conn *c, uint8_t reason, const char *text); /* CONNACK, not closing */

/* ---- publish.c: what clients publish, and its acknowledgement in order ---- */

/* A publish that waits for the core, or for the acknowledgement of one before it. */
struct pending {
    struct broker *broker;       /* NULL: gone */
    struct pending *next, *prev; /* those of the broker that wait for the core */
    struct conn *conn;           /* NULL: no acknowledgement is owed any more */
    struct pending *ack_next;
    struct session *session; /* NULL: gone */
    struct pending *session_next, *session_prev;
    struct message *forward; /* to be routed when it was accepted */
    uint64_t after;          /* the record that must be kept first; 0: none */
    char *detail;
    uint16_t packet_id;
    uint8_t qos, reason;
    bool waiting; /* for the core */
    bool retry;   /* not acknowledged in 3.1.1: the client must send it again */
};

struct pending *pending_new(struct broker *b, struct session *s, uint8_t qos, uint16_t packet_id);
void pending_wait_in(struct conn *c, struct pending *p); /* at the end of the acknowledgements */
void pending_done(struct pending *p);
void mqtt_conn_forget_acks(struct conn *c);
void session_forget_pending(struct session *s);

/* Publish in the name of s (may be NULL): to the twins or to the subscribers, and retain. */
void broker_publish(struct broker *b, struct session *s, struct message *m, bool is_will);
/* p is over when what was published is kept. */
void pending_done_after(struct pending *p, uint64_t seq);
void received_forget(struct session *s, uint16_t packet_id);

/* ---- route.c: from a topic to its subscribers ---- */

struct target {
    struct session *session;
    uint8_t qos;
    bool retain_as_published;
    struct buf ids;
    uint64_t no; /* of the delivery, once it is given */
};

struct match {
    struct target *items;
    size_t n, cap;
    struct share **shares;
    size_t shares_n, shares_cap;
    struct about about;
};

/* Who hears this topic and may; one entry a session.  b->match is filled.  The topic must live as
 * long as that. */
struct match *route_match(struct broker *b, struct space *space, struct slice topic,
                          const struct session *from);
void route_none(struct broker *b); /* b->match is empty, for: */
/* Another copy, for this session.  NULL: no memory. */
struct target *route_add(struct broker *b, struct session *s, uint8_t qos, struct slice ids);

struct publishing {
    struct message *message;
    bool stored;          /* it has become the retained message of its topic, or cleared it */
    bool as_is;           /* retain_as_published of the targets is the flag that they get */
    struct message *old;  /* what it replaced there; a reference */
    struct session *from; /* may be NULL */
    uint16_t packet_id;   /* at QoS 2, else 0 */
    bool is_will;
    uint64_t batch; /* of readings, from which it comes; 0: from a client */
    uint64_t seq;   /* answered: acknowledge it when this is kept; 0: nothing to wait for */
};
/* And to those of other organisations, under the name that the twin has there; b->match was used.
 * The message's topic is that of a twin of its space.  What cannot be sent is counted as lost. */
void route_abroad(struct broker *b, struct publishing *p);
bool route_goes_abroad(const struct broker *b, struct slice topic); /* could it? */
/* To b->match, just filled.  An error: nothing was sent, and what was retained is as it was. */
int route_send(struct broker *b, struct publishing *p);
/* Who is next of those who may hear it; NULL: nobody. */
struct sub *share_turn(struct broker *b, struct share *s, struct about *a);
void route_release(struct match *m);

/* ---- subscribe.c, retained.c ---- */

uint8_t sub_add(struct session *s, const struct mqtt_filter *f, uint32_t id, bool *ret_new);
bool sub_remove(struct session *s, struct slice filter);
void subs_remove_all(struct session *s);

/* 0 or MQTT_QUOTA.  *ret_old: what was there, a reference of the caller's now; may be NULL. */
uint8_t retained_store(struct broker *b, struct message *m, struct message **ret_old);
void retained_restore(struct broker *b, const struct message *m,
                      struct message *old);                /* takes old */
void retained_drop_before(struct broker *b, uint64_t seq); /* those recorded earlier */
void retained_expire(struct broker *b);
void retained_drop_space(struct broker *b, struct space *space);
void retained_drop_all(struct broker *b);
int replay_start(struct conn *c, const struct mqtt_filter *f);
void replay_pump(struct conn *c);
void replays_free(struct conn *c);

/* ---- sys_topics.c ---- */

bool sys_is_filter(struct slice filter); /* could it match $SYS/...? */
void sys_refresh(struct broker *b);      /* retain the present values */
void sys_tick(struct broker *b, int64_t now_us);

/* ---- twins_in.c, twins_out.c ---- */

enum twin_topic { TWIN_TOPIC_NONE, TWIN_TOPIC_SENSOR, TWIN_TOPIC_TELEMETRY, TWIN_TOPIC_BAD };
enum twin_topic twin_topic_parse(struct slice topic, struct slice *ret_twin,
                                 struct slice *ret_sensor);
/* Publish into the core.  type: the content type, p NULL when it was not said.  p is told of the
 * outcome by pending_done(). */
void twins_ingest(struct broker *b, struct pending *p, struct principal *who, const char *peer,
                  struct slice topic, struct slice type, struct slice payload);
struct slice message_type(const struct message *m); /* its content type; p NULL: none */

ingest_done_fn twins_done; /* arg: the pending */

/* ---- sparkplug.c: spBv1.0/ ---- */

int sparkplug_init(struct broker *b); /* nothing when it is off */
void sparkplug_release(struct broker *b);
void sparkplug_state(struct broker *b, bool online); /* to every organisation */
void sparkplug_state_in(struct broker *b, struct space *space, bool online);
/* Is it that of our STATE?  Then nobody else may say there that the host is away. */
bool sparkplug_is_own(const struct broker *b, struct slice topic);
/* Does a message of this topic go into the core, too? */
bool sparkplug_takes(const struct broker *b, struct slice topic);
/* Publish into the core.  p is told of the outcome by pending_done(). */
void sparkplug_ingest(struct broker *b, struct pending *p, struct principal *who, const char *peer,
                      struct slice topic, struct slice payload, struct provision_grant *grant);

bool twins_filter(struct slice filter); /* could it match an update of a twin? */
int twins_out_init(struct broker *b);
void twins_out_release(struct broker *b);
void twins_subscribers_changed(struct broker *b, struct space *space, struct slice filter, int by);
void twins_rights_changed(struct broker *b);
/* Of the readings since the last call: the record that has them for kept sessions, or an error. */
int twins_out_kept(struct broker *b, uint64_t *ret_seq);
void twins_out_replay(struct broker *b); /* those that no kept session has heard of */
void twins_catch_up(struct conn *c);     /* send the newest values that are owed */
void behind_free(struct behind *x);

/* One slice of the last values for a new subscription; false: all are sent. */
struct twins_replay {
    char twin[200]; /* the key of the last one done; "": none yet */
};
bool twins_replay_step(struct conn *c, struct slice filter, uint8_t qos, struct slice ids,
                       struct twins_replay *at);

/* ---- broker.c ---- */

struct twins_out; /* opaque here */

/* How much a minute: the averages of the last 1, 5 and 15. */
struct sys_load {
    uint64_t last;
    double per_minute[3];
};
enum { SYS_LOADS = 9 };

/* Recording anew all that survives; see persist.c.  What is named has still to be recorded. */
struct round {
    uint64_t start; /* the number of its first record; 0: none ever */
    struct session *session;
    struct tree_node *node;
};

struct broker {
    struct loop *loop;
    struct core *core;     /* NULL: twins/ is forwarded like all else */
    struct access *access; /* the core's; NULL: everybody may everything */
    struct access_watch watch;
    bool rights_changed; /* since enter_tick() */
    struct broker_opts opts;
    struct loop_timer *tick, *room;
    struct conn *conns, *waiting; /* waiting: by wait_next */
    size_t conns_n;
    struct map sessions;
    struct session *offline;
    struct space home;          /* of the first organisation */
    struct map spaces;          /* those of others, by slug */
    struct persist *persist;    /* NULL: nothing survives */
    uint64_t put_seq, kept_seq; /* the last record put, and the last that the disk has */
    struct round round;
    uint64_t applied;                 /* what readings up to this batch entail is recorded */
    uint64_t updated;                 /* the last batch of which something was recorded */
    uint64_t session_no;              /* the last that was given to a session that is kept */
    struct session *kept, *kept_last; /* those on the disk, by kept_next */
    struct session *waits;            /* by wait_next */
    struct tree_node *retained, *retained_last;
    size_t stored_bytes; /* of messages on the disk */
    size_t begun_bytes;  /* in the connections' `in` */
    size_t subs_n, shared_n, offline_n, retained_n, retained_bytes, sys_subs;
    struct match match;
    uint64_t match_round;
    struct buf scratch; /* for one encoding at a time */
    struct buf place;   /* a topic in its space */
    struct pending *pendings, *spare;
    size_t spare_n;
    struct twins_out *twins;
    struct spark_in *spark; /* NULL: it is off */
    int64_t state_ms;       /* when our STATE was born */
    struct broker_stats stats;
    int64_t started_us, sys_us, load_us, expire_us; /* monotonic: start, and when next */
    struct sys_load load[SYS_LOADS];
    int64_t told_us;      /* when it was logged that a connection was turned away; 0: never */
    uint64_t told_before; /* how many there were then */
    uint64_t assigned;    /* client ids given out */
    char id_prefix[17];
    const char *why;     /* of the last refusal */
    char why_text[120];  /* and where it is not a constant */
    enum access_op miss; /* the operation that it takes */
    bool closing;
};

void broker_tick(struct broker *b); /* what the timer does */
void broker_wait_for_room(struct broker *b, struct conn *c);
static inline uint8_t broker_refuse(struct broker *b, uint8_t reason, const char *why)
{
    b->why = why;
    return reason;
}

#endif

/* stream_client.h - what the parts of the stream share: stream.c sends, stream_wants.c knows who
 * wants what, stream_walk.c goes through all that a message names, stream_client.c reads what
 * clients say. */
#ifndef API_STREAM_CLIENT_H
#define API_STREAM_CLIENT_H

#include "alarms/alarms.h"
#include "api/internal.h"
#include "base/arena.h"
#include "base/map.h"

enum {
    SUBS_MAX = 10000,       /* a client */
    MESSAGE_MAX = 16 << 20, /* bytes a client may send in one */
    FRAME_BYTES = 64 << 10, /* a batch leaves when it is so long */
    SLOW_BYTES = 256 << 10, /* unsent: from here on only the newest values */
    DEAF_BYTES = 1 << 20,   /* unsent: who does not read its answers is not read from either */
    TIMER_MS = 20,
    LATER_TICKS = 64,    /* of the timer; what is due later is looked at again then */
    WALK_SENSORS = 2048, /* looked at in a turn of the loop */
    ID_MAX = 128,
    KEY_MAX = 64 + ID_MAX, /* of a twin: with its organisation */
    SAID_ID = 64,          /* raw JSON, with its NUL */
};

/* What a client asked for; an empty name is the wildcard. */
struct sub {
    char key[KEY_MAX + ID_MAX + 2]; /* "twin/sensor", the twin by its key */
    size_t twin_n, sensor_n;
    int64_t interval_us; /* 0: every reading */
    uint64_t message;    /* of the client, that asked for it last */
};

/* What a client is owed of one sensor.  A slot that waits stands in one list of its client. */
struct slot {
    struct sensor *sensor;
    uint32_t series;
    int64_t interval_us, sent_us;
    uint64_t message;          /* that counted it last */
    struct slot *next, **link; /* link NULL: it does not wait */
    struct slots *in;
};

struct slots {
    struct slot *first, **last;
};

/* The sensors that a message names, on the way through them. */
struct walk {
    bool on, all;     /* all: by series, and not by the list */
    struct sub *list; /* its own */
    size_t n, at;
    uint32_t series;
    size_t sensors, reserved;
    char id[SAID_ID]; /* of the message; empty: none */
};

struct client {
    struct stream *stream;
    struct principal *who;
    struct origin from;
    struct ws *ws; /* NULL: gone */
    struct client *next;
    int refs;
    uint64_t message;        /* the number of the present one */
    struct map subs;         /* by key */
    struct map slots;        /* by series */
    struct arena *arena;     /* of the slots: there may be a million, and they go together */
    struct slot *slots_free; /* of these, through next */
    struct slots ready, later[LATER_TICKS];
    struct walk review, owe; /* of an unsubscribe; of a subscribe, which goes behind it */
    struct loop_hook walking;
    int64_t later_at; /* the tick up to which it was turned */
    struct buf batch;
    size_t batch_n;
    uint64_t missed; /* events, since it was too slow for them */
    struct loop_hook hook;
    bool events, alarms, paused;
};

struct want {
    struct client *client;
    struct slot *slot;
};

struct wanted {
    uint64_t generation; /* the list holds while it is the stream's */
    struct want *list;
    uint32_t n, cap;
};

/* Who has subscriptions that name a twin, and how many. */
struct twin_index {
    char *twin;
    struct twin_use {
        struct client *client;
        size_t subs;
    } * uses;
    size_t n, cap;
};

struct stream {
    struct api *api;
    struct core_tap tap;
    struct access_watch watch;
    struct alarms_watch alarms;
    struct loop_timer *timer;
    struct client *clients;
    size_t clients_n;
    uint64_t generation;
    struct wanted *wanted; /* by series */
    size_t wanted_n;
    /* Of all clients, and promised to walks; opts.max_watched at most, a quarter of a kilobyte
     * each. */
    size_t slots_n, slots_reserved;
    struct map by_twin;
    struct twin_index everywhere;
};

/* stream.c */
void client_message(struct client *k, struct slice message); /* a text frame */
void client_binary(struct client *k, struct slice message);  /* a binary one */
void client_ref(struct client *k);
void client_release(struct client *k);
void client_pump(struct client *k);  /* into the batch with what is owed and due */
void client_flush(struct client *k); /* the batch leaves */

/* stream_client.c */
void client_subscribed(struct client *k, const char *id, int err, size_t sensors);
void client_unsubscribed(struct client *k, const char *id);

/* stream_walk.c: what was asked for is done in turns, and the client is not heard meanwhile.  An
 * answer comes at the end, maybe before these return. */
/* Owe the last value of all that the list (taken over) names.  reserved: of wants_add(). */
void walk_owe(struct client *k, struct sub *take_list, size_t n, size_t reserved, const char *id);
/* See whether what the client has of what the list (taken over) names is still wanted. */
void walk_review(struct client *k, struct sub *take_list, size_t n, const char *id);
void walk_turn(void *arg); /* of the hook, the client */
bool walk_is_on(const struct client *k);
void walk_end(struct client *k); /* without an answer */

/* stream_wants.c */
/* The twin as they call it; false: no such names. */
bool sub_init(struct sub *sub, const struct client *k, struct slice twin, struct slice sensor);
struct slice sub_twin(const struct sub *sub);
struct slice sub_sensor(const struct sub *sub);
/* ERR_TOO_LARGE: more than SUBS_MAX, ERR_OVERLOAD: more sensors than all clients may watch; nothing
 * is changed.  *ret_reserved: slots that are promised. */
int wants_add(struct client *k, const struct sub *list, size_t n, size_t *ret_reserved);
void wants_remove(struct client *k, const struct sub *list, size_t n);
void wants_remove_all(struct client *k);
struct wanted *wants_of(struct stream *st, struct sensor *s); /* NULL: out of memory */
void wants_judge(struct client *k);                           /* what they may see has changed */
void wants_forget_twin(struct stream *st, const struct twin *t);
void wants_release(struct stream *st);

/* What a client wants of a sensor. */
struct wish {
    bool any, now; /* now: the present message asked for it */
    int64_t interval_us;
};
struct wish wish_of(const struct client *k, const struct sensor *s);

/* The slots of a client, and lists of them. */
struct slot *slot_get(struct client *k, struct sensor *s); /* made when missing; NULL: no room */
struct slot *slot_of(const struct client *k, uint32_t series); /* NULL: none */
void slot_free(struct client *k, struct slot *slot);
void slots_init(struct slots *list);
void slots_add(struct slots *list, struct slot *slot); /* from wherever it waits, to the end */
void slot_out(struct slot *slot);

#endif

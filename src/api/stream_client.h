/* stream_client.h - what the parts of the stream share: stream.c sends, stream_wants.c knows who
 * wants what, stream_client.c reads what clients say. */
#ifndef API_STREAM_CLIENT_H
#define API_STREAM_CLIENT_H

#include "api/internal.h"
#include "base/map.h"

enum {
    SUBS_MAX = 10000,       /* a client */
    MESSAGE_MAX = 16 << 20, /* bytes a client may send in one */
    FRAME_BYTES = 64 << 10, /* a batch leaves when it is so long */
    SLOW_BYTES = 256 << 10, /* unsent: from here on only the newest values */
    DEAF_BYTES = 1 << 20,   /* unsent: who does not read its answers is not read from either */
    TIMER_MS = 20,
    LATER_TICKS = 64, /* of the timer; what is due later is looked at again then */
    ID_MAX = 128,
};

/* What a client asked for; an empty name is the wildcard. */
struct sub {
    char key[2 * ID_MAX + 2]; /* "twin/sensor" */
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

struct client {
    struct stream *stream;
    struct ws *ws; /* NULL: gone */
    struct client *next;
    int refs;
    uint64_t message; /* the number of the present one */
    struct map subs;  /* by key */
    struct map slots; /* by series */
    struct slots ready, later[LATER_TICKS];
    int64_t later_at; /* the tick up to which it was turned */
    struct buf batch;
    size_t batch_n;
    uint64_t missed; /* events, since it was too slow for them */
    struct loop_hook hook;
    bool events, paused;
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
    struct loop_timer *timer;
    struct client *clients;
    size_t clients_n;
    uint64_t generation;
    struct wanted *wanted; /* by series */
    size_t wanted_n;
    size_t slots_n; /* of all clients; opts.max_watched at most, a quarter of a kilobyte each */
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

/* stream_wants.c */
bool sub_init(struct sub *sub, struct slice twin, struct slice sensor); /* false: no such names */
/* ERR_TOO_LARGE: more than SUBS_MAX, ERR_OVERLOAD: more sensors than all clients may watch; nothing
 * is changed.
 */
int wants_add(struct client *k, const struct sub *list, size_t n, size_t *ret_sensors);
void wants_remove(struct client *k, const struct sub *list, size_t n);
void wants_remove_all(struct client *k);
struct wanted *wants_of(struct stream *st, struct sensor *s); /* NULL: out of memory */
void wants_forget_twin(struct stream *st, const struct twin *t);
void wants_release(struct stream *st);

/* Lists of slots. */
void slots_init(struct slots *list);
void slots_add(struct slots *list, struct slot *slot); /* from wherever it waits, to the end */
void slot_out(struct slot *slot);

#endif

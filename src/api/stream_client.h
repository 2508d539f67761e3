/* stream_client.h - the two halves of the stream: stream.c sends, stream_client.c reads. */
#ifndef API_STREAM_CLIENT_H
#define API_STREAM_CLIENT_H

#include "api/internal.h"

enum {
    SUBS_MAX = 10000,       /* a client */
    MESSAGE_MAX = 16 << 20, /* bytes a client may send in one */
    FRAME_BYTES = 64 << 10, /* a batch leaves when it is so long */
    SLOW_BYTES = 256 << 10, /* unsent: from here on only the newest values */
    TIMER_MS = 20,
    ID_MAX = 128,
};

/* What a client asked for; an empty name is the wildcard. */
struct sub {
    char twin[ID_MAX + 1], sensor[ID_MAX + 1];
    int64_t interval_us; /* 0: every reading */
};

struct slot {
    struct sensor *sensor;
    uint32_t series;
    bool waits;
    int64_t interval_us, sent_us;
    struct slot *next; /* of those that wait */
};

struct client {
    struct stream *stream;
    struct ws *ws; /* NULL: gone */
    struct client *next;
    int refs;
    struct sub *subs;
    size_t subs_n;
    struct map slots; /* by series */
    struct slot *waiting, *waiting_last;
    struct buf batch;
    size_t batch_n;
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

struct twin_index {
    char *twin;
    struct client **clients;
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
    struct map by_twin;
    struct twin_index everywhere;
};

bool index_has(const struct twin_index *index, const struct client *k);
int client_subscribe(struct client *k, const struct sub *sub, size_t *ret_sensors);
void client_unsubscribe(struct client *k, const struct sub *like); /* NULL: everything */
void client_message(struct client *k, struct slice message);
void client_ref(struct client *k);
void client_release(struct client *k);

#endif

/* twins_out.h - between twins_routes.c (who hears a series) and twins_out.c (sending it). */
#ifndef MQTT_TWINS_OUT_H
#define MQTT_TWINS_OUT_H

#include "mqtt/internal.h"

struct listener {
    struct session *session; /* NULL: the member of `share` whose turn it is */
    struct share *share;
    uint32_t ids_at, ids_n; /* encoded subscription identifiers, from the start of the listeners */
    uint8_t qos;
    bool foreign; /* of another organisation than the twin's: it has another name there */
};

/* Those who hear a series.  Many series have the same audience, so it is kept once. */
struct audience {
    size_t refs;
    struct slice key; /* the bytes of listeners[] and of what stands behind them */
    size_t n;
    struct listener listeners[];
};

struct route {
    uint32_t generation; /* 0: never worked out */
    struct audience *audience;
};

struct twins_out {
    struct broker *broker;
    struct core_tap tap;
    struct route *routes; /* by series */
    size_t routes_n;
    struct map audiences; /* by key */
    uint32_t generation;
    size_t filters;                      /* subscriptions that could match */
    struct buf topic, payload, plain[2]; /* plain: the PUBLISH at QoS 0 for 3.1.1 and 5.0 */
    uint64_t kept_seq;                   /* of the last update that was recorded */
    int kept_err;
    struct buf key, ids; /* of the audience that is being worked out */
    size_t key_n;        /* listeners in it */
};

/* NULL: memory ran out.  Until a subscription changes. */
const struct audience *twins_audience(struct twins_out *t, const struct sensor *s);
void twins_routes_release(struct twins_out *t);
/* foreign: as organisations call it that the twin is not of. */
void twins_write_topic(struct buf *out, const struct sensor *s, bool foreign);

static inline struct slice listener_ids(const struct audience *a, const struct listener *l)
{
    return slice_of(a->key.p + l->ids_at, l->ids_n);
}

#endif

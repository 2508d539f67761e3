/* record.h - what the broker keeps, as records of a journal: bytes to structs and back.
 *
 * Pure: no state, no input or output.  A record is a byte for its type and then the members that
 * the table in record.c lists for that type: numbers as varints, texts and lists as a varint length
 * and their bytes.  A list is items, and an item is two varints, a byte, and a varint length with
 * bytes; what they mean, the list says:
 *
 *   list         a                b              flags                      bytes
 *   targets      session          delivery       qos, RECORD_RETAIN         subscription
 * identifiers subs         identifier       0              qos, RECORD_NO_LOCAL, ...  the filter
 *   deliveries   delivery         message        qos, RECORD_RETAIN, ...    subscription
 * identifiers received     packet id        0              0                          -
 *
 * Members that were added later stand at the end and are left out while they, and those behind
 * them, are empty: so records of before can be read, and mean what they meant.
 *
 * A session has a number that is never used twice; a delivery has a number within its session that
 * rises by one from delivery to delivery; a message is named by the journal's number of the record
 * that holds it.  Times are microseconds since 1970, 0: none. */
#ifndef MQTT_RECORD_H
#define MQTT_RECORD_H

#include "base/buf.h"

enum record_type {
    RECORD_MESSAGE = 1,  /* a message, with who gets it; it may be retained */
    RECORD_DELIVER,      /* who gets a message that was recorded before */
    RECORD_SESSION,      /* all of a session; replaces what was known of it */
    RECORD_ONLINE,       /* its client has come back */
    RECORD_OFFLINE,      /* and gone */
    RECORD_END,          /* of a session */
    RECORD_SUBSCRIBED,   /* added or replaced */
    RECORD_UNSUBSCRIBED, /* */
    RECORD_GONE,         /* a delivery is over: acknowledged, expired, dropped */
    RECORD_RELEASED,     /* PUBREC came */
    RECORD_RECEIVED,     /* a publish at QoS 2 was taken and waits for PUBREL */
    RECORD_FORGOTTEN,    /* PUBREL came */
    RECORD_WILL_OVER,    /* was published, or will not be */
    RECORD_ROUND,        /* whatever was not recorded whole from this number on is no more */
    RECORD_APPLIED,      /* what readings up to this batch entail has been recorded */
};

enum {
    RECORD_QOS = 3,
    /* targets, deliveries */
    RECORD_RETAIN = 1 << 2,
    RECORD_SENT = 1 << 3,
    RECORD_IS_RELEASED = 1 << 4,
    /* subs */
    RECORD_NO_LOCAL = 1 << 2,
    RECORD_AS_PUBLISHED = 1 << 3,
    /* messages: the QoS and RECORD_RETAIN as published, and */
    RECORD_STORE = 1 << 3,   /* it is the retained message of its topic, or clears it */
    RECORD_IS_WILL = 1 << 4, /* of `session`, which has none any more */
    /* sessions */
    RECORD_HAS_WILL =
        1 << 0, /* topic, props, payload, will_flags and will_delay_s are its will's */
    RECORD_IS_ONLINE = 1 << 1,
};

struct record {
    enum record_type type;
    uint64_t session;
    /* of a delivery, a packet id; RECORD_DELIVER: of the message; RECORD_ROUND; in a message
     * without session: of the batch of readings that it comes from */
    uint64_t number;
    uint64_t flags;      /* of a message or of a session */
    uint64_t expires_us; /* of a message; of a will: how long it lives */
    uint64_t expiry_s, window, ends_us, next_number;
    uint64_t will_flags, will_delay_s, will_us;
    struct slice id, topic, props, payload;
    struct slice org;     /* whose; empty: the first organisation's */
    struct slice subject; /* of a session; empty: anybody's */
    struct slice targets, subs, deliveries, received;
};

struct record_item {
    uint64_t a, b;
    uint8_t flags;
    struct slice bytes;
};

/* Append to out, which tells when memory ran out. */
void record_put(struct buf *out, const struct record *r);
void record_put_item(struct buf *list, const struct record_item *item);

/* The slices point into the bytes.  Lists are checked.  ERR_CORRUPT; ERR_UNSUPPORTED: of a type
 * that is not known here. */
int record_get(struct slice bytes, struct record *ret);
bool record_next(struct slice *list, struct record_item *ret); /* false: the end */

#endif

/* mqtt.h - the packets of MQTT 3.1.1 and 5.0, and what topics mean.
 *
 * Pure: no threads, no allocation but what the caller's buffer grows.  Reading copies nothing:
 * every slice points into the packet.  Knows no roles: it reads and writes what clients and servers
 * send; who may send what, and in which order, is the business of the caller. */
#ifndef CODEC_MQTT_H
#define CODEC_MQTT_H

#include "base/buf.h"

enum mqtt_version { MQTT_V311 = 4, MQTT_V5 = 5 }; /* the protocol level in CONNECT */

enum { MQTT_REMAINING_MAX = 268435455, MQTT_STRING_MAX = 65535 };

enum mqtt_type {
    MQTT_WILL = 0, /* no packet: the place of a will's properties */
    MQTT_CONNECT = 1,
    MQTT_CONNACK,
    MQTT_PUBLISH,
    MQTT_PUBACK,
    MQTT_PUBREC,
    MQTT_PUBREL,
    MQTT_PUBCOMP,
    MQTT_SUBSCRIBE,
    MQTT_SUBACK,
    MQTT_UNSUBSCRIBE,
    MQTT_UNSUBACK,
    MQTT_PINGREQ,
    MQTT_PINGRESP,
    MQTT_DISCONNECT,
    MQTT_AUTH,
};

/* Reason codes of 5.0 (section 2.4) and return codes of a 3.1.1 CONNACK. */
enum mqtt_reason {
    MQTT_SUCCESS = 0x00,
    MQTT_GRANTED_QOS1 = 0x01,
    MQTT_GRANTED_QOS2 = 0x02,
    MQTT_DISCONNECT_WITH_WILL = 0x04,
    MQTT_NO_SUBSCRIBERS = 0x10,
    MQTT_NO_SUBSCRIPTION = 0x11,
    MQTT_CONTINUE_AUTH = 0x18,
    MQTT_REAUTHENTICATE = 0x19,
    MQTT_UNSPECIFIED = 0x80,
    MQTT_MALFORMED = 0x81,
    MQTT_PROTOCOL_ERROR = 0x82,
    MQTT_IMPLEMENTATION = 0x83,
    MQTT_BAD_VERSION = 0x84,
    MQTT_BAD_CLIENT_ID = 0x85,
    MQTT_BAD_CREDENTIALS = 0x86,
    MQTT_NOT_AUTHORIZED = 0x87,
    MQTT_UNAVAILABLE = 0x88,
    MQTT_SERVER_BUSY = 0x89,
    MQTT_BANNED = 0x8a,
    MQTT_SHUTTING_DOWN = 0x8b,
    MQTT_BAD_AUTH_METHOD = 0x8c,
    MQTT_KEEP_ALIVE_TIMEOUT = 0x8d,
    MQTT_TAKEN_OVER = 0x8e,
    MQTT_BAD_FILTER = 0x8f,
    MQTT_BAD_TOPIC = 0x90,
    MQTT_PACKET_ID_IN_USE = 0x91,
    MQTT_PACKET_ID_NOT_FOUND = 0x92,
    MQTT_RECEIVE_MAXIMUM = 0x93,
    MQTT_BAD_ALIAS = 0x94,
    MQTT_PACKET_TOO_LARGE = 0x95,
    MQTT_MESSAGE_RATE = 0x96,
    MQTT_QUOTA = 0x97,
    MQTT_ADMINISTRATIVE = 0x98,
    MQTT_BAD_PAYLOAD = 0x99,
    MQTT_NO_RETAIN = 0x9a,
    MQTT_NO_QOS = 0x9b,
    MQTT_USE_ANOTHER = 0x9c,
    MQTT_MOVED = 0x9d,
    MQTT_NO_SHARED = 0x9e,
    MQTT_CONNECTION_RATE = 0x9f,
    MQTT_CONNECT_TIME = 0xa0,
    MQTT_NO_SUBSCRIPTION_IDS = 0xa1,
    MQTT_NO_WILDCARDS = 0xa2,

    MQTT311_BAD_VERSION = 1,
    MQTT311_BAD_CLIENT_ID = 2,
    MQTT311_UNAVAILABLE = 3,
    MQTT311_BAD_CREDENTIALS = 4,
    MQTT311_NOT_AUTHORIZED = 5,
};

/* May this reason code stand in a packet of this type (5.0)? */
bool mqtt_reason_fits(enum mqtt_type type, uint8_t reason);

/* ---- properties (5.0, section 2.2.2) ---- */

enum mqtt_prop {
    MQTT_PAYLOAD_FORMAT = 0x01,
    MQTT_MESSAGE_EXPIRY = 0x02,
    MQTT_CONTENT_TYPE = 0x03,
    MQTT_RESPONSE_TOPIC = 0x08,
    MQTT_CORRELATION_DATA = 0x09,
    MQTT_SUBSCRIPTION_ID = 0x0b,
    MQTT_SESSION_EXPIRY = 0x11,
    MQTT_ASSIGNED_CLIENT_ID = 0x12,
    MQTT_SERVER_KEEP_ALIVE = 0x13,
    MQTT_AUTH_METHOD = 0x15,
    MQTT_AUTH_DATA = 0x16,
    MQTT_REQUEST_PROBLEM = 0x17,
    MQTT_WILL_DELAY = 0x18,
    MQTT_REQUEST_RESPONSE = 0x19,
    MQTT_RESPONSE_INFORMATION = 0x1a,
    MQTT_SERVER_REFERENCE = 0x1c,
    MQTT_REASON_STRING = 0x1f,
    MQTT_RECEIVE_MAX = 0x21,
    MQTT_TOPIC_ALIAS_MAX = 0x22,
    MQTT_TOPIC_ALIAS = 0x23,
    MQTT_MAXIMUM_QOS = 0x24,
    MQTT_RETAIN_AVAILABLE = 0x25,
    MQTT_USER_PROPERTY = 0x26,
    MQTT_MAX_PACKET_SIZE = 0x27,
    MQTT_WILDCARD_AVAILABLE = 0x28,
    MQTT_SUBSCRIPTION_ID_AVAILABLE = 0x29,
    MQTT_SHARED_AVAILABLE = 0x2a,
};

#define MQTT_BIT(prop) (UINT64_C(1) << (prop))

/* A member means something only when its bit is in `has`.  User properties, and subscription
 * identifiers after the first, stand in the bytes only: mqtt_prop_next() walks them. */
struct mqtt_props {
    uint64_t has;      /* MQTT_BIT(property) */
    struct slice raw;  /* read: the properties as they came, without their length */
    struct slice more; /* to write: encoded properties that go behind the others */
    uint32_t payload_format, message_expiry, subscription_id, session_expiry, server_keep_alive;
    uint32_t request_problem, will_delay, request_response, receive_max, topic_alias_max;
    uint32_t topic_alias, maximum_qos, retain_available, max_packet_size, wildcard_available;
    uint32_t subscription_id_available, shared_available;
    struct slice content_type, response_topic, correlation_data, assigned_client_id, auth_method;
    struct slice auth_data, response_information, server_reference, reason_string;
};

static inline bool mqtt_has(const struct mqtt_props *p, enum mqtt_prop prop)
{
    return p->has >> prop & 1;
}

struct mqtt_prop_value {
    enum mqtt_prop prop;
    uint32_t number;
    struct slice text, value; /* value: the second half of a user property */
    struct slice bytes;       /* as encoded, the identifier included */
};

/* Walk properties that mqtt_read() has accepted; *at is 0 at first. */
bool mqtt_prop_next(struct slice raw, size_t *at, struct mqtt_prop_value *ret);

/* Append those properties of raw that are in the mask, in their order. */
void mqtt_props_copy(struct buf *out, struct slice raw, uint64_t mask);
void mqtt_props_add_user(struct buf *out, struct slice name, struct slice value);
void mqtt_props_add_number(struct buf *out, enum mqtt_prop prop, uint32_t number);

/* ---- packets ---- */

struct mqtt_connect {
    uint8_t version; /* the protocol level as sent */
    bool clean_start;
    bool has_will, will_retain, has_username, has_password;
    uint8_t will_qos;
    uint16_t keep_alive; /* seconds; 0: off */
    struct slice client_id, will_topic, will_payload, username, password;
    struct mqtt_props props, will_props;
};

struct mqtt_connack {
    bool session_present;
    uint8_t reason;
    struct mqtt_props props;
};

struct mqtt_publish {
    bool dup, retain;
    uint8_t qos;
    uint16_t packet_id; /* 0 at QoS 0 */
    struct slice topic, payload;
    struct mqtt_props props;
};

/* PUBACK, PUBREC, PUBREL, PUBCOMP */
struct mqtt_ack {
    uint16_t packet_id;
    uint8_t reason;
    struct mqtt_props props;
};

/* SUBSCRIBE, UNSUBSCRIBE: what was asked for, walked with mqtt_topics_next().  SUBACK, UNSUBACK:
 * one code each. */
struct mqtt_topics {
    uint16_t packet_id;
    struct slice list; /* encoded filters, or codes */
    size_t count;
    struct mqtt_props props;
};

struct mqtt_filter {
    struct slice filter;
    uint8_t qos;
    bool no_local, retain_as_published; /* 5.0 */
    uint8_t retain_handling;            /* 5.0: 0 send, 1 only when new, 2 never */
};

/* DISCONNECT, AUTH */
struct mqtt_notice {
    uint8_t reason;
    struct mqtt_props props;
};

struct mqtt_packet {
    enum mqtt_type type;
    union {
        struct mqtt_connect connect;
        struct mqtt_connack connack;
        struct mqtt_publish publish;
        struct mqtt_ack ack;
        struct mqtt_topics topics;
        struct mqtt_notice notice;
    } as;
};

/* What is wrong with a packet: the reason code that answers it and a sentence without full stop. */
struct mqtt_fault {
    uint8_t reason;
    const char *text;
};

/* How long is the packet that stands at the front of in?  ERR_AGAIN: the header is not whole yet.
 * ERR_MALFORMED: no such packet can be.  ERR_TOO_LARGE: it will be longer than max_packet; its
 * bytes need not be waited for.  The packet may be cut short: *ret_size says what it will have. */
int mqtt_frame(struct slice in, size_t max_packet, size_t *ret_size);

/* Read one whole packet, as mqtt_frame() measured it.  version: what the connection speaks; CONNECT
 * tells its own.  ERR_MALFORMED for malformed packets and protocol errors, ERR_UNSUPPORTED for a
 * CONNECT of another protocol (as.connect.version is set then, and fault->reason is
 * MQTT_BAD_VERSION when the packet has the shape of 5.0, MQTT311_BAD_VERSION else). */
int mqtt_read(struct slice packet, enum mqtt_version version, struct mqtt_packet *ret,
              struct mqtt_fault *fault);

/* The filters of a SUBSCRIBE or UNSUBSCRIBE that mqtt_read() has accepted; *at is 0 at first. */
bool mqtt_topics_next(const struct mqtt_packet *p, enum mqtt_version version, size_t *at,
                      struct mqtt_filter *ret);
void mqtt_topics_add(struct buf *list, enum mqtt_type type, enum mqtt_version version,
                     const struct mqtt_filter *f);

/* Append a packet.  3.1.1 leaves out what it has no place for.  ERR_TOO_LARGE past the limits of
 * the encoding or of memory (ERR_NOMEM where only that can be); out is as it was then. */
int mqtt_write(struct buf *out, enum mqtt_version version, const struct mqtt_packet *p);
int mqtt_write_publish(struct buf *out, enum mqtt_version version, const struct mqtt_publish *p);
/* Without properties; the shortest form. */
int mqtt_write_ack(struct buf *out, enum mqtt_version version, enum mqtt_type type,
                   uint16_t packet_id, uint8_t reason);
void mqtt_write_varint(struct buf *out, uint32_t v); /* at most MQTT_REMAINING_MAX */

/* ---- topics (section 4.7 of both standards) ---- */

/* 1 to 65,535 bytes, no wildcard.  UTF-8 was checked by mqtt_read(). */
bool mqtt_topic_ok(struct slice topic);
/* # alone in the last level, + alone in its level. */
bool mqtt_filter_ok(struct slice filter);
bool mqtt_filter_has_wildcard(struct slice filter);
size_t mqtt_topic_levels(struct slice topic);

/* Both valid.  Wildcards in the first level do not match topics that begin with $. */
bool mqtt_topic_matches(struct slice filter, struct slice topic);

/* $share/{group}/{filter}: 1 and the parts; 0: not a shared subscription; ERR_MALFORMED: the group
 * is empty or has a wildcard in it, or no filter follows. */
int mqtt_share_parse(struct slice filter, struct slice *ret_group, struct slice *ret_filter);

/* UTF-8 without U+0000. */
bool mqtt_string_ok(struct slice s);

#endif

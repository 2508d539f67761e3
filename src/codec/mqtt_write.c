/* Packets to bytes, and the table of reason codes.
 *
 * The length of a packet stands before it and is itself of variable length, so a packet is written
 * behind room for the longest header and moved to the front when its length is known.  PUBLISH,
 * which may be large, is measured first instead. */
#include "codec/mqtt_wire.h"

#include "base/err.h"

#define IN(type) (1u << MQTT_##type)
#define PUB (IN(PUBACK) | IN(PUBREC))
#define SUB (IN(SUBACK) | IN(UNSUBACK))
#define CON (IN(CONNACK))
#define DIS (IN(DISCONNECT))

/* In which packets a reason code may stand: the table of section 2.4. */
static const uint16_t reason_packets[] = {
    [MQTT_SUCCESS] = CON | PUB | IN(PUBREL) | IN(PUBCOMP) | SUB | DIS | IN(AUTH),
    [MQTT_GRANTED_QOS1] = IN(SUBACK),
    [MQTT_GRANTED_QOS2] = IN(SUBACK),
    [MQTT_DISCONNECT_WITH_WILL] = DIS,
    [MQTT_NO_SUBSCRIBERS] = PUB,
    [MQTT_NO_SUBSCRIPTION] = IN(UNSUBACK),
    [MQTT_CONTINUE_AUTH] = IN(AUTH),
    [MQTT_REAUTHENTICATE] = IN(AUTH),
    [MQTT_UNSPECIFIED] = CON | PUB | SUB | DIS,
    [MQTT_MALFORMED] = CON | DIS,
    [MQTT_PROTOCOL_ERROR] = CON | DIS,
    [MQTT_IMPLEMENTATION] = CON | PUB | SUB | DIS,
    [MQTT_BAD_VERSION] = CON,
    [MQTT_BAD_CLIENT_ID] = CON,
    [MQTT_BAD_CREDENTIALS] = CON,
    [MQTT_NOT_AUTHORIZED] = CON | PUB | SUB | DIS,
    [MQTT_UNAVAILABLE] = CON,
    [MQTT_SERVER_BUSY] = CON | DIS,
    [MQTT_BANNED] = CON,
    [MQTT_SHUTTING_DOWN] = DIS,
    [MQTT_BAD_AUTH_METHOD] = CON | DIS,
    [MQTT_KEEP_ALIVE_TIMEOUT] = DIS,
    [MQTT_TAKEN_OVER] = DIS,
    [MQTT_BAD_FILTER] = SUB | DIS,
    [MQTT_BAD_TOPIC] = CON | PUB | DIS,
    [MQTT_PACKET_ID_IN_USE] = PUB | SUB,
    [MQTT_PACKET_ID_NOT_FOUND] = IN(PUBREL) | IN(PUBCOMP),
    [MQTT_RECEIVE_MAXIMUM] = DIS,
    [MQTT_BAD_ALIAS] = DIS,
    [MQTT_PACKET_TOO_LARGE] = CON | DIS,
    [MQTT_MESSAGE_RATE] = DIS,
    [MQTT_QUOTA] = CON | PUB | IN(SUBACK) | DIS,
    [MQTT_ADMINISTRATIVE] = DIS,
    [MQTT_BAD_PAYLOAD] = CON | PUB | DIS,
    [MQTT_NO_RETAIN] = CON | DIS,
    [MQTT_NO_QOS] = CON | DIS,
    [MQTT_USE_ANOTHER] = CON | DIS,
    [MQTT_MOVED] = CON | DIS,
    [MQTT_NO_SHARED] = IN(SUBACK) | DIS,
    [MQTT_CONNECTION_RATE] = CON | DIS,
    [MQTT_CONNECT_TIME] = DIS,
    [MQTT_NO_SUBSCRIPTION_IDS] = IN(SUBACK) | DIS,
    [MQTT_NO_WILDCARDS] = IN(SUBACK) | DIS,
};

bool mqtt_reason_fits(enum mqtt_type type, uint8_t reason)
{
    return reason < sizeof reason_packets / sizeof reason_packets[0] &&
           (reason_packets[reason] >> type & 1);
}

void mqtt_write_u16(struct buf *out, size_t v)
{
    unsigned char bytes[2] = {(unsigned char)(v >> 8), (unsigned char)v};
    buf_add(out, bytes, 2);
}

void mqtt_write_varint(struct buf *out, uint32_t v)
{
    do {
        buf_add_byte(out, (unsigned char)((v & 0x7f) | (v > 0x7f ? 0x80 : 0)));
        v >>= 7;
    } while (v);
}

void mqtt_write_string(struct buf *out, struct slice s)
{
    if (s.n > MQTT_STRING_MAX)
        out->failed = true;
    mqtt_write_u16(out, s.n);
    buf_add_slice(out, s);
}

enum { HEADER_MAX = 5 };

/* Put the header before the body that stands at start + HEADER_MAX. */
static int finish(struct buf *out, size_t start, uint8_t first, bool failed_before)
{
    size_t body = out->n - start - HEADER_MAX;
    if (out->failed || body > MQTT_REMAINING_MAX) {
        out->n = start;
        out->failed = failed_before;
        return ERR_TOO_LARGE;
    }
    char header[HEADER_MAX];
    struct buf h = {.p = header, .cap = sizeof header};
    buf_add_byte(&h, first);
    mqtt_write_varint(&h, (uint32_t)body);
    memcpy(out->p + start, header, h.n);
    memmove(out->p + start + h.n, out->p + start + HEADER_MAX, body);
    out->n = start + h.n + body;
    return 0;
}

static void write_connect(struct buf *out, const struct mqtt_connect *m)
{
    bool v5 = m->version == MQTT_V5;
    unsigned flags =
        (m->clean_start ? 2u : 0) | (m->has_username ? 0x80u : 0) | (m->has_password ? 0x40u : 0);
    if (m->has_will)
        flags |= 4u | (unsigned)m->will_qos << 3 | (m->will_retain ? 0x20u : 0);
    mqtt_write_string(out, SLICE_LIT("MQTT"));
    buf_add_byte(out, m->version);
    buf_add_byte(out, (unsigned char)flags);
    mqtt_write_u16(out, m->keep_alive);
    if (v5)
        mqtt_write_props(out, &m->props);
    mqtt_write_string(out, m->client_id);
    if (m->has_will) {
        if (v5)
            mqtt_write_props(out, &m->will_props);
        mqtt_write_string(out, m->will_topic);
        mqtt_write_string(out, m->will_payload);
    }
    if (m->has_username)
        mqtt_write_string(out, m->username);
    if (m->has_password)
        mqtt_write_string(out, m->password);
}

static bool props_empty(const struct mqtt_props *p)
{
    return mqtt_props_size(p) == 1; /* its own length alone */
}

/* The tail of acknowledgements, DISCONNECT and AUTH: left out where it says nothing. */
static void write_reason(struct buf *out, uint8_t reason, const struct mqtt_props *props)
{
    bool empty = props_empty(props);
    if (reason != MQTT_SUCCESS || !empty)
        buf_add_byte(out, reason);
    if (!empty)
        mqtt_write_props(out, props);
}

static void write_body(struct buf *out, enum mqtt_version v, const struct mqtt_packet *p)
{
    bool v5 = v == MQTT_V5;
    switch (p->type) {
    case MQTT_CONNECT:
        write_connect(out, &p->as.connect);
        break;
    case MQTT_CONNACK:
        buf_add_byte(out, p->as.connack.session_present);
        buf_add_byte(out, p->as.connack.reason);
        if (v5)
            mqtt_write_props(out, &p->as.connack.props);
        break;
    case MQTT_PUBACK:
    case MQTT_PUBREC:
    case MQTT_PUBREL:
    case MQTT_PUBCOMP:
        mqtt_write_u16(out, p->as.ack.packet_id);
        if (v5)
            write_reason(out, p->as.ack.reason, &p->as.ack.props);
        break;
    case MQTT_SUBSCRIBE:
    case MQTT_UNSUBSCRIBE:
    case MQTT_SUBACK:
    case MQTT_UNSUBACK:
        mqtt_write_u16(out, p->as.topics.packet_id);
        if (v5)
            mqtt_write_props(out, &p->as.topics.props);
        if (v5 || p->type != MQTT_UNSUBACK)
            buf_add_slice(out, p->as.topics.list);
        break;
    case MQTT_DISCONNECT:
    case MQTT_AUTH:
        if (v5)
            write_reason(out, p->as.notice.reason, &p->as.notice.props);
        break;
    case MQTT_PINGREQ:
    case MQTT_PINGRESP:
    case MQTT_PUBLISH:
    case MQTT_WILL:
        break;
    }
}

int mqtt_write(struct buf *out, enum mqtt_version version, const struct mqtt_packet *p)
{
    if (p->type == MQTT_PUBLISH)
        return mqtt_write_publish(out, version, &p->as.publish);
    size_t start = out->n;
    bool failed_before = out->failed;
    uint8_t flags =
        p->type == MQTT_PUBREL || p->type == MQTT_SUBSCRIBE || p->type == MQTT_UNSUBSCRIBE ? 2 : 0;
    buf_add(out, "\0\0\0\0", HEADER_MAX);
    if (!out->failed)
        write_body(out, version, p);
    return finish(out, start, (uint8_t)((unsigned)p->type << 4 | flags), failed_before);
}

int mqtt_write_publish(struct buf *out, enum mqtt_version version, const struct mqtt_publish *p)
{
    size_t body = 2 + p->topic.n + (p->qos ? 2 : 0) + p->payload.n;
    if (version == MQTT_V5)
        body += mqtt_props_size(&p->props);
    if (p->topic.n > MQTT_STRING_MAX || body > MQTT_REMAINING_MAX)
        return ERR_TOO_LARGE;
    if (!buf_reserve(out, body + HEADER_MAX))
        return ERR_NOMEM;
    buf_add_byte(out, (unsigned char)(MQTT_PUBLISH << 4 | (p->dup ? 8 : 0) | p->qos << 1 |
                                      (p->retain ? 1 : 0)));
    mqtt_write_varint(out, (uint32_t)body);
    mqtt_write_string(out, p->topic);
    if (p->qos)
        mqtt_write_u16(out, p->packet_id);
    if (version == MQTT_V5)
        mqtt_write_props(out, &p->props);
    buf_add_slice(out, p->payload);
    return 0;
}

int mqtt_write_ack(struct buf *out, enum mqtt_version version, enum mqtt_type type,
                   uint16_t packet_id, uint8_t reason)
{
    bool tail = version == MQTT_V5 && reason != MQTT_SUCCESS;
    unsigned char bytes[5] = {(unsigned char)((unsigned)type << 4 | (type == MQTT_PUBREL ? 2 : 0)),
                              tail ? 3 : 2, (unsigned char)(packet_id >> 8),
                              (unsigned char)packet_id, reason};
    if (!buf_reserve(out, sizeof bytes))
        return ERR_NOMEM;
    buf_add(out, bytes, tail ? 5 : 4);
    return 0;
}

void mqtt_topics_add(struct buf *list, enum mqtt_type type, enum mqtt_version version,
                     const struct mqtt_filter *f)
{
    mqtt_write_string(list, f->filter);
    if (type != MQTT_SUBSCRIBE)
        return;
    unsigned options = f->qos;
    if (version == MQTT_V5)
        options |= (f->no_local ? 4u : 0) | (f->retain_as_published ? 8u : 0) |
                   (unsigned)f->retain_handling << 4;
    buf_add_byte(list, (unsigned char)options);
}

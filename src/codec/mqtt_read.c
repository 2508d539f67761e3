/* Bytes to packets.
 *
 * A packet that breaks the encoding is malformed (0x81); one that can be read and says what must
 * not be said is a protocol error (0x82) or has a reason code of its own.  3.1.1 knows no codes;
 * whoever speaks it closes the connection on any of them. */
#include "codec/mqtt_wire.h"

#include "base/err.h"

/* The flags that the fixed header must have; PUBLISH has its own. */
static const uint8_t required_flags[16] = {
    [MQTT_PUBREL] = 2, [MQTT_SUBSCRIBE] = 2, [MQTT_UNSUBSCRIBE] = 2};

int mqtt_fail(struct mqtt_cursor *c, uint8_t reason, const char *text)
{
    *c->fault = (struct mqtt_fault){reason, text};
    return ERR_MALFORMED;
}

static int cut_short(struct mqtt_cursor *c)
{
    return mqtt_fail(c, MQTT_MALFORMED, "the packet ends too early");
}

int mqtt_take_byte(struct mqtt_cursor *c, uint8_t *ret)
{
    if (c->n < 1)
        return cut_short(c);
    *ret = (uint8_t)*c->p++;
    c->n--;
    return 0;
}

int mqtt_take_u16(struct mqtt_cursor *c, uint16_t *ret)
{
    if (c->n < 2)
        return cut_short(c);
    *ret = (uint16_t)((uint8_t)c->p[0] << 8 | (uint8_t)c->p[1]);
    c->p += 2;
    c->n -= 2;
    return 0;
}

int mqtt_take_u32(struct mqtt_cursor *c, uint32_t *ret)
{
    uint16_t high, low;
    int err = mqtt_take_u16(c, &high);
    if (err || (err = mqtt_take_u16(c, &low)))
        return err;
    *ret = (uint32_t)high << 16 | low;
    return 0;
}

/* A variable byte integer: at most 4 bytes, and no more than its value needs [MQTT-1.5.5-1].
 * The number of bytes; 0: more are needed; ERR_MALFORMED. */
static int varint_at(const char *p, size_t n, uint32_t *ret)
{
    uint32_t v = 0;
    for (size_t i = 0; i < 4; i++) {
        if (i >= n)
            return 0;
        uint8_t byte = (uint8_t)p[i];
        v |= (uint32_t)(byte & 0x7f) << (7 * i);
        if (byte & 0x80)
            continue;
        if (byte == 0 && i > 0)
            return ERR_MALFORMED;
        *ret = v;
        return (int)i + 1;
    }
    return ERR_MALFORMED;
}

int mqtt_take_varint(struct mqtt_cursor *c, uint32_t *ret)
{
    int n = varint_at(c->p, c->n, ret);
    if (n == 0)
        return cut_short(c);
    if (n < 0)
        return mqtt_fail(c, MQTT_MALFORMED, "a variable byte integer is too long");
    c->p += n;
    c->n -= (size_t)n;
    return 0;
}

int mqtt_take_binary(struct mqtt_cursor *c, struct slice *ret)
{
    uint16_t n;
    int err = mqtt_take_u16(c, &n);
    if (err)
        return err;
    if (n > c->n)
        return cut_short(c);
    *ret = slice_of(c->p, n);
    c->p += n;
    c->n -= n;
    return 0;
}

/* [MQTT-1.5.4-1], [MQTT-1.5.4-2]; in 3.1.1 [MQTT-1.5.3-1], [MQTT-1.5.3-2] */
int mqtt_take_string(struct mqtt_cursor *c, struct slice *ret)
{
    struct slice s;
    int err = mqtt_take_binary(c, &s);
    if (err)
        return err;
    if (!mqtt_string_ok(s))
        return mqtt_fail(c, MQTT_MALFORMED, "a string is not UTF-8 or has U+0000 in it");
    *ret = s;
    return 0;
}

int mqtt_frame(struct slice in, size_t max_packet, size_t *ret_size)
{
    uint32_t remaining = 0;
    if (in.n < 1)
        return ERR_AGAIN;
    uint8_t type = (uint8_t)in.p[0] >> 4;
    if (type == 0)
        return ERR_MALFORMED;
    if (type != MQTT_PUBLISH && ((uint8_t)in.p[0] & 15) != required_flags[type])
        return ERR_MALFORMED; /* [MQTT-2.1.3-1]; 3.1.1 [MQTT-2.2.2-2] */
    int n = varint_at(in.p + 1, in.n - 1, &remaining);
    if (n <= 0)
        return n == 0 ? ERR_AGAIN : ERR_MALFORMED;
    size_t size = 1 + (size_t)n + remaining;
    if (size > max_packet)
        return ERR_TOO_LARGE;
    *ret_size = size;
    return 0;
}

static int take_props_of(struct mqtt_cursor *c, enum mqtt_version v, enum mqtt_type type,
                         struct mqtt_props *ret)
{
    mqtt_props_clear(ret);
    return v == MQTT_V5 ? mqtt_take_props(c, type, ret) : 0;
}

static int take_packet_id(struct mqtt_cursor *c, uint16_t *ret)
{
    int err = mqtt_take_u16(c, ret);
    if (!err && *ret == 0) /* [MQTT-2.2.1-3], [MQTT-2.2.1-4]; 3.1.1 [MQTT-2.3.1-1] */
        return mqtt_fail(c, MQTT_PROTOCOL_ERROR, "the packet identifier is zero");
    return err;
}

static int take_will(struct mqtt_cursor *c, uint8_t flags, bool v5, struct mqtt_connect *m)
{
    int err;
    mqtt_props_clear(&m->will_props);
    if (!m->has_will) /* [MQTT-3.1.2-11], [-13]; 3.1.1 [MQTT-3.1.2-13], [-15] */
        return flags & 0x38 ? mqtt_fail(c, MQTT_MALFORMED, "will flags without a will") : 0;
    if (m->will_qos == 3) /* [MQTT-3.1.2-12]; 3.1.1 [MQTT-3.1.2-14] */
        return mqtt_fail(c, MQTT_MALFORMED, "the will has QoS 3");
    if (v5 && (err = mqtt_take_props(c, MQTT_WILL, &m->will_props)))
        return err;
    if ((err = mqtt_take_string(c, &m->will_topic)) ||
        (err = mqtt_take_binary(c, &m->will_payload)))
        return err;
    if (!mqtt_topic_ok(m->will_topic))
        return mqtt_fail(c, MQTT_BAD_TOPIC, "the will's topic is not the name of a topic");
    return 0;
}

/* What follows the protocol level. */
static int read_connect_rest(struct mqtt_cursor *c, bool v5, struct mqtt_connect *m)
{
    uint8_t flags;
    int err = mqtt_take_byte(c, &flags);
    if (err)
        return err;
    if (flags & 1) /* [MQTT-3.1.2-3] */
        return mqtt_fail(c, MQTT_MALFORMED, "the reserved connect flag is set");
    m->clean_start = flags & 2;
    m->has_will = flags & 4;
    m->will_qos = flags >> 3 & 3;
    m->will_retain = flags & 0x20;
    m->has_password = flags & 0x40;
    m->has_username = flags & 0x80;
    m->will_topic = m->will_payload = m->username = m->password = (struct slice){NULL, 0};
    if (!v5 && m->has_password && !m->has_username) /* 3.1.1 [MQTT-3.1.2-22] */
        return mqtt_fail(c, MQTT_MALFORMED, "a password without a user name");
    if ((err = mqtt_take_u16(c, &m->keep_alive)) ||
        (err = take_props_of(c, v5 ? MQTT_V5 : MQTT_V311, MQTT_CONNECT, &m->props)) ||
        (err = mqtt_take_string(c, &m->client_id)) || (err = take_will(c, flags, v5, m)) ||
        (m->has_username && (err = mqtt_take_string(c, &m->username))) ||
        (m->has_password && (err = mqtt_take_binary(c, &m->password))))
        return err;
    return c->n ? mqtt_fail(c, MQTT_MALFORMED, "bytes behind the end of CONNECT") : 0;
}

static int read_connect(struct mqtt_cursor *c, struct mqtt_connect *m)
{
    struct slice name;
    int err = mqtt_take_string(c, &name);
    if (err || (err = mqtt_take_byte(c, &m->version)))
        return err;
    bool mqtt = slice_is(name, "MQTT");
    if (mqtt && (m->version == MQTT_V311 || m->version == MQTT_V5))
        return read_connect_rest(c, m->version == MQTT_V5, m);
    if (!mqtt && !slice_is(name, "MQIsdp")) /* [MQTT-3.1.2-1] */
        return mqtt_fail(c, MQTT_BAD_VERSION, "the protocol is not called MQTT");
    /* Another version: the shape tells in whose words the refusal is understood. */
    uint8_t level = m->version;
    bool v5 = mqtt && read_connect_rest(c, true, m) == 0;
    m->version = level;
    *c->fault = (struct mqtt_fault){v5 ? MQTT_BAD_VERSION : MQTT311_BAD_VERSION,
                                    "this version of MQTT is not spoken here"};
    return ERR_UNSUPPORTED;
}

static int read_connack(struct mqtt_cursor *c, enum mqtt_version v, struct mqtt_connack *m)
{
    uint8_t flags;
    int err = mqtt_take_byte(c, &flags);
    if (err || (err = mqtt_take_byte(c, &m->reason)) ||
        (err = take_props_of(c, v, MQTT_CONNACK, &m->props)))
        return err;
    m->session_present = flags & 1;
    bool known = v == MQTT_V5 ? mqtt_reason_fits(MQTT_CONNACK, m->reason)
                              : m->reason <= MQTT311_NOT_AUTHORIZED;
    if (flags > 1 || (m->reason && flags)) /* [MQTT-3.2.2-1], [MQTT-3.2.2-6] */
        return mqtt_fail(c, MQTT_MALFORMED, "the acknowledge flags of CONNACK cannot be");
    if (!known)
        return mqtt_fail(c, MQTT_PROTOCOL_ERROR, "CONNACK has no such reason code");
    return 0;
}

static int read_publish(struct mqtt_cursor *c, enum mqtt_version v, uint8_t flags,
                        struct mqtt_publish *m)
{
    m->retain = flags & 1;
    m->qos = flags >> 1 & 3;
    m->dup = flags & 8;
    m->packet_id = 0;
    if (m->qos == 3) /* [MQTT-3.3.1-4] */
        return mqtt_fail(c, MQTT_MALFORMED, "QoS 3");
    if (m->dup && m->qos == 0) /* [MQTT-3.3.1-2] */
        return mqtt_fail(c, MQTT_MALFORMED, "DUP at QoS 0");
    int err = mqtt_take_string(c, &m->topic);
    if (err || (m->qos && (err = take_packet_id(c, &m->packet_id))) ||
        (err = take_props_of(c, v, MQTT_PUBLISH, &m->props)))
        return err;
    m->payload = slice_of(c->p, c->n);
    c->n = 0;
    if (m->topic.n == 0) {
        if (!mqtt_has(&m->props, MQTT_TOPIC_ALIAS)) /* 3.3.2.1; 3.1.1 [MQTT-4.7.3-1] */
            return mqtt_fail(c, MQTT_PROTOCOL_ERROR, "neither a topic nor a topic alias");
    } else if (!mqtt_topic_ok(m->topic)) { /* [MQTT-3.3.2-2] */
        return mqtt_fail(c, MQTT_BAD_TOPIC, "a wildcard in the name of a topic");
    }
    if (mqtt_has(&m->props, MQTT_TOPIC_ALIAS) && m->props.topic_alias == 0) /* [MQTT-3.3.2-8] */
        return mqtt_fail(c, MQTT_BAD_ALIAS, "the topic alias is zero");
    return 0;
}

static int read_ack(struct mqtt_cursor *c, enum mqtt_version v, enum mqtt_type type,
                    struct mqtt_ack *m)
{
    int err = take_packet_id(c, &m->packet_id);
    if (err)
        return err;
    m->reason = MQTT_SUCCESS;
    mqtt_props_clear(&m->props);
    if (v != MQTT_V5 || c->n == 0)
        return 0;
    if ((err = mqtt_take_byte(c, &m->reason)))
        return err;
    if (!mqtt_reason_fits(type, m->reason))
        return mqtt_fail(c, MQTT_PROTOCOL_ERROR, "the acknowledgement has no such reason code");
    return c->n ? mqtt_take_props(c, type, &m->props) : 0;
}

/* One entry of SUBSCRIBE or UNSUBSCRIBE. */
static int take_filter(struct mqtt_cursor *c, enum mqtt_type type, enum mqtt_version v,
                       struct mqtt_filter *ret)
{
    uint8_t options = 0;
    *ret = (struct mqtt_filter){.qos = 0};
    int err = mqtt_take_string(c, &ret->filter);
    if (err || (type == MQTT_SUBSCRIBE && (err = mqtt_take_byte(c, &options))))
        return err;
    ret->qos = options & 3;
    ret->no_local = options & 4;
    ret->retain_as_published = options & 8;
    ret->retain_handling = options >> 4 & 3;
    if (options & (v == MQTT_V5 ? 0xc0 : 0xfc)) /* [MQTT-3.8.3-5]; 3.1.1 [MQTT-3-8.3-4] */
        return mqtt_fail(c, MQTT_MALFORMED, "reserved bits of a subscription are set");
    if (ret->qos == 3)
        return mqtt_fail(c, v == MQTT_V5 ? MQTT_PROTOCOL_ERROR : MQTT_MALFORMED,
                         "a subscription with QoS 3");
    if (ret->retain_handling == 3)
        return mqtt_fail(c, MQTT_PROTOCOL_ERROR, "a subscription with retain handling 3");
    if (!mqtt_filter_ok(ret->filter)) /* [MQTT-4.7.1-1], [MQTT-4.7.1-2], [MQTT-4.7.3-1] */
        return mqtt_fail(c, MQTT_BAD_FILTER, "a topic filter that cannot be");
    struct slice group, filter;
    int shared = mqtt_share_parse(ret->filter, &group, &filter);
    if (shared < 0)
        return mqtt_fail(c, MQTT_BAD_FILTER, "a shared subscription without a group or a filter");
    if (shared && ret->no_local) /* [MQTT-3.8.3-4] */
        return mqtt_fail(c, MQTT_PROTOCOL_ERROR, "a shared subscription cannot be no-local");
    return 0;
}

static int read_topics(struct mqtt_cursor *c, enum mqtt_version v, enum mqtt_type type,
                       struct mqtt_topics *m)
{
    int err = take_packet_id(c, &m->packet_id);
    if (err || (err = take_props_of(c, v, type, &m->props)))
        return err;
    m->list = slice_of(c->p, c->n);
    m->count = 0;
    while (c->n > 0) {
        struct mqtt_filter f;
        if ((err = take_filter(c, type, v, &f)))
            return err;
        m->count++;
    }
    if (m->count == 0) /* [MQTT-3.8.3-2], [MQTT-3.10.3-2]; 3.1.1 [MQTT-3.8.3-3] */
        return mqtt_fail(c, MQTT_PROTOCOL_ERROR, "not one topic filter");
    return 0;
}

static int read_codes(struct mqtt_cursor *c, enum mqtt_version v, enum mqtt_type type,
                      struct mqtt_topics *m)
{
    int err = take_packet_id(c, &m->packet_id);
    if (err || (err = take_props_of(c, v, type, &m->props)))
        return err;
    m->list = slice_of(c->p, c->n);
    m->count = c->n;
    for (; c->n > 0; c->p++, c->n--) {
        uint8_t code = (uint8_t)*c->p;
        bool known = v == MQTT_V5 ? mqtt_reason_fits(type, code) : code <= 2 || code == 0x80;
        if (!known || (v == MQTT_V311 && type == MQTT_UNSUBACK))
            return mqtt_fail(c, MQTT_PROTOCOL_ERROR, "an answer to a filter that cannot be");
    }
    if (m->count == 0 && (v == MQTT_V5 || type == MQTT_SUBACK))
        return mqtt_fail(c, MQTT_PROTOCOL_ERROR, "not one answer to a filter");
    return 0;
}

static int read_notice(struct mqtt_cursor *c, enum mqtt_version v, enum mqtt_type type,
                       struct mqtt_notice *m)
{
    int err;
    m->reason = MQTT_SUCCESS;
    mqtt_props_clear(&m->props);
    if (v != MQTT_V5)
        return type == MQTT_AUTH ? mqtt_fail(c, MQTT_MALFORMED, "AUTH is of MQTT 5") : 0;
    if (c->n == 0)
        return 0;
    if ((err = mqtt_take_byte(c, &m->reason)))
        return err;
    if (!mqtt_reason_fits(type, m->reason))
        return mqtt_fail(c, MQTT_PROTOCOL_ERROR, "the packet has no such reason code");
    return c->n ? mqtt_take_props(c, type, &m->props) : 0;
}

static int read_body(struct mqtt_cursor *c, enum mqtt_version v, uint8_t flags,
                     struct mqtt_packet *p)
{
    switch (p->type) {
    case MQTT_CONNECT:
        return read_connect(c, &p->as.connect);
    case MQTT_CONNACK:
        return read_connack(c, v, &p->as.connack);
    case MQTT_PUBLISH:
        return read_publish(c, v, flags, &p->as.publish);
    case MQTT_PUBACK:
    case MQTT_PUBREC:
    case MQTT_PUBREL:
    case MQTT_PUBCOMP:
        return read_ack(c, v, p->type, &p->as.ack);
    case MQTT_SUBSCRIBE:
    case MQTT_UNSUBSCRIBE:
        return read_topics(c, v, p->type, &p->as.topics);
    case MQTT_SUBACK:
    case MQTT_UNSUBACK:
        return read_codes(c, v, p->type, &p->as.topics);
    case MQTT_PINGREQ:
    case MQTT_PINGRESP:
        return 0;
    case MQTT_DISCONNECT:
    case MQTT_AUTH:
        return read_notice(c, v, p->type, &p->as.notice);
    case MQTT_WILL:
        break;
    }
    return mqtt_fail(c, MQTT_MALFORMED, "no such type of packet");
}

int mqtt_read(struct slice packet, enum mqtt_version version, struct mqtt_packet *ret,
              struct mqtt_fault *fault)
{
    struct mqtt_cursor c = {packet.p, packet.n, fault};
    size_t size;
    if (mqtt_frame(packet, SIZE_MAX, &size) || size != packet.n)
        return mqtt_fail(&c, MQTT_MALFORMED, "the fixed header cannot be");
    uint8_t first;
    uint32_t remaining;
    int err = mqtt_take_byte(&c, &first);
    if (err || (err = mqtt_take_varint(&c, &remaining)))
        return err;
    ret->type = (enum mqtt_type)(first >> 4);
    err = read_body(&c, version, first & 15, ret);
    if (!err && c.n)
        err = mqtt_fail(&c, MQTT_MALFORMED, "bytes behind the end of the packet");
    return err;
}

bool mqtt_topics_next(const struct mqtt_packet *p, enum mqtt_version version, size_t *at,
                      struct mqtt_filter *ret)
{
    struct slice list = p->as.topics.list;
    if (*at >= list.n)
        return false;
    struct mqtt_fault fault;
    struct mqtt_cursor c = {list.p + *at, list.n - *at, &fault};
    if (take_filter(&c, p->type, version, ret))
        return false;
    *at = (size_t)(c.p - list.p);
    return true;
}

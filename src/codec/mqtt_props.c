/* The properties of MQTT 5.0, from one table: what each holds, in which packets it may stand
 * (section 2.2.2.2), whether more than once, and which numbers it allows. */
#include "codec/mqtt_wire.h"

#include "base/err.h"

enum prop_kind {
    KIND_NONE,
    KIND_BYTE,
    KIND_U16,
    KIND_U32,
    KIND_VARINT,
    KIND_STRING,
    KIND_BINARY,
    KIND_PAIR
};

struct prop_row {
    uint8_t kind;
    bool not_zero;
    uint16_t packets; /* a bit for each enum mqtt_type */
    uint16_t repeats; /* the packets in which it may stand more than once */
    uint8_t max;      /* the largest allowed number; 0: any */
    uint16_t offset;  /* of its member in struct mqtt_props */
};

#define IN(type) (1u << MQTT_##type)
#define AT(member) offsetof(struct mqtt_props, member)
#define ACKS (IN(PUBACK) | IN(PUBREC) | IN(PUBREL) | IN(PUBCOMP) | IN(SUBACK) | IN(UNSUBACK))
#define EVERY                                                                                      \
    (IN(WILL) | IN(CONNECT) | IN(CONNACK) | IN(PUBLISH) | ACKS | IN(SUBSCRIBE) | IN(UNSUBSCRIBE) | \
     IN(DISCONNECT) | IN(AUTH))

/* clang-format off: a table is read by its columns */
static const struct prop_row rows[] = {
    [MQTT_PAYLOAD_FORMAT] = {KIND_BYTE, false, IN(PUBLISH) | IN(WILL), 0, 1, AT(payload_format)},
    [MQTT_MESSAGE_EXPIRY] = {KIND_U32, false, IN(PUBLISH) | IN(WILL), 0, 0, AT(message_expiry)},
    [MQTT_CONTENT_TYPE] = {KIND_STRING, false, IN(PUBLISH) | IN(WILL), 0, 0, AT(content_type)},
    [MQTT_RESPONSE_TOPIC] = {KIND_STRING, false, IN(PUBLISH) | IN(WILL), 0, 0, AT(response_topic)},
    [MQTT_CORRELATION_DATA] = {KIND_BINARY, false, IN(PUBLISH) | IN(WILL), 0, 0,
                               AT(correlation_data)},
    [MQTT_SUBSCRIPTION_ID] = {KIND_VARINT, true, IN(PUBLISH) | IN(SUBSCRIBE), IN(PUBLISH), 0,
                              AT(subscription_id)},
    [MQTT_SESSION_EXPIRY] = {KIND_U32, false, IN(CONNECT) | IN(CONNACK) | IN(DISCONNECT), 0, 0,
                             AT(session_expiry)},
    [MQTT_ASSIGNED_CLIENT_ID] = {KIND_STRING, false, IN(CONNACK), 0, 0, AT(assigned_client_id)},
    [MQTT_SERVER_KEEP_ALIVE] = {KIND_U16, false, IN(CONNACK), 0, 0, AT(server_keep_alive)},
    [MQTT_AUTH_METHOD] = {KIND_STRING, false, IN(CONNECT) | IN(CONNACK) | IN(AUTH), 0, 0,
                          AT(auth_method)},
    [MQTT_AUTH_DATA] = {KIND_BINARY, false, IN(CONNECT) | IN(CONNACK) | IN(AUTH), 0, 0,
                        AT(auth_data)},
    [MQTT_REQUEST_PROBLEM] = {KIND_BYTE, false, IN(CONNECT), 0, 1, AT(request_problem)},
    [MQTT_WILL_DELAY] = {KIND_U32, false, IN(WILL), 0, 0, AT(will_delay)},
    [MQTT_REQUEST_RESPONSE] = {KIND_BYTE, false, IN(CONNECT), 0, 1, AT(request_response)},
    [MQTT_RESPONSE_INFORMATION] = {KIND_STRING, false, IN(CONNACK), 0, 0, AT(response_information)},
    [MQTT_SERVER_REFERENCE] = {KIND_STRING, false, IN(CONNACK) | IN(DISCONNECT), 0, 0,
                               AT(server_reference)},
    [MQTT_REASON_STRING] = {KIND_STRING, false, IN(CONNACK) | ACKS | IN(DISCONNECT) | IN(AUTH), 0,
                            0, AT(reason_string)},
    [MQTT_RECEIVE_MAX] = {KIND_U16, true, IN(CONNECT) | IN(CONNACK), 0, 0, AT(receive_max)},
    [MQTT_TOPIC_ALIAS_MAX] = {KIND_U16, false, IN(CONNECT) | IN(CONNACK), 0, 0,
                              AT(topic_alias_max)},
    [MQTT_TOPIC_ALIAS] = {KIND_U16, false, IN(PUBLISH), 0, 0, AT(topic_alias)},
    [MQTT_MAXIMUM_QOS] = {KIND_BYTE, false, IN(CONNACK), 0, 1, AT(maximum_qos)},
    [MQTT_RETAIN_AVAILABLE] = {KIND_BYTE, false, IN(CONNACK), 0, 1, AT(retain_available)},
    [MQTT_USER_PROPERTY] = {KIND_PAIR, false, EVERY, EVERY, 0, 0},
    [MQTT_MAX_PACKET_SIZE] = {KIND_U32, true, IN(CONNECT) | IN(CONNACK), 0, 0, AT(max_packet_size)},
    [MQTT_WILDCARD_AVAILABLE] = {KIND_BYTE, false, IN(CONNACK), 0, 1, AT(wildcard_available)},
    [MQTT_SUBSCRIPTION_ID_AVAILABLE] = {KIND_BYTE, false, IN(CONNACK), 0, 1,
                                        AT(subscription_id_available)},
    [MQTT_SHARED_AVAILABLE] = {KIND_BYTE, false, IN(CONNACK), 0, 1, AT(shared_available)},
};
/* clang-format on */

enum { ROWS = sizeof rows / sizeof rows[0] };

static int take_value(struct mqtt_cursor *c, const struct prop_row *row,
                      struct mqtt_prop_value *ret)
{
    uint8_t byte = 0;
    uint16_t u16 = 0;
    int err = 0;
    switch ((enum prop_kind)row->kind) {
    case KIND_BYTE:
        err = mqtt_take_byte(c, &byte);
        ret->number = byte;
        return err;
    case KIND_U16:
        err = mqtt_take_u16(c, &u16);
        ret->number = u16;
        return err;
    case KIND_U32:
        return mqtt_take_u32(c, &ret->number);
    case KIND_VARINT:
        return mqtt_take_varint(c, &ret->number);
    case KIND_STRING:
        return mqtt_take_string(c, &ret->text);
    case KIND_BINARY:
        return mqtt_take_binary(c, &ret->text);
    case KIND_PAIR:
        err = mqtt_take_string(c, &ret->text);
        return err ? err : mqtt_take_string(c, &ret->value);
    case KIND_NONE:
        break;
    }
    return ERR_MALFORMED;
}

static int take_one(struct mqtt_cursor *c, enum mqtt_type where, struct mqtt_props *ret)
{
    struct mqtt_prop_value v = {0};
    uint32_t id;
    int err = mqtt_take_varint(c, &id);
    if (err)
        return err;
    const struct prop_row *row = id < ROWS ? &rows[id] : NULL;
    if (!row || !(row->packets >> where & 1))
        return mqtt_fail(c, MQTT_MALFORMED, "a property that has no place in this packet");
    err = take_value(c, row, &v);
    if (err)
        return err;
    bool again = ret->has >> id & 1;
    if (again && !(row->repeats >> where & 1))
        return mqtt_fail(c, MQTT_PROTOCOL_ERROR, "a property stands there twice");
    if ((row->not_zero && v.number == 0) || (row->max && v.number > row->max))
        return mqtt_fail(c, MQTT_PROTOCOL_ERROR, "a property has a value that is not allowed");
    ret->has |= MQTT_BIT(id);
    if (again || row->kind == KIND_PAIR)
        return 0;
    char *member = (char *)ret + row->offset;
    if (row->kind == KIND_STRING || row->kind == KIND_BINARY)
        memcpy(member, &v.text, sizeof v.text);
    else
        memcpy(member, &v.number, sizeof v.number);
    return 0;
}

int mqtt_take_props(struct mqtt_cursor *c, enum mqtt_type where, struct mqtt_props *ret)
{
    mqtt_props_clear(ret);
    uint32_t n;
    int err = mqtt_take_varint(c, &n);
    if (err)
        return err;
    if (n > c->n)
        return mqtt_fail(c, MQTT_MALFORMED, "the properties are longer than the packet");
    struct mqtt_cursor inside = {c->p, n, c->fault};
    ret->raw = slice_of(c->p, n);
    while (inside.n > 0)
        if ((err = take_one(&inside, where, ret)))
            return err;
    c->p += n;
    c->n -= n;
    if (mqtt_has(ret, MQTT_AUTH_DATA) && !mqtt_has(ret, MQTT_AUTH_METHOD))
        return mqtt_fail(c, MQTT_PROTOCOL_ERROR, "authentication data without a method");
    if (mqtt_has(ret, MQTT_RESPONSE_TOPIC) && !mqtt_topic_ok(ret->response_topic))
        return mqtt_fail(c, MQTT_PROTOCOL_ERROR, "the response topic is not the name of a topic");
    return 0;
}

bool mqtt_prop_next(struct slice raw, size_t *at, struct mqtt_prop_value *ret)
{
    if (*at >= raw.n)
        return false;
    struct mqtt_fault fault;
    struct mqtt_cursor c = {raw.p + *at, raw.n - *at, &fault};
    struct mqtt_prop_value v = {0};
    uint32_t id;
    if (mqtt_take_varint(&c, &id) || id >= ROWS || take_value(&c, &rows[id], &v))
        return false;
    v.prop = (enum mqtt_prop)id;
    v.bytes = slice_of(raw.p + *at, (size_t)(c.p - raw.p) - *at);
    *at += v.bytes.n;
    *ret = v;
    return true;
}

void mqtt_props_copy(struct buf *out, struct slice raw, uint64_t mask)
{
    struct mqtt_prop_value v;
    size_t at = 0;
    while (mqtt_prop_next(raw, &at, &v))
        if (mask >> v.prop & 1)
            buf_add_slice(out, v.bytes);
}

void mqtt_props_add_user(struct buf *out, struct slice name, struct slice value)
{
    buf_add_byte(out, MQTT_USER_PROPERTY);
    mqtt_write_string(out, name);
    mqtt_write_string(out, value);
}

void mqtt_props_add_number(struct buf *out, enum mqtt_prop prop, uint32_t number)
{
    buf_add_byte(out, (unsigned char)prop);
    switch ((enum prop_kind)rows[prop].kind) {
    case KIND_U32:
        mqtt_write_u16(out, number >> 16);
        mqtt_write_u16(out, number & 0xffff);
        break;
    case KIND_U16:
        mqtt_write_u16(out, number);
        break;
    case KIND_VARINT:
        mqtt_write_varint(out, number);
        break;
    default:
        buf_add_byte(out, (unsigned char)number);
    }
}

static size_t varint_size(uint32_t v)
{
    return v < 0x80 ? 1 : v < 0x4000 ? 2 : v < 0x200000 ? 3 : 4;
}

static size_t value_size(const struct prop_row *row, const char *member)
{
    struct slice text;
    uint32_t number;
    switch ((enum prop_kind)row->kind) {
    case KIND_BYTE:
        return 2;
    case KIND_U16:
        return 3;
    case KIND_U32:
        return 5;
    case KIND_VARINT:
        memcpy(&number, member, sizeof number);
        return 1 + varint_size(number);
    case KIND_STRING:
    case KIND_BINARY:
        memcpy(&text, member, sizeof text);
        return 3 + text.n;
    case KIND_PAIR: /* they come with `more` */
    case KIND_NONE:
        break;
    }
    return 0;
}

/* Of the properties alone. */
static size_t inner_size(const struct mqtt_props *p)
{
    size_t n = p->more.n;
    for (uint64_t left = p->has & (MQTT_BIT(ROWS) - 1); left; left &= left - 1) {
        const struct prop_row *row = &rows[__builtin_ctzll(left)];
        n += value_size(row, (const char *)p + row->offset);
    }
    return n;
}

size_t mqtt_props_size(const struct mqtt_props *p)
{
    size_t n = inner_size(p);
    return n > MQTT_REMAINING_MAX ? n : varint_size((uint32_t)n) + n;
}

void mqtt_write_props(struct buf *out, const struct mqtt_props *p)
{
    size_t n = inner_size(p);
    if (n > MQTT_REMAINING_MAX) {
        out->failed = true;
        return;
    }
    mqtt_write_varint(out, (uint32_t)n);
    for (uint64_t left = p->has & (MQTT_BIT(ROWS) - 1); left; left &= left - 1) {
        int id = __builtin_ctzll(left);
        const char *member = (const char *)p + rows[id].offset;
        struct slice text;
        uint32_t number;
        if (rows[id].kind == KIND_STRING || rows[id].kind == KIND_BINARY) {
            memcpy(&text, member, sizeof text);
            buf_add_byte(out, (unsigned char)id);
            mqtt_write_string(out, text);
        } else if (rows[id].kind != KIND_PAIR && rows[id].kind != KIND_NONE) {
            memcpy(&number, member, sizeof number);
            mqtt_props_add_number(out, (enum mqtt_prop)id, number);
        }
    }
    buf_add_slice(out, p->more);
}

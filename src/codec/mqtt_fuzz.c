/* A stream of MQTT packets from outside.  Whatever mqtt_read() accepts must survive being written
 * and read again.  The first byte picks the version. */
#include "codec/mqtt.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const enum mqtt_prop texts[] = {
    MQTT_CONTENT_TYPE,       MQTT_RESPONSE_TOPIC,   MQTT_CORRELATION_DATA,
    MQTT_ASSIGNED_CLIENT_ID, MQTT_AUTH_METHOD,      MQTT_AUTH_DATA,
    MQTT_REASON_STRING,      MQTT_SERVER_REFERENCE, MQTT_RESPONSE_INFORMATION};

static bool is_text(enum mqtt_prop prop)
{
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (texts[i] == prop)
            return true;
    return false;
}

/* The same properties with the same values, in any order but for those that repeat. */
static void same_props(const struct mqtt_props *a, const struct mqtt_props *b)
{
    assert(a->has == b->has && a->raw.n == b->raw.n);
    struct mqtt_prop_value x, y;
    for (int prop = 1; prop <= MQTT_SHARED_AVAILABLE; prop++) {
        if (!mqtt_has(a, (enum mqtt_prop)prop))
            continue;
        size_t at = 0, bt = 0;
        for (;;) {
            bool more_x, more_y;
            while ((more_x = mqtt_prop_next(a->raw, &at, &x)) && (int)x.prop != prop)
                ;
            while ((more_y = mqtt_prop_next(b->raw, &bt, &y)) && (int)y.prop != prop)
                ;
            assert(more_x == more_y);
            if (!more_x)
                break;
            assert(x.number == y.number && slice_eq(x.text, y.text) && slice_eq(x.value, y.value));
            assert(is_text(x.prop) || x.prop == MQTT_USER_PROPERTY || x.text.n == 0);
        }
    }
}

/* User properties and further subscription identifiers are written from `more`. */
static void gather_more(struct mqtt_props *p, struct buf *room)
{
    struct mqtt_prop_value v;
    size_t at = 0;
    bool first = true;
    while (mqtt_prop_next(p->raw, &at, &v)) {
        if (v.prop == MQTT_USER_PROPERTY || (v.prop == MQTT_SUBSCRIPTION_ID && !first))
            buf_add_slice(room, v.bytes);
        first = first && v.prop != MQTT_SUBSCRIPTION_ID;
    }
    p->more = buf_slice(room);
}

static struct mqtt_props *props_of(struct mqtt_packet *p)
{
    switch (p->type) {
    case MQTT_CONNECT:
        return &p->as.connect.props;
    case MQTT_CONNACK:
        return &p->as.connack.props;
    case MQTT_PUBLISH:
        return &p->as.publish.props;
    case MQTT_PUBACK:
    case MQTT_PUBREC:
    case MQTT_PUBREL:
    case MQTT_PUBCOMP:
        return &p->as.ack.props;
    case MQTT_SUBSCRIBE:
    case MQTT_SUBACK:
    case MQTT_UNSUBSCRIBE:
    case MQTT_UNSUBACK:
        return &p->as.topics.props;
    case MQTT_DISCONNECT:
    case MQTT_AUTH:
        return &p->as.notice.props;
    default:
        return NULL;
    }
}

static void same_connect(const struct mqtt_connect *a, const struct mqtt_connect *b)
{
    assert(a->version == b->version && a->clean_start == b->clean_start);
    assert(a->has_will == b->has_will && a->keep_alive == b->keep_alive);
    assert(a->has_username == b->has_username && a->has_password == b->has_password);
    assert(slice_eq(a->client_id, b->client_id) && slice_eq(a->username, b->username));
    assert(slice_eq(a->password, b->password));
    if (!a->has_will)
        return;
    assert(a->will_qos == b->will_qos && a->will_retain == b->will_retain);
    assert(slice_eq(a->will_topic, b->will_topic) && slice_eq(a->will_payload, b->will_payload));
    same_props(&a->will_props, &b->will_props);
}

static void same_packet(struct mqtt_packet *a, struct mqtt_packet *b, enum mqtt_version v)
{
    assert(a->type == b->type);
    if (a->type == MQTT_CONNECT) {
        same_connect(&a->as.connect, &b->as.connect);
    } else if (a->type == MQTT_PUBLISH) {
        const struct mqtt_publish *x = &a->as.publish, *y = &b->as.publish;
        assert(x->dup == y->dup && x->qos == y->qos && x->retain == y->retain);
        assert(x->packet_id == y->packet_id && slice_eq(x->topic, y->topic));
        assert(slice_eq(x->payload, y->payload));
    } else if (a->type == MQTT_CONNACK) {
        assert(a->as.connack.reason == b->as.connack.reason);
        assert(a->as.connack.session_present == b->as.connack.session_present);
    } else if (a->type >= MQTT_PUBACK && a->type <= MQTT_PUBCOMP) {
        assert(a->as.ack.packet_id == b->as.ack.packet_id);
        assert(a->as.ack.reason == b->as.ack.reason);
    } else if (a->type >= MQTT_SUBSCRIBE && a->type <= MQTT_UNSUBACK) {
        assert(a->as.topics.packet_id == b->as.topics.packet_id);
        assert(a->as.topics.count == b->as.topics.count);
        assert(slice_eq(a->as.topics.list, b->as.topics.list));
    }
    if (v == MQTT_V5 && props_of(a))
        same_props(props_of(a), props_of(b));
}

/* Filters and topics that were accepted can be worked with. */
static void use_filters(const struct mqtt_packet *p, enum mqtt_version v)
{
    struct mqtt_filter f;
    size_t at = 0, n = 0;
    struct buf again = {0};
    while (mqtt_topics_next(p, v, &at, &f)) {
        n++;
        struct slice group, filter = f.filter;
        assert(mqtt_share_parse(f.filter, &group, &filter) >= 0);
        assert(mqtt_filter_ok(filter));
        mqtt_topic_matches(filter, SLICE_LIT("a/b/c"));
        mqtt_topic_matches(filter, SLICE_LIT("$a/"));
        mqtt_topics_add(&again, p->type, v, &f);
    }
    assert(n == p->as.topics.count);
    assert(slice_eq(buf_slice(&again), p->as.topics.list));
    buf_release(&again);
}

static void one_packet(struct slice bytes, enum mqtt_version version)
{
    struct mqtt_packet p, q;
    struct mqtt_fault fault = {0};
    int err = mqtt_read(bytes, version, &p, &fault);
    if (err) {
        assert(fault.reason != 0 && fault.text);
        return;
    }
    enum mqtt_version v =
        p.type == MQTT_CONNECT ? (enum mqtt_version)p.as.connect.version : version;
    struct buf more = {0}, will_more = {0}, out = {0};
    struct mqtt_packet copy = p;
    if (props_of(&copy))
        gather_more(props_of(&copy), &more);
    if (copy.type == MQTT_CONNECT && copy.as.connect.has_will)
        gather_more(&copy.as.connect.will_props, &will_more);
    if (p.type == MQTT_SUBSCRIBE || p.type == MQTT_UNSUBSCRIBE)
        use_filters(&p, v);
    assert(mqtt_write(&out, v, &copy) == 0);
    size_t whole = 0;
    assert(mqtt_frame(buf_slice(&out), SIZE_MAX, &whole) == 0 && whole == out.n);
    assert(mqtt_read(buf_slice(&out), v, &q, &fault) == 0);
    same_packet(&p, &q, v);
    buf_release(&more);
    buf_release(&will_more);
    buf_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    enum mqtt_version version = data[0] & 1 ? MQTT_V5 : MQTT_V311;
    struct slice in = slice_of((const char *)data + 1, size - 1);
    while (in.n > 0) {
        size_t n = 0;
        if (mqtt_frame(in, 1 << 16, &n))
            break;
        if (n > in.n)
            n = in.n; /* cut short: must be refused, not read past */
        one_packet(slice_of(in.p, n), version);
        in = slice_skip(in, n);
    }
    return 0;
}

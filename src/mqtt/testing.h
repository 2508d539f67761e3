/* testing.h - a client for tests: a real connection of the broker whose output stays in memory.
 *
 * Bytes go in through mqtt_conn_feed(), as they would from the net, and what the broker answers is
 * read packet by packet. */
#ifndef MQTT_TESTING_H
#define MQTT_TESTING_H

#include "codec/mqtt_testing.h"
#include "mqtt/internal.h"

#include <stdlib.h>

/* A broker without a core, on a clock that the test moves; made anew for each test. */
static struct loop *loop;
static struct broker *b;
static const enum mqtt_version both[] = {MQTT_V311, MQTT_V5};

static inline int setup_with(const struct broker_opts *opts)
{
    clock_set(INT64_C(1700000000000000));
    return loop_new(&loop) || broker_new(loop, NULL, opts, &b);
}

static inline int setup(void **state)
{
    (void)state;
    return setup_with(NULL);
}

static inline int setup_small(void **state)
{
    (void)state;
    return setup_with(&(struct broker_opts){.max_packet = 200, .max_queued = 5});
}

static inline int teardown(void **state)
{
    (void)state;
    (void)both;
    broker_free(b);
    loop_free(loop);
    clock_real();
    return 0;
}

#define BROKER_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
#define BROKER_TEST_SMALL(fn) cmocka_unit_test_setup_teardown(fn, setup_small, teardown)

struct client {
    struct conn *c;
    enum mqtt_version v;
    struct buf last; /* the bytes of p */
    struct mqtt_packet p;
};

static inline void client_say(struct client *t, const struct mqtt_packet *p)
{
    struct buf out = {0};
    assert_int_equal(mqtt_write(&out, t->v, p), 0);
    mqtt_conn_feed(t->c, buf_slice(&out));
    buf_release(&out);
}

static inline void client_feed(struct client *t, const char *text) /* as bytes() reads it */
{
    mqtt_conn_feed(t->c, bytes(text));
}

/* All that was sent and not heard yet, byte by byte. */
static inline void expect_bytes(struct client *t, const char *text)
{
    struct slice want = bytes(text);
    assert_int_equal(t->c->memory.n, want.n);
    assert_memory_equal(t->c->memory.p, want.p, want.n);
    buf_clear(&t->c->memory);
}

/* The next packet that the broker has sent; false: there is none. */
static inline bool client_hear(struct client *t)
{
    struct mqtt_fault fault;
    size_t n;
    struct slice in = buf_slice(&t->c->memory);
    if (mqtt_frame(in, SIZE_MAX, &n) || n > in.n)
        return false;
    buf_clear(&t->last);
    buf_add(&t->last, in.p, n);
    buf_drop(&t->c->memory, n);
    int err = mqtt_read(buf_slice(&t->last), t->v, &t->p, &fault);
    if (err)
        fail_msg("the broker sent what cannot be read: %s", fault.text);
    return true;
}

static inline void expect(struct client *t, enum mqtt_type type)
{
    assert_true(client_hear(t));
    assert_int_equal(t->p.type, type);
}

static inline void expect_nothing(struct client *t)
{
    if (client_hear(t))
        fail_msg("a packet of type %d that should not be", (int)t->p.type);
}

static inline void expect_ack(struct client *t, enum mqtt_type type, uint16_t id, uint8_t reason)
{
    expect(t, type);
    assert_int_equal(t->p.as.ack.packet_id, id);
    assert_int_equal(t->p.as.ack.reason, reason);
}

static inline void expect_publish(struct client *t, const char *topic, const char *payload)
{
    expect(t, MQTT_PUBLISH);
    if (!slice_is(t->p.as.publish.topic, topic) || !slice_is(t->p.as.publish.payload, payload))
        fail_msg("%.*s = %.*s, not %s = %s", SLICE_ARG(t->p.as.publish.topic),
                 SLICE_ARG(t->p.as.publish.payload), topic, payload);
}

/* The connection is closed, and a 5.0 client was told this reason (0: nothing). */
static inline void expect_closed(struct client *t, uint8_t reason)
{
    if (reason && t->v == MQTT_V5) {
        expect(t, MQTT_DISCONNECT);
        assert_int_equal(t->p.as.notice.reason, reason);
    }
    expect_nothing(t);
    assert_true(t->c->closed);
}

static inline struct client client_open(struct broker *broker, enum mqtt_version v)
{
    struct client t = {.c = mqtt_conn_new(broker, NULL), .v = v};
    assert_non_null(t.c);
    mqtt_conn_hold(t.c);
    return t;
}

/* The network connection goes away, without DISCONNECT. */
static inline void client_drop(struct client *t)
{
    mqtt_conn_close(t->c, MQTT_SUCCESS, NULL);
    mqtt_conn_let_go(t->c);
    buf_release(&t->last);
    *t = (struct client){0};
}

static inline struct mqtt_packet connect_packet(enum mqtt_version v, const char *id, bool clean)
{
    return (struct mqtt_packet){
        .type = MQTT_CONNECT,
        .as.connect = {.version = (uint8_t)v, .clean_start = clean, .client_id = slice_str(id)}};
}

/* Connected, with CONNACK in t.p. */
static inline struct client client_with(struct broker *broker, const struct mqtt_packet *p)
{
    struct client t = client_open(broker, (enum mqtt_version)p->as.connect.version);
    client_say(&t, p);
    expect(&t, MQTT_CONNACK);
    assert_int_equal(t.p.as.connack.reason, 0);
    return t;
}

static inline struct client client_new(struct broker *broker, enum mqtt_version v, const char *id)
{
    struct mqtt_packet p = connect_packet(v, id, true);
    return client_with(broker, &p);
}

static inline struct mqtt_packet with_will(enum mqtt_version v, const char *payload, bool keep,
                                           uint32_t delay, uint32_t expiry)
{
    struct mqtt_packet p = connect_packet(v, "me", true);
    p.as.connect.has_will = true;
    p.as.connect.will_topic = SLICE_LIT("will");
    p.as.connect.will_payload = slice_str(payload);
    p.as.connect.will_qos = 1;
    p.as.connect.will_retain = keep;
    if (v == MQTT_V5) {
        p.as.connect.will_props.has = MQTT_BIT(MQTT_WILL_DELAY) | MQTT_BIT(MQTT_CONTENT_TYPE);
        p.as.connect.will_props.will_delay = delay;
        p.as.connect.will_props.content_type = SLICE_LIT("text/plain");
        p.as.connect.props.has = MQTT_BIT(MQTT_SESSION_EXPIRY);
        p.as.connect.props.session_expiry = expiry;
    }
    return p;
}

/* A session that stays: 5.0 for `expiry` seconds, 3.1.1 for good. */
static inline struct client client_stay(struct broker *broker, enum mqtt_version v, const char *id,
                                        uint32_t expiry)
{
    struct mqtt_packet p = connect_packet(v, id, false);
    p.as.connect.props.has = MQTT_BIT(MQTT_SESSION_EXPIRY);
    p.as.connect.props.session_expiry = expiry;
    return client_with(broker, &p);
}

static inline void client_leave(struct client *t) /* with DISCONNECT */
{
    client_say(t, &(struct mqtt_packet){.type = MQTT_DISCONNECT});
    assert_true(t->c->closed);
    client_drop(t);
}

static inline uint8_t subscribe_with(struct client *t, const struct mqtt_filter *f, uint32_t id)
{
    struct buf list = {0};
    mqtt_topics_add(&list, MQTT_SUBSCRIBE, t->v, f);
    struct mqtt_packet p = {.type = MQTT_SUBSCRIBE,
                            .as.topics = {.packet_id = 77, .list = buf_slice(&list)}};
    if (id) {
        p.as.topics.props.has = MQTT_BIT(MQTT_SUBSCRIPTION_ID);
        p.as.topics.props.subscription_id = id;
    }
    client_say(t, &p);
    buf_release(&list);
    expect(t, MQTT_SUBACK);
    assert_int_equal(t->p.as.topics.packet_id, 77);
    assert_int_equal(t->p.as.topics.count, 1);
    return (uint8_t)t->p.as.topics.list.p[0];
}

static inline void subscribe(struct client *t, const char *filter, uint8_t qos)
{
    assert_int_equal(
        subscribe_with(t, &(struct mqtt_filter){.filter = slice_str(filter), .qos = qos}, 0), qos);
}

static inline uint8_t unsubscribe(struct client *t, const char *filter)
{
    struct buf list = {0};
    mqtt_topics_add(&list, MQTT_UNSUBSCRIBE, t->v,
                    &(struct mqtt_filter){.filter = slice_str(filter)});
    client_say(t, &(struct mqtt_packet){.type = MQTT_UNSUBSCRIBE,
                                        .as.topics = {.packet_id = 78, .list = buf_slice(&list)}});
    buf_release(&list);
    expect(t, MQTT_UNSUBACK);
    return t->v == MQTT_V5 ? (uint8_t)t->p.as.topics.list.p[0] : 0;
}

static inline struct mqtt_packet publish_packet(const char *topic, const char *payload, uint8_t qos,
                                                uint16_t id)
{
    return (struct mqtt_packet){
        .type = MQTT_PUBLISH,
        .as.publish = {
            .topic = slice_str(topic), .payload = slice_str(payload), .qos = qos, .packet_id = id}};
}

static inline void publish(struct client *t, const char *topic, const char *payload, uint8_t qos,
                           uint16_t id)
{
    struct mqtt_packet p = publish_packet(topic, payload, qos, id);
    client_say(t, &p);
}

static inline void retain(struct client *t, const char *topic, const char *payload)
{
    struct mqtt_packet p = publish_packet(topic, payload, 0, 0);
    p.as.publish.retain = true;
    client_say(t, &p);
}

static inline void say_ack(struct client *t, enum mqtt_type type, uint16_t id)
{
    client_say(t, &(struct mqtt_packet){.type = type, .as.ack = {.packet_id = id}});
}

/* Time passes. */
static inline void wait_s(struct broker *broker, double seconds)
{
    clock_set(clock_now_us() + (int64_t)(seconds * 1e6));
    broker_tick(broker);
}

#endif

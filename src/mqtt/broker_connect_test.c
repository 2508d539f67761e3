/* Tests of CONNECT and of how a connection ends, by normative statement. */
#include "mqtt/testing.h"

static void connect_comes_first_and_once(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct client t = client_open(b, both[i]);
        client_say(&t, &(struct mqtt_packet){.type = MQTT_PINGREQ}); /* [MQTT-3.1.0-1] */
        expect_closed(&t, 0);
        client_drop(&t);
        t = client_new(b, both[i], "me");
        struct mqtt_packet again = connect_packet(both[i], "me", true);
        client_say(&t, &again); /* [MQTT-3.1.0-2] */
        expect_closed(&t, MQTT_PROTOCOL_ERROR);
        client_drop(&t);
    }
}

static void connack_tells_what_was_agreed(void **state)
{
    (void)state;
    struct mqtt_packet p = connect_packet(MQTT_V5, "", true);
    p.as.connect.keep_alive = 120;
    struct client t = client_with(b, &p);
    const struct mqtt_props *props = &t.p.as.connack.props;
    assert_true(mqtt_has(props, MQTT_ASSIGNED_CLIENT_ID)); /* [MQTT-3.2.2-16] */
    assert_true(props->assigned_client_id.n > 0);
    assert_int_equal(props->server_keep_alive, 60); /* [MQTT-3.2.2-21] */
    assert_int_equal(props->receive_max, RECEIVE_MAXIMUM);
    assert_int_equal(props->topic_alias_max, ALIASES_IN);
    assert_int_equal(props->max_packet_size, MAX_PACKET);
    client_drop(&t);
    t = client_new(b, MQTT_V5, "named");
    assert_false(mqtt_has(&t.p.as.connack.props, MQTT_ASSIGNED_CLIENT_ID));
    assert_false(mqtt_has(&t.p.as.connack.props, MQTT_SERVER_KEEP_ALIVE));
    client_drop(&t);
}

static void expect_refused(struct mqtt_packet *p, uint8_t code)
{
    struct client t = client_open(b, (enum mqtt_version)p->as.connect.version);
    client_say(&t, p);
    expect(&t, MQTT_CONNACK);
    assert_int_equal(t.p.as.connack.reason, code);
    assert_false(t.p.as.connack.session_present); /* [MQTT-3.2.2-6] */
    expect_closed(&t, 0);
    client_drop(&t);
}

static void connects_are_refused_in_words(void **state)
{
    (void)state;
    /* 3.1.1 [MQTT-3.1.3-8], [MQTT-3.1.3-9]: no name and a session to be kept */
    struct mqtt_packet p = connect_packet(MQTT_V311, "", false);
    expect_refused(&p, MQTT311_BAD_CLIENT_ID);
    /* [MQTT-4.12.0-1] */
    p = connect_packet(MQTT_V5, "x", true);
    p.as.connect.props.has = MQTT_BIT(MQTT_AUTH_METHOD);
    p.as.connect.props.auth_method = SLICE_LIT("SCRAM");
    expect_refused(&p, MQTT_BAD_AUTH_METHOD);
    /* a will that is not the UTF-8 it says it is */
    p = connect_packet(MQTT_V5, "x", true);
    p.as.connect.has_will = true;
    p.as.connect.will_topic = SLICE_LIT("w");
    p.as.connect.will_payload = SLICE_LIT("\xff");
    p.as.connect.will_props.has = MQTT_BIT(MQTT_PAYLOAD_FORMAT);
    p.as.connect.will_props.payload_format = 1;
    expect_refused(&p, MQTT_BAD_PAYLOAD);
    p.as.connect.will_props.has = 0;
    p.as.connect.will_topic = SLICE_LIT("a/#");
    expect_refused(&p, MQTT_BAD_TOPIC);
}

static void other_versions_are_answered(void **state) /* 3.1.1 [MQTT-3.1.2-2] */
{
    (void)state;
    struct client t = client_open(b, MQTT_V311);
    mqtt_conn_feed(t.c, SLICE_LIT("\x10\x0d\0\4MQTT\6\2\0\x3c\0\1a"));
    assert_int_equal(t.c->memory.n, 4);
    assert_memory_equal(t.c->memory.p, "\x20\2\0\1", 4);
    assert_true(t.c->closed);
    client_drop(&t);
    t = client_open(b, MQTT_V5);
    mqtt_conn_feed(t.c, SLICE_LIT("\x10\x0e\0\4MQTT\6\2\0\x3c\0\0\1a"));
    expect(&t, MQTT_CONNACK);
    assert_int_equal(t.p.as.connack.reason, MQTT_BAD_VERSION);
    assert_true(t.c->closed);
    client_drop(&t);
}

static void malformed_connects_are_told_in_5_only(void **state)
{
    (void)state;
    struct client t = client_open(b, MQTT_V311);
    mqtt_conn_feed(t.c, SLICE_LIT("\x10\x0d\0\4MQTT\4\3\0\x3c\0\1a")); /* [MQTT-3.1.2-3] */
    expect_closed(&t, 0);
    client_drop(&t);
    t = client_open(b, MQTT_V5);
    mqtt_conn_feed(t.c, SLICE_LIT("\x10\x0e\0\4MQTT\5\3\0\x3c\0\0\1a"));
    expect(&t, MQTT_CONNACK);
    assert_int_equal(t.p.as.connack.reason, MQTT_MALFORMED);
    expect_closed(&t, 0);
    client_drop(&t);
}

static void packets_come_in_pieces(void **state)
{
    (void)state;
    struct client t = client_open(b, MQTT_V311);
    struct buf out = {0};
    struct mqtt_packet p = connect_packet(MQTT_V311, "slow", true);
    mqtt_write(&out, MQTT_V311, &p);
    p = publish_packet("a", "b", 1, 5);
    mqtt_write(&out, MQTT_V311, &p);
    mqtt_write(&out, MQTT_V311, &(struct mqtt_packet){.type = MQTT_PINGREQ});
    for (size_t i = 0; i < out.n; i++)
        mqtt_conn_feed(t.c, slice_of(out.p + i, 1));
    expect(&t, MQTT_CONNACK);
    expect_ack(&t, MQTT_PUBACK, 5, 0);
    expect(&t, MQTT_PINGRESP);
    expect_nothing(&t);
    buf_release(&out);
    client_drop(&t);
}

static void strangers_do_not_stay(void **state)
{
    (void)state;
    struct client t = client_open(b, MQTT_V311);
    mqtt_conn_feed(t.c, SLICE_LIT("\x10"));
    wait_s(b, 9);
    assert_false(t.c->closed);
    wait_s(b, 2);
    assert_true(t.c->closed);
    client_drop(&t);
}

static void keep_alive_is_one_and_a_half(void **state) /* [MQTT-3.1.2-22] */
{
    (void)state;
    struct client watch = client_new(b, MQTT_V311, "watch");
    subscribe(&watch, "gone", 0);
    for (int i = 0; i < 2; i++) {
        struct mqtt_packet p = connect_packet(both[i], "me", true);
        p.as.connect.keep_alive = 10;
        p.as.connect.has_will = true;
        p.as.connect.will_topic = SLICE_LIT("gone");
        p.as.connect.will_payload = SLICE_LIT("me");
        struct client t = client_with(b, &p);
        wait_s(b, 14);
        client_say(&t, &(struct mqtt_packet){.type = MQTT_PINGREQ});
        expect(&t, MQTT_PINGRESP); /* [MQTT-3.12.4-1] */
        wait_s(b, 14.9);
        expect_nothing(&t);
        expect_nothing(&watch);
        wait_s(b, 0.2);
        expect_closed(&t, MQTT_KEEP_ALIVE_TIMEOUT);
        expect_publish(&watch, "gone", "me");
        client_drop(&t);
    }
    client_drop(&watch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BROKER_TEST(connect_comes_first_and_once),
        BROKER_TEST(connack_tells_what_was_agreed),
        BROKER_TEST(connects_are_refused_in_words),
        BROKER_TEST(other_versions_are_answered),
        BROKER_TEST(malformed_connects_are_told_in_5_only),
        BROKER_TEST(packets_come_in_pieces),
        BROKER_TEST(strangers_do_not_stay),
        BROKER_TEST(keep_alive_is_one_and_a_half),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

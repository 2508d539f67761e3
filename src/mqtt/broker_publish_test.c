/* Tests of publishing: quality of service both ways, properties, aliases, by normative statement.
 */
#include "mqtt/testing.h"

/* ---- QoS of what clients publish ---- */

static void publishes_are_acknowledged(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        uint8_t nobody = both[i] == MQTT_V5 ? MQTT_NO_SUBSCRIBERS : 0;
        struct client t = client_new(b, both[i], "me");
        struct client hear = client_new(b, both[i], "hear");
        publish(&t, "a", "x", 1, 10); /* [MQTT-4.3.2-4] */
        expect_ack(&t, MQTT_PUBACK, 10, nobody);
        subscribe(&hear, "a", 2);
        publish(&t, "a", "1", 1, 11);
        expect_ack(&t, MQTT_PUBACK, 11, 0);
        expect_publish(&hear, "a", "1");
        publish(&t, "a", "2", 2, 12);
        expect_ack(&t, MQTT_PUBREC, 12, 0);
        expect_publish(&hear, "a", "2");
        publish(&t, "a", "2", 2, 12); /* [MQTT-4.3.3-10]: acknowledged again, delivered once */
        expect_ack(&t, MQTT_PUBREC, 12, 0);
        expect_nothing(&hear);
        say_ack(&t, MQTT_PUBREL, 12);
        expect_ack(&t, MQTT_PUBCOMP, 12, 0); /* [MQTT-4.3.3-11] */
        publish(&t, "a", "3", 2, 12);        /* a new message */
        expect_ack(&t, MQTT_PUBREC, 12, 0);
        expect_publish(&hear, "a", "3");
        say_ack(&t, MQTT_PUBREL, 99);
        expect_ack(&t, MQTT_PUBCOMP, 99, both[i] == MQTT_V5 ? MQTT_PACKET_ID_NOT_FOUND : 0);
        client_drop(&t);
        client_drop(&hear);
    }
}

static void qos2_survives_the_connection(void **state)
{
    (void)state;
    struct client hear = client_new(b, MQTT_V311, "hear");
    subscribe(&hear, "a", 0);
    struct client t = client_stay(b, MQTT_V5, "me", 100);
    publish(&t, "a", "once", 2, 7);
    client_drop(&t);
    t = client_stay(b, MQTT_V5, "me", 100);
    struct mqtt_packet p = publish_packet("a", "once", 2, 7);
    p.as.publish.dup = true;
    client_say(&t, &p);
    expect_ack(&t, MQTT_PUBREC, 7, 0);
    expect_publish(&hear, "a", "once");
    expect_nothing(&hear);
    client_drop(&t);
    client_drop(&hear);
}

static void the_client_may_not_exceed_our_receive_maximum(void **state) /* [MQTT-3.3.4-7] */
{
    (void)state;
    struct client t = client_new(b, MQTT_V5, "me");
    for (uint16_t id = 1; id <= RECEIVE_MAXIMUM; id++) {
        publish(&t, "a", "x", 2, id);
        expect_ack(&t, MQTT_PUBREC, id, MQTT_NO_SUBSCRIBERS);
    }
    say_ack(&t, MQTT_PUBREL, 1);
    expect(&t, MQTT_PUBCOMP);
    publish(&t, "a", "x", 2, 1);
    expect(&t, MQTT_PUBREC);
    publish(&t, "a", "x", 2, RECEIVE_MAXIMUM + 1);
    expect_closed(&t, MQTT_RECEIVE_MAXIMUM);
    client_drop(&t);
}

static void we_keep_to_the_clients_receive_maximum(void **state) /* [MQTT-3.1.2-..], 4.9 */
{
    (void)state;
    struct client from = client_new(b, MQTT_V311, "from");
    struct mqtt_packet p = connect_packet(MQTT_V5, "me", true);
    p.as.connect.props.has = MQTT_BIT(MQTT_RECEIVE_MAX) | MQTT_BIT(MQTT_SESSION_EXPIRY);
    p.as.connect.props.receive_max = 2;
    p.as.connect.props.session_expiry = 100;
    struct client t = client_with(b, &p);
    subscribe(&t, "#", 2);
    publish(&from, "a", "1", 1, 1);
    publish(&from, "a", "2", 2, 2);
    publish(&from, "a", "3", 1, 3);
    publish(&from, "a", "0", 0, 0);
    expect_publish(&t, "a", "1");
    expect_publish(&t, "a", "2");
    uint16_t two = t.p.as.publish.packet_id;
    expect_publish(&t, "a", "0"); /* QoS 0 has no quota */
    expect_nothing(&t);
    say_ack(&t, MQTT_PUBREC, two); /* does not free a place */
    expect(&t, MQTT_PUBREL);
    expect_nothing(&t);
    say_ack(&t, MQTT_PUBCOMP, two);
    expect_publish(&t, "a", "3");
    client_drop(&t);
    p.as.connect.clean_start = false; /* resent within the quota as well */
    p.as.connect.props.receive_max = 1;
    t = client_with(b, &p);
    expect_publish(&t, "a", "1");
    uint16_t one = t.p.as.publish.packet_id;
    expect_nothing(&t);
    say_ack(&t, MQTT_PUBACK, one);
    expect_publish(&t, "a", "3");
    assert_true(t.p.as.publish.dup);
    client_drop(&t);
    client_drop(&from);
}

static void a_refused_delivery_is_over(void **state) /* 4.3.3: PUBREC with an error */
{
    (void)state;
    struct client t = client_stay(b, MQTT_V5, "me", 100);
    subscribe(&t, "a", 2);
    publish(&t, "a", "x", 2, 1);
    expect_publish(&t, "a", "x");
    uint16_t id = t.p.as.publish.packet_id;
    client_say(&t, &(struct mqtt_packet){.type = MQTT_PUBREC,
                                         .as.ack = {.packet_id = id, .reason = MQTT_QUOTA}});
    expect(&t, MQTT_PUBREC);
    expect_nothing(&t);
    assert_int_equal(t.c->session->flight.n, 0);
    say_ack(&t, MQTT_PUBREC, id);
    expect_ack(&t, MQTT_PUBREL, id, MQTT_PACKET_ID_NOT_FOUND);
    client_drop(&t);
    t = client_new(b, MQTT_V5, "me");
    subscribe(&t, "a", 1);
    publish(&t, "a", "x", 1, 1);
    expect_publish(&t, "a", "x");
    say_ack(&t, MQTT_PUBREC, t.p.as.publish.packet_id); /* of a QoS 1 message */
    expect(&t, MQTT_PUBACK);
    expect_closed(&t, MQTT_PROTOCOL_ERROR);
    client_drop(&t);
}

/* ---- properties on their way through ---- */

static void properties_pass_through(void **state) /* [MQTT-3.3.2-4], [-15] ... [-20] */
{
    (void)state;
    struct client t = client_new(b, MQTT_V5, "t"), old = client_new(b, MQTT_V311, "old");
    subscribe(&t, "a", 0);
    subscribe(&old, "a", 0);
    struct buf more = {0};
    mqtt_props_add_user(&more, SLICE_LIT("k"), SLICE_LIT("1"));
    mqtt_props_add_user(&more, SLICE_LIT("k"), SLICE_LIT("2")); /* [MQTT-3.3.2-18]: in order */
    struct mqtt_packet p = publish_packet("a", "x", 0, 0);
    p.as.publish.props =
        (struct mqtt_props){.has = MQTT_BIT(MQTT_PAYLOAD_FORMAT) | MQTT_BIT(MQTT_MESSAGE_EXPIRY) |
                                   MQTT_BIT(MQTT_CONTENT_TYPE) | MQTT_BIT(MQTT_RESPONSE_TOPIC) |
                                   MQTT_BIT(MQTT_CORRELATION_DATA) | MQTT_BIT(MQTT_TOPIC_ALIAS),
                            .more = buf_slice(&more),
                            .payload_format = 1,
                            .message_expiry = 60,
                            .topic_alias = 1,
                            .content_type = SLICE_LIT("c"),
                            .response_topic = SLICE_LIT("r"),
                            .correlation_data = SLICE_LIT("d")};
    client_say(&t, &p);
    expect_publish(&t, "a", "x");
    const struct mqtt_props *got = &t.p.as.publish.props;
    assert_int_equal(got->payload_format, 1);
    assert_int_equal(got->message_expiry, 60);
    assert_false(mqtt_has(got, MQTT_TOPIC_ALIAS)); /* a hop's own business */
    assert_true(slice_is(got->content_type, "c") && slice_is(got->response_topic, "r"));
    assert_true(slice_is(got->correlation_data, "d"));
    struct mqtt_prop_value v;
    size_t at = 0;
    char seen[3] = "", n = 0;
    while (mqtt_prop_next(got->raw, &at, &v))
        if (v.prop == MQTT_USER_PROPERTY)
            seen[(int)n++] = v.value.p[0];
    assert_string_equal(seen, "12");
    expect_publish(&old, "a", "x"); /* 3.1.1 gets the message without them */
    buf_release(&more);
    client_drop(&t);
    client_drop(&old);
}

static void messages_expire(void **state) /* [MQTT-3.3.2-5], [MQTT-3.3.2-6] */
{
    (void)state;
    struct client from = client_new(b, MQTT_V5, "from");
    struct client t = client_stay(b, MQTT_V5, "t", 1000);
    subscribe(&t, "a", 1);
    client_drop(&t);
    struct mqtt_packet p = publish_packet("a", "short", 1, 1);
    p.as.publish.props.has = MQTT_BIT(MQTT_MESSAGE_EXPIRY);
    p.as.publish.props.message_expiry = 10;
    client_say(&from, &p);
    p = publish_packet("a", "long", 1, 2);
    p.as.publish.props.has = MQTT_BIT(MQTT_MESSAGE_EXPIRY);
    p.as.publish.props.message_expiry = 100;
    p.as.publish.retain = true;
    client_say(&from, &p);
    wait_s(b, 30);
    t = client_stay(b, MQTT_V5, "t", 1000);
    expect_publish(&t, "a", "long");
    assert_int_equal(t.p.as.publish.props.message_expiry, 70);
    expect_nothing(&t);
    wait_s(b, 75);
    subscribe(&t, "a", 1);
    expect_nothing(&t); /* the retained one too */
    wait_s(b, 61);
    assert_int_equal(b->retained_n, 0); /* and it is swept away */
    client_drop(&t);
    client_drop(&from);
}

static void topic_aliases_of_clients(void **state) /* [MQTT-3.3.2-7] ... [-12] */
{
    (void)state;
    struct client t = client_new(b, MQTT_V5, "t");
    subscribe(&t, "#", 0);
    struct mqtt_packet p = publish_packet("a", "1", 0, 0);
    p.as.publish.props.has = MQTT_BIT(MQTT_TOPIC_ALIAS);
    p.as.publish.props.topic_alias = ALIASES_IN;
    client_say(&t, &p);
    expect_publish(&t, "a", "1");
    p.as.publish.topic = SLICE_LIT("");
    client_say(&t, &p);
    expect_publish(&t, "a", "1");
    p.as.publish.topic = SLICE_LIT("b"); /* an alias may be given to another topic */
    client_say(&t, &p);
    expect_publish(&t, "b", "1");
    p.as.publish.topic = SLICE_LIT("");
    client_say(&t, &p);
    expect_publish(&t, "b", "1");
    p.as.publish.props.topic_alias = ALIASES_IN + 1;
    client_say(&t, &p);
    expect_closed(&t, MQTT_BAD_ALIAS);
    client_drop(&t);
    t = client_new(b, MQTT_V5, "t");
    p.as.publish.props.topic_alias = 1; /* of the connection before: not known any more */
    client_say(&t, &p);
    expect_closed(&t, MQTT_PROTOCOL_ERROR);
    client_drop(&t);
}

static void topic_aliases_of_ours(void **state) /* [MQTT-3.1.2-26], [-27] */
{
    (void)state;
    struct mqtt_packet p = connect_packet(MQTT_V5, "t", true);
    p.as.connect.props.has = MQTT_BIT(MQTT_TOPIC_ALIAS_MAX);
    p.as.connect.props.topic_alias_max = 1;
    struct client t = client_with(b, &p);
    subscribe(&t, "#", 0);
    publish(&t, "a", "1", 0, 0);
    expect_publish(&t, "a", "1");
    assert_int_equal(t.p.as.publish.props.topic_alias, 1);
    publish(&t, "a", "2", 0, 0);
    expect_publish(&t, "", "2");
    assert_int_equal(t.p.as.publish.props.topic_alias, 1);
    publish(&t, "b", "3", 0, 0); /* no more than it takes */
    expect_publish(&t, "b", "3");
    assert_false(mqtt_has(&t.p.as.publish.props, MQTT_TOPIC_ALIAS));
    client_drop(&t);
}

static void large_packets_are_not_sent(void **state) /* [MQTT-3.1.2-24], [-25] */
{
    (void)state;
    struct mqtt_packet p = connect_packet(MQTT_V5, "t", true);
    p.as.connect.props.has = MQTT_BIT(MQTT_MAX_PACKET_SIZE) | MQTT_BIT(MQTT_TOPIC_ALIAS_MAX);
    p.as.connect.props.max_packet_size = 30;
    p.as.connect.props.topic_alias_max = 5;
    struct client t = client_with(b, &p), from = client_new(b, MQTT_V311, "from");
    subscribe(&t, "a", 2);
    publish(&from, "a", "0123456789012345678901234567890123456789", 0, 0);
    publish(&from, "a", "0123456789012345678901234567890123456789", 2, 1);
    publish(&from, "a", "small", 1, 2);
    expect_publish(&t, "a", "small"); /* and its alias comes with the topic */
    expect_nothing(&t);
    assert_int_equal(t.c->session->flight.n, 1);
    publish(&t, "$SYS/x", "refused", 1, 9);
    expect_ack(&t, MQTT_PUBACK, 9, MQTT_BAD_TOPIC); /* without its text: [MQTT-3.4.2-2] */
    assert_false(mqtt_has(&t.p.as.ack.props, MQTT_REASON_STRING));
    client_drop(&t);
    client_drop(&from);
}

static void payloads_are_what_they_say(void **state) /* 3.3.2.3.2 */
{
    (void)state;
    struct client t = client_new(b, MQTT_V5, "t");
    subscribe(&t, "a", 0);
    struct mqtt_packet p = publish_packet("a", "\xff", 1, 1);
    p.as.publish.props.has = MQTT_BIT(MQTT_PAYLOAD_FORMAT);
    p.as.publish.props.payload_format = 1;
    client_say(&t, &p);
    expect_ack(&t, MQTT_PUBACK, 1, MQTT_BAD_PAYLOAD);
    assert_true(t.p.as.ack.props.reason_string.n > 0);
    p.as.publish.qos = 2;
    client_say(&t, &p);
    expect_ack(&t, MQTT_PUBREC, 1, MQTT_BAD_PAYLOAD);
    p.as.publish.payload = SLICE_LIT("good");
    client_say(&t, &p); /* the identifier was free again */
    expect_publish(&t, "a", "good");
    expect_ack(&t, MQTT_PUBREC, 1, 0);
    client_drop(&t);
}

static void reason_strings_only_when_asked_for(void **state) /* [MQTT-3.1.2-29] */
{
    (void)state;
    struct mqtt_packet p = connect_packet(MQTT_V5, "t", true);
    p.as.connect.props.has = MQTT_BIT(MQTT_REQUEST_PROBLEM);
    p.as.connect.props.request_problem = 0;
    struct client t = client_with(b, &p);
    publish(&t, "$SYS/broker/version", "mine", 1, 1);
    expect_ack(&t, MQTT_PUBACK, 1, MQTT_BAD_TOPIC);
    assert_false(mqtt_has(&t.p.as.ack.props, MQTT_REASON_STRING));
    client_drop(&t);
}

static void sys_topics_are_ours(void **state)
{
    (void)state;
    struct client t = client_new(b, MQTT_V311, "t");
    subscribe(&t, "$SYS/broker/version", 0);
    expect_publish(&t, "$SYS/broker/version", "doppel " DOPPEL_VERSION);
    assert_true(t.p.as.publish.retain);
    publish(&t, "$SYS/broker/version", "mine", 1, 3);
    expect_ack(&t, MQTT_PUBACK, 3, 0); /* 3.1.1 has no word for no */
    expect_nothing(&t);
    subscribe(&t, "$SYS/broker/clients/connected", 0);
    expect_publish(&t, "$SYS/broker/clients/connected", "1");
    wait_s(b, 11);
    for (int i = 0; i < 2; i++) {
        expect(&t, MQTT_PUBLISH);
        assert_false(t.p.as.publish.retain);
    }
    client_drop(&t);
    assert_int_equal(b->sys_subs, 0);
}

static void expect_sys(struct client *t, const char *name, const char *value)
{
    char topic[96];
    snprintf(topic, sizeof topic, "$SYS/broker/%s", name);
    subscribe(t, topic, 0);
    expect_publish(t, topic, value);
    unsubscribe(t, topic);
}

static void sys_topics_count(void **state)
{
    (void)state;
    struct client t = client_new(b, MQTT_V5, "t"), away = client_stay(b, MQTT_V5, "away", 100);
    subscribe(&away, "a", 1);
    subscribe(&away, "$share/g/a", 1);
    publish(&t, "a", "12345", 1, 1); /* one copy for itself, one for the share: both in flight */
    client_drop(&away);
    publish(&t, "a", "6", 1, 2);
    retain(&t, "r", "kept");
    b->stats.packets_in = 100;
    expect_ack(&t, MQTT_PUBACK, 1, 0);
    expect_ack(&t, MQTT_PUBACK, 2, 0);
    retained_drop_all(b); /* the $SYS topics themselves are retained messages */
    expect_sys(&t, "clients/connected", "1");
    expect_sys(&t, "clients/disconnected", "1");
    expect_sys(&t, "clients/total", "2");
    expect_sys(&t, "clients/maximum", "2");
    expect_sys(&t, "clients/expired", "0");
    expect_sys(&t, "subscriptions/count", "3");
    expect_sys(&t, "shared subscriptions/count", "1");
    expect_sys(&t, "messages/inflight", "2");
    expect_sys(&t, "messages/queued", "2");
    expect_sys(&t, "publish/messages/received", "3");
    expect_sys(&t, "publish/bytes/received", "10");
    expect_sys(&t, "publish/messages/dropped", "0");
    expect_sys(&t, "messages/received", "125"); /* two a line above, and this SUBSCRIBE */
    expect_sys(&t, "load/publish/received/1min", "0.00");
    wait_s(b, 60);
    expect_sys(&t, "load/publish/received/1min", "1.90"); /* 3 a minute, by 1 - 1/e */
    wait_s(b, 100);
    expect_sys(&t, "clients/expired", "1");
    client_drop(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BROKER_TEST(publishes_are_acknowledged),
        BROKER_TEST(qos2_survives_the_connection),
        BROKER_TEST(the_client_may_not_exceed_our_receive_maximum),
        BROKER_TEST(we_keep_to_the_clients_receive_maximum),
        BROKER_TEST(a_refused_delivery_is_over),
        BROKER_TEST(properties_pass_through),
        BROKER_TEST(messages_expire),
        BROKER_TEST(topic_aliases_of_clients),
        BROKER_TEST(topic_aliases_of_ours),
        BROKER_TEST(large_packets_are_not_sent),
        BROKER_TEST(payloads_are_what_they_say),
        BROKER_TEST(reason_strings_only_when_asked_for),
        BROKER_TEST(sys_topics_are_ours),
        BROKER_TEST(sys_topics_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

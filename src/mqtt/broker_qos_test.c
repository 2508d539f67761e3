/* Tests of delivery in both directions: identifiers, acknowledgements, what is sent again and what
 * never is, order and quotas, by normative statement. */
#include "mqtt/testing.h"

static void ack_with(struct client *t, enum mqtt_type type, uint16_t id, uint8_t reason)
{
    client_say(t,
               &(struct mqtt_packet){.type = type, .as.ack = {.packet_id = id, .reason = reason}});
}

static uint16_t expect_delivery(struct client *t, const char *payload, uint8_t qos, bool dup)
{
    expect(t, MQTT_PUBLISH);
    if (!slice_is(t->p.as.publish.payload, payload))
        fail_msg("%.*s, not %s", SLICE_ARG(t->p.as.publish.payload), payload);
    assert_int_equal(t->p.as.publish.qos, qos);
    assert_int_equal(t->p.as.publish.dup, dup);
    return t->p.as.publish.packet_id;
}

/* ---- to us ---- */

static void the_answer_goes_by_the_qos(void **state)
{
    (void)state;
    /* [MQTT-3.3.4-1], [MQTT-2.2.1-5]; 3.1.1 [MQTT-3.3.4-1], [MQTT-2.3.1-6] */
    for (int i = 0; i < 2; i++) {
        struct client t = client_new(b, both[i], "me"), hear = client_new(b, both[i], "hear");
        subscribe(&hear, "a", 2);
        publish(&t, "a", "0", 0, 0);
        expect_nothing(&t);
        expect_delivery(&hear, "0", 0, false);
        /* QoS 1: [MQTT-4.3.2-4], and the identifier is free again: [MQTT-4.3.2-5];
         * 3.1.1 [MQTT-4.3.2-2] */
        for (int again = 0; again < 2; again++) {
            struct mqtt_packet p = publish_packet("a", "1", 1, 0x1234);
            p.as.publish.dup = again;
            client_say(&t, &p);
            expect_ack(&t, MQTT_PUBACK, 0x1234, 0);
            expect_delivery(&hear, "1", 1, false); /* [MQTT-3.3.1-3]; 3.1.1 [MQTT-3.3.1-3] */
        }
        /* QoS 2: [MQTT-4.3.3-8], [MQTT-4.3.3-10], [MQTT-4.3.3-11], [MQTT-4.3.3-12];
         * 3.1.1 [MQTT-4.3.3-2] */
        for (int again = 0; again < 2; again++) {
            publish(&t, "a", "2", 2, 0x1235);
            expect_ack(&t, MQTT_PUBREC, 0x1235, 0);
            expect_delivery(&hear, "2", 2, false);
            struct mqtt_packet p = publish_packet("a", "2", 2, 0x1235);
            p.as.publish.dup = true;
            client_say(&t, &p);
            expect_ack(&t, MQTT_PUBREC, 0x1235, 0);
            expect_nothing(&hear);
            say_ack(&t, MQTT_PUBREL, 0x1235);
            expect_ack(&t, MQTT_PUBCOMP, 0x1235, 0);
        }
        client_drop(&t);
        client_drop(&hear);
    }
}

static void a_refused_identifier_is_free(void **state) /* [MQTT-4.3.3-9] */
{
    (void)state;
    struct client t = client_new(b, MQTT_V5, "me");
    subscribe(&t, "a", 0);
    publish(&t, "$SYS/x", "no", 2, 7);
    expect_ack(&t, MQTT_PUBREC, 7, MQTT_BAD_TOPIC);
    publish(&t, "a", "yes", 2, 7);
    expect_publish(&t, "a", "yes");
    expect_ack(&t, MQTT_PUBREC, 7, 0);
    client_drop(&t);
}

static void an_exchange_outlives_its_message(void **state) /* [MQTT-4.3.3-13] */
{
    (void)state;
    struct client t = client_new(b, MQTT_V5, "me");
    struct mqtt_packet p = publish_packet("a", "x", 2, 7);
    p.as.publish.props.has = MQTT_BIT(MQTT_MESSAGE_EXPIRY);
    p.as.publish.props.message_expiry = 1;
    client_say(&t, &p);
    expect(&t, MQTT_PUBREC);
    wait_s(b, 10);
    client_say(&t, &p);
    expect(&t, MQTT_PUBREC);
    say_ack(&t, MQTT_PUBREL, 7);
    expect_ack(&t, MQTT_PUBCOMP, 7, 0);
    client_drop(&t);
}

static void what_is_not_allowed_is_acknowledged_in_3(void **state) /* 3.1.1 [MQTT-3.3.5-2] */
{
    (void)state;
    struct client t = client_new(b, MQTT_V311, "me"), watch = client_new(b, MQTT_V311, "watch");
    subscribe(&watch, "$SYS/mine", 0);
    publish(&t, "$SYS/mine", "x", 1, 1);
    expect_ack(&t, MQTT_PUBACK, 1, 0);
    publish(&t, "$SYS/mine", "x", 2, 2);
    expect_ack(&t, MQTT_PUBREC, 2, 0);
    say_ack(&t, MQTT_PUBREL, 2);
    expect_ack(&t, MQTT_PUBCOMP, 2, 0);
    expect_nothing(&watch);
    client_drop(&t);
    client_drop(&watch);
}

/* ---- from us ---- */

static void deliveries_have_their_qos_and_no_dup(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct client t = client_stay(b, both[i], "me", 100), from = client_new(b, both[i], "from");
        subscribe(&t, "a", 2);
        /* [MQTT-4.3.1-1], [MQTT-3.3.1-2]; 3.1.1 [MQTT-4.3.1-1], [MQTT-3.3.1-2] */
        publish(&from, "a", "0", 0, 0);
        assert_int_equal(expect_delivery(&t, "0", 0, false), 0);
        /* [MQTT-4.3.2-1], [MQTT-4.3.2-2]; 3.1.1 [MQTT-4.3.2-1] */
        publish(&from, "a", "1", 1, 1);
        uint16_t one = expect_delivery(&t, "1", 1, false);
        /* [MQTT-4.3.3-1], [MQTT-4.3.3-2]; 3.1.1 [MQTT-4.3.3-1] */
        publish(&from, "a", "2", 2, 2);
        uint16_t two = expect_delivery(&t, "2", 2, false);
        assert_true(one && two && one != two);
        /* not again on the same connection, however long it takes: [MQTT-4.4.0-1] */
        wait_s(b, 100000);
        expect_nothing(&t);
        /* unacknowledged until PUBACK and PUBREC: [MQTT-4.3.2-3], [MQTT-4.3.3-3], [MQTT-3.3.1-1];
         * 3.1.1 [MQTT-4.3.2-1], [MQTT-4.3.3-1], [MQTT-3.3.1-1], [MQTT-4.4.0-1] */
        client_drop(&t);
        t = client_stay(b, both[i], "me", 100);
        assert_int_equal(expect_delivery(&t, "1", 1, true), one);
        assert_int_equal(expect_delivery(&t, "2", 2, true), two);
        say_ack(&t, MQTT_PUBACK, one);
        say_ack(&t, MQTT_PUBREC, two);
        expect_ack(&t, MQTT_PUBREL, two, 0); /* [MQTT-4.3.3-4]; 3.1.1 [MQTT-4.3.3-1] */
        /* PUBREL until PUBCOMP, PUBLISH never more: [MQTT-4.3.3-5], [MQTT-4.3.3-6],
         * [MQTT-4.4.0-1]; 3.1.1 [MQTT-4.3.3-1], [MQTT-4.4.0-1] */
        for (int again = 0; again < 2; again++) {
            client_drop(&t);
            t = client_stay(b, both[i], "me", 100);
            expect_ack(&t, MQTT_PUBREL, two, 0);
            expect_nothing(&t);
        }
        say_ack(&t, MQTT_PUBCOMP, two);
        client_drop(&t);
        t = client_stay(b, both[i], "me", 100);
        expect_nothing(&t);
        client_drop(&t);
        client_drop(&from);
        t = client_new(b, both[i], "me");
        client_drop(&t);
    }
}

static void identifiers_in_flight_are_not_given_again(void **state)
{
    (void)state;
    /* [MQTT-2.2.1-4], [MQTT-4.3.2-1]; 3.1.1 [MQTT-2.3.1-4], [MQTT-4.3.2-1] */
    struct client t = client_new(b, MQTT_V311, "me"), from = client_new(b, MQTT_V311, "from");
    subscribe(&t, "a", 1);
    publish(&from, "a", "stays", 1, 1);
    uint16_t kept = expect_delivery(&t, "stays", 1, false);
    for (int i = 0; i < 70000; i++) { /* once round and more */
        publish(&from, "a", "x", 1, 1);
        uint16_t id = expect_delivery(&t, "x", 1, false);
        assert_true(id != 0 && id != kept);
        say_ack(&t, MQTT_PUBACK, id);
        buf_clear(&from.c->memory);
    }
    client_drop(&t);
    client_drop(&from);
}

static void a_message_under_way_does_not_expire(void **state) /* [MQTT-4.3.3-7] */
{
    (void)state;
    struct client t = client_stay(b, MQTT_V5, "me", 100), from = client_new(b, MQTT_V5, "from");
    subscribe(&t, "a", 2);
    struct mqtt_packet p = publish_packet("a", "x", 2, 1);
    p.as.publish.props.has = MQTT_BIT(MQTT_MESSAGE_EXPIRY);
    p.as.publish.props.message_expiry = 5;
    client_say(&from, &p);
    uint16_t id = expect_delivery(&t, "x", 2, false);
    client_drop(&t);
    wait_s(b, 20);
    t = client_stay(b, MQTT_V5, "me", 100);
    assert_int_equal(expect_delivery(&t, "x", 2, true), id);
    client_drop(&t);
    client_drop(&from);
}

static void a_refusal_ends_a_delivery(void **state)
{
    (void)state;
    /* [MQTT-4.4.0-2]; a member of a share, too, and nobody else gets it: [MQTT-4.8.2-6] */
    static const char *const filters[] = {"a", "$share/g/a"};
    for (int i = 0; i < 2; i++)
        for (uint8_t qos = 1; qos < 3; qos++) {
            struct client from = client_new(b, MQTT_V5, "from");
            struct client t = client_stay(b, MQTT_V5, "me", 100);
            struct client mate = client_stay(b, MQTT_V5, "mate", 100);
            subscribe(&t, filters[i], qos);
            publish(&from, "a", "x", qos, 1);
            uint16_t id = expect_delivery(&t, "x", qos, false);
            subscribe(&mate, "$share/g/a", qos);
            ack_with(&t, qos == 1 ? MQTT_PUBACK : MQTT_PUBREC, id, MQTT_UNSPECIFIED);
            expect_nothing(&t);
            client_drop(&t);
            t = client_stay(b, MQTT_V5, "me", 100);
            expect_nothing(&t);
            expect_nothing(&mate);
            client_drop(&t);
            client_drop(&mate);
            t = client_new(b, MQTT_V5, "me");
            mate = client_new(b, MQTT_V5, "mate");
            client_drop(&t);
            client_drop(&mate);
            client_drop(&from);
        }
}

/* ---- order and quotas ---- */

static void each_publisher_is_heard_in_order(void **state)
{
    (void)state;
    /* [MQTT-4.6.0-5], [MQTT-4.6.0-6]; 3.1.1 [MQTT-4.6.0-5], [MQTT-4.6.0-6]: online, waiting, again
     */
    for (int i = 0; i < 2; i++) {
        struct client from[2] = {client_new(b, both[i], "A"), client_new(b, both[i], "B")};
        struct client t = client_stay(b, both[i], "me", 100);
        subscribe(&t, "#", 2);
        char text[8];
        for (uint16_t n = 0; n < 300; n++) {
            if (n == 100)
                client_drop(&t);
            if (n == 200)
                t = client_stay(b, both[i], "me", 100);
            for (int who = 0; who < 2; who++) {
                snprintf(text, sizeof text, "%c%hu", 'A' + who, n);
                publish(&from[who], n % 2 ? "x" : "y", text, 1, (uint16_t)(n + 1));
                buf_clear(&from[who].c->memory);
            }
            if (n < 100) /* heard, not acknowledged: it comes again, in the same order */
                assert_true(client_hear(&t) && client_hear(&t));
        }
        int next[2] = {0, 0};
        while (client_hear(&t)) {
            struct slice m = t.p.as.publish.payload;
            int who = m.p[0] - 'A';
            snprintf(text, sizeof text, "%d", next[who]++);
            assert_true(slice_is(slice_skip(m, 1), text));
            say_ack(&t, MQTT_PUBACK, t.p.as.publish.packet_id);
        }
        assert_true(next[0] == 300 && next[1] == 300);
        client_drop(&t);
        t = client_new(b, both[i], "me");
        client_drop(&t);
        client_drop(&from[0]);
        client_drop(&from[1]);
    }
}

static void the_quota_holds_back_publishes_alone(void **state)
{
    (void)state;
    /* [MQTT-4.9.0-1], [MQTT-4.9.0-2], [MQTT-4.9.0-3], [MQTT-3.3.4-9], [MQTT-3.3.4-10] */
    struct mqtt_packet p = connect_packet(MQTT_V5, "me", true);
    p.as.connect.props.has = MQTT_BIT(MQTT_RECEIVE_MAX);
    p.as.connect.props.receive_max = 3;
    struct client t = client_with(b, &p);
    subscribe(&t, "a", 2);
    for (uint16_t id = 1; id <= 10; id++) {
        publish(&t, "a", "x", id % 2 ? 1 : 2, id);
        uint16_t got = 0;
        if (id <= 3) /* as many as it takes */
            got = expect_delivery(&t, "x", id % 2 ? 1 : 2, false);
        expect_ack(&t, id % 2 ? MQTT_PUBACK : MQTT_PUBREC, id, 0);
        expect_nothing(&t);
        assert_true((id <= 3) == (got != 0));
    }
    say_ack(&t, MQTT_PUBREL, 2);
    expect_ack(&t, MQTT_PUBCOMP, 2, 0);
    client_feed(&t, "c000");
    expect(&t, MQTT_PINGRESP);
    subscribe(&t, "b", 0);
    publish(&t, "b", "QoS 0 has no quota", 0, 0);
    expect_delivery(&t, "QoS 0 has no quota", 0, false);
    assert_int_equal(unsubscribe(&t, "b"), 0);
    /* PUBREC with an error gives its place back, and so do PUBACK and PUBCOMP */
    ack_with(&t, MQTT_PUBREC, 2, MQTT_QUOTA);
    expect_delivery(&t, "x", 2, false);
    say_ack(&t, MQTT_PUBACK, 1);
    expect_delivery(&t, "x", 1, false);
    expect_nothing(&t);
    client_drop(&t);
}

static void a_pubrel_sent_again_gives_no_place(void **state) /* [MQTT-3.3.4-9], [MQTT-4.9.0-2] */
{
    (void)state;
    struct client from = client_new(b, MQTT_V5, "from");
    struct mqtt_packet p = connect_packet(MQTT_V5, "me", false);
    p.as.connect.props.has = MQTT_BIT(MQTT_RECEIVE_MAX) | MQTT_BIT(MQTT_SESSION_EXPIRY);
    p.as.connect.props.receive_max = 2;
    p.as.connect.props.session_expiry = 100;
    struct client t = client_with(b, &p);
    subscribe(&t, "a", 2);
    char text[2] = "1";
    for (uint16_t id = 1; id <= 5; id++, text[0]++)
        publish(&from, "a", text, 2, id);
    uint16_t one = expect_delivery(&t, "1", 2, false);
    expect_delivery(&t, "2", 2, false);
    say_ack(&t, MQTT_PUBREC, one);
    expect_ack(&t, MQTT_PUBREL, one, 0);
    expect_nothing(&t);
    client_drop(&t);
    t = client_with(b, &p);
    expect_ack(&t, MQTT_PUBREL, one, 0);
    uint16_t two = expect_delivery(&t, "2", 2, true);
    expect_delivery(&t, "3", 2, false);
    say_ack(&t, MQTT_PUBCOMP, one); /* two are under way, as many as it takes */
    expect_nothing(&t);
    say_ack(&t, MQTT_PUBREC, two);
    expect_ack(&t, MQTT_PUBREL, two, 0);
    say_ack(&t, MQTT_PUBCOMP, two);
    expect_delivery(&t, "4", 2, false);
    expect_nothing(&t);
    client_drop(&t);
    client_drop(&from);
}

static void what_is_too_large_counts_as_sent(void **state)
{
    (void)state;
    /* [MQTT-3.1.2-24], [MQTT-3.1.2-25]: to the byte, also in a share, and what waits behind comes
     */
    struct mqtt_packet p = connect_packet(MQTT_V5, "me", true);
    p.as.connect.props.has = MQTT_BIT(MQTT_MAX_PACKET_SIZE) | MQTT_BIT(MQTT_RECEIVE_MAX);
    p.as.connect.props.max_packet_size = 24;
    p.as.connect.props.receive_max = 1;
    struct client t = client_with(b, &p), from = client_new(b, MQTT_V311, "from");
    subscribe(&t, "a", 1);
    publish(&from, "a", "0123456789abcdef", 1, 1); /* 24 bytes with header, topic, identifier */
    uint16_t id = expect_delivery(&t, "0123456789abcdef", 1, false);
    assert_int_equal(t.last.n, 24);
    publish(&from, "a", "0123456789abcdefg", 1, 2);
    publish(&from, "a", "0123456789abcdefgh", 2, 3);
    publish(&from, "a", "small", 1, 4);
    say_ack(&t, MQTT_PUBACK, id);
    expect_delivery(&t, "small", 1, false);
    expect_nothing(&t);
    assert_int_equal(t.c->session->flight.n, 1);
    client_drop(&t);
    client_drop(&from);
}

static void aliases_of_ours_have_their_limit(void **state)
{
    (void)state;
    /* [MQTT-3.3.2-11], [MQTT-3.1.2-26], [MQTT-3.1.2-27] */
    for (uint32_t max = 0; max < 3; max++) {
        struct mqtt_packet p = connect_packet(MQTT_V5, "me", true);
        p.as.connect.props.has = max ? MQTT_BIT(MQTT_TOPIC_ALIAS_MAX) : 0;
        p.as.connect.props.topic_alias_max = max;
        struct client t = client_with(b, &p);
        subscribe(&t, "#", 0);
        for (int i = 0; i < 12; i++) {
            char topic[2] = {(char)('a' + i % 4), 0};
            publish(&t, topic, "x", 0, 0);
            expect(&t, MQTT_PUBLISH);
            const struct mqtt_props *got = &t.p.as.publish.props;
            if (mqtt_has(got, MQTT_TOPIC_ALIAS))
                assert_in_range(got->topic_alias, 1, max);
            assert_int_equal(mqtt_has(got, MQTT_TOPIC_ALIAS), (uint32_t)(i % 4) < max);
        }
        client_drop(&t);
    }
}

static void aliases_of_clients_are_all_taken(void **state)
{
    (void)state;
    /* [MQTT-3.3.2-12], and not on the next connection: [MQTT-3.3.2-7] */
    struct client t = client_stay(b, MQTT_V5, "me", 100);
    char topic[8];
    subscribe(&t, "#", 0);
    for (int round = 0; round < 2; round++)
        for (uint32_t alias = 1; alias <= ALIASES_IN; alias++) {
            snprintf(topic, sizeof topic, "t%u", alias);
            struct mqtt_packet p = publish_packet(round ? "" : topic, "x", 0, 0);
            p.as.publish.props.has = MQTT_BIT(MQTT_TOPIC_ALIAS);
            p.as.publish.props.topic_alias = alias;
            client_say(&t, &p);
            expect_publish(&t, topic, "x");
        }
    client_drop(&t);
    t = client_stay(b, MQTT_V5, "me", 100);
    client_feed(&t, "30 @ 0000 03 23 0001 'x'");
    expect_closed(&t, MQTT_PROTOCOL_ERROR);
    client_drop(&t);
}

/* ---- shared subscriptions ---- */

static void a_share_belongs_to_who_got_it(void **state)
{
    (void)state;
    struct client from = client_new(b, MQTT_V5, "from");
    struct client one = client_stay(b, MQTT_V5, "one", 100);
    struct client two = client_stay(b, MQTT_V5, "two", 100);
    /* each has its granted QoS: [MQTT-4.8.2-3] */
    subscribe(&one, "$share/g/a", 2);
    subscribe(&two, "$share/g/a", 0);
    for (uint16_t id = 1; id <= 4; id++)
        publish(&from, "a", "x", 2, id);
    uint16_t first = expect_delivery(&one, "x", 2, false);
    uint16_t second = expect_delivery(&one, "x", 2, false);
    expect_delivery(&two, "x", 0, false);
    expect_delivery(&two, "x", 0, false);
    say_ack(&one, MQTT_PUBREC, first);
    expect_ack(&one, MQTT_PUBREL, first, 0);
    /* completed when it is back: [MQTT-4.8.2-4] */
    client_drop(&one);
    expect_nothing(&two);
    one = client_stay(b, MQTT_V5, "one", 100);
    expect_ack(&one, MQTT_PUBREL, first, 0);
    assert_int_equal(expect_delivery(&one, "x", 2, true), second);
    /* and nobody's when its session ends: [MQTT-4.8.2-5] */
    client_drop(&one);
    wait_s(b, 101);
    assert_int_equal(b->sessions.count, 2);
    expect_nothing(&two);
    client_drop(&two);
    client_drop(&from);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BROKER_TEST(the_answer_goes_by_the_qos),
        BROKER_TEST(a_refused_identifier_is_free),
        BROKER_TEST(an_exchange_outlives_its_message),
        BROKER_TEST(what_is_not_allowed_is_acknowledged_in_3),
        BROKER_TEST(deliveries_have_their_qos_and_no_dup),
        BROKER_TEST(identifiers_in_flight_are_not_given_again),
        BROKER_TEST(a_message_under_way_does_not_expire),
        BROKER_TEST(a_refusal_ends_a_delivery),
        BROKER_TEST(each_publisher_is_heard_in_order),
        BROKER_TEST(the_quota_holds_back_publishes_alone),
        BROKER_TEST(a_pubrel_sent_again_gives_no_place),
        BROKER_TEST(what_is_too_large_counts_as_sent),
        BROKER_TEST(aliases_of_ours_have_their_limit),
        BROKER_TEST(aliases_of_clients_are_all_taken),
        BROKER_TEST(a_share_belongs_to_who_got_it),
    };
    (void)setup_small;
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Tests of sessions and wills, by normative statement. */
#include "mqtt/testing.h"

/* ---- sessions ---- */

static void clean_sessions_end_with_the_connection(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct client t = client_new(b, both[i], "me");
        subscribe(&t, "a", 1);
        client_leave(&t);
        assert_int_equal(b->sessions.count, 0);
        assert_int_equal(b->subs_n, 0);
        t = client_stay(b, both[i], "me", 100);
        assert_false(t.p.as.connack.session_present); /* [MQTT-3.2.2-2] */
        client_leave(&t);
        t = client_new(b, both[i], "me"); /* [MQTT-3.1.2-4] */
        assert_false(t.p.as.connack.session_present);
        client_leave(&t);
    }
}

static void kept_sessions_queue_and_resume(void **state) /* [MQTT-3.1.2-5], [MQTT-3.2.2-3] */
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct client from = client_new(b, both[i], "from");
        struct client t = client_stay(b, both[i], "me", 100);
        subscribe(&t, "a/#", 2);
        client_leave(&t);
        publish(&from, "a/0", "zero", 0, 0); /* not kept at QoS 0 */
        publish(&from, "a/1", "one", 1, 1);
        publish(&from, "a/2", "two", 2, 2);
        publish(&from, "a/1", "three", 1, 3);
        t = client_stay(b, both[i], "me", 100);
        assert_true(t.p.as.connack.session_present);
        expect_publish(&t, "a/1", "one"); /* in order [MQTT-4.6.0-6] */
        assert_false(t.p.as.publish.dup);
        expect_publish(&t, "a/2", "two");
        assert_int_equal(t.p.as.publish.qos, 2);
        expect_publish(&t, "a/1", "three");
        expect_nothing(&t);
        client_drop(&t);
        client_drop(&from);
        t = client_new(b, both[i], "me");
        client_leave(&t);
    }
}

static void sessions_expire(void **state) /* [MQTT-3.1.2-23] */
{
    (void)state;
    struct client t = client_stay(b, MQTT_V5, "me", 10);
    client_drop(&t);
    wait_s(b, 9);
    t = client_stay(b, MQTT_V5, "me", 10);
    assert_true(t.p.as.connack.session_present);
    client_drop(&t);
    wait_s(b, 11);
    assert_int_equal(b->sessions.count, 0);
    t = client_stay(b, MQTT_V5, "me", UINT32_MAX);
    assert_false(t.p.as.connack.session_present);
    client_drop(&t);
    wait_s(b, 1e6);
    assert_int_equal(b->sessions.count, 1);
    /* DISCONNECT may shorten or lengthen it, but not wake the dead (3.14.2.2.2) */
    t = client_stay(b, MQTT_V5, "me", 10);
    struct mqtt_packet p = {.type = MQTT_DISCONNECT};
    p.as.notice.props.has = MQTT_BIT(MQTT_SESSION_EXPIRY);
    p.as.notice.props.session_expiry = 0;
    client_say(&t, &p);
    client_drop(&t);
    assert_int_equal(b->sessions.count, 0);
    t = client_new(b, MQTT_V5, "me");
    p.as.notice.props.session_expiry = 5;
    client_say(&t, &p);
    expect_closed(&t, MQTT_PROTOCOL_ERROR);
    client_drop(&t);
}

static void the_same_name_takes_over(void **state) /* [MQTT-3.1.4-3] */
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct client old = client_stay(b, both[i], "me", 100);
        subscribe(&old, "a", 1);
        struct client t = client_stay(b, both[i], "me", 100);
        assert_true(t.p.as.connack.session_present);
        expect_closed(&old, MQTT_TAKEN_OVER);
        client_drop(&old);
        publish(&t, "a", "x", 0, 0);
        expect_publish(&t, "a", "x");
        client_drop(&t);
        t = client_new(b, both[i], "me");
        client_drop(&t);
    }
}

static void unacknowledged_messages_are_sent_again(void **state) /* [MQTT-4.4.0-1] */
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct client from = client_new(b, both[i], "from");
        struct client t = client_stay(b, both[i], "me", 100);
        uint16_t ids[4];
        subscribe(&t, "#", 2);
        publish(&from, "a", "1", 1, 1);
        publish(&from, "a", "2", 2, 2);
        publish(&from, "a", "3", 2, 3);
        publish(&from, "a", "4", 1, 4);
        for (int k = 0; k < 4; k++) {
            expect(&t, MQTT_PUBLISH);
            assert_false(t.p.as.publish.dup); /* [MQTT-3.3.1-1] */
            ids[k] = t.p.as.publish.packet_id;
            for (int j = 0; j < k; j++)
                assert_int_not_equal(ids[j], ids[k]);
        }
        say_ack(&t, MQTT_PUBREC, ids[1]);
        expect_ack(&t, MQTT_PUBREL, ids[1], 0); /* [MQTT-4.3.3-4] */
        client_drop(&t);
        t = client_stay(b, both[i], "me", 100);
        expect_publish(&t, "a", "1");
        assert_true(t.p.as.publish.dup && t.p.as.publish.packet_id == ids[0]);
        expect_ack(&t, MQTT_PUBREL, ids[1], 0); /* [MQTT-4.3.3-6]: PUBLISH must not come again */
        expect_publish(&t, "a", "3");
        assert_true(t.p.as.publish.dup && t.p.as.publish.packet_id == ids[2]);
        expect_publish(&t, "a", "4");
        assert_int_equal(t.p.as.publish.packet_id, ids[3]);
        say_ack(&t, MQTT_PUBACK, ids[0]);
        say_ack(&t, MQTT_PUBCOMP, ids[1]);
        say_ack(&t, MQTT_PUBREC, ids[2]);
        expect_ack(&t, MQTT_PUBREL, ids[2], 0);
        say_ack(&t, MQTT_PUBCOMP, ids[2]);
        say_ack(&t, MQTT_PUBACK, ids[3]);
        client_drop(&t);
        t = client_stay(b, both[i], "me", 100);
        expect_nothing(&t);
        client_drop(&t);
        client_drop(&from);
        t = client_new(b, both[i], "me");
        client_drop(&t);
    }
}

/* ---- wills ---- */

static void wills_are_published(void **state) /* [MQTT-3.1.2-8], [-10], [-14], [-15] */
{
    (void)state;
    struct client watch = client_new(b, MQTT_V5, "watch");
    subscribe(&watch, "will", 2);
    for (int i = 0; i < 2; i++) {
        struct mqtt_packet p = with_will(both[i], "bye", false, 0, 0);
        struct client t = client_with(b, &p);
        client_leave(&t); /* [MQTT-3.14.4-3] */
        expect_nothing(&watch);
        t = client_with(b, &p);
        client_drop(&t);
        expect_publish(&watch, "will", "bye");
        assert_int_equal(watch.p.as.publish.qos, 1);
        if (both[i] == MQTT_V5)
            assert_true(slice_is(watch.p.as.publish.props.content_type, "text/plain"));
        t = client_with(b, &p);
        mqtt_conn_feed(t.c, SLICE_LIT("\xff\xff")); /* a protocol error is no normal end */
        expect_closed(&t, MQTT_MALFORMED);
        expect_publish(&watch, "will", "bye");
        client_drop(&t);
    }
    struct mqtt_packet p = with_will(MQTT_V5, "with", true, 0, 0);
    struct client t = client_with(b, &p);
    client_say(&t, &(struct mqtt_packet){.type = MQTT_DISCONNECT,
                                         .as.notice.reason = MQTT_DISCONNECT_WITH_WILL});
    expect_publish(&watch, "will", "with");
    client_drop(&t);
    assert_int_equal(b->retained_n, 1); /* [MQTT-3.1.2-15] */
    client_drop(&watch);
}

static void wills_wait(void **state) /* [MQTT-3.1.3-9] */
{
    (void)state;
    struct client watch = client_new(b, MQTT_V5, "watch");
    subscribe(&watch, "will", 0);
    struct mqtt_packet p = with_will(MQTT_V5, "late", false, 10, 100);
    struct client t = client_with(b, &p);
    client_drop(&t);
    wait_s(b, 9);
    expect_nothing(&watch);
    wait_s(b, 2);
    expect_publish(&watch, "will", "late");
    /* back in time: none */
    p.as.connect.clean_start = false;
    t = client_with(b, &p);
    client_drop(&t);
    wait_s(b, 5);
    t = client_with(b, &p);
    wait_s(b, 20);
    expect_nothing(&watch);
    /* the session ends before the delay: at its end */
    client_drop(&t);
    p = with_will(MQTT_V5, "early", false, 50, 5);
    t = client_with(b, &p); /* a clean start ends the session before: its will is due */
    expect_publish(&watch, "will", "late");
    client_drop(&t);
    wait_s(b, 4);
    expect_nothing(&watch);
    wait_s(b, 2);
    expect_publish(&watch, "will", "early");
    client_drop(&watch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BROKER_TEST(clean_sessions_end_with_the_connection),
        BROKER_TEST(kept_sessions_queue_and_resume),
        BROKER_TEST(sessions_expire),
        BROKER_TEST(the_same_name_takes_over),
        BROKER_TEST(unacknowledged_messages_are_sent_again),
        BROKER_TEST(wills_are_published),
        BROKER_TEST(wills_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Tests of what hostile, slow and large clients get. */
#include "mqtt/testing.h"

static void packets_over_the_limit_are_refused_by_their_header(void **state) /* [MQTT-3.2.2-15] */
{
    (void)state;
    struct client t = client_new(b, MQTT_V5, "t");
    assert_int_equal(t.p.as.connack.props.max_packet_size, 200);
    mqtt_conn_feed(t.c, SLICE_LIT("\x30\xff\x7f"));
    expect_closed(&t, MQTT_PACKET_TOO_LARGE);
    client_drop(&t);
}

static void large_packets_that_are_not_whole(void **state)
{
    (void)state;
    enum { BEGUN = 15 << 20, MANY = MAX_BEGUN_BYTES / BEGUN + 2 };
    static struct client t[MANY];
    char *zeroes = calloc(1, BEGUN);
    size_t ended = 0;
    for (int i = 0; i < MANY; i++) {
        char id[16];
        snprintf(id, sizeof id, "c%d", i);
        t[i] = client_new(b, MQTT_V5, id);
        client_feed(&t[i], "30 80 80 80 07 0001 't' 00"); /* 14 MiB of payload are to come */
        mqtt_conn_feed(t[i].c, slice_of(zeroes, BEGUN - (2 << 20)));
        assert_false(t[i].c->closed);
    }
    for (int i = 0; i < MANY; i++) {
        mqtt_conn_feed(t[i].c, slice_of(zeroes, (1 << 20) - 100));
        if (t[i].c->closed) {
            expect_closed(&t[i], MQTT_QUOTA);
            ended++;
        }
        assert_true(b->begun_bytes <= MAX_BEGUN_BYTES);
    }
    assert_true(ended > 0 && ended < MANY);
    struct client other = client_new(b, MQTT_V5, "other"); /* others are served */
    subscribe(&other, "a", 0);
    publish(&other, "a", "x", 0, 0);
    expect_publish(&other, "a", "x");
    client_drop(&other);
    for (int i = 0; i < MANY; i++)
        client_drop(&t[i]);
    assert_int_equal(b->begun_bytes, 0);
    free(zeroes);
}

static void the_oldest_waiting_message_makes_room(void **state)
{
    (void)state;
    struct client from = client_new(b, MQTT_V5, "from");
    struct client t = client_stay(b, MQTT_V5, "t", 100);
    subscribe(&t, "a", 1);
    client_drop(&t);
    char text[8];
    for (uint16_t i = 1; i <= 8; i++) {
        snprintf(text, sizeof text, "%hd", (short)i);
        publish(&from, "a", text, 1, i);
    }
    t = client_stay(b, MQTT_V5, "t", 100);
    for (int i = 4; i <= 8; i++) {
        snprintf(text, sizeof text, "%hd", (short)i);
        expect_publish(&t, "a", text);
    }
    expect_nothing(&t);
    struct broker_stats stats;
    broker_stats(b, &stats);
    assert_int_equal(stats.dropped, 3);
    client_drop(&t);
    client_drop(&from);
}

static void slow_readers_lose_qos0_and_are_not_read(void **state)
{
    (void)state;
    struct client from = client_new(b, MQTT_V5, "from"), t = client_new(b, MQTT_V5, "t");
    subscribe(&t, "a", 1);
    struct mqtt_packet p = publish_packet("a", "", 0, 0);
    char payload[150];
    memset(payload, 'x', sizeof payload);
    p.as.publish.payload = slice_of(payload, sizeof payload);
    enum { MANY = 4000 };
    for (int i = 0; i < MANY; i++)
        client_say(&from, &p);
    struct broker_stats stats;
    broker_stats(b, &stats);
    assert_true(stats.dropped > 0 && t.c->memory.n < OUT_HIGH + 1000);
    client_say(&t, &(struct mqtt_packet){.type = MQTT_PINGREQ});
    client_say(&t, &(struct mqtt_packet){.type = MQTT_PINGREQ});
    assert_true(t.c->full); /* what it says waits until it reads */
    int got = 0, pongs = 0;
    while (client_hear(&t)) {
        got += t.p.type == MQTT_PUBLISH;
        pongs += t.p.type == MQTT_PINGRESP;
    }
    assert_int_equal((uint64_t)got + stats.dropped, MANY);
    mqtt_conn_drained(t.c);
    while (client_hear(&t))
        pongs += t.p.type == MQTT_PINGRESP;
    assert_int_equal(pongs, 2);
    client_drop(&t);
    client_drop(&from);
}

/* ---- a carrier instead of a socket ---- */

static struct {
    struct buf sent;
    size_t queued;
    int paused, closed;
} carried;

static const char *carrier_peer(void *arg)
{
    (void)arg;
    return "carrier";
}

static void carrier_send(void *arg, struct slice bytes_)
{
    (void)arg;
    buf_add_slice(&carried.sent, bytes_);
}

static size_t carrier_queued(void *arg)
{
    (void)arg;
    return carried.queued;
}

static void carrier_pause(void *arg)
{
    (void)arg;
    carried.paused++;
}

static void carrier_resume(void *arg)
{
    (void)arg;
    carried.paused--;
}

static void carrier_close(void *arg, const char *reason)
{
    (void)arg, (void)reason;
    carried.closed++;
}

static void a_slow_carrier_is_waited_for(void **state)
{
    (void)state;
    static const struct broker_carrier carrier = {.peer = carrier_peer,
                                                  .send = carrier_send,
                                                  .queued = carrier_queued,
                                                  .pause = carrier_pause,
                                                  .resume = carrier_resume,
                                                  .close = carrier_close};
    struct client from = client_new(b, MQTT_V311, "from");
    struct conn *c;
    memset(&carried, 0, sizeof carried);
    assert_int_equal(broker_join(b, &carrier, NULL, &(struct broker_guest){0}, &c), 0);
    broker_carried(c, bytes("10 @ 0004 'MQTT' 04 02 003c 0001 'a'"));
    broker_carried(c, bytes("82 @ 0001 0001 't' 01"));
    c->flush.fn(c->flush.arg); /* the end of the turn */
    assert_memory_equal(carried.sent.p, "\x20\2\0\0\x90\3\0\1\1", 9);
    buf_clear(&carried.sent);
    carried.queued = OUT_HIGH + 1; /* full: nothing more is sent, nor read */
    publish(&from, "t", "x", 1, 1);
    assert_int_equal(c->session->queue.n, 1);
    broker_carried(c, bytes("c000"));
    broker_carried(c, bytes("c000"));
    assert_int_equal(carried.paused, 1);
    c->flush.fn(c->flush.arg);
    assert_int_equal(c->session->queue.n, 1);
    /* what it had is gone, and so little of it that it calls nobody */
    carried.queued = 100;
    c->flush.fn(c->flush.arg);
    assert_int_equal(c->session->queue.n, 0);
    assert_int_equal(carried.paused, 0);
    c->flush.fn(c->flush.arg);
    assert_int_equal(carried.sent.n, 8 + 2 + 2); /* PUBLISH and both PINGRESPs */
    broker_carried(c, bytes("e000"));
    assert_int_equal(carried.closed, 1);
    assert_int_equal(b->conns_n, 1);
    assert_int_equal(broker_join(b, &carrier, NULL, &(struct broker_guest){0}, &c), 0);
    broker_carrier_gone(c); /* it is not closed in turn */
    assert_int_equal(carried.closed, 1);
    buf_release(&carried.sent);
    client_drop(&from);
}

static void subscriptions_are_limited(void **state)
{
    (void)state;
    struct client t = client_new(b, MQTT_V5, "t");
    char filter[300];
    for (int i = 0; i < MAX_SUBS_SESSION; i++) {
        snprintf(filter, sizeof filter, "f/%d", i);
        subscribe(&t, filter, 0);
    }
    assert_int_equal(subscribe_with(&t, &(struct mqtt_filter){.filter = SLICE_LIT("one/more")}, 0),
                     MQTT_QUOTA);
    assert_int_equal(unsubscribe(&t, "f/7"), 0);
    subscribe(&t, "one/more", 0);
    for (size_t i = 0; i + 1 < sizeof filter; i += 2)
        memcpy(filter + i, "a/", 2);
    filter[2 * MAX_LEVELS + 1] = 0;
    assert_int_equal(subscribe_with(&t, &(struct mqtt_filter){.filter = slice_str(filter)}, 0),
                     MQTT_BAD_FILTER);
    client_drop(&t);
    assert_int_equal(b->home.tree.nodes, 0);
}

static void retained_messages_are_limited(void **state)
{
    (void)state;
    struct client t = client_new(b, MQTT_V5, "t"), old = client_new(b, MQTT_V311, "old");
    char topic[32];
    for (int i = 0; i < MAX_RETAINED; i++) {
        snprintf(topic, sizeof topic, "r/%d", i);
        retain(&t, topic, "x");
    }
    struct mqtt_packet p = publish_packet("one/more", "x", 1, 1);
    p.as.publish.retain = true;
    client_say(&t, &p);
    expect_ack(&t, MQTT_PUBACK, 1, MQTT_QUOTA);
    p.as.publish.qos = 2;
    client_say(&t, &p);
    expect_ack(&t, MQTT_PUBREC, 1, MQTT_QUOTA);
    assert_false(idset_has(&t.c->session->received, 1));
    subscribe(&t, "one/more", 0);
    p.as.publish.qos = 1;
    client_say(&old, &p); /* 3.1.1: forwarded, not kept */
    expect_ack(&old, MQTT_PUBACK, 1, 0);
    expect_publish(&t, "one/more", "x");
    assert_int_equal(b->retained_n, MAX_RETAINED);
    retain(&t, "r/7", "y"); /* to replace one is no matter */
    retain(&t, "r/8", "");
    client_say(&old, &p);
    assert_int_equal(b->retained_n, MAX_RETAINED);
    assert_non_null(tree_find(&b->home.tree, SLICE_LIT("one/more"))->retained);
    client_drop(&t);
    client_drop(&old);
}

static void goodbye_is_said(void **state)
{
    (void)state;
    struct client t = client_new(b, MQTT_V5, "t"), watch = client_new(b, MQTT_V5, "watch");
    struct mqtt_packet p = with_will(MQTT_V5, "no", false, 0, 0);
    struct client will = client_with(b, &p);
    subscribe(&watch, "#", 0);
    broker_free(b);
    expect_closed(&t, MQTT_SHUTTING_DOWN);
    expect_closed(&watch, MQTT_SHUTTING_DOWN); /* no will on the way out */
    mqtt_conn_let_go(t.c);
    mqtt_conn_let_go(watch.c);
    mqtt_conn_let_go(will.c);
    buf_release(&t.last);
    buf_release(&watch.last);
    buf_release(&will.last);
    b = NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BROKER_TEST_SMALL(packets_over_the_limit_are_refused_by_their_header),
        BROKER_TEST(large_packets_that_are_not_whole),
        BROKER_TEST_SMALL(the_oldest_waiting_message_makes_room),
        BROKER_TEST_SMALL(slow_readers_lose_qos0_and_are_not_read),
        BROKER_TEST(a_slow_carrier_is_waited_for),
        BROKER_TEST(subscriptions_are_limited),
        BROKER_TEST(retained_messages_are_limited),
        BROKER_TEST(goodbye_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

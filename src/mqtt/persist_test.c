/* Tests of what survives a crash of the broker, and of what waits for the disk. */
#include "mqtt/persist_testing.h"

#include <uv.h>

static void queued_messages_survive(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct client from = client_new(b, both[i], "from");
        struct client t = kept_client(both[i], "me", false, false);
        assert_int_equal(kept_subscribe(&t, "a/#", 2), 2);
        client_leave(&t);
        publish(&from, "a/1", "one", 1, 1);
        publish(&from, "a/2", "two", 2, 2);
        publish(&from, "a/1", "three", 1, 3);
        publish(&from, "a/1", "four", 0, 0);
        expect_nothing(&from); /* acknowledged means on the disk */
        settle();
        expect_ack(&from, MQTT_PUBACK, 1, 0);
        expect_ack(&from, MQTT_PUBREC, 2, 0);
        expect_ack(&from, MQTT_PUBACK, 3, 0);
        abandon(&from);
        crash();
        t = kept_client(both[i], "me", false, true);
        expect_publish(&t, "a/1", "one");
        assert_false(t.p.as.publish.dup);
        assert_int_equal(t.p.as.publish.packet_id, 1);
        expect_publish(&t, "a/2", "two");
        assert_int_equal(t.p.as.publish.qos, 2);
        expect_publish(&t, "a/1", "three");
        expect_nothing(&t);
        say_ack(&t, MQTT_PUBACK, 1);
        say_ack(&t, MQTT_PUBACK, 3);
        client_drop(&t);
        crash();
        t = kept_client(both[i], "me", false, true);
        expect_publish(&t, "a/2", "two"); /* what was not acknowledged, as it was [MQTT-4.4.0-1] */
        assert_true(t.p.as.publish.dup);
        assert_int_equal(t.p.as.publish.packet_id, 2);
        expect_nothing(&t);
        client_drop(&t);
        t = kept_client(both[i], "me", true, false);
        client_drop(&t);
    }
}

static void what_was_in_flight_comes_again_with_its_ids(void **state)
{
    (void)state;
    struct client from = client_new(b, MQTT_V5, "from");
    struct client t = kept_client(MQTT_V5, "me", false, false);
    kept_subscribe(&t, "a", 2);
    publish(&from, "a", "one", 1, 1);
    publish(&from, "a", "two", 2, 2);
    expect_nothing(&t); /* nothing is shown that could be lost */
    settle();
    expect_publish(&t, "a", "one");
    expect_publish(&t, "a", "two");
    abandon(&t);
    abandon(&from);
    crash();
    t = kept_client(MQTT_V5, "me", false, true);
    expect_publish(&t, "a", "one");
    assert_true(t.p.as.publish.dup);
    assert_int_equal(t.p.as.publish.packet_id, 1);
    expect_publish(&t, "a", "two");
    assert_true(t.p.as.publish.dup);
    assert_int_equal(t.p.as.publish.packet_id, 2);
    say_ack(&t, MQTT_PUBREC, 2);
    expect_nothing(&t); /* PUBREL only when PUBREC is on the disk */
    settle();
    expect_ack(&t, MQTT_PUBREL, 2, 0);
    say_ack(&t, MQTT_PUBACK, 1);
    abandon(&t);
    crash();
    t = kept_client(MQTT_V5, "me", false, true);
    expect_ack(&t, MQTT_PUBREL, 2, 0);
    expect_nothing(&t);
    say_ack(&t, MQTT_PUBCOMP, 2);
    abandon(&t);
    crash();
    t = kept_client(MQTT_V5, "me", false, true);
    expect_nothing(&t);
    client_drop(&t);
}

static void a_publish_at_qos_2_is_taken_once(void **state)
{
    (void)state;
    struct client t = kept_client(MQTT_V5, "me", false, false);
    struct client from = kept_client(MQTT_V311, "from", false, false);
    kept_subscribe(&t, "a", 2);
    publish(&from, "a", "one", 2, 5);
    settle();
    expect_ack(&from, MQTT_PUBREC, 5, 0);
    abandon(&from);
    abandon(&t);
    crash();
    from = kept_client(MQTT_V311, "from", false, true);
    publish(&from, "a", "one", 2, 5);
    settle();
    expect_ack(&from, MQTT_PUBREC, 5, 0);
    say_ack(&from, MQTT_PUBREL, 5);
    expect_nothing(&from);
    settle();
    expect_ack(&from, MQTT_PUBCOMP, 5, 0);
    abandon(&from);
    crash();
    from = kept_client(MQTT_V311, "from", false, true);
    publish(&from, "a", "two", 2, 5); /* the same identifier for another */
    settle();
    expect_ack(&from, MQTT_PUBREC, 5, 0);
    t = kept_client(MQTT_V5, "me", false, true);
    expect_publish(&t, "a", "one");
    expect_publish(&t, "a", "two");
    expect_nothing(&t);
    client_drop(&t);
    client_drop(&from);
}

static void expect_retained(const char *payload)
{
    struct client t = client_new(b, MQTT_V5, "look");
    subscribe(&t, "r/#", 0);
    if (payload) {
        expect_publish(&t, "r/1", payload);
        assert_true(t.p.as.publish.retain);
    }
    expect_nothing(&t);
    client_leave(&t);
}

static void retained_messages_survive(void **state)
{
    (void)state;
    struct client from = client_new(b, MQTT_V5, "from");
    struct mqtt_packet p = publish_packet("r/1", "one", 1, 1);
    p.as.publish.retain = true;
    client_say(&from, &p);
    expect_nothing(&from);
    settle();
    expect_ack(&from, MQTT_PUBACK, 1, MQTT_NO_SUBSCRIBERS);
    abandon(&from);
    crash();
    expect_retained("one");
    from = client_new(b, MQTT_V5, "from");
    retain(&from, "r/1", "two");
    abandon(&from);
    crash();
    expect_retained("two");
    from = client_new(b, MQTT_V5, "from");
    retain(&from, "r/1", "");
    abandon(&from);
    crash();
    expect_retained(NULL);
    assert_int_equal(b->stored_bytes, 0);
}

static void a_retained_message_is_seen_when_it_is_safe(void **state)
{
    (void)state;
    struct client t = client_new(b, MQTT_V5, "look"), from = client_new(b, MQTT_V5, "from");
    retain(&from, "r/1", "one");
    subscribe(&t, "r/1", 0);
    publish(&from, "r/1", "two", 0, 0);
    expect_nothing(&t);
    settle();
    expect_publish(&t, "r/1", "one");
    expect_publish(&t, "r/1", "two");
    client_drop(&t);
    client_drop(&from);
}

static void subscriptions_and_their_options_survive(void **state)
{
    (void)state;
    struct client t = kept_client(MQTT_V5, "me", false, false);
    kept_subscribe(&t, "gone", 1);
    struct buf list = {0};
    mqtt_topics_add(
        &list, MQTT_SUBSCRIBE, t.v,
        &(struct mqtt_filter){
            .filter = SLICE_LIT("a/+"), .qos = 1, .retain_as_published = true, .no_local = true});
    struct mqtt_packet p = {.type = MQTT_SUBSCRIBE,
                            .as.topics = {.packet_id = 9, .list = buf_slice(&list)}};
    p.as.topics.props.has = MQTT_BIT(MQTT_SUBSCRIPTION_ID);
    p.as.topics.props.subscription_id = 321;
    client_say(&t, &p);
    settle();
    expect(&t, MQTT_SUBACK);
    buf_clear(&list);
    mqtt_topics_add(&list, MQTT_UNSUBSCRIBE, t.v,
                    &(struct mqtt_filter){.filter = SLICE_LIT("gone")});
    p = (struct mqtt_packet){.type = MQTT_UNSUBSCRIBE,
                             .as.topics = {.packet_id = 10, .list = buf_slice(&list)}};
    client_say(&t, &p);
    expect_nothing(&t);
    settle();
    expect(&t, MQTT_UNSUBACK);
    buf_release(&list);
    abandon(&t);
    crash();
    assert_int_equal(b->subs_n, 1);
    t = kept_client(MQTT_V5, "me", false, true);
    publish(&t, "a/b", "mine", 1, 1); /* no local */
    expect_ack(&t, MQTT_PUBACK, 1, MQTT_NO_SUBSCRIBERS);
    struct client from = client_new(b, MQTT_V5, "from");
    p = publish_packet("a/b", "theirs", 1, 1);
    p.as.publish.retain = true;
    client_say(&from, &p);
    settle();
    expect_publish(&t, "a/b", "theirs");
    assert_true(t.p.as.publish.retain);
    assert_int_equal(t.p.as.publish.props.subscription_id, 321);
    client_drop(&t);
    client_drop(&from);
}

static void sessions_expire_by_the_wall_clock(void **state)
{
    (void)state;
    struct client t = kept_client(MQTT_V5, "me", false, false);
    client_drop(&t);
    wait_s(b, 60);
    crash();
    wait_s(b, 39);
    assert_int_equal(b->sessions.count, 1);
    wait_s(b, 2);
    assert_int_equal(b->sessions.count, 0);
    crash();
    assert_int_equal(b->sessions.count, 0);
    /* online when the broker died: from then on */
    t = kept_client(MQTT_V5, "me", false, false);
    wait_s(b, 1000);
    abandon(&t);
    crash();
    wait_s(b, 90);
    crash();
    assert_int_equal(b->sessions.count, 1);
    wait_s(b, 11);
    assert_int_equal(b->sessions.count, 0);
    /* a clock that is set back does not give more than what was asked for */
    t = kept_client(MQTT_V5, "me", false, false);
    client_drop(&t);
    settle();
    clock_set(clock_now_us() - INT64_C(86400000000));
    crash();
    wait_s(b, 101);
    assert_int_equal(b->sessions.count, 0);
}

static void delayed_wills_survive(void **state)
{
    (void)state;
    struct mqtt_packet p = with_will(MQTT_V5, "bye", true, 50, 100);
    struct client t = client_open(b, MQTT_V5);
    client_say(&t, &p);
    settle();
    client_drop(&t);
    wait_s(b, 20);
    crash();
    struct client to = client_new(b, MQTT_V5, "to");
    subscribe(&to, "will", 1);
    wait_s(b, 29);
    settle();
    expect_nothing(&to);
    wait_s(b, 2);
    settle();
    expect_publish(&to, "will", "bye");
    abandon(&to);
    crash(); /* once */
    to = client_new(b, MQTT_V5, "to");
    subscribe(&to, "will", 1);
    expect_publish(&to, "will", "bye");
    assert_true(to.p.as.publish.retain);
    wait_s(b, 48);
    expect_nothing(&to);
    client_drop(&to);
}

static void a_will_is_due_when_the_broker_dies(void **state)
{
    (void)state;
    struct mqtt_packet p = with_will(MQTT_V5, "bye", false, 0, 100);
    struct client t = client_open(b, MQTT_V5);
    client_say(&t, &p);
    settle();
    struct client to = kept_client(MQTT_V5, "to", false, false);
    kept_subscribe(&to, "will", 1);
    abandon(&to);
    abandon(&t);
    crash();
    wait_s(b, 0.3);
    settle();
    to = kept_client(MQTT_V5, "to", false, true);
    expect_publish(&to, "will", "bye");
    expect_nothing(&to);
    client_drop(&to);
    /* not when it said goodbye */
    t = client_open(b, MQTT_V5);
    client_say(&t, &p);
    settle();
    expect(&t, MQTT_CONNACK);
    client_leave(&t);
    crash();
    wait_s(b, 0.3);
    settle();
    to = kept_client(MQTT_V5, "to", false, true);
    expect_publish(&to, "will", "bye"); /* the first, which was not acknowledged */
    expect_nothing(&to);
    client_drop(&to);
}

static void a_session_that_ended_does_not_come_back(void **state)
{
    (void)state;
    struct client t = kept_client(MQTT_V5, "me", false, false);
    kept_subscribe(&t, "a", 1);
    struct client again = kept_client(MQTT_V5, "me", false, true); /* taken over */
    expect_closed(&t, MQTT_TAKEN_OVER);
    client_drop(&t);
    abandon(&again);
    crash();
    assert_int_equal(b->subs_n, 1);
    t = kept_client(MQTT_V5, "me", true, false); /* [MQTT-3.1.2-4] */
    abandon(&t);
    crash();
    assert_int_equal(b->subs_n, 0);
    t = kept_client(MQTT_V311, "me", true, false); /* from now on it ends with its connection */
    abandon(&t);
    crash();
    assert_int_equal(b->sessions.count, 0);
}

static void what_nobody_keeps_costs_nothing(void **state)
{
    (void)state;
    struct client t = client_new(b, MQTT_V5, "me"), from = client_new(b, MQTT_V5, "from");
    subscribe(&t, "a", 2);
    publish(&from, "a", "one", 1, 1);
    expect_ack(&from, MQTT_PUBACK, 1, 0);
    publish(&from, "a", "two", 2, 2);
    expect_ack(&from, MQTT_PUBREC, 2, 0);
    say_ack(&from, MQTT_PUBREL, 2);
    expect_ack(&from, MQTT_PUBCOMP, 2, 0);
    expect_publish(&t, "a", "one");
    expect_publish(&t, "a", "two");
    client_drop(&t);
    client_drop(&from);
    assert_int_equal(b->put_seq, 0);
    /* a kept publisher's QoS 2 without anything to keep neither */
    from = kept_client(MQTT_V5, "from", false, false);
    uint64_t before = b->put_seq;
    publish(&from, "a", "two", 2, 2);
    expect_ack(&from, MQTT_PUBREC, 2, MQTT_NO_SUBSCRIBERS);
    say_ack(&from, MQTT_PUBREL, 2);
    expect_ack(&from, MQTT_PUBCOMP, 2, 0);
    assert_int_equal(b->put_seq, before);
    client_drop(&from);
}

static void a_message_for_many_is_stored_once(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++) {
        char id[16];
        snprintf(id, sizeof id, "c%d", i);
        struct client t = kept_client(MQTT_V5, id, false, false);
        kept_subscribe(&t, "a", 1);
        client_drop(&t);
    }
    char payload[10001] = {0};
    memset(payload, 'x', 10000);
    struct client from = client_new(b, MQTT_V5, "from");
    uint64_t before = b->put_seq;
    publish(&from, "a", payload, 1, 1);
    assert_int_equal(b->put_seq, before + 1);
    assert_in_range(b->stored_bytes, 10000, 10500);
    client_drop(&from);
    crash();
    assert_in_range(b->stored_bytes, 10000, 10500);
    for (int i = 0; i < 20; i++) {
        char id[16];
        snprintf(id, sizeof id, "c%d", i);
        struct client t = kept_client(MQTT_V5, id, false, true);
        expect_publish(&t, "a", payload);
        say_ack(&t, MQTT_PUBACK, 1);
        client_drop(&t);
    }
    assert_int_equal(b->stored_bytes, 0);
}

/* All of it recorded anew, in slices of so many bytes, with life between. */
static void do_round(size_t slice, void (*between)(void))
{
    int end;
    round_begin(b);
    while (!(end = round_step(b, slice)))
        between();
    assert_int_equal(end, 1);
    assert_int_equal(
        persist_put(b, &(struct record){.type = RECORD_ROUND, .number = b->round.start}, false), 0);
}

static struct client busy;
static int busy_n;

static void keep_busy(void)
{
    char payload[16];
    snprintf(payload, sizeof payload, "m%d", busy_n++);
    publish(&busy, "a", payload, 1, (uint16_t)busy_n);
    if (busy_n % 3 == 0) {
        struct mqtt_packet p = publish_packet("r/1", payload, 0, 0);
        p.as.publish.retain = true;
        client_say(&busy, &p);
    }
}

static void rounds_tell_everything_anew(void **state)
{
    (void)state;
    struct client t = kept_client(MQTT_V5, "me", false, false);
    kept_subscribe(&t, "a", 1);
    client_drop(&t);
    struct client gone = kept_client(MQTT_V5, "gone", false, false);
    client_drop(&gone);
    busy = client_new(b, MQTT_V5, "busy");
    busy_n = 0;
    for (int i = 0; i < 50; i++)
        keep_busy();
    settle();
    do_round(100, keep_busy);
    for (int i = 0; i < 5; i++)
        keep_busy();
    settle();
    int n = busy_n;
    char last[16];
    snprintf(last, sizeof last, "m%d", n - 1 - n % 3);
    abandon(&busy);
    crash();
    assert_int_equal(b->sessions.count, 2);
    expect_retained(last);
    t = kept_client(MQTT_V5, "me", false, true);
    for (int i = 0; i < n; i++) {
        char payload[16];
        snprintf(payload, sizeof payload, "m%d", i);
        expect_publish(&t, "a", payload);
        assert_int_equal(t.p.as.publish.packet_id, i + 1);
    }
    expect_nothing(&t);
    client_drop(&t);
}

static void old_segments_go(void **state)
{
    (void)state;
    char *payload = calloc(1, 1000001);
    memset(payload, 'x', 1000000);
    struct client t = kept_client(MQTT_V5, "me", false, false);
    kept_subscribe(&t, "a", 1);
    busy = client_new(b, MQTT_V5, "busy");
    for (uint16_t i = 1; i <= 100; i++) {
        publish(&busy, "a", payload, 1, i);
        settle();
        expect(&t, MQTT_PUBLISH);
        say_ack(&t, MQTT_PUBACK, t.p.as.publish.packet_id);
        wait_s(b, 0.2);
        if (i % 10 == 0)
            uv_run(loop_uv(loop), UV_RUN_NOWAIT); /* a round's timer */
    }
    client_drop(&busy);
    client_drop(&t);
    free(payload);
    for (int i = 0; i < 200; i++) {
        usleep(1000);
        uv_run(loop_uv(loop), UV_RUN_NOWAIT);
    }
    settle();
    broker_free(b);
    char command[200];
    snprintf(command, sizeof command, "test $(du -sm %s | cut -f1) -lt 90", persist_dir);
    assert_int_equal(system(command), 0);
    assert_int_equal(open_broker(), 0);
    assert_int_equal(b->sessions.count, 1);
}

int main(void)
{
    log_set_level(LOG_ERROR + 1);
    const struct CMUnitTest tests[] = {
        KEPT_TEST(queued_messages_survive),
        KEPT_TEST(what_was_in_flight_comes_again_with_its_ids),
        KEPT_TEST(a_publish_at_qos_2_is_taken_once),
        KEPT_TEST(retained_messages_survive),
        KEPT_TEST(a_retained_message_is_seen_when_it_is_safe),
        KEPT_TEST(subscriptions_and_their_options_survive),
        KEPT_TEST(sessions_expire_by_the_wall_clock),
        KEPT_TEST(delayed_wills_survive),
        KEPT_TEST(a_will_is_due_when_the_broker_dies),
        KEPT_TEST(a_session_that_ended_does_not_come_back),
        KEPT_TEST(what_nobody_keeps_costs_nothing),
        KEPT_TEST(a_message_for_many_is_stored_once),
        KEPT_TEST(rounds_tell_everything_anew),
        KEPT_TEST(old_segments_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Tests of subscriptions and retained messages, by normative statement. */
#include "mqtt/testing.h"

/* ---- subscriptions ---- */

static void qos_is_the_lower_of_the_two(void **state) /* [MQTT-3.8.4-8] */
{
    (void)state;
    struct client t = client_new(b, MQTT_V5, "me");
    for (uint8_t sub = 0; sub < 3; sub++) {
        subscribe(&t, "a", sub); /* [MQTT-3.8.4-3]: replaces the one before */
        for (uint8_t pub = 0; pub < 3; pub++) {
            uint16_t id = (uint16_t)(pub ? 1 + sub * 3 + pub : 0);
            publish(&t, "a", "x", pub, id);
            expect_publish(&t, "a", "x");
            assert_int_equal(t.p.as.publish.qos, sub < pub ? sub : pub);
            if (pub)
                expect(&t, pub == 1 ? MQTT_PUBACK : MQTT_PUBREC);
            expect_nothing(&t);
        }
    }
    assert_int_equal(unsubscribe(&t, "a"), 0);
    assert_int_equal(unsubscribe(&t, "a"), MQTT_NO_SUBSCRIPTION);
    publish(&t, "a", "x", 0, 0);
    expect_nothing(&t); /* [MQTT-3.10.4-2] */
    client_drop(&t);
}

static void overlapping_subscriptions_give_one_copy(void **state) /* [MQTT-3.3.4-2], [-4], [-5] */
{
    (void)state;
    struct client t = client_new(b, MQTT_V5, "me");
    subscribe_with(&t, &(struct mqtt_filter){.filter = SLICE_LIT("a/#"), .qos = 0}, 5);
    subscribe_with(&t, &(struct mqtt_filter){.filter = SLICE_LIT("a/+"), .qos = 2}, 300);
    subscribe_with(&t, &(struct mqtt_filter){.filter = SLICE_LIT("a/b"), .qos = 1}, 0);
    publish(&t, "a/b", "x", 2, 1);
    expect_publish(&t, "a/b", "x");
    assert_int_equal(t.p.as.publish.qos, 2);
    struct mqtt_prop_value v;
    size_t at = 0;
    uint32_t sum = 0, n = 0;
    while (mqtt_prop_next(t.p.as.publish.props.raw, &at, &v)) {
        assert_int_equal(v.prop, MQTT_SUBSCRIPTION_ID);
        sum += v.number;
        n++;
    }
    assert_int_equal(n, 2);
    assert_int_equal(sum, 305);
    expect(&t, MQTT_PUBREC);
    expect_nothing(&t);
    client_drop(&t);
}

static void filters_of_the_tree_match(void **state)
{
    (void)state;
    static const char *const filters[] = {"#",  "+",     "a",   "a/#",   "a/+",    "+/+",  "/#",
                                          "/+", "a/b/#", "+/b", "a/+/c", "$SYS/#", "$x/+", "+/b/c"};
    static const char *const topics[] = {"a",    "a/b", "/",  "/a",   "a/b/c",
                                         "$x/y", "b",   "a/", "b/b/c"};
    struct client from = client_new(b, MQTT_V311, "from");
    for (size_t f = 0; f < sizeof filters / sizeof filters[0]; f++) {
        struct client t = client_new(b, MQTT_V311, "me");
        subscribe(&t, filters[f], 0);
        while (client_hear(&t)) /* $SYS is retained */
            ;
        for (size_t k = 0; k < sizeof topics / sizeof topics[0]; k++) {
            publish(&from, topics[k], "x", 0, 0);
            bool got = client_hear(&t);
            if (got != mqtt_topic_matches(slice_str(filters[f]), slice_str(topics[k])))
                fail_msg("%s %s", filters[f], topics[k]);
            /* the same by retained messages */
            retain(&from, topics[k], "kept");
            struct client late = client_new(b, MQTT_V311, "late");
            subscribe(&late, filters[f], 0);
            bool kept = false;
            while (client_hear(&late))
                kept |= slice_is(late.p.as.publish.payload, "kept");
            assert_int_equal(kept, got);
            retain(&from, topics[k], "");
            client_drop(&late);
            while (client_hear(&t))
                ;
        }
        client_drop(&t);
    }
    client_drop(&from);
    retained_drop_all(b);
    assert_int_equal(b->home.tree.nodes, 0); /* nothing is left behind */
}

static void no_local_and_retain_as_published(void **state) /* [MQTT-3.8.3-3], [MQTT-3.3.1-12] */
{
    (void)state;
    struct client t = client_new(b, MQTT_V5, "me"), other = client_new(b, MQTT_V5, "other");
    subscribe_with(&t, &(struct mqtt_filter){.filter = SLICE_LIT("a"), .no_local = true}, 0);
    subscribe_with(&other,
                   &(struct mqtt_filter){.filter = SLICE_LIT("a"), .retain_as_published = true}, 0);
    retain(&t, "a", "x");
    expect_nothing(&t);
    expect_publish(&other, "a", "x");
    assert_true(t.p.as.publish.retain || other.p.as.publish.retain); /* [MQTT-3.3.1-13] */
    retain(&other, "a", "y");
    expect_publish(&t, "a", "y");
    assert_false(t.p.as.publish.retain);
    client_drop(&t);
    client_drop(&other);
}

static void wrong_filters_end_the_connection(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct client t = client_new(b, both[i], "me");
        struct buf list = {0};
        mqtt_topics_add(&list, MQTT_SUBSCRIBE, both[i],
                        &(struct mqtt_filter){.filter = SLICE_LIT("a/#/b")});
        client_say(&t,
                   &(struct mqtt_packet){.type = MQTT_SUBSCRIBE,
                                         .as.topics = {.packet_id = 1, .list = buf_slice(&list)}});
        expect_closed(&t, MQTT_BAD_FILTER);
        buf_release(&list);
        client_drop(&t);
    }
}

static void shared_subscriptions_share(void **state) /* 4.8.2 */
{
    (void)state;
    struct client from = client_new(b, MQTT_V5, "from"), t[3];
    char name[2] = "0";
    for (int i = 0; i < 3; i++, name[0]++) {
        t[i] = client_new(b, MQTT_V5, name);
        subscribe(&t[i], "$share/g/job/+", 1);
    }
    subscribe(&t[0], "job/+", 0); /* its own copies besides */
    for (uint16_t i = 0; i < 9; i++) {
        publish(&from, "job/x", "work", 1, (uint16_t)(i + 1));
        expect_ack(&from, MQTT_PUBACK, (uint16_t)(i + 1), 0);
    }
    int got[3] = {0}, own = 0;
    for (int i = 0; i < 3; i++)
        while (client_hear(&t[i])) {
            got[i] += t[i].p.as.publish.qos == 1;
            own += t[i].p.as.publish.qos == 0;
        }
    assert_true(got[0] == 3 && got[1] == 3 && got[2] == 3);
    assert_int_equal(own, 9);
    client_drop(&t[1]); /* the others take its share */
    assert_int_equal(unsubscribe(&t[2], "$share/g/job/+"), 0);
    publish(&from, "job/x", "more", 1, 20);
    int more = 0;
    while (client_hear(&t[0]))
        more += t[0].p.as.publish.qos == 1;
    assert_int_equal(more, 1);
    retain(&from, "job/kept", "x");
    subscribe(&t[2], "$share/g/job/+", 1);
    expect_nothing(&t[2]); /* 4.8.2: no retained messages */
    client_drop(&t[0]);
    client_drop(&t[2]);
    client_drop(&from);
}

/* ---- retained messages ---- */

static void retained_messages_greet(void **state) /* [MQTT-3.3.1-5] ... [-8], 3.8.3.1 */
{
    (void)state;
    struct client from = client_new(b, MQTT_V5, "from"), t = client_new(b, MQTT_V5, "t");
    retain(&from, "r/1", "old");
    retain(&from, "r/1", "new");
    retain(&from, "r/2", "two");
    retain(&from, "r/3", "three");
    retain(&from, "r/3", ""); /* [MQTT-3.3.1-6] */
    subscribe(&t, "r/1", 0);
    expect_publish(&t, "r/1", "new");
    assert_true(t.p.as.publish.retain);
    expect_nothing(&t);
    subscribe(&t, "r/1", 0); /* [MQTT-3.8.4-4], [MQTT-3.3.1-9]: again */
    expect_publish(&t, "r/1", "new");
    struct mqtt_filter f = {.filter = SLICE_LIT("r/1"), .retain_handling = 1};
    subscribe_with(&t, &f, 0);
    expect_nothing(&t); /* [MQTT-3.3.1-10]: it was there */
    f.filter = SLICE_LIT("r/+");
    subscribe_with(&t, &f, 0);
    for (int i = 0; i < 2; i++)
        expect(&t, MQTT_PUBLISH);
    expect_nothing(&t);
    f.retain_handling = 2; /* [MQTT-3.3.1-11] */
    f.filter = SLICE_LIT("r/#");
    subscribe_with(&t, &f, 0);
    expect_nothing(&t);
    retain(&from, "r/1", "live");
    expect_publish(&t, "r/1", "live");
    assert_false(t.p.as.publish.retain);
    client_drop(&t);
    client_drop(&from);
    assert_int_equal(b->retained_n, 2);
}

static void many_retained_messages_come_in_slices(void **state)
{
    (void)state;
    struct client from = client_new(b, MQTT_V5, "from"), t = client_new(b, MQTT_V5, "t");
    char topic[32], *large = malloc(1001);
    memset(large, 'x', 1000);
    large[1000] = 0;
    enum { MANY = 2000 };
    for (int i = 0; i < MANY; i++) {
        snprintf(topic, sizeof topic, "r/%d", i);
        retain(&from, topic, large);
    }
    subscribe(&t, "r/#", 0);
    assert_true(t.c->memory.n < 2 * OUT_HIGH); /* not two megabytes at once */
    int got = 0, last_old = 0;
    for (int round = 0; round < 100; round++) {
        while (client_hear(&t)) {
            got++;
            last_old += slice_is(t.p.as.publish.topic, "r/1999");
        }
        mqtt_conn_drained(t.c);
    }
    assert_int_equal(got, MANY);
    assert_int_equal(last_old, 1);
    /* at QoS 1 the quota holds them back */
    struct client q = client_new(b, MQTT_V5, "q");
    for (int i = 0; i < MANY; i++) {
        struct mqtt_packet p;
        snprintf(topic, sizeof topic, "r/%d", i);
        p = publish_packet(topic, "1", 1, 1);
        p.as.publish.retain = true;
        client_say(&from, &p);
    }
    subscribe(&q, "r/#", 1);
    for (got = 0; client_hear(&q); got++)
        say_ack(&q, MQTT_PUBACK, q.p.as.publish.packet_id);
    assert_int_equal(got, MANY);
    free(large);
    client_drop(&q);
    client_drop(&t);
    client_drop(&from);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BROKER_TEST(qos_is_the_lower_of_the_two),
        BROKER_TEST(overlapping_subscriptions_give_one_copy),
        BROKER_TEST(filters_of_the_tree_match),
        BROKER_TEST(no_local_and_retain_as_published),
        BROKER_TEST(wrong_filters_end_the_connection),
        BROKER_TEST(shared_subscriptions_share),
        BROKER_TEST(retained_messages_greet),
        BROKER_TEST(many_retained_messages_come_in_slices),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

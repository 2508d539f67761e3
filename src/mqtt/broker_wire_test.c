/* Tests of what cannot be, byte by byte: each such packet ends the connection that it came on, and
 * a 5.0 client hears why.  By normative statement. */
#include "mqtt/testing.h"

struct wrong {
    enum mqtt_version v;
    uint8_t reason; /* for 5.0 */
    const char *bytes;
};

/* Each on a connection of its own; others go on. */
static void expect_each_ends(const struct wrong *rows, size_t n)
{
    struct client other = client_new(b, MQTT_V5, "other");
    for (size_t i = 0; i < n; i++) {
        struct client t = client_new(b, rows[i].v, "me");
        client_feed(&t, rows[i].bytes);
        if (!t.c->closed)
            fail_msg("taken: %s", rows[i].bytes);
        expect_closed(&t, rows[i].reason);
        client_drop(&t);
    }
    client_feed(&other, "c000");
    expect(&other, MQTT_PINGRESP);
    client_drop(&other);
}

#define EXPECT_EACH_ENDS(rows) expect_each_ends(rows, sizeof rows / sizeof rows[0])

static void strings_that_cannot_be(void **state)
{
    (void)state;
    /* [MQTT-4.13.1-1], [MQTT-4.13.2-1]; 3.1.1 [MQTT-4.8.0-1] */
    static const struct wrong rows[] = {
        /* ill-formed, and surrogates: [MQTT-1.5.4-1]; 3.1.1 [MQTT-1.5.3-1] */
        {MQTT_V311, 0, "30 @ 0003 eda080"},
        {MQTT_V311, 0, "30 @ 0002 c080"},
        {MQTT_V5, MQTT_MALFORMED, "30 @ 0003 eda080 00"},
        {MQTT_V5, MQTT_MALFORMED, "30 @ 0003 61ff62 00"},
        /* U+0000: [MQTT-1.5.4-2], [MQTT-4.7.3-2]; 3.1.1 [MQTT-1.5.3-2], [MQTT-4.7.3-2] */
        {MQTT_V311, 0, "30 @ 0003 610062"},
        {MQTT_V311, 0, "82 @ 0001 0003 610062 00"},
        {MQTT_V5, MQTT_MALFORMED, "30 @ 0003 610062 00"},
        {MQTT_V5, MQTT_MALFORMED, "82 @ 0001 00 0003 610062 00"},
        /* both halves of a pair: [MQTT-1.5.7-1] */
        {MQTT_V5, MQTT_MALFORMED, "30 @ 0001 't' 07 26 0002 c080 0000"},
        {MQTT_V5, MQTT_MALFORMED, "30 @ 0001 't' 07 26 0000 0002 c080"},
        {MQTT_V5, MQTT_MALFORMED, "30 @ 0001 't' 06 26 0000 0001 00"},
        /* filters: [MQTT-3.8.3-1], [MQTT-3.10.3-1]; 3.1.1 [MQTT-3.8.3-1], [MQTT-3.10.3-1] */
        {MQTT_V311, 0, "82 @ 0001 0002 c080 00"},
        {MQTT_V311, 0, "a2 @ 0001 0002 c080"},
        {MQTT_V5, MQTT_MALFORMED, "82 @ 0001 00 0002 c080 00"},
        {MQTT_V5, MQTT_MALFORMED, "a2 @ 0001 00 0002 c080"},
        /* [MQTT-3.3.2-13], [MQTT-3.3.2-19] */
        {MQTT_V5, MQTT_MALFORMED, "30 @ 0001 't' 05 08 0002 c080"},
        {MQTT_V5, MQTT_MALFORMED, "30 @ 0001 't' 05 03 0002 c080"},
        /* a reason string */
        {MQTT_V5, MQTT_MALFORMED, "e0 @ 00 05 1f 0002 c080"},
    };
    EXPECT_EACH_ENDS(rows);
}

static void lengths_that_cannot_be(void **state)
{
    (void)state;
    static const struct wrong rows[] = {
        /* [MQTT-1.5.5-1]: five bytes, or one more than is needed */
        {MQTT_V311, 0, "30 80 80 80 80 01"},
        {MQTT_V5, MQTT_MALFORMED, "30 ff ff ff ff 7f"},
        {MQTT_V311, 0, "c0 80 00"},
        {MQTT_V5, MQTT_MALFORMED, "c0 80 00"},
        {MQTT_V5, MQTT_MALFORMED, "30 @ 0001 't' 80 00 'x'"},
        {MQTT_V5, MQTT_MALFORMED, "82 @ 0001 03 0b 81 00 0001 'a' 00"},
        /* less than the fields need, or more */
        {MQTT_V311, 0, "30 @ 0005 't'"},
        {MQTT_V311, 0, "c0 @ 00"},
        {MQTT_V311, 0, "32 @ 0001 't' 00"},
        {MQTT_V5, MQTT_MALFORMED, "30 @ 0001 't'"}, /* [MQTT-2.2.2-1]: zero is told */
        {MQTT_V5, MQTT_MALFORMED, "82 @ 0001"},
        {MQTT_V5, MQTT_MALFORMED, "30 @ 0001 't' 09 01"},
        {MQTT_V5, MQTT_MALFORMED, "40 @ 0001 00 00 00"},
        {MQTT_V5, MQTT_MALFORMED, "82 @ 0001 00 0001 'a'"},
    };
    EXPECT_EACH_ENDS(rows);
}

static void headers_that_cannot_be(void **state)
{
    (void)state;
    /* [MQTT-2.1.3-1]; 3.1.1 [MQTT-2.2.2-1], [MQTT-2.2.2-2] */
    static const struct wrong rows[] = {
        {MQTT_V311, 0, "41 @ 0001"},
        {MQTT_V5, MQTT_MALFORMED, "54 @ 0001"},
        {MQTT_V5, MQTT_MALFORMED, "78 @ 0001"},
        /* PUBREL: [MQTT-3.6.1-1]; 3.1.1 [MQTT-3.6.1-1] */
        {MQTT_V311, 0, "60 @ 0001"},
        {MQTT_V5, MQTT_MALFORMED, "63 @ 0001"},
        /* SUBSCRIBE: [MQTT-3.8.1-1]; 3.1.1 [MQTT-3.8.1-1] */
        {MQTT_V311, 0, "80 @ 0001 0001 'a' 00"},
        {MQTT_V5, MQTT_MALFORMED, "8a @ 0001 00 0001 'a' 00"},
        /* UNSUBSCRIBE: [MQTT-3.10.1-1]; 3.1.1 [MQTT-3.10.1-1] */
        {MQTT_V311, 0, "a0 @ 0001 0001 'a'"},
        {MQTT_V5, MQTT_MALFORMED, "a3 @ 0001 00 0001 'a'"},
        {MQTT_V311, 0, "c1 00"},
        /* DISCONNECT: [MQTT-3.14.1-1]; 3.1.1 [MQTT-3.14.1-1] */
        {MQTT_V311, 0, "e1 00"},
        {MQTT_V5, MQTT_MALFORMED, "e8 00"},
        /* AUTH: [MQTT-3.15.1-1] */
        {MQTT_V5, MQTT_MALFORMED, "f1 00"},
        {MQTT_V311, 0, "f0 00"},
        /* no such packet, and packets of servers */
        {MQTT_V311, 0, "00 00"},
        {MQTT_V5, MQTT_MALFORMED, "00 00"},
        {MQTT_V5, MQTT_PROTOCOL_ERROR, "20 @ 00 00 00"},
        {MQTT_V5, MQTT_PROTOCOL_ERROR, "90 @ 0001 00 00"},
        {MQTT_V5, MQTT_PROTOCOL_ERROR, "b0 @ 0001 00 00"},
        {MQTT_V311, 0, "d0 00"},
    };
    EXPECT_EACH_ENDS(rows);
}

static void publishes_that_cannot_be(void **state)
{
    (void)state;
    static const struct wrong rows[] = {
        /* QoS 3: [MQTT-3.3.1-4]; 3.1.1 [MQTT-3.3.1-4] */
        {MQTT_V311, 0, "36 @ 0001 't' 0007"},
        {MQTT_V5, MQTT_MALFORMED, "36 @ 0001 't' 0007 00"},
        /* DUP at QoS 0: [MQTT-3.3.1-2]; 3.1.1 [MQTT-3.3.1-2] */
        {MQTT_V311, 0, "38 @ 0001 't'"},
        {MQTT_V5, MQTT_MALFORMED, "38 @ 0001 't' 00"},
        /* identifier 0: 3.1.1 [MQTT-2.3.1-1] */
        {MQTT_V311, 0, "32 @ 0001 't' 0000"},
        {MQTT_V5, MQTT_PROTOCOL_ERROR, "34 @ 0001 't' 0000 00"},
        /* the topic is there, and UTF-8: [MQTT-3.3.2-1]; 3.1.1 [MQTT-3.3.2-1] */
        {MQTT_V311, 0, "30 @ 00"},
        {MQTT_V311, 0, "30 @ 0001 ff"},
        {MQTT_V5, MQTT_MALFORMED, "30 @ 0001 ff 00"},
        /* one character at least: [MQTT-4.7.3-1]; 3.1.1 [MQTT-4.7.3-1] */
        {MQTT_V311, 0, "30 @ 0000"},
        {MQTT_V5, MQTT_PROTOCOL_ERROR, "30 @ 0000 00"},
        /* wildcards: [MQTT-3.3.2-2], [MQTT-4.7.0-1]; 3.1.1 [MQTT-3.3.2-2], [MQTT-4.7.1-1] */
        {MQTT_V311, 0, "30 @ 0001 '+'"},
        {MQTT_V311, 0, "30 @ 0003 'a/#'"},
        {MQTT_V5, MQTT_BAD_TOPIC, "30 @ 0003 'a+b' 00"},
        /* [MQTT-3.3.2-8] */
        {MQTT_V5, MQTT_BAD_ALIAS, "30 @ 0001 't' 03 23 0000"},
        {MQTT_V5, MQTT_BAD_ALIAS, "30 @ 0001 't' 03 23 ffff"},
        {MQTT_V5, MQTT_PROTOCOL_ERROR, "30 @ 0000 03 23 0001"}, /* given to no topic yet */
        /* [MQTT-3.3.2-14] */
        {MQTT_V5, MQTT_PROTOCOL_ERROR, "30 @ 0001 't' 06 08 0003 'r/+'"},
        {MQTT_V5, MQTT_PROTOCOL_ERROR, "30 @ 0001 't' 03 08 0000"},
        /* [MQTT-3.3.4-6] */
        {MQTT_V5, MQTT_PROTOCOL_ERROR, "30 @ 0001 't' 02 0b 05"},
        /* properties: twice, of another packet, unknown, of a value that is none */
        {MQTT_V5, MQTT_PROTOCOL_ERROR, "30 @ 0001 't' 04 0100 0100"},
        {MQTT_V5, MQTT_MALFORMED, "30 @ 0001 't' 05 11 00000001"},
        {MQTT_V5, MQTT_MALFORMED, "30 @ 0001 't' 02 7e00"},
        {MQTT_V5, MQTT_PROTOCOL_ERROR, "30 @ 0001 't' 02 0102"},
    };
    EXPECT_EACH_ENDS(rows);
}

static void subscriptions_that_cannot_be(void **state)
{
    (void)state;
    static const struct wrong rows[] = {
        /* none: [MQTT-3.8.3-2], [MQTT-3.10.3-2]; 3.1.1 [MQTT-3.8.3-3], [MQTT-3.10.3-2] */
        {MQTT_V311, 0, "82 @ 0001"},
        {MQTT_V311, 0, "a2 @ 0001"},
        {MQTT_V5, MQTT_PROTOCOL_ERROR, "82 @ 0001 00"},
        {MQTT_V5, MQTT_PROTOCOL_ERROR, "a2 @ 0001 00"},
        /* reserved bits and QoS 3: [MQTT-3.8.3-5]; 3.1.1 [MQTT-3.8.3-4] */
        {MQTT_V311, 0, "82 @ 0001 0001 'a' 04"},
        {MQTT_V311, 0, "82 @ 0001 0001 'a' 80"},
        {MQTT_V311, 0, "82 @ 0001 0001 'a' 03"},
        {MQTT_V5, MQTT_MALFORMED, "82 @ 0001 00 0001 'a' 40"},
        {MQTT_V5, MQTT_MALFORMED, "82 @ 0001 00 0001 'a' 80"},
        {MQTT_V5, MQTT_PROTOCOL_ERROR, "82 @ 0001 00 0001 'a' 03"},
        {MQTT_V5, MQTT_PROTOCOL_ERROR, "82 @ 0001 00 0001 'a' 30"},
        /* identifier 0: 3.1.1 [MQTT-2.3.1-1] */
        {MQTT_V311, 0, "82 @ 0000 0001 'a' 00"},
        {MQTT_V311, 0, "a2 @ 0000 0001 'a'"},
        {MQTT_V5, MQTT_PROTOCOL_ERROR, "82 @ 0000 00 0001 'a' 00"},
        /* empty: [MQTT-4.7.3-1]; 3.1.1 [MQTT-4.7.3-1] */
        {MQTT_V311, 0, "82 @ 0001 0000 00"},
        {MQTT_V311, 0, "a2 @ 0001 0000"},
        {MQTT_V5, MQTT_BAD_FILTER, "a2 @ 0001 00 0000"},
        /* #: [MQTT-4.7.1-1]; 3.1.1 [MQTT-4.7.1-2] */
        {MQTT_V311, 0, "82 @ 0001 0002 'a#' 00"},
        {MQTT_V311, 0, "82 @ 0001 0003 '#/a' 00"},
        {MQTT_V5, MQTT_BAD_FILTER, "82 @ 0001 00 0005 'a/#/b' 00"},
        {MQTT_V5, MQTT_BAD_FILTER, "a2 @ 0001 00 0002 'a#'"},
        /* +: [MQTT-4.7.1-2]; 3.1.1 [MQTT-4.7.1-3] */
        {MQTT_V311, 0, "82 @ 0001 0002 'a+' 00"},
        {MQTT_V311, 0, "82 @ 0001 0004 'a/+b' 00"},
        {MQTT_V5, MQTT_BAD_FILTER, "82 @ 0001 00 0002 '++' 00"},
        /* shared ones: [MQTT-4.8.2-1], [MQTT-4.8.2-2] */
        {MQTT_V5, MQTT_BAD_FILTER, "82 @ 0001 00 0009 '$share//a' 00"},
        {MQTT_V5, MQTT_BAD_FILTER, "82 @ 0001 00 0008 '$share/g' 00"},
        {MQTT_V5, MQTT_BAD_FILTER, "82 @ 0001 00 0009 '$share/g/' 00"},
        {MQTT_V5, MQTT_BAD_FILTER, "82 @ 0001 00 000a '$share/+/a' 00"},
        {MQTT_V5, MQTT_BAD_FILTER, "82 @ 0001 00 000a '$share/#/a' 00"},
        /* [MQTT-3.8.3-4] */
        {MQTT_V5, MQTT_PROTOCOL_ERROR, "82 @ 0001 00 000a '$share/g/a' 04"},
        /* a subscription identifier is one or more, and one */
        {MQTT_V5, MQTT_PROTOCOL_ERROR, "82 @ 0001 02 0b00 0001 'a' 00"},
        {MQTT_V5, MQTT_PROTOCOL_ERROR, "82 @ 0001 04 0b01 0b02 0001 'a' 00"},
    };
    EXPECT_EACH_ENDS(rows);
}

/* What we send is read by mqtt_read(), which knows the same tables: a code of another packet would
 * fail whichever test hears it. */
static void reasons_that_cannot_be(void **state)
{
    (void)state;
    static const struct wrong rows[] = {
        {MQTT_V5, MQTT_PROTOCOL_ERROR, "40 @ 0001 92"}, /* [MQTT-3.4.2-1] */
        {MQTT_V5, MQTT_PROTOCOL_ERROR, "50 @ 0001 92"}, /* [MQTT-3.5.2-1] */
        {MQTT_V5, MQTT_PROTOCOL_ERROR, "62 @ 0001 10"}, /* [MQTT-3.6.2-1] */
        {MQTT_V5, MQTT_PROTOCOL_ERROR, "70 @ 0001 10"}, /* [MQTT-3.7.2-1] */
        {MQTT_V5, MQTT_PROTOCOL_ERROR, "e0 @ 18"},      /* [MQTT-3.14.2-1] */
        {MQTT_V5, MQTT_PROTOCOL_ERROR, "f0 @ 01"},      /* [MQTT-3.15.2-1] */
        {MQTT_V5, MQTT_PROTOCOL_ERROR, "e0 @ 00 0a 1100000001 1100000001"},
    };
    EXPECT_EACH_ENDS(rows);
}

static void characters_stay_what_they_are(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct client t = client_new(b, both[i], "me");
        /* a byte order mark is a character: [MQTT-1.5.4-3]; 3.1.1 [MQTT-1.5.3-3] */
        subscribe(&t,
                  "\xef\xbb\xbf"
                  "a",
                  0);
        publish(&t, "a", "without", 0, 0);
        expect_nothing(&t);
        publish(&t,
                "\xef\xbb\xbf"
                "a",
                "with", 0, 0);
        expect_publish(&t,
                       "\xef\xbb\xbf"
                       "a",
                       "with");
        /* nothing is normalised: [MQTT-4.7.3-4]; 3.1.1 [MQTT-4.7.3-4] */
        subscribe(&t, "caf\xc3\xa9", 0);
        publish(&t, "cafe\xcc\x81", "decomposed", 0, 0);
        publish(&t, "CAF\xc3\x89", "upper", 0, 0);
        publish(&t, "caf\xc3\xa9/", "a level more", 0, 0);
        publish(&t, "/caf\xc3\xa9", "a level more", 0, 0);
        publish(&t, "caf\xc3\xa9 ", "a space more", 0, 0);
        expect_nothing(&t);
        publish(&t, "caf\xc3\xa9", "same", 0, 0);
        expect_publish(&t, "caf\xc3\xa9", "same");
        client_drop(&t);
    }
}

static void names_are_as_long_as_their_length_can_tell(void **state)
{
    (void)state;
    /* [MQTT-4.7.3-3]; 3.1.1 [MQTT-4.7.3-3] */
    char *long_name = malloc(MQTT_STRING_MAX + 2);
    memset(long_name, 'a', MQTT_STRING_MAX + 1);
    long_name[MQTT_STRING_MAX + 1] = 0;
    for (int i = 0; i < 2; i++) {
        struct client t = client_new(b, both[i], "me");
        struct buf out = {0};
        struct mqtt_packet p = publish_packet(long_name, "x", 0, 0);
        assert_int_not_equal(mqtt_write(&out, both[i], &p), 0); /* it cannot be said */
        p.as.publish.topic.n = MQTT_STRING_MAX;
        struct mqtt_filter f = {.filter = p.as.publish.topic};
        assert_int_equal(subscribe_with(&t, &f, 0), 0);
        client_say(&t, &p);
        expect(&t, MQTT_PUBLISH);
        assert_int_equal(t.p.as.publish.topic.n, MQTT_STRING_MAX);
        buf_release(&out);
        client_drop(&t);
    }
    free(long_name);
}

static void what_is_not_there_is_not_read(void **state)
{
    (void)state;
    /* no identifier at QoS 0: [MQTT-2.2.1-2]; 3.1.1 [MQTT-2.3.1-5] */
    struct client old = client_new(b, MQTT_V311, "old"), t = client_new(b, MQTT_V5, "t");
    subscribe(&old, "t", 0);
    subscribe(&t, "t", 0);
    client_feed(&old, "30 @ 0001 't' 0007");
    expect_bytes(&old, "30 @ 0001 't' 0007"); /* the two bytes are the payload */
    /* no properties, told by zero: [MQTT-2.2.2-1] */
    expect_bytes(&t, "30 @ 0001 't' 00 0007");
    client_feed(&t, "30 @ 0001 't' 00 0007");
    expect_bytes(&t, "30 @ 0001 't' 00 0007");
    client_drop(&old);
    client_drop(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BROKER_TEST(strings_that_cannot_be),
        BROKER_TEST(lengths_that_cannot_be),
        BROKER_TEST(headers_that_cannot_be),
        BROKER_TEST(publishes_that_cannot_be),
        BROKER_TEST(subscriptions_that_cannot_be),
        BROKER_TEST(reasons_that_cannot_be),
        BROKER_TEST(characters_stay_what_they_are),
        BROKER_TEST(names_are_as_long_as_their_length_can_tell),
        BROKER_TEST(what_is_not_there_is_not_read),
    };
    (void)setup_small;
    return cmocka_run_group_tests(tests, NULL, NULL);
}

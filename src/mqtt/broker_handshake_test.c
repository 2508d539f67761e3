/* Tests of CONNECT and CONNACK field by field, of who is who, and of wills, by normative statement;
 * where the standards agree both versions go through the same lines. */
#include "mqtt/testing.h"

static struct client open_fed(enum mqtt_version v, const char *text)
{
    struct client t = client_open(b, v);
    client_feed(&t, text);
    return t;
}

static struct mqtt_packet subscription(const struct mqtt_filter *f, struct buf *list)
{
    mqtt_topics_add(list, MQTT_SUBSCRIBE, MQTT_V5, f);
    return (struct mqtt_packet){.type = MQTT_SUBSCRIBE,
                                .as.topics = {.packet_id = 9, .list = buf_slice(list)}};
}

/* ---- the fields ---- */

static void fields_come_in_their_order(void **state)
{
    (void)state;
    /* [MQTT-3.1.3-1], [MQTT-3.1.3-3], [MQTT-3.1.2-9], [MQTT-3.1.2-17], [MQTT-3.1.2-19];
     * 3.1.1 [MQTT-3.1.3-1], [MQTT-3.1.3-3], [MQTT-3.1.2-9], [MQTT-3.1.2-19], [MQTT-3.1.2-21] */
    static const char *const whole[] = {
        "10 @ 0004 'MQTT' 04 ee 003c 0002 'me' 0004 'will' 0003 'bye' 0003 'bob' 0003 00ff41",
        "10 @ 0004 'MQTT' 05 ee 003c 00 0002 'me' 02 0101 0004 'will' 0003 'bye' 0003 'bob' 0003 "
        "00ff41"};
    for (int i = 0; i < 2; i++) {
        struct client watch = client_new(b, MQTT_V5, "watch");
        subscribe(&watch, "will", 2);
        struct client t = open_fed(both[i], whole[i]);
        expect(&t, MQTT_CONNACK);
        assert_int_equal(t.p.as.connack.reason, 0);
        assert_true(slice_is(t.c->session->id, "me"));
        client_drop(&t);
        expect_publish(&watch, "will", "bye");
        assert_int_equal(watch.p.as.publish.qos, 1); /* flags ee: retained, QoS 1 */
        assert_int_equal(mqtt_has(&watch.p.as.publish.props, MQTT_PAYLOAD_FORMAT), i);
        assert_int_equal(b->retained_n, 1);
        retain(&watch, "will", "");
        client_drop(&watch);
    }
}

/* What follows the protocol level, without and with the properties of 5.0. */
static const struct {
    const char *old, *new;
} wrong[] = {
    /* the reserved flag: [MQTT-3.1.2-3]; 3.1.1 [MQTT-3.1.2-3] */
    {"03 003c 0001 'a'", "03 003c 00 0001 'a'"},
    {"0a 003c 0001 'a'", "0a 003c 00 0001 'a'"},
    {"22 003c 0001 'a'", "22 003c 00 0001 'a'"},
    {"1e 003c 0001 'a' 0001 't' 0001 'm'", "1e 003c 00 0001 'a' 00 0001 't' 0001 'm'"},
    {"06 003c 0001 'a'", "06 003c 00 0001 'a'"},
    {"06 003c 0001 'a' 0001 't'", "06 003c 00 0001 'a' 00 0001 't'"},
    {"02 003c 0001 'a' 0001 't' 0001 'm'", "02 003c 00 0001 'a' 00 0001 't' 0001 'm'"},
    {"82 003c 0001 'a'", "82 003c 00 0001 'a'"},
    {"02 003c 0001 'a' 0001 'u'", "02 003c 00 0001 'a' 0001 'u'"},
    {"c2 003c 0001 'a' 0001 'u'", "42 003c 00 0001 'a'"},
    {"82 003c 0001 'a' 0001 'u' 0001 'p'", "82 003c 00 0001 'a' 0001 'u' 0001 'p'"},
    {"02 003c", "02 003c 00"},
    {"02 003c 0002 c080", "02 003c 00 0002 c080"},
    {"06 003c 0001 'a' 0002 c080 0001 'm'", "06 003c 00 0001 'a' 00 0002 c080 0001 'm'"},
    {"82 003c 0001 'a' 0002 c080", "82 003c 00 0001 'a' 0002 c080"},
};

static void fields_and_flags_agree(void **state)
{
    (void)state;
    /* In the order of the table.  The reserved flag: [MQTT-3.1.2-3]; 3.1.1 [MQTT-3.1.2-3]
     * QoS and retain of no will: [MQTT-3.1.2-11], [MQTT-3.1.2-13];
     *     3.1.1 [MQTT-3.1.2-13], [MQTT-3.1.2-15]
     * a will of QoS 3: [MQTT-3.1.2-12]; 3.1.1 [MQTT-3.1.2-14]
     * a will flag without a will, or half of one, and the other way round: [MQTT-3.1.2-9];
     *     3.1.1 [MQTT-3.1.2-9], [MQTT-3.1.2-11]
     * a user name's flag without one: [MQTT-3.1.2-17]; 3.1.1 [MQTT-3.1.2-19]
     * and one without its flag: [MQTT-3.1.2-16]; 3.1.1 [MQTT-3.1.2-18]
     * the same of the password: [MQTT-3.1.2-19], [MQTT-3.1.2-18];
     *     3.1.1 [MQTT-3.1.2-21], [MQTT-3.1.2-20]
     * no client identifier: [MQTT-3.1.3-3]; 3.1.1 [MQTT-3.1.3-3]
     * ill-formed: [MQTT-3.1.3-4], [MQTT-3.1.3-11], [MQTT-3.1.3-12];
     *     3.1.1 [MQTT-3.1.3-4], [MQTT-3.1.3-10], [MQTT-3.1.3-11] */
    char text[256];
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        /* no CONNACK: 3.1.1 [MQTT-3.1.4-1], [MQTT-3.2.2-6] */
        snprintf(text, sizeof text, "10 @ 0004 'MQTT' 04 %s", wrong[i].old);
        struct client t = open_fed(MQTT_V311, text);
        if (!t.c->closed || t.c->memory.n)
            fail_msg("taken or answered: %s", text);
        client_drop(&t);
        /* told, and closed: [MQTT-3.1.4-1], [MQTT-3.2.2-6], [MQTT-3.2.2-7], [MQTT-3.2.2-8];
         * never by DISCONNECT: [MQTT-3.14.0-1] */
        snprintf(text, sizeof text, "10 @ 0004 'MQTT' 05 %s", wrong[i].new);
        t = open_fed(MQTT_V5, text);
        if (!client_hear(&t))
            fail_msg("not answered: %s", text);
        assert_int_equal(t.p.type, MQTT_CONNACK);
        assert_int_equal(t.p.as.connack.reason, MQTT_MALFORMED);
        assert_false(t.p.as.connack.session_present);
        expect_nothing(&t);
        assert_true(t.c->closed);
        client_drop(&t);
    }
    /* a will that we do not take: no return code says so: 3.1.1 [MQTT-3.2.2-6] */
    struct client t =
        open_fed(MQTT_V311, "10 @ 0004 'MQTT' 04 06 003c 0001 'a' 0002 '$x' 0001 'm'");
    expect_closed(&t, 0);
    client_drop(&t);
    /* 3.1.1 [MQTT-3.1.2-22]; 5.0 has lifted it */
    t = open_fed(MQTT_V311, "10 @ 0004 'MQTT' 04 42 003c 0001 'a' 0001 'p'");
    expect_closed(&t, 0);
    client_drop(&t);
    t = open_fed(MQTT_V5, "10 @ 0004 'MQTT' 05 42 003c 00 0001 'a' 0001 'p'");
    expect(&t, MQTT_CONNACK);
    assert_int_equal(t.p.as.connack.reason, 0);
    client_drop(&t);
    assert_int_equal(b->sessions.count, 0);
}

static void properties_of_connect_that_cannot_be(void **state)
{
    (void)state;
    /* [MQTT-3.1.4-1], [MQTT-3.2.2-7] */
    static const struct {
        uint8_t reason;
        const char *properties;
    } rows[] = {
        {MQTT_PROTOCOL_ERROR, "03 21 0000"},                 /* Receive Maximum 0 */
        {MQTT_PROTOCOL_ERROR, "05 27 00000000"},             /* Maximum Packet Size 0 */
        {MQTT_PROTOCOL_ERROR, "02 17 02"},                   /* neither 0 nor 1 */
        {MQTT_PROTOCOL_ERROR, "02 19 02"},                   /* the same */
        {MQTT_PROTOCOL_ERROR, "0a 11 00000001 11 00000001"}, /* twice */
        {MQTT_PROTOCOL_ERROR, "06 21 0001 21 0001"},
        {MQTT_PROTOCOL_ERROR, "04 16 0001 00"}, /* authentication data without a method */
        {MQTT_MALFORMED, "05 18 00000001"},     /* of a will */
        {MQTT_MALFORMED, "03 23 0001"},         /* of PUBLISH */
        {MQTT_MALFORMED, "02 24 01"},           /* of CONNACK */
        {MQTT_MALFORMED, "7f"},                 /* longer than the packet */
        {MQTT_MALFORMED, "05 26 0000 0001"},    /* cut short */
    };
    char text[256];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        snprintf(text, sizeof text, "10 @ 0004 'MQTT' 05 02 003c %s 0001 'a'", rows[i].properties);
        struct client t = open_fed(MQTT_V5, text);
        if (!client_hear(&t) || t.p.type != MQTT_CONNACK || t.p.as.connack.reason != rows[i].reason)
            fail_msg("%s", text);
        expect_closed(&t, 0);
        client_drop(&t);
    }
    /* what a will may have, and how often */
    struct client t = open_fed(MQTT_V5, "10 @ 0004 'MQTT' 05 06 003c 00 0001 'a' "
                                        "0a 18 00000001 18 00000001 0001 't' 0001 'm'");
    expect(&t, MQTT_CONNACK);
    assert_int_equal(t.p.as.connack.reason, MQTT_PROTOCOL_ERROR);
    client_drop(&t);
}

static void the_first_packet_is_connect(void **state)
{
    (void)state;
    /* [MQTT-3.1.0-1], [MQTT-3.14.0-1]; 3.1.1 [MQTT-3.1.0-1]: a word before it ends it without one
     */
    static const char *const first[] = {"c000", "30 @ 0001 't'", "82 @ 0001 0001 'a' 00",
                                        "e000", "f000",          "20 @ 0000"};
    for (size_t i = 0; i < sizeof first / sizeof first[0]; i++) {
        struct client t = open_fed(MQTT_V311, first[i]);
        expect_closed(&t, 0);
        client_drop(&t);
    }
    /* [MQTT-3.1.0-2], [MQTT-4.13.1-1]; 3.1.1 [MQTT-3.1.0-2]: and comes once */
    for (int i = 0; i < 2; i++) {
        struct client t = client_new(b, both[i], "me");
        struct mqtt_packet again = connect_packet(both[i], "other", true);
        client_say(&t, &again);
        expect_closed(&t, MQTT_PROTOCOL_ERROR);
        client_drop(&t);
    }
    assert_int_equal(b->sessions.count, 0);
}

static void other_protocols_and_levels(void **state)
{
    (void)state;
    /* [MQTT-3.1.2-1]; 3.1.1 [MQTT-3.1.2-1]: another protocol */
    struct client t = open_fed(MQTT_V311, "10 @ 0004 'HTTP' 04 02 003c 0001 'a'");
    expect_closed(&t, 0);
    client_drop(&t);
    t = open_fed(MQTT_V311, "10 @ 0004 'mqtt' 04 02 003c 0001 'a'");
    expect_closed(&t, 0);
    client_drop(&t);
    /* 3.1.1 [MQTT-3.1.2-2], [MQTT-3.2.2-4], [MQTT-3.2.2-5]: another level; MQTT 3.1 is one */
    static const char *const old[] = {"10 @ 0006 'MQIsdp' 03 02 003c 0001 'a'",
                                      "10 @ 0004 'MQTT' 03 02 003c 0001 'a'",
                                      "10 @ 0004 'MQTT' 06 02 003c 0001 'a'"};
    for (size_t i = 0; i < sizeof old / sizeof old[0]; i++) {
        t = open_fed(MQTT_V311, old[i]);
        expect_bytes(&t, "20 02 00 01");
        assert_true(t.c->closed);
        client_drop(&t);
    }
    /* [MQTT-3.1.2-2], [MQTT-3.2.2-7], [MQTT-4.13.2-1]: of the shape of 5.0 */
    t = open_fed(MQTT_V5, "10 @ 0004 'MQTT' 06 02 003c 00 0001 'a'");
    expect(&t, MQTT_CONNACK);
    assert_int_equal(t.p.as.connack.reason, MQTT_BAD_VERSION);
    expect_closed(&t, 0);
    client_drop(&t);
}

/* ---- who is who ---- */

static void names_of_letters_and_digits(void **state)
{
    (void)state;
    /* [MQTT-3.1.3-5], [MQTT-3.1.3-2]; 3.1.1 [MQTT-3.1.3-5], [MQTT-3.1.3-2] */
    static const char all[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    char name[24];
    for (int i = 0; i < 2; i++)
        for (size_t n = 1; n <= 23; n++) {
            memcpy(name, all + n, n);
            name[n] = 0;
            struct client t = client_stay(b, both[i], name, 100);
            assert_false(t.p.as.connack.session_present);
            client_drop(&t);
            t = client_stay(b, both[i], name, 100);
            assert_true(t.p.as.connack.session_present);
            client_drop(&t);
            t = client_new(b, both[i], name);
            client_leave(&t);
        }
    /* no name is rejected for what it is: [MQTT-3.1.3-8] */
    static const char *const odd[] = {
        " ", "a/b", "#", "$SYS", "\xf0\x9f\x98\x80", "0123456789012345678901234567890123456789"};
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
        struct client t = client_new(b, MQTT_V5, odd[i]);
        client_drop(&t);
    }
}

static void who_has_no_name_gets_one(void **state)
{
    (void)state;
    /* [MQTT-3.1.3-6], [MQTT-3.1.3-7], [MQTT-3.2.2-16]; 3.1.1 [MQTT-3.1.3-6] */
    for (int i = 0; i < 2; i++) {
        struct client one = client_new(b, both[i], ""), two = client_new(b, both[i], "");
        assert_false(slice_eq(one.c->session->id, two.c->session->id));
        assert_int_equal(b->sessions.count, 2);
        if (both[i] == MQTT_V5) {
            assert_true(slice_eq(two.p.as.connack.props.assigned_client_id, two.c->session->id));
            /* it is a name like others */
            char name[64];
            snprintf(name, sizeof name, "%.*s", SLICE_ARG(two.c->session->id));
            struct client again = client_new(b, MQTT_V5, name);
            expect_closed(&two, MQTT_TAKEN_OVER);
            client_drop(&again);
        }
        client_drop(&one);
        client_drop(&two);
    }
    /* 5.0 keeps such a session, too */
    struct client t = client_stay(b, MQTT_V5, "", 100);
    assert_true(mqtt_has(&t.p.as.connack.props, MQTT_ASSIGNED_CLIENT_ID));
    client_drop(&t);
    assert_int_equal(b->sessions.count, 1);
    /* 3.1.1 [MQTT-3.1.3-8], [MQTT-3.1.3-9], [MQTT-3.2.2-4], [MQTT-3.2.2-5] */
    t = open_fed(MQTT_V311, "10 @ 0004 'MQTT' 04 00 003c 0000");
    expect_bytes(&t, "20 02 00 02");
    assert_true(t.c->closed);
    client_drop(&t);
}

static void sessions_begin_and_go_on(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct client from = client_new(b, both[i], "from");
        /* none yet: [MQTT-3.1.2-6], [MQTT-3.2.2-3], [MQTT-3.1.4-4], [MQTT-3.1.4-5];
         * 3.1.1 [MQTT-3.2.2-3], [MQTT-3.1.4-3], [MQTT-3.1.4-4] */
        struct client t = client_stay(b, both[i], "me", 100);
        assert_false(t.p.as.connack.session_present);
        subscribe(&t, "a", 1);
        client_drop(&t);
        publish(&from, "a", "1", 1, 1); /* [MQTT-4.5.0-1]; 3.1.1 [MQTT-3.1.2-5], [MQTT-4.5.0-1] */
        /* it goes on: [MQTT-3.1.2-5], [MQTT-3.1.2-23], [MQTT-3.2.2-3], [MQTT-4.1.0-1];
         * 3.1.1 [MQTT-3.1.2-4], [MQTT-3.2.2-2], [MQTT-4.1.0-1] */
        t = client_stay(b, both[i], "me", 100);
        assert_true(t.p.as.connack.session_present);
        expect_publish(&t, "a", "1");
        client_drop(&t);
        publish(&from, "a", "2", 1, 2);
        /* a clean start forgets it: [MQTT-3.1.2-4], [MQTT-3.2.2-2];
         * 3.1.1 [MQTT-3.1.2-6], [MQTT-3.2.2-1] */
        t = client_new(b, both[i], "me");
        assert_false(t.p.as.connack.session_present);
        expect_nothing(&t);
        wait_s(b, 100000); /* 3.1.1 [MQTT-4.1.0-2]: as long as its connection */
        assert_false(t.c->closed);
        publish(&from, "a", "3", 1, 3);
        expect_nothing(&t); /* no subscription is left */
        client_drop(&t);
        /* and ends with its connection: 3.1.1 [MQTT-3.1.2-6]; [MQTT-4.1.0-2] */
        t = client_stay(b, both[i], "me", 100);
        assert_false(t.p.as.connack.session_present);
        client_drop(&t);
        t = client_new(b, both[i], "me");
        client_drop(&t);
        client_drop(&from);
    }
    /* [MQTT-4.1.0-2], [MQTT-3.1.2-23] */
    struct client t = client_stay(b, MQTT_V5, "me", 5);
    wait_s(b, 50); /* not while it is connected: [MQTT-4.1.0-1] */
    client_drop(&t);
    wait_s(b, 4);
    assert_int_equal(b->sessions.count, 1);
    wait_s(b, 2);
    assert_int_equal(b->sessions.count, 0);
}

static void retained_messages_are_of_no_session(void **state)
{
    (void)state;
    /* 3.1.1 [MQTT-3.1.2-7] */
    struct client t = client_new(b, MQTT_V311, "me");
    retain(&t, "kept", "still here");
    client_leave(&t);
    assert_int_equal(b->sessions.count, 0);
    t = client_new(b, MQTT_V311, "me");
    subscribe(&t, "kept", 0);
    expect_publish(&t, "kept", "still here");
    client_drop(&t);
}

static void a_name_has_one_connection(void **state)
{
    (void)state;
    /* [MQTT-3.1.4-3]; 3.1.1 [MQTT-3.1.4-2]; across versions */
    for (int i = 0; i < 4; i++) {
        struct client old = client_new(b, both[i & 1], "me");
        struct client t = client_new(b, both[i >> 1], "me");
        expect_closed(&old, MQTT_TAKEN_OVER);
        client_feed(&t, "c000");
        expect(&t, MQTT_PINGRESP);
        client_drop(&old);
        client_drop(&t);
    }
}

/* ---- CONNACK ---- */

static void connack_is_first_and_single(void **state)
{
    (void)state;
    /* [MQTT-3.2.0-1], [MQTT-3.2.0-2], [MQTT-3.2.2-1]; 3.1.1 [MQTT-3.2.0-1] */
    for (int i = 0; i < 2; i++) {
        struct client t = client_stay(b, both[i], "me", 100), from = client_new(b, both[i], "from");
        subscribe(&t, "a", 1);
        client_drop(&t);
        publish(&from, "a", "waits", 1, 1);
        t = client_open(b, both[i]);
        struct buf out = {0};
        struct mqtt_packet p = connect_packet(both[i], "me", false);
        mqtt_write(&out, both[i], &p);
        mqtt_write(&out, both[i], &(struct mqtt_packet){.type = MQTT_PINGREQ});
        mqtt_conn_feed(t.c, buf_slice(&out));
        assert_int_equal((uint8_t)t.c->memory.p[0], 0x20);
        if (both[i] == MQTT_V311)
            assert_memory_equal(t.c->memory.p, "\x20\2\1\0", 4);
        else
            assert_int_equal(t.c->memory.p[2], 1); /* Session Present and no other bit */
        expect(&t, MQTT_CONNACK);
        expect_publish(&t, "a", "waits");
        expect(&t, MQTT_PINGRESP);
        expect_nothing(&t);
        buf_release(&out);
        client_drop(&from);
        client_drop(&t);
        t = client_new(b, both[i], "me");
        client_drop(&t);
    }
}

static void nothing_behind_a_refusal_is_looked_at(void **state)
{
    (void)state;
    /* [MQTT-3.1.4-6], [MQTT-3.1.4-2]; 3.1.1 [MQTT-3.1.4-5] */
    static const char *const refused[] = {"10 @ 0004 'MQTT' 04 00 003c 0000",
                                          "10 @ 0004 'MQTT' 05 02 003c 07 15 0004 'NONE' 0001 'a'"};
    struct client watch = client_new(b, MQTT_V5, "watch");
    subscribe(&watch, "#", 0);
    for (int i = 0; i < 2; i++) {
        struct buf out = {0};
        struct mqtt_packet p = publish_packet("behind", "x", 0, 0);
        struct client t = client_open(b, both[i]);
        buf_add_slice(&out, bytes(refused[i]));
        mqtt_write(&out, both[i], &p);
        mqtt_conn_feed(t.c, buf_slice(&out));
        mqtt_conn_feed(t.c, buf_slice(&out));
        expect(&t, MQTT_CONNACK);
        assert_int_not_equal(t.p.as.connack.reason, 0);
        expect_closed(&t, 0);
        expect_nothing(&watch);
        buf_release(&out);
        client_drop(&t);
    }
    client_drop(&watch);
}

static void connack_fits_the_client(void **state)
{
    (void)state;
    /* [MQTT-3.2.2-19], [MQTT-3.2.2-20], [MQTT-3.1.2-24] */
    struct mqtt_packet p = connect_packet(MQTT_V5, "x", true);
    p.as.connect.props.has = MQTT_BIT(MQTT_MAX_PACKET_SIZE) | MQTT_BIT(MQTT_AUTH_METHOD);
    p.as.connect.props.max_packet_size = 10;
    p.as.connect.props.auth_method = SLICE_LIT("SCRAM");
    struct client t = client_open(b, MQTT_V5);
    client_say(&t, &p);
    expect_bytes(&t, "20 03 00 8c 00");
    assert_true(t.c->closed);
    client_drop(&t);
    /* one that takes not even a good CONNACK: ended without a word, and without a will */
    struct client watch = client_new(b, MQTT_V5, "watch");
    subscribe(&watch, "will", 0);
    p = with_will(MQTT_V5, "bye", false, 0, 0);
    p.as.connect.props.has = MQTT_BIT(MQTT_MAX_PACKET_SIZE);
    p.as.connect.props.max_packet_size = 10;
    t = client_open(b, MQTT_V5);
    client_say(&t, &p);
    expect_closed(&t, 0);
    expect_nothing(&watch);
    client_drop(&t);
    client_drop(&watch);
}

static void everything_is_supported(void **state)
{
    (void)state;
    /* nothing of it is taken back in CONNACK: [MQTT-3.2.2-9], [MQTT-3.2.2-12], [MQTT-3.2.2-13] */
    struct mqtt_packet p = with_will(MQTT_V5, "kept", true, 0, 0);
    p.as.connect.will_qos = 2;
    struct client t = client_with(b, &p);
    uint64_t never = MQTT_BIT(MQTT_MAXIMUM_QOS) | MQTT_BIT(MQTT_RETAIN_AVAILABLE) |
                     MQTT_BIT(MQTT_WILDCARD_AVAILABLE) | MQTT_BIT(MQTT_SHARED_AVAILABLE) |
                     MQTT_BIT(MQTT_SUBSCRIPTION_ID_AVAILABLE);
    assert_int_equal(t.p.as.connack.props.has & never, 0);
    struct client watch = client_new(b, MQTT_V5, "watch");
    for (uint8_t qos = 0; qos < 3; qos++) /* [MQTT-3.2.2-10]; wildcards: 3.1.1 [MQTT-3.8.3-2] */
        subscribe(&watch, "+/#", qos);
    client_drop(&t);
    expect_publish(&watch, "will", "kept");
    assert_int_equal(watch.p.as.publish.qos, 2);
    client_drop(&watch);
    watch = client_new(b, MQTT_V311, "watch");
    for (uint8_t qos = 0; qos < 3; qos++)
        subscribe(&watch, "no/+", qos);
    client_drop(&watch);
}

static void response_information_is_not_given(void **state) /* [MQTT-3.1.2-28] */
{
    (void)state;
    for (uint32_t asked = 0; asked < 3; asked++) {
        struct mqtt_packet p = connect_packet(MQTT_V5, "me", true);
        p.as.connect.props.has = asked < 2 ? MQTT_BIT(MQTT_REQUEST_RESPONSE) : 0;
        p.as.connect.props.request_response = asked;
        struct client t = client_with(b, &p);
        assert_false(mqtt_has(&t.p.as.connack.props, MQTT_RESPONSE_INFORMATION));
        client_drop(&t);
    }
}

static void no_method_of_authentication_is_known(void **state)
{
    (void)state;
    /* [MQTT-4.12.0-1], [MQTT-4.12.0-4]; no AUTH leaves us, of whatever reason, method or size:
     * [MQTT-4.12.0-2], [MQTT-4.12.0-5], [MQTT-3.15.2-2], [MQTT-3.15.2-3] */
    struct client t =
        open_fed(MQTT_V5, "10 @ 0004 'MQTT' 05 02 003c 0c 15 0004 'NONE' 16 0002 'hi' 0001 'a'");
    expect(&t, MQTT_CONNACK);
    assert_int_equal(t.p.as.connack.reason, MQTT_BAD_AUTH_METHOD);
    assert_false(mqtt_has(&t.p.as.connack.props, MQTT_AUTH_METHOD));
    expect_closed(&t, 0);
    client_drop(&t);
    /* [MQTT-4.12.0-6]; whoever begins it later is ended: [MQTT-4.12.1-2] */
    static const char *const later[] = {"f000", "f0 @ 18 00", "f0 @ 19 07 15 0004 'NONE'"};
    for (size_t i = 0; i < sizeof later / sizeof later[0]; i++) {
        t = client_new(b, MQTT_V5, "me");
        assert_false(mqtt_has(&t.p.as.connack.props, MQTT_AUTH_METHOD));
        client_feed(&t, later[i]);
        expect_closed(&t, MQTT_PROTOCOL_ERROR);
        client_drop(&t);
    }
}

/* ---- keep alive ---- */

static void packets_keep_alive_and_bytes_do_not(void **state)
{
    (void)state;
    /* [MQTT-3.1.2-22], [MQTT-3.2.2-22], [MQTT-3.12.4-1];
     * 3.1.1 [MQTT-3.1.2-24], [MQTT-3.12.4-1] */
    for (int i = 0; i < 2; i++) {
        struct mqtt_packet p = connect_packet(both[i], "me", true);
        p.as.connect.keep_alive = 10;
        struct client t = client_with(b, &p);
        assert_false(mqtt_has(&t.p.as.connack.props, MQTT_SERVER_KEEP_ALIVE));
        wait_s(b, 14.9);
        client_feed(&t, "c000");
        expect(&t, MQTT_PINGRESP);
        client_feed(&t, "30 7f"); /* the beginning of a packet that never comes */
        for (int s = 0; s < 15; s++) {
            assert_false(t.c->closed);
            client_feed(&t, "00");
            wait_s(b, 0.99);
        }
        wait_s(b, 0.4);
        expect_closed(&t, MQTT_KEEP_ALIVE_TIMEOUT);
        client_drop(&t);
        p.as.connect.keep_alive = 0; /* off */
        t = client_with(b, &p);
        wait_s(b, 1e6);
        assert_false(t.c->closed);
        client_drop(&t);
    }
}

/* ---- wills ---- */

static void wills_in_both_versions(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct client watch = client_new(b, both[i], "watch");
        subscribe(&watch, "will", 1);
        /* kept, and published when the connection fails: [MQTT-3.1.2-7], [MQTT-3.1.2-8];
         * 3.1.1 [MQTT-3.1.2-8] */
        struct mqtt_packet p = with_will(both[i], "bye", false, 0, 0);
        struct client t = client_with(b, &p);
        expect_nothing(&watch);
        client_drop(&t);
        expect_publish(&watch, "will", "bye");
        /* once: [MQTT-3.1.2-10]; 3.1.1 [MQTT-3.1.2-10] */
        wait_s(b, 1000);
        expect_nothing(&watch);
        /* not retained: [MQTT-3.1.2-14]; 3.1.1 [MQTT-3.1.2-16] */
        assert_int_equal(b->retained_n, 0);
        /* dismissed by DISCONNECT: [MQTT-3.14.4-3], [MQTT-3.1.2-10];
         * 3.1.1 [MQTT-3.14.4-3], [MQTT-3.1.2-10] */
        t = client_with(b, &p);
        client_leave(&t);
        wait_s(b, 1000);
        expect_nothing(&watch);
        /* whoever has none leaves none: 3.1.1 [MQTT-3.1.2-12] */
        t = client_new(b, both[i], "me");
        client_drop(&t);
        expect_nothing(&watch);
        /* retained: [MQTT-3.1.2-15]; 3.1.1 [MQTT-3.1.2-17] */
        p = with_will(both[i], "kept", true, 0, 0);
        t = client_with(b, &p);
        client_drop(&t);
        expect_publish(&watch, "will", "kept");
        assert_false(watch.p.as.publish.retain);
        struct client late = client_new(b, both[i], "late");
        subscribe(&late, "will", 0);
        expect_publish(&late, "will", "kept");
        assert_true(late.p.as.publish.retain);
        retain(&late, "will", "");
        client_drop(&late);
        client_drop(&watch);
    }
}

static void the_properties_of_a_will_go_with_it(void **state)
{
    (void)state;
    /* [MQTT-3.1.3-10] */
    struct client watch = client_new(b, MQTT_V5, "watch");
    subscribe(&watch, "will", 0);
    struct buf more = {0};
    mqtt_props_add_user(&more, SLICE_LIT("z"), SLICE_LIT("1"));
    mqtt_props_add_user(&more, SLICE_LIT("a"), SLICE_LIT("2"));
    mqtt_props_add_user(&more, SLICE_LIT("z"), SLICE_LIT("3"));
    struct mqtt_packet p = with_will(MQTT_V5, "bye", false, 0, 0);
    p.as.connect.will_props.more = buf_slice(&more);
    p.as.connect.will_props.has |= MQTT_BIT(MQTT_MESSAGE_EXPIRY);
    p.as.connect.will_props.message_expiry = 30;
    struct client t = client_with(b, &p);
    wait_s(b, 100); /* the expiry counts from the publication */
    client_drop(&t);
    expect_publish(&watch, "will", "bye");
    const struct mqtt_props *got = &watch.p.as.publish.props;
    assert_int_equal(got->message_expiry, 30);
    assert_false(mqtt_has(got, MQTT_WILL_DELAY));
    struct mqtt_prop_value v;
    char seen[4] = "";
    for (size_t at = 0, n = 0; mqtt_prop_next(got->raw, &at, &v);)
        if (v.prop == MQTT_USER_PROPERTY)
            seen[n++] = v.value.p[0];
    assert_string_equal(seen, "123");
    buf_release(&more);
    client_drop(&watch);
}

static void a_will_meets_a_take_over(void **state)
{
    (void)state;
    /* [MQTT-3.1.2-8], [MQTT-3.1.3-9]: with a delay the newer connection is in time, without the
     * older one's end is what counts; DISCONNECT 4 asks for it */
    struct client watch = client_new(b, MQTT_V5, "watch");
    subscribe(&watch, "will", 0);
    struct mqtt_packet p = with_will(MQTT_V5, "late", false, 10, 100);
    struct client old = client_with(b, &p);
    struct client t = client_stay(b, MQTT_V5, "me", 100);
    expect_closed(&old, MQTT_TAKEN_OVER);
    wait_s(b, 1000);
    expect_nothing(&watch);
    client_drop(&old);
    client_drop(&t);
    p = with_will(MQTT_V5, "now", false, 0, 100);
    old = client_with(b, &p);
    t = client_stay(b, MQTT_V5, "me", 100);
    expect_publish(&watch, "will", "now");
    client_drop(&old);
    client_drop(&t);
    /* a session that ends by DISCONNECT before the delay is over */
    p = with_will(MQTT_V5, "with", false, 1000, 100);
    t = client_with(b, &p);
    client_feed(&t, "e0 @ 04 05 11 00000005");
    client_drop(&t);
    wait_s(b, 4);
    expect_nothing(&watch);
    wait_s(b, 2);
    expect_publish(&watch, "will", "with");
    /* a session for ever waits for the delay alone */
    p = with_will(MQTT_V5, "ever", false, 50, UINT32_MAX);
    t = client_with(b, &p);
    client_drop(&t);
    wait_s(b, 49);
    expect_nothing(&watch);
    wait_s(b, 2);
    expect_publish(&watch, "will", "ever");
    client_drop(&watch);
}

/* ---- DISCONNECT ---- */

static void our_disconnect_is_the_last_word(void **state)
{
    (void)state;
    /* [MQTT-3.14.4-1], [MQTT-3.14.4-2], [MQTT-3.14.2-2], [MQTT-4.13.2-1] */
    struct client t = client_stay(b, MQTT_V5, "me", 100), from = client_new(b, MQTT_V5, "from");
    subscribe(&t, "a", 1);
    client_feed(&t, "82 @ 0001 00 0001 'a' 03 c000 c000");
    expect(&t, MQTT_DISCONNECT);
    assert_false(mqtt_has(&t.p.as.notice.props, MQTT_SESSION_EXPIRY));
    publish(&from, "a", "x", 1, 1);
    client_feed(&t, "c000");
    expect_closed(&t, 0);
    client_drop(&t);
    client_drop(&from);
}

static void what_was_subscribed_before_the_answer(void **state)
{
    (void)state;
    struct buf list = {0};
    struct mqtt_packet p = subscription(&(struct mqtt_filter){.filter = SLICE_LIT("a")}, &list);
    struct client t = client_open(b, MQTT_V5);
    client_say(&t, &p); /* before CONNECT: nothing, not even SUBACK; [MQTT-3.2.0-1] */
    expect_closed(&t, 0);
    buf_release(&list);
    client_drop(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BROKER_TEST(fields_come_in_their_order),
        BROKER_TEST(fields_and_flags_agree),
        BROKER_TEST(properties_of_connect_that_cannot_be),
        BROKER_TEST(the_first_packet_is_connect),
        BROKER_TEST(other_protocols_and_levels),
        BROKER_TEST(names_of_letters_and_digits),
        BROKER_TEST(who_has_no_name_gets_one),
        BROKER_TEST(sessions_begin_and_go_on),
        BROKER_TEST(retained_messages_are_of_no_session),
        BROKER_TEST(a_name_has_one_connection),
        BROKER_TEST(connack_is_first_and_single),
        BROKER_TEST(nothing_behind_a_refusal_is_looked_at),
        BROKER_TEST(connack_fits_the_client),
        BROKER_TEST(everything_is_supported),
        BROKER_TEST(response_information_is_not_given),
        BROKER_TEST(no_method_of_authentication_is_known),
        BROKER_TEST(packets_keep_alive_and_bytes_do_not),
        BROKER_TEST(wills_in_both_versions),
        BROKER_TEST(the_properties_of_a_will_go_with_it),
        BROKER_TEST(a_will_meets_a_take_over),
        BROKER_TEST(our_disconnect_is_the_last_word),
        BROKER_TEST(what_was_subscribed_before_the_answer),
    };
    (void)setup_small;
    return cmocka_run_group_tests(tests, NULL, NULL);
}

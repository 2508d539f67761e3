/* Tests of the MQTT codec.  The identifiers in comments are those of the standards' normative
 * statements; 3.1.1 and 5.0 number them apart. */
#include "codec/mqtt_testing.h"

#include "base/err.h"

#include <stdlib.h>

static struct mqtt_fault fault;
static struct mqtt_packet packet;

static int read_v(enum mqtt_version v, const char *text)
{
    fault = (struct mqtt_fault){0};
    memset(&packet, 0xa5, sizeof packet);
    return mqtt_read(bytes(text), v, &packet, &fault);
}

/* The reason with which a packet is refused, 0 when it is accepted. */
static int refused(enum mqtt_version v, const char *text)
{
    int err = read_v(v, text);
    assert_true(err == 0 || fault.text);
    return err ? fault.reason : 0;
}

/* ---- framing ---- */

static void the_header_tells_the_length(void **state)
{
    (void)state;
    size_t n = 0;
    assert_int_equal(mqtt_frame(bytes(""), 100, &n), ERR_AGAIN);
    assert_int_equal(mqtt_frame(bytes("30"), 100, &n), ERR_AGAIN);
    assert_int_equal(mqtt_frame(bytes("30 ff"), 100, &n), ERR_AGAIN);
    assert_int_equal(mqtt_frame(bytes("30 05"), 100, &n), 0);
    assert_int_equal(n, 7);
    assert_int_equal(mqtt_frame(bytes("30 80 01"), 1000, &n), 0);
    assert_int_equal(n, 131);
    assert_int_equal(mqtt_frame(bytes("30 ff ff ff 7f"), SIZE_MAX, &n), 0);
    assert_int_equal(n, 5 + MQTT_REMAINING_MAX);
    /* the header alone is enough to refuse what is too large */
    assert_int_equal(mqtt_frame(bytes("30 80 80 01"), 1000, &n), ERR_TOO_LARGE);
}

static void lengths_are_minimal_and_of_four_bytes_at_most(void **state) /* [MQTT-1.5.5-1] */
{
    (void)state;
    size_t n;
    assert_int_equal(mqtt_frame(bytes("30 ff ff ff ff 01"), SIZE_MAX, &n), ERR_MALFORMED);
    assert_int_equal(mqtt_frame(bytes("30 80 00"), SIZE_MAX, &n), ERR_MALFORMED);
    assert_int_equal(mqtt_frame(bytes("c0 80 80 00"), SIZE_MAX, &n), ERR_MALFORMED);
}

static void header_flags_are_fixed(void **state) /* [MQTT-2.1.3-1], 3.1.1 [MQTT-2.2.2-1], [-2] */
{
    (void)state;
    size_t n;
    for (unsigned type = 0; type < 16; type++) {
        for (unsigned flags = 0; flags < 16; flags++) {
            char header[2] = {(char)(type << 4 | flags), 2};
            unsigned right =
                type == MQTT_PUBREL || type == MQTT_SUBSCRIBE || type == MQTT_UNSUBSCRIBE ? 2 : 0;
            bool ok = type != 0 && (type == MQTT_PUBLISH || flags == right);
            assert_int_equal(mqtt_frame(slice_of(header, 2), 100, &n), ok ? 0 : ERR_MALFORMED);
        }
    }
}

/* ---- strings ---- */

static void strings_are_utf8_without_nul(void **state)
{
    (void)state;
    /* [MQTT-1.5.4-1], 3.1.1 [MQTT-1.5.3-1]: ill-formed UTF-8 and surrogates */
    assert_int_equal(refused(MQTT_V311, "30 @ 0003 eda080"), MQTT_MALFORMED);
    assert_int_equal(refused(MQTT_V5, "30 @ 0002 c080 00"), MQTT_MALFORMED);
    assert_int_equal(refused(MQTT_V5, "30 @ 0003 61ff62 00"), MQTT_MALFORMED);
    /* [MQTT-1.5.4-2], 3.1.1 [MQTT-1.5.3-2]: U+0000 */
    assert_int_equal(refused(MQTT_V311, "30 @ 0003 610062"), MQTT_MALFORMED);
    /* [MQTT-1.5.4-3], 3.1.1 [MQTT-1.5.3-3]: a byte order mark is a character like others */
    assert_int_equal(refused(MQTT_V311, "30 @ 0004 efbbbf61"), 0);
    assert_int_equal(packet.as.publish.topic.n, 4);
    assert_memory_equal(packet.as.publish.topic.p,
                        "\xef\xbb\xbf"
                        "a",
                        4);
    assert_int_equal(refused(MQTT_V311, "30 @ 0004 f09f9880"), 0);
    /* longer than the packet */
    assert_int_equal(refused(MQTT_V311, "30 @ 0003 6161"), MQTT_MALFORMED);
}

/* ---- CONNECT ---- */

static void connect_is_read_whole(void **state)
{
    (void)state;
    assert_int_equal(refused(MQTT_V5,
                             "10 @ 0004 'MQTT' 04 ee 003c 0002 'me' 0004 'gone' 0007 'offline'"
                             "0005 'alice' 0009 's3cret' 00ff41"),
                     0);
    const struct mqtt_connect *c = &packet.as.connect;
    assert_int_equal(c->version, MQTT_V311);
    assert_true(c->clean_start && c->has_will && c->will_retain);
    assert_int_equal(c->will_qos, 1);
    assert_int_equal(c->keep_alive, 60);
    assert_true(slice_is(c->client_id, "me") && slice_is(c->will_topic, "gone"));
    assert_true(slice_is(c->will_payload, "offline") && slice_is(c->username, "alice"));
    assert_int_equal(c->password.n, 9); /* binary: any bytes */

    assert_int_equal(refused(MQTT_V311, "10 @ 0004 'MQTT' 05 06 0000"
                                        "0b 11 0000000a 21 0005 22 0007"
                                        "0001 'x'"
                                        "0a 18 00000003 01 01 26 0000 "
                                        "0000"),
                     MQTT_MALFORMED); /* the will's properties are cut */
    assert_int_equal(refused(MQTT_V311, "10 @ 0004 'MQTT' 05 06 0000"
                                        "0b 11 0000000a 21 0005 22 0007"
                                        "0001 'x'"
                                        "07 18 00000003 01 01"
                                        "0003 'w/t' 0003 'bye'"),
                     0);
    c = &packet.as.connect;
    assert_int_equal(c->version, MQTT_V5);
    assert_int_equal(c->props.session_expiry, 10);
    assert_int_equal(c->props.receive_max, 5);
    assert_int_equal(c->props.topic_alias_max, 7);
    assert_false(mqtt_has(&c->props, MQTT_MAX_PACKET_SIZE));
    assert_int_equal(c->will_props.will_delay, 3);
    assert_int_equal(c->will_props.payload_format, 1);
}

static void connect_flags_are_checked(void **state)
{
    (void)state;
    /* [MQTT-3.1.2-3] the reserved flag */
    assert_int_equal(refused(MQTT_V311, "10 @ 0004 'MQTT' 04 03 003c 0001 'a'"), MQTT_MALFORMED);
    /* [MQTT-3.1.2-11], 3.1.1 [MQTT-3.1.2-13]: will QoS without will */
    assert_int_equal(refused(MQTT_V311, "10 @ 0004 'MQTT' 04 0a 003c 0001 'a'"), MQTT_MALFORMED);
    /* [MQTT-3.1.2-13], 3.1.1 [MQTT-3.1.2-15]: will retain without will */
    assert_int_equal(refused(MQTT_V311, "10 @ 0004 'MQTT' 04 22 003c 0001 'a'"), MQTT_MALFORMED);
    /* [MQTT-3.1.2-12], 3.1.1 [MQTT-3.1.2-14]: will QoS 3 */
    assert_int_equal(refused(MQTT_V311, "10 @ 0004 'MQTT' 04 1e 003c 0001 'a' 0001 't' 0001 'm'"),
                     MQTT_MALFORMED);
    /* 3.1.1 [MQTT-3.1.2-22]: a password without a user name; 5.0 has lifted it */
    assert_int_equal(refused(MQTT_V311, "10 @ 0004 'MQTT' 04 42 003c 0001 'a' 0001 'p'"),
                     MQTT_MALFORMED);
    assert_int_equal(refused(MQTT_V5, "10 @ 0004 'MQTT' 05 42 003c 00 0001 'a' 0001 'p'"), 0);
    /* [MQTT-3.1.3-1]: fields missing, or more than the flags say */
    assert_int_equal(refused(MQTT_V311, "10 @ 0004 'MQTT' 04 82 003c 0001 'a'"), MQTT_MALFORMED);
    assert_int_equal(refused(MQTT_V311, "10 @ 0004 'MQTT' 04 02 003c 0001 'a' 00"), MQTT_MALFORMED);
    /* the will's topic is the name of a topic */
    assert_int_equal(refused(MQTT_V311, "10 @ 0004 'MQTT' 04 06 003c 0001 'a' 0001 '#' 0001 'm'"),
                     MQTT_BAD_TOPIC);
}

static void other_versions_are_refused_in_their_words(void **state)
{
    (void)state;
    /* 3.1.1 [MQTT-3.1.2-2], 5.0 [MQTT-3.1.2-2] */
    assert_int_equal(read_v(MQTT_V311, "10 @ 0004 'MQTT' 06 02 003c 0001 'a'"), ERR_UNSUPPORTED);
    assert_int_equal(fault.reason, MQTT311_BAD_VERSION);
    assert_int_equal(read_v(MQTT_V311, "10 @ 0004 'MQTT' 06 02 003c 00 0001 'a'"), ERR_UNSUPPORTED);
    assert_int_equal(fault.reason, MQTT_BAD_VERSION);
    assert_int_equal(read_v(MQTT_V311, "10 @ 0006 'MQIsdp' 03 02 003c 0001 'a'"), ERR_UNSUPPORTED);
    assert_int_equal(fault.reason, MQTT311_BAD_VERSION);
    assert_int_equal(packet.as.connect.version, 3);
    /* [MQTT-3.1.2-1]: another protocol */
    assert_int_equal(refused(MQTT_V311, "10 @ 0004 'HTTP' 04 02 003c 0001 'a'"), MQTT_BAD_VERSION);
}

/* ---- PUBLISH and its acknowledgements ---- */

static void publish_is_read_whole(void **state)
{
    (void)state;
    assert_int_equal(refused(MQTT_V311, "3d @ 0001 't' 0007 'hi'"), 0);
    const struct mqtt_publish *m = &packet.as.publish;
    assert_true(m->dup && m->retain);
    assert_int_equal(m->qos, 2);
    assert_int_equal(m->packet_id, 7);
    assert_true(slice_is(m->topic, "t") && slice_is(m->payload, "hi"));
    /* [MQTT-3.3.1-..]: an empty payload is one */
    assert_int_equal(refused(MQTT_V311, "30 @ 0001 't'"), 0);
    assert_int_equal(packet.as.publish.payload.n, 0);

    assert_int_equal(refused(MQTT_V5,
                             "30 @ 0001 't' 23 0101 02 0000000a 23 0003 03 0001 'c' 08 0001"
                             "'r' 09 0002 0001 0b05 0b8001 26 0001 'k' 0001 'v' 'x'"),
                     0);
    m = &packet.as.publish;
    assert_int_equal(m->props.payload_format, 1);
    assert_int_equal(m->props.message_expiry, 10);
    assert_int_equal(m->props.topic_alias, 3);
    assert_true(slice_is(m->props.content_type, "c") && slice_is(m->props.response_topic, "r"));
    assert_int_equal(m->props.correlation_data.n, 2);
    assert_int_equal(m->props.subscription_id, 5); /* the first of them */
    assert_true(slice_is(m->payload, "x"));
    struct mqtt_prop_value v;
    size_t at = 0;
    int ids = 0, users = 0;
    while (mqtt_prop_next(m->props.raw, &at, &v)) {
        ids += v.prop == MQTT_SUBSCRIPTION_ID;
        users += v.prop == MQTT_USER_PROPERTY && slice_is(v.text, "k") && slice_is(v.value, "v");
    }
    assert_int_equal(ids, 2);
    assert_int_equal(users, 1);
}

static void publish_is_checked(void **state)
{
    (void)state;
    assert_int_equal(refused(MQTT_V311, "36 @ 0001 't' 0007"), MQTT_MALFORMED); /* [MQTT-3.3.1-4] */
    assert_int_equal(refused(MQTT_V311, "38 @ 0001 't'"), MQTT_MALFORMED);      /* [MQTT-3.3.1-2] */
    /* [MQTT-2.2.1-3], 3.1.1 [MQTT-2.3.1-1] */
    assert_int_equal(refused(MQTT_V311, "32 @ 0001 't' 0000"), MQTT_PROTOCOL_ERROR);
    assert_int_equal(refused(MQTT_V311, "30 @ 0001 '+'"), MQTT_BAD_TOPIC); /* [MQTT-3.3.2-2] */
    assert_int_equal(refused(MQTT_V311, "30 @ 0003 'a/#'"), MQTT_BAD_TOPIC);
    assert_int_equal(refused(MQTT_V311, "30 @ 0000"), MQTT_PROTOCOL_ERROR); /* [MQTT-4.7.3-1] */
    assert_int_equal(refused(MQTT_V5, "30 @ 0000 00"), MQTT_PROTOCOL_ERROR);
    assert_int_equal(refused(MQTT_V5, "30 @ 0000 03 23 0001"), 0); /* an alias stands for it */
    assert_int_equal(refused(MQTT_V5, "30 @ 0000 03 23 0000"), MQTT_BAD_ALIAS); /* [MQTT-3.3.2-8] */
    /* [MQTT-3.3.2-14] */
    assert_int_equal(refused(MQTT_V5, "30 @ 0001 't' 04 08 0001 '#'"), MQTT_PROTOCOL_ERROR);
    assert_int_equal(refused(MQTT_V311, "32 @ 0001 't' 00"), MQTT_MALFORMED);
}

static void acknowledgements_have_three_lengths(void **state)
{
    (void)state;
    assert_int_equal(refused(MQTT_V5, "40 @ 0005"), 0); /* 3.4.2.1: no code is success */
    assert_int_equal(packet.as.ack.reason, MQTT_SUCCESS);
    assert_int_equal(refused(MQTT_V5, "40 @ 0005 10"), 0);
    assert_int_equal(packet.as.ack.reason, MQTT_NO_SUBSCRIBERS);
    assert_int_equal(refused(MQTT_V5, "50 @ 0005 97 05 1f 0002 'no'"), 0);
    assert_true(slice_is(packet.as.ack.props.reason_string, "no"));
    assert_int_equal(refused(MQTT_V5, "62 @ 0005 92"), 0);
    assert_int_equal(refused(MQTT_V5, "62 @ 0005 10"), MQTT_PROTOCOL_ERROR); /* not of PUBREL */
    assert_int_equal(refused(MQTT_V5, "40 @ 0005 00 00 00"), MQTT_MALFORMED);
    assert_int_equal(refused(MQTT_V311, "40 @ 0005 00"), MQTT_MALFORMED);
    assert_int_equal(refused(MQTT_V311, "40 @ 0000"), MQTT_PROTOCOL_ERROR);
    assert_int_equal(refused(MQTT_V311, "70 @ 00"), MQTT_MALFORMED);
}

/* ---- SUBSCRIBE ... AUTH ---- */

static void subscriptions_are_read_and_checked(void **state)
{
    (void)state;
    struct mqtt_filter f;
    size_t at = 0;
    assert_int_equal(refused(MQTT_V5, "82 @ 000a 02 0b07 0003 'a/+' 1d 0001 '#' 22 0001 'b'"),
                     MQTT_MALFORMED);
    assert_int_equal(refused(MQTT_V5, "82 @ 000a 02 0b07 0003 'a/+' 1d 0001 '#'"), MQTT_MALFORMED);
    assert_int_equal(refused(MQTT_V5, "82 @ 000a 02 0b07 0003 'a/+' 1d 0001 '#' 22"), 0);
    assert_int_equal(packet.as.topics.count, 2);
    assert_int_equal(packet.as.topics.props.subscription_id, 7);
    assert_true(mqtt_topics_next(&packet, MQTT_V5, &at, &f));
    assert_true(slice_is(f.filter, "a/+") && f.qos == 1 && f.no_local && f.retain_as_published);
    assert_int_equal(f.retain_handling, 1);
    assert_true(mqtt_topics_next(&packet, MQTT_V5, &at, &f));
    assert_true(slice_is(f.filter, "#") && f.qos == 2 && !f.no_local && f.retain_handling == 2);
    assert_false(mqtt_topics_next(&packet, MQTT_V5, &at, &f));

    /* [MQTT-3.8.3-2], 3.1.1 [MQTT-3.8.3-3]: at least one */
    assert_int_equal(refused(MQTT_V311, "82 @ 000a"), MQTT_PROTOCOL_ERROR);
    assert_int_equal(refused(MQTT_V5, "82 @ 000a 00"), MQTT_PROTOCOL_ERROR);
    /* [MQTT-3.8.3-5], 3.1.1 [MQTT-3-8.3-4]: reserved bits; no QoS 3 */
    assert_int_equal(refused(MQTT_V311, "82 @ 000a 0001 'a' 04"), MQTT_MALFORMED);
    assert_int_equal(refused(MQTT_V311, "82 @ 000a 0001 'a' 03"), MQTT_MALFORMED);
    assert_int_equal(refused(MQTT_V5, "82 @ 000a 00 0001 'a' 40"), MQTT_MALFORMED);
    assert_int_equal(refused(MQTT_V5, "82 @ 000a 00 0001 'a' 03"), MQTT_PROTOCOL_ERROR);
    assert_int_equal(refused(MQTT_V5, "82 @ 000a 00 0001 'a' 30"), MQTT_PROTOCOL_ERROR);
    /* [MQTT-3.8.3-4]: shared and no-local */
    assert_int_equal(refused(MQTT_V5, "82 @ 000a 00 000a '$share/g/a' 04"), MQTT_PROTOCOL_ERROR);
    /* [MQTT-4.7.1-1] ..., [MQTT-4.8.2-1], [-2] */
    assert_int_equal(refused(MQTT_V311, "82 @ 000a 0003 'a#b' 00"), MQTT_BAD_FILTER);
    assert_int_equal(refused(MQTT_V311, "82 @ 000a 0000 00"), MQTT_BAD_FILTER);
    assert_int_equal(refused(MQTT_V5, "82 @ 000a 00 0009 '$share/+/' 00"), MQTT_BAD_FILTER);
    /* a subscription identifier is 1 or more and stands there once */
    assert_int_equal(refused(MQTT_V5, "82 @ 000a 02 0b00 0001 'a' 00"), MQTT_PROTOCOL_ERROR);
    assert_int_equal(refused(MQTT_V5, "82 @ 000a 04 0b01 0b02 0001 'a' 00"), MQTT_PROTOCOL_ERROR);
    /* the packet identifier */
    assert_int_equal(refused(MQTT_V311, "82 @ 0000 0001 'a' 00"), MQTT_PROTOCOL_ERROR);

    assert_int_equal(refused(MQTT_V311, "a2 @ 0001 0001 'a'"), 0);
    assert_int_equal(refused(MQTT_V311, "a2 @ 0001"), MQTT_PROTOCOL_ERROR); /* [MQTT-3.10.3-2] */
    assert_int_equal(refused(MQTT_V311, "90 @ 0001 00 02 80"), 0);
    assert_int_equal(refused(MQTT_V311, "90 @ 0001 03"), MQTT_PROTOCOL_ERROR); /* [MQTT-3.9.3-2] */
    assert_int_equal(refused(MQTT_V5, "90 @ 0001 00 97 8f"), 0);
    assert_int_equal(refused(MQTT_V5, "b0 @ 0001 00 00 11"), 0);
    assert_int_equal(refused(MQTT_V311, "b0 @ 0001"), 0);
}

static void small_packets_are_checked(void **state)
{
    (void)state;
    assert_int_equal(refused(MQTT_V311, "c0 @"), 0);
    assert_int_equal(refused(MQTT_V311, "c0 @ 00"), MQTT_MALFORMED);
    assert_int_equal(refused(MQTT_V311, "e0 @"), 0);
    assert_int_equal(refused(MQTT_V311, "e0 @ 00"), MQTT_MALFORMED);
    assert_int_equal(refused(MQTT_V5, "e0 @ 04"), 0);
    assert_int_equal(packet.as.notice.reason, MQTT_DISCONNECT_WITH_WILL);
    assert_int_equal(refused(MQTT_V5, "e0 @ 00 05 11 00000005"), 0);
    assert_int_equal(packet.as.notice.props.session_expiry, 5);
    assert_int_equal(refused(MQTT_V5, "e0 @ 18"), MQTT_PROTOCOL_ERROR);
    assert_int_equal(refused(MQTT_V5, "f0 @"), 0);
    assert_int_equal(refused(MQTT_V311, "f0 @"), MQTT_MALFORMED);
    assert_int_equal(refused(MQTT_V311, "20 @ 01 00"), 0);
    assert_true(packet.as.connack.session_present);
    assert_int_equal(refused(MQTT_V311, "20 @ 01 05"), MQTT_MALFORMED); /* 3.1.1 [MQTT-3.2.2-4] */
    assert_int_equal(refused(MQTT_V311, "20 @ 02 00"), MQTT_MALFORMED);
    assert_int_equal(refused(MQTT_V311, "20 @ 00 06"), MQTT_PROTOCOL_ERROR);
    assert_int_equal(refused(MQTT_V5, "20 @ 00 84 00"), 0);
}

/* ---- properties ---- */

static void properties_have_their_places(void **state)
{
    (void)state;
    /* 2.2.2.2: an identifier that is unknown or of another packet is malformed */
    assert_int_equal(refused(MQTT_V5, "30 @ 0001 't' 02 7e00"), MQTT_MALFORMED);
    assert_int_equal(refused(MQTT_V5, "30 @ 0001 't' 02 1701"), MQTT_MALFORMED);
    assert_int_equal(refused(MQTT_V5, "40 @ 0001 00 05 11 00000001"), MQTT_MALFORMED);
    /* the will's own: will delay stands there alone */
    assert_int_equal(refused(MQTT_V5, "10 @ 0004 'MQTT' 05 02 003c 05 18 00000001 0000"),
                     MQTT_MALFORMED);
    /* twice */
    assert_int_equal(refused(MQTT_V5, "30 @ 0001 't' 04 0100 0100"), MQTT_PROTOCOL_ERROR);
    /* values: flags of 0 and 1, numbers that are not zero */
    assert_int_equal(refused(MQTT_V5, "30 @ 0001 't' 02 0102"), MQTT_PROTOCOL_ERROR);
    assert_int_equal(refused(MQTT_V5, "10 @ 0004 'MQTT' 05 02 003c 02 1702 0000"),
                     MQTT_PROTOCOL_ERROR);
    assert_int_equal(refused(MQTT_V5, "10 @ 0004 'MQTT' 05 02 003c 03 210000 0000"),
                     MQTT_PROTOCOL_ERROR);
    assert_int_equal(refused(MQTT_V5, "10 @ 0004 'MQTT' 05 02 003c 05 2700000000 0000"),
                     MQTT_PROTOCOL_ERROR);
    /* authentication data needs a method */
    assert_int_equal(refused(MQTT_V5, "10 @ 0004 'MQTT' 05 02 003c 04 16 0001 00 0000"),
                     MQTT_PROTOCOL_ERROR);
    /* cut short, and a length past the packet */
    assert_int_equal(refused(MQTT_V5, "30 @ 0001 't' 02 0200"), MQTT_MALFORMED);
    assert_int_equal(refused(MQTT_V5, "30 @ 0001 't' 09 01"), MQTT_MALFORMED);
    /* user properties repeat, also under the same name */
    assert_int_equal(refused(MQTT_V5, "e0 @ 00 0e 26 0001 'a' 0001 'b' 26 0001 'a' 0001 'b'"), 0);
}

static void reason_codes_have_their_packets(void **state)
{
    (void)state;
    assert_true(mqtt_reason_fits(MQTT_PUBACK, MQTT_QUOTA));
    assert_true(mqtt_reason_fits(MQTT_DISCONNECT, MQTT_TAKEN_OVER));
    assert_false(mqtt_reason_fits(MQTT_PUBACK, MQTT_PACKET_TOO_LARGE));
    assert_false(mqtt_reason_fits(MQTT_CONNACK, MQTT_BAD_FILTER));
    assert_false(mqtt_reason_fits(MQTT_DISCONNECT, 0xff));
    assert_false(mqtt_reason_fits(MQTT_SUBACK, 0x03));
}

/* ---- writing ---- */

static void assert_written(const struct mqtt_packet *p, enum mqtt_version v, const char *want)
{
    struct buf out = {0};
    struct slice w = bytes(want);
    buf_add_str(&out, "before");
    assert_int_equal(mqtt_write(&out, v, p), 0);
    assert_int_equal(out.n - 6, w.n);
    assert_memory_equal(out.p + 6, w.p, w.n);
    buf_release(&out);
}

static void packets_are_written_to_the_byte(void **state)
{
    (void)state;
    struct mqtt_packet p = {.type = MQTT_CONNACK};
    assert_written(&p, MQTT_V311, "20 02 00 00");
    p.as.connack.session_present = true;
    p.as.connack.props.has = MQTT_BIT(MQTT_RECEIVE_MAX) | MQTT_BIT(MQTT_ASSIGNED_CLIENT_ID);
    p.as.connack.props.receive_max = 258;
    p.as.connack.props.assigned_client_id = SLICE_LIT("x");
    assert_written(&p, MQTT_V5, "20 0a 01 00 07 12 0001 'x' 21 0102");
    assert_written(&p, MQTT_V311, "20 02 01 00");

    p = (struct mqtt_packet){.type = MQTT_PUBACK, .as.ack = {.packet_id = 5}};
    assert_written(&p, MQTT_V5, "40 02 0005");
    p.as.ack.reason = MQTT_BAD_TOPIC;
    assert_written(&p, MQTT_V5, "40 03 0005 90");
    assert_written(&p, MQTT_V311, "40 02 0005");
    p.type = MQTT_PUBREL;
    p.as.ack.reason = 0;
    assert_written(&p, MQTT_V5, "62 02 0005");

    p = (struct mqtt_packet){
        .type = MQTT_PUBLISH,
        .as.publish = {
            .qos = 1, .packet_id = 9, .topic = SLICE_LIT("a/b"), .payload = SLICE_LIT("hi")}};
    assert_written(&p, MQTT_V311, "32 09 0003 'a/b' 0009 'hi'");
    assert_written(&p, MQTT_V5, "32 0a 0003 'a/b' 0009 00 'hi'");
    struct buf more = {0};
    mqtt_props_add_user(&more, SLICE_LIT("k"), SLICE_LIT("v"));
    mqtt_props_add_number(&more, MQTT_SUBSCRIPTION_ID, 200);
    p.as.publish.props.has = MQTT_BIT(MQTT_MESSAGE_EXPIRY) | MQTT_BIT(MQTT_PAYLOAD_FORMAT);
    p.as.publish.props.message_expiry = 60;
    p.as.publish.props.payload_format = 1;
    p.as.publish.props.more = buf_slice(&more);
    assert_written(&p, MQTT_V5,
                   "32 1b 0003 'a/b' 0009 11 0101 02 0000003c 26 0001 'k' 0001 'v' 0bc801 'hi'");
    buf_release(&more);

    p = (struct mqtt_packet){.type = MQTT_PINGRESP};
    assert_written(&p, MQTT_V5, "d0 00");
    p = (struct mqtt_packet){.type = MQTT_DISCONNECT};
    assert_written(&p, MQTT_V5, "e0 00");
    p.as.notice.reason = MQTT_TAKEN_OVER;
    assert_written(&p, MQTT_V5, "e0 01 8e");
    assert_written(&p, MQTT_V311, "e0 00");
}

static void what_cannot_be_encoded_is_refused(void **state)
{
    (void)state;
    char *large = calloc(1, MQTT_STRING_MAX + 1);
    struct buf out = {0};
    buf_add_byte(&out, 'x');
    struct mqtt_publish m = {.topic = slice_of(large, MQTT_STRING_MAX + 1)};
    assert_int_equal(mqtt_write_publish(&out, MQTT_V5, &m), ERR_TOO_LARGE);
    m.topic = SLICE_LIT("t");
    m.payload = slice_of(large, MQTT_REMAINING_MAX); /* not read: refused by its length */
    assert_int_equal(mqtt_write_publish(&out, MQTT_V5, &m), ERR_TOO_LARGE);
    struct mqtt_packet p = {.type = MQTT_DISCONNECT};
    p.as.notice.props.has = MQTT_BIT(MQTT_REASON_STRING);
    p.as.notice.props.reason_string = slice_of(large, MQTT_STRING_MAX + 1);
    assert_int_equal(mqtt_write(&out, MQTT_V5, &p), ERR_TOO_LARGE);
    assert_int_equal(out.n, 1);
    assert_false(out.failed);
    buf_release(&out);
    free(large);
}

/* ---- topics ---- */

static void filters_are_checked(void **state) /* [MQTT-4.7.1-1], [-2], [-3], [MQTT-4.7.3-1] */
{
    (void)state;
    static const char *const good[] = {"#",  "+",     "a", "/",   "//",     "a/#", "+/+",
                                       "/+", "a/+/b", " ", "+/#", "$SYS/#", "a//#"};
    static const char *const bad[] = {"",       "a#", "#/a", "a/#/b", "a+",  "+a",
                                      "a/b+/c", "##", "++",  "a/+#",  "a/#/"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(mqtt_filter_ok(slice_str(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(mqtt_filter_ok(slice_str(bad[i])));
}

static void filters_match(void **state)
{
    (void)state;
    static const struct {
        const char *filter, *topic;
        bool match;
    } rows[] = {
        {"sport/tennis/player1/#", "sport/tennis/player1", true}, /* 4.7.1.2: the parent too */
        {"sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", true},
        {"sport/#", "sport", true},
        {"#", "a/b", true},
        {"#", "/", true},
        {"sport/tennis/+", "sport/tennis/player1", true},
        {"sport/tennis/+", "sport/tennis/player1/ranking", false},
        {"sport/+", "sport", false}, /* 4.7.1.3 */
        {"sport/+", "sport/", true},
        {"+/+", "/finance", true},
        {"/+", "/finance", true},
        {"+", "/finance", false},
        {"a", "A", false}, /* 4.7.3: case matters */
        {"a", "a/", false},
        {"/a", "a", false}, /* a leading separator is a level */
        {"a/b", "a/b", true},
        {"a/b", "a/c", false},
        {"a/b/c", "a/b", false},
        {"a//b", "a//b", true},
        {"a/+/b", "a//b", true},
        {"#", "$SYS/x", false}, /* [MQTT-4.7.2-1] */
        {"+/x", "$SYS/x", false},
        {"$SYS/#", "$SYS/x", true},
        {"$SYS/+", "$SYS/x", true},
        {"a/+", "a/$x", true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(mqtt_topic_matches(slice_str(rows[i].filter), slice_str(rows[i].topic)),
                         rows[i].match);
    assert_int_equal(mqtt_topic_levels(SLICE_LIT("a/b/")), 3);
}

static void shared_subscriptions_are_parsed(void **state) /* [MQTT-4.8.2-1], [MQTT-4.8.2-2] */
{
    (void)state;
    struct slice group, filter;
    assert_int_equal(mqtt_share_parse(SLICE_LIT("a/b"), &group, &filter), 0);
    assert_int_equal(mqtt_share_parse(SLICE_LIT("$shared/b"), &group, &filter), 0);
    assert_int_equal(mqtt_share_parse(SLICE_LIT("$share/g/a/+"), &group, &filter), 1);
    assert_true(slice_is(group, "g") && slice_is(filter, "a/+"));
    assert_int_equal(mqtt_share_parse(SLICE_LIT("$share/g//"), &group, &filter), 1);
    assert_true(slice_is(filter, "/"));
    static const char *const bad[] = {"$share",    "$share/",    "$share//a", "$share/g",
                                      "$share/g/", "$share/+/a", "$share/#"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(mqtt_share_parse(slice_str(bad[i]), &group, &filter), ERR_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_header_tells_the_length),
        cmocka_unit_test(lengths_are_minimal_and_of_four_bytes_at_most),
        cmocka_unit_test(header_flags_are_fixed),
        cmocka_unit_test(strings_are_utf8_without_nul),
        cmocka_unit_test(connect_is_read_whole),
        cmocka_unit_test(connect_flags_are_checked),
        cmocka_unit_test(other_versions_are_refused_in_their_words),
        cmocka_unit_test(publish_is_read_whole),
        cmocka_unit_test(publish_is_checked),
        cmocka_unit_test(acknowledgements_have_three_lengths),
        cmocka_unit_test(subscriptions_are_read_and_checked),
        cmocka_unit_test(small_packets_are_checked),
        cmocka_unit_test(properties_have_their_places),
        cmocka_unit_test(reason_codes_have_their_packets),
        cmocka_unit_test(packets_are_written_to_the_byte),
        cmocka_unit_test(what_cannot_be_encoded_is_refused),
        cmocka_unit_test(filters_are_checked),
        cmocka_unit_test(filters_match),
        cmocka_unit_test(shared_subscriptions_are_parsed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Tests of the broker over real sockets: pauses, drains and ends that only a network has.
 *
 * The broker runs on this thread; the client, with blocking calls, on another. */
#include "mqtt/testing.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

struct peer {
    int fd;
    struct buf in;
    size_t at;
    struct mqtt_packet p;
};

static struct net_listener *listener;
static const char *failure; /* of the client's thread; cmocka's checks belong to this one */

#define MUST(condition)                                                                            \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            failure = #condition;                                                                  \
            return;                                                                                \
        }                                                                                          \
    } while (0)

static bool dial(struct peer *c)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const char *colon = strrchr(net_address(listener), ':');
    struct timeval limit = {.tv_sec = 20};
    a.sin_port = htons((uint16_t)atoi(colon + 1));
    *c = (struct peer){.fd = socket(AF_INET, SOCK_STREAM, 0)};
    setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(c->fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    return connect(c->fd, (struct sockaddr *)&a, sizeof a) == 0;
}

static void hang_up(struct peer *c)
{
    close(c->fd);
    buf_release(&c->in);
}

static bool write_all(struct peer *c, struct slice bytes)
{
    while (bytes.n) {
        ssize_t n = send(c->fd, bytes.p, bytes.n, MSG_NOSIGNAL);
        if (n <= 0)
            return false;
        bytes = slice_skip(bytes, (size_t)n);
    }
    return true;
}

static bool say(struct peer *c, const struct mqtt_packet *p)
{
    struct buf out = {0};
    bool ok = mqtt_write(&out, MQTT_V5, p) == 0 && write_all(c, buf_slice(&out));
    buf_release(&out);
    return ok;
}

/* The next packet; false at the end of the connection. */
static bool hear(struct peer *c)
{
    for (;;) {
        struct slice rest = slice_skip(buf_slice(&c->in), c->at);
        struct mqtt_fault fault;
        size_t n;
        if (c->in.n && mqtt_frame(rest, SIZE_MAX, &n) == 0 && n <= rest.n) {
            c->at += n;
            return mqtt_read(slice_of(rest.p, n), MQTT_V5, &c->p, &fault) == 0;
        }
        buf_drop(&c->in, c->at);
        c->at = 0;
        char *room = buf_reserve(&c->in, 65536);
        ssize_t got = room ? recv(c->fd, room, 65536, 0) : -1;
        if (got <= 0)
            return false;
        c->in.n += (size_t)got;
    }
}

static bool hello(struct peer *c, const char *id)
{
    struct mqtt_packet p = connect_packet(MQTT_V5, id, true);
    return dial(c) && say(c, &p) && hear(c) && c->p.type == MQTT_CONNACK;
}

static bool ask_for(struct peer *c, const char *filter, uint8_t qos)
{
    struct buf list = {0};
    mqtt_topics_add(&list, MQTT_SUBSCRIBE, MQTT_V5,
                    &(struct mqtt_filter){.filter = slice_str(filter), .qos = qos});
    bool ok =
        say(c, &(struct mqtt_packet){.type = MQTT_SUBSCRIBE,
                                     .as.topics = {.packet_id = 1, .list = buf_slice(&list)}});
    buf_release(&list);
    return ok && hear(c) && c->p.type == MQTT_SUBACK;
}

/* ---- the clients ---- */

/* Writes far more than all buffers hold before it reads one acknowledgement. */
static void floods(void)
{
    struct peer c;
    struct buf many = {0};
    enum { MANY = 15000, ROUNDS = 40 };
    MUST(hello(&c, "flood"));
    for (uint16_t id = 1; id <= MANY; id++) {
        struct mqtt_packet p = publish_packet("flood", "x", 1, id);
        MUST(mqtt_write(&many, MQTT_V5, &p) == 0);
    }
    for (int round = 0; round < ROUNDS; round++) {
        MUST(write_all(&c, buf_slice(&many)));
        for (uint16_t id = 1; id <= MANY; id++) {
            MUST(hear(&c) && c.p.type == MQTT_PUBACK);
            MUST(c.p.as.ack.packet_id == id);
        }
    }
    buf_release(&many);
    hang_up(&c);
}

/* Asks and asks and never reads, until the broker does not listen any more; then reads. */
static void does_not_read(void)
{
    struct peer c;
    char pings[65536];
    size_t sent = 0, heard = 0;
    enum { TOO_MUCH = 256 << 20 };
    for (size_t i = 0; i < sizeof pings; i += 2)
        memcpy(pings + i, "\xc0", 2);
    MUST(hello(&c, "deaf"));
    for (;;) {
        size_t at = sent % sizeof pings;
        ssize_t n = send(c.fd, pings + at, sizeof pings - at, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n > 0) {
            sent += (size_t)n;
            MUST(sent < TOO_MUCH);
            continue;
        }
        struct pollfd p = {.fd = c.fd, .events = POLLOUT};
        if (poll(&p, 1, 300) == 0)
            break;
    }
    while (heard < sent / 2) {
        MUST(hear(&c) && c.p.type == MQTT_PINGRESP);
        heard++;
    }
    hang_up(&c);
}

/* Subscribes, sends itself a lot and only then reads: nothing at QoS 1 is lost or out of order. */
static void reads_late(void)
{
    struct peer c, from;
    char payload[1024];
    enum { MANY = 5000 };
    memset(payload, 'x', sizeof payload);
    MUST(hello(&c, "late") && hello(&from, "from") && ask_for(&c, "late/#", 1));
    for (int i = 1; i <= MANY; i++) {
        struct mqtt_packet p = publish_packet("late/x", "", 1, (uint16_t)i);
        snprintf(payload, 16, "%d ", i);
        p.as.publish.payload = slice_of(payload, sizeof payload);
        MUST(say(&from, &p));
        MUST(hear(&from) && from.p.type == MQTT_PUBACK);
    }
    for (int i = 1; i <= MANY; i++) {
        MUST(hear(&c) && c.p.type == MQTT_PUBLISH);
        MUST(atoi(c.p.as.publish.payload.p) == i);
        struct mqtt_packet ack = {.type = MQTT_PUBACK,
                                  .as.ack.packet_id = c.p.as.publish.packet_id};
        MUST(say(&c, &ack));
    }
    hang_up(&c);
    hang_up(&from);
}

/* The answer to a packet that is too large arrives, although the packet is still being sent. */
static void sends_too_much(void)
{
    struct peer c;
    char *zeroes = calloc(1, 1 << 20);
    MUST(zeroes && hello(&c, "large"));
    MUST(write_all(&c, SLICE_LIT("\x30\xff\xff\xff\x7f")));
    for (int i = 0; i < 4; i++)
        if (!write_all(&c, slice_of(zeroes, 1 << 20)))
            break;
    free(zeroes);
    MUST(hear(&c) && c.p.type == MQTT_DISCONNECT);
    MUST(c.p.as.notice.reason == MQTT_PACKET_TOO_LARGE);
    MUST(!hear(&c));
    hang_up(&c);
}

static void dies_and_leaves_a_will(void)
{
    struct peer c, watch;
    struct mqtt_packet p = with_will(MQTT_V5, "bye", false, 0, 0);
    MUST(hello(&watch, "watch") && ask_for(&watch, "will", 0));
    MUST(dial(&c) && say(&c, &p) && hear(&c));
    hang_up(&c);
    MUST(hear(&watch) && watch.p.type == MQTT_PUBLISH);
    MUST(slice_is(watch.p.as.publish.payload, "bye"));
    hang_up(&watch);
}

/* ---- around them ---- */

static void *thread(void *arg)
{
    void (*client)(void);
    memcpy(&client, arg, sizeof client);
    client();
    loop_stop(loop);
    return NULL;
}

static void run(void (*client)(void))
{
    pthread_t id;
    const char *why = NULL;
    (void)both, (void)setup, (void)setup_small, (void)teardown;
    failure = NULL;
    assert_int_equal(loop_new(&loop), 0);
    assert_int_equal(broker_new(loop, NULL, NULL, &b), 0);
    assert_int_equal(net_listen(loop, "127.0.0.1:0", NULL, broker_accept, b, &listener, &why), 0);
    assert_int_equal(pthread_create(&id, NULL, thread, &client), 0);
    loop_run(loop);
    pthread_join(id, NULL);
    net_listener_free(listener);
    broker_free(b);
    loop_free(loop);
    if (failure)
        fail_msg("the client says: not %s", failure);
}

static void acknowledgements_survive_a_flood(void **state)
{
    (void)state;
    run(floods);
}

static void who_does_not_read_is_not_read(void **state)
{
    (void)state;
    run(does_not_read);
}

static void a_late_reader_gets_all_of_it(void **state)
{
    (void)state; /* TCP, in order and whole: [MQTT-4.2.0-1]; 3.1.1 [MQTT-7.1.1-1] */
    run(reads_late);
}

static void the_refusal_of_a_large_packet_arrives(void **state)
{
    (void)state;
    run(sends_too_much);
}

static void a_broken_connection_publishes_the_will(void **state)
{
    (void)state;
    run(dies_and_leaves_a_will);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(acknowledgements_survive_a_flood),
        cmocka_unit_test(who_does_not_read_is_not_read),
        cmocka_unit_test(a_late_reader_gets_all_of_it),
        cmocka_unit_test(the_refusal_of_a_large_packet_arrives),
        cmocka_unit_test(a_broken_connection_publishes_the_will),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Bytes from outside into whole connections of a broker.
 *
 * The input is a script: a byte says who speaks (one of four connections) or what happens, another
 * how many bytes of the input follow as that connection's bytes.  Besides, packets that make sense
 * are made from few bytes, so that the fuzzer gets behind CONNECT quickly. */
#include "mqtt/internal.h"

#include <uv.h>

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CONNS = 4 };

static struct loop *loop;
static struct conn *conns[CONNS];

struct script {
    const uint8_t *p;
    size_t n;
};

static uint8_t next(struct script *s)
{
    if (!s->n)
        return 0;
    s->n--;
    return *s->p++;
}

static void drop(int i)
{
    if (!conns[i])
        return;
    mqtt_conn_close(conns[i], MQTT_SUCCESS, NULL);
    mqtt_conn_let_go(conns[i]);
    conns[i] = NULL;
}

static struct conn *conn_at(struct broker *b, int i)
{
    if (conns[i] && conns[i]->closed)
        drop(i);
    if (!conns[i] && (conns[i] = mqtt_conn_new(b, NULL)))
        mqtt_conn_hold(conns[i]);
    return conns[i];
}

static const char *const topics[] = {"a", "a/b",   "$SYS/broker/uptime", "twins/x/sensors/y",
                                     "/", "a/b/c", "twins/x/telemetry",  "$x"};
static const char *const filters[] = {
    "#", "+/b", "a/#", "$SYS/#", "$share/g/a/#", "a/b", "+/+", "twins/+/sensors/#"};

static void feed_packet(struct conn *c, enum mqtt_version v, const struct mqtt_packet *p)
{
    struct buf out = {0};
    if (mqtt_write(&out, v, p) == 0)
        mqtt_conn_feed(c, buf_slice(&out));
    buf_release(&out);
}

static void say_connect(struct conn *c, struct script *s)
{
    uint8_t how = next(s), more = next(s);
    char id[2] = {(char)('a' + (how & 3)), 0};
    struct mqtt_packet p = {.type = MQTT_CONNECT};
    struct mqtt_connect *m = &p.as.connect;
    m->version = how & 4 ? MQTT_V5 : MQTT_V311;
    m->clean_start = how & 8;
    m->client_id = slice_of(id, how & 0x80 ? 0 : 1);
    m->has_will = how & 0x10;
    m->will_topic = slice_str(topics[more & 7]);
    m->will_payload = SLICE_LIT("1");
    m->will_retain = how & 0x20;
    m->will_qos = (how >> 6 & 1);
    m->keep_alive = more >> 4;
    m->will_props.has = MQTT_BIT(MQTT_WILL_DELAY);
    m->will_props.will_delay = more & 3;
    m->props.has =
        MQTT_BIT(MQTT_SESSION_EXPIRY) | MQTT_BIT(MQTT_RECEIVE_MAX) | MQTT_BIT(MQTT_TOPIC_ALIAS_MAX);
    m->props.session_expiry = more >> 2 & 7;
    m->props.receive_max = 1 + (more & 3);
    m->props.topic_alias_max = more & 3;
    feed_packet(c, (enum mqtt_version)m->version, &p);
}

static void say_publish(struct conn *c, struct script *s)
{
    uint8_t how = next(s), more = next(s);
    struct mqtt_packet p = {.type = MQTT_PUBLISH};
    struct mqtt_publish *m = &p.as.publish;
    m->topic = slice_str(topics[how & 7]);
    m->qos = (how >> 3 & 3) % 3;
    m->retain = how & 0x20;
    m->dup = m->qos && how & 0x40;
    m->packet_id = m->qos ? 1 + (more & 7) : 0;
    m->payload = slice_of("payload", more >> 5);
    if (how & 0x80) {
        m->props.has = MQTT_BIT(MQTT_TOPIC_ALIAS) | MQTT_BIT(MQTT_MESSAGE_EXPIRY);
        m->props.topic_alias = 1 + (more >> 3 & 1);
        m->props.message_expiry = more & 3;
        if (more & 0x10)
            m->topic = SLICE_LIT("");
    }
    feed_packet(c, c->version, &p);
}

static void say_subscribe(struct conn *c, struct script *s)
{
    uint8_t how = next(s), more = next(s);
    struct buf list = {0};
    struct mqtt_packet p = {.type = more & 0x80 ? MQTT_UNSUBSCRIBE : MQTT_SUBSCRIBE};
    struct mqtt_filter f = {.filter = slice_str(filters[how & 7]),
                            .qos = (uint8_t)((how >> 3 & 3) % 3),
                            .no_local = (how & 0x20) && (how & 7) != 4,
                            .retain_as_published = how & 0x40,
                            .retain_handling = (uint8_t)((more & 3) % 3)};
    mqtt_topics_add(&list, p.type, c->version, &f);
    p.as.topics.packet_id = 9;
    p.as.topics.list = buf_slice(&list);
    if (p.type == MQTT_SUBSCRIBE && more & 4) {
        p.as.topics.props.has = MQTT_BIT(MQTT_SUBSCRIPTION_ID);
        p.as.topics.props.subscription_id = 1 + more;
    }
    feed_packet(c, c->version, &p);
    buf_release(&list);
}

static void say_ack(struct conn *c, struct script *s)
{
    uint8_t how = next(s);
    struct mqtt_packet p = {.type = (enum mqtt_type)(MQTT_PUBACK + (how & 3))};
    p.as.ack.packet_id = 1 + (how >> 3 & 15);
    p.as.ack.reason = how & 0x80 && (how & 3) < 2 ? MQTT_QUOTA : 0;
    feed_packet(c, c->version, &p);
}

static void say_bytes(struct conn *c, struct script *s)
{
    size_t n = next(s);
    n = n < s->n ? n : s->n;
    char *copy = malloc(n ? n : 1); /* so that reading past the end is seen */
    if (!copy)
        return;
    memcpy(copy, s->p, n);
    mqtt_conn_feed(c, slice_of(copy, n));
    free(copy);
    s->p += n;
    s->n -= n;
}

/* What the broker sends must be packets. */
static void check_output(struct conn *c)
{
    struct slice out = buf_slice(&c->memory);
    while (out.n && c->session) {
        struct mqtt_packet p;
        struct mqtt_fault fault;
        size_t n = 0;
        if (mqtt_frame(out, SIZE_MAX, &n) || n > out.n ||
            mqtt_read(slice_of(out.p, n), c->version, &p, &fault))
            abort();
        out = slice_skip(out, n);
    }
    buf_clear(&c->memory);
}

static void act(struct broker *b, struct script *s)
{
    uint8_t what = next(s);
    int i = what & 3;
    struct conn *c = conn_at(b, i);
    if (!c)
        return;
    switch (what >> 2 & 15) {
    case 0:
        say_connect(c, s);
        break;
    case 1:
    case 2:
        say_publish(c, s);
        break;
    case 3:
    case 4:
        say_subscribe(c, s);
        break;
    case 5:
    case 6:
        say_ack(c, s);
        break;
    case 7:
        drop(i);
        return;
    case 8:
        clock_set(clock_now_us() + (int64_t)next(s) * 100000);
        broker_tick(b);
        return;
    case 9:
        check_output(c);
        mqtt_conn_drained(c);
        break;
    default:
        say_bytes(c, s);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct script s = {data, size};
    struct broker *b;
    struct broker_opts opts = {.max_packet = 4096, .max_queued = 4};
    clock_set(INT64_C(1700000000000000));
    log_set_level(LOG_ERROR);
    if ((!loop && loop_new(&loop)) || broker_new(loop, NULL, &opts, &b))
        return 0;
    while (s.n)
        act(b, &s);
    for (int i = 0; i < CONNS; i++)
        drop(i);
    broker_free(b);
    uv_run(loop_uv(loop), UV_RUN_NOWAIT); /* gives the timers back */
    return 0;
}

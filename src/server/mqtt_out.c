#include "server/mqtt_out.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "codec/mqtt.h"
#include "server/command.h"
#include "server/term.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { WINDOW = 200, KEEP_ALIVE_S = 60, PACKET_MAX = 1 << 20, QUEUE_MAX = 1 << 20 };

struct mqtt_out {
    int fd, timeout_ms;
    const char *address;
    struct buf in, out;
    mqtt_out_fn *fn;
    void *arg;
    size_t window, under_way;
    void *tags[WINDOW]; /* by packet id - 1 */
    bool used[WINDOW];
    size_t next;      /* where to look for a free id */
    int64_t spoke_us; /* when we last sent something */
    bool connected;
};

static int gone(const struct mqtt_out *m, const char *why)
{
    term_problem("MQTT at %s: %s", m->address, why);
    return CODE_REACH;
}

/* ---- the socket ---- */

static int open_socket(struct mqtt_out *m)
{
    const char *colon = strrchr(m->address, ':');
    char host[256] = "127.0.0.1";
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
    size_t n = colon ? (size_t)(colon - m->address) : 0;
    if (!colon || n == 0 || n >= sizeof host) {
        term_problem("\"%s\" is no address of an MQTT server; write HOST:PORT", m->address);
        return CODE_USAGE;
    }
    bool brackets = m->address[0] == '[' && m->address[n - 1] == ']';
    snprintf(host, sizeof host, "%.*s", (int)(brackets ? n - 2 : n), m->address + brackets);
    int rc = getaddrinfo(host, colon + 1, &hints, &found);
    if (rc != 0)
        return gone(m, gai_strerror(rc));
    int error = 0;
    for (struct addrinfo *a = found; a && m->fd < 0; a = a->ai_next) {
        m->fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, a->ai_protocol);
        if (m->fd >= 0 && connect(m->fd, a->ai_addr, a->ai_addrlen) != 0) {
            error = errno;
            close(m->fd);
            m->fd = -1;
        }
    }
    freeaddrinfo(found);
    if (m->fd < 0) {
        term_problem("nobody speaks MQTT at %s: %s", m->address, strerror(error));
        return CODE_REACH;
    }
    int on = 1;
    setsockopt(m->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    fcntl(m->fd, F_SETFL, O_NONBLOCK);
    return CODE_OK;
}

/* ---- packets in ---- */

static int take_ack(struct mqtt_out *m, const struct mqtt_ack *ack)
{
    size_t i = (size_t)ack->packet_id - 1;
    if (ack->packet_id == 0 || i >= WINDOW || !m->used[i])
        return gone(m, "an answer came to a message that was not sent");
    m->used[i] = false;
    m->under_way--;
    m->fn(m->arg, m->tags[i], ack->reason, ack->props.reason_string);
    return CODE_OK;
}

static int take_packet(struct mqtt_out *m, const struct mqtt_packet *p)
{
    char text[160];
    switch (p->type) {
    case MQTT_CONNACK:
        if (p->as.connack.reason != MQTT_SUCCESS) {
            struct buf why = {0};
            term_clean(&why, p->as.connack.props.reason_string, 100);
            snprintf(text, sizeof text, "the connection was refused (reason 0x%02x)%s%.*s",
                     p->as.connack.reason, why.n ? ": " : "", SLICE_ARG(buf_slice(&why)));
            buf_release(&why);
            gone(m, text);
            return CODE_REFUSED;
        }
        if (mqtt_has(&p->as.connack.props, MQTT_RECEIVE_MAX) &&
            p->as.connack.props.receive_max < m->window)
            m->window = p->as.connack.props.receive_max;
        m->connected = true;
        return CODE_OK;
    case MQTT_PUBACK:
        return take_ack(m, &p->as.ack);
    case MQTT_DISCONNECT:
        snprintf(text, sizeof text, "the server has ended the connection (reason 0x%02x)",
                 p->as.notice.reason);
        return gone(m, text);
    default:
        return CODE_OK; /* PINGRESP */
    }
}

static int take_packets(struct mqtt_out *m)
{
    for (size_t size; mqtt_frame(buf_slice(&m->in), PACKET_MAX, &size) == 0 && size <= m->in.n;) {
        struct mqtt_packet p;
        struct mqtt_fault fault = {0};
        if (mqtt_read(slice_of(m->in.p, size), MQTT_V5, &p, &fault))
            return gone(m, "the server does not speak MQTT 5.0");
        int code = take_packet(m, &p);
        if (code != CODE_OK)
            return code;
        buf_drop(&m->in, size);
    }
    return CODE_OK;
}

/* ---- in and out, for at most so long ---- */

static int turn(struct mqtt_out *m, int ms)
{
    struct pollfd p = {.fd = m->fd, .events = (short)(POLLIN | (m->out.n ? POLLOUT : 0))};
    if (poll(&p, 1, ms) < 0 && errno != EINTR)
        return gone(m, strerror(errno));
    if (m->out.n) {
        ssize_t n = send(m->fd, m->out.p, m->out.n, MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN && errno != EINTR)
            return gone(m, strerror(errno));
        if (n > 0)
            buf_drop(&m->out, (size_t)n);
    }
    if (p.revents & (POLLIN | POLLHUP | POLLERR)) {
        char *into = buf_reserve(&m->in, 65536);
        ssize_t n = into ? recv(m->fd, into, 65536, 0) : -1;
        if (n == 0 || !into)
            return gone(m, "the server has ended the connection");
        if (n < 0 && errno != EAGAIN && errno != EINTR)
            return gone(m, strerror(errno));
        m->in.n += n > 0 ? (size_t)n : 0;
    }
    return take_packets(m);
}

static int turn_until(struct mqtt_out *m, size_t under_way)
{
    int64_t until = clock_mono_us() + m->timeout_ms * INT64_C(1000);
    while (m->under_way > under_way || m->out.n > QUEUE_MAX || !m->connected) {
        size_t before = m->under_way;
        int code = turn(m, 100);
        if (code != CODE_OK)
            return code;
        if (m->under_way < before)
            until = clock_mono_us() + m->timeout_ms * INT64_C(1000);
        if (clock_mono_us() > until)
            return gone(m, "the server does not answer");
    }
    return CODE_OK;
}

/* ---- packets out ---- */

static int add_packet(struct mqtt_out *m, const struct mqtt_packet *p)
{
    m->spoke_us = clock_mono_us();
    if (mqtt_write(&m->out, MQTT_V5, p) == 0)
        return CODE_OK;
    term_problem("out of memory, or a message too long for MQTT");
    return CODE_FAILED;
}

int mqtt_out_open(const char *address, const char *token, int timeout_ms, mqtt_out_fn *fn,
                  void *arg, struct mqtt_out **ret)
{
    struct mqtt_out *m = calloc(1, sizeof *m);
    if (!m) {
        term_problem("out of memory");
        return CODE_FAILED;
    }
    *m = (struct mqtt_out){.fd = -1,
                           .address = address,
                           .timeout_ms = timeout_ms,
                           .fn = fn,
                           .arg = arg,
                           .window = WINDOW};
    struct mqtt_packet connect = {.type = MQTT_CONNECT};
    connect.as.connect.version = MQTT_V5;
    connect.as.connect.clean_start = true;
    connect.as.connect.keep_alive = KEEP_ALIVE_S;
    connect.as.connect.has_password = token;
    connect.as.connect.password = slice_str(token);
    int code = open_socket(m);
    if (code == CODE_OK)
        code = add_packet(m, &connect);
    if (code == CODE_OK)
        code = turn_until(m, 0);
    if (code != CODE_OK) {
        mqtt_out_close(m);
        return code;
    }
    *ret = m;
    return CODE_OK;
}

void mqtt_out_close(struct mqtt_out *m)
{
    if (!m)
        return;
    if (m->fd >= 0)
        close(m->fd);
    buf_release(&m->in);
    buf_release(&m->out);
    free(m);
}

int mqtt_out_publish(struct mqtt_out *m, struct slice topic, struct slice payload, void *tag)
{
    int code = turn_until(m, m->window - 1);
    if (code != CODE_OK)
        return code;
    while (m->used[m->next])
        m->next = (m->next + 1) % WINDOW;
    struct mqtt_packet p = {.type = MQTT_PUBLISH};
    p.as.publish.qos = 1;
    p.as.publish.packet_id = (uint16_t)(m->next + 1);
    p.as.publish.topic = topic;
    p.as.publish.payload = payload;
    code = add_packet(m, &p);
    if (code != CODE_OK)
        return code;
    m->used[m->next] = true;
    m->tags[m->next] = tag;
    m->under_way++;
    return turn(m, 0);
}

int mqtt_out_wait(struct mqtt_out *m, int ms)
{
    int64_t until = clock_mono_us() + ms * INT64_C(1000);
    int64_t left;
    while ((left = until - clock_mono_us()) > 0) {
        if (clock_mono_us() - m->spoke_us > KEEP_ALIVE_S * INT64_C(500000)) {
            const struct mqtt_packet ping = {.type = MQTT_PINGREQ};
            int code = add_packet(m, &ping);
            if (code != CODE_OK)
                return code;
        }
        int code = turn(m, left > 1000000 ? 1000 : (int)(left / 1000) + 1);
        if (code != CODE_OK)
            return code;
    }
    return CODE_OK;
}

int mqtt_out_finish(struct mqtt_out *m)
{
    int code = turn_until(m, 0);
    const struct mqtt_packet bye = {.type = MQTT_DISCONNECT};
    if (code == CODE_OK)
        code = add_packet(m, &bye);
    /* the server closes now, which is no failure */
    if (code == CODE_OK && send(m->fd, m->out.p, m->out.n, MSG_NOSIGNAL) < 0)
        return gone(m, strerror(errno));
    return code;
}

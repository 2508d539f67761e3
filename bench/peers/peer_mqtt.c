/* peer_mqtt.c - publishes at QoS 1 from many connections as fast as acknowledgements come.
 *
 * With one reading a message: a bare number to twins/bench-C/sensors/sS.  With more: an object of
 * as many sensors to twins/bench-C/telemetry.  Prints one line of JSON: messages and readings
 * acknowledged, seconds, and how long an acknowledgement took. */
#include "shared.h"
#include "tiled.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { WINDOW_MAX = 1000, SAMPLES_MAX = 1 << 20, MESSAGES = 200 };

struct conn {
    int fd;
    long number, in_flight;
    uint16_t next_id;
    size_t sent;
    double sent_at[WINDOW_MAX]; /* a ring: acknowledgements come in order */
    size_t acked;
    char in[4096];
    size_t in_n;
    struct buf out;
    size_t out_at;
    struct buf messages[MESSAGES];
    size_t id_at[MESSAGES];
};

static long port, connections = 100, readings = 1, seconds = 5, window = 16;
static const char *data = "../shared/data";
static struct tiled tiled;
static double samples[SAMPLES_MAX];
static size_t samples_n;
static unsigned long long acks;

/* Made before the clock starts: a loop of so many messages for each connection. */
static void make_messages(struct conn *c)
{
    for (size_t i = 0; i < MESSAGES; i++) {
        struct buf *b = &c->messages[i], payload = {0};
        char topic[64];
        if (readings == 1) {
            long sensor = (long)(i % 10);
            snprintf(topic, sizeof topic, "twins/bench-%ld/sensors/s%ld", c->number, sensor);
            buf_add_str(&payload,
                        tiled_point(&tiled, (size_t)(c->number * 10 + sensor), i / 10).text);
        } else {
            snprintf(topic, sizeof topic, "twins/bench-%ld/telemetry", c->number);
            for (long s = 0; s < readings; s++)
                buf_addf(&payload, "%c\"s%ld\":%s", s ? ',' : '{', s,
                         tiled_point(&tiled, (size_t)(c->number * readings + s), i).text);
            buf_add_byte(&payload, '}');
        }
        bench_add_publish(b, topic, 0, buf_slice(&payload));
        c->id_at[i] = b->n - payload.n - 2;
        buf_release(&payload);
    }
}

static void add_publish(struct conn *c)
{
    struct buf *b = &c->messages[c->sent % MESSAGES];
    size_t id_at = c->id_at[c->sent % MESSAGES];
    if (!++c->next_id)
        c->next_id = 1;
    b->p[id_at] = (char)(c->next_id >> 8);
    b->p[id_at + 1] = (char)c->next_id;
    buf_add_slice(&c->out, buf_slice(b));
    c->sent_at[c->sent++ % WINDOW_MAX] = bench_seconds();
    c->in_flight++;
}

static void conn_send(struct conn *c)
{
    while (c->out_at < c->out.n) {
        ssize_t n = write(c->fd, c->out.p + c->out_at, c->out.n - c->out_at);
        if (n < 0 && errno == EAGAIN)
            return;
        if (n <= 0)
            bench_die("write");
        c->out_at += (size_t)n;
    }
    buf_clear(&c->out);
    c->out_at = 0;
}

static void conn_read(struct conn *c)
{
    ssize_t got = read(c->fd, c->in + c->in_n, sizeof c->in - c->in_n);
    if (got <= 0)
        bench_die("a connection ended");
    c->in_n += (size_t)got;
    size_t at = 0;
    double now = bench_seconds();
    for (; c->in_n - at >= 4; at += 4) {
        if ((unsigned char)c->in[at] != 0x40)
            bench_die("an answer that is no PUBACK");
        double took = now - c->sent_at[c->acked++ % WINDOW_MAX];
        if (acks % 16 == 0 && samples_n < SAMPLES_MAX)
            samples[samples_n++] = took * 1000;
        acks++;
        c->in_flight--;
    }
    memmove(c->in, c->in + at, c->in_n - at);
    c->in_n -= at;
}

static void conn_open(struct conn *c, long number)
{
    char id[32], packet[4];
    struct buf hello = {0};
    c->number = number;
    c->fd = bench_dial((int)port);
    snprintf(id, sizeof id, "load-%ld", number);
    bench_add_connect(&hello, id);
    bench_write_all(c->fd, hello.p, hello.n);
    buf_release(&hello);
    if (read(c->fd, packet, 4) != 4 || packet[0] != 0x20 || packet[3] != 0)
        bench_die("CONNACK");
    fcntl(c->fd, F_SETFL, O_NONBLOCK);
}

int main(int argc, char **argv)
{
    const struct bench_option options[] = {
        {"--port", &port, NULL},         {"--connections", &connections, NULL},
        {"--readings", &readings, NULL}, {"--seconds", &seconds, NULL},
        {"--window", &window, NULL},     {"--data", NULL, &data}};
    bench_options(argc, argv, options, sizeof options / sizeof options[0]);
    signal(SIGPIPE, SIG_IGN);
    if (window > WINDOW_MAX || window < 1 || connections < 1)
        bench_die("the window is 1 to 1000, connections at least 1");
    tiled_open(&tiled, data);
    struct conn *all = calloc((size_t)connections, sizeof *all);
    int ep = epoll_create1(EPOLL_CLOEXEC);
    for (long i = 0; i < connections; i++) {
        conn_open(&all[i], i);
        make_messages(&all[i]);
        struct epoll_event e = {.events = EPOLLIN, .data.ptr = &all[i]};
        epoll_ctl(ep, EPOLL_CTL_ADD, all[i].fd, &e);
    }
    double start = bench_seconds(), end = start + (double)seconds, now;
    bool all_back = false;
    while ((now = bench_seconds()) < end + 30 && !all_back) {
        all_back = now >= end;
        for (long i = 0; i < connections; i++) {
            while (now < end && all[i].in_flight < window)
                add_publish(&all[i]);
            conn_send(&all[i]);
            all_back = all_back && !all[i].in_flight;
        }
        struct epoll_event events[128];
        int n = epoll_wait(ep, events, 128, 100);
        for (int i = 0; i < n; i++)
            conn_read(events[i].data.ptr);
    }
    double took = bench_seconds() - start;
    printf(
        "{\"messages\":%llu,\"readings\":%llu,\"seconds\":%.3f,\"p50_ms\":%.3f,\"p99_ms\":%.3f}\n",
        acks, acks * (unsigned long long)readings, took, bench_quantile(samples, samples_n, 0.5),
        bench_quantile(samples, samples_n, 0.99));
    return 0;
}

/* peer_bridge.c - what people put between mosquitto and InfluxDB: subscribes to twins/# at QoS 1
 * and writes every reading as line protocol, in bodies of 5,000 or whatever came in 50 ms, one
 * request at a time.  A message is acknowledged when the database has answered.  Ends when its
 * input ends and then prints how many readings were stored and when the last one was. */
#include "shared.h"
#include "tiled.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LINES = 5000, HOLD_MS = 50 };

static long mqtt_port, influx_port;
static struct buf in, lines, acks;
static size_t in_at;
static long lines_n;
static unsigned long long stored;
static double lines_since, last_stored, began;
static int mqtt, influx;

static long long now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (long long)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* twins/ID/sensors/S with a number; twins/ID/telemetry with a flat object. */
static void add_lines(struct slice topic, struct slice payload)
{
    static long long serial; /* no two points of one time: each is its own nanosecond */
    struct slice level[4] = {{0}};
    int n = 0;
    for (struct slice rest = topic; n < 4 && slice_cut(&rest, '/', &level[n]);)
        n++;
    if (!lines_n)
        lines_since = bench_seconds();
    long long t = now_ns();
    t = t > serial ? t : serial + 1;
    serial = t;
    if (n == 4) {
        buf_addf(&lines, "%.*s,twin=%.*s value=%.*s %lld\n", SLICE_ARG(level[3]),
                 SLICE_ARG(level[1]), SLICE_ARG(payload), t);
        lines_n++;
        return;
    }
    buf_addf(&lines, "telemetry,twin=%.*s ", SLICE_ARG(level[1]));
    for (size_t i = 1; i + 1 < payload.n; i++) { /* {"s0":1.5,"s1":2} is s0=1.5,s1=2 */
        char c = payload.p[i];
        if (c != '"')
            buf_add_byte(&lines, (unsigned char)(c == ':' ? '=' : c));
        lines_n += c == ':';
    }
    buf_addf(&lines, " %lld\n", t);
}

static void store(void)
{
    char head[256], answer[4096];
    size_t got = 0;
    if (!lines_n)
        return;
    int n = snprintf(
        head, sizeof head,
        "POST /write?db=bench HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %zu\r\n\r\n", lines.n);
    bench_write_all(influx, head, (size_t)n);
    bench_write_all(influx, lines.p, lines.n);
    do {
        ssize_t k = read(influx, answer + got, sizeof answer - 1 - got);
        if (k <= 0)
            bench_die("InfluxDB has gone");
        answer[got += (size_t)k] = 0;
    } while (!strstr(answer, "\r\n\r\n"));
    if (strncmp(answer, "HTTP/1.1 204", 12) != 0) {
        fprintf(stderr, "peers: InfluxDB answered %s\n", answer);
        exit(1);
    }
    stored += (unsigned long long)lines_n;
    last_stored = bench_seconds();
    lines_n = 0;
    buf_clear(&lines);
    bench_write_all(mqtt, acks.p, acks.n);
    buf_clear(&acks);
}

/* One packet out of `in`; false: not whole yet. */
static bool take_packet(void)
{
    const unsigned char *p = (const unsigned char *)in.p + in_at;
    size_t n = in.n - in_at, rest = 0, at = 1;
    for (unsigned shift = 0;; shift += 7, at++) {
        if (at >= n)
            return false;
        rest |= (size_t)(p[at] & 0x7f) << shift;
        if (p[at] < 0x80)
            break;
    }
    at++;
    if (n - at < rest)
        return false;
    if (p[0] >> 4 == 3) {
        size_t topic_n = (size_t)p[at] << 8 | p[at + 1], head = 2 + topic_n;
        if (p[0] & 6) {
            const unsigned char ack[] = {0x40, 2, p[at + head], p[at + head + 1]};
            buf_add(&acks, ack, sizeof ack);
            head += 2;
        }
        add_lines(slice_of((const char *)p + at + 2, topic_n),
                  slice_of((const char *)p + at + head, rest - head));
    }
    in_at += at + rest;
    return true;
}

static void subscribe(void)
{
    static const char hello[] = "\x10\x12\0\4MQTT\4\2\0\0\0\6bridge";
    static const char ask[] = "\x82\x0c\0\1\0\7twins/#\1";
    char answer[16];
    mqtt = bench_dial((int)mqtt_port);
    bench_write_all(mqtt, hello, sizeof hello - 1);
    if (read(mqtt, answer, 4) != 4 || answer[3])
        bench_die("CONNACK");
    bench_write_all(mqtt, ask, sizeof ask - 1);
    if (read(mqtt, answer, 5) != 5 || answer[4] != 1)
        bench_die("SUBACK");
}

int main(int argc, char **argv)
{
    const struct bench_option options[] = {{"--mqtt", &mqtt_port, NULL},
                                           {"--influx", &influx_port, NULL}};
    bench_options(argc, argv, options, 2);
    signal(SIGPIPE, SIG_IGN);
    influx = bench_dial((int)influx_port);
    subscribe();
    printf("ready\n");
    fflush(stdout);
    bool ending = false;
    double quiet_since = 0;
    for (;;) {
        struct pollfd fds[2] = {{.fd = mqtt, .events = POLLIN},
                                {.fd = ending ? -1 : 0, .events = POLLIN}};
        if (poll(fds, 2, lines_n ? 5 : 100) < 0)
            bench_die("poll");
        double now = bench_seconds();
        if (fds[0].revents) {
            buf_reserve(&in, 1 << 20);
            ssize_t got = read(mqtt, in.p + in.n, 1 << 20);
            if (got <= 0)
                bench_die("mosquitto has gone");
            if (!began)
                began = now;
            in.n += (size_t)got;
            quiet_since = 0;
            while (take_packet())
                if (lines_n >= LINES)
                    store();
            memmove(in.p, in.p + in_at, in.n - in_at);
            in.n -= in_at;
            in_at = 0;
        } else if (!quiet_since) {
            quiet_since = now;
        }
        if (lines_n && (now - lines_since) * 1000 >= HOLD_MS)
            store();
        if (fds[1].revents)
            ending = true;
        if (ending && !lines_n && quiet_since && now - quiet_since > 1)
            break;
    }
    printf("{\"readings\":%llu,\"seconds\":%.3f}\n", stored, last_stored - began);
    return 0;
}

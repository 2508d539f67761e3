/* ingest_bench.c - how many readings a second a server takes durably, and how soon a stream shows
 * them.
 *
 * usage: ingest_bench [--doppel PROGRAM] [--connections 100] [--readings 10] [--window 16]
 *               [--seconds 10] [--twins 100] [--rounds 3] [--load READINGS/S]
 *
 * Starts the program on free ports in a temporary folder, makes the twins over HTTP, then in turn,
 * so many rounds: MQTT QoS 1 as fast as acknowledgements come (window messages in flight on each
 * connection); MQTT at half of that (or at --load), while a probe publishes every 10 ms and a
 * WebSocket waits for its value; HTTP POST, one request in flight on each connection.  Prints
 * medians. */
#include "shared.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { VARIANTS = 32, ROUNDS_MAX = 21, PROBES_MAX = 100000, PROBE_MS = 10 };

struct settings {
    const char *program;
    long connections, readings, window, seconds, twins, rounds;
    long load; /* readings a second under which the way to the WebSocket is measured; 0: half of
                  what MQTT took */
};

struct conn {
    int fd;
    bool http;
    int in_flight;
    uint16_t packet_id;
    unsigned variant;
    int twin;
    char in[65536];
    size_t in_n;
    struct buf out;
    size_t out_at;
};

static uint64_t acknowledged; /* readings, in all runs */
static struct settings set = {"build/release/doppel", 100, 10, 16, 10, 100, 3, 0};
static struct buf payloads[VARIANTS];
static struct bench_server server;

static void request(const char *method, const char *path, struct slice body, int expected)
{
    char head[512], answer[4096];
    int fd = bench_dial(server.http), code = 0;
    int n = snprintf(head, sizeof head,
                     "%s %s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
                     "Connection: close\r\nContent-Length: %zu\r\n\r\n",
                     method, path, body.n);
    bench_write_all(fd, head, (size_t)n);
    bench_write_all(fd, body.p, body.n);
    ssize_t got = read(fd, answer, sizeof answer - 1);
    if (got > 0) {
        answer[got] = 0;
        sscanf(answer, "HTTP/1.1 %d", &code);
    }
    close(fd);
    if (code != expected) {
        fprintf(stderr, "ingest: %s %s answered %d\n%.*s\n", method, path, code, (int)got, answer);
        exit(1);
    }
}

/* What the server says it has taken and refused, to be held against what was acknowledged. */
static void check_counts(void)
{
    char answer[8192];
    static const char ask[] =
        "GET /api/v1/status HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n";
    unsigned long long accepted = 0, rejected = 1;
    int fd = bench_dial(server.http);
    bench_write_all(fd, ask, sizeof ask - 1);
    size_t n = 0;
    ssize_t got;
    while ((got = read(fd, answer + n, sizeof answer - 1 - n)) > 0)
        n += (size_t)got;
    close(fd);
    answer[n] = 0;
    const char *at = strstr(answer, "\"accepted\":");
    if (!at || sscanf(at, "\"accepted\":%llu,\"rejected\":%llu", &accepted, &rejected) != 2)
        bench_die("the status");
    printf("acknowledged %llu readings; the server counts %llu accepted, %llu refused\n",
           (unsigned long long)acknowledged, accepted, rejected);
    if (rejected || accepted < acknowledged) {
        fprintf(stderr, "ingest: these do not agree; the figures above mean nothing\n");
        exit(1);
    }
}

static void make_twin(const char *id)
{
    struct buf b = {0};
    buf_addf(
        &b,
        "{\"@context\":{\"@vocab\":\"https://schema.org/\",\"mvmd\":\"https://mvmd.org/v1/\"},"
        "\"@type\":\"DigitalDocument\",\"name\":\"%s\",\"description\":\"bench\",\"identifier\":{"
        "\"@type\":\"PropertyValue\",\"propertyID\":\"MVMD-ID\",\"value\":\"%s\"},\"subjectOf\":{"
        "\"@type\":\"Thing\",\"name\":\"Machine\"},\"sensors\":[",
        id, id);
    for (int i = 0; i < set.readings; i++)
        buf_addf(&b,
                 "%s{\"id\":\"sensor-%d\",\"name\":\"Sensor %d\",\"type\":\"temperature\","
                 "\"unit\":\"celsius\",\"updateFrequency\":10}",
                 i ? "," : "", i, i);
    buf_add_str(&b, "]}");
    request("POST", "/api/v1/twins", buf_slice(&b), 201);
    buf_release(&b);
}

/* Values that wander like a measured temperature, two decimals. */
static void make_payloads(void)
{
    double v = 42;
    srand(1);
    for (int k = 0; k < VARIANTS; k++) {
        struct buf *b = &payloads[k];
        buf_add_byte(b, '{');
        for (int i = 0; i < set.readings; i++) {
            v += (rand() % 201 - 100) / 100.0;
            buf_addf(b, "%s\"sensor-%d\":%.2f", i ? "," : "", i, v);
        }
        buf_add_byte(b, '}');
    }
}

/* ---- messages ---- */

static void add_mqtt(struct conn *c, const char *topic, struct slice payload)
{
    if (!++c->packet_id)
        c->packet_id = 1;
    bench_add_publish(&c->out, topic, c->packet_id, payload);
    c->in_flight++;
}

static void add_http(struct conn *c, const char *path, struct slice payload)
{
    buf_addf(&c->out,
             "POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
             "Content-Length: %zu\r\n\r\n",
             path, payload.n);
    buf_add_slice(&c->out, payload);
    c->in_flight++;
}

static void add_message(struct conn *c)
{
    char name[96];
    struct slice payload = buf_slice(&payloads[c->variant++ % VARIANTS]);
    if (c->http) {
        snprintf(name, sizeof name, "/api/v1/twins/bench-%d/readings", c->twin);
        add_http(c, name, payload);
    } else {
        snprintf(name, sizeof name, "twins/bench-%d/telemetry", c->twin);
        add_mqtt(c, name, payload);
    }
}

/* Acknowledgements among what came; the rest stays. */
static int take_acks(struct conn *c)
{
    int acks = 0;
    size_t at = 0;
    if (!c->http) {
        while (c->in_n - at >= 4) { /* PUBACK of 3.1.1: 40 02 id id */
            if ((unsigned char)c->in[at] != 0x40 || c->in[at + 1] != 2)
                bench_die("an answer that is no PUBACK");
            at += 4;
            acks++;
        }
    } else {
        const char *end;
        while ((end = memmem(c->in + at, c->in_n - at, "\r\n\r\n", 4))) {
            const char *start = c->in + at;
            const char *len = memmem(start, (size_t)(end - start), "ontent-Length: ", 15);
            if (!len)
                len = memmem(start, (size_t)(end - start), "ontent-length: ", 15);
            size_t whole = (size_t)(end - start) + 4 + (len ? (size_t)atoi(len + 15) : 0);
            if (c->in_n - at < whole)
                break;
            if (strncmp(start, "HTTP/1.1 200", 12) != 0)
                bench_die("an answer that is not 200");
            at += whole;
            acks++;
        }
    }
    memmove(c->in, c->in + at, c->in_n - at);
    c->in_n -= at;
    c->in_flight -= acks;
    return acks;
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

static void conn_open(struct conn *c, bool http, int number)
{
    *c = (struct conn){.http = http, .twin = number % (int)set.twins, .variant = (unsigned)number};
    c->fd = bench_dial(http ? server.http : server.mqtt);
    if (!http) {
        char id[32], answer[4];
        snprintf(id, sizeof id, "bench-%d", number);
        bench_add_connect(&c->out, id);
        bench_write_all(c->fd, c->out.p, c->out.n);
        buf_clear(&c->out);
        if (read(c->fd, answer, 4) != 4 || answer[0] != 0x20 || answer[3] != 0)
            bench_die("CONNACK");
    }
    fcntl(c->fd, F_SETFL, O_NONBLOCK);
}

/* ---- the stream's side ---- */

struct probe {
    int fd;
    struct conn mqtt;
    int64_t sent_us[PROBES_MAX];
    double seen_ms[PROBES_MAX];
    int sent, seen;
    char in[65536];
    size_t in_n;
};

static void probe_open(struct probe *p)
{
    char answer[1024];
    p->fd = bench_dial(server.http);
    static const char upgrade[] =
        "GET /api/v1/stream HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    bench_write_all(p->fd, upgrade, sizeof upgrade - 1);
    if (read(p->fd, answer, sizeof answer) <= 0 || strncmp(answer, "HTTP/1.1 101", 12) != 0)
        bench_die("the stream");
    static const char text[] = "{\"subscribe\":[{\"twin\":\"probe\",\"sensor\":\"sensor-0\"}]}";
    unsigned char frame[6] = {0x81, 0x80 | (sizeof text - 1), 0, 0, 0, 0}; /* a mask of zeroes */
    bench_write_all(p->fd, frame, sizeof frame);
    bench_write_all(p->fd, text, sizeof text - 1);
    fcntl(p->fd, F_SETFL, O_NONBLOCK);
    conn_open(&p->mqtt, false, 1000000);
}

static void probe_send(struct probe *p)
{
    char value[32];
    if (p->sent == PROBES_MAX)
        return;
    p->sent_us[p->sent] = clock_mono_us();
    int n = snprintf(value, sizeof value, "%d", p->sent++);
    add_mqtt(&p->mqtt, "twins/probe/sensors/sensor-0", slice_of(value, (size_t)n));
    conn_send(&p->mqtt);
}

static void probe_read(struct probe *p)
{
    ssize_t n = read(p->fd, p->in + p->in_n, sizeof p->in - p->in_n);
    if (n <= 0)
        return;
    int64_t now = clock_mono_us();
    p->in_n += (size_t)n;
    char *at = p->in, *hit, *end = p->in + p->in_n;
    while ((hit = memmem(at, (size_t)(end - at), "\"value\":", 8)) &&
           memchr(hit, '}', (size_t)(end - hit))) {
        int number = atoi(hit + 8);
        if (number >= 0 && number < p->sent && p->seen_ms[number] == 0) {
            p->seen_ms[number] = (double)(now - p->sent_us[number]) / 1000 + 1e-9;
            p->seen++;
        }
        at = hit + 8;
    }
    p->in_n = (size_t)(end - at);
    memmove(p->in, at, p->in_n);
}

/* ---- a run ---- */

/* readings/s; limit: messages a second, 0 for as many as the acks allow */
static double run(bool http, double limit, struct probe *p)
{
    struct conn *all = calloc((size_t)set.connections, sizeof *all);
    int ep = epoll_create1(EPOLL_CLOEXEC), window = http ? 1 : (int)set.window, turn = 0;
    uint64_t acks = 0, sent = 0;
    if (!all || ep < 0)
        bench_die("epoll");
    for (int i = 0; i < set.connections; i++) {
        conn_open(&all[i], http, i);
        struct epoll_event e = {.events = EPOLLIN, .data.ptr = &all[i]};
        epoll_ctl(ep, EPOLL_CTL_ADD, all[i].fd, &e);
    }
    if (p) {
        struct epoll_event e = {.events = EPOLLIN, .data.ptr = p};
        epoll_ctl(ep, EPOLL_CTL_ADD, p->fd, &e);
        e.data.ptr = &p->mqtt;
        epoll_ctl(ep, EPOLL_CTL_ADD, p->mqtt.fd, &e);
    }
    int64_t start = clock_mono_us(), end = start + set.seconds * INT64_C(1000000), now,
            next_probe = start;
    while ((now = clock_mono_us()) < end) {
        double may = limit > 0 ? limit * (double)(now - start) / 1e6 : 1e18;
        for (int i = 0; i < set.connections && (double)sent < may; i++) {
            struct conn *c = &all[(turn + i) % set.connections];
            int before = c->in_flight;
            while (c->in_flight < window && (double)sent < may &&
                   (limit == 0 || c->in_flight == before)) {
                add_message(c);
                sent++;
            }
            if (c->in_flight != before)
                conn_send(c);
        }
        turn++;
        if (p && now >= next_probe) {
            probe_send(p);
            next_probe += PROBE_MS * 1000;
        }
        struct epoll_event events[128];
        int n = epoll_wait(ep, events, 128, limit > 0 || p ? 1 : 100);
        for (int i = 0; i < n; i++) {
            if (p && events[i].data.ptr == p) {
                probe_read(p);
                continue;
            }
            struct conn *c = events[i].data.ptr;
            ssize_t got = read(c->fd, c->in + c->in_n, sizeof c->in - c->in_n);
            if (got <= 0)
                bench_die("a connection ended");
            c->in_n += (size_t)got;
            int k = take_acks(c);
            if (!p || c != &p->mqtt)
                acks += (uint64_t)k;
            if (c->out_at < c->out.n)
                conn_send(c);
        }
    }
    double seconds = (double)(clock_mono_us() - start) / 1e6;
    for (int i = 0; i < set.connections; i++) {
        close(all[i].fd);
        buf_release(&all[i].out);
    }
    close(ep);
    free(all);
    acknowledged += acks * (uint64_t)set.readings;
    return (double)acks * (double)set.readings / seconds;
}

static void read_arguments(int argc, char **argv)
{
    const struct bench_option options[] = {
        {"--doppel", NULL, &set.program},    {"--connections", &set.connections, NULL},
        {"--readings", &set.readings, NULL}, {"--window", &set.window, NULL},
        {"--seconds", &set.seconds, NULL},   {"--twins", &set.twins, NULL},
        {"--load", &set.load, NULL},         {"--rounds", &set.rounds, NULL},
    };
    bench_options(argc, argv, options, sizeof options / sizeof options[0]);
    if (set.rounds < 1 || set.rounds > ROUNDS_MAX || set.connections < 1 || set.readings < 1 ||
        set.twins < 1 || set.seconds < 1) {
        fprintf(stderr,
                "ingest: 1 to %d rounds, and at least one connection, reading, twin, second\n",
                ROUNDS_MAX);
        exit(2);
    }
}

int main(int argc, char **argv)
{
    double mqtt[ROUNDS_MAX], http[ROUNDS_MAX], p50[ROUNDS_MAX], p99[ROUNDS_MAX], half[ROUNDS_MAX];
    read_arguments(argc, argv);
    size_t rounds = (size_t)set.rounds;
    signal(SIGPIPE, SIG_IGN);
    setlinebuf(stdout);
    const char *folder = bench_folder();
    bench_start(&server, set.program, folder, NULL);
    sleep(1);
    double idle = bench_resident(&server);
    make_payloads();
    for (int i = 0; i < set.twins; i++) {
        char id[32];
        snprintf(id, sizeof id, "bench-%d", i);
        make_twin(id);
    }
    make_twin("probe");
    printf("%ld connections, %ld readings a message, %ld s a run, %ld rounds\n", set.connections,
           set.readings, set.seconds, set.rounds);
    for (int r = 0; r < set.rounds; r++) {
        static struct probe p;
        double before = bench_cpu_seconds(&server);
        mqtt[r] = run(false, 0, NULL);
        double used = (bench_cpu_seconds(&server) - before) / (double)set.seconds;
        memset(&p, 0, sizeof p);
        probe_open(&p);
        half[r] =
            run(false, (set.load ? (double)set.load : mqtt[r] / 2) / (double)set.readings, &p);
        close(p.fd);
        close(p.mqtt.fd);
        int n = 0;
        for (int i = 0; i < p.sent; i++)
            if (p.seen_ms[i] > 0)
                p.seen_ms[n++] = p.seen_ms[i];
        p50[r] = n ? bench_quantile(p.seen_ms, (size_t)n, 0.5) : -1;
        p99[r] = n ? bench_quantile(p.seen_ms, (size_t)n, 0.99) : -1;
        http[r] = run(true, 0, NULL);
        printf("round %d: MQTT QoS 1 %.0f readings/s (server %.2f cores); at %.0f: to WebSocket "
               "p50 %.2f ms, "
               "p99 %.2f ms (%d of %d seen); HTTP %.0f readings/s\n",
               r + 1, mqtt[r], used, half[r], p50[r], p99[r], n, p.sent, http[r]);
    }
    printf("median: MQTT QoS 1 %.0f readings/s; HTTP %.0f readings/s; publish to WebSocket at half "
           "load p50 %.2f "
           "ms, p99 %.2f ms\n",
           bench_median(mqtt, rounds), bench_median(http, rounds), bench_median(p50, rounds),
           bench_median(p99, rounds));
    check_counts();
    printf("memory: %.0f kB idle, %.0f kB after\n", idle / 1024, bench_resident(&server) / 1024);
    bench_stop(&server);
    bench_remove(folder);
    return 0;
}

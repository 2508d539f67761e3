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
#include "base/buf.h"
#include "base/clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

enum { VARIANTS = 32, ROUNDS_MAX = 21, PROBES_MAX = 100000, PROBE_MS = 10 };

struct settings {
    const char *program;
    int connections, readings, window, seconds, twins, rounds;
    int load; /* readings a second under which the way to the WebSocket is measured; 0: half of what
                 MQTT took */
    int http_port, mqtt_port;
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
static struct settings set = {"build/release/doppel", 100, 10, 16, 10, 100, 3, 0, 0, 0};
static struct buf payloads[VARIANTS];

static void die(const char *what)
{
    fprintf(stderr, "ingest: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* ---- the server ---- */

static char folder[] = "/tmp/doppel-bench-XXXXXX";

static pid_t start_server(void)
{
    int out[2];
    if (!mkdtemp(folder) || pipe(out))
        die("a temporary folder");
    pid_t pid = fork();
    if (pid == 0) {
        dup2(out[1], STDOUT_FILENO);
        close(out[0]);
        execl(set.program, set.program, "serve", "--no-demo", "--http", "127.0.0.1:0", "--mqtt",
              "127.0.0.1:0", "--data", folder, (char *)NULL);
        _exit(127);
    }
    close(out[1]);
    FILE *f = fdopen(out[0], "r");
    char line[512];
    while (f && fgets(line, sizeof line, f)) {
        const char *http = strstr(line, "http=127.0.0.1:"), *mqtt = strstr(line, "mqtt=127.0.0.1:");
        if (!http || !mqtt)
            continue;
        set.http_port = atoi(http + 15);
        set.mqtt_port = atoi(mqtt + 15);
        return pid;
    }
    fprintf(stderr, "ingest: %s did not start\n", set.program);
    exit(1);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *walk)
{
    (void)st, (void)type, (void)walk;
    return remove(path);
}

static long resident_kb(pid_t pid)
{
    char path[64];
    long size, pages = 0;
    snprintf(path, sizeof path, "/proc/%d/statm", (int)pid);
    FILE *f = fopen(path, "r");
    if (f && fscanf(f, "%ld %ld", &size, &pages) != 2)
        pages = 0;
    if (f)
        fclose(f);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static double cpu_seconds(pid_t pid)
{
    char path[64], line[1024];
    unsigned long user = 0, kernel = 0;
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *f = fopen(path, "r");
    if (f && fgets(line, sizeof line, f)) {
        const char *rest = strrchr(line, ')');
        if (rest)
            sscanf(rest + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &kernel);
    }
    if (f)
        fclose(f);
    return (double)(user + kernel) / (double)sysconf(_SC_CLK_TCK);
}

/* ---- sockets ---- */

static int dial(int port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to))
        die("connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return fd;
}

static void send_all(int fd, const void *p, size_t n)
{
    const char *at = p;
    while (n) {
        ssize_t sent = write(fd, at, n);
        if (sent <= 0)
            die("write");
        at += sent;
        n -= (size_t)sent;
    }
}

static void request(const char *method, const char *path, struct slice body, int expected)
{
    char head[512], answer[4096];
    int fd = dial(set.http_port), code = 0;
    int n = snprintf(head, sizeof head,
                     "%s %s HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
                     "Connection: close\r\nContent-Length: %zu\r\n\r\n",
                     method, path, body.n);
    send_all(fd, head, (size_t)n);
    send_all(fd, body.p, body.n);
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
        "GET /api/v1/status HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n";
    unsigned long long accepted = 0, rejected = 1;
    int fd = dial(set.http_port);
    send_all(fd, ask, sizeof ask - 1);
    size_t n = 0;
    ssize_t got;
    while ((got = read(fd, answer + n, sizeof answer - 1 - n)) > 0)
        n += (size_t)got;
    close(fd);
    answer[n] = 0;
    const char *at = strstr(answer, "\"accepted\":");
    if (!at || sscanf(at, "\"accepted\":%llu,\"rejected\":%llu", &accepted, &rejected) != 2)
        die("the status");
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

static void add_remaining_length(struct buf *b, size_t n)
{
    do {
        buf_add_byte(b, (unsigned char)((n % 128) | (n >= 128 ? 0x80 : 0)));
        n /= 128;
    } while (n);
}

static void add_mqtt(struct conn *c, const char *topic, struct slice payload)
{
    size_t topic_n = strlen(topic);
    if (!++c->packet_id)
        c->packet_id = 1;
    buf_add_byte(&c->out, 0x32); /* PUBLISH, QoS 1 */
    add_remaining_length(&c->out, 2 + topic_n + 2 + payload.n);
    buf_add_byte(&c->out, (unsigned char)(topic_n >> 8));
    buf_add_byte(&c->out, (unsigned char)topic_n);
    buf_add(&c->out, topic, topic_n);
    buf_add_byte(&c->out, (unsigned char)(c->packet_id >> 8));
    buf_add_byte(&c->out, (unsigned char)c->packet_id);
    buf_add_slice(&c->out, payload);
    c->in_flight++;
}

static void add_http(struct conn *c, const char *path, struct slice payload)
{
    buf_addf(&c->out,
             "POST %s HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
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
                die("an answer that is no PUBACK");
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
                die("an answer that is not 200");
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
            die("write");
        c->out_at += (size_t)n;
    }
    buf_clear(&c->out);
    c->out_at = 0;
}

static void conn_open(struct conn *c, bool http, int number)
{
    *c = (struct conn){.http = http, .twin = number % set.twins, .variant = (unsigned)number};
    c->fd = dial(http ? set.http_port : set.mqtt_port);
    if (!http) {
        char id[32], packet[64];
        int n = snprintf(id, sizeof id, "bench-%d", number);
        char head[] = {0x10, (char)(12 + n), 0, 4, 'M', 'Q', 'T', 'T', 4, 2, 0, 0, 0, (char)n};
        memcpy(packet, head, sizeof head);
        memcpy(packet + sizeof head, id, (size_t)n);
        send_all(c->fd, packet, sizeof head + (size_t)n);
        if (read(c->fd, packet, 4) != 4 || packet[0] != 0x20 || packet[3] != 0)
            die("CONNACK");
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
    p->fd = dial(set.http_port);
    static const char upgrade[] =
        "GET /api/v1/stream HTTP/1.1\r\nHost: bench\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    send_all(p->fd, upgrade, sizeof upgrade - 1);
    if (read(p->fd, answer, sizeof answer) <= 0 || strncmp(answer, "HTTP/1.1 101", 12) != 0)
        die("the stream");
    static const char text[] = "{\"subscribe\":[{\"twin\":\"probe\",\"sensor\":\"sensor-0\"}]}";
    unsigned char frame[6] = {0x81, 0x80 | (sizeof text - 1), 0, 0, 0, 0}; /* a mask of zeroes */
    send_all(p->fd, frame, sizeof frame);
    send_all(p->fd, text, sizeof text - 1);
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

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* ---- a run ---- */

/* readings/s; limit: messages a second, 0 for as many as the acks allow */
static double run(bool http, double limit, struct probe *p)
{
    struct conn *all = calloc((size_t)set.connections, sizeof *all);
    int ep = epoll_create1(EPOLL_CLOEXEC), window = http ? 1 : set.window, turn = 0;
    uint64_t acks = 0, sent = 0;
    if (!all || ep < 0)
        die("epoll");
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
                die("a connection ended");
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
    return (double)acks * set.readings / seconds;
}

static double median(double *v, int n)
{
    qsort(v, (size_t)n, sizeof *v, by_size);
    return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

static void read_arguments(int argc, char **argv)
{
    struct {
        const char *name;
        int *to;
    } numbers[] = {{"--connections", &set.connections},
                   {"--readings", &set.readings},
                   {"--window", &set.window},
                   {"--seconds", &set.seconds},
                   {"--twins", &set.twins},
                   {"--load", &set.load},
                   {"--rounds", &set.rounds}};
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--doppel") == 0)
            set.program = argv[i + 1];
        for (size_t k = 0; k < sizeof numbers / sizeof numbers[0]; k++)
            if (strcmp(argv[i], numbers[k].name) == 0)
                *numbers[k].to = atoi(argv[i + 1]);
    }
    if (argc % 2 == 0 || set.rounds < 1 || set.rounds > ROUNDS_MAX || set.connections < 1) {
        fprintf(
            stderr,
            "usage: ingest_bench [--doppel PROGRAM] [--connections N] [--readings N] [--window N]\n"
            "              [--seconds N] [--twins N] [--rounds N] [--load READINGS]\n");
        exit(2);
    }
}

int main(int argc, char **argv)
{
    double mqtt[ROUNDS_MAX], http[ROUNDS_MAX], p50[ROUNDS_MAX], p99[ROUNDS_MAX], half[ROUNDS_MAX];
    read_arguments(argc, argv);
    signal(SIGPIPE, SIG_IGN);
    setlinebuf(stdout);
    pid_t pid = start_server();
    sleep(1);
    long idle = resident_kb(pid);
    make_payloads();
    for (int i = 0; i < set.twins; i++) {
        char id[32];
        snprintf(id, sizeof id, "bench-%d", i);
        make_twin(id);
    }
    make_twin("probe");
    printf("%d connections, %d readings a message, %d s a run, %d rounds\n", set.connections,
           set.readings, set.seconds, set.rounds);
    for (int r = 0; r < set.rounds; r++) {
        static struct probe p;
        double before = cpu_seconds(pid);
        mqtt[r] = run(false, 0, NULL);
        double used = (cpu_seconds(pid) - before) / set.seconds;
        memset(&p, 0, sizeof p);
        probe_open(&p);
        half[r] = run(false, (set.load ? set.load : mqtt[r] / 2) / set.readings, &p);
        close(p.fd);
        close(p.mqtt.fd);
        int n = 0;
        for (int i = 0; i < p.sent; i++)
            if (p.seen_ms[i] > 0)
                p.seen_ms[n++] = p.seen_ms[i];
        qsort(p.seen_ms, (size_t)n, sizeof(double), by_size);
        p50[r] = n ? p.seen_ms[n / 2] : -1;
        p99[r] = n ? p.seen_ms[n * 99 / 100] : -1;
        http[r] = run(true, 0, NULL);
        printf("round %d: MQTT QoS 1 %.0f readings/s (server %.2f cores); at %.0f: to WebSocket "
               "p50 %.2f ms, "
               "p99 %.2f ms (%d of %d seen); HTTP %.0f readings/s\n",
               r + 1, mqtt[r], used, half[r], p50[r], p99[r], n, p.sent, http[r]);
    }
    printf("median: MQTT QoS 1 %.0f readings/s; HTTP %.0f readings/s; publish to WebSocket at half "
           "load p50 %.2f "
           "ms, p99 %.2f ms\n",
           median(mqtt, set.rounds), median(http, set.rounds), median(p50, set.rounds),
           median(p99, set.rounds));
    check_counts();
    printf("memory: %ld kB idle, %ld kB after\n", idle, resident_kb(pid));
    kill(pid, SIGTERM);
    waitpid(pid, NULL, 0);
    nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    return 0;
}

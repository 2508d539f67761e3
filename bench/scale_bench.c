/* scale_bench.c - what very many twins cost: memory, the time to start, the time of a processor.
 *
 * usage: scale_bench [--doppel PROGRAM] [--data FOLDER] [--twins 1000] [--sensors 10]
 *               [--every 10] [--seconds 10] [--flush-readings N]
 *
 * Starts the program in a new folder, makes the twins over HTTP from 64 connections, starts it
 * again, has every sensor speak once (MQTT QoS 1, one telemetry message a twin), starts it a third
 * time, then lets every twin speak once in `every` seconds for so many seconds, and asks for lists
 * meanwhile.  Prints a line of tab-separated figures, with their names before it:
 *
 *   idle_mb    resident without twins
 *   make_s     to make them         made_mb    resident then
 *   start_s    from exec to the line that says it serves, with twins that never spoke; start_cpu_s
 *              is what it used of processors until then, whatever else the machine did
 *   spoke_s    until every sensor had spoken once    spoke_mb   resident then
 *   restart_s  as start_s, with a newest value of each sensor; restart_cpu_s, restart_mb
 *   load_cpu   processors used under load            load_mb    resident at its end
 *   late_ms    how far the load was behind at worst  list_ms, filter_ms, metrics_ms: one request
 *   disk_mb    the data directory */
#include "base/buf.h"
#include "base/clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CONNECTIONS = 64, WINDOW = 64, VARIANTS = 64 };

static struct {
    const char *program, *data;
    int twins, sensors, every, seconds, flush_readings;
} set = {"build/release/doppel", NULL, 1000, 10, 10, 10, 0};

static struct server {
    pid_t pid;
    int http, mqtt;
    double start_s;
} server;

struct conn {
    int fd;
    int in_flight;
    uint16_t packet_id;
    struct buf in, out;
    size_t out_at;
};

static struct conn conns[CONNECTIONS];
static struct buf payloads[VARIANTS];

static void die(const char *what)
{
    fprintf(stderr, "scale: %s: %s\n", what, strerror(errno));
    if (server.pid)
        kill(server.pid, SIGKILL);
    exit(1);
}

static double now_s(void)
{
    return (double)clock_mono_us() / 1e6;
}

/* ---- the server ---- */

static void start_server(void)
{
    int out[2];
    char count[16];
    double began = now_s();
    snprintf(count, sizeof count, "%d", set.flush_readings);
    if (pipe(out))
        die("pipe");
    if ((server.pid = fork()) == 0) {
        dup2(out[1], STDOUT_FILENO);
        close(out[0]);
        execl(set.program, set.program, "serve", "--no-demo", "--http", "127.0.0.1:0", "--mqtt",
              "127.0.0.1:0", "--data", set.data, set.flush_readings ? "--head-readings" : NULL,
              count, (char *)NULL);
        _exit(127);
    }
    close(out[1]);
    FILE *f = fdopen(out[0], "r");
    char line[512];
    while (f && fgets(line, sizeof line, f)) {
        const char *http = strstr(line, "http=127.0.0.1:"), *mqtt = strstr(line, "mqtt=127.0.0.1:");
        if (!http || !mqtt)
            continue;
        server.http = atoi(http + 15);
        server.mqtt = atoi(mqtt + 15);
        server.start_s = now_s() - began;
        return;
    }
    die("the server did not start");
}

static double stop_server(void)
{
    double began = now_s();
    kill(server.pid, SIGTERM);
    waitpid(server.pid, NULL, 0);
    server.pid = 0;
    return now_s() - began;
}

static double resident_mb(void)
{
    char path[64];
    long size, pages = 0;
    snprintf(path, sizeof path, "/proc/%d/statm", (int)server.pid);
    FILE *f = fopen(path, "r");
    if (!f || fscanf(f, "%ld %ld", &size, &pages) != 2)
        die(path);
    fclose(f);
    return (double)pages * (double)sysconf(_SC_PAGESIZE) / 1e6;
}

static double cpu_seconds(void)
{
    char path[64], line[1024];
    unsigned long user = 0, kernel = 0;
    snprintf(path, sizeof path, "/proc/%d/stat", (int)server.pid);
    FILE *f = fopen(path, "r");
    if (!f || !fgets(line, sizeof line, f))
        die(path);
    fclose(f);
    const char *rest = strrchr(line, ')');
    if (rest)
        sscanf(rest + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &kernel);
    return (double)(user + kernel) / (double)sysconf(_SC_CLK_TCK);
}

static double folder_bytes;

static int add_size(const char *path, const struct stat *st, int type, struct FTW *walk)
{
    (void)path, (void)walk;
    if (type == FTW_F)
        folder_bytes += (double)st->st_blocks * 512;
    return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *walk)
{
    (void)st, (void)type, (void)walk;
    return remove(path);
}

/* ---- connections ---- */

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

static void open_all(int port)
{
    for (int i = 0; i < CONNECTIONS; i++) {
        struct conn *c = &conns[i];
        buf_clear(&c->in);
        buf_clear(&c->out);
        *c = (struct conn){.fd = dial(port), .in = c->in, .out = c->out};
        fcntl(c->fd, F_SETFL, O_NONBLOCK);
    }
}

static void close_all(void)
{
    for (int i = 0; i < CONNECTIONS; i++)
        close(conns[i].fd);
}

static void push(struct conn *c)
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

static void pull(struct conn *c)
{
    char bytes[65536];
    ssize_t n = read(c->fd, bytes, sizeof bytes);
    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0)
        die("the server closed a connection");
    buf_add(&c->in, bytes, (size_t)n);
}

static void drop(struct buf *b, size_t n)
{
    memmove(b->p, b->p + n, b->n - n);
    b->n -= n;
}

/* Whole answers among what came; anything but a success ends the run. */
static int http_answers(struct conn *c)
{
    int answers = 0;
    const char *end;
    while ((end = c->in.n ? memmem(c->in.p, c->in.n, "\r\n\r\n", 4) : NULL)) {
        size_t head = (size_t)(end - c->in.p) + 4;
        const char *length = memmem(c->in.p, head, "ontent-", 7);
        while (length && strncasecmp(length, "ontent-length: ", 15) != 0)
            length = memmem(length + 7, head - (size_t)(length + 7 - c->in.p), "ontent-", 7);
        size_t whole = head + (length ? (size_t)atol(length + 15) : 0);
        if (c->in.n < whole)
            break;
        if (strncmp(c->in.p, "HTTP/1.1 20", 11) != 0) {
            fprintf(stderr, "scale: %.*s\n", (int)whole, c->in.p);
            die("an answer that is no success");
        }
        drop(&c->in, whole);
        answers++;
    }
    return answers;
}

static int mqtt_answers(struct conn *c)
{
    int answers = 0;
    size_t at = 0;
    for (; c->in.n - at >= 4; at += 4, answers++)
        if (((unsigned char)c->in.p[at] & 0xd0) != 0x40 && c->in.p[at] != 0x20)
            die("an answer that is no PUBACK");
    drop(&c->in, at);
    return answers;
}

static void step_all(int (*answers)(struct conn *c), int timeout_ms, int *ret_answers)
{
    struct pollfd fds[CONNECTIONS];
    for (int i = 0; i < CONNECTIONS; i++) {
        push(&conns[i]);
        short want = (short)(POLLIN | (conns[i].out.n ? POLLOUT : 0));
        fds[i] = (struct pollfd){.fd = conns[i].fd, .events = want};
    }
    if (poll(fds, CONNECTIONS, timeout_ms) < 0)
        die("poll");
    for (int i = 0; i < CONNECTIONS; i++) {
        if (!(fds[i].revents & (POLLIN | POLLERR | POLLHUP)))
            continue;
        pull(&conns[i]);
        int n = answers(&conns[i]);
        conns[i].in_flight -= n;
        *ret_answers += n;
    }
}

/* ---- what is sent ---- */

static void add_twin(struct conn *c, int number)
{
    static struct buf b;
    buf_clear(&b);
    buf_addf(
        &b,
        "{\"@context\":{\"@vocab\":\"https://schema.org/\",\"mvmd\":\"https://mvmd.org/v1/\"},"
        "\"@type\":\"DigitalDocument\",\"name\":\"Machine %d\",\"description\":\"One of very many "
        "machines\",\"identifier\":{\"@type\":\"PropertyValue\",\"propertyID\":\"MVMD-ID\","
        "\"value\":\"machine-%d\"},\"subjectOf\":{\"@type\":\"Thing\",\"name\":\"Machine\"},"
        "\"synchronization\":{\"mechanism\":\"MQTT\",\"endpoint\":\"mqtt://127.0.0.1/twins\","
        "\"updateFrequency\":%d},\"sensors\":[",
        number, number, set.every);
    for (int i = 0; i < set.sensors; i++)
        buf_addf(&b,
                 "%s{\"id\":\"sensor-%d\",\"name\":\"Sensor %d\",\"type\":\"temperature\","
                 "\"unit\":\"celsius\",\"updateFrequency\":%d,\"normalRange\":[-1000,1000]}",
                 i ? "," : "", i, i, set.every);
    buf_add_str(&b, "]}");
    buf_addf(&c->out,
             "POST /api/v1/twins HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
             "Content-Length: %zu\r\n\r\n",
             b.n);
    buf_add_slice(&c->out, buf_slice(&b));
    c->in_flight++;
}

/* Values that wander like a measured temperature, two decimals. */
static void make_payloads(void)
{
    static double at[10000];
    srand(1);
    for (int k = 0; k < VARIANTS; k++) {
        struct buf *b = &payloads[k];
        buf_add_byte(b, '{');
        for (int i = 0; i < set.sensors; i++) {
            at[i] += (rand() % 21 - 10) / 100.0;
            buf_addf(b, "%s\"sensor-%d\":%.2f", i ? "," : "", i, 20 + i + at[i]);
        }
        buf_add_byte(b, '}');
    }
}

static void add_length(struct buf *b, size_t n)
{
    do {
        buf_add_byte(b, (unsigned char)((n % 128) | (n >= 128 ? 0x80 : 0)));
        n /= 128;
    } while (n);
}

static void add_connect(struct conn *c, int number)
{
    char id[16];
    int n = snprintf(id, sizeof id, "scale-%d", number);
    static const char head[] = "\0\4MQTT\4\2\0\0\0"; /* 3.1.1, clean, no keep-alive */
    buf_add_byte(&c->out, 0x10);
    add_length(&c->out, sizeof head + (size_t)n);
    buf_add(&c->out, head, sizeof head - 1);
    buf_add_byte(&c->out, (unsigned char)n);
    buf_add(&c->out, id, (size_t)n);
}

static void add_telemetry(struct conn *c, int number, unsigned variant)
{
    char topic[64];
    struct slice payload = buf_slice(&payloads[variant % VARIANTS]);
    int n = snprintf(topic, sizeof topic, "twins/machine-%d/telemetry", number);
    if (!++c->packet_id)
        c->packet_id = 1;
    buf_add_byte(&c->out, 0x32); /* PUBLISH, QoS 1 */
    add_length(&c->out, 4 + (size_t)n + payload.n);
    buf_add_byte(&c->out, 0);
    buf_add_byte(&c->out, (unsigned char)n);
    buf_add(&c->out, topic, (size_t)n);
    buf_add_byte(&c->out, (unsigned char)(c->packet_id >> 8));
    buf_add_byte(&c->out, (unsigned char)c->packet_id);
    buf_add_slice(&c->out, payload);
    c->in_flight++;
}

/* ---- the phases ---- */

static double make_twins(void)
{
    double began = now_s();
    int sent = 0, made = 0;
    open_all(server.http);
    while (made < set.twins) {
        for (int i = 0; i < CONNECTIONS && sent < set.twins; i++)
            if (!conns[i].in_flight)
                add_twin(&conns[i], sent++);
        step_all(http_answers, 1000, &made);
    }
    close_all();
    return now_s() - began;
}

static void open_mqtt(void)
{
    int ready = 0;
    open_all(server.mqtt);
    for (int i = 0; i < CONNECTIONS; i++)
        add_connect(&conns[i], i);
    while (ready < CONNECTIONS)
        step_all(mqtt_answers, 1000, &ready);
    for (int i = 0; i < CONNECTIONS; i++)
        conns[i].in_flight = 0;
}

/* So many messages, the twins in turn, at a rate (0: as fast as they are acknowledged); how late
 * the last was, at worst. */
static double speak(long messages, double rate)
{
    double began = now_s(), worst = 0;
    long sent = 0;
    int done = 0;
    while (done < messages) {
        long due = messages;
        if (rate > 0) {
            due = (long)((now_s() - began) * rate);
            due = due > messages ? messages : due;
        }
        for (int i = 0; sent < due && i < CONNECTIONS * WINDOW; i++) {
            struct conn *c = &conns[i % CONNECTIONS];
            if (c->in_flight >= WINDOW)
                continue;
            add_telemetry(c, (int)(sent % set.twins),
                          (unsigned)(sent / set.twins + sent % 7 * (sent / set.twins)));
            sent++;
        }
        double late = rate > 0 ? (double)(due - sent) / rate : 0;
        worst = late > worst ? late : worst;
        step_all(mqtt_answers, rate > 0 ? 1 : 1000, &done);
    }
    return worst;
}

static double ask_ms(const char *path)
{
    char bytes[65536];
    struct buf b = {0};
    double began = now_s();
    int fd = dial(server.http);
    buf_addf(&b, "GET %s HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n", path);
    if (write(fd, b.p, b.n) != (ssize_t)b.n)
        die("write");
    ssize_t n = read(fd, bytes, sizeof bytes);
    if (n < 12 || strncmp(bytes, "HTTP/1.1 200", 12) != 0)
        die(path);
    while (read(fd, bytes, sizeof bytes) > 0)
        ;
    close(fd);
    buf_release(&b);
    return (now_s() - began) * 1000;
}

static double figures[24];
static const char *names[24];
static int figures_n;

static void note(const char *name, double figure)
{
    names[figures_n] = name;
    figures[figures_n++] = figure;
    fprintf(stderr, "%s %.6g\n", name, figure);
}

static void measure_load(void)
{
    double rate = (double)set.twins / set.every, cpu = cpu_seconds(), began = now_s();
    open_mqtt();
    double late = speak((long)(rate * set.seconds), rate);
    note("load_cpu", (cpu_seconds() - cpu) / (now_s() - began));
    note("load_mb", resident_mb());
    note("late_ms", late * 1000);
    note("list_ms", ask_ms("/api/v1/twins?limit=50"));
    note("filter_ms", ask_ms("/api/v1/twins?name=nothing-has-this-name"));
    note("metrics_ms", ask_ms("/metrics"));
    close_all();
}

static void measure(void)
{
    note("twins", set.twins);
    note("series", (double)set.twins * set.sensors);
    start_server();
    note("idle_mb", resident_mb());
    note("make_s", make_twins());
    note("made_mb", resident_mb());
    stop_server();
    start_server();
    note("start_s", server.start_s);
    note("start_cpu_s", cpu_seconds());
    note("start_mb", resident_mb());
    double began = now_s();
    open_mqtt();
    speak(set.twins, 0);
    close_all();
    note("spoke_s", now_s() - began);
    note("spoke_mb", resident_mb());
    note("stop_s", stop_server());
    start_server();
    note("restart_s", server.start_s);
    note("restart_cpu_s", cpu_seconds());
    note("restart_mb", resident_mb());
    if (set.seconds)
        measure_load();
    nftw(set.data, add_size, 16, FTW_PHYS);
    note("disk_mb", folder_bytes / 1e6);
    stop_server();
}

static int number(const char *text, const char *name)
{
    char *end;
    long v = strtol(text, &end, 10);
    if (*end || v < 0 || v > 100000000) {
        fprintf(stderr, "scale: %s takes a number, not \"%s\"\n", name, text);
        exit(2);
    }
    return (int)v;
}

static void read_options(int argc, char **argv)
{
    const struct {
        const char *name;
        int *number;
        const char **text;
    } options[] = {
        {"--doppel", NULL, &set.program},
        {"--data", NULL, &set.data},
        {"--twins", &set.twins, NULL},
        {"--sensors", &set.sensors, NULL},
        {"--every", &set.every, NULL},
        {"--seconds", &set.seconds, NULL},
        {"--flush-readings", &set.flush_readings, NULL},
    };
    for (int i = 1; i < argc; i++) {
        size_t k = 0, n = sizeof options / sizeof options[0];
        while (k < n && strcmp(argv[i], options[k].name) != 0)
            k++;
        if (k == n || i + 1 == argc) {
            fprintf(stderr, "scale: what is \"%s\"? The head of scale_bench.c tells the options\n",
                    argv[i]);
            exit(2);
        }
        if (options[k].text)
            *options[k].text = argv[++i];
        else
            *options[k].number = number(argv[i + 1], argv[i]), i++;
    }
    if (!set.twins || !set.sensors || set.sensors > 10000 || !set.every) {
        fprintf(stderr,
                "scale: there is at least one twin, one sensor (10,000 at most), one second\n");
        exit(2);
    }
}

int main(int argc, char **argv)
{
    static char folder[] = "/tmp/doppel-scale-XXXXXX";
    read_options(argc, argv);
    signal(SIGPIPE, SIG_IGN);
    bool own = !set.data;
    if (own && !(set.data = mkdtemp(folder)))
        die("a temporary folder");
    make_payloads();
    measure();
    for (int i = 0; i < figures_n; i++)
        printf("%s%c", names[i], i + 1 < figures_n ? '\t' : '\n');
    for (int i = 0; i < figures_n; i++)
        printf("%.6g%c", figures[i], i + 1 < figures_n ? '\t' : '\n');
    if (own)
        nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    return 0;
}

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
#include "shared.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { CONNECTIONS = 64, WINDOW = 64, VARIANTS = 64 };

static struct {
    const char *program, *data;
    long twins, sensors, every, seconds, flush_readings;
} set = {"build/release/doppel", NULL, 1000, 10, 10, 10, 0};

static struct bench_server server;

struct conn {
    int fd;
    int in_flight;
    uint16_t packet_id;
    struct buf in, out;
    size_t out_at;
};

static struct conn conns[CONNECTIONS];
static struct buf payloads[VARIANTS];

static double folder_bytes;

static int add_size(const char *path, const struct stat *st, int type, struct FTW *walk)
{
    (void)path, (void)walk;
    if (type == FTW_F)
        folder_bytes += (double)st->st_blocks * 512;
    return 0;
}

static double resident_mb(void)
{
    return bench_resident(&server) / 1e6;
}

static void start_server(void)
{
    char count[24];
    const char *const more[] = {"--head-readings", count, NULL};
    snprintf(count, sizeof count, "%ld", set.flush_readings);
    bench_start(&server, set.program, set.data, set.flush_readings ? more : NULL);
}

/* ---- connections ---- */

static void open_all(int port)
{
    for (int i = 0; i < CONNECTIONS; i++) {
        struct conn *c = &conns[i];
        buf_clear(&c->in);
        buf_clear(&c->out);
        *c = (struct conn){.fd = bench_dial(port), .in = c->in, .out = c->out};
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
            bench_die("write");
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
        bench_die("the server closed a connection");
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
            bench_die("an answer that is no success");
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
            bench_die("an answer that is no PUBACK");
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
        bench_die("poll");
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
        "\"updateFrequency\":%ld},\"sensors\":[",
        number, number, set.every);
    for (int i = 0; i < set.sensors; i++)
        buf_addf(&b,
                 "%s{\"id\":\"sensor-%d\",\"name\":\"Sensor %d\",\"type\":\"temperature\","
                 "\"unit\":\"celsius\",\"updateFrequency\":%ld,\"normalRange\":[-1000,1000]}",
                 i ? "," : "", i, i, set.every);
    buf_add_str(&b, "]}");
    buf_addf(&c->out,
             "POST /api/v1/twins HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
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

static void add_telemetry(struct conn *c, int number, unsigned variant)
{
    char topic[64];
    struct slice payload = buf_slice(&payloads[variant % VARIANTS]);
    snprintf(topic, sizeof topic, "twins/machine-%d/telemetry", number);
    if (!++c->packet_id)
        c->packet_id = 1;
    bench_add_publish(&c->out, topic, c->packet_id, payload);
    c->in_flight++;
}

/* ---- the phases ---- */

static double make_twins(void)
{
    double began = bench_seconds();
    int sent = 0, made = 0;
    open_all(server.http);
    while (made < set.twins) {
        for (int i = 0; i < CONNECTIONS && sent < set.twins; i++)
            if (!conns[i].in_flight)
                add_twin(&conns[i], sent++);
        step_all(http_answers, 1000, &made);
    }
    close_all();
    return bench_seconds() - began;
}

static void open_mqtt(void)
{
    int ready = 0;
    open_all(server.mqtt);
    for (int i = 0; i < CONNECTIONS; i++) {
        char id[32];
        snprintf(id, sizeof id, "scale-%d", i);
        bench_add_connect(&conns[i].out, id);
    }
    while (ready < CONNECTIONS)
        step_all(mqtt_answers, 1000, &ready);
    for (int i = 0; i < CONNECTIONS; i++)
        conns[i].in_flight = 0;
}

/* So many messages, the twins in turn, at a rate (0: as fast as they are acknowledged); how late
 * the last was, at worst. */
static double speak(long messages, double rate)
{
    double began = bench_seconds(), worst = 0;
    long sent = 0;
    int done = 0;
    while (done < messages) {
        long due = messages;
        if (rate > 0) {
            due = (long)((bench_seconds() - began) * rate);
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
    size_t bytes;
    return bench_ask(server.http, "GET", path, NULL, &bytes) * 1000;
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
    double rate = (double)set.twins / (double)set.every, cpu = bench_cpu_seconds(&server),
           began = bench_seconds();
    open_mqtt();
    double late = speak((long)(rate * (double)set.seconds), rate);
    note("load_cpu", (bench_cpu_seconds(&server) - cpu) / (bench_seconds() - began));
    note("load_mb", resident_mb());
    note("late_ms", late * 1000);
    note("list_ms", ask_ms("/api/v1/twins?limit=50"));
    note("filter_ms", ask_ms("/api/v1/twins?name=nothing-has-this-name"));
    note("metrics_ms", ask_ms("/metrics"));
    close_all();
}

static void measure(void)
{
    note("twins", (double)set.twins);
    note("series", (double)set.twins * (double)set.sensors);
    start_server();
    note("idle_mb", resident_mb());
    note("make_s", make_twins());
    note("made_mb", resident_mb());
    bench_stop(&server);
    start_server();
    note("start_s", server.start_s);
    note("start_cpu_s", bench_cpu_seconds(&server));
    note("start_mb", resident_mb());
    double began = bench_seconds();
    open_mqtt();
    speak(set.twins, 0);
    close_all();
    note("spoke_s", bench_seconds() - began);
    note("spoke_mb", resident_mb());
    note("stop_s", bench_stop(&server));
    start_server();
    note("restart_s", server.start_s);
    note("restart_cpu_s", bench_cpu_seconds(&server));
    note("restart_mb", resident_mb());
    if (set.seconds)
        measure_load();
    nftw(set.data, add_size, 16, FTW_PHYS);
    note("disk_mb", folder_bytes / 1e6);
    bench_stop(&server);
}

static void read_options(int argc, char **argv)
{
    const struct bench_option options[] = {
        {"--doppel", NULL, &set.program},
        {"--data", NULL, &set.data},
        {"--twins", &set.twins, NULL},
        {"--sensors", &set.sensors, NULL},
        {"--every", &set.every, NULL},
        {"--seconds", &set.seconds, NULL},
        {"--flush-readings", &set.flush_readings, NULL},
    };
    bench_options(argc, argv, options, sizeof options / sizeof options[0]);
    if (!set.twins || !set.sensors || set.sensors > 10000 || !set.every) {
        fprintf(stderr,
                "scale: there is at least one twin, one sensor (10,000 at most), one second\n");
        exit(2);
    }
}

int main(int argc, char **argv)
{
    read_options(argc, argv);
    signal(SIGPIPE, SIG_IGN);
    bool own = !set.data;
    if (own)
        set.data = bench_folder();
    make_payloads();
    measure();
    for (int i = 0; i < figures_n; i++)
        printf("%s%c", names[i], i + 1 < figures_n ? '\t' : '\n');
    for (int i = 0; i < figures_n; i++)
        printf("%.6g%c", figures[i], i + 1 < figures_n ? '\t' : '\n');
    if (own)
        bench_remove(set.data);
    return 0;
}

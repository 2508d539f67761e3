/* access_bench.c - what it costs to know who asks, and whether they may.
 *
 * usage: access_bench [--doppel PROGRAM] [--rounds 7] [--ms 300]
 *
 * Two servers beside each other in a temporary folder, one with --access open, one locked, each
 * with one twin.  In turn, round after round and never both at once: readings over MQTT at QoS 1
 * (64 in flight; locked: with a device's token), line protocol (1,000 points a request; with an API
 * token), and GET of one sensor (one after the other on one connection; with the API token).
 * Prints medians over the rounds: by the clock, and by the processor time that the server took,
 * which other work on the machine disturbs less. */
#include "shared.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WINDOW = 64, POINTS = 1000, ROUNDS_MAX = 101, TOKEN_MAX = 128 };

enum kind { KIND_MQTT, KIND_LINE, KIND_READ, KINDS };
static const char *const kind_names[KINDS] = {"MQTT, a reading at QoS 1", "line protocol, a point",
                                              "REST, GET one sensor"};

struct side {
    struct bench_server server;
    char api[TOKEN_MAX], device[TOKEN_MAX];                 /* empty: nothing is asked for */
    int mqtt, http;                                         /* connections that stay */
    uint64_t next;                                          /* a value that was not sent yet */
    double wall[KINDS][ROUNDS_MAX], cpu[KINDS][ROUNDS_MAX]; /* microseconds of one */
};

static const char *program = "build/release/doppel";
static long rounds = 7, ms = 300;

/* ---- asking ---- */

static void add_request(struct buf *b, const char *token, const char *method, const char *path,
                        const char *type, struct slice body)
{
    buf_addf(b, "%s %s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: %s\r\nContent-Length: %zu\r\n",
             method, path, type, body.n);
    if (*token)
        buf_addf(b, "Authorization: Bearer %s\r\n", token);
    buf_addf(b, "\r\n%.*s", SLICE_ARG(body));
}

/* A whole answer with a Content-Length, or without a body; its text in out. */
static void read_answer(int fd, char *out, size_t size)
{
    size_t n = 0, want = size;
    while (n < want && n + 1 < size) {
        ssize_t got = read(fd, out + n, size - 1 - n);
        if (got <= 0)
            bench_die("the server ended the connection");
        n += (size_t)got;
        out[n] = 0;
        char *end = strstr(out, "\r\n\r\n"), *length = strcasestr(out, "content-length:");
        if (end)
            want = (size_t)(end + 4 - out) +
                   (length && length < end ? strtoul(length + 15, NULL, 10) : 0);
    }
    if (strncmp(out, "HTTP/1.1 2", 10) != 0) {
        fprintf(stderr, "%s\n", out);
        bench_die("an answer");
    }
}

static void ask(const struct side *s, const char *token, const char *method, const char *path,
                const char *body, char *answer, size_t size)
{
    struct buf b = {0};
    int fd = bench_dial(s->server.http);
    add_request(&b, token, method, path, "application/json", slice_str(body));
    bench_write_all(fd, b.p, b.n);
    read_answer(fd, answer, size);
    buf_release(&b);
    close(fd);
}

/* The string member of that name. */
static void member_of(const char *answer, const char *name, char out[static TOKEN_MAX])
{
    char key[32];
    snprintf(key, sizeof key, "\"%s\":\"", name);
    const char *at = strstr(answer, key), *end = at ? strchr(at + strlen(key), '"') : NULL;
    if (!end || end - at - (ptrdiff_t)strlen(key) >= TOKEN_MAX)
        bench_die(name);
    at += strlen(key);
    memcpy(out, at, (size_t)(end - at));
    out[end - at] = 0;
}

/* ---- set-up ---- */

/* The token of the command line, which the server has written for us. */
static void local_token(const struct side *s, const char *folder, char out[static TOKEN_MAX])
{
    char path[256];
    snprintf(path, sizeof path, "%s/doppel/127.0.0.1:%d.token", folder, s->server.http);
    FILE *f = fopen(path, "r");
    if (!f || !fgets(out, TOKEN_MAX, f))
        bench_die(path);
    out[strcspn(out, "\n")] = 0;
    fclose(f);
}

static void make_tokens(struct side *s, const char *local)
{
    char answer[8192], service[TOKEN_MAX], path[256];
    ask(s, local, "POST", "/api/v1/organizations/home/services",
        "{\"name\":\"bench\",\"role\":\"operator\"}", answer, sizeof answer);
    member_of(answer, "id", service);
    snprintf(path, sizeof path, "/api/v1/organizations/home/services/%s/tokens", service);
    ask(s, local, "POST", path, "{\"name\":\"bench\"}", answer, sizeof answer);
    member_of(answer, "token", s->api);
    ask(s, local, "POST", "/api/v1/twins/pump/credentials", "{\"kind\":\"token\"}", answer,
        sizeof answer);
    member_of(answer, "token", s->device);
}

static void add_text(struct buf *b, const char *s)
{
    buf_add_byte(b, (unsigned char)(strlen(s) >> 8));
    buf_add_byte(b, (unsigned char)strlen(s));
    buf_add_str(b, s);
}

/* MQTT 3.1.1, clean, without keep-alive; with a user name and the token as the password. */
static void enter_mqtt(struct side *s)
{
    static const char head[] = "\0\4MQTT\4\302\0";
    char connack[4];
    struct buf b = {0};
    s->mqtt = bench_dial(s->server.mqtt);
    if (*s->device) {
        buf_add_byte(&b, 0x10);
        bench_add_length(&b, sizeof head + 2 + 5 + 2 + 6 + 2 + strlen(s->device));
        buf_add(&b, head, sizeof head);
        add_text(&b, "bench");
        add_text(&b, "device");
        add_text(&b, s->device);
    } else {
        bench_add_connect(&b, "bench");
    }
    bench_write_all(s->mqtt, b.p, b.n);
    if (read(s->mqtt, connack, sizeof connack) != sizeof connack || connack[3])
        bench_die("CONNECT");
    buf_release(&b);
}

static void begin(struct side *s, const char *folder, bool locked)
{
    const char *const more[] = {"--access", "locked", "--requests-per-second", "0", NULL};
    char data[256], local[TOKEN_MAX] = "", answer[65536];
    snprintf(data, sizeof data, "%s/%s", folder, locked ? "locked" : "open");
    bench_start(&s->server, program, data, locked ? more : NULL);
    if (locked)
        local_token(s, folder, local);
    ask(s, local, "GET", "/api/v1/sample?id=pump", "", answer, sizeof answer);
    char *body = strstr(answer, "\r\n\r\n") + 4, *copy = strdup(body);
    if (!copy)
        bench_die("memory");
    ask(s, local, "POST", "/api/v1/twins", copy, answer, sizeof answer);
    free(copy);
    if (locked)
        make_tokens(s, local);
    enter_mqtt(s);
    s->http = bench_dial(s->server.http);
}

/* ---- the loads: each answers how many it did ---- */

static uint64_t load_mqtt(struct side *s, const char *sensor)
{
    char topic[160], payload[32], acks[WINDOW * 4];
    struct buf b = {0};
    snprintf(topic, sizeof topic, "twins/pump/sensors/%s", sensor);
    for (uint16_t i = 1; i <= WINDOW; i++) {
        int n = snprintf(payload, sizeof payload, "%llu", (unsigned long long)(s->next++ % 50));
        bench_add_publish(&b, topic, i, slice_of(payload, (size_t)n));
    }
    bench_write_all(s->mqtt, b.p, b.n);
    for (size_t got = 0; got < sizeof acks;) {
        ssize_t n = read(s->mqtt, acks + got, sizeof acks - got);
        if (n <= 0)
            bench_die("PUBACK");
        got += (size_t)n;
    }
    buf_release(&b);
    return WINDOW;
}

static uint64_t load_line(struct side *s, const char *sensor)
{
    struct buf body = {0}, b = {0};
    char answer[4096];
    for (int i = 0; i < POINTS; i++, s->next++)
        buf_addf(&body, "pump %s=%llu %llu\n", sensor, (unsigned long long)(s->next % 50),
                 1700000000000ULL + (unsigned long long)s->next);
    add_request(&b, s->api, "POST", "/write?db=bench&precision=ms", "text/plain", buf_slice(&body));
    bench_write_all(s->http, b.p, b.n);
    read_answer(s->http, answer, sizeof answer);
    buf_release(&body);
    buf_release(&b);
    return POINTS;
}

static uint64_t load_read(struct side *s, const char *sensor)
{
    struct buf b = {0};
    char path[160], answer[8192];
    snprintf(path, sizeof path, "/api/v1/twins/pump/sensors/%s", sensor);
    add_request(&b, s->api, "GET", path, "application/json", slice_of("", 0));
    bench_write_all(s->http, b.p, b.n);
    read_answer(s->http, answer, sizeof answer);
    buf_release(&b);
    return 1;
}

static void measure(struct side *s, enum kind kind, long round, const char *sensor)
{
    static uint64_t (*const loads[KINDS])(struct side *, const char *) = {load_mqtt, load_line,
                                                                          load_read};
    uint64_t n = 0;
    double cpu = bench_cpu_seconds(&s->server), began = bench_seconds(), end = began;
    while (end - began < (double)ms / 1000) {
        n += loads[kind](s, sensor);
        end = bench_seconds();
    }
    s->wall[kind][round] = (end - began) * 1e6 / (double)n;
    s->cpu[kind][round] = (bench_cpu_seconds(&s->server) - cpu) * 1e6 / (double)n;
}

/* Of one round both were measured next to each other in time, so the median of the rounds' ratios
 * bears what else the machine does better than the ratio of medians. */
static double ratio(const double *open, const double *locked)
{
    double all[ROUNDS_MAX];
    for (long i = 0; i < rounds; i++)
        all[i] = locked[i] / open[i];
    return bench_median(all, (size_t)rounds);
}

static void print(struct side *open, struct side *locked)
{
    size_t n = (size_t)rounds;
    printf("%-26s %28s %30s\n", "", "by the clock, us", "processor time, us");
    printf("%-26s %8s %8s %10s %10s %8s %10s\n", "medians", "open", "locked", "pairs", "open",
           "locked", "pairs");
    for (int k = 0; k < KINDS; k++) {
        double w = ratio(open->wall[k], locked->wall[k]), c = ratio(open->cpu[k], locked->cpu[k]);
        printf("%-26s %8.2f %8.2f %+8.1f %% %10.2f %8.2f %+8.1f %%\n", kind_names[k],
               bench_median(open->wall[k], n), bench_median(locked->wall[k], n), 100 * (w - 1),
               bench_median(open->cpu[k], n), bench_median(locked->cpu[k], n), 100 * (c - 1));
    }
}

int main(int argc, char **argv)
{
    const struct bench_option options[] = {
        {"--doppel", NULL, &program}, {"--rounds", &rounds, NULL}, {"--ms", &ms, NULL}};
    static struct side sides[2];
    char answer[65536], sensor[TOKEN_MAX];
    bench_options(argc, argv, options, sizeof options / sizeof options[0]);
    if (rounds < 1 || rounds > ROUNDS_MAX)
        bench_die("--rounds is 1 to 101");
    const char *folder = bench_folder();
    setenv("XDG_RUNTIME_DIR", folder, 1);
    begin(&sides[0], folder, false);
    begin(&sides[1], folder, true);
    ask(&sides[0], "", "GET", "/api/v1/twins/pump/sensors", "", answer, sizeof answer);
    member_of(answer, "id", sensor);
    for (long round = 0; round < rounds; round++)
        for (int k = 0; k < KINDS; k++)
            for (int i = 0; i < 2; i++)
                measure(&sides[(i + round) % 2], (enum kind)k, round, sensor);
    print(&sides[0], &sides[1]);
    bench_stop(&sides[0].server);
    bench_stop(&sides[1].server);
    bench_remove(folder);
    return 0;
}

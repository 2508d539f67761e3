#include "shared.h"

#include "base/clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { FLAGS_MAX = 32, SERVERS_MAX = 4 };

static pid_t running[SERVERS_MAX]; /* the servers of this program, for bench_die() */

/* The place of this server, or a free one of 0. */
static pid_t *place_of(pid_t pid)
{
    size_t i = 0;
    while (i < SERVERS_MAX - 1 && running[i] != pid)
        i++;
    return &running[i];
}

void bench_die(const char *what)
{
    fprintf(stderr, "bench: %s: %s\n", what, errno ? strerror(errno) : "failed");
    for (size_t i = 0; i < SERVERS_MAX; i++)
        if (running[i])
            kill(running[i], SIGKILL);
    exit(1);
}

/* ---- a server ---- */

static void exec_server(const char *program, const char *data, const char *const *more, int out)
{
    const char *flags[FLAGS_MAX] = {program,       "serve",  "--no-demo",   "--access",
                                    "open",        "--http", "127.0.0.1:0", "--mqtt",
                                    "127.0.0.1:0", "--data", data};
    size_t n = 11;
    for (; more && *more && n + 1 < FLAGS_MAX; more++)
        flags[n++] = *more;
    dup2(out, STDOUT_FILENO);
    execv(program, (char *const *)(uintptr_t)flags);
    _exit(127);
}

void bench_start(struct bench_server *s, const char *program, const char *data,
                 const char *const *more)
{
    int out[2];
    double began = bench_seconds();
    *s = (struct bench_server){0};
    if (pipe2(out, O_CLOEXEC))
        bench_die("pipe");
    s->pid = fork();
    if (s->pid == 0)
        exec_server(program, data, more, out[1]);
    *place_of(0) = s->pid;
    close(out[1]);
    FILE *f = fdopen(out[0], "r");
    char line[512];
    while (f && fgets(line, sizeof line, f)) {
        const char *http = strstr(line, "http=127.0.0.1:"), *mqtt = strstr(line, "mqtt=127.0.0.1:");
        if (!http || !mqtt)
            continue;
        s->http = atoi(http + 15);
        s->mqtt = atoi(mqtt + 15);
        s->start_s = bench_seconds() - began;
        return;
    }
    bench_die("the server did not start");
}

double bench_stop(struct bench_server *s)
{
    double began = bench_seconds();
    kill(s->pid, SIGTERM);
    waitpid(s->pid, NULL, 0);
    *place_of(s->pid) = 0;
    s->pid = 0;
    return bench_seconds() - began;
}

double bench_resident(const struct bench_server *s)
{
    char path[64];
    long size, pages = 0;
    snprintf(path, sizeof path, "/proc/%d/statm", (int)s->pid);
    FILE *f = fopen(path, "r");
    if (!f || fscanf(f, "%ld %ld", &size, &pages) != 2)
        bench_die(path);
    fclose(f);
    return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

double bench_cpu_seconds(const struct bench_server *s)
{
    clockid_t clock;
    struct timespec t;
    if (clock_getcpuclockid(s->pid, &clock) || clock_gettime(clock, &t))
        bench_die("the server's processor time");
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

const char *bench_folder(void)
{
    static char folder[] = "/tmp/doppel-bench-XXXXXX";
    if (!mkdtemp(folder))
        bench_die("a temporary folder");
    return folder;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *walk)
{
    (void)st, (void)type, (void)walk;
    return remove(path);
}

void bench_remove(const char *folder)
{
    nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* ---- sockets ---- */

int bench_dial(int port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to))
        bench_die("connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return fd;
}

void bench_write_all(int fd, const void *p, size_t n)
{
    for (const char *at = p; n;) {
        ssize_t sent = write(fd, at, n);
        if (sent <= 0)
            bench_die("write");
        at += sent;
        n -= (size_t)sent;
    }
}

void bench_add_length(struct buf *out, size_t n)
{
    do {
        buf_add_byte(out, (unsigned char)((n % 128) | (n >= 128 ? 0x80 : 0)));
        n /= 128;
    } while (n);
}

static void add_text(struct buf *out, const char *text)
{
    size_t n = strlen(text);
    buf_add_byte(out, (unsigned char)(n >> 8));
    buf_add_byte(out, (unsigned char)n);
    buf_add(out, text, n);
}

void bench_add_connect(struct buf *out, const char *client_id)
{
    static const char head[] = "\0\4MQTT\4\2\0";
    buf_add_byte(out, 0x10);
    bench_add_length(out, sizeof head + 2 + strlen(client_id));
    buf_add(out, head, sizeof head);
    add_text(out, client_id);
}

void bench_add_publish(struct buf *out, const char *topic, uint16_t packet_id, struct slice payload)
{
    buf_add_byte(out, 0x32);
    bench_add_length(out, 2 + strlen(topic) + 2 + payload.n);
    add_text(out, topic);
    buf_add_byte(out, (unsigned char)(packet_id >> 8));
    buf_add_byte(out, (unsigned char)packet_id);
    buf_add_slice(out, payload);
}

double bench_ask(int port, const char *method, const char *path, const char *json,
                 size_t *ret_bytes)
{
    char bytes[65536], status[16] = {0};
    struct buf b = {0};
    double began = bench_seconds();
    int fd = bench_dial(port);
    buf_addf(&b, "%s %s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n", method, path);
    if (json)
        buf_addf(&b, "Content-Type: application/json\r\nContent-Length: %zu\r\n", strlen(json));
    buf_addf(&b, "\r\n%s", json ? json : "");
    bench_write_all(fd, b.p, b.n);
    *ret_bytes = 0;
    for (ssize_t n; (n = read(fd, bytes, sizeof bytes)) > 0; *ret_bytes += (size_t)n)
        for (size_t i = 0; i < (size_t)n && *ret_bytes + i < sizeof status - 1; i++)
            status[*ret_bytes + i] = bytes[i];
    close(fd);
    buf_release(&b);
    if (strncmp(status, "HTTP/1.1 2", 10) != 0)
        bench_die(path);
    return bench_seconds() - began;
}

/* ---- figures ---- */

double bench_seconds(void)
{
    return (double)clock_mono_us() / 1e6;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double bench_quantile(double *v, size_t n, double q)
{
    if (!n)
        return 0;
    qsort(v, n, sizeof *v, by_size);
    return v[(size_t)((double)(n - 1) * q)];
}

double bench_median(double *v, size_t n)
{
    if (!n)
        return 0;
    qsort(v, n, sizeof *v, by_size);
    return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

/* ---- options ---- */

static void usage(const char *program, const struct bench_option *options, size_t n)
{
    fprintf(stderr, "usage: %s", program);
    for (size_t k = 0; k < n; k++)
        fprintf(stderr, " [%s %s]", options[k].name, options[k].number ? "N" : "TEXT");
    fprintf(stderr, "\n");
    exit(2);
}

void bench_options(int argc, char **argv, const struct bench_option *options, size_t n)
{
    for (int i = 1; i < argc; i += 2) {
        size_t k = 0;
        while (k < n && strcmp(argv[i], options[k].name) != 0)
            k++;
        if (k == n || i + 1 == argc)
            usage(argv[0], options, n);
        if (options[k].text) {
            *options[k].text = argv[i + 1];
            continue;
        }
        char *end;
        long v = strtol(argv[i + 1], &end, 10);
        if (*end || end == argv[i + 1] || v < 0)
            usage(argv[0], options, n);
        *options[k].number = v;
    }
}

/* peer_write.c - line protocol over HTTP: bodies of so many points, a few connections, until so
 * many points are acknowledged.  One field a line; the bodies are made before the clock starts.
 * With --out FILE they are written there instead, for whoever wants to see them. */
#include "shared.h"
#include "tiled.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static long port, connections = 2, series = 740, points = 1000000, batch = 5000;
static const char *path = "/write?db=bench", *data = "../shared/data", *expect = "204";
static const char *out;
static struct tiled tiled;
static struct buf *bodies;
static size_t bodies_n, next_body;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* As recordings come: every series moves on together. */
static void make_bodies(void)
{
    bodies_n = (size_t)((points + batch - 1) / batch);
    bodies = calloc(bodies_n, sizeof *bodies);
    for (long i = 0; i < points; i++) {
        size_t s = (size_t)(i % series);
        struct tiled_point p = tiled_point(&tiled, s, (size_t)(i / series));
        buf_addf(&bodies[i / batch], "m%zu,twin=bench-%zu value=%s %lld000\n", s % 10, s / 10,
                 p.text, (long long)p.t_us);
    }
}

static void *send_all(void *arg)
{
    (void)arg;
    char head[512], answer[65536];
    int fd = bench_dial((int)port);
    for (;;) {
        pthread_mutex_lock(&lock);
        size_t i = next_body++;
        pthread_mutex_unlock(&lock);
        if (i >= bodies_n)
            break;
        int n = snprintf(head, sizeof head,
                         "POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: text/plain\r\n"
                         "Content-Length: %zu\r\n\r\n",
                         path, bodies[i].n);
        bench_write_all(fd, head, (size_t)n);
        bench_write_all(fd, bodies[i].p, bodies[i].n);
        size_t got = 0;
        const char *end = NULL;
        do { /* 204 has no body */
            ssize_t k = read(fd, answer + got, sizeof answer - 1 - got);
            if (k <= 0)
                bench_die("no answer");
            answer[got += (size_t)k] = 0;
        } while (!(end = strstr(answer, "\r\n\r\n")));
        if (strncmp(answer + 9, expect, 3) != 0) {
            fprintf(stderr, "peers: %s answered %s\n", path, answer);
            exit(1);
        }
    }
    close(fd);
    return NULL;
}

int main(int argc, char **argv)
{
    const struct bench_option options[] = {
        {"--port", &port, NULL},     {"--connections", &connections, NULL},
        {"--series", &series, NULL}, {"--points", &points, NULL},
        {"--batch", &batch, NULL},   {"--path", NULL, &path},
        {"--data", NULL, &data},     {"--expect", NULL, &expect},
        {"--out", NULL, &out},
    };
    pthread_t threads[64];
    bench_options(argc, argv, options, sizeof options / sizeof options[0]);
    if (connections < 1 || connections > 64 || series < 1 || batch < 1)
        bench_die("1 to 64 connections, at least one series and one point a body");
    tiled_open(&tiled, data);
    make_bodies();
    if (out) {
        FILE *f = fopen(out, "w");
        for (size_t i = 0; f && i < bodies_n; i++)
            fwrite(bodies[i].p, 1, bodies[i].n, f);
        return !f || fclose(f);
    }
    double start = bench_seconds();
    for (long i = 0; i < connections; i++)
        pthread_create(&threads[i], NULL, send_all, NULL);
    for (long i = 0; i < connections; i++)
        pthread_join(threads[i], NULL);
    printf("{\"readings\":%ld,\"seconds\":%.3f}\n", points, bench_seconds() - start);
    return 0;
}

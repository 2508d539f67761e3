/* shared.h - what the programs that measure have in common: a server of their own, sockets,
 * figures, options.
 *
 * One thread, but for bench_seconds() and bench_write_all().  What fails ends the program with a
 * sentence, and the server with it. */
#ifndef BENCH_SHARED_H
#define BENCH_SHARED_H

#include "base/buf.h"

#include <sys/types.h>

void bench_die(const char *what) __attribute__((noreturn)); /* with errno, where there is one */

/* ---- a server ---- */

struct bench_server {
    pid_t pid;
    int http, mqtt; /* ports */
    double start_s; /* from exec to the line that says it listens */
};

/* Start the program over a data directory, without the demo, on free ports; more: further flags,
 * ended by NULL; may be NULL. */
void bench_start(struct bench_server *s, const char *program, const char *data,
                 const char *const *more);
double bench_stop(struct bench_server *s);           /* SIGTERM; how long it took */
double bench_resident(const struct bench_server *s); /* bytes */
double bench_cpu_seconds(const struct bench_server *s);

const char *bench_folder(void); /* a new temporary one; removed by: */
void bench_remove(const char *folder);

/* ---- sockets ---- */

int bench_dial(int port); /* loopback, without delay */
void bench_write_all(int fd, const void *p, size_t n);

/* A request on a connection of its own: how long its answer took to come, all of it, in seconds.
 * json: the body; NULL: none.  Any status but 2xx ends the program. */
double bench_ask(int port, const char *method, const char *path, const char *json,
                 size_t *ret_bytes);

/* MQTT 3.1.1, appended: CONNECT, clean, without keep-alive; PUBLISH at QoS 1. */
void bench_add_connect(struct buf *out, const char *client_id);
void bench_add_publish(struct buf *out, const char *topic, uint16_t packet_id,
                       struct slice payload);
void bench_add_length(struct buf *out, size_t n); /* MQTT's variable byte integer */

/* ---- figures ---- */

double bench_seconds(void);                           /* monotonic */
double bench_quantile(double *v, size_t n, double q); /* sorts v; 0 of none */
double bench_median(double *v, size_t n);             /* sorts v */

/* ---- options ---- */

struct bench_option {
    const char *name; /* "--seconds" */
    long *number;     /* from 0 on; or: */
    const char **text;
};

/* Reads --name value ...; anything else ends the program with the usage. */
void bench_options(int argc, char **argv, const struct bench_option *options, size_t n);

#endif

/* peer_copy.c - the same points into PostgreSQL: COPY ... FROM STDIN in text, so many rows a COPY,
 * each its own transaction, into sample(series, ts, value) with its primary key.  Rows are made
 * before the clock starts. */
#include "shared.h"
#include "tiled.h"

#include <libpq-fe.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static long connections = 2, series = 740, points = 1000000, batch = 5000;
static const char *conninfo = "", *data = "../shared/data";
static struct tiled tiled;
static struct buf *bodies;
static size_t bodies_n, next_body;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void make_bodies(void)
{
    bodies_n = (size_t)((points + batch - 1) / batch);
    bodies = calloc(bodies_n, sizeof *bodies);
    for (long i = 0; i < points; i++) {
        size_t s = (size_t)(i % series);
        struct tiled_point p = tiled_point(&tiled, s, (size_t)(i / series));
        time_t whole = (time_t)(p.t_us / 1000000);
        struct tm tm;
        char text[32];
        gmtime_r(&whole, &tm);
        strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S+00", &tm);
        buf_addf(&bodies[i / batch], "%zu\t%s\t%s\n", s, text, p.text);
    }
}

static void must(PGconn *c, PGresult *r, ExecStatusType status)
{
    if (PQresultStatus(r) != status) {
        fprintf(stderr, "peers: PostgreSQL: %s\n", PQerrorMessage(c));
        exit(1);
    }
    PQclear(r);
}

static PGconn *dial(void)
{
    PGconn *c = PQconnectdb(conninfo);
    if (PQstatus(c) != CONNECTION_OK) {
        fprintf(stderr, "peers: PostgreSQL: %s\n", PQerrorMessage(c));
        exit(1);
    }
    return c;
}

static void *copy_all(void *arg)
{
    (void)arg;
    PGconn *c = dial();
    for (;;) {
        pthread_mutex_lock(&lock);
        size_t i = next_body++;
        pthread_mutex_unlock(&lock);
        if (i >= bodies_n)
            break;
        must(c, PQexec(c, "COPY sample FROM STDIN"), PGRES_COPY_IN);
        if (PQputCopyData(c, bodies[i].p, (int)bodies[i].n) != 1 || PQputCopyEnd(c, NULL) != 1)
            bench_die("COPY");
        must(c, PQgetResult(c), PGRES_COMMAND_OK);
        PQclear(PQgetResult(c));
    }
    PQfinish(c);
    return NULL;
}

int main(int argc, char **argv)
{
    const struct bench_option options[] = {
        {"--connections", &connections, NULL}, {"--series", &series, NULL},
        {"--points", &points, NULL},           {"--batch", &batch, NULL},
        {"--conninfo", NULL, &conninfo},       {"--data", NULL, &data},
    };
    pthread_t threads[64];
    bench_options(argc, argv, options, sizeof options / sizeof options[0]);
    if (connections < 1 || connections > 64 || series < 1 || batch < 1)
        bench_die("1 to 64 connections, at least one series and one row a COPY");
    tiled_open(&tiled, data);
    make_bodies();
    PGconn *c = dial();
    must(c,
         PQexec(c,
                "DROP TABLE IF EXISTS sample; CREATE TABLE sample(series integer, ts timestamptz,"
                " value double precision, PRIMARY KEY(series, ts))"),
         PGRES_COMMAND_OK);
    PQfinish(c);
    double start = bench_seconds();
    for (long i = 0; i < connections; i++)
        pthread_create(&threads[i], NULL, copy_all, NULL);
    for (long i = 0; i < connections; i++)
        pthread_join(threads[i], NULL);
    printf("{\"readings\":%ld,\"seconds\":%.3f}\n", points, bench_seconds() - start);
    return 0;
}

/* peer_sqlite.c - the same points into SQLite: one connection, WAL, synchronous=FULL, so many rows
 * a transaction, into sample(series, ts, value) clustered by its primary key. */
#include "shared.h"
#include "tiled.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

static long series = 740, points = 1000000, batch = 5000;
static const char *file, *data = "../shared/data";

static sqlite3 *db;

static void must(int code)
{
    if (code != SQLITE_OK && code != SQLITE_DONE) {
        fprintf(stderr, "peers: SQLite: %s\n", sqlite3_errmsg(db));
        exit(1);
    }
}

int main(int argc, char **argv)
{
    const struct bench_option options[] = {
        {"--series", &series, NULL}, {"--points", &points, NULL}, {"--batch", &batch, NULL},
        {"--file", NULL, &file},     {"--data", NULL, &data},
    };
    struct tiled tiled;
    sqlite3_stmt *insert;
    bench_options(argc, argv, options, sizeof options / sizeof options[0]);
    if (!file || series < 1 || batch < 1)
        bench_die("--file is needed, at least one series and one row a transaction");
    tiled_open(&tiled, data);
    must(sqlite3_open(file, &db));
    must(sqlite3_exec(db,
                      "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                      "DROP TABLE IF EXISTS sample; CREATE TABLE sample(series INTEGER, ts INTEGER,"
                      " value REAL, PRIMARY KEY(series, ts)) WITHOUT ROWID",
                      NULL, NULL, NULL));
    must(sqlite3_prepare_v2(db, "INSERT INTO sample VALUES(?,?,?)", -1, &insert, NULL));
    double start = bench_seconds();
    for (long i = 0; i < points; i++) {
        size_t s = (size_t)(i % series);
        struct tiled_point p = tiled_point(&tiled, s, (size_t)(i / series));
        if (i % batch == 0)
            must(sqlite3_exec(db, "BEGIN", NULL, NULL, NULL));
        sqlite3_bind_int64(insert, 1, (sqlite3_int64)s);
        sqlite3_bind_int64(insert, 2, p.t_us);
        sqlite3_bind_double(insert, 3, p.value);
        must(sqlite3_step(insert));
        sqlite3_reset(insert);
        if ((i + 1) % batch == 0 || i + 1 == points)
            must(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL));
    }
    double took = bench_seconds() - start;
    sqlite3_finalize(insert);
    must(sqlite3_exec(db, "PRAGMA wal_checkpoint(TRUNCATE)", NULL, NULL, NULL));
    sqlite3_close(db);
    printf("{\"readings\":%ld,\"seconds\":%.3f}\n", points, took);
    return 0;
}

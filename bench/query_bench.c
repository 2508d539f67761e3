/* query_bench - how fast questions about the past are answered, from history.db to rows.
 *
 * usage: query_bench [--data FOLDER] [--millions N] [--rounds N] [--dir FOLDER]
 *
 * Measured machines (FOLDER, default ../shared/data) are written once, into a temporary history in
 * FOLDER --dir (default /tmp): a year of one reading a minute, and N million readings (default 20)
 * one second apart.  Then each question is asked --rounds times (default 21), on one thread, with
 * everything in the page cache; the medians of time and of the thread's own time are told, and what
 * the latter is in points a second a core.  "from sums" leaves chunks unread that lie within one
 * step; "every point" decodes all of them. */
#include "base/err.h"
#include "core/past.h"
#include "peers/tiled.h"
#include "shared.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define MINUTE INT64_C(60000000)
#define DAY (1440 * MINUTE)
#define T0 INT64_C(1640995200000000) /* 2022-01-01 */

enum { YEAR = 525600, PIECE = 1 << 20 };

struct series {
    uint32_t number;
    size_t n;
    int64_t step_us;
};

static size_t rows;

static bool on_row(void *arg, const struct history_row *row)
{
    (void)arg;
    rows += row->n > 0;
    return false;
}

static int on_run(void *arg, const struct history_run *run)
{
    struct fold *f = arg;
    return f->kind->take(f, run);
}

static int64_t sums_until(void *arg, int64_t t, int64_t t_max)
{
    struct fold *f = arg;
    return f->kind->until(f, t, t_max);
}

static void write_series(struct history *h, const struct tiled *data, const struct series *s)
{
    struct point *p = malloc(PIECE * sizeof *p);
    if (!p)
        bench_die("out of memory");
    for (size_t at = 0; at < s->n;) {
        size_t n = 0;
        for (; n < PIECE && at < s->n; n++, at++) {
            p[n] = (struct point){.t_us = T0 + (int64_t)at * s->step_us, .type = VALUE_DOUBLE};
            p[n].as.d = tiled_point(data, s->number, at).value;
        }
        struct history_flush_series one = {
            .series = s->number, .points = p, .n = n, .level = CHUNK_MEDIUM};
        if (history_flush(h, &one, 1, 1, true))
            bench_die("the history cannot be written");
    }
    free(p);
}

static double own_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void ask_once(struct history *h, const struct series *s, const struct history_query *q,
                     bool sums, double *ret_took, double *ret_own)
{
    double began = bench_seconds(), own = own_seconds();
    struct fold *f = fold_new(q, on_row, NULL);
    if (!f)
        bench_die("out of memory");
    struct history_taker taker = {.run = on_run,
                                  .until = f->kind->until ? sums_until : NULL,
                                  .placed = f->kind->placed || !sums,
                                  .columns = f->kind->columns,
                                  .arg = f};
    if (history_scan(h, s->number, q->from_us, q->to_us, NULL, 0, &taker, NULL) || f->kind->end(f))
        bench_die("a question was not answered");
    fold_free(f);
    *ret_took = bench_seconds() - began;
    *ret_own = own_seconds() - own;
}

static void ask(struct history *h, const struct series *s, const char *what, struct history_query q,
                bool sums, long rounds)
{
    double *took = malloc(2 * (size_t)rounds * sizeof *took), *own = took + rounds;
    if (!took)
        bench_die("out of memory");
    q.from_us = T0;
    q.to_us = T0 + (int64_t)s->n * s->step_us;
    for (long i = 0; i < rounds; i++) {
        rows = 0;
        ask_once(h, s, &q, sums, &took[i], &own[i]);
    }
    double middle = bench_quantile(took, (size_t)rounds, 0.5);
    double middle_own = bench_quantile(own, (size_t)rounds, 0.5);
    printf("  %-40s %9.3f ms %9.3f ms own %8.1f M points/s %7zu rows\n", what, 1e3 * middle,
           1e3 * middle_own, (double)s->n / middle_own / 1e6, rows);
    fflush(stdout);
    free(took);
}

static struct history_query steps(struct step every, enum history_fn fn)
{
    return (struct history_query){
        .how = PAST_STEPS, .every = every, .fns = {fn}, .fns_n = 1, .fill = FILL_NONE};
}

static void ask_all(struct history *h, const struct series *year, const struct series *large,
                    long rounds)
{
    const struct step hour = {.n = 60 * MINUTE}, day = {1, STEP_DAY, NULL}, ever = {.n = INT64_MAX};
    struct history_query thin = {.how = PAST_THIN, .limit = 1000};
    struct history_query lttb = {.how = PAST_LTTB, .limit = 1000};
    printf("a year of one reading a minute (%zu)\n", year->n);
    ask(h, year, "thinned to 1,000, extremes", thin, true, rounds);
    ask(h, year, "thinned to 1,000, largest triangles", lttb, true, rounds);
    ask(h, year, "mean of each day", steps(day, FN_MEAN), true, rounds);
    ask(h, year, "mean of each hour", steps(hour, FN_MEAN), true, rounds);
    ask(h, year, "every reading as it is", (struct history_query){.how = PAST_RAW}, true, rounds);
    printf("%zu readings, one a second\n", large->n);
    ask(h, large, "mean of all, from sums", steps(ever, FN_MEAN), true, rounds);
    ask(h, large, "mean of all, every point", steps(ever, FN_MEAN), false, rounds);
    ask(h, large, "mean of each day, from sums", steps(day, FN_MEAN), true, rounds);
    ask(h, large, "mean of each hour, every point", steps(hour, FN_MEAN), false, rounds);
    ask(h, large, "thinned to 1,000, extremes", thin, true, rounds);
}

static void remove_files(const char *dir, const char *path)
{
    static const char *const ends[] = {"", "-wal", "-shm"};
    char name[600];
    for (size_t i = 0; i < 3; i++) {
        snprintf(name, sizeof name, "%s%s", path, ends[i]);
        unlink(name);
    }
    rmdir(dir);
}

int main(int argc, char **argv)
{
    const char *data_dir = "../shared/data", *parent = "/tmp";
    long millions = 20, rounds = 21;
    const struct bench_option options[] = {{"--data", NULL, &data_dir},
                                           {"--millions", &millions, NULL},
                                           {"--rounds", &rounds, NULL},
                                           {"--dir", NULL, &parent}};
    bench_options(argc, argv, options, sizeof options / sizeof options[0]);
    struct tiled data;
    struct history *h;
    char dir[512], path[576];
    tiled_open(&data, data_dir);
    snprintf(dir, sizeof dir, "%s/query_bench.XXXXXX", parent);
    if (millions < 1 || rounds < 1 || !mkdtemp(dir))
        bench_die("--millions and --rounds are 1 or more, and --dir is a folder");
    snprintf(path, sizeof path, "%s/history.db", dir);
    if (history_open(path, &h))
        bench_die("the history cannot be opened");
    const struct series year = {1, YEAR, MINUTE}, large = {2, (size_t)millions * 1000000, 1000000};
    write_series(h, &data, &year);
    write_series(h, &data, &large);
    ask_all(h, &year, &large, rounds);
    history_close(h);
    remove_files(dir, path);
    return 0;
}

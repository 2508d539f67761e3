/* query_bench - how fast questions about the past are answered, from history.db to rows.
 *
 * usage: query_bench [--data FOLDER] [--millions N] [--rounds N] [--program FILE]
 *
 * Measured machines (FOLDER, default ../shared/data) are written once, straight into the history of
 * a temporary data directory: a year of one reading a minute, and N million readings (default 20;
 * 100 take 200 MB and a few seconds) one second apart.  Then each question is asked --rounds times
 * (default 21), on one thread, with everything in the page cache; the medians of time and of the
 * thread's own time are told, and what the latter is in points a second a core.  "from sums" leaves
 * chunks unread that lie within one step; "every point" decodes all of them.
 *
 * With --program, which is doppel, the same directory is then served, and questions are asked over
 * HTTP, each on a connection of its own: the time is a client's, "own" is what the server took of
 * the processor (all its threads).  Steps of 3,607 s cut every chunk of one reading a second, so
 * that nothing is answered from what is stored about chunks. */
#include "base/err.h"
#include "core/past.h"
#include "peers/tiled.h"
#include "shared.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

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
        if (history_flush(h, &one, 1, history_checkpoint(h), true))
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

/* ---- through HTTP ---- */

#define SENSOR(id)                                                                                 \
    "{\"id\":\"" id "\",\"name\":\"" id "\",\"type\":\"temperature\",\"unit\":\"celsius\","        \
    "\"updateFrequency\":60,\"normalRange\":[-1000,1000]}"

static const char twin[] =
    "{\"@context\":{\"@vocab\":\"https://schema.org/\",\"mvmd\":\"https://mvmd.org/v1/\"},"
    "\"@type\":\"DigitalDocument\",\"name\":\"Bench\",\"description\":\"A machine that is "
    "measured\","
    "\"identifier\":{\"@type\":\"PropertyValue\",\"propertyID\":\"MVMD-ID\",\"value\":\"bench\"},"
    "\"subjectOf\":{\"@type\":\"Thing\",\"name\":\"Machine\"},"
    "\"synchronization\":{\"mechanism\":\"MQTT\",\"endpoint\":\"mqtt://127.0.0.1/twins\","
    "\"updateFrequency\":60},\"sensors\":[" SENSOR("year") "," SENSOR("large") "]}";

/* Have the twin made, and a reading of each sensor that tells which series is which: 1 and 2. */
static void make_twin(const char *program, const char *dir)
{
    struct bench_server server;
    size_t bytes;
    char readings[128];
    bench_start(&server, program, dir, NULL);
    bench_ask(server.http, "POST", "/api/v1/twins", twin, &bytes);
    snprintf(readings, sizeof readings, "{\"timestamp\":%lld,\"year\":1,\"large\":2}",
             (long long)(T0 / 1000));
    bench_ask(server.http, "POST", "/api/v1/twins/bench/readings", readings, &bytes);
    bench_stop(&server);
}

static int find_series(void *arg, const struct reading *r)
{
    struct series **both = arg;
    both[value_as_double(r->value) == 2]->number = r->series;
    return 0;
}

static void ask_http(const struct bench_server *server, const struct series *s, const char *sensor,
                     const char *what, const char *how, long rounds)
{
    double *took = malloc((size_t)rounds * sizeof *took);
    char path[256];
    size_t bytes = 0;
    if (!took)
        bench_die("out of memory");
    snprintf(path, sizeof path, "/api/v1/twins/bench/sensors/%s/history?from=%lld&to=%lld&%s",
             sensor, (long long)(T0 / 1000), (long long)((T0 + (int64_t)s->n * s->step_us) / 1000),
             how);
    double began = bench_cpu_seconds(server);
    for (long i = 0; i < rounds; i++)
        took[i] = bench_ask(server->http, "GET", path, NULL, &bytes);
    double own = (bench_cpu_seconds(server) - began) / (double)rounds;
    printf("  %-40s %9.3f ms %9.3f ms own %8.1f M points/s %7zu bytes\n", what,
           1e3 * bench_median(took, (size_t)rounds), 1e3 * own, (double)s->n / own / 1e6, bytes);
    fflush(stdout);
    free(took);
}

static void ask_server(const char *program, const char *dir, const struct series *year,
                       const struct series *large, long rounds)
{
    struct bench_server server;
    bench_start(&server, program, dir, NULL);
    printf("the same over HTTP\n");
    ask_http(&server, year, "year", "thinned to 1,000, extremes", "points=1000", 10 * rounds);
    ask_http(&server, large, "large", "mean of each day, from sums", "every=1d&fn=mean", rounds);
    ask_http(&server, large, "large", "mean of each 3,607 s, every point", "every=3607s&fn=mean",
             rounds);
    ask_http(&server, large, "large", "thinned to 1,000, extremes", "points=1000", rounds);
    bench_stop(&server);
}

int main(int argc, char **argv)
{
    const char *data_dir = "../shared/data", *program = NULL;
    long millions = 20, rounds = 21;
    const struct bench_option options[] = {{"--data", NULL, &data_dir},
                                           {"--millions", &millions, NULL},
                                           {"--rounds", &rounds, NULL},
                                           {"--program", NULL, &program}};
    bench_options(argc, argv, options, sizeof options / sizeof options[0]);
    if (millions < 1 || rounds < 1)
        bench_die("--millions and --rounds are 1 or more");
    struct series year = {1, YEAR, MINUTE}, large = {2, (size_t)millions * 1000000, 1000000};
    struct tiled data;
    struct history *h;
    char path[576];
    tiled_open(&data, data_dir);
    const char *dir = bench_folder();
    if (program)
        make_twin(program, dir);
    snprintf(path, sizeof path, "%s/history.db", dir);
    if (history_open(path, &h) ||
        history_each_last(h, find_series, (struct series *[]){&year, &large}))
        bench_die("the history cannot be opened");
    write_series(h, &data, &year);
    write_series(h, &data, &large);
    ask_all(h, &year, &large, rounds);
    history_close(h);
    if (program)
        ask_server(program, dir, &year, &large, rounds);
    bench_remove(dir);
    return 0;
}

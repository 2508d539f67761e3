/* chunk_bench - how small chunks are, and how fast.
 *
 * usage: chunk_bench [FOLDER [SECONDS [MILLIONS]]]; FOLDER has the measured data (SKAB, NAB;
 * default
 * ../shared/data), SECONDS is how long each figure is measured (default 0.1), MILLIONS of points
 * are scanned at the end (default 100).
 *
 * For every column of the files: bytes a point at each level; then, of chunks of level medium in
 * memory, points a second: written, read as points, read as columns, and summed (count, least,
 * greatest, sum) from the packed bytes, times decoded too, without what the summary knows; the
 * reading ones with each of the ways that this machine has.
 *
 * At the end the columns of the pump and the machine, again and again one after the other in time,
 * are scanned for their mean: by summaries, and by summing every packed number (but the first of
 * each chunk, so that no summary answers).  All speeds are of one core, in its own time. */
#include "base/clock.h"
#include "codec/chunk.h"
#include "codec/chunk_lanes.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { COLUMNS_MAX = 16, LINE = 4096 };

struct column {
    char name[64];
    struct point *points;
    size_t n, cap;
};

struct chunks {
    struct buf bytes;
    size_t *ends;
    size_t n;
};

static void die(const char *what)
{
    fprintf(stderr, "chunk_bench: %s\n", what);
    exit(1);
}

static void add_point(struct column *c, int64_t t_us, double d)
{
    if (c->n && t_us <= c->points[c->n - 1].t_us)
        return; /* NAB has an hour twice, when clocks go back */
    if (c->n == c->cap) {
        c->cap = c->cap ? 2 * c->cap : 4096;
        c->points = realloc(c->points, c->cap * sizeof *c->points);
        if (!c->points)
            die("out of memory");
    }
    c->points[c->n++] = (struct point){.t_us = t_us, .type = VALUE_DOUBLE, .as.d = d};
}

static int64_t parse_time(const char *s)
{
    struct tm tm = {0};
    const char *end = strptime(s, "%Y-%m-%d %H:%M:%S", &tm);
    return end ? (int64_t)timegm(&tm) * 1000000 : INT64_MIN;
}

/* How many columns; the first of a file is the time. */
static size_t read_csv(const char *path, struct column *columns)
{
    FILE *f = fopen(path, "r");
    char line[LINE];
    size_t n = 0;
    if (!f || !fgets(line, sizeof line, f))
        die(path);
    char *rest = NULL;
    strtok_r(line, ";,\r\n", &rest);
    for (char *s; n < COLUMNS_MAX && (s = strtok_r(NULL, ";,\r\n", &rest)); n++)
        snprintf(columns[n].name, sizeof columns[n].name, "%s", s);
    while (fgets(line, sizeof line, f)) {
        char *s = strtok_r(line, ";,\r\n", &rest);
        int64_t t = s ? parse_time(s) : INT64_MIN;
        for (size_t i = 0; i < n && t != INT64_MIN; i++)
            if ((s = strtok_r(NULL, ";,\r\n", &rest)))
                add_point(&columns[i], t, strtod(s, NULL));
    }
    fclose(f);
    return n;
}

static void encode(const struct column *c, enum chunk_level level, struct chunks *ret)
{
    buf_clear(&ret->bytes);
    ret->n = 0;
    for (size_t at = 0; at < c->n; at += CHUNK_POINTS_MAX) {
        size_t n = c->n - at < CHUNK_POINTS_MAX ? c->n - at : CHUNK_POINTS_MAX;
        if (chunk_encode_at(c->points + at, n, level, &ret->bytes))
            die("out of memory");
        ret->ends[ret->n++] = ret->bytes.n;
    }
}

/* Of this thread, so that whatever else runs here counts little. */
static double cpu_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static double check; /* so that nothing is optimised away */

enum what { ENCODE, POINTS, COLUMNS, SUM };

static void run(enum what what, const struct column *c, struct chunks *chunks)
{
    static struct chunk_points points;
    static struct chunk_columns columns;
    struct chunk_numbers numbers;
    if (what == ENCODE) {
        encode(c, CHUNK_MEDIUM, chunks);
        return;
    }
    for (size_t i = 0, at = 0; i < chunks->n; at = chunks->ends[i++]) {
        struct slice bytes = slice_of(chunks->bytes.p + at, chunks->ends[i] - at);
        int64_t from = c->points[i * CHUNK_POINTS_MAX].t_us + 1; /* not what the summary has */
        int err = what == POINTS    ? chunk_decode(bytes, &points)
                  : what == COLUMNS ? chunk_to_columns(bytes, &columns)
                                    : chunk_sum(bytes, from, INT64_MAX, &columns, &numbers);
        if (err)
            die("a chunk does not decode");
        check += what == POINTS    ? points.points[0].as.d
                 : what == COLUMNS ? columns.numbers[0]
                                   : numbers.sum;
    }
}

/* Millions of points a second: the best of many runs. */
static double rate(enum what what, const struct column *c, struct chunks *chunks, double seconds)
{
    double best = 0, end = (double)clock_mono_us() * 1e-6 + seconds;
    do {
        double start = cpu_seconds();
        int times = (int)(200000 / c->n) + 1;
        for (int i = 0; i < times; i++)
            run(what, c, chunks);
        double now = (double)c->n * times / (cpu_seconds() - start) / 1e6;
        best = now > best ? now : best;
    } while ((double)clock_mono_us() * 1e-6 < end);
    return best;
}

static void measure(const struct column *c, double seconds)
{
    struct chunks chunks = {.ends = calloc(c->n / CHUNK_POINTS_MAX + 1, sizeof *chunks.ends)};
    if (!chunks.ends)
        die("out of memory");
    printf("  %-22.22s %6zu ", c->name, c->n);
    for (int level = CHUNK_NONE; level <= CHUNK_HIGH; level++) {
        encode(c, (enum chunk_level)level, &chunks);
        printf(" %5.2f", (double)chunks.bytes.n / (double)c->n);
    }
    printf("  %5.0f", rate(ENCODE, c, &chunks, seconds));
    const struct chunk_lanes *all[3];
    size_t ways = chunk_lanes_all(all);
    for (enum what what = POINTS; what <= SUM; what++)
        for (size_t i = 0; i < ways; i++) {
            chunk_lanes_use(all[i]);
            printf("%s%5.0f", i ? " " : "  ", rate(what, c, &chunks, seconds));
        }
    chunk_lanes_use(NULL);
    printf("\n");
    fflush(stdout);
    buf_release(&chunks.bytes);
    free(chunks.ends);
}

/* Points at..at + n of a series that is the column over and over. */
static void tile(const struct column *c, size_t at, size_t n, struct point *points)
{
    int64_t first = c->points[0].t_us, length = c->points[c->n - 1].t_us - first + 1000000;
    for (size_t i = 0; i < n; i++, at++) {
        points[i] = c->points[at % c->n];
        points[i].t_us += (int64_t)(at / c->n) * length;
    }
}

/* A column's share of the scan. */
static void add_share(const struct column *c, size_t share, enum chunk_level level,
                      struct chunks *chunks)
{
    static struct point points[CHUNK_POINTS_MAX];
    for (size_t at = 0; at < share; at += CHUNK_POINTS_MAX) {
        tile(c, at, CHUNK_POINTS_MAX, points);
        if (chunk_encode_at(points, CHUNK_POINTS_MAX, level, &chunks->bytes))
            die("out of memory");
        chunks->ends[chunks->n++] = chunks->bytes.n;
    }
}

static void scan_once(const struct chunks *chunks, bool summaries, const char *name)
{
    static struct chunk_columns scratch;
    double sum = 0, n = 0;
    double start = cpu_seconds();
    for (size_t i = 0, at = 0; i < chunks->n; at = chunks->ends[i++]) {
        struct slice bytes = slice_of(chunks->bytes.p + at, chunks->ends[i] - at);
        struct chunk_summary s;
        struct chunk_numbers numbers;
        if (chunk_summarize(bytes, &s))
            die("a chunk has no summary");
        if (summaries)
            numbers = s.numbers;
        else if (chunk_sum(bytes, s.t_first + 1, INT64_MAX, &scratch, &numbers))
            die("a chunk does not decode");
        sum += numbers.sum;
        n += numbers.n;
    }
    double seconds = cpu_seconds() - start;
    printf("  %-10s %8.0f million points/s, mean %.9g\n", name,
           (double)chunks->n * CHUNK_POINTS_MAX / seconds / 1e6, sum / n);
}

static void scan(const struct column *columns, size_t n, double millions, enum chunk_level level)
{
    size_t share = (size_t)(millions * 1e6) / n, each = share / CHUNK_POINTS_MAX + 1;
    struct chunks chunks = {.ends = calloc(n * each, sizeof *chunks.ends)};
    if (!chunks.ends)
        die("out of memory");
    for (size_t i = 0; i < n; i++)
        add_share(&columns[i], share, level, &chunks);
    double points = (double)chunks.n * CHUNK_POINTS_MAX;
    printf("mean over %.0f million points, level %s, %.2f bytes each\n", points / 1e6,
           level == CHUNK_HIGH ? "high" : "medium", (double)chunks.bytes.n / points);
    scan_once(&chunks, true, "summaries");
    const struct chunk_lanes *all[3];
    size_t ways = chunk_lanes_all(all);
    for (size_t i = 0; i < ways; i++) {
        chunk_lanes_use(all[i]);
        scan_once(&chunks, false, all[i]->name);
    }
    chunk_lanes_use(NULL);
    buf_release(&chunks.bytes);
    free(chunks.ends);
}

static size_t measure_file(const char *folder, const char *name, double seconds,
                           struct column *columns)
{
    char path[LINE];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    size_t n = read_csv(path, columns);
    printf("%s\n", name);
    for (size_t i = 0; i < n; i++)
        measure(&columns[i], seconds);
    return n;
}

int main(int argc, char **argv)
{
    static const char *const files[] = {
        "skab/anomaly-free.csv", "nab/machine_temperature_system_failure.csv", "skab/valve1/0.csv",
        "nab/ambient_temperature_system_failure.csv"};
    enum { FILES = sizeof files / sizeof files[0], SCANNED = 2 };
    static struct column columns[FILES * COLUMNS_MAX];
    const char *folder = argc > 1 ? argv[1] : "../shared/data";
    double seconds = argc > 2 ? strtod(argv[2], NULL) : 0.1;
    double millions = argc > 3 ? strtod(argv[3], NULL) : 100;
    DIR *there = opendir(folder);
    if (!there)
        die("there is no folder with measured data; name one as the first argument");
    closedir(there);
    const struct chunk_lanes *all[3];
    size_t ways = chunk_lanes_all(all), n = 0, scanned = 0;
    printf("bytes a point at level none, low, medium, high; millions of points a second written,\n"
           "read as points, as columns, summed, each with:");
    for (size_t i = 0; i < ways; i++)
        printf(" %s", all[i]->name);
    printf("\n");
    for (size_t i = 0; i < FILES; i++) {
        n += measure_file(folder, files[i], seconds, columns + n);
        scanned = i < SCANNED ? n : scanned;
    }
    scan(columns, scanned, millions, CHUNK_MEDIUM);
    scan(columns, scanned, millions / 10, CHUNK_HIGH); /* slow to write */
    for (size_t i = 0; i < n; i++)
        free(columns[i].points);
    return check != 0 ? 0 : 1;
}

/* chunk_bench - how small chunks are, and how fast.
 *
 * usage: chunk_bench [FOLDER [SECONDS]]; FOLDER has the measured data (SKAB, NAB; default
 * ../shared/data), SECONDS is how long each figure is measured (default 0.1).
 *
 * For every column of the files: bytes a point at each level; then, of chunks of level medium in
 * memory, points a second: written, read as points, read as columns, and summed (count, least,
 * greatest, sum) from the packed bytes, without what the summary knows; the reading ones with each
 * of the ways that this machine has. */
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
    struct timespec a, b;
    do {
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &a);
        int times = (int)(200000 / c->n) + 1;
        for (int i = 0; i < times; i++)
            run(what, c, chunks);
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &b);
        double took = (double)(b.tv_sec - a.tv_sec) + (double)(b.tv_nsec - a.tv_nsec) * 1e-9;
        double now = (double)c->n * times / took / 1e6;
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

static void measure_file(const char *folder, const char *name, double seconds)
{
    char path[LINE];
    struct column columns[COLUMNS_MAX] = {0};
    snprintf(path, sizeof path, "%s/%s", folder, name);
    size_t n = read_csv(path, columns);
    printf("%s\n", name);
    for (size_t i = 0; i < n; i++) {
        measure(&columns[i], seconds);
        free(columns[i].points);
    }
}

int main(int argc, char **argv)
{
    static const char *const files[] = {"skab/anomaly-free.csv", "skab/valve1/0.csv",
                                        "nab/ambient_temperature_system_failure.csv",
                                        "nab/machine_temperature_system_failure.csv"};
    const char *folder = argc > 1 ? argv[1] : "../shared/data";
    double seconds = argc > 2 ? strtod(argv[2], NULL) : 0.1;
    DIR *there = opendir(folder);
    if (!there)
        die("there is no folder with measured data; name one as the first argument");
    closedir(there);
    const struct chunk_lanes *all[3];
    size_t ways = chunk_lanes_all(all);
    printf("bytes a point at level none, low, medium, high; millions of points a second written,\n"
           "read as points, as columns, summed, each with:");
    for (size_t i = 0; i < ways; i++)
        printf(" %s", all[i]->name);
    printf("\n");
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        measure_file(folder, files[i], seconds);
    return check != 0 ? 0 : 1;
}

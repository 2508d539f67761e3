#include "tiled.h"

#include "shared.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static struct tiled *loading; /* nftw() has no argument of ours */

static int64_t time_of(const char *text)
{
    struct tm tm = {0};
    if (!strptime(text, "%Y-%m-%d %H:%M:%S", &tm))
        bench_die(text);
    return (int64_t)timegm(&tm) * 1000000;
}

static struct tiled_column *add_column(struct tiled *t, const char *file, const char *name)
{
    struct tiled_column *more = realloc(t->columns, (t->n + 1) * sizeof *more);
    if (!more)
        bench_die("memory");
    t->columns = more;
    struct tiled_column *c = &t->columns[t->n++];
    *c = (struct tiled_column){0};
    snprintf(c->name, sizeof c->name, "%.20s_%.30s", file, name);
    for (char *p = c->name; *p; p++)
        if (*p == ' ' || *p == '.')
            *p = '_';
    return c;
}

static void add_value(struct tiled_column *c, int64_t t_us, const char *text)
{
    if (c->n && t_us <= c->t_us[c->n - 1])
        return; /* a few rows of the files repeat a time */
    if (c->n == c->cap) {
        c->cap = c->cap ? 2 * c->cap : 1024;
        c->t_us = realloc(c->t_us, c->cap * sizeof *c->t_us);
        c->value = realloc(c->value, c->cap * sizeof *c->value);
        c->text = realloc(c->text, c->cap * sizeof *c->text);
        if (!c->t_us || !c->value || !c->text)
            bench_die("memory");
    }
    c->t_us[c->n] = t_us;
    c->value[c->n] = strtod(text, NULL);
    snprintf(c->text[c->n++], sizeof c->text[0], "%s", text);
}

static int split(char *line, char separator, char *fields[16])
{
    int n = 0;
    line[strcspn(line, "\r\n")] = 0;
    for (char *p = line; p && n < 16; n++) {
        fields[n] = p;
        if ((p = strchr(p, separator)))
            *p++ = 0;
    }
    return n;
}

static int read_file(const char *path, const struct stat *st, int type, struct FTW *walk)
{
    (void)st;
    const char *file = path + walk->base, *end = strrchr(file, '.');
    if (type != FTW_F || !end || strcmp(end, ".csv") != 0)
        return 0;
    FILE *f = fopen(path, "r");
    char line[1024], *fields[16];
    if (!f || !fgets(line, sizeof line, f))
        bench_die(path);
    char separator = strchr(line, ';') ? ';' : ',';
    size_t first = loading->n;
    int columns = split(line, separator, fields);
    for (int i = 1; i < columns; i++)
        if (strcmp(fields[i], "anomaly") != 0 && strcmp(fields[i], "changepoint") != 0)
            add_column(loading, file, fields[i]);
    while (fgets(line, sizeof line, f)) {
        int n = split(line, separator, fields);
        for (size_t i = 1; i < (size_t)n && first + i - 1 < loading->n; i++)
            add_value(&loading->columns[first + i - 1], time_of(fields[0]), fields[i]);
    }
    fclose(f);
    return 0;
}

static int by_name(const void *a, const void *b)
{
    const struct tiled_column *x = a, *y = b;
    return strcmp(x->name, y->name);
}

void tiled_open(struct tiled *t, const char *dir)
{
    *t = (struct tiled){0};
    loading = t;
    if (nftw(dir, read_file, 16, FTW_PHYS) || !t->n) {
        fprintf(stderr, "peers: no recordings (*.csv) under %s\n", dir);
        exit(1);
    }
    qsort(t->columns, t->n, sizeof *t->columns, by_name);
    for (size_t i = 0; i < t->n; i++) {
        struct tiled_column *c = &t->columns[i];
        c->period_us = c->t_us[c->n - 1] - c->t_us[0] + (c->t_us[1] - c->t_us[0]);
    }
}

struct tiled_point tiled_point(const struct tiled *t, size_t series, size_t i)
{
    const struct tiled_column *c = &t->columns[series % t->n];
    size_t at = i % c->n;
    return (struct tiled_point){c->t_us[at] + (int64_t)(i / c->n) * c->period_us, c->value[at],
                                c->text[at]};
}

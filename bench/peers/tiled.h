/* tiled.h - measured machines as endless data: what every peer is fed with.
 *
 * The files of a folder (SKAB: semicolons, eight numbers a row; NAB: commas, one) become columns.
 * Series k plays column k modulo the number of columns; when a column ends it begins anew, later by
 * its own length, so times rise for ever and no two points of a series share one. */
#ifndef BENCH_TILED_H
#define BENCH_TILED_H

#include "base/slice.h"

struct tiled_column {
    char name[64];
    size_t n, cap;
    int64_t *t_us;
    double *value;
    char (*text)[24]; /* the number as it stands in the file */
    int64_t period_us;
};

struct tiled {
    struct tiled_column *columns;
    size_t n;
};

struct tiled_point {
    int64_t t_us;
    double value;
    const char *text;
};

/* Reads every .csv under dir; ends the program with a sentence when there is none. */
void tiled_open(struct tiled *t, const char *dir);
struct tiled_point tiled_point(const struct tiled *t, size_t series, size_t i);

#endif

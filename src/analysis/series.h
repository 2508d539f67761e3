/* series.h - whole series: put on a grid, compared, and searched for where they changed.
 *
 * Pure; nothing is allocated: what needs room is given it.  A number that is not known is NAN and
 * is left out where that is possible. */
#ifndef ANALYSIS_SERIES_H
#define ANALYSIS_SERIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Put n readings, by time, on a grid of `count` cells of step_us from from_us on (step_us at least
 * 1).  A cell has the mean of its readings, or else the last one before it, if that is not older
 * than hold_us at the cell's end; or NAN.  Readings before the grid serve for that as well. */
struct grid {
    int64_t from_us, step_us, hold_us;
    size_t count;
};
void resample(const struct grid *g, const int64_t *t_us, const double *v, size_t n, double *ret);

/* Pearson's correlation of x[i] and y[i + lag], where both are known and the index is inside.  NAN:
 * fewer than 3 pairs, or one of both does not vary. */
double correlation_at(const double *x, const double *y, size_t n, ptrdiff_t lag);

/* The lag in [least, most] at which the correlation is furthest from 0.  A positive lag: x is ahead
 * of y by so many cells.  Lags at which fewer than half of the n pairs overlap are left out. */
struct correlation {
    double r;      /* NAN: none could be told */
    ptrdiff_t lag; /* cells */
};
struct correlation correlation_best(const double *x, const double *y, size_t n, ptrdiff_t least,
                                    ptrdiff_t most);

/* When did the change begin that is under way at the end of x, or (if none is) the strongest
 * before?
 *
 * The first `quiet` numbers are the baseline: their median, and 1.4826 times their median absolute
 * deviation (Hampel 1974).  Then a CUSUM (Page 1954) of standard scores with a slack; where it is
 * beyond `threshold`, the onset is the number behind its last zero before, which is the maximum
 * likelihood estimate of the time of change (Page 1954; Pignatiello and Samuel 2001).  Scores are
 * cut at `cut`, so that one outlier alone is never a change. */
struct onset_opts {
    size_t quiet;     /* 0: half of n */
    double slack;     /* 0: 1; deviations */
    double threshold; /* 0: 8 */
    double cut;       /* 0: 4 */
};
struct onset {
    bool found;
    size_t at, height;    /* indices into x: of the first number of the change, and of the one at
                             which the sum was highest */
    double evidence;      /* that sum: deviations times numbers */
    double before, after; /* medians of the baseline, and from `at` to `height`; in the unit of x */
    double deviation;     /* of the baseline, in the unit of x */
    double size;          /* after - before, in deviations */
    double jump;          /* after, less the median of the `quiet` / 4 numbers just before `at`; in
                             deviations.  What has drifted for long has a size, and little jump */
};
/* scratch: room for n numbers. */
struct onset onset_find(const double *x, size_t n, const struct onset_opts *opts, double *scratch);

/* The median of n numbers, which are put in another order; NAN when there is none.  NAN among them
 * are left out. */
double median_of(double *x, size_t n);

#endif

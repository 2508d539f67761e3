#include "analysis/series.h"

#include <math.h>
#include <stdlib.h>

void resample(const struct grid *g, const int64_t *t_us, const double *v, size_t n, double *ret)
{
    size_t i = 0;
    double last = NAN;
    int64_t last_us = 0;
    for (; i < n && t_us[i] < g->from_us; i++) {
        if (isfinite(v[i])) {
            last = v[i];
            last_us = t_us[i];
        }
    }
    for (size_t k = 0; k < g->count; k++) {
        int64_t end = g->from_us + (int64_t)(k + 1) * g->step_us;
        double sum = 0;
        size_t seen = 0;
        for (; i < n && t_us[i] < end; i++) {
            if (!isfinite(v[i]))
                continue;
            sum += v[i];
            seen++;
            last = v[i];
            last_us = t_us[i];
        }
        ret[k] = seen ? sum / (double)seen : end - last_us <= g->hold_us ? last : NAN;
    }
}

/* Two passes, since a series may vary little around a large number. */
double correlation_at(const double *x, const double *y, size_t n, ptrdiff_t lag)
{
    size_t from_x = lag < 0 ? (size_t)-lag : 0, from_y = lag > 0 ? (size_t)lag : 0;
    size_t off = from_x + from_y, pairs = 0;
    double mean_x = 0, mean_y = 0, xx = 0, yy = 0, xy = 0;
    if (off >= n)
        return NAN;
    for (size_t i = 0; i < n - off; i++) {
        double a = x[i + from_x], b = y[i + from_y];
        if (!isfinite(a) || !isfinite(b))
            continue;
        pairs++;
        mean_x += (a - mean_x) / (double)pairs;
        mean_y += (b - mean_y) / (double)pairs;
    }
    for (size_t i = 0; i < n - off; i++) {
        double a = x[i + from_x] - mean_x, b = y[i + from_y] - mean_y;
        if (!isfinite(a) || !isfinite(b))
            continue;
        xx += a * a;
        yy += b * b;
        xy += a * b;
    }
    return pairs < 3 || !(xx > 0) || !(yy > 0) ? NAN : xy / sqrt(xx * yy);
}

struct correlation correlation_best(const double *x, const double *y, size_t n, ptrdiff_t least,
                                    ptrdiff_t most)
{
    struct correlation best = {NAN, 0};
    ptrdiff_t half = (ptrdiff_t)(n / 2);
    for (ptrdiff_t lag = least < -half ? -half : least; lag <= most && lag <= half; lag++) {
        double r = correlation_at(x, y, n, lag);
        if (isfinite(r) && (isnan(best.r) || fabs(r) > fabs(best.r)))
            best = (struct correlation){r, lag};
    }
    return best;
}

static int by_size(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

double median_of(double *x, size_t n)
{
    size_t known = 0;
    for (size_t i = 0; i < n; i++)
        if (isfinite(x[i]))
            x[known++] = x[i];
    if (!known)
        return NAN;
    qsort(x, known, sizeof *x, by_size);
    return known % 2 ? x[known / 2] : (x[known / 2 - 1] + x[known / 2]) / 2;
}

static double median_copy(const double *x, size_t n, double *scratch)
{
    for (size_t i = 0; i < n; i++)
        scratch[i] = x[i];
    return median_of(scratch, n);
}

/* A deviation of numbers that may stand still most of the time. */
static double spread_of(const double *x, size_t n, double median, double *scratch)
{
    double sum = 0;
    size_t known = 0;
    for (size_t i = 0; i < n; i++) {
        scratch[i] = fabs(x[i] - median);
        if (isfinite(scratch[i])) {
            sum += scratch[i];
            known++;
        }
    }
    double mad = 1.4826 * median_of(scratch, n);
    if (!(mad > 0) && known)
        mad = 1.2533 * sum / (double)known;
    /* what never moved at all: the least that could be told from it */
    return mad > 0 ? mad : fmax(fabs(median) * 1e-3, 1e-9);
}

struct excursion {
    double sum;           /* its greatest */
    size_t since, height; /* where it began, and where that was */
};

struct side {
    double sum;
    struct excursion now, best; /* under way; the greatest that was beyond the threshold */
};

static void side_step(struct side *s, size_t i, double z, double slack, double threshold)
{
    double sum = s->sum + z - slack;
    if (sum <= 0) {
        s->sum = 0;
        s->now.sum = 0;
        return;
    }
    if (s->sum <= 0)
        s->now.since = i;
    s->sum = sum;
    if (sum > s->now.sum) {
        s->now.sum = sum;
        s->now.height = i;
    }
    if (s->now.sum > threshold && s->now.sum > s->best.sum)
        s->best = s->now;
}

static void measure(const double *x, size_t quiet, struct onset *o, double *scratch)
{
    size_t near = quiet / 4 < o->at ? quiet / 4 : o->at;
    double just_before = median_copy(x + o->at - near, near, scratch);
    o->after = median_copy(x + o->at, o->height + 1 - o->at, scratch);
    o->size = (o->after - o->before) / o->deviation;
    o->jump = isnan(just_before) ? o->size : (o->after - just_before) / o->deviation;
}

struct onset onset_find(const double *x, size_t n, const struct onset_opts *opts, double *scratch)
{
    size_t quiet = opts->quiet ? opts->quiet : n / 2;
    double slack = opts->slack > 0 ? opts->slack : 1;
    double threshold = opts->threshold > 0 ? opts->threshold : 8;
    double cut = opts->cut > 0 ? opts->cut : 4;
    struct onset o = {0};
    struct side up = {0}, down = {0};
    if (quiet < 3 || quiet >= n)
        return o;
    o.before = median_copy(x, quiet, scratch);
    if (isnan(o.before))
        return o;
    o.deviation = spread_of(x, quiet, o.before, scratch);
    for (size_t i = quiet; i < n; i++) {
        double z = (x[i] - o.before) / o.deviation;
        if (!isfinite(z))
            continue;
        z = fmax(-cut, fmin(cut, z));
        side_step(&up, i, z, slack, threshold);
        side_step(&down, i, -z, slack, threshold);
    }
    /* what is under way at the end is what it is about, if anything is */
    bool ends = up.sum > threshold || down.sum > threshold;
    bool rose = ends ? up.sum >= down.sum : up.best.sum >= down.best.sum;
    const struct side *s = rose ? &up : &down;
    const struct excursion *e = ends ? &s->now : &s->best;
    o.found = e->sum > 0;
    o.at = e->since;
    o.height = e->height;
    o.evidence = e->sum;
    if (o.found)
        measure(x, quiet, &o, scratch);
    return o;
}

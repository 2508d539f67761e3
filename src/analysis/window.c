#include "analysis/window.h"

#include "base/err.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int window_init(struct window *w, size_t n, bool ranked)
{
    if (n < WINDOW_LEAST || n > WINDOW_MOST)
        return ERR_INVALID;
    double *ring = malloc(n * sizeof *ring), *sorted = ranked ? malloc(n * sizeof *sorted) : NULL;
    if (!ring || (ranked && !sorted)) {
        free(ring);
        free(sorted);
        return ERR_NOMEM;
    }
    *w = (struct window){.ring = ring, .sorted = sorted, .cap = n};
    return 0;
}

void window_release(struct window *w)
{
    free(w->ring);
    free(w->sorted);
    *w = (struct window){0};
}

void window_clear(struct window *w)
{
    w->n = w->at = 0;
    w->origin = w->sum = w->squares = 0;
}

/* Where the first number that is not below x stands. */
static size_t rank(const double *sorted, size_t n, double x)
{
    size_t low = 0;
    while (n) {
        size_t half = n / 2;
        if (sorted[low + half] < x) {
            low += half + 1;
            n -= half + 1;
        } else {
            n = half;
        }
    }
    return low;
}

static void take_oldest(struct window *w)
{
    double x = w->ring[w->at], d = x - w->origin;
    if (w->sorted) {
        size_t k = rank(w->sorted, w->n, x);
        memmove(w->sorted + k, w->sorted + k + 1, (w->n - k - 1) * sizeof x);
    }
    w->sum -= d;
    w->squares -= d * d;
    w->at = (w->at + 1) % w->cap;
    w->n--;
}

/* Sums of differences from a number that is close to them lose no digits. */
static void sum_anew(struct window *w)
{
    w->origin = w->n ? w->ring[w->at] : 0;
    w->sum = w->squares = 0;
    for (size_t i = 0; i < w->n; i++) {
        double d = w->ring[(w->at + i) % w->cap] - w->origin;
        w->sum += d;
        w->squares += d * d;
    }
}

void window_drop(struct window *w, size_t n)
{
    for (; n && w->n; n--)
        take_oldest(w);
    if (!w->n)
        window_clear(w);
}

void window_push(struct window *w, double x)
{
    if (!isfinite(x))
        return;
    if (w->n == w->cap)
        take_oldest(w);
    size_t to = (w->at + w->n) % w->cap;
    w->ring[to] = x;
    if (w->sorted) {
        size_t k = rank(w->sorted, w->n, x);
        memmove(w->sorted + k + 1, w->sorted + k, (w->n - k) * sizeof x);
        w->sorted[k] = x;
    }
    w->n++;
    if (to == 0 || w->n == 1) {
        sum_anew(w);
        return;
    }
    double d = x - w->origin;
    w->sum += d;
    w->squares += d * d;
}

double window_mean(const struct window *w)
{
    return w->n ? w->origin + w->sum / (double)w->n : NAN;
}

double window_deviation(const struct window *w)
{
    if (w->n < 2)
        return NAN;
    double n = (double)w->n, v = (w->squares - w->sum * w->sum / n) / (n - 1);
    return v > 0 ? sqrt(v) : 0;
}

double window_median(const struct window *w)
{
    size_t n = w->n;
    if (!n || !w->sorted)
        return NAN;
    return n % 2 ? w->sorted[n / 2] : (w->sorted[n / 2 - 1] + w->sorted[n / 2]) / 2;
}

/* The distances from the median rise from the middle to both ends, so the half that is nearest is
 * found by walking outward. */
double window_mad(const struct window *w)
{
    size_t n = w->n;
    double m = window_median(w), last = 0, before = 0;
    if (isnan(m))
        return NAN;
    size_t high = rank(w->sorted, n, m), low = high;
    for (size_t k = 0; k <= n / 2; k++) {
        double down = low > 0 ? m - w->sorted[low - 1] : INFINITY;
        double up = high < n ? w->sorted[high] - m : INFINITY;
        before = last;
        last = down < up ? down : up;
        if (down < up)
            low--;
        else
            high++;
    }
    return n % 2 ? last : (before + last) / 2;
}

double window_z(const struct window *w, double x)
{
    double s = window_deviation(w);
    return s > 0 ? (x - window_mean(w)) / s : NAN;
}

double window_robust_z(const struct window *w, double x)
{
    if (w->n < 2 || !w->sorted)
        return NAN;
    double m = window_median(w), mad = window_mad(w);
    if (mad > 0)
        return 0.6745 * (x - m) / mad;
    double sum = 0;
    for (size_t i = 0; i < w->n; i++)
        sum += fabs(w->sorted[i] - m);
    double mean = sum / (double)w->n;
    return mean > 0 ? (x - m) / (1.2533 * mean) : NAN;
}

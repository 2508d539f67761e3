/* Largest triangle, three buckets (Steinarsson 2013): of each bucket the point is kept that makes
 * the largest triangle with the one kept before and the mean of the next bucket.  It runs over
 * extremes that thinning has kept, several for each point of the answer (Van Der Donckt et al.
 * 2023, MinMaxLTTB), so that a span of any length is read once and in bounded memory. */
#include "core/past.h"

/* Twice the area. */
static double area(const struct point *a, const struct point *b, double mean_t, double mean_v)
{
    double at = (double)(b->t_us - a->t_us), bt = mean_t - (double)a->t_us;
    double area = at * (mean_v - point_height(a)) - bt * (point_height(b) - point_height(a));
    return area < 0 ? -area : area;
}

static void mean_of(const struct point *p, size_t n, double *ret_t, double *ret_v)
{
    double t = 0, v = 0;
    for (size_t i = 0; i < n; i++) {
        t += (double)p[i].t_us;
        v += point_height(&p[i]);
    }
    *ret_t = t / (double)n;
    *ret_v = v / (double)n;
}

/* Where bucket k of `count` begins; the first point and the last are in none. */
static size_t edge(size_t n, size_t count, size_t k)
{
    return k >= count ? n - 1 : 1 + k * (n - 2) / count;
}

size_t lttb(struct point *points, size_t n, size_t limit)
{
    if (n <= limit || limit < 3)
        return n;
    size_t count = limit - 2, kept = 1; /* the first stays where it is */
    for (size_t k = 0; k < count; k++) {
        size_t from = edge(n, count, k), to = edge(n, count, k + 1);
        size_t next = edge(n, count, k + 2);
        double t, v, largest = -1;
        size_t best = from;
        mean_of(points + to, (next > to ? next : to + 1) - to, &t, &v);
        for (size_t i = from; i < to; i++) {
            double a = area(&points[kept - 1], &points[i], t, v);
            if (a > largest) {
                largest = a;
                best = i;
            }
        }
        for (size_t i = from; i < to; i++)
            if (i != best)
                point_release(&points[i]);
        points[kept++] = points[best];
    }
    points[kept++] = points[n - 1];
    return kept;
}

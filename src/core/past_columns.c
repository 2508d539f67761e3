/* Arithmetic on columns.  Eight sums and extremes side by side, since one alone waits for itself;
 * so the order of adding, and the result, is the same on every machine. */
#include "core/past.h"

enum { LANES = 8 };

static double smaller(double a, double b)
{
    return b < a ? b : a;
}

static double larger(double a, double b)
{
    return b > a ? b : a;
}

struct extent numbers_extent(const double *v, size_t n)
{
    double least[LANES], greatest[LANES], sum[LANES] = {0};
    size_t i = 0;
    for (size_t k = 0; k < LANES; k++)
        least[k] = greatest[k] = v[0];
    for (; i + LANES <= n; i += LANES)
        for (size_t k = 0; k < LANES; k++) {
            least[k] = smaller(least[k], v[i + k]);
            greatest[k] = larger(greatest[k], v[i + k]);
            sum[k] += v[i + k];
        }
    struct extent e = {least[0], greatest[0], 0};
    for (size_t k = 0; k < LANES; k++) {
        e.least = smaller(e.least, least[k]);
        e.greatest = larger(e.greatest, greatest[k]);
        e.sum += sum[k];
    }
    for (; i < n; i++) {
        e.least = smaller(e.least, v[i]);
        e.greatest = larger(e.greatest, v[i]);
        e.sum += v[i];
    }
    return e;
}

size_t times_find(const int64_t *times, size_t n, int64_t t)
{
    size_t low = 1, high = n;
    if (!n || times[n - 1] < t)
        return n;
    for (size_t step = 1; low + step < n && times[low + step] < t; step *= 2)
        low += step; /* near, as a rule */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (times[middle] < t)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

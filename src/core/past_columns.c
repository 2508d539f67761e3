/* Arithmetic on columns.  Eight sums and extremes side by side, since one alone waits for itself;
 * so the order of adding, and the result, is the same on every machine. */
#include "codec/chunk_lanes.h"
#include "core/past.h"

#include <math.h>

struct extent numbers_extent(const double *v, size_t n)
{
    struct lane_fold lanes = {0};
    for (size_t k = 0; k < LANES; k++) {
        lanes.least[k] = INFINITY;
        lanes.greatest[k] = -INFINITY;
    }
    chunk_lanes()->fold(v, n, &lanes);
    struct extent e = {lanes.least[0], lanes.greatest[0], lanes.sum[0]};
    for (size_t k = 1; k < LANES; k++) {
        e.least = lanes.least[k] < e.least ? lanes.least[k] : e.least;
        e.greatest = lanes.greatest[k] > e.greatest ? lanes.greatest[k] : e.greatest;
        e.sum += lanes.sum[k];
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

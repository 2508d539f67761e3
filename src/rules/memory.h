/* memory.h - what a call in an expression remembers of the numbers that went by: windows of time,
 * earlier numbers, detectors.
 *
 * A window of time holds the numbers of (now - span, now].  Its sum is kept with what rounding lost
 * (Neumaier 1974), so that a window that has run for a year says what a new one would. */
#ifndef RULES_MEMORY_H
#define RULES_MEMORY_H

#include "analysis/charts.h"
#include "analysis/forest.h"
#include "analysis/window.h"
#include "codec/expr_value.h"

enum memory_kind {
    MEMORY_NONE,
    MEMORY_AVG,
    MEMORY_MIN,
    MEMORY_MAX,
    MEMORY_SUM,
    MEMORY_COUNT,
    MEMORY_STDDEV,
    MEMORY_DELTA,
    MEMORY_RATE,
    MEMORY_LAG,
    MEMORY_ZSCORE,
    MEMORY_ROBUST_Z,
    MEMORY_EWMA,
    MEMORY_CUSUM,
    MEMORY_HOLT_WINTERS,
    MEMORY_IFOREST,
};

struct memory_spec {
    enum memory_kind kind;
    int64_t span_us; /* of a window of time */
    size_t n;        /* lag, numbers of a window, period, sensors of a forest */
    double a;        /* lambda, slack */
    size_t learn;
};

struct memory;                                                       /* opaque */
int memory_new(const struct memory_spec *spec, struct memory **ret); /* ERR_NOMEM, ERR_INVALID */
void memory_free(struct memory *m);
void memory_step(struct memory *m, int64_t t_us, const double *x); /* x: as many as it looks at */
struct expr_value memory_value(struct memory *m, int64_t now_us);
int64_t memory_due(const struct memory *m); /* when a window of time is empty; INT64_MAX: never */

#endif

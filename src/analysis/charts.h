/* charts.h - detectors that watch one sensor, a reading at a time.
 *
 * Each is a struct that its owner embeds, set up by X_init() and told of readings by X_step(),
 * which answers a score without unit: how many deviations (or, of the sums, how much evidence).
 * NAN: it cannot tell yet, or the reading was not finite and changed nothing.  Time plays no part:
 * readings are taken as evenly spaced; resample() (series.h) makes them so.
 *
 * A chart compares with a baseline: mean and deviation of the first `learn` readings, or given
 * ones.  Nothing is allocated but the seasons of Holt-Winters, at init. */
#ifndef ANALYSIS_CHARTS_H
#define ANALYSIS_CHARTS_H

#include <stddef.h>
#include <stdint.h>

/* Mean and deviation, by Welford (1962). */
struct moments {
    uint64_t n;
    double mean, m2;
};
void moments_push(struct moments *m, double x);
double moments_deviation(const struct moments *m); /* of a sample; NAN below two */

struct baseline {
    struct moments seen;
    uint64_t learn;
    double mean, deviation; /* once seen.n is learn, or from the beginning */
};
void baseline_learn(struct baseline *b, uint64_t learn); /* learn: at least 2 */
void baseline_given(struct baseline *b, double mean, double deviation);

/* Exponentially weighted moving average (Roberts 1959; limits as in Montgomery, and the NIST
 * handbook, 6.3.2.4): z = lambda x + (1 - lambda) z.  The score is (z - mean) over
 * deviation * sqrt(lambda / (2 - lambda) * (1 - (1 - lambda)^2i)); beyond 3 is out of control. */
struct ewma {
    struct baseline base;
    double lambda, z, faded; /* faded: (1 - lambda)^2i */
};
void ewma_init(struct ewma *e, double lambda, uint64_t learn); /* 0 < lambda <= 1; usual 0.2 */
double ewma_step(struct ewma *e, double x);

/* Tabular CUSUM (Page 1954; Montgomery): up = max(0, up + z - slack), down likewise, of standard
 * scores z.  The score is the larger, negative for down; beyond 5 is out of control with the usual
 * slack of 0.5, which is made for shifts of one deviation.  It goes on rising: cusum_reset() begins
 * anew. */
struct cusum {
    struct baseline base;
    double slack, up, down;
    uint64_t up_since, down_since; /* readings since the sum was last 0: back to the onset */
};
void cusum_init(struct cusum *c, double slack, uint64_t learn);
double cusum_step(struct cusum *c, double x);
void cusum_reset(struct cusum *c); /* the sums, not the baseline */

/* Page-Hinkley (Page 1954, Hinkley 1971): m = sum of (x - mean so far -+ delta); the score is how
 * far m lies from its least (a rise) or greatest (a fall, negative), in the sensor's unit times
 * readings; thresholds are in that unit too.  delta: what drift is tolerated, in the unit. */
struct page_hinkley {
    struct moments seen;
    double delta, up, up_least, down, down_greatest;
};
void page_hinkley_init(struct page_hinkley *p, double delta);
double page_hinkley_step(struct page_hinkley *p, double x);

/* Holt-Winters, additive seasons of `period` readings (Holt 1957, Winters 1960): level, trend and
 * seasons from the first two periods (Hyndman, Athanasopoulos 2021, 8.3), then one step ahead.
 * The score is the error of the forecast over the usual one: 1.2533 times its smoothed absolute
 * value (Gardner's tracking signal 1983 smooths alike).  An error beyond 4 of them is cut to
 * that before it is learnt from (Gelper, Fried, Croux 2010), so a failure is not taken for the
 * normal at once. */
struct holt_winters {
    double alpha, beta, gamma;
    double level, trend, error; /* error: smoothed |error| */
    double *season;             /* period of them; before that, the first two periods */
    size_t period, at;
    uint64_t n;
};
enum { HOLT_WINTERS_PERIOD_MAX = 100000 };
/* Factors in (0, 1); period 1 to HOLT_WINTERS_PERIOD_MAX (1: no seasons).  ERR_INVALID, ERR_NOMEM.
 */
int holt_winters_init(struct holt_winters *h, size_t period, double alpha, double beta,
                      double gamma);
void holt_winters_release(struct holt_winters *h);
double holt_winters_step(struct holt_winters *h, double x);
double holt_winters_forecast(const struct holt_winters *h); /* the next; NAN: not yet */

#endif

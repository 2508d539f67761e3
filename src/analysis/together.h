/* together.h - sensors that belong together: Hotelling's T-squared and Q, by principal components.
 *
 * What the rows that are learnt have in common (each sensor standardised) is a few components that
 * explain most of how they vary.  T-squared (Hotelling 1947) is how far a row lies out within
 * these, Q (the squared prediction error; Jackson and Mudholkar 1979) how far from what they can
 * say at all: that the sensors do not go together as they did.  Each is divided by its limit, and
 * the larger of both is the score: above 1 it is out.
 *
 * The limits of the literature hold for rows that are normal and independent, which measured ones
 * are not: machines drift.  So the limits are measured: the rows are parted into four blocks of
 * time, each is judged by what the three others have taught, and the limit is what 99 in 100 of
 * them stay within (cross-validation by blocks, Snee 1977).
 *
 * Pure; all memory is taken at together_new().  Learning is one step of five times learn *
 * sensors^2 and some sensors^3 operations. */
#ifndef ANALYSIS_TOGETHER_H
#define ANALYSIS_TOGETHER_H

#include <stddef.h>

enum { TOGETHER_SENSORS_MAX = 32, TOGETHER_LEARN_MAX = 65536, TOGETHER_SMOOTH_MAX = 1000 };

struct together; /* opaque */

struct together_opts {
    size_t sensors;   /* 1 to TOGETHER_SENSORS_MAX */
    size_t learn;     /* rows; at least smooth + 4 * (sensors + 2), to TOGETHER_LEARN_MAX */
    size_t smooth;    /* each row is the mean of the newest so many; 0 and 1: it is itself */
    double explained; /* share of the variance that the components have; 0: 0.95 */
};
int together_new(const struct together_opts *opts, struct together **ret); /* ERR_INVALID, _NOMEM */
void together_free(struct together *t);
/* A row: the first `learn` answer NAN, then each its score.  One with a number that is not finite
 * answers NAN and changes nothing. */
double together_step(struct together *t, const double *row);

/* Of the newest row that was scored: T-squared and Q over their limits. */
struct together_parts {
    double t2, q;
    size_t components;
};
struct together_parts together_parts(const struct together *t);

#endif

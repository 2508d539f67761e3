/* together.h - sensors that belong together: Hotelling's T-squared and Q, by principal components.
 *
 * What `learn` rows have in common (each sensor standardised) is a few components that explain most
 * of how they vary.  T-squared (Hotelling 1947) is how far a row lies out within these, Q (squared
 * prediction error; Jackson and Mudholkar 1979) how far from what they can say at all: that the
 * sensors do not go together as they did.  Each is divided by its limit, and the larger of both is
 * the score: above 1 it is out.  The limits are those of the literature at 99 per cent for rows
 * that are normal and independent (T-squared by the F distribution, see Jackson 1991; Q by Jackson
 * and Mudholkar), or what a share of the learnt rows stays within, if that is more: measured rows
 * are neither.
 *
 * Pure; all memory is taken at together_new().  Learning is one step of learn * sensors^2 and some
 * sensors^3 operations. */
#ifndef ANALYSIS_TOGETHER_H
#define ANALYSIS_TOGETHER_H

#include <stddef.h>

enum { TOGETHER_SENSORS_MAX = 32, TOGETHER_LEARN_MAX = 65536 };

struct together; /* opaque */

struct together_opts {
    size_t sensors;   /* 1 to TOGETHER_SENSORS_MAX */
    size_t learn;     /* rows, more than sensors + 1, to TOGETHER_LEARN_MAX */
    double explained; /* share of the variance that the components have; 0: 0.9 */
    size_t smooth;    /* the score is the median of so many rows; 0 and 1: of the one */
};
enum { TOGETHER_SMOOTH_MAX = 1001 };
int together_new(const struct together_opts *opts, struct together **ret);
void together_free(struct together *t);
/* A row: the first `learn` answer NAN, then each its score.  One with a number that is not finite
 * answers NAN and changes nothing. */
double together_step(struct together *t, const double *row);

/* Of the newest row that was scored: T-squared and Q over their limits, and how many components
 * there are. */
struct together_parts {
    double t2, q;
    size_t components;
};
struct together_parts together_parts(const struct together *t);

#endif

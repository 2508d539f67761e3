/* explain_rank.h - of all that changed before an alarm, what is likely to have caused it.
 *
 * Pure: whoever asks has walked the graph and read the past.  All series are on one grid of cells
 * (analysis/series.h) that ends with the alarm; the first `quiet` cells are the baseline.
 *
 * Every candidate is judged by four parts, each from 0 to 1, and the score is their mean by weight,
 * times what people have said of it.
 *
 * change: of a sensor, how far it went from where it was just before, jump / (jump + 2) deviations
 * of its baseline; of what somebody changed, 1.  Without a change the candidate has 0 here and in
 * `lead`.
 *
 * lead: did it begin before the effect, which is the alarm's own sensor beginning to change, or its
 * condition coming true?  The mean of how soon the effect followed, 1 / (1 + quarters of the time
 * watched), and of the share of the other changed candidates that it was ahead of, since what moves
 * first moves others.  (For an alarm without a sensor, a quarter of the second and three of the
 * first, which fades twice as fast then.)  It fades with how much later than the effect it was, and
 * is half when the candidate moved already where the baseline ends.  Of what somebody changed, how
 * soon the effect followed.
 *
 * correlation: |r| with the alarm's sensor at the best lag at which the candidate is ahead.  Of
 * what somebody changed, how closely a sensor of the same twin, or the alarm's, began to change
 * after it.
 *
 * closeness: 1 / (1 + hops / 4), by how many relationships lie between; what a twin contains is no
 * step away from it.
 *
 * people: 0.5 + (confirmed + 1) / (confirmed + rejected + 2), from 0.5 to 1.5, and 1 when nobody
 * has said anything (rule of succession, Laplace 1814). */
#ifndef ALARMS_EXPLAIN_RANK_H
#define ALARMS_EXPLAIN_RANK_H

#include "analysis/series.h"

enum cause_part { CAUSE_CHANGE, CAUSE_LEAD, CAUSE_CORRELATION, CAUSE_CLOSENESS, CAUSE_PARTS };
extern const char *const cause_part_names[CAUSE_PARTS];
extern const double cause_part_weights[CAUSE_PARTS]; /* their sum is 1 */

struct cause {
    /* what is asked */
    const double *cells; /* of a sensor, `count` of them; NULL: a change that somebody made */
    int64_t at_us;       /* of such a change */
    size_t twin;         /* a number for each twin */
    unsigned hops;       /* from the alarm's twin */
    unsigned confirmed, rejected; /* in alarms like this */
    void *owner;                  /* the caller's */
    /* what is answered */
    struct onset onset;      /* of a sensor */
    int64_t onset_us;        /* or at_us; 0: no change was found */
    int64_t lead_us;         /* from it to the alarm */
    struct correlation best; /* of a sensor; r NAN: it could not be told */
    int64_t followed_us;     /* of a change: until the first sensor moved; -1: none did */
    double part[CAUSE_PARTS];
    double people, score; /* the score is from 0 to 1.5 */
};

struct cause_grid {
    int64_t from_us, step_us;
    size_t count, quiet; /* the alarm was raised at the end of the last cell */
    int64_t since_us;    /* when its condition came true at the latest; 0: then */
};

/* Judge n causes and order them, the likeliest first.  effect: cells of the alarm's sensor, NULL:
 * it has none; ret_effect: when that began to change.  scratch: room for grid->count numbers. */
void causes_rank(const struct cause_grid *grid, const double *effect, size_t effect_twin,
                 struct cause *causes, size_t n, struct onset *ret_effect, double *scratch);

#endif

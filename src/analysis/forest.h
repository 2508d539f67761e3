/* forest.h - isolation forest: how easily a row of numbers is told apart from those that were
 * learnt (Liu, Ting, Zhou 2008).
 *
 * Trees cut a random sample at random places until every row is alone; what is odd is alone soon.
 * The score is 2^(-depth / c): above 0.5 and towards 1 odd, below it ordinary.  The same seed, rows
 * and order give the same forest on every machine.
 *
 * Pure; all memory is taken at forest_new().  Learning is one step that takes longer than the
 * others: trees * sample * log(sample) comparisons. */
#ifndef ANALYSIS_FOREST_H
#define ANALYSIS_FOREST_H

#include <stddef.h>
#include <stdint.h>

enum { FOREST_SENSORS_MAX = 32, FOREST_LEARN_MAX = 65536, FOREST_TREES_MAX = 1000 };

struct forest; /* opaque */

struct forest_opts {
    size_t sensors; /* numbers in a row, 1 to FOREST_SENSORS_MAX */
    size_t learn;   /* rows that are learnt from, 2 to FOREST_LEARN_MAX */
    size_t trees;   /* 0: 100, as in the paper */
    size_t sample;  /* rows a tree; 0: 256, as in the paper; never more than `learn` */
    uint64_t seed;
};
int forest_new(const struct forest_opts *opts, struct forest **ret); /* ERR_INVALID, ERR_NOMEM */
void forest_free(struct forest *f);
/* A row: the first `learn` are learnt and answer NAN, then each answers its score.  A row with a
 * number that is not finite answers NAN and changes nothing. */
double forest_step(struct forest *f, const double *row);

#endif

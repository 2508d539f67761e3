/* window.h - the newest n numbers of a stream, and how far a number lies from them.
 *
 * Scores are in deviations of the window, without unit, with a sign; NAN as long as the window has
 * too few numbers to tell, or does not vary.  A number is scored against the window before it is
 * pushed, so that it does not hide itself.
 *
 * Pure; memory is taken at init only.  A ranked window keeps its numbers in order as well, which a
 * push pays with a move of up to n numbers. */
#ifndef ANALYSIS_WINDOW_H
#define ANALYSIS_WINDOW_H

#include <stdbool.h>
#include <stddef.h>

enum { WINDOW_LEAST = 2, WINDOW_MOST = 65536 };

struct window {
    double *ring;   /* cap numbers; the oldest is at `at` once it is full */
    double *sorted; /* the same in order; NULL: not ranked */
    size_t cap, n, at;
    double origin, sum,
        squares; /* of x - origin; made anew each time round, so errors stay small */
};

/* n from WINDOW_LEAST to WINDOW_MOST, else ERR_INVALID; ERR_NOMEM. */
int window_init(struct window *w, size_t n, bool ranked);
void window_release(struct window *w);
void window_clear(struct window *w);
void window_push(struct window *w, double x); /* what is not finite is left out */
/* Without the oldest `n` numbers: windows of time let go of what is too old. */
void window_drop(struct window *w, size_t n);

double window_mean(const struct window *w);      /* NAN when empty */
double window_deviation(const struct window *w); /* of a sample (n - 1); NAN below two */
double window_median(const struct window *w);    /* ranked; NAN when empty */
double window_mad(const struct window *w);       /* median of |x - median| */

/* (x - mean) / deviation. */
double window_z(const struct window *w, double x);
/* 0.6745 (x - median) / MAD, the modified z-score of Iglewicz and Hoaglin (1993), who call 3.5 an
 * outlier; where more than half of the window is one number, its mean absolute deviation from the
 * median stands in, (x - median) / (1.2533 meanAD), as they advise. */
double window_robust_z(const struct window *w, double x);

#endif

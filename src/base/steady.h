/* steady.h - the time for those who throw away what is old: a clock that was set forward is not
 * believed at once.
 *
 * A machine whose clock is set forward by a year, be it for a second, must not let a year of
 * history go.  So a step forward counts only when the clock has gone on from there for an hour;
 * until then time goes on from where it was.  A step back counts at once: it only keeps things
 * longer. Pure; one thread. */
#ifndef BASE_STEADY_H
#define BASE_STEADY_H

#include <stdbool.h>
#include <stdint.h>

struct steady {
    int64_t t_us, mono_us; /* what was believed last, and when */
    bool ahead;            /* the clock says something later, */
    int64_t ahead_us;      /* by so much, */
    int64_t since_us;      /* since this mono_us */
};

/* known_us: a time that has been for sure, from an earlier run of the program; 0: none. */
void steady_begin(struct steady *s, int64_t known_us, int64_t now_us, int64_t mono_us);

/* What time it is, given what the clock says. */
int64_t steady_now(struct steady *s, int64_t now_us, int64_t mono_us);

#endif

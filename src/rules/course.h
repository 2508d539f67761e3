/* course.h - the course of a rule on a twin: raised, cleared, raised again.  Live rules and
 * backtests go through here, so that the same readings have the same course in both. */
#ifndef RULES_COURSE_H
#define RULES_COURSE_H

#include "rules/machine.h"

struct course {
    struct machine *machine;
    const struct expr *when, *clear;
    bool timed; /* program_watches_time() */
    bool active;
    /* It was raised or (not raised) cleared, at machine_now().  False: not now; it is tried again
     * when it is looked at next. */
    bool (*turned)(void *arg, bool raised);
    void *arg;
};

/* What time alone changes up to t_us. */
void course_pass(struct course *c, int64_t t_us);
/* A reading, before which time has passed.  False: it is late and changes nothing. */
bool course_put(struct course *c, size_t input, size_t k, int64_t t_us, struct value v,
                uint8_t quality);
void course_judge(struct course *c);

#endif

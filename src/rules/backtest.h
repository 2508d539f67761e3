/* backtest.h - when a rule would have fired: the rule on one twin, over a span of history.
 *
 * What its sensors said is read by core_history() and goes through the same course as live
 * (rules/course.h), in order of time, on a thread of the readers; with the profile, the rule and
 * the graph of now.  What stands before the span fills windows and is not told.
 *
 * The loop's thread begins, hears and cancels. */
#ifndef RULES_BACKTEST_H
#define RULES_BACKTEST_H

#include "rules/rules.h"

enum {
    BACKTEST_READINGS_MAX = 2000000,
    BACKTEST_TEXT_MAX = 64 << 20, /* bytes */
    BACKTEST_PERIODS_MAX = 10000
};

struct backtest_period {
    int64_t from_us, to_us; /* to: INT64_MAX: it stood at the end */
};
struct backtest_result {
    int err;
    const char *why; /* a sentence, when err is not 0; may be NULL */
    const struct backtest_period *periods;
    size_t periods_n, fired; /* fired: how often, also those beyond BACKTEST_PERIODS_MAX */
    uint64_t readings;
};
typedef void backtest_done_fn(void *arg, const struct backtest_result *r);

struct backtest; /* opaque */
/* done comes exactly once, not before this returns; NULL: *ret_err and *ret_why say why not (why in
 * `a` or for good).  body: a rule's document; its "on" does not matter. */
struct backtest *backtest_begin(struct loop *l, struct core *c, struct twin *t,
                                const struct jval *body, int64_t from_us, int64_t to_us,
                                struct arena *a, backtest_done_fn *done, void *arg, int *ret_err,
                                const char **ret_why);
/* Which sensors it reads, until the loop turns; and away with it until then: done does not come. */
size_t backtest_sensors_n(const struct backtest *b);
const struct sensor *backtest_sensor(const struct backtest *b, size_t i);
void backtest_drop(struct backtest *b);
void backtest_cancel(struct backtest *b); /* done says ERR_CANCELLED, soon */

#endif

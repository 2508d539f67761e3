/* explain.h - why an alarm may have been raised: what changed before it, upstream of it.
 *
 * From the alarm's twin the graph is walked to what feeds it, what it depends on, and through
 * `contains` both ways (to parts without a step).  Candidates are the sensors of the twins on the
 * way that say numbers, and changes that somebody made to these twins: profiles, and events
 * of commands and settings.  Their past before the alarm is read in turns (core_history), put on a
 * grid, and ranked (explain_rank.h).
 *
 * What people confirm and reject is kept by the alarm's signature: its twin, source, sensor and
 * rule; it counts in the next ranking of an alarm that has the same.
 *
 * Owner: the loop's thread.  Blocks: never. */
#ifndef ALARMS_EXPLAIN_H
#define ALARMS_EXPLAIN_H

#include "alarms/alarms.h"
#include "alarms/explain_rank.h"

enum {
    EXPLAIN_SENSORS_MAX = 100,
    EXPLAIN_TWINS_MAX = 50,
    EXPLAIN_CHANGES_MAX = 100,
    EXPLAIN_HOPS = 4,
    EXPLAIN_CELLS = 480,
    EXPLAIN_QUIET = 160,
};

struct explained {
    int err;
    const struct alarm *alarm;
    struct slice body; /* JSON, an object; when err is 0 */
};
typedef void explain_fn(void *arg, const struct explained *e);

/* Explain alarm n to `who`, who sees only what they may read, from the window_us before it (a third
 * of which is the baseline).  fn hears exactly once, never before this returns.  ERR_NOT_FOUND: it
 * is not there, or not theirs to see.  `who` may go meanwhile: they are asked for again by alive(),
 * NULL: nobody waits any more. */
struct explain_ask {
    int64_t n, window_us;
    struct principal *(*alive)(void *arg);
    explain_fn *fn;
    void *arg;
};
int explain_begin(struct alarms *a, const struct explain_ask *ask); /* ERR_NOMEM, ERR_CANCELLED */

/* Say of a cause ("sensor:filter-1/dp") that it was, or was not.  alarm: as read, theirs to handle;
 * done comes when it is on stable storage, with a line in the audit log. */
typedef void explain_said_fn(void *arg, int err);
int explain_say(struct alarms *a, const struct asker *by, const struct alarm *alarm,
                struct slice cause, bool confirmed, struct slice comment, explain_said_fn *done,
                void *arg);

#endif

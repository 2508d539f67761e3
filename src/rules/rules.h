/* rules.h - rules: documents that say when something is an alarm, at work on the twins.
 *
 * A rule is compiled once and bound to each of its twins (`on`), which makes a machine
 * (rules/machine.h) each.  It is looked at when a reading of a sensor comes that it reads, and when
 * time alone may change its answer (FOR, absence, windows that run empty).  Its time is the
 * readings': what comes late, behind a newer reading of the same sensor, changes nothing, and
 * between readings its time goes on as the clock does.
 *
 * A rule reads what its organisation has: its twins and, by the graph, their neighbours, which are
 * of the same organisation.
 *
 * Owner: the loop's thread.  Nothing here blocks. */
#ifndef RULES_RULES_H
#define RULES_RULES_H

#include "access/documents.h"
#include "alarms/alarms.h"
#include "rules/machine.h"

struct rules; /* opaque */

enum { RULE_TWINS_MAX = 100000, RULE_NEIGHBOURS_MAX = 1000 };

/* After alarms_new(). */
int rules_new(struct loop *l, struct core *c, struct alarms *a, struct rules **ret);
void rules_free(struct rules *r); /* before alarms_stop() */

struct rules_stats {
    size_t rules, bindings;
    uint64_t evaluations, raised, cleared; /* since start */
};
void rules_get_stats(const struct rules *r, struct rules_stats *ret);

/* What an expression would mean for a twin, and what it is worth now. */
struct rules_check {
    int err; /* 0; ERR_INVALID with error; ERR_NOMEM */
    struct expr_error error;
    struct program *program; /* the caller's, to be freed */
    const struct expr *expr;
    struct expr_value value; /* by the newest readings; windows hold nothing else */
    struct sensor **reads;   /* of them; the caller frees */
    size_t reads_n;
};
/* t NULL: the text alone.  Texts of the value live in `a`. */
void rules_check(struct rules *r, struct twin *t, struct slice text, struct arena *a,
                 struct rules_check *ret);

#endif

/* causes.h - what people have said of the causes of alarms, in catalog.db: a row for each cause of
 * an alarm; who says something else replaces it.
 *
 * Blocks.  Writes come from the catalog's one thread, in the transaction that is under way; reads
 * from any. */
#ifndef STORE_CAUSES_H
#define STORE_CAUSES_H

#include "store/catalog.h"

struct cause_verdict {
    int64_t alarm;
    struct slice org, signature; /* what alarms that are like each other share: explain.h */
    struct slice cause;          /* "sensor:filter-1/dp" */
    bool confirmed;              /* else rejected */
    int64_t at_us;
    struct slice who; /* "person:p_1" */
    struct slice comment;
};
typedef int cause_fn(void *arg, const struct cause_verdict *v);

/* Those of alarms with the signature, the newest first; at most `most`. */
int catalog_cause_each(struct catalog *c, struct slice org, struct slice signature, size_t most,
                       cause_fn *fn, void *arg);
int catalog_cause_put(struct catalog *c, const struct cause_verdict *v);

#endif

/* events.h - what happened, in catalog.db: a row each, only ever added: states of twins, changes of
 * profiles, alarms' steps, commands' transitions.  Read by the SQL table `events`.
 *
 * Blocks.  Writes come from the catalog's one thread, in the transaction that is under way; reads
 * from any. */
#ifndef STORE_EVENTS_H
#define STORE_EVENTS_H

#include "store/catalog.h"

struct event {
    int64_t n; /* rises */
    int64_t at_us;
    struct slice org, twin; /* slug; the twin's key, or empty */
    struct slice kind;      /* "twin.state", "alarm.raised", "command.done": room and what */
    struct slice what;      /* JSON, an object */
};
struct event_query {
    struct slice org, twin, kind; /* p NULL: whichever; kind "alarm." is all of the alarms */
    int64_t from_us, to_us;       /* from <= at < to; to 0: no end */
    int64_t before_us, before_n;  /* behind this one; 0, 0: from the newest */
};
typedef int event_fn(void *arg, const struct event *e);
int catalog_event_each(struct catalog *c, const struct event_query *q, event_fn *fn,
                       void *arg);                               /* the newest first */
int catalog_event_add(struct catalog *c, const struct event *e); /* n is given */
int catalog_event_expire(struct catalog *c, int64_t before_us, size_t most, size_t *ret_n);

#endif

/* deliveries.h - what is to be told to others, in catalog.db: a row each, made in the transaction
 * of what it tells, so that nothing that happened goes untold because the program ended.
 *
 * Blocks.  Writes come from the catalog's one thread, in the transaction that is under way; reads
 * from any. */
#ifndef STORE_DELIVERIES_H
#define STORE_DELIVERIES_H

#include "store/catalog.h"

enum delivery_state { DELIVERY_WAITING, DELIVERY_SENT, DELIVERY_DEAD, DELIVERY_DISCARDED };
enum { DELIVERY_STATES = 4 };
const char *delivery_state_name(enum delivery_state state);
int delivery_state_by_name(struct slice name); /* -1: there is none */

struct delivery {
    int64_t n; /* its number, which rises; outside it is called "d-" and that */
    struct slice org;
    struct slice destination; /* its id; empty: a command */
    struct slice command;     /* JSON: {"twin","name","input"}; or empty */
    int64_t alarm;            /* its number; 0: a test */
    struct slice on;          /* "raised" */
    struct slice body;        /* JSON: what is sent */
    int64_t made_us;
    enum delivery_state state;
    unsigned tries;
    int64_t next_us;  /* waiting: not before this */
    int64_t ended_us; /* 0: it waits */
    struct slice why; /* of the last failure, a sentence; or empty */
};

struct delivery_query {
    struct slice org, destination; /* p NULL: whichever */
    int state;                     /* -1: whichever */
    int64_t alarm;                 /* 0: whichever */
    int64_t before_n;              /* 0: from the newest */
};
typedef int delivery_fn(void *arg, const struct delivery *d);
int catalog_delivery_each(struct catalog *c, const struct delivery_query *q, delivery_fn *fn,
                          void *arg); /* the newest first */
/* Those that wait, from the oldest on. */
int catalog_delivery_waiting(struct catalog *c, delivery_fn *fn, void *arg);

int catalog_delivery_add(struct catalog *c, const struct delivery *d);
/* state, tries, next, ended and why of the one with that n. */
int catalog_delivery_set(struct catalog *c, const struct delivery *d);
int64_t catalog_delivery_last(struct catalog *c);
int catalog_delivery_expire(struct catalog *c, int64_t before_us, size_t most, size_t *ret_n);

#endif

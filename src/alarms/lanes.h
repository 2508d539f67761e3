/* lanes.h - what deliver.c (what is to be told, and when) and send.c (how) share. */
#ifndef ALARMS_LANES_H
#define ALARMS_LANES_H

#include "alarms/deliver.h"
#include "alarms/internal.h"

enum {
    ACTIVE_MAX = 16,    /* deliveries under way at the same time */
    LANE_MAX = 10000,   /* that wait for one destination; what is above is given up at once */
    TRIES_MAX = 12,     /* some nine hours */
    MAILS_A_MINUTE = 3, /* to a destination; then those that come are gathered into one */
    DIGEST_MAX = 100,
};

struct parcel {
    struct delivery d; /* its texts are its own, behind it */
    struct parcel *next;
    bool gathered; /* it goes in the mail that is under way */
};

struct lane {
    char *key; /* "org/destination", "org/!command" */
    struct deliverer *owner;
    struct parcel *first, *last;
    size_t n, out; /* out: how many of the first are under way; 0: none */
    int64_t minute_us;
    unsigned in_minute;
};

struct deliverer {
    struct alarms *alarms;
    struct deliver_opts opts;
    struct document_watch watch;
    struct map lanes;
    size_t active, waiting;
    bool stopped;
    uint64_t sent, failed, dead;
};

/* deliver.c: what became of the first `out` of the lane.  why: a sentence when they failed. */
void lane_done(struct lane *l, bool sent, bool temporary, const char *why);

/* send.c: begin with the first of the lane; lane_done() comes, maybe before it returns. */
void lane_send(struct lane *l, const struct document *to);
void lane_command(struct lane *l);

/* destinations.c */
int destination_check(void *arg, struct change *ch, struct org *org, struct slice id,
                      const struct jval *body);
/* Does the destination want it by itself?  word: "raised"; after_us: of a stage, or 0. */
bool destination_wants(const struct document *d, const struct alarm *alarm, const char *word,
                       int64_t after_us);
int64_t destination_after(const struct document *d, const struct alarm *alarm); /* 0: none */
bool destination_on(const struct document *d);
bool list_has(const struct jval *list, const char *word);
void secret_id(struct buf *out, const struct org *org, struct slice id);
bool destination_key(const struct deliverer *dl, const struct document *d, struct buf *ret);
void fill_in(struct buf *out, struct slice template, const struct jval *body);

#endif

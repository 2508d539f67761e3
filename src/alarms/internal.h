/* internal.h - what the files of this room share; nobody outside includes it.
 *
 * All of it belongs to the loop's thread.  Steps, events and deliveries are collected in a batch,
 * which the catalog's thread writes in one transaction (keep.c). */
#ifndef ALARMS_INTERNAL_H
#define ALARMS_INTERNAL_H

#include "access/audit.h"
#include "alarms/alarms.h"
#include "base/map.h"
#include "codec/json.h"
#include "store/deliveries.h"
#include "store/events.h"

enum {
    TICK_MS = 250,
    TWIN_FLOOD = 20,
    ORG_FLOOD = 500,
    OPEN_MAX = 50000,  /* of an organisation; what is above is only counted */
    EVENTS_MAX = 2000, /* that wait to be written */
    TEXT_MAX = 2000,   /* of a comment, a reason, a message */
};

/* Alarms of a twin, or (without one) of an organisation: how many came of late. */
struct crowd {
    char *key; /* the twin's key, or "~" and the organisation's slug */
    struct org *org;
    struct item *items; /* of the twin */
    int64_t since_us;   /* of the minute that is counted; monotonic */
    unsigned came, before;
    size_t open; /* of an organisation */
    struct item *flood;
};

/* An alarm that is open. */
struct item {
    struct alarm a; /* its texts are its own */
    char *key;      /* of the condition */
    struct crowd *crowd;
    struct item *next, **link; /* of the crowd */
    double peak;               /* what a.peak says, when it is a number */
    bool numeric, upwards;
    int64_t clear_due_us; /* monotonic; when it has been over long enough.  0: it is not over */
    int64_t clear_at_us;  /* since when it is over */
    int64_t waits_us;     /* monotonic: since when it waits to be acknowledged; 0: it does not */
    unsigned unanswered;  /* stages of escalation that were told */
    bool counted;         /* a flood: its number rose since it was written */
};

/* A condition that must last before it is an alarm. */
struct pending {
    char *key;
    struct twin *twin;
    struct sensor *sensor; /* NULL: the twin's connection */
    bool quiet;            /* of the sensor: it sends nothing */
    int64_t since_us, due_us;
    struct pending *next; /* of a list that is being made */
};

struct op {
    struct op *next;
    enum op_kind { KEEP_STEP, KEEP_EVENT, KEEP_DELIVERY, KEEP_RESULT } kind;
    struct alarm alarm; /* KEEP_STEP */
    enum alarm_step step;
    struct slice who, who_name, text;
    struct audit_entry audit;
    bool audited;
    alarm_done_fn *done;
    void *arg;
    struct event event;       /* KEEP_EVENT */
    struct delivery delivery; /* KEEP_DELIVERY; KEEP_RESULT: what came of it */
};

struct batch {
    struct alarms *alarms;
    struct arena *arena; /* the batch too */
    struct op *first, *last;
    uint64_t applied; /* all readings up to this one are judged */
    size_t events, events_lost;
    struct pool_job job;
    int err;
};

struct alarms {
    struct loop *loop;
    struct core *core;
    struct access *access;
    struct alarms_opts opts;
    struct core_tap tap;
    struct loop_timer *tick;
    struct loop_hook flush;
    struct map items;  /* struct item by the condition's key */
    struct map crowds; /* struct crowd by key */
    struct map pending;
    struct item **by_n; /* in order of n */
    size_t items_n, items_cap;
    int64_t last_n, last_delivery;
    struct batch *next, *running;
    size_t out; /* batches on their way at the end */
    int64_t retry_us;
    bool failing, stopped, starting;
    bool expiring;
    int64_t expire_us;
    struct alarms_watch *watches;
    struct deliverer *deliverer; /* deliver.h; NULL: there is none */
    uint64_t raised_total, steps_total, suppressed_total;
};

/* keep.c */
struct op *keep_op(struct alarms *a,
                   enum op_kind kind); /* NULL: out of memory; in the next batch */
struct slice keep_text(struct alarms *a, struct slice s); /* a copy as long as that batch */
/* The alarm is as it is now; told when it is written. */
struct op *keep_step(struct alarms *a, const struct item *i, enum alarm_step step, struct slice who,
                     struct slice who_name, struct slice text);
void keep_flush(void *alarms);
void keep_tick(struct alarms *a);
void keep_stop(struct alarms *a);
void keep_free(struct alarms *a);

/* life.c */
struct raising {
    struct slice key;
    struct org *org;
    const char *twin; /* key; NULL: none */
    struct slice sensor, rule;
    uint64_t version;
    enum alarm_source source;
    enum alarm_severity severity;
    struct slice message, value, readings, limit, actions, escalate;
    int64_t at_us;
    double number; /* for the peak, when numeric */
    bool numeric, upwards;
};
int life_raise(struct alarms *a, const struct raising *r);
void life_clear(struct alarms *a, struct item *i, int64_t at_us, const char *why);
void life_step(struct alarms *a, struct item *i, enum alarm_step step, const char *text);
void life_end(struct alarms *a, struct item *i); /* settled: it leaves memory */
struct item *life_load(struct alarms *a, const struct alarm *from);
struct item *life_find(const struct alarms *a, int64_t n);
struct item *life_of(const struct alarms *a, const char *key);
void life_set_text(struct slice *at, struct slice text); /* an item's own */
void life_tick(struct alarms *a, int64_t mono_us);
void life_free(struct alarms *a);
struct org *life_org(const struct alarms *a, const struct alarm *alarm); /* NULL: gone */
char *life_key(const struct alarms *a, const char *twin, const char *kind, struct slice name);
void life_settle_if(struct alarms *a, struct item *i);

/* judge.c */
void judge_level(void *alarms, struct sensor *s, int before, int64_t at_us);
void judge_quiet(void *alarms, struct sensor *s);
void judge_event(void *alarms, const struct core_event *e);
void judge_start(struct alarms *a);
void judge_tick(struct alarms *a, int64_t mono_us);
void judge_free(struct alarms *a);

/* write.c */
void put_value(struct buf *out, struct value v); /* JSON */
void alarms_of_profile(void *alarms, const struct principal *who, struct arena *arena,
                       const struct twin *t, struct jval *list);

#endif

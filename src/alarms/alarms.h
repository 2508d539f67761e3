/* alarms.h - alarms: conditions that somebody should know of, from profiles and from rules, and
 * what becomes of them until nobody needs to any more.
 *
 * Owner: the loop's thread calls everything here; nothing here blocks.
 *
 * A condition (a sensor's limits, a twin's connection, a rule on a twin) has at most one alarm that
 * is open.  It is raised, acknowledged, cleared in the sense of ISA-18.2: `active` says whether the
 * condition holds, `acknowledged` whether a person has taken note; when it is neither active nor to
 * be acknowledged nor shelved it is settled, and the next time begins a new alarm.  While it is
 * open, the condition coming true again counts up and must be acknowledged anew, and so must one
 * that becomes more severe.
 *
 * What the profile promises is judged here: core/live.c tells when a sensor's level changes, the
 * wheel when it or its twin goes quiet.  What rules find is said with alarms_raise(), as often as
 * they like: what is so already changes nothing.
 *
 * Every step is a row of catalog.db (store/alarms.h), and so are the deliveries that follow from
 * it, in one transaction.  Watchers hear when that is on stable storage.  Whoever wants to read
 * many asks the catalog; what is in memory are the open ones. */
#ifndef ALARMS_ALARMS_H
#define ALARMS_ALARMS_H

#include "core/core.h"
#include "store/alarms.h"

struct alarms; /* opaque */

/* ---- conditions of rules ---- */

/* A reading that speaks for it. */
struct alarm_reading {
    struct slice sensor;
    int64_t t_us;
    struct value value;
};
enum { ALARM_READINGS_MAX = 64 };

/* All is copied.  The condition is the twin and the rule: a rule has one open alarm a twin. */
struct alarm_raise {
    struct twin *twin;
    struct slice sensor; /* that it is mostly about; or empty */
    struct slice rule;   /* the rule's id */
    uint64_t rule_version;
    enum alarm_severity severity;
    struct slice message;
    int64_t at_us;      /* when the condition came true: a reading's time.  0: now */
    struct value value; /* VALUE_NONE: none */
    struct slice limit; /* JSON, e.g. {"when":"temperature > 80"}; or empty */
    const struct alarm_reading *readings; /* at most ALARM_READINGS_MAX, by time */
    size_t readings_n;
    struct slice actions, escalate; /* the rule's members, JSON arrays; or empty */
};
/* Delay (`for`, `clearFor`) is the caller's.  0, also when it stands already (with another severity
 * or message: it changes); ERR_NOMEM. */
int alarms_raise(struct alarms *a, const struct alarm_raise *what);
/* The condition does not hold any more; nothing when no alarm is active.  at_us 0: now. */
void alarms_clear(struct alarms *a, const struct twin *t, struct slice rule, int64_t at_us);
/* The rule is gone, or off: its alarms are cleared, of all twins of the organisation. */
void alarms_clear_rule(struct alarms *a, const struct org *org, struct slice rule);
/* Is the rule's alarm of the twin active?  So that rules know after a restart. */
bool alarms_is_active(const struct alarms *a, const struct twin *t, struct slice rule);

/* ---- those that are open ---- */

/* In no order; the alarms change when the loop turns.  NULL: the end. */
const struct alarm *alarms_next(const struct alarms *a, size_t *at); /* from 0 */
const struct alarm *alarms_find(const struct alarms *a, int64_t n);  /* NULL: not open */
/* How many are open and not shelved, by severity, of one twin or (NULL) of an organisation. */
struct alarm_counts {
    size_t active[ALARM_SEVERITY_N], unacknowledged[ALARM_SEVERITY_N], shelved;
};
void alarms_count(const struct alarms *a, const struct org *org, const struct twin *t,
                  struct alarm_counts *ret);

/* The same, of those that they may see. */
void alarms_count_for(const struct alarms *a, const struct principal *who, const struct org *org,
                      struct alarm_counts *ret);

bool alarm_number(struct slice id, int64_t *ret_n); /* "a-12" */
void alarm_put_id(struct buf *out, int64_t n);
/* May they see or handle it?  OP_ALARMS_READ, OP_ALARMS_HANDLE; of the sensor, the twin, or (a
 * flood of all) the organisation. */
bool alarm_may(const struct alarms *a, const struct principal *who, enum access_op op,
               const struct alarm *alarm);
/* As outside: an object.  The twin's id is as `reader` calls it (NULL: within its organisation). */
struct json_writer;
void alarm_write(struct json_writer *w, const struct alarms *a, const struct principal *reader,
                 const struct alarm *alarm);

/* ---- what people do ---- */

enum alarm_deed {
    DEED_ACKNOWLEDGE,
    DEED_CLEAR, /* by hand: it is over, whatever the condition says; it may be raised anew */
    DEED_ASSIGN,
    DEED_COMMENT,
    DEED_SHELVE,
    DEED_UNSHELVE,
};
struct alarm_ask {
    enum alarm_deed deed;
    int64_t n;
    struct slice text;     /* comment, or reason; DEED_SHELVE must have one */
    struct slice assignee; /* "person:p_1", "team:night"; empty: nobody */
    int64_t until_us;      /* DEED_SHELVE */
};
/* err: 0; ERR_NOT_FOUND (or not theirs to see), ERR_FORBIDDEN, ERR_CONFLICT (it is settled),
 * ERR_INVALID with a sentence in why.  alarm: as it is then; both live until done returns. */
typedef void alarm_done_fn(void *arg, int err, const char *why, const struct alarm *alarm);
/* done comes once, when it is on stable storage; maybe before the call returns. */
void alarms_do(struct alarms *a, const struct asker *by, const struct alarm_ask *ask,
               alarm_done_fn *done, void *arg);

/* ---- who looks on ---- */

/* A step of an alarm is on stable storage; the alarm is as it was after that step.  On the loop's
 * thread, in order.  Embedded in its owner. */
struct alarms_watch {
    void (*on_step)(void *arg, const struct alarm *alarm, enum alarm_step step);
    void *arg;
    struct alarms_watch *next;
};
void alarms_watch_add(struct alarms *a, struct alarms_watch *w);
void alarms_watch_remove(struct alarms *a, struct alarms_watch *w);

/* ---- events (store/events.h) ---- */

/* A row in the log of what happened, with the next transaction; all is copied.  kind is for good.
 * what: JSON, an object. */
void alarms_note_event(struct alarms *a, const struct org *org, const struct twin *t,
                       const char *kind, int64_t at_us, struct slice what);

/* ---- life ---- */

struct alarms_stats { /* since start, but for open, active, pending and waiting */
    uint64_t raised, steps, suppressed, sent, failed, dead;
    size_t open, pending, waiting;
    size_t active[ALARM_SEVERITY_N];
};
void alarms_get_stats(const struct alarms *a, struct alarms_stats *ret);

struct deliver_opts; /* alarms/deliver.h */
struct alarms_opts {
    const struct deliver_opts *deliver; /* NULL: nobody is told */
    int64_t retention_us; /* of settled alarms, events and deliveries that are done; 0: for ever */
    unsigned twin_flood, org_flood; /* alarms in a minute above which a flood is told; 0: 20, 500 */
};
/* Blocks; after core_open() and before the loop runs. */
int alarms_new(struct loop *l, struct core *c, const struct alarms_opts *opts, struct alarms **ret);
void alarms_stop(struct alarms *a); /* before core_stop(): what waits is written */
void alarms_free(struct alarms *a); /* after core_stop(), before core_close() */

#endif

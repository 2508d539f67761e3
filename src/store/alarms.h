/* alarms.h - alarms in catalog.db: what they are, and every step of their lives.
 *
 * Blocks.  Writes come from the catalog's one thread, in the transaction that is under way; reads
 * from any.  What was written is never changed: an alarm is one row of what stays (the condition,
 * the readings that raised it, the rule's version) and a row for each step with what it was from
 * then on; so how it stood at any time is one look-up.  How the tables look: alarms.c. */
#ifndef STORE_ALARMS_H
#define STORE_ALARMS_H

#include "store/catalog.h"

/* By number in the tables, so only ever add. */
/* clang-format off */
#define ALARM_SEVERITIES(X)                                                                        \
    X(ALARM_INFO, "info")                                                                          \
    X(ALARM_WARNING, "warning")                                                                    \
    X(ALARM_MAJOR, "major")                                                                        \
    X(ALARM_CRITICAL, "critical")
#define ALARM_SOURCES(X)                                                                           \
    X(ALARM_RANGE, "range")                                                                        \
    X(ALARM_THRESHOLD, "threshold")                                                                \
    X(ALARM_CONNECTION, "connection")                                                              \
    X(ALARM_FREQUENCY, "frequency")                                                                \
    X(ALARM_RULE, "rule")                                                                          \
    X(ALARM_FLOOD, "flood")
#define ALARM_STEPS(X)                                                                             \
    X(ALARM_RAISED, "raised")                                                                      \
    X(ALARM_REPEATED, "repeated")                                                                  \
    X(ALARM_ESCALATED, "escalated")                                                                \
    X(ALARM_CLEARED, "cleared")                                                                    \
    X(ALARM_ACKNOWLEDGED, "acknowledged")                                                          \
    X(ALARM_ASSIGNED, "assigned")                                                                  \
    X(ALARM_COMMENTED, "commented")                                                                \
    X(ALARM_SHELVED, "shelved")                                                                    \
    X(ALARM_UNSHELVED, "unshelved")                                                                \
    X(ALARM_UNANSWERED, "unanswered")                                                              \
    X(ALARM_COUNTED, "counted")
/* clang-format on */
#define X(name, text) name,
enum alarm_severity { ALARM_SEVERITIES(X) ALARM_SEVERITY_N };
enum alarm_source { ALARM_SOURCES(X) ALARM_SOURCE_N };
/* ESCALATED: it became more severe.  UNANSWERED: its time without acknowledgement is up, so others
 * are told.  COUNTED: a flood's number of alarms has risen. */
enum alarm_step { ALARM_STEPS(X) ALARM_STEP_N };
#undef X
const char *alarm_severity_name(enum alarm_severity severity);
const char *alarm_source_name(enum alarm_source source);
const char *alarm_step_name(enum alarm_step step);
int alarm_severity_by_name(struct slice name); /* -1: there is none, here and below */
int alarm_source_by_name(struct slice name);

/* An alarm as it stands, or stood.  Texts may be empty, times 0: not yet, or none. */
struct alarm {
    /* what stays */
    int64_t n; /* its number; outside it is called "a-" and that */
    enum alarm_source source;
    struct slice org, twin; /* the organisation's slug, the twin's key (not its id); twin empty: a
                               flood of the whole organisation */
    struct slice sensor;    /* empty: it is about the twin */
    struct slice rule;      /* id of the rule */
    uint64_t rule_version;  /* its version, or else that of the twin's profile */
    int64_t raised_us;
    struct slice
        readings;       /* that raised it: JSON, [{"sensor","t","value"}], by time; may be empty */
    struct slice limit; /* what was passed: JSON, {"above":80,"hysteresis":2}; may be empty */
    struct slice actions, escalate; /* of the rule: JSON; may be empty */
    /* what changes */
    enum alarm_severity severity;
    bool active, acknowledged; /* ISA-18.2: settled when neither active nor to be acknowledged */
    struct slice message;
    struct slice value, peak; /* JSON; what it was when raised, and the furthest; may be empty */
    uint64_t count;           /* how often its condition came true; of a flood: how many alarms */
    int64_t changed_us;       /* the newest step */
    int64_t cleared_us, acknowledged_us;
    struct slice acknowledged_by, assignee; /* "person:p_1", "team:night" */
    int64_t shelved_until_us;               /* not 0: out of service until then */
    struct slice shelved_why;
    int64_t group; /* the flood that tells of it in its stead; 0: it is told itself */
};

/* Is it of any matter: active, to be acknowledged, or shelved? */
static inline bool alarm_is_open(const struct alarm *a)
{
    return a->active || !a->acknowledged || a->shelved_until_us;
}
const char *alarm_state(const struct alarm *a); /* "raised", "acknowledged", "cleared" */

/* ---- reading; what is passed lives until fn returns, non-zero ends and is returned ---- */

struct alarm_query {
    struct slice org, twin, sensor, rule; /* p NULL asks for nothing in particular */
    struct slice assignee;                /* p not NULL and empty: of nobody */
    unsigned severities, sources;         /* sets of 1 << number; 0: all */
    int open;                             /* 1: open ones, 0: all, -1: settled ones */
    int state;                            /* 0: any, 1 raised, 2 acknowledged, 3 cleared */
    int shelved;                          /* 0: any, 1: those, -1: others */
    int grouped;                          /* -1: without those that a flood tells of */
    int64_t from_us, to_us;               /* from <= raised < to; to 0: no end */
    int64_t at_us;                        /* as they stood then; 0: as they stand */
    int64_t before_us, before_n;          /* behind this one; 0, 0: from the newest */
};
typedef int alarm_fn(void *arg, const struct alarm *a);
/* By the time of raising, the newest first. */
int catalog_alarm_each(struct catalog *c, const struct alarm_query *q, alarm_fn *fn, void *arg);
/* One; ERR_NOT_FOUND, also when at_us is before it was raised. */
int catalog_alarm_get(struct catalog *c, int64_t n, int64_t at_us, struct arena *a,
                      struct alarm *ret);

struct alarm_event { /* a step, from the first to the last */
    int64_t n;
    int64_t at_us;
    enum alarm_step step;
    struct slice who, who_name; /* "person:p_1"; empty: nobody did it */
    struct slice text;          /* the comment, the reason, ... */
    struct alarm alarm;         /* what changes of it, as it was from then on; the rest is empty */
};
typedef int alarm_event_fn(void *arg, const struct alarm_event *e);
int catalog_alarm_events(struct catalog *c, int64_t n, int64_t until_us, alarm_event_fn *fn,
                         void *arg); /* until 0: all */

int alarm_keep(struct arena *a, struct alarm *alarm); /* its texts become copies; ERR_NOMEM */

/* ---- writing: the catalog's thread, in the transaction that is under way ---- */

/* The first step of an alarm makes it. */
int catalog_alarm_step(struct catalog *c, const struct alarm *a, enum alarm_step step,
                       struct slice who, struct slice who_name, struct slice text);
int64_t catalog_alarm_last(struct catalog *c);             /* the highest number ever given */
int64_t catalog_alarm_steps(struct catalog *c, int64_t n); /* how many steps it has had */
/* Settled alarms whose last step is before; at most `most`.  *ret_n: how many went. */
int catalog_alarm_expire(struct catalog *c, int64_t before_us, size_t most, size_t *ret_n);

#endif

/* deliver.h - who is told of an alarm's steps. */
#ifndef ALARMS_DELIVER_H
#define ALARMS_DELIVER_H

#include "alarms/alarms.h"

struct deliverer;
struct item;
struct delivery;
struct deliver_opts {
    int unused;
};

static inline int deliver_new(struct alarms *a, const struct deliver_opts *o,
                              struct deliverer **ret)
{
    (void)a, (void)o, (void)ret;
    return 0;
}
static inline void deliver_plan(struct deliverer *d, const struct alarm *a, enum alarm_step step,
                                unsigned stage)
{
    (void)d, (void)a, (void)step, (void)stage;
}
static inline int64_t deliver_unanswered(struct deliverer *d, const struct alarm *a, unsigned stage)
{
    (void)d, (void)a, (void)stage;
    return -1;
}
static inline void deliver_merge(struct deliverer *d, struct item *flood, const struct alarm *a)
{
    (void)d, (void)flood, (void)a;
}
static inline void deliver_made(struct deliverer *d, const struct delivery *delivery)
{
    (void)d, (void)delivery;
}
static inline void deliver_tick(struct deliverer *d, int64_t mono_us)
{
    (void)d, (void)mono_us;
}
static inline void deliver_stop(struct deliverer *d)
{
    (void)d;
}
static inline void deliver_free(struct deliverer *d)
{
    (void)d;
}
static inline void deliver_stats(struct deliverer *d, struct alarms_stats *s)
{
    (void)d, (void)s;
}

#endif

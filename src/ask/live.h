/* live.h - what the tables of live things share. */
#ifndef ASK_LIVE_H
#define ASK_LIVE_H

#include "ask/internal.h"

/* A profile as they may see it.  ERR_NOT_FOUND: the twin has gone; all else is the question's end.
 * Not within the gate. */
int profile_read_kept(struct question *q, const char *key, struct arena *a, struct jval **ret);

double rows_of_twins(const struct core *core);
double rows_of_sensors(const struct core *core);

/* Sensors that they see, with values (OP_DATA_READ) or a past (OP_HISTORY_READ), in order of twin;
 * narrowed to a twin, and to a sensor. */
struct sensor_walk {
    struct twins_of of;
    char at[300]; /* the key of the twin in which it stands; "" for none */
    size_t next;  /* its next sensor */
    bool over;
    bool one; /* just the sensor of this id: */
    struct slice id;
    enum access_op op;
    struct twin *twin;           /* within the gate */
    const struct layout *layout; /* where the id was looked for last, and what was found */
    const struct sensor_spec *spec;
};
void sensor_walk_begin(struct sensor_walk *w, const struct scan *s, int twin, int sensor,
                       enum access_op op);
void sensor_walk_resume(struct sensor_walk *w, struct question *q); /* the gate was entered */
/* The next one.  NULL: it is over, or not at this step: so that who holds the gate can look at the
 * time also where little is found. */
struct sensor *sensor_walk_next(struct sensor_walk *w, struct twin_look *look);
void sensor_walk_leave(struct sensor_walk *w); /* and is about to be left */

static inline void gate_enter(struct scan *s)
{
    loop_enter(s->q->loop);
    scan_enter(s);
}

#endif

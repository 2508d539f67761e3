/* ingest.h - a message under way, for the two halves of ingest: ingest_body.c reads what a message
 * says, ingest.c checks, keeps and answers it. */
#ifndef CORE_INGEST_H
#define CORE_INGEST_H

#include "core/internal.h"

enum { INGEST_MEMBERS_MAX = 100000 }; /* readings in one object */

/* What a message says of one reading, before it is checked. */
struct said {
    struct value value;
    bool has_value, has_time;
    int64_t t_us;
    uint8_t quality;
    struct slice unit;
    int err;            /* found while it was read */
    const char *detail; /* then */
    struct slice raw;   /* as it stood in the message */
    struct slice sensor;
};

struct ingest {
    struct core *core;
    struct ingest *next;
    struct ingest_source src; /* until commit */
    struct arena *arena;      /* made when first needed */
    struct reading *readings;
    size_t n, cap;
    struct said *said; /* room for one object's members */
    size_t said_cap;
    size_t index; /* of the next reading in the message */
    int64_t now_us;
    struct ingest_reject *rejects;
    size_t rejects_n, rejected;
    int err;
    const char *detail;
    size_t applied; /* of the readings */
    uint64_t seq;
    ingest_done_fn *done;
    void *done_arg;
    bool failed;                /* memory ran out */
    bool picky;                 /* of this twin's sensors each has to be asked for */
    const struct twin *entered; /* the last one that they may send to */
    struct org *org;            /* whose that was; NULL: there was none */
};

/* The twin that the sender calls id, when they may send readings to it or a part of it.  0,
 * ERR_UNKNOWN_TWIN, ERR_FORBIDDEN, ERR_UNAUTHENTICATED. */
int ingest_find(struct ingest *in, struct slice id, struct twin **ret);
int ingest_enter(struct ingest *in, const struct twin *t); /* the same of one that is known */
bool ingest_may(const struct ingest *in, const struct sensor *s); /* of an entered twin */

enum { TURN_BYTES = 64 << 10 }; /* of a large body, read in a turn of the loop */

/* Go on with it in the loop's next turn.  core_stop() does so at once, when the journal is closed
 * and there is nothing left but to commit. */
void ingest_later(struct core *c, struct ingest_turn *t, loop_fn *fn, void *arg);
static inline bool ingest_is_over(const struct core *c)
{
    return !c->journal;
}

/* The message's arena, made when first needed; NULL: out of memory, the message has failed. */
struct arena *ingest_arena(struct ingest *in);

/* How far the message had come, and back to there: a text that turns out to be unreadable. */
struct ingest_mark {
    size_t n, index, rejected, rejects_n;
    int err;
    const char *detail;
};
struct ingest_mark ingest_mark(const struct ingest *in);
void ingest_rewind(struct ingest *in, struct ingest_mark to);

/* Convert, compare with what the sensor is, and keep or refuse. */
void ingest_take(struct ingest *in, struct sensor *s, struct said *said);

/* One more of a sensor that takes numbers: where its value, a number, is to be put.  Its time is to
 * come.  NULL: out of memory, the message has failed. */
struct value *ingest_push(struct ingest *in, struct sensor *s);
/* The time of the readings from this index on: the message's own, or the server's. */
void ingest_stamp(struct ingest *in, size_t from, bool has_time, int64_t t_us);
bool ingest_time_fits(const struct ingest *in, int64_t t_us);

/* ingest_plain.c: one object of bare numbers.  False: it is not exactly that, and nothing of it was
 * taken. */
bool ingest_plain(struct ingest *in, const struct twin *t, struct slice payload);

void ingest_refusef(struct ingest *in, struct slice twin, struct slice sensor, int err,
                    struct slice payload, const char *format, ...)
    __attribute__((format(printf, 6, 7)));

#endif

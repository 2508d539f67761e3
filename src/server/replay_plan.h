/* replay_plan.h - which column of a table is which sensor, and which is the time.
 *
 * Pure, but for the rows it is given.  Everything lives in the caller's arena. */
#ifndef SERVER_REPLAY_PLAN_H
#define SERVER_REPLAY_PLAN_H

#include "base/arena.h"
#include "base/value.h"
#include "codec/json.h"
#include "server/timearg.h"

enum { PLAN_SAMPLE = 200 }; /* rows that are looked at before the first is played */

struct plan_row {
    const struct slice *fields;
    size_t n;
    size_t line;
};

struct plan_column {
    struct slice name;    /* of the header, or its number from 1 */
    struct slice sensor;  /* p NULL: not played */
    struct slice unit;    /* out of a header such as "Pressure [bar]"; p NULL: not said */
    enum value_type kind; /* what the sample has in it; VALUE_NONE: nothing */
};

struct plan {
    struct plan_column *columns;
    size_t n;
    bool header;
    size_t time;  /* the column with the time; n: there is none */
    char decimal; /* . or , */
    struct time_form form;
};

struct plan_opts {
    const char *const *maps; /* "COLUMN=SENSOR,COLUMN=SENSOR", NULL-ended; none: every column */
    const char *time;        /* a column's name or number; NULL: find it */
    bool no_header, header;  /* said; neither: find out */
    bool decimal_comma;
    struct time_form form;
};

/* Rows are the sample, a header among them.  ERR_INVALID sets *ret_why to a sentence. */
int plan_make(struct arena *a, const struct plan_row *rows, size_t n, const struct plan_opts *opts,
              struct plan *ret, const char **ret_why);

/* Only what the table is: header, names, kinds and time of its columns, none of them mapped. */
int plan_look(struct arena *a, const struct plan_row *rows, size_t n, const struct plan_opts *opts,
              struct plan *ret, const char **ret_why);

/* For a proposal, which a person looks over: are numbers written with commas, and are dates written
 * with points?  What was found is set in opts. */
void plan_guess(const struct plan_row *rows, size_t n, char separator, struct plan_opts *opts);

/* A column by its name, else by that in any case, else by its number from 1; SIZE_MAX: none. */
size_t plan_column(const struct plan *p, struct slice name);

/* An id out of what people write over a column: "Volume Flow RateRMS" is volume-flow-raterms. */
struct slice plan_slug(struct arena *a, struct slice name);

/* What a field is: 0 and its JSON in out, 1 when it says that there is no value (empty, NA, NaN,
 * null, -), ERR_NOMEM. */
int plan_value(const struct plan *p, struct slice field, struct buf *out);

/* A profile for the columns that are played: enough for a server to make the twin. */
void plan_profile(const struct plan *p, const char *twin, const char *source, int64_t interval_us,
                  struct buf *out);

#endif

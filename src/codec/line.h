/* line.h - InfluxDB's line protocol, as its versions 1 and 2 take it: a pull reader.
 *
 *   weather,place=north\ sea temperature=7.5,rain=f,note="calm \"so far\"" 1700000000000000000
 *   measurement[,tag=value...] field=value[,field=value...] [timestamp]
 *
 * One line is one point: several values of one moment.  In a measurement a backslash takes the
 * meaning from a comma and a space, in tags and in the names of fields from an equals sign too;
 * before anything else it stands for itself.  A value is a float (1, 1.5, -2e-3), a whole number
 * with i behind it or, unsigned, with u, one of t, T, true, True, TRUE, f, F, false, False, FALSE,
 * or a text in quotes, which may hold line ends and where \" and \\ are a quote and a backslash.
 * Empty lines and those that begin with # say nothing; a line may end in CR LF.
 *
 * Pure: no threads, no blocking.  What a line says points into the input; its fields stand in an
 * array that the reader owns and the next line takes over. */
#ifndef CODEC_LINE_H
#define CODEC_LINE_H

#include "base/arena.h"
#include "base/value.h"

enum { LINE_FIELDS_MAX = 65536, LINE_TAGS_MAX = 256, LINE_NAME_MAX = 65535 };

struct line_field {
    struct slice key; /* as written */
    struct value value;
    struct slice raw; /* the value as written */
    bool escaped;     /* a text has backslashes in it: line_text() */
};

struct line {
    size_t number;    /* of the line it begins in, from 1 */
    struct slice raw; /* all of it, without its end */
    struct slice key; /* measurement and tags, as written and not looked at: line_key_read() */
    struct line_field *fields;
    size_t fields_n;
    bool has_time;
    int64_t t_us;      /* finer times are cut, towards the past */
    const char *error; /* why only number and raw count, as InfluxDB says it; NULL: all is well */
};

struct line_reader {
    const char *at, *end;
    size_t number; /* of the line at `at` */
    int64_t unit;  /* of timestamps: above 0 in microseconds, below 0 so many in one */
    struct line_field *fields;
    size_t cap;
    bool quoted; /* the line has a text in it, which may have line ends */
};

/* A precision of a request: n, ns, u, us, µ, ms, s, m, h; empty: nanoseconds.  ERR_INVALID. */
int line_precision(struct slice name, int64_t *ret_unit);

void line_reader_init(struct line_reader *r, struct slice input, int64_t unit);
void line_reader_release(struct line_reader *r);

/* The next point; false at the end.  A line that is wrong comes with its error; those behind it are
 * read all the same. */
bool line_next(struct line_reader *r, struct line *ret);

/* ---- the names ---- */

struct line_tag {
    struct slice key, value; /* as written */
};

struct line_key {
    struct slice measurement; /* as written */
    struct line_tag tags[LINE_TAGS_MAX];
    size_t n;
};

/* Take a key apart, tags in order of their names.  NULL, or what is wrong with it. */
const char *line_key_read(struct slice key, struct line_key *ret);

/* What a name stands for: without the backslashes that have a meaning.  In the arena unless it is
 * the name itself; p NULL: out of memory. */
struct slice line_name(struct arena *a, struct slice name);
struct slice line_text(struct arena *a, struct slice text); /* the same of a text */

#endif

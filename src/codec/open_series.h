/* open_series.h - the newest points of one series, compressed while they still grow.
 *
 * Pure: no clock, no files; one thread at a time, or any number that only read.  Points come in any
 * order of time and are given back in the order in which they came.  The bytes never leave the
 * process: the format, told at the top of open_series.c, may change with every version. */
#ifndef CODEC_OPEN_SERIES_H
#define CODEC_OPEN_SERIES_H

#include "base/value.h"

struct open_series; /* opaque; NULL is an empty one */

/* Append a point; *s is made, and moves, as needed.  ERR_NOMEM: *s is as it was. */
int open_series_add(struct open_series **s, int64_t t_us, struct value v, uint8_t quality);
/* A point will soon be added: bring what is needed into the processor's cache, first the series,
 * then its end. */
void open_series_fetch(const struct open_series *s, bool end);
void open_series_free(struct open_series *s);

/* The same for one more, on any thread, to be given back with open_series_free(); nothing is
 * appended any more. */
struct open_series *open_series_hold(struct open_series *s);
int open_series_copy(const struct open_series *s, struct open_series **ret); /* ERR_NOMEM */

size_t open_series_count(const struct open_series *s);
size_t open_series_bytes(const struct open_series *s); /* of memory */

struct open_point {
    int64_t t_us;
    struct value value; /* a text points into the series */
    uint8_t quality;
};

/* What the encoder and the decoder both know after each point. */
struct open_state {
    int64_t t_us, step_us;
    int64_t whole; /* the last mantissa or whole number */
    union {
        double d;
        int64_t i;
        bool b;
        struct {
            uint32_t at, n;
        } text; /* in the bytes */
    } last;
    uint8_t type; /* of the last value */
    uint8_t places;
};

struct open_reader {
    const struct open_series *s;
    size_t at;
    struct open_state state;
};

/* The series must not change while it is read. */
void open_reader_init(struct open_reader *r, const struct open_series *s);
bool open_reader_next(struct open_reader *r, struct open_point *ret); /* false: that was all */

#endif

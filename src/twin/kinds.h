/* kinds.h - the kinds of values that a profile is made of: a check in C and the same as JSON
 * Schema, side by side so that they stay the same. */
#ifndef TWIN_KINDS_H
#define TWIN_KINDS_H

#include "codec/json.h"

struct kind {
    const char *name; /* in the schema's $defs */
    bool (*fits)(const struct jval *v);
    const char *wanted;  /* "a date such as \"2024-03-15\"": for "write ..." */
    const char *example; /* JSON */
    const char *schema;  /* members of the schema object, ' for " */

    /* Why a value does not fit: "has no offset", or NULL. */
    const char *(*why)(struct arena *a, const struct jval *v);
    bool number; /* may be a number */
};

extern const struct kind kind_context, kind_types, kind_property_value, kind_mvmd, kind_text,
    kind_id, kind_date, kind_moment, kind_time, kind_duration, kind_interval, kind_frequency,
    kind_number, kind_positive, kind_not_negative, kind_latitude, kind_longitude, kind_probability,
    kind_percent, kind_compression, kind_range, kind_value, kind_url, kind_reference,
    kind_twin_types, kind_truth, kind_severity;

/* All of them, NULL-ended. */
extern const struct kind *const kinds[];

/* A duration as a profile may have it (the grammar is kind_duration's); ERR_INVALID. */
int duration_parse(struct slice text, int64_t *ret_us);

/* A timestamp, or a date alone as its midnight in UTC; ERR_BAD_TIME. */
int moment_parse(struct slice text, int64_t *ret_t_us, bool *ret_date_alone);

/* A positive number is hertz, a string a duration or "realtime" (0).  ERR_INVALID. */
int interval_parse(const struct jval *v, int64_t *ret_us);

/* [low, high], whatever their order. */
bool range_read(const struct jval *v, double ret[static 2]);

/* Is it one of the words, '|' between them, in any case? */
bool one_of(struct slice text, const char *words);

/* The same as a regular expression: "(?:[Mm][Qq]...)". */
void one_of_pattern(struct buf *out, const char *words);

/* 0 info, 1 warning, 2 major, 3 critical; -1 for any other word */
int severity_parse(struct slice text);

/* enum compression, -1 for any other word */
int compression_parse(struct slice text);

#endif

/* words.h - what a sensor's values are: numbers, yes and no, or text. */
#ifndef TWIN_WORDS_H
#define TWIN_WORDS_H

#include "twin/kinds.h"

/* Where a sensor's kind of value is known from, surest first. */
enum evidence {
    EVIDENCE_NONE,    /* the first reading decides */
    EVIDENCE_VALUE,   /* its currentValue */
    EVIDENCE_UNIT,    /* a unit of measurement: a number */
    EVIDENCE_WORD,    /* its type or unit is called boolean or text */
    EVIDENCE_NUMBERS, /* it has ranges or an accuracy */
};

/* VALUE_DOUBLE, VALUE_BOOL, VALUE_TEXT, or VALUE_NONE. */
enum value_type sensor_kind(const struct jval *sensor, enum evidence *ret_evidence);

/* A physical quantity, which has ranges and can be calibrated? */
bool sensor_is_measured(const struct jval *sensor);

/* The schema's forms of what sensor_kind() says of currentValue, and of a file that has a URL. */
void sensor_conditions(struct buf *out);
void media_conditions(struct buf *out);

#endif

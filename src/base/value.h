/* value.h - what a sensor can say, and when. */
#ifndef BASE_VALUE_H
#define BASE_VALUE_H

#include "base/slice.h"

enum value_type {
    VALUE_NONE,
    VALUE_DOUBLE,
    VALUE_INT, /* a whole number that a double does not hold exactly; all others are doubles */
    VALUE_BOOL,
    VALUE_TEXT,
};

enum quality { QUALITY_GOOD, QUALITY_UNCERTAIN, QUALITY_BAD };

enum { VALUE_TEXT_MAX = 65536 };

/* A text belongs to whoever made the value; who keeps a value keeps its own copy. */
struct value {
    enum value_type type;
    union {
        double d;
        int64_t i;
        bool b;
        struct slice text;
    } as;
};

/* series: the number of a (twin, sensor) pair, given once and never again. */
struct reading {
    uint32_t series;
    uint8_t quality; /* enum quality */
    int64_t t_us;
    struct value value;
};

static inline struct value value_double(double d)
{
    return (struct value){VALUE_DOUBLE, {.d = d}};
}

static inline bool value_is_number(struct value v)
{
    return v.type == VALUE_DOUBLE || v.type == VALUE_INT;
}

static inline double value_as_double(struct value v)
{
    return v.type == VALUE_INT ? (double)v.as.i : v.as.d;
}

static inline bool value_eq(struct value a, struct value b)
{
    if (a.type != b.type)
        return false;
    switch (a.type) {
    case VALUE_DOUBLE:
        return memcmp(&a.as.d, &b.as.d, sizeof a.as.d) == 0;
    case VALUE_INT:
        return a.as.i == b.as.i;
    case VALUE_BOOL:
        return a.as.b == b.as.b;
    case VALUE_TEXT:
        return slice_eq(a.as.text, b.as.text);
    case VALUE_NONE:
        break;
    }
    return true;
}

#endif

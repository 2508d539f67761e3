/* number.h - decimal text as a value, correctly rounded; how, json_number.c tells.  Pure. */
#ifndef CODEC_NUMBER_H
#define CODEC_NUMBER_H

#include "base/value.h"

/* mantissa * 10^exponent; exact unless digits were cut. */
struct decimal {
    uint64_t mantissa;
    int exponent;
    int digits; /* of the mantissa */
    bool negative;
    bool cut;  /* digits other than 0 did not fit into the mantissa */
    bool real; /* it has a point or an exponent */
};

/* The number that begins at p: where it ends, NULL when none does.  It may have what people write
 * and JSON does not: a plus, zeros in front, nothing before or behind the point. */
const char *decimal_scan(const char *p, const char *end, struct decimal *ret);

/* What it is worth; text: as it was written.  VALUE_INT where a double would lose digits;
 * ERR_INVALID when it does not fit in either (1e999). */
int decimal_value(const struct decimal *d, struct slice text, struct value *ret);

#endif

/* units.h - units of measurement: UDUNITS-2 and the names that people write.
 *
 * UDUNITS-2 is not thread-safe: one lock is held around all use of it, so any thread may call.  Its
 * database is read at the first use (some milliseconds). */
#ifndef TWIN_UNITS_H
#define TWIN_UNITS_H

#include "base/slice.h"

/* Is it a unit: of UDUNITS-2, or of our table ("celsius", "degrees", "psi", "%", "°C", "l/min")? */
bool units_known(struct slice unit);

enum unit_class {
    UNIT_UNKNOWN,
    UNIT_NONE,    /* says that there is none: "1", "none", "boolean", "text" */
    UNIT_COUNT,   /* things are counted: "counts", "pcs" */
    UNIT_MEASURE, /* something is measured: "celsius", "%" */
};

enum unit_class units_class(struct slice unit);

/* value in unit from, told in unit to.  ERR_BAD_UNIT when one is unknown or they do not convert;
 * equal names always convert, known or not.  Converters are kept for the next call.
 *
 * "C" and "F" are coulomb and farad, but celsius and fahrenheit where only that makes sense (the
 * other unit is a temperature).  A turn a second is a hertz. */
int units_convert(struct slice from, struct slice to, double value, double *ret);

/* Why there is no UDUNITS-2 database, a sentence; NULL when all is well.  Without it only the names
 * of our table are known and only equal names convert. */
const char *units_problem(void);

#endif

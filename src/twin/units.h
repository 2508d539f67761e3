/* units.h - units of measurement: UDUNITS-2 and the names that people write.
 *
 * The loop's thread only (UDUNITS-2 is not thread-safe), but for units_known() which takes a lock.
 */
#ifndef TWIN_UNITS_H
#define TWIN_UNITS_H

#include "base/slice.h"

/* Is it a unit: of UDUNITS-2, or of our table ("celsius", "degrees", "psi", "%", "°C", "l/min")? */
bool units_known(struct slice unit);

/* value in unit from, told in unit to.  ERR_BAD_UNIT when one is unknown or they do not convert;
 * equal names always convert, known or not.  Converters are kept for the next call. */
int units_convert(struct slice from, struct slice to, double value, double *ret);

#endif

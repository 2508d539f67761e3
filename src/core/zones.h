/* zones.h - time zones by name, from the tz database of the system (/usr/share/zoneinfo).
 *
 * Any thread.  A zone is read when it is first asked for, which blocks for a small file, and stays
 * until the program ends. */
#ifndef CORE_ZONES_H
#define CORE_ZONES_H

#include "codec/zone.h"

/* "Europe/Berlin", "UTC", "+02:00".  *ret NULL is UTC.  ERR_NOT_FOUND: there is no such zone here;
 * ERR_CORRUPT: its file does not check; ERR_NOMEM. */
int zones_find(struct slice name, const struct zone **ret);

#endif

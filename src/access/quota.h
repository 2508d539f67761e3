/* quota.h - how much an organisation may use, and uses.
 *
 * Limits stand in its record, 0 is none; what it uses is counted here (readings), by the core's
 * registry (twins, series) and by core/usage.c (bytes of history).  How many readings it may send
 * in a second is told in pace.c.  Owner: the loop's thread, but for what is atomic.  Workers, which
 * there are none yet of, have no quota yet. */
#ifndef ACCESS_QUOTA_H
#define ACCESS_QUOTA_H

#include "access/access.h"

/* May readings come into org?  Called once a message, and counts them.  0; ERR_QUOTA: its history
 * has all the bytes that it may have. */
int quota_take_readings(struct org *org, size_t n);

void quotas_tick(struct access *a); /* each second: readings a second, as they are shown */

#endif

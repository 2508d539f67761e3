/* demo.h - twins to look at before the first own one: a robot arm and a pump that are simulated,
 * and a building whose weather is a replay of measurements.
 *
 * The loop's thread.  What the demo has made stands in the file `demo` of the data directory, so
 * that a twin that somebody deleted stays deleted and one that is somebody's own is left alone. */
#ifndef SERVER_DEMO_H
#define SERVER_DEMO_H

#include "core/core.h"

struct demo; /* opaque */

/* restore: make deleted ones again. */
int demo_start(struct loop *l, struct core *c, const char *dir, bool restore, struct demo **ret);
void demo_stop(struct demo *d); /* while the core is there; NULL allowed */

#endif

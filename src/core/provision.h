/* provision.h - twins and sensors that are made because a device speaks of them.
 *
 * Nobody may do so by himself: whoever lets a message in hands over a grant, which says how much
 * may be made and counts what was.  A listener has one (server/serve.c); a token may carry one,
 * too. Without a grant nothing is ever made.
 *
 * One asking collects wants, then makes them all: a profile for each new twin, complete by the
 * rules of profile_fill(), and a sensor in the profile of each twin that lacks it, through the
 * commands and the one thread of core/twins.c; so two who ask for the same at once get the same
 * one. Afterwards core_twin() and core_sensor() find them, or provision_why() tells why not.
 *
 * The loop's thread.  Does not block. */
#ifndef CORE_PROVISION_H
#define CORE_PROVISION_H

#include "core/core.h"

/* Behind what is not there, where there is no grant. */
#define PROVISION_NONE "and none is made here (--provision names listeners that may)"

struct provision_limits {
    uint64_t twins_per_minute, sensors_per_minute;
    uint64_t twins, sensors; /* in all, since the grant was made */
};

/* Lives as long as the core that it was used with.  All zeroes but the limits to begin with. */
struct provision_grant {
    struct provision_limits limits;
    uint64_t twins, sensors; /* made, or being made */
    uint64_t minute_twins, minute_sensors;
    int64_t minute_us; /* when the present minute began, monotonic; 0: none has */
};

/* Empty members take their defaults: the name is the id, the type of a twin "Device", the type and
 * unit of a sensor what its kind says. */
struct provision_twin {
    struct slice id, name, description;
    struct slice type; /* subjectOf.name: what is mirrored */
};
struct provision_sensor {
    struct slice id, name, type, unit;
    enum value_type kind; /* VALUE_NONE: the first reading decides */
};

struct provision; /* opaque: one asking */

/* by: who speaks, whose organisation gets what is made; they live until done.  NULL: memory. */
struct provision *provision_begin(struct core *c, const struct asker *by,
                                  struct provision_grant *grant);

/* All is copied.  A twin alone with s NULL.  What is wanted twice is wanted once, as it was said
 * first; what is there already costs nothing. */
void provision_want(struct provision *p, const struct provision_twin *t,
                    const struct provision_sensor *s);
size_t provision_wants(const struct provision *p); /* sensors and twins alone */

/* done comes once, maybe before this returns; p is its owner's until provision_free(). */
typedef void provision_done_fn(void *arg, struct provision *p);
void provision_commit(struct provision *p, provision_done_fn *done, void *arg);
void provision_free(struct provision *p); /* not between commit and done; NULL is nothing */

/* After done: the ERR_* for which a thing that was wanted is not there, with a sentence that lives
 * as long as p; 0 when it was made.  sensor empty: of the twin.
 * ERR_OVERLOAD: a limit for each minute, so ask again; ERR_UNKNOWN_TWIN, ERR_UNKNOWN_SENSOR: a
 * limit in all; ERR_INVALID: it can be no id; or what the catalog said. */
int provision_why(const struct provision *p, struct slice twin, struct slice sensor,
                  const char **ret_detail);

/* The document of a twin with these sensors added: kept is its profile (empty: none yet), *ret_body
 * lives in the arena.  *ret_added: those that were missing; none leaves *ret_body alone. ERR_NOMEM,
 * ERR_CORRUPT.  Pure; any thread. */
int provision_document(struct arena *a, struct slice kept, const struct provision_twin *twin,
                       const struct provision_sensor *sensors, size_t n, struct slice *ret_body,
                       size_t *ret_added);

#endif

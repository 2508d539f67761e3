/* twins_audit.h - what a change of a profile says in the audit log.  Pure; any thread. */
#ifndef CORE_TWINS_AUDIT_H
#define CORE_TWINS_AUDIT_H

#include "base/arena.h"
#include "store/catalog.h"

/* before and after: profiles as kept, or empty; fills e->before and e->after out of the arena. */
void twins_audit_difference(struct arena *a, struct slice before, struct slice after,
                            struct audit_entry *e);

#endif

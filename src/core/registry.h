/* registry.h - twins and sensors in memory: what the catalog says, made live.  Loop's thread. */
#ifndef CORE_REGISTRY_H
#define CORE_REGISTRY_H

#include "core/core.h"
#include "store/catalog.h"

/* Make or change the twin of a catalog row; the row's series are all it has ever had. */
int registry_put(struct core *c, const struct catalog_twin *row, const struct profile_view *view,
                 struct twin **ret, bool *ret_created);
void registry_remove(struct core *c, struct twin *t);
void registry_release(struct core *c);

#endif

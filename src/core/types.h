/* types.h - the types of twins that organisations have, and who is as they say.
 *
 * Owner: the loop's thread.  Types are documents (access/documents.h); an organisation's make a set
 * (twin/type.h), which is made anew when one has changed and somebody asks.  Then its twins are
 * judged again, some thousand in a turn, by what is in memory: sensors and relationships. */
#ifndef CORE_TYPES_H
#define CORE_TYPES_H

#include "core/core.h"
#include "twin/type.h"

/* All types of an organisation; NULL: it has none.  Lives until the loop turns, or is held by
 * type_set_ref(). */
struct type_set *core_types(struct core *c, const struct org *org);

/* Is the twin one of that type, by itself or by what its types extend? */
bool core_twin_is(struct core *c, const struct twin *t, struct slice type);
/* Is the twin of that id, in the organisation of another?  As type_subject.is_of. */
int core_twin_id_is(struct core *c, const struct twin *beside, struct slice id, struct slice type);

/* How many twins of the organisation name a type, or one that extends it; how many of them are not
 * as their types say. */
struct type_use {
    size_t twins, direct, misfits;
};
void core_type_use(struct core *c, const struct org *org, struct slice type, struct type_use *ret);

#endif

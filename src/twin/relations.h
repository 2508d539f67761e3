/* relations.h - what a profile says of other twins: doppel:relationships and doppel:twinType.
 *
 * Pure; any thread.  Packed they are a part of what a start reads instead of the profile
 * (twin/packed.h). */
#ifndef TWIN_RELATIONS_H
#define TWIN_RELATIONS_H

#include "codec/json.h"

enum { RELATIONS_MAX = 10000 /* of a twin */, TWIN_TYPES_MAX = 16 /* the same */ };

struct relation {
    struct slice id; /* empty: kind:target */
    struct slice kind, target;
    struct slice properties; /* JSON, an object; empty: none */
};

/* Those of a profile that are usable, packed; the second of an id is left out, and what there is
 * beyond RELATIONS_MAX. */
int relations_read(struct arena *a, const struct jval *root, struct slice *ret);
/* The next one; its slices point into the bytes, each with a zero behind it.  False: the end, or
 * damaged; *rest is empty at a true end. */
bool relations_next(struct slice *rest, struct relation *ret);
bool relations_sound(struct slice packed); /* can all of them be read? */

/* Its id as it is addressed. */
struct slice relation_id(struct arena *a, const struct relation *r); /* p NULL: out of memory */
/* The member of doppel:relationships with that id; NULL: none. */
struct jval *relation_find(const struct jval *root, struct slice id);

/* The types that a profile says it is of: each with a zero behind it, and nothing between. */
int twin_types_read(struct arena *a, const struct jval *root, struct slice *ret);
bool twin_types_next(struct slice *rest, struct slice *ret);

#endif

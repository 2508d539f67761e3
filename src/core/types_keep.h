/* types_keep.h - how the types follow their documents and twins; for files of this room, and those
 * that try a type before it is kept.  Loop's thread. */
#ifndef CORE_TYPES_KEEP_H
#define CORE_TYPES_KEEP_H

#include "core/types.h"

int types_open(struct core *c); /* the access room is there; before the twins are loaded */
void types_close(struct core *c);
void types_turn(struct core *c); /* judges some of the twins that are to be */
void types_twin_changed(struct core *c, struct twin *t);

/* What would be wrong if the body, which type_check() has passed, became a type: ERR_CONFLICT, with
 * the reason and where; ERR_NOMEM. */
int types_try(struct core *c, const struct org *org, const struct jval *body, struct arena *a,
              const char **ret_pointer, const char **ret_why);

#endif

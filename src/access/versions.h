/* versions.h - what documents and profiles were, read on the readers' threads.
 *
 * Owner: the loop's thread; fn hears exactly once, and not before the call returns; when the room
 * stops, with ERR_CANCELLED. */
#ifndef ACCESS_VERSIONS_H
#define ACCESS_VERSIONS_H

#include "access/access.h"
#include "store/versions.h"

struct versions_read {
    int err;
    const struct version *list; /* newest first; of versions_get() the one */
    size_t n;
    bool more;
};
typedef void versions_fn(void *arg, const struct versions_read *r);

/* Those behind number `before` (0: from the newest on), without bodies. */
void versions_list(struct access *a, enum version_kind kind, struct slice id, uint64_t before,
                   size_t limit, versions_fn *fn, void *arg);
/* That of number n or, with 0, the one that held at at_us.  Its body has p NULL when it is the
 * newest (its text stands elsewhere) or was gone.  ERR_NOT_FOUND. */
void versions_get(struct access *a, enum version_kind kind, struct slice id, uint64_t n,
                  int64_t at_us, versions_fn *fn, void *arg);

/* Who made it, as they are called now: "" when they are no more, or were never known. */
const char *version_author(const struct access *a, const struct version *v);

#endif

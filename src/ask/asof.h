/* asof.h - twins as they were: versions of their profiles, and the readings that stood then.  On
 * the question's thread, not within the gate. */
#ifndef ASK_ASOF_H
#define ASK_ASOF_H

#include "ask/internal.h"
#include "store/versions.h"
#include "twin/profile.h"

/* A twin at a time; lives until the next asof_next(). */
struct asof_twin {
    struct slice key, id; /* id: as they call it */
    struct version version;
    struct slice profile; /* as they may see it */
    bool sees_profile;    /* false: a policy keeps it, and what stands in it alone */
    const struct jval *root;
    struct profile_view view;
};

struct asof; /* opaque */
/* Of their organisation all, or (one) that of the id.  NULL: out of memory, the question has
 * failed.
 */
struct asof *asof_open(struct question *q, int64_t at_us, bool one, struct slice id);
bool asof_next(struct asof *a, struct asof_twin *ret); /* NULL too: false */
void asof_close(struct asof *a);                       /* NULL too */

/* May they see the twin that they call so, and was it there? */
bool asof_sees(struct question *q, struct slice id);
bool asof_was(struct question *q, int64_t at_us, struct slice id);

/* The newest reading not after at_us.  False: they may not see it, or the question has failed. */
struct asof_value {
    struct value value; /* VALUE_NONE: none is known */
    int64_t t_us;
    uint8_t quality;
};
bool asof_value(struct question *q, int64_t at_us, const struct asof_twin *t, struct slice sensor,
                struct arena *a, struct asof_value *ret);

#endif

/* sync.h - the mechanisms of synchronization that we know, and the URL schemes that fit them. */
#ifndef TWIN_SYNC_H
#define TWIN_SYNC_H

#include "base/buf.h"
#include "base/slice.h"

struct mechanism {
    const char *name;    /* as we write it */
    const char *names;   /* as people write it, in any case, '|' between */
    const char *schemes; /* the same */
    const char *example; /* of an endpoint */
};

/* NULL: none that we know. */
const struct mechanism *mechanism_find(struct slice name);

/* One to which a scheme belongs; the first in the table. */
const struct mechanism *mechanism_of_scheme(struct slice scheme);

/* Their names, for a message: "MQTT, HTTP, ... or CDC". */
void mechanism_names(struct buf *out);

enum scheme_security { SCHEME_UNJUDGED, SCHEME_PLAIN, SCHEME_ENCRYPTED };
enum scheme_security scheme_security(struct slice scheme);

/* The encrypted scheme to use instead of a plain one, NULL: none. */
const char *scheme_encrypted(struct slice scheme);

/* The schema's form of: the scheme fits the mechanism, no password in the URL. */
void sync_conditions(struct buf *out);

#endif

/* sealed.h - which secrets of a catalog are under which key, found by their form (crypto/seal.h).
 *
 * Blocks, any thread; opens no secret and changes nothing; a server may run meanwhile. */
#ifndef STORE_SEALED_H
#define STORE_SEALED_H

#include "crypto/seal.h"

struct sealed_watch {
    /* what: "person ada" or the like, for people; empty when the row has no name */
    void (*found)(void *arg, struct slice key, struct slice what);
    const char *(*kind)(int kind); /* the name of a record's kind; may be NULL */
    void *arg;
};

/* Every sealed text in the records of DATA/catalog.db.  ERR_NOT_FOUND: there is no catalog. */
int sealed_survey(const char *data, const struct sealed_watch *w);

#endif

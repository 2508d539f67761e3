/* identity.h - who the server asks about people: what it fetches with, and its identity providers.
 */
#ifndef SERVER_IDENTITY_H
#define SERVER_IDENTITY_H

#include "access/oidc.h"
#include "core/core.h"
#include "crypto/key_ring.h"
#include "server/config.h"

struct identity {
    struct fetch *fetch;
    struct oidc *oidc;
    char *public_url; /* NULL: none was given */
};

/* CODE_OK, or a code after having said why. */
int identity_open(struct loop *l, const struct config *c, struct core *core,
                  const struct key_ring *keys, struct identity *ret);
void identity_stop(struct identity *i); /* who waits is answered, while that can be */
void identity_close(struct identity *i);

#endif

/* oidc_providers.h - identity providers as they are kept: records of the catalog, and those of a
 * file that the configuration names.
 *
 * A record is what docs/access.md calls an identity provider, its clientSecret sealed.  The file is
 * {"providers":[...]} of the same, where clientSecretFile may name a file instead; those cannot be
 * changed over REST.
 *
 * The loop's thread; oidc_load_file() blocks, at the start. */
#ifndef ACCESS_OIDC_PROVIDERS_H
#define ACCESS_OIDC_PROVIDERS_H

#include "access/change.h"
#include "access/oidc.h"
#include "crypto/key_ring.h"

/* What the catalog has.  One whose secret cannot be opened is left out, and told in the log. */
void oidc_load(struct oidc *o, struct access *a, const struct key_ring *keys);
/* What a file has, before oidc_load().  ERR_* with a sentence in *why. */
int oidc_load_file(struct oidc *o, const char *path, struct buf *why);

/* Changes: prepare functions with a struct oidc_change as arg, and oidc_changed() as what done()
 * calls when all went well. */
struct oidc_change {
    struct oidc *oidc;
    const struct fetch *fetch;
    const struct key_ring *keys; /* NULL: none, so that no secret can be kept */
    struct slice id;             /* of a change and a removal */
    const struct jval *body;
    void *arg;                     /* whoever asks */
    struct oidc_settings settings; /* what it has become; in the change's arena */
    bool removed;
};
int oidc_provider_make(struct change *ch);
int oidc_provider_change(struct change *ch); /* body: a merge patch */
int oidc_provider_remove(struct change *ch);
void oidc_changed(struct change *ch);

/* As an object, without its secret. */
void oidc_provider_write(struct json_writer *w, const struct oidc_settings *s);

#endif

/* credentials.c - credentials of devices in memory: a record becomes one, or it goes.
 *
 * There may be more of them than twins, so one is no entity with an arena and a document, but a
 * single block with its texts behind it.  A record that is written anew is a new block: the
 * principal of the device, which connections hold, moves over to it. */
#include "access/state.h"

#include "base/err.h"

#include <stdlib.h>

void credential_unload(struct access *a, struct credential *c)
{
    struct slice twin = slice_str(c->twin);
    struct credential *first = map_get(&a->twin_credentials, twin);
    if (first == c) {
        map_remove(&a->twin_credentials, twin);
        if (c->next)
            map_put(&a->twin_credentials, slice_str(c->next->twin), c->next, NULL);
    }
    for (struct credential *at = first; at && first != c; at = at->next) {
        if (at->next != c)
            continue;
        at->next = c->next;
        break;
    }
    if (map_get(&a->credentials, hash_key(c->hash)) == c)
        map_remove(&a->credentials, hash_key(c->hash));
    map_remove(&a->kinds[RECORD_CREDENTIAL], slice_str(c->id));
    c->gone = true;
    if (c->principal) {
        c->principal->gone = true;
        c->principal->credential = NULL;
    }
    free(c);
}

static char *append(char **at, struct slice s)
{
    char *p = *at;
    if (s.n)
        memcpy(p, s.p, s.n);
    p[s.n] = 0;
    *at = p + s.n + 1;
    return p;
}

int credential_load(struct access *a, struct slice id, const struct jval *doc)
{
    struct slice twin = jval_string(jval_get(doc, "twin")),
                 name = jval_string(jval_get(doc, "name"));
    struct credential *old = map_get(&a->kinds[RECORD_CREDENTIAL], id);
    struct principal *held = old ? old->principal : NULL;
    struct credential *c = calloc(1, sizeof *c + id.n + twin.n + name.n + 3);
    if (!c)
        return ERR_NOMEM;
    char *at = (char *)(c + 1);
    c->id = append(&at, id);
    c->twin = append(&at, twin);
    c->name = append(&at, name);
    c->created_us = time_read(doc, "created");
    c->expires_us = time_read(doc, "expires");
    c->used_us = time_read(doc, "used");
    c->revoked_us = time_read(doc, "revoked");
    c->certificate = jval_get(doc, "fingerprint");
    if (!twin.n || !hash_read(jval_get(doc, c->certificate ? "fingerprint" : "hash"), c->hash)) {
        free(c);
        return ERR_CORRUPT;
    }
    if (old) {
        old->principal = NULL;
        credential_unload(a, old);
    }
    c->principal = held;
    if (held)
        held->credential = c;
    c->next = map_get(&a->twin_credentials, twin);
    int err = map_put(&a->kinds[RECORD_CREDENTIAL], slice_str(c->id), c, NULL);
    if (!err)
        err = map_put(&a->twin_credentials, slice_str(c->twin), c, NULL);
    if (!err)
        err = map_put(&a->credentials, hash_key(c->hash), c, NULL);
    return err;
}

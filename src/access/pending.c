#include "access/pending.h"

#include "base/err.h"
#include "base/map.h"
#include "crypto/digest.h"

#include <stdlib.h>

struct pending {
    unsigned char key[SHA256_BYTES];
    unsigned char bytes[PENDING_BYTES];
    size_t n;
    int64_t since_us;
    struct pending *older, *newer;
};

struct pendings {
    struct map map;
    struct pending *oldest, *newest;
    size_t most;
};

struct pendings *pendings_new(size_t most)
{
    struct pendings *p = calloc(1, sizeof *p);
    if (p)
        p->most = most;
    return p;
}

static void forget(struct pendings *p, struct pending *e)
{
    map_remove(&p->map, slice_of((const char *)e->key, sizeof e->key));
    *(e->older ? &e->older->newer : &p->oldest) = e->newer;
    *(e->newer ? &e->newer->older : &p->newest) = e->older;
    explicit_bzero(e, sizeof *e);
    free(e);
}

void pendings_free(struct pendings *p)
{
    if (!p)
        return;
    while (p->oldest)
        forget(p, p->oldest);
    map_release(&p->map);
    free(p);
}

static void key_of(enum pending_kind kind, struct slice whom, unsigned char ret[SHA256_BYTES])
{
    const unsigned char name[1] = {(unsigned char)kind};
    digest_hmac_sha256(slice_of((const char *)name, 1), whom, ret);
}

static struct pending *find(struct pendings *p, enum pending_kind kind, struct slice whom,
                            int64_t mono_us)
{
    unsigned char key[SHA256_BYTES];
    while (p->oldest && mono_us - p->oldest->since_us >= PENDING_US)
        forget(p, p->oldest);
    key_of(kind, whom, key);
    return map_get(&p->map, slice_of((const char *)key, sizeof key));
}

int pending_put(struct pendings *p, enum pending_kind kind, struct slice whom, struct slice bytes,
                int64_t mono_us)
{
    struct pending *e = find(p, kind, whom, mono_us);
    if (e)
        forget(p, e);
    if (p->map.count >= p->most)
        forget(p, p->oldest);
    e = calloc(1, sizeof *e);
    if (!e)
        return ERR_NOMEM;
    key_of(kind, whom, e->key);
    e->n = bytes.n < PENDING_BYTES ? bytes.n : PENDING_BYTES;
    memcpy(e->bytes, bytes.p, e->n);
    e->since_us = mono_us;
    if (map_put(&p->map, slice_of((const char *)e->key, sizeof e->key), e, NULL)) {
        free(e);
        return ERR_NOMEM;
    }
    e->older = p->newest;
    *(p->newest ? &p->newest->newer : &p->oldest) = e;
    p->newest = e;
    return 0;
}

bool pending_see(struct pendings *p, enum pending_kind kind, struct slice whom,
                 unsigned char ret[PENDING_BYTES], size_t *ret_n, int64_t mono_us)
{
    const struct pending *e = find(p, kind, whom, mono_us);
    if (!e)
        return false;
    memcpy(ret, e->bytes, e->n);
    *ret_n = e->n;
    return true;
}

bool pending_take(struct pendings *p, enum pending_kind kind, struct slice whom,
                  unsigned char ret[PENDING_BYTES], size_t *ret_n, int64_t mono_us)
{
    bool there = pending_see(p, kind, whom, ret, ret_n, mono_us);
    if (there)
        forget(p, find(p, kind, whom, mono_us));
    return there;
}

#include "access/bucket.h"

#include "base/clock.h"
#include "base/map.h"

#include <stdlib.h>

enum { NAME_MAX_BYTES = 160 };

struct named {
    struct bucket bucket;
    struct named *older, *newer;
    size_t name_n;
    char name[];
};

struct buckets {
    struct map all;
    size_t most;
    struct named *oldest, *newest;
};

bool bucket_take(struct bucket *b, double rate, double burst, double n, int64_t mono_us,
                 int64_t *ret_wait_us)
{
    double filled = b->full_us ? b->tokens + (double)(mono_us - b->full_us) / 1e6 * rate : burst;
    b->tokens = filled < burst ? filled : burst;
    b->full_us = mono_us;
    if (b->tokens >= 1) {
        b->tokens -= n;
        return true;
    }
    *ret_wait_us = (int64_t)((1 - b->tokens) / rate * 1e6) + 1;
    return false;
}

static void unlink_one(struct buckets *b, struct named *n)
{
    *(n->older ? &n->older->newer : &b->oldest) = n->newer;
    *(n->newer ? &n->newer->older : &b->newest) = n->older;
}

static void link_newest(struct buckets *b, struct named *n)
{
    n->newer = NULL;
    n->older = b->newest;
    *(n->older ? &n->older->newer : &b->oldest) = n;
    b->newest = n;
}

static void forget(struct buckets *b, struct named *n)
{
    map_remove(&b->all, slice_of(n->name, n->name_n));
    unlink_one(b, n);
    free(n);
}

struct buckets *buckets_new(size_t most)
{
    struct buckets *b = calloc(1, sizeof *b);
    if (b)
        b->most = most;
    return b;
}

void buckets_free(struct buckets *b)
{
    while (b && b->oldest)
        forget(b, b->oldest);
    if (b)
        map_release(&b->all);
    free(b);
}

static struct named *make(struct buckets *b, struct slice name)
{
    if (b->all.count >= b->most)
        forget(b, b->oldest);
    struct named *n = calloc(1, sizeof *n + name.n);
    if (!n)
        return NULL;
    n->name_n = name.n;
    if (name.n)
        memcpy(n->name, name.p, name.n);
    if (map_put(&b->all, slice_of(n->name, n->name_n), n, NULL)) {
        free(n);
        return NULL;
    }
    return n;
}

bool buckets_take(struct buckets *b, struct slice name, double rate, double burst,
                  int64_t *ret_wait_us)
{
    name.n = name.n < NAME_MAX_BYTES ? name.n : NAME_MAX_BYTES;
    struct named *n = map_get(&b->all, name);
    if (n)
        unlink_one(b, n);
    else if (!(n = make(b, name)))
        return true; /* no memory for it: nobody is turned away for that */
    link_newest(b, n);
    return bucket_take(&n->bucket, rate, burst, 1, clock_mono_us(), ret_wait_us);
}

size_t buckets_count(const struct buckets *b)
{
    return b->all.count;
}

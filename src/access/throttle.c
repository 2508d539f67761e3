#include "access/throttle.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/map.h"
#include "crypto/digest.h"

#include <arpa/inet.h>
#include <stdlib.h>

#define SECOND_US INT64_C(1000000)
#define FORGET_US (6 * 3600 * SECOND_US)

/* From the longest ago to the newest, in a list beside the map. */
struct entry {
    struct throttle_key key;
    uint32_t count;
    int64_t last_us, until_us;
    struct entry *older, *newer;
};

struct throttle {
    struct map entries;
    struct entry *oldest, *newest;
};

static const struct limit {
    uint32_t free; /* attempts without a wait */
    int64_t longest_us;
    bool own; /* it is forgotten when the person is right */
} limits[] = {
    [THROTTLE_PAIR] = {5, 900 * SECOND_US, true},
    [THROTTLE_ADDRESS] = {30, 900 * SECOND_US, false},
    [THROTTLE_ACCOUNT] = {100, 30 * SECOND_US, false},
    [THROTTLE_BROWSER] = {10, 60 * SECOND_US, true},
};

struct throttle *throttle_new(void)
{
    return calloc(1, sizeof(struct throttle));
}

void throttle_free(struct throttle *t)
{
    if (!t)
        return;
    for (struct entry *e = t->oldest, *next; e; e = next) {
        next = e->newer;
        free(e);
    }
    map_release(&t->entries);
    free(t);
}

size_t throttle_count(const struct throttle *t)
{
    return t->entries.count;
}

/* ---- keys ---- */

/* Of an IPv6 address the network: who has one has 2^64 of them. */
static void add_address(struct buf *b, struct slice text)
{
    char kept[INET6_ADDRSTRLEN + 2] = "";
    unsigned char six[16];
    if (text.n && text.p[0] == '[') /* [::1] */
        text = slice_of(text.p + 1, text.n > 2 ? text.n - 2 : 0);
    if (text.n < sizeof kept && text.n)
        memcpy(kept, text.p, text.n);
    static const unsigned char mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    if (inet_pton(AF_INET6, kept, six) != 1)
        buf_add_slice(b, text);
    else if (memcmp(six, mapped, sizeof mapped) == 0)
        buf_addf(b, "%u.%u.%u.%u", six[12], six[13], six[14], six[15]);
    else
        buf_add(b, six, 8);
}

static void add_key(struct throttle_try *to, enum throttle_kind kind, struct slice account,
                    struct slice address)
{
    struct buf b = {0};
    buf_add_byte(&b, (unsigned char)('a' + kind));
    buf_add_slice(&b, account);
    buf_add_byte(&b, 0);
    add_address(&b, address);
    digest_sha256(buf_slice(&b), to->keys[to->n].bytes); /* out of memory: of what there is */
    to->kinds[to->n++] = kind;
    buf_release(&b);
}

void throttle_begin(struct throttle_try *ret, struct slice account, struct slice address,
                    struct slice browser)
{
    const struct slice none = {0};
    ret->n = 0;
    if (browser.n) {
        add_key(ret, THROTTLE_BROWSER, browser, none);
        return;
    }
    add_key(ret, THROTTLE_ADDRESS, none, address);
    if (account.n) {
        add_key(ret, THROTTLE_PAIR, account, address);
        add_key(ret, THROTTLE_ACCOUNT, account, none);
    }
}

/* ---- entries ---- */

static struct slice slice_of_key(const struct throttle_key *k)
{
    return slice_of((const char *)k->bytes, sizeof k->bytes);
}

static void unlink_entry(struct throttle *t, struct entry *e)
{
    *(e->older ? &e->older->newer : &t->oldest) = e->newer;
    *(e->newer ? &e->newer->older : &t->newest) = e->older;
}

static void link_newest(struct throttle *t, struct entry *e)
{
    e->older = t->newest;
    e->newer = NULL;
    *(t->newest ? &t->newest->newer : &t->oldest) = e;
    t->newest = e;
}

static void forget(struct throttle *t, struct entry *e)
{
    map_remove(&t->entries, slice_of_key(&e->key));
    unlink_entry(t, e);
    free(e);
}

static struct entry *entry_for(struct throttle *t, const struct throttle_key *key)
{
    struct entry *e = map_get(&t->entries, slice_of_key(key));
    if (e)
        return e;
    if (t->oldest && t->entries.count >= THROTTLE_MAX)
        forget(t, t->oldest);
    e = calloc(1, sizeof *e);
    if (!e)
        return NULL;
    e->key = *key;
    if (map_put(&t->entries, slice_of_key(&e->key), e, NULL)) {
        free(e);
        return NULL;
    }
    link_newest(t, e);
    return e;
}

static int64_t delay(const struct limit *l, uint32_t count)
{
    if (count < l->free)
        return 0;
    uint32_t doublings = count - l->free;
    int64_t us = doublings < 20 ? SECOND_US << doublings : l->longest_us;
    return us < l->longest_us ? us : l->longest_us;
}

int64_t throttle_take(struct throttle *t, const struct throttle_try *of, int64_t mono_us)
{
    while (t->oldest && mono_us - t->oldest->last_us > FORGET_US)
        forget(t, t->oldest);
    int64_t wait_us = 0;
    for (size_t i = 0; i < of->n; i++) {
        const struct entry *e = map_get(&t->entries, slice_of_key(&of->keys[i]));
        if (e && e->until_us - mono_us > wait_us)
            wait_us = e->until_us - mono_us;
    }
    for (size_t i = 0; i < of->n && !wait_us; i++) {
        struct entry *e = entry_for(t, &of->keys[i]);
        if (!e)
            return SECOND_US; /* out of memory: later */
        e->count += e->count < UINT32_MAX;
        e->last_us = mono_us;
        e->until_us = mono_us + delay(&limits[of->kinds[i]], e->count);
        unlink_entry(t, e);
        link_newest(t, e);
    }
    return wait_us;
}

void throttle_wrong(struct throttle *t, const struct throttle_try *of, int64_t mono_us)
{
    for (size_t i = 0; i < of->n; i++) {
        struct entry *e = map_get(&t->entries, slice_of_key(&of->keys[i]));
        if (!e)
            continue;
        e->last_us = mono_us;
        e->until_us = mono_us + delay(&limits[of->kinds[i]], e->count);
        unlink_entry(t, e);
        link_newest(t, e);
    }
}

static void take_back(struct throttle *t, const struct throttle_try *of, bool right)
{
    for (size_t i = 0; i < of->n; i++) {
        struct entry *e = map_get(&t->entries, slice_of_key(&of->keys[i]));
        if (!e)
            continue;
        const struct limit *l = &limits[of->kinds[i]];
        e->count = right && l->own ? 0 : e->count - (e->count > 0);
        e->until_us = e->last_us + delay(l, e->count);
        if (!e->count)
            forget(t, e);
    }
}

void throttle_right(struct throttle *t, const struct throttle_try *of)
{
    take_back(t, of, true);
}

void throttle_undo(struct throttle *t, const struct throttle_try *of)
{
    take_back(t, of, false);
}

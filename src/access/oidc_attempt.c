/* oidc_attempt.c - sign-ins that were begun and have not come back.
 *
 * In order of age, so that those whose time is over, and the oldest when there are too many, are at
 * one end.  Somebody who begins many from one address pushes out their own. */
#include "access/oidc_internal.h"
#include "base/clock.h"
#include "crypto/encode.h"

#include <stdlib.h>

void oidc_word(char out[static OIDC_WORD + 1])
{
    unsigned char bytes[32];
    struct buf b = {0};
    random_bytes(bytes, sizeof bytes);
    encode_add(&b, ENCODE_BASE64URL, slice_of((const char *)bytes, sizeof bytes));
    memset(out, 0, OIDC_WORD + 1);
    if (!b.failed)
        memcpy(out, b.p, OIDC_WORD);
    buf_release(&b);
}

static void unlink_attempt(struct oidc_attempts *all, struct oidc_attempt *t)
{
    map_remove(&all->by_state, slice_of(t->state, OIDC_WORD));
    *(t->older ? &t->older->newer : &all->oldest) = t->newer;
    *(t->newer ? &t->newer->older : &all->newest) = t->older;
}

static void drop_old(struct oidc_attempts *all)
{
    int64_t least_us = clock_mono_us() - OIDC_ATTEMPT_S * INT64_C(1000000);
    struct oidc_attempt *t;
    while ((t = all->oldest) && (t->begun_us < least_us || all->by_state.count >= ATTEMPTS_MAX)) {
        unlink_attempt(all, t);
        free(t);
    }
}

static void drop_own(struct oidc_attempts *all, struct slice address)
{
    size_t n = 0;
    for (struct oidc_attempt *t = all->newest, *older; t; t = older) {
        older = t->older;
        if (!slice_is(address, t->address) || ++n < ATTEMPTS_OF_ONE)
            continue;
        unlink_attempt(all, t);
        free(t);
    }
}

/* Has the browser begun another one, in another tab?  Then its cookie serves both. */
static bool is_known(const struct oidc_attempts *all, const unsigned char browser[SHA256_BYTES])
{
    for (const struct oidc_attempt *t = all->newest; t; t = t->older) {
        if (digest_equal(slice_of((const char *)t->browser, SHA256_BYTES),
                         slice_of((const char *)browser, SHA256_BYTES)))
            return true;
    }
    return false;
}

static void set_cookie(const struct oidc_attempts *all, struct oidc_attempt *t, struct slice own,
                       char cookie[static OIDC_WORD + 1])
{
    digest_sha256(own, t->browser);
    if (own.n == OIDC_WORD && is_known(all, t->browser)) {
        memcpy(cookie, own.p, OIDC_WORD);
        cookie[OIDC_WORD] = 0;
        return;
    }
    oidc_word(cookie);
    digest_sha256(slice_of(cookie, OIDC_WORD), t->browser);
}

static const char *append(char **at, struct slice s)
{
    char *p = *at;
    if (s.n)
        memcpy(p, s.p, s.n);
    p[s.n] = 0;
    *at = p + s.n + 1;
    return p;
}

struct oidc_attempt *attempt_begin(struct oidc_attempts *all, const struct oidc_start *s,
                                   char cookie[static OIDC_WORD + 1])
{
    drop_old(all);
    drop_own(all, s->address);
    struct oidc_attempt *t = calloc(1, sizeof *t + s->provider.n + s->redirect_uri.n + s->then.n +
                                           s->address.n + s->person.n + 5);
    if (!t)
        return NULL;
    char *at = (char *)(t + 1);
    t->provider = append(&at, s->provider);
    t->redirect_uri = append(&at, s->redirect_uri);
    t->then = append(&at, s->then);
    t->address = append(&at, s->address);
    t->person = append(&at, s->person);
    t->begun_us = clock_mono_us();
    set_cookie(all, t, s->cookie, cookie);
    oidc_word(t->state);
    oidc_word(t->nonce);
    oidc_word(t->verifier);
    /* a word of nothing: memory ran out */
    if (!*cookie || !*t->state || !*t->nonce || !*t->verifier ||
        map_put(&all->by_state, slice_of(t->state, OIDC_WORD), t, NULL)) {
        free(t);
        return NULL;
    }
    t->older = all->newest;
    *(t->older ? &t->older->newer : &all->oldest) = t;
    all->newest = t;
    return t;
}

struct oidc_attempt *attempt_take(struct oidc_attempts *all, struct slice state)
{
    drop_old(all);
    struct oidc_attempt *t = map_get(&all->by_state, state);
    if (t)
        unlink_attempt(all, t);
    return t;
}

void attempts_release(struct oidc_attempts *all)
{
    for (struct oidc_attempt *t = all->oldest, *newer; t; t = newer) {
        newer = t->newer;
        free(t);
    }
    map_release(&all->by_state);
}

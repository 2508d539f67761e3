/* oidc_logout.c - signing out at both sides: RP-Initiated Logout 1.0, Back-Channel Logout 1.0. */
#include "access/oidc_internal.h"
#include "base/clock.h"
#include "base/err.h"

#include <stdlib.h>

enum {
    TOKEN_AGE_S = 300, /* a logout token is used at once */
    REPLAYS_MAX = 4096,
    JTI_MAX = 255,
};

/* ---- tokens that were used ---- */

/* In order of age; once so old that its token would be refused, it is forgotten. */
struct replay {
    int64_t at_us;
    struct replay *newer;
    size_t n;
    char key[]; /* the provider, a NUL, jti */
};

static void forget(struct oidc *o)
{
    int64_t least_us = clock_mono_us() - (TOKEN_AGE_S + 2 * JOSE_LEEWAY_S) * INT64_C(1000000);
    struct replay *r;
    while ((r = o->replay_oldest) && (r->at_us < least_us || o->replays.count >= REPLAYS_MAX)) {
        map_remove(&o->replays, slice_of(r->key, r->n));
        if (!(o->replay_oldest = r->newer))
            o->replay_newest = NULL;
        free(r);
    }
}

void replays_release(struct oidc *o)
{
    for (struct replay *r = o->replay_oldest, *newer; r; r = newer) {
        newer = r->newer;
        free(r);
    }
    map_release(&o->replays);
}

/* False: it was used before, or memory ran out. */
static bool first_use(struct oidc *o, const char *provider, struct slice jti)
{
    size_t id_n = strlen(provider) + 1;
    forget(o);
    struct replay *r = calloc(1, sizeof *r + id_n + jti.n);
    if (!r)
        return false;
    r->n = id_n + jti.n;
    memcpy(r->key, provider, id_n);
    memcpy(r->key + id_n, jti.p, jti.n);
    struct slice key = slice_of(r->key, r->n);
    if (map_get(&o->replays, key) || map_put(&o->replays, key, r, NULL)) {
        free(r);
        return false;
    }
    r->at_us = clock_mono_us();
    *(o->replay_newest ? &o->replay_newest->newer : &o->replay_oldest) = r;
    o->replay_newest = r;
    return true;
}

/* ---- the provider says goodbye ---- */

/* Section 2.4 and 2.6: an event of that kind, no nonce (it would be an ID token), a jti. */
static const char *not_a_logout(const struct jwt *t)
{
    const struct jval *events = jval_get(t->claims, "events");
    const struct jval *event =
        events && events->type == J_OBJECT
            ? jval_get(events, "http://schemas.openid.net/event/backchannel-logout")
            : NULL;
    struct slice jti = jval_string(jval_get(t->claims, "jti"));
    if (t->typ.p && !slice_is_nocase(t->typ, "logout+jwt") && !slice_is_nocase(t->typ, "JWT") &&
        !slice_is_nocase(t->typ, "application/logout+jwt"))
        return "its typ is another one";
    if (!event || event->type != J_OBJECT)
        return "it has no event of a logout";
    if (jval_get(t->claims, "nonce"))
        return "it has a nonce";
    if (!jti.n || jti.n > JTI_MAX)
        return "it has no jti";
    return NULL;
}

static void logout_step(struct oidc_call *c)
{
    const struct oidc_settings *s = &c->provider->settings;
    const struct jwt_expect expect = {.issuer = slice_str(s->issuer),
                                      .audience = slice_str(s->client_id),
                                      .now_s = clock_now_us() / 1000000,
                                      .max_age_s = TOKEN_AGE_S};
    enum jose_fault fault = jwt_check(&c->jwt, &expect);
    const char *odd = not_a_logout(&c->jwt);
    if (fault) {
        oidc_call_token_fault(c, fault);
        return;
    }
    if (odd) {
        oidc_call_fail(c, OIDC_LOGOUT, odd);
        return;
    }
    oidc_identity_read(c->arena, c->jwt.claims, &c->out.who);
    if (!c->out.who.subject.n && !c->out.who.sid.n)
        oidc_call_fail(c, OIDC_LOGOUT, "it names nobody: neither sub nor sid");
    else if (!first_use(c->oidc, s->id, jval_string(jval_get(c->jwt.claims, "jti"))))
        oidc_call_fail(c, OIDC_REPLAYED, "");
    else
        oidc_call_done(c);
}

static void logout_keys_step(struct oidc_call *c)
{
    oidc_call_verify(c, logout_step);
}

void oidc_backchannel(struct oidc *o, struct slice provider, struct slice logout_token, oidc_fn *fn,
                      void *arg)
{
    struct oidc_call *c = oidc_call_new(o, provider, fn, arg);
    if (!c)
        return;
    if (!logout_token.n || logout_token.n > JOSE_TOKEN_MAX) {
        oidc_call_fail(c, OIDC_LOGOUT, "there is none");
        return;
    }
    c->token = oidc_call_dup(c, logout_token);
    if (!c->token.p) {
        oidc_call_fail(c, OIDC_NOMEM, "");
        return;
    }
    c->step = logout_keys_step;
    provider_want_metadata(c);
}

/* ---- we say goodbye ---- */

static void goodbye_step(struct oidc_call *c)
{
    const struct oidc_provider *p = c->provider;
    struct buf url = {0};
    if (!p->metadata.end_session) {
        oidc_call_done(c);
        return;
    }
    buf_add_str(&url, p->metadata.end_session);
    if (!strchr(p->metadata.end_session, '?'))
        buf_add_byte(&url, '?');
    if (c->token.n)
        oidc_form(&url, "id_token_hint", c->token);
    oidc_form(&url, "client_id", slice_str(p->settings.client_id));
    if (c->code.n)
        oidc_form(&url, "post_logout_redirect_uri", c->code);
    c->out.location = url.failed ? NULL : arena_strndup(c->arena, url.p, url.n);
    buf_release(&url);
    oidc_call_done(c);
}

void oidc_logout(struct oidc *o, struct slice provider, struct slice id_token, struct slice back_to,
                 oidc_fn *fn, void *arg)
{
    struct oidc_call *c = oidc_call_new(o, provider, fn, arg);
    if (!c)
        return;
    c->token = oidc_call_dup(c, id_token);
    c->code = oidc_call_dup(c, back_to);
    c->step = goodbye_step;
    if (c->provider->settings.logout)
        provider_want_metadata(c);
    else
        oidc_call_done(c);
}

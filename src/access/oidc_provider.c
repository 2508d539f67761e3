/* oidc_provider.c - what is known of a provider: fetched when first wanted, kept for a while, by
 * one transfer for all who want it.
 *
 * A description that has grown old is fetched anew; while that fails the old one serves.  Keys are
 * also fetched anew when a token names one that is not among them, as providers change theirs
 * without notice; a few times a minute at most, since anybody can name a key. */
#include "access/oidc_internal.h"
#include "base/clock.h"
#include "base/err.h"

#include <stdio.h>
#include <stdlib.h>

#define SECONDS INT64_C(1000000)
#define METADATA_AGE_US (3600 * SECONDS)
#define KEYS_AGE_US (24 * 3600 * SECONDS)
#define REFRESH_US (60 * SECONDS)

enum { REFRESHES_MAX = 4, METADATA_MAX = 256 << 10, REDIRECTS_MAX = 3 };

static const char *copy_text(struct arena *a, const char *s)
{
    return s ? arena_strndup(a, s, strlen(s)) : NULL;
}

static bool copy_settings(struct arena *a, const struct oidc_settings *s, struct oidc_settings *ret)
{
    struct oidc_settings c = *s;
    const char **const texts[] = {&c.id,     &c.name,         &c.issuer,       &c.client_id,
                                  &c.scopes, &c.groups_claim, &c.organization, &c.client_secret};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        const char *was = *texts[i];
        if (was && !(*texts[i] = copy_text(a, was)))
            return false;
    }
    struct oidc_group *groups = arena_zalloc(a, s->groups_n * sizeof *groups + 1);
    for (size_t i = 0; groups && i < s->groups_n; i++)
        groups[i] = (struct oidc_group){.group = copy_text(a, s->groups[i].group),
                                        .organization = copy_text(a, s->groups[i].organization),
                                        .role = s->groups[i].role};
    c.groups = groups;
    *ret = c;
    return groups != NULL;
}

struct oidc_provider *provider_new(struct fetch *f, const struct oidc_settings *s)
{
    struct oidc_provider *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    p->refs = 1;
    p->fetch = f;
    p->arena = arena_new();
    if (!p->arena || !copy_settings(p->arena, s, &p->settings)) {
        provider_unref(p);
        return NULL;
    }
    return p;
}

void provider_unref(struct oidc_provider *p)
{
    if (!p || --p->refs)
        return;
    arena_free(p->arena);
    arena_free(p->metadata_arena);
    jwks_free(p->keys);
    free(p);
}

/* ---- one transfer for all ---- */

/* What comes of it is known: the same for all. */
static void answer_all(struct oidc_call **list, enum oidc_fault fault, const char *detail)
{
    struct oidc_call *c = *list;
    *list = NULL;
    while (c) {
        struct oidc_call *next = c->next;
        if (fault)
            oidc_call_fail(c, fault, detail);
        else
            c->step(c);
        c = next;
    }
}

/* The transfer's own reference of the provider goes with it. */
static void begin(struct oidc_provider *p, const char *url, size_t most, fetch_fn *fn,
                  struct oidc_call **list)
{
    static const char *const headers[] = {"Accept: application/json", NULL};
    const struct fetch_ask ask = {
        .url = url, .headers = headers, .max_body = most, .max_redirects = REDIRECTS_MAX};
    struct buf why = {0};
    int err = fetch_start(p->fetch, &ask, fn, p, NULL, &why);
    if (!err) {
        p->refs++;
    } else {
        buf_add_byte(&why, 0);
        answer_all(list, err == ERR_CANCELLED ? OIDC_ENDING : OIDC_UNREACHABLE,
                   why.failed ? "" : why.p);
    }
    buf_release(&why);
}

enum oidc_fault oidc_transfer_fault(const struct fetch_answer *a, char detail[static OIDC_DETAIL])
{
    if (a->err)
        snprintf(detail, OIDC_DETAIL, "%s", a->why);
    else if (a->status != 200)
        snprintf(detail, OIDC_DETAIL, "%s answered with status %d", a->url, a->status);
    return a->err == ERR_CANCELLED      ? OIDC_ENDING
           : a->err || a->status != 200 ? OIDC_UNREACHABLE
                                        : OIDC_OK;
}

/* ---- the description ---- */

static enum oidc_fault take_metadata(struct oidc_provider *p, const struct fetch_answer *a,
                                     char detail[static OIDC_DETAIL])
{
    const char *why = "the server is out of memory";
    struct oidc_metadata m;
    struct arena *arena = arena_new();
    struct slice text = arena ? arena_dup(arena, a->body) : a->body;
    int err = arena && text.p ? oidc_metadata_parse(arena, text, p->settings.issuer, &m, &why)
                              : ERR_NOMEM;
    if (err) {
        snprintf(detail, OIDC_DETAIL, "%s: %s", a->url, why);
        arena_free(arena);
        return err == ERR_NOMEM ? OIDC_NOMEM : OIDC_METADATA;
    }
    if (p->metadata.jwks && strcmp(p->metadata.jwks, m.jwks) != 0)
        p->keys_us = 0; /* they live elsewhere now */
    arena_free(p->metadata_arena);
    p->metadata_arena = arena;
    p->metadata = m;
    p->metadata_us = clock_mono_us();
    return OIDC_OK;
}

static void on_metadata(void *arg, const struct fetch_answer *a)
{
    struct oidc_provider *p = arg;
    char detail[OIDC_DETAIL] = "";
    enum oidc_fault fault = oidc_transfer_fault(a, detail);
    if (!fault)
        fault = take_metadata(p, a, detail);
    if (fault != OIDC_ENDING && fault && p->metadata.token) {
        fault = OIDC_OK; /* what it said before serves, for a while */
        p->metadata_us = clock_mono_us() - METADATA_AGE_US + REFRESH_US;
    }
    answer_all(&p->want_metadata, fault, detail);
    provider_unref(p);
}

void provider_want_metadata(struct oidc_call *c)
{
    struct oidc_provider *p = c->provider;
    if (p->metadata.token && clock_mono_us() - p->metadata_us < METADATA_AGE_US) {
        c->step(c);
        return;
    }
    bool under_way = p->want_metadata != NULL;
    c->next = p->want_metadata;
    p->want_metadata = c;
    if (under_way)
        return;
    struct buf url = {0};
    struct slice issuer = slice_str(p->settings.issuer);
    if (slice_ends(issuer, "/"))
        issuer.n--;
    buf_add_slice(&url, issuer);
    buf_add_str(&url, "/.well-known/openid-configuration");
    buf_add_byte(&url, 0);
    if (url.failed)
        answer_all(&p->want_metadata, OIDC_NOMEM, "");
    else
        begin(p, url.p, METADATA_MAX, on_metadata, &p->want_metadata);
    buf_release(&url);
}

/* ---- keys ---- */

static void on_keys(void *arg, const struct fetch_answer *a)
{
    struct oidc_provider *p = arg;
    char detail[OIDC_DETAIL] = "";
    const char *why = "";
    struct jwks *keys;
    enum oidc_fault fault = oidc_transfer_fault(a, detail);
    if (!fault && jwks_parse(a->body, &keys, &why)) {
        snprintf(detail, sizeof detail, "%s: %s", a->url, why);
        fault = OIDC_KEYS;
    } else if (!fault) {
        jwks_free(p->keys);
        p->keys = keys;
        p->keys_us = clock_mono_us();
    }
    answer_all(&p->want_keys, fault, detail);
    provider_unref(p);
}

static void fetch_keys(struct oidc_call *c)
{
    struct oidc_provider *p = c->provider;
    bool under_way = p->want_keys != NULL;
    c->next = p->want_keys;
    p->want_keys = c;
    if (!under_way)
        begin(p, p->metadata.jwks, JOSE_JWKS_MAX, on_keys, &p->want_keys);
}

void provider_want_keys(struct oidc_call *c)
{
    struct oidc_provider *p = c->provider;
    if (p->keys && p->keys_us && clock_mono_us() - p->keys_us < KEYS_AGE_US)
        c->step(c);
    else
        fetch_keys(c);
}

bool provider_refresh_keys(struct oidc_call *c)
{
    struct oidc_provider *p = c->provider;
    int64_t now_us = clock_mono_us();
    if (now_us - p->refresh_us > REFRESH_US) {
        p->refresh_us = now_us;
        p->refreshes = 0;
    }
    if (p->refreshes >= REFRESHES_MAX && !p->want_keys)
        return false;
    p->refreshes += !p->want_keys;
    fetch_keys(c);
    return true;
}

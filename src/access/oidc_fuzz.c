/* Any bytes as a provider's description, as an administrator's settings, as claims, and as the path
 * behind a sign-in. */
#include "access/oidc_internal.h"
#include "base/err.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check_url(const char *url)
{
    assert(!url || strncmp(url, "https://", 8) == 0);
    for (const char *p = url; p && *p; p++)
        assert(*p > ' ' && *p < 0x7f && *p != '"' && *p != '#');
}

static void check_settings(struct arena *a, const struct jval *doc)
{
    struct oidc_settings s;
    struct buf why = {0};
    if (oidc_settings_read(a, doc, &s, &why))
        assert(why.n > 0);
    else
        assert(s.id && s.name && s.issuer && s.client_id && s.scopes && !why.n);
    buf_release(&why);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct slice input = slice_of((const char *)data, n);
    struct arena *a = arena_new();
    const char *why = NULL;
    struct oidc_metadata m;
    struct jval *doc;
    if (oidc_metadata_parse(a, input, "https://i", &m, &why) == 0) {
        const char *const urls[] = {m.authorization, m.token, m.jwks, m.userinfo, m.end_session};
        for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++)
            check_url(urls[i]);
        assert(m.algs && m.authorization && m.token && m.jwks);
    } else {
        assert(why);
    }
    if (jdoc_parse(a, input, &doc, NULL) == 0) {
        const struct oidc_settings p = {.groups_claim = "a.b"};
        struct oidc_identity who = {.provider = &p};
        check_settings(a, doc);
        if (doc->type == J_OBJECT)
            oidc_identity_read(a, doc, &who);
        assert(who.subject.n <= 255 && who.email.n <= 254 && (who.email.n || !who.email_verified));
    }
    if (oidc_then_ok(input))
        assert(data[0] == '/' && (n == 1 || (data[1] != '/' && data[1] != '\\')));
    arena_free(a);
    return 0;
}

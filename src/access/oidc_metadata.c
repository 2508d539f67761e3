/* oidc_metadata.c - what providers say, read: about themselves and about people.  Pure. */
#include "access/oidc_internal.h"
#include "base/err.h"

enum {
    URL_MAX = 2048,
    SUBJECT_MAX = 255, /* Core 1.0, section 2 */
    EMAIL_MAX = 254,
    NAME_MAX = 200,
    SID_MAX = 255,
    THEN_MAX = 2048,
};

/* A URL that a browser or the server may be sent to: https where the issuer has it, and nothing in
 * it that would be more than a URL in a header. */
static bool is_endpoint(struct slice url, bool https)
{
    if (url.n > URL_MAX ||
        !(slice_starts(url, "https://") || (!https && slice_starts(url, "http://"))))
        return false;
    for (size_t i = 0; i < url.n; i++) {
        unsigned char b = (unsigned char)url.p[i];
        if (b <= ' ' || b >= 0x7f || strchr("\"<>\\^`{|}#", b))
            return false;
    }
    struct slice rest = slice_skip(url, slice_starts(url, "https://") ? 8 : 7);
    size_t host = 0;
    while (host < rest.n && rest.p[host] != '/' && rest.p[host] != '?')
        host++;
    return host > 0 && slice_find(slice_of(rest.p, host), '@') < 0;
}

/* NULL and true: it is not there. */
static bool endpoint(struct arena *a, const struct jval *root, const char *name, bool https,
                     const char **ret)
{
    const struct jval *v = jval_get(root, name);
    *ret = NULL;
    if (!v)
        return true;
    if (v->type != J_STRING || !is_endpoint(v->text, https))
        return false;
    *ret = arena_strndup(a, v->text.p, v->text.n);
    return *ret != NULL;
}

/* Is it in a list of texts?  otherwise: what counts when there is no list. */
static bool lists(const struct jval *root, const char *name, const char *what, bool otherwise)
{
    const struct jval *list = jval_get(root, name);
    if (!list)
        return otherwise;
    for (const struct jval *v = list->first; v; v = v->next) {
        if (slice_is(jval_string(v), what))
            return true;
    }
    return false;
}

static unsigned algs_of(const struct jval *root)
{
    unsigned set = 0;
    const struct jval *list = jval_get(root, "id_token_signing_alg_values_supported");
    for (const struct jval *v = list ? list->first : NULL; v; v = v->next) {
        int alg = v->type == J_STRING ? jose_alg_of(v->text) : -1;
        if (alg >= 0)
            set |= JOSE_BIT(alg);
    }
    return list ? set : JOSE_BIT(JOSE_RS256);
}

int oidc_metadata_parse(struct arena *a, struct slice text, const char *issuer,
                        struct oidc_metadata *ret, const char **ret_why)
{
    static const char auth[] = "token_endpoint_auth_methods_supported";
    struct jval *root;
    struct oidc_metadata m = {0};
    bool https = strncmp(issuer, "https://", 8) == 0;
    int err = jdoc_parse(a, text, &root, NULL);
    if (err || root->type != J_OBJECT)
        *ret_why = "it is no JSON object";
    else if (!slice_is(jval_string(jval_get(root, "issuer")), issuer))
        *ret_why = "its issuer is another one; it has to be the same to the last character";
    else if (!endpoint(a, root, "authorization_endpoint", https, &m.authorization) ||
             !endpoint(a, root, "token_endpoint", https, &m.token) ||
             !endpoint(a, root, "jwks_uri", https, &m.jwks) ||
             !endpoint(a, root, "userinfo_endpoint", https, &m.userinfo) ||
             !endpoint(a, root, "end_session_endpoint", https, &m.end_session))
        *ret_why = "one of its endpoints is no URL that can be used";
    else if (!m.authorization || !m.token || !m.jwks)
        *ret_why = "authorization_endpoint, token_endpoint or jwks_uri is missing";
    else if (!lists(root, "response_types_supported", "code", true))
        *ret_why = "it does not know the authorisation code";
    else if (!lists(root, "code_challenge_methods_supported", "S256", true))
        *ret_why = "it does not know S256 of PKCE";
    else if (!(m.algs = algs_of(root)))
        *ret_why = "it signs its ID tokens with nothing that is taken here";
    else {
        const struct jval *iss = jval_get(root, "authorization_response_iss_parameter_supported");
        m.says_iss = iss && iss->type == J_BOOL && iss->boolean;
        m.basic = lists(root, auth, "client_secret_basic", true);
        m.post = lists(root, auth, "client_secret_post", false);
        *ret = m;
        return 0;
    }
    return err == ERR_NOMEM ? err : ERR_MALFORMED;
}

/* ---- people ---- */

static bool is_plain(struct slice s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char b = (unsigned char)s.p[i];
        if (b < ' ' || b == 0x7f)
            return false;
    }
    return true;
}

static struct slice plain_text(const struct jval *claims, const char *name, size_t most)
{
    const struct jval *v = jval_get(claims, name);
    struct slice s = v ? jval_string(v) : slice_of("", 0);
    return s.n > 0 && s.n <= most && is_plain(s) ? s : slice_of("", 0);
}

/* Roughly one: what it is is up to who has verified it. */
static struct slice email_of(struct arena *a, const struct jval *claims)
{
    struct slice s = plain_text(claims, "email", EMAIL_MAX);
    ptrdiff_t at = slice_find(s, '@');
    if (at < 1 || (size_t)at + 1 == s.n || slice_find(s, ' ') >= 0 ||
        slice_find(slice_skip(s, (size_t)at + 1), '@') >= 0)
        return slice_of("", 0);
    char *lower = arena_strndup(a, s.p, s.n);
    for (size_t i = 0; lower && i < s.n; i++) {
        if (lower[i] >= 'A' && lower[i] <= 'Z')
            lower[i] = (char)(lower[i] + 32);
    }
    return lower ? slice_of(lower, s.n) : slice_of("", 0);
}

/* A claim by its name, or by a path with dots (realm_access.roles). */
static const struct jval *claim_at(const struct jval *claims, struct slice path)
{
    const struct jval *v = jval_get_slice(claims, path);
    struct slice part;
    if (v)
        return v;
    v = claims;
    while (v && slice_cut(&path, '.', &part))
        v = v->type == J_OBJECT ? jval_get_slice(v, part) : NULL;
    return v;
}

void oidc_identity_read(struct arena *a, const struct jval *claims, struct oidc_identity *who)
{
    const struct jval *verified = jval_get(claims, "email_verified");
    if (!who->subject.n)
        who->subject = plain_text(claims, "sub", SUBJECT_MAX);
    if (!who->sid.n)
        who->sid = plain_text(claims, "sid", SID_MAX);
    if (!who->email.n && (who->email = email_of(a, claims)).n)
        /* some write it as a text */
        who->email_verified = verified && ((verified->type == J_BOOL && verified->boolean) ||
                                           slice_is(jval_string(verified), "true"));
    if (!who->name.n)
        who->name = plain_text(claims, "name", NAME_MAX);
    if (!who->name.n)
        who->name = plain_text(claims, "preferred_username", NAME_MAX);
    if (!who->groups && who->provider->groups_claim)
        who->groups = claim_at(claims, slice_str(who->provider->groups_claim));
}

/* "/path?query#fragment".  "//host" and "/\host" are other servers to a browser, which also drops
 * tabs and line ends before it looks. */
bool oidc_then_ok(struct slice then)
{
    if (then.n == 0 || then.n > THEN_MAX || then.p[0] != '/' || (then.n > 1 && then.p[1] == '/'))
        return false;
    for (size_t i = 0; i < then.n; i++) {
        unsigned char b = (unsigned char)then.p[i];
        if (b <= ' ' || b >= 0x7f || b == '\\')
            return false;
    }
    return true;
}

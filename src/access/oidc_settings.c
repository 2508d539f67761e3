/* oidc_settings.c - a provider as an administrator writes it down. */
#include "access/oidc.h"
#include "base/err.h"

enum { TEXT_MAX = 2048, NAME_MAX = 100, ID_MAX = 32 };

static int refuse(struct buf *why, const char *what)
{
    buf_add_str(why, what);
    return ERR_INVALID;
}

static const char *const members[] = {"id",           "name",        "issuer", "clientId",
                                      "clientSecret", "scopes",      "create", "role",
                                      "groups",       "groupsClaim", "logout", "organization"};

static int only_known(const struct jval *doc, struct buf *why)
{
    for (const struct jval *v = doc->first; v; v = v->next) {
        size_t i = 0, n = sizeof members / sizeof members[0];
        while (i < n && !slice_is(v->key, members[i]))
            i++;
        if (i < n)
            continue;
        buf_addf(why, "an identity provider has no \"%.*s\"", v->key.n > 60 ? 60 : (int)v->key.n,
                 v->key.p);
        return ERR_INVALID;
    }
    return 0;
}

/* A text without control characters.  *ret is untouched when the member is missing or null. */
static int text(struct arena *a, const struct jval *doc, const char *name, size_t most,
                const char **ret, struct buf *why)
{
    const struct jval *v = jval_get(doc, name);
    if (!v || v->type == J_NULL)
        return 0;
    bool good = v->type == J_STRING && v->text.n > 0 && v->text.n <= most;
    for (size_t i = 0; good && i < v->text.n; i++)
        good = (unsigned char)v->text.p[i] >= ' ' && v->text.p[i] != 0x7f;
    if (!good) {
        buf_addf(why, "%s has to be a text of 1 to %zu characters", name, most);
        return ERR_INVALID;
    }
    const char *copy = arena_strndup(a, v->text.p, v->text.n);
    if (!copy)
        return ERR_NOMEM;
    *ret = copy;
    return 0;
}

static int flag(const struct jval *doc, const char *name, bool *ret, struct buf *why)
{
    const struct jval *v = jval_get(doc, name);
    if (v && v->type != J_BOOL) {
        buf_addf(why, "%s has to be true or false", name);
        return ERR_INVALID;
    }
    if (v)
        *ret = v->boolean;
    return 0;
}

static int role(const struct jval *doc, enum access_role *ret, struct buf *why)
{
    const struct jval *v = jval_get(doc, "role");
    if (!v || v->type == J_NULL)
        return 0;
    enum access_role r = v->type == J_STRING ? role_by_name(v->text) : ROLE_NONE;
    if (r == ROLE_NONE)
        return refuse(why, "role has to be viewer, operator, editor or administrator");
    *ret = r;
    return 0;
}

static bool is_slug(const char *s)
{
    size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-");
    return n > 0 && n <= ID_MAX && !s[n];
}

/* What stands in front of /.well-known: no query, no fragment (Discovery 1.0, section 2). */
static bool is_issuer(const char *s)
{
    const char *host = strncmp(s, "https://", 8) == 0  ? s + 8
                       : strncmp(s, "http://", 7) == 0 ? s + 7
                                                       : NULL;
    return host && *host && *host != '/' && !strpbrk(s, "?#@ \\\"<>");
}

static int groups(struct arena *a, const struct jval *doc, struct oidc_settings *s, struct buf *why)
{
    const struct jval *list = jval_get(doc, "groups");
    if (!list || list->type == J_NULL)
        return 0;
    if (list->type != J_ARRAY || list->count > OIDC_GROUPS_MAX)
        return refuse(why, "groups has to be a list of at most 256");
    struct oidc_group *all = arena_zalloc(a, list->count * sizeof *all + 1);
    if (!all)
        return ERR_NOMEM;
    for (const struct jval *v = list->first; v; v = v->next) {
        struct oidc_group *g = &all[s->groups_n];
        int err = v->type == J_OBJECT ? text(a, v, "group", TEXT_MAX, &g->group, why) : ERR_INVALID;
        if (!err)
            err = text(a, v, "organization", ID_MAX, &g->organization, why);
        if (!err)
            err = role(v, &g->role, why);
        if (err == ERR_NOMEM || (err && why->n))
            return err;
        if (err || !g->group || !g->role)
            return refuse(why, "each of groups needs a group and a role, and may have an "
                               "organization");
        s->groups_n++;
    }
    s->groups = all;
    return 0;
}

static int texts(struct arena *a, const struct jval *doc, struct oidc_settings *s, struct buf *why)
{
    const struct {
        const char *name;
        size_t most;
        const char **ret;
    } rows[] = {{"id", ID_MAX, &s->id},
                {"name", NAME_MAX, &s->name},
                {"issuer", TEXT_MAX, &s->issuer},
                {"clientId", TEXT_MAX, &s->client_id},
                {"clientSecret", TEXT_MAX, &s->client_secret},
                {"scopes", TEXT_MAX, &s->scopes},
                {"groupsClaim", NAME_MAX, &s->groups_claim},
                {"organization", ID_MAX, &s->organization}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int err = text(a, doc, rows[i].name, rows[i].most, rows[i].ret, why);
        if (err)
            return err;
    }
    return 0;
}

static bool has_word(const char *list, const char *word)
{
    struct slice rest = slice_str(list), one;
    while (slice_cut(&rest, ' ', &one)) {
        if (slice_is(one, word))
            return true;
    }
    return false;
}

int oidc_settings_read(struct arena *a, const struct jval *doc, struct oidc_settings *ret,
                       struct buf *why)
{
    struct oidc_settings s = {.scopes = "openid email profile", .role = ROLE_VIEWER};
    if (doc->type != J_OBJECT)
        return refuse(why, "an identity provider is a JSON object");
    int err = only_known(doc, why);
    if (!err)
        err = texts(a, doc, &s, why);
    if (!err)
        err = flag(doc, "create", &s.create, why);
    if (!err)
        err = flag(doc, "logout", &s.logout, why);
    if (!err)
        err = role(doc, &s.role, why);
    if (!err)
        err = groups(a, doc, &s, why);
    if (err)
        return err;
    if (!s.id || !is_slug(s.id))
        return refuse(why, "id has to be 1 to 32 small letters, digits and -");
    if (!s.issuer || !is_issuer(s.issuer))
        return refuse(why,
                      "issuer has to be the URL that the provider gives as its issuer, such as "
                      "https://accounts.google.com");
    if (!s.client_id)
        return refuse(why, "clientId is missing: what the provider calls this server");
    if (!has_word(s.scopes, "openid"))
        return refuse(why, "scopes has to have openid among them");
    if (s.groups_n && !s.groups_claim)
        return refuse(why, "groups needs groupsClaim: the claim that they stand in");
    if (!s.name)
        s.name = s.id;
    *ret = s;
    return 0;
}

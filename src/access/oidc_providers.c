#include "access/oidc_providers.h"

#include "access/sessions.h"
#include "access/state.h"
#include "base/err.h"
#include "base/log.h"
#include "crypto/seal.h"
#include "os/file.h"

#include <stdio.h>

#define SEALED_AS SLICE_LIT("provider")
#define SECRET SLICE_LIT("clientSecret")
enum { FILE_MOST = 1 << 20, SECRET_MOST = 4096 };

/* ---- secrets ---- */

/* The sealed secret of a document is plain after this.  ERR_* of seal_open(). */
static int open_secret(struct arena *a, struct jval *doc, struct slice id,
                       const struct key_ring *keys)
{
    const struct jval *v = jval_get(doc, "clientSecret");
    struct buf plain = {0};
    if (!v || !seal_is_sealed(jval_string(v)))
        return 0;
    int err = keys ? seal_open(keys, SEALED_AS, id, v->text, &plain) : ERR_NOT_FOUND;
    if (!err && !jval_set(a, doc, SECRET, jval_new_string(a, buf_slice(&plain))))
        err = ERR_NOMEM;
    secret_release(&plain);
    return err;
}

static int seal_secret(struct change *ch, struct jval *doc, const struct oidc_settings *s,
                       const struct key_ring *keys)
{
    struct buf sealed = {0};
    if (!s->client_secret)
        return 0;
    int err =
        keys ? seal_add(&sealed, keys, SEALED_AS, slice_str(s->id), slice_str(s->client_secret))
             : ERR_NOT_FOUND;
    if (!err)
        doc_slice(ch, doc, "clientSecret", buf_slice(&sealed));
    buf_release(&sealed);
    return err ? change_refuse(ch, err == ERR_NOT_FOUND ? ERR_UNSUPPORTED : err,
                               "A secret cannot be kept: this server has no key to seal it under.")
               : 0;
}

/* ---- loading ---- */

void oidc_load(struct oidc *o, struct access *a, const struct key_ring *keys)
{
    struct entity *e;
    size_t at = 0;
    while ((e = map_next(&a->kinds[RECORD_PROVIDER], &at))) {
        struct oidc_settings s;
        struct buf why = {0};
        struct arena *arena = arena_new();
        struct jval *doc = arena ? jval_copy(arena, e->doc) : NULL;
        int err = doc ? open_secret(arena, doc, slice_str(e->id), keys) : ERR_NOMEM;
        if (err)
            buf_add_str(&why, "its secret is sealed under a key that is not here");
        else if (!(err = oidc_settings_read(arena, doc, &s, &why)) &&
                 oidc_settings(o, slice_str(s.id)))
            buf_add_str(&why, "the configuration has another one of that id, which is taken");
        else if (!err)
            err = oidc_set(o, &s);
        if (err || why.n)
            log_warn("access", "the identity provider %s is left out: %.*s", e->id,
                     why.n > 300 ? 300 : (int)why.n, why.p ? why.p : err_info(err)->text);
        buf_release(&why);
        arena_free(arena);
    }
}

/* clientSecretFile names a file with the secret, beside this one when it has no "/" in front. */
static int read_secret_file(struct arena *a, struct jval *doc, const char *path, struct buf *why)
{
    const struct jval *v = jval_get(doc, "clientSecretFile");
    struct buf text = {0};
    if (!v)
        return 0;
    struct slice name = jval_string(v);
    const char *slash = strrchr(path, '/');
    size_t dir = slash && name.n && name.p[0] != '/' ? (size_t)(slash - path) + 1 : 0;
    char *file = arena_printf(a, "%.*s%.*s", (int)dir, path, SLICE_ARG(name));
    int err = file && name.n ? file_read(file, SECRET_MOST, &text) : ERR_INVALID;
    if (err)
        buf_addf(why, "clientSecretFile %.*s cannot be read: %s", SLICE_ARG(name), file_why(err));
    else if (!jval_set(a, doc, SECRET, jval_new_string(a, slice_trim(buf_slice(&text)))))
        err = ERR_NOMEM;
    jval_remove(doc, SLICE_LIT("clientSecretFile"));
    secret_release(&text);
    return err;
}

static int add_from_file(struct oidc *o, struct arena *a, struct jval *doc, const char *path,
                         struct buf *why)
{
    struct oidc_settings s;
    int err = doc->type == J_OBJECT ? read_secret_file(a, doc, path, why) : 0;
    if (!err)
        err = oidc_settings_read(a, doc, &s, why);
    if (err)
        return err;
    if (oidc_settings(o, slice_str(s.id))) {
        buf_addf(why, "there are two of the id %s", s.id);
        return ERR_EXISTS;
    }
    s.fixed = true;
    return oidc_set(o, &s);
}

int oidc_load_file(struct oidc *o, const char *path, struct buf *why)
{
    struct buf text = {0};
    struct jval *root = NULL, *list = NULL;
    struct json_error fault;
    struct arena *a = arena_new();
    int err = a ? file_read(path, FILE_MOST, &text) : ERR_NOMEM;
    if (err)
        buf_addf(why, "%s", file_why(err));
    else if ((err = jdoc_parse(a, buf_slice(&text), &root, &fault)))
        buf_addf(why, "line %d, column %d: %s", fault.line, fault.column, fault.message);
    else if (!(list = jval_get(root, "providers")) || list->type != J_ARRAY || root->count != 1) {
        buf_add_str(why, "it has to be {\"providers\":[...]}");
        err = ERR_INVALID;
    }
    size_t n = 0;
    for (struct jval *v = !err ? list->first : NULL; v && !err; v = v->next, n++) {
        struct buf one = {0};
        err = add_from_file(o, a, v, path, &one);
        if (err)
            buf_addf(why, "provider %zu: %.*s", n + 1, one.n ? (int)one.n : 13,
                     one.n ? one.p : "out of memory");
        buf_release(&one);
    }
    arena_free(a);
    secret_release(&text);
    return err;
}

/* ---- changes ---- */

/* Who asks may, and has shown lately that it is them: it decides who gets in. */
static int check_asker(struct change *ch)
{
    const struct access_object o = {.org = ch->who->org};
    int err = change_check(ch, OP_INSTALLATION_MANAGE, &o);
    if (!err && ch->who->session && !session_is_fresh(ch->who, ch->now_us))
        return change_refuse(ch, ERR_REAUTHENTICATE,
                             "This needs a sign-in of the last 15 minutes: confirm who you are.");
    return err;
}

static int check_org(struct change *ch, const char *slug)
{
    const struct org *o = slug ? access_org(ch->access, slice_str(slug)) : NULL;
    return !slug || (o && !o->gone)
               ? 0
               : change_refuse(ch, ERR_INVALID, "There is no organisation \"%s\".", slug);
}

/* Is what it says possible here?  *doc gets its secret sealed. */
static int check_settings(struct change *ch, struct jval *doc)
{
    struct oidc_change *c = ch->arg;
    struct buf why = {0};
    int err = oidc_settings_read(ch->arena, doc, &c->settings, &why);
    if (!err)
        err = fetch_check_url(c->fetch, c->settings.issuer, &why);
    if (err)
        err = change_refuse(ch, err, "%.*s.", SLICE_ARG(buf_slice(&why)));
    buf_release(&why);
    if (!err)
        err = check_org(ch, c->settings.organization);
    for (size_t i = 0; i < c->settings.groups_n && !err; i++)
        err = check_org(ch, c->settings.groups[i].organization);
    return err ? err : seal_secret(ch, doc, &c->settings, c->keys);
}

static void put_provider(struct change *ch, const struct jval *before, const struct jval *doc)
{
    const struct oidc_change *c = ch->arg;
    char *object = arena_printf(ch->arena, "provider:%s", c->settings.id);
    change_put(ch, RECORD_PROVIDER, c->settings.id, doc);
    change_audit(ch, op_info(OP_INSTALLATION_MANAGE)->name, object ? object : "", before, doc);
}

int oidc_provider_make(struct change *ch)
{
    struct oidc_change *c = ch->arg;
    struct jval *doc = jval_copy(ch->arena, c->body);
    int err = check_asker(ch);
    if (!err)
        err = doc ? check_settings(ch, doc) : ERR_NOMEM;
    if (err)
        return err;
    if (oidc_settings(c->oidc, slice_str(c->settings.id)))
        return change_refuse(ch, ERR_EXISTS, "There is an identity provider \"%s\" already.",
                             c->settings.id);
    size_t at = 0;
    while (oidc_next(c->oidc, &at))
        ;
    if (at >= OIDC_PROVIDERS_MAX)
        return change_refuse(ch, ERR_QUOTA, "There are %d identity providers, which is the most.",
                             OIDC_PROVIDERS_MAX);
    put_provider(ch, NULL, doc);
    return 0;
}

/* The record that is to be changed. */
static int find_record(struct change *ch, struct entity **ret)
{
    const struct oidc_change *c = ch->arg;
    const struct oidc_settings *s = oidc_settings(c->oidc, c->id);
    int err = check_asker(ch);
    if (err)
        return err;
    if (s && s->fixed)
        return change_refuse(ch, ERR_EXISTS,
                             "The identity provider \"%s\" stands in the server's configuration, "
                             "and can be changed there alone.",
                             s->id);
    *ret = access_find(ch->access, RECORD_PROVIDER, c->id);
    return *ret ? 0 : change_refuse(ch, ERR_NOT_FOUND, "There is no such identity provider.");
}

int oidc_provider_change(struct change *ch)
{
    struct oidc_change *c = ch->arg;
    struct entity *e = NULL;
    int err = find_record(ch, &e);
    if (err || !e)
        return err;
    struct jval *doc = jval_copy(ch->arena, e->doc);
    /* a secret that cannot be opened is no more: a new one may be set */
    if (doc && open_secret(ch->arena, doc, c->id, c->keys))
        jval_remove(doc, SECRET);
    doc = doc ? jval_merge_patch(ch->arena, doc, c->body) : NULL;
    if (!doc)
        return ERR_NOMEM;
    err = check_settings(ch, doc);
    if (!err && !slice_is(c->id, c->settings.id))
        err = change_refuse(ch, ERR_INVALID, "The id of an identity provider stays.");
    if (!err)
        put_provider(ch, e->doc, doc);
    return err;
}

int oidc_provider_remove(struct change *ch)
{
    struct oidc_change *c = ch->arg;
    struct entity *e = NULL;
    int err = find_record(ch, &e);
    if (err || !e)
        return err;
    char *object = arena_printf(ch->arena, "provider:%s", e->id);
    change_remove(ch, RECORD_PROVIDER, e->id);
    change_audit(ch, op_info(OP_INSTALLATION_MANAGE)->name, object ? object : "", e->doc, NULL);
    c->removed = true;
    return 0;
}

void oidc_changed(struct change *ch)
{
    struct oidc_change *c = ch->arg;
    if (c->removed)
        oidc_remove(c->oidc, c->id);
    else if (oidc_set(c->oidc, &c->settings))
        log_warn("access", "the identity provider %s takes effect only after a restart",
                 c->settings.id);
}

/* ---- as JSON ---- */

static void text_member(struct json_writer *w, const char *key, const char *text)
{
    json_key(w, key);
    json_put_cstr(w, text);
}

static void flag_member(struct json_writer *w, const char *key, bool flag)
{
    json_key(w, key);
    json_put_bool(w, flag);
}

void oidc_provider_write(struct json_writer *w, const struct oidc_settings *s)
{
    json_open(w, '{');
    text_member(w, "id", s->id);
    text_member(w, "name", s->name);
    text_member(w, "issuer", s->issuer);
    text_member(w, "clientId", s->client_id);
    flag_member(w, "hasSecret", s->client_secret != NULL);
    text_member(w, "scopes", s->scopes);
    flag_member(w, "create", s->create);
    text_member(w, "role", role_name(s->role));
    text_member(w, "organization", s->organization);
    text_member(w, "groupsClaim", s->groups_claim);
    json_key(w, "groups");
    json_open(w, '[');
    for (size_t i = 0; i < s->groups_n; i++) {
        json_open(w, '{');
        text_member(w, "group", s->groups[i].group);
        text_member(w, "organization", s->groups[i].organization);
        text_member(w, "role", role_name(s->groups[i].role));
        json_close(w, '}');
    }
    json_close(w, ']');
    flag_member(w, "logout", s->logout);
    flag_member(w, "fixed", s->fixed);
    json_close(w, '}');
}

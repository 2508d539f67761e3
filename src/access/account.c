#include "access/account.h"

#include "base/err.h"

/* ---- who they are ---- */

static int check_profile(struct change *ch, const struct person *p, const struct account_profile *w,
                         struct slice email)
{
    const struct person *other = email.n ? map_get(&ch->access->emails, email) : NULL;
    if (w->name.p && !person_name_ok(w->name))
        return change_refuse(ch, ERR_INVALID, "A name has 1 to %d bytes and no control characters.",
                             PERSON_NAME_MAX);
    if (!w->email.p)
        return 0;
    if (!email.n)
        return change_refuse(ch, ERR_INVALID, "This is no e-mail address.");
    if (other && other != p)
        return change_refuse(ch, ERR_EXISTS, "Another account has this e-mail address.");
    return 0;
}

int account_profile_set(struct change *ch)
{
    const struct account_profile *w = ch->arg;
    struct person *p;
    int err = change_person(ch, &p);
    struct slice email = w->email.p ? person_email(ch->arena, w->email) : w->email;
    bool moves = !err && w->email.p && !slice_is(email, p->email);
    if (!err && moves)
        err = change_fresh_person(ch, &p);
    if (!err)
        err = check_profile(ch, p, w, email);
    if (err)
        return err;
    bool renamed = w->name.p && !slice_is(slice_trim(w->name), p->name);
    if (!renamed && !moves)
        return 0;
    struct jval *doc = person_doc(ch, p);
    if (renamed)
        doc_slice(ch, doc, "name", slice_trim(w->name));
    if (moves) {
        doc_slice(ch, doc, "email", email);
        jval_remove(doc, SLICE_LIT("emailVerified"));
    }
    person_put(ch, p, doc);
    person_audit(ch, moves ? "account:email" : "account:name", p->e.id);
    return 0;
}

/* ---- export ---- */

/* Of the person's record; what is secret is not among them. */
static const char *const exported[] = {"name", "email",      "emailVerified", "created",
                                       "seen", "identities", "installation",  "disabled"};

static void put_time(struct json_writer *w, const char *key, int64_t t_us)
{
    json_key(w, key);
    if (t_us)
        json_put_time(w, t_us);
    else
        json_put_null(w);
}

static void put_word(struct json_writer *w, const char *key, const char *word)
{
    json_key(w, key);
    json_put_cstr(w, word);
}

static void export_sessions(const struct access *a, const struct person *p, struct json_writer *w)
{
    const struct session *s;
    size_t at = 0;
    json_key(w, "sessions");
    json_open(w, '[');
    while ((s = map_next(&a->kinds[RECORD_SESSION], &at))) {
        if (s->person != p)
            continue;
        json_open(w, '{');
        put_word(w, "id", s->e.id);
        put_time(w, "created", s->created_us);
        put_time(w, "seen", s->seen_us);
        put_time(w, "expires", s->expires_us);
        put_word(w, "address", s->address);
        put_word(w, "agent", s->agent);
        put_word(w, "how", s->how);
        json_close(w, '}');
    }
    json_close(w, ']');
}

static void export_tokens(const struct access *a, const struct person *p, struct json_writer *w)
{
    const struct api_token *t;
    size_t at = 0;
    json_key(w, "tokens");
    json_open(w, '[');
    while ((t = map_next(&a->kinds[RECORD_TOKEN], &at))) {
        if (t->person != p)
            continue;
        json_open(w, '{');
        put_word(w, "id", t->e.id);
        put_word(w, "name", t->name);
        put_word(w, "organization", t->org ? t->org->e.id : NULL);
        put_time(w, "created", t->created_us);
        put_time(w, "expires", t->expires_us);
        put_time(w, "used", t->used_us);
        put_time(w, "revoked", t->revoked_us);
        json_close(w, '}');
    }
    json_close(w, ']');
}

static void export_places(const struct access *a, const struct person *p, struct json_writer *w)
{
    const struct member *m;
    const struct team *t;
    const struct grant *g;
    size_t at = 0;
    json_key(w, "memberships");
    json_open(w, '[');
    while ((m = map_next(&p->memberships, &at))) {
        json_open(w, '{');
        put_word(w, "organization", m->org->e.id);
        put_word(w, "role", role_name(m->role));
        put_time(w, "since", m->since_us);
        json_close(w, '}');
    }
    json_close(w, ']');
    json_key(w, "teams");
    json_open(w, '[');
    at = 0;
    while ((t = map_next(&a->kinds[RECORD_TEAM], &at)))
        if (map_get(&t->members, slice_str(p->e.id)))
            json_put_cstr(w, t->e.id);
    json_close(w, ']');
    json_key(w, "grants");
    json_open(w, '[');
    at = 0;
    while ((g = map_next(&a->kinds[RECORD_GRANT], &at))) {
        bool theirs = g->to == TO_PERSON && strcmp(g->to_id, p->e.id) == 0;
        if (!theirs && strcmp(g->by, p->e.id) != 0)
            continue;
        json_open(w, '{');
        put_word(w, "id", g->e.id);
        put_word(w, "given", theirs ? "to" : "by");
        json_key(w, "object");
        jval_write(w, jval_get(g->e.doc, "object"));
        put_word(w, "role", role_name(g->role));
        put_time(w, "created", g->created_us);
        put_time(w, "expires", g->expires_us);
        json_close(w, '}');
    }
    json_close(w, ']');
}

static void export_passkeys(const struct person *p, struct json_writer *w)
{
    static const char *const shown[] = {"id", "name", "created", "used"};
    const struct jval *list = jval_get(p->e.doc, "passkeys");
    json_key(w, "passkeys");
    json_open(w, '[');
    for (const struct jval *v = list ? list->first : NULL; v; v = v->next) {
        json_open(w, '{');
        for (size_t i = 0; i < sizeof shown / sizeof shown[0]; i++) {
            const struct jval *member = jval_get(v, shown[i]);
            if (!member)
                continue;
            json_key(w, shown[i]);
            jval_write(w, member);
        }
        json_close(w, '}');
    }
    json_close(w, ']');
}

void account_export(const struct access *a, const struct person *p, struct json_writer *w)
{
    put_word(w, "id", p->e.id);
    for (size_t i = 0; i < sizeof exported / sizeof exported[0]; i++) {
        const struct jval *v = jval_get(p->e.doc, exported[i]);
        if (!v)
            continue;
        json_key(w, exported[i]);
        jval_write(w, v);
    }
    json_key(w, "password");
    json_put_bool(w, jval_get(p->e.doc, "password"));
    json_key(w, "oneTimeCodes");
    json_put_bool(w, jval_get(p->e.doc, "totp"));
    const struct jval *browsers = jval_get(p->e.doc, "browsers");
    json_key(w, "knownBrowsers");
    json_put_uint(w, browsers ? browsers->count : 0);
    export_passkeys(p, w);
    export_sessions(a, p, w);
    export_tokens(a, p, w);
    export_places(a, p, w);
}

#include "access/oidc_person.h"

#include "access/orgs.h"
#include "access/people.h"
#include "access/sessions.h"
#include "access/state.h"
#include "base/clock.h"
#include "base/err.h"
#include "crypto/digest.h"
#include "crypto/seal.h"

#include <stdio.h>
#include <stdlib.h>

#define SEALED_AS SLICE_LIT("id-token")
enum { ID_TOKEN_MAX = 8192, NAME_MAX = 100 };

/* What came, on its way into a change; copies, in an arena of its own. */
struct arrival {
    struct arena *arena;
    struct oidc *oidc;
    const struct key_ring *keys;
    struct slice provider, issuer, link;
    struct oidc_identity who;
    oidc_arrived_fn *fn;
    void *arg;
    enum oidc_fault fault;
    const char *org; /* the first that they become a member of */
    char person[64];
    char how[64];
    struct session_plan session;
};

static int refuse(struct change *ch, struct arrival *r, enum oidc_fault fault)
{
    r->fault = fault;
    return change_refuse(ch, ERR_FORBIDDEN, "%s", oidc_fault_text(fault));
}

/* ---- identities ---- */

static struct jval *identity_doc(struct change *ch, const struct arrival *r,
                                 const struct oidc_settings *s)
{
    struct jval *doc = change_doc(ch);
    doc_slice(ch, doc, "provider", r->provider);
    doc_string(ch, doc, "issuer", s->issuer);
    doc_slice(ch, doc, "subject", r->who.subject);
    doc_time(ch, doc, "linked", ch->now_us);
    return doc;
}

/* One more in the list; what is copied from the record is there already. */
static void add_identity(struct change *ch, struct jval *person, const struct arrival *r,
                         const struct oidc_settings *s)
{
    struct jval *list = jval_get(person, "identities");
    if (!list && (list = jval_new(ch->arena, J_ARRAY)))
        jval_set(ch->arena, person, SLICE_LIT("identities"), list);
    struct jval *doc = identity_doc(ch, r, s);
    if (list && doc)
        jval_append(list, doc);
}

static struct person *find_identity(const struct access *a, const struct oidc_settings *s,
                                    struct slice subject)
{
    struct buf key = {0};
    identity_key(&key, slice_str(s->issuer), subject);
    struct person *p = key.failed ? NULL : map_get(&a->identities, buf_slice(&key));
    buf_release(&key);
    return p;
}

/* ---- members ---- */

struct wanted {
    struct org *org;
    enum access_role role;
};

static bool in_groups(const struct jval *groups, const char *name)
{
    if (!groups)
        return false;
    if (groups->type == J_STRING)
        return slice_is(groups->text, name);
    for (const struct jval *v = groups->type == J_ARRAY ? groups->first : NULL; v; v = v->next) {
        if (slice_is(jval_string(v), name))
            return true;
    }
    return false;
}

static struct org *org_named(const struct access *a, const char *slug)
{
    struct org *o = slug ? access_org(a, slice_str(slug)) : access_first_org(a);
    return o && !o->gone ? o : NULL;
}

/* The highest role of each organisation; ROLE_NONE where there is a rule and none fits. */
static size_t want(struct wanted *all, size_t n, struct org *org, enum access_role role)
{
    if (!org)
        return n;
    size_t i = 0;
    while (i < n && all[i].org != org)
        i++;
    if (i == n)
        all[n++] = (struct wanted){.org = org};
    if (role > all[i].role)
        all[i].role = role;
    return n;
}

/* Is it a membership that follows the provider? */
static bool follows(const struct member *m, struct slice provider)
{
    return slice_eq(jval_string(jval_get(m->e.doc, "provider")), provider);
}

static bool is_last_administrator(const struct member *m)
{
    const struct member *other;
    size_t at = 0;
    if (m->role != ROLE_ADMINISTRATOR)
        return false;
    while ((other = map_next(&m->org->members, &at))) {
        if (other != m && other->role == ROLE_ADMINISTRATOR && !other->person->disabled)
            return false;
    }
    return true;
}

static void put_member(struct change *ch, struct arrival *r, const struct wanted *w,
                       const struct member *m)
{
    const char *id = arena_printf(ch->arena, "%s/%s", org_slug(w->org), r->person);
    if (!id || (m && (m->role == w->role || (w->role < m->role && is_last_administrator(m)))))
        return;
    if (w->role == ROLE_NONE) {
        if (m)
            forget_membership(ch, m);
        return;
    }
    struct jval *doc = change_doc(ch);
    doc_string(ch, doc, "role", role_name(w->role));
    doc_time(ch, doc, "since", m ? m->since_us : ch->now_us);
    doc_slice(ch, doc, "provider", r->provider);
    change_put(ch, RECORD_MEMBER, id, doc);
    r->org = r->org ? r->org : org_slug(w->org);
}

static void set_members(struct change *ch, struct arrival *r, const struct oidc_settings *s,
                        const struct person *p, struct org *taken[], size_t taken_n)
{
    struct wanted *all = arena_zalloc(ch->arena, (s->groups_n + 1) * sizeof *all);
    struct org *home = org_named(ch->access, s->organization);
    size_t n = 0;
    for (size_t i = 0; all && i < s->groups_n; i++) {
        const struct oidc_group *g = &s->groups[i];
        struct org *org = g->organization ? org_named(ch->access, g->organization) : home;
        n = want(all, n, org, in_groups(r->who.groups, g->group) ? g->role : ROLE_NONE);
    }
    const struct member *at_home =
        p && home ? map_get(&p->memberships, slice_str(home->e.id)) : NULL;
    if (all && s->create && (!p || (at_home && follows(at_home, r->provider))))
        n = want(all, n, home, s->role);
    for (size_t i = 0; i < n; i++) {
        const struct member *m = p ? map_get(&p->memberships, slice_str(all[i].org->e.id)) : NULL;
        bool other = false; /* somebody here has given it */
        for (size_t k = 0; k < taken_n; k++)
            other |= taken[k] == all[i].org;
        if (m ? follows(m, r->provider) : !other && all[i].role != ROLE_NONE)
            put_member(ch, r, &all[i], m);
    }
}

/* ---- invitations ---- */

enum { INVITED_MAX = 16 };

/* Those for this address that still hold; each is used. */
static size_t find_invitations(const struct change *ch, struct slice email,
                               struct entity *ret[INVITED_MAX], struct org *orgs[INVITED_MAX])
{
    struct entity *e;
    size_t at = 0, n = 0;
    while (n < INVITED_MAX && (e = map_next(&ch->access->kinds[RECORD_INVITATION], &at))) {
        int64_t expires_us = 0;
        struct slice until = jval_string(jval_get(e->doc, "expires"));
        struct org *org = invitation_org(ch->access, e);
        if (!org || org->gone || !slice_eq(jval_string(jval_get(e->doc, "email")), email) ||
            (until.n && (clock_parse(until, &expires_us) || expires_us <= ch->now_us)))
            continue;
        size_t i = 0;
        while (i < n && orgs[i] != org)
            i++;
        if (i < n)
            continue;
        ret[n] = e;
        orgs[n++] = org;
    }
    return n;
}

/* ---- the change ---- */

static void put_session(struct change *ch, struct arrival *r, const struct oidc_settings *s)
{
    struct buf sealed = {0};
    struct jval *doc = change_doc(ch);
    doc_slice(ch, doc, "provider", r->provider);
    doc_string(ch, doc, "issuer", s->issuer);
    doc_slice(ch, doc, "subject", r->who.subject);
    if (r->who.sid.n)
        doc_slice(ch, doc, "sid", r->who.sid);
    if (r->keys && s->logout && r->who.id_token.n && r->who.id_token.n <= ID_TOKEN_MAX &&
        seal_add(&sealed, r->keys, SEALED_AS, r->who.subject, r->who.id_token) == 0)
        doc_slice(ch, doc, "idToken", buf_slice(&sealed));
    buf_release(&sealed);
    snprintf(r->how, sizeof r->how, "oidc:%.*s", SLICE_ARG(r->provider));
    /* one that they were a member of before, or else one of this change */
    const struct person *p = access_find(ch->access, RECORD_PERSON, slice_str(r->person));
    bool belongs = p && p->memberships.count;
    r->session = (struct session_plan){.person = r->person,
                                       .organization = belongs ? NULL : r->org,
                                       .how = r->how,
                                       .identity = doc};
    session_put(ch, &r->session);
}

static int make_person(struct change *ch, struct arrival *r, const struct oidc_settings *s)
{
    struct entity *invitations[INVITED_MAX];
    struct org *orgs[INVITED_MAX];
    size_t n = find_invitations(ch, r->who.email, invitations, orgs);
    if (!n && !s->create)
        return refuse(ch, r, OIDC_NOT_INVITED);
    struct slice name = r->who.name;
    if (!name.n || name.n > NAME_MAX)
        name = slice_of(r->who.email.p, (size_t)slice_find(r->who.email, '@'));
    person_make_id(r->person);
    struct jval *doc = change_doc(ch);
    doc_slice(ch, doc, "name", name);
    doc_slice(ch, doc, "email", r->who.email);
    doc_bool(ch, doc, "emailVerified", true);
    doc_time(ch, doc, "created", ch->now_us);
    if (doc)
        add_identity(ch, doc, r, s);
    change_put(ch, RECORD_PERSON, r->person, doc);
    for (size_t i = 0; i < n; i++) {
        int err = invitation_use(ch, invitations[i], r->person, NULL);
        if (err)
            return err;
        r->org = r->org ? r->org : org_slug(orgs[i]);
    }
    set_members(ch, r, s, NULL, orgs, n);
    return 0;
}

/* Somebody whom we know: by the identity, or by the address. */
static int take_person(struct change *ch, struct arrival *r, const struct oidc_settings *s,
                       struct person *p, bool is_linked)
{
    if (p->disabled || p->gone)
        return refuse(ch, r, OIDC_DISABLED);
    snprintf(r->person, sizeof r->person, "%s", p->e.id);
    if (!is_linked) {
        struct jval *doc = person_doc(ch, p);
        if (doc)
            add_identity(ch, doc, r, s);
        person_put(ch, p, doc);
    }
    set_members(ch, r, s, p, NULL, 0);
    return 0;
}

static int find_or_make(struct change *ch, struct arrival *r, const struct oidc_settings *s)
{
    struct person *p = find_identity(ch->access, s, r->who.subject);
    if (p)
        return take_person(ch, r, s, p, true);
    if (!r->who.email.n)
        return refuse(ch, r, OIDC_NO_EMAIL);
    if (!r->who.email_verified)
        return refuse(ch, r, OIDC_EMAIL_UNVERIFIED);
    p = map_get(&ch->access->emails, r->who.email);
    if (!p)
        return make_person(ch, r, s);
    if (!p->email_verified)
        return refuse(ch, r, OIDC_EMAIL_TAKEN);
    return take_person(ch, r, s, p, false);
}

/* Who is signed in wants it as one more way in. */
static int link_identity(struct change *ch, struct arrival *r, const struct oidc_settings *s)
{
    const struct session *mine = access_find(ch->access, RECORD_SESSION, r->link);
    struct person *p = mine && !mine->gone ? mine->person : NULL;
    struct person *owner = find_identity(ch->access, s, r->who.subject);
    if (!p || mine->expires_us <= ch->now_us)
        return change_refuse(ch, ERR_UNAUTHENTICATED, "You are not signed in any more.");
    if (p->disabled || p->gone)
        return refuse(ch, r, OIDC_DISABLED);
    if (owner && owner != p)
        return refuse(ch, r, OIDC_LINKED);
    snprintf(r->person, sizeof r->person, "%s", p->e.id);
    if (owner)
        return 0;
    struct jval *doc = person_doc(ch, p);
    if (doc)
        add_identity(ch, doc, r, s);
    if (r->who.email_verified && slice_is(r->who.email, p->email))
        doc_bool(ch, doc, "emailVerified", true);
    person_put(ch, p, doc);
    set_members(ch, r, s, p, NULL, 0);
    return 0;
}

static int prepare_arrival(struct change *ch)
{
    struct arrival *r = ch->arg;
    const struct oidc_settings *s = oidc_settings(r->oidc, r->provider);
    if (!s) /* it was taken away meanwhile */
        return refuse(ch, r, OIDC_NO_PROVIDER);
    int err = r->link.n ? link_identity(ch, r, s) : find_or_make(ch, r, s);
    if (err)
        return err;
    if (!r->link.n)
        put_session(ch, r, s);
    person_audit(ch, r->link.n ? "account:link" : "session:start", r->person);
    ch->audit.who_kind = SLICE_LIT("person");
    ch->audit.who = slice_str(r->person);
    ch->audit.who_name = slice_of("", 0);
    char *how = arena_printf(ch->arena, "oidc:%.*s", SLICE_ARG(r->provider));
    ch->audit.detail = slice_str(how);
    return 0;
}

static void arrival_free(struct arrival *r)
{
    arena_free(r->arena); /* it lies in there */
}

static void done_arrival(struct change *ch)
{
    struct arrival *r = ch->arg;
    const struct oidc_arrived out = {.fault = r->fault,
                                     .err = r->fault ? 0 : ch->err,
                                     .detail = ch->err ? ch->detail : "",
                                     .session = ch->err ? "" : r->session.secret};
    r->fn(r->arg, &out);
    arrival_free(r);
}

static struct slice keep(struct arena *a, struct slice s)
{
    return s.n ? arena_dup(a, s) : slice_of("", 0);
}

static struct arrival *arrival_new(const struct oidc_identity *who, oidc_arrived_fn *fn, void *arg)
{
    struct arena *a = arena_new();
    struct arrival *r = a ? arena_zalloc(a, sizeof *r) : NULL;
    if (!r) {
        arena_free(a);
        fn(arg, &(struct oidc_arrived){.err = ERR_NOMEM, .detail = err_info(ERR_NOMEM)->text});
        return NULL;
    }
    r->arena = a;
    r->fn = fn;
    r->arg = arg;
    r->provider = keep(a, slice_str(who->provider->id));
    r->issuer = keep(a, slice_str(who->provider->issuer));
    r->who = (struct oidc_identity){.subject = keep(a, who->subject),
                                    .email = keep(a, who->email),
                                    .email_verified = who->email_verified,
                                    .name = keep(a, who->name),
                                    .sid = keep(a, who->sid),
                                    .id_token = keep(a, who->id_token),
                                    .groups = who->groups ? jval_copy(a, who->groups) : NULL};
    return r;
}

void oidc_arrive(struct access *a, struct oidc *o, const struct key_ring *keys,
                 const struct oidc_outcome *out, struct principal *who, const struct origin *from,
                 oidc_arrived_fn *fn, void *arg)
{
    struct arrival *r = arrival_new(&out->who, fn, arg);
    if (!r)
        return;
    r->oidc = o;
    r->keys = keys;
    r->link = keep(r->arena, out->person);
    access_change(
        a,
        &(struct change_plan){
            .who = who, .from = *from, .prepare = prepare_arrival, .done = done_arrival, .arg = r});
}

/* ---- one less ---- */

void oidc_identity_id(const struct jval *identity, char ret[static OIDC_IDENTITY_ID + 1])
{
    unsigned char hash[SHA256_BYTES] = {0};
    struct buf key = {0};
    identity_key(&key, jval_string(jval_get(identity, "issuer")),
                 jval_string(jval_get(identity, "subject")));
    if (!key.failed)
        digest_sha256(buf_slice(&key), hash);
    buf_release(&key);
    for (size_t i = 0; i < OIDC_IDENTITY_ID / 2; i++)
        snprintf(ret + 2 * i, 3, "%02x", hash[i]);
}

static bool has_another_way(const struct person *p, const struct jval *identities)
{
    const struct jval *passkeys = jval_get(p->e.doc, "passkeys");
    return identities->count > 1 || (passkeys && passkeys->count) ||
           (p->email[0] && jval_string(jval_get(p->e.doc, "password")).n);
}

int oidc_unlink(struct change *ch)
{
    const struct oidc_unlinking *u = ch->arg;
    struct person *p;
    int err = change_fresh_person(ch, &p);
    if (err)
        return err;
    struct jval *doc = person_doc(ch, p), *found = NULL;
    struct jval *list = doc ? jval_get(doc, "identities") : NULL;
    for (struct jval *v = list ? list->first : NULL; v && !found; v = v->next) {
        char id[OIDC_IDENTITY_ID + 1];
        oidc_identity_id(v, id);
        found = slice_is(u->id, id) ? v : NULL;
    }
    if (!found)
        return change_refuse(ch, ERR_NOT_FOUND,
                             "There is no such account that is linked to yours.");
    if (!has_another_way(p, list))
        return change_refuse(ch, ERR_CONFLICT,
                             "It is your only way to sign in: set a password or a passkey before.");
    struct jval *kept = jval_new(ch->arena, J_ARRAY);
    for (struct jval *v = list->first; v && kept; v = v->next) {
        struct jval *copy = v == found ? NULL : jval_copy(ch->arena, v);
        if (copy)
            jval_append(kept, copy);
    }
    if (!kept || !jval_set(ch->arena, doc, SLICE_LIT("identities"), kept))
        return ERR_NOMEM;
    person_put(ch, p, doc);
    person_audit(ch, "account:unlink", p->e.id);
    return 0;
}

/* ---- goodbye ---- */

static bool is_meant(const struct session *s, const struct arrival *r)
{
    const struct jval *by = jval_get(s->e.doc, "identity");
    if (!by || !slice_eq(jval_string(jval_get(by, "issuer")), r->issuer))
        return false;
    if (r->who.subject.n && !slice_eq(jval_string(jval_get(by, "subject")), r->who.subject))
        return false;
    return !r->who.sid.n || slice_eq(jval_string(jval_get(by, "sid")), r->who.sid);
}

static int prepare_end(struct change *ch)
{
    struct arrival *r = ch->arg;
    const struct session *s;
    size_t at = 0, n = 0;
    while ((s = map_next(&ch->access->kinds[RECORD_SESSION], &at))) {
        if (!is_meant(s, r))
            continue;
        change_remove(ch, RECORD_SESSION, s->e.id);
        n++;
    }
    char *object = arena_printf(ch->arena, "provider:%.*s", SLICE_ARG(r->provider));
    char *detail = arena_printf(ch->arena, "%zu sessions, as the identity provider wants it", n);
    change_audit(ch, "session:end", object ? object : "", NULL, NULL);
    ch->audit.detail = slice_str(detail);
    return 0;
}

void oidc_end_sessions(struct access *a, const struct oidc_identity *who, const struct origin *from,
                       oidc_arrived_fn *fn, void *arg)
{
    struct arrival *r = arrival_new(who, fn, arg);
    if (!r)
        return;
    access_change(a, &(struct change_plan){.who = access_the_system(a),
                                           .from = *from,
                                           .prepare = prepare_end,
                                           .done = done_arrival,
                                           .arg = r});
}

void oidc_session_origin(const struct session *s, const struct key_ring *keys,
                         struct slice *ret_provider, struct buf *id_token)
{
    const struct jval *by = jval_get(s->e.doc, "identity");
    struct slice sealed = by ? jval_string(jval_get(by, "idToken")) : slice_of(NULL, 0);
    *ret_provider = by ? jval_string(jval_get(by, "provider")) : slice_of(NULL, 0);
    if (keys && sealed.n)
        seal_open(keys, SEALED_AS, jval_string(jval_get(by, "subject")), sealed, id_token);
}

/* principal.c - from a token, a cookie or a certificate to somebody, and what becomes of them.
 *
 * A principal is made when its credential is shown and nobody holds one of it yet, and goes with
 * the last who holds it.  What it may is worked out when it is made, and again after every change.
 */
#include "access/account.h"
#include "access/audit.h"
#include "access/knock.h"
#include "access/quota.h"
#include "access/state.h"

#include "base/clock.h"
#include "base/err.h"
#include "crypto/digest.h"

#include <stdio.h>
#include <stdlib.h>

const char *principal_kind_name(enum principal_kind kind)
{
    static const char *const names[] = {"anonymous", "person", "service", "device",
                                        "link",      "local",  "system"};
    return names[kind];
}

static char *put(char **at, const char *s, size_t n)
{
    char *p = *at;
    if (n)
        memcpy(p, s, n);
    p[n] = 0;
    *at = p + n + 1;
    return p;
}

/* With copies of its words behind it. */
static struct principal *make(struct access *a, enum principal_kind kind, const char *id,
                              const char *name, struct slice twin)
{
    size_t id_n = strlen(id), name_n = strlen(name);
    struct principal *p = calloc(1, sizeof *p + id_n + name_n + twin.n + 3);
    if (!p)
        return NULL;
    char *at = (char *)(p + 1);
    p->kind = kind;
    p->id = put(&at, id, id_n);
    p->name = put(&at, name, name_n);
    p->twin = slice_of(put(&at, twin.p, twin.n), twin.n);
    p->scopes = OPS_ALL;
    p->refs = 1;
    p->next = a->principals;
    p->at = &a->principals;
    if (p->next)
        p->next->at = &p->next;
    a->principals = p;
    return p;
}

struct principal *principal_ref(struct principal *p)
{
    p->refs++;
    return p;
}

void principal_unref(struct principal *p)
{
    if (!p || --p->refs)
        return;
    if (p->token && p->token->principal == p)
        p->token->principal = NULL;
    if (p->credential && p->credential->principal == p)
        p->credential->principal = NULL;
    *p->at = p->next;
    if (p->next)
        p->next->at = p->at;
    free(p);
}

/* ---- what it may ---- */

static bool is_over(int64_t expires_us, int64_t now_us)
{
    return expires_us && now_us >= expires_us;
}

static enum access_role role_of_person(const struct person *p, const struct org *org)
{
    const struct member *m = org ? map_get(&p->memberships, slice_str(org->e.id)) : NULL;
    return m ? m->role : ROLE_NONE;
}

static void judge_person(struct principal *p)
{
    p->gone |= p->person->gone || p->person->disabled;
    p->role = role_of_person(p->person, p->org);
    p->installation = p->person->installation;
}

static void judge_one(struct principal *p, int64_t now_us)
{
    if (p->kind == WHO_PERSON && p->person)
        judge_person(p);
    if (p->kind == WHO_SERVICE && p->service) {
        p->gone |= p->service->gone;
        p->role = p->service->role;
    }
    if (p->token) {
        p->scopes = p->token->scopes;
        p->expires_us = p->token->expires_us;
        p->gone |= p->token->gone || p->token->revoked_us;
    }
    if (p->session) {
        p->expires_us = p->session->expires_us;
        p->gone |= p->session->gone;
    }
    if (p->credential) {
        p->expires_us = p->credential->expires_us;
        p->gone |= is_over(p->credential->revoked_us, now_us);
    }
    if (p->link) {
        p->expires_us = p->expires_us && p->expires_us < p->link->expires_us ? p->expires_us
                                                                             : p->link->expires_us;
        p->gone |= p->link->gone;
    }
    p->gone |= (p->org && p->org->gone) || is_over(p->expires_us, now_us);
    if (p->kind == WHO_DEVICE)
        p->ops = ops_of_device();
    else if (!p->everything && p->kind != WHO_ANONYMOUS)
        p->ops = ops_of_role(p->role) & p->scopes;
}

void principals_judge(struct access *a)
{
    int64_t now_us = clock_now_us();
    for (struct principal *p = a->principals; p; p = p->next)
        judge_one(p, now_us);
    a->generation++;
    for (struct access_watch *w = a->watches, *next; w; w = next) {
        next = w->next;
        w->on_change(w->arg);
    }
}

void principals_forget(struct access *a, const struct entity *e)
{
    for (struct principal *p = a->principals; p; p = p->next) {
        const void *const by[] = {p->token, p->session, p->link};
        bool came_by = false;
        for (size_t i = 0; i < sizeof by / sizeof by[0]; i++)
            came_by |= by[i] == (const void *)e;
        if (!came_by)
            continue;
        p->gone = true;
        if ((const void *)p->token == (const void *)e)
            p->token = NULL;
        if ((const void *)p->session == (const void *)e)
            p->session = NULL;
        if ((const void *)p->link == (const void *)e)
            p->link = NULL;
    }
}

/* ---- who it is ---- */

static int ready(struct principal *p, struct principal **ret)
{
    if (!p)
        return ERR_NOMEM;
    judge_one(p, clock_now_us());
    if (p->gone) {
        principal_unref(p);
        return ERR_UNAUTHENTICATED;
    }
    *ret = p;
    return 0;
}

struct principal *principal_of_person(struct access *a, struct person *person, struct org *org)
{
    struct principal *p = make(a, WHO_PERSON, person->e.id, person->name, slice_of("", 0));
    if (p) {
        p->person = person;
        p->org = org;
        judge_one(p, clock_now_us());
    }
    return p;
}

static int by_api_token(struct access *a, struct api_token *t, struct principal **ret)
{
    int64_t now = clock_now_us();
    if (t->revoked_us)
        return ERR_TOKEN_REVOKED;
    if (is_over(t->expires_us, now))
        return ERR_TOKEN_EXPIRED;
    api_token_seen(a, t);
    if (t->principal) {
        *ret = principal_ref(t->principal);
        return 0;
    }
    struct principal *p =
        t->person ? make(a, WHO_PERSON, t->person->e.id, t->person->name, slice_of("", 0))
                  : make(a, WHO_SERVICE, t->service->e.id, t->service->name, slice_of("", 0));
    if (p) {
        p->person = t->person;
        p->service = t->service;
        p->org = t->service ? t->service->org : t->org;
        p->token = t;
        t->principal = p;
    }
    return ready(p, ret);
}

static int by_credential(struct access *a, struct credential *c, struct principal **ret)
{
    int64_t now = clock_now_us();
    if (is_over(c->revoked_us, now))
        return ERR_TOKEN_REVOKED;
    if (is_over(c->expires_us, now))
        return ERR_TOKEN_EXPIRED;
    if (c->principal) {
        *ret = principal_ref(c->principal);
        return 0;
    }
    struct principal *p = make(a, WHO_DEVICE, c->id, c->name, slice_str(c->twin));
    if (p) {
        p->org = access_org_of_key(a, p->twin);
        p->credential = c;
        c->principal = p;
    }
    return ready(p, ret);
}

static int by_link(struct access *a, struct grant *g, struct session *s, struct principal **ret)
{
    if (is_over(g->expires_us, clock_now_us()))
        return ERR_TOKEN_EXPIRED;
    struct principal *p = make(a, WHO_LINK, g->e.id, "a share link", slice_of("", 0));
    if (p) {
        p->org = g->org; /* ids mean those of the organisation that shares */
        p->link = g;
        p->session = s;
        p->scopes = ops_of_role(ROLE_VIEWER);
    }
    return ready(p, ret);
}

static struct slice hash_of(struct slice token, unsigned char hash[TOKEN_HASH])
{
    digest_sha256(token, hash);
    return slice_of((const char *)hash, TOKEN_HASH);
}

int access_by_token(struct access *a, struct slice token, struct principal **ret)
{
    unsigned char hash[TOKEN_HASH];
    struct slice key = hash_of(token, hash);
    void *found;
    if (a->open) {
        *ret = principal_ref(a->anonymous);
        return 0;
    }
    if ((found = map_get(&a->tokens, key)))
        return by_api_token(a, found, ret);
    if ((found = map_get(&a->credentials, key)) && !((struct credential *)found)->certificate)
        return by_credential(a, found, ret);
    if ((found = map_get(&a->links, key)))
        return by_link(a, found, NULL, ret);
    if (a->has_local && digest_equal(key, slice_of((const char *)a->local_hash, TOKEN_HASH))) {
        *ret = principal_ref(a->local);
        return 0;
    }
    return ERR_UNAUTHENTICATED;
}

int access_by_session(struct access *a, struct slice cookie, struct slice org,
                      struct principal **ret)
{
    unsigned char hash[TOKEN_HASH];
    struct session *s = map_get(&a->sessions, hash_of(cookie, hash));
    if (!s || is_over(s->expires_us, clock_now_us()))
        return ERR_UNAUTHENTICATED;
    session_seen(a, s);
    if (s->grant)
        return by_link(a, s->grant, s, ret);
    if (!s->person)
        return ERR_UNAUTHENTICATED;
    struct org *o = org.n ? access_org(a, org) : s->org;
    if (org.n && (!o || !map_get(&s->person->memberships, org)))
        return ERR_FORBIDDEN;
    struct principal *p = make(a, WHO_PERSON, s->person->e.id, s->person->name, slice_of("", 0));
    if (p) {
        p->person = s->person;
        p->session = s;
        p->org = o;
    }
    return ready(p, ret);
}

int access_by_certificate(struct access *a, struct slice org, struct slice twin,
                          struct slice fingerprint, struct principal **ret)
{
    struct credential *c =
        fingerprint.n == TOKEN_HASH ? map_get(&a->credentials, fingerprint) : NULL;
    struct org *o = access_org(a, org);
    struct buf key = {0};
    if (c && c->certificate)
        return by_credential(a, c, ret);
    if (!o)
        return ERR_UNAUTHENTICATED;
    /* issued by our own authority and not revoked: the name in it is enough */
    if (!o->first)
        buf_addf(&key, "%s~", o->e.id);
    buf_add_slice(&key, twin);
    struct principal *p =
        key.failed ? NULL : make(a, WHO_DEVICE, "certificate", "certificate", buf_slice(&key));
    buf_release(&key);
    if (p)
        p->org = o;
    return ready(p, ret);
}

struct principal *access_nobody(const struct access *a)
{
    return a->anonymous;
}

struct principal *access_anonymous(struct access *a)
{
    return principal_ref(a->anonymous);
}

struct principal *access_the_system(struct access *a)
{
    return a->system;
}

struct principal *access_ingest(struct access *a)
{
    return principal_ref(a->ingest);
}

/* ---- by their name alone ---- */

void access_put_subject(const struct principal *who, struct buf *out)
{
    if (who->kind == WHO_ANONYMOUS && who->everything)
        return;
    buf_add_str(out, principal_kind_name(who->kind));
    if (who->kind == WHO_ANONYMOUS || who->kind == WHO_LOCAL || who->kind == WHO_SYSTEM)
        return;
    buf_add_byte(out, ':');
    if (who->kind == WHO_DEVICE)
        buf_add_slice(out, who->twin);
    else
        buf_add_str(out, who->id);
}

static int person_by_id(struct access *a, struct slice id, struct org *org, struct principal **ret)
{
    struct person *person = access_find(a, RECORD_PERSON, id);
    return person ? ready(principal_of_person(a, person, org), ret) : ERR_NOT_FOUND;
}

static int service_by_id(struct access *a, struct slice id, struct principal **ret)
{
    struct service *service = access_find(a, RECORD_SERVICE, id);
    if (!service)
        return ERR_NOT_FOUND;
    struct principal *p = make(a, WHO_SERVICE, service->e.id, service->name, slice_of("", 0));
    if (p) {
        p->service = service;
        p->org = service->org;
    }
    return ready(p, ret);
}

static int device_by_key(struct access *a, struct slice key, struct principal **ret)
{
    struct org *org = access_org_of_key(a, key);
    if (!org)
        return ERR_NOT_FOUND;
    struct principal *p = make(a, WHO_DEVICE, "", "", key);
    if (p)
        p->org = org;
    return ready(p, ret);
}

int access_by_subject(struct access *a, struct slice subject, struct org *org,
                      struct principal **ret)
{
    struct slice kind = {0}, id = subject;
    struct principal *standing = NULL;
    int err = ERR_NOT_FOUND;
    slice_cut(&id, ':', &kind);
    if (slice_is(subject, "anonymous"))
        standing = a->ingest;
    else if (slice_is(subject, "local"))
        standing = a->local;
    else if (slice_is(kind, "person"))
        err = person_by_id(a, id, org, ret);
    else if (slice_is(kind, "service"))
        err = service_by_id(a, id, ret);
    else if (slice_is(kind, "device"))
        err = device_by_key(a, id, ret);
    else if (slice_is(kind, "link") && access_find(a, RECORD_GRANT, id))
        err = by_link(a, access_find(a, RECORD_GRANT, id), NULL, ret);
    if (standing) {
        *ret = principal_ref(standing);
        return 0;
    }
    return err == ERR_NOMEM || !err ? err : ERR_NOT_FOUND;
}

/* ---- the watchers ---- */

void access_watch_add(struct access *a, struct access_watch *w)
{
    w->next = a->watches;
    a->watches = w;
}

void access_watch_remove(struct access *a, struct access_watch *w)
{
    for (struct access_watch **at = &a->watches; *at; at = &(*at)->next) {
        if (*at != w)
            continue;
        *at = w->next;
        return;
    }
}

uint64_t access_generation(const struct access *a)
{
    return a->generation;
}

/* ---- those that are always there ---- */

static int make_standing(struct access *a)
{
    a->system = make(a, WHO_SYSTEM, "system", "the server", slice_of("", 0));
    a->local = make(a, WHO_LOCAL, "local", "the command line", slice_of("", 0));
    a->anonymous = make(a, WHO_ANONYMOUS, "", "nobody", slice_of("", 0));
    a->ingest = make(a, WHO_ANONYMOUS, "", "nobody", slice_of("", 0));
    if (!a->system || !a->local || !a->anonymous || !a->ingest)
        return ERR_NOMEM;
    a->ingest->org = a->first;
    a->ingest->ops = a->ingest->scopes = OP_BIT(OP_DATA_WRITE);
    struct principal *const able[] = {a->system, a->local, a->open ? a->anonymous : NULL};
    for (size_t i = 0; i < 3; i++) {
        if (!able[i])
            continue;
        able[i]->everything = able[i]->installation = true;
        able[i]->role = ROLE_ADMINISTRATOR;
        able[i]->ops = OPS_ALL;
        able[i]->org = a->first;
    }
    return 0;
}

/* Somebody's time may be over. */
static void on_tick(void *arg)
{
    struct access *a = arg;
    int64_t now_us = clock_now_us();
    refusals_turn(a, false);
    audit_tick(a);
    quotas_tick(a);
    for (struct principal *p = a->principals; p; p = p->next) {
        if (!p->gone && is_over(p->expires_us, now_us)) {
            principals_judge(a);
            return;
        }
    }
}

static int on_record(void *arg, int kind, struct slice id, struct slice doc)
{
    struct access *a = arg;
    if (kind <= 0 || kind >= RECORD_KINDS)
        return 0; /* of a newer program: kept, and not understood */
    int err = access_load(a, (enum record_kind)kind, id, doc);
    return err == ERR_NOMEM ? err : 0;
}

/* The organisation that is there from the beginning. */
static int make_first(struct access *a)
{
    static const char doc[] = "{\"name\":\"Home\",\"first\":true}";
    if (a->first)
        return 0;
    int err = catalog_record_put(a->catalog, RECORD_ORG, SLICE_LIT("home"), slice_str(doc));
    return err ? err : access_load(a, RECORD_ORG, SLICE_LIT("home"), slice_str(doc));
}

enum { TICK_MS = 1000 };

int access_new(struct loop *l, struct catalog *c, struct pool *writes,
               const struct access_opts *opts, struct access **ret)
{
    struct access *a = calloc(1, sizeof *a);
    if (!a)
        return ERR_NOMEM;
    *a = (struct access){.loop = l,
                         .catalog = c,
                         .writes = writes,
                         .reads = opts->reads ? opts->reads : writes,
                         .open = opts->open,
                         .audit_retention_us = opts->audit_retention_us,
                         .new_quotas = opts->quotas};
    a->knocks = knocks_new();
    int err = a->knocks ? catalog_record_each(c, on_record, a) : ERR_NOMEM;
    access_settle(a);
    if (!err)
        err = make_first(a);
    if (!err)
        err = make_standing(a);
    if (!err)
        err = people_new(a, opts, &a->people);
    if (!err)
        err = loop_timer_new(l, on_tick, a, &a->tick);
    if (err) {
        access_free(a);
        return err;
    }
    loop_timer_start(a->tick, TICK_MS, TICK_MS);
    audit_start(a);
    erasures_resume(a);
    people_reseal(a);
    *ret = a;
    return 0;
}

void access_stop(struct access *a)
{
    if (!a || a->stopped)
        return;
    people_stop(a->people);
    refusals_turn(a, true);
    a->stopped = true;
    loop_timer_free(a->tick);
    a->tick = NULL;
}

void access_written(struct access *a)
{
    if (a)
        audit_stop(a);
}

void access_free(struct access *a)
{
    if (!a)
        return;
    access_stop(a);
    people_free(a->people);
    principal_unref(a->system);
    principal_unref(a->local);
    principal_unref(a->anonymous);
    principal_unref(a->ingest);
    knocks_free(a->knocks);
    device_notes_release(a);
    access_unload_all(a);
    struct ruling *r;
    size_t at = 0;
    while ((r = map_next(&a->rulings, &at))) {
        free(r->kept);
        free(r);
    }
    struct map *const maps[] = {&a->tokens,           &a->sessions, &a->links,   &a->credentials,
                                &a->twin_credentials, &a->emails,   &a->rulings, &a->identities,
                                &a->refusals,         &a->passkeys};
    for (size_t i = 0; i < sizeof maps / sizeof maps[0]; i++)
        map_release(maps[i]);
    free(a);
}

struct knocks *access_knocks(struct access *a)
{
    return a->knocks;
}

const struct access_stats *access_stats(const struct access *a)
{
    return &a->stats;
}

bool access_is_open(const struct access *a)
{
    return a->open;
}

bool access_needs_setup(const struct access *a)
{
    return !a->open && !a->administrators;
}

void access_set_local(struct access *a, struct slice token)
{
    hash_of(token, a->local_hash);
    a->has_local = true;
}

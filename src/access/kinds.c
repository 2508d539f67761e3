/* kinds.c - a record of the catalog becomes what is in memory, at the start and after a change.
 *
 * One row a kind.  read() fills an entity from its document and hangs it where it is looked for;
 * drop() takes it off again.  A record that is written anew is dropped and read into the same
 * struct, so pointers to it hold.  Records are read in the order of their kinds: what is pointed to
 * comes before what points.  Credentials of devices are no entities: credentials.c. */
#include "access/documents.h"
#include "access/state.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "crypto/encode.h"

#include <ctype.h>
#include <stdlib.h>

struct access_kind {
    size_t size;
    int (*read)(struct access *a, void *entity, const struct jval *doc);
    void (*drop)(struct access *a, void *entity);
    void (*release)(void *entity); /* maps of its own; or NULL */
    bool kept; /* its memory stays when the record goes: what else is read points to it */
};

/* ---- fields of documents ---- */

static const char *text(struct entity *e, const struct jval *doc, const char *key)
{
    struct slice s = jval_string(jval_get(doc, key));
    const char *kept = arena_strndup(e->arena, s.p ? s.p : "", s.n);
    return kept ? kept : "";
}

int64_t time_read(const struct jval *doc, const char *key)
{
    int64_t t_us = 0;
    struct slice s = jval_string(jval_get(doc, key));
    return s.p && clock_parse(s, &t_us) == 0 ? t_us : 0;
}

static uint64_t count_of(const struct jval *doc, const char *key)
{
    double d;
    return jval_number(jval_get(doc, key), &d) && d >= 0 && d < 9e15 ? (uint64_t)d : 0;
}

static bool flag_of(const struct jval *doc, const char *key)
{
    const struct jval *v = jval_get(doc, key);
    return v && v->type == J_BOOL && v->boolean;
}

static enum access_role role_of(const struct jval *doc)
{
    return role_by_name(jval_string(jval_get(doc, "role")));
}

bool hash_read(const struct jval *v, unsigned char ret[TOKEN_HASH])
{
    struct slice hex = jval_string(v);
    for (size_t i = 0; i < TOKEN_HASH; i++) {
        char pair[3] = {0}, *end;
        if (hex.n != 2 * TOKEN_HASH)
            return false;
        memcpy(pair, hex.p + 2 * i, 2);
        ret[i] = (unsigned char)strtoul(pair, &end, 16);
        if (*end)
            return false;
    }
    return true;
}

struct slice hash_key(const unsigned char *hash)
{
    return slice_of((const char *)hash, TOKEN_HASH);
}

/* Behind the first "/" of an id such as "home/p_1". */
static struct slice key_of(const char *id)
{
    const char *slash = strchr(id, '/');
    return slice_str(slash ? slash + 1 : id);
}

static struct org *org_of(struct access *a, const char *id)
{
    const char *slash = strchr(id, '/');
    return access_org(a, slice_of(id, slash ? (size_t)(slash - id) : strlen(id)));
}

static uint64_t scopes_of(const struct jval *doc)
{
    const struct jval *list = jval_get(doc, "scopes");
    uint64_t set = 0;
    if (!list || list->type != J_ARRAY)
        return OPS_ALL;
    for (const struct jval *v = list->first; v; v = v->next) {
        int op = op_by_name(jval_string(v));
        if (op >= 0)
            set |= OP_BIT(op);
    }
    return set;
}

/* ---- organisations, people, members, teams, services ---- */

static int read_org(struct access *a, void *entity, const struct jval *doc)
{
    struct org *o = entity;
    const struct jval *q = jval_get(doc, "quotas");
    o->name = text(&o->e, doc, "name");
    o->prefix = arena_printf(o->e.arena, "%s~", o->e.id);
    if (!o->prefix)
        return ERR_NOMEM;
    o->created_us = time_read(doc, "created");
    o->quotas = (struct quotas){.twins = count_of(q, "twins"),
                                .series = count_of(q, "series"),
                                .readings_per_s = count_of(q, "readingsPerSecond"),
                                .storage_bytes = count_of(q, "storageBytes")};
    o->first = flag_of(doc, "first");
    o->gone = false;
    if (o->first)
        a->first = o;
    return 0;
}

static void drop_org(struct access *a, void *entity)
{
    struct org *o = entity;
    (void)a;
    o->gone = true;
}

static void release_org(void *entity)
{
    struct org *o = entity;
    map_release(&o->members);
    map_release(&o->teams);
    map_release(&o->services);
}

static void release_person(void *entity)
{
    struct person *p = entity;
    map_release(&p->memberships);
}

static void release_team(void *entity)
{
    struct team *t = entity;
    map_release(&t->members);
}

void identity_key(struct buf *out, struct slice issuer, struct slice subject)
{
    buf_add_slice(out, issuer);
    buf_add_byte(out, ' ');
    buf_add_slice(out, subject);
}

/* Each identity of the record leads to the person, or no more. */
static int index_identities(struct access *a, struct person *p, const struct jval *doc, bool add)
{
    const struct jval *list = jval_get(doc, "identities");
    struct buf key = {0};
    int err = 0;
    for (const struct jval *v = list ? list->first : NULL; v && !err; v = v->next) {
        buf_clear(&key);
        identity_key(&key, jval_string(jval_get(v, "issuer")), jval_string(jval_get(v, "subject")));
        struct slice kept = add ? arena_dup(p->e.arena, buf_slice(&key)) : buf_slice(&key);
        if (key.failed || !kept.p)
            err = ERR_NOMEM;
        else if (!add && map_get(&a->identities, kept) == p)
            map_remove(&a->identities, kept);
        else if (add)
            err = map_put(&a->identities, kept, p, NULL);
    }
    buf_release(&key);
    return err;
}

/* The same of their passkeys. */
static int index_passkeys(struct access *a, struct person *p, const struct jval *doc, bool add)
{
    const struct jval *list = jval_get(doc, "passkeys");
    int err = 0;
    for (const struct jval *v = list ? list->first : NULL; v && !err; v = v->next) {
        struct slice id = jval_string(jval_get(v, "credential"));
        if (!id.n)
            continue;
        if (add)
            err = map_put(&a->passkeys, id, p, NULL);
        else if (map_get(&a->passkeys, id) == p)
            map_remove(&a->passkeys, id);
    }
    return err;
}

static int read_person(struct access *a, void *entity, const struct jval *doc)
{
    struct person *p = entity;
    const struct jval *passkeys = jval_get(doc, "passkeys"), *ids = jval_get(doc, "identities");
    p->name = text(&p->e, doc, "name");
    p->email = text(&p->e, doc, "email");
    p->created_us = time_read(doc, "created");
    p->seen_us = time_read(doc, "seen");
    p->installation = flag_of(doc, "installation");
    p->disabled = flag_of(doc, "disabled");
    p->email_verified = flag_of(doc, "emailVerified");
    bool password = p->email[0] && jval_string(jval_get(doc, "password")).n;
    bool by_key = passkeys && passkeys->count;
    p->second_factor = jval_string(jval_get(doc, "totp")).n || (by_key && !password);
    p->provisional = !password && !by_key && !(ids && ids->count);
    p->gone = false;
    if (p->installation && !p->disabled)
        a->administrators++;
    int err = p->email[0] ? map_put(&a->emails, slice_str(p->email), p, NULL) : 0;
    if (!err)
        err = index_identities(a, p, doc, true);
    return err ? err : index_passkeys(a, p, doc, true);
}

static void drop_person(struct access *a, void *entity)
{
    struct person *p = entity;
    if (p->installation && !p->disabled)
        a->administrators--;
    if (p->email[0] && map_get(&a->emails, slice_str(p->email)) == p)
        map_remove(&a->emails, slice_str(p->email));
    index_identities(a, p, p->e.doc, false);
    index_passkeys(a, p, p->e.doc, false);
    p->gone = true;
}

static int read_member(struct access *a, void *entity, const struct jval *doc)
{
    struct member *m = entity;
    m->org = org_of(a, m->e.id);
    m->person = access_find(a, RECORD_PERSON, key_of(m->e.id));
    m->role = role_of(doc);
    m->since_us = time_read(doc, "since");
    if (!m->org || !m->person || !m->role)
        return ERR_CORRUPT;
    int err = map_put(&m->org->members, slice_str(m->person->e.id), m, NULL);
    return err ? err : map_put(&m->person->memberships, slice_str(m->org->e.id), m, NULL);
}

static void drop_member(struct access *a, void *entity)
{
    struct member *m = entity;
    (void)a;
    if (!m->org || !m->person)
        return;
    map_remove(&m->org->members, slice_str(m->person->e.id));
    map_remove(&m->person->memberships, slice_str(m->org->e.id));
}

static int read_team(struct access *a, void *entity, const struct jval *doc)
{
    struct team *t = entity;
    const struct jval *list = jval_get(doc, "members");
    t->org = org_of(a, t->e.id);
    t->name = text(&t->e, doc, "name");
    t->key = key_of(t->e.id).p;
    if (!t->org)
        return ERR_CORRUPT;
    for (const struct jval *v = list && list->type == J_ARRAY ? list->first : NULL; v; v = v->next)
        if (jval_string(v).n && map_put(&t->members, jval_string(v), t, NULL))
            return ERR_NOMEM;
    return map_put(&t->org->teams, slice_str(t->key), t, NULL);
}

static void drop_team(struct access *a, void *entity)
{
    struct team *t = entity;
    (void)a;
    map_release(&t->members);
    if (t->org)
        map_remove(&t->org->teams, slice_str(t->key));
}

static int read_service(struct access *a, void *entity, const struct jval *doc)
{
    struct service *s = entity;
    s->org = org_of(a, s->e.id);
    s->name = text(&s->e, doc, "name");
    s->key = key_of(s->e.id).p;
    s->role = role_of(doc);
    s->created_us = time_read(doc, "created");
    s->gone = false;
    if (!s->org)
        return ERR_CORRUPT;
    return map_put(&s->org->services, slice_str(s->key), s, NULL);
}

static void drop_service(struct access *a, void *entity)
{
    struct service *s = entity;
    (void)a;
    s->gone = true;
    if (s->org)
        map_remove(&s->org->services, slice_str(s->key));
}

/* ---- what shows who somebody is ---- */

static int read_token(struct access *a, void *entity, const struct jval *doc)
{
    struct api_token *t = entity;
    t->org = access_org(a, jval_string(jval_get(doc, "organization")));
    t->person = access_find(a, RECORD_PERSON, jval_string(jval_get(doc, "person")));
    t->service = access_find(a, RECORD_SERVICE, jval_string(jval_get(doc, "service")));
    t->name = text(&t->e, doc, "name");
    t->scopes = scopes_of(doc);
    t->created_us = time_read(doc, "created");
    t->expires_us = time_read(doc, "expires");
    t->used_us = time_read(doc, "used");
    t->revoked_us = time_read(doc, "revoked");
    t->gone = false;
    if (!hash_read(jval_get(doc, "hash"), t->hash) || (!t->person && !t->service))
        return ERR_CORRUPT;
    return map_put(&a->tokens, hash_key(t->hash), t, NULL);
}

static void drop_token(struct access *a, void *entity)
{
    struct api_token *t = entity;
    t->gone = true;
    if (map_get(&a->tokens, hash_key(t->hash)) == t)
        map_remove(&a->tokens, hash_key(t->hash));
}

/* That of a link is read before the link's grant; access_settle() finds it. */
static int read_session(struct access *a, void *entity, const struct jval *doc)
{
    struct session *s = entity;
    s->person = access_find(a, RECORD_PERSON, jval_string(jval_get(doc, "person")));
    s->grant = access_find(a, RECORD_GRANT, jval_string(jval_get(doc, "grant")));
    s->org = access_org(a, jval_string(jval_get(doc, "organization")));
    s->created_us = time_read(doc, "created");
    s->seen_us = time_read(doc, "seen");
    s->authenticated_us = time_read(doc, "authenticated");
    s->expires_us = time_read(doc, "expires");
    s->address = text(&s->e, doc, "address");
    s->agent = text(&s->e, doc, "agent");
    s->how = text(&s->e, doc, "how");
    s->gone = false;
    if (!hash_read(jval_get(doc, "hash"), s->hash) ||
        (!s->person && !s->grant && !jval_get(doc, "grant")))
        return ERR_CORRUPT;
    return map_put(&a->sessions, hash_key(s->hash), s, NULL);
}

static void drop_session(struct access *a, void *entity)
{
    struct session *s = entity;
    s->gone = true;
    if (map_get(&a->sessions, hash_key(s->hash)) == s)
        map_remove(&a->sessions, hash_key(s->hash));
}

/* ---- what is said about a twin or everything of an organisation ---- */

static struct ruling *ruling_for(struct access *a, struct slice key)
{
    struct ruling *r = map_get(&a->rulings, key);
    if (r)
        return r;
    r = calloc(1, sizeof *r);
    char *kept = r ? malloc(key.n + 1) : NULL;
    if (kept) {
        memcpy(kept, key.p, key.n);
        kept[key.n] = 0;
        r->kept = kept;
        r->key = slice_of(kept, key.n);
    }
    if (!kept || map_put(&a->rulings, r->key, r, NULL)) {
        free(kept);
        free(r);
        return NULL;
    }
    return r;
}

static void ruling_let_go(struct access *a, struct ruling *r)
{
    if (r->grants || r->policy)
        return;
    map_remove(&a->rulings, r->key);
    free(r->kept);
    free(r);
}

/* Of a grant's object: "twin:KEY" or "space:ORG". */
static struct slice ruling_key(struct slice object)
{
    return slice_starts(object, "twin:") ? slice_skip(object, 5) : object;
}

static bool grantee_of(struct slice kind, enum grantee *ret)
{
    static const char *const names[] = {"person", "team", "organization", "common", "link"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (!slice_is(kind, names[i]))
            continue;
        *ret = (enum grantee)i;
        return true;
    }
    return false;
}

static int read_grant(struct access *a, void *entity, const struct jval *doc)
{
    struct grant *g = entity;
    struct slice object = slice_str(text(&g->e, doc, "object"));
    const struct jval *to = jval_get(doc, "to"), *parts = jval_get(doc, "parts");
    g->twin = slice_starts(object, "twin:") ? slice_skip(object, 5) : slice_of("", 0);
    g->org = g->twin.n                        ? access_org_of_key(a, g->twin)
             : slice_starts(object, "space:") ? access_org(a, slice_skip(object, 6))
                                              : NULL;
    g->role = role_of(doc);
    g->to_id = text(&g->e, to, "id");
    g->to_email = text(&g->e, to, "email");
    g->created_us = time_read(doc, "created");
    g->expires_us = time_read(doc, "expires");
    g->by = text(&g->e, doc, "by");
    g->gone = false;
    g->parts_n = 0;
    if (!g->org || !g->role || !grantee_of(jval_string(jval_get(to, "kind")), &g->to) ||
        (g->to == TO_LINK && !hash_read(jval_get(doc, "hash"), g->hash)))
        return ERR_CORRUPT;
    g->parts = arena_zalloc(g->e.arena, (parts ? parts->count : 0) * sizeof *g->parts + 1);
    for (const struct jval *v = parts ? parts->first : NULL; v && g->parts; v = v->next)
        g->parts[g->parts_n++] = jval_string(v);
    struct ruling *r = ruling_for(a, ruling_key(object));
    if (!g->parts || !r)
        return ERR_NOMEM;
    g->next = r->grants;
    r->grants = g;
    g->org->ruled++;
    return g->to == TO_LINK ? map_put(&a->links, hash_key(g->hash), g, NULL) : 0;
}

static void drop_grant(struct access *a, void *entity)
{
    struct grant *g = entity;
    struct slice key = ruling_key(jval_string(jval_get(g->e.doc, "object")));
    struct ruling *r = map_get(&a->rulings, key);
    g->gone = true;
    if (g->to == TO_LINK && map_get(&a->links, hash_key(g->hash)) == g)
        map_remove(&a->links, hash_key(g->hash));
    for (struct grant **at = r ? &r->grants : NULL; at && *at; at = &(*at)->next) {
        if (*at != g)
            continue;
        *at = g->next;
        g->org->ruled--;
        ruling_let_go(a, r);
        return;
    }
}

static uint8_t rights_of(const struct jval *list)
{
    static const char *const names[] = {
        [RIGHT_READ] = "read", [RIGHT_WRITE] = "write", [RIGHT_EXECUTE] = "execute"};
    uint8_t set = 0;
    for (const struct jval *v = list && list->type == J_ARRAY ? list->first : NULL; v; v = v->next)
        for (unsigned i = 0; i < 3; i++)
            if (slice_is(jval_string(v), names[i]))
                set |= (uint8_t)(1u << i);
    return set;
}

static size_t count_rules(const struct jval *entries)
{
    size_t n = 0;
    for (const struct jval *e = entries ? entries->first : NULL; e; e = e->next) {
        const struct jval *s = jval_get(e, "subjects"), *r = jval_get(e, "resources");
        n += s && r ? s->count * r->count : 0;
    }
    return n;
}

static int read_policy(struct access *a, void *entity, const struct jval *doc)
{
    struct policy *p = entity;
    const struct jval *entries = jval_get(doc, "entries");
    struct slice key = slice_str(p->e.id);
    struct org *org = access_org_of_key(a, key);
    p->rules_n = 0;
    p->rules = arena_zalloc(p->e.arena, count_rules(entries) * sizeof *p->rules + 1);
    struct ruling *ruling = org && p->rules ? ruling_for(a, key) : NULL;
    if (!ruling)
        return org ? ERR_NOMEM : ERR_CORRUPT;
    for (const struct jval *e = entries ? entries->first : NULL; e; e = e->next) {
        const struct jval *subjects = jval_get(e, "subjects"),
                          *resources = jval_get(e, "resources");
        for (const struct jval *s = subjects ? subjects->first : NULL; s; s = s->next)
            for (const struct jval *r = resources ? resources->first : NULL; r; r = r->next)
                p->rules[p->rules_n++] =
                    (struct policy_rule){.subject = jval_string(s),
                                         .resource = r->key,
                                         .grants = rights_of(jval_get(r, "grant")),
                                         .revokes = rights_of(jval_get(r, "revoke"))};
    }
    ruling->policy = p;
    org->ruled++;
    return 0;
}

static void drop_policy(struct access *a, void *entity)
{
    struct policy *p = entity;
    struct ruling *r = map_get(&a->rulings, slice_str(p->e.id));
    struct org *org = access_org_of_key(a, slice_str(p->e.id));
    if (!r || r->policy != p)
        return;
    r->policy = NULL;
    if (org)
        org->ruled--;
    ruling_let_go(a, r);
}

/* Kept as a document alone; whoever uses it reads its members. */
static int read_plain(struct access *a, void *entity, const struct jval *doc)
{
    (void)a, (void)entity, (void)doc;
    return 0;
}

static void drop_plain(struct access *a, void *entity)
{
    (void)a, (void)entity;
}

static const struct access_kind kinds[RECORD_KINDS] = {
    [RECORD_ORG] = {sizeof(struct org), read_org, drop_org, release_org, true},
    [RECORD_PERSON] = {sizeof(struct person), read_person, drop_person, release_person, true},
    [RECORD_MEMBER] = {sizeof(struct member), read_member, drop_member, NULL, false},
    [RECORD_TEAM] = {sizeof(struct team), read_team, drop_team, release_team, false},
    [RECORD_SERVICE] = {sizeof(struct service), read_service, drop_service, NULL, true},
    [RECORD_TOKEN] = {sizeof(struct api_token), read_token, drop_token, NULL, false},
    [RECORD_SESSION] = {sizeof(struct session), read_session, drop_session, NULL, false},
    [RECORD_GRANT] = {sizeof(struct grant), read_grant, drop_grant, NULL, false},
    [RECORD_POLICY] = {sizeof(struct policy), read_policy, drop_policy, NULL, false},
    [RECORD_INVITATION] = {sizeof(struct entity), read_plain, drop_plain, NULL, false},
    [RECORD_REQUEST] = {sizeof(struct entity), read_plain, drop_plain, NULL, false},
    [RECORD_PROVIDER] = {sizeof(struct entity), read_plain, drop_plain, NULL, false},
    [RECORD_CLAIM] = {sizeof(struct entity), read_plain, drop_plain, NULL, false},
    [RECORD_PROVISIONING] = {sizeof(struct entity), read_plain, drop_plain, NULL, false},
    [RECORD_SETTING] = {sizeof(struct entity), read_plain, drop_plain, NULL, false},
    [RECORD_DOCUMENT] = {sizeof(struct document), document_read, document_drop, NULL, false},
};

/* ---- loading ---- */

void *access_find(const struct access *a, enum record_kind kind, struct slice id)
{
    return id.n ? map_get(&a->kinds[kind], id) : NULL;
}

static void entity_free(struct entity *e)
{
    arena_free(e->arena);
    free(e->id);
    free(e);
}

/* The entity of this id, made when it is not there. */
static struct entity *entity_for(struct access *a, enum record_kind kind, struct slice id)
{
    struct entity *e = map_get(&a->kinds[kind], id);
    if (e)
        return e;
    e = calloc(1, kinds[kind].size);
    if (!e || !(e->id = malloc(id.n + 1))) {
        free(e);
        return NULL;
    }
    memcpy(e->id, id.p, id.n);
    e->id[id.n] = 0;
    if (map_put(&a->kinds[kind], slice_of(e->id, id.n), e, NULL)) {
        free(e->id);
        free(e);
        return NULL;
    }
    return e;
}

static int entity_load(struct access *a, enum record_kind kind, struct slice id,
                       struct arena *arena, const struct jval *doc)
{
    struct entity *e = entity_for(a, kind, id);
    if (!e)
        return ERR_NOMEM;
    struct arena *old = e->arena;
    if (old)
        kinds[kind].drop(a, e);
    e->arena = arena;
    e->doc = doc;
    int err = kinds[kind].read(a, e, doc);
    arena_free(old);
    return err;
}

int access_load(struct access *a, enum record_kind kind, struct slice id, struct slice doc)
{
    struct arena *arena = arena_new();
    struct slice kept = arena ? arena_dup(arena, doc) : doc;
    struct jval *root;
    int err = !arena || !kept.p ? ERR_NOMEM : jdoc_parse(arena, kept, &root, NULL);
    if (err == ERR_MALFORMED)
        err = ERR_CORRUPT;
    if (!err && kind == RECORD_CREDENTIAL) {
        err = credential_load(a, id, root);
        arena_free(arena);
    } else if (!err && kinds[kind].size) {
        err = entity_load(a, kind, id, arena, root); /* it has the arena now */
    } else {
        arena_free(arena);
    }
    if (err)
        log_error("access", "the record %d %.*s cannot be read: %s", (int)kind, SLICE_ARG(id),
                  err_info(err)->text);
    return err;
}

void access_unload(struct access *a, enum record_kind kind, struct slice id)
{
    if (kind == RECORD_CREDENTIAL) {
        struct credential *c = map_get(&a->kinds[kind], id);
        if (c)
            credential_unload(a, c);
        return;
    }
    struct entity *e = map_get(&a->kinds[kind], id);
    if (!e)
        return;
    kinds[kind].drop(a, e);
    map_remove(&a->kinds[kind], slice_str(e->id));
    principals_forget(a, e);
    if (kinds[kind].kept) { /* others may point to it */
        if (kinds[kind].release)
            kinds[kind].release(e);
        e->next = a->graveyard;
        a->graveyard = e;
        return;
    }
    entity_free(e);
}

void access_settle(struct access *a)
{
    struct session *s;
    size_t at = 0;
    while ((s = map_next(&a->kinds[RECORD_SESSION], &at)))
        if (!s->person && !s->grant)
            s->grant = access_find(a, RECORD_GRANT, jval_string(jval_get(s->e.doc, "grant")));
}

void access_unload_all(struct access *a)
{
    struct credential *c;
    size_t at = 0;
    while ((c = map_next(&a->kinds[RECORD_CREDENTIAL], &at)))
        free(c);
    for (int kind = RECORD_KINDS - 1; kind > 0; kind--) {
        struct entity *e;
        at = 0;
        while (kind != RECORD_CREDENTIAL && (e = map_next(&a->kinds[kind], &at))) {
            if (kinds[kind].release)
                kinds[kind].release(e);
            entity_free(e);
        }
        map_release(&a->kinds[kind]);
    }
    for (struct entity *e = a->graveyard, *next; e; e = next) {
        next = e->next;
        entity_free(e);
    }
}

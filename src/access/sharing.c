/* sharing.c - grants and links.
 *
 *     {"object":"twin:KEY"|"space:ORG","twinCreated","to":{"kind","id"|"email"},"role","parts"?,
 *      "created","expires"?,"by","byName","hash"?}
 *
 * Somebody of one's own organisation is named by id or address.  Who is elsewhere can only be named
 * by address, and an organisation by its slug, and neither is looked up: the answer is the same
 * whether they exist or not, and the grant holds for whoever has that address, believed to be
 * theirs
 * ("emailVerified"), when they come.  So nothing here tells who has an account. */
#include "access/sharing.h"

#include "access/orgs.h"
#include "access/sessions.h"
#include "base/clock.h"
#include "base/err.h"

#include <stdio.h>
#include <stdlib.h>

static const char *const grantees[] = {"person", "team", "organization", "common", "link"};

const char *grantee_name(enum grantee to)
{
    return grantees[to];
}

/* ---- objects ---- */

int sharing_object(const struct access *a, const struct principal *who, struct slice text,
                   struct buf *scratch, struct access_object *ret)
{
    struct access_object o = {0};
    if (slice_starts(text, "space:")) {
        o.org = access_org(a, slice_skip(text, 6));
    } else if (slice_starts(text, "twin:") && text.n > 5) {
        int err = access_key(a, who, slice_skip(text, 5), scratch, &o.twin, &o.org);
        if (err)
            return err;
        if (!twin_stamp(a, o.twin))
            return ERR_NOT_FOUND;
    } else {
        return ERR_INVALID;
    }
    if (!o.org)
        return ERR_NOT_FOUND;
    *ret = o;
    return 0;
}

static int ask_object(struct change *ch, struct slice text, struct access_object *ret)
{
    struct buf scratch = {0};
    int err = sharing_object(ch->access, ch->who, text, &scratch, ret);
    if (!err && ret->twin.n)
        ret->twin = arena_dup(ch->arena, ret->twin);
    buf_release(&scratch);
    if (err == ERR_INVALID)
        return change_refuse(ch, err, "\"object\" is twin:ID or space:ORGANIZATION.");
    return err ? change_refuse(ch, err, "There is nothing of that name.") : 0;
}

/* One who shares a twin answers for the twin; everything is the administrators' to share. */
static int check_share(struct change *ch, const struct access_object *o)
{
    int err = change_check(ch, OP_SHARE, o);
    if (err == ERR_NOT_FOUND)
        return change_refuse(ch, err, "There is nothing of that name.");
    if (!err && !o->twin.n)
        err = change_check(ch, OP_ORGANIZATION_MANAGE, o);
    if (!err)
        ch->audit.org = slice_str(o->org->e.id);
    return err;
}

static struct slice ruling_name(const struct access_object *o, struct buf *scratch)
{
    if (o->twin.n)
        return o->twin;
    buf_addf(scratch, "space:%s", o->org->e.id);
    return buf_slice(scratch);
}

const struct grant *sharing_grants(const struct access *a, const struct access_object *o)
{
    struct buf name = {0};
    const struct ruling *r = map_get(&a->rulings, ruling_name(o, &name));
    buf_release(&name);
    return r && !r->lost ? r->grants : NULL;
}

void grant_put_object(const struct access *a, const struct principal *who, const struct grant *g,
                      struct buf *out)
{
    buf_add_str(out, g->twin.n ? "twin:" : "space:");
    if (g->twin.n)
        access_put_id(a, who, g->twin, out);
    else
        buf_add_str(out, g->org->e.id);
}

/* ---- to whom ---- */

struct target {
    enum grantee to;
    struct slice id, email;
};

static int find_kind(struct change *ch, const struct jval *to, enum grantee *ret)
{
    struct slice kind = jval_string(jval_get(to, "kind"));
    for (size_t i = 0; i < sizeof grantees / sizeof grantees[0]; i++) {
        if (!slice_is(kind, grantees[i]))
            continue;
        *ret = (enum grantee)i;
        return 0;
    }
    return change_refuse(ch, ERR_INVALID,
                         "\"to\" has a \"kind\": person, team, organization, common or link.");
}

static int find_person(struct change *ch, const struct jval *to, const struct org *org,
                       struct target *t)
{
    if (!jval_get(to, "email") == !t->id.n)
        return change_refuse(ch, ERR_INVALID, "A person is named by \"id\" or by \"email\".");
    int err = ask_email(ch, to, &t->email);
    if (err)
        return err;
    struct person *p = t->email.n ? map_get(&ch->access->emails, t->email) : NULL;
    if (p && map_get(&org->members, slice_str(p->e.id)))
        *t = (struct target){.to = TO_PERSON, .id = slice_str(p->e.id)};
    if (t->id.n && !map_get(&org->members, t->id))
        return change_refuse(ch, ERR_NOT_FOUND,
                             "%s has no such member. Name who is elsewhere by \"email\".",
                             org->e.id);
    return 0;
}

static int read_target(struct change *ch, const struct jval *to, const struct org *org,
                       struct target *t)
{
    static const char *const by_kind[][4] = {[TO_PERSON] = {"kind", "id", "email", NULL},
                                             [TO_TEAM] = {"kind", "id", NULL},
                                             [TO_ORGANIZATION] = {"kind", "id", NULL},
                                             [TO_COMMON] = {"kind", NULL},
                                             [TO_LINK] = {"kind", NULL}};
    int err = find_kind(ch, to, &t->to);
    if (!err)
        err = ask_only(ch, to, by_kind[t->to]);
    if (!err)
        err = ask_text(ch, to, "id", 64, t->to == TO_TEAM || t->to == TO_ORGANIZATION, &t->id);
    if (!err && t->to == TO_PERSON)
        err = find_person(ch, to, org, t);
    if (!err && t->to == TO_TEAM && !map_get(&org->teams, t->id))
        err = change_refuse(ch, ERR_NOT_FOUND, "%s has no such team.", org->e.id);
    if (!err && t->to == TO_ORGANIZATION && !org_is_slug(t->id))
        err = change_refuse(ch, ERR_INVALID, "\"id\" is that of an organisation, such as acme.");
    if (!err && t->to == TO_ORGANIZATION && slice_is(t->id, org->e.id))
        err = change_refuse(ch, ERR_CONFLICT, "%s has it: a role or a policy tells who there may.",
                            org->e.id);
    return err;
}

/* ---- what ---- */

static int read_parts(struct change *ch, const struct jval *body, const struct access_object *o,
                      const struct jval **ret)
{
    const struct jval *parts = NULL;
    int err = ask_list(ch, body, "parts", PARTS_MAX_LISTED, &parts);
    if (!err && parts && parts->count && !o->twin.n)
        err = change_refuse(ch, ERR_INVALID, "\"parts\" are of a twin.");
    for (const struct jval *v = parts && !err ? parts->first : NULL; v && !err; v = v->next)
        if (!resource_is_valid(v->text))
            err = change_refuse(ch, ERR_INVALID,
                                "\"%.*s\" is no part: /profile, /sensors/temp-*, /commands, "
                                "/settings and /history are some.",
                                (int)(v->text.n > 80 ? 80 : v->text.n), v->text.p);
    if (!err)
        *ret = parts;
    return err;
}

static int read_role(struct change *ch, const struct jval *body, enum grantee to,
                     enum access_role *ret)
{
    enum access_role role = to == TO_LINK ? ROLE_VIEWER : *ret;
    int err = ask_role(ch, body, to != TO_LINK && !*ret, &role);
    if (!err && to == TO_LINK && role != ROLE_VIEWER)
        err = change_refuse(ch, ERR_INVALID, "A link is for looking: its role is viewer.");
    if (!err && role == ROLE_ADMINISTRATOR)
        err = change_refuse(ch, ERR_INVALID, "A grant gives the role viewer, operator or editor.");
    if (!err)
        *ret = role;
    return err;
}

static int read_expires(struct change *ch, const struct jval *body, enum grantee to, int64_t *ret)
{
    bool link = to == TO_LINK;
    return ask_expires(ch, body, link ? LINK_EXPIRES_US : 0,
                       link ? LINK_EXPIRES_MOST_US : 3650 * DAY_US, ret);
}

static bool is_to(const struct grant *g, const struct target *t)
{
    return g->to == t->to && slice_is(t->id, g->to_id) && slice_is(t->email, g->to_email);
}

/* Those that are over go on this occasion. */
static int check_others(struct change *ch, const struct access_object *o, const struct target *t,
                        enum access_role role)
{
    size_t n = 0;
    for (const struct grant *g = sharing_grants(ch->access, o); g; g = g->next) {
        if (g->expires_us && ch->now_us >= g->expires_us) {
            forget_grant(ch, g);
            continue;
        }
        n++;
        if (t->to != TO_LINK && is_to(g, t) && g->role == role)
            return change_refuse(ch, ERR_EXISTS,
                                 "It is shared so already; change the grant %s for other parts or "
                                 "another end.",
                                 g->e.id);
    }
    if (n >= GRANTS_MAX)
        return change_refuse(ch, ERR_LIMIT, "It is shared %d times, and no more can be.",
                             GRANTS_MAX);
    return 0;
}

/* ---- the record ---- */

static struct jval *target_doc(struct change *ch, const struct target *t)
{
    struct jval *to = change_doc(ch);
    doc_string(ch, to, "kind", grantees[t->to]);
    if (t->id.n)
        doc_slice(ch, to, "id", t->id);
    if (t->email.n)
        doc_slice(ch, to, "email", t->email);
    return to;
}

static struct jval *grant_doc(struct change *ch, const struct access_object *o,
                              const struct target *t, enum access_role role)
{
    struct jval *doc = change_doc(ch), *to = target_doc(ch, t);
    const char *object = o->twin.n ? arena_printf(ch->arena, "twin:%.*s", SLICE_ARG(o->twin))
                                   : arena_printf(ch->arena, "space:%s", o->org->e.id);
    doc_string(ch, doc, "object", object);
    doc_twin_stamp(ch, doc, o->twin);
    if (doc && to)
        jval_set(ch->arena, doc, SLICE_LIT("to"), to);
    doc_string(ch, doc, "role", role_name(role));
    doc_time(ch, doc, "created", ch->now_us);
    doc_string(ch, doc, "by", ch->who->id);
    return doc;
}

static void put_parts(struct change *ch, struct jval *doc, const struct jval *parts)
{
    struct jval *copy = parts ? jval_copy(ch->arena, parts) : NULL;
    if (copy && copy->count)
        jval_set(ch->arena, doc, SLICE_LIT("parts"), copy);
    else if (parts)
        jval_remove(doc, SLICE_LIT("parts"));
}

static void audit_grant(struct change *ch, const struct jval *before, const struct jval *after)
{
    const char *object = arena_printf(
        ch->arena, "%.*s", SLICE_ARG(jval_string(jval_get(before ? before : after, "object"))));
    const char *colon = object ? strchr(object, ':') : NULL;
    const char *kind = colon ? arena_strndup(ch->arena, object, (size_t)(colon - object)) : NULL;
    ask_audit(ch, OP_SHARE, kind ? kind : "grant", colon ? colon + 1 : "", before, after);
}

int grant_make(struct change *ch)
{
    static const char *const members[] = {"object", "to", "role", "parts", "expires", NULL};
    struct ask *ask = ask_of(ch);
    const struct jval *parts = NULL;
    enum access_role role = ROLE_NONE;
    struct access_object o;
    struct target t = {0};
    struct token token;
    int64_t expires_us = 0;
    int err = ask_only(ch, ask->body, members);
    if (!err)
        err = ask_object(ch, jval_string(jval_get(ask->body, "object")), &o);
    if (!err)
        err = check_share(ch, &o);
    if (!err)
        err = read_target(ch, jval_get(ask->body, "to"), o.org, &t);
    if (!err)
        err = read_role(ch, ask->body, t.to, &role);
    if (!err)
        err = read_parts(ch, ask->body, &o, &parts);
    if (!err)
        err = read_expires(ch, ask->body, t.to, &expires_us);
    if (!err)
        err = sharing_may_give(ch, &o, role, parts);
    if (!err)
        err = check_others(ch, &o, &t, role);
    if (err)
        return err;
    struct jval *doc = grant_doc(ch, &o, &t, role);
    char id[32];
    ask_new_id("g_", id);
    snprintf(ask->made, sizeof ask->made, "%s", id);
    put_parts(ch, doc, parts);
    doc_time(ch, doc, "expires", expires_us);
    if (t.to == TO_LINK) {
        token_make(TOKEN_LINK, ask->secret, &token);
        doc_hash(ch, doc, token.hash);
    }
    change_put(ch, RECORD_GRANT, ask->made, doc);
    audit_grant(ch, NULL, doc);
    return 0;
}

int grant_to_person(struct change *ch, const struct access_object *o, const char *person,
                    enum access_role role, const struct jval **ret_doc)
{
    struct target t = {.to = TO_PERSON, .id = slice_str(person)};
    int err = check_others(ch, o, &t, role);
    if (err)
        return err;
    char id[32];
    struct jval *doc = grant_doc(ch, o, &t, role);
    ask_new_id("g_", id);
    change_put(ch, RECORD_GRANT, id, doc);
    *ret_doc = doc;
    return 0;
}

/* ---- one that is there ---- */

static int find_grant(struct change *ch, struct grant **ret, struct access_object *ret_object)
{
    struct grant *g = access_find(ch->access, RECORD_GRANT, ask_of(ch)->id);
    if (!g)
        return change_refuse(ch, ERR_NOT_FOUND, "There is no such grant.");
    *ret_object = (struct access_object){.org = g->org, .twin = g->twin};
    int err = check_share(ch, ret_object);
    if (err == ERR_NOT_FOUND)
        return change_refuse(ch, err, "There is no such grant.");
    *ret = g;
    return err;
}

int grant_change(struct change *ch)
{
    static const char *const members[] = {"role", "parts", "expires", NULL};
    const struct jval *body = ask_of(ch)->body;
    struct grant *g = NULL;
    struct access_object o;
    int err = find_grant(ch, &g, &o);
    if (!err)
        err = ask_only(ch, body, members);
    if (err)
        return err;
    const struct jval *parts = jval_get(g->e.doc, "parts");
    enum access_role role = g->role;
    int64_t expires_us = g->expires_us;
    err = read_role(ch, body, g->to, &role);
    if (!err && jval_get(body, "parts"))
        err = read_parts(ch, body, &o, &parts);
    if (!err && jval_get(body, "expires"))
        err = read_expires(ch, body, g->to, &expires_us);
    if (!err)
        err = sharing_may_give(ch, &o, role, parts);
    if (err)
        return err;
    struct jval *doc = doc_copy(ch, g->e.doc);
    doc_string(ch, doc, "role", role_name(role));
    put_parts(ch, doc, parts);
    jval_remove(doc, SLICE_LIT("expires"));
    doc_time(ch, doc, "expires", expires_us);
    change_put(ch, RECORD_GRANT, g->e.id, doc);
    audit_grant(ch, g->e.doc, doc);
    return 0;
}

int grant_remove(struct change *ch)
{
    struct grant *g = NULL;
    struct access_object o;
    int err = find_grant(ch, &g, &o);
    if (err)
        return err;
    audit_grant(ch, g->e.doc, NULL);
    forget_grant(ch, g);
    return 0;
}

/* ---- links ---- */

/* Whoever has the link can come in again: the oldest of very many sessions goes. */
static void make_room(struct change *ch, const struct grant *g)
{
    struct session *s, *oldest = NULL;
    size_t at = 0, n = 0;
    while ((s = map_next(&ch->access->kinds[RECORD_SESSION], &at))) {
        if (s->grant != g)
            continue;
        n++;
        if (!oldest || s->created_us < oldest->created_us)
            oldest = s;
    }
    if (n >= LINK_SESSIONS_MAX)
        change_remove(ch, RECORD_SESSION, oldest->e.id);
}

int link_enter(struct change *ch)
{
    static const char *const members[] = {"token", NULL};
    struct ask *ask = ask_of(ch);
    struct token token;
    int err = ask_only(ch, ask->body, members);
    if (err)
        return err;
    struct slice text = jval_string(jval_get(ask->body, "token"));
    bool good = token_read(text, &token) == 0 && token.kind == TOKEN_LINK;
    const struct grant *g =
        good ? map_get(&ch->access->links, slice_of((const char *)token.hash, TOKEN_HASH)) : NULL;
    if (!g)
        return change_refuse(ch, ERR_UNAUTHENTICATED,
                             "There is no such link; it may have been taken back.");
    if (g->expires_us && ch->now_us >= g->expires_us)
        return change_refuse(ch, ERR_TOKEN_EXPIRED, "The link has expired.");
    /* who is signed in and sees it anyway goes on as who they are */
    if (ch->who->session && access_may(ch->access, ch->who, OP_TWIN_READ,
                                       &(struct access_object){.org = g->org, .twin = g->twin}))
        return 0;
    struct session_plan session = {.grant = g, .organization = g->org->e.id, .how = "link"};
    make_room(ch, g);
    session_put(ch, &session);
    memcpy(ask->secret, session.secret, sizeof ask->secret);
    ask_audit(ch, OP_TWIN_READ, "link", g->e.id, NULL, NULL);
    ch->audit.org = slice_str(g->org->e.id);
    return 0;
}

/* ---- what is shared with somebody ---- */

static int by_key(const void *a, const void *b)
{
    const struct shared *x = a, *y = b;
    size_t least = x->twin.n < y->twin.n ? x->twin.n : y->twin.n;
    int order = least ? memcmp(x->twin.p, y->twin.p, least) : 0;
    if (!order && x->twin.n != y->twin.n)
        order = x->twin.n < y->twin.n ? -1 : 1;
    return order ? order : strcmp(x->org->e.id, y->org->e.id);
}

static bool is_shared(const struct principal *who, const struct grant *g, int64_t now_us)
{
    return (!g->expires_us || now_us < g->expires_us) && access_is_grantee(who, g) &&
           role_of_asker(who, g->org) == ROLE_NONE;
}

/* Each once, with the highest role. */
static size_t merge(struct shared *list, size_t n)
{
    size_t kept = 0;
    qsort(list, n, sizeof *list, by_key);
    for (size_t i = 0; i < n; i++) {
        if (kept && by_key(&list[kept - 1], &list[i]) == 0) {
            if (list[i].role > list[kept - 1].role)
                list[kept - 1].role = list[i].role;
            continue;
        }
        list[kept++] = list[i];
    }
    return kept;
}

int sharing_list(const struct access *a, const struct principal *who, struct shared **ret_list,
                 size_t *ret_n)
{
    struct shared *list = calloc(a->kinds[RECORD_GRANT].count + 1, sizeof *list);
    const struct grant *g;
    size_t at = 0, n = 0;
    int64_t now_us = clock_now_us();
    if (!list)
        return ERR_NOMEM;
    while ((g = map_next(&a->kinds[RECORD_GRANT], &at)))
        if (is_shared(who, g, now_us))
            list[n++] = (struct shared){
                .org = g->org, .twin = g->twin, .role = access_granted_role(who, g)};
    *ret_n = n ? merge(list, n) : 0;
    *ret_list = list;
    return 0;
}

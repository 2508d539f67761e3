/* forget.c - what goes with somebody or something, in the same change. */
#include "access/documents.h"
#include "access/orgs.h"

#include "base/err.h"

#include <stdio.h>

int keep_an_administrator(struct change *ch, const struct member *m)
{
    struct member *other;
    size_t at = 0;
    if (m->role != ROLE_ADMINISTRATOR)
        return 0;
    while ((other = map_next(&m->org->members, &at)))
        if (other != m && other->role == ROLE_ADMINISTRATOR && !other->person->disabled)
            return 0;
    return change_refuse(ch, ERR_CONFLICT,
                         "%s is the only administrator of %s; make somebody else one before.",
                         m->person->name, m->org->e.id);
}

/* Records that are kept as documents alone, with a member that has this text, and in org when that
 * is named. */
static void forget_plain(struct change *ch, enum record_kind kind, const char *key,
                         const char *text, const struct org *org)
{
    struct entity *e;
    size_t at = 0;
    while ((e = map_next(&ch->access->kinds[kind], &at)))
        if (slice_is(doc_text(e, key), text) &&
            (!org || slice_is(doc_text(e, "organization"), org->e.id)))
            change_remove(ch, kind, e->id);
}

static void forget_tokens(struct change *ch, const struct person *p, const struct service *s,
                          const struct org *org)
{
    struct api_token *t;
    size_t at = 0;
    while ((t = map_next(&ch->access->kinds[RECORD_TOKEN], &at)))
        if ((p && t->person == p && (!org || t->org == org)) || (s && t->service == s) ||
            (!p && !s && t->org == org))
            change_remove(ch, RECORD_TOKEN, t->e.id);
}

/* Who came by a link goes with it. */
void forget_grant(struct change *ch, const struct grant *g)
{
    struct session *s;
    size_t at = 0;
    while (g->to == TO_LINK && (s = map_next(&ch->access->kinds[RECORD_SESSION], &at)))
        if (s->grant == g)
            change_remove(ch, RECORD_SESSION, s->e.id);
    change_remove(ch, RECORD_GRANT, g->e.id);
}

/* Grants to somebody, or everything that is granted on what an organisation has. */
static void forget_grants(struct change *ch, enum grantee to, const char *id, const struct org *of)
{
    struct grant *g;
    size_t at = 0;
    while ((g = map_next(&ch->access->kinds[RECORD_GRANT], &at)))
        if ((!of || g->org == of) && (!id || (g->to == to && strcmp(g->to_id, id) == 0)))
            forget_grant(ch, g);
}

static void leave_team(struct change *ch, const struct team *t, const char *person)
{
    struct jval *doc = doc_copy(ch, t->e.doc);
    doc_list_change(ch, doc, "members", slice_str(person), false);
    change_put(ch, RECORD_TEAM, t->e.id, doc);
}

/* Somebody who has left keeps nothing that they were given there, and nothing of theirs lets
 * another in. */
void forget_membership(struct change *ch, const struct member *m)
{
    const char *person = m->person->e.id;
    struct team *t;
    size_t at = 0;
    while ((t = map_next(&m->org->teams, &at)))
        if (map_get(&t->members, slice_str(person)))
            leave_team(ch, t, person);
    forget_tokens(ch, m->person, NULL, m->org);
    forget_grants(ch, TO_PERSON, person, m->org);
    forget_plain(ch, RECORD_REQUEST, "person", person, m->org);
    forget_plain(ch, RECORD_INVITATION, "by", person, m->org);
    change_remove(ch, RECORD_MEMBER, m->e.id);
}

int forget_person(struct change *ch, const struct person *p)
{
    struct member *m;
    size_t at = 0;
    int err = 0;
    while ((m = map_next(&p->memberships, &at)) && !err)
        err = keep_an_administrator(ch, m);
    if (err)
        return err;
    for (at = 0; (m = map_next(&p->memberships, &at));)
        forget_membership(ch, m);
    forget_tokens(ch, p, NULL, NULL);
    forget_grants(ch, TO_PERSON, p->e.id, NULL);
    forget_plain(ch, RECORD_REQUEST, "person", p->e.id, NULL);
    return 0;
}

void forget_team(struct change *ch, const struct team *t)
{
    forget_grants(ch, TO_TEAM, t->key, t->org);
    change_remove(ch, RECORD_TEAM, t->e.id);
}

void forget_service(struct change *ch, const struct service *s)
{
    forget_tokens(ch, NULL, s, NULL);
    change_remove(ch, RECORD_SERVICE, s->e.id);
}

/* Sessions in an organisation that goes are in another of the person's, or in none. */
static void move_sessions(struct change *ch, const struct org *o)
{
    struct session *s;
    size_t at = 0;
    while ((s = map_next(&ch->access->kinds[RECORD_SESSION], &at))) {
        if (s->org != o || s->grant)
            continue;
        struct jval *doc = doc_copy(ch, s->e.doc);
        struct member *m;
        size_t other = 0;
        jval_remove(doc, SLICE_LIT("organization"));
        while (s->person && (m = map_next(&s->person->memberships, &other))) {
            if (m->org == o)
                continue;
            doc_string(ch, doc, "organization", m->org->e.id);
            break;
        }
        change_put(ch, RECORD_SESSION, s->e.id, doc);
    }
}

void forget_org(struct change *ch, const struct org *o)
{
    struct member *m;
    struct team *t;
    struct service *s;
    size_t at = 0;
    move_sessions(ch, o);
    forget_grants(ch, TO_ORGANIZATION, NULL, o);
    forget_grants(ch, TO_ORGANIZATION, o->e.id, NULL);
    forget_tokens(ch, NULL, NULL, o);
    forget_plain(ch, RECORD_REQUEST, "organization", o->e.id, NULL);
    forget_plain(ch, RECORD_INVITATION, "organization", o->e.id, NULL);
    forget_documents(ch, o);
    while ((t = map_next(&o->teams, &at)))
        change_remove(ch, RECORD_TEAM, t->e.id);
    for (at = 0; (s = map_next(&o->services, &at));)
        forget_service(ch, s);
    for (at = 0; (m = map_next(&o->members, &at));)
        change_remove(ch, RECORD_MEMBER, m->e.id);
}

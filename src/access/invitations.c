/* invitations.c - a way in for somebody who has none yet.
 *
 *     {"hash","organization","email"?,"role","teams":[key]?,"created","expires","by","vouched"?}
 *
 * Kept under the id of its token (crypto/token.h).  It works once, and no longer than who made it
 * is an administrator (is_answered_for).  With an address it is for who has that address, or takes
 * it with the account that they make.  "vouched": somebody who answers for all of the installation
 * made it, so that the address is believed to be theirs; an administrator of one organisation
 * cannot have others believe that. */
#include "access/orgs.h"

#include "base/err.h"

#include <stdio.h>

#define EXPIRES_US (7 * DAY_US)
#define EXPIRES_MOST_US (90 * DAY_US)

/* Those that are over go on this occasion. */
static size_t count_invitations(struct change *ch, const struct org *org)
{
    struct entity *e;
    size_t at = 0, n = 0;
    while ((e = map_next(&ch->access->kinds[RECORD_INVITATION], &at))) {
        if (!slice_is(doc_text(e, "organization"), org->e.id))
            continue;
        if (ch->now_us >= doc_when(e, "expires"))
            change_remove(ch, RECORD_INVITATION, e->id);
        else
            n++;
    }
    return n;
}

static int check_teams(struct change *ch, const struct org *org, const struct jval *teams)
{
    for (const struct jval *v = teams ? teams->first : NULL; v; v = v->next)
        if (!map_get(&org->teams, v->text))
            return change_refuse(ch, ERR_NOT_FOUND, "%s has no team %.*s.", org->e.id,
                                 SLICE_ARG(v->text));
    return 0;
}

/* Somebody who is a member already needs none. */
static int check_email(struct change *ch, const struct org *org, struct slice email)
{
    struct person *p = email.n ? map_get(&ch->access->emails, email) : NULL;
    if (p && map_get(&org->members, slice_str(p->e.id)))
        return change_refuse(ch, ERR_EXISTS, "%.*s is a member already.", SLICE_ARG(email));
    return 0;
}

int invitation_make(struct change *ch)
{
    static const char *const members[] = {"email", "role", "teams", "expires", NULL};
    struct ask *ask = ask_of(ch);
    const struct jval *teams = NULL;
    enum access_role role = ROLE_NONE;
    struct slice email = {0};
    int64_t expires_us = 0;
    struct org *org;
    struct token token;
    int err = ask_org(ch, OP_MEMBERS_MANAGE, &org);
    if (!err)
        err = ask_only(ch, ask->body, members);
    if (!err)
        err = ask_email(ch, ask->body, &email);
    if (!err)
        err = ask_role(ch, ask->body, true, &role);
    if (!err)
        err = ask_list(ch, ask->body, "teams", TEAMS_MAX, &teams);
    if (!err)
        err = ask_expires(ch, ask->body, EXPIRES_US, EXPIRES_MOST_US, &expires_us);
    if (!err)
        err = ask_may_give(ch, org, role);
    if (!err && role == ROLE_ADMINISTRATOR)
        err = ask_fresh(ch);
    if (!err)
        err = check_teams(ch, org, teams);
    if (!err)
        err = check_email(ch, org, email);
    if (!err && count_invitations(ch, org) >= INVITATIONS_MAX)
        err = change_refuse(ch, ERR_LIMIT,
                            "%s has %d open invitations, and no more can be; take some back.",
                            org->e.id, INVITATIONS_MAX);
    if (err)
        return err;
    struct jval *doc = change_doc(ch), *list;
    token_make(TOKEN_INVITATION, ask->secret, &token);
    snprintf(ask->made, sizeof ask->made, "%s", token.id);
    doc_hash(ch, doc, token.hash);
    doc_string(ch, doc, "organization", org->e.id);
    doc_slice(ch, doc, "email", email);
    doc_string(ch, doc, "role", role_name(role));
    if (doc && teams && (list = jval_copy(ch->arena, teams)))
        jval_set(ch->arena, doc, SLICE_LIT("teams"), list);
    doc_time(ch, doc, "created", ch->now_us);
    doc_time(ch, doc, "expires", expires_us);
    doc_string(ch, doc, "by", ch->who->id);
    if (email.n && (ch->who->installation || ch->who->everything))
        doc_bool(ch, doc, "vouched", true);
    change_put(ch, RECORD_INVITATION, token.id, doc);
    ask_audit(ch, OP_MEMBERS_MANAGE, "invitation", token.id, NULL, doc);
    return 0;
}

int invitation_remove(struct change *ch)
{
    struct org *org;
    int err = ask_org(ch, OP_MEMBERS_MANAGE, &org);
    struct entity *e = err ? NULL : access_find(ch->access, RECORD_INVITATION, ask_of(ch)->id);
    if (!err && (!e || !slice_is(doc_text(e, "organization"), org->e.id)))
        err = change_refuse(ch, ERR_NOT_FOUND, "%s has no such invitation.", org->e.id);
    if (err)
        return err;
    change_remove(ch, RECORD_INVITATION, e->id);
    ask_audit(ch, OP_MEMBERS_MANAGE, "invitation", e->id, e->doc, NULL);
    return 0;
}

/* ---- its use ---- */

int invitation_find(const struct access *a, struct slice text, int64_t now_us, struct entity **ret)
{
    unsigned char hash[TOKEN_HASH];
    struct token token;
    if (token_read(text, &token) || token.kind != TOKEN_INVITATION)
        return ERR_NOT_FOUND;
    struct entity *e = access_find(a, RECORD_INVITATION, slice_str(token.id));
    if (!e || !hash_read(jval_get(e->doc, "hash"), hash) ||
        !digest_equal(slice_of((const char *)hash, TOKEN_HASH),
                      slice_of((const char *)token.hash, TOKEN_HASH)))
        return ERR_NOT_FOUND;
    if (now_us >= doc_when(e, "expires"))
        return ERR_TOKEN_EXPIRED;
    if (!invitation_org(a, e))
        return ERR_NOT_FOUND;
    *ret = e;
    return 0;
}

/* Whoever made it would make it now: a person or a service has to be an administrator still. */
static bool is_answered_for(const struct access *a, const struct org *org, struct slice by)
{
    const struct service *s = access_find(a, RECORD_SERVICE, by);
    const struct member *m = map_get(&org->members, by);
    if (s)
        return s->org == org && s->role == ROLE_ADMINISTRATOR;
    if (m)
        return m->role == ROLE_ADMINISTRATOR && !m->person->disabled;
    return !slice_starts(by, "p_") && slice_find(by, '/') < 0; /* the command line, the server */
}

struct org *invitation_org(const struct access *a, const struct entity *invitation)
{
    struct org *org = access_org(a, doc_text(invitation, "organization"));
    return org && is_answered_for(a, org, doc_text(invitation, "by")) ? org : NULL;
}

static int check_use(struct change *ch, const struct org *org, const struct person *person)
{
    if (org->members.count >= MEMBERS_MAX)
        return change_refuse(ch, ERR_LIMIT, "%s has %d members, and no more can be.", org->e.id,
                             MEMBERS_MAX);
    if (person && map_get(&org->members, slice_str(person->e.id)))
        return change_refuse(ch, ERR_EXISTS, "You are a member of %s already.", org->e.id);
    if (person && person->memberships.count >= MEMBERSHIPS_MAX)
        return change_refuse(ch, ERR_LIMIT, "You belong to %d organisations, and that is all.",
                             MEMBERSHIPS_MAX);
    return 0;
}

int invitation_use(struct change *ch, struct entity *invitation, const char *person_id,
                   const struct person *person)
{
    struct org *org = invitation_org(ch->access, invitation);
    int err = check_use(ch, org, person);
    if (err)
        return err;
    const struct jval *teams = jval_get(invitation->doc, "teams");
    struct jval *doc = change_doc(ch);
    const char *id = arena_printf(ch->arena, "%s/%s", org->e.id, person_id);
    doc_slice(ch, doc, "role", doc_text(invitation, "role"));
    doc_time(ch, doc, "since", ch->now_us);
    doc_slice(ch, doc, "invitedBy", doc_text(invitation, "by"));
    change_put(ch, RECORD_MEMBER, id ? id : "", doc);
    for (const struct jval *v = teams ? teams->first : NULL; v; v = v->next) {
        struct team *t = map_get(&org->teams, v->text);
        if (!t)
            continue; /* it has gone meanwhile */
        struct jval *team = doc_copy(ch, t->e.doc);
        doc_list_change(ch, team, "members", slice_str(person_id), true);
        change_put(ch, RECORD_TEAM, t->e.id, team);
    }
    change_remove(ch, RECORD_INVITATION, invitation->id);
    ask_audit(ch, OP_MEMBERS_MANAGE, "member", person_id, NULL, doc);
    ch->audit.org = slice_str(org->e.id);
    return 0;
}

/* The address of who is signed in is believed now, when who made the invitation answers for it. */
static void vouch_for(struct change *ch, const struct entity *invitation, const struct person *p)
{
    const struct jval *vouched = jval_get(invitation->doc, "vouched");
    if (!vouched || p->email_verified)
        return;
    struct jval *doc = doc_copy(ch, p->e.doc);
    doc_bool(ch, doc, "emailVerified", true);
    change_put(ch, RECORD_PERSON, p->e.id, doc);
}

int invitation_accept(struct change *ch)
{
    static const char *const members[] = {"token", NULL};
    const struct jval *body = ask_of(ch)->body;
    struct entity *invitation = NULL;
    if (ch->who->kind != WHO_PERSON)
        return change_refuse(ch, ERR_UNAUTHENTICATED, "%s", err_info(ERR_UNAUTHENTICATED)->text);
    int err = change_check(ch, OP_ACCOUNT_SELF, NULL);
    if (!err)
        err = ask_only(ch, body, members);
    if (err)
        return err;
    err =
        invitation_find(ch->access, jval_string(jval_get(body, "token")), ch->now_us, &invitation);
    if (err)
        return change_refuse(ch, err,
                             err == ERR_TOKEN_EXPIRED
                                 ? "The invitation has expired; ask for another."
                                 : "There is no such invitation, or it was used already.");
    struct slice email = doc_text(invitation, "email");
    if (email.n && !slice_is(email, ch->who->person->email))
        return change_refuse(ch, ERR_FORBIDDEN,
                             "The invitation is for %.*s, and you are signed in as %s.",
                             SLICE_ARG(email), ch->who->person->email);
    err = invitation_use(ch, invitation, ch->who->id, ch->who->person);
    if (!err && email.n)
        vouch_for(ch, invitation, ch->who->person);
    return err;
}

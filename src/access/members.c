#include "access/orgs.h"

#include "base/err.h"

#include <stdio.h>

/* ---- members ---- */

static int find_member(struct change *ch, const struct org *org, struct slice id,
                       struct member **ret)
{
    struct member *m = map_get(&org->members, id);
    if (!m)
        return change_refuse(ch, ERR_NOT_FOUND, "%s has no such member.", org->e.id);
    *ret = m;
    return 0;
}

int member_set_role(struct change *ch)
{
    static const char *const members[] = {"role", NULL};
    enum access_role role = ROLE_NONE;
    struct org *org;
    struct member *m = NULL;
    int err = ask_org(ch, OP_MEMBERS_MANAGE, &org);
    if (!err)
        err = ask_only(ch, ask_of(ch)->body, members);
    if (!err)
        err = ask_role(ch, ask_of(ch)->body, true, &role);
    if (!err)
        err = find_member(ch, org, ask_of(ch)->id, &m);
    if (!err)
        err = ask_may_give(ch, org, role);
    if (!err)
        err = role == ROLE_ADMINISTRATOR ? ask_fresh(ch) : keep_an_administrator(ch, m);
    if (err || role == m->role)
        return err;
    struct jval *doc = doc_copy(ch, m->e.doc);
    doc_string(ch, doc, "role", role_name(role));
    change_put(ch, RECORD_MEMBER, m->e.id, doc);
    ask_audit(ch, OP_MEMBERS_MANAGE, "member", m->person->e.id, m->e.doc, doc);
    return 0;
}

int member_remove(struct change *ch)
{
    const struct ask *ask = ask_of(ch);
    struct org *org;
    struct member *m = NULL;
    bool leaves = ch->who->kind == WHO_PERSON && slice_is(ask->id, ch->who->id);
    int err = ask_org(ch, leaves ? OP_MEMBERS_READ : OP_MEMBERS_MANAGE, &org);
    if (!err)
        err = find_member(ch, org, ask->id, &m);
    if (!err)
        err = keep_an_administrator(ch, m);
    if (err)
        return err;
    ask_audit(ch, OP_MEMBERS_MANAGE, "member", m->person->e.id, m->e.doc, NULL);
    forget_membership(ch, m);
    return 0;
}

/* ---- teams ---- */

static int find_team(struct change *ch, struct org **ret_org, struct team **ret)
{
    int err = ask_org(ch, OP_MEMBERS_MANAGE, ret_org);
    struct team *t = err ? NULL : map_get(&(*ret_org)->teams, ask_of(ch)->id);
    if (!err && !t)
        err = change_refuse(ch, ERR_NOT_FOUND, "%s has no such team.", (*ret_org)->e.id);
    *ret = t;
    return err;
}

static int check_team_name(struct change *ch, const struct org *org, struct slice name,
                           const struct team *self)
{
    struct team *t;
    size_t at = 0;
    while ((t = map_next(&org->teams, &at)))
        if (t != self && slice_is(name, t->name))
            return change_refuse(ch, ERR_EXISTS, "There is a team of that name already.");
    return 0;
}

/* The list as it is kept: each once, and each a member. */
static int put_team_members(struct change *ch, const struct org *org, struct jval *doc,
                            const struct jval *list)
{
    struct jval *kept = jval_new(ch->arena, J_ARRAY);
    struct map seen = {0};
    int err = kept ? 0 : ERR_NOMEM;
    for (const struct jval *v = list ? list->first : NULL; v && !err; v = v->next) {
        void *m = map_get(&org->members, v->text);
        if (!m)
            err = change_refuse(ch, ERR_NOT_FOUND, "%s has no member %.*s.", org->e.id,
                                SLICE_ARG(v->text));
        else if (!map_get(&seen, v->text) && !(err = map_put(&seen, v->text, m, NULL)))
            jval_append(kept, jval_copy(ch->arena, v));
    }
    map_release(&seen);
    if (!err)
        jval_set(ch->arena, doc, SLICE_LIT("members"), kept);
    return err;
}

int team_make(struct change *ch)
{
    static const char *const members[] = {"name", "members", NULL};
    struct ask *ask = ask_of(ch);
    const struct jval *list = NULL;
    struct slice name = {0};
    struct org *org;
    char key[32];
    int err = ask_org(ch, OP_MEMBERS_MANAGE, &org);
    if (!err)
        err = ask_only(ch, ask->body, members);
    if (!err)
        err = ask_text(ch, ask->body, "name", NAME_CHARACTERS, true, &name);
    if (!err)
        err = ask_list(ch, ask->body, "members", MEMBERS_MAX, &list);
    if (!err)
        err = check_team_name(ch, org, name, NULL);
    if (!err && org->teams.count >= TEAMS_MAX)
        err = change_refuse(ch, ERR_LIMIT, "%s has %d teams, and no more can be.", org->e.id,
                            TEAMS_MAX);
    struct jval *doc = err ? NULL : change_doc(ch);
    if (!err && !doc)
        err = ERR_NOMEM;
    if (!err)
        err = put_team_members(ch, org, doc, list);
    if (err)
        return err;
    ask_new_id("t_", key);
    snprintf(ask->made, sizeof ask->made, "%s/%s", org->e.id, key);
    doc_slice(ch, doc, "name", name);
    doc_time(ch, doc, "created", ch->now_us);
    change_put(ch, RECORD_TEAM, ask->made, doc);
    ask_audit(ch, OP_MEMBERS_MANAGE, "team", key, NULL, doc);
    return 0;
}

int team_change(struct change *ch)
{
    static const char *const members[] = {"name", "members", NULL};
    const struct ask *ask = ask_of(ch);
    const struct jval *list = NULL;
    struct slice name = {0};
    struct org *org;
    struct team *t;
    int err = find_team(ch, &org, &t);
    if (!err)
        err = ask_only(ch, ask->body, members);
    if (!err)
        err = ask_text(ch, ask->body, "name", NAME_CHARACTERS, false, &name);
    if (!err)
        err = ask_list(ch, ask->body, "members", MEMBERS_MAX, &list);
    if (!err && name.n)
        err = check_team_name(ch, org, name, t);
    struct jval *doc = err ? NULL : doc_copy(ch, t->e.doc);
    if (!err && list)
        err = doc ? put_team_members(ch, org, doc, list) : ERR_NOMEM;
    if (err)
        return err;
    doc_slice(ch, doc, "name", name);
    change_put(ch, RECORD_TEAM, t->e.id, doc);
    ask_audit(ch, OP_MEMBERS_MANAGE, "team", t->key, t->e.doc, doc);
    return 0;
}

int team_remove(struct change *ch)
{
    struct org *org;
    struct team *t;
    int err = find_team(ch, &org, &t);
    if (err)
        return err;
    ask_audit(ch, OP_MEMBERS_MANAGE, "team", t->key, t->e.doc, NULL);
    forget_team(ch, t);
    return 0;
}

static int put_in_team(struct change *ch, bool in)
{
    struct org *org;
    struct team *t;
    struct member *m = NULL;
    int err = find_team(ch, &org, &t);
    if (!err)
        err = find_member(ch, org, ask_of(ch)->sub, &m);
    if (err || (map_get(&t->members, ask_of(ch)->sub) != NULL) == in)
        return err;
    struct jval *doc = doc_copy(ch, t->e.doc);
    doc_list_change(ch, doc, "members", ask_of(ch)->sub, in);
    change_put(ch, RECORD_TEAM, t->e.id, doc);
    ask_audit(ch, OP_MEMBERS_MANAGE, "team", t->key, t->e.doc, doc);
    return 0;
}

int team_add(struct change *ch)
{
    return put_in_team(ch, true);
}

int team_drop(struct change *ch)
{
    return put_in_team(ch, false);
}

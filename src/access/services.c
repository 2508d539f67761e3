#include "access/orgs.h"

#include "base/err.h"

#include <stdio.h>

static int find_service(struct change *ch, struct org **ret_org, struct service **ret)
{
    int err = ask_org(ch, OP_SERVICES_MANAGE, ret_org);
    struct service *s = err ? NULL : map_get(&(*ret_org)->services, ask_of(ch)->id);
    if (!err && !s)
        err = change_refuse(ch, ERR_NOT_FOUND, "%s has no such service.", (*ret_org)->e.id);
    *ret = s;
    return err;
}

static int check_service_name(struct change *ch, const struct org *org, struct slice name,
                              const struct service *self)
{
    struct service *s;
    size_t at = 0;
    while ((s = map_next(&org->services, &at)))
        if (s != self && slice_is(name, s->name))
            return change_refuse(ch, ERR_EXISTS, "There is a service of that name already.");
    return 0;
}

int service_make(struct change *ch)
{
    static const char *const members[] = {"name", "role", NULL};
    struct ask *ask = ask_of(ch);
    enum access_role role = ROLE_NONE;
    struct slice name = {0};
    struct org *org;
    char key[32];
    int err = ask_org(ch, OP_SERVICES_MANAGE, &org);
    if (!err)
        err = ask_only(ch, ask->body, members);
    if (!err)
        err = ask_text(ch, ask->body, "name", NAME_CHARACTERS, true, &name);
    if (!err)
        err = ask_role(ch, ask->body, true, &role);
    if (!err)
        err = ask_may_give(ch, org, role);
    if (!err)
        err = check_service_name(ch, org, name, NULL);
    if (!err && org->services.count >= SERVICES_MAX)
        err = change_refuse(ch, ERR_LIMIT, "%s has %d services, and no more can be.", org->e.id,
                            SERVICES_MAX);
    if (err)
        return err;
    struct jval *doc = change_doc(ch);
    ask_new_id("s_", key);
    snprintf(ask->made, sizeof ask->made, "%s/%s", org->e.id, key);
    doc_slice(ch, doc, "name", name);
    doc_string(ch, doc, "role", role_name(role));
    doc_time(ch, doc, "created", ch->now_us);
    change_put(ch, RECORD_SERVICE, ask->made, doc);
    ask_audit(ch, OP_SERVICES_MANAGE, "service", key, NULL, doc);
    return 0;
}

int service_change(struct change *ch)
{
    static const char *const members[] = {"name", "role", NULL};
    const struct jval *body = ask_of(ch)->body;
    enum access_role role = ROLE_NONE;
    struct slice name = {0};
    struct org *org;
    struct service *s;
    int err = find_service(ch, &org, &s);
    if (!err)
        err = ask_only(ch, body, members);
    if (!err)
        err = ask_text(ch, body, "name", NAME_CHARACTERS, false, &name);
    if (!err)
        err = ask_role(ch, body, false, &role);
    if (!err && role)
        err = ask_may_give(ch, org, role);
    if (!err && role == ROLE_ADMINISTRATOR) /* tokens of it may be out there */
        err = ask_fresh(ch);
    if (!err && name.n)
        err = check_service_name(ch, org, name, s);
    if (err)
        return err;
    struct jval *doc = doc_copy(ch, s->e.doc);
    doc_slice(ch, doc, "name", name);
    if (role)
        doc_string(ch, doc, "role", role_name(role));
    change_put(ch, RECORD_SERVICE, s->e.id, doc);
    ask_audit(ch, OP_SERVICES_MANAGE, "service", s->key, s->e.doc, doc);
    return 0;
}

int service_remove(struct change *ch)
{
    struct org *org;
    struct service *s;
    int err = find_service(ch, &org, &s);
    if (err)
        return err;
    ask_audit(ch, OP_SERVICES_MANAGE, "service", s->key, s->e.doc, NULL);
    forget_service(ch, s);
    return 0;
}

/* ---- tokens ---- */

static int read_scopes(struct change *ch, const struct jval *list, uint64_t *ret)
{
    *ret = 0;
    for (const struct jval *v = list->first; v; v = v->next) {
        int op = op_by_name(v->text);
        if (op < 0)
            return change_refuse(ch, ERR_INVALID,
                                 "\"%.*s\" is no operation; GET /api/v1/operations lists them.",
                                 (int)(v->text.n > 60 ? 60 : v->text.n), v->text.p);
        *ret |= OP_BIT(op);
    }
    return list->count ? 0
                       : change_refuse(ch, ERR_INVALID,
                                       "\"scopes\" is empty: leave it out for all that may be.");
}

int ask_scopes(struct change *ch, const struct jval *body, const struct org *org, uint64_t most,
               const struct jval **ret_list)
{
    const struct jval *list = NULL;
    uint64_t wanted = most;
    int err = ask_list(ch, body, "scopes", OP_COUNT, &list);
    if (!err && list)
        err = read_scopes(ch, list, &wanted);
    uint64_t beyond = wanted & ~ops_of_asker(ch->who, org);
    for (int op = 0; op < OP_COUNT && !err; op++)
        if (beyond & OP_BIT(op))
            err = change_refuse(ch, ERR_FORBIDDEN,
                                "The token could do %s, and you may not do that yourself.",
                                op_info((enum access_op)op)->name);
    if (!err)
        *ret_list = list;
    return err;
}

static bool holds(const struct api_token *t, int64_t now_us)
{
    return !t->revoked_us && (!t->expires_us || now_us < t->expires_us);
}

static size_t count_tokens(const struct access *a, const struct service *s, int64_t now_us)
{
    struct api_token *t;
    size_t at = 0, n = 0;
    while ((t = map_next(&a->kinds[RECORD_TOKEN], &at)))
        n += t->service == s && holds(t, now_us);
    return n;
}

static void put_token(struct change *ch, const struct service *s, struct slice name,
                      const struct jval *scopes, int64_t expires_us)
{
    struct ask *ask = ask_of(ch);
    struct jval *doc = change_doc(ch), *list;
    struct token token;
    token_make(TOKEN_SERVICE, ask->secret, &token);
    snprintf(ask->made, sizeof ask->made, "%s", token.id);
    doc_string(ch, doc, "kind", "svc");
    doc_hash(ch, doc, token.hash);
    doc_string(ch, doc, "service", s->e.id);
    doc_string(ch, doc, "organization", s->org->e.id);
    doc_slice(ch, doc, "name", name);
    if (doc && scopes && (list = jval_copy(ch->arena, scopes)))
        jval_set(ch->arena, doc, SLICE_LIT("scopes"), list);
    doc_time(ch, doc, "created", ch->now_us);
    doc_time(ch, doc, "expires", expires_us);
    change_put(ch, RECORD_TOKEN, token.id, doc);
    ask_audit(ch, OP_SERVICES_MANAGE, "token", token.id, NULL, doc);
}

int service_token_make(struct change *ch)
{
    static const char *const members[] = {"name", "scopes", "expires", NULL};
    const struct jval *body = ask_of(ch)->body, *scopes = NULL;
    struct slice name = {0};
    int64_t expires_us = 0;
    struct org *org;
    struct service *s;
    int err = find_service(ch, &org, &s);
    if (!err)
        err = ask_only(ch, body, members);
    if (!err)
        err = ask_text(ch, body, "name", NAME_CHARACTERS, true, &name);
    if (!err)
        err = ask_expires(ch, body, 0, 3650 * DAY_US, &expires_us);
    if (!err)
        err = ask_scopes(ch, body, org, ops_of_role(s->role), &scopes);
    if (!err)
        err = ask_fresh(ch);
    if (!err && count_tokens(ch->access, s, ch->now_us) >= SERVICE_TOKENS_MAX)
        err = change_refuse(ch, ERR_LIMIT,
                            "%s has %d tokens, and no more can be; delete one that is not used.",
                            s->name, SERVICE_TOKENS_MAX);
    if (!err)
        put_token(ch, s, name, scopes, expires_us);
    return err;
}

int service_token_remove(struct change *ch)
{
    struct org *org;
    struct service *s;
    int err = find_service(ch, &org, &s);
    struct api_token *t = err ? NULL : access_find(ch->access, RECORD_TOKEN, ask_of(ch)->sub);
    if (!err && (!t || t->service != s || t->revoked_us))
        err = change_refuse(ch, ERR_NOT_FOUND, "%s has no such token.", s->name);
    if (err)
        return err;
    /* it is kept for a while, so that who shows it hears why it does not hold (people.c) */
    struct jval *doc = doc_copy(ch, t->e.doc);
    doc_time(ch, doc, "revoked", ch->now_us);
    change_put(ch, RECORD_TOKEN, t->e.id, doc);
    ask_audit(ch, OP_SERVICES_MANAGE, "token", t->e.id, t->e.doc, doc);
    return 0;
}

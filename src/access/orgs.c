#include "access/orgs.h"

#include "base/err.h"

#include <ctype.h>
#include <stdio.h>

/* A slug is part of keys, topics and addresses for good. */
bool org_is_slug(struct slice s)
{
    if (s.n < 2 || s.n > SLUG_BYTES || s.p[0] == '-' || slice_ends(s, "-"))
        return false;
    for (size_t i = 0; i < s.n; i++)
        if (!islower((unsigned char)s.p[i]) && !isdigit((unsigned char)s.p[i]) && s.p[i] != '-')
            return false;
    return true;
}

/* Under which it is kept that a slug was used: what is left under it, such as the audit log, is
 * nobody else's. */
static const char *grave_of(struct change *ch, struct slice slug)
{
    const char *id = arena_printf(ch->arena, "organization-gone/%.*s", SLICE_ARG(slug));
    return id ? id : "";
}

static int check_new_slug(struct change *ch, struct slice slug)
{
    if (!org_is_slug(slug))
        return change_refuse(ch, ERR_INVALID,
                             "\"id\" has small letters, digits and \"-\" between them, 2 to %d.",
                             SLUG_BYTES);
    if (access_org(ch->access, slug))
        return change_refuse(ch, ERR_EXISTS, "There is an organisation %.*s already.",
                             SLICE_ARG(slug));
    if (access_find(ch->access, RECORD_SETTING, slice_str(grave_of(ch, slug))))
        return change_refuse(ch, ERR_EXISTS,
                             "There was an organisation %.*s; its name stays its own.",
                             SLICE_ARG(slug));
    if (ch->access->kinds[RECORD_ORG].count >= ORGS_MAX)
        return change_refuse(ch, ERR_LIMIT, "There are %d organisations, and no more can be.",
                             ORGS_MAX);
    return 0;
}

static const char *const quota_names[] = {"twins", "series", "readingsPerSecond", "storageBytes",
                                          NULL};

/* The limits that new organisations get. */
static void put_new_quotas(struct change *ch, struct jval *doc)
{
    const struct quotas *q = &ch->access->new_quotas;
    const uint64_t limits[] = {q->twins, q->series, q->readings_per_s, q->storage_bytes};
    struct jval *quotas = change_doc(ch);
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++)
        if (limits[i])
            doc_int(ch, quotas, quota_names[i], (int64_t)limits[i]);
    if (doc && quotas && quotas->count)
        jval_set(ch->arena, doc, SLICE_LIT("quotas"), quotas);
}

/* Who makes an organisation is its first administrator. */
static int join_as_first(struct change *ch, const char *slug)
{
    if (ch->who->kind != WHO_PERSON)
        return 0;
    if (ch->who->person->memberships.count >= MEMBERSHIPS_MAX)
        return change_refuse(ch, ERR_LIMIT, "You belong to %d organisations, and that is all.",
                             MEMBERSHIPS_MAX);
    struct jval *doc = change_doc(ch);
    const char *id = arena_printf(ch->arena, "%s/%s", slug, ch->who->id);
    doc_string(ch, doc, "role", role_name(ROLE_ADMINISTRATOR));
    doc_time(ch, doc, "since", ch->now_us);
    change_put(ch, RECORD_MEMBER, id ? id : "", doc);
    return 0;
}

int org_make(struct change *ch)
{
    static const char *const members[] = {"id", "name", NULL};
    struct ask *ask = ask_of(ch);
    struct slice slug = {0}, name = {0};
    int err = change_check(ch, OP_INSTALLATION_MANAGE, NULL);
    if (!err)
        err = ask_only(ch, ask->body, members);
    if (!err)
        err = ask_text(ch, ask->body, "id", SLUG_BYTES, true, &slug);
    if (!err)
        err = ask_text(ch, ask->body, "name", NAME_CHARACTERS, false, &name);
    if (!err)
        err = check_new_slug(ch, slug);
    if (err)
        return err;
    struct jval *doc = change_doc(ch);
    snprintf(ask->made, sizeof ask->made, "%.*s", SLICE_ARG(slug));
    doc_slice(ch, doc, "name", name.n ? name : slug);
    doc_time(ch, doc, "created", ch->now_us);
    put_new_quotas(ch, doc);
    change_put(ch, RECORD_ORG, ask->made, doc);
    ask_audit(ch, OP_INSTALLATION_MANAGE, "organization", ask->made, NULL, doc);
    ch->audit.org = slug;
    return join_as_first(ch, ask->made);
}

int org_rename(struct change *ch)
{
    static const char *const members[] = {"name", NULL};
    struct slice name = {0};
    struct org *org;
    int err = ask_org(ch, OP_ORGANIZATION_MANAGE, &org);
    if (!err)
        err = ask_only(ch, ask_of(ch)->body, members);
    if (!err)
        err = ask_text(ch, ask_of(ch)->body, "name", NAME_CHARACTERS, true, &name);
    if (err)
        return err;
    struct jval *doc = doc_copy(ch, org->e.doc);
    doc_slice(ch, doc, "name", name);
    change_put(ch, RECORD_ORG, org->e.id, doc);
    ask_audit(ch, OP_ORGANIZATION_MANAGE, "organization", org->e.id, org->e.doc, doc);
    return 0;
}

int org_remove(struct change *ch)
{
    struct org *org = access_org(ch->access, ask_of(ch)->org);
    int err = change_check(ch, OP_INSTALLATION_MANAGE, NULL);
    if (err)
        return err;
    if (!org)
        return change_refuse(ch, ERR_NOT_FOUND, "There is no such organisation.");
    if (org->first)
        return change_refuse(ch, ERR_CONFLICT, "The first organisation stays.");
    if (org->twins_n)
        return change_refuse(ch, ERR_CONFLICT,
                             "%s still has %llu twins; an organisation goes when it is empty.",
                             org->e.id, (unsigned long long)org->twins_n);
    struct jval *grave = change_doc(ch);
    doc_time(ch, grave, "deleted", ch->now_us);
    forget_org(ch, org);
    change_remove(ch, RECORD_ORG, org->e.id);
    change_put(ch, RECORD_SETTING, grave_of(ch, slice_str(org->e.id)), grave);
    ask_audit(ch, OP_INSTALLATION_MANAGE, "organization", org->e.id, org->e.doc, NULL);
    ch->audit.org = slice_str(org->e.id);
    return 0;
}

/* ---- quotas ---- */

static int put_quota(struct change *ch, struct jval *quotas, const struct jval *v)
{
    double d;
    if (v->type == J_NULL) {
        jval_remove(quotas, v->key);
        return 0;
    }
    if (!jval_number(v, &d) || d < 0 || d > 9e15 || d != (double)(int64_t)d)
        return change_refuse(ch, ERR_INVALID, "\"%.*s\" is a whole number, or null for no limit.",
                             SLICE_ARG(v->key));
    struct jval *copy = jval_copy(ch->arena, v);
    return copy && jval_set(ch->arena, quotas, v->key, copy) ? 0 : ERR_NOMEM;
}

int org_set_quotas(struct change *ch)
{
    const struct jval *body = ask_of(ch)->body;
    struct org *org = access_org(ch->access, ask_of(ch)->org);
    int err = change_check(ch, OP_INSTALLATION_MANAGE, NULL);
    if (!err && !org)
        err = change_refuse(ch, ERR_NOT_FOUND, "There is no such organisation.");
    if (!err)
        err = ask_only(ch, body, quota_names);
    if (err)
        return err;
    struct jval *doc = doc_copy(ch, org->e.doc), *quotas = change_doc(ch);
    if (!doc || !quotas)
        return ERR_NOMEM;
    for (const struct jval *v = body->first; v && !err; v = v->next)
        err = put_quota(ch, quotas, v);
    if (err)
        return err;
    jval_set(ch->arena, doc, SLICE_LIT("quotas"), quotas);
    change_put(ch, RECORD_ORG, org->e.id, doc);
    ask_audit(ch, OP_INSTALLATION_MANAGE, "organization", org->e.id, org->e.doc, doc);
    ch->audit.org = slice_str(org->e.id);
    return 0;
}

/* policy.c - what members may do with one twin, narrower or wider than their role says.
 *
 *     {"entries":{LABEL:{"subjects":[..],"resources":{PATH:{"grant":[..],"revoke":[..]}}}},
 *      "twinCreated","created","modified","version","by"}
 *
 * How it is decided stands in decide.c.  Administrators are never narrowed, so nobody can be locked
 * out for good.  Who is narrowed cannot change that: neither the policy nor what they share. */
#include "access/sharing.h"

#include "base/clock.h"
#include "base/err.h"

#include <ctype.h>
#include <stdio.h>

const struct policy *policy_of(const struct access *a, struct slice key)
{
    const struct ruling *r = map_get(&a->rulings, key);
    return r && !r->lost ? r->policy : NULL;
}

void policy_version(const struct policy *p, int64_t *ret_created_us, uint64_t *ret_version)
{
    double version = 0;
    if (p)
        jval_number(jval_get(p->e.doc, "version"), &version);
    *ret_created_us = p ? doc_when(&p->e, "created") : 0;
    *ret_version = (uint64_t)version;
}

/* ---- twins ---- */

int64_t twin_stamp(const struct access *a, struct slice key)
{
    return a->twin_created ? a->twin_created(a->twins, key) : 0;
}

void doc_twin_stamp(struct change *ch, struct jval *doc, struct slice key)
{
    if (key.n)
        doc_time(ch, doc, "twinCreated", twin_stamp(ch->access, key));
}

/* ---- resources ---- */

static const struct {
    const char *word;
    enum access_part part;
    bool named; /* what is below has names */
} resources[] = {{"profile", PART_PROFILE, false},
                 {"sensors", PART_SENSOR, true},
                 {"history", PART_HISTORY, true},
                 {"commands", PART_COMMANDS, true},
                 {"settings", PART_SETTINGS, true}};

enum { RESOURCES = sizeof resources / sizeof resources[0] };

static bool is_pattern(struct slice name)
{
    if (!name.n || name.n > 128)
        return false;
    for (size_t i = 0; i < name.n; i++)
        if (!isalnum((unsigned char)name.p[i]) && !strchr("._:-*?", name.p[i]))
            return false;
    return true;
}

static int find_resource(struct slice path, struct slice *ret_name)
{
    struct slice rest = path, word;
    if (path.n < 2 || path.p[0] != '/')
        return -1;
    rest = slice_skip(path, 1);
    slice_cut(&rest, '/', &word);
    *ret_name = rest;
    for (int i = 0; i < (int)RESOURCES; i++)
        if (slice_is(word, resources[i].word))
            return i;
    return -1;
}

bool resource_is_valid(struct slice path)
{
    struct slice name;
    if (slice_is(path, "/"))
        return true;
    int i = find_resource(path, &name);
    return i >= 0 && (!name.p || (resources[i].named && is_pattern(name)));
}

struct access_object resource_object(const struct access_object *twin, struct slice path)
{
    struct access_object o = {.org = twin->org, .twin = twin->twin};
    struct slice name;
    int i = find_resource(path, &name);
    if (i >= 0) {
        o.part = resources[i].part;
        o.name = name;
    }
    return o;
}

/* ---- who may give what ---- */

static bool has_wildcard(struct slice s)
{
    return slice_find(s, '*') >= 0 || slice_find(s, '?') >= 0;
}

/* Can something be under both? */
static bool can_meet(struct slice a, struct slice b)
{
    struct slice x, y;
    if (slice_is(a, "/") || slice_is(b, "/"))
        return true;
    while (slice_cut(&a, '/', &x) && slice_cut(&b, '/', &y)) {
        bool both = has_wildcard(x) && has_wildcard(y);
        if (!both && !slice_like(x, y) && !slice_like(y, x))
            return false;
    }
    return true;
}

/* Something of the part can be under the resource; the past of sensors is under /history, too. */
static bool can_touch(struct slice part, struct slice resource)
{
    char past[ASK_ID_MAX];
    if (can_meet(part, resource))
        return true;
    if (!slice_starts(part, "/sensors"))
        return false;
    int n = snprintf(past, sizeof past, "/history%.*s", SLICE_ARG(slice_skip(part, 8)));
    return n > 0 && can_meet(slice_of(past, (size_t)n), resource);
}

static uint8_t rights_of_role(enum access_role role)
{
    uint8_t rights = 0;
    for (int op = 0; op < OP_COUNT; op++)
        if (op_can_be_granted((enum access_op)op) && (ops_of_role(role) & OP_BIT(op)))
            rights |= (uint8_t)(1u << op_info((enum access_op)op)->right);
    return rights;
}

bool policy_narrows(const struct access *a, const struct principal *who,
                    const struct access_object *o, uint8_t rights, struct slice part)
{
    const struct policy *p = o->twin.n ? policy_of(a, o->twin) : NULL;
    enum access_role role = role_of_asker(who, o->org);
    for (size_t i = 0; p && role != ROLE_ADMINISTRATOR && i < p->rules_n; i++) {
        const struct policy_rule *r = &p->rules[i];
        bool below = r->resource.n >= part.n || has_wildcard(r->resource) || has_wildcard(part);
        if ((r->revokes & rights) && below && can_touch(part, r->resource) &&
            access_is_subject(who, o->org, role, r->subject))
            return true;
    }
    return false;
}

static int may_give_part(struct change *ch, const struct access_object *o, enum access_role role,
                         struct slice part)
{
    struct access_object at = resource_object(o, part);
    for (int op = 0; op < OP_COUNT; op++) {
        if (!op_can_be_granted((enum access_op)op) || !(ops_of_role(role) & OP_BIT(op)) ||
            access_may(ch->access, ch->who, (enum access_op)op, &at))
            continue;
        return change_refuse(ch, ERR_FORBIDDEN,
                             "The role %s may %s, and you may not do that here yourself.",
                             role_name(role), op_info((enum access_op)op)->name);
    }
    if (policy_narrows(ch->access, ch->who, o, rights_of_role(role), part))
        return change_refuse(ch, ERR_FORBIDDEN,
                             "The policy of the twin keeps some of that from you; share other "
                             "parts, or ask an administrator.");
    return 0;
}

int sharing_may_give(struct change *ch, const struct access_object *o, enum access_role role,
                     const struct jval *parts)
{
    int err = 0;
    if (!parts || !parts->count)
        return may_give_part(ch, o, role, SLICE_LIT("/"));
    for (const struct jval *v = parts->first; v && !err; v = v->next)
        err = may_give_part(ch, o, role, v->text);
    return err;
}

/* ---- what a policy says ---- */

static int check_subject(struct change *ch, const struct org *org, struct slice subject)
{
    struct slice kind, id = subject;
    bool there = slice_is(subject, "everyone");
    slice_cut(&id, ':', &kind);
    if (slice_is(kind, "person"))
        there = map_get(&org->members, id);
    else if (slice_is(kind, "team"))
        there = map_get(&org->teams, id);
    else if (slice_is(kind, "service"))
        there = map_get(&org->services, id);
    else if (slice_is(kind, "role"))
        there = role_by_name(id) != ROLE_NONE;
    if (there)
        return 0;
    return change_refuse(ch, ERR_INVALID,
                         "%s knows no subject \"%.*s\": person:ID, team:ID, service:ID, role:NAME "
                         "and everyone are some.",
                         org->e.id, (int)(subject.n > 80 ? 80 : subject.n), subject.p);
}

static int check_rights(struct change *ch, const struct jval *resource, const char *key)
{
    const struct jval *list = NULL;
    int err = ask_list(ch, resource, key, 3, &list);
    for (const struct jval *v = list && !err ? list->first : NULL; v && !err; v = v->next)
        if (!slice_is(v->text, "read") && !slice_is(v->text, "write") &&
            !slice_is(v->text, "execute"))
            err = change_refuse(ch, ERR_INVALID, "\"%s\" has read, write or execute, not \"%.*s\".",
                                key, (int)(v->text.n > 80 ? 80 : v->text.n), v->text.p);
    return err;
}

static int check_resource(struct change *ch, const struct jval *r)
{
    static const char *const members[] = {"grant", "revoke", NULL};
    if (!resource_is_valid(r->key))
        return change_refuse(ch, ERR_INVALID,
                             "\"%.*s\" is no resource: /, /profile, /sensors/temp-*, /commands, "
                             "/settings and /history are some.",
                             (int)(r->key.n > 80 ? 80 : r->key.n), r->key.p);
    int err = ask_only(ch, r, members);
    if (!err)
        err = check_rights(ch, r, "grant");
    return err ? err : check_rights(ch, r, "revoke");
}

static bool revokes_any(const struct jval *resources_of)
{
    for (const struct jval *r = resources_of->first; r; r = r->next) {
        const struct jval *revoke = jval_get(r, "revoke");
        if (revoke && revoke->count)
            return true;
    }
    return false;
}

static int check_entry(struct change *ch, const struct org *org, const struct jval *e,
                       size_t *rules)
{
    static const char *const members[] = {"subjects", "resources", NULL};
    const struct jval *subjects = NULL, *r = jval_get(e, "resources");
    int err = ask_only(ch, e, members);
    if (!err)
        err = ask_list(ch, e, "subjects", POLICY_RULES_MAX, &subjects);
    if (!err && (!subjects || !subjects->count || !r || r->type != J_OBJECT || !r->count))
        err = change_refuse(ch, ERR_INVALID,
                            "The entry \"%.*s\" has \"subjects\", a list, and \"resources\", an "
                            "object, and neither is empty.",
                            (int)(e->key.n > 80 ? 80 : e->key.n), e->key.p);
    for (const struct jval *s = err ? NULL : subjects->first; s && !err; s = s->next) {
        err = check_subject(ch, org, s->text);
        if (!err && slice_is(s->text, "role:administrator") && revokes_any(r))
            err = change_refuse(ch, ERR_INVALID,
                                "Nothing can be revoked from role:administrator: administrators "
                                "always may.");
    }
    for (const struct jval *v = err ? NULL : r->first; v && !err; v = v->next)
        err = check_resource(ch, v);
    if (!err)
        *rules += subjects->count * r->count;
    return err;
}

static int check_entries(struct change *ch, const struct org *org, const struct jval *entries)
{
    size_t rules = 0;
    if (!entries || entries->type != J_OBJECT)
        return change_refuse(ch, ERR_INVALID, "\"entries\" is missing: an object of entries.");
    if (entries->count > POLICY_ENTRIES_MAX)
        return change_refuse(ch, ERR_INVALID, "A policy has at most %d entries.",
                             POLICY_ENTRIES_MAX);
    for (const struct jval *e = entries->first; e; e = e->next) {
        if (!e->key.n || e->key.n > POLICY_LABEL_CHARACTERS)
            return change_refuse(ch, ERR_INVALID, "An entry's label has 1 to %d bytes.",
                                 POLICY_LABEL_CHARACTERS);
        int err = check_entry(ch, org, e, &rules);
        if (err)
            return err;
    }
    if (rules > POLICY_RULES_MAX)
        return change_refuse(ch, ERR_INVALID,
                             "A policy has at most %d pairs of a subject and a resource; this has "
                             "%zu.",
                             POLICY_RULES_MAX, rules);
    return 0;
}

/* ---- changes ---- */

static int find_twin(struct change *ch, struct access_object *ret, const struct policy **ret_policy)
{
    struct buf scratch = {0};
    const char *text = arena_printf(ch->arena, "twin:%.*s", SLICE_ARG(ask_of(ch)->id));
    int err = sharing_object(ch->access, ch->who, slice_str(text), &scratch, ret);
    if (!err)
        ret->twin = arena_dup(ch->arena, ret->twin);
    buf_release(&scratch);
    if (!err)
        err = change_check(ch, OP_SHARE, ret);
    if (err == ERR_NOT_FOUND)
        return change_refuse(ch, ERR_UNKNOWN_TWIN, "There is no twin \"%.*s\".",
                             (int)(ask_of(ch)->id.n > 128 ? 128 : ask_of(ch)->id.n),
                             ask_of(ch)->id.p);
    if (err)
        return err;
    *ret_policy = policy_of(ch->access, ret->twin);
    ch->audit.org = slice_str(ret->org->e.id);
    if (policy_narrows(ch->access, ch->who, ret, UINT8_MAX, SLICE_LIT("/")))
        return change_refuse(ch, ERR_FORBIDDEN,
                             "The policy keeps something from you, so only an administrator can "
                             "change it.");
    return 0;
}

static int check_condition(struct change *ch, const struct policy *p)
{
    const struct ask *ask = ask_of(ch);
    int64_t created_us;
    uint64_t version;
    policy_version(p, &created_us, &version);
    if (ask->if_created_us < 0 || (ask->if_created_us == created_us && ask->if_version == version))
        return 0;
    return change_refuse(ch, ERR_PRECONDITION,
                         "The policy was changed since you read it. Read it again, then repeat "
                         "the change.");
}

int policy_put(struct change *ch)
{
    static const char *const members[] = {"entries", NULL};
    const struct jval *body = ask_of(ch)->body, *entries = jval_get(body, "entries");
    const struct policy *old = NULL;
    struct access_object o;
    int64_t created_us;
    uint64_t version;
    int err = find_twin(ch, &o, &old);
    if (!err)
        err = check_condition(ch, old);
    if (!err)
        err = ask_only(ch, body, members);
    if (!err)
        err = check_entries(ch, o.org, entries);
    if (err)
        return err;
    policy_version(old, &created_us, &version);
    struct jval *doc = change_doc(ch), *copy = jval_copy(ch->arena, entries);
    const char *key = arena_strndup(ch->arena, o.twin.p, o.twin.n);
    if (!doc || !copy || !key)
        return ERR_NOMEM;
    jval_set(ch->arena, doc, SLICE_LIT("entries"), copy);
    doc_twin_stamp(ch, doc, o.twin);
    doc_time(ch, doc, "created", created_us ? created_us : ch->now_us);
    doc_time(ch, doc, "modified", ch->now_us);
    doc_int(ch, doc, "version", (int64_t)version + 1);
    doc_string(ch, doc, "by", ch->who->id);
    change_put(ch, RECORD_POLICY, key, doc);
    ask_audit(ch, OP_SHARE, "policy", key, old ? old->e.doc : NULL, doc);
    return 0;
}

int policy_remove(struct change *ch)
{
    const struct policy *p = NULL;
    struct access_object o;
    int err = find_twin(ch, &o, &p);
    if (!err && !p)
        err = change_refuse(ch, ERR_NOT_FOUND, "The twin has no policy.");
    if (!err)
        err = check_condition(ch, p);
    if (err)
        return err;
    change_remove(ch, RECORD_POLICY, p->e.id);
    ask_audit(ch, OP_SHARE, "policy", p->e.id, p->e.doc, NULL);
    return 0;
}

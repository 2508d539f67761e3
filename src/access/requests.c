/* requests.c - somebody was refused, and asks for the role that is missing.
 *
 *     {"organization","person","operation","object"?:"twin:KEY","message"?,"created","state":"open"|
 *      "approved"|"denied","role"?,"decided","decidedBy"}
 *
 * Approved, it is a grant where it is about one twin and can be granted, else the role in the
 * organisation.  Who is no member can only ask about a twin that they see. */
#include "access/orgs.h"
#include "access/sharing.h"

#include "base/err.h"

#include <stdio.h>

static bool is_open(const struct entity *e)
{
    return slice_is(doc_text(e, "state"), "open");
}

static const char *operation_of(const struct entity *e, int *ret_op)
{
    *ret_op = op_by_name(doc_text(e, "operation"));
    return *ret_op < 0 ? "" : op_info((enum access_op) * ret_op)->name;
}

/* ---- asking ---- */

static int read_operation(struct change *ch, const struct jval *body, enum access_op *ret)
{
    int op = op_by_name(jval_string(jval_get(body, "operation")));
    if (op < 0 || op_info((enum access_op)op)->from > ROLE_ADMINISTRATOR)
        return change_refuse(ch, ERR_INVALID,
                             "\"operation\" is one that a role has; GET /api/v1/operations lists "
                             "them.");
    *ret = (enum access_op)op;
    return 0;
}

/* The twin that it is about, when it names one; o has the organisation already. */
static int read_object(struct change *ch, const struct jval *body, struct access_object *o)
{
    const struct jval *v = jval_get(body, "object");
    struct buf scratch = {0};
    struct access_object found = {0};
    if (!v)
        return 0;
    int err = slice_starts(jval_string(v), "twin:") ? 0 : ERR_INVALID;
    if (!err)
        err = sharing_object(ch->access, ch->who, jval_string(v), &scratch, &found);
    if (!err && (found.org != o->org ||
                 access_check(ch->access, ch->who, OP_TWIN_READ, &found) == ERR_NOT_FOUND))
        err = ERR_NOT_FOUND;
    if (!err)
        o->twin = arena_dup(ch->arena, found.twin);
    buf_release(&scratch);
    if (err == ERR_INVALID)
        return change_refuse(ch, err, "\"object\" is twin:ID.");
    return err ? change_refuse(ch, ERR_UNKNOWN_TWIN, "There is no such twin.") : 0;
}

/* Those that are decided make room for new ones, the oldest first. */
static int check_room(struct change *ch, const struct access_object *o, enum access_op op,
                      const char *object)
{
    struct entity *e, *oldest = NULL;
    size_t at = 0, n = 0, own = 0;
    while ((e = map_next(&ch->access->kinds[RECORD_REQUEST], &at))) {
        if (!slice_is(doc_text(e, "organization"), o->org->e.id))
            continue;
        n++;
        if (!is_open(e) && (!oldest || doc_when(e, "created") < doc_when(oldest, "created")))
            oldest = e;
        if (!is_open(e) || !slice_is(doc_text(e, "person"), ch->who->id))
            continue;
        own++;
        if (slice_is(doc_text(e, "operation"), op_info(op)->name) &&
            slice_eq(doc_text(e, "object"), slice_str(object)))
            return change_refuse(ch, ERR_EXISTS, "You have asked for that already.");
    }
    if (own >= REQUESTS_OPEN_MAX)
        return change_refuse(ch, ERR_LIMIT,
                             "%d of your requests are not decided yet; wait for an answer.",
                             REQUESTS_OPEN_MAX);
    if (n < REQUESTS_MAX)
        return 0;
    if (!oldest)
        return change_refuse(ch, ERR_LIMIT, "%s has %d requests to decide, and no more can be.",
                             o->org->e.id, REQUESTS_MAX);
    change_remove(ch, RECORD_REQUEST, oldest->id);
    return 0;
}

static int find_org(struct change *ch, struct access_object *o)
{
    o->org = access_org(ch->access, ask_of(ch)->org);
    if (ch->who->kind != WHO_PERSON)
        return change_refuse(ch, ERR_FORBIDDEN, "A person asks for a role, and nobody else.");
    return o->org ? change_check(ch, OP_ACCOUNT_SELF, NULL)
                  : change_refuse(ch, ERR_NOT_FOUND, "There is no such organisation.");
}

int request_make(struct change *ch)
{
    static const char *const members[] = {"operation", "object", "message", NULL};
    struct ask *ask = ask_of(ch);
    struct access_object o = {0};
    struct slice message = {0};
    enum access_op op = OP_PUBLIC;
    const char *object = NULL;
    int err = find_org(ch, &o);
    if (!err)
        err = ask_only(ch, ask->body, members);
    if (!err)
        err = read_operation(ch, ask->body, &op);
    if (!err)
        err = ask_text(ch, ask->body, "message", MESSAGE_CHARACTERS, false, &message);
    if (!err)
        err = read_object(ch, ask->body, &o);
    if (!err && !o.twin.n && !role_of_asker(ch->who, o.org))
        err = change_refuse(ch, ERR_NOT_FOUND, "There is no such organisation.");
    if (!err && access_may(ch->access, ch->who, op, &o))
        err = change_refuse(ch, ERR_CONFLICT, "You may do that already.");
    if (!err && o.twin.n)
        object = arena_printf(ch->arena, "twin:%.*s", SLICE_ARG(o.twin));
    if (!err)
        err = check_room(ch, &o, op, object);
    if (err)
        return err;
    struct jval *doc = change_doc(ch);
    char key[32];
    ask_new_id("r_", key);
    snprintf(ask->made, sizeof ask->made, "%s/%s", o.org->e.id, key);
    doc_string(ch, doc, "organization", o.org->e.id);
    doc_string(ch, doc, "person", ch->who->id);
    doc_string(ch, doc, "operation", op_info(op)->name);
    doc_string(ch, doc, "object", object);
    doc_slice(ch, doc, "message", message);
    doc_time(ch, doc, "created", ch->now_us);
    doc_string(ch, doc, "state", "open");
    change_put(ch, RECORD_REQUEST, ask->made, doc);
    ask_audit(ch, OP_ACCOUNT_SELF, "request", key, NULL, doc);
    ch->audit.org = slice_str(o.org->e.id);
    return 0;
}

/* ---- deciding ---- */

static int find_request(struct change *ch, struct org **ret_org, struct entity **ret)
{
    int err = ask_org(ch, OP_MEMBERS_MANAGE, ret_org);
    const char *id =
        err ? NULL
            : arena_printf(ch->arena, "%s/%.*s", (*ret_org)->e.id, SLICE_ARG(ask_of(ch)->id));
    struct entity *e = id ? access_find(ch->access, RECORD_REQUEST, slice_str(id)) : NULL;
    if (!err && !e)
        err = change_refuse(ch, ERR_NOT_FOUND, "%s has no such request.", (*ret_org)->e.id);
    if (!err && !is_open(e))
        err = change_refuse(ch, ERR_CONFLICT, "It is decided already: %.*s.",
                            SLICE_ARG(doc_text(e, "state")));
    *ret = e;
    return err;
}

static int read_decision(struct change *ch, const struct entity *e, bool *ret_approve,
                         enum access_role *ret_role)
{
    static const char *const members[] = {"decision", "role", NULL};
    const struct jval *body = ask_of(ch)->body;
    struct slice word = jval_string(jval_get(body, "decision"));
    int op, err = ask_only(ch, body, members);
    const char *name = operation_of(e, &op);
    if (!err && !slice_is(word, "approve") && !slice_is(word, "deny"))
        err = change_refuse(ch, ERR_INVALID, "\"decision\" is approve or deny.");
    *ret_approve = slice_is(word, "approve");
    *ret_role = op < 0 ? ROLE_NONE : (enum access_role)op_info((enum access_op)op)->from;
    if (!err)
        err = ask_role(ch, body, false, ret_role);
    if (!err && *ret_approve && (op < 0 || !(ops_of_role(*ret_role) & OP_BIT(op))))
        err = change_refuse(ch, ERR_INVALID, "The role %s does not do what was asked for, %s.",
                            role_name(*ret_role), name);
    return err;
}

/* A grant on the twin that it is about. */
static int give_grant(struct change *ch, const struct org *org, const struct entity *e,
                      const struct person *p, enum access_role role)
{
    const struct jval *doc = NULL;
    struct access_object o = {.org = access_org(ch->access, slice_str(org->e.id)),
                              .twin = slice_skip(doc_text(e, "object"), 5)};
    if (!twin_stamp(ch->access, o.twin))
        return change_refuse(ch, ERR_UNKNOWN_TWIN, "The twin is there no more.");
    if (role > ROLE_EDITOR)
        return change_refuse(ch, ERR_INVALID, "On a twin the role is viewer, operator or editor.");
    int err = sharing_may_give(ch, &o, role, NULL);
    return err ? err : grant_to_person(ch, &o, p->e.id, role, &doc);
}

static int give_role(struct change *ch, const struct org *org, const struct person *p,
                     enum access_role role)
{
    struct member *m = map_get(&org->members, slice_str(p->e.id));
    if (!m)
        return change_refuse(ch, ERR_CONFLICT, "%s is no member of %s; an invitation makes one.",
                             p->name, org->e.id);
    if (m->role >= role)
        return change_refuse(ch, ERR_CONFLICT,
                             "%s has the role %s already; if the policy of a twin is in the way, "
                             "change that.",
                             p->name, role_name(m->role));
    int err = ask_may_give(ch, org, role);
    if (!err && role == ROLE_ADMINISTRATOR)
        err = ask_fresh(ch);
    if (err)
        return err;
    struct jval *doc = doc_copy(ch, m->e.doc);
    doc_string(ch, doc, "role", role_name(role));
    change_put(ch, RECORD_MEMBER, m->e.id, doc);
    return 0;
}

static int give(struct change *ch, const struct org *org, const struct entity *e,
                enum access_role role)
{
    struct person *p = access_find(ch->access, RECORD_PERSON, doc_text(e, "person"));
    int op;
    operation_of(e, &op);
    if (!p)
        return change_refuse(ch, ERR_NOT_FOUND, "Who asked is there no more.");
    if (doc_text(e, "object").n && op_can_be_granted((enum access_op)op))
        return give_grant(ch, org, e, p, role);
    return give_role(ch, org, p, role);
}

int request_decide(struct change *ch)
{
    enum access_role role;
    struct entity *e = NULL;
    struct org *org;
    bool approve;
    int err = find_request(ch, &org, &e);
    if (!err)
        err = read_decision(ch, e, &approve, &role);
    if (!err && approve)
        err = give(ch, org, e, role);
    if (err)
        return err;
    struct jval *doc = doc_copy(ch, e->doc);
    doc_string(ch, doc, "state", approve ? "approved" : "denied");
    if (approve)
        doc_string(ch, doc, "role", role_name(role));
    doc_time(ch, doc, "decided", ch->now_us);
    doc_string(ch, doc, "decidedBy", ch->who->id);
    change_put(ch, RECORD_REQUEST, e->id, doc);
    ask_audit(ch, OP_MEMBERS_MANAGE, "request", e->id, e->doc, doc);
    return 0;
}

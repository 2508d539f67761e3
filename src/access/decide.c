/* decide.c - may they?  In this order:
 *
 * 1. A principal that is gone, or whose credential does not reach the operation, may nothing.
 * 2. The system, the local command line and everybody of --access open may everything.
 * 3. What is the installation's is for its administrators.
 * 4. A device may send readings to its own twin and receive its commands; nobody, where that is
 *    allowed, may send readings.
 * 5. In an organisation of theirs, the role tells; a policy of the twin narrows or widens that,
 * rule by rule: the longest resource that covers what is asked for decides, at the same length a
 *    revocation wins.  Administrators are not narrowed: they can change the policy itself.
 * 6. A grant on the twin or on everything of the organisation gives a role to whom it names. */
#include "access/state.h"

#include "base/clock.h"
#include "base/err.h"

#include <stdio.h>

enum { PATH_MAX_BYTES = 192 };

/* ---- what a policy says ---- */

/* Where the asked-for stands in a policy's tree of resources; longer than the buffer never happens
 * with ids of at most 128 bytes. */
static struct slice write_path(const struct access_object *o, char out[PATH_MAX_BYTES])
{
    static const char *const words[] = {
        [PART_WHOLE] = "/",          [PART_PROFILE] = "/profile",   [PART_SENSOR] = "/sensors",
        [PART_HISTORY] = "/history", [PART_COMMANDS] = "/commands", [PART_SETTINGS] = "/settings"};
    int n = o->name.n ? snprintf(out, PATH_MAX_BYTES, "%s/%.*s", words[o->part], SLICE_ARG(o->name))
                      : snprintf(out, PATH_MAX_BYTES, "%s", words[o->part]);
    return slice_of(out, n < PATH_MAX_BYTES ? (size_t)n : PATH_MAX_BYTES - 1);
}

bool path_covers(struct slice pattern, struct slice path)
{
    struct slice want, have;
    if (slice_is(pattern, "/"))
        return true;
    while (slice_cut(&pattern, '/', &want))
        if (!slice_cut(&path, '/', &have) || !slice_like(want, have))
            return false;
    return true;
}

static bool is_person_in(const struct principal *who, struct slice id)
{
    return who->kind == WHO_PERSON && slice_is(id, who->person->e.id);
}

static const struct team *team_of(const struct org *org, struct slice id)
{
    return map_get(&org->teams, id);
}

static bool is_in_team(const struct principal *who, const struct org *org, struct slice id)
{
    const struct team *t = who->kind == WHO_PERSON ? team_of(org, id) : NULL;
    return t && map_get(&t->members, slice_str(who->person->e.id));
}

bool access_is_subject(const struct principal *who, const struct org *org, enum access_role role,
                       struct slice subject)
{
    struct slice kind, id = subject;
    slice_cut(&id, ':', &kind);
    if (slice_is(kind, "everyone"))
        return true;
    if (slice_is(kind, "role"))
        return role_by_name(id) == role;
    if (slice_is(kind, "person"))
        return is_person_in(who, id);
    if (slice_is(kind, "team"))
        return is_in_team(who, org, id);
    return slice_is(kind, "service") && who->kind == WHO_SERVICE && slice_is(id, who->service->key);
}

/* What the policy says of it: 1 granted, 0 revoked, -1 nothing. */
static int policy_says(const struct policy *p, const struct principal *who, const struct org *org,
                       enum access_role role, enum access_right right, struct slice path)
{
    int said = -1;
    size_t longest = 0;
    uint8_t bit = (uint8_t)(1u << right);
    for (size_t i = 0; i < p->rules_n; i++) {
        const struct policy_rule *r = &p->rules[i];
        if (!((r->grants | r->revokes) & bit) || (said >= 0 && r->resource.n < longest) ||
            !path_covers(r->resource, path) || !access_is_subject(who, org, role, r->subject))
            continue;
        bool granted = !(r->revokes & bit);
        if (said < 0 || r->resource.n > longest || !granted)
            said = granted;
        longest = r->resource.n;
    }
    return said;
}

/* ---- what grants give ---- */

/* By id; or by an address that is believed to be theirs, since anybody can say that one is. */
static bool is_meant(const struct person *p, const struct grant *g)
{
    if (g->to_id[0])
        return strcmp(g->to_id, p->e.id) == 0;
    return p->email_verified && p->email[0] && strcmp(g->to_email, p->email) == 0;
}

bool access_is_grantee(const struct principal *who, const struct grant *g)
{
    switch (g->to) {
    case TO_PERSON:
        return who->kind == WHO_PERSON && is_meant(who->person, g);
    case TO_TEAM:
        return is_in_team(who, g->org, slice_str(g->to_id));
    case TO_ORGANIZATION:
        if (who->kind == WHO_PERSON)
            return map_get(&who->person->memberships, slice_str(g->to_id));
        return who->kind == WHO_SERVICE && strcmp(who->org->e.id, g->to_id) == 0;
    case TO_COMMON:
        return who->kind == WHO_PERSON || who->kind == WHO_SERVICE;
    case TO_LINK:
        return who->kind == WHO_LINK && who->link == g;
    }
    return false;
}

/* What is granted to an organisation each there has as far as their own role goes. */
enum access_role access_granted_role(const struct principal *who, const struct grant *g)
{
    enum access_role own = ROLE_ADMINISTRATOR;
    if (g->to == TO_ORGANIZATION && who->kind == WHO_PERSON) {
        const struct member *m = map_get(&who->person->memberships, slice_str(g->to_id));
        own = m ? m->role : ROLE_NONE;
    } else if (g->to == TO_ORGANIZATION) {
        own = who->role;
    }
    return own < g->role ? own : g->role;
}

static bool grant_covers(const struct grant *g, struct slice path)
{
    for (size_t i = 0; i < g->parts_n; i++)
        if (path_covers(g->parts[i], path))
            return true;
    return g->parts_n == 0;
}

/* Only what is about twins can be granted, and never the right to grant on. */
bool op_can_be_granted(enum access_op op)
{
    static const uint64_t set = OP_BIT(OP_TWIN_READ) | OP_BIT(OP_DATA_READ) |
                                OP_BIT(OP_HISTORY_READ) | OP_BIT(OP_DATA_WRITE) |
                                OP_BIT(OP_COMMANDS_SEND) | OP_BIT(OP_SETTINGS_WRITE) |
                                OP_BIT(OP_TWIN_WRITE);
    return set & OP_BIT(op);
}

static bool granted(const struct principal *who, const struct grant *list, enum access_op op,
                    const struct access_object *o, struct slice path)
{
    int64_t now = 0;
    for (const struct grant *g = list; g; g = g->next) {
        if (!(ops_of_role(g->role) & OP_BIT(op)) || !access_is_grantee(who, g) ||
            !(ops_of_role(access_granted_role(who, g)) & OP_BIT(op)))
            continue;
        if (g->expires_us && (now || (now = clock_now_us())) && now >= g->expires_us)
            continue;
        /* to see that there is a twin at all, any part of it is enough */
        bool at_all = op == OP_TWIN_READ && (o->part == PART_WHOLE || o->part == PART_PROFILE);
        if (at_all || grant_covers(g, path))
            return true;
    }
    return false;
}

static const struct ruling *ruling_of(const struct access *a, struct slice key)
{
    const struct ruling *r = map_get(&a->rulings, key);
    return r && !r->lost ? r : NULL;
}

static const struct ruling *ruling_of_space(const struct access *a, const struct org *org)
{
    char key[160];
    int n = snprintf(key, sizeof key, "space:%s", org->e.id);
    return ruling_of(a, slice_of(key, (size_t)n));
}

/* ---- the decision ---- */

static enum access_role role_in(const struct principal *who, const struct org *org)
{
    if (who->org == org)
        return who->role;
    if (who->kind != WHO_PERSON || who->token) /* a token is for one organisation */
        return ROLE_NONE;
    const struct member *m = map_get(&who->person->memberships, slice_str(org->e.id));
    return m ? m->role : ROLE_NONE;
}

static bool is_past(enum access_op op)
{
    return op == OP_HISTORY_READ || op == OP_HISTORY_ERASE;
}

/* The past of a sensor stands under /sensors and under /history as well: the second, p NULL where
 * there is none. */
static struct slice write_past(const struct access_object *o, enum access_op op,
                               char out[PATH_MAX_BYTES])
{
    struct access_object past = *o;
    if (o->part != PART_SENSOR || !is_past(op))
        return slice_of(NULL, 0);
    past.part = PART_HISTORY;
    return write_path(&past, out);
}

/* Does it take anything of that kind from them? */
static bool policy_takes(const struct policy *p, const struct principal *who, const struct org *org,
                         enum access_role role, enum access_right right)
{
    for (size_t i = 0; i < p->rules_n; i++)
        if ((p->rules[i].revokes & (1u << right)) &&
            access_is_subject(who, org, role, p->rules[i].subject))
            return true;
    return false;
}

static bool may_by_rules(const struct access *a, const struct principal *who, enum access_op op,
                         const struct access_object *o, enum access_role role)
{
    char buffer[PATH_MAX_BYTES], other[PATH_MAX_BYTES];
    bool may = ops_of_role(role) & OP_BIT(op);
    const struct ruling *twin = o->twin.n ? ruling_of(a, o->twin) : NULL;
    bool policed = twin && twin->policy && role && role != ROLE_ADMINISTRATOR;
    if (may && !policed)
        return true; /* most are, and need no path */
    struct slice path = write_path(o, buffer), past = write_past(o, op, other);
    if (policed) {
        enum access_right right = op_info(op)->right;
        int said = policy_says(twin->policy, who, o->org, role, right, path);
        if (said && past.p && policy_says(twin->policy, who, o->org, role, right, past) == 0)
            said = 0; /* the sensor, and not its past */
        if (said == 0)
            return false; /* also not by a grant: who is named here is meant */
        if (op == OP_TWIN_DELETE && policy_takes(twin->policy, who, o->org, role, right))
            return false; /* all of it would go, that too which is kept from them */
        may |= said == 1 && op_can_be_granted(op);
    }
    if (may || !op_can_be_granted(op))
        return may;
    if (twin && (granted(who, twin->grants, op, o, path) ||
                 (past.p && granted(who, twin->grants, op, o, past))))
        return true;
    const struct ruling *space = ruling_of_space(a, o->org);
    return space && granted(who, space->grants, op, o, path);
}

bool access_may(const struct access *a, const struct principal *who, enum access_op op,
                const struct access_object *o)
{
    if (op == OP_PUBLIC || who->everything)
        return !who->gone;
    if (who->gone || !(who->scopes & OP_BIT(op)))
        return false;
    const struct access_op_info *info = op_info(op);
    if (info->from == FOR_PERSON) /* in an organisation of theirs, when it is about one */
        return who->kind == WHO_PERSON &&
               (!o || !o->org || who->installation || role_in(who, o->org) != ROLE_NONE);
    if (info->from == FOR_INSTALLATION)
        return who->installation || (who->ops & OP_BIT(op));
    if (op == OP_STATUS_READ && who->installation)
        return true; /* they set the quotas */
    if (!o || !o->org)
        return !(o && o->twin.n) && (who->ops & OP_BIT(op)); /* a twin of nobody is nobody's */
    if (who->kind == WHO_DEVICE)
        return (ops_of_device() & OP_BIT(op)) && slice_eq(who->twin, o->twin);
    if (who->kind == WHO_ANONYMOUS)
        return o->org == who->org && (who->ops & OP_BIT(op));
    if (o->org == who->org && !o->org->ruled)
        return who->ops & OP_BIT(op);
    enum access_role role = role_in(who, o->org);
    if (!o->org->ruled)
        return ops_of_role(role) & OP_BIT(op);
    return may_by_rules(a, who, op, o, role);
}

bool access_is_plain(const struct access *a, const struct principal *who, const struct org *org)
{
    (void)a;
    return who->everything || (who->org == org && !org->ruled && who->kind != WHO_DEVICE);
}

/* Is it any of their business? */
static bool may_see(const struct access *a, const struct principal *who,
                    const struct access_object *o)
{
    if (!o || !o->org)
        return true;
    if (who->kind == WHO_DEVICE && !o->twin.n)
        return who->org == o->org;
    if (who->kind == WHO_DEVICE)
        return slice_eq(who->twin, o->twin);
    if (!o->twin.n)
        return role_in(who, o->org) != ROLE_NONE || who->installation;
    const struct access_object whole = {.org = o->org, .twin = o->twin};
    struct principal without_scopes = *who;
    without_scopes.scopes = OPS_ALL;
    without_scopes.ops |= ops_of_role(who->role);
    return access_may(a, &without_scopes, OP_TWIN_READ, &whole);
}

int access_check(const struct access *a, const struct principal *who, enum access_op op,
                 const struct access_object *o)
{
    if (access_may(a, who, op, o))
        return 0;
    if (who->gone || who->kind == WHO_ANONYMOUS)
        return ERR_UNAUTHENTICATED;
    return may_see(a, who, o) ? ERR_FORBIDDEN : ERR_NOT_FOUND;
}

/* graphql_rules.c - the rules about a document as a whole: its operations and fragments. */
#include "codec/graphql_internal.h"

enum { INTROSPECTION_LISTS = 3 };

/* ---- names ---- */

static void unique_definitions(struct gql_check *c, enum gql_kind kind, const char *rule,
                               const char *what)
{
    struct map seen = {0};
    for (struct gql_node *n = c->doc->first; n; n = n->next) {
        if (n->kind != kind || !n->name.n)
            continue;
        const struct gql_node *before = map_get(&seen, n->name);
        if (before)
            gql_say_at(c, rule, (uint32_t[]){before->name_at, n->name_at}, 2,
                       "There can be only one %s named \"%.*s\".", what, SLICE_ARG(n->name));
        else if (map_put(&seen, n->name, n, NULL))
            c->failed = true;
    }
    map_release(&seen);
}

static void executable(struct gql_check *c)
{
    for (const struct gql_node *n = c->doc->first; n; n = n->next)
        if (n->kind != GQL_OPERATION && n->kind != GQL_FRAGMENT)
            gql_say(c, "ExecutableDefinitions", n, "The \"%.*s\" definition is not executable.",
                    SLICE_ARG(n->kind == GQL_SCHEMA_DEFINITION ? SLICE_LIT("schema") : n->name));
}

static void lone_anonymous(struct gql_check *c)
{
    size_t operations = 0;
    for (const struct gql_node *n = c->doc->first; n; n = n->next)
        operations += n->kind == GQL_OPERATION;
    for (const struct gql_node *n = c->doc->first; n; n = n->next)
        if (n->kind == GQL_OPERATION && !n->name.n && operations > 1)
            gql_say(c, "LoneAnonymousOperation", n,
                    "This anonymous operation must be the only defined operation.");
}

/* ---- fragments ---- */

static void reach(struct gql_check *c, const struct gql_node *definition)
{
    const struct gql_spread *s = c->parts[definition->number].spreads;
    for (; s; s = s->next) {
        const struct gql_node *f = gql_fragment(c, s->node->name);
        if (!f || c->parts[f->number].seen == c->mark)
            continue;
        c->parts[f->number].seen = c->mark;
        reach(c, f);
    }
}

static void unused_fragments(struct gql_check *c)
{
    c->mark++;
    for (const struct gql_node *n = c->doc->first; n; n = n->next)
        if (n->kind == GQL_OPERATION)
            reach(c, n);
    for (const struct gql_node *n = c->doc->first; n; n = n->next) {
        if (n->kind != GQL_FRAGMENT)
            continue;
        const struct gql_node *last = gql_fragment(c, n->name);
        if (c->parts[last->number].seen != c->mark)
            gql_say(c, "NoUnusedFragments", n, "Fragment \"%.*s\" is never used.",
                    SLICE_ARG(n->name));
    }
}

/* The spreads on the way to where the search is; on[]: where on it a fragment was entered, from 1.
 */
struct cycles {
    struct gql_check *check;
    const struct gql_node **path;
    size_t *on;
    size_t n;
};

static void say_cycle(struct cycles *y, size_t from, const struct gql_node *to)
{
    uint32_t offsets[GQL_PLACES_MAX];
    size_t n = 0;
    for (size_t i = from; i < y->n && n < GQL_PLACES_MAX; i++)
        offsets[n++] = y->path[i]->at;
    gql_say_at(y->check, "NoFragmentCycles", offsets, n,
               "Cannot spread fragment \"%.*s\" within itself%s.", SLICE_ARG(to->name),
               n > 1 ? " by way of others" : "");
}

static void find_cycles(struct cycles *y, const struct gql_node *fragment)
{
    struct gql_check *c = y->check;
    uint32_t number = gql_fragment(c, fragment->name)->number; /* one for all of that name */
    if (c->parts[number].seen == c->mark)
        return;
    c->parts[number].seen = c->mark;
    y->on[number] = y->n + 1;
    for (const struct gql_spread *s = c->parts[fragment->number].spreads; s; s = s->next) {
        const struct gql_node *to = gql_fragment(c, s->node->name);
        y->path[y->n++] = s->node;
        if (to && y->on[to->number])
            say_cycle(y, y->on[to->number] - 1, to);
        else if (to)
            find_cycles(y, to);
        y->n--;
    }
    y->on[number] = 0;
}

static void fragment_cycles(struct gql_check *c)
{
    size_t n = c->doc->definitions;
    struct cycles y = {.check = c};
    y.path = gql_check_alloc(c, (n + 1) * sizeof *y.path);
    y.on = gql_check_alloc(c, n * sizeof *y.on);
    c->mark++;
    for (const struct gql_node *d = c->doc->first; d && !c->failed; d = d->next)
        if (d->kind == GQL_FRAGMENT)
            find_cycles(&y, d);
}

/* ---- subscriptions ---- */

struct root_field {
    const struct gql_node *node;
    struct root_field *next; /* of the same key */
    struct root_field *key_next;
};

struct root_fields {
    struct gql_check *check;
    struct map by_key; /* struct root_field, the first of its key */
    struct root_field *first, **last;
};

static void add_root(struct root_fields *r, const struct gql_node *n)
{
    struct root_field *f = gql_check_alloc(r->check, sizeof *f);
    if (!f)
        return;
    f->node = n;
    struct root_field *same = map_get(&r->by_key, gql_response_key(n));
    if (same) {
        while (same->next)
            same = same->next;
        same->next = f;
        return;
    }
    if (map_put(&r->by_key, gql_response_key(n), f, NULL))
        r->check->failed = true;
    *r->last = f;
    r->last = &f->key_next;
}

/* A variable decides nothing here: without its value what it guards is taken for there. */
static bool never(const struct gql_node *n)
{
    const struct gql_node *skip = gql_find_node(n->directives, SLICE_LIT("skip"));
    const struct gql_node *include = gql_find_node(n->directives, SLICE_LIT("include"));
    const struct gql_node *s = skip ? gql_find_node(skip->args, SLICE_LIT("if")) : NULL;
    const struct gql_node *i = include ? gql_find_node(include->args, SLICE_LIT("if")) : NULL;
    return (s && s->value->kind == GQL_BOOLEAN && slice_is(s->value->text, "true")) ||
           (i && i->value->kind == GQL_BOOLEAN && slice_is(i->value->text, "false"));
}

static void collect_roots(struct root_fields *r, const struct gql_node *node,
                          const struct gql_type *type)
{
    struct gql_check *c = r->check;
    for (const struct gql_node *n = node->kids; n; n = n->next) {
        const struct gql_node *inside = n;
        if (never(n))
            continue;
        if (n->kind == GQL_FIELD) {
            add_root(r, n);
            continue;
        }
        if (n->kind == GQL_SPREAD) {
            inside = gql_fragment(c, n->name);
            if (!inside || c->parts[inside->number].seen == c->mark)
                continue;
            c->parts[inside->number].seen = c->mark;
        }
        const struct gql_type *on = inside->type ? gql_type(c->schema, inside->type->name) : type;
        if (on && gql_is_composite(on) && gql_is_possible(on, type))
            collect_roots(r, inside, type);
    }
}

static void say_roots(struct gql_check *c, const struct root_field *from, bool all,
                      const char *what)
{
    uint32_t offsets[GQL_PLACES_MAX];
    size_t n = 0;
    for (const struct root_field *k = from; k; k = all ? k->key_next : NULL)
        for (const struct root_field *f = k; f && n < GQL_PLACES_MAX; f = f->next)
            offsets[n++] = f->node->at;
    gql_say_at(c, "SingleFieldSubscriptions", offsets, n, "A subscription must %s.", what);
}

static void single_field(struct gql_check *c, const struct gql_node *operation)
{
    const struct gql_type *type = gql_root(c->schema, GQL_SUBSCRIPTION);
    struct root_fields r = {.check = c};
    r.last = &r.first;
    if (!type)
        return;
    c->mark++;
    collect_roots(&r, operation, type);
    if (r.first && r.first->key_next)
        say_roots(c, r.first->key_next, true, "select only one top level field");
    for (const struct root_field *f = r.first; f; f = f->key_next)
        if (slice_starts(f->node->name, "__"))
            say_roots(c, f, false, "not select an introspection top level field");
    map_release(&r.by_key);
}

/* ---- introspection ---- */

/* Lists in lists of introspection grow with each level: that deep nobody needs them.  A fragment is
 * looked at again only when it is come to deeper than before: seen holds that depth, from 1. */
static bool too_deep(struct gql_check *c, const struct gql_node *n, uint32_t depth, uint32_t *seen)
{
    static const char *const lists[] = {"fields", "interfaces", "possibleTypes", "inputFields"};
    if (n->kind == GQL_SPREAD) {
        const struct gql_node *f = gql_fragment(c, n->name);
        if (!f || seen[f->number] > depth)
            return false;
        seen[f->number] = depth + 1;
        n = f;
    }
    for (size_t i = 0; n->kind == GQL_FIELD && i < 4; i++)
        if (slice_is(n->name, lists[i]) && ++depth >= INTROSPECTION_LISTS)
            return true;
    for (const struct gql_node *kid = n->kids; kid; kid = kid->next)
        if (too_deep(c, kid, depth, seen))
            return true;
    return false;
}

static void introspection(struct gql_check *c, const struct gql_node *node)
{
    for (const struct gql_node *n = node->kids; n; n = n->next) {
        bool meta =
            n->kind == GQL_FIELD && (slice_is(n->name, "__schema") || slice_is(n->name, "__type"));
        uint32_t *seen = meta ? gql_check_alloc(c, c->doc->definitions * sizeof *seen) : NULL;
        if (meta && seen && too_deep(c, n, 0, seen))
            gql_say(c, "MaxIntrospectionDepth", n, "Maximum introspection depth exceeded");
        else
            introspection(c, n);
    }
}

void gql_rules_document(struct gql_check *c)
{
    executable(c);
    unique_definitions(c, GQL_OPERATION, "UniqueOperationNames", "operation");
    unique_definitions(c, GQL_FRAGMENT, "UniqueFragmentNames", "fragment");
    lone_anonymous(c);
    unused_fragments(c);
    fragment_cycles(c);
    for (const struct gql_node *n = c->doc->first; n && !c->failed; n = n->next) {
        if (n->kind == GQL_OPERATION && n->operation == GQL_SUBSCRIPTION)
            single_field(c, n);
        if (n->kind == GQL_OPERATION || n->kind == GQL_FRAGMENT)
            introspection(c, n);
    }
}

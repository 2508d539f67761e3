/* graphql_price.c - what an operation may cost, before anything of it is done.
 *
 * Fragments are opened, so that who spreads one ten times pays for it ten times; since they may
 * spread others, counting stops once there is more than anybody may ask for. */
#include "codec/graphql_internal.h"

enum { ENOUGH = 1000000000, STEPS_MAX = 100000 };

struct count {
    const struct gql_schema *schema;
    const struct gql_document *doc;
    const struct jval *variables;
    struct gql_price price;
    size_t steps;
};

static const struct gql_node *cost_of(const struct gql_field *f, const char *name)
{
    const struct gql_node *d =
        f->node ? gql_find_node(f->node->directives, SLICE_LIT("cost")) : NULL;
    const struct gql_node *arg = d ? gql_find_node(d->args, slice_str(name)) : NULL;
    return arg ? arg->value : NULL;
}

static uint64_t number(const struct gql_node *n, uint64_t otherwise)
{
    uint64_t v = otherwise;
    if (n && n->kind == GQL_INT)
        slice_to_u64(n->text, &v);
    return v;
}

/* How many items the list may have. */
static uint64_t items(const struct count *c, const struct gql_field *f, const struct gql_node *n)
{
    const struct gql_node *by = cost_of(f, "by");
    uint64_t most = number(cost_of(f, "items"), 1);
    for (const struct gql_node *name = by ? by->kids : NULL; name; name = name->next) {
        const struct gql_node *arg = gql_find_node(n->args, name->text);
        const struct jval *v = arg && arg->value->kind == GQL_VARIABLE
                                   ? jval_get_slice(c->variables, arg->value->name)
                                   : NULL;
        uint64_t given = most;
        double d;
        if (v && jval_number(v, &d) && d >= 0)
            given = d < ENOUGH ? (uint64_t)d : ENOUGH;
        else if (arg)
            given = number(arg->value, most);
        else
            continue;
        return given ? given : 1;
    }
    return most;
}

static const struct gql_node *fragment(const struct count *c, struct slice name)
{
    const struct gql_node *found = NULL;
    for (const struct gql_node *n = c->doc->first; n; n = n->next)
        if (n->kind == GQL_FRAGMENT && slice_eq(n->name, name))
            found = n;
    return found;
}

static void selections(struct count *c, const struct gql_type *type, const struct gql_node *node,
                       uint64_t times, size_t depth)
{
    for (const struct gql_node *n = node->kids; n; n = n->next) {
        if (c->price.cost >= ENOUGH || ++c->steps > STEPS_MAX) {
            c->price.cost = ENOUGH;
            return;
        }
        if (!gql_is_included(n, c->variables))
            continue;
        if (n->kind != GQL_FIELD) {
            const struct gql_node *f = n->kind == GQL_SPREAD ? fragment(c, n->name) : n;
            const struct gql_type *on = f && f->type ? gql_type(c->schema, f->type->name) : type;
            if (f && on)
                selections(c, on, f, times, depth);
            continue;
        }
        const struct gql_field *f = gql_field_of(c->schema, type, n->name);
        if (!f)
            continue;
        uint64_t many = times * items(c, f, n);
        c->price.cost += times * number(cost_of(f, "weight"), 1);
        c->price.fields++;
        c->price.aliases += n->alias.p != NULL;
        if (depth > c->price.depth)
            c->price.depth = depth;
        if (n->kids)
            selections(c, gql_bare(f->type), n, many < ENOUGH ? many : ENOUGH, depth + 1);
    }
}

struct gql_price gql_price(const struct gql_schema *s, const struct gql_document *doc,
                           const struct gql_node *operation, const struct jval *variables)
{
    struct count c = {.schema = s, .doc = doc, .variables = variables};
    const struct gql_type *root = gql_root(s, operation->operation);
    if (root)
        selections(&c, root, operation, 1, 1);
    return c.price;
}

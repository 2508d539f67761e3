/* graphql_variables.c - the rules about variables: defined, used, and of a type that fits wherever
 * an operation comes to them, through fragments too (section 5.8 of the standard). */
#include "codec/graphql_internal.h"

struct scope {
    struct gql_check *check;
    const struct gql_node *operation;
    struct map defined; /* struct gql_node: the last of each name */
    struct map used;    /* of the same */
};

static bool sub_type(const struct gql_type *t, const struct gql_type *of)
{
    for (;;) {
        if (gql_same_type(t, of))
            return true;
        if (of->kind == GQL_T_NON_NULL) {
            if (t->kind != GQL_T_NON_NULL)
                return false;
            of = of->of;
            t = t->of;
        } else if (t->kind == GQL_T_NON_NULL) {
            t = t->of;
        } else if (of->kind == GQL_T_LIST && t->kind == GQL_T_LIST) {
            of = of->of;
            t = t->of;
        } else {
            return false;
        }
    }
}

static bool is_allowed(const struct gql_type *type, const struct gql_node *definition,
                       const struct gql_usage *u)
{
    if (u->type->kind != GQL_T_NON_NULL || type->kind == GQL_T_NON_NULL)
        return sub_type(type, u->type);
    bool has_value = definition->value && definition->value->kind != GQL_NULL;
    return (has_value || u->has_default) && sub_type(type, u->type->of);
}

static void position(struct scope *s, const struct gql_node *definition, const struct gql_usage *u)
{
    struct gql_check *c = s->check;
    const struct gql_type *type = gql_type_of(c->arena, c->schema, definition->type);
    const uint32_t at[] = {definition->at, u->node->at};
    struct buf is = {0}, wants = {0};
    if (!type || !u->type)
        return;
    gql_put_type(&is, type);
    gql_put_type(&wants, u->type);
    if (!is_allowed(type, definition, u))
        gql_say_at(c, "VariablesInAllowedPosition", at, 2,
                   "Variable \"$%.*s\" of type \"%.*s\" used in position expecting type \"%.*s\".",
                   SLICE_ARG(u->node->name), SLICE_ARG(buf_slice(&is)),
                   SLICE_ARG(buf_slice(&wants)));
    if (u->parent && u->parent->kind == GQL_T_INPUT && u->parent->one_of &&
        type->kind != GQL_T_NON_NULL)
        gql_say_at(c, "VariablesInAllowedPosition", at, 2,
                   "Variable \"$%.*s\" is of type \"%.*s\" but must be non-nullable to be used for "
                   "OneOf Input Object \"%.*s\".",
                   SLICE_ARG(u->node->name), SLICE_ARG(buf_slice(&is)), SLICE_ARG(u->parent->name));
    buf_release(&is);
    buf_release(&wants);
}

static void usage(struct scope *s, const struct gql_usage *u)
{
    const struct gql_node *operation = s->operation;
    struct gql_node *definition = map_get(&s->defined, u->node->name);
    if (!definition) {
        gql_say_at(s->check, "NoUndefinedVariables", (uint32_t[]){u->node->at, operation->at}, 2,
                   "Variable \"$%.*s\" is not defined by operation \"%.*s\".",
                   SLICE_ARG(u->node->name), SLICE_ARG(operation->name));
        return;
    }
    if (map_put(&s->used, definition->name, definition, NULL))
        s->check->failed = true;
    position(s, definition, u);
}

static void usages(struct scope *s, const struct gql_node *definition)
{
    struct gql_check *c = s->check;
    const struct gql_part *part = &c->parts[definition->number];
    for (const struct gql_usage *u = part->usages; u; u = u->next)
        usage(s, u);
    for (const struct gql_spread *p = part->spreads; p && !c->failed; p = p->next) {
        const struct gql_node *f = gql_fragment(c, p->node->name);
        if (!f || c->parts[f->number].seen == c->mark)
            continue;
        c->parts[f->number].seen = c->mark;
        usages(s, f);
    }
}

static void operation(struct gql_check *c, const struct gql_node *n)
{
    struct scope s = {.check = c, .operation = n};
    for (struct gql_node *d = n->args; d; d = d->next)
        if (map_put(&s.defined, d->name, d, NULL))
            c->failed = true;
    c->mark++;
    usages(&s, n);
    for (const struct gql_node *d = n->args; d; d = d->next)
        if (!map_get(&s.used, d->name))
            gql_say(c, "NoUnusedVariables", d, "Variable \"$%.*s\" is never used%s%.*s%s.",
                    SLICE_ARG(d->name), n->name.n ? " in operation \"" : "", SLICE_ARG(n->name),
                    n->name.n ? "\"" : "");
    map_release(&s.defined);
    map_release(&s.used);
}

void gql_rules_variables(struct gql_check *c)
{
    for (const struct gql_node *n = c->doc->first; n && !c->failed; n = n->next)
        if (n->kind == GQL_OPERATION)
            operation(c, n);
}

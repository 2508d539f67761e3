/* graphql_literal.c - does a literal fit where it stands (sections 5.6.1 to 5.6.4 of the standard),
 * and which variables stand in it. */
#include "codec/graphql_internal.h"

/* ---- names that stand twice ---- */

static bool has_twin_before(const struct gql_node *list, const struct gql_node *n)
{
    return gql_find_node(list, n->name) != n;
}

void gql_rule_unique(struct gql_check *c, const char *rule, const struct gql_node *list,
                     const char *what)
{
    for (const struct gql_node *n = list; n; n = n->next) {
        uint32_t offsets[GQL_PLACES_MAX];
        size_t count = 0;
        if (has_twin_before(list, n))
            continue;
        for (const struct gql_node *other = n; other; other = other->next)
            if (count < GQL_PLACES_MAX && slice_eq(other->name, n->name))
                offsets[count++] = other->name_at;
        if (count < 2)
            continue;
        gql_say_at(c, rule, offsets, count, "There can be only one %s%.*s\".", what,
                   SLICE_ARG(n->name));
    }
}

static void unique_fields(struct gql_check *c, const struct gql_node *object)
{
    for (const struct gql_node *n = object->kids; n; n = n->next) {
        const struct gql_node *before = gql_find_node(object->kids, n->name);
        if (before != n)
            gql_say_at(c, "UniqueInputFieldNames", (uint32_t[]){before->name_at, n->name_at}, 2,
                       "There can be only one input field named \"%.*s\".", SLICE_ARG(n->name));
    }
}

/* ---- leaves ---- */

static bool is_int32(struct slice text)
{
    int64_t v;
    return slice_to_i64(text, &v) == 0 && v >= INT32_MIN && v <= INT32_MAX;
}

bool gql_leaf_literal(const struct gql_type *type, const struct gql_node *n)
{
    if (type->kind == GQL_T_ENUM)
        return n->kind == GQL_ENUM && gql_enum_value(type, n->text);
    switch (type->scalar) {
    case GQL_S_INT:
        return n->kind == GQL_INT && is_int32(n->text);
    case GQL_S_FLOAT:
        return n->kind == GQL_INT || n->kind == GQL_FLOAT;
    case GQL_S_STRING:
        return n->kind == GQL_STRING;
    case GQL_S_BOOLEAN:
        return n->kind == GQL_BOOLEAN;
    case GQL_S_ID:
        return n->kind == GQL_STRING || n->kind == GQL_INT;
    default: /* our own take what they are given */
        return true;
    }
}

static void wrong(struct gql_check *c, const struct gql_type *type, const struct gql_node *n)
{
    struct buf text = {0}, found = {0};
    gql_put_type(&text, type);
    gql_print_node(&found, n);
    if (found.n > 100)
        found.n = 100;
    gql_say(c, "ValuesOfCorrectType", n, "Expected value of type \"%.*s\", found %.*s.",
            SLICE_ARG(buf_slice(&text)), SLICE_ARG(buf_slice(&found)));
    buf_release(&text);
    buf_release(&found);
}

static void leaf(struct gql_check *c, const struct gql_type *type, const struct gql_node *n)
{
    const struct gql_type *bare = type ? gql_bare(type) : NULL;
    if (bare && (bare->kind == GQL_T_INPUT || !gql_leaf_literal(bare, n)))
        wrong(c, type, n);
}

/* ---- objects ---- */

static void one_of(struct gql_check *c, const struct gql_type *type, const struct gql_node *n)
{
    const struct gql_node *first = n->kids;
    for (const struct gql_node *kid = first; kid && first; kid = kid->next)
        if (!slice_eq(kid->name, first->name))
            first = NULL;
    if (!first)
        gql_say(c, "ValuesOfCorrectType", n,
                "OneOf Input Object \"%.*s\" must specify exactly one key.", SLICE_ARG(type->name));
    for (const struct gql_node *kid = first; kid; kid = kid->next)
        first = kid; /* the last of the same name is what counts */
    if (first && first->value->kind == GQL_NULL)
        gql_say(c, "ValuesOfCorrectType", n, "Field \"%.*s.%.*s\" must be non-null.",
                SLICE_ARG(type->name), SLICE_ARG(first->name));
}

static void object_fields(struct gql_check *c, const struct gql_type *type,
                          const struct gql_node *n)
{
    for (size_t i = 0; i < type->inputs_n; i++) {
        const struct gql_input *in = &type->inputs[i];
        struct buf text = {0};
        if (!gql_is_required(in) || gql_find_node(n->kids, in->name))
            continue;
        gql_put_type(&text, in->type);
        gql_say(c, "ValuesOfCorrectType", n,
                "Field \"%.*s.%.*s\" of required type \"%.*s\" was not provided.",
                SLICE_ARG(type->name), SLICE_ARG(in->name), SLICE_ARG(buf_slice(&text)));
        buf_release(&text);
    }
    if (type->one_of)
        one_of(c, type, n);
}

/* ---- values ---- */

/* judged: is what it is still of interest?  Inside what is wrong already it is not. */
static void value(struct gql_check *c, const struct gql_type *type, const struct gql_type *parent,
                  bool has_default, const struct gql_node *n, bool judged);

static void list(struct gql_check *c, const struct gql_type *type, const struct gql_node *n,
                 bool judged)
{
    const struct gql_type *nullable = gql_nullable(type);
    bool is_list = nullable && nullable->kind == GQL_T_LIST;
    const struct gql_type *item = is_list ? nullable->of : nullable;
    if (judged && !is_list)
        leaf(c, item, n);
    for (const struct gql_node *kid = n->kids; kid; kid = kid->next)
        value(c, item, type, false, kid, judged && is_list);
}

static void object(struct gql_check *c, const struct gql_type *type, const struct gql_node *n,
                   bool judged)
{
    const struct gql_type *bare = type ? gql_bare(type) : NULL;
    bool is_input = bare && bare->kind == GQL_T_INPUT;
    unique_fields(c, n);
    if (judged && is_input)
        object_fields(c, bare, n);
    else if (judged)
        leaf(c, type, n);
    for (const struct gql_node *kid = n->kids; kid; kid = kid->next) {
        const struct gql_input *in = is_input ? map_get(bare->by_name, kid->name) : NULL;
        if (judged && is_input && !in)
            gql_say(c, "ValuesOfCorrectType", kid,
                    "Field \"%.*s\" is not defined by type \"%.*s\".", SLICE_ARG(kid->name),
                    SLICE_ARG(bare->name));
        value(c, in ? in->type : NULL, type, in && in->node->value, kid->value, judged && is_input);
    }
}

static void use(struct gql_check *c, const struct gql_type *type, const struct gql_type *parent,
                bool has_default, const struct gql_node *n)
{
    struct gql_usage *u = gql_check_alloc(c, sizeof *u);
    if (!u)
        return;
    *u = (struct gql_usage){.node = n, .type = type, .parent = parent, .has_default = has_default};
    *c->part->usages_last = u;
    c->part->usages_last = &u->next;
}

static void value(struct gql_check *c, const struct gql_type *type, const struct gql_type *parent,
                  bool has_default, const struct gql_node *n, bool judged)
{
    if (n->kind == GQL_VARIABLE) {
        use(c, type, parent, has_default, n);
    } else if (n->kind == GQL_LIST) {
        list(c, type, n, judged);
    } else if (n->kind == GQL_OBJECT) {
        object(c, type, n, judged);
    } else if (judged && n->kind == GQL_NULL) {
        if (type && type->kind == GQL_T_NON_NULL)
            wrong(c, type, n);
    } else if (judged) {
        leaf(c, type, n);
    }
}

void gql_rules_value(struct gql_check *c, const struct gql_type *type,
                     const struct gql_type *parent, bool has_default, const struct gql_node *n)
{
    value(c, type, parent, has_default, n, true);
}

/* graphql_validate.c - a walk through a document with the types that stand at its places; and the
 * rules that a place alone can be judged by.
 *
 * Whoever knows the reference implementation finds its ways here: where a part of a document is
 * wrong already, what is said about parts of that part is as it says it. */
#include "codec/graphql_internal.h"

#include <stdarg.h>

/* Where the walk is. */
struct place {
    const struct gql_type *parent; /* composite, whose fields are selected; NULL: not known */
    const struct gql_type *type;   /* of what is selected from; NULL: not known */
    const struct gql_field *field; /* the innermost */
    struct gql_overlaps *overlaps;
};

/* ---- helpers ---- */

static void say(struct gql_check *c, const char *rule, const uint32_t *offsets, size_t n,
                const char *format, va_list args) __attribute__((format(printf, 5, 0)));

static void say(struct gql_check *c, const char *rule, const uint32_t *offsets, size_t n,
                const char *format, va_list args)
{
    struct buf text = {0};
    buf_vaddf(&text, format, args);
    gql_error_add(c->errors, c->doc->text, rule, offsets, n, "%.*s", SLICE_ARG(buf_slice(&text)));
    buf_release(&text);
}

void gql_say_at(struct gql_check *c, const char *rule, const uint32_t *offsets, size_t n,
                const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(c, rule, offsets, n, format, args);
    va_end(args);
}

void gql_say(struct gql_check *c, const char *rule, const struct gql_node *at, const char *format,
             ...)
{
    va_list args;
    va_start(args, format);
    say(c, rule, &at->at, 1, format, args);
    va_end(args);
}

void *gql_check_alloc(struct gql_check *c, size_t n)
{
    void *p = arena_zalloc(c->arena, n);
    c->failed |= !p;
    return p;
}

const struct gql_node *gql_fragment(const struct gql_check *c, struct slice name)
{
    return map_get(&c->fragments, name);
}

/* A node of a list that has that name; the list is short, or judged by its tokens. */
const struct gql_node *gql_find_node(const struct gql_node *list, struct slice name)
{
    for (; list; list = list->next)
        if (slice_eq(list->name, name))
            return list;
    return NULL;
}

/* ---- types that are named ---- */

static void known_types(struct gql_check *c, const struct gql_node *reference)
{
    while (reference->kind != GQL_NAMED)
        reference = reference->type;
    if (gql_type(c->schema, reference->name))
        return;
    for (const struct gql_node *n = c->doc->first; n; n = n->next)
        if (n->kind > GQL_SCHEMA_DEFINITION && n->kind < GQL_DIRECTIVE_DEFINITION && !n->extends &&
            slice_eq(n->name, reference->name))
            return;
    gql_say(c, "KnownTypeNames", reference, "Unknown type \"%.*s\".", SLICE_ARG(reference->name));
}

static const struct gql_type *condition(struct gql_check *c, const struct gql_node *n)
{
    const struct gql_type *t = gql_type(c->schema, n->type->name);
    known_types(c, n->type);
    if (t && !gql_is_composite(t))
        gql_say(c, "FragmentsOnCompositeTypes", n->type,
                "Fragment %s%.*s cannot condition on non composite type \"%.*s\".",
                n->name.n ? "" : "(inline)", SLICE_ARG(n->name), SLICE_ARG(t->name));
    return t && t->kind == GQL_T_INPUT ? NULL : t;
}

static const struct gql_type *composite(const struct gql_type *t)
{
    t = t ? gql_bare(t) : NULL;
    return t && gql_is_composite(t) ? t : NULL;
}

static bool overlap(const struct gql_type *a, const struct gql_type *b)
{
    if (a == b)
        return true;
    if (b->kind == GQL_T_OBJECT)
        return a->kind != GQL_T_OBJECT && gql_is_possible(a, b);
    if (a->kind == GQL_T_OBJECT)
        return gql_is_possible(b, a);
    for (size_t i = 0; i < a->possible_n; i++)
        if (gql_is_possible(b, a->possible[i]))
            return true;
    return false;
}

static void possible_spread(struct gql_check *c, const struct gql_node *n,
                            const struct gql_type *parent, const struct gql_type *on)
{
    if (parent && on && gql_is_composite(on) && !overlap(on, parent))
        gql_say(c, "PossibleFragmentSpreads", n,
                "Fragment cannot be spread here as objects of type \"%.*s\" can never be of type "
                "\"%.*s\".",
                SLICE_ARG(parent->name), SLICE_ARG(on->name));
}

/* ---- arguments and directives ---- */

static void arguments(struct gql_check *c, const struct gql_node *args,
                      const struct gql_input *inputs, size_t n)
{
    gql_rule_unique(c, "UniqueArgumentNames", args, "argument named \"");
    for (const struct gql_node *arg = args; arg; arg = arg->next) {
        const struct gql_input *in = gql_input(inputs, n, arg->name);
        gql_rules_value(c, in ? in->type : NULL, NULL, in && in->node->value, arg->value);
    }
}

static void known_arguments(struct gql_check *c, const struct gql_node *args,
                            const struct gql_input *inputs, size_t n, const char *of,
                            struct slice name)
{
    for (const struct gql_node *arg = args; arg; arg = arg->next)
        if (!gql_input(inputs, n, arg->name))
            gql_say(c, "KnownArgumentNames", arg, "Unknown argument \"%.*s\" on %s \"%.*s\".",
                    SLICE_ARG(arg->name), of, SLICE_ARG(name));
}

static void required_arguments(struct gql_check *c, const struct gql_node *n,
                               const struct gql_input *inputs, size_t inputs_n, const char *of)
{
    for (size_t i = 0; i < inputs_n; i++) {
        struct buf type = {0};
        if (!gql_is_required(&inputs[i]) || gql_find_node(n->args, inputs[i].name))
            continue;
        gql_put_type(&type, inputs[i].type);
        gql_say(c, "ProvidedRequiredArguments", n,
                "%s \"%.*s\" argument \"%.*s\" of type \"%.*s\" is required, but it was not "
                "provided.",
                of, SLICE_ARG(n->name), SLICE_ARG(inputs[i].name), SLICE_ARG(buf_slice(&type)));
        buf_release(&type);
    }
}

/* The first of that name behind which it stands again. */
static void unique_directives(struct gql_check *c, const struct gql_node *first)
{
    for (const struct gql_node *n = first; n; n = n->next) {
        const struct gql_directive *d = gql_directive(c->schema, n->name);
        const struct gql_node *before = gql_find_node(first, n->name);
        if (d && !d->node->repeatable && before != n)
            gql_say_at(c, "UniqueDirectivesPerLocation", (uint32_t[]){before->at, n->at}, 2,
                       "The directive \"@%.*s\" can only be used once at this location.",
                       SLICE_ARG(n->name));
    }
}

static void directives(struct gql_check *c, const struct gql_node *first, int where,
                       const struct gql_field *field)
{
    unique_directives(c, first);
    for (const struct gql_node *n = first; n; n = n->next) {
        const struct gql_directive *d = gql_directive(c->schema, n->name);
        if (!d) {
            gql_say(c, "KnownDirectives", n, "Unknown directive \"@%.*s\".", SLICE_ARG(n->name));
            arguments(c, n->args, field ? field->args : NULL, field ? field->args_n : 0);
            continue;
        }
        if (!(d->places >> where & 1))
            gql_say(c, "KnownDirectives", n, "Directive \"@%.*s\" may not be used on %s.",
                    SLICE_ARG(n->name), gql_directive_places[where]);
        known_arguments(c, n->args, d->args, d->args_n, "directive", n->name);
        arguments(c, n->args, d->args, d->args_n);
        required_arguments(c, n, d->args, d->args_n, "Directive");
    }
}

/* ---- selections ---- */

static void selections(struct gql_check *c, const struct place *at, const struct gql_node *node);

static void leafs(struct gql_check *c, const struct gql_node *n, const struct gql_type *type)
{
    const struct gql_type *bare = gql_bare(type);
    if (gql_is_composite(bare) == !!n->kids)
        return;
    if (n->kids)
        gql_say_at(c, "ScalarLeafs", &n->kids_at, 1,
                   "Field \"%.*s\" must not have a selection since type \"%.*s\" has no subfields.",
                   SLICE_ARG(n->name), SLICE_ARG(bare->name));
    else
        gql_say(c, "ScalarLeafs", n,
                "Field \"%.*s\" of type \"%.*s\" must have a selection of subfields.",
                SLICE_ARG(n->name), SLICE_ARG(bare->name));
}

static void field(struct gql_check *c, const struct place *at, const struct gql_node *n)
{
    const struct gql_field *f = at->parent ? gql_field_of(c->schema, at->parent, n->name) : NULL;
    const struct place inside = {NULL, f ? f->type : NULL, f, at->overlaps};
    if (at->parent && !f)
        gql_say(c, "FieldsOnCorrectType", n, "Cannot query field \"%.*s\" on type \"%.*s\".",
                SLICE_ARG(n->name), SLICE_ARG(at->parent->name));
    if (f) {
        known_arguments(c, n->args, f->args, f->args_n, "field", f->name);
        required_arguments(c, n, f->args, f->args_n, "Field");
        leafs(c, n, f->type);
    }
    arguments(c, n->args, f ? f->args : NULL, f ? f->args_n : 0);
    directives(c, n->directives, GQL_AT_FIELD, f);
    if (n->kids)
        selections(c, &inside, n);
}

static void spread(struct gql_check *c, const struct place *at, const struct gql_node *n)
{
    const struct gql_node *f = gql_fragment(c, n->name);
    const struct gql_type *on = f ? gql_type(c->schema, f->type->name) : NULL;
    if (!f)
        gql_say_at(c, "KnownFragmentNames", &n->name_at, 1, "Unknown fragment \"%.*s\".",
                   SLICE_ARG(n->name));
    possible_spread(c, n, at->parent, on);
    directives(c, n->directives, GQL_AT_FRAGMENT_SPREAD, at->field);
}

static void inline_fragment(struct gql_check *c, const struct place *at, const struct gql_node *n)
{
    struct place inside = *at;
    inside.type = n->type ? condition(c, n) : at->type ? gql_bare(at->type) : NULL;
    possible_spread(c, n, at->parent, inside.type);
    directives(c, n->directives, GQL_AT_INLINE_FRAGMENT, at->field);
    selections(c, &inside, n);
}

/* First those that stand here, then those inside, the last first. */
static struct gql_spread **spreads(struct gql_check *c, const struct gql_node *n,
                                   struct gql_spread **last)
{
    const struct gql_node *kids[64];
    size_t count = 0;
    for (const struct gql_node *kid = n->kids; kid; kid = kid->next) {
        if (kid->kind == GQL_SPREAD && (*last = gql_check_alloc(c, sizeof **last))) {
            (*last)->node = kid;
            last = &(*last)->next;
        }
    }
    /* from behind: by the windows of 64, which costs nothing where there are fewer */
    size_t total = 0;
    for (const struct gql_node *kid = n->kids; kid; kid = kid->next)
        total += kid->kind != GQL_SPREAD && kid->kids;
    while (total) {
        size_t from = total > 64 ? total - 64 : 0, i = 0;
        count = 0;
        for (const struct gql_node *kid = n->kids; kid && i < total; kid = kid->next)
            if (kid->kind != GQL_SPREAD && kid->kids && i++ >= from)
                kids[count++] = kid;
        while (count)
            last = spreads(c, kids[--count], last);
        total = from;
    }
    return last;
}

static void selections(struct gql_check *c, const struct place *at, const struct gql_node *node)
{
    struct place here = *at;
    here.parent = composite(at->type);
    if (node->kind != GQL_INLINE)
        gql_rule_overlaps(at->overlaps, here.parent, node);
    for (const struct gql_node *n = node->kids; n && !c->failed; n = n->next) {
        if (n->kind == GQL_FIELD)
            field(c, &here, n);
        else if (n->kind == GQL_SPREAD)
            spread(c, &here, n);
        else
            inline_fragment(c, &here, n);
    }
}

/* ---- definitions ---- */

static void variable_definitions(struct gql_check *c, const struct gql_node *operation)
{
    gql_rule_unique(c, "UniqueVariableNames", operation->args, "variable named \"$");
    for (const struct gql_node *n = operation->args; n; n = n->next) {
        const struct gql_type *type = gql_type_of(c->arena, c->schema, n->type);
        bool input = type && gql_is_input(type);
        known_types(c, n->type);
        if (type && !input)
            gql_say(c, "VariablesAreInputTypes", n->type,
                    "Variable \"$%.*s\" cannot be of a type that is no input type.",
                    SLICE_ARG(n->name));
        if (n->value)
            gql_rules_value(c, input ? type : NULL, NULL, false, n->value);
        directives(c, n->directives, GQL_AT_VARIABLE_DEFINITION, NULL);
    }
}

static void definition(struct gql_check *c, struct gql_overlaps *overlaps, const struct gql_node *n)
{
    struct place at = {.overlaps = overlaps};
    c->part = &c->parts[n->number];
    c->part->usages_last = &c->part->usages;
    spreads(c, n, &c->part->spreads);
    if (n->kind == GQL_OPERATION) {
        at.type = gql_root(c->schema, n->operation);
        variable_definitions(c, n);
        directives(c, n->directives, GQL_AT_QUERY + n->operation, NULL);
    } else {
        at.type = condition(c, n);
        directives(c, n->directives, GQL_AT_FRAGMENT_DEFINITION, NULL);
    }
    selections(c, &at, n);
}

void gql_validate(const struct gql_schema *s, const struct gql_document *doc,
                  struct gql_errors *errors)
{
    struct gql_check c = {.schema = s, .doc = doc, .errors = errors, .arena = errors->arena};
    struct gql_overlaps *overlaps = gql_overlaps_new(&c);
    c.parts = gql_check_alloc(&c, doc->definitions * sizeof *c.parts);
    for (struct gql_node *n = doc->first; n; n = n->next)
        if (n->kind == GQL_FRAGMENT && map_put(&c.fragments, n->name, n, NULL))
            c.failed = true;
    c.failed |= !overlaps;
    for (const struct gql_node *n = doc->first; n && !c.failed; n = n->next)
        if (n->kind == GQL_OPERATION || n->kind == GQL_FRAGMENT)
            definition(&c, overlaps, n);
    if (!c.failed)
        gql_rules_document(&c);
    if (!c.failed)
        gql_rules_variables(&c);
    errors->failed |= c.failed;
    gql_overlaps_free(overlaps);
    map_release(&c.fragments);
}

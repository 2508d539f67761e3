/* graphql_introspect.c - a schema as an answer (section 4 of the standard).  What a field of
 * introspection is asked of is a part of the schema: its source. */
#include "codec/graphql_introspect.h"

#include "codec/graphql_internal.h"

typedef void part_fn(struct gql_cell *cell, const void *source, const struct gql_schema *s,
                     const struct jval *args);

bool gql_is_meta(const struct gql_field *f)
{
    return !f->parent || slice_starts(f->parent->name, "__");
}

/* ---- helpers ---- */

static void put_source(struct gql_cell *cell, const void *source)
{
    if (source)
        gql_put_object(cell, (void *)(uintptr_t)source, NULL);
    else
        gql_put_null(cell);
}

static void put_description(struct gql_cell *cell, const struct gql_node *n)
{
    if (n && n->described)
        gql_put_text(cell, n->description.p ? n->description : SLICE_LIT(""));
    else
        gql_put_null(cell);
}

static const struct gql_node *deprecation(const struct gql_node *n)
{
    return n ? gql_find_node(n->directives, SLICE_LIT("deprecated")) : NULL;
}

static void put_reason(struct gql_cell *cell, const struct gql_node *n)
{
    const struct gql_node *d = deprecation(n);
    const struct gql_node *reason = d ? gql_find_node(d->args, SLICE_LIT("reason")) : NULL;
    if (reason)
        gql_put_text(cell, reason->value->text);
    else
        gql_put_static(cell, d ? "No longer supported" : NULL);
}

static bool shows(const struct gql_node *n, const struct jval *args)
{
    const struct jval *all = jval_get(args, "includeDeprecated");
    return (all && all->type == J_BOOL && all->boolean) || !deprecation(n);
}

static void put_inputs(struct gql_cell *cell, const struct gql_input *list, size_t n,
                       const struct jval *args)
{
    size_t shown = 0, at = 0;
    for (size_t i = 0; i < n; i++)
        shown += shows(list[i].node, args);
    struct gql_cell *items = gql_put_list(cell, shown);
    for (size_t i = 0; i < n && items; i++)
        if (shows(list[i].node, args))
            put_source(gql_list_at(items, at++), &list[i]);
}

static void put_types(struct gql_cell *cell, const struct gql_type *const *types, size_t n)
{
    struct gql_cell *items = gql_put_list(cell, n);
    for (size_t i = 0; i < n && items; i++)
        put_source(gql_list_at(items, i), types[i]);
}

/* ---- __Schema ---- */

static void schema_part(struct gql_cell *cell, const void *source, const struct gql_schema *s,
                        const struct jval *args)
{
    struct slice name = gql_cell_field(cell)->name;
    (void)source;
    (void)args;
    if (slice_is(name, "types")) {
        put_types(cell, s->types, s->types_n);
    } else if (slice_is(name, "directives")) {
        struct gql_cell *items = gql_put_list(cell, s->directives_n);
        for (size_t i = 0; i < s->directives_n && items; i++)
            put_source(gql_list_at(items, i), &s->directives[i]);
    } else if (slice_is(name, "description")) {
        put_description(cell, s->definition);
    } else {
        int which = slice_is(name, "queryType")      ? GQL_QUERY
                    : slice_is(name, "mutationType") ? GQL_MUTATION
                                                     : GQL_SUBSCRIPTION;
        put_source(cell, s->roots[which]);
    }
}

/* ---- __Type ---- */

static void put_fields(struct gql_cell *cell, const struct gql_type *t, const struct jval *args)
{
    size_t shown = 0, at = 0;
    for (size_t i = 0; i < t->fields_n; i++)
        shown += shows(t->fields[i].node, args);
    struct gql_cell *items = gql_put_list(cell, shown);
    for (size_t i = 0; i < t->fields_n && items; i++)
        if (shows(t->fields[i].node, args))
            put_source(gql_list_at(items, at++), &t->fields[i]);
}

static void put_values(struct gql_cell *cell, const struct gql_type *t, const struct jval *args)
{
    size_t shown = 0, at = 0;
    for (const struct gql_node *n = t->node->kids; n; n = n->next)
        shown += shows(n, args);
    struct gql_cell *items = gql_put_list(cell, shown);
    for (const struct gql_node *n = t->node->kids; n && items; n = n->next)
        if (shows(n, args))
            put_source(gql_list_at(items, at++), n);
}

static void put_url(struct gql_cell *cell, const struct gql_type *t)
{
    const struct gql_node *d =
        t->node ? gql_find_node(t->node->directives, SLICE_LIT("specifiedBy")) : NULL;
    const struct gql_node *url = d ? gql_find_node(d->args, SLICE_LIT("url")) : NULL;
    if (url)
        gql_put_text(cell, url->value->text);
    else
        gql_put_null(cell);
}

static void type_part(struct gql_cell *cell, const void *source, const struct gql_schema *s,
                      const struct jval *args)
{
    static const char *const kinds[] = {"SCALAR", "OBJECT",       "INTERFACE", "UNION",
                                        "ENUM",   "INPUT_OBJECT", "LIST",      "NON_NULL"};
    const struct gql_type *t = source;
    struct slice name = gql_cell_field(cell)->name;
    bool has_fields = t->kind == GQL_T_OBJECT || t->kind == GQL_T_INTERFACE;
    (void)s;
    if (slice_is(name, "kind"))
        gql_put_static(cell, kinds[t->kind]);
    else if (slice_is(name, "name"))
        gql_put_text(cell, t->name);
    else if (slice_is(name, "description"))
        put_description(cell, t->node);
    else if (slice_is(name, "specifiedByURL"))
        put_url(cell, t);
    else if (slice_is(name, "fields") && has_fields)
        put_fields(cell, t, args);
    else if (slice_is(name, "interfaces") && has_fields)
        put_types(cell, t->interfaces, t->interfaces_n);
    else if (slice_is(name, "possibleTypes") &&
             (t->kind == GQL_T_INTERFACE || t->kind == GQL_T_UNION))
        put_types(cell, t->possible, t->possible_n);
    else if (slice_is(name, "enumValues") && t->kind == GQL_T_ENUM)
        put_values(cell, t, args);
    else if (slice_is(name, "inputFields") && t->kind == GQL_T_INPUT)
        put_inputs(cell, t->inputs, t->inputs_n, args);
    else if (slice_is(name, "ofType"))
        put_source(cell, t->of);
    else if (slice_is(name, "isOneOf") && t->kind == GQL_T_INPUT)
        gql_put_bool(cell, t->one_of);
    else
        gql_put_null(cell);
}

/* ---- the others ---- */

static void field_part(struct gql_cell *cell, const void *source, const struct gql_schema *s,
                       const struct jval *args)
{
    const struct gql_field *f = source;
    struct slice name = gql_cell_field(cell)->name;
    (void)s;
    if (slice_is(name, "name"))
        gql_put_text(cell, f->name);
    else if (slice_is(name, "description"))
        put_description(cell, f->node);
    else if (slice_is(name, "args"))
        put_inputs(cell, f->args, f->args_n, args);
    else if (slice_is(name, "type"))
        put_source(cell, f->type);
    else if (slice_is(name, "isDeprecated"))
        gql_put_bool(cell, deprecation(f->node));
    else
        put_reason(cell, f->node);
}

static void input_part(struct gql_cell *cell, const void *source, const struct gql_schema *s,
                       const struct jval *args)
{
    const struct gql_input *in = source;
    struct slice name = gql_cell_field(cell)->name;
    (void)s;
    (void)args;
    if (slice_is(name, "name")) {
        gql_put_text(cell, in->name);
    } else if (slice_is(name, "description")) {
        put_description(cell, in->node);
    } else if (slice_is(name, "type")) {
        put_source(cell, in->type);
    } else if (slice_is(name, "isDeprecated")) {
        gql_put_bool(cell, deprecation(in->node));
    } else if (slice_is(name, "defaultValue")) {
        struct buf text = {0};
        if (in->node->value)
            gql_print_node(&text, in->node->value);
        gql_put_text(cell, buf_slice(&text));
        buf_release(&text);
    } else {
        put_reason(cell, in->node);
    }
}

static void value_part(struct gql_cell *cell, const void *source, const struct gql_schema *s,
                       const struct jval *args)
{
    const struct gql_node *n = source;
    struct slice name = gql_cell_field(cell)->name;
    (void)s;
    (void)args;
    if (slice_is(name, "name"))
        gql_put_text(cell, n->name);
    else if (slice_is(name, "description"))
        put_description(cell, n);
    else if (slice_is(name, "isDeprecated"))
        gql_put_bool(cell, deprecation(n));
    else
        put_reason(cell, n);
}

static void put_places(struct gql_cell *cell, const struct gql_directive *d)
{
    size_t n = 0, at = 0;
    for (const struct gql_node *p = d->node->kids; p; p = p->next)
        n++;
    struct gql_cell *items = gql_put_list(cell, n);
    for (const struct gql_node *p = d->node->kids; p && items; p = p->next)
        gql_put_text(gql_list_at(items, at++), p->name);
}

static void directive_part(struct gql_cell *cell, const void *source, const struct gql_schema *s,
                           const struct jval *args)
{
    const struct gql_directive *d = source;
    struct slice name = gql_cell_field(cell)->name;
    (void)s;
    if (slice_is(name, "name"))
        gql_put_text(cell, d->name);
    else if (slice_is(name, "description"))
        put_description(cell, d->node);
    else if (slice_is(name, "isRepeatable"))
        gql_put_bool(cell, d->node->repeatable);
    else if (slice_is(name, "locations"))
        put_places(cell, d);
    else
        put_inputs(cell, d->args, d->args_n, args);
}

void gql_introspect(const struct gql_schema *s, struct gql_cell *cell, const struct gql_type *of,
                    const void *source, const struct jval *args)
{
    static const struct {
        const char *type;
        part_fn *fn;
    } parts[] = {{"__Schema", schema_part},   {"__Type", type_part},
                 {"__Field", field_part},     {"__InputValue", input_part},
                 {"__EnumValue", value_part}, {"__Directive", directive_part}};
    struct slice name = gql_cell_field(cell)->name;
    if (slice_is(name, "__typename")) {
        gql_put_text(cell, of->name);
    } else if (slice_is(name, "__schema")) {
        put_source(cell, s);
    } else if (slice_is(name, "__type")) {
        put_source(cell, gql_type(s, jval_string(jval_get(args, "name"))));
    } else {
        for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
            if (slice_is(of->name, parts[i].type)) {
                parts[i].fn(cell, source, s, args);
                return;
            }
        gql_put_null(cell);
    }
}

/* graphql_schema.c - from SDL to types that know each other.
 *
 * First every definition becomes a type with a name, then references are looked up: a type may
 * speak of one that stands behind it.  Lists and non-nulls of a type exist once, on the type
 * itself, so that the same type is the same pointer. */
#include "base/err.h"
#include "base/map.h"
#include "codec/graphql_internal.h"

struct build {
    struct gql_schema *s;
    struct gql_errors *errors;
    struct slice text; /* that is being read */
    int err;
};

static void say(struct build *b, const struct gql_node *at, const char *what, struct slice name)
{
    gql_error_add(b->errors, b->text, "Schema", &at->at, 1, "%s \"%.*s\".", what, SLICE_ARG(name));
    b->err = b->err ? b->err : ERR_INVALID;
}

static void *alloc(struct build *b, size_t n, size_t size)
{
    void *p = arena_zalloc(b->s->arena, (n ? n : 1) * size);
    if (!p)
        b->err = ERR_NOMEM;
    return p;
}

static size_t count(const struct gql_node *n)
{
    size_t c = 0;
    for (; n; n = n->next)
        c++;
    return c;
}

/* ---- references ---- */

static const struct gql_type *wrap(struct build *b, const struct gql_type *of, bool list)
{
    /* the one place where a type changes after it was made */
    struct gql_type *inner = (struct gql_type *)(uintptr_t)of;
    const struct gql_type **slot = list ? &inner->list : &inner->non_null;
    struct gql_type *outer = *slot ? NULL : alloc(b, 1, sizeof *outer);
    if (outer) {
        outer->kind = list ? GQL_T_LIST : GQL_T_NON_NULL;
        outer->of = of;
        *slot = outer;
    }
    return *slot;
}

static const struct gql_type *refer(struct build *b, const struct gql_node *n)
{
    if (n->kind != GQL_NAMED) {
        const struct gql_type *of = refer(b, n->type);
        return of ? wrap(b, of, n->kind == GQL_LIST_TYPE) : NULL;
    }
    const struct gql_type *t = map_get(&b->s->by_name, n->name);
    if (!t)
        say(b, n, "Unknown type", n->name);
    return t;
}

const struct gql_type *gql_type_of(struct arena *a, const struct gql_schema *s,
                                   const struct gql_node *n)
{
    if (n->kind == GQL_NAMED)
        return gql_type(s, n->name);
    const struct gql_type *of = gql_type_of(a, s, n->type);
    bool list = n->kind == GQL_LIST_TYPE;
    if (!of || (list ? of->list : of->non_null))
        return !of ? NULL : list ? of->list : of->non_null;
    struct gql_type *outer = arena_zalloc(a, sizeof *outer);
    if (outer) {
        outer->kind = list ? GQL_T_LIST : GQL_T_NON_NULL;
        outer->of = of;
    }
    return outer;
}

bool gql_same_type(const struct gql_type *a, const struct gql_type *b)
{
    while (a != b && a->of && b->of && a->kind == b->kind) {
        a = a->of;
        b = b->of;
    }
    return a == b;
}

/* ---- members ---- */

static struct gql_input *inputs(struct build *b, const struct gql_node *first, size_t *ret_n)
{
    size_t n = count(first);
    struct gql_input *list = alloc(b, n, sizeof *list);
    *ret_n = 0;
    for (const struct gql_node *at = first; at && list; at = at->next) {
        const struct gql_type *type = refer(b, at->type);
        if (type && !gql_is_input(type))
            say(b, at->type, "No input type:", gql_bare(type)->name);
        if (gql_input(list, *ret_n, at->name))
            say(b, at, "Defined twice:", at->name);
        list[(*ret_n)++] = (struct gql_input){at->name, at, type};
    }
    return list;
}

static bool index_put(struct build *b, struct gql_type *t, struct slice name, void *value,
                      const struct gql_node *at)
{
    void *old = NULL;
    if (map_put(t->by_name, name, value, &old))
        b->err = ERR_NOMEM;
    else if (old)
        say(b, at, "Defined twice:", name);
    return !b->err;
}

static void fields(struct build *b, struct gql_type *t)
{
    t->fields = alloc(b, count(t->node->kids), sizeof *t->fields);
    for (const struct gql_node *at = t->node->kids; at && t->fields; at = at->next) {
        struct gql_field *f = &t->fields[t->fields_n++];
        *f = (struct gql_field){.name = at->name, .node = at, .parent = t};
        f->type = refer(b, at->type);
        f->args = inputs(b, at->args, &f->args_n);
        if (f->type && gql_bare(f->type)->kind == GQL_T_INPUT)
            say(b, at->type, "No output type:", gql_bare(f->type)->name);
        index_put(b, t, f->name, f, at);
    }
}

static const struct gql_type **named_types(struct build *b, const struct gql_node *first,
                                           size_t *ret_n)
{
    const struct gql_type **list = alloc(b, count(first), sizeof *list);
    *ret_n = 0;
    for (const struct gql_node *at = first; at && list; at = at->next) {
        const struct gql_type *t = refer(b, at);
        if (t)
            list[(*ret_n)++] = t;
    }
    return list;
}

static void complete(struct build *b, struct gql_type *t)
{
    t->by_name = alloc(b, 1, sizeof *t->by_name);
    if (!t->by_name)
        return;
    switch (t->kind) {
    case GQL_T_OBJECT:
    case GQL_T_INTERFACE:
        fields(b, t);
        t->interfaces = named_types(b, t->node->interfaces, &t->interfaces_n);
        break;
    case GQL_T_UNION:
        t->possible = named_types(b, t->node->kids, &t->possible_n);
        break;
    case GQL_T_INPUT:
        t->inputs = inputs(b, t->node->kids, &t->inputs_n);
        t->one_of = gql_find_node(t->node->directives, SLICE_LIT("oneOf"));
        for (size_t i = 0; t->inputs && i < t->inputs_n; i++)
            index_put(b, t, t->inputs[i].name, &t->inputs[i], t->inputs[i].node);
        break;
    case GQL_T_ENUM:
        for (struct gql_node *at = t->node->kids; at; at = at->next)
            if (!index_put(b, t, at->name, at, at))
                break;
        break;
    default:
        break;
    }
}

/* The object types of each interface. */
static void implementations(struct build *b)
{
    const struct gql_schema *s = b->s;
    for (size_t i = 0; i < s->types_n; i++) {
        struct gql_type *t = (struct gql_type *)(uintptr_t)s->types[i];
        if (t->kind != GQL_T_INTERFACE)
            continue;
        t->possible = alloc(b, s->types_n, sizeof *t->possible);
        for (size_t j = 0; j < s->types_n && t->possible; j++)
            for (size_t k = 0; k < s->types[j]->interfaces_n; k++)
                if (s->types[j]->kind == GQL_T_OBJECT && s->types[j]->interfaces[k] == t)
                    t->possible[t->possible_n++] = s->types[j];
    }
}

/* ---- definitions ---- */

static uint8_t scalar_of(struct slice name)
{
    static const char *const names[] = {"", "Int", "Float", "String", "Boolean", "ID"};
    for (uint8_t i = 1; i < sizeof names / sizeof names[0]; i++)
        if (slice_is(name, names[i]))
            return i;
    return GQL_S_OWN;
}

static void define_type(struct build *b, const struct gql_node *n)
{
    struct gql_type *t = alloc(b, 1, sizeof *t);
    if (!t)
        return;
    t->kind = (uint8_t)(n->kind - GQL_SCALAR_DEFINITION + GQL_T_SCALAR);
    t->name = n->name;
    t->node = n;
    t->scalar = t->kind == GQL_T_SCALAR ? scalar_of(n->name) : GQL_S_OWN;
    if (map_get(&b->s->by_name, n->name))
        say(b, n, "Defined twice:", n->name);
    else if (map_put(&b->s->by_name, n->name, t, NULL))
        b->err = ERR_NOMEM;
    else
        b->s->types[b->s->types_n++] = t;
}

static void define_directive(struct build *b, const struct gql_node *n)
{
    struct gql_directive *d = &b->s->directives[b->s->directives_n++];
    *d = (struct gql_directive){.name = n->name, .node = n};
    d->args = inputs(b, n->args, &d->args_n);
    for (const struct gql_node *at = n->kids; at; at = at->next)
        for (uint32_t i = 0; i < GQL_AT_N; i++)
            if (slice_is(at->name, gql_directive_places[i]))
                d->places |= UINT32_C(1) << i;
}

static void define_types(struct build *b, const struct gql_document *doc)
{
    b->text = doc->text;
    for (const struct gql_node *n = doc->first; n && !b->err; n = n->next) {
        if (n->extends || n->kind < GQL_SCHEMA_DEFINITION)
            say(b, n, "A schema of one text defines, and does nothing else:", n->name);
        else if (n->kind == GQL_SCHEMA_DEFINITION)
            b->s->definition = n;
        else if (n->kind != GQL_DIRECTIVE_DEFINITION)
            define_type(b, n);
    }
}

static void define_directives(struct build *b, const struct gql_document *doc)
{
    b->text = doc->text;
    for (const struct gql_node *n = doc->first; n && !b->err; n = n->next)
        if (n->kind == GQL_DIRECTIVE_DEFINITION)
            define_directive(b, n);
}

static void roots(struct build *b)
{
    struct gql_schema *s = b->s;
    s->roots[GQL_QUERY] = gql_type(s, SLICE_LIT("Query"));
    if (!s->definition) {
        s->roots[GQL_MUTATION] = gql_type(s, SLICE_LIT("Mutation"));
        s->roots[GQL_SUBSCRIPTION] = gql_type(s, SLICE_LIT("Subscription"));
    }
    for (const struct gql_node *n = s->definition ? s->definition->kids : NULL; n; n = n->next)
        s->roots[n->operation] = refer(b, n->type);
    if (!s->roots[GQL_QUERY] || s->roots[GQL_QUERY]->kind != GQL_T_OBJECT)
        say(b, b->s->doc->first, "There is no type", SLICE_LIT("Query"));
}

/* __Root is no type of the schema: its fields are those that every object, and the root, has. */
static void meta_fields(struct build *b)
{
    struct gql_schema *s = b->s;
    struct gql_type *root = map_remove(&s->by_name, SLICE_LIT("__Root"));
    s->typename_ = root->fields[0];
    s->schema = root->fields[1];
    s->type = root->fields[2];
    s->typename_.parent = s->schema.parent = s->type.parent = NULL;
    map_release(root->by_name);
    s->types_n--; /* it stands last */
}

int gql_schema_new(struct arena *a, struct slice sdl, struct gql_schema **ret,
                   struct gql_errors *errors)
{
    struct gql_schema *s = arena_zalloc(a, sizeof *s);
    struct build b = {.s = s, .errors = errors};
    const struct gql_limits limits = {0};
    if (!s)
        return ERR_NOMEM;
    s->arena = a;
    b.err = gql_parse(a, sdl, &limits, &s->doc, errors);
    if (!b.err)
        b.err = gql_parse(a, slice_str(gql_builtin_sdl), &limits, &s->builtin, errors);
    if (b.err)
        return b.err;
    size_t n = count(s->doc->first) + count(s->builtin->first);
    s->types = alloc(&b, n, sizeof *s->types);
    s->directives = alloc(&b, n, sizeof *s->directives);
    if (!b.err)
        define_types(&b, s->doc);
    if (!b.err)
        define_types(&b, s->builtin);
    b.text = sdl;
    for (size_t i = 0; i < s->types_n && !b.err; i++)
        complete(&b, (struct gql_type *)(uintptr_t)s->types[i]);
    if (!b.err)
        define_directives(&b, s->doc);
    if (!b.err)
        define_directives(&b, s->builtin);
    if (!b.err)
        roots(&b);
    if (!b.err)
        implementations(&b);
    if (!b.err)
        meta_fields(&b);
    if (b.err)
        gql_schema_release(s);
    else
        *ret = s;
    return b.err;
}

void gql_schema_release(struct gql_schema *s)
{
    for (size_t i = 0; s && i < s->types_n; i++)
        if (s->types[i]->by_name)
            map_release(s->types[i]->by_name);
    if (s)
        map_release(&s->by_name);
}

/* ---- looking ---- */

const struct gql_type *gql_type(const struct gql_schema *s, struct slice name)
{
    return map_get(&s->by_name, name);
}

const struct gql_type *gql_type_next(const struct gql_schema *s, size_t *at)
{
    return *at < s->types_n ? s->types[(*at)++] : NULL;
}

const struct gql_directive *gql_directive_next(const struct gql_schema *s, size_t *at)
{
    return *at < s->directives_n ? &s->directives[(*at)++] : NULL;
}

const struct gql_directive *gql_directive(const struct gql_schema *s, struct slice name)
{
    for (size_t i = 0; i < s->directives_n; i++)
        if (slice_eq(s->directives[i].name, name))
            return &s->directives[i];
    return NULL;
}

const struct gql_type *gql_root(const struct gql_schema *s, enum gql_operation operation)
{
    return s->roots[operation];
}

struct gql_field *gql_field(const struct gql_type *t, struct slice name)
{
    bool has = t->kind == GQL_T_OBJECT || t->kind == GQL_T_INTERFACE;
    return has ? map_get(t->by_name, name) : NULL;
}

const struct gql_input *gql_input(const struct gql_input *list, size_t n, struct slice name)
{
    for (size_t i = 0; i < n; i++)
        if (slice_eq(list[i].name, name))
            return &list[i];
    return NULL;
}

const struct gql_node *gql_enum_value(const struct gql_type *t, struct slice name)
{
    return t->kind == GQL_T_ENUM ? map_get(t->by_name, name) : NULL;
}

const struct gql_field *gql_field_of(const struct gql_schema *s, const struct gql_type *parent,
                                     struct slice name)
{
    if (name.n > 2 && name.p[0] == '_' && name.p[1] == '_') {
        if (parent == s->roots[GQL_QUERY] && slice_is(name, "__schema"))
            return &s->schema;
        if (parent == s->roots[GQL_QUERY] && slice_is(name, "__type"))
            return &s->type;
        if (gql_is_composite(parent) && slice_is(name, "__typename"))
            return &s->typename_;
    }
    return gql_field(parent, name);
}

const struct gql_type *gql_bare(const struct gql_type *t)
{
    while (t->of)
        t = t->of;
    return t;
}

const struct gql_type *gql_nullable(const struct gql_type *t)
{
    return t && t->kind == GQL_T_NON_NULL ? t->of : t;
}

void gql_put_type(struct buf *out, const struct gql_type *t)
{
    if (t->kind == GQL_T_LIST)
        buf_add_byte(out, '[');
    if (t->of)
        gql_put_type(out, t->of);
    else
        buf_add_slice(out, t->name);
    if (t->of)
        buf_add_byte(out, t->kind == GQL_T_LIST ? ']' : '!');
}

bool gql_is_input(const struct gql_type *t)
{
    t = gql_bare(t);
    return t->kind == GQL_T_SCALAR || t->kind == GQL_T_ENUM || t->kind == GQL_T_INPUT;
}

bool gql_is_composite(const struct gql_type *t)
{
    return t->kind == GQL_T_OBJECT || t->kind == GQL_T_INTERFACE || t->kind == GQL_T_UNION;
}

bool gql_is_possible(const struct gql_type *abstract, const struct gql_type *object)
{
    for (size_t i = 0; i < abstract->possible_n; i++)
        if (abstract->possible[i] == object)
            return true;
    return abstract == object;
}

/* graphql_value.c - variables and arguments as values (section 6.1.2, 6.4.1 and 3.5 to 3.12 of the
 * standard).  A value is JSON: an object has a member for each field that has a value, lists are
 * arrays even where one thing was written for a list of one. */
#include "base/err.h"
#include "codec/graphql_internal.h"

#include <math.h>

/* ---- leaves out of JSON ---- */

static bool is_whole(const struct jval *v, double *ret)
{
    return jval_number(v, ret) && floor(*ret) == *ret;
}

/* Digits that everybody reads as an integer: a variable may say 1.0 or 1e3. */
static struct jval *whole(struct arena *a, const struct jval *v, double d)
{
    int64_t i;
    if (slice_to_i64(v->text, &i) == 0)
        return jval_copy(a, v);
    struct slice digits = slice_str(arena_printf(a, "%.0f", d));
    return digits.p ? jval_new_raw_number(a, digits) : NULL;
}

static struct jval *leaf_of_json(struct arena *a, const struct gql_type *t, const struct jval *v)
{
    double d;
    if (t->kind == GQL_T_ENUM)
        return v->type == J_STRING && gql_enum_value(t, v->text) ? jval_copy(a, v) : NULL;
    switch (t->scalar) {
    case GQL_S_INT:
        return is_whole(v, &d) && d >= INT32_MIN && d <= INT32_MAX ? whole(a, v, d) : NULL;
    case GQL_S_FLOAT:
        return jval_number(v, &d) && isfinite(d) ? jval_copy(a, v) : NULL;
    case GQL_S_STRING:
        return v->type == J_STRING ? jval_copy(a, v) : NULL;
    case GQL_S_BOOLEAN:
        return v->type == J_BOOL ? jval_copy(a, v) : NULL;
    case GQL_S_ID:
        if (v->type == J_STRING)
            return jval_copy(a, v);
        if (!is_whole(v, &d))
            return NULL;
        v = whole(a, v, d);
        return v ? jval_new_string(a, v->text) : NULL;
    default:
        return jval_copy(a, v);
    }
}

/* ---- literals ---- */

static struct jval *untyped(struct arena *a, const struct gql_node *n, const struct jval *variables)
{
    struct jval *v, *item;
    switch (n->kind) {
    case GQL_VARIABLE:
        v = jval_get_slice(variables, n->name);
        return v ? jval_copy(a, v) : jval_new(a, J_NULL);
    case GQL_INT:
    case GQL_FLOAT:
        return jval_new_raw_number(a, n->text);
    case GQL_BOOLEAN:
        return jval_new_bool(a, slice_is(n->text, "true"));
    case GQL_NULL:
        return jval_new(a, J_NULL);
    case GQL_LIST:
        v = jval_new(a, J_ARRAY);
        for (const struct gql_node *kid = n->kids; v && kid; kid = kid->next)
            if (!(item = untyped(a, kid, variables)) || !jval_append(v, item))
                return NULL;
        return v;
    case GQL_OBJECT:
        v = jval_new(a, J_OBJECT);
        for (const struct gql_node *kid = n->kids; v && kid; kid = kid->next)
            if (!(item = untyped(a, kid->value, variables)) || !jval_set(a, v, kid->name, item))
                return NULL;
        return v;
    default:
        return jval_new_string(a, n->text);
    }
}

static bool is_missing(const struct gql_node *n, const struct jval *variables)
{
    return n->kind == GQL_VARIABLE && !jval_get_slice(variables, n->name);
}

static struct jval *list_literal(struct arena *a, const struct gql_type *item,
                                 const struct gql_node *n, const struct jval *variables)
{
    struct jval *list = jval_new(a, J_ARRAY);
    const struct gql_node *first = n->kind == GQL_LIST ? n->kids : n;
    for (const struct gql_node *kid = first; list && kid; kid = n == kid ? NULL : kid->next) {
        struct jval *v;
        if (n->kind == GQL_LIST && is_missing(kid, variables))
            v = item->kind == GQL_T_NON_NULL ? NULL : jval_new(a, J_NULL);
        else
            v = gql_literal(a, item, kid, variables);
        if (!v || !jval_append(list, v))
            return NULL;
    }
    return list;
}

static const struct gql_node *last_field(const struct gql_node *object, struct slice name)
{
    const struct gql_node *found = NULL;
    for (const struct gql_node *n = object->kids; n; n = n->next)
        if (slice_eq(n->name, name))
            found = n;
    return found;
}

static struct jval *object_literal(struct arena *a, const struct gql_type *t,
                                   const struct gql_node *n, const struct jval *variables)
{
    struct jval *object = n->kind == GQL_OBJECT ? jval_new(a, J_OBJECT) : NULL;
    for (size_t i = 0; object && i < t->inputs_n; i++) {
        const struct gql_input *in = &t->inputs[i];
        const struct gql_node *field = last_field(n, in->name);
        struct jval *v;
        if (field && !is_missing(field->value, variables))
            v = gql_literal(a, in->type, field->value, variables);
        else if (in->node->value)
            v = gql_literal(a, in->type, in->node->value, NULL);
        else if (in->type->kind == GQL_T_NON_NULL)
            return NULL;
        else
            continue;
        if (!v || !jval_set(a, object, in->name, v))
            return NULL;
    }
    if (object && t->one_of && (object->count != 1 || object->first->type == J_NULL))
        return NULL;
    return object;
}

struct jval *gql_literal(struct arena *a, const struct gql_type *t, const struct gql_node *n,
                         const struct jval *variables)
{
    if (n->kind == GQL_VARIABLE) { /* whose value was made for a type that fits */
        const struct jval *v = jval_get_slice(variables, n->name);
        bool fits = v && !(v->type == J_NULL && t->kind == GQL_T_NON_NULL);
        return fits ? jval_copy(a, v) : NULL;
    }
    if (t->kind == GQL_T_NON_NULL)
        return n->kind == GQL_NULL ? NULL : gql_literal(a, t->of, n, variables);
    if (n->kind == GQL_NULL)
        return jval_new(a, J_NULL);
    if (t->kind == GQL_T_LIST)
        return list_literal(a, t->of, n, variables);
    if (t->kind == GQL_T_INPUT)
        return object_literal(a, t, n, variables);
    if (!gql_leaf_literal(t, n))
        return NULL;
    if (t->scalar == GQL_S_ID)
        return jval_new_string(a, n->text);
    return untyped(a, n, variables);
}

/* ---- variables ---- */

struct coerce {
    struct arena *arena;
    struct gql_errors *errors;
    const struct gql_document *doc;
    const struct gql_node *definition; /* of the variable */
    struct buf path;                   /* ".limits[2].low" */
    bool wrong;
};

static void wrong(struct coerce *k, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void wrong(struct coerce *k, const char *format, ...)
{
    struct buf why = {0};
    va_list args;
    va_start(args, format);
    buf_vaddf(&why, format, args);
    va_end(args);
    k->wrong = true;
    gql_error_add(k->errors, k->doc->text, "VariableValues", &k->definition->at, 1,
                  "Variable \"$%.*s\" got an invalid value%s%.*s: %.*s.",
                  SLICE_ARG(k->definition->name), k->path.n ? " at " : "",
                  SLICE_ARG(buf_slice(&k->path)), SLICE_ARG(buf_slice(&why)));
    buf_release(&why);
}

static struct jval *coerce(struct coerce *k, const struct gql_type *t, const struct jval *v);

static void wrong_type(struct coerce *k, const struct gql_type *t, const char *what)
{
    struct buf text = {0};
    gql_put_type(&text, t);
    wrong(k, "it %s \"%.*s\"", what, SLICE_ARG(buf_slice(&text)));
    buf_release(&text);
}

static struct jval *coerce_list(struct coerce *k, const struct gql_type *item, const struct jval *v)
{
    struct jval *list = jval_new(k->arena, J_ARRAY);
    const struct jval *first = v->type == J_ARRAY ? v->first : v;
    size_t i = 0, was = k->path.n;
    for (const struct jval *kid = first; kid && list; kid = kid == v ? NULL : kid->next) {
        if (kid != v)
            buf_addf(&k->path, "[%zu]", i++);
        struct jval *got = coerce(k, item, kid);
        k->path.n = was;
        if (!got || !jval_append(list, got))
            return NULL;
    }
    return list;
}

static struct jval *coerce_field(struct coerce *k, const struct gql_input *in, const struct jval *v)
{
    size_t was = k->path.n;
    if (!v && in->node->value)
        return gql_literal(k->arena, in->type, in->node->value, NULL);
    buf_addf(&k->path, ".%.*s", SLICE_ARG(in->name));
    struct jval *got = NULL;
    if (v)
        got = coerce(k, in->type, v);
    else
        wrong_type(k, in->type, "was not provided, and is");
    k->path.n = was;
    return got;
}

static struct jval *coerce_object(struct coerce *k, const struct gql_type *t, const struct jval *v)
{
    struct jval *object = jval_new(k->arena, J_OBJECT);
    if (v->type != J_OBJECT) {
        wrong_type(k, t, "should be an object of type");
        return NULL;
    }
    for (size_t i = 0; i < t->inputs_n && object; i++) {
        const struct gql_input *in = &t->inputs[i];
        const struct jval *given = jval_get_slice(v, in->name);
        if (!given && !in->node->value && in->type->kind != GQL_T_NON_NULL)
            continue;
        struct jval *got = coerce_field(k, in, given);
        if (got)
            jval_set(k->arena, object, in->name, got);
    }
    for (const struct jval *m = v->first; m; m = m->next)
        if (!map_get(t->by_name, m->key))
            wrong(k, "field \"%.*s\" is not defined by type \"%.*s\"", SLICE_ARG(m->key),
                  SLICE_ARG(t->name));
    if (t->one_of && (v->count != 1 || v->first->type == J_NULL))
        wrong(k, "exactly one key of \"%.*s\" must be specified, and not null", SLICE_ARG(t->name));
    return object;
}

static struct jval *coerce(struct coerce *k, const struct gql_type *t, const struct jval *v)
{
    if (t->kind == GQL_T_NON_NULL) {
        if (v->type != J_NULL)
            return coerce(k, t->of, v);
        wrong_type(k, t, "is null, and should be of type");
        return NULL;
    }
    if (v->type == J_NULL)
        return jval_new(k->arena, J_NULL);
    if (t->kind == GQL_T_LIST)
        return coerce_list(k, t->of, v);
    if (t->kind == GQL_T_INPUT)
        return coerce_object(k, t, v);
    struct jval *leaf = leaf_of_json(k->arena, t, v);
    if (!leaf)
        wrong_type(k, t, "is no value of type");
    return leaf;
}

static int variable(struct coerce *k, const struct gql_schema *s, const struct jval *given,
                    struct jval *out)
{
    const struct gql_node *d = k->definition;
    const struct gql_type *t = gql_type_of(k->arena, s, d->type);
    const struct jval *v = jval_get_slice(given, d->name);
    struct jval *got = NULL;
    if (!t)
        return ERR_NOMEM;
    if (v)
        got = coerce(k, t, v);
    else if (d->value)
        got = gql_literal(k->arena, t, d->value, NULL);
    else if (t->kind == GQL_T_NON_NULL)
        wrong_type(k, t, "was not provided, and is of type");
    else
        return 0;
    if (k->wrong)
        return ERR_INVALID;
    return got && jval_set(k->arena, out, d->name, got) ? 0 : ERR_NOMEM;
}

int gql_variables(struct arena *a, const struct gql_schema *s, const struct gql_document *doc,
                  const struct gql_node *operation, const struct jval *given, struct jval **ret,
                  struct gql_errors *errors)
{
    struct jval *out = jval_new(a, J_OBJECT);
    int err = out ? 0 : ERR_NOMEM;
    for (const struct gql_node *d = operation->args; d && err != ERR_NOMEM; d = d->next) {
        struct coerce k = {.arena = a, .errors = errors, .doc = doc, .definition = d};
        int one = variable(&k, s, given, out);
        err = one == ERR_NOMEM || !err ? one : err;
        buf_release(&k.path);
    }
    if (!err)
        *ret = out;
    return err;
}

/* ---- arguments ---- */

static const char *argument(struct arena *a, const struct gql_input *in,
                            const struct gql_node *node, const struct jval *variables,
                            struct jval *out, const struct gql_node **ret_at)
{
    const struct gql_node *arg = last_field(&(struct gql_node){.kids = node->args}, in->name);
    struct jval *v;
    *ret_at = arg ? arg->value : node;
    if (arg && !is_missing(arg->value, variables))
        v = gql_literal(a, in->type, arg->value, variables);
    else if (in->node->value)
        v = gql_literal(a, in->type, in->node->value, NULL);
    else if (in->type->kind == GQL_T_NON_NULL)
        return "is required, and has no value";
    else
        return NULL;
    return v && jval_set(a, out, in->name, v) ? NULL : "has a value that does not fit";
}

int gql_arguments(struct arena *a, const struct gql_input *inputs, size_t n,
                  const struct gql_node *node, const struct jval *variables, struct jval **ret,
                  const char **ret_why, const struct gql_node **ret_at)
{
    struct jval *out = jval_new(a, J_OBJECT);
    if (!out)
        return ERR_NOMEM;
    for (size_t i = 0; i < n; i++) {
        const struct gql_node *at;
        const char *why = argument(a, &inputs[i], node, variables, out, &at);
        if (!why)
            continue;
        *ret_why = arena_printf(a, "Argument \"%.*s\" %s.", SLICE_ARG(inputs[i].name), why);
        *ret_at = at;
        return *ret_why ? ERR_INVALID : ERR_NOMEM;
    }
    *ret = out;
    return 0;
}

/* ---- @skip and @include ---- */

static bool guarded(const struct gql_node *selection, const char *name, bool otherwise,
                    const struct jval *variables)
{
    const struct gql_node *d = gql_find_node(selection->directives, slice_str(name));
    const struct gql_node *arg = d ? gql_find_node(d->args, SLICE_LIT("if")) : NULL;
    if (!arg)
        return otherwise;
    if (arg->value->kind == GQL_BOOLEAN)
        return slice_is(arg->value->text, "true");
    const struct jval *v = jval_get_slice(variables, arg->value->name);
    return v && v->type == J_BOOL ? v->boolean : otherwise;
}

bool gql_is_included(const struct gql_node *selection, const struct jval *variables)
{
    return !guarded(selection, "skip", false, variables) &&
           guarded(selection, "include", true, variables);
}

/* ---- the operation that is meant ---- */

const struct gql_node *gql_operation_of(const struct gql_document *doc, struct slice name,
                                        struct gql_errors *errors)
{
    const struct gql_node *found = NULL;
    for (const struct gql_node *n = doc->first; n; n = n->next) {
        if (n->kind != GQL_OPERATION || (name.p && !slice_eq(n->name, name)))
            continue;
        if (found && !name.p) {
            gql_error_add(errors, doc->text, "Operation", NULL, 0,
                          "Must provide operation name if query contains multiple operations.");
            return NULL;
        }
        found = n;
    }
    if (!found && name.p)
        gql_error_add(errors, doc->text, "Operation", NULL, 0, "Unknown operation named \"%.*s\".",
                      name.n > 100 ? 100 : (int)name.n, name.p);
    else if (!found)
        gql_error_add(errors, doc->text, "Operation", NULL, 0, "Must provide an operation.");
    return found;
}

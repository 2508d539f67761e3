/* graphql_print.c - documents as text. */
#include "codec/graphql_internal.h"

static void put(struct buf *out, const struct gql_node *n, unsigned indent);

static void line(struct buf *out, unsigned indent)
{
    buf_add_byte(out, '\n');
    for (unsigned i = 0; i < indent; i++)
        buf_add_str(out, "  ");
}

static void put_list(struct buf *out, const struct gql_node *first, const char *open,
                     const char *between, const char *close, unsigned indent)
{
    if (!first)
        return;
    buf_add_str(out, open);
    for (const struct gql_node *n = first; n; n = n->next) {
        put(out, n, indent);
        if (n->next)
            buf_add_str(out, between);
    }
    buf_add_str(out, close);
}

static void put_block(struct buf *out, const struct gql_node *first, unsigned indent)
{
    if (!first)
        return;
    buf_add_str(out, " {");
    for (const struct gql_node *n = first; n; n = n->next) {
        line(out, indent + 1);
        put(out, n, indent + 1);
    }
    line(out, indent);
    buf_add_byte(out, '}');
}

static void put_description(struct buf *out, const struct gql_node *n, unsigned indent)
{
    if (!n->described)
        return;
    json_quote(out, n->description);
    line(out, indent);
}

static void put_directives(struct buf *out, const struct gql_node *n, unsigned indent)
{
    put_list(out, n->directives, " ", " ", "", indent);
}

static void put_type(struct buf *out, const struct gql_node *n)
{
    if (n->kind == GQL_NAMED) {
        buf_add_slice(out, n->name);
        return;
    }
    if (n->kind == GQL_LIST_TYPE)
        buf_add_byte(out, '[');
    put_type(out, n->type);
    buf_add_byte(out, n->kind == GQL_LIST_TYPE ? ']' : '!');
}

static void put_value(struct buf *out, const struct gql_node *n, unsigned indent)
{
    switch (n->kind) {
    case GQL_VARIABLE:
        buf_add_byte(out, '$');
        buf_add_slice(out, n->name);
        break;
    case GQL_STRING:
        json_quote(out, n->text);
        break;
    case GQL_LIST:
        put_list(out, n->kids, "[", ", ", "]", indent);
        if (!n->kids)
            buf_add_str(out, "[]");
        break;
    case GQL_OBJECT:
        put_list(out, n->kids, "{", ", ", "}", indent);
        if (!n->kids)
            buf_add_str(out, "{}");
        break;
    default: /* as written */
        buf_add_slice(out, n->kind == GQL_NULL ? SLICE_LIT("null") : n->text);
    }
}

static void put_operation(struct buf *out, const struct gql_node *n, unsigned indent)
{
    static const char *const words[] = {"query", "mutation", "subscription"};
    put_description(out, n, indent);
    buf_add_str(out, words[n->operation]);
    if (n->name.n)
        buf_addf(out, " %.*s", SLICE_ARG(n->name));
    put_list(out, n->args, "(", ", ", ")", indent);
    put_directives(out, n, indent);
    put_block(out, n->kids, indent);
}

static void put_selection(struct buf *out, const struct gql_node *n, unsigned indent)
{
    if (n->kind == GQL_FIELD) {
        if (n->alias.p)
            buf_addf(out, "%.*s: ", SLICE_ARG(n->alias));
        buf_add_slice(out, n->name);
        put_list(out, n->args, "(", ", ", ")", indent);
    } else {
        buf_add_str(out, "...");
        if (n->kind == GQL_SPREAD)
            buf_add_slice(out, n->name);
        else if (n->type)
            buf_addf(out, " on %.*s", SLICE_ARG(n->type->name));
    }
    put_directives(out, n, indent);
    put_block(out, n->kids, indent);
}

static void put_input(struct buf *out, const struct gql_node *n, unsigned indent)
{
    put_description(out, n, indent);
    if (n->kind == GQL_VARIABLE_DEFINITION)
        buf_add_byte(out, '$');
    buf_add_slice(out, n->name);
    if (n->kind == GQL_FIELD_DEFINITION)
        put_list(out, n->args, "(", ", ", ")", indent + 1);
    buf_add_str(out, ": ");
    put_type(out, n->type);
    if (n->value) {
        buf_add_str(out, " = ");
        put_value(out, n->value, indent);
    }
    put_directives(out, n, indent);
}

static void put_type_system(struct buf *out, const struct gql_node *n, unsigned indent)
{
    static const char *const words[] = {"schema", "scalar", "type",  "interface",
                                        "union",  "enum",   "input", "directive"};
    put_description(out, n, indent);
    buf_addf(out, "%s%s", n->extends ? "extend " : "", words[n->kind - GQL_SCHEMA_DEFINITION]);
    if (n->kind != GQL_SCHEMA_DEFINITION)
        buf_addf(out, " %s%.*s", n->kind == GQL_DIRECTIVE_DEFINITION ? "@" : "",
                 SLICE_ARG(n->name));
    put_list(out, n->interfaces, " implements ", " & ", "", indent);
    put_list(out, n->args, "(", ", ", ")", indent + 1);
    put_directives(out, n, indent);
    if (n->kind == GQL_UNION_DEFINITION)
        put_list(out, n->kids, " = ", " | ", "", indent);
    else if (n->kind == GQL_DIRECTIVE_DEFINITION)
        put_list(out, n->kids, n->repeatable ? " repeatable on " : " on ", " | ", "", indent);
    else
        put_block(out, n->kids, indent);
}

static void put(struct buf *out, const struct gql_node *n, unsigned indent)
{
    static const char *const operations[] = {"query: ", "mutation: ", "subscription: "};
    switch (n->kind) {
    case GQL_OPERATION:
        put_operation(out, n, indent);
        break;
    case GQL_FRAGMENT:
        put_description(out, n, indent);
        buf_addf(out, "fragment %.*s on %.*s", SLICE_ARG(n->name), SLICE_ARG(n->type->name));
        put_directives(out, n, indent);
        put_block(out, n->kids, indent);
        break;
    case GQL_FIELD:
    case GQL_SPREAD:
    case GQL_INLINE:
        put_selection(out, n, indent);
        break;
    case GQL_ARGUMENT:
    case GQL_OBJECT_FIELD:
        buf_addf(out, "%.*s: ", SLICE_ARG(n->name));
        put_value(out, n->value, indent);
        break;
    case GQL_DIRECTIVE:
        buf_addf(out, "@%.*s", SLICE_ARG(n->name));
        put_list(out, n->args, "(", ", ", ")", indent);
        break;
    case GQL_NAMED:
    case GQL_LIST_TYPE:
    case GQL_NON_NULL:
        put_type(out, n);
        break;
    case GQL_VARIABLE_DEFINITION:
    case GQL_FIELD_DEFINITION:
    case GQL_INPUT_VALUE:
        put_input(out, n, indent);
        break;
    case GQL_ENUM_VALUE:
        put_description(out, n, indent);
        buf_add_slice(out, n->name);
        put_directives(out, n, indent);
        break;
    case GQL_OPERATION_TYPE:
        buf_addf(out, "%s%.*s", operations[n->operation], SLICE_ARG(n->type->name));
        break;
    default:
        if (n->kind >= GQL_SCHEMA_DEFINITION)
            put_type_system(out, n, indent);
        else
            put_value(out, n, indent);
    }
}

void gql_print_node(struct buf *out, const struct gql_node *n)
{
    put(out, n, 0);
}

void gql_print(struct buf *out, const struct gql_document *doc)
{
    for (const struct gql_node *n = doc->first; n; n = n->next) {
        put(out, n, 0);
        buf_add_str(out, n->next ? "\n\n" : "\n");
    }
}

/* graphql.h - GraphQL text (October 2021, and of September 2025 descriptions everywhere and oneOf):
 * documents, schemas and whether the one fits the other.  graphql_run.h executes.
 *
 * All pure: no threads, no blocking, memory from the caller's arena.  A document points into its
 * text, a schema into its SDL; a schema may be read by many at once. */
#ifndef CODEC_GRAPHQL_H
#define CODEC_GRAPHQL_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/map.h"
#include "codec/json.h"

/* ---- what went wrong ---- */

enum { GQL_ERRORS_MAX = 100, GQL_PLACES_MAX = 64 };

/* Of a text: line and column from 1; the column counts UTF-16 units, as everybody's tools do. */
struct gql_place {
    uint32_t line, column;
};

struct gql_error {
    const char *rule; /* "FieldsOnCorrectType" of the standard's rules; "Syntax"; or NULL */
    const char *message;
    struct gql_place *places;
    size_t places_n;
    struct gql_error *next;
};

struct gql_errors {
    struct arena *arena;
    struct gql_error *first, **last;
    size_t n;            /* of those that are kept: GQL_ERRORS_MAX, and one that says so */
    bool failed;         /* memory ran out */
    const char *at_text; /* the place that was worked out last, and of what */
    size_t at;
    struct gql_place at_place;
};
void gql_errors_init(struct gql_errors *e, struct arena *a);

struct gql_place gql_place(struct slice text, size_t offset);

/* ---- documents ---- */

enum gql_kind {
    /* what is executed */
    GQL_OPERATION,
    GQL_FRAGMENT,
    GQL_FIELD,
    GQL_SPREAD,
    GQL_INLINE,
    GQL_ARGUMENT,
    GQL_DIRECTIVE,
    GQL_VARIABLE_DEFINITION,
    /* values */
    GQL_VARIABLE,
    GQL_INT,
    GQL_FLOAT,
    GQL_STRING,
    GQL_BOOLEAN,
    GQL_NULL,
    GQL_ENUM,
    GQL_LIST,
    GQL_OBJECT,
    GQL_OBJECT_FIELD,
    /* types as they are referred to */
    GQL_NAMED,
    GQL_LIST_TYPE,
    GQL_NON_NULL,
    /* the type system */
    GQL_SCHEMA_DEFINITION,
    GQL_SCALAR_DEFINITION,
    GQL_OBJECT_DEFINITION,
    GQL_INTERFACE_DEFINITION,
    GQL_UNION_DEFINITION,
    GQL_ENUM_DEFINITION,
    GQL_INPUT_DEFINITION,
    GQL_DIRECTIVE_DEFINITION,
    GQL_FIELD_DEFINITION,
    GQL_INPUT_VALUE,
    GQL_ENUM_VALUE,
    GQL_OPERATION_TYPE,
};

enum gql_operation { GQL_QUERY, GQL_MUTATION, GQL_SUBSCRIPTION };

/* One kind of node for all; lists hang together by next. */
struct gql_node {
    uint8_t kind;      /* enum gql_kind */
    uint8_t operation; /* enum gql_operation: of an operation, or an operation type */
    bool block : 1;    /* a block string */
    bool extends : 1;  /* "extend type" */
    bool repeatable : 1;
    bool described : 1; /* it has a description, maybe an empty one */
    uint32_t at;        /* offset of its first byte */
    uint32_t name_at;   /* of its name */
    uint32_t kids_at;   /* of the brace before its selections */
    uint32_t number;    /* of a definition: its place in the document, from 0 */
    struct slice name;
    struct slice alias;       /* of a field; p NULL: none */
    struct slice text;        /* number as written; what a string says; "true" */
    struct slice description; /* what it says */
    struct gql_node *type;    /* reference; of a fragment what it is on; NULL: nothing */
    struct gql_node *value;   /* of an argument, object field; a default */
    struct gql_node *args;    /* arguments, or their definitions, or those of variables */
    struct gql_node *directives;
    struct gql_node *interfaces;
    struct gql_node *kids; /* selections, list items, fields, members, values, locations */
    struct gql_node *next;
};

struct gql_document {
    struct slice text;
    struct gql_node *first; /* definitions */
    size_t definitions, tokens;
};

struct gql_limits {
    size_t tokens; /* 0: no limit */
    size_t depth;  /* of braces, brackets and types; 0: 200 */
};

/* ERR_MALFORMED: one error "Syntax".  The text must be UTF-8. */
int gql_parse(struct arena *a, struct slice text, const struct gql_limits *limits,
              struct gql_document **ret, struct gql_errors *errors);
/* As people would write it.  What is printed is read as the same document. */
void gql_print(struct buf *out, const struct gql_document *doc);
void gql_print_node(struct buf *out, const struct gql_node *node);

static inline struct slice gql_response_key(const struct gql_node *field)
{
    return field->alias.p ? field->alias : field->name;
}

/* ---- schemas ---- */

enum gql_type_kind {
    GQL_T_SCALAR,
    GQL_T_OBJECT,
    GQL_T_INTERFACE,
    GQL_T_UNION,
    GQL_T_ENUM,
    GQL_T_INPUT,
    GQL_T_LIST,
    GQL_T_NON_NULL,
};

enum gql_scalar { GQL_S_OWN, GQL_S_INT, GQL_S_FLOAT, GQL_S_STRING, GQL_S_BOOLEAN, GQL_S_ID };

struct gql_type;

struct gql_input { /* an argument, or a field of an input object */
    struct slice name;
    const struct gql_node *node;
    const struct gql_type *type;
};

struct gql_field {
    struct slice name;
    const struct gql_node *node; /* its definition */
    const struct gql_type *type;
    const struct gql_type *parent;
    struct gql_input *args;
    size_t args_n;
    void *user; /* of whoever executes */
};

struct gql_type {
    uint8_t kind;   /* enum gql_type_kind */
    uint8_t scalar; /* enum gql_scalar */
    bool one_of;    /* an input object of which exactly one field is given */
    struct slice name;
    const struct gql_node *node;
    const struct gql_type *of;       /* of a list, a non-null */
    const struct gql_type *list;     /* [this], once there was one */
    const struct gql_type *non_null; /* this! */
    struct gql_field *fields;
    struct gql_input *inputs;
    const struct gql_type **interfaces; /* that it says */
    const struct gql_type **possible;   /* object types of an interface or union */
    size_t fields_n, inputs_n, interfaces_n, possible_n;
    struct map *by_name; /* of fields, inputs or enum values */
};

struct gql_directive {
    struct slice name;
    const struct gql_node *node;
    struct gql_input *args;
    size_t args_n;
    uint32_t places; /* bits of enum gql_directive_place */
};

struct gql_schema; /* opaque */

/* Of SDL; the scalars, the directives and the types of introspection of the standard are added.
 * ERR_INVALID with errors.  Freed with the arena: gql_schema_release() before that. */
int gql_schema_new(struct arena *a, struct slice sdl, struct gql_schema **ret,
                   struct gql_errors *errors);
void gql_schema_release(struct gql_schema *s);                                  /* NULL too */
const struct gql_type *gql_type(const struct gql_schema *s, struct slice name); /* NULL: none */
const struct gql_type *gql_type_next(const struct gql_schema *s, size_t *at);   /* in order */
const struct gql_directive *gql_directive(const struct gql_schema *s, struct slice name);
const struct gql_directive *gql_directive_next(const struct gql_schema *s, size_t *at);
const struct gql_type *gql_root(const struct gql_schema *s, enum gql_operation operation);
struct gql_field *gql_field(const struct gql_type *type, struct slice name);
const struct gql_input *gql_input(const struct gql_input *inputs, size_t n, struct slice name);
const struct gql_node *gql_enum_value(const struct gql_type *type, struct slice name);
/* The field that a selection names, __typename and at the root __schema and __type too. */
const struct gql_field *gql_field_of(const struct gql_schema *s, const struct gql_type *parent,
                                     struct slice name);
/* The type that a reference names; NULL: there is none.  Wrappers that the schema does not have
 * come from the arena, so types of documents are compared by gql_same_type(). */
const struct gql_type *gql_type_of(struct arena *a, const struct gql_schema *s,
                                   const struct gql_node *reference);
bool gql_same_type(const struct gql_type *a, const struct gql_type *b);
const struct gql_type *gql_bare(const struct gql_type *type); /* without lists and non-nulls */
const struct gql_type *gql_nullable(const struct gql_type *type);
void gql_put_type(struct buf *out, const struct gql_type *type); /* "[Twin!]!" */
bool gql_is_input(const struct gql_type *type);
bool gql_is_composite(const struct gql_type *type);
bool gql_is_possible(const struct gql_type *abstract, const struct gql_type *object);

static inline bool gql_is_required(const struct gql_input *in)
{
    return in->type->kind == GQL_T_NON_NULL && !in->node->value;
}

/* ---- does a document fit a schema ---- */

/* The rules of section 5 of the standard; what does not hold goes into errors.  No rule costs more
 * than the limits of its maker allow: where fields would have to be compared for ever it is refused
 * as OverlappingFieldsCanBeMerged. */
void gql_validate(const struct gql_schema *s, const struct gql_document *doc,
                  struct gql_errors *errors);

/* The operation of that name (p NULL: the only one); NULL with an error. */
const struct gql_node *gql_operation_of(const struct gql_document *doc, struct slice name,
                                        struct gql_errors *errors);

/* ---- values ---- */

/* What the variables of a valid operation come to: an object with a member for each that has a
 * value.  given: an object or NULL.  ERR_INVALID with errors. */
int gql_variables(struct arena *a, const struct gql_schema *s, const struct gql_document *doc,
                  const struct gql_node *operation, const struct jval *given, struct jval **ret,
                  struct gql_errors *errors);
/* The arguments of a field of a valid document, or of a directive: an object.  ERR_INVALID: one is
 * missing or wrong (a variable that is null), *ret_why and *ret_at tell. */
int gql_arguments(struct arena *a, const struct gql_input *inputs, size_t n,
                  const struct gql_node *node, const struct jval *variables, struct jval **ret,
                  const char **ret_why, const struct gql_node **ret_at);
/* By @skip and @include. */
bool gql_is_included(const struct gql_node *selection, const struct jval *variables);

/* ---- what a valid operation may cost ---- */

/* Each field costs one, or what @cost(weight:) at its definition says, as often as it may be
 * there: as the lists above it may have items.  How many: @cost(items:), or the first argument of
 * that list which @cost(by:) names and which is given. */
struct gql_price {
    uint64_t cost;
    size_t depth, fields, aliases;
};
struct gql_price gql_price(const struct gql_schema *s, const struct gql_document *doc,
                           const struct gql_node *operation, const struct jval *variables);

#endif
